package functions

import (
	"strings"
	"unicode/utf8"

	"gompho/internal/pgerr"
	"gompho/types"
)

// arrayArg takes argument i apart; a NULL is an empty array.
func (c *Call) arrayArg(i int) (types.Array, *types.Type, error) {
	elem, err := c.elemTypeOf(i, c.Args[i])
	if err != nil {
		return types.Array{}, nil, err
	}
	if c.Args[i].IsNull() {
		return types.Array{Elem: elem.Oid}, elem, nil
	}
	a, err := c.apart(c.Args[i], elem)
	return a, elem, err
}

// apart takes an array apart, for a result of about its size.
func (c *Call) apart(d types.Datum, elem *types.Type) (types.Array, error) {
	if b := d.Bytes(); len(b) > largeValue/16 {
		n, _, _ := types.ArrayDims(d)
		if err := c.Afford(len(b) + n*2*datumSize); err != nil {
			return types.Array{}, err
		}
	}
	return types.DecodeArray(d, elem), nil
}

// arrayElemType is the element type of an array argument that may be NULL, or else of the result.
func (c *Call) arrayElemType(i int) (*types.Type, error) {
	if c.Args[i].IsNull() && (i >= len(c.ArgTypes) || c.ArgTypes[i] == nil || c.ArgTypes[i].Underlying().ElemType == nil) {
		if c.RetType != nil && c.RetType.Underlying().ElemType != nil {
			return c.RetType.Underlying().ElemType, nil
		}
		return nil, pgerr.New(pgerr.InvalidParameterValue, "could not determine input data type")
	}
	return c.elemTypeOf(i, c.Args[i])
}

func arrayDims(c *Call) (types.Datum, error) {
	_, dims, lbs := types.ArrayDims(c.Args[0])
	if len(dims) == 0 {
		return types.Null, nil
	}
	return types.Bytes(types.AppendArrayBounds(nil, dims, lbs)), nil
}

func arrayNdims(c *Call) (types.Datum, error) {
	_, dims, _ := types.ArrayDims(c.Args[0])
	if len(dims) == 0 {
		return types.Null, nil
	}
	return types.Int(int64(len(dims))), nil
}

// arrayBound is array_length, array_lower and array_upper of a dimension, NULL if there is no such dimension.
func arrayBound(f func(dim, lb int32) int32) Scalar {
	return func(c *Call) (types.Datum, error) {
		_, dims, lbs := types.ArrayDims(c.Args[0])
		d := c.int(1)
		if d < 1 || d > int64(len(dims)) {
			return types.Null, nil
		}
		return types.Int(int64(f(dims[d-1], lbs[d-1]))), nil
	}
}

func cardinality(c *Call) (types.Datum, error) {
	n, _, _ := types.ArrayDims(c.Args[0])
	return types.Int(int64(n)), nil
}

// addElement puts a value before or after the elements of an array of at most one dimension.
func addElement(arrayArg, valueArg int, front bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		elem, err := c.arrayElemType(arrayArg)
		if err != nil {
			return types.Null, err
		}
		v := c.Args[valueArg]
		if c.Args[arrayArg].IsNull() {
			return types.NewArray(elem.Oid, []types.Datum{v}).Encode(elem), nil
		}
		n, dims, lbs := types.ArrayDims(c.Args[arrayArg])
		if len(dims) > 1 {
			return types.Null, pgerr.New(pgerr.DataException, "argument must be empty or one-dimensional array")
		}
		if len(dims) == 0 {
			return types.NewArray(elem.Oid, []types.Datum{v}).Encode(elem), nil
		}
		dims = []int32{dims[0] + 1}
		if _, err := types.CheckArraySize(dims, lbs); err != nil {
			return types.Null, err
		}
		out := c.buildArray(elem, n+1)
		it := types.IterateArray(c.Args[arrayArg], elem)
		if front {
			err = out.Append(v)
		}
		if err == nil {
			err = out.AppendAll(&it)
		}
		if err == nil && !front {
			err = out.Append(v)
		}
		if err != nil {
			return types.Null, err
		}
		return out.Finish(dims, lbs)
	}
}

// buildArray begins an array of about n elements.
func (c *Call) buildArray(elem *types.Type, n int) *types.ArrayBuilder {
	return types.BuildArray(c.pacer().Pace, elem, n)
}

func incompatibleArrays(detail string, args ...any) error {
	return pgerr.New(pgerr.ArraySubscriptError, "cannot concatenate incompatible arrays").WithDetail(detail, args...)
}

func arrayCat(c *Call) (types.Datum, error) {
	switch {
	case c.Args[0].IsNull():
		return c.Args[1], nil
	case c.Args[1].IsNull():
		return c.Args[0], nil
	}
	elem, err := c.elemTypeOf(0, c.Args[0])
	if err != nil {
		return types.Null, err
	}
	var a, b, out types.Array // their sizes
	_, a.Dims, a.Lbounds = types.ArrayDims(c.Args[0])
	_, b.Dims, b.Lbounds = types.ArrayDims(c.Args[1])
	switch {
	case len(a.Dims) == 0:
		return c.Args[1], nil
	case len(b.Dims) == 0:
		return c.Args[0], nil
	}
	switch n, m := len(a.Dims), len(b.Dims); {
	case n == m:
		for i := 1; i < n; i++ {
			if a.Dims[i] != b.Dims[i] || a.Lbounds[i] != b.Lbounds[i] {
				return types.Null, incompatibleArrays("Arrays with differing element dimensions are not compatible for concatenation.")
			}
		}
		out.Dims, out.Lbounds = append([]int32(nil), a.Dims...), a.Lbounds
		out.Dims[0] += b.Dims[0]
	case n == m+1 && sameDims(a.Dims[1:], b.Dims, a.Lbounds[1:], b.Lbounds):
		out.Dims, out.Lbounds = append([]int32(nil), a.Dims...), a.Lbounds
		out.Dims[0]++
	case n+1 == m && sameDims(b.Dims[1:], a.Dims, b.Lbounds[1:], a.Lbounds):
		out.Dims, out.Lbounds = append([]int32(nil), b.Dims...), b.Lbounds
		out.Dims[0]++
	case n == m+1 || n+1 == m:
		return types.Null, incompatibleArrays("Arrays with differing dimensions are not compatible for concatenation.")
	default:
		return types.Null, incompatibleArrays("Arrays of %d and %d dimensions are not compatible for concatenation.", n, m)
	}
	n, err := types.CheckArraySize(out.Dims, out.Lbounds)
	if err != nil {
		return types.Null, err
	}
	list := c.buildArray(elem, n)
	for i := range 2 {
		it := types.IterateArray(c.Args[i], elem)
		if err := list.AppendAll(&it); err != nil {
			return types.Null, err
		}
	}
	return list.Finish(out.Dims, out.Lbounds)
}

func sameDims(a, b, alb, blb []int32) bool {
	for i := range a {
		if a[i] != b[i] || alb[i] != blb[i] {
			return false
		}
	}
	return true
}

// elemOrder keeps an element type and its order between calls.
func (c *Call) elemOrder(i int) (*arrayOrder, error) {
	if o, ok := c.State.(*arrayOrder); ok {
		return o, nil
	}
	elem, err := c.arrayElemType(i)
	if err != nil {
		return nil, err
	}
	f, err := equalityOf(elem, c.Collation)
	if err != nil {
		return nil, err
	}
	o := &arrayOrder{elem, f}
	c.State = o
	return o, nil
}

// same reports whether two elements are not distinct.
func (o *arrayOrder) same(a, b types.Datum) bool {
	if a.IsNull() || b.IsNull() {
		return a.IsNull() && b.IsNull()
	}
	return o.cmp(a, b) == 0
}

func arrayPosition(c *Call) (types.Datum, error) {
	if c.null(0) {
		return types.Null, nil
	}
	o, err := c.elemOrder(0)
	if err != nil {
		return types.Null, err
	}
	_, dims, lbs := types.ArrayDims(c.Args[0])
	if len(dims) > 1 {
		return types.Null, pgerr.NotSupported("searching for elements in multidimensional arrays is not supported")
	}
	if len(dims) == 0 {
		return types.Null, nil
	}
	start := int64(lbs[0])
	if len(c.Args) > 2 {
		if c.null(2) {
			return types.Null, pgerr.New(pgerr.NullValueNotAllowed, "initial position must not be null")
		}
		start = c.int(2)
	}
	it, pace := types.IterateArray(c.Args[0], o.elem), c.pacer()
	pos := int64(lbs[0])
	for e, ok := it.Next(); ok; e, ok = it.Next() {
		if err := pace.step(elementStep); err != nil {
			return types.Null, err
		}
		if pos >= start && o.same(e, c.Args[1]) {
			return types.Int(pos), nil
		}
		pos++
	}
	return types.Null, nil
}

func arrayPositions(c *Call) (types.Datum, error) {
	if c.null(0) {
		return types.Null, nil
	}
	o, err := c.elemOrder(0)
	if err != nil {
		return types.Null, err
	}
	_, dims, lbs := types.ArrayDims(c.Args[0])
	if len(dims) > 1 {
		return types.Null, pgerr.NotSupported("searching for elements in multidimensional arrays is not supported")
	}
	found := c.buildArray(types.Builtin(types.Int4Oid), 0)
	it, pace := types.IterateArray(c.Args[0], o.elem), c.pacer()
	for i := 0; ; i++ {
		if err := pace.step(elementStep); err != nil {
			return types.Null, err
		}
		e, ok := it.Next()
		if !ok {
			break
		}
		if o.same(e, c.Args[1]) {
			if err := found.Append(types.Int(int64(lbs[0]) + int64(i))); err != nil {
				return types.Null, err
			}
		}
	}
	return found.List()
}

// arrayReplace is array_remove, with two arguments, and array_replace, with three.
func arrayReplace(c *Call) (types.Datum, error) {
	if c.null(0) {
		return types.Null, nil
	}
	o, err := c.elemOrder(0)
	if err != nil {
		return types.Null, err
	}
	n, dims, lbs := types.ArrayDims(c.Args[0])
	remove := len(c.Args) == 2
	if remove && len(dims) > 1 {
		return types.Null, pgerr.NotSupported("removing elements from multidimensional arrays is not supported")
	}
	out, it := c.buildArray(o.elem, n), types.IterateArray(c.Args[0], o.elem)
	changed := false
	pace := c.pacer()
	for e, ok := it.Next(); ok; e, ok = it.Next() {
		if err := pace.step(elementStep); err != nil {
			return types.Null, err
		}
		if o.same(e, c.Args[1]) {
			changed = true
			if remove {
				continue
			}
			e = c.Args[2]
		}
		if err := out.Append(e); err != nil {
			return types.Null, err
		}
	}
	if !changed {
		return c.Args[0], nil
	}
	if remove && out.Len() > 0 {
		dims = []int32{int32(out.Len())}
	}
	return out.Finish(dims, lbs)
}

const elementStep = types.ElementStep

// arrayContains reports whether each element of argument sub is in argument super; a NULL is in nothing.
func arrayContains(super, sub int) Scalar {
	return func(c *Call) (types.Datum, error) {
		return arraySets(c, super, sub, func(all, _ bool) bool { return all })
	}
}

func arrayOverlap(c *Call) (types.Datum, error) {
	return arraySets(c, 0, 1, func(_, any bool) bool { return any })
}

// arraySets looks up each element of argument sub in argument super and says whether all and any were found.
func arraySets(c *Call, super, sub int, result func(all, any bool) bool) (types.Datum, error) {
	if types.ArrayElemOid(c.Args[0]) != types.ArrayElemOid(c.Args[1]) {
		return types.Null, pgerr.New(pgerr.DatatypeMismatch, "cannot compare arrays of different element types")
	}
	o, err := c.elemOrder(0)
	if err != nil {
		return types.Null, err
	}
	all, any := true, false
	pace := c.pacer()
	it := types.IterateArray(c.Args[sub], o.elem)
	for e, ok := it.Next(); ok; e, ok = it.Next() {
		found := false
		if !e.IsNull() {
			in := types.IterateArray(c.Args[super], o.elem)
			for f, ok := in.Next(); ok && !found; f, ok = in.Next() {
				if err := pace.step(elementStep); err != nil {
					return types.Null, err
				}
				found = !f.IsNull() && o.cmp(e, f) == 0
			}
		}
		all = all && found
		any = any || found
	}
	return types.Bool(result(all, any)), nil
}

// intList reads an int4 array of sizes or bounds.
func intList(d types.Datum) ([]int32, bool) {
	it := types.IterateArray(d, types.Builtin(types.Int4Oid))
	var out []int32
	for e, ok := it.Next(); ok; e, ok = it.Next() {
		if e.IsNull() {
			return nil, false
		}
		out = append(out, int32(e.Int()))
	}
	return out, true
}

func arrayFill(c *Call) (types.Datum, error) {
	if c.null(1) || len(c.Args) > 2 && c.null(2) {
		return types.Null, pgerr.New(pgerr.NullValueNotAllowed, "dimension array or low bound array cannot be null")
	}
	elem, err := c.argType(0)
	if c.RetType != nil && c.RetType.ElemType != nil {
		elem, err = c.RetType.ElemType, nil
	}
	if err != nil {
		return types.Null, err
	}
	dims, ok := intList(c.Args[1])
	for i := 1; i < len(c.Args); i++ {
		if _, d, _ := types.ArrayDims(c.Args[i]); len(d) > 1 && (i == 1 || ok) {
			return types.Null, pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts").
				WithDetail("Dimension array must be one dimensional.")
		}
	}
	lbs, ok2 := make([]int32, len(dims)), true
	for i := range lbs {
		lbs[i] = 1
	}
	if len(c.Args) > 2 {
		lbs, ok2 = intList(c.Args[2])
	}
	switch {
	case !ok || !ok2:
		return types.Null, pgerr.New(pgerr.NullValueNotAllowed, "dimension values cannot be null")
	case len(lbs) != len(dims):
		return types.Null, pgerr.New(pgerr.ArraySubscriptError, "wrong number of array subscripts").
			WithDetail("Low bound array has different size than dimensions array.")
	case len(dims) > types.MaxArrayDims:
		return types.Null, pgerr.New(pgerr.ProgramLimitExceeded, "number of array dimensions (%d) exceeds the maximum allowed (%d)", len(dims), types.MaxArrayDims)
	case len(dims) == 0:
		return types.Array{Elem: elem.Oid}.Encode(elem), nil
	}
	n, err := types.CheckArraySize(dims, lbs)
	if err != nil {
		return types.Null, err
	}
	if n == 0 {
		return types.Array{Elem: elem.Oid}.Encode(elem), nil
	}
	each := 2 * datumSize
	if c.Args[0].IsBytes() {
		each += len(c.Args[0].Bytes())
	}
	if err := c.Afford(n * each); err != nil {
		return types.Null, err
	}
	list := c.buildArray(elem, n)
	for range n {
		if err := list.Append(c.Args[0]); err != nil {
			return types.Null, err
		}
	}
	return list.Finish(dims, lbs)
}

// datumSize is what a value takes in a list, in bytes.
const datumSize = 16

func trimArray(c *Call) (types.Datum, error) {
	a, elem, err := c.arrayArg(0)
	if err != nil {
		return types.Null, err
	}
	length := int64(0)
	if len(a.Dims) > 0 {
		length = int64(a.Dims[0])
	}
	n := c.int(1)
	if n < 0 || n > length {
		return types.Null, pgerr.New(pgerr.ArrayElementError, "number of elements to trim must be between 0 and %d", length)
	}
	if n == length {
		return types.Array{Elem: elem.Oid}.Encode(elem), nil
	}
	keep := length - n
	a.Elems = a.Elems[:int64(len(a.Elems))/length*keep]
	a.Dims = append([]int32{int32(keep)}, a.Dims[1:]...)
	lbs := append([]int32(nil), a.Lbounds...)
	lbs[0] = 1
	a.Lbounds = lbs
	return a.Encode(elem), nil
}

// arrayToText joins the text forms of elements; NULLs are left out unless there is a text for them.
func arrayToText(c *Call) (types.Datum, error) {
	if c.null(0) || c.null(1) {
		return types.Null, nil
	}
	elem, err := c.elemTypeOf(0, c.Args[0])
	if err != nil {
		return types.Null, err
	}
	var out []byte
	sep := c.str(1)
	it, pace := types.IterateArray(c.Args[0], elem), c.pacer()
	first := true
	for e, ok := it.Next(); ok; e, ok = it.Next() {
		if err := pace.step(elementStep); err != nil {
			return types.Null, err
		}
		if e.IsNull() && (len(c.Args) < 3 || c.null(2)) {
			continue
		}
		if !first {
			out = append(out, sep...)
		}
		first = false
		if e.IsNull() {
			out = append(out, c.str(2)...)
			continue
		}
		out = types.Output(c.Env, elem, e, out)
	}
	return types.Bytes(out), nil
}

// splitText splits argument 0 at argument 1: into characters when that is NULL, not at all when it is empty. A
// piece equal to argument 2 becomes NULL.
func splitText(c *Call) ([]types.Datum, error) {
	s := strings.Clone(c.str(0))
	if s == "" {
		return nil, nil
	}
	var parts []string
	pace := c.pacer()
	switch {
	case c.null(1):
		for len(s) > 0 {
			_, n := utf8.DecodeRuneInString(s)
			parts, s = append(parts, s[:n]), s[n:]
			if err := pace.step(partStep); err != nil {
				return nil, err
			}
		}
	case c.str(1) == "":
		parts = []string{s}
	default:
		sep := c.str(1)
		for {
			i, err := pace.index(s, sep)
			if err == nil {
				err = pace.step(partStep)
			}
			if err != nil {
				return nil, err
			}
			if i < 0 {
				break
			}
			parts, s = append(parts, s[:i]), s[i+len(sep):]
		}
		parts = append(parts, s)
	}
	out := make([]types.Datum, len(parts))
	for i, p := range parts {
		out[i] = types.String(p)
		if !c.null(2) && p == c.str(2) {
			out[i] = types.Null
		}
		if err := pace.step(partStep); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// partStep is what one part of a split text counts in a stride.
const partStep = 64

func textToArray(c *Call) (types.Datum, error) {
	if c.null(0) {
		return types.Null, nil
	}
	if s := c.str(0); len(s) > 1<<10 {
		n := len(s) // without a separator each character is an element
		if !c.null(1) {
			if sep := c.str(1); sep != "" {
				n = strings.Count(s, sep)
			} else {
				n = 1
			}
		}
		if err := c.Afford(2*len(s) + n*2*datumSize); err != nil {
			return types.Null, err
		}
	}
	parts, err := splitText(c)
	if err != nil {
		return types.Null, err
	}
	return textArray(parts), nil
}

func textToTable(c *Call) (RowSource, error) {
	if c.null(0) {
		return &rowList{}, nil
	}
	parts, err := splitText(c)
	return &rowList{vals: parts}, err
}

// widthBucketArray counts the thresholds, which are sorted, that the operand is not below.
func widthBucketArray(c *Call) (types.Datum, error) {
	elem, err := c.elemTypeOf(1, c.Args[1])
	if err != nil {
		return types.Null, err
	}
	f, err := comparerOf(elem, c.Collation)
	if err != nil {
		return types.Null, err
	}
	a, err := c.apart(c.Args[1], elem)
	if err != nil {
		return types.Null, err
	}
	if len(a.Dims) > 1 {
		return types.Null, pgerr.New(pgerr.ArraySubscriptError, "thresholds must be one-dimensional array")
	}
	for _, e := range a.Elems {
		if e.IsNull() {
			return types.Null, pgerr.New(pgerr.NullValueNotAllowed, "thresholds array must not contain NULLs")
		}
	}
	lo, hi := 0, len(a.Elems)
	for lo < hi {
		mid := (lo + hi) / 2
		if f(c.Args[0], a.Elems[mid]) < 0 {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return types.Int(int64(lo)), nil
}

// arrayFamily lists functions over arrays.
func arrayFamily() []Entry {
	return []Entry{
		{Name: "array_dims", Scalar: arrayDims}, {Name: "array_ndims", Scalar: arrayNdims}, {Name: "array_cardinality", Scalar: cardinality},
		{Name: "array_length", Scalar: arrayBound(func(d, _ int32) int32 { return d })},
		{Name: "array_lower", Scalar: arrayBound(func(_, lb int32) int32 { return lb })},
		{Name: "array_upper", Scalar: arrayBound(func(d, lb int32) int32 { return lb + d - 1 })},
		{Name: "array_append", Scalar: addElement(0, 1, false)}, {Name: "array_prepend", Scalar: addElement(1, 0, true)},
		{Name: "array_cat", Scalar: arrayCat},
		{Name: "array_position", Scalar: arrayPosition}, {Name: "array_position_start", Scalar: arrayPosition},
		{Name: "array_positions", Scalar: arrayPositions},
		{Name: "array_remove", Scalar: arrayReplace}, {Name: "array_replace", Scalar: arrayReplace},
		{Name: "arraycontains", Scalar: arrayContains(0, 1)}, {Name: "arraycontained", Scalar: arrayContains(1, 0)},
		{Name: "arrayoverlap", Scalar: arrayOverlap},
		{Name: "array_fill", Scalar: arrayFill}, {Name: "array_fill_with_lower_bounds", Scalar: arrayFill}, {Name: "trim_array", Scalar: trimArray},
		{Name: "array_to_text", Scalar: arrayToText}, {Name: "array_to_text_null", Scalar: arrayToText},
		{Name: "text_to_array", Scalar: textToArray}, {Name: "text_to_array_null", Scalar: textToArray},
		{Name: "text_to_table", Set: textToTable}, {Name: "text_to_table_null", Set: textToTable},
		{Name: "width_bucket_array", Scalar: widthBucketArray},
	}
}
