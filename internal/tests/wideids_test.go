package tests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"gompho"
	"gompho/internal/ids"
	"gompho/postmaster"
)

// wide is a cluster whose ids are moved on between runs of its server.
type wide struct {
	t   *testing.T
	dir string
	s   *gompho.Server
	c   *pgx.Conn
}

func (w *wide) start() {
	s, err := gompho.Open(context.Background(), gompho.Options{Dir: w.dir, Settings: map[string]string{"shared_buffers": "32MB", "deadlock_timeout": "50ms",
		"max_prepared_transactions": "10", "autovacuum": "off"}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.s, w.c = s, connect(w.t, s)
}

func (w *wide) stop() {
	w.c.Close(context.Background())
	if err := w.s.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *wide) skip(xid, multi uint64) {
	if err := postmaster.SkipIDs(postmaster.SkipOptions{Dir: w.dir, NextXid: ids.Xid(xid), NextMulti: ids.MultiXactID(multi)}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *wide) check() {
	n, err := postmaster.Check(postmaster.CheckOptions{Dir: w.dir}, func(p string) { w.t.Error(p) })
	if n > 0 || err != nil {
		w.t.Fatal(n, err)
	}
}

func (w *wide) holds(what, sql string) {
	w.t.Helper()
	if !value[bool](w.t, w.c, sql) {
		w.t.Errorf("%s: %s is not true", what, sql)
	}
}

// burn uses up ids, one transaction each.
func (w *wide) burn(n int) {
	for range n {
		run(w.t, w.c, "select pg_current_xact_id()")
	}
}

// TestWideIDs: a cluster just below 2^31, 2^32 and 2^40 transactions and multixacts goes on without any special action: data, keys, snapshots,
// prepared and serializable transactions, vacuum; the functions show what PostgreSQL's show; the logs are cut off behind.
func TestWideIDs(t *testing.T) {
	w := &wide{t: t, dir: t.TempDir()}
	w.start()
	for _, q := range []string{
		"create table parent(id int primary key, n int)",
		"create table child(id int primary key, p int references parent)",
		"create table old(a int, b text)",
		"create table hot(id int primary key, n int) with (fillfactor = 50)",
		"insert into parent select g, 0 from generate_series(1, 50) g",
		"insert into child select g, g from generate_series(1, 50) g",
		"insert into hot select g, 0 from generate_series(1, 20) g",
		"begin; insert into old select g, 'aborted' from generate_series(1, 30) g; rollback",
		"insert into old select g, 'kept' from generate_series(1, 30) g",
		"begin; savepoint a; insert into old values (31, 'kept'); release a; savepoint b; delete from old where a = 1; rollback to b; commit",
	} {
		run(t, w.c, q)
	}
	w.stop()
	for i, at := range []uint64{1 << 31, 1 << 32, 1 << 40} {
		w.skip(at-24, at-4)
		w.start()
		w.across(at, i)
		w.stop()
		w.check()
	}
	w.start()
	w.cutLogs()
	w.stop()
	w.check()
}

// across runs on both sides of a border, and looks at everything.
func (w *wide) across(at uint64, round int) {
	t, name := w.t, fmt.Sprintf("around 2^%d", 31+round+round/2*7)
	before := value[int64](t, w.c, "select txid_current()")
	if uint64(before) >= at || uint64(before) < at-64 {
		t.Fatalf("%s: transaction %d", name, before)
	}
	other := connect(t, w.s)
	defer other.Close(context.Background())
	w.holds(name, "select count(*) = 31 and min(b) = 'kept' and max(b) = 'kept' from old")
	run(t, w.c, fmt.Sprintf("create table t%d(a int primary key, b int)", round))
	run(t, w.c, fmt.Sprintf("insert into t%d select g, g from generate_series(1, 100) g", round))

	// A snapshot from this side sees nothing of the other.
	run(t, other, "begin isolation level repeatable read")
	seen := value[int](t, other, "select sum(n)::int from hot")
	run(t, w.c, "begin; insert into parent values ("+fmt.Sprint(1000+round)+", 0); prepare transaction 'p'")
	for value[int64](t, w.c, "select txid_current()") < int64(at) {
		run(t, w.c, "update hot set n = n + 1 where id = 3")
		run(t, w.c, "begin; savepoint a; update hot set n = n - 1 where id = 3; rollback to a; update hot set n = n + 1 where id = 4; commit")
	}
	if got := value[int](t, other, "select sum(n)::int from hot"); got != seen {
		t.Errorf("%s: an old snapshot sees %d, saw %d", name, got, seen)
	}
	run(t, other, "commit")
	run(t, w.c, "commit prepared 'p'")
	w.holds(name, fmt.Sprintf("select exists(select from parent where id = %d)", 1000+round))
	w.locks(name, other)
	w.serializable(name, other)
	w.functions(name, at, before)
	run(t, w.c, fmt.Sprintf("create index on t%d(b)", round))
	run(t, w.c, fmt.Sprintf("update t%d set b = b + 1", round))
	run(t, w.c, fmt.Sprintf("delete from t%d where a %% 2 = 0", round))
	run(t, w.c, "vacuum")
	run(t, w.c, "vacuum (full) hot")
	run(t, w.c, "cluster child using child_pkey")
	w.holds(name, fmt.Sprintf("select count(*) = 50 and sum(b) = 2550 from t%d", round))
	w.holds(name, "select count(*) = 31 and min(b) = 'kept' and max(b) = 'kept' from old")
	w.holds(name, "select count(*) = 50 from child join parent on p = parent.id")
}

// locks makes multixacts on both sides of the border, with foreign keys and updates among row locks.
func (w *wide) locks(name string, other *pgx.Conn) {
	t := w.t
	for i := range 8 {
		run(t, w.c, "begin")
		run(t, other, "begin")
		run(t, w.c, "select from parent where id <= 5 for key share")
		run(t, other, "select from parent where id <= 5 for share")
		run(t, w.c, fmt.Sprintf("update child set p = %d where id = 7", i+1))
		run(t, other, "commit")
		if i%2 == 0 {
			run(t, w.c, "update parent set n = n + 1 where id = 2")
		}
		run(t, w.c, "commit")
	}
	if _, err := w.c.Exec(context.Background(), "delete from parent where id = 8"); err == nil {
		t.Errorf("%s: a row that a foreign key refers to was deleted", name)
	}
	w.holds(name, "select p = 8 from child where id = 7")
}

// serializable makes a write skew, of which one side must fail.
func (w *wide) serializable(name string, other *pgx.Conn) {
	ctx := context.Background()
	for _, c := range []*pgx.Conn{w.c, other} {
		run(w.t, c, "begin isolation level serializable")
		run(w.t, c, "select sum(n) from hot")
	}
	_, e1 := w.c.Exec(ctx, "update hot set n = n + 1 where id = 10")
	_, e2 := other.Exec(ctx, "update hot set n = n + 1 where id = 11")
	_, e3 := w.c.Exec(ctx, "commit")
	_, e4 := other.Exec(ctx, "commit")
	if e1 == nil && e2 == nil && e3 == nil && e4 == nil {
		w.t.Errorf("%s: write skew was not noticed", name)
	}
	for _, c := range []*pgx.Conn{w.c, other} {
		run(w.t, c, "rollback")
	}
}

// functions compares what clients see of ids with what PostgreSQL shows: 64 bits in the functions, the low half in columns and in age.
func (w *wide) functions(name string, at uint64, before int64) {
	t, ctx := w.t, context.Background()
	tx, err := w.c.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	run(t, w.c, "insert into old values (99, 'new')")
	for _, q := range []string{
		fmt.Sprintf("select txid_current() > %d", at),
		"select pg_current_xact_id()::text = txid_current()::text",
		"select pg_current_xact_id()::xid::text::bigint = txid_current() % 4294967296",
		"select xmin::text::bigint = txid_current() % 4294967296 and age(xmin) = 0 from old where a = 99",
		fmt.Sprintf("select age('%d'::xid) > 0", uint32(before)),
		"select txid_status(txid_current()) = 'in progress'",
		fmt.Sprintf("select txid_status(%d) = 'committed'", before),
		"select pg_xact_status((txid_current() - 1)::text::xid8) is not null",
		"select pg_snapshot_xmax(pg_current_snapshot())::text::bigint > txid_current() - 2",
		"select txid_visible_in_snapshot(txid_current() + 10, txid_current_snapshot()) = false",
		fmt.Sprintf("select txid_visible_in_snapshot(%d, txid_current_snapshot())", before),
		"select backend_xid::text::bigint = txid_current() % 4294967296 from pg_stat_activity where pid = pg_backend_pid()",
		"select transactionid::text::bigint = txid_current() % 4294967296 from pg_locks where pid = pg_backend_pid() and locktype = 'transactionid'",
		"select age(datfrozenxid) > 0 from pg_database where datname = current_database()",
	} {
		w.holds(name, q)
	}
}

// cutLogs freezes everything and looks whether what nobody needs any more is gone, though the ids have jumped further than 32 bits reach.
func (w *wide) cutLogs() {
	t, ctx := w.t, context.Background()
	size := func() int {
		files, err := os.ReadDir(filepath.Join(w.dir, "pg_xact"))
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	if n := size(); n < 3 {
		t.Fatalf("%d files of the commit log before", n)
	}
	run(t, w.c, "alter database template0 allow_connections on")
	for range 520 { // one round moves the begin of the log by no more than 2^31
		for _, db := range []string{"postgres", "template1", "template0"} {
			cfg := w.c.Config().Copy()
			cfg.Database = db
			c, err := pgx.ConnectConfig(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			run(t, c, "vacuum (freeze)")
			c.Close(ctx)
		}
		if size() == 1 {
			break
		}
	}
	if n := size(); n != 1 {
		t.Errorf("%d files of the commit log remain", n)
	}
	w.holds("at the end", "select count(*) = 31 and min(b) = 'kept' and max(b) = 'kept' from old")
}
