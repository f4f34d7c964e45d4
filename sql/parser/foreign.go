package parser

import "gompho/sql/ast"

// fdwOptions is any number of [NO] HANDLER and [NO] VALIDATOR.
func (p *parser) fdwOptions() []*ast.DefElem {
	var list []*ast.DefElem
	for {
		pos := p.tok.pos
		switch p.tok.kind {
		case kwHandler, kwValidator:
			name := p.take()
			list = append(list, defElem(name, ast.NameNode(p.handlerName()), pos))
		case kwNo:
			p.next()
			if !p.is(kwHandler) && !p.is(kwValidator) {
				p.syntaxError()
			}
			list = append(list, defElem(p.take(), nil, pos))
		default:
			return list
		}
	}
}

func (p *parser) createFdw() ast.Stmt {
	p.expectAll(kwForeign, kwData, kwWrapper)
	s := &ast.CreateFdwStmt{Fdwname: p.name()}
	s.FuncOptions = p.fdwOptions()
	s.Options = p.createGenericOptions()
	return s
}

// alterFdw is ALTER FOREIGN DATA WRAPPER.
func (p *parser) alterFdw() ast.Stmt {
	p.expectAll(kwForeign, kwData, kwWrapper)
	name := p.name()
	if r := p.alterCommon(ast.ObjectFdw, p.str(name), false, mayRename|mayOwner); r != nil {
		return r
	}
	s := &ast.AlterFdwStmt{Fdwname: name, FuncOptions: p.fdwOptions()}
	if p.is(kwOptions) {
		s.Options = p.alterGenericOptions()
	} else if s.FuncOptions == nil {
		p.syntaxError()
	}
	return s
}

func (p *parser) createServer() ast.Stmt {
	p.expect(kwServer)
	s := &ast.CreateForeignServerStmt{IfNotExists: p.ifNotExists()}
	s.Servername = p.name()
	if p.accept(kwType) {
		s.Servertype = p.sconst()
	}
	if p.is(kwVersion) {
		s.Version = p.serverVersion()
	}
	p.expectAll(kwForeign, kwData, kwWrapper)
	s.Fdwname = p.name()
	s.Options = p.createGenericOptions()
	return s
}

// serverVersion is VERSION 'text' or VERSION NULL.
func (p *parser) serverVersion() string {
	p.expect(kwVersion)
	v, _ := p.textOrNull()
	return v
}

// alterServer is ALTER SERVER.
func (p *parser) alterServer() ast.Stmt {
	p.expect(kwServer)
	name := p.name()
	if r := p.alterCommon(ast.ObjectForeignServer, p.str(name), false, mayRename|mayOwner); r != nil {
		return r
	}
	s := &ast.AlterForeignServerStmt{Servername: name}
	if p.is(kwVersion) {
		s.Version, s.HasVersion = p.serverVersion(), true
	}
	if p.is(kwOptions) {
		s.Options = p.alterGenericOptions()
	} else if !s.HasVersion {
		p.syntaxError()
	}
	return s
}

func (p *parser) createForeignTable() ast.Stmt {
	p.expectAll(kwForeign, kwTable)
	s := &ast.CreateForeignTableStmt{}
	s.Base.IfNotExists = p.ifNotExists()
	s.Base.Relation = p.qualifiedRel()
	if p.is(kwPartition) {
		p.expectAll(kwPartition, kwOf)
		s.Base.InhRelations = []*ast.RangeVar{p.qualifiedRel()}
		s.Base.TableElts = p.optTypedElements()
		s.Base.Partbound = p.partitionBound()
	} else {
		s.Base.TableElts = p.tableElements()
		s.Base.InhRelations = p.optInherit()
	}
	p.expect(kwServer)
	s.Servername = p.name()
	s.Options = p.createGenericOptions()
	return s
}

func (p *parser) createUserMapping() ast.Stmt {
	p.expectAll(kwUser, kwMapping)
	s := &ast.CreateUserMappingStmt{IfNotExists: p.ifNotExistsNoName()}
	p.expect(kwFor)
	s.User = p.authIdent()
	p.expect(kwServer)
	s.Servername = p.name()
	s.Options = p.createGenericOptions()
	return s
}

func (p *parser) alterUserMapping() ast.Stmt {
	p.expectAll(kwUser, kwMapping, kwFor)
	s := &ast.AlterUserMappingStmt{User: p.authIdent()}
	p.expect(kwServer)
	s.Servername = p.name()
	s.Options = p.alterGenericOptions()
	return s
}

// importStmt is IMPORT FOREIGN SCHEMA.
func (p *parser) importStmt() ast.Stmt {
	p.expectAll(kwImport, kwForeign, kwSchema)
	s := &ast.ImportForeignSchemaStmt{RemoteSchema: p.name()}
	switch {
	case p.accept(kwLimit):
		p.expect(kwTo)
		s.ListType = ast.FdwImportSchemaLimitTo
	case p.accept(kwExcept):
		s.ListType = ast.FdwImportSchemaExcept
	}
	if s.ListType != ast.FdwImportSchemaAll {
		p.expect('(')
		s.TableList = p.relationExprs()
		p.expect(')')
	}
	p.expectAll(kwFrom, kwServer)
	s.ServerName = p.name()
	p.expect(kwInto)
	s.LocalSchema = p.name()
	s.Options = p.createGenericOptions()
	return s
}
