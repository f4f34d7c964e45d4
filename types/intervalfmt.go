package types

import "strconv"

// AppendText appends v in a style.
func (v Interval) AppendText(dst []byte, style IntervalStyle) []byte {
	p := v.split()
	switch style {
	case IntervalSQL:
		return p.appendSQL(dst)
	case IntervalISO8601:
		return p.appendISO(dst)
	case IntervalPostgresVerbose:
		return p.appendVerbose(dst)
	}
	return p.appendPostgres(dst)
}

// intervalParts are the fields that output shows, each with the sign of its part.
type intervalParts struct {
	year, mon, day int64
	hour, min, sec int64
	usec           int64
	neg            bool // the time is negative
	timeSet        bool
}

func (v Interval) split() intervalParts {
	p := intervalParts{year: int64(v.Months) / 12, mon: int64(v.Months) % 12, day: int64(v.Days)}
	t := v.Usec
	p.hour = t / usecPerHour
	t %= usecPerHour
	p.min = t / usecPerMin
	t %= usecPerMin
	p.sec, p.usec = t/usecPerSec, t%usecPerSec
	p.neg = v.Usec < 0
	p.timeSet = v.Usec != 0
	return p
}

func absInt(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

// appendHMS appends the time without its sign, with at least width digits of hours.
func (p *intervalParts) appendHMS(dst []byte, width int) []byte {
	h := absInt(p.hour)
	if h < 10 && width == 2 {
		dst = append(dst, '0')
	}
	dst = append(strconv.AppendInt(dst, h, 10), ':')
	dst = append(append2(dst, int(absInt(p.min))), ':')
	return appendFraction(append2(dst, int(absInt(p.sec))), int(absInt(p.usec)))
}

func (p *intervalParts) appendPostgres(dst []byte) []byte {
	start := len(dst)
	before := false // the part before was negative: a positive one then needs its sign
	part := func(v int64, unit string) {
		if v == 0 {
			return
		}
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		if before && v > 0 {
			dst = append(dst, '+')
		}
		dst = append(strconv.AppendInt(dst, v, 10), unit...)
		if v != 1 {
			dst = append(dst, 's')
		}
		before = v < 0
	}
	part(p.year, " year")
	part(p.mon, " mon")
	part(p.day, " day")
	if len(dst) > start && !p.timeSet {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, ' ')
	}
	if p.neg {
		dst = append(dst, '-')
	} else if before {
		dst = append(dst, '+')
	}
	return p.appendHMS(dst, 2)
}

func (p *intervalParts) appendVerbose(dst []byte) []byte {
	dst = append(dst, '@')
	start := len(dst)
	ago := false
	part := func(v int64, unit string) {
		if v == 0 {
			return
		}
		if len(dst) == start {
			ago = v < 0
			v = absInt(v)
		} else if ago {
			v = -v
		}
		dst = strconv.AppendInt(append(dst, ' '), v, 10)
		dst = append(append(dst, ' '), unit...)
		if v != 1 {
			dst = append(dst, 's')
		}
	}
	part(p.year, "year")
	part(p.mon, "mon")
	part(p.day, "day")
	part(p.hour, "hour")
	part(p.min, "min")
	if p.sec != 0 || p.usec != 0 {
		neg := p.sec < 0 || p.usec < 0
		dst = append(dst, ' ')
		switch {
		case len(dst) == start+1:
			ago = neg
		case neg != ago:
			dst = append(dst, '-')
		}
		dst = strconv.AppendInt(dst, absInt(p.sec), 10)
		dst = append(appendFraction(dst, int(absInt(p.usec))), " sec"...)
		if absInt(p.sec) != 1 || p.usec != 0 {
			dst = append(dst, 's')
		}
	}
	if len(dst) == start {
		return append(dst, " 0"...)
	}
	if ago {
		dst = append(dst, " ago"...)
	}
	return dst
}

func (p *intervalParts) appendSQL(dst []byte) []byte {
	anyNeg := p.year < 0 || p.mon < 0 || p.day < 0 || p.neg
	anyPos := p.year > 0 || p.mon > 0 || p.day > 0 || p.timeSet && !p.neg
	yearMonth, dayTime := p.year != 0 || p.mon != 0, p.day != 0 || p.timeSet
	plain := !(yearMonth && p.day != 0) && !(yearMonth && p.timeSet) && !(anyNeg && anyPos)
	signOf := func(neg bool) byte {
		if neg {
			return '-'
		}
		return '+'
	}
	switch {
	case !yearMonth && !dayTime:
		return append(dst, '0')
	case !plain || anyNeg && anyPos:
		// The standard has no such value: every part is shown with its sign.
		dst = append(dst, signOf(p.year < 0 || p.mon < 0))
		dst = append(strconv.AppendInt(dst, absInt(p.year), 10), '-')
		dst = append(strconv.AppendInt(dst, absInt(p.mon), 10), ' ')
		dst = append(dst, signOf(p.day < 0))
		dst = append(strconv.AppendInt(dst, absInt(p.day), 10), ' ')
		return p.appendHMS(append(dst, signOf(p.neg)), 1)
	}
	if anyNeg {
		dst = append(dst, '-')
	}
	switch {
	case yearMonth:
		dst = append(strconv.AppendInt(dst, absInt(p.year), 10), '-')
		return strconv.AppendInt(dst, absInt(p.mon), 10)
	case p.day != 0:
		dst = append(strconv.AppendInt(dst, absInt(p.day), 10), ' ')
	}
	return p.appendHMS(dst, 1)
}

func (p *intervalParts) appendISO(dst []byte) []byte {
	if p.year == 0 && p.mon == 0 && p.day == 0 && !p.timeSet {
		return append(dst, "PT0S"...)
	}
	dst = append(dst, 'P')
	part := func(v int64, unit byte) {
		if v != 0 {
			dst = append(strconv.AppendInt(dst, v, 10), unit)
		}
	}
	part(p.year, 'Y')
	part(p.mon, 'M')
	part(p.day, 'D')
	if p.timeSet {
		dst = append(dst, 'T')
	}
	part(p.hour, 'H')
	part(p.min, 'M')
	if p.sec != 0 || p.usec != 0 {
		if p.sec < 0 || p.usec < 0 {
			dst = append(dst, '-')
		}
		dst = strconv.AppendInt(dst, absInt(p.sec), 10)
		dst = append(appendFraction(dst, int(absInt(p.usec))), 'S')
	}
	return dst
}
