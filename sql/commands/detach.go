package commands

import (
	"gompho/catalog"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

// detachConcurrently is ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY: it marks the partition as going, in a transaction of its own, so
// that new plans leave it out; waits until nobody uses a plan from before; and then takes it out.
func (a *alteration) detachConcurrently(cmd *ast.PartitionCmd) error {
	c := a.c
	if err := c.requireTopLevel("ALTER TABLE ... DETACH CONCURRENTLY"); err != nil {
		return err
	}
	parent, err := a.rel()
	if err != nil {
		return err
	}
	if parent.Partitions(true).Bounds.Default >= 0 {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot detach partitions concurrently when a default partition exists")
	}
	child, err := c.S.Cat.OpenRelation(relName(cmd.Name), locks.ShareUpdateExclusive, catalog.LockOpts{})
	if err != nil {
		return err
	}
	// Once it is marked foreign keys do not find its rows any more.
	if err := c.checkReferencesTo(child); err != nil {
		return err
	}
	if err := c.markDetached(parent, child); err != nil {
		return err
	}
	if c.Hooks == nil || c.Hooks.NextTransaction == nil {
		return missing("DETACH PARTITION CONCURRENTLY here")
	}
	ptag, ctag := c.S.Cat.RelationTag(parent.Oid), c.S.Cat.RelationTag(child.Oid)
	for _, tag := range []locks.Tag{ptag, ctag} {
		if err := c.S.Owner.Acquire(tag, locks.ShareUpdateExclusive, locks.Opts{Session: true}); err != nil {
			return err
		}
		defer c.S.Owner.Release(tag, locks.ShareUpdateExclusive, true)
	}
	if err := c.Hooks.NextTransaction(); err != nil {
		return err
	}
	for _, v := range c.S.Locks.Conflicting(ptag, locks.AccessExclusive, c.S.Owner) {
		if _, err := c.S.Owner.WaitVxid(v, false); err != nil {
			return err
		}
	}
	if parent, err = c.S.Cat.LockRelation(parent.Oid, locks.ShareUpdateExclusive); err != nil {
		return err
	}
	if child, err = c.S.Cat.LockRelation(child.Oid, locks.AccessExclusive); err != nil {
		return err
	}
	switch {
	case parent == nil:
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "partitioned table %q was removed concurrently", a.old.Name)
	case child == nil:
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "partition %q was removed concurrently", cmd.Name.Relname)
	}
	return c.finishConcurrent(parent, child)
}

// markDetached notes that a partition is being detached.
func (c *Context) markDetached(parent, child *catalog.Relation) error {
	rows, err := catalog.FetchAll[catalog.PgInherits](c.S.Cat, catalog.PgInheritsRelidSeqnoIndex, catalog.OidKey(catalog.AttPgInheritsInhrelid, child.Oid))
	if err != nil {
		return err
	}
	others, err := c.S.Cat.InheritanceChildren(parent.Oid, locks.NoLock, true)
	if err != nil {
		return err
	}
	for _, o := range others {
		r, err := c.S.Relation(o)
		if err != nil {
			return err
		}
		if r != nil && r.DetachPending {
			return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "partition %q already pending detach in partitioned table \"%s.%s\"", r.Name,
				c.schemaName(parent.Namespace), parent.Name).
				WithHint("Use ALTER TABLE ... DETACH PARTITION ... FINALIZE to complete the pending detach operation.")
		}
	}
	for _, r := range rows {
		if r.Inhparent == parent.Oid {
			r.Inhdetachpending = true
			if err := c.S.Cat.Update(r); err != nil {
				return err
			}
			return c.step()
		}
	}
	return pgerr.New(pgerr.UndefinedTable, "relation %q is not a partition of relation %q", child.Name, parent.Name)
}

// finishConcurrent ends DETACH CONCURRENTLY: the bound stays as a CHECK constraint, on which plans from before may still rely.
func (c *Context) finishConcurrent(parent, child *catalog.Relation) error {
	qual, err := c.S.Cat.PartitionQual(child)
	if err != nil {
		return err
	}
	if qual != nil {
		if _, err := c.storeChecks(child, []*checkDef{{expr: qual}}); err != nil {
			return err
		}
		if child, err = c.S.Relation(child.Oid); err != nil {
			return err
		}
	}
	return c.finishDetach(parent, child)
}

// detachFinalize is ALTER TABLE ... DETACH PARTITION ... FINALIZE.
func (a *alteration) detachFinalize(cmd *ast.PartitionCmd) error {
	c := a.c
	parent, err := a.rel()
	if err != nil {
		return err
	}
	child, err := c.S.Cat.OpenRelation(relName(cmd.Name), locks.AccessExclusive, catalog.LockOpts{})
	if err != nil {
		return err
	}
	if child.Parent != parent.Oid || !child.IsPartition {
		return pgerr.New(pgerr.UndefinedTable, "relation %q is not a partition of relation %q", child.Name, parent.Name)
	}
	if !child.DetachPending {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot complete detaching partition %q", child.Name).
			WithDetail("There's no pending concurrent detach.")
	}
	if c.Rehearsal == nil {
		// Whoever has an older snapshot may count on the partition still, whether it holds a lock now or not.
		if err := c.waitForSnapshots(c.S.Tx.Snapshot().Xmin); err != nil {
			return err
		}
	}
	return c.finishDetach(parent, child)
}
