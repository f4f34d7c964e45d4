package catfuncs

import (
	"encoding/binary"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// privilegeWords are the privileges of an aclitem by bit.
var privilegeWords = [...]string{"INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "EXECUTE", "USAGE",
	"CREATE", "TEMPORARY", "CONNECT", "SET", "ALTER SYSTEM"}

func decodeItem(d types.Datum) catalog.AclItem {
	b := d.Bytes()
	if len(b) < 12 {
		return catalog.AclItem{}
	}
	le := binary.LittleEndian
	return catalog.AclItem{Grantee: ids.Oid(le.Uint32(b)), Grantor: ids.Oid(le.Uint32(b[4:])), Privs: le.Uint32(b[8:])}
}

func encodeItem(a catalog.AclItem) types.Datum {
	b := make([]byte, 0, 12)
	le := binary.LittleEndian
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, uint32(a.Grantee)), uint32(a.Grantor)), a.Privs)
	return types.Bytes(b)
}

func decodeAcl(d types.Datum) []catalog.AclItem {
	elems := types.DecodeArray(d, types.Builtin(types.AclItemOid)).Elems
	out := make([]catalog.AclItem, len(elems))
	for i, e := range elems {
		out[i] = decodeItem(e)
	}
	return out
}

func encodeAcl(acl []catalog.AclItem) types.Datum {
	elems := make([]types.Datum, len(acl))
	for i, a := range acl {
		elems[i] = encodeItem(a)
	}
	return types.NewArray(types.AclItemOid, elems).Encode(types.Builtin(types.AclItemOid))
}

func aclFunctions() []functions.Entry {
	return []functions.Entry{
		set("aclexplode", func(_ *catalog.Session, c *functions.Call) ([][]types.Datum, error) {
			var out [][]types.Datum
			for _, a := range decodeAcl(c.Args[0]) {
				for bit, word := range privilegeWords {
					if a.Privs&(1<<bit) != 0 {
						out = append(out, []types.Datum{types.OidDatum(a.Grantor), types.OidDatum(a.Grantee), text(word),
							types.Bool(a.Privs&(1<<(16+bit)) != 0)})
					}
				}
			}
			return out, nil
		}),
		entry("acldefault_sql", func(_ *catalog.Session, c *functions.Call) (types.Datum, error) {
			acl, ok := catalog.AclDefault(byte(c.Args[0].Word()), oid(c, 1))
			if !ok {
				return null(pgerr.Internal("unrecognized objtype abbreviation: %c", byte(c.Args[0].Word())))
			}
			return encodeAcl(acl), nil
		}),
		entry("makeaclitem", func(_ *catalog.Session, c *functions.Call) (types.Datum, error) {
			var list []privilege
			for bit, w := range privilegeWords {
				list = append(list, privilege{w, 1 << bit})
			}
			sets, err := parsePrivileges(append(list, privilege{"TEMP", catalog.AclCreateTemp}), str(c, 2))
			if err != nil {
				return null(err)
			}
			a := catalog.AclItem{Grantee: oid(c, 0), Grantor: oid(c, 1)}
			for _, p := range sets {
				a.Privs |= p
			}
			if c.Args[3].Bool() {
				a.Privs |= catalog.GrantOption(a.Privs)
			}
			return encodeItem(a), nil
		}),
		entry("aclcontains", func(_ *catalog.Session, c *functions.Call) (types.Datum, error) {
			want := decodeItem(c.Args[1])
			for _, a := range decodeAcl(c.Args[0]) {
				if a.Grantee == want.Grantee && a.Grantor == want.Grantor && a.Privs&want.Privs == want.Privs {
					return types.Bool(true), nil
				}
			}
			return types.Bool(false), nil
		}),
		entry("aclitem_eq", func(_ *catalog.Session, c *functions.Call) (types.Datum, error) {
			return types.Bool(decodeItem(c.Args[0]) == decodeItem(c.Args[1])), nil
		}),
		entry("aclinsert", noLonger("aclinsert")),
		entry("aclremove", noLonger("aclremove")),
	}
}

// noLonger is a function that PostgreSQL keeps only to refuse it.
func noLonger(name string) fn {
	return func(*catalog.Session, *functions.Call) (types.Datum, error) {
		return null(pgerr.New(pgerr.FeatureNotSupported, "%s is no longer supported", name))
	}
}
