package functions

import "gompho/types"

func secondsInterval(sec int) types.Datum { return types.Interval{Usec: int64(sec) * 1e6}.Datum() }

// timezoneNames lists the zones with what they are at the start of the transaction.
func timezoneNames(c *Call) (RowSource, error) {
	names := types.ZoneNames()
	now := types.TimestampOfTime(c.Env.TxNow())
	return rowFunc(func(cols []types.Datum) (bool, error) {
		for len(names) > 0 {
			name := names[0]
			names = names[1:]
			loc, ok := types.LoadZone(name)
			if !ok {
				continue
			}
			off, abbrev := types.OffsetAt(loc, now)
			cols[0], cols[1], cols[2] = types.String(name), types.String(abbrev), secondsInterval(off)
			cols[3] = types.Bool(types.TimeOfTimestamp(now).In(loc).IsDST())
			return true, nil
		}
		return false, nil
	}), nil
}

func timezoneAbbrevs(*Call) (RowSource, error) {
	rest := types.ZoneAbbrevs()
	return rowFunc(func(cols []types.Datum) (bool, error) {
		if len(rest) == 0 {
			return false, nil
		}
		z := rest[0]
		rest = rest[1:]
		cols[0], cols[1], cols[2] = types.String(z.Name), secondsInterval(int(z.Offset)), types.Bool(z.IsDST)
		return true, nil
	}), nil
}

// zoneFamily lists the functions behind pg_timezone_names and pg_timezone_abbrevs.
func zoneFamily() []Entry {
	return []Entry{{Name: "pg_timezone_names", Set: timezoneNames}, {Name: "pg_timezone_abbrevs", Set: timezoneAbbrevs}}
}
