package executor

import (
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// aggNode computes aggregates. Its target list is evaluated over rows of: the aggregates' values, then columns of the
// group's first row and values of GROUPING as the expressions ask for them.
type aggNode struct {
	nodeBase
	stage
	child    node
	p        *plan.Agg
	insc     scope // arguments, over the child's rows
	fns      []*aggFn
	extra    []aggCol // columns after the aggregates
	kinds    []types.Kind
	keep     keeper
	sets     []*groupSet
	plain    []aggState // AggPlain
	run1     sortedRun
	held     tally        // of accumulators without groups
	out      *types.Batch // input of the stage
	ready    bool
	ended    bool
	nChild   int
	refCol   map[int]int // of GROUPING: position in GroupCols
	needed   []int       // child columns kept of each group
	spills   []aggSpill
	level    int
	crew     *crew       // of a parallel aggregation, in the session
	storeCol map[int]int // column of a group's store that holds a child column
	// for EXPLAIN
	Batches int
	PeakKB  int64
	Spilled bool
}

// aggCol is a column of the stage's input besides the aggregates: a child column, or GROUPING(...).
type aggCol struct {
	child int // -1: grouping
	refs  []int
}

func (ex *Exec) makeAgg(p *plan.Agg) (node, error) {
	input, gather, err := aggInput(p)
	if err != nil {
		return nil, err
	}
	child, err := ex.build(input)
	if err != nil {
		return nil, err
	}
	n := &aggNode{child: child, p: p, nChild: len(child.types()), refCol: map[int]int{}}
	n.setup(ex, &p.Plan, nil)
	n.keep = keeper{ex: ex, p: p}
	if gather != nil && !ex.worker {
		n.crew = ex.newCrew(input, gather.Workers)
	}
	n.insc.ex, n.sc.ex = ex, ex
	for i, r := range p.GroupRefs {
		n.refCol[r] = i
	}
	in := &compiler{ex: ex, sc: &n.insc, column: outerColumn(n.nChild)}
	for _, a := range p.Aggs {
		f, err := in.compileAgg(a)
		if err != nil {
			return nil, err
		}
		n.fns = append(n.fns, f)
	}
	c := &compiler{ex: ex, sc: &n.sc, column: n.column, special: n.special}
	if err := n.stage.init(c, p.Qual, p.TargetList); err != nil {
		return nil, err
	}
	n.defers = true
	return n, n.prepare()
}

// column resolves references to the child's columns above the grouping.
func (n *aggNode) column(v *query.Var) (int, error) {
	if v.Varno != query.OuterVar || v.Varattno < 1 || v.Varattno > n.nChild {
		return 0, badVar(v)
	}
	for i, x := range n.extra {
		if x.child == v.Varattno-1 {
			return len(n.fns) + i, nil
		}
	}
	n.extra = append(n.extra, aggCol{child: v.Varattno - 1})
	return len(n.fns) + len(n.extra) - 1, nil
}

func (n *aggNode) special(e query.Expr) (int, bool) {
	switch e := e.(type) {
	case *query.Aggref:
		for i, f := range n.fns {
			if f.q == e || query.Equal(f.q, e) {
				return i, true
			}
		}
	case *query.GroupingFunc:
		n.extra = append(n.extra, aggCol{child: -1, refs: e.Refs})
		return len(n.fns) + len(n.extra) - 1, true
	}
	return 0, false
}

// prepare lays out the stage's input and the groups' memory.
func (n *aggNode) prepare() error {
	env := n.ex.env
	outs := n.child.types()
	childKinds, err := env.kinds(outs)
	if err != nil {
		return err
	}
	for _, f := range n.fns {
		n.kinds = append(n.kinds, f.kind)
	}
	n.storeCol = map[int]int{}
	for _, c := range n.p.GroupCols {
		if _, ok := n.storeCol[c-1]; !ok {
			n.storeCol[c-1] = len(n.needed)
		}
		n.needed = append(n.needed, c-1)
	}
	for _, x := range n.extra {
		if x.child < 0 {
			n.kinds = append(n.kinds, types.WordKind)
			continue
		}
		n.kinds = append(n.kinds, childKinds[x.child])
		if _, ok := n.storeCol[x.child]; !ok {
			n.storeCol[x.child] = len(n.needed)
			n.needed = append(n.needed, x.child)
		}
	}
	n.out = newBatch(n.kinds, 0)
	if n.p.GroupingSets == nil && (n.p.Strategy == plan.AggPlain || len(n.p.GroupCols) == 0) {
		return nil
	}
	storeKinds := make([]types.Kind, len(n.needed))
	for i, c := range n.needed {
		storeKinds[i] = childKinds[c]
	}
	hashed := n.p.GroupingSets != nil || n.p.Strategy != plan.AggSorted
	keys, err := env.keyColumns(outs, n.p.GroupCols, n.p.Colls, hashed)
	if err != nil {
		return err
	}
	if !hashed {
		return n.run1.init(n, keys, storeKinds)
	}
	if n.p.GroupingSets == nil {
		all := make([]int, len(keys))
		for i := range all {
			all[i] = i
		}
		n.sets = []*groupSet{n.newSet(all, keys, storeKinds)}
		return nil
	}
	for _, gs := range n.p.GroupingSets {
		n.sets = append(n.sets, n.newSet(gs, keys, storeKinds))
	}
	return nil
}

// groupSet are the groups of one grouping set.
type groupSet struct {
	n       *aggNode
	members []int // positions in GroupCols
	table   groupTable
	keyOf   []int // column of the table's store of each member
	stored  []int // of each entry of needed: column of the store
	fast    []fastAgg
	states  [][]aggState // by aggregate, then group; nil for fast ones
	gids    []uint32
	full    bool // no room for new groups: their rows wait on tapes
	tapes   []*tape
	at      int // group to give next
	memAcc  int64
	masks   []int64 // value of each GROUPING
	enc     []byte
	held    tally // of accumulators
}

func (n *aggNode) newSet(members []int, keys []keyColumn, storeKinds []types.Kind) *groupSet {
	s := &groupSet{n: n, members: members}
	// The store has the members first, then the other columns that are needed.
	var cols []int
	var kinds []types.Kind
	var ks []keyColumn
	s.stored = make([]int, len(n.needed))
	for i := range s.stored {
		s.stored[i] = -1
	}
	for _, m := range members {
		s.stored[m] = len(cols)
		cols, kinds, ks = append(cols, n.needed[m]), append(kinds, storeKinds[m]), append(ks, keys[m])
	}
	for i := len(n.p.GroupCols); i < len(n.needed); i++ {
		s.stored[i] = len(cols)
		cols, kinds = append(cols, n.needed[i]), append(kinds, storeKinds[i])
	}
	s.table.init(n.ex, ks, cols, kinds)
	s.fast = make([]fastAgg, len(n.fns))
	s.states = make([][]aggState, len(n.fns))
	for i, f := range n.fns {
		s.fast[i].kind = f.fast
	}
	for _, x := range n.extra {
		mask := int64(0)
		for _, r := range x.refs {
			mask <<= 1
			if !contains(members, n.refCol[r]) {
				mask |= 1
			}
		}
		s.masks = append(s.masks, mask)
	}
	return s
}

func contains(l []int, x int) bool {
	for _, v := range l {
		if v == x {
			return true
		}
	}
	return false
}

func (s *groupSet) reset() {
	s.held.done()
	many := len(s.table.hashes) > 1<<16
	s.table.reset()
	for i := range s.fast {
		s.fast[i].reset()
		if many {
			s.fast[i].w, s.fast[i].n, s.states[i] = nil, nil, nil
		}
		clear(s.states[i])
		s.states[i] = s.states[i][:0]
	}
	s.full, s.at, s.memAcc = false, 0, 0
}

// take accumulates the rows of the child's batch b.
func (s *groupSet) take(b *types.Batch) error {
	if len(s.gids) < b.N {
		s.gids = make([]uint32, max(64, b.N))
	}
	var h []uint64
	if len(s.table.keys) > 0 {
		h = s.table.hash(b)
	}
	for i := range b.Rows() {
		pos := b.Row(i)
		hash := uint64(0)
		if h != nil {
			hash = h[pos]
		}
		g, err := s.group(b, pos, hash)
		if err != nil {
			return err
		}
		s.gids[pos] = g
	}
	for i, f := range s.n.fns {
		if f.none() {
			continue
		}
		if f.fast != fastNone {
			var v *types.Vector
			if len(f.vecs) > 0 {
				v = f.vecs[0]
			}
			if err := s.fast[i].add(v, f.sel, b.N, s.gids); err != nil {
				return err
			}
			continue
		}
		if err := s.accumulate(f, s.states[i], b.N); err != nil {
			return err
		}
	}
	return s.checkMemory()
}

func (s *groupSet) accumulate(f *aggFn, states []aggState, n int) error {
	var err error
	each(f.sel, n, func(i int) {
		if g := s.gids[i]; g != noGroup && err == nil {
			err = f.addOne(&states[g], i)
		}
	})
	return err
}

// group finds or makes the group of a row; noGroup when the row has to wait.
func (s *groupSet) group(b *types.Batch, pos int, h uint64) (uint32, error) {
	if s.full {
		if g, ok := s.table.lookup(b, pos, h); ok {
			return g, nil
		}
		return noGroup, s.defer_(b, pos, h)
	}
	g, fresh := s.table.find(b, pos, h)
	if !fresh {
		return g, nil
	}
	return g, s.addGroup(pos)
}

func (s *groupSet) addGroup(pos int) error {
	for i, f := range s.n.fns {
		if f.fast != fastNone {
			s.fast[i].addGroup()
			continue
		}
		st, err := f.begin(s.n.ex, pos)
		if err != nil {
			return err
		}
		s.states[i] = append(s.states[i], st)
		s.memAcc += int64(st.acc.Size()) + 32
	}
	return nil
}

// spillTapes is the number of files that the rows of waiting groups are divided into.
const spillTapes = 16

// defer_ puts a row of a group that has no room on the tape of its part of the hashes.
func (s *groupSet) defer_(b *types.Batch, pos int, h uint64) error {
	if s.tapes == nil {
		s.tapes = make([]*tape, spillTapes)
	}
	k := int(h>>(60-4*uint(s.n.level%12))) & (spillTapes - 1)
	if s.tapes[k] == nil {
		s.tapes[k] = newTape(s.n.ex)
	}
	s.enc = encodeBatchRow(s.enc[:0], h, b.Cols, pos)
	return s.tapes[k].writeRow(s.enc)
}

// checkMemory stops making groups when they have outgrown their memory.
func (s *groupSet) checkMemory() error {
	accs, rows := s.grown()
	s.held.set(s.table.store.pool, int(accs)+16*len(s.fast)*len(s.table.hashes))
	if s.full || len(s.table.hashes) < 64 || len(s.table.keys) == 0 {
		return nil
	}
	mem := s.table.mem() + s.memAcc + accs + rows
	s.n.PeakKB = max(s.n.PeakKB, mem/1024)
	if mem > s.n.ex.env.hashMem()/int64(len(s.n.sets)) {
		s.full, s.n.Spilled = true, true
	}
	return nil
}

// grown estimates what accumulators hold, and the rows that wait to be sorted for them, from a few of them.
func (s *groupSet) grown() (accs, rows int64) {
	for _, st := range s.states {
		if len(st) == 0 {
			continue
		}
		a, r, step := int64(0), int64(0), max(1, len(st)/16)
		k := int64(0)
		for i := 0; i < len(st); i += step {
			a += int64(st[i].acc.Size())
			if st[i].rows != nil {
				r += st[i].rows.store.used()
			}
			k++
		}
		accs += a / k * int64(len(st))
		rows += r / k * int64(len(st))
	}
	return accs, rows
}

// aggSpill are rows of groups that had no room.
type aggSpill struct {
	set   int
	t     *tape
	level int
}

// collectSpills takes the tapes of all sets.
func (n *aggNode) collectSpills() {
	for i, s := range n.sets {
		for _, t := range s.tapes {
			if t != nil {
				n.spills = append(n.spills, aggSpill{i, t, n.level + 1})
			}
		}
		s.tapes = nil
	}
}

// load reads the whole input into groups.
func (n *aggNode) load() error {
	if err := n.hire(); err != nil {
		return err
	}
	for {
		b, err := n.child.next(BatchSize)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if err := n.feed(b, n.sets); err != nil {
			return err
		}
		if n.sets[0].full {
			if err := n.takeOver(); err != nil {
				return err
			}
		}
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return err
		}
	}
	if err := n.takeOver(); err != nil {
		return err
	}
	n.child.close()
	for _, s := range n.sets {
		if len(s.members) == 0 && len(s.table.hashes) == 0 && n.p.GroupingSets != nil {
			if err := s.emptyGroup(); err != nil {
				return err
			}
		}
	}
	n.collectSpills()
	n.ready = true
	n.Batches = 1
	n.keep.filled()
	return nil
}

// emptyGroup makes the group of the empty grouping set over no rows.
func (s *groupSet) emptyGroup() error {
	row, r := s.table.store.add()
	for c := range s.table.store.kinds {
		s.table.store.set(r, c, types.Null)
	}
	_ = row
	s.table.hashes = append(s.table.hashes, 0)
	return s.addGroup(-1)
}

// feed computes the aggregates' arguments over b and gives the rows to sets.
func (n *aggNode) feed(b *types.Batch, sets []*groupSet) error {
	n.insc.begin(b)
	for _, f := range n.fns {
		if err := f.prepare(b); err != nil {
			return err
		}
	}
	for _, s := range sets {
		if err := s.take(b); err != nil {
			return err
		}
	}
	return nil
}

// nextSpill loads the groups of one part of the rows that had to wait; false when there are none left.
func (n *aggNode) nextSpill() (bool, error) {
	if len(n.spills) == 0 {
		return false, nil
	}
	sp := n.spills[len(n.spills)-1]
	n.spills = n.spills[:len(n.spills)-1]
	defer sp.t.close()
	for _, s := range n.sets {
		s.reset()
	}
	n.level = sp.level
	n.Batches++
	if err := sp.t.rewind(); err != nil {
		return false, err
	}
	kinds, err := n.ex.env.kinds(n.child.types())
	if err != nil {
		return false, err
	}
	var rows rowStore
	rows.init(&n.ex.env.pool, kinds)
	defer rows.reset()
	b := newBatch(kinds, 0)
	for {
		rows.reset()
		for rows.n < BatchSize {
			enc, err := sp.t.readRow()
			if err != nil {
				return false, err
			}
			if enc == nil {
				break
			}
			rows.appendEncoded(enc)
		}
		if rows.n == 0 {
			break
		}
		rows.fill(b, 0, rows.n)
		if err := n.feed(b, n.sets[sp.set:sp.set+1]); err != nil {
			return false, err
		}
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return false, err
		}
	}
	n.collectSpills()
	return true, nil
}

func (n *aggNode) next(max int) (*types.Batch, error) {
	for {
		if n.deferred != nil {
			return nil, n.takeDeferred()
		}
		if n.ended {
			return nil, nil
		}
		b, err := n.groups(max)
		if err != nil {
			return nil, err
		}
		if b == nil {
			n.ended = true
			return nil, nil
		}
		out, err := n.run(b)
		if err != nil {
			return nil, err
		}
		if out.Rows() > 0 {
			return out, nil
		}
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
	}
}

// groups returns at most max groups, nil at the end.
func (n *aggNode) groups(max int) (*types.Batch, error) {
	switch {
	case n.run1.n != nil:
		return n.run1.next(max)
	case n.sets == nil:
		return n.plainGroup()
	}
	if !n.ready {
		if err := n.load(); err != nil {
			return nil, err
		}
	}
	for {
		for _, s := range n.sets {
			if s.at < len(s.table.hashes) {
				return n.give(s, max)
			}
		}
		ok, err := n.nextSpill()
		if !ok || err != nil {
			return nil, err
		}
	}
}

// give computes the results of at most max groups of a set.
func (n *aggNode) give(s *groupSet, max int) (*types.Batch, error) {
	k := min(max, len(s.table.hashes)-s.at)
	resetBatch(n.out, k)
	for i, f := range n.fns {
		v := n.out.Cols[i]
		for g := range k {
			var d types.Datum
			var err error
			if f.fast != fastNone {
				d, err = s.fast[i].result(s.at + g)
			} else {
				d, err = f.finish(&s.states[i][s.at+g])
			}
			if err != nil {
				return nil, err
			}
			v.Set(g, d)
		}
	}
	rows := make([]uint32, k)
	for g := range rows {
		rows[g] = uint32(s.at + g)
	}
	for i, x := range n.extra {
		v := n.out.Cols[len(n.fns)+i]
		if x.child < 0 {
			for g := range k {
				v.W[g] = uint64(s.masks[i])
			}
			continue
		}
		c := s.stored[n.storeCol[x.child]]
		if c < 0 {
			for g := range k {
				v.SetNull(g)
			}
			continue
		}
		s.table.store.gather(c, rows, v)
	}
	s.at += k
	n.out.N = k
	return n.out, nil
}

// plainGroup aggregates the whole input into one row.
func (n *aggNode) plainGroup() (*types.Batch, error) {
	if n.ready {
		return nil, nil
	}
	n.plain = n.plain[:0]
	if err := n.hire(); err != nil {
		return nil, err
	}
	var first rowStore
	if len(n.extra) > 0 {
		kinds, err := n.ex.env.kinds(n.child.types())
		if err != nil {
			return nil, err
		}
		first.init(&n.ex.env.pool, kinds)
		defer first.reset()
	}
	for {
		b, err := n.child.next(BatchSize)
		if err != nil {
			return nil, err
		}
		if b == nil {
			break
		}
		if err := n.plainBatch(b, &first); err != nil {
			return nil, err
		}
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
	}
	if err := n.takeOver(); err != nil {
		return nil, err
	}
	n.child.close()
	n.ready = true
	if len(n.plain) == 0 {
		if err := n.beginPlain(-1); err != nil {
			return nil, err
		}
	}
	resetBatch(n.out, 1)
	for i, f := range n.fns {
		d, err := f.finish(&n.plain[i])
		if err != nil {
			return nil, err
		}
		n.out.Cols[i].Set(0, d)
	}
	for i, x := range n.extra {
		d := types.Int(0)
		if x.child >= 0 {
			d = types.Null
			if first.n > 0 {
				d = first.get(0, x.child).Clone()
			}
		}
		n.out.Cols[len(n.fns)+i].Set(0, d)
	}
	n.out.N = 1
	return n.out, nil
}

func (n *aggNode) beginPlain(row int) error {
	n.plain = n.plain[:0]
	for _, f := range n.fns {
		st, err := f.begin(n.ex, row)
		if err != nil {
			return err
		}
		n.plain = append(n.plain, st)
	}
	return nil
}

func (n *aggNode) plainBatch(b *types.Batch, first *rowStore) error {
	n.insc.begin(b)
	if len(n.extra) > 0 && first.n == 0 {
		first.appendRow(b, b.Row(0))
	}
	if len(n.plain) == 0 {
		if err := n.beginPlain(b.Row(0)); err != nil {
			return err
		}
	}
	for i, f := range n.fns {
		if err := f.prepare(b); err != nil {
			return err
		}
		if f.none() {
			continue
		}
		if err := f.addRows(&n.plain[i], f.sel, b.N); err != nil {
			return err
		}
	}
	n.held.set(&n.ex.env.pool, sizeOf(n.plain))
	return nil
}

// sizeOf returns what accumulators hold.
func sizeOf(states []aggState) int {
	sum := 0
	for i := range states {
		if a := states[i].acc; a != nil {
			sum += a.Size()
		}
	}
	return sum
}

func (n *aggNode) rescan() error {
	n.rescanInit()
	n.ended, n.deferred = false, nil
	if n.ready && n.sets != nil && n.keep.valid() && !n.Spilled && !n.hasOrdered() {
		for _, s := range n.sets {
			s.at = 0
		}
		return nil
	}
	n.clearGroups()
	return n.child.rescan()
}

func (n *aggNode) hasOrdered() bool {
	for _, f := range n.fns {
		if f.ordered {
			return true
		}
	}
	return false
}

func (n *aggNode) clearGroups() {
	n.crew.stop()
	n.held.done()
	n.ready, n.level, n.Spilled = false, 0, false
	for _, s := range n.sets {
		s.reset()
		for _, t := range s.tapes {
			if t != nil {
				t.close()
			}
		}
		s.tapes = nil
	}
	for _, sp := range n.spills {
		sp.t.close()
	}
	n.spills = n.spills[:0]
	for i := range n.plain {
		if r := n.plain[i].rows; r != nil {
			r.reset()
		}
	}
	clear(n.plain)
	n.plain = n.plain[:0]
	n.run1.reset()
}

func (n *aggNode) close() {
	n.clearGroups()
	n.keep.full = false
	n.child.close()
}
