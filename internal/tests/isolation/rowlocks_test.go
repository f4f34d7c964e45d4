//go:build linux

package isolation

import (
	"fmt"
	"testing"
)

// TestRowLocksShown: pgrowlocks shows who holds which row and how, alone and in a multixact.
func TestRowLocksShown(t *testing.T) {
	s := openOne(t)
	a, b, look := connectAdmin(t, s.DSN(), s.Dial), connectAdmin(t, s.DSN(), s.Dial), connectAdmin(t, s.DSN(), s.Dial)
	must(t, a, "create table t(a int primary key, v int); insert into t select i, 0 from generate_series(1, 8) i")
	must(t, a, "begin")
	must(t, b, "begin")
	for i, sql := range []string{"select from t where a = %d for key share", "select from t where a = %d for share", "select from t where a = %d for no key update",
		"select from t where a = %d for update", "update t set v = 1 where a = %d", "update t set a = 100 where a = %d", "delete from t where a = %d"} {
		must(t, a, fmt.Sprintf(sql, i+1))
	}
	must(t, b, "select from t where a = 1 for no key update")
	want := fmt.Sprintf(`(0,1) true {Key Share,For No Key Update} {%d,%d}; (0,2) false {For Share} {%[1]d}; (0,3) false {For No Key Update} {%[1]d}; `+
		`(0,4) false {For Update} {%[1]d}; (0,5) false {No Key Update} {%[1]d}; (0,6) false {Update} {%[1]d}; (0,7) false {Update} {%[1]d}`, a.PID(), b.PID())
	show := "select string_agg(format('%s %s %s %s', locked_row, multi::text, replace(modes::text, '\"', ''), pids), '; ' order by locked_row) from pgrowlocks('public.t')"
	if got := field(t, look, show); got != want {
		t.Errorf("pgrowlocks shows\n%s\nwant\n%s", got, want)
	}
	must(t, a, "rollback")
	must(t, b, "rollback")
	if got := field(t, look, "select count(*) from pgrowlocks('t')"); got != "0" {
		t.Errorf("%s rows are shown after the end", got)
	}
	if code, _ := try(look, "select * from pgrowlocks('t_pkey')"); code != "42809" {
		t.Errorf("pgrowlocks of an index gives %q", code)
	}
}
