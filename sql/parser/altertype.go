package parser

import "gompho/sql/ast"

// alterType is ALTER TYPE.
func (p *parser) alterType() ast.Stmt {
	p.expect(kwType)
	pos := p.tok.pos
	name := p.anyName()
	if s := p.alterCommon(ast.ObjectTypeType, ast.NameNode(name), false, mayRename|mayOwner|maySchema|mayOtherSet|mayOtherRename); s != nil {
		return s
	}
	switch p.tok.kind {
	case kwSet:
		p.next()
		return &ast.AlterTypeStmt{TypeName: name, Options: p.operatorDefs()}
	case kwRename:
		p.next()
		if p.accept(kwValue) {
			s := &ast.AlterEnumStmt{TypeName: name, HasOldVal: true, OldVal: p.sconst()}
			p.expect(kwTo)
			s.NewVal = p.sconst()
			return s
		}
		p.expect(kwAttribute)
		s := &ast.RenameStmt{RenameType: ast.ObjectAttribute, RelationType: ast.ObjectTypeType,
			Relation: p.typeRel(name, pos), Subname: p.name()}
		p.expect(kwTo)
		s.Newname = p.name()
		s.Behavior = p.dropBehavior()
		return s
	case kwAdd:
		if p.peek(1) == kwValue {
			p.accept2(kwAdd, kwValue)
			return p.addEnumValue(name)
		}
	}
	s := &ast.AlterTableStmt{Relation: p.typeRel(name, pos), Objtype: ast.ObjectTypeType}
	for {
		s.Cmds = append(s.Cmds, p.alterTypeCmd())
		if !p.accept(',') {
			return s
		}
	}
}

// typeRel is a composite type as a relation; unlike a table's name it does not stand for its children.
func (p *parser) typeRel(name []string, pos int32) *ast.RangeVar {
	r := p.relFromNames(name, pos)
	r.Inh = false
	return r
}

func (p *parser) addEnumValue(name []string) ast.Stmt {
	s := &ast.AlterEnumStmt{TypeName: name, SkipIfNewValExists: p.ifNotExistsNoName()}
	s.NewVal = p.sconst()
	s.NewValIsAfter = true
	if p.is(kwBefore) || p.is(kwAfter) {
		s.NewValIsAfter = p.is(kwAfter)
		p.next()
		s.HasNeighbor, s.NewValNeighbor = true, p.sconst()
	}
	return s
}

// alterTypeCmd is ADD, DROP or ALTER ATTRIBUTE.
func (p *parser) alterTypeCmd() *ast.AlterTableCmd {
	c := &ast.AlterTableCmd{}
	switch {
	case p.accept(kwAdd):
		p.expect(kwAttribute)
		c.Subtype, c.Def = ast.ATAddColumn, p.simpleColumnDef()
	case p.accept(kwDrop):
		p.expect(kwAttribute)
		c.Subtype, c.MissingOk = ast.ATDropColumn, p.ifExists()
		c.Name = p.colID()
	default:
		p.expectAll(kwAlter, kwAttribute)
		d := &ast.ColumnDef{Location: p.tok.pos}
		c.Name = p.colID()
		if p.accept(kwSet) {
			p.expect(kwData)
		}
		p.expect(kwType)
		d.TypeName = p.typeName()
		d.CollClause = p.optCollate()
		c.Subtype, c.Def = ast.ATAlterColumnType, d
	}
	c.Behavior = p.dropBehavior()
	return c
}

// alterDomain is ALTER DOMAIN.
func (p *parser) alterDomain() ast.Stmt {
	p.expect(kwDomain)
	name := p.anyName()
	obj := ast.NameNode(name)
	if s := p.alterCommon(ast.ObjectDomain, obj, false, mayRename|mayOwner|maySchema|mayOtherSet|mayOtherRename); s != nil {
		return s
	}
	s := &ast.AlterDomainStmt{TypeName: name}
	switch p.tok.kind {
	case kwRename:
		p.expectAll(kwRename, kwConstraint)
		r := &ast.RenameStmt{RenameType: ast.ObjectDomconstraint, Object: obj, Subname: p.name()}
		p.expect(kwTo)
		r.Newname = p.name()
		return r
	case kwSet:
		p.next()
		if p.accept(kwDefault) {
			s.Subtype, s.Def = 'T', p.aExpr()
			return s
		}
		p.expectAll(kwNot, kwNull)
		s.Subtype = 'O'
	case kwAdd:
		p.next()
		if !p.startsTableConstraint() {
			p.syntaxError()
		}
		s.Subtype, s.Def = 'C', p.tableConstraint()
	case kwValidate:
		p.expectAll(kwValidate, kwConstraint)
		s.Subtype, s.Name = 'V', p.name()
	default:
		p.expect(kwDrop)
		switch {
		case p.accept(kwDefault):
			s.Subtype = 'T'
		case p.accept(kwNot):
			p.expect(kwNull)
			s.Subtype = 'N'
		default:
			p.expect(kwConstraint)
			s.Subtype, s.MissingOk = 'X', p.ifExists()
			s.Name = p.name()
			s.Behavior = p.dropBehavior()
		}
	}
	return s
}

// alterTextSearch is ALTER TEXT SEARCH ...
func (p *parser) alterTextSearch() ast.Stmt {
	t := p.textSearchType()
	name := p.anyName()
	allowed := mayRename | maySchema
	if t == ast.ObjectTsdictionary || t == ast.ObjectTsconfiguration {
		allowed |= mayOwner
	}
	if s := p.alterCommon(t, ast.NameNode(name), false, allowed); s != nil {
		return s
	}
	switch t {
	case ast.ObjectTsdictionary:
		return &ast.AlterTSDictionaryStmt{Dictname: name, Options: p.definition()}
	case ast.ObjectTsconfiguration:
		return p.alterTSConfig(name)
	}
	p.syntaxError()
	return nil
}

func (p *parser) alterTSConfig(name []string) ast.Stmt {
	s := &ast.AlterTSConfigurationStmt{Cfgname: name}
	switch {
	case p.accept(kwAdd):
		p.expectAll(kwMapping, kwFor)
		s.Kind, s.Tokentype = ast.AlterTSConfigAddMapping, p.nameList()
		p.expect(kwWith)
		s.Dicts = p.anyNameList()
	case p.accept(kwDrop):
		p.expect(kwMapping)
		s.Kind, s.MissingOk = ast.AlterTSConfigDropMapping, p.ifExistsNoName()
		p.expect(kwFor)
		s.Tokentype = p.nameList()
	default:
		p.expectAll(kwAlter, kwMapping)
		if p.accept(kwFor) {
			s.Kind, s.Tokentype, s.Override = ast.AlterTSConfigAlterMappingForToken, p.nameList(), true
		}
		if p.accept(kwReplace) {
			s.Kind = ast.AlterTSConfigReplaceDict
			if s.Override {
				s.Kind, s.Override = ast.AlterTSConfigReplaceDictForToken, false
			}
			s.Replace = true
			s.Dicts = [][]string{p.anyName()}
			p.expect(kwWith)
			s.Dicts = append(s.Dicts, p.anyName())
			return s
		}
		if !s.Override {
			p.syntaxError()
		}
		p.expect(kwWith)
		s.Dicts = p.anyNameList()
	}
	return s
}
