package main

import (
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	for _, c := range []struct {
		name   string
		events []event
		want   string
		failed bool
		short  string
	}{
		{"passes", []event{{"run", "p", "TestA", ""}, {"output", "p", "TestA", "=== RUN   TestA\n"}, {"output", "p", "TestA", "    a_test.go:3: GOMPHO_SEED=7\n"},
			{"output", "p", "TestA", "    a_test.go:4: result: 5 crashes: 2 early\n"}, {"output", "p", "TestA", "    a_test.go:5: noise\n"}, {"pass", "p", "TestA", ""},
			{"output", "p", "TestB", "    b_test.go:3: GOMPHO_SEED=8\n"}, {"pass", "p", "TestB", ""},
			{"output", "p", "", "PASS\n"}, {"output", "p", "", "ok  \tp\t1s\n"}, {"pass", "p", "", ""}},
			"ok  \tp\t1s\n\tTestA: GOMPHO_SEED=7\n\tTestA: 5 crashes: 2 early\n", false, ""},
		{"fails", []event{{"output", "p", "TestA", "=== RUN   TestA\n"}, {"output", "p", "TestA", "    a_test.go:4: wrong\n"}, {"output", "p", "TestA", "--- FAIL: TestA (0s)\n"},
			{"fail", "p", "TestA", ""}, {"output", "p", "", "FAIL\n"}, {"fail", "p", "", ""}}, "    a_test.go:4: wrong\n--- FAIL: TestA (0s)\nFAIL\n", true, "failed: p TestA\n    a_test.go:4: wrong\n"},
		{"panics", []event{{"output", "p", "TestA", "panic: x\n"}, {"output", "p", "", "FAIL\tp\t0.1s\n"}, {"fail", "p", "", ""}}, "FAIL\tp\t0.1s\npanic: x\n", true, "failed: p TestA\n"},
		{"does not build", []event{{"build-output", "", "", "syntax error\n"}, {"build-fail", "", "", ""}}, "syntax error\n", true, ""},
	} {
		var b strings.Builder
		p := printer{w: &b, logs: map[place][]string{}, told: map[string][]string{}}
		for _, e := range c.events {
			p.take(e)
		}
		if b.String() != c.want || p.failed != c.failed {
			t.Errorf("%s: failed %v, printed\n%s", c.name, p.failed, b.String())
		}
		if short := strings.Join(p.short, ""); short != c.short {
			t.Errorf("%s: in short\n%s", c.name, short)
		}
	}
}
