package functions

import (
	"math/bits"

	"gompho/types"
)

// int128 is a signed sum that billions of bigints do not overflow.
type int128 struct {
	hi int64
	lo uint64
}

func (s *int128) add(v int64) {
	lo, carry := bits.Add64(s.lo, uint64(v), 0)
	s.lo = lo
	s.hi += v>>63 + int64(carry)
}

func (s *int128) sub(v int64) {
	lo, borrow := bits.Sub64(s.lo, uint64(v), 0)
	s.lo = lo
	s.hi -= v>>63 + int64(borrow)
}

func (s *int128) addWide(t int128) {
	lo, carry := bits.Add64(s.lo, t.lo, 0)
	s.lo = lo
	s.hi += t.hi + int64(carry)
}

func (s *int128) subWide(t int128) {
	lo, borrow := bits.Sub64(s.lo, t.lo, 0)
	s.lo = lo
	s.hi -= t.hi + int64(borrow)
}

// square returns v*v; the square of a bigint needs 127 bits.
func square(v int64) int128 {
	if v < 0 {
		v = -v
	}
	hi, lo := bits.Mul64(uint64(v), uint64(v))
	return int128{int64(hi), lo}
}

func (s int128) numeric(scale int) types.Numeric { return types.NumericFromInt128(s.hi, s.lo, scale) }

// intState accumulates integers: how many and their sum.
type intState struct {
	sum int128
	n   int64
	out func(s *intState) (types.Datum, error)
}

func (s *intState) Add(args []types.Datum) error {
	if !args[0].IsNull() {
		s.sum.add(args[0].Int())
		s.n++
	}
	return nil
}

func (s *intState) Remove(args []types.Datum) (bool, error) {
	if !args[0].IsNull() {
		s.sum.sub(args[0].Int())
		s.n--
	}
	return true, nil
}

func (s *intState) AddVector(v *types.Vector, sel []int32, n int) error {
	sum, count := s.sum, s.n
	switch {
	case sel != nil && !v.HasNulls:
		for _, i := range sel {
			sum.add(int64(v.W[i]))
		}
		count += int64(len(sel))
	case sel != nil:
		for _, i := range sel {
			if !v.IsNull(int(i)) {
				sum.add(int64(v.W[i]))
				count++
			}
		}
	case !v.HasNulls:
		for _, w := range v.W[:n] {
			sum.add(int64(w))
		}
		count += int64(n)
	default:
		for i, w := range v.W[:n] {
			if !v.IsNull(i) {
				sum.add(int64(w))
				count++
			}
		}
	}
	s.sum, s.n = sum, count
	return nil
}

func (s *intState) Merge(other Accumulator) error {
	o := other.(*intState)
	s.sum.addWide(o.sum)
	s.n += o.n
	return nil
}

func (s *intState) Result() (types.Datum, error) {
	if s.n == 0 {
		return types.Null, nil
	}
	return s.out(s)
}

func (s *intState) Reset()    { s.sum, s.n = int128{}, 0 }
func (s *intState) Size() int { return 48 }

// sumBigint is the result of sum(int2) and sum(int4), a bigint; money has the same.
func sumBigint(s *intState) (types.Datum, error) {
	if s.sum.hi != int64(s.sum.lo)>>63 {
		return types.Null, width8.overflow()
	}
	return types.Int(int64(s.sum.lo)), nil
}

func sumNumeric(s *intState) (types.Datum, error) { return s.sum.numeric(0).Datum(), nil }

func avgNumeric(s *intState) (types.Datum, error) {
	r, err := s.sum.numeric(0).Div(types.NumericFromInt(s.n))
	if err != nil {
		return types.Null, err
	}
	return r.Datum(), nil
}

func intAgg(out func(*intState) (types.Datum, error)) *Aggregate {
	return &Aggregate{DistinctMatters: true, New: func(*AggCall) (Accumulator, error) { return &intState{out: out}, nil }}
}

func aggIntFamily() []Entry {
	return []Entry{
		{Name: "sum(int2)", Agg: intAgg(sumBigint)}, {Name: "sum(int4)", Agg: intAgg(sumBigint)},
		{Name: "sum(int8)", Agg: intAgg(sumNumeric)}, {Name: "sum(money)", Agg: intAgg(sumBigint)},
		{Name: "avg(int2)", Agg: intAgg(avgNumeric)}, {Name: "avg(int4)", Agg: intAgg(avgNumeric)}, {Name: "avg(int8)", Agg: intAgg(avgNumeric)},
	}
}
