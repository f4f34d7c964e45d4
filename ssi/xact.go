package ssi

import (
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
)

// Options configure a Manager. Nil functions and zeros mean PostgreSQL's defaults.
type Options struct {
	MaxOwners        int        // processes and prepared transactions
	LocksPerXact     int        // max_pred_locks_per_transaction
	LocksPerRelation func() int // max_pred_locks_per_relation; negative: LocksPerXact divided by its absolute value, less one
	LocksPerPage     func() int // max_pred_locks_per_page
}

// Manager holds the serializable transactions of one server.
type Manager struct {
	opts    Options
	targets atomic.Int64 // locked things, bounded
	xacts   atomic.Int64 // transactions known, finished ones included
	parts   [partitions]partition

	// mu protects everything below and the fields of Xact that say so. Innermost; held for a few map operations.
	mu         sync.Mutex
	active     map[*Xact]struct{}
	finished   []*Xact // committed, in the order of commit
	byXid      map[ids.Xid]*Xact
	oldXids    map[ids.Xid]uint64 // of summarised writers: the first commit that they had a conflict out to, never if none
	writable   int                // active transactions that are not declared read only
	lastCommit uint64             // sequence of prepares and commits
	canPartial uint64             // what committed up to here, only read-only transactions ran beside
	didPartial uint64
	old        *Xact // stands for all summarised transactions
}

// never is later than every commit.
const never = ^uint64(0)

const (
	committed uint32 = 1 << iota
	prepared         // past the check of commit
	rolledBack
	doomed // is to fail
	readOnly
	conflictOut // to a transaction that committed before this one
	summaryIn
	summaryOut
	roSafe
	roUnsafe
	waitsSafe
	ended
)

// Xact is a serializable transaction. Methods that report reads and writes may be called on nil, and from several goroutines.
type Xact struct {
	m        *Manager
	flags    atomic.Uint32 // changed under Manager.mu, read anywhere
	didWrite atomic.Bool
	declared bool // READ ONLY from the start
	pid      atomic.Int32
	vxid     ids.VirtualXid
	slot     *stats.Slot

	// Under Manager.mu.
	prepareSeq, commitSeq uint64
	snapshotSeq           uint64 // last commit before the snapshot
	earliestOut           uint64 // prepare of the first to commit of those that conflictOut is about
	xmin, finishedBefore  ids.Xid
	xids                  []ids.Xid
	out, in               map[*Xact]struct{} // rw-conflicts: it read what those wrote; those read what it wrote
	possible              map[*Xact]struct{} // read only: writers beside it that could make it unsafe; a writer: the other way round

	lmu      sync.Mutex // protects held, children, gone; taken after a partition
	held     map[Tag]struct{}
	children map[Tag]int // locks held on parts
	gone     bool        // takes no locks any more
}

// NewManager makes a Manager.
func NewManager(o Options) *Manager {
	if o.MaxOwners == 0 {
		o.MaxOwners = 100
	}
	if o.LocksPerXact == 0 {
		o.LocksPerXact = 64
	}
	if o.LocksPerRelation == nil {
		o.LocksPerRelation = func() int { return -2 }
	}
	if o.LocksPerPage == nil {
		o.LocksPerPage = func() int { return 2 }
	}
	m := &Manager{opts: o, active: map[*Xact]struct{}{}, byXid: map[ids.Xid]*Xact{}, oldXids: map[ids.Xid]uint64{}, lastCommit: 1}
	for i := range m.parts {
		m.parts[i].targets = map[Tag][]holder{}
	}
	m.old = &Xact{m: m, held: map[Tag]struct{}{}, children: map[Tag]int{}}
	m.old.set(committed | prepared)
	return m
}

// BeginOpts describe a transaction that takes its snapshot.
type BeginOpts struct {
	ReadOnly bool
	Xid      ids.Xid // if it has one already
	Vxid     ids.VirtualXid
	Slot     *stats.Slot
}

// Begin registers a transaction that takes its snapshot: take does, and returns the snapshot's xmin. It returns nil when the transaction
// need not be tracked: it is read only and nobody writes.
func (m *Manager) Begin(o BeginOpts, take func() ids.Xid) *Xact {
	if m.xacts.Load() >= int64(10*m.opts.MaxOwners) {
		m.summariseOldest()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.begin(o, take())
}

func (m *Manager) begin(o BeginOpts, xmin ids.Xid) *Xact {
	if o.ReadOnly && m.writable == 0 {
		return nil
	}
	x := m.register(o, xmin, m.lastCommit)
	if o.ReadOnly {
		for w := range m.active {
			if !w.is(committed|doomed) && !w.is(readOnly) {
				watch(x, w)
			}
		}
	}
	return x
}

// register makes a transaction one of the active; snapshotSeq is the last commit before its snapshot.
func (m *Manager) register(o BeginOpts, xmin ids.Xid, snapshotSeq uint64) *Xact {
	x := &Xact{m: m, declared: o.ReadOnly, vxid: o.Vxid, slot: o.Slot, prepareSeq: never, commitSeq: never, earliestOut: never,
		snapshotSeq: snapshotSeq, xmin: xmin, out: map[*Xact]struct{}{}, in: map[*Xact]struct{}{}, possible: map[*Xact]struct{}{},
		held: map[Tag]struct{}{}, children: map[Tag]int{}}
	if o.Slot != nil {
		x.pid.Store(o.Slot.PID)
	}
	if o.ReadOnly {
		x.set(readOnly)
	} else {
		m.writable++
	}
	m.active[x] = struct{}{}
	m.xacts.Add(1)
	if o.Xid != 0 {
		x.addXid(o.Xid)
	}
	return x
}

// is reports whether any of the flags f is set.
func (x *Xact) is(f uint32) bool { return x.flags.Load()&f != 0 }

func (x *Xact) set(f uint32) { x.flags.Or(f) }

// AddXid tells of an id that the transaction, or a subtransaction of it, got.
func (x *Xact) AddXid(xid ids.Xid) {
	if x == nil {
		return
	}
	x.m.mu.Lock()
	defer x.m.mu.Unlock()
	if !x.is(ended) {
		x.addXid(xid)
	}
}

func (x *Xact) addXid(xid ids.Xid) {
	x.xids = append(x.xids, xid)
	x.m.byXid[xid] = x
}

// DropXid tells that the subtransaction of that id was undone: what it wrote is no conflict.
func (x *Xact) DropXid(xid ids.Xid) {
	if x == nil || xid == 0 {
		return
	}
	x.m.mu.Lock()
	defer x.m.mu.Unlock()
	if x.m.byXid[xid] == x {
		delete(x.m.byXid, xid)
	}
}

// PreCommit is the last check: an error (40001) means that the transaction must be aborted. Once it returned nil the transaction can not fail
// for reasons of serializability any more.
func (x *Xact) PreCommit() error {
	if x == nil {
		return nil
	}
	m := x.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if x.is(ended) {
		return nil
	}
	if x.is(doomed) {
		return failure("Canceled on identification as a pivot, during commit attempt.")
	}
	for pivot := range x.in {
		if pivot.is(committed | doomed) {
			continue
		}
		for far := range pivot.in {
			if far != x && far.is(committed|readOnly|doomed) {
				continue
			}
			// The pivot goes rather than this one, so that a retry finds it out of the way. One that is prepared cannot.
			if pivot.is(prepared) {
				return failure("Canceled on commit attempt with conflict in from prepared pivot.")
			}
			pivot.set(doomed)
			break
		}
	}
	m.lastCommit++
	x.prepareSeq = m.lastCommit
	x.set(prepared)
	return nil
}

// Finish ends the transaction when its outcome is visible to others. next is the id that the next transaction will get.
func (x *Xact) Finish(commit bool, next ids.Xid) {
	if x == nil {
		return
	}
	m := x.m
	m.mu.Lock()
	free := x.finish(commit, next)
	m.mu.Unlock()
	m.release(free)
}

// finish returns the transactions whose locks are to be released.
func (x *Xact) finish(commit bool, next ids.Xid) (free []*Xact) {
	m := x.m
	if x.is(ended) {
		return nil
	}
	x.finishedBefore = next
	if commit {
		m.lastCommit++
		x.commitSeq = m.lastCommit
		f := ended | committed
		if !x.didWrite.Load() {
			f |= readOnly
		}
		x.set(f)
	} else {
		x.flags.And(^prepared)
		x.set(ended | doomed | rolledBack)
	}
	delete(m.active, x)
	if x.declared {
		x.leaveWriters()
	} else if m.writable--; m.writable == 0 {
		m.canPartial = m.lastCommit
	}
	x.settleConflicts(commit)
	if !x.declared {
		x.settleReaders(commit)
	}
	if commit {
		m.finished = append(m.finished, x)
	} else {
		free = append(free, x)
		m.forget(x, false)
	}
	return append(free, m.clear()...)
}

// settleConflicts drops the conflicts that cannot matter any more.
func (x *Xact) settleConflicts(commit bool) {
	if commit && !x.is(readOnly) && x.is(summaryOut) {
		// To whom is not known any more, so neither is the order.
		x.earliestOut = 0
		x.set(conflictOut)
	}
	for w := range x.out {
		if commit && !x.is(readOnly) && w.is(committed) {
			x.earliestOut = min(x.earliestOut, w.prepareSeq)
			x.set(conflictOut)
		}
		if !commit || w.is(committed) {
			unlink(x, w)
		}
	}
	for r := range x.in {
		if !commit || r.is(committed|readOnly) {
			unlink(r, x)
		}
	}
}

func link(reader, writer *Xact) {
	reader.out[writer] = struct{}{}
	writer.in[reader] = struct{}{}
}

func unlink(reader, writer *Xact) {
	delete(reader.out, writer)
	delete(writer.in, reader)
}

func failure(reason string, args ...any) error {
	return pgerr.New(pgerr.TRSerializationFailure, "could not serialize access due to read/write dependencies among transactions").
		WithDetail("Reason code: "+reason, args...).WithHint("The transaction might succeed if retried.")
}
