package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// userMapping reports whether USER MAPPING at the current token is not a user of the name mapping.
func (p *parser) userMapping() bool {
	if p.peek(1) != kwMapping {
		return false
	}
	k := p.peek(2)
	return k == kwFor || k == kwIf
}

// createRole is CREATE ROLE, USER or GROUP.
func (p *parser) createRole() ast.Stmt {
	s := &ast.CreateRoleStmt{}
	switch p.tok.kind {
	case kwUser:
		s.StmtType = ast.RolestmtUser
	case kwGroup:
		s.StmtType = ast.RolestmtGroup
	}
	p.next()
	s.Role = p.roleID()
	p.accept(kwWith)
	for o := p.roleOption(true); o != nil; o = p.roleOption(true) {
		s.Options = append(s.Options, o)
	}
	return s
}

func roleListNode(roles []*ast.RoleSpec) *ast.List {
	l := &ast.List{}
	for _, r := range roles {
		l.Items = append(l.Items, r)
	}
	return l
}

// roleOption is one option of CREATE (create) or ALTER ROLE, nil when there is none.
func (p *parser) roleOption(create bool) *ast.DefElem {
	pos := p.tok.pos
	switch p.tok.kind {
	case kwPassword:
		p.next()
		text, null := p.textOrNull()
		if null {
			return defElem("password", nil, pos)
		}
		return defElem("password", p.str(text), pos)
	case kwEncrypted:
		p.expectAll(kwEncrypted, kwPassword)
		return defElem("password", p.str(p.sconst()), pos)
	case kwUnencrypted:
		p.expectAll(kwUnencrypted, kwPassword)
		p.sconst()
		p.fail(pgerr.New(pgerr.FeatureNotSupported, "UNENCRYPTED PASSWORD is no longer supported").
			WithHint("Remove UNENCRYPTED to store the password in encrypted form instead.").At(int(pos)))
	case kwInherit:
		p.next()
		return boolElem("inherit", true, pos)
	case kwConnection:
		p.expectAll(kwConnection, kwLimit)
		return defElem("connectionlimit", &ast.Integer{Ival: p.signedIconst()}, pos)
	case kwValid:
		p.expectAll(kwValid, kwUntil)
		return defElem("validUntil", p.str(p.sconst()), pos)
	case kwUser:
		p.next()
		return defElem("rolemembers", roleListNode(p.roleList()), pos)
	case tokIdent:
		return p.roleFlag(pos)
	}
	if !create {
		return nil
	}
	switch p.tok.kind {
	case kwSysid:
		p.next()
		return defElem("sysid", &ast.Integer{Ival: p.iconst()}, pos)
	case kwAdmin:
		p.next()
		return defElem("adminmembers", roleListNode(p.roleList()), pos)
	case kwRole:
		p.next()
		return defElem("rolemembers", roleListNode(p.roleList()), pos)
	case kwIn:
		p.next()
		if !p.accept(kwRole) {
			p.expect(kwGroup)
		}
		return defElem("addroleto", roleListNode(p.roleList()), pos)
	}
	return nil
}

// roleFlag is one of the options that are no keywords.
func (p *parser) roleFlag(pos int32) *ast.DefElem {
	name, on := p.take(), true
	if len(name) > 2 && name[:2] == "no" {
		name, on = name[2:], false
	}
	switch name {
	case "superuser", "createrole", "createdb", "bypassrls":
		return boolElem(name, on, pos)
	case "replication":
		return boolElem("isreplication", on, pos)
	case "login":
		return boolElem("canlogin", on, pos)
	case "inherit":
		if !on {
			return boolElem("inherit", false, pos)
		}
	}
	if !on {
		name = "no" + name
	}
	p.failAt(pgerr.SyntaxError, pos, "unrecognized role option \"%s\"", name)
	return nil
}

// alterRole is ALTER ROLE or USER.
func (p *parser) alterRole() ast.Stmt {
	p.next()
	var role *ast.RoleSpec
	if !p.accept(kwAll) {
		role = p.roleSpec()
		if p.is(kwRename) {
			return p.renameRole(role)
		}
	}
	if p.is(kwIn) || p.is(kwSet) || p.is(kwReset) || role == nil {
		s := &ast.AlterRoleSetStmt{Role: role}
		if p.accept(kwIn) {
			p.expect(kwDatabase)
			s.Database = p.name()
		}
		s.Setstmt = p.setResetClause()
		return s
	}
	s := &ast.AlterRoleStmt{Role: role, Action: 1}
	p.accept(kwWith)
	for o := p.roleOption(false); o != nil; o = p.roleOption(false) {
		s.Options = append(s.Options, o)
	}
	return s
}

// renameRole finishes ALTER ROLE name RENAME TO.
func (p *parser) renameRole(role *ast.RoleSpec) ast.Stmt {
	p.checkRoleID(role)
	p.expectAll(kwRename, kwTo)
	return &ast.RenameStmt{RenameType: ast.ObjectRole, Subname: role.Rolename, Newname: p.roleID()}
}

// alterGroup is ALTER GROUP.
func (p *parser) alterGroup() ast.Stmt {
	p.next()
	role := p.roleSpec()
	if p.is(kwRename) {
		return p.renameRole(role)
	}
	s := &ast.AlterRoleStmt{Role: role, Action: 1}
	if !p.accept(kwAdd) {
		p.expect(kwDrop)
		s.Action = -1
	}
	p.expect(kwUser)
	at := p.tok.pos
	s.Options = []*ast.DefElem{defElem("rolemembers", roleListNode(p.roleList()), at)}
	return s
}

// authIdent is a role, or USER for the current one.
func (p *parser) authIdent() *ast.RoleSpec {
	if p.is(kwUser) {
		r := &ast.RoleSpec{Roletype: ast.RolespecCurrentUser, Location: p.tok.pos}
		p.next()
		return r
	}
	return p.roleSpec()
}

// roleSpec is a role's name or a word that stands for one.
func (p *parser) roleSpec() *ast.RoleSpec {
	r := &ast.RoleSpec{Location: p.tok.pos}
	switch p.tok.kind {
	case kwCurrentRole:
		r.Roletype = ast.RolespecCurrentRole
	case kwCurrentUser:
		r.Roletype = ast.RolespecCurrentUser
	case kwSessionUser:
		r.Roletype = ast.RolespecSessionUser
	default:
		if !p.tok.kind.isNonReserved() {
			p.syntaxError()
		}
		switch p.tok.str {
		case "public": // even when quoted
			r.Roletype = ast.RolespecPublic
		case "none":
			p.failAt(pgerr.ReservedName, r.Location, "role name \"%s\" is reserved", "none")
		default:
			r.Rolename = p.tok.str
		}
	}
	p.next()
	return r
}

// roleID is a role's name where no stand-in may be.
func (p *parser) roleID() string {
	r := p.roleSpec()
	p.checkRoleID(r)
	return r.Rolename
}

// checkRoleID fails for the words that stand for a role.
func (p *parser) checkRoleID(r *ast.RoleSpec) {
	switch r.Roletype {
	case ast.RolespecPublic:
		p.failAt(pgerr.ReservedName, r.Location, "role name \"%s\" is reserved", "public")
	case ast.RolespecSessionUser:
		p.failAt(pgerr.ReservedName, r.Location, "%s cannot be used as a role name here", "SESSION_USER")
	case ast.RolespecCurrentUser:
		p.failAt(pgerr.ReservedName, r.Location, "%s cannot be used as a role name here", "CURRENT_USER")
	case ast.RolespecCurrentRole:
		p.failAt(pgerr.ReservedName, r.Location, "%s cannot be used as a role name here", "CURRENT_ROLE")
	}
}
