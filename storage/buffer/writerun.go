package buffer

import (
	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/page"
)

// maxRun is how many blocks that follow one another a checkpoint writes at once.
const maxRun = 16

// writeRun is a buffer after buffer of blocks that follow one another, copied to be written by one call. The latch of a page is held only while it is
// copied: who changes it while the copy is written leaves it dirty (flagRedirtied).
type writeRun struct {
	pool  *Pool
	mem   []byte // room for maxRun pages
	ids   [maxRun]int32
	n     int
	first tag
	lsn   ids.LSN
}

// write writes the first buffers of list, at least one if it is still dirty and due: as many as can be written together. taken counts those
// that are dealt with.
func (r *writeRun) write(slot *stats.Slot, list []dirtyBuffer) (taken, written int, err error) {
	r.n, r.lsn = 0, 0
	for taken = 0; taken < min(len(list), maxRun); taken++ {
		e := &list[taken]
		if r.n == 0 {
			if !r.add(slot, e, true) {
				return 1, 0, nil
			}
			r.first = e.tag
			continue
		}
		next := r.first
		next.block += ids.BlockNumber(r.n)
		// Whoever has the latch or the right to I/O of a further buffer may wait for one of this run.
		if e.tag != next || !r.pool.storage.SameSegment(r.first.block, e.tag.block) || !r.add(slot, e, false) {
			break
		}
	}
	err = r.flush(slot)
	return taken, r.n, err
}

// add pins and copies a buffer if it is due, with the right to its I/O. It waits for neither latch nor I/O unless wait is set.
func (r *writeRun) add(slot *stats.Slot, e *dirtyBuffer, wait bool) bool {
	p, d := r.pool, &r.pool.descs[e.id]
	due := func() bool { return d.state.Load()&(flagCkpt|flagDirty) == flagCkpt|flagDirty && d.is(&e.tag) }
	if !due() || !d.tryPin(0) {
		return false
	}
	slot.CountPin()
	b := Buf{p, slot, e.id}
	if !due() {
		b.Release()
		return false
	}
	if wait {
		b.Lock(Share)
	} else if !b.TryLock(Share) {
		b.Release()
		return false
	}
	mine := false
	if wait {
		mine = p.startIO(e.id, func(s uint64) bool { return s&(flagDirty|flagTagValid) != flagDirty|flagTagValid })
	} else {
		s := d.state.Load()
		mine = s&(flagDirty|flagTagValid|flagIO) == flagDirty|flagTagValid && d.state.CompareAndSwap(s, s|flagIO)
	}
	if !mine {
		b.UnlockRelease()
		return false
	}
	d.clear(flagRedirtied)
	pg := page.Page(r.mem[r.n*page.Size:][:page.Size])
	copy(pg, b.Page())
	b.Unlock()
	if p.opts.Checksums {
		pg.SetChecksum(e.tag.block)
	}
	r.lsn = max(r.lsn, pg.LSN())
	r.ids[r.n] = e.id
	r.n++
	return true
}

// flush writes the run and gives back its buffers.
func (r *writeRun) flush(slot *stats.Slot) (err error) {
	p := r.pool
	if l := p.Log(); l != nil {
		err = l.Flush(slot, r.lsn)
	}
	if err == nil {
		err = p.storage.WriteBlocks(slot, r.first.rel, r.first.fork, r.first.block, r.mem[:r.n*page.Size])
	}
	for _, id := range r.ids[:r.n] {
		if err == nil {
			p.written(slot, id)
		}
		p.endIO(id, 0, 0)
		Buf{p, slot, id}.Release()
	}
	return err
}
