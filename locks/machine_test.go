package locks

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"gompho/internal/pgerr"
	"gompho/stats"
)

// TestMachine lets a few owners do random things one after the other and compares with a model after each: what the table shows is what the model
// says, nobody waits without a reason, nobody overtakes who may not, and no deadlock outlives deadlock_timeout. Time is virtual, so
// that it is known when all that can happen has happened.
func TestMachine(t *testing.T) {
	outcomes := map[string]int{}
	defer func() { t.Log(outcomes) }()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "tables") // small tables fill, large ones do not
		steps := rapid.SliceOfN(rapid.Uint64(), 200, 300).Draw(rt, "steps")
		var failure string
		synctest.Test(t, func(t *testing.T) {
			m := newMachine(seed)
			m.outcomes = outcomes
			for _, s := range steps {
				if failure = m.step(s); failure != "" {
					break
				}
			}
			if end := m.finish(); failure == "" {
				failure = end
			}
		})
		if failure != "" {
			rt.Fatal(failure)
		}
	})
}

// acquisition is one count of a lock in the model.
type acquisition struct {
	tag     Tag
	mode    Mode
	level   int // subtransaction
	session bool
}

type machinePlayer struct {
	o       *Owner
	slot    *stats.Slot
	timeout time.Duration
	todo    chan func() error
	done    chan error
	marks   []Mark
	holds   []acquisition
	// While it waits:
	waiting bool
	want    acquisition
	since   int  // number of the step in which it began
	jumps   bool // it held what a waiter needed, and so may go before it
}

func (p *machinePlayer) modes(tag Tag) (out Mask) {
	for _, a := range p.holds {
		if a.tag == tag {
			out |= a.mode.Bit()
		}
	}
	return out
}

type machine struct {
	m       *Manager
	players []*machinePlayer
	tags    []Tag
	n       int
	log     []string

	queues   map[Tag][]*machinePlayer // as they were after the last step
	outcomes map[string]int
}

func newMachine(seed uint64) *machine {
	size := []int{2, 4, 64}[seed%3]
	x := &machine{m: New(Options{MaxLocksPerTransaction: size, MaxOwners: 3}), queues: map[Tag][]*machinePlayer{}}
	x.tags = []Tag{RelationTag(1, 1), RelationTag(1, 2), AdvisoryKey(1, 7), TransactionTag(77), RelationTag(1, 3)}
	for i := range 6 {
		p := &machinePlayer{slot: stats.NewSlot(int32(i+1), int32(i)), todo: make(chan func() error), done: make(chan error, 1)}
		p.o = x.m.NewOwner(p.slot, OwnerOptions{LockTimeout: func() time.Duration { return p.timeout }})
		go func() {
			for f := range p.todo {
				p.done <- f()
			}
		}()
		x.players = append(x.players, p)
	}
	return x
}

// step takes one step, which the bits of s describe, and returns what is wrong afterwards.
func (x *machine) step(s uint64) string {
	x.n++
	// Drawn numbers tend to be small; mixed they give every step the same chance.
	s = (s ^ s>>31 ^ 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9
	s = (s ^ s>>29) * 0x94d049bb133111eb
	s ^= s >> 32
	pick := func(n uint64) int { v := s % n; s /= n; return int(v) }
	p := x.players[pick(uint64(len(x.players)))]
	what := pick(16)
	if p.waiting && what < 13 {
		what = 15
	}
	var wrong string
	advanced := false
	switch {
	case what < 8:
		wrong = x.acquire(p, acquisition{x.tags[pick(uint64(len(x.tags)))], Mode(1 + pick(8)), len(p.marks), pick(8) == 0}, pick(5) == 0)
	case what == 8:
		wrong = x.release(p, pick(1024))
	case what == 9:
		p.marks = append(p.marks, p.o.Mark())
	case what == 10:
		x.endMark(p, pick(2) == 0)
	case what == 11:
		x.drop(p, func(a acquisition) bool { return !a.session })
		p.o.ReleaseTransaction()
		p.marks = nil
	case what == 12:
		x.drop(p, func(a acquisition) bool { return a.session })
		p.o.ReleaseAllSession()
	case what == 13 && p.waiting:
		p.slot.Interrupt(stats.CancelQuery)
	case what == 13:
		p.timeout = time.Duration(pick(3)) * 400 * time.Millisecond
	default:
		advanced = true
		wrong = x.advance(time.Duration(pick(4)) * 500 * time.Millisecond)
	}
	if wrong == "" {
		wrong = x.settle(advanced)
	}
	if wrong == "" {
		wrong = x.order(advanced)
	}
	if wrong == "" {
		wrong = x.compare()
	}
	if wrong != "" {
		return fmt.Sprintf("%s\n%v\n%v", wrong, x.log, x.m.Snapshot())
	}
	return ""
}

func (x *machine) note(p *machinePlayer, format string, args ...any) {
	x.log = append(x.log, fmt.Sprintf("\n%d: %d ", x.n, p.slot.PID)+fmt.Sprintf(format, args...))
}

func (x *machine) count(err error) {
	if err == nil {
		x.outcomes["granted"]++
	} else {
		x.outcomes[string(pgerr.From(err).Code)]++
	}
}

func (x *machine) acquire(p *machinePlayer, a acquisition, nowait bool) string {
	x.note(p, "wants %s on %s session %v nowait %v level %d", a.mode, a.tag, a.session, nowait, a.level)
	p.want, p.since = a, x.n
	p.jumps = slices.ContainsFunc(x.players, func(w *machinePlayer) bool {
		return w.waiting && w.want.tag == a.tag && conflictTable[w.want.mode]&p.modes(a.tag) != 0
	})
	p.waiting = true
	p.todo <- func() error { return p.o.Acquire(a.tag, a.mode, Opts{Session: a.session, NoWait: nowait}) }
	return ""
}

// release gives back one of what p holds, or tries to release what it does not hold.
func (x *machine) release(p *machinePlayer, n int) string {
	a := acquisition{tag: x.tags[n%len(x.tags)], mode: Mode(1 + n%8), session: n%2 == 0}
	if len(p.holds) > 0 && n%7 != 0 {
		a = p.holds[n%len(p.holds)]
	}
	held := false
	for i := len(p.holds) - 1; i >= 0; i-- { // the newest of that scope
		if h := p.holds[i]; h.tag == a.tag && h.mode == a.mode && h.session == a.session {
			p.holds = slices.Delete(p.holds, i, i+1)
			held = true
			break
		}
	}
	x.note(p, "releases %s on %s session %v", a.mode, a.tag, a.session)
	if got := p.o.Release(a.tag, a.mode, a.session); got != held {
		return fmt.Sprintf("Release says %v, the model %v", got, held)
	}
	return ""
}

func (x *machine) endMark(p *machinePlayer, commit bool) {
	n := len(p.marks) - 1
	if n < 0 {
		return
	}
	x.note(p, "ends level %d, commit %v", n+1, commit)
	m := p.marks[n]
	p.marks = p.marks[:n]
	if commit {
		p.o.MergeMark(m)
		for i := range p.holds {
			p.holds[i].level = min(p.holds[i].level, n)
		}
		return
	}
	x.drop(p, func(a acquisition) bool { return !a.session && a.level > n })
	p.o.ReleaseToMark(m)
}

func (x *machine) drop(p *machinePlayer, which func(acquisition) bool) {
	p.holds = slices.DeleteFunc(p.holds, which)
}

// advance lets time pass: timers fire, deadlocks are found.
func (x *machine) advance(d time.Duration) string {
	before := x.waitsFor()
	x.log = append(x.log, fmt.Sprintf("\n%d: %s pass", x.n, d))
	time.Sleep(d)
	synctest.Wait()
	for _, p := range x.players {
		select {
		case err := <-p.done:
			if pgerr.Is(err, pgerr.TRDeadlockDetected) && !reaches(before, p, p) {
				return fmt.Sprintf("%d is told of a deadlock that it is no part of", p.slot.PID)
			}
			p.done <- err
		default:
		}
	}
	if now := x.waitsFor(); d > time.Second {
		for _, p := range x.players {
			if len(p.done) == 0 && reaches(now, p, p) {
				return fmt.Sprintf("%d is in a deadlock that nobody has found", p.slot.PID)
			}
		}
	}
	return ""
}

// waitsFor tells whom each player waits for, by the model and, as for the order of queues, by the table.
func (x *machine) waitsFor() map[*machinePlayer][]*machinePlayer {
	out := map[*machinePlayer][]*machinePlayer{}
	for _, p := range x.players {
		for _, pid := range x.m.BlockingPIDs(p.slot.PID) {
			out[p] = append(out[p], x.players[pid-1])
		}
	}
	return out
}

func reaches(edges map[*machinePlayer][]*machinePlayer, from, to *machinePlayer) bool {
	seen := map[*machinePlayer]bool{}
	var visit func(*machinePlayer) bool
	visit = func(p *machinePlayer) bool {
		for _, q := range edges[p] {
			if q == to {
				return true
			}
			if !seen[q] {
				seen[q] = true
				if visit(q) {
					return true
				}
			}
		}
		return false
	}
	return visit(from)
}

// settle waits until nobody can go on and takes the answers into the model.
func (x *machine) settle(advanced bool) string {
	synctest.Wait()
	for _, p := range x.players {
		select {
		case err := <-p.done:
			p.waiting = false
			x.note(p, "gets %v", err)
			x.count(err)
			if err == nil {
				p.holds = append(p.holds, p.want)
				if !advanced {
					if wrong := x.overtaken(p); wrong != "" {
						return wrong
					}
				}
				continue
			}
			if wrong := x.refused(p, err, advanced); wrong != "" {
				return wrong
			}
		default:
		}
	}
	return ""
}

// overtaken looks for waiters that p, which has just been granted its lock, had to stay behind.
func (x *machine) overtaken(p *machinePlayer) string {
	covered := slices.ContainsFunc(p.holds[:len(p.holds)-1], func(a acquisition) bool { return a.tag == p.want.tag && a.mode == p.want.mode })
	for _, w := range x.queues[p.want.tag] {
		if w == p {
			break
		}
		now := x.queue(p.want.tag)
		if slices.Contains(now, w) && !covered && (!p.jumps || p.since < x.n) && Conflicts(w.want.mode, p.want.mode) {
			return fmt.Sprintf("%d overtakes %d", p.slot.PID, w.slot.PID)
		}
	}
	return ""
}

// queue returns who waits for tag, in order.
func (x *machine) queue(tag Tag) (out []*machinePlayer) {
	p := x.m.part(tag.hash())
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.find(tag, tag.hash()); l != nil {
		for o := l.head; o != nil; o = o.qnext {
			out = append(out, x.players[o.pid-1])
		}
	}
	return out
}

// order looks that queues only change as they may: whoever comes goes to the end, unless it may jump; only a deadlock that would be changes more.
func (x *machine) order(advanced bool) string {
	for _, tag := range x.tags {
		now := x.queue(tag)
		was := slices.DeleteFunc(slices.Clone(x.queues[tag]), func(p *machinePlayer) bool { return !slices.Contains(now, p) })
		for _, p := range now {
			if !slices.Contains(was, p) && !p.jumps {
				was = append(was, p)
			}
		}
		rest := slices.DeleteFunc(slices.Clone(now), func(p *machinePlayer) bool { return !slices.Contains(was, p) })
		if !advanced && !slices.Equal(rest, was) {
			return fmt.Sprintf("the queue for %s has changed its order", tag)
		}
		x.queues[tag] = now
	}
	return ""
}

// refused judges an error.
func (x *machine) refused(p *machinePlayer, err error, advanced bool) string {
	switch {
	case pgerr.Is(err, pgerr.QueryCanceled):
		return ""
	case pgerr.Is(err, pgerr.OutOfMemory):
		if x.m.nLocks.Load() < x.m.maxLocks && x.m.nHolders.Load() < x.m.maxHolders && len(x.tags) < int(x.m.maxLocks) {
			return "out of memory with room left"
		}
		return ""
	case pgerr.Is(err, pgerr.LockNotAvailable): // NOWAIT, or after a time
		if !advanced && !x.conflicts(p) {
			return fmt.Sprintf("%d is refused what it could have", p.slot.PID)
		}
		return ""
	case pgerr.Is(err, pgerr.TRDeadlockDetected):
		if advanced || p.jumps {
			return ""
		}
	}
	return fmt.Sprintf("%d gets %v", p.slot.PID, err)
}

// conflicts reports whether p's request conflicts with a holder or a waiter.
func (x *machine) conflicts(p *machinePlayer) bool {
	return slices.ContainsFunc(x.players, func(o *machinePlayer) bool {
		return o != p && (conflictTable[p.want.mode]&o.modes(p.want.tag) != 0 || o.waiting && o.want.tag == p.want.tag && Conflicts(o.want.mode, p.want.mode))
	})
}

// compare compares the table with the model, and looks that no conflicting locks are held and nobody waits in vain.
func (x *machine) compare() string {
	shown := map[int32]map[Tag]Mask{}
	for _, r := range x.m.Snapshot() {
		if shown[r.PID] == nil {
			shown[r.PID] = map[Tag]Mask{}
		}
		if r.Granted {
			shown[r.PID][r.Tag] |= r.Mode.Bit()
		} else if p := x.players[r.PID-1]; !p.waiting || p.want.tag != r.Tag || p.want.mode != r.Mode {
			return fmt.Sprintf("%d is shown to wait for %s", r.PID, r.Tag)
		}
	}
	for i, p := range x.players {
		for _, tag := range x.tags {
			if got, want := shown[p.slot.PID][tag], p.modes(tag); got != want {
				return fmt.Sprintf("%d: %s is shown with modes %b, the model has %b", p.slot.PID, tag, got, want)
			}
			for _, other := range x.players[:i] {
				for m := AccessShare; m < numModes; m++ {
					if p.modes(tag).Has(m) && conflictTable[m]&other.modes(tag) != 0 {
						return fmt.Sprintf("%d holds %s on %s, %d modes %b", p.slot.PID, m, tag, other.slot.PID, other.modes(tag))
					}
				}
			}
		}
		if p.waiting && (!x.conflicts(p) || len(x.m.BlockingPIDs(p.slot.PID)) == 0) {
			return fmt.Sprintf("%d waits for %s on %s for nobody", p.slot.PID, p.want.mode, p.want.tag)
		}
	}
	// A queue whose waiters all wait for one another has been forgotten: somebody in it waits for a holder.
	for _, tag := range x.tags {
		waiters, behind := 0, 0
		for _, p := range x.players {
			if p.waiting && p.want.tag == tag {
				waiters++
				if !slices.ContainsFunc(x.players, func(o *machinePlayer) bool { return o != p && conflictTable[p.want.mode]&o.modes(tag) != 0 }) {
					behind++
				}
			}
		}
		if waiters > 0 && waiters == behind {
			return fmt.Sprintf("nobody who waits for %s waits for a holder", tag)
		}
	}
	return ""
}

// finish ends everything.
func (x *machine) finish() string {
	for _, p := range x.players {
		if p.waiting && len(p.done) == 0 {
			p.slot.Interrupt(stats.CancelQuery)
		}
		synctest.Wait()
		if p.waiting {
			<-p.done
		}
		close(p.todo)
	}
	for _, p := range x.players {
		p.o.Close()
	}
	if rows := x.m.Snapshot(); len(rows) > 0 {
		return fmt.Sprintf("left behind: %+v", rows)
	}
	if l, h := x.m.nLocks.Load(), x.m.nHolders.Load(); l != 0 || h != 0 {
		return fmt.Sprintf("%d locks and %d holders are left in the table", l, h)
	}
	for i := range x.m.strong {
		if n := x.m.strong[i].Load(); n != 0 {
			return fmt.Sprintf("strong counter %d is %d", i, n)
		}
	}
	return ""
}
