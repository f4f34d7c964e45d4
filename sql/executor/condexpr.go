package executor

import "gompho/types"

// when is one WHEN of a CASE.
type when struct{ cond, value expr }

// caseExpr is CASE. A condition is evaluated only for rows that no earlier one has taken, a result only for rows that
// its condition has taken.
type caseExpr struct {
	sc    *scope
	arg   expr // nil for CASE WHEN cond
	whens []when
	def   expr
	kind  types.Kind
	rest  []int32
	hit   []int32
	result
}

func (e *caseExpr) scalar(row int) (types.Datum, error) {
	if e.arg != nil {
		d, err := e.arg.scalar(row)
		if err != nil {
			return types.Null, err
		}
		old, oldVec := e.sc.caseVal, e.sc.caseVec
		e.sc.caseVal, e.sc.caseVec = d, nil
		defer func() { e.sc.caseVal, e.sc.caseVec = old, oldVec }()
	}
	for i := range e.whens {
		d, err := e.whens[i].cond.scalar(row)
		if err != nil {
			return types.Null, err
		}
		if d.IsTrue() {
			return e.whens[i].value.scalar(row)
		}
	}
	return e.def.scalar(row)
}

func (e *caseExpr) vec(sel []int32, n int) (*types.Vector, error) {
	if e.arg != nil {
		v, err := e.arg.vec(sel, n)
		if err != nil {
			return nil, err
		}
		old := e.sc.caseVec
		e.sc.caseVec = v
		defer func() { e.sc.caseVec = old }()
	}
	out := e.start(e.kind, n)
	e.rest = append(e.rest[:0], selRows(sel, n, e.rest)...)
	rest := e.rest
	for i := range e.whens {
		if len(rest) == 0 {
			return out, nil
		}
		if cap(e.hit) < n {
			e.hit = make([]int32, 0, n)
		}
		hit, err := runFilter(e.whens[i].cond, rest, n, e.hit[:0])
		if err != nil {
			return nil, err
		}
		if len(hit) == 0 {
			continue
		}
		rest = without(rest, hit)
		if err := copyRows(e.whens[i].value, hit, n, out); err != nil {
			return nil, err
		}
	}
	if len(rest) > 0 {
		return out, copyRows(e.def, rest, n, out)
	}
	return out, nil
}

// without removes the rows of hit, a subsequence of sel, from sel in place.
func without(sel, hit []int32) []int32 {
	k, h := 0, 0
	for _, i := range sel {
		if h < len(hit) && hit[h] == i {
			h++
			continue
		}
		sel[k] = i
		k++
	}
	return sel[:k]
}

// copyRows evaluates e for the rows sel and stores the values in out.
func copyRows(e expr, sel []int32, n int, out *types.Vector) error {
	v, err := e.vec(sel, n)
	if err != nil {
		return err
	}
	if !v.HasNulls && !out.HasNulls && out.Kind == types.WordKind {
		for _, i := range sel {
			out.W[i] = v.W[i]
		}
		return nil
	}
	for _, i := range sel {
		out.Set(int(i), v.Get(int(i)))
	}
	return nil
}

// coalesceExpr is COALESCE.
type coalesceExpr struct {
	args []expr
	kind types.Kind
	rest []int32
	result
}

func (e *coalesceExpr) scalar(row int) (types.Datum, error) {
	for _, a := range e.args {
		d, err := a.scalar(row)
		if err != nil || !d.IsNull() {
			return d, err
		}
	}
	return types.Null, nil
}

func (e *coalesceExpr) vec(sel []int32, n int) (*types.Vector, error) {
	out := e.start(e.kind, n)
	e.rest = append(e.rest[:0], selRows(sel, n, e.rest)...)
	rest := e.rest
	for _, a := range e.args {
		if len(rest) == 0 {
			return out, nil
		}
		v, err := a.vec(rest, n)
		if err != nil {
			return nil, err
		}
		k := 0
		for _, i := range rest {
			if v.IsNull(int(i)) {
				rest[k] = i
				k++
				continue
			}
			out.Set(int(i), v.Get(int(i)))
		}
		rest = rest[:k]
	}
	for _, i := range rest {
		out.SetNull(int(i))
	}
	return out, nil
}

// nullIfExpr is NULLIF: eq compares the CASE test value with b.
type nullIfExpr struct {
	sc   *scope
	a    expr
	eq   expr
	kind types.Kind
	result
}

func (e *nullIfExpr) scalar(row int) (types.Datum, error) {
	d, err := e.a.scalar(row)
	if err != nil {
		return types.Null, err
	}
	old, oldVec := e.sc.caseVal, e.sc.caseVec
	e.sc.caseVal, e.sc.caseVec = d, nil
	eq, err := e.eq.scalar(row)
	e.sc.caseVal, e.sc.caseVec = old, oldVec
	if err != nil || eq.IsTrue() {
		return types.Null, err
	}
	return d, nil
}

func (e *nullIfExpr) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(e.kind, n), sel, n)
}

// distinctExpr is IS DISTINCT FROM.
type distinctExpr struct {
	a, b expr
	sc   *scope
	eq   func(a, b types.Datum) (bool, error)
	result
}

func (e *distinctExpr) scalar(row int) (types.Datum, error) {
	x, err := e.a.scalar(row)
	if err != nil {
		return types.Null, err
	}
	y, err := e.b.scalar(row)
	if err != nil {
		return types.Null, err
	}
	if x.IsNull() || y.IsNull() {
		return types.Bool(x.IsNull() != y.IsNull()), nil
	}
	eq, err := e.eq(x, y)
	return types.Bool(!eq), err
}

func (e *distinctExpr) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(types.WordKind, n), sel, n)
}

// minMaxExpr is GREATEST or LEAST; NULLs are left out.
type minMaxExpr struct {
	args  []expr
	least bool
	cmp   func(a, b types.Datum) int
	kind  types.Kind
	result
}

func (e *minMaxExpr) scalar(row int) (types.Datum, error) {
	best := types.Null
	for _, a := range e.args {
		d, err := a.scalar(row)
		if err != nil {
			return types.Null, err
		}
		if d.IsNull() {
			continue
		}
		if best.IsNull() {
			best = d
		} else if c := e.cmp(d, best); c < 0 && e.least || c > 0 && !e.least {
			best = d
		}
	}
	return best, nil
}

func (e *minMaxExpr) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(e.kind, n), sel, n)
}
