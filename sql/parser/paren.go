package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// exprList is a_expr [, ...].
func (p *parser) exprList() []ast.Node {
	mark := p.mark()
	p.push(p.aExpr())
	for p.accept(',') {
		p.push(p.aExpr())
	}
	return p.takeList(mark)
}

// parenBody parses what follows an opening parenthesis up to the closing one or a comma: a query, or an
// expression. A query in more parentheses is a query only if nothing follows that makes it an operand.
func (p *parser) parenBody() (*ast.SelectStmt, ast.Node) {
	if p.startsSelect() {
		return p.selectNoParens(), nil
	}
	if !p.is('(') {
		return nil, p.aExpr()
	}
	p.enter()
	defer p.leave()
	pos := p.tok.pos
	p.next()
	sel, e := p.parenBody()
	if sel != nil {
		p.expect(')')
		if p.continuesSelect() {
			return p.selectRest(nil, sel), nil
		}
		if p.is(')') {
			return sel, nil
		}
		e = p.subselectExpr(sel, pos)
	} else {
		e = p.parenRest(e, pos, false)
	}
	return nil, p.infix(e, 0, false)
}

// subselectExpr makes an operand of a query in parentheses that were just closed.
func (p *parser) subselectExpr(sel *ast.SelectStmt, pos int32) ast.Node {
	link := &ast.SubLink{SubLinkType: ast.ExprSublink, Subselect: sel, Location: pos}
	return p.optIndirection(link)
}

// parenRest finishes an expression or row in parentheses after its first expression.
func (p *parser) parenRest(first ast.Node, pos int32, b bool) ast.Node {
	if !p.is(',') {
		p.expect(')')
		return p.optIndirection(first)
	}
	mark := p.mark()
	p.push(first)
	for p.accept(',') {
		p.push(p.aExpr())
	}
	p.expect(')')
	row := &ast.RowExpr{Args: p.takeList(mark), RowFormat: ast.CoerceImplicitCast, Location: pos}
	return p.overlaps(row, b)
}

// parenExpr parses an operand that starts with a parenthesis.
func (p *parser) parenExpr(b bool) ast.Node {
	pos := p.tok.pos
	p.next()
	sel, e := p.parenBody()
	if sel != nil {
		p.expect(')')
		return p.subselectExpr(sel, pos)
	}
	return p.parenRest(e, pos, b)
}

// overlaps parses row OVERLAPS row when the word follows row.
func (p *parser) overlaps(row *ast.RowExpr, b bool) ast.Node {
	if b || !p.is(kwOverlaps) {
		return row
	}
	pos := p.tok.pos
	p.next()
	right := p.row()
	if len(row.Args) != 2 {
		p.failAt(pgerr.SyntaxError, row.Location, "wrong number of parameters on left side of OVERLAPS expression")
	}
	if len(right.Args) != 2 {
		p.failAt(pgerr.SyntaxError, right.Location, "wrong number of parameters on right side of OVERLAPS expression")
	}
	return sysCall("overlaps", pos, row.Args[0], row.Args[1], right.Args[0], right.Args[1])
}

// row is ROW(...) or (a, b ...).
func (p *parser) row() *ast.RowExpr {
	pos := p.tok.pos
	if p.accept(kwRow) {
		return p.explicitRow(pos)
	}
	p.expect('(')
	list := p.exprList()
	if len(list) < 2 {
		p.syntaxError()
	}
	p.expect(')')
	return &ast.RowExpr{Args: list, RowFormat: ast.CoerceImplicitCast, Location: pos}
}

// explicitRow parses the parentheses after ROW.
func (p *parser) explicitRow(pos int32) *ast.RowExpr {
	p.expect('(')
	r := &ast.RowExpr{RowFormat: ast.CoerceExplicitCall, Location: pos}
	if !p.is(')') {
		r.Args = p.exprList()
	}
	p.expect(')')
	return r
}
