package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

// drop is DROP of everything that is not shared between databases.
func drop(c *Context, st *ast.DropStmt) error {
	if _, ok := dropKinds[st.RemoveType]; ok {
		return dropRelations(c, st)
	}
	if st.Concurrent {
		return pgerr.Internal("DROP CONCURRENTLY is for indexes")
	}
	var objs []catalog.Object
	for _, o := range st.Objects {
		addr, err := c.dropAddress(st, o)
		if err != nil {
			return err
		}
		if addr.Oid != 0 {
			objs = append(objs, addr)
		}
	}
	return c.performDeletion(objs, st.Behavior)
}

func (c *Context) performDeletion(objs []catalog.Object, b ast.DropBehavior) error {
	c.S.Cat.SetDropHooks(catalog.DropHooks{Relation: c.checkDropped})
	defer c.S.Cat.SetDropHooks(catalog.DropHooks{})
	return c.S.Cat.PerformDeletion(objs, catalog.DropOpts{Cascade: b == ast.DropCascade, Notice: c.sendNotice})
}

// checkDropped refuses to drop a relation that is in use, once it is known that nothing else stands in the way.
func (c *Context) checkDropped(r *catalog.Relation) error {
	switch r.Kind {
	case 'i', 'I':
		return c.checkNotInUse(r, "DROP INDEX")
	case 't':
		return nil
	}
	return c.checkNotInUse(r, "DROP TABLE")
}

type dropKind struct {
	kinds   string
	missing string // "table"
	hint    string
}

// dropKinds are the kinds of relations that have a DROP of their own.
var dropKinds = map[ast.ObjectType]dropKind{
	ast.ObjectTable:        {"rp", "table", "TABLE"},
	ast.ObjectSequence:     {"S", "sequence", "SEQUENCE"},
	ast.ObjectView:         {"v", "view", "VIEW"},
	ast.ObjectMatview:      {"m", "materialized view", "MATERIALIZED VIEW"},
	ast.ObjectIndex:        {"iI", "index", "INDEX"},
	ast.ObjectForeignTable: {"f", "foreign table", "FOREIGN TABLE"},
}

// dropHintOf is the command that drops a kind of relation.
var dropHintOf = map[byte]dropKind{'r': {"", "a table", "DROP TABLE"}, 'p': {"", "a table", "DROP TABLE"},
	'S': {"", "a sequence", "DROP SEQUENCE"}, 'v': {"", "a view", "DROP VIEW"}, 'i': {"", "an index", "DROP INDEX"},
	'I': {"", "an index", "DROP INDEX"}, 'm': {"", "a materialized view", "DROP MATERIALIZED VIEW"},
	'f': {"", "a foreign table", "DROP FOREIGN TABLE"}, 'c': {"", "a type", "DROP TYPE"}}

// articles of dropKinds for messages such as "x" is not a table.
func article(what string) string {
	if what[0] == 'i' {
		return "an " + what
	}
	return "a " + what
}

func dropRelations(c *Context, st *ast.DropStmt) error {
	k := dropKinds[st.RemoveType]
	if st.Concurrent {
		if len(st.Objects) != 1 {
			return pgerr.NotSupported("DROP INDEX CONCURRENTLY does not support dropping multiple objects")
		}
		if st.Behavior == ast.DropCascade {
			return pgerr.NotSupported("DROP INDEX CONCURRENTLY does not support CASCADE")
		}
		if err := c.requireTopLevel("DROP INDEX CONCURRENTLY"); err != nil {
			return err
		}
		return c.dropConcurrently(rangeVarOf(ast.Names(st.Objects[0])), st)
	}
	var objs []catalog.Object
	for _, o := range st.Objects {
		names := ast.Names(o)
		if len(names) > 3 {
			return pgerr.New(pgerr.SyntaxError, "improper relation name (too many dotted names): %s", joinNames(names))
		}
		rv := rangeVarOf(names)
		oid, err := c.dropRelation(rv, k, st.MissingOk)
		if err != nil {
			return err
		}
		if oid != 0 {
			objs = append(objs, catalog.RelationObject(oid))
		}
	}
	return c.performDeletion(objs, st.Behavior)
}

// dropRelation finds and locks a relation that is to be dropped; 0 when it is missing and may be.
func (c *Context) dropRelation(rv *ast.RangeVar, k dropKind, missingOK bool) (ids.Oid, error) {
	if rv.Schemaname != "" {
		if ns, err := c.S.Cat.LookupNamespace(rv.Schemaname, true); err != nil {
			return 0, err
		} else if ns == 0 {
			if missingOK {
				c.skipNotice(pgerr.SuccessfulCompletion, "schema %q does not exist, skipping", rv.Schemaname)
				return 0, nil
			}
			return 0, pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", rv.Schemaname)
		}
	}
	check := func(oid ids.Oid) error {
		if err := c.checkDroppable(oid, k); err != nil {
			return err
		}
		return c.lockAround(oid)
	}
	rel, err := c.S.Cat.OpenRelation(relName(rv), locks.AccessExclusive, catalog.LockOpts{MissingOK: true, Check: check})
	if err != nil {
		return 0, err
	}
	if rel != nil {
		return rel.Oid, nil
	}
	if missingOK {
		c.skipNotice(pgerr.SuccessfulCompletion, "%s %q does not exist, skipping", k.missing, rv.Relname)
		return 0, nil
	}
	code := pgerr.UndefinedTable
	if k.kinds == "iI" {
		code = pgerr.UndefinedObject
	}
	return 0, pgerr.New(code, "%s %q does not exist", k.missing, rv.Relname)
}

// lockAround locks what queries lock before a relation that is to be dropped: the parent of a partition, the table of an index.
func (c *Context) lockAround(oid ids.Oid) error {
	r, err := c.S.Cat.Relation(oid)
	if r == nil || err != nil {
		return err
	}
	switch {
	case r.Index != nil:
		if _, err := c.S.Cat.LockRelation(r.Index.Table, locks.AccessExclusive); err != nil {
			return err
		}
		if r.Kind == 'I' {
			_, _, err = c.S.Cat.AllInheritors(r.Index.Table, locks.AccessExclusive)
		}
	case r.IsPartition && r.Parent != 0:
		var parent *catalog.Relation
		if parent, err = c.S.Cat.LockRelation(r.Parent, locks.AccessExclusive); parent != nil && err == nil && parent.PartKey != nil {
			_, err = c.lockDefault(parent)
		}
	}
	return err
}

func (c *Context) checkDroppable(oid ids.Oid, k dropKind) error {
	r, err := c.S.Cat.Relation(oid)
	if r == nil || err != nil {
		return err
	}
	right := false
	for i := range len(k.kinds) {
		right = right || k.kinds[i] == r.Kind
	}
	if !right {
		e := pgerr.New(pgerr.WrongObjectType, "%q is not %s", r.Name, article(k.missing))
		if h, ok := dropHintOf[r.Kind]; ok {
			e.WithHint("Use %s to remove %s.", h.hint, h.missing)
		}
		return e
	}
	owner, err := c.S.Cat.HasPrivsOf(c.S.User, r.Owner)
	if err != nil {
		return err
	}
	if !owner {
		n, err := c.S.Cat.Namespace(r.Namespace)
		if err != nil {
			return err
		}
		if owner, err = c.S.Cat.HasPrivsOf(c.S.User, n.Nspowner); err != nil {
			return err
		}
	}
	if !owner {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be owner of %s %s", catalog.KindWord(r.Kind), r.Name)
	}
	if isCatalog(r.Oid) && !c.systemOK() {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied: %q is a system catalog", r.Name)
	}
	return nil
}

// dropAddress finds an object that is not a relation; the zero Object when it is missing and may be.
func (c *Context) dropAddress(st *ast.DropStmt, o ast.Node) (catalog.Object, error) {
	addr, err := c.objectAddress(st.RemoveType, o)
	if err == nil {
		if addr.Oid == 0 {
			return addr, nil
		}
		return addr, c.checkObjectOwner(st.RemoveType, addr)
	}
	if !st.MissingOk || !isMissing(err) {
		return addr, err
	}
	e := pgerr.From(err)
	c.skipNotice(pgerr.SuccessfulCompletion, "%s, skipping", e.Message)
	return catalog.Object{}, nil
}

// isMissing reports whether an error says that an object is not there.
func isMissing(err error) bool {
	switch pgerr.From(err).Code {
	case pgerr.UndefinedObject, pgerr.UndefinedTable, pgerr.InvalidSchemaName, pgerr.UndefinedFunction, pgerr.UndefinedColumn:
		return true
	}
	return false
}
