package commands

import (
	"slices"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/sql/ast"
	"gompho/stats"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// Indexes that are made, made anew and dropped while others write to the table. Each state of an index has a transaction of its own, and before
// the next one begins everybody is gone who may act by an earlier one:
//
//  1. in the catalogs, neither ready nor valid: whoever updates a row by its columns does not do so within a HOT chain;
//  2. filled with the rows that a snapshot sees, and ready: who adds rows makes entries;
//  3. checked against the table, under a second snapshot, for rows that came between the two;
//  4. valid, when nobody has a snapshot any more that may see rows of which the index has no entry.
//
// A lock of the session's on the table, ShareUpdateExclusive, holds throughout. What fails leaves an index that is not valid.

// nextTransaction commits what was done and begins again.
func (c *Context) nextTransaction() error {
	if c.Hooks == nil || c.Hooks.NextTransaction == nil {
		return missing("CONCURRENTLY here")
	}
	return c.Hooks.NextTransaction()
}

// looksElsewhere reports whether to make entries of an index runs functions, of an expression or a predicate, which may look into other tables.
func (c *Context) looksElsewhere(table, index ids.Oid) (bool, error) {
	rel, err := c.S.Relation(table)
	if rel == nil || err != nil {
		return true, err
	}
	ix := indexOf(rel, index)
	return ix == nil || ix.PredText != nil || slices.Contains(ix.Keys, 0), nil
}

// holdForSession takes locks that outlive the transactions of the command, and returns what gives them back.
func (c *Context) holdForSession(rels ...ids.Oid) (release func(), err error) {
	var held []locks.Tag
	release = func() {
		for _, t := range held {
			c.S.Owner.Release(t, locks.ShareUpdateExclusive, true)
		}
	}
	for _, r := range rels {
		tag := c.S.Cat.RelationTag(r)
		if err := c.S.Owner.Acquire(tag, locks.ShareUpdateExclusive, locks.Opts{Session: true}); err != nil {
			release()
			return nil, err
		}
		held = append(held, tag)
	}
	return release, nil
}

// waitForLockers waits for the transactions that hold a lock on a table in conflict with mode now, not for later ones.
func (c *Context) waitForLockers(table ids.Oid, mode locks.Mode) error {
	c.S.Tx.ReleaseCatalogSnapshot()
	return c.waitVxids(c.S.Locks.Conflicting(c.S.Cat.RelationTag(table), mode, c.S.Owner), nil)
}

// waitForSnapshots waits until no transaction of the database has a snapshot that is as old as limit.
func (c *Context) waitForSnapshots(limit ids.Xid) error {
	c.S.Tx.ReleaseCatalogSnapshot()
	old := c.S.Tx.Manager().SnapshotsUpTo(limit, c.S.DB, c.S.Tx)
	return c.waitVxids(old, func(v ids.VirtualXid) bool {
		// It may have given that snapshot up meanwhile.
		return v != old[0] && !slices.Contains(c.S.Tx.Manager().SnapshotsUpTo(limit, c.S.DB, c.S.Tx), v)
	})
}

// setIndexState changes the flags of an index.
func (c *Context) setIndexState(table, index ids.Oid, change func(r *catalog.PgIndex)) error {
	row, err := catalog.Fetch[catalog.PgIndex](c.S.Cat, catalog.PgIndexIndexrelidIndex, catalog.OidKey(catalog.AttPgIndexIndexrelid, index))
	if err != nil {
		return err
	}
	if row == nil {
		return pgerr.Internal("cache lookup failed for index %d", index)
	}
	change(row)
	if err := c.S.Cat.Update(row); err != nil {
		return err
	}
	c.S.Cat.InvalidateRelation(table)
	return c.step()
}

// createConcurrently is CREATE INDEX CONCURRENTLY of an index whose rows are to be n.
func (c *Context) createConcurrently(rel *catalog.Relation, st *ast.IndexStmt) error {
	table := rel.Oid
	index, err := c.defineIndex(rel, st)
	if err != nil {
		return err
	}
	release, err := c.holdForSession(table)
	if err != nil {
		return err
	}
	defer release()
	defer c.showBuild(table, index, showsCreateConcurrently)()
	if err := c.nextTransaction(); err != nil {
		return err
	}
	limit, err := c.fillConcurrently(table, []ids.Oid{index})
	if err != nil {
		return err
	}
	c.buildPhase(stats.IndexWaitOldSnapshots)
	if err := c.waitForSnapshots(limit); err != nil {
		return err
	}
	return c.setIndexState(table, index, func(r *catalog.PgIndex) { r.Indisvalid = true })
}

// fillConcurrently takes indexes of a table from their rows in the catalogs to the point where they have all entries: steps 1 to 3. What
// snapshots up to limit see may still be missing. It begins and ends with a new transaction.
func (c *Context) fillConcurrently(table ids.Oid, indexes []ids.Oid) (limit ids.Xid, err error) {
	c.buildPhase(stats.IndexWaitBeforeBuild)
	if err := c.waitForLockers(table, locks.Share); err != nil {
		return 0, err
	}
	elsewhere := make([]bool, len(indexes))
	for i, ix := range indexes {
		if elsewhere[i], err = c.looksElsewhere(table, ix); err != nil {
			return 0, err
		}
		c.S.Tx.SetBystander(!elsewhere[i])
		c.buildProgress(stats.IndexOid, int64(ix))
		if err := c.underSnapshot(table, ix, c.buildConcurrently); err != nil {
			return 0, err
		}
		if err := c.setIndexState(table, ix, func(r *catalog.PgIndex) { r.Indisready = true }); err != nil {
			return 0, err
		}
		if err := c.nextTransaction(); err != nil {
			return 0, err
		}
	}
	c.buildPhase(stats.IndexWaitBeforeValidate)
	if err := c.waitForLockers(table, locks.Share); err != nil {
		return 0, err
	}
	for i, ix := range indexes {
		c.S.Tx.SetBystander(!elsewhere[i])
		c.buildProgress(stats.IndexOid, int64(ix))
		err := c.underSnapshot(table, ix, func(rel *catalog.Relation, index *catalog.Index, snap *mvcc.Snapshot) error {
			limit = max(limit, snap.Xmin)
			return c.completeIndex(rel, index, snap)
		})
		if err != nil {
			return 0, err
		}
		if err := c.nextTransaction(); err != nil {
			return 0, err
		}
	}
	return limit, nil
}

// underSnapshot runs a step over the rows that a new snapshot sees.
func (c *Context) underSnapshot(table, index ids.Oid, f func(rel *catalog.Relation, ix *catalog.Index, snap *mvcc.Snapshot) error) error {
	rel, err := c.S.Cat.LockRelation(table, locks.ShareUpdateExclusive)
	if err != nil {
		return err
	}
	if rel == nil {
		return pgerr.Internal("could not open relation with OID %d", table)
	}
	if err := c.S.Cat.HoldRelation(index, locks.RowExclusive); err != nil {
		return err
	}
	if rel, err = c.S.Relation(table); err != nil {
		return err
	}
	ix := indexOf(rel, index)
	if ix == nil || ix.Btree == nil || rel.Heap == nil {
		return pgerr.Internal("index %d of relation %d cannot be built", index, table)
	}
	snap := c.S.Tx.Register(c.S.Tx.LatestSnapshot())
	defer c.S.Tx.Unregister(snap)
	return f(rel, ix, snap)
}

// buildConcurrently fills a new index with the rows that a snapshot sees.
func (c *Context) buildConcurrently(rel *catalog.Relation, ix *catalog.Index, snap *mvcc.Snapshot) error {
	if c.would(BuildsIndex, ix.Oid) {
		return ix.Btree.CreateEmpty(c.S.Tx)
	}
	blocks, err := rel.Heap.Blocks()
	if err != nil {
		return err
	}
	b, err := c.newIndexBuild(rel, ix, 0)
	if err != nil {
		return err
	}
	defer b.close()
	b.snap = snap
	if err := b.run(); err != nil {
		return err
	}
	return c.storeBuildStats(rel, ix, blocks, b.rows, b.entries)
}

// completeIndex adds the entries of rows that a snapshot sees and the index lacks.
func (c *Context) completeIndex(rel *catalog.Relation, ix *catalog.Index, snap *mvcc.Snapshot) error {
	if c.would(Scans, rel.Oid) {
		return nil
	}
	c.buildPhase(stats.IndexValidateIndexScan)
	have := map[ids.TID]struct{}{}
	var st btree.VacuumStats
	err := ix.Btree.BulkDelete(c.S.Tx, func(t ids.TID) bool {
		have[t] = struct{}{}
		return false
	}, nil, &st)
	if err != nil {
		return err
	}
	b, err := c.newIndexBuild(rel, ix, 0)
	if err != nil {
		return err
	}
	defer b.close()
	c.buildPhase(stats.IndexValidateTableScan)
	mode := btree.UniqueNo
	if ix.Unique {
		mode = btree.UniqueYes
	}
	scan, err := heap.BeginBuildScan(c.S.Tx, rel.Heap, b.cols)
	if err != nil {
		return err
	}
	defer scan.Close()
	scan.Under(snap)
	batch := scan.NewBatch(buildBatch)
	tids, live, vals := make([]ids.TID, buildBatch), make([]bool, buildBatch), make([]types.Datum, len(b.pos))
	for {
		n, err := scan.NextBatch(buildBatch, batch, tids, live)
		if n == 0 || err != nil {
			return err
		}
		for i := range n {
			if _, ok := have[tids[i]]; ok {
				continue
			}
			ok, err := b.values(batch, i, vals)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if _, err := ix.Btree.Insert(c.S.Tx, vals, tids[i], mode); err != nil {
				return err
			}
		}
	}
}

// dropConcurrently is DROP INDEX CONCURRENTLY: nobody reads the index when it stops being written, and nobody writes it when it goes.
func (c *Context) dropConcurrently(rv *ast.RangeVar, st *ast.DropStmt) error {
	k := dropKinds[ast.ObjectIndex]
	var table ids.Oid
	check := func(oid ids.Oid) error {
		if err := c.checkDroppable(oid, k); err != nil {
			return err
		}
		r, err := c.S.Cat.Relation(oid)
		if r == nil || err != nil {
			return err
		}
		table = r.Index.Table
		return c.S.Cat.HoldRelation(table, locks.ShareUpdateExclusive)
	}
	ix, err := c.S.Cat.OpenRelation(relName(rv), locks.ShareUpdateExclusive, catalog.LockOpts{MissingOK: true, Check: check})
	if err != nil {
		return err
	}
	if ix == nil {
		_, err := c.dropRelation(rv, k, st.MissingOk)
		return err
	}
	if ix.Kind == 'I' {
		return pgerr.NotSupported("cannot drop partitioned index %q concurrently", ix.Name)
	}
	if ix.Persistence == 't' {
		return c.performDeletion([]catalog.Object{catalog.RelationObject(ix.Oid)}, ast.DropRestrict)
	}
	if err := c.S.Cat.PerformDeletion([]catalog.Object{catalog.RelationObject(ix.Oid)}, catalog.DropOpts{NoLock: true, CheckOnly: true}); err != nil {
		return err
	}
	release, err := c.holdForSession(table, ix.Oid)
	if err != nil {
		return err
	}
	defer release()
	if err := c.retire(table, []ids.Oid{ix.Oid}); err != nil {
		return err
	}
	return c.performDeletion([]catalog.Object{catalog.RelationObject(ix.Oid)}, ast.DropRestrict)
}

// retire takes indexes out of use: not valid, then dead. It begins within a transaction and ends in a new one, when nobody uses them any more.
func (c *Context) retire(table ids.Oid, indexes []ids.Oid) error {
	for _, change := range []func(r *catalog.PgIndex){
		func(r *catalog.PgIndex) { r.Indisvalid, r.Indisclustered, r.Indisreplident = false, false, false },
		func(r *catalog.PgIndex) { r.Indisready, r.Indislive = false, false },
	} {
		c.S.Tx.SetBystander(true) // catalogs only
		for _, ix := range indexes {
			if err := c.setIndexState(table, ix, change); err != nil {
				return err
			}
		}
		if err := c.nextTransaction(); err != nil {
			return err
		}
		if err := c.waitForLockers(table, locks.AccessExclusive); err != nil {
			return err
		}
	}
	return nil
}
