package functions

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"gompho/internal/pgerr"
	"gompho/types"
)

// dateItem is one piece of a template for dates: a field, or text that stands for itself.
type dateItem struct {
	field     string // in upper case; empty for text
	text      string
	style     caseStyle
	fill      bool // FM: no padding
	th        byte // 't' or 'T': ordinal suffix
	separator bool // text that is neither a letter nor a digit, and was not quoted
	space     bool
}

type caseStyle uint8

const (
	upperCase caseStyle = iota
	lowerCase
	titleCase
)

// dateFields are the fields of templates; of two that match the longer comes first.
var dateFields = []string{"A.D.", "A.M.", "AD", "AM", "B.C.", "BC", "CC", "DAY", "DDD", "DD", "DY", "D", "FF1", "FF2", "FF3",
	"FF4", "FF5", "FF6", "FX", "HH24", "HH12", "HH", "IDDD", "ID", "IW", "IYYY", "IYY", "IY", "I", "J", "MI", "MM", "MONTH", "MON",
	"MS", "OF", "P.M.", "PM", "Q", "RM", "SSSSS", "SSSS", "SS", "TZH", "TZM", "TZ", "US", "WW", "W", "Y,YYY", "YYYY", "YYY", "YY", "Y"}

// matchField finds the field that s begins with.
func matchField(s string) (field string, style caseStyle) {
	for _, f := range dateFields {
		if len(s) < len(f) {
			continue
		}
		switch head := s[:len(f)]; {
		case head == f:
			return f, upperCase
		case head == strings.ToLower(f):
			return f, lowerCase
		case (f == "DAY" || f == "DY" || f == "MONTH" || f == "MON") && head == f[:1]+strings.ToLower(f[1:]):
			return f, titleCase
		}
	}
	return "", upperCase
}

// parseDateTemplate takes a template apart.
func parseDateTemplate(s string, p pacer) ([]dateItem, error) {
	var items []dateItem
	fill := false
	for s != "" {
		if err := p.step(templateStep); err != nil {
			return nil, err
		}
		switch {
		case strings.HasPrefix(s, "FM") || strings.HasPrefix(s, "fm"):
			fill = true
			s = s[2:]
			continue
		case strings.HasPrefix(s, "TM") || strings.HasPrefix(s, "tm"):
			fill = true // names in the language of the locale, C, without padding
			s = s[2:]
			continue
		}
		if f, style := matchField(s); f != "" {
			it := dateItem{field: f, style: style, fill: fill, text: s[:len(f)]}
			s = s[len(f):]
			switch {
			case strings.HasPrefix(s, "TH"):
				it.th, s = 'T', s[2:]
			case strings.HasPrefix(s, "th"):
				it.th, s = 't', s[2:]
			}
			if strings.HasPrefix(s, "SP") {
				s = s[2:]
			}
			items = append(items, it)
			fill = false
			continue
		}
		fill = false
		items, s = templateText(items, s)
	}
	return items, nil
}

// templateStep is what one item of a template counts in a stride.
const templateStep = 256

// templateText takes quoted text, or one character.
func templateText(items []dateItem, s string) ([]dateItem, string) {
	if s[0] == '"' {
		s = s[1:]
		for s != "" && s[0] != '"' {
			if s[0] == '\\' && len(s) > 1 {
				s = s[1:]
			}
			_, w := utf8.DecodeRuneInString(s)
			items = append(items, dateItem{text: s[:w]})
			s = s[w:]
		}
		if s != "" {
			s = s[1:]
		}
		return items, s
	}
	if s[0] == '\\' && len(s) > 1 && s[1] == '"' {
		s = s[1:]
	}
	_, w := utf8.DecodeRuneInString(s)
	c := s[0]
	it := dateItem{text: s[:w]}
	it.space = c == ' ' || c >= '\t' && c <= '\r'
	it.separator = c > ' ' && c < 0x7f && !(c >= '0' && c <= '9' || c|32 >= 'a' && c|32 <= 'z')
	return append(items, it), s[w:]
}

// dateTemplate is a parsed template, kept at the call site.
type dateTemplate struct {
	source string
	items  []dateItem
}

func (c *Call) dateTemplate(arg int) (*dateTemplate, error) {
	if t, ok := c.State.(*dateTemplate); ok && t.source == c.str(arg) {
		return t, nil
	}
	t := &dateTemplate{source: strings.Clone(c.str(arg))}
	items, err := parseDateTemplate(t.source, c.pacer())
	if err != nil {
		return nil, err
	}
	t.items = items
	c.State = t
	return t, nil
}

// charTime is what a template shows: a point in time or an interval.
type charTime struct {
	types.Civil
	hours    int64 // of an interval, instead of Hour
	interval bool
	offset   int
	abbrev   string
	zoned    bool
}

var fullMonths = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
var fullDays = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
var romanMonths = [...]string{"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"}

func styled(s string, style caseStyle) string {
	switch style {
	case upperCase:
		return strings.ToUpper(s)
	case lowerCase:
		return strings.ToLower(s)
	}
	return s
}

// padRight appends s, blank-padded to width unless fill is set.
func padRight(dst []byte, s string, width int, fill bool) []byte {
	dst = append(dst, s...)
	for i := len(s); i < width && !fill; i++ {
		dst = append(dst, ' ')
	}
	return dst
}

// number appends a number, zero-padded to width unless fill is set; a sign is not counted.
func (it *dateItem) number(dst []byte, v int64, width int) []byte {
	return it.padded(dst, v, width, 0)
}

// padded is number, where a sign takes so many of the places.
func (it *dateItem) padded(dst []byte, v int64, width, signPlaces int) []byte {
	start := len(dst)
	if v < 0 {
		dst = append(dst, '-')
		width -= signPlaces
		v = -v
	}
	digits := strconv.FormatInt(v, 10)
	for i := len(digits); i < width && !it.fill; i++ {
		dst = append(dst, '0')
	}
	dst = append(dst, digits...)
	return it.ordinal(dst, string(dst[start:]))
}

func (it *dateItem) ordinal(dst []byte, digits string) []byte {
	if it.th == 0 {
		return dst
	}
	s := ordinalSuffix(digits)
	if it.th == 'T' {
		s = strings.ToUpper(s)
	}
	return append(dst, s...)
}

func ordinalSuffix(digits string) string {
	last := digits[len(digits)-1]
	if len(digits) > 1 && digits[len(digits)-2] == '1' {
		return "th"
	}
	switch last {
	case '1':
		return "st"
	case '2':
		return "nd"
	case '3':
		return "rd"
	}
	return "th"
}

func notForInterval() error {
	return pgerr.New(pgerr.InvalidDatetimeFormat, "invalid format specification for an interval value").
		WithHint("Intervals are not tied to specific calendar dates.")
}

// shownYear is the year as templates show it: BC years count from 1.
func (t *charTime) shownYear(y int) int64 {
	if !t.interval && y <= 0 {
		return int64(1 - y)
	}
	return int64(y)
}

// writeTemplate writes t by the template that is the second argument.
func (c *Call) writeTemplate(t *charTime) (types.Datum, error) {
	tpl, err := c.dateTemplate(1)
	if err != nil {
		return types.Null, err
	}
	b, err := appendTemplate(nil, tpl.items, t, c.pacer())
	return types.Bytes(b), err
}

// appendTemplate writes t by a template.
func appendTemplate(dst []byte, items []dateItem, t *charTime, p pacer) ([]byte, error) {
	for i := range items {
		if err := p.step(templateStep / 4); err != nil {
			return dst, err
		}
		it := &items[i]
		if it.field == "" {
			dst = append(dst, it.text...)
			continue
		}
		var err error
		var done bool
		if dst, done = it.appendClock(dst, t); done {
			continue
		}
		if dst, err = it.appendDate(dst, t); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendClock writes the fields of a time of day.
func (it *dateItem) appendClock(dst []byte, t *charTime) ([]byte, bool) {
	hour := int64(t.Hour)
	if t.interval {
		hour = t.hours
	}
	switch it.field {
	case "HH", "HH12":
		h := hour % 12
		if h == 0 {
			h = 12
			if hour < 0 {
				h = -12
			}
		}
		return it.number(dst, h, 2), true
	case "HH24":
		return it.number(dst, hour, 2), true
	case "MI":
		return it.number(dst, int64(t.Min), 2), true
	case "SS":
		return it.number(dst, int64(t.Sec), 2), true
	case "MS":
		return it.fraction(dst, t.Usec, 3), true
	case "US":
		return it.fraction(dst, t.Usec, 6), true
	case "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		return it.fraction(dst, t.Usec, int(it.field[2]-'0')), true
	case "SSSS", "SSSSS":
		dst = strconv.AppendInt(dst, hour*3600+int64(t.Min)*60+int64(t.Sec), 10)
		return it.ordinal(dst, string(dst)), true
	case "AM", "PM", "A.M.", "P.M.":
		s := "AM"
		if hour%24 >= 12 {
			s = "PM"
		}
		if len(it.field) == 4 {
			s = s[:1] + "." + s[1:] + "."
		}
		return append(dst, styled(s, it.style)...), true
	}
	return dst, false
}

// fraction writes so many digits of a fraction of a second.
func (it *dateItem) fraction(dst []byte, usec, digits int) []byte {
	for i := digits; i < 6; i++ {
		usec /= 10
	}
	full := dateItem{th: it.th}
	return full.number(dst, int64(usec), digits)
}

func (it *dateItem) appendZone(dst []byte, t *charTime) ([]byte, error) {
	if t.interval {
		return dst, notForInterval()
	}
	off, sign := t.offset, byte('+')
	if off < 0 {
		off, sign = -off, '-'
	}
	switch it.field {
	case "TZ":
		if t.abbrev != "" {
			return append(dst, styled(t.abbrev, it.style)...), nil
		}
	case "TZH":
		dst = (&dateItem{}).number(append(dst, sign), int64(off/3600), 2)
	case "TZM":
		dst = (&dateItem{}).number(dst, int64(off/60%60), 2)
	case "OF":
		dst = it.number(append(dst, sign), int64(off/3600), 2)
		if m := off / 60 % 60; m != 0 {
			dst = (&dateItem{}).number(append(dst, ':'), int64(m), 2)
		}
	}
	return dst, nil
}

// appendDate writes the fields of a date.
func (it *dateItem) appendDate(dst []byte, t *charTime) ([]byte, error) {
	switch it.field {
	case "TZ", "TZH", "TZM", "OF":
		return it.appendZone(dst, t)
	case "A.D.", "AD", "B.C.", "BC":
		if t.interval {
			return dst, notForInterval()
		}
		s := "AD"
		if t.Year <= 0 {
			s = "BC"
		}
		if len(it.field) == 4 {
			s = s[:1] + "." + s[1:] + "."
		}
		return append(dst, styled(s, it.style)...), nil
	case "MONTH", "MON":
		if t.interval {
			return dst, notForInterval()
		}
		name, width := fullMonths[t.Month-1], 9
		if it.field == "MON" {
			name, width = name[:3], 0
		}
		return padRight(dst, styled(name, it.style), width, it.fill), nil
	case "DAY", "DY":
		if t.interval {
			return dst, notForInterval()
		}
		name, width := fullDays[types.Weekday(types.JulianDay(t.Year, t.Month, t.Day))], 9
		if it.field == "DY" {
			name, width = name[:3], 0
		}
		return padRight(dst, styled(name, it.style), width, it.fill), nil
	case "RM":
		m := t.Month
		if m == 0 {
			return dst, nil
		}
		if m < 0 {
			m += 13
		}
		return padRight(dst, styled(romanMonths[m-1], it.style), 4, it.fill), nil
	case "MM":
		return it.number(dst, int64(t.Month), 2), nil
	case "DD":
		return it.padded(dst, int64(t.Day), 2, 1), nil
	case "Q":
		if t.Month == 0 {
			return dst, nil
		}
		return it.number(dst, int64((t.Month-1)/3+1), 1), nil
	case "CC":
		return it.number(dst, centuryOf(t), 2), nil
	case "W":
		return it.number(dst, int64((t.Day-1)/7+1), 1), nil
	}
	return it.appendYear(dst, t)
}

func centuryOf(t *charTime) int64 {
	switch {
	case t.interval:
		return int64(t.Year / 100)
	case t.Year > 0:
		return int64((t.Year-1)/100 + 1)
	}
	return int64(t.Year/100 - 1)
}

// appendYear writes years and the fields counted from the start of a year.
func (it *dateItem) appendYear(dst []byte, t *charTime) ([]byte, error) {
	y := t.shownYear(t.Year)
	switch it.field {
	case "Y,YYY":
		start := len(dst)
		dst = append(strconv.AppendInt(dst, y/1000, 10), ',')
		dst = (&dateItem{}).padded(dst, y%1000, 3, 1)
		return it.ordinal(dst, string(dst[start:])), nil
	case "YYYY":
		return it.number(dst, y, 4), nil
	case "YYY":
		return it.number(dst, y%1000, 3), nil
	case "YY":
		return it.number(dst, y%100, 2), nil
	case "Y":
		return it.number(dst, y%10, 1), nil
	}
	if t.interval {
		switch it.field {
		case "IYYY", "IYY", "IY", "I", "IW", "D", "ID":
			return dst, notForInterval()
		case "DDD":
			return it.number(dst, int64(t.Year*360+t.Month*30+t.Day), 3), nil
		case "J":
			return it.number(dst, int64(types.JulianDay(t.Year, t.Month, t.Day)), 0), nil
		case "WW":
			return it.number(dst, int64((t.Year*360+t.Month*30+t.Day-1)/7+1), 2), nil
		}
		return dst, nil
	}
	jd := types.JulianDay(t.Year, t.Month, t.Day)
	isoYear, isoWeek := types.ISOWeek(t.Year, t.Month, t.Day)
	iy := t.shownYear(isoYear)
	doy := int64(jd - types.JulianDay(t.Year, 1, 1) + 1)
	dow := int64(types.Weekday(jd))
	switch it.field {
	case "IYYY":
		return it.number(dst, iy, 4), nil
	case "IYY":
		return it.number(dst, iy%1000, 3), nil
	case "IY":
		return it.number(dst, iy%100, 2), nil
	case "I":
		return it.number(dst, iy%10, 1), nil
	case "IW":
		return it.number(dst, int64(isoWeek), 2), nil
	case "WW":
		return it.number(dst, (doy-1)/7+1, 2), nil
	case "DDD":
		return it.number(dst, doy, 3), nil
	case "IDDD":
		return it.number(dst, int64(jd-types.ISOWeekStart(isoYear, 1)+1), 3), nil
	case "D":
		return it.number(dst, dow+1, 1), nil
	case "ID":
		if dow == 0 {
			dow = 7
		}
		return it.number(dst, dow, 1), nil
	case "J":
		return it.number(dst, int64(jd), 0), nil
	}
	return dst, nil
}

func timestampToChar(tz bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		ts := c.int(0)
		if !types.TimestampIsFinite(ts) || c.str(1) == "" {
			return types.Null, nil
		}
		t := charTime{zoned: tz}
		if tz {
			t.offset, t.abbrev = types.OffsetAt(c.Env.TimeZone(), ts)
			ts += int64(t.offset) * 1e6
		}
		t.Civil = types.SplitTimestamp(ts)
		return c.writeTemplate(&t)
	}
}

func intervalToChar(c *Call) (types.Datum, error) {
	if c.str(1) == "" {
		return types.Null, nil
	}
	v := c.interval(0)
	t := charTime{interval: true, hours: v.Usec / 3_600_000_000}
	t.Year, t.Month, t.Day = int(v.Months/12), int(v.Months%12), int(v.Days)
	rest := v.Usec % 3_600_000_000
	t.Min, t.Sec, t.Usec = int(rest/60_000_000), int(rest/1_000_000%60), int(rest%1_000_000)
	return c.writeTemplate(&t)
}

func tocharFamily() []Entry {
	return []Entry{
		{Name: "timestamp_to_char", Scalar: timestampToChar(false)}, {Name: "timestamptz_to_char", Scalar: timestampToChar(true)},
		{Name: "interval_to_char", Scalar: intervalToChar},
		{Name: "to_timestamp", Scalar: toTimestamp}, {Name: "to_date", Scalar: toDate},
		{Name: "int4_to_char", Scalar: intToTemplate}, {Name: "int8_to_char", Scalar: intToTemplate},
		{Name: "numeric_to_char", Scalar: numericToTemplate},
		{Name: "float4_to_char", Scalar: floatToTemplate(32)}, {Name: "float8_to_char", Scalar: floatToTemplate(64)},
		{Name: "numeric_to_number", Scalar: toNumber},
	}
}
