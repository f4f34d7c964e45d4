package analyzer

import (
	"slices"

	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// utility wraps a statement that is not planned; where PostgreSQL analyzes the query inside at once so does it.
func (p *state) utility(n ast.Stmt) *query.Query {
	q := &query.Query{CommandType: query.CmdUtility, CanSetTag: true, UtilityStmt: n}
	switch n := n.(type) {
	case *ast.ExplainStmt:
		if locks := slices.ContainsFunc(n.Options, func(o *ast.DefElem) bool { return o.Defname == "locks" }); !locks || p.params != nil {
			q.UtilityQuery = p.inner().topStatement(n.Query) // EXPLAIN (LOCKS) tells itself what this locks
		}
	case *ast.CreateTableAsStmt:
		if n.Objtype == ast.ObjectMatview {
			break
		}
		q.UtilityQuery = p.inner().statement(n.Query)
	case *ast.DeclareCursorStmt:
		q.UtilityQuery = p.declareCursor(n)
	case *ast.CallStmt:
		q.UtilityQuery = p.callStmt(n)
	}
	return q
}

// inner is the level of a statement inside a utility statement.
func (p *state) inner() *state {
	s := newState(p.analysis, nil)
	s.resolveUnknowns = p.resolveUnknowns
	return s
}

func (p *state) declareCursor(n *ast.DeclareCursorStmt) *query.Query {
	const both = ast.CursorOptScroll | ast.CursorOptNoScroll
	if n.Options&both == both {
		fail(pgerr.New(pgerr.InvalidCursorDefinition, "cannot specify both SCROLL and NO SCROLL"))
	}
	const sens = ast.CursorOptAsensitive | ast.CursorOptInsensitive
	if n.Options&sens == sens {
		fail(pgerr.New(pgerr.InvalidCursorDefinition, "cannot specify both INSENSITIVE and ASENSITIVE"))
	}
	q := p.inner().statement(n.Query)
	if q.CommandType != query.CmdSelect {
		fail(pgerr.Internal("unexpected non-SELECT command in DECLARE CURSOR"))
	}
	if q.HasModifyingCTE {
		fail(pgerr.New(pgerr.FeatureNotSupported, "DECLARE CURSOR must not contain data-modifying statements in WITH"))
	}
	if len(q.RowMarks) == 0 {
		return q
	}
	words := [...]string{"", "FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"}[q.RowMarks[0].Strength]
	switch {
	case n.Options&ast.CursorOptHold != 0:
		fail(pgerr.New(pgerr.FeatureNotSupported, "DECLARE CURSOR WITH HOLD ... %s is not supported", words).
			WithDetail("Holdable cursors must be READ ONLY."))
	case n.Options&ast.CursorOptScroll != 0:
		fail(pgerr.New(pgerr.FeatureNotSupported, "DECLARE SCROLL CURSOR ... %s is not supported", words).
			WithDetail("Scrollable cursors must be READ ONLY."))
	case n.Options&ast.CursorOptInsensitive != 0:
		fail(pgerr.New(pgerr.InvalidCursorDefinition, "DECLARE INSENSITIVE CURSOR ... %s is not valid", words).
			WithDetail("Insensitive cursors must be READ ONLY."))
	}
	return q
}

// callStmt analyzes CALL into a query whose one output column is the call.
func (p *state) callStmt(n *ast.CallStmt) *query.Query {
	s := p.inner()
	f := n.Funccall
	c := &call{name: f.Funcname, fn: f, procCall: true, loc: f.Location}
	for _, a := range f.Args {
		if na, ok := a.(*ast.NamedArgExpr); ok {
			c.argNames = append(c.argNames, na.Name)
		}
		c.args = append(c.args, s.expr(a, exprCallArgument))
	}
	e := s.function(c)
	s.assignExprCollations(e)
	q := &query.Query{CommandType: query.CmdSelect, JoinTree: &query.FromExpr{}}
	q.TargetList = []*query.TargetEntry{{Expr: e, Resno: 1, Resname: f.Funcname[len(f.Funcname)-1]}}
	return q
}
