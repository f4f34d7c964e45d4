package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// setStmt is SET in all its forms, SET CONSTRAINTS included.
func (p *parser) setStmt() ast.Stmt {
	p.expect(kwSet)
	if p.is(kwConstraints) && p.peek(1) != '=' && p.peek(1) != kwTo && p.peek(1) != '.' {
		return p.setConstraints()
	}
	local := false
	if p.is(kwLocal) || p.is(kwSession) {
		switch p.peek(1) {
		case '=', kwTo, '.': // a variable of that name
		case kwCharacteristics:
			return p.setRest()
		case kwAuthorization:
			return p.setRest()
		default:
			local = p.is(kwLocal)
			p.next()
		}
	}
	s := p.setRest()
	s.IsLocal = local
	return s
}

func (p *parser) setConstraints() ast.Stmt {
	p.next()
	s := &ast.ConstraintsSetStmt{}
	if !p.accept(kwAll) {
		s.Constraints = p.qualifiedRels()
	}
	if p.accept(kwDeferred) {
		s.Deferred = true
	} else {
		p.expect(kwImmediate)
	}
	return s
}

// setRest is what follows SET [LOCAL | SESSION].
func (p *parser) setRest() *ast.VariableSetStmt {
	switch p.tok.kind {
	case kwTransaction:
		if k := p.peek(1); k == '=' || k == kwTo || k == '.' || k == kwSnapshot {
			break
		}
		p.next()
		return setMulti("TRANSACTION", p.transactionModes())
	case kwSession:
		if p.peek(1) == kwCharacteristics {
			p.expectAll(kwSession, kwCharacteristics, kwAs, kwTransaction)
			return setMulti("SESSION CHARACTERISTICS", p.transactionModes())
		}
	}
	return p.setRestMore()
}

func setMulti(name string, modes []*ast.DefElem) *ast.VariableSetStmt {
	s := &ast.VariableSetStmt{Kind: ast.VarSetMulti, Name: name}
	for _, m := range modes {
		s.Args = append(s.Args, m)
	}
	return s
}

// setRestMore is the part of SET that may also stand in CREATE FUNCTION and ALTER ROLE.
func (p *parser) setRestMore() *ast.VariableSetStmt {
	pos := p.tok.pos
	if k := p.peek(1); k != '=' && k != kwTo && k != '.' {
		if s := p.setSpecial(pos); s != nil {
			return s
		}
	}
	s := &ast.VariableSetStmt{Name: p.varName()}
	switch {
	case p.accept(kwFrom):
		p.expect(kwCurrent)
		s.Kind = ast.VarSetCurrent
		return s
	case p.accept('='):
	default:
		p.expect(kwTo)
	}
	if p.accept(kwDefault) {
		s.Kind = ast.VarSetDefault
		return s
	}
	for {
		s.Args = append(s.Args, p.varValue())
		if !p.accept(',') {
			return s
		}
	}
}

// setSpecial parses the forms of SET with their own syntax, nil when it is none.
func (p *parser) setSpecial(pos int32) *ast.VariableSetStmt {
	value := func(name string, val ast.Node) *ast.VariableSetStmt {
		return &ast.VariableSetStmt{Name: name, Args: []ast.Node{val}}
	}
	switch p.tok.kind {
	case kwTime:
		p.expectAll(kwTime, kwZone)
		if p.accept(kwDefault) || p.accept(kwLocal) {
			return &ast.VariableSetStmt{Kind: ast.VarSetDefault, Name: "timezone"}
		}
		return value("timezone", p.zoneValue())
	case kwCatalog:
		if p.peek(1) == tokSconst {
			p.next()
			at := p.tok.pos
			p.next()
			p.failAt(pgerr.FeatureNotSupported, at, "current database cannot be changed")
		}
	case kwSchema:
		if p.peek(1) == tokSconst {
			p.next()
			return value("search_path", p.literal())
		}
	case kwNames:
		p.next()
		if p.is(tokSconst) {
			return value("client_encoding", p.literal())
		}
		p.accept(kwDefault)
		return &ast.VariableSetStmt{Kind: ast.VarSetDefault, Name: "client_encoding"}
	case kwRole:
		p.next()
		at := p.tok.pos
		return value("role", p.strConst(p.wordOrString(), at))
	case kwSession:
		if p.peek(1) != kwAuthorization {
			return nil
		}
		p.accept2(kwSession, kwAuthorization)
		if p.accept(kwDefault) {
			return &ast.VariableSetStmt{Kind: ast.VarSetDefault, Name: "session_authorization"}
		}
		at := p.tok.pos
		return value("session_authorization", p.strConst(p.wordOrString(), at))
	case kwXml:
		p.expectAll(kwXml, kwOption)
		at, opt := p.tok.pos, "DOCUMENT"
		if p.xmlOption() == ast.XmloptionContent {
			opt = "CONTENT"
		}
		return value("xmloption", p.strConst(opt, at))
	case kwTransaction:
		p.expectAll(kwTransaction, kwSnapshot)
		if !p.is(tokSconst) {
			p.syntaxError()
		}
		s := value("TRANSACTION SNAPSHOT", p.literal())
		s.Kind = ast.VarSetMulti
		return s
	}
	return nil
}

// varName is a setting's name, possibly dotted.
func (p *parser) varName() string {
	name := p.colID()
	for p.accept('.') {
		name += "." + p.colID()
	}
	return name
}

// varValue is a setting's value: a word, string or number.
func (p *parser) varValue() ast.Node {
	pos := p.tok.pos
	if p.startsNumeric() {
		return p.constant(p.numericOnly(), pos)
	}
	return p.strConst(p.booleanOrString(), pos)
}

func (p *parser) zoneValue() ast.Node {
	pos := p.tok.pos
	switch {
	case p.is(tokSconst) || p.is(tokIdent):
		return p.strConst(p.take(), pos)
	case p.accept(kwInterval):
		t := sysType("interval", pos)
		if p.is('(') {
			t.Typmods = p.intervalPrecision()
			if !p.is(tokSconst) {
				p.syntaxError()
			}
			return p.stringCast(t)
		}
		if !p.is(tokSconst) {
			p.syntaxError()
		}
		cast := p.stringCast(t)
		at := p.tok.pos
		t.Typmods = p.optInterval()
		if t.Typmods != nil {
			mask := t.Typmods[0].(*ast.AConst).Val.(*ast.Integer).Ival
			if mask&^(maskHour|maskMinute) != 0 {
				p.failAt(pgerr.SyntaxError, at, "time zone interval must be HOUR or HOUR TO MINUTE")
			}
		}
		return cast
	}
	if !p.startsNumeric() {
		p.syntaxError()
	}
	return p.constant(p.numericOnly(), pos)
}

// resetStmt is RESET.
func (p *parser) resetStmt() *ast.VariableSetStmt {
	p.expect(kwReset)
	if p.accept(kwAll) {
		return &ast.VariableSetStmt{Kind: ast.VarResetAll}
	}
	return &ast.VariableSetStmt{Kind: ast.VarReset, Name: p.settingName()}
}

// settingName is the name after RESET and SHOW, with the forms of several words.
func (p *parser) settingName() string {
	switch {
	case p.accept2(kwTime, kwZone):
		return "timezone"
	case p.is(kwTransaction) && p.peek(1) == kwIsolation:
		p.expectAll(kwTransaction, kwIsolation, kwLevel)
		return "transaction_isolation"
	case p.accept2(kwSession, kwAuthorization):
		return "session_authorization"
	}
	return p.varName()
}

func (p *parser) showStmt() ast.Stmt {
	p.expect(kwShow)
	if p.accept(kwAll) {
		return &ast.VariableShowStmt{Name: "all"}
	}
	return &ast.VariableShowStmt{Name: p.settingName()}
}

// setResetClause is SET ... or RESET ... of ALTER ROLE and others.
func (p *parser) setResetClause() *ast.VariableSetStmt {
	if p.is(kwReset) {
		return p.resetStmt()
	}
	p.expect(kwSet)
	return p.setRest()
}
