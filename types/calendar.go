package types

import (
	"math"
	"time"

	"gompho/internal/pgerr"
)

// Units of time in microseconds.
const (
	usecPerSec  = 1_000_000
	usecPerMin  = 60 * usecPerSec
	usecPerHour = 60 * usecPerMin
	UsecPerDay  = 24 * usecPerHour
	secPerDay   = 86400

	// epochJulian and unixJulian are the Julian days of 2000-01-01 and 1970-01-01.
	epochJulian = 2451545
	unixJulian  = 2440588
	// epochUnix is 2000-01-01 in seconds of Unix time.
	epochUnix = 946684800
)

// The infinities of date and timestamp, and the limits of the values between them.
const (
	DateInfinity         = math.MaxInt32
	DateNegInfinity      = math.MinInt32
	TimestampInfinity    = math.MaxInt64
	TimestampNegInfinity = math.MinInt64

	minTimestamp  = -211813488000000000
	endTimestamp  = 9223371331200000000
	minDate       = -epochJulian // Julian day 0
	endDate       = 2147483494 - epochJulian
	maxDateJulian = 2147483494
)

// Civil is a point in time taken apart. Year counts astronomically: year 0 is 1 BC.
type Civil struct {
	Year, Month, Day, Hour, Min, Sec int
	Usec                             int
}

// JulianDay returns the Julian day number of a Gregorian date; the month may be any from 1 to 12.
func JulianDay(y, m, d int) int {
	// Years begin in March, so that the leap day is the last; 400 years have 146097 days.
	if m <= 2 {
		y--
		m += 12
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe + 1721120
}

// CivilDate returns the Gregorian date of a Julian day number.
func CivilDate(jd int) (y, m, d int) {
	jd -= 1721120
	era := floorDiv(jd, 146097)
	doe := jd - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	y = yoe + era*400
	if m > 12 {
		m -= 12
		y++
	}
	return y, m, d
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorDiv64(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// IsLeap reports whether a year has 366 days.
func IsLeap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

// DaysInMonth returns the days of a month.
func DaysInMonth(y, m int) int {
	if m == 2 {
		if IsLeap(y) {
			return 29
		}
		return 28
	}
	return 30 + (m+m>>3)&1
}

// SplitTimestamp takes a timestamp, microseconds since 2000-01-01, apart. It must be finite.
func SplitTimestamp(ts int64) Civil {
	day := floorDiv64(ts, UsecPerDay)
	c := splitTime(ts - day*UsecPerDay)
	c.Year, c.Month, c.Day = CivilDate(int(day) + epochJulian)
	return c
}

func splitTime(us int64) Civil {
	var c Civil
	c.Hour = int(us / usecPerHour)
	us %= usecPerHour
	c.Min = int(us / usecPerMin)
	us %= usecPerMin
	c.Sec = int(us / usecPerSec)
	c.Usec = int(us % usecPerSec)
	return c
}

// TimeOfDay returns the time of c in microseconds since midnight.
func (c *Civil) TimeOfDay() int64 {
	return int64(c.Hour)*usecPerHour + int64(c.Min)*usecPerMin + int64(c.Sec)*usecPerSec + int64(c.Usec)
}

// Timestamp puts c together; ok is false when the result is out of range. Fields may exceed their usual range.
func (c *Civil) Timestamp() (ts int64, ok bool) {
	if c.Year < -4714 || c.Year > 300000 {
		return 0, false
	}
	day := int64(JulianDay(c.Year, c.Month, c.Day) - epochJulian)
	ts, ok = mulAdd(day, UsecPerDay, c.TimeOfDay())
	return ts, ok && ValidTimestamp(ts)
}

// mulAdd returns a*b + c, and whether it fits.
func mulAdd(a, b, c int64) (int64, bool) {
	p := a * b
	if a != 0 && p/a != b {
		return 0, false
	}
	s := p + c
	return s, (p^s)&(c^s) >= 0
}

// ValidTimestamp reports whether a finite timestamp is in range.
func ValidTimestamp(ts int64) bool { return ts >= minTimestamp && ts < endTimestamp }

// ValidDate reports whether a finite date is in range.
func ValidDate(d int64) bool { return d >= minDate && d < endDate }

// TimestampIsFinite reports whether a timestamp is not an infinity.
func TimestampIsFinite(ts int64) bool { return ts != TimestampInfinity && ts != TimestampNegInfinity }

// DateIsFinite reports whether a date is not an infinity.
func DateIsFinite(d int64) bool { return d != DateInfinity && d != DateNegInfinity }

// DateToTimestamp returns midnight of a date; 22008 if a timestamp does not reach so far.
func DateToTimestamp(d int64) (int64, error) {
	switch {
	case d == DateInfinity:
		return TimestampInfinity, nil
	case d == DateNegInfinity:
		return TimestampNegInfinity, nil
	case d >= endTimestamp/UsecPerDay:
		return 0, pgerr.New(pgerr.DatetimeValueOutOfRange, "date out of range for timestamp")
	}
	return d * UsecPerDay, nil
}

// TimestampToDate returns the day of a timestamp.
func TimestampToDate(ts int64) int64 {
	switch ts {
	case TimestampInfinity:
		return DateInfinity
	case TimestampNegInfinity:
		return DateNegInfinity
	}
	return floorDiv64(ts, UsecPerDay)
}

// TimestampOfTime returns the timestamp with time zone of a Go time.
func TimestampOfTime(t time.Time) int64 {
	return (t.Unix()-epochUnix)*usecPerSec + int64(t.Nanosecond()/1000)
}

// TimeOfTimestamp returns the Go time, in UTC, of a finite timestamp with time zone.
func TimeOfTimestamp(ts int64) time.Time {
	sec := floorDiv64(ts, usecPerSec)
	return time.Unix(sec+epochUnix, (ts-sec*usecPerSec)*1000).UTC()
}

// ISOWeek returns the ISO year and week of a date.
func ISOWeek(y, m, d int) (year, week int) {
	jd := JulianDay(y, m, d)
	thursday := jd - (jd % 7) + 3 // Julian day 0 is a Monday
	year, _, _ = CivilDate(thursday)
	return year, (thursday-JulianDay(year, 1, 1))/7 + 1
}

// ISOWeekStart returns the Julian day of the Monday of an ISO week.
func ISOWeekStart(year, week int) int {
	jan4 := JulianDay(year, 1, 4)
	return jan4 - mod7(jan4) + (week-1)*7
}

func mod7(jd int) int {
	m := jd % 7
	if m < 0 {
		m += 7
	}
	return m
}

// Weekday returns the day of the week of a Julian day, 0 for Sunday.
func Weekday(jd int) int { return mod7(jd + 1) }
