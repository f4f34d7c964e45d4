package tests

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// operators are statements whose data is many times larger than the setting that bounds them. peak is how many bytes the session may hold meanwhile: the
// setting, with what an operator needs besides rows (indexes of hash tables, the blocks that are read from files, steps of the account).
var operators = []struct {
	name  string
	set   []string
	sql   string
	want  string // the result
	spill bool   // a temporary file is written
	peak  int64
}{
	{"sort", nil, "select count(*), min(s), max(s) from (select i, s from big order by s desc, i offset 0) x", "(200000," + fmt.Sprintf("%060d,%060d", 1, 200000) + ")", true, 3 << 20},
	{"hash join", []string{"enable_mergejoin = off", "enable_nestloop = off"}, "select count(*), sum(a.i) from big a join big b on a.s = b.s", "(200000,20000100000)", true, 6 << 20},
	{"merge join", []string{"enable_hashjoin = off", "enable_nestloop = off"}, "select count(*), sum(a.i) from big a join big b on a.s = b.s", "(200000,20000100000)", true, 6 << 20},
	{"merge join of equal keys", []string{"enable_hashjoin = off", "enable_nestloop = off"}, "select count(*), sum(length(a.s)) from (select i % 2 k, s from big) a join (select i % 2 k, s from big limit 50) b using (k)", "(5000000,300000000)", true, 6 << 20},
	{"hash aggregate", []string{"enable_sort = off"}, "select count(*), sum(n) from (select s, count(*) n from big group by s) x", "(200000,200000)", true, 5 << 20},
	{"hash aggregate of accumulators", []string{"enable_sort = off"}, "select count(*), sum(n) from (select s, avg(i::numeric) n from big group by s) x", "(200000,20000100000.00000000000000000000)", true, 6 << 20},
	{"sorted aggregate", []string{"enable_hashagg = off"}, "select count(*), sum(n) from (select s, count(*) n from big group by s) x", "(200000,200000)", true, 3 << 20},
	{"aggregate of sorted rows", nil, "select count(*), max(x) from (select count(distinct s) x from big) y", "(1,200000)", true, 3 << 20},
	{"distinct", []string{"enable_sort = off"}, "select count(*) from (select distinct s from big) x", "(200000)", true, 5 << 20},
	{"distinct by sort", []string{"enable_hashagg = off"}, "select count(*) from (select distinct s from big) x", "(200000)", true, 3 << 20},
	{"window", nil, "select count(*), max(r), sum(n) from (select row_number() over (order by s) r, count(*) over () n from big) x", "(200000,200000,40000000000)", true, 6 << 20},
	{"window frame", nil, "select sum(f) from (select first_value(i) over (order by i rows between unbounded preceding and unbounded following) f, s from big) x", "(200000)", true, 6 << 20},
	{"materialized with query", nil, "with w as materialized (select * from big) select count(*), sum(a.i) from w a where a.s = (select max(s) from w)", "(1,200000)", true, 3 << 20},
	{"materialize", []string{"enable_hashjoin = off", "enable_mergejoin = off"}, "select count(*), min(s) from (select i from big where i <= 3 order by i offset 0) a left join (select max(i) i, s from big group by s offset 0) b on b.i > a.i + 199990", fmt.Sprintf("(24,%060d)", 199992), true, 6 << 20},
	{"recursive union all", nil, "with recursive r(l, s) as (select 0, s from big where i <= 20000 union all select l + 1, s from r where l < 3) select count(*), max(l) from r", "(80000,3)", true, 3 << 20},
	{"union", []string{"enable_sort = off"}, "select count(*) from (select s from big union select s || '' from big) x", "(200000)", true, 5 << 20},
	{"intersect", nil, "select count(*) from (select s from big intersect select s from big where i > 100000) x", "(100000)", true, 5 << 20},
	{"except", nil, "select count(*) from (select s from big except select s from big where i > 100000) x", "(100000)", true, 5 << 20},
	{"function in from", nil, "select count(*), sum(length(x)) from (select s from big limit 1) b, lateral (select repeat('x', 100) || g x from generate_series(1, 200000) g offset 0) y", "(200000,21088895)", false, 2 << 20},
	{"index build", []string{"maintenance_work_mem = '1MB'"}, "create index on big (s)", "", true, 3 << 20},
	{"cursor with hold", nil, "declare c cursor with hold for select * from big", "", true, 3 << 20},
	{"bitmap goes lossy", []string{"enable_seqscan = off", "enable_indexscan = off", "enable_indexonlyscan = off", "work_mem = '64kB'", "max_parallel_workers_per_gather = 0"}, "select count(*), sum(i) from spread where k between 1 and 900", "(270000,40486635000)", false, 1 << 20},
}

// TestOperatorsKeepToTheirMemory: each operator holds about what its setting allows, has the right result, and leaves nothing on the account.
func TestOperatorsKeepToTheirMemory(t *testing.T) {
	s := openWith(t, map[string]string{"shared_buffers": "64MB", "autovacuum": "off"})
	look := connect(t, s)
	run(t, look, "create table big as select i, lpad(i::text, 60, '0') s from generate_series(1, 200000) i")
	run(t, look, "create table spread as select i, i % 1000 k from generate_series(1, 300000) i")
	run(t, look, "create index on spread (k)")
	run(t, look, "analyze")
	for _, o := range operators {
		t.Run(o.name, func(t *testing.T) {
			c := connect(t, s)
			run(t, c, "set work_mem = '1MB'")
			run(t, c, "set hash_mem_multiplier = 2")
			for _, set := range o.set {
				run(t, c, "set "+set)
			}
			before := value[int64](t, look, "select temp_files from pg_stat_database where datname = current_database()")
			pid := c.PgConn().PID()
			if got := text(t, c, o.sql); got != o.want {
				t.Errorf("result %s, not %s", got, o.want)
			}
			peak := value[int64](t, look, "select peak from gompho_memory where pid = $1", pid)
			t.Logf("at most %d kB were held", peak/1024)
			if peak > o.peak {
				t.Errorf("the session has held %d kB", peak/1024)
			}
			if o.name == "cursor with hold" {
				run(t, c, "close c")
			}
			if n := value[int64](t, look, "select held from gompho_memory where pid = $1", pid); n != 0 {
				t.Errorf("%d bytes are held after the statement", n)
			}
			c.Close(context.Background())
			if o.spill {
				eventually(t, look, "select temp_files > $1 from pg_stat_database where datname = current_database()", before)
			}
		})
	}
}

// text returns the only row of a result in the form of a composite value, "" when there is none.
func text(t *testing.T, c *pgx.Conn, sql string) string {
	t.Helper()
	res, err := c.PgConn().Exec(context.Background(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	last := res[len(res)-1]
	if len(last.Rows) == 0 {
		return ""
	}
	var vals []string
	for _, v := range last.Rows[0] {
		vals = append(vals, string(v))
	}
	return "(" + strings.Join(vals, ",") + ")"
}

// TestTempFileLimit: what an operator would write beyond temp_file_limit ends its statement with 53400, and its files go.
func TestTempFileLimit(t *testing.T) {
	s := openWith(t, map[string]string{"shared_buffers": "16MB"})
	c := connect(t, s)
	run(t, c, "create table big as select i, lpad(i::text, 60, '0') s from generate_series(1, 50000) i")
	run(t, c, "set work_mem = '64kB'")
	run(t, c, "set temp_file_limit = '1MB'")
	for _, sql := range []string{
		"select count(*) from (select * from big order by s offset 0) x",
		"select s, count(*) from big group by s",
		"with w as materialized (select * from big) select count(*) from w a, w b where a.i = 1",
		"declare c cursor with hold for select * from big",
	} {
		_, err := c.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
		e, ok := err.(*pgconn.PgError)
		if !ok || e.Code != "53400" || e.Message != "temporary file size exceeds temp_file_limit (1024kB)" {
			t.Errorf("%s: got %v", sql, err)
		}
		if n := value[int64](t, c, "select count(*) from pg_ls_tmpdir()"); n != 0 {
			t.Errorf("%s: %d files are left", sql, n)
		}
		if n := value[int64](t, c, heldNow); n != 0 {
			t.Errorf("%s: %d bytes are held", sql, n)
		}
	}
}

// TestTempBuffers: a session's temporary relations take no more than temp_buffers, however large they are.
func TestTempBuffers(t *testing.T) {
	c := connect(t, openWith(t, map[string]string{"shared_buffers": "16MB"}))
	run(t, c, "set temp_buffers = '1MB'")
	run(t, c, "create temp table t as select i, repeat('x', 500) s from generate_series(1, 20000) i")
	if n := value[int64](t, c, "select pg_relation_size('t')"); n < 8<<20 {
		t.Fatalf("the relation has only %d bytes", n)
	}
	if got := text(t, c, "select count(*), sum(i) from t where length(s) = 500"); got != "(20000,200010000)" {
		t.Errorf("got %s", got)
	}
	read := false
	rows, err := c.Query(context.Background(), "explain (analyze, buffers, costs off, timing off, summary off) select sum(length(s)) from t")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		if _, after, ok := strings.Cut(line, "read="); ok {
			n, _ := strconv.Atoi(strings.Fields(after)[0])
			read = read || n > 1000
		}
	}
	if !read {
		t.Error("a relation larger than temp_buffers was not read from its file")
	}
}
