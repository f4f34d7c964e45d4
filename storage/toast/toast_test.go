package toast_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/tests/storetest"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/storage/toast"
	"gompho/types"
)

// toasted makes a table of an int4 and a bytea that has a toast table.
func toasted(t testing.TB, s *storetest.Store) (*heap.Rel, *toast.Table) {
	tr := s.Table(toast.Desc(), func(r *heap.Rel) { r.Name = "pg_toast_1" })
	ix := btree.New(&btree.Index{Env: s.Env, File: s.NewFile(), Name: "pg_toast_1_index", Heap: tr, Desc: storetest.Desc("oid", "int4"),
		Unique: true, Logged: true, Keys: []btree.Key{{Order: btree.OrderUnsigned}, {Order: btree.OrderSigned}}})
	tx := s.Begin()
	storetest.Check(t, heap.CreateStorage(tx, s.Env, ix.File, true, false))
	storetest.Check(t, ix.CreateEmpty(tx))
	storetest.Commit(t, tx)
	next := ids.Oid(100)
	table := &toast.Table{Rel: tr, Index: ix, NewOid: func(*mvcc.Session) (ids.Oid, error) { next++; return next / 2, nil }}
	return s.Table(storetest.Desc("int4", "bytea"), func(r *heap.Rel) { r.Toast = table }), table
}

func value(t testing.TB, tx *mvcc.Session, r *heap.Rel, tid ids.TID) []byte {
	t.Helper()
	f := heap.NewFetcher(tx, r, []int{1})
	defer f.Close()
	found, err := f.Version(tid, tx.Snapshot())
	storetest.Check(t, err)
	if !found {
		t.Fatal("row not found")
	}
	out := make([]types.Datum, 1)
	storetest.Check(t, f.Values(out))
	return bytes.Clone(out[0].Bytes())
}

func chunks(t testing.TB, tx *mvcc.Session, table *toast.Table) int {
	t.Helper()
	sc, err := heap.BeginScan(tx, table.Rel, tx.Snapshot(), heap.ScanOpts{Cols: []int{0}})
	storetest.Check(t, err)
	defer sc.Close()
	n, err := sc.NextBatch(10000, sc.NewBatch(10000), nil)
	storetest.Check(t, err)
	return n
}

func TestLongValues(t *testing.T) {
	s := storetest.New(t, 1, 128)
	r, table := toasted(t, s)
	rng := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 100_000)
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	packs := bytes.Repeat([]byte("some text that compresses "), 10_000)
	mixed := append(append([]byte(nil), random[:50_000]...), packs...)
	for name, c := range map[string]struct {
		v      []byte
		chunks int
	}{
		"short":      {[]byte("abc"), 0},
		"fits":       {random[:1900], 0},
		"compressed": {packs, 0},
		"out":        {random, (len(random) + toast.ChunkSize - 1) / toast.ChunkSize},
		"both":       {mixed, -1},
		"empty":      {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tx := s.Begin()
			before := chunks(t, tx, table)
			tid, err := heap.Insert(tx, r, []types.Datum{types.Int(1), types.Bytes(c.v)}, tx.CommandID(true), heap.InsertOpts{})
			storetest.Check(t, err)
			storetest.Check(t, tx.IncrementCommand())
			if got := value(t, tx, r, tid); !bytes.Equal(got, c.v) {
				t.Fatalf("got %d bytes, want %d", len(got), len(c.v))
			}
			made := chunks(t, tx, table) - before
			if c.chunks >= 0 && made != c.chunks || c.chunks < 0 && (made == 0 || made > 30) {
				t.Fatalf("%d chunks", made)
			}
			// An update that keeps the value keeps the chunks.
			u, res, _, err := heap.Update(tx, r, tid, []types.Datum{types.Int(2), types.Bytes(c.v)}, tx.CommandID(true), heap.ModifyOpts{})
			storetest.Check(t, err)
			storetest.Check(t, tx.IncrementCommand())
			if res != heap.Ok || !bytes.Equal(value(t, tx, r, u.TID), c.v) || chunks(t, tx, table)-before != made {
				t.Fatal("update lost the value or stored it again")
			}
			// One that changes it drops them.
			u, res, _, err = heap.Update(tx, r, u.TID, []types.Datum{types.Int(2), types.String("x")}, tx.CommandID(true), heap.ModifyOpts{})
			storetest.Check(t, err)
			storetest.Check(t, tx.IncrementCommand())
			if res != heap.Ok || string(value(t, tx, r, u.TID)) != "x" || chunks(t, tx, table) != before {
				t.Fatal("chunks left over")
			}
			storetest.Commit(t, tx)
		})
	}
}

func TestSpeculativeAbortKillsChunks(t *testing.T) {
	s := storetest.New(t, 1, 128)
	r, table := toasted(t, s)
	rng := rand.New(rand.NewPCG(1, 2))
	v := make([]byte, 20_000)
	for i := range v {
		v[i] = byte(rng.Uint32())
	}
	tx := s.Begin()
	token, err := tx.BeginSpeculative()
	storetest.Check(t, err)
	tid, err := heap.Insert(tx, r, []types.Datum{types.Int(1), types.Bytes(v)}, tx.CommandID(true), heap.InsertOpts{SpecToken: token})
	storetest.Check(t, err)
	storetest.Check(t, heap.AbortSpeculative(tx, r, tid))
	tx.EndSpeculative()
	storetest.Check(t, tx.IncrementCommand())
	if n := chunks(t, tx, table); n != 0 {
		t.Fatalf("%d chunks left", n)
	}
	storetest.Commit(t, tx)
}
