package buffer

import (
	"cmp"
	"slices"
	"time"

	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/page"
)

// WriteDirty writes the buffers that are dirty when it is called, in the order of files and blocks, blocks that follow one another together: the
// write phase of a checkpoint. all includes unlogged relations (shutdown). wb, which may be nil, has the writes begin to reach the device. pace is called now and
// then with the number of buffers dealt with, and may take its time.
func (p *Pool) WriteDirty(slot *stats.Slot, all bool, wb *Writeback, pace func(done, total int) error) (written int, err error) {
	list := p.markCheckpoint(all)
	run := writeRun{pool: p, mem: make([]byte, maxRun*page.Size)}
	for i := 0; i < len(list); {
		taken, wrote, err := run.write(slot, list[i:])
		if err == nil && wrote > 0 {
			err = wb.add(slot, run.first, wrote)
		}
		if err != nil {
			return written, err
		}
		written += wrote
		i += taken
		if pace != nil {
			if err := pace(i, len(list)); err != nil {
				return written, err
			}
		}
	}
	return written, wb.Flush(slot)
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
	Writeback *Writeback // of its writes; may be nil

	valid    bool
	hand     uint64  // where the clock's hand was
	next     uint64  // where cleaning goes on; buffers are counted on and on, like the hand's
	allocs   uint64  // buffers allocated so far
	smoothed float64 // of them in a round
	density  float64 // buffers looked at for one that can be reused
}

const (
	smoothing = 16                // rounds that averages go back
	wholePool = 120 * time.Second // in which the pool is gone through even if nothing is allocated
)

// Clean is one round of the background writer, which come each delay: it writes dirty buffers that the clock's hand will reach soon, as many
// as will probably be needed until the next round, at most maxPages. It goes on where the last round ended, if the hand has not come by meanwhile.
// idle says that nothing was allocated and all is clean up to the hand.
func (p *Pool) Clean(slot *stats.Slot, st *CleanState, delay time.Duration, maxPages int, multiplier float64) (written int, idle bool, err error) {
	if maxPages <= 0 {
		st.valid = false
		return 0, true, nil
	}
	hand, allocs, n := p.hand.Load(), p.allocs.Load(), uint64(p.n)
	recent, passed := float64(allocs-st.allocs), float64(hand-st.hand)
	if !st.valid || hand >= st.next || st.next-hand > n {
		if !st.valid {
			recent, passed = 0, 0
			st.smoothed, st.density = 0, 10
		}
		st.valid, st.next = true, hand // the hand has overtaken the cleaning
	}
	st.hand, st.allocs = hand, allocs
	if passed > 0 && recent > 0 {
		st.density += (passed/recent - st.density) / smoothing
	}
	// The estimate follows a rise at once and a fall slowly.
	if st.smoothed <= recent {
		st.smoothed = recent
	} else {
		st.smoothed += (recent - st.smoothed) / smoothing
	}
	reusable := int(float64(st.next-hand) / max(st.density, 1)) // those cleaned already
	need := int(st.smoothed * multiplier)
	if need == 0 {
		st.smoothed = 0
	}
	need = max(need, reusable+int(float64(n)/(float64(wholePool)/float64(max(delay, time.Millisecond)))))
	found, from := 0, st.next
	for left := hand + n - st.next; left > 0 && reusable+found < need; left-- {
		id := int32(st.next % n)
		st.next++
		s := p.descs[id].state.Load()
		if s&(pinMask|usageMask) != 0 {
			continue
		}
		found++
		if s&flagDirty == 0 {
			continue
		}
		t := p.descs[id].tag()
		wrote, err := p.flushBuffer(slot, id, func(s uint64, u tag) bool { return s&usageMask == 0 && u == t })
		if err == nil && wrote {
			err = st.Writeback.add(slot, t, 1)
		}
		if err != nil {
			return written, false, err
		}
		if !wrote {
			continue
		}
		p.counters.CleanWrites.Add(1)
		if written++; written >= maxPages {
			p.counters.MaxClean.Add(1)
			break
		}
	}
	if found > 0 { // what the hand will find tells of the density as what it has found
		st.density += (float64(st.next-from)/float64(found) - st.density) / smoothing
	}
	return written, st.next == hand+n && recent == 0, nil
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
