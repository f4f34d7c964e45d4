package planner

import (
	"gompho/internal/ids"
	"gompho/sql/query"
	"gompho/types"
)

type queryOid = ids.Oid

// fold evaluates what does not depend on rows and simplifies conditions.
type folder struct {
	r *root
	// estimate: also evaluate stable functions and bound parameters; the result only serves estimates.
	estimate bool
	err      error
}

// foldExpr simplifies e. An error of evaluation (1/0) is the statement's error, before any row is made, as PostgreSQL has it; only
// what a deciding constant cuts off (the other arms of CASE, the rest of AND) is not evaluated.
func (r *root) foldExpr(e query.Expr) (query.Expr, error) {
	if e == nil {
		return nil, nil
	}
	f := &folder{r: r}
	return f.fold(e), f.err
}

// estimateExpr returns the constant that e can be expected to have, nil when there is none.
func (r *root) estimateExpr(e query.Expr) *query.Const {
	if c, ok := e.(*query.Const); ok {
		return c
	}
	f := &folder{r: r, estimate: true}
	c, _ := f.fold(e).(*query.Const)
	return c
}

func (f *folder) fold(e query.Expr) query.Expr {
	if e == nil {
		return nil
	}
	if f.r.g.folded++; f.r.g.folded%1024 == 0 && f.err == nil {
		f.err = f.r.g.facts.interrupted()
	}
	switch x := e.(type) {
	case *query.Const, *query.Var:
		return e
	case *query.Param:
		if x.Kind == query.ParamExtern && x.ID <= len(f.r.g.boundExt) {
			if c := f.r.g.boundExt[x.ID-1]; c != nil && c.ResType == x.ResType {
				return &query.Const{Result: x.Result, Value: c.Value, Location: x.Location}
			}
		}
		return e
	case *query.BoolExpr:
		return f.foldBool(x)
	case *query.CaseExpr:
		return f.foldCase(x)
	case *query.CoalesceExpr:
		return f.foldCoalesce(x)
	}
	e = mutateChildren(e, f.fold)
	switch x := e.(type) {
	case *query.FuncExpr:
		// Facts know nothing of VARIADIC arrays, which functions over "any" take apart.
		if !x.RetSet && !x.Variadic {
			return f.call(x, x.FuncID, x.InputCollid, x.Args, &x.Result)
		}
	case *query.OpExpr:
		if !x.RetSet {
			return f.call(x, x.FuncID, x.InputCollid, x.Args, &x.Result)
		}
	case *query.DistinctExpr:
		return f.foldDistinct(x)
	case *query.RelabelType:
		if c, ok := x.Arg.(*query.Const); ok {
			return &query.Const{Result: x.Result, Value: types.Relabel(c.Value, c.ResType, x.ResType), Location: c.Location}
		}
	case *query.CollateExpr:
		if c, ok := x.Arg.(*query.Const); ok {
			n := *c
			n.ResCollation = x.ResCollation
			return &n
		}
		return &query.RelabelType{Result: x.Result, Arg: x.Arg, Format: query.CoerceImplicitCast, Location: x.Location}
	case *query.NullTest:
		if c, ok := x.Arg.(*query.Const); ok && !x.Argisrow {
			return boolConst(c.Value.IsNull() == x.IsNull)
		}
	case *query.BooleanTest:
		if c, ok := x.Arg.(*query.Const); ok {
			return boolConst(boolTest(x.Test, c.Value))
		}
	case *query.ArrayExpr:
		return f.foldArray(x)
	}
	return e
}

func boolConst(b bool) *query.Const {
	return &query.Const{Result: query.Result{ResType: boolOid, ResTypmod: -1}, Value: types.Bool(b), Location: -1}
}

func nullConst(res query.Result) *query.Const {
	return &query.Const{Result: res, Value: types.Null, Location: -1}
}

func boolTest(t query.BoolTestType, d types.Datum) bool {
	switch t {
	case query.IsTrue:
		return d.IsTrue()
	case query.IsNotTrue:
		return !d.IsTrue()
	case query.IsFalse:
		return !d.IsNull() && !d.Bool()
	case query.IsNotFalse:
		return d.IsNull() || d.Bool()
	case query.IsUnknown:
		return d.IsNull()
	}
	return !d.IsNull()
}

// call evaluates a function over constants when its volatility allows.
func (f *folder) call(e query.Expr, fn, coll ids.Oid, args []query.Expr, res *query.Result) query.Expr {
	p := f.r.g.facts.proc(fn)
	if p == nil || p.retset {
		return e
	}
	allConst, anyNull := true, false
	for _, a := range args {
		c, ok := a.(*query.Const)
		if !ok {
			allConst = false
		} else if c.Value.IsNull() {
			anyNull = true
		}
	}
	if p.strict && anyNull && p.volatile != 'v' {
		return nullConst(*res)
	}
	if !allConst || p.volatile == 'v' || p.volatile == 's' && !f.estimate {
		return e
	}
	vals := make([]types.Datum, len(args))
	ts := make([]ids.Oid, len(args))
	for i, a := range args {
		vals[i], ts[i] = a.(*query.Const).Value, a.Type()
	}
	d, ok, err := f.r.g.facts.call(fn, coll, vals, ts, res.ResType)
	if err != nil && f.err == nil && !f.estimate {
		f.err = err
	}
	if !ok || err != nil {
		return e
	}
	return &query.Const{Result: *res, Value: d.Clone(), Location: -1}
}

func (f *folder) foldDistinct(x *query.DistinctExpr) query.Expr {
	a, aok := x.Args[0].(*query.Const)
	b, bok := x.Args[1].(*query.Const)
	if aok && bok {
		if a.Value.IsNull() || b.Value.IsNull() {
			return boolConst(a.Value.IsNull() != b.Value.IsNull())
		}
		eq, ok := f.call(&x.OpExpr, x.FuncID, x.InputCollid, x.Args, &x.Result).(*query.Const)
		if ok {
			return boolConst(!eq.Value.IsTrue())
		}
	}
	return x
}

func (f *folder) foldBool(x *query.BoolExpr) query.Expr {
	if x.Op == query.NotExpr {
		return f.foldNot(x)
	}
	absorbing := x.Op == query.OrExpr // the value that decides
	var args []query.Expr
	sawNull := false
	for _, a := range x.Args {
		a = f.fold(a)
		if c, ok := a.(*query.Const); ok {
			switch {
			case c.Value.IsNull():
				sawNull = true
			case c.Value.Bool() == absorbing:
				return boolConst(absorbing)
			}
			continue
		}
		if b, ok := a.(*query.BoolExpr); ok && b.Op == x.Op {
			args = append(args, b.Args...)
			continue
		}
		args = append(args, a)
	}
	if sawNull {
		args = append(args, nullConst(query.Result{ResType: boolOid, ResTypmod: -1}))
	}
	switch len(args) {
	case 0:
		return boolConst(!absorbing)
	case 1:
		return args[0]
	}
	n := *x
	n.Args = args
	return &n
}

// foldNot pushes NOT inward: to negated operators, by De Morgan's laws, into tests.
func (f *folder) foldNot(x *query.BoolExpr) query.Expr {
	a := f.fold(x.Args[0])
	switch y := a.(type) {
	case *query.Const:
		if y.Value.IsNull() {
			return y
		}
		return boolConst(!y.Value.Bool())
	case *query.BoolExpr:
		if y.Op == query.NotExpr {
			return y.Args[0]
		}
		n := &query.BoolExpr{Result: y.Result, Op: query.AndExpr, Location: y.Location}
		if y.Op == query.AndExpr {
			n.Op = query.OrExpr
		}
		for _, arg := range y.Args {
			n.Args = append(n.Args, f.foldNot(&query.BoolExpr{Result: y.Result, Op: query.NotExpr, Args: []query.Expr{arg}, Location: -1}))
		}
		return n
	case *query.OpExpr:
		if info := f.r.g.facts.op(y.OpNo); info != nil && info.negator != 0 {
			n := *y
			n.OpNo = info.negator
			n.FuncID = f.r.g.facts.op(info.negator).fn
			return &n
		}
	case *query.ScalarArrayOpExpr:
		if info := f.r.g.facts.op(y.OpNo); info != nil && info.negator != 0 {
			n := *y
			n.OpNo, n.UseOr = info.negator, !y.UseOr
			n.FuncID = f.r.g.facts.op(info.negator).fn
			return &n
		}
	case *query.NullTest:
		if !y.Argisrow {
			n := *y
			n.IsNull = !y.IsNull
			return &n
		}
	case *query.BooleanTest:
		n := *y
		n.Test ^= 1 // the tests come in pairs of a test and its negation
		return &n
	}
	n := *x
	n.Args = []query.Expr{a}
	return &n
}

func (f *folder) foldCase(x *query.CaseExpr) query.Expr {
	n := *x
	n.Arg = f.fold(x.Arg)
	n.Whens = nil
	for _, w := range x.Whens {
		cond := w.Expr
		if c, ok := n.Arg.(*query.Const); ok {
			cond = mutateExpr(cond, func(e query.Expr) query.Expr {
				if _, ok := e.(*query.CaseTestExpr); ok {
					return c
				}
				if _, ok := e.(*query.CaseExpr); ok {
					return e
				}
				return nil
			})
		}
		cond = f.fold(cond)
		if c, ok := cond.(*query.Const); ok {
			if !c.Value.IsTrue() {
				continue
			}
			n.Defresult = f.fold(w.Result)
			if len(n.Whens) == 0 {
				return n.Defresult
			}
			return &n
		}
		n.Whens = append(n.Whens, &query.CaseWhen{Expr: cond, Result: f.fold(w.Result)})
	}
	n.Defresult = f.fold(x.Defresult)
	if len(n.Whens) == 0 {
		return n.Defresult
	}
	return &n
}

func (f *folder) foldCoalesce(x *query.CoalesceExpr) query.Expr {
	n := *x
	n.Args = nil
	for _, a := range x.Args {
		a = f.fold(a)
		if c, ok := a.(*query.Const); ok {
			if c.Value.IsNull() {
				continue
			}
			if len(n.Args) == 0 {
				return c
			}
			n.Args = append(n.Args, c)
			return &n
		}
		n.Args = append(n.Args, a)
	}
	if len(n.Args) == 0 {
		return nullConst(x.Result)
	}
	return &n
}

// foldArray makes ARRAY[...] of constants a constant, so that = ANY can use an index and statistics.
func (f *folder) foldArray(x *query.ArrayExpr) query.Expr {
	if x.Multidims {
		return x
	}
	elem := f.r.g.facts.typ(x.ElementType)
	if elem == nil {
		return x
	}
	vals := make([]types.Datum, len(x.Elements))
	for i, e := range x.Elements {
		c, ok := e.(*query.Const)
		if !ok {
			return x
		}
		vals[i] = c.Value
	}
	arr := types.Array{Elem: x.ElementType, Elems: vals}
	if len(vals) > 0 {
		arr.Dims, arr.Lbounds = []int32{int32(len(vals))}, []int32{1}
	}
	return &query.Const{Result: x.Result, Value: arr.Encode(elem), Location: x.Location}
}
