package buffer

import (
	"slices"

	"gompho/stats"
)

// Writeback collects blocks that were written to files, and when there are enough of them asks the operating system to begin writing them to
// the device, so that a sync later has little left to do. It belongs to one process; a nil *Writeback does nothing.
type Writeback struct {
	pool    *Pool
	after   func() int // how many blocks are enough; 0: the operating system decides for itself
	pending []tag
}

// NewWriteback makes a Writeback; after is read at each block.
func (p *Pool) NewWriteback(after func() int) *Writeback { return &Writeback{pool: p, after: after} }

func (w *Writeback) add(slot *stats.Slot, t tag, n int) error {
	if w == nil {
		return nil
	}
	limit := w.after()
	if limit <= 0 {
		w.pending = w.pending[:0]
		return nil
	}
	for range n {
		w.pending = append(w.pending, t)
		t.block++
	}
	if len(w.pending) < limit {
		return nil
	}
	return w.Flush(slot)
}

// Flush hands on what was collected, in pieces as large as they can be.
func (w *Writeback) Flush(slot *stats.Slot) error {
	if w == nil || len(w.pending) == 0 {
		return nil
	}
	slices.SortFunc(w.pending, func(a, b tag) int { return a.compare(&b) })
	list := w.pending
	w.pending = w.pending[:0]
	for len(list) > 0 {
		n, last := 1, list[0]
		for n < len(list) && list[n].rel == last.rel && list[n].fork == last.fork && list[n].block-last.block <= 1 {
			last = list[n]
			n++
		}
		first := list[0]
		if err := w.pool.storage.Writeback(slot, first.rel, first.fork, first.block, int(last.block-first.block)+1); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// backendWriteback returns the collection of a process that writes for itself; nil when backend_flush_after is not set.
func (p *Pool) backendWriteback(slot *stats.Slot) *Writeback {
	if slot == nil || slot.IO == nil || slot.IO.FlushAfter() <= 0 {
		return nil
	}
	w, ok := slot.FlushState.(*Writeback)
	if !ok || w.pool != p {
		w = p.NewWriteback(slot.IO.FlushAfter)
		slot.FlushState = w
	}
	return w
}
