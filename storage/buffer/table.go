package buffer

import (
	"sync"

	"gompho/stats"
)

// partitions of the mapping table. The bucket of a hash belongs to partition bucket % partitions.
const partitions = 128

type partition struct {
	mu sync.Mutex // protects membership in the chains of the partition's buckets
	_  [56]byte
}

func (p *Pool) partitionOf(hash uint32) uint32 { return hash & p.headMask % partitions }

// lookup finds and pins the buffer of t without a lock. It may miss one that is there.
func (p *Pool) lookup(t *tag, hash uint32, bump uint64) (int32, bool) {
	next := p.heads[hash&p.headMask].Load()
	for range 64 { // chains are short; a chain that changes underfoot may lead astray
		if next == 0 {
			return 0, false
		}
		d := &p.descs[next-1]
		if d.hash.Load() == hash && d.is(t) && d.tryPin(bump) {
			if d.is(t) {
				return next - 1, true
			}
			p.unpin(next - 1)
		}
		next = d.next.Load()
	}
	return 0, false
}

// lookupLocked is lookup under the partition's lock: exact.
func (p *Pool) lookupLocked(t *tag, hash uint32, bump uint64) (int32, bool) {
	for next := p.heads[hash&p.headMask].Load(); next != 0; {
		d := &p.descs[next-1]
		if d.is(t) && d.tryPin(bump) {
			return next - 1, true
		}
		next = d.next.Load()
	}
	return 0, false
}

// link puts a buffer into the chain of its hash, under the partition's lock.
func (p *Pool) link(id int32) {
	d := &p.descs[id]
	head := &p.heads[d.hash.Load()&p.headMask]
	d.next.Store(head.Load())
	head.Store(id + 1)
}

// unlink takes it out, under the partition's lock. Its next stays, for those who are just passing.
func (p *Pool) unlink(id int32) {
	d := &p.descs[id]
	at := &p.heads[d.hash.Load()&p.headMask]
	for at.Load() != id+1 {
		if at.Load() == 0 {
			panic("buffer: a buffer is missing in its chain")
		}
		at = &p.descs[at.Load()-1].next
	}
	at.Store(d.next.Load())
}

// lockBoth locks two partitions in their order.
func (p *Pool) lockBoth(slot *stats.Slot, a, b uint32) {
	stats.Lock(slot, &p.partitions[min(a, b)].mu, stats.LWLockBufferMapping)
	if a != b {
		stats.Lock(slot, &p.partitions[max(a, b)].mu, stats.LWLockBufferMapping)
	}
}

func (p *Pool) unlockBoth(a, b uint32) {
	p.partitions[a].mu.Unlock()
	if a != b {
		p.partitions[b].mu.Unlock()
	}
}
