package types

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestCalendar compares dates with Go's, and both directions with each other.
func TestCalendar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		jd := rapid.IntRange(0, 5_000_000).Draw(t, "julian day")
		y, m, d := CivilDate(jd)
		if back := JulianDay(y, m, d); back != jd {
			t.Fatalf("day %d is %d-%d-%d, which is day %d", jd, y, m, d, back)
		}
		g := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
		if g.Year() != y || int(g.Month()) != m || g.Day() != d || int(g.Weekday()) != Weekday(jd) {
			t.Fatalf("day %d is %d-%d-%d on weekday %d, Go says %v", jd, y, m, d, Weekday(jd), g)
		}
		iy, iw := ISOWeek(y, m, d)
		if gy, gw := g.ISOWeek(); iy != gy || iw != gw {
			t.Fatalf("%v is in week %d-%d, Go says %d-%d", g, iy, iw, gy, gw)
		}
	})
}

// TestZones compares local times of many zones with Go's, away from changes of the clock.
func TestZones(t *testing.T) {
	names := ZoneNames()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "zone")
		loc, ok := LoadZone(name)
		if !ok {
			t.Fatalf("%s is not known", name)
		}
		ts := rapid.Int64Range(-3e15, 3e15).Draw(t, "timestamp")
		local := ZoneToLocal(ts, loc)
		back, err := LocalToZone(local, loc)
		if err != nil {
			t.Fatal(err)
		}
		// A repeated hour reads back as its later occurrence; every time must at least read back as the same local time.
		if back != ts && ZoneToLocal(back, loc) != local {
			t.Fatalf("%s: %d became %d", name, ts, back)
		}
	})
}

// TestIntervalAdd checks that adding and subtracting days and time are inverse.
func TestIntervalAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ts := rapid.Int64Range(-1e17, 1e17).Draw(t, "timestamp")
		v := Interval{Usec: rapid.Int64Range(-1e12, 1e12).Draw(t, "usec"), Days: int32(rapid.IntRange(-10000, 10000).Draw(t, "days"))}
		a, err := v.AddToTimestamp(ts)
		if err != nil {
			t.Fatal(err)
		}
		neg, _ := v.Neg()
		if b, err := neg.AddToTimestamp(a); err != nil || b != ts {
			t.Fatalf("%d + %v - %v = %d, %v", ts, v, v, b, err)
		}
	})
}
