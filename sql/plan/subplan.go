package plan

import (
	"slices"

	"gompho/sql/query"
)

// VisitChildren implements query.Extension.
func (s *SubPlan) VisitChildren(f func(query.Expr)) {
	if s.Testexpr != nil {
		f(s.Testexpr)
	}
	for _, a := range s.Args {
		f(a)
	}
	for _, a := range s.HashLeft {
		f(a)
	}
}

// WithChildren implements query.Extension.
func (s *SubPlan) WithChildren(f func(query.Expr) query.Expr) query.Expr {
	c := *s
	changed := false
	each := func(list []query.Expr) []query.Expr {
		var out []query.Expr
		for i, e := range list {
			if r := f(e); r != e {
				if out == nil {
					out = slices.Clone(list)
				}
				out[i] = r
			}
		}
		if out == nil {
			return list
		}
		changed = true
		return out
	}
	if s.Testexpr != nil {
		c.Testexpr = f(s.Testexpr)
		changed = c.Testexpr != s.Testexpr
	}
	c.Args = each(s.Args)
	c.HashLeft = each(s.HashLeft)
	if !changed {
		return s
	}
	return &c
}

// EqualExtension implements query.Extension: two references to one subplan with equal arguments.
func (s *SubPlan) EqualExtension(other query.Expr) bool {
	o, ok := other.(*SubPlan)
	return ok && s.SubLinkType == o.SubLinkType && s.PlanID == o.PlanID && s.Result == o.Result &&
		query.Equal(s.Testexpr, o.Testexpr) && query.EqualExprs(s.Args, o.Args)
}
