package parser

import (
	"gompho/sql/ast"
)

// prepareStmt is PREPARE name or PREPARE TRANSACTION.
func (p *parser) prepareStmt() ast.Stmt {
	p.expect(kwPrepare)
	if p.is(kwTransaction) && p.peek(1) == tokSconst {
		p.next()
		return &ast.TransactionStmt{Kind: ast.TransStmtPrepare, Gid: p.sconst()}
	}
	s := &ast.PrepareStmt{Name: p.name()}
	if p.accept('(') {
		s.Argtypes = p.typeList()
		p.expect(')')
	}
	p.expect(kwAs)
	s.Query = p.preparableStmt()
	return s
}

func (p *parser) typeList() []*ast.TypeName {
	list := []*ast.TypeName{p.typeName()}
	for p.accept(',') {
		list = append(list, p.typeName())
	}
	return list
}

func (p *parser) executeStmt() ast.Stmt {
	p.expect(kwExecute)
	s := &ast.ExecuteStmt{Name: p.name()}
	if p.accept('(') {
		s.Params = p.exprList()
		p.expect(')')
	}
	return s
}

func (p *parser) deallocateStmt() ast.Stmt {
	p.expect(kwDeallocate)
	if p.is(kwPrepare) && (p.peek(1).isColID() || p.peek(1) == kwAll) {
		p.next()
	}
	if p.accept(kwAll) {
		return &ast.DeallocateStmt{}
	}
	return &ast.DeallocateStmt{Name: p.name()}
}

func (p *parser) declareCursorStmt() ast.Stmt {
	p.expect(kwDeclare)
	s := &ast.DeclareCursorStmt{Portalname: p.name(), Options: ast.CursorOptFastPlan}
	for !p.is(kwCursor) {
		switch {
		case p.accept(kwNo):
			p.expect(kwScroll)
			s.Options |= ast.CursorOptNoScroll
		case p.accept(kwScroll):
			s.Options |= ast.CursorOptScroll
		case p.accept(kwBinary):
			s.Options |= ast.CursorOptBinary
		case p.accept(kwAsensitive):
			s.Options |= ast.CursorOptAsensitive
		case p.accept(kwInsensitive):
			s.Options |= ast.CursorOptInsensitive
		default:
			p.syntaxError()
		}
	}
	p.next()
	if p.accept(kwWith) {
		p.expect(kwHold)
		s.Options |= ast.CursorOptHold
	} else if p.accept(kwWithout) {
		p.expect(kwHold)
	}
	p.expect(kwFor)
	s.Query = p.selectStmt()
	return s
}

// fetchStmt is FETCH or MOVE.
func (p *parser) fetchStmt() ast.Stmt {
	s := &ast.FetchStmt{Ismove: p.is(kwMove), HowMany: 1}
	p.next()
	if k := p.peek(1); p.tok.kind.isColID() && (k == tokEOF || k == ';') { // words of the direction may be the cursor's name
		s.Portalname = p.name()
		return s
	}
	switch p.tok.kind {
	case kwNext:
		p.next()
	case kwPrior:
		p.next()
		s.Direction = ast.FetchBackward
	case kwFirst:
		p.next()
		s.Direction = ast.FetchAbsolute
	case kwLast:
		p.next()
		s.Direction, s.HowMany = ast.FetchAbsolute, -1
	case kwAbsolute:
		p.next()
		s.Direction, s.HowMany = ast.FetchAbsolute, int64(p.signedIconst())
	case kwRelative:
		p.next()
		s.Direction, s.HowMany = ast.FetchRelative, int64(p.signedIconst())
	case kwForward, kwBackward:
		if p.is(kwBackward) {
			s.Direction = ast.FetchBackward
		}
		p.next()
		if p.startsNumeric() || p.is(kwAll) {
			s.HowMany = p.fetchCount()
		}
	case kwAll, '+', '-', tokIconst:
		s.HowMany = p.fetchCount()
	}
	if !p.accept(kwFrom) {
		p.accept(kwIn)
	}
	s.Portalname = p.name()
	return s
}

func (p *parser) fetchCount() int64 {
	if p.accept(kwAll) {
		return ast.FetchAll
	}
	return int64(p.signedIconst())
}

func (p *parser) closeStmt() ast.Stmt {
	p.expect(kwClose)
	if p.accept(kwAll) {
		return &ast.ClosePortalStmt{}
	}
	return &ast.ClosePortalStmt{Portalname: p.name()}
}
