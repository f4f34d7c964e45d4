package parser

import "gompho/sql/ast"

// statement parses one statement of any kind.
func (p *parser) statement() ast.Stmt {
	switch p.tok.kind {
	case kwSelect, kwValues, kwTable, '(', kwInsert, kwUpdate, kwDelete, kwMerge, kwWith, tokWith:
		return p.preparableStmt()
	case kwBegin, kwStart, kwCommit, kwEnd, kwRollback, kwAbort, kwSavepoint, kwRelease:
		return p.transactionStmt()
	case kwCreate:
		return p.createStmt()
	case kwAlter:
		return p.alterStmt()
	case kwDrop:
		return p.dropStmt()
	case kwSet:
		return p.setStmt()
	case kwReset:
		return p.resetStmt()
	case kwShow:
		return p.showStmt()
	case kwCopy:
		return p.copyStmt()
	case kwExplain:
		return p.explainStmt()
	case kwPrepare:
		return p.prepareStmt()
	case kwExecute:
		return p.executeStmt()
	case kwDeallocate:
		return p.deallocateStmt()
	}
	return p.rareStatement()
}

// rareStatement parses the statements that are seldom sent.
func (p *parser) rareStatement() ast.Stmt {
	switch p.tok.kind {
	case kwAnalyze, kwAnalyse:
		return p.analyzeStmt()
	case kwCall:
		return p.callStmt()
	case kwCheckpoint:
		p.next()
		return &ast.CheckPointStmt{}
	case kwClose:
		return p.closeStmt()
	case kwCluster:
		return p.clusterStmt()
	case kwComment:
		return p.commentStmt()
	case kwDeclare:
		return p.declareCursorStmt()
	case kwDiscard:
		return p.discardStmt()
	case kwDo:
		return p.doStmt()
	case kwFetch, kwMove:
		return p.fetchStmt()
	case kwGrant:
		return p.grantStmt()
	case kwImport:
		return p.importStmt()
	case kwListen:
		p.next()
		return &ast.ListenStmt{Conditionname: p.colID()}
	case kwLoad:
		p.next()
		return &ast.LoadStmt{Filename: p.sconst()}
	case kwLock:
		return p.lockStmt()
	case kwNotify:
		return p.notifyStmt()
	case kwReassign:
		return p.reassignOwnedStmt()
	case kwRefresh:
		return p.refreshStmt()
	case kwReindex:
		return p.reindexStmt()
	case kwRevoke:
		return p.revokeStmt()
	case kwSecurity:
		return p.secLabelStmt()
	case kwTruncate:
		return p.truncateStmt()
	case kwUnlisten:
		return p.unlistenStmt()
	case kwVacuum:
		return p.vacuumStmt()
	}
	p.syntaxError()
	return nil
}
