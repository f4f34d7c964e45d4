package buffer

import (
	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/page"
)

// flushLatched writes a dirty buffer that the caller has pinned and latched, at least shared. It reports whether it wrote.
func (p *Pool) flushLatched(slot *stats.Slot, id int32) (bool, error) {
	if !p.startIO(id, func(s uint64) bool { return s&(flagDirty|flagTagValid) != flagDirty|flagTagValid }) {
		return false, nil
	}
	d := &p.descs[id]
	d.clear(flagRedirtied)
	if err := p.writePage(slot, id); err != nil {
		p.endIO(id, 0, 0)
		return false, err
	}
	p.written(slot, id)
	p.endIO(id, 0, 0)
	return true, nil
}

// written notes that a buffer was written: it is clean unless it was dirtied since.
func (p *Pool) written(slot *stats.Slot, id int32) {
	p.descs[id].update(func(s uint64) uint64 {
		if s&flagRedirtied == 0 {
			s &^= flagDirty
		}
		return s &^ flagCkpt
	})
	switch {
	case slot == nil:
	case p.isLocal:
		slot.Buffers.LocalWritten.Add(1)
	default:
		slot.Buffers.Written.Add(1)
	}
}

func (p *Pool) writePage(slot *stats.Slot, id int32) error {
	pg, t := p.page(id), p.descs[id].tag()
	if l := p.Log(); l != nil {
		if err := l.Flush(slot, pg.LSN()); err != nil {
			return err
		}
	} else if f := p.barrier.Load(); f != nil {
		if err := (*f)(pg.LSN()); err != nil {
			return err
		}
	}
	if !p.opts.Checksums {
		return p.storage.Write(slot, t.rel, t.fork, t.block, pg)
	}
	// Hint bits may change meanwhile: the checksum must be of what is written.
	buf := p.scratch.Get().(*[page.Size]byte)
	defer p.scratch.Put(buf)
	copy(buf[:], pg)
	page.Page(buf[:]).SetChecksum(t.block)
	return p.storage.Write(slot, t.rel, t.fork, t.block, buf[:])
}

// flushBuffer writes buffer id if it is dirty and match still holds for it once it is pinned.
func (p *Pool) flushBuffer(slot *stats.Slot, id int32, match func(s uint64, t tag) bool) (bool, error) {
	d := &p.descs[id]
	s := d.state.Load()
	if s&flagDirty == 0 || !match(s, d.tag()) || !d.tryPin(0) {
		return false, nil
	}
	slot.CountPin()
	b := Buf{p, slot, id}
	defer b.Release()
	if !match(d.state.Load(), d.tag()) {
		return false, nil
	}
	b.Lock(Share)
	defer b.Unlock()
	return p.flushLatched(slot, id)
}

func (p *Pool) flushMatching(slot *stats.Slot, match func(s uint64, t tag) bool) error {
	for id := range int32(p.n) {
		wrote, err := p.flushBuffer(slot, id, match)
		if err != nil {
			return err
		}
		if wrote {
			p.counters.BackendWrites.Add(1)
		}
	}
	return nil
}

// FlushRelation writes the dirty buffers of a relation.
func (p *Pool) FlushRelation(slot *stats.Slot, rel ids.RelFile) error {
	if l := p.started(slot, rel); l != nil {
		p = l
	}
	return p.flushMatching(slot, func(_ uint64, t tag) bool { return t.rel == rel })
}

// FlushDatabase writes the dirty buffers of a database: before its files are copied.
func (p *Pool) FlushDatabase(slot *stats.Slot, db ids.Oid) error {
	return p.flushMatching(slot, func(_ uint64, t tag) bool { return t.rel.DB == db })
}

// FlushAll writes all dirty buffers, unlogged relations' too.
func (p *Pool) FlushAll(slot *stats.Slot) error {
	return p.flushMatching(slot, func(uint64, tag) bool { return true })
}

// markDirty says that the page of a pinned buffer, which the caller has latched, changed.
func (p *Pool) markDirty(slot *stats.Slot, id int32, logged bool) {
	d := &p.descs[id]
	want := uint64(flagDirty | flagRedirtied)
	off := uint64(flagUnlogged)
	if !logged {
		want, off = want|flagUnlogged, 0
	}
	for {
		s := d.state.Load()
		n := s&^off | want
		if s == n {
			return
		}
		if d.state.CompareAndSwap(s, n) {
			switch {
			case s&flagDirty != 0 || slot == nil:
			case p.isLocal:
				slot.Buffers.LocalDirtied.Add(1)
			default:
				slot.Buffers.Dirtied.Add(1)
			}
			return
		}
	}
}
