package executor

import (
	"gompho/sql/plan"
	"gompho/types"
)

// sortNode sorts its input.
type sortNode struct {
	oneChild
	sorter
	keep  keeper
	bound int64
	had   int64 // bound that the kept rows were sorted with
	ready bool
	batch *types.Batch
	rows  []uint32
	// for EXPLAIN
	Method string
	KB     int64
	Disk   bool
}

func (ex *Exec) makeSort(p *plan.Sort) (node, error) {
	n := &sortNode{}
	if err := n.setupChild(ex, &p.Plan); err != nil {
		return nil, err
	}
	n.keep = keeper{ex: ex, p: p}
	return n, n.prepare(p.Keys)
}

func (n *sortNode) prepare(keys []plan.SortKey) error {
	env := n.oneChild.ex.env
	kinds, err := env.kinds(n.child.types())
	if err != nil {
		return err
	}
	ks, err := env.sortKeys(keys, n.child.types())
	if err != nil {
		return err
	}
	n.sorter.init(n.oneChild.ex, ks, kinds)
	n.batch = newBatch(kinds, 0)
	return nil
}

func (n *sortNode) load() error {
	n.sorter.begin(n.bound)
	for {
		b, err := n.child.next(BatchSize)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if err := n.sorter.add(b); err != nil {
			return err
		}
		if err := n.oneChild.ex.env.Slot.CheckInterrupts(); err != nil {
			return err
		}
	}
	n.child.close()
	if err := n.sorter.finish(); err != nil {
		return err
	}
	n.ready, n.had = true, n.bound
	n.keep.filled()
	n.report()
	return nil
}

func (n *sortNode) report() {
	n.Method, n.KB, n.Disk = "quicksort", (n.peak+1023)/1024, false
	switch {
	case len(n.runs) > 0:
		n.Method, n.KB, n.Disk = "external merge", (n.onDisk+1023)/1024, true
	case n.sorter.bound > 0 && n.trimmed:
		n.Method = "top-N heapsort"
	}
}

func (n *sortNode) next(max int) (*types.Batch, error) {
	if !n.ready {
		if err := n.load(); err != nil {
			return nil, err
		}
	}
	if len(n.rows) < max {
		n.rows = make([]uint32, max)
	}
	k, err := n.sorter.read(max, n.batch, n.rows)
	if k == 0 || err != nil {
		return nil, err
	}
	return n.run(n.batch)
}

func (n *sortNode) rescan() error {
	if n.ready && n.keep.valid() && (n.had == 0 || n.had == n.bound) {
		return n.sorter.rewind()
	}
	n.ready = false
	n.sorter.reset()
	return n.oneChild.rescan()
}

func (n *sortNode) close() {
	n.ready, n.keep.full = false, false
	n.sorter.reset()
	n.oneChild.close()
}

// incSortNode sorts groups of rows that are sorted by the first keys already.
type incSortNode struct {
	oneChild
	sorter
	presorted []keyColumn
	preCols   []int
	bound     int64
	first     rowStore // the first row of the group being collected
	have      bool
	pending   *types.Batch // input not yet taken, from position at on
	at        int
	ended     bool
	reading   bool
	given     int64
	batch     *types.Batch
	rows      []uint32
	Groups    int
}

func (ex *Exec) makeIncrementalSort(p *plan.IncrementalSort) (node, error) {
	n := &incSortNode{}
	if err := n.setupChild(ex, &p.Plan); err != nil {
		return nil, err
	}
	outs := n.child.types()
	kinds, err := ex.env.kinds(outs)
	if err != nil {
		return nil, err
	}
	ks, err := ex.env.sortKeys(p.Keys, outs)
	if err != nil {
		return nil, err
	}
	n.sorter.init(ex, ks, kinds)
	n.first.init(&ex.env.pool, kinds)
	n.batch = newBatch(kinds, 0)
	for _, k := range p.Keys[:p.Presorted] {
		n.preCols = append(n.preCols, k.Col)
	}
	n.presorted, err = ex.env.keyColumns(outs, n.preCols, nil, false)
	return n, err
}

// collect reads the next group.
func (n *incSortNode) collect() error {
	bound := int64(0)
	if n.bound > 0 {
		bound = max(1, n.bound-n.given)
	}
	n.sorter.begin(bound)
	n.first.reset()
	n.Groups++
	for {
		if n.pending == nil {
			b, err := n.child.next(BatchSize)
			if err != nil {
				return err
			}
			if b == nil {
				n.ended = true
				break
			}
			n.pending, n.at = b, 0
		}
		whole, err := n.takeGroup()
		if err != nil {
			return err
		}
		if whole {
			break
		}
		if err := n.oneChild.ex.env.Slot.CheckInterrupts(); err != nil {
			return err
		}
	}
	n.reading = true
	return n.sorter.finish()
}

// takeGroup takes rows of the pending input that belong to the group; true when a row of the next group follows.
func (n *incSortNode) takeGroup() (bool, error) {
	b := n.pending
	for ; n.at < b.Rows(); n.at++ {
		pos := b.Row(n.at)
		if n.first.n == 0 {
			n.first.appendRow(b, pos)
		} else if !n.same(b, pos) {
			return true, nil
		}
		n.sorter.store.appendRow(b, pos)
	}
	n.pending = nil
	if n.sorter.store.used() > n.sorter.limit {
		return false, n.sorter.spill()
	}
	return false, nil
}

func (n *incSortNode) same(b *types.Batch, pos int) bool {
	for i, c := range n.preCols {
		if !n.presorted[i].equalStored(b.Cols[c-1], pos, &n.first, 0, c-1) {
			return false
		}
	}
	return true
}

func (n *incSortNode) next(max int) (*types.Batch, error) {
	for {
		if !n.reading {
			if n.ended && n.pending == nil {
				return nil, nil
			}
			if err := n.collect(); err != nil {
				return nil, err
			}
		}
		if len(n.rows) < max {
			n.rows = make([]uint32, max)
		}
		k, err := n.sorter.read(max, n.batch, n.rows)
		if err != nil {
			return nil, err
		}
		if k > 0 {
			n.given += int64(k)
			return n.run(n.batch)
		}
		n.reading = false
	}
}

func (n *incSortNode) rescan() error {
	n.clearState()
	return n.oneChild.rescan()
}

func (n *incSortNode) clearState() {
	n.sorter.reset()
	n.first.reset()
	n.pending, n.at, n.ended, n.reading, n.given = nil, 0, false, false, 0
}

func (n *incSortNode) close() {
	n.clearState()
	n.oneChild.close()
}

// mergeAppendNode merges sorted children.
type mergeAppendNode struct {
	nodeBase
	stage
	children []node
	keys     []sortKey
	heads    []mergeHead
	prune    *pruning
	started  bool
	store    rowStore
	batch    *types.Batch
}

// mergeHead is the row that a child stands at.
type mergeHead struct {
	b  *types.Batch
	at int
}

func (ex *Exec) makeMergeAppend(p *plan.MergeAppend) (node, error) {
	children, err := ex.buildAll(p.Children)
	if err != nil {
		return nil, err
	}
	n := &mergeAppendNode{children: children, heads: make([]mergeHead, len(children))}
	if n.prune, err = ex.newPruning(p, p.Prune, len(children)); err != nil {
		return nil, err
	}
	ins := children[0].types()
	n.setup(ex, &p.Plan, ins)
	c := &compiler{ex: ex, sc: &n.sc, column: outerColumn(len(ins))}
	if err := n.stage.init(c, p.Qual, directTargets(p.TargetList, len(ins))); err != nil {
		return nil, err
	}
	kinds, err := ex.env.kinds(ins)
	if err != nil {
		return nil, err
	}
	n.store.init(&ex.env.pool, kinds)
	n.batch = newBatch(kinds, 0)
	n.keys, err = ex.env.sortKeys(p.Keys, ins)
	return n, err
}

func (n *mergeAppendNode) advance(i, max int) error {
	h := &n.heads[i]
	if h.b != nil {
		if h.at++; h.at < h.b.Rows() {
			return nil
		}
	}
	b, err := n.children[i].next(max)
	h.b, h.at = b, 0
	return err
}

func (n *mergeAppendNode) next(max int) (*types.Batch, error) {
	if !n.started {
		if n.prune != nil {
			if err := n.prune.look(); err != nil {
				return nil, err
			}
		}
		for i := range n.children {
			n.heads[i] = mergeHead{}
			if n.prune != nil && !n.prune.now.Has(i) {
				continue
			}
			if err := n.advance(i, max); err != nil {
				return nil, err
			}
		}
		n.started = true
	}
	n.store.reset()
	for n.store.n < max {
		best := -1
		for i := range n.heads {
			if n.heads[i].b != nil && (best < 0 || n.less(i, best)) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		h := &n.heads[best]
		n.store.appendRow(h.b, h.b.Row(h.at))
		if err := n.advance(best, max); err != nil {
			return nil, err
		}
	}
	if n.store.n == 0 {
		return nil, nil
	}
	n.store.fill(n.batch, 0, n.store.n)
	return n.run(n.batch)
}

func (n *mergeAppendNode) less(i, j int) bool {
	a, b := &n.heads[i], &n.heads[j]
	x, y := a.b.Row(a.at), b.b.Row(b.at)
	for k := range n.keys {
		key := &n.keys[k]
		if c := key.compareDatums(a.b.Cols[key.col].Get(x), b.b.Cols[key.col].Get(y)); c != 0 {
			return c < 0
		}
	}
	return false
}

func (n *mergeAppendNode) rescan() error {
	n.rescanInit()
	n.started, n.deferred = false, nil
	if n.prune != nil {
		n.prune.looked = false
	}
	return rescanAll(n.children)
}

func (n *mergeAppendNode) close() {
	n.store.reset()
	closeAll(n.children)
}
