package analyzer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/deparse"
	"gompho/sql/parser"
	"gompho/sql/query"
)

// TestStatements compares the analysis of statements with what PostgreSQL 15 says of them: result columns, parameter
// types, or the error. To record the outcomes anew, run with -rewrite and GOMPHO_REFERENCE set to the DSN of a
// PostgreSQL 15 database that has the tables of testdata/schema.sql.
func TestStatements(t *testing.T) {
	ref := reference(t)
	s := fixture(t)
	datadriven.Walk(t, "testdata/statements", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if ref != nil {
				return describeByReference(s, ref, d.Input)
			}
			return describe(s, d.Input)
		})
	})
}

// reference connects to the PostgreSQL server to record from; nil when there is none.
func reference(t *testing.T) *pgconn.PgConn {
	dsn := os.Getenv("GOMPHO_REFERENCE")
	if dsn == "" {
		return nil
	}
	c, err := pgconn.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// TestViews compares the definitions of views with PostgreSQL's pg_get_viewdef, plain and pretty. It is recorded as
// TestStatements is. Each definition that is printed must also be understood and printed again the same.
func TestViews(t *testing.T) {
	ref := reference(t)
	s := fixture(t)
	datadriven.Walk(t, "testdata/views", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if ref != nil {
				return viewByReference(t, ref, d.Input)
			}
			plain, pretty := viewText(t, s, d.Input)
			// A first reading may flatten nested ANDs; a second one must find nothing to change.
			once, _ := viewText(t, s, plain)
			if again, _ := viewText(t, s, once); again != once {
				t.Errorf("%s: the text changes when it is read back:\n%s\n%s", d.Pos, once, again)
			}
			return plain + "\n" + pretty + "\n"
		})
	})
}

func viewText(t *testing.T, s *Session, sql string) (plain, pretty string) {
	t.Helper()
	stmts, err := parser.Parse(sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	sel := stmts[0].Stmt.(*ast.SelectStmt)
	q, err := View(s, &ast.ViewStmt{View: &ast.RangeVar{Relname: "dv", Relpersistence: 'p'}, Query: sel})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	stored, err := query.DecodeQuery(query.Encode(q))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range visibleTargets(q.TargetList) {
		names = append(names, c.Resname)
	}
	if plain, err = deparse.Query(s.Cat, s.Env, stored, names, false, 0); err != nil {
		t.Fatal(err)
	}
	if pretty, err = deparse.Query(s.Cat, s.Env, stored, names, true, 0); err != nil {
		t.Fatal(err)
	}
	return plain + ";", pretty + ";"
}

func viewByReference(t *testing.T, c *pgconn.PgConn, sql string) string {
	t.Helper()
	ctx := context.Background()
	if _, err := c.Exec(ctx, "DROP VIEW IF EXISTS dv; CREATE VIEW dv AS "+sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	res, err := c.Exec(ctx, "SELECT pg_get_viewdef('dv'::regclass), pg_get_viewdef('dv'::regclass, true)").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return string(res[0].Rows[0][0]) + "\n" + string(res[0].Rows[0][1]) + "\n"
}

func describeByReference(s *Session, c *pgconn.PgConn, sql string) string {
	d, err := c.Prepare(context.Background(), "", sql, nil)
	if err != nil {
		var e *pgconn.PgError
		if !errors.As(err, &e) {
			return err.Error()
		}
		return errorText(e.Code, e.Message, e.Detail, e.Hint, int(e.Position))
	}
	var cols []string
	for _, f := range d.Fields {
		cols = append(cols, fmt.Sprintf("%s %s", f.Name, s.Cat.FormatType(ids.Oid(f.DataTypeOID), f.TypeModifier)))
	}
	var params []ids.Oid
	for _, p := range d.ParamOIDs {
		params = append(params, ids.Oid(p))
	}
	return describeText(s, cols, params)
}

func describe(s *Session, sql string) string {
	stmts, err := parser.Parse(sql)
	if err == nil {
		params := &Params{}
		var q *query.Query
		if q, err = Analyze(s, &stmts[0], params); err == nil {
			return describeText(s, columnsOf(s, q), params.Types)
		}
	}
	e := pgerr.From(err)
	pos := e.Position
	if pos > 0 {
		pos = len([]rune(sql[:pos-1])) + 1
	}
	return errorText(string(e.Code), e.Message, e.Detail, e.Hint, pos)
}

func columnsOf(s *Session, q *query.Query) []string {
	list := q.TargetList
	if q.CommandType != query.CmdSelect {
		list = q.ReturningList
	}
	var cols []string
	for _, c := range visibleTargets(list) {
		cols = append(cols, fmt.Sprintf("%s %s", c.Resname, s.Cat.FormatType(c.Expr.Type(), c.Expr.Typmod())))
	}
	return cols
}

func describeText(s *Session, cols []string, params []ids.Oid) string {
	out := strings.Join(cols, ", ")
	if out == "" {
		out = "no columns"
	}
	for i, p := range params {
		out += fmt.Sprintf("\n$%d %s", i+1, s.Cat.TypeName(p))
	}
	return out + "\n"
}

func errorText(code, msg, detail, hint string, pos int) string {
	out := fmt.Sprintf("%s at %d: %s\n", code, pos, msg)
	if detail != "" {
		out += "DETAIL: " + detail + "\n"
	}
	if hint != "" {
		out += "HINT: " + hint + "\n"
	}
	return out
}
