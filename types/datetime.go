package types

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"gompho/internal/pgerr"
)

var dateIO = typeIO{
	in: func(env Env, _ *Type, s string, _ int32) (Datum, error) {
		d, err := ParseDate(env, s)
		return Int(d), err
	},
	out: func(env Env, _ *Type, d Datum, dst []byte) []byte {
		style, order := env.DateStyle()
		return AppendDate(dst, d.Int(), style, order)
	},
	recv: func(_ Env, _ *Type, b []byte, _ int32) (Datum, error) {
		if len(b) != 4 {
			return Null, wrongLength(b, 4)
		}
		d := int64(int32(binary.BigEndian.Uint32(b)))
		if DateIsFinite(d) && !ValidDate(d) {
			return Null, pgerr.New(pgerr.DatetimeValueOutOfRange, "date out of range")
		}
		return Int(d), nil
	},
	send: wordSend(4), cmp: cmpInt, hash: hashWordDatum,
}

func wrongLength(b []byte, want int) error {
	if len(b) < want {
		return shortMessage()
	}
	return badBinary()
}

// ParseDate reads a date; a time in it is ignored.
func ParseDate(env Env, s string) (int64, error) {
	p, err := decodeDateTime(env, "date", s)
	if err != nil {
		return 0, err
	}
	if p.mask&hasSpecial != 0 {
		switch p.special {
		case resInfinity:
			return DateInfinity, nil
		case resNegInfinity:
			return DateNegInfinity, nil
		}
		return unixJulian - epochJulian, nil
	}
	if p.c.Year < -4713 || p.c.Year > 5874898 {
		return 0, pgerr.New(pgerr.DatetimeValueOutOfRange, "date out of range: \"%s\"", s)
	}
	d := int64(JulianDay(p.c.Year, p.c.Month, p.c.Day) - epochJulian)
	if !ValidDate(d) {
		return 0, pgerr.New(pgerr.DatetimeValueOutOfRange, "date out of range: \"%s\"", s)
	}
	return d, nil
}

// timestampIO makes the functions of timestamp and timestamptz.
func timestampIO(tz bool) *typeIO {
	return &typeIO{
		in: func(env Env, _ *Type, s string, typmod int32) (Datum, error) {
			ts, err := ParseTimestamp(env, s, tz)
			if err != nil {
				return Null, err
			}
			return Int(RoundTimestamp(ts, typmod)), nil
		},
		out: func(env Env, _ *Type, d Datum, dst []byte) []byte { return AppendTimestamp(env, dst, d.Int(), tz) },
		recv: func(_ Env, _ *Type, b []byte, typmod int32) (Datum, error) {
			if len(b) != 8 {
				return Null, wrongLength(b, 8)
			}
			ts := int64(binary.BigEndian.Uint64(b))
			if TimestampIsFinite(ts) && !ValidTimestamp(ts) {
				return Null, TimestampOutOfRange()
			}
			return Int(RoundTimestamp(ts, typmod)), nil
		},
		send: wordSend(8), cmp: cmpInt, hash: hashWordDatum,
	}
}

// ParseTimestamp reads a timestamp: of local time, any zone in it being ignored, or with time zone (tz), the
// session's zone being the default.
func ParseTimestamp(env Env, s string, tz bool) (int64, error) {
	typ := "timestamp"
	if tz {
		typ = "timestamp with time zone"
	}
	p, err := decodeDateTime(env, typ, s)
	if err != nil {
		return 0, err
	}
	if p.mask&hasSpecial != 0 {
		switch p.special {
		case resInfinity:
			return TimestampInfinity, nil
		case resNegInfinity:
			return TimestampNegInfinity, nil
		}
		return -epochUnix * usecPerSec, nil
	}
	outOfRange := func() error {
		return pgerr.New(pgerr.DatetimeValueOutOfRange, "timestamp out of range: \"%s\"", s)
	}
	ts, ok := p.c.Timestamp()
	if !tz {
		if !ok {
			return 0, outOfRange()
		}
		return ts, nil
	}
	if !ok {
		return 0, outOfRange()
	}
	switch {
	case !p.zoned:
		ts -= int64(localOffset(ts, env.TimeZone())) * usecPerSec
	case p.loc != nil:
		ts -= int64(localOffset(ts, p.loc)) * usecPerSec
	default:
		ts -= int64(p.offset) * usecPerSec
	}
	if !ValidTimestamp(ts) {
		return 0, outOfRange()
	}
	return ts, nil
}

// RoundTimestamp rounds to typmod digits of seconds; a negative typmod changes nothing.
func RoundTimestamp(ts int64, typmod int32) int64 {
	if typmod < 0 || typmod >= 6 || !TimestampIsFinite(ts) {
		return ts
	}
	return roundTo(ts, int64(pow10tab[6-typmod]))
}

// roundTo rounds v to a multiple of unit, half away from zero.
func roundTo(v, unit int64) int64 {
	if v >= 0 {
		return (v + unit/2) / unit * unit
	}
	return -((-v + unit/2) / unit * unit)
}

// AppendDate appends a date in a style.
func AppendDate(dst []byte, d int64, style DateStyle, order DateOrder) []byte {
	switch d {
	case DateInfinity:
		return append(dst, "infinity"...)
	case DateNegInfinity:
		return append(dst, "-infinity"...)
	}
	y, m, day := CivilDate(int(d) + epochJulian)
	if style == DatePostgres {
		sep := byte('-')
		if order == OrderDMY {
			dst = append(append2(append(append2(dst, day), sep), m), sep)
		} else {
			dst = append(append2(append(append2(dst, m), sep), day), sep)
		}
		return appendEra(appendYear(dst, y), y)
	}
	return appendEra(appendDatePart(dst, y, m, day, style, order), y)
}

// appendDatePart appends a date in any style but Postgres, without BC.
func appendDatePart(dst []byte, y, m, d int, style DateStyle, order DateOrder) []byte {
	switch style {
	case DateISO:
		dst = append(appendYear(dst, y), '-')
		return append2(append(append2(dst, m), '-'), d)
	case DateGerman:
		dst = append(append2(append(append2(dst, d), '.'), m), '.')
		return appendYear(dst, y)
	}
	if order == OrderDMY {
		m, d = d, m
	}
	dst = append(append2(append(append2(dst, m), '/'), d), '/')
	return appendYear(dst, y)
}

func append2(dst []byte, v int) []byte { return append(dst, '0'+byte(v/10%10), '0'+byte(v%10)) }

func appendYear(dst []byte, y int) []byte {
	if y <= 0 {
		y = 1 - y
	}
	if y < 1000 {
		return append(dst, '0', '0'+byte(y/100), '0'+byte(y/10%10), '0'+byte(y%10))
	}
	return strconv.AppendInt(dst, int64(y), 10)
}

func appendEra(dst []byte, y int) []byte {
	if y <= 0 {
		return append(dst, " BC"...)
	}
	return dst
}

// appendClock appends hh:mm:ss with as many digits of a fraction as it needs.
func appendClock(dst []byte, c *Civil) []byte {
	dst = append(append2(dst, c.Hour), ':')
	dst = append(append2(dst, c.Min), ':')
	return appendFraction(append2(dst, c.Sec), c.Usec)
}

func appendFraction(dst []byte, usec int) []byte {
	if usec == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit := 100000; usec > 0; unit /= 10 {
		dst = append(dst, '0'+byte(usec/unit))
		usec %= unit
	}
	return dst
}

// appendOffset appends +hh[:mm[:ss]] for an offset in seconds east.
func appendOffset(dst []byte, off int, style DateStyle) []byte {
	sign := byte('+')
	if off < 0 {
		sign, off = '-', -off
	}
	dst = append2(append(dst, sign), off/3600)
	m, s := off/60%60, off%60
	if m != 0 || s != 0 {
		dst = append2(append(dst, ':'), m)
	}
	if s != 0 {
		dst = append2(append(dst, ':'), s)
	}
	return dst
}

var weekdayNames = [...]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
var monthNames = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

// AppendTimestamp appends a timestamp in the session's style; tz shows it in the session's time zone.
func AppendTimestamp(env Env, dst []byte, ts int64, tz bool) []byte {
	switch ts {
	case TimestampInfinity:
		return append(dst, "infinity"...)
	case TimestampNegInfinity:
		return append(dst, "-infinity"...)
	}
	off, abbrev := 0, ""
	if tz {
		off, abbrev = OffsetAt(env.TimeZone(), ts)
		ts += int64(off) * usecPerSec
	}
	c := SplitTimestamp(ts)
	style, order := env.DateStyle()
	if style == DatePostgres {
		return appendPostgresStyle(dst, &c, order, tz, off, abbrev)
	}
	dst = appendDatePart(dst, c.Year, c.Month, c.Day, style, order)
	dst = appendClock(append(dst, ' '), &c)
	if tz {
		switch {
		case style == DateISO:
			dst = appendOffset(dst, off, style)
		case abbrev != "":
			dst = append(append(dst, ' '), abbrev...)
		default:
			dst = appendOffset(dst, off, style)
		}
	}
	return appendEra(dst, c.Year)
}

func appendPostgresStyle(dst []byte, c *Civil, order DateOrder, tz bool, off int, abbrev string) []byte {
	dst = append(dst, weekdayNames[Weekday(JulianDay(c.Year, c.Month, c.Day))]...)
	dst = append(dst, ' ')
	if order == OrderDMY {
		dst = append(append2(dst, c.Day), ' ')
		dst = append(dst, monthNames[c.Month-1]...)
	} else {
		dst = append(append(dst, monthNames[c.Month-1]...), ' ')
		dst = append2(dst, c.Day)
	}
	dst = appendClock(append(dst, ' '), c)
	dst = appendYear(append(dst, ' '), c.Year)
	if tz {
		dst = append(dst, ' ')
		if abbrev != "" {
			dst = append(dst, abbrev...)
		} else {
			dst = appendOffset(dst, off, DatePostgres)
		}
	}
	return appendEra(dst, c.Year)
}

// The time types.

var timeIO = typeIO{
	in: func(env Env, _ *Type, s string, typmod int32) (Datum, error) {
		t, _, err := ParseTime(env, s, false)
		return Int(RoundTime(t, typmod)), err
	},
	out: func(_ Env, _ *Type, d Datum, dst []byte) []byte { return AppendTime(dst, d.Int()) },
	recv: func(_ Env, _ *Type, b []byte, typmod int32) (Datum, error) {
		if len(b) != 8 {
			return Null, wrongLength(b, 8)
		}
		t := int64(binary.BigEndian.Uint64(b))
		if t < 0 || t > UsecPerDay {
			return Null, pgerr.New(pgerr.DatetimeValueOutOfRange, "time out of range")
		}
		return Int(RoundTime(t, typmod)), nil
	},
	send: wordSend(8), cmp: cmpInt, hash: hashWordDatum,
}

// RoundTime rounds a time of day to typmod digits of seconds.
func RoundTime(t int64, typmod int32) int64 {
	if typmod < 0 || typmod >= 6 {
		return t
	}
	return roundTo(t, int64(pow10tab[6-typmod]))
}

// AppendTime appends a time of day.
func AppendTime(dst []byte, t int64) []byte {
	c := splitTime(t)
	return appendClock(dst, &c)
}

// TimeTZ makes the Datum of a time with time zone: microseconds since midnight, seconds west of UTC.
func TimeTZ(usec int64, west int32) Datum {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 12), uint64(usec))
	return Bytes(binary.LittleEndian.AppendUint32(b, uint32(west)))
}

// SplitTimeTZ takes a time with time zone apart.
func SplitTimeTZ(d Datum) (usec int64, west int32) {
	b := d.Bytes()
	if len(b) < 12 {
		return 0, 0
	}
	return int64(binary.LittleEndian.Uint64(b)), int32(binary.LittleEndian.Uint32(b[8:]))
}

var timetzIO = typeIO{
	in: func(env Env, _ *Type, s string, typmod int32) (Datum, error) {
		t, west, err := ParseTime(env, s, true)
		if err != nil {
			return Null, err
		}
		return TimeTZ(RoundTime(t, typmod), west), nil
	},
	out: func(env Env, _ *Type, d Datum, dst []byte) []byte {
		t, west := SplitTimeTZ(d)
		style, _ := env.DateStyle()
		return appendOffset(AppendTime(dst, t), -int(west), style)
	},
	recv: func(_ Env, _ *Type, b []byte, typmod int32) (Datum, error) {
		if len(b) != 12 {
			return Null, wrongLength(b, 12)
		}
		t, west := int64(binary.BigEndian.Uint64(b)), int32(binary.BigEndian.Uint32(b[8:]))
		if t < 0 || t > UsecPerDay {
			return Null, pgerr.New(pgerr.DatetimeValueOutOfRange, "time out of range")
		}
		if west <= -16*3600 || west >= 16*3600 {
			return Null, pgerr.New(pgerr.InvalidTimeZoneDisplacementValue, "time zone displacement out of range")
		}
		return TimeTZ(RoundTime(t, typmod), west), nil
	},
	send: func(_ Env, _ *Type, d Datum, dst []byte) ([]byte, error) {
		t, west := SplitTimeTZ(d)
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(dst, uint64(t)), uint32(west)), nil
	},
	cmp: CompareTimeTZ,
	hash: func(d Datum) uint64 {
		t, west := SplitTimeTZ(d)
		return CombineHash(HashWord(uint64(t)), uint64(uint32(west)))
	},
}

// CompareTimeTZ orders by the point in time, then by zone.
func CompareTimeTZ(a, b Datum) int {
	t, w := SplitTimeTZ(a)
	u, x := SplitTimeTZ(b)
	if c := cmpInt(Int(t+int64(w)*usecPerSec), Int(u+int64(x)*usecPerSec)); c != 0 {
		return c
	}
	return cmpInt(Int(int64(w)), Int(int64(x)))
}

// ParseTime reads a time of day; with tz also its zone, in seconds west, the session's by default.
func ParseTime(env Env, s string, tz bool) (usec int64, west int32, err error) {
	typ := "time"
	if tz {
		typ = "time with time zone"
	}
	_, order := env.DateStyle()
	p := dtDecoder{env: env, order: order, timeOnly: true}
	var room [maxDtFields]dtField
	fields, ok := splitDateTime(s, room[:0])
	if !ok || len(fields) == 0 {
		return 0, 0, dtBadFormat.report(typ, s)
	}
	p.timeOnly = !hasFullDate(fields)
	code := p.decode(fields)
	if code == dtBadZone {
		if zoneLike(p.badZone) {
			return 0, 0, pgerr.New(pgerr.InvalidParameterValue, "time zone \"%s\" not recognized", p.badZone)
		}
		code = dtBadFormat
	}
	if code == dtOK && (p.mask&hasTime == 0 || p.mask&hasSpecial != 0) {
		code = dtBadFormat
	}
	if code != dtOK {
		return 0, 0, code.report(typ, s)
	}
	if !tz && p.loc == nil {
		return p.c.TimeOfDay(), 0, nil
	}
	off, code := p.timeOffset(env)
	if off <= -16*3600 || off >= 16*3600 {
		code = dtZoneRange
	}
	if code != dtOK {
		return 0, 0, code.report(typ, s)
	}
	return p.c.TimeOfDay(), int32(-off), nil
}

// hasFullDate reports whether a field of a time looks like a date before the time.
func hasFullDate(fields []dtField) bool {
	for _, f := range fields {
		if f.kind == fieldDate && isDigit(f.text[0]) && strings.IndexByte(f.text, '-') != strings.LastIndexByte(f.text, '-') {
			return true
		}
		if f.kind == fieldDate && isDigit(f.text[0]) && strings.ContainsAny(f.text, "/.") {
			return true
		}
	}
	return false
}

// timeOffset finds the offset of a time: a zone with changing offsets needs a date to tell.
func (p *dtDecoder) timeOffset(env Env) (int, dtError) {
	loc := p.loc
	switch {
	case p.zoned && loc == nil:
		return p.offset, dtOK
	case p.zoned && p.mask&hasDate != hasDate:
		if off, fixed := fixedOffset(loc); fixed {
			return off, dtOK
		}
		return 0, dtBadFormat
	case !p.zoned:
		loc = env.TimeZone()
	}
	c := p.c
	if p.mask&hasDate != hasDate {
		t := env.TxNow().In(loc)
		c.Year, c.Month, c.Day = t.Year(), int(t.Month()), t.Day()
	}
	ts, ok := c.Timestamp()
	if !ok {
		return 0, dtOutOfRange
	}
	return localOffset(ts, loc), dtOK
}

// fixedOffset returns the offset of a zone that never changes.
func fixedOffset(loc *time.Location) (int, bool) {
	t := time.Unix(0, 0).In(loc)
	start, end := t.ZoneBounds()
	_, off := t.Zone()
	return off, start.IsZero() && end.IsZero()
}
