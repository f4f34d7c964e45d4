package tests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
	"gompho/internal/tests/rerun"
)

// endless are statements that would run for minutes, each in a loop of its own. Those with a set-up are prepared for by its statements, in the session.
var endless = []struct{ what, setup, sql string }{
	{"set-returning function", "", "select count(*) from generate_series(1, 1000000000000)"},
	{"set-returning function in the list", "", "select count(*) from (select generate_series(1, 1000000000000)) x"},
	{"nested loop", "", "select count(*) from t a, t b, t c where a.i + b.i + c.i < 0"},
	{"hash join", "set work_mem = '64kB'", "select count(*) from generate_series(1, 300000000) a join generate_series(1, 300000000) b on a = b"},
	{"hash join of one key", "set enable_mergejoin = off; set enable_nestloop = off", "select count(*) from t a join t b on a.one = b.one join t c on c.one = b.one where a.i + b.i + c.i < 0"},
	{"merge join of one key", "set enable_hashjoin = off; set enable_nestloop = off", "select count(*) from t a join t b on a.one = b.one join t c on c.one = b.one where a.i + b.i + c.i < 0"},
	{"sort in memory", "set work_mem = '2GB'", "select * from generate_series(1, 3000000) g order by md5(md5(md5(g::text))) desc, md5(repeat(g::text, 1000))"},
	{"external sort", "set work_mem = '64kB'", "select count(*) from (select g from generate_series(1, 300000000) g order by md5(g::text) offset 0) x"},
	{"hash aggregate", "set work_mem = '64kB'", "select count(*) from (select g % 100000007, count(*) from generate_series(1, 1000000000) g group by 1) x"},
	{"sorted aggregate", "set enable_hashagg = off", "select count(*) from (select g % 100000007, count(*) from generate_series(1, 1000000000) g group by 1) x"},
	{"DISTINCT", "", "select count(distinct g) from generate_series(1, 1000000000) g"},
	{"EXCEPT", "", "select count(*) from (select g from generate_series(1, 1000000000) g except select g from generate_series(1, 1000000000) g) x"},
	{"UNION", "", "select count(*) from (select g from generate_series(1, 1000000000) g union select -g from generate_series(1, 1000000000) g) x"},
	{"window", "", "select count(*) from (select sum(g) over (order by g desc) from generate_series(1, 300000000) g) x"},
	{"window frames", "", "select count(*) from (select max(m) over (order by i rows between 20000 preceding and 20000 following) from t) x"},
	{"recursion", "", "with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r"},
	{"recursion without progress", "", "with recursive r(n) as (select 1 union all select 1 from r) select count(*) from r"},
	{"materialized WITH", "", "with x as materialized (select g from generate_series(1, 1000000000) g) select count(*) from x a, x b"},
	{"array_agg", "", "select cardinality(array_agg(g)) from generate_series(1, 1000000000) g"},
	{"string_agg", "", "select length(string_agg(g::text, ',')) from generate_series(1, 1000000000) g"},
	{"regular expression", "", "select count(*) from t where repeat(m, 3000) ~ '(a|b|ab)*c(d|e)*f$'"},
	{"regexp_replace", "", "select length(regexp_replace(repeat('ab', 3000000), 'a(b)', '\\1x', 'g'))"},
	{"a search of a long text", "", "select count(*) from t where regexp_count(repeat(m, 1000000), '(?n)^x|b(?=c)') < 0"},
	{"replace", "", "select count(*) from t where replace(repeat(m, 1000000), 'a', 'b') = ''"},
	{"LIKE", "", "select count(*) from t where repeat(m, 1000000) like '%a_b_c%d_e_f%zz'"},
	{"a template of to_char", "", "select length(to_char(now(), repeat('YYYY MM', 20000000)))"},
	{"a text taken apart", "", "select count(*) from t where cardinality(string_to_array(repeat(m, 300000), 'a')) < 0"},
	{"arrays compared as sets", "", "select (select array_agg(i) from t) && (select array_agg(-a.i) from t a, generate_series(1, 10))"},
	{"elements of an array read", "", "select count(*) from t where cardinality(('{' || repeat(m || ',', 1000000) || '1}')::text[]) < 0"},
	{"an array written", "", "select count(*) from t where length(array_fill(m, array[3000000])::text) < 0"},
	{"an array extended", "", "select count(*) from t where cardinality(array_append(array_fill(i, array[20000000]), 1)) < 0"},
	{"= ANY of a long array", "", "select count(*) from t where -i = any((select array_agg(a.i) from t a, generate_series(1, 40))::int[])"},
	{"unnest", "", "select count(*) from t, unnest(array_fill(i, array[10000000])) u where u < 0"},
	{"quoting", "", "select count(*) from t where quote_literal(repeat(m || '''', 1000000)) = '' or quote_ident(repeat(m, 1000000)) = ''"},
	{"format", "", "select count(*) from t where format('%s%L%I', repeat(m, 1000000), repeat(m, 1000000), repeat(m, 1000000)) = ''"},
	{"decode", "", "select count(*) from t where decode(repeat(m, 3000000), 'hex') = '' or decode(repeat(m, 3000000), 'base64') = ''"},
	{"bytea", "", "select count(*) from t where repeat(m, 3000000)::bytea::text = ''"},
	{"JSON", "", "select count(*) from t where to_json(repeat(m, 3000000))::text = ''"},
	{"a sort of long values", "", "select count(*) from (select repeat('a', 10000000) || m as v from t order by v) x"},
	{"DISTINCT of long values", "", "select count(*) from (select distinct repeat('a', 10000000) || m as v from t) x"},
	{"a digest", "", "select count(*) from t where sha512(repeat(m, 1000000)::bytea) = ''"},
	{"planning with little effort", "", manyJoins(60)},
	{"numeric", "", "select sum(exp(((i % 1000) + 1)::numeric / 7)) from t a, generate_series(1, 1000)"},
	{"a long numeric", "", "select sqrt(2 * 10::numeric ^ 100000) * i from t"},
	{"strings", "", "select count(*) from t where md5(repeat(m, 3000)) = ''"},
	{"lateral", "", "select count(*) from t, lateral (select count(*) from t u where u.i > t.i) x"},
	{"correlated subquery", "", "select count(*) from t where (select count(*) from t u where u.i > t.i) < 0"},
	{"NOT IN", "set work_mem = '64kB'", "select count(*) from t where i not in (select g from generate_series(1000000, 100000000) g)"},
	{"catalogs", "", "select count(*) from pg_attribute a, pg_attribute b, pg_attribute c where a.attnum + b.attnum + c.attnum < -1000000"},
	{"a view of locks", "", "select count(*) from pg_locks a, generate_series(1, 1000000000)"},
	{"bitmap scan", "set enable_seqscan = off; set enable_indexscan = off", "select count(*) from generate_series(1, 100000000) g, lateral (select m from t where i between 1 and 50000 and length(m) > g) x"},
	{"index-only scan", "set enable_seqscan = off; set enable_bitmapscan = off", "select count(*) from generate_series(1, 100000000) g, lateral (select i from t where i > 0 and i + g < 0) x"},
	{"parallel scan", "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0", "select count(*) from t where md5(repeat(m, 3000)) = ''"},
	{"append", "", "select count(*) from (select * from t union all select * from t) a, (select * from t union all select * from t) b"},
	{"INSERT", "", "insert into sink select g, g::text from generate_series(1, 1000000000) g"},
	{"INSERT with ON CONFLICT", "", "insert into keyed select g % 10 from generate_series(1, 1000000000) g on conflict do nothing"},
	{"UPDATE", "", "update t set m = md5(repeat(m, 3000))"},
	{"DELETE", "", "delete from t where md5(repeat(m, 3000)) <> ''"},
	{"RETURNING", "", "insert into sink select g, g::text from generate_series(1, 1000000000) g returning a"},
	{"CREATE TABLE AS", "", "create table other as select g from generate_series(1, 1000000000) g"},
	{"CREATE INDEX", "", "create index on t (md5(repeat(m, 3000)))"},
	{"CREATE INDEX CONCURRENTLY", "", "create index concurrently on t (md5(repeat(m, 3000)))"},
	{"rewrite", "", "alter table t alter m type text using md5(repeat(m, 3000))"},
	{"CHECK", "", "alter table t add check (md5(repeat(m, 3000)) <> '')"},
	{"CLUSTER", "set vacuum_cost_delay = 0", "cluster slow using slow_idx"},
	{"REFRESH", "", "refresh materialized view mat"},
	{"VACUUM", "set vacuum_cost_delay = 100; set vacuum_cost_limit = 1", "vacuum (disable_page_skipping) t"},
	{"ANALYZE", "set vacuum_cost_delay = 100; set vacuum_cost_limit = 1", "analyze t"},
	{"COPY from a query", "", "copy (select * from generate_series(1, 1000000000)) to stdout"},
	{"cursor", "begin; declare x cursor for select g from generate_series(1, 1000000000) g where g < 0", "fetch 1 from x"},
	{"cursor WITH HOLD", "", "declare x cursor with hold for select g from generate_series(1, 1000000000) g where g < 0"},
	{"EXPLAIN ANALYZE", "", "explain analyze select count(*) from t a, t b, t c where a.i + b.i + c.i < 0"},
	{"planning", "set join_collapse_limit = 100; set geqo = off", manyJoins(18)},
	{"a lock", "", "select count(*) from locked"},
	{"a row lock", "", "update locked set a = a + 1"},
	{"an advisory lock", "", "select pg_advisory_lock(1)"},
	{"pg_sleep", "", "select pg_sleep(1000)"},
}

// manyJoins joins each of n copies of t with each other.
func manyJoins(n int) string {
	var from, where []string
	for i := range n {
		from = append(from, fmt.Sprintf("t t%d", i))
		for k := range i {
			where = append(where, fmt.Sprintf("t%d.i = t%d.one + %d", i, k, k))
		}
	}
	return "select count(*) from " + strings.Join(from, ", ") + " where " + strings.Join(where, " and ")
}

// noticeBound is how long a statement may take to notice, beyond what the machine lets goroutines wait that have something to do: the median of the
// tries, of which there are more when the first ones are late. No single try may take cancelBound.
const (
	noticeBound = 100 * time.Millisecond
	handOffs    = 3 // goroutines between a request and its answer that may have to wait: of the timer, of the session, of the client
	moreTries   = 6
	cancelBound = 10 * time.Second
)

// lateness measures for how long goroutines that could run do not: the longest time by which a ticker was late since the last call of the function
// that it returns.
func lateness(t *testing.T) (worst func() time.Duration) {
	const every = 2 * time.Millisecond
	var most atomic.Int64
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			now := time.Now()
			if late := int64(now.Sub(last) - every); late > most.Load() {
				most.Store(late)
			}
			last = now
		}
	}()
	t.Cleanup(func() {
		close(done)
		<-gone
	})
	return func() time.Duration { return time.Duration(most.Swap(0)) }
}

// median returns the one in the middle.
func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

// discard runs sql and throws its rows away.
func discard(c *pgx.Conn, sql string) error {
	if strings.HasPrefix(sql, "copy") {
		_, err := c.PgConn().CopyTo(context.Background(), io.Discard, sql)
		return err
	}
	r := c.PgConn().Exec(context.Background(), sql)
	for r.NextResult() {
		for rows := r.ResultReader(); rows.NextRow(); {
		}
	}
	return r.Close()
}

// TestCancelEverywhere ends statements in the middle of each kind of loop: by a timeout, by pg_cancel_backend and by pg_terminate_backend. The session
// goes on after the first two. GOMPHO_SEED repeats the timeouts of a run.
func TestCancelEverywhere(t *testing.T) {
	s := waitServer(t)
	look := connect(t, s)
	for _, sql := range []string{
		"create table t as select i, md5(i::text) as m, 1 as one from generate_series(1, 50000) i", "create index on t (i)",
		"create table sink (a int, b text)", "create table keyed (a int primary key)", "create table locked as select 1 as a",
		"create table slow as select * from t", "create index slow_idx on slow (md5(m))", "alter table slow add gen text",
		"create materialized view mat as select count(*) from generate_series(1, 1000000000) g with no data", "vacuum analyze t",
	} {
		if _, err := look.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	holder := connect(t, s)
	run(t, holder, "begin")
	run(t, holder, "lock table locked")
	run(t, holder, "select pg_advisory_lock(1)")
	seed := rerun.Seed(t)
	rng, late, count, slowest := rand.New(rand.NewPCG(seed, 0)), lateness(t), 0, time.Duration(0)
	for _, k := range endless {
		c := connect(t, s)
		again := func() { // a cursor is gone with its transaction
			if k.what == "cursor" {
				run(t, c, "rollback")
				run(t, c, k.setup, pgx.QueryExecModeSimpleProtocol)
			}
		}
		if k.setup != "" {
			run(t, c, k.setup, pgx.QueryExecModeSimpleProtocol)
		}
		limit := func() time.Duration { return time.Duration(10+rng.IntN(50)) * time.Millisecond }
		late()
		tries := []time.Duration{timeOut(t, c, k.what, k.sql, limit())}
		again()
		tries = append(tries, interrupt(t, s, c, look, k.what, k.sql, "pg_cancel_backend", "57014"))
		again()
		for more := 0; more < moreTries && median(tries) > noticeBound; more++ {
			tries = append(tries, timeOut(t, c, k.what, k.sql, limit()))
			again()
		}
		tries = append(tries, interrupt(t, s, c, look, k.what, k.sql, "pg_terminate_backend", "57P01"))
		eventually(t, look, "select not exists (select 1 from pg_stat_activity where pid = $1)", int32(c.PgConn().PID()))
		got, waits := median(tries), late()
		if got > noticeBound+handOffs*waits {
			t.Errorf("%s took %v to notice, in the median of %v; goroutines waited %v at most (seed %d)", k.what, got, tries, waits, seed)
		}
		if count += len(tries); got > slowest {
			slowest = got
			t.Logf("%s took %v to notice", k.what, got)
		}
	}
	run(t, holder, "rollback")
	if got := value[int64](t, look, "select count(*) from pg_locks where pid not in (pg_backend_pid(), $1)", int32(holder.PgConn().PID())); got != 0 {
		t.Errorf("%d locks are left", got)
	}
	rerun.Told(t, "%d statements were ended %d times, the slowest noticed after %v in the median", len(endless), count, slowest)
}

// timeOut runs sql under statement_timeout and returns how much longer it took.
func timeOut(t *testing.T, c *pgx.Conn, what, sql string, limit time.Duration) time.Duration {
	t.Helper()
	run(t, c, "set statement_timeout = "+fmt.Sprint(limit.Milliseconds()))
	begin := time.Now()
	err := discard(c, sql)
	took := time.Since(begin) - limit
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "57014" || e.Message != "canceling statement due to statement timeout" {
		t.Errorf("%s under a timeout: %v", what, err)
	}
	if took > cancelBound {
		t.Errorf("%s took %v to notice the timeout", what, took)
	}
	if what != "cursor" {
		if _, err := c.Exec(context.Background(), "reset statement_timeout"); err != nil {
			t.Errorf("%s: the session after the timeout: %v", what, err)
		}
	} else {
		run(t, c, "rollback")
		run(t, c, "begin")
		run(t, c, "set local statement_timeout = 0")
	}
	return took
}

// interrupt runs sql, ends it by a function when it is seen to run, and wants an error of the code. It returns how long that took.
func interrupt(t *testing.T, s *gompho.Server, c, look *pgx.Conn, what, sql, function, code string) time.Duration {
	t.Helper()
	pid := int32(c.PgConn().PID())
	done := make(chan error, 1)
	go func() { done <- discard(c, sql) }()
	eventually(t, look, "select exists (select 1 from pg_stat_activity where pid = $1 and state = 'active' and left(query, 500) = left($2, 500))", pid, sql)
	begin := time.Now()
	run(t, look, "select "+function+"($1)", pid)
	err := <-done
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s after %s: %v", what, function, err)
	}
	took := time.Since(begin)
	if took > cancelBound {
		t.Errorf("%s took %v to notice %s", what, took, function)
	}
	if code == "57014" && what != "cursor" {
		if _, err := c.Exec(context.Background(), "select 1"); err != nil {
			t.Errorf("%s: the session after %s: %v", what, function, err)
		}
	}
	return took
}
