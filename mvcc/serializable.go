package mvcc

import (
	"gompho/internal/ids"
	"gompho/ssi"
	"gompho/storage/tuple"
)

// Serial returns what tracks a serializable transaction; nil when nothing needs to.
func (s *Session) Serial() *ssi.Xact { return s.ser }

// Ssi returns the server's serializable transactions.
func (m *Manager) Ssi() *ssi.Manager { return m.ssi }

// beginSerializable takes the snapshot of a serializable transaction.
func (s *Session) beginSerializable() {
	o := ssi.BeginOpts{ReadOnly: s.readOnly, Xid: s.TopXid(), Vxid: s.Vxid(), Slot: s.slot}
	s.ser = s.m.ssi.Begin(o, func() ids.Xid {
		s.first = s.newSnapshot(s.m.take(s.p))
		return s.first.Xmin
	})
	for _, x := range s.xids {
		s.ser.AddXid(x)
	}
}

// TakeSafeSnapshot takes the snapshot of a transaction that is SERIALIZABLE, READ ONLY and DEFERRABLE, if it has none: it waits until one is safe,
// with which the transaction can neither fail nor make others fail. For other transactions it does nothing. Call it before the first Snapshot.
// Errors: those of interrupts.
func (s *Session) TakeSafeSnapshot() error {
	if s.first != nil || s.iso != Serializable || !s.readOnly || !s.deferrable {
		return nil
	}
	s.taken = true
	for {
		s.beginSerializable()
		safe, err := s.ser.WaitSafe()
		s.ser.Finish(false, s.m.NextXid())
		s.ser = nil
		if safe && err == nil {
			return nil
		}
		s.first = nil
		s.settleXmin()
		if err != nil {
			return err
		}
	}
}

// NoteConflict tells the serializable transaction of a row version at which it looked with sn: whoever made it, or removed it, without sn seeing
// that comes after this transaction.
func (s *Session) NoteConflict(x *ssi.Xact, sn *Snapshot, h tuple.Header, visible bool) error {
	var w ids.Xid
	switch m := h.Infomask(); {
	case !visible:
		if h.XminInvalid() {
			return nil
		}
		w = h.Xmin()
	case m&tuple.XmaxInvalid != 0 || tuple.XmaxIsLockedOnly(m):
		return nil
	default:
		w = updater(s, h)
	}
	if w == ids.InvalidXid || w < sn.Xmin || s.IsCurrent(w) || !sn.inProgress(w) {
		return nil
	}
	return x.ConflictOut(w)
}
