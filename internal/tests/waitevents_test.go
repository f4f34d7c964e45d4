package tests

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"gompho"
)

// waitServer is a server for tests of what waiting sessions show.
func waitServer(t *testing.T) *gompho.Server {
	s, err := gompho.Open(context.Background(), gompho.Options{Listen: true, Settings: map[string]string{
		"shared_buffers": "16MB", "deadlock_timeout": "50ms", "autovacuum_naptime": "60s", "max_prepared_transactions": "2"}})
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

// async runs sql and sends its error.
func async(c *pgx.Conn, sql string) chan error {
	done := make(chan error, 1)
	go func() { _, err := c.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); done <- err }()
	return done
}

// TestWaitEvents lets sessions wait for things and reads in pg_stat_activity what for.
func TestWaitEvents(t *testing.T) {
	s := waitServer(t)
	a, b, c, look := connect(t, s), connect(t, s), connect(t, s), connect(t, s)
	shows := func(x *pgx.Conn, class, event string) {
		t.Helper()
		eventually(t, look, "select exists (select 1 from pg_stat_activity where pid = $1 and wait_event_type = $2 and wait_event = $3)", int32(x.PgConn().PID()), class, event)
	}
	run(t, a, "create table t (a int primary key, v int)")
	run(t, a, "insert into t select i, 0 from generate_series(1, 1000) i")
	for _, k := range []struct {
		event     string
		hold      string // a, in a transaction
		meanwhile string // b waits for a's, and c for b
		wait      string
	}{
		{"relation", "lock table t", "", "select * from t"},
		{"transactionid", "update t set v = 1 where a = 1", "", "update t set v = 2 where a = 1"},
		{"tuple", "update t set v = 1 where a = 1", "update t set v = 2 where a = 1", "update t set v = 3 where a = 1"},
		{"advisory", "select pg_advisory_xact_lock(1)", "", "select pg_advisory_xact_lock(1)"},
		{"transactionid", "insert into t values (5000, 0)", "", "insert into t values (5000, 0) on conflict do nothing"},
	} {
		run(t, a, "begin")
		run(t, a, k.hold)
		var between chan error
		if k.meanwhile != "" {
			between = async(b, k.meanwhile)
			shows(b, "Lock", "transactionid")
		}
		waiter := async(c, k.wait)
		shows(c, "Lock", k.event)
		run(t, a, "rollback")
		if between != nil {
			if err := <-between; err != nil {
				t.Errorf("%s: %v", k.meanwhile, err)
			}
		}
		if err := <-waiter; err != nil {
			t.Errorf("%s: %v", k.wait, err)
		}
		shows(c, "Client", "ClientRead")
	}

	run(t, look, "create schema s")
	run(t, a, "begin")
	run(t, a, "create table s.t (a int)")
	waiter := async(c, "drop schema s cascade")
	shows(c, "Lock", "object")
	run(t, a, "commit")
	if err := <-waiter; err != nil {
		t.Error(err)
	}

	run(t, a, "begin isolation level repeatable read")
	run(t, a, "select count(*) from t")
	waiter = async(c, "create index concurrently on t (v)")
	shows(c, "Lock", "virtualxid")
	run(t, a, "commit")
	if err := <-waiter; err != nil {
		t.Error(err)
	}

	// b's row is inserted only speculatively as long as it waits for a's in the other index.
	run(t, look, "create table two (a int unique, b int unique)")
	run(t, a, "begin")
	run(t, a, "insert into two values (100, 1)")
	speculative := async(b, "insert into two values (1, 1) on conflict (a) do nothing")
	shows(b, "Lock", "transactionid")
	waiter = async(c, "insert into two values (1, 2) on conflict (a) do nothing")
	shows(c, "Lock", "spectoken")
	run(t, a, "rollback")
	for _, end := range []chan error{speculative, waiter} {
		if err := <-end; err != nil {
			t.Error(err)
		}
	}
	if got := value[string](t, look, "select string_agg(a || ' ' || b, ', ') from two"); got != "1 1" {
		t.Errorf("the table has %s", got)
	}

	sleep := async(c, "select pg_sleep(100)")
	shows(c, "Timeout", "PgSleep")
	run(t, look, "select pg_cancel_backend($1)", int32(c.PgConn().PID()))
	<-sleep

	run(t, b, "set vacuum_cost_delay = 100")
	run(t, b, "set vacuum_cost_limit = 1")
	vacuum := async(b, "vacuum t")
	shows(b, "Timeout", "VacuumDelay")
	run(t, look, "select pg_cancel_backend($1)", int32(b.PgConn().PID()))
	<-vacuum

	// A cursor keeps the page of its row pinned, and a vacuum that must freeze needs it alone.
	run(t, b, "reset vacuum_cost_delay")
	run(t, a, "begin")
	run(t, a, "declare x cursor for select * from t")
	run(t, a, "fetch 1 from x")
	vacuum = async(b, "vacuum (freeze) t")
	shows(b, "BufferPin", "BufferPin")
	run(t, a, "commit")
	if err := <-vacuum; err != nil {
		t.Error(err)
	}

	run(t, a, "begin isolation level serializable")
	run(t, a, "insert into t values (6000, 0)")
	deferrable := async(b, "begin isolation level serializable, read only, deferrable; select count(*) from t; commit")
	shows(b, "IPC", "SafeSnapshot")
	if got := value[[]int32](t, look, "select pg_safe_snapshot_blocking_pids($1)", int32(b.PgConn().PID())); len(got) != 1 || got[0] != int32(a.PgConn().PID()) {
		t.Errorf("pg_safe_snapshot_blocking_pids gives %v", got)
	}
	if !value[bool](t, look, "select pg_isolation_test_session_is_blocked($1, '{}')", int32(b.PgConn().PID())) {
		t.Error("who waits for a safe snapshot is not blocked")
	}
	run(t, a, "commit")
	if err := <-deferrable; err != nil {
		t.Error(err)
	}

	// A client that does not read: its session can be ended all the same.
	if _, err := c.PgConn().Conn().Write(simpleQuery("select repeat('x', 1000) from generate_series(1, 1000000)")); err != nil {
		t.Fatal(err)
	}
	shows(c, "Client", "ClientWrite")
	run(t, look, "select pg_terminate_backend($1)", int32(c.PgConn().PID()))
	eventually(t, look, "select not exists (select 1 from pg_stat_activity where pid = $1)", int32(c.PgConn().PID()))

	for typ, events := range map[string]string{"checkpointer": "{CheckpointerMain}", "background writer": "{BgWriterMain,BgWriterHibernate}",
		"walwriter": "{WalWriterMain}", "cpu governor": "{CPUGovernorMain}", "autovacuum launcher": "{AutoVacuumMain}"} {
		eventually(t, look, "select exists (select 1 from pg_stat_activity where backend_type = $1 and wait_event_type = 'Activity' and wait_event = any ($2::text[]))", typ, events)
	}
	if got := value[bool](t, look, "select wait_event is null and wait_event_type is null and state = 'active' from pg_stat_activity where pid = pg_backend_pid()"); !got {
		t.Error("a session that runs shows a wait")
	}
}

// simpleQuery is the message of a simple query.
func simpleQuery(sql string) []byte {
	n := len(sql) + 5
	return append(append([]byte{'Q', byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, sql...), 0)
}

// TestLockColumns: the columns of pg_locks that tell how a lock is held, and by whom since when it is waited for.
func TestLockColumns(t *testing.T) {
	s := waitServer(t)
	a, b, look := connect(t, s), connect(t, s), connect(t, s)
	pa, pb := int32(a.PgConn().PID()), int32(b.PgConn().PID())
	run(t, a, "create table t (a int primary key)")
	run(t, a, "begin")
	run(t, a, "lock table t in row exclusive mode")
	const ofT = "select fastpath from pg_locks where relation = 't'::regclass and pid = $1 and granted"
	if !value[bool](t, look, ofT, pa) {
		t.Error("a weak lock is not on the fast path")
	}
	run(t, b, "begin")
	waiter := async(b, "lock table t in access exclusive mode")
	eventually(t, look, "select exists (select 1 from pg_locks where pid = $1 and not granted)", pb)
	if value[bool](t, look, ofT, pa) {
		t.Error("the lock stayed on the fast path though a strong one is wanted")
	}
	if !value[bool](t, look, "select bool_and((waitstart is null) = granted) and bool_and(waitstart is null or waitstart between query_start and clock_timestamp()) from pg_locks join pg_stat_activity using (pid)") {
		t.Error("waitstart is not that of waiters alone")
	}
	if got := value[string](t, look, "select string_agg(distinct virtualtransaction, ',') from pg_locks where pid = $1", pa); got !=
		value[string](t, look, "select virtualxid from pg_locks where pid = $1 and locktype = 'virtualxid'", pa) {
		t.Errorf("virtualtransaction is %s", got)
	}
	for _, k := range []struct {
		others string
		want   bool
	}{{fmt.Sprintf("{%d}", pa), true}, {"{1}", false}, {"{}", false}} {
		if got := value[bool](t, look, "select pg_isolation_test_session_is_blocked($1, $2::text::int[])", pb, k.others); got != k.want {
			t.Errorf("blocked by one of %s: %v", k.others, got)
		}
	}
	run(t, a, "commit")
	if err := <-waiter; err != nil {
		t.Error(err)
	}
	if value[bool](t, look, ofT, pb) {
		t.Error("a strong lock is on the fast path")
	}
	run(t, b, "insert into t values (1)")
	if !value[bool](t, look, "select count(*) = 1 from pg_locks where pid = $1 and locktype = 'transactionid' and mode = 'ExclusiveLock' and granted and not fastpath", pb) {
		t.Error("the transaction's lock on its id is not there")
	}
	run(t, b, "prepare transaction 'p'")
	if got := value[string](t, look, "select string_agg(distinct coalesce(pid::text, 'none') || ' ' || fastpath, ',') from pg_locks where relation = 't'::regclass"); got != "none false" {
		t.Errorf("locks of a prepared transaction are of %s", got)
	}
	run(t, look, "rollback prepared 'p'")
}

// TestDeadlocksCounted: pg_stat_database counts deadlocks, and has no conflicts with recovery.
func TestDeadlocksCounted(t *testing.T) {
	s := waitServer(t)
	a, b, look := connect(t, s), connect(t, s), connect(t, s)
	for range 3 {
		run(t, a, "begin")
		run(t, b, "begin")
		run(t, a, "select pg_advisory_xact_lock(1)")
		run(t, b, "select pg_advisory_xact_lock(2)")
		first := async(a, "select pg_advisory_xact_lock(2)")
		eventually(t, look, "select exists (select 1 from pg_locks where pid = $1 and not granted)", int32(a.PgConn().PID()))
		if errB := <-async(b, "select pg_advisory_xact_lock(1)"); errB == nil {
			if <-first == nil {
				t.Error("no deadlock")
			}
			run(t, a, "rollback")
		} else {
			run(t, b, "rollback")
			<-first
		}
		run(t, a, "rollback")
		run(t, b, "rollback")
	}
	eventually(t, look, "select deadlocks = 3 and conflicts = 0 from pg_stat_database where datname = current_database()")
	if n := value[int](t, look, "select deadlocks from pg_stat_database where datname = 'template1'"); n != 0 {
		t.Errorf("another database has %d", n)
	}
}
