package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

// merging is the state of putting together the columns of a new table and of its parents.
type merging struct {
	e         *elements
	partition bool
	cols      []*columnDef // inherited ones, then the table's own
	checks    []*checkDef  // inherited ones
	bogus     map[*columnDef]bool
}

// openParents locks the tables that a new table inherits from or is a partition of.
func (e *elements) openParents(st *ast.CreateStmt) error {
	mode := locks.ShareUpdateExclusive
	if st.Partbound != nil {
		mode = locks.AccessExclusive
	}
	seen := map[ids.Oid]bool{}
	for _, rv := range st.InhRelations {
		rel, err := e.c.openRelation(rv, mode)
		if err != nil {
			return err
		}
		if seen[rel.Oid] {
			return pgerr.New(pgerr.DuplicateTable, "relation %q would be inherited from more than once", rel.Name)
		}
		seen[rel.Oid] = true
		e.parents = append(e.parents, rel)
	}
	return nil
}

// mergeParents makes the columns and CHECKs of the parents part of the new table's.
func (e *elements) mergeParents(persistence byte, partition bool) error {
	m := &merging{e: e, partition: partition, bogus: map[*columnDef]bool{}}
	for _, rel := range e.parents {
		if err := m.checkParent(rel, persistence); err != nil {
			return err
		}
		if err := m.addParent(rel); err != nil {
			return err
		}
	}
	if len(e.parents) > 0 && !partition {
		if err := m.addOwn(); err != nil {
			return err
		}
		e.cols = m.cols
	}
	if partition {
		if err := m.addRefinements(); err != nil {
			return err
		}
		e.cols = m.cols
	}
	for _, col := range m.cols {
		if !m.bogus[col] {
			continue
		}
		if col.Generated != 0 {
			return pgerr.New(pgerr.InvalidColumnDefinition, "column %q inherits conflicting generation expressions", col.Name)
		}
		return pgerr.New(pgerr.InvalidColumnDefinition, "column %q inherits conflicting default values", col.Name).
			WithHint("To resolve the conflict, specify a default explicitly.")
	}
	e.inherited = m.checks
	return nil
}

func (m *merging) checkParent(rel *catalog.Relation, persistence byte) error {
	c := m.e.c
	wrong := func(format string, args ...any) error { return pgerr.New(pgerr.WrongObjectType, format, args...) }
	if m.partition {
		if err := c.checkNotInUse(rel, "CREATE TABLE .. PARTITION OF"); err != nil {
			return err
		}
	} else {
		switch {
		case rel.Kind == 'p':
			return wrong("cannot inherit from partitioned table %q", rel.Name)
		case rel.IsPartition:
			return wrong("cannot inherit from partition %q", rel.Name)
		}
	}
	if rel.Kind != 'r' && rel.Kind != 'f' && rel.Kind != 'p' {
		return wrong("inherited relation %q is not a table or foreign table", rel.Name)
	}
	switch {
	case m.partition && !rel.IsTemp() && persistence == 't':
		return wrong("cannot create a temporary relation as partition of permanent relation %q", rel.Name)
	case !m.partition && rel.IsTemp() && persistence != 't':
		return wrong("cannot inherit from temporary relation %q", rel.Name)
	case rel.IsTemp() && persistence != 't':
		return wrong("cannot create a permanent relation as partition of temporary relation %q", rel.Name)
	}
	if temp, own, err := c.S.Cat.IsTempNamespace(rel.Namespace); err != nil {
		return err
	} else if temp && !own {
		if m.partition {
			return wrong("cannot create as partition of temporary relation of another session")
		}
		return wrong("cannot inherit from temporary relation of another session")
	}
	return c.checkOwner(rel)
}

func (m *merging) column(name string) (int, *columnDef) {
	for i, c := range m.cols {
		if c.Name == name {
			return i, c
		}
	}
	return -1, nil
}

// addParent merges the columns, defaults and CHECKs of one parent.
func (m *merging) addParent(rel *catalog.Relation) error {
	type inheritedDefault struct {
		col *columnDef
		att int16
	}
	var defaults []inheritedDefault
	for i := range rel.Desc.Attrs {
		a := &rel.Desc.Attrs[i]
		if a.Dropped {
			continue
		}
		_, col := m.column(a.Name)
		if col != nil {
			if err := m.mergeInherited(col, a); err != nil {
				return err
			}
		} else {
			col = inheritedColumn(a)
			m.cols = append(m.cols, col)
		}
		if a.HasDef {
			defaults = append(defaults, inheritedDefault{col, int16(i + 1)})
		}
	}
	for _, d := range defaults {
		expr, err := rel.Default(d.att)
		if err != nil {
			return err
		}
		if expr, err = m.mapped(expr, rel, "Generation expression for column %q contains a whole-row reference to table %q.", d.col.Name); err != nil {
			return err
		}
		if d.col.cooked == nil {
			d.col.cooked = expr
		} else if !query.Equal(d.col.cooked, expr) {
			m.bogus[d.col] = true
		}
	}
	for i, k := range rel.Checks {
		if k.Connoinherit {
			continue
		}
		expr, err := rel.Check(i)
		if err != nil {
			return err
		}
		if expr, err = m.mapped(expr, rel, "Constraint %q contains a whole-row reference to table %q.", k.Conname); err != nil {
			return err
		}
		if err := m.addCheck(k.Conname, expr); err != nil {
			return err
		}
	}
	return nil
}

// inheritedColumn makes a column like that of a parent.
func inheritedColumn(a *types.Attr) *columnDef {
	col := &columnDef{loc: ast.NoLocation}
	col.Attr = types.Attr{Name: a.Name, Type: a.Type, Base: a.Base, Typmod: a.Typmod, Collation: a.Collation, Len: a.Len, ByVal: a.ByVal,
		Align: a.Align, Storage: a.Storage, Compress: a.Compress, NotNull: a.NotNull, Generated: a.Generated}
	col.InhCount, col.NotLocal = 1, true
	return col
}

// mapped renumbers the columns of a parent's expression to those of the merged list.
func (m *merging) mapped(expr query.Expr, from *catalog.Relation, detail, name string) (query.Expr, error) {
	var bad error
	out := query.Mutate(expr, func(x query.Expr) query.Expr {
		v, ok := x.(*query.Var)
		if !ok || v.Varattno < 0 {
			return x
		}
		if v.Varattno == 0 {
			bad = pgerr.NotSupported("cannot convert whole-row table reference").WithDetail(detail, name, from.Name)
			return x
		}
		n := *v
		i, _ := m.column(from.AttName(int16(v.Varattno)))
		n.Varattno = i + 1
		if n.Varattnosyn != 0 {
			n.Varattnosyn = int32(i + 1)
		}
		return &n
	})
	return out, bad
}

// mergeInherited merges the column of one more parent with the one of the same name.
func (m *merging) mergeInherited(col *columnDef, a *types.Attr) error {
	c := m.e.c
	c.notice("merging multiple inherited definitions of column %q", a.Name)
	mismatch := func(format string) *pgerr.Error { return pgerr.New(pgerr.DatatypeMismatch, format, a.Name) }
	switch {
	case col.Type != a.Type || col.Typmod != a.Typmod:
		return mismatch("inherited column %q has a type conflict").
			WithDetail("%s versus %s", c.S.Cat.FormatType(col.Type, col.Typmod), c.S.Cat.FormatType(a.Type, a.Typmod))
	case col.Collation != a.Collation:
		return c.collationConflict("inherited column %q has a collation conflict", a.Name, col.Collation, a.Collation)
	case col.Storage != a.Storage:
		return mismatch("inherited column %q has a storage parameter conflict").WithDetail("%s versus %s", storageWord(col.Storage), storageWord(a.Storage))
	case col.Compress != 0 && a.Compress != 0 && col.Compress != a.Compress:
		return mismatch("column %q has a compression method conflict").
			WithDetail("%s versus %s", compressionWord(col.Compress), compressionWord(a.Compress))
	}
	if col.Compress == 0 {
		col.Compress = a.Compress
	}
	col.InhCount++
	col.NotNull = col.NotNull || a.NotNull
	if col.Generated != a.Generated {
		return mismatch("inherited column %q has a generation conflict")
	}
	return nil
}

func (c *Context) collationConflict(format, column string, a, b ids.Oid) error {
	name := func(o ids.Oid) string {
		if k, _ := c.S.Cat.Collation(o); k != nil {
			return k.Collname
		}
		return "-"
	}
	return pgerr.New(pgerr.CollationMismatch, format, column).WithDetail("%q versus %q", name(a), name(b))
}

func storageWord(s byte) string {
	switch s {
	case 'p':
		return "PLAIN"
	case 'm':
		return "MAIN"
	case 'x':
		return "EXTENDED"
	case 'e':
		return "EXTERNAL"
	}
	return "???"
}

func compressionWord(s byte) string {
	switch s {
	case 'p':
		return "pglz"
	case 'l':
		return "lz4"
	}
	return "???"
}

// addCheck takes an inherited CHECK, which several parents may have.
func (m *merging) addCheck(name string, expr query.Expr) error {
	for _, k := range m.checks {
		if k.name != name {
			continue
		}
		if !query.Equal(k.expr, expr) {
			return pgerr.New(pgerr.DuplicateObject, "check constraint name %q appears multiple times but with different expressions", name)
		}
		k.inherited++
		return nil
	}
	m.checks = append(m.checks, &checkDef{name: name, expr: expr, inherited: 1, notLocal: true})
	return nil
}

// addOwn merges the columns that the statement itself gives.
func (m *merging) addOwn() error {
	c := m.e.c
	for at, own := range m.e.cols {
		i, col := m.column(own.Name)
		if col == nil {
			m.cols = append(m.cols, own)
			continue
		}
		if i == at {
			c.notice("merging column %q with inherited definition", own.Name)
		} else {
			n := pgerr.New(pgerr.SuccessfulCompletion, "moving and merging column %q with inherited definition", own.Name).
				WithDetail("User-specified column moved to the position of the inherited column.")
			n.Severity = pgerr.Notice
			c.sendNotice(n)
		}
		if err := m.mergeOwn(col, own); err != nil {
			return err
		}
	}
	return nil
}

func (m *merging) mergeOwn(col, own *columnDef) error {
	c := m.e.c
	if col.Type != own.Type || col.Typmod != own.Typmod {
		return pgerr.New(pgerr.DatatypeMismatch, "column %q has a type conflict", own.Name).
			WithDetail("%s versus %s", c.S.Cat.FormatType(col.Type, col.Typmod), c.S.Cat.FormatType(own.Type, own.Typmod))
	}
	if col.Collation != own.Collation {
		return c.collationConflict("column %q has a collation conflict", own.Name, col.Collation, own.Collation)
	}
	if col.Compress == 0 {
		col.Compress = own.Compress
	} else if own.Compress != 0 && own.Compress != col.Compress {
		return pgerr.New(pgerr.DatatypeMismatch, "column %q has a compression method conflict", own.Name).
			WithDetail("%s versus %s", compressionWord(col.Compress), compressionWord(own.Compress))
	}
	col.Identity, col.NotLocal = own.Identity, false
	col.NotNull = col.NotNull || own.NotNull
	return m.override(col, own)
}

// override applies what the statement says of an inherited column's default.
func (m *merging) override(col, own *columnDef) error {
	if err := generatedConflict(col, own); err != nil {
		return err
	}
	if own.raw != nil || own.cooked != nil {
		col.raw, col.cooked = own.raw, own.cooked
		delete(m.bogus, col)
	}
	col.seq, col.seqOid = own.seq, own.seqOid
	col.sawNull, col.sawNotNul = own.sawNull, own.sawNotNul
	return nil
}

func generatedConflict(col, own *columnDef) error {
	bad := func(format string) *pgerr.Error { return pgerr.New(pgerr.InvalidColumnDefinition, format, own.Name) }
	if col.Generated != 0 {
		switch {
		case (own.raw != nil || own.cooked != nil) && own.Generated == 0:
			return bad("column %q inherits from generated column but specifies default")
		case own.Identity != 0:
			return bad("column %q inherits from generated column but specifies identity")
		}
	}
	if own.Generated != 0 {
		return bad("child column %q specifies generation expression").
			WithHint("Omit the generation expression in the definition of the child table column to inherit the generation expression from the parent table.")
	}
	return nil
}

// addRefinements applies the column constraints of CREATE TABLE ... PARTITION OF.
func (m *merging) addRefinements() error {
	for _, own := range m.e.cols {
		_, col := m.column(own.Name)
		if col == nil {
			return pgerr.New(pgerr.UndefinedColumn, "column %q does not exist", own.Name)
		}
		col.NotNull = col.NotNull || own.NotNull
		if err := m.override(col, own); err != nil {
			return err
		}
	}
	return nil
}

// refinement takes a column of CREATE TABLE ... PARTITION OF: a name and constraints.
func (e *elements) refinement(d *ast.ColumnDef) error {
	if e.column(d.Colname) != nil {
		return pgerr.New(pgerr.DuplicateColumn, "column %q specified more than once", d.Colname)
	}
	if err := deferrability(d.Constraints); err != nil {
		return err
	}
	col := &columnDef{loc: d.Location}
	col.Name = d.Colname
	e.cols = append(e.cols, col)
	for _, k := range d.Constraints {
		if k.Contype == ast.ConstrIdentity {
			return pgerr.NotSupported("identity columns are not supported on partitions")
		}
		if err := e.columnConstraint(col, k, false); err != nil {
			return err
		}
	}
	return nil
}

// storeInherited stores the CHECKs that come from the parents.
func (c *Context) storeInherited(oid ids.Oid, checks []*checkDef) error {
	if len(checks) == 0 {
		return nil
	}
	rel, err := c.S.Relation(oid)
	if err != nil {
		return err
	}
	for _, k := range checks {
		if err := c.storeCheck(rel, k, k.expr); err != nil {
			return err
		}
		if err := c.step(); err != nil {
			return err
		}
	}
	return nil
}

// mergeCheck looks for a CHECK of the same name that a new one can be merged with; false when there is none.
func (c *Context) mergeCheck(rel *catalog.Relation, k *checkDef, expr query.Expr) (bool, error) {
	for i, old := range rel.Checks {
		if old.Conname != k.name {
			continue
		}
		have, err := rel.Check(i)
		if err != nil {
			return false, err
		}
		conflict := func(with string) error {
			return pgerr.New(pgerr.InvalidObjectDefinition, "constraint %q conflicts with %s constraint on relation %q", k.name, with, rel.Name)
		}
		switch {
		case !query.Equal(have, expr) || !k.merge && (k.notLocal || old.Conislocal || rel.IsPartition):
			return false, nil
		case old.Connoinherit:
			return false, conflict("non-inherited")
		case old.Coninhcount > 0 && k.noInherit:
			return false, conflict("inherited")
		case !k.notValid && !old.Convalidated:
			return false, conflict("NOT VALID")
		}
		c.notice("merging constraint %q with inherited definition", k.name)
		row, err := catalog.Fetch[catalog.PgConstraint](c.S.Cat, catalog.PgConstraintOidIndex, catalog.OidKey(catalog.AttPgConstraintOid, old.Oid))
		if err != nil {
			return false, err
		}
		switch {
		case rel.IsPartition:
			row.Coninhcount, row.Conislocal = 1, false
		case k.notLocal:
			row.Coninhcount++
		default:
			row.Conislocal = true
		}
		if !k.notLocal && k.noInherit {
			row.Connoinherit = true
		}
		return true, c.S.Cat.Update(row)
	}
	return false, nil
}
