package catalog

import (
	"embed"
	"strconv"
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

//go:embed data/*.tsv
var factFiles embed.FS

// factRows calls fn for each row of a fact file with its unescaped columns; a NULL is the string nullFact.
// The slice is reused.
func factRows(name string, fn func(cols []string) error) error {
	b, err := factFiles.ReadFile("data/" + name + ".tsv")
	if err != nil {
		return nil // a catalog that is empty in a new cluster
	}
	text := string(b)
	_, text, _ = strings.Cut(text, "\n") // the line of column names
	var cols []string
	for len(text) > 0 {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		cols = cols[:0]
		for more := true; more; {
			var c string
			c, line, more = strings.Cut(line, "\t")
			cols = append(cols, unescapeFact(c))
		}
		if err := fn(cols); err != nil {
			return err
		}
	}
	return nil
}

const nullFact = "\x00"

func unescapeFact(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	if s == `\N` {
		return nullFact
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			i++
			switch c = s[i]; c {
			case 't':
				c = '\t'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// Oids of the types that columns of catalogs have.
const (
	boolOid       ids.Oid = 16
	byteaOid      ids.Oid = 17
	charOid       ids.Oid = 18
	nameOid       ids.Oid = 19
	int8Oid       ids.Oid = 20
	int2Oid       ids.Oid = 21
	int2vectorOid ids.Oid = 22
	int4Oid       ids.Oid = 23
	regprocOid    ids.Oid = 24
	textOid       ids.Oid = 25
	oidOid        ids.Oid = 26
	xidOid        ids.Oid = 28
	oidvectorOid  ids.Oid = 30
	nodeTreeOid   ids.Oid = 194
	float4Oid     ids.Oid = 700
	charArrayOid  ids.Oid = 1002
	int2ArrayOid  ids.Oid = 1005
	textArrayOid  ids.Oid = 1009
	oidArrayOid   ids.Oid = 1028
	aclArrayOid   ids.Oid = 1034
	lsnOid        ids.Oid = 3220
	timestamptz   ids.Oid = 1184
)

// factDatum reads one column of a fact file. Strings refer to the text of the file.
func factDatum(typ ids.Oid, s string) (types.Datum, error) {
	if s == nullFact {
		return types.Null, nil
	}
	switch typ {
	case boolOid:
		return types.Bool(s == "t"), nil
	case charOid:
		if s == "" {
			return types.Word(0), nil
		}
		return types.Word(uint64(s[0])), nil
	case nameOid, textOid, nodeTreeOid:
		return types.String(s), nil
	case int2Oid, int4Oid, int8Oid, oidOid, regprocOid, xidOid:
		n, err := strconv.ParseInt(s, 10, 64)
		return types.Int(n), err
	case float4Oid:
		f, err := strconv.ParseFloat(s, 32)
		return types.Float(float64(float32(f))), err
	case oidvectorOid, int2vectorOid:
		return factArray(typ, strings.Fields(s))
	case charArrayOid, int2ArrayOid, textArrayOid, oidArrayOid, aclArrayOid:
		return factArray(typ, splitArray(s))
	}
	return types.Null, pgerr.Internal("no fact format for type %d", typ)
}

func factArray(typ ids.Oid, elems []string) (types.Datum, error) {
	switch typ {
	case textArrayOid:
		return putTexts(elems), nil
	case charArrayOid:
		return putChars([]byte(strings.Join(elems, ""))), nil
	case aclArrayOid:
		acl := make([]AclItem, 0, len(elems))
		for _, e := range elems {
			a, err := parseAclItem(e, factRole)
			if err != nil {
				return types.Null, err
			}
			acl = append(acl, a)
		}
		return putAcl(acl), nil
	}
	oids, ints := make([]ids.Oid, 0, len(elems)), make([]int16, 0, len(elems))
	for _, e := range elems {
		n, err := strconv.ParseInt(e, 10, 64)
		if err != nil {
			return types.Null, err
		}
		oids, ints = append(oids, ids.Oid(n)), append(ints, int16(n))
	}
	switch typ {
	case oidvectorOid:
		return putOidVector(oids), nil
	case int2vectorOid:
		return putInt2Vector(ints), nil
	case int2ArrayOid:
		return putInt2s(ints), nil
	}
	return putOids(oids), nil
}

// splitArray splits the text of a one-dimensional array without NULLs.
func splitArray(s string) []string {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	elems := []string{}
	if s == "" {
		return elems
	}
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c == ',' && !quoted:
			elems = append(elems, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(elems, b.String())
}

// factRole finds the roles that the facts' access control lists name.
func factRole(name string) (ids.Oid, bool) {
	roles := map[string]ids.Oid{"": 0, "postgres": ids.BootstrapRole, "pg_database_owner": 6171, "pg_read_all_data": 6181,
		"pg_write_all_data": 6182, "pg_monitor": 3373, "pg_read_all_settings": 3374, "pg_read_all_stats": 3375,
		"pg_stat_scan_tables": 3377, "pg_read_server_files": 4569, "pg_write_server_files": 4570,
		"pg_execute_server_program": 4571, "pg_signal_backend": 4200, "pg_checkpoint": 4544}
	o, ok := roles[name]
	return o, ok
}
