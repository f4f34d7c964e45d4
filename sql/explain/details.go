package explain

import (
	"fmt"
	"strings"

	"gompho/sql/executor"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// details prints the lines below a node's first.
func (p *printer) details(n plan.Node, pad string, in *executor.Instrumentation) {
	base := n.Base()
	line := func(what, text string) {
		if text != "" {
			p.lines = append(p.lines, pad+what+": "+text)
		}
	}
	removed := func(what string) {
		if in != nil && in.Loops > 0 && in.Removed > 0 {
			p.lines = append(p.lines, fmt.Sprintf("%sRows Removed by %s: %.0f", pad, what, in.Removed/in.Loops))
		}
	}
	switch x := n.(type) {
	case *plan.IndexScan:
		line("Index Cond", p.all(n, x.IndexQualOrig))
	case *plan.IndexOnlyScan:
		line("Index Cond", p.all(n, x.IndexQualOrig))
	case *plan.BitmapIndexScan:
		line("Index Cond", p.all(n, x.IndexQualOrig))
	case *plan.BitmapHeapScan:
		line("Recheck Cond", p.all(n, x.BitmapQualOrig))
	case *plan.HashJoin:
		line("Hash Cond", p.all(n, x.HashClauses))
		line("Join Filter", p.one(n, x.Joinqual))
	case *plan.MergeJoin:
		line("Merge Cond", p.all(n, x.MergeClauses))
		line("Join Filter", p.one(n, x.Joinqual))
	case *plan.NestLoop:
		line("Join Filter", p.one(n, x.Joinqual))
	case *plan.Sort:
		line("Sort Key", p.sortKeys(n, x.Keys))
	case *plan.IncrementalSort:
		line("Sort Key", p.sortKeys(n, x.Keys))
		line("Presorted Key", p.sortKeys(n, x.Keys[:x.Presorted]))
	case *plan.Agg:
		if len(x.GroupingSets) == 0 {
			line("Group Key", p.columns(n, x.GroupCols))
		}
		for _, s := range x.GroupingSets {
			var cols []int
			for _, k := range s {
				cols = append(cols, x.GroupCols[k])
			}
			if len(cols) == 0 {
				line("Group Key", "()")
			} else {
				line("Hash Key", p.columns(n, cols))
			}
		}
	case *plan.Result:
		line("One-Time Filter", p.one(n, x.OneTimeQual))
	case *plan.Memoize:
		line("Cache Key", p.list(n, x.Keys))
	case *plan.ModifyTable:
		if x.OnConflict != nil {
			if x.OnConflict.Action == query.OnConflictNothing {
				line("Conflict Resolution", "NOTHING")
			} else {
				line("Conflict Resolution", "UPDATE")
			}
			var names []string
			for _, a := range x.OnConflict.Arbiters {
				names = append(names, p.relName(a))
			}
			line("Conflict Arbiter Indexes", strings.Join(names, ", "))
		}
	}
	if base.Qual != nil {
		line("Filter", p.one(n, base.Qual))
		removed("Filter")
	}
}

func (p *printer) one(n plan.Node, e query.Expr) string {
	if e == nil || p.err != nil {
		return ""
	}
	s, err := p.d.Expr(p.resolve(n, e), len(p.st.RTable) > 1, false)
	if err != nil {
		p.err = err
	}
	return s
}

// all prints conditions that must hold together.
func (p *printer) all(n plan.Node, list []query.Expr) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return p.one(n, list[0])
	}
	return p.one(n, &query.BoolExpr{Result: query.Result{ResType: 16, ResTypmod: -1}, Op: query.AndExpr, Args: list, Location: -1})
}

func (p *printer) list(n plan.Node, list []query.Expr) string {
	var out []string
	for _, e := range list {
		out = append(out, p.one(n, e))
	}
	return strings.Join(out, ", ")
}

// columns prints output columns of the node's child.
func (p *printer) columns(n plan.Node, cols []int) string {
	var out []string
	for _, c := range cols {
		out = append(out, p.column(n, c))
	}
	return strings.Join(out, ", ")
}

func (p *printer) column(n plan.Node, c int) string {
	e := p.output(n.Base().Left, c)
	if e == nil {
		return "?"
	}
	s, err := p.d.Expr(e, len(p.st.RTable) > 1, true)
	if err != nil {
		p.err = err
	}
	if _, ok := e.(*query.Var); !ok && !strings.HasPrefix(s, "(") {
		if _, agg := e.(*query.Aggref); agg {
			return "(" + s + ")"
		}
		return "(" + s + ")"
	}
	return s
}

func (p *printer) sortKeys(n plan.Node, keys []plan.SortKey) string {
	var out []string
	for _, k := range keys {
		s := p.column(n, k.Col)
		order, err := p.d.OrderBy(p.output(n.Base().Left, k.Col), k.Collation, k.Desc, k.NullsFirst)
		if err != nil {
			p.err = err
		}
		out = append(out, s+order)
	}
	return strings.Join(out, ", ")
}

// resolve replaces references to children's columns by what these hold.
func (p *printer) resolve(n plan.Node, e query.Expr) query.Expr {
	base := n.Base()
	return query.Mutate(e, func(x query.Expr) query.Expr {
		v, ok := x.(*query.Var)
		if !ok {
			return x
		}
		var r query.Expr
		switch v.Varno {
		case query.OuterVar:
			r = p.output(base.Left, v.Varattno)
		case query.InnerVar:
			r = p.output(base.Right, v.Varattno)
		case query.IndexVar:
			if s, ok := n.(*plan.IndexOnlyScan); ok && v.Varattno <= len(s.IndexCols) && s.IndexCols[v.Varattno-1] > 0 {
				c := *v
				c.Varno, c.Varattno = s.ScanRelID, s.IndexCols[v.Varattno-1]
				r = &c
			}
		}
		if r == nil {
			return x
		}
		return r
	})
}

// output is what column c (from 1) of a node's output holds, in terms of tables' columns; nil when it is not known.
func (p *printer) output(n plan.Node, c int) query.Expr {
	if n == nil || c < 1 {
		return nil
	}
	base := n.Base()
	if base.TargetList != nil {
		if c > len(base.TargetList) {
			return nil
		}
		return p.resolve(n, base.TargetList[c-1].Expr)
	}
	if s := scanOf(n); s != nil {
		if c > len(s.ScanCols) {
			return nil
		}
		return p.columnVar(s.ScanRelID, s.ScanCols[c-1])
	}
	switch x := n.(type) {
	case *plan.Append:
		return p.output(x.Children[0], c)
	case *plan.MergeAppend:
		return p.output(x.Children[0], c)
	}
	return p.output(base.Left, c)
}

func (p *printer) columnVar(rti, att int) query.Expr {
	v := &query.Var{Result: query.Result{ResTypmod: -1}, Varno: rti, Varattno: att, Location: -1}
	rte := p.st.RTable[rti-1]
	if rte.Kind == query.RTERelation && att > 0 {
		if r, err := p.cat.Relation(rte.Relid); err == nil && r != nil && att <= len(r.Desc.Attrs) {
			a := &r.Desc.Attrs[att-1]
			v.ResType, v.ResTypmod, v.ResCollation = a.Type, a.Typmod, a.Collation
		}
	} else if att > 0 && att <= len(rte.ColTypes) {
		v.ResType = rte.ColTypes[att-1]
	}
	return v
}

func scanOf(n plan.Node) *plan.Scan {
	switch x := n.(type) {
	case *plan.SeqScan:
		return &x.Scan
	case *plan.IndexScan:
		return &x.Scan
	case *plan.BitmapHeapScan:
		return &x.Scan
	case *plan.TidScan:
		return &x.Scan
	case *plan.FunctionScan:
		return &x.Scan
	case *plan.ValuesScan:
		return &x.Scan
	case *plan.CteScan:
		return &x.Scan
	case *plan.WorkTableScan:
		return &x.Scan
	case *plan.SubqueryScan:
		return &x.Scan
	}
	return nil
}
