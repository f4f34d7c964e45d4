package deparse

import (
	"strings"

	"gompho/internal/ids"
	"gompho/sql/query"
	"gompho/types"
)

// Types and functions with rules of their own.
const (
	boolOid    ids.Oid = 16
	int4Oid    ids.Oid = 23
	unknownOid ids.Oid = 705
	numericOid ids.Oid = 1700
	recordOid  ids.Oid = 2249
)

func (p *printer) list(l []query.Expr, implicit bool) {
	for i, e := range l {
		if i > 0 {
			p.str(", ")
		}
		p.expr(e, implicit)
	}
}

// toplevel prints an element of a row or VALUES list, where a whole row must not look like several columns.
func (p *printer) toplevel(e query.Expr, implicit bool) {
	if v, ok := e.(*query.Var); ok {
		p.variable(v, 0, true)
		return
	}
	p.expr(e, implicit)
}

// expr prints an expression; implicit shows coercions that were not written.
func (p *printer) expr(e query.Expr, implicit bool) {
	switch n := e.(type) {
	case nil:
	case *query.Var:
		p.variable(n, 0, false)
	case *query.Const:
		p.constant(n, 0)
	case *query.Param:
		p.param(n)
	case *query.Aggref:
		p.aggregate(n)
	case *query.GroupingFunc:
		p.str("GROUPING(")
		p.list(n.Args, true)
		p.str(")")
	case *query.WindowFunc:
		p.windowFunc(n)
	case *query.SubscriptingRef:
		p.subscripting(n, implicit)
	case *query.FuncExpr:
		p.function(n, implicit)
	case *query.OpExpr:
		p.operator(n)
	case *query.DistinctExpr:
		p.open()
		p.paren(n.Args[0], true, n)
		p.str(" IS DISTINCT FROM ")
		p.paren(n.Args[1], true, n)
		p.close()
	case *query.NullIfExpr:
		p.str("NULLIF(")
		p.list(n.Args, true)
		p.str(")")
	case *query.ScalarArrayOpExpr:
		p.arrayOp(n)
	case *query.BoolExpr:
		p.boolExpr(n)
	case *query.SubLink:
		p.subLink(n)
	case *query.FieldSelect:
		p.fieldSelect(n)
	case *query.FieldStore:
		if len(n.Newvals) > 1 {
			p.str("ROW(")
			p.list(n.Newvals, implicit)
			p.str(")")
		} else {
			p.list(n.Newvals, implicit)
		}
	case *query.RelabelType:
		p.coercion(n.Arg, n.Format, n, n.ResTypmod, implicit)
	case *query.CoerceViaIO:
		p.coercion(n.Arg, n.Format, n, -1, implicit)
	case *query.ArrayCoerceExpr:
		p.coercion(n.Arg, n.Format, n, n.ResTypmod, implicit)
	case *query.ConvertRowtypeExpr:
		p.coercion(n.Arg, n.Format, n, -1, implicit)
	case *query.CoerceToDomain:
		if n.Format == query.CoerceImplicitCast && !implicit {
			p.expr(n.Arg, false)
		} else {
			p.cast(n.Arg, n.ResType, n.ResTypmod, n)
		}
	case *query.CollateExpr:
		p.open()
		p.paren(n.Arg, implicit, n)
		p.str(" COLLATE " + p.collationName(n.ResCollation))
		p.close()
	case *query.CaseExpr:
		p.caseExpr(n)
	default:
		p.rareExpr(e)
	}
}

func (p *printer) rareExpr(e query.Expr) {
	switch n := e.(type) {
	case *query.CaseTestExpr:
		p.str("CASE_TEST_EXPR")
	case *query.ArrayExpr:
		p.str("ARRAY[")
		p.list(n.Elements, true)
		p.str("]")
		if len(n.Elements) == 0 {
			p.str("::" + p.typ(n.ResType, -1))
		}
	case *query.RowExpr:
		p.row(n)
	case *query.RowCompareExpr:
		p.str("(ROW(")
		p.toplevelList(n.Largs)
		p.str(") " + p.operatorName(n.Opnos[0]) + " ROW(")
		p.toplevelList(n.Rargs)
		p.str("))")
	case *query.CoalesceExpr:
		p.str("COALESCE(")
		p.list(n.Args, true)
		p.str(")")
	case *query.MinMaxExpr:
		if n.Least {
			p.str("LEAST(")
		} else {
			p.str("GREATEST(")
		}
		p.list(n.Args, true)
		p.str(")")
	case *query.SQLValueFunction:
		p.valueFunction(n)
	case *query.NullTest:
		p.nullTest(n)
	case *query.BooleanTest:
		p.open()
		p.paren(n.Arg, false, n)
		p.str([...]string{" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS NOT FALSE", " IS UNKNOWN", " IS NOT UNKNOWN"}[n.Test])
		p.close()
	case *query.CoerceToDomainValue:
		p.str("VALUE")
	case *query.SetToDefault:
		p.str("DEFAULT")
	case *query.CurrentOfExpr:
		p.str("CURRENT OF ")
		p.ident(n.CursorName)
	case *query.NextValueExpr:
		p.str("nextval(")
		p.literal(p.relationName(n.SeqID))
		p.str(")")
	default:
		if p.plan != nil && p.plan.Other != nil {
			p.str(p.plan.Other(e, func(x query.Expr) string { return p.capture(func() { p.expr(x, true) }) }))
			return
		}
		p.str("???")
	}
}

func (p *printer) toplevelList(l []query.Expr) {
	for i, e := range l {
		if i > 0 {
			p.str(", ")
		}
		p.toplevel(e, true)
	}
}

// open and close write the parentheses that only plain text has.
func (p *printer) open() {
	if p.parens() {
		p.str("(")
	}
}

func (p *printer) close() {
	if p.parens() {
		p.str(")")
	}
}

// paren prints an argument of parent, in parentheses where pretty text needs them.
func (p *printer) paren(e query.Expr, implicit bool, parent query.Expr) {
	need := !p.parens() && !p.simple(e, parent)
	if need {
		p.str("(")
	}
	p.expr(e, implicit)
	if need {
		p.str(")")
	}
}

// coercion prints the nodes that convert a value.
func (p *printer) coercion(arg query.Expr, form query.CoercionForm, n query.Expr, typmod int32, implicit bool) {
	if form == query.CoerceImplicitCast && !implicit {
		p.paren(arg, false, n)
		return
	}
	p.cast(arg, n.Type(), typmod, n)
}

func (p *printer) cast(arg query.Expr, typ ids.Oid, typmod int32, parent query.Expr) {
	if c, ok := arg.(*query.Const); ok && c.ResType == typ && c.ResTypmod == -1 {
		p.constant(c, -1)
	} else {
		p.open()
		p.paren(arg, false, parent)
		p.close()
	}
	p.str("::" + p.typ(typ, typmod))
}

// variable prints a column reference. The answer is the bare column name and whether the reference has one.
func (p *printer) variable(v *query.Var, up int, top bool) (string, bool) {
	if p.plan != nil && p.plan.Special != nil {
		if e := p.plan.Special(v); e != nil {
			return p.special(e)
		}
	}
	lvl := v.Varlevelsup + up
	if lvl >= len(p.levels) {
		p.str("???")
		return "", false
	}
	l := p.levels[lvl]
	no, att := v.Varno, v.Varattno
	if v.Varnosyn > 0 && p.plan == nil {
		no, att = int(v.Varnosyn), int(v.Varattnosyn)
	}
	if no < 1 || no > len(l.rtable) {
		p.str("???")
		return "", false
	}
	rte, table := l.rtable[no-1], l.names[no-1]
	if rte.Kind == query.RTEJoin && rte.Alias == nil && att > 0 && att <= len(rte.JoinAliasVars) {
		if w, ok := rte.JoinAliasVars[att-1].(*query.Var); ok {
			return p.variable(w, lvl, top)
		}
	}
	name := ""
	switch {
	case att > 0 && att <= len(l.cols[no-1].names):
		if name = l.cols[no-1].names[att-1]; name == "" {
			name = "?dropped?column?"
		}
	case att > 0:
		name = "?column?"
	case att < 0:
		name = systemColumns[-att-1]
	}
	if table != "" && (p.prefix || name == "") {
		p.ident(table)
		p.str(".")
	}
	if name != "" {
		p.ident(name)
		return name, true
	}
	p.str("*")
	if top {
		p.str("::" + p.typ(v.ResType, v.ResTypmod))
	}
	return "", true
}

// special prints what a variable of a plan's upper node stands for.
func (p *printer) special(e query.Expr) (string, bool) {
	if v, ok := e.(*query.Var); ok {
		return p.variable(v, 0, false)
	}
	p.str("(")
	p.expr(e, true)
	p.str(")")
	return "", false
}

var systemColumns = [...]string{"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"}

func (p *printer) param(n *query.Param) {
	if p.plan != nil && p.plan.Param != nil {
		if s, ok := p.plan.Param(n, func(x query.Expr) string { return p.capture(func() { p.expr(x, false) }) }); ok {
			p.str(s)
			return
		}
	}
	p.str("$" + itoa(n.ID))
}

// constant prints a literal. show is -1 to leave out its type, 1 to show it always, 0 when it is needed.
func (p *printer) constant(c *query.Const, show int) {
	if c.Value.IsNull() {
		p.str("NULL")
		if show >= 0 {
			p.str("::" + p.typ(c.ResType, c.ResTypmod))
			p.constCollation(c)
		}
		return
	}
	text := p.output(c.ResType, c.Value)
	label := true
	switch c.ResType {
	case int4Oid:
		if label = strings.HasPrefix(text, "-"); label {
			p.str("'" + text + "'")
		} else {
			p.str(text)
		}
	case numericOid:
		if text[0] >= '0' && text[0] <= '9' && strings.ContainsAny(text, "eE.") {
			p.str(text)
			label = c.ResTypmod >= 0
		} else {
			p.str("'" + text + "'")
		}
	case boolOid:
		p.str(map[bool]string{true: "true", false: "false"}[text == "t"])
		label = false
	default:
		p.literal(text)
		label = c.ResType != unknownOid
	}
	if show < 0 {
		return
	}
	if label || show > 0 {
		p.str("::" + p.typ(c.ResType, c.ResTypmod))
	}
	p.constCollation(c)
}

func (p *printer) constCollation(c *query.Const) {
	if c.ResCollation != 0 && c.ResCollation != p.typeCollation(c.ResType) {
		p.str(" COLLATE " + p.collationName(c.ResCollation))
	}
}

// output is the text form of a value.
func (p *printer) output(typ ids.Oid, d types.Datum) string {
	t := types.Builtin(typ)
	if t == nil {
		t = must(p.cat.Type(typ))
	}
	if t == nil {
		return string(d.Bytes())
	}
	return string(types.Output(p.env, t, d, nil))
}

func (p *printer) operator(n *query.OpExpr) {
	p.open()
	if len(n.Args) == 2 {
		p.paren(n.Args[0], true, n)
		p.str(" " + p.operatorName(n.OpNo) + " ")
		p.paren(n.Args[1], true, n)
	} else {
		p.str(p.operatorName(n.OpNo) + " ")
		p.paren(n.Args[0], true, n)
	}
	p.close()
}

func (p *printer) arrayOp(n *query.ScalarArrayOpExpr) {
	p.open()
	p.paren(n.Args[0], true, n)
	word := " ALL ("
	if n.UseOr {
		word = " ANY ("
	}
	p.str(" " + p.operatorName(n.OpNo) + word)
	p.paren(n.Args[1], true, n)
	if s, ok := n.Args[1].(*query.SubLink); ok && s.SubLinkType == query.ExprSublink {
		p.str("::" + p.typ(s.ResType, s.ResTypmod))
	}
	p.str(")")
	p.close()
}

func (p *printer) boolExpr(n *query.BoolExpr) {
	p.open()
	switch n.Op {
	case query.NotExpr:
		p.str("NOT ")
		p.paren(n.Args[0], false, n)
	default:
		word := " AND "
		if n.Op == query.OrExpr {
			word = " OR "
		}
		for i, a := range n.Args {
			if i > 0 {
				p.str(word)
			}
			p.paren(a, false, n)
		}
	}
	p.close()
}

func (p *printer) nullTest(n *query.NullTest) {
	p.open()
	p.paren(n.Arg, true, n)
	switch {
	case n.Argisrow || !p.isRowType(n.Arg.Type()):
		p.str(map[bool]string{true: " IS NULL", false: " IS NOT NULL"}[n.IsNull])
	case n.IsNull:
		p.str(" IS NOT DISTINCT FROM NULL")
	default:
		p.str(" IS DISTINCT FROM NULL")
	}
	p.close()
}

func (p *printer) isRowType(t ids.Oid) bool {
	if t == recordOid {
		return true
	}
	row := must(p.cat.TypeRow(must(p.cat.BaseType(t))))
	return row != nil && row.Typtype == 'c'
}

func (p *printer) valueFunction(n *query.SQLValueFunction) {
	names := [...]string{"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP", "LOCALTIME",
		"LOCALTIME", "LOCALTIMESTAMP", "LOCALTIMESTAMP", "CURRENT_ROLE", "CURRENT_USER", "USER", "SESSION_USER",
		"CURRENT_CATALOG", "CURRENT_SCHEMA"}
	p.str(names[n.Op])
	switch n.Op {
	case query.CurrentTimeN, query.CurrentTimestampN, query.LocalTimeN, query.LocalTimestampN:
		p.str("(" + itoa(int(n.ResTypmod)) + ")")
	}
}

func (p *printer) row(n *query.RowExpr) {
	p.str("ROW(")
	var dropped func(int) bool
	if n.ResType != recordOid {
		if row := must(p.cat.TypeRow(must(p.cat.BaseType(n.ResType)))); row != nil && row.Typrelid != 0 {
			rel := must(p.cat.Relation(row.Typrelid))
			dropped = func(i int) bool { return i < len(rel.Desc.Attrs) && rel.Desc.Attrs[i].Dropped }
		}
	}
	sep := ""
	for i, e := range n.Args {
		if dropped != nil && len(n.Args) > 1 && dropped(i) {
			continue
		}
		p.str(sep)
		p.toplevel(e, true)
		sep = ", "
	}
	p.str(")")
	if n.Format == query.CoerceExplicitCast {
		p.str("::" + p.typ(n.ResType, -1))
	}
}

func (p *printer) caseExpr(n *query.CaseExpr) {
	p.keyword("CASE", 0, indentVar, 0)
	if n.Arg != nil {
		p.str(" ")
		p.expr(n.Arg, true)
	}
	space := func() {
		if !p.pretty() {
			p.str(" ")
		}
	}
	for _, w := range n.Whens {
		cond := w.Expr
		if o, ok := cond.(*query.OpExpr); ok && n.Arg != nil && len(o.Args) == 2 {
			if _, ok := stripImplicit(o.Args[0]).(*query.CaseTestExpr); ok {
				cond = o.Args[1]
			}
		}
		space()
		p.keyword("WHEN ", 0, 0, 0)
		p.expr(cond, false)
		p.str(" THEN ")
		p.expr(w.Result, true)
	}
	space()
	p.keyword("ELSE ", 0, 0, 0)
	p.expr(n.Defresult, true)
	space()
	p.keyword("END", -indentVar, 0, 0)
}

// stripImplicit removes coercions that were not written.
func stripImplicit(e query.Expr) query.Expr {
	switch n := e.(type) {
	case *query.FuncExpr:
		if n.Format == query.CoerceImplicitCast {
			return stripImplicit(n.Args[0])
		}
	case *query.RelabelType:
		if n.Format == query.CoerceImplicitCast {
			return stripImplicit(n.Arg)
		}
	case *query.CoerceViaIO:
		if n.Format == query.CoerceImplicitCast {
			return stripImplicit(n.Arg)
		}
	case *query.ArrayCoerceExpr:
		if n.Format == query.CoerceImplicitCast {
			return stripImplicit(n.Arg)
		}
	case *query.CoerceToDomain:
		if n.Format == query.CoerceImplicitCast {
			return stripImplicit(n.Arg)
		}
	}
	return e
}

func (p *printer) subscripting(n *query.SubscriptingRef, implicit bool) {
	if _, ok := n.RefExpr.(*query.CaseTestExpr); ok {
		p.expr(n.RefAssgnExpr, implicit)
		return
	}
	paren := true
	switch n.RefExpr.(type) {
	case *query.Var, *query.FieldSelect:
		paren = false
	}
	if paren {
		p.str("(")
	}
	p.expr(n.RefExpr, implicit)
	if paren {
		p.str(")")
	}
	for i, u := range n.UpperIndexpr {
		p.str("[")
		if i < len(n.LowerIndexpr) {
			p.expr(n.LowerIndexpr[i], false)
			p.str(":")
		}
		p.expr(u, false)
		p.str("]")
	}
	if n.RefAssgnExpr != nil {
		p.str(" := ")
		p.expr(n.RefAssgnExpr, implicit)
	}
}

func (p *printer) fieldSelect(n *query.FieldSelect) {
	paren := true
	switch n.Arg.(type) {
	case *query.SubscriptingRef, *query.FieldSelect:
		paren = false
	}
	if paren {
		p.str("(")
	}
	p.expr(n.Arg, true)
	if paren {
		p.str(")")
	}
	p.str(".")
	p.ident(p.fieldName(n.Arg, n.Fieldnum, 0))
}

// fieldName finds the name of a column of a composite value.
func (p *printer) fieldName(e query.Expr, num, up int) string {
	if r, ok := e.(*query.RowExpr); ok && num <= len(r.Colnames) {
		return r.Colnames[num-1]
	}
	if t := e.Type(); t != recordOid {
		row := must(p.cat.TypeRow(must(p.cat.BaseType(t))))
		if row != nil && row.Typrelid != 0 {
			if rel := must(p.cat.Relation(row.Typrelid)); rel != nil && num <= len(rel.Desc.Attrs) {
				return rel.Desc.Attrs[num-1].Name
			}
		}
	}
	switch n := e.(type) {
	case *query.Var:
		return p.varField(n, num, up)
	case *query.FuncExpr:
		f := must(p.cat.Proc(n.FuncID))
		if f == nil {
			break
		}
		k := 0
		for i, m := range f.Proargmodes {
			if m == 'o' || m == 'b' || m == 't' {
				if k++; k == num && i < len(f.Proargnames) && f.Proargnames[i] != "" {
					return f.Proargnames[i]
				}
			}
		}
		return "column" + itoa(num)
	}
	return "f" + itoa(num)
}

// varField follows a record variable to where its columns have names.
func (p *printer) varField(v *query.Var, num, up int) string {
	lvl := v.Varlevelsup + up
	if lvl >= len(p.levels) || v.Varno < 1 || v.Varno > len(p.levels[lvl].rtable) {
		return "f" + itoa(num)
	}
	l := p.levels[lvl]
	rte := l.rtable[v.Varno-1]
	if v.Varattno == 0 {
		if c := l.cols[v.Varno-1]; num <= len(c.shown) {
			return c.shown[num-1]
		}
		return rte.Eref.Colnames[num-1]
	}
	var sub *query.Query
	switch rte.Kind {
	case query.RTESubquery:
		sub = rte.Subquery
	case query.RTEJoin:
		return p.fieldName(rte.JoinAliasVars[v.Varattno-1], num, lvl)
	case query.RTECTE:
		if at := lvl + rte.CTELevelsUp; at < len(p.levels) {
			for _, c := range p.levels[at].ctes {
				if c.CTEName == rte.CTEName {
					sub = c.Query
				}
			}
		}
	}
	if sub == nil {
		return "f" + itoa(num)
	}
	k := 0
	for _, t := range sub.TargetList {
		if t.Resjunk {
			continue
		}
		if k++; k == v.Varattno {
			saved := p.levels
			p.levels = append([]*level{p.queryNames(sub, false)}, p.levels[lvl:]...)
			name := p.fieldName(t.Expr, num, 0)
			p.levels = saved
			return name
		}
	}
	return "f" + itoa(num)
}
