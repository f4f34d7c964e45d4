package buffer

import (
	"runtime"

	"gompho/internal/ids"
	"gompho/storage/page"
	"gompho/wal"
)

// MarkDirtyHint says that hint bits were changed under (at least) the Share latch, which is still held.
// A change that is only hinted may be lost. With checksums the first one after a checkpoint logs the page.
func (b Buf) MarkDirtyHint() {
	p, d := b.pool, b.desc()
	const both = flagDirty | flagRedirtied
	if d.state.Load()&both == both {
		return
	}
	// A dirty page is no exception: a checkpoint may be writing it just now, without this hint, and nothing else logs an image
	// before it is written once more.
	if lsn := b.Page().LSN(); lsn != 0 && p.opts.Checksums {
		if l := p.Log(); l == nil || l.Broken() != nil {
			return // in recovery: the hint is not worth a record
		} else if l.FullPageWrites() && lsn <= l.Redo() {
			p.hintWithImage(b, l)
			return
		}
	}
	p.markDirty(b.slot, b.id, d.state.Load()&flagUnlogged == 0)
}

func (p *Pool) hintWithImage(b Buf, l *wal.Log) {
	b.slot.EnterCritical()
	defer b.slot.LeaveCritical()
	c := p.changes.Get().(*Change)
	copyOf := p.scratch.Get().(*[page.Size]byte)
	rel, fork := b.Rel()
	delay := l.Delay() // the buffer is clean until the image is in the log: a checkpoint must not miss it
	defer l.EndDelay(delay)
	var end ids.LSN
	c.rec.Slot = b.slot
	for ok := false; !ok; {
		redo := l.Redo()
		copy(copyOf[:], b.Page()) // others may be setting hints
		c.rec.Reset(wal.FullPageImage, 0)
		c.rec.Image(rel, fork, b.Block(), copyOf[:])
		end, ok = l.Insert(&c.rec, redo)
	}
	p.raiseLSN(b, end)
	p.markDirty(b.slot, b.id, true)
	p.scratch.Put(copyOf)
	p.changes.Put(c)
}

// raiseLSN sets the LSN of a page that is latched shared only: two hints may get here at once.
func (p *Pool) raiseLSN(b Buf, lsn ids.LSN) {
	d := b.desc()
	for {
		s := d.state.Load()
		if s&flagHeader == 0 && d.state.CompareAndSwap(s, s|flagHeader) {
			break
		}
		runtime.Gosched()
	}
	if pg := b.Page(); pg.LSN() < lsn {
		pg.SetLSN(lsn)
	}
	d.clear(flagHeader)
}
