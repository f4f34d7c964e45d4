package wal

import (
	"fmt"
	"io"
	"testing"

	"gompho/internal/ids"
	"gompho/storage/vfs"
)

// TestSwitch: a switch leaves the rest of its segment unused, however little or much that is, does nothing where a segment begins, and readers
// go on behind it, also when the ring is much smaller than what is skipped.
func TestSwitch(t *testing.T) {
	o := testOptions(vfs.NewMem(1))
	var done []uint64
	o.OnSegment = func(no uint64) { done = append(done, no) }
	at := FirstLSN(testSegment)
	l := mustOpen(t, o, at, at, false)
	defer l.Close()
	if end, ok := l.Switch(); ok || end != at {
		t.Fatalf("a switch at the begin of the log gave %s, %v", end, ok)
	}
	pos := func() uint64 { return uint64(l.InsertedTo()) % testSegment }
	want := 0
	// Fill to each distance of interest from the end: 8 bytes do not even hold the switch's header.
	for _, left := range []uint64{testSegment - headerSize - 8, testSegment / 2, 32, headerSize, 16, 8} {
		l.InsertSimple(Noop, 1, []byte(fmt.Sprint(left)))
		want++
		for fill := testSegment - left - pos(); fill > 0; fill = testSegment - left - pos() {
			n := min(fill, 4096)
			if rest := fill - n; rest > 0 && rest < headerSize {
				n -= headerSize
			}
			l.InsertSimple(Noop, 1, make([]byte, n-headerSize))
			want++
		}
		before := l.InsertedTo()
		end, ok := l.Switch()
		if !ok || uint64(end)%testSegment != 0 || end != l.InsertedTo() || end <= before || end > before+testSegment+headerSize {
			t.Fatalf("a switch %d bytes before the end, at %s, ended at %s, %v", left, before, end, ok)
		}
		if again, ok := l.Switch(); ok || again != end {
			t.Fatalf("a second switch at %s gave %s, %v", end, again, ok)
		}
		if record, switched := l.LastImportant(); switched != end || record >= before {
			t.Fatalf("after the switch: last record %s, switched %s", record, switched)
		}
		want++
	}
	last := l.InsertSimple(Noop, 1, []byte("last"))
	if err := l.Flush(nil, last); err != nil {
		t.Fatal(err)
	}
	payloads, end := readAll(t, o, at)
	if len(payloads) != want+1 || string(payloads[want]) != "last" || end != last {
		t.Fatalf("read %d records of %d up to %s of %s", len(payloads), want+1, end, last)
	}
	if n := uint64(last) / testSegment; uint64(len(done)) != n-1 || done[len(done)-1] != n-1 {
		t.Fatalf("told of segments %v, the log is in %d", done, n)
	}
	checkUnusedIsZero(t, o, at)
}

// checkUnusedIsZero: what a switch skips compresses well in an archive.
func checkUnusedIsZero(t *testing.T, o Options, at ids.LSN) {
	r := NewReader(o, at)
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Kind != Switch || rec.End == r.Pos() {
			continue
		}
		no := (uint64(r.Pos()) - 1) / testSegment
		b, err := vfs.ReadFile(o.FS, o.Dir+"/"+SegmentName(1, no, testSegment))
		if err != nil {
			t.Fatal(err)
		}
		if from := uint64(rec.End) - no*testSegment; len(b) != testSegment || !allZero(b[from:]) {
			t.Fatalf("segment %d of %d bytes is not zero after the switch at %d", no, len(b), from)
		}
	}
}

// TestMayRemove: segments that may not be removed stay, others around them go.
func TestMayRemove(t *testing.T) {
	o := testOptions(vfs.NewMem(1))
	keep := map[string]bool{SegmentName(1, 2, testSegment): true}
	var gone []string
	o.MayRemove = func(name string) bool { return !keep[name] }
	o.Removed = func(name string) { gone = append(gone, name) }
	at := FirstLSN(testSegment)
	l := mustOpen(t, o, at, at, false)
	defer l.Close()
	for range 4 {
		l.InsertSimple(Noop, 1, []byte("x"))
		end, _ := l.Switch()
		if err := l.Flush(nil, end); err != nil {
			t.Fatal(err)
		}
	}
	recycled, removed, err := l.Recycle(ids.LSN(4*testSegment), 0)
	if err != nil || recycled != 0 || removed != 2 {
		t.Fatal(recycled, removed, err)
	}
	if len(gone) != 2 || gone[0] != SegmentName(1, 1, testSegment) || gone[1] != SegmentName(1, 3, testSegment) {
		t.Fatal(gone)
	}
	nos, err := Segments(o.FS, o.Dir, 1, testSegment)
	if err != nil || nos[0] != 2 {
		t.Fatal(nos, err)
	}
}
