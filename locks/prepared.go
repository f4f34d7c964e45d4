package locks

import (
	"encoding/binary"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// Prepared transactions keep their locks without a process: an owner without a slot, whose pid is 0, takes them over from the process that
// prepared, and after a restart gets them anew. It never waits. Whoever finishes the transaction is its process for that moment.

// Held is a lock that a transaction holds.
type Held struct {
	Tag  Tag
	Mode Mode
}

const heldSize = 4 + 4 + 4 + 2 + 1 + 1

// Append encodes h after b.
func (h Held) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, h.Tag.f1)
	b = binary.LittleEndian.AppendUint32(b, h.Tag.f2)
	b = binary.LittleEndian.AppendUint32(b, h.Tag.f3)
	b = binary.LittleEndian.AppendUint16(b, h.Tag.f4)
	return append(b, byte(h.Tag.kind), byte(h.Mode))
}

// DecodeHeld is the inverse of Append for any number of locks. Errors: XX001.
func DecodeHeld(b []byte) ([]Held, error) {
	damaged := func() ([]Held, error) {
		return nil, pgerr.New(pgerr.DataCorrupted, "locks of a prepared transaction are damaged")
	}
	if len(b)%heldSize != 0 {
		return damaged()
	}
	out := make([]Held, 0, len(b)/heldSize)
	for ; len(b) > 0; b = b[heldSize:] {
		h := Held{Tag: Tag{f1: binary.LittleEndian.Uint32(b), f2: binary.LittleEndian.Uint32(b[4:]), f3: binary.LittleEndian.Uint32(b[8:]),
			f4: binary.LittleEndian.Uint16(b[12:]), kind: Kind(b[14])}, Mode: Mode(b[15])}
		if h.Tag.kind >= numKinds || h.Mode == NoLock || h.Mode >= numModes {
			return damaged()
		}
		out = append(out, h)
	}
	return out, nil
}

// PreparedLocks returns the locks of the transaction for HandOver, and does all of that which can fail: it moves those of the fast path into the
// table. The lock on the transaction's own id counts as the transaction's. Errors: 0A000 when the session holds a lock on a thing
// that the transaction has locked too, 53200.
func (o *Owner) PreparedLocks() ([]Held, error) {
	var out []Held
	for _, l := range o.buckets {
		for ; l != nil; l = l.next {
			session, xact := l.scopes()
			if session && xact {
				return nil, pgerr.NotSupported("cannot PREPARE while holding both session-level and transaction-level locks on the same object")
			}
			if !xact {
				continue
			}
			if l.fp >= 0 {
				if err := o.transfer(l.tag, l.hash); err != nil {
					return nil, err
				}
			}
			for mode := AccessShare; mode < numModes; mode++ {
				if l.held.Has(mode) {
					out = append(out, Held{l.tag, mode})
				}
			}
		}
	}
	return out, nil
}

// Relations lists the relations of a database that the transaction holds locks on.
func (o *Owner) Relations(db ids.Oid) (out []ids.Oid) {
	for _, l := range o.buckets {
		for ; l != nil; l = l.next {
			if l.tag.kind != KindRelation || l.tag.DB() != db {
				continue
			}
			if _, xact := l.scopes(); xact {
				out = append(out, l.tag.Rel())
			}
		}
	}
	return out
}

// scopes tells in which scopes the lock is held.
func (l *local) scopes() (session, xact bool) {
	if l.tag.kind == KindTransaction {
		return false, true
	}
	for mode := AccessShare; mode < numModes; mode++ {
		if n := l.session[mode]; n > 0 {
			session = true
		}
		xact = xact || l.count[mode] > l.session[mode]
	}
	return session, xact
}

// NewPrepared makes the owner of a transaction that is being prepared, or that a restart has found.
func (m *Manager) NewPrepared(xid ids.Xid) *Owner {
	o := m.NewOwner(nil, OwnerOptions{})
	o.prepared.Store(uint64(xid))
	o.vxProc.Store(-1)
	o.vxLocal.Store(uint64(xid))
	return o
}

// HandOver gives the locks that PreparedLocks has returned, and the name of the virtual transaction, to the owner of the prepared transaction.
// Waiters notice nothing. It cannot fail. The virtual transaction itself goes on until ClearVxid.
func (o *Owner) HandOver(to *Owner) {
	to.fpMu.Lock()
	to.vxProc.Store(o.vxProc.Load())
	to.vxLocal.Store(o.vxLocal.Load())
	to.fpMu.Unlock()
	for _, l := range o.buckets {
		for l != nil {
			next := l.next
			if session, xact := l.scopes(); xact && !session {
				o.give(l, to)
			}
			l = next
		}
	}
	clear(o.journal)
	o.journal, o.levelStart = o.journal[:0], 0
}

// give makes to the holder of l, all modes.
func (o *Owner) give(l *local, to *Owner) {
	p := o.m.part(l.hash)
	p.mu.Lock()
	h := l.h
	if h == nil {
		h = p.find(l.tag, l.hash).holderOf(o)
	}
	h.owner = to
	p.mu.Unlock()
	n := to.addLocal(l.tag, l.hash)
	n.h, n.strong = h, l.strong // the counters of strong locks go on counting these
	for mode := AccessShare; mode < numModes; mode++ {
		if l.held.Has(mode) {
			to.note(n, mode, false)
		}
	}
	o.dropLocal(l)
}

// Restore gives a prepared transaction that a restart has found one of its locks. It does not look for conflicts. Errors: 53200.
func (o *Owner) Restore(h Held) error {
	hash := h.Tag.hash()
	l := o.find(h.Tag, hash)
	if l == nil {
		l = o.addLocal(h.Tag, hash)
	} else if l.held.Has(h.Mode) {
		return nil
	}
	if h.Tag.kind == KindRelation && h.Mode >= minStrong {
		o.m.strong[hash%strongSlots].Add(1)
		l.strong |= h.Mode.Bit()
	}
	if err := o.m.grantFor(o, h.Tag, hash, h.Mode.Bit()); err != nil {
		o.undoLocal(l, h.Mode)
		return err
	}
	o.note(l, h.Mode, false)
	return nil
}

// ClosePrepared releases the locks of a prepared transaction and forgets it. Any process may call it, one does.
func (o *Owner) ClosePrepared() {
	o.ReleaseTransaction()
	o.vxLocal.Store(0) // its lock went with the process that prepared
	o.Close()
}

// PreparedWith returns the prepared transaction that was the virtual transaction v, 0 when there is none.
func (m *Manager) PreparedWith(v ids.VirtualXid) ids.Xid {
	m.ownersMu.RLock()
	defer m.ownersMu.RUnlock()
	for _, o := range m.owners {
		if x := o.prepared.Load(); x != 0 && o.vxLocal.Load() == v.Local && o.vxProc.Load() == v.Proc {
			return ids.Xid(x)
		}
	}
	return 0
}

// waitPrepared waits for the prepared transaction x.
func (o *Owner) waitPrepared(x ids.Xid, noWait bool) (bool, error) {
	tag := TransactionTag(x)
	if noWait {
		ok, err := o.TryAcquire(tag, Share, true)
		if ok {
			o.Release(tag, Share, true)
		}
		return ok, err
	}
	if err := o.Acquire(tag, Share, Opts{Session: true}); err != nil {
		return false, err
	}
	o.Release(tag, Share, true)
	return true, nil
}
