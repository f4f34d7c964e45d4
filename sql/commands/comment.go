package commands

import (
	"gompho/catalog"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

// comment is COMMENT ON.
func comment(c *Context, st *ast.CommentStmt) error {
	o, err := c.objectAddress(st.Objtype, st.Object)
	if err != nil {
		return c.commentMissing(st, err)
	}
	if err := c.holdObject(o, locks.ShareUpdateExclusive); err != nil {
		return err
	}
	if st.Objtype == ast.ObjectColumn {
		if err := c.commentable(o); err != nil {
			return err
		}
	}
	owned := o
	if st.Objtype == ast.ObjectDomconstraint {
		if owned, _, err = c.domainConstraintAddress(st.Object); err != nil {
			return err
		}
	}
	if err := c.checkObjectOwner(st.Objtype, owned); err != nil {
		return err
	}
	if st.IsNull {
		return c.S.Cat.SetComment(o, nil)
	}
	return c.S.Cat.SetComment(o, &st.Comment)
}

// commentMissing is the answer when there is no such object. A database that is missing is a warning only, so that restores of dumps go
// on; columns are named with their relation as it was written.
func (c *Context) commentMissing(st *ast.CommentStmt, err error) error {
	e, ok := err.(*pgerr.Error)
	if !ok {
		return err
	}
	switch {
	case st.Objtype == ast.ObjectDatabase && e.Code == pgerr.InvalidCatalogName:
		c.S.Warn(e.Code, "%s", e.Message)
		return nil
	case st.Objtype == ast.ObjectColumn && e.Code == pgerr.UndefinedColumn:
		names := ast.Names(st.Object)
		last := len(names) - 1
		return pgerr.New(e.Code, "column %q of relation %q does not exist", names[last], joinNames(names[:last]))
	}
	return err
}

// commentable refuses comments on columns of relations that have none of their own.
func (c *Context) commentable(column catalog.Object) error {
	rel, err := c.S.Relation(column.Oid)
	if err != nil {
		return err
	}
	switch rel.Kind {
	case 'r', 'v', 'm', 'c', 'f', 'p':
		return nil
	}
	return pgerr.New(pgerr.WrongObjectType, "cannot set comment on relation %q", rel.Name).
		WithDetail("This operation is not supported for %ss.", pluralStem(rel.Kind))
}

// pluralStem is the word for a kind of relation without its plural ending.
func pluralStem(kind byte) string {
	if kind == 'i' || kind == 'I' {
		return "indexe"
	}
	return catalog.KindWord(kind)
}

// holdObject locks an object that was looked up by name; what belongs to a relation is protected by the lock on that.
func (c *Context) holdObject(o catalog.Object, mode locks.Mode) error {
	switch o.Class {
	case catalog.PgClassOid, catalog.PgConstraintOid, catalog.PgRewriteOid, catalog.PgTriggerOid, catalog.PgPolicyOid:
		return nil
	}
	if err := c.S.Owner.Acquire(c.S.Cat.ObjectTag(o), mode, locks.Opts{}); err != nil {
		return err
	}
	if c.S.Cat.DescribeIfExists(o) == "" {
		return pgerr.New(pgerr.UndefinedObject, "object was dropped concurrently")
	}
	return nil
}
