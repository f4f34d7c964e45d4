package deparse

import "gompho/sql/query"

// simple reports whether an argument needs no parentheses inside parent.
func (p *printer) simple(e, parent query.Expr) bool {
	switch n := e.(type) {
	case *query.Var, *query.Const, *query.Param, *query.CoerceToDomainValue, *query.SetToDefault, *query.CurrentOfExpr,
		*query.SubscriptingRef, *query.ArrayExpr, *query.RowExpr, *query.CoalesceExpr, *query.MinMaxExpr,
		*query.SQLValueFunction, *query.NextValueExpr, *query.NullIfExpr, *query.Aggref, *query.GroupingFunc,
		*query.WindowFunc, *query.FuncExpr, *query.CaseExpr:
		return true
	case *query.FieldSelect, *query.FieldStore:
		_, same := parent.(*query.FieldSelect)
		return !same
	case *query.CoerceToDomain:
		return p.simple(n.Arg, e)
	case *query.RelabelType:
		return p.simple(n.Arg, e)
	case *query.CoerceViaIO:
		return p.simple(n.Arg, e)
	case *query.ArrayCoerceExpr:
		return p.simple(n.Arg, e)
	case *query.ConvertRowtypeExpr:
		return p.simple(n.Arg, e)
	case *query.OpExpr:
		if o, ok := parent.(*query.OpExpr); ok {
			return p.bindsTighter(n, o)
		}
		return insideCall(parent, true)
	case *query.SubLink, *query.NullTest, *query.BooleanTest, *query.DistinctExpr:
		return insideCall(parent, true)
	case *query.BoolExpr:
		if b, ok := parent.(*query.BoolExpr); ok {
			if n.Op == query.OrExpr {
				return b.Op == query.OrExpr
			}
			return b.Op == query.AndExpr || b.Op == query.OrExpr
		}
		return insideCall(parent, false)
	}
	return false
}

// insideCall reports whether parent puts something like parentheses around its arguments, or binds more loosely (AND, OR, NOT).
func insideCall(parent query.Expr, boolToo bool) bool {
	switch n := parent.(type) {
	case *query.FuncExpr:
		return n.Format == query.CoerceExplicitCall
	case *query.BoolExpr:
		return boolToo
	case *query.SubscriptingRef, *query.ArrayExpr, *query.RowExpr, *query.CoalesceExpr, *query.MinMaxExpr, *query.NullIfExpr,
		*query.Aggref, *query.GroupingFunc, *query.WindowFunc, *query.CaseExpr:
		return true
	}
	return false
}

// bindsTighter compares the basic arithmetic operators, whose precedence everybody knows.
func (p *printer) bindsTighter(n, parent *query.OpExpr) bool {
	class := func(o *query.OpExpr) int {
		if len(o.Args) != 2 {
			return 0
		}
		switch p.operatorName(o.OpNo) {
		case "+", "-":
			return 1
		case "*", "/", "%":
			return 2
		}
		return 0
	}
	a, b := class(n), class(parent)
	if a == 0 || b == 0 {
		return false
	}
	if a != b {
		return a > b
	}
	return query.Expr(n) == parent.Args[0]
}
