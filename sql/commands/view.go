package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/analyzer"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// createView is CREATE [OR REPLACE] VIEW.
func createView(c *Context, st *ast.ViewStmt) error {
	an := c.analyzer()
	q, err := analyzer.View(an, st)
	if err != nil {
		return err
	}
	if st.WithCheckOption != ast.NoCheckOption {
		if why := analyzer.NotUpdatable(q); why != "" {
			return pgerr.NotSupported("WITH CHECK OPTION is supported only on automatically updatable views").WithHint("%s", why)
		}
		if q.HasSubLinks {
			return missing("WITH CHECK OPTION on a view with subqueries")
		}
	}
	options, _, err := relationOptions(nil, st.Options, "v", false)
	if err != nil {
		return err
	}
	switch st.WithCheckOption {
	case ast.LocalCheckOption:
		options = append(options, "check_option=local")
	case ast.CascadedCheckOption:
		options = append(options, "check_option=cascaded")
	}
	rv := *st.View
	if rv.Relpersistence != 't' && rv.Schemaname != "pg_temp" {
		temp, err := analyzer.UsesTemp(an, q)
		if err != nil {
			return err
		}
		if temp {
			rv.Relpersistence = 't'
			c.notice("view %q will be a temporary view", rv.Relname)
		}
	}
	cols, err := c.queryColumns(visible(q.TargetList), nil)
	if err != nil {
		return err
	}
	ns, p, err := c.creationNamespace(&rv)
	if err != nil {
		return err
	}
	oid := ids.Oid(0)
	if st.Replace {
		if oid, err = c.S.Cat.RelationOid(ns, rv.Relname); err != nil {
			return err
		}
	}
	if oid != 0 {
		err = c.replaceView(oid, cols, options)
	} else {
		oid, err = c.S.Cat.CreateRelation(&catalog.NewRelation{Name: rv.Relname, Namespace: ns, Owner: c.S.User, Kind: 'v', Persistence: p,
			Columns: cols, Options: options})
	}
	if err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	if _, err := c.S.Cat.CreateRule(oid, "_RETURN", '1', true, nil, q, true); err != nil {
		return err
	}
	return c.step()
}

// queryColumns makes the columns of a relation that shows a query's output. names replaces the first names.
func (c *Context) queryColumns(list []*query.TargetEntry, names []string) ([]catalog.NewColumn, error) {
	if len(names) > len(list) {
		return nil, pgerr.New(pgerr.SyntaxError, "too many column names were specified")
	}
	out := make([]catalog.NewColumn, len(list))
	for i, t := range list {
		a := &out[i].Attr
		a.Name, a.Type, a.Typmod = t.Resname, t.Expr.Type(), t.Expr.Typmod()
		if i < len(names) {
			a.Name = names[i]
		}
		if a.Type == 705 { // unknown
			a.Type = textOid
		}
		coll := t.Expr.Collation()
		if err := c.typeAttr(a, nil); err != nil {
			return nil, err
		}
		if a.Collation != 0 {
			if coll == 0 {
				return nil, pgerr.New(pgerr.IndeterminateCollation, "no collation was derived for column %q with collatable type %s", a.Name,
					c.S.Cat.TypeName(a.Type)).WithHint("Use the COLLATE clause to set the collation explicitly.")
			}
			a.Collation = coll
		}
	}
	return out, nil
}

// replaceView checks that new columns agree with those of the old view, and adds those that are new.
func (c *Context) replaceView(oid ids.Oid, cols []catalog.NewColumn, options []string) error {
	cat := c.S.Cat
	rel, err := cat.LockRelation(oid, locks.AccessExclusive)
	if err != nil {
		return err
	}
	if rel.Kind != 'v' {
		return pgerr.New(pgerr.WrongObjectType, "%q is not a view", rel.Name)
	}
	if err := c.checkOwner(rel); err != nil {
		return err
	}
	old := rel.Desc.Attrs
	if len(cols) < len(old) {
		return pgerr.New(pgerr.InvalidTableDefinition, "cannot drop columns from view")
	}
	for i := range old {
		a := &cols[i].Attr
		if old[i].Name != a.Name {
			return pgerr.New(pgerr.InvalidTableDefinition, "cannot change name of view column %q to %q", old[i].Name, a.Name).
				WithHint("Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.")
		}
		if old[i].Type != a.Type || old[i].Typmod != a.Typmod {
			return pgerr.New(pgerr.InvalidTableDefinition, "cannot change data type of view column %q from %s to %s", old[i].Name,
				cat.FormatType(old[i].Type, old[i].Typmod), cat.FormatType(a.Type, a.Typmod))
		}
		if old[i].Collation != a.Collation {
			was, _ := cat.CollationName(old[i].Collation)
			now, _ := cat.CollationName(a.Collation)
			return pgerr.New(pgerr.InvalidTableDefinition, "cannot change collation of view column %q from %q to %q", old[i].Name, was, now)
		}
	}
	for i := len(old); i < len(cols); i++ {
		if err := cat.InsertColumn(oid, i+1, &cols[i], true); err != nil {
			return err
		}
	}
	row, err := cat.ClassRow(oid)
	if err != nil {
		return err
	}
	row.Relnatts, row.Reloptions = int16(len(cols)), options
	return cat.Update(row)
}
