package functions

import (
	"strings"

	"gompho/internal/pgerr"
	"gompho/types"
)

func indexOf(s, sep string) int { return strings.Index(s, sep) }

// Subscripting of arrays, for the executor's array references.

// ArrayElement returns the element at the subscripts, NULL when they are outside the array or not as many as
// its dimensions.
func ArrayElement(d types.Datum, elem *types.Type, subs []int32) types.Datum {
	_, dims, lbounds := types.ArrayDims(d)
	i, ok := offsetOf(dims, lbounds, subs)
	if !ok {
		return types.Null
	}
	it := types.IterateArray(d, elem)
	for {
		e, more := it.Next()
		if !more {
			return types.Null
		}
		if i == 0 {
			return e
		}
		i--
	}
}

func offsetOf(dims, lbounds, subs []int32) (int, bool) {
	if len(dims) == 0 || len(subs) != len(dims) {
		return 0, false
	}
	at := 0
	for k, s := range subs {
		i := int64(s) - int64(lbounds[k])
		if i < 0 || i >= int64(dims[k]) {
			return 0, false
		}
		at = at*int(dims[k]) + int(i)
	}
	return at, true
}

// ArraySlice returns the part of an array between bounds; a nil bound is the array's own. The result has lower
// bounds 1; it is empty when the bounds are outside.
func ArraySlice(d types.Datum, elem *types.Type, lower, upper []*int32) types.Datum {
	a := types.DecodeArray(d, elem)
	empty := types.Array{Elem: elem.Oid}
	if len(a.Dims) == 0 || len(lower) > len(a.Dims) {
		return empty.Encode(elem)
	}
	n := len(a.Dims)
	from, size := make([]int, n), make([]int32, n)
	for k := range n {
		lo, hi := int64(a.Lbounds[k]), int64(a.Lbounds[k])+int64(a.Dims[k])-1
		if k < len(lower) {
			if lower[k] != nil {
				lo = max(lo, int64(*lower[k]))
			}
			if upper[k] != nil {
				hi = min(hi, int64(*upper[k]))
			}
		}
		if hi < lo {
			return empty.Encode(elem)
		}
		from[k], size[k] = int(lo-int64(a.Lbounds[k])), int32(hi-lo+1)
	}
	r := types.Array{Elem: elem.Oid, Dims: size, Lbounds: make([]int32, n)}
	for k := range r.Lbounds {
		r.Lbounds[k] = 1
	}
	copyBox(&r, a.Elems, a.Dims, from, size, 0, 0)
	return r.Encode(elem)
}

// copyBox appends the elements of a box inside an array, dimension by dimension.
func copyBox(r *types.Array, elems []types.Datum, dims []int32, from []int, size []int32, k, base int) {
	for i := 0; i < int(size[k]); i++ {
		at := base*int(dims[k]) + from[k] + i
		if k == len(dims)-1 {
			r.Elems = append(r.Elems, elems[at])
		} else {
			copyBox(r, elems, dims, from, size, k+1, at)
		}
	}
}

// ArrayAssign returns the array with one element changed; a NULL array counts as empty. A one-dimensional array
// grows to take in the subscript, the gap filled with NULLs.
func ArrayAssign(d types.Datum, elem *types.Type, subs []int32, v types.Datum) (types.Datum, error) {
	var a types.Array
	if !d.IsNull() {
		a = types.DecodeArray(d, elem)
	}
	a.Elem = elem.Oid
	if len(a.Dims) == 0 {
		a.Dims, a.Lbounds = make([]int32, len(subs)), append([]int32(nil), subs...)
		for k := range a.Dims {
			a.Dims[k] = 1
		}
		if _, err := types.CheckArraySize(a.Dims, a.Lbounds); err != nil {
			return types.Null, err
		}
		a.Elems = []types.Datum{v}
		return a.Encode(elem), nil
	}
	if len(subs) != len(a.Dims) {
		return types.Null, pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts")
	}
	if at, ok := offsetOf(a.Dims, a.Lbounds, subs); ok {
		a.Elems[at] = v
		return a.Encode(elem), nil
	}
	if len(a.Dims) > 1 {
		return types.Null, pgerr.New(pgerr.ArraySubscriptError, "array subscript out of range")
	}
	lo, hi := int64(a.Lbounds[0]), int64(a.Lbounds[0])+int64(a.Dims[0])-1
	s := int64(subs[0])
	if max(hi, s)-min(lo, s)+1 > types.MaxArraySize {
		return types.Null, pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", types.MaxArraySize)
	}
	for ; lo > s; lo-- {
		a.Elems = append([]types.Datum{types.Null}, a.Elems...)
	}
	for ; hi < s; hi++ {
		a.Elems = append(a.Elems, types.Null)
	}
	a.Elems[s-lo] = v
	a.Dims[0], a.Lbounds[0] = int32(hi-lo+1), int32(lo)
	return a.Encode(elem), nil
}

// ArrayAssignSlice returns the array with the elements between bounds replaced by those of src.
func ArrayAssignSlice(d types.Datum, elem *types.Type, lower, upper []*int32, src types.Datum) (types.Datum, error) {
	var a types.Array
	if !d.IsNull() {
		a = types.DecodeArray(d, elem)
	}
	a.Elem = elem.Oid
	s := types.DecodeArray(src, elem)
	if len(a.Dims) > 1 || len(lower) > 1 {
		return types.Null, pgerr.NotSupported("assignment to a slice of a multidimensional array is not supported")
	}
	lo, hi := int64(1), int64(0)
	if len(a.Dims) > 0 {
		lo, hi = int64(a.Lbounds[0]), int64(a.Lbounds[0])+int64(a.Dims[0])-1
	}
	from, to := lo, hi
	if lower[0] != nil {
		from = int64(*lower[0])
	}
	switch {
	case upper[0] != nil:
		to = int64(*upper[0])
	case len(a.Dims) == 0:
		return types.Null, pgerr.New(pgerr.ArraySubscriptError, "array slice subscript must provide both boundaries").
			WithDetail("When assigning to a slice of an empty array value, slice boundaries must be fully specified.")
	}
	if from > to {
		if from == to+1 {
			return d, nil
		}
		return types.Null, pgerr.New(pgerr.ArraySubscriptError, "upper bound cannot be less than lower bound")
	}
	if int64(len(s.Elems)) < to-from+1 {
		return types.Null, pgerr.New(pgerr.ArraySubscriptError, "source array too small")
	}
	out := types.Null
	if !d.IsNull() {
		out = d
	}
	for i := from; i <= to; i++ {
		var err error
		if out, err = ArrayAssign(out, elem, []int32{int32(i)}, s.Elems[i-from]); err != nil {
			return types.Null, err
		}
	}
	return out, nil
}
