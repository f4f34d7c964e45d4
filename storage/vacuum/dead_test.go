package vacuum

import (
	"runtime"
	"testing"

	"gompho/internal/ids"
)

// TestDeadItemsAreCompact: 100 million dead line pointers, 60 a page, fit into 1 GB: the indexes are gone through once for all of them.
func TestDeadItemsAreCompact(t *testing.T) {
	const items, perPage = 100_000_000, 60
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	d := deadItems{limit: 1 << 30}
	var offs [perPage]ids.OffsetNumber
	for i := range offs {
		offs[i] = ids.OffsetNumber(2*i + 1)
	}
	blk := ids.BlockNumber(7)
	for n := 0; n < items; n += perPage {
		if d.full() {
			t.Fatalf("full after %d", d.len())
		}
		d.add(blk, offs[:])
		blk += 2
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if used := after.HeapAlloc - before.HeapAlloc; used > 1<<30 {
		t.Errorf("%d bytes in use", used)
	}
	if most := after.Sys - before.Sys; most > 3<<29 {
		t.Errorf("%d bytes taken from the system on the way", most)
	}
	for _, c := range []struct {
		tid  ids.TID
		want bool
	}{{ids.TID{Block: 7, Offset: 1}, true}, {ids.TID{Block: 7, Offset: 2}, false}, {ids.TID{Block: 8, Offset: 1}, false}, {ids.TID{Block: 6, Offset: 1}, false},
		{ids.TID{Block: blk - 2, Offset: 119}, true}, {ids.TID{Block: blk, Offset: 1}, false}} {
		if d.has(c.tid) != c.want {
			t.Errorf("%v is in the set: %v", c.tid, !c.want)
		}
	}
	t.Logf("%d items take %d bytes", d.len(), after.HeapAlloc-before.HeapAlloc)
}
