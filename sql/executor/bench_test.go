package executor

import (
	"testing"

	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// fakeScan gives n rows of two int4 columns: the row number, and the row number modulo 1000.
type fakeScan struct {
	n, at int
	b     *types.Batch
}

func newFakeScan(n int) *fakeScan {
	f := &fakeScan{n: n, b: newBatch([]types.Kind{types.WordKind, types.WordKind}, BatchSize)}
	for _, v := range f.b.Cols {
		v.Len = BatchSize
	}
	return f
}

func (f *fakeScan) next(max int) (*types.Batch, error) {
	k := min(max, f.n-f.at)
	if k == 0 {
		return nil, nil
	}
	for i := range k {
		f.b.Cols[0].W[i] = uint64(f.at + i)
		f.b.Cols[1].W[i] = uint64((f.at + i) % 1000)
	}
	f.at += k
	f.b.N = k
	return f.b, nil
}

func (f *fakeScan) rescan() error    { f.at = 0; return nil }
func (f *fakeScan) close()           {}
func (f *fakeScan) types() []ids.Oid { return []ids.Oid{int4Oid, int4Oid} }

const benchRows = 1 << 20

func benchAgg(b *testing.B, groupCols []int, aggs ...*query.Aggref) {
	env := testEnv(b, 64<<20)
	a := &plan.Agg{Strategy: plan.AggHashed, GroupCols: groupCols, Aggs: aggs}
	if groupCols == nil {
		a.Strategy = plan.AggPlain
	}
	a.Left = (&table{typs: []ids.Oid{int4Oid, int4Oid}}).scan()
	var l []query.Expr
	for _, x := range aggs {
		l = append(l, x)
	}
	a.TargetList = targets(l...)
	ex, err := Start(env, statement(a), nil, nil, Opts{})
	if err != nil {
		b.Fatal(err)
	}
	n := ex.root.(*aggNode)
	n.child = newFakeScan(benchRows)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		n.close()
		if err := n.rescan(); err != nil {
			b.Fatal(err)
		}
		for {
			out, err := n.next(BatchSize)
			if err != nil {
				b.Fatal(err)
			}
			if out == nil {
				break
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
}

func BenchmarkCountSum(b *testing.B) {
	benchAgg(b, nil, aggref(2803, int8Oid), aggref(2108, int8Oid, outer(1, int4Oid)))
}

func BenchmarkGroupBy(b *testing.B) {
	benchAgg(b, []int{2}, aggref(2803, int8Oid), aggref(2108, int8Oid, outer(1, int4Oid)))
}

func BenchmarkFilter(b *testing.B) {
	env := testEnv(b, 4<<20)
	ex := &Exec{env: env, st: &plan.Statement{}}
	var s stage
	q := op(fnInt4Lt, boolOid, outer(2, int4Oid), int4(500))
	if err := s.init(&compiler{ex: ex, sc: &s.sc, column: outerColumn(2)}, q, nil); err != nil {
		b.Fatal(err)
	}
	f := newFakeScan(benchRows)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		f.at = 0
		for {
			in, _ := f.next(BatchSize)
			if in == nil {
				break
			}
			if _, err := s.run(in); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
}

func BenchmarkSortInts(b *testing.B) {
	env := testEnv(b, 256<<20)
	srt := &plan.Sort{Keys: []plan.SortKey{{Col: 2}, {Col: 1, Desc: true}}}
	srt.Left = (&table{typs: []ids.Oid{int4Oid, int4Oid}}).scan()
	ex, err := Start(env, statement(srt), nil, nil, Opts{})
	if err != nil {
		b.Fatal(err)
	}
	n := ex.root.(*sortNode)
	n.child = newFakeScan(benchRows)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		n.close()
		if err := n.rescan(); err != nil {
			b.Fatal(err)
		}
		if _, err := n.next(BatchSize); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
}

func BenchmarkHashJoin(b *testing.B) {
	env := testEnv(b, 64<<20)
	l, r := &table{typs: []ids.Oid{int4Oid, int4Oid}}, &table{typs: []ids.Oid{int4Oid, int4Oid}}
	h := &plan.Hash{}
	h.Left = r.scan()
	j := &plan.HashJoin{OuterKeys: []query.Expr{outer(2, int4Oid)}, InnerKeys: []query.Expr{inner(1, int4Oid)}}
	j.Left, j.Right, j.TargetList = l.scan(), h, targets(outer(1, int4Oid), inner(2, int4Oid))
	ex, err := Start(env, statement(j), nil, nil, Opts{})
	if err != nil {
		b.Fatal(err)
	}
	n := ex.root.(*hashJoin)
	n.outer, n.inner = newFakeScan(benchRows), newFakeScan(1000)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		n.close()
		if err := n.rescan(); err != nil {
			b.Fatal(err)
		}
		rows := 0
		for {
			out, err := n.next(BatchSize)
			if err != nil {
				b.Fatal(err)
			}
			if out == nil {
				break
			}
			rows += out.Rows()
		}
		if rows != benchRows {
			b.Fatalf("%d rows", rows)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
}

// BenchmarkOneRow is a statement of one row whose run state is used again: its cost beside storage.
func BenchmarkOneRow(b *testing.B) {
	env := testEnv(b, 4<<20)
	r := &plan.Result{}
	r.TargetList = targets(op(fnInt4Pl, int4Oid, &query.Param{Result: res(int4Oid), Kind: query.ParamExtern, ID: 1}, int4(1)))
	st := statement(r)
	st.ResultCols = r.TargetList
	params := []types.Datum{types.Int(1)}
	ex, err := Start(env, st, params, nil, Opts{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for range b.N {
		if err := ex.Reset(params, nil); err != nil {
			b.Fatal(err)
		}
		for {
			out, err := ex.Next(BatchSize)
			if err != nil {
				b.Fatal(err)
			}
			if out == nil {
				break
			}
		}
	}
}
