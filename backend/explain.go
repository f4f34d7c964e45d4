package backend

import (
	"strings"
	"time"

	"gompho/config"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/executor"
	"gompho/sql/explain"
	"gompho/sql/query"
	"gompho/types"
)

// explainOptions reads the options of EXPLAIN.
func explainOptions(st *ast.ExplainStmt) (o explain.Options, err error) {
	o = explain.Options{Costs: true, Timing: true}
	timing, summary := false, false
	for _, d := range st.Options {
		on := true
		if d.Arg != nil {
			v := optionText(d.Arg)
			if b, ok := config.ParseBool(v); ok {
				on = b
			} else if d.Defname != "format" {
				return o, pgerr.New(pgerr.SyntaxError, "%s requires a Boolean value", d.Defname)
			}
		}
		switch d.Defname {
		case "analyze":
			o.Analyze = on
		case "costs":
			o.Costs = on
		case "timing":
			o.Timing, timing = on, true
		case "summary":
			o.Summary, summary = on, true
		case "verbose", "buffers", "wal", "settings":
		case "format":
			switch f := strings.ToLower(optionText(d.Arg)); f {
			case "text":
			case "xml", "json", "yaml":
				return o, pgerr.NotSupported("EXPLAIN (FORMAT %s) is not supported", strings.ToUpper(f))
			default:
				return o, pgerr.New(pgerr.InvalidParameterValue, "unrecognized value for EXPLAIN option %q: %q", "format", f)
			}
		default:
			return o, pgerr.New(pgerr.SyntaxError, "unrecognized EXPLAIN option %q", d.Defname).At(int(d.Location))
		}
	}
	if timing && o.Timing && !o.Analyze {
		return o, pgerr.New(pgerr.InvalidParameterValue, "EXPLAIN option TIMING requires ANALYZE")
	}
	if !summary {
		o.Summary = o.Analyze
	}
	return o, nil
}

func optionText(n ast.Node) string {
	switch v := n.(type) {
	case *ast.String:
		return v.Sval
	case *ast.Boolean:
		if v.Boolval {
			return "on"
		}
		return "off"
	case *ast.Integer:
		if v.Ival != 0 {
			return "on"
		}
		return "off"
	}
	return constText(n)
}

// explain runs EXPLAIN and returns its lines.
func (e *engine) explain(u *UtilityContext, st *ast.ExplainStmt, params []types.Datum) ([]string, error) {
	o, err := explainOptions(st)
	if err != nil {
		return nil, err
	}
	if _, ok := st.Query.(*ast.ExecuteStmt); ok {
		return nil, pgerr.NotSupported("EXPLAIN EXECUTE is not supported")
	}
	q, err := e.analyzeOne(st.Query, u.ParamTys)
	if err != nil {
		return nil, err
	}
	if q.CommandType == query.CmdUtility {
		return []string{"Utility statements have no plan structure"}, nil
	}
	begin := time.Now()
	p, err := e.Plan(e.s, q, params, u.ParamTys, false, false)
	if err != nil {
		return nil, err
	}
	o.PlanningTime = time.Since(begin)
	if !o.Analyze {
		return explain.Text(e.s.Cat, e.env, p, nil, o)
	}
	begin = time.Now()
	snap := e.s.Tx.Register(e.s.Tx.Snapshot())
	defer e.s.Tx.Unregister(snap)
	e.s.Tx.PushActive(snap)
	x, err := executor.Start(&e.ex, p, params, snap, executor.Opts{Instrument: true, Timing: o.Timing})
	if err == nil {
		err = x.Run()
	}
	e.s.Tx.PopActive()
	if err != nil {
		return nil, err
	}
	o.ExecutionTime = time.Since(begin)
	lines, err := explain.Text(e.s.Cat, e.env, p, x, o)
	x.Close()
	return lines, err
}
