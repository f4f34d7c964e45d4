package executor

import (
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

// sqlValue is CURRENT_DATE and its kin.
type sqlValue struct {
	sc     *scope
	op     query.SQLValueFunctionOp
	typmod int32
	kind   types.Kind
	result
}

// epochMicros is 2000-01-01 in microseconds since 1970.
const (
	epochSeconds = 946684800
	dayMicros    = 24 * 3600 * 1000000
)

func microsSince2000(t time.Time) int64 { return t.UnixMicro() - epochSeconds*1000000 }

// roundMicros rounds to a number of digits of a second.
func roundMicros(us int64, typmod int32) int64 {
	if typmod < 0 || typmod >= 6 {
		return us
	}
	unit := int64(1)
	for range 6 - typmod {
		unit *= 10
	}
	r := us % unit
	if r < 0 {
		r += unit
	}
	us -= r
	if r >= unit/2 {
		us += unit
	}
	return us
}

func (e *sqlValue) scalar(int) (types.Datum, error) {
	env := e.sc.ex.env.Func
	switch e.op {
	case query.CurrentRole, query.CurrentUser, query.User:
		return types.String(env.UserName(env.CurrentUser())), nil
	case query.SessionUser:
		return types.String(env.UserName(env.SessionUser())), nil
	case query.CurrentCatalog:
		_, name := env.Database()
		return types.String(name), nil
	case query.CurrentSchema:
		if path := env.SearchPath(false); len(path) > 0 {
			return types.String(path[0]), nil
		}
		return types.Null, nil
	}
	now := env.TxNow()
	local := now.In(env.TimeZone())
	_, offset := local.Zone()
	wall := microsSince2000(now) + int64(offset)*1000000
	day := floorDiv(wall, dayMicros)
	switch e.op {
	case query.CurrentDate:
		return types.Int(day), nil
	case query.CurrentTimestamp, query.CurrentTimestampN:
		return types.Int(roundMicros(microsSince2000(now), e.typmod)), nil
	case query.LocalTimestamp, query.LocalTimestampN:
		return types.Int(roundMicros(wall, e.typmod)), nil
	case query.LocalTime, query.LocalTimeN:
		return types.Int(roundMicros(wall-day*dayMicros, e.typmod)), nil
	}
	return timetz(roundMicros(wall-day*dayMicros, e.typmod), int32(-offset)), nil
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// timetz makes a time with time zone: microseconds and seconds west of Greenwich.
func timetz(us int64, zone int32) types.Datum {
	b := make([]byte, 12)
	for i := range 8 {
		b[i] = byte(us >> (8 * i))
	}
	for i := range 4 {
		b[8+i] = byte(uint32(zone) >> (8 * i))
	}
	return types.Bytes(b)
}

func (e *sqlValue) vec(sel []int32, n int) (*types.Vector, error) {
	d, err := e.scalar(0)
	if err != nil {
		return nil, err
	}
	out := e.start(e.kind, n)
	each(sel, n, func(i int) { out.Set(i, d) })
	return out, nil
}

// nextValue draws from an identity column's sequence.
type nextValue struct {
	sc  *scope
	seq ids.Oid
	typ ids.Oid
	result
}

func (e *nextValue) scalar(int) (types.Datum, error) {
	next := e.sc.ex.env.NextValue
	if next == nil {
		return types.Null, pgerr.NotSupported("identity columns are not supported here")
	}
	v, err := next(e.seq)
	if err != nil {
		return types.Null, err
	}
	switch {
	case e.typ == int2Oid && v != int64(int16(v)):
		return types.Null, outOfRange(16)
	case e.typ == int4Oid && v != int64(int32(v)):
		return types.Null, outOfRange(32)
	}
	return types.Int(v), nil
}

func (e *nextValue) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(types.WordKind, n), sel, n)
}

func noParam(n int) error {
	return pgerr.New(pgerr.UndefinedObject, "no value found for parameter %d", n)
}
