//go:build linux

package isolation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
)

// tableModes are the table-level lock modes from the weakest on; tableConflicts has for each the modes that it excludes, as the
// documentation's table does (chapter "Explicit Locking").
var tableModes = []string{"ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"}

var tableConflicts = []string{
	"       X",
	"      XX",
	"    XXXX",
	"   XXXXX",
	"  XX XXX",
	"  XXXXXX",
	" XXXXXXX",
	"XXXXXXXX",
}

// rowModes and rowConflicts are the same for row-level locks.
var rowModes = []string{"KEY SHARE", "SHARE", "NO KEY UPDATE", "UPDATE"}

var rowConflicts = []string{
	"   X",
	"  XX",
	" XXX",
	"XXXX",
}

// TestTableConflicts takes every pair of table-level modes by two sessions: at once (NOWAIT), by waiting, and with the
// fast path's locks on either side.
func TestTableConflicts(t *testing.T) {
	s := openOne(t)
	a, b, look := connectAdmin(t, s.DSN(), s.Dial), connectAdmin(t, s.DSN(), s.Dial), connectAdmin(t, s.DSN(), s.Dial)
	must(t, a, "create table t(a int)")
	for i, held := range tableModes {
		for j, wanted := range tableModes {
			conflict := tableConflicts[i][j] == 'X'
			if conflict != (tableConflicts[j][i] == 'X') {
				t.Fatalf("the table is not symmetric at %s and %s", held, wanted)
			}
			must(t, a, "begin; lock table t in "+held+" mode")
			must(t, b, "begin")
			code, _ := try(b, "lock table t in "+wanted+" mode nowait")
			if conflict != (code == "55P03") || !conflict && code != "" {
				t.Errorf("%s against %s: NOWAIT gives %q", wanted, held, code)
			}
			must(t, b, "rollback; begin")
			waits(t, look, a, b, "lock table t in "+wanted+" mode", conflict)
			granted := field(t, look, fmt.Sprintf("select string_agg(mode, ',' order by mode) from pg_locks where relation = 't'::regclass and pid = %d and granted", b.PID()))
			if want := strings.ReplaceAll(title(wanted), " ", "") + "Lock"; granted != want {
				t.Errorf("%s after %s: pg_locks shows %q", wanted, held, granted)
			}
			must(t, b, "rollback")
			must(t, a, "rollback")
		}
	}
	if n := field(t, look, "select count(*) from pg_locks where relation = 't'::regclass"); n != "0" {
		t.Errorf("%s locks are left", n)
	}
}

// TestRowConflicts takes every pair of row-level modes by two sessions: at once (NOWAIT and SKIP LOCKED), and by waiting; the holder alone, and
// together with a third who holds the row for KEY SHARE, so that a multixact stands in the row.
func TestRowConflicts(t *testing.T) {
	s := openOne(t)
	a, b, c, look := connectAdmin(t, s.DSN(), s.Dial), connectAdmin(t, s.DSN(), s.Dial), connectAdmin(t, s.DSN(), s.Dial), connectAdmin(t, s.DSN(), s.Dial)
	must(t, a, "create table t(a int primary key); insert into t values (1)")
	for _, multi := range []bool{false, true} {
		for i, held := range rowModes {
			for j, wanted := range rowModes {
				if multi && (rowConflicts[0][i] == 'X' || rowConflicts[0][j] == 'X') {
					continue
				}
				conflict := rowConflicts[i][j] == 'X'
				must(t, c, "begin")
				if multi {
					must(t, c, "select from t for key share")
				}
				must(t, a, "begin; select from t for "+held)
				must(t, b, "begin")
				if code, _ := try(b, "select from t for "+wanted+" nowait"); conflict != (code == "55P03") || !conflict && code != "" {
					t.Errorf("%s against %s (multixact %v): NOWAIT gives %q", wanted, held, multi, code)
				}
				must(t, b, "rollback; begin")
				if _, n := try(b, "select a from t for "+wanted+" skip locked"); conflict != (n == 0) {
					t.Errorf("%s against %s (multixact %v): SKIP LOCKED gives %d rows", wanted, held, multi, n)
				}
				must(t, b, "rollback; begin")
				waits(t, look, a, b, "select a from t for "+wanted, conflict)
				must(t, b, "rollback")
				must(t, a, "rollback")
				must(t, c, "rollback")
			}
		}
	}
}

// waits runs sql in b, which must wait for a if conflict says so; then a rolls back, and the statement has to end well.
func waits(t *testing.T, look, a, b *pgconn.PgConn, sql string, conflict bool) {
	t.Helper()
	done := make(chan string, 1)
	go func() { code, _ := try(b, sql); done <- code }()
	ended, code := false, ""
	blocked := fmt.Sprintf("select pg_isolation_test_session_is_blocked(%d, '{%d}')", b.PID(), a.PID())
	for waiting := false; !ended && !waiting; {
		select {
		case code = <-done:
			ended = true
		default:
			waiting = field(t, look, blocked) == "t"
		}
	}
	if ended == conflict {
		t.Errorf("%s: waited %v, should %v", sql, !ended, conflict)
	}
	must(t, a, "rollback; begin")
	if !ended {
		code = <-done
	}
	if code != "" {
		t.Errorf("%s ends with %s", sql, code)
	}
}

func openOne(t *testing.T) *gompho.Server {
	t.Helper()
	s, err := gompho.Open(context.Background(), gompho.Options{Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// try runs sql and returns its SQLSTATE, or how many rows the last result has.
func try(c *pgconn.PgConn, sql string) (code string, rows int) {
	results, err := c.Exec(context.Background(), sql).ReadAll()
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code, 0
	}
	if err != nil {
		return err.Error(), 0
	}
	return "", len(results[len(results)-1].Rows)
}

// field returns the only value that sql gives.
func field(t *testing.T, c *pgconn.PgConn, sql string) string {
	t.Helper()
	results, err := c.Exec(context.Background(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return string(results[0].Rows[0][0])
}

// title writes words with a capital letter each.
func title(s string) string {
	words := strings.Fields(strings.ToLower(s))
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}
