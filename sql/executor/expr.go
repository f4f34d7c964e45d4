package executor

import (
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/types"
)

// expr is a compiled expression. It reads its columns from the batch that its scope has at the time of the call, and belongs
// to one Exec: the vectors it returns are its own, valid until its next evaluation.
type expr interface {
	// scalar returns the value for the row at position row of the scope's batch.
	scalar(row int) (types.Datum, error)
	// vec evaluates the rows sel (ascending positions; nil: 0..n-1); positions of the result are those of the batch, the
	// others are undefined.
	vec(sel []int32, n int) (*types.Vector, error)
}

// filterer is an expression that can say at once for which rows it is true.
type filterer interface {
	// filter appends to out, which is empty, has room for n and may share memory with sel, the rows for which the expression is true.
	filter(sel []int32, n int, out []int32) ([]int32, error)
}

// scope is what a set of compiled expressions is evaluated over.
type scope struct {
	ex *Exec
	in *types.Batch
	// the value under test in CASE, array and domain expressions
	caseVal types.Datum
	caseVec *types.Vector // set while a CASE is evaluated over vectors
	domVal  types.Datum
	// mem is where results of functions over the current batch live.
	mem functions.Memory
}

// begin makes b the input of the expressions; results over the batch before are gone.
func (sc *scope) begin(b *types.Batch) {
	sc.in = b
	sc.mem.Reset()
	if sc.mem.Account == nil && sc.ex != nil {
		sc.ex.watch(&sc.mem)
	}
}

// result is the vector of an expression's values.
type result struct{ v types.Vector }

func (r *result) start(k types.Kind, n int) *types.Vector {
	r.v.Kind = k
	r.v.Reset()
	if r.v.Cap() < n || len(r.v.Nulls)*64 < n {
		r.v.Grow(n)
	}
	r.v.Len = n
	return &r.v
}

// eachScalar evaluates e row by row into out.
func eachScalar(e expr, out *types.Vector, sel []int32, n int) (*types.Vector, error) {
	if sel == nil {
		for i := range n {
			d, err := e.scalar(i)
			if err != nil {
				return nil, err
			}
			out.Set(i, d)
		}
		return out, nil
	}
	for _, i := range sel {
		d, err := e.scalar(int(i))
		if err != nil {
			return nil, err
		}
		out.Set(int(i), d)
	}
	return out, nil
}

// runFilter returns the rows for which e is true, in out's memory.
func runFilter(e expr, sel []int32, n int, out []int32) ([]int32, error) {
	if f, ok := e.(filterer); ok {
		return f.filter(sel, n, out)
	}
	v, err := e.vec(sel, n)
	if err != nil {
		return nil, err
	}
	return trueRows(v, sel, n, out), nil
}

func trueRows(v *types.Vector, sel []int32, n int, out []int32) []int32 {
	if sel == nil {
		for i := range n {
			if v.W[i] != 0 && !v.IsNull(i) {
				out = append(out, int32(i))
			}
		}
		return out
	}
	for _, i := range sel {
		if v.W[i] != 0 && !v.IsNull(int(i)) {
			out = append(out, i)
		}
	}
	return out
}

// selRows returns sel, or the rows 0..n-1 in buf's memory when sel is nil.
func selRows(sel []int32, n int, buf []int32) []int32 {
	if sel != nil {
		return sel
	}
	buf = buf[:0]
	for i := range n {
		buf = append(buf, int32(i))
	}
	return buf
}

// colExpr is a column of the input.
type colExpr struct {
	sc  *scope
	col int
}

func (e *colExpr) scalar(row int) (types.Datum, error) { return e.sc.in.Cols[e.col].Get(row), nil }
func (e *colExpr) vec([]int32, int) (*types.Vector, error) {
	return e.sc.in.Cols[e.col], nil
}

// relabelWord is a cast between int4 and oid, whose words differ where the sign bit is set.
type relabelWord struct {
	arg      expr
	from, to ids.Oid
	result
}

func (e *relabelWord) scalar(row int) (types.Datum, error) {
	d, err := e.arg.scalar(row)
	return types.Relabel(d, e.from, e.to), err
}

func (e *relabelWord) vec(sel []int32, n int) (*types.Vector, error) {
	v, err := e.arg.vec(sel, n)
	if err != nil {
		return nil, err
	}
	out := e.start(types.WordKind, n)
	each(sel, n, func(i int) { out.Set(i, types.Relabel(v.Get(i), e.from, e.to)) })
	return out, nil
}

// constExpr is a literal.
type constExpr struct {
	d types.Datum
	broadcast
}

func (e *constExpr) scalar(int) (types.Datum, error) { return e.d, nil }
func (e *constExpr) vec(_ []int32, n int) (*types.Vector, error) {
	return e.fill(e.d, n), nil
}

// broadcast repeats one value in a vector and remembers what it has done.
type broadcast struct {
	kind   types.Kind
	val    types.Datum
	filled int
	v      types.Vector
}

func (b *broadcast) fill(d types.Datum, n int) *types.Vector {
	if b.filled > 0 && d != b.val {
		b.filled = 0
	}
	b.v.Kind = b.kind
	if b.filled < n {
		if b.filled == 0 {
			b.v.Reset()
		}
		b.v.Len = b.filled
		b.v.Grow(n)
		for i := b.filled; i < n; i++ {
			b.v.Set(i, d)
		}
		b.filled, b.val = n, d
	}
	b.v.Len = n
	return &b.v
}

// externParam is $n.
type externParam struct {
	sc *scope
	id int // from 0
	broadcast
}

func (e *externParam) scalar(int) (types.Datum, error) {
	if e.id >= len(e.sc.ex.params) {
		return types.Null, noParam(e.id + 1)
	}
	return e.sc.ex.params[e.id], nil
}

func (e *externParam) vec(_ []int32, n int) (*types.Vector, error) {
	d, err := e.scalar(0)
	if err != nil {
		return nil, err
	}
	return e.fill(d, n), nil
}

// execParam is a value that a subplan or a nested loop sets.
type execParam struct {
	ex *Exec
	id int
	broadcast
}

func (e *execParam) scalar(int) (types.Datum, error) {
	if e.ex.pending[e.id] != nil {
		if err := e.ex.runInitPlan(e.id); err != nil {
			return types.Null, err
		}
	}
	return e.ex.execs[e.id], nil
}

func (e *execParam) vec(_ []int32, n int) (*types.Vector, error) {
	d, err := e.scalar(0)
	if err != nil {
		return nil, err
	}
	return e.fill(d, n), nil
}

// setParam sets an exec param.
func (ex *Exec) setParam(id int, d types.Datum) {
	ex.clock++
	ex.execs[id] = d
	ex.versions[id] = ex.clock
	ex.pending[id] = nil
}

// stale reports whether one of the exec params was set after at.
func (ex *Exec) stale(params []int, at uint64) bool {
	for _, p := range params {
		if ex.versions[p] > at {
			return true
		}
	}
	return false
}

// caseTest is the value that the enclosing CASE or coercion tests.
type caseTest struct {
	sc   *scope
	kind types.Kind
	broadcast
}

func (e *caseTest) scalar(row int) (types.Datum, error) {
	if e.sc.caseVec != nil {
		return e.sc.caseVec.Get(row), nil
	}
	return e.sc.caseVal, nil
}

func (e *caseTest) vec(_ []int32, n int) (*types.Vector, error) {
	if e.sc.caseVec != nil {
		return e.sc.caseVec, nil
	}
	return e.fill(e.sc.caseVal, n), nil
}

// domainValue is the value under test in a domain's constraint.
type domainValue struct {
	sc *scope
	broadcast
}

func (e *domainValue) scalar(int) (types.Datum, error) { return e.sc.domVal, nil }
func (e *domainValue) vec(_ []int32, n int) (*types.Vector, error) {
	return e.fill(e.sc.domVal, n), nil
}

// isConst returns the value of an expression that is the same for all rows of an evaluation and cheap to get.
func isConst(e expr) bool {
	switch e.(type) {
	case *constExpr, *externParam, *execParam:
		return true
	}
	return false
}

// Oids of types that the executor treats by name.
const (
	boolOid        ids.Oid = 16
	byteaOid       ids.Oid = 17
	charOid        ids.Oid = 18
	nameOid        ids.Oid = 19
	int8Oid        ids.Oid = 20
	int2Oid        ids.Oid = 21
	int4Oid        ids.Oid = 23
	textOid        ids.Oid = 25
	oidOid         ids.Oid = 26
	tidOid         ids.Oid = 27
	xidOid         ids.Oid = 28
	cidOid         ids.Oid = 29
	float4Oid      ids.Oid = 700
	float8Oid      ids.Oid = 701
	unknownOid     ids.Oid = 705
	bpcharOid      ids.Oid = 1042
	varcharOid     ids.Oid = 1043
	dateOid        ids.Oid = 1082
	timeOid        ids.Oid = 1083
	timestampOid   ids.Oid = 1114
	timestamptzOid ids.Oid = 1184
	numericOid     ids.Oid = 1700
	recordOid      ids.Oid = 2249
	voidOid        ids.Oid = 2278
	uuidOid        ids.Oid = 2950
)
