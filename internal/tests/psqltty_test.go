package tests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// interactive starts psql on a terminal, with lists of completions unabridged.
func interactive(t *testing.T, g target) *terminal {
	t.Helper()
	cmd := g.command(t, "psql", "-X", "-d", "postgres")
	rc := filepath.Join(t.TempDir(), "inputrc")
	if err := os.WriteFile(rc, []byte("set completion-query-items 0\nset page-completions off\nset completion-display-width 0\nset bell-style none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "TERM=dumb", "INPUTRC="+rc)
	x := onTerminal(t, cmd)
	x.until("postgres=# ")
	return x
}

// TestPsqlCompletion presses the tab key (it completes what is common, then lists) after many beginnings: the completions are there, and none of the queries behind them fails.
func TestPsqlCompletion(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	s := openLogged(t, true, zap.New(core))
	c := connect(t, s)
	for _, sql := range []string{
		"create schema app", "create table app.far(a int)", "create type mood as enum ('sad', 'happy')", "create type pair as (le int, ri int)",
		"create domain posint as int constraint positive check (value > 0)", "create role ann", "create sequence counter",
		"create table town(id int constraint town_key primary key, name text constraint named check (name <> ''), folk int)",
		"create index town_name on town(name)", "create view villages as select id, name from town where folk < 1000",
		"create table meet(a int)", "comment on table town is 'x'",
	} {
		run(t, c, sql)
	}
	x := interactive(t, targetOf(s))
	for _, k := range completions {
		typed, wants, _ := strings.Cut(k, "|")
		x.keys(typed + "\t\t\t" + "\x15\\echo 'd''one'\n")
		got := strings.ToLower(x.until("d'one"))
		for _, want := range strings.Fields(wants) { // a word completed where it stands, or one candidate on each line
			if !strings.Contains(got, strings.ToLower(want)) {
				t.Errorf("%q completes to %q, without %q", typed, got, want)
			}
		}
		x.until("postgres=# ")
	}
	x.keys("\\q\n")
	x.end()
	if _, err := c.Exec(context.Background(), "select nosuch"); err == nil {
		t.Error("a column that is not there was read")
	}
	var failed []string
	for _, e := range logs.FilterLevelExact(zap.ErrorLevel).All() {
		failed = append(failed, fmt.Sprint(e.Message, e.ContextMap()))
	}
	if len(failed) != 1 || !strings.Contains(failed[0], "nosuch") { // the log would have shown others
		t.Errorf("the log has: %s", strings.Join(failed, "\n"))
	}
}

// TestPsqlInterrupt presses Ctrl-C: the statement ends, the session and its transaction block remain.
func TestPsqlInterrupt(t *testing.T) {
	s := open(t, true)
	look := connect(t, s)
	x := interactive(t, targetOf(s))
	x.keys("begin;\n")
	x.until("postgres=*# ")
	for _, k := range []struct{ sql, busy, prompt string }{
		{"select pg_sleep(100);", "wait_event = 'PgSleep'", "postgres=!# "},
		{"rollback to s; select count(*) from generate_series(1, 100000000000);", "state = 'active' and pid <> pg_backend_pid()", "postgres=!# "},
	} {
		if strings.HasPrefix(k.sql, "rollback") {
			x.keys("rollback;\n")
			x.until("postgres=# ")
			x.keys("begin; savepoint s;\n")
			x.until("postgres=*# ")
		}
		x.keys(k.sql + "\n")
		eventually(t, look, "select exists (select 1 from pg_stat_activity where application_name = 'psql' and query like '%select%' and "+k.busy+")")
		x.keys("\x03")
		if out := x.until(k.prompt); !strings.Contains(out, "ERROR:  canceling statement due to user request") {
			t.Errorf("%s ends with %q", k.sql, out)
		}
	}
	x.keys("rollback; select 41 + 1 as answer;\n")
	if out := x.until("postgres=# "); !strings.Contains(out, "42") {
		t.Errorf("after the interrupts: %q", out)
	}
	x.keys("\\q\n")
	x.end()
}
