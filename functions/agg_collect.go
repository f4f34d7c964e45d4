package functions

import (
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/types"
)

// stringAggState is string_agg over text or bytea.
type stringAggState struct {
	room  room
	has   bool
	delim []byte // the delimiter before the first value, which appears only when states are merged
	buf   []byte
}

func (s *stringAggState) Add(args []types.Datum) error {
	if args[0].IsNull() {
		return nil
	}
	v := args[0].Bytes()
	var d []byte
	if !args[1].IsNull() {
		d = args[1].Bytes()
	}
	if len(s.buf)+len(v)+len(d) > maxTextSize {
		return tooLong()
	}
	var err error
	if s.buf, err = grown(&s.room, s.buf, len(v)+len(d), 1); err != nil {
		return err
	}
	if s.has {
		s.buf = append(s.buf, d...)
	} else {
		s.delim = append(s.delim[:0], d...)
	}
	s.has = true
	s.buf = append(s.buf, v...)
	return nil
}

// maxTextSize is the largest byte string, in bytes.
const maxTextSize = 0x3fffffff

func tooLong() error { return pgerr.New(pgerr.ProgramLimitExceeded, "requested length too large") }

func (s *stringAggState) AddVector(*types.Vector, []int32, int) error {
	return pgerr.Internal("string_agg takes two arguments")
}

func (s *stringAggState) Merge(other Accumulator) error {
	o := other.(*stringAggState)
	if !o.has {
		return nil
	}
	return s.Add([]types.Datum{types.Bytes(o.buf), types.Bytes(o.delim)})
}

func (s *stringAggState) Result() (types.Datum, error) {
	if !s.has {
		return types.Null, nil
	}
	return types.Bytes(s.buf).Clone(), nil
}

func (s *stringAggState) Reset()    { s.has, s.buf, s.delim = false, s.buf[:0], s.delim[:0] }
func (s *stringAggState) Size() int { return 80 + cap(s.buf) + cap(s.delim) }

// room asks for the memory of states that grow, before it is taken: while one is copied, it is there twice.
type room struct{ slot *stats.Slot }

func roomOf(c *AggCall) room {
	if c.Env == nil {
		return room{}
	}
	return room{c.Env.Slot()}
}

// grown returns list with room for n more elements of size bytes each.
func grown[T any](r *room, list []T, n, size int) ([]T, error) {
	if len(list)+n <= cap(list) || (len(list)+n)*size <= largeValue {
		return list, nil
	}
	want := max(cap(list)+cap(list)/4, len(list)+n)
	if err := r.slot.Account().Afford(int64(want)*int64(size), "the state of an aggregate function"); err != nil {
		return list, err
	}
	out := make([]T, 0, want)
	for len(list) > 0 { // in pieces: the collector of garbage waits for the end of a copy
		n := min(len(list), partLen)
		out, list = append(out, list[:n]...), list[n:]
	}
	return out, nil
}

// collected is a growing list of values with memory of its own. Full parts stay where they are: a list in one piece would be there twice while it grows, and copying millions of pointers holds
// up the collector of garbage.
type collected struct {
	mem  Memory
	full [][]types.Datum // of partLen each
	vals []types.Datum   // the last part
	size int
}

// partLen is how many values a part has.
const partLen = 1 << 16

func (c *collected) add(d types.Datum) {
	if len(c.vals) == partLen {
		c.full = append(c.full, c.vals)
		c.vals = make([]types.Datum, 0, partLen)
	}
	if d.IsBytes() {
		b := c.mem.Alloc(len(d.Bytes()))
		copy(b, d.Bytes())
		c.size += len(b)
		d = types.Bytes(b)
	}
	c.vals = append(c.vals, d)
}

// parts returns the values.
func (c *collected) parts() [][]types.Datum { return append(c.full[:len(c.full):len(c.full)], c.vals) }

// count returns how many there are.
func (c *collected) count() int { return len(c.full)*partLen + len(c.vals) }

func (c *collected) addVector(v *types.Vector, sel []int32, n int) {
	if sel != nil {
		for _, i := range sel {
			c.add(v.Get(int(i)))
		}
		return
	}
	for i := range n {
		c.add(v.Get(i))
	}
}

// addAll adds values one after the other.
func (c *collected) addAll(parts ...[]types.Datum) {
	for _, p := range parts {
		for _, d := range p {
			c.add(d)
		}
	}
}

func (c *collected) reset() { c.mem.Reset(); c.full, c.vals, c.size = nil, c.vals[:0], 0 }
func (c *collected) bytes() int {
	return c.size + datumSize*(len(c.full)*partLen+cap(c.vals))
}

// arrayAggState is array_agg over values that are not arrays.
type arrayAggState struct {
	elem *types.Type
	collected
}

func (s *arrayAggState) Add(args []types.Datum) error {
	s.add(args[0])
	return nil
}

func (s *arrayAggState) AddVector(v *types.Vector, sel []int32, n int) error {
	s.addVector(v, sel, n)
	return nil
}

func (s *arrayAggState) Merge(other Accumulator) error {
	s.addAll(other.(*arrayAggState).parts()...)
	return nil
}

func (s *arrayAggState) Result() (types.Datum, error) {
	n := s.count()
	if n == 0 {
		return types.Null, nil
	}
	if n > types.MaxArraySize {
		return types.Null, arrayTooLarge()
	}
	a := types.Array{Elem: s.elem.Oid, Dims: []int32{int32(n)}, Lbounds: []int32{1}}
	return a.EncodeParts(s.elem, s.parts()), nil
}

func (s *arrayAggState) Reset()    { s.reset() }
func (s *arrayAggState) Size() int { return 128 + s.bytes() }

func arrayTooLarge() error {
	return pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", types.MaxArraySize)
}

// arrayArrayAggState is array_agg over arrays, which gives an array of one dimension more.
type arrayArrayAggState struct {
	elem *types.Type
	dims []int32
	lbs  []int32
	n    int32
	collected
}

func (s *arrayArrayAggState) Add(args []types.Datum) error {
	if args[0].IsNull() {
		return pgerr.New(pgerr.NullValueNotAllowed, "cannot accumulate null arrays")
	}
	a := types.DecodeArray(args[0], s.elem)
	return s.addArray(a.Dims, a.Lbounds, [][]types.Datum{a.Elems}, 1)
}

func (s *arrayArrayAggState) addArray(dims, lbs []int32, parts [][]types.Datum, n int32) error {
	if s.n == 0 {
		if len(dims) == 0 {
			return pgerr.New(pgerr.ArraySubscriptError, "cannot accumulate empty arrays")
		}
		if len(dims)+1 > types.MaxArrayDims {
			return pgerr.New(pgerr.ProgramLimitExceeded, "number of array dimensions (%d) exceeds the maximum allowed (%d)", len(dims)+1, types.MaxArrayDims)
		}
		s.dims = append(s.dims[:0], dims...)
		s.lbs = append(s.lbs[:0], lbs...)
	} else {
		same := len(dims) == len(s.dims)
		for i := 0; same && i < len(dims); i++ {
			same = dims[i] == s.dims[i] && lbs[i] == s.lbs[i]
		}
		if !same {
			return pgerr.New(pgerr.ArraySubscriptError, "cannot accumulate arrays of different dimensionality")
		}
	}
	s.n += n
	s.addAll(parts...)
	return nil
}

func (s *arrayArrayAggState) AddVector(v *types.Vector, sel []int32, n int) error {
	add := func(i int) error { return s.Add([]types.Datum{v.Get(i)}) }
	if sel != nil {
		for _, i := range sel {
			if err := add(int(i)); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range n {
		if err := add(i); err != nil {
			return err
		}
	}
	return nil
}

func (s *arrayArrayAggState) Merge(other Accumulator) error {
	o := other.(*arrayArrayAggState)
	if o.n == 0 {
		return nil
	}
	return s.addArray(o.dims, o.lbs, o.parts(), o.n)
}

func (s *arrayArrayAggState) Result() (types.Datum, error) {
	if s.n == 0 {
		return types.Null, nil
	}
	a := types.Array{Elem: s.elem.Oid,
		Dims: append([]int32{s.n}, s.dims...), Lbounds: append([]int32{1}, s.lbs...)}
	if _, err := types.CheckArraySize(a.Dims, a.Lbounds); err != nil {
		return types.Null, err
	}
	return a.EncodeParts(s.elem, s.parts()), nil
}

func (s *arrayArrayAggState) Reset()    { s.reset(); s.n = 0 }
func (s *arrayArrayAggState) Size() int { return 160 + s.bytes() }

func newArrayAgg(c *AggCall) (Accumulator, error) {
	if len(c.ArgTypes) == 0 || c.ArgTypes[0] == nil {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "could not determine input data type")
	}
	t := c.ArgTypes[0]
	if c.RetType != nil && c.RetType.ElemType != nil {
		t = c.RetType.ElemType
	}
	return &arrayAggState{elem: t}, nil
}

func newArrayArrayAgg(c *AggCall) (Accumulator, error) {
	if len(c.ArgTypes) == 0 || c.ArgTypes[0] == nil || c.ArgTypes[0].Underlying().ElemType == nil {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "could not determine input data type")
	}
	return &arrayArrayAggState{elem: c.ArgTypes[0].Underlying().ElemType}, nil
}

// aggCollectFamily lists string_agg and array_agg.
func aggCollectFamily() []Entry {
	str := &Aggregate{OrderMatters: true, DistinctMatters: true,
		New: func(c *AggCall) (Accumulator, error) { return &stringAggState{room: roomOf(c)}, nil }}
	return []Entry{
		{Name: "string_agg(text,text)", Agg: str}, {Name: "string_agg(bytea,bytea)", Agg: str},
		{Name: "array_agg(anynonarray)", Agg: &Aggregate{New: newArrayAgg, OrderMatters: true, DistinctMatters: true}},
		{Name: "array_agg(anyarray)", Agg: &Aggregate{New: newArrayArrayAgg, OrderMatters: true, DistinctMatters: true}},
	}
}
