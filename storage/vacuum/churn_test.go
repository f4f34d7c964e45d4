package vacuum_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/tests/storetest"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// churner updates rows again and again without changing what is indexed, so that the index gets an entry for each version.
type churner struct {
	t    *testing.T
	s    *storetest.Store
	r    *heap.Rel
	ix   *btree.Index
	rng  *rand.Rand
	rows []int // committed values, by key
}

const churnRows = 150

func newChurner(t *testing.T, seed uint64) *churner {
	s := storetest.New(t, seed, 200)
	c := &churner{t: t, s: s, rng: rand.New(rand.NewPCG(seed, seed))}
	c.r = s.Table(storetest.Desc("text", "int4"), func(r *heap.Rel) { r.HotAttrs = []int{0, 1} })
	file := s.NewFile()
	c.open(file)
	tx := s.Begin()
	storetest.Check(t, heap.CreateStorage(tx, s.Env, file, true, false))
	storetest.Check(t, c.ix.CreateEmpty(tx))
	for k := range churnRows {
		c.insert(tx, k, 0)
	}
	storetest.Commit(t, tx)
	c.rows = make([]int, churnRows)
	return c
}

func (c *churner) open(file ids.RelFile) {
	c.r = heap.NewRel(&heap.Rel{Env: c.s.Env, File: c.r.File, Oid: c.r.Oid, DB: c.r.DB, Name: c.r.Name, Desc: c.r.Desc, Logged: true, HotAttrs: c.r.HotAttrs})
	c.ix = btree.New(&btree.Index{Env: c.s.Env, File: file, Name: "i", Heap: c.r, Desc: storetest.Desc("text"), Logged: true, Keys: []btree.Key{{Order: btree.OrderBytes}}})
}

func churnKey(k int) types.Datum { return types.String(fmt.Sprintf("%0100d", k)) }

func (c *churner) insert(tx *mvcc.Session, k, v int) {
	vals := []types.Datum{churnKey(k), types.Int(int64(v))}
	tid, err := heap.Insert(tx, c.r, vals, tx.CommandID(true), heap.InsertOpts{})
	storetest.Check(c.t, err)
	_, err = c.ix.Insert(tx, vals[:1], tid, btree.UniqueNo)
	storetest.Check(c.t, err)
}

// see returns the value of key k in a snapshot, through the index.
func (c *churner) see(tx *mvcc.Session, snap *mvcc.Snapshot, k int) (v int, at ids.TID) {
	sc := c.ix.BeginScan(tx, btree.ScanOpts{})
	defer sc.Close()
	storetest.Check(c.t, sc.Rescan([]btree.ScanKey{{Attr: 0, Strategy: btree.Equal, Value: churnKey(k)}}))
	f := heap.NewFetcher(tx, c.r, []int{1})
	defer f.Close()
	var tids [32]ids.TID
	hits := 0
	for {
		n, err := sc.Next(tids[:], nil)
		storetest.Check(c.t, err)
		if n == 0 {
			break
		}
		for _, tid := range tids[:n] {
			found, err := f.Index(tid, snap)
			storetest.Check(c.t, err)
			if found {
				var out [1]types.Datum
				storetest.Check(c.t, f.Values(out[:]))
				v, at = int(out[0].Int()), f.TID()
				hits++
			}
		}
	}
	if hits != 1 {
		c.t.Fatalf("key %d was found %d times", k, hits)
	}
	return v, at
}

// update changes some rows in one transaction; it may abort.
func (c *churner) update(n int) {
	tx := c.s.Begin()
	next := append([]int(nil), c.rows...)
	for range n {
		k := c.rng.IntN(churnRows)
		v, at := c.see(tx, tx.Snapshot(), k)
		if v != next[k] {
			c.t.Fatalf("key %d is %d, want %d", k, v, next[k])
		}
		next[k]++
		vals := []types.Datum{churnKey(k), types.Int(int64(next[k]))}
		info, res, _, err := heap.Update(tx, c.r, at, vals, tx.CommandID(true), heap.ModifyOpts{})
		storetest.Check(c.t, err)
		if res != heap.Ok || info.Hot {
			c.t.Fatalf("update: %v, hot %v", res, info.Hot)
		}
		_, err = c.ix.InsertVersion(tx, vals[:1], info.TID, btree.UniqueNo)
		storetest.Check(c.t, err)
		storetest.Check(c.t, tx.IncrementCommand())
	}
	if c.rng.IntN(5) == 0 {
		tx.Abort()
		return
	}
	storetest.Commit(c.t, tx)
	c.rows = next
}

func (c *churner) blocks() ids.BlockNumber {
	n, err := c.s.Env.Pool.Blocks(c.ix.File, ids.MainFork)
	storetest.Check(c.t, err)
	return n
}

func (c *churner) verify() {
	tx := c.s.Begin()
	storetest.Check(c.t, c.ix.Verify(tx.Slot(), func(blk ids.BlockNumber, problem string) { c.t.Fatalf("block %d: %s", blk, problem) }, nil))
	snap := tx.Snapshot()
	for k, want := range c.rows {
		if v, _ := c.see(tx, snap, k); v != want {
			c.t.Fatalf("key %d is %d, want %d", k, v, want)
		}
	}
	storetest.Commit(c.t, tx)
}

// TestOldVersionsLeaveIndex: entries of versions that nobody sees go before a page is split, those that a snapshot sees stay; after a crash, too. The
// index of a table whose rows have changed fifty times is no more than twice what it was.
func TestOldVersionsLeaveIndex(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			c := newChurner(t, seed)
			defer c.s.Close()
			first := c.blocks()
			for range churnRows * 50 / 10 {
				c.update(10)
			}
			if n := c.blocks(); n > 2*first+2 {
				t.Errorf("the index grew from %d to %d blocks", first, n)
			}
			c.verify()

			// An old snapshot goes on seeing its versions, of which it needs the entries.
			old := c.s.Session()
			storetest.Check(t, old.Begin(mvcc.BeginOpts{Isolation: mvcc.RepeatableRead}))
			snap, seen := old.Snapshot(), append([]int(nil), c.rows...)
			for range 60 {
				c.update(10)
				if c.rng.IntN(4) == 0 {
					k := c.rng.IntN(churnRows)
					if v, _ := c.see(old, snap, k); v != seen[k] {
						t.Fatalf("the old snapshot sees %d at key %d, saw %d", v, k, seen[k])
					}
				}
			}
			for k, want := range seen {
				if v, _ := c.see(old, snap, k); v != want {
					t.Fatalf("the old snapshot sees %d at key %d, saw %d", v, k, want)
				}
			}
			storetest.Check(t, old.Commit())
			old.Close()
			file := c.ix.File
			for range 3 {
				c.s.Crash()
				c.open(file)
				c.verify()
				for range 30 {
					c.update(10)
				}
			}
			c.verify()
		})
	}
}
