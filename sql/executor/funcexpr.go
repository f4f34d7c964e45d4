package executor

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

// Languages of functions that are built in.
const (
	languageInternal ids.Oid = 12
	languageC        ids.Oid = 13
)

// entry finds the implementation of a function, which the user must be allowed to call.
func (e *Env) entry(p *catalog.Proc) (*functions.Entry, error) {
	if p.Proacl != nil && e.MayExecute != nil {
		ok, err := e.MayExecute(p)
		if err == nil && !ok {
			err = pgerr.New(pgerr.InsufficientPrivilege, "permission denied for function %s", p.Proname)
		}
		if err != nil {
			return nil, err
		}
	}
	if p.Prolang == languageInternal || p.Prolang == languageC {
		if en := e.Funcs.Lookup(p.Prosrc); en != nil {
			return en, nil
		}
		if _, ok := builtinBodies[p.Prosrc]; ok {
			return e.sqlEntry(p, builtinBodies[p.Prosrc])
		}
		return nil, pgerr.NotSupported("function %s is not supported", p.Proname)
	}
	if p.Prolang == languageSQL {
		return e.sqlEntry(p, p.Prosrc)
	}
	if e.UserFunc == nil {
		return nil, pgerr.NotSupported("function %s: its language is not supported", p.Proname)
	}
	return e.UserFunc(p)
}

// argTypes returns the types of expressions.
func (e *Env) argTypes(args []query.Expr) ([]*types.Type, error) {
	out := make([]*types.Type, len(args))
	for i, a := range args {
		t, err := e.typ(a.Type())
		if err != nil {
			return nil, err
		}
		out[i] = t
	}
	return out, nil
}

// funcCall calls a function.
type funcCall struct {
	args   []expr
	strict bool
	fn     functions.Scalar
	kernel functions.Kernel
	call   functions.Call
	vals   []types.Datum
	cols   []*types.Vector
	kind   types.Kind
	sel    []int32
	env    *Env // its slot changes: a worker gets its own after the plan was built
	result
}

func (e *funcCall) scalar(row int) (types.Datum, error) {
	for i, a := range e.args {
		d, err := a.scalar(row)
		if err != nil {
			return types.Null, err
		}
		if e.strict && d.IsNull() {
			return e.evalRest(i+1, row)
		}
		e.vals[i] = d
	}
	if err := e.env.Slot.CheckInterrupts(); err != nil {
		return types.Null, err
	}
	e.call.Args = e.vals
	return e.call.Do(e.fn)
}

// evalRest evaluates the arguments after a NULL one of a strict function: they may fail, as in PostgreSQL.
func (e *funcCall) evalRest(i, row int) (types.Datum, error) {
	for ; i < len(e.args); i++ {
		if _, err := e.args[i].scalar(row); err != nil {
			return types.Null, err
		}
	}
	return types.Null, nil
}

func (e *funcCall) vec(sel []int32, n int) (*types.Vector, error) {
	for i, a := range e.args {
		v, err := a.vec(sel, n)
		if err != nil {
			return nil, err
		}
		e.cols[i] = v
	}
	out := e.start(e.kind, n)
	if e.kernel != nil {
		if err := e.kernel(e.cols, sel, n, out); err != functions.ErrLong {
			return out, err
		}
	}
	e.call.Args = e.vals
	if sel == nil {
		for i := range n {
			if err := e.one(i, out); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	for _, i := range sel {
		if err := e.one(int(i), out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// one calls the function for one row of the argument vectors.
func (e *funcCall) one(i int, out *types.Vector) error {
	for k, v := range e.cols {
		d := v.Get(i)
		if e.strict && d.IsNull() {
			out.SetNull(i)
			return nil
		}
		e.vals[k] = d
	}
	if err := e.env.Slot.CheckInterrupts(); err != nil { // there is no telling how long a call takes
		return err
	}
	d, err := e.call.Do(e.fn)
	if err != nil {
		return err
	}
	out.Set(i, d)
	return nil
}

// volatileCall is a funcCall of a volatile function: arguments and calls go row by row.
type volatileCall struct{ funcCall }

func (e *volatileCall) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(&e.funcCall, e.start(e.kind, n), sel, n)
}

// callExpr compiles a call of function fn with arguments already compiled.
func (c *compiler) callExpr(fn ids.Oid, ret, collation ids.Oid, qargs []query.Expr, args []expr) (expr, error) {
	p, err := c.ex.env.proc(fn)
	if err != nil {
		return nil, err
	}
	if p.Provolatile == 'v' {
		c.volatile = true
	}
	if s, ok := compareFuncs[p.Prosrc]; ok && len(args) == 2 && p.Prolang == languageInternal {
		return newCmp(s, args), nil
	}
	if s, ok := arithFuncs[p.Prosrc]; ok && len(args) == 2 && p.Prolang == languageInternal {
		return &arithExpr{a: args[0], b: args[1], arithSpec: s}, nil
	}
	en, err := c.ex.env.entry(p)
	if err != nil {
		return nil, err
	}
	if en.Scalar == nil {
		if en.Set != nil {
			return nil, pgerr.New(pgerr.FeatureNotSupported, "set-valued function called in context that cannot accept a set")
		}
		return nil, pgerr.NotSupported("function %s is not supported here", p.Proname)
	}
	f := funcCall{args: args, env: c.ex.env, strict: p.Proisstrict, fn: en.Scalar, kernel: en.Kernel,
		vals: make([]types.Datum, len(args)), cols: make([]*types.Vector, len(args))}
	if err := c.fillCall(&f.call, ret, collation, qargs); err != nil {
		return nil, err
	}
	if f.kind, err = c.ex.env.kind(ret); err != nil {
		return nil, err
	}
	if p.Provolatile == 'v' {
		f.kernel = nil
		return &volatileCall{f}, nil
	}
	return &f, nil
}

func newCmp(s cmpSpec, args []expr) expr {
	a, b := args[0], args[1]
	if isConst(a) && !isConst(b) {
		a, b = b, a
		s.op = [...]cmpOp{opEq: opEq, opNe: opNe, opLt: opGt, opLe: opGe, opGt: opLt, opGe: opLe}[s.op]
	}
	return &cmpExpr{a: a, b: b, op: s.op, repr: s.repr, rightConst: isConst(b)}
}

// fillCall sets what a call needs besides its arguments.
func (c *compiler) fillCall(call *functions.Call, ret, collation ids.Oid, args []query.Expr) error {
	env := c.ex.env
	t, err := env.typ(ret)
	if err != nil {
		return err
	}
	call.Env, call.RetType, call.Collation, call.Memory = env.Func, t, collation, &c.sc.mem
	call.ArgTypes, err = env.argTypes(args)
	return err
}

// caller calls a function of two arguments by Oid, outside expressions: operators of sorting and matching.
type caller struct {
	fn     functions.Scalar
	strict bool
	call   functions.Call
	args   [3]types.Datum
}

func (e *Env) caller(fn, left, right, ret, collation ids.Oid) (*caller, error) {
	p, err := e.proc(fn)
	if err != nil {
		return nil, err
	}
	en, err := e.entry(p)
	if err != nil {
		return nil, err
	}
	if en.Scalar == nil {
		return nil, pgerr.NotSupported("function %s is not supported here", p.Proname)
	}
	c := &caller{fn: en.Scalar, strict: p.Proisstrict}
	c.call.Env, c.call.Collation = e.Func, collation
	for _, o := range []ids.Oid{left, right} {
		t, err := e.typ(o)
		if err != nil {
			return nil, err
		}
		c.call.ArgTypes = append(c.call.ArgTypes, t)
	}
	c.call.RetType, err = e.typ(ret)
	return c, err
}

func (c *caller) do(a, b types.Datum) (types.Datum, error) {
	if c.strict && (a.IsNull() || b.IsNull()) {
		return types.Null, nil
	}
	c.args[0], c.args[1] = a, b
	c.call.Args = c.args[:2]
	return c.call.Do(c.fn)
}
