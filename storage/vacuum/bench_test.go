package vacuum_test

import (
	"math/rand/v2"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/tests/storetest"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

const benchRows = 1_000_000

// loaded is a table like pgbench_accounts, all in shared buffers, with an index on its key.
func loaded(b *testing.B, rows int) (*storetest.Store, *heap.Rel, *btree.Index) {
	s := storetest.New(b, 1, 40000)
	r := s.Table(storetest.Desc("int4", "int4", "int4", "text"), func(r *heap.Rel) { r.HotAttrs = []int{0}; r.KeyAttrs = []int{0} })
	tx := s.Begin()
	batch := r.Layout().Project([]int{0, 1, 2, 3}).NewBatch(1000)
	bulk := heap.NewBulkInsert()
	tids := make([]ids.TID, 1000)
	pad := types.String("                                                                                    ")
	ix := btree.New(&btree.Index{Env: s.Env, File: s.NewFile(), Name: "pkey", Heap: r, Desc: storetest.Desc("int4"), Unique: true, Logged: true,
		Keys: []btree.Key{{Order: btree.OrderSigned}}})
	storetest.Check(b, heap.CreateStorage(tx, s.Env, ix.File, true, false))
	build := ix.NewBuilder(tx, btree.BuildOpts{MemKB: 64 << 10})
	for i := 0; i < rows; i += 1000 {
		for _, c := range batch.Cols {
			c.Reset()
		}
		for k := i; k < i+1000; k++ {
			batch.Cols[0].Append(types.Int(int64(k)))
			batch.Cols[1].Append(types.Int(1))
			batch.Cols[2].Append(types.Int(0))
			batch.Cols[3].Append(pad)
		}
		batch.N = 1000
		storetest.Check(b, heap.MultiInsert(tx, r, batch, tx.CommandID(true), heap.InsertOpts{Bulk: bulk}, tids))
		for k, tid := range tids {
			storetest.Check(b, build.Add([]types.Datum{types.Int(int64(i + k))}, tid, true))
		}
	}
	bulk.Release()
	storetest.Check(b, build.Finish())
	build.Close()
	storetest.Commit(b, tx)
	return s, r, ix
}

func BenchmarkScan(b *testing.B) {
	s, r, _ := loaded(b, benchRows)
	for name, cols := range map[string][]int{"count": nil, "int4": {2}, "all": {0, 1, 2, 3}} {
		b.Run(name, func(b *testing.B) {
			tx := s.Begin()
			snap := tx.Snapshot()
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				sc, err := heap.BeginScan(tx, r, snap, heap.ScanOpts{Cols: cols})
				storetest.Check(b, err)
				batch := sc.NewBatch(1024)
				n = 0
				for {
					k, err := sc.NextBatch(1024, batch, nil)
					storetest.Check(b, err)
					if k == 0 {
						break
					}
					n += k
				}
				sc.Close()
			}
			if n != benchRows {
				b.Fatal(n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
			storetest.Commit(b, tx)
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	s, r, ix := loaded(b, benchRows)
	tx := s.Begin()
	rng := rand.New(rand.NewPCG(1, 2))
	tids, key := make([]ids.TID, 1), make([]types.Datum, 1)
	b.Run("index", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			key[0] = types.Int(rng.Int64N(benchRows))
			if n, err := ix.Lookup(tx.Slot(), key, tids); n != 1 || err != nil {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("scan+row", func(b *testing.B) {
		sc := ix.BeginScan(tx, btree.ScanOpts{})
		f := heap.NewFetcher(tx, r, []int{2})
		snap := tx.Snapshot()
		keys := []btree.ScanKey{{Attr: 0, Strategy: btree.Equal}}
		batch := f.NewBatch(1)
		b.ReportAllocs()
		for b.Loop() {
			keys[0].Value = types.Int(rng.Int64N(benchRows))
			if err := sc.Rescan(keys); err != nil {
				b.Fatal(err)
			}
			if n, err := sc.Next(tids, nil); n != 1 || err != nil {
				b.Fatal(n, err)
			}
			if ok, err := f.Index(tids[0], snap); !ok || err != nil {
				b.Fatal(ok, err)
			}
			if err := f.Decode(batch, 0); err != nil {
				b.Fatal(err)
			}
		}
		f.Close()
		sc.Close()
	})
	storetest.Commit(b, tx)
}

func BenchmarkInsert(b *testing.B) {
	s, r, ix := loaded(b, 1000)
	tx := s.Begin()
	v := []types.Datum{types.Int(0), types.Int(1), types.Int(2), types.String("filler")}
	next := int64(1000)
	cid := tx.CommandID(true)
	b.Run("heap", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := heap.Insert(tx, r, v, cid, heap.InsertOpts{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("heap+index", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			next++
			v[0] = types.Int(next)
			tid, err := heap.Insert(tx, r, v, cid, heap.InsertOpts{})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := ix.Insert(tx, v[:1], tid, btree.UniqueYes); err != nil {
				b.Fatal(err)
			}
		}
	})
	storetest.Commit(b, tx)
}

func BenchmarkHotUpdate(b *testing.B) {
	s, r, ix := loaded(b, 10000)
	tx := s.Session()
	rng := rand.New(rand.NewPCG(1, 2))
	f := heap.NewFetcher(tx, r, nil)
	tids := make([]ids.TID, 64)
	v := []types.Datum{types.Int(0), types.Int(1), types.Int(2), types.String("filler")}
	b.ReportAllocs()
	for b.Loop() {
		storetest.Check(b, tx.Begin(mvcc.BeginOpts{}))
		v[0] = types.Int(rng.Int64N(10000))
		n, err := ix.Lookup(tx.Slot(), v[:1], tids)
		storetest.Check(b, err)
		snap, found := tx.Snapshot(), false
		for i := 0; i < n && !found; i++ {
			found, err = f.Index(tids[i], snap)
			storetest.Check(b, err)
		}
		if !found {
			b.Fatal("not found")
		}
		at := f.TID()
		f.Unpin()
		info, res, _, err := heap.Update(tx, r, at, v, tx.CommandID(true), heap.ModifyOpts{})
		if res != heap.Ok || err != nil {
			b.Fatal(res, err)
		}
		if !info.Hot {
			if _, err := ix.Insert(tx, v[:1], info.TID, btree.UniqueYes); err != nil {
				b.Fatal(err)
			}
		}
		storetest.Check(b, tx.Commit())
	}
}

func BenchmarkBuild(b *testing.B) {
	s := storetest.New(b, 1, 40000)
	r := s.Table(storetest.Desc("int4"))
	perm := rand.New(rand.NewPCG(1, 2)).Perm(benchRows)
	for b.Loop() {
		ix := btree.New(&btree.Index{Env: s.Env, File: s.NewFile(), Name: "i", Heap: r, Desc: storetest.Desc("int4"), Unique: true, Logged: true,
			Keys: []btree.Key{{Order: btree.OrderSigned}}})
		tx := s.Begin()
		storetest.Check(b, heap.CreateStorage(tx, s.Env, ix.File, true, false))
		build := ix.NewBuilder(tx, btree.BuildOpts{MemKB: 64 << 10})
		v := make([]types.Datum, 1)
		for i, k := range perm {
			v[0] = types.Int(int64(k))
			storetest.Check(b, build.Add(v, ids.TID{Block: ids.BlockNumber(i / 100), Offset: ids.OffsetNumber(i%100 + 1)}, true))
		}
		storetest.Check(b, build.Finish())
		build.Close()
		storetest.Commit(b, tx)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
}
