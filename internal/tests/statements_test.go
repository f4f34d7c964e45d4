package tests

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"gompho"
)

// statementsScript runs statements one by one, each line as one simple query.
const statementsScript = `insert into pt values (1,'x'),(2,'y');
insert into pt values (3,'x'),(4,'y');
SELECT  1;
select 2 ;
select 3 -- c
;
select 'a', 1.5, NULL, true;
select b from pt where a = 1;
select b from pt where a = 2;
select b from pt where a = 3;
select b from pt where a = -3;
select a - 3, - 3, -a from pt order by 1 limit 10;
update pt set b = 'z' where a > 1;
delete from pt where a in (1,2);
select interval '1 day', date '2020-01-01', '1'::int, 'x'::varchar(10), extract(year from now()) > 5;
begin;
select count(*) from pt;
commit;
prepare p1 as select * from pt where a = $1 and b <> 'q';
execute p1(1);
execute p1(3);
deallocate p1;
create table pt2 as select * from pt;
begin; declare c cursor for select * from pt; fetch 1 from c; fetch all from c; close c; rollback;
select * from nosuch;
with q as (select 1 as x) select * from q where x > 0;
set work_mem = '5MB';
reset work_mem;
select a, sum(a+1) from pt group by a having sum(a) > 100;
select case when a > 1 then 'x' else 'y' end from pt;
drop table pt, pt2;`

// statementsShown is what pg_stat_statements of PostgreSQL 15 shows of the script: calls, rows, text.
const statementsShown = `3|3|SELECT  $1
2|0|begin
1|0|close c
1|0|commit
1|2|create table pt2 as select * from pt
1|0|declare c cursor for select * from pt
1|2|delete from pt where a in ($1,$2)
1|0|drop table pt, pt2
1|1|fetch 1 from c
1|1|fetch all from c
2|4|insert into pt values ($1,$2),($3,$4)
2|1|prepare p1 as select * from pt where a = $1 and b <> $2
1|0|reset work_mem
1|0|rollback
1|1|select $1, $2, $3, $4
1|4|select a - $1, $2, -a from pt order by 1 limit $3
1|0|select a, sum(a+$1) from pt group by a having sum(a) > $2
4|3|select b from pt where a = $1
1|2|select case when a > $1 then $2 else $3 end from pt
1|1|select count(*) from pt
1|1|select interval $1, date $2, $3::int, $4::varchar(10), extract($5 from now()) > $6
1|0|set work_mem = '5MB'
1|3|update pt set b = $1 where a > $2
1|1|with q as (select $1 as x) select * from q where x > $2`

// TestStatements: pg_stat_statements shows the statements of a script as PostgreSQL does.
func TestStatements(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	c, look := connect(t, s), connect(t, s)
	run(t, look, "set pg_stat_statements.track = none")
	run(t, look, "create table pt (a int primary key, b text)")
	for _, sql := range strings.Split(statementsScript, "\n") {
		c.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol) // one of them is wrong
	}
	const shown = `select string_agg(calls || '|' || rows || '|' || query, E'\n' order by query collate "C") from pg_stat_statements where query not like 'set pg_stat%'`
	if got := value[string](t, look, shown); got != statementsShown {
		t.Errorf("it shows\n%s\n\nwant\n%s", got, statementsShown)
	}
	const plain = "select count(*) from pg_stat_statements where query = 'select b from pt where a = $1' and calls = 4 and total_exec_time > 0 and min_exec_time <= mean_exec_time " +
		"and mean_exec_time <= max_exec_time and shared_blks_hit > 0 and wal_records = 0 and plans = 0 and userid = 10 and toplevel"
	if value[int](t, look, plain) != 1 {
		t.Error("the counters of a lookup are not as expected")
	}
	if value[int](t, look, "select count(*) from pg_stat_statements where query like 'insert%' and wal_records >= 4 and wal_bytes > 100") != 1 {
		t.Error("an insertion has no log records")
	}

	// They are there after a restart, and go one by one, or all.
	c.Close(context.Background())
	look.Close(context.Background())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir)
	defer s.Close()
	look = connect(t, s)
	run(t, look, "set pg_stat_statements.track = none")
	if got := value[string](t, look, shown); got != statementsShown {
		t.Errorf("after a restart it shows\n%s", got)
	}
	run(t, look, "select pg_stat_statements_reset(0, 0, (select queryid from pg_stat_statements where query = 'select b from pt where a = $1'))")
	if value[int](t, look, plain) != 0 || value[int](t, look, "select count(*) from pg_stat_statements where query not like 'set pg_stat%'") != strings.Count(statementsShown, "\n") {
		t.Error("reset of one statement removed something else")
	}
	run(t, look, "select pg_stat_statements_reset()")
	if value[int](t, look, "select count(*) from pg_stat_statements") != 0 {
		t.Error("reset left something")
	}
}

func openAt(t *testing.T, dir string) *gompho.Server {
	t.Helper()
	s, err := gompho.Open(context.Background(), gompho.Options{Dir: dir, Settings: map[string]string{"shared_buffers": "64MB"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestQueryID: a statement has one identifier however it is run, and it is seen by others.
func TestQueryID(t *testing.T) {
	s := open(t, false)
	c, look := connect(t, s), connect(t, s)
	id := func() int64 {
		t.Helper()
		return value[int64](t, look, "select query_id from pg_stat_activity where pid = $1", int(c.PgConn().PID()))
	}
	run(t, c, "create table q (a int, b text)")
	run(t, c, "select b from q where a = 1", pgx.QueryExecModeSimpleProtocol)
	first := id()
	for _, sql := range []string{"select b from q where a = 2", "select b from q where a = 3", "SELECT b /* x */ FROM q\nWHERE a=4"} {
		run(t, c, sql, pgx.QueryExecModeSimpleProtocol)
		if got := id(); got != first {
			t.Errorf("%s has the identifier %d, not %d", sql, got, first)
		}
	}
	run(t, c, "select b from q where a = 1")
	if got := id(); got != first {
		t.Errorf("in the extended protocol the identifier is %d, not %d", got, first)
	}
	var line string
	rows, err := c.Query(context.Background(), "explain (verbose, costs off) select b from q where a = 7", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		rows.Scan(&line)
	}
	if want := "Query Identifier: " + value[string](t, look, "select $1::bigint::text", first); line != want {
		t.Errorf("EXPLAIN ends with %q, want %q", line, want)
	}
	for _, sql := range []string{"select b from q where a = '1'::text::int", "select a from q where a = 1", "select b from q where a = 1.0"} {
		run(t, c, sql, pgx.QueryExecModeSimpleProtocol)
		if id() == first {
			t.Errorf("%s has the identifier of another statement", sql)
		}
	}
	run(t, c, "create schema s; set search_path = s; create table q (a int, b text)", pgx.QueryExecModeSimpleProtocol)
	run(t, c, "select b from q where a = 1", pgx.QueryExecModeSimpleProtocol)
	if id() == first {
		t.Error("another table of the same name has the same statement")
	}
	run(t, c, "set compute_query_id = off")
	run(t, c, "select 12345", pgx.QueryExecModeSimpleProtocol)
	if n := value[int](t, look, "select count(query_id) from pg_stat_activity where pid = $1", int(c.PgConn().PID())); n != 0 {
		t.Error("there is an identifier while they are off")
	}
}
