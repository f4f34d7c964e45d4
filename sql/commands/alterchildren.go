package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

// alterSet is the tables that one ALTER TABLE changes: the one that it names, and those that inherit from it.
type alterSet struct {
	c    *Context
	mode locks.Mode
	list []*alteration
}

// of returns the state of one table, which is locked.
func (s *alterSet) of(rel *catalog.Relation) *alteration {
	for _, a := range s.list {
		if a.oid == rel.Oid {
			return a
		}
	}
	a := &alteration{c: s.c, set: s, oid: rel.Oid, old: rel, persistence: rel.Persistence, retyped: map[int16]bool{}}
	s.list = append(s.list, a)
	return a
}

// run does the actions of all tables, pass by pass. Actions may add tables.
func (s *alterSet) run() error {
	for pass := range passCount {
		for n := 0; n < len(s.list); n++ {
			if err := s.list[n].runPass(pass); err != nil {
				return err
			}
		}
		if pass != passColumnAttrs {
			continue
		}
		for _, a := range s.list {
			// The table is rewritten before indexes are built over it.
			if a.rewrite && a.old.Heap != nil {
				if err := a.rewriteTable(); err != nil {
					return err
				}
			}
		}
	}
	for _, a := range s.list {
		if err := a.finish(); err != nil {
			return err
		}
	}
	for _, a := range s.list {
		for _, con := range a.foreign {
			if err := a.c.validateForeignKey(con); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *alteration) runPass(pass alterPass) error {
	for i := a.done[pass]; i < len(a.actions[pass]); i++ {
		a.done[pass] = i + 1
		if err := a.actions[pass][i](); err != nil {
			return err
		}
		if err := a.c.step(); err != nil {
			return err
		}
	}
	return nil
}

// recursesSimply tells the forms that do the same to each child.
func recursesSimply(t ast.AlterTableType) bool {
	switch t {
	case ast.ATColumnDefault, ast.ATDropNotNull, ast.ATSetNotNull, ast.ATDropExpression, ast.ATSetStatistics, ast.ATSetStorage, ast.ATAlterColumnType:
		return true
	}
	return false
}

// prepareAll prepares a command for the table and, where the form goes down, for all that inherit from it.
func (a *alteration) prepareAll(cmd *ast.AlterTableCmd) error {
	if err := a.checkOnly(cmd); err != nil {
		return err
	}
	if a.old.HasSubclass && a.recurse && recursesSimply(cmd.Subtype) {
		if err := a.prepareChildren(cmd); err != nil {
			return err
		}
	}
	return a.prepare(cmd)
}

func (a *alteration) prepareChildren(cmd *ast.AlterTableCmd) error {
	c := a.c
	list, parents, err := c.S.Cat.AllInheritors(a.oid, a.set.mode)
	if err != nil {
		return err
	}
	for i, oid := range list[1:] {
		rel, err := c.S.Relation(oid)
		if err != nil {
			return err
		}
		if err := c.checkNotInUse(rel, "ALTER TABLE"); err != nil {
			return err
		}
		child := a.set.of(rel)
		child.recursing = true
		if cmd.Subtype == ast.ATAlterColumnType {
			if err := child.keyColumn(cmd.Name, "alter"); err != nil {
				return err
			}
			if att := rel.AttNum(cmd.Name); att > 0 {
				row, err := c.S.Cat.Attribute(oid, att)
				if err != nil {
					return err
				}
				if int(row.Attinhcount) > parents[i+1] {
					return pgerr.New(pgerr.InvalidTableDefinition, "cannot alter inherited column %q of relation %q", cmd.Name, rel.Name)
				}
			}
		}
		if err := child.prepare(cmd); err != nil {
			return err
		}
	}
	return nil
}

// hasChildren reports whether any table inherits from this one.
func (a *alteration) hasChildren() (bool, error) { return a.c.S.Cat.HasChildren(a.oid) }

func (a *alteration) inheritedColumn(name string) (bool, error) {
	att := a.old.AttNum(name)
	if att <= 0 {
		return false, nil
	}
	row, err := a.c.S.Cat.Attribute(a.oid, att)
	return row != nil && row.Attinhcount > 0, err
}

// checkOnly refuses forms that would put the table out of step with its parents or, under ONLY, with its children.
func (a *alteration) checkOnly(cmd *ast.AlterTableCmd) error {
	bad := func(format string, args ...any) *pgerr.Error {
		return pgerr.New(pgerr.InvalidTableDefinition, format, args...)
	}
	children, err := a.hasChildren()
	if err != nil {
		return err
	}
	only := children && !a.recurse
	switch cmd.Subtype {
	case ast.ATDropNotNull:
		if only && a.old.Kind == 'p' {
			return bad("cannot remove constraint from only the partitioned table when partitions exist").WithHint("Do not specify the ONLY keyword.")
		}
	case ast.ATSetNotNull:
		if only && a.old.Kind == 'p' {
			return a.childrenNotNull(cmd.Name)
		}
	case ast.ATAlterColumnType:
		inherited, err := a.inheritedColumn(cmd.Name)
		if err != nil {
			return err
		}
		if inherited {
			return bad("cannot alter inherited column %q", cmd.Name)
		}
		if err := a.keyColumn(cmd.Name, "alter"); err != nil {
			return err
		}
		if only {
			return bad("type of inherited column %q must be changed in child tables too", cmd.Name)
		}
	case ast.ATDropExpression:
		if only {
			return pgerr.NotSupported("ALTER TABLE / DROP EXPRESSION must be applied to child tables too")
		}
		inherited, err := a.inheritedColumn(cmd.Name)
		if err != nil {
			return err
		}
		if inherited {
			return bad("cannot drop generation expression from inherited column")
		}
	}
	return nil
}

// keyColumn refuses changes of a column that the partition key uses.
func (a *alteration) keyColumn(name, verb string) error {
	k := a.old.PartKey
	att := a.old.AttNum(name)
	if k == nil || att <= 0 {
		return nil
	}
	if used, _ := k.HasColumn(att); used {
		return pgerr.New(pgerr.InvalidTableDefinition, "cannot %s column %q because it is part of the partition key of relation %q", verb, name, a.old.Name)
	}
	return nil
}

// childrenNotNull looks whether all children have a column NOT NULL already.
func (a *alteration) childrenNotNull(name string) error {
	children, err := a.c.S.Cat.InheritanceChildren(a.oid, a.set.mode, false)
	if err != nil {
		return err
	}
	for _, oid := range children {
		rel, err := a.c.S.Relation(oid)
		if err != nil {
			return err
		}
		if att := rel.AttNum(name); att > 0 && !rel.Desc.Attrs[att-1].NotNull {
			return pgerr.New(pgerr.InvalidTableDefinition, "constraint must be added to child tables too").
				WithDetail("Column %q of relation %q is not already NOT NULL.", name, rel.Name).WithHint("Do not specify the ONLY keyword.")
		}
	}
	return nil
}

// eachChild calls f with the state of each direct child, locked.
func (a *alteration) eachChild(f func(child *alteration, rel *catalog.Relation) error) error {
	children, err := a.c.S.Cat.InheritanceChildren(a.oid, a.set.mode, false)
	if err != nil {
		return err
	}
	for _, oid := range children {
		rel, err := a.c.S.Relation(oid)
		if err != nil {
			return err
		}
		if err := a.c.checkNotInUse(rel, "ALTER TABLE"); err != nil {
			return err
		}
		child := a.set.of(rel)
		child.recursing, child.recurse = true, a.recurse
		if err := f(child, rel); err != nil {
			return err
		}
		if err := a.c.step(); err != nil {
			return err
		}
	}
	return nil
}

// addToChildren adds a new column of the table to its children.
func (a *alteration) addToChildren(col *columnDef) error {
	children, err := a.hasChildren()
	if !children || err != nil {
		return err
	}
	if !a.recurse {
		return pgerr.New(pgerr.InvalidTableDefinition, "column must be added to child tables too")
	}
	return a.eachChild(func(child *alteration, rel *catalog.Relation) error {
		n := *col
		n.Identity, n.seq, n.seqOid = 0, nil, 0
		n.InhCount, n.NotLocal = 1, true
		return child.addInherited(&n)
	})
}

// addInherited adds a column that comes from a parent, or counts it when it is there already.
func (a *alteration) addInherited(col *columnDef) error {
	c := a.c
	rel, err := a.rel()
	if err != nil {
		return err
	}
	if att := rel.AttNum(col.Name); att > 0 {
		at := &rel.Desc.Attrs[att-1]
		if at.Type != col.Type || at.Typmod != col.Typmod {
			return pgerr.New(pgerr.DatatypeMismatch, "child table %q has different type for column %q", rel.Name, col.Name)
		}
		if at.Collation != col.Collation {
			return c.collationConflict2(rel.Name, col.Name, at.Collation, col.Collation)
		}
		if err := a.updateColumn(att, func(r *catalog.PgAttribute) error { r.Attinhcount++; return nil }); err != nil {
			return err
		}
		c.notice("merging definition of column %q for child %q", col.Name, rel.Name)
		return nil
	}
	e := &elements{c: c, table: rel.Name, ns: rel.Namespace, temp: rel.IsTemp(), rel: rel, cols: []*columnDef{col}}
	if err := a.insertColumn(e, col); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	return a.addToChildren(col)
}

func (c *Context) collationConflict2(table, column string, a, b ids.Oid) error {
	e := pgerr.From(c.collationConflict("%s", column, a, b))
	e.Message = "child table \"" + table + "\" has different collation for column \"" + column + "\""
	return e
}

// checkDropColumn refuses dropping a column that the table has from a parent, or that the partition key uses.
func (a *alteration) checkDropColumn(rel *catalog.Relation, att int16, name string) error {
	row, err := a.c.S.Cat.Attribute(a.oid, att)
	if err != nil {
		return err
	}
	if row.Attinhcount > 0 && !a.recursing {
		return pgerr.New(pgerr.InvalidTableDefinition, "cannot drop inherited column %q", name)
	}
	return a.keyColumn(name, "drop")
}

// dropFromChildren takes a column that the table loses from its children, as far as they have it from here alone.
func (a *alteration) dropFromChildren(cmd *ast.AlterTableCmd) error {
	children, err := a.hasChildren()
	if !children || err != nil {
		return err
	}
	if a.old.Kind == 'p' && !a.recurse {
		return pgerr.New(pgerr.InvalidTableDefinition, "cannot drop column from only the partitioned table when partitions exist").
			WithHint("Do not specify the ONLY keyword.")
	}
	return a.eachChild(func(child *alteration, rel *catalog.Relation) error {
		att := rel.AttNum(cmd.Name)
		if att <= 0 {
			return pgerr.Internal("cache lookup failed for attribute %q of relation %d", cmd.Name, rel.Oid)
		}
		row, err := a.c.S.Cat.Attribute(rel.Oid, att)
		if err != nil {
			return err
		}
		if a.recurse && row.Attinhcount == 1 && !row.Attislocal {
			return child.dropColumn(cmd)
		}
		row.Attinhcount--
		row.Attislocal = row.Attislocal || !a.recurse
		return a.c.S.Cat.Update(row)
	})
}

// checkChildren adds a CHECK to the children.
func (a *alteration) checkChildren(k *checkDef) error {
	if k.noInherit || k.merged {
		return nil
	}
	children, err := a.hasChildren()
	if !children || err != nil {
		return err
	}
	if !a.recurse {
		return pgerr.New(pgerr.InvalidTableDefinition, "constraint must be added to child tables too")
	}
	return a.eachChild(func(child *alteration, _ *catalog.Relation) error {
		return child.addCheck(&checkDef{name: k.name, raw: k.raw, notValid: k.notValid, inherited: 1, notLocal: true, merge: true})
	})
}

// dropCheckFromChildren takes a CHECK that the table loses from its children.
func (a *alteration) dropCheckFromChildren(k *catalog.Constraint, cmd *ast.AlterTableCmd) error {
	children, err := a.hasChildren()
	if !children || err != nil {
		return err
	}
	if k.Contype != 'c' && a.old.Kind == 'p' {
		return nil // by the dependencies of its partitions' constraints
	}
	if k.Contype != 'c' || k.Connoinherit {
		return nil
	}
	if a.old.Kind == 'p' && !a.recurse {
		return pgerr.New(pgerr.InvalidTableDefinition, "cannot remove constraint from only the partitioned table when partitions exist").
			WithHint("Do not specify the ONLY keyword.")
	}
	return a.eachChild(func(child *alteration, rel *catalog.Relation) error {
		mine, err := constraintNamed(a.c.S.Cat, rel.Oid, cmd.Name)
		if err != nil {
			return err
		}
		if mine == nil {
			return pgerr.New(pgerr.UndefinedObject, "constraint %q of relation %q does not exist", cmd.Name, rel.Name)
		}
		if a.recurse && mine.Coninhcount == 1 && !mine.Conislocal {
			return child.dropConstraint(cmd)
		}
		row, err := catalog.Fetch[catalog.PgConstraint](a.c.S.Cat, catalog.PgConstraintOidIndex, catalog.OidKey(catalog.AttPgConstraintOid, mine.Oid))
		if err != nil {
			return err
		}
		row.Coninhcount--
		row.Conislocal = row.Conislocal || !a.recurse
		return a.c.S.Cat.Update(row)
	})
}

// validateChildren validates the CHECK of this name in the children.
func (a *alteration) validateChildren(k *catalog.Constraint) error {
	if k.Contype != 'c' || k.Connoinherit {
		return nil
	}
	children, err := a.hasChildren()
	if !children || err != nil {
		return err
	}
	if !a.recurse {
		return pgerr.New(pgerr.InvalidTableDefinition, "constraint must be validated on child tables too")
	}
	return a.eachChild(func(child *alteration, _ *catalog.Relation) error { return child.validateConstraint(k.Conname) })
}

// parentNotNull refuses to drop NOT NULL of a partition while the parent has it.
func (a *alteration) parentNotNull(rel *catalog.Relation, name string) error {
	if !rel.IsPartition || rel.Parent == 0 {
		return nil
	}
	parent, err := a.c.S.Relation(rel.Parent)
	if err != nil {
		return err
	}
	if att := parent.AttNum(name); att > 0 && parent.Desc.Attrs[att-1].NotNull {
		return pgerr.New(pgerr.InvalidTableDefinition, "column %q is marked NOT NULL in parent table", name)
	}
	return nil
}

// renameInherited renames a column in a table and, with recurse, in all that inherit from it. parents is how many of a table's parents
// rename it too.
func (c *Context) renameInherited(rel *catalog.Relation, st *ast.RenameStmt, recurse bool) error {
	list, parents, err := c.S.Cat.AllInheritors(rel.Oid, locks.AccessExclusive)
	if err != nil {
		return err
	}
	if !recurse {
		if len(list) > 1 {
			return pgerr.New(pgerr.InvalidTableDefinition, "inherited column %q must be renamed in child tables too", st.Subname)
		}
	}
	for i := len(list) - 1; i >= 0; i-- {
		r, err := c.S.Relation(list[i])
		if err != nil {
			return err
		}
		if err := c.renameOne(r, st, parents[i]); err != nil {
			return err
		}
	}
	return nil
}
