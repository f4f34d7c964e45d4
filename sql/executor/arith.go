package executor

import (
	"math"
	"math/bits"

	"gompho/internal/pgerr"
	"gompho/types"
)

// arithOp is an operation on numbers.
type arithOp uint8

const (
	opAdd arithOp = iota
	opSub
	opMul
)

// arithSpec is an arithmetic function known by name. bits is the width of an integer result, 0 for float8.
type arithSpec struct {
	op   arithOp
	bits uint8
}

// arithFuncs are the built-in arithmetic functions that need no call, by pg_proc.prosrc.
var arithFuncs = map[string]arithSpec{
	"int2pl": {opAdd, 16}, "int2mi": {opSub, 16}, "int2mul": {opMul, 16},
	"int4pl": {opAdd, 32}, "int4mi": {opSub, 32}, "int4mul": {opMul, 32},
	"int24pl": {opAdd, 32}, "int24mi": {opSub, 32}, "int24mul": {opMul, 32},
	"int42pl": {opAdd, 32}, "int42mi": {opSub, 32}, "int42mul": {opMul, 32},
	"int8pl": {opAdd, 64}, "int8mi": {opSub, 64}, "int8mul": {opMul, 64},
	"int48pl": {opAdd, 64}, "int48mi": {opSub, 64}, "int48mul": {opMul, 64},
	"int84pl": {opAdd, 64}, "int84mi": {opSub, 64}, "int84mul": {opMul, 64},
	"int28pl": {opAdd, 64}, "int28mi": {opSub, 64}, "int28mul": {opMul, 64},
	"int82pl": {opAdd, 64}, "int82mi": {opSub, 64}, "int82mul": {opMul, 64},
	"float8pl": {opAdd, 0}, "float8mi": {opSub, 0}, "float8mul": {opMul, 0},
}

// arithExpr adds, subtracts or multiplies. It is strict.
type arithExpr struct {
	a, b expr
	arithSpec
	result
}

func outOfRange(bits uint8) error {
	name := "integer"
	switch bits {
	case 16:
		name = "smallint"
	case 64:
		name = "bigint"
	}
	return pgerr.New(pgerr.NumericValueOutOfRange, "%s out of range", name)
}

func (s arithSpec) apply(x, y uint64) (uint64, error) {
	if s.bits == 0 {
		return s.applyFloat(math.Float64frombits(x), math.Float64frombits(y))
	}
	r, ok := s.applyInt(int64(x), int64(y))
	if !ok {
		return 0, outOfRange(s.bits)
	}
	return uint64(r), nil
}

func (s arithSpec) applyInt(x, y int64) (r int64, ok bool) {
	switch s.op {
	case opAdd:
		r = x + y
		ok = (r^x)&(r^y) >= 0
	case opSub:
		r = x - y
		ok = (x^y)&(r^x) >= 0
	default:
		r, ok = mulInt64(x, y)
	}
	switch s.bits {
	case 16:
		return r, ok && r == int64(int16(r))
	case 32:
		return r, ok && r == int64(int32(r))
	}
	return r, ok
}

func mulInt64(x, y int64) (int64, bool) {
	r := x * y
	if int64(int32(x)) == x && int64(int32(y)) == y {
		return r, true
	}
	neg := (x < 0) != (y < 0)
	ux, uy := uint64(x), uint64(y)
	if x < 0 {
		ux = -ux
	}
	if y < 0 {
		uy = -uy
	}
	hi, lo := bits.Mul64(ux, uy)
	limit := uint64(math.MaxInt64)
	if neg {
		limit++
	}
	return r, hi == 0 && lo <= limit
}

func (s arithSpec) applyFloat(x, y float64) (uint64, error) {
	var r float64
	switch s.op {
	case opAdd:
		r = x + y
	case opSub:
		r = x - y
	default:
		r = x * y
		if r == 0 && x != 0 && y != 0 {
			return 0, pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: underflow")
		}
	}
	if math.IsInf(r, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		return 0, pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: overflow")
	}
	return math.Float64bits(r), nil
}

func (e *arithExpr) scalar(row int) (types.Datum, error) {
	x, err := e.a.scalar(row)
	if err != nil {
		return types.Null, err
	}
	y, err := e.b.scalar(row)
	if err != nil || x.IsNull() || y.IsNull() {
		return types.Null, err
	}
	r, err := e.apply(x.Word(), y.Word())
	return types.Word(r), err
}

func (e *arithExpr) vec(sel []int32, n int) (*types.Vector, error) {
	x, err := e.a.vec(sel, n)
	if err != nil {
		return nil, err
	}
	y, err := e.b.vec(sel, n)
	if err != nil {
		return nil, err
	}
	out := e.start(types.WordKind, n)
	if sel == nil && !x.HasNulls && !y.HasNulls {
		return out, e.vecAll(x.W[:n], y.W[:n], out.W[:n])
	}
	sel = selRows(sel, n, nil)
	for _, i := range sel {
		if x.IsNull(int(i)) || y.IsNull(int(i)) {
			out.SetNull(int(i))
			continue
		}
		if out.W[i], err = e.apply(x.W[i], y.W[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// vecAll is the case without NULLs and without a selection.
func (e *arithExpr) vecAll(x, y, out []uint64) error {
	var err error
	for i := range x {
		if out[i], err = e.apply(x[i], y[i]); err != nil {
			return err
		}
	}
	return nil
}
