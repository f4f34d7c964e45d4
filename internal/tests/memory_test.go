package tests

import (
	"context"
	"errors"
	"strings"
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
