package buffer

import (
	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/page"
)

// Buf is a pinned buffer. The zero Buf is no buffer. It is a value: each Read, Extend and Pin is paired with one Release.
type Buf struct {
	pool *Pool
	slot *stats.Slot
	id   int32
}

// IsValid reports whether b holds a buffer.
func (b Buf) IsValid() bool { return b.pool != nil }

// Page returns the page; it may be read under a Share latch, written under an Exclusive one. Hint bits may be
// written under a Share latch.
func (b Buf) Page() page.Page { return b.pool.page(b.id) }

func (b Buf) desc() *desc { return &b.pool.descs[b.id] }

// Block returns the block number.
func (b Buf) Block() ids.BlockNumber { return ids.BlockNumber(b.desc().relNo.Load()) }

// Rel returns the relation and fork of the block.
func (b Buf) Rel() (ids.RelFile, ids.Fork) {
	t := b.desc().tag()
	return t.rel, t.fork
}

// Same reports whether both are the same buffer.
func (b Buf) Same(c Buf) bool { return b.pool == c.pool && b.id == c.id }

// Lock takes the content latch. A goroutine must not latch one buffer twice.
func (b Buf) Lock(m LockMode) { b.pool.latch(b.slot, b.id, m) }

// TryLock takes the content latch if it is free.
func (b Buf) TryLock(m LockMode) bool {
	if !tryLatch(&b.desc().latch, m) {
		return false
	}
	b.slot.CountLatch(1)
	return true
}

// Unlock gives the content latch back, whichever mode is held.
func (b Buf) Unlock() { b.pool.unlatch(b.slot, b.id) }

// Pin pins the buffer once more, for another holder.
func (b Buf) Pin() Buf {
	b.desc().state.Add(pinOne)
	b.slot.CountPin()
	return b
}

// PinFor pins the buffer once more for another process, whose slot then accounts for the latch and the pin.
func (b Buf) PinFor(slot *stats.Slot) Buf {
	b.slot = slot
	return b.Pin()
}

// Release drops the pin. A latch held through b must have been given back.
func (b Buf) Release() {
	b.pool.unpin(b.id)
	b.slot.CountUnpin()
}

// UnlockRelease gives back the latch and the pin.
func (b Buf) UnlockRelease() {
	b.pool.unlatch(b.slot, b.id)
	b.Release()
}

// onlyPin reports whether the caller's pin is the only one.
func (b Buf) onlyPin() bool { return b.desc().state.Load()&pinMask == 1 }

// LockCleanup takes the exclusive latch at a moment when nobody else has a pin. The caller holds one pin.
// The error is an interrupt; nothing is latched then.
func (b Buf) LockCleanup(slot *stats.Slot) error {
	for {
		b.Lock(Exclusive)
		if b.onlyPin() {
			return nil
		}
		w := b.pool.lot.newWaiter(parkKey(b.id, parkPin), Exclusive)
		b.pool.lot.enqueue(w)
		b.desc().set(flagPinWaiter)
		if b.onlyPin() { // the last other pin went before it could see the flag
			b.pool.lot.leave(w)
			return nil
		}
		b.Unlock()
		if err := b.pool.lot.waitSlot(slot, w); err != nil {
			return err
		}
	}
}

// TryLockCleanup does so if that is possible at once.
func (b Buf) TryLockCleanup() bool {
	if !b.TryLock(Exclusive) {
		return false
	}
	if b.onlyPin() {
		return true
	}
	b.Unlock()
	return false
}

// IsCleanup reports whether the caller, who holds the exclusive latch, could as well have taken it by LockCleanup.
func (b Buf) IsCleanup() bool { return b.onlyPin() }
