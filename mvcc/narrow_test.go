package mvcc

import (
	"testing"

	"pgregory.net/rapid"
)

// TestNarrow: what comes back is what went in, or older when it is too far away; never one of the ids that mean something else.
func TestNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.OneOf(rapid.Uint64Range(3, 1<<12), rapid.Uint64Range(1<<31-9, 1<<31+9), rapid.Uint64Range(1<<32-9, 1<<32+9),
			rapid.Uint64Range(1<<40-9, 1<<40+9)).Draw(t, "base")
		v := rapid.OneOf(rapid.Uint64Range(base, base+99), rapid.Uint64Range(base+1<<31-9, base+1<<31+9), rapid.Uint64Range(base, base+1<<41),
			rapid.Uint64Range(max(base, 103)-100, base)).Draw(t, "v")
		low := narrow(v, base, 3)
		if low < 3 {
			t.Fatalf("%d near %d is kept as %d", v, base, low)
		}
		got := nearest(low, base)
		if got > v {
			t.Fatalf("%d near %d came back as %d", v, base, got)
		}
		if v < base+1<<31 && v-got > 3 {
			t.Fatalf("%d near %d came back as %d", v, base, got)
		}
	})
}
