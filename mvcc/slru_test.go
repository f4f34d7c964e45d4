package mvcc

import (
	"io/fs"
	"testing"

	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/vfs"
)

// watchedDisk notes what the process of slot waits for while it reads.
type watchedDisk struct {
	*disk
	slot *stats.Slot
	seen stats.WaitEvent
}

type watchedFile struct {
	vfs.File
	w *watchedDisk
}

func (w *watchedDisk) Open(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := w.disk.Open(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &watchedFile{f, w}, nil
}

func (f *watchedFile) ReadAt(p []byte, off int64) (int, error) {
	f.w.seen = f.w.slot.Waiting()
	return f.File.ReadAt(p, off)
}

// TestSLRUCounts: each page that is made, found, read or written counts, and who waits for a read of one says so.
func TestSLRUCounts(t *testing.T) {
	d := &watchedDisk{disk: newDisk(), slot: stats.NewSlot(1, 0)}
	open := func() *commitLog { return must(openCommitLog(d, "data", &memLog{})) }
	c := open()
	expect := func(when string, want stats.SLRUCounts) {
		t.Helper()
		if got := c.seg.counts.sum(); got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
	c.set(d.slot, []ids.Xid{7}, bitsCommitted, 0)
	expect("a new page", stats.SLRUCounts{Zeroed: 1, Exists: 1, Hit: 1})
	c.get(d.slot, 7)
	c.get(d.slot, 8)
	expect("two looks", stats.SLRUCounts{Zeroed: 1, Exists: 1, Hit: 3})
	check(c.flush(d.slot))
	expect("a flush", stats.SLRUCounts{Zeroed: 1, Exists: 1, Hit: 3, Written: 1, Flushes: 1})
	if d.seen != 0 {
		t.Errorf("a read before there was anything to read, in %v", d.seen)
	}
	c = open()
	if got := c.get(d.slot, 7); got != bitsCommitted {
		t.Errorf("%d is %d after it was opened again", 7, got)
	}
	expect("a read", stats.SLRUCounts{Read: 1})
	if d.seen != stats.IOSlruRead || d.slot.Waiting() != 0 {
		t.Errorf("the read was in wait event %v, after it is %v", d.seen, d.slot.Waiting())
	}
	check(c.truncate(40 * xidsPerPage))
	expect("a truncation", stats.SLRUCounts{Read: 1, Truncates: 1})
}
