package tests

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"gompho/postmaster"
)

// TestPanicInCriticalSection forces a panic while a page is being changed: all sessions end, recovery runs in the same process,
// and what was committed is there.
func TestPanicInCriticalSection(t *testing.T) {
	ctx := context.Background()
	var armed atomic.Bool
	pm, err := postmaster.Start(postmaster.Options{Dir: t.TempDir() + "/data", AnyPort: true,
		Settings: []string{"shared_buffers=16MB", "unix_socket_directories=", "listen_addresses=127.0.0.1"},
		Critical: func() {
			if armed.CompareAndSwap(true, false) {
				panic("forced by the test")
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer pm.Stop(ctx, postmaster.Fast)
	dsn := fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=postgres sslmode=disable", pm.Port())
	dial := func() (*pgx.Conn, error) { return pgx.Connect(ctx, dsn) }
	a, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	b, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	run(t, a, "create table t(a int primary key)")
	run(t, a, "insert into t select generate_series(1, 1000)")
	run(t, b, "begin")
	run(t, b, "insert into t values (5000)")
	armed.Store(true)
	if _, err := a.Exec(ctx, "insert into t values (2000)"); err == nil {
		t.Error("the statement whose process panicked succeeds")
	}
	if _, err := b.Exec(ctx, "select 1"); err == nil {
		t.Error("another session survives the crash")
	}
	limit, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var c *pgx.Conn
	for c == nil && limit.Err() == nil {
		c, _ = dial()
	}
	if c == nil {
		t.Fatal("the server does not come back")
	}
	defer c.Close(ctx)
	if n := value[int](t, c, "select count(*) from t"); n != 1000 {
		t.Errorf("%d rows after the crash, want 1000", n)
	}
	run(t, c, "insert into t values (2000)")
}
