package buffer

import (
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/page"
)

// StrategyKind says what a ring is for.
type StrategyKind uint8

const (
	BulkRead  StrategyKind = iota // large sequential scans: 256 kB
	BulkWrite                     // COPY, CREATE TABLE AS, index builds: 16 MB or an eighth of the pool
	Vacuum                        // 256 kB
)

// Strategy is a small ring of buffers that a bulk operation recycles instead of sweeping the whole pool.
// nil is the normal strategy. It belongs to one goroutine.
type Strategy struct {
	kind StrategyKind
	ring []int32 // buffer + 1; 0: not filled yet
	at   int
}

// NewStrategy makes a ring.
func (p *Pool) NewStrategy(kind StrategyKind) *Strategy {
	size := 256 << 10
	if kind == BulkWrite {
		size = 16 << 20
	}
	n := min(size/page.Size, max(1, int(p.n)/8))
	return &Strategy{kind: kind, ring: make([]int32, n)}
}

// maxUsage is up to which usage count a read of a block bumps it.
func (s *Strategy) maxUsage() uint64 {
	if s == nil {
		return maxUsage
	}
	return usageOne
}

// allocate returns the buffer of block t, pinned; its page may have to be read yet. found tells that it
// was in the table already.
func (p *Pool) allocate(slot *stats.Slot, t *tag, hash uint32, s *Strategy) (id int32, found bool, err error) {
	part := p.partitionOf(hash)
	for {
		stats.Lock(slot, &p.partitions[part].mu, stats.LWLockBufferMapping)
		id, found = p.lookupLocked(t, hash, s.maxUsage())
		p.partitions[part].mu.Unlock()
		if found {
			return id, true, nil
		}
		victim, err := p.victim(slot, s)
		if err != nil {
			return 0, false, err
		}
		d := &p.descs[victim]
		old := p.partitionOf(d.hash.Load())
		p.lockBoth(slot, old, part)
		if id, found = p.lookupLocked(t, hash, s.maxUsage()); found {
			p.unlockBoth(old, part)
			p.unpin(victim)
			return id, true, nil
		}
		if !p.detach(victim) {
			p.unlockBoth(old, part)
			p.unpin(victim)
			continue
		}
		d.setTag(t, hash)
		d.state.Store(pinOne | usageOne | flagTagValid)
		p.link(victim)
		p.unlockBoth(old, part)
		return victim, false, nil
	}
}

// detach takes a buffer whose sole pin the caller holds out of the table, under the lock of its partition. It fails when
// someone else pinned or dirtied it meanwhile.
func (p *Pool) detach(id int32) bool {
	d := &p.descs[id]
	for {
		s := d.state.Load()
		if s&pinMask != 1 || s&(flagDirty|flagIO|flagPinWaiter) != 0 {
			return false
		}
		if d.state.CompareAndSwap(s, pinOne|flagLocked) {
			if s&flagTagValid != 0 {
				p.unlink(id)
			}
			return true
		}
	}
}

// victim returns a clean buffer with the caller's pin as the only one, at that moment.
func (p *Pool) victim(slot *stats.Slot, s *Strategy) (victim int32, err error) {
	counted := false
	for tries := 0; ; tries++ {
		id, fromRing, ok := p.ringVictim(s)
		if !ok {
			if !counted { // what a ring gives again says nothing of the need for buffers
				p.countAlloc()
				counted = true
			}
			if id, ok = p.sweep(); !ok {
				if p.isLocal {
					return 0, pgerr.New(pgerr.InsufficientResources, "no empty local buffer available")
				}
				return 0, pgerr.New(pgerr.InsufficientResources, "no unpinned buffers available")
			}
		}
		if p.descs[id].state.Load()&flagDirty != 0 {
			clean := false
			if !s.avoids(p, id) || tries >= len(s.ring) {
				if clean, err = p.cleanVictim(slot, id); err != nil {
					p.unpin(id)
					return 0, err
				}
			}
			if !clean {
				if fromRing {
					s.ring[s.at] = 0
				}
				p.unpin(id)
				continue
			}
		}
		if s != nil && !fromRing {
			s.ring[s.at] = id + 1
		}
		return id, nil
	}
}

func (p *Pool) countAlloc() {
	p.counters.Alloc.Add(1)
	p.allocs.Add(1)
	if p.sleeper.Load() && p.sleeper.Swap(false) {
		select {
		case p.allocWake <- struct{}{}:
		default:
		}
	}
}

// cleanVictim writes a dirty victim if its latch is free.
func (p *Pool) cleanVictim(slot *stats.Slot, id int32) (bool, error) {
	if !tryLatch(&p.descs[id].latch, Share) {
		return false, nil
	}
	slot.CountLatch(1)
	defer p.unlatch(slot, id)
	d := &p.descs[id]
	if d.state.Load()&flagTagValid == 0 { // dropped, then changed by a last holder
		d.clear(flagDirty | flagRedirtied)
		return true, nil
	}
	t := d.tag()
	if _, err := p.flushLatched(slot, id); err != nil {
		return false, err
	}
	p.counters.BackendWrites.Add(1)
	return true, p.backendWriteback(slot).add(slot, t, 1)
}

// avoids reports whether a scan should rather take another buffer than flush the log for this one.
func (s *Strategy) avoids(p *Pool, id int32) bool {
	l := p.Log()
	return s != nil && s.kind == BulkRead && l != nil && p.page(id).LSN() > l.FlushedTo()
}

// ringVictim takes the next buffer of the ring, if nobody else uses it.
func (p *Pool) ringVictim(s *Strategy) (id int32, fromRing, ok bool) {
	if s == nil {
		return 0, false, false
	}
	s.at = (s.at + 1) % len(s.ring)
	id = s.ring[s.at] - 1
	if id < 0 {
		return 0, false, false
	}
	d := &p.descs[id]
	for {
		st := d.state.Load()
		if st&pinMask != 0 || st&flagLocked != 0 || st&usageMask > usageOne {
			return 0, false, false
		}
		if d.state.CompareAndSwap(st, st+pinOne) {
			return id, true, true
		}
	}
}

// sweep moves the clock's hand to a buffer that nobody has used lately, and pins it.
func (p *Pool) sweep() (int32, bool) {
	for pinned := uint32(0); pinned < 2*p.n; {
		id := int32((p.hand.Add(1) - 1) % uint64(p.n))
		d := &p.descs[id]
		s := d.state.Load()
		switch {
		case s&(pinMask|flagLocked) != 0:
			pinned++
		case s&usageMask != 0:
			d.state.CompareAndSwap(s, s-usageOne)
			pinned = 0
		case d.state.CompareAndSwap(s, s+pinOne):
			return id, true
		}
	}
	return 0, false
}
