package tests

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestHashMemMultiplier sees a hash join and a hash aggregate go to files, or stay in memory, as hash_mem_multiplier says.
func TestHashMemMultiplier(t *testing.T) {
	c := connect(t, waitServer(t))
	run(t, c, "create table t as select i from generate_series(1, 60000) i", pgx.QueryExecModeSimpleProtocol)
	run(t, c, "set work_mem = '1MB'")
	run(t, c, "set enable_mergejoin = off")
	run(t, c, "set enable_sort = off")
	for _, sql := range []string{"select count(*) from t a join t b on a.i = b.i", "select i, count(*) from t group by i"} {
		for _, k := range []struct {
			factor string
			fits   bool
		}{{"1", false}, {"50", true}} {
			run(t, c, "set hash_mem_multiplier = "+k.factor)
			rows, err := c.Query(context.Background(), "explain (analyze, costs off, timing off, summary off) "+sql)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(lines, "\n"); strings.Contains(text, "Batches: 1 ") != k.fits {
				t.Errorf("hash_mem_multiplier = %s, in memory expected: %v\n%s", k.factor, k.fits, text)
			}
		}
	}
}
