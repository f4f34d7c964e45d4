package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	statistics "gompho/stats"
)

// truncate is TRUNCATE.
func truncate(c *Context, st *ast.TruncateStmt) error {
	seen := map[ids.Oid]bool{}
	var rels []*catalog.Relation
	var err error
	for _, rv := range st.Relations {
		rel, err := c.S.Cat.OpenRelation(relName(rv), locks.AccessExclusive, catalog.LockOpts{Check: c.checkTruncate})
		if err != nil {
			return err
		}
		if err := c.checkNotInUse(rel, "TRUNCATE"); err != nil {
			return err
		}
		if !seen[rel.Oid] {
			seen[rel.Oid] = true
			rels = append(rels, rel)
		}
		if rels, err = c.truncateChildren(rels, seen, rel, rv.Inh); err != nil {
			return err
		}
	}
	rels, err = c.truncateReferences(rels, seen, st.Behavior == ast.DropCascade)
	if err != nil {
		return err
	}
	var seqs []ids.Oid
	if st.RestartSeqs {
		for _, rel := range rels {
			list, err := c.ownedSequences(rel.Oid, 0)
			if err != nil {
				return err
			}
			for _, o := range list {
				seqs = append(seqs, o.oid)
			}
		}
	}
	for _, rel := range rels {
		if err := c.truncateRelation(rel); err != nil {
			return err
		}
	}
	for _, s := range seqs {
		if err := c.resetSequence(s); err != nil {
			return err
		}
	}
	return nil
}

// truncateChildren adds the tables that inherit from one, without a look at the privileges on them.
func (c *Context) truncateChildren(rels []*catalog.Relation, seen map[ids.Oid]bool, rel *catalog.Relation, inh bool) ([]*catalog.Relation, error) {
	if !inh {
		if rel.Kind == 'p' {
			return nil, pgerr.New(pgerr.WrongObjectType, "cannot truncate only a partitioned table").
				WithHint("Do not specify the ONLY keyword, or use TRUNCATE ONLY on the partitions directly.")
		}
		return rels, nil
	}
	list, _, err := c.S.Cat.AllInheritors(rel.Oid, locks.AccessExclusive)
	if err != nil {
		return nil, err
	}
	for _, oid := range list[1:] {
		if seen[oid] {
			continue
		}
		child, err := c.S.Relation(oid)
		if err != nil {
			return nil, err
		}
		if temp, own, err := c.S.Cat.IsTempNamespace(child.Namespace); err != nil {
			return nil, err
		} else if temp && !own {
			c.S.Cat.UnlockRelation(oid, locks.AccessExclusive)
			continue
		}
		if err := c.checkNotInUse(child, "TRUNCATE"); err != nil {
			return nil, err
		}
		seen[oid] = true
		rels = append(rels, child)
	}
	return rels, nil
}

func (c *Context) checkTruncate(oid ids.Oid) error {
	r, err := c.S.Cat.Relation(oid)
	if r == nil || err != nil {
		return err
	}
	if r.Kind != 'r' && r.Kind != 'p' {
		return pgerr.New(pgerr.WrongObjectType, "%q is not a table", r.Name)
	}
	ok, err := c.S.Cat.HasRelationPrivilege(c.S.User, r, catalog.AclTruncate)
	if err != nil {
		return err
	}
	if !ok {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied for table %s", r.Name)
	}
	if isCatalog(r.Oid) {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied: %q is a system catalog", r.Name)
	}
	if r.IsTemp() {
		if _, own, err := c.S.Cat.IsTempNamespace(r.Namespace); err != nil || !own {
			if err == nil {
				err = pgerr.NotSupported("cannot truncate temporary tables of other sessions")
			}
			return err
		}
	}
	return nil
}

// truncateReferences finds the tables whose foreign keys refer to those that are truncated: with CASCADE they are truncated too.
func (c *Context) truncateReferences(rels []*catalog.Relation, seen map[ids.Oid]bool, cascade bool) ([]*catalog.Relation, error) {
	for i := 0; i < len(rels); i++ {
		refs, err := c.referencing(rels[i].Oid)
		if err != nil {
			return nil, err
		}
		for _, oid := range refs {
			if seen[oid] {
				continue
			}
			rel, err := c.S.Cat.LockRelation(oid, locks.AccessExclusive)
			if err != nil {
				return nil, err
			}
			if !cascade {
				return nil, pgerr.NotSupported("cannot truncate a table referenced in a foreign key constraint").
					WithDetail("Table %q references %q.", rel.Name, rels[i].Name).
					WithHint("Truncate table %q at the same time, or use TRUNCATE ... CASCADE.", rel.Name)
			}
			c.notice("truncate cascades to table %q", rel.Name)
			if err := c.checkTruncate(oid); err != nil {
				return nil, err
			}
			seen[oid] = true
			rels = append(rels, rel)
		}
	}
	return rels, nil
}

// referencing lists the tables that have foreign keys to a table.
func (c *Context) referencing(oid ids.Oid) ([]ids.Oid, error) {
	deps, err := c.S.Cat.DependentsOf(catalog.RelationObject(oid))
	if err != nil {
		return nil, err
	}
	var out []ids.Oid
	for _, d := range deps {
		if d.Classid != catalog.PgConstraintOid {
			continue
		}
		k, err := c.S.Cat.Constraint(d.Objid)
		if err != nil {
			return nil, err
		}
		if k != nil && k.Contype == 'f' && k.Confrelid == oid && k.Conrelid != oid {
			out = append(out, k.Conrelid)
		}
	}
	return out, nil
}

// truncateRelation gives a table, its toast table and its indexes new, empty files.
func (c *Context) truncateRelation(rel *catalog.Relation) error {
	if !rel.HasStorage() {
		return nil
	}
	if !c.would(Empties, rel.Oid) && rel.Heap != nil {
		if err := rel.Heap.NoteEmptied(c.S.Tx); err != nil {
			return err
		}
		rel.Heap.Counts(c.S.Slot).Truncate()
	}
	if err := c.newHeapFiles(rel, rel.Persistence, locks.Share); err != nil {
		return err
	}
	return c.rebuildIndexes(rel.Oid, false)
}

// newHeapFiles gives a table and its toast table new files. Toast indexes are made empty, the table's own are left to the caller. mode is a lock
// on the toast table besides AccessExclusive, NoLock for none.
func (c *Context) newHeapFiles(rel *catalog.Relation, persistence byte, mode locks.Mode) error {
	if _, err := c.S.Cat.SetRelFile(rel.Oid, persistence); err != nil {
		return err
	}
	if rel.Toast != 0 {
		t, err := c.S.Cat.LockRelation(rel.Toast, locks.AccessExclusive)
		if err != nil {
			return err
		}
		if _, err := c.S.Cat.SetRelFile(t.Oid, persistence); err != nil {
			return err
		}
		if err := c.step(); err != nil {
			return err
		}
		if mode != locks.NoLock {
			if err := c.S.Cat.HoldRelation(t.Oid, mode); err != nil {
				return err
			}
		}
		if err := c.makeIndexFiles(t.Oid, persistence, false); err != nil {
			return err
		}
	}
	return c.step()
}

// rebuildIndexes gives all indexes of a table new files and builds them from it.
func (c *Context) rebuildIndexes(table ids.Oid, stats bool) error {
	rel, err := c.S.Relation(table)
	if err != nil {
		return err
	}
	return c.rebuildIndexesAs(table, rel.Persistence, stats)
}

func (c *Context) rebuildIndexesAs(table ids.Oid, persistence byte, stats bool) error {
	if err := c.S.Cat.HoldRelation(table, locks.Share); err != nil {
		return err
	}
	return c.makeIndexFiles(table, persistence, stats)
}

func (c *Context) makeIndexFiles(table ids.Oid, persistence byte, stats bool) error {
	rel, err := c.S.Relation(table)
	if err != nil {
		return err
	}
	var list []ids.Oid
	for _, ix := range rel.Indexes {
		list = append(list, ix.Oid)
	}
	for _, oid := range list {
		if err := c.rebuildIndex(table, oid, persistence, stats); err != nil {
			return err
		}
	}
	return nil
}

func (c *Context) rebuildIndex(table, index ids.Oid, persistence byte, stats bool) error {
	defer c.showBuild(table, index, showsReindex)()
	c.S.Slot.SetProgress(statistics.ProgressCluster, statistics.ClusterPhase, statistics.ClusterRebuild)
	if _, err := c.S.Cat.LockRelation(index, locks.AccessExclusive); err != nil {
		return err
	}
	if _, err := c.S.Cat.SetRelFile(index, persistence); err != nil {
		return err
	}
	c.S.Cat.InvalidateRelation(table)
	if err := c.step(); err != nil {
		return err
	}
	u := beginUsage(c.S.Slot)
	err := c.buildIndex(table, index, stats)
	if err == nil {
		c.toldReindexed(index, &u)
	}
	c.S.Slot.AddProgress(statistics.ProgressCluster, statistics.ClusterIndexesRebuilt, 1)
	return err
}
