package executor

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/sql/partition"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/storage/heap"
	"gompho/types"
)

// BatchSize is the number of rows that nodes work on at once when nobody asks for fewer.
const BatchSize = 1024

// Opts choose how a plan is run.
type Opts struct {
	// Instrument counts rows and measures times for EXPLAIN ANALYZE; Timing false leaves the clock alone.
	Instrument bool
	Timing     bool
	Usage      bool // with Instrument: count pages and log records by node
	// ExplainOnly builds the run state without starting anything: for EXPLAIN without ANALYZE.
	ExplainOnly bool
}

// Exec is one execution of a plan: run state beside a read-only plan. A suspended portal is an Exec that nobody asks for
// rows. It belongs to one goroutine.
//
// After Close, or when Next has returned nil, Reset prepares it for another execution of the same plan; that is valid as
// long as the plan is.
type Exec struct {
	env    *Env
	st     *plan.Statement
	opts   Opts
	params []types.Datum
	snap   *mvcc.Snapshot
	cid    ids.CommandID // of changes made by this execution

	root     node
	execs    []types.Datum // values of exec params
	versions []uint64      // when each exec param was last set, by clock
	pending  []*initPlan   // by exec param: the init plan that has yet to set it
	clock    uint64
	epoch    uint64          // clock at the start of this execution: what was kept before it is void
	plans    []*subplanState // by number of Statement.SubPlans; nil until needed
	inits    []*initPlan
	works    map[int]*recursiveUnion // by WTParam

	worker bool                            // runs on a worker, for the session's Exec
	blocks map[plan.Node]*heap.BlockSource // of parallel scans
	crews  []*crew

	processed int64
	started   bool
	done      bool
	closed    bool
	tables    []*anyTable                 // of hashed subplans
	arenas    []*functions.Memory         // of its expressions
	counted   bool                        // as running, by the pool
	kept      map[plan.Node]partition.Set // children of an Append that are not left out from the start
	epq       *epqState                   // non-nil in the execution of a re-check
	instr     map[plan.Node]*Instrumentation
	result    types.Batch    // the visible columns of the root's output
	visible   []int          // positions of them; nil: all, in order
	cross     *mvcc.Snapshot // what is changed must be visible to it too; nil: no matter
	fired     []triggerCalls // with Opts.Instrument: what the statement's events were
	mark      int            // where the statement's events of foreign keys begin
	held      []ids.Oid      // indexes of tables that rows are added to, locked until the end of the execution
}

// Start makes the run state of a plan. params are the values of $1..., snap what the execution sees.
func Start(env *Env, st *plan.Statement, params []types.Datum, snap *mvcc.Snapshot, opts Opts) (*Exec, error) {
	ex := &Exec{env: env, st: st, opts: opts}
	ex.count()
	if err := ex.init(params, snap); err != nil {
		ex.Close()
		return nil, err
	}
	root, err := ex.build(st.Root)
	if err != nil {
		ex.Close()
		return nil, err
	}
	ex.root = root
	ex.setVisible()
	return ex, nil
}

// count notes in the account of the session's memory that the execution begins.
func (ex *Exec) count() {
	if !ex.counted {
		ex.counted = true
		ex.env.pool.began(ex.env.Slot.Account())
	}
}

// watch puts what an arena takes on the account of the session.
func (ex *Exec) watch(m *functions.Memory) {
	m.Account = &ex.env.pool
	ex.arenas = append(ex.arenas, m)
}

// locker is a catalog that locks.
type locker interface {
	HoldRelation(oid ids.Oid, mode locks.Mode) error
	UnlockRelation(oid ids.Oid, mode locks.Mode)
}

// hold locks a relation that rows are written to, until the end of the transaction.
func (ex *Exec) hold(oid ids.Oid) error {
	if l, ok := ex.env.Catalog.(locker); ok {
		return l.HoldRelation(oid, catalog.RouteLock)
	}
	return nil
}

// holdIndexes locks the indexes of a table that rows are added to, until the end of the execution: the lock on the table keeps
// them as they are, theirs shows who waits in which of them.
func (ex *Exec) holdIndexes(rel *catalog.Relation) error {
	for _, ix := range rel.Indexes {
		if err := ex.hold(ix.Oid); err != nil {
			return err
		}
		ex.held = append(ex.held, ix.Oid)
	}
	return nil
}

func (ex *Exec) letGo() {
	if l, ok := ex.env.Catalog.(locker); ok {
		for _, oid := range ex.held {
			l.UnlockRelation(oid, locks.RowExclusive)
		}
	}
	ex.held = ex.held[:0]
}

// setVisible finds the columns of the root's output that the client sees.
func (ex *Exec) setVisible() {
	cols := ex.st.ResultCols
	if len(cols) == 0 && len(ex.root.types()) == 0 {
		return
	}
	identity := len(cols) == len(ex.root.types())
	for i, te := range cols {
		identity = identity && te.Resno == i+1
	}
	if identity {
		return
	}
	ex.visible = make([]int, len(cols))
	for i, te := range cols {
		ex.visible[i] = te.Resno - 1
	}
	ex.result.Cols = make([]*types.Vector, len(cols))
}

// show leaves the visible columns.
func (ex *Exec) show(b *types.Batch) *types.Batch {
	if ex.visible == nil {
		return b
	}
	for i, c := range ex.visible {
		ex.result.Cols[i] = b.Cols[c]
	}
	ex.result.N, ex.result.Sel = b.N, b.Sel
	return &ex.result
}

func (ex *Exec) init(params []types.Datum, snap *mvcc.Snapshot) error {
	if err := ex.alloc(params, snap); err != nil {
		return err
	}
	if ex.env.CheckRights != nil && !ex.opts.ExplainOnly {
		for _, r := range ex.st.RTable {
			if r.RequiredPerms != 0 {
				if err := ex.env.CheckRights(r); err != nil {
					return err
				}
			}
		}
	}
	if d := ex.env.Deferred; d != nil {
		ex.mark = d.mark()
	}
	ex.cross = nil
	ex.cid = ids.InvalidCommandID
	if ex.env.Tx != nil && !ex.opts.ExplainOnly {
		modifies := ex.st.CommandType != query.CmdSelect || ex.st.HasModifyCTE || len(ex.st.RowMarks) > 0
		ex.cid = ex.env.Tx.CommandID(modifies)
	}
	return nil
}

// modifies reports whether a statement changes rows.
func modifies(st *plan.Statement) bool { return st.CommandType != query.CmdSelect || st.HasModifyCTE }

// lockMode is the mode that plans name by number.
func lockMode(m uint8) locks.Mode { return locks.Mode(m) }

// alloc sets what the execution works with.
func (ex *Exec) alloc(params []types.Datum, snap *mvcc.Snapshot) error {
	ex.params, ex.snap = params, snap
	if n := len(ex.st.ParamExecTypes); n > 0 && ex.execs == nil {
		ex.execs = make([]types.Datum, n)
		ex.versions = make([]uint64, n)
		ex.pending = make([]*initPlan, n)
	}
	return nil
}

// Reset prepares the Exec for another execution of its plan.
func (ex *Exec) Reset(params []types.Datum, snap *mvcc.Snapshot) error {
	if ex.closed && ex.root == nil {
		return pgerr.Internal("execution state was given up")
	}
	ex.count()
	ex.processed, ex.started, ex.done, ex.closed = 0, false, false, false
	if err := ex.init(params, snap); err != nil {
		return err
	}
	ex.clock++
	ex.epoch = ex.clock
	for _, p := range ex.plans {
		if p != nil {
			p.forget()
		}
	}
	for _, ip := range ex.inits {
		if !ip.def.CTE {
			ip.arm()
		}
	}
	return ex.root.rescan()
}

// Next returns at most max rows, nil at the end. The batch is valid until the next call. A statement that returns no rows
// runs to its end in the first call.
func (ex *Exec) Next(max int) (*types.Batch, error) {
	if ex.done {
		return nil, nil
	}
	if err := ex.env.Slot.CheckInterrupts(); err != nil {
		return nil, err
	}
	ex.started = true
	if ex.crews != nil {
		defer ex.abandon()
	}
	returnsRows := ex.st.CommandType == query.CmdSelect || ex.st.HasReturning
	for {
		want := BatchSize
		if returnsRows && max > 0 {
			want = min(max, BatchSize)
		}
		b, err := ex.root.next(want)
		if err != nil {
			ex.Close()
			return nil, err
		}
		if b == nil {
			err := ex.finishModifying()
			ex.Close()
			if d := ex.env.Deferred; err == nil && d != nil && modifies(ex.st) {
				err = ex.endStatement(d)
			}
			return nil, err
		}
		if ex.st.CommandType == query.CmdSelect {
			ex.processed += int64(b.Rows())
		}
		if returnsRows && b.Rows() > 0 {
			return ex.show(b), nil
		}
	}
}

// endStatement fires what the statement has brought about.
func (ex *Exec) endStatement(d *Deferred) error {
	if !ex.opts.Instrument {
		return d.EndStatement(ex.mark)
	}
	outer := d.watch
	d.watch = &triggerWatch{}
	err := d.EndStatement(ex.mark)
	ex.fired, d.watch = d.watch.list, outer
	return err
}

// finishModifying runs data-changing WITH queries that nobody read to their end.
func (ex *Exec) finishModifying() error {
	if !ex.st.HasModifyCTE {
		return nil
	}
	for i, d := range ex.st.SubPlans {
		if d == nil || !d.ModifyCTE {
			continue
		}
		p, err := ex.subplan(i)
		if err != nil {
			return err
		}
		if err := p.drain(); err != nil {
			return err
		}
	}
	return nil
}

// Run runs the statement to its end and throws its rows away.
func (ex *Exec) Run() error {
	for {
		b, err := ex.Next(BatchSize)
		if b == nil || err != nil {
			return err
		}
	}
}

// Close ends the execution and lets go of pages and temporary files. The state can be Reset.
func (ex *Exec) Close() error {
	if ex.closed {
		return nil
	}
	ex.closed, ex.done = true, true
	ex.letGo()
	if ex.root != nil {
		ex.root.close()
	}
	for _, p := range ex.plans {
		if p != nil {
			p.close()
		}
	}
	for _, t := range ex.tables {
		t.reset()
	}
	for _, m := range ex.arenas {
		m.Reset()
	}
	for _, c := range ex.crews {
		c.settle()
	}
	if ex.counted {
		ex.counted = false
		ex.env.pool.ended()
	}
	return nil
}

// Processed returns the count of the command tag: rows changed, or rows returned of a SELECT.
func (ex *Exec) Processed() uint64 { return uint64(ex.processed) }

// Statement returns the plan.
func (ex *Exec) Statement() *plan.Statement { return ex.st }

// Column describes one column of a result.
type Column struct {
	Name     string
	Type     ids.Oid
	Typmod   int32
	OrigTbl  ids.Oid
	OrigCol  int
	TypeInfo *types.Type
}

// Describe returns the columns of a plan's result; nil when it returns no rows.
func Describe(env *Env, st *plan.Statement) ([]Column, error) {
	if st.CommandType != query.CmdSelect && !st.HasReturning {
		return nil, nil
	}
	cols := make([]Column, 0, len(st.ResultCols))
	for _, te := range st.ResultCols {
		t, err := env.typ(te.Expr.Type())
		if err != nil {
			return nil, err
		}
		cols = append(cols, Column{Name: te.Resname, Type: te.Expr.Type(), Typmod: te.Expr.Typmod(),
			OrigTbl: te.Resorigtbl, OrigCol: te.Resorigcol, TypeInfo: t})
	}
	return cols, nil
}
