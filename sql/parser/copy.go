package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// copyStmt is COPY.
func (p *parser) copyStmt() ast.Stmt {
	s := &ast.CopyStmt{}
	p.expect(kwCopy)
	if p.accept('(') {
		s.Query = p.preparableStmt()
		p.expectAll(')', kwTo)
	} else {
		if p.is(kwBinary) {
			s.Options = append(s.Options, p.copyFlag("format", "binary"))
		}
		s.Relation = p.qualifiedRel()
		s.Attlist = p.optParenNames()
		s.IsFrom = p.accept(kwFrom)
		if !s.IsFrom {
			p.expect(kwTo)
		}
	}
	p.copyFile(s)
	if s.Relation != nil && (p.is(kwDelimiters) || p.is(kwUsing)) {
		pos := p.tok.pos
		if p.accept(kwUsing) {
			pos = p.tok.pos
		}
		p.expect(kwDelimiters)
		s.Options = append(s.Options, defElem("delimiter", p.str(p.sconst()), pos))
	}
	p.accept(kwWith)
	if p.is('(') {
		s.Options = append(s.Options, p.copyGenericOptions()...)
	} else {
		for o := p.copyOption(); o != nil; o = p.copyOption() {
			s.Options = append(s.Options, o)
		}
	}
	if s.Relation != nil && p.is(kwWhere) {
		pos := p.tok.pos
		s.WhereClause = p.optWhere()
		if !s.IsFrom {
			p.failAt(pgerr.SyntaxError, pos, "WHERE clause not allowed with COPY TO")
		}
	}
	return s
}

func (p *parser) copyFile(s *ast.CopyStmt) {
	s.IsProgram = p.accept(kwProgram)
	switch p.tok.kind {
	case tokSconst:
		s.Filename, s.HasFilename = p.take(), true
		return
	case kwStdin, kwStdout:
		p.next()
	default:
		p.syntaxError()
	}
	if s.IsProgram {
		p.fail(pgerr.New(pgerr.SyntaxError, "STDIN/STDOUT not allowed with PROGRAM"))
	}
}

// copyFlag reads a word that stands for an option's value.
func (p *parser) copyFlag(name, value string) *ast.DefElem {
	e := defElem(name, p.str(value), p.tok.pos)
	p.next()
	return e
}

// copyOption is one option of the old syntax, nil when there is none.
func (p *parser) copyOption() *ast.DefElem {
	pos := p.tok.pos
	switch p.tok.kind {
	case kwBinary:
		return p.copyFlag("format", "binary")
	case kwCsv:
		return p.copyFlag("format", "csv")
	case kwFreeze:
		p.next()
		return defElem("freeze", &ast.Boolean{Boolval: true}, pos)
	case kwHeader:
		p.next()
		return defElem("header", &ast.Boolean{Boolval: true}, pos)
	case kwDelimiter, kwNull, kwQuote, kwEscape:
		name := p.take()
		p.accept(kwAs)
		return defElem(name, p.str(p.sconst()), pos)
	case kwEncoding:
		p.next()
		return defElem("encoding", p.str(p.sconst()), pos)
	case kwForce:
		p.next()
		return p.copyForce(pos)
	}
	return nil
}

func (p *parser) copyForce(pos int32) *ast.DefElem {
	switch {
	case p.accept(kwQuote):
		if p.accept('*') {
			return defElem("force_quote", &ast.AStar{}, pos)
		}
		return defElem("force_quote", ast.NameNode(p.nameList()), pos)
	case p.accept(kwNot):
		p.expect(kwNull)
		return defElem("force_not_null", ast.NameNode(p.nameList()), pos)
	}
	p.expect(kwNull)
	return defElem("force_null", ast.NameNode(p.nameList()), pos)
}

// copyGenericOptions is '(' name [value] [, ...] ')'.
func (p *parser) copyGenericOptions() []*ast.DefElem {
	p.expect('(')
	var list []*ast.DefElem
	for {
		e := &ast.DefElem{Location: p.tok.pos}
		e.Defname = p.colLabel()
		switch {
		case p.is(',') || p.is(')'):
		case p.accept('*'):
			e.Arg = &ast.AStar{}
		case p.accept('('):
			l := &ast.List{}
			for {
				l.Items = append(l.Items, p.str(p.booleanOrString()))
				if !p.accept(',') {
					break
				}
			}
			p.expect(')')
			e.Arg = l
		case p.startsNumeric():
			e.Arg = p.numericOnly()
		default:
			e.Arg = p.str(p.booleanOrString())
		}
		list = append(list, e)
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}
