package buffer

import (
	"gompho/internal/ids"
	"gompho/stats"
)

// Read returns the buffer of a block, pinned and not latched. The block must exist.
// Errors: XX001 for a damaged page, 58P01/58030 for missing files and failed reads.
func (p *Pool) Read(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, s *Strategy) (Buf, error) {
	if slot == nil || slot.Local != nil {
		if l, err := p.local(slot, rel); err != nil {
			return Buf{}, err
		} else if l != nil {
			return l.Read(slot, rel, fork, blk, nil)
		}
	}
	t := tag{rel, fork, blk}
	hash := t.hash()
	if id, ok := p.lookup(&t, hash, s.maxUsage()); ok && p.descs[id].state.Load()&flagValid != 0 {
		p.countHit(slot, rel)
		return Buf{p, slot, id}, nil
	} else if ok {
		p.unpin(id)
	}
	return p.readSlow(slot, &t, hash, s, false)
}

// ReadOrZero is Read for forks that can be rebuilt (free space map, visibility map): a damaged page is
// returned as zeros.
func (p *Pool) ReadOrZero(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, s *Strategy) (Buf, error) {
	if l, err := p.local(slot, rel); err != nil {
		return Buf{}, err
	} else if l != nil {
		return l.ReadOrZero(slot, rel, fork, blk, nil)
	}
	if b, ok := p.ReadIfCached(slot, rel, fork, blk); ok {
		return b, nil
	}
	t := tag{rel, fork, blk}
	return p.readSlow(slot, &t, t.hash(), s, true)
}

// ReadIfCached returns the buffer of a block if it is in the pool.
func (p *Pool) ReadIfCached(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber) (Buf, bool) {
	if l := p.started(slot, rel); l != nil {
		return l.ReadIfCached(slot, rel, fork, blk)
	}
	t := tag{rel, fork, blk}
	id, ok := p.lookup(&t, t.hash(), maxUsage)
	if ok && p.descs[id].state.Load()&flagValid == 0 {
		p.unpin(id)
		ok = false
	}
	if !ok {
		return Buf{}, false
	}
	p.countHit(slot, rel)
	return Buf{p, slot, id}, true
}

// countHit and countRead account for a block that was found in the pool or read from disk. A session's own buffers are used with its slot only.
func (p *Pool) countHit(slot *stats.Slot, rel ids.RelFile) {
	if p.isLocal && slot != nil {
		slot.CountLocalHit(rel)
	} else {
		slot.CountHit(rel)
	}
}

func (p *Pool) countRead(slot *stats.Slot, rel ids.RelFile) {
	if p.isLocal && slot != nil {
		slot.CountLocalRead(rel)
	} else {
		slot.CountRead(rel)
	}
}

// Blocks returns the size of a fork in blocks. The size is cached.
func (p *Pool) Blocks(rel ids.RelFile, fork ids.Fork) (ids.BlockNumber, error) {
	return p.storage.Blocks(rel, fork)
}

func (p *Pool) readSlow(slot *stats.Slot, t *tag, hash uint32, s *Strategy, orZero bool) (Buf, error) {
	id, found, err := p.allocate(slot, t, hash, s)
	if err != nil {
		return Buf{}, err
	}
	if err := p.fill(slot, id, t, orZero); err != nil {
		p.unpin(id)
		return Buf{}, err
	}
	if found {
		p.countHit(slot, t.rel)
	} else {
		slot.CountPin()
	}
	return Buf{p, slot, id}, nil
}

// fill makes sure that the page of a pinned buffer is there.
func (p *Pool) fill(slot *stats.Slot, id int32, t *tag, orZero bool) error {
	if !p.startIO(id, func(s uint64) bool { return s&flagValid != 0 }) {
		return nil
	}
	err := p.readPage(slot, t, p.page(id), orZero)
	if err != nil {
		p.endIO(id, 0, 0)
		return err
	}
	p.endIO(id, flagValid, 0)
	p.countRead(slot, t.rel)
	return nil
}

// Extend adds n >= 1 blocks to the fork and returns the first of them pinned and latched exclusively, all zeros;
// the others can be Read. The blocks are there after a crash only if a logged change to them is.
func (p *Pool) Extend(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, n int, s *Strategy) (Buf, error) {
	if l, err := p.local(slot, rel); err != nil {
		return Buf{}, err
	} else if l != nil {
		return l.extend(slot, rel, fork, n, nil)
	}
	return p.extend(slot, rel, fork, n, s)
}

func (p *Pool) extend(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, n int, s *Strategy) (Buf, error) {
	var b Buf
	var more []int32
	// The buffer is in the table and latched before others can know that the block exists.
	_, err := p.storage.ExtendWith(slot, rel, fork, n, func(first ids.BlockNumber) error {
		t := tag{rel, fork, first}
		id, err := p.zeroBuffer(slot, &t, s)
		if err != nil {
			return err
		}
		slot.CountPin()
		b = Buf{p, slot, id}
		b.Lock(Exclusive)
		clear(b.Page())
		// A load that fills the other blocks soon finds them in its ring, and need not read zeros from disk.
		for i := 1; i < n && s != nil && len(s.ring) >= 4*n; i++ {
			t := tag{rel, fork, first + ids.BlockNumber(i)}
			if id, err = p.zeroBuffer(slot, &t, s); err != nil {
				return err
			}
			more = append(more, id)
		}
		return nil
	})
	for _, id := range more {
		if err != nil {
			p.discard(id)
		}
		p.unpin(id)
	}
	if err == nil {
		p.counters.BackendWrites.Add(int64(n))
		slot.CountExtend(rel, n, p.isLocal)
		return b, nil
	}
	if b.IsValid() {
		p.discard(b.id)
		b.UnlockRelease()
	}
	return Buf{}, err
}

// zeroBuffer returns the pinned buffer of a block whose content on disk does not matter, with a page of zeros.
func (p *Pool) zeroBuffer(slot *stats.Slot, t *tag, s *Strategy) (int32, error) {
	id, _, err := p.allocate(slot, t, t.hash(), s)
	if err != nil {
		return 0, err
	}
	if p.startIO(id, func(s uint64) bool { return s&flagValid != 0 }) {
		clear(p.page(id))
		p.endIO(id, flagValid, 0)
	}
	return id, nil
}

// ReadForRedo returns the buffer of a block pinned and exclusively latched. With rebuild the page's content on disk is
// not looked at. A block beyond the end of the fork is there after ok only with rebuild: then file and fork grow
// as needed. ok false: there is no such block.
func (p *Pool) ReadForRedo(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, rebuild bool) (b Buf, ok bool, err error) {
	if !p.storage.Exists(rel, fork) {
		if !rebuild {
			return Buf{}, false, nil
		}
		if err := p.storage.Create(rel, fork, true); err != nil {
			return Buf{}, false, err
		}
	}
	n, err := p.storage.Blocks(rel, fork)
	if err != nil {
		return Buf{}, false, err
	}
	if blk >= n {
		if !rebuild {
			return Buf{}, false, nil
		}
		if err := p.storage.ExtendTo(rel, fork, blk+1); err != nil {
			return Buf{}, false, err
		}
	}
	if rebuild {
		t := tag{rel, fork, blk}
		id, err := p.zeroBuffer(slot, &t, nil)
		if err != nil {
			return Buf{}, false, err
		}
		slot.CountPin()
		b = Buf{p, slot, id}
	} else if fork == ids.FsmFork || fork == ids.VmFork {
		// A map that is damaged is as good as an empty one.
		if b, err = p.ReadOrZero(slot, rel, fork, blk, nil); err != nil {
			return Buf{}, false, err
		}
	} else if b, err = p.Read(slot, rel, fork, blk, nil); err != nil {
		return Buf{}, false, err
	}
	b.Lock(Exclusive)
	return b, true, nil
}

// RedoDone says that redo changed the latched page by the record that ends at lsn.
func (b Buf) RedoDone(lsn ids.LSN) {
	b.Page().SetLSN(lsn)
	b.pool.markDirty(b.slot, b.id, true)
}
