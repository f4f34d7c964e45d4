package tests

import (
	"slices"
	"strings"
	"testing"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/tests/storetest"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/sql/analyzer"
	"gompho/sql/ast"
	"gompho/sql/parser"
	"gompho/stats"
	"gompho/types"
)

// bootCluster makes a cluster's first database, with all system views, on storage in memory.
func bootCluster(t testing.TB) (*catalog.Catalog, *mvcc.Session) {
	t.Helper()
	st := storetest.New(t, 1, 4096)
	for _, d := range []string{"/data/base/1", "/data/global"} {
		check(t, st.FS.MkdirAll(d, 0o700))
	}
	cat := catalog.New()
	cat.SetEnv(st.Env)
	slot := stats.NewSlot(1, 1)
	tx := st.Mvcc.NewSession(slot, st.Locks.NewOwner(slot, locks.OwnerOptions{}), mvcc.SessionOptions{})
	check(t, tx.Begin(mvcc.BeginOpts{}))
	check(t, cat.Bootstrap(tx, catalog.BootstrapOpts{}))
	check(t, tx.Commit())
	check(t, tx.Begin(mvcc.BeginOpts{}))
	cs := cat.NewBootSession(tx)
	s := &analyzer.Session{Cat: cs, Env: namesEnv{types.DefaultEnv, cs}}
	scripts, err := catalog.Scripts()
	check(t, err)
	for _, sc := range scripts {
		cs.SetSearchPath(sc.SearchPath)
		stmts, err := parser.Parse(sc.SQL)
		check(t, err)
		for _, stmt := range stmts {
			if v, ok := stmt.Stmt.(*ast.ViewStmt); ok {
				if _, err := makeView(s, cs, v); err != nil {
					t.Fatalf("%s: %v", v.View.Relname, err)
				}
			}
		}
	}
	check(t, cs.FinishViews())
	check(t, tx.Commit())
	return cat, tx
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// extensionViews are views of PostgreSQL's extensions that are built in.
var extensionViews = []string{"pg_buffercache", "pg_stat_statements", "pg_stat_statements_info"}

// TestStoredViews reads the system views back from storage, long ones through toast.
func TestStoredViews(t *testing.T) {
	cat, tx := bootCluster(t)
	s := cat.NewSession(tx, ids.Template1DB, ids.BootstrapRole)
	check(t, tx.Begin(mvcc.BeginOpts{}))
	classes, err := catalog.FetchAll[catalog.PgClass](s, 0)
	check(t, err)
	views, ours := 0, 0
	for _, c := range classes {
		if c.Relkind != 'v' {
			continue
		}
		if strings.HasPrefix(c.Relname, "gompho_") || slices.Contains(extensionViews, c.Relname) {
			ours++
		}
		views++
		if c.Oid < 12000 || c.Oid >= ids.FirstNormalOid {
			t.Errorf("%s has oid %d", c.Relname, c.Oid)
		}
		if c.Relacl == nil && c.Relname[0] != '_' {
			t.Errorf("%s has no privileges", c.Relname)
		}
		r, err := s.Relation(c.Oid)
		check(t, err)
		q, err := r.ViewQuery()
		if err != nil || q == nil || len(q.TargetList) < len(r.Desc.Attrs) {
			t.Errorf("%s cannot be read back: %v", c.Relname, err)
		}
	}
	if views-ours != 140 { // PostgreSQL's
		t.Errorf("there are %d views, %d of our own", views, ours)
	}
	oid, err := s.NewObjectOid(catalog.PgClassOid)
	check(t, err)
	if oid < ids.FirstNormalOid {
		t.Errorf("a user's relation would get oid %d", oid)
	}
	check(t, tx.Commit())
}

func BenchmarkBootstrap(b *testing.B) {
	for b.Loop() {
		bootCluster(b)
	}
}
