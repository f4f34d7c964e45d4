package mvcc

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/storage/tuple"
)

// bank is a table of accounts whose rows are moved about by concurrent transactions; whatever a snapshot sees, the
// balances add up.
type bank struct {
	mu   sync.Mutex // rows: the page latch
	rows []tuple.Header

	nmu  sync.Mutex // name
	name string     // of a snapshot that somebody has exported, who may have ended since
}

// pass exports the snapshot of a transaction, or imports that of another for one that has just begun.
func (b *bank) pass(s *Session, r *rand.Rand) error {
	b.nmu.Lock()
	name := b.name
	b.nmu.Unlock()
	if s.Isolation() == RepeatableRead && !s.HasSnapshot() && r.IntN(2) == 0 {
		err := s.Import(name)
		if pgerr.Is(err, pgerr.InvalidParameterValue) || pgerr.Is(err, pgerr.ObjectNotInPrerequisiteState) {
			return nil
		}
		return err
	}
	if r.IntN(2) == 0 {
		return nil
	}
	name, err := s.Export()
	b.nmu.Lock()
	b.name = name
	b.nmu.Unlock()
	return err
}

const (
	accounts = 6
	rowSize  = tuple.HeaderSize + 16 // account, balance
)

func rowAccount(h tuple.Header) int { return int(binary.LittleEndian.Uint64(h[tuple.HeaderSize:])) }
func rowBalance(h tuple.Header) int {
	return int(int64(binary.LittleEndian.Uint64(h[tuple.HeaderSize+8:])))
}

func (b *bank) add(s *Session, xid ids.Xid, account, balance int) ids.TID {
	h := tuple.Header(make([]byte, rowSize))
	h.SetXmin(xid)
	h.SetInfomask(tuple.XmaxInvalid)
	h.SetCid(s.CommandID(true), false)
	binary.LittleEndian.PutUint64(h[tuple.HeaderSize:], uint64(account))
	binary.LittleEndian.PutUint64(h[tuple.HeaderSize+8:], uint64(balance))
	b.rows = append(b.rows, h)
	tid := ids.TID{Block: ids.BlockNumber(len(b.rows)), Offset: 1}
	h.SetCtid(tid)
	return tid
}

func (b *bank) sum(t *testing.T, sn *Snapshot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, sum := 0, 0
	for _, h := range b.rows {
		if h == nil {
			continue
		}
		if ok, _ := sn.Satisfies(h); ok {
			n++
			sum += rowBalance(h)
		}
	}
	if n != accounts || sum != 0 {
		t.Errorf("snapshot %d..%d %v sees %d accounts with the sum %d", sn.Xmin, sn.Xmax, sn.Xip, n, sum)
	}
}

// change adds amount to an account. It waits for others and follows the row to its newest version.
func (b *bank) change(s *Session, sn *Snapshot, account, amount int) error {
	tid, ok := b.lookup(sn, account)
	for ok {
		b.mu.Lock()
		h := b.rows[tid.Block-1]
		v, _ := s.UpdateStatus(h, tid, sn.CurCid)
		switch v {
		case TMOk:
			err := b.replace(s, h, account, amount)
			b.mu.Unlock()
			return err
		case TMBeingModified:
			x := h.Xmax()
			b.mu.Unlock()
			if err := s.WaitForXid(x); err != nil {
				return err
			}
		case TMUpdated:
			tid = h.Ctid()
			b.mu.Unlock()
			if s.Isolation() == RepeatableRead {
				return pgerr.New(pgerr.TRSerializationFailure, "could not serialize access due to concurrent update")
			}
		default:
			b.mu.Unlock()
			return pgerr.Internal("verdict %d", v)
		}
	}
	return pgerr.Internal("account %d is gone", account)
}

func (b *bank) replace(s *Session, h tuple.Header, account, amount int) error {
	xid, err := s.AssignXid()
	if err != nil {
		return err
	}
	h.SetInfomask(h.Infomask() &^ tuple.XmaxBits)
	c, combo := s.AdjustCmax(h, s.CommandID(true))
	h.SetCid(c, combo)
	h.SetXmax(xid)
	h.SetCtid(b.add(s, xid, account, rowBalance(h)+amount))
	return nil
}

func (b *bank) lookup(sn *Snapshot, account int) (ids.TID, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, h := range b.rows {
		if h == nil || rowAccount(h) != account {
			continue
		}
		if ok, _ := sn.Satisfies(h); ok {
			return ids.TID{Block: ids.BlockNumber(i + 1), Offset: 1}, true
		}
	}
	return ids.TID{}, false
}

// vacuum empties the places of rows that are dead for all. As a vacuum's log record does, it comes after the commits
// that killed them.
func (b *bank) vacuum(m *Manager, log *memLog) {
	horizon := m.OldestXmin(0)
	log.mu.Lock()
	end := ids.LSN(len(log.records))
	log.mu.Unlock()
	check(log.Flush(nil, end))
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, h := range b.rows {
		if h == nil {
			continue
		}
		if v, _, _ := m.VacuumStatus(h, horizon); v == VacuumDead {
			b.rows[i] = nil
		}
	}
}

func (b *bank) transaction(t *testing.T, s *Session, r *rand.Rand) error {
	check(s.Begin(BeginOpts{Isolation: Isolation(1 + r.IntN(2))}))
	if err := b.pass(s, r); err != nil {
		return err
	}
	for range 1 + r.IntN(3) {
		b.sum(t, s.Snapshot())
		from, to, amount := r.IntN(accounts), r.IntN(accounts), r.IntN(100)
		sub := r.IntN(3) == 0
		if sub {
			must(s.BeginSub())
		}
		sn := s.Snapshot()
		s.PushActive(sn)
		for _, c := range [2][2]int{{from, -amount}, {to, amount}} {
			if err := b.change(s, sn, c[0], c[1]); err != nil {
				return err
			}
			check(s.IncrementCommand())
			s.PopActive()
			sn = s.Snapshot() // of the next command
			s.PushActive(sn)
		}
		s.PopActive()
		if sub && r.IntN(2) == 0 {
			s.AbortSub()
		} else if sub {
			check(s.CommitSub())
		}
	}
	sn := s.Snapshot()
	b.sum(t, sn)
	return nil
}

func TestConcurrentTransactions(t *testing.T) {
	defer goleak.VerifyNone(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	srv := newServer(t)
	srv.m.maxSubs = 1
	b := &bank{}
	first := srv.session()
	check(first.Begin(BeginOpts{Isolation: ReadCommitted}))
	for i := range accounts {
		b.add(first, must(first.AssignXid()), i, 0)
	}
	check(first.Commit())
	first.Close()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			owner := srv.m.locks.NewOwner(nil, locks.OwnerOptions{DeadlockTimeout: func() time.Duration { return 2 * time.Millisecond }})
			s := srv.m.NewSession(nil, owner, SessionOptions{SyncCommit: func() bool { return r.IntN(2) == 0 }})
			for n := range 120 {
				err := b.transaction(t, s, r)
				switch {
				case err == nil && r.IntN(4) > 0:
					check(s.Commit())
				case err == nil, pgerr.Is(err, pgerr.TRDeadlockDetected), pgerr.Is(err, pgerr.TRSerializationFailure):
					s.Abort()
				default:
					t.Error(err)
					s.Abort()
				}
				if n%10 == 0 {
					b.vacuum(srv.m, srv.log)
				}
				if n%40 == 0 && i == 0 {
					srv.checkpoint()
				}
			}
			s.Close()
			owner.Close()
		}()
	}
	wg.Wait()
	if n := len(srv.m.running); n != 0 {
		t.Errorf("%d transactions left in the process array", n)
	}
	if rows := srv.m.locks.Snapshot(); len(rows) != 0 {
		t.Errorf("locks left: %v", rows)
	}
	// What a crash leaves adds up as well.
	srv.crash()
	s := srv.session()
	check(s.Begin(BeginOpts{}))
	b.sum(t, s.Snapshot())
	s.Close()
}
