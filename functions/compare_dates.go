package functions

import (
	"cmp"
	"math"

	"gompho/types"
)

// Comparisons between date, timestamp and timestamp with time zone bring both sides to the wider type. A date or
// timestamp beyond its range is above or below all values of it.

// dateAsTimestamp never fails: what is too late for a timestamp counts as infinity.
func dateAsTimestamp(_ *Call, d int64) int64 {
	ts, err := types.DateToTimestamp(d)
	if err != nil {
		if d > 0 {
			return math.MaxInt64
		}
		return math.MinInt64
	}
	return ts
}

func dateAsTimestamptz(c *Call, d int64) int64 {
	return timestampAsTimestamptz(c, dateAsTimestamp(c, d))
}

func timestampAsTimestamptz(c *Call, ts int64) int64 {
	if !types.TimestampIsFinite(ts) {
		return ts
	}
	z, err := types.LocalToZone(ts, c.Env.TimeZone())
	if err != nil {
		if ts > 0 {
			return math.MaxInt64
		}
		return math.MinInt64
	}
	return z
}

func asIs(_ *Call, ts int64) int64 { return ts }

// mixedComparisons makes the operators a_eq_b ... and a_cmp_b, and with the sides changed.
func mixedComparisons(a, b string, conv func(c *Call, v int64) int64) []Entry {
	make7 := func(x, y string, left, right func(c *Call, v int64) int64) []Entry {
		compare := func(c *Call) (int, error) { return cmp.Compare(left(c, c.int(0)), right(c, c.int(1))), nil }
		var fs []Entry
		for op := opEQ; op <= opGE; op++ {
			fs = append(fs, Entry{Name: x + "_" + cmpSuffix[op] + "_" + y, Scalar: func(c *Call) (types.Datum, error) {
				r, _ := compare(c)
				return types.Bool(op.holds(r)), nil
			}})
		}
		return append(fs, Entry{Name: x + "_cmp_" + y, Scalar: func(c *Call) (types.Datum, error) {
			r, _ := compare(c)
			return types.Int(int64(r)), nil
		}})
	}
	return append(make7(a, b, conv, asIs), make7(b, a, asIs, conv)...)
}

// mixedTimeFamily lists comparisons between dates and timestamps.
func mixedTimeFamily() []Entry {
	fs := mixedComparisons("date", "timestamp", dateAsTimestamp)
	fs = append(fs, mixedComparisons("date", "timestamptz", dateAsTimestamptz)...)
	return append(fs, mixedComparisons("timestamp", "timestamptz", timestampAsTimestamptz)...)
}
