package tests

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho/internal/tests/rerun"
	"gompho/postmaster"
)

// TestPanicInCriticalSection forces panics while a page is being changed, several rounds with writers in other sessions: all
// sessions end, one of them by the panic and others with 57P02, recovery runs in the same process, what was acknowledged is there,
// nothing by half, and at the end the check of the whole cluster finds nothing.
func TestPanicInCriticalSection(t *testing.T) {
	ctx := context.Background()
	seed := rerun.Seed(t)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var left atomic.Int64 // critical sections until the panic
	dir := t.TempDir() + "/data"
	pm, err := postmaster.Start(postmaster.Options{Dir: dir, NoListen: true, Settings: []string{"shared_buffers=16MB"},
		Critical: func() {
			if left.Add(-1) == 0 {
				panic("forced by the test")
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	defer func() {
		if !stopped {
			pm.Stop(ctx, postmaster.Immediate)
		}
	}()
	cfg, err := pgx.ParseConfig("host=127.0.0.1 port=1 user=postgres dbname=postgres sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) { return pm.Dial() }
	dial := func() (*pgx.Conn, error) { return pgx.ConnectConfig(ctx, cfg) }
	c, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	const writers = 6
	run(t, c, "create table w(id int primary key, a bigint, b bigint)")
	run(t, c, "create table log(id int, n bigint, primary key (id, n))")
	for i := range writers {
		run(t, c, "insert into w values ($1, 0, 0)", i)
	}
	acked := make([]int64, writers)
	var told atomic.Int64 // sessions that got 57P02; a session that was idle may see its end only
	for round := range 6 {
		idle, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		run(t, idle, "begin")
		run(t, idle, "insert into log values (-1, $1)", round)
		left.Store(1 + rnd.Int64N(400))
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() { writeUntilCrash(dial, i, &acked[i], &told) })
		}
		wg.Wait()
		if _, err := idle.Exec(ctx, "select 1"); err == nil {
			t.Errorf("round %d: a session survives the crash", round)
		}
		idle.Close(ctx)
		c = redial(t, dial)
		verifyWriters(t, c, acked, round)
		if n := value[int](t, c, "select count(*) from log where id = -1"); n != 0 {
			t.Errorf("round %d: %d rows of a transaction that did not commit", round, n)
		}
		c.Close(ctx)
	}
	if told.Load() == 0 {
		t.Error("no session got 57P02")
	}
	stopped = true
	if err := pm.Stop(ctx, postmaster.Fast); err != nil {
		t.Fatal(err)
	}
	if _, err := postmaster.Check(postmaster.CheckOptions{Dir: dir}, func(p string) { t.Error(p) }); err != nil {
		t.Error(err)
	}
}

// redial connects as soon as the server accepts connections again.
func redial(t *testing.T, dial func() (*pgx.Conn, error)) *pgx.Conn {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if c, err := dial(); err == nil {
			return c
		}
	}
	t.Fatal("the server does not come back")
	return nil
}

// writeUntilCrash commits ever higher values until the session ends; *acked is the last one that was acknowledged.
func writeUntilCrash(dial func() (*pgx.Conn, error), id int, acked *int64, told *atomic.Int64) {
	ctx := context.Background()
	c, err := dial()
	if err != nil {
		return // the crash was quicker
	}
	defer c.Close(ctx)
	for {
		n := *acked + 1
		for _, sql := range []string{"begin", "update w set a = $2 where id = $1", "insert into log values ($1, $2) on conflict do nothing",
			"update w set b = $2 where id = $1", "commit"} {
			var args []any
			if len(sql) > 6 {
				args = []any{id, n}
			}
			if _, err := c.Exec(ctx, sql, args...); err != nil {
				if pe, ok := err.(*pgconn.PgError); ok && pe.Code == "57P02" {
					told.Add(1)
				}
				return
			}
		}
		*acked = n
	}
}
