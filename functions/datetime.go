package functions

import (
	"cmp"
	"math"
	"time"

	"gompho/internal/pgerr"
	"gompho/types"
)

func (c *Call) interval(i int) types.Interval { return types.IntervalOf(c.Args[i]) }

func (c *Call) retInterval(v types.Interval, err error) (types.Datum, error) {
	if err != nil {
		return types.Null, err
	}
	var buf [16]byte
	return c.keep(v.AppendDatum(buf[:0])), nil
}

func retInt(v int64, err error) (types.Datum, error) {
	if err != nil {
		return types.Null, err
	}
	return types.Int(v), nil
}

func dateOutOfRange() error { return pgerr.New(pgerr.DatetimeValueOutOfRange, "date out of range") }

func datePlus(sign int64) Scalar {
	return func(c *Call) (types.Datum, error) {
		d := c.int(0)
		if !types.DateIsFinite(d) {
			return types.Int(d), nil
		}
		if d += sign * c.int(1); !types.ValidDate(d) {
			return types.Null, dateOutOfRange()
		}
		return types.Int(d), nil
	}
}

func dateMinus(c *Call) (types.Datum, error) {
	a, b := c.int(0), c.int(1)
	if !types.DateIsFinite(a) || !types.DateIsFinite(b) {
		return types.Null, pgerr.New(pgerr.DatetimeValueOutOfRange, "cannot subtract infinite dates")
	}
	return types.Int(a - b), nil
}

func dateInterval(neg bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		ts, err := types.DateToTimestamp(c.int(0))
		if err != nil {
			return types.Null, err
		}
		return addInterval(ts, c.interval(1), neg)
	}
}

func addInterval(ts int64, v types.Interval, neg bool) (types.Datum, error) {
	if neg {
		var err error
		if v, err = v.Neg(); err != nil {
			return types.Null, err
		}
	}
	return retInt(v.AddToTimestamp(ts))
}

func timestampInterval(neg bool) Scalar {
	return func(c *Call) (types.Datum, error) { return addInterval(c.int(0), c.interval(1), neg) }
}

func timestamptzInterval(neg bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		v := c.interval(1)
		if neg {
			var err error
			if v, err = v.Neg(); err != nil {
				return types.Null, err
			}
		}
		return retInt(v.AddToTimestamptz(c.Env, c.int(0)))
	}
}

func timestampMinus(c *Call) (types.Datum, error) {
	a, b := c.int(0), c.int(1)
	if !types.TimestampIsFinite(a) || !types.TimestampIsFinite(b) {
		return types.Null, pgerr.New(pgerr.DatetimeValueOutOfRange, "cannot subtract infinite timestamps")
	}
	// A difference beyond 64 bits wraps around, as PostgreSQL's does.
	return c.retInterval(types.Interval{Usec: a - b}.JustifyHours())
}

// dateToTimestamptz is midnight of a date in a zone.
func dateToTimestamptz(env types.Env, d int64) (int64, error) {
	ts, err := types.DateToTimestamp(d)
	if err != nil {
		return 0, err
	}
	return types.LocalToZone(ts, env.TimeZone())
}

// crossCompare makes the comparisons of two of date, timestamp and timestamptz: left and right bring values to a
// common scale.
func crossCompare(prefix, suffix string, cmp func(c *Call) int) []Entry {
	var fs []Entry
	for op := opEQ; op <= opGE; op++ {
		fs = append(fs, Entry{Name: prefix + cmpSuffix[op] + suffix, Scalar: func(c *Call) (types.Datum, error) {
			return types.Bool(op.holds(cmp(c))), nil
		}})
	}
	return append(fs, Entry{Name: prefix + "cmp" + suffix, Scalar: func(c *Call) (types.Datum, error) {
		return types.Int(int64(cmp(c))), nil
	}})
}

// beyond stands for a conversion that overflowed: farther from 2000 than all finite values, but within the infinities.
func beyond(v, from int64, err error) int64 {
	switch {
	case err == nil:
		return v
	case from > 0:
		return math.MaxInt64 - 1
	}
	return math.MinInt64 + 1
}

func crossFamily() []Entry {
	dateTs := func(c *Call, i int) (int64, error) { return types.DateToTimestamp(c.int(i)) }
	dateTz := func(c *Call, i int) (int64, error) { return dateToTimestamptz(c.Env, c.int(i)) }
	tsTz := func(c *Call, i int) (int64, error) { return types.LocalToZone(c.int(i), c.Env.TimeZone()) }
	same := func(c *Call, i int) (int64, error) { return c.int(i), nil }
	conv := func(l, r func(c *Call, i int) (int64, error)) func(c *Call) int {
		return func(c *Call) int {
			a, e1 := l(c, 0)
			b, e2 := r(c, 1)
			return cmp.Compare(beyond(a, c.int(0), e1), beyond(b, c.int(1), e2))
		}
	}
	var fs []Entry
	fs = append(fs, crossCompare("date_", "_timestamp", conv(dateTs, same))...)
	fs = append(fs, crossCompare("date_", "_timestamptz", conv(dateTz, same))...)
	fs = append(fs, crossCompare("timestamp_", "_date", conv(same, dateTs))...)
	fs = append(fs, crossCompare("timestamp_", "_timestamptz", conv(tsTz, same))...)
	fs = append(fs, crossCompare("timestamptz_", "_date", conv(same, dateTz))...)
	return append(fs, crossCompare("timestamptz_", "_timestamp", conv(same, tsTz))...)
}

// Casts.

func dateTimestamp(c *Call) (types.Datum, error) { return retInt(types.DateToTimestamp(c.int(0))) }

func dateTimestamptz(c *Call) (types.Datum, error) { return retInt(dateToTimestamptz(c.Env, c.int(0))) }

func timestampDate(c *Call) (types.Datum, error) {
	return types.Int(types.TimestampToDate(c.int(0))), nil
}

func timestamptzDate(c *Call) (types.Datum, error) {
	return types.Int(types.TimestampToDate(types.ZoneToLocal(c.int(0), c.Env.TimeZone()))), nil
}

func timestampToTz(c *Call) (types.Datum, error) {
	return retInt(types.LocalToZone(c.int(0), c.Env.TimeZone()))
}

func timestamptzToLocal(c *Call) (types.Datum, error) {
	return types.Int(types.ZoneToLocal(c.int(0), c.Env.TimeZone())), nil
}

// timeOf returns the time of day of a local timestamp, NULL for an infinity.
func timeOf(ts int64) (types.Datum, error) {
	if !types.TimestampIsFinite(ts) {
		return types.Null, nil
	}
	return types.Int(ts - types.TimestampToDate(ts)*types.UsecPerDay), nil
}

func timestampTime(c *Call) (types.Datum, error) { return timeOf(c.int(0)) }

func timestamptzTime(c *Call) (types.Datum, error) {
	return timeOf(types.ZoneToLocal(c.int(0), c.Env.TimeZone()))
}

func timestamptzTimetz(c *Call) (types.Datum, error) {
	ts := c.int(0)
	if !types.TimestampIsFinite(ts) {
		return types.Null, nil
	}
	off, _ := types.OffsetAt(c.Env.TimeZone(), ts)
	t, err := timeOf(ts + int64(off)*1e6)
	if err != nil {
		return types.Null, err
	}
	return types.TimeTZ(t.Int(), int32(-off)), nil
}

func timeTimetz(c *Call) (types.Datum, error) {
	now := types.TimestampOfTime(c.Env.TxNow())
	off, _ := types.OffsetAt(c.Env.TimeZone(), now)
	return types.TimeTZ(c.int(0), int32(-off)), nil
}

func timetzTime(c *Call) (types.Datum, error) {
	t, _ := types.SplitTimeTZ(c.Args[0])
	return types.Int(t), nil
}

func datetimeTimestamp(c *Call) (types.Datum, error) {
	ts, err := types.DateToTimestamp(c.int(0))
	if err != nil || !types.TimestampIsFinite(ts) {
		return retInt(ts, err)
	}
	return checkTimestamp(ts + c.int(1))
}

func datetimetzTimestamptz(c *Call) (types.Datum, error) {
	ts, err := types.DateToTimestamp(c.int(0))
	if err != nil || !types.TimestampIsFinite(ts) {
		return retInt(ts, err)
	}
	t, west := types.SplitTimeTZ(c.Args[1])
	return checkTimestamp(ts + t + int64(west)*1e6)
}

func checkTimestamp(ts int64) (types.Datum, error) {
	if !types.ValidTimestamp(ts) {
		return types.Null, types.TimestampOutOfRange()
	}
	return types.Int(ts), nil
}

func intervalTime(c *Call) (types.Datum, error) {
	t := c.interval(0).Usec % types.UsecPerDay
	if t < 0 {
		t += types.UsecPerDay
	}
	return types.Int(t), nil
}

func timePlus(sign int64) Scalar {
	return func(c *Call) (types.Datum, error) { return types.Int(wrapDay(c.int(0) + sign*c.interval(1).Usec)), nil }
}

func wrapDay(t int64) int64 {
	if t %= types.UsecPerDay; t < 0 {
		t += types.UsecPerDay
	}
	return t
}

func timetzPlus(sign int64) Scalar {
	return func(c *Call) (types.Datum, error) {
		t, west := types.SplitTimeTZ(c.Args[0])
		return types.TimeTZ(wrapDay(t+sign*c.interval(1).Usec), west), nil
	}
}

func timeMinus(c *Call) (types.Datum, error) {
	return c.retInterval(types.Interval{Usec: c.int(0) - c.int(1)}, nil)
}

// Length coercions.

func precision(typmod int64) int32 { return int32(min(max(typmod, -1), 6)) }

func timestampScale(c *Call) (types.Datum, error) {
	return types.Int(types.RoundTimestamp(c.int(0), precision(c.int(1)))), nil
}

func timeScale(c *Call) (types.Datum, error) {
	return types.Int(types.RoundTime(c.int(0), precision(c.int(1)))), nil
}

func timetzScale(c *Call) (types.Datum, error) {
	t, west := types.SplitTimeTZ(c.Args[0])
	return types.TimeTZ(types.RoundTime(t, precision(c.int(1))), west), nil
}

func intervalScale(c *Call) (types.Datum, error) {
	return c.retInterval(c.interval(0).ApplyTypmod(int32(c.int(1))))
}

// AT TIME ZONE.

func timestampZone(c *Call) (types.Datum, error) {
	if !types.TimestampIsFinite(c.int(1)) {
		return c.Args[1], nil
	}
	loc, err := types.ZoneByName(c.str(0))
	if err != nil {
		return types.Null, err
	}
	return retInt(types.LocalToZone(c.int(1), loc))
}

func timestamptzZone(c *Call) (types.Datum, error) {
	if !types.TimestampIsFinite(c.int(1)) {
		return c.Args[1], nil
	}
	loc, err := types.ZoneByName(c.str(0))
	if err != nil {
		return types.Null, err
	}
	return checkTimestamp(types.ZoneToLocal(c.int(1), loc))
}

// intervalZone reads an interval that stands for a time zone.
func intervalZone(c *Call) (*time.Location, error) {
	v := c.interval(0)
	if v.Months != 0 || v.Days != 0 {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "interval time zone \"%s\" must not include months or days",
			string(v.AppendText(nil, c.Env.IntervalStyle())))
	}
	return time.FixedZone("", int(v.Usec/1e6)), nil
}

func timestampIzone(c *Call) (types.Datum, error) {
	if !types.TimestampIsFinite(c.int(1)) {
		return c.Args[1], nil
	}
	loc, err := intervalZone(c)
	if err != nil {
		return types.Null, err
	}
	return retInt(types.LocalToZone(c.int(1), loc))
}

func timestamptzIzone(c *Call) (types.Datum, error) {
	if !types.TimestampIsFinite(c.int(1)) {
		return c.Args[1], nil
	}
	loc, err := intervalZone(c)
	if err != nil {
		return types.Null, err
	}
	return checkTimestamp(types.ZoneToLocal(c.int(1), loc))
}

func timetzZone(byInterval bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		var loc *time.Location
		var err error
		if byInterval {
			loc, err = intervalZone(c)
		} else {
			loc, err = types.ZoneByName(c.str(0))
		}
		if err != nil {
			return types.Null, err
		}
		t, west := types.SplitTimeTZ(c.Args[1])
		off, _ := types.OffsetAt(loc, types.TimestampOfTime(c.Env.TxNow()))
		return types.TimeTZ(wrapDay(t+(int64(west)+int64(off))*1e6), int32(-off)), nil
	}
}

// The clocks.

func clock(now func(Env) time.Time) Scalar {
	return func(c *Call) (types.Datum, error) { return types.Int(types.TimestampOfTime(now(c.Env))), nil }
}

func timeOfDay(c *Call) (types.Datum, error) {
	t := c.Env.ClockTime().In(c.Env.TimeZone())
	return types.String(t.Format("Mon Jan 02 15:04:05.000000 2006 MST")), nil
}

func isFiniteTimestamp(c *Call) (types.Datum, error) {
	return types.Bool(types.TimestampIsFinite(c.int(0))), nil
}

// Intervals.

func intervalMul(c *Call) (types.Datum, error) { return c.retInterval(c.interval(0).Mul(c.float(1))) }

func mulInterval(c *Call) (types.Datum, error) { return c.retInterval(c.interval(1).Mul(c.float(0))) }

func interval2(f func(a, b types.Interval) (types.Interval, error)) Scalar {
	return func(c *Call) (types.Datum, error) { return c.retInterval(f(c.interval(0), c.interval(1))) }
}

func interval1(f func(a types.Interval) (types.Interval, error)) Scalar {
	return func(c *Call) (types.Datum, error) { return c.retInterval(f(c.interval(0))) }
}

// overlaps is (s1, e1) OVERLAPS (s2, e2) over values that cmp orders, with SQL's rules for NULL.
func overlaps(cmp func(a, b types.Datum) int) Scalar {
	// order puts the earlier bound first; the later may be NULL. Without any bound the answer is NULL.
	order := func(s, e types.Datum) (types.Datum, types.Datum, bool) {
		switch {
		case s.IsNull():
			return e, types.Null, !e.IsNull()
		case !e.IsNull() && cmp(s, e) > 0:
			return e, s, true
		}
		return s, e, true
	}
	return func(c *Call) (types.Datum, error) {
		s1, e1, ok1 := order(c.Args[0], c.Args[1])
		s2, e2, ok2 := order(c.Args[2], c.Args[3])
		if !ok1 || !ok2 {
			return types.Null, nil
		}
		switch cmp(s1, s2) {
		case 0:
			if e1.IsNull() || e2.IsNull() {
				return types.Null, nil
			}
			return types.Bool(true), nil
		case 1:
			s2, e1, e2 = s1, e2, e1
		}
		// The first range begins earlier: they overlap when the second begins before its end.
		switch {
		case e1.IsNull():
			return types.Null, nil
		case cmp(s2, e1) < 0:
			return types.Bool(true), nil
		case e2.IsNull():
			return types.Null, nil
		}
		return types.Bool(false), nil
	}
}

// datetimeFamily lists operators and casts of the date and time types.
func datetimeFamily() []Entry {
	ints := wordOrder[int64]{}
	timetz, iv := types.CompareTimeTZ, types.Comparer(types.Builtin(types.IntervalOid), 0)
	var fs []Entry
	for _, p := range []string{"date_", "time_", "timestamp_"} {
		fs = append(fs, comparisons(p, ints)...)
		fs = append(fs, Entry{Name: p + "cmp", Scalar: btcmp(cmpWords[int64])},
			Entry{Name: p + "larger", Scalar: larger(cmpWords[int64])}, Entry{Name: p + "smaller", Scalar: smaller(cmpWords[int64])})
	}
	fs = append(fs, comparisons("timetz_", funcOrder(timetz))...)
	fs = append(fs, comparisons("interval_", funcOrder(iv))...)
	fs = append(fs, crossFamily()...)
	start := func(e Env) time.Time { return e.TxNow() }
	return append(fs,
		Entry{Name: "timetz_cmp", Scalar: btcmp(timetz)}, Entry{Name: "timetz_larger", Scalar: larger(timetz)}, Entry{Name: "timetz_smaller", Scalar: smaller(timetz)},
		Entry{Name: "interval_cmp", Scalar: btcmp(iv)}, Entry{Name: "interval_larger", Scalar: larger(iv)}, Entry{Name: "interval_smaller", Scalar: smaller(iv)},
		Entry{Name: "date_pli", Scalar: datePlus(1)}, Entry{Name: "date_mii", Scalar: datePlus(-1)}, Entry{Name: "date_mi", Scalar: dateMinus},
		Entry{Name: "date_pl_interval", Scalar: dateInterval(false)}, Entry{Name: "date_mi_interval", Scalar: dateInterval(true)},
		Entry{Name: "timestamp_pl_interval", Scalar: timestampInterval(false)}, Entry{Name: "timestamp_mi_interval", Scalar: timestampInterval(true)},
		Entry{Name: "timestamptz_pl_interval", Scalar: timestamptzInterval(false)}, Entry{Name: "timestamptz_mi_interval", Scalar: timestamptzInterval(true)},
		Entry{Name: "timestamp_mi", Scalar: timestampMinus},
		Entry{Name: "date_timestamp", Scalar: dateTimestamp}, Entry{Name: "date_timestamptz", Scalar: dateTimestamptz},
		Entry{Name: "timestamp_date", Scalar: timestampDate}, Entry{Name: "timestamptz_date", Scalar: timestamptzDate},
		Entry{Name: "timestamp_timestamptz", Scalar: timestampToTz}, Entry{Name: "timestamptz_timestamp", Scalar: timestamptzToLocal},
		Entry{Name: "timestamp_time", Scalar: timestampTime}, Entry{Name: "timestamptz_time", Scalar: timestamptzTime},
		Entry{Name: "timestamptz_timetz", Scalar: timestamptzTimetz}, Entry{Name: "time_timetz", Scalar: timeTimetz}, Entry{Name: "timetz_time", Scalar: timetzTime},
		Entry{Name: "datetime_timestamp", Scalar: datetimeTimestamp}, Entry{Name: "datetimetz_timestamptz", Scalar: datetimetzTimestamptz},
		Entry{Name: "time_interval", Scalar: func(c *Call) (types.Datum, error) {
			return c.retInterval(types.Interval{Usec: c.int(0)}, nil)
		}},
		Entry{Name: "interval_time", Scalar: intervalTime},
		Entry{Name: "time_pl_interval", Scalar: timePlus(1)}, Entry{Name: "time_mi_interval", Scalar: timePlus(-1)}, Entry{Name: "time_mi_time", Scalar: timeMinus},
		Entry{Name: "timetz_pl_interval", Scalar: timetzPlus(1)}, Entry{Name: "timetz_mi_interval", Scalar: timetzPlus(-1)},
		Entry{Name: "timestamp_scale", Scalar: timestampScale}, Entry{Name: "timestamptz_scale", Scalar: timestampScale},
		Entry{Name: "time_scale", Scalar: timeScale}, Entry{Name: "timetz_scale", Scalar: timetzScale}, Entry{Name: "interval_scale", Scalar: intervalScale},
		Entry{Name: "timestamp_zone", Scalar: timestampZone}, Entry{Name: "timestamptz_zone", Scalar: timestamptzZone},
		Entry{Name: "timestamp_izone", Scalar: timestampIzone}, Entry{Name: "timestamptz_izone", Scalar: timestamptzIzone},
		Entry{Name: "timetz_zone", Scalar: timetzZone(false)}, Entry{Name: "timetz_izone", Scalar: timetzZone(true)},
		Entry{Name: "now", Scalar: clock(start)},
		Entry{Name: "statement_timestamp", Scalar: clock(func(e Env) time.Time { return e.StatementTime() })},
		Entry{Name: "clock_timestamp", Scalar: clock(func(e Env) time.Time { return e.ClockTime() })},
		Entry{Name: "timeofday", Scalar: timeOfDay},
		Entry{Name: "timestamp_finite", Scalar: isFiniteTimestamp},
		Entry{Name: "date_finite", Scalar: func(c *Call) (types.Datum, error) { return types.Bool(types.DateIsFinite(c.int(0))), nil }},
		Entry{Name: "interval_finite", Scalar: func(*Call) (types.Datum, error) { return types.Bool(true), nil }},
		Entry{Name: "interval_pl", Scalar: interval2(types.Interval.Add)}, Entry{Name: "interval_mi", Scalar: interval2(types.Interval.Sub)},
		Entry{Name: "interval_um", Scalar: interval1(types.Interval.Neg)},
		Entry{Name: "interval_mul", Scalar: intervalMul}, Entry{Name: "mul_d_interval", Scalar: mulInterval},
		Entry{Name: "interval_div", Scalar: func(c *Call) (types.Datum, error) { return c.retInterval(c.interval(0).Div(c.float(1))) }},
		Entry{Name: "interval_justify_hours", Scalar: interval1(types.Interval.JustifyHours)},
		Entry{Name: "interval_justify_days", Scalar: interval1(types.Interval.JustifyDays)},
		Entry{Name: "interval_justify_interval", Scalar: interval1(types.Interval.Justify)},
		Entry{Name: "overlaps_timestamp", Scalar: overlaps(cmpWords[int64])}, Entry{Name: "overlaps_time", Scalar: overlaps(cmpWords[int64])},
		Entry{Name: "overlaps_timetz", Scalar: overlaps(timetz)},
	)
}
