package postmaster_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho/postmaster"
	"gompho/session"
)

// failure runs a statement that must fail and returns how.
func failure(t *testing.T, c interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}, sql string) *pgconn.PgError {
	t.Helper()
	_, err := c.Exec(context.Background(), sql)
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		t.Fatalf("%s: %v", sql, err)
	}
	return pe
}

// TestPreparedDisabled: by default there are no prepared transactions.
func TestPreparedDisabled(t *testing.T) {
	pm, _ := start(t, postmaster.Options{})
	c := connect(t, pm)
	run(t, c, "begin")
	e := failure(t, c, "prepare transaction 'g'")
	if e.Code != "55000" || e.Message != "prepared transactions are disabled" || e.Hint != "Set max_prepared_transactions to a nonzero value." {
		t.Errorf("%+v", e)
	}
	if n := value[int](t, c, "select count(*) from pg_prepared_xacts"); n != 0 {
		t.Errorf("%d rows", n)
	}
}

// TestPreparedCrashCycle: prepared transactions, one of before a checkpoint and one of after it, outlive a crash of the server in its process: with their
// locks, their reads of serializable transactions, and their databases' right to stay.
func TestPreparedCrashCycle(t *testing.T) {
	o := withTrap(func(s *session.Session, sql string) {
		if strings.Contains(sql, "damage") {
			pinned(s)
			panic("damage")
		}
	})
	o.Settings = []string{"max_prepared_transactions=3"}
	pm, _ := start(t, o)
	c := connect(t, pm)
	run(t, c, "create table t(a int primary key, b int)")
	run(t, c, "insert into t values (1, 0), (2, 0)")
	run(t, c, "begin")
	run(t, c, "create table made(a int)")
	run(t, c, "insert into made values (1)")
	run(t, c, "update t set b = 1 where a = 1")
	run(t, c, "prepare transaction 'before'")
	run(t, c, "checkpoint")
	run(t, c, "begin isolation level serializable")
	if n := value[int](t, c, "select sum(b) from t"); n != 0 {
		t.Errorf("the sum is %d", n)
	}
	run(t, c, "insert into t values (3, 3)")
	run(t, c, "prepare transaction 'after'")
	run(t, c, "begin")
	run(t, c, "insert into t values (99, 99)")
	c.Exec(context.Background(), "select 'damage'")
	c = reconnect(t, pm)
	if got := value[string](t, c, "select string_agg(gid, ' ' order by gid) from pg_prepared_xacts"); got != "after before" {
		t.Errorf("prepared: %s", got)
	}
	if n := value[int](t, c, "select count(distinct virtualtransaction) from pg_locks where pid is null and virtualtransaction like '-1/%' and relation = 't'::regclass"); n != 2 {
		t.Errorf("%d transactions hold locks on the table", n)
	}
	if n := value[int](t, c, "select count(*) from pg_locks where mode = 'SIReadLock' and pid is null"); n == 0 {
		t.Error("no predicate locks")
	}
	run(t, c, "set lock_timeout = 10")
	if e := failure(t, c, "update t set b = 5 where a = 1"); e.Code != "55P03" {
		t.Errorf("%+v", e)
	}
	if e := failure(t, c, "create index on t (b)"); e.Code != "55P03" {
		t.Errorf("%+v", e)
	}
	run(t, c, "commit prepared 'before'")
	run(t, c, "rollback prepared 'after'")
	run(t, c, "update t set b = b + 1 where a = 1")
	if got := value[string](t, c, "select string_agg(a || ':' || b, ' ' order by a) from t"); got != "1:2 2:0" {
		t.Errorf("the table has %s", got)
	}
	if n := value[int](t, c, "select count(*) from made"); n != 1 {
		t.Errorf("%d rows in the table that was made", n)
	}
	if n := value[int](t, c, "select count(*) from pg_locks where pid is null"); n != 0 {
		t.Errorf("%d locks are left", n)
	}
}

func inDatabase(t *testing.T, pm *postmaster.Postmaster, database string) *pgx.Conn {
	t.Helper()
	cfg := connect(t, pm).Config()
	cfg.Database = database
	c, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPreparedKeepDatabase: a database with prepared transactions is not dropped, with force or without, nor can others finish them from elsewhere.
func TestPreparedKeepDatabase(t *testing.T) {
	pm, _ := start(t, postmaster.Options{Settings: []string{"max_prepared_transactions=3"}})
	c := connect(t, pm)
	run(t, c, "create database d")
	d := inDatabase(t, pm, "d")
	run(t, d, "create table t(a int)")
	run(t, d, "begin")
	run(t, d, "insert into t values (1)")
	run(t, d, "prepare transaction 'g'")
	d.Close(context.Background())
	eventually(t, c, "select count(*) = 0 from pg_stat_activity where datname = 'd'")
	const detail = "There is 1 prepared transaction using the database."
	if e := failure(t, c, "drop database d"); e.Code != "55006" || e.Message != `database "d" is being accessed by other users` || e.Detail != detail {
		t.Errorf("%+v", e)
	}
	if e := failure(t, c, "drop database d with (force)"); e.Code != "55006" || e.Message != `database "d" is being used by prepared transactions` || e.Detail != detail {
		t.Errorf("%+v", e)
	}
	if e := failure(t, c, "commit prepared 'g'"); e.Code != "0A000" || e.Message != "prepared transaction belongs to another database" ||
		e.Hint != "Connect to the database where the transaction was prepared to finish it." {
		t.Errorf("%+v", e)
	}
	d = inDatabase(t, pm, "d")
	run(t, d, "rollback prepared 'g'")
	d.Close(context.Background())
	eventually(t, c, "select count(*) = 0 from pg_stat_activity where datname = 'd'")
	run(t, c, "drop database d")
}
