package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// createStmt is CREATE of any kind.
func (p *parser) createStmt() ast.Stmt {
	p.expect(kwCreate)
	if p.is(kwOr) {
		p.expectAll(kwOr, kwReplace)
		return p.createOrReplace()
	}
	switch p.tok.kind {
	case kwTable, kwSequence, kwView, kwTemp, kwTemporary, kwLocal, kwGlobal, kwUnlogged, kwRecursive:
		return p.createRelation(false)
	case kwMaterialized:
		return p.createMatView(ast.RelpersistencePermanent)
	case kwUnique, kwIndex:
		return p.indexStmt()
	case kwAggregate, kwFunction, kwProcedure, kwTrusted, kwProcedural, kwLanguage, kwRule, kwTransform,
		kwTrigger, kwConstraint:
		return p.createReplaceable(false)
	case kwSchema:
		return p.createSchema()
	case kwType:
		return p.createType()
	case kwDomain:
		return p.createDomain()
	case kwDatabase:
		return p.createDatabase()
	case kwRole, kwGroup:
		return p.createRole()
	case kwUser:
		if p.userMapping() {
			return p.createUserMapping()
		}
		return p.createRole()
	case kwExtension:
		return p.createExtension()
	}
	return p.createOther()
}

// createOther is CREATE of the kinds seldom used.
func (p *parser) createOther() ast.Stmt {
	switch p.tok.kind {
	case kwAccess:
		return p.createAccessMethod()
	case kwAssertion:
		return p.createAssertion()
	case kwCast:
		return p.createCast()
	case kwCollation:
		return p.createCollation()
	case kwConversion, kwDefault:
		return p.createConversion()
	case kwEvent:
		return p.createEventTrigger()
	case kwForeign:
		if p.peek(1) == kwTable {
			return p.createForeignTable()
		}
		return p.createFdw()
	case kwOperator:
		return p.createOperator()
	case kwPolicy:
		return p.createPolicy()
	case kwPublication:
		return p.createPublication()
	case kwServer:
		return p.createServer()
	case kwStatistics:
		return p.createStatistics()
	case kwSubscription:
		return p.createSubscription()
	case kwTablespace:
		return p.createTablespace()
	case kwText:
		return p.createTextSearch()
	}
	p.syntaxError()
	return nil
}

// createOrReplace is what follows CREATE OR REPLACE.
func (p *parser) createOrReplace() ast.Stmt {
	switch p.tok.kind {
	case kwView, kwTemp, kwTemporary, kwLocal, kwGlobal, kwUnlogged, kwRecursive:
		return p.createRelation(true)
	}
	return p.createReplaceable(true)
}

// createReplaceable is CREATE [OR REPLACE] of what is no relation.
func (p *parser) createReplaceable(replace bool) ast.Stmt {
	switch p.tok.kind {
	case kwAggregate:
		return p.createAggregate(replace)
	case kwFunction, kwProcedure:
		return p.createFunction(replace)
	case kwTrusted, kwProcedural, kwLanguage:
		return p.createLanguage(replace)
	case kwRule:
		return p.createRule(replace)
	case kwTransform:
		return p.createTransform(replace)
	case kwTrigger, kwConstraint:
		return p.createTrigger(replace)
	}
	p.syntaxError()
	return nil
}

// createRelation is CREATE [TEMP | UNLOGGED] TABLE, SEQUENCE or VIEW; only a view can be replaced.
func (p *parser) createRelation(replace bool) ast.Stmt {
	persistence := p.persistence()
	switch p.tok.kind {
	case kwView:
		return p.viewStmt(replace, persistence)
	case kwRecursive:
		return p.recursiveView(replace, persistence)
	case kwTable:
		if !replace {
			return p.createTable(persistence)
		}
	case kwSequence:
		if !replace {
			p.next()
			s := &ast.CreateSeqStmt{IfNotExists: p.ifNotExists()}
			s.Sequence = p.qualifiedRel()
			s.Sequence.Relpersistence = persistence
			s.Options = p.seqOptions()
			return s
		}
	case kwMaterialized:
		if !replace && persistence == ast.RelpersistenceUnlogged {
			return p.createMatView(persistence)
		}
	}
	p.syntaxError()
	return nil
}

// viewStmt is CREATE VIEW from the word VIEW on.
func (p *parser) viewStmt(replace bool, persistence byte) ast.Stmt {
	s := &ast.ViewStmt{Replace: replace}
	p.expect(kwView)
	s.View = p.qualifiedRel()
	s.View.Relpersistence = persistence
	s.Aliases = p.optParenNames()
	s.Options = p.optReloptions()
	p.expect(kwAs)
	s.Query = p.selectStmt()
	s.WithCheckOption, _ = p.checkOption()
	return s
}

// checkOption is [WITH [CASCADED | LOCAL] CHECK OPTION].
func (p *parser) checkOption() (ast.ViewCheckOption, int32) {
	pos := p.tok.pos
	if !p.accept(kwWith) {
		return ast.NoCheckOption, pos
	}
	opt := ast.CascadedCheckOption
	if p.accept(kwLocal) {
		opt = ast.LocalCheckOption
	} else {
		p.accept(kwCascaded)
	}
	p.expectAll(kwCheck, kwOption)
	return opt, pos
}

// recursiveView is CREATE RECURSIVE VIEW; its query becomes a WITH RECURSIVE of the view's name.
func (p *parser) recursiveView(replace bool, persistence byte) ast.Stmt {
	s := &ast.ViewStmt{Replace: replace}
	p.expectAll(kwRecursive, kwView)
	s.View = p.qualifiedRel()
	s.View.Relpersistence = persistence
	s.Aliases = p.parenNames()
	s.Options = p.optReloptions()
	p.expect(kwAs)
	query := p.selectStmt()
	opt, pos := p.checkOption()
	if opt != ast.NoCheckOption {
		p.failAt(pgerr.FeatureNotSupported, pos, "WITH CHECK OPTION not supported on recursive views")
	}
	cte := &ast.CommonTableExpr{Ctename: s.View.Relname, Aliascolnames: s.Aliases, Ctequery: query,
		Location: ast.NoLocation}
	sel := &ast.SelectStmt{
		WithClause: &ast.WithClause{Ctes: []*ast.CommonTableExpr{cte}, Recursive: true, Location: ast.NoLocation},
		FromClause: []ast.Node{&ast.RangeVar{Relname: s.View.Relname, Inh: true,
			Relpersistence: ast.RelpersistencePermanent, Location: ast.NoLocation}},
	}
	for _, a := range s.Aliases {
		ref := &ast.ColumnRef{Fields: []ast.Node{ast.Str(a)}, Location: ast.NoLocation}
		sel.TargetList = append(sel.TargetList, &ast.ResTarget{Val: ref, Location: ast.NoLocation})
	}
	s.Query = sel
	return s
}

// createMatView is CREATE MATERIALIZED VIEW from the word MATERIALIZED on.
func (p *parser) createMatView(persistence byte) ast.Stmt {
	p.expectAll(kwMaterialized, kwView)
	s := &ast.CreateTableAsStmt{Objtype: ast.ObjectMatview, IfNotExists: p.ifNotExists()}
	into := &ast.IntoClause{Rel: p.qualifiedRel()}
	into.Rel.Relpersistence = persistence
	into.ColNames = p.optParenNames()
	into.AccessMethod = p.optUsing()
	into.Options = p.optReloptions()
	into.TableSpaceName = p.optTablespace()
	p.expect(kwAs)
	s.Into, s.Query = into, p.selectStmt()
	into.SkipData = p.withNoData()
	return s
}

func (p *parser) refreshStmt() ast.Stmt {
	p.expectAll(kwRefresh, kwMaterialized, kwView)
	s := &ast.RefreshMatViewStmt{Concurrent: p.accept(kwConcurrently)}
	s.Relation = p.qualifiedRel()
	s.SkipData = p.withNoData()
	return s
}

// indexStmt is CREATE [UNIQUE] INDEX.
func (p *parser) indexStmt() ast.Stmt {
	s := &ast.IndexStmt{Unique: p.accept(kwUnique)}
	p.expect(kwIndex)
	s.Concurrent = p.accept(kwConcurrently)
	if s.IfNotExists = p.ifNotExists(); s.IfNotExists || p.tok.kind.isColID() {
		s.Idxname = p.name()
	}
	p.expect(kwOn)
	s.Relation = p.relationExpr()
	if s.AccessMethod = p.optUsing(); s.AccessMethod == "" {
		s.AccessMethod = "btree"
	}
	s.IndexParams = p.indexParams()
	if p.accept(kwInclude) {
		s.IndexIncludingParams = p.indexParams()
	}
	s.NullsNotDistinct = p.nullTreatment()
	s.Options = p.optReloptions()
	s.TableSpace = p.optTablespace()
	s.WhereClause = p.optWhere()
	return s
}

// indexParams is '(' element [, ...] ')'.
func (p *parser) indexParams() []*ast.IndexElem {
	p.expect('(')
	list := []*ast.IndexElem{p.indexElem()}
	for p.accept(',') {
		list = append(list, p.indexElem())
	}
	p.expect(')')
	return list
}

func (p *parser) indexElem() *ast.IndexElem {
	e := &ast.IndexElem{}
	e.Name, e.Expr = p.columnOrExpr()
	if p.accept(kwCollate) {
		e.Collation = p.anyName()
	}
	if p.tok.kind.isColID() {
		e.Opclass = p.anyName()
		if p.is('(') {
			e.Opclassopts = p.reloptions()
		}
	}
	e.Ordering = p.optAscDesc()
	e.NullsOrdering = p.optNulls()
	return e
}

// seqOptions is any number of sequence options.
func (p *parser) seqOptions() []*ast.DefElem {
	var list []*ast.DefElem
	for {
		e := p.seqOption()
		if e == nil {
			return list
		}
		list = append(list, e)
	}
}

// seqOption is one sequence option, nil when there is none.
func (p *parser) seqOption() *ast.DefElem {
	pos := p.tok.pos
	switch k := p.tok.kind; k {
	case kwAs:
		p.next()
		return defElem("as", p.simpleTypeName(), pos)
	case kwCache, kwMaxvalue, kwMinvalue:
		name := p.take()
		return defElem(name, p.numericOnly(), pos)
	case kwCycle:
		p.next()
		return defElem("cycle", &ast.Boolean{Boolval: true}, pos)
	case kwNo:
		p.next()
		switch p.tok.kind {
		case kwCycle:
			p.next()
			return defElem("cycle", &ast.Boolean{}, pos)
		case kwMaxvalue, kwMinvalue:
			return defElem(p.take(), nil, pos)
		}
		p.syntaxError()
	case kwLogged, kwUnlogged:
		return defElem(p.take(), nil, pos)
	case kwIncrement:
		p.next()
		p.accept(kwBy)
		return defElem("increment", p.numericOnly(), pos)
	case kwOwned:
		p.expectAll(kwOwned, kwBy)
		return defElem("owned_by", ast.NameNode(p.anyName()), pos)
	case kwSequence:
		p.expectAll(kwSequence, kwName)
		return defElem("sequence_name", ast.NameNode(p.anyName()), pos)
	case kwStart:
		p.next()
		p.accept(kwWith)
		return defElem("start", p.numericOnly(), pos)
	case kwRestart:
		p.next()
		if p.accept(kwWith) || p.startsNumeric() {
			return defElem("restart", p.numericOnly(), pos)
		}
		return defElem("restart", nil, pos)
	}
	return nil
}

// createSchema is CREATE SCHEMA with the statements inside.
func (p *parser) createSchema() ast.Stmt {
	p.expect(kwSchema)
	s := &ast.CreateSchemaStmt{IfNotExists: p.ifNotExists()}
	if !p.is(kwAuthorization) {
		s.Schemaname = p.colID()
	}
	if p.accept(kwAuthorization) {
		s.Authrole = p.roleSpec()
	}
	first := p.tok.pos
	for {
		var elt ast.Stmt
		switch p.tok.kind {
		case kwGrant:
			elt = p.grantPrivileges()
		case kwCreate:
			elt = p.schemaElement()
		default:
			if s.IfNotExists && s.SchemaElts != nil {
				p.failAt(pgerr.FeatureNotSupported, first, "CREATE SCHEMA IF NOT EXISTS cannot include schema elements")
			}
			return s
		}
		s.SchemaElts = append(s.SchemaElts, elt)
	}
}

// schemaElement is a CREATE inside CREATE SCHEMA: of a table, index, sequence, trigger or view.
func (p *parser) schemaElement() ast.Stmt {
	switch p.peek(1) {
	case kwTable, kwTemp, kwTemporary, kwLocal, kwGlobal, kwUnlogged, kwSequence, kwView, kwRecursive, kwIndex,
		kwUnique, kwTrigger, kwConstraint, kwOr:
	default:
		p.next()
		p.syntaxError()
	}
	at := p.tok
	p.noTableAs = true
	elt := p.createStmt()
	p.noTableAs = false
	switch elt.(type) {
	case *ast.CreateStmt, *ast.IndexStmt, *ast.CreateSeqStmt, *ast.CreateTrigStmt, *ast.ViewStmt:
	default:
		p.tok = at
		p.syntaxError()
	}
	return elt
}

func (p *parser) createDomain() ast.Stmt {
	p.expect(kwDomain)
	s := &ast.CreateDomainStmt{Domainname: p.anyName()}
	p.accept(kwAs)
	s.TypeName = p.typeName()
	s.Constraints, s.CollClause = p.colQuals()
	return s
}

// createType is CREATE TYPE in its five forms.
func (p *parser) createType() ast.Stmt {
	p.expect(kwType)
	pos := p.tok.pos
	name := p.anyName()
	if p.is('(') {
		return &ast.DefineStmt{Kind: ast.ObjectTypeType, Defnames: name, Definition: p.definition()}
	}
	if !p.accept(kwAs) {
		return &ast.DefineStmt{Kind: ast.ObjectTypeType, Defnames: name}
	}
	switch {
	case p.accept(kwEnum):
		p.expect('(')
		s := &ast.CreateEnumStmt{TypeName: name}
		if !p.is(')') {
			s.Vals = p.sconstList()
		}
		p.expect(')')
		return s
	case p.accept(kwRange):
		return &ast.CreateRangeStmt{TypeName: name, Params: p.definition()}
	}
	s := &ast.CompositeTypeStmt{Typevar: p.typeRel(name, pos)}
	if p.is('(') && p.peek(1) == ')' {
		p.accept2('(', ')')
		return s
	}
	s.Coldeflist = p.columnDefs()
	return s
}

func (p *parser) sconstList() []string {
	list := []string{p.sconst()}
	for p.accept(',') {
		list = append(list, p.sconst())
	}
	return list
}
