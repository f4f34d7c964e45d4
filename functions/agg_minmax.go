package functions

import (
	"gompho/internal/ids"
	"gompho/types"
)

// minMaxState keeps the least or the greatest value so far; it owns the bytes of the value.
type minMaxState struct {
	cmp    func(a, b types.Datum) int
	sign   int  // 1 for max, -1 for min
	signed bool // values are words that order as signed integers
	has    bool
	val    types.Datum
	buf    []byte
}

func (s *minMaxState) add(d types.Datum) {
	if s.has {
		if s.cmp(d, s.val)*s.sign <= 0 {
			return
		}
	}
	s.has = true
	if d.IsBytes() {
		s.buf = append(s.buf[:0], d.Bytes()...)
		d = types.Bytes(s.buf)
	}
	s.val = d
}

func (s *minMaxState) Add(args []types.Datum) error {
	if !args[0].IsNull() {
		s.add(args[0])
	}
	return nil
}

func (s *minMaxState) AddVector(v *types.Vector, sel []int32, n int) error {
	if !s.signed || v.HasNulls || n == 0 || sel != nil && len(sel) == 0 {
		return addRows(v, sel, n, func(d types.Datum) error {
			s.add(d)
			return nil
		})
	}
	var best int64
	switch {
	case sel != nil && s.sign > 0:
		best = int64(v.W[sel[0]])
		for _, i := range sel {
			best = max(best, int64(v.W[i]))
		}
	case sel != nil:
		best = int64(v.W[sel[0]])
		for _, i := range sel {
			best = min(best, int64(v.W[i]))
		}
	case s.sign > 0:
		best = int64(v.W[0])
		for _, w := range v.W[:n] {
			best = max(best, int64(w))
		}
	default:
		best = int64(v.W[0])
		for _, w := range v.W[:n] {
			best = min(best, int64(w))
		}
	}
	s.add(types.Int(best))
	return nil
}

func (s *minMaxState) Merge(other Accumulator) error {
	if o := other.(*minMaxState); o.has {
		s.add(o.val)
	}
	return nil
}

func (s *minMaxState) Result() (types.Datum, error) {
	if !s.has {
		return types.Null, nil
	}
	return s.val.Clone(), nil
}

func (s *minMaxState) Reset()    { s.has, s.val = false, types.Null }
func (s *minMaxState) Size() int { return 96 + cap(s.buf) }

// minMaxTypes are the types that have min and max, as pg_type names them.
var minMaxTypes = [...]struct {
	name string
	oid  ids.Oid
}{
	{"int2", types.Int2Oid}, {"int4", types.Int4Oid}, {"int8", types.Int8Oid}, {"float4", types.Float4Oid}, {"float8", types.Float8Oid},
	{"numeric", types.NumericOid}, {"text", types.TextOid}, {"bpchar", types.BPCharOid}, {"oid", types.OidOid}, {"tid", types.TIDOid},
	{"date", types.DateOid}, {"time", types.TimeOid}, {"timetz", types.TimetzOid}, {"timestamp", types.TimestampOid},
	{"timestamptz", types.TimestamptzOid}, {"interval", types.IntervalOid}, {"pg_lsn", types.PgLsnOid}, {"xid8", types.Xid8Oid},
	{"inet", types.InetOid},
	{"anyenum", types.AnyEnumOid}, {"anyarray", types.AnyArrayOid},
}

func newMinMax(oid ids.Oid, sign int) func(c *AggCall) (Accumulator, error) {
	signed := false
	switch oid {
	case types.Int2Oid, types.Int4Oid, types.Int8Oid, types.DateOid, types.TimeOid, types.TimestampOid, types.TimestamptzOid:
		signed = true
	}
	return func(c *AggCall) (Accumulator, error) {
		t := types.Builtin(oid)
		switch {
		case oid == types.AnyEnumOid:
			if len(c.ArgTypes) > 0 && c.ArgTypes[0] != nil && c.ArgTypes[0].Underlying().Enum != nil {
				e := c.ArgTypes[0].Underlying().Enum
				return &minMaxState{sign: sign, cmp: func(a, b types.Datum) int {
					return cmpWords[int64](types.Int(int64(e.Position(a.Oid()))), types.Int(int64(e.Position(b.Oid()))))
				}}, nil
			}
			fallthrough
		case oid == types.AnyArrayOid:
			if len(c.ArgTypes) > 0 && c.ArgTypes[0] != nil {
				t = c.ArgTypes[0]
			}
		}
		f, err := comparerOf(t, c.Collation)
		if err != nil {
			return nil, err
		}
		return &minMaxState{sign: sign, cmp: f, signed: signed}, nil
	}
}

// aggMinMaxFamily lists min and max.
func aggMinMaxFamily() []Entry {
	var fs []Entry
	for _, t := range minMaxTypes {
		fs = append(fs,
			Entry{Name: "max(" + t.name + ")", Agg: &Aggregate{New: newMinMax(t.oid, 1)}},
			Entry{Name: "min(" + t.name + ")", Agg: &Aggregate{New: newMinMax(t.oid, -1)}})
	}
	return fs
}
