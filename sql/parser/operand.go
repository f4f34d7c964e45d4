package parser

import (
	"strconv"

	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// cExpr parses an operand: a literal, column, call, CASE, subquery and so on.
func (p *parser) cExpr(b bool) ast.Node {
	pos := p.tok.pos
	switch k := p.tok.kind; k {
	case tokIdent:
		return p.nameExpr()
	case tokIconst, tokFconst, tokSconst, tokBconst, tokXconst:
		return p.literal()
	case tokParam:
		n, err := strconv.ParseInt(p.tok.str, 10, 32)
		if err != nil {
			n = 1<<31 - 1 // no statement has so many; the analyzer says so
		}
		p.next()
		return p.optIndirection(&ast.ParamRef{Number: int32(n), Location: pos})
	case '(':
		return p.parenExpr(b)
	default:
		if k.isKeyword() {
			return p.keywordExpr(k, pos, b)
		}
	}
	p.syntaxError()
	return nil
}

// literal parses a number, string or bit string.
func (p *parser) literal() *ast.AConst {
	pos, s := p.tok.pos, p.tok.str
	var c *ast.AConst
	switch p.tok.kind {
	case tokIconst:
		v, _ := parseInt32(s)
		c = p.intConst(v, pos)
	case tokFconst:
		c = p.constant(&ast.Float{Fval: s}, pos)
	case tokSconst:
		c = p.strConst(s, pos)
	case tokBconst, tokXconst:
		c = p.constant(&ast.BitString{Bsval: s}, pos)
	default:
		p.syntaxError()
	}
	p.next()
	return c
}

// keywordExpr parses an operand that starts with a keyword.
func (p *parser) keywordExpr(k tokKind, pos int32, b bool) ast.Node {
	switch k {
	case kwTrue, kwFalse:
		p.next()
		return p.constant(&ast.Boolean{Boolval: k == kwTrue}, pos)
	case kwNull:
		p.next()
		c := p.constant(nil, pos)
		c.Isnull = true
		return c
	case kwCase:
		return p.caseExpr()
	case kwArray:
		p.next()
		if p.is('(') {
			return &ast.SubLink{SubLinkType: ast.ArraySublink, Subselect: p.selectWithParens(), Location: pos}
		}
		if !p.is('[') {
			p.syntaxError()
		}
		return p.arrayExpr(pos)
	case kwRow:
		if p.peek(1) == '(' {
			p.next()
			return p.overlaps(p.explicitRow(pos), b)
		}
	case kwExists:
		if p.peek(1) == '(' {
			p.next()
			return &ast.SubLink{SubLinkType: ast.ExistsSublink, Subselect: p.selectWithParens(), Location: pos}
		}
	case kwGrouping:
		if p.peek(1) == '(' {
			p.expectAll(kwGrouping, '(')
			g := &ast.GroupingFunc{Args: p.exprList(), Location: pos}
			p.expect(')')
			return g
		}
	}
	if n := p.typedConst(k, pos); n != nil {
		return n
	}
	if n := p.specialFunc(k, pos); n != nil {
		return n
	}
	return p.nameExpr()
}

// typedConst parses a literal after a type's keywords, such as timestamp 'now'; nil when the keyword starts
// something else.
func (p *parser) typedConst(k tokKind, pos int32) ast.Node {
	if !p.startsConstType(k) {
		return nil
	}
	if k == kwInterval {
		return p.intervalConst(pos)
	}
	t := p.keywordType(true)
	if !p.is(tokSconst) {
		p.syntaxError()
	}
	return p.stringCast(t)
}

// stringCast makes the cast of the string literal that is the current token.
func (p *parser) stringCast(t *ast.TypeName) ast.Node {
	return &ast.TypeCast{Arg: p.literal(), TypeName: t, Location: ast.NoLocation}
}

// startsConstType reports whether the keyword k at the current token begins a type of a literal (and not a
// column name).
func (p *parser) startsConstType(k tokKind) bool {
	switch k {
	case kwDouble:
		return p.peek(1) == kwPrecision
	case kwInt, kwInteger, kwSmallint, kwBigint, kwReal, kwBoolean:
		return p.peek(1) == tokSconst
	case kwFloat, kwDecimal, kwDec, kwNumeric, kwVarchar, kwInterval:
		n := p.peek(1)
		return n == tokSconst || n == '('
	case kwBit, kwChar, kwCharacter, kwNchar:
		n := p.peek(1)
		return n == tokSconst || n == '(' || n == kwVarying
	case kwNational:
		n := p.peek(1)
		return n == kwChar || n == kwCharacter
	case kwTime, kwTimestamp:
		switch p.peek(1) {
		case tokSconst, '(', kwWithout:
			return true
		case kwWith:
			return p.peek(2) == kwTime
		}
	}
	return false
}

// intervalConst is INTERVAL 'x' [fields] or INTERVAL(n) 'x'.
func (p *parser) intervalConst(pos int32) ast.Node {
	p.next()
	t := sysType("interval", pos)
	if p.is('(') {
		t.Typmods = p.intervalPrecision()
		if !p.is(tokSconst) {
			p.syntaxError()
		}
		return p.stringCast(t)
	}
	cast := p.stringCast(t)
	t.Typmods = p.optInterval()
	return cast
}

// nameExpr parses what starts with a name: a column, a call, or a literal after a type's name.
func (p *parser) nameExpr() ast.Node {
	k, pos := p.tok.kind, p.tok.pos
	isCol, isFunc := k.isColID(), k.isTypeFuncName()
	if !isCol && !isFunc {
		p.syntaxError()
	}
	name := p.take()
	if isFunc {
		switch p.tok.kind {
		case '(':
			return p.callOrCast(p.name1(name), pos)
		case tokSconst:
			return p.stringCast(&ast.TypeName{Names: p.name1(name), Typemod: -1, Location: pos})
		}
	}
	if !isCol {
		p.syntaxError()
	}
	if p.tok.kind != '.' && p.tok.kind != '[' {
		c := p.columns.one()
		c.Fields, c.Location = p.list1(p.str(name)), pos
		return c
	}
	return p.qualifiedName(name, pos)
}

// qualifiedName parses the indirection after a name and what it turns out to be.
func (p *parser) qualifiedName(name string, pos int32) ast.Node {
	mark := p.mark()
	p.push(p.str(name))
	n := p.indirection()
	items := p.scratch[mark:]
	if (p.is('(') || p.is(tokSconst)) && allStrings(items) {
		names := make([]string, len(items))
		for i, it := range items {
			names[i] = it.(*ast.String).Sval
		}
		p.takeList(mark)
		if p.is('(') {
			return p.callOrCast(names, pos)
		}
		return p.stringCast(&ast.TypeName{Names: names, Typemod: -1, Location: pos})
	}
	if p.is('(') || p.is(tokSconst) {
		p.syntaxError()
	}
	c := p.columns.one()
	c.Location = pos
	for i := 1; i <= n; i++ {
		if _, ok := items[i].(*ast.AIndices); ok {
			ind := &ast.AIndirection{Arg: c, Indirection: append([]ast.Node(nil), items[i:]...)}
			c.Fields = p.nodes.save(items[:i])
			p.takeList(mark)
			return ind
		}
	}
	c.Fields = p.takeList(mark)
	return c
}

func allStrings(list []ast.Node) bool {
	for _, n := range list {
		if _, ok := n.(*ast.String); !ok {
			return false
		}
	}
	return true
}

// indirection pushes the field selections and subscripts that follow and returns how many there were.
func (p *parser) indirection() int {
	n := 0
	star := false
	for p.is('.') || p.is('[') {
		if star {
			// only the last may be a star; found out when the list is complete
			p.indirectionItem()
			for p.is('.') || p.is('[') {
				p.indirectionItem()
			}
			if p.is('(') || p.is(tokSconst) {
				p.syntaxError()
			}
			p.errorHere("improper use of \"*\"")
		}
		item := p.indirectionItem()
		_, star = item.(*ast.AStar)
		p.push(item)
		n++
	}
	return n
}

func (p *parser) indirectionItem() ast.Node {
	if p.accept('.') {
		if p.accept('*') {
			return &ast.AStar{}
		}
		return p.str(p.colLabel())
	}
	p.expect('[')
	ix := &ast.AIndices{}
	if !p.is(':') {
		ix.Uidx = p.aExpr()
	}
	if p.accept(':') {
		ix.IsSlice = true
		ix.Lidx, ix.Uidx = ix.Uidx, nil
		if !p.is(']') {
			ix.Uidx = p.aExpr()
		}
	}
	p.expect(']')
	return ix
}

// optIndirection wraps n in the indirection that follows, if any.
func (p *parser) optIndirection(n ast.Node) ast.Node {
	if !p.is('.') && !p.is('[') {
		return n
	}
	mark := p.mark()
	p.indirection()
	return &ast.AIndirection{Arg: n, Indirection: p.takeList(mark)}
}

// callOrCast parses a call from its opening parenthesis, or type(modifiers) 'literal'.
func (p *parser) callOrCast(name []string, pos int32) ast.Node {
	f, plain := p.application(name, pos)
	if plain && p.is(tokSconst) {
		return p.modifiedConst(f)
	}
	p.callSuffix(f)
	return f
}

// modifiedConst turns the call f before a string literal into a typed literal.
func (p *parser) modifiedConst(f *ast.FuncCall) ast.Node {
	lit := p.literal()
	for _, a := range f.Args {
		if n, ok := a.(*ast.NamedArgExpr); ok {
			p.failAt(pgerr.SyntaxError, n.Location, "type modifier cannot have parameter name")
		}
	}
	if f.AggOrder != nil {
		p.failAt(pgerr.SyntaxError, p.orderPos, "type modifier cannot have ORDER BY")
	}
	t := &ast.TypeName{Names: f.Funcname, Typmods: f.Args, Typemod: -1, Location: f.Location}
	return &ast.TypeCast{Arg: lit, TypeName: t, Location: ast.NoLocation}
}

// application parses the argument list of a call. plain tells that it could also be a list of type modifiers.
func (p *parser) application(name []string, pos int32) (f *ast.FuncCall, plain bool) {
	p.enter()
	defer p.leave()
	f = &ast.FuncCall{Funcname: name, Location: pos}
	p.expect('(')
	mayVariadic := true
	switch p.tok.kind {
	case ')':
		p.next()
		return f, false
	case '*':
		p.next()
		p.expect(')')
		f.AggStar = true
		return f, false
	case kwAll:
		p.next()
		mayVariadic = false
	case kwDistinct:
		p.next()
		f.AggDistinct, mayVariadic = true, false
	default:
		plain = true
	}
	mark := p.mark()
	for {
		if mayVariadic && p.accept(kwVariadic) {
			f.FuncVariadic, plain = true, false
		}
		p.push(p.funcArg())
		if f.FuncVariadic || !p.accept(',') {
			break
		}
	}
	f.Args = p.takeList(mark)
	p.orderPos = p.tok.pos
	f.AggOrder = p.optSort()
	p.expect(')')
	return f, plain
}

// funcArg is an expression or name => expression.
func (p *parser) funcArg() ast.Node {
	if p.tok.kind.isTypeFuncName() {
		if n := p.peek(1); n == tokEqualsGreater || n == tokColonEquals {
			pos := p.tok.pos
			name := p.take()
			p.next()
			return &ast.NamedArgExpr{Name: name, Arg: p.aExpr(), Argnumber: -1, Location: pos}
		}
	}
	return p.aExpr()
}

// callSuffix parses WITHIN GROUP, FILTER and OVER.
func (p *parser) callSuffix(f *ast.FuncCall) {
	if p.is(kwWithin) {
		pos := p.tok.pos
		p.expectAll(kwWithin, kwGroup, '(')
		order := p.sortClause()
		p.expect(')')
		switch {
		case f.AggOrder != nil:
			p.failAt(pgerr.SyntaxError, pos, "cannot use multiple ORDER BY clauses with WITHIN GROUP")
		case f.AggDistinct:
			p.failAt(pgerr.SyntaxError, pos, "cannot use DISTINCT with WITHIN GROUP")
		case f.FuncVariadic:
			p.failAt(pgerr.SyntaxError, pos, "cannot use VARIADIC with WITHIN GROUP")
		}
		f.AggOrder, f.AggWithinGroup = order, true
	}
	if p.is(kwFilter) {
		p.expectAll(kwFilter, '(', kwWhere)
		f.AggFilter = p.aExpr()
		p.expect(')')
	}
	if p.is(kwOver) {
		p.next()
		if p.is('(') {
			f.Over = p.windowSpec()
			return
		}
		pos := p.tok.pos
		f.Over = &ast.WindowDef{Name: p.colID(), FrameOptions: ast.FrameoptionDefaults, Location: pos}
	}
}

// caseExpr is CASE ... END.
func (p *parser) caseExpr() ast.Node {
	p.enter()
	defer p.leave()
	c := &ast.CaseExpr{Location: p.tok.pos}
	p.expect(kwCase)
	if !p.is(kwWhen) {
		c.Arg = p.aExpr()
	}
	if !p.is(kwWhen) {
		p.syntaxError()
	}
	for p.is(kwWhen) {
		w := &ast.CaseWhen{Location: p.tok.pos}
		p.next()
		w.Expr = p.aExpr()
		p.expect(kwThen)
		w.Result = p.aExpr()
		c.Args = append(c.Args, w)
	}
	if p.accept(kwElse) {
		c.Defresult = p.aExpr()
	}
	p.expect(kwEnd)
	return c
}

// arrayExpr parses the brackets of ARRAY[...]; inner brackets are arrays too.
func (p *parser) arrayExpr(pos int32) ast.Node {
	p.enter()
	defer p.leave()
	a := &ast.AArrayExpr{Location: pos}
	p.expect('[')
	if p.accept(']') {
		return a
	}
	if !p.is('[') {
		a.Elements = p.exprList()
		p.expect(']')
		return a
	}
	mark := p.mark()
	for {
		inner := p.tok.pos
		if !p.is('[') {
			p.syntaxError()
		}
		p.push(p.arrayExpr(inner))
		if !p.accept(',') {
			break
		}
	}
	a.Elements = p.takeList(mark)
	p.expect(']')
	return a
}
