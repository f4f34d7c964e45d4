package sequence_test

import (
	"math"
	"testing"

	"gompho/internal/pgerr"
	"gompho/internal/tests/storetest"
	"gompho/storage/heap"
	"gompho/storage/sequence"
)

func newSequence(t testing.TB, s *storetest.Store, st sequence.State) sequence.Rel {
	r := sequence.Rel{Pool: s.Pool, File: s.NewFile(), Name: "s", Logged: true}
	tx := s.Begin()
	storetest.Check(t, heap.CreateStorage(tx, s.Env, r.File, true, false))
	storetest.Check(t, sequence.Create(tx, r, st))
	storetest.Commit(t, tx)
	return r
}

func TestNext(t *testing.T) {
	s := storetest.New(t, 1, 64)
	type step struct {
		first, last int64
		fails       bool
	}
	for name, c := range map[string]struct {
		d     sequence.Def
		steps []step
		st    sequence.State
	}{
		"plain":   {sequence.Def{Start: 1, Increment: 1, Min: 1, Max: math.MaxInt64, Cache: 1}, []step{{1, 1, false}, {2, 2, false}, {3, 3, false}}, sequence.State{LastValue: 3, LogCnt: 30, IsCalled: true}},
		"cache":   {sequence.Def{Start: 1, Increment: 2, Min: 1, Max: 20, Cache: 4}, []step{{1, 7, false}, {9, 15, false}, {17, 19, false}, {0, 0, true}}, sequence.State{LastValue: 19, LogCnt: 0, IsCalled: true}},
		"down":    {sequence.Def{Start: -1, Increment: -1, Min: -3, Max: -1, Cache: 1, Cycle: true}, []step{{-1, -1, false}, {-2, -2, false}, {-3, -3, false}, {-1, -1, false}}, sequence.State{LastValue: -1, LogCnt: 2, IsCalled: true}},
		"at edge": {sequence.Def{Start: math.MaxInt64, Increment: 1, Min: 1, Max: math.MaxInt64, Cache: 1}, []step{{math.MaxInt64, math.MaxInt64, false}, {0, 0, true}}, sequence.State{LastValue: math.MaxInt64, LogCnt: 0, IsCalled: true}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newSequence(t, s, sequence.State{LastValue: c.d.Start})
			tx := s.Begin()
			for i, st := range c.steps {
				first, last, err := sequence.Next(tx, r, c.d)
				if st.fails != pgerr.Is(err, pgerr.SequenceGeneratorLimitExceeded) || first != st.first || last != st.last {
					t.Fatalf("step %d: %d..%d %v", i, first, last, err)
				}
			}
			tx.Abort()
			got, err := sequence.Read(tx, r)
			storetest.Check(t, err)
			if got != c.st {
				t.Fatalf("state %+v, want %+v", got, c.st)
			}
			tx.Close()
		})
	}
}

// TestCrash takes values, some committed, and crashes: no committed value may come again.
func TestCrash(t *testing.T) {
	s := storetest.New(t, 7, 64)
	r := newSequence(t, s, sequence.State{LastValue: 1})
	d := sequence.Def{Start: 1, Increment: 1, Min: 1, Max: math.MaxInt64, Cache: 1}
	top := int64(0)
	for round := range 10 {
		for i := range 40 {
			if i == 20 && round%2 == 0 {
				s.Checkpoint()
			}
			tx := s.Begin()
			v, _, err := sequence.Next(tx, r, d)
			storetest.Check(t, err)
			if v <= top {
				t.Fatalf("round %d: value %d again", round, v)
			}
			storetest.Commit(t, tx)
			top = v
		}
		s.Crash()
		r.Pool = s.Pool
	}
	if top > 400+33*10 {
		t.Fatalf("skipped too many: %d", top)
	}
}

func TestSet(t *testing.T) {
	s := storetest.New(t, 7, 64)
	r := newSequence(t, s, sequence.State{LastValue: 1})
	d := sequence.Def{Start: 1, Increment: 1, Min: 1, Max: math.MaxInt64, Cache: 1}
	tx := s.Begin()
	storetest.Check(t, sequence.Set(tx, r, 42, false))
	if v, _, err := sequence.Next(tx, r, d); err != nil || v != 42 {
		t.Fatal(v, err)
	}
	storetest.Check(t, sequence.Set(tx, r, 42, true))
	if v, _, err := sequence.Next(tx, r, d); err != nil || v != 43 {
		t.Fatal(v, err)
	}
	storetest.Commit(t, tx)
}
