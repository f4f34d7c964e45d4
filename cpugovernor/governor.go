package cpugovernor

import (
	"math"
	"runtime"
	"time"

	"gompho/stats"
)

// Options are what the governor looks at and turns.
type Options struct {
	Processes func(dst []*stats.Slot) []*stats.Slot // appends all processes of the server
	Share     func() int                            // what long statements keep at least, in percent of the processors; 100: they are not paused
	// Extra lets Go run that many goroutines more at a time than it did when the governor was started; nil: it runs as many as ever.
	Extra func(n int)
}

const (
	turn   = 5 * time.Millisecond  // between looks while long statements are limited
	watch  = 10 * time.Millisecond // while statements run
	rest   = 500 * time.Millisecond
	linger = time.Second // after the last short statement
	filled = 5000.0      // short statements in a second that are taken to fill a processor, with their clients on the same machine
	worked = 500         // checks for interrupts that a long statement has made
)

// sight is what is seen of a process.
type sight struct {
	slot    *stats.Slot
	serial  uint64 // of its statement
	checks  uint64 // for interrupts, so far
	running bool
	waiting bool // for anything but its turn
	rests   bool // has to give way until the next look
}

// past is what a process did at the look before.
type past struct {
	slot   *stats.Slot
	serial uint64
	checks uint64 // when its statement was first seen
	long   bool   // its statement is long
	proved bool   // by what it has done
}

// governor keeps what it saw last.
type governor struct {
	slots   []*stats.Slot
	past    []past // by the slot's index
	seen    []sight
	long    []int         // indexes in seen
	running bool          // anything but the governor
	calm    time.Duration // since a statement was seen to have begun
	rate    float64       // of statements that begin, each second
	credit  float64       // processors that long statements may have until the next look
	cursor  int32         // the index of the slot whose turn it was last
	extra   int           // what Options.Extra was told last
}

// Run governs until the slot is interrupted.
func Run(slot *stats.Slot, o Options) error {
	all := runtime.GOMAXPROCS(0)
	g := &governor{calm: linger}
	defer g.end(o)
	t := time.NewTimer(rest)
	defer t.Stop()
	defer slot.EndWait(slot.BeginWait(stats.ActivityGovernorMain))
	for last := time.Now(); ; {
		select {
		case <-slot.Wake():
			if slot.CheckInterrupts() != nil {
				return nil
			}
		case now := <-t.C:
			clear(g.slots)
			g.slots = o.Processes(g.slots[:0])
			g.look(slot)
			g.judge(now.Sub(last))
			limit, contended := g.limit(all, o.Share(), o.Extra)
			g.turns(limit)
			t.Reset(g.act(contended))
			last = now
		}
	}
}

// look sees what the processes do.
func (g *governor) look(own *stats.Slot) {
	g.seen = g.seen[:0]
	for _, s := range g.slots {
		if s == own {
			continue
		}
		serial, running := s.Activity.Running()
		ev := s.Waiting()
		g.seen = append(g.seen, sight{slot: s, serial: serial, checks: s.Checks(), running: running, waiting: ev != 0 && ev != stats.TimeoutGiveWay})
	}
}

// judge tells long statements from short ones; elapsed is the time since the look before. What a statement has done shows that it is long, not since when
// it runs: with much to do on a machine short ones take long, too.
func (g *governor) judge(elapsed time.Duration) {
	g.long = g.long[:0]
	g.running = false
	began := uint64(0)
	for i := range g.seen {
		s := &g.seen[i]
		n := int(s.slot.Index)
		for len(g.past) <= n {
			g.past = append(g.past, past{})
		}
		now := &g.past[n]
		if now.slot != s.slot {
			*now = past{slot: s.slot, serial: s.serial, checks: s.checks}
			if s.slot.Leader == 0 {
				began += s.serial // a new session
			}
		}
		if now.serial != s.serial {
			began += s.serial - now.serial
			next := now.proved && s.serial == now.serial+1 // after a long one: taken for long until it is seen to be over at the next look
			*now = past{slot: s.slot, serial: s.serial, checks: s.checks, long: next}
		}
		if s.running && s.checks-now.checks >= worked {
			now.long, now.proved = true, true
		}
		now.long = now.long || g.helps(s.slot)
		g.running = g.running || s.running
		if s.running && !s.waiting && now.long {
			g.long = append(g.long, i)
		}
	}
	g.calm += elapsed
	if began > 0 {
		g.calm = 0
	}
	g.rate += (float64(began)/max(elapsed, time.Millisecond).Seconds() - g.rate) / 4
}

// helps reports whether a slot is a parallel worker of a long statement.
func (g *governor) helps(worker *stats.Slot) bool {
	if worker.Leader == 0 {
		return false
	}
	for i := range g.seen {
		if s := g.seen[i].slot; s.PID == worker.Leader {
			return int(s.Index) < len(g.past) && g.past[s.Index].slot == s && g.past[s.Index].long
		}
	}
	return false
}

// limit returns how many processors long statements may have on average, of all, and whether others want some at all.
func (g *governor) limit(all, share int, extra func(int)) (limit float64, contended bool) {
	contended = share < 100 && len(g.long) > 0 && g.calm < linger
	n := 0
	if contended {
		n = max(1, all/4)
	}
	if extra != nil && n != g.extra {
		g.extra = n
		extra(n)
	}
	if !contended {
		return float64(len(g.long)), false
	}
	limit = float64(all) - g.rate/filled
	if extra == nil {
		limit = min(limit, float64(all)-1) // somebody must see what comes in
	}
	return max(limit, float64(all*share)/100), true
}

// turns marks the long statements that have to rest until the next look. What a limit has beside whole processors adds up.
func (g *governor) turns(limit float64) {
	g.credit = min(g.credit-math.Floor(g.credit)+limit, float64(len(g.long)))
	if n := int(g.credit); n < len(g.long) {
		for _, i := range g.long {
			g.seen[i].rests = true
		}
		g.choose(n)
	}
}

// choose lets n long statements run: those after the one whose turn came last, in the order of their slots.
func (g *governor) choose(n int) {
	first := 0
	for first < len(g.long) && g.seen[g.long[first]].slot.Index <= g.cursor {
		first++
	}
	for k := range n {
		s := &g.seen[g.long[(first+k)%len(g.long)]]
		s.rests = false
		g.cursor = s.slot.Index
	}
}

// act pauses and resumes, and returns when to look again.
func (g *governor) act(contended bool) time.Duration {
	for i := range g.seen {
		if s := &g.seen[i]; s.rests {
			s.slot.Pause(stats.GiveWay)
		} else {
			s.slot.Resume(stats.GiveWay)
		}
	}
	switch {
	case contended:
		return turn
	case g.running || g.calm == 0:
		return watch
	}
	return rest
}

// end lets everybody go on.
func (g *governor) end(o Options) {
	for _, s := range o.Processes(nil) {
		s.Resume(stats.GiveWay)
	}
	if g.extra != 0 {
		o.Extra(0)
	}
}
