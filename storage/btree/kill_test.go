package btree_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/tests/storetest"
	"gompho/storage/btree"
	"gompho/types"
)

// killUpTo scans from the beginning and kills the first n entries it sees.
func killUpTo(t *testing.T, s *storetest.Store, ix *btree.Index, n int) {
	t.Helper()
	tx := s.Begin()
	sc := ix.BeginScan(tx, btree.ScanOpts{})
	storetest.Check(t, sc.Rescan(nil))
	buf := make([]ids.TID, 7)
	for n > 0 {
		k, err := sc.Next(buf[:min(n, len(buf))], nil)
		storetest.Check(t, err)
		if k == 0 {
			break
		}
		for i := range k {
			sc.Kill(i)
		}
		n -= k
	}
	sc.Close()
	storetest.Commit(t, tx)
}

// TestKilledEntries lets scans kill entries at the beginning of the index, as the consumers of a queue do, while others come in anywhere. Scans in
// both directions must see those that are not killed, and no killed one.
func TestKilledEntries(t *testing.T) {
	const seed = 7
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, seed))
	s := storetest.New(t, 1, 256)
	r := s.Table(storetest.Desc("int4"))
	ix := newIndex(t, s, r, false, "int4")
	create(t, s, ix)
	var live []int // keys, sorted; the tid of key k is tidOf(k)
	insert := func(keys ...int) {
		tx := s.Begin()
		for _, k := range keys {
			at, there := slices.BinarySearch(live, k)
			if there {
				continue
			}
			_, err := ix.Insert(tx, []types.Datum{types.Int(int64(k))}, tidOf(k), btree.UniqueNo)
			storetest.Check(t, err)
			live = slices.Insert(live, at, k)
		}
		storetest.Commit(t, tx)
	}
	for k := range 3000 {
		insert(100_000 + k)
	}
	for round := range 200 {
		n := rnd.IntN(60)
		if round%50 == 49 {
			n = 700
		}
		killUpTo(t, s, ix, n)
		live = live[min(n, len(live)):]
		switch rnd.IntN(4) {
		case 0: // before all others, among the dead
			insert(99_999-round*3, 99_998-round*3)
		case 1: // anywhere
			insert(100_000+rnd.IntN(5000), 100_000+rnd.IntN(5000))
		case 2:
			insert(200_000 + round)
		}
		want := make([]ids.TID, len(live))
		for i, k := range live {
			want[i] = tidOf(k)
		}
		tx := s.Begin()
		got := scanAll(t, tx, ix, false)
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: forward %d entries, want %d", round, len(got), len(want))
		}
		got = scanAll(t, tx, ix, true)
		slices.Reverse(got)
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: backward %d entries, want %d", round, len(got), len(want))
		}
		storetest.Commit(t, tx)
	}
}
