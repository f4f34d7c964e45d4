package heap

import (
	"gompho/internal/ids"
	"gompho/locks"
	"gompho/storage/buffer"
	"gompho/storage/page"
)

// bulkExtendMax is how many blocks a bulk load adds to a table at once, at most.
const bulkExtendMax = 64

// BulkInsert is the state of a bulk load into one table: the page being filled, and those reserved for it. It keeps
// a page pinned; Release it.
type BulkInsert struct {
	strategy *buffer.Strategy
	buf      buffer.Buf
	next     ids.BlockNumber // blocks [next, end) were added for this load and are empty
	end      ids.BlockNumber
	grow     int
	r        *Rel
}

// NewBulkInsert makes the state for a load.
func NewBulkInsert() *BulkInsert { return &BulkInsert{grow: 1} }

// Release lets go of the page and gives the unused blocks to the free space map.
func (b *BulkInsert) Release() {
	b.unpin()
	if b.r == nil {
		return
	}
	fsm := b.r.fsm()
	for ; b.next < b.end; b.next++ {
		// The map is a hint: if it cannot be written, vacuum finds the blocks.
		if fsm.Record(nil, b.next, MaxTupleSize) != nil {
			return
		}
	}
}

func (b *BulkInsert) unpin() {
	if b.buf.IsValid() {
		b.buf.Release()
		b.buf = buffer.Buf{}
	}
}

func (r *Rel) saveFree() int {
	if r.FillFactor == 0 {
		return 0
	}
	return page.Size * (100 - r.FillFactor) / 100
}

// pageFor returns a page with room for size bytes, latched exclusively, its visibility map page pinned in o.vm2 if need be.
// other is a page that the caller has pinned, unlatched, and wants latched as well, or none. Pages are latched in the order of blocks;
// when both are the same it is latched once.
func (o *op) pageFor(size int, opts *InsertOpts, other buffer.Buf) (buffer.Buf, error) {
	bulk := opts.Bulk
	need := size + o.r.saveFree()
	if need > MaxTupleSize {
		need = max(size, MaxTupleSize)
	}
	target, err := o.firstTarget(need, opts)
	if err != nil {
		return buffer.Buf{}, err
	}
	fsm := o.r.fsm()
	for target != ids.InvalidBlock {
		b, err := o.lockTarget(target, bulk, other)
		if err != nil {
			return buffer.Buf{}, err
		}
		if !b.IsValid() {
			// The map speaks of a block that is not there.
			if err := fsm.Record(o.slot, target, 0); err != nil {
				return buffer.Buf{}, err
			}
			if target, err = fsm.Find(o.slot, need); err != nil {
				return buffer.Buf{}, err
			}
			continue
		}
		free := freeSpace(b.Page())
		if free >= need || free >= size && b.Page().MaxOffset() == 0 {
			o.setTarget(b, bulk)
			return b, nil
		}
		o.unlockTarget(b, other)
		if bulk != nil && bulk.next < bulk.end {
			target = bulk.next
			bulk.next++
			continue
		}
		if opts.SkipFsm {
			break
		}
		if err := fsm.Record(o.slot, target, free); err != nil {
			return buffer.Buf{}, err
		}
		if target, err = fsm.Find(o.slot, need); err != nil {
			return buffer.Buf{}, err
		}
		if err := o.slot.CheckInterrupts(); err != nil {
			return buffer.Buf{}, err
		}
	}
	return o.extend(need, opts.SkipFsm, bulk, other)
}

func (o *op) setTarget(b buffer.Buf, bulk *BulkInsert) {
	if bulk == nil {
		o.r.target.Store(uint64(b.Block()) + 1)
		return
	}
	if !bulk.buf.Same(b) {
		bulk.unpin()
		bulk.buf = b.Pin()
	}
}

// firstTarget chooses the block to try first.
func (o *op) firstTarget(need int, opts *InsertOpts) (ids.BlockNumber, error) {
	if bulk := opts.Bulk; bulk != nil {
		if bulk.r == nil {
			bulk.r = o.r
			bulk.strategy = o.pool.NewStrategy(buffer.BulkWrite)
		}
		if bulk.buf.IsValid() {
			return bulk.buf.Block(), nil
		}
		if bulk.next < bulk.end {
			bulk.next++
			return bulk.next - 1, nil
		}
	} else if t := o.r.target.Load(); t != 0 {
		return ids.BlockNumber(t - 1), nil
	}
	if !opts.SkipFsm {
		if blk, err := o.r.fsm().Find(o.slot, need); err != nil || blk != ids.InvalidBlock {
			return blk, err
		}
	}
	n, err := o.r.Blocks()
	if err != nil || n == 0 {
		return ids.InvalidBlock, err
	}
	return n - 1, nil
}

// lockTarget latches block blk and other. No buffer: the block does not exist.
func (o *op) lockTarget(blk ids.BlockNumber, bulk *BulkInsert, other buffer.Buf) (buffer.Buf, error) {
	if other.IsValid() && other.Block() == blk {
		return other, o.lockPage(other, &o.vm)
	}
	n, err := o.r.Blocks()
	if err != nil || blk >= n {
		return buffer.Buf{}, err
	}
	var strategy *buffer.Strategy
	if bulk != nil {
		strategy = bulk.strategy
	}
	b, err := o.pool.Read(o.slot, o.r.File, ids.MainFork, blk, strategy)
	if err != nil {
		return buffer.Buf{}, err
	}
	if !other.IsValid() {
		if err := o.lockPage(b, &o.vm2); err != nil {
			b.Release()
			return buffer.Buf{}, err
		}
		return b, nil
	}
	if err := o.lockBoth(b, other); err != nil {
		b.Release()
		return buffer.Buf{}, err
	}
	return b, nil
}

// lockBoth latches the page of a new version and that of the old one in the order of blocks.
func (o *op) lockBoth(b, other buffer.Buf) error {
	for {
		first, second := b, other
		if other.Block() < b.Block() {
			first, second = other, b
		}
		first.Lock(buffer.Exclusive)
		second.Lock(buffer.Exclusive)
		okB := !b.Page().HasFlag(page.AllVisible) || o.vm2.Pinned(b.Block())
		okO := !other.Page().HasFlag(page.AllVisible) || o.vm.Pinned(other.Block())
		if okB && okO {
			return nil
		}
		b.Unlock()
		other.Unlock()
		if !okB {
			if err := o.vm2.Pin(o.slot, b.Block()); err != nil {
				return err
			}
		}
		if !okO {
			if err := o.vm.Pin(o.slot, other.Block()); err != nil {
				return err
			}
		}
	}
}

func (o *op) unlockTarget(b, other buffer.Buf) {
	b.Unlock()
	if b.Same(other) {
		return
	}
	b.Release()
	if other.IsValid() {
		other.Unlock()
	}
}

// crowdExtend is how many blocks one adds who had to wait for others that were adding some.
const crowdExtend = 8

// extend adds pages to the table and returns the first, latched together with other. Who has to wait for the extension lock looks for the pages that others
// have added first, and leaves some more for those who come after.
func (o *op) extend(need int, skipFsm bool, bulk *BulkInsert, other buffer.Buf) (buffer.Buf, error) {
	tag := locks.ExtendTag(o.r.DB, o.r.Oid)
	free, err := o.tx.Locks().TryAcquire(tag, locks.Exclusive, false)
	if err == nil && !free {
		err = o.tx.Locks().Acquire(tag, locks.Exclusive, locks.Opts{})
	}
	if err != nil {
		return buffer.Buf{}, err
	}
	crowded := !free && !skipFsm && bulk == nil
	target := ids.InvalidBlock
	if crowded {
		target, err = o.r.fsm().Find(o.slot, need)
	}
	var b buffer.Buf
	if err == nil && target == ids.InvalidBlock {
		b, err = o.addPages(crowded, bulk)
	}
	o.tx.Locks().Release(tag, locks.Exclusive, false)
	if err != nil {
		return buffer.Buf{}, err
	}
	if target != ids.InvalidBlock {
		b, err = o.lockTarget(target, bulk, other)
		if err == nil && (!b.IsValid() || freeSpace(b.Page()) < need) {
			if b.IsValid() {
				o.unlockTarget(b, other)
			}
			return o.extend(need, true, bulk, other)
		}
		if err == nil {
			o.setTarget(b, bulk)
		}
		return b, err
	}
	if other.IsValid() {
		// other has the smaller block: go by the order of blocks. Nobody else knows of the new page but through the size of the table.
		b.Unlock()
		if err := o.lockBoth(b, other); err != nil {
			b.Release()
			return buffer.Buf{}, err
		}
	}
	if (crowded || other.IsValid()) && freeSpace(b.Page()) < MaxTupleSize {
		o.unlockTarget(b, other) // somebody found it while it was not latched
		return o.extend(need, skipFsm, bulk, other)
	}
	o.setTarget(b, bulk)
	return b, nil
}

// addPages makes the file longer, under the extension lock, and returns the first new page latched.
func (o *op) addPages(crowded bool, bulk *BulkInsert) (buffer.Buf, error) {
	n := 1
	var strategy *buffer.Strategy
	if bulk != nil {
		n, strategy = bulk.grow, bulk.strategy
		bulk.grow = min(2*bulk.grow, bulkExtendMax)
	}
	if crowded {
		n = crowdExtend
	}
	b, err := o.pool.Extend(o.slot, o.r.File, ids.MainFork, n, strategy)
	if err != nil {
		return b, err
	}
	if bulk != nil {
		bulk.next, bulk.end = b.Block()+1, b.Block()+ids.BlockNumber(n)
		return b, nil
	}
	if n > 1 {
		// The map is a hint: blocks that are missing in it are found by vacuum.
		first := b.Block()
		b.Unlock()
		for i := 1; i < n; i++ {
			if o.r.fsm().Record(o.slot, first+ids.BlockNumber(i), MaxTupleSize) != nil {
				break
			}
		}
		b.Lock(buffer.Exclusive)
	}
	return b, nil
}
