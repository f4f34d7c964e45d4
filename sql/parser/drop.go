package parser

import "gompho/sql/ast"

// dropStmt is DROP of any kind.
func (p *parser) dropStmt() ast.Stmt {
	p.expect(kwDrop)
	switch p.tok.kind {
	case kwIndex:
		p.next()
		s := &ast.DropStmt{RemoveType: ast.ObjectIndex, Concurrent: p.accept(kwConcurrently)}
		return p.dropAnyNames(s)
	case kwDatabase:
		return p.dropDatabase()
	case kwRole, kwGroup:
		return p.dropRole()
	case kwUser:
		if p.userMapping() {
			p.accept2(kwUser, kwMapping)
			s := &ast.DropUserMappingStmt{MissingOk: p.ifExistsNoName()}
			p.expect(kwFor)
			s.User = p.authIdent()
			p.expect(kwServer)
			s.Servername = p.name()
			return s
		}
		return p.dropRole()
	case kwOwned:
		p.expectAll(kwOwned, kwBy)
		s := &ast.DropOwnedStmt{Roles: p.roleList()}
		s.Behavior = p.dropBehavior()
		return s
	case kwTablespace:
		p.next()
		s := &ast.DropTableSpaceStmt{MissingOk: p.ifExists()}
		s.Tablespacename = p.name()
		return s
	case kwSubscription:
		p.next()
		s := &ast.DropSubscriptionStmt{MissingOk: p.ifExists()}
		s.Subname = p.name()
		s.Behavior = p.dropBehavior()
		return s
	}
	return p.dropObject()
}

// dropObject is DROP of what a DropStmt is for.
func (p *parser) dropObject() ast.Stmt {
	s := &ast.DropStmt{}
	switch p.tok.kind {
	case kwFunction, kwProcedure, kwRoutine, kwAggregate:
		s.RemoveType, _ = routineType(p.tok.kind)
		p.next()
		s.MissingOk = p.ifExists()
		for {
			s.Objects = append(s.Objects, p.routineWithArgs(s.RemoveType))
			if !p.accept(',') {
				break
			}
		}
		s.Behavior = p.dropBehavior()
		return s
	case kwOperator:
		return p.dropOperator(s)
	case kwType, kwDomain:
		s.RemoveType = ast.ObjectTypeType
		if p.is(kwDomain) {
			s.RemoveType = ast.ObjectDomain
		}
		p.next()
		s.MissingOk = p.ifExists()
		for _, t := range p.typeList() {
			s.Objects = append(s.Objects, t)
		}
		s.Behavior = p.dropBehavior()
		return s
	case kwCast:
		p.next()
		s.RemoveType, s.MissingOk = ast.ObjectCast, p.ifExistsNoName()
		s.Objects = []ast.Node{p.castTypes()}
		s.Behavior = p.dropBehavior()
		return s
	case kwTransform:
		p.next()
		s.RemoveType, s.MissingOk = ast.ObjectTransform, p.ifExistsNoName()
		s.Objects = []ast.Node{p.transformName()}
		s.Behavior = p.dropBehavior()
		return s
	case kwTrigger, kwRule, kwPolicy:
		return p.dropOnTable(s)
	}
	if t, ok := p.objectTypeAnyName(); ok {
		s.RemoveType = t
		return p.dropAnyNames(s)
	}
	t, ok := p.objectTypeName()
	if !ok {
		p.syntaxError()
	}
	s.RemoveType, s.MissingOk = t, p.ifExists()
	for _, n := range p.nameList() {
		s.Objects = append(s.Objects, p.str(n))
	}
	s.Behavior = p.dropBehavior()
	return s
}

// dropAnyNames parses [IF EXISTS] and a list of qualified names.
func (p *parser) dropAnyNames(s *ast.DropStmt) ast.Stmt {
	s.MissingOk = p.ifExists()
	for _, n := range p.anyNameList() {
		s.Objects = append(s.Objects, ast.NameNode(n))
	}
	s.Behavior = p.dropBehavior()
	return s
}

// dropOnTable is DROP TRIGGER, RULE or POLICY: name ON table.
func (p *parser) dropOnTable(s *ast.DropStmt) ast.Stmt {
	switch p.tok.kind {
	case kwTrigger:
		s.RemoveType = ast.ObjectTrigger
	case kwRule:
		s.RemoveType = ast.ObjectRule
	default:
		s.RemoveType = ast.ObjectPolicy
	}
	p.next()
	s.MissingOk = p.ifExists()
	s.Objects = []ast.Node{p.nameOnTable()}
	s.Behavior = p.dropBehavior()
	return s
}

// nameOnTable is name ON table, as the table's name with the name appended.
func (p *parser) nameOnTable() ast.Node {
	name := p.name()
	p.expect(kwOn)
	return ast.NameNode(append(append([]string(nil), p.anyName()...), name))
}

func (p *parser) dropOperator(s *ast.DropStmt) ast.Stmt {
	p.expect(kwOperator)
	if p.is(kwClass) || p.is(kwFamily) {
		s.RemoveType = ast.ObjectOpclass
		if p.is(kwFamily) {
			s.RemoveType = ast.ObjectOpfamily
		}
		p.next()
		s.MissingOk = p.ifExists()
		s.Objects = []ast.Node{p.nameUsingMethod()}
		s.Behavior = p.dropBehavior()
		return s
	}
	s.RemoveType, s.MissingOk = ast.ObjectOperator, p.ifExists()
	for {
		s.Objects = append(s.Objects, p.operatorWithArgs())
		if !p.accept(',') {
			break
		}
	}
	s.Behavior = p.dropBehavior()
	return s
}

// nameUsingMethod is name USING access-method, as the method's name with the name appended.
func (p *parser) nameUsingMethod() ast.Node {
	name := p.anyName()
	p.expect(kwUsing)
	return ast.NameNode(append([]string{p.name()}, name...))
}

// castTypes is '(' type AS type ')'.
func (p *parser) castTypes() *ast.List {
	p.expect('(')
	from := p.typeName()
	p.expect(kwAs)
	l := &ast.List{Items: []ast.Node{from, p.typeName()}}
	p.expect(')')
	return l
}

// transformName is FOR type LANGUAGE name.
func (p *parser) transformName() *ast.List {
	p.expect(kwFor)
	t := p.typeName()
	p.expect(kwLanguage)
	return &ast.List{Items: []ast.Node{t, p.str(p.name())}}
}

func (p *parser) dropDatabase() ast.Stmt {
	p.expect(kwDatabase)
	s := &ast.DropdbStmt{MissingOk: p.ifExists()}
	s.Dbname = p.name()
	if p.is(kwWith) || p.is('(') {
		p.accept(kwWith)
		p.expect('(')
		for {
			s.Options = append(s.Options, defElem("force", nil, p.tok.pos))
			p.expect(kwForce)
			if !p.accept(',') {
				break
			}
		}
		p.expect(')')
	}
	return s
}

func (p *parser) dropRole() ast.Stmt {
	p.next()
	s := &ast.DropRoleStmt{MissingOk: p.ifExists()}
	s.Roles = p.roleList()
	return s
}

// objectTypeAnyName reads the words of a kind of object that has a qualified name; ok is false, and nothing
// read, for others.
func (p *parser) objectTypeAnyName() (t ast.ObjectType, ok bool) {
	switch p.tok.kind {
	case kwTable:
		t = ast.ObjectTable
	case kwSequence:
		t = ast.ObjectSequence
	case kwView:
		t = ast.ObjectView
	case kwIndex:
		t = ast.ObjectIndex
	case kwCollation:
		t = ast.ObjectCollation
	case kwConversion:
		t = ast.ObjectConversion
	case kwStatistics:
		t = ast.ObjectStatisticExt
	case kwMaterialized:
		p.next()
		if !p.is(kwView) {
			p.syntaxError()
		}
		t = ast.ObjectMatview
	case kwForeign:
		if p.peek(1) != kwTable {
			return 0, false
		}
		p.next()
		t = ast.ObjectForeignTable
	case kwText:
		return p.textSearchType(), true
	default:
		return 0, false
	}
	p.next()
	return t, true
}

// textSearchType reads TEXT SEARCH and the kind.
func (p *parser) textSearchType() (t ast.ObjectType) {
	p.expectAll(kwText, kwSearch)
	switch p.tok.kind {
	case kwParser:
		t = ast.ObjectTsparser
	case kwDictionary:
		t = ast.ObjectTsdictionary
	case kwTemplate:
		t = ast.ObjectTstemplate
	case kwConfiguration:
		t = ast.ObjectTsconfiguration
	default:
		p.syntaxError()
	}
	p.next()
	return t
}

// objectTypeName reads the words of a kind of object that has an unqualified name and can be dropped by
// a DropStmt.
func (p *parser) objectTypeName() (t ast.ObjectType, ok bool) {
	switch p.tok.kind {
	case kwAccess:
		p.next()
		if !p.is(kwMethod) {
			p.syntaxError()
		}
		t = ast.ObjectAccessMethod
	case kwEvent:
		p.next()
		if !p.is(kwTrigger) {
			p.syntaxError()
		}
		t = ast.ObjectEventTrigger
	case kwExtension:
		t = ast.ObjectExtension
	case kwForeign:
		p.expectAll(kwForeign, kwData)
		if !p.is(kwWrapper) {
			p.syntaxError()
		}
		t = ast.ObjectFdw
	case kwProcedural:
		p.next()
		if !p.is(kwLanguage) {
			p.syntaxError()
		}
		t = ast.ObjectLanguage
	case kwLanguage:
		t = ast.ObjectLanguage
	case kwPublication:
		t = ast.ObjectPublication
	case kwSchema:
		t = ast.ObjectSchema
	case kwServer:
		t = ast.ObjectForeignServer
	default:
		return 0, false
	}
	p.next()
	return t, true
}

// routineType is the kind of object a word of DROP or ALTER names, if it has arguments.
func routineType(k tokKind) (ast.ObjectType, bool) {
	switch k {
	case kwFunction:
		return ast.ObjectFunction, true
	case kwProcedure:
		return ast.ObjectProcedure, true
	case kwRoutine:
		return ast.ObjectRoutine, true
	case kwAggregate:
		return ast.ObjectAggregate, true
	}
	return 0, false
}

// routineWithArgs names a function, procedure or aggregate.
func (p *parser) routineWithArgs(t ast.ObjectType) *ast.ObjectWithArgs {
	if t == ast.ObjectAggregate {
		return p.aggregateWithArgs()
	}
	return p.functionWithArgs()
}
