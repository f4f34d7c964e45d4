package parser

import (
	"gompho/sql/ast"
)

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
