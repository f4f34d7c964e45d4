package relmap

import (
	"slices"
	"strings"
	"testing"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/vfs"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newMap(t *testing.T) (*Map, *vfs.Mem) {
	mem := vfs.NewMem(1)
	check(t, mem.MkdirAll("/data/base/5", 0o700))
	check(t, mem.MkdirAll("/data/global", 0o700))
	check(t, mem.SyncTree("/"))
	return New(mem, "/data"), mem
}

// TestMap: what was applied is there, for a reader of the files too, after a loss of power; the epoch tells who has to look again.
func TestMap(t *testing.T) {
	m, mem := newMap(t)
	get := func(m *Map, db, rel ids.Oid) ids.Oid {
		f, err := m.Get(db, rel)
		check(t, err)
		return f
	}
	if f := get(m, 5, 1259); f != 1259 {
		t.Errorf("at first %d", f)
	}
	before := m.Epoch()
	list := []mvcc.Mapping{{DB: 5, Rel: 1259, File: 20000}, {DB: 0, Rel: 1262, File: 20001}, {DB: 5, Rel: 1249, File: 20002}}
	for range 2 { // redo does it again
		check(t, m.Apply(list))
	}
	if !m.Changed(5, 1259, before) || !m.Changed(0, 1262, before) || m.Changed(5, 1255, before) || m.Changed(5, 1259, m.Epoch()) {
		t.Error("changed")
	}
	mem.Crash()
	again := New(mem, "/data")
	for _, x := range list {
		if f := get(again, x.DB, x.Rel); f != x.File {
			t.Errorf("%d of database %d is in %d", x.Rel, x.DB, f)
		}
	}
	all, err := again.All(5)
	check(t, err)
	if !slices.Equal(all, []mvcc.Mapping{{DB: 5, Rel: 1249, File: 20002}, {DB: 5, Rel: 1259, File: 20000}}) {
		t.Error(all)
	}
	check(t, again.Set(5, []mvcc.Mapping{{DB: 5, Rel: 1255, File: 3}}))
	if get(again, 5, 1259) != 1259 || get(again, 5, 1255) != 3 {
		t.Error("set")
	}
}

// TestGoneDatabase: redo applies a change to a database whose directory is gone by now.
func TestGoneDatabase(t *testing.T) {
	m, _ := newMap(t)
	check(t, m.Apply([]mvcc.Mapping{{DB: 77, Rel: 1259, File: 20000}}))
}

// TestDamaged: each flipped bit of a file is found.
func TestDamaged(t *testing.T) {
	m, mem := newMap(t)
	check(t, m.Apply([]mvcc.Mapping{{DB: 5, Rel: 1259, File: 20000}}))
	b, err := vfs.ReadFile(mem, "/data/base/5/"+Name)
	check(t, err)
	for bit := range len(b) * 8 {
		b[bit/8] ^= 1 << (bit % 8)
		check(t, vfs.WriteFile(mem, "/data/base/5/"+Name, b, 0o600, true))
		if _, err := New(mem, "/data").Get(5, 1259); err == nil || !strings.Contains(err.Error(), "relation mapping file") {
			t.Errorf("bit %d: %v", bit, err)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
	for n := range b {
		check(t, vfs.WriteFile(mem, "/data/base/5/"+Name, b[:n], 0o600, true))
		if _, err := New(mem, "/data").Get(5, 1259); err == nil {
			t.Errorf("%d bytes are enough", n)
		}
	}
}

// FuzzDecode: any content is a map or refused.
func FuzzDecode(f *testing.F) {
	f.Add(encode(nil))
	f.Add(encode(map[ids.Oid]ids.Oid{1259: 20000}))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, what := decode(b)
		if (d == nil) == (what == "") {
			t.Error("neither")
		}
		if d != nil && len(encode(d)) > len(b) {
			t.Error("more than was read")
		}
	})
}
