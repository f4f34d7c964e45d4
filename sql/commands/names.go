package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

func relName(rv *ast.RangeVar) catalog.RelName {
	return catalog.RelName{Catalog: rv.Catalogname, Schema: rv.Schemaname, Name: rv.Relname}
}

// openRelation locks a relation named in a statement.
func (c *Context) openRelation(rv *ast.RangeVar, mode locks.Mode) (*catalog.Relation, error) {
	return c.S.Cat.OpenRelation(relName(rv), mode, catalog.LockOpts{})
}

// openOwned locks a relation named in a statement after a check that the user owns it.
func (c *Context) openOwned(rv *ast.RangeVar, mode locks.Mode, missingOK bool) (*catalog.Relation, error) {
	return c.S.Cat.OpenRelation(relName(rv), mode, catalog.LockOpts{MissingOK: missingOK, Check: c.checkOwnerOid})
}

// checkOwnerOid errors with 42501 when the user does not own a relation, and for system catalogs.
func (c *Context) checkOwnerOid(oid ids.Oid) error {
	r, err := c.S.Cat.Relation(oid)
	if r == nil || err != nil {
		return err
	}
	return c.checkOwner(r)
}

func (c *Context) checkOwner(r *catalog.Relation) error {
	if err := c.checkOwnerAlone(r); err != nil {
		return err
	}
	if isCatalog(r.Oid) && !c.systemOK() {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied: %q is a system catalog", r.Name)
	}
	return nil
}

// checkOwnerAlone errors with 42501 when the user does not own a relation.
func (c *Context) checkOwnerAlone(r *catalog.Relation) error {
	ok, err := c.S.Cat.HasPrivsOf(c.S.User, r.Owner)
	if err != nil {
		return err
	}
	if !ok {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be owner of %s %s", catalog.KindWord(r.Kind), r.Name)
	}
	return nil
}

// checkNotInUse refuses a command on a relation that an unfinished query of the session reads, or with rows still to be checked.
func (c *Context) checkNotInUse(r *catalog.Relation, what string) error {
	if c.Hooks == nil {
		return nil
	}
	if c.Hooks.InUse != nil && c.Hooks.InUse(r.Oid) {
		return pgerr.New(pgerr.ObjectInUse, "cannot %s %q because it is being used by active queries in this session", what, r.Name)
	}
	if r.Kind != 'i' && c.Hooks.PendingChecks != nil && c.Hooks.PendingChecks(r.Oid) {
		return pgerr.New(pgerr.ObjectInUse, "cannot %s %q because it has pending trigger events", what, r.Name)
	}
	return nil
}

// firstNormalOid is the first Oid of objects that users create.
const firstNormalOid ids.Oid = 16384

// isCatalog reports whether a relation is a system catalog, by its Oid: what initdb makes with SQL is not.
func isCatalog(oid ids.Oid) bool { return oid < 12000 }

func (c *Context) systemOK() bool {
	d := c.S.Settings.Find("allow_system_table_mods")
	return d != nil && c.S.Settings.At(d).Bool()
}

// creationNamespace returns the schema in which a new relation goes, with the privilege to create there checked, and its
// persistence.
func (c *Context) creationNamespace(rv *ast.RangeVar) (ids.Oid, byte, error) {
	ns, persistence, err := c.newRelationNamespace(rv)
	return ns, persistence, atName(err, rv)
}

// atName points an error about a name, unless it is about privileges, to where the name stands.
func atName(err error, rv *ast.RangeVar) error {
	if err == nil {
		return nil
	}
	e := pgerr.From(err)
	if e.Code == pgerr.InsufficientPrivilege {
		return e
	}
	return e.At(int(rv.Location))
}

func (c *Context) newRelationNamespace(rv *ast.RangeVar) (ids.Oid, byte, error) {
	cat := c.S.Cat
	p := rv.Relpersistence
	if p == 0 {
		p = 'p'
	}
	if rv.Catalogname != "" && rv.Catalogname != c.S.DBName {
		return 0, 0, pgerr.NotSupported("cross-database references are not implemented: \"%s.%s.%s\"", rv.Catalogname, rv.Schemaname, rv.Relname)
	}
	if p == 't' {
		if rv.Schemaname != "" && rv.Schemaname != "pg_temp" {
			ns, err := cat.LookupNamespace(rv.Schemaname, false)
			if err != nil {
				return 0, 0, err
			}
			if ns != cat.TempNamespaceIfAny() {
				return 0, 0, pgerr.New(pgerr.InvalidTableDefinition, "cannot create temporary relation in non-temporary schema")
			}
		}
		ns, err := cat.TempNamespace()
		return ns, 't', err
	}
	var ns ids.Oid
	var err error
	if rv.Schemaname == "pg_temp" {
		ns, err = cat.TempNamespace()
	} else {
		ns, err = cat.LookupCreationNamespace(rv.Schemaname)
	}
	if err != nil {
		return 0, 0, err
	}
	if temp, own, err := cat.IsTempNamespace(ns); err != nil {
		return 0, 0, err
	} else if temp {
		if !own {
			return 0, 0, pgerr.New(pgerr.InvalidTableDefinition, "cannot create relations in temporary schemas of other sessions")
		}
		if p == 'u' {
			return 0, 0, pgerr.New(pgerr.InvalidTableDefinition, "only temporary relations may be created in temporary schemas")
		}
		return ns, 't', nil
	}
	return ns, p, c.checkSystemNamespace(ns, rv.Relname)
}

// checkSystemNamespace keeps users from creating relations among the system catalogs.
func (c *Context) checkSystemNamespace(ns ids.Oid, name string) error {
	if ns != ids.PgCatalogNamespace && ns != ids.PgToastNamespace || c.systemOK() {
		return nil
	}
	n, err := c.S.Cat.Namespace(ns)
	if n == nil || err != nil {
		return err
	}
	return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to create \"%s.%s\"", n.Nspname, name).
		WithDetail("System catalog modifications are currently disallowed.")
}

// splitName splits a qualified name of at most three parts.
func splitName(c *Context, names []string) (schema, name string, err error) {
	switch len(names) {
	case 1:
		return "", names[0], nil
	case 2:
		return names[0], names[1], nil
	case 3:
		if names[0] != c.S.DBName {
			return "", "", pgerr.NotSupported("cross-database references are not implemented: %s", joinNames(names))
		}
		return names[1], names[2], nil
	}
	return "", "", pgerr.New(pgerr.SyntaxError, "improper qualified name (too many dotted names): %s", joinNames(names))
}

func joinNames(names []string) string {
	out := ""
	for i, n := range names {
		if i > 0 {
			out += "."
		}
		out += n
	}
	return out
}

func rangeVarOf(names []string) *ast.RangeVar {
	rv := &ast.RangeVar{Inh: true, Relpersistence: 'p', Location: ast.NoLocation}
	switch len(names) {
	case 1:
		rv.Relname = names[0]
	case 2:
		rv.Schemaname, rv.Relname = names[0], names[1]
	case 3:
		rv.Catalogname, rv.Schemaname, rv.Relname = names[0], names[1], names[2]
	}
	return rv
}

// schemaName returns a schema's name, for error fields.
func (c *Context) schemaName(ns ids.Oid) string {
	if n, _ := c.S.Cat.Namespace(ns); n != nil {
		return n.Nspname
	}
	return ""
}

// role resolves a role of a statement; PUBLIC is 0 where it is allowed.
func (c *Context) role(r *ast.RoleSpec, publicOK bool) (ids.Oid, error) {
	switch r.Roletype {
	case ast.RolespecCurrentRole, ast.RolespecCurrentUser:
		return c.S.User, nil
	case ast.RolespecSessionUser:
		return c.S.SessionUser, nil
	case ast.RolespecPublic:
		if publicOK {
			return 0, nil
		}
		return 0, pgerr.New(pgerr.UndefinedObject, "role %q does not exist", "public")
	}
	a, err := c.S.Cat.RoleByName(r.Rolename)
	if err != nil {
		return 0, err
	}
	if a == nil {
		return 0, pgerr.New(pgerr.UndefinedObject, "role %q does not exist", r.Rolename)
	}
	return a.Oid, nil
}

// tablespace resolves the tablespace of a new relation; 0 is the database's own.
func (c *Context) tablespace(name string) (ids.Oid, error) {
	if name == "" {
		return 0, nil
	}
	t, err := c.S.Cat.TablespaceByName(name)
	if err != nil {
		return 0, err
	}
	if t == nil {
		return 0, pgerr.New(pgerr.UndefinedObject, "tablespace %q does not exist", name)
	}
	if t.Oid == globalTablespace {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "only shared relations can be placed in pg_global tablespace")
	}
	have, err := c.S.Cat.TablespacePrivileges(c.S.User, t, catalog.AclCreate)
	if err != nil {
		return 0, err
	}
	if have == 0 && t.Oid != defaultTablespace {
		return 0, pgerr.New(pgerr.InsufficientPrivilege, "permission denied for tablespace %s", name)
	}
	if t.Oid == defaultTablespace {
		return 0, nil
	}
	return t.Oid, nil
}

const (
	defaultTablespace ids.Oid = 1663
	globalTablespace  ids.Oid = 1664
)
