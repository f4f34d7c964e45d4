package planner

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/analyzer"
	"gompho/sql/parser"
	"gompho/sql/plan"
	"gompho/types"
)

// testEnv plans over the facts of the system catalogs, each table taken to have a number of pages.
func testEnv(t *testing.T) (*Env, *analyzer.Session) {
	t.Helper()
	cat, err := catalog.NewInMemory()
	if err != nil {
		t.Fatal(err)
	}
	costs := DefaultCosts()
	env := &Env{Catalog: cat, Type: types.Builtin, Costs: &costs, Interrupted: func() error { return nil },
		Blocks: func(f ids.RelFile) (ids.BlockNumber, error) { return 40, nil },
		Call: func(fn, coll ids.Oid, args []types.Datum, ts []ids.Oid, res ids.Oid) (types.Datum, bool, error) {
			return types.Null, false, nil
		}}
	return env, &analyzer.Session{Cat: cat, Env: types.DefaultEnv}
}

func planText(env *Env, an *analyzer.Session, sql string) (string, error) {
	stmts, err := parser.Parse(sql)
	if err != nil {
		return "", err
	}
	q, err := analyzer.Analyze(an, &stmts[0], nil)
	if err != nil {
		return "", err
	}
	st, err := Plan(env, q, Options{})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	dump(&b, env, st, st.Root, 0)
	for i, s := range st.SubPlans {
		fmt.Fprintf(&b, "%s:\n", s.Name)
		dump(&b, env, st, st.SubPlans[i].Root, 1)
	}
	return b.String(), nil
}

// dump prints the shape of a plan: nodes with their tables, indexes and join types, without costs.
func dump(b *strings.Builder, env *Env, st *plan.Statement, n plan.Node, depth int) {
	if n == nil {
		return
	}
	name := strings.TrimPrefix(fmt.Sprintf("%T", n), "*plan.")
	detail := ""
	table := func(rti int) string { return " " + st.RTable[rti-1].Eref.Name }
	index := func(oid ids.Oid) string {
		r, _ := env.Catalog.Relation(oid)
		return " using " + r.Name
	}
	join := func(j *plan.Join) string {
		return " " + [...]string{"inner", "left", "full", "right", "semi", "anti"}[j.JoinType]
	}
	var kids []plan.Node
	switch x := n.(type) {
	case *plan.SeqScan:
		detail = table(x.ScanRelID)
	case *plan.IndexScan:
		detail = index(x.IndexID) + fmt.Sprintf(" conds=%d", len(x.IndexQual)) + table(x.ScanRelID)
	case *plan.IndexOnlyScan:
		detail = index(x.IndexID) + fmt.Sprintf(" conds=%d", len(x.IndexQual)) + table(x.ScanRelID)
	case *plan.BitmapHeapScan:
		detail = table(x.ScanRelID)
	case *plan.BitmapIndexScan:
		detail = index(x.IndexID) + fmt.Sprintf(" conds=%d", len(x.IndexQual))
	case *plan.NestLoop:
		detail = join(&x.Join) + fmt.Sprintf(" params=%d", len(x.Params))
	case *plan.HashJoin:
		detail = join(&x.Join)
	case *plan.MergeJoin:
		detail = join(&x.Join)
	case *plan.Append:
		kids = x.Children
	case *plan.BitmapAnd:
		kids = x.Children
	case *plan.BitmapOr:
		kids = x.Children
	case *plan.SubqueryScan:
		kids = []plan.Node{x.Subplan}
	case *plan.Agg:
		detail = " " + [...]string{"plain", "sorted", "hashed", "mixed"}[x.Strategy]
	}
	base := n.Base()
	if base.Qual != nil {
		detail += " filter"
	}
	fmt.Fprintf(b, "%s%s%s\n", strings.Repeat("  ", depth), name, detail)
	kids = append(kids, base.Left, base.Right)
	for _, k := range kids {
		if k != nil {
			dump(b, env, st, k, depth+1)
		}
	}
}

func TestPlans(t *testing.T) {
	env, an := testEnv(t)
	entries, err := os.ReadDir("testdata")
	if err != nil || len(entries) == 0 {
		t.Fatal("no scripts", err)
	}
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out, err := planText(env, an, d.Input)
			if err != nil {
				return err.Error() + "\n"
			}
			return out
		})
	})
}
