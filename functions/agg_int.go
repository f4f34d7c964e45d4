package functions

import "gompho/types"

// sumIntState is sum(int2) and sum(int4), whose result is a bigint.
type sumIntState struct {
	sum int64
	n   int64
}

func (s *sumIntState) add(v int64) error {
	t, ok := addInt(s.sum, v)
	if !ok {
		return width8.overflow()
	}
	s.sum = t
	s.n++
	return nil
}

func (s *sumIntState) Add(args []types.Datum) error {
	if args[0].IsNull() {
		return nil
	}
	return s.add(args[0].Int())
}

func (s *sumIntState) AddVector(v *types.Vector, sel []int32, n int) error {
	if v.HasNulls {
		return addRows(v, sel, n, func(d types.Datum) error { return s.add(d.Int()) })
	}
	// Two million rows of 32 bits cannot overflow a partial sum of 64.
	var part int64
	if sel != nil {
		for _, i := range sel {
			part += int64(v.W[i])
		}
		n = len(sel)
	} else {
		for _, w := range v.W[:n] {
			part += int64(w)
		}
	}
	t, ok := addInt(s.sum, part)
	if !ok {
		return width8.overflow()
	}
	s.sum = t
	s.n += int64(n)
	return nil
}

func (s *sumIntState) Remove(args []types.Datum) (bool, error) {
	if !args[0].IsNull() {
		s.sum -= args[0].Int()
		s.n--
	}
	return true, nil
}

func (s *sumIntState) Merge(other Accumulator) error {
	o := other.(*sumIntState)
	t, ok := addInt(s.sum, o.sum)
	if !ok {
		return width8.overflow()
	}
	s.sum = t
	s.n += o.n
	return nil
}

func (s *sumIntState) Result() (types.Datum, error) {
	if s.n == 0 {
		return types.Null, nil
	}
	return types.Int(s.sum), nil
}

func (s *sumIntState) Reset()    { *s = sumIntState{} }
func (s *sumIntState) Size() int { return 32 }

func aggIntFamily() []Entry {
	newSum := func(*AggCall) (Accumulator, error) { return &sumIntState{}, nil }
	return []Entry{
		{Name: "sum(int2)", Agg: &Aggregate{New: newSum, DistinctMatters: true}},
		{Name: "sum(int4)", Agg: &Aggregate{New: newSum, DistinctMatters: true}},
	}
}
