package tests

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestSnapshots passes snapshots between sessions as testdata/snapshots says. Each line is the name of a session and a statement, run in the
// extended protocol when the name begins with "x", and in another database when it begins with "other". "=> v" at the end keeps the first value of
// the result, which $v stands for in later lines; "close" ends a session. The expected outputs are those of PostgreSQL 15: with GOMPHO_REFERENCE
// set, -rewrite takes them from there.
func TestSnapshots(t *testing.T) {
	f := flag.Lookup("rewrite")
	ref, ok := reference(t)
	datadriven.Walk(t, "testdata/snapshots", func(t *testing.T, path string) {
		s := &passing{t: t, g: ref}
		if !ok || f == nil || f.Value.String() != "true" {
			s.g = targetOf(open(t, true))
		}
		s.g.database(t, "snapshots")
		s.g.database(t, "snapshots_other")
		t.Cleanup(s.closeAll)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.closeAll()
			var b strings.Builder
			for _, line := range strings.Split(d.Input, "\n") {
				s.line(&b, line)
			}
			return b.String()
		})
	})
}

var exporterPID = regexp.MustCompile(`PID [0-9]+`)

// passing is a set of sessions and what was kept of their results.
type passing struct {
	t    *testing.T
	g    target
	open map[string]*pgx.Conn
	vars []string // pairs of $name and value
}

func (s *passing) closeAll() {
	for name := range s.open {
		s.close(name)
	}
	s.open, s.vars = map[string]*pgx.Conn{}, nil
}

// close ends a session and waits until the server has seen the last of it.
func (s *passing) close(name string) {
	c := s.open[name]
	delete(s.open, name)
	pid := c.PgConn().PID()
	c.Close(context.Background())
	look := connectTo(s.t, s.g.dsn("postgres"))
	defer look.Close(context.Background())
	for there := true; there; {
		if err := look.QueryRow(context.Background(), "select exists (select from pg_stat_activity where pid = $1)", pid).Scan(&there); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *passing) line(b *strings.Builder, line string) {
	name, sql, _ := strings.Cut(line, ": ")
	fmt.Fprintf(b, "%s\n", line)
	if sql == "close" {
		s.close(name)
		return
	}
	c := s.open[name]
	if c == nil {
		db := "snapshots"
		if strings.HasPrefix(name, "other") {
			db = "snapshots_other"
		}
		c = connectTo(s.t, s.g.dsn(db))
		s.open[name] = c
	}
	sql, keep, _ := strings.Cut(sql, " => ")
	rs := exchange(c.PgConn(), name, strings.NewReplacer(s.vars...).Replace(sql))
	for _, r := range rs {
		switch {
		case r.Err != nil:
			text := errorText(r.Err)
			for i := 0; i < len(s.vars); i += 2 {
				text = strings.ReplaceAll(text, s.vars[i+1], s.vars[i])
			}
			fmt.Fprintf(b, "    %s\n", exporterPID.ReplaceAllString(text, "PID of the exporter"))
		case keep != "":
			if i := slices.Index(s.vars, "$"+keep); i >= 0 {
				s.vars = slices.Delete(s.vars, i, i+2)
			}
			s.vars = append(s.vars, "$"+keep, string(r.Rows[0][0]))
		case len(r.FieldDescriptions) > 0:
			for _, row := range r.Rows {
				fmt.Fprintf(b, "    %s\n", textRow(row))
			}
		}
	}
}

func exchange(c *pgconn.PgConn, name, sql string) []*pgconn.Result {
	if strings.HasPrefix(name, "x") {
		return []*pgconn.Result{c.ExecParams(context.Background(), sql, nil, nil, nil, nil).Read()}
	}
	rs, err := c.Exec(context.Background(), sql).ReadAll()
	if err != nil && (len(rs) == 0 || rs[len(rs)-1].Err == nil) {
		rs = append(rs, &pgconn.Result{Err: err})
	}
	return rs
}

func textRow(row [][]byte) string {
	vals := make([]string, len(row))
	for i, v := range row {
		vals[i] = string(v)
	}
	return strings.Join(vals, "|")
}

func errorText(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return err.Error()
	}
	text := fmt.Sprintf("%s %s: %s", e.Severity, e.Code, e.Message)
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}
