package buffer

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/page"
	"gompho/storage/smgr"
	"gompho/storage/vfs"
	"gompho/wal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type env struct {
	fs   vfs.FS
	log  *wal.Log
	smgr *smgr.Manager
	pool *Pool
}

func newEnv(t testing.TB, fsys vfs.FS, buffers int, edit ...func(*Options)) *env {
	t.Helper()
	if err := fsys.MkdirAll("/data/pg_wal", 0o700); err != nil {
		t.Fatal(err)
	}
	first := wal.FirstLSN(1 << 20)
	l, err := wal.Open(wal.Options{FS: fsys, Dir: "/data/pg_wal", SystemID: 1, SegmentSize: 1 << 20, BufferSize: 1 << 20}, first, first, false)
	if err != nil {
		t.Fatal(err)
	}
	sm := smgr.New(smgr.Options{FS: fsys, DataDir: "/data", SegmentBlocks: 8, MaxOpenFiles: 4})
	o := Options{Buffers: buffers, Storage: sm, Log: l, Checksums: true}
	for _, f := range edit {
		f(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(); sm.Close(); l.Close() })
	return &env{fsys, l, sm, p}
}

var relA = ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: 16384}

func (e *env) create(t testing.TB, rel ids.RelFile) {
	t.Helper()
	if err := e.smgr.Create(rel, ids.MainFork, false); err != nil {
		t.Fatal(err)
	}
}

func (e *env) extend(t testing.TB, rel ids.RelFile) Buf {
	t.Helper()
	b, err := e.pool.Extend(nil, rel, ids.MainFork, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := e.pool.Begin(nil, wal.GenericChange, 1, RelInfo{rel, true})
	c.Page(b).Init(0, 0)
	c.Commit()
	return b
}

func mustRead(t testing.TB, p *Pool, rel ids.RelFile, blk ids.BlockNumber, s *Strategy) Buf {
	t.Helper()
	b, err := p.Read(nil, rel, ids.MainFork, blk, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestModel compares a small pool, thrashing, with an array of page contents, under reads, changes, extensions,
// truncation, flushes and drops.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := newEnv(t, vfs.NewMem(1), 16)
		slot := stats.NewSlot(1, 1)
		var model []uint64
		exists := false
		strategies := []*Strategy{nil, e.pool.NewStrategy(BulkRead), e.pool.NewStrategy(BulkWrite), e.pool.NewStrategy(Vacuum)}
		info := RelInfo{relA, rapid.Bool().Draw(rt, "logged")}
		pick := func(rt *rapid.T) (ids.BlockNumber, *Strategy) {
			if len(model) == 0 {
				rt.Skip()
			}
			return ids.BlockNumber(rapid.IntRange(0, len(model)-1).Draw(rt, "blk")), rapid.SampledFrom(strategies).Draw(rt, "strategy")
		}
		write := func(b Buf, v uint64) {
			c := e.pool.Begin(slot, wal.GenericChange, 1, info)
			pc := c.Page(b)
			if b.Page().IsNew() {
				pc.Init(0, 0)
			}
			pc.Overwrite(100, binary.LittleEndian.AppendUint64(nil, v))
			if end := c.Commit(); info.Logged != (end != 0) || b.Page().LSN() != end {
				rt.Fatalf("commit at %s, page at %s", end, b.Page().LSN())
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"extend": func(rt *rapid.T) {
				if !exists {
					if err := e.smgr.Create(relA, ids.MainFork, false); err != nil {
						rt.Fatal(err)
					}
					exists = true
				}
				n := rapid.IntRange(1, 12).Draw(rt, "n")
				b, err := e.pool.Extend(slot, relA, ids.MainFork, n, nil)
				if err != nil || int(b.Block()) != len(model) || !b.Page().IsZero() {
					rt.Fatal(err, b.Block())
				}
				v := rapid.Uint64().Draw(rt, "v")
				write(b, v)
				b.UnlockRelease()
				model = append(model, v)
				model = append(model, make([]uint64, n-1)...)
			},
			"write": func(rt *rapid.T) {
				blk, s := pick(rt)
				b, err := e.pool.Read(slot, relA, ids.MainFork, blk, s)
				if err != nil {
					rt.Fatal(err)
				}
				b.Lock(Exclusive)
				model[blk] = rapid.Uint64().Draw(rt, "v")
				write(b, model[blk])
				b.UnlockRelease()
			},
			"read": func(rt *rapid.T) {
				blk, s := pick(rt)
				b, err := e.pool.Read(slot, relA, ids.MainFork, blk, s)
				if err != nil {
					rt.Fatal(err)
				}
				b.Lock(Share)
				if got := binary.LittleEndian.Uint64(b.Page()[100:]); got != model[blk] {
					rt.Fatalf("block %d holds %d, want %d", blk, got, model[blk])
				}
				b.UnlockRelease()
			},
			"truncate": func(rt *rapid.T) {
				if !exists {
					rt.Skip()
				}
				n := rapid.IntRange(0, len(model)).Draw(rt, "n")
				if err := e.pool.Truncate(slot, 1, info, [ids.NumForks]ids.BlockNumber{ids.BlockNumber(n), Keep, Keep, Keep}); err != nil {
					rt.Fatal(err)
				}
				model = model[:n:n]
			},
			"drop": func(rt *rapid.T) {
				if err := e.pool.DropRelations([]ids.RelFile{relA}); err != nil {
					rt.Fatal(err)
				}
				model, exists = nil, false
			},
			"flush": func(rt *rapid.T) {
				var err error
				switch rapid.IntRange(0, 3).Draw(rt, "what") {
				case 0:
					err = e.pool.FlushAll(slot)
				case 1:
					err = e.pool.FlushRelation(slot, relA)
				case 2:
					_, err = e.pool.WriteDirty(slot, true, nil, nil)
				default:
					e.log.MoveRedo()
				}
				if err != nil {
					rt.Fatal(err)
				}
			},
			"": func(rt *rapid.T) {
				if slot.Pins() != 0 || slot.Latches() != 0 || slot.InCritical() {
					rt.Fatalf("%d pins, %d latches left", slot.Pins(), slot.Latches())
				}
				if exists {
					if n, err := e.pool.Blocks(relA, ids.MainFork); err != nil || int(n) != len(model) {
						rt.Fatalf("%d blocks, want %d: %v", n, len(model), err)
					}
				}
			},
		})
	})
}

// TestConcurrent has goroutines move units between pages of a thrashing pool, flushers at their side: the sum stays.
func TestConcurrent(t *testing.T) {
	e := newEnv(t, vfs.NewMem(1), 24)
	e.create(t, relA)
	const blocks, workers, each = 60, 6, 400
	for range blocks {
		e.extend(t, relA).UnlockRelease()
	}
	var wg sync.WaitGroup
	var done atomic.Bool
	for w := range workers {
		wg.Go(func() {
			slot := stats.NewSlot(int32(w), int32(w))
			rnd := rand.New(rand.NewPCG(uint64(w), 3))
			s := []*Strategy{nil, e.pool.NewStrategy(BulkRead), e.pool.NewStrategy(BulkWrite)}[w%3]
			for range each {
				from, to := ids.BlockNumber(rnd.IntN(blocks)), ids.BlockNumber(rnd.IntN(blocks))
				if from == to {
					continue
				}
				if from > to {
					from, to = to, from
				}
				a, err := e.pool.Read(slot, relA, ids.MainFork, from, s)
				if err != nil {
					t.Error(err)
					return
				}
				b, err := e.pool.Read(slot, relA, ids.MainFork, to, s)
				if err != nil {
					t.Error(err)
					return
				}
				a.Lock(Exclusive)
				b.Lock(Exclusive)
				c := e.pool.Begin(slot, wal.GenericChange, 1, RelInfo{relA, true})
				add(c.Page(a), -1)
				add(c.Page(b), 1)
				c.Commit()
				a.UnlockRelease()
				b.Unlock()
				b.Lock(Share)
				b.MarkDirtyHint()
				b.UnlockRelease()
			}
			if slot.Pins() != 0 || slot.Latches() != 0 {
				t.Errorf("%d pins, %d latches left", slot.Pins(), slot.Latches())
			}
		})
	}
	var bg sync.WaitGroup
	bg.Go(func() {
		slot := stats.NewSlot(100, 100)
		var st CleanState
		for !done.Load() {
			e.log.MoveRedo()
			e.log.AwaitDelays()
			if _, err := e.pool.WriteDirty(slot, false, nil, nil); err != nil {
				t.Error(err)
				return
			}
			if _, _, err := e.pool.Clean(slot, &st, time.Second, 10, 2); err != nil {
				t.Error(err)
				return
			}
		}
	})
	wg.Wait()
	done.Store(true)
	bg.Wait()
	sum := int64(0)
	for blk := range ids.BlockNumber(blocks) {
		b := mustRead(t, e.pool, relA, blk, nil)
		sum += int64(binary.LittleEndian.Uint64(b.Page()[64:]))
		b.Release()
	}
	if sum != 0 {
		t.Fatalf("sum %d", sum)
	}
	e.pool.Info(func(i BufferInfo) {
		if i.Pins != 0 {
			t.Errorf("buffer %d of block %d has %d pins", i.ID, i.Block, i.Pins)
		}
	})
}

func add(pc PageChange, d int64) {
	v := int64(binary.LittleEndian.Uint64(pc.Page()[64:])) + d
	pc.Overwrite(64, binary.LittleEndian.AppendUint64(nil, uint64(v)))
}

// TestLatch hammers one latch: writers exclude everybody, waiting writers are not starved, all come through.
func TestLatch(t *testing.T) {
	e := newEnv(t, vfs.NewMem(1), 16)
	e.create(t, relA)
	e.extend(t, relA).UnlockRelease()
	var readers, writers atomic.Int32
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			b := mustRead(t, e.pool, relA, 0, nil)
			defer b.Release()
			for i := range 500 {
				if (i+w)%3 == 0 {
					b.Lock(Exclusive)
					if writers.Add(1) != 1 || readers.Load() != 0 {
						t.Error("a writer was not alone")
					}
					if i%16 == 0 {
						runtime.Gosched()
					}
					writers.Add(-1)
				} else {
					b.Lock(Share)
					readers.Add(1)
					if writers.Load() != 0 {
						t.Error("a reader met a writer")
					}
					if i%16 == 0 {
						runtime.Gosched()
					}
					readers.Add(-1)
				}
				b.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestCleanup: the cleanup latch comes when the last other pin goes, and an interrupt ends the wait.
func TestCleanup(t *testing.T) {
	e := newEnv(t, vfs.NewMem(1), 16)
	e.create(t, relA)
	e.extend(t, relA).UnlockRelease()
	for range 100 {
		mine, other := mustRead(t, e.pool, relA, 0, nil), mustRead(t, e.pool, relA, 0, nil)
		if mine.TryLockCleanup() {
			t.Fatal("cleanup in spite of another pin")
		}
		got := make(chan error)
		go func() { got <- mine.LockCleanup(stats.NewSlot(1, 1)) }()
		other.Lock(Share)
		other.Unlock()
		other.Release()
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		mine.UnlockRelease()
	}
	mine, other := mustRead(t, e.pool, relA, 0, nil), mustRead(t, e.pool, relA, 0, nil)
	slot := stats.NewSlot(1, 1)
	got := make(chan error)
	go func() { got <- mine.LockCleanup(slot) }()
	for slot.Waiting() != stats.BufferPinWait {
		runtime.Gosched()
	}
	slot.Interrupt(stats.CancelQuery)
	if err := <-got; !pgerr.Is(err, pgerr.QueryCanceled) {
		t.Fatal(err)
	}
	other.Release()
	if !mine.TryLockCleanup() {
		t.Fatal("no cleanup latch although alone")
	}
	mine.UnlockRelease()
}

// TestDamage flips a byte on disk: the read names block and relation with XX001; ReadOrZero gives zeros, and so does zero_damaged_pages;
// ignore_checksum_failure takes the page as it is unless its header is wrong.
func TestDamage(t *testing.T) {
	mem := vfs.NewMem(1)
	warned := 0
	failures := map[ids.Oid]int{}
	e := newEnv(t, mem, 16, func(o *Options) {
		o.Warn = func(*pgerr.Error) { warned++ }
		o.ChecksumFailed = func(db ids.Oid) { failures[db]++ }
	})
	e.create(t, relA)
	grown := e.extend(t, relA)
	c := e.pool.Begin(nil, wal.GenericChange, 1, RelInfo{relA, true})
	c.Page(grown).Init(0, 0)
	c.Commit()
	grown.UnlockRelease()
	if err := e.pool.FlushAll(nil); err != nil {
		t.Fatal(err)
	}
	e.pool.DropRelationBuffers(relA)
	path := "/data/" + smgr.RelPath(relA, 0)
	b, err := vfs.ReadFile(mem, path)
	if err != nil {
		t.Fatal(err)
	}
	b[4000] ^= 1
	if err := vfs.WriteFile(mem, path, b, 0o600, false); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = e.pool.Read(nil, relA, ids.MainFork, 0, nil)
		if !pgerr.Is(err, pgerr.DataCorrupted) || pgerr.From(err).Message != "invalid page in block 0 of relation base/5/16384" {
			t.Fatal(err)
		}
	}
	z, err := e.pool.ReadOrZero(nil, relA, ids.MainFork, 0, nil)
	if err != nil || !z.Page().IsZero() || warned != 4 || failures[5] != 3 {
		t.Fatal(err, warned, failures)
	}
	z.Release()
	testDamagePolicy(t, e, mem, path, b)
	if _, err := e.pool.Read(nil, relA, ids.MainFork, 7, nil); err == nil {
		t.Fatal("read beyond the end")
	}
	if _, err := e.pool.Read(nil, ids.RelFile{Spc: 1663, DB: 5, Rel: 1}, ids.MainFork, 0, nil); !pgerr.Is(err, pgerr.UndefinedFile) {
		t.Fatal(err)
	}
}

func testDamagePolicy(t *testing.T, e *env, mem vfs.FS, path string, file []byte) {
	var ignore, zero bool
	var words []string
	slot := stats.NewSlot(1, 0)
	slot.Damage = &stats.Damage{IgnoreChecksums: func() bool { return ignore }, ZeroPages: func() bool { return zero },
		Warn: func(e *pgerr.Error) { words = append(words, e.Message) }}
	read := func() (page.Page, error) {
		e.pool.DropRelationBuffers(relA)
		words = nil
		b, err := e.pool.Read(slot, relA, ids.MainFork, 0, nil)
		if err != nil {
			return nil, err
		}
		defer b.Release()
		return append(page.Page(nil), b.Page()...), nil
	}
	ignore = true
	if pg, err := read(); err != nil || pg[4000] != file[4000] || len(words) != 1 || !strings.HasPrefix(words[0], "page verification failed, calculated checksum ") {
		t.Fatal(err, words)
	}
	file[page.PosUpper+1] ^= 0x80
	if err := vfs.WriteFile(mem, path, file, 0o600, false); err != nil {
		t.Fatal(err)
	}
	if _, err := read(); !pgerr.Is(err, pgerr.DataCorrupted) {
		t.Fatal("a page with a damaged header was used:", err)
	}
	zero = true
	if pg, err := read(); err != nil || !pg.IsZero() || len(words) != 2 || words[1] != "invalid page in block 0 of relation base/5/16384; zeroing out page" {
		t.Fatal(err, words)
	}
}

// TestImages: the first change of a page after the redo pointer moved carries an image, the next does not; the same
// for hints, whose image alone goes to the log.
func TestImages(t *testing.T) {
	e := newEnv(t, vfs.NewMem(1), 16)
	e.create(t, relA)
	b := e.extend(t, relA)
	change := func(kind string) (images, records int64) {
		before := e.log.Stats()
		if kind == "hint" {
			b.MarkDirtyHint()
		} else {
			c := e.pool.Begin(nil, wal.GenericChange, 1, RelInfo{relA, true})
			c.Page(b).Overwrite(500, []byte("x"))
			c.Commit()
		}
		after := e.log.Stats()
		return after.Images - before.Images, after.Records - before.Records
	}
	check := func(kind string, images, records int64) {
		t.Helper()
		if i, r := change(kind); i != images || r != records {
			t.Fatalf("%s: %d images, %d records; want %d, %d", kind, i, r, images, records)
		}
	}
	check("change", 0, 1) // the page was initialised after the redo pointer
	e.log.MoveRedo()
	check("hint", 0, 0) // dirty already: the checkpoint in progress writes it
	check("change", 1, 1)
	check("change", 0, 1)
	b.Unlock()
	if err := e.pool.FlushAll(nil); err != nil {
		t.Fatal(err)
	}
	b.Lock(Share)
	check("hint", 0, 0) // logged since the redo pointer
	b.Unlock()
	e.log.MoveRedo()
	if err := e.pool.FlushAll(nil); err != nil {
		t.Fatal(err)
	}
	b.Lock(Share)
	check("hint", 1, 1)
	check("hint", 0, 0)
	b.Unlock()
	b.Lock(Exclusive)
	check("change", 0, 1)
	b.UnlockRelease()
}

// TestHintDuringWrite: a hint that comes while a checkpoint writes the page is not in what it writes. The next write may be torn, so the
// log must have an image.
func TestHintDuringWrite(t *testing.T) {
	var hook func()
	fsys := vfs.NewFaulty(vfs.NewMem(1), func(op vfs.FaultOp) error {
		if f := hook; f != nil && op.Kind == vfs.OpWrite && op.Name == "/data/base/5/16384" {
			hook = nil
			f()
		}
		return nil
	})
	e := newEnv(t, fsys, 16)
	e.create(t, relA)
	e.extend(t, relA).UnlockRelease()
	e.log.MoveRedo()
	before := e.log.Stats()
	hook = func() {
		b := mustRead(t, e.pool, relA, 0, nil)
		b.Lock(Share)
		b.MarkDirtyHint()
		b.UnlockRelease()
	}
	if err := e.pool.FlushAll(nil); err != nil {
		t.Fatal(err)
	}
	if hook != nil {
		t.Fatal("the page was not written")
	}
	if n := e.log.Stats().Images - before.Images; n != 1 {
		t.Fatalf("%d images, want 1", n)
	}
}

// TestNoBuffers: when all are pinned the next read fails and nothing leaks.
func TestNoBuffers(t *testing.T) {
	e := newEnv(t, vfs.NewMem(1), 16)
	e.create(t, relA)
	var held []Buf
	for range 16 {
		b := e.extend(t, relA)
		b.Unlock()
		held = append(held, b)
	}
	if _, err := e.pool.Extend(nil, relA, ids.MainFork, 1, nil); !pgerr.Is(err, pgerr.InsufficientResources) {
		t.Fatal(err)
	}
	for _, b := range held {
		b.Release()
	}
	e.extend(t, relA).UnlockRelease()
	if n, _ := e.pool.Blocks(relA, 0); n != 17 {
		t.Fatal(n)
	}
}

// TestWriteError: a failed write of a victim is the reader's error, and the page is not lost.
func TestWriteError(t *testing.T) {
	boom, fail := errors.New("boom"), false
	fsys := vfs.NewFaulty(vfs.NewMem(1), func(op vfs.FaultOp) error {
		if fail && op.Kind == vfs.OpWrite && op.Name == "/data/base/5/16384" {
			return boom
		}
		return nil
	})
	e := newEnv(t, fsys, 16)
	e.create(t, relA)
	for range 8 {
		e.extend(t, relA).UnlockRelease()
	}
	for range 32 {
		e.extend(t, relA).UnlockRelease()
	}
	mustRead(t, e.pool, relA, 3, nil).Release()
	b := mustRead(t, e.pool, relA, 3, nil)
	b.Lock(Exclusive)
	c := e.pool.Begin(nil, wal.GenericChange, 1, RelInfo{relA, true})
	c.Page(b).Overwrite(100, []byte("kept"))
	c.Commit()
	b.UnlockRelease()
	fail = true
	failed := false
	for blk := range ids.BlockNumber(40) {
		r, err := e.pool.Read(nil, relA, ids.MainFork, blk, nil)
		if err == nil {
			r.Release()
		} else if failed = errors.Is(err, boom); !failed {
			t.Fatal(err)
		}
	}
	if !failed {
		t.Fatal("no read had to write")
	}
	fail = false
	b = mustRead(t, e.pool, relA, 3, nil)
	if string(b.Page()[100:104]) != "kept" {
		t.Fatal("lost")
	}
	b.Release()
}

// TestPanicInCritical: the hook's panic leaves the slot saying that shared state is damaged.
func TestPanicInCritical(t *testing.T) {
	e := newEnv(t, vfs.NewMem(1), 16, func(o *Options) {
		o.Critical = func(k wal.Kind) {
			if k == wal.HeapInsert {
				panic("forced")
			}
		}
	})
	e.create(t, relA)
	b := e.extend(t, relA)
	slot := stats.NewSlot(1, 1)
	func() {
		defer func() { _ = recover() }()
		c := e.pool.Begin(slot, wal.HeapInsert, 1, RelInfo{relA, true})
		c.Page(b).InsertItem(0, []byte("x"))
		c.Commit()
	}()
	if !slot.InCritical() || !slot.DamagesShared() {
		t.Fatal("the slot does not know of the critical section")
	}
	b.UnlockRelease()
}

func TestUnloggedSkipsCheckpoint(t *testing.T) {
	e := newEnv(t, vfs.NewMem(1), 16)
	e.create(t, relA)
	b, err := e.pool.Extend(nil, relA, ids.MainFork, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := e.pool.Begin(nil, wal.GenericChange, 1, RelInfo{relA, false})
	c.Page(b).Init(0, 0)
	if c.Commit() != 0 {
		t.Fatal("logged")
	}
	b.UnlockRelease()
	if n, err := e.pool.WriteDirty(nil, false, nil, nil); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := e.pool.WriteDirty(nil, true, nil, nil); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if page.Verify(make(page.Page, page.Size), 0, true) != nil {
		t.Fatal("zero page")
	}
}

func BenchmarkReadHit(b *testing.B) {
	e := newEnv(b, vfs.NewMem(1), 1024)
	e.create(b, relA)
	for range 500 {
		e.extend(b, relA).UnlockRelease()
	}
	slot := stats.NewSlot(1, 1)
	b.ReportAllocs()
	blk := ids.BlockNumber(0)
	for b.Loop() {
		buf, err := e.pool.Read(slot, relA, ids.MainFork, blk%500, nil)
		if err != nil {
			b.Fatal(err)
		}
		buf.Release()
		blk++
	}
}

func BenchmarkReadLatched(b *testing.B) {
	e := newEnv(b, vfs.NewMem(1), 1024)
	e.create(b, relA)
	e.extend(b, relA).UnlockRelease()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		slot := stats.NewSlot(1, 1)
		for pb.Next() {
			buf, _ := e.pool.Read(slot, relA, ids.MainFork, 0, nil)
			buf.Lock(Share)
			buf.UnlockRelease()
		}
	})
}

func BenchmarkChange(b *testing.B) {
	e := newEnv(b, vfs.NewMem(1), 1024)
	e.create(b, relA)
	buf := e.extend(b, relA)
	slot := stats.NewSlot(1, 1)
	v := make([]byte, 40)
	b.ReportAllocs()
	for b.Loop() {
		c := e.pool.Begin(slot, wal.GenericChange, 1, RelInfo{relA, true})
		c.Page(buf).Overwrite(100, v)
		c.Commit()
	}
	buf.UnlockRelease()
}

// TestUsable: an index page with line pointers that have no item cannot be used in spite of a wrong checksum; a table's page has such.
func TestUsable(t *testing.T) {
	for _, special := range []int{0, 24} {
		pg := page.Page(make([]byte, page.Size))
		pg.Init(special, 0)
		pg.InsertItem(0, make([]byte, 40))
		if !usable(pg) {
			t.Errorf("a page with one item and %d bytes of special space is not usable", special)
		}
		binary.LittleEndian.PutUint16(pg[page.PosLower:], uint16(pg.Lower()+page.ItemIDSize)) // as a flipped bit of the header would add one
		if usable(pg) != (special == 0) {
			t.Errorf("with a line pointer more and %d bytes of special space: %v", special, usable(pg))
		}
	}
}
