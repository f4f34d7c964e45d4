package btree

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/types"
	"gompho/wal"
)

// Builder builds an index from all its entries, given in any order: it sorts them and writes the pages from the bottom up.
type Builder struct {
	ix    *Index
	tx    *mvcc.Session
	sinks []*Sink
}

// Sink takes a share of the entries of a Builder. Each is used by one goroutine at a time.
type Sink struct {
	ix   *Index
	sort *sorter
	form []byte
}

// NewBuilder starts to build an index whose file is there and empty.
func (ix *Index) NewBuilder(tx *mvcc.Session, o BuildOpts) *Builder {
	b := &Builder{ix: ix, tx: tx}
	for range max(1, o.Sinks) {
		b.sinks = append(b.sinks, &Sink{ix: ix, sort: newSorter(ix, tx.Slot(), o.MemKB/max(1, o.Sinks))})
	}
	return b
}

// Sink returns sink i of BuildOpts.Sinks.
func (b *Builder) Sink(i int) *Sink { return b.sinks[i] }

// Add gives an entry to the first sink.
func (b *Builder) Add(values []types.Datum, tid ids.TID, live bool) error {
	return b.sinks[0].Add(values, tid, live)
}

// Add gives an entry: the values of all columns. Only live rows count for uniqueness.
func (k *Sink) Add(values []types.Datum, tid ids.TID, live bool) error {
	if k.sort.inline {
		if err := k.sort.makeRoom(0); err != nil {
			return err
		}
		k.sort.addWord(values[0], tid, live)
		return nil
	}
	it, err := k.ix.form(values, tid, k.form[:0])
	if err != nil {
		return err
	}
	k.form = it
	return k.sort.add(values[0], it, live)
}

// Sort sorts what the sink has, which Finish would do otherwise. No Add may follow.
func (k *Sink) Sort() error { return k.sort.finish() }

// Close gives back memory and temporary files.
func (b *Builder) Close() {
	for _, k := range b.sinks {
		k.sort.close()
	}
}

// Finish sorts, checks uniqueness (23505) and writes the index.
func (b *Builder) Finish() error {
	w := writer{ix: b.ix, slot: b.tx.Slot(), xid: b.tx.Xid(), strategy: b.ix.Env.Pool.NewStrategy(buffer.BulkWrite)}
	defer w.release()
	if err := w.begin(); err != nil {
		return err
	}
	var prev item
	prevLive, prevAbbrev := false, uint64(0)
	u := uniqueness{ix: b.ix, tx: b.tx, a: make([]types.Datum, b.ix.nkeys), b: make([]types.Datum, b.ix.nkeys)}
	n := 0
	err := b.each(func(it item, abbrev uint64, live bool) error {
		if b.ix.Unique && live && prevLive && abbrev == prevAbbrev {
			if err := u.check(prev, it); err != nil {
				return err
			}
		}
		if n++; n%1024 == 0 {
			if err := b.tx.Slot().CheckInterrupts(); err != nil {
				return err
			}
		}
		if b.ix.Unique && (live || !prevLive || abbrev != prevAbbrev || !u.same(prev, it)) {
			prev, prevLive, prevAbbrev = append(prev[:0], it...), live, abbrev
		}
		return w.add(0, it)
	})
	if err != nil {
		return err
	}
	if err := w.finish(); err != nil || b.ix.Logged || !b.ix.Env.Pool.Storage().Exists(b.ix.File, ids.InitFork) {
		return err
	}
	// What an unlogged index is reset to after a crash is empty.
	return b.ix.createEmpty(b.tx, ids.InitFork)
}

// uniqueness compares neighbours in the order of the index.
type uniqueness struct {
	ix   *Index
	tx   *mvcc.Session
	a, b []types.Datum
}

func (u *uniqueness) same(x, y item) bool {
	if u.ix.values(x, u.a) != nil || u.ix.values(y, u.b) != nil {
		return false
	}
	return u.ix.keepAttrs(u.a, u.b) > u.ix.nkeys
}

func (u *uniqueness) check(x, y item) error {
	if !u.same(x, y) || !u.ix.NullsNotDistinct && anyNull(u.b) {
		return nil
	}
	e := pgerr.New(pgerr.UniqueViolation, "could not create unique index \"%s\"", u.ix.Name).
		WithTable(u.ix.Schema, u.ix.Table).WithConstraint(u.ix.Name)
	if u.ix.KeyDetail != nil {
		if keys := u.ix.KeyDetail(u.tx, u.b); keys != "" {
			return e.WithDetail("Key %s is duplicated.", keys)
		}
	}
	return e.WithDetail("Duplicate keys exist.")
}

// writer writes a new index: one page in progress per level, finished pages in groups, each group one log record.
type writer struct {
	ix       *Index
	slot     *stats.Slot
	xid      ids.Xid
	strategy *buffer.Strategy
	levels   []*building
	done     []finished
	free     []page.Page // images to use again
	// Blocks [next, end) were added to the file and are not used yet.
	next, end ids.BlockNumber
	meta      buffer.Buf
}

// building is the page in progress of one level.
type building struct {
	blk, prev ids.BlockNumber
	low       item   // the separator to the page left of it; nil for the leftmost
	mem       []byte // the items
	ends      []int  // their ends in mem
	used      int    // bytes of the page that they take
}

// finished is a page that waits to be written.
type finished struct {
	blk ids.BlockNumber
	img page.Page
}

// image returns memory for a page.
func (w *writer) image() page.Page {
	if n := len(w.free); n > 0 {
		img := w.free[n-1]
		w.free = w.free[:n-1]
		return img
	}
	return make(page.Page, page.Size)
}

const buildGroup = buffer.MaxPages / 2

func (w *writer) begin() error {
	b, err := w.ix.Env.Pool.Extend(w.slot, w.ix.File, ids.MainFork, 1, w.strategy)
	if err != nil {
		return err
	}
	blk := b.Block()
	w.next, w.end = blk+1, blk+1
	b.Unlock()
	w.meta = b
	if blk != metaBlock {
		return pgerr.Internal("index \"%s\" already contains data", w.ix.Name)
	}
	return nil
}

func (w *writer) release() {
	if w.meta.IsValid() {
		w.meta.Release()
	}
}

// alloc returns the number of a new block. The file grows in steps that grow with it.
func (w *writer) alloc() (ids.BlockNumber, error) {
	if w.next == w.end {
		n := min(32, max(1, int(w.end)/8))
		b, err := w.ix.Env.Pool.Extend(w.slot, w.ix.File, ids.MainFork, n, w.strategy)
		if err != nil {
			return 0, err
		}
		w.next, w.end = b.Block(), b.Block()+ids.BlockNumber(n)
		b.UnlockRelease()
	}
	w.next++
	return w.next - 1, nil
}

func (p *building) item(i int) item {
	start := 0
	if i > 0 {
		start = p.ends[i-1]
	}
	return item(p.mem[start:p.ends[i]:p.ends[i]])
}

func (p *building) push(it item) {
	p.mem = append(p.mem, it...)
	p.ends = append(p.ends, len(p.mem))
	p.used += itemSize(len(it))
}

func (p *building) pop() item {
	last := append(item(nil), p.item(len(p.ends)-1)...)
	p.ends = p.ends[:len(p.ends)-1]
	p.mem = p.mem[:len(p.mem)-len(last)]
	p.used -= itemSize(len(last))
	return last
}

// add appends an item to a level.
func (w *writer) add(level int, it item) error {
	if level == len(w.levels) {
		blk, err := w.alloc()
		if err != nil {
			return err
		}
		w.levels = append(w.levels, &building{blk: blk})
	}
	p := w.levels[level]
	limit := pageRoom * w.ix.fillFactor(level == 0) / 100
	if n := len(p.ends); n >= 2 && (p.used+itemSize(len(it)) > limit || p.used+2*itemSize(len(it))+8 > pageRoom) {
		if err := w.closePage(level, it); err != nil {
			return err
		}
	}
	p.push(it)
	return nil
}

// closePage finishes the page of a level, whose next item is it, and begins a new one.
func (w *writer) closePage(level int, it item) error {
	p := w.levels[level]
	var carry []item
	first := it
	for len(p.ends) > 1 && p.used+itemSize(len(first))+8 > pageRoom {
		first = p.pop()
		carry = append(carry, first)
	}
	high := first
	if level == 0 {
		var err error
		if high, err = w.ix.separator(p.item(len(p.ends)-1), first); err != nil {
			return err
		}
	}
	high = append(item(nil), high...)
	next, err := w.alloc()
	if err != nil {
		return err
	}
	if err := w.write(p, level, next, high, 0); err != nil {
		return err
	}
	if err := w.downlink(level, p); err != nil {
		return err
	}
	*p = building{blk: next, prev: p.blk, low: high, mem: p.mem[:0], ends: p.ends[:0]}
	for i := len(carry) - 1; i >= 0; i-- {
		p.push(carry[i])
	}
	return nil
}

// downlink tells the level above of a finished page.
func (w *writer) downlink(level int, p *building) error {
	if p.low == nil {
		return w.add(level+1, minusInf(p.blk))
	}
	up := append(item(nil), p.low...)
	up.setChild(p.blk)
	return w.add(level+1, up)
}

// write composes a finished page. high is nil for the last page of a level.
func (w *writer) write(p *building, level int, next ids.BlockNumber, high item, flags uint16) error {
	img := w.image()
	img.Init(specialSize, 0)
	if level == 0 {
		flags |= flagLeaf
	}
	le.PutUint32(img[posPrev:], uint32(p.prev))
	le.PutUint32(img[posNext:], uint32(next))
	le.PutUint32(img[posLevel:], uint32(level))
	le.PutUint16(img[posFlags:], flags)
	off := ids.OffsetNumber(0)
	put := func(it item) bool {
		off++
		return img.InsertItem(off, it) != 0
	}
	ok := true
	if high != nil {
		ok = put(high)
	}
	for i := range p.ends {
		it := p.item(i)
		if level > 0 && i == 0 {
			it = minusInf(it.child())
		}
		ok = ok && put(it)
	}
	if !ok {
		return pgerr.Internal("items of index \"%s\" do not fit a page", w.ix.Name)
	}
	w.done = append(w.done, finished{p.blk, img})
	if len(w.done) == buildGroup {
		return w.flush()
	}
	return nil
}

// flush writes the finished pages in one change.
func (w *writer) flush() (err error) {
	var bufs []buffer.Buf
	defer func() {
		for _, b := range bufs {
			b.UnlockRelease()
		}
	}()
	for _, f := range w.done {
		b, err := w.ix.Env.Pool.Read(w.slot, w.ix.File, ids.MainFork, f.blk, w.strategy)
		if err != nil {
			return err
		}
		b.Lock(buffer.Exclusive)
		bufs = append(bufs, b)
	}
	c := w.ix.Env.Pool.Begin(w.slot, wal.BtreeBuild, w.xid, w.ix.info())
	for i, f := range w.done {
		pc := c.Page(bufs[i])
		pg := pc.Page()
		copy(pg[8:], f.img[8:])
		pc.FullImage()
	}
	c.Commit()
	for _, f := range w.done {
		w.free = append(w.free, f.img)
	}
	w.done = w.done[:0]
	return nil
}

// finish writes the last page of each level, the root among them, and the meta page.
func (w *writer) finish() error {
	if len(w.levels) == 0 {
		blk, err := w.alloc()
		if err != nil {
			return err
		}
		w.levels = append(w.levels, &building{blk: blk})
	}
	for level := 0; ; level++ {
		p := w.levels[level]
		if level == len(w.levels)-1 && p.prev == 0 {
			if err := w.write(p, level, 0, nil, flagRoot); err != nil {
				return err
			}
			return w.finishMeta(p.blk, level)
		}
		if err := w.write(p, level, 0, nil, 0); err != nil {
			return err
		}
		if err := w.downlink(level, p); err != nil {
			return err
		}
	}
}

func (w *writer) finishMeta(root ids.BlockNumber, level int) error {
	if len(w.done) > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.meta.Lock(buffer.Exclusive)
	c := w.ix.Env.Pool.Begin(w.slot, wal.BtreeBuild, w.xid, w.ix.info())
	initMeta(c.Page(w.meta), root, level)
	c.Commit()
	w.meta.Unlock()
	w.ix.cachedRoot.Store(0)
	if w.next == w.end {
		return nil
	}
	sizes := [ids.NumForks]ids.BlockNumber{w.next, buffer.Keep, buffer.Keep, buffer.Keep}
	w.end = w.next
	return w.ix.Env.Pool.Truncate(w.slot, w.xid, w.ix.info(), sizes)
}
