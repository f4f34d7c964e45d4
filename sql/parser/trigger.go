package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// createTrigger is CREATE [OR REPLACE] [CONSTRAINT] TRIGGER.
func (p *parser) createTrigger(replace bool) ast.Stmt {
	if p.accept(kwConstraint) {
		return p.createConstraintTrigger(replace)
	}
	p.expect(kwTrigger)
	s := &ast.CreateTrigStmt{Replace: replace, Trigname: p.name()}
	switch {
	case p.accept(kwBefore):
		s.Timing = ast.TriggerTypeBefore
	case p.accept(kwInstead):
		p.expect(kwOf)
		s.Timing = ast.TriggerTypeInstead
	default:
		p.expect(kwAfter)
		s.Timing = ast.TriggerTypeAfter
	}
	p.triggerEvents(s)
	p.expect(kwOn)
	s.Relation = p.qualifiedRel()
	if p.accept(kwReferencing) {
		for p.is(kwOld) || p.is(kwNew) {
			s.TransitionRels = append(s.TransitionRels, p.triggerTransition())
		}
		if s.TransitionRels == nil {
			p.syntaxError()
		}
	}
	if p.accept(kwFor) {
		p.accept(kwEach)
		if s.Row = p.accept(kwRow); !s.Row {
			p.expect(kwStatement)
		}
	}
	p.triggerEnd(s)
	return s
}

func (p *parser) createConstraintTrigger(replace bool) ast.Stmt {
	p.expect(kwTrigger)
	s := &ast.CreateTrigStmt{Isconstraint: true, Row: true, Timing: ast.TriggerTypeAfter, Trigname: p.name()}
	p.expect(kwAfter)
	p.triggerEvents(s)
	p.expect(kwOn)
	s.Relation = p.qualifiedRel()
	if p.accept(kwFrom) {
		s.Constrrel = p.qualifiedRel()
	}
	set := p.constraintAttrs()
	p.expectAll(kwFor, kwEach, kwRow)
	p.triggerEnd(s)
	attrs := &ast.Constraint{}
	p.setAttrs(attrs, set, "TRIGGER", attrDeferrable|attrInitiallyDeferred)
	s.Deferrable, s.Initdeferred = attrs.Deferrable, attrs.Initdeferred
	if replace {
		p.fail(pgerr.NotSupported("CREATE OR REPLACE CONSTRAINT TRIGGER is not supported"))
	}
	return s
}

// triggerEvents is event [OR event ...].
func (p *parser) triggerEvents(s *ast.CreateTrigStmt) {
	for {
		var bit int16
		switch p.tok.kind {
		case kwInsert:
			bit = ast.TriggerTypeInsert
		case kwDelete:
			bit = ast.TriggerTypeDelete
		case kwUpdate:
			bit = ast.TriggerTypeUpdate
		case kwTruncate:
			bit = ast.TriggerTypeTruncate
		default:
			p.syntaxError()
		}
		const duplicate = "duplicate trigger events specified"
		if s.Events&bit != 0 && bit != ast.TriggerTypeUpdate {
			p.errorHere(duplicate)
		}
		p.next()
		var cols []string
		if bit == ast.TriggerTypeUpdate && p.accept(kwOf) {
			cols = p.nameList()
		}
		if s.Events&bit != 0 {
			p.errorHere(duplicate)
		}
		s.Events |= bit
		s.Columns = append(s.Columns, cols...)
		if !p.accept(kwOr) {
			return
		}
	}
}

func (p *parser) triggerTransition() *ast.TriggerTransition {
	t := &ast.TriggerTransition{IsNew: p.is(kwNew)}
	p.next()
	if t.IsTable = p.accept(kwTable); !t.IsTable {
		p.expect(kwRow)
	}
	p.accept(kwAs)
	t.Name = p.colID()
	return t
}

// triggerEnd is [WHEN (condition)] EXECUTE FUNCTION name (arguments).
func (p *parser) triggerEnd(s *ast.CreateTrigStmt) {
	if p.accept(kwWhen) {
		p.expect('(')
		s.WhenClause = p.aExpr()
		p.expect(')')
	}
	s.Funcname = p.executeFunction()
	p.expect('(')
	if p.accept(')') {
		return
	}
	if p.is(',') { // the first may be missing
		p.next()
	}
	for {
		switch p.tok.kind {
		case tokIconst, tokFconst, tokSconst:
			s.Args = append(s.Args, p.take())
		default:
			s.Args = append(s.Args, p.colLabel())
		}
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
}
