package tests

import (
	"context"
	"testing"

	"gompho"
)

// openVacuuming starts a server whose autovacuum comes round each second and logs all it does.
func openVacuuming(t *testing.T) *gompho.Server {
	t.Helper()
	s, err := gompho.Open(context.Background(), gompho.Options{Settings: map[string]string{"shared_buffers": "32MB", "deadlock_timeout": "50ms",
		"autovacuum_naptime": "1s", "log_autovacuum_min_duration": "0", "autovacuum_vacuum_cost_delay": "0"}})
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

// TestAutovacuum: a table that was changed is vacuumed and analyzed by itself; one that says no is not, nor are temporary ones; catalogs are.
func TestAutovacuum(t *testing.T) {
	s := openVacuuming(t)
	c := connect(t, s)
	eventually(t, c, "select exists(select from pg_stat_activity where backend_type = 'autovacuum launcher' and wait_event = 'AutoVacuumMain')")
	run(t, c, "create table off(a int) with (autovacuum_enabled = off)")
	run(t, c, "create temp table own(a int)")
	run(t, c, "create table t(a int primary key, b text)")
	for _, table := range []string{"off(a)", "own(a)", "t(a)"} {
		run(t, c, "insert into "+table+" select generate_series(1, 2000)")
	}
	run(t, c, "update t set b = 'x'")
	run(t, c, "update off set a = a")
	run(t, c, "select pg_stat_force_next_flush()")
	eventually(t, c, "select autovacuum_count > 0 and autoanalyze_count > 0 and last_autovacuum is not null from pg_stat_user_tables where relname = 't'")
	eventually(t, c, "select n_dead_tup = 0 and n_live_tup = 2000 and n_mod_since_analyze = 0 and n_ins_since_vacuum = 0 from pg_stat_user_tables where relname = 't'")
	if n := value[float32](t, c, "select reltuples from pg_class where relname = 't'"); n != 2000 {
		t.Errorf("reltuples is %v", n)
	}
	if n := value[int](t, c, "select count(*) from pg_stats where tablename = 't'"); n != 2 {
		t.Errorf("statistics of %d columns", n)
	}
	if n := value[int64](t, c, "select sum(autovacuum_count + autoanalyze_count)::bigint from pg_stat_user_tables where relname in ('off', 'own')"); n != 0 {
		t.Errorf("%d runs over tables that are not to be touched", n)
	}
	if dead := value[int64](t, c, "select n_dead_tup from pg_stat_user_tables where relname = 'off'"); dead != 2000 {
		t.Errorf("%d dead rows in the table that is not vacuumed", dead)
	}
	for range 60 {
		run(t, c, "alter table off alter a set default 1")
		run(t, c, "alter table off alter a set default 2")
	}
	run(t, c, "select pg_stat_force_next_flush()")
	eventually(t, c, "select autovacuum_count + autoanalyze_count > 0 from pg_stat_sys_tables where relname = 'pg_attrdef'")
}

// TestAutovacuumYields: a worker gives a table up when somebody waits for it, and goes on in another round.
func TestAutovacuumYields(t *testing.T) {
	s := openVacuuming(t)
	c := connect(t, s)
	run(t, c, "create table big(a int, b text) with (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)")
	run(t, c, "insert into big select g, repeat('x', 500) from generate_series(1, 5000) g")
	run(t, c, "delete from big")
	run(t, c, "select pg_stat_force_next_flush()")
	eventually(t, c, "select exists(select from pg_stat_activity where backend_type = 'autovacuum worker' and state = 'active' "+
		"and query like 'autovacuum: VACUUM%public.big')")
	eventually(t, c, "select exists(select from pg_locks l join pg_stat_activity a using (pid) where a.backend_type = 'autovacuum worker' "+
		"and relation = 'big'::regclass and mode = 'ShareUpdateExclusiveLock' and granted)")
	run(t, c, "set lock_timeout = '15s'") // the vacuum would take minutes
	run(t, c, "begin; lock table big in access exclusive mode; commit")
}

// TestCountersOfScript: what the views show after a script, which is what PostgreSQL 15 shows.
func TestCountersOfScript(t *testing.T) {
	s := open(t, false)
	c := connect(t, s)
	for _, q := range []string{
		"create table a(id int primary key, v int) with (autovacuum_enabled = off)",
		"create table b(a int) with (autovacuum_enabled = off)",
		"insert into a select g, g from generate_series(1, 1000) g",
		"insert into b select g from generate_series(1, 100) g",
		"select v from a where id = 5",
		"select v from a where id = 5000",
		"begin; insert into b select g from generate_series(1, 10) g; update b set a = a + 1 where a < 5; delete from b where a = 50; rollback",
		"begin; insert into b values (1); savepoint s; insert into b values (2), (3); rollback to s; delete from b where a = 99; commit",
		"begin; savepoint s; insert into b values (2), (3); release s; insert into b values (7); commit",
		"begin; truncate a; insert into a values (1, 1); rollback",
		"select pg_stat_force_next_flush()",
	} {
		run(t, c, q)
	}
	for _, x := range []struct{ table, want string }{
		{"a", "0 0 2 1 1000 0 0 0 1000 0 1000 1000"},
		{"b", "3 321 - - 116 8 2 8 103 21 105 116"},
	} {
		got := value[string](t, c, `select concat_ws(' ', seq_scan, seq_tup_read, coalesce(idx_scan::text, '-'), coalesce(idx_tup_fetch::text, '-'), n_tup_ins, n_tup_upd,
			n_tup_del, n_tup_hot_upd, n_live_tup, n_dead_tup, n_mod_since_analyze, n_ins_since_vacuum) from pg_stat_user_tables where relname = $1`, x.table)
		if got != x.want {
			t.Errorf("%s: %s, want %s", x.table, got, x.want)
		}
	}
}
