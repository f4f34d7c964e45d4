package functions

import (
	"math"

	"gompho/internal/pgerr"
	"gompho/types"
)

func (c *Call) numeric(i int) types.Numeric { return types.NumericOf(c.Args[i]) }

// retNumeric returns n as a Datum in the memory of results.
func (c *Call) retNumeric(n types.Numeric, err error) (types.Datum, error) {
	if err != nil {
		return types.Null, err
	}
	var buf [24]byte
	return c.keep(n.AppendDatum(buf[:0])), nil
}

func numeric2(f func(a, b types.Numeric) (types.Numeric, error)) Scalar {
	return func(c *Call) (types.Datum, error) { return c.retNumeric(f(c.numeric(0), c.numeric(1))) }
}

func numeric1(f func(a types.Numeric) (types.Numeric, error)) Scalar {
	return func(c *Call) (types.Datum, error) { return c.retNumeric(f(c.numeric(0))) }
}

func plain(f func(a types.Numeric) types.Numeric) Scalar {
	return numeric1(func(a types.Numeric) (types.Numeric, error) { return f(a), nil })
}

func clampInt(v, lo, hi int64) int { return int(min(max(v, lo), hi)) }

func numericRound(c *Call) (types.Datum, error) {
	return c.retNumeric(c.numeric(0).Round(clampInt(c.int(1), -131072, 16383)), nil)
}

func numericTrunc(c *Call) (types.Datum, error) {
	return c.retNumeric(c.numeric(0).Trunc(clampInt(c.int(1), -131072, 16383)), nil)
}

func numericSign(a types.Numeric) types.Numeric {
	if a.IsNaN() {
		return a
	}
	return types.NumericFromInt(int64(a.Sign()))
}

func numericToInt(w *intWidth) Scalar {
	return func(c *Call) (types.Datum, error) {
		n := c.numeric(0)
		if !n.IsFinite() {
			return types.Null, notFiniteTo(n.IsNaN(), w.name)
		}
		v, ok := n.Int64()
		if !ok {
			return types.Null, w.overflow()
		}
		return w.fit(v)
	}
}

func notFiniteTo(nan bool, target string) error {
	if nan {
		return pgerr.New(pgerr.FeatureNotSupported, "cannot convert NaN to %s", target)
	}
	return pgerr.New(pgerr.FeatureNotSupported, "cannot convert infinity to %s", target)
}

func numericToFloat8(c *Call) (types.Datum, error) {
	n := c.numeric(0)
	f := n.Float64()
	if n.IsFinite() && (math.IsInf(f, 0) || f == 0 && !n.IsZero()) {
		return types.Null, pgerr.New(pgerr.NumericValueOutOfRange, "\"%s\" is out of range for type double precision", n.String())
	}
	return types.Float(f), nil
}

func numericToFloat4(c *Call) (types.Datum, error) {
	n := c.numeric(0)
	if !n.IsFinite() {
		return types.Float(n.Float64()), nil
	}
	f, err := types.ParseFloat(n.String(), 32)
	return types.Float(f), err
}

func floatToNumeric(bits int) Scalar {
	return func(c *Call) (types.Datum, error) {
		n, err := types.NumericFromFloat(c.float(0), bits)
		return c.retNumeric(n, err)
	}
}

func intToNumeric(c *Call) (types.Datum, error) {
	return c.retNumeric(types.NumericFromInt(c.int(0)), nil)
}

// numericTypmodCast is the length coercion numeric(numeric, int4).
func numericTypmodCast(c *Call) (types.Datum, error) {
	n, err := c.numeric(0).ApplyTypmod(int32(c.int(1)))
	return c.retNumeric(n, err)
}

func numericGCD(a, b types.Numeric) (types.Numeric, error) {
	if !a.IsFinite() || !b.IsFinite() {
		return types.NumericNaN, nil
	}
	scale := max(a.Scale(), b.Scale())
	a, b = a.Abs(), b.Abs()
	for !b.IsZero() {
		r, err := a.Mod(b)
		if err != nil {
			return a, err
		}
		a, b = b, r
	}
	return a.Round(scale), nil
}

func numericLCM(a, b types.Numeric) (types.Numeric, error) {
	if !a.IsFinite() || !b.IsFinite() {
		return types.NumericNaN, nil
	}
	scale := max(a.Scale(), b.Scale())
	if a.IsZero() || b.IsZero() {
		return types.NumericFromInt(0).Round(scale), nil
	}
	g, err := numericGCD(a, b)
	if err != nil {
		return a, err
	}
	q, err := a.DivTrunc(g)
	if err != nil {
		return a, err
	}
	m, err := q.Mul(b)
	return m.Abs().Round(scale), err
}

func numericFac(c *Call) (types.Datum, error) {
	n := c.int(0)
	if n < 0 {
		return types.Null, pgerr.New(pgerr.NumericValueOutOfRange, "factorial of a negative number is undefined")
	}
	if n > 32177 {
		return types.Null, pgerr.New(pgerr.NumericValueOutOfRange, "value overflows numeric format")
	}
	r := types.NumericFromInt(1)
	for i := int64(2); i <= n; i++ {
		if i&1023 == 0 {
			if err := c.Env.Slot().CheckInterrupts(); err != nil {
				return types.Null, err
			}
		}
		var err error
		if r, err = r.Mul(types.NumericFromInt(i)); err != nil {
			return types.Null, err
		}
	}
	return c.retNumeric(r, nil)
}

func intGCD(a, b int64) uint64 {
	x, y := uint64(max(a, -a)), uint64(max(b, -b))
	if a == math.MinInt64 {
		x = 1 << 63
	}
	if b == math.MinInt64 {
		y = 1 << 63
	}
	for y != 0 {
		x, y = y, x%y
	}
	return x
}

func intGCDFunc(w *intWidth) Scalar {
	return func(c *Call) (types.Datum, error) {
		g := intGCD(c.int(0), c.int(1))
		if g > uint64(w.hi) {
			return types.Null, w.overflow()
		}
		return types.Int(int64(g)), nil
	}
}

func intLCMFunc(w *intWidth) Scalar {
	return func(c *Call) (types.Datum, error) {
		a, b := c.int(0), c.int(1)
		if a == 0 || b == 0 {
			return types.Int(0), nil
		}
		g := intGCD(a, b)
		if g > math.MaxInt64 {
			return types.Null, w.overflow()
		}
		v, ok := mulInt(a/int64(g), b)
		if !ok || v == math.MinInt64 {
			return types.Null, w.overflow()
		}
		return w.fit(max(v, -v))
	}
}

func widthBucketNumeric(c *Call) (types.Datum, error) {
	op, lo, hi, count := c.numeric(0), c.numeric(1), c.numeric(2), c.int(3)
	if count <= 0 {
		return types.Null, widthBucketError("count must be greater than zero")
	}
	if op.IsNaN() || lo.IsNaN() || hi.IsNaN() {
		return types.Null, widthBucketError("operand, lower bound, and upper bound cannot be NaN")
	}
	if lo.IsInf() || hi.IsInf() {
		return types.Null, widthBucketError("lower and upper bounds must be finite")
	}
	dir := lo.Cmp(hi)
	if dir == 0 {
		return types.Null, widthBucketError("lower bound cannot equal upper bound")
	}
	if dir > 0 {
		op, lo, hi = op.Neg(), lo.Neg(), hi.Neg()
	}
	switch {
	case op.Cmp(lo) < 0:
		return types.Int(0), nil
	case op.Cmp(hi) >= 0:
		return width4.fit(count + 1)
	}
	a, _ := op.Sub(lo)
	b, _ := hi.Sub(lo)
	a, err := a.Mul(types.NumericFromInt(count))
	if err != nil {
		return types.Null, err
	}
	// The quotient is rounded to its scale before it is cut.
	q, err := a.Div(b)
	if err != nil {
		return types.Null, err
	}
	v, _ := q.Trunc(0).Int64()
	return width4.fit(v + 1)
}

func widthBucketError(msg string) error {
	return pgerr.New(pgerr.InvalidArgumentForWidthBucketFunction, "%s", msg)
}

// numericFamily lists the functions over numeric.
func numericFamily() []Entry {
	cmp := types.CompareNumericData
	fs := comparisons("numeric_", funcOrder(cmp))
	return append(fs,
		Entry{Name: "numeric_add", Scalar: numeric2(types.Numeric.Add)},
		Entry{Name: "numeric_sub", Scalar: numeric2(types.Numeric.Sub)},
		Entry{Name: "numeric_mul", Scalar: numeric2(types.Numeric.Mul)},
		Entry{Name: "numeric_div", Scalar: numeric2(types.Numeric.Div)},
		Entry{Name: "numeric_div_trunc", Scalar: numeric2(types.Numeric.DivTrunc)},
		Entry{Name: "numeric_mod", Scalar: numeric2(types.Numeric.Mod)},
		Entry{Name: "numeric_power", Scalar: numeric2(types.Numeric.Power)},
		Entry{Name: "numeric_log", Scalar: numeric2(func(base, n types.Numeric) (types.Numeric, error) { return n.LogBase(base) })},
		Entry{Name: "numeric_gcd", Scalar: numeric2(numericGCD)}, Entry{Name: "numeric_lcm", Scalar: numeric2(numericLCM)},
		Entry{Name: "numeric_sqrt", Scalar: numeric1(types.Numeric.Sqrt)}, Entry{Name: "numeric_exp", Scalar: numeric1(types.Numeric.Exp)},
		Entry{Name: "numeric_ln", Scalar: numeric1(types.Numeric.Ln)},
		Entry{Name: "numeric_inc", Scalar: numeric1(func(a types.Numeric) (types.Numeric, error) { return a.Add(types.NumericFromInt(1)) })},
		Entry{Name: "numeric_uminus", Scalar: plain(types.Numeric.Neg)}, Entry{Name: "numeric_uplus", Scalar: sameArg},
		Entry{Name: "numeric_abs", Scalar: plain(types.Numeric.Abs)}, Entry{Name: "numeric_sign", Scalar: plain(numericSign)},
		Entry{Name: "numeric_ceil", Scalar: plain(types.Numeric.Ceil)}, Entry{Name: "numeric_floor", Scalar: plain(types.Numeric.Floor)},
		Entry{Name: "numeric_trim_scale", Scalar: plain(types.Numeric.TrimScale)},
		Entry{Name: "numeric_round", Scalar: numericRound}, Entry{Name: "numeric_trunc", Scalar: numericTrunc},
		Entry{Name: "numeric_scale", Scalar: func(c *Call) (types.Datum, error) {
			n := c.numeric(0)
			if !n.IsFinite() {
				return types.Null, nil
			}
			return types.Int(int64(n.Scale())), nil
		}},
		Entry{Name: "numeric_min_scale", Scalar: func(c *Call) (types.Datum, error) {
			n := c.numeric(0)
			if !n.IsFinite() {
				return types.Null, nil
			}
			return types.Int(int64(n.TrimScale().Scale())), nil
		}},
		Entry{Name: "numeric_fac", Scalar: numericFac},
		Entry{Name: "numeric_int2", Scalar: numericToInt(&width2)}, Entry{Name: "numeric_int4", Scalar: numericToInt(&width4)},
		Entry{Name: "numeric_int8", Scalar: numericToInt(&width8)},
		Entry{Name: "numeric_float4", Scalar: numericToFloat4}, Entry{Name: "numeric_float8", Scalar: numericToFloat8},
		Entry{Name: "float4_numeric", Scalar: floatToNumeric(32)}, Entry{Name: "float8_numeric", Scalar: floatToNumeric(64)},
		Entry{Name: "int2_numeric", Scalar: intToNumeric}, Entry{Name: "int4_numeric", Scalar: intToNumeric},
		Entry{Name: "int8_numeric", Scalar: intToNumeric},
		Entry{Name: "numeric", Scalar: numericTypmodCast},
		Entry{Name: "numeric_cmp", Scalar: btcmp(cmp)},
		Entry{Name: "numeric_larger", Scalar: larger(cmp)}, Entry{Name: "numeric_smaller", Scalar: smaller(cmp)},
		Entry{Name: "int4gcd", Scalar: intGCDFunc(&width4)}, Entry{Name: "int8gcd", Scalar: intGCDFunc(&width8)},
		Entry{Name: "int4lcm", Scalar: intLCMFunc(&width4)}, Entry{Name: "int8lcm", Scalar: intLCMFunc(&width8)},
		Entry{Name: "width_bucket_numeric", Scalar: widthBucketNumeric},
	)
}
