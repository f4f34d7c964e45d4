package planner

import (
	"math"

	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// sizeBase estimates rows and width of a base relation and prepares what its paths need.
func (r *root) sizeBase(b *rel) error {
	rte := b.rte
	switch rte.Kind {
	case query.RTERelation:
		if err := r.lockBase(rte); err != nil {
			return err
		}
		t, err := r.g.facts.table(rte.Relid)
		if err != nil {
			return err
		}
		b.table, b.pages, b.tuples, b.allVis = t, t.pages, t.tuples, t.allVisPct
		expanded, err := r.expand(b)
		if err != nil {
			return err
		}
		if expanded {
			r.sizeChildren(b)
			return nil
		}
		if t.file != (ids.RelFile{}) {
			r.g.sizes = append(r.g.sizes, plan.TableSize{File: t.file, Pages: t.pages})
		}
	case query.RTESubquery:
		if err := r.planSubqueryRel(b); err != nil {
			return err
		}
		b.tuples = b.subpath.rows
	case query.RTEFunction:
		n := 1.0
		for _, f := range rte.Functions {
			n = math.Max(n, r.setRows(f.FuncExpr))
		}
		b.tuples = n
	case query.RTEValues:
		b.tuples = float64(len(rte.ValuesLists))
	case query.RTECTE:
		b.tuples = r.cteRows(b)
	default:
		b.tuples = 1
	}
	b.rows = clampRows(b.tuples * r.listSelectivity(b.restrict, b.relids, query.JoinInner, nil))
	r.setWidth(b)
	return nil
}

// lockBase locks the indexes of a base relation that is read itself, not through its children.
func (r *root) lockBase(rte *query.RangeTblEntry) error {
	if rte.Relkind == 'p' && rte.Inh {
		return nil
	}
	return r.g.lockIndexes(rte)
}

// setRows estimates how many rows a set-returning function yields.
func (r *root) setRows(e query.Expr) float64 {
	f, ok := stripRelabel(e).(*query.FuncExpr)
	if !ok || !f.RetSet {
		return 1
	}
	p := r.g.facts.proc(f.FuncID)
	if p == nil {
		return 1000
	}
	if (p.name == "generate_series") && len(f.Args) >= 2 {
		if n, ok := r.seriesRows(f.Args); ok {
			return n
		}
	}
	if p.name == "unnest" && len(f.Args) == 1 {
		return math.Max(1, r.arrayLen(f.Args[0]))
	}
	return math.Max(1, p.rows)
}

func (r *root) seriesRows(args []query.Expr) (float64, bool) {
	var v [3]float64
	v[2] = 1
	for i, a := range args {
		if i > 2 || a.Type() != 23 && a.Type() != 20 {
			return 0, false
		}
		c := r.estimateExpr(a)
		if c == nil || c.Value.IsNull() {
			return 0, false
		}
		v[i] = float64(c.Value.Int())
	}
	if v[2] == 0 {
		return 0, false
	}
	return math.Max(1, math.Floor((v[1]-v[0]+v[2])/v[2])), true
}

func (r *root) setWidth(b *rel) {
	w := 0.0
	for _, e := range b.target {
		w += r.exprWidth(e)
	}
	b.width = int(w)
}

// exprWidth estimates the bytes of a value.
func (r *root) exprWidth(e query.Expr) float64 {
	if v, ok := e.(*query.Var); ok && v.Varlevelsup == 0 && v.Varno > 0 && v.Varattno > 0 {
		if b := r.rels[v.Varno]; b != nil && b.table != nil {
			if st := r.g.facts.stats(b.table.oid, v.Varattno); st != nil && st.width > 0 {
				return st.width
			}
		}
	}
	t := r.g.facts.typ(e.Type())
	if t == nil {
		return 32
	}
	if t.Len > 0 {
		return float64(t.Len)
	}
	if mod := e.Typmod(); mod > 4 {
		switch e.Type() {
		case 1042: // character(n)
			return float64(mod - 4)
		case 1043: // varchar(n)
			if n := float64(mod - 4); n <= 32 {
				return n
			} else if n < 1000 {
				return 32 + (n-32)/2
			}
			return 32 + (1000-32)/2
		}
	}
	return 32
}

// joinRows estimates the rows of a join of outer and inner under infos.
func (r *root) joinRows(outer, inner *rel, infos []*rinfo, jt query.JoinType, sj *specialJoin) float64 {
	var joinQ, pushed []*rinfo
	for _, ri := range infos {
		if jt == query.JoinInner || !ri.pushedDown || jt == query.JoinSemi || jt == query.JoinAnti {
			joinQ = append(joinQ, ri)
		} else {
			pushed = append(pushed, ri)
		}
	}
	js := r.listSelectivity(joinQ, relset{}, jt, sj)
	ps := r.listSelectivity(pushed, relset{}, query.JoinInner, nil)
	o, i := outer.rows, inner.rows
	switch jt {
	case query.JoinLeft:
		return clampRows(math.Max(o*i*js, o) * ps)
	case query.JoinFull:
		return clampRows(math.Max(math.Max(o*i*js, o), i) * ps)
	case query.JoinSemi:
		return clampRows(o * js)
	case query.JoinAnti:
		return clampRows(o * (1 - js) * ps)
	}
	return clampRows(o * i * js)
}

// numGroups estimates how many different combinations of values the expressions have among rows.
func (r *root) numGroups(exprs []query.Expr, rows float64) float64 {
	rows = clampRows(rows)
	if len(exprs) == 0 {
		return 1
	}
	type relGroups struct {
		b *rel
		n float64
		k int
	}
	byRel := map[int]*relGroups{}
	total := 1.0
	var seen []query.Expr
	for _, e := range exprs {
		if e.Type() == boolOid {
			total *= 2
			continue
		}
		for _, part := range groupParts(e) {
			if containsExpr(seen, part) {
				continue
			}
			seen = append(seen, part)
			vi := r.varStats(part)
			nd, _ := vi.distinct()
			if vi.rel == nil {
				total *= math.Min(nd, rows)
				continue
			}
			g := byRel[vi.rel.rti]
			if g == nil {
				g = &relGroups{b: vi.rel, n: 1}
				byRel[vi.rel.rti] = g
			}
			g.n *= nd
			g.k++
		}
	}
	for _, g := range byRel {
		n := g.n
		if t := g.b.tuples; t > 0 {
			limit := t
			if g.k > 1 {
				limit = math.Max(t*0.1, 1)
			}
			n = math.Min(n, limit)
			if g.b.rows < t { // only some rows are left: Yao's formula, as a power
				n *= 1 - math.Pow((t-g.b.rows)/t, t/math.Max(n, 1))
			}
		}
		total *= clampRows(n)
	}
	return math.Min(math.Ceil(total), rows)
}

// groupParts splits an expression into the columns it is computed from.
func groupParts(e query.Expr) []query.Expr {
	if isVar(e) {
		return []query.Expr{stripRelabel(e)}
	}
	var out []query.Expr
	walkExpr(e, func(n query.Expr) bool {
		if v, ok := n.(*query.Var); ok && v.Varlevelsup == 0 {
			out = append(out, v)
		}
		return true
	})
	if len(out) == 0 {
		return nil
	}
	return out
}

func containsExpr(list []query.Expr, e query.Expr) bool {
	for _, x := range list {
		if exprEqual(x, e) {
			return true
		}
	}
	return false
}
