package postmaster_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"gompho/backend"
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/postmaster"
	"gompho/session"
	"gompho/sql/ast"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/storage/buffer"
	"gompho/types"
)

// trap is an engine with bugs on demand.
type trap struct {
	backend.Engine
	s *session.Session
	// spring is called before a statement is analyzed.
	spring func(s *session.Session, sql string)
}

func (e trap) Analyze(s *session.Session, raw *ast.RawStmt, sql string, types []ids.Oid, infer bool) ([]*query.Query, []ids.Oid, error) {
	e.spring(s, sql)
	return e.Engine.Analyze(s, raw, sql, types, infer)
}

// Start wraps the execution of statements that name the table bug.
func (e trap) Start(s *session.Session, st *plan.Statement, params []types.Datum, snap *mvcc.Snapshot) (backend.Exec, error) {
	x, err := e.Engine.Start(s, st, params, snap)
	if err == nil && strings.Contains(s.QueryText, "midway") {
		return &midway{Exec: x}, nil
	}
	return x, err
}

// midway panics after the first rows, while the scan below holds its page.
type midway struct {
	backend.Exec
	calls int
}

func (m *midway) Next(max int) (*types.Batch, error) {
	if m.calls++; m.calls > 1 {
		panic("midway")
	}
	return m.Exec.Next(1)
}

func withTrap(spring func(s *session.Session, sql string)) postmaster.Options {
	return postmaster.Options{Engine: func(s *session.Session, e backend.Engine) backend.Engine {
		return trap{Engine: e, s: s, spring: spring}
	}}
}

// pinned pins a page of the table t and returns it.
func pinned(s *session.Session) buffer.Buf {
	var rel *ids.RelFile
	oid, _ := s.Cat.LookupName(types.RegClass, "t")
	if r, err := s.Cat.Relation(oid); err == nil && r != nil {
		rel = &r.File
	}
	b, err := s.Heap.Pool.Read(s.Slot, *rel, ids.MainFork, 0, nil)
	if err != nil {
		panic(err)
	}
	return b
}

// TestPlainPanic: a bug that has damaged nothing ends its session with XX000; pins, locks, snapshots and the transaction are gone
// with it, other sessions do not notice.
func TestPlainPanic(t *testing.T) {
	pm, log := start(t, withTrap(func(_ *session.Session, sql string) {
		if strings.Contains(sql, "plain bug") {
			panic("a plain bug")
		}
	}))
	other := connect(t, pm)
	run(t, other, "create table t as select g as a from generate_series(1, 1000) g")
	for _, sql := range []string{"select 'plain bug'", "select 1 as midway, a from t"} {
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec, pgx.QueryExecModeDescribeExec} {
			c := connect(t, pm)
			run(t, c, "begin")
			run(t, c, "lock table t in share mode")
			run(t, c, "insert into t values (-1)")
			run(t, c, "create temp table leftover(a int)")
			run(t, c, "declare cur cursor for select a from t")
			run(t, c, "fetch 3 from cur")
			if _, err := c.Exec(context.Background(), sql, mode); code(err) != "XX000" {
				t.Errorf("%s: %v", sql, err)
			}
			if err := c.Ping(context.Background()); err == nil {
				t.Error("the session lives on")
			}
		}
	}
	eventually(t, other, "select count(*) = 0 from pg_locks where relation = 't'::regclass")
	eventually(t, other, "select count(*) = 1 from pg_stat_activity where backend_type = 'client backend'")
	run(t, other, "vacuum t") // needs that nobody has a page of it pinned, nor an old snapshot
	if n := value[int](t, other, "select count(*) from t"); n != 1000 {
		t.Errorf("%d rows", n)
	}
	if n := value[int](t, other, "select count(*) from pg_class where relname = 'leftover'"); n != 0 {
		t.Error("a temporary table is left")
	}
	log.inOrder(t, "client backend FATAL:  internal error: a plain bug", "BACKTRACE:", "STATEMENT:  select 'plain bug'")
	if strings.Contains(log.text(), "terminating any other active server processes") {
		t.Error("a plain bug took the server down")
	}
}

// TestDamage: a bug with a page latched, or one that leaves a pin behind, may have damaged what all share: everybody goes, recovery runs,
// and the server lives.
func TestDamage(t *testing.T) {
	for name, bug := range map[string]func(s *session.Session){
		"pin":   func(s *session.Session) { pinned(s) },
		"latch": func(s *session.Session) { b := pinned(s); b.Lock(buffer.Exclusive) },
	} {
		t.Run(name, func(t *testing.T) {
			pm, log := start(t, withTrap(func(s *session.Session, sql string) {
				if strings.Contains(sql, "damage") {
					bug(s)
					panic("damage")
				}
			}))
			a, b := connect(t, pm), connect(t, pm)
			run(t, a, "create table t as select g as a from generate_series(1, 1000) g")
			run(t, b, "begin")
			run(t, b, "insert into t values (-1)")
			if _, err := a.Exec(context.Background(), "select 'damage'"); err == nil {
				t.Error("the statement succeeds")
			}
			_, err := b.Exec(context.Background(), "select 1")
			if err == nil {
				t.Error("another session survives")
			} else if got := code(err); len(got) == 5 && got != "57P02" {
				t.Errorf("another session gets %s", got)
			}
			log.await(t, "reinitializing")
			c := reconnect(t, pm)
			if n := value[int](t, c, "select count(*) from t"); n != 1000 {
				t.Errorf("%d rows", n)
			}
			log.inOrder(t, "postmaster LOG:  server process crashed", "DETAIL:  damage", "terminating any other active server processes",
				"all server processes terminated; reinitializing", "automatic recovery in progress", "redo done at", "database system is ready to accept connections")
		})
	}
}

// reconnect connects as soon as the server takes connections again.
func reconnect(t *testing.T, pm *postmaster.Postmaster) *pgx.Conn {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if c, err := dial(pm, "postgres"); err == nil {
			t.Cleanup(func() { c.Close(context.Background()) })
			return c
		} else if got := code(err); got != "57P03" {
			t.Fatalf("while it recovers: %v", err)
		}
	}
	t.Fatal("the server does not come back")
	return nil
}

// TestManyCrashes: the cycle can be gone through again and again, under load, without losing what was committed.
func TestManyCrashes(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	var armed atomic.Bool
	o := postmaster.Options{Critical: func() {
		if armed.CompareAndSwap(true, false) {
			panic("forced by the test")
		}
	}}
	pm, _ := start(t, o)
	c := connect(t, pm)
	run(t, c, "create table t(a int primary key)")
	rows := 0
	for round := range 5 {
		for range 20 {
			run(t, c, "insert into t select max(a) + 1 from (select a from t union all select 0) x")
			rows++
		}
		armed.Store(true)
		if _, err := c.Exec(context.Background(), "insert into t values (-1)"); err == nil {
			t.Fatal("the statement whose process panicked succeeds")
		}
		c = reconnect(t, pm)
		if n := value[int](t, c, "select count(*) from t"); n != rows {
			t.Fatalf("round %d: %d rows, want %d", round, n, rows)
		}
	}
}

// TestNoRestart: with restart_after_crash off the server ends, and says why.
func TestNoRestart(t *testing.T) {
	o := withTrap(func(s *session.Session, sql string) {
		if strings.Contains(sql, "damage") {
			pinned(s)
			panic("damage")
		}
	})
	o.Settings = []string{"restart_after_crash=off"}
	pm, log := start(t, o)
	c := connect(t, pm)
	run(t, c, "create table t(a int)")
	run(t, c, "insert into t values (1)")
	c.Exec(context.Background(), "select 'damage'")
	select {
	case <-pm.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not end")
	}
	log.inOrder(t, "shutting down because restart_after_crash is off", "database system is shut down")
}
