package parser

import "gompho/sql/ast"

// xmlCalls returns the parser of the arguments of an SQL/XML function, nil for another keyword.
func xmlCalls(k tokKind) func(p *parser, pos int32) ast.Node {
	switch k {
	case kwXmlconcat:
		return func(p *parser, pos int32) ast.Node {
			return &ast.XmlExpr{Op: ast.IsXmlconcat, Args: p.exprList(), Location: pos}
		}
	case kwXmlelement:
		return (*parser).xmlElement
	case kwXmlexists:
		return func(p *parser, pos int32) ast.Node {
			path := p.cExpr(false)
			return sysCall("xmlexists", pos, path, p.xmlPassing())
		}
	case kwXmlforest:
		return func(p *parser, pos int32) ast.Node {
			return &ast.XmlExpr{Op: ast.IsXmlforest, NamedArgs: p.xmlAttributes(), Location: pos}
		}
	case kwXmlparse:
		return (*parser).xmlParse
	case kwXmlpi:
		return (*parser).xmlPI
	case kwXmlroot:
		return (*parser).xmlRoot
	case kwXmlserialize:
		return func(p *parser, pos int32) ast.Node {
			x := &ast.XmlSerialize{Xmloption: p.xmlOption(), Location: pos}
			x.Expr = p.aExpr()
			p.expect(kwAs)
			x.TypeName = p.simpleTypeName()
			return x
		}
	}
	return nil
}

func (p *parser) xmlOption() ast.XmlOptionType {
	if p.accept(kwDocument) {
		return ast.XmloptionDocument
	}
	p.expect(kwContent)
	return ast.XmloptionContent
}

// xmlAttributes is expression [AS name] [, ...].
func (p *parser) xmlAttributes() []*ast.ResTarget {
	var list []*ast.ResTarget
	for {
		t := &ast.ResTarget{Location: p.tok.pos}
		t.Val = p.aExpr()
		if p.accept(kwAs) {
			t.Name = p.colLabel()
		}
		list = append(list, t)
		if !p.accept(',') {
			return list
		}
	}
}

func (p *parser) xmlElement(pos int32) ast.Node {
	p.expect(kwName)
	x := &ast.XmlExpr{Op: ast.IsXmlelement, Name: p.colLabel(), Location: pos}
	if !p.accept(',') {
		return x
	}
	if p.is(kwXmlattributes) && p.peek(1) == '(' {
		p.expectAll(kwXmlattributes, '(')
		x.NamedArgs = p.xmlAttributes()
		p.expect(')')
		if !p.accept(',') {
			return x
		}
	}
	x.Args = p.exprList()
	return x
}

func (p *parser) xmlParse(pos int32) ast.Node {
	x := &ast.XmlExpr{Op: ast.IsXmlparse, Xmloption: p.xmlOption(), Location: pos}
	arg := p.aExpr()
	preserve := false
	if p.is(kwPreserve) || p.is(kwStrip) {
		preserve = p.is(kwPreserve)
		p.next()
		p.expect(kwWhitespace)
	}
	x.Args = []ast.Node{arg, p.constant(&ast.Boolean{Boolval: preserve}, ast.NoLocation)}
	return x
}

func (p *parser) xmlPI(pos int32) ast.Node {
	p.expect(kwName)
	x := &ast.XmlExpr{Op: ast.IsXmlpi, Name: p.colLabel(), Location: pos}
	if p.accept(',') {
		x.Args = []ast.Node{p.aExpr()}
	}
	return x
}

// Values of XMLROOT's third argument.
const (
	xmlStandaloneYes = iota
	xmlStandaloneNo
	xmlStandaloneNoValue
	xmlStandaloneOmitted
)

func (p *parser) xmlRoot(pos int32) ast.Node {
	x := &ast.XmlExpr{Op: ast.IsXmlroot, Location: pos}
	arg := p.aExpr()
	p.expectAll(',', kwVersion)
	var version ast.Node
	if p.accept2(kwNo, kwValue) {
		c := p.constant(nil, ast.NoLocation)
		c.Isnull = true
		version = c
	} else {
		version = p.aExpr()
	}
	standalone := int32(xmlStandaloneOmitted)
	if p.accept(',') {
		p.expect(kwStandalone)
		switch {
		case p.accept(kwYes):
			standalone = xmlStandaloneYes
		case p.accept2(kwNo, kwValue):
			standalone = xmlStandaloneNoValue
		default:
			p.expect(kwNo)
			standalone = xmlStandaloneNo
		}
	}
	x.Args = []ast.Node{arg, version, p.intConst(standalone, ast.NoLocation)}
	return x
}

// xmlPassing is PASSING [BY REF|VALUE] expression [BY REF|VALUE].
func (p *parser) xmlPassing() ast.Node {
	p.expect(kwPassing)
	if !p.accept2(kwBy, kwRef) { // BY may also be a column's name
		p.accept2(kwBy, kwValue)
	}
	arg := p.cExpr(false)
	if p.accept(kwBy) && !p.accept(kwRef) {
		p.expect(kwValue)
	}
	return arg
}

// xmlTable parses XMLTABLE(...).
func (p *parser) xmlTable() *ast.RangeTableFunc {
	t := &ast.RangeTableFunc{Location: p.tok.pos}
	p.expectAll(kwXmltable, '(')
	if p.is(kwXmlnamespaces) && p.peek(1) == '(' {
		p.expectAll(kwXmlnamespaces, '(')
		t.Namespaces = p.xmlNamespaces()
		p.expectAll(')', ',')
	}
	t.Rowexpr = p.cExpr(false)
	t.Docexpr = p.xmlPassing()
	p.expect(kwColumns)
	for {
		t.Columns = append(t.Columns, p.xmlTableColumn())
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return t
}

func (p *parser) xmlNamespaces() []*ast.ResTarget {
	var list []*ast.ResTarget
	for {
		t := &ast.ResTarget{Location: p.tok.pos}
		if p.accept(kwDefault) {
			t.Val = p.bExpr()
		} else {
			t.Val = p.bExpr()
			p.expect(kwAs)
			t.Name = p.colLabel()
		}
		list = append(list, t)
		if !p.accept(',') {
			return list
		}
	}
}
