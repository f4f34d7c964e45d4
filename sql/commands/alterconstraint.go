package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

// prepareConstraint puts the steps of ADD CONSTRAINT into their passes.
func (a *alteration) prepareConstraint(k *ast.Constraint) error {
	if err := a.allow("ADD CONSTRAINT", "r"); err != nil {
		return err
	}
	switch k.Contype {
	case ast.ConstrCheck:
		a.add(passAddOther, func() error {
			return a.addCheck(&checkDef{name: k.Conname, raw: k.RawExpr, noInherit: k.IsNoInherit, notValid: k.SkipValidation})
		})
		return nil
	case ast.ConstrPrimary, ast.ConstrUnique:
		if k.Contype == ast.ConstrPrimary {
			if k.Indexname == "" {
				for _, name := range k.Keys {
					a.add(passColumnAttrs, func() error { return a.keyNotNull(name, k) })
				}
			}
			a.add(passColumnAttrs, func() error { return a.onePrimaryKey(k) })
		}
		a.add(passAddIndex, func() error {
			if k.Indexname != "" {
				return a.useIndex(k)
			}
			_, err := a.c.createKeyOn(a.oid, k, !a.recurse)
			return err
		})
		return nil
	case ast.ConstrForeign:
		// Behind those that came with new columns.
		a.add(passColumnAttrs, func() error {
			a.add(passAddOther, func() error { return a.addForeignKey(k, false) })
			return nil
		})
		return nil
	case ast.ConstrExclusion:
		return missing("EXCLUDE constraint")
	}
	return pgerr.Internal("unrecognized constraint type")
}

func (a *alteration) keyNotNull(name string, k *ast.Constraint) error {
	rel, err := a.rel()
	if err != nil {
		return err
	}
	if rel.AttNum(name) == 0 {
		return pgerr.New(pgerr.UndefinedColumn, "column %q named in key does not exist", name).At(int(k.Location))
	}
	return a.setNotNull(name)
}

func (a *alteration) onePrimaryKey(k *ast.Constraint) error {
	rel, err := a.rel()
	if err != nil {
		return err
	}
	if rel.PrimaryKey != 0 {
		return pgerr.New(pgerr.InvalidTableDefinition, "multiple primary keys for table %q are not allowed", rel.Name)
	}
	return nil
}

// addCheck stores a CHECK; the rows are looked at when all is done.
func (a *alteration) addCheck(k *checkDef) error {
	rel, err := a.rel()
	if err != nil {
		return err
	}
	exprs, err := a.c.storeChecks(rel, []*checkDef{k})
	if err != nil {
		return unplaced(err)
	}
	if exprs[0] != nil && rel.Heap != nil {
		a.checks = append(a.checks, newCheck{k.name, exprs[0]})
	}
	return a.checkChildren(k)
}

// useIndex is ADD CONSTRAINT ... USING INDEX.
func (a *alteration) useIndex(k *ast.Constraint) error {
	c := a.c
	rel, err := a.rel()
	if err != nil {
		return err
	}
	oid, err := c.S.Cat.RelationOid(rel.Namespace, k.Indexname)
	if err != nil {
		return err
	}
	if oid == 0 {
		return pgerr.New(pgerr.UndefinedObject, "index %q does not exist", k.Indexname).At(int(k.Location))
	}
	ix := indexOf(rel, oid)
	wrong := func(format string, args ...any) error {
		return pgerr.New(pgerr.WrongObjectType, format, args...).WithDetail("Cannot create a primary key or unique constraint using such an index.").At(int(k.Location))
	}
	switch {
	case ix == nil:
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "index %q does not belong to table %q", k.Indexname, rel.Name).At(int(k.Location))
	case ix.Constraint != 0:
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "index %q is already associated with a constraint", k.Indexname).At(int(k.Location))
	case !ix.Valid:
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "index %q is not valid", k.Indexname).At(int(k.Location))
	case !ix.Unique:
		return wrong("%q is not a unique index", k.Indexname)
	case ix.ExprText != nil:
		return wrong("index %q contains expressions", k.Indexname)
	case ix.PredText != nil:
		return wrong("%q is a partial index", k.Indexname)
	case !ix.Immediate && !k.Deferrable:
		return wrong("%q is a deferrable index", k.Indexname)
	}
	for i := range ix.NKeyAtts {
		if ix.Flags[i] != 0 {
			return wrong("index %q column number %d does not have default sorting behavior", k.Indexname, i+1)
		}
	}
	for _, mode := range []locks.Mode{locks.AccessShare, locks.ShareUpdateExclusive} {
		if err := c.S.Cat.HoldRelation(ix.Oid, mode); err != nil {
			return err
		}
	}
	primary := k.Contype == ast.ConstrPrimary
	name := k.Conname
	if name == "" {
		name = k.Indexname
	}
	if name != k.Indexname {
		c.notice("ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index %q to %q", k.Indexname, name)
		if err := c.renameRelation(ix.Oid, name); err != nil {
			return err
		}
	}
	if primary {
		for _, att := range ix.Keys[:ix.NKeyAtts] {
			if err := a.setNotNull(rel.AttName(att)); err != nil {
				return err
			}
			if err := c.step(); err != nil {
				return err
			}
		}
	}
	return a.adoptIndex(rel, ix, name, primary, k)
}

// adoptIndex makes an index the index of a new constraint: it depends on the constraint instead of the columns.
func (a *alteration) adoptIndex(rel *catalog.Relation, ix *catalog.Index, name string, primary bool, k *ast.Constraint) error {
	cat := a.c.S.Cat
	deps, err := cat.DependenciesOf(catalog.RelationObject(ix.Oid))
	if err != nil {
		return err
	}
	for _, d := range deps {
		if d.Refclassid == catalog.PgClassOid && d.Refobjid == rel.Oid {
			if err := cat.Delete(d); err != nil {
				return err
			}
		}
	}
	if err := a.c.createKeyConstraint(rel, ix.Oid, name, primary, k.Deferrable, k.Initdeferred, ix.Keys[:ix.NKeyAtts]); err != nil {
		return err
	}
	if !primary && !k.Deferrable {
		return nil
	}
	row, err := catalog.Fetch[catalog.PgIndex](cat, catalog.PgIndexIndexrelidIndex, catalog.OidKey(catalog.AttPgIndexIndexrelid, ix.Oid))
	if err != nil {
		return err
	}
	row.Indisprimary, row.Indimmediate = primary, !k.Deferrable
	return cat.Update(row)
}

func (a *alteration) constraintNamed(name string) (*catalog.Constraint, error) {
	return constraintNamed(a.c.S.Cat, a.oid, name)
}

// constraintNamed finds a constraint of a relation; nil when there is none.
func constraintNamed(cat *catalog.Session, rel ids.Oid, name string) (*catalog.Constraint, error) {
	list, err := cat.ConstraintsOf(rel)
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		if k.Conname == name {
			return k, nil
		}
	}
	return nil, nil
}

func (a *alteration) dropConstraint(cmd *ast.AlterTableCmd) error {
	k, err := a.constraintNamed(cmd.Name)
	if err != nil {
		return err
	}
	if k == nil {
		if cmd.MissingOk {
			a.c.notice("constraint %q of relation %q does not exist, skipping", cmd.Name, a.old.Name)
			return nil
		}
		return pgerr.New(pgerr.UndefinedObject, "constraint %q of relation %q does not exist", cmd.Name, a.old.Name)
	}
	if k.Coninhcount > 0 && !a.recursing {
		return pgerr.New(pgerr.InvalidTableDefinition, "cannot drop inherited constraint %q of relation %q", cmd.Name, a.old.Name)
	}
	if err := a.dropCheckFromChildren(k, cmd); err != nil {
		return err
	}
	return a.c.performDeletion([]catalog.Object{{Class: catalog.PgConstraintOid, Oid: k.Oid}}, cmd.Behavior)
}

func (a *alteration) validateConstraint(name string) error {
	k, err := a.constraintNamed(name)
	if err != nil {
		return err
	}
	if k == nil {
		return pgerr.New(pgerr.UndefinedObject, "constraint %q of relation %q does not exist", name, a.old.Name)
	}
	if k.Contype != 'c' && k.Contype != 'f' {
		return pgerr.New(pgerr.WrongObjectType, "constraint %q of relation %q is not a foreign key or check constraint", name, a.old.Name)
	}
	if k.Convalidated {
		return nil
	}
	if err := a.validateChildren(k); err != nil {
		return err
	}
	rel, err := a.rel()
	if err != nil {
		return err
	}
	for i, ck := range rel.Checks {
		if ck.Oid != k.Oid {
			continue
		}
		expr, err := rel.Check(i)
		if err != nil {
			return err
		}
		a.checks = append(a.checks, newCheck{name, expr})
	}
	if k.Contype == 'f' {
		if err := a.c.S.Cat.HoldRelation(k.Confrelid, locks.RowShare); err != nil {
			return err
		}
		a.foreign = append(a.foreign, k.Oid)
	}
	row, err := catalog.Fetch[catalog.PgConstraint](a.c.S.Cat, catalog.PgConstraintOidIndex, catalog.OidKey(catalog.AttPgConstraintOid, k.Oid))
	if err != nil {
		return err
	}
	row.Convalidated = true
	return a.c.S.Cat.Update(row)
}
