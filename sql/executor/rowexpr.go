package executor

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// rowExpr makes a composite value.
type rowExpr struct {
	args   []expr
	typ    ids.Oid
	typmod int32
	types  []ids.Oid
	vals   []types.Datum
	// wholeRow: NULL when the columns come from the null-extended side of a join is decided by nullIf.
	result
}

func (e *rowExpr) scalar(row int) (types.Datum, error) {
	for i, a := range e.args {
		d, err := a.scalar(row)
		if err != nil {
			return types.Null, err
		}
		e.vals[i] = d
	}
	r := types.Record{Type: e.typ, Typmod: e.typmod, Types: e.types, Vals: e.vals}
	return r.Encode(), nil
}

func (e *rowExpr) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(types.BytesKind, n), sel, n)
}

// fieldSelect takes one column of a composite value.
type fieldSelect struct {
	arg   expr
	field int // from 0
	kind  types.Kind
	result
}

func (e *fieldSelect) scalar(row int) (types.Datum, error) {
	d, err := e.arg.scalar(row)
	if err != nil || d.IsNull() {
		return types.Null, err
	}
	it := types.IterateRecord(d)
	for range e.field {
		it.Next()
	}
	_, v, _ := it.Next()
	return v, nil
}

func (e *fieldSelect) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(e.kind, n), sel, n)
}

// fieldStore replaces columns of a composite value; a NULL one counts as a row of NULLs.
type fieldStore struct {
	arg    expr
	sc     *scope
	vals   []expr
	fields []int
	typ    *types.Type
	result
}

func (e *fieldStore) scalar(row int) (types.Datum, error) {
	d, err := e.arg.scalar(row)
	if err != nil {
		return types.Null, err
	}
	var r types.Record
	if d.IsNull() {
		r = types.Record{Type: e.typ.Oid, Typmod: -1}
		for _, f := range e.typ.Fields {
			r.Types, r.Vals = append(r.Types, f.Type.Oid), append(r.Vals, types.Null)
		}
	} else {
		r = types.DecodeRecord(d)
	}
	old, oldVec := e.sc.caseVal, e.sc.caseVec
	defer func() { e.sc.caseVal, e.sc.caseVec = old, oldVec }()
	e.sc.caseVec = nil
	for i, x := range e.vals {
		f := e.fields[i] - 1
		if f < 0 || f >= len(r.Vals) {
			return types.Null, pgerr.Internal("field number %d is out of range", e.fields[i])
		}
		e.sc.caseVal = r.Vals[f]
		if r.Vals[f], err = x.scalar(row); err != nil {
			return types.Null, err
		}
	}
	return r.Encode(), nil
}

func (e *fieldStore) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(types.BytesKind, n), sel, n)
}

// rowNullTest is IS [NOT] NULL of a row: true when all columns are (are not) NULL.
type rowNullTest struct {
	arg    expr
	isNull bool
	result
}

func (e *rowNullTest) scalar(row int) (types.Datum, error) {
	d, err := e.arg.scalar(row)
	if err != nil {
		return types.Null, err
	}
	if d.IsNull() {
		return types.Bool(e.isNull), nil
	}
	it := types.IterateRecord(d)
	for {
		_, v, ok := it.Next()
		if !ok {
			return types.Bool(true), nil
		}
		if v.IsNull() != e.isNull {
			return types.Bool(false), nil
		}
	}
}

func (e *rowNullTest) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(types.WordKind, n), sel, n)
}

// rowCompare is (a, b) < (c, d): the first pair that is not equal decides.
type rowCompare struct {
	left, right []expr
	cmps        []func(a, b types.Datum) int
	op          cmpOp
	result
}

func (e *rowCompare) scalar(row int) (types.Datum, error) {
	for i := range e.left {
		x, err := e.left[i].scalar(row)
		if err != nil {
			return types.Null, err
		}
		y, err := e.right[i].scalar(row)
		if err != nil || x.IsNull() || y.IsNull() {
			return types.Null, err
		}
		if c := e.cmps[i](x, y); c != 0 {
			return types.Bool(truth[e.op][sign(c)+1]), nil
		}
	}
	return types.Bool(truth[e.op][1]), nil
}

func sign(c int) int {
	switch {
	case c < 0:
		return -1
	case c > 0:
		return 1
	}
	return 0
}

func (e *rowCompare) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(types.WordKind, n), sel, n)
}
