package wal

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/stats"
)

// insertSlots bounds the insertions that copy at the same time.
const insertSlots = 16

const (
	slotFree    = math.MaxUint64 // nobody
	slotUnknown = 0              // taken, nothing reserved yet: within a few instructions
)

// insertSlot publishes how far one insertion has copied: everything before pos that it reserved is in the ring.
type insertSlot struct {
	pos     atomic.Uint64
	waiting atomic.Bool // the leader waits on moved
	mu      sync.Mutex  // for moved only
	moved   sync.Cond
	_       [64]byte // slots do not share cache lines
}

func (s *insertSlot) init() {
	s.pos.Store(slotFree)
	s.moved.L = &s.mu
}

func (s *insertSlot) publish(pos uint64) {
	s.pos.Store(pos)
	if s.waiting.Load() {
		s.mu.Lock()
		s.waiting.Store(false)
		s.moved.Broadcast()
		s.mu.Unlock()
	}
}

// awaitMove returns when pos is no longer seen.
func (s *insertSlot) awaitMove(seen uint64) {
	for range 64 {
		if s.pos.Load() != seen {
			return
		}
		runtime.Gosched()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		s.waiting.Store(true)
		if s.pos.Load() != seen {
			return
		}
		s.moved.Wait()
	}
}

func (l *Log) takeSlot(hint *uint32) *insertSlot {
	for i := *hint; ; i++ {
		s := &l.slots[i%insertSlots]
		if s.pos.Load() == slotFree && s.pos.CompareAndSwap(slotFree, slotUnknown) {
			*hint = i % insertSlots
			return s
		}
		if i-*hint >= insertSlots {
			runtime.Gosched()
		}
	}
}

// AnyRedo as Insert's redo says that the record does not depend on the redo pointer.
const AnyRedo = ids.LSN(math.MaxUint64)

// Insert adds the record to the log and returns its end. It is in the ring, not yet durable.
// redo is the redo pointer by which the builder of the record decided about full-page images: when it
// has moved, nothing is inserted and Insert returns false. Insert panics when the log is broken.
func (l *Log) Insert(b *Builder, redo ids.LSN) (end ids.LSN, ok bool) {
	if e := l.broken.Load(); e != nil {
		panic(e)
	}
	if l.reserved.Load() >= notStarted {
		panic("wal: insertion before the log was started")
	}
	bodyCRC := b.seal()
	size := uint64(align8(len(b.buf)))
	slot := l.takeSlot(&b.slot)

	l.reserveMu.Lock()
	if redo != AnyRedo && uint64(redo) != l.redo.Load() {
		l.reserveMu.Unlock()
		slot.publish(slotFree)
		return 0, false
	}
	start, next := l.reserve(Kind(b.buf[16]), size)
	if next == start { // a switch where a segment begins
		l.reserveMu.Unlock()
		slot.publish(slotFree)
		return ids.LSN(start), false
	}
	l.records++
	l.images += uint64(b.images)
	l.reserveMu.Unlock()

	slot.publish(start)
	le.PutUint32(b.buf[4:], finishCRC(bodyCRC, b.buf, ids.LSN(start), l.opts.SystemID, &b.scratch))
	l.copyIn(b.Slot, slot, start, b.buf, next-start)
	slot.publish(slotFree)
	return ids.LSN(next), true
}

// copyIn copies a record of size bytes with its padding into the ring, in pieces when it has to wait for room.
func (l *Log) copyIn(who *stats.Slot, slot *insertSlot, start uint64, rec []byte, size uint64) {
	ringSize := uint64(len(l.ring))
	maxPiece := ringSize - 2*blockSize
	for pos, end := start, start+size; pos < end; {
		piece := min(end-pos, maxPiece)
		if l.written.Load()&^(blockSize-1)+ringSize < pos+piece {
			l.counters.BuffersFull.Add(1)
			if err := l.awaitWritten(who, pos+piece+blockSize-ringSize); err != nil {
				slot.publish(slotFree)
				panic(err)
			}
		}
		from := pos - start
		n := min(from+piece, uint64(len(rec)))
		if from < n {
			l.ringWrite(pos, rec[from:n])
		}
		if n < from+piece { // the padding: some bytes, or what a switch leaves unused
			l.ringZero(max(start+n, pos), pos+piece)
		}
		pos += piece
		if pos < end {
			slot.publish(pos)
		}
	}
}

func (l *Log) ringWrite(pos uint64, b []byte) {
	at := pos & l.mask
	if n := copy(l.ring[at:], b); n < len(b) {
		copy(l.ring, b[n:])
	}
}

func (l *Log) ringZero(from, to uint64) {
	for from < to {
		at := from & l.mask
		n := min(to-from, uint64(len(l.ring))-at)
		clear(l.ring[at : at+n])
		from += n
	}
}

// InsertSimple adds a record without pages, made of the pieces of its payload, and returns its end: what Flush
// takes.
func (l *Log) InsertSimple(kind Kind, xid ids.Xid, payload ...[]byte) ids.LSN {
	b := l.builders.Get().(*Builder)
	b.Reset(kind, xid)
	for _, p := range payload {
		b.Payload(p)
	}
	end, _ := l.Insert(b, AnyRedo)
	l.builders.Put(b)
	return end
}

// StartOf returns where a record that InsertSimple put in before end begins, given the length of its payload.
func StartOf(end ids.LSN, payload int) ids.LSN { return end - ids.LSN(align8(headerSize+payload)) }

// completeTo returns how far, up to target, all reserved bytes are in the ring, and the slot that holds it back.
func (l *Log) completeTo(target uint64) (uint64, *insertSlot) {
	var slowest *insertSlot
	for i := range l.slots {
		if p := l.slots[i].pos.Load(); p < target {
			target, slowest = p, &l.slots[i]
		}
	}
	return target, slowest
}
