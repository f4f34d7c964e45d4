package heap_test

import (
	"testing"

	"gompho/internal/ids"
	"gompho/internal/tests/storetest"
	"gompho/mvcc"
	"gompho/storage/heap"
	"gompho/types"
)

func rows(t testing.TB, tx *mvcc.Session, r *heap.Rel, snap *mvcc.Snapshot, cols ...int) (out [][]types.Datum, tids []ids.TID) {
	t.Helper()
	s, err := heap.BeginScan(tx, r, snap, heap.ScanOpts{Cols: cols})
	storetest.Check(t, err)
	defer s.Close()
	b := s.NewBatch(7)
	buf := make([]ids.TID, 7)
	for {
		n, err := s.NextBatch(7, b, buf)
		storetest.Check(t, err)
		if n == 0 {
			return out, tids
		}
		for i := range n {
			row := make([]types.Datum, len(cols))
			for k := range cols {
				row[k] = b.Cols[k].Get(i).Clone()
			}
			out = append(out, row)
			tids = append(tids, buf[i])
		}
	}
}

func TestInsertScanUpdateDelete(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r := s.Table(storetest.Desc("int4", "text"), func(r *heap.Rel) { r.HotAttrs = []int{0}; r.KeyAttrs = []int{0} })
	tx := s.Begin()
	var tids []ids.TID
	for i := range 1000 {
		tid, err := heap.Insert(tx, r, []types.Datum{types.Int(int64(i)), types.String("hello")}, tx.CommandID(true), heap.InsertOpts{})
		storetest.Check(t, err)
		tids = append(tids, tid)
	}
	if got, _ := rows(t, tx, r, tx.Snapshot(), 0); len(got) != 0 {
		t.Fatalf("a command sees its own rows: %d", len(got))
	}
	storetest.Check(t, tx.IncrementCommand())
	if got, at := rows(t, tx, r, tx.Snapshot(), 0, 1); len(got) != 1000 || at[999] != tids[999] || got[999][0].Int() != 999 || got[5][1].Str() != "hello" {
		t.Fatalf("%d rows", len(got))
	}
	storetest.Check(t, tx.Commit())

	storetest.Check(t, tx.Begin(mvcc.BeginOpts{}))
	// HOT update of the last row, as its page has room; a key change is not HOT.
	info, res, _, err := heap.Update(tx, r, tids[999], []types.Datum{types.Int(999), types.String("world")}, tx.CommandID(true), heap.ModifyOpts{})
	storetest.Check(t, err)
	if res != heap.Ok || !info.Hot || info.Strength != mvcc.LockNoKeyExclusive {
		t.Fatalf("update: %v %+v", res, info)
	}
	info, res, _, err = heap.Update(tx, r, tids[998], []types.Datum{types.Int(-998), types.Null}, tx.CommandID(true), heap.ModifyOpts{})
	storetest.Check(t, err)
	if res != heap.Ok || info.Hot || info.Strength != mvcc.LockExclusive {
		t.Fatalf("key update: %v %+v", res, info)
	}
	res, _, err = heap.Delete(tx, r, tids[0], tx.CommandID(true), heap.ModifyOpts{})
	storetest.Check(t, err)
	if res != heap.Ok {
		t.Fatalf("delete: %v", res)
	}
	if res, _, err = heap.Delete(tx, r, tids[0], tx.CommandID(true), heap.ModifyOpts{}); err != nil || res != heap.SelfModified {
		t.Fatalf("second delete: %v %v", res, err)
	}
	storetest.Check(t, tx.IncrementCommand())
	f := heap.NewFetcher(tx, r, []int{1, heap.AttrCtid})
	found, err := f.Index(tids[999], tx.Snapshot())
	storetest.Check(t, err)
	out := make([]types.Datum, 2)
	if !found {
		t.Fatal("HOT chain not followed")
	}
	storetest.Check(t, f.Values(out))
	if out[0].Str() != "world" || ids.UnpackTID(out[1].Word()) == tids[999] {
		t.Fatalf("got %v", out)
	}
	f.Close()
	if got, _ := rows(t, tx, r, tx.Snapshot(), 0); len(got) != 999 {
		t.Fatalf("%d rows", len(got))
	}
	tx.Abort()
	storetest.Check(t, tx.Begin(mvcc.BeginOpts{}))
	if got, _ := rows(t, tx, r, tx.Snapshot(), 0); len(got) != 1000 {
		t.Fatalf("%d rows after abort", len(got))
	}
	storetest.Commit(t, tx)
}

func TestMultiInsert(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r := s.Table(storetest.Desc("int4", "text"))
	tx := s.Begin()
	b := r.Layout().Project([]int{0, 1}).NewBatch(1000)
	for i := range 1000 {
		b.Cols[0].Append(types.Int(int64(i)))
		b.Cols[1].Append(types.String("some text to fill pages with, but not too much of it"))
	}
	b.N = 1000
	bulk := heap.NewBulkInsert()
	tids := make([]ids.TID, 1000)
	for range 3 {
		storetest.Check(t, heap.MultiInsert(tx, r, b, tx.CommandID(true), heap.InsertOpts{Bulk: bulk}, tids))
	}
	bulk.Release()
	storetest.Check(t, tx.IncrementCommand())
	got, at := rows(t, tx, r, tx.Snapshot(), 0)
	if len(got) != 3000 || at[2999] != tids[999] || got[2500][0].Int() != 500 {
		t.Fatalf("%d rows", len(got))
	}
	storetest.Commit(t, tx)
}
