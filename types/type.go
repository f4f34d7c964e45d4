package types

import (
	"sync"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// Type holds the facts of one type that its values' input, output and comparison need. The columns of
// pg_type keep their meaning. A Type never changes once NewType has returned it.
type Type struct {
	Oid       ids.Oid
	Name      string // pg_type.typname
	Len       int16  // > 0 bytes, -1 varlena, -2 cstring
	ByVal     bool
	Align     byte
	Storage   byte
	Typtype   byte // 'b' base, 'c' composite, 'd' domain, 'e' enum, 'p' pseudo, 'r' range, 'm' multirange
	Category  byte
	Preferred bool
	Delim     byte
	IsArray   bool    // a true array, oidvector or int2vector: ElemType is set
	Elem      ids.Oid // pg_type.typelem
	Array     ids.Oid // pg_type.typarray
	Base      ids.Oid // of a domain, else 0
	Typmod    int32   // of a domain's base type, else -1
	Collation ids.Oid

	ElemType *Type // of an array
	BaseType *Type // of a domain: the type below it, which may be a domain again
	// Fields are the columns of a composite type, without dropped ones.
	Fields []Field
	// Enum are the labels of an enum type in their order.
	Enum *EnumLabels

	io *typeIO
}

// Field is one column of a composite type.
type Field struct {
	Name   string
	Type   *Type
	Typmod int32
}

// typeIO is how the values of a type are read and written, compared and hashed. Entries may be nil.
type typeIO struct {
	in   func(env Env, t *Type, s string, typmod int32) (Datum, error)
	out  func(env Env, t *Type, d Datum, dst []byte) []byte
	recv func(env Env, t *Type, b []byte, typmod int32) (Datum, error)
	send func(env Env, t *Type, d Datum, dst []byte) ([]byte, error)
	cmp  func(a, b Datum) int
	hash func(d Datum) uint64
}

// NewType completes the facts of a type that is not built in: arrays (ElemType set), domains (BaseType),
// enums (Enum) and composite types (Fields).
func NewType(t Type) *Type {
	if b := Builtin(t.Oid); b != nil {
		return b
	}
	t.io = ioOf(&t)
	return &t
}

// Builtin returns the facts of a base or pseudo type of PostgreSQL 15 or of an array of one, nil if oid is not of one.
func Builtin(oid ids.Oid) *Type {
	builtinOnce.Do(func() { builtinTypes = makeBuiltinTypes() })
	return builtinTypes[oid]
}

// The table of built-in types is filled at the first look because its functions look into it themselves.
var (
	builtinOnce  sync.Once
	builtinTypes map[ids.Oid]*Type
)

func makeBuiltinTypes() map[ids.Oid]*Type {
	m := make(map[ids.Oid]*Type, len(builtinFacts))
	all := make([]Type, len(builtinFacts))
	for i, f := range builtinFacts {
		t := &all[i]
		*t = Type{Oid: ids.Oid(f.oid), Name: f.name, Len: f.len, ByVal: f.byVal, Align: f.align, Storage: f.storage,
			Typtype: f.typtype, Category: f.category, Preferred: f.preferred, Delim: f.delim, IsArray: f.isArray,
			Elem: ids.Oid(f.elem), Array: ids.Oid(f.array), Typmod: -1, Collation: ids.Oid(f.collation)}
		m[t.Oid] = t
	}
	for i := range all {
		if t := &all[i]; t.IsArray {
			t.ElemType = m[t.Elem]
		}
	}
	for _, arrays := range [...]bool{false, true} {
		for i := range all {
			if t := &all[i]; (t.IsArray && t.Len == -1 && t.Name[0] == '_') == arrays {
				t.io = ioOf(t)
			}
		}
	}
	return m
}

// ioOf chooses the functions of a type; the io of the types it is made of must be set or be built in.
func ioOf(t *Type) *typeIO {
	switch {
	case t.Oid == OidVectorOid || t.Oid == Int2VectorOid:
		return vectorIO()
	case t.IsArray || t.ElemType != nil:
		return arrayIO(t)
	case t.Typtype == 'd' && t.BaseType != nil:
		return domainIO(t)
	case t.Typtype == 'e':
		return enumIOOf(t.Enum)
	case t.Typtype == 'c' || t.Oid == RecordOid:
		return recordIO()
	}
	if f := baseIO(t.Oid); f != nil {
		return f
	}
	return &typeIO{}
}

// Kind returns where values of the type live in memory.
func (t *Type) Kind() Kind {
	if t.BaseType != nil {
		return t.BaseType.Kind()
	}
	if t.ByVal || t.Oid == TIDOid {
		return WordKind
	}
	return BytesKind
}

// Underlying returns the type under all domains.
func (t *Type) Underlying() *Type {
	for t.BaseType != nil {
		t = t.BaseType
	}
	return t
}

// Attr returns a column description of the type, for a column with that name.
func (t *Type) Attr(name string, typmod int32) Attr {
	a := Attr{Name: name, Type: t.Oid, Typmod: typmod, Collation: t.Collation, Len: t.Len, ByVal: t.ByVal,
		Align: t.Align, Storage: t.Storage}
	if t.BaseType != nil {
		a.Base = t.Underlying().Oid
	}
	return a
}

// Input reads the text form of a value and applies typmod, which is -1 when there is none. A domain's
// constraints are not checked here.
func Input(env Env, t *Type, s string, typmod int32) (Datum, error) {
	if t.io == nil || t.io.in == nil {
		return Null, cannotAccept(t)
	}
	return t.io.in(env, t, s, typmod)
}

// Output appends the text form of d, which is not NULL, to dst.
func Output(env Env, t *Type, d Datum, dst []byte) []byte {
	if t.io == nil || t.io.out == nil {
		return dst
	}
	return t.io.out(env, t, d, dst)
}

// OutputString returns the text form of d, which is not NULL.
func OutputString(env Env, t *Type, d Datum) string { return string(Output(env, t, d, nil)) }

// Receive reads the binary form of a value and applies typmod.
func Receive(env Env, t *Type, b []byte, typmod int32) (Datum, error) {
	if t.io == nil || t.io.recv == nil {
		if t.Typtype == 'p' {
			return Null, cannotAccept(t)
		}
		return Null, pgerr.New(pgerr.UndefinedFunction, "no binary input function available for type %s", FormatName(t))
	}
	return t.io.recv(env, t, b, typmod)
}

// Send appends the binary form of d, which is not NULL, to dst.
func Send(env Env, t *Type, d Datum, dst []byte) ([]byte, error) {
	if t.io == nil || t.io.send == nil {
		return dst, pgerr.New(pgerr.UndefinedFunction, "no binary output function available for type %s", FormatName(t))
	}
	return t.io.send(env, t, d, dst)
}

// CanInput reports whether values of t can be read from text.
func CanInput(t *Type) bool { return t.io != nil && t.io.in != nil }

func cannotAccept(t *Type) error {
	if t.Typtype == 'p' {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot accept a value of type %s", t.Name)
	}
	return pgerr.NotSupported("type %s is not supported", FormatName(t))
}

// formatNames are the types whose name in SQL is not their typname.
var formatNames = map[ids.Oid]string{
	BoolOid: "boolean", CharOid: `"char"`, Int2Oid: "smallint", Int4Oid: "integer", Int8Oid: "bigint",
	Float4Oid: "real", Float8Oid: "double precision", BPCharOid: "character", VarcharOid: "character varying",
	TimeOid: "time without time zone", TimetzOid: "time with time zone",
	TimestampOid: "timestamp without time zone", TimestamptzOid: "timestamp with time zone",
	VarbitOid: "bit varying", AnyOid: `"any"`,
}

// FormatName returns the name of a built-in type as messages show it: integer, timestamp without time
// zone, text[]. For other types it is the bare name.
func FormatName(t *Type) string {
	if t.IsArray && t.ElemType != nil && t.Oid != OidVectorOid && t.Oid != Int2VectorOid {
		return FormatName(t.ElemType) + "[]"
	}
	if s, ok := formatNames[t.Oid]; ok {
		return s
	}
	return t.Name
}

func domainIO(t *Type) *typeIO {
	b := t.BaseType
	if b.io == nil {
		return &typeIO{}
	}
	return &typeIO{
		in: func(env Env, t *Type, s string, _ int32) (Datum, error) { return Input(env, b, s, t.Typmod) },
		recv: func(env Env, t *Type, p []byte, _ int32) (Datum, error) {
			return Receive(env, b, p, t.Typmod)
		},
		out:  func(env Env, _ *Type, d Datum, dst []byte) []byte { return Output(env, b, d, dst) },
		send: func(env Env, _ *Type, d Datum, dst []byte) ([]byte, error) { return Send(env, b, d, dst) },
		cmp:  b.io.cmp,
		hash: b.io.hash,
	}
}

func badSyntax(typ, s string) error {
	return pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type %s: \"%s\"", typ, s)
}
