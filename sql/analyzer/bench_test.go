package analyzer

import (
	"testing"

	"gompho/sql/parser"
)

func BenchmarkAnalyze(b *testing.B) {
	s := fixture(b)
	for _, c := range []struct{ name, sql string }{
		{"point", "SELECT abalance FROM pgbench_accounts WHERE aid = $1"},
		{"update", "UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2"},
		{"insert", "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP)"},
		{"join", "SELECT e.name, d.name, count(*) FROM emp e JOIN dept d ON d.id = e.dept WHERE e.salary > $1 GROUP BY 1, 2 ORDER BY 3 DESC"},
	} {
		b.Run(c.name, func(b *testing.B) {
			stmts, err := parser.Parse(c.sql)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Analyze(s, &stmts[0], &Params{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
