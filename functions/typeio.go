package functions

import (
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/types"
)

// ioTypes are the types whose input and output functions can be called by name, with the stem of those names.
var ioTypes = [...]struct {
	stem string
	oid  ids.Oid
}{
	{"bool", types.BoolOid}, {"bytea", types.ByteaOid}, {"char", types.CharOid}, {"name", types.NameOid},
	{"int2", types.Int2Oid}, {"int4", types.Int4Oid}, {"int8", types.Int8Oid}, {"int2vector", types.Int2VectorOid},
	{"float4", types.Float4Oid}, {"float8", types.Float8Oid}, {"numeric_", types.NumericOid}, {"text", types.TextOid},
	{"varchar", types.VarcharOid}, {"bpchar", types.BPCharOid}, {"date_", types.DateOid}, {"time_", types.TimeOid},
	{"timestamp_", types.TimestampOid}, {"timestamptz_", types.TimestamptzOid}, {"interval_", types.IntervalOid},
	{"timetz_", types.TimetzOid}, {"uuid_", types.UuidOid}, {"oid", types.OidOid}, {"oidvector", types.OidVectorOid},
	{"xid", types.XidOid}, {"xid8", types.Xid8Oid}, {"cid", types.CidOid}, {"tid", types.TIDOid}, {"pg_lsn_", types.PgLsnOid},
	{"regproc", types.RegprocOid}, {"regprocedure", types.RegprocedureOid}, {"regoper", types.RegoperOid},
	{"regoperator", types.RegoperatorOid}, {"regclass", types.RegclassOid}, {"regtype", types.RegtypeOid},
	{"regnamespace", types.RegnamespaceOid}, {"regrole", types.RegroleOid}, {"regcollation", types.RegcollationOid},
	{"unknown", types.UnknownOid}, {"cstring_", types.CstringOid}, {"void_", types.VoidOid}, {"json_", types.JsonOid},
	{"pg_snapshot_", types.PgSnapshotOid}, {"inet_", types.InetOid}, {"cidr_", types.CidrOid}, {"macaddr_", types.MacaddrOid},
	{"macaddr8_", types.Macaddr8Oid},
}

// inputFunc reads text; a third argument is the typmod.
func inputFunc(typ func(c *Call) (*types.Type, error)) Scalar {
	return func(c *Call) (types.Datum, error) {
		t, err := typ(c)
		if err != nil {
			return types.Null, err
		}
		typmod := int32(-1)
		if !c.null(2) {
			typmod = int32(c.int(2))
		}
		s := c.str(0)
		if err := AffordInput(c.slot(), t, c.bytes(0)); err != nil {
			return types.Null, err
		}
		return types.Input(c.Env, t, strings.Clone(s), typmod)
	}
}

func outputFunc(typ func(c *Call) (*types.Type, error)) Scalar {
	return func(c *Call) (types.Datum, error) {
		t, err := typ(c)
		if err != nil {
			return types.Null, err
		}
		if err := AffordOutput(c.slot(), t, c.Args[0]); err != nil {
			return types.Null, err
		}
		return types.Bytes(types.Output(c.Env, t, c.Args[0], nil)), nil
	}
}

// AffordInput asks for room for what is made of a text that is read as a value of type t, and for a copy of the text. slot may be nil.
func AffordInput(slot *stats.Slot, t *types.Type, text []byte) error {
	n := len(text)
	if n <= largeValue {
		return nil
	}
	if e := t.Underlying().ElemType; e != nil {
		width, _ := types.ElementWidth(e)
		if width == 0 {
			width = 4
			n += 2 * len(text)
		}
		n += 2 * width * types.CountElements(text, e) // in pieces, and together
	}
	return slot.Account().Afford(int64(n), "the input of a value")
}

// AffordOutput asks for room for the text of a long value, which grows as it is written. slot may be nil.
func AffordOutput(slot *stats.Slot, t *types.Type, d types.Datum) error {
	if !d.IsBytes() || len(d.Bytes()) <= largeValue/8 {
		return nil
	}
	n := len(d.Bytes())
	switch u := t.Underlying(); {
	case u.ElemType != nil:
		k, _, _ := types.ArrayDims(d)
		n = 3*n + k*datumSize
	case u.Oid == types.TextOid || u.Oid == types.VarcharOid || u.Oid == types.BPCharOid || u.Oid == types.CstringOid:
	default:
		n *= 3
	}
	if n <= largeValue {
		return nil
	}
	return slot.Account().Afford(int64(n), "the output of a value")
}

func sendFunc(typ func(c *Call) (*types.Type, error)) Scalar {
	return func(c *Call) (types.Datum, error) {
		t, err := typ(c)
		if err != nil {
			return types.Null, err
		}
		b, err := types.Send(c.Env, t, c.Args[0], nil)
		return types.Bytes(b), err
	}
}

func ioEntries(stem string, typ, inTyp func(c *Call) (*types.Type, error)) []Entry {
	return []Entry{
		{Name: stem + "in", Scalar: inputFunc(inTyp)},
		{Name: stem + "out", Scalar: outputFunc(typ)},
		{Name: stem + "send", Scalar: sendFunc(typ)},
	}
}

// firstArgType is the type of a value that an output function is called with.
func firstArgType(c *Call) (*types.Type, error) { return c.argType(0) }

// namedType is the type whose Oid is the second argument of an input function; for arrays that of the element.
func namedType(array bool) func(c *Call) (*types.Type, error) {
	return func(c *Call) (*types.Type, error) {
		if c.null(1) {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "the type of the value is missing")
		}
		t, err := c.typeByOid(c.Args[1].Oid())
		if err != nil || !array {
			return t, err
		}
		return c.typeByOid(t.Array)
	}
}

// typeIOFamily lists the input, output and send functions of types. Receive functions take internal, so that
// nobody can call them.
func typeIOFamily() []Entry {
	var fs []Entry
	for _, p := range ioTypes {
		t := types.Builtin(p.oid)
		if t == nil {
			continue
		}
		typ := func(*Call) (*types.Type, error) { return t, nil }
		fs = append(fs, ioEntries(p.stem, typ, typ)...)
	}
	fs = append(fs, ioEntries("array_", firstArgType, namedType(true))...)
	fs = append(fs, ioEntries("record_", firstArgType, namedType(false))...)
	fs = append(fs, ioEntries("enum_", firstArgType, namedType(false))...)
	fs = append(fs, ioEntries("domain_", firstArgType, namedType(false))...)
	fs = append(fs, ioEntries("anyarray_", firstArgType, firstArgType)...)
	fs = append(fs, ioEntries("anycompatiblearray_", firstArgType, firstArgType)...)
	for _, pseudo := range []string{"any", "anyelement", "anynonarray", "anyenum", "anycompatible",
		"anycompatiblenonarray", "internal", "shell", "trigger", "event_trigger", "language_handler", "fdw_handler",
		"index_am_handler", "tsm_handler", "table_am_handler"} {
		fs = append(fs, Entry{Name: pseudo + "_in", Scalar: noInput(pseudo)})
	}
	return fs
}

func noInput(pseudo string) Scalar {
	return func(*Call) (types.Datum, error) {
		if pseudo == "shell" {
			return types.Null, pgerr.New(pgerr.FeatureNotSupported, "cannot accept a value of a shell type")
		}
		return types.Null, pgerr.New(pgerr.FeatureNotSupported, "cannot accept a value of type %s", pseudo)
	}
}
