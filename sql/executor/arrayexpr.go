package executor

import (
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/types"
)

// scalarArray is x op ANY (array) or x op ALL (array).
type scalarArray struct {
	scalarArg, arrayArg expr
	useOr               bool
	strict              bool
	elem                *types.Type
	spec                cmpSpec // when known
	known               bool
	fn                  *caller // else

	// what the last array was, when it is the same for all rows
	cached  types.Datum
	have    bool
	elems   []types.Datum
	hasNull bool
	long    bool                // the elements are not listed
	words   map[uint64]struct{} // of many elements under =
	strs    map[string]struct{}
	slot    *stats.Slot
	result
}

// manyElems is the number of elements from which on a hash table is made of them.
const manyElems = 9

// endlessElems is the number of elements from which on they are looked at where they lie, not listed.
const endlessElems = 1 << 20

func (e *scalarArray) scalar(row int) (types.Datum, error) {
	x, err := e.scalarArg.scalar(row)
	if err != nil {
		return types.Null, err
	}
	arr, err := e.arrayArg.scalar(row)
	if err != nil || arr.IsNull() {
		return types.Null, err
	}
	if !e.have || e.cached != arr {
		if err := e.load(arr); err != nil {
			return types.Null, err
		}
	}
	return e.decide(x)
}

func (e *scalarArray) load(arr types.Datum) error {
	e.cached, e.have = arr, isConst(e.arrayArg)
	e.elems, e.hasNull, e.words, e.strs = e.elems[:0], false, nil, nil
	it := types.IterateArray(arr, e.elem)
	if e.long = it.Len() >= endlessElems; e.long {
		return nil
	}
	for d, ok := it.Next(); ok; d, ok = it.Next() {
		e.hasNull = e.hasNull || d.IsNull()
		e.elems = append(e.elems, d)
	}
	if e.have && e.known && e.spec.op == opEq && e.useOr && len(e.elems) >= manyElems && e.spec.repr != reprFloat {
		e.index()
	}
	return e.slot.CheckInterrupts()
}

func (e *scalarArray) index() {
	if e.spec.repr == reprBytes {
		e.strs = make(map[string]struct{}, len(e.elems))
	} else {
		e.words = make(map[uint64]struct{}, len(e.elems))
	}
	for _, d := range e.elems {
		switch {
		case d.IsNull():
		case e.strs != nil:
			e.strs[d.Str()] = struct{}{}
		default:
			e.words[d.Word()] = struct{}{}
		}
	}
}

func (e *scalarArray) decide(x types.Datum) (types.Datum, error) {
	if len(e.elems) == 0 && !e.long {
		return types.Bool(!e.useOr), nil
	}
	if x.IsNull() && e.strict {
		return types.Null, nil
	}
	if e.words != nil || e.strs != nil {
		return e.probe(x), nil
	}
	null := false
	if e.long {
		it, pace := types.IterateArray(e.cached, e.elem), types.PaceFor(e.slot)
		for d, ok := it.Next(); ok; d, ok = it.Next() {
			decided, err := e.one(x, d, &null)
			if err == nil && !decided {
				err = pace.Step(types.ElementStep)
			}
			if err != nil || decided {
				return types.Bool(e.useOr), err
			}
		}
	}
	for _, d := range e.elems {
		if decided, err := e.one(x, d, &null); err != nil || decided {
			return types.Bool(e.useOr), err
		}
	}
	if null {
		return types.Null, nil
	}
	return types.Bool(!e.useOr), nil
}

// one compares x with an element; decided: the result does not depend on others. Sets null when it is neither true nor false.
func (e *scalarArray) one(x, d types.Datum, null *bool) (decided bool, err error) {
	if e.strict && d.IsNull() {
		*null = true
		return false, nil
	}
	if e.known {
		return truth[e.spec.op][e.spec.repr.cmpDatums(x, d)+1] == e.useOr, nil
	}
	r, err := e.fn.do(x, d)
	if err != nil {
		return false, err
	}
	if r.IsNull() {
		*null = true
		return false, nil
	}
	return r.Bool() == e.useOr, nil
}

func (e *scalarArray) probe(x types.Datum) types.Datum {
	var ok bool
	if e.strs != nil {
		_, ok = e.strs[x.Str()]
	} else {
		_, ok = e.words[x.Word()]
	}
	if !ok && e.hasNull {
		return types.Null
	}
	return types.Bool(ok)
}

func (e *scalarArray) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(types.WordKind, n), sel, n)
}

// arrayExpr is ARRAY[...].
type arrayExpr struct {
	elems []expr
	elem  *types.Type
	multi bool // the elements are arrays
	vals  []types.Datum
	result
}

func (e *arrayExpr) scalar(row int) (types.Datum, error) {
	vals := e.vals[:0]
	for _, x := range e.elems {
		d, err := x.scalar(row)
		if err != nil {
			return types.Null, err
		}
		vals = append(vals, d)
	}
	e.vals = vals
	if e.multi {
		return joinArrays(vals, e.elem)
	}
	return types.NewArray(e.elem.Oid, vals).Encode(e.elem), nil
}

// joinArrays makes one array of arrays of equal dimensions.
func joinArrays(vals []types.Datum, elem *types.Type) (types.Datum, error) {
	out := types.Array{Elem: elem.Oid}
	n := 0
	for _, v := range vals {
		if v.IsNull() {
			continue
		}
		a := types.DecodeArray(v, elem)
		if len(a.Dims) == 0 {
			continue
		}
		if n == 0 {
			if len(a.Dims)+1 > types.MaxArrayDims {
				return types.Null, pgerr.New(pgerr.ProgramLimitExceeded,
					"number of array dimensions (%d) exceeds the maximum allowed (%d)", len(a.Dims)+1, types.MaxArrayDims)
			}
			out.Dims, out.Lbounds = append([]int32{0}, a.Dims...), append([]int32{1}, a.Lbounds...)
		} else if !sameDims(out.Dims[1:], a.Dims) || !sameDims(out.Lbounds[1:], a.Lbounds) {
			return types.Null, badDims()
		}
		n++
		out.Elems = append(out.Elems, a.Elems...)
	}
	if n > 0 {
		if n != len(vals) {
			return types.Null, badDims()
		}
		out.Dims[0] = int32(n)
	}
	return out.Encode(elem), nil
}

func badDims() error {
	return pgerr.New(pgerr.ArraySubscriptError,
		"multidimensional arrays must have array expressions with matching dimensions")
}

func sameDims(a, b []int32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (e *arrayExpr) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(types.BytesKind, n), sel, n)
}

// arrayCoerce converts the elements of an array.
type arrayCoerce struct {
	sc       *scope
	arg      expr
	elemExpr expr
	from, to *types.Type // element types
	result
}

func (e *arrayCoerce) scalar(row int) (types.Datum, error) {
	d, err := e.arg.scalar(row)
	if err != nil || d.IsNull() {
		return types.Null, err
	}
	a := types.DecodeArray(d, e.from)
	old, oldVec := e.sc.caseVal, e.sc.caseVec
	e.sc.caseVec = nil
	defer func() { e.sc.caseVal, e.sc.caseVec = old, oldVec }()
	for i, x := range a.Elems {
		e.sc.caseVal = x
		if a.Elems[i], err = e.elemExpr.scalar(row); err != nil {
			return types.Null, err
		}
	}
	a.Elem = e.to.Oid
	return a.Encode(e.to), nil
}

func (e *arrayCoerce) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(types.BytesKind, n), sel, n)
}

// subscript reads or writes an element or slice of an array.
type subscript struct {
	sc           *scope
	ref          expr
	upper, lower []expr // lower nil for element access; entries nil for omitted bounds
	assign       expr   // nil when reading
	container    *types.Type
	elem         *types.Type
	kind         types.Kind
	up, lo       []int32
	result
}

// nameByte is one byte of a name, counted from 0, as "char".
type nameByte struct {
	ref expr
	at  []expr
	result
}

func (e *nameByte) scalar(row int) (types.Datum, error) {
	name, err := e.ref.scalar(row)
	if err != nil || name.IsNull() {
		return types.Null, err
	}
	var at types.Datum
	for _, x := range e.at {
		if at, err = x.scalar(row); err != nil || at.IsNull() {
			return types.Null, err
		}
	}
	i, s := at.Int(), name.Str()
	switch {
	case len(e.at) != 1 || i < 0 || i >= 64:
		return types.Null, nil
	case i >= int64(len(s)): // a name is padded with zeros
		return types.Int(0), nil
	}
	return types.Word(uint64(s[i])), nil
}

func (e *nameByte) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(types.WordKind, n), sel, n)
}

// bounds evaluates subscripts. null: one of them is NULL.
func (e *subscript) bounds(row int) (null bool, err error) {
	e.up, e.lo = e.up[:0], e.lo[:0]
	for i, x := range e.upper {
		v, isNull, err := e.bound(x, row)
		if err != nil || isNull {
			return isNull, err
		}
		e.up = append(e.up, v)
		if e.lower == nil {
			continue
		}
		if v, isNull, err = e.bound(e.lower[i], row); err != nil || isNull {
			return isNull, err
		}
		e.lo = append(e.lo, v)
	}
	return false, nil
}

func (e *subscript) bound(x expr, row int) (v int32, null bool, err error) {
	if x == nil {
		return 0, false, nil
	}
	d, err := x.scalar(row)
	if err != nil || d.IsNull() {
		return 0, err == nil, err
	}
	return int32(d.Int()), false, nil
}

func (e *subscript) scalar(row int) (types.Datum, error) {
	arr, err := e.ref.scalar(row)
	if err != nil {
		return types.Null, err
	}
	if e.assign != nil {
		return e.store(arr, row)
	}
	if arr.IsNull() {
		return types.Null, nil
	}
	null, err := e.bounds(row)
	if err != nil || null {
		return types.Null, err
	}
	if e.lower != nil {
		return e.slice(arr), nil
	}
	return e.element(arr), nil
}

func (e *subscript) element(arr types.Datum) types.Datum {
	_, dims, lb := types.ArrayDims(arr)
	if len(dims) != len(e.up) {
		return types.Null
	}
	at := 0
	for i, s := range e.up {
		if s < lb[i] || s >= lb[i]+dims[i] {
			return types.Null
		}
		at = at*int(dims[i]) + int(s-lb[i])
	}
	it := types.IterateArray(arr, e.elem)
	for range at {
		it.Next()
	}
	d, _ := it.Next()
	return d
}

// sliceRange returns the bounds of dimension i of a slice, clipped to the array.
func (e *subscript) sliceRange(i int, dims, lb []int32) (lo, hi int32) {
	lo, hi = lb[i], lb[i]+dims[i]-1
	if i >= len(e.upper) {
		return lo, hi
	}
	if e.upper[i] != nil {
		hi = min(hi, e.up[i])
	}
	if e.lower[i] != nil {
		lo = max(lo, e.lo[i])
	}
	return lo, hi
}

func (e *subscript) slice(d types.Datum) types.Datum {
	a := types.DecodeArray(d, e.elem)
	out := types.Array{Elem: a.Elem}
	if len(a.Dims) < len(e.up) || len(a.Dims) == 0 {
		return out.Encode(e.elem)
	}
	los := make([]int32, len(a.Dims))
	for i := range a.Dims {
		lo, hi := e.sliceRange(i, a.Dims, a.Lbounds)
		if lo > hi {
			return types.Array{Elem: a.Elem}.Encode(e.elem)
		}
		los[i] = lo - a.Lbounds[i]
		out.Dims = append(out.Dims, hi-lo+1)
		out.Lbounds = append(out.Lbounds, 1)
	}
	eachCell(out.Dims, func(pos []int32) {
		out.Elems = append(out.Elems, a.Elems[cellOf(pos, los, a.Dims)])
	})
	return out.Encode(e.elem)
}

// eachCell calls f with every position in an array of these dimensions, in row-major order.
func eachCell(dims []int32, f func(pos []int32)) {
	pos := make([]int32, len(dims))
	for {
		f(pos)
		i := len(pos) - 1
		for ; i >= 0; i-- {
			if pos[i]++; pos[i] < dims[i] {
				break
			}
			pos[i] = 0
		}
		if i < 0 {
			return
		}
	}
}

func cellOf(pos, add, dims []int32) int {
	at := 0
	for i := range dims {
		at = at*int(dims[i]) + int(pos[i]+add[i])
	}
	return at
}

// store returns the array with the element or slice replaced.
func (e *subscript) store(arr types.Datum, row int) (types.Datum, error) {
	null, err := e.bounds(row)
	if err != nil {
		return types.Null, err
	}
	if null {
		return types.Null, pgerr.New(pgerr.NullValueNotAllowed, "array subscript in assignment must not be null")
	}
	a := types.Array{Elem: e.elem.Oid}
	if !arr.IsNull() {
		a = types.DecodeArray(arr, e.elem)
	}
	old, oldVec := e.sc.caseVal, e.sc.caseVec
	e.sc.caseVal, e.sc.caseVec = arr, nil
	val, err := e.assign.scalar(row)
	e.sc.caseVal, e.sc.caseVec = old, oldVec
	if err != nil {
		return types.Null, err
	}
	if e.lower != nil {
		return e.storeSlice(arr, a, val)
	}
	if len(a.Dims) > 1 || len(e.up) > 1 {
		return e.storeDeep(a, val)
	}
	return e.storeElement(a, e.up[0], e.up[0], []types.Datum{val})
}

func (e *subscript) storeDeep(a types.Array, val types.Datum) (types.Datum, error) {
	if len(a.Dims) == 0 {
		a.Lbounds = append([]int32(nil), e.up...)
		for range e.up {
			a.Dims = append(a.Dims, 1)
		}
		a.Elems = []types.Datum{val}
		return a.Encode(e.elem), nil
	}
	if len(a.Dims) != len(e.up) {
		return types.Null, pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts")
	}
	at := 0
	for i, s := range e.up {
		if s < a.Lbounds[i] || s >= a.Lbounds[i]+a.Dims[i] {
			return types.Null, pgerr.New(pgerr.ArraySubscriptError, "array subscript out of range")
		}
		at = at*int(a.Dims[i]) + int(s-a.Lbounds[i])
	}
	a.Elems[at] = val
	return a.Encode(e.elem), nil
}

// storeElement replaces the elements lo..hi of a one-dimensional array, which grows as needed.
func (e *subscript) storeElement(a types.Array, lo, hi int32, vals []types.Datum) (types.Datum, error) {
	if len(a.Dims) == 0 {
		a.Dims, a.Lbounds = []int32{0}, []int32{lo}
	}
	first, last := min(a.Lbounds[0], lo), max(a.Lbounds[0]+a.Dims[0]-1, hi)
	if int64(last)-int64(first)+1 > types.MaxArraySize {
		return types.Null, pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", types.MaxArraySize)
	}
	elems := make([]types.Datum, last-first+1)
	for i := range elems {
		elems[i] = types.Null
	}
	copy(elems[a.Lbounds[0]-first:], a.Elems)
	copy(elems[lo-first:], vals)
	a.Elems, a.Lbounds[0], a.Dims[0] = elems, first, int32(len(elems))
	return a.Encode(e.elem), nil
}

func (e *subscript) storeSlice(arr types.Datum, a types.Array, val types.Datum) (types.Datum, error) {
	if val.IsNull() {
		return arr, nil
	}
	src := types.DecodeArray(val, e.elem)
	if len(e.up) != 1 || len(a.Dims) > 1 {
		return types.Null, pgerr.NotSupported("assignment to slices of multidimensional arrays is not supported")
	}
	if len(a.Dims) == 0 && (e.upper[0] == nil || e.lower[0] == nil) {
		return types.Null, pgerr.New(pgerr.ArraySubscriptError, "array slice subscript must provide both boundaries").
			WithDetail("When assigning to a slice of an empty array value, slice boundaries must be fully specified.")
	}
	var lo, hi int32
	if len(a.Dims) > 0 {
		lo, hi = a.Lbounds[0], a.Lbounds[0]+a.Dims[0]-1
	}
	if e.upper[0] != nil {
		hi = e.up[0]
	}
	if e.lower[0] != nil {
		lo = e.lo[0]
	}
	if lo > hi {
		return types.Null, pgerr.New(pgerr.ArraySubscriptError, "upper bound cannot be less than lower bound")
	}
	n := int(hi - lo + 1)
	if len(src.Elems) < n {
		return types.Null, pgerr.New(pgerr.ArraySubscriptError, "source array too small")
	}
	return e.storeElement(a, lo, hi, src.Elems[:n])
}

func (e *subscript) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(e.kind, n), sel, n)
}
