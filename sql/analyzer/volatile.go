package analyzer

import (
	"gompho/internal/ids"
	"gompho/sql/query"
)

// mutable reports whether an expression's value may change between evaluations.
func (p *state) mutable(e query.Expr) bool {
	return query.Find(e, func(n query.Node, _ int) bool { return p.volatility(n) != 'i' })
}

// volatility returns the volatility of what a node itself does: 'i', 's' or 'v'.
func (p *state) volatility(n query.Node) byte {
	switch n := n.(type) {
	case *query.FuncExpr:
		return p.callVolatility(n.FuncID, n.Args)
	case *query.OpExpr:
		return p.callVolatility(n.FuncID, n.Args)
	case *query.DistinctExpr:
		return p.procVolatility(n.FuncID)
	case *query.NullIfExpr:
		return p.procVolatility(n.FuncID)
	case *query.ScalarArrayOpExpr:
		return p.procVolatility(n.FuncID)
	case *query.RowCompareExpr:
		worst := byte('i')
		for _, f := range n.FuncIDs {
			worst = worse(worst, p.procVolatility(f))
		}
		return worst
	case *query.CoerceViaIO:
		out, in := p.typeRow(n.Arg.Type()), p.typeRow(n.Type())
		return worse(p.procVolatility(out.Typoutput), p.procVolatility(in.Typinput))
	case *query.SQLValueFunction:
		return 's'
	case *query.NextValueExpr:
		return 'v'
	}
	return 'i'
}

// The concatenations of text with any other type: they do what the output function of that type does, and are as volatile as it.
const (
	textAnyCat ids.Oid = 2003
	anyTextCat ids.Oid = 2004
)

func (p *state) callVolatility(fn ids.Oid, args []query.Expr) byte {
	switch fn {
	case textAnyCat:
		return p.procVolatility(p.typeRow(args[1].Type()).Typoutput)
	case anyTextCat:
		return p.procVolatility(p.typeRow(args[0].Type()).Typoutput)
	}
	return p.procVolatility(fn)
}

// CanCoerceImplicitly reports whether values of some types can be cast to others without being asked to.
func CanCoerceImplicitly(s *Session, from, to []ids.Oid) (ok bool, err error) {
	defer catch(&err)
	p := begin(s)
	return p.canCoerceAll(from, to, implicitly), nil
}

// Volatility returns the volatility of the most volatile part of an expression: 'i', 's' or 'v'.
func Volatility(s *Session, e query.Expr) (worst byte, err error) {
	defer catch(&err)
	p := begin(s)
	worst = 'i'
	query.Find(e, func(n query.Node, _ int) bool {
		worst = worse(worst, p.volatility(n))
		return worst == 'v'
	})
	return worst, nil
}

func worse(a, b byte) byte {
	if a == 'v' || b == 'v' {
		return 'v'
	}
	if a == 's' || b == 's' {
		return 's'
	}
	return 'i'
}

func (p *state) procVolatility(fn ids.Oid) byte {
	if f := must(p.cat.Proc(fn)); f != nil {
		return f.Provolatile
	}
	return 'v'
}
