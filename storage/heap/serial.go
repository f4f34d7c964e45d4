package heap

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/ssi"
	"gompho/storage/tuple"
)

// What serializable transactions have to tell of their reads and writes; see package ssi. Everything here is a nil check for others.

// serial returns what tracks tx where its work on r counts, nil elsewhere.
func (r *Rel) serial(tx *mvcc.Session) *ssi.Xact {
	x := tx.Serial()
	if x == nil || !ssi.Tracked(r.Oid, r.Temp) {
		return nil
	}
	return x
}

func (r *Rel) pred() ssi.Rel { return ssi.Rel{DB: r.DB, Oid: r.Oid} }

// ReadRelation tells that tx is about to read all of r with snap. It comes before the size of r is asked for.
func ReadRelation(tx *mvcc.Session, r *Rel, snap *mvcc.Snapshot) error {
	if x := r.serial(tx); x != nil && snap != nil {
		return x.LockRelation(r.pred())
	}
	return nil
}

// ReadPage tells that tx relies on all rows of a page without looking at it, as an index-only scan does.
func ReadPage(tx *mvcc.Session, r *Rel, b ids.BlockNumber) error {
	if x := r.serial(tx); x != nil {
		return x.LockPage(r.pred(), b)
	}
	return nil
}

// noteRead tells of a version on a latched page at which tx looked with snap. x is not nil.
func noteRead(tx *mvcc.Session, x *ssi.Xact, r *Rel, snap *mvcc.Snapshot, h tuple.Header, tid ids.TID, visible, lock bool) error {
	if !x.Reading() {
		return nil
	}
	if visible && lock && !tx.IsCurrent(h.Xmin()) {
		if err := x.LockTuple(r.pred(), tid); err != nil {
			return err
		}
	}
	return tx.NoteConflict(x, snap, h, visible)
}

// noteInsert tells that tx is about to add a row; the page it goes to is latched.
func (r *Rel) noteInsert(tx *mvcc.Session) error {
	if x := r.serial(tx); x != nil {
		return x.ConflictInRelation(r.pred())
	}
	return nil
}

// noteChange tells that tx is about to change the version at tid, whose page is latched.
func (r *Rel) noteChange(tx *mvcc.Session, tid ids.TID) error {
	if x := r.serial(tx); x != nil {
		return x.ConflictInTuple(r.pred(), tid, tx.NestingLevel() > 1)
	}
	return nil
}

// NoteEmptied tells that tx empties or drops r.
func (r *Rel) NoteEmptied(tx *mvcc.Session) error {
	if x := r.serial(tx); x != nil {
		return x.ConflictInTable(r.pred())
	}
	return nil
}

// NoteRewritten tells that the addresses of the rows of r change: what was read of parts of it counts as read of all.
func (r *Rel) NoteRewritten(tx *mvcc.Session) {
	tx.Manager().Ssi().ToRelation(r.pred(), r.pred())
}
