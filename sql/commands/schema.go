package commands

import (
	"slices"
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

func createSchema(c *Context, st *ast.CreateSchemaStmt) error {
	cat := c.S.Cat
	owner := c.S.User
	name := st.Schemaname
	if st.Authrole != nil {
		var err error
		if owner, err = c.role(st.Authrole, false); err != nil {
			return err
		}
		if name == "" {
			r, err := cat.Role(owner)
			if err != nil {
				return err
			}
			name = r.Rolname
		}
	}
	db, err := cat.DatabaseRow(c.S.DB)
	if err != nil {
		return err
	}
	have, err := cat.DatabasePrivileges(c.S.User, db, catalog.AclCreate)
	if err != nil {
		return err
	}
	if have == 0 {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied for database %s", db.Datname)
	}
	if ok, err := cat.IsMemberOf(c.S.User, owner); err != nil {
		return err
	} else if !ok {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be member of role %q", c.roleName(owner))
	}
	if strings.HasPrefix(name, "pg_") && !c.systemOK() {
		return pgerr.New(pgerr.ReservedName, "unacceptable schema name %q", name).
			WithDetail("The prefix \"pg_\" is reserved for system schemas.")
	}
	if st.IfNotExists {
		n, err := cat.NamespaceByName(name)
		if err != nil {
			return err
		}
		if n != nil {
			c.skipNotice(pgerr.DuplicateSchema, "schema %q already exists, skipping", name)
			return nil
		}
	}
	if _, err := cat.CreateNamespace(name, owner, nil, false); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	if len(st.SchemaElts) == 0 {
		return nil
	}
	restore, err := c.searchFirst(name)
	if err != nil {
		return err
	}
	defer restore()
	for _, el := range inOrder(st.SchemaElts) {
		if err := c.schemaElement(el, name); err != nil {
			return err
		}
	}
	return nil
}

// inOrder sorts the statements of CREATE SCHEMA so that each finds what it needs: sequences, tables, views, indexes, triggers, grants.
func inOrder(els []ast.Stmt) []ast.Stmt {
	rank := func(el ast.Stmt) int {
		switch el.(type) {
		case *ast.CreateSeqStmt:
			return 0
		case *ast.CreateStmt:
			return 1
		case *ast.ViewStmt:
			return 2
		case *ast.IndexStmt:
			return 3
		case *ast.CreateTrigStmt:
			return 4
		}
		return 5
	}
	els = slices.Clone(els)
	slices.SortStableFunc(els, func(a, b ast.Stmt) int { return rank(a) - rank(b) })
	return els
}

// searchFirst puts a schema at the head of the search path, until restore.
func (c *Context) searchFirst(schema string) (restore func(), err error) {
	cat := c.S.Cat
	path, err := cat.SearchPath(false)
	if err != nil {
		return nil, err
	}
	names := []string{schema}
	for _, ns := range path {
		names = append(names, c.schemaName(ns))
	}
	cat.SetSearchPath(names)
	return func() {
		if d := c.S.Settings.Find("search_path"); d != nil && c.S.Settings.OnChange != nil {
			c.S.Settings.OnChange(d, c.S.Settings.At(d).Value)
		}
	}, nil
}

func (c *Context) roleName(oid ids.Oid) string {
	if r, _ := c.S.Cat.Role(oid); r != nil {
		return r.Rolname
	}
	return ""
}

// schemaElement runs a statement of CREATE SCHEMA with its object in the new schema.
func (c *Context) schemaElement(el ast.Stmt, schema string) error {
	var rv *ast.RangeVar
	switch e := el.(type) {
	case *ast.CreateStmt:
		rv = e.Relation
	case *ast.ViewStmt:
		rv = e.View
	case *ast.IndexStmt:
		rv = e.Relation
	case *ast.CreateSeqStmt:
		rv = e.Sequence
	case *ast.CreateTrigStmt:
		rv = e.Relation
	}
	if rv != nil {
		if rv.Schemaname != "" && rv.Schemaname != schema {
			return pgerr.New(pgerr.InvalidSchemaDefinition, "CREATE specifies a schema (%s) different from the one being created (%s)",
				rv.Schemaname, schema)
		}
		rv.Schemaname = schema
	}
	if _, err := run(c, el); err != nil {
		return err
	}
	return c.step()
}
