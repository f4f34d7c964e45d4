package locks

import (
	"sync"
	"sync/atomic"
	"time"

	"gompho/internal/pgerr"
	"gompho/stats"
)

// Owner is one process's side of the lock manager. Only the goroutine of that process calls its methods;
// what others read or write is marked below with the mutex that protects it.
type Owner struct {
	m     *Manager
	slot  *stats.Slot
	opts  OwnerOptions
	pid   int32
	index int // in m.owners; m.ownersMu

	autovacuum atomic.Bool
	prepared   atomic.Uint64 // the prepared transaction that it stands for; 0: a process

	// The local table: every lock that this process holds, so that taking one again costs no shared memory.
	buckets []*local
	nLocal  int
	freeLoc *local
	// journal lists the acquisitions of the transaction, oldest first, one entry for each lock, mode and
	// subtransaction. levelStart is where the current subtransaction's entries begin.
	journal    []entry
	levelStart int

	fpMu   sync.Mutex // fast (elements and modes) and vxFast
	fast   []fastSlot
	fpFree []int32 // free elements of fast; the owner's alone
	vxFast bool    // the lock on the own virtual transaction is held here, not in the table

	vxProc  atomic.Int32
	vxLocal atomic.Uint64

	// Waiting. These belong to the mutex of the partition of waitLock; sem carries at most one token, sent
	// under that mutex by who grants.
	waitLock     *lock
	waitHolder   *holder
	waitMode     Mode
	waitStart    time.Time
	qprev, qnext *Owner
	granted      bool
	mark         uint64 // see Manager.marks; with number, under all partitions
	number       int32
	sem          chan struct{}

	deadlockTimer, lockTimer, recordTimer *time.Timer

	rehearsal    *Rehearsal // nil: locks are taken
	about        About      // what a wait for a transaction is about
	lastDeadlock *Deadlock  // that this process was the victim of, for TakeDeadlock

	notedUpTo  uint64     // serial of the statement that statements knows already
	histMu     sync.Mutex // statements and leftOut, which only the owner writes
	statements []noted
	leftOut    int
}

// local is what the owner knows of one lock it holds.
type local struct {
	tag     Tag
	hash    uint32
	held    Mask // modes with count > 0
	strong  Mask // modes counted in Manager.strong
	fp      int32
	h       *holder // in the main table, if known
	next    *local
	count   [numModes]int32 // acquisitions, all scopes
	session [numModes]int32 // of these, by the session
	last    [numModes]int32 // 1 + index of the newest journal entry, 0 for none
}

// entry is a journal entry. l is nil when it was released early.
type entry struct {
	l     *local
	count int32
	prev  int32 // l.last[mode] before this entry
	mode  Mode
}

// PID returns the process id shown to clients.
func (o *Owner) PID() int32 { return o.pid }

// SetAutovacuum tells that the process is an autovacuum worker: it is cancelled rather than waited for.
func (o *Owner) SetAutovacuum(on bool) { o.autovacuum.Store(on) }

func (o *Owner) find(tag Tag, hash uint32) *local {
	for l := o.buckets[hash&uint32(len(o.buckets)-1)]; l != nil; l = l.next {
		if l.tag == tag {
			return l
		}
	}
	return nil
}

func (o *Owner) addLocal(tag Tag, hash uint32) *local {
	l := o.freeLoc
	if l == nil {
		l = new(local)
	} else {
		o.freeLoc = l.next
		*l = local{}
	}
	if o.nLocal >= 2*len(o.buckets) {
		o.growLocal()
	}
	o.nLocal++
	b := &o.buckets[hash&uint32(len(o.buckets)-1)]
	l.tag, l.hash, l.fp, l.next = tag, hash, -1, *b
	*b = l
	return l
}

func (o *Owner) growLocal() {
	old := o.buckets
	o.buckets = make([]*local, 2*len(old))
	for _, l := range old {
		for l != nil {
			next := l.next
			b := &o.buckets[l.hash&uint32(len(o.buckets)-1)]
			l.next, *b = *b, l
			l = next
		}
	}
}

func (o *Owner) dropLocal(l *local) {
	at := &o.buckets[l.hash&uint32(len(o.buckets)-1)]
	for *at != l {
		at = &(*at).next
	}
	*at = l.next
	o.nLocal--
	if l.fp >= 0 {
		o.fpFree = append(o.fpFree, l.fp)
	}
	l.next, o.freeLoc = o.freeLoc, l
}

// Acquire takes a lock on tag, waiting for it if need be. The lock is the transaction's (released by
// ReleaseTransaction, or with its subtransaction) unless opts.Session. Errors: 55P03 for NoWait and
// lock_timeout, 40P01 for a deadlock, 53200 for a full table, and the interrupts of the slot.
func (o *Owner) Acquire(tag Tag, mode Mode, opts Opts) error {
	if r := o.rehearsal; r != nil && opts.Quiet {
		o.rehearsal = nil
		defer func() { o.rehearsal = r }()
	}
	ok, err := o.acquire(tag, mode, opts.Session, opts.NoWait)
	if err == nil && !ok {
		return pgerr.New(pgerr.LockNotAvailable, "could not obtain lock on %s", tag)
	}
	return err
}

// TryAcquire takes a lock if that needs no waiting and reports whether it did.
func (o *Owner) TryAcquire(tag Tag, mode Mode, session bool) (bool, error) {
	return o.acquire(tag, mode, session, true)
}

func (o *Owner) acquire(tag Tag, mode Mode, session, noWait bool) (bool, error) {
	if o.rehearsal != nil {
		return o.rehearse(tag, mode, session, noWait)
	}
	hash := tag.hash()
	l := o.find(tag, hash)
	if l != nil && l.held.Has(mode) {
		o.note(l, mode, session)
		return true, nil
	}
	if l == nil {
		l = o.addLocal(tag, hash)
	}
	if tag.kind == KindRelation {
		if mode <= maxWeak {
			if o.acquireFast(l, mode) {
				o.note(l, mode, session)
				return true, nil
			}
		} else if mode >= minStrong {
			o.m.strong[hash%strongSlots].Add(1)
			l.strong |= mode.Bit()
			if err := o.m.transferAll(tag, hash); err != nil {
				o.undoLocal(l, mode)
				return false, err
			}
		}
	}
	ok, err := o.acquireMain(l, mode, noWait)
	if !ok {
		err = o.aboutOf(tag).withContext(err)
		o.undoLocal(l, mode)
		return false, err
	}
	o.note(l, mode, session)
	return true, nil
}

// undoLocal takes back what acquire did before the lock was not granted.
func (o *Owner) undoLocal(l *local, mode Mode) {
	o.dropStrong(l, mode)
	if l.held == 0 {
		o.dropLocal(l)
	}
}

func (o *Owner) dropStrong(l *local, mode Mode) {
	if l.strong.Has(mode) {
		l.strong &^= mode.Bit()
		o.m.strong[l.hash%strongSlots].Add(-1)
	}
}

// note counts one acquisition of a mode that is held.
func (o *Owner) note(l *local, mode Mode, session bool) {
	if o.slot != nil {
		if serial := o.slot.Activity.Serial(); serial != o.notedUpTo {
			o.noteStatement(serial)
		}
	}
	l.held |= mode.Bit()
	l.count[mode]++
	if session {
		l.session[mode]++
		return
	}
	if at := int(l.last[mode]) - 1; at >= o.levelStart {
		o.journal[at].count++
		return
	}
	o.journal = append(o.journal, entry{l: l, count: 1, prev: l.last[mode], mode: mode})
	l.last[mode] = int32(len(o.journal))
}

func (o *Owner) acquireMain(l *local, mode Mode, noWait bool) (bool, error) {
	m, p := o.m, o.m.part(l.hash)
	stats.Lock(o.slot, &p.mu, stats.LWLockLockManager)
	lk, err := m.findOrAdd(p, l.tag, l.hash)
	if err != nil {
		p.mu.Unlock()
		return false, err
	}
	h := l.h
	if h == nil && l.held != 0 {
		h = lk.holderOf(o) // a strong locker may have moved our fast-path lock here
	}
	if h == nil {
		if h, err = m.addHolder(p, lk, o); err != nil {
			m.dropIfUnused(p, lk)
			p.mu.Unlock()
			return false, err
		}
	}
	if conflictTable[mode]&lk.waiting == 0 && !lk.conflicts(h, mode) {
		lk.grant(h, mode)
		l.h = h
		p.mu.Unlock()
		return true, nil
	}
	if noWait {
		m.dropHolderIfUnused(p, h)
		p.mu.Unlock()
		return false, nil
	}
	if err := o.wait(p, lk, h, mode); err != nil { // gives up p.mu
		return false, err
	}
	l.h = h
	return true, nil
}

// Release gives back one acquisition. It reports false, doing nothing, when there was none of that scope.
func (o *Owner) Release(tag Tag, mode Mode, session bool) bool {
	if o.rehearsal != nil && o.rehearsal.release(tag, mode) {
		return true
	}
	return o.release(tag, mode, session)
}

// ReleaseQuiet is Release of a lock that was taken with Quiet.
func (o *Owner) ReleaseQuiet(tag Tag, mode Mode) bool { return o.release(tag, mode, false) }

func (o *Owner) release(tag Tag, mode Mode, session bool) bool {
	l := o.find(tag, tag.hash())
	if l == nil {
		return false
	}
	if session {
		if l.session[mode] == 0 {
			return false
		}
		l.session[mode]--
	} else {
		at := int(l.last[mode]) - 1
		if at < 0 {
			return false
		}
		e := &o.journal[at]
		if e.count--; e.count == 0 {
			l.last[mode] = e.prev
			e.l = nil
			o.trimJournal()
		}
	}
	if l.count[mode]--; l.count[mode] == 0 {
		o.drop(l, mode)
	}
	return true
}

// trimJournal removes dead entries at the end of the current level.
func (o *Owner) trimJournal() {
	n := len(o.journal)
	for n > o.levelStart && o.journal[n-1].l == nil {
		n--
	}
	o.journal = o.journal[:n]
}

// drop gives up a mode whose count has reached zero.
func (o *Owner) drop(l *local, mode Mode) {
	l.held &^= mode.Bit()
	if l.fp < 0 || !o.releaseFast(l, mode) {
		o.releaseMain(l, mode)
	}
	o.dropStrong(l, mode)
	if l.held == 0 {
		o.dropLocal(l)
	}
}

func (o *Owner) releaseMain(l *local, mode Mode) {
	p := o.m.part(l.hash)
	stats.Lock(o.slot, &p.mu, stats.LWLockLockManager)
	h := l.h
	if h == nil {
		h = p.find(l.tag, l.hash).holderOf(o)
	}
	lk := h.lock
	wake := lk.ungrant(h, mode)
	if wake {
		lk.wakeWaiters(o.m)
	}
	if o.m.dropHolderIfUnused(p, h) {
		l.h = nil
	}
	p.mu.Unlock()
}

// ReleaseTransaction releases every lock of the transaction; what the session holds stays.
func (o *Owner) ReleaseTransaction() {
	o.levelStart = 0
	o.releaseFrom(0)
	o.forgetStatements(0)
}

func (o *Owner) releaseFrom(pos int) {
	for i := len(o.journal) - 1; i >= pos; i-- {
		e := o.journal[i]
		o.journal[i] = entry{}
		if e.l == nil {
			continue
		}
		e.l.last[e.mode] = e.prev
		if e.l.count[e.mode] -= e.count; e.l.count[e.mode] == 0 {
			o.drop(e.l, e.mode)
		}
	}
	o.journal = o.journal[:pos]
	o.trimJournal()
}

// Mark begins a subtransaction: locks taken from here on can be released together.
func (o *Owner) Mark() Mark {
	m := Mark{pos: len(o.journal), prev: o.levelStart, statements: o.statementCount()}
	o.levelStart = m.pos
	return m
}

// ReleaseToMark releases the locks that the transaction took since m: the subtransaction aborts.
func (o *Owner) ReleaseToMark(m Mark) {
	o.levelStart = m.prev
	o.releaseFrom(m.pos)
	o.forgetStatements(m.statements)
}

// MergeMark makes the locks taken since m those of the enclosing level: the subtransaction commits.
func (o *Owner) MergeMark(m Mark) { o.levelStart = m.prev }

// ReleaseAdvisory releases the session's advisory locks, as pg_advisory_unlock_all does.
func (o *Owner) ReleaseAdvisory() { o.releaseSession(true) }

// ReleaseAllSession releases every lock that the session holds beyond its transactions.
func (o *Owner) ReleaseAllSession() { o.releaseSession(false) }

func (o *Owner) releaseSession(userOnly bool) {
	for _, l := range o.buckets {
		for l != nil {
			next := l.next
			if !userOnly || l.tag.userLock() {
				o.releaseSessionOf(l)
			}
			l = next
		}
	}
}

func (o *Owner) releaseSessionOf(l *local) {
	held := l.held
	for mode := AccessShare; mode < numModes; mode++ {
		n := l.session[mode]
		if !held.Has(mode) || n == 0 {
			continue
		}
		l.session[mode] = 0
		if l.count[mode] -= n; l.count[mode] == 0 {
			o.drop(l, mode)
		}
	}
}

// Holds reports whether the owner holds exactly mode on tag.
func (o *Owner) Holds(tag Tag, mode Mode) bool {
	l := o.find(tag, tag.hash())
	return l != nil && l.held.Has(mode)
}

// Awaited reports whether somebody waits for a lock on tag because of mode, which the owner holds.
func (o *Owner) Awaited(tag Tag, mode Mode) bool {
	l := o.find(tag, tag.hash())
	if l == nil || l.h == nil || !l.held.Has(mode) {
		return false // what is on the fast path conflicts with nobody
	}
	p := o.m.part(l.hash)
	p.mu.Lock()
	defer p.mu.Unlock()
	return conflictTable[mode]&l.h.lock.waiting != 0
}

// HoldsAtLeast reports whether the owner holds mode or a stronger one on tag.
func (o *Owner) HoldsAtLeast(tag Tag, mode Mode) bool {
	l := o.find(tag, tag.hash())
	return l != nil && l.held>>mode != 0
}
