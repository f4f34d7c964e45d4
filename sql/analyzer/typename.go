package analyzer

import (
	"strconv"
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// typeRow returns the pg_type row of a type that must exist.
func (a *analysis) typeRow(oid ids.Oid) *catalog.PgType {
	t := must(a.cat.TypeRow(oid))
	if t == nil {
		fail(pgerr.Internal("cache lookup failed for type %d", oid))
	}
	return t
}

// typeName is format_type_be: how messages call a type.
func (a *analysis) typeName(oid ids.Oid) string { return a.cat.TypeName(oid) }

func (a *analysis) typeCollation(oid ids.Oid) ids.Oid {
	switch oid {
	case int4Oid, int8Oid, boolOid, unknownOid, 0:
		return 0
	case textOid:
		return defaultCollation
	}
	return a.typeRow(oid).Typcollation
}

func (a *analysis) collatable(oid ids.Oid) bool { return a.typeCollation(oid) != 0 }

// baseType returns the type under a domain.
func (a *analysis) baseType(oid ids.Oid) ids.Oid { return must(a.cat.BaseType(oid)) }

// baseTypeMod also gives the modifier that the domain imposes, when typmod (of the domain itself) is -1.
func (a *analysis) baseTypeMod(oid ids.Oid, typmod int32) (ids.Oid, int32) {
	for {
		t := a.typeRow(oid)
		if t.Typtype != 'd' {
			return oid, typmod
		}
		oid, typmod = t.Typbasetype, t.Typtypmod
	}
}

func isTrueArray(t *catalog.PgType) bool {
	return t.Typelem != 0 && t.Typsubscript == arraySubscriptFn
}

// elementType returns the element type of a true array type, 0 for others.
func (a *analysis) elementType(oid ids.Oid) ids.Oid {
	if t := must(a.cat.TypeRow(oid)); t != nil && isTrueArray(t) {
		return t.Typelem
	}
	return 0
}

func (a *analysis) baseElementType(oid ids.Oid) ids.Oid { return a.elementType(a.baseType(oid)) }

func (a *analysis) arrayType(oid ids.Oid) ids.Oid {
	if t := must(a.cat.TypeRow(oid)); t != nil {
		return t.Typarray
	}
	return 0
}

func (a *analysis) typtype(oid ids.Oid) byte {
	if t := must(a.cat.TypeRow(oid)); t != nil {
		return t.Typtype
	}
	return 0
}

// isComplex reports whether a type is composite, or a domain over a composite type.
func (a *analysis) isComplex(oid ids.Oid) bool { return a.relidOfType(oid) != 0 }

// relidOfType returns the relation behind a composite type or a domain over one.
func (a *analysis) relidOfType(oid ids.Oid) ids.Oid {
	t := must(a.cat.TypeRow(oid))
	if t != nil && t.Typtype == 'd' {
		t = must(a.cat.TypeRow(a.baseType(oid)))
	}
	if t == nil {
		return 0
	}
	return t.Typrelid
}

func (a *analysis) category(oid ids.Oid) (byte, bool) {
	t := a.typeRow(oid)
	return t.Typcategory, t.Typispreferred
}

func (a *analysis) isString(oid ids.Oid) bool { c, _ := a.category(oid); return c == 'S' }

// typeNameString is the name of a type as written, for messages.
func typeNameString(tn *ast.TypeName) string {
	s := strings.Join(tn.Names, ".")
	if tn.PctType {
		s += "%TYPE"
	}
	if len(tn.ArrayBounds) > 0 {
		s += "[]"
	}
	return s
}

// lookupType finds the type that a type name means; nil when there is none.
func (a *analysis) lookupType(tn *ast.TypeName) *catalog.PgType {
	if len(tn.Names) == 0 {
		return must(a.cat.TypeRow(tn.TypeOid))
	}
	var t *catalog.PgType
	switch {
	case tn.PctType:
		t = a.columnType(tn)
	default:
		schema, name := a.splitName(tn.Names, tn.Location)
		if schema != "" && must(a.cat.LookupNamespace(schema, true)) == 0 {
			failAt(tn.Location, pgerr.InvalidSchemaName, "schema \"%s\" does not exist", schema)
		}
		t = must(a.cat.LookupType(schema, name))
	}
	if t != nil && len(tn.ArrayBounds) > 0 {
		if t.Typarray == 0 {
			return nil
		}
		t = a.typeRow(t.Typarray)
	}
	return t
}

// splitName takes a qualified name apart; a database name must be the current one.
func (a *analysis) splitName(names []string, loc int32) (schema, name string) {
	switch len(names) {
	case 1:
		return "", names[0]
	case 2:
		return names[0], names[1]
	case 3:
		if db := must(a.cat.DatabaseRow(a.cat.Database())); db != nil && db.Datname != names[0] {
			failAt(loc, pgerr.FeatureNotSupported, "cross-database references are not implemented: %s", strings.Join(names, "."))
		}
		return names[1], names[2]
	}
	failAt(loc, pgerr.SyntaxError, "improper qualified name (too many dotted names): %s", strings.Join(names, "."))
	return "", ""
}

// columnType resolves table.column%TYPE.
func (a *analysis) columnType(tn *ast.TypeName) *catalog.PgType {
	n := len(tn.Names)
	if n < 2 {
		failAt(tn.Location, pgerr.SyntaxError, "improper %%TYPE reference (too few dotted names): %s", strings.Join(tn.Names, "."))
	}
	schema, table := a.splitName(tn.Names[:n-1], tn.Location)
	rn := catalog.RelName{Schema: schema, Name: table}
	oid := must(a.cat.LookupRelation(rn))
	if oid == 0 {
		failAt(tn.Location, pgerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(tn.Names[:n-1], "."))
	}
	rel := must(a.cat.Relation(oid))
	att := rel.AttNum(tn.Names[n-1])
	if att <= 0 {
		failAt(tn.Location, pgerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", tn.Names[n-1], table)
	}
	typ := rel.Desc.Attrs[att-1].Type
	a.s.Notice(pgerr.New(pgerr.SuccessfulCompletion, "type reference %s converted to %s", typeNameString(tn), a.typeName(typ)).
		WithSeverity(pgerr.Notice))
	return a.typeRow(typ)
}

// typenameType resolves a type name with its modifier.
func (a *analysis) typenameType(tn *ast.TypeName) (*catalog.PgType, int32) {
	t := a.lookupType(tn)
	if t == nil {
		failAt(tn.Location, pgerr.UndefinedObject, "type \"%s\" does not exist", typeNameString(tn))
	}
	if !t.Typisdefined {
		failAt(tn.Location, pgerr.UndefinedObject, "type \"%s\" is only a shell", typeNameString(tn))
	}
	return t, a.typmodOf(tn, t)
}

func (a *analysis) typmodOf(tn *ast.TypeName, t *catalog.PgType) int32 {
	if len(tn.Typmods) == 0 {
		return tn.Typemod
	}
	if t.Typmodin == 0 {
		failAt(tn.Location, pgerr.SyntaxError, "type modifier is not allowed for type \"%s\"", typeNameString(tn))
	}
	args := make([]string, 0, 2)
	for _, m := range tn.Typmods {
		s, ok := typmodText(m)
		if !ok {
			failAt(tn.Location, pgerr.SyntaxError, "type modifiers must be simple constants or identifiers")
		}
		args = append(args, s)
	}
	typmod, err := a.typmodIn(t.Typmodin, args)
	if err != nil {
		fail(positioned(tn.Location, err))
	}
	return typmod
}

func typmodText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.AConst:
		switch v := n.Val.(type) {
		case *ast.Integer:
			return strconv.Itoa(int(v.Ival)), true
		case *ast.Float:
			return v.Fval, true
		case *ast.String:
			return v.Sval, true
		}
	case *ast.ColumnRef:
		if len(n.Fields) == 1 {
			if s, ok := n.Fields[0].(*ast.String); ok {
				return s.Sval, true
			}
		}
	}
	return "", false
}

// Type modifier input functions.
const (
	varbitTypmodin      ids.Oid = 2902
	intervalTypmodin    ids.Oid = 2903
	timestampTypmodin   ids.Oid = 2905
	timestamptzTypmodin ids.Oid = 2907
	timeTypmodin        ids.Oid = 2909
	timetzTypmodin      ids.Oid = 2911
	bpcharTypmodin      ids.Oid = 2913
	varcharTypmodin     ids.Oid = 2915
	numericTypmodin     ids.Oid = 2917
	bitTypmodin         ids.Oid = 2919
)

const varHeader = 4 // what typmods of varchar, char and numeric are larger by

// typmodIn computes the modifier that the arguments of a type name stand for.
func (a *analysis) typmodIn(fn ids.Oid, args []string) (int32, error) {
	n := make([]int32, len(args))
	for i, s := range args {
		v, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
		if err != nil {
			if ne, ok := err.(*strconv.NumError); ok && ne.Err == strconv.ErrRange {
				return 0, pgerr.New(pgerr.NumericValueOutOfRange, "value \"%s\" is out of range for type integer", s)
			}
			return 0, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type integer: \"%s\"", s)
		}
		n[i] = int32(v)
	}
	switch fn {
	case bpcharTypmodin:
		return lengthTypmod("char", n, 10485760, varHeader)
	case varcharTypmodin:
		return lengthTypmod("varchar", n, 10485760, varHeader)
	case bitTypmodin:
		return lengthTypmod("bit", n, 83886080, 0)
	case varbitTypmodin:
		return lengthTypmod("varbit", n, 83886080, 0)
	case numericTypmodin:
		return numericTypmod(n)
	case timeTypmodin:
		return a.precision("TIME", "", n)
	case timetzTypmodin:
		return a.precision("TIME", " WITH TIME ZONE", n)
	case timestampTypmodin:
		return a.precision("TIMESTAMP", "", n)
	case timestamptzTypmodin:
		return a.precision("TIMESTAMP", " WITH TIME ZONE", n)
	case intervalTypmodin:
		return a.intervalTypmod(n)
	}
	return 0, pgerr.NotSupported("type modifier input function %d is not supported", fn)
}

func lengthTypmod(name string, n []int32, max, add int32) (int32, error) {
	if len(n) != 1 {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid type modifier")
	}
	if n[0] < 1 {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "length for type %s must be at least 1", name)
	}
	if n[0] > max {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "length for type %s cannot exceed %d", name, max)
	}
	return n[0] + add, nil
}

func numericTypmod(n []int32) (int32, error) {
	if len(n) < 1 || len(n) > 2 {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid NUMERIC type modifier")
	}
	scale := int32(0)
	if n[0] < 1 || n[0] > 1000 {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "NUMERIC precision %d must be between 1 and 1000", n[0])
	}
	if len(n) == 2 {
		if scale = n[1]; scale < -1000 || scale > 1000 {
			return 0, pgerr.New(pgerr.InvalidParameterValue, "NUMERIC scale %d must be between -1000 and 1000", scale)
		}
	}
	return (n[0]<<16 | scale&0x7ff) + varHeader, nil
}

func (a *analysis) precision(name, zone string, n []int32) (int32, error) {
	if len(n) != 1 {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid type modifier")
	}
	if n[0] < 0 {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "%s(%d)%s precision must not be negative", name, n[0], zone)
	}
	if n[0] > 6 {
		a.s.Notice(pgerr.New(pgerr.InvalidParameterValue, "%s(%d)%s precision reduced to maximum allowed, %d", name, n[0], zone, 6).
			WithSeverity(pgerr.Warning))
		return 6, nil
	}
	return n[0], nil
}

const (
	intervalFullRange     = 0x7fff
	intervalFullPrecision = 0xffff
)

// intervalTypmod: the first argument is the mask of fields, the second the precision of the seconds.
func (a *analysis) intervalTypmod(n []int32) (int32, error) {
	switch {
	case len(n) == 1 && n[0] == intervalFullRange:
		return -1, nil
	case len(n) == 1:
		return n[0]<<16 | intervalFullPrecision, nil
	case len(n) != 2:
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid INTERVAL type modifier")
	case n[1] < 0:
		return 0, pgerr.New(pgerr.InvalidParameterValue, "INTERVAL(%d) precision must not be negative", n[1])
	}
	if n[1] > 6 {
		a.s.Notice(pgerr.New(pgerr.InvalidParameterValue, "INTERVAL(%d) precision reduced to maximum allowed, %d", n[1], 6).
			WithSeverity(pgerr.Warning))
		n[1] = 6
	}
	return n[0]<<16 | n[1], nil
}

// lookupCollation finds a collation by name; 0 when missingOK and there is none.
func (a *analysis) lookupCollation(names []string, loc int32) ids.Oid {
	schema, name := a.splitName(names, loc)
	colls := must(a.cat.Collations(name))
	var path []ids.Oid
	if schema != "" {
		ns := must(a.cat.LookupNamespace(schema, true))
		if ns == 0 {
			failAt(loc, pgerr.InvalidSchemaName, "schema \"%s\" does not exist", schema)
		}
		path = []ids.Oid{ns}
	} else {
		path = must(a.cat.SearchPath(true))
	}
	for _, ns := range path {
		for _, c := range colls {
			if c.Collnamespace == ns && (c.Collencoding == -1 || c.Collencoding == utf8Encoding) {
				return c.Oid
			}
		}
	}
	failAt(loc, pgerr.UndefinedObject, "collation \"%s\" for encoding \"UTF8\" does not exist", strings.Join(names, "."))
	return 0
}

// utf8Encoding is the number of the one database encoding.
const utf8Encoding = 6
