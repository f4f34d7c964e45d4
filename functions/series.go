package functions

import (
	"math"

	"gompho/internal/pgerr"
	"gompho/types"
)

func stepZero() error { return pgerr.New(pgerr.InvalidParameterValue, "step size cannot equal zero") }

// intSeries is generate_series over integers; it ends at an overflow, too.
func intSeries(w *intWidth) SetFunc {
	return func(c *Call) (RowSource, error) {
		cur, end, step := c.int(0), c.int(1), int64(1)
		if len(c.Args) > 2 {
			step = c.int(2)
		}
		if step == 0 {
			return nil, stepZero()
		}
		return &intRange{cur: cur, end: end, step: step, lo: w.lo, hi: w.hi}, nil
	}
}

type intRange struct {
	cur, end, step, lo, hi int64
	done                   bool
}

func (r *intRange) Next(cols []types.Datum) (bool, error) {
	if r.done || r.step > 0 && r.cur > r.end || r.step < 0 && r.cur < r.end {
		return false, nil
	}
	cols[0] = types.Int(r.cur)
	next, ok := addInt(r.cur, r.step)
	r.done = !ok || next < r.lo || next > r.hi
	r.cur = next
	return true, nil
}

// Close does nothing.
func (r *intRange) Close() {}

func numericSeries(c *Call) (RowSource, error) {
	cur, end, step := types.NumericOf(c.Args[0].Clone()), types.NumericOf(c.Args[1].Clone()), types.NumericFromInt(1)
	if len(c.Args) > 2 {
		step = types.NumericOf(c.Args[2].Clone())
	}
	for _, p := range []struct {
		n    types.Numeric
		what string
	}{{cur, "start"}, {end, "stop"}, {step, "step"}} {
		what := p.what + " value"
		if p.what == "step" {
			what = "step size"
		}
		if p.n.IsNaN() {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "%s cannot be NaN", what)
		}
		if p.n.IsInf() {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "%s cannot be infinity", what)
		}
	}
	sign := step.Sign()
	if sign == 0 {
		return nil, stepZero()
	}
	return rowFunc(func(cols []types.Datum) (bool, error) {
		if cur.Cmp(end)*sign > 0 {
			return false, nil
		}
		cols[0] = cur.Datum()
		var err error
		cur, err = cur.Add(step)
		return true, err
	}), nil
}

// timeSeries is generate_series over timestamps, with or without time zone.
func timeSeries(add func(c *Call, v types.Interval, ts int64) (int64, error)) SetFunc {
	return func(c *Call) (RowSource, error) {
		cur, end, step := c.int(0), c.int(1), types.IntervalOf(c.Args[2])
		sign := step.Cmp(types.Interval{})
		if sign == 0 {
			return nil, stepZero()
		}
		env := *c
		done := false
		return rowFunc(func(cols []types.Datum) (bool, error) {
			if done || sign > 0 && cur > end || sign < 0 && cur < end {
				return false, nil
			}
			cols[0] = types.Int(cur)
			if cur == math.MaxInt64 || cur == math.MinInt64 {
				done = true
				return true, nil
			}
			var err error
			cur, err = add(&env, step, cur)
			return true, err
		}), nil
	}
}

// unnest gives the elements of an array of any number of dimensions.
func unnest(c *Call) (RowSource, error) {
	elem, err := c.elemTypeOf(0, c.Args[0])
	if err != nil {
		return nil, err
	}
	pace := c.pacer()
	own, err := pace.Clone(c.bytes(0))
	if err != nil {
		return nil, err
	}
	it := types.IterateArray(types.Bytes(own), elem)
	return rowFunc(func(cols []types.Datum) (bool, error) {
		d, ok := it.Next()
		cols[0] = d
		return ok, nil
	}), nil
}

func generateSubscripts(c *Call) (RowSource, error) {
	_, dims, lbs := types.ArrayDims(c.Args[0])
	d := c.int(1)
	if d < 1 || d > int64(len(dims)) {
		return &rowList{}, nil
	}
	lo := int64(lbs[d-1])
	hi := lo + int64(dims[d-1]) - 1
	if len(c.Args) > 2 && c.bool(2) {
		return &intRange{cur: hi, end: lo, step: -1, lo: math.MinInt32, hi: math.MaxInt32}, nil
	}
	return &intRange{cur: lo, end: hi, step: 1, lo: math.MinInt32, hi: math.MaxInt32}, nil
}

// seriesFamily lists set-returning functions over numbers, times and arrays.
func seriesFamily() []Entry {
	return []Entry{
		{Name: "generate_series_int4", Set: intSeries(&width4)}, {Name: "generate_series_step_int4", Set: intSeries(&width4)},
		{Name: "generate_series_int8", Set: intSeries(&width8)}, {Name: "generate_series_step_int8", Set: intSeries(&width8)},
		{Name: "generate_series_numeric", Set: numericSeries}, {Name: "generate_series_step_numeric", Set: numericSeries},
		{Name: "generate_series_timestamp", Set: timeSeries(func(_ *Call, v types.Interval, ts int64) (int64, error) { return v.AddToTimestamp(ts) })},
		{Name: "generate_series_timestamptz", Set: timeSeries(func(c *Call, v types.Interval, ts int64) (int64, error) { return v.AddToTimestamptz(c.Env, ts) })},
		{Name: "array_unnest", Set: unnest},
		{Name: "generate_subscripts", Set: generateSubscripts}, {Name: "generate_subscripts_nodir", Set: generateSubscripts},
	}
}
