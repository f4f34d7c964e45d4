package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

func (p *parser) createDatabase() ast.Stmt {
	p.expect(kwDatabase)
	s := &ast.CreatedbStmt{Dbname: p.name()}
	p.accept(kwWith)
	s.Options = p.createdbOptions()
	return s
}

// createdbOptions is any number of name [=] value.
func (p *parser) createdbOptions() []*ast.DefElem {
	var list []*ast.DefElem
	for {
		pos := p.tok.pos
		var name string
		switch p.tok.kind {
		case tokIdent, kwEncoding, kwLocation, kwOwner, kwTablespace, kwTemplate:
			name = p.take()
		case kwConnection:
			p.expectAll(kwConnection, kwLimit)
			name = "connection_limit"
		default:
			return list
		}
		e := defElem(name, nil, pos)
		p.accept('=')
		switch {
		case p.accept(kwDefault):
		case p.startsNumeric():
			e.Arg = p.numericOnly()
		default:
			e.Arg = p.str(p.booleanOrString())
		}
		list = append(list, e)
	}
}

// alterDatabase is ALTER DATABASE.
func (p *parser) alterDatabase() ast.Stmt {
	p.expect(kwDatabase)
	name := p.name()
	switch p.tok.kind {
	case kwRename:
		p.expectAll(kwRename, kwTo)
		return &ast.RenameStmt{RenameType: ast.ObjectDatabase, Subname: name, Newname: p.name()}
	case kwOwner:
		if p.peek(1) == kwTo {
			p.accept2(kwOwner, kwTo)
			return &ast.AlterOwnerStmt{ObjectType: ast.ObjectDatabase, Object: p.str(name), Newowner: p.roleSpec()}
		}
	case kwRefresh:
		p.expectAll(kwRefresh, kwCollation, kwVersion)
		return &ast.AlterDatabaseRefreshCollStmt{Dbname: name}
	case kwSet:
		if p.peek(1) == kwTablespace && p.peek(2) != '=' && p.peek(2) != kwTo {
			p.accept2(kwSet, kwTablespace)
			pos := p.tok.pos
			e := defElem("tablespace", p.str(p.name()), pos)
			return &ast.AlterDatabaseStmt{Dbname: name, Options: []*ast.DefElem{e}}
		}
		return &ast.AlterDatabaseSetStmt{Dbname: name, Setstmt: p.setResetClause()}
	case kwReset:
		return &ast.AlterDatabaseSetStmt{Dbname: name, Setstmt: p.setResetClause()}
	}
	p.accept(kwWith)
	return &ast.AlterDatabaseStmt{Dbname: name, Options: p.createdbOptions()}
}

func (p *parser) createTablespace() ast.Stmt {
	p.expect(kwTablespace)
	s := &ast.CreateTableSpaceStmt{Tablespacename: p.name()}
	if p.accept(kwOwner) {
		s.Owner = p.roleSpec()
	}
	p.expect(kwLocation)
	s.Location = p.sconst()
	s.Options = p.optReloptions()
	return s
}

// alterTablespace is ALTER TABLESPACE.
func (p *parser) alterTablespace() ast.Stmt {
	p.expect(kwTablespace)
	name := p.name()
	switch {
	case p.accept(kwRename):
		p.expect(kwTo)
		return &ast.RenameStmt{RenameType: ast.ObjectTablespace, Subname: name, Newname: p.name()}
	case p.accept(kwOwner):
		p.expect(kwTo)
		return &ast.AlterOwnerStmt{ObjectType: ast.ObjectTablespace, Object: p.str(name), Newowner: p.roleSpec()}
	}
	s := &ast.AlterTableSpaceOptionsStmt{Tablespacename: name, IsReset: p.accept(kwReset)}
	if !s.IsReset {
		p.expect(kwSet)
	}
	s.Options = p.reloptions()
	return s
}

// alterSystem is ALTER SYSTEM SET or RESET.
func (p *parser) alterSystem() ast.Stmt {
	p.expect(kwSystem)
	if p.accept(kwReset) {
		if p.accept(kwAll) {
			return &ast.AlterSystemStmt{Setstmt: &ast.VariableSetStmt{Kind: ast.VarResetAll}}
		}
		return &ast.AlterSystemStmt{Setstmt: &ast.VariableSetStmt{Kind: ast.VarReset, Name: p.varName()}}
	}
	p.expect(kwSet)
	s := &ast.VariableSetStmt{Name: p.varName()}
	if !p.accept('=') {
		p.expect(kwTo)
	}
	if p.accept(kwDefault) {
		s.Kind = ast.VarSetDefault
		return &ast.AlterSystemStmt{Setstmt: s}
	}
	for {
		s.Args = append(s.Args, p.varValue())
		if !p.accept(',') {
			return &ast.AlterSystemStmt{Setstmt: s}
		}
	}
}

func (p *parser) createExtension() ast.Stmt {
	p.expect(kwExtension)
	s := &ast.CreateExtensionStmt{IfNotExists: p.ifNotExists()}
	s.Extname = p.name()
	p.accept(kwWith)
	for {
		pos := p.tok.pos
		switch {
		case p.accept(kwSchema):
			s.Options = append(s.Options, defElem("schema", p.str(p.name()), pos))
		case p.accept(kwVersion):
			s.Options = append(s.Options, defElem("new_version", p.str(p.wordOrString()), pos))
		case p.accept(kwCascade):
			s.Options = append(s.Options, boolElem("cascade", true, pos))
		case p.accept(kwFrom):
			p.wordOrString()
			p.failAt(pgerr.FeatureNotSupported, pos, "CREATE EXTENSION ... FROM is no longer supported")
		default:
			return s
		}
	}
}

// alterExtension is ALTER EXTENSION.
func (p *parser) alterExtension() ast.Stmt {
	p.expect(kwExtension)
	name := p.name()
	switch p.tok.kind {
	case kwUpdate:
		p.next()
		s := &ast.AlterExtensionStmt{Extname: name}
		for p.is(kwTo) {
			pos := p.tok.pos
			p.next()
			s.Options = append(s.Options, defElem("new_version", p.str(p.wordOrString()), pos))
		}
		return s
	case kwSet:
		p.expectAll(kwSet, kwSchema)
		return &ast.AlterObjectSchemaStmt{ObjectType: ast.ObjectExtension, Object: p.str(name), Newschema: p.name()}
	}
	s := &ast.AlterExtensionContentsStmt{Extname: name, Action: 1}
	if !p.accept(kwAdd) {
		p.expect(kwDrop)
		s.Action = -1
	}
	s.Objtype, s.Object = p.namedObject(objCast | objOperator | objTransform)
	return s
}

// createLanguage is CREATE [TRUSTED] [PROCEDURAL] LANGUAGE; without a handler it stands for CREATE EXTENSION.
func (p *parser) createLanguage(replace bool) ast.Stmt {
	trusted := p.accept(kwTrusted)
	p.accept(kwProcedural)
	p.expect(kwLanguage)
	name := p.name()
	if !p.accept(kwHandler) {
		return &ast.CreateExtensionStmt{Extname: name, IfNotExists: replace}
	}
	s := &ast.CreatePLangStmt{Replace: replace, Plname: name, Pltrusted: trusted}
	s.Plhandler = p.handlerName()
	if p.accept(kwInline) {
		s.Plinline = p.handlerName()
	}
	if p.accept(kwValidator) {
		s.Plvalidator = p.handlerName()
	} else if p.is(kwNo) {
		p.expectAll(kwNo, kwValidator)
	}
	return s
}

func (p *parser) handlerName() []string { return p.attrs(p.name()) }
