package explain

import (
	"fmt"
	"strings"
	"time"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/deparse"
	"gompho/sql/executor"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// Options are what EXPLAIN was asked for.
type Options struct {
	Costs, Analyze, Timing, Summary bool
	PlanningTime, ExecutionTime     time.Duration
}

// Text prints a plan; x is the finished execution of EXPLAIN ANALYZE, nil without.
func Text(cat *catalog.Session, env types.Env, st *plan.Statement, x *executor.Exec, o Options) ([]string, error) {
	d, err := deparse.NewPlan(cat, env, st.RTable, nil)
	if err != nil {
		return nil, err
	}
	p := &printer{cat: cat, st: st, x: x, o: o, d: d}
	p.walk(st.Root, 0, "")
	for i, s := range st.SubPlans {
		if !p.shown[i] && s != nil {
			p.subplan(i, 1)
		}
	}
	if p.err != nil {
		return nil, p.err
	}
	if o.Summary {
		p.lines = append(p.lines, fmt.Sprintf("Planning Time: %.3f ms", ms(o.PlanningTime)))
		if o.Analyze {
			p.lines = append(p.lines, fmt.Sprintf("Execution Time: %.3f ms", ms(o.ExecutionTime)))
		}
	}
	return p.lines, nil
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

type printer struct {
	cat   *catalog.Session
	st    *plan.Statement
	x     *executor.Exec
	o     Options
	d     *deparse.Plan
	lines []string
	shown map[int]bool
	err   error
	tails int
}

// walk prints a node and what is below it.
func (p *printer) walk(n plan.Node, depth int, label string) {
	if n == nil || p.err != nil {
		return
	}
	base := n.Base()
	indent, mark := strings.Repeat(" ", 6*max(depth-1, 0)+2*min(depth, 1)), ""
	if depth > 0 {
		mark = "->  "
	}
	if label != "" {
		p.lines = append(p.lines, indent+label)
		indent += "  "
	}
	head := indent + mark + p.title(n)
	if p.o.Costs {
		head += fmt.Sprintf("  (cost=%.2f..%.2f rows=%.0f width=%d)", base.StartupCost, base.TotalCost, max(base.Rows, 0), base.Width)
	}
	var in *executor.Instrumentation
	if p.x != nil {
		in = p.x.Instruments(n)
		head += p.actual(in)
	}
	p.lines = append(p.lines, head)
	pad := indent + strings.Repeat(" ", len(mark)) + "  "
	p.details(n, pad, in)
	for _, id := range base.InitPlans {
		p.subplan(id, depth+1)
	}
	for _, k := range children(n) {
		p.walk(k, depth+1, "")
	}
	for _, id := range subplansOf(n) {
		p.subplan(id, depth+1)
	}
}

func (p *printer) actual(in *executor.Instrumentation) string {
	if in == nil || in.Loops == 0 {
		return " (never executed)"
	}
	if !p.o.Timing {
		return fmt.Sprintf(" (actual rows=%.0f loops=%.0f)", in.Rows/in.Loops, in.Loops)
	}
	return fmt.Sprintf(" (actual time=%.3f..%.3f rows=%.0f loops=%.0f)", ms(in.Startup)/in.Loops, ms(in.Total)/in.Loops, in.Rows/in.Loops, in.Loops)
}

// subplan prints an init plan, a subplan or a WITH query once.
func (p *printer) subplan(id, depth int) {
	if p.shown == nil {
		p.shown = map[int]bool{}
	}
	if p.shown[id] || id >= len(p.st.SubPlans) {
		return
	}
	p.shown[id] = true
	s := p.st.SubPlans[id]
	indent := strings.Repeat(" ", 6*max(depth-1, 0)+2)
	p.lines = append(p.lines, indent+s.Name)
	before := len(p.lines)
	p.walk(s.Root, depth, "")
	for i := before; i < len(p.lines); i++ {
		p.lines[i] = "  " + p.lines[i]
	}
}

// subplansOf lists the subplans in a node's expressions.
func subplansOf(n plan.Node) (out []int) {
	base := n.Base()
	look := func(e query.Expr) {
		if e == nil {
			return
		}
		query.WalkExpr(e, func(x query.Node) bool {
			if s, ok := x.(*plan.SubPlan); ok {
				out = append(out, s.PlanID)
			}
			return true
		})
	}
	look(base.Qual)
	for _, te := range base.TargetList {
		look(te.Expr)
	}
	switch x := n.(type) {
	case *plan.NestLoop:
		look(x.Joinqual)
	case *plan.HashJoin:
		look(x.Joinqual)
	case *plan.Result:
		look(x.OneTimeQual)
	}
	return out
}

func children(n plan.Node) []plan.Node {
	switch x := n.(type) {
	case *plan.Append:
		return x.Children
	case *plan.MergeAppend:
		return x.Children
	case *plan.BitmapAnd:
		return x.Children
	case *plan.BitmapOr:
		return x.Children
	case *plan.SubqueryScan:
		return []plan.Node{x.Subplan}
	}
	var out []plan.Node
	base := n.Base()
	for _, k := range []plan.Node{base.Left, base.Right} {
		if k != nil {
			out = append(out, k)
		}
	}
	return out
}

func (p *printer) relName(oid ids.Oid) string {
	r, err := p.cat.Relation(oid)
	if err != nil || r == nil {
		p.err = err
		return "?"
	}
	return catalog.QuoteIdent(r.Name)
}

// on names what a scan reads: the table, and its alias where that differs.
func (p *printer) on(rti int) string {
	rte := p.st.RTable[rti-1]
	name := rte.Eref.Name
	switch rte.Kind {
	case query.RTERelation:
		name = p.relName(rte.Relid)
	case query.RTEFunction:
		name = rte.Eref.Name
		if f, ok := rte.Functions[0].FuncExpr.(*query.FuncExpr); ok && len(rte.Functions) == 1 {
			if pr, err := p.cat.Proc(f.FuncID); err == nil && pr != nil {
				name = catalog.QuoteIdent(pr.Proname)
			}
		}
	case query.RTEValues:
		name = `"*VALUES*"`
	case query.RTECTE:
		name = catalog.QuoteIdent(rte.CTEName)
	}
	alias := catalog.QuoteIdent(rte.Eref.Name)
	if rte.Kind == query.RTESubquery {
		return " on " + alias
	}
	if alias != name {
		return " on " + name + " " + alias
	}
	return " on " + name
}

var joinWords = [...]string{"", " Left", " Full", " Right", " Semi", " Anti"}

func joinTitle(method string, t query.JoinType) string {
	switch {
	case method == "Nested Loop" && t == query.JoinInner:
		return method
	case method == "Nested Loop":
		return method + joinWords[t] + " Join"
	}
	return method + joinWords[t] + " Join"
}

// title is the first part of a node's line.
func (p *printer) title(n plan.Node) string {
	back := func(b bool) string {
		if b {
			return " Backward"
		}
		return ""
	}
	switch x := n.(type) {
	case *plan.SeqScan:
		return "Seq Scan" + p.on(x.ScanRelID)
	case *plan.IndexScan:
		return "Index Scan" + back(x.Backward) + " using " + p.relName(x.IndexID) + p.on(x.ScanRelID)
	case *plan.IndexOnlyScan:
		return "Index Only Scan" + back(x.Backward) + " using " + p.relName(x.IndexID) + p.on(x.ScanRelID)
	case *plan.BitmapIndexScan:
		return "Bitmap Index Scan on " + p.relName(x.IndexID)
	case *plan.BitmapHeapScan:
		return "Bitmap Heap Scan" + p.on(x.ScanRelID)
	case *plan.TidScan:
		return "Tid Scan" + p.on(x.ScanRelID)
	case *plan.SubqueryScan:
		return "Subquery Scan" + p.on(x.ScanRelID)
	case *plan.FunctionScan:
		return "Function Scan" + p.on(x.ScanRelID)
	case *plan.ValuesScan:
		return "Values Scan" + p.on(x.ScanRelID)
	case *plan.CteScan:
		return "CTE Scan" + p.on(x.ScanRelID)
	case *plan.WorkTableScan:
		return "WorkTable Scan" + p.on(x.ScanRelID)
	case *plan.NestLoop:
		return joinTitle("Nested Loop", x.JoinType)
	case *plan.HashJoin:
		return joinTitle("Hash", x.JoinType)
	case *plan.MergeJoin:
		return joinTitle("Merge", x.JoinType)
	case *plan.Agg:
		return [...]string{"Aggregate", "GroupAggregate", "HashAggregate", "MixedAggregate"}[x.Strategy]
	case *plan.SetOp:
		name := "SetOp "
		if x.Hashed {
			name = "HashSetOp "
		}
		name += map[query.SetOp]string{query.SetOpIntersect: "Intersect", query.SetOpExcept: "Except"}[x.Op]
		if x.All {
			name += " All"
		}
		return name
	case *plan.ModifyTable:
		rte := p.st.RTable[x.ResultRel-1]
		return map[query.CommandType]string{query.CmdInsert: "Insert", query.CmdUpdate: "Update", query.CmdDelete: "Delete", query.CmdMerge: "Merge"}[x.Operation] + p.on(p.rti(rte))
	case *plan.IncrementalSort:
		return "Incremental Sort"
	case *plan.Material:
		return "Materialize"
	case *plan.RecursiveUnion:
		return "Recursive Union"
	case *plan.MergeAppend:
		return "Merge Append"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", n), "*plan.")
}

func (p *printer) rti(rte *query.RangeTblEntry) int {
	for i, r := range p.st.RTable {
		if r == rte {
			return i + 1
		}
	}
	return 1
}
