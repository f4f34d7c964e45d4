package types

import (
	"math"
	"strconv"
	"strings"
	"time"

	"gompho/internal/pgerr"
)

// Parts of a date or time that have been found.
const (
	hasYear = 1 << iota
	hasMonth
	hasDay
	hasTime
	hasZone
	hasDOY
	hasAMPM
	hasEra
	hasWeekday
	hasSpecial
	hasDate = hasYear | hasMonth | hasDay
)

// dtError is what is wrong with the text of a date, time or interval.
type dtError uint8

const (
	dtOK dtError = iota
	dtBadFormat
	dtOutOfRange
	dtMonthDay // out of range; perhaps day and month are in another order
	dtIntervalRange
	dtZoneRange
	dtBadZone
)

// report makes the error that a client sees.
func (e dtError) report(typ, s string) error {
	switch e {
	case dtOutOfRange:
		return pgerr.New(pgerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", s)
	case dtMonthDay:
		return pgerr.New(pgerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", s).
			WithHint("Perhaps you need a different \"datestyle\" setting.")
	case dtIntervalRange:
		return pgerr.New(pgerr.IntervalFieldOverflow, "interval field value out of range: \"%s\"", s)
	case dtZoneRange:
		return pgerr.New(pgerr.InvalidTimeZoneDisplacementValue, "time zone displacement out of range: \"%s\"", s)
	}
	return pgerr.New(pgerr.InvalidDatetimeFormat, "invalid input syntax for type %s: \"%s\"", typ, s)
}

// dtDecoder gathers the parts of a date and time from fields.
type dtDecoder struct {
	env       Env
	order     DateOrder
	timeOnly  bool
	mask      uint32
	c         Civil
	doy       int
	twoDigits bool
	bc, pm    bool
	zoned     bool
	offset    int            // seconds east of UTC, when loc is nil
	loc       *time.Location // a zone given by name
	special   int            // a dtReserved word that stands for a whole value
	badZone   string
	textMonth bool
	prefix    dtKind // dtISOTime or dtJulian when the field before said what comes
	pendingTZ bool
}

// decode goes through the fields in order.
func (p *dtDecoder) decode(fields []dtField) dtError {
	for i := range fields {
		f := &fields[i]
		var err dtError
		var found uint32
		switch f.kind {
		case fieldDate:
			found, err = p.date(f.text)
		case fieldTime:
			found, err = p.time(f.text)
		case fieldZone:
			found, err = hasZone, p.numericZone(f.text)
			if p.mask&hasZone != 0 && p.pendingTZ {
				p.mask &^= hasZone
			}
		case fieldNumber:
			found, err = p.number(f.text)
		case fieldString, fieldSpecial:
			found, err = p.word(f.text)
		}
		if err != dtOK {
			return err
		}
		if found&p.mask != 0 {
			return dtBadFormat
		}
		p.mask |= found
	}
	if p.prefix != 0 {
		return dtBadFormat
	}
	return p.validate()
}

// date takes a field with separators in it: a date, the name of a time zone, or a time run together with a zone.
func (p *dtDecoder) date(s string) (uint32, dtError) {
	if p.prefix == dtJulian {
		return 0, dtBadFormat
	}
	if p.prefix != dtISOTime && p.mask&(hasMonth|hasDay) == 0 && !p.timeOnly {
		return p.splitDate(s)
	}
	if isDigit(s[0]) || p.prefix != 0 {
		p.prefix = 0
		if p.mask&hasTime != 0 {
			return 0, dtBadFormat
		}
		i := strings.IndexByte(s, '-')
		if i < 0 {
			return 0, dtBadFormat
		}
		if err := p.numericZone(s[i:]); err != dtOK {
			return 0, err
		}
		found, err := p.runTogether(s[:i], p.maskForTime())
		return found | hasZone, err
	}
	return p.namedZone(s)
}

func (p *dtDecoder) namedZone(s string) (uint32, dtError) {
	loc, ok := LoadZone(s)
	if !ok {
		p.badZone = s
		return 0, dtBadZone
	}
	p.loc, p.zoned = loc, true
	return hasZone, dtOK
}

// splitDate takes a date with separators: 2020-01-02, 01-Feb-2020, Feb/01/2020.
func (p *dtDecoder) splitDate(s string) (uint32, dtError) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return !(r < 0x80 && (isAlpha(byte(r)) || isDigit(byte(r)))) })
	var found uint32
	rest := parts[:0:0]
	for _, w := range parts {
		if !isAlpha(w[0]) {
			rest = append(rest, w)
			continue
		}
		t, ok := lookupWord(w)
		if !ok || t.kind != dtMonth && t.kind != dtIgnore {
			return 0, dtBadFormat
		}
		if t.kind == dtMonth {
			if found&hasMonth != 0 {
				return 0, dtBadFormat
			}
			p.textMonth = true
			p.c.Month = t.val
			found |= hasMonth
		}
	}
	if len(parts) == 0 || len(parts) > 3 {
		return 0, dtBadFormat
	}
	for _, w := range rest {
		if isAlpha(w[len(w)-1]) {
			return 0, dtBadFormat
		}
		f, err := p.plainNumber(w, p.mask|found)
		if err != dtOK {
			return 0, err
		}
		if f&found != 0 {
			return 0, dtBadFormat
		}
		found |= f
	}
	if (found|p.mask)&^(hasDOY|hasZone) != hasDate {
		return 0, dtBadFormat
	}
	return found, dtOK
}

func (p *dtDecoder) time(s string) (uint32, dtError) {
	if p.prefix == dtJulian {
		return 0, dtBadFormat
	}
	p.prefix = 0
	var err dtError
	p.c.Hour, p.c.Min, p.c.Sec, p.c.Usec, err = decodeClock(s)
	return hasTime, err
}

// decodeClock reads hh:mm[:ss[.ffffff]]; mm:ss.ffffff, with a fraction, has no hours.
func decodeClock(s string) (h, m, sec, usec int, err dtError) {
	var frac string
	if i := strings.IndexByte(s, '.'); i >= 0 {
		s, frac = s[:i], s[i:]
	}
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, 0, 0, 0, dtBadFormat
	}
	var v [3]int
	for i, w := range parts {
		if w == "" && i < 2 {
			return 0, 0, 0, 0, dtBadFormat
		}
		if w != "" {
			n, bad := strconv.Atoi(w)
			if bad != nil {
				return 0, 0, 0, 0, dtOutOfRange
			}
			v[i] = n
		}
	}
	if frac != "" {
		if usec, err = fraction(frac); err != dtOK {
			return 0, 0, 0, 0, err
		}
		if len(parts) == 2 {
			v = [3]int{0, v[0], v[1]}
		}
	}
	if v[0] < 0 || v[0] > math.MaxInt32 || v[1] > 59 || v[2] > 60 {
		return 0, 0, 0, 0, dtOutOfRange
	}
	return v[0], v[1], v[2], usec, dtOK
}

// fraction reads .ffff as microseconds, rounded; the result may be a whole second.
func fraction(s string) (int, dtError) {
	if s == "." {
		return 0, dtOK
	}
	for i := 1; i < len(s); i++ {
		if !isDigit(s[i]) {
			return 0, dtBadFormat
		}
	}
	f, err := strconv.ParseFloat("0"+s, 64)
	if err != nil {
		return 0, dtBadFormat
	}
	return int(math.RoundToEven(f * 1e6)), dtOK
}

// numericZone reads +hh, +hhmm, +hh:mm, +hh:mm:ss.
func (p *dtDecoder) numericZone(s string) dtError {
	off, err := decodeOffset(s)
	if err != dtOK {
		return err
	}
	if p.pendingTZ && p.loc == nil {
		off += p.offset
	}
	p.offset, p.loc, p.zoned = off, nil, true
	return dtOK
}

func decodeOffset(s string) (int, dtError) {
	if s == "" || s[0] != '+' && s[0] != '-' {
		return 0, dtBadFormat
	}
	parts := strings.Split(s[1:], ":")
	if len(parts) > 3 {
		return 0, dtBadFormat
	}
	var v [3]int
	for i, w := range parts {
		n, err := strconv.ParseUint(w, 10, 31)
		if err != nil {
			return 0, dtBadFormat
		}
		v[i] = int(n)
	}
	if len(parts) == 1 && len(s) > 4 {
		v[0], v[1] = v[0]/100, v[0]%100
	}
	if v[0] > 15 || v[1] > 59 || v[2] > 59 {
		return 0, dtZoneRange
	}
	off := v[0]*3600 + v[1]*60 + v[2]
	if s[0] == '-' {
		off = -off
	}
	return off, dtOK
}

// number takes a field of digits, perhaps with a point.
func (p *dtDecoder) number(s string) (uint32, dtError) {
	prefix := p.prefix
	p.prefix = 0
	switch prefix {
	case dtJulian:
		return p.julian(s)
	case dtISOTime:
		found, err := p.runTogether(s, p.mask|hasDate)
		if err == dtOK && found != hasTime {
			return 0, dtBadFormat
		}
		return found, err
	}
	point := strings.IndexByte(s, '.')
	switch {
	case point >= 0 && p.mask&hasDate == 0 && !p.timeOnly:
		return p.splitDate(s)
	case point > 2:
		return p.runTogether(s, p.maskForTime())
	case len(s) >= 6 && (p.mask&hasDate == 0 || p.mask&hasTime == 0):
		return p.runTogether(s, p.maskForTime())
	case p.timeOnly && len(s) == 4 && p.mask&(hasTime|hasDate) == 0:
		return p.runTogether(s, p.maskForTime())
	}
	return p.plainNumber(s, p.maskForTime())
}

// maskForTime makes a bare number a time when only a time is wanted.
func (p *dtDecoder) maskForTime() uint32 {
	if p.timeOnly {
		return p.mask | hasDate
	}
	return p.mask
}

func (p *dtDecoder) julian(s string) (uint32, dtError) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > maxDateJulian {
		return 0, dtOutOfRange
	}
	day := math.Floor(f)
	p.c.Year, p.c.Month, p.c.Day = CivilDate(int(day))
	found := uint32(hasDate)
	if strings.IndexByte(s, '.') >= 0 {
		t := splitTime(int64((f - day) * UsecPerDay))
		p.c.Hour, p.c.Min, p.c.Sec, p.c.Usec = t.Hour, t.Min, t.Sec, t.Usec
		found |= hasTime
	}
	return found, dtOK
}

// runTogether reads yyyymmdd, yymmdd, hhmmss[.ffffff] or hhmm.
func (p *dtDecoder) runTogether(s string, mask uint32) (uint32, dtError) {
	usec := 0
	isTime := false
	if i := strings.IndexByte(s, '.'); i >= 0 {
		var err dtError
		if usec, err = fraction(s[i:]); err != dtOK {
			return 0, err
		}
		s, isTime = s[:i], true
	}
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return 0, dtBadFormat
		}
	}
	num := func(t string) int { v, _ := strconv.Atoi(t); return v }
	n := len(s)
	if !isTime && mask&hasDate != hasDate && n >= 6 {
		p.c.Year, p.c.Month, p.c.Day = num(s[:n-4]), num(s[n-4:n-2]), num(s[n-2:])
		p.twoDigits = n == 6
		return hasDate, dtOK
	}
	if mask&hasTime == 0 {
		switch n {
		case 6:
			p.c.Hour, p.c.Min, p.c.Sec, p.c.Usec = num(s[:2]), num(s[2:4]), num(s[4:]), usec
			return hasTime, dtOK
		case 4:
			p.c.Hour, p.c.Min, p.c.Sec, p.c.Usec = num(s[:2]), num(s[2:]), 0, usec
			return hasTime, dtOK
		}
	}
	return 0, dtBadFormat
}

// plainNumber decides what part of a date a number is, by what is already known and the session's order of fields.
func (p *dtDecoder) plainNumber(s string, mask uint32) (uint32, dtError) {
	digits := s
	if i := strings.IndexByte(s, '.'); i >= 0 {
		if i > 2 {
			return p.runTogether(s, mask|hasDate)
		}
		digits = s[:i]
		if digits == "" {
			return 0, dtBadFormat
		}
	}
	v, bad := strconv.Atoi(digits)
	if bad != nil || v > math.MaxInt32 {
		return 0, dtOutOfRange
	}
	if len(s) == 3 && mask&hasDate == hasYear && v >= 1 && v <= 366 {
		p.doy = v
		return hasDOY | hasMonth | hasDay, dtOK
	}
	var found uint32
	switch mask & hasDate {
	case 0:
		switch {
		case len(s) >= 3 || p.order == OrderYMD:
			found = hasYear
		case p.order == OrderDMY:
			found = hasDay
		default:
			found = hasMonth
		}
	case hasYear:
		found = hasMonth
	case hasMonth:
		found = hasDay
		if p.textMonth && (len(s) >= 3 || p.order == OrderYMD) {
			found = hasYear
		}
	case hasYear | hasMonth:
		if p.textMonth && len(s) >= 3 && p.twoDigits {
			p.c.Day, p.c.Year, p.twoDigits = p.c.Year, v, false
			return hasDay, dtOK
		}
		found = hasDay
	case hasDay:
		found = hasMonth
	case hasMonth | hasDay:
		found = hasYear
	case hasDate:
		return p.runTogether(s, mask)
	default:
		return 0, dtBadFormat
	}
	switch found {
	case hasYear:
		p.c.Year, p.twoDigits = v, len(digits) <= 2
	case hasMonth:
		p.c.Month = v
	case hasDay:
		p.c.Day = v
	}
	return found, dtOK
}

// word takes a word: a month, a zone, now, BC...
func (p *dtDecoder) word(s string) (uint32, dtError) {
	if a, ok := lookupAbbrev(s); ok && p.prefix == 0 {
		p.offset, p.loc, p.zoned, p.pendingTZ = int(a.Offset), nil, true, true
		return hasZone, dtOK
	}
	w, ok := lookupWord(s)
	if !ok {
		return p.namedZone(s)
	}
	switch w.kind {
	case dtReserved:
		return p.reserved(w.val)
	case dtMonth:
		if p.timeOnly {
			return 0, dtBadFormat
		}
		if p.mask&hasMonth != 0 && !p.textMonth && p.mask&hasDay == 0 && p.c.Month >= 1 && p.c.Month <= 31 {
			// What was taken for the month was the day: 01 Feb 2020 under MDY.
			p.c.Day = p.c.Month
			p.mask = p.mask&^hasMonth | hasDay
		}
		p.textMonth = true
		p.c.Month = w.val
		return hasMonth, dtOK
	case dtAMPM:
		p.pm = w.val == 1
		return hasAMPM, dtOK
	case dtEra:
		p.bc = w.val == 1
		return hasEra, dtOK
	case dtWeekday:
		return hasWeekday, dtOK
	case dtZoneMod:
		p.offset += w.val
		return 0, dtOK
	case dtISOTime:
		if p.mask&hasDate != hasDate && !p.timeOnly {
			return 0, dtBadFormat
		}
		p.prefix = dtISOTime
		return 0, dtOK
	case dtJulian:
		p.prefix = dtJulian
		return 0, dtOK
	case dtIgnore:
		return 0, dtOK
	}
	return 0, dtBadFormat
}

func (p *dtDecoder) reserved(val int) (uint32, dtError) {
	switch val {
	case resToday, resTomorrow, resYesterday:
		t := p.env.TxNow().In(p.env.TimeZone())
		jd := JulianDay(t.Year(), int(t.Month()), t.Day())
		switch val {
		case resTomorrow:
			jd++
		case resYesterday:
			jd--
		}
		p.c.Year, p.c.Month, p.c.Day = CivilDate(jd)
		return hasDate, dtOK
	case resNow:
		loc := p.env.TimeZone()
		p.c = SplitTimestamp(ZoneToLocal(TimestampOfTime(p.env.TxNow()), loc))
		off, _ := OffsetAt(loc, TimestampOfTime(p.env.TxNow()))
		p.offset, p.loc, p.zoned = off, nil, true
		return hasDate | hasTime | hasZone, dtOK
	case resAllBalls:
		p.c.Hour, p.c.Min, p.c.Sec, p.c.Usec = 0, 0, 0, 0
		p.offset, p.loc, p.zoned = 0, nil, true
		return hasTime | hasZone, dtOK
	}
	p.special = val
	return hasDate | hasTime | hasZone | hasSpecial, dtOK
}

// validate checks the parts and resolves two-digit years, BC, AM and PM.
func (p *dtDecoder) validate() dtError {
	if p.mask&hasSpecial != 0 {
		return dtOK
	}
	c := &p.c
	if p.mask&hasYear != 0 && p.mask&hasSpecial == 0 {
		switch {
		case p.bc:
			if c.Year <= 0 {
				return dtOutOfRange
			}
			c.Year = 1 - c.Year
		case p.twoDigits && c.Year < 70:
			c.Year += 2000
		case p.twoDigits && c.Year < 100:
			c.Year += 1900
		case c.Year <= 0 && p.mask&hasEra != 0, c.Year == 0:
			return dtOutOfRange
		}
	}
	if p.mask&hasDOY != 0 {
		c.Year, c.Month, c.Day = CivilDate(JulianDay(c.Year, 1, 1) + p.doy - 1)
	}
	if p.mask&hasMonth != 0 && (c.Month < 1 || c.Month > 12) {
		return dtMonthDay
	}
	if p.mask&hasDay != 0 && (c.Day < 1 || c.Day > 31) {
		return dtMonthDay
	}
	if p.mask&hasDate == hasDate && c.Day > DaysInMonth(c.Year, c.Month) {
		return dtOutOfRange
	}
	if p.mask&hasAMPM != 0 {
		if c.Hour > 12 {
			return dtOutOfRange
		}
		switch {
		case !p.pm && c.Hour == 12:
			c.Hour = 0
		case p.pm && c.Hour != 12:
			c.Hour += 12
		}
	}
	if p.mask&hasTime != 0 {
		if c.Min > 59 || c.Sec > 60 || c.Usec > usecPerSec || c.Hour < 0 || c.TimeOfDay() > UsecPerDay {
			return dtOutOfRange
		}
	}
	return dtOK
}

// decodeDateTime reads a date with or without a time and a zone.
func decodeDateTime(env Env, typ, s string) (p dtDecoder, err error) {
	_, order := env.DateStyle()
	p = dtDecoder{env: env, order: order}
	var room [maxDtFields]dtField
	fields, ok := splitDateTime(s, room[:0])
	if !ok || len(fields) == 0 {
		return p, dtBadFormat.report(typ, s)
	}
	code := p.decode(fields)
	if code == dtOK && p.mask&hasDate != hasDate {
		code = dtBadFormat
	}
	if code == dtBadZone {
		if zoneLike(p.badZone) && p.mask&hasDate == hasDate {
			return p, pgerr.New(pgerr.InvalidParameterValue, "time zone \"%s\" not recognized", p.badZone)
		}
		code = dtBadFormat
	}
	if code != dtOK {
		return p, code.report(typ, s)
	}
	return p, nil
}

// zoneLike reports whether an unknown word has the form of a zone's full name, which PostgreSQL's message names.
func zoneLike(s string) bool { return strings.ContainsAny(s, "/_+-:.0123456789") }
