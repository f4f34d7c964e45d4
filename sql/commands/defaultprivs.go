package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// defaultKinds are the kinds of ALTER DEFAULT PRIVILEGES.
var defaultKinds = map[ast.ObjectType]struct {
	letter byte
	kind   grantKind
}{
	ast.ObjectTable:    {catalog.DefaclRelation, grantKind{"relation", catalog.AclAllTable, 0}},
	ast.ObjectSequence: {catalog.DefaclSequence, grantKind{"sequence", catalog.AclAllSequence, 0}},
	ast.ObjectFunction: {catalog.DefaclFunction, grantKind{"function", catalog.AclAllFunction, catalog.AclExecute}},
	ast.ObjectTypeType: {catalog.DefaclType, grantKind{"type", catalog.AclAllType, catalog.AclUsage}},
	ast.ObjectSchema:   {catalog.DefaclNamespace, grantKind{"schema", catalog.AclAllSchema, 0}},
}

// alterDefaultPrivileges is ALTER DEFAULT PRIVILEGES.
func alterDefaultPrivileges(c *Context, st *ast.AlterDefaultPrivilegesStmt) error {
	var roles []*ast.RoleSpec
	var schemas []string
	seen := map[string]bool{}
	for _, o := range st.Options {
		if seen[o.Defname] {
			return pgerr.New(pgerr.SyntaxError, "conflicting or redundant options").At(int(o.Location))
		}
		seen[o.Defname] = true
		if o.Defname == "schemas" {
			schemas = ast.Names(o.Arg)
			continue
		}
		for _, r := range o.Arg.(*ast.List).Items {
			roles = append(roles, r.(*ast.RoleSpec))
		}
	}
	grantees, err := c.grantees(st.Action)
	if err != nil {
		return err
	}
	k, ok := defaultKinds[st.Action.Objtype]
	if !ok {
		return missing("ALTER DEFAULT PRIVILEGES for this kind of object")
	}
	if st.Action.Objtype == ast.ObjectSchema && len(schemas) > 0 {
		return pgerr.New(pgerr.InvalidGrantOperation, "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS")
	}
	bits, columns, err := privilegesOf(st.Action, k.kind)
	if err != nil {
		return err
	}
	if len(columns) > 0 {
		return pgerr.New(pgerr.InvalidGrantOperation, "default privileges cannot be set for columns")
	}
	owners := []ids.Oid{c.S.User}
	if roles != nil {
		owners = owners[:0]
		for _, r := range roles {
			oid, err := c.role(r, false)
			if err != nil {
				return err
			}
			if ok, err := c.S.Cat.IsMemberOf(c.S.User, oid); err != nil {
				return err
			} else if !ok {
				return pgerr.New(pgerr.InsufficientPrivilege, "must be member of role %q", c.roleName(oid))
			}
			owners = append(owners, oid)
		}
	}
	namespaces := []ids.Oid{0}
	if schemas != nil {
		namespaces = namespaces[:0]
	}
	for _, name := range schemas {
		ns, err := c.S.Cat.LookupNamespace(name, false)
		if err != nil {
			return err
		}
		namespaces = append(namespaces, ns)
	}
	for _, owner := range owners {
		for _, ns := range namespaces {
			if err := c.setDefaultAcl(st.Action, k.letter, owner, ns, grantees, bits, k.kind.all); err != nil {
				return err
			}
		}
	}
	return nil
}

// setDefaultAcl changes one row of pg_default_acl, which is there only while it says something else than the built-in default.
func (c *Context) setDefaultAcl(g *ast.GrantStmt, kind byte, owner, ns ids.Oid, grantees []ids.Oid, bits, all uint32) error {
	cat := c.S.Cat
	row, err := cat.DefaultAclRow(owner, ns, kind)
	if err != nil {
		return err
	}
	var none []catalog.AclItem // what the row would say if it were not there
	if ns == 0 {
		none = catalog.DefaclBuiltin(kind, owner)
	}
	acl := none
	if row != nil {
		acl = row.Defaclacl
	}
	var o catalog.Object
	if row != nil {
		o = catalog.Object{Class: catalog.PgDefaultAclOid, Oid: row.Oid}
	}
	if err := c.changeAcl(g, &acl, owner, grantees, bits, all, o); err != nil {
		return err
	}
	switch {
	case row == nil && catalog.SameAcl(acl, none):
		return nil
	case catalog.SameAcl(acl, none):
		return c.performDeletion([]catalog.Object{o}, ast.DropRestrict)
	case row != nil:
		row.Defaclacl = acl
		if err := cat.Update(row); err != nil {
			return err
		}
	default:
		if o, err = c.insertDefaultAcl(&catalog.PgDefaultAcl{Defaclrole: owner, Defaclnamespace: ns, Defaclobjtype: kind, Defaclacl: acl}); err != nil {
			return err
		}
	}
	if err := cat.RecordAcl(o, owner, acl); err != nil {
		return err
	}
	return c.step()
}

func (c *Context) insertDefaultAcl(row *catalog.PgDefaultAcl) (o catalog.Object, err error) {
	cat := c.S.Cat
	if row.Oid, err = cat.NewObjectOid(catalog.PgDefaultAclOid); err != nil {
		return o, err
	}
	if err := cat.Insert(row); err != nil {
		return o, err
	}
	o = catalog.Object{Class: catalog.PgDefaultAclOid, Oid: row.Oid}
	if err := cat.RecordOwner(o, row.Defaclrole); err != nil {
		return o, err
	}
	if row.Defaclnamespace != 0 {
		ns := catalog.Object{Class: catalog.PgNamespaceOid, Oid: row.Defaclnamespace}
		if err := cat.RecordDependency(o, ns, catalog.DepAuto); err != nil {
			return o, err
		}
	}
	return o, nil
}
