package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// lockLog collects the log as JSON objects, one in a line. It encodes an event when it is written: its strings are the server's and change later.
type lockLog struct {
	mu   sync.Mutex // text
	text strings.Builder
}

func (l *lockLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// clear forgets what was logged.
func (l *lockLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

// lines returns the messages about lock waits with their fields, numbers of times taken out, and processes by name.
func (l *lockLog) lines(names map[uint32]string) (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	times := regexp.MustCompile(`after \d+\.\d{3} ms`)
	for _, text := range strings.Split(l.text.String(), "\n") {
		fields := map[string]any{}
		if json.Unmarshal([]byte(text), &fields) != nil {
			continue
		}
		message, _ := fields["message"].(string)
		if !strings.HasPrefix(message, "process ") && message != "deadlock detected" {
			continue
		}
		line := message
		for _, k := range []string{"detail", "context", "statement"} {
			if v, ok := fields[k]; ok && v != "" {
				line += fmt.Sprintf(" | %v", v)
			}
		}
		for pid, name := range names {
			line = regexp.MustCompile(fmt.Sprintf(`\b%d\b`, pid)).ReplaceAllString(line, name)
		}
		line = regexp.MustCompile(`(transaction|relation|database) \d+`).ReplaceAllString(line, "$1 N")
		out = append(out, times.ReplaceAllString(line, "after N ms"))
	}
	return out
}

// TestLockWaitLog: what log_lock_waits makes of waits that are granted, that run into a deadlock, and that a new order of the queue helps.
// The lines are those of PostgreSQL 15 for the same story.
func TestLockWaitLog(t *testing.T) {
	ctx := context.Background()
	logs := &lockLog{}
	s := openLogged(t, false, zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "message"}), zapcore.AddSync(logs), zap.InfoLevel)))
	a, b, c, look := connect(t, s), connect(t, s), connect(t, s), connect(t, s)
	names := map[uint32]string{a.PgConn().PID(): "A", b.PgConn().PID(): "B", c.PgConn().PID(): "C"}
	for _, x := range []*pgx.Conn{a, b, c} {
		run(t, x, "set log_lock_waits = on")
	}
	run(t, a, "create table t (a int primary key, v int)")
	run(t, a, "insert into t values (1, 0), (2, 0)")
	start := func(x *pgx.Conn, sql string) chan error {
		done := make(chan error, 1)
		go func() { _, err := x.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); done <- err }()
		return done
	}
	// logged waits until the log has so many lines with a text.
	logged := func(text string, n int) {
		t.Helper()
		for range 20000 {
			found := 0
			for _, l := range logs.lines(names) {
				if strings.Contains(l, text) {
					found++
				}
			}
			if found >= n {
				return
			}
			value[int](t, look, "select 1")
		}
		t.Fatalf("%q is not logged %d times, but\n%s", text, n, strings.Join(logs.lines(names), "\n"))
	}
	expect := func(story string, want ...string) {
		t.Helper()
		got := logs.lines(names)
		slices.Sort(got) // two processes write in no order
		slices.Sort(want)
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: the log has\n\t%s\nnot\n\t%s", story, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
		logs.clear()
	}

	run(t, a, "begin")
	run(t, a, "update t set v = 1 where a = 1")
	second := start(b, "update t set v = 2 where a = 1")
	logged("still waiting", 1)
	third := start(c, "update t set v = 3 where a = 1")
	logged("still waiting", 2)
	run(t, a, "commit")
	if err := <-second; err != nil {
		t.Error(err)
	}
	if err := <-third; err != nil {
		t.Error(err)
	}
	logged("acquired", 2)
	expect("row",
		`process B still waiting for ShareLock on transaction N after N ms | Process holding the lock: A. Wait queue: B. | while updating tuple (0,1) in relation "t" | update t set v = 2 where a = 1`,
		`process C still waiting for ExclusiveLock on tuple (0,1) of relation N of database N after N ms | Process holding the lock: B. Wait queue: C. | update t set v = 3 where a = 1`,
		`process B acquired ShareLock on transaction N after N ms | while updating tuple (0,1) in relation "t" | update t set v = 2 where a = 1`,
		`process C acquired ExclusiveLock on tuple (0,1) of relation N of database N after N ms | update t set v = 3 where a = 1`)

	for _, x := range []*pgx.Conn{a, b} {
		run(t, x, "begin")
	}
	run(t, a, "select pg_advisory_xact_lock(1)")
	run(t, b, "select pg_advisory_xact_lock(2)")
	second = start(b, "select pg_advisory_xact_lock(1)")
	logged("still waiting", 1)
	if err := <-start(a, "select pg_advisory_xact_lock(2)"); err == nil {
		t.Error("no deadlock")
	}
	run(t, a, "rollback")
	if err := <-second; err != nil {
		t.Error(err)
	}
	logged("acquired", 1)
	expect("deadlock",
		`process B still waiting for ExclusiveLock on advisory lock [5,0,1,1] after N ms | Process holding the lock: A. Wait queue: B. | select pg_advisory_xact_lock(1)`,
		`process A detected deadlock while waiting for ExclusiveLock on advisory lock [5,0,2,1] after N ms | Process holding the lock: B. Wait queue: . | select pg_advisory_xact_lock(2)`,
		"deadlock detected | Process A waits for ExclusiveLock on advisory lock [5,0,2,1]; blocked by process B.\nProcess B waits for ExclusiveLock on advisory lock [5,0,1,1]; blocked by process A.\n"+
			"Process A: select pg_advisory_xact_lock(2)\nProcess B: select pg_advisory_xact_lock(1) | select pg_advisory_xact_lock(2)",
		`process B acquired ExclusiveLock on advisory lock [5,0,1,1] after N ms | select pg_advisory_xact_lock(1)`)
	run(t, b, "rollback")

	// C waits for A to read t; B, who waits for C, holds what A wants: with A's wait ahead of C's there is no deadlock.
	run(t, a, "begin")
	run(t, a, "lock table t in row exclusive mode")
	run(t, b, "begin")
	run(t, b, "select pg_advisory_xact_lock(1)")
	run(t, c, "begin")
	third = start(c, "lock table t in access exclusive mode")
	logged("still waiting", 1)
	second = start(b, "lock table t in access share mode") // behind C
	logged("still waiting", 2)
	first := start(a, "select pg_advisory_xact_lock(1)")
	logged("avoided", 1)
	if err := <-second; err != nil {
		t.Error(err)
	}
	logged("still waiting", 3)
	logged("acquired", 1)
	run(t, b, "commit")
	if err := <-first; err != nil {
		t.Error(err)
	}
	logged("acquired", 2)
	run(t, a, "commit")
	if err := <-third; err != nil {
		t.Error(err)
	}
	run(t, c, "commit")
	logged("acquired", 3)
	expect("new order",
		`process C still waiting for AccessExclusiveLock on relation N of database N after N ms | Process holding the lock: A. Wait queue: C. | lock table t in access exclusive mode`,
		`process B still waiting for AccessShareLock on relation N of database N after N ms | Process holding the lock: A. Wait queue: C, B. | lock table t in access share mode`,
		`process A avoided deadlock for ExclusiveLock on advisory lock [5,0,1,1] by rearranging queue order after N ms | Process holding the lock: B. Wait queue: A. | select pg_advisory_xact_lock(1)`,
		`process A still waiting for ExclusiveLock on advisory lock [5,0,1,1] after N ms | Process holding the lock: B. Wait queue: A. | select pg_advisory_xact_lock(1)`,
		`process B acquired AccessShareLock on relation N of database N after N ms | lock table t in access share mode`,
		`process A acquired ExclusiveLock on advisory lock [5,0,1,1] after N ms | select pg_advisory_xact_lock(1)`,
		`process C acquired AccessExclusiveLock on relation N of database N after N ms | lock table t in access exclusive mode`)
}
