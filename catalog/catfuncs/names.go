package catfuncs

import (
	"fmt"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// encodings are PostgreSQL's encodings by number.
var encodings = [...]string{"SQL_ASCII", "EUC_JP", "EUC_CN", "EUC_KR", "EUC_TW", "EUC_JIS_2004", "UTF8", "MULE_INTERNAL", "LATIN1",
	"LATIN2", "LATIN3", "LATIN4", "LATIN5", "LATIN6", "LATIN7", "LATIN8", "LATIN9", "LATIN10", "WIN1256", "WIN1258", "WIN866", "WIN874",
	"KOI8R", "WIN1251", "WIN1252", "ISO_8859_5", "ISO_8859_6", "ISO_8859_7", "ISO_8859_8", "WIN1250", "WIN1253", "WIN1254", "WIN1255",
	"WIN1257", "KOI8U", "SJIS", "BIG5", "GBK", "UHC", "GB18030", "JOHAB", "SHIFT_JIS_2004"}

// maxBytes is the width of the widest character of an encoding.
var maxBytes = [...]int{1, 3, 2, 3, 4, 3, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 3, 2}

// encodingAliases are other names of encodings, letters and digits only, in lower case.
var encodingAliases = map[string]int{"unicode": 6, "utf8": 6, "sqlascii": 0, "iso88591": 8, "iso88592": 9, "iso88593": 10, "iso88594": 11,
	"iso88599": 12, "iso885910": 13, "iso885913": 14, "iso885914": 15, "iso885915": 16, "iso885916": 17, "windows1252": 24, "win": 23,
	"windows1251": 23, "windows1250": 29, "koi8": 22, "mskanji": 35, "shiftjis": 35, "windows932": 35, "windows936": 37, "windows949": 38,
	"windows950": 36, "win932": 35, "win936": 37, "win949": 38, "win950": 36, "abc": 19, "alt": 20, "tcvn": 19, "vscii": 19, "tcvn5712": 19,
	"windows866": 20, "windows874": 21, "windows1253": 30, "windows1254": 31, "windows1255": 32, "windows1256": 18, "windows1257": 33,
	"windows1258": 19}

// EncodingNumber returns the number of an encoding by any of its names, -1 when there is none.
func EncodingNumber(name string) int {
	key := squeeze(name)
	for i, n := range encodings {
		if squeeze(n) == key {
			return i
		}
	}
	if i, ok := encodingAliases[key]; ok {
		return i
	}
	return -1
}

// squeeze keeps the letters and digits of a name, in lower case.
func squeeze(name string) string {
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b = append(b, c)
		}
	}
	return string(b)
}

// EncodingName returns the name of an encoding, empty when there is none of that number.
func EncodingName(n int) string {
	if n < 0 || n >= len(encodings) {
		return ""
	}
	return encodings[n]
}

func nameFunctions() []functions.Entry {
	return []functions.Entry{
		entry("format_type", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			if isNull(c, 0) {
				return types.Null, nil
			}
			if isNull(c, 1) {
				return text(s.TypeName(oid(c, 0))), nil
			}
			return text(s.FormatType(oid(c, 0), int32(c.Args[1].Int()))), nil
		}),
		entry("pg_get_userbyid", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			r, err := s.Role(oid(c, 0))
			if err != nil {
				return null(err)
			}
			if r == nil {
				return text(fmt.Sprintf("unknown (OID=%d)", oid(c, 0))), nil
			}
			return text(r.Rolname), nil
		}),
		entry("PG_encoding_to_char", func(_ *catalog.Session, c *functions.Call) (types.Datum, error) {
			return text(EncodingName(int(c.Args[0].Int()))), nil
		}),
		entry("PG_char_to_encoding", func(_ *catalog.Session, c *functions.Call) (types.Datum, error) {
			return types.Int(int64(EncodingNumber(str(c, 0)))), nil
		}),
		entry("pg_encoding_max_length_sql", func(_ *catalog.Session, c *functions.Call) (types.Datum, error) {
			n := c.Args[0].Int()
			if n < 0 || n >= int64(len(maxBytes)) {
				return types.Null, nil
			}
			return types.Int(int64(maxBytes[n])), nil
		}),
		entry("getdatabaseencoding", func(*catalog.Session, *functions.Call) (types.Datum, error) { return text("UTF8"), nil }),
		entry("pg_client_encoding", func(_ *catalog.Session, c *functions.Call) (types.Datum, error) {
			v, _ := c.Env.Setting("client_encoding")
			return text(v), nil
		}),
		entry("nameconcatoid", func(_ *catalog.Session, c *functions.Call) (types.Datum, error) {
			suffix := fmt.Sprintf("_%d", oid(c, 1))
			name := str(c, 0)
			if n := 63 - len(suffix); len(name) > n {
				for n > 0 && name[n]&0xC0 == 0x80 {
					n--
				}
				name = name[:n]
			}
			return text(name + suffix), nil
		}),
		entry("current_schema", func(s *catalog.Session, _ *functions.Call) (types.Datum, error) {
			path, err := s.SearchPath(false)
			if err != nil || len(path) == 0 {
				return null(err)
			}
			n, err := s.Namespace(path[0])
			if n == nil || err != nil {
				return null(err)
			}
			return text(n.Nspname), nil
		}),
		entry("current_schemas", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			path, err := s.SearchPath(c.Args[0].Bool())
			if err != nil {
				return null(err)
			}
			var names []string
			for _, o := range path {
				n, err := s.Namespace(o)
				if err != nil {
					return null(err)
				}
				if n != nil {
					names = append(names, n.Nspname)
				}
			}
			return textArray(types.NameOid, names), nil
		}),
		entry("pg_my_temp_schema", func(s *catalog.Session, _ *functions.Call) (types.Datum, error) {
			return types.OidDatum(s.TempNamespaceIfAny()), nil
		}),
		entry("pg_is_other_temp_schema", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			temp, own, err := s.IsTempNamespace(oid(c, 0))
			return types.Bool(temp && !own), err
		}),
		entry("pg_get_serial_sequence", serialSequence),
	}
}

// serialSequence finds the sequence that a serial or identity column owns.
func serialSequence(s *catalog.Session, c *functions.Call) (types.Datum, error) {
	rel, err := s.LookupName(types.RegClass, str(c, 0))
	if err != nil {
		return null(err)
	}
	r, err := s.Relation(rel)
	if r == nil || err != nil {
		return null(err)
	}
	att := r.AttNum(str(c, 1))
	if att == 0 {
		return null(pgerr.New(pgerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", str(c, 1), r.Name))
	}
	deps, err := s.DependentsOf(catalog.ColumnObject(rel, att))
	if err != nil {
		return null(err)
	}
	for _, d := range deps {
		if d.Classid != catalog.PgClassOid || d.Objsubid != 0 || d.Deptype != 'a' && d.Deptype != 'i' {
			continue
		}
		seq, err := s.Relation(d.Objid)
		if err != nil {
			return null(err)
		}
		if seq != nil && seq.Kind == 'S' {
			n, err := s.Namespace(seq.Namespace)
			if n == nil || err != nil {
				return null(err)
			}
			return text(catalog.QuoteQualified(n.Nspname, seq.Name)), nil
		}
	}
	return types.Null, nil
}

// roleNamed returns the Oid of a role; public is 0.
func roleNamed(s *catalog.Session, name string) (ids.Oid, error) {
	if name == "public" {
		return 0, nil
	}
	return s.LookupRoleOid(name)
}
