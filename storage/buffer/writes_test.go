package buffer

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gompho/internal/ids"
	"gompho/storage/vfs"
	"gompho/wal"
)

// watched is an environment whose writes and hints to write back are noted.
func watched(t *testing.T, buffers int) (*env, *[]string) {
	var calls []string
	on := false
	e := newEnv(t, vfs.NewFaulty(vfs.NewMem(1), func(op vfs.FaultOp) error {
		if on && (op.Kind == vfs.OpWrite || op.Kind == vfs.OpFlush) && op.Name[:6] == "/data/" && op.Len%ids.BlockSize == 0 && op.Name != "/data/wal" {
			calls = append(calls, fmt.Sprintf("%s %d+%d", op.Kind, op.Offset/ids.BlockSize, op.Len/ids.BlockSize))
		}
		return nil
	}), buffers)
	e.create(t, relA)
	on = true
	return e, &calls
}

// fill makes n pages of relA and dirties those of list.
func fill(t *testing.T, e *env, n int, list ...int) {
	for range n {
		e.extend(t, relA).UnlockRelease()
	}
	if err := e.pool.FlushAll(nil); err != nil {
		t.Fatal(err)
	}
	for _, blk := range list {
		b := mustRead(t, e.pool, relA, ids.BlockNumber(blk), nil)
		b.Lock(Exclusive)
		c := e.pool.Begin(nil, wal.GenericChange, 1, RelInfo{relA, true})
		c.Page(b).Init(0, 0)
		c.Commit()
		b.UnlockRelease()
	}
	if err := e.log.Flush(nil, e.log.InsertedTo()); err != nil {
		t.Fatal(err)
	}
}

// TestCheckpointWrites: a checkpoint writes blocks in their order, those that follow one another together, and has them written back when
// checkpoint_flush_after of them have come.
func TestCheckpointWrites(t *testing.T) {
	e, calls := watched(t, 128)
	list := []int{60, 61, 3, 1, 2, 90}
	for blk := 10; blk < 45; blk++ {
		list = append(list, blk)
	}
	fill(t, e, 100, list...)
	*calls = nil
	n, err := e.pool.WriteDirty(nil, false, e.pool.NewWriteback(func() int { return 20 }), nil)
	if err != nil || n != len(list) {
		t.Fatal(n, err)
	}
	// Files have 8 blocks here; positions are those within the file.
	w := []string{"write 1+3", "write 2+6", "write 0+8", "write 0+8"}
	f := []string{"flush 1+3", "flush 2+6", "flush 0+8", "flush 0+8"}
	w2, f2 := []string{"write 0+8", "write 0+5", "write 4+2", "write 2+1"}, []string{"flush 0+8", "flush 0+5", "flush 4+2", "flush 2+1"}
	if want := slices.Concat(w, f, w2, f2); !slices.Equal(*calls, want) {
		t.Errorf("calls\n%v\nwant\n%v", *calls, want)
	}
	if n, err := e.pool.WriteDirty(nil, false, nil, nil); n != 0 || err != nil {
		t.Errorf("%d buffers are dirty after a checkpoint, %v", n, err)
	}
}

// TestWriteRunSkipsLatched: a checkpoint waits for the first page of a run only; a page that is latched ends the run and is written by the next.
func TestWriteRunSkipsLatched(t *testing.T) {
	e, calls := watched(t, 64)
	fill(t, e, 10, 0, 1, 2, 3, 4)
	b := mustRead(t, e.pool, relA, 2, nil)
	b.Lock(Exclusive)
	*calls = nil
	released := false
	n, err := e.pool.WriteDirty(nil, false, nil, func(done, total int) error {
		if !released {
			released = true
			b.UnlockRelease()
		}
		return nil
	})
	if err != nil || n != 5 || !slices.Equal(*calls, []string{"write 0+2", "write 2+3"}) {
		t.Error(n, err, *calls)
	}
}

// TestClean: rounds of the background writer go on where the last one ended, stop at maxPages, lap the pool once and then are idle; buffers that
// are in use are spared; what is allocated later is cleaned ahead of the hand.
func TestClean(t *testing.T) {
	e, _ := watched(t, 64)
	list := make([]int, 40)
	for i := range list {
		list[i] = i
	}
	fill(t, e, 40, list...)
	for id := range e.pool.descs { // nobody has used them lately, but for three
		if id >= 3 {
			e.pool.descs[id].clear(usageMask)
		}
	}
	st := CleanState{}
	total, limited := 0, e.pool.counters.MaxClean.Load()
	idle := false
	for round := 0; !idle; round++ {
		n, i, err := e.pool.Clean(nil, &st, 40*time.Second, 10, 2)
		if err != nil || n > 10 || round > 20 {
			t.Fatal(n, err)
		}
		total, idle = total+n, i
	}
	if total != 37 || e.pool.counters.CleanWrites.Load() != 37 {
		t.Errorf("%d buffers cleaned, %d counted", total, e.pool.counters.CleanWrites.Load())
	}
	if n := e.pool.counters.MaxClean.Load() - limited; n != 3 {
		t.Errorf("%d rounds ended at the limit", n)
	}
	if n, i, err := e.pool.Clean(nil, &st, time.Second, 0, 2); n != 0 || !i || err != nil || st.valid {
		t.Error("switched off:", n, i, err)
	}
}
