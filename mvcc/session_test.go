package mvcc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/storage/tuple"
)

// recorder notes the calls of hooks and what is true at the time.
type recorder struct {
	s     *Session
	other *Session
	xid   ids.Xid
	notes []string
	fail  bool
}

func (r *recorder) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

func (r *recorder) PreCommit() error {
	r.note("precommit running=%v", r.s.m.IsInProgress(r.xid))
	if r.fail {
		return pgerr.Internal("no")
	}
	return nil
}

func (r *recorder) locked() bool {
	ok, _ := r.other.owner.TryAcquire(locks.RelationTag(1, 2), locks.AccessExclusive, false)
	r.other.owner.ReleaseTransaction()
	return !ok
}

func (r *recorder) BeforeUnlock(commit bool) {
	r.note("unlock commit=%v running=%v committed=%v locked=%v", commit, r.s.m.IsInProgress(r.xid), r.s.m.DidCommit(r.xid), r.locked())
}

func (r *recorder) AtEnd(commit bool) { r.note("end commit=%v locked=%v", commit, r.locked()) }

func (r *recorder) AtSubEnd(sub, parent SubID, commit bool) {
	r.note("sub %d of %d commit=%v", sub, parent, commit)
}

func (r *recorder) OnCommand() { r.note("command %d", r.s.CommandID(false)) }

func TestOrderOfTheEnd(t *testing.T) {
	srv := newServer(t)
	s := srv.session()
	r := &recorder{s: s, other: srv.session()}
	s.AddHook(r)
	begin := func() {
		r.notes = nil
		check(s.Begin(BeginOpts{}))
		r.xid = must(s.AssignXid())
		check(s.owner.Acquire(locks.RelationTag(1, 2), locks.AccessShare, locks.Opts{}))
	}
	expect := func(want ...string) {
		t.Helper()
		if !slices.Equal(r.notes, want) {
			t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(r.notes, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
	begin()
	check(s.IncrementCommand())
	s.CommandID(true)
	check(s.IncrementCommand())
	must(s.BeginSub())
	must(s.BeginSub())
	s.AbortSub()
	s.CreatedFile(ids.RelFile{Rel: 1})
	s.DropFile(ids.RelFile{Rel: 2})
	check(s.Commit())
	expect("command 1", "sub 3 of 2 commit=false", "sub 2 of 1 commit=true", "precommit running=true",
		"unlock commit=true running=false committed=true locked=true", "end commit=true locked=false")
	if !slices.Equal(srv.unlinked, []ids.RelFile{{Rel: 2}}) {
		t.Errorf("unlinked %v", srv.unlinked)
	}

	begin()
	r.fail = true
	if s.Commit() == nil || !s.InTransaction() {
		t.Error("a failed hook does not stop the commit")
	}
	must(s.BeginSub())
	s.Abort()
	expect("precommit running=true", "sub 2 of 1 commit=false",
		"unlock commit=false running=false committed=false locked=true", "end commit=false locked=false")
	if srv.m.Status(r.xid) != Aborted {
		t.Error("not aborted")
	}
}

func TestFilesOfSubtransactions(t *testing.T) {
	srv := newServer(t)
	s := srv.session()
	check(s.Begin(BeginOpts{}))
	must(s.BeginSub())
	s.CreatedFile(ids.RelFile{Rel: 10})
	s.DropFile(ids.RelFile{Rel: 11})
	must(s.BeginSub())
	s.CreatedFile(ids.RelFile{Rel: 12})
	check(s.CommitSub())
	s.AbortSub()
	if !slices.Equal(srv.unlinked, []ids.RelFile{{Rel: 10}, {Rel: 12}}) {
		t.Errorf("at the subtransaction's abort: %v", srv.unlinked)
	}
	srv.unlinked = nil
	must(s.BeginSub())
	s.DropFile(ids.RelFile{Rel: 13})
	check(s.CommitSub())
	check(s.Commit())
	if !slices.Equal(srv.unlinked, []ids.RelFile{{Rel: 13}}) {
		t.Errorf("at commit: %v", srv.unlinked)
	}
	srv.unlinked = nil
	srv.crash() // the commit record is replayed, and says so again
	if !slices.Equal(srv.unlinked, []ids.RelFile{{Rel: 13}}) {
		t.Errorf("at redo: %v", srv.unlinked)
	}
}

func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		a, b, c := srv.session(), srv.session(), srv.session()
		for _, s := range []*Session{a, b, c} {
			check(s.Begin(BeginOpts{}))
		}
		must(a.AssignXid())
		must(a.BeginSub())
		sub := must(a.AssignXid())
		share := must(a.MultiCreate(Member{a.TopXid(), ForShare}, Member{must(c.AssignXid()), ForKeyShare}))
		if over, err := b.TryWaitForXid(sub); over || err != nil {
			t.Errorf("over %v %v", over, err)
		}
		if n, ok, err := b.WaitForMulti(share, ForKeyShare, true); n != 2 || !ok || err != nil {
			t.Errorf("key share waits for nobody here: %d %v %v", n, ok, err)
		}
		if _, ok, _ := b.WaitForMulti(share, NoKeyUpdate, true); ok {
			t.Error("an update waits for the share lock")
		}
		done := make(chan string, 2)
		go func() { check(b.WaitForXid(sub)); done <- "xid" }()
		synctest.Wait()
		check(a.CommitSub()) // the top transaction decides
		synctest.Wait()
		if len(done) != 0 {
			t.Error("the subtransaction's commit ended the wait")
		}
		check(a.Commit())
		if got := <-done; got != "xid" {
			t.Error(got)
		}
		if n, ok, err := b.WaitForMulti(share, NoKeyUpdate, true); n != 1 || !ok || err != nil {
			t.Errorf("%d %v %v", n, ok, err)
		}
		grown := must(b.MultiExpand(share, Member{must(b.AssignXid()), ForShare}))
		ms := must(srv.m.MultiMembers(grown))
		if len(ms) != 2 || srv.m.UpdateMember(grown) != 0 || !srv.m.MultiIsRunning(grown, true) {
			t.Errorf("members %v", ms)
		}
		b.Close()
		c.Close()
	})
}

func TestHorizons(t *testing.T) {
	srv := newServer(t)
	a, b := srv.session(), srv.session()
	a.SetDatabase(1)
	b.SetDatabase(2)
	check(a.Begin(BeginOpts{Isolation: RepeatableRead}))
	a.Snapshot()
	low := srv.m.NextXid()
	for range 3 {
		check(b.Begin(BeginOpts{}))
		must(b.AssignXid())
		check(b.Commit())
	}
	next := srv.m.NextXid()
	for db, want := range map[ids.Oid]ids.Xid{0: low, 1: low, 2: next} {
		if got := srv.m.OldestXmin(db); got != want {
			t.Errorf("horizon of database %d is %d, want %d", db, got, want)
		}
	}
	vis := b.VisTest(true)
	if vis.Removable(low) || !vis.Removable(low-1) {
		t.Error("removable beside a's snapshot")
	}
	check(a.Commit())
	check(b.Begin(BeginOpts{}))
	must(b.AssignXid())
	check(b.Commit())
	if !vis.Removable(low) {
		t.Error("not removable after a's end")
	}
}

// Whoever replaces an index waits for old snapshots of its database, but not for those of transactions that use no index; the flag ends with them.
func TestBystander(t *testing.T) {
	srv := newServer(t)
	a, b, c := srv.session(), srv.session(), srv.session()
	for _, s := range []*Session{a, b, c} {
		s.SetDatabase(1)
		check(s.Begin(BeginOpts{Isolation: RepeatableRead}))
	}
	limit := srv.m.NextXid()
	waits := func() int { return len(srv.m.SnapshotsUpTo(limit, 1, c)) }
	if n := waits(); n != 0 {
		t.Errorf("%d to wait for before anybody has a snapshot", n)
	}
	a.Snapshot()
	b.Snapshot()
	low := srv.m.OldestXmin(1)
	if n := waits(); n != 2 {
		t.Errorf("%d to wait for, want 2", n)
	}
	a.SetBystander(true)
	if old := srv.m.SnapshotsUpTo(limit, 1, c); len(old) != 1 || old[0] != b.Vxid() {
		t.Errorf("to wait for: %v, want that of b, %v", old, b.Vxid())
	}
	if got := srv.m.OldestXmin(1); got != low {
		t.Errorf("a bystander's snapshot holds %d, want %d", got, low)
	}
	check(a.Commit())
	check(a.Begin(BeginOpts{Isolation: RepeatableRead}))
	a.Snapshot()
	if n := waits(); n != 2 {
		t.Errorf("%d to wait for after a's next begin, want 2", n)
	}
}

// Snapshots held one above the other: xmin follows the oldest that is left.
func TestHeldSnapshots(t *testing.T) {
	srv := newServer(t)
	s, w := srv.session(), srv.session()
	write := func() {
		check(w.Begin(BeginOpts{}))
		must(w.AssignXid())
		check(w.Commit())
	}
	xmin := func(want ids.Xid) {
		t.Helper()
		if got := srv.m.OldestXmin(0); got != want {
			t.Errorf("xmin %d, want %d", got, want)
		}
	}
	check(s.Begin(BeginOpts{Isolation: ReadCommitted}))
	first := s.Register(s.Snapshot())
	write()
	s.PushActive(s.Snapshot())
	second := s.Active().Xmin
	write()
	cat := s.CatalogSnapshot()
	if s.CatalogSnapshot() != cat {
		t.Error("the catalog snapshot is not kept")
	}
	write()
	if s.CatalogSnapshot() == cat {
		t.Error("the catalog snapshot is stale")
	}
	xmin(first.Xmin)
	s.Unregister(first)
	xmin(second)
	must(s.BeginSub())
	s.Register(s.LatestSnapshot())
	s.PopActive()
	s.ReleaseCatalogSnapshot()
	s.AbortSub()
	xmin(srv.m.NextXid())
	check(s.Commit())
}

func TestComboCommandIDs(t *testing.T) {
	s := newServer(t).session()
	check(s.Begin(BeginOpts{}))
	h := tuple.Header(make([]byte, tuple.HeaderSize))
	h.SetXmin(must(s.AssignXid()))
	h.SetCid(3, false)
	if cid, combo := s.AdjustCmax(h, 3); combo || cid != 3 {
		t.Errorf("%d %v", cid, combo)
	}
	cid, combo := s.AdjustCmax(h, 9)
	h.SetCid(cid, combo)
	if !combo || s.Cmin(h) != 3 || s.Cmax(h) != 9 {
		t.Errorf("combo %v cmin %d cmax %d", combo, s.Cmin(h), s.Cmax(h))
	}
	h.SetXmin(ids.FrozenXid)
	h.SetCid(0, false)
	if cid, combo := s.AdjustCmax(h, 9); combo || cid != 9 {
		t.Errorf("of another's tuple: %d %v", cid, combo)
	}
	s.Close()
}

// A clean stop wastes no ids, a crash at most a batch.
func TestNextXidAfterRestart(t *testing.T) {
	srv := newServer(t)
	use := func() ids.Xid {
		s := srv.session()
		check(s.Begin(BeginOpts{}))
		x := must(s.AssignXid())
		s.Abort()
		return x
	}
	for range xidBatch + 5 {
		use()
	}
	last := use()
	srv.log.Flush(nil, ids.LSN(len(srv.log.records)))
	srv.checkpoint()
	srv.open(false)
	if x := use(); x != last+1 {
		t.Errorf("after a clean stop %d, want %d", x, last+1)
	}
	last = use() // nothing of it is flushed but the limit
	srv.crash()
	if x := use(); x <= last || x > last+2*xidBatch {
		t.Errorf("after a crash %d, last was %d", x, last)
	}
}

func TestSpeculativeToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		a, b := srv.session(), srv.session()
		check(a.Begin(BeginOpts{}))
		check(b.Begin(BeginOpts{}))
		token := must(a.BeginSpeculative())
		done := make(chan struct{})
		go func() { check(b.WaitSpeculative(a.Xid(), token)); close(done) }()
		synctest.Wait()
		select {
		case <-done:
			t.Error("did not wait")
		default:
		}
		a.EndSpeculative()
		<-done
		if next := must(a.BeginSpeculative()); next == token {
			t.Error("the token is used again")
		}
		a.Close()
		b.Close()
	})
}
