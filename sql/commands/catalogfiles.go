package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/locks"
	"gompho/stats"
)

// REINDEX, VACUUM FULL and CLUSTER of catalogs. All the files that a command makes are filled before the first of them takes its place (catalog.Session.TakeFiles):
// the catalogs are read while it works, by itself too. Others are kept out by AccessExclusive on the table, for who reads a catalog locks the table alone.

// holdCatalog locks a catalog, or the table that an index or toast table belongs to, for new files, and returns its descriptor.
func (c *Context) holdCatalog(oid ids.Oid) (*catalog.Relation, error) {
	if err := c.S.Cat.HoldRelation(catalog.FileOwner(oid), locks.AccessExclusive); err != nil {
		return nil, err
	}
	return c.S.Cat.LockRelation(oid, locks.AccessExclusive)
}

// reindexCatalog makes indexes of a catalog anew: all of them, or one.
func (c *Context) reindexCatalog(table, only ids.Oid) error {
	rel, err := c.holdCatalog(table)
	if rel == nil || err != nil {
		return err
	}
	var list []ids.Oid
	for _, ix := range rel.Indexes {
		if only == 0 || ix.Oid == only {
			list = append(list, ix.Oid)
		}
	}
	for _, oid := range list {
		if err := c.reindexCatalogIndex(table, oid); err != nil {
			return err
		}
	}
	return nil
}

func (c *Context) reindexCatalogIndex(table, index ids.Oid) error {
	defer c.showBuild(table, index, showsReindex)()
	if err := c.S.Cat.HoldRelation(index, locks.AccessExclusive); err != nil || c.would(BuildsIndex, index) {
		return err
	}
	u := beginUsage(c.S.Slot)
	rel, err := c.S.Relation(table)
	if err != nil {
		return err
	}
	made, err := c.S.Cat.NewIndexFile(rel, index)
	if err != nil {
		return err
	}
	if err := c.fillCatalogIndex(rel, made); err != nil {
		return err
	}
	if err := c.S.Cat.TakeIndexFile(indexOf(rel, index), made); err != nil {
		return err
	}
	c.toldReindexed(index, &u)
	return c.step()
}

func (c *Context) fillCatalogIndex(rel *catalog.Relation, ix *catalog.Index) error {
	blocks, err := rel.Heap.Blocks()
	if err != nil {
		return err
	}
	if blocks == 0 {
		return ix.Btree.CreateEmpty(c.S.Tx)
	}
	b, err := c.newIndexBuild(rel, ix, blocks)
	if err != nil {
		return err
	}
	defer b.close()
	return b.run()
}

// rewriteCatalog is rewriteTable for a catalog.
func (a *alteration) rewriteCatalog() error {
	c := a.c
	old, err := c.holdCatalog(a.oid)
	if old == nil || err != nil || c.would(Rewrites, a.oid) {
		return err
	}
	a.old = old
	var oldToast, toast *catalog.Relation
	if old.Toast != 0 {
		if oldToast, err = c.S.Cat.LockRelation(old.Toast, locks.AccessExclusive); err != nil {
			return err
		}
		if toast, err = c.S.Cat.NewFiles(oldToast, nil); err != nil {
			return err
		}
		for _, ix := range toast.Indexes {
			if err := ix.Btree.CreateEmpty(c.S.Tx); err != nil {
				return err
			}
		}
	}
	now, err := c.S.Cat.NewFiles(old, toast)
	if err != nil {
		return err
	}
	if err := a.fillCatalog(old, now); err != nil {
		return err
	}
	if err := c.S.Cat.TakeFiles(old, now); err != nil {
		return err
	}
	if toast != nil {
		if err := c.S.Cat.TakeFiles(oldToast, toast); err != nil {
			return err
		}
	}
	return c.step()
}

// fillCatalog copies the rows and builds the indexes.
func (a *alteration) fillCatalog(old, now *catalog.Relation) error {
	c := a.c
	if a.order != nil { // the descriptor may be another one by now
		a.order = indexOf(old, a.order.Oid)
	}
	r, err := a.newRewriter(old, now)
	if err != nil {
		return err
	}
	defer r.bulk.Release()
	if err := r.copyVersions(); err != nil {
		return err
	}
	a.progress(stats.ClusterPhase, stats.ClusterRebuild)
	for _, ix := range now.Indexes {
		if err := c.fillCatalogIndex(now, ix); err != nil {
			return err
		}
		a.c.S.Slot.AddProgress(stats.ProgressCluster, stats.ClusterIndexesRebuilt, 1)
	}
	return nil
}
