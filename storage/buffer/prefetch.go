package buffer

import (
	"gompho/internal/ids"
	"gompho/stats"
)

// Prefetch says that a block will be read soon: unless it is in the pool the operating system begins to read it.
func (p *Pool) Prefetch(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber) {
	if l := p.started(slot, rel); l != nil {
		p = l
	}
	t := tag{rel, fork, blk}
	if !p.seems(&t) {
		p.storage.Prefetch(slot, rel, fork, blk, 1)
	}
}

// seems reports whether a block seems to be in the pool. It takes neither lock nor pin, so the answer may be wrong.
func (p *Pool) seems(t *tag) bool {
	hash := t.hash()
	next := p.heads[hash&p.headMask].Load()
	for i := 0; next != 0 && i < 64; i++ {
		d := &p.descs[next-1]
		if d.hash.Load() == hash && d.is(t) {
			return true
		}
		next = d.next.Load()
	}
	return false
}

// Prefetcher keeps the operating system reading ahead of a reader that knows which blocks it will read. How far ahead grows from
// nothing up to depth, so that a reader who soon stops has asked for little. It belongs to one process; a nil *Prefetcher does nothing.
type Prefetcher struct {
	pool   *Pool
	slot   *stats.Slot
	rel    ids.RelFile
	depth  int
	target int // how far ahead to be at this step
	ahead  int // blocks asked for and not reached by the reader
	next   func() (ids.BlockNumber, bool)
}

// NewPrefetcher makes a Prefetcher for blocks of the main fork; next gives the blocks that will be read, in their order. depth 0 is none.
func (p *Pool) NewPrefetcher(slot *stats.Slot, rel ids.RelFile, depth int, next func() (ids.BlockNumber, bool)) *Prefetcher {
	if depth <= 0 {
		return nil
	}
	return &Prefetcher{pool: p, slot: slot, rel: rel, depth: depth, next: next}
}

// Step is called when the reader is about to read its next block.
func (f *Prefetcher) Step() {
	if f == nil || f.next == nil {
		return
	}
	if f.ahead > 0 {
		f.ahead--
	} else if _, ok := f.next(); !ok { // the very block that is read now
		f.next = nil
		return
	}
	switch {
	case f.target >= f.depth/2:
		f.target = f.depth
	case f.target > 0:
		f.target *= 2
	default:
		f.target = 1
	}
	for ; f.ahead < f.target; f.ahead++ {
		blk, ok := f.next()
		if !ok {
			if f.ahead == 0 {
				f.next = nil
			}
			return
		}
		f.pool.Prefetch(f.slot, f.rel, ids.MainFork, blk)
	}
}

// ScanStrategy returns the ring for a scan of a table of n blocks: none unless the table takes more than a quarter of the pool.
func (p *Pool) ScanStrategy(n ids.BlockNumber) *Strategy {
	if uint64(n) <= uint64(p.n)/4 {
		return nil
	}
	return p.NewStrategy(BulkRead)
}
