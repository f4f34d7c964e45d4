package executor

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// hashJoin keeps the inner rows in a hash table and looks the outer rows up in it.
//
// When the table outgrows its memory the rows are divided into batches by their hashes: batch 0 stays, the
// others go to temporary files with the outer rows that belong to them, and are joined one after the other.
type hashJoin struct {
	joinBase
	hashInst  *Instrumentation
	keep      keeper
	unique    bool
	outerKeys []expr
	innerKeys []expr
	osc, isc  scope
	keys      []keyColumn
	keyCols   []int // columns of the store with the inner keys
	nInner    int

	store   rowStore
	hashes  []uint64
	next_   []uint32 // chain: the next row of the bucket, plus one
	buckets []uint32
	mask    uint64
	built   bool

	nbatch, batch int
	nbuilt        int // nbatch when the inner side was read
	innerTapes    []*tape
	outerTapes    []*tape
	stuck         bool // dividing further does not help
	enc           []byte
	chains        tally // of hashes, next_ and buckets

	ob       *types.Batch
	at       int
	chain    uint32 // candidate to look at next for the current outer row, plus one; 0: none
	probing  bool
	oh       []uint64
	onull    []bool
	kv       []*types.Vector
	fromTape rowStore
	tapeRows *types.Batch
	outerEnd bool
	dump     uint32 // next inner row to look at for rows without a match
	dumping  bool
	exact    bool
	// for EXPLAIN
	Buckets, Batches int
	PeakKB           int64
}

func (ex *Exec) makeHashJoin(p *plan.HashJoin) (node, error) {
	n := &hashJoin{unique: p.InnerUnique, nbatch: 1}
	var err error
	if n.outer, err = ex.build(p.Left); err != nil {
		return nil, err
	}
	hash, ok := p.Right.(*plan.Hash)
	if !ok {
		return nil, pgerr.Internal("inner side of a hash join is a %T", p.Right)
	}
	if n.inner, err = ex.build(hash.Left); err != nil {
		return nil, err
	}
	if n.hashInst = ex.instrumentation(hash); n.hashInst != nil {
		n.hashInst.Node = n
	}
	n.keep = keeper{ex: ex, p: p.Right}
	if err := n.setupJoin(ex, &p.Plan, &p.Join); err != nil {
		return nil, err
	}
	n.exact = ex.isExact(p.Left)
	return n, n.setupKeys(p)
}

func (n *hashJoin) setupKeys(p *plan.HashJoin) error {
	ex := n.ex
	n.osc.ex, n.isc.ex = ex, ex
	outs := n.outer.types()
	ins := n.inner.types()
	n.nInner = len(ins)
	kinds, err := ex.env.kinds(ins)
	if err != nil {
		return err
	}
	oc := &compiler{ex: ex, sc: &n.osc, column: outerColumn(len(outs))}
	ic := &compiler{ex: ex, sc: &n.isc, column: func(v *query.Var) (int, error) {
		if v.Varattno < 1 || v.Varattno > len(ins) || v.Varno > 0 {
			return 0, badVar(v)
		}
		return v.Varattno - 1, nil
	}}
	if n.outerKeys, err = oc.list(p.OuterKeys); err != nil {
		return err
	}
	if n.innerKeys, err = ic.list(p.InnerKeys); err != nil {
		return err
	}
	for i, k := range p.InnerKeys {
		coll := ids.Oid(0)
		if i < len(p.HashColls) {
			coll = p.HashColls[i]
		}
		kc, err := ex.env.keyColumn(k.Type(), coll, true)
		if err != nil {
			return err
		}
		n.keys = append(n.keys, kc)
		if c, ok := n.innerKeys[i].(*colExpr); ok {
			n.keyCols = append(n.keyCols, c.col)
			continue
		}
		kind, err := ex.env.kind(k.Type())
		if err != nil {
			return err
		}
		n.keyCols = append(n.keyCols, len(kinds))
		kinds = append(kinds, kind)
	}
	n.kv = make([]*types.Vector, len(n.keys))
	n.store.init(&ex.env.pool, kinds)
	okinds, err := ex.env.kinds(outs)
	n.fromTape.init(&ex.env.pool, okinds)
	n.tapeRows = newBatch(okinds, 0)
	return err
}

// memLimit is what the table may take.
func (n *hashJoin) memLimit() int64 { return n.ex.env.hashMem() }

// hashKeys computes the keys of a batch's rows, their hashes by position, and which of them have a NULL.
func (n *hashJoin) hashKeys(sc *scope, keys []expr, b *types.Batch) error {
	sc.begin(b)
	if len(n.oh) < b.N {
		n.oh = make([]uint64, max(64, b.N))
		n.onull = make([]bool, len(n.oh))
	}
	clear(n.onull[:b.N])
	for i, k := range keys {
		v, err := k.vec(b.Sel, b.N)
		if err != nil {
			return err
		}
		n.kv[i] = v
		n.keys[i].hashVector(v, b.Sel, b.N, n.oh, i == 0)
		if v.HasNulls {
			each(b.Sel, b.N, func(r int) { n.onull[r] = n.onull[r] || v.IsNull(r) })
		}
	}
	return nil
}

func (n *hashJoin) batchOf(h uint64) int { return int(h>>40) & (n.nbatch - 1) }

// build reads the inner side.
func (n *hashJoin) build() error {
	start := n.hashInst.begin()
	rows := 0
	n.clearTable()
	n.nbatch, n.batch, n.stuck = 1, 0, false
	for {
		b, err := n.inner.next(BatchSize)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		rows += b.Rows()
		if err := n.addInner(b); err != nil {
			return err
		}
		n.chains.set(n.store.pool, len(n.hashes)*8)
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return err
		}
	}
	n.inner.close()
	n.index()
	n.built, n.nbuilt = true, n.nbatch
	n.keep.filled()
	n.hashInst.end(start, rows, true)
	return nil
}

func (n *hashJoin) addInner(b *types.Batch) error {
	if err := n.hashKeys(&n.isc, n.innerKeys, b); err != nil {
		return err
	}
	for k := range b.Rows() {
		pos := b.Row(k)
		if n.onull[pos] && !n.track {
			continue
		}
		row, r := n.store.add()
		clear(r[:n.store.nullWords])
		for c := range n.nInner {
			n.store.setFrom(r, c, b.Cols[c], pos)
		}
		for i, c := range n.keyCols {
			if c >= n.nInner {
				n.store.setFrom(r, c, n.kv[i], pos)
			}
		}
		n.hashes = append(n.hashes, n.oh[pos])
		if err := n.place(row); err != nil {
			return err
		}
	}
	return nil
}

// place sends the row just added to its batch's file if it is not of the batch at hand, and divides further when
// memory is short.
func (n *hashJoin) place(row uint32) error {
	h := n.hashes[row]
	if bn := n.batchOf(h); bn != n.batch {
		return n.moveToTape(row, bn)
	}
	often := row&63 == 63 || row > 0 && n.store.bytes.used() > n.memLimit()
	if often && !n.stuck && n.store.used()+int64(len(n.hashes))*16 > n.memLimit() {
		return n.divide()
	}
	return nil
}

// moveToTape writes the store's last row to the file of a batch.
func (n *hashJoin) moveToTape(row uint32, bn int) error {
	n.enc = n.store.encodeRow(n.enc[:0], n.hashes[row], row)
	if err := n.tapeOf(&n.innerTapes, bn).writeRow(n.enc); err != nil {
		return err
	}
	n.store.n--
	n.hashes = n.hashes[:row]
	if n.store.bytes.used() > n.memLimit() {
		n.compact(func(uint64) bool { return true })
	}
	return nil
}

func (n *hashJoin) tapeOf(list *[]*tape, bn int) *tape {
	for len(*list) <= bn {
		*list = append(*list, nil)
	}
	if (*list)[bn] == nil {
		(*list)[bn] = newTape(n.ex)
	}
	return (*list)[bn]
}

// divide doubles the number of batches and moves the rows that no longer belong here to their files.
func (n *hashJoin) divide() error {
	before := n.store.n
	if n.nbatch >= 1<<16 {
		n.stuck = true
		return nil
	}
	n.nbatch *= 2
	for row := range uint32(n.store.n) {
		if bn := n.batchOf(n.hashes[row]); bn != n.batch {
			n.enc = n.store.encodeRow(n.enc[:0], n.hashes[row], row)
			if err := n.tapeOf(&n.innerTapes, bn).writeRow(n.enc); err != nil {
				return err
			}
		}
	}
	n.compact(func(h uint64) bool { return n.batchOf(h) == n.batch })
	// When everything went or everything stayed, the hashes are much the same.
	n.stuck = n.store.n == before || n.store.n == 0 && before > 1
	return nil
}

// compact rewrites the store with the rows that keep says.
func (n *hashJoin) compact(keep func(h uint64) bool) {
	var fresh rowStore
	fresh.init(n.store.pool, n.store.kinds)
	k := 0
	for row := range uint32(n.store.n) {
		if keep(n.hashes[row]) {
			fresh.copyRow(&n.store, row)
			n.hashes[k] = n.hashes[row]
			k++
		}
	}
	n.hashes = n.hashes[:k]
	n.store.swap(&fresh)
	fresh.reset()
}

// index makes the buckets of the rows in memory.
func (n *hashJoin) index() {
	size := 16
	for size < n.store.n {
		size *= 2
	}
	n.chains.set(n.store.pool, size*4+n.store.n*12)
	if cap(n.buckets) < size {
		n.buckets = make([]uint32, size)
	}
	n.buckets = n.buckets[:size]
	clear(n.buckets)
	n.mask = uint64(size - 1)
	if cap(n.next_) < n.store.n {
		n.next_ = make([]uint32, n.store.n)
	}
	n.next_ = n.next_[:n.store.n]
	// From the last to the first, so that a chain has the order in which the rows came.
	for row := n.store.n - 1; row >= 0; row-- {
		b := n.hashes[row] & n.mask
		n.next_[row] = n.buckets[b]
		n.buckets[b] = uint32(row) + 1
	}
	n.resetSeen(n.store.n)
	n.Buckets, n.Batches = max(n.Buckets, size), max(n.Batches, n.nbatch)
	n.PeakKB = max(n.PeakKB, (n.store.mem()+int64(size)*4+int64(n.store.n)*12)/1024)
}

func (n *hashJoin) next(max int) (*types.Batch, error) {
	if n.deferred != nil {
		return nil, n.takeDeferred()
	}
	if !n.built {
		if err := n.build(); err != nil {
			return nil, err
		}
		if n.store.n == 0 && n.nbatch == 1 && !n.marksOuter() {
			n.ended = true
		}
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

// marksOuter reports whether outer rows without a match are in the result.
func (n *hashJoin) marksOuter() bool {
	return n.typ == query.JoinLeft || n.typ == query.JoinFull || n.typ == query.JoinAnti
}

func (n *hashJoin) step(max int) (*types.Batch, error) {
	if n.dumping {
		return n.dumpInner(max)
	}
	if n.ob == nil {
		ok, err := n.nextOuter(max)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, n.endOuter()
		}
	}
	for len(n.o) < max && n.at < n.ob.Rows() {
		if err := n.probe(n.ob.Row(n.at), max); err != nil {
			return nil, err
		}
	}
	ob := n.ob
	if n.at >= n.ob.Rows() {
		n.ob = nil
	}
	return n.resolve(ob, &n.store)
}

// nextOuter gets the next outer batch, of the outer child or of the batch's file, and its hashes.
func (n *hashJoin) nextOuter(max int) (bool, error) {
	var b *types.Batch
	var err error
	if n.batch == 0 {
		ask := max
		if n.exact && max < BatchSize {
			ask = 1
		}
		b, err = n.outer.next(ask)
	} else {
		b, err = n.outerFromTape()
	}
	if b == nil || err != nil {
		return false, err
	}
	n.ob, n.at, n.probing = b, 0, false
	return true, n.hashKeys(&n.osc, n.outerKeys, b)
}

func (n *hashJoin) outerFromTape() (*types.Batch, error) {
	if n.batch >= len(n.outerTapes) || n.outerTapes[n.batch] == nil {
		return nil, nil
	}
	n.fromTape.reset()
	for n.fromTape.n < BatchSize {
		row, err := n.outerTapes[n.batch].readRow()
		if err != nil {
			return nil, err
		}
		if row == nil {
			break
		}
		n.fromTape.appendEncoded(row)
	}
	if n.fromTape.n == 0 {
		return nil, nil
	}
	n.fromTape.fill(n.tapeRows, 0, n.fromTape.n)
	return n.tapeRows, nil
}

// probe takes candidates for the outer row at pos.
func (n *hashJoin) probe(pos, max int) error {
	h := n.oh[pos]
	if !n.probing {
		if !n.onull[pos] {
			if bn := n.batchOf(h); bn != n.batch {
				n.at++
				return n.outerToTape(pos, h, bn)
			}
		}
		n.chain = 0
		if !n.onull[pos] {
			n.chain = n.buckets[h&n.mask]
		}
		n.probing = true
	}
	first := n.joinqual == nil && (n.unique || n.typ == query.JoinSemi || n.typ == query.JoinAnti)
	for n.chain != 0 {
		row := n.chain - 1
		if n.hashes[row] == h && n.equal(pos, row) {
			if len(n.o) >= max {
				return nil
			}
			n.candidate(pos, row)
			if first {
				n.chain = 0
				break
			}
		}
		n.chain = n.next_[row]
	}
	if n.marksEnd() {
		n.candidate(pos, endOfRow)
	}
	n.probing = false
	n.at++
	return nil
}

func (n *hashJoin) outerToTape(pos int, h uint64, bn int) error {
	n.enc = encodeBatchRow(n.enc[:0], h, n.ob.Cols, pos)
	return n.tapeOf(&n.outerTapes, bn).writeRow(n.enc)
}

func (n *hashJoin) equal(pos int, row uint32) bool {
	for i := range n.keys {
		v := n.kv[i]
		if !n.keys[i].equalStored(v, pos, &n.store, row, n.keyCols[i]) {
			return false
		}
	}
	return true
}

// endOuter goes on after the last outer row of a batch: to the inner rows without a match, then to the next batch.
func (n *hashJoin) endOuter() error {
	if n.track && !n.dumping {
		n.dumping, n.dump = true, 0
		return nil
	}
	return n.nextBatch()
}

// dumpInner gives the inner rows that had no match.
func (n *hashJoin) dumpInner(max int) (*types.Batch, error) {
	n.fo, n.fi = n.fo[:0], n.fi[:0]
	for ; int(n.dump) < n.store.n && len(n.fo) < max; n.dump++ {
		if !n.wasSeen(n.dump) {
			n.fo, n.fi = append(n.fo, noOuter), append(n.fi, n.dump)
		}
	}
	if len(n.fo) == 0 {
		n.dumping = false
		return nil, n.nextBatch()
	}
	return n.emit(nil, &n.store, n.fo, n.fi)
}

// nextBatch loads the inner rows of the next batch that has any rows.
func (n *hashJoin) nextBatch() error {
	n.closeTape(n.innerTapes, n.batch)
	n.closeTape(n.outerTapes, n.batch)
	for n.batch++; n.batch < n.nbatch; n.batch++ {
		in, out := tapeAt(n.innerTapes, n.batch), tapeAt(n.outerTapes, n.batch)
		if in == nil && out == nil || in == nil && !n.marksOuter() && n.nbatch == n.nbuilt {
			n.closeTape(n.outerTapes, n.batch)
			continue
		}
		// Also a batch that gives no rows is read: rows of it may belong to later batches, since there are more of them now.
		return n.loadBatch(in, out)
	}
	n.ended = true
	return nil
}

func tapeAt(l []*tape, i int) *tape {
	if i < len(l) {
		return l[i]
	}
	return nil
}

func (n *hashJoin) closeTape(l []*tape, i int) {
	if t := tapeAt(l, i); t != nil {
		t.close()
		l[i] = nil
	}
}

func (n *hashJoin) loadBatch(in, out *tape) error {
	n.store.reset()
	n.hashes = n.hashes[:0]
	n.stuck = false
	if in != nil {
		if err := in.rewind(); err != nil {
			return err
		}
		for {
			enc, err := in.readRow()
			if err != nil {
				return err
			}
			if enc == nil {
				break
			}
			row, h := n.store.appendEncoded(enc)
			n.hashes = append(n.hashes, h)
			if err := n.place(row); err != nil {
				return err
			}
		}
	}
	n.index()
	if out != nil {
		return out.rewind()
	}
	return nil
}

func (n *hashJoin) clearTable() {
	n.store.reset()
	n.fromTape.reset()
	n.chains.done()
	if cap(n.hashes) > 1<<16 {
		n.hashes, n.next_, n.buckets = nil, nil, nil
	}
	n.hashes = n.hashes[:0]
	for i := range n.innerTapes {
		n.closeTape(n.innerTapes, i)
	}
	n.innerTapes = n.innerTapes[:0]
	n.clearOuter()
	n.built = false
}

func (n *hashJoin) clearOuter() {
	for i := range n.outerTapes {
		n.closeTape(n.outerTapes, i)
	}
	n.outerTapes = n.outerTapes[:0]
}

func (n *hashJoin) rescan() error {
	n.rescanInit()
	n.clearJoin()
	n.ob, n.dumping, n.probing = nil, false, false
	if n.built && n.nbatch == 1 && n.keep.valid() {
		n.resetSeen(n.store.n)
		if n.store.n == 0 && !n.marksOuter() {
			n.ended = true
		}
		return n.outer.rescan()
	}
	n.clearTable()
	n.nbatch, n.batch = 1, 0
	if err := n.inner.rescan(); err != nil {
		return err
	}
	return n.outer.rescan()
}

func (n *hashJoin) close() {
	n.clearJoin()
	n.clearTable()
	n.keep.full = false
	n.ob = nil
	n.outer.close()
	n.inner.close()
}
