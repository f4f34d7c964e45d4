package backend

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/sql/analyzer"
	"gompho/sql/ast"
	"gompho/sql/commands"
	"gompho/sql/executor"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// UtilityColumns implements Engine.
func (e *engine) UtilityColumns(u *UtilityContext, stmt ast.Stmt) ([]Column, error) {
	cols, ok := commands.Columns(e.context(u), stmt)
	if !ok {
		return nil, nil
	}
	out := make([]Column, len(cols))
	for i, c := range cols {
		out[i] = Column(c)
	}
	return out, nil
}

// Utility implements Engine.
func (e *engine) Utility(u *UtilityContext, stmt ast.Stmt) (string, error) {
	c := e.context(u)
	tag, err := commands.Run(c, stmt)
	u.stored = int64(c.Stored)
	return tag, err
}

// NewIndexExtractor returns a function that says how the columns of an index come from rows of its table: see commands.IndexExtract.
func NewIndexExtractor(s *session.Session, funcs *functions.Registry) func(*catalog.Relation, *catalog.Index) ([]int, func(row, out []types.Datum) (bool, error), error) {
	e := NewEngine(s, funcs).(*engine)
	return func(rel *catalog.Relation, ix *catalog.Index) ([]int, func(row, out []types.Datum) (bool, error), error) {
		return commands.IndexExtract(e.context(&UtilityContext{S: s, TopLevel: true}), rel, ix)
	}
}

// receiver hands a command's rows to the portal.
type receiver struct{ u *UtilityContext }

func (r receiver) Start(cols []commands.Column) error {
	if r.u.Start == nil {
		return nil
	}
	out := make([]Column, len(cols))
	for i, c := range cols {
		out[i] = Column(c)
	}
	return r.u.Start(out)
}

func (r receiver) Row(vals []types.Datum) error {
	if r.u.Row == nil {
		return nil
	}
	return r.u.Row(vals)
}

// context makes what a command runs with.
func (e *engine) context(u *UtilityContext) *commands.Context {
	c := &commands.Context{S: e.s, SQL: u.SQL, TopLevel: u.TopLevel, Params: u.Params, ParamTypes: u.ParamTys, Out: receiver{u}, Env: e.env}
	h := &commands.Hooks{
		Type: func(tn *ast.TypeName) (ids.Oid, int32, error) { return analyzer.TypenameType(&e.an, tn) },
		Collation: func(names []string, loc int32) (ids.Oid, error) {
			return analyzer.Collation(&e.an, names, loc)
		},
		Expr: func(n ast.Node, kind commands.ExprKind, rel *catalog.Relation, column string, want ids.Oid, typmod int32) (query.Expr, error) {
			return analyzer.Expression(&e.an, n, analyzer.ExprKind(kind), rel, column, want, typmod)
		},
		Analyze: e.analyzeOne,
		RunQuery: func(q *query.Query, params []types.Datum, each func(b *types.Batch) error) (uint64, error) {
			return e.countQuery(q, params, nil, each)
		},
		CopyQuery: func(q *query.Query, each func(b *types.Batch) error) error {
			if u.query == nil {
				_, err := e.countQuery(q, nil, nil, each)
				return err
			}
			e.identify(q, u.inner(nil), u.SQL)
			n := e.within(u.b)
			return n.run(func() (uint64, error) { return e.countQuery(q, nil, nil, each) })
		},
		Compile:            e.compile,
		SetConstraints:     e.ex.Deferred.Set,
		PendingChecks:      e.ex.Deferred.Pending,
		DeferKey:           e.ex.Deferred.Add,
		ValidateForeignKey: e.ex.Deferred.Validate,
		CheckPartitionGoes: e.ex.Deferred.CheckPartitionGoes,
		RowsAdded:          e.ex.Deferred.Inserted,
		CheckKeys:          e.ex.Deferred.EndCommand,
	}
	if b := u.b; b != nil {
		c.InBlock = b.blk.explicit || b.blk.implicit
		h.InUse = b.inUse
		h.DiscardPlans = func() { b.cache.clear() }
		h.CloseAll = b.closePortals
		h.DeallocateAll = b.dropPrepared
		h.NextTransaction = b.nextTransaction
		h.Execute = b.executeForCommand
	}
	h.Explain = func(st *ast.ExplainStmt, params []types.Datum) ([]string, error) { return e.explain(u, st, params) }
	c.Hooks = h
	return c
}

// analyzeOne analyzes and rewrites a query that must stay one.
func (e *engine) analyzeOne(stmt ast.Stmt, paramTypes []ids.Oid) (*query.Query, error) {
	qs, _, err := e.Analyze(e.s, &ast.RawStmt{Stmt: stmt}, "", paramTypes, false)
	if err != nil {
		return nil, err
	}
	if len(qs) != 1 {
		return nil, pgerr.NotSupported("a statement that rules turn into several is not supported here")
	}
	return qs[0], nil
}

// nextTransaction commits and begins again, for commands that work in several transactions.
func (b *Backend) nextTransaction() error {
	for b.s.Tx.Active() != nil {
		b.s.Tx.PopActive()
	}
	if err := b.blk.commit(); err != nil {
		return err
	}
	return b.blk.start()
}

// executeForCommand returns the query behind EXECUTE.
func (b *Backend) executeForCommand(x *ast.ExecuteStmt) (*query.Query, []types.Datum, error) {
	st := b.prepared[x.Name]
	if st == nil {
		return nil, nil, pgerr.New(pgerr.InvalidSqlStatementName, "prepared statement %q does not exist", x.Name)
	}
	for {
		if err := b.revalidate(st); err != nil {
			return nil, nil, err
		}
		before := b.s.Cat.Generation()
		if err := b.lockTables(st); err != nil {
			return nil, nil, err
		}
		if b.s.Cat.Generation() == before {
			break
		}
	}
	if len(st.queries) != 1 || st.utility {
		return nil, nil, pgerr.New(pgerr.WrongObjectType, "prepared statement is not a SELECT")
	}
	st.custom++
	params, err := b.eng.(typeNamer).EvalParams(b.s, x.Params, st.paramTypes, st.sql, x.Name)
	return st.queries[0], params, err
}

// rowEval computes expressions over rows of a relation: its columns become parameters of a plan without input.
type rowEval struct {
	e  *engine
	x  *executor.Exec
	st *plan.Statement
	n  int
}

// compile implements commands.Hooks.Compile.
func (e *engine) compile(exprs []query.Expr, rel *catalog.Relation) (commands.RowEval, error) {
	node := &plan.Result{}
	for i, x := range exprs {
		m := query.Mutate(x, func(n query.Expr) query.Expr {
			if v, ok := n.(*query.Var); ok && v.Varlevelsup == 0 {
				return &query.Param{Result: v.Result, Kind: query.ParamExtern, ID: v.Varattno, Location: -1}
			}
			return n
		})
		node.TargetList = append(node.TargetList, &query.TargetEntry{Expr: m, Resno: i + 1})
	}
	st := &plan.Statement{CommandType: query.CmdSelect, Root: node, ResultCols: node.TargetList, ReadOnly: true}
	if rel != nil {
		for i := range rel.Desc.Attrs {
			st.ParamTypes = append(st.ParamTypes, rel.Desc.Attrs[i].Type)
		}
	}
	return &rowEval{e: e, st: st, n: len(exprs)}, nil
}

// Eval implements commands.RowEval.
func (r *rowEval) Eval(row, out []types.Datum) error {
	var err error
	snap := r.e.s.Tx.Active()
	if r.x == nil {
		r.x, err = executor.Start(&r.e.ex, r.st, row, snap, executor.Opts{})
	} else {
		err = r.x.Reset(row, snap)
	}
	if err != nil {
		return err
	}
	b, err := r.x.Next(1)
	if err != nil {
		return err
	}
	for i := 0; i < r.n; i++ {
		out[i] = b.Cols[i].Get(b.Row(0)).Clone()
	}
	return nil
}

// NewScriptRunner returns a func that runs one statement of a script in a session without a client.
func NewScriptRunner(s *session.Session, funcs *functions.Registry) func(raw *ast.RawStmt, sql string) error {
	e := NewEngine(s, funcs).(*engine)
	return func(raw *ast.RawStmt, sql string) error {
		qs, _, err := e.Analyze(s, raw, sql, nil, false)
		if err != nil {
			return err
		}
		for _, q := range qs {
			if q.CommandType == query.CmdUtility {
				s.Tx.PushActive(s.Tx.Snapshot())
				_, err = e.Utility(&UtilityContext{S: s, SQL: sql, TopLevel: true}, raw.Stmt)
				s.Tx.PopActive()
			} else {
				err = e.runQuery(q, nil, nil, nil)
			}
			if err != nil {
				return err
			}
			if err := s.Tx.IncrementCommand(); err != nil {
				return err
			}
		}
		return nil
	}
}
