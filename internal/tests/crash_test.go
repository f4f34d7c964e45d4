package tests

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"gompho/internal/tests/rerun"
)

// TestKill kills the server's process while pgbench and writers of our own commit, several times over. Every acknowledged commit
// must be there afterwards, none by half, pgbench's sums must agree, and the check of the whole cluster must find nothing: in every
// other round the check itself recovers the cluster. GOMPHO_KILL_ROUNDS sets the rounds, GOMPHO_SEED their times.
func TestKill(t *testing.T) {
	rounds, seed := rerun.Count(t, "GOMPHO_KILL_ROUNDS", 3), rerun.Seed(t)
	rnd := rand.New(rand.NewPCG(seed, 0))
	bin, dir, sock := binary(t), t.TempDir()+"/data", shortDir(t)
	const writers = 8
	acked := make([]int64, writers) // last acknowledged value of each writer
	p := startProcess(t, bin, dir, sock)
	c := socketConn(t, sock)
	run(t, c, "create table w(id int primary key, a bigint, b bigint)")
	for i := range writers {
		run(t, c, "insert into w values ($1, 0, 0)", i)
	}
	run(t, c, "create table log(id int, n bigint, primary key (id, n))")
	c.Close(context.Background())
	bench := pgbench(t, sock, "-i", "-s", "2", "-q")
	if bench == nil {
		t.Log("without pgbench: it is not installed")
	} else if out, err := bench.CombinedOutput(); err != nil {
		t.Fatalf("pgbench -i: %v\n%s", err, out)
	}
	for round := range rounds {
		load := pgbench(t, sock, "-n", "-c", "16", "-j", "2", "-T", "600")
		if load != nil {
			if err := load.Start(); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		started := make(chan struct{}, writers)
		for i := range writers {
			wg.Go(func() { write(sock, i, &acked[i], started) })
		}
		for range writers {
			<-started
		}
		<-time.After(time.Duration(50+rnd.IntN(1500)) * time.Millisecond)
		p.Process.Kill()
		p.Wait()
		wg.Wait()
		if load != nil {
			load.Wait() // it ends with its connections
		}
		if round%2 == 1 {
			checkCluster(t, bin, dir, round)
		}
		p = startProcess(t, bin, dir, sock)
		verify(t, sock, acked, round)
		if bench != nil {
			verifySums(t, sock, round)
		}
		if round%2 == 0 {
			p.Process.Signal(os.Interrupt)
			p.Wait()
			checkCluster(t, bin, dir, round)
			if round < rounds-1 {
				p = startProcess(t, bin, dir, sock)
			}
		}
	}
}

func checkCluster(t *testing.T, bin, dir string, round int) {
	t.Helper()
	if out, err := exec.Command(bin, "check", "-D", dir).CombinedOutput(); err != nil {
		t.Fatalf("round %d: check: %v\n%s", round, err, out)
	}
}

// pgbench prepares a run of pgbench against the server; nil when it is not installed.
func pgbench(t *testing.T, sock string, args ...string) *exec.Cmd {
	t.Helper()
	bin, err := exec.LookPath("pgbench")
	if err != nil {
		return nil
	}
	p := exec.Command(bin, append(args, "-h", sock, "-p", "54777", "-U", "postgres", "postgres")...)
	t.Cleanup(func() {
		if p.Process != nil && p.ProcessState == nil {
			p.Process.Kill()
			p.Wait()
		}
	})
	return p
}

// verifySums compares the four tables of pgbench: every transaction adds the same to all of them.
func verifySums(t *testing.T, sock string, round int) {
	t.Helper()
	c := socketConn(t, sock)
	defer c.Close(context.Background())
	var a, b, te, h, n int64
	err := c.QueryRow(context.Background(), `select (select sum(abalance) from pgbench_accounts), (select sum(bbalance) from pgbench_branches),
		(select sum(tbalance) from pgbench_tellers), (select coalesce(sum(delta), 0) from pgbench_history), (select count(*) from pgbench_history)`).Scan(&a, &b, &te, &h, &n)
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	if a != b || a != te || a != h {
		t.Errorf("round %d: the sums differ: accounts %d, branches %d, tellers %d, history %d", round, a, b, te, h)
	}
	rerun.Told(t, "round %d: %d transactions of pgbench so far", round, n)
}

func startProcess(t *testing.T, bin, dir, sock string) *exec.Cmd {
	t.Helper()
	p := exec.Command(bin, "start", "-D", dir, "-p", "54777", "-k", sock, "-h", "", "-c", "shared_buffers=16MB")
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	p.Stderr = &log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Process.Kill()
		if p.Wait(); t.Failed() {
			t.Logf("log of process %d:\n%s", p.Process.Pid, log.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if !strings.Contains(line, "ready") {
		t.Fatalf("the server does not start: %q, %v", line, err)
	}
	return p
}

func socketDSN(sock string) string {
	return fmt.Sprintf("host=%s port=54777 user=postgres dbname=postgres sslmode=disable", sock)
}

func socketConn(t *testing.T, sock string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), socketDSN(sock))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// write commits ever higher values until the server dies; *acked is the last one that was acknowledged.
func write(sock string, id int, acked *int64, started chan<- struct{}) {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, socketDSN(sock))
	started <- struct{}{}
	if err != nil {
		return
	}
	defer c.Close(ctx)
	for {
		n := *acked + 1
		tx, err := c.Begin(ctx)
		if err != nil {
			return
		}
		for _, sql := range []string{"update w set a = $2 where id = $1", "insert into log values ($1, $2) on conflict do nothing", "update w set b = $2 where id = $1"} {
			if _, err := tx.Exec(ctx, sql, id, n); err != nil {
				return
			}
		}
		if tx.Commit(ctx) != nil {
			return
		}
		*acked = n
	}
}

// verify connects and compares the tables of the writers with what was acknowledged.
func verify(t *testing.T, sock string, acked []int64, round int) {
	t.Helper()
	c := socketConn(t, sock)
	defer c.Close(context.Background())
	verifyWriters(t, c, acked, round)
}

// verifyWriters compares the tables with what was acknowledged. The commit that was under way when the server died may be there or not.
func verifyWriters(t *testing.T, c *pgx.Conn, acked []int64, round int) {
	t.Helper()
	for i := range acked {
		var a, b, n int64
		if err := c.QueryRow(context.Background(), "select a, b, (select count(*) from log where log.id = w.id) from w where id = $1", i).Scan(&a, &b, &n); err != nil {
			t.Fatalf("round %d, writer %d: %v", round, i, err)
		}
		if a != b || a != n {
			t.Errorf("round %d, writer %d: half a commit: a=%d b=%d log=%d", round, i, a, b, n)
		}
		if a != acked[i] && a != acked[i]+1 {
			t.Errorf("round %d, writer %d: %d is there, %d was acknowledged", round, i, a, acked[i])
		}
		acked[i] = a
	}
}
