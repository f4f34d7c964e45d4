package commands

import (
	"strings"

	"gompho/internal/ids"
	"gompho/sql/ast"
	"gompho/types"
)

// explainColumns describes EXPLAIN's result: one column of text, or of json or xml in these formats.
func explainColumns(st *ast.ExplainStmt) []Column {
	typ := ids.Oid(textOid)
	for _, o := range st.Options {
		if o.Defname == "format" {
			switch strings.ToLower(defString(o)) {
			case "json":
				typ = 114
			case "xml":
				typ = 142
			}
		}
	}
	return []Column{{"QUERY PLAN", typ, -1}}
}

func explain(c *Context, st *ast.ExplainStmt) error {
	if c.Hooks == nil || c.Hooks.Explain == nil {
		return missing("EXPLAIN")
	}
	lines, err := c.Hooks.Explain(st, c.Params)
	if err != nil {
		return err
	}
	if err := c.Out.Start(explainColumns(st)); err != nil {
		return err
	}
	for _, l := range lines {
		if err := c.Out.Row([]types.Datum{types.String(l)}); err != nil {
			return err
		}
	}
	return nil
}
