package parser

import (
	"slices"

	"gompho/sql/ast"
)

// transactionStmt is ABORT, BEGIN, START, COMMIT, END, ROLLBACK, SAVEPOINT, RELEASE.
func (p *parser) transactionStmt() ast.Stmt {
	s := &ast.TransactionStmt{}
	k := p.tok.kind
	p.next()
	switch k {
	case kwSavepoint:
		s.Kind, s.SavepointName = ast.TransStmtSavepoint, p.colID()
		return s
	case kwRelease:
		s.Kind = ast.TransStmtRelease
		s.SavepointName = p.savepointName()
		return s
	case kwStart:
		p.expect(kwTransaction)
		s.Kind, s.Options = ast.TransStmtStart, p.optTransactionModes()
		return s
	case kwBegin:
		p.optTransactionWord()
		s.Kind, s.Options = ast.TransStmtBegin, p.optTransactionModes()
		return s
	case kwCommit, kwEnd:
		s.Kind = ast.TransStmtCommit
		if k == kwCommit && p.accept(kwPrepared) {
			s.Kind, s.Gid = ast.TransStmtCommitPrepared, p.sconst()
			return s
		}
	default:
		s.Kind = ast.TransStmtRollback
		if k == kwRollback && p.accept(kwPrepared) {
			s.Kind, s.Gid = ast.TransStmtRollbackPrepared, p.sconst()
			return s
		}
	}
	p.optTransactionWord()
	if k == kwRollback && p.accept(kwTo) {
		s.Kind = ast.TransStmtRollbackTo
		s.SavepointName = p.savepointName()
		return s
	}
	if p.accept(kwAnd) {
		s.Chain = !p.accept(kwNo)
		p.expect(kwChain)
	}
	return s
}

// savepointName is [SAVEPOINT] name.
func (p *parser) savepointName() string {
	if p.is(kwSavepoint) && p.peek(1).isColID() {
		p.next()
	}
	return p.colID()
}

func (p *parser) optTransactionWord() {
	if !p.accept(kwWork) {
		p.accept(kwTransaction)
	}
}

func (p *parser) startsTransactionMode() bool {
	switch p.tok.kind {
	case kwIsolation, kwRead, kwDeferrable, kwNot:
		return true
	}
	return false
}

func (p *parser) optTransactionModes() []*ast.DefElem {
	if !p.startsTransactionMode() {
		return nil
	}
	return p.transactionModes()
}

// transactionModes is mode [[,] mode ...].
func (p *parser) transactionModes() []*ast.DefElem {
	list := []*ast.DefElem{p.transactionMode()}
	for p.accept(',') || p.startsTransactionMode() {
		list = append(list, p.transactionMode())
	}
	return list
}

func (p *parser) transactionMode() *ast.DefElem {
	pos := p.tok.pos
	switch {
	case p.accept(kwIsolation):
		p.expect(kwLevel)
		at := p.tok.pos
		return defElem("transaction_isolation", p.strConst(p.isolationLevel(), at), pos)
	case p.accept(kwRead):
		v := int32(1)
		if !p.accept(kwOnly) {
			p.expect(kwWrite)
			v = 0
		}
		return defElem("transaction_read_only", p.intConst(v, pos), pos)
	case p.accept(kwNot):
		p.expect(kwDeferrable)
		return defElem("transaction_deferrable", p.intConst(0, pos), pos)
	}
	p.expect(kwDeferrable)
	return defElem("transaction_deferrable", p.intConst(1, pos), pos)
}

func (p *parser) isolationLevel() string {
	switch {
	case p.accept(kwRead):
		if p.accept(kwUncommitted) {
			return "read uncommitted"
		}
		p.expect(kwCommitted)
		return "read committed"
	case p.accept(kwRepeatable):
		p.expect(kwRead)
		return "repeatable read"
	}
	p.expect(kwSerializable)
	return "serializable"
}

func defElem(name string, arg ast.Node, pos int32) *ast.DefElem {
	return &ast.DefElem{Defname: name, Arg: arg, Location: pos}
}

// explainStmt is EXPLAIN.
func (p *parser) explainStmt() ast.Stmt {
	s := &ast.ExplainStmt{}
	p.expect(kwExplain)
	if p.is('(') && !p.parenStartsSelect() {
		s.Options = p.utilityOptions()
	} else {
		if p.is(kwAnalyze) || p.is(kwAnalyse) {
			s.Options = append(s.Options, defElem("analyze", nil, p.tok.pos))
			p.next()
		}
		if p.is(kwVerbose) {
			s.Options = append(s.Options, defElem("verbose", nil, p.tok.pos))
			p.next()
		}
	}
	if wantsLocks(s.Options) {
		s.Query = p.statement()
	} else {
		s.Query = p.explainableStmt()
	}
	return s
}

// wantsLocks reports whether EXPLAIN's options have LOCKS, which explains statements of every kind.
func wantsLocks(options []*ast.DefElem) bool {
	return slices.ContainsFunc(options, func(o *ast.DefElem) bool { return o.Defname == "locks" })
}

func (p *parser) explainableStmt() ast.Stmt {
	switch p.tok.kind {
	case kwDeclare:
		return p.declareCursorStmt()
	case kwExecute:
		return p.executeStmt()
	case kwRefresh:
		return p.refreshStmt()
	case kwCreate:
		p.next()
		persistence := p.persistence()
		if p.is(kwMaterialized) && persistence != ast.RelpersistenceTemp {
			return p.createMatView(persistence)
		}
		p.expect(kwTable)
		c := &ast.CreateStmt{IfNotExists: p.ifNotExists()}
		c.Relation = p.qualifiedRel()
		c.Relation.Relpersistence = persistence
		return p.createTableAs(c, p.optParenNames())
	}
	return p.preparableStmt()
}

// utilityOptions is '(' name [value] [, ...] ')' of EXPLAIN, VACUUM and others.
func (p *parser) utilityOptions() []*ast.DefElem {
	p.expect('(')
	var list []*ast.DefElem
	for {
		pos := p.tok.pos
		var name string
		if p.is(kwAnalyze) || p.is(kwAnalyse) {
			name = "analyze"
			p.next()
		} else {
			name = p.nonReservedWord()
		}
		e := defElem(name, nil, pos)
		if !p.is(',') && !p.is(')') {
			if p.startsNumeric() {
				e.Arg = p.numericOnly()
			} else {
				e.Arg = p.str(p.booleanOrString())
			}
		}
		list = append(list, e)
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}

func (p *parser) startsNumeric() bool {
	switch p.tok.kind {
	case '+', '-', tokIconst, tokFconst:
		return true
	}
	return false
}

// numericOnly is a number with an optional sign: *Integer or *Float.
func (p *parser) numericOnly() ast.Node {
	neg := p.accept('-')
	if !neg {
		p.accept('+')
	}
	if p.is(tokFconst) {
		f := &ast.Float{Fval: p.take()}
		if neg {
			negateFloat(f)
		}
		return f
	}
	v := p.iconst()
	if neg {
		v = -v
	}
	return &ast.Integer{Ival: v}
}

// booleanOrString is TRUE, FALSE, ON, a word or a string.
func (p *parser) booleanOrString() string {
	switch p.tok.kind {
	case kwTrue, kwFalse, kwOn:
		return p.take()
	}
	return p.wordOrString()
}

// wordOrString is a word that is not reserved, or a string.
func (p *parser) wordOrString() string {
	if p.is(tokSconst) {
		return p.take()
	}
	return p.nonReservedWord()
}

func (p *parser) dropBehavior() ast.DropBehavior {
	if p.accept(kwCascade) {
		return ast.DropCascade
	}
	p.accept(kwRestrict)
	return ast.DropRestrict
}

func (p *parser) discardStmt() ast.Stmt {
	p.expect(kwDiscard)
	s := &ast.DiscardStmt{}
	switch p.tok.kind {
	case kwAll:
	case kwTemp, kwTemporary:
		s.Target = ast.DiscardTemp
	case kwPlans:
		s.Target = ast.DiscardPlans
	case kwSequences:
		s.Target = ast.DiscardSequences
	default:
		p.syntaxError()
	}
	p.next()
	return s
}

func (p *parser) notifyStmt() ast.Stmt {
	p.expect(kwNotify)
	s := &ast.NotifyStmt{Conditionname: p.colID()}
	if p.accept(',') {
		s.Payload = p.sconst()
	}
	return s
}

func (p *parser) unlistenStmt() ast.Stmt {
	p.expect(kwUnlisten)
	if p.accept('*') {
		return &ast.UnlistenStmt{}
	}
	return &ast.UnlistenStmt{Conditionname: p.colID()}
}

// doStmt is DO with its string and LANGUAGE in either order.
func (p *parser) doStmt() ast.Stmt {
	p.expect(kwDo)
	s := &ast.DoStmt{}
	for {
		pos := p.tok.pos
		switch {
		case p.is(tokSconst):
			s.Args = append(s.Args, defElem("as", p.str(p.take()), pos))
			continue
		case p.accept(kwLanguage):
			s.Args = append(s.Args, defElem("language", p.str(p.wordOrString()), pos))
			continue
		}
		if s.Args == nil {
			p.syntaxError()
		}
		return s
	}
}

func (p *parser) callStmt() ast.Stmt {
	p.expect(kwCall)
	pos := p.tok.pos
	names := p.funcName()
	if !p.is('(') {
		p.syntaxError()
	}
	f, _ := p.application(names, pos)
	return &ast.CallStmt{Funccall: f}
}

func (p *parser) reassignOwnedStmt() ast.Stmt {
	p.expectAll(kwReassign, kwOwned, kwBy)
	s := &ast.ReassignOwnedStmt{Roles: p.roleList()}
	p.expect(kwTo)
	s.Newrole = p.roleSpec()
	return s
}

func (p *parser) roleList() []*ast.RoleSpec {
	list := []*ast.RoleSpec{p.roleSpec()}
	for p.accept(',') {
		list = append(list, p.roleSpec())
	}
	return list
}
