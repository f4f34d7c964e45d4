package commands

import (
	"gompho/sql/ast"
)

// comment is COMMENT ON.
func comment(c *Context, st *ast.CommentStmt) error {
	o, err := c.objectAddress(st.Objtype, st.Object)
	if err != nil {
		return err
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
