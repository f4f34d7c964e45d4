package executor

import (
	"slices"
	"time"

	"gompho/catalog"
	"gompho/sql/deparse"
	"gompho/sql/partition"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// ExplainOptions are the options of EXPLAIN, with their defaults resolved.
type ExplainOptions struct {
	Analyze, Verbose, Costs, Timing, Summary, Buffers, WAL bool
	IOTiming                                               bool      // track_io_timing
	Settings                                               []Setting // that differ from their defaults; with SETTINGS
	ShowSettings                                           bool
	PlanningBuffers                                        Usage
	Format                                                 string // text, json, yaml or xml
	PlanningTime, ExecutionTime                            time.Duration
	QueryText                                              string
	QueryID                                                int64 // shown unless it is 0

	fired []explainedTrigger
}

// Setting is a setting that the plan may depend on.
type Setting struct{ Name, Value string }

// Explain describes a plan, line by line. ex is its finished execution when the plan was run with Opts.Instrument, else nil.
func Explain(env *Env, cat *catalog.Session, st *plan.Statement, ex *Exec, o ExplainOptions) ([]string, error) {
	x := &explainer{env: env, cat: cat, st: st, ex: ex, o: o, printed: map[int]bool{}}
	used := x.usedRels(st.Root, nil)
	for _, d := range st.SubPlans {
		if d != nil {
			used = x.usedRels(d.Root, used)
		}
	}
	var err error
	if x.dp, err = deparse.NewPlan(cat, env.Func, st.RTable, used); err != nil {
		return nil, err
	}
	x.dp.Special, x.dp.Param, x.dp.Other = x.special, x.param, x.other
	x.several = len(st.RTable) > 1
	x.prefix = x.several || o.Verbose
	root, err := x.node(st.Root, "", "")
	if err != nil {
		return nil, err
	}
	if x.o.fired, err = x.triggersFired(); err != nil {
		return nil, err
	}
	if o.Format == "text" || o.Format == "" {
		return explainText(root, &x.o), nil
	}
	return explainData(root, &x.o), nil
}

// explainer makes the description of a plan.
type explainer struct {
	env     *Env
	cat     *catalog.Session
	st      *plan.Statement
	ex      *Exec
	o       ExplainOptions
	dp      *deparse.Plan
	prefix  bool
	several bool       // there is more than one table: output columns are shown with theirs
	path    []pathStep // from the root to the node being described
	refs    []columnRef
	printed map[int]bool // subplans that were described
	err     error
}

// pathStep is an ancestor of the node being described, and how one goes down from it.
type pathStep struct {
	p     plan.Node
	inner bool
	sub   *plan.SubPlan // down into this subplan of its expressions
}

// columnRef is an output column of a node, as a special variable refers to it while an expression is printed.
type columnRef struct {
	p   plan.Node
	col int
}

// explained is the description of a node.
type explained struct {
	name     string // as text shows it: "Hash Left Join"
	typ      string // "Node Type" of the structured formats
	target   string // " on t a"
	planName string // of a subplan: "InitPlan 1 (returns $0)"
	relation string // parent relationship
	plan     *plan.Plan
	inst     *Instrumentation
	head     []prop // structured formats: what comes before the costs
	props    []prop
	children []*explained
}

// prop is one line of detail.
type prop struct {
	name  string
	text  string
	list  []string
	num   float64
	isNum bool
	flag  bool // a boolean, in num
	where propWhere
}

type propWhere uint8

const (
	everywhere propWhere = iota
	textOnly
	dataOnly
)

// usedRels appends the range-table entries that p reads to list, those of a query level together and before those of its subqueries.
func (x *explainer) usedRels(p plan.Node, list []int) []int {
	start := len(list)
	var subqueries []plan.Node
	var level func(p plan.Node)
	level = func(p plan.Node) {
		if p == nil {
			return
		}
		if rti := scanRel(p); rti > 0 {
			list = append(list, rti)
		}
		switch p := p.(type) {
		case *plan.ModifyTable:
			list = append(list, p.ResultRel)
			if p.OnConflict != nil && p.OnConflict.ExclRel > 0 {
				list = append(list, p.OnConflict.ExclRel)
			}
		case *plan.Append:
			if p.Rel > 0 {
				list = append(list, p.Rel)
			}
		case *plan.MergeAppend:
			if p.Rel > 0 {
				list = append(list, p.Rel)
			}
		case *plan.SubqueryScan:
			subqueries = append(subqueries, p.Subplan)
			return
		}
		kept, at := x.kept(p), -1
		planChildren(p, func(c plan.Node) {
			if at++; kept == nil || kept.Has(at) {
				level(c)
			}
		})
	}
	level(p)
	slices.Sort(list[start:])
	list = slices.Compact(list)
	for _, s := range subqueries {
		list = x.usedRels(s, list)
	}
	return list
}

// scanRel returns the range-table entry that a scan node reads, 0 for other nodes.
func scanRel(p plan.Node) int {
	if s := scanOf(p); s != nil {
		return s.ScanRelID
	}
	return 0
}

// scanOf returns the common part of a scan node, nil for other nodes.
func scanOf(p plan.Node) *plan.Scan {
	switch p := p.(type) {
	case *plan.SeqScan:
		return &p.Scan
	case *plan.SampleScan:
		return &p.Scan
	case *plan.IndexScan:
		return &p.Scan
	case *plan.IndexOnlyScan:
		return &p.Scan
	case *plan.BitmapHeapScan:
		return &p.Scan
	case *plan.TidScan:
		return &p.Scan
	case *plan.TidRangeScan:
		return &p.Scan
	case *plan.SubqueryScan:
		return &p.Scan
	case *plan.FunctionScan:
		return &p.Scan
	case *plan.ValuesScan:
		return &p.Scan
	case *plan.CteScan:
		return &p.Scan
	case *plan.WorkTableScan:
		return &p.Scan
	}
	return nil
}

// node describes p and everything below it.
func (x *explainer) node(p plan.Node, relation, planName string) (*explained, error) {
	e := &explained{plan: p.Base(), relation: relation, planName: planName}
	if x.ex != nil {
		e.inst = x.ex.Instruments(p)
	}
	x.names(p, e)
	if x.o.Verbose {
		x.output(p, e)
	}
	x.details(p, e)
	if x.err != nil {
		return nil, x.err
	}
	if err := x.below(p, e); err != nil {
		return nil, err
	}
	return e, x.err
}

// kept are the children of an Append that are not left out from the start; nil: all.
func (x *explainer) kept(p plan.Node) partition.Set {
	if x.ex == nil {
		return nil
	}
	return x.ex.kept[p]
}

// leftOut tells how many children are left out.
func (x *explainer) leftOut(p plan.Node, e *explained, children int) {
	k := x.kept(p)
	if k != nil && k.Count() < children || x.structured() {
		n := 0
		if k != nil {
			n = children - k.Count()
		}
		e.num("Subplans Removed", float64(n))
	}
}

// below describes init plans, children and subplans, in this order.
func (x *explainer) below(p plan.Node, e *explained) error {
	add := func(c plan.Node, step pathStep, relation, name string) error {
		x.path = append(x.path, step)
		d, err := x.node(c, relation, name)
		x.path = x.path[:len(x.path)-1]
		if err == nil {
			e.children = append(e.children, d)
		}
		return err
	}
	for _, id := range p.Base().InitPlans {
		if d := x.st.SubPlans[id]; d != nil && !x.printed[id] {
			x.printed[id] = true
			if err := add(d.Root, pathStep{p: p}, "InitPlan", d.Name); err != nil {
				return err
			}
		}
	}
	var subs []*plan.SubPlan
	planExprs(p, func(q query.Expr) {
		query.WalkExpr(q, func(n query.Node) bool {
			if s, ok := n.(*plan.SubPlan); ok {
				subs = append(subs, s)
			}
			return true
		})
	})
	member, at := 0, -1
	var err error
	b := p.Base()
	kept := x.kept(p)
	planChildren(p, func(c plan.Node) {
		if err != nil {
			return
		}
		if at++; kept != nil && !kept.Has(at) {
			return
		}
		relation := "Member"
		switch {
		case b.Left != nil && c == b.Left:
			relation = "Outer"
		case b.Right != nil && c == b.Right:
			relation = "Inner"
		default:
			if _, ok := p.(*plan.SubqueryScan); ok {
				relation = "Subquery"
			}
			member++
		}
		err = add(c, pathStep{p: p, inner: relation == "Inner"}, relation, "")
	})
	if err != nil {
		return err
	}
	for _, s := range subs {
		if x.printed[s.PlanID] {
			continue
		}
		x.printed[s.PlanID] = true
		d := x.st.SubPlans[s.PlanID]
		if err := add(d.Root, pathStep{p: p, sub: s}, "SubPlan", d.Name); err != nil {
			return err
		}
	}
	return nil
}

// expr prints an expression of node p.
func (x *explainer) expr(p plan.Node, e query.Expr, prefix bool) string {
	if e == nil || x.err != nil {
		return ""
	}
	s, err := x.dp.Expr(x.bind(p, e), prefix, false)
	if err != nil {
		x.err = err
	}
	return s
}

// bind replaces the special variables of an expression of p by ones that special can look up: their attribute numbers count refs.
func (x *explainer) bind(p plan.Node, e query.Expr) query.Expr {
	return query.Mutate(e, func(n query.Expr) query.Expr {
		v, ok := n.(*query.Var)
		if !ok || v.Varno > 0 {
			return n
		}
		c := *v
		switch v.Varno {
		case query.IndexVar:
			if r := indexColumn(p, v); r != nil {
				return r
			}
			return n
		case query.InnerVar:
			x.refs = append(x.refs, columnRef{innerOf(p), v.Varattno})
		default:
			x.refs = append(x.refs, columnRef{outerOf(p), v.Varattno})
		}
		c.Varno, c.Varattno = query.OuterVar, len(x.refs)
		return &c
	})
}

func innerOf(p plan.Node) plan.Node { return p.Base().Right }

// outerOf returns the node that OuterVar refers to.
func outerOf(p plan.Node) plan.Node {
	switch p := p.(type) {
	case *plan.Append:
		if len(p.Children) > 0 {
			return p.Children[0]
		}
	case *plan.MergeAppend:
		if len(p.Children) > 0 {
			return p.Children[0]
		}
	case *plan.SubqueryScan:
		return p.Subplan
	}
	return p.Base().Left
}

// indexColumn returns the table's column that a column of an index-only scan's index holds.
func indexColumn(p plan.Node, v *query.Var) query.Expr {
	s, ok := p.(*plan.IndexOnlyScan)
	if !ok || v.Varattno < 1 || v.Varattno > len(s.IndexCols) || s.IndexCols[v.Varattno-1] == 0 {
		return nil
	}
	c := *v
	c.Varno, c.Varattno = s.ScanRelID, s.IndexCols[v.Varattno-1]
	return &c
}

// special returns what a bound variable stands for.
func (x *explainer) special(v *query.Var) query.Expr {
	if v.Varno > 0 || v.Varattno < 1 || v.Varattno > len(x.refs) {
		return nil
	}
	r := x.refs[v.Varattno-1]
	e, p := x.outputColumn(r.p, r.col)
	if e == nil {
		return nil
	}
	return x.bind(p, e)
}

// outputColumn returns the expression of an output column, and the node in whose terms it is.
func (x *explainer) outputColumn(p plan.Node, col int) (query.Expr, plan.Node) {
	parent := 0
	e, at := outputOf(p, col, &parent)
	v, ok := e.(*query.Var)
	if !ok || parent == 0 || v.Varno < 1 || v.Varattno < 1 || v.Varno > len(x.st.RTable) {
		return e, at
	}
	// What comes through an Append goes by the name of the table whose children it reads.
	own, names := x.st.RTable[v.Varno-1], x.st.RTable[parent-1].Eref
	if own.Eref == nil || names == nil || v.Varattno > len(own.Eref.Colnames) || own.Kind != query.RTERelation {
		return e, at
	}
	name := own.Eref.Colnames[v.Varattno-1]
	if r, err := x.cat.Relation(x.st.RTable[parent-1].Relid); err == nil && r != nil {
		if n := r.AttNum(name); n > 0 {
			c := *v
			c.Varno, c.Varattno = parent, int(n)
			return &c, at
		}
	}
	return e, at
}

// outputOf finds the expression of an output column; parent becomes the table of the topmost Append that it comes through.
func outputOf(p plan.Node, col int, parent *int) (query.Expr, plan.Node) {
	for p != nil {
		switch a := p.(type) {
		case *plan.Append:
			if *parent == 0 {
				*parent = a.Rel
			}
		case *plan.MergeAppend:
			if *parent == 0 {
				*parent = a.Rel
			}
		}
		b := p.Base()
		if b.TargetList != nil {
			if col < 1 || col > len(b.TargetList) {
				return nil, nil
			}
			e := b.TargetList[col-1].Expr
			v, ok := e.(*query.Var)
			if !ok || v.Varno > 0 || v.Varno == query.IndexVar {
				return e, p
			}
			col = v.Varattno
			if v.Varno == query.InnerVar {
				p = innerOf(p)
			} else {
				p = outerOf(p)
			}
			continue
		}
		if m, ok := p.(*plan.ModifyTable); ok && col >= 1 && col <= len(m.Returning) {
			return m.Returning[col-1].Expr, p
		}
		if s := scanOf(p); s != nil {
			att := col
			if len(s.ScanCols) >= col && col >= 1 {
				att = s.ScanCols[col-1]
			}
			return &query.Var{Result: query.Result{ResTypmod: -1}, Varno: s.ScanRelID, Varattno: att, Location: -1}, p
		}
		if j, ok := joinWidth(p); ok && col > j {
			p, col = innerOf(p), col-j
			continue
		}
		p = outerOf(p)
	}
	return nil, nil
}

// joinWidth returns how many columns of a join without a target list come from its outer side.
func joinWidth(p plan.Node) (int, bool) {
	switch p.(type) {
	case *plan.NestLoop, *plan.HashJoin, *plan.MergeJoin:
		for l := p.Base().Left; l != nil; l = outerOf(l) {
			if tl := l.Base().TargetList; tl != nil {
				return len(tl), true
			}
			if s := scanOf(l); s != nil {
				return len(s.ScanCols), true
			}
		}
	}
	return 0, false
}

// param prints an executor parameter as the expression of an outer node that sets it.
func (x *explainer) param(n *query.Param, _ func(query.Expr) string) (string, bool) {
	if n.Kind != query.ParamExec {
		return "", false
	}
	for i := len(x.path) - 1; i >= 0; i-- {
		s := x.path[i]
		if s.sub != nil {
			for k, id := range s.sub.ParParams {
				if id == n.ID && k < len(s.sub.Args) {
					return x.referent(i, s.p, s.sub.Args[k]), true
				}
			}
			continue
		}
		nl, ok := s.p.(*plan.NestLoop)
		if !ok || !s.inner {
			continue
		}
		for _, np := range nl.Params {
			if np.ID == n.ID {
				return x.referent(i, s.p, np.Var), true
			}
		}
	}
	return "$" + itoa(n.ID), true
}

// referent prints an expression of the ancestor path[i].p, always with table names.
func (x *explainer) referent(i int, p plan.Node, e query.Expr) string {
	saved := x.path
	x.path = x.path[:i]
	s := x.expr(p, e, true)
	x.path = saved
	switch e.(type) {
	case *query.Var, *query.Param, *query.Aggref:
		return s
	}
	return "(" + s + ")"
}

// other prints a reference to a subplan.
func (x *explainer) other(e query.Expr, _ func(query.Expr) string) string {
	s, ok := e.(*plan.SubPlan)
	if !ok {
		return "???"
	}
	name := x.st.SubPlans[s.PlanID].Name
	if s.UseHash {
		name = "hashed " + name
	}
	return "(" + name + ")"
}
