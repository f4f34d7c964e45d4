package buffer

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/smgr"
)

// discardIf takes a buffer out of the table without writing it, if match holds for it. Who has it pinned may still look at the page.
func (p *Pool) discardIf(id int32, match func(tag) bool) {
	d := &p.descs[id]
	for {
		if s := d.state.Load(); s&flagTagValid == 0 || !match(d.tag()) {
			return
		}
		part := p.partitionOf(d.hash.Load())
		p.partitions[part].mu.Lock()
		s := d.state.Load()
		switch {
		case s&flagTagValid == 0 || p.partitionOf(d.hash.Load()) != part || !match(d.tag()):
			p.partitions[part].mu.Unlock()
		case s&flagIO != 0:
			p.partitions[part].mu.Unlock()
			p.lot.waitWhile(parkKey(id, parkIO), func() bool { return d.state.Load()&flagIO != 0 })
		case d.state.CompareAndSwap(s, s&^(flagTagValid|flagDirty|flagRedirtied|flagCkpt|flagUnlogged|usageMask)):
			p.unlink(id)
			p.partitions[part].mu.Unlock()
			return
		default:
			p.partitions[part].mu.Unlock()
		}
	}
}

func (p *Pool) discard(id int32) { p.discardIf(id, func(tag) bool { return true }) }

func (p *Pool) discardMatching(match func(tag) bool) {
	for id := range int32(p.n) {
		p.discardIf(id, match)
	}
}

// discardFrom drops the buffers of blocks from on of some forks of a relation; sizes tells for each fork where to
// begin, InvalidBlock spares it. Few blocks are looked up one by one, many by going through the pool.
func (p *Pool) discardFrom(rel ids.RelFile, sizes [ids.NumForks]ids.BlockNumber) {
	total := uint64(0)
	var ends [ids.NumForks]ids.BlockNumber
	for f, from := range sizes {
		if from == ids.InvalidBlock || !p.storage.Exists(rel, ids.Fork(f)) {
			continue
		}
		n, err := p.storage.Blocks(rel, ids.Fork(f))
		if err != nil {
			total = 1 << 40
			break
		}
		if n > from {
			ends[f] = n
			total += uint64(n - from)
		}
	}
	if total < uint64(p.n)/32 {
		for f, from := range sizes {
			for blk := from; blk < ends[f]; blk++ {
				p.discardBlock(tag{rel, ids.Fork(f), blk})
			}
		}
		return
	}
	p.discardMatching(func(t tag) bool { return t.rel == rel && t.block >= sizes[t.fork] })
}

func (p *Pool) discardBlock(t tag) {
	hash := t.hash()
	part := &p.partitions[p.partitionOf(hash)]
	part.mu.Lock()
	id := p.heads[hash&p.headMask].Load() - 1
	for id >= 0 && !p.descs[id].is(&t) {
		id = p.descs[id].next.Load() - 1
	}
	part.mu.Unlock()
	if id >= 0 {
		p.discardIf(id, func(u tag) bool { return u == t })
	}
}

// DropRelations forgets the buffers of relations and removes their files. It is called after the transaction's end,
// when nobody can use the relations any more. Files that cannot be removed are reported; the rest goes on.
func (p *Pool) DropRelations(rels []ids.RelFile) error {
	var first error
	for _, rel := range rels {
		if !p.forgetLocal(rel) {
			p.discardFrom(rel, [ids.NumForks]ids.BlockNumber{})
		}
		if err := p.storage.Unlink(rel); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// DropDatabaseBuffers forgets the buffers of a database without writing them.
func (p *Pool) DropDatabaseBuffers(db ids.Oid) {
	p.discardMatching(func(t tag) bool { return t.rel.DB == db })
}

// DropRelationBuffers forgets the buffers of a relation without writing them.
func (p *Pool) DropRelationBuffers(rel ids.RelFile) {
	if v, ok := p.locals.Load(rel); ok {
		l := v.(*Local)
		l.mu.RLock()
		pool := l.pool
		l.mu.RUnlock()
		if pool != nil {
			pool.DropRelationBuffers(rel)
		}
		return
	}
	p.discardMatching(func(t tag) bool { return t.rel == rel })
}

// Keep for a fork in Truncate's sizes leaves the fork as it is.
const Keep = ids.InvalidBlock

// Truncate cuts forks of a relation to sizes blocks (Keep spares a fork). The caller holds AccessExclusiveLock, or
// knows otherwise that nobody uses what is cut off. Once the record is in the log there is no way back: a failure then is
// a panic in a critical section.
func (p *Pool) Truncate(slot *stats.Slot, xid ids.Xid, rel RelInfo, sizes [ids.NumForks]ids.BlockNumber) error {
	if l := p.Log(); rel.Logged && l != nil {
		slot.EnterCritical()
		defer slot.LeaveCritical()
		delay := l.Delay()
		defer l.EndDelay(delay)
		// Flushed first: a file that is shorter than the log knows would make redo fail.
		if err := l.Flush(slot, smgr.LogTruncate(l, xid, rel.File, sizes)); err != nil {
			panic(err)
		}
		if err := p.TruncateFiles(slot, rel.File, sizes); err != nil {
			panic(pgerr.From(err).WithSeverity(pgerr.Panic))
		}
		return nil
	}
	return p.TruncateFiles(slot, rel.File, sizes)
}

// TruncateFiles is Truncate without the log: its redo.
func (p *Pool) TruncateFiles(slot *stats.Slot, rel ids.RelFile, sizes [ids.NumForks]ids.BlockNumber) error {
	if l := p.started(slot, rel); l != nil {
		l.discardFrom(rel, sizes)
	} else {
		p.discardFrom(rel, sizes)
	}
	for f, n := range sizes {
		if n == Keep || !p.storage.Exists(rel, ids.Fork(f)) {
			continue
		}
		if err := p.storage.Truncate(slot, rel, ids.Fork(f), n); err != nil {
			return err
		}
	}
	return nil
}
