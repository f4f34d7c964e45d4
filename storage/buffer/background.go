package buffer

import (
	"cmp"
	"slices"

	"gompho/internal/ids"
	"gompho/stats"
)

// WriteDirty writes the buffers that are dirty when it is called, in the order of files and blocks: the write phase of a
// checkpoint. all includes unlogged relations (shutdown). pace is called after each buffer and may take its time.
func (p *Pool) WriteDirty(slot *stats.Slot, all bool, pace func(done, total int) error) (written int, err error) {
	list := p.markCheckpoint(all)
	for i, e := range list {
		if p.descs[e.id].state.Load()&flagCkpt != 0 {
			wrote, err := p.flushBuffer(slot, e.id, func(s uint64, t tag) bool { return s&flagCkpt != 0 && t == e.tag })
			if err != nil {
				return written, err
			}
			if wrote {
				written++
			}
		}
		if pace != nil {
			if err := pace(i+1, len(list)); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

type dirtyBuffer struct {
	id  int32
	tag tag
}

func (p *Pool) markCheckpoint(all bool) []dirtyBuffer {
	var list []dirtyBuffer
	for id := range int32(p.n) {
		d := &p.descs[id]
		for {
			s := d.state.Load()
			if s&flagDirty == 0 || s&flagTagValid == 0 || !all && s&flagUnlogged != 0 {
				break
			}
			t := d.tag()
			if d.state.CompareAndSwap(s, s|flagCkpt) {
				list = append(list, dirtyBuffer{id, t})
				break
			}
		}
	}
	slices.SortFunc(list, func(a, b dirtyBuffer) int { return a.tag.compare(&b.tag) })
	return list
}

func (t *tag) compare(u *tag) int {
	return cmp.Or(cmp.Compare(t.rel.Spc, u.rel.Spc), cmp.Compare(t.rel.DB, u.rel.DB), cmp.Compare(t.rel.Rel, u.rel.Rel),
		cmp.Compare(t.fork, u.fork), cmp.Compare(t.block, u.block))
}

// CleanState is what the background writer remembers between rounds.
type CleanState struct {
	allocs   uint64
	smoothed float64
	started  bool
}

// Clean is one round of the background writer: it writes dirty buffers that the clock's hand will reach soon, as many as
// will probably be needed until the next round, at most maxPages. idle says that nothing was needed lately.
func (p *Pool) Clean(slot *stats.Slot, st *CleanState, maxPages int, multiplier float64) (written int, idle bool, err error) {
	allocs := p.allocs.Load()
	recent := float64(allocs - st.allocs)
	st.allocs = allocs
	if !st.started {
		st.started = true
		return 0, true, nil
	}
	if recent >= st.smoothed {
		st.smoothed = recent
	} else {
		st.smoothed += (recent - st.smoothed) / 16
	}
	need := int(st.smoothed*multiplier + 0.5)
	hand := p.hand.Load()
	for i, reusable := uint64(0), 0; i < uint64(p.n) && reusable < need; i++ {
		id := int32((hand + i) % uint64(p.n))
		s := p.descs[id].state.Load()
		if s&(pinMask|usageMask) != 0 {
			continue
		}
		reusable++
		if s&flagDirty == 0 {
			continue
		}
		if written >= maxPages {
			p.counters.MaxClean.Add(1)
			break
		}
		wrote, err := p.flushBuffer(slot, id, func(s uint64, _ tag) bool { return s&usageMask == 0 })
		if err != nil {
			return written, false, err
		}
		if wrote {
			written++
			p.counters.CleanWrites.Add(1)
		}
	}
	return written, recent == 0 && written == 0, nil
}

// BufferInfo describes one buffer, for people.
type BufferInfo struct {
	ID     int
	Rel    ids.RelFile
	Fork   ids.Fork
	Block  ids.BlockNumber
	Dirty  bool
	Usage  int
	Pins   int
	Cached bool
}

// Info calls visit for each buffer; what it sees may have changed a moment later.
func (p *Pool) Info(visit func(BufferInfo)) {
	for id := range p.descs {
		d := &p.descs[id]
		s, t := d.state.Load(), d.tag()
		visit(BufferInfo{id, t.rel, t.fork, t.block, s&flagDirty != 0, int(s & usageMask >> 20), int(s & pinMask), s&flagTagValid != 0})
	}
}
