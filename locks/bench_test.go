package locks

import (
	"testing"
	"time"

	"gompho/internal/ids"
	"gompho/stats"
)

func bench(b *testing.B, tag Tag, mode Mode) {
	slot := stats.NewSlot(1, 0)
	slot.Activity.SetQuery("active", "select abalance from pgbench_accounts where aid = 1", time.Unix(0, 0))
	o := New(Options{}).NewOwner(slot, OwnerOptions{})
	b.ReportAllocs()
	for b.Loop() {
		if err := o.Acquire(tag, mode, Opts{}); err != nil {
			b.Fatal(err)
		}
		o.Release(tag, mode, false)
	}
}

func BenchmarkFastPath(b *testing.B)  { bench(b, RelationTag(5, 1259), AccessShare) }
func BenchmarkMainTable(b *testing.B) { bench(b, TransactionTag(1<<40), Exclusive) }
func BenchmarkStrong(b *testing.B)    { bench(b, RelationTag(5, 1259), AccessExclusive) }

func BenchmarkAgain(b *testing.B) {
	o := New(Options{}).NewOwner(nil, OwnerOptions{})
	tag := RelationTag(5, 1259)
	o.Acquire(tag, AccessShare, Opts{})
	b.ReportAllocs()
	for b.Loop() {
		o.Acquire(tag, AccessShare, Opts{})
		o.Release(tag, AccessShare, false)
	}
}

// A transaction of one statement with one lock, which is noted.
func BenchmarkTransactionOfOne(b *testing.B) {
	slot := stats.NewSlot(1, 0)
	o := New(Options{}).NewOwner(slot, OwnerOptions{})
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		slot.Activity.SetQuery("active", "select abalance from pgbench_accounts where aid = 1", now)
		o.Acquire(RelationTag(5, 1259), AccessShare, Opts{})
		o.ReleaseTransaction()
	}
}

// A query over 50 partitions: all in the fast path.
func BenchmarkTransactionOf50(b *testing.B) {
	o := New(Options{}).NewOwner(nil, OwnerOptions{})
	b.ReportAllocs()
	for b.Loop() {
		for i := range 50 {
			o.Acquire(RelationTag(5, ids.Oid(i)), AccessShare, Opts{})
		}
		o.ReleaseTransaction()
	}
}

func TestNoAllocation(t *testing.T) {
	o := New(Options{}).NewOwner(nil, OwnerOptions{})
	for _, tag := range []Tag{RelationTag(1, 2), TransactionTag(9), TupleTag(1, 2, ids.TID{Block: 3, Offset: 4})} {
		for _, mode := range []Mode{AccessShare, AccessExclusive} {
			n := testing.AllocsPerRun(100, func() {
				o.Acquire(tag, mode, Opts{})
				o.ReleaseTransaction()
			})
			if n != 0 {
				t.Errorf("%s on %s allocates %v times", mode, tag, n)
			}
		}
	}
}
