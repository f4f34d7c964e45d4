package btree_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/tests/storetest"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// TestBuildOrders builds indexes of every kind of order, in memory and with runs on disk, with NULLs, extremes and many duplicates, and verifies them.
func TestBuildOrders(t *testing.T) {
	for _, typ := range []string{"int2", "int4", "int8", "float8", "text"} {
		for flags := range 16 {
			desc, nullsFirst, spill, sinks := flags&1 != 0, flags&2 != 0, flags&4 != 0, 1+flags>>3*2
			t.Run(fmt.Sprintf("%s desc=%v nullsFirst=%v spill=%v sinks=%d", typ, desc, nullsFirst, spill, sinks), func(t *testing.T) {
				buildOrder(t, typ, btree.Key{Desc: desc, NullsFirst: nullsFirst}, spill, sinks)
			})
		}
	}
}

func buildOrder(t *testing.T, typ string, key btree.Key, spill bool, sinks int) {
	s := storetest.New(t, 1, 256)
	d := storetest.Desc(typ)
	key.Order = btree.OrderOf(d.Attrs[0].Type)
	ix := btree.New(&btree.Index{Env: s.Env, File: s.NewFile(), Name: "i", Desc: d, Logged: true, Keys: []btree.Key{key}})
	tx := s.Begin()
	storetest.Check(t, heap.CreateStorage(tx, s.Env, ix.File, true, false))
	n, mem := 3000, 1<<20
	if spill {
		n, mem = 50000, 1
	}
	b := ix.NewBuilder(tx, btree.BuildOpts{MemKB: mem, Sinks: sinks})
	defer b.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	nulls, perm := 0, rng.Perm(n)
	for i := range n {
		var v types.Datum
		switch k := rng.IntN(n / 2); {
		case k < n/20:
			v = types.Null
			nulls++
		case typ == "text":
			v = types.String(fmt.Sprintf("some prefix that is long %05d, and more %d", k/3, k))
			if k%3 == 0 {
				v = types.String(fmt.Sprint(k))
			}
		case typ == "int8" && k%10 == 0:
			v = types.Int([]int64{math.MinInt64, math.MaxInt64, 0, -1}[k/10%4])
		case typ == "float8":
			v = types.Float([]float64{math.NaN(), math.Inf(1), math.Copysign(0, -1), 0, -1.5 * float64(k)}[k%5])
		case typ == "int2":
			v = types.Int(int64(k%60000 - 30000))
		default:
			v = types.Int(int64(k - n/4))
		}
		storetest.Check(t, b.Sink(i%sinks).Add([]types.Datum{v}, tidOf(perm[i]), true))
	}
	if err := b.Finish(); err != nil {
		t.Fatal(err)
	}
	entries := 0
	storetest.Check(t, ix.Verify(nil, func(blk ids.BlockNumber, problem string) { t.Errorf("block %d: %s", blk, problem) },
		func(ids.BlockNumber, ids.OffsetNumber, []types.Datum, ids.TID) { entries++ }))
	if entries != n {
		t.Fatalf("%d entries of %d", entries, n)
	}
	if got := len(scanAll(t, tx, ix, false, btree.ScanKey{Strategy: btree.IsNull})); got != nulls {
		t.Fatalf("%d NULLs of %d", got, nulls)
	}
	storetest.Commit(t, tx)
}
