package executor

import (
	"bytes"
	"math"

	"gompho/types"
)

// cmpOp is a comparison.
type cmpOp uint8

const (
	opEq cmpOp = iota
	opNe
	opLt
	opLe
	opGt
	opGe
)

// repr tells how the values of a type compare.
type repr uint8

const (
	reprFunc     repr = iota // by a function
	reprSigned               // words as signed integers
	reprUnsigned             // words as they are
	reprFloat                // words as floats, NaN greatest and equal to itself
	reprBytes                // byte strings, bytewise
)

// cmpSpec is a comparison function known by name.
type cmpSpec struct {
	op   cmpOp
	repr repr
}

// compareFuncs are the built-in comparison functions that need no call, by pg_proc.prosrc.
var compareFuncs = func() map[string]cmpSpec {
	m := make(map[string]cmpSpec)
	add := func(r repr, format func(op string) string) {
		for op, name := range []string{"eq", "ne", "lt", "le", "gt", "ge"} {
			m[format(name)] = cmpSpec{cmpOp(op), r}
		}
	}
	plain := func(r repr, prefixes ...string) {
		for _, p := range prefixes {
			add(r, func(op string) string { return p + op })
		}
	}
	plain(reprSigned, "int2", "int4", "int8", "int24", "int42", "int28", "int82", "int48", "int84", "date_", "time_",
		"timestamp_", "cash_")
	plain(reprUnsigned, "oid", "bool", "char", "tid", "pg_lsn_", "xid8")
	plain(reprFloat, "float4", "float8", "float48", "float84")
	plain(reprBytes, "name", "bytea", "uuid_", "macaddr_", "macaddr8_")
	m["texteq"], m["textne"] = cmpSpec{opEq, reprBytes}, cmpSpec{opNe, reprBytes}
	m["text_lt"], m["text_le"] = cmpSpec{opLt, reprBytes}, cmpSpec{opLe, reprBytes}
	m["text_gt"], m["text_ge"] = cmpSpec{opGt, reprBytes}, cmpSpec{opGe, reprBytes}
	m["xideq"], m["xidneq"] = cmpSpec{opEq, reprUnsigned}, cmpSpec{opNe, reprUnsigned}
	m["cideq"] = cmpSpec{opEq, reprUnsigned}
	return m
}()

// truth says for each sign of a comparison (-1, 0, 1) plus one whether op holds.
var truth = [6][3]bool{
	opEq: {false, true, false}, opNe: {true, false, true}, opLt: {true, false, false},
	opLe: {true, true, false}, opGt: {false, false, true}, opGe: {false, true, true},
}

func cmpSigned(a, b uint64) int {
	switch x, y := int64(a), int64(b); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func cmpUnsigned(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func cmpFloat(a, b uint64) int {
	x, y := math.Float64frombits(a), math.Float64frombits(b)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	switch nx, ny := x != x, y != y; {
	case nx && ny:
		return 0
	case nx:
		return 1
	}
	return -1
}

func (r repr) cmpWords(a, b uint64) int {
	switch r {
	case reprSigned:
		return cmpSigned(a, b)
	case reprFloat:
		return cmpFloat(a, b)
	}
	return cmpUnsigned(a, b)
}

// cmpDatums compares values that are not NULL.
func (r repr) cmpDatums(a, b types.Datum) int {
	if r == reprBytes {
		return bytes.Compare(a.Bytes(), b.Bytes())
	}
	return r.cmpWords(a.Word(), b.Word())
}

// cmpExpr compares two expressions of a known representation. It is strict.
type cmpExpr struct {
	a, b expr
	op   cmpOp
	repr repr
	// rightConst: b has one value for all rows
	rightConst bool
	result
}

func (e *cmpExpr) scalar(row int) (types.Datum, error) {
	x, err := e.a.scalar(row)
	if err != nil {
		return types.Null, err
	}
	y, err := e.b.scalar(row)
	if err != nil {
		return types.Null, err
	}
	if x.IsNull() || y.IsNull() {
		return types.Null, nil
	}
	return types.Bool(truth[e.op][e.repr.cmpDatums(x, y)+1]), nil
}

func (e *cmpExpr) vec(sel []int32, n int) (*types.Vector, error) {
	x, err := e.a.vec(sel, n)
	if err != nil {
		return nil, err
	}
	y, err := e.b.vec(sel, n)
	if err != nil {
		return nil, err
	}
	out := e.start(types.WordKind, n)
	t := &truth[e.op]
	nulls := x.HasNulls || y.HasNulls
	each(sel, n, func(i int) {
		switch {
		case nulls && (x.IsNull(i) || y.IsNull(i)):
			out.SetNull(i)
			return
		case e.repr == reprBytes:
			out.W[i] = b2w(t[bytes.Compare(x.B[i], y.B[i])+1])
		default:
			out.W[i] = b2w(t[e.repr.cmpWords(x.W[i], y.W[i])+1])
		}
	})
	return out, nil
}

func b2w(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// each calls f for the rows sel, or 0..n-1 when sel is nil.
func each(sel []int32, n int, f func(i int)) {
	if sel == nil {
		for i := range n {
			f(i)
		}
		return
	}
	for _, i := range sel {
		f(int(i))
	}
}

func (e *cmpExpr) filter(sel []int32, n int, out []int32) ([]int32, error) {
	x, err := e.a.vec(sel, n)
	if err != nil {
		return nil, err
	}
	if e.rightConst {
		d, err := e.b.scalar(0)
		if err != nil || d.IsNull() {
			return out, err
		}
		if e.repr == reprBytes {
			return filterBytesConst(x, d.Bytes(), e.op, sel, n, out), nil
		}
		return filterWordConst(x, d.Word(), e.op, e.repr, sel, n, out), nil
	}
	y, err := e.b.vec(sel, n)
	if err != nil {
		return nil, err
	}
	return filterVectors(x, y, e.op, e.repr, sel, n, out), nil
}

// filterWordConst turns a comparison of words with a constant into a range test lo <= w-base <= hi on unsigned words.
func filterWordConst(x *types.Vector, c uint64, op cmpOp, r repr, sel []int32, n int, out []int32) []int32 {
	if r == reprFloat {
		return filterGeneric(x, sel, n, out, func(i int) bool { return truth[op][cmpFloat(x.W[i], c)+1] })
	}
	flip := uint64(0)
	if r == reprSigned {
		flip = 1 << 63
	}
	c ^= flip
	lo, hi, not := uint64(0), ^uint64(0), false
	switch op {
	case opEq, opNe:
		lo, hi, not = c, c, op == opNe
	case opLt:
		if c == 0 {
			return out
		}
		hi = c - 1
	case opLe:
		hi = c
	case opGt:
		if c == ^uint64(0) {
			return out
		}
		lo = c + 1
	case opGe:
		lo = c
	}
	span := hi - lo
	w := x.W
	if x.HasNulls {
		return filterGeneric(x, sel, n, out, func(i int) bool { return ((w[i]^flip)-lo <= span) != not })
	}
	return filterRange(w, flip, lo, span, not, sel, n, out)
}

func filterRange(w []uint64, flip, lo, span uint64, not bool, sel []int32, n int, out []int32) []int32 {
	out = out[:cap(out)]
	k := 0
	if sel == nil {
		for i, x := range w[:n] {
			out[k] = int32(i)
			if ((x^flip)-lo <= span) != not {
				k++
			}
		}
		return out[:k]
	}
	for _, i := range sel {
		out[k] = i
		if ((w[i]^flip)-lo <= span) != not {
			k++
		}
	}
	return out[:k]
}

func filterGeneric(x *types.Vector, sel []int32, n int, out []int32, f func(i int) bool) []int32 {
	if sel == nil {
		for i := range n {
			if !x.IsNull(i) && f(i) {
				out = append(out, int32(i))
			}
		}
		return out
	}
	for _, i := range sel {
		if !x.IsNull(int(i)) && f(int(i)) {
			out = append(out, i)
		}
	}
	return out
}

func filterBytesConst(x *types.Vector, c []byte, op cmpOp, sel []int32, n int, out []int32) []int32 {
	switch op {
	case opEq:
		return filterGeneric(x, sel, n, out, func(i int) bool { return string(x.B[i]) == string(c) })
	case opNe:
		return filterGeneric(x, sel, n, out, func(i int) bool { return string(x.B[i]) != string(c) })
	}
	t := &truth[op]
	return filterGeneric(x, sel, n, out, func(i int) bool { return t[bytes.Compare(x.B[i], c)+1] })
}

func filterVectors(x, y *types.Vector, op cmpOp, r repr, sel []int32, n int, out []int32) []int32 {
	t := &truth[op]
	test := func(i int) bool { return !y.IsNull(i) && t[cmpSigned(x.W[i], y.W[i])+1] }
	switch r {
	case reprUnsigned:
		test = func(i int) bool { return !y.IsNull(i) && t[cmpUnsigned(x.W[i], y.W[i])+1] }
	case reprFloat:
		test = func(i int) bool { return !y.IsNull(i) && t[cmpFloat(x.W[i], y.W[i])+1] }
	case reprBytes:
		test = func(i int) bool { return !y.IsNull(i) && t[bytes.Compare(x.B[i], y.B[i])+1] }
	}
	return filterGeneric(x, sel, n, out, test)
}
