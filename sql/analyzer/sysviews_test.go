package analyzer

import (
	"context"
	"strings"
	"testing"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/deparse"
	"gompho/sql/parser"
	"gompho/sql/query"
	"gompho/types"
)

// TestSystemViews takes the definitions of all system views from a PostgreSQL 15 server, makes the same views here and
// compares the definitions that come out. It runs when GOMPHO_REFERENCE is set.
func TestSystemViews(t *testing.T) {
	ref := reference(t)
	if ref == nil {
		t.Skip("no reference server")
	}
	s := fixture(t)
	res, err := ref.Exec(context.Background(), `SELECT c.relname, pg_get_viewdef(c.oid), pg_get_viewdef(c.oid, true) FROM pg_class c
		WHERE c.relkind = 'v' AND c.relnamespace = 'pg_catalog'::regnamespace ORDER BY c.oid`).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range res[0].Rows {
		name, plain, pretty := string(row[0]), string(row[1]), string(row[2])
		q := systemView(t, s, name, plain)
		if q == nil {
			continue
		}
		names := targetNames(q)
		if got, err := deparse.Query(s.Cat, s.Env, q, names, false, 0); err != nil || got+";" != plain {
			t.Errorf("%s: %v\n%s", name, err, lineDiff(plain, got+";"))
		}
		if got, err := deparse.Query(s.Cat, s.Env, q, names, true, 0); err != nil || got+";" != pretty {
			t.Errorf("%s (pretty): %v\n%s", name, err, lineDiff(pretty, got+";"))
		}
	}
}

func lineDiff(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			x := "(nothing)"
			if i < len(g) {
				x = g[i]
			}
			return "want " + w[i] + "\ngot  " + x
		}
	}
	return "longer than wanted"
}

// systemView analyzes a definition and adds the view to the catalogs.
func systemView(t *testing.T, s *Session, name, def string) *query.Query {
	t.Helper()
	stmts, err := parser.Parse(def)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return nil
	}
	v := &ast.ViewStmt{View: &ast.RangeVar{Relname: name, Relpersistence: 'p'}, Query: stmts[0].Stmt.(*ast.SelectStmt)}
	q, err := View(s, v)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return nil
	}
	n := &catalog.NewRelation{Name: name, Namespace: ids.PgCatalogNamespace, Owner: ids.BootstrapRole, Kind: 'v', Persistence: 'p',
		NoStorage: true, SystemOK: true}
	for _, c := range visibleTargets(q.TargetList) {
		row, err := s.Cat.TypeRow(c.Expr.Type())
		if err != nil {
			t.Fatal(err)
		}
		n.Columns = append(n.Columns, catalog.NewColumn{Attr: types.Attr{Name: c.Resname, Type: c.Expr.Type(), Typmod: c.Expr.Typmod(),
			Collation: c.Expr.Collation(), Len: row.Typlen, ByVal: row.Typbyval, Align: row.Typalign, Storage: row.Typstorage}})
	}
	oid, err := s.Cat.CreateRelation(n)
	if pgerr.Is(err, pgerr.InvalidTableDefinition) {
		return q // a column of type anyarray, which only bootstrap may make
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return nil
	}
	rule := &catalog.PgRewrite{Oid: oid + 5000, Rulename: "_RETURN", EvClass: oid, EvType: '1', EvEnabled: 'O', IsInstead: true,
		EvAction: query.Encode(q), EvQual: "~"}
	if err := s.Cat.Insert(rule); err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Fetch[catalog.PgClass](s.Cat, catalog.PgClassOidIndex, catalog.OidKey(catalog.AttPgClassOid, oid))
	if err != nil {
		t.Fatal(err)
	}
	c.Relhasrules = true
	if err := s.Cat.Update(c); err != nil {
		t.Fatal(err)
	}
	s.Cat.EndCommand()
	rel, err := s.Cat.Relation(oid)
	if err != nil || rel == nil {
		t.Fatalf("%s: %v", name, err)
	}
	if _, err := Rewrite(s, q); err != nil {
		t.Errorf("%s: rewriting: %v", name, err)
	}
	return q
}
