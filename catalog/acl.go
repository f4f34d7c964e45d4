package catalog

import (
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// The privileges of an AclItem, with PostgreSQL's bits.
const (
	AclInsert uint32 = 1 << iota
	AclSelect
	AclUpdate
	AclDelete
	AclTruncate
	AclReferences
	AclTrigger
	AclExecute
	AclUsage
	AclCreate
	AclCreateTemp
	AclConnect
	AclSet
	AclAlterSystem
)

// aclLetters are the letters of the privileges in text form, by bit.
const aclLetters = "arwdDxtXUCTcsA"

// AclAllBits are the bits of all privileges.
const AclAllBits = uint32(1)<<len(aclLetters) - 1

// GrantOption returns the grant-option bits of privs.
func GrantOption(privs uint32) uint32 { return privs << 16 }

// parseAclItem reads grantee=privileges/grantor.
func parseAclItem(s string, role func(string) (ids.Oid, bool)) (AclItem, error) {
	bad := func() (AclItem, error) {
		return AclItem{}, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type aclitem: %q", s)
	}
	grantee, rest, ok := strings.Cut(s, "=")
	if !ok {
		return bad()
	}
	letters, grantor, _ := strings.Cut(rest, "/")
	var a AclItem
	if a.Grantee, ok = role(grantee); !ok {
		return bad()
	}
	if a.Grantor, ok = role(grantor); !ok {
		return bad()
	}
	var last uint32
	for i := range len(letters) {
		if letters[i] == '*' {
			a.Privs |= last << 16
			continue
		}
		bit := strings.IndexByte(aclLetters, letters[i])
		if bit < 0 {
			return bad()
		}
		last = 1 << bit
		a.Privs |= last
	}
	return a, nil
}

// Format returns the text of an entry; name gives the name of a role.
func (a AclItem) Format(name func(ids.Oid) string) string {
	var b strings.Builder
	if a.Grantee != 0 {
		b.WriteString(name(a.Grantee))
	}
	b.WriteByte('=')
	for i := range len(aclLetters) {
		if a.Privs&(1<<i) != 0 {
			b.WriteByte(aclLetters[i])
			if a.Privs&(1<<(16+i)) != 0 {
				b.WriteByte('*')
			}
		}
	}
	return b.String() + "/" + name(a.Grantor)
}
