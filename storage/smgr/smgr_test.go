package smgr

import (
	"bytes"
	"errors"
	"reflect"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/page"
	"gompho/storage/vfs"
	"gompho/wal"
)

var relA = ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: 16384}

func newManager(t testing.TB, fsys vfs.FS, edit ...func(*Options)) *Manager {
	o := Options{FS: fsys, DataDir: "/data", SegmentBlocks: 3, MaxOpenFiles: 2}
	for _, f := range edit {
		f(&o)
	}
	m := New(o)
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func block(b byte) []byte { return bytes.Repeat([]byte{b}, ids.BlockSize) }

// TestModel compares two relations over small segments and few open files with slices of blocks.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newManager(t, vfs.NewMem(1))
		rels := []ids.RelFile{relA, {Spc: ids.DefaultTablespace, DB: 5, Rel: 16385}}
		models := map[ids.RelFile][]byte{} // one byte stands for a block
		pick := func(rt *rapid.T) (ids.RelFile, []byte) {
			rel := rapid.SampledFrom(rels).Draw(rt, "rel")
			if _, ok := models[rel]; !ok {
				must(t, m.Create(rel, ids.MainFork, false))
				models[rel] = nil
			}
			return rel, models[rel]
		}
		rt.Repeat(map[string]func(*rapid.T){
			"extend": func(rt *rapid.T) {
				rel, have := pick(rt)
				n := rapid.IntRange(1, 8).Draw(rt, "n")
				first, err := m.Extend(nil, rel, ids.MainFork, n)
				if err != nil || int(first) != len(have) {
					rt.Fatal(first, err)
				}
				models[rel] = append(have, make([]byte, n)...)
			},
			"write": func(rt *rapid.T) {
				rel, have := pick(rt)
				if len(have) == 0 {
					rt.Skip()
				}
				blk, v := rapid.IntRange(0, len(have)-1).Draw(rt, "blk"), rapid.Byte().Draw(rt, "v")
				must(t, m.Write(nil, rel, ids.MainFork, ids.BlockNumber(blk), block(v)))
				have[blk] = v
			},
			"truncate": func(rt *rapid.T) {
				rel, have := pick(rt)
				n := rapid.IntRange(0, len(have)).Draw(rt, "n")
				must(t, m.Truncate(nil, rel, ids.MainFork, ids.BlockNumber(n)))
				models[rel] = have[:n:n]
			},
			"unlink": func(rt *rapid.T) {
				rel, _ := pick(rt)
				must(t, m.Unlink(rel))
				delete(models, rel)
			},
			"sync":   func(*rapid.T) { _, err := m.SyncAll(nil); must(t, err) },
			"forget": func(rt *rapid.T) { rel, _ := pick(rt); m.Forget(rel) },
			"checkpoint": func(*rapid.T) {
				m.BeginCheckpoint()
				must(t, m.EndCheckpoint())
			},
			"": func(rt *rapid.T) {
				got := make([]byte, ids.BlockSize)
				for _, rel := range rels {
					have, ok := models[rel]
					if m.Exists(rel, ids.MainFork) != ok {
						rt.Fatalf("exists: %v", !ok)
					}
					if !ok {
						continue
					}
					n, err := m.Blocks(rel, ids.MainFork)
					if err != nil || int(n) != len(have) {
						rt.Fatalf("%d blocks, want %d: %v", n, len(have), err)
					}
					for blk, v := range have {
						must(t, m.Read(nil, rel, ids.MainFork, ids.BlockNumber(blk), got))
						if !bytes.Equal(got, block(v)) {
							rt.Fatalf("block %d differs", blk)
						}
					}
				}
				if m.OpenFiles() > 4 {
					rt.Fatalf("%d files are open", m.OpenFiles())
				}
			},
		})
	})
}

// TestUnlinkWaits: the first segment of a dropped relation keeps its name until a checkpoint that began after the drop is over.
func TestUnlinkWaits(t *testing.T) {
	mem := vfs.NewMem(1)
	m := newManager(t, mem)
	must(t, m.Create(relA, ids.MainFork, false))
	must(t, m.Create(relA, ids.FsmFork, false))
	_, err := m.Extend(nil, relA, ids.MainFork, 5)
	must(t, err)
	m.BeginCheckpoint()
	must(t, m.Unlink(relA))
	must(t, m.Unlink(relA)) // again is no error
	must(t, m.EndCheckpoint())
	path := "/data/" + RelPath(relA, 0)
	if st, err := mem.Stat(path); err != nil || st.Size() != 0 {
		t.Fatal("the file should be there, and empty", err)
	}
	if m.Exists(relA, 0) || vfs.Exists(mem, path+".1") || vfs.Exists(mem, path+"_fsm") {
		t.Fatal("the rest should be gone")
	}
	m.BeginCheckpoint()
	must(t, m.EndCheckpoint())
	if vfs.Exists(mem, path) {
		t.Fatal("still there")
	}
	must(t, m.Create(relA, ids.MainFork, false))
	if err := m.Create(relA, ids.MainFork, false); !pgerr.Is(err, pgerr.DuplicateFile) {
		t.Fatal(err)
	}
	must(t, m.Create(relA, ids.MainFork, true))
}

// TestDurable: what was written before SyncAll is there after a crash, names included.
func TestDurable(t *testing.T) {
	for seed := range uint64(50) {
		mem := vfs.NewMem(seed)
		m := newManager(t, mem)
		must(t, m.Create(relA, ids.MainFork, false))
		_, err := m.Extend(nil, relA, ids.MainFork, 7)
		must(t, err)
		must(t, m.Write(nil, relA, ids.MainFork, 6, block(9)))
		if n := m.QueueLength(); n != 3 {
			t.Fatalf("%d files in the queue", n)
		}
		st, err := m.SyncAll(nil)
		if err != nil || st.Files != 3 {
			t.Fatal(st, err)
		}
		must(t, mem.SyncDir("/"))
		_ = m.Close()
		mem.Crash()
		m = newManager(t, mem)
		b := make([]byte, ids.BlockSize)
		must(t, m.Read(nil, relA, ids.MainFork, 6, b))
		if !bytes.Equal(b, block(9)) {
			t.Fatal("lost")
		}
	}
}

func TestErrors(t *testing.T) {
	var fail error
	kind := vfs.OpWrite
	told := 0
	m := newManager(t, vfs.NewFaulty(vfs.NewMem(1), func(op vfs.FaultOp) error {
		if op.Kind == kind {
			return fail
		}
		return nil
	}), func(o *Options) { o.OnPanic = func(error) { told++ } })
	if _, err := m.Blocks(relA, 0); !pgerr.Is(err, pgerr.UndefinedFile) || pgerr.From(err).Message != `could not open file "base/5/16384": No such file or directory` {
		t.Fatal(err)
	}
	must(t, m.Create(relA, 0, false))
	_, err := m.Extend(nil, relA, 0, 1)
	must(t, err)
	fail = unix.ENOSPC
	if _, err := m.Extend(nil, relA, 0, 1); !pgerr.Is(err, pgerr.DiskFull) {
		t.Fatal(err)
	}
	if n, _ := m.Blocks(relA, 0); n != 1 {
		t.Fatalf("%d blocks after a failed extension", n)
	}
	if err := m.Write(nil, relA, 0, 0, block(1)); !pgerr.Is(err, pgerr.DiskFull) {
		t.Fatal(err)
	}
	if err := m.Read(nil, relA, 0, 2, block(0)); !pgerr.Is(err, pgerr.DataCorrupted) {
		t.Fatal(err)
	}
	kind, fail = vfs.OpSync, errors.New("boom")
	if _, err := m.SyncAll(nil); pgerr.From(err).Level() != pgerr.Panic || told != 1 {
		t.Fatal(err, told)
	}
}

// TestCopyDatabase copies a database: pages keep their content, get an old LSN and a right checksum; a crash after
// it loses nothing.
func TestCopyDatabase(t *testing.T) {
	mem := vfs.NewMem(3)
	m := newManager(t, mem)
	must(t, m.Create(relA, 0, false))
	_, err := m.Extend(nil, relA, 0, 5)
	must(t, err)
	p := make(page.Page, page.Size)
	p.Init(0, 0)
	p.InsertItem(0, []byte("content"))
	p.SetLSN(1 << 40)
	p.SetChecksum(4)
	must(t, m.Write(nil, relA, 0, 4, p))
	must(t, vfs.WriteFile(mem, "/data/base/5/PG_VERSION", []byte("15\n"), 0o600, false))
	must(t, m.CopyDatabase(nil, ids.DefaultTablespace, 5, ids.DefaultTablespace, 77))
	must(t, mem.SyncDir("/data"))
	must(t, mem.SyncDir("/"))
	_ = m.Close()
	mem.Crash()
	m = newManager(t, mem)
	relB := ids.RelFile{Spc: ids.DefaultTablespace, DB: 77, Rel: relA.Rel}
	q := make(page.Page, page.Size)
	must(t, m.Read(nil, relB, 0, 4, q))
	if err := page.Verify(q, 4, true); err != nil || q.LSN() != 1 || string(q.Item(1)) != "content" {
		t.Fatal(err, q.LSN())
	}
	if b, err := vfs.ReadFile(mem, "/data/base/77/PG_VERSION"); string(b) != "15\n" {
		t.Fatal(err)
	}
	if n, err := m.Sizes(ids.DefaultTablespace, 77); n != 5*ids.BlockSize+3 || err != nil {
		t.Fatal(n, err)
	}
	must(t, m.DropDatabase(ids.DefaultTablespace, 77))
	if m.Exists(relB, 0) {
		t.Fatal("still there")
	}
}

// TestConcurrentUse reads and writes from many goroutines while files are closed under them.
func TestConcurrentUse(t *testing.T) {
	m := newManager(t, vfs.NewMem(1))
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			rel := ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: ids.Oid(100 + w)}
			if err := m.Create(rel, 0, false); err != nil {
				t.Error(err)
				return
			}
			b := make([]byte, ids.BlockSize)
			for i := range 40 {
				blk, err := m.Extend(nil, rel, 0, 1)
				if err == nil {
					err = m.Write(nil, rel, 0, blk, block(byte(i)))
				}
				if err == nil {
					err = m.Read(nil, rel, 0, ids.BlockNumber(i/2), b)
				}
				if err != nil || b[77] != byte(i/2) {
					t.Error(err, b[77])
				}
				if i%10 == 0 {
					if _, err := m.SyncAll(nil); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestFileNames(t *testing.T) {
	for _, c := range []struct {
		name string
		rel  ids.Oid
		fork ids.Fork
		seg  uint32
		ok   bool
	}{{"16384", 16384, 0, 0, true}, {"16384_fsm", 16384, ids.FsmFork, 0, true}, {"1_init.12", 1, ids.InitFork, 12, true}, {"7.1", 7, 0, 1, true},
		{"7.0", 0, 0, 0, false}, {"0", 0, 0, 0, false}, {"PG_VERSION", 0, 0, 0, false}, {"1_x", 0, 0, 0, false}, {"", 0, 0, 0, false}, {"07", 0, 0, 0, false}} {
		rel, fork, seg, ok := ParseFileName(c.name)
		if ok != c.ok || ok && (rel != c.rel || fork != c.fork || seg != c.seg) {
			t.Errorf("%s: %d %d %d %v", c.name, rel, fork, seg, ok)
		}
	}
	if p := RelPath(ids.RelFile{Spc: 9999, DB: 5, Rel: 7}, ids.VmFork); p != "pg_tblspc/9999/PG_15_gompho/5/7_vm" {
		t.Error(p)
	}
	if p := RelPath(ids.RelFile{Spc: ids.GlobalTablespace, Rel: 1260}, 0); p != "global/1260" {
		t.Error(p)
	}
}

func TestRecords(t *testing.T) {
	mem := vfs.NewMem(1)
	must(t, mem.MkdirAll("/wal", 0o700))
	o := wal.Options{FS: mem, Dir: "/wal", SegmentSize: 64 << 10, BufferSize: 64 << 10}
	first := wal.FirstLSN(o.SegmentSize)
	l, err := wal.Open(o, first, first, false)
	must(t, err)
	defer l.Close()
	LogCreate(l, 3, relA, ids.VmFork)
	sizes := [ids.NumForks]ids.BlockNumber{1, 2, 3, ids.InvalidBlock}
	LogTruncate(l, 3, relA, sizes)
	LogDrop(l, 3, []ids.RelFile{relA, {Spc: 1, DB: 2, Rel: 3}})
	db := DatabaseRecord{1, 2, 3, 4}
	must(t, l.Flush(nil, LogDatabase(l, wal.DatabaseCreate, 3, db)))
	r := wal.NewReader(o, first)
	defer r.Close()
	next := func() []byte {
		rec, err := r.Next()
		must(t, err)
		return rec.Payload
	}
	if rel, fork, err := DecodeCreate(next()); rel != relA || fork != ids.VmFork || err != nil {
		t.Error(rel, fork, err)
	}
	if rel, s, err := DecodeTruncate(next()); rel != relA || s != sizes || err != nil {
		t.Error(rel, s, err)
	}
	if rels, rest, err := DecodeRels(next()); !reflect.DeepEqual(rels, []ids.RelFile{relA, {Spc: 1, DB: 2, Rel: 3}}) || len(rest) != 0 || err != nil {
		t.Error(rels, rest, err)
	}
	if d, err := DecodeDatabase(next()); d != db || err != nil {
		t.Error(d, err)
	}
}

func FuzzDecodeRecords(f *testing.F) {
	f.Add(EncodeRels(nil, []ids.RelFile{relA}))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = DecodeCreate(b)
		_, _, _ = DecodeTruncate(b)
		_, _ = DecodeDatabase(b)
		if rels, rest, err := DecodeRels(b); err == nil && !bytes.Equal(append(EncodeRels(nil, rels), rest...), b) {
			t.Fatal("round trip")
		}
	})
}
