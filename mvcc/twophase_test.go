package mvcc

import (
	"bytes"
	"slices"
	"testing"

	"gompho/internal/ids"
	"gompho/locks"
)

// prepareOne prepares a transaction that has a subtransaction, files, and a lock on relation 77.
func prepareOne(srv *server, gid string) *Session {
	s := srv.session()
	s.SetDatabase(5)
	check(s.Begin(BeginOpts{}))
	must(s.AssignXid())
	must(s.BeginSub())
	must(s.AssignXid())
	s.CreatedFile(ids.RelFile{Spc: 1, DB: 5, Rel: 70})
	s.DropFile(ids.RelFile{Spc: 1, DB: 5, Rel: 71})
	check(s.Locks().Acquire(locks.RelationTag(5, 77), locks.RowExclusive, locks.Opts{}))
	check(s.Prepare(gid, 10))
	return s
}

// A file of a transaction that is over, which a crash has brought back, is not believed.
func TestStaleState(t *testing.T) {
	for _, commit := range []bool{true, false} {
		srv := newServer(t)
		prepareOne(srv, "g")
		srv.checkpoint()
		name := srv.m.prep.name(srv.m.Prepared()[0].Xid)
		f := srv.d.files[name]
		if f == nil {
			t.Fatalf("no file %s after a checkpoint", name)
		}
		srv.m.FinishPrepared(nil, must(srv.m.ClaimPrepared("g", 10, 5, false)), commit)
		if srv.d.files[name] != nil {
			t.Fatal("the file stays after the end of the transaction")
		}
		srv.checkpoint()
		srv.d.files[name] = f
		srv.crash()
		if n := len(srv.m.Prepared()); n != 0 || srv.d.files[name] != nil {
			t.Errorf("commit %v: %d transactions are prepared, file %v", commit, n, srv.d.files[name] != nil)
		}
	}
}

// Files go with the end that they wait for, after a restart too; they are known as somebody's until then.
func TestPreparedFiles(t *testing.T) {
	made, dropped := ids.RelFile{Spc: 1, DB: 5, Rel: 70}, ids.RelFile{Spc: 1, DB: 5, Rel: 71}
	for _, restart := range []bool{false, true} {
		for _, commit := range []bool{true, false} {
			srv := newServer(t)
			prepareOne(srv, "g")
			if restart {
				srv.crash()
			}
			if got := srv.m.PreparedFiles(); len(got) != 2 || !got[made] || !got[dropped] {
				t.Fatalf("files %v", got)
			}
			srv.m.FinishPrepared(nil, must(srv.m.ClaimPrepared("g", 10, 5, false)), commit)
			want := made
			if commit {
				want = dropped
			}
			if !slices.Equal(srv.unlinked, []ids.RelFile{want}) {
				t.Errorf("restart %v, commit %v: removed %v", restart, commit, srv.unlinked)
			}
		}
	}
}

// Locks are not to be had by others, before and after a restart, until the end of the transaction; the virtual transaction is waited for as
// long.
func TestPreparedLocks(t *testing.T) {
	srv := newServer(t)
	p := srv.session()
	check(p.Begin(BeginOpts{}))
	v := p.Vxid()
	check(p.Locks().Acquire(locks.RelationTag(5, 77), locks.RowExclusive, locks.Opts{}))
	check(p.Prepare("g", 10))
	other := srv.session()
	if over := must(other.Locks().WaitVxid(v, true)); over {
		t.Error("the virtual transaction of a prepared transaction counts as over")
	}
	for _, restart := range []bool{false, true} {
		if restart {
			srv.crash()
			other = srv.session()
		}
		check(other.Begin(BeginOpts{}))
		for mode, want := range map[locks.Mode]bool{locks.Share: false, locks.AccessExclusive: false, locks.RowShare: true} {
			if got := must(other.Locks().TryAcquire(locks.RelationTag(5, 77), mode, false)); got != want {
				t.Errorf("restart %v: %s: %v, want %v", restart, mode, got, want)
			}
		}
		other.Abort()
	}
	srv.m.FinishPrepared(nil, must(srv.m.ClaimPrepared("g", 10, 0, false)), true)
	check(other.Begin(BeginOpts{}))
	if !must(other.Locks().TryAcquire(locks.RelationTag(5, 77), locks.AccessExclusive, false)) {
		t.Error("the lock stays after the end")
	}
	other.Abort()
	if rows := srv.m.locks.Snapshot(); len(rows) > 0 {
		t.Errorf("locks left: %v", rows)
	}
}

// A server whose settings leave no room for what is prepared does not start.
func TestTooManyPrepared(t *testing.T) {
	srv := newServer(t)
	prepareOne(srv, "g")
	srv.checkpoint()
	m := must(Open(Options{FS: srv.d, Dir: "data", Log: srv.log, Locks: locks.New(locks.Options{}), State: srv.state}))
	if err := m.Start(false); err == nil {
		t.Error("started")
	}
}

func TestDamagedState(t *testing.T) {
	srv := newServer(t)
	prepareOne(srv, "g")
	srv.checkpoint()
	f := srv.d.files[srv.m.prep.name(srv.m.Prepared()[0].Xid)]
	for i := range f.now {
		f.now[i] ^= 0x10
		if _, err := Open(Options{FS: srv.d, Dir: "data", Log: srv.log, Locks: locks.New(locks.Options{}), State: srv.state}); err == nil {
			t.Fatalf("byte %d can be anything", i)
		}
		f.now[i] ^= 0x10
	}
}

func FuzzPrepared(f *testing.F) {
	p := Prepared{Gid: "g", Xid: 9, subs: []ids.Xid{10}, onAbort: []ids.RelFile{{Spc: 1, DB: 2, Rel: 3}},
		held: []locks.Held{{Tag: locks.RelationTag(1, 2), Mode: locks.Share}}, catalog: []byte("x")}
	f.Add(p.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodePrepared(b)
		if err != nil {
			return
		}
		again, err := decodePrepared(p.append(nil))
		if err != nil || !bytes.Equal(again.append(nil), p.append(nil)) {
			t.Errorf("%x does not survive: %v", b, err)
		}
	})
}
