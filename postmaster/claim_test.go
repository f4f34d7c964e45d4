package postmaster_test

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gompho/postmaster"
	"gompho/storage/vfs"
)

// moments are copies of a file system before each change of it.
type moments struct {
	mu   sync.Mutex
	mem  *vfs.Mem
	kept []*vfs.Mem
	n    int
	keep func(n int) bool
}

func (m *moments) policy(op vfs.FaultOp) error {
	switch op.Kind {
	case vfs.OpRead, vfs.OpStat, vfs.OpReadDir, vfs.OpReadHint, vfs.OpFlush:
		return nil
	case vfs.OpOpen:
		if op.Flag&(os.O_CREATE|os.O_TRUNC) == 0 {
			return nil
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.n++; m.keep(m.n) {
		m.kept = append(m.kept, m.mem.Clone(uint64(m.n)))
	}
	return nil
}

// TestInitCutOff makes a cluster and looks at its directory as a killed process, or a loss of power, would leave it before each of its file changes. It is never
// taken for a cluster before it is one, nor for somebody else's files, and both init and the start of a server make it anew. GOMPHO_SEED chooses the moments at which that
// is done.
func TestInitCutOff(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("GOMPHO_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 7))
	m := &moments{mem: vfs.NewMem(seed), keep: func(n int) bool { return n <= 40 || n%50 == 0 }}
	if err := postmaster.Init("/data", postmaster.InitOptions{Sync: true, FS: vfs.NewFaulty(m.mem, m.policy)}); err != nil {
		t.Fatal(err)
	}
	total := m.n
	// The last changes, too.
	last := &moments{mem: vfs.NewMem(seed), keep: func(n int) bool { return n > total-40 }}
	if err := postmaster.Init("/data", postmaster.InitOptions{Sync: true, FS: vfs.NewFaulty(last.mem, last.policy)}); err != nil {
		t.Fatal(err)
	}
	all := append(m.kept, last.kept...)
	unfinished, finished := 0, 0
	for i, mem := range all {
		if rnd.IntN(2) == 0 {
			mem.Kill()
		} else {
			mem.Crash()
		}
		whole := vfs.Exists(mem, "/data/PG_VERSION")
		err := postmaster.CanInit("/data", mem)
		switch {
		case whole && err == nil:
			t.Errorf("moment %d: a cluster that is there would be made again", i)
		case whole && !strings.HasSuffix(err.Error(), "exists but is not empty"):
			t.Errorf("moment %d: %v", i, err)
		case !whole && err != nil:
			t.Errorf("moment %d: %v\n%s", i, err, names(mem, "/data"))
		}
		if whole {
			finished++
		} else {
			unfinished++
		}
		if rnd.IntN(len(all)) < 5 || whole && finished == 1 {
			startsAnyhow(t, mem, whole, rnd.IntN(2) == 0)
		}
	}
	t.Logf("%d file changes, %d moments looked at: %d unfinished, %d whole", total, len(all), unfinished, finished)
	if unfinished == 0 || finished == 0 {
		t.Error("there must be moments before and after the cluster is whole")
	}
}

// startsAnyhow starts a server on a directory, after init when that is asked for.
func startsAnyhow(t *testing.T, mem *vfs.Mem, whole, init bool) {
	t.Helper()
	if init && !whole {
		if err := postmaster.Init("/data", postmaster.InitOptions{Sync: true, FS: mem}); err != nil {
			t.Fatal(err)
		}
	}
	pm, err := postmaster.Start(postmaster.Options{Dir: "/data", FS: mem, NoListen: true, Settings: []string{"shared_buffers=8MB", "autovacuum=off"}})
	if err != nil {
		t.Fatalf("%v\n%s", err, names(mem, "/data"))
	}
	if err := pm.Stop(context.Background(), postmaster.Fast); err != nil {
		t.Fatal(err)
	}
	if vfs.Exists(mem, "/data/gompho.init") && !whole {
		t.Error("the mark of an unfinished cluster is still there")
	}
}

func names(mem *vfs.Mem, dir string) string {
	list, _ := mem.ReadDir(dir)
	var b strings.Builder
	for _, e := range list {
		b.WriteString(e.Name() + " ")
	}
	return b.String()
}

// TestInitRefuses: what somebody else has put into a directory is never removed, nor is a cluster that is being made.
func TestInitRefuses(t *testing.T) {
	write := func(mem *vfs.Mem, name string) {
		if err := mem.MkdirAll(filepath.Dir(name), fs.FileMode(0o700)); err != nil {
			t.Fatal(err)
		}
		if err := vfs.WriteFile(mem, name, []byte("x"), 0o600, true); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"other files":          {[]string{"/data/letter"}, `directory "/data" exists but is not empty`},
		"other files and mark": {[]string{"/data/gompho.init", "/data/letter"}, `directory "/data" exists but is not empty`},
		"no mark":              {[]string{"/data/base/1/1"}, `directory "/data" exists but is not empty`},
		"whole":                {[]string{"/data/gompho.init", "/data/PG_VERSION"}, `directory "/data" exists but is not empty`},
	} {
		mem := vfs.NewMem(1)
		for _, f := range c.files {
			write(mem, f)
		}
		if err := postmaster.Init("/data", postmaster.InitOptions{FS: mem}); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", name, err)
		}
		for _, f := range c.files {
			if !vfs.Exists(mem, f) {
				t.Errorf("%s: %s is gone", name, f)
			}
		}
	}
	mem := vfs.NewMem(1)
	if err := mem.MkdirAll("/data", 0o700); err != nil {
		t.Fatal(err)
	}
	held, err := mem.Lock("/data/gompho.init")
	if err != nil {
		t.Fatal(err)
	}
	if err := postmaster.Init("/data", postmaster.InitOptions{FS: mem}); err == nil || !strings.Contains(err.Error(), "is being made") {
		t.Errorf("while another makes it: %v", err)
	}
	held.Close()
	if err := postmaster.CanInit("/data", mem); err != nil {
		t.Error(err)
	}
}
