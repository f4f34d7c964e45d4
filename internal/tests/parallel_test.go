package tests

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// lines returns all rows of a query as text.
func lines(t *testing.T, c *pgx.Conn, sql string) []string {
	t.Helper()
	rows, err := c.Query(context.Background(), sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		v, err := rows.Values()
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		out = append(out, fmt.Sprint(v...))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// eager makes every query that may run in parallel do so.
var eager = []string{"set min_parallel_table_scan_size = 0", "set parallel_setup_cost = 0", "set parallel_tuple_cost = 0",
	"set max_parallel_workers_per_gather = 3"}

func bigTable(t *testing.T, c *pgx.Conn) {
	run(t, c, "create table p (id int, a int, b float8, n numeric, pad text)")
	run(t, c, "insert into p select i, nullif(i % 97, 5), i * 0.5, i * 1.25, 'row ' || i % 1009 from generate_series(1, 60000) i")
	run(t, c, "delete from p where id % 11 = 0")
	run(t, c, "create table q (k int primary key, name text)")
	run(t, c, "insert into q select i, 'name ' || i from generate_series(1, 80) i")
	run(t, c, "analyze")
}

// TestParallelAnswers compares the answers of parallel plans with those of serial ones.
func TestParallelAnswers(t *testing.T) {
	c := connect(t, open(t, false))
	bigTable(t, c)
	queries := []string{
		"select count(*), count(a), sum(a), avg(id), min(pad), max(pad), sum(n), avg(n), bool_and(id > 0), min(b), max(id) from p",
		"select count(*) from p where a is null",
		"select count(*) from p where id < 0",
		"select sum(a) filter (where id % 2 = 0), variance(id) from p",
		"select a, count(*), sum(id), min(pad), max(n) from p group by a order by a",
		"select pad, count(*) from p where a < 50 group by pad having count(*) > 20 order by 2 desc, 1",
		"select id, pad, n from p where a = 17 and id % 7 = 3 order by id",
		"select upper(pad), id + 1 from p where id between 100 and 120 order by 2",
		"select q.name, count(*), sum(p.id) from p join q on q.k = p.a group by q.name order by 1",
		"select count(*), count(q.k) from p left join q on q.k = p.a",
		"select count(*) from p where exists (select 1 from q where q.k = p.a and q.name like '%7')",
		"select count(*) from p where not exists (select 1 from q where q.k = p.a)",
		"select s.a, s.n from (select a, count(*) n from p group by a) s where s.n > 560 order by 1",
		"select id from p order by n desc limit 7",
		"select count(*) from (select id from p where a = 3 limit 20) s",
	}
	serial := map[string][]string{}
	run(t, c, "set max_parallel_workers_per_gather = 0")
	for _, q := range queries {
		serial[q] = lines(t, c, q)
	}
	for _, s := range eager {
		run(t, c, s)
	}
	parallel := 0
	for _, q := range queries {
		if strings.Contains(strings.Join(lines(t, c, "explain "+q), "\n"), "Gather") {
			parallel++
		}
		for range 3 {
			if got := lines(t, c, q); strings.Join(got, "\n") != strings.Join(serial[q], "\n") {
				t.Errorf("%s\n got %s\nwant %s", q, got, serial[q])
			}
		}
	}
	if parallel < 10 {
		t.Errorf("only %d of %d plans are parallel", parallel, len(queries))
	}
	// With little memory groups are put aside.
	run(t, c, "set work_mem = '64kB'")
	q := "select pad, sum(id), count(*), array_length(array[min(a)], 1) from p group by pad order by pad"
	got := lines(t, c, q)
	run(t, c, "set max_parallel_workers_per_gather = 0")
	if want := lines(t, c, q); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Error("groups differ with little memory")
	}
}

// workers counts the parallel workers that pg_stat_activity shows.
func workers(t *testing.T, c *pgx.Conn) int {
	var n int
	if err := c.QueryRow(context.Background(), "select count(*) from pg_stat_activity where backend_type = 'parallel worker' and leader_pid is not null and query <> ''").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestParallelEnds: workers are gone after errors, cancels, limits and abandoned results.
func TestParallelEnds(t *testing.T) {
	s := open(t, false)
	c, other := connect(t, s), connect(t, s)
	bigTable(t, c)
	for _, e := range eager {
		run(t, c, e)
	}
	ctx := context.Background()
	// An error in whoever meets the row.
	for range 5 {
		_, err := c.Exec(ctx, "select count(*) from p where 10 / (id - 59999) = 7")
		if e, ok := err.(*pgconn.PgError); !ok || e.Code != "22012" {
			t.Fatalf("got %v", err)
		}
	}
	if got := lines(t, c, "select count(*) from (select id from p where id > 5 limit 3) x"); got[0] != "3" {
		t.Fatalf("limit: %v", got)
	}
	// A portal that is closed before its end.
	rows, err := c.Query(ctx, "select id, pad from p where id > 1")
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	rows.Close()
	// A cancel.
	var pid int
	if err := c.QueryRow(ctx, "select pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(ctx, "select count(*) from p p1 join p p2 on p1.a = p2.a where p1.id + p2.id < 0")
		done <- err
	}()
	for workers(t, other) == 0 {
		select {
		case err := <-done:
			t.Fatalf("ended too early: %v", err)
		default:
		}
	}
	run(t, other, "select pg_cancel_backend($1)", pid)
	select {
	case err = <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("not cancelled")
	}
	if e, ok := err.(*pgconn.PgError); !ok || e.Code != "57014" {
		t.Fatalf("got %v", err)
	}
	if n := workers(t, other); n != 0 {
		t.Fatalf("%d workers are left", n)
	}
	// The server's limit.
	run(t, c, "set max_parallel_workers = 1")
	if got := strings.Join(lines(t, c, "explain (analyze, timing off) select count(*) from p"), "\n"); !strings.Contains(got, "Workers Launched: 1") {
		t.Fatal(got)
	}
}

// TestLargeGroupsSpill: a window partition and the rows of one key of a merge join may be larger than work_mem.
func TestLargeGroupsSpill(t *testing.T) {
	c := connect(t, open(t, false))
	run(t, c, "create table w (id int, k int, pad text)")
	run(t, c, "insert into w select i, i % 2, 'some text of row ' || i from generate_series(1, 12000) i")
	run(t, c, "analyze w")
	run(t, c, "set enable_hashjoin = off")
	run(t, c, "set enable_nestloop = off")
	queries := []string{
		"select md5(string_agg(x.v, ',' order by x.id)) from (select id, row_number() over o || first_value(pad) over o || lag(pad, 3000, 'none') over o || sum(id) over o || last_value(pad) over (partition by k) v from w window o as (partition by k order by id)) x",
		"select count(*), sum(a.id), min(b.pad), max(b.pad) from (select * from w where id <= 40) a join w b on a.k = b.k",
		"select count(*), count(a.id), max(b.pad) from (select * from w where id = 3) a right join w b on a.k = b.k and a.id > b.id",
	}
	var want []string
	for _, mem := range []string{"'64MB'", "'64kB'"} {
		run(t, c, "set work_mem = "+mem)
		for i, q := range queries {
			got := strings.Join(lines(t, c, q), "\n")
			if len(want) < len(queries) {
				want = append(want, got)
			} else if got != want[i] {
				t.Errorf("%s\n got %s\nwant %s", q, got, want[i])
			}
		}
	}
}
