package types

import (
	"math"
	"strconv"
	"strings"
)

// intervalUnit is a unit of an interval.
type intervalUnit uint8

const (
	unitNone intervalUnit = iota
	unitUsec
	unitMsec
	unitSecond
	unitMinute
	unitHour
	unitDay
	unitWeek
	unitMonth
	unitYear
	unitDecade
	unitCentury
	unitMillennium
	unitAgo
	unitIgnore
	unitClock // hh:mm:ss was read
)

// intervalUnits are the names of units, cut to ten letters.
var intervalUnits = map[string]intervalUnit{
	"@": unitIgnore, "ago": unitAgo, "c": unitCentury, "cent": unitCentury, "centuries": unitCentury, "century": unitCentury,
	"d": unitDay, "day": unitDay, "days": unitDay, "dec": unitDecade, "decade": unitDecade, "decades": unitDecade, "decs": unitDecade,
	"h": unitHour, "hour": unitHour, "hours": unitHour, "hr": unitHour, "hrs": unitHour, "m": unitMinute,
	"microsecon": unitUsec, "mil": unitMillennium, "millennia": unitMillennium, "millennium": unitMillennium, "mils": unitMillennium,
	"millisecon": unitMsec, "min": unitMinute, "mins": unitMinute, "minute": unitMinute, "minutes": unitMinute,
	"mon": unitMonth, "mons": unitMonth, "month": unitMonth, "months": unitMonth, "ms": unitMsec, "msec": unitMsec,
	"mseconds": unitMsec, "msecs": unitMsec, "s": unitSecond, "sec": unitSecond,
	"second": unitSecond, "seconds": unitSecond, "secs": unitSecond, "us": unitUsec, "usec": unitUsec, "useconds": unitUsec,
	"usecs": unitUsec, "w": unitWeek, "week": unitWeek, "weeks": unitWeek, "y": unitYear, "year": unitYear, "years": unitYear,
	"yr": unitYear, "yrs": unitYear,
}

// intervalDecoder gathers an interval.
type intervalDecoder struct {
	years, months, days, usec int64
	seen                      map[intervalUnit]bool
	overflow                  bool
}

// ParseInterval reads an interval; typmod says which unit a bare number has, and what is kept.
func ParseInterval(env Env, s string, typmod int32) (Interval, error) {
	fields := int32(intervalFullRange)
	if typmod >= 0 {
		fields = typmod >> 16 & 0x7fff
	}
	var d intervalDecoder
	d.seen = map[intervalUnit]bool{}
	var room [maxDtFields]dtField
	var code dtError
	if t := trimSpace(s); t != "" && t[0] == 'P' {
		code = d.iso(t[1:])
	} else if parts, ok := splitDateTime(s, room[:0]); ok && len(parts) > 0 {
		code = d.decode(parts, fields, env.IntervalStyle() == IntervalSQL)
	} else {
		code = dtBadFormat
	}
	if code == dtOutOfRange || d.overflow && code == dtOK {
		code = dtIntervalRange
	}
	if code != dtOK {
		return Interval{}, code.report("interval", s)
	}
	m, ok1 := fitInt32(d.years*12 + d.months)
	days, ok2 := fitInt32(d.days)
	if !ok1 || !ok2 {
		return Interval{}, IntervalOutOfRange()
	}
	return Interval{d.usec, days, m}.ApplyTypmod(typmod)
}

// add adds v units plus frac of one; parts below the unit go to the next smaller part.
func (d *intervalDecoder) add(unit intervalUnit, v int64, frac float64) {
	switch unit {
	case unitUsec:
		d.addUsec(v, 1)
		d.addFraction(frac, 1)
	case unitMsec:
		d.addUsec(v, 1000)
		d.addFraction(frac, 1000)
	case unitSecond:
		d.addUsec(v, usecPerSec)
		d.addFraction(frac, usecPerSec)
	case unitMinute:
		d.addUsec(v, usecPerMin)
		d.addFraction(frac, usecPerMin)
	case unitHour:
		d.addUsec(v, usecPerHour)
		d.addFraction(frac, usecPerHour)
	case unitDay:
		d.addTo(&d.days, v, 1)
		d.addFraction(frac, UsecPerDay)
	case unitWeek:
		d.addTo(&d.days, v, 7)
		d.fractionOfDays(frac, 7)
	case unitMonth:
		d.addTo(&d.months, v, 1)
		d.fractionOfDays(frac, 30)
	case unitYear:
		d.addTo(&d.years, v, 1)
		d.fractionOfMonths(frac, 12)
	case unitDecade:
		d.addTo(&d.years, v, 10)
		d.fractionOfMonths(frac, 120)
	case unitCentury:
		d.addTo(&d.years, v, 100)
		d.fractionOfMonths(frac, 1200)
	case unitMillennium:
		d.addTo(&d.years, v, 1000)
		d.fractionOfMonths(frac, 12000)
	}
}

func (d *intervalDecoder) addTo(part *int64, v, scale int64) {
	r, ok := mulAdd(v, scale, *part)
	if !ok {
		d.overflow = true
		return
	}
	if _, ok := fitInt32(r); !ok {
		d.overflow = true
	}
	*part = r
}

func (d *intervalDecoder) addUsec(v, scale int64) {
	r, ok := mulAdd(v, scale, d.usec)
	if !ok {
		d.overflow = true
	}
	d.usec = r
}

func (d *intervalDecoder) addFraction(frac, scale float64) {
	if frac != 0 {
		d.addUsec(int64(math.RoundToEven(frac*scale)), 1)
	}
}

// fractionOfDays adds a fraction of a unit of so many days: whole days, and the rest as time.
func (d *intervalDecoder) fractionOfDays(frac, scale float64) {
	if frac == 0 {
		return
	}
	frac *= scale
	whole := math.Trunc(frac)
	d.addTo(&d.days, int64(whole), 1)
	d.addFraction(frac-whole, UsecPerDay)
}

// fractionOfMonths adds a fraction of a unit of so many months, rounded to months.
func (d *intervalDecoder) fractionOfMonths(frac, scale float64) {
	if frac != 0 {
		d.addTo(&d.months, int64(math.RoundToEven(frac*scale)), 1)
	}
}

// decode goes through the fields from the last to the first, because a unit follows its number.
func (d *intervalDecoder) decode(fields []dtField, typeFields int32, sqlStyle bool) dtError {
	unit, haveUnit, ago, pendingUnit := unitNone, false, false, false
	negateAll := sqlStyle && len(fields) > 0 && fields[0].kind == fieldZone && fields[0].text[0] == '-' && !laterSign(fields)
	for i := len(fields) - 1; i >= 0; i-- {
		f := &fields[i]
		switch f.kind {
		case fieldTime:
			if err := d.clock(f.text, negateAll, typeFields); err != dtOK {
				return err
			}
			if pendingUnit {
				return dtBadFormat
			}
			unit, haveUnit = unitDay, true
		case fieldZone:
			if strings.IndexByte(f.text, ':') >= 0 {
				if err := d.clock(f.text[1:], f.text[0] == '-', typeFields); err != dtOK {
					return err
				}
				unit, haveUnit, pendingUnit = unitDay, true, false
				continue
			}
			fallthrough
		case fieldNumber, fieldDate:
			if !haveUnit {
				unit = defaultUnit(typeFields, f, i, fields)
			}
			if err := d.number(f.text, unit, negateAll && i > 0); err != dtOK {
				return err
			}
			// A number before the hours counts days: 1 2:03, or 1 2 for DAY TO HOUR.
			haveUnit, pendingUnit = unit == unitHour, false
			unit = unitDay
		case fieldString, fieldSpecial:
			w := f.text
			if len(w) > 10 {
				w = w[:10]
			}
			u, ok := intervalUnits[w]
			if !ok {
				return dtBadFormat
			}
			switch u {
			case unitIgnore:
				continue
			case unitAgo:
				if i != len(fields)-1 {
					return dtBadFormat
				}
				ago = true
				unit, haveUnit = unitNone, false
				continue
			}
			if pendingUnit {
				return dtBadFormat
			}
			unit, haveUnit, pendingUnit = u, true, true
		}
	}
	if len(d.seen) == 0 || pendingUnit {
		return dtBadFormat
	}
	if ago {
		d.years, d.months, d.days, d.usec = -d.years, -d.months, -d.days, -d.usec
	}
	return dtOK
}

// laterSign reports a sign in a field after the first: then the first field's sign is its own.
func laterSign(fields []dtField) bool {
	for _, f := range fields[1:] {
		if f.kind == fieldZone || f.text != "" && (f.text[0] == '-' || f.text[0] == '+') {
			return true
		}
	}
	return false
}

// defaultUnit is the unit of a number that has none after it.
func defaultUnit(typeFields int32, f *dtField, i int, fields []dtField) intervalUnit {
	switch typeFields {
	case intervalYear:
		return unitYear
	case intervalMonth, intervalYear | intervalMonth:
		return unitMonth
	case intervalDay:
		return unitDay
	case intervalHour, intervalDay | intervalHour:
		return unitHour
	case intervalMinute, intervalHour | intervalMinute, intervalDay | intervalHour | intervalMinute:
		return unitMinute
	}
	return unitSecond
}

// once refuses a second value of one unit.
func (d *intervalDecoder) once(u intervalUnit) bool {
	if d.seen[u] {
		return false
	}
	d.seen[u] = true
	return true
}

// clock reads hh:mm[:ss[.ffffff]].
func (d *intervalDecoder) clock(s string, neg bool, typeFields int32) dtError {
	frac := ""
	if i := strings.IndexByte(s, '.'); i >= 0 {
		s, frac = s[:i], s[i:]
	}
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return dtBadFormat
	}
	var v [3]int64
	for i, w := range parts {
		if w == "" {
			if i == len(parts)-1 && i > 0 {
				continue
			}
			return dtBadFormat
		}
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil {
			if err.(*strconv.NumError).Err == strconv.ErrRange {
				return dtOutOfRange
			}
			return dtBadFormat
		}
		v[i] = n
	}
	usec := 0
	if frac != "" {
		var err dtError
		if usec, err = fraction(frac); err != dtOK {
			return err
		}
	}
	if len(parts) == 2 && (frac != "" || typeFields == intervalMinute|intervalSecond) {
		v = [3]int64{0, v[0], v[1]}
	}
	if v[1] > 59 || v[2] > 60 {
		return dtOutOfRange
	}
	if !d.once(unitClock) {
		return dtBadFormat
	}
	for _, u := range [...]intervalUnit{unitHour, unitMinute, unitSecond} {
		if d.seen[u] {
			return dtBadFormat
		}
	}
	total, ok := mulAdd(v[0], usecPerHour, v[1]*usecPerMin+v[2]*usecPerSec+int64(usec))
	if !ok {
		return dtBadFormat
	}
	if neg {
		total = -total
	}
	d.addUsec(total, 1)
	return dtOK
}

// number reads a number, or years-months, with the given unit.
func (d *intervalDecoder) number(s string, unit intervalUnit, negate bool) dtError {
	neg := s[0] == '-'
	body := s
	if s[0] == '-' || s[0] == '+' {
		body = s[1:]
	}
	if negate {
		neg = true
	}
	if i := strings.IndexByte(body, '-'); i >= 0 {
		y, err1 := strconv.ParseInt(body[:i], 10, 64)
		m, err2 := strconv.ParseInt(body[i+1:], 10, 64)
		if err1 != nil || err2 != nil {
			return dtBadFormat
		}
		if m > 11 || m < 0 {
			return dtOutOfRange
		}
		if !d.once(unitYear) || !d.once(unitMonth) {
			return dtBadFormat
		}
		if neg {
			y, m = -y, -m
		}
		d.add(unitYear, y, 0)
		d.add(unitMonth, m, 0)
		return dtOK
	}
	frac := 0.0
	whole := body
	if i := strings.IndexByte(body, '.'); i >= 0 {
		whole = body[:i]
		if body[i:] != "." {
			f, err := strconv.ParseFloat("0"+body[i:], 64)
			if err != nil {
				return dtBadFormat
			}
			frac = f
		}
	}
	v := int64(0)
	if whole != "" {
		n, err := strconv.ParseInt(whole, 10, 64)
		if err != nil {
			if err.(*strconv.NumError).Err == strconv.ErrRange {
				return dtOutOfRange
			}
			return dtBadFormat
		}
		v = n
	}
	if neg {
		v, frac = -v, -frac
	}
	if !d.onceNumber(unit, frac) {
		return dtBadFormat
	}
	d.add(unit, v, frac)
	return dtOK
}

// onceNumber is once, where a fraction of seconds takes the smaller units as well.
func (d *intervalDecoder) onceNumber(u intervalUnit, frac float64) bool {
	if d.seen[unitClock] && (u == unitHour || u == unitMinute || u == unitSecond) {
		return false
	}
	if u == unitSecond && frac != 0 && (d.seen[unitMsec] || d.seen[unitUsec]) {
		return false
	}
	return d.once(u)
}

// iso reads ISO 8601 after the P: with designators, or in the form of a date and time.
func (d *intervalDecoder) iso(s string) dtError {
	isTime, first := false, true
	for s != "" {
		if s[0] == 'T' {
			isTime, first = true, true
			if s = s[1:]; s == "" {
				return dtOK
			}
			continue
		}
		v, frac, rest, err := isoNumber(s)
		if err != dtOK {
			return err
		}
		unit := byte(0)
		if rest != "" {
			unit = rest[0]
		}
		if unit != 0 && strings.IndexByte("YMWDHS", unit) >= 0 {
			s = rest[1:]
			first = false
			u := isoUnit(unit, isTime)
			if u == unitNone {
				return dtBadFormat
			}
			d.seen[u] = true
			d.add(u, v, frac)
			continue
		}
		if !first && !isTime {
			return dtBadFormat
		}
		after, err := d.isoAlternative(s, isTime)
		if err != dtOK {
			return err
		}
		s, first = after, false
	}
	if len(d.seen) == 0 {
		return dtBadFormat
	}
	return dtOK
}

func isoUnit(c byte, isTime bool) intervalUnit {
	if isTime {
		switch c {
		case 'H':
			return unitHour
		case 'M':
			return unitMinute
		case 'S':
			return unitSecond
		}
		return unitNone
	}
	switch c {
	case 'Y':
		return unitYear
	case 'M':
		return unitMonth
	case 'W':
		return unitWeek
	case 'D':
		return unitDay
	}
	return unitNone
}

func isoNumber(s string) (v int64, frac float64, rest string, err dtError) {
	n := 0
	if s[0] == '-' || s[0] == '+' {
		n++
	}
	for n < len(s) && (isDigit(s[n]) || s[n] == '.') {
		n++
	}
	f, bad := strconv.ParseFloat(s[:n], 64)
	if bad != nil {
		return 0, 0, "", dtBadFormat
	}
	if math.Abs(f) > 1e15 {
		return 0, 0, "", dtOutOfRange
	}
	w := math.Trunc(f)
	if i := strings.IndexByte(s[:n], '.'); i >= 0 && s[i:n] != "." {
		frac, _ = strconv.ParseFloat("0"+s[i:n], 64)
		if s[0] == '-' {
			frac = -frac
		}
	}
	return int64(w), frac, s[n:], dtOK
}

// isoAlternative reads yyyy-mm-dd, yyyymmdd, hh:mm:ss or hhmmss up to a T or the end.
func (d *intervalDecoder) isoAlternative(s string, isTime bool) (string, dtError) {
	end := strings.IndexByte(s, 'T')
	if end < 0 {
		end = len(s)
	}
	body, rest := s[:end], s[end:]
	units := [3]intervalUnit{unitYear, unitMonth, unitDay}
	sep := "-"
	if isTime {
		units, sep = [3]intervalUnit{unitHour, unitMinute, unitSecond}, ":"
	}
	var parts []string
	neg := strings.HasPrefix(body, "-")
	plain := strings.TrimLeft(body, "+-")
	switch {
	case strings.Contains(plain, sep):
		parts = strings.Split(plain, sep)
	case !isTime && len(plain) == 8:
		parts = []string{plain[:4], plain[4:6], plain[6:]}
	case isTime && len(plain) >= 6 && strings.IndexByte(plain+".", '.') == 6:
		parts = []string{plain[:2], plain[2:4], plain[4:]}
	default:
		parts = []string{plain}
	}
	if len(parts) > 3 {
		return "", dtBadFormat
	}
	for i, w := range parts {
		if w == "" {
			return "", dtBadFormat
		}
		v, frac, after, err := isoNumber(w)
		if err != dtOK || after != "" {
			return "", dtBadFormat
		}
		if neg && i == 0 {
			v, frac = -v, -frac
		}
		d.seen[units[i]] = true
		d.add(units[i], v, frac)
	}
	return rest, dtOK
}
