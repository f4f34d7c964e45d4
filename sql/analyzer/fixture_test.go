package analyzer

import (
	"os"
	"testing"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/ast"
	"gompho/sql/parser"
	"gompho/types"
)

// fixture makes a session over catalogs in memory with the tables of testdata/schema.sql.
func fixture(tb testing.TB) *Session {
	tb.Helper()
	cat, err := catalog.NewInMemory()
	if err != nil {
		tb.Fatal(err)
	}
	s := &Session{Cat: cat, Env: catalogEnv{types.DefaultEnv, cat}}
	text, err := os.ReadFile("testdata/schema.sql")
	if err != nil {
		tb.Fatal(err)
	}
	stmts, err := parser.Parse(string(text))
	if err != nil {
		tb.Fatal(err)
	}
	for _, st := range stmts {
		createTable(tb, s, st.Stmt.(*ast.CreateStmt))
	}
	return s
}

func createTable(tb testing.TB, s *Session, c *ast.CreateStmt) {
	tb.Helper()
	n := &catalog.NewRelation{Name: c.Relation.Relname, Namespace: ids.PublicNamespace, Owner: ids.BootstrapRole, Kind: 'r',
		Persistence: 'p', NoStorage: true}
	var pk []int16
	for i, e := range c.TableElts {
		d := e.(*ast.ColumnDef)
		col := catalog.NewColumn{Attr: columnAttr(tb, s, d)}
		for _, k := range d.Constraints {
			switch k.Contype {
			case ast.ConstrPrimary:
				pk = append(pk, int16(i+1))
				col.NotNull = true
			case ast.ConstrNotnull:
				col.NotNull = true
			}
		}
		n.Columns = append(n.Columns, col)
	}
	oid, err := s.Cat.CreateRelation(n)
	if err != nil {
		tb.Fatal(err)
	}
	if pk != nil {
		row := &catalog.PgConstraint{Oid: oid + 5000, Conname: n.Name + "_pkey", Connamespace: n.Namespace, Contype: 'p',
			Convalidated: true, Conrelid: oid, Conislocal: true, Conkey: pk}
		if err := s.Cat.Insert(row); err != nil {
			tb.Fatal(err)
		}
	}
	s.Cat.EndCommand()
}

func columnAttr(tb testing.TB, s *Session, d *ast.ColumnDef) types.Attr {
	tb.Helper()
	a := types.Attr{Name: d.Colname}
	t, typmod, err := TypenameType(s, d.TypeName)
	if err != nil {
		tb.Fatal(err)
	}
	row, err := s.Cat.TypeRow(t)
	if err != nil {
		tb.Fatal(err)
	}
	a.Type, a.Typmod, a.Collation, a.Len, a.ByVal, a.Align, a.Storage = t, typmod, row.Typcollation, row.Typlen, row.Typbyval,
		row.Typalign, row.Typstorage
	return a
}

// catalogEnv looks the names of reg types up.
type catalogEnv struct {
	types.Env
	cat *catalog.Session
}

func (e catalogEnv) LookupName(kind types.RegKind, name string) (ids.Oid, error) {
	return e.cat.LookupName(kind, name)
}

func (e catalogEnv) ObjectName(kind types.RegKind, oid ids.Oid) (string, bool) {
	return e.cat.ObjectName(kind, oid)
}
