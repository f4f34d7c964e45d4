package query

// Mutate replaces parts of an expression: f is asked about e, then about each expression below it, parents
// first. Where f returns another expression that one is taken as it is; where it returns its argument the
// search goes on below. Unchanged parts are shared with the original, which is never changed. A SubLink's
// subselect is not entered.
func Mutate(e Expr, f func(Expr) Expr) Expr {
	if e == nil {
		return nil
	}
	if r := f(e); r != e {
		return r
	}
	return MutateChildren(e, func(c Expr) Expr { return Mutate(c, f) })
}

// MutateUp replaces parts of an expression children first: f sees each expression with its children already
// replaced. A SubLink's subselect is not entered.
func MutateUp(e Expr, f func(Expr) Expr) Expr {
	if e == nil {
		return nil
	}
	return f(MutateChildren(e, func(c Expr) Expr { return MutateUp(c, f) }))
}

// MutateLevels is Mutate that enters subqueries of SubLinks and tells f how many Queries lie between e and the
// expression.
func MutateLevels(e Expr, f func(e Expr, level int) Expr) Expr {
	m := levelMutator{f: f}
	return m.expr(e)
}

// MutateQueryLevels is MutateLevels over all expressions of q, with those of q itself at level 0.
func MutateQueryLevels(q *Query, f func(e Expr, level int) Expr) *Query {
	m := levelMutator{f: f}
	return MutateQuery(q, m.expr, m.sub)
}

type levelMutator struct {
	f     func(Expr, int) Expr
	level int
}

func (m *levelMutator) expr(e Expr) Expr {
	if e == nil {
		return nil
	}
	if r := m.f(e, m.level); r != e {
		return r
	}
	return mutateChildren(e, m.expr, m.sub)
}

func (m *levelMutator) sub(q *Query) *Query {
	m.level++
	r := MutateQuery(q, m.expr, m.sub)
	m.level--
	return r
}

// MutateChildren returns e with f applied to each of its child expressions, e itself when nothing changed.
// f recurses as it likes. A SubLink's subselect is kept.
func MutateChildren(e Expr, f func(Expr) Expr) Expr { return mutateChildren(e, f, nil) }

func mutateList(list []Expr, f func(Expr) Expr) ([]Expr, bool) {
	var out []Expr
	for i, e := range list {
		if e == nil {
			continue
		}
		if r := f(e); r != e {
			if out == nil {
				out = append([]Expr(nil), list...)
			}
			out[i] = r
		}
	}
	if out == nil {
		return list, false
	}
	return out, true
}

func mutateOne(e Expr, f func(Expr) Expr) (Expr, bool) {
	if e == nil {
		return nil, false
	}
	r := f(e)
	return r, r != e
}

// MutateTargets returns list with f applied to each expression, list itself when nothing changed.
func MutateTargets(list []*TargetEntry, f func(Expr) Expr) []*TargetEntry {
	r, _ := mutateTargets(list, f)
	return r
}

func mutateTargets(list []*TargetEntry, f func(Expr) Expr) ([]*TargetEntry, bool) {
	var out []*TargetEntry
	for i, t := range list {
		if r, ch := mutateOne(t.Expr, f); ch {
			if out == nil {
				out = append([]*TargetEntry(nil), list...)
			}
			c := *t
			c.Expr = r
			out[i] = &c
		}
	}
	if out == nil {
		return list, false
	}
	return out, true
}

func mutateChildren(e Expr, f func(Expr) Expr, sub func(*Query) *Query) Expr {
	switch n := e.(type) {
	case *Var, *Const, *Param, *CaseTestExpr, *CoerceToDomainValue, *SetToDefault, *CurrentOfExpr,
		*NextValueExpr, *SQLValueFunction:
		return e
	case *OpExpr:
		if a, ch := mutateList(n.Args, f); ch {
			c := *n
			c.Args = a
			return &c
		}
	case *FuncExpr:
		if a, ch := mutateList(n.Args, f); ch {
			c := *n
			c.Args = a
			return &c
		}
	case *BoolExpr:
		if a, ch := mutateList(n.Args, f); ch {
			c := *n
			c.Args = a
			return &c
		}
	case *ScalarArrayOpExpr:
		if a, ch := mutateList(n.Args, f); ch {
			c := *n
			c.Args = a
			return &c
		}
	case *DistinctExpr:
		if a, ch := mutateList(n.Args, f); ch {
			c := *n
			c.Args = a
			return &c
		}
	case *NullIfExpr:
		if a, ch := mutateList(n.Args, f); ch {
			c := *n
			c.Args = a
			return &c
		}
	case *CoalesceExpr:
		if a, ch := mutateList(n.Args, f); ch {
			c := *n
			c.Args = a
			return &c
		}
	case *MinMaxExpr:
		if a, ch := mutateList(n.Args, f); ch {
			c := *n
			c.Args = a
			return &c
		}
	case *RowExpr:
		if a, ch := mutateList(n.Args, f); ch {
			c := *n
			c.Args = a
			return &c
		}
	case *ArrayExpr:
		if a, ch := mutateList(n.Elements, f); ch {
			c := *n
			c.Elements = a
			return &c
		}
	case *GroupingFunc:
		if a, ch := mutateList(n.Args, f); ch {
			c := *n
			c.Args = a
			return &c
		}
	case Extension:
		return n.WithChildren(f)
	case *Aggref, *WindowFunc, *SubscriptingRef, *SubLink, *FieldStore, *ArrayCoerceExpr, *CaseExpr,
		*RowCompareExpr:
		return mutateWide(e, f, sub)
	default:
		return mutateUnary(e, f)
	}
	return e
}

// mutateUnary covers the expressions with one argument.
func mutateUnary(e Expr, f func(Expr) Expr) Expr {
	switch n := e.(type) {
	case *RelabelType:
		if a, ch := mutateOne(n.Arg, f); ch {
			c := *n
			c.Arg = a
			return &c
		}
	case *NullTest:
		if a, ch := mutateOne(n.Arg, f); ch {
			c := *n
			c.Arg = a
			return &c
		}
	case *FieldSelect:
		if a, ch := mutateOne(n.Arg, f); ch {
			c := *n
			c.Arg = a
			return &c
		}
	case *CoerceViaIO:
		if a, ch := mutateOne(n.Arg, f); ch {
			c := *n
			c.Arg = a
			return &c
		}
	case *ConvertRowtypeExpr:
		if a, ch := mutateOne(n.Arg, f); ch {
			c := *n
			c.Arg = a
			return &c
		}
	case *CollateExpr:
		if a, ch := mutateOne(n.Arg, f); ch {
			c := *n
			c.Arg = a
			return &c
		}
	case *BooleanTest:
		if a, ch := mutateOne(n.Arg, f); ch {
			c := *n
			c.Arg = a
			return &c
		}
	case *CoerceToDomain:
		if a, ch := mutateOne(n.Arg, f); ch {
			c := *n
			c.Arg = a
			return &c
		}
	}
	return e
}

// mutateWide covers the expressions with children of several kinds.
func mutateWide(e Expr, f func(Expr) Expr, sub func(*Query) *Query) Expr {
	switch n := e.(type) {
	case *Aggref:
		d, ch1 := mutateList(n.AggDirectArgs, f)
		a, ch2 := mutateTargets(n.Args, f)
		fl, ch3 := mutateOne(n.AggFilter, f)
		if ch1 || ch2 || ch3 {
			c := *n
			c.AggDirectArgs, c.Args, c.AggFilter = d, a, fl
			return &c
		}
	case *WindowFunc:
		a, ch1 := mutateList(n.Args, f)
		fl, ch2 := mutateOne(n.AggFilter, f)
		if ch1 || ch2 {
			c := *n
			c.Args, c.AggFilter = a, fl
			return &c
		}
	case *SubscriptingRef:
		u, ch1 := mutateList(n.UpperIndexpr, f)
		l, ch2 := mutateList(n.LowerIndexpr, f)
		r, ch3 := mutateOne(n.RefExpr, f)
		as, ch4 := mutateOne(n.RefAssgnExpr, f)
		if ch1 || ch2 || ch3 || ch4 {
			c := *n
			c.UpperIndexpr, c.LowerIndexpr, c.RefExpr, c.RefAssgnExpr = u, l, r, as
			return &c
		}
	case *SubLink:
		t, ch := mutateOne(n.Testexpr, f)
		s := n.Subselect
		if sub != nil && s != nil {
			s = sub(s)
		}
		if ch || s != n.Subselect {
			c := *n
			c.Testexpr, c.Subselect = t, s
			return &c
		}
	case *FieldStore:
		a, ch1 := mutateOne(n.Arg, f)
		v, ch2 := mutateList(n.Newvals, f)
		if ch1 || ch2 {
			c := *n
			c.Arg, c.Newvals = a, v
			return &c
		}
	case *ArrayCoerceExpr:
		a, ch1 := mutateOne(n.Arg, f)
		el, ch2 := mutateOne(n.Elemexpr, f)
		if ch1 || ch2 {
			c := *n
			c.Arg, c.Elemexpr = a, el
			return &c
		}
	case *CaseExpr:
		return mutateCase(n, f)
	case *RowCompareExpr:
		l, ch1 := mutateList(n.Largs, f)
		r, ch2 := mutateList(n.Rargs, f)
		if ch1 || ch2 {
			c := *n
			c.Largs, c.Rargs = l, r
			return &c
		}
	}
	return e
}

func mutateCase(n *CaseExpr, f func(Expr) Expr) Expr {
	arg, changed := mutateOne(n.Arg, f)
	def, ch := mutateOne(n.Defresult, f)
	changed = changed || ch
	whens := n.Whens
	for i, w := range n.Whens {
		x, ch1 := mutateOne(w.Expr, f)
		r, ch2 := mutateOne(w.Result, f)
		if !ch1 && !ch2 {
			continue
		}
		if &whens[0] == &n.Whens[0] {
			whens = append([]*CaseWhen(nil), n.Whens...)
		}
		whens[i] = &CaseWhen{Expr: x, Result: r}
		changed = true
	}
	if !changed {
		return n
	}
	c := *n
	c.Arg, c.Whens, c.Defresult = arg, whens, def
	return &c
}
