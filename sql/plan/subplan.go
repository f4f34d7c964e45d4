package plan

import "gompho/sql/query"

// VisitChildren implements query.Extension.
func (s *SubPlan) VisitChildren(f func(query.Expr)) {
	if s.Testexpr != nil {
		f(s.Testexpr)
	}
	for _, e := range s.HashLeft {
		f(e)
	}
	for _, e := range s.Args {
		f(e)
	}
}

// WithChildren implements query.Extension.
func (s *SubPlan) WithChildren(f func(query.Expr) query.Expr) query.Expr {
	c, changed := *s, false
	one := func(e query.Expr) query.Expr {
		if e == nil {
			return nil
		}
		r := f(e)
		changed = changed || r != e
		return r
	}
	list := func(in []query.Expr) []query.Expr {
		if in == nil {
			return nil
		}
		out := make([]query.Expr, len(in))
		for i, e := range in {
			out[i] = one(e)
		}
		return out
	}
	c.Testexpr, c.HashLeft, c.Args = one(s.Testexpr), list(s.HashLeft), list(s.Args)
	if !changed {
		return s
	}
	return &c
}

// EqualExtension implements query.Extension: a subplan is equal only to itself, or to a copy with equal children.
func (s *SubPlan) EqualExtension(other query.Expr) bool {
	o, ok := other.(*SubPlan)
	if !ok || o.PlanID != s.PlanID || len(o.Args) != len(s.Args) {
		return false
	}
	if (s.Testexpr == nil) != (o.Testexpr == nil) || s.Testexpr != nil && !query.Equal(s.Testexpr, o.Testexpr) {
		return false
	}
	for i := range s.Args {
		if !query.Equal(s.Args[i], o.Args[i]) {
			return false
		}
	}
	return true
}
