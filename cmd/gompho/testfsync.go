package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"gompho/internal/offheap"
	"gompho/storage/vfs"
	"gompho/wal"
)

const (
	logBlock    = 8192             // what the log writes at least
	fsyncFile   = 16 << 20         // size of the file that is written to, that of a segment
	perTestMost = 10 * time.Minute // for one measurement
)

func testFsyncCommand() *cobra.Command {
	var seconds float64
	c := &cobra.Command{Use: "test-fsync [DIR]", Short: "Measure what each wal_sync_method costs on the disk of a directory", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			d := time.Duration(seconds * float64(time.Second))
			if d <= 0 || d > perTestMost {
				return fmt.Errorf("invalid number of seconds per test: %g", seconds)
			}
			return testFsync(c.OutOrStdout(), dir, d)
		}}
	c.Flags().Float64VarP(&seconds, "secs-per-test", "s", 5, "seconds for each measurement")
	return c
}

// fsyncTest measures writes to one file.
type fsyncTest struct {
	out  io.Writer
	fs   vfs.FS
	name string
	d    time.Duration
	mem  []byte // aligned for O_DIRECT
}

func testFsync(out io.Writer, dir string, d time.Duration) (err error) {
	mem, err := offheap.Alloc(1<<20, false)
	if err != nil {
		return err
	}
	defer offheap.Free(mem)
	for i := range mem {
		mem[i] = byte(i * 7)
	}
	t := &fsyncTest{out: out, fs: vfs.OS(), name: filepath.Join(dir, fmt.Sprintf("gompho_test_fsync.%d", os.Getpid())), d: d, mem: mem}
	defer t.fs.Remove(t.name)
	if err := t.fill(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%g seconds per test\n", d.Seconds())
	for _, n := range []int{1, 2} {
		fmt.Fprintf(out, "\nCompare file sync methods using %s %d kB write%s:\n(wal_sync_method; the default is fdatasync)\n", []string{"one", "two"}[n-1], logBlock/1024, []string{"", "s"}[n-1])
		for _, m := range []wal.SyncMethod{wal.OpenDatasync, wal.Fdatasync, wal.Fsync, wal.OpenSync} {
			if err := t.method(m, n); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(out, "\nCompare open_sync with different write sizes (16 kB in all):\n")
	for _, k := range []int{1, 2, 4, 8, 16} {
		if err := t.measure(fmt.Sprintf("%2d * %2d kB open_sync writes", k, 16/k), vfs.FlagSync|vfs.FlagDirect, k, 16<<10/k, nil); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\nTest if fsync on a file that is opened anew is honored (the two should be similar):\n")
	if err := t.method(wal.Fsync, 1); err != nil {
		return err
	}
	if err := t.reopened(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nWrites of %d kB that are not synced:\n", logBlock/1024)
	return t.measure("write", 0, 1, logBlock, nil)
}

// fill makes the file as long as a segment, so that the tests change no sizes.
func (t *fsyncTest) fill() error {
	f, err := t.fs.Open(t.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	for at := int64(0); err == nil && at < fsyncFile; at += int64(len(t.mem)) {
		_, err = f.WriteAt(t.mem, at)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// method measures n writes and what makes them durable.
func (t *fsyncTest) method(m wal.SyncMethod, n int) error {
	switch m {
	case wal.OpenDatasync:
		return t.measure(m.String(), vfs.FlagDatasync|vfs.FlagDirect, n, logBlock, nil)
	case wal.OpenSync:
		return t.measure(m.String(), vfs.FlagSync|vfs.FlagDirect, n, logBlock, nil)
	case wal.Fsync:
		return t.measure(m.String(), 0, n, logBlock, vfs.File.Sync)
	}
	return t.measure(m.String(), 0, n, logBlock, vfs.File.Datasync)
}

func (t *fsyncTest) measure(what string, flag, writes, size int, sync func(vfs.File) error) error {
	f, err := t.fs.Open(t.name, os.O_RDWR|flag, 0)
	if err != nil {
		fmt.Fprintf(t.out, "        %-34s n/a: %v\n", what, err)
		return nil
	}
	defer f.Close()
	// A file system may take O_DIRECT, but not blocks as small as these.
	if _, err := f.WriteAt(t.mem[:size], 0); err != nil && flag&vfs.FlagDirect != 0 {
		return t.measure(what+" (without O_DIRECT)", flag&^vfs.FlagDirect, writes, size, sync)
	}
	return t.loop(what, func(at int64) error {
		for range writes {
			if _, err := f.WriteAt(t.mem[:size], at%fsyncFile); err != nil {
				return err
			}
			at += int64(size)
		}
		if sync != nil {
			return sync(f)
		}
		return nil
	})
}

// reopened writes through one file and syncs through another.
func (t *fsyncTest) reopened() error {
	return t.loop("write, close, open, fsync", func(at int64) error {
		for i := range 2 {
			f, err := t.fs.Open(t.name, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			if i == 0 {
				_, err = f.WriteAt(t.mem[:logBlock], at%fsyncFile)
			} else {
				err = f.Sync()
			}
			if cerr := f.Close(); err == nil {
				err = cerr
			}
			if err != nil {
				return &fs.PathError{Op: "sync", Path: t.name, Err: err}
			}
		}
		return nil
	})
}

// loop runs do until the time is over, and prints how often that was and how long it took each time.
func (t *fsyncTest) loop(what string, do func(at int64) error) error {
	n, start := 0, time.Now()
	for ; n == 0 || time.Since(start) < t.d; n++ {
		if err := do(int64(n) * 2 * logBlock); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	per := time.Since(start) / time.Duration(n)
	fmt.Fprintf(t.out, "        %-34s %14.3f ops/sec  %9.0f usecs/op\n", what, float64(time.Second)/float64(per), float64(per)/float64(time.Microsecond))
	return nil
}
