package executor

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// mergeJoin joins two inputs that are sorted by the join keys: it collects the inner rows of one key and
// pairs them with the outer rows of that key.
type mergeJoin struct {
	joinBase
	keys   []mergeKey
	o      mergeSide
	in     mergeSide
	group  pagedRows     // inner rows of the group's key, or single ones that found no outer row
	gkey   []types.Datum // the group's key
	state  mergeState
	gat    int // next row of the group for the current outer row
	dump   uint32
	unique bool
}

type mergeState uint8

const (
	mergeSeek  mergeState = iota // compare the two sides
	mergePairs                   // pair the current outer row with the group
	mergeDump                    // give the group's rows that had no match
	mergeRest                    // the outer side is at its end: the rest of the inner side, for right and full joins
)

// mergeKey orders outer and inner keys.
type mergeKey struct {
	cmp        func(a, b types.Datum) int
	desc       bool
	nullsFirst bool
}

func (k *mergeKey) compare(a, b types.Datum) int {
	if na, nb := a.IsNull(), b.IsNull(); na || nb {
		return nullOrder(na, nb, k.nullsFirst)
	}
	c := k.cmp(a, b)
	if k.desc {
		return -c
	}
	return c
}

// mergeSide is one input: its batch, where it stands, and its keys.
type mergeSide struct {
	child node
	sc    scope
	exprs []expr
	b     *types.Batch
	at    int
	kv    []*types.Vector
	ended bool
}

func (s *mergeSide) pos() int { return s.b.Row(s.at) }

// null reports whether a key of the current row is NULL: it matches nothing.
func (s *mergeSide) null() bool {
	p := s.pos()
	for _, v := range s.kv {
		if v.IsNull(p) {
			return true
		}
	}
	return false
}

func (s *mergeSide) reset() { s.b, s.at, s.ended = nil, 0, false }

func (ex *Exec) makeMergeJoin(p *plan.MergeJoin) (node, error) {
	n := &mergeJoin{unique: p.InnerUnique}
	var err error
	if n.outer, err = ex.build(p.Left); err != nil {
		return nil, err
	}
	if n.inner, err = ex.build(p.Right); err != nil {
		return nil, err
	}
	if err := n.setupJoin(ex, &p.Plan, &p.Join); err != nil {
		return nil, err
	}
	n.joinBase.outer, n.joinBase.inner = n.outer, n.inner
	n.o.child, n.in.child = n.outer, n.inner
	n.o.sc.ex, n.in.sc.ex = ex, ex
	kinds, err := ex.env.kinds(n.inner.types())
	if err != nil {
		return nil, err
	}
	n.group.init(&ex.env.pool, kinds)
	n.group.page(ex.env.TempFile, ex.env.workMem())
	nIn := len(n.inner.types())
	oc := &compiler{ex: ex, sc: &n.o.sc, column: outerColumn(n.nOuter)}
	ic := &compiler{ex: ex, sc: &n.in.sc, column: func(v *query.Var) (int, error) {
		if v.Varno != query.InnerVar || v.Varattno < 1 || v.Varattno > nIn {
			return 0, badVar(v)
		}
		return v.Varattno - 1, nil
	}}
	for i, cl := range p.MergeClauses {
		op, ok := cl.(*query.OpExpr)
		if !ok || len(op.Args) != 2 {
			return nil, pgerr.Internal("merge clause is a %T", cl)
		}
		l, err := oc.compile(op.Args[0])
		if err != nil {
			return nil, err
		}
		r, err := ic.compile(op.Args[1])
		if err != nil {
			return nil, err
		}
		n.o.exprs, n.in.exprs = append(n.o.exprs, l), append(n.in.exprs, r)
		k, err := ex.env.mergeKey(op.Args[0].Type(), op.Args[1].Type(), op.InputCollid, p.Keys[i])
		if err != nil {
			return nil, err
		}
		n.keys = append(n.keys, k)
	}
	n.o.kv, n.in.kv = make([]*types.Vector, len(n.keys)), make([]*types.Vector, len(n.keys))
	n.gkey = make([]types.Datum, len(n.keys))
	return n, nil
}

func (e *Env) mergeKey(left, right, coll ids.Oid, k plan.SortKey) (mergeKey, error) {
	m := mergeKey{desc: k.Desc, nullsFirst: k.NullsFirst}
	l, r := e.reprOf(left), e.reprOf(right)
	if l == r && l != reprFunc && timeConversion(e.baseOid(left), e.baseOid(right), e) == nil {
		m.cmp = l.cmpDatums
		return m, nil
	}
	var err error
	m.cmp, err = e.crossComparer(left, right, coll)
	return m, err
}

// fetch makes a side stand on a row, of a new batch if need be; false at its end.
func (s *mergeSide) fetch(max int) (bool, error) {
	if s.b != nil && s.at < s.b.Rows() {
		return true, nil
	}
	if s.ended {
		return false, nil
	}
	b, err := s.child.next(max)
	if err != nil {
		return false, err
	}
	if b == nil {
		s.b, s.ended = nil, true
		return false, nil
	}
	s.b, s.at = b, 0
	s.sc.begin(b)
	for i, e := range s.exprs {
		if s.kv[i], err = e.vec(b.Sel, b.N); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (n *mergeJoin) next(max int) (*types.Batch, error) {
	if n.deferred != nil {
		return nil, n.takeDeferred()
	}
	for !n.ended {
		b, err := n.step(max)
		if b != nil || err != nil {
			return b, err
		}
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// step goes on until there are enough candidates, or rows that candidates refer to would go away.
func (n *mergeJoin) step(max int) (*types.Batch, error) {
	for len(n.joinBase.o) < max {
		var flush bool
		var err error
		switch n.state {
		case mergeSeek:
			flush, err = n.seek(max)
		case mergePairs:
			flush, err = n.pair(max)
		case mergeDump, mergeRest:
			if len(n.joinBase.o) > 0 {
				flush = true
				break
			}
			return n.dumpRows(max)
		}
		if err != nil {
			return nil, err
		}
		if flush || n.ended {
			break
		}
	}
	n.group.holdRows(n.joinBase.i)
	out, err := n.resolve(n.o.b, &n.group.rowStore)
	if n.group.err != nil {
		return nil, n.group.err
	}
	return out, err
}

// outerRow makes the outer side stand on a row. flush: candidates of the batch that is used up come first.
func (n *mergeJoin) outerRow(max int) (ok, flush bool, err error) {
	if n.o.b != nil && n.o.at >= n.o.b.Rows() && len(n.joinBase.o) > 0 {
		return false, true, nil
	}
	ok, err = n.o.fetch(max)
	return ok, false, err
}

// seek moves the side that is behind until both stand on one key.
func (n *mergeJoin) seek(max int) (flush bool, err error) {
	ok, flush, err := n.outerRow(max)
	if flush || err != nil {
		return flush, err
	}
	if !ok {
		if !n.track {
			n.ended = true
			return true, nil
		}
		n.state = mergeRest
		return true, nil
	}
	if n.o.null() {
		n.lonelyOuter()
		return false, nil
	}
	more, err := n.in.fetch(BatchSize)
	if err != nil {
		return false, err
	}
	if !more {
		if !n.marksEnd() {
			n.ended = true
			return true, nil
		}
		n.lonelyOuter()
		return false, nil
	}
	if n.in.null() {
		return n.lonelyInner()
	}
	switch c := n.compareSides(); {
	case c < 0:
		n.lonelyOuter()
		return false, nil
	case c > 0:
		return n.lonelyInner()
	}
	if len(n.joinBase.o) > 0 {
		return true, nil // candidates of the group before come first
	}
	return false, n.collect()
}

func (n *mergeJoin) compareSides() int {
	op, ip := n.o.pos(), n.in.pos()
	for i := range n.keys {
		if c := n.keys[i].compare(n.o.kv[i].Get(op), n.in.kv[i].Get(ip)); c != 0 {
			return c
		}
	}
	return 0
}

// lonelyOuter passes over an outer row that matches nothing.
func (n *mergeJoin) lonelyOuter() {
	if n.marksEnd() {
		n.candidate(n.o.pos(), endOfRow)
	}
	n.o.at++
}

// lonelyInner passes over an inner row that matches nothing; right and full joins give it.
func (n *mergeJoin) lonelyInner() (flush bool, err error) {
	if !n.track {
		n.in.at++
		return false, nil
	}
	if len(n.joinBase.o) > 0 {
		return true, nil
	}
	n.group.rewindAll()
	n.group.appendRow(n.in.b, n.in.pos())
	n.in.at++
	n.resetSeen(1)
	n.state, n.dump = mergeDump, 0
	return false, nil
}

// collect reads the inner rows of the key on which both sides stand.
func (n *mergeJoin) collect() error {
	n.group.rewindAll()
	ip := n.in.pos()
	for i, v := range n.in.kv {
		n.gkey[i] = v.Get(ip).Clone()
	}
	for {
		ok, err := n.in.fetch(BatchSize)
		if err != nil {
			return err
		}
		if !ok || n.in.null() || !n.inGroup() {
			break
		}
		n.group.appendRow(n.in.b, n.in.pos())
		n.in.at++
		if n.group.n&4095 == 0 {
			if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
				return err
			}
		}
	}
	n.resetSeen(n.group.n)
	n.state, n.gat = mergePairs, 0
	return nil
}

// inGroup reports whether the inner row has the group's key.
func (n *mergeJoin) inGroup() bool {
	p := n.in.pos()
	for i, v := range n.in.kv {
		if !n.sameKey(i, n.gkey[i], v.Get(p)) {
			return false
		}
	}
	return true
}

// sameKey compares two inner keys. They compare as words or bytes would, but for types whose equal values differ in form.
func (n *mergeJoin) sameKey(i int, a, b types.Datum) bool {
	if !a.IsBytes() && !b.IsBytes() && a.Word() == b.Word() {
		return true
	}
	return n.innerCmp(i)(a, b) == 0
}

func (n *mergeJoin) innerCmp(i int) func(a, b types.Datum) int {
	return n.keys[i].cmp
}

// pair pairs outer rows with the group's rows.
func (n *mergeJoin) pair(max int) (flush bool, err error) {
	ok, flush, err := n.outerRow(max)
	if flush || err != nil {
		return flush, err
	}
	if ok && n.gat == 0 && (n.o.null() || !n.matchesGroup()) || !ok {
		if n.track {
			n.state, n.dump = mergeDump, 0
			return len(n.joinBase.o) > 0, nil
		}
		n.state = mergeSeek
		return false, nil
	}
	pos := n.o.pos()
	first := n.joinqual == nil && (n.unique || n.typ == query.JoinSemi || n.typ == query.JoinAnti)
	for ; n.gat < n.group.n; n.gat++ {
		if len(n.joinBase.o) >= max {
			return true, nil
		}
		n.candidate(pos, uint32(n.gat))
		if first {
			break
		}
	}
	if n.marksEnd() {
		n.candidate(pos, endOfRow)
	}
	n.gat = 0
	n.o.at++
	return false, nil
}

// matchesGroup reports whether the outer row has the group's key.
func (n *mergeJoin) matchesGroup() bool {
	p := n.o.pos()
	for i, v := range n.o.kv {
		if n.keys[i].compare(v.Get(p), n.gkey[i]) != 0 {
			return false
		}
	}
	return true
}

// dumpRows gives inner rows without a match: of the group, or all that are left.
func (n *mergeJoin) dumpRows(max int) (*types.Batch, error) {
	n.fo, n.fi = n.fo[:0], n.fi[:0]
	if n.state == mergeRest {
		n.group.rewindAll()
		for n.group.n < max {
			ok, err := n.in.fetch(BatchSize)
			if err != nil {
				return nil, err
			}
			if !ok {
				break
			}
			n.fo, n.fi = append(n.fo, noOuter), append(n.fi, n.group.appendRow(n.in.b, n.in.pos()))
			n.in.at++
		}
		if len(n.fo) == 0 {
			n.ended = true
			return nil, nil
		}
		return n.emit(nil, &n.group.rowStore, n.fo, n.fi)
	}
	for ; int(n.dump) < n.group.n && len(n.fo) < max; n.dump++ {
		if !n.wasSeen(n.dump) {
			n.fo, n.fi = append(n.fo, noOuter), append(n.fi, n.dump)
		}
	}
	if len(n.fo) == 0 {
		n.state = mergeSeek
		return nil, nil
	}
	n.group.holdRows(n.fi)
	if n.group.err != nil {
		return nil, n.group.err
	}
	return n.emit(nil, &n.group.rowStore, n.fo, n.fi)
}

func (n *mergeJoin) rescan() error {
	n.rescanInit()
	n.clearState()
	if err := n.outer.rescan(); err != nil {
		return err
	}
	return n.inner.rescan()
}

func (n *mergeJoin) clearState() {
	n.clearJoin()
	n.o.reset()
	n.in.reset()
	n.group.rewindAll()
	n.state, n.gat, n.dump = mergeSeek, 0, 0
}

func (n *mergeJoin) close() {
	n.clearState()
	n.group.close()
	n.outer.close()
	n.inner.close()
}
