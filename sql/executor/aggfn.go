package executor

import (
	"strings"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// aggFn is one aggregate of an Agg node: how its arguments are computed and what accumulates them.
type aggFn struct {
	q      *query.Aggref
	env    *Env
	agg    *functions.Aggregate
	call   functions.AggCall
	direct []expr
	args   []expr // aggregated arguments, then columns of ORDER BY
	nargs  int
	filter expr
	fast   fastKind
	// rows must be collected and sorted before they are accumulated
	ordered  bool
	distinct bool
	keys     []sortKey
	distKeys []keyColumn // of all arguments
	kinds    []types.Kind
	kind     types.Kind // of the result

	// of the batch at hand
	vecs  []*types.Vector
	sel   []int32 // rows that pass the filter; nil: all of 0..N-1
	buf   []int32
	vals  []types.Datum
	view  types.Batch
	pairs []types.Datum
}

// aggregateName is the name under which package functions knows an aggregate: name(types).
func (e *Env) aggregateName(p *catalog.Proc) (string, error) {
	var b strings.Builder
	b.WriteString(p.Proname)
	b.WriteByte('(')
	for i, o := range p.Proargtypes {
		if i > 0 {
			b.WriteByte(',')
		}
		t, err := e.typ(o)
		if err != nil {
			return "", err
		}
		b.WriteString(t.Name)
	}
	b.WriteByte(')')
	return b.String(), nil
}

// aggregate finds the implementation of an aggregate or window function.
func (e *Env) aggregate(fn ids.Oid) (*functions.Entry, *catalog.Proc, error) {
	p, err := e.proc(fn)
	if err != nil {
		return nil, nil, err
	}
	name, err := e.aggregateName(p)
	if err != nil {
		return nil, nil, err
	}
	if en := e.Funcs.Lookup(name); en != nil && fn < ids.FirstNormalOid {
		return en, p, nil
	}
	if en := e.Funcs.Lookup(p.Prosrc); en != nil && en.Window != nil && p.Prolang == languageInternal {
		return en, p, nil
	}
	return nil, nil, pgerr.NotSupported("aggregate function %s is not supported", name)
}

// compileAgg prepares an aggregate; c compiles over the node's input.
func (c *compiler) compileAgg(q *query.Aggref) (*aggFn, error) {
	env := c.ex.env
	en, p, err := env.aggregate(q.AggFnOid)
	if err != nil {
		return nil, err
	}
	if en.Agg == nil {
		return nil, pgerr.NotSupported("aggregate function %s is not supported", p.Proname)
	}
	f := &aggFn{q: q, env: env, agg: en.Agg}
	var argExprs []query.Expr
	for _, te := range q.Args {
		argExprs = append(argExprs, te.Expr)
		if !te.Resjunk {
			f.nargs++
		}
	}
	if f.args, err = c.list(argExprs); err != nil {
		return nil, err
	}
	if f.direct, err = c.list(q.AggDirectArgs); err != nil {
		return nil, err
	}
	if q.AggFilter != nil {
		if f.filter, err = c.compile(q.AggFilter); err != nil {
			return nil, err
		}
	}
	if f.kind, err = env.kind(q.Type()); err != nil {
		return nil, err
	}
	f.vecs = make([]*types.Vector, len(f.args))
	f.vals = make([]types.Datum, len(f.args))
	f.call = functions.AggCall{Env: env.Func, Collation: q.InputCollid}
	if f.call.RetType, err = env.typ(q.Type()); err != nil {
		return nil, err
	}
	if f.call.ArgTypes, err = env.argTypes(argExprs[:f.nargs]); err != nil {
		return nil, err
	}
	if f.call.DirectTypes, err = env.argTypes(q.AggDirectArgs); err != nil {
		return nil, err
	}
	if err := f.setOrder(env, argExprs); err != nil {
		return nil, err
	}
	if !f.ordered && f.nargs <= 1 && len(f.direct) == 0 {
		f.fast = fastFor(p, q)
	}
	return f, nil
}

// setOrder decides whether rows are to be sorted first, and by what.
func (f *aggFn) setOrder(env *Env, argExprs []query.Expr) error {
	q := f.q
	f.distinct = len(q.AggDistinct) > 0 && f.agg.DistinctMatters
	byOrder := len(q.AggOrder) > 0 && (f.agg.OrderMatters || f.agg.Ordered)
	if !f.distinct && !byOrder {
		return nil
	}
	f.ordered = true
	clauses := q.AggOrder
	if f.distinct && len(clauses) == 0 {
		clauses = q.AggDistinct
	}
	typs := make([]ids.Oid, len(argExprs))
	for i, e := range argExprs {
		typs[i] = e.Type()
	}
	var err error
	if f.kinds, err = env.kinds(typs); err != nil {
		return err
	}
	used := make([]bool, len(q.Args))
	for _, cl := range clauses {
		col := -1
		for i, te := range q.Args {
			if te.Ressortgroupref == cl.TLESortGroupRef {
				col = i
			}
		}
		if col < 0 {
			return pgerr.Internal("sort column of an aggregate not found")
		}
		used[col] = true
		k, err := env.sortKey(plan.SortKey{Collation: argExprs[col].Collation(), Desc: env.descending(cl.SortOp), NullsFirst: cl.NullsFirst}, typs[col])
		if err != nil {
			return err
		}
		k.col = col
		f.keys = append(f.keys, k)
		if f.agg.Ordered {
			f.call.Order = append(f.call.Order, functions.OrderKey{Desc: k.desc, NullsFirst: k.nullsFirst, Compare: k.plainCompare()})
		}
	}
	if !f.distinct {
		return nil
	}
	for i := range f.nargs {
		if !used[i] {
			k, err := env.sortKey(plan.SortKey{}, typs[i])
			if err != nil {
				return err
			}
			k.col = i
			f.keys = append(f.keys, k)
		}
		k, err := env.keyColumn(typs[i], argExprs[i].Collation(), false)
		if err != nil {
			return err
		}
		f.distKeys = append(f.distKeys, k)
	}
	return nil
}

// plainCompare is the order of the key's type, whatever its direction.
func (k *sortKey) plainCompare() func(a, b types.Datum) int {
	if k.cmp != nil {
		return k.cmp
	}
	return k.repr.cmpDatums
}

// descending reports whether an ordering operator is a "greater than".
func (e *Env) descending(op ids.Oid) bool {
	o, err := e.Catalog.Operator(op)
	return err == nil && o != nil && strings.Contains(o.Oprname, ">")
}

// prepare computes filter and arguments for the rows of the current batch.
func (f *aggFn) prepare(b *types.Batch) error {
	f.sel = b.Sel
	if f.filter != nil {
		if cap(f.buf) < b.N {
			f.buf = make([]int32, 0, b.N)
		}
		sel, err := runFilter(f.filter, b.Sel, b.N, f.buf[:0])
		if err != nil {
			return err
		}
		f.sel = sel
		if len(sel) == 0 {
			f.sel = f.buf[:0]
			if f.sel == nil {
				f.sel = []int32{}
			}
			return nil
		}
	}
	for i, a := range f.args {
		v, err := a.vec(f.sel, b.N)
		if err != nil {
			return err
		}
		f.vecs[i] = v
	}
	return nil
}

// none reports whether no row of the batch passes the filter.
func (f *aggFn) none() bool { return f.sel != nil && len(f.sel) == 0 }

// state is what one aggregate has accumulated over one group.
type aggState struct {
	acc  functions.Accumulator
	rows *sorter // of ordered aggregates
}

// begin makes the state of a new group; row is the position of its first row in the current batch, -1 when it has none.
func (f *aggFn) begin(ex *Exec, row int) (aggState, error) {
	call := f.call
	if len(f.direct) > 0 {
		call.Direct = make([]types.Datum, len(f.direct))
		for i, d := range f.direct {
			call.Direct[i] = types.Null
			if row < 0 && !isConst(d) {
				continue
			}
			v, err := d.scalar(max(row, 0))
			if err != nil {
				return aggState{}, err
			}
			call.Direct[i] = v.Clone()
		}
	}
	acc, err := f.agg.New(&call)
	if err != nil {
		return aggState{}, err
	}
	s := aggState{acc: acc}
	if f.ordered {
		s.rows = &sorter{}
		s.rows.init(ex, f.keys, f.kinds)
		s.rows.begin(0)
	}
	return s, nil
}

// addRows accumulates the rows sel (nil: all) of the current batch.
func (f *aggFn) addRows(s *aggState, sel []int32, n int) error {
	if s.rows != nil {
		f.view = types.Batch{Cols: f.vecs, N: n, Sel: sel}
		return s.rows.add(&f.view)
	}
	switch {
	case f.nargs == 1 && len(f.args) == 1:
		return s.acc.AddVector(f.vecs[0], sel, n)
	case f.nargs == 0:
		return s.acc.AddVector(nil, sel, n)
	}
	if sel == nil {
		for i := range n {
			if err := f.addOne(s, i); err != nil {
				return err
			}
		}
		return nil
	}
	for _, i := range sel {
		if err := f.addOne(s, int(i)); err != nil {
			return err
		}
	}
	return nil
}

// addOne accumulates one row of the current batch.
func (f *aggFn) addOne(s *aggState, row int) error {
	if s.rows != nil {
		s.rows.store.appendRow(&types.Batch{Cols: f.vecs}, row)
		if s.rows.store.n&1023 == 0 && s.rows.store.used() > s.rows.limit {
			return s.rows.spill()
		}
		return nil
	}
	for i := range f.nargs {
		f.vals[i] = f.vecs[i].Get(row)
	}
	return s.acc.Add(f.vals[:f.nargs])
}

// finish feeds the sorted rows of an ordered aggregate and returns the result.
func (f *aggFn) finish(s *aggState) (types.Datum, error) {
	if s.rows != nil {
		var held tally
		defer held.done()
		if err := f.feed(s, &held); err != nil {
			return types.Null, err
		}
	}
	if n := s.acc.Size(); n > chargeStep { // the value is a copy of what was collected
		if err := f.env.Slot.Account().Afford(int64(n), "the result of an aggregate function"); err != nil {
			return types.Null, err
		}
	}
	return s.acc.Result()
}

// feed accumulates the sorted rows; held is what the state takes meanwhile.
func (f *aggFn) feed(s *aggState, held *tally) error {
	defer s.rows.reset()
	if err := s.rows.finish(); err != nil {
		return err
	}
	out := newBatch(f.kinds, 0)
	rows := make([]uint32, BatchSize)
	var last []types.Datum
	for {
		n, err := s.rows.read(BatchSize, out, rows)
		if n == 0 || err != nil {
			return err
		}
		for i := range n {
			for k := range f.nargs {
				f.vals[k] = out.Cols[k].Get(i)
			}
			if f.distinct {
				if last != nil && f.equalsLast(last) {
					continue
				}
				if last == nil {
					last = make([]types.Datum, f.nargs)
				}
				for k := range last {
					last[k] = f.vals[k].Clone()
				}
			}
			if err := s.acc.Add(f.vals[:f.nargs]); err != nil {
				return err
			}
		}
		held.set(&f.env.pool, s.acc.Size())
		if err := f.env.Slot.CheckInterrupts(); err != nil {
			return err
		}
	}
}

func (f *aggFn) equalsLast(last []types.Datum) bool {
	for k := range last {
		if !f.distKeys[k].equalDatums(f.vals[k], last[k]) {
			return false
		}
	}
	return true
}
