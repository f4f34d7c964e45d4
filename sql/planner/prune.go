package planner

import (
	"slices"

	"gompho/internal/ids"
	"gompho/sql/partition"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// pruneLevel is a partitioned table whose partitions are to be looked at again when the values of parameters are known.
type pruneLevel struct {
	key    *partition.Key
	desc   *partition.Desc
	cond   *partition.Cond
	values []query.Expr
}

// prune tells which partitions of a table can have rows that meet the conditions on the parent; cols are the table's columns by the parent's.
// The level is nil when constants say all.
func (r *root) prune(b *rel, t *tableInfo, cols []int) (partition.Set, *pruneLevel) {
	f := &condFinder{r: r, b: b, t: t, cols: cols}
	c := &partition.Cond{Kind: partition.And}
	if r.g.facts.costs().PartitionPruning {
		for _, ri := range b.restrict {
			if part := f.cond(ri.clause); part != nil {
				c.Args = append(c.Args, part)
			}
		}
	}
	if len(c.Args) == 0 {
		return partition.NewSet(len(t.parts.Oids), true), nil
	}
	keep := t.parts.Prune(t.key, c, f.vals)
	if !slices.ContainsFunc(f.vals, func(v partition.Value) bool { return !v.Known }) {
		return keep, nil
	}
	return keep, &pruneLevel{t.key, t.parts, c, f.exprs}
}

// condFinder turns conditions on a parent into conditions on the key of a table of the tree.
type condFinder struct {
	r     *root
	b     *rel
	t     *tableInfo
	cols  []int
	vals  []partition.Value
	exprs []query.Expr
}

// cond returns what a condition says of the key; nil: nothing.
func (f *condFinder) cond(e query.Expr) *partition.Cond {
	switch x := e.(type) {
	case *query.BoolExpr:
		return f.boolean(x)
	case *query.OpExpr:
		if len(x.Args) != 2 {
			return nil
		}
		if c := f.compare(x.OpNo, x.Args[0], x.Args[1], x.InputCollid, false); c != nil {
			return c
		}
		if info := f.r.g.facts.op(x.OpNo); info != nil && info.commutator != 0 {
			return f.compare(info.commutator, x.Args[1], x.Args[0], x.InputCollid, false)
		}
	case *query.ScalarArrayOpExpr:
		c := f.compare(x.OpNo, x.Args[0], x.Args[1], x.InputCollid, true)
		if c != nil {
			c.All = !x.UseOr
		}
		return c
	case *query.NullTest:
		if col := f.column(x.Arg); col >= 0 && !x.Argisrow {
			if x.IsNull {
				return &partition.Cond{Kind: partition.IsNull, Col: col}
			}
			return &partition.Cond{Kind: partition.NotNull, Col: col}
		}
	case *query.BooleanTest:
		switch x.Test {
		case query.IsTrue:
			return f.flag(x.Arg, true)
		case query.IsFalse:
			return f.flag(x.Arg, false)
		}
	case *query.Const:
		if !x.Value.IsTrue() {
			return &partition.Cond{Kind: partition.Or}
		}
	}
	return f.flag(e, true)
}

func (f *condFinder) boolean(x *query.BoolExpr) *partition.Cond {
	if x.Op == query.NotExpr {
		return f.flag(x.Args[0], false)
	}
	out := &partition.Cond{Kind: partition.And}
	if x.Op == query.OrExpr {
		out.Kind = partition.Or
	}
	for _, a := range x.Args {
		c := f.cond(a)
		if c == nil && x.Op == query.OrExpr {
			return nil
		}
		if c != nil {
			out.Args = append(out.Args, c)
		}
	}
	if len(out.Args) == 0 {
		return nil
	}
	return out
}

// flag is a key column of type boolean as a condition.
func (f *condFinder) flag(e query.Expr, want bool) *partition.Cond {
	col := -1
	if e.Type() == boolOid {
		col = f.column(e)
	}
	if col < 0 || f.t.key.InTypes[col] != boolOid {
		return nil
	}
	return f.value(col, strategyEq, boolConst(want), false, nil)
}

// column returns the key column that e is, -1 for none.
func (f *condFinder) column(e query.Expr) int {
	for i := range f.t.key.Atts {
		if f.r.isKeyColumn(f.b, f.t, f.cols, i, e) {
			return i
		}
	}
	return -1
}

// compare matches a comparison of arg with value.
func (f *condFinder) compare(op ids.Oid, arg, value query.Expr, coll ids.Oid, list bool) *partition.Cond {
	if !f.r.exprRels(value).empty() || f.r.volatileExpr(value) || hasSubPlan(value) {
		return nil
	}
	typ := value.Type()
	var elem *types.Type
	if list {
		at := f.r.g.facts.typ(typ)
		if at == nil || at.ElemType == nil {
			return nil
		}
		elem = at.ElemType
		typ = elem.Oid
	}
	k := f.t.key
	for i := range k.Atts {
		if !f.r.isKeyColumn(f.b, f.t, f.cols, i, arg) || k.Collations[i] != coll && k.Collations[i] != 0 || !sameOrder(typ, k.Types[i], k.InTypes[i]) {
			continue
		}
		if s := f.strategy(i, op); s != 0 {
			return f.value(i, s, value, list, elem)
		}
	}
	return nil
}

// strategy is what an operator means for a key column; 0: nothing.
func (f *condFinder) strategy(col int, op ids.Oid) int {
	k := f.t.key
	of := func(op ids.Oid) int {
		for _, m := range f.r.g.facts.families(op) {
			if m.family == k.OpFamilies[col] || k.Strategy == partition.Hash && m.strategy == strategyEq && f.r.sameHash(f.t, col, op) {
				return m.strategy
			}
		}
		return 0
	}
	if s := of(op); s != 0 {
		return s
	}
	if info := f.r.g.facts.op(op); k.Strategy == partition.List && info != nil && info.negator != 0 && of(info.negator) == strategyEq {
		return partition.NotEqual
	}
	return 0
}

func (f *condFinder) value(col, strategy int, e query.Expr, list bool, elem *types.Type) *partition.Cond {
	v := partition.Value{List: list}
	if k, ok := e.(*query.Const); ok {
		v.Known, v.D = true, k.Value
		if list && !k.Value.IsNull() {
			v.Elems = types.DecodeArray(k.Value, elem).Elems
		}
		v.List = list && !k.Value.IsNull()
	}
	f.vals, f.exprs = append(f.vals, v), append(f.exprs, e)
	return &partition.Cond{Kind: partition.Compare, Col: col, Strategy: strategy, Value: len(f.vals) - 1, List: list}
}

// pruning makes what an Append needs to leave children out when it runs; nil when nothing is to be learned then.
func (b *builder) pruning(p *path) *plan.Pruning {
	var levels []*pruneLevel
	out := &plan.Pruning{}
	for i, c := range p.children {
		for _, at := range childOf(c).at {
			l := slices.Index(levels, at.level)
			if l < 0 {
				l = len(levels)
				levels = append(levels, at.level)
				n := plan.PruneLevel{Key: at.level.key, Desc: at.level.desc, Cond: at.level.cond, Part: make([]int, len(p.children))}
				for k := range n.Part {
					n.Part[k] = -1
				}
				for _, e := range at.level.values {
					e = b.scanExpr(e)
					n.Values = append(n.Values, e)
					walkExpr(e, func(x query.Expr) bool {
						if pe, ok := x.(*query.Param); ok && pe.Kind == query.ParamExec {
							out.Rescan = true
						}
						return true
					})
				}
				out.Levels = append(out.Levels, n)
			}
			out.Levels[l].Part[i] = at.part
		}
	}
	if len(levels) == 0 {
		return nil
	}
	return out
}

// childOf is the child that a path below an Append reads.
func childOf(p *path) *child {
	for p.rel.as == nil {
		p = p.outer
	}
	return p.rel.as
}
