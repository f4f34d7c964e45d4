package locks

import "gompho/internal/ids"

// The fast path. Weak modes (up to RowExclusive) on relations conflict only with strong ones (from Share up),
// so while nobody holds or wants a strong lock on a relation, its weak locks need no shared table: each
// process notes them in slots of its own.
//
//  1. A weak locker holds its fpMu, looks at the relation's strong counter, and only if that is 0 writes its slot.
//  2. A strong locker first raises the counter, then visits every process, holding its fpMu, and moves the slots
//     of the relation into the main table; then it goes for the main table itself.
//
// Whichever takes a process's fpMu first, the other sees its work: either the slot is moved or the counter is
// seen. The counter falls when the strong lock is released. Mutex order: ownersMu, an owner's fpMu, a partition.

const (
	maxWeak   = RowExclusive
	minStrong = Share
)

// fastSlot holds the weak locks on one relation. The owner reuses it only when its local entry is gone,
// so a slot emptied by a strong locker stays the relation's.
type fastSlot struct {
	rel   uint64 // database and relation
	modes Mask
}

func fastKey(t Tag) uint64 { return uint64(t.f1)<<32 | uint64(t.f2) }

func (o *Owner) acquireFast(l *local, mode Mode) bool {
	count := &o.m.strong[l.hash%strongSlots]
	if count.Load() != 0 {
		return false
	}
	at := l.fp
	if at < 0 {
		if n := len(o.fpFree); n > 0 {
			at = o.fpFree[n-1]
		} else if len(o.fast) < o.m.maxFast {
			at = int32(len(o.fast))
		} else {
			return false
		}
	}
	o.fpMu.Lock()
	if count.Load() != 0 {
		o.fpMu.Unlock()
		return false
	}
	if int(at) == len(o.fast) {
		o.fast = append(o.fast, fastSlot{})
	} else if l.fp < 0 {
		o.fpFree = o.fpFree[:len(o.fpFree)-1]
	}
	s := &o.fast[at]
	s.rel = fastKey(l.tag)
	s.modes |= mode.Bit()
	o.fpMu.Unlock()
	l.fp = at
	return true
}

// releaseFast gives up mode if it is still in the fast path, and reports whether it was.
func (o *Owner) releaseFast(l *local, mode Mode) bool {
	o.fpMu.Lock()
	s := &o.fast[l.fp]
	was := s.modes.Has(mode)
	s.modes &^= mode.Bit()
	o.fpMu.Unlock()
	return was
}

// transferAll moves every process's fast-path locks on tag into the main table.
func (m *Manager) transferAll(tag Tag, hash uint32) error {
	m.ownersMu.RLock()
	defer m.ownersMu.RUnlock()
	for _, o := range m.owners {
		if err := o.transfer(tag, hash); err != nil {
			return err
		}
	}
	return nil
}

func (o *Owner) transfer(tag Tag, hash uint32) error {
	key := fastKey(tag)
	o.fpMu.Lock()
	defer o.fpMu.Unlock()
	for i := range o.fast {
		if s := &o.fast[i]; s.rel == key && s.modes != 0 {
			if err := o.m.grantFor(o, tag, hash, s.modes); err != nil {
				return err
			}
			s.modes = 0
			return nil
		}
	}
	return nil
}

// grantFor enters locks that o holds by other means into the main table.
func (m *Manager) grantFor(o *Owner, tag Tag, hash uint32, modes Mask) error {
	p := m.part(hash)
	p.mu.Lock()
	defer p.mu.Unlock()
	l, err := m.findOrAdd(p, tag, hash)
	if err != nil {
		return err
	}
	h := l.holderOf(o)
	if h == nil {
		if h, err = m.addHolder(p, l, o); err != nil {
			m.dropIfUnused(p, l)
			return err
		}
	}
	for mode := AccessShare; mode < numModes; mode++ {
		if modes.Has(mode) {
			l.grant(h, mode)
		}
	}
	return nil
}

// SetVxid begins a virtual transaction: the owner holds Exclusive on it until ClearVxid. It costs no shared
// memory unless somebody waits for it.
func (o *Owner) SetVxid(v ids.VirtualXid) {
	o.fpMu.Lock()
	o.vxProc.Store(v.Proc)
	o.vxLocal.Store(v.Local)
	o.vxFast = true
	o.fpMu.Unlock()
}

// ClearVxid ends the virtual transaction and lets those go on who wait for it.
func (o *Owner) ClearVxid() {
	o.fpMu.Lock()
	v := ids.VirtualXid{Proc: o.vxProc.Load(), Local: o.vxLocal.Load()}
	fast := o.vxFast
	o.vxFast = false
	o.vxLocal.Store(0)
	o.fpMu.Unlock()
	if fast || v.Local == 0 {
		return
	}
	tag := VirtualTag(v)
	hash := tag.hash()
	p := o.m.part(hash)
	p.mu.Lock()
	defer p.mu.Unlock()
	lk := p.find(tag, hash)
	h := lk.holderOf(o)
	if lk.ungrant(h, Exclusive) {
		lk.wakeWaiters(o.m)
	}
	o.m.dropHolderIfUnused(p, h)
}

// WaitVxid waits until the virtual transaction v is over; one that is prepared goes on until it is finished. With noWait it reports false if it is not.
func (o *Owner) WaitVxid(v ids.VirtualXid, noWait bool) (bool, error) {
	if over, err := o.waitRunning(v, noWait); !over || err != nil {
		return false, err
	}
	if x := o.m.PreparedWith(v); x != 0 { // it was, or has become so while this waited
		return o.waitPrepared(x, noWait)
	}
	return true, nil
}

// waitRunning is WaitVxid for the time that the virtual transaction has a process.
func (o *Owner) waitRunning(v ids.VirtualXid, noWait bool) (bool, error) {
	tag := VirtualTag(v)
	if t := o.m.ownerWith(v); t == nil {
		return true, nil
	} else if running, err := t.publishVxid(v, tag, noWait); err != nil || !running {
		return err == nil, err
	}
	if noWait {
		return false, nil
	}
	if err := o.Acquire(tag, Share, Opts{Session: true}); err != nil {
		return false, err
	}
	o.Release(tag, Share, true)
	return true, nil
}

// publishVxid moves the lock on v into the main table and reports whether v still runs.
func (o *Owner) publishVxid(v ids.VirtualXid, tag Tag, lookOnly bool) (bool, error) {
	o.fpMu.Lock()
	defer o.fpMu.Unlock()
	if o.vxLocal.Load() != v.Local || o.vxProc.Load() != v.Proc {
		return false, nil
	}
	if o.vxFast && !lookOnly {
		if err := o.m.grantFor(o, tag, tag.hash(), Exclusive.Bit()); err != nil {
			return false, err
		}
		o.vxFast = false
	}
	return true, nil
}
