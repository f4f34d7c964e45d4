package commands

import (
	"io"
	"os"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/ast"
	"gompho/stats"
)

// The numbers in pg_stat_progress_create_index that say which command it is.
const (
	showsCreate int64 = iota + 1
	showsCreateConcurrently
	showsReindex
	showsReindexConcurrently
)

// showBuild begins to show the building of an index, unless that is part of another command that is shown; call what it returns at the end.
func (c *Context) showBuild(table, index ids.Oid, command int64) (end func()) {
	slot := c.S.Slot
	if c.Rehearsal != nil || slot.ProgressNow().Command != stats.ProgressNone {
		c.buildProgress(stats.IndexOid, int64(index))
		return func() {}
	}
	slot.StartProgress(stats.ProgressCreateIndex, table)
	c.buildProgress(stats.IndexCommand, command)
	c.buildProgress(stats.IndexOid, int64(index))
	c.buildProgress(stats.IndexAm, int64(catalog.BtreeAm))
	return slot.EndProgress
}

func (c *Context) buildProgress(param int, v int64) {
	c.S.Slot.SetProgress(stats.ProgressCreateIndex, param, v)
}

// buildPhase shows another phase; what was counted in the last one is forgotten.
func (c *Context) buildPhase(phase int64) {
	for _, p := range [...]int{stats.IndexSubphase, stats.IndexTuples, stats.IndexTuplesDone, stats.IndexBlocks, stats.IndexBlocksDone, stats.IndexLockers,
		stats.IndexLockersDone, stats.IndexLocker} {
		c.buildProgress(p, 0)
	}
	c.buildProgress(stats.IndexPhase, phase)
}

// waitVxids waits for the end of transactions and shows for whom, skip leaving out those that need not be waited for any more.
func (c *Context) waitVxids(list []ids.VirtualXid, skip func(ids.VirtualXid) bool) error {
	pids := map[int32]int32{}
	if c.S.Slot.ShowsProgress(stats.ProgressCreateIndex) && len(list) > 0 {
		for _, p := range c.S.Tx.Manager().Procs() {
			pids[p.Vxid.Proc] = p.PID
		}
	}
	c.buildProgress(stats.IndexLockers, int64(len(list)))
	for i, v := range list {
		if skip == nil || !skip(v) {
			c.buildProgress(stats.IndexLocker, int64(pids[v.Proc]))
			if _, err := c.S.Owner.WaitVxid(v, false); err != nil {
				return err
			}
		}
		c.buildProgress(stats.IndexLockersDone, int64(i+1))
	}
	c.buildProgress(stats.IndexLocker, 0)
	return nil
}

// showCopy begins to show a COPY.
func (c *Context) showCopy(rel ids.Oid, st *ast.CopyStmt) (end func()) {
	slot := c.S.Slot
	slot.StartProgress(stats.ProgressCopy, rel)
	command, typ := int64(2), int64(3)
	if st.IsFrom {
		command = 1
	}
	if st.Filename != "" {
		typ = 1
		if f, err := os.Stat(st.Filename); err == nil && st.IsFrom {
			slot.SetProgress(stats.ProgressCopy, stats.CopyBytesTotal, f.Size())
		}
	}
	slot.SetProgress(stats.ProgressCopy, stats.CopyCommand, command)
	slot.SetProgress(stats.ProgressCopy, stats.CopyType, typ)
	return slot.EndProgress
}

// countedReader shows how many bytes have gone through.
type countedReader struct {
	io.Reader
	slot *stats.Slot
}

func (r countedReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.slot.AddProgress(stats.ProgressCopy, stats.CopyBytes, int64(n))
	return n, err
}

func (c *Context) analyzeProgress(param int, v int64) {
	c.S.Slot.SetProgress(stats.ProgressAnalyze, param, v)
}
