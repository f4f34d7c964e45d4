package parser

import (
	"gompho/sql/ast"
)

// specialFunc parses the functions that have their own syntax; nil when the keyword at the current token begins
// something else.
func (p *parser) specialFunc(k tokKind, pos int32) ast.Node {
	if op, ok := valueFunction(k); ok {
		if k == kwCurrentSchema && p.peek(1) == '(' {
			return nil
		}
		p.next()
		return p.valueFunc(op, pos)
	}
	if k == kwCollation {
		if p.peek(1) != kwFor {
			return nil
		}
		p.expectAll(kwCollation, kwFor, '(')
		arg := p.aExpr()
		p.expect(')')
		return sysCall("pg_collation_for", pos, arg)
	}
	if k == kwCast {
		p.expectAll(kwCast, '(')
		arg := p.aExpr()
		p.expect(kwAs)
		c := &ast.TypeCast{Arg: arg, TypeName: p.typeName(), Location: pos}
		p.expect(')')
		return c
	}
	if k.category() != ColName || p.peek(1) != '(' {
		return nil
	}
	parse := specialCalls(k)
	if parse == nil {
		return nil
	}
	p.enter()
	p.next()
	p.next()
	n := parse(p, pos)
	p.expect(')')
	p.leave()
	return n
}

// specialCalls returns the parser of the arguments of the function k.
func specialCalls(k tokKind) func(p *parser, pos int32) ast.Node {
	switch k {
	case kwExtract:
		return (*parser).extractArgs
	case kwNormalize:
		return (*parser).normalizeArgs
	case kwOverlay:
		return (*parser).overlayArgs
	case kwPosition:
		return (*parser).positionArgs
	case kwSubstring:
		return (*parser).substringArgs
	case kwTreat:
		return (*parser).treatArgs
	case kwTrim:
		return (*parser).trimArgs
	case kwNullif:
		return (*parser).nullifArgs
	case kwGreatest, kwLeast:
		op := ast.IsGreatest
		if k == kwLeast {
			op = ast.IsLeast
		}
		return func(p *parser, pos int32) ast.Node {
			return &ast.MinMaxExpr{Op: op, Args: p.exprList(), Location: pos}
		}
	case kwCoalesce:
		return func(p *parser, pos int32) ast.Node {
			return &ast.CoalesceExpr{Args: p.exprList(), Location: pos}
		}
	}
	return xmlCalls(k)
}

func valueFunction(k tokKind) (ast.SQLValueFunctionOp, bool) {
	switch k {
	case kwCurrentDate:
		return ast.SvfopCurrentDate, true
	case kwCurrentTime:
		return ast.SvfopCurrentTime, true
	case kwCurrentTimestamp:
		return ast.SvfopCurrentTimestamp, true
	case kwLocaltime:
		return ast.SvfopLocaltime, true
	case kwLocaltimestamp:
		return ast.SvfopLocaltimestamp, true
	case kwCurrentRole:
		return ast.SvfopCurrentRole, true
	case kwCurrentUser:
		return ast.SvfopCurrentUser, true
	case kwUser:
		return ast.SvfopUser, true
	case kwSessionUser:
		return ast.SvfopSessionUser, true
	case kwCurrentCatalog:
		return ast.SvfopCurrentCatalog, true
	case kwCurrentSchema:
		return ast.SvfopCurrentSchema, true
	}
	return 0, false
}

// valueFunc finishes CURRENT_TIME and the like, with the precision where one may be.
func (p *parser) valueFunc(op ast.SQLValueFunctionOp, pos int32) ast.Node {
	f := &ast.SQLValueFunction{Op: op, Typmod: -1, Location: pos}
	switch op {
	case ast.SvfopCurrentTime, ast.SvfopCurrentTimestamp, ast.SvfopLocaltime, ast.SvfopLocaltimestamp:
		if p.accept('(') {
			f.Op++
			f.Typmod = p.iconst()
			p.expect(')')
		}
	}
	return f
}

func (p *parser) extractArgs(pos int32) ast.Node {
	at := p.tok.pos
	switch p.tok.kind {
	case tokIdent, tokSconst, kwYear, kwMonth, kwDay, kwHour, kwMinute, kwSecond:
	default:
		p.syntaxError()
	}
	field := p.strConst(p.take(), at)
	p.expect(kwFrom)
	return sysCall("extract", pos, field, p.aExpr())
}

func (p *parser) normalizeArgs(pos int32) ast.Node {
	arg := p.aExpr()
	if p.accept(',') {
		return sysCall("normalize", pos, arg, p.normalForm())
	}
	return sysCall("normalize", pos, arg)
}

// plainArgs finishes an argument list whose first argument is parsed already (nil: none yet).
func (p *parser) plainArgs(name string, first ast.Node, pos int32) ast.Node {
	f := &ast.FuncCall{Funcname: []string{name}, Location: pos}
	if first == nil {
		return f
	}
	f.Args = []ast.Node{first}
	for p.accept(',') {
		f.Args = append(f.Args, p.funcArg())
	}
	return f
}

func (p *parser) overlayArgs(pos int32) ast.Node {
	if p.is(')') {
		return p.plainArgs("overlay", nil, pos)
	}
	first := p.funcArg()
	if _, named := first.(*ast.NamedArgExpr); named || !p.is(kwPlacing) {
		return p.plainArgs("overlay", first, pos)
	}
	p.next()
	args := []ast.Node{first, p.aExpr()}
	p.expect(kwFrom)
	args = append(args, p.aExpr())
	if p.accept(kwFor) {
		args = append(args, p.aExpr())
	}
	return sysCall("overlay", pos, args...)
}

func (p *parser) positionArgs(pos int32) ast.Node {
	needle := p.bExpr()
	p.expect(kwIn)
	return sysCall("position", pos, p.bExpr(), needle)
}

func (p *parser) substringArgs(pos int32) ast.Node {
	if p.is(')') {
		return p.plainArgs("substring", nil, pos)
	}
	outer := p.similarDepth
	p.similarDepth = p.depth + 1
	first := p.funcArg()
	p.similarDepth = outer
	if _, named := first.(*ast.NamedArgExpr); named {
		return p.plainArgs("substring", first, pos)
	}
	switch p.tok.kind {
	case kwFrom:
		p.next()
		from := p.aExpr()
		if p.accept(kwFor) {
			return sysCall("substring", pos, first, from, p.aExpr())
		}
		return sysCall("substring", pos, first, from)
	case kwFor:
		p.next()
		count := p.aExpr()
		if p.accept(kwFrom) {
			return sysCall("substring", pos, first, p.aExpr(), count)
		}
		// the cast picks substring(text, int, int) for a parameter of unknown type
		count = &ast.TypeCast{Arg: count, TypeName: sysType("int4", ast.NoLocation), Location: ast.NoLocation}
		return sysCall("substring", pos, first, p.intConst(1, ast.NoLocation), count)
	case kwSimilar:
		p.next()
		pattern := p.aExpr()
		p.expect(kwEscape)
		return sysCall("substring", pos, first, pattern, p.aExpr())
	}
	return p.plainArgs("substring", first, pos)
}

func (p *parser) treatArgs(pos int32) ast.Node {
	arg := p.aExpr()
	p.expect(kwAs)
	t := p.typeName()
	return plainSysCall(t.Names[len(t.Names)-1], pos, arg)
}

func (p *parser) trimArgs(pos int32) ast.Node {
	name := "btrim"
	switch p.tok.kind {
	case kwBoth:
		p.next()
	case kwLeading:
		p.next()
		name = "ltrim"
	case kwTrailing:
		p.next()
		name = "rtrim"
	}
	if p.accept(kwFrom) {
		return sysCall(name, pos, p.exprList()...)
	}
	args := p.exprList()
	if len(args) == 1 && p.accept(kwFrom) {
		args = append(p.exprList(), args[0])
	}
	return sysCall(name, pos, args...)
}

func (p *parser) nullifArgs(pos int32) ast.Node {
	a := p.aExpr()
	p.expect(',')
	return p.aexpr(ast.AExprNullif, "=", a, p.aExpr(), pos)
}
