package tests

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"gompho"
)

// openSet starts a server in a directory, "" for memory, with settings besides the usual ones.
func openSet(t *testing.T, dir string, settings map[string]string) *gompho.Server {
	t.Helper()
	all := map[string]string{"shared_buffers": "16MB", "deadlock_timeout": "50ms", "autovacuum": "off"}
	for k, v := range settings {
		all[k] = v
	}
	s, err := gompho.Open(context.Background(), gompho.Options{Dir: dir, Settings: all})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestFetchConsistency: what a transaction sees of another session's counters, by stats_fetch_consistency.
func TestFetchConsistency(t *testing.T) {
	s := openSet(t, "", nil)
	look, act := connect(t, s), connect(t, s)
	run(t, act, "create table a (x int); create table b (x int)", pgx.QueryExecModeSimpleProtocol)
	insert := func() {
		t.Helper()
		run(t, act, "insert into a values (1); insert into b values (1)", pgx.QueryExecModeSimpleProtocol)
	}
	count := func(table string) int {
		t.Helper()
		return value[int](t, look, "select n_tup_ins from pg_stat_user_tables where relname = $1", table)
	}
	for _, c := range []struct {
		mode            string
		a1, a2, b, wal2 int // what is seen: a before and after, b that was not looked at before; 1: more of the log is seen
		snapshot        bool
	}{
		{"none", 1, 2, 2, 1, false},
		{"cache", 3, 3, 4, 0, false},
		{"snapshot", 5, 5, 5, 0, true},
	} {
		insert()
		run(t, look, "begin")
		run(t, look, "set local stats_fetch_consistency = "+c.mode)
		if got := count("a"); got != c.a1 {
			t.Errorf("%s: at first %d insertions are seen, want %d", c.mode, got, c.a1)
		}
		const records = "select wal_records from pg_stat_wal"
		wal := value[int64](t, look, records)
		insert()
		if a, b := count("a"), count("b"); a != c.a2 || b != c.b {
			t.Errorf("%s: then %d and %d insertions are seen, want %d and %d", c.mode, a, b, c.a2, c.b)
		}
		if more := value[int64](t, look, records) > wal; more != (c.wal2 == 1) {
			t.Errorf("%s: more log records are seen: %t", c.mode, more)
		}
		if got := value[bool](t, look, "select pg_stat_get_snapshot_timestamp() is not null"); got != c.snapshot {
			t.Errorf("%s: there is a snapshot: %t", c.mode, got)
		}
		run(t, look, "select pg_stat_clear_snapshot()")
		if a, b := count("a"), count("b"); a != b || a < c.a2 || value[int64](t, look, records) == wal {
			t.Errorf("%s: after clearing, %d and %d insertions are seen", c.mode, a, b)
		}
		run(t, look, "commit")
	}
}

// TestTrackCounts: a session with track_counts = off counts nothing of its relations, deadlocks and temporary files, but its transactions.
func TestTrackCounts(t *testing.T) {
	s := openSet(t, "", nil)
	c, look := connect(t, s), connect(t, s)
	run(t, c, "create table a (x int primary key)") // with one scan, to build the index
	const seen = `select concat_ws(' ', n_tup_ins, n_live_tup, seq_scan, idx_scan, heap_blks_hit + heap_blks_read > 0, vacuum_count, analyze_count, n_mod_since_analyze)
		from pg_stat_user_tables join pg_statio_user_tables using (relid) where pg_stat_user_tables.relname = 'a'`
	work := func() {
		t.Helper()
		for _, sql := range []string{"insert into a select generate_series(1, 10) + (select count(*) from a)", "select pg_stat_force_next_flush()", "vacuum a", "analyze a", "set work_mem = '64kB'",
			"select count(*) from (select g from generate_series(1, 20000) g order by -g offset 0) x", "select pg_stat_force_next_flush()"} {
			run(t, c, sql)
		}
	}
	temp := func() int {
		return value[int](t, look, "select temp_files from pg_stat_database where datname = current_database()")
	}
	commits := func() int {
		return value[int](t, look, "select xact_commit from pg_stat_database where datname = current_database()")
	}
	run(t, c, "set track_counts = off")
	before := commits()
	work()
	if got := value[string](t, look, seen); got != "0 0 1 0 f 0 0 0" {
		t.Errorf("with track_counts = off: %s", got)
	}
	if n := temp(); n != 0 {
		t.Errorf("%d temporary files are counted", n)
	}
	if n := commits() - before; n < 6 {
		t.Errorf("%d transactions are counted", n)
	}
	run(t, c, "set track_counts = on")
	work()
	if got := value[string](t, look, seen); got != "10 20 2 0 t 1 1 0" {
		t.Errorf("with track_counts = on: %s", got)
	}
	if temp() == 0 {
		t.Error("no temporary file is counted")
	}
}

// TestTrackWALTiming: only sessions that ask for it measure their writes and syncs of the log, and the sum stays when nobody asks any more.
func TestTrackWALTiming(t *testing.T) {
	s := openSet(t, t.TempDir(), map[string]string{"wal_writer_delay": "10s"})
	c := connect(t, s)
	run(t, c, "create table a (x int)")
	const spent = "select wal_write_time + wal_sync_time from pg_stat_wal"
	if ms := value[float64](t, c, spent); ms != 0 {
		t.Errorf("%v ms were measured and nobody asked", ms)
	}
	run(t, c, "set track_wal_io_timing = on")
	for range 10 {
		run(t, c, "insert into a values (1)")
	}
	run(t, c, "set track_wal_io_timing = off")
	ms := value[float64](t, c, spent)
	if ms <= 0 {
		t.Error("nothing was measured")
	}
	run(t, c, "insert into a values (1)")
	if now := value[float64](t, c, spent); now != ms {
		t.Errorf("%v ms have become %v", ms, now)
	}
	run(t, c, "select pg_stat_reset_shared('wal')")
	if ms := value[float64](t, c, spent); ms != 0 {
		t.Errorf("%v ms after a reset", ms)
	}
}

// TestTrackActivities: what pg_stat_activity shows of another session, by track_activities and track_activity_query_size.
func TestTrackActivities(t *testing.T) {
	s := openSet(t, "", map[string]string{"track_activity_query_size": "100"})
	c, look := connect(t, s), connect(t, s)
	pid := int(c.PgConn().PID())
	shown := func() string {
		t.Helper()
		return value[string](t, look, "select concat_ws('|', state, query, query_id is null, xact_start is null, query_start is null, state_change is null) from pg_stat_activity where pid = $1", pid)
	}
	long := "select '" + strings.Repeat("é", 200) + "'"
	run(t, c, long, pgx.QueryExecModeSimpleProtocol)
	if got, want := shown(), "idle|"+long[:98]+"|f|t|f|f"; got != want { // 99 bytes would end within a letter
		t.Errorf("it shows %s, want %s", got, want)
	}
	run(t, c, "set track_activities = off", pgx.QueryExecModeSimpleProtocol)
	run(t, c, "begin", pgx.QueryExecModeSimpleProtocol)
	if got := shown(); got != "disabled||t|t|t|t" {
		t.Errorf("hidden, it shows %s", got)
	}
	run(t, c, "set track_activities = on", pgx.QueryExecModeSimpleProtocol)
	run(t, c, "select 1", pgx.QueryExecModeSimpleProtocol)
	if got := shown(); got != "idle in transaction|select 1|f|f|f|f" {
		t.Errorf("again, it shows %s", got)
	}
}

// TestComputeQueryID: what each value of compute_query_id shows.
func TestComputeQueryID(t *testing.T) {
	s := openSet(t, "", nil)
	c := connect(t, s)
	for _, v := range []struct {
		mode           string
		activity, plan bool
	}{{"auto", true, true}, {"on", true, true}, {"regress", true, false}, {"off", false, false}} {
		run(t, c, "set compute_query_id = "+v.mode)
		mine := value[bool](t, c, "select query_id is not null from pg_stat_activity where pid = pg_backend_pid()", pgx.QueryExecModeSimpleProtocol)
		rows, err := c.Query(context.Background(), "explain (verbose) select 1", pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		explained := strings.Contains(strings.Join(lines, "\n"), "Query Identifier")
		if mine != v.activity || explained != v.plan {
			t.Errorf("%s: pg_stat_activity shows an identifier: %t, EXPLAIN: %t", v.mode, mine, explained)
		}
	}
}
