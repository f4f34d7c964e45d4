package executor

import (
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// windowAgg computes window functions over input that is sorted by partition and order columns. It holds one partition at a time:
// the child's columns, the functions' arguments and their filters.
type windowAgg struct {
	nodeBase
	stage
	p        *plan.WindowAgg
	child    node
	insc     scope
	nChild   int
	fns      []*windowFn
	argExprs []expr // columns of the store after the child's
	store    pagedRows
	partKeys []keyColumn
	ordKeys  []keyColumn
	pending  *types.Batch // input of the next partition, from row at on
	at       int
	inEnded  bool
	group    []int32 // number of each row's group of peers
	starts   []int32 // first row of each group, and the number of rows
	row      int     // next row to give
	loaded   bool
	frame    windowFrame
	batch    *types.Batch
	args     []*types.Vector
	offsets  bool // frame offsets are known
	keysc    scope
	startOff expr
	endOff   expr
	stub     types.Batch
	index    tally // of group and starts
	values   tally // of accumulators and large values of the batch
}

// windowFn is one window function or aggregate over a window.
type windowFn struct {
	q      *query.WindowFunc
	call   functions.AggCall
	cols   []int // store columns of the arguments
	filter int   // store column of FILTER, -1: none
	kind   types.Kind
	eval   functions.WindowEval
	agg    *functions.Aggregate
	acc    functions.Accumulator
	lo, hi int // rows that acc has accumulated
	have   bool
	value  types.Datum
	vals   []types.Datum
	part   windowPartition
}

func (ex *Exec) makeWindowAgg(p *plan.WindowAgg) (node, error) {
	child, err := ex.build(p.Left)
	if err != nil {
		return nil, err
	}
	n := &windowAgg{p: p, child: child, nChild: len(child.types())}
	n.setup(ex, &p.Plan, child.types())
	n.insc.ex, n.sc.ex, n.keysc.ex = ex, ex, ex
	n.frame.n, n.defers = n, true
	in := &compiler{ex: ex, sc: &n.insc, column: outerColumn(n.nChild)}
	kinds, err := ex.env.kinds(child.types())
	if err != nil {
		return nil, err
	}
	outKinds := append([]types.Kind(nil), kinds...)
	for _, q := range p.Funcs {
		f, err := n.compileFn(in, q, &kinds)
		if err != nil {
			return nil, err
		}
		outKinds = append(outKinds, f.kind)
	}
	n.store.init(&ex.env.pool, kinds)
	n.store.page(ex.env.TempFile, ex.env.workMem())
	n.batch = newBatch(outKinds, 0)
	n.args = make([]*types.Vector, len(n.argExprs))
	c := &compiler{ex: ex, sc: &n.sc, column: outerColumn(n.nChild), special: n.special}
	if err := n.stage.init(c, p.Qual, p.TargetList); err != nil {
		return nil, err
	}
	if n.partKeys, err = ex.env.keyColumns(child.types(), p.PartCols, p.PartColls, false); err != nil {
		return nil, err
	}
	if n.ordKeys, err = ex.env.keyColumns(child.types(), p.OrdCols, p.OrdColls, false); err != nil {
		return nil, err
	}
	return n, n.compileFrame(child.types())
}

func (n *windowAgg) special(e query.Expr) (int, bool) {
	w, ok := e.(*query.WindowFunc)
	if !ok {
		return 0, false
	}
	for i, f := range n.fns {
		if f.q == w || query.Equal(f.q, w) {
			return n.nChild + i, true
		}
	}
	return 0, false
}

func (n *windowAgg) addArg(e expr, k types.Kind, kinds *[]types.Kind) int {
	n.argExprs = append(n.argExprs, e)
	*kinds = append(*kinds, k)
	return len(*kinds) - 1
}

func (n *windowAgg) compileFn(c *compiler, q *query.WindowFunc, kinds *[]types.Kind) (*windowFn, error) {
	env := n.ex.env
	en, p, err := env.aggregate(q.WinFnOid)
	if err != nil {
		return nil, err
	}
	f := &windowFn{q: q, filter: -1}
	f.part = windowPartition{n: n, f: f}
	for _, a := range q.Args {
		e, err := c.compile(a)
		if err != nil {
			return nil, err
		}
		k, err := env.kind(a.Type())
		if err != nil {
			return nil, err
		}
		f.cols = append(f.cols, n.addArg(e, k, kinds))
	}
	if q.AggFilter != nil {
		e, err := c.compile(q.AggFilter)
		if err != nil {
			return nil, err
		}
		f.filter = n.addArg(e, types.WordKind, kinds)
	}
	f.vals = make([]types.Datum, len(q.Args))
	f.call = functions.AggCall{Env: env.Func, Collation: q.InputCollid}
	if f.call.ArgTypes, err = env.argTypes(q.Args); err != nil {
		return nil, err
	}
	if f.call.RetType, err = env.typ(q.Type()); err != nil {
		return nil, err
	}
	f.kind = f.call.RetType.Kind()
	switch {
	case en.Window != nil:
		f.eval, err = en.Window.New(&f.call)
	case en.Agg != nil && !en.Agg.Ordered:
		f.agg = en.Agg
		f.acc, err = en.Agg.New(&f.call)
	default:
		err = pgerr.NotSupported("function %s is not supported over a window", p.Proname)
	}
	n.fns = append(n.fns, f)
	return f, err
}

// load reads the next partition; false when there is none.
func (n *windowAgg) load() (bool, error) {
	n.store.reset()
	n.group, n.starts = n.group[:0], n.starts[:0]
	for {
		if n.pending == nil {
			if n.inEnded {
				break
			}
			b, err := n.child.next(BatchSize)
			if err != nil {
				return false, err
			}
			if b == nil {
				n.inEnded = true
				break
			}
			n.pending, n.at = b, 0
			n.insc.begin(b)
			for i, e := range n.argExprs {
				if n.args[i], err = e.vec(b.Sel, b.N); err != nil {
					return false, err
				}
			}
		}
		more := n.take()
		n.index.set(&n.ex.env.pool, 4*(cap(n.group)+cap(n.starts)))
		if more {
			break
		}
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return false, err
		}
	}
	if n.store.n == 0 {
		return false, nil
	}
	n.starts = append(n.starts, int32(n.store.n))
	n.row, n.loaded = 0, true
	n.frame.begin()
	for _, f := range n.fns {
		if f.eval != nil {
			if err := f.eval.Begin(&f.part); err != nil {
				return false, err
			}
			continue
		}
		f.acc.Reset()
		f.lo, f.hi, f.have = 0, 0, false
	}
	return true, nil
}

// take stores rows of the pending input that belong to the partition; true when a row of the next one follows.
func (n *windowAgg) take() bool {
	b := n.pending
	for ; n.at < b.Rows(); n.at++ {
		pos := b.Row(n.at)
		if n.store.n > 0 && !n.sameAs(b, pos, n.p.PartCols, n.partKeys) {
			return true
		}
		if n.store.n == 0 || !n.sameAs(b, pos, n.p.OrdCols, n.ordKeys) {
			n.starts = append(n.starts, int32(n.store.n))
		}
		n.group = append(n.group, int32(len(n.starts)-1))
		_, r := n.store.add()
		clear(r[:n.store.nullWords])
		for c := range n.nChild {
			n.store.setFrom(r, c, b.Cols[c], pos)
		}
		for i, v := range n.args {
			n.store.setFrom(r, n.nChild+i, v, pos)
		}
	}
	n.pending = nil
	return false
}

// sameAs compares a row with the last one stored.
func (n *windowAgg) sameAs(b *types.Batch, pos int, cols []int, keys []keyColumn) bool {
	last := uint32(n.store.n - 1)
	n.store.hold(last)
	for i, c := range cols {
		if !keys[i].equalStored(b.Cols[c-1], pos, &n.store.rowStore, last, c-1) {
			return false
		}
	}
	return true
}

func (n *windowAgg) next(max int) (*types.Batch, error) {
	for {
		if n.deferred != nil {
			return nil, n.takeDeferred()
		}
		if !n.loaded || n.row >= n.store.n {
			ok, err := n.load()
			if !ok || err != nil {
				n.loaded = false
				return nil, err
			}
		}
		k := min(max, n.store.n-n.row)
		if err := n.compute(k); err != nil {
			return nil, err
		}
		if n.store.err != nil {
			return nil, n.store.err
		}
		n.row += k
		out, err := n.run(n.batch)
		if err != nil {
			return nil, err
		}
		if out.Rows() > 0 {
			return out, nil
		}
	}
}

// compute fills the batch with the next k rows and the functions' values for them.
func (n *windowAgg) compute(k int) error {
	child := types.Batch{Cols: n.batch.Cols[:n.nChild]}
	n.store.fill(&child, uint32(n.row), k)
	large, last := 0, types.Null
	n.values.done()
	for i, f := range n.fns {
		v := n.batch.Cols[n.nChild+i]
		v.Reset()
		v.Grow(k)
		v.Len = k
		n.frame.rewind(n.row)
		for r := range k {
			n.frame.move(n.row + r)
			d, err := f.at(n, n.row+r)
			if err != nil {
				return err
			}
			v.Set(r, d)
			if d.IsBytes() && len(d.Bytes()) > 1<<10 && d != last {
				large += len(d.Bytes())
				last = d
			}
			if f.acc != nil && large+f.acc.Size() > n.values.n+chargeStep {
				n.values.set(&n.ex.env.pool, large+f.acc.Size())
				if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
					return err
				}
			}
			if r&31 == 31 { // a frame may be the whole partition
				if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
					return err
				}
			}
		}
	}
	n.batch.N, n.batch.Sel = k, nil
	return nil
}

// at returns the function's value for a row.
func (f *windowFn) at(n *windowAgg, row int) (types.Datum, error) {
	if f.eval != nil {
		return f.eval.Eval(row)
	}
	lo, hi, err := n.frame.bounds()
	if err != nil {
		return types.Null, err
	}
	if n.frame.excludes() {
		f.acc.Reset()
		f.have = false
		for r := lo; r < hi; r++ {
			if !n.frame.excluded(r) {
				if err := f.add(n, r); err != nil {
					return types.Null, err
				}
			}
		}
		return f.acc.Result()
	}
	if f.have && lo == f.lo && hi == f.hi {
		return f.value, nil
	}
	if err := f.slide(n, lo, max(lo, hi)); err != nil {
		return types.Null, err
	}
	f.have = true
	f.lo, f.hi = lo, hi
	f.value, err = f.acc.Result()
	return f.value, err
}

// slide makes the accumulator hold the rows lo..hi-1.
func (f *windowFn) slide(n *windowAgg, lo, hi int) error {
	from := f.hi
	if !f.have || hi < f.hi || lo >= f.hi || lo < f.lo || !f.drop(n, lo) {
		f.acc.Reset()
		from = lo
	}
	for r := from; r < hi; r++ {
		if err := f.add(n, r); err != nil {
			return err
		}
	}
	return nil
}

// drop takes the rows before lo out of the accumulator; false when it cannot.
func (f *windowFn) drop(n *windowAgg, lo int) bool {
	if lo == f.lo {
		return true
	}
	rm, ok := f.acc.(functions.Remover)
	if !ok {
		return false
	}
	for r := f.lo; r < lo; r++ {
		if !f.wanted(n, r) {
			continue
		}
		f.load(n, r)
		if ok, err := rm.Remove(f.vals); !ok || err != nil {
			return false
		}
	}
	return true
}

func (f *windowFn) wanted(n *windowAgg, row int) bool {
	return f.filter < 0 || n.store.get(uint32(row), f.filter).IsTrue()
}

func (f *windowFn) load(n *windowAgg, row int) {
	for i, c := range f.cols {
		f.vals[i] = n.store.get(uint32(row), c)
	}
}

func (f *windowFn) add(n *windowAgg, row int) error {
	if !f.wanted(n, row) {
		return nil
	}
	f.load(n, row)
	if err := f.acc.Add(f.vals); err != nil {
		return err
	}
	if size := f.acc.Size(); size > n.values.n+chargeStep { // many rows may come into a frame at once
		n.values.set(&n.ex.env.pool, size)
		return n.ex.env.Slot.CheckInterrupts()
	}
	return nil
}

// windowPartition is the partition as a window function sees it.
type windowPartition struct {
	n *windowAgg
	f *windowFn
}

func (p *windowPartition) Rows() int           { return p.n.store.n }
func (p *windowPartition) Peers(i, j int) bool { return p.n.group[i] == p.n.group[j] }

func (p *windowPartition) Arg(arg, row int) (types.Datum, error) {
	return p.n.store.get(uint32(row), p.f.cols[arg]), nil
}

func (p *windowPartition) Frame() (start, end int, err error) { return p.n.frame.bounds() }
func (p *windowPartition) Excluded(row int) bool              { return p.n.frame.excluded(row) }

func (n *windowAgg) rescan() error {
	n.rescanInit()
	n.clearState()
	return n.child.rescan()
}

func (n *windowAgg) clearState() {
	n.store.reset()
	n.index.done()
	n.values.done()
	if cap(n.group) > 1<<16 {
		n.group, n.starts = nil, nil
	}
	n.pending, n.at, n.inEnded, n.loaded, n.row, n.deferred = nil, 0, false, false, 0, nil
	n.offsets = false
}

func (n *windowAgg) close() {
	n.clearState()
	n.store.close()
	n.inEnded = true
	n.child.close()
}

// inRange calls the in_range function of a RANGE frame with an offset.
type inRange struct {
	fn   functions.Scalar
	call functions.Call
	args [5]types.Datum
}

func (e *Env) inRange(fn ids.Oid, argTyp, offTyp ids.Oid) (*inRange, error) {
	p, err := e.proc(fn)
	if err != nil {
		return nil, err
	}
	en, err := e.entry(p)
	if err != nil {
		return nil, err
	}
	r := &inRange{fn: en.Scalar}
	r.call.Env = e.Func
	for _, o := range []ids.Oid{argTyp, argTyp, offTyp, boolOid, boolOid} {
		t, err := e.typ(o)
		if err != nil {
			return nil, err
		}
		r.call.ArgTypes = append(r.call.ArgTypes, t)
	}
	r.call.RetType, err = e.typ(boolOid)
	return r, err
}

func (r *inRange) holds(val, base, offset types.Datum, sub, less bool) (bool, error) {
	r.args = [5]types.Datum{val, base, offset, types.Bool(sub), types.Bool(less)}
	r.call.Args = r.args[:]
	d, err := r.fn(&r.call)
	return d.IsTrue(), err
}
