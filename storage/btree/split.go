package btree

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/types"
	"gompho/wal"
)

// A split is one change for the whole way up: it is planned level by level from the leaf with the pages latched as the plan reaches them,
// everything that can fail done, and then applied at once. So there is never a page without its downlink.

// halving is the planned split of one page.
type halving struct {
	b       buffer.Buf       // the page; it stays the left half
	it      item             // the item to insert
	off     ids.OffsetNumber // where, in the numbering of the page before the split
	from    ids.OffsetNumber // first item that goes to the right half, in the same numbering
	itLeft  bool             // the new item goes to the left half
	highKey item             // of the left half
	right   buffer.Buf       // the new page
	sib     buffer.Buf       // the old right neighbour, if there is one
}

// splitting is the plan of a split.
type splitting struct {
	s      *insertion
	halves []halving
	// The last step: an insertion into the first page that has room, or a new root.
	top     buffer.Buf
	topOff  ids.OffsetNumber
	topItem item
	root    buffer.Buf
	meta    buffer.Buf
	latched []buffer.Buf
}

// split inserts the item of s into the latched leaf b, which has no room, at off, and gives the latch back.
func (s *insertion) split(b buffer.Buf, off ids.OffsetNumber) error {
	p := splitting{s: s}
	p.latched = append(p.latched, b)
	defer func() {
		for _, b := range p.latched {
			b.UnlockRelease()
		}
	}()
	it := s.it
	for level := 0; ; level++ {
		right, err := p.halve(b, off, it)
		if err != nil {
			return err
		}
		it = right
		if nodeOf(b).flags()&flagRoot != 0 {
			if err := p.newRoot(); err != nil {
				return err
			}
			break
		}
		if b, off, err = p.parent(b, level); err != nil {
			return err
		}
		if nodeOf(b).HasRoom(len(it)) {
			p.top, p.topOff, p.topItem = b, off, it
			break
		}
	}
	p.apply()
	return nil
}

// halve plans the split of one page and returns the item for the level above.
func (p *splitting) halve(b buffer.Buf, off ids.OffsetNumber, it item) (up item, err error) {
	ix := p.s.ix
	h := halving{b: b, it: it, off: off}
	if err := h.choose(ix); err != nil {
		return nil, err
	}
	if h.right, err = ix.newPage(p.s); err != nil {
		return nil, err
	}
	p.latched = append(p.latched, h.right)
	if next := nodeOf(b).next(); next != 0 {
		if h.sib, err = ix.readLocked(p.s.slot, next, buffer.Exclusive); err != nil {
			return nil, err
		}
		p.latched = append(p.latched, h.sib)
		if nodeOf(h.sib).prev() != b.Block() {
			return nil, ix.damaged(next, "left link does not match")
		}
	}
	p.halves = append(p.halves, h)
	up = append(item(nil), h.highKey...)
	up.setChild(h.right.Block())
	return up, nil
}

// parent latches the page above b that has its downlink, and returns the offset after the downlink.
func (p *splitting) parent(b buffer.Buf, level int) (buffer.Buf, ids.OffsetNumber, error) {
	pb, off, err := p.s.ix.findParent(p.s, b.Block(), level)
	if err != nil {
		return pb, 0, err
	}
	p.latched = append(p.latched, pb)
	return pb, off + 1, nil
}

// findParent finds the page of level+1 with the downlink to blk, and latches it exclusively. The way down is the hint where to begin.
func (ix *Index) findParent(s *insertion, blk ids.BlockNumber, level int) (buffer.Buf, ids.OffsetNumber, error) {
	var at step
	if i := s.path.n - 1 - level; i >= 0 {
		at = s.path.steps[i]
	} else {
		// The root was split since the way down: begin at the left end of the level.
		blk, err := ix.leftEnd(s.slot, level+1)
		if err != nil {
			return buffer.Buf{}, 0, err
		}
		at = step{blk, 0}
	}
	for {
		b, err := ix.readLocked(s.slot, at.blk, buffer.Exclusive)
		if err != nil {
			return b, 0, err
		}
		n := nodeOf(b)
		if !n.isDeleted() {
			if off := n.downlink(blk, at.off); off != 0 {
				return b, off, nil
			}
		}
		next := n.next()
		b.UnlockRelease()
		if next == 0 {
			return buffer.Buf{}, 0, pgerr.New(pgerr.IndexCorrupted, "failed to re-find parent key in index \"%s\" for split pages %d", ix.Name, blk)
		}
		at = step{next, 0}
	}
}

// downlink returns the offset of the item that points to blk, looking around the hint first; 0 if there is none.
func (n node) downlink(blk ids.BlockNumber, hint ids.OffsetNumber) ids.OffsetNumber {
	hint = max(hint, n.first())
	for off := hint; off <= n.MaxOffset(); off++ {
		if item(n.Item(off)).child() == blk {
			return off
		}
	}
	for off := min(hint, n.MaxOffset()+1); off > n.first(); {
		off--
		if item(n.Item(off)).child() == blk {
			return off
		}
	}
	return 0
}

// newPage returns a page to use, pinned and latched exclusively: one that was deleted long ago, or a new one.
func (ix *Index) newPage(s *insertion) (buffer.Buf, error) {
	for {
		blk, err := ix.fsm().TakeFree(s.slot)
		if err != nil {
			return buffer.Buf{}, err
		}
		if blk == ids.InvalidBlock {
			return ix.addPage(s.tx)
		}
		if n, err := ix.Env.Pool.Blocks(ix.File, ids.MainFork); err != nil || blk >= n || blk <= metaBlock {
			if err != nil {
				return buffer.Buf{}, err
			}
			continue
		}
		b, err := ix.read(s.slot, blk)
		if err != nil {
			return b, err
		}
		if b.TryLock(buffer.Exclusive) {
			if ix.recyclable(s.tx.Manager().OldestXmin(0), nodeOf(b)) {
				return b, nil
			}
			b.Unlock()
		}
		b.Release()
	}
}

// addPage makes the file one page longer, under the extension lock.
func (ix *Index) addPage(tx *mvcc.Session) (buffer.Buf, error) {
	tag := locks.ExtendTag(ix.Heap.DB, ix.Oid)
	if err := tx.Locks().Acquire(tag, locks.Exclusive, locks.Opts{}); err != nil {
		return buffer.Buf{}, err
	}
	defer tx.Locks().Release(tag, locks.Exclusive, false)
	return ix.Env.Pool.Extend(tx.Slot(), ix.File, ids.MainFork, 1, nil)
}

// recyclable reports whether a page may be used anew: nobody can be on the way to it.
func (ix *Index) recyclable(oldest ids.Xid, n node) bool {
	return n.IsNew() || n.valid() && n.isDeleted() && n.safeXid() < oldest
}

// newRoot plans a root above the page split last.
func (p *splitting) newRoot() (err error) {
	ix := p.s.ix
	if p.root, err = ix.newPage(p.s); err != nil {
		return err
	}
	p.latched = append(p.latched, p.root)
	if p.meta, err = ix.readLocked(p.s.slot, metaBlock, buffer.Exclusive); err != nil {
		return err
	}
	p.latched = append(p.latched, p.meta)
	return nil
}

// apply carries the plan out.
func (p *splitting) apply() {
	ix := p.s.ix
	cycle := ix.Env.IndexVacuumCycle(ix.File)
	c := ix.Env.Pool.Begin(p.s.slot, wal.BtreeSplit, p.s.tx.Xid(), ix.info())
	for i := range p.halves {
		p.halves[i].apply(c, cycle)
		if h := &p.halves[i]; nodeOf(h.b).isLeaf() {
			ix.notePages(p.s.tx, h.b.Block(), h.right.Block())
		}
	}
	if p.top.IsValid() {
		c.Page(p.top).InsertItemShift(p.topOff, p.topItem)
	} else {
		p.applyRoot(c)
	}
	c.Commit()
}

func (p *splitting) applyRoot(c *buffer.Change) {
	last := &p.halves[len(p.halves)-1]
	level := nodeOf(last.b).level() + 1
	pc := c.Page(p.root)
	pc.Init(specialSize, 0)
	special{level: level, flags: flagRoot}.put(pc)
	pc.InsertItem(1, minusInf(last.b.Block()))
	up := append(item(nil), last.highKey...)
	up.setChild(last.right.Block())
	pc.InsertItem(2, up)
	c.Page(p.meta).Overwrite(page.HeaderSize, encodeMeta(p.root.Block(), level))
}

// apply splits one page. The right half is written first, from the items that still lie on the left one.
func (h *halving) apply(c *buffer.Change, cycle uint16) {
	n := nodeOf(h.b)
	old := n.special()
	rc := c.Page(h.right)
	rc.Init(specialSize, 0)
	special{prev: h.b.Block(), next: old.next, level: old.level, flags: old.flags &^ flagRoot, cycle: cycle}.put(rc)
	h.fillRight(rc, n)
	if h.sib.IsValid() {
		sp := nodeOf(h.sib).special()
		sp.prev = h.right.Block()
		sp.put(c.Page(h.sib))
	}
	lc := c.Page(h.b)
	moved := make([]ids.OffsetNumber, 0, maxItems)
	for off := h.from; off <= n.MaxOffset(); off++ {
		moved = append(moved, off)
	}
	lc.DeleteItems(moved)
	if old.next != 0 {
		lc.ReplaceItem(1, h.highKey)
		if h.itLeft {
			lc.InsertItemShift(h.off, h.it)
		}
	} else {
		if h.itLeft {
			lc.InsertItemShift(h.off, h.it)
		}
		lc.InsertItemShift(1, h.highKey)
	}
	old.next, old.cycle = h.right.Block(), cycle
	old.flags &^= flagRoot
	old.put(lc)
}

func (h *halving) fillRight(rc buffer.PageChange, n node) {
	off := ids.OffsetNumber(0)
	leaf := n.isLeaf()
	var dead []ids.OffsetNumber
	add := func(it item, firstData bool) {
		off++
		if firstData && !leaf {
			it = minusInf(it.child())
		}
		rc.InsertItem(off, it)
	}
	firstData := true
	if !n.isRightmost() {
		add(item(n.Item(1)), false)
	}
	for o := h.from; o <= n.MaxOffset()+1; o++ {
		if o == h.off && !h.itLeft {
			add(h.it, firstData)
			firstData = false
		}
		if o <= n.MaxOffset() {
			add(item(n.Item(o)), firstData)
			firstData = false
			if n.ItemID(o).IsDead() {
				dead = append(dead, off)
			}
		}
	}
	for _, o := range dead {
		pg := rc.Page()
		id := pg.ItemID(o)
		pg.SetItemID(o, page.MakeItemID(id.Offset(), page.LPDead, id.Len()))
	}
}

// choose decides where to split: near the middle, or so that the left page is as full as the fill factor says when the index grows at its right end;
// among places about as good, where the separator is short.
func (h *halving) choose(ix *Index) error {
	n := nodeOf(h.b)
	sizes, items := h.layout(n)
	total := 0
	for _, s := range sizes {
		total += s
	}
	leaf := n.isLeaf()
	rightHigh := 0
	if !n.isRightmost() {
		rightHigh = itemSize(len(n.Item(1)))
	}
	target := total / 2
	if n.isRightmost() {
		target = total * ix.fillFactor(leaf) / 100
	}
	best, bestCost, left := -1, 1<<30, 0
	for k := 1; k < len(sizes); k++ {
		left += sizes[k-1]
		right := total - left + rightHigh
		high := sizes[k]
		if leaf {
			high += 8
		} else {
			right -= sizes[k] - itemSize(itemHeader)
		}
		if left+high > pageRoom || right > pageRoom {
			continue
		}
		cost := max(left-target, target-left)
		if cost < bestCost {
			best, bestCost = k, cost
		}
	}
	if best < 0 {
		return pgerr.New(pgerr.IndexCorrupted, "could not find a feasible split point for index \"%s\"", ix.Name)
	}
	if leaf {
		best = h.shorten(ix, items, sizes, best, total, rightHigh)
	}
	return h.cutAt(ix, n, items, best)
}

func (ix *Index) fillFactor(leaf bool) int {
	if !leaf {
		return 70
	}
	if ix.FillFactor == 0 {
		return 90
	}
	return ix.FillFactor
}

func itemSize(n int) int { return tuple.Align8(n) + page.ItemIDSize }

// layout lists the data items with the new one among them.
func (h *halving) layout(n node) (sizes []int, items []item) {
	for off := n.first(); off <= n.MaxOffset()+1; off++ {
		if off == h.off {
			items = append(items, h.it)
		}
		if off <= n.MaxOffset() {
			items = append(items, item(n.Item(off)))
		}
	}
	sizes = make([]int, len(items))
	for i, it := range items {
		sizes[i] = itemSize(len(it))
	}
	return sizes, items
}

// shorten moves the place of a leaf's split a little if the separator gets shorter.
func (h *halving) shorten(ix *Index, items []item, sizes []int, best, total, rightHigh int) int {
	window := max(1, len(items)/16)
	choice, least := best, 1<<30
	lv, rv := make([]types.Datum, ix.nkeys), make([]types.Datum, ix.nkeys)
	left := 0
	for k := 1; k < len(items) && k <= best+window; k++ {
		left += sizes[k-1]
		if k < best-window || left+sizes[k]+8 > pageRoom || total-left+rightHigh > pageRoom {
			continue
		}
		if ix.values(items[k-1], lv) != nil || ix.values(items[k], rv) != nil {
			continue
		}
		cost := ix.keepAttrs(lv, rv)*1000 + max(k-best, best-k)
		if cost < least {
			choice, least = k, cost
		}
	}
	return choice
}

// cutAt fills in the plan for a split before the k-th of items.
func (h *halving) cutAt(ix *Index, n node, items []item, k int) (err error) {
	newAt := int(h.off - n.first())
	h.itLeft = newAt < k
	h.from = n.first() + ids.OffsetNumber(k)
	if h.itLeft {
		h.from--
	}
	if n.isLeaf() {
		h.highKey, err = ix.separator(items[k-1], items[k])
		return err
	}
	h.highKey = append(item(nil), items[k]...)
	return nil
}
