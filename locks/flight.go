package locks

import (
	"slices"
	"sync"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// The flight recorder: waits that lasted, kept after they are over. A wait is looked at when it has lasted as long as
// OwnerOptions.RecordWaits says, by the waiter itself, which then is idle anyhow; a shorter one costs a timer. What is kept is what
// was true at that moment, plus the end.

// Outcome is how a wait ended.
type Outcome uint8

const (
	Granted Outcome = iota
	TimedOut
	Cancelled
	Terminated
	Deadlocked
)

var outcomeNames = [...]string{"granted", "timeout", "cancelled", "terminated", "deadlock"}

// String returns the word that gompho_lock_waits shows.
func (o Outcome) String() string { return outcomeNames[o] }

// outcomeOf classes the error that ended a wait.
func outcomeOf(err error) Outcome {
	switch e := pgerr.From(err); {
	case e.Code == pgerr.LockNotAvailable:
		return TimedOut
	case e.Code == pgerr.TRDeadlockDetected:
		return Deadlocked
	case e.Level() == pgerr.Fatal:
		return Terminated
	}
	return Cancelled
}

// Party is one side of a wait or of a deadlock, as it was when it was looked at.
type Party struct {
	PID         int32
	DB          ids.Oid
	User        ids.Oid
	Application string
	State       string // as in pg_stat_activity
	Query       string // the statement that runs, or ran last
	QueryStart  time.Time
	XactStart   time.Time
	// Statements are those of the transaction so far that took locks, oldest first; LeftOut is how many are
	// missing after the first of them. That which runs is the last, if it took one.
	Statements []Statement
	LeftOut    int
}

// Wait is a wait that is over.
type Wait struct {
	ID       uint64 // counts up from 1
	Tag      Tag
	About    About
	Mode     Mode
	Start    time.Time
	Length   time.Duration
	Outcome  Outcome
	Waiter   Party
	Blocker  Party // the first of Blockers
	Held     Mask  // what the first blocker held of the thing; empty if it only was ahead in the queue
	Wanted   Mode  // what it wanted itself, when it was
	Blockers []int32
}

// party describes the process of o.
func (o *Owner) party() Party {
	p := Party{PID: o.pid}
	p.Statements, p.LeftOut = o.Statements()
	if o.slot == nil {
		return p
	}
	a := o.slot.Activity.Snapshot()
	p.DB, p.User, p.Application, p.State, p.Query = a.DB, a.User, a.Application, a.State, a.Query
	p.QueryStart, p.XactStart = a.QueryStart, a.XactStart
	return p
}

// obstacle is a process that stands in the way of a waiter.
type obstacle struct {
	owner  *Owner
	held   Mask // modes that it holds on the thing, if one of them conflicts
	wanted Mode // mode that it wants, when it is ahead in the queue
}

// obstacles lists who keeps o waiting: holders in the order in which they came, then those ahead in the queue. Caller holds the
// partition of o.waitLock.
func (o *Owner) obstacles() []obstacle {
	conflict := conflictTable[o.waitMode]
	var out []obstacle
	for h := o.waitLock.first; h != nil; h = h.next {
		if h.owner != o && h.held&conflict != 0 {
			out = append(out, obstacle{owner: h.owner, held: h.held})
		}
	}
	for w := o.waitLock.head; w != nil && w != o; w = w.qnext {
		if conflict.Has(w.waitMode) && w.waitHolder.held&conflict == 0 { // else it is among the holders already
			out = append(out, obstacle{owner: w, wanted: w.waitMode})
		}
	}
	return out
}

// observe notes who stands in the way of a wait that has lasted. It is nil if the wait is over.
func (s *sleeper) observe() *Wait {
	o := s.o
	s.p.mu.Lock()
	if o.granted || o.waitLock == nil {
		s.p.mu.Unlock()
		return nil
	}
	obs := o.obstacles()
	s.p.mu.Unlock()
	return s.describe(obs)
}

// describe makes the record of a wait for those who stand in its way. Nothing is locked.
func (s *sleeper) describe(obs []obstacle) *Wait {
	o := s.o
	w := &Wait{Tag: s.tag, About: o.aboutOf(s.tag), Mode: s.mode, Start: s.start, Waiter: o.party()}
	for i, b := range obs {
		if i == 0 {
			w.Blocker, w.Held, w.Wanted = b.owner.party(), b.held, b.wanted
		}
		w.Blockers = append(w.Blockers, b.owner.pid)
	}
	return w
}

// recordAfter returns how long a wait has to last to be recorded; negative: none is.
func (o *Owner) recordAfter() time.Duration {
	if o.opts.RecordWaits == nil || o.m.waits.limit() == 0 {
		return -1
	}
	return o.opts.RecordWaits()
}

// finish puts the wait, if it was observed, into the record.
func (s *sleeper) finish(err error) {
	if s.seen == nil {
		return
	}
	if err != nil {
		s.seen.Outcome = outcomeOf(err)
	}
	s.seen.Length = time.Since(s.start)
	s.o.m.waits.add(s.seen, func(w *Wait, id uint64) { w.ID = id })
}

// WaitCount is how often a process has had to wait for a lock, however briefly.
func (m *Manager) WaitCount() int64 { return m.waited.Load() }

// Waits returns the recorded waits, oldest first. They are not to be changed.
func (m *Manager) Waits() []*Wait { return m.waits.list() }

// ring keeps the last entries that were added, oldest first.
type ring[T any] struct {
	size    func() int // how many; may change
	mu      sync.Mutex // everything below
	added   uint64
	entries []*T
	first   int // the oldest, once the ring is full
}

func (r *ring[T]) limit() int {
	if r.size == nil {
		return defaultHistory
	}
	return max(r.size(), 0)
}

// defaultHistory is the size of a ring that nobody gave one.
const defaultHistory = 1000

// add puts in e, telling it its number before anybody sees it.
func (r *ring[T]) add(e *T, number func(e *T, id uint64)) {
	limit := r.limit()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.added++
	number(e, r.added)
	if len(r.entries) > limit || len(r.entries) < limit && r.first > 0 { // another size
		r.entries = r.ordered()
		r.entries = r.entries[max(len(r.entries)-limit, 0):]
		r.first = 0
	}
	switch {
	case limit == 0:
	case len(r.entries) < limit:
		r.entries = append(r.entries, e)
	default:
		r.entries[r.first] = e
		r.first = (r.first + 1) % limit
	}
}

// replace puts e in the place of old, if that is still there.
func (r *ring[T]) replace(old, e *T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.entries, old); i >= 0 {
		r.entries[i] = e
	}
}

func (r *ring[T]) ordered() []*T {
	out := make([]*T, 0, len(r.entries))
	out = append(out, r.entries[r.first:]...)
	return append(out, r.entries[:r.first]...)
}

// list returns the entries, oldest first.
func (r *ring[T]) list() []*T {
	limit := r.limit()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.ordered()
	return out[max(len(out)-limit, 0):]
}
