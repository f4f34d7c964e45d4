package types

import (
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // so that time zones are known on machines that have no database of them

	"gompho/internal/pgerr"
)

// ZoneNames returns the names of the known time zones, sorted.
func ZoneNames() []string { return strings.Fields(zoneNames) }

// ZoneAbbrevs returns the abbreviations that input accepts, sorted. Callers must not change it.
func ZoneAbbrevs() []ZoneAbbrev { return zoneAbbrevs[:] }

// zoneIndex finds the proper spelling of a zone's name; loaded zones are kept because loading one is slow.
// It is a cache of constants: what it holds depends on nothing but the time zone database.
var zoneIndex = sync.OnceValue(func() map[string]string {
	m := make(map[string]string)
	for _, n := range strings.Fields(zoneNames) {
		m[strings.ToLower(n)] = n
	}
	return m
})

var zoneCache sync.Map // canonical name -> *time.Location

// LoadZone finds a time zone by name, in any case, or by a POSIX specification like UTC+3 or <+03>-3, whose
// sign is west-positive.
func LoadZone(name string) (*time.Location, bool) {
	canonical, ok := zoneIndex()[lowerASCII(name)]
	if !ok {
		return posixZone(name)
	}
	if l, ok := zoneCache.Load(canonical); ok {
		return l.(*time.Location), true
	}
	l, err := time.LoadLocation(canonical)
	if err != nil {
		return nil, false
	}
	zoneCache.Store(canonical, l)
	return l, true
}

// posixZone reads a zone of the form NAMEoffset without daylight saving time.
func posixZone(s string) (*time.Location, bool) {
	var abbrev, rest string
	if strings.HasPrefix(s, "<") {
		end := strings.IndexByte(s, '>')
		if end < 0 {
			return nil, false
		}
		abbrev, rest = s[1:end], s[end+1:]
	} else {
		n := 0
		for n < len(s) && (s[n]|32) >= 'a' && (s[n]|32) <= 'z' {
			n++
		}
		abbrev, rest = s[:n], s[n:]
	}
	if len(abbrev) < 3 && abbrev != "" || rest == "" || rest[0] != '+' && rest[0] != '-' && !isDigit(rest[0]) {
		return nil, false
	}
	off, ok := posixOffset(rest)
	if !ok {
		return nil, false
	}
	return time.FixedZone(strings.ToUpper(abbrev), -off), true
}

// posixOffset reads [+-]hh[:mm[:ss]].
func posixOffset(s string) (int, bool) {
	sign := 1
	if s[0] == '+' || s[0] == '-' {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	total, unit := 0, 3600
	for i, part := range strings.Split(s, ":") {
		v, err := strconv.ParseUint(part, 10, 16)
		if err != nil || i > 2 || i == 0 && v > 167 || i > 0 && v > 59 {
			return 0, false
		}
		total += int(v) * unit
		unit /= 60
	}
	return sign * total, true
}

// lookupAbbrev finds a zone abbreviation, given in lower case.
func lookupAbbrev(lower string) (ZoneAbbrev, bool) {
	if len(lower) > 10 || lower == "" {
		return ZoneAbbrev{}, false
	}
	u := strings.ToUpper(lower)
	i := sort.Search(len(zoneAbbrevs), func(i int) bool { return zoneAbbrevs[i].Name >= u })
	if i < len(zoneAbbrevs) && zoneAbbrevs[i].Name == u {
		return zoneAbbrevs[i], true
	}
	return ZoneAbbrev{}, false
}

// OffsetAt returns a zone's offset in seconds east of UTC, and its abbreviation, at a timestamp with time zone.
func OffsetAt(loc *time.Location, ts int64) (offset int, abbrev string) {
	if loc == time.UTC {
		return 0, "UTC"
	}
	name, off := time.Unix(floorDiv64(ts, usecPerSec)+epochUnix, 0).In(loc).Zone()
	return off, name
}

// LocalToZone finds the timestamp with time zone of a local timestamp in a zone; 22008 when out of range.
// A time that a change of the clock skips is read with the offset before the change, one that occurs twice
// with the offset after it.
func LocalToZone(local int64, loc *time.Location) (int64, error) {
	if !TimestampIsFinite(local) {
		return local, nil
	}
	ts := local - int64(localOffset(local, loc))*usecPerSec
	if !ValidTimestamp(ts) {
		return 0, TimestampOutOfRange()
	}
	return ts, nil
}

// localOffset returns the offset of a local time in a zone, in seconds east of UTC.
func localOffset(local int64, loc *time.Location) int {
	if loc == time.UTC {
		return 0
	}
	sec := floorDiv64(local, usecPerSec) + epochUnix
	before := time.Unix(sec-secPerDay, 0).In(loc)
	_, off1 := before.Zone()
	_, end := before.ZoneBounds()
	if end.IsZero() {
		return off1
	}
	change := end.Unix()
	if change > sec+2*secPerDay {
		return off1
	}
	_, off2 := end.In(loc).Zone()
	t1, t2 := sec-int64(off1), sec-int64(off2)
	switch {
	case t1 < change && t2 < change:
		return off1
	case t1 >= change && t2 >= change:
		return off2
	case t1 > t2:
		return off1
	}
	return off2
}

// ZoneToLocal returns the local timestamp of a timestamp with time zone.
func ZoneToLocal(ts int64, loc *time.Location) int64 {
	if !TimestampIsFinite(ts) {
		return ts
	}
	off, _ := OffsetAt(loc, ts)
	return ts + int64(off)*usecPerSec
}

// TimestampOutOfRange is error 22008.
func TimestampOutOfRange() error {
	return pgerr.New(pgerr.DatetimeValueOutOfRange, "timestamp out of range")
}

// ZoneByName finds what AT TIME ZONE and make_timestamptz accept: an abbreviation, a full name, a POSIX
// specification; 22023 if there is none. An abbreviation is a zone of fixed offset.
func ZoneByName(name string) (*time.Location, error) {
	if a, ok := lookupAbbrev(lowerASCII(name)); ok {
		return time.FixedZone(a.Name, int(a.Offset)), nil
	}
	if l, ok := LoadZone(name); ok {
		return l, nil
	}
	return nil, pgerr.New(pgerr.InvalidParameterValue, "time zone \"%s\" not recognized", name)
}
