package query

import (
	"testing"

	"gompho/types"
)

func intVar(no, att, up int) *Var {
	return &Var{Result: Result{ResType: 23, ResTypmod: -1}, Varno: no, Varattno: att, Varlevelsup: up, Location: 3}
}

func intConst(v int64) *Const {
	return &Const{Result: Result{ResType: 23, ResTypmod: -1}, Value: types.Int(v)}
}

func eq(a, b Expr) *OpExpr {
	return &OpExpr{Result: Result{ResType: 16, ResTypmod: -1}, OpNo: 96, FuncID: 65, Args: []Expr{a, b}}
}

// sample is SELECT CASE WHEN a = 1 THEN 'x' END FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.b = t.a), roughly.
func sample() *Query {
	text := &Const{Result: Result{ResType: 25, ResTypmod: -1, ResCollation: 100}, Value: types.String("a\x00\"{:")}
	sub := &Query{
		CommandType: CmdSelect,
		RTable:      []*RangeTblEntry{{Kind: RTERelation, Relid: 2, Relkind: 'r', Eref: &Alias{Name: "u", Colnames: []string{"b"}}}},
		JoinTree:    &FromExpr{FromList: []JoinNode{&RangeTblRef{1}}, Quals: eq(intVar(1, 1, 0), intVar(1, 1, 1))},
		TargetList:  []*TargetEntry{{Expr: intConst(1), Resno: 1}},
	}
	link := &SubLink{Result: Result{ResType: 16}, SubLinkType: ExistsSublink, Subselect: sub}
	return &Query{
		CommandType: CmdSelect, CanSetTag: true,
		RTable: []*RangeTblEntry{
			{Kind: RTERelation, Relid: 1, Eref: &Alias{Name: "t", Colnames: []string{"a"}}, SelectedCols: []int16{1, -1}},
			{Kind: RTEValues, ValuesLists: [][]Expr{{intConst(1)}, {intConst(-2)}}},
		},
		JoinTree: &FromExpr{FromList: []JoinNode{&RangeTblRef{1}}, Quals: link},
		TargetList: []*TargetEntry{{Resno: 1, Resname: "c", Expr: &CaseExpr{
			Result:    Result{ResType: 25, ResTypmod: -1},
			Whens:     []*CaseWhen{{Expr: &DistinctExpr{OpExpr: *eq(intVar(1, 1, 0), intConst(1))}, Result: text}},
			Defresult: &Const{Result: Result{ResType: 25}, Value: types.Null},
		}}},
		SetOperations: &SetOperationStmt{Op: SetOpUnion, Larg: &RangeTblRef{1}, Rarg: &RangeTblRef{2}},
	}
}

func TestCodecRoundTrip(t *testing.T) {
	q := sample()
	text := Encode(q)
	n, err := Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if !Equal(q, n) {
		t.Fatalf("decoded tree differs:\n%s\n%s", text, Encode(n))
	}
	if again := Encode(n); again != text {
		t.Fatalf("second text differs:\n%s\n%s", text, again)
	}
}

func TestDecodeGarbage(t *testing.T) {
	for _, s := range []string{
		"", "{", "{Var", "{Nope}", "{Var :Result 1}", "{Var :Varno x}", "{Var :Varno 99999999999999999999}",
		"{OpExpr :Args (}", "{OpExpr :Args ({Query})}", "{Const :Value q}", "{Const :Value xf}", "{Const :Value w-1}",
		"{Query :UtilityStmt {Var}}", "{Var} x", "{TargetEntry :Resname \"a}", "{FuncExpr :RetSet 1}",
	} {
		if n, err := Decode(s); err == nil {
			t.Errorf("%q decoded to %s", s, Encode(n))
		}
	}
}

func TestEqualAndCopy(t *testing.T) {
	q := sample()
	c := Copy(q)
	if !Equal(q, c) {
		t.Fatal("copy differs")
	}
	c.TargetList[0].Expr.(*CaseExpr).Whens[0].Result.(*Const).Location = 77
	if !Equal(q, c) {
		t.Fatal("positions count")
	}
	c.RTable[1].ValuesLists[1][0].(*Const).Value = types.Int(3)
	if Equal(q, c) {
		t.Fatal("a changed constant goes unnoticed, or is shared with the original")
	}
	if Equal(intVar(1, 1, 0), intConst(1)) || Equal(intVar(1, 1, 0), intVar(1, 1, 1)) || Equal(q, nil) || !Equal(nil, nil) {
		t.Fatal("Equal of small trees is wrong")
	}
}

func TestWalkLevels(t *testing.T) {
	got := map[[2]int]int{}
	WalkLevels(sample(), func(n Node, level int) bool {
		if v, ok := n.(*Var); ok {
			got[[2]int{level, v.Varlevelsup}]++
		}
		return true
	})
	if got[[2]int{0, 0}] != 1 || got[[2]int{1, 0}] != 1 || got[[2]int{1, 1}] != 1 || len(got) != 3 {
		t.Fatalf("variables by level and levels up: %v", got)
	}
	inside := 0
	WalkExpr(sample(), func(n Node) bool {
		if _, ok := n.(*Var); ok {
			inside++
		}
		return true
	})
	if inside != 1 {
		t.Fatalf("WalkExpr saw %d variables, want the one outside the subselect", inside)
	}
}

func TestMutateSharesAndCopies(t *testing.T) {
	e := eq(intVar(1, 1, 0), intConst(5))
	if Mutate(e, func(x Expr) Expr { return x }) != Expr(e) {
		t.Fatal("an unchanged tree was copied")
	}
	r := Mutate(e, func(x Expr) Expr {
		if v, ok := x.(*Var); ok && v.Varno == 1 {
			return intVar(2, 7, 0)
		}
		return x
	}).(*OpExpr)
	if r == e || e.Args[0].(*Var).Varno != 1 || r.Args[0].(*Var).Varno != 2 || r.Args[1] != e.Args[1] {
		t.Fatal("copy on write is wrong")
	}
	q := sample()
	before := Encode(q)
	up := IncrementQueryLevels(q, 1, 0)
	if Encode(q) != before {
		t.Fatal("the original changed")
	}
	if !ContainVarsOfLevel(up, 1) || ContainVarsOfLevel(up, 0) {
		t.Fatal("levels were not raised")
	}
	if back := IncrementQueryLevels(up, -1, 1); !Equal(back, q) {
		t.Fatal("raising and lowering is not the identity")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(sample()))
	f.Add("{OpExpr :Args ({Var :Varno 1} ~)}")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Decode(s)
		if err != nil {
			return
		}
		text := Encode(n)
		m, err := Decode(text)
		if err != nil {
			t.Fatalf("own text refused: %v: %s", err, text)
		}
		if !Equal(n, m) {
			t.Fatalf("not equal after a round trip: %s", text)
		}
		Walk(n, func(Node) bool { return true })
		Copy(n)
	})
}
