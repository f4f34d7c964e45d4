package btree

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/ssi"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/types"
)

// path remembers the way down: for each level above the leaf the page and the offset of the downlink taken. It is a hint: pages may split
// meanwhile, but only to the right.
type path struct {
	n     int
	steps [maxLevels]step
}

type step struct {
	blk ids.BlockNumber
	off ids.OffsetNumber
}

func (ix *Index) read(slot *stats.Slot, blk ids.BlockNumber) (buffer.Buf, error) {
	return ix.Env.Pool.Read(slot, ix.File, ids.MainFork, blk, nil)
}

// readLocked pins and latches a page and sees to it that it is an index page.
func (ix *Index) readLocked(slot *stats.Slot, blk ids.BlockNumber, mode buffer.LockMode) (buffer.Buf, error) {
	b, err := ix.read(slot, blk)
	if err != nil {
		return b, err
	}
	b.Lock(mode)
	if !nodeOf(b).valid() {
		b.UnlockRelease()
		return buffer.Buf{}, ix.damaged(blk, "not an index page")
	}
	return b, nil
}

// root returns the root page latched shared. Where it was last is tried first: a page that is leftmost and rightmost on its level is
// still a good place to begin.
func (ix *Index) root(slot *stats.Slot) (buffer.Buf, error) {
	if c := ix.cachedRoot.Load(); c != 0 {
		blk, level := ids.BlockNumber(c>>8), int(c&0xff)
		b, err := ix.read(slot, blk)
		if err == nil {
			b.Lock(buffer.Share)
			n := nodeOf(b)
			if n.valid() && !n.isDeleted() && n.level() == level && n.prev() == 0 && n.next() == 0 {
				return b, nil
			}
			b.UnlockRelease()
		}
		ix.cachedRoot.Store(0)
	}
	for tries := 0; ; tries++ {
		blk, level, err := ix.meta(slot)
		if err == nil && (level >= maxLevels || tries == 1000) { // each try that fails is a root split in between
			err = ix.damaged(metaBlock, "it does not lead to a root page")
		}
		if err != nil {
			return buffer.Buf{}, err
		}
		b, err := ix.readLocked(slot, blk, buffer.Share)
		if err != nil {
			return b, err
		}
		if n := nodeOf(b); !n.isDeleted() && n.level() == level {
			ix.cachedRoot.Store(uint64(blk)<<8 | uint64(level))
			return b, nil
		}
		b.UnlockRelease()
	}
}

// meta reads the place of the root.
func (ix *Index) meta(slot *stats.Slot) (root ids.BlockNumber, level int, err error) {
	b, err := ix.read(slot, metaBlock)
	if err != nil {
		return 0, 0, err
	}
	b.Lock(buffer.Share)
	defer b.UnlockRelease()
	return ix.decodeMeta(nodeOf(b))
}

func (ix *Index) decodeMeta(n node) (root ids.BlockNumber, level int, err error) {
	if !n.valid() || n.flags()&flagMeta == 0 {
		return 0, 0, pgerr.New(pgerr.IndexCorrupted, "index \"%s\" is not a btree", ix.Name)
	}
	m := n.Page[32:]
	if le.Uint32(m) != metaMagic || le.Uint32(m[4:]) != metaVersion {
		return 0, 0, pgerr.New(pgerr.IndexCorrupted, "index \"%s\" is not a btree", ix.Name)
	}
	return ids.BlockNumber(le.Uint32(m[8:])), int(le.Uint32(m[12:])), nil
}

// metaDeleted is where the meta page has the number of pages that a vacuum has deleted and that are not free yet.
const metaDeleted = page.HeaderSize + 16

// encodeMeta composes the content of the meta page.
func encodeMeta(root ids.BlockNumber, level int) []byte {
	b := le.AppendUint32(nil, metaMagic)
	b = le.AppendUint32(b, metaVersion)
	b = le.AppendUint32(b, uint32(root))
	return le.AppendUint32(b, uint32(level))
}

// find returns the first offset on a page whose item the key is not after: on a leaf where the key is or belongs, on an inner page
// the downlink to follow.
func (ix *Index) find(n node, k *searchKey) ids.OffsetNumber {
	low, high := n.first(), n.MaxOffset()+1
	bound := 1
	if k.nextKey {
		bound = 0
	}
	leaf := n.isLeaf()
	if !leaf {
		low++ // the first item of an inner page is less than everything
	}
	for low < high {
		mid := low + (high-low)/2
		if ix.compare(k, item(n.Item(mid))) >= bound {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if leaf {
		return low
	}
	return low - 1
}

// moveRight goes right from a latched page as long as the key belongs further right.
func (ix *Index) moveRight(slot *stats.Slot, b buffer.Buf, k *searchKey, mode buffer.LockMode) (buffer.Buf, error) {
	bound := 1
	if k.nextKey {
		bound = 0
	}
	for {
		n := nodeOf(b)
		if n.isRightmost() {
			if n.isDeleted() {
				blk := b.Block()
				b.UnlockRelease()
				return buffer.Buf{}, ix.damaged(blk, "fell off the end")
			}
			return b, nil
		}
		if !n.isDeleted() && (n.MaxOffset() < 1 || ix.compare(k, item(n.Item(1))) < bound) {
			return b, nil
		}
		next := n.next()
		b.UnlockRelease()
		err := slot.CheckInterrupts() // damaged links may lead round in circles
		if err != nil {
			return buffer.Buf{}, err
		}
		if b, err = ix.readLocked(slot, next, mode); err != nil {
			return b, err
		}
	}
}

// descend goes from the root to the leaf (or the page of another level) where the key belongs, and latches it in mode. p, if not
// nil, gets the way.
func (ix *Index) descend(slot *stats.Slot, k *searchKey, level int, mode buffer.LockMode, p *path) (buffer.Buf, error) {
	b, err := ix.root(slot)
	if err != nil {
		return b, err
	}
	if p != nil {
		p.n = 0
	}
	for {
		n := nodeOf(b)
		here := n.level()
		if here < level {
			blk := b.Block()
			b.UnlockRelease()
			return buffer.Buf{}, ix.damaged(blk, "no such level")
		}
		if here == level && mode == buffer.Exclusive && (p == nil || p.n == 0) {
			// The root itself: it was latched shared.
			b.Unlock()
			b.Lock(buffer.Exclusive)
		}
		m := buffer.Share
		if here == level {
			m = mode
		}
		if b, err = ix.moveRight(slot, b, k, m); err != nil || here == level {
			return b, err
		}
		n = nodeOf(b)
		off := ix.find(n, k)
		if off < n.first() || off > n.MaxOffset() {
			blk := b.Block()
			b.UnlockRelease()
			return buffer.Buf{}, ix.damaged(blk, "empty inner page")
		}
		if p != nil {
			if p.n == maxLevels {
				b.UnlockRelease()
				return buffer.Buf{}, ix.damaged(metaBlock, "too many levels")
			}
			p.steps[p.n] = step{b.Block(), off}
			p.n++
		}
		child := item(n.Item(off)).child()
		b.UnlockRelease()
		m = buffer.Share
		if here-1 == level {
			m = mode
		}
		if b, err = ix.readLocked(slot, child, m); err != nil {
			return b, err
		}
		if l := nodeOf(b).level(); l != here-1 {
			b.UnlockRelease()
			return buffer.Buf{}, ix.damaged(child, "wrong level")
		}
		if here-1 == level {
			return ix.moveRight(slot, b, k, mode)
		}
	}
}

// leftEnd returns the leftmost page of a level.
func (ix *Index) leftEnd(slot *stats.Slot, level int) (ids.BlockNumber, error) {
	ix.cachedRoot.Store(0)
	blk, here, err := ix.meta(slot)
	if err != nil {
		return 0, err
	}
	for ; here > level; here-- {
		b, err := ix.readLocked(slot, blk, buffer.Share)
		if err != nil {
			return 0, err
		}
		n := nodeOf(b)
		if n.first() > n.MaxOffset() {
			b.UnlockRelease()
			return 0, ix.damaged(blk, "empty inner page")
		}
		blk = item(n.Item(n.first())).child()
		b.UnlockRelease()
	}
	if here < level {
		return 0, ix.damaged(metaBlock, "no such level")
	}
	return blk, nil
}

// edge goes to the leftmost or rightmost page of the leaf level, latched shared.
func (ix *Index) edge(slot *stats.Slot, right bool) (buffer.Buf, error) {
	b, err := ix.root(slot)
	if err != nil {
		return b, err
	}
	for {
		n := nodeOf(b)
		for n.isDeleted() || right && !n.isRightmost() {
			next := n.next()
			b.UnlockRelease()
			if b, err = ix.readLocked(slot, next, buffer.Share); err != nil {
				return b, err
			}
			n = nodeOf(b)
		}
		if n.isLeaf() {
			return b, nil
		}
		off := n.first()
		if right {
			off = n.MaxOffset()
		}
		if off > n.MaxOffset() {
			blk := b.Block()
			b.UnlockRelease()
			return buffer.Buf{}, ix.damaged(blk, "empty inner page")
		}
		child := item(n.Item(off)).child()
		b.UnlockRelease()
		if b, err = ix.readLocked(slot, child, buffer.Share); err != nil {
			return b, err
		}
	}
}

// Lookup returns the tids of the entries whose first key columns equal key, at most len(tids) of them, in the order of the index.
// Entries marked dead are left out. It does not allocate; NULLs in key match NULLs.
func (ix *Index) Lookup(slot *stats.Slot, key []types.Datum, tids []ids.TID) (n int, err error) {
	return ix.lookup(slot, nil, key, tids)
}

// LookupFor is Lookup on behalf of a query of tx: a serializable transaction has then read the key's gap too.
func (ix *Index) LookupFor(tx *mvcc.Session, key []types.Datum, tids []ids.TID) (n int, err error) {
	return ix.lookup(tx.Slot(), ix.serial(tx), key, tids)
}

func (ix *Index) lookup(slot *stats.Slot, x *ssi.Xact, key []types.Datum, tids []ids.TID) (n int, err error) {
	k := ix.key(key)
	b, err := ix.descend(slot, &k, 0, buffer.Share, nil)
	if err != nil {
		return 0, err
	}
	nd := nodeOf(b)
	off := ix.find(nd, &k)
	for n < len(tids) {
		if err := ix.noteRead(x, b.Block()); err != nil {
			b.UnlockRelease()
			return n, err
		}
		if off > nd.MaxOffset() {
			if nd.isRightmost() {
				break
			}
			next := nd.next()
			b.UnlockRelease()
			if b, err = ix.readLocked(slot, next, buffer.Share); err != nil {
				return n, err
			}
			nd = nodeOf(b)
			off = nd.first()
			continue
		}
		it := item(nd.Item(off))
		if ix.compare(&k, it) != 0 {
			break
		}
		if !nd.ItemID(off).IsDead() {
			tids[n] = it.tid()
			n++
		}
		off++
	}
	b.UnlockRelease()
	counts := ix.Counts(slot)
	counts.Scan()
	counts.Return(n)
	return n, nil
}
