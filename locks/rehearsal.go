package locks

import (
	"slices"

	"gompho/internal/pgerr"
)

// A rehearsal tells which locks a statement takes without taking them: the statement's own code runs, while the lock manager writes
// down what it is asked for. Relations are locked in AccessShare mode all the while, so that nobody changes them under the rehearsal.

// Rehearsal is the list of the locks that a process was asked for.
type Rehearsal struct {
	Phase string // of the statement; noted with each lock
	Locks []Rehearsed
	began int // locks before this one are those of transactions that are over
}

// NextTransaction notes that the statement ends its transaction and goes on in another one.
func (r *Rehearsal) NextTransaction() { r.began = len(r.Locks) }

// Rehearsed is a lock on a relation or an object that the statement takes, a wait for a virtual transaction, or the lock
// of a transaction on its own id.
type Rehearsed struct {
	Tag      Tag
	Mode     Mode
	Phase    string // when it is taken first
	Released bool   // it is given back before the end of the transaction
}

// Rehearse makes what the owner is asked for go into r, until Rehearse(nil). It is to be used within a subtransaction that is rolled back.
func (o *Owner) Rehearse(r *Rehearsal) { o.rehearsal = r }

// Note adds a lock to the list.
func (r *Rehearsal) Note(tag Tag, mode Mode) {
	for i := r.began; i < len(r.Locks); i++ {
		if l := &r.Locks[i]; l.Tag == tag && l.Mode == mode {
			l.Released = false
			return
		}
	}
	r.Locks = append(r.Locks, Rehearsed{Tag: tag, Mode: mode, Phase: r.Phase})
}

// release notes that a lock is given back, and reports whether there was such a lock.
func (r *Rehearsal) release(tag Tag, mode Mode) bool {
	i := slices.IndexFunc(r.Locks, func(l Rehearsed) bool { return l.Tag == tag && l.Mode == mode && !l.Released })
	if i < 0 {
		return false
	}
	r.Locks[i].Released = true
	return true
}

// rehearse is acquire while a rehearsal runs. Transaction ids and rows are locked in earnest, since others rely on that, but not waited for.
func (o *Owner) rehearse(tag Tag, mode Mode, session, noWait bool) (bool, error) {
	r := o.rehearsal
	o.rehearsal = nil
	defer func() { o.rehearsal = r }()
	switch {
	case tag.kind == KindRelation:
		r.Note(tag, mode)
		_, err := o.acquire(tag, AccessShare, false, noWait)
		return true, err
	case tag.kind == KindObject || tag.kind == KindVirtualXid && mode == Share:
		r.Note(tag, mode)
		return true, nil
	case tag.kind == KindTransaction && mode == Exclusive:
		r.Note(Tag{kind: KindTransaction}, mode)
	case tag.kind == KindTransaction || tag.kind == KindTuple:
		ok, err := o.acquire(tag, mode, session, true)
		if !ok && err == nil && !noWait {
			err = pgerr.New(pgerr.LockNotAvailable, "cannot tell the locks of the statement while another transaction changes what it is about")
		}
		return ok, err
	}
	return o.acquire(tag, mode, session, noWait)
}
