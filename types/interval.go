package types

import (
	"encoding/binary"
	"math"

	"gompho/internal/pgerr"
)

// Interval is a span of time in three parts that do not convert into each other without a date.
type Interval struct {
	Usec   int64
	Days   int32
	Months int32
}

// Datum makes a Datum of v.
func (v Interval) Datum() Datum { return Bytes(v.AppendDatum(make([]byte, 0, 16))) }

// AppendDatum appends the bytes of the Datum of v.
func (v Interval) AppendDatum(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(v.Usec))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(v.Days))
	return binary.LittleEndian.AppendUint32(dst, uint32(v.Months))
}

// IntervalOf reads the Datum of an interval.
func IntervalOf(d Datum) Interval {
	b := d.Bytes()
	if len(b) < 16 {
		return Interval{}
	}
	le := binary.LittleEndian
	return Interval{int64(le.Uint64(b)), int32(le.Uint32(b[8:])), int32(le.Uint32(b[12:]))}
}

var intervalIO = typeIO{
	in: func(env Env, _ *Type, s string, typmod int32) (Datum, error) {
		v, err := ParseInterval(env, s, typmod)
		if err != nil {
			return Null, err
		}
		return v.Datum(), nil
	},
	out: func(env Env, _ *Type, d Datum, dst []byte) []byte {
		return IntervalOf(d).AppendText(dst, env.IntervalStyle())
	},
	recv: func(_ Env, _ *Type, b []byte, typmod int32) (Datum, error) {
		if len(b) != 16 {
			return Null, wrongLength(b, 16)
		}
		be := binary.BigEndian
		v := Interval{int64(be.Uint64(b)), int32(be.Uint32(b[8:])), int32(be.Uint32(b[12:]))}
		v, err := v.ApplyTypmod(typmod)
		if err != nil {
			return Null, err
		}
		return v.Datum(), nil
	},
	send: func(_ Env, _ *Type, d Datum, dst []byte) ([]byte, error) {
		v := IntervalOf(d)
		be := binary.BigEndian
		dst = be.AppendUint64(dst, uint64(v.Usec))
		return be.AppendUint32(be.AppendUint32(dst, uint32(v.Days)), uint32(v.Months)), nil
	},
	cmp: func(a, b Datum) int { return IntervalOf(a).Cmp(IntervalOf(b)) },
	hash: func(d Datum) uint64 {
		days, usec := IntervalOf(d).span()
		return CombineHash(HashWord(uint64(days)), uint64(usec))
	},
}

// span is the length of v with months of 30 days: whole days and the rest, which is not negative.
func (v Interval) span() (days, usec int64) {
	d := floorDiv64(v.Usec, UsecPerDay)
	return int64(v.Months)*30 + int64(v.Days) + d, v.Usec - d*UsecPerDay
}

// Cmp orders intervals by their length with months of 30 days and days of 24 hours.
func (v Interval) Cmp(w Interval) int {
	d1, u1 := v.span()
	d2, u2 := w.span()
	if d1 != d2 {
		return cmpInt(Int(d1), Int(d2))
	}
	return cmpInt(Int(u1), Int(u2))
}

// IntervalOutOfRange is error 22008.
func IntervalOutOfRange() error {
	return pgerr.New(pgerr.DatetimeValueOutOfRange, "interval out of range")
}

// Fields of an interval type modifier.
const (
	intervalYear       = 1 << 2
	intervalMonth      = 1 << 1
	intervalDay        = 1 << 3
	intervalHour       = 1 << 10
	intervalMinute     = 1 << 11
	intervalSecond     = 1 << 12
	intervalFullRange  = 0x7fff
	intervalFullDigits = 0xffff
)

// ApplyTypmod restricts v to the fields and the precision of an interval type modifier.
func (v Interval) ApplyTypmod(typmod int32) (Interval, error) {
	if typmod < 0 {
		return v, nil
	}
	fields, digits := typmod>>16&0x7fff, typmod&0xffff
	switch fields {
	case intervalYear:
		v.Months = v.Months / 12 * 12
		v.Days, v.Usec = 0, 0
	case intervalMonth, intervalYear | intervalMonth:
		v.Days, v.Usec = 0, 0
	case intervalDay:
		v.Usec = 0
	case intervalHour, intervalDay | intervalHour:
		v.Usec = v.Usec / usecPerHour * usecPerHour
	case intervalMinute, intervalDay | intervalHour | intervalMinute, intervalHour | intervalMinute:
		v.Usec = v.Usec / usecPerMin * usecPerMin
	}
	if digits != intervalFullDigits && digits < 6 {
		v.Usec = roundTo(v.Usec, int64(pow10tab[6-digits]))
	}
	return v, nil
}

func fitInt32(v int64) (int32, bool) { return int32(v), v >= math.MinInt32 && v <= math.MaxInt32 }

// Add returns v + w; 22008 when a part overflows.
func (v Interval) Add(w Interval) (Interval, error) {
	m, ok1 := fitInt32(int64(v.Months) + int64(w.Months))
	d, ok2 := fitInt32(int64(v.Days) + int64(w.Days))
	u := v.Usec + w.Usec
	if !ok1 || !ok2 || (v.Usec^u)&(w.Usec^u) < 0 {
		return v, IntervalOutOfRange()
	}
	return Interval{u, d, m}, nil
}

// Neg returns -v.
func (v Interval) Neg() (Interval, error) {
	if v.Usec == math.MinInt64 || v.Days == math.MinInt32 || v.Months == math.MinInt32 {
		return v, IntervalOutOfRange()
	}
	return Interval{-v.Usec, -v.Days, -v.Months}, nil
}

// Sub returns v - w.
func (v Interval) Sub(w Interval) (Interval, error) {
	m, ok1 := fitInt32(int64(v.Months) - int64(w.Months))
	d, ok2 := fitInt32(int64(v.Days) - int64(w.Days))
	u := v.Usec - w.Usec
	if !ok1 || !ok2 || (v.Usec^w.Usec)&(v.Usec^u) < 0 {
		return v, IntervalOutOfRange()
	}
	return Interval{u, d, m}, nil
}

// Mul returns v * f. Fractions of months become days, fractions of days time.
func (v Interval) Mul(f float64) (Interval, error) {
	return v.scaled(float64(v.Months)*f, float64(v.Days)*f, float64(v.Usec)*f, f, false)
}

// Div returns v / f; 22012 for zero.
func (v Interval) Div(f float64) (Interval, error) {
	if f == 0 {
		return v, divByZero()
	}
	return v.scaled(float64(v.Months)/f, float64(v.Days)/f, float64(v.Usec)/f, f, true)
}

func (v Interval) scaled(months, days, usec, f float64, div bool) (Interval, error) {
	var r Interval
	if f != f || months != months || math.Abs(months) > math.MaxInt32 || days != days || math.Abs(days) > math.MaxInt32 {
		return r, IntervalOutOfRange()
	}
	r.Months, r.Days = int32(months), int32(days)
	// What is left of the months counts as days of a month of 30, rounded to microseconds against noise.
	monthDays := tsRound((months - float64(r.Months)) * 30)
	secs := tsRound((days - float64(r.Days) + monthDays - math.Trunc(monthDays)) * secPerDay)
	if math.Abs(secs) >= secPerDay {
		d := math.Trunc(secs / secPerDay)
		nd, ok := fitInt32(int64(r.Days) + int64(d))
		if !ok {
			return r, IntervalOutOfRange()
		}
		r.Days = nd
		secs -= d * secPerDay
	}
	nd, ok := fitInt32(int64(r.Days) + int64(math.Trunc(monthDays)))
	if !ok {
		return r, IntervalOutOfRange()
	}
	r.Days = nd
	total := math.RoundToEven(usec + secs*usecPerSec)
	if total != total || total >= math.MaxInt64 || total <= math.MinInt64 {
		return r, IntervalOutOfRange()
	}
	r.Usec = int64(total)
	return r, nil
}

// tsRound rounds seconds to microseconds.
func tsRound(x float64) float64 { return math.RoundToEven(x*1e6) / 1e6 }

// AddToTimestamp returns ts + v for local time: months first (the day cut to the month's length), then days, then time.
func (v Interval) AddToTimestamp(ts int64) (int64, error) {
	if !TimestampIsFinite(ts) {
		return ts, nil
	}
	ts, err := v.addMonthsDays(ts)
	if err != nil {
		return 0, err
	}
	return addUsec(ts, v.Usec)
}

func addUsec(ts, usec int64) (int64, error) {
	r := ts + usec
	if (ts^r)&(usec^r) < 0 || !ValidTimestamp(r) {
		return 0, TimestampOutOfRange()
	}
	return r, nil
}

func (v Interval) addMonthsDays(ts int64) (int64, error) {
	if v.Months != 0 {
		c := SplitTimestamp(ts)
		m := int64(c.Year)*12 + int64(c.Month-1) + int64(v.Months)
		if m > 12*300000 || m < -12*5000 {
			return 0, TimestampOutOfRange()
		}
		c.Year = int(floorDiv64(m, 12))
		c.Month = int(m-int64(c.Year)*12) + 1
		c.Day = min(c.Day, DaysInMonth(c.Year, c.Month))
		r, ok := c.Timestamp()
		if !ok {
			return 0, TimestampOutOfRange()
		}
		ts = r
	}
	if v.Days != 0 {
		r, ok := mulAdd(int64(v.Days), UsecPerDay, ts)
		if !ok || !ValidTimestamp(r) {
			return 0, TimestampOutOfRange()
		}
		ts = r
	}
	return ts, nil
}

// AddToTimestamptz returns ts + v: months and days in local time of the session's zone, then time.
func (v Interval) AddToTimestamptz(env Env, ts int64) (int64, error) {
	if !TimestampIsFinite(ts) {
		return ts, nil
	}
	loc := env.TimeZone()
	if v.Months != 0 {
		local, err := Interval{Months: v.Months}.addMonthsDays(ZoneToLocal(ts, loc))
		if err != nil {
			return 0, err
		}
		if ts, err = LocalToZone(local, loc); err != nil {
			return 0, err
		}
	}
	if v.Days != 0 {
		local, err := Interval{Days: v.Days}.addMonthsDays(ZoneToLocal(ts, loc))
		if err != nil {
			return 0, err
		}
		if ts, err = LocalToZone(local, loc); err != nil {
			return 0, err
		}
	}
	return addUsec(ts, v.Usec)
}

// JustifyHours turns 24 hours into a day.
func (v Interval) JustifyHours() (Interval, error) {
	d := v.Usec / UsecPerDay
	v.Usec %= UsecPerDay
	days, ok := fitInt32(int64(v.Days) + d)
	if !ok {
		return v, IntervalOutOfRange()
	}
	v.Days = days
	if v.Days > 0 && v.Usec < 0 {
		v.Usec += UsecPerDay
		v.Days--
	} else if v.Days < 0 && v.Usec > 0 {
		v.Usec -= UsecPerDay
		v.Days++
	}
	return v, nil
}

// JustifyDays turns 30 days into a month.
func (v Interval) JustifyDays() (Interval, error) {
	m, ok := fitInt32(int64(v.Months) + int64(v.Days/30))
	if !ok {
		return v, IntervalOutOfRange()
	}
	v.Months = m
	v.Days %= 30
	if v.Months > 0 && v.Days < 0 {
		v.Days += 30
		v.Months--
	} else if v.Months < 0 && v.Days > 0 {
		v.Days -= 30
		v.Months++
	}
	return v, nil
}

// Justify does both, and gives all parts one sign.
func (v Interval) Justify() (Interval, error) {
	days := int64(v.Days) + v.Usec/UsecPerDay
	usec := v.Usec % UsecPerDay
	months := int64(v.Months) + days/30
	days %= 30
	if _, ok := fitInt32(months); !ok {
		return v, IntervalOutOfRange()
	}
	if months > 0 && (days < 0 || days == 0 && usec < 0) {
		days += 30
		months--
	} else if months < 0 && (days > 0 || days == 0 && usec > 0) {
		days -= 30
		months++
	}
	if days > 0 && usec < 0 {
		usec += UsecPerDay
		days--
	} else if days < 0 && usec > 0 {
		usec -= UsecPerDay
		days++
	}
	return Interval{usec, int32(days), int32(months)}, nil
}
