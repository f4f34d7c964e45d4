package tests

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestBackupDocument runs the steps of docs/backup.md and of README.md as they are written, with another port and another directory for the socket.
func TestBackupDocument(t *testing.T) {
	t.Run("backup.md", func(t *testing.T) {
		text, _, _ := strings.Cut(readDocument(t, "docs/backup.md"), "\n## Archiving")
		runDocument(t, text, 5, "backup successfully verified", "\n1000|100150\n", "recovery stopping before commit of transaction", "archive recovery complete",
			"no problems found")
	})
	t.Run("README.md", func(t *testing.T) {
		_, text, _ := strings.Cut(readDocument(t, "README.md"), "\n## Back up and restore")
		text, _, _ = strings.Cut(text, "\n## ")
		runDocument(t, text, 1, "backup successfully verified", "\n1000|100150\n")
	})
}

func readDocument(t *testing.T, name string) string {
	text, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// runDocument runs the blocks of commands in a text, of which there are n, in one shell in an empty directory.
func runDocument(t *testing.T, text string, n int, want ...string) {
	if _, err := exec.LookPath("psql"); err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	script.WriteString("set -e\ntrap 'kill -9 $(jobs -p) 2> /dev/null || true' EXIT\n")
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(blocks) != n {
		t.Fatalf("the document has %d blocks of commands", len(blocks))
	}
	for _, b := range blocks {
		script.WriteString(b[1])
	}
	sock := shortDir(t)
	run := strings.NewReplacer("5432", "54778", "-k /tmp", "-k "+sock, "PGHOST=/tmp", "PGHOST="+sock, "gompho start", "gompho start -h ''").Replace(script.String())
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", run)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary(t))+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		for _, name := range []string{"data.log", "restored.log"} {
			log, _ := os.ReadFile(filepath.Join(dir, name))
			t.Logf("%s:\n%s", name, log)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	for _, w := range want {
		if !bytes.Contains(out, []byte(w)) {
			t.Errorf("the output lacks %q:\n%s", w, out)
		}
	}
}

// busyWork is writers that commit ever higher numbers, and one that makes and drops things, until it is stopped.
type busyWork struct {
	acked []atomic.Int64
	stop  context.CancelFunc
	wg    sync.WaitGroup
}

func startBusyWork(t *testing.T, sock string, writers int) *busyWork {
	t.Helper()
	c := socketConn(t, sock)
	defer c.Close(context.Background())
	run(t, c, "create table w(id int primary key, a bigint, b bigint)")
	run(t, c, "create table log(id int, n bigint, filler text, primary key (id, n))")
	ctx, cancel := context.WithCancel(context.Background())
	l := &busyWork{acked: make([]atomic.Int64, writers), stop: cancel}
	t.Cleanup(l.end)
	for i := range writers {
		run(t, c, "insert into w values ($1, 0, 0)", i)
		l.wg.Go(func() { l.write(ctx, sock, i) })
	}
	l.wg.Go(func() { churn(ctx, sock) })
	return l
}

func (l *busyWork) end() {
	l.stop()
	l.wg.Wait()
}

func (l *busyWork) write(ctx context.Context, sock string, id int) {
	c, err := pgx.Connect(ctx, socketDSN(sock))
	if err != nil {
		return
	}
	defer c.Close(context.Background())
	for n := int64(1); ctx.Err() == nil; n++ {
		if _, err := c.Exec(ctx, fmt.Sprintf("begin; update w set a = %[2]d where id = %[1]d; savepoint s; insert into log values (%[1]d, %[2]d, repeat('x', 300)); "+
			"rollback to s; insert into log values (%[1]d, %[2]d, repeat('y', 300)); update w set b = %[2]d where id = %[1]d; commit", id, n)); err != nil {
			return
		}
		l.acked[id].Store(n)
	}
}

// churn makes files come and go.
func churn(ctx context.Context, sock string) {
	c, err := pgx.Connect(ctx, socketDSN(sock))
	if err != nil {
		return
	}
	defer c.Close(context.Background())
	for i := 0; ctx.Err() == nil; i++ {
		for _, sql := range []string{"create table c%d(a int primary key, b text)", "insert into c%d select g, repeat('z', 100) from generate_series(1, 500) g",
			"create index on c%d(b)", "delete from c%d where a < 400", "vacuum c%d", "truncate c%d", "insert into c%d select g, 'y' from generate_series(1, 50) g",
			"create unlogged table un%d(a int primary key)", "insert into un%d values (1)"} {
			if _, err := c.Exec(ctx, fmt.Sprintf(sql, i)); err != nil {
				return
			}
		}
		if i > 1 {
			c.Exec(ctx, fmt.Sprintf("drop table c%d, un%d", i-2, i-1))
		}
	}
}

// await returns when each writer has committed n times more, with what is acknowledged then.
func (l *busyWork) await(t *testing.T, n int64) []int64 {
	t.Helper()
	begin, now := make([]int64, len(l.acked)), make([]int64, len(l.acked))
	for i := range begin {
		begin[i] = l.acked[i].Load()
	}
	deadline := time.Now().Add(time.Minute)
	for i := 0; i < len(begin); {
		if now[i] = l.acked[i].Load(); now[i] >= begin[i]+n {
			i++
		} else if time.Now().After(deadline) {
			t.Fatal("the writers do not get on")
		}
	}
	for i := range now {
		now[i] = l.acked[i].Load()
	}
	return now
}

// verifyLoad: what was acknowledged is there, and nothing by half.
func verifyLoad(t *testing.T, c *pgx.Conn, acked []int64) {
	t.Helper()
	for id, n := range acked {
		var a, b, logged, most int64
		if err := c.QueryRow(context.Background(), "select a, b, (select count(*) from log where id = w.id and filler like 'y%'), (select coalesce(max(n), 0) from log where id = w.id) from w where id = $1", id).
			Scan(&a, &b, &logged, &most); err != nil {
			t.Fatal(err)
		}
		if a < n || a != b || a != logged || a != most {
			t.Errorf("writer %d: %d were acknowledged; the row has %d and %d, the log %d up to %d", id, n, a, b, logged, most)
		}
	}
}

// command runs the program.
func command(t *testing.T, bin string, args ...string) string {
	t.Helper()
	out, err := exec.Command(bin, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", args, err, out)
	}
	return string(out)
}

// startWith starts a server's process with settings on a free directory for its socket.
func startWith(t *testing.T, bin, dir, sock string, settings ...string) *exec.Cmd {
	t.Helper()
	conf, err := os.OpenFile(filepath.Join(dir, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(conf, strings.Join(settings, "\n"))
	if err := conf.Close(); err != nil {
		t.Fatal(err)
	}
	return startProcess(t, bin, dir, sock)
}

// TestBackupUnderLoad takes backups of a server that writers keep busy, and lets it go on. Each backup starts by itself with all that was acknowledged before it began; restored with the
// archive it has all that was acknowledged before the source ended. The check finds nothing in any of them.
func TestBackupUnderLoad(t *testing.T) {
	bin, top, sock := binary(t), t.TempDir(), shortDir(t)
	dir, arch := filepath.Join(top, "data"), filepath.Join(top, "archive")
	if err := os.Mkdir(arch, 0o700); err != nil {
		t.Fatal(err)
	}
	command(t, bin, "init", "-D", dir)
	p := startWith(t, bin, dir, sock, "archive_mode = on", "archive_command = 'test ! -e "+arch+"/%f && cp %p "+arch+"/%f'", "max_wal_size = '64MB'", "full_page_writes = off")
	l := startBusyWork(t, sock, 4)
	l.await(t, 20)
	refusals(t, bin, dir, top)
	var before [][]int64
	for i := range 2 {
		before = append(before, l.await(t, 10))
		target := filepath.Join(top, fmt.Sprint("backup", i))
		command(t, bin, "backup", "--target", target, "-D", dir)
		command(t, bin, "backup", "--verify", target)
		if out, err := exec.Command(bin, "backup", "--target", target, "-D", dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "exists but is not empty") {
			t.Errorf("a backup into a directory that is not empty: %v\n%s", err, out)
		}
		l.await(t, 10)
	}
	l.end()
	final := l.await(t, 0)
	command(t, bin, "stop", "-D", dir)
	p.Wait()
	for i := range before {
		backup := filepath.Join(top, fmt.Sprint("backup", i))
		for _, archived := range []bool{false, true} {
			target, sock, want := fmt.Sprintf("%s-%t", backup, archived), shortDir(t), before[i]
			if out, err := exec.Command("cp", "-a", backup, target).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			settings := []string{"archive_mode = off"}
			if archived {
				want = final
				settings = append(settings, "restore_command = 'cp "+arch+"/%f %p'")
				if err := os.WriteFile(filepath.Join(target, "recovery.signal"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p := startWith(t, bin, target, sock, settings...)
			c := socketConn(t, sock)
			verifyLoad(t, c, want)
			if got := value[int](t, c, "select coalesce(sum(pg_relation_size(oid)), 0)::int from pg_class where relname like 'un%' and relkind = 'r'"); got != 0 {
				t.Errorf("unlogged tables have %d bytes", got)
			}
			c.Close(context.Background())
			command(t, bin, "stop", "-D", target)
			p.Wait()
			if out := command(t, bin, "check", "-D", target); !strings.Contains(out, "no problems found") {
				t.Error(out)
			}
		}
	}
}

// refusals are backups that are not taken, and leave nothing behind.
func refusals(t *testing.T, bin, dir, top string) {
	t.Helper()
	for want, args := range map[string][]string{
		"cannot be within the data directory": {"--target", filepath.Join(dir, "backup"), "-D", dir},
		"no server runs in":                   {"--target", filepath.Join(top, "none"), "-D", top},
		"give either --target or --verify":    {"-D", dir},
		"could not open file":                 {"--verify", dir},
		"invalid checkpoint argument":         {"--target", filepath.Join(top, "none"), "-D", dir, "-c", "slow"},
		"does not exist":                      {"--target", filepath.Join(top, "none"), "-D", dir, "-U", "nobody"},
	} {
		if out, err := exec.Command(bin, append([]string{"backup"}, args...)...).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
	}
	for _, d := range []string{filepath.Join(dir, "backup"), filepath.Join(top, "none")} {
		if _, err := os.Stat(d); err == nil {
			t.Errorf("%s was made", d)
		}
	}
	// One that is interrupted leaves an empty directory, and the server knows nothing of it afterwards.
	target := filepath.Join(top, "interrupted")
	cmd := exec.Command(bin, "backup", "--target", target, "-D", dir, "-c", "spread")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if entries, err := os.ReadDir(target); err == nil && len(entries) >= 0 {
			break
		}
		<-time.After(time.Millisecond)
	}
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err == nil {
		t.Error("an interrupted backup succeeds")
	}
	if entries, err := os.ReadDir(target); err != nil || len(entries) > 0 {
		t.Errorf("an interrupted backup leaves %d files, %v", len(entries), err)
	}
}

// TestRestoreKilled kills a server again and again while it recovers from a slow archive; in the end it comes through, on the second timeline.
func TestRestoreKilled(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	bin, top, sock := binary(t), t.TempDir(), shortDir(t)
	dir, arch, target := filepath.Join(top, "data"), filepath.Join(top, "archive"), filepath.Join(top, "backup")
	if err := os.Mkdir(arch, 0o700); err != nil {
		t.Fatal(err)
	}
	command(t, bin, "init", "-D", dir)
	p := startWith(t, bin, dir, sock, "archive_mode = on", "gompho.archive_directory = '"+arch+"'")
	l := startBusyWork(t, sock, 2)
	l.await(t, 5)
	command(t, bin, "backup", "--target", target, "-D", dir)
	c := socketConn(t, sock)
	for range 5 {
		l.await(t, 5)
		run(t, c, "checkpoint")
		run(t, c, "select pg_switch_wal()")
	}
	c.Close(context.Background())
	l.end()
	final := l.await(t, 0)
	command(t, bin, "stop", "-D", dir)
	p.Wait()
	if err := os.WriteFile(filepath.Join(target, "recovery.signal"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	conf, err := os.OpenFile(filepath.Join(target, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conf, "restore_command = 'sleep 0.02; cp %s/%%f %%p'\nmax_wal_size = 32MB\n", arch)
	conf.Close()
	for range 5 {
		cmd := exec.Command(bin, "start", "-D", target, "-p", "54777", "-k", sock, "-h", "")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(50+rnd.IntN(500)) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
	}
	p = startProcess(t, bin, target, sock)
	c = socketConn(t, sock)
	verifyLoad(t, c, final)
	if got := value[int](t, c, "select timeline_id from pg_control_checkpoint()"); got != 2 {
		t.Errorf("it is on timeline %d", got)
	}
	c.Close(context.Background())
	command(t, bin, "stop", "-D", target)
	p.Wait()
	if out := command(t, bin, "check", "-D", target); !strings.Contains(out, "no problems found") {
		t.Error(out)
	}
}
