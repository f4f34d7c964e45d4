package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/page"
	"gompho/storage/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testSegment = 64 << 10

func testOptions(fsys vfs.FS) Options {
	_ = fsys.MkdirAll("/pg_wal", 0o700)
	_ = fsys.SyncDir("/")
	return Options{FS: fsys, Dir: "/pg_wal", SystemID: 42, SegmentSize: testSegment, BufferSize: 64 << 10}
}

func mustOpen(t testing.TB, o Options, at, redo ids.LSN, crashed bool) *Log {
	t.Helper()
	l, err := Open(o, at, redo, crashed)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func readAll(t testing.TB, o Options, at ids.LSN) (payloads [][]byte, end ids.LSN) {
	t.Helper()
	r := NewReader(o, at)
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return payloads, r.Pos()
		}
		if err != nil {
			t.Fatal(err)
		}
		payloads = append(payloads, bytes.Clone(rec.Payload))
	}
}

func TestRecordRoundTrip(t *testing.T) {
	o := testOptions(vfs.NewMem(1))
	first := FirstLSN(testSegment)
	l := mustOpen(t, o, first, first, false)
	defer l.Close()
	rel, other := ids.RelFile{Spc: 1663, DB: 5, Rel: 16384}, ids.RelFile{Spc: 1663, DB: 5, Rel: 16385}
	pg := make(page.Page, page.Size)
	pg.Init(16, 0)
	pg.InsertItem(0, []byte("item"))
	var b Builder
	b.Reset(HeapInsert, 77)
	b.Page(rel, ids.MainFork, 3, page.AppendCompact(nil))
	b.Page(rel, ids.VmFork, 0, page.AppendSetFlags(nil, 7))
	b.Image(other, ids.MainFork, 9, pg)
	b.Payload([]byte("pay"))
	b.Payload([]byte("load"))
	end, ok := l.Insert(&b, first)
	if !ok || end != l.InsertedTo() {
		t.Fatal(end, ok)
	}
	if _, ok := l.Insert(&b, first-8); ok {
		t.Fatal("a record built on an old redo pointer went in")
	}
	if err := l.Flush(nil, end); err != nil {
		t.Fatal(err)
	}
	r := NewReader(o, first)
	defer r.Close()
	rec, err := r.Next()
	if err != nil {
		t.Fatal(err, r.EndReason())
	}
	if rec.Kind != HeapInsert || rec.Xid != 77 || rec.Start != first || rec.End != end || string(rec.Payload) != "payload" || len(rec.Pages) != 3 {
		t.Fatal(rec.Describe())
	}
	if p := rec.Pages[1]; p.Rel != rel || p.Fork != ids.VmFork || p.Block != 0 {
		t.Fatal(rec.Describe())
	}
	got := make(page.Page, page.Size)
	if err := page.Apply(got, rec.Pages[2].Ops); err != nil || !bytes.Equal(got, pg) || rec.Pages[2].Rel != other || rec.Pages[2].Block != 9 {
		t.Fatal(rec.Describe(), err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Fatal(err)
	}
	o.SystemID++
	foreign := NewReader(o, first)
	defer foreign.Close()
	if _, err := foreign.Next(); err != io.EOF {
		t.Fatal("read another cluster's log")
	}
}

// TestConcurrent lets many goroutines insert records of all sizes, larger than the ring too, and flush. Everything is
// there once, and each goroutine's records are in its order.
func TestConcurrent(t *testing.T) {
	for _, m := range []SyncMethod{Fdatasync, Fsync, OpenDatasync, OpenSync} {
		o := testOptions(vfs.NewMem(1))
		o.SyncMethod = func() SyncMethod { return m }
		first := FirstLSN(testSegment)
		l := mustOpen(t, o, first, first, false)
		const workers, each = 8, 200
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				rnd := rand.New(rand.NewPCG(uint64(w), 1))
				for i := range each {
					size := rnd.IntN(300)
					if i%50 == 7 {
						size = rnd.IntN(3 * len(l.ring))
					}
					p := make([]byte, 12+size)
					binary.LittleEndian.PutUint32(p, uint32(w))
					binary.LittleEndian.PutUint32(p[4:], uint32(i))
					for j := range size {
						p[12+j] = byte(w + i + j)
					}
					end := l.InsertSimple(Noop, 1, p[:5], p[5:])
					if i%7 == 0 {
						if err := l.Flush(nil, end); err != nil {
							t.Error(err)
						}
						if l.FlushedTo() < end {
							t.Error("not flushed")
						}
					}
				}
			})
		}
		wg.Wait()
		if err := l.Flush(nil, l.InsertedTo()); err != nil {
			t.Fatal(err)
		}
		got, end := readAll(t, o, first)
		if len(got) != workers*each || end != l.InsertedTo() {
			t.Fatalf("%s: %d records to %s, want %d to %s", m, len(got), end, workers*each, l.InsertedTo())
		}
		next := [workers]uint32{}
		for _, p := range got {
			w, i := binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[4:])
			if next[w] != i {
				t.Fatalf("worker %d: record %d, want %d", w, i, next[w])
			}
			next[w]++
			for j := range p[12:] {
				if p[12+j] != byte(int(w)+int(i)+j) {
					t.Fatal("content differs")
				}
			}
		}
		l.Close()
	}
}

// TestCrash: after a crash the log holds at least what was flushed, exactly in order, and what follows after
// recovery is never mixed with what lay there before.
func TestCrash(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		mem := vfs.NewMem(seed)
		o := testOptions(mem)
		at := FirstLSN(testSegment)
		first := at
		var expect [][]byte
		for life := range 4 {
			l := mustOpen(t, o, at, at, life > 0)
			flushed := len(expect)
			for i := range rnd.IntN(60) {
				p := fmt.Appendf(nil, "life %d record %d %s", life, i, bytes.Repeat([]byte("x"), rnd.IntN(4)*rnd.IntN(2000)))
				end := l.InsertSimple(Noop, 1, p)
				expect = append(expect, p)
				switch rnd.IntN(6) {
				case 0:
					if err := l.Flush(nil, end); err != nil {
						t.Fatal(err)
					}
					flushed = len(expect)
				case 1:
					if _, err := l.BackgroundFlush(nil, 1<<20, false); err != nil {
						t.Fatal(err)
					}
				case 2:
					if err := l.Preallocate(nil); err != nil {
						t.Fatal(err)
					}
				}
			}
			mem.Crash()
			l.Close()
			got, end := readAll(t, o, first)
			if len(got) < flushed || len(got) > len(expect) {
				t.Fatalf("seed %d life %d: %d records, flushed %d of %d", seed, life, len(got), flushed, len(expect))
			}
			for i := range got {
				if !bytes.Equal(got[i], expect[i]) {
					t.Fatalf("seed %d life %d: record %d is %q, want %q", seed, life, i, got[i], expect[i])
				}
			}
			expect, at = expect[:len(got):len(got)], end
		}
	}
}

// TestZeroBeyond: a record that survived the crash behind one that did not must not come back when its predecessor's
// place is taken by one of the same length.
func TestZeroBeyond(t *testing.T) {
	mem := vfs.NewMem(1)
	o := testOptions(mem)
	first := FirstLSN(testSegment)
	l := mustOpen(t, o, first, first, false)
	l.InsertSimple(Noop, 1, []byte("first"))
	lost := l.InsertedTo()
	// The lost record ends with a block, so that writing over it does not touch what follows.
	l.InsertSimple(Noop, 1, append([]byte("lost!"), make([]byte, 2*blockSize-int(lost-first)-headerSize-5)...))
	l.InsertSimple(Noop, 1, []byte("ghost"))
	if err := l.Flush(nil, l.InsertedTo()); err != nil {
		t.Fatal(err)
	}
	l.Close()
	f, err := mem.Open("/pg_wal/"+SegmentName(1, 1, testSegment), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0xff}, int64(lost-first)+26); err != nil {
		t.Fatal(err)
	}
	f.Close()
	got, end := readAll(t, o, first)
	if len(got) != 1 || end != lost {
		t.Fatalf("%q", got)
	}
	l = mustOpen(t, o, lost, lost, true)
	if err := l.Flush(nil, l.InsertSimple(Noop, 1, append([]byte("again"), make([]byte, 2*blockSize-int(lost-first)-headerSize-5)...))); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if got, _ := readAll(t, o, first); len(got) != 2 || string(got[1][:5]) != "again" {
		t.Fatalf("%d records", len(got))
	}
}

func TestRecycle(t *testing.T) {
	o := testOptions(vfs.NewMem(1))
	first := FirstLSN(testSegment)
	l := mustOpen(t, o, first, first, false)
	defer l.Close()
	fill := func(n int) {
		for range n {
			l.InsertSimple(Noop, 1, make([]byte, 1000))
		}
		if err := l.Flush(nil, l.InsertedTo()); err != nil {
			t.Fatal(err)
		}
	}
	fill(600)
	keep := l.MoveRedo()
	if keep != l.Redo() {
		t.Fatal("redo pointer did not move")
	}
	recycled, removed, err := l.Recycle(keep, keep+4*testSegment)
	if err != nil || recycled != 3 || removed != 6 {
		t.Fatal(recycled, removed, err)
	}
	fill(400)
	got, end := readAll(t, o, keep)
	if len(got) != 400 || end != l.InsertedTo() {
		t.Fatalf("%d records to %s of %s", len(got), end, l.InsertedTo())
	}
	if s := l.Stats(); s.Records != 1000 || s.Bytes != int64(end-first) || s.Syncs == 0 || s.Writes == 0 {
		t.Fatalf("%+v", s)
	}
}

func TestSegmentNames(t *testing.T) {
	for _, c := range []struct {
		lsn  ids.LSN
		name string
	}{{0x1000000, "000000010000000000000001"}, {0xff000000, "0000000100000000000000FF"}, {0x3_02000000, "000000010000000300000002"}} {
		no := uint64(c.lsn) / DefaultSegmentSize
		if got := SegmentName(1, no, DefaultSegmentSize); got != c.name {
			t.Errorf("%s: %s, want %s", c.lsn, got, c.name)
		}
		if _, back, ok := ParseSegmentName(c.name, DefaultSegmentSize); !ok || back != no {
			t.Errorf("%s does not parse", c.name)
		}
	}
	if _, _, ok := ParseSegmentName("0000000100000000000001FF", DefaultSegmentSize); ok {
		t.Error("a segment beyond the last of its log file")
	}
}

// TestBrokenSync: a failed sync breaks the log for good; it is told once.
func TestBrokenSync(t *testing.T) {
	boom := errors.New("boom")
	fail := false
	o := testOptions(vfs.NewFaulty(vfs.NewMem(1), func(op vfs.FaultOp) error {
		if fail && op.Kind == vfs.OpSync {
			return boom
		}
		return nil
	}))
	told := 0
	o.OnPanic = func(error) { told++ }
	first := FirstLSN(testSegment)
	l := mustOpen(t, o, first, first, false)
	defer l.Close()
	if err := l.Flush(nil, l.InsertSimple(Noop, 1, []byte("a"))); err != nil {
		t.Fatal(err)
	}
	fail = true
	end := l.InsertSimple(Noop, 1, []byte("b"))
	for range 3 {
		err := l.Flush(nil, end)
		if !errors.Is(err, boom) || pgerr.From(err).Level() != pgerr.Panic {
			t.Fatal(err)
		}
		fail = false // it would work now, and must not be tried
	}
	if told != 1 {
		t.Fatalf("told %d times", told)
	}
	defer func() {
		if recover() == nil {
			t.Fatal("a broken log took a record")
		}
	}()
	l.InsertSimple(Noop, 1, []byte("c"))
}

func TestAsyncAndDelay(t *testing.T) {
	o := testOptions(vfs.NewMem(1))
	o.CommitDelay = func() time.Duration { return time.Microsecond }
	o.CommitSiblings = func() int { return 1 }
	o.ActiveXacts = func() int { return 1 }
	first := FirstLSN(testSegment)
	l := mustOpen(t, o, first, first, false)
	defer l.Close()
	end := l.InsertSimple(XactCommit, 5, []byte("x"))
	l.FlushAsync(end)
	<-l.AsyncWake()
	if did, err := l.BackgroundFlush(nil, 1<<20, false); !did || err != nil || l.FlushedTo() < end {
		t.Fatal(did, err, l.FlushedTo())
	}
	if did, _ := l.BackgroundFlush(nil, 1<<20, false); did {
		t.Fatal("nothing to do, but did it")
	}
	if err := l.Flush(nil, l.InsertSimple(Noop, 1, nil)); err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(nil, l.InsertedTo()+8); !pgerr.Is(err, pgerr.DataCorrupted) {
		t.Fatal(err)
	}
}

// TestGather: among many transactions one sync serves all sessions that could run when the first came to its commit.
func TestGather(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const sessions = 20
	for _, c := range []struct{ others, least, most int }{{sessions, 1, sessions / 4}, {crowd - 1, sessions / 2, sessions + 2}} {
		syncs := 0
		o := testOptions(vfs.NewFaulty(vfs.NewMem(1), func(op vfs.FaultOp) error {
			if op.Kind == vfs.OpSync {
				syncs++
			}
			return nil
		}))
		o.ActiveXacts = func() int { return c.others }
		first := FirstLSN(testSegment)
		l := mustOpen(t, o, first, first, false)
		syncs = 0
		var all sync.WaitGroup
		for range sessions {
			all.Go(func() {
				if err := l.Flush(nil, l.InsertSimple(Noop, 1, []byte("x"))); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if syncs < c.least || syncs > c.most {
			t.Errorf("%d syncs for %d sessions with %d other transactions", syncs, sessions, c.others)
		}
		l.Close()
	}
}

// FuzzReader feeds segments of arbitrary bytes to the reader and arbitrary records to the decoder.
func FuzzReader(f *testing.F) {
	f.Add([]byte{}, uint8(0))
	var b Builder
	b.Reset(HeapInsert, 1)
	b.Page(ids.RelFile{Spc: 1, DB: 2, Rel: 3}, 0, 1, page.AppendCompact(nil))
	b.Page(ids.RelFile{Spc: 1, DB: 2, Rel: 3}, 0, 2, page.AppendCompact(nil))
	b.Payload([]byte("x"))
	b.seal()
	f.Add(bytes.Clone(b.buf), uint8(3))
	f.Fuzz(func(t *testing.T, content []byte, at uint8) {
		mem := vfs.NewMem(1)
		o := testOptions(mem)
		if len(content) > testSegment {
			content = content[:testSegment]
		}
		_ = vfs.WriteFile(mem, "/pg_wal/"+SegmentName(1, 1, testSegment), content, 0o600, false)
		r := NewReader(o, testSegment+ids.LSN(at)*8)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
		r.Close()
		var rec Record
		if len(content) >= headerSize {
			if rec.decode(content, 8, &unpacker{}) == nil {
				_ = rec.Describe()
			}
		}
	})
}

func benchLog(b *testing.B) *Log {
	dir := filepath.Join(b.TempDir(), "wal")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	first := FirstLSN(DefaultSegmentSize)
	return mustOpen(b, Options{FS: vfs.OS(), Dir: dir, SystemID: 1}, first, first, false)
}

func BenchmarkInsert(b *testing.B) {
	mem := vfs.NewMem(1)
	o := testOptions(mem)
	o.BufferSize, o.SegmentSize = 16<<20, DefaultSegmentSize
	l := mustOpen(b, o, FirstLSN(DefaultSegmentSize), FirstLSN(DefaultSegmentSize), false)
	defer l.Close()
	var rec Builder
	ops := make([]byte, 100)
	rel := ids.RelFile{Spc: 1663, DB: 5, Rel: 16384}
	b.ReportAllocs()
	for b.Loop() {
		rec.Reset(HeapInsert, 5)
		rec.Page(rel, ids.MainFork, 7, ops)
		if l.InsertedTo()-l.WrittenTo() > 15<<20 { // keep the file system out of the measurement
			b.StopTimer()
			v := l.reserved.Load()
			l.written.Store(v)
			l.flushed.Store(v)
			b.StartTimer()
		}
		l.Insert(&rec, AnyRedo)
	}
}

func BenchmarkFlush(b *testing.B) {
	for _, par := range []int{1, 8} {
		b.Run(fmt.Sprintf("committers=%d", par), func(b *testing.B) {
			l := benchLog(b)
			defer l.Close()
			b.ReportAllocs()
			b.SetParallelism(par)
			b.RunParallel(func(pb *testing.PB) {
				payload := make([]byte, 100)
				for pb.Next() {
					if err := l.Flush(nil, l.InsertSimple(XactCommit, 5, payload)); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
