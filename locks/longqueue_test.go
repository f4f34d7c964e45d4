package locks

import (
	"slices"
	"testing"
	"testing/synctest"

	"gompho/internal/ids"
	"gompho/stats"
)

// TestLongQueue: many wait for one thing, as for a row. They get it in the order in which they came, and what is looked at for that, and in the
// search for a deadlock, grows with their number and not with its square.
func TestLongQueue(t *testing.T) {
	few, fewSteps := longQueue(t, 100)
	many, manySteps := longQueue(t, 1000)
	t.Logf("waiters looked at: %d for 100, %d for 1000; edges of the search: %d and %d", few, many, fewSteps, manySteps)
	if many > 12*few || manySteps > 12*fewSteps {
		t.Error("the cost of a queue grows faster than the queue")
	}
}

func longQueue(t *testing.T, n int) (looks int64, steps int) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{MaxLocksPerTransaction: 4, MaxOwners: n + 1})
		row := TupleTag(1, 2, ids.TID{Block: 3, Offset: 4})
		holder := m.NewOwner(nil, OwnerOptions{})
		if err := holder.Acquire(row, AccessExclusive, Opts{}); err != nil {
			t.Fatal(err)
		}
		got := make(chan int, n)
		for i := range n {
			o := m.NewOwner(stats.NewSlot(int32(i+1), int32(i)), OwnerOptions{})
			go func() {
				if err := o.Acquire(row, Exclusive, Opts{}); err != nil {
					t.Error(err)
				}
				got <- i
				o.Close()
			}()
			synctest.Wait()
		}
		m.lockAll()
		b := buildGraph(m.owners[n])
		s := &searcher{g: &b.g, visited: make([]bool, len(b.g.procs))}
		if s.hopeless() || len(b.owners) != n+1 {
			t.Errorf("the search reaches %d of %d, deadlock %v", len(b.owners), n+1, s.cycle)
		}
		steps = s.steps
		m.unlockAll()
		before := m.looks.Load()
		holder.Close()
		synctest.Wait()
		looks = m.looks.Load() - before
		var order []int
		for range n {
			order = append(order, <-got)
		}
		if !slices.IsSorted(order) {
			t.Errorf("granted in the order %v", order)
		}
		checkEmpty(t, m)
	})
	return looks, steps
}
