package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/deparse"
	"gompho/sql/query"
)

// newTypeName resolves the schema of a new type, with the privilege to create there checked, and that its name is free.
func (c *Context) newTypeName(names []string) (ids.Oid, string, error) {
	schema, name, err := splitName(c, names)
	if err != nil {
		return 0, "", err
	}
	ns, err := c.S.Cat.LookupCreationNamespace(schema)
	if err != nil {
		return 0, "", err
	}
	t, err := c.S.Cat.TypeRowByName(ns, name)
	if err != nil {
		return 0, "", err
	}
	if t != nil {
		return 0, "", pgerr.New(pgerr.DuplicateObject, "type %q already exists", name)
	}
	return ns, name, nil
}

// createTypeAndArray inserts a type and its array type.
func (c *Context) createTypeAndArray(t *catalog.PgType) error {
	array, err := c.S.Cat.NewObjectOid(catalog.PgTypeOid)
	if err != nil {
		return err
	}
	t.Typarray = array
	if t.Typacl, err = c.S.Cat.NewObjectAcl(catalog.DefaclType, t.Typowner, t.Typnamespace); err != nil {
		return err
	}
	if err := c.S.Cat.CreateType(t); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	if err := c.S.Cat.CreateArrayType(t, array); err != nil {
		return err
	}
	return c.step()
}

// createEnum is CREATE TYPE ... AS ENUM.
func createEnum(c *Context, st *ast.CreateEnumStmt) error {
	ns, name, err := c.newTypeName(st.TypeName)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, v := range st.Vals {
		if len(v) > 63 {
			return pgerr.New(pgerr.InvalidName, "invalid enum label %q", v).WithDetail("Labels must be 63 bytes or less.")
		}
		if seen[v] {
			return pgerr.New(pgerr.UniqueViolation, "duplicate key value violates unique constraint %q", "pg_enum_typid_label_index")
		}
		seen[v] = true
	}
	t := &catalog.PgType{Typname: name, Typnamespace: ns, Typowner: c.S.User, Typlen: 4, Typbyval: true, Typtype: 'e', Typcategory: 'E',
		Typisdefined: true, Typdelim: ',', Typinput: 3506, Typoutput: 3507, Typreceive: 3532, Typsend: 3533, Typalign: 'i', Typstorage: 'p', Typtypmod: -1}
	if err := c.createTypeAndArray(t); err != nil {
		return err
	}
	for i, v := range st.Vals {
		oid, err := c.enumOid()
		if err != nil {
			return err
		}
		if err := c.S.Cat.Insert(&catalog.PgEnum{Oid: oid, Enumtypid: t.Oid, Enumsortorder: float32(i + 1), Enumlabel: v}); err != nil {
			return err
		}
	}
	return nil
}

// enumOid draws an even Oid: in the order of Oids even ones sort as their labels do.
func (c *Context) enumOid() (ids.Oid, error) {
	for {
		oid, err := c.S.Cat.NewObjectOid(catalog.PgEnumOid)
		if err != nil || oid%2 == 0 {
			return oid, err
		}
	}
}

// alterEnum is ALTER TYPE ... ADD VALUE and RENAME VALUE.
func alterEnum(c *Context, st *ast.AlterEnumStmt) error {
	o, err := c.typeAddress(ast.ObjectTypeType, ast.NameNode(st.TypeName))
	if err != nil {
		return err
	}
	t, err := c.S.Cat.TypeRow(o.Oid)
	if err != nil {
		return err
	}
	if t.Typtype != 'e' {
		return pgerr.New(pgerr.WrongObjectType, "%s is not an enum", c.S.Cat.TypeName(o.Oid))
	}
	if err := c.checkObjectOwner(ast.ObjectTypeType, o); err != nil {
		return err
	}
	if err := c.S.Owner.Acquire(locks.ObjectTag(c.S.DB, catalog.PgTypeOid, o.Oid, 0), locks.Exclusive, locks.Opts{}); err != nil {
		return err
	}
	rows, err := catalog.FetchAll[catalog.PgEnum](c.S.Cat, catalog.PgEnumTypidSortorderIndex, catalog.OidKey(catalog.AttPgEnumEnumtypid, o.Oid))
	if err != nil {
		return err
	}
	if st.HasOldVal {
		return c.renameLabel(rows, st)
	}
	return c.addLabel(o.Oid, rows, st)
}

func labelAt(rows []*catalog.PgEnum, label string) int {
	for i, r := range rows {
		if r.Enumlabel == label {
			return i
		}
	}
	return -1
}

func (c *Context) renameLabel(rows []*catalog.PgEnum, st *ast.AlterEnumStmt) error {
	i := labelAt(rows, st.OldVal)
	if i < 0 {
		return pgerr.New(pgerr.InvalidParameterValue, "%q is not an existing enum label", st.OldVal)
	}
	if labelAt(rows, st.NewVal) >= 0 {
		return pgerr.New(pgerr.DuplicateObject, "enum label %q already exists", st.NewVal)
	}
	rows[i].Enumlabel = st.NewVal
	return c.S.Cat.Update(rows[i])
}

func (c *Context) addLabel(typ ids.Oid, rows []*catalog.PgEnum, st *ast.AlterEnumStmt) error {
	if len(st.NewVal) > 63 {
		return pgerr.New(pgerr.InvalidName, "invalid enum label %q", st.NewVal).WithDetail("Labels must be 63 bytes or less.")
	}
	if labelAt(rows, st.NewVal) >= 0 {
		if st.SkipIfNewValExists {
			c.skipNotice(pgerr.DuplicateObject, "enum label %q already exists, skipping", st.NewVal)
			return nil
		}
		return pgerr.New(pgerr.DuplicateObject, "enum label %q already exists", st.NewVal)
	}
	order := float32(1)
	switch {
	case st.HasNeighbor:
		i := labelAt(rows, st.NewValNeighbor)
		if i < 0 {
			return pgerr.New(pgerr.InvalidParameterValue, "%q is not an existing enum label", st.NewValNeighbor)
		}
		lo, hi := i-1, i
		if st.NewValIsAfter {
			lo, hi = i, i+1
		}
		switch {
		case lo < 0:
			order = rows[hi].Enumsortorder - 1
		case hi >= len(rows):
			order = rows[lo].Enumsortorder + 1
		default:
			order = (rows[lo].Enumsortorder + rows[hi].Enumsortorder) / 2
		}
	case len(rows) > 0:
		order = rows[len(rows)-1].Enumsortorder + 1
	}
	oid, err := c.enumOid()
	if err != nil {
		return err
	}
	if err := c.S.Cat.Insert(&catalog.PgEnum{Oid: oid, Enumtypid: typ, Enumsortorder: order, Enumlabel: st.NewVal}); err != nil {
		return err
	}
	return c.step()
}

// createComposite is CREATE TYPE ... AS (columns).
func createComposite(c *Context, st *ast.CompositeTypeStmt) error {
	ns, p, err := c.creationNamespace(st.Typevar)
	if err != nil {
		return err
	}
	if t, err := c.S.Cat.TypeRowByName(ns, st.Typevar.Relname); err != nil {
		return err
	} else if t != nil {
		return pgerr.New(pgerr.DuplicateObject, "type %q already exists", st.Typevar.Relname)
	}
	e := &elements{c: c, table: st.Typevar.Relname, ns: ns}
	n := &catalog.NewRelation{Name: st.Typevar.Relname, Namespace: ns, Owner: c.S.User, Kind: 'c', Persistence: p}
	for _, d := range st.Coldeflist {
		col, err := e.addColumn(d)
		if err != nil {
			return err
		}
		n.Columns = append(n.Columns, col.NewColumn)
	}
	if _, err := c.S.Cat.CreateRelation(n); err != nil {
		return err
	}
	return c.step()
}

// createDomain is CREATE DOMAIN.
func createDomain(c *Context, st *ast.CreateDomainStmt) error {
	ns, name, err := c.newTypeName(st.Domainname)
	if err != nil {
		return err
	}
	base, typmod, err := c.typeName(st.TypeName)
	if err != nil {
		return err
	}
	b, err := c.S.Cat.TypeRow(base)
	if err != nil {
		return err
	}
	if b.Typtype == 'p' {
		return pgerr.New(pgerr.DatatypeMismatch, "%q is not a valid base type for a domain", c.S.Cat.TypeName(base))
	}
	t := &catalog.PgType{Typname: name, Typnamespace: ns, Typowner: c.S.User, Typlen: b.Typlen, Typbyval: b.Typbyval, Typtype: 'd',
		Typcategory: b.Typcategory, Typisdefined: true, Typdelim: b.Typdelim, Typinput: 2597, Typoutput: b.Typoutput, Typreceive: 2598,
		Typsend: b.Typsend, Typanalyze: b.Typanalyze, Typalign: b.Typalign, Typstorage: b.Typstorage, Typbasetype: base, Typtypmod: typmod,
		Typndims: int32(len(st.TypeName.ArrayBounds)), Typcollation: b.Typcollation}
	if st.CollClause != nil {
		if b.Typcollation == 0 {
			return pgerr.New(pgerr.DatatypeMismatch, "collations are not supported by type %s", c.S.Cat.TypeName(base)).At(int(st.CollClause.Location))
		}
		if t.Typcollation, err = c.collation(st.CollClause.Collname, st.CollClause.Location); err != nil {
			return err
		}
	}
	var checks []*ast.Constraint
	sawNull := false
	for _, k := range st.Constraints {
		switch k.Contype {
		case ast.ConstrNotnull:
			if sawNull {
				return pgerr.New(pgerr.SyntaxError, "conflicting NULL/NOT NULL constraints")
			}
			t.Typnotnull = true
		case ast.ConstrNull:
			if t.Typnotnull {
				return pgerr.New(pgerr.SyntaxError, "conflicting NULL/NOT NULL constraints")
			}
			sawNull = true
		case ast.ConstrDefault:
			if t.Typdefaultbin != nil {
				return pgerr.New(pgerr.SyntaxError, "multiple default expressions")
			}
			if err := c.domainDefault(t, k.RawExpr); err != nil {
				return err
			}
		case ast.ConstrCheck:
			checks = append(checks, k)
		default:
			return pgerr.New(pgerr.SyntaxError, "this constraint is not possible for domains")
		}
	}
	if err := c.createTypeAndArray(t); err != nil {
		return err
	}
	for _, k := range checks {
		if err := c.domainCheck(t, k); err != nil {
			return err
		}
	}
	return nil
}

// domainDefault sets the default of a domain: as a tree, and as text for people.
func (c *Context) domainDefault(t *catalog.PgType, raw ast.Node) error {
	t.Typdefaultbin, t.Typdefault = nil, nil
	if raw == nil {
		return nil
	}
	e, err := c.expr(raw, ColumnDefault, nil, t.Typname, t.Typbasetype, t.Typtypmod)
	if err != nil {
		return err
	}
	if k, ok := e.(*query.Const); ok && k.Value.IsNull() {
		return nil
	}
	text, err := deparse.Expr(c.S.Cat, c.typeEnv(), e, nil, false)
	if err != nil {
		return err
	}
	t.Typdefaultbin, t.Typdefault = catalog.Str(query.Encode(e)), &text
	return nil
}

func (c *Context) domainCheck(t *catalog.PgType, k *ast.Constraint) error {
	e, err := c.expr(k.RawExpr, DomainCheck, nil, "", t.Typbasetype, t.Typtypmod)
	if err != nil {
		return err
	}
	name := k.Conname
	if name == "" {
		if name, err = c.S.Cat.ChooseName(t.Typname, "", "check", t.Typnamespace, true); err != nil {
			return err
		}
	} else {
		list, err := c.S.Cat.DomainConstraints(t.Oid)
		if err != nil {
			return err
		}
		for _, o := range list {
			if o.Conname == name {
				return pgerr.New(pgerr.DuplicateObject, "constraint %q for domain %q already exists", name, t.Typname)
			}
		}
	}
	n := &catalog.NewConstraint{Expr: e}
	n.Conname, n.Connamespace, n.Contype, n.Contypid = name, t.Typnamespace, 'c', t.Oid
	n.Convalidated, n.Conislocal = !k.SkipValidation, true
	if _, err := c.S.Cat.CreateConstraint(n); err != nil {
		return err
	}
	return c.step()
}

// alterDomain is ALTER DOMAIN.
func alterDomain(c *Context, st *ast.AlterDomainStmt) error {
	o, err := c.typeAddress(ast.ObjectDomain, ast.NameNode(st.TypeName))
	if err != nil {
		return err
	}
	if err := c.checkObjectOwner(ast.ObjectDomain, o); err != nil {
		return err
	}
	row, err := catalog.Fetch[catalog.PgType](c.S.Cat, catalog.PgTypeOidIndex, catalog.OidKey(catalog.AttPgTypeOid, o.Oid))
	if err != nil {
		return err
	}
	switch st.Subtype {
	case 'T':
		if err := c.domainDefault(row, st.Def); err != nil {
			return err
		}
		return c.S.Cat.Update(row)
	case 'N':
		row.Typnotnull = false
		return c.S.Cat.Update(row)
	case 'X':
		list, err := c.S.Cat.DomainConstraints(o.Oid)
		if err != nil {
			return err
		}
		for _, k := range list {
			if k.Conname == st.Name {
				return c.performDeletion([]catalog.Object{{Class: catalog.PgConstraintOid, Oid: k.Oid}}, st.Behavior)
			}
		}
		if st.MissingOk {
			c.notice("constraint %q of domain %q does not exist, skipping", st.Name, row.Typname)
			return nil
		}
		return pgerr.New(pgerr.UndefinedObject, "constraint %q of domain %q does not exist", st.Name, row.Typname)
	}
	used, err := c.domainColumns(o.Oid)
	if err != nil {
		return err
	}
	if used {
		return pgerr.NotSupported("ALTER DOMAIN with a constraint that existing columns would have to be checked against is not supported")
	}
	switch st.Subtype {
	case 'O':
		row.Typnotnull = true
		return c.S.Cat.Update(row)
	case 'C':
		k, ok := st.Def.(*ast.Constraint)
		if !ok || k.Contype != ast.ConstrCheck {
			return missing("this constraint of ALTER DOMAIN")
		}
		return c.domainCheck(row, k)
	}
	return missing("this form of ALTER DOMAIN")
}

// domainColumns reports whether a column of any table with rows is of a domain.
func (c *Context) domainColumns(typ ids.Oid) (bool, error) {
	deps, err := c.S.Cat.DependentsOf(catalog.Object{Class: catalog.PgTypeOid, Oid: typ})
	if err != nil {
		return false, err
	}
	for _, d := range deps {
		if d.Classid == catalog.PgClassOid && d.Objsubid > 0 || d.Classid == catalog.PgTypeOid && catalog.DepType(d.Deptype) == catalog.DepNormal {
			return true, nil
		}
	}
	return false, nil
}
