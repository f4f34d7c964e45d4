package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// cli is the built program.
type cli struct {
	t    *testing.T
	path string
	dir  string // for data directories and sockets
}

func newCLI(t *testing.T) *cli {
	t.Helper()
	dir, err := os.MkdirTemp("", "gc") // short, for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	bin := filepath.Join(dir, "gompho")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return &cli{t: t, path: bin, dir: dir}
}

// run runs a command to its end and returns what it prints.
func (c *cli) run(args ...string) (out string, status int) {
	cmd := exec.Command(c.path, args...)
	b, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

// fails checks that a command ends with status 1 and one line that contains want.
func (c *cli) fails(want string, args ...string) {
	c.t.Helper()
	out, status := c.run(args...)
	last := strings.Split(strings.TrimRight(out, "\n"), "\n")
	var said []string
	for _, l := range last {
		if strings.HasPrefix(l, "gompho: ") {
			said = append(said, l)
		}
	}
	if status != 1 || len(said) != 1 || !strings.Contains(said[0], want) || last[len(last)-1] != said[0] {
		c.t.Errorf("gompho %s: status %d, want one line with %q:\n%s", strings.Join(args, " "), status, want, out)
	}
}

// works checks that a command succeeds and prints want.
func (c *cli) works(want string, args ...string) {
	c.t.Helper()
	if out, status := c.run(args...); status != 0 || !strings.Contains(out, want) {
		c.t.Errorf("gompho %s: status %d, want %q:\n%s", strings.Join(args, " "), status, want, out)
	}
}

// server is a running gompho start.
type server struct {
	cmd  *exec.Cmd
	port int
	log  bytes.Buffer
	done chan error
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// start runs gompho start until it says how to connect.
func (c *cli) start(args ...string) *server {
	c.t.Helper()
	s := &server{port: freePort(c.t), done: make(chan error, 1)}
	s.cmd = exec.Command(c.path, append([]string{"start", "-p", fmt.Sprint(s.port), "-k", c.dir, "-c", "shared_buffers=16MB", "-c", "fsync=off"}, args...)...)
	s.cmd.Dir = c.dir
	s.cmd.Stderr = &s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if want := fmt.Sprintf("gompho is ready: psql -h 127.0.0.1 -p %d -U postgres\n", s.port); err != nil || line != want {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		c.t.Fatalf("it says %q, %v:\n%s", line, err, s.log.String())
	}
	go func() { s.done <- s.cmd.Wait() }()
	c.t.Cleanup(func() { s.cmd.Process.Kill() })
	return s
}

// ends waits for the end of the server and returns its status.
func (s *server) ends(t *testing.T) int {
	t.Helper()
	select {
	case <-s.done:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(30 * time.Second):
		t.Fatalf("the server does not end:\n%s", s.log.String())
		return -1
	}
}

func (s *server) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=postgres sslmode=disable", s.port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func TestCommandLine(t *testing.T) {
	c := newCLI(t)
	data := filepath.Join(c.dir, "data")
	c.works("compatible with PostgreSQL 15.", "version")
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		c.works("gompho", "completion", shell)
	}
	c.works("--ephemeral", "start", "--help")
	c.fails("unknown command", "nosuch")
	c.fails("unknown flag", "start", "--nosuch")
	c.fails("no server runs in", "stop", "-D", data)
	c.fails("is not a data directory", "status", "-D", data)
	c.works("is ready: gompho start -D", "init", "-D", data)
	c.fails("exists but is not empty", "init", "-D", data)
	c.fails("no server running", "status", "-D", data)
	c.fails("no server runs in", "reload", "-D", data)
	c.fails(`unrecognized shutdown mode "slow"`, "stop", "-D", data, "-m", "slow")

	s := c.start("-D", data)
	c.works(fmt.Sprintf("server is running (PID: %d), ready since", s.cmd.Process.Pid), "status", "-D", data)
	c.fails(`lock file "postmaster.pid" already exists: another server`, "start", "-D", data, "-p", fmt.Sprint(freePort(t)))
	c.fails(fmt.Sprintf(`could not bind address "127.0.0.1" port %d: address already in use`, s.port), "start", "-D", filepath.Join(c.dir, "second"), "-p", fmt.Sprint(s.port), "-k", "")
	c.fails("a server is listening on it already", "start", "-D", filepath.Join(c.dir, "second"), "-h", "", "-p", fmt.Sprint(s.port), "-k", c.dir)
	conn := s.connect(t)
	if _, err := conn.Exec(context.Background(), "alter system set work_mem = '9MB'"); err != nil {
		t.Fatal(err)
	}
	c.works("server signaled", "reload", "-D", data)
	for value := ""; value != "9MB"; {
		if err := conn.QueryRow(context.Background(), "show work_mem").Scan(&value); err != nil {
			t.Fatal(err)
		}
	}
	c.works("server stopped", "stop", "-D", data)
	if status := s.ends(t); status != 0 {
		t.Errorf("status %d after a fast stop", status)
	}
	c.works("no problems found", "check", "-D", data)
}

// TestSignals: what stop -m and the signals do to a server with an open session.
func TestSignals(t *testing.T) {
	c := newCLI(t)
	data := filepath.Join(c.dir, "data")
	for _, x := range []struct {
		sig  syscall.Signal
		mode string
		said string
	}{{syscall.SIGINT, "fast", "received fast shutdown request"}, {syscall.SIGTERM, "smart", "received smart shutdown request"}, {syscall.SIGQUIT, "immediate", "received immediate shutdown request"}} {
		for _, bySignal := range []bool{true, false} {
			s := c.start("-D", data)
			conn := s.connect(t)
			if x.mode == "smart" { // it waits for the session
				conn.Close(context.Background())
			}
			if bySignal {
				s.cmd.Process.Signal(x.sig)
			} else {
				c.works("server stopped", "stop", "-D", data, "-m", x.mode)
			}
			if status := s.ends(t); status != 0 {
				t.Errorf("%s: status %d", x.mode, status)
			}
			if !strings.Contains(s.log.String(), x.said) {
				t.Errorf("%s: the log does not say %q:\n%s", x.mode, x.said, s.log.String())
			}
		}
	}
}

// TestEphemeral: the directory goes, however the server ends.
func TestEphemeral(t *testing.T) {
	c := newCLI(t)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT} {
		s := c.start("--ephemeral")
		conn := s.connect(t)
		var dir string
		if err := conn.QueryRow(context.Background(), "show data_directory").Scan(&dir); err != nil {
			t.Fatal(err)
		}
		conn.Close(context.Background())
		if _, err := os.Stat(dir); err != nil {
			t.Fatal(err)
		}
		s.cmd.Process.Signal(sig)
		if status := s.ends(t); status != 0 {
			t.Errorf("%s: status %d", sig, status)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: the directory is still there: %v", sig, err)
		}
	}
}

// TestBadDirectories: a directory that is not ours, of another version, or damaged is refused in one line and left alone.
func TestBadDirectories(t *testing.T) {
	c := newCLI(t)
	good := filepath.Join(c.dir, "good")
	c.works("is ready", "init", "-D", good)
	copyOf := func(name string) string {
		dir := filepath.Join(c.dir, name)
		if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	write := func(path string, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(want, dir string) {
		t.Helper()
		c.fails(want, "start", "-D", dir, "-h", "", "-k", c.dir, "-p", fmt.Sprint(freePort(t)))
		if _, err := os.Stat(filepath.Join(dir, "postmaster.pid")); err == nil {
			t.Errorf("%s: postmaster.pid is left", want)
		}
	}
	foreign := filepath.Join(c.dir, "foreign")
	os.Mkdir(foreign, 0o700)
	write(filepath.Join(foreign, "letter.txt"), []byte("dear reader"))
	refused("is not empty and holds no gompho cluster", foreign)
	newer := copyOf("newer")
	write(filepath.Join(newer, "PG_VERSION"), []byte("16\n"))
	refused("was made by version 16, which is not compatible with this version 15", newer)
	control, err := os.ReadFile(filepath.Join(good, "global", "pg_control"))
	if err != nil {
		t.Fatal(err)
	}
	damaged := copyOf("damaged")
	bad := bytes.Clone(control)
	bad[20] ^= 0xff
	write(filepath.Join(damaged, "global", "pg_control"), bad)
	refused("control file", damaged)
	write(filepath.Join(damaged, "global", "pg_control"), control[:10])
	refused("control file", damaged)
	os.Remove(filepath.Join(damaged, "global", "pg_control"))
	refused("it has no control file of gompho", damaged)
	nolog := copyOf("nolog")
	os.RemoveAll(filepath.Join(nolog, "pg_wal"))
	refused("", nolog)
	conf := copyOf("conf")
	write(filepath.Join(conf, "postgresql.conf"), []byte("work_men = 4MB\n"))
	refused(`unrecognized configuration parameter "work_men" in file`, conf)
	write(filepath.Join(conf, "postgresql.conf"), []byte("work_mem = lots\n"))
	refused(`invalid value for parameter "work_mem": "lots"`, conf)
	c.fails(`unrecognized configuration parameter "nosuch"`, "start", "-D", copyOf("arg"), "-c", "nosuch=1")
	c.fails("requires a value", "start", "-D", filepath.Join(c.dir, "arg"), "-c", "work_mem")
	file := filepath.Join(c.dir, "file")
	write(file, nil)
	refused("not a directory", file)
}

// TestUser: it runs as root and not.
func TestUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become somebody else")
	}
	c := newCLI(t)
	os.Chmod(c.dir, 0o755)
	home := filepath.Join(c.dir, "home")
	os.Mkdir(home, 0o700)
	os.Chown(home, 65534, 65534)
	cmd := exec.Command(c.path, "init", "-D", filepath.Join(home, "data"))
	cmd.Dir = home
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd = exec.Command(c.path, "init", "-D", filepath.Join(c.dir, "forbidden"))
	cmd.Dir = home
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "permission denied") {
		t.Errorf("init where one may not write: %v\n%s", err, out)
	}
}
