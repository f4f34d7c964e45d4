package tests

import (
	"fmt"
	"strings"
	"testing"
)

// TestRowQueueOrder: those who wait for a row get it in the order in which they came, also when each of them makes a new version of it, or deletes
// from a join, or only locks it.
func TestRowQueueOrder(t *testing.T) {
	s := waitServer(t)
	holder, look := connect(t, s), connect(t, s)
	run(t, holder, "create table t (id int primary key, v text) with (fillfactor = 20)")
	run(t, holder, "create table u (id int, w int)")
	run(t, holder, "insert into u values (1, 1)")
	run(t, holder, "create index on t (v)") // no update is heap-only
	forms := []string{
		"update t set v = v || ' %d' where id = 1",
		"begin; select * from t where id = 1 for update; update t set v = v || ' %d' where id = 1; commit",
		"update t set v = v || ' %d' from u where u.id = t.id and u.w = 1",
		"begin; select * from t join u using (id) where u.w = 1 for no key update of t; update t set v = v || ' %d'; commit",
	}
	const n = 40
	for _, mix := range [][]string{forms[:1], forms} {
		run(t, holder, "truncate t")
		run(t, holder, "insert into t values (1, 'x')")
		run(t, holder, "begin")
		run(t, holder, "update t set v = v where id = 1")
		var ends [n]chan error
		want := "x"
		for i := range n {
			c := connect(t, s)
			ends[i] = async(c, fmt.Sprintf(mix[i%len(mix)], i))
			eventually(t, look, "select exists (select 1 from pg_locks where pid = $1 and not granted)", int32(c.PgConn().PID()))
			want += fmt.Sprint(" ", i)
		}
		run(t, holder, "commit")
		for i := range n {
			if err := <-ends[i]; err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
		if got := value[string](t, look, "select v from t"); got != want {
			t.Errorf("with %d forms in the order\n%s, want\n%s", len(mix), got, strings.TrimSpace(want))
		}
		if got := value[int64](t, look, "select count(*) from pg_locks where locktype = 'tuple'"); got != 0 {
			t.Errorf("%d tuple locks are left", got)
		}
	}
}
