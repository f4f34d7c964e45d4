package parser

import (
	"gompho/sql/ast"
)

// Binding strength of operators, weakest first.
const (
	precOr       = iota + 1
	precAnd      // left
	precNot      // right
	precIs       // IS, ISNULL, NOTNULL: no association
	precCompare  // < > = <= >= <>: no association
	precBetween  // BETWEEN, IN, LIKE, ILIKE, SIMILAR: no association
	precEscape   // ESCAPE
	precOp       // all other operators
	precAdd      // + -
	precMul      // * / %
	precPower    // ^
	precAt       // AT TIME ZONE
	precCollate  // COLLATE
	precUminus   // prefix + -
	precTypecast // ::
)

// aExpr parses a general expression.
func (p *parser) aExpr() ast.Node { return p.expr(0, false) }

// bExpr parses the restricted expression of places where AND, NOT and the like would be ambiguous.
func (p *parser) bExpr() ast.Node { return p.expr(0, true) }

// expr parses an expression whose operators bind at least as strongly as floor.
func (p *parser) expr(floor int, b bool) ast.Node {
	p.enter()
	left := p.prefix(b)
	left = p.infix(left, floor, b)
	p.leave()
	return left
}

// prefix parses an operand with the prefix operators before it.
func (p *parser) prefix(b bool) ast.Node {
	pos := p.tok.pos
	switch p.tok.kind {
	case '+':
		p.next()
		return p.aexpr(ast.AExprOp, "+", nil, p.expr(precUminus, b), pos)
	case '-':
		p.next()
		return p.negate(p.expr(precUminus, b), pos)
	case tokOp:
		op := p.qualOp()
		return p.opExpr(op, nil, p.expr(precOp+1, b), pos)
	case kwOperator:
		if p.peek(1) == '(' {
			op := p.qualOp()
			return p.opExpr(op, nil, p.expr(precOp+1, b), pos)
		}
	}
	if b {
		return p.cExpr(true)
	}
	switch p.tok.kind {
	case kwNot:
		p.next()
		return notExpr(p.expr(precNot, false), pos)
	case kwDefault:
		p.next()
		return &ast.SetToDefault{Location: pos}
	case kwUnique:
		p.next()
		p.nullTreatment()
		p.selectWithParens()
		p.notYet(pos, "UNIQUE predicate")
	}
	return p.cExpr(false)
}

func notExpr(arg ast.Node, pos int32) ast.Node {
	return &ast.BoolExpr{Boolop: ast.NotExpr, Args: []ast.Node{arg}, Location: pos}
}

func (p *parser) opExpr(op []string, l, r ast.Node, pos int32) ast.Node {
	e := p.exprs.one()
	*e = ast.AExpr{Kind: ast.AExprOp, Name: op, Lexpr: l, Rexpr: r, Location: pos}
	return e
}

// negate folds the minus sign into a numeric literal.
func (p *parser) negate(n ast.Node, pos int32) ast.Node {
	if c, ok := n.(*ast.AConst); ok {
		switch v := c.Val.(type) {
		case *ast.Integer:
			v.Ival, c.Location = -v.Ival, pos
			return c
		case *ast.Float:
			negateFloat(v)
			c.Location = pos
			return c
		}
	}
	return p.aexpr(ast.AExprOp, "-", nil, n, pos)
}

func negateFloat(f *ast.Float) {
	if f.Fval[0] == '-' {
		f.Fval = f.Fval[1:]
	} else {
		f.Fval = "-" + f.Fval
	}
}

// infix extends left by the operators that follow and bind at least as strongly as floor.
func (p *parser) infix(left ast.Node, floor int, b bool) ast.Node {
	for {
		var n ast.Node
		k := p.tok.kind
		if floor == 0 && k.isKeyword() && p.depth == p.labelDepth && k.isBareLabel() && endsTarget(p.peek(1)) {
			return left // a label, even if it could be an operator
		}
		switch k {
		case '+', '-':
			n = p.binary(left, floor, precAdd, b)
		case '*', '/', '%':
			n = p.binary(left, floor, precMul, b)
		case '^':
			n = p.binary(left, floor, precPower, b)
		case '<', '>', '=', tokLessEquals, tokGreaterEquals, tokNotEquals:
			n = p.compare(left, floor, b)
		case tokOp, kwOperator:
			n = p.namedOp(left, floor, b)
		case tokTypecast:
			pos := p.tok.pos
			p.next()
			n = &ast.TypeCast{Arg: left, TypeName: p.typeName(), Location: pos}
		case kwIs:
			n = p.isTest(left, floor, b)
		default:
			if b || !k.isKeyword() {
				return left
			}
			n = p.wordOp(left, floor)
		}
		if n == nil {
			return left
		}
		left = n
	}
}

// binary parses the rest of a left-associative operator expression, nil when it binds too weakly.
func (p *parser) binary(left ast.Node, floor, prec int, b bool) ast.Node {
	if prec < floor {
		return nil
	}
	pos, op := p.tok.pos, p.tok.str
	p.next()
	if isQuantifier(p.tok.kind) && !b {
		return p.anyAll(left, p.name1(op), pos)
	}
	return p.aexpr(ast.AExprOp, op, left, p.expr(prec+1, b), pos)
}

func (p *parser) compare(left ast.Node, floor int, b bool) ast.Node {
	if precCompare < floor {
		return nil
	}
	pos, op := p.tok.pos, p.tok.str
	p.next()
	if isQuantifier(p.tok.kind) && !b {
		return p.anyAll(left, p.name1(op), pos)
	}
	e := p.aexpr(ast.AExprOp, op, left, p.expr(precCompare+1, b), pos)
	switch p.tok.kind {
	case '<', '>', '=', tokLessEquals, tokGreaterEquals, tokNotEquals:
		p.syntaxError()
	}
	return e
}

func (p *parser) namedOp(left ast.Node, floor int, b bool) ast.Node {
	if precOp < floor {
		return nil
	}
	pos := p.tok.pos
	op := p.qualOp()
	if isQuantifier(p.tok.kind) && !b {
		return p.anyAll(left, op, pos)
	}
	return p.opExpr(op, left, p.expr(precOp+1, b), pos)
}

// qualOp is an operator other than the arithmetic and comparison ones, or OPERATOR(any).
func (p *parser) qualOp() []string {
	if p.is(tokOp) {
		return p.name1(p.take())
	}
	p.expectAll(kwOperator, '(')
	op := p.anyOperator()
	p.expect(')')
	return op
}

// anyOperator is [schema.]operator.
func (p *parser) anyOperator() []string {
	var op []string
	for p.tok.kind.isColID() {
		op = append(op, p.take())
		p.expect('.')
	}
	if !isOperator(p.tok.kind) {
		p.syntaxError()
	}
	return append(op, p.take())
}

func isOperator(k tokKind) bool {
	switch k {
	case '+', '-', '*', '/', '%', '^', '<', '>', '=', tokLessEquals, tokGreaterEquals, tokNotEquals, tokOp:
		return true
	}
	return false
}

func isQuantifier(k tokKind) bool { return k == kwAny || k == kwSome || k == kwAll }

// anyAll parses ANY, SOME or ALL with its subquery or array.
func (p *parser) anyAll(left ast.Node, op []string, pos int32) ast.Node {
	kind, link := ast.AExprOpAny, ast.AnySublink
	if p.is(kwAll) {
		kind, link = ast.AExprOpAll, ast.AllSublink
	}
	p.next()
	p.expect('(')
	sel, arg := p.parenBody()
	p.expect(')')
	if sel != nil {
		return &ast.SubLink{SubLinkType: link, Testexpr: left, OperName: op, Subselect: sel, Location: pos}
	}
	e := p.exprs.one()
	*e = ast.AExpr{Kind: kind, Name: op, Lexpr: left, Rexpr: arg, Location: pos}
	return e
}

// wordOp parses the operators that are words; nil when the token is none or binds too weakly.
func (p *parser) wordOp(left ast.Node, floor int) ast.Node {
	pos := p.tok.pos
	switch p.tok.kind {
	case kwAnd:
		if precAnd < floor {
			return nil
		}
		p.next()
		return boolExpr(ast.AndExpr, left, p.expr(precAnd+1, false), pos)
	case kwOr:
		if precOr < floor {
			return nil
		}
		p.next()
		return boolExpr(ast.OrExpr, left, p.expr(precOr+1, false), pos)
	case kwIsnull, kwNotnull:
		if precIs < floor {
			return nil
		}
		test := &ast.NullTest{Arg: left, Location: pos}
		if p.is(kwNotnull) {
			test.Nulltesttype = ast.IsNotNull
		}
		p.next()
		return test
	case kwCollate:
		if precCollate < floor {
			return nil
		}
		p.next()
		return &ast.CollateClause{Arg: left, Collname: p.anyName(), Location: pos}
	case kwAt:
		if precAt < floor {
			return nil
		}
		p.expectAll(kwAt, kwTime, kwZone)
		zone := p.expr(precAt+1, false)
		return sysCall("timezone", pos, zone, left)
	case kwNot:
		switch p.peek(1) {
		case kwBetween, kwIn, kwLike, kwIlike, kwSimilar:
		default:
			return nil
		}
		if precBetween < floor {
			return nil
		}
		p.next()
		return p.betweenOp(left, true, pos)
	case kwBetween, kwIn, kwLike, kwIlike, kwSimilar:
		if precBetween < floor || p.is(kwSimilar) && p.depth == p.similarDepth && p.peek(1) != kwTo {
			return nil
		}
		return p.betweenOp(left, false, pos)
	}
	return nil
}

// boolExpr joins two operands, keeping chains of one operator flat.
func boolExpr(op ast.BoolExprType, l, r ast.Node, pos int32) ast.Node {
	if e, ok := l.(*ast.BoolExpr); ok && e.Boolop == op {
		e.Args = append(e.Args, r)
		return e
	}
	return &ast.BoolExpr{Boolop: op, Args: []ast.Node{l, r}, Location: pos}
}

// sysCall is a call of a pg_catalog function that is written with its own syntax.
func sysCall(name string, pos int32, args ...ast.Node) *ast.FuncCall {
	return &ast.FuncCall{Funcname: []string{"pg_catalog", name}, Args: args,
		Funcformat: ast.CoerceSqlSyntax, Location: pos}
}

// betweenOp parses BETWEEN, IN, LIKE, ILIKE or SIMILAR TO after an optional NOT at pos.
func (p *parser) betweenOp(left ast.Node, not bool, pos int32) ast.Node {
	kind := p.tok.kind
	p.next()
	var n ast.Node
	switch kind {
	case kwIn:
		return p.inExpr(left, not, pos)
	case kwBetween:
		n = p.between(left, not, pos)
	case kwLike:
		if isQuantifier(p.tok.kind) {
			return p.anyAll(left, p.name1(negated("~~", not)), pos)
		}
		n = p.like(ast.AExprLike, "~~", left, not, pos)
	case kwIlike:
		if isQuantifier(p.tok.kind) {
			return p.anyAll(left, p.name1(negated("~~*", not)), pos)
		}
		n = p.like(ast.AExprIlike, "~~*", left, not, pos)
	default:
		p.expect(kwTo)
		n = p.like(ast.AExprSimilar, "~", left, not, pos)
	}
	switch p.tok.kind {
	case kwNot:
		switch p.peek(1) {
		case kwBetween, kwIn, kwLike, kwIlike, kwSimilar:
			p.syntaxError()
		}
	case kwBetween, kwIn, kwLike, kwIlike, kwSimilar:
		p.syntaxError()
	}
	return n
}

func negated(op string, not bool) string {
	if not {
		return "!" + op
	}
	return op
}

func (p *parser) like(kind ast.AExprKind, op string, left ast.Node, not bool, pos int32) ast.Node {
	pattern := p.expr(precBetween+1, false)
	var escape ast.Node
	if p.accept(kwEscape) {
		escape = p.expr(precBetween+1, false)
	}
	switch {
	case kind == ast.AExprSimilar && escape != nil:
		pattern = plainSysCall("similar_to_escape", pos, pattern, escape)
	case kind == ast.AExprSimilar:
		pattern = plainSysCall("similar_to_escape", pos, pattern)
	case escape != nil:
		pattern = plainSysCall("like_escape", pos, pattern, escape)
	}
	return p.aexpr(kind, negated(op, not), left, pattern, pos)
}

// plainSysCall is a call of a pg_catalog function that prints as a plain call.
func plainSysCall(name string, pos int32, args ...ast.Node) *ast.FuncCall {
	f := sysCall(name, pos, args...)
	f.Funcformat = ast.CoerceExplicitCall
	return f
}

func (p *parser) between(left ast.Node, not bool, pos int32) ast.Node {
	kind, name := ast.AExprBetween, "BETWEEN"
	if not {
		kind, name = ast.AExprNotBetween, "NOT BETWEEN"
	}
	if p.accept(kwSymmetric) {
		kind += ast.AExprBetweenSym - ast.AExprBetween
		name += " SYMMETRIC"
	} else {
		p.accept(kwAsymmetric)
	}
	lo := p.bExpr()
	p.expect(kwAnd)
	hi := p.expr(precBetween+1, false)
	return p.aexpr(kind, name, left, &ast.List{Items: []ast.Node{lo, hi}}, pos)
}

func (p *parser) inExpr(left ast.Node, not bool, pos int32) ast.Node {
	p.expect('(')
	mark := p.mark()
	sel, first := p.parenBody()
	if sel != nil {
		p.expect(')')
		link := &ast.SubLink{SubLinkType: ast.AnySublink, Testexpr: left, Subselect: sel, Location: pos}
		if not {
			return notExpr(link, pos)
		}
		return link
	}
	p.push(first)
	for p.accept(',') {
		p.push(p.aExpr())
	}
	list := &ast.List{Items: p.takeList(mark)}
	p.expect(')')
	op := "="
	if not {
		op = "<>"
	}
	return p.aexpr(ast.AExprIn, op, left, list, pos)
}

// isTest parses what follows IS; in a restricted expression only DISTINCT FROM and DOCUMENT may.
func (p *parser) isTest(left ast.Node, floor int, b bool) ast.Node {
	if precIs < floor {
		return nil
	}
	pos := p.tok.pos
	p.next()
	not := p.accept(kwNot)
	switch p.tok.kind {
	case kwDistinct:
		p.expectAll(kwDistinct, kwFrom)
		kind := ast.AExprDistinct
		if not {
			kind = ast.AExprNotDistinct
		}
		e := p.aexpr(kind, "=", left, p.expr(precIs+1, b), pos)
		if p.is(kwIs) || !b && (p.is(kwIsnull) || p.is(kwNotnull)) {
			p.syntaxError()
		}
		return e
	case kwDocument:
		p.next()
		return negateIf(not, &ast.XmlExpr{Op: ast.IsDocument, Args: []ast.Node{left}, Location: pos}, pos)
	}
	if b {
		p.syntaxError()
	}
	switch p.tok.kind {
	case kwNull:
		p.next()
		test := &ast.NullTest{Arg: left, Location: pos}
		if not {
			test.Nulltesttype = ast.IsNotNull
		}
		return test
	case kwTrue:
		return p.boolTest(left, ast.IsTrue, not, pos)
	case kwFalse:
		return p.boolTest(left, ast.IsFalse, not, pos)
	case kwUnknown:
		return p.boolTest(left, ast.IsUnknown, not, pos)
	case kwNormalized:
		p.next()
		return negateIf(not, sysCall("is_normalized", pos, left), pos)
	case kwNfc, kwNfd, kwNfkc, kwNfkd:
		form := p.normalForm()
		p.expect(kwNormalized)
		return negateIf(not, sysCall("is_normalized", pos, left, form), pos)
	}
	p.syntaxError()
	return nil
}

func negateIf(not bool, n ast.Node, pos int32) ast.Node {
	if not {
		return notExpr(n, pos)
	}
	return n
}

func (p *parser) boolTest(left ast.Node, test ast.BoolTestType, not bool, pos int32) ast.Node {
	p.next()
	if not {
		test++
	}
	return &ast.BooleanTest{Arg: left, Booltesttype: test, Location: pos}
}

// normalForm is NFC, NFD, NFKC or NFKD as a string constant.
func (p *parser) normalForm() ast.Node {
	forms := map[tokKind]string{kwNfc: "NFC", kwNfd: "NFD", kwNfkc: "NFKC", kwNfkd: "NFKD"}
	form, ok := forms[p.tok.kind]
	if !ok {
		p.syntaxError()
	}
	pos := p.tok.pos
	p.next()
	return p.strConst(form, pos)
}
