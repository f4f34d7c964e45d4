package heap

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/tuple"
)

// RowLock is a row version that running transactions hold: one transaction, or the members of a multixact.
type RowLock struct {
	TID     ids.TID
	Xmax    ids.Xid
	Multi   bool
	Members []mvcc.Member // members that have ended are among them as long as one runs
}

// RowLocks lists the row versions of a table that somebody locks, updates or deletes at the moment. It reads the whole table and
// waits for nobody.
func RowLocks(tx *mvcc.Session, r *Rel, cid ids.CommandID) ([]RowLock, error) {
	o := r.begin(tx)
	defer o.end()
	n, err := r.Blocks()
	if err != nil {
		return nil, err
	}
	var out []RowLock
	for blk := ids.BlockNumber(0); blk < n; blk++ {
		if err := o.slot.CheckInterrupts(); err != nil {
			return nil, err
		}
		b, err := o.read(blk)
		if err != nil {
			return nil, err
		}
		b.Lock(buffer.Share)
		out = o.pageLocks(out, b, cid)
		b.UnlockRelease()
	}
	for i := range out {
		if l := &out[i]; l.Multi {
			if l.Members, err = tx.MultiMembers(ids.MultiXactID(l.Xmax)); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (o *op) pageLocks(out []RowLock, b buffer.Buf, cid ids.CommandID) []RowLock {
	pg := b.Page()
	if pg.IsNew() {
		return out
	}
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		item := itemAt(pg, off)
		if item == nil {
			continue
		}
		h, tid := tuple.Header(item), ids.TID{Block: b.Block(), Offset: off}
		v, hinted := o.tx.UpdateStatus(h, tid, cid)
		if hinted {
			b.MarkDirtyHint()
		}
		if Result(v) != BeingModified {
			continue
		}
		l := RowLock{TID: tid, Xmax: h.Xmax(), Multi: h.Infomask()&tuple.XmaxIsMulti != 0}
		if !l.Multi {
			l.Members = []mvcc.Member{{Xid: l.Xmax, Status: statusOf(h.Infomask(), h.Infomask2())}}
		}
		out = append(out, l)
	}
	return out
}
