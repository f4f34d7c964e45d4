package functions

import (
	"math"

	"gompho/internal/pgerr"
	"gompho/types"
)

func floatOverflow() error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: overflow")
}

// sumFloatState is sum over floats; float4 sums are rounded to 32 bits at each step, as adding them does.
type sumFloatState struct {
	sum   float64
	has   bool
	short bool
}

func (s *sumFloatState) add(x float64) error {
	if !s.has {
		s.sum, s.has = x, true
		return nil
	}
	t := s.sum + x
	if s.short {
		t = float64(float32(t))
	}
	if math.IsInf(t, 0) && !math.IsInf(s.sum, 0) && !math.IsInf(x, 0) {
		return floatOverflow()
	}
	s.sum = t
	return nil
}

func (s *sumFloatState) Add(args []types.Datum) error {
	if args[0].IsNull() {
		return nil
	}
	return s.add(args[0].Float())
}

func (s *sumFloatState) AddVector(v *types.Vector, sel []int32, n int) error {
	if v.HasNulls || sel != nil {
		return addRows(v, sel, n, func(d types.Datum) error { return s.add(d.Float()) })
	}
	for _, w := range v.W[:n] {
		if err := s.add(math.Float64frombits(w)); err != nil {
			return err
		}
	}
	return nil
}

func (s *sumFloatState) Merge(other Accumulator) error {
	if o := other.(*sumFloatState); o.has {
		return s.add(o.sum)
	}
	return nil
}

func (s *sumFloatState) Result() (types.Datum, error) {
	if !s.has {
		return types.Null, nil
	}
	return types.Float(s.sum), nil
}

func (s *sumFloatState) Reset()    { *s = sumFloatState{short: s.short} }
func (s *sumFloatState) Size() int { return 24 }

// momentsState is count, sum and sum of squared deviations of floats, by the method of Youngs and Cramer, which
// loses no precision to large means.
type momentsState struct {
	n, sx, sxx float64
	result     func(s *momentsState) (float64, bool)
}

func (s *momentsState) add(x float64) error {
	sx := s.sx
	s.n++
	s.sx += x
	if s.n == 1 {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			s.sxx = math.NaN()
		}
		return nil
	}
	t := x*s.n - s.sx
	s.sxx += t * t / (s.n * (s.n - 1))
	if math.IsInf(s.sx, 0) || math.IsInf(s.sxx, 0) {
		if !math.IsInf(sx, 0) && !math.IsInf(x, 0) {
			return floatOverflow()
		}
		s.sxx = math.NaN()
	}
	return nil
}

func (s *momentsState) Add(args []types.Datum) error {
	if args[0].IsNull() {
		return nil
	}
	return s.add(args[0].Float())
}

func (s *momentsState) AddVector(v *types.Vector, sel []int32, n int) error {
	if v.HasNulls || sel != nil {
		return addRows(v, sel, n, func(d types.Datum) error { return s.add(d.Float()) })
	}
	for _, w := range v.W[:n] {
		if err := s.add(math.Float64frombits(w)); err != nil {
			return err
		}
	}
	return nil
}

func (s *momentsState) Merge(other Accumulator) error {
	o := other.(*momentsState)
	switch {
	case o.n == 0:
		return nil
	case s.n == 0:
		s.n, s.sx, s.sxx = o.n, o.sx, o.sxx
		return nil
	}
	t := s.sx/s.n - o.sx/o.n
	sx, sxx := s.sx, s.sxx
	s.sxx += o.sxx + s.n*o.n*t*t/(s.n+o.n)
	s.n += o.n
	s.sx += o.sx
	if newInf(s.sx, sx, o.sx) || newInf(s.sxx, sxx, o.sxx) {
		return floatOverflow()
	}
	return nil
}

// newInf reports whether a result is infinite though neither operand is.
func newInf(result, a, b float64) bool {
	return math.IsInf(result, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0)
}

func (s *momentsState) Result() (types.Datum, error) {
	f, ok := s.result(s)
	if !ok {
		return types.Null, nil
	}
	return types.Float(f), nil
}

func (s *momentsState) Reset()    { *s = momentsState{result: s.result} }
func (s *momentsState) Size() int { return 40 }

func meanOf(s *momentsState) (float64, bool)    { return s.sx / s.n, s.n > 0 }
func varPop(s *momentsState) (float64, bool)    { return s.sxx / s.n, s.n > 0 }
func varSamp(s *momentsState) (float64, bool)   { return s.sxx / (s.n - 1), s.n > 1 }
func stddevPop(s *momentsState) (float64, bool) { return math.Sqrt(s.sxx / s.n), s.n > 0 }
func stddevSamp(s *momentsState) (float64, bool) {
	return math.Sqrt(s.sxx / (s.n - 1)), s.n > 1
}

// regrState is the state of the aggregates over pairs: arguments are Y, X.
type regrState struct {
	n, sx, sxx, sy, syy, sxy float64
	result                   func(s *regrState) (types.Datum, error)
}

func (s *regrState) Add(args []types.Datum) error {
	if args[0].IsNull() || args[1].IsNull() {
		return nil
	}
	y, x := args[0].Float(), args[1].Float()
	sx, sy := s.sx, s.sy
	s.n++
	s.sx += x
	s.sy += y
	if s.n == 1 {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			s.sxx, s.sxy = math.NaN(), math.NaN()
		}
		if math.IsNaN(y) || math.IsInf(y, 0) {
			s.syy, s.sxy = math.NaN(), math.NaN()
		}
		return nil
	}
	tx, ty := x*s.n-s.sx, y*s.n-s.sy
	scale := 1 / (s.n * (s.n - 1))
	s.sxx += tx * tx * scale
	s.syy += ty * ty * scale
	s.sxy += tx * ty * scale
	if math.IsInf(s.sx, 0) || math.IsInf(s.sxx, 0) || math.IsInf(s.sy, 0) || math.IsInf(s.syy, 0) || math.IsInf(s.sxy, 0) {
		return s.infinite(x, y, sx, sy)
	}
	return nil
}

// infinite tells an overflow from infinities in the input, which make sums of squares NaN.
func (s *regrState) infinite(x, y, sx, sy float64) error {
	infX, infY := math.IsInf(sx, 0) || math.IsInf(x, 0), math.IsInf(sy, 0) || math.IsInf(y, 0)
	if ((math.IsInf(s.sx, 0) || math.IsInf(s.sxx, 0)) && !infX) || ((math.IsInf(s.sy, 0) || math.IsInf(s.syy, 0)) && !infY) ||
		(math.IsInf(s.sxy, 0) && !infX && !infY) {
		return floatOverflow()
	}
	if math.IsInf(s.sxx, 0) {
		s.sxx = math.NaN()
	}
	if math.IsInf(s.syy, 0) {
		s.syy = math.NaN()
	}
	if math.IsInf(s.sxy, 0) {
		s.sxy = math.NaN()
	}
	return nil
}

func (s *regrState) AddVector(*types.Vector, []int32, int) error {
	return pgerr.Internal("the aggregate takes two arguments")
}

func (s *regrState) Merge(other Accumulator) error {
	o := other.(*regrState)
	switch {
	case o.n == 0:
		return nil
	case s.n == 0:
		f := s.result
		*s = *o
		s.result = f
		return nil
	}
	tx, ty, n := s.sx/s.n-o.sx/o.n, s.sy/s.n-o.sy/o.n, s.n+o.n
	s.sxx += o.sxx + s.n*o.n*tx*tx/n
	s.syy += o.syy + s.n*o.n*ty*ty/n
	s.sxy += o.sxy + s.n*o.n*tx*ty/n
	s.n, s.sx, s.sy = n, s.sx+o.sx, s.sy+o.sy
	return nil
}

func (s *regrState) Result() (types.Datum, error) { return s.result(s) }
func (s *regrState) Reset()                       { *s = regrState{result: s.result} }
func (s *regrState) Size() int                    { return 64 }

func regrFloat(min float64, f func(s *regrState) (float64, bool)) func(s *regrState) (types.Datum, error) {
	return func(s *regrState) (types.Datum, error) {
		if s.n < min {
			return types.Null, nil
		}
		v, ok := f(s)
		if !ok {
			return types.Null, nil
		}
		return types.Float(v), nil
	}
}

func regrR2(s *regrState) (float64, bool) {
	if s.syy == 0 {
		return 1, s.sxx != 0
	}
	return s.sxy * s.sxy / (s.sxx * s.syy), s.sxx != 0
}

// aggFloatFamily lists the aggregates over float4, float8 and pairs of float8.
func aggFloatFamily() []Entry {
	var fs []Entry
	moments := func(f func(*momentsState) (float64, bool)) *Aggregate {
		return &Aggregate{DistinctMatters: true, New: func(*AggCall) (Accumulator, error) { return &momentsState{result: f}, nil }}
	}
	for _, t := range []string{"float4", "float8"} {
		short := t == "float4"
		fs = append(fs,
			Entry{Name: "sum(" + t + ")", Agg: &Aggregate{DistinctMatters: true,
				New: func(*AggCall) (Accumulator, error) { return &sumFloatState{short: short}, nil }}},
			Entry{Name: "avg(" + t + ")", Agg: moments(meanOf)},
			Entry{Name: "var_pop(" + t + ")", Agg: moments(varPop)}, Entry{Name: "var_samp(" + t + ")", Agg: moments(varSamp)},
			Entry{Name: "variance(" + t + ")", Agg: moments(varSamp)}, Entry{Name: "stddev(" + t + ")", Agg: moments(stddevSamp)},
			Entry{Name: "stddev_pop(" + t + ")", Agg: moments(stddevPop)}, Entry{Name: "stddev_samp(" + t + ")", Agg: moments(stddevSamp)})
	}
	for name, f := range map[string]func(*regrState) (types.Datum, error){
		"regr_count":     func(s *regrState) (types.Datum, error) { return types.Int(int64(s.n)), nil },
		"regr_sxx":       regrFloat(1, func(s *regrState) (float64, bool) { return s.sxx, true }),
		"regr_syy":       regrFloat(1, func(s *regrState) (float64, bool) { return s.syy, true }),
		"regr_sxy":       regrFloat(1, func(s *regrState) (float64, bool) { return s.sxy, true }),
		"regr_avgx":      regrFloat(1, func(s *regrState) (float64, bool) { return s.sx / s.n, true }),
		"regr_avgy":      regrFloat(1, func(s *regrState) (float64, bool) { return s.sy / s.n, true }),
		"regr_r2":        regrFloat(1, regrR2),
		"regr_slope":     regrFloat(1, func(s *regrState) (float64, bool) { return s.sxy / s.sxx, s.sxx != 0 }),
		"regr_intercept": regrFloat(1, func(s *regrState) (float64, bool) { return (s.sy - s.sx*s.sxy/s.sxx) / s.n, s.sxx != 0 }),
		"covar_pop":      regrFloat(1, func(s *regrState) (float64, bool) { return s.sxy / s.n, true }),
		"covar_samp":     regrFloat(2, func(s *regrState) (float64, bool) { return s.sxy / (s.n - 1), true }),
		"corr": regrFloat(1, func(s *regrState) (float64, bool) {
			return s.sxy / math.Sqrt(s.sxx*s.syy), s.sxx != 0 && s.syy != 0
		}),
	} {
		fs = append(fs, Entry{Name: name + "(float8,float8)", Agg: &Aggregate{DistinctMatters: true,
			New: func(*AggCall) (Accumulator, error) { return &regrState{result: f}, nil }}})
	}
	return fs
}
