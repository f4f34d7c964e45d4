package vacuum_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gompho/internal/ids"
	"gompho/internal/tests/storetest"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/check"
	"gompho/storage/heap"
	"gompho/storage/vacuum"
	"gompho/types"
)

// Run with -rapid.checks=N for longer histories; a failing one prints its seed.

// row is a row of the model's table (key int4 unique, val int4 indexed, pad text).
type row struct {
	val int64
	pad string
}

type state map[int64]row

// client is a session with, while a transaction runs, what it must see.
type client struct {
	tx      *mvcc.Session
	view    state
	touched map[int64]bool // keys that the transaction changed
	subs    []saved
	dead    bool // it has met a row changed after its snapshot: all it can do is abort
}

// saved is what a subtransaction returns to when it aborts.
type saved struct {
	view    state
	touched map[int64]bool
}

// model is a table with two indexes, compared with maps: transactions at Repeatable Read, with savepoints, aborts, row
// locks, vacuum, checkpoints and crashes in between.
type model struct {
	*storetest.Store
	rel       *heap.Rel
	byKey     *btree.Index
	byVal     *btree.Index
	committed state
	clients   [3]*client
	nextKey   int64
	log       []string
}

func (m *model) logf(format string, args ...any) { m.log = append(m.log, fmt.Sprintf(format, args...)) }

func newModel(t testing.TB, seed uint64) *model {
	m := &model{Store: storetest.New(t, seed, 64), committed: state{}}
	m.rel = m.Table(storetest.Desc("int4", "int4", "text"), func(r *heap.Rel) { r.HotAttrs = []int{0, 1}; r.KeyAttrs = []int{0} })
	m.byKey = m.index(true, "by_key")
	m.byVal = m.index(false, "by_val")
	m.reopen()
	m.Checkpoint()
	return m
}

func (m *model) index(unique bool, name string) *btree.Index {
	ix := btree.New(&btree.Index{Env: m.Env, File: m.NewFile(), Name: name, Heap: m.rel, Desc: storetest.Desc("int4"), Unique: unique, Logged: true,
		Keys: []btree.Key{{Order: btree.OrderSigned}}})
	tx := m.Begin()
	storetest.Check(m.T, heap.CreateStorage(tx, m.Env, ix.File, true, false))
	storetest.Check(m.T, ix.CreateEmpty(tx))
	storetest.Commit(m.T, tx)
	return ix
}

// reopen makes new handles and sessions, after a crash.
func (m *model) reopen() {
	m.rel = heap.NewRel(&heap.Rel{Env: m.Env, File: m.rel.File, Oid: m.rel.Oid, DB: 5, Name: "t", Desc: m.rel.Desc, Logged: true, HotAttrs: m.rel.HotAttrs, KeyAttrs: m.rel.KeyAttrs})
	for _, p := range []**btree.Index{&m.byKey, &m.byVal} {
		old := *p
		*p = btree.New(&btree.Index{Env: m.Env, File: old.File, Name: old.Name, Heap: m.rel, Desc: old.Desc, Unique: old.Unique, Logged: true, Keys: old.Keys})
	}
	for i := range m.clients {
		m.clients[i] = &client{tx: m.Session()}
	}
}

func (m *model) begin(c *client) {
	if c.tx.InTransaction() {
		return
	}
	storetest.Check(m.T, c.tx.Begin(mvcc.BeginOpts{Isolation: mvcc.RepeatableRead}))
	c.tx.Snapshot()
	c.view, c.touched, c.subs, c.dead = maps.Clone(m.committed), map[int64]bool{}, nil, false
}

func (m *model) end(c *client, commit bool) {
	if !c.tx.InTransaction() {
		return
	}
	for range c.subs {
		storetest.Check(m.T, c.tx.CommitSub())
	}
	if !commit || c.dead {
		c.tx.Abort()
		return
	}
	storetest.Check(m.T, c.tx.Commit())
	for k := range c.touched {
		if r, ok := c.view[k]; ok {
			m.committed[k] = r
		} else {
			delete(m.committed, k)
		}
	}
}

func values(k int64, r row) []types.Datum {
	return []types.Datum{types.Int(k), types.Int(r.val), types.String(r.pad)}
}

// enter makes the index entries of a row version.
func (m *model) enter(c *client, tid ids.TID, v []types.Datum) {
	_, err := m.byKey.InsertVersion(c.tx, v[:1], tid, btree.UniqueYes)
	storetest.Check(m.T, err)
	_, err = m.byVal.InsertVersion(c.tx, v[1:2], tid, btree.UniqueNo)
	storetest.Check(m.T, err)
}

func (m *model) insert(c *client, r row) {
	m.nextKey++
	v := values(m.nextKey, r)
	tid, err := heap.Insert(c.tx, m.rel, v, c.tx.CommandID(true), heap.InsertOpts{})
	storetest.Check(m.T, err)
	m.enter(c, tid, v)
	storetest.Check(m.T, c.tx.IncrementCommand())
	c.view[m.nextKey], c.touched[m.nextKey] = r, true
	m.logf("insert %d at %v", m.nextKey, tid)
}

// find returns the address of the version of key that c sees, through the index.
func (m *model) find(c *client, key int64) (ids.TID, bool) {
	sc := m.byKey.BeginScan(c.tx, btree.ScanOpts{})
	defer sc.Close()
	storetest.Check(m.T, sc.Rescan([]btree.ScanKey{{Attr: 0, Strategy: btree.Equal, Value: types.Int(key)}}))
	f := heap.NewFetcher(c.tx, m.rel, []int{0})
	defer f.Close()
	var tids [3]ids.TID
	var at ids.TID
	hits := 0
	for {
		n, err := sc.Next(tids[:], nil)
		storetest.Check(m.T, err)
		if n == 0 {
			break
		}
		for i, tid := range tids[:n] {
			found, err := f.Index(tid, c.tx.Snapshot())
			storetest.Check(m.T, err)
			if found {
				at = f.TID()
				hits++
			} else if f.AllDead() {
				sc.Kill(i)
			}
		}
	}
	if hits > 1 {
		m.T.Fatalf("key %d is there %d times", key, hits)
	}
	return at, hits == 1
}

// pick chooses a key that c sees.
func (c *client) pick(t *rapid.T) (int64, bool) {
	if len(c.view) == 0 {
		return 0, false
	}
	keys := slices.Sorted(maps.Keys(c.view))
	return keys[rapid.IntRange(0, len(keys)-1).Draw(t, "key")], true
}

func (m *model) update(t *rapid.T, c *client, r row) {
	key, ok := c.pick(t)
	if !ok {
		return
	}
	tid, found := m.find(c, key)
	if !found {
		m.T.Fatalf("key %d not found\n%s", key, strings.Join(m.log, "\n"))
	}
	newKey := key
	if rapid.IntRange(0, 4).Draw(t, "change key") == 0 {
		m.nextKey++
		newKey = m.nextKey
	}
	v := values(newKey, r)
	info, res, _, err := heap.Update(c.tx, m.rel, tid, v, c.tx.CommandID(true), heap.ModifyOpts{NoWait: true})
	storetest.Check(m.T, err)
	m.logf("update %d at %v: %v, %v hot %v", key, tid, res, info.TID, info.Hot)
	m.outcome(c, res)
	if res != heap.Ok {
		return
	}
	if !info.Hot {
		m.enter(c, info.TID, v)
	}
	storetest.Check(m.T, c.tx.IncrementCommand())
	delete(c.view, key)
	c.view[newKey] = r
	c.touched[key], c.touched[newKey] = true, true
}

func (m *model) remove(t *rapid.T, c *client) {
	key, ok := c.pick(t)
	if !ok {
		return
	}
	tid, found := m.find(c, key)
	if !found {
		m.T.Fatalf("key %d not found\n%s", key, strings.Join(m.log, "\n"))
	}
	res, _, err := heap.Delete(c.tx, m.rel, tid, c.tx.CommandID(true), heap.ModifyOpts{NoWait: true})
	storetest.Check(m.T, err)
	m.logf("delete %d at %v: %v", key, tid, res)
	m.outcome(c, res)
	if res == heap.Ok {
		storetest.Check(m.T, c.tx.IncrementCommand())
		delete(c.view, key)
		c.touched[key] = true
	}
}

func (m *model) lock(t *rapid.T, c *client) {
	key, ok := c.pick(t)
	if !ok {
		return
	}
	tid, found := m.find(c, key)
	if !found {
		m.T.Fatalf("key %d not found\n%s", key, strings.Join(m.log, "\n"))
	}
	strength := mvcc.LockStrength(rapid.IntRange(0, 3).Draw(t, "strength"))
	res, _, err := heap.LockTuple(c.tx, m.rel, tid, c.tx.CommandID(false), strength, heap.WaitSkip, rapid.Bool().Draw(t, "follow"))
	storetest.Check(m.T, err)
	m.logf("lock %d at %v, %d: %v", key, tid, strength, res)
	if res != heap.WouldBlock {
		m.outcome(c, res)
	}
}

// outcome deals with a row that somebody else has changed.
func (m *model) outcome(c *client, res heap.Result) {
	switch res {
	case heap.Ok, heap.BeingModified:
	case heap.Updated, heap.Deleted:
		c.dead = true
	default:
		m.T.Fatalf("unexpected result %v\n%s", res, strings.Join(m.log, "\n"))
	}
}

// look compares what c sees with the model, by a scan of the table and by each index.
func (m *model) look(c *client) {
	got := state{}
	s, err := heap.BeginScan(c.tx, m.rel, c.tx.Snapshot(), heap.ScanOpts{Cols: []int{0, 2, 1}})
	storetest.Check(m.T, err)
	b := s.NewBatch(5)
	for {
		n, err := s.NextBatch(5, b, nil)
		storetest.Check(m.T, err)
		if n == 0 {
			break
		}
		for i := range n {
			k := b.Cols[0].Get(i).Int()
			if _, twice := got[k]; twice {
				m.T.Fatalf("key %d twice\n%s", k, strings.Join(m.log, "\n"))
			}
			got[k] = row{b.Cols[2].Get(i).Int(), string(b.Cols[1].Get(i).Bytes())}
		}
	}
	s.Close()
	if !maps.Equal(got, c.view) {
		m.T.Fatalf("scan sees %v,\nwant %v\n%s", got, c.view, strings.Join(m.log, "\n"))
	}
	for _, ix := range []*btree.Index{m.byKey, m.byVal} {
		if n := m.countByIndex(c, ix); n != len(c.view) {
			m.T.Fatalf("%s finds %d rows, want %d\n%s", ix.Name, n, len(c.view), strings.Join(m.log, "\n"))
		}
	}
}

func (m *model) countByIndex(c *client, ix *btree.Index) int {
	sc := ix.BeginScan(c.tx, btree.ScanOpts{Cols: []int{0}, IndexOnly: true})
	defer sc.Close()
	storetest.Check(m.T, sc.Rescan(nil))
	attr := 0
	if ix == m.byVal {
		attr = 1
	}
	f := heap.NewFetcher(c.tx, m.rel, []int{attr})
	defer f.Close()
	b, tids := sc.NewBatch(7), make([]ids.TID, 7)
	hits := 0
	var v [1]types.Datum
	for {
		n, err := sc.Next(tids, b)
		storetest.Check(m.T, err)
		if n == 0 {
			return hits
		}
		for i, tid := range tids[:n] {
			if sc.AllVisible(i) {
				hits++
				continue
			}
			found, err := f.Index(tid, c.tx.Snapshot())
			storetest.Check(m.T, err)
			if !found {
				if f.AllDead() {
					sc.Kill(i)
				}
				continue
			}
			storetest.Check(m.T, f.Values(v[:]))
			if v[0].Int() == b.Cols[0].Get(i).Int() {
				hits++ // entries of older keys lead to the row too, when its chain is HOT they do not: then the key is the same
			}
		}
	}
}

func (m *model) vacuum(p vacuum.Params) {
	tx := m.Begin()
	st, err := vacuum.Heap(tx, m.rel, []*btree.Index{m.byKey, m.byVal}, p)
	storetest.Check(m.T, err)
	m.logf("vacuum: removed %v, items %v, frozen %v", st.Removed, st.DeadItems, st.Frozen)
	storetest.Commit(m.T, tx)
}

// check runs the checkers; nobody writes meanwhile.
func (m *model) check() {
	tx := m.Begin()
	report := func(p check.Problem) { m.T.Errorf("%v", p) }
	storetest.Check(m.T, check.Heap(tx, m.rel, report))
	for i, ix := range []*btree.Index{m.byKey, m.byVal} {
		storetest.Check(m.T, check.Index(tx, ix, &check.Extract{Cols: []int{i}}, report))
		storetest.Check(m.T, check.Complete(tx, ix, &check.Extract{Cols: []int{i}}, report))
	}
	storetest.Commit(m.T, tx)
	if m.T.Failed() {
		m.T.Fatalf("%s", strings.Join(m.log, "\n"))
	}
}

func (m *model) crash() {
	m.Crash()
	m.logf("crash")
	m.reopen()
	c := m.clients[0]
	m.begin(c)
	m.look(c)
	m.end(c, true)
}

func drawRow(t *rapid.T) row {
	return row{int64(rapid.IntRange(0, 20).Draw(t, "val")), strings.Repeat("p", rapid.IntRange(0, 600).Draw(t, "pad"))}
}

// TestModel runs random histories.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(t, rapid.Uint64().Draw(rt, "seed"))
		defer m.Close()
		running := func(f func(rt *rapid.T, c *client)) func(*rapid.T) {
			return func(rt *rapid.T) {
				c := m.clients[rapid.IntRange(0, len(m.clients)-1).Draw(rt, "client")]
				m.begin(c)
				if !c.dead {
					f(rt, c)
				}
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"insert": running(func(rt *rapid.T, c *client) {
				for range rapid.IntRange(1, 20).Draw(rt, "n") {
					m.insert(c, drawRow(rt))
				}
			}),
			"update":  running(func(rt *rapid.T, c *client) { m.update(rt, c, drawRow(rt)) }),
			"update2": running(func(rt *rapid.T, c *client) { m.update(rt, c, drawRow(rt)) }),
			"delete":  running(m.remove),
			"lock":    running(m.lock),
			"look":    running(func(_ *rapid.T, c *client) { m.look(c) }),
			"commit":  running(func(_ *rapid.T, c *client) { m.end(c, true) }),
			"commit2": running(func(_ *rapid.T, c *client) { m.end(c, true) }),
			"abort":   running(func(_ *rapid.T, c *client) { m.end(c, false) }),
			"savepoint": running(func(_ *rapid.T, c *client) {
				_, err := c.tx.BeginSub()
				storetest.Check(t, err)
				c.subs = append(c.subs, saved{maps.Clone(c.view), maps.Clone(c.touched)})
			}),
			"rollback to": running(func(_ *rapid.T, c *client) {
				if n := len(c.subs); n > 0 {
					c.tx.AbortSub()
					c.view, c.touched = c.subs[n-1].view, c.subs[n-1].touched
					c.subs = c.subs[:n-1]
				}
			}),
			"vacuum": func(rt *rapid.T) {
				m.vacuum(vacuum.Params{Freeze: rapid.Bool().Draw(rt, "freeze"), IndexCleanup: vacuum.CleanupOn,
					DisablePageSkipping: rapid.Bool().Draw(rt, "all pages")})
			},
			"checkpoint": func(rt *rapid.T) { m.Checkpoint() },
			"crash":      func(rt *rapid.T) { m.crash() },
		})
		for _, c := range m.clients {
			m.end(c, true)
		}
		m.check()
		m.vacuum(vacuum.Params{Freeze: true, IndexCleanup: vacuum.CleanupOn})
		m.check()
		m.crash()
		m.check()
	})
}
