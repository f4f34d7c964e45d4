package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// sysType is a type of pg_catalog.
func sysType(name string, pos int32) *ast.TypeName {
	return &ast.TypeName{Names: []string{"pg_catalog", name}, Typemod: -1, Location: pos}
}

// typeName is a type with SETOF and array bounds.
func (p *parser) typeName() *ast.TypeName {
	setof := p.accept(kwSetof)
	t := p.simpleTypeName()
	t.Setof = setof
	p.arrayBounds(t)
	return t
}

func (p *parser) arrayBounds(t *ast.TypeName) {
	if p.accept(kwArray) {
		bound := int32(-1)
		if p.accept('[') {
			bound = p.iconst()
			p.expect(']')
		}
		t.ArrayBounds = []int32{bound}
		return
	}
	for p.accept('[') {
		bound := int32(-1)
		if p.is(tokIconst) {
			bound = p.iconst()
		}
		p.expect(']')
		t.ArrayBounds = append(t.ArrayBounds, bound)
	}
}

// funcType is a type of a function's parameter or result, where name%TYPE may be.
func (p *parser) funcType() *ast.TypeName {
	setof := p.accept(kwSetof)
	qualified := p.tok.kind.isTypeFuncName() && p.peek(1) == '.'
	t := p.simpleTypeName()
	t.Setof = setof
	if qualified && t.Typmods == nil && p.accept('%') {
		p.expect(kwType)
		t.PctType = true
		return t
	}
	p.arrayBounds(t)
	return t
}

// simpleTypeName is a type without SETOF and array bounds.
func (p *parser) simpleTypeName() *ast.TypeName {
	switch p.tok.kind {
	case kwInt, kwInteger, kwSmallint, kwBigint, kwReal, kwFloat, kwDecimal, kwDec, kwNumeric, kwBoolean,
		kwBit, kwCharacter, kwChar, kwVarchar, kwNational, kwNchar, kwTime, kwTimestamp:
		return p.keywordType(false)
	case kwInterval:
		t := sysType("interval", p.tok.pos)
		p.next()
		if p.is('(') {
			t.Typmods = p.intervalPrecision()
		} else {
			t.Typmods = p.optInterval()
		}
		return t
	case kwDouble:
		if p.peek(1) == kwPrecision {
			return p.keywordType(false)
		}
	}
	t := &ast.TypeName{Typemod: -1, Location: p.tok.pos}
	t.Names = p.attrs(p.typeFunctionName())
	t.Typmods = p.optTypeModifiers()
	return t
}

func (p *parser) optTypeModifiers() []ast.Node {
	if !p.accept('(') {
		return nil
	}
	l := p.exprList()
	p.expect(')')
	return l
}

// keywordType parses a type that has its own keywords. For a literal (constant), char and bit without a
// length are of any length, not 1.
func (p *parser) keywordType(constant bool) *ast.TypeName {
	k, pos := p.tok.kind, p.tok.pos
	p.next()
	switch k {
	case kwInt, kwInteger:
		return sysType("int4", pos)
	case kwSmallint:
		return sysType("int2", pos)
	case kwBigint:
		return sysType("int8", pos)
	case kwReal:
		return sysType("float4", pos)
	case kwBoolean:
		return sysType("bool", pos)
	case kwFloat:
		return p.floatType(pos)
	case kwDouble:
		p.expect(kwPrecision)
		return sysType("float8", pos)
	case kwDecimal, kwDec, kwNumeric:
		t := sysType("numeric", pos)
		t.Typmods = p.optTypeModifiers()
		return t
	case kwBit:
		return p.bitType(pos, constant)
	case kwTime, kwTimestamp:
		return p.datetimeType(k, pos)
	}
	return p.charType(k, pos, constant)
}

func (p *parser) floatType(pos int32) *ast.TypeName {
	if !p.accept('(') {
		return sysType("float8", pos)
	}
	at := p.tok.pos
	n := p.iconst()
	p.expect(')')
	switch {
	case n < 1:
		p.failAt(pgerr.InvalidParameterValue, at, "precision for type float must be at least 1 bit")
	case n <= 24:
		return sysType("float4", pos)
	case n > 53:
		p.failAt(pgerr.InvalidParameterValue, at, "precision for type float must be less than 54 bits")
	}
	return sysType("float8", pos)
}

func (p *parser) bitType(pos int32, constant bool) *ast.TypeName {
	t := sysType("bit", pos)
	varying := p.accept(kwVarying)
	if varying {
		t.Names[1] = "varbit"
	}
	switch {
	case p.is('('):
		t.Typmods = p.optTypeModifiers()
	case !varying && !constant:
		t.Typmods = p.list1(p.intConst(1, ast.NoLocation))
	}
	return t
}

func (p *parser) charType(k tokKind, pos int32, constant bool) *ast.TypeName {
	if k == kwNational {
		if !p.is(kwChar) {
			if !p.is(kwCharacter) {
				p.syntaxError()
			}
		}
		p.next()
	}
	t := sysType("bpchar", pos)
	if k == kwVarchar || p.accept(kwVarying) {
		t.Names[1] = "varchar"
	}
	switch {
	case p.accept('('):
		at := p.tok.pos
		t.Typmods = p.list1(p.intConst(p.iconst(), at))
		p.expect(')')
	case t.Names[1] == "bpchar" && !constant:
		t.Typmods = p.list1(p.intConst(1, ast.NoLocation))
	}
	return t
}

func (p *parser) datetimeType(k tokKind, pos int32) *ast.TypeName {
	t := sysType("time", pos)
	if k == kwTimestamp {
		t.Names[1] = "timestamp"
	}
	if p.accept('(') {
		at := p.tok.pos
		t.Typmods = p.list1(p.intConst(p.iconst(), at))
		p.expect(')')
	}
	if p.is(tokWith) && p.peek(1) == kwTime {
		p.expectAll(tokWith, kwTime, kwZone)
		t.Names[1] += "tz"
	} else if p.is(kwWithout) {
		p.expectAll(kwWithout, kwTime, kwZone)
	}
	return t
}

// Bits of an interval's field mask.
const (
	maskMonth     = 1 << 1
	maskYear      = 1 << 2
	maskDay       = 1 << 3
	maskHour      = 1 << 10
	maskMinute    = 1 << 11
	maskSecond    = 1 << 12
	maskFullRange = 0x7fff
)

// intervalPrecision is (n) after INTERVAL.
func (p *parser) intervalPrecision() []ast.Node {
	p.expect('(')
	at := p.tok.pos
	n := p.intConst(p.iconst(), at)
	p.expect(')')
	return []ast.Node{p.intConst(maskFullRange, ast.NoLocation), n}
}

func intervalField(k tokKind) int32 {
	switch k {
	case kwYear:
		return maskYear
	case kwMonth:
		return maskMonth
	case kwDay:
		return maskDay
	case kwHour:
		return maskHour
	case kwMinute:
		return maskMinute
	case kwSecond:
		return maskSecond
	}
	return 0
}

// optInterval is the fields after INTERVAL, such as DAY TO SECOND(3), as type modifiers.
func (p *parser) optInterval() []ast.Node {
	from := intervalField(p.tok.kind)
	if from == 0 {
		return nil
	}
	pos := p.tok.pos
	p.next()
	mask := from
	if from != maskSecond && from != maskMonth && p.accept(kwTo) {
		to := intervalField(p.tok.kind)
		switch {
		case from == maskYear && to == maskMonth:
			mask |= to
		case from >= maskDay && to > from:
			for f := int32(maskHour); f <= to; f <<= 1 {
				if f > from {
					mask |= f
				}
			}
		default:
			p.syntaxError()
		}
		p.next()
	}
	mods := []ast.Node{p.intConst(mask, pos)}
	if mask&maskSecond != 0 && p.accept('(') {
		at := p.tok.pos
		mods = append(mods, p.intConst(p.iconst(), at))
		p.expect(')')
	}
	return mods
}
