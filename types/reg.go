package types

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

type regKind struct {
	noun string // what messages call such an object
	none string // what oid 0 is shown as
}

var regKinds = [...]regKind{
	RegClass: {"relation", "-"}, RegType: {"type", "-"}, RegProc: {"function", "-"}, RegProcedure: {"function", "-"},
	RegOper: {"operator", "0"}, RegOperator: {"operator", "0"}, RegNamespace: {"schema", "-"}, RegRole: {"role", "-"},
	RegCollation: {"collation", "-"}, RegConfig: {"text search configuration", "-"},
	RegDictionary: {"text search dictionary", "-"},
}

// regTypes are the alias types of oid by their type's Oid.
var regTypes = map[ids.Oid]RegKind{
	RegclassOid: RegClass, RegtypeOid: RegType, RegprocOid: RegProc, RegprocedureOid: RegProcedure,
	RegoperOid: RegOper, RegoperatorOid: RegOperator, RegnamespaceOid: RegNamespace, RegroleOid: RegRole,
	RegcollationOid: RegCollation, RegconfigOid: RegConfig, RegdictionaryOid: RegDictionary,
}

// RegKindOf tells which kind of object an alias type of oid names.
func RegKindOf(typ ids.Oid) (RegKind, bool) {
	k, ok := regTypes[typ]
	return k, ok
}

// isUnsigned32 tells which types hold an unsigned number of 32 bits.
func isUnsigned32(typ ids.Oid) bool {
	_, reg := regTypes[typ]
	return reg || typ == OidOid
}

// Relabels reports whether a cast between two types that PostgreSQL stores alike changes the word here: int4 fills it with
// its sign, oid and its kin with zeros.
func Relabels(from, to ids.Oid) bool {
	return from == Int4Oid && isUnsigned32(to) || to == Int4Oid && isUnsigned32(from)
}

// Relabel makes such a cast.
func Relabel(d Datum, from, to ids.Oid) Datum {
	switch {
	case d.IsNull() || !Relabels(from, to):
		return d
	case from == Int4Oid:
		return Word(uint64(uint32(d.word)))
	}
	return Int(int64(int32(d.word)))
}

func regIO(kind RegKind) *typeIO {
	none := regKinds[kind].none
	return &typeIO{
		in: func(env Env, _ *Type, s string, _ int32) (Datum, error) {
			if s == none {
				return Word(0), nil
			}
			if s != "" && strings.Trim(s, "0123456789") == "" {
				v, err := parseUnsigned(s, "oid", 32)
				return Word(v), err
			}
			oid, err := env.LookupName(kind, s)
			return OidDatum(oid), err
		},
		out: func(env Env, _ *Type, d Datum, dst []byte) []byte {
			if d.word == 0 {
				return append(dst, none...)
			}
			if name, ok := env.ObjectName(kind, d.Oid()); ok {
				return append(dst, name...)
			}
			return strconv.AppendUint(dst, d.word, 10)
		},
		recv: wordRecv(4), send: wordSend(4), cmp: cmpWord, hash: hashWordDatum,
	}
}

// xidIO has equality and a hash, but no order that SQL knows; the order here serves sorting and grouping.
func xidIO() *typeIO { return oidIO(32, "xid") }

var tidIO = typeIO{
	in: func(_ Env, _ *Type, s string, _ int32) (Datum, error) {
		open, end := strings.IndexByte(s, '('), strings.LastIndexByte(s, ')')
		if open < 0 || end < open {
			return Null, badSyntax("tid", s)
		}
		b, o, ok := strings.Cut(s[open+1:end], ",")
		if !ok {
			return Null, badSyntax("tid", s)
		}
		block, err := strconv.ParseInt(trimLeft(b), 10, 64)
		if err != nil || block > math.MaxUint32 || block < math.MinInt32 {
			return Null, badSyntax("tid", s)
		}
		off, err := strconv.ParseUint(trimLeft(o), 10, 16)
		if err != nil {
			return Null, badSyntax("tid", s)
		}
		return Word(ids.TID{Block: ids.BlockNumber(block), Offset: ids.OffsetNumber(off)}.Pack()), nil
	},
	out: func(_ Env, _ *Type, d Datum, dst []byte) []byte {
		t := ids.UnpackTID(d.word)
		dst = strconv.AppendUint(append(dst, '('), uint64(t.Block), 10)
		dst = strconv.AppendUint(append(dst, ','), uint64(t.Offset), 10)
		return append(dst, ')')
	},
	recv: func(_ Env, _ *Type, b []byte, _ int32) (Datum, error) {
		if len(b) < 6 {
			return Null, shortMessage()
		}
		if len(b) > 6 {
			return Null, badBinary()
		}
		return Word(uint64(binary.BigEndian.Uint32(b))<<16 | uint64(binary.BigEndian.Uint16(b[4:]))), nil
	},
	send: func(_ Env, _ *Type, d Datum, dst []byte) ([]byte, error) {
		dst = binary.BigEndian.AppendUint32(dst, uint32(d.word>>16))
		return binary.BigEndian.AppendUint16(dst, uint16(d.word)), nil
	},
	cmp:  cmpWord,
	hash: hashWordDatum,
}

var lsnIO = typeIO{
	in: func(_ Env, _ *Type, s string, _ int32) (Datum, error) {
		hi, lo, ok := strings.Cut(s, "/")
		h, err1 := strconv.ParseUint(hi, 16, 32)
		l, err2 := strconv.ParseUint(lo, 16, 32)
		if !ok || err1 != nil || err2 != nil || len(hi) > 8 || len(lo) > 8 {
			return Null, badSyntax("pg_lsn", s)
		}
		return Word(h<<32 | l), nil
	},
	out: func(_ Env, _ *Type, d Datum, dst []byte) []byte {
		dst = appendUpperHex(dst, uint32(d.word>>32))
		return appendUpperHex(append(dst, '/'), uint32(d.word))
	},
	recv: wordRecv(8), send: wordSend(8), cmp: cmpWord, hash: hashWordDatum,
}

func appendUpperHex(dst []byte, v uint32) []byte {
	n := len(dst)
	dst = strconv.AppendUint(dst, uint64(v), 16)
	for i := n; i < len(dst); i++ {
		if dst[i] >= 'a' {
			dst[i] -= 'a' - 'A'
		}
	}
	return dst
}

// aclPrivs are the letters of the privileges in the text form of an aclitem, by bit.
const aclPrivs = "arwdDxtXUCTcsA"

// An aclitem is 12 bytes: grantee, grantor, and a word of privileges with their grant options in its upper half.
var aclIO = typeIO{
	in:  parseAclItem,
	out: appendAclItem,
	cmp: cmpBytes, hash: hashBytesDatum,
}

func parseAclItem(env Env, _ *Type, s string, _ int32) (Datum, error) {
	t := strings.TrimPrefix(strings.TrimPrefix(s, "group "), "user ")
	role, rest, err := aclRole(env, t)
	if err != nil {
		return Null, err
	}
	if rest == "" || rest[0] != '=' {
		return Null, pgerr.New(pgerr.InvalidTextRepresentation, "missing \"=\" sign")
	}
	rest = rest[1:]
	var privs, last uint32
	for rest != "" && rest[0] != '/' && rest[0] != ' ' {
		if rest[0] == '*' {
			privs |= last << 16
			rest = rest[1:]
			continue
		}
		bit := strings.IndexByte(aclPrivs, rest[0])
		if bit < 0 {
			return Null, pgerr.New(pgerr.InvalidTextRepresentation, "invalid mode character: must be one of \"%s\"", aclPrivs)
		}
		last = 1 << bit
		privs |= last
		rest = rest[1:]
	}
	grantor := ids.BootstrapRole
	if rest != "" && rest[0] == '/' {
		if grantor, rest, err = aclRole(env, rest[1:]); err != nil {
			return Null, err
		}
		if grantor == 0 {
			return Null, pgerr.New(pgerr.InvalidTextRepresentation, "a name must follow the \"/\" sign")
		}
	}
	if trimSpace(rest) != "" {
		return Null, pgerr.New(pgerr.InvalidTextRepresentation, "extra garbage at the end of the ACL specification")
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(role))
	b = binary.LittleEndian.AppendUint32(b, uint32(grantor))
	return Bytes(binary.LittleEndian.AppendUint32(b, privs)), nil
}

// aclRole reads a role name, quoted or not, empty for everybody, and returns what follows it.
func aclRole(env Env, s string) (ids.Oid, string, error) {
	i, quoted := 0, false
	for i < len(s) {
		c := s[i]
		if c == '"' {
			quoted = !quoted
		} else if !quoted && c != '_' && c < 0x80 && !isAlnum(c) {
			break
		}
		i++
	}
	if i == 0 {
		return 0, s, nil
	}
	oid, err := env.LookupName(RegRole, s[:i])
	return oid, s[i:], err
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func appendAclItem(env Env, _ *Type, d Datum, dst []byte) []byte {
	b := d.Bytes()
	if len(b) < 12 {
		return dst
	}
	role := func(oid ids.Oid) {
		if name, ok := env.ObjectName(RegRole, oid); ok {
			dst = append(dst, name...)
		} else {
			dst = strconv.AppendUint(dst, uint64(oid), 10)
		}
	}
	if g := ids.Oid(binary.LittleEndian.Uint32(b)); g != 0 {
		role(g)
	}
	dst = append(dst, '=')
	privs := binary.LittleEndian.Uint32(b[8:])
	for i := range len(aclPrivs) {
		if privs&(1<<i) != 0 {
			dst = append(dst, aclPrivs[i])
			if privs&(1<<(16+i)) != 0 {
				dst = append(dst, '*')
			}
		}
	}
	dst = append(dst, '/')
	role(ids.Oid(binary.LittleEndian.Uint32(b[4:])))
	return dst
}
