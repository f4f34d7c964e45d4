package functions

import (
	"fmt"
	"strconv"
	"strings"

	"gompho/internal/pgerr"
	"gompho/types"
)

// civilTime is a moment taken apart for formatting.
type civilTime struct {
	types.Civil
	jd     int // Julian day
	zoned  bool
	offset int // seconds east
	zone   string
}

var (
	monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	dayNames   = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	romanMonth = [...]string{"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"}
)

// timePatterns are the template patterns of to_char over times, each before those it begins with. Patterns match
// in any case; where the case decides about the result, it is that of the text as written.
var timePatterns = []string{
	"A.D.", "A.M.", "AD", "AM", "B.C.", "BC", "CC", "DAY", "DDD", "DD", "DY", "D", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6",
	"HH24", "HH12", "HH", "IDDD", "ID", "IW", "IYYY", "IYY", "IY", "I", "J", "MI", "MM", "MONTH", "MON", "MS", "OF", "P.M.", "PM", "Q", "RM",
	"SSSSS", "SSSS", "SS", "TZH", "TZM", "TZ", "US", "WW", "W", "Y,YYY", "YYYY", "YYY", "YY", "Y",
}

func matchPattern(s string) string {
	for _, p := range timePatterns {
		if len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) {
			return p
		}
	}
	return ""
}

// formatTime renders t by a template.
func formatTime(dst []byte, format string, t *civilTime) ([]byte, error) {
	for i := 0; i < len(format); {
		s := format[i:]
		if s[0] == '"' {
			i++
			for i < len(format) && format[i] != '"' {
				if format[i] == '\\' && i+1 < len(format) {
					i++
				}
				dst = append(dst, format[i])
				i++
			}
			i++
			continue
		}
		if strings.HasPrefix(s, `\"`) {
			dst = append(dst, '"')
			i += 2
			continue
		}
		fill := true
		n := 0
		for len(s)-n >= 2 && (strings.EqualFold(s[n:n+2], "FM") || strings.EqualFold(s[n:n+2], "FX") || strings.EqualFold(s[n:n+2], "TM")) {
			if strings.EqualFold(s[n:n+2], "FM") || strings.EqualFold(s[n:n+2], "TM") {
				fill = false
			}
			n += 2
		}
		p := matchPattern(s[n:])
		if p == "" {
			if n == 0 {
				n = charWidth([]byte(s), false)
				dst = append(dst, s[:n]...)
			}
			i += n
			continue
		}
		text, number, err := t.pattern(p, s[n:n+len(p)], fill)
		if err != nil {
			return nil, err
		}
		i += n + len(p)
		dst = append(dst, text...)
		if rest := format[i:]; number && len(rest) >= 2 && strings.EqualFold(rest[:2], "TH") {
			dst = append(dst, ordinal(text, rest[:2])...)
			i += 2
		}
	}
	return dst, nil
}

// ordinal is the suffix of a number, in the case of th.
func ordinal(number, th string) string {
	n := len(number)
	s := "th"
	if n < 2 || number[n-2] != '1' {
		switch number[n-1] {
		case '1':
			s = "st"
		case '2':
			s = "nd"
		case '3':
			s = "rd"
		}
	}
	if th[0] == 'T' {
		return strings.ToUpper(s)
	}
	return s
}

// cased gives a name the case of its pattern: all capitals, all small, or as it is.
func cased(name, as string, width int, fill bool) string {
	switch {
	case as == strings.ToUpper(as):
		name = strings.ToUpper(name)
	case as == strings.ToLower(as):
		name = strings.ToLower(name)
	}
	if fill && len(name) < width {
		name += strings.Repeat(" ", width-len(name))
	}
	return name
}

// zeros writes a number with at least so many digits, without zeros in front under FM.
func zeros(v, width int, fill bool) (string, bool, error) {
	if !fill {
		return strconv.Itoa(v), true, nil
	}
	if v < 0 {
		return fmt.Sprintf("-%0*d", width, -v), true, nil
	}
	return fmt.Sprintf("%0*d", width, v), true, nil
}

func (t *civilTime) hour12() int {
	if h := t.Hour % 12; h != 0 {
		return h
	}
	return 12
}

// displayYear is the year as people count: there is no year 0.
func displayYear(y int) int {
	if y <= 0 {
		return 1 - y
	}
	return y
}

// pattern renders one pattern; number tells that TH may follow.
func (t *civilTime) pattern(p, as string, fill bool) (text string, number bool, err error) {
	switch p {
	case "A.M.", "P.M.", "AM", "PM":
		name := "AM"
		if t.Hour >= 12 {
			name = "PM"
		}
		if len(p) == 4 {
			name = name[:1] + ".M."
		}
		return cased(name, as, 0, false), false, nil
	case "A.D.", "B.C.", "AD", "BC":
		name := "AD"
		if t.Year <= 0 {
			name = "BC"
		}
		if len(p) == 4 {
			name = name[:1] + "." + name[1:] + "."
		}
		return cased(name, as, 0, false), false, nil
	case "HH", "HH12":
		return zeros(t.hour12(), 2, fill)
	case "HH24":
		return zeros(t.Hour, 2, fill)
	case "MI":
		return zeros(t.Min, 2, fill)
	case "SS":
		return zeros(t.Sec, 2, fill)
	case "MS":
		return fmt.Sprintf("%03d", t.Usec/1000), true, nil
	case "US":
		return fmt.Sprintf("%06d", t.Usec), true, nil
	case "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		return fmt.Sprintf("%06d", t.Usec)[:p[2]-'0'], true, nil
	case "SSSS", "SSSSS":
		return strconv.Itoa(t.Hour*3600 + t.Min*60 + t.Sec), true, nil
	case "TZ", "TZH", "TZM", "OF":
		return t.zonePattern(p, as)
	case "MONTH":
		return cased(monthNames[t.Month-1], as, 9, fill), false, nil
	case "MON":
		return cased(monthNames[t.Month-1][:3], as, 0, false), false, nil
	case "DAY":
		return cased(dayNames[types.Weekday(t.jd)], as, 9, fill), false, nil
	case "DY":
		return cased(dayNames[types.Weekday(t.jd)][:3], as, 0, false), false, nil
	case "RM":
		return cased(romanMonth[t.Month-1], as, 4, fill), false, nil
	}
	return t.datePattern(p, fill)
}

func (t *civilTime) zonePattern(p, as string) (string, bool, error) {
	if !t.zoned {
		if p == "TZ" {
			return "", false, nil
		}
	}
	sign, off := '+', t.offset
	if off < 0 {
		sign, off = '-', -off
	}
	switch p {
	case "TZ":
		return cased(t.zone, as, 0, false), false, nil
	case "TZH":
		return fmt.Sprintf("%c%02d", sign, off/3600), false, nil
	case "TZM":
		return fmt.Sprintf("%02d", off/60%60), false, nil
	}
	s := fmt.Sprintf("%c%02d", sign, off/3600)
	if off/60%60 != 0 {
		s += fmt.Sprintf(":%02d", off/60%60)
	}
	return s, false, nil
}

func (t *civilTime) datePattern(p string, fill bool) (string, bool, error) {
	isoYear, isoWeek := types.ISOWeek(t.Year, t.Month, t.Day)
	yearDay := t.jd - types.JulianDay(t.Year, 1, 1) + 1
	weekday := types.Weekday(t.jd)
	isoDay := (weekday+6)%7 + 1
	year := displayYear(t.Year)
	if p[0] == 'I' {
		year = displayYear(isoYear)
	}
	switch p {
	case "MM":
		return zeros(t.Month, 2, fill)
	case "DDD":
		return zeros(yearDay, 3, fill)
	case "IDDD":
		return zeros((isoWeek-1)*7+isoDay, 3, fill)
	case "DD":
		return zeros(t.Day, 2, fill)
	case "D":
		return zeros(weekday+1, 1, fill)
	case "ID":
		return zeros(isoDay, 1, fill)
	case "W":
		return zeros((t.Day-1)/7+1, 1, fill)
	case "WW":
		return zeros((yearDay-1)/7+1, 2, fill)
	case "IW":
		return zeros(isoWeek, 2, fill)
	case "Q":
		return zeros((t.Month-1)/3+1, 1, fill)
	case "J":
		return zeros(t.jd, 1, fill)
	case "CC":
		c := (t.Year-1)/100 + 1
		if t.Year <= 0 {
			c = t.Year/100 - 1
		}
		if c >= -99 && c <= 99 {
			return zeros(c, 2, fill)
		}
		return strconv.Itoa(c), true, nil
	case "Y,YYY":
		return fmt.Sprintf("%d,%03d", year/1000, year%1000), true, nil
	case "YYYY", "IYYY":
		return zeros(year, 4, fill)
	case "YYY", "IYY":
		return zeros(year%1000, 3, fill)
	case "YY", "IY":
		return zeros(year%100, 2, fill)
	case "Y", "I":
		return zeros(year%10, 1, fill)
	}
	return "", false, pgerr.NotSupported("template pattern %s of to_char is not supported", p)
}

// timeToChar is to_char over timestamps; those with time zone are shown in the session's.
func timeToChar(zoned bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		ts, format := c.int(0), c.str(1)
		if format == "" || !types.TimestampIsFinite(ts) {
			return types.Null, nil
		}
		t := civilTime{zoned: zoned}
		if zoned {
			loc := c.Env.TimeZone()
			t.offset, t.zone = types.OffsetAt(loc, ts)
			ts = types.ZoneToLocal(ts, loc)
		}
		t.Civil = types.SplitTimestamp(ts)
		t.jd = types.JulianDay(t.Year, t.Month, t.Day)
		b, err := formatTime(nil, format, &t)
		return types.Bytes(b), err
	}
}

// toCharFamily lists to_char over timestamps.
func toCharFamily() []Entry {
	return []Entry{{Name: "timestamp_to_char", Scalar: timeToChar(false)}, {Name: "timestamptz_to_char", Scalar: timeToChar(true)}}
}
