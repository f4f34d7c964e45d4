package vacuum_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/internal/tests/storetest"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/storage/vacuum"
	"gompho/types"
)

// worker is one of several sessions that write at once.
type worker struct {
	m   *model
	tx  *mvcc.Session
	rng *rand.Rand
	rel *heap.Rel

	commits, aborts int
}

var errRetry = errors.New("row changed meanwhile")

func (w *worker) transaction(f func() error) error {
	if err := w.tx.Begin(mvcc.BeginOpts{Isolation: mvcc.ReadCommitted}); err != nil {
		return err
	}
	w.tx.PushActive(w.tx.Snapshot())
	err := f()
	if err == nil {
		w.commits++
		w.tx.PopActive()
		return w.tx.Commit()
	}
	w.tx.Abort()
	w.aborts++
	if err == errRetry || pgerr.Is(err, pgerr.TRDeadlockDetected) {
		return nil
	}
	return err
}

// locate finds the row of key and locks it for update, as an UPDATE under Read Committed does.
func (w *worker) locate(key int64) (tid ids.TID, r row, err error) {
	sc := w.m.byKey.BeginScan(w.tx, btree.ScanOpts{})
	defer sc.Close()
	if err := sc.Rescan([]btree.ScanKey{{Attr: 0, Strategy: btree.Equal, Value: types.Int(key)}}); err != nil {
		return tid, r, err
	}
	f := heap.NewFetcher(w.tx, w.rel, []int{1, 2})
	defer f.Close()
	var tids [8]ids.TID
	for {
		n, err := sc.Next(tids[:], nil)
		if err != nil {
			return tid, r, err
		}
		if n == 0 {
			return tid, r, fmt.Errorf("key %d not found", key)
		}
		for i, t := range tids[:n] {
			found, err := f.Index(t, w.tx.Active())
			if err != nil {
				return tid, r, err
			}
			if !found {
				if f.AllDead() {
					sc.Kill(i)
				}
				continue
			}
			at, res, _, err := heap.LockLatest(w.tx, w.rel, f.TID(), w.tx.CommandID(false), mvcc.LockNoKeyExclusive, heap.WaitBlock, nil)
			if err != nil {
				return tid, r, err
			}
			if res != heap.Ok {
				return tid, r, errRetry
			}
			if found, err = f.Version(at, nil); err != nil || !found {
				return tid, r, fmt.Errorf("locked version %v is not there: %v", at, err)
			}
			var v [2]types.Datum
			if err := f.Values(v[:]); err != nil {
				return tid, r, err
			}
			return at, row{v[0].Int(), string(v[1].Bytes())}, nil
		}
	}
}

func (w *worker) add(key, delta int64, indexed bool) error {
	tid, r, err := w.locate(key)
	if err != nil {
		return err
	}
	r.val += delta
	v := values(key, r)
	info, res, _, err := heap.Update(w.tx, w.rel, tid, v, w.tx.CommandID(true), heap.ModifyOpts{})
	if err != nil {
		return err
	}
	if res != heap.Ok {
		return fmt.Errorf("update of a locked row: %v", res)
	}
	if !info.Hot {
		if _, err := w.m.byKey.InsertVersion(w.tx, v[:1], info.TID, btree.UniqueYes); err != nil {
			return err
		}
		if indexed {
			if _, err := w.m.byVal.InsertVersion(w.tx, v[1:2], info.TID, btree.UniqueNo); err != nil {
				return err
			}
		}
	}
	return w.tx.IncrementCommand()
}

func (w *worker) sum() (int64, error) {
	s, err := heap.BeginScan(w.tx, w.rel, w.tx.Active(), heap.ScanOpts{Cols: []int{1}})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	b, total := s.NewBatch(100), int64(0)
	for {
		n, err := s.NextBatch(100, b, nil)
		if err != nil || n == 0 {
			return total, err
		}
		for i := range n {
			total += b.Cols[0].Get(i).Int()
		}
	}
}

// TestTransfers moves amounts between rows from several sessions, with row locks that block and deadlock, HOT updates
// or index updates, aborts, and vacuum all the while. No amount may be lost, and every snapshot must see the same sum.
func TestTransfers(t *testing.T) {
	for _, indexed := range []bool{false, true} {
		t.Run(fmt.Sprint("indexed=", indexed), func(t *testing.T) { testTransfers(t, indexed) })
	}
}

func testTransfers(t *testing.T, indexed bool) {
	m := newModel(t, 1)
	defer m.Close()
	if !indexed {
		m.rel.HotAttrs = []int{0}
		m.rel = heap.NewRel(&heap.Rel{Env: m.Env, File: m.rel.File, Oid: m.rel.Oid, DB: 5, Name: "t", Desc: m.rel.Desc, Logged: true, HotAttrs: []int{0}, KeyAttrs: []int{0}})
		m.byKey.Heap = m.rel
	}
	const keys, workers, rounds = 20, 4, 500
	c := m.clients[0]
	m.begin(c)
	for range keys {
		m.insert(c, row{100, "account"})
	}
	m.end(c, true)
	var wg sync.WaitGroup
	var stop atomic.Bool
	fail := func(err error) {
		if err != nil {
			t.Error(err)
			stop.Store(true)
		}
	}
	for i := range workers {
		w := &worker{m: m, tx: m.Session(), rng: rand.New(rand.NewPCG(uint64(i), 1)), rel: m.rel}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer w.tx.Close()
			for r := 0; r < rounds && !stop.Load(); r++ {
				fail(w.transaction(func() error {
					if r%10 == 0 {
						if s, err := w.sum(); err != nil || s != 100*keys {
							return fmt.Errorf("sum %d: %v", s, err)
						}
					}
					from, to, amount := w.rng.Int64N(keys)+1, w.rng.Int64N(keys)+1, w.rng.Int64N(50)
					if from == to {
						return nil
					}
					if err := w.add(from, -amount, indexed); err != nil {
						return err
					}
					if err := w.add(to, amount, indexed); err != nil {
						return err
					}
					if w.rng.IntN(5) == 0 {
						return errRetry
					}
					return nil
				}))
			}
			if w.commits < rounds/4 {
				t.Errorf("only %d of %d transactions committed", w.commits, rounds)
			}
		}()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		indexes := []*btree.Index{m.byKey}
		if indexed {
			indexes = append(indexes, m.byVal)
		}
		for !stop.Load() {
			tx := m.Session()
			fail(tx.Begin(mvcc.BeginOpts{}))
			_, err := vacuum.Heap(tx, m.rel, indexes, vacuum.Params{IndexCleanup: vacuum.CleanupOn})
			fail(err)
			fail(tx.Commit())
			tx.Close()
		}
	}()
	wg.Wait()
	stop.Store(true)
	<-done
	w := &worker{m: m, tx: m.Session(), rel: m.rel}
	fail(w.transaction(func() error {
		if s, err := w.sum(); err != nil || s != 100*keys {
			return fmt.Errorf("sum %d: %v", s, err)
		}
		return nil
	}))
	if indexed {
		m.check()
	}
}

// TestParallelInserts grows one index from several sessions, with deletions and vacuum in between.
func TestParallelInserts(t *testing.T) {
	m := newModel(t, 1)
	defer m.Close()
	const workers, rows = 4, 5000
	var wg sync.WaitGroup
	var next atomic.Int64
	var kept atomic.Int64
	for i := range workers {
		tx, rng := m.Session(), rand.New(rand.NewPCG(uint64(i), 1))
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer tx.Close()
			for n := 0; n < rows; n += 50 {
				if err := tx.Begin(mvcc.BeginOpts{}); err != nil {
					t.Error(err)
					return
				}
				for range 50 {
					key := next.Add(1)
					v := values(key, row{rng.Int64N(1000), "some text to make rows longer than they would be"})
					tid, err := heap.Insert(tx, m.rel, v, tx.CommandID(true), heap.InsertOpts{})
					if err == nil {
						_, err = m.byKey.Insert(tx, v[:1], tid, btree.UniqueYes)
					}
					if err == nil {
						_, err = m.byVal.Insert(tx, v[1:2], tid, btree.UniqueNo)
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
				if rng.IntN(3) == 0 {
					tx.Abort()
					continue
				}
				if err := tx.Commit(); err != nil {
					t.Error(err)
					return
				}
				kept.Add(50)
			}
		}()
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	for running := true; running; {
		select {
		case <-finished:
			running = false
		default:
		}
		tx := m.Begin()
		_, err := vacuum.Heap(tx, m.rel, []*btree.Index{m.byKey, m.byVal}, vacuum.Params{IndexCleanup: vacuum.CleanupOn})
		storetest.Check(t, err)
		storetest.Commit(t, tx)
	}
	m.check()
	tx := m.Begin()
	sc := m.byKey.BeginScan(tx, btree.ScanOpts{})
	storetest.Check(t, sc.Rescan(nil))
	tids, n := make([]ids.TID, 512), 0
	for {
		k, err := sc.Next(tids, nil)
		storetest.Check(t, err)
		if k == 0 {
			break
		}
		n += k
	}
	if int64(n) != kept.Load() {
		t.Fatalf("%d entries after vacuum, %d rows", n, kept.Load())
	}
	storetest.Commit(t, tx)
}
