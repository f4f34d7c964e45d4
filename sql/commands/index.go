package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// createIndex is CREATE INDEX.
func createIndex(c *Context, st *ast.IndexStmt) error {
	mode := locks.Share
	if st.Concurrent {
		if err := c.requireTopLevel("CREATE INDEX CONCURRENTLY"); err != nil {
			return err
		}
		mode = locks.ShareUpdateExclusive
	}
	rel, err := c.openOwned(st.Relation, mode, false)
	if err != nil {
		return err
	}
	if rel.Kind == 'p' && st.Concurrent {
		return pgerr.NotSupported("cannot create index on partitioned table %q concurrently", rel.Name)
	}
	if rel.Kind == 'p' && st.Relation.Inh {
		if _, _, err := c.S.Cat.AllInheritors(rel.Oid, mode); err != nil {
			return err
		}
	}
	if st.IfNotExists && st.Idxname != "" {
		oid, err := c.S.Cat.RelationOid(rel.Namespace, st.Idxname)
		if err != nil {
			return err
		}
		if oid != 0 {
			c.skipNotice(pgerr.DuplicateTable, "relation %q already exists, skipping", st.Idxname)
			return nil
		}
	}
	if err := c.checkNotInUse(rel, "CREATE INDEX"); err != nil {
		return err
	}
	if st.Concurrent && rel.Persistence != 't' {
		return c.createConcurrently(rel, st)
	}
	_, err = c.defineIndex(rel, st)
	return err
}

const maxIndexKeys = 32

// defineIndex checks what an index is to be, and makes it.
func (c *Context) defineIndex(rel *catalog.Relation, st *ast.IndexStmt) (ids.Oid, error) {
	switch rel.Kind {
	case 'r', 'm', 'p':
	default:
		return 0, pgerr.New(pgerr.WrongObjectType, "cannot create index on relation %q", rel.Name).
			WithDetail("This operation is not supported for %s.", pluralKind(rel.Kind))
	}
	if rel.Oid < firstNormalOid && !c.systemOK() {
		return 0, pgerr.New(pgerr.InsufficientPrivilege, "permission denied: %q is a system catalog", rel.Name)
	}
	if temp, own, err := c.S.Cat.IsTempNamespace(rel.Namespace); err != nil || temp && !own {
		if err == nil {
			err = pgerr.NotSupported("cannot create indexes on temporary tables of other sessions")
		}
		return 0, err
	}
	if len(st.IndexParams)+len(st.IndexIncludingParams) > maxIndexKeys {
		return 0, pgerr.New(pgerr.TooManyColumns, "cannot use more than %d columns in an index", maxIndexKeys)
	}
	am, err := c.indexAm(st)
	if err != nil {
		return 0, err
	}
	n := &catalog.NewIndex{Name: st.Idxname, Namespace: rel.Namespace, Table: rel.Oid, Am: am, Persistence: rel.Persistence,
		Owner: rel.Owner, NKeyAtts: len(st.IndexParams), Unique: st.Unique, NullsNotDistinct: st.NullsNotDistinct,
		Primary: st.Primary, Constraint: st.Isconstraint, Deferrable: st.Deferrable}
	if n.Tablespace, err = c.tablespace(st.TableSpace); err != nil {
		return 0, err
	}
	if n.Options, _, err = relationOptions(nil, st.Options, "i", false); err != nil {
		return 0, err
	}
	for i, el := range append(append([]*ast.IndexElem(nil), st.IndexParams...), st.IndexIncludingParams...) {
		if err := c.indexElement(rel, n, el, i >= n.NKeyAtts); err != nil {
			return 0, err
		}
	}
	if st.WhereClause != nil {
		if n.Pred, err = c.expr(st.WhereClause, IndexPredicate, rel, "", 0, -1); err != nil {
			return 0, err
		}
		if c.isMutable(n.Pred) {
			return 0, pgerr.New(pgerr.InvalidObjectDefinition, "functions in index predicate must be marked IMMUTABLE")
		}
	}
	if n.Name == "" {
		if n.Name, err = c.indexName(rel, n); err != nil {
			return 0, err
		}
	}
	if rel.Kind == 'p' {
		if err := c.checkPartitionedUnique(rel, n); err != nil {
			return 0, err
		}
		n.Invalid = st.Relation != nil && !st.Relation.Inh && len(rel.Partitions(true).Oids) > 0
	}
	if n.Primary {
		if err := c.keyColumnsNotNull(rel, columnNames(rel, n.Keys[:n.NKeyAtts])); err != nil {
			return 0, err
		}
	}
	if st.Concurrent && rel.Persistence != 't' {
		n.Invalid, n.NotReady = true, true
	}
	return c.makeIndex(rel, n, st.Deferrable, st.Initdeferred)
}

func (c *Context) indexAm(st *ast.IndexStmt) (ids.Oid, error) {
	name := st.AccessMethod
	if name == "" || name == "btree" {
		return catalog.BtreeAm, nil
	}
	am, err := c.S.Cat.AmByName(name)
	if err != nil {
		return 0, err
	}
	if am == nil {
		return 0, pgerr.New(pgerr.UndefinedObject, "access method %q does not exist", name)
	}
	if am.Amtype != 'i' {
		return 0, pgerr.New(pgerr.WrongObjectType, "access method %q is not of type %s", name, "INDEX")
	}
	if st.Unique {
		return 0, pgerr.NotSupported("access method %q does not support unique indexes", name)
	}
	return 0, pgerr.NotSupported("index access method %q is not supported", name)
}

// indexElement adds one column or expression to an index.
func (c *Context) indexElement(rel *catalog.Relation, n *catalog.NewIndex, el *ast.IndexElem, including bool) error {
	var typ, coll ids.Oid
	var err error
	switch {
	case el.Name != "":
		att := rel.AttNum(el.Name)
		if att == 0 {
			if n.Constraint {
				return pgerr.New(pgerr.UndefinedColumn, "column %q named in key does not exist", el.Name)
			}
			return pgerr.New(pgerr.UndefinedColumn, "column %q does not exist", el.Name)
		}
		if att < 0 {
			return pgerr.NotSupported("index creation on system columns is not supported")
		}
		a := &rel.Desc.Attrs[att-1]
		typ, coll = a.Type, a.Collation
		n.Keys = append(n.Keys, att)
	default:
		if including {
			return pgerr.NotSupported("expressions are not supported in included columns")
		}
		expr, err := c.expr(el.Expr, IndexExpression, rel, "", 0, -1)
		if err != nil {
			return err
		}
		typ, coll = expr.Type(), expr.Collation()
		if v, ok := expr.(*query.Var); ok && v.Varattno > 0 {
			n.Keys = append(n.Keys, int16(v.Varattno))
			break
		}
		if c.isMutable(expr) {
			return pgerr.New(pgerr.InvalidObjectDefinition, "functions in index expression must be marked IMMUTABLE")
		}
		n.Keys = append(n.Keys, 0)
		n.Exprs = append(n.Exprs, expr)
	}
	n.Names = append(n.Names, indexColumnName(el, n.Names))
	if including {
		return c.includedElement(n, el)
	}
	if coll, err = c.indexCollation(el, typ, coll); err != nil {
		return err
	}
	oc, err := c.opClass(el, typ, n.Am)
	if err != nil {
		return err
	}
	var flags int16
	if el.Ordering == ast.SortbyDesc {
		flags = catalog.IndexDesc
	}
	if el.NullsOrdering == ast.SortbyNullsFirst || el.NullsOrdering == ast.SortbyNullsDefault && el.Ordering == ast.SortbyDesc {
		flags |= catalog.IndexNullsFirst
	}
	if len(el.Opclassopts) > 0 {
		return pgerr.New(pgerr.InvalidParameterValue, "operator class %s has no options", joinNames(el.Opclass))
	}
	n.OpClasses, n.Collations, n.Flags = append(n.OpClasses, oc), append(n.Collations, coll), append(n.Flags, flags)
	return nil
}

func (c *Context) includedElement(n *catalog.NewIndex, el *ast.IndexElem) error {
	what := ""
	switch {
	case len(el.Collation) > 0:
		what = "a collation"
	case len(el.Opclass) > 0:
		what = "an operator class"
	case el.Ordering != ast.SortbyDefault:
		what = "ASC/DESC options"
	case el.NullsOrdering != ast.SortbyNullsDefault:
		what = "NULLS FIRST/LAST options"
	default:
		return nil
	}
	return pgerr.New(pgerr.InvalidObjectDefinition, "including column does not support %s", what)
}

func (c *Context) indexCollation(el *ast.IndexElem, typ, coll ids.Oid) (ids.Oid, error) {
	if len(el.Collation) > 0 {
		var err error
		if coll, err = c.collation(el.Collation, ast.NoLocation); err != nil {
			return 0, err
		}
	}
	t, err := c.S.Cat.TypeRow(typ)
	if t == nil || err != nil {
		return 0, err
	}
	if t.Typcollation == 0 {
		if coll != 0 {
			return 0, pgerr.New(pgerr.DatatypeMismatch, "collations are not supported by type %s", c.S.Cat.TypeName(typ))
		}
		return 0, nil
	}
	if coll == 0 {
		return 0, pgerr.New(pgerr.IndeterminateCollation, "could not determine which collation to use for index expression").
			WithHint("Use the COLLATE clause to set the collation explicitly.")
	}
	return coll, nil
}

// opClass resolves the operator class of an index column.
func (c *Context) opClass(el *ast.IndexElem, typ, am ids.Oid) (ids.Oid, error) {
	cat := c.S.Cat
	if len(el.Opclass) == 0 {
		base, err := cat.BaseType(typ)
		if err != nil {
			return 0, err
		}
		oc, err := cat.DefaultOpClass(base, am)
		if err != nil {
			return 0, err
		}
		if oc == 0 {
			return 0, pgerr.New(pgerr.UndefinedObject, "data type %s has no default operator class for access method %q", cat.TypeName(typ), "btree").
				WithHint("You must specify an operator class for the index or define a default operator class for the data type.")
		}
		return oc, nil
	}
	schema, name, err := splitName(c, el.Opclass)
	if err != nil {
		return 0, err
	}
	oc, err := cat.LookupOpClass(am, schema, name)
	if err != nil {
		return 0, err
	}
	if oc == nil {
		return 0, pgerr.New(pgerr.UndefinedObject, "operator class %q does not exist for access method %q", joinNames(el.Opclass), "btree")
	}
	ok, err := cat.BinaryCoercible(typ, oc.Opcintype)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, pgerr.New(pgerr.DatatypeMismatch, "operator class %q does not accept data type %s", joinNames(el.Opclass), cat.TypeName(typ))
	}
	return oc.Oid, nil
}

// indexColumnName names a column of an index, differently from those before it.
func indexColumnName(el *ast.IndexElem, taken []string) string {
	base := el.Indexcolname
	if base == "" {
		base = el.Name
	}
	if base == "" {
		base = exprName(el.Expr)
	}
	if base == "" {
		base = "expr"
	}
	name := base
	for i := 1; containsString(taken, name); i++ {
		suffix := itoa(int64(i))
		name = catalog.TruncateName(base)
		if len(name)+len(suffix) > 63 {
			name = name[:63-len(suffix)]
		}
		name += suffix
	}
	return name
}

func containsString(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// exprName guesses a column name from an expression, as for columns of a SELECT.
func exprName(n ast.Node) string {
	switch x := n.(type) {
	case *ast.FuncCall:
		return x.Funcname[len(x.Funcname)-1]
	case *ast.ColumnRef:
		if names := ast.Names(&ast.List{Items: x.Fields}); len(names) > 0 {
			return names[len(names)-1]
		}
	case *ast.TypeCast:
		if s := exprName(x.Arg); s != "" {
			return s
		}
		return x.TypeName.Names[len(x.TypeName.Names)-1]
	case *ast.CollateClause:
		return exprName(x.Arg)
	case *ast.CaseExpr:
		return "case"
	case *ast.CoalesceExpr:
		return "coalesce"
	case *ast.MinMaxExpr:
		if x.Op == ast.IsGreatest {
			return "greatest"
		}
		return "least"
	case *ast.RowExpr:
		return "row"
	case *ast.AArrayExpr:
		return "array"
	}
	return ""
}

// indexName makes up the name of an index.
func (c *Context) indexName(rel *catalog.Relation, n *catalog.NewIndex) (string, error) {
	if n.Primary {
		return c.S.Cat.ChooseName(rel.Name, "", "pkey", rel.Namespace, true)
	}
	cols := ""
	for i, name := range n.Names {
		if i > 0 {
			cols += "_"
		}
		cols += name
		if len(cols) >= 63 {
			cols = cols[:63]
			break
		}
	}
	if n.Constraint {
		return c.S.Cat.ChooseName(rel.Name, cols, "key", rel.Namespace, true)
	}
	return c.S.Cat.ChooseName(rel.Name, cols, "idx", rel.Namespace, false)
}

// makeIndex makes the rows of an index and of its constraint, and builds it.
func (c *Context) makeIndex(rel *catalog.Relation, n *catalog.NewIndex, deferrable, deferred bool) (ids.Oid, error) {
	if oid, err := c.S.Cat.RelationOid(n.Namespace, n.Name); err != nil {
		return 0, err
	} else if oid != 0 {
		return 0, pgerr.New(pgerr.DuplicateTable, "relation %q already exists", n.Name)
	}
	if n.Constraint {
		taken, err := c.constraintExists(rel.Oid, n.Name)
		if err != nil {
			return 0, err
		}
		if taken {
			return 0, pgerr.New(pgerr.DuplicateObject, "constraint %q for relation %q already exists", n.Name, rel.Name)
		}
	}
	oid, err := c.S.Cat.CreateIndexRows(n)
	if err != nil {
		return 0, err
	}
	if n.Constraint {
		if err := c.createKeyConstraint(rel, oid, n.Name, n.Primary, deferrable, deferred, n.Keys[:n.NKeyAtts]); err != nil {
			return 0, err
		}
	}
	if err := c.step(); err != nil {
		return 0, err
	}
	if n.Parent != 0 && n.Constraint {
		if err := c.joinConstraint(rel.Oid, oid, n.Parent); err != nil {
			return 0, err
		}
	}
	if rel.Kind == 'p' {
		if n.Invalid {
			return oid, nil
		}
		return oid, c.indexPartitions(rel, oid)
	}
	if n.NotReady {
		return oid, nil // the rest is done in other transactions
	}
	defer c.showBuild(rel.Oid, oid, showsCreate)()
	return oid, c.buildIndex(rel.Oid, oid, true)
}

// joinConstraint makes the constraint of a partition's new index part of the constraint of the index above.
func (c *Context) joinConstraint(table, index, parent ids.Oid) error {
	above, err := c.S.Relation(parent)
	if err != nil {
		return err
	}
	ix, err := c.indexRelation(table, index)
	if err != nil {
		return err
	}
	if above == nil || above.Index == nil || above.Index.Constraint == 0 || ix.Constraint == 0 {
		return nil
	}
	if err := c.S.Cat.SetConstraintParent(ix.Constraint, table, above.Index.Constraint); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	row, err := catalog.Fetch[catalog.PgConstraint](c.S.Cat, catalog.PgConstraintOidIndex, catalog.OidKey(catalog.AttPgConstraintOid, ix.Constraint))
	if err != nil {
		return err
	}
	row.Connoinherit = false
	if err := c.S.Cat.Update(row); err != nil {
		return err
	}
	return c.step()
}

func (c *Context) constraintExists(rel ids.Oid, name string) (bool, error) {
	list, err := c.S.Cat.ConstraintsOf(rel)
	if err != nil {
		return false, err
	}
	for _, k := range list {
		if k.Conname == name {
			return true, nil
		}
	}
	return false, nil
}
