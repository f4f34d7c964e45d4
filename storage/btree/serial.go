package btree

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/ssi"
)

// What serializable transactions have to tell of an index: leaf pages stand for the gaps between keys; see package ssi.

func (ix *Index) serial(tx *mvcc.Session) *ssi.Xact {
	x := tx.Serial()
	if x == nil || ix.Heap == nil || !ssi.Tracked(ix.Oid, ix.Temp) {
		return nil
	}
	return x
}

func (ix *Index) pred() ssi.Rel { return ssi.Rel{DB: ix.Heap.DB, Oid: ix.Oid} }

// noteRead tells that x, nil for what is not tracked, reads the latched leaf b.
func (ix *Index) noteRead(x *ssi.Xact, b ids.BlockNumber) error {
	if x == nil {
		return nil
	}
	return x.LockPage(ix.pred(), b)
}

// noteInsert tells that tx adds an entry whose key could first be on the latched leaf b.
func (ix *Index) noteInsert(tx *mvcc.Session, b ids.BlockNumber) error {
	if x := ix.serial(tx); x != nil {
		return x.ConflictInPage(ix.pred(), b)
	}
	return nil
}

// notePages tells that the range of leaf from is now, wholly or in part, that of leaf to. Both are latched.
func (ix *Index) notePages(tx *mvcc.Session, from, to ids.BlockNumber) {
	if ix.Heap != nil && ssi.Tracked(ix.Oid, ix.Temp) {
		tx.Manager().Ssi().PageSplit(ix.pred(), from, to)
	}
}

// NoteGone tells that the index of a table is dropped or built anew: what was read through it counts as read of the whole table.
func (ix *Index) NoteGone(tx *mvcc.Session, table ids.Oid) {
	if ssi.Tracked(ix.Oid, ix.Temp) {
		tx.Manager().Ssi().ToRelation(ssi.Rel{DB: ix.File.DB, Oid: ix.Oid}, ssi.Rel{DB: ix.File.DB, Oid: table})
	}
}
