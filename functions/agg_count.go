package functions

import "gompho/types"

// countState is count(*) and count(x).
type countState struct {
	n    int64
	star bool
}

func (s *countState) Add(args []types.Datum) error {
	if s.star || !args[0].IsNull() {
		s.n++
	}
	return nil
}

func (s *countState) AddVector(v *types.Vector, sel []int32, n int) error {
	if sel != nil {
		n = len(sel)
	}
	s.n += int64(n)
	if s.star || v == nil || !v.HasNulls {
		return nil
	}
	if sel != nil {
		for _, i := range sel {
			if v.IsNull(int(i)) {
				s.n--
			}
		}
		return nil
	}
	for i := range n {
		if v.IsNull(i) {
			s.n--
		}
	}
	return nil
}

func (s *countState) Remove(args []types.Datum) (bool, error) {
	if s.star || !args[0].IsNull() {
		s.n--
	}
	return true, nil
}

func (s *countState) Merge(other Accumulator) error {
	s.n += other.(*countState).n
	return nil
}

func (s *countState) Result() (types.Datum, error) { return types.Int(s.n), nil }
func (s *countState) Reset()                       { s.n = 0 }
func (s *countState) Size() int                    { return 24 }

func aggCountFamily() []Entry {
	return []Entry{
		{Name: "count()", Agg: &Aggregate{Star: true, DistinctMatters: true,
			New: func(*AggCall) (Accumulator, error) { return &countState{star: true}, nil }}},
		{Name: "count(any)", Agg: &Aggregate{DistinctMatters: true,
			New: func(*AggCall) (Accumulator, error) { return &countState{}, nil }}},
	}
}

// addRows gives the rows of a vector that are not NULL to add, one by one.
func addRows(v *types.Vector, sel []int32, n int, add func(d types.Datum) error) error {
	if sel != nil {
		for _, i := range sel {
			if d := v.Get(int(i)); !d.IsNull() {
				if err := add(d); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for i := range n {
		if d := v.Get(i); !d.IsNull() {
			if err := add(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachRow calls f for the rows of a selection.
func eachRow(sel []int32, n int, f func(i int) error) error {
	if sel != nil {
		for _, i := range sel {
			if err := f(int(i)); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range n {
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}
