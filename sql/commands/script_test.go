package commands_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
)

// TestScripts runs the scripts of testdata. Their expected output was recorded from PostgreSQL 15: with GOMPHO_TEST_DSN naming such a
// server (and -rewrite) they run there instead.
//
//	sql        statements in one simple query; prints notices, rows, tags and errors with their fields
//	copyin     COPY ... FROM STDIN in the first line, the data in the lines after it
//	copyout    COPY ... TO STDOUT
func TestScripts(t *testing.T) {
	dsn := os.Getenv("GOMPHO_TEST_DSN")
	if dsn == "" {
		srv, err := gompho.Open(context.Background(), gompho.Options{Listen: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
		})
		dsn = srv.DSN()
	}
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := connect(t, dsn)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return s.run(t, d) })
	})
}

// script is a connection that notes what the server sends.
type script struct {
	conn *pgconn.PgConn
	out  bytes.Buffer
}

// connect makes a database of its own for a script.
func connect(t *testing.T, dsn string) *script {
	ctx := context.Background()
	name := "script_test"
	admin, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"DROP DATABASE IF EXISTS " + name, "CREATE DATABASE " + name} {
		if _, err := admin.Exec(ctx, q).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	admin.Close(ctx)
	s := &script{}
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Database = name
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { s.message((*pgconn.PgError)(n)) }
	if s.conn, err = pgconn.ConnectConfig(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.conn.Close(ctx) })
	return s
}

func (s *script) message(e *pgconn.PgError) {
	fmt.Fprintf(&s.out, "%s %s: %s\n", e.Severity, e.Code, e.Message)
	for _, f := range []struct{ name, text string }{{"DETAIL", e.Detail}, {"HINT", e.Hint}, {"CONTEXT", e.Where}} {
		if f.text != "" {
			fmt.Fprintf(&s.out, "  %s: %s\n", f.name, strings.ReplaceAll(f.text, "\n", "\n  "))
		}
	}
}

func (s *script) failed(err error) {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		s.message(e)
	} else {
		fmt.Fprintf(&s.out, "error: %v\n", err)
	}
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	ctx := context.Background()
	s.out.Reset()
	switch d.Cmd {
	case "sql":
		results, err := s.conn.Exec(ctx, d.Input).ReadAll()
		for _, r := range results {
			s.result(r)
		}
		if err != nil {
			s.failed(err)
		}
	case "copyin":
		stmt, data, _ := strings.Cut(d.Input, "\n")
		if data != "" {
			data += "\n"
		}
		tag, err := s.conn.CopyFrom(ctx, strings.NewReader(strings.ReplaceAll(data, "<TAB>", "\t")), stmt)
		if err != nil {
			s.failed(err)
		} else {
			fmt.Fprintln(&s.out, tag)
		}
	case "copyout":
		tag, err := s.conn.CopyTo(ctx, &s.out, d.Input)
		if err != nil {
			s.failed(err)
		} else {
			fmt.Fprintln(&s.out, tag)
		}
	default:
		t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
	}
	return s.out.String()
}

func (s *script) result(r *pgconn.Result) {
	if len(r.FieldDescriptions) > 0 {
		for i, f := range r.FieldDescriptions {
			if i > 0 {
				s.out.WriteString(" | ")
			}
			s.out.WriteString(f.Name)
		}
		s.out.WriteByte('\n')
	}
	for _, row := range r.Rows {
		for i, v := range row {
			if i > 0 {
				s.out.WriteString(" | ")
			}
			if v == nil {
				s.out.WriteString("NULL")
			} else {
				s.out.WriteString(strings.ReplaceAll(string(v), "\n", "\\n"))
			}
		}
		s.out.WriteByte('\n')
	}
	if r.Err == nil {
		fmt.Fprintln(&s.out, r.CommandTag)
	}
}
