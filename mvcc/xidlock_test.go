package mvcc

import (
	"testing"

	"gompho/internal/pgerr"
	"gompho/locks"
)

// TestSubtransactionLocks: the lock on a subtransaction's id lives as long as the subtransaction.
func TestSubtransactionLocks(t *testing.T) {
	srv := newServer(t)
	s := srv.session()
	defer s.Close()
	holds := func(when string, want int) {
		t.Helper()
		n := 0
		for _, r := range srv.m.locks.Snapshot() {
			if r.Tag.Kind() == locks.KindTransaction {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: %d locks on transaction ids, want %d", when, n, want)
		}
	}
	check(s.Begin(BeginOpts{}))
	must(s.BeginSub())
	must(s.BeginSub())
	must(s.AssignXid())
	holds("three levels", 3)
	check(s.CommitSub())
	holds("the innermost has committed", 2)
	must(s.BeginSub())
	must(s.AssignXid())
	s.AbortSub()
	holds("another was rolled back", 2)
	s.AbortSub()
	holds("both were rolled back", 1)
	must(s.BeginSub())
	must(s.AssignXid())
	check(s.Commit())
	holds("commit", 0)
	check(s.Begin(BeginOpts{}))
	must(s.BeginSub())
	must(s.AssignXid())
	s.Abort()
	holds("abort", 0)
}

// TestXidLockTableFull: where the lock on an id finds no room, the id is not used until it does.
func TestXidLockTableFull(t *testing.T) {
	srv := newServer(t)
	srv.m.locks = locks.New(locks.Options{MaxLocksPerTransaction: 3, MaxOwners: 1})
	s, other := srv.session(), srv.session()
	defer s.Close()
	defer other.Close()
	for i := range uint32(3) {
		check(other.owner.Acquire(locks.AdvisoryTag(1, 0, i, 1), locks.Exclusive, locks.Opts{Session: true}))
	}
	check(s.Begin(BeginOpts{}))
	must(s.BeginSub())
	if x, err := s.AssignXid(); !pgerr.Is(err, pgerr.OutOfMemory) || x != 0 {
		t.Fatalf("with a full table: id %d, %v", x, err)
	}
	s.AbortSub()
	if s.TopXid() != 0 {
		t.Error("the transaction goes on with an id that nobody can wait for")
	}
	must(s.BeginSub())
	other.owner.ReleaseAllSession()
	sub := must(s.AssignXid())
	for _, x := range []struct {
		name string
		xid  uint64
	}{{"top", uint64(s.TopXid())}, {"subtransaction", uint64(sub)}} {
		if x.xid == 0 || !srv.m.IsInProgress(sub) {
			t.Errorf("%s: id %d", x.name, x.xid)
		}
	}
	if !s.owner.Holds(locks.TransactionTag(s.TopXid()), locks.Exclusive) || !s.owner.Holds(locks.TransactionTag(sub), locks.Exclusive) {
		t.Error("the ids are not locked")
	}
	check(s.Commit())
	if !srv.m.DidCommit(sub) {
		t.Error("the subtransaction has not committed")
	}
	if n := len(srv.m.locks.Snapshot()); n != 0 {
		t.Errorf("%d locks are left", n)
	}
}
