package commands

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/vacuum"
)

// repack is what VACUUM FULL and CLUSTER do to a table: its rows go into new files, in the order of an index if there is one.
func (a *alteration) repack(verbose bool) error {
	c, rel := a.c, a.old
	if c.Rehearsal != nil || rel.Heap == nil {
		return a.rewriteTable()
	}
	u := beginUsage(c.S.Slot)
	slot, name := c.S.Slot, c.schemaName(rel.Namespace)+"."+rel.Name
	slot.StartProgress(stats.ProgressCluster, rel.Oid)
	defer slot.EndProgress()
	command, phase := int64(2), int64(stats.ClusterSeqScan)
	if a.order != nil {
		command, phase = 1, stats.ClusterIndexScan
		a.progress(stats.ClusterIndex, int64(a.order.Oid))
	}
	a.progress(stats.ClusterCommand, command)
	var dead float64
	blocks, err := rel.Heap.Blocks()
	if err == nil && verbose {
		dead, err = vacuum.CountDead(c.S.Tx, rel.Heap)
	}
	if err != nil {
		return err
	}
	if a.order == nil {
		a.progress(stats.ClusterBlocks, int64(blocks))
	}
	a.progress(stats.ClusterPhase, phase)
	if verbose && a.order != nil {
		c.info("clustering \"%s\" using index scan on \"%s\"", name, a.order.Name)
	} else if verbose {
		c.info("vacuuming \"%s\"", name)
	}
	if err := a.rewriteTable(); err != nil {
		return err
	}
	a.progress(stats.ClusterPhase, stats.ClusterFinal)
	if verbose {
		c.sendNotice(pgerr.New(pgerr.SuccessfulCompletion, "\"%s\": found %.0f removable, %d nonremovable row versions in %d pages", name, dead, a.copied, blocks).
			WithDetail("%d dead row versions cannot be removed yet.\n%s.", a.dying, u.processor()).WithSeverity(pgerr.Info))
	}
	return nil
}

func (a *alteration) progress(param int, n int64) {
	a.c.S.Slot.SetProgress(stats.ProgressCluster, param, n)
}

// wrote accounts for rows that were copied, the last of them from block blk.
func (a *alteration) wrote(rows int, blk ids.BlockNumber) {
	a.copied += int64(rows)
	a.progress(stats.ClusterTuplesScanned, a.copied)
	a.progress(stats.ClusterTuplesWritten, a.copied)
	if a.order == nil && blk != ids.InvalidBlock {
		a.progress(stats.ClusterBlocksScanned, int64(blk)+1)
	}
}
