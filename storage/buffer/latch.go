package buffer

import (
	"runtime"
	"sync/atomic"

	"gompho/stats"
)

// LockMode is the mode of a content latch.
type LockMode uint8

const (
	Share LockMode = iota
	Exclusive
)

// The latch word: readers in the low bits. waiting keeps newcomers out until the queue was served; who
// unlocks with it set hands the latch over to the first in the queue.
const (
	latchWriter  = 1 << 31
	latchWaiting = 1 << 30
	latchReaders = 1<<30 - 1
)

func tryLatch(l *atomic.Uint32, m LockMode) bool {
	for {
		s := l.Load()
		var n uint32
		switch {
		case m == Exclusive && s == 0:
			n = latchWriter
		case m == Share && s&(latchWriter|latchWaiting) == 0:
			n = s + 1
		default:
			return false
		}
		if l.CompareAndSwap(s, n) {
			return true
		}
	}
}

func (p *Pool) latch(slot *stats.Slot, id int32, m LockMode) {
	l := &p.descs[id].latch
	if !tryLatch(l, m) {
		p.latchSlow(slot, id, m)
	}
	slot.CountLatch(1)
}

func (p *Pool) latchSlow(slot *stats.Slot, id int32, m LockMode) {
	l := &p.descs[id].latch
	for i := range 40 {
		if tryLatch(l, m) {
			return
		}
		if i >= 30 && i%5 == 0 {
			runtime.Gosched()
		}
	}
	key := parkKey(id, parkLatch)
	st := p.lot.stripe(key)
	st.mu.Lock()
	for {
		s := l.Load()
		if s&latchWaiting != 0 || l.CompareAndSwap(s, s|latchWaiting) {
			if s&^uint32(latchWaiting) != 0 {
				break // held: whoever unlocks will see that someone waits
			}
			// It was free when the mark was set: take the mark back and the latch.
			if l.CompareAndSwap(latchWaiting, latchWord(m)) {
				st.mu.Unlock()
				return
			}
		}
	}
	if p.lot.aborted.Load() {
		st.mu.Unlock()
		p.lot.checkAborted()
	}
	w := p.lot.newWaiter(key, m)
	st.push(w)
	st.mu.Unlock()
	prev := slot.BeginWait(stats.LWLockBufferContent)
	<-w.ch
	slot.EndWait(prev)
	p.lot.waiters.Put(w)
	p.lot.checkAborted() // then the latch may or may not have been handed over: nobody cares any more
}

func latchWord(m LockMode) uint32 {
	if m == Exclusive {
		return latchWriter
	}
	return 1
}

func (p *Pool) unlatch(slot *stats.Slot, id int32) {
	l := &p.descs[id].latch
	for {
		s := l.Load()
		var n uint32
		switch {
		case s&^uint32(latchWaiting) == 0:
			panic("buffer: unlock of a latch that is not held")
		case s == latchWriter:
			n = 0
		case s&latchWaiting == 0 || s&latchReaders > 1:
			n = s - 1
		default:
			p.handOver(id)
			slot.CountLatch(-1)
			return
		}
		if l.CompareAndSwap(s, n) {
			slot.CountLatch(-1)
			return
		}
	}
}

// handOver gives the latch, whose last holder leaves, to the first waiter, and to the readers right behind a reader.
// While latchWaiting is set nobody else changes the word but under the stripe's lock.
func (p *Pool) handOver(id int32) {
	l := &p.descs[id].latch
	key := parkKey(id, parkLatch)
	st := p.lot.stripe(key)
	st.mu.Lock()
	defer st.mu.Unlock()
	var word uint32
	var wake [16]*waiter
	n := 0
	st.each(key, func(w *waiter) (bool, bool) {
		switch {
		case word == 0 && w.mode == Exclusive:
			word = latchWriter
		case word&latchWriter == 0 && w.mode == Share && n < len(wake):
			word++
		default:
			word |= latchWaiting
			return false, false
		}
		wake[n] = w
		n++
		return true, true
	})
	l.Store(word)
	for _, w := range wake[:n] {
		w.ch <- struct{}{}
	}
}
