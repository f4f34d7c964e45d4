package commands

import (
	"slices"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

// alterConstraint is ALTER CONSTRAINT, which is for foreign keys only: it changes when they are checked.
func (a *alteration) alterConstraint(n *ast.Constraint) error {
	k, err := a.constraintNamed(n.Conname)
	if err != nil {
		return err
	}
	if k == nil {
		return pgerr.New(pgerr.UndefinedObject, "constraint %q of relation %q does not exist", n.Conname, a.old.Name)
	}
	if k.Contype != 'f' {
		return pgerr.New(pgerr.WrongObjectType, "constraint %q of relation %q is not a foreign key constraint", n.Conname, a.old.Name)
	}
	if k.Conparentid != 0 {
		return a.derivedConstraint(k)
	}
	return a.c.setDeferrability(k.Oid, n.Deferrable, n.Initdeferred)
}

// derivedConstraint is the error about a constraint that can be altered with the one above it only.
func (a *alteration) derivedConstraint(k *catalog.Constraint) error {
	top := k
	for top.Conparentid != 0 {
		above, err := a.c.S.Cat.Constraint(top.Conparentid)
		if err != nil {
			return err
		}
		if above == nil {
			return pgerr.Internal("cache lookup failed for constraint %d", top.Conparentid)
		}
		top = above
	}
	rel, err := a.c.S.Relation(top.Conrelid)
	if err != nil {
		return err
	}
	return pgerr.Internal("cannot alter constraint %q on relation %q", k.Conname, a.old.Name).
		WithDetail("Constraint %q is derived from constraint %q of relation %q.", k.Conname, top.Conname, rel.Name).
		WithHint("You may alter the constraint it derives from, instead.")
}

// setDeferrability changes a foreign key, its triggers that can wait, and the constraints that derive from it.
func (c *Context) setDeferrability(con ids.Oid, deferrable, deferred bool) error {
	cat := c.S.Cat
	row, err := catalog.Fetch[catalog.PgConstraint](cat, catalog.PgConstraintOidIndex, catalog.OidKey(catalog.AttPgConstraintOid, con))
	if row == nil || err != nil {
		return err
	}
	if row.Condeferrable != deferrable || row.Condeferred != deferred {
		row.Condeferrable, row.Condeferred = deferrable, deferred
		if err := cat.Update(row); err != nil {
			return err
		}
		triggers, err := catalog.FetchAll[catalog.PgTrigger](cat, catalog.PgTriggerTgconstraintIndex, catalog.OidKey(catalog.AttPgTriggerTgconstraint, con))
		if err != nil {
			return err
		}
		for _, t := range triggers {
			cat.InvalidateRelation(t.Tgrelid)
			if !catalog.IsKeyCheck(t.Tgfoid) {
				continue
			}
			t.Tgdeferrable, t.Tginitdeferred = deferrable, deferred
			if err := cat.Update(t); err != nil {
				return err
			}
		}
	}
	derived, err := catalog.FetchAll[catalog.PgConstraint](cat, catalog.PgConstraintConparentidIndex, catalog.OidKey(catalog.AttPgConstraintConparentid, con))
	if err != nil {
		return err
	}
	for _, d := range derived {
		if err := c.setDeferrability(d.Oid, deferrable, deferred); err != nil {
			return err
		}
	}
	return nil
}

// Values of pg_trigger.tgenabled that the forms of ENABLE and DISABLE TRIGGER set.
var triggerStates = map[ast.AlterTableType]byte{ast.ATEnableTrig: 'O', ast.ATEnableTrigAll: 'O', ast.ATEnableTrigUser: 'O', ast.ATEnableAlwaysTrig: 'A',
	ast.ATEnableReplicaTrig: 'R', ast.ATDisableTrig: 'D', ast.ATDisableTrigAll: 'D', ast.ATDisableTrigUser: 'D'}

// enableTriggers is ENABLE and DISABLE TRIGGER: of the one of a name, of all, or (USER) of those that belong to no constraint.
func (a *alteration) enableTriggers(name string, form ast.AlterTableType) error {
	cat := a.c.S.Cat
	rows, err := catalog.FetchAll[catalog.PgTrigger](cat, catalog.PgTriggerTgrelidTgnameIndex, catalog.OidKey(catalog.AttPgTriggerTgrelid, a.oid))
	if err != nil {
		return err
	}
	userOnly := form == ast.ATEnableTrigUser || form == ast.ATDisableTrigUser
	found := false
	for _, t := range rows {
		if name != "" && t.Tgname != name {
			continue
		}
		found = true
		if t.Tgisinternal && userOnly {
			continue
		}
		if t.Tgisinternal {
			super, err := cat.IsSuperuser(a.c.S.User)
			if err != nil {
				return err
			}
			if !super {
				return pgerr.New(pgerr.InsufficientPrivilege, "permission denied: %q is a system trigger", t.Tgname)
			}
		}
		if err := a.c.enableTrigger(t, triggerStates[form]); err != nil {
			return err
		}
	}
	if name != "" && !found {
		return pgerr.New(pgerr.UndefinedObject, "trigger %q for table %q does not exist", name, a.old.Name)
	}
	return nil
}

// enableTrigger sets the state of a trigger and, of a partitioned table's, of those that derive from it.
func (c *Context) enableTrigger(t *catalog.PgTrigger, state byte) error {
	cat := c.S.Cat
	if t.Tgenabled != state {
		t.Tgenabled = state
		if err := cat.Update(t); err != nil {
			return err
		}
	}
	rel, err := c.S.Relation(t.Tgrelid)
	if err != nil || rel.Kind != 'p' {
		return err
	}
	children, err := cat.InheritanceChildren(rel.Oid, locks.ShareRowExclusive, false)
	if err != nil {
		return err
	}
	for _, oid := range children {
		rows, err := catalog.FetchAll[catalog.PgTrigger](cat, catalog.PgTriggerTgrelidTgnameIndex, catalog.OidKey(catalog.AttPgTriggerTgrelid, oid))
		if err != nil {
			return err
		}
		for _, x := range rows {
			if x.Tgparentid != t.Oid {
				continue
			}
			if err := c.enableTrigger(x, state); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkKeyPersistence refuses SET LOGGED and UNLOGGED where a logged table would refer to an unlogged one.
func (a *alteration) checkKeyPersistence(p byte) error {
	if p == 'p' {
		for _, k := range a.old.ForeignKeys {
			if k.Confrelid == a.oid {
				continue
			}
			pk, err := a.c.S.Relation(k.Confrelid)
			if err != nil {
				return err
			}
			if pk.Persistence != 'p' {
				return a.tableError(pgerr.New(pgerr.InvalidTableDefinition, "could not change table %q to logged because it references unlogged table %q", a.old.Name, pk.Name))
			}
		}
		return nil
	}
	refs, err := a.c.referencing(a.oid)
	if err != nil {
		return err
	}
	slices.Sort(refs)
	for _, oid := range refs {
		fk, err := a.c.S.Relation(oid)
		if err != nil {
			return err
		}
		if fk.Persistence == 'p' {
			return a.tableError(pgerr.New(pgerr.InvalidTableDefinition, "could not change table %q to unlogged because it references logged table %q", a.old.Name, fk.Name))
		}
	}
	return nil
}

func (a *alteration) tableError(e *pgerr.Error) error { return a.c.tableError(e, a.old) }

// rebuildForeignKey drops a foreign key that a column of a new type is in, and makes it again, with the operators of the new types, once that is done.
func (a *alteration) rebuildForeignKey(oid ids.Oid) error {
	cat := a.c.S.Cat
	k, err := cat.Constraint(oid)
	if k == nil || err != nil || k.Contype != 'f' {
		return err
	}
	old := *k
	if old.Conparentid != 0 {
		return nil // it goes and comes with the one above
	}
	fk, err := cat.LockRelation(old.Conrelid, locks.AccessExclusive)
	if err != nil {
		return err
	}
	pk, err := a.c.S.Relation(old.Confrelid)
	if err != nil {
		return err
	}
	def, err := a.foreignKeySource(&old, fk, pk)
	if err != nil {
		return err
	}
	o := catalog.Object{Class: catalog.PgConstraintOid, Oid: oid}
	comment, err := cat.Comment(o)
	if err != nil {
		return err
	}
	owner := a.set.of(fk)
	owner.add(passOldKey, func() error { return owner.remakeForeignKey(def, &old, comment) })
	return cat.PerformDeletion([]catalog.Object{o}, catalog.DropOpts{Quiet: true})
}

// foreignKeySource writes a foreign key as it was declared.
func (a *alteration) foreignKeySource(k *catalog.PgConstraint, fk, pk *catalog.Relation) (*ast.Constraint, error) {
	ns, err := a.c.S.Cat.Namespace(pk.Namespace)
	if err != nil {
		return nil, err
	}
	rv := &ast.RangeVar{Schemaname: ns.Nspname, Relname: pk.Name, Inh: true, Relpersistence: pk.Persistence, Location: ast.NoLocation}
	names := func(rel *catalog.Relation, cols []int16) (out []string) {
		for _, c := range cols {
			out = append(out, rel.AttName(c))
		}
		return out
	}
	return &ast.Constraint{Contype: ast.ConstrForeign, Conname: k.Conname, Deferrable: k.Condeferrable, Initdeferred: k.Condeferred, Location: ast.NoLocation,
		Pktable: rv, FkAttrs: names(fk, k.Conkey), PkAttrs: names(pk, k.Confkey), FkMatchtype: k.Confmatchtype, FkUpdAction: k.Confupdtype,
		FkDelAction: k.Confdeltype, FkDelSetCols: names(fk, k.Confdelsetcols), SkipValidation: !k.Convalidated}, nil
}

// remakeForeignKey makes a foreign key again. The rows are looked at, unless they are the same as before and compare as before.
func (a *alteration) remakeForeignKey(def *ast.Constraint, old *catalog.PgConstraint, comment *string) error {
	rel, err := a.rel()
	if err != nil {
		return err
	}
	row, err := a.c.addForeignKey(rel, def, false)
	if err != nil {
		return err
	}
	rewritten := slices.ContainsFunc(a.set.list, func(x *alteration) bool { return x.rewrite && (x.oid == old.Conrelid || x.oid == old.Confrelid) })
	if old.Convalidated && (rewritten || !slices.Equal(row.Conpfeqop, old.Conpfeqop)) {
		a.foreign = append(a.foreign, row.check...)
	}
	if comment == nil {
		return nil
	}
	return a.commentConstraint(def.Conname, comment)
}
