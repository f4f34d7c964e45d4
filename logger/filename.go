package logger

import (
	"fmt"
	"strings"
	"time"
)

// strftime expands the escapes of the C library's function in a pattern; a letter without meaning stands for itself.
func strftime(pattern string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' || i+1 == len(pattern) {
			b.WriteByte(pattern[i])
			continue
		}
		i++
		for (pattern[i] == 'E' || pattern[i] == 'O') && i+1 < len(pattern) { // alternative forms: there are none
			i++
		}
		b.WriteString(timePart(pattern[i], t))
	}
	return b.String()
}

// layouts are the escapes that Go's layouts have.
var layouts = map[byte]string{'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06", 'e': "_2",
	'F': "2006-01-02", 'H': "15", 'I': "03", 'j': "002", 'm': "01", 'M': "04", 'p': "PM", 'r': "03:04:05 PM", 'R': "15:04", 'S': "05", 'T': "15:04:05", 'v': "_2-Jan-2006",
	'x': "01/02/06", 'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST", '+': "Mon Jan _2 15:04:05 MST 2006"}

func timePart(c byte, t time.Time) string {
	if l := layouts[c]; l != "" {
		return t.Format(l)
	}
	isoYear, isoWeek := t.ISOWeek()
	day, weekday := t.YearDay()-1, int(t.Weekday())
	switch c {
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100)
	case 'g':
		return fmt.Sprintf("%02d", isoYear%100)
	case 'G':
		return fmt.Sprint(isoYear)
	case 'k':
		return fmt.Sprintf("%2d", t.Hour())
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1)
	case 'n':
		return "\n"
	case 's':
		return fmt.Sprint(t.Unix())
	case 't':
		return "\t"
	case 'u':
		return fmt.Sprint((weekday+6)%7 + 1)
	case 'U': // weeks that begin with Sunday
		return fmt.Sprintf("%02d", (day+7-weekday)/7)
	case 'V':
		return fmt.Sprintf("%02d", isoWeek)
	case 'w':
		return fmt.Sprint(weekday)
	case 'W': // weeks that begin with Monday
		return fmt.Sprintf("%02d", (day+7-(weekday+6)%7)/7)
	}
	return string(c)
}

// fileName is log_filename at a time, with the ending of a form.
func fileName(pattern string, f form, t time.Time) string {
	name := strftime(pattern, t)
	if f != formText {
		name = strings.TrimSuffix(name, ".log") + extensions[f]
	}
	return name
}

// nextRotation is the first multiple of age after now, in local time.
func nextRotation(now time.Time, age time.Duration) time.Time {
	_, offset := now.Zone()
	local := now.Add(time.Duration(offset) * time.Second).Unix()
	step := int64(age / time.Second)
	return time.Unix(local-local%step+step-int64(offset), 0)
}
