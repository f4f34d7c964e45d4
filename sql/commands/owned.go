package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// ownersOf resolves the roles of REASSIGN OWNED and DROP OWNED; the user must be a member of each.
func (c *Context) ownersOf(specs []*ast.RoleSpec, must func(role string) *pgerr.Error) ([]ids.Oid, error) {
	var out []ids.Oid
	for _, r := range specs {
		oid, err := c.role(r, false)
		if err != nil {
			return nil, err
		}
		out = append(out, oid)
	}
	for _, oid := range out {
		if ok, err := c.S.Cat.HasPrivsOf(c.S.User, oid); err != nil {
			return nil, err
		} else if !ok {
			return nil, must(c.roleName(oid))
		}
	}
	return out, nil
}

func deniedObjects(string) *pgerr.Error {
	return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to drop objects")
}

func deniedReassign(string) *pgerr.Error {
	return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to reassign objects")
}

// required refuses what would touch objects of the bootstrap role and of others that came with the cluster.
func (c *Context) required(verb string, role ids.Oid) error {
	if role >= firstNormalOid {
		return nil
	}
	return pgerr.New(pgerr.DependentObjectsStillExist, "cannot %s objects owned by role %s because they are required by the database system", verb, c.roleName(role))
}

// reassignOwned is REASSIGN OWNED: what a role owns in this database, and databases, get a new owner.
func reassignOwned(c *Context, st *ast.ReassignOwnedStmt) error {
	roles, err := c.ownersOf(st.Roles, deniedReassign)
	if err != nil {
		return err
	}
	owner, err := c.role(st.Newrole, false)
	if err != nil {
		return err
	}
	if ok, err := c.S.Cat.HasPrivsOf(c.S.User, owner); err != nil {
		return err
	} else if !ok {
		return deniedReassign("")
	}
	for _, role := range roles {
		if err := c.required("reassign ownership of", role); err != nil {
			return err
		}
		deps, err := c.S.Cat.SharedDependentsOf(catalog.PgAuthidOid, role)
		if err != nil {
			return err
		}
		for _, d := range deps {
			if d.Deptype != catalog.SharedOwner || d.Dbid != c.S.DB && d.Dbid != 0 || d.Classid == catalog.PgDefaultAclOid {
				continue
			}
			if err := c.reassign(catalog.Object{Class: d.Classid, Oid: d.Objid}, owner); err != nil {
				return err
			}
			if err := c.step(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Context) reassign(o catalog.Object, owner ids.Oid) error {
	if o.Class == catalog.PgClassOid {
		return c.ownRelation(o.Oid, owner, false)
	}
	return c.giveObject(o, owner)
}

// dropOwned is DROP OWNED: what a role owns in this database goes, and the privileges that it has here and on databases.
func dropOwned(c *Context, st *ast.DropOwnedStmt) error {
	roles, err := c.ownersOf(st.Roles, deniedObjects)
	if err != nil {
		return err
	}
	var objs []catalog.Object
	for _, role := range roles {
		if err := c.required("drop", role); err != nil {
			return err
		}
		deps, err := c.S.Cat.SharedDependentsOf(catalog.PgAuthidOid, role)
		if err != nil {
			return err
		}
		for _, d := range deps {
			o := catalog.Object{Class: d.Classid, Oid: d.Objid, Sub: d.Objsubid}
			switch {
			case d.Dbid != c.S.DB && d.Dbid != 0:
			case d.Deptype == catalog.SharedOwner && d.Dbid != 0:
				objs = append(objs, o)
			case d.Deptype == catalog.SharedAcl:
				if err := c.revokeAll(o, role); err != nil {
					return err
				}
			}
		}
	}
	if len(objs) == 0 {
		return nil
	}
	return c.performDeletion(objs, st.Behavior)
}

// aclObjects are the kinds of objects, as GRANT names them, by catalog.
var aclObjects = map[ids.Oid]ast.ObjectType{catalog.PgClassOid: ast.ObjectTable, catalog.PgNamespaceOid: ast.ObjectSchema,
	catalog.PgDatabaseOid: ast.ObjectDatabase, catalog.PgTablespaceOid: ast.ObjectTablespace, catalog.PgLanguageOid: ast.ObjectLanguage,
	catalog.PgProcOid: ast.ObjectFunction, catalog.PgTypeOid: ast.ObjectTypeType}

// revokeAll takes a role's privileges on one object away, and what it has granted by them.
func (c *Context) revokeAll(o catalog.Object, role ids.Oid) error {
	st := &ast.GrantStmt{Behavior: ast.DropCascade}
	if o.Class == catalog.PgDefaultAclOid {
		row, err := catalog.Fetch[catalog.PgDefaultAcl](c.S.Cat, catalog.PgDefaultAclOidIndex, catalog.OidKey(1, o.Oid))
		if row == nil || err != nil {
			return err
		}
		for kind, k := range defaultKinds {
			if k.letter == row.Defaclobjtype {
				st.Objtype = kind
				return c.setDefaultAcl(st, k.letter, row.Defaclrole, row.Defaclnamespace, []ids.Oid{role}, k.kind.all, k.kind.all)
			}
		}
		return nil
	}
	kind, ok := aclObjects[o.Class]
	if !ok {
		return missing("DROP OWNED of privileges for " + c.S.Cat.Describe(o))
	}
	st.Objtype, o.Sub = kind, 0
	if err := c.grantOn(st, grantKinds[kind], o, []ids.Oid{role}); err != nil {
		return err
	}
	return c.step()
}
