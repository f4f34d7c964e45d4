package functions

import (
	"math"

	"gompho/internal/pgerr"
	"gompho/types"
)

// The in_range functions serve window frames by RANGE: arguments are a value, the base value, the offset, whether
// to subtract it, and whether the value is to be at most (or at least) the bound that results.

func badFrameOffset() error {
	return pgerr.New(pgerr.InvalidPrecedingOrFollowingSize, "invalid preceding or following size in window function")
}

// within compares: c is the order of the value and the bound.
func within(c int, less bool) (types.Datum, error) {
	if less {
		return types.Bool(c <= 0), nil
	}
	return types.Bool(c >= 0), nil
}

// overflowed is the answer for a bound out of range: above all values, or below them.
func overflowed(sub, less bool) (types.Datum, error) { return types.Bool(sub != less), nil }

func inRangeInt(c *Call) (types.Datum, error) {
	val, base, offset, sub, less := c.int(0), c.int(1), c.int(2), c.bool(3), c.bool(4)
	if offset < 0 {
		return types.Null, badFrameOffset()
	}
	op := addInt
	if sub {
		op = subInt
	}
	sum, ok := op(base, offset)
	if !ok {
		return overflowed(sub, less)
	}
	return within(cmpWords[int64](types.Int(val), types.Int(sum)), less)
}

func inRangeFloat(c *Call) (types.Datum, error) {
	val, base, offset, sub, less := c.float(0), c.float(1), c.float(2), c.bool(3), c.bool(4)
	if math.IsNaN(offset) || offset < 0 {
		return types.Null, badFrameOffset()
	}
	switch {
	case math.IsNaN(val):
		return types.Bool(math.IsNaN(base) || !less), nil
	case math.IsNaN(base):
		return types.Bool(less), nil
	case math.IsInf(offset, 1) && (sub && math.IsInf(base, 1) || !sub && math.IsInf(base, -1)):
		return types.Bool(true), nil
	}
	if sub {
		offset = -offset
	}
	return within(cmpFloat(types.Float(val), types.Float(base+offset)), less)
}

func inRangeNumeric(c *Call) (types.Datum, error) {
	val, base, offset := types.NumericOf(c.Args[0]), types.NumericOf(c.Args[1]), types.NumericOf(c.Args[2])
	sub, less := c.bool(3), c.bool(4)
	if offset.IsNaN() || offset.Sign() < 0 {
		return types.Null, badFrameOffset()
	}
	switch {
	case val.IsNaN():
		return types.Bool(base.IsNaN() || !less), nil
	case base.IsNaN():
		return types.Bool(less), nil
	case offset.IsInf() && base.IsInf() && (base.Sign() > 0) == sub:
		return types.Bool(true), nil
	}
	if sub {
		offset = offset.Neg()
	}
	sum, err := base.Add(offset)
	if err != nil {
		return types.Null, err
	}
	return within(val.Cmp(sum), less)
}

// frameOffset returns the offset as an interval, negated if it is to be subtracted.
func frameOffset(c *Call) (types.Interval, error) {
	v := types.IntervalOf(c.Args[2])
	if v.Cmp(types.Interval{}) < 0 {
		return v, badFrameOffset()
	}
	if c.bool(3) {
		return v.Neg()
	}
	return v, nil
}

// inRangeTime is in_range over dates and timestamps; add adds an interval, after toTime made the arguments timestamps.
func inRangeTime(toTime func(int64) (int64, error), add func(c *Call, v types.Interval, ts int64) (int64, error)) Scalar {
	return func(c *Call) (types.Datum, error) {
		v, err := frameOffset(c)
		if err != nil {
			return types.Null, err
		}
		val, err := toTime(c.int(0))
		if err != nil {
			return types.Null, err
		}
		base, err := toTime(c.int(1))
		if err != nil {
			return types.Null, err
		}
		sum, err := add(c, v, base)
		if err != nil {
			return types.Null, err
		}
		return within(cmpWords[int64](types.Int(val), types.Int(sum)), c.bool(4))
	}
}

func inRangeInterval(c *Call) (types.Datum, error) {
	v, err := frameOffset(c)
	if err != nil {
		return types.Null, err
	}
	sum, err := types.IntervalOf(c.Args[1]).Add(v)
	if err != nil {
		return types.Null, err
	}
	return within(types.IntervalOf(c.Args[0]).Cmp(sum), c.bool(4))
}

// inRangeClock is in_range over time of day: months and days of the offset do not count, and there is no wrapping.
func inRangeClock(c *Call) (types.Datum, error) {
	usec := types.IntervalOf(c.Args[2]).Usec
	if usec < 0 {
		return types.Null, badFrameOffset()
	}
	op := addInt
	if c.bool(3) {
		op = subInt
	}
	sum, ok := op(c.int(1), usec)
	if !ok {
		return overflowed(c.bool(3), c.bool(4))
	}
	return within(cmpWords[int64](c.Args[0], types.Int(sum)), c.bool(4))
}

func addLocal(_ *Call, v types.Interval, ts int64) (int64, error) { return v.AddToTimestamp(ts) }
func addZoned(c *Call, v types.Interval, ts int64) (int64, error) {
	return v.AddToTimestamptz(c.Env, ts)
}
func sameTime(ts int64) (int64, error) { return ts, nil }

// inRangeFamily lists in_range.
func inRangeFamily() []Entry {
	var fs []Entry
	for _, n := range []string{"int2_int2", "int2_int4", "int2_int8", "int4_int2", "int4_int4", "int4_int8", "int8_int8"} {
		fs = append(fs, Entry{Name: "in_range_" + n, Scalar: inRangeInt})
	}
	return append(fs,
		Entry{Name: "in_range_float4_float8", Scalar: inRangeFloat}, Entry{Name: "in_range_float8_float8", Scalar: inRangeFloat},
		Entry{Name: "in_range_numeric_numeric", Scalar: inRangeNumeric}, Entry{Name: "in_range_interval_interval", Scalar: inRangeInterval},
		Entry{Name: "in_range_time_interval", Scalar: inRangeClock},
		Entry{Name: "in_range_date_interval", Scalar: inRangeTime(types.DateToTimestamp, addLocal)},
		Entry{Name: "in_range_timestamp_interval", Scalar: inRangeTime(sameTime, addLocal)},
		Entry{Name: "in_range_timestamptz_interval", Scalar: inRangeTime(sameTime, addZoned)})
}
