package catalog

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// IsSuperuser reports whether a role is a superuser.
func (s *Session) IsSuperuser(role ids.Oid) (bool, error) {
	r, err := s.Role(role)
	return r != nil && r.Rolsuper, err
}

// rolesOf returns a role and all roles that it is a member of; withInherit stops at roles that do not inherit.
func (s *Session) rolesOf(role ids.Oid, inherit bool) ([]ids.Oid, error) {
	out := []ids.Oid{role}
	for i := 0; i < len(out); i++ {
		if inherit {
			r, err := s.Role(out[i])
			if err != nil {
				return nil, err
			}
			if r != nil && !r.Rolinherit {
				continue
			}
		}
		ms, err := s.MembershipsOf(out[i])
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			if !contains(out, m.Roleid) {
				out = append(out, m.Roleid)
			}
		}
		if i == 0 {
			db, err := s.DatabaseRow(s.db)
			if err != nil {
				return nil, err
			}
			if db != nil && contains(out, db.Datdba) && !contains(out, databaseOwnerRole) {
				out = append(out, databaseOwnerRole)
			}
		}
	}
	return out, nil
}

// databaseOwnerRole is pg_database_owner, whose one member is the owner of the current database.
const databaseOwnerRole ids.Oid = 6171

// HasPrivsOf reports whether a role has the privileges of another, by being it, a superuser or an inheriting member.
func (s *Session) HasPrivsOf(role, of ids.Oid) (bool, error) { return s.isMember(role, of, true) }

// IsMemberOf reports whether a role is another, a superuser or a member, inheriting or not: whether it may SET ROLE.
func (s *Session) IsMemberOf(role, of ids.Oid) (bool, error) { return s.isMember(role, of, false) }

func (s *Session) isMember(role, of ids.Oid, inherit bool) (bool, error) {
	if role == of {
		return true, nil
	}
	if super, err := s.IsSuperuser(role); super || err != nil {
		return super, err
	}
	roles, err := s.rolesOf(role, inherit)
	return contains(roles, of), err
}

// AclMask returns which of the privileges in want a role has under an access control list. A nil list means the
// defaults: owner's for the owner, public for everybody.
func (s *Session) AclMask(role, owner ids.Oid, acl []AclItem, want, ownerDefault, publicDefault uint32) (uint32, error) {
	if super, err := s.IsSuperuser(role); super || err != nil {
		return want, err
	}
	roles, err := s.rolesOf(role, true)
	if err != nil {
		return 0, err
	}
	if acl == nil {
		acl = []AclItem{{0, owner, publicDefault}, {owner, owner, ownerDefault}}
	}
	var have uint32
	if contains(roles, owner) {
		have = want & (want & (AclAllBits << 16)) // the owner holds all grant options
	}
	for _, a := range acl {
		if a.Grantee == 0 || contains(roles, a.Grantee) {
			have |= a.Privs & want
		}
	}
	return have, nil
}

// Privileges that owners have by default, by kind of object.
const (
	AclAllTable      = AclInsert | AclSelect | AclUpdate | AclDelete | AclTruncate | AclReferences | AclTrigger
	AclAllSequence   = AclUsage | AclSelect | AclUpdate
	AclAllDatabase   = AclCreate | AclCreateTemp | AclConnect
	AclAllSchema     = AclUsage | AclCreate
	AclAllTablespace = AclCreate
	AclAllFunction   = AclExecute
	AclAllLanguage   = AclUsage
	AclAllType       = AclUsage
)

// HasNamespacePrivilege reports whether a role has all of the privileges on a schema.
func (s *Session) HasNamespacePrivilege(role, namespace ids.Oid, privs uint32) (bool, error) {
	n, err := s.Namespace(namespace)
	if n == nil || err != nil {
		return false, err
	}
	if namespace == s.temp.oid && namespace != 0 {
		return true, nil
	}
	m, err := s.AclMask(role, n.Nspowner, n.Nspacl, privs, AclAllSchema, 0)
	return m == privs, err
}

// CheckNamespace errors with 42501 unless the current user has the privileges on the schema.
func (s *Session) CheckNamespace(namespace ids.Oid, privs uint32) error {
	ok, err := s.HasNamespacePrivilege(s.user, namespace, privs)
	if ok || err != nil {
		return err
	}
	n, err := s.Namespace(namespace)
	if err != nil {
		return err
	}
	name := ""
	if n != nil {
		name = n.Nspname
	}
	return pgerr.New(pgerr.InsufficientPrivilege, "permission denied for schema %s", name)
}

// HasRelationPrivilege reports whether a role has all of the privileges on a relation.
func (s *Session) HasRelationPrivilege(role ids.Oid, r *Relation, privs uint32) (bool, error) {
	m, err := s.RelationPrivileges(role, r, privs)
	return m == privs, err
}

// RelationPrivileges returns which of the privileges a role has on a relation.
func (s *Session) RelationPrivileges(role ids.Oid, r *Relation, want uint32) (uint32, error) {
	def := AclAllTable
	if r.Kind == 'S' {
		def = AclAllSequence
	}
	have, err := s.AclMask(role, r.Owner, r.Acl, want, def, 0)
	if err != nil || have == want {
		return have, err
	}
	return s.predefinedPrivileges(role, want, have)
}

// predefinedPrivileges adds what pg_read_all_data and pg_write_all_data give.
func (s *Session) predefinedPrivileges(role ids.Oid, want, have uint32) (uint32, error) {
	const readAll, writeAll = ids.Oid(6181), ids.Oid(6182)
	if want&AclSelect&^have != 0 {
		if ok, err := s.HasPrivsOf(role, readAll); err != nil {
			return 0, err
		} else if ok {
			have |= AclSelect
		}
	}
	writes := AclInsert | AclUpdate | AclDelete
	if want&writes&^have != 0 {
		if ok, err := s.HasPrivsOf(role, writeAll); err != nil {
			return 0, err
		} else if ok {
			have |= writes & want
		}
	}
	return have, nil
}

// HasColumnPrivilege reports whether a role has all of the privileges on a column, by the column or by its table.
func (s *Session) HasColumnPrivilege(role ids.Oid, r *Relation, att int16, privs uint32) (bool, error) {
	have, err := s.RelationPrivileges(role, r, privs)
	if err != nil || have&privs == privs {
		return err == nil, err
	}
	a, err := s.Attribute(r.Oid, att)
	if err != nil || a == nil || a.Attacl == nil {
		return false, err
	}
	more, err := s.AclMask(role, r.Owner, a.Attacl, privs, 0, 0)
	return (have|more)&privs == privs, err
}

// HasProcPrivilege reports whether a role may execute a function.
func (s *Session) HasProcPrivilege(role ids.Oid, p *Proc) (bool, error) {
	m, err := s.AclMask(role, p.Proowner, p.Proacl, AclExecute, AclExecute, AclExecute)
	return m != 0, err
}

// HasTypePrivilege reports whether a role may use a type.
func (s *Session) HasTypePrivilege(role ids.Oid, t *PgType) (bool, error) {
	m, err := s.AclMask(role, t.Typowner, t.Typacl, AclUsage, AclUsage, AclUsage)
	return m != 0, err
}

// DatabasePrivileges returns which of the privileges a role has on a database.
func (s *Session) DatabasePrivileges(role ids.Oid, d *Database, want uint32) (uint32, error) {
	return s.AclMask(role, d.Datdba, d.Datacl, want, AclAllDatabase, AclCreateTemp|AclConnect)
}

// TablespacePrivileges returns which of the privileges a role has on a tablespace.
func (s *Session) TablespacePrivileges(role ids.Oid, t *Tablespace, want uint32) (uint32, error) {
	return s.AclMask(role, t.Spcowner, t.Spcacl, want, AclAllTablespace, 0)
}

// IsAdminOf reports whether a role may grant membership in another.
func (s *Session) IsAdminOf(role, of ids.Oid) (bool, error) {
	if super, err := s.IsSuperuser(role); super || err != nil {
		return super, err
	}
	roles, err := s.rolesOf(role, false)
	if err != nil {
		return false, err
	}
	members, err := s.MembersOf(of)
	if err != nil {
		return false, err
	}
	for _, m := range members {
		if m.AdminOption && contains(roles, m.Member) {
			return true, nil
		}
	}
	return false, nil
}

// LookupRoleOid returns the Oid of a role; 42704 when there is none.
func (s *Session) LookupRoleOid(name string) (ids.Oid, error) {
	r, err := s.RoleByName(name)
	if err != nil {
		return 0, err
	}
	if r == nil {
		return 0, pgerr.New(pgerr.UndefinedObject, "role %q does not exist", name)
	}
	return r.Oid, nil
}
