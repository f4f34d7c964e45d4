package functions

import (
	"math/bits"

	"gompho/types"
)

// decimalSum adds numerics: in 128 bits at the largest scale seen while that holds them, else exactly at length.
type decimalSum struct {
	sum   int128
	scale int
	wide  types.Numeric // what did not fit; added at the end
	isBig bool
}

var powersOfTen = func() (t [19]int64) {
	t[0] = 1
	for i := 1; i < len(t); i++ {
		t[i] = t[i-1] * 10
	}
	return t
}()

func (s *decimalSum) add(n types.Numeric) error {
	coef, scale, ok := n.Small()
	if ok && scale != s.scale {
		coef, ok = s.align(coef, scale)
	}
	// The sum stays below 2^126, so that adding one more cannot overflow.
	if ok && s.sum.hi < 1<<62 && s.sum.hi > -(1<<62) {
		s.sum.add(coef)
		return nil
	}
	var err error
	if !s.isBig {
		s.isBig, s.wide = true, types.NumericFromInt(0)
	}
	s.wide, err = s.wide.Add(n)
	return err
}

// align brings a coefficient, or the sum, to the other's scale.
func (s *decimalSum) align(coef int64, scale int) (int64, bool) {
	if scale < s.scale {
		if s.scale-scale >= len(powersOfTen) {
			return 0, false
		}
		return mulInt(coef, powersOfTen[s.scale-scale])
	}
	d := scale - s.scale
	if d >= len(powersOfTen) {
		return 0, false
	}
	neg := s.sum.hi < 0
	t := s.sum
	if neg {
		t = int128{}
		t.subWide(s.sum)
	}
	p := uint64(powersOfTen[d])
	h1, l1 := bits.Mul64(t.lo, p)
	h2, l2 := bits.Mul64(uint64(t.hi), p)
	h, carry := bits.Add64(h1, l2, 0)
	if h2 != 0 || carry != 0 || h >= 1<<62 {
		return 0, false
	}
	t = int128{int64(h), l1}
	if neg {
		z := int128{}
		z.subWide(t)
		t = z
	}
	s.sum, s.scale = t, scale
	return coef, true
}

func (s *decimalSum) value() (types.Numeric, error) {
	n := s.sum.numeric(s.scale)
	if s.isBig {
		return n.Add(s.wide)
	}
	return n, nil
}

// numericState accumulates numerics; squares are kept for variances only.
type numericState struct {
	sum, squares        decimalSum
	n, nan, inf, negInf int64
	maxScale            int
	withSquares         bool
	out                 func(s *numericState) (types.Numeric, bool, error)
	fromInt             bool
}

func (s *numericState) take(n types.Numeric) error {
	s.n++
	switch {
	case n.IsNaN():
		s.nan++
		return nil
	case n.IsInf() && n.Sign() < 0:
		s.negInf++
		return nil
	case n.IsInf():
		s.inf++
		return nil
	}
	s.maxScale = max(s.maxScale, n.Scale())
	if err := s.sum.add(n); err != nil {
		return err
	}
	if s.withSquares {
		q, err := n.Mul(n)
		if err != nil {
			return err
		}
		return s.squares.add(q)
	}
	return nil
}

func (s *numericState) add(d types.Datum) error {
	if s.fromInt {
		return s.take(types.NumericFromInt(d.Int()))
	}
	return s.take(types.NumericOf(d))
}

func (s *numericState) Add(args []types.Datum) error {
	if args[0].IsNull() {
		return nil
	}
	return s.add(args[0])
}

func (s *numericState) AddVector(v *types.Vector, sel []int32, n int) error {
	return addRows(v, sel, n, s.add)
}

func (s *numericState) Merge(other Accumulator) error {
	o := other.(*numericState)
	for _, p := range []struct{ to, from *decimalSum }{{&s.sum, &o.sum}, {&s.squares, &o.squares}} {
		v, err := p.from.value()
		if err == nil {
			err = p.to.add(v)
		}
		if err != nil {
			return err
		}
	}
	s.n, s.nan, s.inf, s.negInf = s.n+o.n, s.nan+o.nan, s.inf+o.inf, s.negInf+o.negInf
	s.maxScale = max(s.maxScale, o.maxScale)
	return nil
}

func (s *numericState) Result() (types.Datum, error) {
	if s.n == 0 {
		return types.Null, nil
	}
	n, null, err := s.out(s)
	if err != nil || null {
		return types.Null, err
	}
	return n.Datum(), nil
}

// special is the result when NaN or infinities came in.
func (s *numericState) special() (types.Numeric, bool) {
	switch {
	case s.nan > 0 || s.inf > 0 && s.negInf > 0:
		return types.NumericNaN, true
	case s.inf > 0:
		return types.NumericInf, true
	case s.negInf > 0:
		return types.NumericNegInf, true
	}
	return types.Numeric{}, false
}

func (s *numericState) total() (types.Numeric, error) {
	v, err := s.sum.value()
	if err == nil && v.Scale() < s.maxScale {
		v = v.Round(s.maxScale)
	}
	return v, err
}

func sumOfNumerics(s *numericState) (types.Numeric, bool, error) {
	if v, ok := s.special(); ok {
		return v, false, nil
	}
	v, err := s.total()
	return v, false, err
}

func avgOfNumerics(s *numericState) (types.Numeric, bool, error) {
	if v, ok := s.special(); ok {
		return v, false, nil
	}
	v, err := s.total()
	if err != nil {
		return v, false, err
	}
	v, err = v.Div(types.NumericFromInt(s.n))
	return v, false, err
}

// spreadOf makes var_pop, var_samp, stddev_pop and stddev_samp: exact sums, one rounded division.
func spreadOf(sample, root bool) func(s *numericState) (types.Numeric, bool, error) {
	return func(s *numericState) (types.Numeric, bool, error) {
		if sample && s.n < 2 {
			return types.Numeric{}, true, nil
		}
		if s.nan+s.inf+s.negInf > 0 {
			return types.NumericNaN, false, nil
		}
		sum, err := s.total()
		if err != nil {
			return sum, false, err
		}
		sq, err := s.squares.value()
		if err != nil {
			return sq, false, err
		}
		n := types.NumericFromInt(s.n)
		d := n
		if sample {
			d = types.NumericFromInt(s.n - 1)
		}
		a, err := sq.Mul(n)
		if err != nil {
			return a, false, err
		}
		b, err := sum.Mul(sum)
		if err != nil {
			return b, false, err
		}
		num, err := a.Sub(b)
		if err != nil || num.Sign() <= 0 {
			return types.NumericFromInt(0), false, err
		}
		den, _ := n.Mul(d)
		v, err := num.Div(den)
		if err == nil && root {
			v = v.SqrtTo(v.Scale())
		}
		return v, false, err
	}
}

func (s *numericState) Reset() {
	*s = numericState{out: s.out, withSquares: s.withSquares, fromInt: s.fromInt}
}

func (s *numericState) Size() int { return 200 }

func numericAgg(out func(*numericState) (types.Numeric, bool, error), squares, fromInt bool) *Aggregate {
	return &Aggregate{DistinctMatters: true, New: func(*AggCall) (Accumulator, error) {
		return &numericState{out: out, withSquares: squares, fromInt: fromInt}, nil
	}}
}

// spreadNames are the names of variance and standard deviation.
var spreadNames = []struct {
	name         string
	sample, root bool
}{{"var_pop", false, false}, {"var_samp", true, false}, {"variance", true, false},
	{"stddev_pop", false, true}, {"stddev_samp", true, true}, {"stddev", true, true}}

func aggNumericFamily() []Entry {
	fs := []Entry{{Name: "sum(numeric)", Agg: numericAgg(sumOfNumerics, false, false)},
		{Name: "avg(numeric)", Agg: numericAgg(avgOfNumerics, false, false)}}
	for _, v := range spreadNames {
		for _, t := range []string{"numeric", "int2", "int4", "int8"} {
			fs = append(fs, Entry{Name: v.name + "(" + t + ")", Agg: numericAgg(spreadOf(v.sample, v.root), true, t != "numeric")})
		}
	}
	return fs
}
