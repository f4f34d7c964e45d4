package locks

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
)

// Many sessions take random locks in random order, with timeouts, cancels, deadlocks, subtransactions and
// session locks. Whoever holds a lock checks against the modes that others hold; at the end nothing is left.
func TestStress(t *testing.T) {
	defer goleak.VerifyNone(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const sessions, rounds, things = 12, 300, 5
	m := New(Options{MaxLocksPerTransaction: 3, MaxOwners: 40})
	held := make([]ledger, things)
	slots := make([]*stats.Slot, sessions)
	for i := range slots {
		slots[i] = stats.NewSlot(int32(i+1), int32(i))
	}
	var wg sync.WaitGroup
	for i := range sessions {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s := stressor{t: t, r: rand.New(rand.NewPCG(seed, uint64(i))), held: held, slots: slots, m: m}
			s.o = m.NewOwner(slots[i], OwnerOptions{
				DeadlockTimeout: func() time.Duration { return time.Millisecond },
				LockTimeout:     func() time.Duration { return time.Duration(s.r.IntN(20)) * time.Millisecond },
			})
			for n := range rounds {
				s.o.SetVxid(ids.VirtualXid{Proc: int32(i), Local: uint64(n + 1)})
				s.transaction()
				s.o.ClearVxid()
			}
			s.o.Close()
		}()
	}
	wg.Wait()
	checkEmpty(t, m)
}

// ledger is an independent record of who holds what.
type ledger struct {
	mu sync.Mutex
	n  [numModes]int
}

func (l *ledger) add(t *testing.T, mode Mode, own Mask) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for other := AccessShare; other < numModes; other++ {
		n := l.n[other]
		if own.Has(other) {
			n--
		}
		if Conflicts(mode, other) && n > 0 {
			t.Errorf("%s granted while %s is held by %d others", mode, other, n)
		}
	}
	l.n[mode]++
}

func (l *ledger) remove(modes Mask) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for m := AccessShare; m < numModes; m++ {
		if modes.Has(m) {
			l.n[m]--
		}
	}
}

type stressor struct {
	t     *testing.T
	r     *rand.Rand
	m     *Manager
	o     *Owner
	held  []ledger
	slots []*stats.Slot
	mine  [8]Mask
}

func (s *stressor) transaction() {
	marks := []Mark{}
	for range 1 + s.r.IntN(6) {
		switch s.r.IntN(12) {
		case 0:
			s.slots[s.r.IntN(len(s.slots))].Interrupt(stats.CancelQuery)
		case 1:
			s.m.BlockingPIDs(int32(s.r.IntN(len(s.slots)) + 1))
			s.m.Snapshot()
		case 2:
			marks = append(marks, s.o.Mark())
		case 3:
			if n := len(marks); n > 0 {
				s.o.MergeMark(marks[n-1])
				marks = marks[:n-1]
			}
		default:
			if !s.lock() {
				goto end
			}
		}
	}
end:
	// The ledger is cleared before the locks are: what it shows is always held.
	for i := range s.mine {
		if s.mine[i] != 0 {
			s.held[i].remove(s.mine[i])
			s.mine[i] = 0
		}
	}
	s.o.ReleaseTransaction()
	s.slots[0].Clear(0)
}

func (s *stressor) lock() bool {
	i := s.r.IntN(len(s.held))
	tag := RelationTag(1, ids.Oid(i+1))
	if i == 0 {
		tag = TransactionTag(77)
	}
	mode := Mode(1 + s.r.IntN(int(numModes)-1))
	var err error
	if s.r.IntN(8) == 0 {
		var ok bool
		if ok, err = s.o.TryAcquire(tag, mode, false); err == nil && !ok {
			return true
		}
	} else {
		err = s.o.Acquire(tag, mode, Opts{})
	}
	if err != nil {
		for _, c := range []pgerr.Code{pgerr.TRDeadlockDetected, pgerr.LockNotAvailable, pgerr.QueryCanceled} {
			if pgerr.Is(err, c) {
				return false
			}
		}
		s.t.Errorf("unexpected: %v", err)
		return false
	}
	if !s.mine[i].Has(mode) {
		s.held[i].add(s.t, mode, s.mine[i])
		s.mine[i] |= mode.Bit()
	}
	return true
}
