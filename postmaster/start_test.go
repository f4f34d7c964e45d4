package postmaster_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"gompho/logger"
	"gompho/postmaster"
)

// template is a cluster that each test starts with a copy of.
var template string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gompho-test-")
	if err != nil {
		panic(err)
	}
	template = filepath.Join(dir, "data")
	if err := postmaster.Init(template, postmaster.InitOptions{}); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		os.RemoveAll(dir)
		os.Exit(status)
	}))
}

// lines is a log that can be waited for.
type lines struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	more chan struct{} // closed, and replaced, at each line
}

func newLines() *lines { return &lines{more: make(chan struct{})} }

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.more)
	l.more = make(chan struct{})
	return l.buf.Write(b)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// await waits until the log has a text.
func (l *lines) await(t *testing.T, want string) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		found, more := strings.Contains(l.buf.String(), want), l.more
		l.mu.Unlock()
		if found {
			return
		}
		select {
		case <-more:
		case <-limit:
			t.Fatalf("the log does not say %q:\n%s", want, l.text())
		}
	}
}

// inOrder checks that the log has all texts, in this order.
func (l *lines) inOrder(t *testing.T, want ...string) {
	t.Helper()
	text := l.text()
	at := 0
	for _, w := range want {
		i := strings.Index(text[at:], w)
		if i < 0 {
			t.Fatalf("the log does not say %q where it should:\n%s", w, text)
		}
		at += i + len(w)
	}
}

// start runs a server; the log's prefix is the type of the process.
func start(t *testing.T, o postmaster.Options) (*postmaster.Postmaster, *lines) {
	t.Helper()
	log := newLines()
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "data")
		if err := os.CopyFS(o.Dir, os.DirFS(template)); err != nil {
			t.Fatal(err)
		}
	}
	o.Settings = append([]string{"shared_buffers=16MB", "fsync=off", "log_line_prefix=%b ", "listen_addresses=127.0.0.1", "unix_socket_directories="}, o.Settings...)
	o.AnyPort, o.Log = true, logger.ForServer(log)
	pm, err := postmaster.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pm.Stop(context.Background(), postmaster.Fast) })
	return pm, log
}

func dial(pm *postmaster.Postmaster, user string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=postgres sslmode=disable", pm.Port(), user))
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(context.Background(), cfg)
}

func connect(t *testing.T, pm *postmaster.Postmaster) *pgx.Conn {
	t.Helper()
	c, err := dial(pm, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func run(t *testing.T, c *pgx.Conn, sql string) {
	t.Helper()
	if _, err := c.Exec(context.Background(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func value[T any](t *testing.T, c *pgx.Conn, sql string) (v T) {
	t.Helper()
	if err := c.QueryRow(context.Background(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// eventually asks until the answer is true.
func eventually(t *testing.T, c *pgx.Conn, sql string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if value[bool](t, c, sql) {
			return
		}
	}
	t.Fatalf("never came true: %s", sql)
}

// code returns the SQLSTATE of an error, "" when there is none and the error itself when it has none.
func code(err error) string {
	var e *pgconn.PgError
	if err == nil {
		return ""
	}
	if errors.As(err, &e) {
		return e.Code
	}
	return err.Error()
}

// TestStart: what starts, in which order, and what each calls itself.
func TestStart(t *testing.T) {
	pm, log := start(t, postmaster.Options{})
	log.inOrder(t, "postmaster LOG:  starting gompho", "startup LOG:  database system was shut down at", "postmaster LOG:  listening on IPv4 address \"127.0.0.1\"",
		"postmaster LOG:  database system is ready to accept connections")
	info, err := postmaster.ReadPidFile(pm.Dir())
	if err != nil || info.PID != os.Getpid() || info.Port != pm.Port() || info.Status != "ready" || info.Dir != pm.Dir() {
		t.Errorf("postmaster.pid: %+v, %v", info, err)
	}
	c := connect(t, pm)
	rows, err := c.Query(context.Background(), "select backend_type from pg_stat_activity")
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"background writer", "checkpointer", "client backend", "walwriter"} {
		if !slices.Contains(kinds, k) {
			t.Errorf("no %s among %v", k, kinds)
		}
	}
	if slices.Contains(kinds, "startup") {
		t.Error("the startup process is still listed")
	}
	if _, err := postmaster.Start(postmaster.Options{Dir: pm.Dir(), NoListen: true}); err == nil || !strings.Contains(err.Error(), `lock file "postmaster.pid" already exists`) {
		t.Errorf("a second server in the directory: %v", err)
	}
	c.Close(context.Background())
	if err := pm.Stop(context.Background(), postmaster.Fast); err != nil {
		t.Fatal(err)
	}
	log.inOrder(t, "received fast shutdown request", "aborting any active transactions", "checkpointer LOG:  shutting down",
		"checkpointer LOG:  checkpoint starting: shutdown immediate", "checkpointer LOG:  checkpoint complete: wrote", "database system is shut down")
	if _, err := os.Stat(filepath.Join(pm.Dir(), postmaster.PidFileName)); !os.IsNotExist(err) {
		t.Errorf("postmaster.pid is still there: %v", err)
	}
	if err := pm.Stop(context.Background(), postmaster.Fast); err != nil {
		t.Error("a second stop:", err)
	}
}

// TestSmart: a smart shutdown waits for the sessions and takes no new ones.
func TestSmart(t *testing.T) {
	pm, log := start(t, postmaster.Options{})
	c := connect(t, pm)
	run(t, c, "create table t(a int)")
	stopped := make(chan error, 1)
	go func() { stopped <- pm.Stop(context.Background(), postmaster.Smart) }()
	log.await(t, "received smart shutdown request")
	run(t, c, "insert into t values (1)")
	if nc, err := pm.Dial(); err == nil {
		nc.Close()
		t.Error("a new connection during a smart shutdown")
	}
	select {
	case err := <-stopped:
		t.Fatal("it did not wait for the session", err)
	default:
	}
	c.Close(context.Background())
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	again, log := start(t, postmaster.Options{Dir: pm.Dir()})
	log.inOrder(t, "database system was shut down at")
	if n := value[int](t, connect(t, again), "select count(*) from t"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// TestSmartThenFast: a fast shutdown ends the sessions that a smart one waits for.
func TestSmartThenFast(t *testing.T) {
	pm, log := start(t, postmaster.Options{})
	c := connect(t, pm)
	done := make(chan error, 2)
	go func() { done <- pm.Stop(context.Background(), postmaster.Smart) }()
	log.await(t, "received smart shutdown request")
	go func() { done <- pm.Stop(context.Background(), postmaster.Fast) }()
	<-pm.Done()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := c.Ping(context.Background()); err == nil {
		t.Error("the session lives on")
	}
}

// TestFast: sessions are told; what had not committed is undone, what had is there.
func TestFast(t *testing.T) {
	pm, _ := start(t, postmaster.Options{})
	a, b := connect(t, pm), connect(t, pm)
	run(t, a, "create table t(a int)")
	run(t, a, "insert into t values (1)")
	run(t, a, "begin")
	run(t, a, "insert into t values (2)")
	asleep := make(chan error, 1)
	go func() {
		_, err := b.Exec(context.Background(), "select pg_sleep(100)")
		asleep <- err
	}()
	eventually(t, a, "select count(*) = 1 from pg_stat_activity where wait_event = 'PgSleep'")
	if err := pm.Stop(context.Background(), postmaster.Fast); err != nil {
		t.Fatal(err)
	}
	if got := code(<-asleep); got != "57P01" {
		t.Errorf("the sleeping session gets %s", got)
	}
	_, err := a.Exec(context.Background(), "select 1")
	if got := code(err); err == nil || len(got) == 5 && got != "57P01" {
		t.Errorf("the idle session gets %s", got)
	}
	again, log := start(t, postmaster.Options{Dir: pm.Dir()})
	log.inOrder(t, "database system was shut down at")
	if n := value[int](t, connect(t, again), "select count(*) from t"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// TestImmediate: nothing is written; the next start recovers.
func TestImmediate(t *testing.T) {
	pm, _ := start(t, postmaster.Options{})
	a := connect(t, pm)
	run(t, a, "create table t(a int)")
	run(t, a, "insert into t values (1)")
	run(t, a, "begin")
	run(t, a, "insert into t values (2)")
	run(t, a, "create temp table temporary(a int)")
	if err := pm.Stop(context.Background(), postmaster.Immediate); err != nil {
		t.Fatal(err)
	}
	again, log := start(t, postmaster.Options{Dir: pm.Dir()})
	log.inOrder(t, "startup LOG:  database system was interrupted; last known up at", "startup LOG:  database system was not properly shut down; automatic recovery in progress",
		"startup LOG:  redo starts at", "startup LOG:  redo done at", "startup LOG:  checkpoint starting: end-of-recovery immediate wait",
		"startup LOG:  checkpoint complete", "ready to accept connections")
	if n := value[int](t, connect(t, again), "select count(*) from t"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// TestAbandonedFiles: after a crash nothing is left of temporary relations, nor of relations that a transaction made which never ended.
func TestAbandonedFiles(t *testing.T) {
	pm, _ := start(t, postmaster.Options{})
	a, b := connect(t, pm), connect(t, pm)
	run(t, a, "create temp table temp1 as select g from generate_series(1, 1000) g")
	files := []string{value[string](t, a, "select pg_relation_filepath('temp1')")}
	run(t, a, "begin")
	run(t, a, "create table plain1(a int primary key)")
	run(t, a, "create temp table temp2(a text)")
	run(t, a, "insert into plain1 select generate_series(1, 100)")
	for _, name := range []string{"plain1", "plain1_pkey", "temp2"} {
		files = append(files, value[string](t, a, "select pg_relation_filepath('"+name+"')"))
	}
	run(t, b, "create table kept(a int)") // its commit makes the log durable up to here
	files = append(files, value[string](t, b, "select pg_relation_filepath('kept')"))
	for _, f := range files {
		if _, err := os.Stat(filepath.Join(pm.Dir(), f)); err != nil {
			t.Fatal(err)
		}
	}
	pm.Stop(context.Background(), postmaster.Immediate)
	again, _ := start(t, postmaster.Options{Dir: pm.Dir()})
	for i, f := range files {
		st, err := os.Stat(filepath.Join(again.Dir(), f))
		if last := i == len(files)-1; last != (err == nil) && (last || st.Size() > 0) {
			t.Errorf("%s: %v", f, err)
		}
	}
	if n := value[int](t, connect(t, again), "select count(*) from pg_class where relpersistence = 't'"); n != 0 {
		t.Errorf("%d temporary relations in pg_class", n)
	}
}

// TestTempEnd: a session's temporary relations go with it.
func TestTempEnd(t *testing.T) {
	pm, _ := start(t, postmaster.Options{})
	a, b := connect(t, pm), connect(t, pm)
	run(t, a, "create temp table temp1 as select g from generate_series(1, 1000) g")
	path := filepath.Join(pm.Dir(), value[string](t, a, "select pg_relation_filepath('temp1')"))
	run(t, a, "begin")
	run(t, a, "create temp table temp2 (a text)")
	a.Close(context.Background())
	eventually(t, b, "select count(*) = 1 from pg_stat_activity where backend_type = 'client backend'") // its files go after its rows
	eventually(t, b, "select count(*) = 0 from pg_class where relpersistence = 't'")
	if st, err := os.Stat(path); err == nil && st.Size() > 0 {
		t.Error("the file is still there")
	}
	run(t, b, "create temp table temp1(a int)")
	if _, err := b.Exec(context.Background(), "select pg_terminate_backend(pg_backend_pid())"); code(err) != "57P01" {
		t.Error(err)
	}
	eventually(t, connect(t, pm), "select count(*) = 0 from pg_class where relpersistence = 't'")
}

// raw opens a plain TCP connection.
func raw(t *testing.T, pm *postmaster.Postmaster) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", pm.Port()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc
}

func packet(code uint32, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)+8))
	return append(binary.BigEndian.AppendUint32(b, code), body...)
}

const (
	version3  = 3 << 16
	cancelReq = 1234<<16 | 5678
	sslReq    = 1234<<16 | 5679
	gssReq    = 1234<<16 | 5680
)

// TestStartupPackets: whatever comes first on a connection, the server answers as PostgreSQL does and goes on.
func TestStartupPackets(t *testing.T) {
	pm, _ := start(t, postmaster.Options{})
	for _, c := range []struct {
		name string
		send []byte
		want string // what the answer contains; empty: the connection is closed without a word
	}{
		{"length too small", []byte{0, 0, 0, 7, 0, 3, 0}, "invalid length of startup packet"},
		{"length too large", []byte{0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0}, "invalid length of startup packet"},
		{"text", []byte("GET / HTTP/1.0\r\n\r\n"), "invalid length of startup packet"},
		{"version 2", packet(2<<16, ""), "unsupported frontend protocol 2.0: server supports 3.0 to 3.0"},
		{"version 4", packet(4<<16, "user\x00postgres\x00\x00"), "unsupported frontend protocol 4.0: server supports 3.0 to 3.0"},
		{"no terminator", packet(version3, "user\x00postgres"), "invalid startup packet layout: expected terminator as last byte"},
		{"bytes after the terminator", packet(version3, "user\x00postgres\x00\x00x"), "invalid startup packet layout: expected terminator as last byte"},
		{"no user", packet(version3, "database\x00postgres\x00\x00"), "no PostgreSQL user name specified in startup packet"},
		{"no such role", packet(version3, "user\x00nobody\x00\x00"), `role "nobody" does not exist`},
		{"no such database", packet(version3, "user\x00postgres\x00database\x00nothing\x00\x00"), `database "nothing" does not exist`},
		{"unknown setting", packet(version3, "user\x00postgres\x00nosuch\x001\x00\x00"), `unrecognized configuration parameter "nosuch"`},
		{"setting of another context", packet(version3, "user\x00postgres\x00shared_buffers\x001\x00\x00"), `parameter "shared_buffers" cannot be changed without restarting the server`},
		{"cancel that is too short", packet(cancelReq, "abc"), ""},
		{"cancel of nobody", packet(cancelReq, "\x00\x00\x00\x01\x00\x00\x00\x02"), ""},
	} {
		nc := raw(t, pm)
		nc.Write(c.send)
		got, _ := io.ReadAll(nc)
		if c.want == "" && len(got) > 0 || !strings.Contains(string(got), c.want) {
			t.Errorf("%s: answer %q, want %q", c.name, got, c.want)
		}
		nc.Close()
	}
	// Encryption is declined, once each, and the start-up goes on in plain text.
	nc := raw(t, pm)
	one := make([]byte, 1)
	for _, code := range []uint32{gssReq, sslReq} {
		nc.Write(packet(code, ""))
		if _, err := io.ReadFull(nc, one); err != nil || one[0] != 'N' {
			t.Fatalf("answer to %d: %q, %v", code&0xffff, one, err)
		}
	}
	nc.Write(packet(version3, "user\x00postgres\x00\x00"))
	if _, err := io.ReadFull(nc, one); err != nil || one[0] != 'R' {
		t.Errorf("after the requests: %q, %v", one, err)
	}
	// A newer minor version is negotiated down.
	nc = raw(t, pm)
	nc.Write(packet(version3|2, "user\x00postgres\x00_pq_.shiny\x001\x00\x00"))
	head := make([]byte, 13)
	if _, err := io.ReadFull(nc, head); err != nil || head[0] != 'v' || binary.BigEndian.Uint32(head[5:]) != 3<<16 || binary.BigEndian.Uint32(head[9:]) != 1 {
		t.Errorf("negotiation: %x, %v", head, err)
	}
	run(t, connect(t, pm), "select 1")
}

// TestHalfOpen: a client that says nothing, or half of it, is cut off after authentication_timeout.
func TestHalfOpen(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for seconds")
	}
	pm, _ := start(t, postmaster.Options{Settings: []string{"authentication_timeout=1"}})
	for _, half := range [][]byte{nil, {0, 0}, packet(version3, "user\x00postgres\x00\x00")[:12]} {
		nc := raw(t, pm)
		nc.Write(half)
		if got, err := io.ReadAll(nc); err != nil || len(got) > 0 {
			t.Errorf("half a packet: %q, %v", got, err)
		}
	}
	run(t, connect(t, pm), "select 1")
}

// TestCancelKey: a request with the wrong key does nothing, one with the right key ends the statement.
func TestCancelKey(t *testing.T) {
	pm, _ := start(t, postmaster.Options{})
	c, watch := connect(t, pm), connect(t, pm)
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(context.Background(), "select pg_sleep(100)")
		done <- err
	}()
	eventually(t, watch, "select count(*) = 1 from pg_stat_activity where wait_event = 'PgSleep'")
	request := func(secret uint32) {
		nc := raw(t, pm)
		body := binary.BigEndian.AppendUint32(nil, c.PgConn().PID())
		nc.Write(packet(cancelReq, string(binary.BigEndian.AppendUint32(body, secret))))
		io.ReadAll(nc) // closed when the request was seen to
	}
	request(binary.BigEndian.Uint32(c.PgConn().SecretKey()) + 1)
	if value[int](t, watch, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") != 1 {
		t.Error("the wrong key ended the statement")
	}
	request(binary.BigEndian.Uint32(c.PgConn().SecretKey()))
	if got := code(<-done); got != "57014" {
		t.Errorf("the cancelled statement gets %s", got)
	}
	run(t, c, "select 1")
}

// TestTooMany: the slots for all, those for superusers, and the limits of database and role.
func TestTooMany(t *testing.T) {
	pm, log := start(t, postmaster.Options{Settings: []string{"max_connections=5", "superuser_reserved_connections=2"}})
	c := connect(t, pm)
	run(t, c, "create role plain login")
	run(t, c, "create role one login connection limit 1")
	run(t, c, "create role locked nologin")
	want := func(user, sqlstate, msg string) *pgx.Conn {
		t.Helper()
		nc, err := dial(pm, user)
		if nc != nil {
			t.Cleanup(func() { nc.Close(context.Background()) })
		}
		if code(err) != sqlstate || err != nil && !strings.Contains(err.Error(), msg) {
			t.Errorf("user %s: %v", user, err)
		}
		return nc
	}
	left := func(n int) {
		eventually(t, c, fmt.Sprintf("select count(*) = %d from pg_stat_activity where backend_type = 'client backend'", n))
	}
	first := want("one", "", "")
	want("one", "53300", `too many connections for role "one"`)
	want("locked", "28000", `role "locked" is not permitted to log in`)
	first.Close(context.Background())
	left(1)
	a, b := want("plain", "", ""), want("plain", "", "")
	want("plain", "53300", "remaining connection slots are reserved for non-replication superuser connections")
	left(3)
	s1, s2 := want("postgres", "", ""), want("postgres", "", "")
	want("postgres", "53300", "sorry, too many clients already")
	log.await(t, "FATAL:  sorry, too many clients already")
	for _, x := range []*pgx.Conn{a, b, s1, s2} {
		x.Close(context.Background())
	}
	left(1)
	run(t, c, "create database small connection limit 0")
	run(t, c, "revoke connect on database small from public")
	cfg, _ := pgx.ParseConfig(fmt.Sprintf("host=127.0.0.1 port=%d user=plain dbname=small sslmode=disable", pm.Port()))
	if _, err := pgx.ConnectConfig(context.Background(), cfg); code(err) != "42501" {
		t.Errorf("without CONNECT: %v", err)
	}
	run(t, c, "grant connect on database small to public")
	if _, err := pgx.ConnectConfig(context.Background(), cfg); code(err) != "53300" {
		t.Errorf("limit of the database: %v", err)
	}
}

// TestReload: changed settings reach running sessions, those that SET has changed stay.
func TestReload(t *testing.T) {
	pm, log := start(t, postmaster.Options{})
	a, b := connect(t, pm), connect(t, pm)
	run(t, b, "set work_mem = '7MB'")
	conf := filepath.Join(pm.Dir(), "postgresql.conf")
	old, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	write := func(s string) {
		if err := os.WriteFile(conf, append(slices.Clone(old), s...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("work_mem = 9MB\nlog_statement = all\nmax_connections = 77\n")
	run(t, a, "select pg_reload_conf()")
	log.inOrder(t, "received SIGHUP, reloading configuration files", `parameter "max_connections" cannot be changed without restarting the server`, "unaffected changes were applied")
	if got := value[string](t, a, "show work_mem"); got != "9MB" {
		t.Errorf("work_mem = %s", got)
	}
	if got := value[string](t, b, "show work_mem"); got != "7MB" {
		t.Errorf("work_mem of the session that has set it = %s", got)
	}
	if !value[bool](t, a, "select pending_restart from pg_settings where name = 'max_connections'") {
		t.Error("max_connections does not wait for a restart")
	}
	run(t, a, "select 'seen in the log'")
	log.await(t, "select 'seen in the log'")
	write("work_mem = 10MB\nnosuch = 1\n")
	pm.Reload()
	log.inOrder(t, `unrecognized configuration parameter "nosuch" in file "`+conf+`" line`, "no changes were applied")
	if got := value[string](t, a, "show work_mem"); got != "9MB" {
		t.Errorf("work_mem = %s after a broken file", got)
	}
	write("")
	pm.Reload()
	log.await(t, `parameter "work_mem" removed from configuration file, reset to default`)
}
