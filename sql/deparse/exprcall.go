package deparse

import (
	"gompho/sql/query"
)

func (p *printer) function(n *query.FuncExpr, implicit bool) {
	switch n.Format {
	case query.CoerceImplicitCast:
		if !implicit {
			p.paren(n.Args[0], false, n)
			return
		}
		p.cast(n.Args[0], n.ResType, lengthTypmod(n), n)
		return
	case query.CoerceExplicitCast:
		p.cast(n.Args[0], n.ResType, lengthTypmod(n), n)
		return
	case query.CoerceSQLSyntax:
		if p.sqlSyntax(n) {
			return
		}
	}
	p.str(p.functionName(n.FuncID) + "(")
	for i, a := range n.Args[:len(n.Args)-min(n.Defaulted, len(n.Args))] {
		if i > 0 {
			p.str(", ")
		}
		if n.Variadic && i == len(n.Args)-1 {
			p.str("VARIADIC ")
		}
		p.expr(a, true)
	}
	p.str(")")
}

// lengthTypmod is the modifier that a length coercion applies, -1 for other casts.
func lengthTypmod(n *query.FuncExpr) int32 {
	if len(n.Args) < 2 || len(n.Args) > 3 {
		return -1
	}
	if c, ok := n.Args[1].(*query.Const); ok && c.ResType == int4Oid && !c.Value.IsNull() {
		return int32(c.Value.Int())
	}
	return -1
}

// funcCall prints an expression in FROM, which must look like a function call.
func (p *printer) funcCall(e query.Expr, implicit bool) {
	if looksLikeFunction(e) {
		p.expr(e, implicit)
		return
	}
	p.str("CAST(")
	p.expr(e, false)
	p.str(" AS " + p.typ(e.Type(), e.Typmod()) + ")")
}

// looksLikeFunction reports whether an expression prints as a function call.
func looksLikeFunction(e query.Expr) bool {
	switch n := e.(type) {
	case *query.FuncExpr:
		return n.Format == query.CoerceExplicitCall || n.Format == query.CoerceSQLSyntax
	case *query.CoalesceExpr, *query.MinMaxExpr, *query.NullIfExpr, *query.SQLValueFunction:
		return true
	}
	return false
}

// sqlSyntax prints the functions that SQL has a grammar of their own for; false when n is none of them.
func (p *printer) sqlSyntax(n *query.FuncExpr) bool {
	f := must(p.cat.Proc(n.FuncID))
	if f == nil {
		return false
	}
	a := n.Args
	arg := func(i int) { p.expr(a[i], false) }
	words := func(parts ...string) {
		for i, w := range parts {
			p.str(w)
			if i < len(a) {
				arg(i)
			}
		}
	}
	switch f.Proname {
	case "timezone":
		if len(a) != 2 {
			return false
		}
		p.str("(")
		p.paren(a[1], false, n)
		p.str(" AT TIME ZONE ")
		p.paren(a[0], false, n)
		p.str(")")
	case "overlaps":
		words("((", ", ", "), (", ", ")
		p.str("))")
		return true
	case "extract":
		p.str("EXTRACT(")
		if c, ok := a[0].(*query.Const); ok && c.Value.IsBytes() {
			p.str(c.Value.Str())
		} else {
			arg(0)
		}
		p.str(" FROM ")
		arg(1)
		p.str(")")
	case "is_normalized":
		p.str("(")
		p.paren(a[0], false, n)
		p.str(" IS")
		p.form(a, " ")
		p.str(" NORMALIZED)")
	case "pg_collation_for":
		p.str("COLLATION FOR (")
		arg(0)
		p.str(")")
	case "normalize":
		p.str("NORMALIZE(")
		arg(0)
		p.form(a, ", ")
		p.str(")")
	case "overlay":
		return p.overlay(a)
	case "position":
		p.str("POSITION((")
		arg(1)
		p.str(") IN (")
		arg(0)
		p.str("))")
	case "substring":
		return p.substring(a)
	case "btrim", "ltrim", "rtrim":
		p.str("TRIM(" + map[string]string{"btrim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}[f.Proname])
		if len(a) == 2 {
			p.str(" ")
			arg(1)
		}
		p.str(" FROM ")
		arg(0)
		p.str(")")
	default:
		return false
	}
	return true
}

// form prints the optional name of a Unicode normal form.
func (p *printer) form(a []query.Expr, sep string) {
	if len(a) == 2 {
		if c, ok := a[1].(*query.Const); ok {
			p.str(sep + c.Value.Str())
		}
	}
}

func (p *printer) overlay(a []query.Expr) bool {
	p.str("OVERLAY(")
	p.expr(a[0], false)
	p.str(" PLACING ")
	p.expr(a[1], false)
	p.str(" FROM ")
	p.expr(a[2], false)
	if len(a) == 4 {
		p.str(" FOR ")
		p.expr(a[3], false)
	}
	p.str(")")
	return true
}

func (p *printer) substring(a []query.Expr) bool {
	if len(a) < 2 || len(a) == 2 && a[1].Type() != int4Oid {
		return false
	}
	p.str("SUBSTRING(")
	p.expr(a[0], false)
	mid, last := " FROM ", " FOR "
	if a[1].Type() != int4Oid {
		mid, last = " SIMILAR ", " ESCAPE "
	}
	p.str(mid)
	p.expr(a[1], false)
	if len(a) == 3 {
		p.str(last)
		p.expr(a[2], false)
	}
	p.str(")")
	return true
}

func (p *printer) aggregate(n *query.Aggref) {
	p.str(p.functionName(n.AggFnOid) + "(")
	if len(n.AggDistinct) > 0 {
		p.str("DISTINCT ")
	}
	switch {
	case n.AggKind != 'n':
		p.list(n.AggDirectArgs, true)
		p.str(") WITHIN GROUP (ORDER BY ")
		p.orderBy(n.AggOrder, n.Args, false)
	case n.AggStar:
		p.str("*")
	default:
		i := 0
		live := 0
		for _, t := range n.Args {
			if !t.Resjunk {
				live++
			}
		}
		for _, t := range n.Args {
			if t.Resjunk {
				continue
			}
			if i > 0 {
				p.str(", ")
			}
			if i++; n.AggVariadic && i == live {
				p.str("VARIADIC ")
			}
			p.expr(t.Expr, true)
		}
		if len(n.AggOrder) > 0 {
			p.str(" ORDER BY ")
			p.orderBy(n.AggOrder, n.Args, false)
		}
	}
	if n.AggFilter != nil {
		p.str(") FILTER (WHERE ")
		p.expr(n.AggFilter, false)
	}
	p.str(")")
}

func (p *printer) windowFunc(n *query.WindowFunc) {
	p.str(p.functionName(n.WinFnOid) + "(")
	if n.WinStar {
		p.str("*")
	} else {
		p.list(n.Args, true)
	}
	if n.AggFilter != nil {
		p.str(") FILTER (WHERE ")
		p.expr(n.AggFilter, false)
	}
	p.str(") OVER ")
	for _, w := range p.windows {
		if w.WinRef != n.WinRef {
			continue
		}
		if w.Name != "" {
			p.ident(w.Name)
		} else {
			p.windowSpec(w, p.windowTL)
		}
		return
	}
	p.str("(?)")
}

func (p *printer) subLink(n *query.SubLink) {
	if n.SubLinkType == query.ArraySublink {
		p.str("ARRAY(")
	} else {
		p.str("(")
	}
	op := ""
	switch t := n.Testexpr.(type) {
	case nil:
	case *query.OpExpr:
		p.expr(t.Args[0], true)
		op = p.operatorName(t.OpNo)
	case *query.BoolExpr:
		p.str("(")
		for i, a := range t.Args {
			o, ok := a.(*query.OpExpr)
			if !ok {
				continue
			}
			if i > 0 {
				p.str(", ")
			} else {
				op = p.operatorName(o.OpNo)
			}
			p.expr(o.Args[0], true)
		}
		p.str(")")
	case *query.RowCompareExpr:
		p.str("(")
		p.list(t.Largs, true)
		op = p.operatorName(t.Opnos[0])
		p.str(")")
	default:
		p.str("?")
	}
	paren := true
	switch n.SubLinkType {
	case query.ExistsSublink:
		p.str("EXISTS ")
	case query.AnySublink:
		if op == "=" {
			p.str(" IN ")
		} else {
			p.str(" " + op + " ANY ")
		}
	case query.AllSublink:
		p.str(" " + op + " ALL ")
	case query.RowCompareSublink:
		p.str(" " + op + " ")
	default:
		paren = false
	}
	if paren {
		p.str("(")
	}
	p.subquery(n.Subselect, false)
	if paren {
		p.str("))")
	} else {
		p.str(")")
	}
}
