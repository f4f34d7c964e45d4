package ssi

import "gompho/internal/ids"

// ConflictOut reports that the transaction met a row version of xid, which its snapshot does not see, or did not see deleted by it: it comes
// before xid in any serial order.
func (x *Xact) ConflictOut(xid ids.Xid) error {
	if x == nil || x.is(ended) {
		return nil
	}
	m := x.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if x.is(doomed) {
		return failure("Canceled on identification as a pivot, during conflict out checking.")
	}
	w := m.byXid[xid]
	if w == nil {
		return x.outToOld(xid)
	}
	if w == x || w.is(doomed) {
		return nil
	}
	if w.is(summaryOut) {
		if !w.is(prepared) {
			w.set(doomed)
			return nil
		}
		return failure("Canceled on conflict out to old pivot.")
	}
	if x.is(readOnly) && w.is(committed) && (!w.is(conflictOut) || x.snapshotSeq < w.earliestOut) {
		return nil
	}
	return x.m.conflict(x, w, x)
}

// outToOld is ConflictOut to a transaction that may have been summarised.
func (x *Xact) outToOld(xid ids.Xid) error {
	seq, ok := x.m.oldXids[xid]
	if !ok {
		return nil
	}
	if seq != never && (!x.is(readOnly) || seq <= x.snapshotSeq) {
		return failure("Canceled on conflict out to old pivot %d.", uint32(xid))
	}
	if x.is(summaryIn) || len(x.in) > 0 {
		return failure("Canceled on identification as a pivot, with conflict out to old committed transaction %d.", uint32(xid))
	}
	x.set(summaryOut)
	return nil
}

// Doomed returns the error of a transaction that others have chosen to fail.
func (x *Xact) Doomed() error {
	if x != nil && x.is(doomed) && !x.is(ended) {
		return failure("Canceled on identification as a pivot, during conflict out checking.")
	}
	return nil
}

// ConflictInTuple reports that the transaction is about to change a row version; locks on it, its page and its relation conflict. Outside
// subtransactions the transaction's own lock on the version goes: the change says more.
func (x *Xact) ConflictInTuple(r Rel, t ids.TID, inSub bool) error {
	if x == nil {
		return nil
	}
	if err := x.beginWrite(); err != nil {
		return err
	}
	if err := x.conflictIn(tupleTag(r, t)); err != nil {
		return err
	}
	if tag := tupleTag(r, t); !inSub && x.holds(tag) {
		x.m.remove(x, tag)
	}
	return x.conflictInPage(r, t.Block)
}

// ConflictInPage reports that the transaction is about to add to an index page.
func (x *Xact) ConflictInPage(r Rel, b ids.BlockNumber) error {
	if x == nil {
		return nil
	}
	if err := x.beginWrite(); err != nil {
		return err
	}
	return x.conflictInPage(r, b)
}

func (x *Xact) conflictInPage(r Rel, b ids.BlockNumber) error {
	if err := x.conflictIn(pageTag(r, b)); err != nil {
		return err
	}
	return x.conflictIn(relationTag(r))
}

// ConflictInRelation reports that the transaction is about to add a row to a table.
func (x *Xact) ConflictInRelation(r Rel) error {
	if x == nil {
		return nil
	}
	if err := x.beginWrite(); err != nil {
		return err
	}
	return x.conflictIn(relationTag(r))
}

func (x *Xact) beginWrite() error {
	if x.is(doomed) && !x.is(ended) {
		return failure("Canceled on identification as a pivot, during conflict in checking.")
	}
	x.didWrite.Store(true)
	return nil
}

// ConflictInTable reports that the transaction empties or drops a table: every lock on any part of it conflicts.
func (x *Xact) ConflictInTable(r Rel) error {
	if x == nil {
		return nil
	}
	if err := x.beginWrite(); err != nil {
		return err
	}
	for i := range x.m.parts {
		if err := x.conflictInPart(&x.m.parts[i], r); err != nil {
			return err
		}
	}
	return nil
}

func (x *Xact) conflictInPart(p *partition, r Rel) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for t, hs := range p.targets {
		if t.Rel == r {
			if err := x.against(hs); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *Xact) conflictIn(t Tag) error {
	p := &x.m.parts[t.partition()]
	p.mu.Lock()
	defer p.mu.Unlock()
	return x.against(p.targets[t])
}

// against looks at those who hold a lock on what the transaction is about to write.
func (x *Xact) against(hs []holder) error {
	if len(hs) == 0 || len(hs) == 1 && hs[0].x == x {
		return nil
	}
	m := x.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if x.is(ended) {
		return nil
	}
	for _, h := range hs {
		r := h.x
		switch {
		case r == x:
		case r == m.old:
			if h.seq > x.snapshotSeq {
				if err := m.conflict(r, x, x); err != nil {
					return err
				}
			}
		case r.is(doomed), r.is(committed) && r.finishedBefore <= x.xmin:
		default:
			if err := m.conflict(r, x, x); err != nil {
				return err
			}
		}
	}
	return nil
}

// conflict notes that reader read what writer changes, and ends one of them if that makes a dangerous structure. me is the caller.
func (m *Manager) conflict(reader, writer, me *Xact) error {
	if _, known := reader.out[writer]; known {
		return nil
	}
	if dangerous(reader, writer) {
		switch {
		case writer == me:
			return failure("Canceled on identification as a pivot, during write.")
		case writer.is(prepared):
			return failure("Canceled on conflict out to pivot %d, during read.", uint32(writer.topXid()))
		}
		writer.set(doomed)
	}
	switch {
	case reader == m.old:
		writer.set(summaryIn)
	case writer == m.old:
		reader.set(summaryOut)
	default:
		link(reader, writer)
	}
	return nil
}

func (x *Xact) topXid() ids.Xid {
	if len(x.xids) == 0 {
		return 0
	}
	return x.xids[0]
}

// dangerous reports whether a conflict from reader to writer completes a dangerous structure: two conflicts in a row, of which the last transaction
// is the first to commit.
func dangerous(reader, writer *Xact) bool {
	if writer.is(summaryOut) || writer.is(committed) && writer.is(conflictOut) {
		return true
	}
	// reader -> writer -> t2
	for t2 := range writer.out {
		if t2.is(prepared) &&
			(!reader.is(committed) || t2.prepareSeq <= reader.commitSeq) &&
			(!writer.is(committed) || t2.prepareSeq <= writer.commitSeq) &&
			(!reader.is(readOnly) || t2.prepareSeq <= reader.snapshotSeq) {
			return true
		}
	}
	// t0 -> reader -> writer
	if !writer.is(prepared) || reader.is(readOnly) {
		return false
	}
	if reader.is(summaryIn) {
		return true
	}
	for t0 := range reader.in {
		if !t0.is(doomed) &&
			(!t0.is(committed) || t0.commitSeq >= writer.prepareSeq) &&
			(!t0.is(readOnly) || t0.snapshotSeq >= writer.prepareSeq) {
			return true
		}
	}
	return false
}
