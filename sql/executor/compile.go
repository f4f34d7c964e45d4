package executor

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// compiler turns expressions of a plan node into evaluators over the columns of the node's input.
type compiler struct {
	ex *Exec
	sc *scope
	// column finds the input column of a Var.
	column func(v *query.Var) (int, error)
	// wholeRow describes the row that a Var with attribute 0 stands for: nil if there is none.
	wholeRow func(v *query.Var) (*rowShape, error)
	// special finds the input column that holds the value of an aggregate or window function; nil: none.
	special func(e query.Expr) (int, bool)
	// volatile is set when something volatile was compiled.
	volatile bool
	// multi collects subplans that assign several columns: they run before the rest of the row.
	multi []expr
}

// rowShape describes the columns of a whole-row reference.
type rowShape struct {
	typ   ids.Oid
	attrs []int // attribute numbers
	types []ids.Oid
	names []string // of a row that has no type of its own
}

func (c *compiler) list(qs []query.Expr) ([]expr, error) {
	out := make([]expr, len(qs))
	for i, q := range qs {
		if q == nil {
			continue
		}
		e, err := c.compile(q)
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

// compile makes the evaluator of q.
func (c *compiler) compile(q query.Expr) (expr, error) {
	switch n := q.(type) {
	case *query.Var:
		return c.compileVar(n)
	case *query.Const:
		k, err := c.ex.env.kind(n.Type())
		return &constExpr{d: n.Value, broadcast: broadcast{kind: k}}, err
	case *query.Param:
		return c.compileParam(n)
	case *query.OpExpr:
		return c.compileCall(n.FuncID, n.ResType, n.InputCollid, n.Args, false)
	case *query.FuncExpr:
		return c.compileCall(n.FuncID, n.ResType, n.InputCollid, n.Args, n.Variadic)
	case *query.BoolExpr:
		return c.compileBool(n)
	case *query.NullTest:
		arg, err := c.compile(n.Arg)
		if n.Argisrow {
			return &rowNullTest{arg: arg, isNull: n.IsNull}, err
		}
		return &nullTest{arg: arg, isNull: n.IsNull}, err
	case *query.BooleanTest:
		arg, err := c.compile(n.Arg)
		return boolTestOf(arg, n.Test), err
	case *query.RelabelType:
		arg, err := c.compile(n.Arg)
		if from := n.Arg.Type(); types.Relabels(from, n.ResType) {
			return &relabelWord{arg: arg, from: from, to: n.ResType}, err
		}
		return arg, err
	case *query.CollateExpr:
		return c.compile(n.Arg)
	case *query.CaseTestExpr:
		k, err := c.ex.env.kind(n.Type())
		return &caseTest{sc: c.sc, kind: k, broadcast: broadcast{kind: k}}, err
	case *query.CoerceToDomainValue:
		k, err := c.ex.env.kind(n.Type())
		return &domainValue{sc: c.sc, broadcast: broadcast{kind: k}}, err
	case *query.Aggref, *query.WindowFunc, *query.GroupingFunc:
		if c.special != nil {
			if col, ok := c.special(n.(query.Expr)); ok {
				return &colExpr{sc: c.sc, col: col}, nil
			}
		}
		return nil, pgerr.Internal("%T in a node that does not compute it", n)
	case *plan.SubPlan:
		return c.compileSubPlan(n)
	}
	return c.compileRare(q)
}

// compileRare handles the less frequent nodes.
func (c *compiler) compileRare(q query.Expr) (expr, error) {
	switch n := q.(type) {
	case *query.CaseExpr:
		return c.compileCase(n)
	case *query.CoalesceExpr:
		args, err := c.list(n.Args)
		if err != nil {
			return nil, err
		}
		k, err := c.ex.env.kind(n.Type())
		return &coalesceExpr{args: args, kind: k}, err
	case *query.NullIfExpr:
		return c.compileNullIf(n)
	case *query.DistinctExpr:
		return c.compileDistinct(n)
	case *query.MinMaxExpr:
		return c.compileMinMax(n)
	case *query.ScalarArrayOpExpr:
		return c.compileScalarArray(n)
	case *query.ArrayExpr:
		elems, err := c.list(n.Elements)
		if err != nil {
			return nil, err
		}
		t, err := c.ex.env.typ(n.ElementType)
		return &arrayExpr{elems: elems, elem: t, multi: n.Multidims}, err
	case *query.SubscriptingRef:
		return c.compileSubscript(n)
	case *query.ArrayCoerceExpr:
		return c.compileArrayCoerce(n)
	case *query.RowExpr:
		args, err := c.list(n.Args)
		e := &rowExpr{args: args, typ: n.ResType, typmod: n.ResTypmod, vals: make([]types.Datum, len(args))}
		if n.ResType == recordOid {
			e.typmod = c.ex.env.recordTypmod(n.Colnames, len(args))
		}
		for _, a := range n.Args {
			e.types = append(e.types, a.Type())
		}
		return e, err
	case *query.FieldSelect:
		return c.compileFieldSelect(n)
	case *query.FieldStore:
		arg, err := c.compile(n.Arg)
		if err != nil {
			return nil, err
		}
		vals, err := c.list(n.Newvals)
		if err != nil {
			return nil, err
		}
		t, err := c.ex.env.typ(n.Type())
		return &fieldStore{sc: c.sc, arg: arg, vals: vals, fields: n.Fieldnums, typ: t}, err
	case *query.RowCompareExpr:
		return c.compileRowCompare(n)
	case *query.ConvertRowtypeExpr:
		return c.compile(n.Arg)
	case *query.CoerceViaIO:
		return c.compileViaIO(n)
	case *query.CoerceToDomain:
		arg, err := c.compile(n.Arg)
		if err != nil {
			return nil, err
		}
		return c.domain(n, arg)
	case *query.SQLValueFunction:
		k, err := c.ex.env.kind(n.Type())
		return &sqlValue{sc: c.sc, op: n.Op, typmod: n.ResTypmod, kind: k}, err
	case *query.NextValueExpr:
		c.volatile = true
		return &nextValue{sc: c.sc, seq: n.SeqID, typ: n.ResType}, nil
	case *query.CurrentOfExpr:
		return nil, pgerr.NotSupported("WHERE CURRENT OF is not supported for this table type")
	}
	return nil, pgerr.Internal("unrecognized expression node %T", q)
}

func (c *compiler) compileVar(v *query.Var) (expr, error) {
	if v.Varattno == 0 && c.wholeRow != nil {
		sh, err := c.wholeRow(v)
		if err != nil {
			return nil, err
		}
		if sh != nil {
			return c.compileWholeRow(v, sh)
		}
	}
	if c.column == nil {
		return nil, pgerr.Internal("column reference where there is no input")
	}
	col, err := c.column(v)
	return &colExpr{sc: c.sc, col: col}, err
}

func (c *compiler) compileWholeRow(v *query.Var, sh *rowShape) (expr, error) {
	e := &rowExpr{typ: sh.typ, typmod: -1, types: sh.types, vals: make([]types.Datum, len(sh.attrs))}
	if sh.typ == recordOid {
		e.typmod = c.ex.env.recordTypmod(sh.names, len(sh.attrs))
	}
	for _, a := range sh.attrs {
		w := *v
		w.Varattno = a
		col, err := c.column(&w)
		if err != nil {
			return nil, err
		}
		e.args = append(e.args, &colExpr{sc: c.sc, col: col})
	}
	return e, nil
}

func (c *compiler) compileParam(n *query.Param) (expr, error) {
	k, err := c.ex.env.kind(n.Type())
	if err != nil {
		return nil, err
	}
	switch n.Kind {
	case query.ParamExtern:
		return &externParam{sc: c.sc, id: n.ID - 1, broadcast: broadcast{kind: k}}, nil
	case query.ParamExec:
		return &execParam{ex: c.ex, id: n.ID, broadcast: broadcast{kind: k}}, nil
	}
	return nil, pgerr.Internal("parameter of a sublink in a finished plan")
}

func (c *compiler) compileCall(fn, ret, coll ids.Oid, qargs []query.Expr, variadic bool) (expr, error) {
	args, err := c.list(qargs)
	if err != nil {
		return nil, err
	}
	e, err := c.callExpr(fn, ret, coll, qargs, args)
	if err != nil || !variadic {
		return e, err
	}
	switch f := e.(type) {
	case *funcCall:
		f.call.Variadic = true
	case *volatileCall:
		f.call.Variadic = true
	}
	return e, nil
}

func (c *compiler) compileBool(n *query.BoolExpr) (expr, error) {
	args, err := c.list(n.Args)
	if err != nil {
		return nil, err
	}
	switch n.Op {
	case query.AndExpr:
		return &andExpr{args: args}, nil
	case query.OrExpr:
		return &orExpr{args: args}, nil
	}
	return &notExpr{arg: args[0]}, nil
}

func boolTestOf(arg expr, t query.BoolTestType) expr {
	e := &boolTest{arg: arg}
	switch t {
	case query.IsTrue:
		e.onTrue = true
	case query.IsNotTrue:
		e.onFalse, e.onNil = true, true
	case query.IsFalse:
		e.onFalse = true
	case query.IsNotFalse:
		e.onTrue, e.onNil = true, true
	case query.IsUnknown:
		e.onNil = true
	default:
		e.onTrue, e.onFalse = true, true
	}
	return e
}

func (c *compiler) compileCase(n *query.CaseExpr) (expr, error) {
	e := &caseExpr{sc: c.sc}
	var err error
	if n.Arg != nil {
		if e.arg, err = c.compile(n.Arg); err != nil {
			return nil, err
		}
	}
	for _, w := range n.Whens {
		var x when
		if x.cond, err = c.compile(w.Expr); err != nil {
			return nil, err
		}
		if x.value, err = c.compile(w.Result); err != nil {
			return nil, err
		}
		e.whens = append(e.whens, x)
	}
	if e.kind, err = c.ex.env.kind(n.Type()); err != nil {
		return nil, err
	}
	if n.Defresult == nil {
		e.def = &constExpr{d: types.Null, broadcast: broadcast{kind: e.kind}}
		return e, nil
	}
	e.def, err = c.compile(n.Defresult)
	return e, err
}

// eqFunc returns a test for equality by the function of an equality operator.
func (c *compiler) eqFunc(fn ids.Oid, left, right, coll ids.Oid) (func(a, b types.Datum) (bool, error), error) {
	return c.ex.env.eqFunc(fn, left, right, coll)
}

func (e *Env) eqFunc(fn ids.Oid, left, right, coll ids.Oid) (func(a, b types.Datum) (bool, error), error) {
	p, err := e.proc(fn)
	if err != nil {
		return nil, err
	}
	if s, ok := compareFuncs[p.Prosrc]; ok && p.Prolang == languageInternal && s.op == opEq {
		r := s.repr
		return func(a, b types.Datum) (bool, error) { return r.cmpDatums(a, b) == 0, nil }, nil
	}
	call, err := e.caller(fn, left, right, boolOid, coll)
	if err != nil {
		return nil, err
	}
	return func(a, b types.Datum) (bool, error) {
		d, err := call.do(a, b)
		return d.IsTrue(), err
	}, nil
}

func (c *compiler) compileNullIf(n *query.NullIfExpr) (expr, error) {
	a, err := c.compile(n.Args[0])
	if err != nil {
		return nil, err
	}
	b, err := c.compile(n.Args[1])
	if err != nil {
		return nil, err
	}
	k, err := c.ex.env.kind(n.Args[0].Type())
	if err != nil {
		return nil, err
	}
	test := &caseTest{sc: c.sc, kind: k, broadcast: broadcast{kind: k}}
	eq, err := c.callExpr(n.FuncID, boolOid, n.InputCollid, n.Args, []expr{test, b})
	return &nullIfExpr{sc: c.sc, a: a, eq: eq, kind: k}, err
}

func (c *compiler) compileDistinct(n *query.DistinctExpr) (expr, error) {
	args, err := c.list(n.Args)
	if err != nil {
		return nil, err
	}
	eq, err := c.eqFunc(n.FuncID, n.Args[0].Type(), n.Args[1].Type(), n.InputCollid)
	return &distinctExpr{a: args[0], b: args[1], sc: c.sc, eq: eq}, err
}

func (c *compiler) compileMinMax(n *query.MinMaxExpr) (expr, error) {
	args, err := c.list(n.Args)
	if err != nil {
		return nil, err
	}
	t, err := c.ex.env.typ(n.Type())
	if err != nil {
		return nil, err
	}
	cmp := types.Comparer(t, n.InputCollid)
	if cmp == nil {
		return nil, pgerr.New(pgerr.UndefinedFunction, "could not identify a comparison function for type %s",
			c.ex.env.Catalog.TypeName(n.Type()))
	}
	return &minMaxExpr{args: args, least: n.Least, cmp: cmp, kind: t.Kind()}, nil
}

func (c *compiler) compileScalarArray(n *query.ScalarArrayOpExpr) (expr, error) {
	args, err := c.list(n.Args)
	if err != nil {
		return nil, err
	}
	arrType, err := c.ex.env.typ(n.Args[1].Type())
	if err != nil {
		return nil, err
	}
	elem := arrType.Underlying().ElemType
	if elem == nil {
		return nil, pgerr.New(pgerr.DatatypeMismatch, "op ANY/ALL (array) requires array on right side")
	}
	p, err := c.ex.env.proc(n.FuncID)
	if err != nil {
		return nil, err
	}
	e := &scalarArray{scalarArg: args[0], arrayArg: args[1], useOr: n.UseOr, elem: elem, strict: p.Proisstrict, slot: c.ex.env.Slot}
	if e.spec, e.known = compareFuncs[p.Prosrc]; e.known && p.Prolang == languageInternal {
		return e, nil
	}
	e.known = false
	e.fn, err = c.ex.env.caller(n.FuncID, n.Args[0].Type(), elem.Oid, boolOid, n.InputCollid)
	return e, err
}

func (c *compiler) compileSubscript(n *query.SubscriptingRef) (expr, error) {
	t, err := c.ex.env.typ(n.ContainerType)
	if err != nil {
		return nil, err
	}
	t = t.Underlying()
	if t.Oid == types.NameOid && n.RefAssgnExpr == nil {
		return c.compileNameSubscript(n)
	}
	if t.ElemType == nil {
		return nil, pgerr.New(pgerr.DatatypeMismatch, "cannot subscript type %s because it does not support subscripting",
			c.ex.env.Catalog.TypeName(n.ContainerType))
	}
	e := &subscript{sc: c.sc, container: t, elem: t.ElemType}
	if e.kind, err = c.ex.env.kind(n.Type()); err != nil {
		return nil, err
	}
	if e.ref, err = c.compile(n.RefExpr); err != nil {
		return nil, err
	}
	if e.upper, err = c.list(n.UpperIndexpr); err != nil {
		return nil, err
	}
	if n.LowerIndexpr != nil {
		if e.lower, err = c.list(n.LowerIndexpr); err != nil {
			return nil, err
		}
	}
	if n.RefAssgnExpr != nil {
		e.assign, err = c.compile(n.RefAssgnExpr)
	}
	return e, err
}

// compileNameSubscript compiles a byte of a name: the one type of fixed length whose elements clients read (pg_dump does).
func (c *compiler) compileNameSubscript(n *query.SubscriptingRef) (expr, error) {
	ref, err := c.compile(n.RefExpr)
	if err != nil {
		return nil, err
	}
	at, err := c.list(n.UpperIndexpr)
	return &nameByte{ref: ref, at: at}, err
}

func (c *compiler) compileArrayCoerce(n *query.ArrayCoerceExpr) (expr, error) {
	arg, err := c.compile(n.Arg)
	if err != nil {
		return nil, err
	}
	el, err := c.compile(n.Elemexpr)
	if err != nil {
		return nil, err
	}
	from, err := c.ex.env.typ(n.Arg.Type())
	if err != nil {
		return nil, err
	}
	to, err := c.ex.env.typ(n.Type())
	if err != nil {
		return nil, err
	}
	from, to = from.Underlying(), to.Underlying()
	if from.ElemType == nil || to.ElemType == nil {
		return nil, pgerr.Internal("array coercion between types that are not arrays")
	}
	return &arrayCoerce{sc: c.sc, arg: arg, elemExpr: el, from: from.ElemType, to: to.ElemType}, nil
}

func (c *compiler) compileFieldSelect(n *query.FieldSelect) (expr, error) {
	if v, ok := n.Arg.(*query.Var); ok && v.Varattno == 0 && c.wholeRow != nil && v.Varno > 0 {
		w := *v
		w.Varattno, w.Result = n.Fieldnum, n.Result
		if sh, err := c.wholeRow(v); err == nil && sh != nil {
			return c.compileVar(&w)
		}
	}
	arg, err := c.compile(n.Arg)
	if err != nil {
		return nil, err
	}
	k, err := c.ex.env.kind(n.Type())
	return &fieldSelect{arg: arg, field: n.Fieldnum - 1, kind: k}, err
}

func (c *compiler) compileRowCompare(n *query.RowCompareExpr) (expr, error) {
	e := &rowCompare{}
	var err error
	if e.left, err = c.list(n.Largs); err != nil {
		return nil, err
	}
	if e.right, err = c.list(n.Rargs); err != nil {
		return nil, err
	}
	if n.Cmptype < 1 || n.Cmptype > 6 {
		return nil, pgerr.Internal("unrecognized row comparison %d", n.Cmptype)
	}
	e.op = [...]cmpOp{opLt, opLe, opEq, opGe, opGt, opNe}[n.Cmptype-1]
	for i, l := range n.Largs {
		cmp, err := c.ex.env.crossComparer(l.Type(), n.Rargs[i].Type(), n.InputCollids[i])
		if err != nil {
			return nil, err
		}
		e.cmps = append(e.cmps, cmp)
	}
	return e, nil
}

// crossComparer returns the btree order between values of two types of one operator family.
func (e *Env) crossComparer(left, right, coll ids.Oid) (func(a, b types.Datum) int, error) {
	lt, err := e.typ(left)
	if err != nil {
		return nil, err
	}
	rt, err := e.typ(right)
	if err != nil {
		return nil, err
	}
	cmp := types.Comparer(lt, coll)
	if cmp == nil {
		return nil, pgerr.New(pgerr.UndefinedFunction, "could not identify a comparison function for type %s",
			e.Catalog.TypeName(left))
	}
	if conv := timeConversion(lt.Underlying().Oid, rt.Underlying().Oid, e); conv != nil {
		return conv, nil
	}
	return cmp, nil
}

func (c *compiler) compileViaIO(n *query.CoerceViaIO) (expr, error) {
	arg, err := c.compile(n.Arg)
	if err != nil {
		return nil, err
	}
	from, err := c.ex.env.typ(n.Arg.Type())
	if err != nil {
		return nil, err
	}
	to, err := c.ex.env.typ(n.Type())
	if err != nil {
		return nil, err
	}
	return &viaIO{sc: c.sc, arg: arg, from: from, to: to, kind: to.Kind()}, nil
}
