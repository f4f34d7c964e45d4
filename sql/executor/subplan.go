package executor

import (
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// subplanState is the run state of a plan that expressions refer to.
type subplanState struct {
	ex   *Exec
	def  *plan.SubPlanDef
	id   int
	root node
	used bool // was started since it was last reset
	cte  *cteStore
}

// subplan returns the run state of subplan id, which it builds at first.
func (ex *Exec) subplan(id int) (*subplanState, error) {
	if id < 0 || id >= len(ex.st.SubPlans) || ex.st.SubPlans[id] == nil {
		return nil, pgerr.Internal("subplan %d of %d", id, len(ex.st.SubPlans))
	}
	if ex.plans == nil {
		ex.plans = make([]*subplanState, len(ex.st.SubPlans))
	}
	if p := ex.plans[id]; p != nil {
		return p, nil
	}
	p := &subplanState{ex: ex, def: ex.st.SubPlans[id], id: id}
	ex.plans[id] = p
	root, err := ex.build(p.def.Root)
	if err != nil {
		ex.plans[id] = nil
		return nil, err
	}
	p.root = root
	return p, nil
}

// setSubplan makes a subplan of another execution one of this one as well.
func (ex *Exec) setSubplan(id int, p *subplanState) {
	if ex.plans == nil {
		ex.plans = make([]*subplanState, len(ex.st.SubPlans))
	}
	ex.plans[id] = p
}

// start makes the subplan ready to give its rows from the first on.
func (p *subplanState) start() error {
	if p.used {
		if err := p.root.rescan(); err != nil {
			return err
		}
	}
	p.used = true
	return nil
}

// forget makes the next execution begin anew.
func (p *subplanState) forget() {
	if p.cte != nil {
		p.cte.reset()
	}
	if p.used && p.root != nil {
		p.root.close()
	}
}

func (p *subplanState) close() {
	if p.root != nil {
		p.root.close()
	}
	if p.cte != nil {
		p.cte.reset()
	}
}

// drain runs a data-changing WITH query to its end.
func (p *subplanState) drain() error {
	if p.def.CTE {
		st, err := p.store()
		if err != nil {
			return err
		}
		return st.fillAll()
	}
	for {
		b, err := p.root.next(BatchSize)
		if b == nil || err != nil {
			return err
		}
	}
}

// initPlan is a subplan that runs at most once until what it depends on changes, when somebody asks for a param it sets.
type initPlan struct {
	ex    *Exec
	id    int
	def   *plan.SubPlanDef
	deps  []int
	known bool
	ranAt uint64
	ran   bool
	sc    scope
}

func (ex *Exec) addInitPlan(id int) (*initPlan, error) {
	if id < 0 || id >= len(ex.st.SubPlans) {
		return nil, pgerr.Internal("init plan %d of %d", id, len(ex.st.SubPlans))
	}
	ip := &initPlan{ex: ex, id: id, def: ex.st.SubPlans[id]}
	ex.inits = append(ex.inits, ip)
	if !ip.def.CTE {
		ip.arm()
	}
	return ip, nil
}

// arm makes the next reader of its params run the plan.
func (ip *initPlan) arm() {
	ip.ran = false
	ip.ex.clock++
	for _, s := range ip.def.SetParams {
		ip.ex.pending[s] = ip
		ip.ex.versions[s] = ip.ex.clock
	}
}

// refresh arms the plan again if what it depends on has changed since it ran.
func (ip *initPlan) refresh() {
	if !ip.ran || ip.def.CTE {
		return
	}
	if !ip.known {
		u := &paramUse{ex: ip.ex, seen: map[int]bool{ip.id: true}}
		u.node(ip.def.Root)
		ip.deps, ip.known = u.used, true
	}
	if ip.ex.stale(ip.deps, ip.ranAt) {
		ip.arm()
	}
}

func (ex *Exec) runInitPlan(param int) error {
	ip := ex.pending[param]
	for _, s := range ip.def.SetParams {
		ex.pending[s] = nil
	}
	p, err := ex.subplan(ip.id)
	if err != nil {
		return err
	}
	if err := p.start(); err != nil {
		return err
	}
	vals, err := p.single(len(ip.def.SetParams))
	if err != nil {
		return err
	}
	for i, s := range ip.def.SetParams {
		ex.execs[s] = vals[i]
	}
	ip.ran, ip.ranAt = true, ex.clock
	p.root.close()
	return nil
}

// single runs a started subplan and returns n values that own their memory: of EXISTS the answer, of ARRAY the array, else the
// columns of the only row.
func (p *subplanState) single(n int) ([]types.Datum, error) {
	switch p.def.SubLink {
	case query.ExistsSublink:
		b, err := p.root.next(1)
		return []types.Datum{types.Bool(b != nil)}, err
	case query.ArraySublink:
		d, err := p.array()
		return []types.Datum{d}, err
	}
	vals := make([]types.Datum, n)
	for i := range vals {
		vals[i] = types.Null
	}
	b, err := p.root.next(1)
	if b == nil || err != nil {
		return vals, err
	}
	pos := b.Row(0)
	for i := range vals {
		if i < len(b.Cols) {
			vals[i] = b.Cols[i].Get(pos).Clone()
		}
	}
	if b, err = p.root.next(1); err != nil {
		return nil, err
	}
	if b != nil {
		return nil, tooManyRows()
	}
	return vals, nil
}

// array collects the first column into an array.
func (p *subplanState) array() (types.Datum, error) {
	elem, err := p.ex.env.typ(p.root.types()[0])
	if err != nil {
		return types.Null, err
	}
	var vals []types.Datum
	var held tally
	defer held.done()
	for size := 0; ; {
		b, err := p.root.next(BatchSize)
		if err != nil {
			return types.Null, err
		}
		if b == nil {
			break
		}
		for i := range b.Rows() {
			d := b.Cols[0].Get(b.Row(i)).Clone()
			vals, size = append(vals, d), size+datumBytes(d)
		}
		held.set(&p.ex.env.pool, size)
		if err := p.ex.env.Slot.CheckInterrupts(); err != nil {
			return types.Null, err
		}
	}
	if err := p.ex.env.Slot.Account().Afford(int64(held.n), "an array"); err != nil {
		return types.Null, err
	}
	if elem.IsArray && elem.ElemType != nil {
		// An array of arrays is an array of one more dimension.
		return joinArrays(vals, elem.ElemType)
	}
	return types.NewArray(elem.Oid, vals).Encode(elem), nil
}

// datumBytes is what a value takes in a list.
func datumBytes(d types.Datum) int {
	if d.IsBytes() {
		return 16 + len(d.Bytes())
	}
	return 16
}

// subPlanExpr is a subselect that runs for each row, or once into a hash table.
type subPlanExpr struct {
	ex      *Exec
	sc      *scope
	q       *plan.SubPlan
	p       *subplanState
	args    []expr
	test    expr // Testexpr
	kind    types.Kind
	left    []expr // UseHash
	table   *anyTable
	lastOut types.Datum
	result
}

func (c *compiler) compileSubPlan(q *plan.SubPlan) (expr, error) {
	p, err := c.ex.subplan(q.PlanID)
	if err != nil {
		return nil, err
	}
	e := &subPlanExpr{ex: c.ex, sc: c.sc, q: q, p: p}
	if e.args, err = c.list(q.Args); err != nil {
		return nil, err
	}
	if q.Testexpr != nil {
		if e.test, err = c.compile(q.Testexpr); err != nil {
			return nil, err
		}
	}
	if e.kind, err = c.ex.env.kind(q.Type()); err != nil {
		return nil, err
	}
	if q.UseHash {
		if e.left, err = c.list(q.HashLeft); err != nil {
			return nil, err
		}
		if e.table, err = c.ex.newAnyTable(q, p); err != nil {
			return nil, err
		}
		c.ex.tables = append(c.ex.tables, e.table)
	}
	if q.SubLinkType == query.MultiExprSublink {
		c.multi = append(c.multi, e)
	}
	return e, nil
}

func (e *subPlanExpr) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(e.kind, n), sel, n)
}

func (e *subPlanExpr) scalar(row int) (types.Datum, error) {
	for i, id := range e.q.ParParams {
		d, err := e.args[i].scalar(row)
		if err != nil {
			return types.Null, err
		}
		e.ex.setParam(id, d)
	}
	if e.table != nil {
		return e.probe(row)
	}
	if err := e.ex.env.Slot.CheckInterrupts(); err != nil {
		return types.Null, err
	}
	if err := e.p.start(); err != nil {
		return types.Null, err
	}
	switch e.q.SubLinkType {
	case query.AnySublink, query.AllSublink:
		return e.anyAll(row)
	case query.RowCompareSublink:
		return e.rowCompare(row)
	case query.MultiExprSublink:
		vals, err := e.p.single(len(e.p.def.SetParams))
		if err != nil {
			return types.Null, err
		}
		for i, id := range e.p.def.SetParams {
			e.ex.setParam(id, vals[i])
		}
		return types.Null, nil
	}
	return e.first()
}

// first is EXISTS, ARRAY or a scalar subselect.
func (e *subPlanExpr) first() (types.Datum, error) {
	switch e.q.SubLinkType {
	case query.ExistsSublink:
		b, err := e.p.root.next(1)
		return types.Bool(b != nil), err
	case query.ArraySublink:
		return e.p.array()
	}
	b, err := e.p.root.next(1)
	if b == nil || err != nil {
		return types.Null, err
	}
	d := b.Cols[0].Get(b.Row(0))
	if d.IsBytes() {
		// The row goes away with the next call.
		m := e.sc.mem.Alloc(len(d.Bytes()))
		copy(m, d.Bytes())
		d = types.Bytes(m)
	}
	if b, err = e.p.root.next(1); err != nil {
		return types.Null, err
	}
	if b != nil {
		return types.Null, tooManyRows()
	}
	return d, nil
}

// setTest sets the params that Testexpr reads from a row of the subselect.
func (e *subPlanExpr) setTest(b *types.Batch, pos int) {
	for i, id := range e.q.ParamIDs {
		e.ex.setParam(id, b.Cols[i].Get(pos))
	}
}

// anyAll compares the row with those of the subselect until the answer is certain.
func (e *subPlanExpr) anyAll(row int) (types.Datum, error) {
	any := e.q.SubLinkType == query.AnySublink
	null := false
	for {
		b, err := e.p.root.next(16)
		if err != nil {
			return types.Null, err
		}
		if b == nil {
			break
		}
		for i := range b.Rows() {
			e.setTest(b, b.Row(i))
			d, err := e.test.scalar(row)
			switch {
			case err != nil:
				return types.Null, err
			case d.IsNull():
				null = true
			case d.Bool() == any:
				return types.Bool(any), nil
			}
		}
	}
	if null {
		return types.Null, nil
	}
	return types.Bool(!any), nil
}

func (e *subPlanExpr) rowCompare(row int) (types.Datum, error) {
	b, err := e.p.root.next(1)
	if b == nil || err != nil {
		return types.Null, err
	}
	e.setTest(b, b.Row(0))
	d, err := e.test.scalar(row)
	if err != nil {
		return types.Null, err
	}
	if b, err = e.p.root.next(1); err != nil {
		return types.Null, err
	}
	if b != nil {
		return types.Null, tooManyRows()
	}
	return d, nil
}

// anyTable is the hash table of an uncorrelated x IN (SELECT ...).
type anyTable struct {
	keeper
	p       *subplanState
	store   rowStore
	hashL   []func(types.Datum) uint64
	hashR   []func(types.Datum) uint64
	eq      []func(a, b types.Datum) (bool, error)
	heads   map[uint64]uint32 // first row of a hash, plus one
	chain   []uint32
	nulls   []uint32 // rows with a NULL in some column
	allNull bool     // a row of NULLs only
	index   tally    // of heads and chain
	vals    []types.Datum
}

func (ex *Exec) newAnyTable(q *plan.SubPlan, p *subplanState) (*anyTable, error) {
	t := &anyTable{keeper: keeper{ex: ex, p: p.def.Root}, p: p, vals: make([]types.Datum, len(q.HashLeft))}
	outs := p.root.types()[:len(q.HashLeft)]
	kinds, err := ex.env.kinds(outs)
	if err != nil {
		return nil, err
	}
	t.store.init(&ex.env.pool, kinds)
	for i, l := range q.HashLeft {
		op, err := ex.env.Catalog.Operator(q.HashOps[i])
		if err != nil || op == nil {
			return nil, pgerr.Internal("cache lookup failed for operator %d", q.HashOps[i])
		}
		eq, err := ex.env.eqFunc(op.Oprcode, l.Type(), outs[i], l.Collation())
		if err != nil {
			return nil, err
		}
		hl, err := ex.env.hasher(l.Type(), l.Collation())
		if err != nil {
			return nil, err
		}
		hr, err := ex.env.hasher(outs[i], l.Collation())
		if err != nil {
			return nil, err
		}
		t.eq, t.hashL, t.hashR = append(t.eq, eq), append(t.hashL, hl), append(t.hashR, hr)
	}
	return t, nil
}

func (t *anyTable) reset() {
	t.full = false
	t.store.reset()
	t.index.done()
	t.heads, t.chain = nil, nil
}

func (t *anyTable) fill() error {
	t.reset()
	t.heads, t.chain, t.nulls, t.allNull = make(map[uint64]uint32), t.chain[:0], t.nulls[:0], false
	if err := t.p.start(); err != nil {
		return err
	}
	for {
		b, err := t.p.root.next(BatchSize)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		for i := range b.Rows() {
			t.add(b, b.Row(i))
		}
		t.index.set(t.store.pool, 24*t.store.n)
		if err := t.ex.env.Slot.CheckInterrupts(); err != nil {
			return err
		}
	}
	t.p.root.close()
	t.filled()
	return nil
}

func (t *anyTable) add(b *types.Batch, pos int) {
	row := t.store.appendRow(b, pos)
	t.chain = append(t.chain, 0)
	h, nulls := uint64(0), 0
	for c := range t.store.kinds {
		d := t.store.get(row, c)
		if d.IsNull() {
			nulls++
			continue
		}
		h = types.CombineHash(h, t.hashR[c](d))
	}
	if nulls > 0 {
		t.nulls = append(t.nulls, row)
		t.allNull = t.allNull || nulls == len(t.store.kinds)
		return
	}
	t.chain[row] = t.heads[h]
	t.heads[h] = row + 1
}

// matches compares the values looked for with a row: true, false, or NULL when a NULL leaves it open.
func (t *anyTable) matches(row uint32) (types.Datum, error) {
	null := false
	for c, v := range t.vals {
		d := t.store.get(row, c)
		if v.IsNull() || d.IsNull() {
			null = true
			continue
		}
		ok, err := t.eq[c](v, d)
		if err != nil {
			return types.Null, err
		}
		if !ok {
			return types.Bool(false), nil
		}
	}
	if null {
		return types.Null, nil
	}
	return types.Bool(true), nil
}

func (e *subPlanExpr) probe(row int) (types.Datum, error) {
	t := e.table
	if !t.valid() {
		if err := t.fill(); err != nil {
			return types.Null, err
		}
	}
	h, nulls := uint64(0), 0
	for i, l := range e.left {
		d, err := l.scalar(row)
		if err != nil {
			return types.Null, err
		}
		t.vals[i] = d
		if d.IsNull() {
			nulls++
		} else {
			h = types.CombineHash(h, t.hashL[i](d))
		}
	}
	if t.store.n == 0 {
		return types.Bool(false), nil
	}
	if nulls > 0 {
		if nulls == len(e.left) {
			return types.Null, nil
		}
		return t.scan(0, uint32(t.store.n))
	}
	for r := t.heads[h]; r != 0; r = t.chain[r-1] {
		d, err := t.matches(r - 1)
		if err != nil || d.IsTrue() {
			return d, err
		}
	}
	for _, r := range t.nulls {
		d, err := t.matches(r)
		if err != nil || d.IsNull() {
			return d, err
		}
	}
	return types.Bool(false), nil
}

// scan compares with every row, for values with NULLs: only the answers NULL and false are possible.
func (t *anyTable) scan(from, to uint32) (types.Datum, error) {
	for r := from; r < to; r++ {
		d, err := t.matches(r)
		if err != nil || d.IsNull() {
			return d, err
		}
	}
	return types.Bool(false), nil
}
