package functions

import (
	"math"
	"strings"

	"gompho/internal/pgerr"
	"gompho/types"
)

func trimBlanks(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

func textToName(c *Call) (types.Datum, error) { return types.Name(c.str(0)), nil }
func bpcharToName(c *Call) (types.Datum, error) {
	return types.Name(string(trimBlanks(c.bytes(0)))), nil
}

// bpcharToText is rtrim of one argument and at the same time the cast of char(n) to text: blanks go off the end.
func bpcharToText(c *Call) (types.Datum, error) { return types.Bytes(trimBlanks(c.bytes(0))), nil }

// lengthCast applies the typmod of char(n) or varchar(n): arguments are the value, the typmod and whether the cast is explicit.
func lengthCast(apply func(s string, typmod int32, explicit bool) (types.Datum, error)) Scalar {
	return func(c *Call) (types.Datum, error) { return apply(c.str(0), int32(c.int(1)), c.bool(2)) }
}

// charText gives a "char" its text: nothing for zero, backslash and octal digits for a byte above ASCII.
func charText(c *Call) (types.Datum, error) {
	b := byte(c.Args[0].Word())
	switch {
	case b == 0:
		return types.String(""), nil
	case b >= 0x80:
		return c.keep([]byte{'\\', '0' + b>>6, '0' + b>>3&7, '0' + b&7}), nil
	}
	m := c.Alloc(1)
	m[0] = b
	return types.Bytes(m), nil
}

func intToChar(c *Call) (types.Datum, error) {
	v := c.int(0)
	if v < math.MinInt8 || v > math.MaxInt8 {
		return types.Null, pgerr.New(pgerr.NumericValueOutOfRange, "\"char\" out of range")
	}
	return types.Word(uint64(byte(v))), nil
}

func int8ToOid(c *Call) (types.Datum, error) {
	v := c.int(0)
	if v < 0 || v > math.MaxUint32 {
		return types.Null, pgerr.New(pgerr.NumericValueOutOfRange, "OID out of range")
	}
	return types.Word(uint64(v)), nil
}

func nameConcatOid(c *Call) (types.Datum, error) {
	suffix := "_" + types.OutputString(c.Env, types.Builtin(types.OidOid), c.Args[1])
	name := c.str(0)
	for len(name)+len(suffix) > 63 {
		cut := len(name) - 1
		for cut > 0 && name[cut]&0xc0 == 0x80 {
			cut--
		}
		name = name[:cut]
	}
	return types.String(name + suffix), nil
}

func textToRegclass(c *Call) (types.Datum, error) {
	return types.Input(c.Env, types.Builtin(types.RegclassOid), c.str(0), -1)
}

// toReg is to_regclass and the like: NULL instead of an error for an object that is not there.
func toReg(c *Call) (types.Datum, error) {
	t, err := c.retType()
	if err != nil {
		return types.Null, err
	}
	s := c.str(0)
	if s == "" || strings.Trim(s, "0123456789") == "" && t.Oid != types.RegtypeOid {
		return types.Null, nil
	}
	d, err := types.Input(c.Env, t, s, -1)
	if err != nil {
		switch pgerr.From(err).Code {
		case pgerr.UndefinedTable, pgerr.UndefinedFunction, pgerr.UndefinedObject, pgerr.InvalidSchemaName, pgerr.AmbiguousFunction:
			return types.Null, nil
		}
		return types.Null, err
	}
	return d, nil
}

func (c *Call) retType() (*types.Type, error) {
	if c.RetType == nil {
		return nil, pgerr.Internal("could not determine the result type of a function")
	}
	return c.RetType.Underlying(), nil
}

// castFamily lists casts between texts, names, "char", integers and oids.
func castFamily() []Entry {
	return []Entry{
		{Name: "text_name", Scalar: textToName}, {Name: "name_text", Scalar: sameArg},
		{Name: "bpchar_name", Scalar: bpcharToName}, {Name: "name_bpchar", Scalar: sameArg},
		{Name: "rtrim1", Scalar: bpcharToText},
		{Name: "bpchar", Scalar: lengthCast(types.BPChar)}, {Name: "varchar", Scalar: lengthCast(types.Varchar)},
		{Name: "char_text", Scalar: charText}, {Name: "char_bpchar", Scalar: charText},
		{Name: "text_char", Scalar: func(c *Call) (types.Datum, error) { return types.Char(c.str(0)), nil }},
		{Name: "chartoi4", Scalar: func(c *Call) (types.Datum, error) { return types.Int(int64(int8(c.Args[0].Word()))), nil }},
		{Name: "i4tochar", Scalar: intToChar},
		{Name: "i8tooid", Scalar: int8ToOid}, {Name: "oidtoi8", Scalar: sameArg},
		{Name: "xid8toxid", Scalar: func(c *Call) (types.Datum, error) { return types.Word(uint64(uint32(c.Args[0].Word()))), nil }},
		{Name: "nameconcatoid", Scalar: nameConcatOid},
		{Name: "text_regclass", Scalar: textToRegclass},
		{Name: "to_regclass", Scalar: toReg}, {Name: "to_regtype", Scalar: toReg}, {Name: "to_regproc", Scalar: toReg},
		{Name: "to_regprocedure", Scalar: toReg}, {Name: "to_regoper", Scalar: toReg}, {Name: "to_regoperator", Scalar: toReg},
		{Name: "to_regnamespace", Scalar: toReg}, {Name: "to_regrole", Scalar: toReg}, {Name: "to_regcollation", Scalar: toReg},
	}
}
