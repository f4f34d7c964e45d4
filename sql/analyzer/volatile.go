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
		return p.procVolatility(n.FuncID)
	case *query.OpExpr:
		return p.procVolatility(n.FuncID)
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
