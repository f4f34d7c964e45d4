package tests

import (
	"context"
	"strings"
	"testing"
)

// TestOutgrownPlan: the kept plan of a prepared statement that was right for a small table is made anew when the table has grown, without an ANALYZE.
func TestOutgrownPlan(t *testing.T) {
	s := open(t, false)
	c := connect(t, s)
	run(t, c, "set plan_cache_mode = force_generic_plan")
	run(t, c, "create table t (id int primary key, v text) with (autovacuum_enabled = off)")
	run(t, c, "insert into t select g, repeat('x', 500) from generate_series(1, 10) g")
	run(t, c, "analyze t")
	run(t, c, "prepare p(int) as select v from t where id = $1")
	plan := func() string {
		rows, err := c.Query(context.Background(), "explain (costs off) execute p(1)")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var out []string
		for rows.Next() {
			var l string
			if err := rows.Scan(&l); err != nil {
				t.Fatal(err)
			}
			out = append(out, l)
		}
		return strings.Join(out, "\n")
	}
	if p := plan(); !strings.Contains(p, "Seq Scan") {
		t.Fatalf("the plan for one page is\n%s", p)
	}
	run(t, c, "insert into t select g, repeat('x', 500) from generate_series(11, 2000) g")
	for range 20 {
		run(t, c, "execute p(1)")
	}
	if p := plan(); !strings.Contains(p, "Index Scan") {
		t.Errorf("the plan for 2,000 rows is\n%s", p)
	}
}

// TestDeadRowsAfterPruning: rows that go away when a page is pruned are not dead rows any more, for the views and for autovacuum.
func TestDeadRowsAfterPruning(t *testing.T) {
	s := open(t, false)
	c := connect(t, s)
	run(t, c, "create table t (id int primary key, v int) with (autovacuum_enabled = off)")
	run(t, c, "insert into t values (1, 0)")
	for range 2000 {
		run(t, c, "update t set v = v + 1")
	}
	run(t, c, "select pg_stat_force_next_flush()")
	if dead := value[int64](t, c, "select n_dead_tup from pg_stat_user_tables where relname = 't'"); dead < 0 || dead > 1000 {
		t.Errorf("%d dead rows after 2,000 updates of one row", dead)
	}
	if n := value[int64](t, c, "select n_tup_upd from pg_stat_user_tables where relname = 't'"); n != 2000 {
		t.Errorf("%d updates", n)
	}
}
