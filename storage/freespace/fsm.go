package freespace

import (
	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/storage/smgr"
)

const (
	step     = ids.BlockSize / 256 // bytes per category
	levels   = 3
	rootPage = levels - 1
	noSlot   = -1
)

// address is a page of the map: its level (0 at the bottom) and number within the level.
type address struct {
	level int
	no    uint32
}

// block returns the physical block of a page: the pages lie in depth-first order.
func (a address) block() ids.BlockNumber {
	leaf := uint64(a.no)
	for i := 0; i < a.level; i++ {
		leaf *= slots
	}
	n := uint64(0)
	for i := 0; i < levels; i++ {
		n += leaf + 1
		leaf /= slots
	}
	return ids.BlockNumber(n - uint64(a.level) - 1)
}

func (a address) parent() (address, int) {
	return address{a.level + 1, a.no / slots}, int(a.no % slots)
}

func (a address) child(slot int) address {
	return address{a.level - 1, a.no*slots + uint32(slot)}
}

func leafOf(blk ids.BlockNumber) (address, int) {
	return address{0, uint32(blk) / slots}, int(uint32(blk) % slots)
}

// FSM is the free space map of one relation: of a table, or of an index, which keeps free pages in it. It is a value
// without state, cheap to make.
type FSM struct {
	Pool *buffer.Pool
	Rel  buffer.RelInfo
}

// category is what is stored for a page with so many bytes free.
func category(free int) byte { return byte(min(254, max(0, free)/step)) }

// needed is the least category of pages that are sure to have n bytes free.
func needed(n int) byte { return byte(min(254, (n+step-1)/step)) }

// read returns the pinned buffer of a page, or no buffer if the map does not reach so far and extend is not set.
func (f FSM) read(slot *stats.Slot, a address, extend bool) (buffer.Buf, error) {
	blk := a.block()
	n, err := size(f.Pool, f.Rel.File, ids.FsmFork)
	if err != nil {
		return buffer.Buf{}, err
	}
	if blk >= n {
		if !extend {
			return buffer.Buf{}, nil
		}
		if err := extendTo(f.Pool, slot, f.Rel, ids.FsmFork, blk); err != nil {
			return buffer.Buf{}, err
		}
	}
	// A damaged page is as good as an empty one: the map is written without log, and may be torn by a crash.
	return f.Pool.ReadOrZero(slot, f.Rel.File, ids.FsmFork, blk, nil)
}

// size returns the blocks of a fork, 0 when it has no file.
func size(pool *buffer.Pool, rel ids.RelFile, fork ids.Fork) (ids.BlockNumber, error) {
	if !pool.Storage().Exists(rel, fork) {
		return 0, nil
	}
	return pool.Blocks(rel, fork)
}

// extendTo makes the fork have block blk, with new pages of zeros, and the fork itself if need be.
func extendTo(pool *buffer.Pool, slot *stats.Slot, rel buffer.RelInfo, fork ids.Fork, blk ids.BlockNumber) error {
	if !pool.Storage().Exists(rel.File, fork) {
		if err := pool.Storage().Create(rel.File, fork, true); err != nil {
			return err
		}
		if l := pool.Log(); rel.Logged && l != nil {
			smgr.LogCreate(l, 0, rel.File, fork)
		}
	}
	for {
		n, err := pool.Blocks(rel.File, fork)
		if err != nil || n > blk {
			return err
		}
		b, err := pool.Extend(slot, rel.File, fork, 1, nil)
		if err != nil {
			return err
		}
		b.UnlockRelease()
	}
}

// change runs f on a page, formatted if it is new, and marks it dirty if f says so. It returns the page's maximum.
func (f FSM) change(b buffer.Buf, fn func(t tree) bool) byte {
	b.Lock(buffer.Exclusive)
	pg := b.Page()
	if pg.IsNew() {
		pg.Init(0, 0)
		pg.SetBounds(page.HeaderSize, page.HeaderSize) // no hole: images hold all of it
	}
	if fn(tree(pg)) {
		b.MarkDirtyHint()
	}
	m := tree(pg).max()
	b.UnlockRelease()
	return m
}

// Record notes that block blk has free bytes of room.
func (f FSM) Record(slot *stats.Slot, blk ids.BlockNumber, free int) error {
	return f.set(slot, blk, category(free))
}

// RecordFree notes that an index's page is free altogether.
func (f FSM) RecordFree(slot *stats.Slot, blk ids.BlockNumber) error { return f.set(slot, blk, 255) }

func (f FSM) set(slot *stats.Slot, blk ids.BlockNumber, v byte) error {
	a, s := leafOf(blk)
	for {
		b, err := f.read(slot, a, true)
		if err != nil {
			return err
		}
		before := byte(0)
		after := f.change(b, func(t tree) bool {
			before = t.max()
			return t.set(s, v)
		})
		if before == after || a.level == rootPage {
			return nil
		}
		a, s = a.parent()
		v = after
	}
}

// Find returns a block that should have need bytes free, or ids.InvalidBlock.
func (f FSM) Find(slot *stats.Slot, need int) (ids.BlockNumber, error) {
	return f.find(slot, needed(need))
}

// TakeFree returns a free page of an index and forgets it, or ids.InvalidBlock.
func (f FSM) TakeFree(slot *stats.Slot) (ids.BlockNumber, error) {
	blk, err := f.find(slot, 255)
	if err != nil || blk == ids.InvalidBlock {
		return blk, err
	}
	return blk, f.set(slot, blk, 0)
}

func (f FSM) find(slot *stats.Slot, v byte) (ids.BlockNumber, error) {
	a := address{rootPage, 0}
	for tries := 0; tries < 100; {
		b, err := f.read(slot, a, false)
		if err != nil {
			return ids.InvalidBlock, err
		}
		s, most := noSlot, byte(0)
		if b.IsValid() {
			most = f.change(b, func(t tree) (dirty bool) {
				s, dirty = search(t, v, a.level == 0)
				return dirty
			})
		}
		switch {
		case s >= 0 && a.level == 0:
			return ids.BlockNumber(a.no)*slots + ids.BlockNumber(s), nil
		case s >= 0:
			a = a.child(s)
		case a.level == rootPage:
			return ids.InvalidBlock, nil
		default:
			// The level above promised too much: mend it and begin again.
			tries++
			if err := f.mend(slot, a, most); err != nil {
				return ids.InvalidBlock, err
			}
			a = address{rootPage, 0}
		}
	}
	return ids.InvalidBlock, nil
}

// search looks for a slot and moves the place of the next search on, at the bottom, so that several inserters do
// not all get the same page.
func search(t tree, v byte, bottom bool) (slot int, dirty bool) {
	slot, broken := t.find(v)
	if broken {
		t.rebuild()
		slot, _ = t.find(v)
	}
	if slot >= 0 && bottom {
		t.setNext(slot + 1) // not worth a write by itself
	}
	return slot, broken
}

func (f FSM) mend(slot *stats.Slot, a address, most byte) error {
	p, s := a.parent()
	b, err := f.read(slot, p, true)
	if err != nil {
		return err
	}
	f.change(b, func(t tree) bool { return t.set(s, most) })
	return nil
}

// Free returns the room in bytes that the map knows of in block blk.
func (f FSM) Free(slot *stats.Slot, blk ids.BlockNumber) (int, error) {
	a, s := leafOf(blk)
	b, err := f.read(slot, a, false)
	if err != nil || !b.IsValid() {
		return 0, err
	}
	b.Lock(buffer.Share)
	defer b.UnlockRelease()
	if b.Page().IsNew() {
		return 0, nil
	}
	return int(tree(b.Page()).get(s)) * step, nil
}

// Truncate forgets the blocks from n on; the map's file keeps its size.
func (f FSM) Truncate(slot *stats.Slot, n ids.BlockNumber) error {
	a, s := leafOf(n)
	for ; ; a, s = (address{0, a.no + 1}), 0 {
		b, err := f.read(slot, a, false)
		if err != nil || !b.IsValid() {
			return err
		}
		most := f.change(b, func(t tree) bool { return t.clearFrom(s) })
		if err := f.mend(slot, a, most); err != nil {
			return err
		}
	}
}
