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

// addColumn is ADD COLUMN.
func (a *alteration) addColumn(cmd *ast.AlterTableCmd) error {
	c := a.c
	def, ok := cmd.Def.(*ast.ColumnDef)
	if !ok {
		return pgerr.Internal("ADD COLUMN without a column")
	}
	rel, err := a.rel()
	if err != nil {
		return err
	}
	if rel.IsPartition {
		return pgerr.New(pgerr.WrongObjectType, "cannot add column to a partition")
	}
	if att := rel.AttNum(def.Colname); att != 0 {
		if att < 0 {
			return pgerr.New(pgerr.DuplicateColumn, "column name %q conflicts with a system column name", def.Colname)
		}
		if cmd.MissingOk {
			c.skipNotice(pgerr.DuplicateColumn, "column %q of relation %q already exists, skipping", def.Colname, rel.Name)
			return nil
		}
		return pgerr.New(pgerr.DuplicateColumn, "column %q of relation %q already exists", def.Colname, rel.Name)
	}
	e := &elements{c: c, table: rel.Name, ns: rel.Namespace, temp: rel.IsTemp(), rel: rel}
	if err := deferrability(def.Constraints); err != nil {
		return err
	}
	col, err := e.addColumn(def)
	if err != nil {
		return err
	}
	for _, k := range e.foreign {
		// New rows of the column are NULL unless it has a default.
		valid := col.raw == nil && col.cooked == nil
		a.add(passAddOther, func() error { return a.addForeignKey(k, valid) })
	}
	if e.hasPK && rel.PrimaryKey != 0 {
		return pgerr.New(pgerr.InvalidTableDefinition, "multiple primary keys for table %q are not allowed", rel.Name)
	}
	if err := e.primaryKeyColumns(); err != nil {
		return err
	}
	if col.Identity != 0 && a.recurse {
		if children, err := a.hasChildren(); err != nil {
			return err
		} else if children {
			return pgerr.New(pgerr.InvalidTableDefinition, "cannot recursively add identity column to table that has child tables")
		}
	}
	if err := a.insertColumn(e, col); err != nil {
		return err
	}
	a.laterConstraints(e)
	if err := c.step(); err != nil {
		return err
	}
	return a.addToChildren(col)
}

// insertColumn makes a new column in the catalogs, and decides what old rows have in it.
func (a *alteration) insertColumn(e *elements, col *columnDef) error {
	c, rel := a.c, e.rel
	if len(rel.Desc.Attrs) >= 1600 {
		return pgerr.New(pgerr.TooManyColumns, "tables can have at most %d columns", 1600)
	}
	if err := c.S.Cat.CheckColumnType(col.Name, col.Type, col.Collation); err != nil {
		return err
	}
	for _, s := range e.sequences {
		if err := c.createSequence(s); err != nil {
			return err
		}
	}
	att := len(rel.Desc.Attrs) + 1
	if err := c.S.Cat.InsertColumn(a.oid, att, &col.NewColumn, true); err != nil {
		return err
	}
	if err := c.updateClass(a.oid, func(r *catalog.PgClass) { r.Relnatts = int16(att) }); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	if err := e.finishColumns(a.oid, att-1); err != nil {
		return unplaced(err)
	}
	if rel.Heap != nil {
		if err := a.fillColumn(col, int16(att)); err != nil {
			return err
		}
		if err := c.createToast(a.oid, nil, false); err != nil {
			return err
		}
	}
	return nil
}

// laterConstraints puts the constraints that came with a new column into the passes that they belong to.
func (a *alteration) laterConstraints(e *elements) {
	for _, k := range orderKeys(e.keys) {
		a.add(passAddIndex, func() error {
			_, err := a.c.createKey(a.oid, k.Constraint)
			return err
		})
	}
	for _, k := range e.checks {
		a.add(passAddOther, func() error { return a.addCheck(k) })
	}
}

// fillColumn decides how old rows get the value of a new column: as the table's missing value when the default is the same for all rows, else by
// a rewrite.
func (a *alteration) fillColumn(col *columnDef, att int16) error {
	c := a.c
	rel, err := a.rel()
	if err != nil {
		return err
	}
	domain, err := c.hasDomainConstraints(col.Type)
	if err != nil {
		return err
	}
	var expr query.Expr
	switch {
	case col.Identity != 0:
		expr = nextvalExpr(col.seqOid, col.Type)
	default:
		if expr, err = rel.Default(att); err != nil {
			return err
		}
	}
	if expr == nil {
		if domain {
			return missing("ADD COLUMN of a domain with constraints and without a default")
		}
		a.notNull = a.notNull || col.NotNull
		return nil
	}
	if col.Generated != 0 || domain || c.volatility(expr) == 'v' {
		a.values = append(a.values, newValue{att, expr, col.Generated != 0})
		a.rewrite = true
		a.notNull = a.notNull || col.NotNull
		return nil
	}
	v, err := c.constant(expr)
	if err != nil {
		return err
	}
	if v.IsNull() {
		a.notNull = a.notNull || col.NotNull
		return nil
	}
	return c.S.Cat.SetMissingValue(a.oid, att, v)
}

// constant computes an expression that refers to no columns.
func (c *Context) constant(e query.Expr) (types.Datum, error) {
	if k, ok := e.(*query.Const); ok {
		return k.Value, nil
	}
	ev, err := c.compile([]query.Expr{e}, nil)
	if err != nil {
		return types.Null, err
	}
	out := make([]types.Datum, 1)
	err = ev.Eval(nil, out)
	return out[0], err
}

func (c *Context) hasDomainConstraints(typ ids.Oid) (bool, error) {
	for {
		t, err := c.S.Cat.TypeRow(typ)
		if err != nil || t == nil || t.Typtype != 'd' {
			return false, err
		}
		list, err := c.S.Cat.DomainConstraints(typ)
		if err != nil || len(list) > 0 || t.Typnotnull {
			return err == nil, err
		}
		typ = t.Typbasetype
	}
}

// columnDefault is SET DEFAULT and DROP DEFAULT.
func (a *alteration) columnDefault(name string, def ast.Node) error {
	rel, att, err := a.column(name)
	if err != nil {
		return err
	}
	at := &rel.Desc.Attrs[att-1]
	if at.Identity != 0 {
		e := pgerr.New(pgerr.SyntaxError, "column %q of relation %q is an identity column", name, rel.Name)
		if def == nil {
			e.WithHint("Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.")
		}
		return e
	}
	if at.Generated != 0 {
		e := pgerr.New(pgerr.SyntaxError, "column %q of relation %q is a generated column", name, rel.Name)
		if def == nil {
			e.WithHint("Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead.")
		}
		return e
	}
	var expr query.Expr
	if def != nil {
		if expr, err = a.c.expr(def, ColumnDefault, rel, name, at.Type, at.Typmod); err != nil {
			return unplaced(err)
		}
	}
	_, err = a.c.S.Cat.SetDefault(a.oid, att, expr)
	return err
}

func (a *alteration) dropNotNull(name string) error {
	rel, att, err := a.column(name)
	if err != nil {
		return err
	}
	at := &rel.Desc.Attrs[att-1]
	if at.Identity != 0 {
		return pgerr.New(pgerr.SyntaxError, "column %q of relation %q is an identity column", name, rel.Name)
	}
	for _, ix := range rel.Indexes {
		if !ix.Primary && !ix.ReplIdent {
			continue
		}
		for _, k := range ix.Keys[:ix.NKeyAtts] {
			if k != att {
				continue
			}
			if ix.Primary {
				return pgerr.New(pgerr.InvalidTableDefinition, "column %q is in a primary key", name)
			}
			return pgerr.New(pgerr.InvalidTableDefinition, "column %q is in index used as replica identity", name)
		}
	}
	if !a.recursing {
		if err := a.parentNotNull(rel, name); err != nil {
			return err
		}
	}
	if !at.NotNull {
		return nil
	}
	return a.updateColumn(att, func(r *catalog.PgAttribute) error { r.Attnotnull = false; return nil })
}

func (a *alteration) setNotNull(name string) error {
	rel, att, err := a.column(name)
	if err != nil {
		return err
	}
	if rel.Desc.Attrs[att-1].NotNull {
		return nil
	}
	proved, err := a.provedNotNull(rel, att)
	if err != nil {
		return err
	}
	if err := a.updateColumn(att, func(r *catalog.PgAttribute) error { r.Attnotnull = true; return nil }); err != nil {
		return err
	}
	if !proved {
		a.notNull = true
	}
	return nil
}

// provedNotNull reports whether a valid CHECK constraint says that a column is not null.
func (a *alteration) provedNotNull(rel *catalog.Relation, att int16) (bool, error) {
	for i, k := range rel.Checks {
		if !k.Convalidated {
			continue
		}
		e, err := rel.Check(i)
		if err != nil {
			return false, err
		}
		if saysNotNull(e, att) {
			return true, nil
		}
	}
	return false, nil
}

func saysNotNull(e query.Expr, att int16) bool {
	switch x := e.(type) {
	case *query.NullTest:
		v, ok := x.Arg.(*query.Var)
		return ok && v.Varattno == int(att) && !x.IsNull && !x.Argisrow
	case *query.BoolExpr:
		if x.Op != query.AndExpr {
			return false
		}
		for _, arg := range x.Args {
			if saysNotNull(arg, att) {
				return true
			}
		}
	}
	return false
}

func (a *alteration) dropExpression(name string, missingOK bool) error {
	rel, att, err := a.column(name)
	if err != nil {
		return err
	}
	if rel.Desc.Attrs[att-1].Generated == 0 {
		if missingOK {
			a.c.notice("column %q of relation %q is not a stored generated column, skipping", name, rel.Name)
			return nil
		}
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "column %q of relation %q is not a stored generated column", name, rel.Name)
	}
	row, err := catalog.Fetch[catalog.PgAttrdef](a.c.S.Cat, catalog.PgAttrdefAdrelidAdnumIndex,
		catalog.OidKey(catalog.AttPgAttrdefAdrelid, a.oid), catalog.IntKey(catalog.AttPgAttrdefAdnum, int64(att)))
	if err != nil {
		return err
	}
	if err := a.updateColumn(att, func(r *catalog.PgAttribute) error { r.Attgenerated, r.Atthasdef = 0, false; return nil }); err != nil {
		return err
	}
	if row == nil {
		return nil
	}
	me := catalog.Object{Class: catalog.PgAttrdefOid, Oid: row.Oid}
	if err := a.c.S.Cat.DeleteDependencies(me, false); err != nil {
		return err
	}
	if err := a.dropColumnReferences(att); err != nil {
		return err
	}
	return a.c.S.Cat.Delete(row)
}

// dropColumnReferences forgets that a generated column depends on other columns of its table.
func (a *alteration) dropColumnReferences(att int16) error {
	deps, err := catalog.FetchAll[catalog.PgDepend](a.c.S.Cat, catalog.PgDependDependerIndex,
		catalog.OidKey(catalog.AttPgDependClassid, catalog.PgClassOid), catalog.OidKey(catalog.AttPgDependObjid, a.oid),
		catalog.IntKey(catalog.AttPgDependObjsubid, int64(att)))
	if err != nil {
		return err
	}
	for _, d := range deps {
		if d.Refclassid == catalog.PgClassOid && d.Refobjid == a.oid {
			if err := a.c.S.Cat.Delete(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *alteration) setStatistics(cmd *ast.AlterTableCmd) error {
	if cmd.Name == "" && a.old.Kind != 'i' {
		return pgerr.NotSupported("cannot refer to non-index column by number")
	}
	n := int32(-1)
	if v, ok := cmd.Def.(*ast.Integer); ok {
		n = v.Ival
	}
	if n < -1 {
		return pgerr.New(pgerr.InvalidParameterValue, "statistics target %d is too low", n)
	}
	if n > 10000 {
		n = 10000
		a.c.S.Warn(pgerr.InvalidParameterValue, "lowering statistics target to %d", n)
	}
	rel, err := a.rel()
	if err != nil {
		return err
	}
	att := cmd.Num
	if cmd.Name != "" {
		if _, att, err = a.column(cmd.Name); err != nil {
			return err
		}
	} else if int(att) > len(rel.Desc.Attrs) {
		return pgerr.New(pgerr.UndefinedColumn, "column number %d of relation %q does not exist", att, rel.Name)
	}
	if ix := rel.Index; ix != nil {
		switch name := rel.Desc.Attrs[att-1].Name; {
		case int(att) > ix.NKeyAtts:
			return pgerr.NotSupported("cannot alter statistics on included column %q of index %q", name, rel.Name)
		case ix.Keys[att-1] != 0:
			return pgerr.NotSupported("cannot alter statistics on non-expression column %q of index %q", name, rel.Name).
				WithHint("Alter statistics on table column instead.")
		}
	}
	return a.updateColumn(att, func(r *catalog.PgAttribute) error { r.Attstattarget = n; return nil })
}

// columnOptions is ALTER COLUMN SET (n_distinct = ...).
func (a *alteration) columnOptions(cmd *ast.AlterTableCmd) error {
	_, att, err := a.column(cmd.Name)
	if err != nil {
		return err
	}
	list, ok := cmd.Def.(*ast.List)
	if !ok {
		return nil
	}
	return a.updateColumn(att, func(r *catalog.PgAttribute) error {
		for _, it := range list.Items {
			d, ok := it.(*ast.DefElem)
			if !ok {
				continue
			}
			if d.Defname != "n_distinct" && d.Defname != "n_distinct_inherited" {
				return pgerr.New(pgerr.InvalidParameterValue, "unrecognized parameter %q", d.Defname)
			}
			r.Attoptions = withoutOption(r.Attoptions, d.Defname)
			if cmd.Subtype == ast.ATResetOptions {
				continue
			}
			o := relOption{kind: realOption, min: -1, max: 1.7976931348623157e308}
			if err := o.check(d.Defname, defString(d)); err != nil {
				return err
			}
			r.Attoptions = append(r.Attoptions, d.Defname+"="+defString(d))
		}
		return nil
	})
}

func (a *alteration) setStorage(name string, def ast.Node) error {
	rel, att, err := a.column(name)
	if err != nil {
		return err
	}
	s, _ := def.(*ast.String)
	letter, err := storageLetter(a.c, &rel.Desc.Attrs[att-1], s.Sval)
	if err != nil {
		return err
	}
	return a.updateColumn(att, func(r *catalog.PgAttribute) error { r.Attstorage = letter; return nil })
}

func (a *alteration) setCompression(name string, def ast.Node) error {
	rel, att, err := a.column(name)
	if err != nil {
		return err
	}
	s, _ := def.(*ast.String)
	letter := byte(0)
	if s.Sval != "default" {
		if letter, err = compressionLetter(a.c, &rel.Desc.Attrs[att-1], s.Sval); err != nil {
			return err
		}
	}
	return a.updateColumn(att, func(r *catalog.PgAttribute) error { r.Attcompression = letter; return nil })
}

func (a *alteration) dropColumn(cmd *ast.AlterTableCmd) error {
	rel, err := a.rel()
	if err != nil {
		return err
	}
	att := rel.AttNum(cmd.Name)
	if att == 0 {
		if cmd.MissingOk {
			a.c.notice("column %q of relation %q does not exist, skipping", cmd.Name, rel.Name)
			return nil
		}
		return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", cmd.Name, rel.Name)
	}
	if att < 0 {
		return pgerr.NotSupported("cannot drop system column %q", cmd.Name)
	}
	if err := a.checkDropColumn(rel, att, cmd.Name); err != nil {
		return err
	}
	if err := a.dropFromChildren(cmd); err != nil {
		return err
	}
	return a.c.performDeletion([]catalog.Object{catalog.ColumnObject(a.oid, att)}, cmd.Behavior)
}

func (a *alteration) addIdentity(cmd *ast.AlterTableCmd) error {
	c := a.c
	rel, att, err := a.column(cmd.Name)
	if err != nil {
		return err
	}
	k, ok := cmd.Def.(*ast.Constraint)
	if !ok {
		return pgerr.Internal("ADD IDENTITY without a definition")
	}
	at := rel.Desc.Attrs[att-1]
	switch {
	case at.Type != 20 && at.Type != 21 && at.Type != 23:
		return pgerr.New(pgerr.InvalidParameterValue, "identity column type must be smallint, integer, or bigint")
	case !at.NotNull:
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "column %q of relation %q must be declared NOT NULL before identity can be added", cmd.Name, rel.Name)
	case at.Identity != 0:
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "column %q of relation %q is already an identity column", cmd.Name, rel.Name)
	case at.HasDef:
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "column %q of relation %q already has a default value", cmd.Name, rel.Name)
	}
	e := &elements{c: c, table: rel.Name, ns: rel.Namespace, temp: rel.IsTemp(), rel: rel}
	col := &columnDef{}
	col.Attr = at
	if err := e.addIdentity(col, k.Options); err != nil {
		return err
	}
	if err := c.createSequence(col.seq); err != nil {
		return err
	}
	if err := c.holdOwned(col.seq.oid, a.oid); err != nil {
		return err
	}
	if err := c.S.Cat.RecordDependency(catalog.RelationObject(col.seq.oid), catalog.ColumnObject(a.oid, att), catalog.DepInternal); err != nil {
		return err
	}
	return a.updateColumn(att, func(r *catalog.PgAttribute) error { r.Attidentity = k.GeneratedWhen; return nil })
}

func (a *alteration) setIdentity(cmd *ast.AlterTableCmd) error {
	rel, att, err := a.column(cmd.Name)
	if err != nil {
		return err
	}
	if rel.Desc.Attrs[att-1].Identity == 0 {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "column %q of relation %q is not an identity column", cmd.Name, rel.Name)
	}
	var options []*ast.DefElem
	when := byte(0)
	list, _ := cmd.Def.(*ast.List)
	for _, it := range list.Items {
		d, ok := it.(*ast.DefElem)
		if !ok {
			continue
		}
		if d.Defname != "generated" {
			options = append(options, d)
			continue
		}
		if v, ok := d.Arg.(*ast.Integer); ok {
			when = byte(v.Ival)
		}
	}
	if when != 0 {
		if err := a.updateColumn(att, func(r *catalog.PgAttribute) error { r.Attidentity = when; return nil }); err != nil {
			return err
		}
	}
	seq, err := a.c.ownedSequence(a.oid, att, catalog.DepInternal)
	if err != nil {
		return err
	}
	for _, mode := range []locks.Mode{locks.ShareRowExclusive, locks.RowExclusive} {
		if err := a.c.S.Cat.HoldRelation(seq, mode); err != nil {
			return err
		}
	}
	if len(options) == 0 {
		return nil
	}
	s, err := a.c.S.Relation(seq)
	if err != nil {
		return err
	}
	return a.c.changeSequence(s, options)
}

func (a *alteration) dropIdentity(cmd *ast.AlterTableCmd) error {
	rel, att, err := a.column(cmd.Name)
	if err != nil {
		return err
	}
	if rel.Desc.Attrs[att-1].Identity == 0 {
		if cmd.MissingOk {
			a.c.notice("column %q of relation %q is not an identity column, skipping", cmd.Name, rel.Name)
			return nil
		}
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "column %q of relation %q is not an identity column", cmd.Name, rel.Name)
	}
	if err := a.updateColumn(att, func(r *catalog.PgAttribute) error { r.Attidentity = 0; return nil }); err != nil {
		return err
	}
	seq, err := a.c.ownedSequence(a.oid, att, catalog.DepInternal)
	if err != nil || seq == 0 {
		return err
	}
	deps, err := catalog.FetchAll[catalog.PgDepend](a.c.S.Cat, catalog.PgDependDependerIndex,
		catalog.OidKey(catalog.AttPgDependClassid, catalog.PgClassOid), catalog.OidKey(catalog.AttPgDependObjid, seq))
	if err != nil {
		return err
	}
	for _, d := range deps {
		if d.Refclassid == catalog.PgClassOid && d.Refobjid == a.oid {
			if err := a.c.S.Cat.Delete(d); err != nil {
				return err
			}
		}
	}
	if err := a.c.step(); err != nil {
		return err
	}
	return a.c.S.Cat.PerformDeletion([]catalog.Object{catalog.RelationObject(seq)}, catalog.DropOpts{Quiet: true})
}
