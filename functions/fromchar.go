package functions

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"gompho/internal/pgerr"
	"gompho/types"
)

// templateReader reads text by a template, for to_date and to_timestamp.
type templateReader struct {
	s     string
	items []dateItem
	fx    bool
	skip  int // characters skipped beyond what the template asked for
	seen  map[string]int
	// what was found; -1 where nothing was
	year, yearSize         int
	cc, month, day, doy    int
	ww, w, dow, jd         int
	hour, min, sec, ms, us int
	ssss                   int
	iso, twelve, bc, pm    bool
	tzSign, tzHour, tzMin  int
	haveYear               bool
	haveTZ                 bool
}

func fromCharError(format string, args ...any) *pgerr.Error {
	return pgerr.New(pgerr.InvalidDatetimeFormat, format, args...)
}

func (r *templateReader) blanks() {
	for r.s != "" && (r.s[0] == ' ' || r.s[0] >= '\t' && r.s[0] <= '\r') {
		r.s = r.s[1:]
		r.skip++
	}
}

// run goes through the template.
func (r *templateReader) run() error {
	for i := range r.items {
		it := &r.items[i]
		if r.s == "" {
			break
		}
		if !r.fx && it.field != "FX" && (it.field != "" || i == 0) {
			r.blanks()
		}
		if it.field == "" {
			r.text(it)
			continue
		}
		if it.field == "FX" {
			r.fx = true
			continue
		}
		if err := r.field(it, i); err != nil {
			return err
		}
		if !r.fx {
			r.skip = 0
			r.blanks()
		}
	}
	return nil
}

// text consumes what a piece of text in the template stands for.
func (r *templateReader) text(it *dateItem) {
	if r.s == "" {
		return
	}
	if it.space || it.separator {
		if r.fx {
			r.drop()
			return
		}
		r.skip--
		if c := r.s[0]; c == ' ' || c >= '\t' && c <= '\r' || isSeparator(c) {
			r.s = r.s[1:]
			r.skip++
		}
		return
	}
	if !r.fx && r.skip > 0 {
		r.skip--
		return
	}
	r.drop()
}

func isSeparator(c byte) bool {
	return c > ' ' && c < 0x7f && !(c >= '0' && c <= '9' || c|32 >= 'a' && c|32 <= 'z')
}

func (r *templateReader) drop() {
	_, w := utf8.DecodeRuneInString(r.s)
	r.s = r.s[w:]
}

// nextEndsNumber reports whether the template goes on with something that is no digit, so that a number may have any length.
func (r *templateReader) nextEndsNumber(i int) bool {
	if r.items[i].th != 0 {
		return true
	}
	if i+1 >= len(r.items) {
		return true
	}
	n := &r.items[i+1]
	if n.field == "" {
		return n.text == "" || !(n.text[0] >= '0' && n.text[0] <= '9')
	}
	switch n.field {
	case "A.D.", "A.M.", "AD", "AM", "B.C.", "BC", "DAY", "DY", "FX", "MONTH", "MON", "P.M.", "PM", "RM", "TZ", "TZH", "OF":
		return true
	}
	return false
}

// number reads a number of at most width digits, or of any length where the template or FM allows it.
func (r *templateReader) number(i, width int) (v, digits int, err error) {
	it := &r.items[i]
	name := it.text
	for r.s != "" && r.s[0] == ' ' {
		r.s = r.s[1:]
	}
	start := r.s
	n := 0
	if n < len(r.s) && (r.s[n] == '-' || r.s[n] == '+') {
		n++
	}
	first := n
	open := it.fill || r.nextEndsNumber(i)
	for n < len(r.s) && r.s[n] >= '0' && r.s[n] <= '9' && (open || n < width) {
		n++
	}
	if n == first {
		return 0, 0, fromCharError("invalid value \"%s\" for \"%s\"", prefixOf(start, width), name).
			WithDetail("Value must be an integer.")
	}
	if !open {
		if len(start) < width {
			return 0, 0, fromCharError("source string too short for \"%s\" formatting field", name).
				WithDetail("Field requires %d characters, but only %d remain.", width, len(start)).
				WithHint("If your source string is not fixed-width, try using the \"FM\" modifier.")
		}
		if n < width {
			return 0, 0, fromCharError("invalid value \"%s\" for \"%s\"", prefixOf(start, width), name).
				WithDetail("Field requires %d characters, but only %d could be parsed.", width, n).
				WithHint("If your source string is not fixed-width, try using the \"FM\" modifier.")
		}
	}
	v, bad := strconv.Atoi(start[:n])
	if bad != nil || v > math.MaxInt32 || v < math.MinInt32 {
		return 0, 0, pgerr.New(pgerr.DatetimeFieldOverflow, "value for \"%s\" in source string is out of range", name).
			WithDetail("Value must be in the range %d to %d.", math.MinInt32, math.MaxInt32)
	}
	r.s = start[n:]
	r.suffix(it)
	return v, n - first, nil
}

func prefixOf(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// suffix skips the two letters of an ordinal.
func (r *templateReader) suffix(it *dateItem) {
	if it.th != 0 && len(r.s) >= 2 {
		r.s = r.s[2:]
	} else if it.th != 0 {
		r.s = ""
	}
}

// set stores a number, which must not contradict an earlier one.
func (r *templateReader) set(dst *int, name string, v int) error {
	if old, ok := r.seen[name]; ok && old != v {
		return fromCharError("conflicting values for \"%s\" field in formatting string", name).
			WithDetail("This value contradicts a previous setting for the same field type.")
	}
	r.seen[name] = v
	*dst = v
	return nil
}

func (r *templateReader) intField(i, width int, dst *int) error {
	v, _, err := r.number(i, width)
	if err != nil {
		return err
	}
	return r.set(dst, r.items[i].text, v)
}

// words finds which of a list the text begins with, in any case.
func (r *templateReader) words(it *dateItem, list []string) (int, error) {
	best := -1
	for i, w := range list {
		if len(r.s) >= len(w) && strings.EqualFold(r.s[:len(w)], w) && (best < 0 || len(w) > len(list[best])) {
			best = i
		}
	}
	if best < 0 {
		end := len(r.s)
		if n := strings.IndexFunc(r.s, func(c rune) bool { return c == ' ' || c == '\t' || c == '\n' }); n >= 0 {
			end = n
		}
		return 0, fromCharError("invalid value \"%s\" for \"%s\"", r.s[:end], it.text).
			WithDetail("The given value did not match any of the allowed values for this field.")
	}
	r.s = r.s[len(list[best]):]
	return best, nil
}

func shortNames(names []string) []string {
	short := make([]string, len(names))
	for i, n := range names {
		short[i] = n[:3]
	}
	return short
}

func (r *templateReader) field(it *dateItem, i int) error {
	switch it.field {
	case "HH", "HH12":
		r.twelve = true
		return r.intField(i, 2, &r.hour)
	case "HH24":
		return r.intField(i, 2, &r.hour)
	case "MI":
		return r.intField(i, 2, &r.min)
	case "SS":
		return r.intField(i, 2, &r.sec)
	case "MS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		return r.fraction(it, i)
	case "SSSS", "SSSSS":
		return r.intField(i, 5, &r.ssss)
	case "AM", "PM", "A.M.", "P.M.":
		list := []string{"AM", "PM"}
		if len(it.field) == 4 {
			list = []string{"A.M.", "P.M."}
		}
		n, err := r.words(it, list)
		r.pm, r.twelve = n == 1, true
		return err
	case "AD", "BC", "A.D.", "B.C.":
		list := []string{"AD", "BC"}
		if len(it.field) == 4 {
			list = []string{"A.D.", "B.C."}
		}
		n, err := r.words(it, list)
		r.bc = n == 1
		return err
	case "TZ", "OF":
		return pgerr.NotSupported("formatting field \"%s\" is only supported in to_char", it.text)
	case "TZH":
		r.tzSign = 1
		if r.s != "" && (r.s[0] == '+' || r.s[0] == '-' || r.s[0] == ' ') {
			if r.s[0] == '-' {
				r.tzSign = -1
			}
			r.s = r.s[1:]
		}
		r.haveTZ = true
		return r.intField(i, 2, &r.tzHour)
	case "TZM":
		if r.tzSign == 0 {
			r.tzSign = 1
		}
		r.haveTZ = true
		return r.intField(i, 2, &r.tzMin)
	}
	return r.dateField(it, i)
}

func (r *templateReader) fraction(it *dateItem, i int) error {
	digits := 6
	switch {
	case it.field == "MS":
		digits = 3
	case it.field[0] == 'F':
		digits = int(it.field[2] - '0')
	}
	v, n, err := r.number(i, digits)
	if err != nil {
		return err
	}
	for ; n < digits; n++ {
		v *= 10
	}
	for ; n > digits; n-- {
		v /= 10
	}
	if it.field == "MS" {
		return r.set(&r.ms, "MS", v)
	}
	for ; digits < 6; digits++ {
		v *= 10
	}
	return r.set(&r.us, "US", v)
}

func (r *templateReader) dateField(it *dateItem, i int) error {
	switch it.field {
	case "MONTH", "MON":
		list := fullMonths[:]
		if it.field == "MON" {
			list = shortNames(list)
		}
		n, err := r.words(it, list)
		if err != nil {
			return err
		}
		return r.set(&r.month, "MM", n+1)
	case "MM":
		return r.intField(i, 2, &r.month)
	case "RM":
		n, err := r.words(it, romanMonths[:])
		if err != nil {
			return err
		}
		return r.set(&r.month, "MM", n+1)
	case "DAY", "DY":
		list := fullDays[:]
		if it.field == "DY" {
			list = shortNames(list)
		}
		n, err := r.words(it, list)
		if err != nil {
			return err
		}
		return r.set(&r.dow, "D", n+1)
	case "DD":
		return r.intField(i, 2, &r.day)
	case "DDD":
		return r.intField(i, 3, &r.doy)
	case "IDDD":
		r.iso = true
		return r.intField(i, 3, &r.doy)
	case "D":
		return r.intField(i, 1, &r.dow)
	case "ID":
		r.iso = true
		if err := r.intField(i, 1, &r.dow); err != nil {
			return err
		}
		if r.dow++; r.dow > 7 {
			r.dow = 1
		}
		return nil
	case "WW":
		return r.intField(i, 2, &r.ww)
	case "IW":
		r.iso = true
		return r.intField(i, 2, &r.ww)
	case "W":
		return r.intField(i, 1, &r.w)
	case "Q":
		_, _, err := r.number(i, 1)
		return err
	case "CC":
		return r.intField(i, 2, &r.cc)
	case "J":
		return r.intField(i, 7, &r.jd)
	}
	return r.yearField(it, i)
}

func (r *templateReader) yearField(it *dateItem, i int) error {
	r.iso = r.iso || it.field[0] == 'I'
	if it.field == "Y,YYY" {
		n := strings.IndexByte(r.s, ',')
		if n < 1 || len(r.s) < n+4 {
			return fromCharError("invalid input string for \"Y,YYY\"")
		}
		a, err1 := strconv.Atoi(r.s[:n])
		b, err2 := strconv.Atoi(r.s[n+1 : n+4])
		if err1 != nil || err2 != nil {
			return fromCharError("invalid input string for \"Y,YYY\"")
		}
		r.s = r.s[n+4:]
		r.suffix(it)
		r.yearSize, r.haveYear = 4, true
		return r.set(&r.year, "YYYY", a*1000+b)
	}
	width := len(it.field)
	v, n, err := r.number(i, width)
	if err != nil {
		return err
	}
	if width < 4 && n < 4 {
		switch {
		case v < 70:
			v += 2000
		case v < 100:
			v += 1900
		case v < 520:
			v += 2000
		case v < 1000:
			v += 1000
		}
	}
	r.yearSize, r.haveYear = width, true
	return r.set(&r.year, "YYYY", v)
}

// value makes a date and time of what was read; whole is the text for messages.
func (r *templateReader) value(whole string) (types.Civil, error) {
	outOfRange := func() error {
		return pgerr.New(pgerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", whole)
	}
	c := types.Civil{Year: 0, Month: 1, Day: 1, Hour: max(r.hour, 0), Min: max(r.min, 0), Sec: max(r.sec, 0)}
	if r.ssss >= 0 {
		if r.ssss >= 86400 {
			return c, outOfRange()
		}
		c.Hour, c.Min, c.Sec = r.ssss/3600, r.ssss/60%60, r.ssss%60
	}
	if r.twelve {
		if r.hour != -1 {
			if r.hour < 1 || r.hour > 12 {
				return c, fromCharError("hour \"%d\" is invalid for the 12-hour clock", r.hour).
					WithHint("Use the 24-hour clock, or give an hour between 1 and 12.")
			}
			switch {
			case r.pm && c.Hour < 12:
				c.Hour += 12
			case !r.pm && c.Hour == 12:
				c.Hour = 0
			}
		}
	}
	if err := r.yearValue(&c); err != nil {
		return c, err
	}
	if !r.dayValue(&c) {
		return c, outOfRange()
	}
	c.Usec = max(r.ms, 0)*1000 + max(r.us, 0)
	if c.Month < 1 || c.Month > 12 || c.Day < 1 || c.Day > types.DaysInMonth(c.Year, min(max(c.Month, 1), 12)) ||
		c.Hour > 23 && !(c.Hour == 24 && c.Min == 0 && c.Sec == 0) || c.Hour < 0 || c.Min < 0 || c.Min > 59 || c.Sec < 0 || c.Sec > 60 || c.Usec >= 2_000_000 {
		return c, outOfRange()
	}
	return c, nil
}

// yearValue resolves year, century and era.
func (r *templateReader) yearValue(c *types.Civil) error {
	switch {
	case r.haveYear && r.cc >= 0 && r.yearSize <= 2:
		y := r.year % 100
		cc := r.cc
		if r.bc {
			cc = -cc
		}
		switch {
		case cc > 0 && y > 0:
			c.Year = (cc-1)*100 + y
		case cc > 0:
			c.Year = cc * 100
		default:
			c.Year = (cc+1)*100 + 1 - y
		}
	case r.haveYear:
		c.Year = r.year
		if r.bc && c.Year > 0 {
			c.Year = 1 - c.Year
		} else if c.Year < 0 {
			c.Year++
		}
	case r.cc >= 0:
		cc := r.cc
		if r.bc {
			cc = -cc
		}
		if cc >= 0 {
			c.Year = (cc-1)*100 + 1
		} else {
			c.Year = cc*100 + 1
		}
	}
	return nil
}

// dayValue resolves month and day from whatever gives them; ok is false when out of range.
func (r *templateReader) dayValue(c *types.Civil) bool {
	if r.month != -1 && r.month != 0 {
		c.Month = r.month
	}
	if r.day != -1 && r.day != 0 {
		c.Day = r.day
	}
	switch {
	case r.jd >= 0:
		c.Year, c.Month, c.Day = types.CivilDate(r.jd)
	case r.ww >= 0 && r.iso:
		dow := 1
		if r.dow >= 0 {
			dow = r.dow - 1
			if dow == 0 {
				dow = 7
			}
		}
		c.Year, c.Month, c.Day = types.CivilDate(types.ISOWeekStart(c.Year, r.ww) + dow - 1)
	case r.ww >= 0:
		c.Year, c.Month, c.Day = types.CivilDate(types.JulianDay(c.Year, 1, 1) + (r.ww-1)*7)
	case r.doy >= 0 && r.iso:
		c.Year, c.Month, c.Day = types.CivilDate(types.ISOWeekStart(c.Year, 1) + r.doy - 1)
	case r.doy >= 0 && r.month < 0 && r.day < 0:
		if r.doy < 1 || r.doy > 366 || r.doy == 366 && !types.IsLeap(c.Year) {
			return false
		}
		c.Year, c.Month, c.Day = types.CivilDate(types.JulianDay(c.Year, 1, 1) + r.doy - 1)
	case r.w >= 0 && r.day < 0:
		c.Day = (r.w-1)*7 + 1
	}
	return true
}

func (c *Call) readTemplate() (types.Civil, *templateReader, error) {
	t, err := c.dateTemplate(1)
	if err != nil {
		return types.Civil{}, nil, err
	}
	r := &templateReader{s: c.str(0), items: t.items, seen: map[string]int{}, cc: -1, month: -1, day: -1, doy: -1, ww: -1, w: -1,
		dow: -1, jd: -1, hour: -1, min: -1, sec: -1, ms: -1, us: -1, ssss: -1}
	if err := r.run(); err != nil {
		return types.Civil{}, r, err
	}
	civil, err := r.value(c.str(0))
	return civil, r, err
}

func toTimestamp(c *Call) (types.Datum, error) {
	civil, r, err := c.readTemplate()
	if err != nil {
		return types.Null, err
	}
	ts, ok := civil.Timestamp()
	if !ok {
		return types.Null, types.TimestampOutOfRange()
	}
	if r.haveTZ {
		if r.tzHour > 15 || r.tzMin > 59 || r.tzHour < 0 || r.tzMin < 0 {
			return types.Null, pgerr.New(pgerr.InvalidTimeZoneDisplacementValue, "time zone displacement out of range: \"%s\"", c.str(0))
		}
		return checkTimestamp(ts - int64(r.tzSign*(r.tzHour*3600+r.tzMin*60))*1e6)
	}
	return retInt(types.LocalToZone(ts, c.Env.TimeZone()))
}

func toDate(c *Call) (types.Datum, error) {
	civil, _, err := c.readTemplate()
	if err != nil {
		return types.Null, err
	}
	d := int64(types.JulianDay(civil.Year, civil.Month, civil.Day) - types.JulianDay(2000, 1, 1))
	if !types.ValidDate(d) {
		return types.Null, pgerr.New(pgerr.DatetimeValueOutOfRange, "date out of range: \"%s\"", c.str(0))
	}
	return types.Int(d), nil
}
