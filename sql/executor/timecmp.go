package executor

import (
	"math"
	"time"

	"gompho/internal/ids"
	"gompho/types"
)

// timeConversion returns the order between dates, timestamps and timestamps with time zone of different types; nil
// for other pairs of types, whose values compare as they are.
func timeConversion(left, right ids.Oid, env *Env) func(a, b types.Datum) int {
	if left == right || !isTime(left) || !isTime(right) {
		return nil
	}
	// Dates and local timestamps compare as local time; with a time zone involved, everything as instants.
	instants := left == timestamptzOid || right == timestamptzOid
	conv := func(typ ids.Oid) func(d types.Datum) int64 {
		return func(d types.Datum) int64 {
			us := d.Int()
			if typ == dateOid {
				if us == math.MinInt32 || us == math.MaxInt32 {
					return infinite(us > 0)
				}
				us *= dayMicros
			}
			if instants && typ != timestamptzOid && us != math.MinInt64 && us != math.MaxInt64 {
				us = localToInstant(us, env.Func.TimeZone())
			}
			return us
		}
	}
	l, r := conv(left), conv(right)
	return func(a, b types.Datum) int { return cmpSigned(uint64(l(a)), uint64(r(b))) }
}

func infinite(positive bool) int64 {
	if positive {
		return math.MaxInt64
	}
	return math.MinInt64
}

func isTime(o ids.Oid) bool { return o == dateOid || o == timestampOid || o == timestamptzOid }

// localToInstant returns the instant, in microseconds since 2000-01-01 UTC, of a local time.
func localToInstant(us int64, loc *time.Location) int64 {
	utc := time.UnixMicro(us + epochSeconds*1000000).UTC()
	t := time.Date(utc.Year(), utc.Month(), utc.Day(), utc.Hour(), utc.Minute(), utc.Second(), utc.Nanosecond(), loc)
	return microsSince2000(t)
}
