package tests

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5"

	"gompho/internal/pgerr"
)

// TestLockModes holds the table of commands and lock modes: testdata/locks/commands has for each statement the relations that it locks in
// PostgreSQL 15 and the modes, read from pg_locks before the end of the transaction (command locks), or from the wait for a lock that
// another session keeps from a statement that cannot run in a transaction block (command waits). gompho has to lock the same, and
// EXPLAIN (LOCKS) has to say so before.
//
// testdata/locks/differs lists the statements that are known to lock otherwise, and why.
//
// With GOMPHO_REFERENCE set, -rewrite takes the table from PostgreSQL. Objects that are no relations are not in it.
func TestLockModes(t *testing.T) {
	f := flag.Lookup("rewrite")
	rewrite := f != nil && f.Value.String() == "true"
	const path = "testdata/locks/commands"
	ref, ok := reference(t)
	var m lockModes
	if rewrite && ok {
		ref.database(t, "lockmodes")
		m = lockModes{connect: func() *pgx.Conn {
			return connectTo(t, fmt.Sprintf("host=127.0.0.1 port=%d user=%s database=lockmodes", ref.port, ref.user))
		}}
		defer func() {
			m.look.Exec(context.Background(), "drop owned by somebody; drop role somebody")
			m.look.Close(context.Background())
		}()
	} else {
		s := open(t, false)
		m = lockModes{connect: func() *pgx.Conn { return connect(t, s) }, ours: true}
		defer m.rehearseAll(t, path)
	}
	m.look = m.connect()
	text, err := os.ReadFile("testdata/locks/differs")
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Split(string(text), "\n")
	datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
		got := ""
		switch d.Cmd {
		case "setup":
			run(t, m.look, d.Input)
		case "locks":
			got = m.locks(t, d)
		case "waits":
			got = m.waits(t, d)
		default:
			d.Fatalf(t, "unknown command %s", d.Cmd)
		}
		if rewrite {
			return got
		}
		if known := slices.Contains(known, d.Input); known && got == d.Expected {
			m.fail("%s: %s is known to differ, but does not", d.Pos, d.Input)
		} else if got != d.Expected && !known {
			m.fail("%s: %s\nlocks\n%sPostgreSQL\n%s", d.Pos, d.Input, got, d.Expected)
		}
		return d.Expected
	})
	for _, f := range m.failed { // not earlier: a script ends at the first failure
		t.Error(f)
	}
}

func connectTo(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

type lockModes struct {
	connect func() *pgx.Conn
	look    *pgx.Conn
	ours    bool
	c       *pgx.Conn
	failed  []string
}

func (m *lockModes) fail(format string, args ...any) {
	m.failed = append(m.failed, fmt.Sprintf(format, args...))
}

// session returns the session that runs the statements.
func (m *lockModes) session(t *testing.T) *pgx.Conn {
	if m.c == nil {
		m.c = m.connect()
		run(t, m.c, "set client_min_messages = error")
	}
	return m.c
}

// locks runs a statement and lists the locks that it leaves.
func (m *lockModes) locks(t *testing.T, d *datadriven.TestData) string {
	c := m.session(t)
	run(t, c, "begin")
	defer run(t, c, "rollback")
	var said []announced
	if m.ours {
		said = m.announced(t, c, d)
		run(t, c, "rollback; begin")
	}
	if _, err := c.Exec(context.Background(), d.Input, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err.Error() + "\n"
	}
	held := m.held(t, c)
	if m.ours {
		m.compareAnnounced(d, said, held)
	}
	var out []string
	for _, l := range held {
		if l.relation {
			out = append(out, l.mode+" "+l.name)
		}
	}
	slices.Sort(out)
	return strings.Join(append(slices.Compact(out), ""), "\n")
}

// heldLock is a lock of pg_locks.
type heldLock struct {
	mode, name string
	relation   bool
}

// held lists the session's locks on relations and objects beyond the catalogs. Names are those from before the transaction, where there are.
func (m *lockModes) held(t *testing.T, c *pgx.Conn) []heldLock {
	const name = `select case when $2 = 0 then (select relname || '/' || relkind::text from pg_class where oid = $1) else pg_describe_object($2, $1, $3::int) || '/' end`
	rows, err := c.Query(context.Background(), `select coalesce(relation, objid)::oid, coalesce(classid, 0)::oid, coalesce(objsubid, 0)::int, mode from pg_locks
		where pid = pg_backend_pid() and (locktype = 'relation' and relation >= 16384 or locktype = 'object')`)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Oid, Class uint32
		Sub        int32
		Mode       string
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		t.Fatal(err)
	}
	var out []heldLock
	for _, r := range list {
		var n *string
		for _, from := range []*pgx.Conn{m.look, c} {
			if n == nil {
				if err := from.QueryRow(context.Background(), name, r.Oid, r.Class, r.Sub).Scan(&n); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n == nil {
			continue // made and gone again
		}
		at := strings.LastIndexByte(*n, '/')
		kind := (*n)[at+1:]
		out = append(out, heldLock{r.Mode, settleName((*n)[:at]), kind != ""})
	}
	return out
}

var toastName = regexp.MustCompile(`pg_toast_\d+`)

func settleName(n string) string { return toastName.ReplaceAllString(n, "pg_toast_N") }

// announced is a lock that EXPLAIN (LOCKS) tells of.
type announced struct {
	Type        string `json:"Lock Type"`
	Object      string
	Mode        string
	When        string
	Conditional bool
	Released    bool `json:"Released Early"`
}

func (m *lockModes) announced(t *testing.T, c *pgx.Conn, d *datadriven.TestData) []announced {
	var text string
	if err := c.QueryRow(context.Background(), "explain (locks, format json) "+d.Input, pgx.QueryExecModeSimpleProtocol).Scan(&text); err != nil {
		if !strings.HasPrefix(d.Expected, "ERROR") && !strings.Contains(err.Error(), string(pgerr.FeatureNotSupported)) {
			m.fail("%s: explain (locks) %s: %v", d.Pos, d.Input, err)
		}
		run(t, c, "rollback; begin")
		return nil
	}
	var all []struct{ Locks []announced }
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	out := all[0].Locks
	for i := range out {
		if out[i].Type == "relation" { // "table public.t"
			words := strings.Fields(out[i].Object)
			n := words[len(words)-1]
			out[i].Object = n[strings.IndexByte(n, '.')+1:]
		}
		out[i].Object = settleName(out[i].Object)
	}
	return out
}

// compareAnnounced demands that what is held was announced, and what was announced for certain is held.
func (m *lockModes) compareAnnounced(d *datadriven.TestData, said []announced, held []heldLock) {
	for _, h := range held {
		if !slices.ContainsFunc(said, func(a announced) bool { return a.Object == h.name && a.Mode == h.mode }) {
			m.fail("%s: %s takes %s on %s, which EXPLAIN (LOCKS) did not tell", d.Pos, d.Input, h.mode, h.name)
		}
	}
	for _, a := range said {
		if a.Type != "relation" && a.Type != "object" || a.Conditional || a.Released {
			continue
		}
		if !slices.ContainsFunc(held, func(h heldLock) bool { return a.Object == h.name && a.Mode == h.mode }) {
			m.fail("%s: %s does not take %s on %s, as EXPLAIN (LOCKS) told", d.Pos, d.Input, a.Mode, a.Object)
		}
	}
}

// rehearseAll explains every statement of the script again, one after the other, and looks whether anything stays of it.
func (m *lockModes) rehearseAll(t *testing.T, path string) {
	const state = `select 'class', count(*), sum(hashtext(c::text)::bigint) from pg_class c
		union all select 'attribute', count(*), sum(hashtext(a::text)::bigint) from pg_attribute a
		union all select 'index', count(*), sum(hashtext(i::text)::bigint) from pg_index i
		union all select 'constraint', count(*), sum(hashtext(k::text)::bigint) from pg_constraint k
		union all select 'type', count(*), sum(hashtext(y::text)::bigint) from pg_type y
		union all select 'depend', count(*), sum(hashtext(d::text)::bigint) from pg_depend d
		union all select 'inherits', count(*), sum(hashtext(h::text)::bigint) from pg_inherits h
		union all select 'namespace', count(*), sum(hashtext(n::text)::bigint) from pg_namespace n where nspname !~ '^pg_temp'
		union all select 'authid', count(*), sum(hashtext(r::text)::bigint) from pg_roles r
		union all select 'database', count(*), sum(hashtext(b::text)::bigint) from pg_database b
		union all select 'sequence', last_value, is_called::int from s
		union all select 'rows', count(*), sum(hashtext(t::text)::bigint) from t
		union all select 'locks', count(*), 0 from pg_locks where pid = $1`
	c := m.connect()
	run(t, c, "set client_min_messages = error")
	dir := value[string](t, m.look, "select current_setting('data_directory') || '/base/' || oid from pg_database where datname = current_database()")
	fingerprint := func() string {
		rows, err := m.look.Query(context.Background(), state, c.PgConn().PID())
		if err != nil {
			t.Fatal(err)
		}
		type line struct {
			What string
			A, B int64
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[line])
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(list)
	}
	files := func() (names []string) { // of relations, when those that are removed are gone
		run(t, m.look, "checkpoint")
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			if !strings.Contains(f.Name(), "_") {
				names = append(names, f.Name())
			}
		}
		return names
	}
	before, filesBefore := fingerprint(), files()
	datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
		if d.Cmd == "setup" {
			return d.Expected
		}
		if _, err := c.Exec(context.Background(), "explain (locks) "+d.Input, pgx.QueryExecModeSimpleProtocol); err == nil && !strings.HasPrefix(d.Expected, "ERROR") {
			if after := fingerprint(); after != before {
				d.Fatalf(t, "explain (locks) %s leaves something:\n%s\nbefore\n%s", d.Input, after, before)
			}
		}
		return d.Expected
	})
	if after := files(); !slices.Equal(after, filesBefore) {
		t.Errorf("explain (locks) leaves files:\n%v\nbefore\n%v", after, filesBefore)
	}
}

// waits runs a statement that has to wait for a lock of another session, and tells for what.
func (m *lockModes) waits(t *testing.T, d *datadriven.TestData) string {
	var mode, on string
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "mode":
			mode = strings.Join(a.Vals, " ")
		case "on":
			on = a.Vals[0]
		}
	}
	c, other := m.connect(), m.connect()
	defer c.Close(context.Background())
	defer other.Close(context.Background())
	var said []announced
	if m.ours {
		run(t, c, "begin")
		said = m.announced(t, c, d)
		run(t, c, "rollback")
	}
	run(t, other, "begin")
	run(t, other, "lock table "+on+" in "+mode+" mode")
	pid := c.PgConn().PID()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(ctx, d.Input, pgx.QueryExecModeSimpleProtocol)
		done <- err
	}()
	const waiting = `select mode || ' ' || relation::regclass from pg_locks where pid = $1 and not granted and locktype = 'relation'`
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case err := <-done:
			return fmt.Sprintf("did not wait: %v\n", err)
		default:
		}
		var w string
		if err := m.look.QueryRow(context.Background(), waiting, pid).Scan(&w); err != nil {
			continue
		}
		run(t, m.look, "select pg_cancel_backend($1)", pid)
		if err := <-done; err == nil {
			m.fail("%s: %s was not cancelled", d.Pos, d.Input)
		}
		if m.ours && !slices.ContainsFunc(said, func(a announced) bool { return a.Mode+" "+a.Object == w }) {
			m.fail("%s: %s waits for %s, which EXPLAIN (LOCKS) did not tell", d.Pos, d.Input, w)
		}
		return w + "\n"
	}
	t.Fatalf("%s: %s never waited", d.Pos, d.Input)
	return ""
}
