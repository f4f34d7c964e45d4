package executor

import (
	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// endOfRow among the inner rows of candidates says that the outer row has no more of them.
const endOfRow = noRow - 1

// noOuter among the outer positions stands for a row of NULLs.
const noOuter = -1

// joinBase turns candidate pairs of rows into joined rows: it checks the join condition, adds rows without a match
// where the type of join wants them, checks the condition on the joined rows and computes the target list.
//
// The outer half of a pair is a position in the outer batch, which stays as it is until the candidates are used up; the inner half is
// a row of a row store.
type joinBase struct {
	nodeBase
	stage
	typ          query.JoinType
	outer, inner node
	nOuter       int
	joinqual     expr
	qualCols     []int // columns of the joined row that the join condition reads
	outCols      []int // columns that anything else reads
	joined       types.Batch
	vecs         []types.Vector
	// candidates
	o       []int32
	i       []uint32
	matched bool // the outer row of the last candidate has had a match
	seen    []uint64
	track   bool // note matches of inner rows in seen
	fo      []int32
	fi      []uint32
	sel     []int32
	ended   bool
}

// setupJoin compiles what a join computes; outer and inner are built.
func (j *joinBase) setupJoin(ex *Exec, p *plan.Plan, jn *plan.Join) error {
	j.typ = jn.JoinType
	j.nOuter = len(j.outer.types())
	ins := append(append(j.outer.types()[:0:0], j.outer.types()...), j.inner.types()...)
	j.setup(ex, p, ins)
	kinds, err := ex.env.kinds(ins)
	if err != nil {
		return err
	}
	j.vecs = make([]types.Vector, len(ins))
	j.joined.Cols = make([]*types.Vector, len(ins))
	for k := range ins {
		j.vecs[k].Kind = kinds[k]
		j.joined.Cols[k] = &j.vecs[k]
	}
	used := make([]bool, len(ins))
	j.sc.ex = ex
	c := &compiler{ex: ex, sc: &j.sc, column: joinColumn(j.nOuter, len(ins), used)}
	if jn.Joinqual != nil {
		if j.joinqual, err = c.compile(jn.Joinqual); err != nil {
			return err
		}
		j.qualCols = taken(used)
		clear(used)
	}
	if err := j.stage.init(c, p.Qual, p.TargetList); err != nil {
		return err
	}
	if p.TargetList == nil {
		for k := range used {
			used[k] = true
		}
	}
	j.outCols = taken(used)
	j.defers = true
	j.track = j.typ == query.JoinRight || j.typ == query.JoinFull
	return nil
}

func taken(used []bool) []int {
	var out []int
	for k, u := range used {
		if u {
			out = append(out, k)
		}
	}
	return out
}

// joinColumn resolves references to the two children and notes which columns are used.
func joinColumn(nOuter, n int, used []bool) func(v *query.Var) (int, error) {
	return func(v *query.Var) (int, error) {
		col := -1
		switch {
		case v.Varattno < 1:
		case v.Varno == query.OuterVar && v.Varattno <= nOuter:
			col = v.Varattno - 1
		case v.Varno == query.InnerVar && nOuter+v.Varattno <= n:
			col = nOuter + v.Varattno - 1
		}
		if col < 0 {
			return 0, badVar(v)
		}
		used[col] = true
		return col, nil
	}
}

// marksEnd reports whether the join must know where the candidates of an outer row end.
func (j *joinBase) marksEnd() bool {
	switch j.typ {
	case query.JoinLeft, query.JoinFull, query.JoinSemi, query.JoinAnti:
		return true
	}
	return false
}

func (j *joinBase) candidate(outer int, inner uint32) {
	j.o = append(j.o, int32(outer))
	j.i = append(j.i, inner)
}

// resolve turns the candidates into joined rows, as far as they are any: nil otherwise. ob is the outer batch, st holds the inner rows.
func (j *joinBase) resolve(ob *types.Batch, st *rowStore) (*types.Batch, error) {
	if len(j.o) == 0 {
		return nil, nil
	}
	var pass []int32
	if j.joinqual != nil {
		j.sel = j.sel[:0]
		for k, in := range j.i {
			if in != endOfRow {
				j.sel = append(j.sel, int32(k))
			}
		}
		if len(j.sel) > 0 {
			j.gather(ob, st, j.o, j.i, j.qualCols)
			j.sc.begin(&j.joined)
			var err error
			if pass, err = runFilter(j.joinqual, j.sel, len(j.o), j.sel[:0]); err != nil {
				return nil, err
			}
			if j.inst != nil {
				j.inst.RemovedJoin += float64(countRows(j.i) - len(pass))
			}
		}
	}
	j.decide(pass)
	j.o, j.i = j.o[:0], j.i[:0]
	if len(j.fo) == 0 {
		return nil, nil
	}
	return j.emit(ob, st, j.fo, j.fi)
}

func countRows(l []uint32) int {
	n := 0
	for _, i := range l {
		if i != endOfRow {
			n++
		}
	}
	return n
}

// decide makes the list of joined rows of the candidates; pass are those that meet the join condition.
func (j *joinBase) decide(pass []int32) {
	j.fo, j.fi = j.fo[:0], j.fi[:0]
	at := 0
	for k, in := range j.i {
		if in == endOfRow {
			if !j.matched && (j.typ == query.JoinLeft || j.typ == query.JoinFull || j.typ == query.JoinAnti) {
				j.fo, j.fi = append(j.fo, j.o[k]), append(j.fi, noRow)
			}
			j.matched = false
			continue
		}
		if j.joinqual != nil {
			if at >= len(pass) || pass[at] != int32(k) {
				continue
			}
			at++
		}
		if j.track {
			j.seen[in>>6] |= 1 << (in & 63)
		}
		if j.typ == query.JoinAnti || j.typ == query.JoinSemi && j.matched {
			j.matched = true
			continue
		}
		j.matched = true
		j.fo, j.fi = append(j.fo, j.o[k]), append(j.fi, in)
	}
}

// emit computes the output for pairs of rows; nil when the condition on joined rows leaves none.
func (j *joinBase) emit(ob *types.Batch, st *rowStore, o []int32, i []uint32) (*types.Batch, error) {
	j.gather(ob, st, o, i, j.outCols)
	out, err := j.run(&j.joined)
	if err != nil || out.Rows() == 0 {
		return nil, err
	}
	return out, nil
}

// gather fills the columns cols of the joined rows.
func (j *joinBase) gather(ob *types.Batch, st *rowStore, o []int32, i []uint32, cols []int) {
	for _, c := range cols {
		v := &j.vecs[c]
		if c >= j.nOuter {
			st.gatherPairs(c-j.nOuter, i, v)
			continue
		}
		gatherOuter(ob, c, o, v)
	}
	j.joined.N, j.joined.Sel = len(o), nil
}

func gatherOuter(ob *types.Batch, c int, o []int32, v *types.Vector) {
	v.Reset()
	v.Grow(len(o))
	v.Len = len(o)
	if ob == nil {
		for k := range o {
			v.SetNull(k)
		}
		return
	}
	src := ob.Cols[c]
	simple := !src.HasNulls
	for k, pos := range o {
		switch {
		case pos == noOuter || !simple && src.IsNull(int(pos)):
			v.SetNull(k)
		case v.Kind == types.WordKind:
			v.W[k] = src.W[pos]
		default:
			v.B[k] = src.B[pos]
		}
	}
}

// gatherPairs is gather for lists that may have endOfRow in them.
func (s *rowStore) gatherPairs(c int, rows []uint32, out *types.Vector) {
	out.Reset()
	out.Grow(len(rows))
	out.Len = len(rows)
	word := s.nullWords + c
	bit := uint64(1) << (uint(c) & 63)
	nw := c >> 6
	isWord := s.kinds[c] == types.WordKind
	for k, i := range rows {
		if i >= endOfRow {
			out.SetNull(k)
			continue
		}
		r := s.row(i)
		switch {
		case r[nw]&bit != 0:
			out.SetNull(k)
		case isWord:
			out.W[k] = r[word]
		default:
			out.B[k] = s.bytes.get(r[word])
		}
	}
}

// resetSeen prepares the notes of matched inner rows.
func (j *joinBase) resetSeen(n int) {
	words := n/64 + 1
	if cap(j.seen) < words {
		j.seen = make([]uint64, words)
	}
	j.seen = j.seen[:words]
	clear(j.seen)
}

// ensureSeen makes room for n inner rows, keeping what is noted.
func (j *joinBase) ensureSeen(n int) {
	for len(j.seen) <= n/64 {
		j.seen = append(j.seen, 0)
	}
}

func (j *joinBase) wasSeen(row uint32) bool { return j.seen[row>>6]&(1<<(row&63)) != 0 }

func (j *joinBase) clearJoin() {
	j.o, j.i = j.o[:0], j.i[:0]
	j.matched, j.ended, j.deferred = false, false, nil
}

// nestLoop runs its inner child for each outer row.
type nestLoop struct {
	joinBase
	params []nestParam
	unique bool
	rows   rowStore // inner rows of the candidates
	ob     *types.Batch
	at     int // outer row, as counted by Row
	open   bool
	hit    bool // the outer row has had a match that ends its search
	exact  bool
}

type nestParam struct {
	id, col int
	e       expr
}

func (ex *Exec) makeNestLoop(p *plan.NestLoop) (node, error) {
	n := &nestLoop{unique: p.InnerUnique}
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
	kinds, err := ex.env.kinds(n.inner.types())
	if err != nil {
		return nil, err
	}
	n.rows.init(&ex.env.pool, kinds)
	for _, np := range p.Params {
		v, ok := np.Var.(*query.Var)
		if !ok || v.Varno != query.OuterVar || v.Varattno < 1 || v.Varattno > n.nOuter {
			return nil, badVar(&query.Var{})
		}
		n.params = append(n.params, nestParam{id: np.ID, col: v.Varattno - 1})
	}
	n.exact = ex.isExact(p.Left)
	return n, nil
}

// early reports whether the search for an outer row ends at its first match.
func (n *nestLoop) early() bool {
	return n.unique || n.typ == query.JoinSemi || n.typ == query.JoinAnti
}

func (n *nestLoop) next(max int) (*types.Batch, error) {
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

// step collects candidates until there are enough or the outer batch is used up, and resolves them.
func (n *nestLoop) step(max int) (*types.Batch, error) {
	if n.ob == nil {
		ask := max
		if n.exact && max < BatchSize {
			ask = 1
		}
		b, err := n.outer.next(ask)
		if err != nil {
			return nil, err
		}
		if b == nil {
			n.ended = true
			return nil, nil
		}
		n.ob, n.at = b, 0
	}
	n.rows.rewindAll()
	for len(n.o) < max && n.at < n.ob.Rows() {
		pos := n.ob.Row(n.at)
		if !n.open {
			if err := n.openInner(pos); err != nil {
				return nil, err
			}
		}
		if err := n.pull(pos, max); err != nil {
			return nil, err
		}
	}
	ob := n.ob
	if n.at >= n.ob.Rows() {
		n.ob = nil
	}
	return n.resolve(ob, &n.rows)
}

// rewindAll empties a store between batches without giving back all of its memory.
func (s *rowStore) rewindAll() {
	if len(s.slabs) <= 1 && len(s.bytes.chunks) <= 1 {
		s.rewindRows()
		return
	}
	s.reset()
}

func (n *nestLoop) openInner(pos int) error {
	for _, p := range n.params {
		n.ex.setParam(p.id, n.ob.Cols[p.col].Get(pos))
	}
	n.open, n.hit = true, false
	return n.inner.rescan()
}

// pull takes inner rows for the outer row at pos.
func (n *nestLoop) pull(pos, max int) error {
	ask := max - len(n.o)
	if n.early() && n.joinqual == nil {
		ask = 1
	}
	b, err := n.inner.next(ask)
	if err != nil {
		return err
	}
	if b != nil {
		for k := range b.Rows() {
			n.candidate(pos, n.rows.appendRow(b, b.Row(k)))
		}
		if !n.early() {
			return nil
		}
		if n.joinqual == nil || n.anyMatch(len(n.o)-b.Rows()) {
			b = nil
		}
	}
	if b == nil {
		if n.marksEnd() {
			n.candidate(pos, endOfRow)
		}
		n.open = false
		n.at++
	}
	return nil
}

// anyMatch reports whether a candidate from k on meets the join condition. Conditions without side effects may be checked
// twice; errors are left to the second time.
func (n *nestLoop) anyMatch(k int) bool {
	n.gather(n.ob, &n.rows, n.o[k:], n.i[k:], n.qualCols)
	n.sc.begin(&n.joined)
	if cap(n.sel) < len(n.o) {
		n.sel = make([]int32, 0, 2*len(n.o))
	}
	pass, err := runFilter(n.joinqual, nil, len(n.o)-k, n.sel[:0])
	return err != nil || len(pass) > 0
}

func (n *nestLoop) rescan() error {
	n.rescanInit()
	n.clearJoin()
	n.ob, n.open = nil, false
	n.rows.rewindAll()
	return n.outer.rescan()
}

func (n *nestLoop) close() {
	n.clearJoin()
	n.ob, n.open = nil, false
	n.rows.reset()
	n.outer.close()
	n.inner.close()
}

// isExact reports whether a subtree must not be asked for more rows than are needed, because how many it gives can be seen:
// it locks or changes rows, or calls volatile functions.
func (ex *Exec) isExact(p plan.Node) bool {
	exact := false
	var visit func(p plan.Node)
	visit = func(p plan.Node) {
		switch p.(type) {
		case *plan.LockRows, *plan.ModifyTable:
			exact = true
		}
		planExprs(p, func(e query.Expr) { exact = exact || ex.isVolatile(e) })
		if !exact {
			planChildren(p, visit)
		}
	}
	visit(p)
	return exact
}

// isVolatile reports whether an expression calls a volatile function.
func (ex *Exec) isVolatile(e query.Expr) bool {
	return query.FindExpr(e, func(n query.Node) bool {
		switch n := n.(type) {
		case *query.FuncExpr:
			p, err := ex.env.Catalog.Proc(n.FuncID)
			return err != nil || p == nil || p.Provolatile == 'v'
		case *query.OpExpr:
			if n.FuncID < ids.FirstNormalOid {
				return false
			}
			p, err := ex.env.Catalog.Proc(n.FuncID)
			return err != nil || p == nil || p.Provolatile == 'v'
		case *query.NextValueExpr:
			return true
		}
		return false
	})
}
