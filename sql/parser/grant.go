package parser

import "gompho/sql/ast"

// grantStmt is GRANT of privileges or roles.
func (p *parser) grantStmt() ast.Stmt { return p.grant(true) }

// grantPrivileges is GRANT of privileges only.
func (p *parser) grantPrivileges() ast.Stmt { return p.grant(false) }

func (p *parser) grant(roles bool) ast.Stmt {
	p.expect(kwGrant)
	privs, all := p.privileges()
	if roles && !p.is(kwOn) && !all {
		p.expect(kwTo)
		s := &ast.GrantRoleStmt{IsGrant: true, GrantedRoles: privs, GranteeRoles: p.roleList()}
		if p.accept(kwWith) {
			p.expectAll(kwAdmin, kwOption)
			s.AdminOpt = true
		}
		s.Grantor = p.grantedBy()
		return s
	}
	s := &ast.GrantStmt{IsGrant: true, Privileges: privs}
	p.expect(kwOn)
	p.privilegeTarget(s)
	p.expect(kwTo)
	s.Grantees = p.grantees()
	s.GrantOption = p.grantOption()
	s.Grantor = p.grantedBy()
	return s
}

// revokeStmt is REVOKE of privileges or roles.
func (p *parser) revokeStmt() ast.Stmt {
	p.expect(kwRevoke)
	grantOpt, adminOpt := false, false
	if p.is(kwGrant) || p.is(kwAdmin) && p.peek(1) == kwOption { // ADMIN may also be a role
		grantOpt, adminOpt = p.is(kwGrant), p.is(kwAdmin)
		p.next()
		p.expectAll(kwOption, kwFor)
	}
	privs, all := p.privileges()
	if adminOpt || !grantOpt && !all && !p.is(kwOn) {
		p.expect(kwFrom)
		s := &ast.GrantRoleStmt{AdminOpt: adminOpt, GrantedRoles: privs, GranteeRoles: p.roleList()}
		s.Grantor = p.grantedBy()
		s.Behavior = p.dropBehavior()
		return s
	}
	s := &ast.GrantStmt{GrantOption: grantOpt, Privileges: privs}
	p.expect(kwOn)
	p.privilegeTarget(s)
	p.expect(kwFrom)
	s.Grantees = p.grantees()
	s.Grantor = p.grantedBy()
	s.Behavior = p.dropBehavior()
	return s
}

// privileges is ALL [PRIVILEGES] [(columns)] (all) or a list; all without columns gives nil.
func (p *parser) privileges() (list []*ast.AccessPriv, all bool) {
	if p.accept(kwAll) {
		p.accept(kwPrivileges)
		if p.is('(') {
			return []*ast.AccessPriv{{Cols: p.parenNames()}}, true
		}
		return nil, true
	}
	for {
		a := &ast.AccessPriv{}
		switch p.tok.kind {
		case kwSelect, kwReferences, kwCreate:
			a.PrivName = p.take()
			a.Cols = p.optParenNames()
		default:
			if p.accept2(kwAlter, kwSystem) {
				a.PrivName = "alter system"
				break
			}
			a.PrivName = p.colID()
			a.Cols = p.optParenNames()
		}
		list = append(list, a)
		if !p.accept(',') {
			return list, false
		}
	}
}

// privilegeTarget reads what a GRANT is on.
func (p *parser) privilegeTarget(s *ast.GrantStmt) {
	if p.tok.kind.isColID() {
		switch p.peek(1) {
		case kwTo, kwFrom, ',', '.': // a table whose name is one of the words below
			p.grantTables(s, ast.ObjectTable)
			return
		}
	}
	switch k := p.tok.kind; k {
	case kwTable:
		p.next()
		p.grantTables(s, ast.ObjectTable)
	case kwSequence:
		p.next()
		p.grantTables(s, ast.ObjectSequence)
	case kwForeign:
		p.next()
		if p.accept(kwServer) {
			p.grantNames(s, ast.ObjectForeignServer)
			return
		}
		p.expectAll(kwData, kwWrapper)
		p.grantNames(s, ast.ObjectFdw)
	case kwFunction, kwProcedure, kwRoutine:
		s.Objtype, _ = routineType(k)
		p.next()
		for {
			s.Objects = append(s.Objects, p.functionWithArgs())
			if !p.accept(',') {
				return
			}
		}
	case kwDomain, kwType:
		s.Objtype = ast.ObjectTypeType
		if k == kwDomain {
			s.Objtype = ast.ObjectDomain
		}
		p.next()
		for _, n := range p.anyNameList() {
			s.Objects = append(s.Objects, ast.NameNode(n))
		}
	case kwLarge:
		p.expectAll(kwLarge, kwObject)
		s.Objtype = ast.ObjectLargeobject
		for {
			s.Objects = append(s.Objects, p.numericOnly())
			if !p.accept(',') {
				return
			}
		}
	case kwAll:
		p.next()
		p.grantAllIn(s)
	default:
		p.grantOther(s, k)
	}
}

func (p *parser) grantTables(s *ast.GrantStmt, t ast.ObjectType) {
	s.Objtype = t
	for _, r := range p.qualifiedRels() {
		s.Objects = append(s.Objects, r)
	}
}

func (p *parser) grantNames(s *ast.GrantStmt, t ast.ObjectType) {
	s.Objtype = t
	for _, n := range p.nameList() {
		s.Objects = append(s.Objects, p.str(n))
	}
}

func (p *parser) grantOther(s *ast.GrantStmt, k tokKind) {
	var t ast.ObjectType
	switch k {
	case kwDatabase:
		t = ast.ObjectDatabase
	case kwLanguage:
		t = ast.ObjectLanguage
	case kwSchema:
		t = ast.ObjectSchema
	case kwTablespace:
		t = ast.ObjectTablespace
	case kwParameter:
		p.next()
		s.Objtype = ast.ObjectParameterAcl
		for {
			s.Objects = append(s.Objects, p.str(p.varName()))
			if !p.accept(',') {
				return
			}
		}
	default:
		p.grantTables(s, ast.ObjectTable)
		return
	}
	p.next()
	p.grantNames(s, t)
}

// grantAllIn is ALL kind IN SCHEMA names, after ALL.
func (p *parser) grantAllIn(s *ast.GrantStmt) {
	s.Targtype = ast.AclTargetAllInSchema
	t := ast.ObjectTable
	switch p.tok.kind {
	case kwTables:
	case kwSequences:
		t = ast.ObjectSequence
	case kwFunctions:
		t = ast.ObjectFunction
	case kwProcedures:
		t = ast.ObjectProcedure
	case kwRoutines:
		t = ast.ObjectRoutine
	default:
		p.syntaxError()
	}
	p.next()
	p.expectAll(kwIn, kwSchema)
	p.grantNames(s, t)
}

func (p *parser) grantees() []*ast.RoleSpec {
	var list []*ast.RoleSpec
	for {
		if p.is(kwGroup) {
			p.next()
		}
		list = append(list, p.roleSpec())
		if !p.accept(',') {
			return list
		}
	}
}

// grantOption is [WITH GRANT OPTION].
func (p *parser) grantOption() bool {
	if !p.accept(kwWith) {
		return false
	}
	p.expectAll(kwGrant, kwOption)
	return true
}

func (p *parser) grantedBy() *ast.RoleSpec {
	if !p.accept(kwGranted) {
		return nil
	}
	p.expect(kwBy)
	return p.roleSpec()
}

// alterDefaultPrivileges is ALTER DEFAULT PRIVILEGES.
func (p *parser) alterDefaultPrivileges() ast.Stmt {
	p.expectAll(kwDefault, kwPrivileges)
	s := &ast.AlterDefaultPrivilegesStmt{}
	for !p.is(kwGrant) && !p.is(kwRevoke) {
		pos := p.tok.pos
		l := &ast.List{}
		if p.accept(kwIn) {
			p.expect(kwSchema)
			s.Options = append(s.Options, defElem("schemas", ast.NameNode(p.nameList()), pos))
			continue
		}
		p.expect(kwFor)
		if !p.accept(kwRole) {
			p.expect(kwUser)
		}
		for _, r := range p.roleList() {
			l.Items = append(l.Items, r)
		}
		s.Options = append(s.Options, defElem("roles", l, pos))
	}
	g := &ast.GrantStmt{Targtype: ast.AclTargetDefaults, IsGrant: p.accept(kwGrant)}
	s.Action = g
	if !g.IsGrant {
		p.expect(kwRevoke)
		if p.is(kwGrant) {
			p.expectAll(kwGrant, kwOption, kwFor)
			g.GrantOption = true
		}
	}
	g.Privileges, _ = p.privileges()
	p.expect(kwOn)
	g.Objtype = p.defaultAclTarget()
	if g.IsGrant {
		p.expect(kwTo)
		g.Grantees = p.grantees()
		g.GrantOption = p.grantOption()
		return s
	}
	p.expect(kwFrom)
	g.Grantees = p.grantees()
	g.Behavior = p.dropBehavior()
	return s
}

func (p *parser) defaultAclTarget() (t ast.ObjectType) {
	switch p.tok.kind {
	case kwTables:
		t = ast.ObjectTable
	case kwFunctions, kwRoutines:
		t = ast.ObjectFunction
	case kwSequences:
		t = ast.ObjectSequence
	case kwTypes:
		t = ast.ObjectTypeType
	case kwSchemas:
		t = ast.ObjectSchema
	default:
		p.syntaxError()
	}
	p.next()
	return t
}
