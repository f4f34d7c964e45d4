package catalog

import (
	"fmt"
	"strings"

	"gompho/internal/ids"
)

// sqlTypeNames are the types that have a name of their own in SQL; those with a modifier put it in the middle or at the end.
var sqlTypeNames = map[ids.Oid]string{
	boolOid: "boolean", 1042: "character", float4Oid: "real", 701: "double precision", int2Oid: "smallint",
	int4Oid: "integer", int8Oid: "bigint", 1700: "numeric", 1186: "interval", 1083: "time without time zone",
	1266: "time with time zone", 1114: "timestamp without time zone", 1184: "timestamp with time zone",
	1560: "bit", 1562: "bit varying", 1043: "character varying",
}

// TypeName returns a type's name as regtype and format_type(oid, NULL) show it; "???" when there is no such type.
func (s *Session) TypeName(oid ids.Oid) string { return s.formatType(oid, -1, false, false) }

// FormatType returns a type's name with its modifier as format_type(oid, typmod) shows it.
func (s *Session) FormatType(oid ids.Oid, typmod int32) string {
	return s.formatType(oid, typmod, true, false)
}

// QualifiedType is FormatType with every name qualified that is not in SQL itself.
func (s *Session) QualifiedType(oid ids.Oid, typmod int32) string {
	return s.formatType(oid, typmod, true, true)
}

func (s *Session) formatType(oid ids.Oid, typmod int32, given, qualify bool) string {
	if oid == 0 {
		return "-"
	}
	t, err := s.TypeRow(oid)
	if t == nil || err != nil {
		return "???"
	}
	array := ""
	if t.Typelem != 0 && t.Typsubscript == arraySubscriptHandler && t.Typstorage != 'p' {
		if t, err = s.TypeRow(t.Typelem); t == nil || err != nil {
			return "???[]"
		}
		array = "[]"
	}
	name, ok := sqlTypeNames[t.Oid]
	switch {
	case ok && given && typmod < 0 && t.Oid == 1042:
		// Without a length SQL's name would mean length 1.
		name = "bpchar"
	case ok && given && typmod < 0 && t.Oid == 1560:
		name = `"bit"`
	case ok:
		name = withTypmod(t.Oid, name, typmod)
	case t.Oid == charOid:
		name = `"char"`
	default:
		name = QuoteIdent(t.Typname)
		if v, _ := s.TypeIsVisible(t.Oid); qualify || !v {
			name = QuoteQualified(s.namespaceName(t.Typnamespace), t.Typname)
		}
		if typmod >= 0 {
			name += fmt.Sprintf("(%d)", typmod)
		}
	}
	return name + array
}

// withTypmod puts a type modifier into a name.
func withTypmod(oid ids.Oid, name string, typmod int32) string {
	if typmod < 0 {
		return name
	}
	switch oid {
	case 1042, 1043:
		if typmod > 4 {
			return fmt.Sprintf("%s(%d)", name, typmod-4)
		}
	case 1560, 1562:
		return fmt.Sprintf("%s(%d)", name, typmod)
	case 1700:
		if typmod >= 4 {
			t := typmod - 4
			scale := t & 0x7ff
			if scale&0x400 != 0 {
				scale -= 0x800
			}
			return fmt.Sprintf("%s(%d,%d)", name, t>>16&0xffff, scale)
		}
	case 1083, 1266, 1114, 1184:
		word, rest, _ := strings.Cut(name, " ")
		return fmt.Sprintf("%s(%d) %s", word, typmod, rest)
	case 1186:
		return name + intervalTypmod(typmod)
	}
	return name
}

// intervalTypmod returns the text of an interval's field range and precision.
func intervalTypmod(typmod int32) string {
	const year, month, day, hour, minute, second = 1 << 2, 1 << 1, 1 << 3, 1 << 10, 1 << 11, 1 << 12
	fields, precision := typmod>>16&0x7fff, typmod&0xffff
	text := ""
	switch fields {
	case year:
		text = " year"
	case month:
		text = " month"
	case day:
		text = " day"
	case hour:
		text = " hour"
	case minute:
		text = " minute"
	case second:
		text = " second"
	case year | month:
		text = " year to month"
	case day | hour:
		text = " day to hour"
	case day | hour | minute:
		text = " day to minute"
	case day | hour | minute | second:
		text = " day to second"
	case hour | minute:
		text = " hour to minute"
	case hour | minute | second:
		text = " hour to second"
	case minute | second:
		text = " minute to second"
	}
	if precision != 0xffff {
		text += fmt.Sprintf("(%d)", precision)
	}
	return text
}

// IntervalFields returns the field range of an interval's type modifier in upper case, with its precision: YEAR TO MONTH,
// SECOND(3); empty when the modifier names no fields.
func IntervalFields(typmod int32) string {
	if typmod < 0 {
		return ""
	}
	fields, ok := strings.CutPrefix(intervalTypmod(typmod), " ")
	if !ok {
		return ""
	}
	return strings.ToUpper(fields)
}
