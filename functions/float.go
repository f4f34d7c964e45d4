package functions

import (
	"math"

	"gompho/internal/pgerr"
	"gompho/types"
)

func floatUnderflow() error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: underflow")
}

// floatOp is one of the four operations, with PostgreSQL's checks.
type floatOp func(a, b float64, single bool) (float64, error)

// narrow rounds to float4 where that is the type of the result.
func narrow(r float64, single bool) float64 {
	if single {
		return float64(float32(r))
	}
	return r
}

func floatAdd(a, b float64, single bool) (float64, error) {
	r := narrow(a+b, single)
	if math.IsInf(r, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return 0, floatOverflow()
	}
	return r, nil
}

func floatSub(a, b float64, single bool) (float64, error) { return floatAdd(a, -b, single) }

func floatMul(a, b float64, single bool) (float64, error) {
	r := narrow(a*b, single)
	if math.IsInf(r, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return 0, floatOverflow()
	}
	if r == 0 && a != 0 && b != 0 {
		return 0, floatUnderflow()
	}
	return r, nil
}

func floatDiv(a, b float64, single bool) (float64, error) {
	if b == 0 && a == a {
		return 0, divisionByZero()
	}
	r := narrow(a/b, single)
	if math.IsInf(r, 0) && !math.IsInf(a, 0) && b != 0 {
		return 0, floatOverflow()
	}
	if r == 0 && a != 0 && !math.IsInf(b, 0) {
		return 0, floatUnderflow()
	}
	return r, nil
}

func floatArith(op floatOp, single bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		r, err := op(c.float(0), c.float(1), single)
		return types.Float(r), err
	}
}

func floatArithKernel(op floatOp) Kernel {
	return func(args []*types.Vector, sel []int32, n int, out *types.Vector) error {
		nulls := unionNulls(args, sel, n, out)
		a, b, o := args[0].W, args[1].W, out.W
		one := func(i int) error {
			r, err := op(math.Float64frombits(a[i]), math.Float64frombits(b[i]), false)
			if err != nil && !(nulls && out.IsNull(i)) {
				return err
			}
			o[i] = math.Float64bits(r)
			return nil
		}
		if sel != nil {
			for _, i := range sel {
				if err := one(int(i)); err != nil {
					return err
				}
			}
			return nil
		}
		for i := range n {
			if err := one(i); err != nil {
				return err
			}
		}
		return nil
	}
}

func floatToInt(w *intWidth) Scalar {
	return func(c *Call) (types.Datum, error) {
		f := math.RoundToEven(c.float(0))
		if f != f || f < float64(w.lo) || f >= -float64(w.lo) {
			return types.Null, w.overflow()
		}
		return types.Int(int64(f)), nil
	}
}

func intToFloat(single bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		if single {
			return types.Float(float64(float32(c.int(0)))), nil
		}
		return types.Float(float64(c.int(0))), nil
	}
}

func float8To4(c *Call) (types.Datum, error) {
	f := c.float(0)
	r := float64(float32(f))
	if math.IsInf(r, 0) && !math.IsInf(f, 0) {
		return types.Null, floatOverflow()
	}
	if r == 0 && f != 0 {
		return types.Null, floatUnderflow()
	}
	return types.Float(r), nil
}

// float1 makes a function of one float that cannot fail.
func float1(f func(float64) float64) Scalar {
	return func(c *Call) (types.Datum, error) { return types.Float(f(c.float(0))), nil }
}

// checked makes a function of one float that must not overflow for a finite argument.
func checked(f func(float64) float64) Scalar {
	return func(c *Call) (types.Datum, error) {
		x := c.float(0)
		r := f(x)
		if math.IsInf(r, 0) && !math.IsInf(x, 0) {
			return types.Null, floatOverflow()
		}
		return types.Float(r), nil
	}
}

func inputOutOfRange() error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "input is out of range")
}

// domain makes a function of one float that is defined where ok holds.
func domain(f func(float64) float64, ok func(float64) bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		x := c.float(0)
		if x == x && !ok(x) {
			return types.Null, inputOutOfRange()
		}
		return types.Float(f(x)), nil
	}
}

func within1(x float64) bool  { return x >= -1 && x <= 1 }
func isFinite(x float64) bool { return !math.IsInf(x, 0) }

func floatSqrt(c *Call) (types.Datum, error) {
	if c.float(0) < 0 {
		return types.Null, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "cannot take square root of a negative number")
	}
	return types.Float(math.Sqrt(c.float(0))), nil
}

func floatExp(c *Call) (types.Datum, error) {
	x := c.float(0)
	r := preciseExp(x)
	switch {
	case math.IsInf(r, 0) && !math.IsInf(x, 0):
		return types.Null, floatOverflow()
	case r == 0 && !math.IsInf(x, 0):
		return types.Null, floatUnderflow()
	}
	return types.Float(r), nil
}

func floatLog(f func(float64) float64) Scalar {
	return func(c *Call) (types.Datum, error) {
		x := c.float(0)
		switch {
		case x == 0:
			return types.Null, pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of zero")
		case x < 0:
			return types.Null, pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of a negative number")
		}
		return types.Float(f(x)), nil
	}
}

func floatPower(c *Call) (types.Datum, error) {
	a, b := c.float(0), c.float(1)
	switch {
	case a == 0 && b < 0:
		return types.Null, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "zero raised to a negative power is undefined")
	case a < 0 && !math.IsInf(a, 0) && !math.IsInf(b, 0) && b == b && math.Floor(b) != b,
		math.IsInf(a, -1) && !math.IsInf(b, 0) && b == b && math.Floor(b) != b:
		return types.Null, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "a negative number raised to a non-integer power yields a complex result")
	}
	r := precisePow(a, b)
	if !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		if math.IsInf(r, 0) {
			return types.Null, floatOverflow()
		}
		if r == 0 && a != 0 {
			return types.Null, floatUnderflow()
		}
	}
	return types.Float(r), nil
}

func radians(c *Call) (types.Datum, error) {
	r := c.float(0) * (math.Pi / 180)
	if r == 0 && c.float(0) != 0 {
		return types.Null, floatUnderflow()
	}
	return types.Float(r), nil
}

func floatSign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

func widthBucketFloat(c *Call) (types.Datum, error) {
	op, lo, hi, count := c.float(0), c.float(1), c.float(2), c.int(3)
	switch {
	case count <= 0:
		return types.Null, widthBucketError("count must be greater than zero")
	case op != op || lo != lo || hi != hi:
		return types.Null, widthBucketError("operand, lower bound, and upper bound cannot be NaN")
	case math.IsInf(lo, 0) || math.IsInf(hi, 0):
		return types.Null, widthBucketError("lower and upper bounds must be finite")
	case lo == hi:
		return types.Null, widthBucketError("lower bound cannot equal upper bound")
	}
	if lo > hi {
		op, lo, hi = -op, -lo, -hi
	}
	switch {
	case op < lo:
		return types.Int(0), nil
	case op >= hi:
		return width4.fit(count + 1)
	}
	// What does not fit, and what is not a number, becomes the least integer, as the conversion of the machine has it.
	v := float64(count)*(op-lo)/(hi-lo) + 1
	if !(v < 1<<31 && v > -1<<31) {
		return types.Int(math.MinInt32), nil
	}
	return types.Int(int64(v)), nil
}

// The functions over degrees are exact at multiples of 30 and 45 degrees: they divide by these values as computed.
var (
	perDegree = math.Pi / 180
	sin30     = preciseSin(30 * perDegree)
	fall60    = 1 - preciseCos(60*perDegree)
	asinHalf  = preciseAsin(0.5)
	acosHalf  = preciseAcos(0.5)
	atanOne   = preciseAtan(1)
	tan45     = sinQuarter(45) / cosDegrees(45)
	cot45     = cosDegrees(45) / sinQuarter(45)
)

func sinDegrees(x float64) float64 {
	x = math.Mod(x, 360)
	sign := 1.0
	if x < 0 {
		x, sign = -x, -sign
	}
	if x > 180 {
		x, sign = 360-x, -sign
	}
	if x > 90 {
		x = 180 - x
	}
	return sign * sinQuarter(x)
}

// sinQuarter is the sine of 0 to 90 degrees.
func sinQuarter(x float64) float64 {
	if x <= 30 {
		return preciseSin(x*perDegree) / sin30 / 2
	}
	return cosSmall(90 - x)
}

// cosSmall is the cosine of 0 to 60 degrees.
func cosSmall(x float64) float64 {
	return 1 - (1-preciseCos(x*perDegree))/fall60/2
}

func cosDegrees(x float64) float64 {
	x = math.Mod(math.Abs(x), 360)
	sign := 1.0
	if x > 180 {
		x = 360 - x
	}
	if x > 90 {
		x, sign = 180-x, -1
	}
	if x <= 60 {
		return sign * cosSmall(x)
	}
	return sign * sinQuarter(90-x)
}

func tanDegrees(x float64) float64 { return tanQuotient(x, false) }
func cotDegrees(x float64) float64 { return tanQuotient(x, true) }

func tanQuotient(x float64, cot bool) float64 {
	x = math.Mod(x, 360)
	sign := 1.0
	if x < 0 {
		x, sign = -x, -sign
	}
	if x > 180 {
		x, sign = 360-x, -sign
	}
	if x > 90 {
		x, sign = 180-x, -sign
	}
	s, c := sinQuarter(x), cosDegrees(x)
	r := s / c / tan45
	if cot {
		r = c / s / cot45
	}
	if r == 0 {
		return 0
	}
	return sign * r
}

func asinDegrees(x float64) float64 {
	if x < 0 {
		return -asinDegrees(-x)
	}
	if x <= 0.5 {
		return preciseAsin(x) / asinHalf * 30
	}
	return 90 - preciseAcos(x)/acosHalf*60
}

func acosDegrees(x float64) float64 {
	if x >= 0 {
		if x <= 0.5 {
			return 90 - preciseAsin(x)/asinHalf*30
		}
		return preciseAcos(x) / acosHalf * 60
	}
	return 90 + asinDegrees(-x)
}

func atanDegrees(x float64) float64 { return preciseAtan(x) / atanOne * 45 }

// floatFamily lists the functions over float4 and float8.
func floatFamily() []Entry {
	var fs []Entry
	for _, p := range [...]struct {
		prefix string
		single bool
	}{{"float4", true}, {"float8", false}, {"float48", false}, {"float84", false}} {
		e := []Entry{{Name: p.prefix + "pl", Scalar: floatArith(floatAdd, p.single)}, {Name: p.prefix + "mi", Scalar: floatArith(floatSub, p.single)},
			{Name: p.prefix + "mul", Scalar: floatArith(floatMul, p.single)}, {Name: p.prefix + "div", Scalar: floatArith(floatDiv, p.single)}}
		if !p.single {
			for i, op := range []floatOp{floatAdd, floatSub, floatMul, floatDiv} {
				e[i].Kernel = floatArithKernel(op)
			}
		}
		fs = append(fs, e...)
		fs = append(fs, comparisons(p.prefix, floatOrder{})...)
		fs = append(fs, Entry{Name: "bt" + p.prefix + "cmp", Scalar: btcmp(cmpFloat)})
	}
	neg := func(x float64) float64 { return -x }
	for _, p := range []string{"float4", "float8"} {
		fs = append(fs, Entry{Name: p + "um", Scalar: float1(neg)}, Entry{Name: p + "up", Scalar: sameArg},
			Entry{Name: p + "abs", Scalar: float1(math.Abs)},
			Entry{Name: p + "larger", Scalar: larger(cmpFloat)}, Entry{Name: p + "smaller", Scalar: smaller(cmpFloat)})
	}
	fs = append(fs,
		Entry{Name: "ftod", Scalar: sameArg}, Entry{Name: "dtof", Scalar: float8To4},
		Entry{Name: "dtoi2", Scalar: floatToInt(&width2)}, Entry{Name: "dtoi4", Scalar: floatToInt(&width4)}, Entry{Name: "dtoi8", Scalar: floatToInt(&width8)},
		Entry{Name: "ftoi2", Scalar: floatToInt(&width2)}, Entry{Name: "ftoi4", Scalar: floatToInt(&width4)}, Entry{Name: "ftoi8", Scalar: floatToInt(&width8)},
		Entry{Name: "i2tod", Scalar: intToFloat(false)}, Entry{Name: "i4tod", Scalar: intToFloat(false)}, Entry{Name: "i8tod", Scalar: intToFloat(false)},
		Entry{Name: "i2tof", Scalar: intToFloat(true)}, Entry{Name: "i4tof", Scalar: intToFloat(true)}, Entry{Name: "i8tof", Scalar: intToFloat(true)},
		Entry{Name: "dceil", Scalar: float1(math.Ceil)}, Entry{Name: "dfloor", Scalar: float1(math.Floor)},
		Entry{Name: "dround", Scalar: float1(math.RoundToEven)}, Entry{Name: "dtrunc", Scalar: float1(math.Trunc)},
		Entry{Name: "dsign", Scalar: float1(floatSign)}, Entry{Name: "dcbrt", Scalar: float1(preciseCbrt)},
		Entry{Name: "dsqrt", Scalar: floatSqrt}, Entry{Name: "dpow", Scalar: floatPower}, Entry{Name: "dexp", Scalar: floatExp},
		Entry{Name: "dlog1", Scalar: floatLog(preciseLog)}, Entry{Name: "dlog10", Scalar: floatLog(preciseLog10)},
		Entry{Name: "dsin", Scalar: domain(preciseSin, isFinite)}, Entry{Name: "dcos", Scalar: domain(preciseCos, isFinite)},
		Entry{Name: "dtan", Scalar: domain(preciseTan, isFinite)},
		Entry{Name: "dcot", Scalar: domain(func(x float64) float64 { return 1 / preciseTan(x) }, isFinite)},
		Entry{Name: "dasin", Scalar: domain(preciseAsin, within1)}, Entry{Name: "dacos", Scalar: domain(preciseAcos, within1)},
		Entry{Name: "datan", Scalar: float1(preciseAtan)},
		Entry{Name: "datan2", Scalar: func(c *Call) (types.Datum, error) { return types.Float(preciseAtan2(c.float(0), c.float(1))), nil }},
		Entry{Name: "dsinh", Scalar: float1(hyperbolicSin)}, Entry{Name: "dcosh", Scalar: float1(hyperbolicCos)}, Entry{Name: "dtanh", Scalar: float1(math.Tanh)},
		Entry{Name: "dasinh", Scalar: float1(math.Asinh)},
		Entry{Name: "dacosh", Scalar: domain(math.Acosh, func(x float64) bool { return x >= 1 })},
		Entry{Name: "datanh", Scalar: domain(math.Atanh, within1)},
		Entry{Name: "dsind", Scalar: domain(sinDegrees, isFinite)}, Entry{Name: "dcosd", Scalar: domain(cosDegrees, isFinite)},
		Entry{Name: "dtand", Scalar: domain(tanDegrees, isFinite)}, Entry{Name: "dcotd", Scalar: domain(cotDegrees, isFinite)},
		Entry{Name: "dasind", Scalar: domain(asinDegrees, within1)}, Entry{Name: "dacosd", Scalar: domain(acosDegrees, within1)},
		Entry{Name: "datand", Scalar: float1(atanDegrees)},
		Entry{Name: "datan2d", Scalar: func(c *Call) (types.Datum, error) {
			return types.Float(preciseAtan2(c.float(0), c.float(1)) / atanOne * 45), nil
		}},
		Entry{Name: "degrees", Scalar: checked(func(x float64) float64 { return x / (math.Pi / 180) })},
		Entry{Name: "radians", Scalar: radians},
		Entry{Name: "dpi", Scalar: func(*Call) (types.Datum, error) { return types.Float(math.Pi), nil }},
		Entry{Name: "width_bucket_float8", Scalar: widthBucketFloat},
	)
	return fs
}
