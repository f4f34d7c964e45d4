package tests

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"gompho/internal/tests/rerun"
)

// victim is a server in a process of its own that is killed when it logs a certain line, or when it is told to.
type victim struct {
	t     *testing.T
	cmd   *exec.Cmd
	ready chan struct{} // closed when it takes connections
	dead  chan struct{} // closed when the process is gone
	armed atomic.Bool   // the line counts from now on

	mu  sync.Mutex // protects log
	log strings.Builder
}

// startVictim starts a server that is killed a moment after it has logged a line with the text at, once it is armed; empty: never.
func startVictim(t *testing.T, bin, dir, sock, at string, delay time.Duration, settings ...string) *victim {
	t.Helper()
	return startArmed(t, bin, dir, sock, at, delay, false, settings)
}

// startArmed is startVictim, where the line may be one of the start.
func startArmed(t *testing.T, bin, dir, sock, at string, delay time.Duration, armed bool, settings []string) *victim {
	t.Helper()
	args := []string{"start", "-D", dir, "-p", "54777", "-k", sock, "-h", "", "-c", "shared_buffers=16MB"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	v := &victim{t: t, cmd: exec.Command(bin, args...), ready: make(chan struct{}), dead: make(chan struct{})}
	v.armed.Store(armed)
	out, err := v.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(v.dead)
		defer v.cmd.Wait()
		for in := bufio.NewScanner(out); in.Scan(); {
			v.mu.Lock()
			v.log.WriteString(in.Text() + "\n")
			v.mu.Unlock()
			if at != "" && v.armed.Load() && strings.Contains(in.Text(), at) {
				<-time.After(delay)
				v.cmd.Process.Kill()
				at = ""
			}
			if strings.Contains(in.Text(), "ready to accept connections") {
				close(v.ready)
			}
		}
	}()
	t.Cleanup(func() {
		if v.kill(); t.Failed() {
			t.Logf("log of a server:\n%s", v.logged())
		}
	})
	return v
}

func (v *victim) logged() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.log.String()
}

// up waits until the server takes connections.
func (v *victim) up() *victim {
	v.t.Helper()
	select {
	case <-v.ready:
	case <-v.dead:
		v.t.Fatalf("the server does not start:\n%s", v.logged())
	}
	return v
}

// kill ends it, if it is there still, and waits.
func (v *victim) kill() {
	v.cmd.Process.Kill()
	<-v.dead
}

// await waits until it has been killed.
func (v *victim) await() {
	v.t.Helper()
	select {
	case <-v.dead:
	case <-time.After(30 * time.Second):
		v.t.Fatalf("the line at which the server is to be killed does not come:\n%s", v.logged())
	}
}

// load runs writers; wait returns when the server is gone.
func load(sock string, acked []int64) (wait func()) {
	var wg sync.WaitGroup
	started := make(chan struct{}, len(acked))
	for i := range acked {
		wg.Go(func() { write(sock, i, &acked[i], started) })
	}
	for range acked {
		<-started
	}
	return wg.Wait
}

// killState is what the server is doing when it is killed.
type killState struct {
	name     string
	settings []string
	// at is the line of the log after which it is killed, at most delay later. Several are taken in turn.
	at    []string
	delay time.Duration
	// restart: the lines are of a start after a kill under load; else of a server that is up, where act brings them about.
	restart bool
	// act works on the running server. It returns when the server is to be killed now, if at is empty.
	act func(t *testing.T, v *victim, sock string)
	// after looks at the server that was started again.
	after func(t *testing.T, c *pgx.Conn, dir string)
}

func killStates(rnd *rand.Rand) []killState {
	ctx := context.Background()
	return []killState{
		{name: "starting up", restart: true, at: []string{"starting gompho", "database system was", "listening on", "ready to accept"}, delay: 3 * time.Millisecond},
		{name: "recovery", restart: true, at: []string{"automatic recovery in progress", "redo starts at", "redo done at", "checkpoint starting"}, delay: 8 * time.Millisecond},
		{name: "checkpoint", at: []string{"checkpoint starting: immediate"}, delay: 15 * time.Millisecond, act: func(t *testing.T, v *victim, sock string) {
			if c, err := pgx.Connect(ctx, socketDSN(sock)); err == nil {
				c.Exec(ctx, "checkpoint")
				for { // it may be over before the kill
					if _, err := c.Exec(ctx, "checkpoint"); err != nil {
						return
					}
				}
			}
		}},
		{name: "shutdown", at: []string{"received fast shutdown request", "shutting down", "checkpoint starting: shutdown", "checkpoint complete"}, delay: 5 * time.Millisecond,
			act: func(t *testing.T, v *victim, sock string) { v.cmd.Process.Signal(os.Interrupt) }},
		{name: "create database", act: func(t *testing.T, v *victim, sock string) {
			c := socketConn(t, sock)
			go func() {
				<-time.After(time.Duration(20+rnd.IntN(400)) * time.Millisecond)
				v.cmd.Process.Kill()
			}()
			for {
				for _, sql := range []string{"drop database if exists other", "create database other"} {
					if _, err := c.Exec(ctx, sql); err != nil {
						return
					}
				}
			}
		}, after: func(t *testing.T, c *pgx.Conn, dir string) {
			dbs, err := c.Query(ctx, "select oid::text from pg_database")
			if err != nil {
				t.Fatal(err)
			}
			known, err := pgx.CollectRows(dbs, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			entries, err := os.ReadDir(dir + "/base")
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if _, err := strconv.Atoi(e.Name()); err == nil && !strings.Contains(" "+strings.Join(known, " ")+" ", " "+e.Name()+" ") {
					t.Errorf("base/%s belongs to none of the databases %v", e.Name(), known)
				}
			}
		}},
		{name: "autovacuum", settings: []string{"autovacuum_naptime=1s", "autovacuum_vacuum_threshold=10", "autovacuum_vacuum_scale_factor=0", "autovacuum_analyze_threshold=10",
			"autovacuum_vacuum_cost_delay=20ms", "autovacuum_vacuum_cost_limit=1"}, act: func(t *testing.T, v *victim, sock string) {
			c := socketConn(t, sock)
			for n := 0; n == 0; {
				if err := c.QueryRow(ctx, "select count(*) from pg_stat_activity where backend_type = 'autovacuum worker'").Scan(&n); err != nil {
					t.Fatal(err)
				}
				run(t, c, "update w set a = a where false")
			}
			<-time.After(time.Duration(rnd.IntN(20)) * time.Millisecond)
		}},
		{name: "temporary files and tables", settings: []string{"work_mem=64kB", "temp_buffers=800kB"}, act: func(t *testing.T, v *victim, sock string) {
			c, d := socketConn(t, sock), socketConn(t, sock)
			run(t, d, "create temp table scratch as select g, repeat('x', 200) from generate_series(1, 20000) g")
			run(t, d, "begin")
			run(t, d, "create table never(a int primary key, b text)")
			run(t, d, "insert into never select g, repeat('y', 3000) from generate_series(1, 500) g")
			go c.Exec(ctx, "select g from generate_series(1, 30000000) g order by md5(g::text)")
			var dir string
			run1(t, d, "show data_directory", &dir)
			for len(tempFiles(dir)) == 0 {
				<-time.After(time.Millisecond)
			}
		}, after: func(t *testing.T, c *pgx.Conn, dir string) {
			if files := tempFiles(dir); len(files) > 0 {
				t.Errorf("temporary files are left: %v", files)
			}
			if files, _ := filepath.Glob(dir + "/base/*/t[0-9]*_*"); len(files) > 0 {
				t.Errorf("files of temporary tables are left: %v", files)
			}
			var n int
			run1(t, c, "select count(*) from pg_class where relname in ('scratch', 'never')", &n)
			if n != 0 {
				t.Errorf("%d relations are left", n)
			}
		}},
	}
}

func tempFiles(dir string) []string {
	files, _ := filepath.Glob(dir + "/base/pgsql_tmp/*")
	return files
}

func run1(t *testing.T, c *pgx.Conn, sql string, to any) {
	t.Helper()
	if err := c.QueryRow(context.Background(), sql).Scan(to); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// TestKillStates kills the server's process while it does one thing or another, with writers at work. Afterwards it must start over the
// stale lock file and socket, with all that was acknowledged, and the check of the whole cluster must find nothing.
func TestKillStates(t *testing.T) {
	rounds, seed := rerun.Count(t, "GOMPHO_KILL_ROUNDS", 1), rerun.Seed(t)
	rnd := rand.New(rand.NewPCG(seed, 0))
	rerun.Told(t, "seed %d, %d rounds", seed, rounds)
	bin, dir, sock := binary(t), t.TempDir()+"/data", shortDir(t)
	acked := make([]int64, 6)
	v := startVictim(t, bin, dir, sock, "", 0).up()
	c := socketConn(t, sock)
	run(t, c, "create table w(id int primary key, a bigint, b bigint)")
	run(t, c, "create table log(id int, n bigint, primary key (id, n))")
	for i := range acked {
		run(t, c, "insert into w values ($1, 0, 0)", i)
	}
	c.Close(context.Background())
	v.kill()
	kills := 1
	for _, s := range killStates(rnd) {
		t.Run(s.name, func(t *testing.T) {
			for round := range rounds {
				kills += killIn(t, s, rnd, bin, dir, sock, acked)
				for _, name := range []string{dir + "/postmaster.pid"} {
					if _, err := os.Stat(name); err != nil && s.name != "shutdown" {
						t.Errorf("%v: the process was not killed?", err)
					}
				}
				if rnd.IntN(2) == 0 { // another process has the number by now
					os.WriteFile(dir+"/postmaster.pid", fmt.Appendf(nil, "%d\n%s\n", os.Getpid(), dir), 0o600)
				}
				if rnd.IntN(2) == 0 {
					checkCluster(t, bin, dir, round)
				}
				v := startVictim(t, bin, dir, sock, "", 0).up()
				verify(t, sock, acked, round)
				if s.after != nil {
					c := socketConn(t, sock)
					s.after(t, c, dir)
					c.Close(context.Background())
				}
				v.cmd.Process.Signal(os.Interrupt)
				v.await()
				if _, err := os.Stat(dir + "/postmaster.pid"); err == nil {
					t.Errorf("postmaster.pid is left after a clean shutdown")
				}
				checkCluster(t, bin, dir, round)
			}
		})
	}
	rerun.Told(t, "%d kills", kills)
}

// killIn kills a server in a state, several times if there are several points in it.
func killIn(t *testing.T, s killState, rnd *rand.Rand, bin, dir, sock string, acked []int64) (kills int) {
	t.Helper()
	delay := func() time.Duration { return time.Duration(rnd.Int64N(int64(s.delay) + 1)) }
	if s.restart {
		v := startVictim(t, bin, dir, sock, "", 0).up()
		wait := load(sock, acked)
		<-time.After(time.Duration(50+rnd.IntN(300)) * time.Millisecond)
		v.kill()
		wait()
		for _, at := range s.at {
			startArmed(t, bin, dir, sock, at, delay(), true, nil).await()
			kills++
		}
		return kills + 1
	}
	points := s.at
	if len(points) == 0 {
		points = []string{""}
	}
	for _, at := range points {
		v := startVictim(t, bin, dir, sock, at, delay(), s.settings...).up()
		wait := load(sock, acked)
		<-time.After(time.Duration(rnd.IntN(100)) * time.Millisecond)
		v.armed.Store(true)
		s.act(t, v, sock)
		if at == "" {
			v.kill()
		}
		v.await()
		wait()
		kills++
		if at != points[len(points)-1] { // the writers must know what is there
			v := startVictim(t, bin, dir, sock, "", 0).up()
			verify(t, sock, acked, 0)
			v.kill()
		}
	}
	return kills
}

// TestKillInit kills the process while it makes a new cluster: a later start takes the directory when the cluster is whole, and refuses it else.
func TestKillInit(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	bin, sock := binary(t), shortDir(t)
	for range 4 {
		dir := t.TempDir() + "/data"
		v := startVictim(t, bin, dir, sock, "", 0)
		<-time.After(time.Duration(5+rnd.IntN(500)) * time.Millisecond)
		v.kill()
		v = startVictim(t, bin, dir, sock, "", 0)
		select {
		case <-v.ready:
			c := socketConn(t, sock)
			run(t, c, "create table t as select * from pg_class")
			c.Close(context.Background())
			v.cmd.Process.Signal(os.Interrupt)
			v.await()
			checkCluster(t, bin, dir, 0)
		case <-v.dead:
			if s := v.logged(); !strings.Contains(s, "holds no gompho cluster") {
				t.Errorf("a directory that was not finished: %s", s)
			}
		}
	}
}

// TestSecondServer: a data directory and a socket have one server, and the one that comes second leaves them alone.
func TestSecondServer(t *testing.T) {
	bin, dir, sock := binary(t), t.TempDir()+"/data", shortDir(t)
	startVictim(t, bin, dir, sock, "", 0).up()
	for _, c := range []struct{ name, dir, want string }{
		{"directory", dir, "another server"},
		{"socket", t.TempDir() + "/data", "a server is listening on it already"},
	} {
		v := startVictim(t, bin, c.dir, sock, "", 0)
		v.await()
		if !strings.Contains(v.logged(), c.want) {
			t.Errorf("%s: %s", c.name, v.logged())
		}
		conn := socketConn(t, sock)
		run(t, conn, "select 1")
		conn.Close(context.Background())
	}
}
