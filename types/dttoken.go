package types

import "strings"

// dtKind classifies the words of a date or time.
type dtKind uint8

const (
	dtUnknown  dtKind = iota
	dtReserved        // now, today, infinity...
	dtMonth
	dtWeekday
	dtAMPM
	dtEra
	dtZoneMod // DST
	dtISOTime // t
	dtJulian
	dtIgnore
	dtUnit
)

// Values of dtReserved words and of dtAMPM and dtEra.
const (
	resNow = iota
	resToday
	resTomorrow
	resYesterday
	resEpoch
	resInfinity
	resNegInfinity
	resZulu
	resAllBalls
)

type dtWord struct {
	kind dtKind
	val  int
}

// dtWords are the words of dates and times, cut to ten letters.
var dtWords = map[string]dtWord{
	"-infinity": {dtReserved, resNegInfinity}, "infinity": {dtReserved, resInfinity}, "now": {dtReserved, resNow},
	"today": {dtReserved, resToday}, "tomorrow": {dtReserved, resTomorrow}, "yesterday": {dtReserved, resYesterday},
	"epoch": {dtReserved, resEpoch}, "allballs": {dtReserved, resAllBalls},
	"ad": {dtEra, 0}, "bc": {dtEra, 1}, "am": {dtAMPM, 0}, "pm": {dtAMPM, 1},
	"at": {dtIgnore, 0}, "on": {dtIgnore, 0}, "dst": {dtZoneMod, 3600}, "t": {dtISOTime, 0},
	"j": {dtJulian, 0}, "jd": {dtJulian, 0}, "julian": {dtJulian, 0},
	"apr": {dtMonth, 4}, "april": {dtMonth, 4}, "aug": {dtMonth, 8}, "august": {dtMonth, 8}, "dec": {dtMonth, 12},
	"december": {dtMonth, 12}, "feb": {dtMonth, 2}, "february": {dtMonth, 2}, "jan": {dtMonth, 1}, "january": {dtMonth, 1},
	"jul": {dtMonth, 7}, "july": {dtMonth, 7}, "jun": {dtMonth, 6}, "june": {dtMonth, 6}, "mar": {dtMonth, 3},
	"march": {dtMonth, 3}, "may": {dtMonth, 5}, "nov": {dtMonth, 11}, "november": {dtMonth, 11}, "oct": {dtMonth, 10},
	"october": {dtMonth, 10}, "sep": {dtMonth, 9}, "sept": {dtMonth, 9}, "september": {dtMonth, 9},
	"fri": {dtWeekday, 5}, "friday": {dtWeekday, 5}, "mon": {dtWeekday, 1}, "monday": {dtWeekday, 1}, "sat": {dtWeekday, 6},
	"saturday": {dtWeekday, 6}, "sun": {dtWeekday, 0}, "sunday": {dtWeekday, 0}, "thu": {dtWeekday, 4},
	"thur": {dtWeekday, 4}, "thurs": {dtWeekday, 4}, "thursday": {dtWeekday, 4}, "tue": {dtWeekday, 2},
	"tues": {dtWeekday, 2}, "tuesday": {dtWeekday, 2}, "wed": {dtWeekday, 3}, "wednesday": {dtWeekday, 3},
	"weds": {dtWeekday, 3},
	"d":    {dtUnit, 0}, "h": {dtUnit, 0}, "m": {dtUnit, 0}, "mm": {dtUnit, 0}, "s": {dtUnit, 0}, "y": {dtUnit, 0},
}

// lookupWord finds a word in lower case by its first ten letters.
func lookupWord(s string) (dtWord, bool) {
	if len(s) > 10 {
		s = s[:10]
	}
	w, ok := dtWords[s]
	return w, ok
}

// dtField is one piece of the text of a date or time.
type dtField struct {
	kind byte // one of the field* constants
	text string
}

const (
	fieldNumber  = 'n'
	fieldString  = 's'
	fieldDate    = 'd'
	fieldTime    = 't'
	fieldZone    = 'z' // begins with a sign
	fieldSpecial = 'x' // a sign and a word: -infinity
)

const maxDtFields = 25

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isAlpha(c byte) bool { return c|32 >= 'a' && c|32 <= 'z' }
func isPunct(c byte) bool { return c > ' ' && c < 0x7f && !isDigit(c) && !isAlpha(c) }

// splitDateTime splits the text of a date, time or interval into fields; ok is false if it cannot be one.
func splitDateTime(s string, fields []dtField) (_ []dtField, ok bool) {
	at := func(i int) byte {
		if i < len(s) {
			return s[i]
		}
		return 0
	}
	i := 0
	for i < len(s) {
		c := s[i]
		start := i
		kind := byte(0)
		switch {
		case isSpace(c):
			i++
			continue
		case isDigit(c):
			kind, i = splitNumber(s, i)
		case c == '.':
			kind = fieldNumber
			for i++; isDigit(at(i)); i++ {
			}
		case isAlpha(c) || c >= 0x80:
			kind, i = splitWord(s, i)
		case c == '+' || c == '-':
			for i++; isSpace(at(i)); i++ {
			}
			sign := s[start : start+1]
			body := i
			switch {
			case isDigit(at(i)) || at(i) == '.' && isDigit(at(i+1)):
				for i++; isDigit(at(i)) || at(i) == ':' || at(i) == '.' || at(i) == '-'; i++ {
				}
				kind = fieldZone
			case isAlpha(at(i)):
				for i++; isAlpha(at(i)); i++ {
				}
				kind = fieldSpecial
			default:
				return nil, false
			}
			if len(fields) == maxDtFields {
				return nil, false
			}
			fields = append(fields, dtField{kind, sign + lowerASCII(s[body:i])})
			continue
		case isPunct(c):
			i++
			continue
		default:
			return nil, false
		}
		if len(fields) == maxDtFields {
			return nil, false
		}
		fields = append(fields, dtField{kind, lowerASCII(s[start:i])})
	}
	return fields, true
}

// splitNumber reads a field that begins with a digit at i.
func splitNumber(s string, i int) (kind byte, end int) {
	at := func(i int) byte {
		if i < len(s) {
			return s[i]
		}
		return 0
	}
	for i++; isDigit(at(i)); i++ {
	}
	switch c := at(i); {
	case c == ':':
		for i++; isDigit(at(i)) || at(i) == ':' || at(i) == '.'; i++ {
		}
		return fieldTime, i
	case c == '-' || c == '/' || c == '.':
		delim := c
		i++
		if !isDigit(at(i)) {
			for isAlpha(at(i)) || isDigit(at(i)) || at(i) == delim {
				i++
			}
			return fieldDate, i
		}
		kind = fieldDate
		if delim == '.' {
			kind = fieldNumber
		}
		for isDigit(at(i)) {
			i++
		}
		if at(i) == delim {
			kind = fieldDate
			for i++; isDigit(at(i)) || at(i) == delim; i++ {
			}
		}
		return kind, i
	}
	return fieldNumber, i
}

// splitWord reads a field that begins with a letter at i; it may turn out a date or the name of a time zone.
func splitWord(s string, i int) (kind byte, end int) {
	at := func(i int) byte {
		if i < len(s) {
			return s[i]
		}
		return 0
	}
	start := i
	for isAlpha(at(i)) || at(i) >= 0x80 {
		i++
	}
	more := false
	switch c := at(i); {
	case c == '-' || c == '/' || c == '.':
		more = true
	case c == '+' || isDigit(c):
		word := strings.ToLower(s[start:i])
		_, known := lookupWord(word)
		more = !known
	}
	if !more {
		return fieldString, i
	}
	for i++; ; i++ {
		c := at(i)
		if !(isAlpha(c) || isDigit(c) || c == '+' || c == '-' || c == '/' || c == '_' || c == '.' || c == ':') {
			return fieldDate, i
		}
	}
}
