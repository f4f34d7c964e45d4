package executor

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/storage/heap"
	"gompho/types"
)

// testEnv is an environment over the built-in catalogs, without storage, and with files for what spills.
func testEnv(t testing.TB, workMem int64) *Env {
	t.Helper()
	cat, err := catalog.NewInMemory()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return &Env{Catalog: cat, Funcs: functions.Builtins(), Func: functions.DefaultEnv(),
		WorkMem:  func() int64 { return workMem },
		TempFile: func() (heap.TempFile, error) { return os.CreateTemp(dir, "spill") }}
}

func res(typ ids.Oid) query.Result { return query.Result{ResType: typ, ResTypmod: -1} }

func outer(col int, typ ids.Oid) *query.Var {
	return &query.Var{Result: res(typ), Varno: query.OuterVar, Varattno: col}
}

func inner(col int, typ ids.Oid) *query.Var {
	return &query.Var{Result: res(typ), Varno: query.InnerVar, Varattno: col}
}

func konst(typ ids.Oid, d types.Datum) *query.Const {
	return &query.Const{Result: res(typ), Value: d}
}

func int4(v int64) *query.Const { return konst(int4Oid, types.Int(v)) }

// op makes a call of a built-in operator's function on two arguments.
func op(fn, ret ids.Oid, a, b query.Expr) *query.OpExpr {
	return &query.OpExpr{Result: res(ret), FuncID: fn, Args: []query.Expr{a, b}}
}

// Oids of built-in functions.
const (
	fnInt4Eq  ids.Oid = 65
	fnInt4Lt  ids.Oid = 66
	fnInt4Gt  ids.Oid = 147
	fnInt4Pl  ids.Oid = 177
	fnInt4Mul ids.Oid = 141
	fnInt4Div ids.Oid = 154
)

func targets(exprs ...query.Expr) []*query.TargetEntry {
	out := make([]*query.TargetEntry, len(exprs))
	for i, e := range exprs {
		out[i] = &query.TargetEntry{Expr: e, Resno: i + 1}
	}
	return out
}

// pass is a target list of a child's columns.
func pass(typs ...ids.Oid) []*query.TargetEntry {
	var l []query.Expr
	for i, t := range typs {
		l = append(l, outer(i+1, t))
	}
	return targets(l...)
}

// table is rows of nullable values for tests.
type table struct {
	typs []ids.Oid
	rows [][]types.Datum
}

// scan makes a plan that gives the rows.
func (tb *table) scan() plan.Node {
	s := &plan.ValuesScan{}
	s.ScanRelID = 1
	for _, r := range tb.rows {
		var l []query.Expr
		for i, d := range r {
			l = append(l, konst(tb.typs[i], d))
		}
		s.ValuesLists = append(s.ValuesLists, l)
	}
	if len(tb.rows) == 0 {
		var l []query.Expr
		for _, t := range tb.typs {
			l = append(l, konst(t, types.Null))
		}
		s.ValuesLists = append(s.ValuesLists, l)
		s.Qual = konst(boolOid, types.Bool(false))
	}
	return s
}

func statement(root plan.Node) *plan.Statement {
	return &plan.Statement{CommandType: query.CmdSelect, Root: root, ParamExecTypes: make([]ids.Oid, 8),
		RTable: []*query.RangeTblEntry{{Kind: query.RTEValues}}}
}

// runPlan returns the rows of a plan as text, pulled in batches of at most max.
func runPlan(t testing.TB, env *Env, root plan.Node, max int) []string {
	t.Helper()
	ex, err := Start(env, statement(root), nil, nil, Opts{})
	if err != nil {
		t.Fatal(err)
	}
	defer ex.Close()
	rows, err := collect(ex, max)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func collect(ex *Exec, max int) ([]string, error) {
	var out []string
	for {
		b, err := ex.root.next(max)
		if err != nil {
			return out, err
		}
		if b == nil {
			return out, nil
		}
		if b.Rows() == 0 || b.Rows() > max {
			return out, fmt.Errorf("a batch of %d rows where at most %d were asked for", b.Rows(), max)
		}
		for i := range b.Rows() {
			var vals []types.Datum
			for _, v := range b.Cols {
				vals = append(vals, v.Get(b.Row(i)))
			}
			out = append(out, rowString(vals))
		}
	}
}

func rowString(vals []types.Datum) string {
	var s []string
	for _, d := range vals {
		switch {
		case d.IsNull():
			s = append(s, "-")
		case d.IsBytes():
			s = append(s, "'"+d.Str()+"'")
		default:
			s = append(s, fmt.Sprint(d.Int()))
		}
	}
	return strings.Join(s, ",")
}

func sorted(l []string) []string {
	l = slices.Clone(l)
	slices.Sort(l)
	return l
}

func sameRows(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("%s: row %d of %d (want %d) is %s, want %s", what, i, len(got), len(want), g, w)
		}
	}
}
