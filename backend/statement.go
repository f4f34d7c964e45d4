package backend

import (
	"slices"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/sql/ast"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/stats"
	"gompho/types"
	"gompho/wire"
)

// Prepared is an analyzed statement: one of Parse or PREPARE, or of a simple query while it runs.
type Prepared struct {
	name        string
	sql         string
	raw         *ast.RawStmt // nil for an empty statement
	paramTypes  []ids.Oid
	queries     []*query.Query
	tables      []tableLock // that they name
	fields      []wire.Field
	outTypes    []*types.Type
	returns     bool // yields rows
	utility     bool
	tag         string
	queryID     int64            // 0: none
	stat        *stats.Statement // its entry in pg_stat_statements; nil: it is not counted
	created     timeNow
	fromSQL     bool
	generation  uint64
	role        ids.Oid
	path        uint64
	plan        *plan.Statement // generic plan, nil until made
	planGen     uint64
	takeGeneric bool    // plan is taken without asking again
	customCost  float64 // sum over the custom plans, planning included
	exec        Exec    // idle run state of the generic plan, for the next execution
	generic     int64
	custom      int64
	cached      bool // kept by text in planCache.parsed
	simple      bool // cached by normalized text of the simple protocol
	lookup      bool // cached by normalized text, and a simpleLookup
	scroll      bool
	cursor      bool
}

// prepare parses nothing: it analyzes one parsed statement.
func (b *Backend) prepare(raw *ast.RawStmt, sql string, paramTypes []ids.Oid, infer bool) (*Prepared, error) {
	p := &Prepared{sql: sql, raw: raw, created: now()}
	if raw == nil {
		return p, nil
	}
	return p, b.analyze(p, paramTypes, infer)
}

// analyze resolves the statement and describes its result.
func (b *Backend) analyze(p *Prepared, paramTypes []ids.Oid, infer bool) error {
	switch p.raw.Stmt.(type) {
	case *ast.SelectStmt, *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt, *ast.ExplainStmt, *ast.DeclareCursorStmt, *ast.CreateTableAsStmt:
		if err := b.firstSnapshot(); err != nil {
			return err
		}
	}
	qs, pts, err := b.eng.Analyze(b.s, p.raw, p.sql, paramTypes, infer)
	if err != nil {
		return err
	}
	b.noteIdentity(p)
	p.queries, p.paramTypes, p.tables = qs, pts, tableLocks(qs)
	p.generation, p.role, p.path = b.s.Cat.Generation(), b.s.User, b.cache.pathVersion
	p.tag = p.raw.Stmt.CommandTag()
	p.utility = len(qs) == 1 && qs[0].CommandType == query.CmdUtility
	p.plan, p.returns, p.fields, p.outTypes = nil, false, nil, nil
	b.dropExec(p)
	if p.utility {
		if st, ok := qs[0].UtilityStmt.(ast.Stmt); ok && st != p.raw.Stmt {
			// SELECT INTO is CREATE TABLE AS by now.
			p.raw = &ast.RawStmt{Stmt: st, Location: p.raw.Location, Len: p.raw.Len}
		}
		return b.describeUtility(p)
	}
	return b.describeQuery(p)
}

// firstSnapshot takes the snapshot of a transaction that keeps one: before its first query waits for locks, so that what is done meanwhile
// is not seen.
func (b *Backend) firstSnapshot() error {
	tx := b.s.Tx
	if !tx.Isolation().UsesOneSnapshot() || tx.HasSnapshot() || !tx.InTransaction() {
		return nil
	}
	if err := tx.TakeSafeSnapshot(); err != nil {
		return err
	}
	tx.Snapshot()
	return nil
}

func (b *Backend) dropExec(p *Prepared) {
	if p.exec != nil {
		p.exec.Close()
		p.exec = nil
	}
}

func (b *Backend) describeQuery(p *Prepared) error {
	for _, q := range p.queries {
		if !q.CanSetTag {
			continue
		}
		tl := q.TargetList
		if q.CommandType != query.CmdSelect {
			tl = q.ReturningList
			if len(tl) == 0 {
				return nil
			}
		}
		p.returns = true
		for _, te := range tl {
			if te.Resjunk {
				continue
			}
			t, err := b.eng.Type(b.s, te.Expr.Type())
			if err != nil {
				return err
			}
			p.addField(te.Resname, t, te.Expr.Typmod(), te.Resorigtbl, te.Resorigcol)
		}
	}
	return nil
}

func (p *Prepared) addField(name string, t *types.Type, typmod int32, tbl ids.Oid, col int) {
	out := t
	for out.Typtype == 'd' && out.BaseType != nil { // clients see a domain's base type
		if typmod < 0 {
			typmod = out.Typmod
		}
		out = out.BaseType
	}
	p.fields = append(p.fields, wire.Field{Name: name, TableOid: uint32(tbl), Attnum: int16(col), TypeOid: uint32(out.Oid), TypeLen: out.Len, Typmod: typmod})
	p.outTypes = append(p.outTypes, out)
}

func (b *Backend) describeUtility(p *Prepared) error {
	switch st := p.raw.Stmt.(type) {
	case *ast.ExecuteStmt:
		if src := b.prepared[st.Name]; src != nil {
			p.fields, p.outTypes, p.returns = src.fields, src.outTypes, src.returns
		}
		return nil
	case *ast.FetchStmt:
		if src := b.portals[st.Portalname]; src != nil && !st.Ismove {
			p.fields, p.outTypes, p.returns = src.stmt.fields, src.stmt.outTypes, src.stmt.returns
		}
		return nil
	}
	cols, err := b.eng.UtilityColumns(&UtilityContext{S: b.s, SQL: p.sql, b: b, query: p.queries[0]}, p.raw.Stmt)
	if err != nil {
		return err
	}
	p.returns = cols != nil
	for _, c := range cols {
		t, err := b.eng.Type(b.s, c.Type)
		if err != nil {
			return err
		}
		p.addField(c.Name, t, c.Typmod, 0, 0)
	}
	return nil
}

// revalidate analyzes a prepared statement again after a change of the catalogs, the role or the search path.
func (b *Backend) revalidate(p *Prepared) error {
	if p.raw == nil || p.generation == b.s.Cat.Generation() && p.role == b.s.User && p.path == b.cache.pathVersion {
		return nil
	}
	b.dropExec(p)
	old := *p
	if err := b.analyze(p, p.paramTypes, true); err != nil {
		*p = old
		return err
	}
	if !p.utility && (old.returns != p.returns || !sameShape(old.fields, p.fields)) {
		*p = old // the client still goes by the old description: the statement fails until it is prepared anew
		e := pgerr.NotSupported("cached plan must not change result type")
		e.Routine = "RevalidateCachedQuery" // JDBC and others then prepare it again by themselves
		return e
	}
	return nil
}

func sameShape(a, b []wire.Field) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].TypeOid != b[i].TypeOid || a[i].Typmod != b[i].Typmod || a[i].Name != b[i].Name {
			return false
		}
	}
	return true
}

// customPlans is how often a statement with parameters is planned for their values before a generic plan is considered.
const customPlans = 5

// Values of plan_cache_mode.
const (
	planCacheCustom  = "force_custom_plan"
	planCacheGeneric = "force_generic_plan"
)

// planFor returns the plan for one execution, and whether it is the generic one. The tables of the plan are locked: a plan that was kept
// knows of no lock of this transaction. What changed while it waited for them is planned anew.
func (b *Backend) planFor(p *Prepared, q *query.Query, params []types.Datum) (*plan.Statement, bool, error) {
	fixed := p.raw == nil || len(p.queries) != 1
	for {
		// Tables come before their indexes, here as everywhere.
		before := b.s.Cat.Generation()
		if err := b.lockTables(p); err != nil {
			return nil, false, err
		}
		if fixed || b.s.Cat.Generation() == before {
			st, generic, err := b.choosePlan(p, q, params)
			if err != nil {
				return nil, false, err
			}
			before = b.s.Cat.Generation() // what planning waited for it has seen
			if err := b.lockPlan(p, st); err != nil {
				return nil, false, err
			}
			if fixed || b.s.Cat.Generation() == before {
				return st, generic, nil
			}
		}
		if err := b.revalidate(p); err != nil {
			return nil, false, err
		}
		q = p.queries[0]
	}
}

// lockTables locks the tables that a statement names, which it may have been analyzed for in an earlier transaction.
func (b *Backend) lockTables(p *Prepared) error {
	if len(p.tables) > 0 {
		if err := b.firstSnapshot(); err != nil {
			return err
		}
	}
	for _, t := range p.tables {
		if err := b.s.Cat.HoldRelation(t.rel, t.mode); err != nil {
			return err
		}
	}
	return nil
}

// lockPlan locks what else a plan reads: partitions and indexes.
func (b *Backend) lockPlan(p *Prepared, st *plan.Statement) error {
	for _, rte := range st.RTable {
		if rte.Relid == 0 || rte.Rellockmode == 0 {
			continue
		}
		if err := b.s.Cat.HoldRelation(rte.Relid, locks.Mode(rte.Rellockmode)); err != nil {
			return err
		}
	}
	for i := range st.IndexLocks {
		// A text of the simple protocol is planned each time, as far as anybody sees.
		if l := &st.IndexLocks[i]; l.Used || p.simple {
			if err := b.s.Cat.HoldRelation(l.Index, locks.Mode(l.Mode)); err != nil {
				return err
			}
		}
	}
	return nil
}

// tableLock is the lock that a statement needs on a table.
type tableLock struct {
	rel  ids.Oid
	mode locks.Mode
}

// tableLocks lists the tables of queries.
func tableLocks(qs []*query.Query) []tableLock {
	var out []tableLock
	for _, q := range qs {
		query.Walk(q, func(n query.Node) bool {
			if rte, ok := n.(*query.RangeTblEntry); ok && rte.Kind == query.RTERelation && rte.Rellockmode != 0 {
				if l := (tableLock{rte.Relid, locks.Mode(rte.Rellockmode)}); !slices.Contains(out, l) {
					out = append(out, l)
				}
			}
			return true
		})
	}
	return out
}

// choosePlan is planFor without locks: generic or custom. As in PostgreSQL, a statement with parameters
// is planned for their values at first; then the generic plan is made too, and is taken from there on if it costs no more than
// the others did on average, the work of planning them included.
func (b *Backend) choosePlan(p *Prepared, q *query.Query, params []types.Datum) (*plan.Statement, bool, error) {
	single := len(p.queries) == 1
	valid := single && p.plan != nil && p.planGen == p.generation+b.cache.settings
	if valid && p.takeGeneric && p.generic%lookAtSizes == 0 && b.outgrown(p.plan) {
		valid = false
	}
	if valid && p.takeGeneric {
		p.generic++
		return p.plan, true, nil
	}
	mode := planCacheGeneric
	if single && len(p.paramTypes) > 0 && !simpleLookup(q) {
		mode = b.hot.planCacheMode(b)
		if p.simple && readsPartitions(q) {
			mode = planCacheCustom // a generic plan would lock all partitions
		}
	}
	if mode == planCacheCustom || mode != planCacheGeneric && p.custom < customPlans {
		return b.customPlan(p, q, params)
	}
	if !valid {
		var st *plan.Statement
		err := b.plan(p, func() (err error) {
			st, err = b.eng.Plan(b.s, q, nil, p.paramTypes, p.cursor, p.scroll)
			return err
		})
		if err != nil {
			return nil, false, err
		}
		if !single {
			return st, false, nil
		}
		p.plan, p.planGen = st, p.generation+b.cache.settings
		b.dropExec(p)
	}
	p.takeGeneric = mode == planCacheGeneric || planCost(p.plan) < p.customCost/float64(p.custom)
	if !p.takeGeneric {
		return b.customPlan(p, q, params)
	}
	p.generic++
	return p.plan, true, nil
}

// lookAtSizes is how many executions of a kept plan there are from one look at the sizes of its tables to the next.
const lookAtSizes = 16

// outgrown reports whether a table has more than doubled since a plan was made for it. What is right for one page is wrong for a hundred, and
// a table that is updated all the time gets there before an ANALYZE tells. (PostgreSQL keeps such a plan of a prepared statement, but plans a simple query,
// which is kept here, too, each time for the present sizes.)
func (b *Backend) outgrown(st *plan.Statement) bool {
	for i := range st.Sizes {
		t := &st.Sizes[i]
		// A file that is not there is found to be missing where it is read.
		if n, err := b.s.Ops.Blocks(t.File, ids.MainFork); err == nil && float64(n) > 2*t.Pages {
			return true
		}
	}
	return false
}

// customPlan plans for the values of the parameters.
func (b *Backend) customPlan(p *Prepared, q *query.Query, params []types.Datum) (*plan.Statement, bool, error) {
	var st *plan.Statement
	err := b.plan(p, func() (err error) {
		st, err = b.eng.Plan(b.s, q, params, p.paramTypes, p.cursor, p.scroll)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	p.custom++
	p.customCost += planCost(st) + planningCost*float64(len(st.RTable)+1)
	return st, false, nil
}

// planningCost is what planning is taken to cost for each table of a statement: PostgreSQL's 1000 times cpu_operator_cost.
const planningCost = 1000 * 0.0025

// planCost is the estimated cost of running a plan.
func planCost(st *plan.Statement) float64 {
	if st.Root == nil {
		return 0
	}
	return st.Root.Base().TotalCost
}

// wouldBeGeneric reports whether PostgreSQL would show the generic plan of a prepared statement, after so many executions. Where one plan
// does for all values it is used here from the start, which is not to be seen.
func (b *Backend) wouldBeGeneric(name string) bool {
	p := b.prepared[name]
	switch mode := b.hot.planCacheMode(b); {
	case mode == planCacheGeneric:
		return true
	case mode == planCacheCustom || p == nil || len(p.queries) != 1:
		return false
	default:
		return p.custom+p.generic > customPlans && (p.takeGeneric || simpleLookup(p.queries[0]))
	}
}

// simpleLookup reports whether a query is so simple that a plan for its parameters' values could hardly be better than a
// generic one: INSERT of one row, or one table with conditions that are equalities.
func simpleLookup(q *query.Query) bool {
	if q.CommandType == query.CmdInsert {
		return len(q.JoinTree.FromList) == 0
	}
	if len(q.JoinTree.FromList) != 1 || len(q.RTable) != 1 || q.HasSubLinks || q.RTable[0].Relkind == 'p' {
		return false
	}
	eq := func(e query.Expr) bool {
		op, ok := e.(*query.OpExpr)
		return ok && len(op.Args) == 2 && equalityOps[op.OpNo]
	}
	switch x := q.JoinTree.Quals.(type) {
	case nil:
		return true
	case *query.BoolExpr:
		if x.Op != query.AndExpr {
			return false
		}
		for _, a := range x.Args {
			if !eq(a) {
				return false
			}
		}
		return true
	default:
		return eq(x)
	}
}

// readsPartitions reports whether a query reads a partitioned table.
func readsPartitions(q *query.Query) bool {
	found := false
	query.Walk(q, func(n query.Node) bool {
		rte, ok := n.(*query.RangeTblEntry)
		found = found || ok && rte.Relkind == 'p'
		return !found
	})
	return found
}

// equalityOps are the = operators of the integer types, text, oid and uuid.
var equalityOps = map[ids.Oid]bool{96: true, 410: true, 94: true, 15: true, 416: true, 532: true, 533: true, 1862: true, 1868: true, 98: true, 607: true, 2972: true}

// Portal is a bound statement and how far it has run.
type Portal struct {
	name     string
	stmt     *Prepared
	params   []types.Datum
	plan     *plan.Statement // made by Bind; nil: to be made when it runs
	generic  bool            // plan is the statement's generic plan
	simple   bool            // of a simple query: rows are described as soon as it is planned
	formats  []int16
	exec     Exec
	ownExec  bool            // exec goes back to stmt when done
	opened   *plan.Statement // what exec runs
	tracked  []trackedRow    // the tables whose row addresses are stored with the rows of a cursor
	snap     *mvcc.Snapshot
	done     bool
	started  bool
	tag      string
	rows     uint64 // sent so far
	spent    time.Duration
	used     stats.StatementUse
	runs     bool  // spent and used are to be counted
	stored   int64 // rows of a REFRESH, whose tag does not tell
	held     *heldRows
	sub      int
	holdable bool
	scroll   bool
	binary   bool
	visible  bool // made by DECLARE
	created  timeNow
	pos      int64
	store    *heldRows // rows of a statement that ran to the end before its rows are asked for
	last     *types.Batch
	lastOff  int
	txDone   bool
	utilRows bool
}
