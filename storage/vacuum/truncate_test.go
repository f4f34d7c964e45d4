package vacuum_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/tests/storetest"
	"gompho/storage/heap"
	"gompho/storage/vacuum"
	"gompho/types"
)

// filled makes a table of so many pages, all of whose rows are deleted.
func filled(t *testing.T, s *storetest.Store, pages int) *heap.Rel {
	r := s.Table(storetest.Desc("int4", "text"))
	tx := s.Begin()
	bulk := heap.NewBulkInsert()
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 1500) // not to be compressed
	for i := range noise {
		noise[i] = byte(33 + rng.IntN(90))
	}
	pad := types.String(string(noise))
	var tids []ids.TID
	for i := range 5 * pages {
		tid, err := heap.Insert(tx, r, []types.Datum{types.Int(int64(i)), pad}, tx.CommandID(true), heap.InsertOpts{Bulk: bulk})
		storetest.Check(t, err)
		tids = append(tids, tid)
	}
	bulk.Release()
	storetest.Commit(t, tx)
	tx = s.Begin()
	for _, tid := range tids {
		_, _, err := heap.Delete(tx, r, tid, tx.CommandID(true), heap.ModifyOpts{})
		storetest.Check(t, err)
	}
	storetest.Commit(t, tx)
	return r
}

// TestTruncateSuspends: whoever waits for the table is let in while empty pages are cut off it, and then it goes on.
func TestTruncateSuspends(t *testing.T) {
	s := storetest.New(t, 1, 500)
	r := filled(t, s, 200)
	n, err := r.Blocks()
	storetest.Check(t, err)
	if n < 150 {
		t.Fatalf("%d pages", n)
	}
	asked, locked, unlocked := 0, 0, 0
	var said []string
	tx := s.Begin()
	st, err := vacuum.Heap(tx, r, nil, vacuum.Params{
		LockForTruncate: func() (func(), bool) {
			if locked++; locked == 2 {
				return nil, false // he who was let in has it now
			}
			return func() { unlocked++ }, true
		},
		Awaited: func() bool { asked++; return asked == 3 },
		Say:     func(line string) { said = append(said, line) },
	})
	storetest.Check(t, err)
	storetest.Commit(t, tx)
	left, err := r.Blocks()
	storetest.Check(t, err)
	if left != 0 || st.RemovedPages != n || st.NewRelPages != 0 || locked != 3 || unlocked != 2 {
		t.Errorf("%d of %d pages left, %d removed; locked %d times, unlocked %d times", left, n, st.RemovedPages, locked, unlocked)
	}
	if !slices.Contains(said, fmt.Sprintf("table %q: suspending truncate due to conflicting lock request", r.Name)) || len(said) != 3 {
		t.Errorf("said %q", said)
	}
}
