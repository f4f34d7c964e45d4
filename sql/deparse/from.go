package deparse

import (
	"strings"

	"gompho/sql/query"
)

func (p *printer) from(q *query.Query, prefix string) {
	if q.JoinTree == nil {
		return
	}
	first := true
	for _, n := range q.JoinTree.FromList {
		if r, ok := n.(*query.RangeTblRef); ok && !q.RTable[r.RTIndex-1].InFrom {
			continue
		}
		if first {
			p.keyword(prefix, -indentStd, indentStd, 2)
			first = false
			p.fromItem(n, q)
			continue
		}
		p.str(", ")
		text := p.capture(func() { p.fromItem(n, q) })
		if p.pretty() && p.wrap >= 0 {
			if strings.HasPrefix(text, "\n") {
				p.trimSpaces()
			} else if p.lineLength()+len(text) > p.wrap {
				p.keyword("", -indentStd, indentStd, indentVar)
			}
		}
		p.str(text)
	}
}

func (p *printer) fromItem(n query.JoinNode, q *query.Query) {
	switch n := n.(type) {
	case *query.RangeTblRef:
		p.fromEntry(n.RTIndex, q)
	case *query.JoinExpr:
		p.join(n, q)
	}
}

func (p *printer) fromEntry(rti int, q *query.Query) {
	l := p.levels[0]
	rte, name, cols := q.RTable[rti-1], l.names[rti-1], l.cols[rti-1]
	if rte.Lateral {
		p.str("LATERAL ")
	}
	alias := rte.Alias != nil || cols.printAlias
	var defs *query.RangeTblFunction
	switch rte.Kind {
	case query.RTERelation:
		if !rte.Inh && rte.Relkind != 'v' {
			p.str("ONLY ")
		}
		own := p.relationBareName(rte.Relid)
		p.str(p.relationName(rte.Relid))
		alias = alias || name != own
	case query.RTESubquery:
		if rte.Relid != 0 {
			p.str(p.relationName(rte.Relid))
			break
		}
		p.str("(")
		p.subquery(rte.Subquery, true)
		p.str(")")
		alias = true
	case query.RTEFunction:
		defs = p.fromFunctions(rte)
		if rte.Ordinality {
			p.str(" WITH ORDINALITY")
		}
		alias = true
	case query.RTEValues:
		p.str("(")
		p.values(rte.ValuesLists)
		p.str(")")
		alias = true
	case query.RTECTE:
		p.ident(rte.CTEName)
		alias = alias || name != rte.CTEName
	}
	if alias {
		p.str(" ")
		p.ident(name)
	}
	if defs != nil && defs.HasColdefs {
		p.coldefs(defs, cols.names)
	} else {
		p.aliasList(cols)
	}
	if rte.TableSample != nil {
		p.tableSample(rte.TableSample)
	}
}

const unnestFunc = 2331

// fromFunctions prints the functions of a FROM item; the function whose column definitions are still to be printed is
// returned.
func (p *printer) fromFunctions(rte *query.RangeTblEntry) *query.RangeTblFunction {
	f := rte.Functions
	if len(f) == 1 && (!f[0].HasColdefs || !rte.Ordinality) {
		p.funcCall(f[0].FuncExpr, true)
		return f[0]
	}
	unnest := true
	var args []query.Expr
	for _, x := range f {
		fe, ok := x.FuncExpr.(*query.FuncExpr)
		if !ok || fe.FuncID != unnestFunc || x.HasColdefs {
			unnest = false
			break
		}
		args = append(args, fe.Args...)
	}
	if unnest {
		p.str("UNNEST(")
		p.list(args, true)
		p.str(")")
		return nil
	}
	p.str("ROWS FROM(")
	for i, x := range f {
		if i > 0 {
			p.str(", ")
		}
		p.funcCall(x.FuncExpr, true)
		if x.HasColdefs {
			p.str(" AS ")
			p.coldefs(x, x.ColNames)
		}
	}
	p.str(")")
	return nil
}

func (p *printer) coldefs(f *query.RangeTblFunction, names []string) {
	p.str("(")
	for i := range f.ColNames {
		if i > 0 {
			p.str(", ")
		}
		p.ident(names[i])
		p.str(" " + p.typ(f.ColTypes[i], f.ColTypmods[i]))
		if c := f.ColColls[i]; c != 0 && c != p.typeCollation(f.ColTypes[i]) {
			p.str(" COLLATE " + p.collationName(c))
		}
	}
	p.str(")")
}

func (p *printer) aliasList(c *columns) {
	if !c.printAlias || len(c.shown) == 0 {
		return
	}
	p.str("(")
	for i, n := range c.shown {
		if i > 0 {
			p.str(", ")
		}
		p.ident(n)
	}
	p.str(")")
}

func (p *printer) tableSample(t *query.TableSampleClause) {
	p.str(" TABLESAMPLE ")
	p.ident(t.Method)
	p.str(" (")
	p.list(t.Args, false)
	p.str(")")
	if t.Repeatable != nil {
		p.str(" REPEATABLE (")
		p.expr(t.Repeatable, false)
		p.str(")")
	}
}

func (p *printer) join(j *query.JoinExpr, q *query.Query) {
	l := p.levels[0]
	rte, cols := q.RTable[j.RTIndex-1], l.cols[j.RTIndex-1]
	parenRight := false
	if !p.parens() {
		switch r := j.Rarg.(type) {
		case *query.JoinExpr:
			parenRight = q.RTable[r.RTIndex-1].Alias == nil
		case *query.RangeTblRef:
		default:
			parenRight = true
		}
	}
	paren := p.parens() || rte.Alias != nil
	if paren {
		p.str("(")
	}
	p.fromItem(j.Larg, q)
	word := [...]string{" JOIN ", " LEFT JOIN ", " FULL JOIN ", " RIGHT JOIN "}[j.JoinType]
	if j.JoinType == query.JoinInner && j.Quals == nil {
		word = " CROSS JOIN "
	}
	p.keyword(word, -indentStd, indentStd, indentJoin)
	if parenRight {
		p.str("(")
	}
	p.fromItem(j.Rarg, q)
	if parenRight {
		p.str(")")
	}
	p.joinCondition(j, rte, cols)
	if paren {
		p.str(")")
	}
	if rte.Alias != nil {
		p.str(" ")
		p.ident(l.names[j.RTIndex-1])
		p.aliasList(cols)
	}
}

func (p *printer) joinCondition(j *query.JoinExpr, rte *query.RangeTblEntry, cols *columns) {
	switch {
	case len(j.Using) > 0:
		p.str(" USING (")
		for i, n := range cols.usingNames {
			if i > 0 {
				p.str(", ")
			}
			p.ident(n)
		}
		p.str(")")
		if rte.JoinUsing != nil {
			p.str(" AS ")
			p.ident(rte.JoinUsing.Name)
		}
	case j.Quals != nil:
		p.str(" ON ")
		if p.parens() {
			p.str("(")
		}
		p.expr(j.Quals, false)
		if p.parens() {
			p.str(")")
		}
	case j.JoinType != query.JoinInner:
		p.str(" ON TRUE")
	}
}
