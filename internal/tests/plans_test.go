package tests

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"gompho"
)

// TestPlans compares the plans and row estimates of queries over small tables with those on record. The comment before each
// query is the plan of PostgreSQL 15 with the same statistics, or says that it is the same and the estimates agree within a factor of two.
func TestPlans(t *testing.T) {
	setup, err := os.ReadFile("../../testdata/plans/setup.sql")
	if err != nil {
		t.Fatal(err)
	}
	s, err := gompho.Open(context.Background(), gompho.Options{Settings: map[string]string{"shared_buffers": "64MB", "autovacuum": "off"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	c := connect(t, s)
	run(t, c, string(setup[:strings.LastIndex(string(setup), "vacuum")]))
	// Plans depend on how many pages are all-visible; a transaction elsewhere may keep a vacuum from seeing that.
	for tries := 0; ; tries++ {
		run(t, c, "vacuum analyze")
		left := 0
		err := c.QueryRow(context.Background(), "select sum(relpages - relallvisible) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace").Scan(&left)
		if err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			break
		}
		if tries == 50 {
			t.Fatalf("%d pages are not all-visible", left)
		}
	}
	run(t, c, "set max_parallel_workers_per_gather = 0")
	costs := regexp.MustCompile(`cost=\S+ (rows=\d+) width=\d+`)
	datadriven.RunTest(t, "../../testdata/plans/plans.txt", func(t *testing.T, d *datadriven.TestData) string {
		rows, err := c.Query(context.Background(), "explain "+d.Input)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		defer rows.Close()
		out := ""
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				d.Fatalf(t, "%v", err)
			}
			out += costs.ReplaceAllString(line, "$1") + "\n"
		}
		if err := rows.Err(); err != nil {
			d.Fatalf(t, "%v", err)
		}
		return out
	})
}
