//go:build linux

package differential

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// binaries of the reference.
const binaries = "/usr/lib/postgresql/15/bin"

// startReference makes and starts a temporary cluster of PostgreSQL 15 and returns how to connect to it. It is stopped and
// removed at the end of the test. Without the binaries the test is skipped.
func startReference(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(binaries, "postgres")); err != nil {
		t.Skipf("no PostgreSQL 15 in %s", binaries)
	}
	dir, err := os.MkdirTemp("", "gtref")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() == 0 {
		attr.Credential = unprivileged(t)
		if err := os.Chown(dir, int(attr.Credential.Uid), int(attr.Credential.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	command := func(name string, args ...string) (*exec.Cmd, *bytes.Buffer) {
		c := exec.Command(filepath.Join(binaries, name), args...)
		c.Dir, c.SysProcAttr, c.Env = dir, attr, []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"}
		var log bytes.Buffer
		c.Stdout, c.Stderr = &log, &log
		return c, &log
	}
	initdb, log := command("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8", "-N")
	if err := initdb.Run(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, log)
	}
	postgres, log := command("postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "autovacuum=off",
		"-c", "max_prepared_transactions=10", "-c", "deadlock_timeout=50ms", "-c", "log_destination=stderr", "-c", "logging_collector=off")
	ended := run(t, postgres)
	t.Cleanup(func() {
		postgres.Process.Signal(syscall.SIGQUIT)
		<-ended
	})
	dsn := fmt.Sprintf("host=%s port=5432 user=postgres sslmode=disable", dir)
	awaitReference(t, dsn, ended, log)
	return dsn
}

// run starts a command and returns a channel that is closed when it has ended. The thread that starts it stays until then, for the
// kernel sends the signal of Pdeathsig when that thread ends.
func run(t *testing.T, c *exec.Cmd) <-chan struct{} {
	t.Helper()
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(ended)
		err := c.Start()
		started <- err
		if err == nil {
			c.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	return ended
}

// awaitReference waits until the server accepts connections.
func awaitReference(t *testing.T, dsn string, ended <-chan struct{}, log *bytes.Buffer) {
	t.Helper()
	s, err := newServer(dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	deadline := time.After(60 * time.Second)
	for s.connect("postgres") != nil {
		select {
		case <-retry.C:
		case <-ended:
			t.Fatalf("the reference server has ended\n%s", log)
		case <-deadline:
			t.Fatal("the reference server does not accept connections")
		}
	}
}

// unprivileged is the user that runs the reference when the test runs as root, which PostgreSQL refuses.
func unprivileged(t *testing.T) *syscall.Credential {
	t.Helper()
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Skip("no unprivileged user to run PostgreSQL")
	return nil
}
