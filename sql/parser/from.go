package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// qualifiedRel is [[catalog.]schema.]name.
func (p *parser) qualifiedRel() *ast.RangeVar {
	pos := p.tok.pos
	names := p.anyName()
	if p.is('[') {
		p.syntaxError()
	}
	return p.relFromNames(names, pos)
}

func dotted(names []string) string {
	s := names[0]
	for _, n := range names[1:] {
		s += "." + n
	}
	return s
}

func (p *parser) qualifiedRels() []*ast.RangeVar {
	list := []*ast.RangeVar{p.qualifiedRel()}
	for p.accept(',') {
		list = append(list, p.qualifiedRel())
	}
	return list
}

// relationExpr is [ONLY] name [*].
func (p *parser) relationExpr() *ast.RangeVar {
	if p.accept(kwOnly) {
		paren := p.accept('(')
		r := p.qualifiedRel()
		if paren {
			p.expect(')')
		}
		r.Inh = false
		return r
	}
	r := p.qualifiedRel()
	p.accept('*')
	return r
}

func (p *parser) relationExprs() []*ast.RangeVar {
	list := []*ast.RangeVar{p.relationExpr()}
	for p.accept(',') {
		list = append(list, p.relationExpr())
	}
	return list
}

// dmlTarget is the table of UPDATE or DELETE with its alias; SET is no alias unless after AS.
func (p *parser) dmlTarget() *ast.RangeVar {
	r := p.relationExpr()
	switch {
	case p.accept(kwAs):
		r.Alias = &ast.Alias{Aliasname: p.colID()}
	case p.tok.kind.isColID() && !p.is(kwSet):
		r.Alias = &ast.Alias{Aliasname: p.take()}
	}
	return r
}

// fromList is item [, ...].
func (p *parser) fromList() []ast.Node {
	mark := p.mark()
	p.push(p.tableRef())
	for p.accept(',') {
		p.push(p.tableRef())
	}
	return p.takeList(mark)
}

// tableRef is a FROM item with the joins that follow.
func (p *parser) tableRef() ast.Node {
	p.enter()
	defer p.leave()
	return p.joins(p.tablePrimary())
}

// joins extends left by the joins that follow.
func (p *parser) joins(left ast.Node) ast.Node {
	for p.startsJoin() {
		j := &ast.JoinExpr{Larg: left}
		left = j
		switch p.tok.kind {
		case kwCross:
			p.expectAll(kwCross, kwJoin)
			j.Rarg = p.tablePrimary()
		case kwNatural:
			p.next()
			j.IsNatural = true
			j.Jointype = p.joinType()
			j.Rarg = p.tablePrimary()
		default:
			j.Jointype = p.joinType()
			j.Rarg = p.tableRef()
			p.joinQual(j)
		}
	}
	return left
}

func (p *parser) startsJoin() bool {
	switch p.tok.kind {
	case kwCross, kwNatural, kwJoin, kwInner, kwLeft, kwRight, kwFull:
		return true
	}
	return false
}

// joinType is [INNER | LEFT | RIGHT | FULL [OUTER]] JOIN.
func (p *parser) joinType() ast.JoinType {
	t := ast.JoinInner
	switch p.tok.kind {
	case kwInner:
		p.next()
	case kwLeft, kwRight, kwFull:
		switch p.tok.kind {
		case kwLeft:
			t = ast.JoinLeft
		case kwRight:
			t = ast.JoinRight
		default:
			t = ast.JoinFull
		}
		p.next()
		p.accept(kwOuter)
	}
	p.expect(kwJoin)
	return t
}

func (p *parser) joinQual(j *ast.JoinExpr) {
	if p.accept(kwUsing) {
		j.UsingClause = p.parenNames()
		if p.accept(kwAs) {
			j.JoinUsingAlias = &ast.Alias{Aliasname: p.colID()}
		}
		return
	}
	p.expect(kwOn)
	j.Quals = p.aExpr()
}

// tablePrimary is a FROM item without joins after it.
func (p *parser) tablePrimary() ast.Node {
	switch p.tok.kind {
	case '(':
		pos := p.tok.pos
		p.next()
		sel, ref := p.parenTable()
		p.expect(')')
		if sel != nil {
			return p.subquery(sel, false, pos)
		}
		return p.closeJoin(ref)
	case kwLateral:
		p.next()
		switch p.tok.kind {
		case '(':
			pos := p.tok.pos
			return p.subquery(p.selectWithParens(), true, pos)
		case kwXmltable:
			t := p.xmlTable()
			t.Lateral = true
			t.Alias = p.optAlias()
			return t
		}
		return p.funcTable(true)
	case kwXmltable:
		if p.peek(1) == '(' {
			t := p.xmlTable()
			t.Alias = p.optAlias()
			return t
		}
	case kwRows:
		if p.peek(1) == kwFrom {
			return p.funcTable(false)
		}
	case kwOnly:
		return p.tableWithSuffix(p.relationExpr())
	}
	return p.namedTable()
}

// parenTable parses what follows an opening parenthesis in FROM, up to the closing one: a query, or a join.
func (p *parser) parenTable() (*ast.SelectStmt, ast.Node) {
	if p.startsSelect() {
		return p.selectNoParens(), nil
	}
	p.enter()
	defer p.leave()
	if !p.is('(') {
		return nil, p.needJoin(p.tableRef())
	}
	pos := p.tok.pos
	p.next()
	sel, ref := p.parenTable()
	p.expect(')')
	if sel != nil {
		if p.continuesSelect() {
			return p.selectRest(nil, sel), nil
		}
		if p.is(')') {
			return sel, nil
		}
		if !p.is(kwAs) && !p.tok.kind.isColID() && !p.startsJoin() {
			p.syntaxError()
		}
		return nil, p.needJoin(p.joins(p.subquery(sel, false, pos)))
	}
	return nil, p.needJoin(p.joins(p.closeJoin(ref)))
}

// needJoin: only a join may stand in parentheses.
func (p *parser) needJoin(ref ast.Node) ast.Node {
	if j, ok := ref.(*ast.JoinExpr); !ok || j.Alias != nil {
		p.syntaxError()
	}
	return ref
}

// closeJoin gives a join in parentheses its alias.
func (p *parser) closeJoin(ref ast.Node) ast.Node {
	ref.(*ast.JoinExpr).Alias = p.optAlias()
	return ref
}

// subquery makes a FROM item of a query whose parenthesis was at pos; it needs an alias.
func (p *parser) subquery(sel *ast.SelectStmt, lateral bool, pos int32) ast.Node {
	r := &ast.RangeSubselect{Lateral: lateral, Subquery: sel, Alias: p.optAlias()}
	if r.Alias == nil {
		if sel.ValuesLists != nil {
			p.fail(pgerr.New(pgerr.SyntaxError, "VALUES in FROM must have an alias").
				WithHint("For example, FROM (VALUES ...) [AS] foo.").At(int(pos)))
		}
		p.fail(pgerr.New(pgerr.SyntaxError, "subquery in FROM must have an alias").
			WithHint("For example, FROM (SELECT ...) [AS] foo.").At(int(pos)))
	}
	return r
}

// optAlias is [[AS] name [(columns)]].
func (p *parser) optAlias() *ast.Alias {
	if !p.accept(kwAs) && !p.tok.kind.isColID() {
		return nil
	}
	a := &ast.Alias{Aliasname: p.colID()}
	a.Colnames = p.optParenNames()
	return a
}

// namedTable is a relation or a function call.
func (p *parser) namedTable() ast.Node {
	k, next := p.tok.kind, p.peek(1)
	if !k.isColID() || next == '(' || k == kwCollation && next == kwFor {
		return p.funcTable(false)
	}
	pos := p.tok.pos
	names := p.anyName()
	if p.is('(') {
		f, _ := p.application(names, pos)
		return p.funcTableSuffix(f, false)
	}
	if p.is('[') || p.is('.') {
		p.syntaxError()
	}
	return p.tableWithSuffix(p.relFromNames(names, pos))
}

// relFromNames makes a relation of a dotted name.
func (p *parser) relFromNames(names []string, pos int32) *ast.RangeVar {
	r := p.rels.one()
	r.Location, r.Inh, r.Relpersistence = pos, true, ast.RelpersistencePermanent
	switch len(names) {
	case 1:
		r.Relname = names[0]
	case 2:
		r.Schemaname, r.Relname = names[0], names[1]
	case 3:
		r.Catalogname, r.Schemaname, r.Relname = names[0], names[1], names[2]
	default:
		p.failAt(pgerr.SyntaxError, pos, "improper qualified name (too many dotted names): %s", dotted(names))
	}
	return r
}

// tableWithSuffix parses what may follow a relation: *, alias, TABLESAMPLE.
func (p *parser) tableWithSuffix(r *ast.RangeVar) ast.Node {
	if r.Inh {
		p.accept('*')
	}
	r.Alias = p.optAlias()
	if !p.is(kwTablesample) {
		return r
	}
	s := &ast.RangeTableSample{Relation: r}
	p.next()
	s.Location = p.tok.pos
	s.Method = p.funcName()
	p.expect('(')
	s.Args = p.exprList()
	p.expect(')')
	if p.accept(kwRepeatable) {
		p.expect('(')
		s.Repeatable = p.aExpr()
		p.expect(')')
	}
	return s
}

// funcName is a function's name: one word that may name a function, or a qualified one.
func (p *parser) funcName() []string {
	if p.peek(1) == '.' {
		return p.anyName()
	}
	if k := p.tok.kind; k.isColID() && !k.isTypeFuncName() {
		p.next() // could only be qualified
		p.syntaxError()
	}
	return []string{p.typeFunctionName()}
}

// funcTable is a function call, or ROWS FROM, in FROM.
func (p *parser) funcTable(lateral bool) ast.Node {
	if p.is(kwRows) && p.peek(1) == kwFrom {
		r := &ast.RangeFunction{Lateral: lateral, IsRowsfrom: true}
		p.expectAll(kwRows, kwFrom, '(')
		for {
			item := ast.RangeFunctionItem{Func: p.windowlessCall()}
			if p.accept(kwAs) {
				item.Coldeflist = p.columnDefs()
			}
			r.Functions = append(r.Functions, item)
			if !p.accept(',') {
				break
			}
		}
		p.expect(')')
		return p.funcAlias(r)
	}
	return p.funcTableSuffix(p.windowlessCall(), lateral)
}

func (p *parser) funcTableSuffix(f ast.Node, lateral bool) ast.Node {
	r := &ast.RangeFunction{Lateral: lateral, Functions: []ast.RangeFunctionItem{{Func: f}}}
	return p.funcAlias(r)
}

// windowlessCall is a call without WITHIN GROUP, FILTER and OVER.
func (p *parser) windowlessCall() ast.Node {
	k, pos := p.tok.kind, p.tok.pos
	if k.isKeyword() {
		if n := p.specialFunc(k, pos); n != nil {
			return n
		}
	}
	if !k.isColID() && !k.isTypeFuncName() {
		p.syntaxError()
	}
	names := p.funcName()
	if !p.is('(') {
		p.syntaxError()
	}
	f, _ := p.application(names, pos)
	return f
}

// funcAlias parses WITH ORDINALITY and the alias, which may define columns.
func (p *parser) funcAlias(r *ast.RangeFunction) ast.Node {
	if p.is(tokWith) {
		p.expectAll(tokWith, kwOrdinality)
		r.Ordinality = true
	}
	if p.accept(kwAs) {
		if p.is('(') {
			r.Coldeflist = p.columnDefs()
			return r
		}
	} else if !p.tok.kind.isColID() {
		return r
	}
	r.Alias = &ast.Alias{Aliasname: p.colID()}
	if !p.is('(') {
		return r
	}
	// '(' name ',' and '(' name ')' begin a list of names, anything else one of definitions
	if p.peek(1).isColLabel() {
		if k := p.peek(2); k == ',' || k == ')' {
			r.Alias.Colnames = p.parenNames()
			return r
		}
	}
	r.Coldeflist = p.columnDefs()
	return r
}

// columnDefs is '(' name type [COLLATE] [, ...] ')'.
func (p *parser) columnDefs() []*ast.ColumnDef {
	p.expect('(')
	list := []*ast.ColumnDef{p.simpleColumnDef()}
	for p.accept(',') {
		list = append(list, p.simpleColumnDef())
	}
	p.expect(')')
	return list
}

// simpleColumnDef is name type [COLLATE collation].
func (p *parser) simpleColumnDef() *ast.ColumnDef {
	c := &ast.ColumnDef{IsLocal: true, Location: p.tok.pos}
	c.Colname = p.colID()
	c.TypeName = p.typeName()
	c.CollClause = p.optCollate()
	return c
}

func (p *parser) optCollate() *ast.CollateClause {
	if !p.is(kwCollate) {
		return nil
	}
	c := &ast.CollateClause{Location: p.tok.pos}
	p.next()
	c.Collname = p.anyName()
	return c
}
