package tests

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"gompho"
)

// TestLockViewsPrivate: what a session runs is for its own role and pg_read_all_stats to see, everywhere.
func TestLockViewsPrivate(t *testing.T) {
	s := open(t, false)
	admin := connect(t, s)
	for _, sql := range []string{"create role guest", "create role watch in role pg_read_all_stats", "create role teller login", "alter role teller set gompho.lock_wait_min_duration = 0",
		"create table secrets(id int primary key)", "insert into secrets values (1), (2)", "grant all on secrets to teller"} {
		run(t, admin, sql)
	}
	run(t, admin, "alter role teller set deadlock_timeout = '10min'")
	waiter := connectAs(t, s, "teller")
	run(t, admin, "alter role teller set deadlock_timeout = '10ms'") // the one who waits last finds the deadlock
	holder := connectAs(t, s, "teller")
	pid := holder.PgConn().PID()
	run(t, holder, "begin")
	run(t, waiter, "begin")
	run(t, holder, "select * from secrets where id = 1 for update")
	run(t, waiter, "select * from secrets where id = 2 for update")
	answer := make(chan error, 1)
	go func() {
		_, err := waiter.Exec(context.Background(), "delete from secrets where id = 1")
		answer <- err
	}()
	eventually(t, admin, "select count(*) = 2 from gompho_lock_tree")
	see := func(role, what, want string) {
		t.Helper()
		run(t, admin, "set role "+role)
		defer run(t, admin, "reset role")
		if got := value[string](t, admin, what); got != want {
			t.Errorf("%s sees %s, want %s", role, got, want)
		}
	}
	const tree = "select string_agg(query || coalesce(state, '-'), ' / ' order by depth) from gompho_lock_tree"
	const activity = "select string_agg(query || coalesce(state, '-'), ' / ' order by pid desc) from pg_stat_activity where usename = 'teller'"
	hidden := "<insufficient privilege>- / <insufficient privilege>-"
	shown := "select * from secrets where id = 1 for updateidle in transaction / delete from secrets where id = 1active"
	for _, q := range []string{tree, activity} {
		see("guest", q, hidden)
		see("teller", q, shown)
		see("watch", q, shown)
	}
	if _, err := holder.Exec(context.Background(), "select * from secrets where id = 2 for update"); err == nil || !strings.Contains(err.Error(), "deadlock") {
		t.Fatalf("no deadlock: %v", err)
	}
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
	const waits = "select coalesce(max(waiter_query), '-') || ', ' || coalesce(max(blocker_query), '-') || ', ' || coalesce(max(blocker_statements[1]), '-') from gompho_lock_waits where blocker_pid = $1"
	const deadlocks = "select coalesce(min(query), '-') || ', ' || coalesce(min(statements[1]), '-') || ', ' || coalesce(min(row_key), '-') from gompho_deadlocks"
	waitsOf := strings.ReplaceAll(waits, "$1", fmt.Sprint(pid))
	see("guest", waitsOf, "<insufficient privilege>, <insufficient privilege>, -")
	see("guest", deadlocks, "<insufficient privilege>, -, -")
	see("watch", waitsOf, "delete from secrets where id = 1, select * from secrets where id = 1 for update, select * from secrets where id = 1 for update")
	see("watch", deadlocks, "delete from secrets where id = 1, select * from secrets where id = 1 for update, (id)=(1)")
}

func connectAs(t *testing.T, s *gompho.Server, user string) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	cfg.User, cfg.DialFunc = user, s.Dial
	c, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// TestLockViewsPrepared: a prepared transaction stands in the tree as the process 0.
func TestLockViewsPrepared(t *testing.T) {
	s, err := gompho.Open(context.Background(), gompho.Options{Settings: map[string]string{"shared_buffers": "16MB", "max_prepared_transactions": "2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	admin, c := connect(t, s), connect(t, s)
	run(t, c, "create table t(a int)")
	for _, sql := range []string{"begin", "lock table t", "prepare transaction 'p'"} {
		run(t, c, sql)
	}
	run(t, c, "set gompho.lock_wait_min_duration = 0")
	answer := make(chan error, 1)
	go func() {
		_, err := c.Exec(context.Background(), "insert into t values (1)")
		answer <- err
	}()
	eventually(t, admin, "select count(*) = 2 from gompho_lock_tree")
	if got := value[string](t, admin, "select string_agg(trim(concat_ws(' ', depth, blocked_by, lock, mode, blocker_mode)), '; ') from gompho_lock_tree"); got != "0; 1 {0} table public.t RowExclusiveLock AccessExclusiveLock" {
		t.Error(got)
	}
	run(t, admin, "commit prepared 'p'")
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
	if got := value[string](t, admin, "select concat_ws(' ', outcome, blocker_pid, blocker_statements) from gompho_lock_waits"); got != "granted 0 {}" {
		t.Error(got)
	}
}
