package tests

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// trackScript has statements within others, utility statements, and plans.
const trackScript = `set pg_stat_statements.track = 'all';
explain select * from pt where a = 1;
explain (analyze, costs off, timing off, summary off) select * from pt where a = 2;
explain (analyze, costs off, timing off, summary off) insert into pt values (7, 'a');
copy (select a from pt where a > 0) to stdout;
prepare p1 as select * from pt where a = $1 and b <> 'q';
execute p1(1);
explain (costs off) execute p1(2);
create materialized view mv as select a from pt;
refresh materialized view mv;
drop materialized view mv;
set pg_stat_statements.track = top;
explain select a, b from pt where a = 1;
copy (select b from pt) to stdout;
set pg_stat_statements.track_utility = off;
explain select b, a from pt where a = 1;
create table none (a int);
drop table none;
prepare p2 as select a from pt where b = $1;
set pg_stat_statements.track_planning = on;
execute p2('x');
execute p2('y');
select a + 1 from pt where a = 5;
select a + 2 from pt where a = 6;
set pg_stat_statements.track = none;
select a, a from pt;`

// trackShown is what PostgreSQL 15 shows of it, but for the semicolons at the end of two texts and for p2, which has two plans there: toplevel, plans, calls, rows, text.
const trackShown = `false|0|1|1|explain (analyze, costs off, timing off, summary off) insert into pt values ($1, $2)
false|0|1|3|copy (select a from pt where a > $1) to stdout
false|0|1|0|prepare p1 as select * from pt where a = $1 and b <> 'q'
false|0|2|1|explain select * from pt where a = $1
true|0|1|0|explain (analyze, costs off, timing off, summary off) insert into pt values (7, 'a')
true|0|1|0|explain (analyze, costs off, timing off, summary off) select * from pt where a = 2
true|0|1|0|explain (costs off) execute p1(2)
true|0|1|0|drop materialized view mv
true|0|1|0|explain select * from pt where a = 1
true|0|1|0|explain select a, b from pt where a = 1
true|0|1|0|explain select b, a from pt where a = $1
true|0|1|1|prepare p1 as select * from pt where a = $1 and b <> $2
true|0|1|3|copy (select a from pt where a > 0) to stdout
true|0|1|3|copy (select b from pt) to stdout
true|0|1|3|create materialized view mv as select a from pt
true|0|1|3|refresh materialized view mv
true|2|2|0|select a + $1 from pt where a = $2
true|1|2|2|prepare p2 as select a from pt where b = $1`

// TestStatementsTrack: what each value of pg_stat_statements.track, track_utility and track_planning counts.
func TestStatementsTrack(t *testing.T) {
	s := openSet(t, "", nil)
	c, look := connect(t, s), connect(t, s)
	run(t, look, "set pg_stat_statements.track = none")
	run(t, look, "create table pt (a int primary key, b text)")
	run(t, look, "insert into pt values (1, 'x'), (2, 'y')")
	for _, sql := range strings.Split(trackScript, "\n") {
		if strings.HasPrefix(sql, "copy") {
			if _, err := c.PgConn().CopyTo(context.Background(), new(strings.Builder), sql); err != nil {
				t.Fatal(err)
			}
			continue
		}
		run(t, c, sql, pgx.QueryExecModeSimpleProtocol)
	}
	const shown = `select string_agg(l, E'\n' order by l collate "C") from (select concat_ws('|', case when toplevel then 'true' else 'false' end, plans, calls, rows, query) as l
		from pg_stat_statements where query not like 'set pg_stat%') x`
	want := strings.Split(trackShown, "\n")
	got := strings.Split(value[string](t, look, shown), "\n")
	for _, l := range want {
		if !slices.Contains(got, l) {
			t.Errorf("missing: %s", l)
		}
	}
	for _, l := range got {
		if !slices.Contains(want, l) {
			t.Errorf("not expected: %s", l)
		}
	}
	if !value[bool](t, look, "select bool_and(total_plan_time > 0 and min_plan_time <= mean_plan_time and mean_plan_time <= max_plan_time) from pg_stat_statements where plans > 0") {
		t.Error("plans took no time")
	}
}

// TestStatementsMax: beyond pg_stat_statements.max the least used entries go, which is counted.
func TestStatementsMax(t *testing.T) {
	s := openSet(t, "", map[string]string{"pg_stat_statements.max": "100"})
	c := connect(t, s)
	for i := range 300 {
		run(t, c, "select 1"+strings.Repeat(",1", i), pgx.QueryExecModeSimpleProtocol)
		run(t, c, "select 2||'often'", pgx.QueryExecModeSimpleProtocol)
	}
	n := value[int](t, c, "select count(*) from pg_stat_statements")
	gone := value[int](t, c, "select dealloc from pg_stat_statements_info")
	if n <= 80 || n > 100 || gone < 18 || gone > 24 { // PostgreSQL has 92 and 21
		t.Errorf("%d entries are left, %d times some were removed", n, gone)
	}
	if calls := value[int](t, c, "select calls from pg_stat_statements where query like '%||%'"); calls != 300 {
		t.Errorf("the entry that is used most has %d calls", calls)
	}
	run(t, c, "select pg_stat_statements_reset()")
	if gone := value[int](t, c, "select dealloc from pg_stat_statements_info where stats_reset > now() - interval '1 minute'"); gone != 0 {
		t.Errorf("after a reset, entries were removed %d times", gone)
	}
}

// TestStatementsSave: with pg_stat_statements.save = off a clean restart keeps no entries, whatever file is there.
func TestStatementsSave(t *testing.T) {
	dir := t.TempDir()
	const count = "select count(*) from pg_stat_statements where query = 'select $1 as saved'"
	for i, c := range []struct {
		save  string
		found int
	}{{"on", 0}, {"off", 0}, {"on", 0}, {"on", 1}, {"on", 1}} {
		s := openSet(t, dir, map[string]string{"pg_stat_statements.save": c.save})
		conn := connect(t, s)
		if n := value[int](t, conn, count); n != c.found {
			t.Errorf("start %d: %d entries, want %d", i+1, n, c.found)
		}
		run(t, conn, "select 1 as saved", pgx.QueryExecModeSimpleProtocol)
		conn.Close(context.Background())
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStatementsReset: entries go by user, database and statement, and only for those who may.
func TestStatementsReset(t *testing.T) {
	s := openSet(t, "", nil)
	c := connect(t, s)
	run(t, c, "create role other; create role granted; set pg_stat_statements.track_utility = off", pgx.QueryExecModeSimpleProtocol)
	fill := func() {
		t.Helper()
		run(t, c, "select pg_stat_statements_reset()", pgx.QueryExecModeSimpleProtocol)
		for _, sql := range []string{"select 1 as a", "select 1 as b", "set role other", "select 1 as a", "reset role"} {
			run(t, c, sql, pgx.QueryExecModeSimpleProtocol)
		}
	}
	left := func() string {
		t.Helper()
		return value[string](t, c, "select coalesce(string_agg(rolname || right(query, 1), ' ' order by rolname, query), '') from pg_stat_statements join pg_roles r on r.oid = userid where query like 'select $1 as _'")
	}
	const a, other, db = "(select queryid from pg_stat_statements where query = 'select $1 as a' limit 1)", "(select oid from pg_roles where rolname = 'other')",
		"(select oid from pg_database where datname = current_database())"
	for _, x := range []struct{ args, left string }{
		{"1, 0, 0", "othera postgresa postgresb"},
		{"0, 1, 0", "othera postgresa postgresb"},
		{"0, 0, 1", "othera postgresa postgresb"},
		{other + ", 0, 0", "postgresa postgresb"},
		{"0, 0, " + a, "postgresb"},
		{other + ", " + db + ", " + a, "postgresa postgresb"},
		{"queryid => " + a, "postgresb"},
		{"0, " + db + ", 0", ""},
		{"null, 0, 0", "othera postgresa postgresb"},
		{"", ""},
	} {
		fill()
		run(t, c, "select pg_stat_statements_reset("+x.args+")", pgx.QueryExecModeSimpleProtocol)
		if got := left(); got != x.left {
			t.Errorf("pg_stat_statements_reset(%s) leaves %q, want %q", x.args, got, x.left)
		}
	}
	run(t, c, "grant execute on function pg_stat_statements_reset(oid, oid, bigint) to granted; set role granted", pgx.QueryExecModeSimpleProtocol)
	run(t, c, "select pg_stat_statements_reset()")
	run(t, c, "set role other")
	if _, err := c.Exec(context.Background(), "select pg_stat_statements_reset()"); err == nil || !strings.Contains(err.Error(), "permission denied for function pg_stat_statements_reset") {
		t.Errorf("one who may not: %v", err)
	}
}
