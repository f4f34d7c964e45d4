package commands

import (
	"cmp"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/types"
)

// roleOptions applies the options of CREATE and ALTER ROLE to a role.
func (c *Context) roleOptions(r *catalog.PgAuthid, list []*ast.DefElem) (map[string]*ast.DefElem, error) {
	m := map[string]*ast.DefElem{}
	for _, o := range list {
		if m[o.Defname] != nil {
			return nil, pgerr.New(pgerr.SyntaxError, "conflicting or redundant options").At(int(o.Location))
		}
		m[o.Defname] = o
		on := false
		if b, ok := o.Arg.(*ast.Boolean); ok {
			on = b.Boolval
		} else if n, ok := o.Arg.(*ast.Integer); ok {
			on = n.Ival != 0
		}
		switch o.Defname {
		case "superuser":
			r.Rolsuper = on
		case "inherit":
			r.Rolinherit = on
		case "createrole":
			r.Rolcreaterole = on
		case "createdb":
			r.Rolcreatedb = on
		case "canlogin":
			r.Rolcanlogin = on
		case "isreplication":
			r.Rolreplication = on
		case "bypassrls":
			r.Rolbypassrls = on
		case "connectionlimit":
			n, err := defInt(o)
			if err != nil {
				return nil, err
			}
			if n < -1 {
				return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid connection limit: %d", n)
			}
			r.Rolconnlimit = int32(n)
		case "password":
			if o.Arg == nil {
				r.Rolpassword = nil
				continue
			}
			p, err := c.password(r.Rolname, defString(o))
			if err != nil {
				return nil, err
			}
			r.Rolpassword = p
		case "validUntil":
			d, err := types.Input(c.typeEnv(), types.Builtin(1184), defString(o), -1)
			if err != nil {
				return nil, err
			}
			r.Rolvaliduntil = d
		case "sysid":
			c.notice("SYSID can no longer be specified")
		case "addroleto", "rolemembers", "adminmembers":
		default:
			return nil, pgerr.Internal("option %q not recognized", o.Defname)
		}
	}
	return m, nil
}

// password returns what is stored of a password: a SCRAM-SHA-256 secret, unless it is one already.
func (c *Context) password(role, text string) (*string, error) {
	if strings.HasPrefix(text, "SCRAM-SHA-256$") || len(text) == 35 && strings.HasPrefix(text, "md5") {
		return &text, nil
	}
	if text == "" {
		c.notice("empty string is not a valid password, clearing password")
		return nil, nil
	}
	const iterations = 4096
	salt := make([]byte, 16)
	rand.Read(salt)
	salted, err := pbkdf2.Key(sha256.New, text, salt, iterations, sha256.Size)
	if err != nil {
		return nil, pgerr.Wrap(err, pgerr.InternalError, "could not hash the password of role %q", role)
	}
	mac := func(msg string) []byte {
		h := hmac.New(sha256.New, salted)
		h.Write([]byte(msg))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(mac("Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	s := fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, b64(salt), b64(stored[:]), b64(mac("Server Key")))
	return &s, nil
}

func checkRoleName(name string) error {
	if strings.HasPrefix(name, "pg_") {
		return pgerr.New(pgerr.ReservedName, "role name %q is reserved", name).WithDetail("Role names starting with \"pg_\" are reserved.")
	}
	return nil
}

// createRole is CREATE ROLE, USER and GROUP.
func createRole(c *Context, st *ast.CreateRoleStmt) error {
	cat := c.S.Cat
	if err := checkRoleName(st.Role); err != nil {
		return err
	}
	r := &catalog.PgAuthid{Rolname: st.Role, Rolinherit: true, Rolcanlogin: st.StmtType == ast.RolestmtUser, Rolconnlimit: -1,
		Rolvaliduntil: types.Null}
	m, err := c.roleOptions(r, st.Options)
	if err != nil {
		return err
	}
	if err := c.mayMakeRole(r.Rolsuper, r.Rolreplication, r.Rolbypassrls, "permission denied to create role"); err != nil {
		return err
	}
	if old, err := cat.RoleByName(st.Role); err != nil {
		return err
	} else if old != nil {
		return pgerr.New(pgerr.DuplicateObject, "role %q already exists", st.Role)
	}
	if r.Oid, err = cat.NewObjectOid(catalog.PgAuthidOid); err != nil {
		return err
	}
	if err := cat.Insert(r); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	me := []ids.Oid{r.Oid}
	for _, name := range roleSpecs(m["addroleto"]) {
		group, err := c.role(name, false)
		if err != nil {
			return err
		}
		if err := c.addMembers(group, me, false); err != nil {
			return err
		}
	}
	for _, key := range []string{"adminmembers", "rolemembers"} {
		members, err := c.roles(roleSpecs(m[key]))
		if err != nil {
			return err
		}
		if err := c.addMembers(r.Oid, members, key == "adminmembers"); err != nil {
			return err
		}
	}
	return nil
}

func roleSpecs(o *ast.DefElem) []*ast.RoleSpec {
	if o == nil {
		return nil
	}
	var out []*ast.RoleSpec
	if l, ok := o.Arg.(*ast.List); ok {
		for _, it := range l.Items {
			if r, ok := it.(*ast.RoleSpec); ok {
				out = append(out, r)
			}
		}
	}
	return out
}

func (c *Context) roles(list []*ast.RoleSpec) ([]ids.Oid, error) {
	var out []ids.Oid
	for _, r := range list {
		oid, err := c.role(r, false)
		if err != nil {
			return nil, err
		}
		out = append(out, oid)
	}
	return out, nil
}

func (c *Context) mayMakeRole(super, replication, bypass bool, denied string) error {
	isSuper, err := c.S.Cat.IsSuperuser(c.S.User)
	if err != nil || isSuper {
		return err
	}
	switch {
	case super:
		return pgerr.New(pgerr.InsufficientPrivilege, "must be superuser to create superusers")
	case replication:
		return pgerr.New(pgerr.InsufficientPrivilege, "must be superuser to create replication users")
	case bypass:
		return pgerr.New(pgerr.InsufficientPrivilege, "must be superuser to create bypassrls users")
	}
	me, err := c.S.Cat.Role(c.S.User)
	if err != nil {
		return err
	}
	if me == nil || !me.Rolcreaterole {
		return pgerr.New(pgerr.InsufficientPrivilege, "%s", denied)
	}
	return nil
}

func (c *Context) roleRow(oid ids.Oid) (*catalog.PgAuthid, error) {
	r, err := catalog.Fetch[catalog.PgAuthid](c.S.Cat, catalog.PgAuthidOidIndex, catalog.OidKey(catalog.AttPgAuthidOid, oid))
	if err == nil && r == nil {
		err = pgerr.New(pgerr.UndefinedObject, "role with OID %d does not exist", oid)
	}
	return r, err
}

// alterRole is ALTER ROLE with options, and ALTER GROUP ADD and DROP USER.
func alterRole(c *Context, st *ast.AlterRoleStmt) error {
	oid, err := c.role(st.Role, false)
	if err != nil {
		return err
	}
	r, err := c.roleRow(oid)
	if err != nil {
		return err
	}
	before := *r
	m, err := c.roleOptions(r, st.Options)
	if err != nil {
		return err
	}
	if err := c.mayAlterRole(&before, m, st); err != nil {
		return err
	}
	if err := c.S.Cat.Update(r); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	if members := roleSpecs(m["rolemembers"]); len(members) > 0 {
		list, err := c.roles(members)
		if err != nil {
			return err
		}
		if st.Action < 0 {
			return c.removeMembers(oid, list, false)
		}
		return c.addMembers(oid, list, false)
	}
	return nil
}

func (c *Context) mayAlterRole(r *catalog.PgAuthid, m map[string]*ast.DefElem, st *ast.AlterRoleStmt) error {
	super, err := c.S.Cat.IsSuperuser(c.S.User)
	if err != nil || super {
		return err
	}
	if r.Rolsuper || m["superuser"] != nil {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be superuser to alter superuser roles or change superuser attribute")
	}
	if r.Rolreplication || m["isreplication"] != nil {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be superuser to alter replication roles or change replication attribute")
	}
	if m["bypassrls"] != nil {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be superuser to change bypassrls attribute")
	}
	me, err := c.S.Cat.Role(c.S.User)
	if err != nil {
		return err
	}
	if me.Rolcreaterole || r.Oid == c.S.User && len(m) == 1 && m["password"] != nil {
		return nil
	}
	return pgerr.New(pgerr.InsufficientPrivilege, "permission denied")
}

// dropRole is DROP ROLE.
func dropRole(c *Context, st *ast.DropRoleStmt) error {
	cat := c.S.Cat
	if err := c.mayMakeRole(false, false, false, "permission denied to drop role"); err != nil {
		return err
	}
	for _, spec := range st.Roles {
		if spec.Roletype != ast.RolespecCstring {
			return pgerr.New(pgerr.InvalidParameterValue, "cannot use special role specifier in DROP ROLE")
		}
		r, err := catalog.Fetch[catalog.PgAuthid](cat, catalog.PgAuthidRolnameIndex, catalog.NameKey(catalog.AttPgAuthidRolname, spec.Rolename))
		if err != nil {
			return err
		}
		if r == nil {
			if st.MissingOk {
				c.skipNotice(pgerr.SuccessfulCompletion, "role %q does not exist, skipping", spec.Rolename)
				continue
			}
			return pgerr.New(pgerr.UndefinedObject, "role %q does not exist", spec.Rolename)
		}
		if err := c.dropOneRole(r); err != nil {
			return err
		}
	}
	return nil
}

func (c *Context) dropOneRole(r *catalog.PgAuthid) error {
	cat := c.S.Cat
	switch r.Oid {
	case c.S.User:
		return pgerr.New(pgerr.ObjectInUse, "current user cannot be dropped")
	case c.S.AuthUser:
		return pgerr.New(pgerr.ObjectInUse, "current user cannot be dropped")
	case c.S.SessionUser:
		return pgerr.New(pgerr.ObjectInUse, "session user cannot be dropped")
	}
	if super, err := cat.IsSuperuser(c.S.User); err != nil {
		return err
	} else if r.Rolsuper && !super {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be superuser to drop superusers")
	}
	if r.Oid < firstNormalOid {
		return pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop role %s because it is required by the database system", r.Rolname)
	}
	if err := c.S.Owner.Acquire(locks.ObjectTag(0, catalog.PgAuthidOid, r.Oid, 0), locks.AccessExclusive, locks.Opts{}); err != nil {
		return err
	}
	if err := c.roleUnused(r); err != nil {
		return err
	}
	for _, fetch := range []func() error{
		func() error { return c.dropMemberships(r.Oid) },
		func() error { return c.dropSettings(0, r.Oid, false) },
		func() error { return cat.DeleteComments(catalog.Object{Class: catalog.PgAuthidOid, Oid: r.Oid}) },
	} {
		if err := fetch(); err != nil {
			return err
		}
	}
	if err := cat.Delete(r); err != nil {
		return err
	}
	return c.step()
}

// roleUnused errors with 2BP01 while something in any database needs a role.
func (c *Context) roleUnused(r *catalog.PgAuthid) error {
	deps, err := c.S.Cat.SharedDependentsOf(catalog.PgAuthidOid, r.Oid)
	if err != nil || len(deps) == 0 {
		return err
	}
	slices.SortFunc(deps, func(a, b *catalog.PgShdepend) int {
		return cmp.Or(cmp.Compare(a.Objid, b.Objid), cmp.Compare(a.Classid, b.Classid), cmp.Compare(a.Objsubid, b.Objsubid), cmp.Compare(a.Deptype, b.Deptype))
	})
	var lines []string
	elsewhere := map[ids.Oid]int{}
	var order []ids.Oid
	for _, d := range deps {
		if d.Dbid != c.S.DB && d.Dbid != 0 {
			if elsewhere[d.Dbid] == 0 {
				order = append(order, d.Dbid)
			}
			elsewhere[d.Dbid]++
			continue
		}
		what := c.S.Cat.Describe(catalog.Object{Class: d.Classid, Oid: d.Objid, Sub: d.Objsubid})
		if d.Deptype == 'o' {
			lines = append(lines, "owner of "+what)
		} else {
			lines = append(lines, "privileges for "+what)
		}
	}
	for _, db := range order {
		name := ""
		if d, _ := c.S.Cat.DatabaseRow(db); d != nil {
			name = d.Datname
		}
		word := "objects"
		if elsewhere[db] == 1 {
			word = "object"
		}
		lines = append(lines, fmt.Sprintf("%d %s in database %s", elsewhere[db], word, name))
	}
	return pgerr.New(pgerr.DependentObjectsStillExist, "role %q cannot be dropped because some objects depend on it", r.Rolname).
		WithDetail("%s", strings.Join(lines, "\n"))
}

func (c *Context) dropMemberships(role ids.Oid) error {
	rows, err := catalog.FetchAll[catalog.PgAuthMembers](c.S.Cat, 0)
	if err != nil {
		return err
	}
	for _, m := range rows {
		if m.Roleid == role || m.Member == role {
			if err := c.S.Cat.Delete(m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Context) renameRole(old, name string) error {
	r, err := catalog.Fetch[catalog.PgAuthid](c.S.Cat, catalog.PgAuthidRolnameIndex, catalog.NameKey(catalog.AttPgAuthidRolname, old))
	if err != nil {
		return err
	}
	switch {
	case r == nil:
		return pgerr.New(pgerr.UndefinedObject, "role %q does not exist", old)
	case r.Oid == c.S.SessionUser:
		return pgerr.NotSupported("session user cannot be renamed")
	case r.Oid == c.S.User:
		return pgerr.NotSupported("current user cannot be renamed")
	}
	for _, n := range []string{old, name} {
		if err := checkRoleName(n); err != nil {
			return err
		}
	}
	if x, err := c.S.Cat.RoleByName(name); err != nil {
		return err
	} else if x != nil {
		return pgerr.New(pgerr.DuplicateObject, "role %q already exists", name)
	}
	if err := c.mayMakeRole(false, false, false, "permission denied to rename role"); err != nil {
		return err
	}
	r.Rolname = name
	if r.Rolpassword != nil && strings.HasPrefix(*r.Rolpassword, "md5") {
		r.Rolpassword = nil
		c.notice("MD5 password cleared because of role rename")
	}
	return c.S.Cat.Update(r)
}

// grantRole is GRANT and REVOKE of membership.
func grantRole(c *Context, st *ast.GrantRoleStmt) (string, error) {
	tag := "GRANT ROLE"
	if !st.IsGrant {
		tag = "REVOKE ROLE"
	}
	members, err := c.roles(st.GranteeRoles)
	if err != nil {
		return "", err
	}
	for _, p := range st.GrantedRoles {
		role, err := c.role(&ast.RoleSpec{Rolename: p.PrivName}, false)
		if err != nil {
			return "", err
		}
		if err := c.mayGrantRole(role); err != nil {
			return "", err
		}
		if st.IsGrant {
			err = c.addMembers(role, members, st.AdminOpt)
		} else {
			err = c.removeMembers(role, members, st.AdminOpt)
		}
		if err != nil {
			return "", err
		}
	}
	return tag, nil
}

func (c *Context) mayGrantRole(role ids.Oid) error {
	super, err := c.S.Cat.IsSuperuser(c.S.User)
	if err != nil || super {
		return err
	}
	r, err := c.S.Cat.Role(role)
	if err != nil {
		return err
	}
	if r.Rolsuper {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be superuser to alter superusers")
	}
	me, err := c.S.Cat.Role(c.S.User)
	if err != nil || me.Rolcreaterole {
		return err
	}
	list, err := c.S.Cat.MembersOf(role)
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.Member == c.S.User && m.AdminOption {
			return nil
		}
	}
	return pgerr.New(pgerr.InsufficientPrivilege, "must have admin option on role %q", r.Rolname)
}

func (c *Context) addMembers(role ids.Oid, members []ids.Oid, admin bool) error {
	for _, m := range members {
		if in, err := c.S.Cat.IsMemberOf(role, m); err != nil {
			return err
		} else if in && !c.isSuperRole(role) {
			return pgerr.New(pgerr.InvalidGrantOperation, "role %q is a member of role %q", c.roleName(role), c.roleName(m))
		}
		row, err := c.membership(role, m)
		if err != nil {
			return err
		}
		switch {
		case row == nil:
			err = c.S.Cat.Insert(&catalog.PgAuthMembers{Roleid: role, Member: m, Grantor: c.S.User, AdminOption: admin})
		case row.AdminOption || !admin:
			c.notice("role %q is already a member of role %q", c.roleName(m), c.roleName(role))
			continue
		default:
			row.AdminOption = true
			err = c.S.Cat.Update(row)
		}
		if err != nil {
			return err
		}
		if err := c.step(); err != nil {
			return err
		}
	}
	return nil
}

// isSuperRole reports whether a role is a superuser, who counts as a member of every role.
func (c *Context) isSuperRole(role ids.Oid) bool {
	super, err := c.S.Cat.IsSuperuser(role)
	return err == nil && super
}

func (c *Context) membership(role, member ids.Oid) (*catalog.PgAuthMembers, error) {
	return catalog.Fetch[catalog.PgAuthMembers](c.S.Cat, catalog.PgAuthMembersRoleMemberIndex,
		catalog.OidKey(catalog.AttPgAuthMembersRoleid, role), catalog.OidKey(catalog.AttPgAuthMembersMember, member))
}

func (c *Context) removeMembers(role ids.Oid, members []ids.Oid, adminOnly bool) error {
	for _, m := range members {
		row, err := c.membership(role, m)
		if err != nil {
			return err
		}
		switch {
		case row == nil:
			c.S.Warn("01000", "role %q is not a member of role %q", c.roleName(m), c.roleName(role))
			continue
		case adminOnly:
			row.AdminOption = false
			err = c.S.Cat.Update(row)
		default:
			err = c.S.Cat.Delete(row)
		}
		if err != nil {
			return err
		}
		if err := c.step(); err != nil {
			return err
		}
	}
	return nil
}
