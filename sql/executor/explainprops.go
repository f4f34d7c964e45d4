package executor

import (
	"slices"
	"strconv"
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
)

func itoa(n int) string { return strconv.Itoa(n) }

var joinNames = [...]string{query.JoinInner: "Inner", query.JoinLeft: "Left", query.JoinFull: "Full", query.JoinRight: "Right",
	query.JoinSemi: "Semi", query.JoinAnti: "Anti"}

var operationNames = map[query.CommandType]string{query.CmdInsert: "Insert", query.CmdUpdate: "Update", query.CmdDelete: "Delete", query.CmdMerge: "Merge"}

// names sets what a node is called and what it works on.
func (x *explainer) names(p plan.Node, e *explained) {
	e.typ = nodeTypes[nodeKey(p)]
	e.name = e.typ
	head := func(name, text string) { e.head = append(e.head, prop{name: name, text: text}) }
	switch p := p.(type) {
	case *plan.Agg:
		e.name, e.typ = map[plan.AggStrategy]string{plan.AggPlain: "Aggregate", plan.AggSorted: "GroupAggregate",
			plan.AggHashed: "HashAggregate", plan.AggMixed: "MixedAggregate"}[p.Strategy], "Aggregate"
		if p.Strategy == plan.AggMixed && !slices.ContainsFunc(p.GroupingSets, func(s []int) bool { return len(s) == 0 }) {
			e.name = "HashAggregate"
		}
		head("Strategy", map[plan.AggStrategy]string{plan.AggPlain: "Plain", plan.AggSorted: "Sorted", plan.AggHashed: "Hashed", plan.AggMixed: "Mixed"}[p.Strategy])
		mode := "Simple"
		switch p.Split {
		case plan.AggPartial:
			mode = "Partial"
			e.name = "Partial " + e.name
		case plan.AggFinal:
			mode = "Finalize"
			e.name = "Finalize " + e.name
		}
		head("Partial Mode", mode)
	case *plan.SetOp:
		cmd := "Intersect"
		if p.Op == query.SetOpExcept {
			cmd = "Except"
		}
		if p.All {
			cmd += " All"
		}
		strategy := "Sorted"
		if e.name = "SetOp"; p.Hashed {
			e.name, strategy = "HashSetOp", "Hashed"
		}
		e.name, e.typ = e.name+" "+cmd, "SetOp"
		head("Strategy", strategy)
		head("Command", cmd)
	case *plan.NestLoop:
		x.joinNames(e, p.JoinType, "Nested Loop")
	case *plan.HashJoin:
		x.joinNames(e, p.JoinType, "Hash")
	case *plan.MergeJoin:
		x.joinNames(e, p.JoinType, "Merge")
	case *plan.ModifyTable:
		e.name, e.typ = operationNames[p.Operation], "ModifyTable"
		head("Operation", e.name)
		x.onRelation(e, p.ResultRel)
	case *plan.IndexScan:
		x.onIndex(e, p.IndexID, p.ScanRelID, p.Backward)
	case *plan.IndexOnlyScan:
		x.onIndex(e, p.IndexID, p.ScanRelID, p.Backward)
	case *plan.BitmapIndexScan:
		name := x.indexName(p.IndexID)
		e.target = " on " + catalog.QuoteIdent(name)
		head("Index Name", name)
	case *plan.SeqScan:
		if p.Parallel > 0 {
			e.name = "Parallel " + e.name
		}
		x.onRelation(e, p.ScanRelID)
	default:
		if rti := scanRel(p); rti > 0 {
			x.onRelation(e, rti)
		}
	}
}

// joinNames names a join: "Hash Join", "Hash Left Join", "Nested Loop", "Nested Loop Left Join".
func (x *explainer) joinNames(e *explained, t query.JoinType, base string) {
	e.head = append(e.head, prop{name: "Join Type", text: joinNames[t]})
	switch {
	case t == query.JoinInner && base == "Nested Loop":
		e.name = base
	case t == query.JoinInner:
		e.name = base + " Join"
	default:
		e.name = base + " " + joinNames[t] + " Join"
	}
	if e.typ = base; base != "Nested Loop" {
		e.typ += " Join"
	}
}

func (x *explainer) indexName(oid ids.Oid) string {
	if r, err := x.cat.Relation(oid); err == nil && r != nil {
		return r.Name
	}
	return itoa(int(oid))
}

func (x *explainer) onIndex(e *explained, index ids.Oid, rti int, backward bool) {
	dir := "Forward"
	if backward {
		dir = "Backward"
		e.target = " Backward"
	}
	name := x.indexName(index)
	e.target += " using " + catalog.QuoteIdent(name)
	e.head = append(e.head, prop{name: "Scan Direction", text: dir}, prop{name: "Index Name", text: name})
	x.onRelation(e, rti)
}

// onRelation says what a scan or change works on: "on t", "on t a", "on generate_series g".
func (x *explainer) onRelation(e *explained, rti int) {
	rte := x.st.RTable[rti-1]
	object, schema, what := "", "", ""
	switch rte.Kind {
	case query.RTERelation:
		if r, err := x.cat.Relation(rte.Relid); err == nil && r != nil {
			object, schema, what = r.Name, x.schema(r.Namespace), "Relation Name"
		}
	case query.RTEFunction:
		what = "Function Name"
		if len(rte.Functions) == 1 {
			if f, ok := rte.Functions[0].FuncExpr.(*query.FuncExpr); ok {
				if p, err := x.cat.Proc(f.FuncID); err == nil && p != nil {
					object, schema = p.Proname, x.schema(p.Pronamespace)
				}
			}
		}
	case query.RTECTE:
		what, object = "CTE Name", rte.CTEName
	}
	e.target += " on"
	if object != "" {
		if x.o.Verbose && schema != "" {
			e.target += " " + catalog.QuoteIdent(schema) + "." + catalog.QuoteIdent(object)
		} else {
			e.target += " " + catalog.QuoteIdent(object)
		}
		e.head = append(e.head, prop{name: what, text: object})
		if x.o.Verbose && schema != "" {
			e.head = append(e.head, prop{name: "Schema", text: schema})
		}
	}
	alias := x.dp.Name(rti)
	if alias == "" && rte.Eref != nil {
		alias = rte.Eref.Name
	}
	if object == "" || alias != object {
		e.target += " " + catalog.QuoteIdent(alias)
	}
	e.head = append(e.head, prop{name: "Alias", text: alias})
}

// inputOf is the node whose output the columns of p count. Those of a MergeAppend go by the name of its table.
func (x *explainer) inputOf(p plan.Node) plan.Node {
	if m, ok := p.(*plan.MergeAppend); ok && m.Rel > 0 {
		return p
	}
	return outerOf(p)
}

// targets are the tables that a ModifyTable names: those whose rows it changes, when they are not the one of its title alone.
func (x *explainer) targets(p *plan.ModifyTable) []int {
	if len(p.ResultRels) == 1 && p.ResultRels[0] == p.ResultRel {
		return nil
	}
	return p.ResultRels
}

func (x *explainer) schema(oid ids.Oid) string {
	if n, err := x.cat.Namespace(oid); err == nil && n != nil {
		return n.Nspname
	}
	return ""
}

func nodeKey(p plan.Node) string {
	s := typeName(p)
	return s[strings.LastIndexByte(s, '.')+1:]
}

var nodeTypes = map[string]string{
	"Result": "Result", "ProjectSet": "ProjectSet", "SeqScan": "Seq Scan", "SampleScan": "Sample Scan", "IndexScan": "Index Scan",
	"IndexOnlyScan": "Index Only Scan", "BitmapIndexScan": "Bitmap Index Scan", "BitmapAnd": "BitmapAnd", "BitmapOr": "BitmapOr",
	"BitmapHeapScan": "Bitmap Heap Scan", "TidScan": "Tid Scan", "TidRangeScan": "Tid Range Scan", "SubqueryScan": "Subquery Scan",
	"FunctionScan": "Function Scan", "ValuesScan": "Values Scan", "CteScan": "CTE Scan", "WorkTableScan": "WorkTable Scan",
	"RecursiveUnion": "Recursive Union", "Material": "Materialize", "Memoize": "Memoize", "Sort": "Sort",
	"IncrementalSort": "Incremental Sort", "Group": "Group", "WindowAgg": "WindowAgg", "Unique": "Unique", "Append": "Append",
	"MergeAppend": "Merge Append", "LockRows": "LockRows", "Limit": "Limit", "Gather": "Gather", "Hash": "Hash",
}

// output is the line Output of VERBOSE.
func (x *explainer) output(p plan.Node, e *explained) {
	switch m := p.(type) {
	case *plan.ModifyTable:
		var l []string
		for _, te := range m.Returning {
			l = append(l, x.expr(p, te.Expr, x.several))
		}
		if len(l) > 0 {
			e.props = append(e.props, prop{name: "Output", list: l})
		}
		return
	case *plan.Append, *plan.MergeAppend, *plan.RecursiveUnion, *plan.BitmapIndexScan, *plan.BitmapAnd, *plan.BitmapOr:
		return
	}
	var l []string
	tl := p.Base().TargetList
	if tl == nil {
		if s := scanOf(p); s != nil {
			for i := range s.ScanCols {
				c, _ := x.outputColumn(p, i+1)
				l = append(l, x.expr(p, c, x.several))
			}
		} else if o := outerOf(p); o != nil {
			for i := range x.width(o) {
				l = append(l, x.expr(p, &query.Var{Result: query.Result{ResTypmod: -1}, Varno: query.OuterVar, Varattno: i + 1, Location: -1}, x.several))
			}
		}
	}
	for _, te := range tl {
		l = append(l, x.expr(p, te.Expr, x.several))
	}
	if len(l) > 0 {
		e.props = append(e.props, prop{name: "Output", list: l})
	}
}

// width returns the number of a node's output columns.
func (x *explainer) width(p plan.Node) int {
	for ; p != nil; p = outerOf(p) {
		if tl := p.Base().TargetList; tl != nil {
			return len(tl)
		}
		if s := scanOf(p); s != nil {
			return len(s.ScanCols)
		}
	}
	return 0
}

// qual adds a condition. scan conditions show table names only with VERBOSE.
func (x *explainer) qual(p plan.Node, e *explained, name string, q query.Expr, scan bool) {
	if q == nil {
		return
	}
	prefix := x.prefix
	if _, sub := p.(*plan.SubqueryScan); scan {
		prefix = x.o.Verbose || sub
	}
	e.props = append(e.props, prop{name: name, text: x.expr(p, q, prefix)})
}

func (x *explainer) quals(p plan.Node, e *explained, name string, l []query.Expr, scan bool) {
	switch len(l) {
	case 0:
	case 1:
		x.qual(p, e, name, l[0], scan)
	default:
		x.qual(p, e, name, &query.BoolExpr{Result: query.Result{ResType: boolOid, ResTypmod: -1}, Op: query.AndExpr, Args: l}, scan)
	}
}

// filter adds the node's condition and what it has removed.
func (x *explainer) filter(p plan.Node, e *explained, scan bool) {
	if q := p.Base().Qual; q != nil {
		x.qual(p, e, "Filter", q, scan)
		x.removed(e, "Rows Removed by Filter", func(i *Instrumentation) float64 { return i.Removed })
	}
}

func (x *explainer) removed(e *explained, name string, of func(*Instrumentation) float64) {
	i := e.inst
	if i == nil || i.Loops == 0 {
		return
	}
	if n := of(i); n > 0 || x.structured() {
		e.num(name, float64(int64(n/i.Loops+0.5)))
	}
}

func (x *explainer) structured() bool { return x.o.Format != "" && x.o.Format != "text" }

func (e *explained) num(name string, v float64) {
	e.props = append(e.props, prop{name: name, num: v, isNum: true})
}

func (e *explained) text(name, v string, where propWhere) {
	e.props = append(e.props, prop{name: name, text: v, where: where})
}

// details adds the lines that belong to the kind of node.
func (x *explainer) details(p plan.Node, e *explained) {
	switch p := p.(type) {
	case *plan.IndexScan:
		x.quals(p, e, "Index Cond", p.IndexQualOrig, true)
		x.noRecheck(e, len(p.IndexQualOrig) > 0)
		x.filter(p, e, true)
	case *plan.IndexOnlyScan:
		x.quals(p, e, "Index Cond", p.IndexQualOrig, true)
		x.noRecheck(e, len(p.IndexQualOrig) > 0)
		x.filter(p, e, true)
		if n, ok := runState[*indexOnlyScan](e); ok && e.inst.Loops > 0 {
			e.num("Heap Fetches", float64(n.Fetches))
		}
	case *plan.BitmapIndexScan:
		x.quals(p, e, "Index Cond", p.IndexQualOrig, true)
	case *plan.BitmapHeapScan:
		x.quals(p, e, "Recheck Cond", p.BitmapQualOrig, true)
		x.filter(p, e, true)
		if n, ok := runState[*bitmapHeapScan](e); ok {
			x.heapBlocks(e, n)
		}
	case *plan.TidScan:
		x.tidCond(p, e)
		x.filter(p, e, true)
	case *plan.TidRangeScan:
		x.quals(p, e, "TID Cond", p.TidRangeQuals, true)
		x.filter(p, e, true)
	case *plan.FunctionScan:
		if x.o.Verbose {
			var l []string
			for _, f := range p.Functions {
				l = append(l, x.expr(p, f.FuncExpr, x.o.Verbose))
			}
			e.text("Function Call", strings.Join(l, ", "), everywhere)
		}
		x.filter(p, e, true)
	case *plan.SeqScan, *plan.ValuesScan, *plan.CteScan, *plan.WorkTableScan, *plan.SubqueryScan:
		x.filter(p, e, true)
	case *plan.NestLoop, *plan.HashJoin, *plan.MergeJoin, *plan.Hash:
		x.joinDetails(p, e)
	case *plan.Sort:
		x.sortKeys(p, e, "Sort Key", p.Keys)
		x.sortInfo(e)
	case *plan.IncrementalSort:
		x.sortKeys(p, e, "Sort Key", p.Keys)
		x.sortKeys(p, e, "Presorted Key", p.Keys[:p.Presorted])
	case *plan.MergeAppend:
		x.sortKeys(p, e, "Sort Key", p.Keys)
		x.leftOut(p, e, len(p.Children))
	case *plan.Append:
		x.leftOut(p, e, len(p.Children))
	default:
		x.upperDetails(p, e)
	}
}

// noRecheck is the line that tells how many rows a btree scan had to check again: none.
func (x *explainer) noRecheck(e *explained, conds bool) {
	if conds && x.o.Analyze && x.structured() {
		e.num("Rows Removed by Index Recheck", 0)
	}
}

func (x *explainer) joinDetails(p plan.Node, e *explained) {
	switch p := p.(type) {
	case *plan.NestLoop:
		x.innerUnique(e, p.InnerUnique)
		x.joinFilter(p, e, p.Joinqual)
	case *plan.HashJoin:
		x.innerUnique(e, p.InnerUnique)
		x.quals(p, e, "Hash Cond", p.HashClauses, false)
		x.joinFilter(p, e, p.Joinqual)
	case *plan.MergeJoin:
		x.innerUnique(e, p.InnerUnique)
		x.quals(p, e, "Merge Cond", p.MergeClauses, false)
		x.joinFilter(p, e, p.Joinqual)
	case *plan.Hash:
		if n, ok := runState[*hashJoin](e); ok && n.Buckets > 0 {
			x.hashInfo(e, n)
		}
		return
	}
	x.filter(p, e, false)
}

func (x *explainer) upperDetails(p plan.Node, e *explained) {
	switch p := p.(type) {
	case *plan.Agg:
		x.groupKeys(p, e)
		x.filter(p, e, false)
		if n, ok := runState[*aggNode](e); ok && p.Strategy == plan.AggHashed && n.Batches > 0 {
			e.text("", "Batches: "+itoa(n.Batches)+"  Memory Usage: "+strconv.FormatInt(max(n.PeakKB, 24), 10)+"kB", textOnly)
		}
	case *plan.Group:
		e.list("Group Key", x.columns(p, p.GroupCols))
		x.filter(p, e, false)
	case *plan.Result:
		x.qual(p, e, "One-Time Filter", p.OneTimeQual, false)
		x.filter(p, e, false)
	case *plan.Memoize:
		var l []string
		for _, k := range p.Keys {
			l = append(l, x.expr(p, k, x.prefix))
		}
		e.text("Cache Key", strings.Join(l, ", "), everywhere)
		e.text("Cache Mode", "logical", everywhere)
		if n, ok := runState[*memoizeNode](e); ok && e.inst.Loops > 0 {
			e.text("", "Hits: "+strconv.FormatInt(n.Hits, 10)+"  Misses: "+strconv.FormatInt(n.Misses, 10)+"  Evictions: "+
				strconv.FormatInt(n.Evictions, 10)+"  Overflows: "+strconv.FormatInt(n.Overflows, 10)+"  Memory Usage: "+
				strconv.FormatInt(n.PeakKB, 10)+"kB", textOnly)
		}
	case *plan.ModifyTable:
		for _, rti := range x.targets(p) {
			t := &explained{}
			x.onRelation(t, rti)
			e.text("", operationNames[p.Operation]+t.target, textOnly)
		}
		x.conflict(p, e)
	case *plan.Gather:
		x.filter(p, e, false)
		e.num("Workers Planned", float64(p.Workers))
		if x.ex != nil {
			x.launched(e)
		}
	default:
		x.filter(p, e, false)
	}
}

// launched tells how many workers a Gather has had.
func (x *explainer) launched(e *explained) {
	n := 0
	if g, ok := runState[*gatherNode](e); ok {
		n = g.crew.Launched
	} else if a, ok := runState[*aggNode](e); ok && a.crew != nil {
		n = a.crew.Launched
	}
	e.num("Workers Launched", float64(n))
}

func (x *explainer) conflict(p *plan.ModifyTable, e *explained) {
	oc := p.OnConflict
	if oc == nil {
		return
	}
	action := "NOTHING"
	if oc.Action == query.OnConflictUpdate {
		action = "UPDATE"
	}
	e.text("Conflict Resolution", action, everywhere)
	var l []string
	for _, a := range oc.Arbiters {
		l = append(l, x.indexName(a))
	}
	if len(l) > 0 {
		e.list("Conflict Arbiter Indexes", l)
	}
	if oc.Where != nil {
		x.qual(p, e, "Conflict Filter", oc.Where, false)
	}
}

func (x *explainer) innerUnique(e *explained, u bool) {
	if x.o.Verbose && u || x.structured() {
		v := "false"
		if u {
			v = "true"
		}
		e.props = append(e.props, prop{name: "Inner Unique", text: v, flag: true})
	}
}

func (x *explainer) joinFilter(p plan.Node, e *explained, q query.Expr) {
	if q != nil {
		x.qual(p, e, "Join Filter", q, false)
		x.removed(e, "Rows Removed by Join Filter", func(i *Instrumentation) float64 { return i.RemovedJoin })
	}
}

// runState returns the run state of a measured node.
func runState[T any](e *explained) (t T, ok bool) {
	if e.inst == nil {
		return t, false
	}
	t, ok = e.inst.Node.(T)
	return t, ok
}

func (e *explained) list(name string, l []string) {
	e.props = append(e.props, prop{name: name, list: l})
}

// columns prints output columns of the child.
func (x *explainer) columns(p plan.Node, cols []int) []string {
	var l []string
	for _, c := range cols {
		l = append(l, x.column(p, c))
	}
	return l
}

func (x *explainer) column(p plan.Node, col int) string {
	e, in := x.outputColumn(x.inputOf(p), col)
	if e == nil {
		return "???"
	}
	s := x.expr(in, e, x.prefix)
	if _, ok := e.(*query.Var); !ok && x.passed(p, in) {
		return "(" + s + ")"
	}
	return s
}

// passed reports whether node p sees a column that in computes through a variable: that is so for sorts, and for others when a node lies between.
func (x *explainer) passed(p, in plan.Node) bool {
	switch p.(type) {
	case *plan.Agg, *plan.Group:
		return outerOf(p) != in
	}
	return true
}

func (x *explainer) groupKeys(p *plan.Agg, e *explained) {
	if p.GroupingSets == nil {
		if len(p.GroupCols) > 0 {
			e.list("Group Key", x.columns(p, p.GroupCols))
		}
		return
	}
	name := "Group Key"
	if p.Strategy != plan.AggSorted {
		name = "Hash Key"
	}
	for _, set := range p.GroupingSets {
		if len(set) == 0 {
			e.text("Group Key", "()", everywhere)
			continue
		}
		var cols []int
		for _, i := range set {
			cols = append(cols, p.GroupCols[i])
		}
		e.list(name, x.columns(p, cols))
	}
}

func (x *explainer) sortKeys(p plan.Node, e *explained, name string, keys []plan.SortKey) {
	var l []string
	for _, k := range keys {
		var s string
		if _, ok := p.(*plan.MergeAppend); ok {
			s = x.column(p, k.Col)
		} else {
			s = x.column(p, k.Col)
		}
		c, _ := x.outputColumn(x.inputOf(p), k.Col)
		coll := ids.Oid(0)
		if c != nil && k.Collation != c.Collation() {
			coll = k.Collation
		}
		deco, err := x.dp.OrderBy(c, coll, k.Desc, k.NullsFirst)
		if err != nil && x.err == nil {
			x.err = err
		}
		l = append(l, s+deco)
	}
	e.list(name, l)
}

func (x *explainer) sortInfo(e *explained) {
	n, ok := runState[*sortNode](e)
	if !ok || n.Method == "" {
		return
	}
	space := "Memory"
	if n.Disk {
		space = "Disk"
	}
	e.text("", "Sort Method: "+n.Method+"  "+space+": "+strconv.FormatInt(max(n.KB, 25), 10)+"kB", textOnly)
	e.text("Sort Method", n.Method, dataOnly)
	e.props = append(e.props, prop{name: "Sort Space Used", num: float64(max(n.KB, 25)), isNum: true, where: dataOnly})
	e.text("Sort Space Type", space, dataOnly)
}

func (x *explainer) hashInfo(e *explained, n *hashJoin) {
	e.text("", "Buckets: "+itoa(max(n.Buckets, 1024))+"  Batches: "+itoa(n.Batches)+"  Memory Usage: "+strconv.FormatInt(max(n.PeakKB, 9), 10)+"kB", textOnly)
	for _, p := range []prop{{name: "Hash Buckets", num: float64(n.Buckets)}, {name: "Hash Batches", num: float64(n.Batches)},
		{name: "Peak Memory Usage", num: float64(n.PeakKB)}} {
		p.isNum, p.where = true, dataOnly
		e.props = append(e.props, p)
	}
}

func (x *explainer) heapBlocks(e *explained, n *bitmapHeapScan) {
	if e.inst.Loops == 0 {
		return
	}
	s := "Heap Blocks:"
	if n.Exact > 0 {
		s += " exact=" + strconv.FormatInt(n.Exact, 10)
	}
	if n.Lossy > 0 {
		s += " lossy=" + strconv.FormatInt(n.Lossy, 10)
	}
	if n.Exact > 0 || n.Lossy > 0 {
		e.text("", s, textOnly)
	}
	for _, p := range []prop{{name: "Exact Heap Blocks", num: float64(n.Exact)}, {name: "Lossy Heap Blocks", num: float64(n.Lossy)}} {
		p.isNum, p.where = true, dataOnly
		e.props = append(e.props, p)
	}
}

func (x *explainer) tidCond(p *plan.TidScan, e *explained) {
	if p.CurrentOf != nil {
		e.text("TID Cond", "CURRENT OF "+p.CurrentOf.CursorName, everywhere)
		return
	}
	var l []string
	for i, t := range p.TidExprs {
		s := x.expr(p, t, x.o.Verbose)
		if i < len(p.IsArray) && p.IsArray[i] {
			l = append(l, "(ctid = ANY ("+s+"))")
		} else {
			l = append(l, "(ctid = "+s+")")
		}
	}
	s := strings.Join(l, " OR ")
	if len(l) > 1 {
		s = "(" + s + ")"
	}
	e.text("TID Cond", s, everywhere)
}
