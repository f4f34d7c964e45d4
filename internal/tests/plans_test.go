package tests

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestPlans compares the plans and row estimates of queries over small tables with those on record. The comment before each
// query is the plan of PostgreSQL 15 with the same statistics, or says that it is the same and the estimates agree within a factor of two.
func TestPlans(t *testing.T) {
	setup, err := os.ReadFile("../../testdata/plans/setup.sql")
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, open(t, false))
	run(t, c, string(setup[:strings.LastIndex(string(setup), "vacuum")]))
	run(t, c, "vacuum analyze")
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
