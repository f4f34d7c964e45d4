package tests

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestExplainLocksRefused: what cannot be told is an error, of which the session recovers.
func TestExplainLocksRefused(t *testing.T) {
	s := open(t, false)
	c := connect(t, s)
	for _, sql := range []string{"create table t(id int primary key)", "create role guest login", "grant select on t to guest"} {
		run(t, c, sql)
	}
	code := func(c *pgx.Conn, sql, want string) {
		t.Helper()
		_, err := c.Exec(context.Background(), sql)
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != want {
			t.Errorf("%s: %v, want %s", sql, err, want)
		}
	}
	code(c, "explain (locks, analyze) select 1", "22023")
	code(c, "explain (locks, format xml) select 1", "0A000")
	code(c, "explain (locks) set work_mem = '1MB'", "0A000")
	code(c, "explain (locks) explain select 1", "0A000")
	code(c, "explain (locks) begin", "0A000")
	code(c, "explain create table n(a int)", "42601")
	code(c, "explain (locks) alter table nothing add a int", "42P01")
	code(c, "explain (locks) insert into t values (1), ('x')", "22P02")
	run(t, c, "begin read only")
	code(c, "explain (locks) alter table t add a int", "25006")
	run(t, c, "rollback")
	guest := connectAs(t, s, "guest")
	code(guest, "explain (locks) alter table t add a int", "42501")
	code(guest, "explain (locks) delete from t", "42501")
	run(t, guest, "explain (locks) select * from t")

	// Another transaction has the row of the table in pg_class, but no lock on the table.
	other := connect(t, s)
	run(t, other, "begin")
	run(t, other, "grant delete on t to guest")
	code(c, "explain (locks) alter table t rename to u", "55P03")
	run(t, c, "explain (locks) delete from t")
	run(t, other, "rollback")
	run(t, c, "explain (locks) alter table t rename to u")

	// With the table itself locked it waits, as a statement does that looks at the table.
	run(t, other, "begin")
	run(t, other, "lock table t")
	run(t, c, "set lock_timeout = 10")
	code(c, "explain (locks) alter table t rename to u", "55P03")
	run(t, other, "rollback")
	if n := value[int](t, c, "select count(*) from pg_locks where relation = 't'::regclass"); n != 0 {
		t.Errorf("%d locks are left", n)
	}
}

// TestExplainLocksProtocol: parameters, prepared statements, and a place within a transaction.
func TestExplainLocksProtocol(t *testing.T) {
	s := open(t, false)
	c := connect(t, s)
	for _, sql := range []string{"create table p(k int) partition by list (k)", "create table p1 partition of p for values in (1)",
		"create table p2 partition of p for values in (2)"} {
		run(t, c, sql)
	}
	told := func(sql string, args ...any) string {
		t.Helper()
		rows, err := c.Query(context.Background(), sql, args...)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		var out []string
		for _, l := range lines {
			if i := strings.Index(l, "->  "); i >= 0 {
				out = append(out, l[i+4:])
			}
		}
		return strings.Join(out, "; ")
	}
	equal := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	const both = "AccessShareLock on table public.p; AccessShareLock on table public.p2"
	equal(told("explain (locks) select * from p where k = $1", 2), both)
	run(t, c, "prepare q as select * from p where k = $1")
	equal(told("explain (locks) execute q(2)"), both)

	run(t, c, "begin")
	run(t, c, "create table n(id int primary key)")
	run(t, c, "insert into n values (1), (2)")
	equal(told("explain (locks) truncate n"), "AccessExclusiveLock, ShareLock on table public.n; ExclusiveLock on the transaction's own id; AccessExclusiveLock on index public.n_pkey")
	run(t, c, "savepoint s")
	equal(told("explain (locks) alter table n add column x int default 3"), "AccessExclusiveLock on table public.n; ExclusiveLock on the transaction's own id")
	run(t, c, "release s")
	if n := value[int](t, c, "select sum(id) from n"); n != 3 {
		t.Errorf("the rows of the transaction add up to %d", n)
	}
	run(t, c, "commit")
	if n := value[int](t, c, "select sum(id) from n"); n != 3 {
		t.Errorf("the rows add up to %d", n)
	}
}
