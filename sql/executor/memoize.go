package executor

import (
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// memoizeNode caches the rows of its child by the values of the parameters that the child depends on.
type memoizeNode struct {
	oneChild
	keys    scope
	exprs   []expr
	hash    []func(types.Datum) uint64
	cols    []keyColumn
	entries map[uint64][]*memoEntry
	cur     *memoEntry
	pos     int
	hit     bool
	filling bool
	begun   bool
	vals    []types.Datum
	mem     int64
	oldest  *memoEntry // entries in the order of last use
	newest  *memoEntry
	batch   *types.Batch
	kinds   []types.Kind
	at      uint64
	others  []int // params besides the keys
	known   bool
	p       *plan.Memoize
	// for EXPLAIN
	Hits, Misses, Evictions, Overflows, PeakKB int64
}

// memoEntry are the rows for one set of values.
type memoEntry struct {
	hash       uint64
	vals       []types.Datum
	rows       rowStore
	complete   bool
	mem        int64
	prev, next *memoEntry
}

func (ex *Exec) makeMemoize(p *plan.Memoize) (node, error) {
	n := &memoizeNode{entries: map[uint64][]*memoEntry{}, p: p}
	n.keys.ex = ex
	if err := n.setupChild(ex, &p.Plan); err != nil {
		return nil, err
	}
	c := &compiler{ex: ex, sc: &n.keys}
	var err error
	if n.exprs, err = c.list(p.Keys); err != nil {
		return nil, err
	}
	for i, k := range p.Keys {
		coll := k.Collation()
		if i < len(p.Colls) {
			coll = p.Colls[i]
		}
		kc, err := ex.env.keyColumn(k.Type(), coll, true)
		if err != nil {
			return nil, err
		}
		n.cols = append(n.cols, kc)
		n.hash = append(n.hash, kc.hash)
	}
	n.vals = make([]types.Datum, len(p.Keys))
	if n.kinds, err = ex.env.kinds(n.child.types()); err != nil {
		return nil, err
	}
	n.batch = newBatch(n.kinds, 0)
	return n, nil
}

// begin looks the current values up.
func (n *memoizeNode) begin() error {
	n.begun = true
	n.purge()
	n.keys.begin(nil)
	h := uint64(0)
	for i, e := range n.exprs {
		d, err := e.scalar(0)
		if err != nil {
			return err
		}
		n.vals[i] = d
		if d.IsNull() {
			h = types.CombineHash(h, nullHash)
		} else {
			h = types.CombineHash(h, n.hash[i](d))
		}
	}
	n.pos = 0
	for _, e := range n.entries[h] {
		if e.complete && n.same(e) {
			n.cur, n.hit, n.filling = e, true, false
			n.touch(e)
			n.Hits++
			return nil
		}
	}
	n.Misses++
	n.hit, n.filling = false, true
	e := &memoEntry{hash: h, vals: make([]types.Datum, len(n.vals))}
	for i, v := range n.vals {
		e.vals[i] = v.Clone()
	}
	e.rows.init(&n.ex.env.pool, n.kinds)
	n.cur = e
	return n.child.rescan()
}

// purge drops everything when a parameter that is no key has changed.
func (n *memoizeNode) purge() {
	if !n.known {
		n.known = true
		keys := map[int]bool{}
		for _, k := range n.p.Keys {
			query.WalkExpr(k, func(x query.Node) bool {
				if p, ok := x.(*query.Param); ok && p.Kind == query.ParamExec {
					keys[p.ID] = true
				}
				return true
			})
		}
		for _, id := range n.ex.dependsOn(n.p.Left) {
			if !keys[id] {
				n.others = append(n.others, id)
			}
		}
	}
	if len(n.entries) > 0 && (n.at < n.ex.epoch || n.ex.stale(n.others, n.at)) {
		n.dropAll()
	}
	if len(n.entries) == 0 {
		n.at = n.ex.clock
	}
}

func (n *memoizeNode) same(e *memoEntry) bool {
	for i := range n.vals {
		if !n.cols[i].equalDatums(n.vals[i], e.vals[i]) {
			return false
		}
	}
	return true
}

func (n *memoizeNode) next(max int) (*types.Batch, error) {
	if !n.begun {
		if err := n.begin(); err != nil {
			return nil, err
		}
	}
	if n.hit {
		k := min(max, n.cur.rows.n-n.pos)
		if k <= 0 {
			return nil, nil
		}
		n.cur.rows.fill(n.batch, uint32(n.pos), k)
		n.pos += k
		return n.run(n.batch)
	}
	b, err := n.child.next(max)
	if err != nil {
		return nil, err
	}
	if b == nil {
		if n.filling {
			n.keepEntry()
		}
		return nil, nil
	}
	if n.filling {
		n.cur.rows.appendBatch(b)
		if n.cur.rows.n > 1<<16 || n.cur.rows.used() > n.ex.env.hashMem() {
			n.Overflows++
			n.cur.rows.reset()
			n.filling = false
		}
	}
	return n.run(b)
}

// keepEntry files the entry that is complete now, and makes room by dropping those used longest ago.
func (n *memoizeNode) keepEntry() {
	e := n.cur
	n.filling = false
	e.complete = true
	e.rows.fit()
	e.mem = e.rows.held() + 128
	n.entries[e.hash] = append(n.entries[e.hash], e)
	n.push(e)
	n.mem += e.mem
	n.PeakKB = max(n.PeakKB, (n.mem+1023)/1024)
	for n.mem > n.ex.env.hashMem() && n.oldest != nil && n.oldest != e {
		n.Evictions++
		n.drop(n.oldest)
	}
}

func (n *memoizeNode) push(e *memoEntry) {
	e.prev, e.next = n.newest, nil
	if n.newest != nil {
		n.newest.next = e
	} else {
		n.oldest = e
	}
	n.newest = e
}

func (n *memoizeNode) unlink(e *memoEntry) {
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		n.oldest = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	} else {
		n.newest = e.prev
	}
}

func (n *memoizeNode) touch(e *memoEntry) {
	if n.newest != e {
		n.unlink(e)
		n.push(e)
	}
}

func (n *memoizeNode) drop(e *memoEntry) {
	n.unlink(e)
	n.mem -= e.mem
	e.rows.reset()
	l := n.entries[e.hash]
	for i, x := range l {
		if x == e {
			l = append(l[:i], l[i+1:]...)
			break
		}
	}
	if len(l) == 0 {
		delete(n.entries, e.hash)
	} else {
		n.entries[e.hash] = l
	}
}

func (n *memoizeNode) dropAll() {
	for n.oldest != nil {
		n.drop(n.oldest)
	}
	n.mem = 0
}

// unfinished gives up the entry that is being filled.
func (n *memoizeNode) unfinished() {
	if n.filling && n.cur != nil {
		n.cur.rows.reset()
	}
	n.cur, n.filling, n.begun, n.hit = nil, false, false, false
}

func (n *memoizeNode) rescan() error {
	n.rescanInit()
	n.unfinished()
	return nil
}

func (n *memoizeNode) close() {
	n.unfinished()
	n.dropAll()
	n.oneChild.close()
}
