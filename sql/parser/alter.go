package parser

import (
	"gompho/sql/ast"
)

// Forms of ALTER that alterCommon may read.
const (
	mayRename = 1 << iota
	mayOwner
	maySchema
	mayOtherSet    // SET may also begin something else
	mayOtherRename // RENAME may also begin something else
)

// alterCommon reads RENAME TO, OWNER TO and SET SCHEMA as far as they are allowed; nil for another action.
func (p *parser) alterCommon(t ast.ObjectType, obj ast.Node, missing bool, allowed int) ast.Stmt {
	otherSet, otherRename := allowed&mayOtherSet != 0, allowed&mayOtherRename != 0
	switch {
	case allowed&mayRename != 0 && p.is(kwRename) && (!otherRename || p.peek(1) == kwTo):
		p.expectAll(kwRename, kwTo)
		return &ast.RenameStmt{RenameType: t, Object: obj, Newname: p.name(), MissingOk: missing}
	case allowed&mayOwner != 0 && p.accept(kwOwner):
		p.expect(kwTo)
		return &ast.AlterOwnerStmt{ObjectType: t, Object: obj, Newowner: p.roleSpec()}
	case allowed&maySchema != 0 && p.is(kwSet) && (!otherSet || p.peek(1) == kwSchema && p.peek(2) != tokSconst):
		p.expectAll(kwSet, kwSchema)
		return &ast.AlterObjectSchemaStmt{ObjectType: t, Object: obj, Newschema: p.name(), MissingOk: missing}
	}
	return nil
}

// mustAlter is alterCommon where nothing else may follow.
func (p *parser) mustAlter(t ast.ObjectType, obj ast.Node, allowed int) ast.Stmt {
	s := p.alterCommon(t, obj, false, allowed)
	if s == nil {
		p.syntaxError()
	}
	return s
}

// alterStmt is ALTER of any kind.
func (p *parser) alterStmt() ast.Stmt {
	p.expect(kwAlter)
	switch p.tok.kind {
	case kwTable, kwIndex, kwSequence, kwView, kwMaterialized:
		t, _ := p.objectTypeAnyName()
		return p.alterRelation(t)
	case kwForeign:
		if t, ok := p.objectTypeAnyName(); ok {
			return p.alterRelation(t)
		}
		return p.alterFdw()
	case kwType:
		return p.alterType()
	case kwDomain:
		return p.alterDomain()
	case kwFunction, kwProcedure, kwRoutine:
		return p.alterFunction()
	case kwAggregate:
		p.next()
		return p.mustAlter(ast.ObjectAggregate, p.aggregateWithArgs(), mayRename|mayOwner|maySchema)
	case kwSchema:
		p.next()
		name := p.name()
		if p.accept(kwRename) {
			p.expect(kwTo)
			return &ast.RenameStmt{RenameType: ast.ObjectSchema, Subname: name, Newname: p.name()}
		}
		return p.mustAlter(ast.ObjectSchema, p.str(name), mayOwner)
	case kwRole:
		return p.alterRole()
	case kwUser:
		if p.userMapping() {
			return p.alterUserMapping()
		}
		return p.alterRole()
	case kwGroup:
		return p.alterGroup()
	case kwDatabase:
		return p.alterDatabase()
	case kwSystem:
		return p.alterSystem()
	case kwTablespace:
		return p.alterTablespace()
	case kwDefault:
		return p.alterDefaultPrivileges()
	}
	return p.alterOther()
}

// alterOther is ALTER of the kinds seldom used.
func (p *parser) alterOther() ast.Stmt {
	switch p.tok.kind {
	case kwCollation:
		p.next()
		name := p.anyName()
		if p.accept(kwRefresh) {
			p.expect(kwVersion)
			return &ast.AlterCollationStmt{Collname: name}
		}
		return p.mustAlter(ast.ObjectCollation, ast.NameNode(name), mayRename|mayOwner|maySchema)
	case kwConversion:
		p.next()
		return p.mustAlter(ast.ObjectConversion, ast.NameNode(p.anyName()), mayRename|mayOwner|maySchema)
	case kwEvent:
		return p.alterEventTrigger()
	case kwExtension:
		return p.alterExtension()
	case kwProcedural, kwLanguage:
		p.accept(kwProcedural)
		p.expect(kwLanguage)
		return p.mustAlter(ast.ObjectLanguage, p.str(p.name()), mayRename|mayOwner)
	case kwLarge:
		p.expectAll(kwLarge, kwObject)
		return p.mustAlter(ast.ObjectLargeobject, p.numericOnly(), mayOwner)
	case kwOperator:
		return p.alterOperator()
	case kwPolicy:
		return p.alterPolicy()
	case kwPublication:
		return p.alterPublication()
	case kwRule:
		p.next()
		s := &ast.RenameStmt{RenameType: ast.ObjectRule, Subname: p.name()}
		p.expect(kwOn)
		s.Relation = p.qualifiedRel()
		p.expectAll(kwRename, kwTo)
		s.Newname = p.name()
		return s
	case kwServer:
		return p.alterServer()
	case kwStatistics:
		return p.alterStatistics()
	case kwSubscription:
		return p.alterSubscription()
	case kwText:
		return p.alterTextSearch()
	case kwTrigger:
		return p.alterTrigger()
	}
	p.syntaxError()
	return nil
}

func (p *parser) alterTrigger() ast.Stmt {
	p.expect(kwTrigger)
	name := p.name()
	p.expect(kwOn)
	rel := p.qualifiedRel()
	if p.is(kwNo) || p.is(kwDepends) {
		return p.dependsOn(&ast.AlterObjectDependsStmt{ObjectType: ast.ObjectTrigger, Relation: rel,
			Object: ast.NameNode([]string{name})})
	}
	p.expectAll(kwRename, kwTo)
	return &ast.RenameStmt{RenameType: ast.ObjectTrigger, Relation: rel, Subname: name, Newname: p.name()}
}

func (p *parser) alterPolicy() ast.Stmt {
	p.expect(kwPolicy)
	missing := p.ifExists()
	s := &ast.AlterPolicyStmt{PolicyName: p.name()}
	p.expect(kwOn)
	s.Table = p.qualifiedRel()
	if missing || p.is(kwRename) {
		p.expectAll(kwRename, kwTo)
		return &ast.RenameStmt{RenameType: ast.ObjectPolicy, Relation: s.Table, Subname: s.PolicyName,
			Newname: p.name(), MissingOk: missing}
	}
	s.Roles, s.Qual, s.WithCheck = p.policyEnd()
	return s
}

func (p *parser) alterEventTrigger() ast.Stmt {
	p.expectAll(kwEvent, kwTrigger)
	name := p.name()
	s := &ast.AlterEventTrigStmt{Trigname: name, Tgenabled: 'O'}
	switch {
	case p.accept(kwDisable):
		s.Tgenabled = 'D'
		return s
	case p.accept(kwEnable):
		if p.accept(kwReplica) {
			s.Tgenabled = 'R'
		} else if p.accept(kwAlways) {
			s.Tgenabled = 'A'
		}
		return s
	}
	return p.mustAlter(ast.ObjectEventTrigger, p.str(name), mayRename|mayOwner)
}

func (p *parser) alterStatistics() ast.Stmt {
	p.expect(kwStatistics)
	missing := p.ifExists()
	name := p.anyName()
	if p.is(kwSet) && p.peek(1) != kwSchema {
		p.expectAll(kwSet, kwStatistics)
		return &ast.AlterStatsStmt{Defnames: name, Stxstattarget: p.signedIconst(), MissingOk: missing}
	}
	if missing {
		p.expect(kwSet)
		p.syntaxError()
	}
	return p.mustAlter(ast.ObjectStatisticExt, ast.NameNode(name), mayRename|mayOwner|maySchema)
}

// alterFunction is ALTER FUNCTION, PROCEDURE or ROUTINE.
func (p *parser) alterFunction() ast.Stmt {
	t, _ := routineType(p.tok.kind)
	p.next()
	f := p.functionWithArgs()
	if s := p.alterCommon(t, f, false, mayRename|mayOwner|maySchema|mayOtherSet); s != nil {
		return s
	}
	if p.is(kwDepends) || p.is(kwNo) {
		return p.dependsOn(&ast.AlterObjectDependsStmt{ObjectType: t, Object: f})
	}
	s := &ast.AlterFunctionStmt{Objtype: t, Func: f}
	for o := p.functionOption(false); o != nil; o = p.functionOption(false) {
		s.Actions = append(s.Actions, o)
	}
	if s.Actions == nil {
		p.syntaxError()
	}
	p.accept(kwRestrict)
	return s
}

// alterOperator is ALTER OPERATOR, OPERATOR CLASS or OPERATOR FAMILY.
func (p *parser) alterOperator() ast.Stmt {
	p.expect(kwOperator)
	switch {
	case p.accept(kwClass):
		return p.mustAlter(ast.ObjectOpclass, p.nameUsingMethod(), mayRename|mayOwner|maySchema)
	case p.accept(kwFamily):
		return p.alterOpFamily()
	}
	op := p.operatorWithArgs()
	if s := p.alterCommon(ast.ObjectOperator, op, false, mayOwner|maySchema|mayOtherSet); s != nil {
		return s
	}
	p.expect(kwSet)
	return &ast.AlterOperatorStmt{Opername: op, Options: p.operatorDefs()}
}

// operatorDefs is '(' name = value [, ...] ')'; NONE gives no value.
func (p *parser) operatorDefs() []*ast.DefElem {
	p.expect('(')
	var list []*ast.DefElem
	for {
		e := &ast.DefElem{Location: p.tok.pos}
		e.Defname = p.colLabel()
		p.expect('=')
		if !p.accept(kwNone) {
			e.Arg = p.defArg()
		}
		list = append(list, e)
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}

func (p *parser) alterOpFamily() ast.Stmt {
	s := &ast.AlterOpFamilyStmt{Opfamilyname: p.anyName()}
	p.expect(kwUsing)
	s.Amname = p.name()
	switch {
	case p.accept(kwAdd):
		for {
			s.Items = append(s.Items, p.opClassItem())
			if !p.accept(',') {
				return s
			}
		}
	case p.accept(kwDrop):
		s.IsDrop = true
		for {
			s.Items = append(s.Items, p.opClassDrop())
			if !p.accept(',') {
				return s
			}
		}
	}
	obj := ast.NameNode(append([]string{s.Amname}, s.Opfamilyname...))
	return p.mustAlter(ast.ObjectOpfamily, obj, mayRename|mayOwner|maySchema)
}

// opClassDrop is OPERATOR or FUNCTION number (types).
func (p *parser) opClassDrop() *ast.CreateOpClassItem {
	it := &ast.CreateOpClassItem{Itemtype: ast.OpclassItemOperator}
	if !p.accept(kwOperator) {
		p.expect(kwFunction)
		it.Itemtype = ast.OpclassItemFunction
	}
	it.Number = p.iconst()
	p.expect('(')
	it.ClassArgs = p.typeList()
	p.expect(')')
	return it
}
