package functions

import (
	"fmt"
	"math"

	"gompho/internal/pgerr"
	"gompho/types"
)

func fieldOutOfRange(format string, args ...any) error {
	return pgerr.New(pgerr.DatetimeFieldOverflow, format, args...)
}

// civilOf checks a date; a negative year is BC.
func civilOf(y, m, d int64) (types.Civil, bool) {
	year := y
	if y < 0 {
		year = y + 1
	}
	if y == 0 || m < 1 || m > 12 || d < 1 || d > int64(types.DaysInMonth(int(year), int(m))) {
		return types.Civil{}, false
	}
	return types.Civil{Year: int(year), Month: int(m), Day: int(d)}, true
}

func makeDate(c *Call) (types.Datum, error) {
	y, m, d := c.int(0), c.int(1), c.int(2)
	t, ok := civilOf(y, m, d)
	if !ok {
		if y < 0 {
			y++ // the message shows the year as it is computed with
		}
		return types.Null, fieldOutOfRange("date field value out of range: %d-%02d-%02d", y, m, d)
	}
	if !julianYear(t.Year) {
		return types.Null, pgerr.New(pgerr.DatetimeValueOutOfRange, "date out of range: %d-%02d-%02d", t.Year, m, d)
	}
	day := int64(types.JulianDay(t.Year, t.Month, t.Day) - types.JulianDay(2000, 1, 1))
	if !types.ValidDate(day) {
		return types.Null, pgerr.New(pgerr.DatetimeValueOutOfRange, "date out of range: %d-%02d-%02d", y, m, d)
	}
	return types.Int(day), nil
}

// julianYear reports whether days of a year can be counted.
func julianYear(year int) bool { return year >= -4713 && year <= 5874898 }

// shortFloat shows seconds in a message, with at least two characters.
func shortFloat(f float64) string {
	switch {
	case f != f:
		return "NaN"
	case math.IsInf(f, 0):
		return types.OutputString(types.DefaultEnv, types.Builtin(types.Float8Oid), types.Float(f))
	}
	return fmt.Sprintf("%02s", fmt.Sprintf("%.6g", f))
}

// clockOf checks a time of day with fractional seconds.
func clockOf(h, m int64, sec float64) (int64, bool) {
	if h < 0 || m < 0 || m > 59 || sec != sec || sec < 0 || sec > 60 || h > 24 || h == 24 && (m > 0 || sec > 0) {
		return 0, false
	}
	return h*3_600_000_000 + m*60_000_000 + int64(math.RoundToEven(sec*1e6)), true
}

func makeTime(c *Call) (types.Datum, error) {
	t, ok := clockOf(c.int(0), c.int(1), c.float(2))
	if !ok {
		return types.Null, fieldOutOfRange("time field value out of range: %d:%02d:%s", c.int(0), c.int(1), shortFloat(c.float(2)))
	}
	return types.Int(t), nil
}

// localTimestamp makes a timestamp of six arguments.
func (c *Call) localTimestamp() (int64, error) {
	y, m, d := c.int(0), c.int(1), c.int(2)
	t, ok := civilOf(y, m, d)
	if !ok {
		return 0, fieldOutOfRange("date field value out of range: %d-%02d-%02d", y, m, d)
	}
	if !julianYear(t.Year) {
		return 0, pgerr.New(pgerr.DatetimeValueOutOfRange, "date out of range: %d-%02d-%02d", y, m, d)
	}
	clock, ok := clockOf(c.int(3), c.int(4), c.float(5))
	if !ok {
		return 0, fieldOutOfRange("time field value out of range: %d:%02d:%s", c.int(3), c.int(4), shortFloat(c.float(5)))
	}
	ts, ok := t.Timestamp()
	if !ok || !types.ValidTimestamp(ts+clock) {
		return 0, pgerr.New(pgerr.DatetimeValueOutOfRange, "timestamp out of range: %d-%02d-%02d %d:%02d:%s", y, m, d, c.int(3), c.int(4), shortFloat(c.float(5)))
	}
	return ts + clock, nil
}

func makeTimestamp(c *Call) (types.Datum, error) { return retInt(c.localTimestamp()) }

func makeTimestamptz(c *Call) (types.Datum, error) {
	ts, err := c.localTimestamp()
	if err != nil {
		return types.Null, err
	}
	return retInt(types.LocalToZone(ts, c.Env.TimeZone()))
}

func makeTimestamptzAt(c *Call) (types.Datum, error) {
	ts, err := c.localTimestamp()
	if err != nil {
		return types.Null, err
	}
	zone := c.str(6)
	if zone != "" && (zone[0] == '+' || zone[0] == '-') {
		_, west, err := types.ParseTime(c.Env, "00:00"+zone, true)
		if err != nil {
			return types.Null, pgerr.New(pgerr.InvalidParameterValue, "invalid input syntax for type numeric time zone: \"%s\"", zone)
		}
		return checkTimestamp(ts + int64(west)*1e6)
	}
	loc, err := types.ZoneByName(zone)
	if err != nil {
		return types.Null, err
	}
	return retInt(types.LocalToZone(ts, loc))
}

func makeInterval(c *Call) (types.Datum, error) {
	years, months, weeks, days := c.int(0), c.int(1), c.int(2), c.int(3)
	hours, mins, secs := c.int(4), c.int(5), c.float(6)
	if secs != secs || math.IsInf(secs, 0) {
		return types.Null, types.IntervalOutOfRange()
	}
	// What overflows wraps around, as it does in PostgreSQL.
	u := int64(math.MinInt64)
	if f := math.RoundToEven(secs * 1e6); math.Abs(f) < math.MaxInt64 {
		u = int64(f)
	}
	return c.retInterval(types.Interval{Usec: hours*3_600_000_000 + mins*60_000_000 + u, Days: int32(weeks*7 + days),
		Months: int32(years*12 + months)}, nil)
}

// floatTimestamptz is to_timestamp(float8): seconds of Unix time.
func floatTimestamptz(c *Call) (types.Datum, error) {
	f := c.float(0)
	outOfRange := func() error {
		return pgerr.New(pgerr.DatetimeValueOutOfRange, "timestamp out of range: \"%s\"", fmt.Sprintf("%.6g", f))
	}
	switch {
	case f != f:
		return types.Null, pgerr.New(pgerr.DatetimeValueOutOfRange, "timestamp cannot be NaN")
	case math.IsInf(f, 1):
		return types.Int(types.TimestampInfinity), nil
	case math.IsInf(f, -1):
		return types.Int(types.TimestampNegInfinity), nil
	case math.Abs(f) > 1e13:
		return types.Null, outOfRange()
	}
	ts := int64(math.RoundToEven((f - 946684800) * 1e6))
	if !types.ValidTimestamp(ts) {
		return types.Null, outOfRange()
	}
	return types.Int(ts), nil
}

// datemakeFamily lists the functions that make dates and times of their parts.
func datemakeFamily() []Entry {
	return []Entry{
		{Name: "make_date", Scalar: makeDate}, {Name: "make_time", Scalar: makeTime}, {Name: "make_timestamp", Scalar: makeTimestamp},
		{Name: "make_timestamptz", Scalar: makeTimestamptz}, {Name: "make_timestamptz_at_timezone", Scalar: makeTimestamptzAt},
		{Name: "make_interval", Scalar: makeInterval}, {Name: "float8_timestamptz", Scalar: floatTimestamptz},
	}
}
