package functions

import (
	"math"
	"math/bits"

	"gompho/internal/pgerr"
	"gompho/types"
)

// intWidth is an integer type as the operators over it see it.
type intWidth struct {
	name   string // as messages show it
	lo, hi int64
}

var (
	width2 = intWidth{"smallint", math.MinInt16, math.MaxInt16}
	width4 = intWidth{"integer", math.MinInt32, math.MaxInt32}
	width8 = intWidth{"bigint", math.MinInt64, math.MaxInt64}
)

func (w *intWidth) overflow() error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "%s out of range", w.name)
}

func divisionByZero() error { return pgerr.New(pgerr.DivisionByZero, "division by zero") }

// fit makes a Datum of v if the width holds it.
func (w *intWidth) fit(v int64) (types.Datum, error) {
	if v < w.lo || v > w.hi {
		return types.Null, w.overflow()
	}
	return types.Int(v), nil
}

func addInt(a, b int64) (int64, bool) {
	c := a + b
	return c, (a^c)&(b^c) >= 0
}

func subInt(a, b int64) (int64, bool) {
	c := a - b
	return c, (a^b)&(a^c) >= 0
}

func mulInt(a, b int64) (int64, bool) {
	c := a * b
	if int64(int32(a)) == a && int64(int32(b)) == b {
		return c, true
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	h := int64(hi)
	if a < 0 {
		h -= b
	}
	if b < 0 {
		h -= a
	}
	return c, h == int64(lo)>>63
}

// arith makes a checked operation over integers whose result has width w.
func arith(w *intWidth, op func(a, b int64) (int64, bool)) Scalar {
	return func(c *Call) (types.Datum, error) {
		v, ok := op(c.Args[0].Int(), c.Args[1].Int())
		if !ok || v < w.lo || v > w.hi {
			return types.Null, w.overflow()
		}
		return types.Int(v), nil
	}
}

func intDiv(w *intWidth) Scalar {
	return func(c *Call) (types.Datum, error) {
		a, b := c.int(0), c.int(1)
		switch b {
		case 0:
			return types.Null, divisionByZero()
		case -1:
			if a == math.MinInt64 {
				return types.Null, w.overflow()
			}
			return w.fit(-a)
		}
		return w.fit(a / b)
	}
}

func intMod(c *Call) (types.Datum, error) {
	a, b := c.int(0), c.int(1)
	switch b {
	case 0:
		return types.Null, divisionByZero()
	case -1:
		return types.Int(0), nil
	}
	return types.Int(a % b), nil
}

func intNeg(w *intWidth) Scalar {
	return func(c *Call) (types.Datum, error) {
		if v := c.int(0); v != math.MinInt64 {
			return w.fit(-v)
		}
		return types.Null, w.overflow()
	}
}

func intAbs(w *intWidth) Scalar {
	return func(c *Call) (types.Datum, error) {
		v := c.int(0)
		if v >= 0 {
			return types.Int(v), nil
		}
		if v == math.MinInt64 {
			return types.Null, w.overflow()
		}
		return w.fit(-v)
	}
}

func sameArg(c *Call) (types.Datum, error) { return c.Args[0], nil }

func intTo(w *intWidth) Scalar {
	return func(c *Call) (types.Datum, error) { return w.fit(c.int(0)) }
}

func intAnd(c *Call) (types.Datum, error) { return types.Int(c.int(0) & c.int(1)), nil }
func intOr(c *Call) (types.Datum, error)  { return types.Int(c.int(0) | c.int(1)), nil }
func intXor(c *Call) (types.Datum, error) { return types.Int(c.int(0) ^ c.int(1)), nil }
func intNot(c *Call) (types.Datum, error) { return types.Int(^c.int(0)), nil }

func int2Shl(c *Call) (types.Datum, error) {
	return types.Int(int64(int16(int32(c.int(0)) << (uint(c.int(1)) & 31)))), nil
}
func int2Shr(c *Call) (types.Datum, error) { return types.Int(c.int(0) >> (uint(c.int(1)) & 31)), nil }
func int4Shl(c *Call) (types.Datum, error) {
	return types.Int(int64(int32(c.int(0)) << (uint(c.int(1)) & 31))), nil
}
func int8Shl(c *Call) (types.Datum, error) { return types.Int(c.int(0) << (uint(c.int(1)) & 63)), nil }
func int8Shr(c *Call) (types.Datum, error) { return types.Int(c.int(0) >> (uint(c.int(1)) & 63)), nil }

// intFamily lists the operators of smallint, integer and bigint and between them.
func intFamily() []Entry {
	fs := []Entry{
		{Name: "int2up", Scalar: sameArg}, {Name: "int4up", Scalar: sameArg}, {Name: "int8up", Scalar: sameArg},
		{Name: "int2um", Scalar: intNeg(&width2)}, {Name: "int4um", Scalar: intNeg(&width4)}, {Name: "int8um", Scalar: intNeg(&width8)},
		{Name: "int2abs", Scalar: intAbs(&width2)}, {Name: "int4abs", Scalar: intAbs(&width4)}, {Name: "int8abs", Scalar: intAbs(&width8)},
		{Name: "i2toi4", Scalar: int2To4}, {Name: "int48", Scalar: sameArg}, {Name: "int28", Scalar: sameArg},
		{Name: "i4toi2", Scalar: intTo(&width2)}, {Name: "int84", Scalar: intTo(&width4)}, {Name: "int82", Scalar: intTo(&width2)},
		{Name: "int2mod", Scalar: intMod}, {Name: "int4mod", Scalar: intMod}, {Name: "int8mod", Scalar: intMod},
		{Name: "int4inc", Scalar: func(c *Call) (types.Datum, error) { return width4.fit(c.int(0) + 1) }},
		{Name: "int2shl", Scalar: int2Shl}, {Name: "int2shr", Scalar: int2Shr}, {Name: "int4shl", Scalar: int4Shl},
		{Name: "int4shr", Scalar: int2Shr}, {Name: "int8shl", Scalar: int8Shl}, {Name: "int8shr", Scalar: int8Shr},
	}
	for _, p := range [...]struct {
		prefix string
		w      *intWidth
	}{{"int2", &width2}, {"int4", &width4}, {"int8", &width8}, {"int24", &width4}, {"int42", &width4},
		{"int28", &width8}, {"int82", &width8}, {"int48", &width8}, {"int84", &width8}} {
		fs = append(fs,
			Entry{Name: p.prefix + "pl", Scalar: arith(p.w, addInt), Kernel: arithKernel(p.w, addInt)},
			Entry{Name: p.prefix + "mi", Scalar: arith(p.w, subInt), Kernel: arithKernel(p.w, subInt)},
			Entry{Name: p.prefix + "mul", Scalar: arith(p.w, mulInt), Kernel: arithKernel(p.w, mulInt)},
			Entry{Name: p.prefix + "div", Scalar: intDiv(p.w)})
		fs = append(fs, comparisons(p.prefix, wordOrder[int64]{})...)
	}
	for _, p := range []string{"int2", "int4", "int8"} {
		fs = append(fs, Entry{Name: p + "and", Scalar: intAnd}, Entry{Name: p + "or", Scalar: intOr},
			Entry{Name: p + "xor", Scalar: intXor}, Entry{Name: p + "not", Scalar: intNot},
			Entry{Name: p + "larger", Scalar: larger(cmpWords[int64])}, Entry{Name: p + "smaller", Scalar: smaller(cmpWords[int64])})
	}
	for _, p := range []string{"int2", "int4", "int8", "int24", "int42", "int28", "int82", "int48", "int84"} {
		fs = append(fs, Entry{Name: "bt" + p + "cmp", Scalar: btcmp(cmpWords[int64])})
	}
	return fs
}

// int2To4 serves the casts to oid and its kin, too, whose words are unsigned.
func int2To4(c *Call) (types.Datum, error) {
	if c.RetType != nil && c.RetType.Oid != types.Int4Oid {
		return types.Relabel(c.Args[0], types.Int4Oid, c.RetType.Oid), nil
	}
	return c.Args[0], nil
}
