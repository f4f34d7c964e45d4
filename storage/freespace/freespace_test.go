package freespace_test

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"gompho/internal/ids"
	"gompho/internal/tests/storetest"
	"gompho/storage/buffer"
	"gompho/storage/freespace"
	"gompho/wal"
)

// TestFSMModel compares the map with what was recorded: whatever Find returns has the room, and it finds a page if there is one.
func TestFSMModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := storetest.New(t, 1, 64)
		defer s.Close()
		r := s.Table(storetest.Desc("int4"))
		f := freespace.FSM{Pool: s.Pool, Rel: buffer.RelInfo{File: r.File, Logged: true}}
		model := map[ids.BlockNumber]int{}
		// Blocks around the borders of the map's pages, too.
		block := rapid.OneOf(rapid.Uint32Range(0, 50), rapid.Uint32Range(4055, 4070), rapid.Uint32Range(8110, 8130))
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "op") {
			case 0, 1, 2:
				blk, free := ids.BlockNumber(block.Draw(rt, "block")), rapid.IntRange(0, 8152).Draw(rt, "free")
				storetest.Check(t, f.Record(nil, blk, free))
				model[blk] = free / 32 * 32
			case 3, 4:
				need := rapid.IntRange(1, 8100).Draw(rt, "need")
				blk, err := f.Find(nil, need)
				storetest.Check(t, err)
				if blk != ids.InvalidBlock && model[blk] < need {
					rt.Fatalf("block %d has %d bytes, %d are needed", blk, model[blk], need)
				}
				for b, free := range model {
					if blk == ids.InvalidBlock && free >= need+32 {
						rt.Fatalf("nothing found, block %d has %d bytes, %d are needed", b, free, need)
					}
				}
			case 5:
				n := ids.BlockNumber(block.Draw(rt, "truncate"))
				storetest.Check(t, f.Truncate(nil, n))
				for b := range model {
					if b >= n {
						delete(model, b)
					}
				}
			}
		}
		for b, free := range model {
			if got, err := f.Free(nil, b); err != nil || got != min(free, 254*32) {
				rt.Fatalf("block %d: %d, want %d (%v)", b, got, free, err)
			}
		}
	})
}

func TestFSMAfterCrash(t *testing.T) {
	s := storetest.New(t, 3, 64)
	r := s.Table(storetest.Desc("int4"))
	s.Checkpoint()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		f := freespace.FSM{Pool: s.Pool, Rel: buffer.RelInfo{File: r.File, Logged: true}}
		for range 50 {
			storetest.Check(t, f.Record(nil, ids.BlockNumber(rng.IntN(9000)), rng.IntN(8192)))
		}
		_, err := f.Find(nil, 5000)
		storetest.Check(t, err)
		if rng.IntN(2) == 0 {
			s.Checkpoint()
		}
		s.Crash()
	}
}

func TestTakeFree(t *testing.T) {
	s := storetest.New(t, 1, 64)
	r := s.Table(storetest.Desc("int4"))
	f := freespace.FSM{Pool: s.Pool, Rel: buffer.RelInfo{File: r.File, Logged: true}}
	for blk := ids.BlockNumber(3); blk < 6; blk++ {
		storetest.Check(t, f.RecordFree(nil, blk))
	}
	seen := map[ids.BlockNumber]bool{}
	for range 3 {
		blk, err := f.TakeFree(nil)
		storetest.Check(t, err)
		seen[blk] = true
	}
	if blk, err := f.TakeFree(nil); err != nil || blk != ids.InvalidBlock || !seen[3] || !seen[4] || !seen[5] {
		t.Fatal(blk, err, seen)
	}
}

// TestVisibilityMap sets and clears bits beside a page of the table, and crashes: map and page must agree.
func TestVisibilityMap(t *testing.T) {
	s := storetest.New(t, 5, 64)
	r := s.Table(storetest.Desc("int4"))
	info := buffer.RelInfo{File: r.File, Logged: true}
	blocks := []ids.BlockNumber{0, 1, 3, 4, 32639, 32640, 70000}
	want := map[ids.BlockNumber]byte{}
	page, err := s.Pool.Extend(nil, r.File, ids.MainFork, 1, nil)
	storetest.Check(t, err)
	page.UnlockRelease()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 6 {
		vm := freespace.NewVM(s.Pool, info)
		for range 30 {
			blk := blocks[rng.IntN(len(blocks))]
			storetest.Check(t, vm.Pin(nil, blk))
			b, err := s.Pool.Read(nil, r.File, ids.MainFork, 0, nil)
			storetest.Check(t, err)
			b.Lock(buffer.Exclusive)
			c := s.Pool.Begin(nil, wal.HeapVisible, 0, info)
			c.Page(b).Init(0, 0)
			var m buffer.Buf
			if rng.IntN(3) == 0 {
				m = vm.Clear(c, blk, freespace.AllVisible|freespace.AllFrozen)
				want[blk] = 0
			} else {
				bits := byte(rng.IntN(3) + 1)
				m = vm.Set(c, blk, bits)
				want[blk] |= bits
			}
			lsn := c.Commit()
			m.Unlock()
			b.UnlockRelease()
			storetest.Check(t, s.Log.Flush(nil, lsn))
		}
		visible, frozen, err := vm.Count(nil)
		storetest.Check(t, err)
		vm.Close()
		s.Crash()
		vm = freespace.NewVM(s.Pool, info)
		for _, blk := range blocks {
			got, err := vm.Status(nil, blk)
			storetest.Check(t, err)
			if got != want[blk] {
				t.Fatalf("block %d: %d, want %d", blk, got, want[blk])
			}
			visible -= ids.BlockNumber(got & 1)
			frozen -= ids.BlockNumber(got >> 1)
		}
		if visible != 0 || frozen != 0 {
			t.Fatalf("Count is off by %d, %d", visible, frozen)
		}
		vm.Close()
	}
	vm := freespace.NewVM(s.Pool, info)
	defer vm.Close()
	storetest.Check(t, vm.Truncate(nil, 4))
	for _, blk := range blocks {
		if got, err := vm.Status(nil, blk); err != nil || blk >= 4 && got != 0 || blk < 4 && got != want[blk] {
			t.Fatalf("block %d after truncation: %d %v", blk, got, err)
		}
	}
}
