package functions

import "gompho/types"

// intervalState is sum and avg over intervals.
type intervalState struct {
	sum types.Interval
	n   int64
	avg bool
}

func (s *intervalState) Add(args []types.Datum) error {
	if args[0].IsNull() {
		return nil
	}
	v, err := s.sum.Add(types.IntervalOf(args[0]))
	if err != nil {
		return err
	}
	s.sum = v
	s.n++
	return nil
}

func (s *intervalState) AddVector(v *types.Vector, sel []int32, n int) error {
	return addRows(v, sel, n, func(d types.Datum) error { return s.Add([]types.Datum{d}) })
}

func (s *intervalState) Merge(other Accumulator) error {
	o := other.(*intervalState)
	v, err := s.sum.Add(o.sum)
	s.sum = v
	s.n += o.n
	return err
}

func (s *intervalState) Result() (types.Datum, error) {
	if s.n == 0 {
		return types.Null, nil
	}
	v, err := s.sum, error(nil)
	if s.avg {
		v, err = v.Div(float64(s.n))
	}
	if err != nil {
		return types.Null, err
	}
	return v.Datum(), nil
}

func (s *intervalState) Reset()    { s.sum, s.n = types.Interval{}, 0 }
func (s *intervalState) Size() int { return 40 }

func aggIntervalFamily() []Entry {
	iv := func(avg bool) *Aggregate {
		return &Aggregate{DistinctMatters: true, New: func(*AggCall) (Accumulator, error) { return &intervalState{avg: avg}, nil }}
	}
	return []Entry{{Name: "sum(interval)", Agg: iv(false)}, {Name: "avg(interval)", Agg: iv(true)}}
}
