package backend

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/session"
	"gompho/sql/analyzer"
	"gompho/sql/ast"
	"gompho/sql/commands"
	"gompho/sql/executor"
	"gompho/sql/parser"
	"gompho/sql/plan"
	"gompho/sql/planner"
	"gompho/sql/query"
	"gompho/storage/heap"
	"gompho/sysviews"
	"gompho/types"
)

// engine is the Engine of real sessions: analyzer, planner, executor and commands put together. One serves one session.
type engine struct {
	s     *session.Session
	env   *session.Env
	funcs *functions.Registry
	an    analyzer.Session
	ex    executor.Env
	pl    planner.Env
	costs planner.Costs
	costV any // the settings that costs were read from
	fc    functions.Call
	ident identity // of the statement analyzed last
	// identifies tells whether statements get identifiers; nil: no.
	identifies func() bool
}

// CommandContext makes what commands of a session without a client run with.
func CommandContext(s *session.Session, funcs *functions.Registry) *commands.Context {
	e := NewEngine(s, funcs).(*engine)
	return e.context(&UtilityContext{S: s, TopLevel: true})
}

// NewEngine makes the engine of a session.
func NewEngine(s *session.Session, funcs *functions.Registry) Engine {
	e := &engine{s: s, env: session.NewEnv(s), funcs: funcs}
	s.Cat.SetTypeEnv(e.env)
	e.an = analyzer.Session{Cat: s.Cat, Env: e.env, OnNotice: func(n *pgerr.Error) { s.Notice(n) }, Interrupted: s.Tx.Slot().CheckInterrupts}
	e.ex = executor.Env{Slot: s.Slot, Tx: s.Tx, Catalog: s.Cat, Funcs: funcs, Func: e.env, WorkMem: s.WorkMem,
		TempFile: func() (heap.TempFile, error) { return s.Heap.TempFile(s.Slot) }, Notice: func(n *pgerr.Error) { s.Notice(n) }, CheckRights: e.checkRights, MayExecute: func(p *catalog.Proc) (bool, error) { return s.Cat.HasProcPrivilege(s.User, p) }, MaySelect: e.maySelect, PlanSQL: e.planSQL,
		Procs: s.Procs, MaxWorkers: func() int { return int(s.Settings.Get("max_parallel_workers").Int()) },
		NextValue: func(seq ids.Oid) (int64, error) { return sysviews.NextVal(s, seq, false) }}
	e.ex.CursorRow = e.cursorRow
	hashFactor := s.Settings.Find("hash_mem_multiplier")
	e.ex.HashFactor = func() float64 { return s.Settings.At(hashFactor).Value.Num }
	e.ex.Deferred = executor.NewDeferred(&e.ex, s.Cat.Constraint)
	e.ex.PlanInternal = e.planInternal
	role := s.Settings.Find("session_replication_role")
	e.ex.Replica = func() bool { return s.Settings.At(role).Value.Text == "replica" }
	e.pl = planner.Env{Catalog: s.Cat, Type: e.typ, Call: e.call, Costs: &e.costs, Interrupted: s.Tx.Slot().CheckInterrupts, KeepsFrom: s.Tx.KeepsFrom,
		Blocks: func(f ids.RelFile) (ids.BlockNumber, error) { return s.Ops.Blocks(f, ids.MainFork) }}
	return e
}

// cursorRow is for WHERE CURRENT OF.
func (e *engine) cursorRow(cursor string, _ ids.Oid) (ids.TID, bool, error) {
	if e.s.Cursors != nil {
		for _, c := range e.s.Cursors() {
			if c.Name == cursor {
				return ids.TID{}, false, pgerr.NotSupported("WHERE CURRENT OF is not supported")
			}
		}
	}
	return ids.TID{}, false, pgerr.New(pgerr.UndefinedCursor, "cursor \"%s\" does not exist", cursor)
}

func (e *engine) typ(oid ids.Oid) *types.Type {
	if t := types.Builtin(oid); t != nil {
		return t
	}
	t, err := e.s.Cat.Type(oid)
	if err != nil {
		return nil
	}
	return t
}

// Type implements Engine.
func (e *engine) Type(s *session.Session, oid ids.Oid) (*types.Type, error) {
	if t := types.Builtin(oid); t != nil {
		return t, nil
	}
	t, err := s.Cat.Type(oid)
	if err == nil && t == nil {
		err = pgerr.Internal("cache lookup failed for type %d", oid)
	}
	return t, err
}

// Env implements Engine.
func (e *engine) Env(*session.Session) types.Env { return e.env }

// Analyze implements Engine.
func (e *engine) Analyze(s *session.Session, raw *ast.RawStmt, sql string, paramTypes []ids.Oid, infer bool) ([]*query.Query, []ids.Oid, error) {
	var ps *analyzer.Params
	if infer || len(paramTypes) > 0 {
		ps = &analyzer.Params{Types: append([]ids.Oid(nil), paramTypes...), Fixed: !infer}
	}
	q, err := analyzer.Analyze(&e.an, raw, ps)
	if err != nil {
		return nil, nil, err
	}
	e.identify(q, raw, sql)
	qs, err := analyzer.Rewrite(&e.an, q)
	if err != nil {
		return nil, nil, err
	}
	if ps == nil {
		return qs, nil, nil
	}
	return qs, ps.Types, nil
}

// Plan implements Engine.
func (e *engine) Plan(s *session.Session, q *query.Query, params []types.Datum, paramTypes []ids.Oid, cursor, scroll bool) (*plan.Statement, error) {
	e.loadCosts()
	return planner.Plan(&e.pl, q, planner.Options{Params: params, ParamTypes: paramTypes, Cursor: cursor, Scroll: scroll})
}

// planInternal plans a query of the executor's own, for which the rights of a role count.
func (e *engine) planInternal(sql string, args []ids.Oid, role ids.Oid) (*plan.Statement, error) {
	// Such a query looks at what is there now, whatever snapshot the transaction keeps.
	keeps := e.pl.KeepsFrom
	e.pl.KeepsFrom = nil
	defer func() { e.pl.KeepsFrom = keeps }()
	stmts, err := parser.Parse(sql)
	if err != nil {
		return nil, err
	}
	q, err := analyzer.Analyze(&e.an, &stmts[0], &analyzer.Params{Types: args, Fixed: true})
	if err != nil {
		return nil, err
	}
	qs, err := analyzer.Rewrite(&e.an, q)
	if err != nil {
		return nil, err
	}
	if len(qs) != 1 {
		return nil, pgerr.Internal("%d queries instead of one", len(qs))
	}
	for _, rte := range qs[0].RTable {
		rte.CheckAsUser = role
	}
	return e.Plan(e.s, qs[0], nil, args, false, false)
}

// planSQL plans the body of a function of language SQL.
func (e *engine) planSQL(p *catalog.Proc, body string, args []ids.Oid) ([]*plan.Statement, error) {
	stmts, err := parser.Parse(body)
	if err != nil {
		return nil, err
	}
	var out []*plan.Statement
	for i := range stmts {
		qs, _, err := e.Analyze(e.s, &stmts[i], body, args, false)
		if err != nil {
			return nil, err
		}
		for _, q := range qs {
			if q.CommandType == query.CmdUtility {
				return nil, pgerr.NotSupported("utility statements in functions of language SQL are not supported")
			}
			st, err := e.Plan(e.s, q, nil, args, false, false)
			if err != nil {
				return nil, err
			}
			out = append(out, st)
		}
	}
	return out, nil
}

// loadCosts reads the planner's settings anew. Planning is dear enough for that.
func (e *engine) loadCosts() {
	set := e.s.Settings
	f := func(name string) float64 { return set.Get(name).Num }
	on := func(name string) bool { return set.Get(name).Bool() }
	e.costs = planner.Costs{
		SeqPage: f("seq_page_cost"), RandomPage: f("random_page_cost"), CPUTuple: f("cpu_tuple_cost"), CPUIndexTuple: f("cpu_index_tuple_cost"),
		CPUOperator: f("cpu_operator_cost"), EffectiveCacheSize: f("effective_cache_size"), WorkMem: float64(e.s.WorkMem()),
		HashMemMultiplier: f("hash_mem_multiplier"), CursorTupleFraction: f("cursor_tuple_fraction"),
		FromCollapseLimit: int(f("from_collapse_limit")), JoinCollapseLimit: int(f("join_collapse_limit")),
		SeqScan: on("enable_seqscan"), IndexScan: on("enable_indexscan"), IndexOnlyScan: on("enable_indexonlyscan"), BitmapScan: on("enable_bitmapscan"),
		TidScan: on("enable_tidscan"), Sort: on("enable_sort"), IncrementalSort: on("enable_incremental_sort"), HashAgg: on("enable_hashagg"),
		NestLoop: on("enable_nestloop"), HashJoin: on("enable_hashjoin"), MergeJoin: on("enable_mergejoin"), Material: on("enable_material"),
		Memoize: on("enable_memoize"), PartitionPruning: on("enable_partition_pruning"), ParallelWorkers: int(f("max_parallel_workers_per_gather")), ParallelSetup: f("parallel_setup_cost"),
		ParallelTuple: f("parallel_tuple_cost"), MinParallelTablePages: f("min_parallel_table_scan_size"),
	}
}

// Start implements Engine.
func (e *engine) Start(s *session.Session, st *plan.Statement, params []types.Datum, snap *mvcc.Snapshot) (Exec, error) {
	x, err := executor.Start(&e.ex, st, params, snap, executor.Opts{})
	if err != nil {
		return nil, err
	}
	return execution{x}, nil
}

// execution adapts *executor.Exec.
type execution struct{ *executor.Exec }

func (x execution) Processed() uint64 { return uint64(x.Exec.Processed()) }
func (x execution) Close() error      { x.Exec.Close(); return nil }

// call evaluates a built-in function for the planner.
func (e *engine) call(fn, coll ids.Oid, args []types.Datum, argTypes []ids.Oid, result ids.Oid) (types.Datum, bool, error) {
	p, err := e.s.Cat.Proc(fn)
	if err != nil || p == nil || p.Prolang != internalLang {
		return types.Null, false, err
	}
	en := e.funcs.Lookup(e.s.Cat.BuiltinName(p))
	if en == nil || en.Scalar == nil {
		return types.Null, false, nil
	}
	if p.Proisstrict {
		for _, a := range args {
			if a.IsNull() {
				return types.Null, true, nil
			}
		}
	}
	c := functions.Call{Env: e.env, Args: args, RetType: e.typ(result), Collation: coll}
	for _, t := range argTypes {
		c.ArgTypes = append(c.ArgTypes, e.typ(t))
	}
	d, err := c.Do(en.Scalar)
	if err == nil && d.IsBytes() && len(d.Bytes()) > maxFolded {
		return types.Null, false, nil
	}
	return d, err == nil, err
}

// maxFolded is the size in bytes of the largest value that a plan keeps instead of the call that makes it.
const maxFolded = 64 << 10

// TypeNames resolves the types of PREPARE.
func (e *engine) TypeNames(s *session.Session, names []*ast.TypeName) ([]ids.Oid, error) {
	out := make([]ids.Oid, len(names))
	for i, n := range names {
		oid, _, err := analyzer.TypenameType(&e.an, n)
		if err != nil {
			return nil, err
		}
		out[i] = oid
	}
	return out, nil
}

// EvalParams evaluates the arguments of EXECUTE.
func (e *engine) EvalParams(s *session.Session, args []ast.Node, paramTypes []ids.Oid, sql, name string) ([]types.Datum, error) {
	if len(args) == 0 {
		return nil, nil
	}
	exprs, err := analyzer.ExecuteParams(&e.an, name, args, paramTypes)
	if err != nil {
		return nil, err
	}
	q := &query.Query{CommandType: query.CmdSelect, CanSetTag: true, JoinTree: &query.FromExpr{}}
	for i, x := range exprs {
		q.TargetList = append(q.TargetList, &query.TargetEntry{Expr: x, Resno: i + 1})
	}
	var out []types.Datum
	err = e.runQuery(q, nil, nil, func(b *types.Batch) error {
		for i := 0; i < len(paramTypes); i++ {
			out = append(out, b.Cols[i].Get(b.Row(0)).Clone())
		}
		return nil
	})
	return out, err
}

// runQuery plans and runs a query to its end under a snapshot of its own.
func (e *engine) runQuery(q *query.Query, params []types.Datum, pts []ids.Oid, each func(*types.Batch) error) error {
	_, err := e.countQuery(q, params, pts, each)
	return err
}

func (e *engine) countQuery(q *query.Query, params []types.Datum, pts []ids.Oid, each func(*types.Batch) error) (uint64, error) {
	st, err := e.Plan(e.s, q, params, pts, false, false)
	if err != nil {
		return 0, err
	}
	snap := e.s.Tx.Register(e.s.Tx.Snapshot())
	defer e.s.Tx.Unregister(snap)
	e.s.Tx.PushActive(snap)
	defer e.s.Tx.PopActive()
	x, err := executor.Start(&e.ex, st, params, snap, executor.Opts{})
	if err != nil {
		return 0, err
	}
	defer x.Close()
	var n uint64
	for {
		b, err := x.Next(batchSize)
		if err != nil || b == nil {
			if q.CommandType != query.CmdSelect {
				n = uint64(x.Processed())
			}
			return n, err
		}
		n += uint64(b.Rows())
		if each != nil {
			if err := each(b); err != nil {
				return n, err
			}
		}
	}
}

// internalLang is the Oid of the language of built-in functions.
const internalLang = 12
