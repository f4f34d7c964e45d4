package executor

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

func missingUnion() error { return pgerr.Internal("working table without its recursive query") }

// groupTable numbers groups of rows with equal keys: an open hash table over the keys, which a row store keeps.
type groupTable struct {
	store   rowStore // key columns first
	keys    []keyColumn
	cols    []int // the input's columns, from 0, of the store's first columns: keys, then others of a group's first row
	slots   []uint32
	mask    uint64
	hashes  []uint64 // of each group
	scratch []uint64
	index   tally // of slots and hashes
}

func (g *groupTable) init(ex *Exec, keys []keyColumn, cols []int, kinds []types.Kind) {
	g.keys, g.cols = keys, cols
	g.store.init(&ex.env.pool, kinds)
}

func (g *groupTable) reset() {
	g.store.reset()
	g.index.done()
	if len(g.slots) > 1<<16 {
		g.slots, g.mask, g.hashes = nil, 0, nil
	}
	g.hashes = g.hashes[:0]
	clear(g.slots)
}

func (g *groupTable) mem() int64 {
	return g.store.used() + int64(len(g.slots))*4 + int64(len(g.hashes))*8
}

// hash computes the hashes of the rows of b by position.
func (g *groupTable) hash(b *types.Batch) []uint64 {
	if len(g.scratch) < b.N {
		g.scratch = make([]uint64, max(b.N, 64))
	}
	for i := range g.keys {
		g.keys[i].hashVector(b.Cols[g.cols[i]], b.Sel, b.N, g.scratch, i == 0)
	}
	return g.scratch
}

// find returns the group of position pos of b, whose hash is h; fresh: it was made now.
func (g *groupTable) find(b *types.Batch, pos int, h uint64) (group uint32, fresh bool) {
	if 2*(len(g.hashes)+1) > len(g.slots) {
		g.grow()
	}
	for i := h & g.mask; ; i = (i + 1) & g.mask {
		s := g.slots[i]
		if s == 0 {
			g.slots[i] = uint32(len(g.hashes)) + 1
			return g.insert(b, pos, h), true
		}
		if g.hashes[s-1] == h && g.equal(b, pos, s-1) {
			return s - 1, false
		}
	}
}

// lookup is find without making a group.
func (g *groupTable) lookup(b *types.Batch, pos int, h uint64) (group uint32, ok bool) {
	if len(g.slots) == 0 {
		return 0, false
	}
	for i := h & g.mask; ; i = (i + 1) & g.mask {
		s := g.slots[i]
		if s == 0 {
			return 0, false
		}
		if g.hashes[s-1] == h && g.equal(b, pos, s-1) {
			return s - 1, true
		}
	}
}

func (g *groupTable) insert(b *types.Batch, pos int, h uint64) uint32 {
	row, r := g.store.add()
	clear(r[:g.store.nullWords])
	for c, in := range g.cols {
		g.store.setFrom(r, c, b.Cols[in], pos)
	}
	g.hashes = append(g.hashes, h)
	return row
}

func (g *groupTable) equal(b *types.Batch, pos int, group uint32) bool {
	for i := range g.keys {
		if !g.keys[i].equalStored(b.Cols[g.cols[i]], pos, &g.store, group, i) {
			return false
		}
	}
	return true
}

func (g *groupTable) grow() {
	n := max(64, 4*len(g.hashes))
	size := 64
	for size < n {
		size *= 2
	}
	g.index.set(g.store.pool, size*4+size/2*8)
	g.slots = make([]uint32, size)
	g.mask = uint64(size - 1)
	for k, h := range g.hashes {
		i := h & g.mask
		for g.slots[i] != 0 {
			i = (i + 1) & g.mask
		}
		g.slots[i] = uint32(k) + 1
	}
}

// distinctSet tells which rows have not been seen before.
type distinctSet struct{ groupTable }

func (ex *Exec) newDistinctSet(outs []ids.Oid, cols []int, colls []ids.Oid) (*distinctSet, error) {
	d := &distinctSet{}
	keys, err := ex.env.keyColumns(outs, cols, colls, true)
	if err != nil {
		return nil, err
	}
	kinds, in := make([]types.Kind, len(cols)), make([]int, len(cols))
	for i, c := range cols {
		in[i] = c - 1
		if kinds[i], err = ex.env.kind(outs[c-1]); err != nil {
			return nil, err
		}
	}
	d.init(ex, keys, in, kinds)
	return d, nil
}

// fresh returns the rows of b with new keys, in buf's memory.
func (d *distinctSet) fresh(b *types.Batch, buf []int32) []int32 {
	buf = buf[:0]
	h := d.hash(b)
	for i := range b.Rows() {
		pos := b.Row(i)
		if _, isNew := d.find(b, pos, h[pos]); isNew {
			buf = append(buf, int32(pos))
		}
	}
	return buf
}

// uniqueNode drops adjacent duplicates of sorted input; group does the same by other columns than it returns.
type uniqueNode struct {
	oneChild
	cols []int
	keys []keyColumn
	last rowStore
	sel2 []int32
	view types.Batch
}

func (ex *Exec) makeUnique(p *plan.Unique) (node, error) {
	return ex.makeAdjacent(&p.Plan, p.Cols, p.Colls)
}

func (ex *Exec) makeGroup(p *plan.Group) (node, error) {
	return ex.makeAdjacent(&p.Plan, p.GroupCols, p.Colls)
}

func (ex *Exec) makeAdjacent(p *plan.Plan, cols []int, colls []ids.Oid) (node, error) {
	n := &uniqueNode{cols: cols}
	if err := n.setupChild(ex, p); err != nil {
		return nil, err
	}
	kinds, err := ex.env.kinds(n.child.types())
	if err != nil {
		return nil, err
	}
	n.last.init(&ex.env.pool, kinds)
	n.keys, err = ex.env.keyColumns(n.child.types(), cols, colls, false)
	return n, err
}

func (n *uniqueNode) next(max int) (*types.Batch, error) {
	for {
		b, err := n.child.next(max)
		if b == nil || err != nil {
			return nil, err
		}
		n.sel2 = n.sel2[:0]
		prev := -1
		for i := range b.Rows() {
			pos := b.Row(i)
			if !n.same(b, pos, prev) {
				n.sel2 = append(n.sel2, int32(pos))
			}
			prev = pos
		}
		n.last.rewindRows()
		n.last.appendRow(b, prev)
		if len(n.sel2) == 0 {
			if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
				return nil, err
			}
			continue
		}
		n.view = types.Batch{Cols: b.Cols, N: b.N, Sel: n.sel2}
		out, err := n.run(&n.view)
		if err != nil {
			return nil, err
		}
		if out.Rows() > 0 {
			return out, nil
		}
	}
}

// same compares a row with the one before it: at position prev, or kept from the batch before when prev is negative.
func (n *uniqueNode) same(b *types.Batch, pos, prev int) bool {
	if prev < 0 && n.last.n == 0 {
		return false
	}
	for i, c := range n.cols {
		v := b.Cols[c-1]
		if prev >= 0 {
			if !n.keys[i].equalRows(v, pos, v, prev) {
				return false
			}
		} else if !n.keys[i].equalStored(v, pos, &n.last, 0, c-1) {
			return false
		}
	}
	return true
}

func (n *uniqueNode) rescan() error {
	n.last.reset()
	return n.oneChild.rescan()
}

func (n *uniqueNode) close() {
	n.last.reset()
	n.oneChild.close()
}

// setOpNode is INTERSECT or EXCEPT: it counts the rows of each side in every group of equal rows. Of input that is sorted it keeps some groups at a time; else
// all that the left side has, whose rows come first.
type setOpNode struct {
	oneChild
	op      query.SetOp
	all     bool
	flagCol int
	table   groupTable
	left    []int64 // rows of each side by group
	right   []int64
	counts  tally // of left and right
	hashed  bool
	pending *types.Batch // sorted input that is not counted yet, from row from on
	from    int
	ended   bool // there is no more input
	built   bool
	at      int // group that is being given
	repeat  int64
	rows    []uint32
	batch   *types.Batch
	nCols   int
	whole   *types.Batch // the child's columns for the target list
	outCol  []int        // store column of each child column, -1: the flag
}

func (ex *Exec) makeSetOp(p *plan.SetOp) (node, error) {
	n := &setOpNode{op: p.Op, all: p.All, flagCol: p.FlagCol, hashed: p.Hashed}
	if err := n.setupChild(ex, &p.Plan); err != nil {
		return nil, err
	}
	outs := n.child.types()
	keys, err := ex.env.keyColumns(outs, p.Cols, p.Colls, true)
	if err != nil {
		return nil, err
	}
	cols := make([]int, 0, len(outs))
	n.outCol = make([]int, len(outs))
	for i := range n.outCol {
		n.outCol[i] = -1
	}
	for _, c := range p.Cols {
		n.outCol[c-1] = len(cols)
		cols = append(cols, c-1)
	}
	for c := range outs {
		if n.outCol[c] < 0 && c != p.FlagCol-1 {
			n.outCol[c] = len(cols)
			cols = append(cols, c)
		}
	}
	all, err := ex.env.kinds(outs)
	if err != nil {
		return nil, err
	}
	kinds := make([]types.Kind, len(cols))
	for i, c := range cols {
		kinds[i] = all[c]
	}
	n.table.init(ex, keys, cols, kinds)
	n.whole = newBatch(all, 0)
	return n, nil
}

// load counts the rows of groups: of all of them, or of sorted input of so many that it is worth the while.
func (n *setOpNode) load() error {
	n.table.reset()
	n.left, n.right = n.left[:0], n.right[:0]
	for full := false; !full; {
		if n.pending == nil {
			b, err := n.child.next(BatchSize)
			if err != nil {
				return err
			}
			if b == nil {
				n.ended = true
				n.child.close()
				break
			}
			n.pending, n.from = b, 0
		}
		full = n.count()
		n.counts.set(&n.ex.env.pool, 16*cap(n.left))
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return err
		}
	}
	n.built, n.at, n.repeat = true, 0, 0
	return nil
}

// count takes the rows of the pending batch; it stops before the first row of a new group when the groups of sorted input are enough.
func (n *setOpNode) count() (full bool) {
	b := n.pending
	h := n.table.hash(b)
	flags := b.Cols[n.flagCol-1]
	for ; n.from < b.Rows(); n.from++ {
		pos := b.Row(n.from)
		right := flags.W[pos] != 0
		g, ok := n.table.lookup(b, pos, h[pos])
		if !ok {
			if right { // a group without rows of the left side gives none
				continue
			}
			if !n.hashed && len(n.left) >= BatchSize {
				return true
			}
			g, _ = n.table.find(b, pos, h[pos])
			n.left, n.right = append(n.left, 0), append(n.right, 0)
		}
		if right {
			n.right[g]++
		} else {
			n.left[g]++
		}
	}
	n.pending = nil
	return false
}

// times returns how often a group appears in the result.
func (n *setOpNode) times(g int) int64 {
	l, r := n.left[g], n.right[g]
	switch {
	case n.op == query.SetOpIntersect && n.all:
		return min(l, r)
	case n.op == query.SetOpIntersect:
		return min(l, r, 1)
	case n.all:
		return max(0, l-r)
	case r > 0:
		return 0
	}
	return min(l, 1)
}

func (n *setOpNode) next(max int) (*types.Batch, error) {
	for n.rows = n.rows[:0]; len(n.rows) == 0; {
		if n.built && n.at >= len(n.left) && n.ended {
			return nil, nil
		}
		if !n.built || n.at >= len(n.left) {
			if err := n.load(); err != nil {
				return nil, err
			}
		}
		for len(n.rows) < max && n.at < len(n.left) {
			if n.repeat < n.times(n.at) {
				n.rows = append(n.rows, uint32(n.at))
				n.repeat++
				continue
			}
			n.at++
			n.repeat = 0
		}
	}
	for c, v := range n.whole.Cols {
		if s := n.outCol[c]; s >= 0 {
			n.table.store.gather(s, n.rows, v)
			continue
		}
		v.Reset()
		v.Grow(len(n.rows))
		v.Len = len(n.rows)
		clear(v.W[:len(n.rows)])
	}
	n.whole.N, n.whole.Sel = len(n.rows), nil
	return n.run(n.whole)
}

func (n *setOpNode) clearGroups() {
	n.built, n.ended, n.pending = false, false, nil
	n.table.reset()
	n.counts.done()
	if cap(n.left) > 1<<16 {
		n.left, n.right = nil, nil
	}
}

func (n *setOpNode) rescan() error {
	n.clearGroups()
	return n.oneChild.rescan()
}

func (n *setOpNode) close() {
	n.clearGroups()
	n.oneChild.close()
}
