package tests

import (
	_ "embed"
	"strings"
	"testing"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/analyzer"
	"gompho/sql/ast"
	"gompho/sql/parser"
	"gompho/types"
)

// viewColumns lists the columns of PostgreSQL 15's system views.
//
//go:embed testdata/view_columns.tsv
var viewColumns string

type namesEnv struct {
	types.Env
	cat *catalog.Session
}

func (e namesEnv) LookupName(k types.RegKind, name string) (ids.Oid, error) {
	return e.cat.LookupName(k, name)
}
func (e namesEnv) ObjectName(k types.RegKind, o ids.Oid) (string, bool) {
	return e.cat.ObjectName(k, o)
}

// TestSystemViews analyzes the definitions of all system views and compares their columns with PostgreSQL's.
func TestSystemViews(t *testing.T) {
	cat, err := catalog.NewInMemoryBoot()
	if err != nil {
		t.Fatal(err)
	}
	s := &analyzer.Session{Cat: cat, Env: namesEnv{types.DefaultEnv, cat}}
	scripts, err := catalog.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, sc := range scripts {
		cat.SetSearchPath(sc.SearchPath)
		stmts, err := parser.Parse(sc.SQL)
		if err != nil {
			t.Fatalf("%s: %v", sc.Name, err)
		}
		for _, st := range stmts {
			v, ok := st.Stmt.(*ast.ViewStmt)
			if !ok {
				continue
			}
			name := sc.SearchPath[0] + "." + v.View.Relname
			cols, err := makeView(s, cat, v)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got[name] = cols
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(viewColumns), "\n") {
		name, want, _ := strings.Cut(line, "\t")
		want = strings.ReplaceAll(want, " information_schema.", " ") // which is in the search path here
		if cols, ok := got[name]; !ok {
			t.Errorf("there is no view %s", name)
		} else if cols != want {
			t.Errorf("%s has columns\n%s\nPostgreSQL's are\n%s", name, cols, want)
		}
		delete(got, name)
	}
	for name := range got {
		if strings.HasPrefix(name, "pg_catalog.gompho_") || name == "pg_catalog.pg_buffercache" || strings.HasPrefix(name, "pg_catalog.pg_stat_statements") {
			continue // views of things that PostgreSQL does not show, or only in an extension
		}
		t.Errorf("PostgreSQL has no view %s", name)
	}
}

// makeView creates a view in memory and returns its columns.
func makeView(s *analyzer.Session, cat *catalog.Session, v *ast.ViewStmt) (string, error) {
	q, err := analyzer.View(s, v)
	if err != nil {
		return "", err
	}
	ns, err := cat.CreationNamespace()
	if err != nil {
		return "", err
	}
	n := &catalog.NewRelation{Name: v.View.Relname, Namespace: ns, Owner: ids.BootstrapRole, Kind: 'v', Persistence: 'p'}
	var cols []string
	for _, te := range q.TargetList {
		if te.Resjunk {
			continue
		}
		typ, err := cat.Type(te.Expr.Type())
		if err != nil {
			return "", err
		}
		a := typ.Attr(te.Resname, te.Expr.Typmod())
		a.Collation = te.Expr.Collation()
		n.Columns = append(n.Columns, catalog.NewColumn{Attr: a})
		cols = append(cols, a.Name+" "+cat.FormatType(a.Type, a.Typmod))
	}
	oid, err := cat.CreateRelation(n)
	if err != nil {
		return "", err
	}
	if err := cat.IncrementCommand(); err != nil {
		return "", err
	}
	if _, err := cat.CreateRule(oid, "_RETURN", '1', true, nil, q, false); err != nil {
		return "", err
	}
	return strings.Join(cols, ", "), cat.IncrementCommand()
}
