package recovery

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/checkpoint"
	"gompho/storage/vfs"
	"gompho/wal"
)

// TestConcurrentCrash has goroutines move units between pages, one record for each move, with commits, checkpoints, hints and
// cleaning at their side, until the machine stops in the middle. In every prefix of the log the units sum up to nothing.
func TestConcurrentCrash(t *testing.T) {
	for seed := range uint64(25) {
		concurrentCrash(t, seed)
	}
}

const (
	moverBlocks = 40
	unitPos     = 64
)

var moverRel = ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: 101}

func concurrentCrash(t *testing.T, seed uint64) {
	mem := vfs.NewMem(seed)
	must(bootstrap(mem))
	var stop atomic.Bool
	broken := errors.New("the machine stops")
	fsys := vfs.NewFaulty(mem, func(vfs.FaultOp) error {
		if stop.Load() {
			return broken
		}
		return nil
	})
	s, err := start(fsys, 24)
	must(err)
	must(s.storage.Create(moverRel, ids.MainFork, false))
	for range moverBlocks {
		b, err := s.pool.Extend(s.slot, moverRel, ids.MainFork, 1, nil)
		must(err)
		c := s.pool.Begin(s.slot, wal.HeapInit, 7, buffer.RelInfo{File: moverRel, Logged: true})
		c.Page(b).Init(0, 0)
		c.Commit()
		b.UnlockRelease()
	}
	if _, err := s.ckpt.Run(s.slot, checkpoint.Force, nil); err != nil {
		t.Fatal(err)
	}
	acked := s.moveUnits(t, seed, &stop, broken)
	s.discard()
	mem.Crash()
	end, err := logEnd(mem)
	if err != nil || end < acked {
		t.Fatalf("seed %d: the log ends at %s, flushed was %s: %v", seed, end, acked, err)
	}
	s, err = start(mem, 24)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	defer s.discard()
	sum, moved := int64(0), false
	for blk := range ids.BlockNumber(moverBlocks) {
		b, err := s.pool.Read(s.slot, moverRel, ids.MainFork, blk, nil)
		must(err)
		v := int64(binary.LittleEndian.Uint64(b.Page()[unitPos:]))
		sum, moved = sum+v, moved || v != 0
		b.Release()
	}
	if sum != 0 || !moved {
		t.Fatalf("seed %d: the units sum up to %d", seed, sum)
	}
}

// moveUnits runs the workload until the machine stops, and returns up to where the log was known to be durable.
func (s *server) moveUnits(t *testing.T, seed uint64, stop *atomic.Bool, broken error) ids.LSN {
	var acked atomic.Uint64
	var wg sync.WaitGroup
	guard := func(f func() error) {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					s.log.Abort() // as the postmaster does
					s.pool.Abort()
					if e, ok := p.(error); !ok || !errors.Is(e, broken) && !pgerr.Is(e, pgerr.CrashShutdown) {
						t.Errorf("%v", p)
					}
				}
			}()
			for !stop.Load() {
				if err := f(); err != nil {
					if !errors.Is(err, broken) && !pgerr.Is(err, pgerr.CrashShutdown) {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	var moves atomic.Int32
	limit := int32(100 + rand.New(rand.NewPCG(seed, 5)).IntN(600))
	for w := range 4 {
		rnd := rand.New(rand.NewPCG(seed, uint64(w)))
		slot := stats.NewSlot(int32(w), int32(w))
		guard(func() error {
			end, err := s.moveUnit(slot, rnd)
			if err == nil && rnd.IntN(4) == 0 {
				if err = s.log.Flush(slot, end); err == nil {
					for old := acked.Load(); old < uint64(end) && !acked.CompareAndSwap(old, uint64(end)); old = acked.Load() {
					}
				}
			}
			if moves.Add(1) == limit {
				stop.Store(true)
			}
			return err
		})
	}
	slot := stats.NewSlot(50, 50)
	guard(func() error { _, err := s.ckpt.Run(slot, checkpoint.Force, nil); return err })
	var st buffer.CleanState
	guard(func() error {
		_, _, err := s.pool.Clean(nil, &st, time.Second, 5, 50)
		if err == nil {
			_, err = s.log.BackgroundFlush(nil, 1<<20, false)
		}
		return err
	})
	wg.Wait()
	return ids.LSN(acked.Load())
}

func (s *server) moveUnit(slot *stats.Slot, rnd *rand.Rand) (ids.LSN, error) {
	from, to := ids.BlockNumber(rnd.IntN(moverBlocks-1)), ids.BlockNumber(0)
	to = from + 1 + ids.BlockNumber(rnd.IntN(int(moverBlocks-1-from)))
	a, err := s.pool.Read(slot, moverRel, ids.MainFork, from, nil)
	if err != nil {
		return 0, err
	}
	defer a.Release()
	b, err := s.pool.Read(slot, moverRel, ids.MainFork, to, nil)
	if err != nil {
		return 0, err
	}
	defer b.Release()
	a.Lock(buffer.Exclusive)
	b.Lock(buffer.Exclusive)
	c := s.pool.Begin(slot, wal.GenericChange, 7, buffer.RelInfo{File: moverRel, Logged: true})
	for i, x := range []buffer.Buf{a, b} {
		v := int64(binary.LittleEndian.Uint64(x.Page()[unitPos:])) + int64(2*i-1)
		c.Page(x).Overwrite(unitPos, binary.LittleEndian.AppendUint64(nil, uint64(v)))
	}
	end := c.Commit()
	b.Unlock()
	a.Unlock()
	b.Lock(buffer.Share)
	b.Page()[hintPos]++
	b.MarkDirtyHint()
	b.Unlock()
	return end, nil
}
