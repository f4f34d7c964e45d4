package catalog

import (
	"cmp"
	"slices"

	"gompho/internal/ids"
)

// Kinds of new objects that ALTER DEFAULT PRIVILEGES is about: pg_default_acl.defaclobjtype.
const (
	DefaclRelation  byte = 'r'
	DefaclSequence  byte = 'S'
	DefaclFunction  byte = 'f'
	DefaclType      byte = 'T'
	DefaclNamespace byte = 'n'
)

// defaclWords are the kinds in descriptions.
var defaclWords = map[byte]string{DefaclRelation: "relations", DefaclSequence: "sequences", DefaclFunction: "functions",
	DefaclType: "types", DefaclNamespace: "schemas"}

// DefaclBuiltin is what a new object of a kind has without ALTER DEFAULT PRIVILEGES.
func DefaclBuiltin(kind byte, owner ids.Oid) []AclItem {
	if kind == DefaclSequence {
		kind = 's'
	}
	acl, _ := AclDefault(kind, owner)
	return acl
}

// DefaultAclRow returns the row of pg_default_acl of a role, schema (0: all schemas) and kind; nil when there is none.
func (s *Session) DefaultAclRow(role, namespace ids.Oid, kind byte) (*PgDefaultAcl, error) {
	rows, err := fetchAll[PgDefaultAcl](s, PgDefaultAclRoleNspObjIndex, OidKey(AttPgDefaultAclDefaclrole, role),
		OidKey(AttPgDefaultAclDefaclnamespace, namespace))
	for _, r := range rows {
		if r.Defaclobjtype == kind {
			return r, err
		}
	}
	return nil, err
}

// NewObjectAcl returns the access control list that a role's new object gets by ALTER DEFAULT PRIVILEGES; nil when that is what the kind
// has anyway. What is said of the schema adds to what is said of all schemas.
func (s *Session) NewObjectAcl(kind byte, owner, namespace ids.Oid) ([]AclItem, error) {
	if s.boot || s.store == nil {
		return nil, nil
	}
	global, err := s.DefaultAclRow(owner, 0, kind)
	if err != nil {
		return nil, err
	}
	var local *PgDefaultAcl
	if namespace != 0 {
		if local, err = s.DefaultAclRow(owner, namespace, kind); err != nil {
			return nil, err
		}
	}
	if global == nil && local == nil {
		return nil, nil
	}
	builtin := DefaclBuiltin(kind, owner)
	acl := slices.Clone(builtin)
	if global != nil {
		acl = slices.Clone(global.Defaclacl)
	}
	if local != nil {
		for _, it := range local.Defaclacl {
			acl = addAclItem(acl, it)
		}
	}
	sortAcl(acl)
	if SameAcl(acl, builtin) {
		return nil, nil
	}
	return acl, nil
}

func addAclItem(acl []AclItem, it AclItem) []AclItem {
	for i := range acl {
		if acl[i].Grantee == it.Grantee && acl[i].Grantor == it.Grantor {
			acl[i].Privs |= it.Privs
			return acl
		}
	}
	return append(acl, it)
}

func sortAcl(acl []AclItem) {
	slices.SortFunc(acl, func(a, b AclItem) int {
		return cmp.Or(cmp.Compare(a.Grantee, b.Grantee), cmp.Compare(a.Grantor, b.Grantor), cmp.Compare(a.Privs, b.Privs))
	})
}

// SameAcl reports whether two lists have the same entries, in any order.
func SameAcl(a, b []AclItem) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	sortAcl(a)
	sortAcl(b)
	return slices.Equal(a, b)
}

// AclDefault is the access control list that an object has when none is stored; kind is a letter of the function acldefault. false: no
// such kind.
func AclDefault(kind byte, owner ids.Oid) ([]AclItem, bool) {
	var public, own uint32
	switch kind {
	case 'c':
	case 'r':
		own = AclAllTable
	case 's':
		own = AclAllSequence
	case 'd':
		public, own = AclCreateTemp|AclConnect, AclAllDatabase
	case 'f':
		public, own = AclExecute, AclAllFunction
	case 'l':
		public, own = AclUsage, AclAllLanguage
	case 'L':
		own = AclSelect | AclUpdate
	case 'n':
		own = AclAllSchema
	case 'p':
		own = AclSet | AclAlterSystem
	case 't':
		own = AclAllTablespace
	case 'F', 'S':
		own = AclUsage
	case 'T':
		public, own = AclUsage, AclAllType
	default:
		return nil, false
	}
	acl := []AclItem{}
	if public != 0 {
		acl = append(acl, AclItem{Grantor: owner, Privs: public})
	}
	if own != 0 {
		acl = append(acl, AclItem{Grantee: owner, Grantor: owner, Privs: own})
	}
	return acl, true
}
