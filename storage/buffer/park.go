package buffer

import (
	"sync"
	"sync/atomic"

	"gompho/internal/pgerr"
	"gompho/stats"
)

// parkingLot is where goroutines wait for buffers: one set of queues for all buffers, so that a descriptor
// needs no memory for waiters.
type parkingLot struct {
	aborted atomic.Bool // set once, under no lock; then every stripe is emptied
	stripes [64]parkStripe
	waiters sync.Pool // *waiter
}

type parkStripe struct {
	mu    sync.Mutex // protects the list
	first *waiter
	last  *waiter
	count atomic.Int32 // so that who wakes need not lock an empty stripe
	_     [32]byte
}

type waiter struct {
	key  uint64
	mode LockMode
	ch   chan struct{} // capacity 1
	next *waiter
	// nextWoken links those that are out of the queue and about to be woken.
	nextWoken *waiter
}

// What is waited for.
const (
	parkLatch = iota
	parkPin
	parkIO
)

func parkKey(id int32, what uint64) uint64 { return uint64(id)<<2 | what }

func (l *parkingLot) init() {
	l.waiters.New = func() any { return &waiter{ch: make(chan struct{}, 1)} }
}

func (l *parkingLot) stripe(key uint64) *parkStripe {
	return &l.stripes[key*0x9E3779B97F4A7C15>>58]
}

func (l *parkingLot) newWaiter(key uint64, m LockMode) *waiter {
	w := l.waiters.Get().(*waiter)
	w.key, w.mode, w.next = key, m, nil
	return w
}

// push appends w, under mu.
func (s *parkStripe) push(w *waiter) {
	if s.last == nil {
		s.first = w
	} else {
		s.last.next = w
	}
	s.last = w
	s.count.Add(1)
}

// each visits the waiters of key in order, under mu; it unlinks those for which take returns true, and goes on while
// more is true.
func (s *parkStripe) each(key uint64, visit func(w *waiter) (take, more bool)) {
	var prev *waiter
	for w := s.first; w != nil; {
		next := w.next
		take, more := false, true
		if w.key == key {
			take, more = visit(w)
		}
		if take {
			if prev == nil {
				s.first = next
			} else {
				prev.next = next
			}
			if s.last == w {
				s.last = prev
			}
			w.next = nil
			s.count.Add(-1)
		} else {
			prev = w
		}
		if !more {
			return
		}
		w = next
	}
}

// wakeAll wakes all waiters of key.
func (l *parkingLot) wakeAll(key uint64) {
	s := l.stripe(key)
	if s.count.Load() == 0 {
		return
	}
	var woken *waiter // a waiter is its owner's again when it is woken: it must be out of the list by then
	s.mu.Lock()
	s.each(key, func(w *waiter) (bool, bool) {
		w.nextWoken, woken = woken, w
		return true, true
	})
	s.mu.Unlock()
	for w := woken; w != nil; {
		next := w.nextWoken
		w.nextWoken = nil
		w.ch <- struct{}{}
		w = next
	}
}

// enqueue adds a waiter.
func (l *parkingLot) enqueue(w *waiter) {
	s := l.stripe(w.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	l.checkAborted()
	s.push(w)
}

// abort wakes everybody, now and later; they panic.
func (l *parkingLot) abort() {
	l.aborted.Store(true)
	for i := range l.stripes {
		s := &l.stripes[i]
		s.mu.Lock()
		for w := s.first; w != nil; {
			next := w.next
			w.next = nil
			w.ch <- struct{}{}
			w = next
		}
		s.first, s.last = nil, nil
		s.count.Store(0)
		s.mu.Unlock()
	}
}

// checkAborted panics when the pool was aborted: what the goroutine waits for will never come.
func (l *parkingLot) checkAborted() {
	if l.aborted.Load() {
		panic(pgerr.New(pgerr.CrashShutdown, "terminating connection because of crash of another server process").WithSeverity(pgerr.Fatal))
	}
}

// leave takes a waiter out that does not want to wait any more, and recycles it.
func (l *parkingLot) leave(w *waiter) {
	s := l.stripe(w.key)
	s.mu.Lock()
	found := false
	s.each(w.key, func(x *waiter) (bool, bool) {
		if x == w {
			found = true
			return true, false
		}
		return false, true
	})
	s.mu.Unlock()
	if !found {
		<-w.ch // it was woken meanwhile
	}
	l.waiters.Put(w)
}

// waitWhile returns when the condition does not hold, or once after a wake. Who ends the condition calls wakeAll after.
func (l *parkingLot) waitWhile(key uint64, cond func() bool) {
	w := l.newWaiter(key, Share)
	l.enqueue(w)
	if !cond() {
		l.leave(w)
		return
	}
	<-w.ch
	l.waiters.Put(w)
	l.checkAborted()
}

// waitSlot waits for w's wake or an interrupt of the process. It recycles w.
func (l *parkingLot) waitSlot(slot *stats.Slot, w *waiter) error {
	prev := slot.BeginWait(stats.BufferPinWait)
	defer slot.EndWait(prev)
	for {
		select {
		case <-w.ch:
			l.waiters.Put(w)
			l.checkAborted()
			return nil
		case <-slot.Wake():
			if err := slot.CheckInterrupts(); err != nil {
				l.leave(w)
				return err
			}
		}
	}
}
