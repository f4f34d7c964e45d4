package functions

import (
	"math"
	"slices"

	"gompho/internal/pgerr"
	"gompho/types"
)

// orderedState collects the values of WITHIN GROUP and sorts them when the result is asked for.
type orderedState struct {
	room   room
	call   *AggCall
	key    OrderKey
	vals   []types.Datum // without NULLs, which these aggregates leave out
	sorted bool
	bytes  int
	out    func(s *orderedState) (types.Datum, error)
}

func newOrdered(out func(s *orderedState) (types.Datum, error)) func(c *AggCall) (Accumulator, error) {
	return func(c *AggCall) (Accumulator, error) {
		s := &orderedState{room: roomOf(c), call: c, out: out}
		if len(c.Order) > 0 {
			s.key = c.Order[0]
		}
		if s.key.Compare == nil {
			if s.key.Compare = types.Comparer(c.ArgTypes[0].Underlying(), c.Collation); s.key.Compare == nil {
				return nil, pgerr.New(pgerr.UndefinedFunction, "could not identify an ordering operator for type %s", types.FormatName(c.ArgTypes[0]))
			}
		}
		return s, nil
	}
}

func (s *orderedState) Add(args []types.Datum) error {
	if args[0].IsNull() {
		return nil
	}
	d := args[0].Clone()
	var err error
	if s.vals, err = grown(&s.room, s.vals, 1, datumSize); err != nil {
		return err
	}
	s.vals = append(s.vals, d)
	s.bytes += len(d.Bytes())
	s.sorted = false
	return nil
}

func (s *orderedState) AddVector(v *types.Vector, sel []int32, n int) error {
	return addRows(v, sel, n, func(d types.Datum) error { return s.Add([]types.Datum{d}) })
}

func (s *orderedState) Merge(other Accumulator) error {
	o := other.(*orderedState)
	var err error
	if s.vals, err = grown(&s.room, s.vals, len(o.vals), datumSize); err != nil {
		return err
	}
	s.vals = append(s.vals, o.vals...)
	s.bytes += o.bytes
	s.sorted = false
	return nil
}

func (s *orderedState) Result() (types.Datum, error) {
	if len(s.vals) == 0 {
		return types.Null, nil
	}
	if !s.sorted {
		cmp := s.key.Compare
		slices.SortStableFunc(s.vals, func(a, b types.Datum) int {
			if s.key.Desc {
				return cmp(b, a)
			}
			return cmp(a, b)
		})
		s.sorted = true
	}
	return s.out(s)
}

func (s *orderedState) Reset()    { s.vals, s.bytes, s.sorted = s.vals[:0], 0, false }
func (s *orderedState) Size() int { return 96 + 16*cap(s.vals) + s.bytes }

func (s *orderedState) mode() (types.Datum, error) {
	best, bestCount := s.vals[0], 0
	for i := 0; i < len(s.vals); {
		j := i + 1
		for j < len(s.vals) && s.key.Compare(s.vals[i], s.vals[j]) == 0 {
			j++
		}
		if j-i > bestCount {
			best, bestCount = s.vals[i], j-i
		}
		i = j
	}
	return best, nil
}

// fractions gives the direct argument: one fraction or an array of them.
func (s *orderedState) fractions(one func(p float64) (types.Datum, error)) (types.Datum, error) {
	if len(s.call.Direct) == 0 || s.call.Direct[0].IsNull() {
		return types.Null, nil
	}
	check := func(p float64) error {
		if p < 0 || p > 1 || p != p {
			return pgerr.New(pgerr.NumericValueOutOfRange, "percentile value %g is not between 0 and 1", p)
		}
		return nil
	}
	if len(s.call.DirectTypes) == 0 || !s.call.DirectTypes[0].Underlying().IsArray {
		p := s.call.Direct[0].Float()
		if err := check(p); err != nil {
			return types.Null, err
		}
		return one(p)
	}
	a := types.DecodeArray(s.call.Direct[0], types.Builtin(types.Float8Oid))
	elem := s.resultElem()
	r := types.Array{Elem: elem.Oid, Dims: a.Dims, Lbounds: a.Lbounds}
	for _, d := range a.Elems {
		v := types.Null
		if !d.IsNull() {
			if err := check(d.Float()); err != nil {
				return types.Null, err
			}
			var err error
			if v, err = one(d.Float()); err != nil {
				return types.Null, err
			}
		}
		r.Elems = append(r.Elems, v)
	}
	return r.Encode(elem), nil
}

func (s *orderedState) resultElem() *types.Type {
	if t := s.call.RetType; t != nil && t.Underlying().ElemType != nil {
		return t.Underlying().ElemType
	}
	return s.call.ArgTypes[0]
}

func (s *orderedState) disc() (types.Datum, error) {
	return s.fractions(func(p float64) (types.Datum, error) {
		i := int(math.Ceil(p * float64(len(s.vals))))
		return s.vals[max(i, 1)-1], nil
	})
}

// cont interpolates between the two values around the fraction.
func (s *orderedState) cont(between func(a, b types.Datum, f float64) (types.Datum, error)) (types.Datum, error) {
	return s.fractions(func(p float64) (types.Datum, error) {
		at := p * float64(len(s.vals)-1)
		lo, hi := int(math.Floor(at)), int(math.Ceil(at))
		if lo == hi {
			return s.vals[lo], nil
		}
		return between(s.vals[lo], s.vals[hi], at-float64(lo))
	})
}

func betweenFloats(a, b types.Datum, f float64) (types.Datum, error) {
	return types.Float(a.Float() + f*(b.Float()-a.Float())), nil
}

func betweenIntervals(a, b types.Datum, f float64) (types.Datum, error) {
	lo, hi := types.IntervalOf(a), types.IntervalOf(b)
	d, err := hi.Sub(lo)
	if err == nil {
		d, err = d.Mul(f)
	}
	if err == nil {
		d, err = lo.Add(d)
	}
	if err != nil {
		return types.Null, err
	}
	return d.Datum(), nil
}

// rankState is a hypothetical-set aggregate: where the direct arguments would stand among the rows.
type rankState struct {
	call          *AggCall
	before, equal int64
	n             int64
	distinct      map[string]struct{} // for dense_rank: rows before, each value once
	out           func(s *rankState) types.Datum
	dense         bool
}

func (s *rankState) Add(args []types.Datum) error {
	c := 0
	for i, k := range s.call.Order {
		if i >= len(args) || i >= len(s.call.Direct) {
			break
		}
		if c = compareKey(k, args[i], s.call.Direct[i]); c != 0 {
			break
		}
	}
	s.n++
	switch {
	case c < 0:
		s.before++
		if s.dense {
			s.remember(args)
		}
	case c == 0:
		s.equal++
	}
	return nil
}

// remember notes a row by its values' bytes.
func (s *rankState) remember(args []types.Datum) {
	if s.distinct == nil {
		s.distinct = map[string]struct{}{}
	}
	r := types.Record{}
	for i, a := range args {
		if i < len(s.call.Order) {
			r.Types, r.Vals = append(r.Types, 0), append(r.Vals, a)
		}
	}
	s.distinct[r.Encode().Str()] = struct{}{}
}

// compareKey orders two values by a sort key.
func compareKey(k OrderKey, a, b types.Datum) int {
	switch {
	case a.IsNull() && b.IsNull():
		return 0
	case a.IsNull():
		if k.NullsFirst {
			return -1
		}
		return 1
	case b.IsNull():
		if k.NullsFirst {
			return 1
		}
		return -1
	}
	if k.Desc {
		return k.Compare(b, a)
	}
	return k.Compare(a, b)
}

func (s *rankState) AddVector(v *types.Vector, sel []int32, n int) error {
	return eachRow(sel, n, func(i int) error { return s.Add([]types.Datum{v.Get(i)}) })
}

func (s *rankState) Merge(other Accumulator) error {
	o := other.(*rankState)
	s.before, s.equal, s.n = s.before+o.before, s.equal+o.equal, s.n+o.n
	for k := range o.distinct {
		if s.distinct == nil {
			s.distinct = map[string]struct{}{}
		}
		s.distinct[k] = struct{}{}
	}
	return nil
}

func (s *rankState) Result() (types.Datum, error) { return s.out(s), nil }
func (s *rankState) Reset()                       { s.before, s.equal, s.n, s.distinct = 0, 0, 0, nil }
func (s *rankState) Size() int                    { return 96 + 64*len(s.distinct) }

func aggOrderedFamily() []Entry {
	ordered := func(name string, out func(s *orderedState) (types.Datum, error)) Entry {
		return Entry{Name: name, Agg: &Aggregate{Ordered: true, DistinctMatters: true, New: newOrdered(out)}}
	}
	floats := func(s *orderedState) (types.Datum, error) { return s.cont(betweenFloats) }
	intervals := func(s *orderedState) (types.Datum, error) { return s.cont(betweenIntervals) }
	rank := func(name string, dense bool, out func(s *rankState) types.Datum) Entry {
		return Entry{Name: name + "(any)", Agg: &Aggregate{Ordered: true, DistinctMatters: true, New: func(c *AggCall) (Accumulator, error) {
			return &rankState{call: c, out: out, dense: dense}, nil
		}}}
	}
	return []Entry{
		ordered("mode(anyelement)", (*orderedState).mode),
		ordered("percentile_disc(float8,anyelement)", (*orderedState).disc), ordered("percentile_disc(_float8,anyelement)", (*orderedState).disc),
		ordered("percentile_cont(float8,float8)", floats), ordered("percentile_cont(_float8,float8)", floats),
		ordered("percentile_cont(float8,interval)", intervals), ordered("percentile_cont(_float8,interval)", intervals),
		rank("rank", false, func(s *rankState) types.Datum { return types.Int(s.before + 1) }),
		rank("dense_rank", true, func(s *rankState) types.Datum { return types.Int(int64(len(s.distinct)) + 1) }),
		rank("percent_rank", false, func(s *rankState) types.Datum {
			if s.n == 0 {
				return types.Float(0)
			}
			return types.Float(float64(s.before) / float64(s.n))
		}),
		rank("cume_dist", false, func(s *rankState) types.Datum {
			return types.Float(float64(s.before+s.equal+1) / float64(s.n+1))
		}),
	}
}
