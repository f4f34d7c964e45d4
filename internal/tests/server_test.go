package tests

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"gompho"
)

// open starts a server in this process; with listen it has a TCP port and a socket.
func open(t *testing.T, listen bool) *gompho.Server {
	t.Helper()
	return openLogged(t, listen, nil)
}

// openLogged is open with a log.
func openLogged(t *testing.T, listen bool, log *zap.Logger) *gompho.Server {
	t.Helper()
	o := gompho.Options{Listen: listen, Settings: map[string]string{"shared_buffers": "64MB", "deadlock_timeout": "50ms"}, Logger: log}
	if listen {
		o.SocketDir = shortDir(t)
	}
	s, err := gompho.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// shortDir makes a directory with a name short enough for sockets.
func shortDir(t *testing.T) string {
	d, err := os.MkdirTemp("", "gt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(d) })
	return d
}

func connect(t *testing.T, s *gompho.Server) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	if s.Port() == 0 {
		cfg.DialFunc = s.Dial
	}
	c, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func run(t *testing.T, c *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := c.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func value[T any](t *testing.T, c *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := c.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// eventually waits for a state of the server that a query tells.
func eventually(t *testing.T, c *pgx.Conn, sql string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if value[bool](t, c, sql, args...) {
			return
		}
	}
	t.Fatalf("never came true: %s", sql)
}

// TestTwoServers: two servers run in one process, and nothing is left of them after Close.
func TestTwoServers(t *testing.T) {
	before := goleak.IgnoreCurrent()
	for range 2 {
		var servers []*gompho.Server
		for i := range 2 {
			s, err := gompho.Open(context.Background(), gompho.Options{Settings: map[string]string{"shared_buffers": "16MB"}})
			if err != nil {
				t.Fatal(err)
			}
			servers = append(servers, s)
			c := connect(t, s)
			run(t, c, "create table t(a int)")
			run(t, c, "insert into t values ($1)", i)
			if got := value[int](t, c, "select a from t"); got != i {
				t.Errorf("server %d answers %d", i, got)
			}
			c.Close(context.Background())
		}
		for _, s := range servers {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	goleak.VerifyNone(t, before)
}

// TestTypes sends values of each type through pgx in the binary format and back, and compares with their text.
func TestTypes(t *testing.T) {
	s := open(t, false)
	c := connect(t, s)
	for _, k := range []struct{ typ, text string }{
		{"bool", "true"}, {"int2", "-7"}, {"int4", "2147483647"}, {"int8", "-9223372036854775808"}, {"float4", "1.5"}, {"float8", "-0.1"},
		{"numeric", "12345678901234567890.0123"}, {"text", "grüße"}, {"varchar(5)", "abc"}, {"char(4)", "ab  "}, {"name", "n"}, {"bytea", `\x00ff10`},
		{"date", "2024-02-29"}, {"time", "23:59:59.123456"}, {"timestamp", "2024-02-29 12:34:56.789"}, {"timestamptz", "2024-02-29 12:34:56+00"},
		{"interval", "1 year 2 mons 3 days 04:05:06"}, {"uuid", "00112233-4455-6677-8899-aabbccddeeff"}, {"oid", "4294967295"},
		{"int4[]", "{1,2,NULL}"}, {"text[]", `{a,"b c",NULL}`},
	} {
		var v any
		if err := c.QueryRow(context.Background(), "select $1::text::"+k.typ, k.text).Scan(&v); err != nil {
			t.Errorf("%s: %v", k.typ, err)
			continue
		}
		var back string
		if err := c.QueryRow(context.Background(), "select ($1::"+k.typ+")::text", v).Scan(&back); err != nil {
			t.Errorf("%s back: %v (%T %v)", k.typ, err, v, v)
			continue
		}
		want := k.text
		if k.typ == "char(4)" {
			want = "ab"
		}
		if back != want {
			t.Errorf("%s: %q came back as %q", k.typ, k.text, back)
		}
	}
}

// TestBatchCopyCancel covers pipelined batches, COPY both ways and cancel requests.
func TestBatchCopyCancel(t *testing.T) {
	ctx := context.Background()
	s := open(t, true)
	c := connect(t, s)
	run(t, c, "create table t(a int primary key, b text)")
	rows := make([][]any, 5000)
	for i := range rows {
		rows[i] = []any{i, fmt.Sprintf("row %d", i)}
	}
	if n, err := c.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"a", "b"}, pgx.CopyFromRows(rows)); err != nil {
		var pe *pgconn.PgError
		if !errors.As(err, &pe) || pe.Code != "0A000" {
			t.Fatalf("COPY in binary: %d, %v", n, err)
		}
		var text strings.Builder
		for _, r := range rows {
			fmt.Fprintf(&text, "%d\t%s\n", r[0], r[1])
		}
		if _, err := c.PgConn().CopyFrom(ctx, strings.NewReader(text.String()), "copy t from stdin"); err != nil {
			t.Fatal(err)
		}
	}
	if n := value[int](t, c, "select count(*) from t"); n != len(rows) {
		t.Errorf("%d rows after COPY", n)
	}
	var out strings.Builder
	if _, err := c.PgConn().CopyTo(ctx, &out, "copy (select * from t where a < 2 order by a) to stdout csv"); err != nil {
		t.Fatal(err)
	}
	if out.String() != "0,row 0\n1,row 1\n" {
		t.Errorf("COPY out gives %q", out.String())
	}
	var b pgx.Batch
	for i := range 100 {
		b.Queue("update t set b = $2 where a = $1", i, "new")
	}
	if err := c.SendBatch(ctx, &b).Close(); err != nil {
		t.Error(err)
	}
	if n := value[int](t, c, "select count(*) from t where b = 'new'"); n != 100 {
		t.Errorf("the batch changed %d rows", n)
	}
	other := connect(t, s)
	pid := c.PgConn().PID()
	done := make(chan error, 1)
	go func() { _, err := c.Exec(ctx, "select pg_sleep(60)"); done <- err }()
	eventually(t, other, "select exists (select 1 from pg_stat_activity where pid = $1 and wait_event = 'PgSleep')", int32(pid))
	if !value[bool](t, other, "select pg_cancel_backend($1)", int32(pid)) {
		t.Error("pg_cancel_backend says no")
	}
	var pe *pgconn.PgError
	if err := <-done; !errors.As(err, &pe) || pe.Code != "57014" {
		t.Errorf("cancelled statement ends with %v", err)
	}
}

// TestLocks: a session waits for another's row; the views show it; a deadlock ends one of two.
func TestLocks(t *testing.T) {
	ctx := context.Background()
	s := open(t, false)
	a, b, look := connect(t, s), connect(t, s), connect(t, s)
	run(t, a, "create table t(a int primary key, v int)")
	run(t, a, "insert into t values (1, 0), (2, 0)")
	run(t, a, "begin")
	run(t, a, "update t set v = 1 where a = 1")
	run(t, b, "begin")
	run(t, b, "update t set v = 2 where a = 2")
	pa, pb := int32(a.PgConn().PID()), int32(b.PgConn().PID())
	done := make(chan error, 1)
	go func() { _, err := b.Exec(ctx, "update t set v = 3 where a = 1"); done <- err }()
	eventually(t, look, "select exists (select 1 from pg_locks where pid = $1 and not granted)", pb)
	if got := value[[]int32](t, look, "select pg_blocking_pids($1)", pb); len(got) != 1 || got[0] != pa {
		t.Errorf("pg_blocking_pids gives %v, want %d", got, pa)
	}
	if got := value[string](t, look, "select wait_event_type from pg_stat_activity where pid = $1", pb); got != "Lock" {
		t.Errorf("wait_event_type is %q", got)
	}
	_, errA := a.Exec(ctx, "update t set v = 4 where a = 2")
	victim, victimErr := "a", errA
	if errA == nil {
		victim, victimErr = "b", <-done
	}
	var pe *pgconn.PgError
	if !errors.As(victimErr, &pe) || pe.Code != "40P01" || pe.Message != "deadlock detected" ||
		!strings.Contains(pe.Detail, "waits for ShareLock on transaction") || !strings.Contains(pe.Detail, "blocked by process") {
		t.Errorf("the deadlock's victim %s gets %v, detail %q", victim, victimErr, pe.Detail)
	}
	run(t, a, "rollback")
	if victim == "a" {
		if err := <-done; err != nil {
			t.Errorf("the survivor fails: %v", err)
		}
	}
	run(t, b, "rollback")
	eventually(t, look, "select count(*) = 0 from pg_locks where pid in ($1, $2)", pa, pb)
}

// TestIsolation: a lost update is a serialization failure in Repeatable Read and a re-check in Read Committed.
func TestIsolation(t *testing.T) {
	ctx := context.Background()
	s := open(t, false)
	a, b := connect(t, s), connect(t, s)
	run(t, a, "create table t(a int primary key, v int)")
	run(t, a, "insert into t values (1, 0)")
	for _, k := range []struct {
		level pgx.TxIsoLevel
		code  string
	}{{pgx.ReadCommitted, ""}, {pgx.RepeatableRead, "40001"}} {
		tx, err := b.BeginTx(ctx, pgx.TxOptions{IsoLevel: k.level})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(ctx, "select v from t"); err != nil {
			t.Fatal(err)
		}
		run(t, a, "update t set v = v + 1 where a = 1")
		_, err = tx.Exec(ctx, "update t set v = v + 10 where a = 1")
		var pe *pgconn.PgError
		code := ""
		if errors.As(err, &pe) {
			code = pe.Code
		}
		if code != k.code {
			t.Errorf("%s: update ends with %v", k.level, err)
		}
		if code == "" {
			if err := tx.Commit(ctx); err != nil {
				t.Error(err)
			}
		} else {
			tx.Rollback(ctx)
		}
	}
	if v := value[int](t, a, "select v from t"); v != 12 {
		t.Errorf("v is %d, want 12", v)
	}
}

// binary builds the server's program once.
func binary(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "gompho")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", bin, "gompho/cmd/gompho").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}
