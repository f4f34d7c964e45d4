package functions

import (
	"cmp"
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// cmpFloat orders floats as indexes do: NaN equals itself and is above all else, -0 equals 0.
func cmpFloat(a, b types.Datum) int {
	x, y := a.Float(), b.Float()
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	return cmp.Compare(b2w(x != x), b2w(y != y))
}

// floatOrder is the order of floats, of either width.
type floatOrder struct{}

func (floatOrder) compare(a, b types.Datum) int { return cmpFloat(a, b) }
func (floatOrder) kernel(op cmpOp) Kernel {
	return wordKernel(func(a, b uint64) uint64 { return b2w(op.holds(cmpFloat(types.Word(a), types.Word(b)))) })
}

// builtinOrder returns the order of a built-in type, nil while the type has none.
func builtinOrder(oid ids.Oid) func(a, b types.Datum) int {
	if t := types.Builtin(oid); t != nil {
		return types.Comparer(t, 0)
	}
	return nil
}

// typeByOid finds a type by its Oid, with the help of the session for those that are not built in.
func (c *Call) typeByOid(oid ids.Oid) (*types.Type, error) {
	if t := types.Builtin(oid); t != nil {
		return t, nil
	}
	if r, ok := c.Env.(types.TypeResolver); ok {
		if t := r.TypeByOid(oid); t != nil {
			return t, nil
		}
	}
	return nil, pgerr.Internal("cache lookup failed for type %d", oid)
}

// elemTypeOf returns the element type of the array d, which is argument i.
func (c *Call) elemTypeOf(i int, d types.Datum) (*types.Type, error) {
	if i < len(c.ArgTypes) && c.ArgTypes[i] != nil {
		if e := c.ArgTypes[i].Underlying().ElemType; e != nil {
			return e, nil
		}
	}
	return c.typeByOid(types.ArrayElemOid(d))
}

// comparerOf returns the order of t or the error of a type without one.
func comparerOf(t *types.Type, collation ids.Oid) (func(a, b types.Datum) int, error) {
	f := types.Comparer(t.Underlying(), collation)
	if f == nil {
		return nil, pgerr.New(pgerr.UndefinedFunction, "could not identify a comparison function for type %s", types.FormatName(t))
	}
	return f, nil
}

// equalityOf is comparerOf with the message of equality.
func equalityOf(t *types.Type, collation ids.Oid) (func(a, b types.Datum) int, error) {
	f := types.Comparer(t.Underlying(), collation)
	if f == nil {
		return nil, pgerr.New(pgerr.UndefinedFunction, "could not identify an equality operator for type %s", types.FormatName(t))
	}
	return f, nil
}

// arrayOrder is what an array comparison keeps between calls.
type arrayOrder struct {
	elem *types.Type
	cmp  func(a, b types.Datum) int
}

func (c *Call) arrayOrder() (*arrayOrder, error) {
	if o, ok := c.State.(*arrayOrder); ok {
		return o, nil
	}
	elem, err := c.elemTypeOf(0, c.Args[0])
	if err != nil {
		return nil, err
	}
	f, err := comparerOf(elem, c.Collation)
	if err != nil {
		return nil, err
	}
	o := &arrayOrder{elem, f}
	c.State = o
	return o, nil
}

func compareArrays(c *Call) (int, error) {
	a, b := c.Args[0], c.Args[1]
	if types.ArrayElemOid(a) != types.ArrayElemOid(b) {
		return 0, pgerr.New(pgerr.DatatypeMismatch, "cannot compare arrays of different element types")
	}
	o, err := c.arrayOrder()
	if err != nil {
		return 0, err
	}
	return types.CompareArrays(a, b, o.elem, o.cmp), nil
}

// compareRecords orders rows column by column; a NULL column sorts last.
func compareRecords(c *Call) (int, error) {
	a, b := types.DecodeRecord(c.Args[0]), types.DecodeRecord(c.Args[1])
	for i := range min(len(a.Vals), len(b.Vals)) {
		if a.Types[i] != b.Types[i] {
			x, _ := c.typeByOid(a.Types[i])
			y, _ := c.typeByOid(b.Types[i])
			if x != nil && y != nil {
				return 0, pgerr.New(pgerr.DatatypeMismatch, "cannot compare dissimilar column types %s and %s at record column %d",
					types.FormatName(x), types.FormatName(y), i+1)
			}
		}
		x, y := a.Vals[i], b.Vals[i]
		switch {
		case x.IsNull() && y.IsNull():
			continue
		case x.IsNull():
			return 1, nil
		case y.IsNull():
			return -1, nil
		}
		t, err := c.typeByOid(a.Types[i])
		if err != nil {
			return 0, err
		}
		f, err := comparerOf(t, c.Collation)
		if err != nil {
			return 0, err
		}
		if r := f(x, y); r != 0 {
			return r, nil
		}
	}
	if len(a.Vals) != len(b.Vals) {
		return 0, pgerr.New(pgerr.DatatypeMismatch, "cannot compare record types with different numbers of columns")
	}
	return 0, nil
}

// compareImages orders rows by the bytes of their columns.
func compareImages(c *Call) (int, error) {
	a, b := types.DecodeRecord(c.Args[0]), types.DecodeRecord(c.Args[1])
	for i := range min(len(a.Vals), len(b.Vals)) {
		x, y := a.Vals[i], b.Vals[i]
		switch {
		case x.IsNull() && y.IsNull():
			continue
		case x.IsNull():
			return 1, nil
		case y.IsNull():
			return -1, nil
		}
		r := cmp.Compare(x.Word(), y.Word())
		if x.IsBytes() {
			r = strings.Compare(x.Str(), y.Str())
		}
		if r != 0 {
			return r, nil
		}
	}
	return cmp.Compare(len(a.Vals), len(b.Vals)), nil
}

func compareEnums(c *Call) (int, error) {
	x, y := c.Args[0].Oid(), c.Args[1].Oid()
	if x == y {
		return 0, nil
	}
	t, err := c.argType(0)
	if err != nil {
		return 0, err
	}
	if t.Enum == nil {
		return cmp.Compare(x, y), nil
	}
	return cmp.Compare(t.Enum.Position(x), t.Enum.Position(y)), nil
}

// callCompare makes a family of operators over an order that needs its call: cmpName is the btree support function.
func callCompare(prefix, cmpName string, f func(c *Call) (int, error)) []Entry {
	fs := make([]Entry, 0, 7)
	for op := opEQ; op <= opGE; op++ {
		fs = append(fs, Entry{Name: prefix + cmpSuffix[op], Scalar: func(c *Call) (types.Datum, error) {
			r, err := f(c)
			return types.Bool(op.holds(r)), err
		}})
	}
	return append(fs, Entry{Name: cmpName, Scalar: func(c *Call) (types.Datum, error) {
		r, err := f(c)
		return types.Int(int64(r)), err
	}})
}

// callLarger makes prefix_larger and prefix_smaller.
func callLarger(prefix string, f func(c *Call) (int, error)) []Entry {
	pick := func(keep int) Scalar {
		return func(c *Call) (types.Datum, error) {
			r, err := f(c)
			if err != nil {
				return types.Null, err
			}
			if r*keep >= 0 {
				return c.Args[0], nil
			}
			return c.Args[1], nil
		}
	}
	return []Entry{{Name: prefix + "_larger", Scalar: pick(1)}, {Name: prefix + "_smaller", Scalar: pick(-1)}}
}

// typeCompareFamily lists comparisons of arrays, rows and enums, and those by pattern.
func typeCompareFamily() []Entry {
	var fs []Entry
	fs = append(fs, callCompare("array_", "btarraycmp", compareArrays)...)
	fs = append(fs, callLarger("array", compareArrays)...)
	fs = append(fs, callCompare("record_", "btrecordcmp", compareRecords)...)
	fs = append(fs, callCompare("record_image_", "btrecordimagecmp", compareImages)...)
	fs = append(fs, callCompare("enum_", "enum_cmp", compareEnums)...)
	fs = append(fs, callLarger("enum", compareEnums)...)
	fs = append(fs, patternComparisons()...)
	return fs
}

// patternComparisons lists the operators of text_pattern_ops and bpchar_pattern_ops, which are those of byte order.
func patternComparisons() []Entry {
	var fs []Entry
	bp := builtinOrder(types.BPCharOid)
	for op := opLT; op <= opGE; op++ {
		fs = append(fs,
			Entry{Name: "text_pattern_" + cmpSuffix[op], Scalar: compareScalar(op, textOrder{}), Kernel: textCompareKernel(op)},
			Entry{Name: "bpchar_pattern_" + cmpSuffix[op], Scalar: compareScalar(op, funcOrder(bp))})
	}
	return append(fs, Entry{Name: "bttext_pattern_cmp", Scalar: btcmp(cmpText)}, Entry{Name: "btbpchar_pattern_cmp", Scalar: btcmp(bp)})
}
