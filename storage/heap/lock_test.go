package heap_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/internal/tests/storetest"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/heap"
	"gompho/storage/page"
	"gompho/types"
)

// accounts makes a committed table of (key, val, text) with one row for each key and returns their addresses.
func accounts(t testing.TB, s *storetest.Store, n int) (*heap.Rel, []ids.TID) {
	r := s.Table(storetest.Desc("int4", "int4", "text"), func(r *heap.Rel) { r.HotAttrs = []int{0}; r.KeyAttrs = []int{0} })
	tx := s.Begin()
	tids := make([]ids.TID, n)
	for i := range tids {
		var err error
		tids[i], err = heap.Insert(tx, r, []types.Datum{types.Int(int64(i)), types.Int(0), types.String("x")}, tx.CommandID(true), heap.InsertOpts{})
		storetest.Check(t, err)
	}
	storetest.Commit(t, tx)
	return r, tids
}

func lock(t testing.TB, tx *mvcc.Session, r *heap.Rel, tid ids.TID, strength mvcc.LockStrength) heap.Result {
	t.Helper()
	res, _, err := heap.LockTuple(tx, r, tid, tx.CommandID(false), strength, heap.WaitSkip, true)
	storetest.Check(t, err)
	return res
}

func update(t testing.TB, tx *mvcc.Session, r *heap.Rel, tid ids.TID, key, val int64) (ids.TID, heap.Result) {
	t.Helper()
	info, res, _, err := heap.Update(tx, r, tid, []types.Datum{types.Int(key), types.Int(val), types.String("x")}, tx.CommandID(true), heap.ModifyOpts{NoWait: true})
	storetest.Check(t, err)
	return info.TID, res
}

// TestLockMatrix has one session hold a row in each way and another try each lock, alone and beside a third that holds FOR KEY SHARE.
func TestLockMatrix(t *testing.T) {
	s := storetest.New(t, 1, 64)
	const updateRow, updateKey, deleteRow = 4, 5, 6
	names := []string{"key share", "share", "no key update", "update", "UPDATE", "UPDATE of key", "DELETE"}
	strength := []mvcc.LockStrength{0, 1, 2, 3, mvcc.LockNoKeyExclusive, mvcc.LockExclusive, mvcc.LockExclusive}
	for held := range names {
		for _, third := range []bool{false, true} {
			for want := range 4 {
				t.Run(fmt.Sprintf("%s/%s/%v", names[held], names[want], third), func(t *testing.T) {
					r, tids := accounts(t, s, 1)
					a, b, c := s.Begin(), s.Begin(), s.Begin()
					if third {
						if res := lock(t, c, r, tids[0], mvcc.LockKeyShare); res != heap.Ok {
							t.Fatal(res)
						}
						if strength[held].Conflicts(mvcc.LockKeyShare) {
							c.Abort()
						}
					}
					var res heap.Result
					switch held {
					case updateRow:
						_, res = update(t, a, r, tids[0], 0, 1)
					case updateKey:
						_, res = update(t, a, r, tids[0], 7, 1)
					case deleteRow:
						var err error
						res, _, err = heap.Delete(a, r, tids[0], a.CommandID(true), heap.ModifyOpts{})
						storetest.Check(t, err)
					default:
						res = lock(t, a, r, tids[0], strength[held])
					}
					if res != heap.Ok {
						t.Fatalf("holder: %v", res)
					}
					conflict := strength[held].Conflicts(mvcc.LockStrength(want)) ||
						third && c.InTransaction() && mvcc.LockKeyShare.Conflicts(mvcc.LockStrength(want))
					res = lock(t, b, r, tids[0], mvcc.LockStrength(want))
					if (res == heap.WouldBlock) != conflict || !conflict && res != heap.Ok {
						t.Fatalf("got %v, conflict %v", res, conflict)
					}
					if res, _, err := heap.LockTuple(b, r, tids[0], 0, mvcc.LockStrength(want), heap.WaitError, true); conflict && !pgerr.Is(err, pgerr.LockNotAvailable) {
						t.Fatalf("NOWAIT: %v %v", res, err)
					}
					for _, tx := range []*mvcc.Session{a, b, c} {
						tx.Abort()
						tx.Close()
					}
					// Nothing remains of the locks.
					tx := s.Begin()
					if res, _, err := heap.Delete(tx, r, tids[0], tx.CommandID(true), heap.ModifyOpts{NoWait: true}); err != nil || res != heap.Ok {
						t.Fatalf("after all ended: %v %v", res, err)
					}
					storetest.Commit(t, tx)
				})
			}
		}
	}
}

// TestWaitThenUpdated lets an update wait for another that commits: it must report where the new version is.
func TestWaitThenUpdated(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r, tids := accounts(t, s, 1)
	for _, commit := range []bool{true, false} {
		a, b := s.Begin(), s.Begin()
		to, res := update(t, a, r, tids[0], 0, 1)
		if res != heap.Ok {
			t.Fatal(res)
		}
		type outcome struct {
			res  heap.Result
			fail heap.Failure
			err  error
		}
		done := make(chan outcome)
		go func() {
			var o outcome
			_, o.res, o.fail, o.err = heap.Update(b, r, tids[0], []types.Datum{types.Int(0), types.Int(2), types.Null}, b.CommandID(true), heap.ModifyOpts{})
			done <- o
		}()
		for s.Locks.WaiterCount(locks.TransactionTag(a.Xid())) == 0 {
		}
		if commit {
			storetest.Commit(t, a)
		} else {
			a.Abort()
			a.Close()
		}
		o := <-done
		storetest.Check(t, o.err)
		if commit && (o.res != heap.Updated || o.fail.TID != to) || !commit && o.res != heap.Ok {
			t.Fatalf("commit %v: %v %+v", commit, o.res, o.fail)
		}
		if commit {
			at, res, fail, err := heap.LockLatest(b, r, tids[0], b.CommandID(false), mvcc.LockExclusive, heap.WaitBlock, nil)
			if err != nil || res != heap.Ok || at != to || !fail.Traversed {
				t.Fatalf("LockLatest: %v %v %+v %v", at, res, fail, err)
			}
			tids[0] = to
		}
		b.Abort()
		b.Close()
	}
}

// TestExtensionLock lets an insert wait for somebody who makes the table longer.
func TestExtensionLock(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r, _ := accounts(t, s, 1)
	a, b := s.Begin(), s.Begin()
	tag := locks.ExtendTag(r.DB, r.Oid)
	storetest.Check(t, a.Locks().Acquire(tag, locks.Exclusive, locks.Opts{}))
	const rows = 2000
	done := make(chan error)
	go func() {
		for i := range rows {
			if _, err := heap.Insert(b, r, []types.Datum{types.Int(int64(i)), types.Int(1), types.Null}, b.CommandID(true), heap.InsertOpts{}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for s.Locks.WaiterCount(tag) == 0 || b.Slot().Waiting() != stats.LockExtend {
	}
	if n, err := r.Blocks(); err != nil || n != 1 {
		t.Errorf("%d blocks, %v", n, err)
	}
	a.Locks().Release(tag, locks.Exclusive, false)
	storetest.Check(t, <-done)
	storetest.Commit(t, b)
	a.Abort()
	a.Close()
	// Who had waited left pages for others in the map, and used them itself.
	n, err := r.Blocks()
	storetest.Check(t, err)
	if full := ids.BlockNumber(rows / 170); n < full || n > full+8 {
		t.Errorf("%d blocks, %d are needed", n, full)
	}
}

// TestLocksSurviveUpdate holds a row FOR KEY SHARE while another session updates it: the new version must be locked too.
func TestLocksSurviveUpdate(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r, tids := accounts(t, s, 1)
	holders := []*mvcc.Session{s.Begin(), s.Begin()}
	for _, h := range holders {
		if res := lock(t, h, r, tids[0], mvcc.LockKeyShare); res != heap.Ok {
			t.Fatal(res)
		}
	}
	at := tids[0]
	for i := range 3 {
		tx := s.Begin()
		to, res := update(t, tx, r, at, 0, int64(i))
		if res != heap.Ok {
			t.Fatal(res)
		}
		storetest.Commit(t, tx)
		at = to
	}
	tx := s.Begin()
	if _, res := update(t, tx, r, at, 99, 0); res != heap.BeingModified {
		t.Fatalf("key update of a row that is held FOR KEY SHARE: %v", res)
	}
	for _, h := range holders {
		storetest.Commit(t, h)
	}
	if _, res := update(t, tx, r, at, 99, 0); res != heap.Ok {
		t.Fatalf("key update afterwards: %v", res)
	}
	storetest.Commit(t, tx)
}

// TestLockInSubtransaction upgrades a lock in a subtransaction that aborts: the weaker lock of the parent must remain.
func TestLockInSubtransaction(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r, tids := accounts(t, s, 1)
	a, b := s.Begin(), s.Begin()
	if res := lock(t, a, r, tids[0], mvcc.LockShare); res != heap.Ok {
		t.Fatal(res)
	}
	_, err := a.BeginSub()
	storetest.Check(t, err)
	if _, res := update(t, a, r, tids[0], 0, 5); res != heap.Ok {
		t.Fatal(res)
	}
	if res := lock(t, b, r, tids[0], mvcc.LockShare); res != heap.WouldBlock {
		t.Fatal(res)
	}
	a.AbortSub()
	if res := lock(t, b, r, tids[0], mvcc.LockShare); res != heap.Ok {
		t.Fatal(res)
	}
	b.Abort()
	if res := func() heap.Result {
		storetest.Check(t, b.Begin(mvcc.BeginOpts{}))
		return lock(t, b, r, tids[0], mvcc.LockNoKeyExclusive)
	}(); res != heap.WouldBlock {
		t.Fatalf("the parent's lock is gone: %v", res)
	}
	storetest.Commit(t, a)
	storetest.Commit(t, b)
}

func TestSpeculative(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r, _ := accounts(t, s, 1)
	a, b := s.Begin(), s.Begin()
	token, err := a.BeginSpeculative()
	storetest.Check(t, err)
	v := []types.Datum{types.Int(5), types.Int(0), types.Null}
	tid, err := heap.Insert(a, r, v, a.CommandID(true), heap.InsertOpts{SpecToken: token})
	storetest.Check(t, err)
	f := heap.NewFetcher(b, r, []int{0})
	found, d, err := f.VersionDirty(tid)
	if !found || err != nil || d.Xmin != a.Xid() || d.SpecToken != token {
		t.Fatalf("%v %+v %v", found, d, err)
	}
	storetest.Check(t, heap.FinishSpeculative(a, r, tid))
	a.EndSpeculative()
	if found, d, err = f.VersionDirty(tid); !found || err != nil || d.SpecToken != 0 {
		t.Fatalf("%v %+v %v", found, d, err)
	}
	token, err = a.BeginSpeculative()
	storetest.Check(t, err)
	tid, err = heap.Insert(a, r, v, a.CommandID(true), heap.InsertOpts{SpecToken: token})
	storetest.Check(t, err)
	storetest.Check(t, heap.AbortSpeculative(a, r, tid))
	a.EndSpeculative()
	if found, d, err = f.VersionDirty(tid); found || err != nil {
		t.Fatalf("aborted insertion is there: %+v %v", d, err)
	}
	f.Close()
	storetest.Commit(t, a)
	storetest.Commit(t, b)
}

// TestPruneChain updates one row often: its page must not fill up.
func TestPruneChain(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r, tids := accounts(t, s, 3)
	at := tids[1]
	for i := range 2000 {
		tx := s.Begin()
		f := heap.NewFetcher(tx, r, []int{1})
		found, err := f.Index(tids[1], tx.Snapshot())
		storetest.Check(t, err)
		if !found {
			t.Fatalf("lost at update %d", i)
		}
		at = f.TID()
		f.Close()
		info, res, _, err := heap.Update(tx, r, at, []types.Datum{types.Int(1), types.Int(int64(i)), types.String("some more text to fill the page")}, tx.CommandID(true), heap.ModifyOpts{})
		storetest.Check(t, err)
		if res != heap.Ok || !info.Hot {
			t.Fatalf("update %d: %v %+v", i, res, info)
		}
		storetest.Commit(t, tx)
	}
	if n, err := r.Blocks(); err != nil || n != 1 {
		t.Fatalf("%d blocks, %v", n, err)
	}
}

// TestPruneDamaged: a page with more line pointers than a page can have, as ignore_checksum_failure lets in, is not pruned.
func TestPruneDamaged(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r, tids := accounts(t, s, 3)
	tx := s.Begin()
	res, _, err := heap.Delete(tx, r, tids[0], tx.CommandID(true), heap.ModifyOpts{})
	storetest.Check(t, err)
	if res != heap.Ok {
		t.Fatal(res)
	}
	storetest.Commit(t, tx)
	tx = s.Begin()
	rows(t, tx, r, tx.Snapshot(), 0) // leaves its hints
	b, err := r.Env.Pool.Read(tx.Slot(), r.File, ids.MainFork, 0, nil)
	storetest.Check(t, err)
	b.Lock(buffer.Exclusive)
	pg := b.Page()
	pg.SetFlags(pg.Flags() | page.PageFull)
	binary.LittleEndian.PutUint16(pg[page.PosLower:], page.HeaderSize+page.ItemIDSize*(heap.MaxTuplesPerPage+1))
	before := bytes.Clone(pg)
	b.UnlockRelease()
	rows(t, tx, r, tx.Snapshot(), 0)
	b, err = r.Env.Pool.Read(tx.Slot(), r.File, ids.MainFork, 0, nil)
	storetest.Check(t, err)
	if !bytes.Equal(before, b.Page()) {
		t.Error("the scan has changed the page")
	}
	b.Release()
	storetest.Commit(t, tx)
}

func TestTooLarge(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r := s.Table(storetest.Desc("int4", "text"), func(r *heap.Rel) { r.Desc.Attrs[1].Storage = 'p' })
	tx := s.Begin()
	_, err := heap.Insert(tx, r, []types.Datum{types.Int(1), types.Bytes(make([]byte, 9000))}, tx.CommandID(true), heap.InsertOpts{})
	if !pgerr.Is(err, pgerr.ProgramLimitExceeded) {
		t.Fatalf("got %v", err)
	}
	tx.Abort()
	tx.Close()
}
