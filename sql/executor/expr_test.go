package executor

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gompho/functions"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// exprGen makes random expressions over three int4 columns.
type exprGen struct{ *rand.Rand }

func (g exprGen) col() query.Expr { return outer(1+g.IntN(3), int4Oid) }

func (g exprGen) number(depth int) query.Expr {
	if depth == 0 || g.IntN(5) == 0 {
		if g.IntN(3) == 0 {
			return int4(int64(g.IntN(7) - 3))
		}
		return g.col()
	}
	a, b := g.number(depth-1), g.number(depth-1)
	switch g.IntN(8) {
	case 0:
		return op(fnInt4Mul, int4Oid, a, b)
	case 1:
		return &query.CoalesceExpr{Result: res(int4Oid), Args: []query.Expr{a, b, int4(1)}}
	case 2:
		return &query.CaseExpr{Result: res(int4Oid), Whens: []*query.CaseWhen{{Expr: g.cond(depth - 1), Result: a}, {Expr: g.cond(depth - 1), Result: b}},
			Defresult: konst(int4Oid, types.Null)}
	case 3:
		test := &query.CaseTestExpr{Result: res(int4Oid)}
		return &query.CaseExpr{Result: res(int4Oid), Arg: g.col(),
			Whens:     []*query.CaseWhen{{Expr: op(fnInt4Eq, boolOid, test, int4(1)), Result: a}},
			Defresult: b}
	case 4:
		return &query.MinMaxExpr{Result: res(int4Oid), Least: g.IntN(2) == 0, Args: []query.Expr{a, b}}
	case 5:
		return &query.NullIfExpr{OpExpr: *op(fnInt4Eq, int4Oid, a, b)}
	case 6:
		return op(fnInt4Div, int4Oid, a, b)
	}
	return op(fnInt4Pl, int4Oid, a, b)
}

func (g exprGen) cond(depth int) query.Expr {
	a, b := g.number(max(depth-1, 0)), g.number(max(depth-1, 0))
	if depth == 0 {
		return op(fnInt4Lt, boolOid, g.col(), int4(int64(g.IntN(5))))
	}
	boolean := func(o query.BoolOp, args ...query.Expr) query.Expr {
		return &query.BoolExpr{Result: res(boolOid), Op: o, Args: args}
	}
	switch g.IntN(8) {
	case 0:
		return boolean(query.AndExpr, g.cond(depth-1), g.cond(depth-1))
	case 1:
		return boolean(query.OrExpr, g.cond(depth-1), g.cond(depth-1))
	case 2:
		return boolean(query.NotExpr, g.cond(depth-1))
	case 3:
		return &query.NullTest{Result: res(boolOid), Arg: a, IsNull: g.IntN(2) == 0}
	case 4:
		return &query.BooleanTest{Result: res(boolOid), Arg: g.cond(depth - 1), Test: query.BoolTestType(g.IntN(6))}
	case 5:
		return &query.DistinctExpr{OpExpr: *op(fnInt4Eq, boolOid, a, b)}
	case 6:
		return op(fnInt4Eq, boolOid, a, b)
	}
	return op(fnInt4Gt, boolOid, a, b)
}

// TestVectorAgainstScalar evaluates random expressions over column vectors, row by row, and as filters: all must agree, errors included.
func TestVectorAgainstScalar(t *testing.T) {
	env := testEnv(t, 1<<20)
	ex := &Exec{env: env, st: &plan.Statement{}}
	for seed := range uint64(800) {
		g := exprGen{rand.New(rand.NewPCG(seed, 7))}
		q := g.cond(4)
		sc := &scope{ex: ex}
		e, err := (&compiler{ex: ex, sc: sc, column: outerColumn(3)}).compile(q)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			b := g.batch()
			sc.begin(b)
			want, werr := byRow(e, b)
			got, gerr := byVector(e, b)
			if fmt.Sprint(werr) != fmt.Sprint(gerr) {
				t.Fatalf("seed %d: row by row %v, by vector %v\n%s", seed, werr, gerr, query.Encode(q))
			}
			if werr != nil {
				continue
			}
			sameRows(t, fmt.Sprintf("seed %d: %s", seed, query.Encode(q)), got, want)
		}
	}
}

func (g exprGen) batch() *types.Batch {
	b := newBatch([]types.Kind{types.WordKind, types.WordKind, types.WordKind}, 100)
	n := g.IntN(100)
	resetBatch(b, n)
	b.N = n
	for i := range n {
		for _, v := range b.Cols {
			d := types.Int(int64(g.IntN(6) - 2))
			if g.IntN(8) == 0 {
				d = types.Null
			}
			v.Set(i, d)
		}
	}
	if g.IntN(2) == 0 {
		b.Sel = []int32{}
		for i := range n {
			if g.IntN(3) > 0 {
				b.Sel = append(b.Sel, int32(i))
			}
		}
	}
	return b
}

func byRow(e expr, b *types.Batch) ([]string, error) {
	var out []string
	for i := range b.Rows() {
		d, err := e.scalar(b.Row(i))
		if err != nil {
			return nil, err
		}
		out = append(out, rowString([]types.Datum{d}))
	}
	return out, nil
}

func byVector(e expr, b *types.Batch) ([]string, error) {
	v, err := e.vec(b.Sel, b.N)
	if err != nil {
		return nil, err
	}
	var out []string
	var pass []int32
	for i := range b.Rows() {
		d := v.Get(b.Row(i))
		out = append(out, rowString([]types.Datum{d}))
		if d.IsTrue() {
			pass = append(pass, int32(b.Row(i)))
		}
	}
	sel, err := runFilter(e, b.Sel, b.N, make([]int32, 0, b.N))
	if err != nil {
		return nil, fmt.Errorf("as a filter: %w", err)
	}
	if fmt.Sprint(sel) != fmt.Sprint(pass) && len(sel)+len(pass) > 0 {
		return nil, fmt.Errorf("as a filter %v, as a value %v", sel, pass)
	}
	return out, nil
}

// rows of a column 3, 2, 1, 0, 1.
func countdown() *table {
	tb := &table{}
	for _, v := range []int64{3, 2, 1, 0, 1} {
		tb.rows = append(tb.rows, []types.Datum{types.Int(v)})
	}
	tb.typs = append(tb.typs, int4Oid)
	return tb
}

// TestErrorsComeWhenRowsAreAskedFor: a condition that fails in a later row does not spoil a LIMIT that needs only earlier ones.
func TestErrorsComeWhenRowsAreAskedFor(t *testing.T) {
	env := testEnv(t, 1<<20)
	col := &query.Var{Result: res(int4Oid), Varno: 1, Varattno: 1}
	for count, fails := range map[int64]bool{1: false, 2: false, 3: false, 4: true} {
		s := countdown().scan().(*plan.ValuesScan)
		s.Qual = op(fnInt4Gt, boolOid, op(fnInt4Div, int4Oid, int4(6), col), int4(0))
		l := &plan.Limit{Count: konst(int8Oid, types.Int(count))}
		l.Left = s
		ex, err := Start(env, statement(l), nil, nil, Opts{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := collect(ex, BatchSize)
		if fails != pgerr.Is(err, pgerr.DivisionByZero) {
			t.Errorf("LIMIT %d: %v after %v", count, err, rows)
		}
		if !fails && int64(len(rows)) != count {
			t.Errorf("LIMIT %d gave %v", count, rows)
		}
	}
}

// TestVolatileCallsAreCounted: a volatile function is called for the rows that are asked for, column after column in each row.
func TestVolatileCallsAreCounted(t *testing.T) {
	env := testEnv(t, 1<<20)
	calls := int64(0)
	env.Funcs = env.Funcs.With([]functions.Entry{{Name: "drandom", Scalar: func(*functions.Call) (types.Datum, error) {
		calls++
		return types.Int(calls), nil
	}}})
	random := &query.FuncExpr{Result: res(float8Oid), FuncID: 1598}
	r := &plan.Result{}
	r.Left = countdown().scan()
	r.TargetList = targets(random, random)
	l := &plan.Limit{Count: konst(int8Oid, types.Int(3))}
	l.Left = r
	got := runPlan(t, env, l, BatchSize)
	sameRows(t, "two calls a row", got, []string{"1,2", "3,4", "5,6"})
	if calls != 6 {
		t.Errorf("%d calls, want 6", calls)
	}
}

// TestResetRunsAgain: the same run state gives the rows for new parameters.
func TestResetRunsAgain(t *testing.T) {
	env := testEnv(t, 1<<20)
	s := countdown().scan().(*plan.ValuesScan)
	s.Qual = op(fnInt4Eq, boolOid, &query.Var{Result: res(int4Oid), Varno: 1, Varattno: 1},
		&query.Param{Result: res(int4Oid), Kind: query.ParamExtern, ID: 1})
	srt := &plan.Sort{Keys: []plan.SortKey{{Col: 1}}}
	srt.Left = s
	st := statement(srt)
	ex, err := Start(env, st, []types.Datum{types.Int(1)}, nil, Opts{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]string{{"1", "1"}, {"3"}, nil, {"0"}} {
		if i > 0 {
			if err := ex.Reset([]types.Datum{types.Int([]int64{1, 3, 9, 0}[i])}, nil); err != nil {
				t.Fatal(err)
			}
		}
		got, err := collect(ex, 2)
		if err != nil {
			t.Fatal(err)
		}
		sameRows(t, "execution", got, want)
		ex.Close()
	}
}
