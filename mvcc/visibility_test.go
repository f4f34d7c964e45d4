package mvcc

import (
	"fmt"
	"testing"

	"gompho/internal/ids"
	"gompho/storage/tuple"
)

// Every combination of who inserted a tuple, who deleted or locked it, alone or in a multixact, before or after the
// current command, with and without the hint bits that may be set, against what the situation means.

// fate is what became of a transaction, seen from the snapshot.
type fate int

const (
	committed fate = iota // before the snapshot
	later                 // committed after the snapshot was taken
	aborted
	running
	own
	ownAborted // a subtransaction of this one
	numFates
)

// world is a view in which the transaction id tells the fate.
type world struct {
	cmin, cmax ids.CommandID
	members    []Member
	noHints    bool
}

const (
	baseXid = 100
	curCid  = 5
	horizon = baseXid + ids.Xid(later) // what "committed" did is before the horizon
)

func (f fate) xid() ids.Xid       { return baseXid + ids.Xid(f) }
func fateOf(x ids.Xid) fate       { return fate(x - baseXid) }
func (f fate) over() bool         { return f != running && f != own }
func (f fate) hasCommitted() bool { return f == committed || f == later }

func (w *world) IsCurrent(x ids.Xid) bool             { return fateOf(x) == own }
func (w *world) Cmin(tuple.Header) ids.CommandID      { return w.cmin }
func (w *world) Cmax(tuple.Header) ids.CommandID      { return w.cmax }
func (w *world) isInProgress(x ids.Xid) bool          { return x != 0 && !fateOf(x).over() }
func (w *world) didCommit(x ids.Xid) bool             { return x != 0 && fateOf(x).hasCommitted() }
func (w *world) hintOK(ids.Xid) bool                  { return !w.noHints }
func (w *world) topOf(x ids.Xid) ids.Xid              { return x }
func (w *world) updateMember(ids.MultiXactID) ids.Xid { return memberUpdater(w.members) }
func (w *world) multiRunning(ids.MultiXactID, bool) bool {
	for _, m := range w.members {
		if w.isInProgress(m.Xid) {
			return true
		}
	}
	return false
}

func memberUpdater(ms []Member) ids.Xid {
	for _, m := range ms {
		if m.Status.IsUpdate() {
			return m.Xid
		}
	}
	return 0
}

func worldSnapshot(w *world) *Snapshot {
	return &Snapshot{Xmin: later.xid(), Xmax: baseXid + ids.Xid(numFates), CurCid: curCid, view: w,
		Xip: []ids.Xid{later.xid(), running.xid(), own.xid()}}
}

// situation is one combination.
type situation struct {
	ins      fate
	insLater bool // own insertion by the current command or a later one
	del      fate // of the updater, -1 for none
	delLater bool
	locker   fate // -1 for none
	multi    bool
	moved    bool // updated, not deleted
}

func (s situation) header(hints bool) (tuple.Header, *world) {
	w := &world{cmin: 1, cmax: 2}
	if s.insLater {
		w.cmin = curCid
	}
	if s.delLater {
		w.cmax = curCid
	}
	h := tuple.Header(make([]byte, tuple.HeaderSize))
	h.SetXmin(s.ins.xid())
	h.SetCtid(ids.TID{Block: 1, Offset: 1})
	if s.moved {
		h.SetCtid(ids.TID{Block: 1, Offset: 2})
	}
	var m uint16
	if hints && s.ins.hasCommitted() {
		m |= tuple.XminCommitted
	} else if hints && s.ins.over() {
		m |= tuple.XminInvalid
	}
	switch {
	case s.multi:
		m |= tuple.XmaxIsMulti
		h.SetXmax(77)
		if s.locker >= 0 {
			w.members = append(w.members, Member{s.locker.xid(), ForKeyShare})
		}
		if s.del >= 0 {
			w.members = append(w.members, Member{s.del.xid(), NoKeyUpdate})
		} else {
			m |= tuple.XmaxLockOnly
		}
	case s.del >= 0:
		h.SetXmax(s.del.xid())
		if hints && s.del.hasCommitted() {
			m |= tuple.XmaxCommitted
		} else if hints && s.del.over() {
			m |= tuple.XmaxInvalid
		}
	case s.locker >= 0:
		h.SetXmax(s.locker.xid())
		m |= tuple.XmaxLockOnly | tuple.XmaxExclLock
		if hints && s.locker.over() {
			m |= tuple.XmaxInvalid
		}
	default:
		m |= tuple.XmaxInvalid
	}
	h.SetInfomask(m)
	return h, w
}

func (s situation) mvcc() bool {
	in := s.ins == committed || s.ins == own && !s.insLater
	out := s.del == committed || s.del == own && !s.delLater
	return in && !out
}

// now tells what a dirty reader finds.
func (s situation) now() (there bool, d Dirty) {
	switch {
	case s.ins == running:
		return true, Dirty{Xmin: running.xid()}
	case s.ins != own && !s.ins.hasCommitted(), s.del >= 0 && (s.del == own || s.del.hasCommitted()):
		return false, d
	case s.del == running:
		d.Xmax = running.xid()
	}
	return true, d
}

func (s situation) lockedByRunning() bool { return s.locker >= 0 && !s.locker.over() }

func (s situation) update() Verdict {
	switch {
	case s.ins == own && s.insLater, s.ins != own && !s.ins.hasCommitted():
		return TMInvisible
	case s.del == own && s.delLater:
		return TMSelfModified
	case s.del == own:
		return TMInvisible
	case s.del == running, s.lockedByRunning():
		return TMBeingModified
	case s.del >= 0 && s.del.hasCommitted() && s.moved:
		return TMUpdated
	case s.del >= 0 && s.del.hasCommitted():
		return TMDeleted
	}
	return TMOk
}

func (s situation) vacuum() VacuumVerdict {
	switch {
	case s.ins == own && s.del == own:
		return VacuumDeleteInProgress
	case s.ins == own, s.ins == running:
		return VacuumInsertInProgress
	case !s.ins.hasCommitted():
		return VacuumDead
	case s.del == own, s.del == running:
		return VacuumDeleteInProgress
	case s.del == committed:
		return VacuumDead
	case s.del == later:
		return VacuumRecentlyDead
	}
	return VacuumLive
}

// possible leaves out what cannot be: others touch a tuple only after its insertion has committed.
func (s situation) possible() bool {
	for _, f := range []fate{s.del, s.locker} {
		if f >= 0 && !s.ins.hasCommitted() && !(s.ins == own && (f == own || f == ownAborted)) {
			return false
		}
	}
	if s.multi && s.del < 0 && s.locker < 0 || !s.multi && s.del >= 0 && s.locker >= 0 {
		return false
	}
	return !(s.insLater && s.ins != own) && !(s.delLater && s.del != own) && !(s.insLater && s.del == own && !s.delLater)
}

func situations(f func(situation)) int {
	n := 0
	bools := []bool{false, true}
	for ins := committed; ins < numFates; ins++ {
		for del := fate(-1); del < numFates; del++ {
			for locker := fate(-1); locker < numFates; locker++ {
				for i := range 16 {
					s := situation{ins, bools[i&1], del, bools[i>>1&1], locker, bools[i>>2&1], bools[i>>3&1]}
					if s.possible() {
						n++
						f(s)
					}
				}
			}
		}
	}
	return n
}

func TestVisibilityOfEverySituation(t *testing.T) {
	n := situations(func(s situation) {
		for i := range 4 {
			hints, noNew := i&1 != 0, i&2 != 0
			name := fmt.Sprintf("%+v hints %v", s, hints)
			try := func(what string, want any, f func(h tuple.Header, w *world) (any, bool)) {
				h, w := s.header(hints)
				w.noHints = noNew
				before := h.Infomask()
				for range 2 { // the second time with the hint bits of the first
					got, hinted := f(h, w)
					if got != want {
						t.Errorf("%s: %s is %v, want %v", name, what, got, want)
					}
					if hinted == (h.Infomask() == before) {
						t.Errorf("%s: %s says hinted %v, infomask %x became %x", name, what, hinted, before, h.Infomask())
					}
					before = h.Infomask()
				}
				if noNew && h.Infomask()&^tuple.XmaxInvalid&^tuple.XminInvalid != maskOf(s, hints)&^tuple.XmaxInvalid&^tuple.XminInvalid {
					t.Errorf("%s: %s set a hint for a commit that is not on disk", name, what)
				}
			}
			try("mvcc", s.mvcc(), func(h tuple.Header, w *world) (any, bool) { return worldSnapshot(w).Satisfies(h) })
			there, dirty := s.now()
			type both struct {
				there bool
				d     Dirty
			}
			try("dirty", both{there, dirty}, func(h tuple.Header, w *world) (any, bool) {
				v, d, hinted := satisfiesNow(w, h)
				return both{v, d}, hinted
			})
			try("update", s.update(), func(h tuple.Header, w *world) (any, bool) {
				return updateStatus(w, h, ids.TID{Block: 1, Offset: 1}, curCid)
			})
			try("vacuum", s.vacuum(), func(h tuple.Header, w *world) (any, bool) {
				v, _, hinted := vacuumStatus(w, h, horizon)
				return v, hinted
			})
		}
	})
	if n < 200 {
		t.Errorf("only %d situations", n)
	}
}

func maskOf(s situation, hints bool) uint16 {
	h, _ := s.header(hints)
	return h.Infomask()
}

// A tuple whose hint bits alone prove it dead is dead for vacuum too.
func TestSurelyDead(t *testing.T) {
	proven := 0
	situations(func(s situation) {
		h, _ := s.header(true)
		if (*Manager)(nil).IsSurelyDead(h, horizon) {
			proven++
			if s.vacuum() != VacuumDead {
				t.Errorf("%+v", s)
			}
		}
	})
	if proven == 0 {
		t.Error("never")
	}
}
