package tests

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestRequestSteps: gompho_request_steps counts each step of requests, of sessions that run and that have ended, unless it is off.
func TestRequestSteps(t *testing.T) {
	s := open(t, false)
	c, look := connect(t, s), connect(t, s)
	run(t, look, "set gompho.request_steps = off")
	run(t, c, "create table q (a int)")
	run(t, look, "select gompho_request_steps_reset()")
	calls := func(step string) int64 {
		t.Helper()
		return value[int64](t, look, "select calls from gompho_request_steps where datname = current_database() and step = $1", step)
	}
	for range 10 {
		run(t, c, "select a from q where a = 1", pgx.QueryExecModeSimpleProtocol)
	}
	run(t, c, "select a from q where a = $1", 1)
	for step, want := range map[string]int64{"parse": 11, "execute": 11, "accept": 0, "decrypt": 0} {
		if got := calls(step); got < want || want == 0 && got > 0 {
			t.Errorf("%s: %d calls, want %d", step, got, want)
		}
	}
	for _, step := range []string{"read", "decode", "plan", "write"} {
		if calls(step) == 0 {
			t.Errorf("%s was not counted", step)
		}
	}
	if n := value[int](t, look, "select count(*) from gompho_request_steps where calls > 0 and not (total_time > 0 and mean_time <= max_time and p50_time <= p99_time "+
		"and p99_time <= max_time and calls = (select sum(h) from unnest(histogram) h))"); n != 0 {
		t.Errorf("%d rows are not consistent", n)
	}
	before := calls("execute")
	run(t, c, "set gompho.request_steps = off")
	ended := calls("execute")
	run(t, c, "select 1", pgx.QueryExecModeSimpleProtocol)
	if got := calls("execute"); got != ended || ended > before+1 {
		t.Errorf("%d executions were counted while that was off", got-ended)
	}
}
