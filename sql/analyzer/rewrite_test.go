package analyzer

import (
	"testing"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/parser"
	"gompho/sql/query"
	"gompho/types"
)

// rewriteFixture adds to fixture: d (a int, b text DEFAULT 'dd', c int DEFAULT 7), the view dv (x, y) of it, and av, a
// view with an aggregate.
func rewriteFixture(t *testing.T) (*Session, ids.Oid) {
	t.Helper()
	s := fixture(t)
	attr := func(name string, typ, coll ids.Oid, def bool) catalog.NewColumn {
		a := types.Attr{Name: name, Type: typ, Typmod: -1, Collation: coll, Len: 4, ByVal: true, Align: 'i', Storage: 'p', HasDef: def}
		if typ == textOid {
			a.Len, a.ByVal, a.Storage = -1, false, 'x'
		}
		return catalog.NewColumn{Attr: a}
	}
	oid, err := s.Cat.CreateRelation(&catalog.NewRelation{Name: "d", Namespace: ids.PublicNamespace, Owner: ids.BootstrapRole,
		Kind: 'r', Persistence: 'p', NoStorage: true, Columns: []catalog.NewColumn{attr("a", int4Oid, 0, false),
			attr("b", textOid, defaultCollation, true), attr("c", int4Oid, 0, true)}})
	if err != nil {
		t.Fatal(err)
	}
	for num, e := range map[int16]query.Expr{2: makeConst(textOid, -1, defaultCollation, types.String("dd"), -1),
		3: makeConst(int4Oid, -1, 0, types.Int(7), -1)} {
		if err := s.Cat.Insert(&catalog.PgAttrdef{Oid: oid + 7000 + ids.Oid(num), Adrelid: oid, Adnum: num, Adbin: query.Encode(e)}); err != nil {
			t.Fatal(err)
		}
	}
	s.Cat.EndCommand()
	systemView(t, s, "dv", "SELECT a AS x, b AS y FROM d WHERE a > 0")
	systemView(t, s, "av", "SELECT count(*) AS n FROM d")
	return s, oid
}

func rewritten(t *testing.T, s *Session, sql string) (*query.Query, error) {
	t.Helper()
	stmts, err := parser.Parse(sql)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Analyze(s, &stmts[0], nil)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	before := query.Encode(q)
	out, err := Rewrite(s, q)
	if query.Encode(q) != before {
		t.Errorf("%s: the analyzed query has changed", sql)
	}
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// mustRewrite is rewritten for statements that have no errors.
func mustRewrite(t *testing.T, s *Session, sql string) *query.Query {
	t.Helper()
	q, err := rewritten(t, s, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return q
}

func constOf(e query.Expr) types.Datum {
	if c, ok := e.(*query.Const); ok {
		return c.Value
	}
	return types.Null
}

func TestRewriteDefaults(t *testing.T) {
	s, _ := rewriteFixture(t)
	q := mustRewrite(t, s, "INSERT INTO d (a) VALUES (1)")
	if l := q.TargetList; len(l) != 3 || l[1].Resno != 2 || constOf(l[1].Expr).Str() != "dd" || constOf(l[2].Expr).Int() != 7 {
		t.Fatalf("target list: %s", query.Encode(q))
	}
	q = mustRewrite(t, s, "INSERT INTO d VALUES (1, DEFAULT, 3), (2, 'z', DEFAULT)")
	rows := q.RTable[valuesOf(q)-1].ValuesLists
	if constOf(rows[0][1]).Str() != "dd" || constOf(rows[1][1]).Str() != "z" || constOf(rows[1][2]).Int() != 7 {
		t.Fatalf("rows: %s", query.Encode(q))
	}
	q = mustRewrite(t, s, "UPDATE d SET b = DEFAULT, a = DEFAULT")
	if l := q.TargetList; len(l) != 2 || l[0].Resno != 1 || !constOf(l[0].Expr).IsNull() || constOf(l[1].Expr).Str() != "dd" {
		t.Fatalf("target list: %s", query.Encode(q))
	}
	if _, err := rewritten(t, s, "UPDATE d SET a = 1, a = 2"); !pgerr.Is(err, pgerr.SyntaxError) {
		t.Fatalf("two assignments to one column: %v", err)
	}
}

func TestRewriteViews(t *testing.T) {
	s, d := rewriteFixture(t)
	q := mustRewrite(t, s, "SELECT x FROM dv WHERE y = 'q' FOR UPDATE")
	rte := q.RTable[0]
	if rte.Kind != query.RTESubquery || rte.Relid == 0 || rte.Subquery.RTable[0].Relid != d ||
		rte.Subquery.RTable[0].CheckAsUser != ids.BootstrapRole || len(rte.Subquery.RowMarks) != 1 {
		t.Fatalf("view: %s", query.Encode(q))
	}
	q = mustRewrite(t, s, "INSERT INTO dv (y) VALUES ('q') RETURNING x")
	target := q.RTable[q.ResultRelation-1]
	if target.Relid != d || len(q.TargetList) != 2 || q.TargetList[0].Resno != 2 || constOf(q.TargetList[1].Expr).Int() != 7 {
		t.Fatalf("insert: %s", query.Encode(q))
	}
	if v := q.ReturningList[0].Expr.(*query.Var); v.Varno != q.ResultRelation || v.Varattno != 1 {
		t.Fatalf("returning: %s", query.Encode(q))
	}
	q = mustRewrite(t, s, "UPDATE dv SET y = y || 'z' WHERE x = 5")
	and, ok := q.JoinTree.Quals.(*query.BoolExpr)
	if !ok || len(and.Args) != 2 || q.TargetList[0].Resno != 2 || q.RTable[q.ResultRelation-1].Relid != d {
		t.Fatalf("update: %s", query.Encode(q))
	}
	for _, sql := range []string{"INSERT INTO av VALUES (1)", "UPDATE av SET n = 1", "DELETE FROM av"} {
		if _, err := rewritten(t, s, sql); !pgerr.Is(err, pgerr.ObjectNotInPrerequisiteState) {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestRewriteConvertsArms(t *testing.T) {
	s := fixture(t)
	for _, sql := range []string{"SELECT a FROM t1 UNION SELECT 2.5", "(SELECT a FROM t1 INTERSECT SELECT 1) UNION ALL SELECT c FROM t1",
		"SELECT x FROM t2 EXCEPT (SELECT a FROM t1 UNION SELECT b FROM t2)"} {
		q := mustRewrite(t, s, sql)
		var check func(n query.SetOpNode, want ids.Oid)
		check = func(n query.SetOpNode, want ids.Oid) {
			switch n := n.(type) {
			case *query.RangeTblRef:
				if got := q.RTable[n.RTIndex-1].Subquery.TargetList[0].Expr.Type(); got != want {
					t.Errorf("%s: an arm gives type %d, not %d", sql, got, want)
				}
			case *query.SetOperationStmt:
				if n.ColTypes[0] != want {
					t.Errorf("%s: an inner operation gives type %d, not %d", sql, n.ColTypes[0], want)
				}
				check(n.Larg, n.ColTypes[0])
				check(n.Rarg, n.ColTypes[0])
			}
		}
		top := q.SetOperations.(*query.SetOperationStmt)
		check(top, top.ColTypes[0])
	}
}

func TestMultiColumnAssignment(t *testing.T) {
	s := fixture(t)
	q := mustRewrite(t, s, "UPDATE t1 SET (a, b) = (SELECT t2.a, t2.y[1] FROM t2 WHERE t2.a = t1.a)")
	if len(q.TargetList) != 2 {
		t.Fatalf("target list: %s", query.Encode(q))
	}
	for _, e := range q.TargetList {
		l, ok := e.Expr.(*query.SubLink)
		if !ok || l.SubLinkType != query.ExprSublink || len(l.Subselect.TargetList) != 1 {
			t.Fatalf("not a scalar subselect: %s", query.Encode(e))
		}
		if !query.ContainVarsOfLevel(l.Subselect, 1) {
			t.Fatalf("the subselect has lost its outer reference: %s", query.Encode(l.Subselect))
		}
	}
}
