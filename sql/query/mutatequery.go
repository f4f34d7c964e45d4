package query

// MutateQuery returns q with f applied to each of its expressions (target list, conditions, LIMIT, join
// alias variables, functions and VALUES in FROM ...) and sub to each subquery of its range table and WITH list (nil
// keeps them); q itself when nothing changed. f gets whole expressions and recurses as it likes; for the
// subselects of SubLinks see MutateQueryLevels.
func MutateQuery(q *Query, f func(Expr) Expr, sub func(*Query) *Query) *Query {
	m := queryMutator{f: f, sub: sub}
	c := *q
	c.TargetList = m.targets(q.TargetList)
	c.ReturningList = m.targets(q.ReturningList)
	c.HavingQual = m.expr(q.HavingQual)
	c.LimitOffset = m.expr(q.LimitOffset)
	c.LimitCount = m.expr(q.LimitCount)
	if q.JoinTree != nil {
		c.JoinTree = m.join(q.JoinTree).(*FromExpr)
	}
	c.OnConflict = m.onConflict(q.OnConflict)
	c.WindowClause = mapNodes(q.WindowClause, m.window)
	c.RTable = mapNodes(q.RTable, m.rangeEntry)
	c.CTEList = mapNodes(q.CTEList, m.cte)
	c.MergeActions = mapNodes(q.MergeActions, m.mergeAction)
	c.WithCheckOptions = mapNodes(q.WithCheckOptions, m.checkOption)
	if !m.changed {
		return q
	}
	return &c
}

// mapNodes applies f to the elements of list, which is copied when one changes.
func mapNodes[T any](list []*T, f func(*T) *T) []*T {
	var out []*T
	for i, n := range list {
		if r := f(n); r != n {
			if out == nil {
				out = append([]*T(nil), list...)
			}
			out[i] = r
		}
	}
	if out == nil {
		return list
	}
	return out
}

type queryMutator struct {
	f       func(Expr) Expr
	sub     func(*Query) *Query
	changed bool
}

func (m *queryMutator) expr(e Expr) Expr {
	r, ch := mutateOne(e, m.f)
	m.changed = m.changed || ch
	return r
}

func (m *queryMutator) exprs(list []Expr) ([]Expr, bool) {
	r, ch := mutateList(list, m.f)
	m.changed = m.changed || ch
	return r, ch
}

func (m *queryMutator) targets(list []*TargetEntry) []*TargetEntry {
	r, ch := mutateTargets(list, m.f)
	m.changed = m.changed || ch
	return r
}

func (m *queryMutator) join(n JoinNode) JoinNode {
	switch n := n.(type) {
	case *FromExpr:
		q, changed := mutateOne(n.Quals, m.f)
		list := n.FromList
		for i, it := range n.FromList {
			if r := m.join(it); r != it {
				if !changed || &list[0] == &n.FromList[0] {
					list = append([]JoinNode(nil), n.FromList...)
				}
				list[i] = r
				changed = true
			}
		}
		if changed {
			m.changed = true
			return &FromExpr{FromList: list, Quals: q}
		}
	case *JoinExpr:
		q, changed := mutateOne(n.Quals, m.f)
		l, r := m.join(n.Larg), m.join(n.Rarg)
		if changed || l != n.Larg || r != n.Rarg {
			m.changed = true
			c := *n
			c.Larg, c.Rarg, c.Quals = l, r, q
			return &c
		}
	}
	return n
}

func (m *queryMutator) onConflict(n *OnConflictExpr) *OnConflictExpr {
	if n == nil {
		return nil
	}
	outer := m.changed
	m.changed = false
	c := *n
	c.ArbiterElems = mapNodes(n.ArbiterElems, func(e *InferenceElem) *InferenceElem {
		r, ch := mutateOne(e.Expr, m.f)
		if !ch {
			return e
		}
		m.changed = true
		x := *e
		x.Expr = r
		return &x
	})
	c.ArbiterWhere = m.expr(n.ArbiterWhere)
	c.Set = m.targets(n.Set)
	c.Where = m.expr(n.Where)
	res := n
	if m.changed {
		res = &c
	}
	m.changed = m.changed || outer
	return res
}

func (m *queryMutator) window(n *WindowClause) *WindowClause {
	s, ch1 := mutateOne(n.StartOffset, m.f)
	e, ch2 := mutateOne(n.EndOffset, m.f)
	if !ch1 && !ch2 {
		return n
	}
	m.changed = true
	c := *n
	c.StartOffset, c.EndOffset = s, e
	return &c
}

func (m *queryMutator) cte(n *CommonTableExpr) *CommonTableExpr {
	if m.sub == nil || n.Query == nil {
		return n
	}
	q := m.sub(n.Query)
	if q == n.Query {
		return n
	}
	m.changed = true
	c := *n
	c.Query = q
	return &c
}

func (m *queryMutator) mergeAction(n *MergeAction) *MergeAction {
	q, ch1 := mutateOne(n.Qual, m.f)
	t, ch2 := mutateTargets(n.TargetList, m.f)
	if !ch1 && !ch2 {
		return n
	}
	m.changed = true
	c := *n
	c.Qual, c.TargetList = q, t
	return &c
}

func (m *queryMutator) checkOption(n *WithCheckOption) *WithCheckOption {
	q, ch := mutateOne(n.Qual, m.f)
	if !ch {
		return n
	}
	m.changed = true
	c := *n
	c.Qual = q
	return &c
}

func (m *queryMutator) rangeEntry(n *RangeTblEntry) *RangeTblEntry {
	c := *n
	changed := false
	switch n.Kind {
	case RTESubquery:
		if m.sub != nil && n.Subquery != nil {
			c.Subquery = m.sub(n.Subquery)
			changed = c.Subquery != n.Subquery
		}
	case RTEJoin:
		c.JoinAliasVars, changed = m.exprs(n.JoinAliasVars)
	case RTEFunction:
		c.Functions = mapNodes(n.Functions, func(f *RangeTblFunction) *RangeTblFunction {
			r, ch := mutateOne(f.FuncExpr, m.f)
			if !ch {
				return f
			}
			changed = true
			x := *f
			x.FuncExpr = r
			return &x
		})
	case RTEValues:
		lists := n.ValuesLists
		for i, l := range n.ValuesLists {
			if r, ch := m.exprs(l); ch {
				if !changed {
					lists = append([][]Expr(nil), n.ValuesLists...)
				}
				lists[i], changed = r, true
			}
		}
		c.ValuesLists = lists
	case RTERelation:
		if s := n.TableSample; s != nil {
			a, ch1 := m.exprs(s.Args)
			r, ch2 := mutateOne(s.Repeatable, m.f)
			if ch1 || ch2 {
				changed = true
				c.TableSample = &TableSampleClause{Method: s.Method, Args: a, Repeatable: r}
			}
		}
	}
	if !changed {
		return n
	}
	m.changed = true
	return &c
}
