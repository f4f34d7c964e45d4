package commands

import (
	"slices"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

// A foreign key of a partitioned table is one constraint at the top and one for each partition below it. On the referencing side the constraints of
// partitions have check triggers alone: the actions go over the whole table from the top. On the referenced side they have action triggers alone: each
// partition guards its own keys, and the checks go over the whole table.

// partitionedForeignKey refuses the forms of ADD FOREIGN KEY that are not for partitioned tables.
func (a *alteration) partitionedForeignKey(rel *catalog.Relation, k *ast.Constraint, valid bool) error {
	if !a.recurse && !valid && !a.recursing {
		return pgerr.New(pgerr.WrongObjectType, "cannot use ONLY for foreign key on partitioned table %q referencing relation %q", rel.Name, k.Pktable.Relname)
	}
	if k.SkipValidation && !valid {
		return pgerr.New(pgerr.WrongObjectType, "cannot add NOT VALID foreign key on partitioned table %q referencing relation %q", rel.Name, k.Pktable.Relname).
			WithDetail("This feature is not yet supported on partitioned tables.")
	}
	return nil
}

// mapKeys translates column numbers of one table into those of another one of the same tree.
func mapKeys(from, to *catalog.Relation, cols []int16) []int16 {
	var out []int16
	for _, a := range cols {
		out = append(out, to.AttNum(from.AttName(a)))
	}
	return out
}

// foreignKeyActions makes the triggers on the referenced table of a constraint, and the constraints of its partitions.
func (c *Context) foreignKeyActions(k *catalog.PgConstraint, pk *catalog.Relation, above catalog.KeyTriggers) error {
	made, err := c.S.Cat.CreateForeignKeyActions(k, above)
	if err != nil || pk.Kind != 'p' {
		return err
	}
	parts, err := c.S.Cat.InheritanceChildren(pk.Oid, locks.ShareRowExclusive, false)
	if err != nil {
		return err
	}
	for _, oid := range parts {
		part, err := c.S.Relation(oid)
		if err != nil {
			return err
		}
		if err := c.cloneReferenced(k, pk, part, made); err != nil {
			return err
		}
	}
	return nil
}

// cloneReferenced makes the constraint of a partition of the referenced table.
func (c *Context) cloneReferenced(above *catalog.PgConstraint, pk, part *catalog.Relation, actions catalog.KeyTriggers) error {
	k := *above
	k.Conparentid, k.Confrelid, k.Confkey = above.Oid, part.Oid, mapKeys(pk, part, above.Confkey)
	k.Conislocal, k.Coninhcount, k.Connoinherit = false, 1, false
	at := slices.IndexFunc(part.Indexes, func(ix *catalog.Index) bool { return ix.Parent == above.Conindid })
	if at < 0 {
		return pgerr.Internal("index for %d not found in partition %s", above.Conindid, part.Name)
	}
	k.Conindid = part.Indexes[at].Oid
	if err := c.createDerived(&k); err != nil {
		return err
	}
	if err := c.S.Cat.RecordDependency(constraintObject(k.Oid), constraintObject(above.Oid), catalog.DepInternal); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	return c.foreignKeyActions(&k, part, actions)
}

func constraintObject(oid ids.Oid) catalog.Object {
	return catalog.Object{Class: catalog.PgConstraintOid, Oid: oid}
}

// createDerived stores a constraint that derives from another one, under the same name where that is free.
func (c *Context) createDerived(k *catalog.PgConstraint) error {
	rel, err := c.S.Relation(k.Conrelid)
	if err != nil {
		return err
	}
	used, err := constraintNamed(c.S.Cat, k.Conrelid, k.Conname)
	if err != nil {
		return err
	}
	if used != nil {
		var names []string
		for _, a := range k.Conkey {
			names = append(names, rel.AttName(a))
		}
		if k.Conname, err = c.S.Cat.ChooseName(rel.Name, foreignKeyColumns(names), "fkey", rel.Namespace, true); err != nil {
			return err
		}
	}
	k.Connamespace = rel.Namespace
	k.Oid, err = c.S.Cat.CreateConstraint(&catalog.NewConstraint{PgConstraint: *k})
	return err
}

// foreignKeyChecks makes the triggers on the referencing table of a constraint, and the constraints of its partitions. It returns the
// constraints of tables with rows.
func (c *Context) foreignKeyChecks(k *catalog.PgConstraint, rel *catalog.Relation, above catalog.KeyTriggers) ([]ids.Oid, error) {
	made, err := c.S.Cat.CreateForeignKeyChecks(k, above)
	if err != nil {
		return nil, err
	}
	if rel.Kind != 'p' {
		return []ids.Oid{k.Oid}, nil
	}
	parts, err := c.S.Cat.InheritanceChildren(rel.Oid, locks.ShareRowExclusive, false)
	if err != nil {
		return nil, err
	}
	var check []ids.Oid
	for _, oid := range parts {
		part, err := c.S.Relation(oid)
		if err != nil {
			return nil, err
		}
		if err := c.checkNotInUse(part, "ALTER TABLE"); err != nil {
			return nil, err
		}
		more, err := c.cloneReferencing(k, rel, part, made)
		if err != nil {
			return nil, err
		}
		check = append(check, more...)
	}
	return check, nil
}

// cloneReferencing gives a partition of the referencing table its constraint: one that it has already, where one fits, or a new one.
func (c *Context) cloneReferencing(above *catalog.PgConstraint, rel, part *catalog.Relation, checks catalog.KeyTriggers) ([]ids.Oid, error) {
	k := *above
	k.Conparentid, k.Conrelid, k.Conkey, k.Confdelsetcols = above.Oid, part.Oid, mapKeys(rel, part, above.Conkey), mapKeys(rel, part, above.Confdelsetcols)
	for _, have := range part.ForeignKeys {
		if sameForeignKey(have, &k) {
			return nil, c.attachForeignKey(have, part, above.Oid, checks)
		}
	}
	k.Conislocal, k.Coninhcount, k.Connoinherit = false, 1, false
	if err := c.createDerived(&k); err != nil {
		return nil, err
	}
	me := constraintObject(k.Oid)
	if err := c.S.Cat.RecordDependency(me, constraintObject(above.Oid), catalog.DepPartitionPri); err != nil {
		return nil, err
	}
	if err := c.S.Cat.RecordDependency(me, catalog.RelationObject(part.Oid), catalog.DepPartitionSec); err != nil {
		return nil, err
	}
	if err := c.step(); err != nil {
		return nil, err
	}
	return c.foreignKeyChecks(&k, part, checks)
}

// sameForeignKey reports whether a constraint of a partition says what its part of the partitioned table's would say.
func sameForeignKey(have, want *catalog.PgConstraint) bool {
	return have.Conparentid == 0 && have.Convalidated && have.Confrelid == want.Confrelid && slices.Equal(have.Conkey, want.Conkey) &&
		slices.Equal(have.Confkey, want.Confkey) && slices.Equal(have.Conpfeqop, want.Conpfeqop) && have.Condeferrable == want.Condeferrable &&
		have.Condeferred == want.Condeferred && have.Confupdtype == want.Confupdtype && have.Confdeltype == want.Confdeltype &&
		have.Confmatchtype == want.Confmatchtype
}

// attachForeignKey makes a constraint of a partition part of the partitioned table's, whose actions stand for its own from now on.
func (c *Context) attachForeignKey(k *catalog.Constraint, part *catalog.Relation, above ids.Oid, checks catalog.KeyTriggers) error {
	cat := c.S.Cat
	actions, err := cat.ForeignKeyTriggers(k.Oid, k.Confrelid, false)
	if err != nil {
		return err
	}
	var gone []catalog.Object
	for _, t := range actions {
		o := catalog.Object{Class: catalog.PgTriggerOid, Oid: t}
		if err := cat.DeleteDependencies(o, false); err != nil {
			return err
		}
		gone = append(gone, o)
	}
	if err := c.step(); err != nil {
		return err
	}
	if err := cat.PerformDeletion(gone, catalog.DropOpts{Quiet: true}); err != nil {
		return err
	}
	if err := cat.SetConstraintParent(k.Oid, part.Oid, above); err != nil {
		return err
	}
	own, err := cat.ForeignKeyTriggers(k.Oid, part.Oid, true)
	if err != nil {
		return err
	}
	for i, t := range own {
		if err := cat.SetTriggerParent(t, part.Oid, checks[i]); err != nil {
			return err
		}
	}
	return c.step()
}

// cloneForeignKeys gives a new partition its part of the foreign keys of its parent, on both sides. It returns the constraints whose rows
// are to be looked at.
func (c *Context) cloneForeignKeys(parentOid, oid ids.Oid) ([]ids.Oid, error) {
	parent, err := c.S.Relation(parentOid)
	if err != nil || !parent.HasTriggers {
		return nil, err
	}
	if err := c.cloneReferencesTo(parent, oid); err != nil {
		return nil, err
	}
	var own []*catalog.Constraint
	for _, k := range parent.ForeignKeys {
		own = append(own, k)
	}
	slices.SortFunc(own, func(a, b *catalog.Constraint) int { return int(int64(a.Oid) - int64(b.Oid)) })
	var check []ids.Oid
	for _, k := range own {
		if slices.ContainsFunc(own, func(o *catalog.Constraint) bool { return o.Oid == k.Conparentid }) {
			continue // the part of a constraint of the table to itself that is for another partition
		}
		if _, err := c.S.Cat.LockRelation(k.Confrelid, locks.ShareRowExclusive); err != nil {
			return nil, err
		}
		// Nobody may delete a referenced row meanwhile, from any of the partitions.
		if _, _, err := c.S.Cat.AllInheritors(k.Confrelid, locks.ShareRowExclusive); err != nil {
			return nil, err
		}
		part, err := c.S.Relation(oid)
		if err != nil {
			return nil, err
		}
		checks, err := c.S.Cat.ForeignKeyTriggers(k.Oid, parent.Oid, true)
		if err != nil {
			return nil, err
		}
		row := *k
		more, err := c.cloneReferencing(&row, parent, part, checks)
		if err != nil {
			return nil, err
		}
		check = append(check, more...)
	}
	return check, c.step()
}

// cloneReferencesTo makes a new partition one that is referred to, as its parent is.
func (c *Context) cloneReferencesTo(parent *catalog.Relation, oid ids.Oid) error {
	list, err := constraintsTo(c.S.Cat, parent.Oid)
	if err != nil {
		return err
	}
	for _, k := range list {
		if slices.ContainsFunc(list, func(o *catalog.Constraint) bool { return o.Oid == k.Conparentid }) {
			continue
		}
		part, err := c.S.Relation(oid)
		if err != nil {
			return err
		}
		actions, err := c.S.Cat.ForeignKeyTriggers(k.Oid, parent.Oid, false)
		if err != nil {
			return err
		}
		if actions == (catalog.KeyTriggers{}) {
			continue // the actions are those of a constraint above
		}
		row := *k
		if err := c.cloneReferenced(&row, parent, part, actions); err != nil {
			return err
		}
	}
	return nil
}

// constraintsTo lists the foreign keys that refer to a table.
func constraintsTo(cat *catalog.Session, oid ids.Oid) (out []*catalog.Constraint, err error) {
	deps, err := cat.DependentsOf(catalog.RelationObject(oid))
	if err != nil {
		return nil, err
	}
	for _, d := range deps {
		if d.Classid != catalog.PgConstraintOid || slices.ContainsFunc(out, func(k *catalog.Constraint) bool { return k.Oid == d.Objid }) {
			continue
		}
		k, err := cat.Constraint(d.Objid)
		if err != nil {
			return nil, err
		}
		if k != nil && k.Contype == 'f' && k.Confrelid == oid {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b *catalog.Constraint) int { return int(int64(a.Oid) - int64(b.Oid)) })
	return out, nil
}

// checkReferencesTo refuses to detach a partition with rows that others refer to.
func (c *Context) checkReferencesTo(part *catalog.Relation) error {
	list, err := constraintsTo(c.S.Cat, part.Oid)
	if err != nil {
		return err
	}
	for _, k := range list {
		if k.Conparentid == 0 {
			continue
		}
		if _, err := c.S.Cat.LockRelation(k.Conrelid, locks.Share); err != nil {
			return err
		}
		if c.Hooks == nil || c.Hooks.CheckPartitionGoes == nil {
			return missing("FOREIGN KEY")
		}
		if err := c.Hooks.CheckPartitionGoes(k.Oid); err != nil {
			return err
		}
	}
	return nil
}

// detachForeignKeys makes the foreign keys of a partition that leaves its table its own, and drops what refers to it as a part of that table.
func (c *Context) detachForeignKeys(part *catalog.Relation) error {
	cat := c.S.Cat
	for _, k := range part.ForeignKeys {
		if k.Conparentid == 0 {
			continue
		}
		checks, err := cat.ForeignKeyTriggers(k.Oid, part.Oid, true)
		if err != nil {
			return err
		}
		if checks == (catalog.KeyTriggers{}) {
			continue // the part of a constraint of a table to itself that is for one partition
		}
		if err := cat.SetConstraintParent(k.Oid, part.Oid, 0); err != nil {
			return err
		}
		for _, t := range checks {
			if err := cat.SetTriggerParent(t, part.Oid, 0); err != nil {
				return err
			}
		}
		if err := c.step(); err != nil {
			return err
		}
		pk, err := cat.LockRelation(k.Confrelid, locks.ShareRowExclusive)
		if err != nil {
			return err
		}
		row := *k
		if err := c.foreignKeyActions(&row, pk, catalog.KeyTriggers{}); err != nil {
			return err
		}
	}
	return c.dropReferencesTo(part)
}

func (c *Context) dropReferencesTo(part *catalog.Relation) error {
	list, err := constraintsTo(c.S.Cat, part.Oid)
	if err != nil {
		return err
	}
	for _, k := range list {
		if k.Conparentid == 0 {
			continue
		}
		if _, err := c.S.Cat.LockRelation(k.Conrelid, locks.AccessExclusive); err != nil {
			return err
		}
		deps, err := c.S.Cat.DependenciesOf(constraintObject(k.Oid))
		if err != nil {
			return err
		}
		for _, d := range deps {
			if d.Refclassid == catalog.PgConstraintOid && catalog.DepType(d.Deptype) == catalog.DepInternal {
				if err := c.S.Cat.Delete(d); err != nil {
					return err
				}
			}
		}
		if err := c.step(); err != nil {
			return err
		}
		if err := c.S.Cat.PerformDeletion([]catalog.Object{constraintObject(k.Oid)}, catalog.DropOpts{Quiet: true}); err != nil {
			return err
		}
	}
	return c.step()
}
