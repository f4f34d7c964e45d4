package locks

import (
	"time"

	"gompho/internal/pgerr"
)

// joinAt decides where a process that already holds held on a lock joins its queue for mode: before the
// first waiter that must wait for it anyhow, else at the end. If that waiter in turn blocks the process, no order
// helps: it is a deadlock. If nothing that stays ahead conflicts and the lock is free, it need not wait at all.
func (l *lock) joinAt(h *holder, mode Mode) (before *Owner, deadlock *Owner, grant bool) {
	if h.held == 0 {
		return nil, nil, false
	}
	var ahead Mask
	for w := l.head; w != nil; w = w.qnext {
		if conflictTable[w.waitMode]&h.held == 0 {
			ahead |= w.waitMode.Bit()
			continue
		}
		if conflictTable[mode]&w.waitHolder.held != 0 {
			return nil, w, false
		}
		return w, nil, conflictTable[mode]&ahead == 0 && !l.conflicts(h, mode)
	}
	return nil, nil, false
}

func (l *lock) enqueue(o *Owner, before *Owner) {
	if before == nil {
		o.qprev, o.qnext = l.tail, nil
		l.tail = o
	} else {
		o.qprev, o.qnext = before.qprev, before
		before.qprev = o
	}
	if o.qprev == nil {
		l.head = o
	} else {
		o.qprev.qnext = o
	}
	l.nWaiting[o.waitMode]++
	l.waiting |= o.waitMode.Bit()
}

func (l *lock) dequeue(o *Owner) {
	if o.qprev == nil {
		l.head = o.qnext
	} else {
		o.qprev.qnext = o.qnext
	}
	if o.qnext == nil {
		l.tail = o.qprev
	} else {
		o.qnext.qprev = o.qprev
	}
	o.qprev, o.qnext = nil, nil
	if l.nWaiting[o.waitMode]--; l.nWaiting[o.waitMode] == 0 {
		l.waiting &^= o.waitMode.Bit()
	}
}

// wakeWaiters grants, in queue order, to every waiter that conflicts neither with the holders nor with a
// waiter that stays ahead of it. It stops where every mode that is waited for conflicts with one that stays: who wakes the next of a
// long queue does not look at all of it.
func (l *lock) wakeWaiters(m *Manager) {
	var ahead, blocked Mask
	n := int64(0)
	for w := l.head; w != nil && l.waiting&^blocked != 0; {
		next := w.qnext
		n++
		if mode := w.waitMode; conflictTable[mode]&ahead == 0 && !l.conflicts(w.waitHolder, mode) {
			l.grant(w.waitHolder, mode)
			l.dequeue(w)
			w.granted = true
			w.waitLock, w.waitHolder = nil, nil
			w.sem <- struct{}{} // never blocks: one wait, one grant, one token
		} else {
			ahead |= mode.Bit()
			blocked |= conflictTable[mode]
		}
		w = next
	}
	m.looks.Add(n)
}

// wait joins the queue of l and sleeps until mode is granted. It is entered with p.mu held and returns without.
// After an error nothing of the wait is left behind.
func (o *Owner) wait(p *partition, l *lock, h *holder, mode Mode) error {
	before, other, grant := l.joinAt(h, mode)
	switch {
	case other != nil:
		cycle := []link{{o, mode, l.tag, time.Now(), o.aboutOf(l.tag)}, other.link()}
		o.m.dropHolderIfUnused(p, h)
		p.mu.Unlock()
		return o.deadlocked(cycle)
	case grant:
		l.grant(h, mode)
		p.mu.Unlock()
		return nil
	}
	o.waitLock, o.waitHolder, o.waitMode, o.granted = l, h, mode, false
	o.waitStart = time.Now()
	l.enqueue(o, before)
	s := sleeper{o: o, p: p, tag: l.tag, mode: mode, start: o.waitStart, recordAfter: o.recordAfter()}
	var obs []obstacle
	if s.recordAfter == 0 {
		obs = o.obstacles()
	}
	p.mu.Unlock()

	o.m.waited.Add(1)
	prev := o.slot.BeginWait(s.tag.waitEvent())
	if obs != nil {
		s.seen = s.describe(obs)
	}
	err := s.sleep()
	o.slot.EndWait(prev)
	s.finish(err)
	return err
}

// sleeper is one wait: the state of Owner.wait after it joined a queue.
type sleeper struct {
	o       *Owner
	p       *partition
	tag     Tag
	mode    Mode
	start   time.Time
	checked bool  // the deadlock search has run
	seen    *Wait // for the record, once the wait has lasted long enough

	recordAfter time.Duration // how long that is; negative: for ever
}

func armed(t **time.Timer, d time.Duration) <-chan time.Time {
	if d <= 0 {
		return nil
	}
	if *t == nil {
		*t = time.NewTimer(d)
	} else {
		(*t).Reset(d)
	}
	return (*t).C
}

func (s *sleeper) sleep() error {
	o := s.o
	deadlock := armed(&o.deadlockTimer, max(orDefault(o.opts.DeadlockTimeout, time.Second), time.Millisecond))
	timeout := armed(&o.lockTimer, orDefault(o.opts.LockTimeout, 0))
	var record <-chan time.Time
	if s.recordAfter > 0 {
		record = armed(&o.recordTimer, s.recordAfter)
	}
	defer func() {
		o.deadlockTimer.Stop()
		if record != nil {
			o.recordTimer.Stop()
		}
		if timeout != nil {
			o.lockTimer.Stop()
		}
	}()
	for {
		if err := o.slot.CheckInterrupts(); err != nil {
			return s.giveUp(err)
		}
		select {
		case <-o.sem:
			s.logGranted()
			return nil
		case <-o.slot.Wake():
		case <-record:
			s.seen = s.observe()
		case <-timeout:
			return s.giveUp(pgerr.New(pgerr.LockNotAvailable, "canceling statement due to lock timeout"))
		case <-deadlock:
			s.checked = true
			if err := s.deadlockTimeout(); err != nil {
				return err
			}
		}
	}
}

// giveUp leaves the queue for err.
func (s *sleeper) giveUp(err error) error {
	s.p.mu.Lock()
	s.leave()
	s.p.mu.Unlock()
	return err
}

// leave takes the waiter out of the queue and lets those go on who can then. If the lock was granted in the
// meantime it is given back: the caller will hear an error. Caller holds the partition.
func (s *sleeper) leave() {
	o := s.o
	l := s.p.find(s.tag, s.tag.hash())
	h := o.waitHolder
	if o.granted {
		<-o.sem
		h = l.holderOf(o)
		l.ungrant(h, s.mode)
	} else {
		l.dequeue(o)
		o.waitLock, o.waitHolder = nil, nil
	}
	l.wakeWaiters(o.m)
	o.m.dropHolderIfUnused(s.p, h)
}
