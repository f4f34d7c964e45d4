package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

// lockTables is LOCK TABLE.
func lockTables(c *Context, st *ast.LockStmt) error {
	if err := c.requireBlock("LOCK TABLE"); err != nil {
		return err
	}
	mode := locks.Mode(st.Mode)
	if mode > locks.RowExclusive && c.S.Tx.ReadOnly() {
		return pgerr.New(pgerr.ReadOnlySqlTransaction, "cannot execute %s in a read-only transaction", "LOCK TABLE")
	}
	for _, rv := range st.Relations {
		check := func(oid ids.Oid) error { return c.checkLock(oid, mode) }
		rel, err := c.S.Cat.OpenRelation(relName(rv), mode, catalog.LockOpts{NoWait: st.Nowait, Check: check})
		if err != nil {
			return err
		}
		if rv.Inh && rel.Kind != 'v' {
			if err := c.lockChildren(rel.Oid, mode, st.Nowait); err != nil {
				return err
			}
		}
		if rel.Kind == 'v' {
			if err := c.lockView(rel, mode, st.Nowait); err != nil {
				return err
			}
		}
	}
	return nil
}

// lockChildren locks the tables that inherit from one.
func (c *Context) lockChildren(oid ids.Oid, mode locks.Mode, noWait bool) error {
	children, err := c.S.Cat.InheritanceChildren(oid, locks.NoLock, false)
	if err != nil {
		return err
	}
	for _, ch := range children {
		if noWait {
			ok, err := c.S.Owner.TryAcquire(c.S.Cat.RelationTag(ch), mode, false)
			if err != nil {
				return err
			}
			if !ok {
				name, live := c.S.Cat.RelationName(ch)
				if !live {
					continue
				}
				return pgerr.New(pgerr.LockNotAvailable, "could not obtain lock on relation %q", name)
			}
		} else if _, err := c.S.Cat.LockRelation(ch, mode); err != nil {
			return err
		}
		if _, live := c.S.Cat.RelationName(ch); !live {
			c.S.Cat.UnlockRelation(ch, mode)
			continue
		}
		if err := c.lockChildren(ch, mode, noWait); err != nil {
			return err
		}
	}
	return nil
}

func (c *Context) checkLock(oid ids.Oid, mode locks.Mode) error {
	r, err := c.S.Cat.Relation(oid)
	if r == nil || err != nil {
		return err
	}
	if r.Kind != 'r' && r.Kind != 'p' && r.Kind != 'v' {
		return pgerr.New(pgerr.WrongObjectType, "cannot lock relation %q", r.Name).
			WithDetail("This operation is not supported for %s.", pluralKind(r.Kind))
	}
	var any []uint32
	switch {
	case mode == locks.AccessShare:
		any = []uint32{catalog.AclSelect}
	case mode == locks.RowExclusive:
		any = []uint32{catalog.AclInsert}
	}
	any = append(any, catalog.AclUpdate, catalog.AclDelete, catalog.AclTruncate)
	for _, p := range any {
		ok, err := c.S.Cat.HasRelationPrivilege(c.S.User, r, p)
		if ok || err != nil {
			return err
		}
	}
	return pgerr.New(pgerr.InsufficientPrivilege, "permission denied for %s %s", catalog.KindWord(r.Kind), r.Name)
}

// lockView locks the tables that a view reads.
func (c *Context) lockView(view *catalog.Relation, mode locks.Mode, noWait bool) error {
	q, err := view.ViewQuery()
	if q == nil || err != nil {
		return err
	}
	for _, rte := range q.RTable {
		if rte.Relid == 0 {
			continue
		}
		name, _ := c.S.Cat.RelationName(rte.Relid)
		if noWait {
			ok, err := c.S.Owner.TryAcquire(c.S.Cat.RelationTag(rte.Relid), mode, false)
			if err != nil {
				return err
			}
			if !ok {
				return pgerr.New(pgerr.LockNotAvailable, "could not obtain lock on relation %q", name)
			}
		} else if err := c.S.Owner.Acquire(c.S.Cat.RelationTag(rte.Relid), mode, locks.Opts{}); err != nil {
			return err
		}
		below, err := c.S.Cat.Relation(rte.Relid)
		if below == nil || err != nil {
			return err
		}
		if below.Kind == 'v' && below.Oid != view.Oid {
			err = c.lockView(below, mode, noWait)
		} else if rte.Inh && below.Kind != 'v' {
			err = c.lockChildren(below.Oid, mode, noWait)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
