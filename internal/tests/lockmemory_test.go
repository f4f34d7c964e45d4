package tests

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
)

// lockTable is a server with a small table of locks, and a session that fills it with advisory locks.
type lockTable struct {
	t    *testing.T
	s    *gompho.Server
	fill *pgx.Conn
	look *pgx.Conn // has read the views that it will read, so that it needs no locks in the table
}

func openLockTable(t *testing.T) *lockTable {
	s, err := gompho.Open(context.Background(), gompho.Options{Settings: map[string]string{
		"shared_buffers": "16MB", "max_connections": "10", "max_locks_per_transaction": "10", "max_pred_locks_per_transaction": "10",
		"max_prepared_transactions": "5", "deadlock_timeout": "50ms", "autovacuum": "off"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &lockTable{t: t, s: s, fill: connect(t, s), look: connect(t, s)}
}

// free leaves room for n locks. The other sessions are to hold none, or the same, whenever it is called.
func (l *lockTable) free(n int) {
	l.t.Helper()
	run(l.t, l.fill, "select pg_advisory_unlock_all()")
	full := l.untilFull(l.fill, "select pg_advisory_lock(%d)")
	for i := full - n; i < full; i++ {
		if !value[bool](l.t, l.fill, "select pg_advisory_unlock($1)", i) {
			l.t.Fatalf("lock %d of %d is not there", i, full)
		}
	}
}

// untilFull takes locks, numbered from 0, until there is no room, and returns how many there were.
func (l *lockTable) untilFull(c *pgx.Conn, sql string) int {
	l.t.Helper()
	for i := range 100000 {
		if _, err := c.Exec(context.Background(), fmt.Sprintf(sql, i), pgx.QueryExecModeSimpleProtocol); err != nil {
			l.full(sql, err)
			return i
		}
	}
	l.t.Fatal("the table is never full")
	return 0
}

// full looks whether err is what PostgreSQL says of a full table.
func (l *lockTable) full(what string, err error) {
	l.t.Helper()
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "53200" || pe.Message != "out of shared memory" || pe.Hint != "You might need to increase max_locks_per_transaction." {
		l.t.Fatalf("%s: %v", what, err)
	}
}

// TestLockTableFull: locks beyond the table's size are refused, and nothing of the refused ones stays.
func TestLockTableFull(t *testing.T) {
	ctx := context.Background()
	l := openLockTable(t)
	c := connect(t, l.s)
	run(t, c, "create table t (a int)")

	t.Run("transaction", func(t *testing.T) {
		var first int
		for i := range 3 {
			run(t, c, "begin")
			n := l.untilFull(c, "select pg_advisory_xact_lock(%d)")
			if i == 0 {
				first = n
			} else if n != first {
				t.Errorf("%d locks fit the first time, %d after a rollback", first, n)
			}
			run(t, c, "rollback")
		}
		run(t, c, "begin")
		run(t, c, "savepoint s")
		n := l.untilFull(c, "select pg_advisory_xact_lock(%d)")
		run(t, c, "rollback to s")
		if again := l.untilFull(c, "select pg_advisory_xact_lock(%d)"); again != n {
			t.Errorf("%d locks fit the first time, %d after a rollback to a savepoint", n, again)
		}
		run(t, c, "rollback")
	})
	t.Run("session", func(t *testing.T) {
		n := l.untilFull(c, "select pg_advisory_lock(%d)")
		if held := value[int](t, l.look, "select count(*) from pg_locks where locktype = 'advisory'"); held != n {
			t.Errorf("%d locks are held after %d were taken", held, n)
		}
		run(t, c, "select pg_advisory_unlock_all()")
		if again := l.untilFull(c, "select pg_advisory_lock(%d)"); again != n {
			t.Errorf("%d locks fit the first time, %d later", n, again)
		}
		run(t, c, "discard all")
	})
	t.Run("fast path", func(t *testing.T) {
		a := connect(t, l.s)
		run(t, a, "begin")
		run(t, a, "lock table t in row exclusive mode")
		l.free(0)
		_, err := c.Exec(ctx, "lock table t in access exclusive mode nowait", pgx.QueryExecModeSimpleProtocol)
		if err == nil || !strings.Contains(err.Error(), "25P01") {
			t.Errorf("LOCK TABLE outside a transaction: %v", err)
		}
		run(t, c, "begin")
		_, err = c.Exec(ctx, "lock table t in access exclusive mode")
		l.full("the locks of the fast path that a strong lock moves", err)
		run(t, c, "rollback")
		const fast = "select bool_and(fastpath) from pg_locks where relation = 't'::regclass and mode = 'RowExclusiveLock'"
		if !value[bool](t, l.look, fast) {
			t.Error("the lock was moved though there was no room")
		}
		// The strong lock that came to nothing does not keep others from the fast path.
		run(t, c, "begin")
		run(t, c, "lock table t in row exclusive mode")
		if !value[bool](t, l.look, fast) {
			t.Error("the fast path is closed")
		}
		run(t, c, "rollback")
		l.free(5)
		run(t, c, "begin")
		run(t, c, "set local lock_timeout = 1")
		if _, err = c.Exec(ctx, "lock table t in access exclusive mode"); err == nil || !strings.Contains(err.Error(), "55P03") {
			t.Errorf("with room: %v", err)
		}
		run(t, c, "rollback")
		run(t, a, "commit")
		run(t, a, "begin")
		run(t, a, "lock table t in access exclusive mode nowait")
		run(t, a, "rollback")
		a.Close(ctx)
	})
	t.Run("prepared", func(t *testing.T) {
		l.free(2)
		run(t, c, "begin")
		run(t, c, "insert into t values (1)") // two: the transaction's id is in the table, the relation not yet
		run(t, c, "select pg_advisory_xact_lock(-1)")
		_, err := c.Exec(ctx, "prepare transaction 'p'", pgx.QueryExecModeSimpleProtocol)
		l.full("the locks of a transaction that is prepared", err)
		if n := value[int](t, l.look, "select (select count(*) from pg_prepared_xacts) + (select count(*) from pg_locks where locktype in ('transactionid', 'relation') and relation = 't'::regclass)"); n != 0 {
			t.Errorf("of a transaction that could not be prepared %d things are left", n)
		}
		l.free(3)
		run(t, c, "begin")
		run(t, c, "insert into t values (2)")
		if _, err := c.Exec(ctx, "prepare transaction 'p'", pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		run(t, c, "begin")
		l.untilFull(c, "select pg_advisory_xact_lock(-1 - %d)")
		run(t, c, "rollback")
		if _, err := c.Exec(ctx, "commit prepared 'p'", pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		if got := value[string](t, c, "select string_agg(a::text, ',') from t"); got != "2" {
			t.Errorf("t has %s", got)
		}
	})
	run(t, l.fill, "select pg_advisory_unlock_all()")
	if left := value[int](t, l.look, "select count(*) from pg_locks where pid is distinct from pg_backend_pid()"); left != 0 {
		t.Errorf("%d locks are left", left)
	}
}

// TestLockTableFullAnywhere runs statements with room for 0, 1, 2, ... locks: wherever they fail, nothing of them may stay.
func TestLockTableFullAnywhere(t *testing.T) {
	ctx := context.Background()
	l := openLockTable(t)
	c := connect(t, l.s)
	run(t, c, "create table base (id int primary key, v int unique)")
	run(t, c, "insert into base select i, i from generate_series(1, 10) i")
	run(t, c, "create table part (a int) partition by range (a)")
	for i := range 5 {
		run(t, c, fmt.Sprintf("create table part%d partition of part for values from (%d) to (%d)", i, 10*i, 10*i+10))
	}
	run(t, c, "create view v as select * from base")
	const state = `select (select count(*) from pg_class)::text || ' ' || (select count(*) from pg_attribute) || ' ' || (select count(*) from pg_depend)
		|| ' ' || (select count(*) from pg_constraint) || ' ' || (select string_agg(id || ':' || v, ',' order by id) from base) || ' ' || (select count(*) from part)`
	for _, script := range []string{
		"create table made (id serial primary key, t text unique, r int references base)",
		"create table made as select * from base",
		"drop table base cascade",
		"drop table part",
		"truncate part, base",
		"alter table base add column x serial, add unique (x)",
		"drop view v; alter table base alter v type bigint",
		"create index on part (a)",
		"create index on base (v)",
		"reindex table base",
		"cluster base using base_pkey",
		"insert into base values (11, 11) on conflict do nothing",
		"savepoint s; insert into base values (11, 11); savepoint s2; update base set v = v + 100; release s2; select from base for update",
		"insert into part select i from generate_series(0, 49) i",
		"lock table part, base in exclusive mode",
		"create schema s create table x (a int) create view y as select * from x; drop schema s cascade",
		"comment on table base is 'c'; analyze base, part",
		"alter table part detach partition part3; alter table part attach partition part3 for values from (30) to (40)",
	} {
		before := value[string](t, l.look, state)
		failed, k := 0, 0
		for ; ; k++ {
			if k > 200 {
				t.Fatalf("%s does not succeed with room for %d locks", script, k)
			}
			l.free(k)
			_, err := c.Exec(ctx, "begin; "+script+"; rollback", pgx.QueryExecModeSimpleProtocol)
			if err == nil {
				break
			}
			failed++
			l.full(script, err)
			run(t, c, "rollback")
			if after := value[string](t, l.look, state); after != before {
				t.Fatalf("%s with room for %d locks leaves\n%s, not\n%s", script, k, after, before)
			}
			if n := value[int](t, l.look, "select count(*) from pg_locks where pid = $1", int32(c.PgConn().PID())); n != 0 {
				t.Fatalf("%s with room for %d locks leaves %d locks", script, k, n)
			}
		}
		if failed == 0 {
			t.Errorf("%s needs no locks", script)
		}
		t.Logf("%s: needs room for %d locks", script, k)
	}
	// A transaction goes on after the failure at a savepoint, and its id can be waited for.
	l.free(1)
	run(t, c, "begin")
	run(t, c, "savepoint s")
	_, err := c.Exec(ctx, "insert into base values (12, 12)", pgx.QueryExecModeSimpleProtocol)
	l.full("insert with room for one lock of two", err)
	run(t, c, "rollback to s")
	run(t, l.fill, "select pg_advisory_unlock_all()")
	run(t, c, "update base set v = 200 where id = 1")
	if n := value[int](t, l.look, "select count(*) from pg_locks where pid = $1 and locktype = 'transactionid' and granted", int32(c.PgConn().PID())); n != 2 {
		t.Errorf("the transaction and its subtransaction hold %d locks on their ids", n)
	}
	run(t, c, "commit")
	if v := value[int](t, l.look, "select v from base where id = 1"); v != 200 {
		t.Errorf("v is %d", v)
	}
}

// TestPredicateLocksFull: predicate locks have a table of their own.
func TestPredicateLocksFull(t *testing.T) {
	ctx := context.Background()
	l := openLockTable(t)
	c := connect(t, l.s)
	const tables = 1000
	for i := range tables {
		run(t, c, fmt.Sprintf("create table p%d (a int)", i))
	}
	// A transaction beside it, without which predicate locks would go when the transaction ends.
	other := connect(t, l.s)
	run(t, other, "begin isolation level serializable")
	run(t, other, "insert into p0 values (1)")
	var first int
	for round := range 3 {
		run(t, c, "begin isolation level serializable")
		run(t, c, "insert into p1 values (1)")
		n := 0
		for ; n < tables; n++ {
			if _, err := c.Exec(ctx, fmt.Sprintf("select * from p%d", n), pgx.QueryExecModeSimpleProtocol); err != nil {
				var pe *pgconn.PgError
				if !errors.As(err, &pe) || pe.Code != "53200" || pe.Message != "out of shared memory" || pe.Hint != "You might need to increase max_pred_locks_per_transaction." {
					t.Fatalf("table %d: %v, hint %q", n, err, pe.Hint)
				}
				break
			}
		}
		if n == tables {
			t.Fatal("there is always room")
		}
		run(t, c, "rollback")
		if round == 0 {
			first = n
		} else if n != first {
			t.Errorf("%d predicate locks fit the first time, %d later", first, n)
		}
		if left := value[int](t, l.look, "select count(*) from pg_locks where mode = 'SIReadLock' and pid = $1", int32(c.PgConn().PID())); left != 0 {
			t.Errorf("%d predicate locks are left", left)
		}
	}
	run(t, other, "commit")
}
