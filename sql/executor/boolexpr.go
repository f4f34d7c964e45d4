package executor

import "gompho/types"

// andExpr is AND: an argument is evaluated only for rows that the ones before it have not made false.
type andExpr struct {
	args []expr
	buf  []int32
	result
}

func (e *andExpr) scalar(row int) (types.Datum, error) {
	null := false
	for _, a := range e.args {
		d, err := a.scalar(row)
		switch {
		case err != nil:
			return types.Null, err
		case d.IsNull():
			null = true
		case !d.Bool():
			return types.Bool(false), nil
		}
	}
	if null {
		return types.Null, nil
	}
	return types.Bool(true), nil
}

func (e *andExpr) vec(sel []int32, n int) (*types.Vector, error) {
	return lazyBool(e.args, &e.result, &e.buf, sel, n, true)
}

func (e *andExpr) filter(sel []int32, n int, out []int32) ([]int32, error) {
	// A NULL conjunct makes the row not true, but the later ones must still be evaluated: they may fail.
	// As PostgreSQL does in a condition, evaluation of a row ends at the first conjunct that is not true.
	for _, a := range e.args {
		var err error
		if out, err = runFilter(a, sel, n, out[:0]); err != nil || len(out) == 0 {
			return out, err
		}
		sel = out
	}
	return out, nil
}

// orExpr is OR: an argument is evaluated only for rows that the ones before it have not made true.
type orExpr struct {
	args []expr
	buf  []int32
	result
}

func (e *orExpr) scalar(row int) (types.Datum, error) {
	null := false
	for _, a := range e.args {
		d, err := a.scalar(row)
		switch {
		case err != nil:
			return types.Null, err
		case d.IsNull():
			null = true
		case d.Bool():
			return types.Bool(true), nil
		}
	}
	if null {
		return types.Null, nil
	}
	return types.Bool(false), nil
}

func (e *orExpr) vec(sel []int32, n int) (*types.Vector, error) {
	return lazyBool(e.args, &e.result, &e.buf, sel, n, false)
}

// lazyBool computes AND (going is true) or OR (going is false): rows go on to the next argument while they may still change.
func lazyBool(args []expr, res *result, buf *[]int32, sel []int32, n int, going bool) (*types.Vector, error) {
	out := res.start(types.WordKind, n)
	rest := append((*buf)[:0], selRows(sel, n, *buf)...)
	goingWord := b2w(going)
	for _, i := range rest {
		out.W[i] = goingWord
	}
	for _, a := range args {
		v, err := a.vec(rest, n)
		if err != nil {
			return nil, err
		}
		k := 0
		for _, i := range rest {
			switch {
			case v.IsNull(int(i)):
				out.SetNull(int(i))
			case (v.W[i] != 0) != going:
				out.ClearNull(int(i))
				out.W[i] = 1 - goingWord
				continue
			}
			rest[k] = i
			k++
		}
		if rest = rest[:k]; k == 0 {
			break
		}
	}
	*buf = rest[:0]
	return out, nil
}

// notExpr is NOT.
type notExpr struct {
	arg expr
	result
}

func (e *notExpr) scalar(row int) (types.Datum, error) {
	d, err := e.arg.scalar(row)
	if err != nil || d.IsNull() {
		return types.Null, err
	}
	return types.Bool(!d.Bool()), nil
}

func (e *notExpr) vec(sel []int32, n int) (*types.Vector, error) {
	v, err := e.arg.vec(sel, n)
	if err != nil {
		return nil, err
	}
	out := e.start(types.WordKind, n)
	each(sel, n, func(i int) {
		if v.IsNull(i) {
			out.SetNull(i)
		} else {
			out.W[i] = 1 - v.W[i]
		}
	})
	return out, nil
}

// nullTest is IS [NOT] NULL of a value that is not a row.
type nullTest struct {
	arg    expr
	isNull bool
	result
}

func (e *nullTest) scalar(row int) (types.Datum, error) {
	d, err := e.arg.scalar(row)
	if err != nil {
		return types.Null, err
	}
	return types.Bool(d.IsNull() == e.isNull), nil
}

func (e *nullTest) vec(sel []int32, n int) (*types.Vector, error) {
	v, err := e.arg.vec(sel, n)
	if err != nil {
		return nil, err
	}
	out := e.start(types.WordKind, n)
	each(sel, n, func(i int) { out.W[i] = b2w(v.IsNull(i) == e.isNull) })
	return out, nil
}

func (e *nullTest) filter(sel []int32, n int, out []int32) ([]int32, error) {
	v, err := e.arg.vec(sel, n)
	if err != nil {
		return nil, err
	}
	if sel == nil {
		for i := range n {
			if v.IsNull(i) == e.isNull {
				out = append(out, int32(i))
			}
		}
		return out, nil
	}
	for _, i := range sel {
		if v.IsNull(int(i)) == e.isNull {
			out = append(out, i)
		}
	}
	return out, nil
}

// boolTest is IS [NOT] TRUE, FALSE, UNKNOWN: one answer each for true, false and NULL.
type boolTest struct {
	arg                    expr
	onTrue, onFalse, onNil bool
	result
}

func (e *boolTest) scalar(row int) (types.Datum, error) {
	d, err := e.arg.scalar(row)
	if err != nil {
		return types.Null, err
	}
	return types.Bool(e.answer(d)), nil
}

func (e *boolTest) answer(d types.Datum) bool {
	switch {
	case d.IsNull():
		return e.onNil
	case d.Bool():
		return e.onTrue
	}
	return e.onFalse
}

func (e *boolTest) vec(sel []int32, n int) (*types.Vector, error) {
	v, err := e.arg.vec(sel, n)
	if err != nil {
		return nil, err
	}
	out := e.start(types.WordKind, n)
	each(sel, n, func(i int) { out.W[i] = b2w(e.answer(v.Get(i))) })
	return out, nil
}
