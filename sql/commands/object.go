package commands

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

// objectAddress finds the object that DROP, COMMENT, ALTER ... OWNER and the like name.
func (c *Context) objectAddress(kind ast.ObjectType, o ast.Node) (catalog.Object, error) {
	switch kind {
	case ast.ObjectTable, ast.ObjectIndex, ast.ObjectView, ast.ObjectMatview, ast.ObjectSequence, ast.ObjectForeignTable:
		return c.relationAddress(kind, ast.Names(o))
	case ast.ObjectColumn:
		return c.columnAddress(ast.Names(o))
	case ast.ObjectTypeType, ast.ObjectDomain:
		return c.typeAddress(kind, o)
	case ast.ObjectDomconstraint:
		_, k, err := c.domainConstraintAddress(o)
		return k, err
	case ast.ObjectTabconstraint, ast.ObjectRule, ast.ObjectTrigger, ast.ObjectPolicy:
		return c.memberAddress(kind, ast.Names(o))
	case ast.ObjectFunction, ast.ObjectProcedure, ast.ObjectRoutine, ast.ObjectAggregate:
		f, ok := o.(*ast.ObjectWithArgs)
		if !ok {
			return catalog.Object{}, pgerr.Internal("function without arguments")
		}
		return c.functionAddress(kind, f)
	case ast.ObjectCollation:
		schema, name, err := splitName(c, ast.Names(o))
		if err != nil {
			return catalog.Object{}, err
		}
		k, err := c.S.Cat.LookupCollation(schema, name)
		if err == nil && k == nil {
			err = pgerr.New(pgerr.UndefinedObject, "collation %q for encoding %q does not exist", joinNames(ast.Names(o)), "UTF8")
		}
		if err != nil {
			return catalog.Object{}, err
		}
		return catalog.Object{Class: catalog.PgCollationOid, Oid: k.Oid}, nil
	}
	return c.namedAddress(kind, ast.Names(o))
}

// namedAddress finds objects that have a single name.
func (c *Context) namedAddress(kind ast.ObjectType, names []string) (catalog.Object, error) {
	name := joinNames(names)
	cat := c.S.Cat
	at := func(class, oid ids.Oid, err error, what string) (catalog.Object, error) {
		if err == nil && oid == 0 {
			code := pgerr.UndefinedObject
			if class == catalog.PgNamespaceOid {
				code = pgerr.InvalidSchemaName
			} else if class == catalog.PgDatabaseOid {
				code = pgerr.InvalidCatalogName
			}
			err = pgerr.New(code, "%s %q does not exist", what, name)
		}
		return catalog.Object{Class: class, Oid: oid}, err
	}
	var oid ids.Oid
	switch kind {
	case ast.ObjectSchema:
		r, err := cat.NamespaceByName(name)
		if r != nil {
			oid = r.Oid
		}
		return at(catalog.PgNamespaceOid, oid, err, "schema")
	case ast.ObjectDatabase:
		r, err := cat.DatabaseByName(name)
		if r != nil {
			oid = r.Oid
		}
		return at(catalog.PgDatabaseOid, oid, err, "database")
	case ast.ObjectRole:
		r, err := cat.RoleByName(name)
		if r != nil {
			oid = r.Oid
		}
		return at(catalog.PgAuthidOid, oid, err, "role")
	case ast.ObjectTablespace:
		r, err := cat.TablespaceByName(name)
		if r != nil {
			oid = r.Oid
		}
		return at(catalog.PgTablespaceOid, oid, err, "tablespace")
	case ast.ObjectLanguage:
		r, err := cat.LanguageByName(name)
		if r != nil {
			oid = r.Oid
		}
		return at(catalog.PgLanguageOid, oid, err, "language")
	case ast.ObjectExtension:
		r, err := catalog.Fetch[catalog.PgExtension](cat, catalog.PgExtensionNameIndex, catalog.NameKey(catalog.AttPgExtensionExtname, name))
		if r != nil {
			oid = r.Oid
		}
		return at(catalog.PgExtensionOid, oid, err, "extension")
	}
	return catalog.Object{}, missing("this command for " + strings.ToLower(kind.String()) + " objects")
}

func (c *Context) relationAddress(kind ast.ObjectType, names []string) (catalog.Object, error) {
	rel, err := c.openRelation(rangeVarOf(names), locks.ShareUpdateExclusive)
	if err != nil {
		return catalog.Object{}, err
	}
	if err := c.requireKind(kind, rel); err != nil {
		return catalog.Object{}, err
	}
	return catalog.RelationObject(rel.Oid), nil
}

// requireKind errors with 42809 when a relation is not of the kind that the statement names.
func (c *Context) requireKind(kind ast.ObjectType, rel *catalog.Relation) error {
	k, ok := dropKinds[kind]
	if !ok || strings.IndexByte(k.kinds, rel.Kind) >= 0 {
		return nil
	}
	return pgerr.New(pgerr.WrongObjectType, "%q is not %s", rel.Name, article(k.missing))
}

func (c *Context) columnAddress(names []string) (catalog.Object, error) {
	if len(names) < 2 {
		return catalog.Object{}, pgerr.New(pgerr.SyntaxError, "column name must be qualified")
	}
	rel, err := c.openRelation(rangeVarOf(names[:len(names)-1]), locks.ShareUpdateExclusive)
	if err != nil {
		return catalog.Object{}, err
	}
	att := rel.AttNum(names[len(names)-1])
	if att == 0 {
		return catalog.Object{}, pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", names[len(names)-1], rel.Name)
	}
	return catalog.ColumnObject(rel.Oid, att), nil
}

func typeNode(o ast.Node) *ast.TypeName {
	switch x := o.(type) {
	case *ast.TypeName:
		return x
	case *ast.List:
		if len(x.Items) == 1 {
			if tn, ok := x.Items[0].(*ast.TypeName); ok {
				return tn
			}
		}
		return &ast.TypeName{Names: ast.Names(x), Typemod: -1, Location: ast.NoLocation}
	}
	return nil
}

func (c *Context) typeAddress(kind ast.ObjectType, o ast.Node) (catalog.Object, error) {
	tn := typeNode(o)
	if tn == nil {
		return catalog.Object{}, pgerr.Internal("type without a name")
	}
	schema, name, err := splitName(c, tn.Names)
	if err != nil {
		return catalog.Object{}, err
	}
	var t *catalog.PgType
	if len(tn.ArrayBounds) == 0 {
		t, err = c.S.Cat.LookupType(schema, name)
	} else {
		t, err = c.S.Cat.LookupTypeName(tn)
	}
	if err != nil {
		return catalog.Object{}, err
	}
	if t == nil {
		if schema != "" {
			if ns, err := c.S.Cat.LookupNamespace(schema, true); err == nil && ns == 0 {
				return catalog.Object{}, pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", schema)
			}
		}
		return catalog.Object{}, pgerr.New(pgerr.UndefinedObject, "type %q does not exist", joinNames(tn.Names))
	}
	if kind == ast.ObjectDomain && t.Typtype != 'd' {
		return catalog.Object{}, pgerr.New(pgerr.WrongObjectType, "%q is not a domain", joinNames(tn.Names))
	}
	return catalog.Object{Class: catalog.PgTypeOid, Oid: t.Oid}, nil
}

// domainConstraintAddress finds a domain and a constraint of it.
func (c *Context) domainConstraintAddress(o ast.Node) (domain, constraint catalog.Object, err error) {
	l, ok := o.(*ast.List)
	if !ok || len(l.Items) != 2 {
		return domain, constraint, pgerr.Internal("constraint of a domain without two names")
	}
	if domain, err = c.typeAddress(ast.ObjectTypeType, l.Items[0]); err != nil {
		return domain, constraint, err
	}
	name := ast.Names(l.Items[1])[0]
	list, err := c.S.Cat.DomainConstraints(domain.Oid)
	if err != nil {
		return domain, constraint, err
	}
	for _, k := range list {
		if k.Conname == name {
			return domain, catalog.Object{Class: catalog.PgConstraintOid, Oid: k.Oid}, nil
		}
	}
	return domain, constraint, pgerr.New(pgerr.UndefinedObject, "constraint %q for domain %s does not exist", name, c.S.Cat.TypeName(domain.Oid))
}

// memberAddress finds a constraint, rule, trigger or policy of a relation: the last name is its own.
func (c *Context) memberAddress(kind ast.ObjectType, names []string) (catalog.Object, error) {
	if len(names) < 2 {
		return catalog.Object{}, pgerr.New(pgerr.SyntaxError, "must specify relation and object name")
	}
	name := names[len(names)-1]
	rel, err := c.openRelation(rangeVarOf(names[:len(names)-1]), locks.AccessShare)
	if err != nil {
		return catalog.Object{}, err
	}
	switch kind {
	case ast.ObjectTabconstraint:
		list, err := c.S.Cat.ConstraintsOf(rel.Oid)
		if err != nil {
			return catalog.Object{}, err
		}
		for _, k := range list {
			if k.Conname == name {
				return catalog.Object{Class: catalog.PgConstraintOid, Oid: k.Oid}, nil
			}
		}
		return catalog.Object{}, pgerr.New(pgerr.UndefinedObject, "constraint %q for table %q does not exist", name, rel.Name)
	case ast.ObjectRule:
		for _, r := range rel.Rules {
			if r.Rulename == name {
				return catalog.Object{Class: catalog.PgRewriteOid, Oid: r.Oid}, nil
			}
		}
	case ast.ObjectTrigger:
		for _, t := range rel.Triggers {
			if t.Tgname == name {
				return catalog.Object{Class: catalog.PgTriggerOid, Oid: t.Oid}, nil
			}
		}
		return catalog.Object{}, pgerr.New(pgerr.UndefinedObject, "trigger %q for table %q does not exist", name, rel.Name)
	}
	return catalog.Object{}, pgerr.New(pgerr.UndefinedObject, "%s %q for relation %q does not exist", strings.ToLower(kind.String()), name, rel.Name)
}

// functionAddress finds a function by name and argument types.
func (c *Context) functionAddress(kind ast.ObjectType, f *ast.ObjectWithArgs) (catalog.Object, error) {
	schema, name, err := splitName(c, f.Objname)
	if err != nil {
		return catalog.Object{}, err
	}
	what := strings.ToLower(kind.String())
	list, err := c.S.Cat.FuncCandidates(schema, name)
	if err != nil {
		return catalog.Object{}, err
	}
	var args []ids.Oid
	for _, tn := range f.Objargs {
		typ, _, err := c.typeName(tn)
		if err != nil {
			return catalog.Object{}, err
		}
		args = append(args, typ)
	}
	var found []*catalog.Proc
	for _, p := range list {
		if f.ArgsUnspecified || equalOids(p.Proargtypes, args) {
			found = append(found, p.Proc)
		}
	}
	switch {
	case len(found) == 0 && f.ArgsUnspecified:
		return catalog.Object{}, pgerr.New(pgerr.UndefinedFunction, "could not find a %s named %q", what, joinNames(f.Objname))
	case len(found) == 0:
		return catalog.Object{}, pgerr.New(pgerr.UndefinedFunction, "%s %s(%s) does not exist", what, joinNames(f.Objname), c.S.Cat.ProcArgs(args))
	case len(found) > 1 && f.ArgsUnspecified:
		return catalog.Object{}, pgerr.New(pgerr.AmbiguousFunction, "%s name %q is not unique", what, joinNames(f.Objname)).
			WithHint("Specify the argument list to select the %s unambiguously.", what)
	}
	return catalog.Object{Class: catalog.PgProcOid, Oid: found[0].Oid}, nil
}

func equalOids(a, b []ids.Oid) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// ownerOf returns who owns an object; 0 when nobody does.
func (c *Context) ownerOf(o catalog.Object) (ids.Oid, error) {
	cat := c.S.Cat
	switch o.Class {
	case catalog.PgClassOid:
		r, err := cat.Relation(o.Oid)
		if r != nil {
			return r.Owner, nil
		}
		return 0, err
	case catalog.PgTypeOid:
		r, err := cat.TypeRow(o.Oid)
		if r != nil {
			return r.Typowner, nil
		}
		return 0, err
	case catalog.PgNamespaceOid:
		r, err := cat.Namespace(o.Oid)
		if r != nil {
			return r.Nspowner, nil
		}
		return 0, err
	case catalog.PgDatabaseOid:
		r, err := cat.DatabaseRow(o.Oid)
		if r != nil {
			return r.Datdba, nil
		}
		return 0, err
	case catalog.PgProcOid:
		r, err := cat.Proc(o.Oid)
		if r != nil {
			return r.Proowner, nil
		}
		return 0, err
	case catalog.PgCollationOid:
		r, err := cat.Collation(o.Oid)
		if r != nil {
			return r.Collowner, nil
		}
		return 0, err
	case catalog.PgTablespaceOid:
		r, err := cat.Tablespace(o.Oid)
		if r != nil {
			return r.Spcowner, nil
		}
		return 0, err
	case catalog.PgConstraintOid:
		k, err := cat.Constraint(o.Oid)
		if k == nil || err != nil {
			return 0, err
		}
		if k.Conrelid == 0 {
			return c.ownerOf(catalog.Object{Class: catalog.PgTypeOid, Oid: k.Contypid})
		}
		return c.ownerOf(catalog.RelationObject(k.Conrelid))
	}
	return ids.BootstrapRole, nil
}

func (c *Context) checkObjectOwner(kind ast.ObjectType, o catalog.Object) error {
	owner, err := c.ownerOf(o)
	if err != nil {
		return err
	}
	ok, err := c.S.Cat.HasPrivsOf(c.S.User, owner)
	if err != nil || ok {
		return err
	}
	what := c.S.Cat.Describe(o)
	return pgerr.New(pgerr.InsufficientPrivilege, "must be owner of %s", what)
}
