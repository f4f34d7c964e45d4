package buffer

// The state word of a buffer: pins in bits 0..19, usage count in bits 20..23, flags above.
const (
	pinOne    = 1
	pinMask   = 1<<20 - 1
	usageOne  = 1 << 20
	usageMask = 15 << 20
	maxUsage  = 5 << 20

	flagLocked    = 1 << 24 // the tag is changing
	flagTagValid  = 1 << 25 // in the mapping table
	flagValid     = 1 << 26 // the page is there
	flagDirty     = 1 << 27 // to be written
	flagRedirtied = 1 << 28 // dirtied since a write of it began
	flagIO        = 1 << 29 // being read or written by someone
	flagPinWaiter = 1 << 30 // someone waits to be the only one with a pin
	flagUnlogged  = 1 << 31 // checkpoints need not write it
	flagCkpt      = 1 << 32 // the running checkpoint must write it
	flagHeader    = 1 << 33 // a spin lock for setting the LSN under a shared latch
)

// update changes the state by f until nobody interferes, and returns old and new.
func (d *desc) update(f func(s uint64) uint64) (old, now uint64) {
	for {
		old = d.state.Load()
		now = f(old)
		if d.state.CompareAndSwap(old, now) {
			return old, now
		}
	}
}

func (d *desc) set(flags uint64)   { d.state.Or(flags) }
func (d *desc) clear(flags uint64) { d.state.And(^flags) }

// tryPin pins the buffer if it is in the mapping table, whatever its tag. bump raises the usage count.
func (d *desc) tryPin(bump uint64) bool {
	for {
		s := d.state.Load()
		if s&(flagTagValid|flagLocked) != flagTagValid {
			return false
		}
		n := s + pinOne
		if s&usageMask < bump {
			n += usageOne
		}
		if d.state.CompareAndSwap(s, n) {
			return true
		}
	}
}

// unpin drops a pin and wakes who waits to be the only one.
func (p *Pool) unpin(id int32) {
	d := &p.descs[id]
	s := d.state.Add(^uint64(0))
	if s&flagPinWaiter != 0 && s&pinMask <= 1 {
		d.clear(flagPinWaiter)
		p.lot.wakeAll(parkKey(id, parkPin))
	}
}

// startIO takes the right to read or write the buffer; it waits for another's. It returns false, without the
// right, when done(state) says that there is nothing left to do.
func (p *Pool) startIO(id int32, done func(s uint64) bool) bool {
	d := &p.descs[id]
	for {
		s := d.state.Load()
		switch {
		case s&flagIO != 0:
			p.lot.waitWhile(parkKey(id, parkIO), func() bool { return d.state.Load()&flagIO != 0 })
		case done(s):
			return false
		case d.state.CompareAndSwap(s, s|flagIO):
			return true
		}
	}
}

// endIO gives the right back and wakes who waits for it.
func (p *Pool) endIO(id int32, set, clear uint64) {
	p.descs[id].update(func(s uint64) uint64 { return s&^(clear|flagIO) | set })
	p.lot.wakeAll(parkKey(id, parkIO))
}
