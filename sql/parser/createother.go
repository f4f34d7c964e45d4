package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

func (p *parser) createAccessMethod() ast.Stmt {
	p.expectAll(kwAccess, kwMethod)
	s := &ast.CreateAmStmt{Amname: p.name(), Amtype: 'i'}
	p.expect(kwType)
	if !p.accept(kwIndex) {
		p.expect(kwTable)
		s.Amtype = 't'
	}
	p.expect(kwHandler)
	s.HandlerName = p.handlerName()
	return s
}

func (p *parser) createAssertion() ast.Stmt {
	p.expect(kwAssertion)
	p.anyName()
	p.expectAll(kwCheck, '(')
	p.aExpr()
	p.expect(')')
	_ = p.constraintAttrs()
	p.fail(pgerr.NotSupported("CREATE ASSERTION is not yet implemented"))
	return nil
}

func (p *parser) createCast() ast.Stmt {
	p.expect(kwCast)
	types := p.castTypes()
	s := &ast.CreateCastStmt{Context: ast.CoercionExplicit}
	s.Sourcetype, s.Targettype = types.Items[0].(*ast.TypeName), types.Items[1].(*ast.TypeName)
	switch {
	case p.accept(kwWithout):
		p.expect(kwFunction)
	default:
		p.expect(kwWith)
		if p.accept(kwInout) {
			s.Inout = true
			break
		}
		p.expect(kwFunction)
		s.Func = p.functionWithArgs()
	}
	if p.accept(kwAs) {
		s.Context = ast.CoercionImplicit
		if !p.accept(kwImplicit) {
			p.expect(kwAssignment)
			s.Context = ast.CoercionAssignment
		}
	}
	return s
}

func (p *parser) createCollation() ast.Stmt {
	p.expect(kwCollation)
	s := &ast.DefineStmt{Kind: ast.ObjectCollation, IfNotExists: p.ifNotExists()}
	s.Defnames = p.anyName()
	if p.accept(kwFrom) {
		pos := p.tok.pos
		s.Definition = []*ast.DefElem{defElem("from", ast.NameNode(p.anyName()), pos)}
		return s
	}
	s.Definition = p.definition()
	return s
}

func (p *parser) createConversion() ast.Stmt {
	s := &ast.CreateConversionStmt{Def: p.accept(kwDefault)}
	p.expect(kwConversion)
	s.ConversionName = p.anyName()
	p.expect(kwFor)
	s.ForEncodingName = p.sconst()
	p.expect(kwTo)
	s.ToEncodingName = p.sconst()
	p.expect(kwFrom)
	s.FuncName = p.anyName()
	return s
}

func (p *parser) createEventTrigger() ast.Stmt {
	p.expectAll(kwEvent, kwTrigger)
	s := &ast.CreateEventTrigStmt{Trigname: p.name()}
	p.expect(kwOn)
	s.Eventname = p.colLabel()
	if p.accept(kwWhen) {
		for {
			pos := p.tok.pos
			name := p.colID()
			p.expectAll(kwIn, '(')
			s.Whenclause = append(s.Whenclause, defElem(name, ast.NameNode(p.sconstList()), pos))
			p.expect(')')
			if !p.accept(kwAnd) {
				break
			}
		}
	}
	s.Funcname = p.executeFunction()
	p.expectAll('(', ')')
	return s
}

// executeFunction is EXECUTE FUNCTION name.
func (p *parser) executeFunction() []string {
	p.expect(kwExecute)
	if !p.accept(kwFunction) {
		p.expect(kwProcedure)
	}
	return p.funcName()
}

func (p *parser) createTextSearch() ast.Stmt {
	s := &ast.DefineStmt{Kind: p.textSearchType()}
	s.Defnames = p.anyName()
	s.Definition = p.definition()
	return s
}

func (p *parser) createTransform(replace bool) ast.Stmt {
	p.expectAll(kwTransform, kwFor)
	s := &ast.CreateTransformStmt{Replace: replace, TypeName: p.typeName()}
	p.expect(kwLanguage)
	s.Lang = p.name()
	p.expect('(')
	for {
		slot := &s.Fromsql
		if !p.accept(kwFrom) {
			p.expect(kwTo)
			slot = &s.Tosql
		}
		if *slot != nil {
			p.syntaxError()
		}
		p.expectAll(kwSql, kwWith, kwFunction)
		*slot = p.functionWithArgs()
		if s.Fromsql != nil && s.Tosql != nil || !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return s
}

func (p *parser) createRule(replace bool) ast.Stmt {
	p.expect(kwRule)
	s := &ast.RuleStmt{Replace: replace, Rulename: p.name()}
	p.expectAll(kwAs, kwOn)
	switch p.tok.kind {
	case kwSelect:
		s.Event = ast.CmdSelect
	case kwUpdate:
		s.Event = ast.CmdUpdate
	case kwDelete:
		s.Event = ast.CmdDelete
	case kwInsert:
		s.Event = ast.CmdInsert
	default:
		p.syntaxError()
	}
	p.next()
	p.expect(kwTo)
	s.Relation = p.qualifiedRel()
	s.WhereClause = p.optWhere()
	p.expect(kwDo)
	if p.accept(kwInstead) {
		s.Instead = true
	} else {
		p.accept(kwAlso)
	}
	switch {
	case p.accept(kwNothing):
	case p.accept('('):
		single := true
		for !p.is(')') {
			if !p.is(';') {
				s.Actions = append(s.Actions, p.ruleAction())
			}
			if !p.accept(';') {
				break
			}
			single = false
		}
		p.expect(')')
		if single && len(s.Actions) == 1 && p.continuesSelect() {
			if sel, ok := s.Actions[0].(*ast.SelectStmt); ok {
				s.Actions[0] = p.selectRest(nil, sel)
			}
		}
	default:
		s.Actions = []ast.Stmt{p.ruleAction()}
	}
	return s
}

// ruleAction is a statement that a rule may run.
func (p *parser) ruleAction() ast.Stmt {
	switch p.tok.kind {
	case kwNotify:
		return p.notifyStmt()
	case kwMerge:
		p.syntaxError()
	}
	return p.preparableStmt()
}

func (p *parser) createPolicy() ast.Stmt {
	p.expect(kwPolicy)
	s := &ast.CreatePolicyStmt{PolicyName: p.name(), CmdName: "all", Permissive: true}
	p.expect(kwOn)
	s.Table = p.qualifiedRel()
	if p.accept(kwAs) {
		if !p.is(tokIdent) {
			p.syntaxError()
		}
		pos := p.tok.pos
		word := p.take()
		s.Permissive = word == "permissive"
		if !s.Permissive && word != "restrictive" {
			p.fail(pgerr.New(pgerr.SyntaxError, "unrecognized row security option \"%s\"", word).
				WithHint("Only PERMISSIVE or RESTRICTIVE policies are supported currently.").At(int(pos)))
		}
	}
	if p.accept(kwFor) {
		switch p.tok.kind {
		case kwAll, kwSelect, kwInsert, kwUpdate, kwDelete:
			s.CmdName = p.take()
		default:
			p.syntaxError()
		}
	}
	s.Roles, s.Qual, s.WithCheck = p.policyEnd()
	if s.Roles == nil {
		s.Roles = []*ast.RoleSpec{{Roletype: ast.RolespecPublic, Location: ast.NoLocation}}
	}
	return s
}

// policyEnd is [TO roles] [USING (condition)] [WITH CHECK (condition)].
func (p *parser) policyEnd() (roles []*ast.RoleSpec, using, check ast.Node) {
	if p.accept(kwTo) {
		roles = p.roleList()
	}
	if p.accept(kwUsing) {
		p.expect('(')
		using = p.aExpr()
		p.expect(')')
	}
	if p.accept(kwWith) {
		p.expectAll(kwCheck, '(')
		check = p.aExpr()
		p.expect(')')
	}
	return roles, using, check
}

func (p *parser) createStatistics() ast.Stmt {
	p.expect(kwStatistics)
	s := &ast.CreateStatsStmt{IfNotExists: p.ifNotExists()}
	s.Defnames = p.anyName()
	s.StatTypes = p.optParenNames()
	p.expect(kwOn)
	for {
		e := &ast.StatsElem{}
		e.Name, e.Expr = p.columnOrExpr()
		s.Exprs = append(s.Exprs, e)
		if !p.accept(',') {
			break
		}
	}
	p.expect(kwFrom)
	s.Relations = p.fromList()
	return s
}

// createOperator is CREATE OPERATOR, OPERATOR CLASS or OPERATOR FAMILY.
func (p *parser) createOperator() ast.Stmt {
	p.expect(kwOperator)
	switch {
	case p.is(kwClass) && p.peek(1) != '.':
		return p.createOpClass()
	case p.is(kwFamily) && p.peek(1) != '.':
		p.next()
		s := &ast.CreateOpFamilyStmt{Opfamilyname: p.anyName()}
		p.expect(kwUsing)
		s.Amname = p.name()
		return s
	}
	s := &ast.DefineStmt{Kind: ast.ObjectOperator, Defnames: p.anyOperator()}
	s.Definition = p.definition()
	return s
}

func (p *parser) createOpClass() ast.Stmt {
	p.expect(kwClass)
	s := &ast.CreateOpClassStmt{Opclassname: p.anyName()}
	s.IsDefault = p.accept(kwDefault)
	p.expectAll(kwFor, kwType)
	s.Datatype = p.typeName()
	p.expect(kwUsing)
	s.Amname = p.name()
	if p.accept(kwFamily) {
		s.Opfamilyname = p.anyName()
	}
	p.expect(kwAs)
	for {
		s.Items = append(s.Items, p.opClassItem())
		if !p.accept(',') {
			return s
		}
	}
}

// opClassItem is an OPERATOR, FUNCTION or STORAGE item.
func (p *parser) opClassItem() *ast.CreateOpClassItem {
	it := &ast.CreateOpClassItem{}
	switch {
	case p.accept(kwOperator):
		it.Itemtype = ast.OpclassItemOperator
		it.Number = p.iconst()
		p.opClassOperator(it)
	case p.accept(kwFunction):
		it.Itemtype = ast.OpclassItemFunction
		it.Number = p.iconst()
		if p.accept('(') {
			it.ClassArgs = p.typeList()
			p.expect(')')
		}
		it.Name = p.functionWithArgs()
	default:
		p.expect(kwStorage)
		it.Itemtype = ast.OpclassItemStoragetype
		it.Storedtype = p.typeName()
	}
	return it
}

// opClassOperator is operator [(types)] [FOR SEARCH | FOR ORDER BY family] [RECHECK].
func (p *parser) opClassOperator(it *ast.CreateOpClassItem) {
	name := p.anyOperator()
	if p.is('(') {
		it.Name = p.operatorArgs(name)
	} else {
		it.Name = &ast.ObjectWithArgs{Objname: name}
	}
	if p.accept(kwFor) {
		if !p.accept(kwSearch) {
			p.expectAll(kwOrder, kwBy)
			it.OrderFamily = p.anyName()
		}
	}
	p.accept(kwRecheck) // from old dumps, without effect
}
