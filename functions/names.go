package functions

import (
	"strings"

	"gompho/internal/pgerr"
	"gompho/types"
)

func isIdentStart(b byte) bool {
	return b == '_' || b >= 0x80 || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

const identSpace = " \t\n\r\f\v"

// parseIdent splits a qualified name into its parts; a second argument false lets anything follow the name.
func parseIdent(c *Call) (types.Datum, error) {
	whole := c.str(0)
	strict := len(c.Args) < 2 || c.bool(1)
	bad := func() *pgerr.Error {
		return pgerr.New(pgerr.InvalidParameterValue, "string is not a valid identifier: \"%s\"", whole)
	}
	var parts []types.Datum
	afterDot := false
	for s := strings.TrimLeft(whole, identSpace); ; {
		switch {
		case s != "" && s[0] == '"':
			name, rest, ok := quotedIdent(s)
			if !ok {
				return types.Null, bad().WithDetail("String has unclosed double quotes.")
			}
			if name == "" {
				return types.Null, bad().WithDetail("Quoted identifier must not be empty.")
			}
			parts, s = append(parts, types.String(name)), rest
		case s != "" && isIdentStart(s[0]):
			i := 1
			for i < len(s) && (isIdentStart(s[i]) || isDigit(s[i]) || s[i] == '$') {
				i++
			}
			parts, s = append(parts, types.String(string(lowerASCII([]byte(s[:i]))))), s[i:]
		case s != "" && s[0] == '.':
			return types.Null, bad().WithDetail("No valid identifier before \".\".")
		case afterDot:
			return types.Null, bad().WithDetail("No valid identifier after \".\".")
		default:
			return types.Null, bad()
		}
		s = strings.TrimLeft(s, identSpace)
		if s == "" || s[0] != '.' {
			if s != "" && strict {
				return types.Null, bad()
			}
			return textArray(parts), nil
		}
		afterDot = true
		s = strings.TrimLeft(s[1:], identSpace)
	}
}

func lowerASCII(b []byte) []byte {
	out := append([]byte(nil), b...)
	for i, x := range out {
		if x >= 'A' && x <= 'Z' {
			out[i] = x + 'a' - 'A'
		}
	}
	return out
}

// quotedIdent reads a name in double quotes, doubled inside for one.
func quotedIdent(s string) (name, rest string, ok bool) {
	var sb strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			sb.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			sb.WriteByte('"')
			i++
			continue
		}
		return sb.String(), s[i+1:], true
	}
	return "", "", false
}

// oidVectorTypes lists the names of types, as \df shows arguments.
func oidVectorTypes(c *Call) (types.Datum, error) {
	var names []string
	it := types.IterateArray(c.Args[0], types.Builtin(types.OidOid))
	for e, ok := it.Next(); ok; e, ok = it.Next() {
		t, err := c.typeByOid(e.Oid())
		if err != nil {
			names = append(names, "???")
			continue
		}
		names = append(names, types.FormatName(t))
	}
	return types.String(strings.Join(names, ", ")), nil
}

// collationFor names the collation of an expression.
func collationFor(c *Call) (types.Datum, error) {
	t, err := c.argType(0)
	if err != nil {
		return types.Null, nil
	}
	if t.Collation == 0 {
		if t.Oid == types.UnknownOid {
			return types.Null, nil
		}
		return types.Null, pgerr.New(pgerr.DatatypeMismatch, "collations are not supported by type %s", types.FormatName(t))
	}
	if c.Collation == 0 {
		return types.Null, nil
	}
	name, ok := c.Env.ObjectName(types.RegCollation, c.Collation)
	if !ok {
		return types.Null, nil
	}
	return types.String(name), nil
}

// nameFamily lists functions over names of objects.
func nameFamily() []Entry {
	return []Entry{
		{Name: "parse_ident", Scalar: parseIdent}, {Name: "oidvectortypes", Scalar: oidVectorTypes},
		{Name: "pg_collation_for", Scalar: collationFor},
	}
}
