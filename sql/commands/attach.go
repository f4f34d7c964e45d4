package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// attachPartition is ALTER TABLE ... ATTACH PARTITION; the parent is locked.
func (a *alteration) attachPartition(cmd *ast.PartitionCmd) error {
	c := a.c
	parent, err := a.rel()
	if err != nil {
		return err
	}
	child, err := c.S.Cat.OpenRelation(relName(cmd.Name), locks.AccessExclusive, catalog.LockOpts{})
	if err != nil {
		return err
	}
	def, err := c.lockDefault(parent)
	if err != nil {
		return err
	}
	if err := c.checkOwner(child); err != nil {
		return err
	}
	b, err := c.partitionBound(parent, cmd.Bound)
	if err != nil {
		return err
	}
	if err := c.checkAttach(parent, child); err != nil {
		return err
	}
	if err := c.checkNewBound(child.Name, parent, b, cmd.Bound); err != nil {
		return err
	}
	if err := c.inheritFrom(child, parent, 1, true); err != nil {
		return err
	}
	if err := c.storeBound(child.Oid, parent, b); err != nil {
		return err
	}
	if err := c.matchIndexes(parent, child.Oid); err != nil {
		return err
	}
	check, err := c.cloneForeignKeys(parent.Oid, child.Oid)
	if err != nil {
		return err
	}
	a.foreign = append(a.foreign, check...)
	if parent, err = a.rel(); err != nil {
		return err
	}
	if err := c.checkAttached(parent, child.Oid); err != nil {
		return err
	}
	if def != nil && !b.IsDefault {
		return c.checkDefault(parent, def, b, "")
	}
	return nil
}

// checkAttach refuses tables that cannot become partitions.
func (c *Context) checkAttach(parent, child *catalog.Relation) error {
	wrong := func(format string, args ...any) error { return pgerr.New(pgerr.WrongObjectType, format, args...) }
	if child.Kind != 'r' && child.Kind != 'p' && child.Kind != 'f' {
		return pgerr.New(pgerr.WrongObjectType, "ALTER action %s cannot be performed on relation %q", "ATTACH PARTITION", child.Name).
			WithDetail("This operation is not supported for %s.", pluralKind(child.Kind))
	}
	switch {
	case child.IsPartition:
		return wrong("%q is already a partition", child.Name)
	case child.OfType != 0:
		return wrong("cannot attach a typed table as partition")
	}
	parents, err := c.S.Cat.Parents(child.Oid)
	if err != nil {
		return err
	}
	if len(parents) > 0 {
		return wrong("cannot attach inheritance child as partition")
	}
	if child.Kind == 'r' {
		kids, err := c.S.Cat.InheritanceChildren(child.Oid, locks.NoLock, true)
		if err != nil {
			return err
		}
		if len(kids) > 0 {
			return wrong("cannot attach inheritance parent as partition")
		}
	}
	below, _, err := c.S.Cat.AllInheritors(child.Oid, locks.AccessExclusive)
	if err != nil {
		return err
	}
	for _, o := range below {
		if o == parent.Oid {
			return pgerr.New(pgerr.DuplicateTable, "circular inheritance not allowed").
				WithDetail("%q is already a child of %q.", parent.Name, child.Name)
		}
	}
	switch {
	case !parent.IsTemp() && child.IsTemp():
		return wrong("cannot attach a temporary relation as partition of permanent relation %q", parent.Name)
	case parent.IsTemp() && !child.IsTemp():
		return wrong("cannot attach a permanent relation as partition of temporary relation %q", parent.Name)
	}
	if _, own, err := c.S.Cat.IsTempNamespace(child.Namespace); err != nil {
		return err
	} else if child.IsTemp() && !own {
		return wrong("cannot attach temporary relation of another session as partition")
	}
	for i := range child.Desc.Attrs {
		if at := &child.Desc.Attrs[i]; !at.Dropped && parent.AttNum(at.Name) == 0 {
			return pgerr.New(pgerr.DatatypeMismatch, "table %q contains column %q not found in parent %q", child.Name, at.Name, parent.Name).
				WithDetail("The new partition may contain only the columns present in parent.")
		}
	}
	return nil
}

// checkAttached looks whether the rows of a new partition belong there.
func (c *Context) checkAttached(parent *catalog.Relation, oid ids.Oid) error {
	child, err := c.S.Relation(oid)
	if err != nil {
		return err
	}
	for level, of := child, parent; ; {
		d := of.Partitions(true)
		place := -1
		for i, o := range d.Oids {
			if o == level.Oid {
				place = i
			}
		}
		if err := c.checkRows(child, of, d, func(at int) bool { return at != place }, "partition constraint of relation %q is violated by some row", ""); err != nil {
			return err
		}
		if of.Parent == 0 || of.PartBound == nil {
			return nil
		}
		level = of
		if of, err = c.S.Relation(level.Parent); err != nil {
			return err
		}
	}
}

// inheritFrom makes a table a child of another one that has all columns and CHECKs of the parent: INHERIT and ATTACH PARTITION.
func (c *Context) inheritFrom(child, parent *catalog.Relation, seq int32, partition bool) error {
	if err := c.mergeChildColumns(child, parent, partition); err != nil {
		return err
	}
	if err := c.mergeChildChecks(child, parent, partition); err != nil {
		return err
	}
	if err := c.S.Cat.AddInherits(child.Oid, parent.Oid, seq, partition); err != nil {
		return err
	}
	return c.step()
}

func (c *Context) mergeChildColumns(child, parent *catalog.Relation, partition bool) error {
	for i := range parent.Desc.Attrs {
		p := &parent.Desc.Attrs[i]
		if p.Dropped {
			continue
		}
		mismatch := func(format string, args ...any) error { return pgerr.New(pgerr.DatatypeMismatch, format, args...) }
		att := child.AttNum(p.Name)
		if att <= 0 {
			return mismatch("child table is missing column %q", p.Name)
		}
		at := &child.Desc.Attrs[att-1]
		switch {
		case at.Type != p.Type || at.Typmod != p.Typmod:
			return mismatch("child table %q has different type for column %q", child.Name, p.Name)
		case at.Collation != p.Collation:
			return pgerr.New(pgerr.CollationMismatch, "child table %q has different collation for column %q", child.Name, p.Name)
		case p.NotNull && !at.NotNull:
			return mismatch("column %q in child table must be marked NOT NULL", p.Name)
		case p.Generated != 0 && at.Generated == 0:
			return mismatch("column %q in child table must be a generated column", p.Name)
		case p.Generated == 0 && at.Generated != 0:
			return mismatch("column %q in child table must not be a generated column", p.Name)
		}
		if p.Generated != 0 {
			if err := c.sameGeneration(child, parent, att, int16(i+1)); err != nil {
				return err
			}
		}
		row, err := c.S.Cat.Attribute(child.Oid, att)
		if err != nil {
			return err
		}
		row.Attinhcount++
		if partition {
			row.Attislocal = false
		}
		if err := c.S.Cat.Update(row); err != nil {
			return err
		}
	}
	return c.step()
}

// sameGeneration refuses a child whose generation expression is another one.
func (c *Context) sameGeneration(child, parent *catalog.Relation, att, patt int16) error {
	mine, err := child.Default(att)
	if err != nil {
		return err
	}
	theirs, err := parent.Default(patt)
	if err != nil {
		return err
	}
	if query.Equal(mine, catalog.MapColumns(theirs, parent, child)) {
		return nil
	}
	return pgerr.New(pgerr.DatatypeMismatch, "column %q in child table has a conflicting generation expression", child.AttName(att))
}

func (c *Context) mergeChildChecks(child, parent *catalog.Relation, partition bool) error {
	for i, k := range parent.Checks {
		if k.Connoinherit {
			continue
		}
		want, err := parent.Check(i)
		if err != nil {
			return err
		}
		found := false
		for j, have := range child.Checks {
			if have.Conname != k.Conname {
				continue
			}
			expr, err := child.Check(j)
			if err != nil {
				return err
			}
			switch {
			case !query.Equal(expr, catalog.MapColumns(want, parent, child)):
				return pgerr.New(pgerr.DatatypeMismatch, "child table %q has different definition for check constraint %q", child.Name, k.Conname)
			case have.Connoinherit:
				return pgerr.New(pgerr.InvalidObjectDefinition, "constraint %q conflicts with non-inherited constraint on child table %q", k.Conname, child.Name)
			case k.Convalidated && !have.Convalidated:
				return pgerr.New(pgerr.InvalidObjectDefinition, "constraint %q conflicts with NOT VALID constraint on child table %q", k.Conname, child.Name)
			}
			found = true
			if err := c.countInherited(have.Oid, 1, partition); err != nil {
				return err
			}
		}
		if !found {
			return pgerr.New(pgerr.DatatypeMismatch, "child table is missing constraint %q", k.Conname)
		}
	}
	return c.step()
}

// countInherited changes the number of parents that a constraint comes from. notLocal makes it an inherited one only.
func (c *Context) countInherited(oid ids.Oid, by int32, notLocal bool) error {
	row, err := catalog.Fetch[catalog.PgConstraint](c.S.Cat, catalog.PgConstraintOidIndex, catalog.OidKey(catalog.AttPgConstraintOid, oid))
	if err != nil {
		return err
	}
	row.Coninhcount += by
	if notLocal {
		row.Conislocal = false
	}
	if row.Coninhcount == 0 {
		row.Conislocal = true
	}
	return c.S.Cat.Update(row)
}

// addInherit is ALTER TABLE ... INHERIT.
func (a *alteration) addInherit(rv *ast.RangeVar) error {
	c := a.c
	child, err := a.rel()
	if err != nil {
		return err
	}
	wrong := func(format string, args ...any) error { return pgerr.New(pgerr.WrongObjectType, format, args...) }
	parent, err := c.openRelation(rv, locks.ShareUpdateExclusive)
	if err != nil {
		return err
	}
	if parent.Kind != 'r' && parent.Kind != 'f' && parent.Kind != 'p' {
		return pgerr.New(pgerr.WrongObjectType, "ALTER action %s cannot be performed on relation %q", "INHERIT", parent.Name).
			WithDetail("This operation is not supported for %s.", pluralKind(parent.Kind))
	}
	if err := c.checkOwner(parent); err != nil {
		return err
	}
	switch {
	case parent.IsTemp() && !child.IsTemp():
		return wrong("cannot inherit from temporary relation %q", parent.Name)
	case parent.Kind == 'p':
		return wrong("cannot inherit from partitioned table %q", parent.Name)
	case parent.IsPartition:
		return wrong("cannot inherit from a partition")
	}
	rows, err := c.S.Cat.Parents(child.Oid)
	if err != nil {
		return err
	}
	seq := int32(0)
	for _, r := range rows {
		if r.Inhparent == parent.Oid {
			return pgerr.New(pgerr.DuplicateTable, "relation %q would be inherited from more than once", parent.Name)
		}
		seq = max(seq, r.Inhseqno)
	}
	below, _, err := c.S.Cat.AllInheritors(child.Oid, locks.AccessExclusive)
	if err != nil {
		return err
	}
	for _, o := range below {
		if o == parent.Oid {
			return pgerr.New(pgerr.DuplicateTable, "circular inheritance not allowed").WithDetail("%q is already a child of %q.", parent.Name, child.Name)
		}
	}
	return c.inheritFrom(child, parent, seq+1, false)
}

// dropInherit is ALTER TABLE ... NO INHERIT.
func (a *alteration) dropInherit(rv *ast.RangeVar) error {
	c := a.c
	child, err := a.rel()
	if err != nil {
		return err
	}
	parent, err := c.openRelation(rv, locks.AccessShare)
	if err != nil {
		return err
	}
	return c.removeInheritance(child, parent, false)
}

// removeInheritance makes what a child has from a parent its own.
func (c *Context) removeInheritance(child, parent *catalog.Relation, partition bool) error {
	found, err := c.S.Cat.RemoveInherits(child.Oid, parent.Oid, partition)
	if err != nil {
		return err
	}
	if !found {
		if partition {
			return pgerr.New(pgerr.UndefinedTable, "relation %q is not a partition of relation %q", child.Name, parent.Name)
		}
		return pgerr.New(pgerr.UndefinedTable, "relation %q is not a parent of relation %q", parent.Name, child.Name)
	}
	for i := range child.Desc.Attrs {
		at := &child.Desc.Attrs[i]
		if at.Dropped || parent.AttNum(at.Name) <= 0 {
			continue
		}
		row, err := c.S.Cat.Attribute(child.Oid, int16(i+1))
		if err != nil {
			return err
		}
		if row.Attinhcount == 0 {
			continue
		}
		row.Attinhcount--
		row.Attislocal = row.Attislocal || row.Attinhcount == 0
		if err := c.S.Cat.Update(row); err != nil {
			return err
		}
	}
	for _, k := range child.Checks {
		for _, p := range parent.Checks {
			if p.Conname == k.Conname && k.Coninhcount > 0 {
				if err := c.countInherited(k.Oid, -1, false); err != nil {
					return err
				}
			}
		}
	}
	return c.step()
}

// detachPartition is ALTER TABLE ... DETACH PARTITION without CONCURRENTLY.
func (a *alteration) detachPartition(cmd *ast.PartitionCmd) error {
	c := a.c
	parent, err := a.rel()
	if err != nil {
		return err
	}
	if _, err := c.lockDefault(parent); err != nil {
		return err
	}
	child, err := c.S.Cat.OpenRelation(relName(cmd.Name), locks.AccessExclusive, catalog.LockOpts{})
	if err != nil {
		return err
	}
	if child.Parent != parent.Oid || !child.IsPartition {
		return pgerr.New(pgerr.UndefinedTable, "relation %q is not a partition of relation %q", child.Name, parent.Name)
	}
	if child.DetachPending {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "partition %q already pending detach in partitioned table \"%s.%s\"", child.Name,
			c.schemaName(parent.Namespace), parent.Name).
			WithHint("Use ALTER TABLE ... DETACH PARTITION ... FINALIZE to complete the pending detach operation.")
	}
	if err := c.checkReferencesTo(child); err != nil {
		return err
	}
	return c.finishDetach(parent, child)
}

// finishDetach takes a partition out of its table for good.
func (c *Context) finishDetach(parent, child *catalog.Relation) error {
	if err := c.removeInheritance(child, parent, true); err != nil {
		return err
	}
	if err := c.detachForeignKeys(child); err != nil {
		return err
	}
	for _, ix := range child.Indexes {
		if ix.Parent == 0 {
			continue
		}
		if _, err := c.S.Cat.LockRelation(ix.Oid, locks.AccessExclusive); err != nil {
			return err
		}
		if err := c.S.Cat.SetIndexParent(ix.Oid, child.Oid, 0); err != nil {
			return err
		}
		if ix.Constraint != 0 {
			if err := c.S.Cat.SetConstraintParent(ix.Constraint, child.Oid, 0); err != nil {
				return err
			}
		}
	}
	if err := c.S.Cat.SetPartBound(child.Oid, nil); err != nil {
		return err
	}
	if child.PartBound != nil && child.PartBound.IsDefault {
		if err := c.S.Cat.SetDefaultPartition(parent.Oid, 0); err != nil {
			return err
		}
	}
	d := parent.Partitions(true)
	if d.Bounds.Default >= 0 {
		c.S.Cat.InvalidateRelation(d.Oids[d.Bounds.Default])
	}
	c.S.Cat.InvalidateRelation(parent.Oid)
	below, _, err := c.S.Cat.AllInheritors(child.Oid, locks.AccessExclusive)
	if err != nil {
		return err
	}
	for _, o := range below {
		c.S.Cat.InvalidateRelation(o)
	}
	return c.step()
}
