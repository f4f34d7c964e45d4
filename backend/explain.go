package backend

import (
	"slices"
	"strings"
	"time"

	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/executor"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// explain runs EXPLAIN.
func (e *engine) explain(u *UtilityContext, st *ast.ExplainStmt, params []types.Datum) ([]string, error) {
	o, onlyLocks, err := explainOptions(st)
	if err != nil {
		return nil, err
	}
	if onlyLocks {
		return e.explainLocks(u, st, params, o.Format)
	}
	o.QueryText, o.IOTiming = u.SQL, e.s.Settings.Get("track_io_timing").Bool()
	queries, params, err := e.explained(u, st.Query, params)
	if err != nil {
		return nil, err
	}
	if o.Verbose && e.s.Settings.Get("compute_query_id").Text != "regress" {
		o.QueryID = e.ident.id
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
		if p := u.b.prepared[n.Name]; p != nil {
			e.ident = identity{id: p.queryID, text: strings.TrimSpace(p.raw.Text(p.sql)), consts: e.ident.consts[:0]}
		}
		if err == nil && !u.b.wouldBeGeneric(n.Name) {
			q = withConstants(q, args)
		}
		return []*query.Query{q}, args, err
	}
	qs, _, err := e.Analyze(e.s, u.inner(stmt), u.SQL, u.ParamTys, false)
	return qs, params, err
}

// withConstants puts the values of the parameters into a prepared statement, as the plans of its first executions have them.
func withConstants(q *query.Query, args []types.Datum) *query.Query {
	return query.MutateQueryLevels(q, func(n query.Expr, _ int) query.Expr {
		if p, ok := n.(*query.Param); ok && p.Kind == query.ParamExtern && p.ID >= 1 && p.ID <= len(args) {
			return &query.Const{Result: p.Result, Value: args[p.ID-1], Location: -1}
		}
		return n
	})
}

func (e *engine) explainQuery(q *query.Query, params []types.Datum, u *UtilityContext, o executor.ExplainOptions) ([]string, error) {
	if o.ShowSettings {
		o.Settings = e.changedSettings()
	}
	if o.Analyze && u.b != nil {
		if err := u.b.checkReadOnly(q); err != nil {
			return nil, err
		}
	}
	start, before := time.Now(), executor.UsageOf(e.s.Slot)
	within := e.within(u.b)
	var st *plan.Statement
	err := within.plan(func() (err error) { st, err = e.Plan(e.s, q, params, u.ParamTys, false, false); return err })
	if err != nil {
		return nil, err
	}
	o.PlanningTime, o.PlanningBuffers = time.Since(start), executor.UsageOf(e.s.Slot).Since(before)
	if !o.Analyze {
		var x *executor.Exec
		if err := within.run(func() (_ uint64, err error) { x, err = executor.Pruned(&e.ex, st, params); return 0, err }); err != nil {
			return nil, err
		}
		return executor.Explain(&e.ex, e.s.Cat, st, x, o)
	}
	tx := e.s.Tx
	if err := tx.TakeSafeSnapshot(); err != nil {
		return nil, err
	}
	snap := tx.Register(tx.Snapshot())
	tx.PushActive(snap)
	defer func() {
		tx.PopActive()
		tx.Unregister(snap)
	}()
	start = time.Now()
	var x *executor.Exec
	err = within.run(func() (_ uint64, err error) {
		if x, err = executor.Start(&e.ex, st, params, snap, executor.Opts{Instrument: true, Timing: o.Timing, Usage: o.Buffers || o.WAL}); err != nil {
			return 0, err
		}
		err = x.Run()
		x.Close()
		return x.Processed(), err
	})
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

// planSettings are the settings that EXPLAIN (SETTINGS) tells about.
var planSettings = strings.Fields(`constraint_exclusion cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction
	effective_cache_size effective_io_concurrency enable_async_append enable_bitmapscan enable_gathermerge enable_hashagg enable_hashjoin
	enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin enable_nestloop
	enable_parallel_append enable_parallel_hash enable_partition_pruning enable_partitionwise_aggregate enable_partitionwise_join
	enable_seqscan enable_sort enable_tidscan force_parallel_mode from_collapse_limit geqo geqo_effort geqo_generations geqo_pool_size
	geqo_seed geqo_selection_bias geqo_threshold hash_mem_multiplier jit jit_above_cost jit_inline_above_cost jit_optimize_above_cost
	join_collapse_limit maintenance_io_concurrency max_parallel_workers max_parallel_workers_per_gather min_parallel_index_scan_size
	min_parallel_table_scan_size parallel_leader_participation parallel_setup_cost parallel_tuple_cost plan_cache_mode random_page_cost
	recursive_worktable_factor search_path seq_page_cost temp_buffers work_mem`)

// changedSettings lists those of planSettings that differ from their built-in values.
func (e *engine) changedSettings() []executor.Setting {
	var out []executor.Setting
	for _, r := range e.s.Settings.Rows() {
		if slices.Contains(planSettings, r.Def.Name) && r.Setting.Text != r.Boot {
			shown, _ := e.s.Settings.Lookup(r.Def.Name)
			out = append(out, executor.Setting{Name: r.Def.Name, Value: shown})
		}
	}
	return out
}

// explainOptions resolves the options of EXPLAIN.
func explainOptions(st *ast.ExplainStmt) (o executor.ExplainOptions, onlyLocks bool, err error) {
	o = executor.ExplainOptions{Costs: true, Timing: true, Format: "text"}
	var timingSet, summarySet bool
	for _, d := range st.Options {
		switch d.Defname {
		case "locks":
			onlyLocks, err = optionBool(d)
		case "analyze":
			o.Analyze, err = optionBool(d)
		case "verbose":
			o.Verbose, err = optionBool(d)
		case "costs":
			o.Costs, err = optionBool(d)
		case "buffers":
			o.Buffers, err = optionBool(d)
		case "wal":
			o.WAL, err = optionBool(d)
		case "settings":
			o.ShowSettings, err = optionBool(d)
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
			return o, false, err
		}
	}
	if onlyLocks {
		return o, true, locksOptions(st, o)
	}
	if o.WAL && !o.Analyze {
		return o, false, pgerr.New(pgerr.InvalidParameterValue, "EXPLAIN option WAL requires ANALYZE")
	}
	if !timingSet {
		o.Timing = o.Analyze
	}
	if o.Timing && !o.Analyze {
		return o, false, pgerr.New(pgerr.InvalidParameterValue, "EXPLAIN option TIMING requires ANALYZE")
	}
	if !summarySet {
		o.Summary = o.Analyze
	}
	return o, false, nil
}

// locksOptions checks the options beside LOCKS.
func locksOptions(st *ast.ExplainStmt, o executor.ExplainOptions) error {
	for _, d := range st.Options {
		if d.Defname != "locks" && d.Defname != "format" {
			return pgerr.New(pgerr.InvalidParameterValue, "EXPLAIN options LOCKS and %s cannot be used together", strings.ToUpper(d.Defname)).At(int(d.Location))
		}
	}
	if o.Format != "text" && o.Format != "json" {
		return pgerr.NotSupported("EXPLAIN (LOCKS) in format %s is not supported", strings.ToUpper(o.Format))
	}
	return nil
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
