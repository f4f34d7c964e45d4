package ssi

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/pgerr"

	"pgregory.net/rapid"
)

// world is a table of a few rows under snapshot isolation, with this package deciding who may commit.
type world struct {
	t       rapid.TB
	m       *Manager
	next    ids.Xid
	clock   int
	rows    [][]version
	txs     []*history
	aborted int
}

type version struct {
	by  *history
	xid ids.Xid
}

// history is one transaction: its snapshot is what had committed at start.
type history struct {
	x        *Xact
	xid      ids.Xid
	xmin     ids.Xid
	start    int
	end      int // 0 while it runs
	readOnly bool
	gone     bool // aborted
	reads    map[int]*history
	writes   map[int]bool
}

var table = Rel{DB: 5, Oid: 20000}

func (w *world) begin(readOnly bool) *history {
	w.clock++
	h := &history{start: w.clock, readOnly: readOnly, reads: map[int]*history{}, writes: map[int]bool{}}
	h.x = w.m.Begin(BeginOpts{ReadOnly: readOnly}, func() ids.Xid {
		xmin := w.next
		for _, o := range w.txs {
			if o.end == 0 && !o.gone && o.xid != 0 {
				xmin = min(xmin, o.xid)
			}
		}
		h.xmin = xmin
		return xmin
	})
	w.txs = append(w.txs, h)
	return h
}

// adopt begins a transaction with the snapshot of src.
func (w *world) adopt(src *history, readOnly bool) *history {
	h := &history{start: src.start, readOnly: readOnly, reads: map[int]*history{}, writes: map[int]bool{}}
	var err error
	h.x, err = w.m.Import(BeginOpts{ReadOnly: readOnly}, src.x, func() (ids.Xid, error) { return src.xmin, nil })
	if err != nil {
		h.gone = true // src is going to fail
		return h
	}
	h.xmin = src.xmin
	w.txs = append(w.txs, h)
	return h
}

func (w *world) sees(h, by *history) bool {
	return by == nil || by == h || !by.gone && by.end != 0 && by.end < h.start
}

func (w *world) abort(h *history) {
	h.x.Finish(false, w.next)
	h.gone = true
}

// read returns false when the transaction had to end.
func (w *world) read(h *history, row int) bool {
	var seen *history
	if h.x.Reading() {
		if err := h.x.LockTuple(table, ids.TID{Block: 0, Offset: ids.OffsetNumber(row + 1)}); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, v := range w.rows[row] {
		if v.by != nil && v.by.gone {
			continue
		}
		if w.sees(h, v.by) {
			seen = v.by
		} else if h.x.Reading() {
			if err := h.x.ConflictOut(v.xid); err != nil {
				w.refuse(h, err)
				return false
			}
		}
	}
	if seen != h {
		h.reads[row] = seen
	}
	return true
}

func (w *world) refuse(h *history, err error) {
	var e *pgerr.Error
	if !errors.As(err, &e) || e.Code != pgerr.TRSerializationFailure {
		w.t.Fatalf("error %v", err)
	}
	w.aborted++
	w.abort(h)
}

// write makes a version; the first updater wins as under snapshot isolation.
func (w *world) write(h *history, row int) {
	for _, v := range w.rows[row] {
		if (v.by == nil || !v.by.gone) && !w.sees(h, v.by) {
			w.abort(h)
			return
		}
	}
	if h.xid == 0 {
		h.xid = w.next
		w.next++
		h.x.AddXid(h.xid)
	}
	if err := h.x.ConflictInTuple(table, ids.TID{Block: 0, Offset: ids.OffsetNumber(row + 1)}, false); err != nil {
		w.refuse(h, err)
		return
	}
	h.writes[row] = true
	w.rows[row] = append(w.rows[row], version{h, h.xid})
}

func (w *world) commit(h *history) {
	if err := h.x.PreCommit(); err != nil {
		w.refuse(h, err)
		return
	}
	w.clock++
	h.end = w.clock
	h.x.Finish(true, w.next)
}

// cyclic reports whether the dependencies of the committed transactions have a cycle: then no serial order explains what they read.
func (w *world) cyclic() bool {
	after := map[*history][]*history{}
	for row, vs := range w.rows {
		var order []*history
		for _, v := range vs {
			if v.by != nil && v.by.end != 0 {
				order = append(order, v.by)
			}
		}
		slices.SortFunc(order, func(a, b *history) int { return a.end - b.end })
		order = slices.Compact(order)
		for i := 1; i < len(order); i++ {
			after[order[i-1]] = append(after[order[i-1]], order[i])
		}
		for _, r := range w.txs {
			from, read := r.reads[row]
			if !read || r.end == 0 {
				continue
			}
			if from != nil {
				after[from] = append(after[from], r)
			}
			for _, o := range order {
				if o != r && (from == nil || o.end > from.end) {
					after[r] = append(after[r], o)
				}
			}
		}
	}
	state := map[*history]int{}
	var visit func(h *history) bool
	visit = func(h *history) bool {
		state[h] = 1
		for _, n := range after[h] {
			if state[n] == 1 || state[n] == 0 && visit(n) {
				return true
			}
		}
		state[h] = 2
		return false
	}
	for _, h := range w.txs {
		if state[h] == 0 && visit(h) {
			return true
		}
	}
	return false
}

// draw plays a random history and returns the world after it. rapid prefers small numbers, which makes for tame histories: it draws the
// seed and the length, and chance the steps.
func draw(t *rapid.T, m *Manager) *world {
	return run(t, m, rapid.Uint64().Draw(t, "seed"), rapid.IntRange(10, 80).Draw(t, "steps"))
}

// run plays the history of a seed and returns the world after it.
func run(t rapid.TB, m *Manager, seed uint64, steps int) *world {
	w := &world{t: t, m: m, next: 10, rows: make([][]version, 4)}
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range w.rows {
		w.rows[i] = []version{{}}
	}
	var running []*history
	for range steps {
		running = slices.DeleteFunc(running, func(h *history) bool { return h.gone || h.end != 0 })
		op := r.IntN(12)
		if len(running) < 2 || op == 0 && len(running) < 6 {
			running = append(running, w.begin(r.IntN(4) == 0))
			continue
		}
		h := running[r.IntN(len(running))]
		if op == 1 && len(running) < 6 {
			running = append(running, w.adopt(h, h.readOnly || r.IntN(2) == 0))
			continue
		}
		row := r.IntN(len(w.rows))
		switch {
		case op < 6 || op < 9 && h.readOnly:
			w.read(h, row)
		case op < 9:
			if w.read(h, row) {
				w.write(h, row)
			}
		case op < 11:
			w.commit(h)
		default:
			w.abort(h)
		}
	}
	for _, h := range running {
		if !h.gone && h.end == 0 {
			w.commit(h)
		}
	}
	return w
}

// Every committed history is serializable, and nothing is left when all have ended.
func TestHistoriesAreSerializable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := NewManager(Options{})
		if draw(t, m).cyclic() {
			t.Fatal("a cycle of dependencies committed")
		}
		// What ran beside it decides when a transaction is forgotten: at the end nothing does.
		if n := len(m.Snapshot()); n != 0 || m.targets.Load() != 0 || m.xacts.Load() != 0 || len(m.byXid) != 0 {
			t.Fatalf("left: %d locks, %d targets, %d transactions, %d ids", n, m.targets.Load(), m.xacts.Load(), len(m.byXid))
		}
	})
}

// The histories have conflicts: of a hundred with fixed seeds, some transactions are refused and more commit.
func TestHistoriesConflict(t *testing.T) {
	refused, committed := 0, 0
	for seed := range uint64(100) {
		w := run(t, NewManager(Options{}), seed, 80)
		refused += w.aborted
		for _, h := range w.txs {
			if h.end != 0 {
				committed++
			}
		}
	}
	t.Logf("%d refused, %d committed", refused, committed)
	if refused < 10 || committed < refused {
		t.Fatalf("%d transactions refused, %d committed: tame histories", refused, committed)
	}
}

// With room for two transactions only, old ones are summarised, and nothing is missed for that.
func TestSummarised(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := NewManager(Options{MaxOwners: 1, LocksPerXact: 100})
		m.xacts.Add(9)
		if draw(t, m).cyclic() {
			t.Fatal("a cycle of dependencies committed")
		}
	})
}

// Locks on many parts become one on the whole.
func TestPromotion(t *testing.T) {
	m := NewManager(Options{})
	x := m.Begin(BeginOpts{}, func() ids.Xid { return 1 })
	for off := ids.OffsetNumber(1); off <= 3; off++ {
		if err := x.LockTuple(table, ids.TID{Block: 7, Offset: off}); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.Snapshot(); len(got) != 1 || got[0].Tag != pageTag(table, 7) {
		t.Fatalf("three rows of a page: %v", got)
	}
	for b := ids.BlockNumber(10); b < 50; b++ {
		if err := x.LockPage(table, b); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.Snapshot(); len(got) != 1 || !got[0].IsRelation() {
		t.Fatalf("many pages: %v", got)
	}
}

// What a prepared transaction read survives its encoding, and it still stands in the way afterwards.
func TestPrepared(t *testing.T) {
	m := NewManager(Options{})
	x := m.Begin(BeginOpts{}, func() ids.Xid { return 1 })
	if err := x.LockRelation(table); err != nil {
		t.Fatal(err)
	}
	p, err := DecodePrepared(x.State().Append(nil))
	if err != nil || len(p.Locks) != 1 || p.Locks[0] != relationTag(table) {
		t.Fatalf("%+v, %v", p, err)
	}
	after := NewManager(Options{})
	if _, err := after.Restore(p, []ids.Xid{3}); err != nil {
		t.Fatal(err)
	}
	w := after.Begin(BeginOpts{}, func() ids.Xid { return 1 })
	w.AddXid(4)
	if w.ConflictOut(3) == nil {
		t.Fatal("a conflict out to a prepared transaction that may have had one itself was allowed")
	}
}
