package parser

import (
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
	s.Query = p.explainableStmt()
	return s
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

// vacuumStmt is VACUUM.
func (p *parser) vacuumStmt() ast.Stmt {
	s := &ast.VacuumStmt{IsVacuumcmd: true}
	p.expect(kwVacuum)
	if p.is('(') {
		s.Options = p.utilityOptions()
	} else {
		s.Options = p.legacyVacuumOptions(s.Options)
	}
	s.Rels = p.optVacuumRels()
	return s
}

// legacyVacuumOptions are VACUUM's options without parentheses, in their fixed order.
func (p *parser) legacyVacuumOptions(list []*ast.DefElem) []*ast.DefElem {
	for _, o := range [...]struct {
		kind tokKind
		name string
	}{{kwFull, "full"}, {kwFreeze, "freeze"}, {kwVerbose, "verbose"}, {kwAnalyze, "analyze"}} {
		if p.is(o.kind) || o.kind == kwAnalyze && p.is(kwAnalyse) {
			list = append(list, defElem(o.name, nil, p.tok.pos))
			p.next()
		}
	}
	return list
}

// analyzeStmt is ANALYZE.
func (p *parser) analyzeStmt() ast.Stmt {
	s := &ast.VacuumStmt{}
	p.next()
	if p.is('(') {
		s.Options = p.utilityOptions()
	} else if p.is(kwVerbose) {
		s.Options = []*ast.DefElem{defElem("verbose", nil, p.tok.pos)}
		p.next()
	}
	s.Rels = p.optVacuumRels()
	return s
}

func (p *parser) optVacuumRels() []*ast.VacuumRelation {
	if !p.tok.kind.isColID() {
		return nil
	}
	var list []*ast.VacuumRelation
	for {
		r := &ast.VacuumRelation{Relation: p.qualifiedRel()}
		r.VaCols = p.optParenNames()
		list = append(list, r)
		if !p.accept(',') {
			return list
		}
	}
}

func (p *parser) clusterStmt() ast.Stmt {
	s := &ast.ClusterStmt{}
	p.expect(kwCluster)
	if p.is('(') {
		s.Params = p.utilityOptions()
	} else {
		if p.is(kwVerbose) {
			s.Params = []*ast.DefElem{defElem("verbose", nil, p.tok.pos)}
			p.next()
		}
		if !p.tok.kind.isColID() {
			return s
		}
	}
	s.Relation = p.qualifiedRel()
	switch {
	case p.accept(kwUsing):
		s.Indexname = p.name()
	case p.is(kwOn) && s.Relation.Schemaname == "": // the old form: CLUSTER index ON table
		p.next()
		s.Indexname = s.Relation.Relname
		s.Relation = p.qualifiedRel()
	}
	return s
}

func (p *parser) reindexStmt() ast.Stmt {
	s := &ast.ReindexStmt{}
	p.expect(kwReindex)
	if p.is('(') {
		s.Params = p.utilityOptions()
	}
	switch p.tok.kind {
	case kwIndex:
		s.Kind = ast.ReindexObjectIndex
	case kwTable:
		s.Kind = ast.ReindexObjectTable
	case kwSchema:
		s.Kind = ast.ReindexObjectSchema
	case kwSystem:
		s.Kind = ast.ReindexObjectSystem
	case kwDatabase:
		s.Kind = ast.ReindexObjectDatabase
	default:
		p.syntaxError()
	}
	p.next()
	if p.is(kwConcurrently) {
		s.Params = append(s.Params, defElem("concurrently", nil, p.tok.pos))
		p.next()
	}
	if s.Kind == ast.ReindexObjectIndex || s.Kind == ast.ReindexObjectTable {
		s.Relation = p.qualifiedRel()
	} else {
		s.Name = p.name()
	}
	return s
}

// lockMode is the number of the lock mode that LOCK TABLE spells.
func (p *parser) lockMode() int32 {
	switch {
	case p.accept(kwAccess):
		if p.accept(kwShare) {
			return 1
		}
		p.expect(kwExclusive)
		return 8
	case p.accept(kwRow):
		if p.accept(kwShare) {
			return 2
		}
		p.expect(kwExclusive)
		return 3
	case p.accept(kwShare):
		switch {
		case p.accept(kwUpdate):
			p.expect(kwExclusive)
			return 4
		case p.accept(kwRow):
			p.expect(kwExclusive)
			return 6
		}
		return 5
	}
	p.expect(kwExclusive)
	return 7
}

func (p *parser) lockStmt() ast.Stmt {
	p.expect(kwLock)
	p.accept(kwTable)
	s := &ast.LockStmt{Relations: p.relationExprs(), Mode: 8}
	if p.accept(kwIn) {
		s.Mode = p.lockMode()
		p.expect(kwMode)
	}
	s.Nowait = p.accept(kwNowait)
	return s
}

func (p *parser) truncateStmt() ast.Stmt {
	p.expect(kwTruncate)
	p.accept(kwTable)
	s := &ast.TruncateStmt{Relations: p.relationExprs()}
	if p.accept(kwRestart) {
		p.expect(kwIdentity)
		s.RestartSeqs = true
	} else if p.accept(kwContinue) {
		p.expect(kwIdentity)
	}
	s.Behavior = p.dropBehavior()
	return s
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
