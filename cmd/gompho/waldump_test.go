package main

import (
	"bufio"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"gompho/postmaster"
)

// TestWalDump prints the log of a new cluster, and what is asked for in vain.
func TestWalDump(t *testing.T) {
	c := newCLI(t)
	data := filepath.Join(c.dir, "data")
	c.works("is ready", "init", "-D", data)
	c.works("desc: CHECKPOINT_SHUTDOWN redo 0/", "wal", "dump", "-D", data)
	c.works("tx:          0, lsn: 0/", "wal", "dump", "-D", data, "--rmgr", "xlog", "-n", "1")
	c.works("XLOG/CHECKPOINT_SHUTDOWN", "wal", "dump", "-D", data, "--stats=record", "000000010000000000000001")
	c.works("Transaction", "wal", "dump", "-r", "list")
	if out, status := c.run("wal", "dump", "-D", data, "--relation", "1663/5/99999"); out != "" || status != 0 {
		t.Errorf("records of no relation: %q, status %d", out, status)
	}
	c.fails(`resource manager "nothing" does not exist`, "wal", "dump", "-D", data, "-r", "nothing")
	c.fails("could not find a valid record after 1/0", "wal", "dump", "-D", data, "-s", "1/0")
	c.fails(`invalid WAL location for start: "x"`, "wal", "dump", "-D", data, "-s", "x")
	c.fails(`invalid WAL file name: "x"`, "wal", "dump", "-D", data, "x")
	c.fails("option --block requires option --relation", "wal", "dump", "-D", data, "-B", "1")
	c.fails("invalid relation specification", "wal", "dump", "-D", data, "-R", "1/2")
	c.works("desc: CHECKPOINT_SHUTDOWN redo 0/", "wal", "dump", "-D", data, "-p", data)
	c.fails(`invalid fork name "x"`, "wal", "dump", "-D", data, "-F", "x")
	c.fails("unrecognized value for option --stats: x", "wal", "dump", "-D", data, "--stats=x")
}

// TestWalFollow waits at the end of the log, prints what comes there, and ends when it is interrupted.
func TestWalFollow(t *testing.T) {
	c := newCLI(t)
	data := filepath.Join(c.dir, "data")
	c.works("is ready", "init", "-D", data)
	ctx, stop := context.WithCancel(context.Background())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := dumpWal(ctx, bufio.NewWriter(w), &dumpFlags{dir: data, block: -1, follow: true, xid: 0}, nil)
		w.Close()
		done <- err
	}()
	lines := bufio.NewScanner(r)
	for lines.Scan() && !strings.Contains(lines.Text(), "CHECKPOINT_SHUTDOWN") {
	}
	pm, err := postmaster.Start(postmaster.Options{Dir: data, NoListen: true, Settings: []string{"shared_buffers=16MB"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := pm.Stop(context.Background(), postmaster.Fast); err != nil {
		t.Fatal(err)
	}
	found := false
	for !found && lines.Scan() {
		found = strings.Contains(lines.Text(), "CHECKPOINT_SHUTDOWN")
	}
	if !found {
		t.Error("the second checkpoint was not printed")
	}
	stop()
	go io.Copy(io.Discard, r)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestFsyncCommand measures for an instant; each method of wal_sync_method is among the lines, and no file is left.
func TestFsyncCommand(t *testing.T) {
	c := newCLI(t)
	dir := t.TempDir()
	out, status := c.run("test-fsync", "-s", "0.001", dir)
	for _, m := range []string{"open_datasync", "fdatasync", "fsync", "open_sync"} {
		if strings.Count(out, "\n        "+m+" ") < 2 || status != 0 {
			t.Errorf("%s is not measured twice, status %d:\n%s", m, status, out)
		}
	}
	if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	c.fails("invalid number of seconds per test", "test-fsync", "-s", "0", dir)
	c.fails("no such file or directory", "test-fsync", filepath.Join(dir, "nothing"))
}
