package archive

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const seg1 = "000000010000000000000001"

// TestStatus follows one file through its states.
func TestStatus(t *testing.T) {
	s := Status{FS: vfs.NewMem(1), Wal: "/pg_wal"}
	if names, err := s.Waiting(); err != nil || len(names) != 0 {
		t.Fatal(names, err)
	}
	if err := s.MakeDir(); err != nil {
		t.Fatal(err)
	}
	if s.CheckDone(seg1) || !s.Ready(seg1) {
		t.Fatal("a file that nobody knows is not made ready")
	}
	if names, _ := s.Waiting(); !slices.Equal(names, []string{seg1}) {
		t.Fatal(names)
	}
	if err := s.Archived(seg1); err != nil || !s.CheckDone(seg1) || s.Ready(seg1) {
		t.Fatal("it is not done", err)
	}
	if err := s.ForceDone(seg1); err != nil {
		t.Fatal(err)
	}
	s.Forget(seg1)
	if s.Done(seg1) || s.Ready(seg1) {
		t.Fatal("it is not forgotten")
	}
	for range 2 {
		if err := s.ForceDone(seg1); err != nil || !s.Done(seg1) {
			t.Fatal(err)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string][3]bool{ // valid, history, segment
		seg1: {true, false, true}, "00000002.history": {true, true, false}, "0000000g.history": {false, false, false},
		seg1 + ".00000028.backup": {true, false, false}, seg1 + ".partial": {true, false, false}, "xlogtemp.1": {false, false, false},
		"00000001000000000000000f": {false, false, false}, "": {false, false, false}, "000000010000000000000001;reboot": {false, false, false},
	} {
		if got := [3]bool{validName(name), IsHistory(name), IsSegment(name)}; got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	slot := stats.NewSlot(1, 0)
	run := func(text string) Result {
		t.Helper()
		r, err := Command{Text: text, Dir: dir}.Run(slot, Values{Path: "pg_wal/x", File: "x", Oldest: "o"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := run("echo %p %f %r 100%% %x; pwd"); !r.OK() || r.Command != "echo pg_wal/x x o 100% %x; pwd" || r.Output != "pg_wal/x x o 100% %x\n"+dir {
		t.Errorf("%+v", r)
	}
	if r := run("echo no >&2; exit 3"); r.OK() || r.Exit != 3 || r.Output != "no" {
		t.Errorf("%+v", r)
	}
	if r := run("kill -9 $$"); r.OK() || r.Signal != syscall.SIGKILL {
		t.Errorf("%+v", r)
	}
	if r := run("head -c 100000 /dev/zero | tr '\\0' x"); !r.OK() || len(r.Output) != outputMax {
		t.Errorf("%d bytes of output", len(r.Output))
	}
}

// TestCommandInterrupted: a command that hangs, and what it has started, end with the process that runs it.
func TestCommandInterrupted(t *testing.T) {
	slot := stats.NewSlot(1, 0)
	slot.Interrupt(stats.Terminate)
	_, err := Command{Text: "sleep 1000 & sleep 1000", Dir: t.TempDir()}.Run(slot, Values{})
	if pgerr.From(err).Code != pgerr.AdminShutdown {
		t.Fatal(err)
	}
}

// TestDirectory: stored once, stored again, other content under the same name, and back.
func TestDirectory(t *testing.T) {
	fsys := vfs.NewMem(1)
	for _, d := range []string{"/a", "/w"} {
		if err := fsys.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := fsys.SyncDir("/"); err != nil {
			t.Fatal(err)
		}
	}
	content := bytes.Repeat([]byte("0123456789abcdef"), pieceSize/10)
	put := func(b []byte) {
		t.Helper()
		if err := vfs.WriteFile(fsys, "/w/"+seg1, b, 0o600, true); err != nil {
			t.Fatal(err)
		}
	}
	put(content)
	d := Directory{FS: fsys, Path: "/a", Owner: "7"}
	for range 2 {
		if err := d.Store("/w/"+seg1, seg1); err != nil {
			t.Fatal(err)
		}
	}
	fsys.Crash()
	if b, err := vfs.ReadFile(fsys, "/a/"+seg1); err != nil || !bytes.Equal(b, content) {
		t.Fatalf("after a crash the archive has %d bytes, %v", len(b), err)
	}
	other := bytes.Clone(content)
	other[len(other)-1] ^= 1
	for _, b := range [][]byte{other, content[1:], append(bytes.Clone(content), 0)} {
		put(b)
		if err := d.Store("/w/"+seg1, seg1); pgerr.From(err).Code != pgerr.DuplicateFile {
			t.Fatal(err)
		}
	}
	if ok, err := d.Fetch(seg1, "/w/back"); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if b, err := vfs.ReadFile(fsys, "/w/back"); err != nil || !bytes.Equal(b, content) {
		t.Fatal("what came back differs", err)
	}
	if ok, err := d.Fetch("00000002.history", "/w/back"); ok || err != nil {
		t.Fatal(ok, err)
	}
	entries, err := fsys.ReadDir("/a")
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
}

// TestDirectoryFails: whatever call fails, the archive never has a file under its final name that is not complete, and the next attempt succeeds.
func TestDirectoryFails(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "src")
	content := []byte(strings.Repeat("x", 100))
	if err := os.WriteFile(src, content, 0o600); err != nil {
		t.Fatal(err)
	}
	d := Directory{FS: vfs.OS(), Path: filepath.Join(dir, "missing")}
	if err := d.Store(src, seg1); err == nil || d.Check() == nil {
		t.Fatal("stored in a directory that does not exist")
	}
	if err := os.WriteFile(d.Path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if pgerr.From(d.Check()).Code != pgerr.WrongObjectType {
		t.Fatal(d.Check())
	}
	d.Path = dir
	for n := 1; ; n++ {
		calls := 0
		broken := errors.New("broken")
		d.FS = vfs.NewFaulty(vfs.OS(), func(vfs.FaultOp) error {
			if calls++; calls == n {
				return broken
			}
			return nil
		})
		err := d.Store(src, seg1)
		if b, rerr := os.ReadFile(filepath.Join(dir, seg1)); rerr == nil && !bytes.Equal(b, content) {
			t.Fatalf("after a failure at call %d the archive has %d bytes", n, len(b))
		}
		if calls < n {
			if err != nil || n < 6 {
				t.Fatalf("%d calls, %v", calls, err)
			}
			return
		}
		os.Remove(filepath.Join(dir, seg1))
	}
}
