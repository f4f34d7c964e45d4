package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/stats"
)

// reindexConcurrently is REINDEX ... CONCURRENTLY: each index is made a second time beside the old one, takes its place, and the old one goes.
func (c *Context) reindexConcurrently(st *ast.ReindexStmt) error {
	if err := c.requireTopLevel("REINDEX CONCURRENTLY"); err != nil {
		return err
	}
	if st.Relation != nil {
		if oid, err := c.S.Cat.LookupRelation(relName(st.Relation)); err != nil {
			return err
		} else if oid != 0 && isCatalog(oid) {
			return pgerr.NotSupported("cannot reindex system catalogs concurrently")
		}
	}
	switch st.Kind {
	case ast.ReindexObjectIndex:
		return c.reindexIndexConcurrently(st)
	case ast.ReindexObjectTable:
		rel, err := c.openMaintained(st.Relation, locks.ShareUpdateExclusive)
		if err != nil {
			return err
		}
		switch {
		case rel.Kind == 'p':
			return c.reindexTreeConcurrently(rel.Oid)
		case rel.Persistence == 't':
			return c.reindexTable(rel)
		}
		any, err := c.reindexTableConcurrently(rel.Oid)
		if err == nil && !any {
			c.notice("table %q has no indexes that can be reindexed concurrently", rel.Name)
		}
		return err
	}
	if st.Kind == ast.ReindexObjectSystem {
		return pgerr.NotSupported("cannot reindex system catalogs concurrently")
	}
	return c.reindexMany(st, locks.ShareUpdateExclusive, func(rel *catalog.Relation) error {
		if rel.Persistence == 't' {
			return c.reindexTable(rel)
		}
		_, err := c.reindexTableConcurrently(rel.Oid)
		return err
	})
}

func (c *Context) reindexIndexConcurrently(st *ast.ReindexStmt) error {
	var table ids.Oid
	check := func(oid ids.Oid) error {
		r, err := c.S.Cat.Relation(oid)
		if r == nil || err != nil {
			return err
		}
		if r.Kind != 'i' && r.Kind != 'I' {
			return pgerr.New(pgerr.WrongObjectType, "%q is not an index", r.Name)
		}
		if err := c.checkOwner(r); err != nil {
			return err
		}
		table = r.Index.Table
		return c.S.Cat.HoldRelation(table, locks.ShareUpdateExclusive)
	}
	ix, err := c.S.Cat.OpenRelation(relName(st.Relation), locks.ShareUpdateExclusive, catalog.LockOpts{Check: check})
	if err != nil {
		return err
	}
	switch {
	case ix.Kind == 'I':
		return c.reindexTreeConcurrently(ix.Oid)
	case ix.Persistence == 't':
		if err := c.S.Cat.HoldRelation(table, locks.Share); err != nil {
			return err
		}
		return c.rebuildIndex(table, ix.Oid, ix.Persistence, true)
	}
	return c.replaceIndexes(table, []ids.Oid{ix.Oid})
}

// reindexTreeConcurrently does the partitions of a table, or the indexes of partitions that belong to an index.
func (c *Context) reindexTreeConcurrently(oid ids.Oid) error {
	list, _, err := c.S.Cat.AllInheritors(oid, locks.NoLock)
	if err != nil {
		return err
	}
	for _, o := range list {
		if err := c.nextTransaction(); err != nil {
			return err
		}
		rel, err := c.S.Cat.Relation(o)
		if err != nil {
			return err
		}
		switch {
		case rel == nil || !rel.HasStorage():
			continue
		case rel.Index == nil:
			_, err = c.reindexTableConcurrently(o)
		default:
			err = c.replaceIndexes(rel.Index.Table, []ids.Oid{o})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reindexTableConcurrently replaces the valid indexes of a table and of its toast table; false when there are none.
func (c *Context) reindexTableConcurrently(table ids.Oid) (any bool, err error) {
	rel, err := c.S.Cat.LockRelation(table, locks.ShareUpdateExclusive)
	if rel == nil || err != nil {
		return false, err
	}
	// Both for all of the time: who has the table and waits for its toast table would be waited for.
	tables := []ids.Oid{table}
	if rel.Toast != 0 {
		tables = append(tables, rel.Toast)
	}
	release, err := c.holdForSession(tables...)
	if err != nil {
		return false, err
	}
	defer release()
	for _, r := range tables {
		if rel, err = c.S.Cat.LockRelation(r, locks.ShareUpdateExclusive); rel == nil || err != nil {
			return any, err
		}
		var list []ids.Oid
		for _, ix := range rel.Indexes {
			if !ix.Valid {
				c.S.Warn(pgerr.FeatureNotSupported, "cannot reindex invalid index \"%s.%s\" concurrently, skipping", c.schemaName(rel.Namespace), ix.Name)
				continue
			}
			list = append(list, ix.Oid)
		}
		if len(list) == 0 {
			continue
		}
		any = true
		if err := c.replaceIndexes(r, list); err != nil {
			return any, err
		}
	}
	return any, nil
}

// replaceIndexes makes indexes of a table anew. It ends in a new transaction.
func (c *Context) replaceIndexes(table ids.Oid, old []ids.Oid) error {
	var made []ids.Oid
	for _, o := range old {
		n, err := c.secondIndex(table, o)
		if err != nil {
			return err
		}
		made = append(made, n)
	}
	release, err := c.holdForSession(append(append([]ids.Oid{table}, old...), made...)...)
	if err != nil {
		return err
	}
	defer release()
	defer c.showBuild(table, made[0], showsReindexConcurrently)()
	if err := c.nextTransaction(); err != nil {
		return err
	}
	limit, err := c.fillConcurrently(table, made)
	if err != nil {
		return err
	}
	c.buildPhase(stats.IndexWaitOldSnapshots)
	if err := c.waitForSnapshots(limit); err != nil {
		return err
	}
	c.S.Tx.SetBystander(true) // catalogs only, from here on
	for i, o := range old {
		if err := c.swapIndex(table, o, made[i]); err != nil {
			return err
		}
	}
	c.buildPhase(stats.IndexWaitBeforeDead)
	if err := c.retire(table, old); err != nil {
		return err
	}
	var objs []catalog.Object
	for _, o := range old {
		objs = append(objs, catalog.RelationObject(o))
	}
	if err := c.performDeletion(objs, ast.DropRestrict); err != nil {
		return err
	}
	return c.nextTransaction()
}

// secondIndex makes the rows of an index like another one.
func (c *Context) secondIndex(table, old ids.Oid) (ids.Oid, error) {
	rel, err := c.S.Relation(table)
	if err != nil {
		return 0, err
	}
	ix := indexOf(rel, old)
	if ix == nil {
		return 0, pgerr.Internal("could not open relation with OID %d", old)
	}
	if ix.Exclusion {
		return 0, pgerr.NotSupported("cannot reindex exclusion constraint index \"%s.%s\" concurrently, skipping", c.schemaName(rel.Namespace), ix.Name)
	}
	n := &catalog.NewIndex{Namespace: rel.Namespace, Table: table, Am: ix.Am, Tablespace: ix.Tablespace, Persistence: rel.Persistence,
		Owner: rel.Owner, Keys: ix.Keys, NKeyAtts: ix.NKeyAtts, OpClasses: ix.OpClasses, Collations: ix.Collations, Flags: ix.Flags, Options: ix.Options,
		Unique: ix.Unique, NullsNotDistinct: ix.NullsNotDistinct, Deferrable: !ix.Immediate, Invalid: true, NotReady: true}
	if n.Name, err = c.S.Cat.ChooseName(ix.Name, "", "ccnew", rel.Namespace, false); err != nil {
		return 0, err
	}
	for i := range ix.Keys {
		n.Names = append(n.Names, ix.Desc.Attrs[i].Name)
	}
	if n.Exprs, err = ix.Exprs(); err != nil {
		return 0, err
	}
	if n.Pred, err = ix.Pred(); err != nil {
		return 0, err
	}
	oid, err := c.S.Cat.CreateIndexRows(n)
	if err != nil {
		return 0, err
	}
	return oid, c.step()
}

func (c *Context) swapIndex(table, old, now ids.Oid) error {
	for _, o := range []ids.Oid{table, old, now} {
		if err := c.S.Cat.HoldRelation(o, locks.ShareUpdateExclusive); err != nil {
			return err
		}
	}
	r, err := c.S.Relation(old)
	if err != nil {
		return err
	}
	name, err := c.S.Cat.ChooseName(r.Name, "", "ccold", r.Namespace, false)
	if err != nil {
		return err
	}
	if err := c.S.Cat.SwapIndexes(old, now, name); err != nil {
		return err
	}
	c.S.Cat.InvalidateRelation(table)
	return c.step()
}
