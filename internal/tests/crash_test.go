package tests

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestKill kills the server's process while writers commit, several times over. Every acknowledged commit must be there
// afterwards, none by half, and the check of the whole cluster must find nothing. GOMPHO_CRASH_ROUNDS sets the rounds.
func TestKill(t *testing.T) {
	rounds := 3
	if v, err := strconv.Atoi(os.Getenv("GOMPHO_CRASH_ROUNDS")); err == nil {
		rounds = v
	}
	seed := rand.Uint64()
	t.Logf("seed %d, %d rounds", seed, rounds)
	rnd := rand.New(rand.NewPCG(seed, 0))
	bin, dir, sock := binary(t), t.TempDir()+"/data", shortDir(t)
	const writers = 8
	acked := make([]int64, writers) // last acknowledged value of each writer
	for round := range rounds {
		p := startProcess(t, bin, dir, sock)
		if round == 0 {
			c := socketConn(t, sock)
			run(t, c, "create table w(id int primary key, a bigint, b bigint)")
			for i := range writers {
				run(t, c, "insert into w values ($1, 0, 0)", i)
			}
			run(t, c, "create table log(id int, n bigint, primary key (id, n))")
			c.Close(context.Background())
		}
		verify(t, sock, acked, round)
		var wg sync.WaitGroup
		started := make(chan struct{}, writers)
		for i := range writers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				write(sock, i, &acked[i], started)
			}()
		}
		for range writers {
			<-started
		}
		kill := time.After(time.Duration(50+rnd.IntN(300)) * time.Millisecond)
		<-kill
		p.Process.Kill()
		p.Wait()
		wg.Wait()
	}
	p := startProcess(t, bin, dir, sock)
	verify(t, sock, acked, rounds)
	p.Process.Signal(os.Interrupt)
	p.Wait()
	if out, err := exec.Command(bin, "check", "-D", dir).CombinedOutput(); err != nil {
		t.Errorf("check: %v\n%s", err, out)
	}
}

func startProcess(t *testing.T, bin, dir, sock string) *exec.Cmd {
	t.Helper()
	p := exec.Command(bin, "start", "-D", dir, "-p", "54777", "-k", sock, "-h", "", "-c", "shared_buffers=16MB")
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stderr = os.Stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill() })
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

// verify compares the tables with what was acknowledged. The commit that was under way when the server died may be there or not.
func verify(t *testing.T, sock string, acked []int64, round int) {
	t.Helper()
	c := socketConn(t, sock)
	defer c.Close(context.Background())
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
