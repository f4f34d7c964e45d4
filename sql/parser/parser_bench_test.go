package parser

import "testing"

func BenchmarkParseSelect(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("SELECT abalance FROM pgbench_accounts WHERE aid = 1"); err != nil {
			b.Fatal(err)
		}
	}
}
