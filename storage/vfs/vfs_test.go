package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestBoth runs the same history on the operating system's files and in memory.
func TestBoth(t *testing.T) {
	for name, fsys := range map[string]FS{"os": OS(), "mem": NewMem(1), "faulty": NewFaulty(NewMem(1), func(FaultOp) error { return nil })} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(fsys.MkdirAll(filepath.Join(dir, "a/b"), 0o700))
			file := filepath.Join(dir, "a/b/f")
			if _, err := fsys.Open(file, os.O_RDWR, 0); !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			f, err := fsys.Open(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
			must(err)
			if _, err := fsys.Open(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); !errors.Is(err, fs.ErrExist) {
				t.Fatal(err)
			}
			_, err = f.WriteAt([]byte("hello"), 1000)
			must(err)
			must(f.Truncate(1003))
			must(f.Sync())
			must(f.Datasync())
			if n, err := f.Size(); n != 1003 || err != nil {
				t.Fatal(n, err)
			}
			must(f.Close())
			b, err := ReadFile(fsys, file)
			must(err)
			if !bytes.Equal(b, append(make([]byte, 1000), "hel"...)) {
				t.Fatalf("%q", b)
			}
			must(ReplaceFile(fsys, file, []byte("new"), 0o600))
			must(fsys.Symlink(filepath.Join(dir, "a"), filepath.Join(dir, "link")))
			b, err = ReadFile(fsys, filepath.Join(dir, "link/b/f"))
			must(err)
			if string(b) != "new" {
				t.Fatalf("%q", b)
			}
			es, err := fsys.ReadDir(filepath.Join(dir, "a/b"))
			must(err)
			if len(es) != 1 || es[0].Name() != "f" {
				t.Fatal(es)
			}
			l, err := fsys.Lock(filepath.Join(dir, "lock"))
			must(err)
			if _, err := fsys.Lock(filepath.Join(dir, "lock")); !errors.Is(err, ErrLocked) {
				t.Fatal(err)
			}
			must(l.Close())
			l, err = fsys.Lock(filepath.Join(dir, "lock"))
			must(err)
			must(l.Close())
			must(fsys.SyncTree(dir))
			must(fsys.RemoveAll(filepath.Join(dir, "a")))
			if Exists(fsys, file) {
				t.Fatal("still there")
			}
		})
	}
}

// TestCrash: what was synced survives every crash; what was not is each time old or new by sectors, and both do occur.
func TestCrash(t *testing.T) {
	outcomes := map[string]int{}
	for seed := range uint64(200) {
		m := NewMem(seed)
		if err := WriteFile(m, "/f", bytes.Repeat([]byte{1}, 3*SectorSize), 0o600, true); err != nil {
			t.Fatal(err)
		}
		if err := m.SyncDir("/"); err != nil {
			t.Fatal(err)
		}
		f, _ := m.Open("/f", os.O_RDWR, 0)
		f.WriteAt(bytes.Repeat([]byte{2}, 2*SectorSize), SectorSize)
		WriteFile(m, "/g", []byte("g"), 0o600, true) // the name is not synced
		m.Crash()
		if _, err := f.WriteAt([]byte{9}, 0); !errors.Is(err, fs.ErrClosed) {
			t.Fatal("a file survived the crash", err)
		}
		b, err := ReadFile(m, "/f")
		if err != nil || len(b) != 3*SectorSize {
			t.Fatal(len(b), err)
		}
		for s := range 3 {
			if !bytes.Equal(b[s*SectorSize:(s+1)*SectorSize], bytes.Repeat(b[s*SectorSize:s*SectorSize+1], SectorSize)) {
				t.Fatalf("seed %d: sector %d is torn", seed, s)
			}
		}
		outcomes[fmt.Sprint(b[0], b[SectorSize], b[2*SectorSize], Exists(m, "/g"))]++
	}
	if len(outcomes) != 8 {
		t.Fatalf("outcomes: %v", outcomes)
	}
}

func TestFaulty(t *testing.T) {
	boom := errors.New("boom")
	var fail OpKind
	fsys := NewFaulty(NewMem(1), func(op FaultOp) error {
		if op.Kind != fail {
			return nil
		}
		if op.Kind == OpWrite {
			return &ShortWrite{2, boom}
		}
		return boom
	})
	fail = OpWrite
	if err := WriteFile(fsys, "/f", []byte("abcd"), 0o600, false); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	fail = OpSync
	if b, err := ReadFile(fsys, "/f"); string(b) != "ab" || err != nil {
		t.Fatalf("%q %v", b, err)
	}
	if err := WriteFile(fsys, "/f", []byte("abcd"), 0o600, true); !errors.Is(err, boom) {
		t.Fatal(err)
	}
}

// TestClone: changes on either side of a clone stay there, and what was not synced is still not synced.
func TestClone(t *testing.T) {
	write := func(m *Mem, name, text string, sync bool) {
		t.Helper()
		if err := WriteFile(m, name, []byte(text), 0o600, sync); err != nil {
			t.Fatal(err)
		}
	}
	read := func(m *Mem, name string) string {
		b, err := ReadFile(m, name)
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	lost := 0
	for seed := range uint64(20) {
		a := NewMem(seed)
		write(a, "/f", "old", true)
		write(a, "/g", "keep", true)
		if err := a.SyncDir("/"); err != nil {
			t.Fatal(err)
		}
		write(a, "/f", "new", false)
		b := a.Clone(seed)
		write(b, "/g", "other", true)
		write(a, "/h", "mine", true)
		if got := read(a, "/g") + read(b, "/g") + read(b, "/f"); got != "keepothernew" {
			t.Fatal(got)
		}
		if Exists(b, "/h") {
			t.Error("a file made after the clone is in it")
		}
		b.Crash()
		if got := read(b, "/f"); got == "old" {
			lost++
		}
		if got := read(b, "/g"); got != "other" {
			t.Errorf("after the crash: %q", got)
		}
		if got := read(a, "/f"); got != "new" {
			t.Errorf("the original: %q", got)
		}
	}
	if lost == 0 {
		t.Error("no crash of a clone loses anything")
	}
}
