package backend

import (
	"strings"
	"time"

	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/executor"
	"gompho/sql/query"
	"gompho/types"
)

// explain runs EXPLAIN.
func (e *engine) explain(u *UtilityContext, st *ast.ExplainStmt, params []types.Datum) ([]string, error) {
	o, err := explainOptions(st)
	if err != nil {
		return nil, err
	}
	o.QueryText = u.SQL
	queries, params, err := e.explained(u, st.Query, params)
	if err != nil {
		return nil, err
	}
	var out []string
	for i, q := range queries {
		if i > 0 {
			out = append(out, "")
		}
		if q.CommandType == query.CmdUtility {
			out = append(out, "Utility statements have no plan structure")
			continue
		}
		lines, err := e.explainQuery(q, params, u, o)
		if err != nil {
			return nil, err
		}
		out = append(out, lines...)
	}
	if len(queries) == 0 {
		out = append(out, "Query rewrites to nothing")
	}
	return out, nil
}

// explained returns the queries of the statement to explain: its own, or those of the statement that it prepares or names.
func (e *engine) explained(u *UtilityContext, stmt ast.Stmt, params []types.Datum) ([]*query.Query, []types.Datum, error) {
	switch n := stmt.(type) {
	case *ast.CreateTableAsStmt:
		return e.explained(u, n.Query, params)
	case *ast.DeclareCursorStmt:
		return e.explained(u, n.Query, params)
	case *ast.ExecuteStmt:
		if u.b == nil {
			return nil, nil, pgerr.NotSupported("EXPLAIN EXECUTE is not supported here")
		}
		q, args, err := u.b.executeForCommand(n)
		return []*query.Query{q}, args, err
	}
	qs, _, err := e.Analyze(e.s, &ast.RawStmt{Stmt: stmt}, u.SQL, u.ParamTys, false)
	return qs, params, err
}

func (e *engine) explainQuery(q *query.Query, params []types.Datum, u *UtilityContext, o executor.ExplainOptions) ([]string, error) {
	start := time.Now()
	st, err := e.Plan(e.s, q, params, u.ParamTys, false, false)
	if err != nil {
		return nil, err
	}
	o.PlanningTime = time.Since(start)
	if !o.Analyze {
		return executor.Explain(&e.ex, e.s.Cat, st, nil, o)
	}
	tx := e.s.Tx
	snap := tx.Register(tx.Snapshot())
	tx.PushActive(snap)
	defer func() {
		tx.PopActive()
		tx.Unregister(snap)
	}()
	start = time.Now()
	x, err := executor.Start(&e.ex, st, params, snap, executor.Opts{Instrument: true, Timing: o.Timing})
	if err != nil {
		return nil, err
	}
	err = x.Run()
	x.Close()
	if err != nil {
		return nil, err
	}
	o.ExecutionTime = time.Since(start)
	lines, err := executor.Explain(&e.ex, e.s.Cat, st, x, o)
	if err != nil {
		return nil, err
	}
	return lines, tx.IncrementCommand()
}

// explainOptions resolves the options of EXPLAIN.
func explainOptions(st *ast.ExplainStmt) (executor.ExplainOptions, error) {
	o := executor.ExplainOptions{Costs: true, Timing: true, Format: "text"}
	var timingSet, summarySet, buffers, wal bool
	for _, d := range st.Options {
		var err error
		switch d.Defname {
		case "analyze":
			o.Analyze, err = optionBool(d)
		case "verbose":
			o.Verbose, err = optionBool(d)
		case "costs":
			o.Costs, err = optionBool(d)
		case "buffers":
			buffers, err = optionBool(d)
		case "wal":
			wal, err = optionBool(d)
		case "settings":
			_, err = optionBool(d)
		case "timing":
			timingSet = true
			o.Timing, err = optionBool(d)
		case "summary":
			summarySet = true
			o.Summary, err = optionBool(d)
		case "format":
			o.Format, err = explainFormat(d)
		default:
			err = pgerr.New(pgerr.SyntaxError, "unrecognized EXPLAIN option \"%s\"", d.Defname).At(int(d.Location))
		}
		if err != nil {
			return o, err
		}
	}
	_ = buffers // accepted: pages are not counted by node
	if wal && !o.Analyze {
		return o, pgerr.New(pgerr.InvalidParameterValue, "EXPLAIN option WAL requires ANALYZE")
	}
	if !timingSet {
		o.Timing = o.Analyze
	}
	if o.Timing && !o.Analyze {
		return o, pgerr.New(pgerr.InvalidParameterValue, "EXPLAIN option TIMING requires ANALYZE")
	}
	if !summarySet {
		o.Summary = o.Analyze
	}
	return o, nil
}

func explainFormat(d *ast.DefElem) (string, error) {
	s := strings.ToLower(optionText(d))
	switch s {
	case "text", "json", "yaml", "xml":
		return s, nil
	}
	return "", pgerr.New(pgerr.InvalidParameterValue, "unrecognized value for EXPLAIN option \"%s\": \"%s\"", d.Defname, optionText(d)).
		At(int(d.Location))
}

func optionText(d *ast.DefElem) string {
	switch v := d.Arg.(type) {
	case *ast.String:
		return v.Sval
	case *ast.Boolean:
		if v.Boolval {
			return "true"
		}
		return "false"
	case *ast.Integer:
		if v.Ival == 0 {
			return "0"
		}
		return "1"
	}
	return ""
}

func optionBool(d *ast.DefElem) (bool, error) {
	if d.Arg == nil {
		return true, nil
	}
	switch strings.ToLower(optionText(d)) {
	case "true", "on", "1":
		return true, nil
	case "false", "off", "0":
		return false, nil
	}
	return false, pgerr.New(pgerr.SyntaxError, "%s requires a Boolean value", d.Defname)
}
