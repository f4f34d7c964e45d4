package functions

import (
	"strings"
	"time"

	"gompho/internal/pgerr"
	"gompho/types"
)

// datePart is a field that extract, date_part and date_trunc know.
type datePart uint8

const (
	partNone datePart = iota
	partMicrosecond
	partMillisecond
	partSecond
	partMinute
	partHour
	partDay
	partWeek
	partMonth
	partQuarter
	partYear
	partDecade
	partCentury
	partMillennium
	partISOYear
	partDOW
	partISODOW
	partDOY
	partEpoch
	partJulian
	partTimezone
	partTimezoneHour
	partTimezoneMinute
)

var dateParts = map[string]datePart{
	"microsecond": partMicrosecond, "microseconds": partMicrosecond, "us": partMicrosecond, "usec": partMicrosecond, "usecs": partMicrosecond,
	"useconds": partMicrosecond, "millisecond": partMillisecond, "milliseconds": partMillisecond, "ms": partMillisecond,
	"msec": partMillisecond, "msecs": partMillisecond, "mseconds": partMillisecond, "second": partSecond, "seconds": partSecond,
	"s": partSecond, "sec": partSecond, "secs": partSecond, "minute": partMinute, "minutes": partMinute, "m": partMinute,
	"min": partMinute, "mins": partMinute, "hour": partHour, "hours": partHour, "h": partHour, "hr": partHour, "hrs": partHour,
	"day": partDay, "days": partDay, "d": partDay, "week": partWeek, "weeks": partWeek, "w": partWeek, "month": partMonth,
	"months": partMonth, "mon": partMonth, "mons": partMonth, "quarter": partQuarter, "qtr": partQuarter, "year": partYear,
	"years": partYear, "y": partYear, "yr": partYear, "yrs": partYear, "decade": partDecade, "decades": partDecade,
	"dec": partDecade, "decs": partDecade, "century": partCentury, "centuries": partCentury, "c": partCentury, "cent": partCentury,
	"millennium": partMillennium, "millennia": partMillennium, "mil": partMillennium, "mils": partMillennium,
	"isoyear": partISOYear, "dow": partDOW, "isodow": partISODOW, "doy": partDOY, "epoch": partEpoch, "julian": partJulian,
	"j": partJulian, "jd": partJulian, "timezone": partTimezone, "timezone_h": partTimezoneHour, "timezone_hour": partTimezoneHour,
	"timezone_m": partTimezoneMinute, "timezone_minute": partTimezoneMinute,
}

// isUnit tells the units of time from the fields that only extract knows.
func (p datePart) isUnit() bool {
	switch p {
	case partNone, partISOYear, partDOW, partISODOW, partDOY, partEpoch, partJulian:
		return false
	}
	return true
}

func unitError(known bool, unit, typ string) error {
	if known {
		return pgerr.New(pgerr.FeatureNotSupported, "unit \"%s\" not supported for type %s", unit, typ)
	}
	return pgerr.New(pgerr.InvalidParameterValue, "unit \"%s\" not recognized for type %s", unit, typ)
}

// partOf returns the field that argument 0 names.
func (c *Call) partOf() (datePart, string) {
	s := strings.ToLower(c.str(0))
	return dateParts[s], s
}

// partValue is a field's value: num * 10^-scale.
type partValue struct {
	num   int64
	scale int
	inf   int // -1 or 1: an infinity
	null  bool
	big   *types.Numeric
}

func whole(v int64) partValue { return partValue{num: v} }

// result gives a field as extract (numeric) or date_part (float8) show it.
func (v partValue) result(c *Call, numeric bool) (types.Datum, error) {
	if v.null {
		return types.Null, nil
	}
	n := types.NumericFromInt(v.num)
	switch {
	case v.inf > 0:
		n = types.NumericInf
	case v.inf < 0:
		n = types.NumericNegInf
	case v.big != nil:
		n = *v.big
	case v.scale > 0:
		hi := v.num >> 63
		n = types.NumericFromInt128(hi, uint64(v.num), v.scale)
	}
	if numeric {
		return c.retNumeric(n, nil)
	}
	return types.Float(n.Float64()), nil
}

func eraOf(year, unit int) int64 {
	if year > 0 {
		return int64((year + unit - 1) / unit)
	}
	return -int64((unit - 1 - (year - 1)) / unit)
}

// civilPart returns a field of a date and time that needs no zone.
func civilPart(p datePart, t *types.Civil) (partValue, bool) {
	switch p {
	case partMicrosecond:
		return whole(int64(t.Sec)*1e6 + int64(t.Usec)), true
	case partMillisecond:
		return partValue{num: int64(t.Sec)*1e6 + int64(t.Usec), scale: 3}, true
	case partSecond:
		return partValue{num: int64(t.Sec)*1e6 + int64(t.Usec), scale: 6}, true
	case partMinute:
		return whole(int64(t.Min)), true
	case partHour:
		return whole(int64(t.Hour)), true
	}
	return datePartOf(p, t)
}

func datePartOf(p datePart, t *types.Civil) (partValue, bool) {
	jd := types.JulianDay(t.Year, t.Month, t.Day)
	switch p {
	case partDay:
		return whole(int64(t.Day)), true
	case partMonth:
		return whole(int64(t.Month)), true
	case partQuarter:
		return whole(int64(t.Month-1)/3 + 1), true
	case partWeek:
		_, w := types.ISOWeek(t.Year, t.Month, t.Day)
		return whole(int64(w)), true
	case partISOYear:
		y, _ := types.ISOWeek(t.Year, t.Month, t.Day)
		return whole(bcYear(y)), true
	case partYear:
		return whole(bcYear(t.Year)), true
	case partDecade:
		if t.Year >= 0 {
			return whole(int64(t.Year / 10)), true
		}
		return whole(-int64((8 - (t.Year - 1)) / 10)), true
	case partCentury:
		return whole(eraOf(t.Year, 100)), true
	case partMillennium:
		return whole(eraOf(t.Year, 1000)), true
	case partDOW:
		return whole(int64(types.Weekday(jd))), true
	case partISODOW:
		if d := types.Weekday(jd); d != 0 {
			return whole(int64(d)), true
		}
		return whole(7), true
	case partDOY:
		return whole(int64(jd - types.JulianDay(t.Year, 1, 1) + 1)), true
	}
	return partValue{}, false
}

// bcYear shows years before 1 as BC years: there is no year 0.
func bcYear(y int) int64 {
	if y > 0 {
		return int64(y)
	}
	return int64(y - 1)
}

// infinitePart is a field of an infinity: the ones that grow without bound are infinite, the cyclic ones NULL.
func infinitePart(p datePart, positive bool) (partValue, bool) {
	switch p {
	case partYear, partDecade, partCentury, partMillennium, partISOYear, partEpoch, partJulian:
		if positive {
			return partValue{inf: 1}, true
		}
		return partValue{inf: -1}, true
	case partNone:
		return partValue{}, false
	}
	return partValue{null: true}, true
}

const epochShift = 946684800 * 1e6 // from 1970 to 2000 in microseconds

func julianPart(t *types.Civil) partValue {
	jd := types.NumericFromInt(int64(types.JulianDay(t.Year, t.Month, t.Day)))
	frac, _ := types.NumericFromInt(t.TimeOfDay()).Div(types.NumericFromInt(types.UsecPerDay))
	n, _ := jd.Add(frac)
	return partValue{big: &n}
}

func epochPart(ts int64) partValue {
	v, ok := addInt(ts, epochShift)
	if !ok {
		n, _ := types.NumericFromInt(ts).Add(types.NumericFromInt(epochShift))
		n, _ = n.Mul(numericScaled(1, 6))
		return partValue{big: &n}
	}
	return partValue{num: v, scale: 6}
}

func numericScaled(v int64, scale int) types.Numeric {
	return types.NumericFromInt128(v>>63, uint64(v), scale)
}

func timestampPart(tz, numeric bool) Scalar {
	typ := "timestamp without time zone"
	if tz {
		typ = "timestamp with time zone"
	}
	return func(c *Call) (types.Datum, error) {
		p, name := c.partOf()
		ts := c.int(1)
		if !types.TimestampIsFinite(ts) {
			v, ok := infinitePart(p, ts > 0)
			if !ok {
				return types.Null, unitError(false, name, typ)
			}
			return v.result(c, numeric)
		}
		if p == partEpoch {
			return epochPart(ts).result(c, numeric)
		}
		off := 0
		if tz {
			off, _ = types.OffsetAt(c.Env.TimeZone(), ts)
			ts += int64(off) * 1e6
		}
		t := types.SplitTimestamp(ts)
		v, ok := civilPart(p, &t)
		switch {
		case p == partJulian:
			v, ok = julianPart(&t), true
		case tz && p == partTimezone:
			v, ok = whole(int64(off)), true
		case tz && p == partTimezoneHour:
			v, ok = whole(int64(off/3600)), true
		case tz && p == partTimezoneMinute:
			v, ok = whole(int64(off/60%60)), true
		}
		if !ok {
			return types.Null, unitError(p != partNone, name, typ)
		}
		return v.result(c, numeric)
	}
}

func extractDate(c *Call) (types.Datum, error) {
	p, name := c.partOf()
	d := c.int(1)
	if !types.DateIsFinite(d) {
		switch p {
		case partMicrosecond, partMillisecond, partSecond, partMinute, partHour, partTimezone, partTimezoneHour, partTimezoneMinute:
			return types.Null, unitError(true, name, "date")
		}
		v, ok := infinitePart(p, d > 0)
		if !ok {
			return types.Null, unitError(false, name, "date")
		}
		return v.result(c, true)
	}
	t := types.Civil{}
	t.Year, t.Month, t.Day = types.CivilDate(int(d) + types.JulianDay(2000, 1, 1))
	switch p {
	case partEpoch:
		return whole(d*86400+946684800).result(c, true)
	case partJulian:
		return whole(d+int64(types.JulianDay(2000, 1, 1))).result(c, true)
	}
	v, ok := datePartOf(p, &t)
	if !ok {
		return types.Null, unitError(p != partNone, name, "date")
	}
	return v.result(c, true)
}

func timePart(tz, numeric bool) Scalar {
	typ := "time without time zone"
	if tz {
		typ = "time with time zone"
	}
	return func(c *Call) (types.Datum, error) {
		p, name := c.partOf()
		usec, west := c.Args[1].Int(), int32(0)
		if tz {
			usec, west = types.SplitTimeTZ(c.Args[1])
		}
		t := types.SplitTimestamp(usec % types.UsecPerDay)
		if usec == types.UsecPerDay {
			t = types.Civil{Hour: 24}
		}
		var v partValue
		ok := false
		switch p {
		case partMicrosecond, partMillisecond, partSecond, partMinute, partHour:
			v, ok = civilPart(p, &t)
		case partEpoch:
			v, ok = partValue{num: usec + int64(west)*1e6, scale: 6}, true
		case partTimezone:
			v, ok = whole(int64(-west)), tz
		case partTimezoneHour:
			v, ok = whole(int64(-west/3600)), tz
		case partTimezoneMinute:
			v, ok = whole(int64(-west/60%60)), tz
		}
		if !ok {
			return types.Null, unitError(p != partNone, name, typ)
		}
		return v.result(c, numeric)
	}
}

func intervalPart(numeric bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		p, name := c.partOf()
		iv := c.interval(1)
		years, months := int64(iv.Months/12), int64(iv.Months%12)
		sub := iv.Usec % 60_000_000
		var v partValue
		switch p {
		case partMicrosecond:
			v = whole(sub)
		case partMillisecond:
			v = partValue{num: sub, scale: 3}
		case partSecond:
			v = partValue{num: sub, scale: 6}
		case partMinute:
			v = whole(iv.Usec / 60_000_000 % 60)
		case partHour:
			v = whole(iv.Usec / 3_600_000_000)
		case partDay:
			v = whole(int64(iv.Days))
		case partMonth:
			v = whole(months)
		case partQuarter:
			v = whole(months/3 + 1)
		case partYear:
			v = whole(years)
		case partDecade:
			v = whole(years / 10)
		case partCentury:
			v = whole(years / 100)
		case partMillennium:
			v = whole(years / 1000)
		case partEpoch:
			return c.intervalEpoch(iv, numeric)
		default:
			return types.Null, unitError(p != partNone, name, "interval")
		}
		return v.result(c, numeric)
	}
}

// intervalEpoch is the length in seconds with years of 365.25 days and months of 30.
func (c *Call) intervalEpoch(iv types.Interval, numeric bool) (types.Datum, error) {
	if !numeric {
		f := float64(iv.Usec) / 1e6
		f += 365.25 * 86400 * float64(iv.Months/12)
		f += 30 * 86400 * float64(iv.Months%12)
		return types.Float(f + 86400*float64(iv.Days)), nil
	}
	// In quarters of a day, so that years count exactly.
	secs := (int64(iv.Months/12)*1461 + int64(iv.Months%12)*120 + int64(iv.Days)*4) * (86400 / 4)
	n, err := types.NumericFromInt(secs).Add(numericScaled(iv.Usec, 6))
	return c.retNumeric(n, err)
}

// truncCivil cuts a local time to a field.
func truncCivil(p datePart, t types.Civil) (types.Civil, bool) {
	switch p {
	case partMicrosecond:
		return t, true
	case partMillisecond:
		t.Usec = t.Usec / 1000 * 1000
		return t, true
	}
	t.Usec = 0
	switch p {
	case partSecond:
		return t, true
	case partMinute:
		t.Sec = 0
		return t, true
	case partHour:
		t.Sec, t.Min = 0, 0
		return t, true
	}
	t.Hour, t.Min, t.Sec = 0, 0, 0
	return truncDate(p, t)
}

func truncDate(p datePart, t types.Civil) (types.Civil, bool) {
	switch p {
	case partDay:
	case partWeek:
		jd := types.JulianDay(t.Year, t.Month, t.Day)
		jd -= (types.Weekday(jd) + 6) % 7
		t.Year, t.Month, t.Day = types.CivilDate(jd)
	case partMonth:
		t.Day = 1
	case partQuarter:
		t.Month, t.Day = (t.Month-1)/3*3+1, 1
	case partYear:
		t.Month, t.Day = 1, 1
	case partDecade:
		if t.Year > 0 {
			t.Year = t.Year / 10 * 10
		} else {
			t.Year = -((8 - (t.Year - 1)) / 10) * 10
		}
		t.Month, t.Day = 1, 1
	case partCentury:
		t.Year, t.Month, t.Day = truncEra(t.Year, 100), 1, 1
	case partMillennium:
		t.Year, t.Month, t.Day = truncEra(t.Year, 1000), 1, 1
	default:
		return t, false
	}
	return t, true
}

// truncEra returns the first year of a century or millennium, which begin with a year 1.
func truncEra(year, unit int) int {
	if year > 0 {
		return (year+unit-1)/unit*unit - (unit - 1)
	}
	return -((unit-1-(year-1))/unit)*unit + 1
}

func timestampTrunc(c *Call) (types.Datum, error) {
	p, name := c.partOf()
	ts := c.int(1)
	const typ = "timestamp without time zone"
	if !types.TimestampIsFinite(ts) {
		return types.Int(ts), nil
	}
	if _, ok := truncCivil(p, types.Civil{Year: 2000, Month: 1, Day: 1}); !ok {
		return types.Null, unitError(p.isUnit(), name, typ)
	}
	t, _ := truncCivil(p, types.SplitTimestamp(ts))
	r, ok := t.Timestamp()
	if !ok {
		return types.Null, types.TimestampOutOfRange()
	}
	return types.Int(r), nil
}

func truncInZone(c *Call, loc *time.Location) (types.Datum, error) {
	p, name := c.partOf()
	ts := c.int(1)
	if !types.TimestampIsFinite(ts) {
		return types.Int(ts), nil
	}
	if _, ok := truncCivil(p, types.Civil{Year: 2000, Month: 1, Day: 1}); !ok {
		return types.Null, unitError(p.isUnit(), name, "timestamp with time zone")
	}
	off, _ := types.OffsetAt(loc, ts)
	t, _ := truncCivil(p, types.SplitTimestamp(ts+int64(off)*1e6))
	r, ok := t.Timestamp()
	if !ok {
		return types.Null, types.TimestampOutOfRange()
	}
	if p <= partHour {
		// A time of day keeps its offset: the hour that a change of the clock repeats stays the one it was.
		return checkTimestamp(r - int64(off)*1e6)
	}
	return retInt(types.LocalToZone(r, loc))
}

func timestamptzTrunc(c *Call) (types.Datum, error) { return truncInZone(c, c.Env.TimeZone()) }

func timestamptzTruncZone(c *Call) (types.Datum, error) {
	loc, err := types.ZoneByName(c.str(2))
	if err != nil {
		return types.Null, err
	}
	return truncInZone(c, loc)
}

func intervalTrunc(c *Call) (types.Datum, error) {
	p, name := c.partOf()
	v := c.interval(1)
	cut := func(unit int64) { v.Usec = v.Usec / unit * unit }
	switch p {
	case partMicrosecond:
	case partMillisecond:
		cut(1000)
	case partSecond:
		cut(1_000_000)
	case partMinute:
		cut(60_000_000)
	case partHour:
		cut(3_600_000_000)
	case partDay:
		v.Usec = 0
	case partMonth:
		v.Usec, v.Days = 0, 0
	case partQuarter, partYear, partDecade, partCentury, partMillennium:
		months := map[datePart]int32{partQuarter: 3, partYear: 12, partDecade: 120, partCentury: 1200, partMillennium: 12000}[p]
		v = types.Interval{Months: v.Months / months * months}
	case partWeek:
		return types.Null, unitError(true, name, "interval").(*pgerr.Error).
			WithDetail("Months usually have fractional weeks.")
	default:
		return types.Null, unitError(p.isUnit(), name, "interval")
	}
	return c.retInterval(v, nil)
}

// age is the difference of two local timestamps in years, months, days and time.
func age(c *Call, a, b int64, loc *time.Location) (types.Datum, error) {
	if !types.TimestampIsFinite(a) || !types.TimestampIsFinite(b) {
		return types.Null, types.TimestampOutOfRange()
	}
	swapped := a < b
	if loc != nil {
		a, b = types.ZoneToLocal(a, loc), types.ZoneToLocal(b, loc)
	}
	if swapped {
		a, b = b, a
	}
	x, y := types.SplitTimestamp(a), types.SplitTimestamp(b)
	usec := x.TimeOfDay() - y.TimeOfDay()
	days, months := x.Day-y.Day, x.Month-y.Month
	years := x.Year - y.Year
	for usec < 0 {
		usec += types.UsecPerDay
		days--
	}
	for days < 0 {
		// Days are borrowed from the month of the earlier date.
		days += types.DaysInMonth(y.Year, y.Month)
		months--
	}
	for months < 0 {
		months += 12
		years--
	}
	v := types.Interval{Usec: usec, Days: int32(days), Months: int32(years*12 + months)}
	if swapped {
		v = types.Interval{Usec: -v.Usec, Days: -v.Days, Months: -v.Months}
	}
	return c.retInterval(v, nil)
}

// bin is date_bin: ts cut to a multiple of a stride counted from an origin.
func bin() Scalar {
	return func(c *Call) (types.Datum, error) {
		stride, ts, origin := c.interval(0), c.int(1), c.int(2)
		if !types.TimestampIsFinite(ts) {
			return types.Int(ts), nil
		}
		if !types.TimestampIsFinite(origin) {
			return types.Null, pgerr.New(pgerr.DatetimeValueOutOfRange, "origin out of range")
		}
		if stride.Months != 0 {
			return types.Null, pgerr.New(pgerr.FeatureNotSupported, "timestamps cannot be binned into intervals containing months or years")
		}
		days, ok := mulInt(int64(stride.Days), types.UsecPerDay)
		unit, ok2 := addInt(days, stride.Usec)
		if !ok || !ok2 {
			return types.Null, types.IntervalOutOfRange()
		}
		if unit <= 0 {
			return types.Null, pgerr.New(pgerr.DatetimeValueOutOfRange, "stride must be greater than zero")
		}
		diff, ok := subInt(ts, origin)
		if !ok {
			return types.Null, types.IntervalOutOfRange()
		}
		r := diff % unit
		if r < 0 {
			r += unit
		}
		return checkTimestamp(ts - r)
	}
}

// datepartFamily lists extract, date_part, date_trunc, age and date_bin.
func datepartFamily() []Entry {
	return []Entry{
		{Name: "timestamp_part", Scalar: timestampPart(false, false)}, {Name: "timestamptz_part", Scalar: timestampPart(true, false)},
		{Name: "extract_timestamp", Scalar: timestampPart(false, true)}, {Name: "extract_timestamptz", Scalar: timestampPart(true, true)},
		{Name: "extract_date", Scalar: extractDate},
		{Name: "time_part", Scalar: timePart(false, false)}, {Name: "timetz_part", Scalar: timePart(true, false)},
		{Name: "extract_time", Scalar: timePart(false, true)}, {Name: "extract_timetz", Scalar: timePart(true, true)},
		{Name: "interval_part", Scalar: intervalPart(false)}, {Name: "extract_interval", Scalar: intervalPart(true)},
		{Name: "timestamp_trunc", Scalar: timestampTrunc}, {Name: "timestamptz_trunc", Scalar: timestamptzTrunc},
		{Name: "timestamptz_trunc_zone", Scalar: timestamptzTruncZone}, {Name: "interval_trunc", Scalar: intervalTrunc},
		{Name: "timestamp_age", Scalar: func(c *Call) (types.Datum, error) { return age(c, c.int(0), c.int(1), nil) }},
		{Name: "timestamptz_age", Scalar: func(c *Call) (types.Datum, error) {
			return age(c, c.int(0), c.int(1), c.Env.TimeZone())
		}},
		{Name: "timestamp_bin", Scalar: bin()}, {Name: "timestamptz_bin", Scalar: bin()},
	}
}
