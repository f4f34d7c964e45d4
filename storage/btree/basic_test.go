package btree_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/internal/tests/storetest"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// newIndex makes an index on the leading columns of r.
func newIndex(t testing.TB, s *storetest.Store, r *heap.Rel, unique bool, cols ...string) *btree.Index {
	t.Helper()
	ix := &btree.Index{Env: s.Env, File: s.NewFile(), Name: "t_idx", Heap: r, Desc: storetest.Desc(cols...), Unique: unique, Logged: true}
	ix.Oid = ix.File.Rel
	for _, a := range ix.Desc.Attrs {
		ix.Keys = append(ix.Keys, btree.Key{Order: btree.OrderOf(a.Type)})
	}
	btree.New(ix)
	tx := s.Begin()
	storetest.Check(t, heap.CreateStorage(tx, s.Env, ix.File, true, false))
	storetest.Commit(t, tx)
	return ix
}

func create(t testing.TB, s *storetest.Store, ix *btree.Index) {
	t.Helper()
	tx := s.Begin()
	storetest.Check(t, ix.CreateEmpty(tx))
	storetest.Commit(t, tx)
}

func scanAll(t testing.TB, tx *mvcc.Session, ix *btree.Index, backward bool, keys ...btree.ScanKey) (tids []ids.TID) {
	t.Helper()
	sc := ix.BeginScan(tx, btree.ScanOpts{Backward: backward})
	defer sc.Close()
	storetest.Check(t, sc.Rescan(keys))
	buf := make([]ids.TID, 10)
	for {
		n, err := sc.Next(buf, nil)
		storetest.Check(t, err)
		if n == 0 {
			return tids
		}
		tids = append(tids, buf[:n]...)
	}
}

func tidOf(i int) ids.TID {
	return ids.TID{Block: ids.BlockNumber(i / 100), Offset: ids.OffsetNumber(i%100 + 1)}
}

func TestInsertLookup(t *testing.T) {
	for _, order := range []string{"ascending", "descending", "random"} {
		t.Run(order, func(t *testing.T) {
			s := storetest.New(t, 1, 256)
			r := s.Table(storetest.Desc("int4"))
			ix := newIndex(t, s, r, false, "int4")
			create(t, s, ix)
			const n = 20000
			perm := make([]int, n)
			for i := range perm {
				perm[i] = i
				if order == "descending" {
					perm[i] = n - 1 - i
				}
			}
			if order == "random" {
				rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { perm[i], perm[j] = perm[j], perm[i] })
			}
			tx := s.Begin()
			for _, i := range perm {
				if _, err := ix.Insert(tx, []types.Datum{types.Int(int64(i))}, tidOf(i), btree.UniqueNo); err != nil {
					t.Fatal(err)
				}
			}
			tids := make([]ids.TID, 4)
			for i := range n {
				k, err := ix.Lookup(tx.Slot(), []types.Datum{types.Int(int64(i))}, tids)
				if err != nil || k != 1 || tids[0] != tidOf(i) {
					t.Fatalf("lookup %d: %d %v %v", i, k, tids[0], err)
				}
			}
			got := scanAll(t, tx, ix, false)
			if len(got) != n || got[0] != tidOf(0) || got[n-1] != tidOf(n-1) {
				t.Fatalf("%d entries", len(got))
			}
			back := scanAll(t, tx, ix, true)
			slices.Reverse(back)
			if !slices.Equal(got, back) {
				t.Fatal("backward scan differs")
			}
			got = scanAll(t, tx, ix, false, btree.ScanKey{Attr: 0, Strategy: btree.Greater, Value: types.Int(100)}, btree.ScanKey{Attr: 0, Strategy: btree.LessEqual, Value: types.Int(5000)})
			if len(got) != 4900 || got[0] != tidOf(101) || got[4899] != tidOf(5000) {
				t.Fatalf("range: %d", len(got))
			}
			storetest.Commit(t, tx)
		})
	}
}

func TestDuplicatesAndText(t *testing.T) {
	s := storetest.New(t, 1, 256)
	r := s.Table(storetest.Desc("text", "int4"))
	ix := newIndex(t, s, r, false, "text", "int4")
	create(t, s, ix)
	tx := s.Begin()
	const n = 20000
	perm := rand.New(rand.NewPCG(1, 2)).Perm(n)
	for _, i := range perm {
		v := []types.Datum{types.String(fmt.Sprintf("key %03d", i%7)), types.Int(int64(i % 11))}
		if i%5 == 0 {
			v[0] = types.Null
		}
		_, err := ix.Insert(tx, v, tidOf(i), btree.UniqueNo)
		storetest.Check(t, err)
	}
	if got := scanAll(t, tx, ix, false); len(got) != n {
		t.Fatalf("%d entries", len(got))
	}
	want := map[string]int{}
	for i := range n {
		if i%5 != 0 {
			want[fmt.Sprintf("key %03d/%d", i%7, i%11)]++
		}
	}
	for k := range 7 {
		for j := range 11 {
			for _, backward := range []bool{false, true} {
				got := scanAll(t, tx, ix, backward, btree.ScanKey{Attr: 0, Strategy: btree.Equal, Value: types.String(fmt.Sprintf("key %03d", k))},
					btree.ScanKey{Attr: 1, Strategy: btree.Equal, Value: types.Int(int64(j))})
				if len(got) != want[fmt.Sprintf("key %03d/%d", k, j)] {
					t.Fatalf("%d/%d: %d", k, j, len(got))
				}
				if !slices.IsSortedFunc(got, func(a, b ids.TID) int {
					if a.Less(b) == backward {
						return 1
					}
					return -1
				}) {
					t.Fatal("duplicates are not in the order of their tids")
				}
			}
		}
	}
	if got := scanAll(t, tx, ix, false, btree.ScanKey{Attr: 0, Strategy: btree.IsNull}); len(got) != n/5 {
		t.Fatalf("nulls: %d", len(got))
	}
	if got := scanAll(t, tx, ix, true, btree.ScanKey{Attr: 0, Strategy: btree.IsNotNull}); len(got) != n-n/5 {
		t.Fatalf("not nulls: %d", len(got))
	}
	storetest.Commit(t, tx)
}

func insertRow(t testing.TB, tx *mvcc.Session, r *heap.Rel, ix *btree.Index, v int64) error {
	t.Helper()
	vals := []types.Datum{types.Int(v)}
	tid, err := heap.Insert(tx, r, vals, tx.CommandID(true), heap.InsertOpts{})
	storetest.Check(t, err)
	_, err = ix.Insert(tx, vals, tid, btree.UniqueYes)
	return err
}

func TestUnique(t *testing.T) {
	s := storetest.New(t, 1, 256)
	r := s.Table(storetest.Desc("int4"))
	ix := newIndex(t, s, r, true, "int4")
	create(t, s, ix)
	tx := s.Begin()
	for i := range 1000 {
		storetest.Check(t, insertRow(t, tx, r, ix, int64(i)))
	}
	storetest.Check(t, tx.Commit())
	storetest.Check(t, tx.Begin(mvcc.BeginOpts{}))
	if err := insertRow(t, tx, r, ix, 500); !pgerr.Is(err, pgerr.UniqueViolation) {
		t.Fatalf("got %v", err)
	}
	tx.Abort()
	// A deleted key is free again, once the deletion is committed; who inserts meanwhile waits.
	storetest.Check(t, tx.Begin(mvcc.BeginOpts{}))
	tids := make([]ids.TID, 2)
	n, err := ix.Lookup(tx.Slot(), []types.Datum{types.Int(500)}, tids)
	storetest.Check(t, err)
	res, _, err := heap.Delete(tx, r, tids[0], tx.CommandID(true), heap.ModifyOpts{})
	storetest.Check(t, err)
	if n < 1 || res != heap.Ok {
		t.Fatal(n, res)
	}
	other := s.Begin()
	done := make(chan error)
	go func() { done <- insertRow(t, other, r, ix, 500) }()
	for s.Locks.WaiterCount(locksTag(tx)) == 0 {
		select {
		case err := <-done:
			t.Fatalf("did not wait: %v", err)
		default:
		}
	}
	storetest.Commit(t, tx)
	storetest.Check(t, <-done)
	storetest.Commit(t, other)
}

func TestBuild(t *testing.T) {
	for _, mem := range []int{1 << 20, 1} {
		s := storetest.New(t, 1, 256)
		r := s.Table(storetest.Desc("int4"))
		ix := newIndex(t, s, r, false, "int4", "text")
		tx := s.Begin()
		b := ix.NewBuilder(tx, btree.BuildOpts{MemKB: mem})
		const n = 60000
		perm := rand.New(rand.NewPCG(1, 2)).Perm(n)
		for _, i := range perm {
			storetest.Check(t, b.Add([]types.Datum{types.Int(int64(i / 2)), types.String(fmt.Sprint("value ", i))}, tidOf(i), true))
		}
		storetest.Check(t, b.Finish())
		b.Close()
		got := scanAll(t, tx, ix, false)
		if len(got) != n {
			t.Fatalf("%d entries", len(got))
		}
		for i := range n / 2 {
			k := scanAll(t, tx, ix, false, btree.ScanKey{Attr: 0, Strategy: btree.Equal, Value: types.Int(int64(i))})
			if len(k) != 2 {
				t.Fatalf("key %d: %v", i, k)
			}
		}
		// And it can be inserted into.
		for i := range 10000 {
			_, err := ix.Insert(tx, []types.Datum{types.Int(int64(i * 3)), types.String("later")}, tidOf(n+i), btree.UniqueNo)
			storetest.Check(t, err)
		}
		if got := scanAll(t, tx, ix, true); len(got) != n+10000 {
			t.Fatalf("%d entries", len(got))
		}
		storetest.Commit(t, tx)
	}
}

func TestBuildUnique(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r := s.Table(storetest.Desc("int4"))
	ix := newIndex(t, s, r, true, "int4")
	tx := s.Begin()
	b := ix.NewBuilder(tx, btree.BuildOpts{MemKB: 1000})
	defer b.Close()
	for i := range 10 {
		storetest.Check(t, b.Add([]types.Datum{types.Int(int64(i % 9))}, tidOf(i), true))
	}
	if err := b.Finish(); !pgerr.Is(err, pgerr.UniqueViolation) {
		t.Fatalf("got %v", err)
	}
}

func TestArrayKeys(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r := s.Table(storetest.Desc("int4"))
	ix := newIndex(t, s, r, false, "int4", "int4")
	create(t, s, ix)
	tx := s.Begin()
	for i := range 1000 {
		_, err := ix.Insert(tx, []types.Datum{types.Int(int64(i / 10)), types.Int(int64(i % 10))}, tidOf(i), btree.UniqueNo)
		storetest.Check(t, err)
	}
	in := func(attr int, vs ...int64) btree.ScanKey {
		k := btree.ScanKey{Attr: attr, Strategy: btree.Equal, IsArray: true}
		for _, v := range vs {
			k.Array = append(k.Array, types.Int(v))
		}
		k.Array = append(k.Array, types.Null)
		return k
	}
	got := scanAll(t, tx, ix, false, in(0, 70, 3, 3, 500, 8), in(1, 9, 2))
	want := []ids.TID{tidOf(32), tidOf(39), tidOf(82), tidOf(89), tidOf(702), tidOf(709)}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	got = scanAll(t, tx, ix, true, in(0, 70, 3, 3, 500, 8), in(1, 9, 2))
	slices.Reverse(got)
	if !slices.Equal(got, want) {
		t.Fatalf("backward: got %v, want %v", got, want)
	}
	if got = scanAll(t, tx, ix, false, in(0)); len(got) != 0 {
		t.Fatal("array of NULLs matches")
	}
}

func locksTag(tx *mvcc.Session) locks.Tag { return locks.TransactionTag(tx.Xid()) }
