package tests

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
)

// openWith starts a server with settings.
func openWith(t *testing.T, settings map[string]string) *gompho.Server {
	t.Helper()
	s, err := gompho.Open(context.Background(), gompho.Options{Settings: settings})
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

// limited starts a server whose statements may hold 48 MB together.
func limited(t *testing.T) *gompho.Server {
	return openWith(t, map[string]string{"shared_buffers": "16MB", "gompho.memory_limit": "81MB"})
}

// refused runs a statement that has to end with 53200 and returns the error's detail.
func refused(t *testing.T, c *pgx.Conn, sql string) string {
	t.Helper()
	_, err := c.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "53200" || e.Message != "out of memory" {
		t.Fatalf("%s: got %v", sql, err)
	}
	return e.Detail
}

const heldNow = "select coalesce(max(server_held), -1) from gompho_memory"

// giants are statements whose memory nothing bounds but the server's limit.
var giants = []struct{ name, sql string }{
	{"array_agg", "select length(array_agg(i)::text) from generate_series(1, 100000000) i"},
	{"array_agg of strings", "select cardinality(array_agg(repeat('x', 1000))) from generate_series(1, 1000000) i"},
	{"array_agg of large strings", "select cardinality(array_agg(repeat('x', 100000))) from generate_series(1, 100000) i"},
	{"array_agg of two groups", "select i % 2, cardinality(array_agg(i)) from generate_series(1, 100000000) i group by 1"},
	{"array_agg of sorted groups", "select i, cardinality(array_agg(j)) from generate_series(1, 2) i, generate_series(1, 50000000) j group by rollup(i)"},
	{"array_agg of many groups", "set enable_hashagg = on; select sum(cardinality(a)) from (select i % 1000, array_agg(i) a from generate_series(1, 100000000) i group by 1) s"},
	{"string_agg", "select length(string_agg(i::text, ',')) from generate_series(1, 100000000) i"},
	{"string_agg of two groups", "select i % 2, length(string_agg(i::text, ',')) from generate_series(1, 100000000) i group by 1"},
	{"array of a subselect", "select cardinality(array(select i from generate_series(1, 100000000) i))"},
	{"large values in one batch", "select sum(length(repeat('x', 1000000 + i))) from generate_series(1, 100000) i"},
	{"work_mem without measure", "set work_mem = '2GB'; select count(*) from (select i from generate_series(1, 100000000) i order by -i offset 0) s"},
	{"hash_mem without measure", "set work_mem = '2GB'; select count(*) from (select i from generate_series(1, 100000000) i group by i offset 0) s"},
	{"recursive union", "with recursive r(i) as (select 1 union select i + 1 from r where i < 100000000) select count(*) from r"},
	{"repeat", "select length(repeat('x', 500000000))"},
	{"lpad", "select length(lpad('x', 200000000))"},
	{"concatenation", "select length(repeat('x', 20000000) || repeat('y', 40000000))"},
	{"array_fill", "select cardinality(array_fill(1, array[30000000]))"},
	{"string_to_array", "select cardinality(string_to_array(repeat('x,', 5000000), ','))"},
	{"replace", "select length(replace(repeat('x', 1000000), 'x', repeat('y', 200)))"},
	{"regexp_replace", "select length(regexp_replace(repeat('x', 200000), 'x', repeat('y', 1000), 'g'))"},
	{"regexp_split_to_array", "select cardinality(regexp_split_to_array(repeat('x,', 3000000), ','))"},
	{"regexp_matches", "select count(*) from regexp_matches(repeat('x,', 3000000), 'x', 'g')"},
	{"concat_ws", "select length(concat_ws(',', variadic array(select repeat('x', 100000) from generate_series(1, 5000))))"},
	{"json_agg", "select length(json_agg(i)::text) from generate_series(1, 100000000) i"},
	{"window over strings", "select count(*) from (select string_agg(repeat('x', 10000), ',') over (order by i) from generate_series(1, 100000) i) x"},
	{"format", "select length(format('%200000000s', 'x'))"},
}

// TestGreedyStatements: what would pass gompho.memory_limit gets 53200 with the reason, leaves nothing behind on the account, and the session goes on.
func TestGreedyStatements(t *testing.T) {
	s := limited(t)
	look := connect(t, s)
	if got := value[int64](t, look, "select server_limit from gompho_memory limit 1"); got < 40<<20 || got > 60<<20 {
		t.Fatalf("statements may hold %d bytes", got)
	}
	for _, g := range giants {
		t.Run(g.name, func(t *testing.T) {
			c := connect(t, s)
			detail := refused(t, c, g.sql)
			if !strings.Contains(detail, "gompho.memory_limit leaves ") || !strings.Contains(detail, "Failed on request of size ") {
				t.Errorf("detail: %s", detail)
			}
			if n := value[int64](t, look, heldNow); n != 0 {
				t.Errorf("%d bytes are held after the error", n)
			}
			if n := value[int](t, c, "select 1"); n != 1 {
				t.Error("the session does not go on")
			}
		})
	}
}

// TestGreedyLeavesOthersAlone: while one session asks for more memory than there is, again and again, others sort, hash and aggregate within theirs, and none
// of their statements fails.
func TestGreedyLeavesOthersAlone(t *testing.T) {
	s := limited(t)
	greedy := connect(t, s)
	run(t, greedy, "create table t as select i, repeat('x', 50) s from generate_series(1, 20000) i")
	const others, rounds = 4, 15
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for k := range others {
		c := connect(t, s)
		wg.Go(func() {
			for range rounds {
				for _, q := range []struct {
					sql  string
					want int64
				}{
					{"select count(*) from (select * from t order by s, i desc offset 0) x", 20000},
					{"select count(*) from t a join t b using (i)", 20000},
					{"select cardinality(array_agg(i)) from t", 20000},
					{"select count(*) from (select s || i, count(*) from t group by 1) x", 20000},
				} {
					var got int64
					if err := c.QueryRow(context.Background(), q.sql).Scan(&got); err != nil || got != q.want {
						t.Errorf("session %d: %s: %d, %v", k, q.sql, got, err)
						return
					}
				}
			}
		})
	}
	go func() {
		wg.Wait()
		close(stop)
	}()
	giants := 0
	for going := true; going; giants++ {
		select {
		case <-stop:
			going = false
		default:
		}
		refused(t, greedy, "select cardinality(array_agg(i)) from generate_series(1, 100000000) i")
	}
	t.Logf("%d statements of %d sessions went on beside %d that were refused", others*rounds*4, others, giants)
	look := connect(t, s)
	if n := value[int64](t, look, heldNow); n != 0 {
		t.Errorf("%d bytes are held at the end", n)
	}
	if n := value[int64](t, look, "select server_refused from gompho_memory limit 1"); n != int64(giants) {
		t.Errorf("%d statements were refused by the account, %d by the errors", n, giants)
	}
}

// TestAccountEndsAtZero: nothing stays on the account after a statement, however it ends.
func TestAccountEndsAtZero(t *testing.T) {
	s := openWith(t, map[string]string{"shared_buffers": "64MB", "autovacuum": "off"})
	look := connect(t, s)
	run(t, look, "create table t as select i, repeat('x', 50) s from generate_series(1, 200000) i")
	run(t, look, "create table parent (id int primary key)")
	run(t, look, "create table child (id int references parent deferrable initially deferred)")
	run(t, look, "insert into parent select generate_series(1, 1000)")
	run(t, look, "analyze")
	parallel := "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; set max_parallel_workers_per_gather = 2; set work_mem = '64MB'; "
	statements := []struct{ what, setup, sql string }{
		{"sort", "set work_mem = '64MB'", "select count(*) from (select * from t order by s, i desc offset 0) x"},
		{"hash aggregate", "set work_mem = '64MB'", "select count(*) from (select i, array_agg(s) from t group by i) x"},
		{"hash join", "set work_mem = '64MB'", "select count(*) from t a join t b using (i)"},
		{"array_agg", "", "select cardinality(array_agg(s || i)) from t"},
		{"large values", "", "select sum(length(repeat(s, 20000))) from t where i <= 100"},
		{"window", "set work_mem = '64MB'", "select count(*) from (select array_agg(i) over (order by i rows 10 preceding) from t) x"},
		{"NOT IN", "set work_mem = '64MB'", "select count(*) from t where i not in (select i + 1 from t)"},
		{"array of a subselect", "", "select cardinality(array(select s from t))"},
		{"recursion", "set work_mem = '64MB'", "with recursive r(i) as (select 1 union select i + 1 from r where i < 50000) select count(*) from r"},
		{"set operation", "set work_mem = '64MB'", "select count(*) from (select s || i from t except select s from t) x"},
		{"parallel aggregate", parallel, "select count(*) from (select i, count(*), avg(i::numeric) from t group by i) x"},
		{"parallel join", parallel, "select count(*) from t a join t b using (i) where length(a.s) = 50"},
		{"parallel array", parallel, "select max(s || i) from t"},
		{"memoize", "set enable_hashjoin = off; set enable_mergejoin = off", "select count(*) from t a, lateral (select id from parent p where p.id = a.i % 1000 + 1) x"},
		{"SQL in a subselect", "set work_mem = '64MB'", "select sum((select cardinality(array_agg(b.i)) from t b where b.i <= a.i * 1000)) from t a where a.i <= 30"},
		{"deferred checks", "", "insert into child select i % 1000 + 1 from t"},
		{"index", "set maintenance_work_mem = '64MB'", "create index on t (s, i)"},
		{"vacuum", "", "vacuum t"},
	}
	failing := func(sql string) string { // the same, failing at the end
		if rest, ok := strings.CutPrefix(sql, "select "); ok {
			return "select 1 / ((select count(*) from (select " + rest + ") z) - 1)"
		}
		return ""
	}
	zero := func(t *testing.T, what string) {
		t.Helper()
		if n := value[int64](t, look, heldNow); n != 0 {
			t.Errorf("%s: %d bytes are held", what, n)
		}
	}
	for _, st := range statements {
		t.Run(st.what, func(t *testing.T) {
			c := connect(t, s)
			if st.setup != "" {
				run(t, c, st.setup, pgx.QueryExecModeSimpleProtocol)
			}
			run(t, c, st.sql, pgx.QueryExecModeSimpleProtocol)
			zero(t, "after it")
			small := []string{"vacuum", "parallel array", "memoize", "deferred checks"} // hold less than is worth counting
			if peak := value[int64](t, look, "select peak from gompho_memory where pid = $1", c.PgConn().PID()); peak == 0 && !slices.Contains(small, st.what) {
				t.Error("nothing was ever on the account")
			}
			for range 3 { // with a kept plan
				run(t, c, st.sql)
				zero(t, "after its kept plan")
			}
			if sql := failing(st.sql); sql != "" {
				if _, err := c.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); err == nil {
					t.Error("no error")
				}
				zero(t, "after its error")
			}
			// Canceled, and with its session ended, while it holds something: a cursor stands in the middle of it.
			if !strings.HasPrefix(st.sql, "select ") {
				return
			}
			run(t, c, "begin")
			run(t, c, "declare c cursor for "+st.sql)
			run(t, c, "fetch c")
			run(t, c, "rollback")
			zero(t, "after its cursor")
			run(t, c, "begin")
			run(t, c, "declare c cursor for "+st.sql)
			run(t, c, "fetch c")
			c.Close(context.Background())
			eventually(t, look, "select server_held = 0 from gompho_memory limit 1")
		})
	}
	for _, end := range []string{"pg_cancel_backend", "pg_terminate_backend"} {
		for _, sql := range []string{"select cardinality(array_agg(i)) from generate_series(1, 1000000000) i",
			parallel + "select count(*) from (select a.i, b.i, count(*) from t a, t b group by 1, 2) x",
			"set work_mem = '2GB'; select count(*) from (select i from generate_series(1, 1000000000) i order by -i offset 0) x"} {
			c := connect(t, s)
			pid := c.PgConn().PID()
			failed := make(chan error, 1)
			go func() {
				_, err := c.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
				failed <- err
			}()
			eventually(t, look, "select coalesce(max(held), 0) > 1000000 from gompho_memory where pid = $1", pid)
			run(t, look, "select "+end+"($1)", pid)
			if err := <-failed; err == nil {
				t.Errorf("%s: no error", end)
			}
			eventually(t, look, "select server_held = 0 from gompho_memory limit 1")
		}
	}
}

// TestMemoryLimitIsASetting: gompho.memory_limit is known, has units, is not for sessions to set, and takes effect at a reload.
func TestMemoryLimitIsASetting(t *testing.T) {
	s := openWith(t, map[string]string{"shared_buffers": "16MB"})
	c := connect(t, s)
	if got := text(t, c, "select setting, unit, context, vartype, boot_val from pg_settings where name = 'gompho.memory_limit'"); got != "(0,8kB,sighup,integer,0)" {
		t.Errorf("pg_settings says %s", got)
	}
	_, err := c.Exec(context.Background(), "set gompho.memory_limit = '1GB'")
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "55P02" {
		t.Errorf("SET: %v", err)
	}
	if got := text(t, c, "select max(server_limit) from gompho_memory"); got != "()" {
		t.Errorf("without a limit: %s", got)
	}
	run(t, c, "alter system set gompho.memory_limit = '80MB'")
	run(t, c, "select pg_reload_conf()")
	eventually(t, c, "select coalesce(max(server_limit), 0) between 40000000 and 60000000 from gompho_memory")
	refused(t, c, "select cardinality(array_agg(i)) from generate_series(1, 100000000) i")
	run(t, c, "alter system reset gompho.memory_limit")
	run(t, c, "select pg_reload_conf()")
	eventually(t, c, "select max(server_limit) is null from gompho_memory")
	if n := value[int](t, c, "select cardinality(array_agg(i)) from generate_series(1, 5000000) i"); n != 5000000 {
		t.Errorf("%d elements without a limit", n)
	}
}

// TestLargeMessages: a message that there is no memory for is read over and refused, the session goes on; one that fits is on the account only while it is there.
func TestLargeMessages(t *testing.T) {
	s := limited(t)
	c, look := connect(t, s), connect(t, s)
	run(t, c, "create table t (s text)")
	_, err := c.Exec(context.Background(), "select length($1::text)", strings.Repeat("x", 100<<20))
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "53200" {
		t.Fatalf("a parameter of 100 MB: %v", err)
	}
	refused(t, c, "select '"+strings.Repeat("x", 60<<20)+"'")
	if n := value[int](t, c, "select length($1::text)", strings.Repeat("x", 8<<20)); n != 8<<20 {
		t.Errorf("a parameter of 8 MB has %d bytes", n)
	}
	_, err = c.PgConn().CopyFrom(context.Background(), strings.NewReader(strings.Repeat("y", 100<<20)+"\n"), "copy t from stdin")
	if !errors.As(err, &e) || e.Code != "53200" {
		t.Errorf("COPY of a line of 100 MB: %v", err)
	}
	if n := value[int](t, c, "select count(*) from t"); n != 0 {
		t.Errorf("%d rows", n)
	}
	if n := value[int64](t, look, heldNow); n != 0 {
		t.Errorf("%d bytes are held", n)
	}
}
