package analyzer

import "testing"

func TestPgbenchStatements(t *testing.T) {
	s := fixture(t)
	for _, c := range [][2]string{
		{"SELECT abalance FROM pgbench_accounts WHERE aid = $1", "abalance integer\n$1 integer\n"},
		{"UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2", "no columns\n$1 integer\n$2 integer\n"},
	} {
		if got := describe(s, c[0]); got != c[1] {
			t.Errorf("%s\ngot:  %swant: %s", c[0], got, c[1])
		}
	}
}
