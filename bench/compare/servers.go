package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is one of the servers under comparison.
type server interface {
	name() string
	port() int
	init() error
	start() error
	stop()
	// crash ends it without a checkpoint.
	crash()
	// resident is the resident memory of all its processes in kilobytes.
	resident() float64
}

type base struct {
	c   *config
	nm  string
	prt int
	dir string
	cmd *exec.Cmd
}

func (b *base) name() string { return b.nm }
func (b *base) port() int    { return b.prt }

// launch starts a process and waits for a line of output that contains ready.
func (b *base) launch(cmd *exec.Cmd, ready string) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(b.c.dir, b.nm+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return err
	}
	b.cmd = cmd
	r := bufio.NewReader(out)
	for {
		l, err := r.ReadString('\n')
		if strings.Contains(l, ready) {
			go io.Copy(io.Discard, r)
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s did not start: %v", b.nm, err)
		}
	}
}

// setAside renames the data directory of the round before. Removing it would slow the next round down: ext4 searches
// for inodes that were not freed in the last seconds.
func (b *base) setAside() {
	for i := 1; ; i++ {
		to := fmt.Sprintf("%s-%d", b.dir, i)
		if _, err := os.Lstat(to); os.IsNotExist(err) {
			os.Rename(b.dir, to)
			return
		}
	}
}

func (b *base) kill(sig syscall.Signal) {
	if b.cmd != nil {
		b.cmd.Process.Signal(sig)
		b.cmd.Wait()
		b.cmd = nil
	}
}

// resident sums the resident memory of the process and its children, counting shared memory once.
func (b *base) resident() float64 {
	total := 0.0
	pids := []int{b.cmd.Process.Pid}
	for i := 0; i < len(pids); i++ {
		kids, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pids[i], pids[i]))
		for _, f := range strings.Fields(string(kids)) {
			n, _ := strconv.Atoi(f)
			pids = append(pids, n)
		}
		total += pss(pids[i])
	}
	return total
}

func pss(pid int) float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, "Pss:") {
			v, _ := strconv.ParseFloat(strings.Fields(l)[1], 64)
			return v
		}
	}
	return 0
}

type gomphoServer struct{ base }

func newGompho(c *config) *gomphoServer {
	return &gomphoServer{base{c: c, nm: "gompho", prt: 54901, dir: filepath.Join(c.dir, "gompho-data")}}
}

func (s *gomphoServer) init() error {
	s.setAside()
	return quiet(exec.Command(s.c.bin, "init", "-D", s.dir))
}

func (s *gomphoServer) start() error {
	return s.launch(exec.Command(s.c.bin, "start", "-D", s.dir, "-p", strconv.Itoa(s.prt), "-k", s.c.dir,
		"-c", "shared_buffers="+s.c.buffers, "-c", "max_connections=1100", "-c", "max_wal_size=4GB"), "ready")
}

func (s *gomphoServer) stop() { s.kill(syscall.SIGINT) }

func (s *gomphoServer) crash() { s.kill(syscall.SIGKILL) }

type postgresServer struct{ base }

func newPostgres(c *config) *postgresServer {
	return &postgresServer{base{c: c, nm: "PostgreSQL", prt: 54902, dir: filepath.Join(c.dir, "pg-data")}}
}

// as runs a program as the user postgres when this process is root, which PostgreSQL refuses to run as.
func as(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	if os.Getuid() == 0 {
		if u, err := user.Lookup("postgres"); err == nil {
			uid, _ := strconv.Atoi(u.Uid)
			gid, _ := strconv.Atoi(u.Gid)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		}
	}
	cmd.Dir = "/tmp"
	return cmd
}

func (s *postgresServer) init() error {
	s.setAside()
	return quiet(as(filepath.Join(s.c.pgBin, "initdb"), "-D", s.dir, "-U", "postgres", "-A", "trust", "-k", "--locale=C.UTF-8"))
}

func (s *postgresServer) start() error {
	cmd := as(filepath.Join(s.c.pgBin, "postgres"), "-D", s.dir, "-p", strconv.Itoa(s.prt), "-k", s.c.dir,
		"-c", "shared_buffers="+s.c.buffers, "-c", "max_connections=1100", "-c", "max_wal_size=4GB", "-c", "logging_collector=off")
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd = cmd
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if exec.Command(filepath.Join(s.c.pgBin, "pg_isready"), "-q", "-h", s.c.dir, "-p", strconv.Itoa(s.prt)).Run() == nil {
			return nil
		}
	}
	return fmt.Errorf("PostgreSQL did not start")
}

func (s *postgresServer) stop() { s.kill(syscall.SIGINT) }

// crash is an immediate shutdown: a kill would leave processes behind that hold the shared memory.
func (s *postgresServer) crash() { s.kill(syscall.SIGQUIT) }

type responderServer struct{ base }

func newResponder(c *config) *responderServer {
	return &responderServer{base{c: c, nm: "responder", prt: 54903}}
}

func (s *responderServer) init() error { return nil }
func (s *responderServer) start() error {
	return s.launch(exec.Command(filepath.Join(s.c.dir, "responder"), "-port", strconv.Itoa(s.prt), "-k", s.c.dir), "ready")
}
func (s *responderServer) stop()  { s.kill(syscall.SIGTERM) }
func (s *responderServer) crash() { s.stop() }

func quiet(cmd *exec.Cmd) error {
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, b)
	}
	return nil
}
