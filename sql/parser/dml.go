package parser

import (
	"gompho/sql/ast"
)

// preparableStmt is a statement that may be prepared or stand in WITH: a query or a data change.
func (p *parser) preparableStmt() ast.Stmt {
	switch p.tok.kind {
	case kwSelect, kwValues, kwTable, '(':
		return p.selectStmt()
	case kwInsert:
		return p.insertStmt(nil)
	case kwUpdate:
		return p.updateStmt(nil)
	case kwDelete:
		return p.deleteStmt(nil)
	case kwMerge:
		return p.mergeStmt(nil)
	case kwWith, tokWith:
		return p.withStmt()
	}
	p.syntaxError()
	return nil
}

// withStmt parses WITH and the statement it belongs to.
func (p *parser) withStmt() ast.Stmt {
	p.enter()
	defer p.leave()
	with := p.withClause()
	switch p.tok.kind {
	case kwInsert:
		return p.insertStmt(with)
	case kwUpdate:
		return p.updateStmt(with)
	case kwDelete:
		return p.deleteStmt(with)
	case kwMerge:
		return p.mergeStmt(with)
	}
	return p.selectRest(with, p.selectPrimary())
}

func (p *parser) insertStmt(with *ast.WithClause) ast.Stmt {
	s := &ast.InsertStmt{WithClause: with}
	p.expectAll(kwInsert, kwInto)
	s.Relation = p.qualifiedRel()
	if p.accept(kwAs) {
		s.Relation.Alias = &ast.Alias{Aliasname: p.colID()}
	}
	if p.accept(kwDefault) {
		p.expect(kwValues)
		return p.insertRest(s)
	}
	if p.is('(') && !p.parenStartsSelect() {
		s.Cols = p.insertColumns()
	}
	s.Override = p.overriding()
	s.SelectStmt = p.selectStmt()
	return p.insertRest(s)
}

// parenStartsSelect reports whether a query follows the parenthesis at the current token.
func (p *parser) parenStartsSelect() bool {
	switch p.peek(1) {
	case kwSelect, kwWith, kwTable, '(':
		return true
	case kwValues:
		return p.peek(2) == '('
	}
	return false
}

func (p *parser) insertRest(s *ast.InsertStmt) ast.Stmt {
	if p.is(kwOn) {
		s.OnConflictClause = p.onConflict()
	}
	s.ReturningList = p.returning()
	return s
}

// insertColumns is '(' column [indirection] [, ...] ')'.
func (p *parser) insertColumns() []*ast.ResTarget {
	p.expect('(')
	var list []*ast.ResTarget
	for {
		list = append(list, p.setTarget())
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}

// setTarget is a column with optional indirection.
func (p *parser) setTarget() *ast.ResTarget {
	t := p.targets.one()
	t.Location = p.tok.pos
	t.Name = p.colID()
	if p.is('.') || p.is('[') {
		mark := p.mark()
		p.indirection()
		t.Indirection = p.takeList(mark)
	}
	return t
}

// overriding is [OVERRIDING {USER|SYSTEM} VALUE].
func (p *parser) overriding() ast.OverridingKind {
	if !p.accept(kwOverriding) {
		return ast.OverridingNotSet
	}
	kind := ast.OverridingUserValue
	if !p.accept(kwUser) {
		p.expect(kwSystem)
		kind = ast.OverridingSystemValue
	}
	p.expect(kwValue)
	return kind
}

func (p *parser) onConflict() *ast.OnConflictClause {
	c := &ast.OnConflictClause{Location: p.tok.pos}
	p.expectAll(kwOn, kwConflict)
	switch pos := p.tok.pos; p.tok.kind {
	case '(':
		c.Infer = &ast.InferClause{IndexElems: p.indexParams(), Location: pos}
		c.Infer.WhereClause = p.optWhere()
	case kwOn:
		p.expectAll(kwOn, kwConstraint)
		c.Infer = &ast.InferClause{Conname: p.name(), Location: pos}
	}
	p.expect(kwDo)
	if p.accept(kwNothing) {
		c.Action = ast.OnconflictNothing
		return c
	}
	p.expectAll(kwUpdate, kwSet)
	c.Action = ast.OnconflictUpdate
	c.TargetList = p.setClauses()
	c.WhereClause = p.optWhere()
	return c
}

// returning is [RETURNING targets].
func (p *parser) returning() []*ast.ResTarget {
	if !p.accept(kwReturning) {
		return nil
	}
	return p.targetList()
}

// setClauses is the list after SET.
func (p *parser) setClauses() []*ast.ResTarget {
	var list []*ast.ResTarget
	for {
		if p.is('(') {
			list = append(list, p.multiAssign()...)
		} else {
			t := p.setTarget()
			p.expect('=')
			t.Val = p.aExpr()
			list = append(list, t)
		}
		if !p.accept(',') {
			return list
		}
	}
}

// multiAssign is '(' columns ')' '=' row.
func (p *parser) multiAssign() []*ast.ResTarget {
	list := p.insertColumns()
	p.expect('=')
	source := p.aExpr()
	for i, t := range list {
		t.Val = &ast.MultiAssignRef{Source: source, Colno: int32(i + 1), Ncolumns: int32(len(list))}
	}
	return list
}

func (p *parser) updateStmt(with *ast.WithClause) ast.Stmt {
	s := &ast.UpdateStmt{WithClause: with}
	p.expect(kwUpdate)
	s.Relation = p.dmlTarget()
	p.expect(kwSet)
	s.TargetList = p.setClauses()
	if p.accept(kwFrom) {
		s.FromClause = p.fromList()
	}
	s.WhereClause = p.whereOrCurrent()
	s.ReturningList = p.returning()
	return s
}

func (p *parser) deleteStmt(with *ast.WithClause) ast.Stmt {
	s := &ast.DeleteStmt{WithClause: with}
	p.expectAll(kwDelete, kwFrom)
	s.Relation = p.dmlTarget()
	if p.accept(kwUsing) {
		s.UsingClause = p.fromList()
	}
	s.WhereClause = p.whereOrCurrent()
	s.ReturningList = p.returning()
	return s
}

// whereOrCurrent is [WHERE condition | WHERE CURRENT OF cursor].
func (p *parser) whereOrCurrent() ast.Node {
	if !p.accept(kwWhere) {
		return nil
	}
	if p.accept2(kwCurrent, kwOf) {
		return &ast.CurrentOfExpr{CursorName: p.name()}
	}
	return p.aExpr()
}

func (p *parser) mergeStmt(with *ast.WithClause) ast.Stmt {
	s := &ast.MergeStmt{WithClause: with}
	p.expectAll(kwMerge, kwInto)
	s.Relation = p.dmlTarget()
	p.expect(kwUsing)
	s.SourceRelation = p.tableRef()
	p.expect(kwOn)
	s.JoinCondition = p.aExpr()
	if !p.is(kwWhen) {
		p.syntaxError()
	}
	for p.is(kwWhen) {
		s.MergeWhenClauses = append(s.MergeWhenClauses, p.mergeWhen())
	}
	return s
}

func (p *parser) mergeWhen() *ast.MergeWhenClause {
	p.expect(kwWhen)
	w := &ast.MergeWhenClause{Matched: !p.accept(kwNot)}
	p.expect(kwMatched)
	if p.accept(kwAnd) {
		w.Condition = p.aExpr()
	}
	p.expect(kwThen)
	switch {
	case p.is(kwDo):
		p.expectAll(kwDo, kwNothing)
		w.CommandType = ast.CmdNothing
	case w.Matched && p.accept(kwUpdate):
		p.expect(kwSet)
		w.CommandType, w.TargetList = ast.CmdUpdate, p.setClauses()
	case w.Matched && p.accept(kwDelete):
		w.CommandType = ast.CmdDelete
	case !w.Matched && p.accept(kwInsert):
		p.mergeInsert(w)
	default:
		p.syntaxError()
	}
	return w
}

func (p *parser) mergeInsert(w *ast.MergeWhenClause) {
	w.CommandType = ast.CmdInsert
	if p.accept(kwDefault) {
		p.expect(kwValues)
		return
	}
	if p.is('(') {
		w.TargetList = p.insertColumns()
	}
	w.Override = p.overriding()
	p.expectAll(kwValues, '(')
	w.Values = p.exprList()
	p.expect(')')
}

// plAssign is target {:= | =} expression [rest of a query].
func (p *parser) plAssign(nnames int32) *ast.PLAssignStmt {
	s := &ast.PLAssignStmt{Nnames: nnames, Location: p.tok.pos}
	if p.is(tokParam) {
		s.Name = "$" + p.take()
	} else {
		s.Name = p.colID()
	}
	mark := p.mark()
	p.indirection()
	s.Indirection = p.takeList(mark)
	if !p.accept(tokColonEquals) {
		p.expect('=')
	}
	s.Val = p.plAssignQuery()
	return s
}

// plAssignQuery is what may follow SELECT in a query without set operations.
func (p *parser) plAssignQuery() *ast.SelectStmt {
	s := p.selects.one()
	p.selectBody(s)
	var o selectOptions
	p.finalClauses(&o)
	p.applyOptions(s, &o)
	return s
}
