package tests

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

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
		{"a", "2 0 2 1 1000 0 0 0 1000 0 1000 1000"},
		{"b", "3 321 - - 116 8 2 8 103 21 105 116"},
	} {
		got := value[string](t, c, `select concat_ws(' ', seq_scan, seq_tup_read, coalesce(idx_scan::text, '-'), coalesce(idx_tup_fetch::text, '-'), n_tup_ins, n_tup_upd,
			n_tup_del, n_tup_hot_upd, n_live_tup, n_dead_tup, n_mod_since_analyze, n_ins_since_vacuum) from pg_stat_user_tables where relname = $1`, x.table)
		if got != x.want {
			t.Errorf("%s: %s, want %s", x.table, got, x.want)
		}
	}
}

// TestAutovacuumOrphans: a temporary table whose session is gone is dropped.
func TestAutovacuumOrphans(t *testing.T) {
	s := openVacuuming(t)
	c := connect(t, s)
	run(t, c, "set allow_system_table_mods = on")
	run(t, c, "create schema pg_temp_7777")
	run(t, c, "create table lost(a int)")
	run(t, c, "create temp table mine(a int)")
	run(t, c, "update pg_class set relnamespace = 'pg_temp_7777'::regnamespace, relpersistence = 't' where relname = 'lost'")
	eventually(t, c, "select not exists(select from pg_class where relname = 'lost')")
	if n := value[int](t, c, "select count(*) from pg_class where relname = 'mine'"); n != 1 {
		t.Error("the table of a session that runs is gone")
	}
}

// logged finds a message of the server log.
func logged(logs *observer.ObservedLogs, re string) string {
	for _, e := range logs.All() {
		if regexp.MustCompile(re).MatchString(e.Message) {
			return e.Message
		}
	}
	return ""
}

// TestAutovacuumForced: tables older than autovacuum_freeze_max_age are vacuumed though autovacuum is off, for them and altogether, in a database
// that accepts no connections, too; the databases' ages go down and the commit log is cut. Who waits for such a table does not stop it.
func TestAutovacuumForced(t *testing.T) {
	w := &wide{t: t, dir: t.TempDir()}
	w.start()
	run(t, w.c, "create table off(a int primary key) with (autovacuum_enabled = off)")
	run(t, w.c, "insert into off select generate_series(1, 2000)")
	run(t, w.c, "delete from off where a > 1000")
	w.stop()
	w.skip(300_000_000, 0)
	core, logs := observer.New(zapcore.InfoLevel)
	s, err := gompho.Open(context.Background(), gompho.Options{Dir: w.dir, Logger: zap.New(core), Settings: map[string]string{"shared_buffers": "32MB",
		"autovacuum": "off", "autovacuum_naptime": "1s", "log_autovacuum_min_duration": "0"}})
	if err != nil {
		t.Fatal(err)
	}
	w.s, w.c = s, connect(t, s)
	run(t, w.c, "create table young(a int)")
	run(t, w.c, "insert into young select generate_series(1, 2000)")
	run(t, w.c, "delete from young")
	run(t, w.c, "select pg_stat_force_next_flush()")
	eventually(t, w.c, "select max(age(datfrozenxid)) < 200000000 and count(*) >= 3 from pg_database")
	eventually(t, w.c, "select bool_and(age(relfrozenxid) < 200000000) from pg_class where relfrozenxid <> 0")
	w.holds("forced", "select autovacuum_count > 0 from pg_stat_user_tables where relname = 'off'")
	w.holds("forced", "select autovacuum_count = 0 from pg_stat_user_tables where relname = 'young'")
	w.holds("forced", "select count(*) = 1000 from off")
	files, err := os.ReadDir(filepath.Join(w.dir, "pg_xact"))
	if err != nil || len(files) > 1 {
		t.Errorf("%d files of the commit log, %v", len(files), err)
	}
	want := `^automatic aggressive vacuum to prevent wraparound of table "postgres\.public\.off": index scans: 1
pages: \d+ removed, \d+ remain, \d+ scanned \(100\.00% of total\)
tuples: 1000 removed, 1000 remain, 0 are dead but not yet removable
removable cutoff: \d+, which was \d+ XIDs old when operation ended
new relfrozenxid: \d+, which is \d+ XIDs ahead of previous value
index scan needed: \d+ pages from table \(\d+\.\d\d% of total\) had 1000 dead item identifiers removed
index "off_pkey": pages: \d+ in total, \d+ newly deleted, \d+ currently deleted, 0 reusable
avg read rate: \d+\.\d+ MB/s, avg write rate: \d+\.\d+ MB/s
buffer usage: \d+ hits, \d+ misses, \d+ dirtied
WAL usage: \d+ records, \d+ full page images, \d+ bytes
system usage: CPU: user: \d+\.\d\d s, system: \d+\.\d\d s, elapsed: \d+\.\d\d s$`
	if logged(logs, want) == "" {
		t.Errorf("the log tells of the table: %s", logged(logs, `table "postgres\.public\.off"`))
	}
	w.stop()
	w.check()
}

// TestVacuumTruncationWaits: a vacuum tries for some time to get the lock that it needs to cut empty pages off.
func TestVacuumTruncationWaits(t *testing.T) {
	s := open(t, false)
	c, other := connect(t, s), connect(t, s)
	run(t, c, "create table t(a int, b text) with (autovacuum_enabled = off)")
	run(t, c, "insert into t select g, repeat('x', 1000) from generate_series(1, 2000) g")
	run(t, c, "delete from t")
	run(t, other, "begin")
	run(t, other, "select count(*) from t")
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(context.Background(), "vacuum t")
		done <- err
	}()
	eventually(t, other, "select exists(select from pg_stat_progress_vacuum where phase = 'truncating heap' and relid = 't'::regclass)")
	run(t, other, "commit")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := value[int64](t, c, "select pg_relation_size('t')"); n != 0 {
		t.Errorf("%d bytes are left of the table", n)
	}
}
