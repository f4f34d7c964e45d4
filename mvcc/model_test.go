package mvcc

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gompho/internal/ids"
	"gompho/locks"
	"gompho/storage/tuple"
)

// The model: sessions insert, delete and lock tuples of one table in nested transactions, checkpoints and crashes
// come in between. What each snapshot sees is compared with a naive account of who did what and when it became final.

// node is a transaction or subtransaction of the model.
type node struct {
	parent  *node
	aborted bool
	seq     int // of the commit, on the top node; 0 before
	async   int // log position that its commit needs to survive, 0 if it does
}

func (n *node) top() *node {
	for n.parent != nil {
		n = n.parent
	}
	return n
}

func (n *node) dead() bool {
	for ; n != nil; n = n.parent {
		if n.aborted {
			return true
		}
	}
	return false
}

type act struct {
	n   *node
	cid ids.CommandID
}

type row struct {
	h    tuple.Header
	ins  act
	dels []act // one at most of which is alive
}

// seen reports whether a snapshot that was taken at seq by a session in transaction me sees a.
func (a act) seen(me *node, cur ids.CommandID, seq int) bool {
	if a.n.dead() {
		return false
	}
	if t := a.n.top(); t != me {
		return t.seq != 0 && t.seq <= seq
	}
	return a.cid < cur
}

type actor struct {
	m     *model
	s     *Session
	nodes []*node
	snaps []modelSnap
	async bool
	names []modelExport
}

// modelExport is a snapshot that the actor's transaction has exported.
type modelExport struct {
	name string
	seq  int
}

type modelSnap struct {
	sn    *Snapshot
	seq   int
	level int
}

type model struct {
	*rapid.T
	srv    *server
	actors []*actor
	rows   []*row
	tops   []*node
	seq    int
	firsts map[*actor]int // seq of the first snapshot under repeatable read
	// prepared are the transactions that PREPARE TRANSACTION has taken from their sessions, by identifier.
	prepared map[string]*node
	gids     int
	ended    []string // names of snapshots whose exporters are gone
}

func (m *model) fresh() {
	m.actors, m.ended = nil, nil
	m.firsts = map[*actor]int{}
	m.srv.m.maxSubs = 2
	for range 3 {
		a := &actor{m: m}
		a.s = m.srv.m.NewSession(nil, m.srv.m.locks.NewOwner(nil, defaultOwner), SessionOptions{SyncCommit: func() bool { return !a.async }})
		m.actors = append(m.actors, a)
	}
}

func (m *model) actor() *actor { return rapid.SampledFrom(m.actors).Draw(m.T, "actor") }

func (m *model) running() *actor {
	a := m.actor()
	if len(a.nodes) == 0 {
		iso := rapid.SampledFrom([]Isolation{ReadCommitted, RepeatableRead}).Draw(m.T, "isolation")
		m.begin(a, iso)
	}
	return a
}

func (m *model) begin(a *actor, iso Isolation) {
	check(a.s.Begin(BeginOpts{Isolation: iso}))
	n := &node{}
	a.nodes = append(a.nodes, n)
	m.tops = append(m.tops, n)
}

func (a *actor) node() *node { return a.nodes[len(a.nodes)-1] }

func (a *actor) end() {
	a.nodes, a.snaps = nil, nil
	for _, e := range a.names {
		a.m.ended = append(a.m.ended, e.name)
	}
	a.names = nil
}

func (m *model) Insert(t *rapid.T) {
	a := m.running()
	h := tuple.Header(make([]byte, tuple.HeaderSize))
	h.SetXmin(must(a.s.AssignXid()))
	h.SetInfomask(tuple.XmaxInvalid)
	cid := a.s.CommandID(true)
	h.SetCid(cid, false)
	h.SetCtid(ids.TID{Block: 0, Offset: ids.OffsetNumber(len(m.rows) + 1)})
	m.rows = append(m.rows, &row{h: h, ins: act{a.node(), cid}})
}

// Delete deletes a row if UpdateStatus allows it, and checks what it says.
func (m *model) Delete(t *rapid.T) {
	if len(m.rows) == 0 {
		t.Skip()
	}
	a := m.running()
	r := rapid.SampledFrom(m.rows).Draw(t, "row")
	cid := a.s.CommandID(false)
	v, _ := a.s.UpdateStatus(r.h, r.h.Ctid(), cid)
	if want := m.verdict(a, r, cid); v != want {
		t.Fatalf("UpdateStatus %d, want %d of %x", v, want, []byte(r.h))
	}
	if v != TMOk {
		return
	}
	xid := must(a.s.AssignXid())
	cid = a.s.CommandID(true)
	r.h.SetInfomask(r.h.Infomask() &^ tuple.XmaxBits)
	c, combo := a.s.AdjustCmax(r.h, cid)
	r.h.SetCid(c, combo)
	r.h.SetXmax(xid)
	r.dels = append(r.dels, act{a.node(), cid})
}

func (m *model) verdict(a *actor, r *row, cid ids.CommandID) Verdict {
	me := a.nodes[0]
	if r.ins.n.dead() || r.ins.n.top() != me && r.ins.n.top().seq == 0 || r.ins.n.top() == me && r.ins.cid >= cid {
		return TMInvisible
	}
	for _, d := range r.dels {
		if d.n.dead() {
			continue
		}
		switch top := d.n.top(); {
		case top == me && d.cid >= cid:
			return TMSelfModified
		case top == me:
			return TMInvisible
		case top.seq == 0:
			return TMBeingModified
		default:
			return TMDeleted
		}
	}
	if m := r.h.Infomask(); m&tuple.XmaxInvalid == 0 && tuple.XmaxIsLockedOnly(m) {
		return lockVerdict(a, r.h)
	}
	return TMOk
}

// lockVerdict decides about a row that is only locked: somebody's running lock is in the way.
func lockVerdict(a *actor, h tuple.Header) Verdict {
	if h.Infomask()&tuple.XmaxIsMulti != 0 {
		for _, mb := range must(a.s.m.MultiMembers(h.Multi())) {
			if a.s.m.Status(mb.Xid) == InProgress {
				return TMBeingModified
			}
		}
	} else if a.s.m.Status(h.Xmax()) == InProgress {
		return TMBeingModified
	}
	return TMOk
}

// Lock puts a share lock on a row, in a multixact with those of others.
func (m *model) Lock(t *rapid.T) {
	if len(m.rows) == 0 {
		t.Skip()
	}
	a := m.running()
	r := rapid.SampledFrom(m.rows).Draw(t, "row")
	v, _ := a.s.UpdateStatus(r.h, r.h.Ctid(), a.s.CommandID(false))
	mask := r.h.Infomask()
	lockedOnly := mask&tuple.XmaxInvalid == 0 && tuple.XmaxIsLockedOnly(mask)
	if v != TMOk && !(v == TMBeingModified && lockedOnly) {
		return
	}
	xid := must(a.s.AssignXid())
	me := Member{xid, ForShare}
	bits, xmax := tuple.XmaxLockOnly|tuple.XmaxShrLock, xid
	if v == TMBeingModified {
		var id ids.MultiXactID
		if mask&tuple.XmaxIsMulti != 0 {
			id = must(a.s.MultiExpand(r.h.Multi(), me))
		} else if r.h.Xmax() != xid {
			id = must(a.s.MultiCreate(Member{r.h.Xmax(), ForShare}, me))
		}
		if id != 0 {
			bits, xmax = tuple.XmaxLockOnly|tuple.XmaxShrLock|tuple.XmaxIsMulti, ids.Xid(id)
		}
	}
	r.h.SetInfomask(mask&^tuple.XmaxBits | bits)
	r.h.SetXmax(xmax)
}

func (m *model) IncrementCommand(t *rapid.T) { check(m.running().s.IncrementCommand()) }

func (m *model) BeginSub(t *rapid.T) {
	a := m.running()
	must(a.s.BeginSub())
	a.nodes = append(a.nodes, &node{parent: a.node()})
}

func (m *model) EndSub(t *rapid.T) {
	a := m.running()
	n := len(a.nodes) - 1
	if n == 0 {
		t.Skip()
	}
	if rapid.Bool().Draw(t, "commit") {
		check(a.s.CommitSub())
		for i := range a.snaps {
			a.snaps[i].level = min(a.snaps[i].level, n-1)
		}
	} else {
		a.s.AbortSub()
		a.nodes[n].aborted = true
		var kept []modelSnap
		for _, sn := range a.snaps {
			if sn.level < n {
				kept = append(kept, sn)
			}
		}
		a.snaps = kept
	}
	a.nodes = a.nodes[:n]
}

func (m *model) End(t *rapid.T) {
	a := m.running()
	top := a.nodes[0]
	if rapid.Bool().Draw(t, "commit") {
		a.async = rapid.Bool().Draw(t, "async")
		hadXid := a.s.TopXid() != 0
		check(a.s.Commit())
		m.seq++
		top.seq = m.seq
		if hadXid && a.async {
			top.async = len(m.srv.log.records)
		}
	} else {
		a.s.Abort()
		top.aborted = true
	}
	delete(m.firsts, a)
	a.end()
}

// Prepare leaves a transaction to whoever finishes it.
func (m *model) Prepare(t *rapid.T) {
	a := m.running()
	gid := fmt.Sprintf("g%d", m.gids)
	if len(m.prepared) == 5 || len(a.names) > 0 {
		if err := a.s.Prepare(gid, 10); err == nil {
			t.Fatal("more than max_prepared_transactions are prepared, or one that has exported a snapshot")
		}
		a.s.Abort()
		a.nodes[0].aborted = true
	} else {
		m.gids++
		check(a.s.Prepare(gid, 10))
		m.prepared[gid] = a.nodes[0]
	}
	delete(m.firsts, a)
	a.end()
}

// Finish ends a prepared transaction.
func (m *model) Finish(t *rapid.T) {
	var gids []string
	for gid := range m.prepared {
		gids = append(gids, gid)
	}
	if len(gids) == 0 {
		t.Skip()
	}
	slices.Sort(gids)
	m.finish(rapid.SampledFrom(gids).Draw(t, "gid"), rapid.Bool().Draw(t, "commit"))
}

func (m *model) finish(gid string, commit bool) {
	p := must(m.srv.m.ClaimPrepared(gid, 10, 0, false))
	m.srv.m.FinishPrepared(nil, p, commit)
	n := m.prepared[gid]
	delete(m.prepared, gid)
	if commit {
		m.seq++
		n.seq = m.seq
	} else {
		n.aborted = true
	}
}

// checkPrepared compares what is prepared, and who holds the locks of it.
func (m *model) checkPrepared(t *rapid.T) {
	list := m.srv.m.Prepared()
	if len(list) != len(m.prepared) {
		t.Fatalf("%d prepared transactions, want %d", len(list), len(m.prepared))
	}
	held := map[ids.Xid]bool{}
	for _, r := range m.srv.m.locks.Snapshot() {
		if r.Tag.Kind() == locks.KindTransaction && r.PID == 0 && !r.FastPath {
			held[r.Tag.Xid()] = true
		}
	}
	for _, p := range list {
		if m.prepared[p.Gid] == nil || !held[p.Xid] || m.srv.m.Status(p.Xid) != InProgress {
			t.Fatalf("%s is prepared as %d: known %v, locked %v, status %d", p.Gid, p.Xid, m.prepared[p.Gid] != nil, held[p.Xid], m.srv.m.Status(p.Xid))
		}
	}
}

// snapshotSeq is what a snapshot that the actor takes now sees.
func (m *model) snapshotSeq(a *actor) int {
	if a.s.Isolation() != RepeatableRead {
		return m.seq
	}
	if _, ok := m.firsts[a]; !ok {
		m.firsts[a] = m.seq
	}
	return m.firsts[a]
}

func (m *model) Export(t *rapid.T) {
	a := m.running()
	if len(a.nodes) > 1 {
		if _, err := a.s.Export(); err == nil {
			t.Fatal("a subtransaction has exported a snapshot")
		}
		return
	}
	a.names = append(a.names, modelExport{seq: m.snapshotSeq(a)})
	a.names[len(a.names)-1].name = must(a.s.Export())
}

// Import begins a transaction with a snapshot that another has exported.
func (m *model) Import(t *rapid.T) {
	b, from := m.actor(), m.actor()
	if len(b.nodes) > 0 || len(from.names)+len(m.ended) == 0 {
		t.Skip()
	}
	m.begin(b, RepeatableRead)
	if len(m.ended) > 0 && (len(from.names) == 0 || rapid.Bool().Draw(t, "ended")) {
		if err := b.s.Import(rapid.SampledFrom(m.ended).Draw(t, "name")); err == nil {
			t.Fatal("the snapshot of a transaction that is over was imported")
		}
		return
	}
	e := rapid.SampledFrom(from.names).Draw(t, "export")
	check(b.s.Import(e.name))
	m.firsts[b] = e.seq
	b.snaps = append(b.snaps, modelSnap{b.s.Register(b.s.Snapshot()), e.seq, 0})
}

func (m *model) TakeSnapshot(t *rapid.T) {
	a := m.running()
	seq := m.snapshotSeq(a)
	sn := a.s.Register(a.s.Snapshot())
	a.snaps = append(a.snaps, modelSnap{sn, seq, len(a.nodes) - 1})
}

func (m *model) DropSnapshot(t *rapid.T) {
	a := m.actor()
	if n := len(a.snaps); n > 0 {
		i := rapid.IntRange(0, n-1).Draw(t, "which")
		a.s.Unregister(a.snaps[i].sn)
		a.snaps = append(a.snaps[:i:i], a.snaps[i+1:]...)
	}
}

func (m *model) FlushLog(t *rapid.T) { m.srv.log.Flush(nil, ids.LSN(len(m.srv.log.records))) }

func (m *model) Checkpoint(t *rapid.T) { m.srv.checkpoint() }

func (m *model) Crash(t *rapid.T) {
	if rapid.IntRange(0, 4).Draw(t, "really") != 0 {
		t.Skip()
	}
	flushed := int(m.srv.log.flushed)
	for _, n := range m.tops {
		if n.seq == 0 && !m.isPrepared(n) || n.async > flushed {
			n.aborted = true // running, or its commit record is lost
		}
	}
	before := m.srv.m.NextXid()
	m.srv.crash()
	if after := m.srv.m.NextXid(); after < before {
		t.Fatalf("ids from %d on are given out again, used up to %d", after, before)
	}
	m.fresh()
}

func (m *model) isPrepared(n *node) bool {
	for _, p := range m.prepared {
		if p == n {
			return true
		}
	}
	return false
}

// Vacuum removes rows that are dead for all, and checks that no snapshot sees them.
func (m *model) Vacuum(t *rapid.T) {
	horizon := m.srv.m.OldestXmin(0)
	var kept []*row
	for _, r := range m.rows {
		v, _, _ := m.srv.m.VacuumStatus(r.h, horizon)
		if v != VacuumDead {
			kept = append(kept, r)
			continue
		}
		for _, a := range m.actors {
			for _, sn := range a.snaps {
				if m.sees(a, sn, r) {
					t.Fatalf("row %x is called dead at %d but a snapshot sees it", []byte(r.h), horizon)
				}
			}
		}
		if r.ins.n.dead() {
			continue
		}
		gone := false
		for _, d := range r.dels {
			gone = gone || !d.n.dead() && d.n.top().seq != 0
		}
		if !gone {
			t.Fatalf("row %x is there but called dead", []byte(r.h))
		}
	}
	m.rows = kept
}

func (m *model) sees(a *actor, sn modelSnap, r *row) bool {
	me := a.nodes[0]
	if !r.ins.seen(me, sn.sn.CurCid, sn.seq) {
		return false
	}
	for _, d := range r.dels {
		if d.seen(me, sn.sn.CurCid, sn.seq) {
			return false
		}
	}
	return true
}

// Check compares every snapshot with the account.
func (m *model) Check(t *rapid.T) {
	m.checkPrepared(t)
	for _, a := range m.actors {
		for _, sn := range a.snaps {
			for i, r := range m.rows {
				want := m.sees(a, sn, r)
				if got, _ := sn.sn.Satisfies(r.h); got != want {
					t.Fatalf("row %d %x: %v, want %v; snapshot %d..%d %v cid %d", i, []byte(r.h), got, want, sn.sn.Xmin, sn.sn.Xmax, sn.sn.Xip, sn.sn.CurCid)
				}
			}
		}
		if len(a.nodes) > 0 {
			for i, r := range m.rows {
				if got, _ := a.s.SatisfiesSelf(r.h); got != m.thereFor(a, r) {
					t.Fatalf("row %d %x: self %v", i, []byte(r.h), got)
				}
			}
		}
	}
}

func (m *model) thereFor(a *actor, r *row) bool {
	const now = 1 << 40
	me := a.nodes[0]
	if !r.ins.seen(me, ids.InvalidCommandID, now) {
		return false
	}
	for _, d := range r.dels {
		if d.seen(me, ids.InvalidCommandID, now) {
			return false
		}
	}
	return true
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{T: rt, srv: newServer(t), prepared: map[string]*node{}}
		m.fresh()
		rt.Repeat(map[string]func(*rapid.T){
			"": m.Check, "insert": m.Insert, "delete": m.Delete, "lock": m.Lock, "command": m.IncrementCommand,
			"beginSub": m.BeginSub, "endSub": m.EndSub, "end": m.End, "snapshot": m.TakeSnapshot, "drop": m.DropSnapshot,
			"flush": m.FlushLog, "checkpoint": m.Checkpoint, "crash": m.Crash, "vacuum": m.Vacuum,
			"prepare": m.Prepare, "finish": m.Finish, "export": m.Export, "import": m.Import,
		})
		for gid := range m.prepared {
			m.finish(gid, true)
		}
		if left := must(m.srv.d.ReadDir("data/pg_twophase")); len(left) > 0 {
			rt.Fatalf("%d files are left of finished transactions", len(left))
		}
		for _, a := range m.actors {
			a.s.Close()
			if n := len(m.srv.m.exports); n > 0 && a == m.actors[2] {
				rt.Fatalf("%d snapshots still have a name", n)
			}
			if rows := m.srv.m.locks.Snapshot(); len(rows) > 0 && a == m.actors[2] {
				rt.Fatalf("locks left: %s", fmt.Sprint(rows))
			}
		}
	})
}
