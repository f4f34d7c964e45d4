package functions

import "gompho/types"

// foldState is an aggregate over words: the fold of a binary operation over the values that are not NULL.
type foldState struct {
	op  func(a, b uint64) uint64
	has bool
	val uint64
}

func (s *foldState) add(w uint64) {
	if s.has {
		w = s.op(s.val, w)
	}
	s.val, s.has = w, true
}

func (s *foldState) Add(args []types.Datum) error {
	if !args[0].IsNull() {
		s.add(args[0].Word())
	}
	return nil
}

func (s *foldState) AddVector(v *types.Vector, sel []int32, n int) error {
	return addRows(v, sel, n, func(d types.Datum) error {
		s.add(d.Word())
		return nil
	})
}

func (s *foldState) Merge(other Accumulator) error {
	if o := other.(*foldState); o.has {
		s.add(o.val)
	}
	return nil
}

func (s *foldState) Result() (types.Datum, error) {
	if !s.has {
		return types.Null, nil
	}
	return types.Word(s.val), nil
}

func (s *foldState) Reset()    { s.has = false }
func (s *foldState) Size() int { return 32 }

// aggLogicFamily lists bool_and, bool_or, every and the bit aggregates over integers.
func aggLogicFamily() []Entry {
	fold := func(op func(a, b uint64) uint64, distinct bool) *Aggregate {
		return &Aggregate{DistinctMatters: distinct, New: func(*AggCall) (Accumulator, error) { return &foldState{op: op}, nil }}
	}
	and := func(a, b uint64) uint64 { return a & b }
	or := func(a, b uint64) uint64 { return a | b }
	xor := func(a, b uint64) uint64 { return a ^ b }
	fs := []Entry{
		{Name: "bool_and(bool)", Agg: fold(and, false)}, {Name: "every(bool)", Agg: fold(and, false)},
		{Name: "bool_or(bool)", Agg: fold(or, false)},
	}
	for _, t := range []string{"int2", "int4", "int8"} {
		fs = append(fs, Entry{Name: "bit_and(" + t + ")", Agg: fold(and, false)}, Entry{Name: "bit_or(" + t + ")", Agg: fold(or, false)},
			Entry{Name: "bit_xor(" + t + ")", Agg: fold(xor, true)})
	}
	return fs
}
