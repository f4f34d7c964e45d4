package functions

import (
	"strings"
	"testing"

	"gompho/types"
)

// fakePartition has one int4 column that is also the order; its frame is given.
type fakePartition struct {
	vals       []int64 // 0 stands for NULL
	start, end int
	excluded   map[int]bool
	args       []types.Datum // constant arguments after the first
}

func (p *fakePartition) Rows() int           { return len(p.vals) }
func (p *fakePartition) Peers(i, j int) bool { return p.vals[i] == p.vals[j] }
func (p *fakePartition) Arg(arg, row int) (types.Datum, error) {
	if arg > 0 {
		return p.args[arg-1], nil
	}
	if p.vals[row] == 0 {
		return types.Null, nil
	}
	return types.Int(p.vals[row]), nil
}
func (p *fakePartition) Frame() (int, int, error) { return p.start, p.end, nil }
func (p *fakePartition) Excluded(row int) bool    { return p.excluded[row] }

func TestWindowFunctions(t *testing.T) {
	null, i4, f8 := types.Null, types.Builtin(types.Int4Oid), types.Builtin(types.Float8Oid)
	base := fakePartition{vals: []int64{10, 20, 20, 30, 40}, start: 1, end: 4}
	skipping := base
	skipping.excluded = map[int]bool{1: true, 3: true}
	cases := []struct {
		name string
		p    fakePartition
		args []types.Datum
		ret  *types.Type
		want string
	}{
		{"window_row_number", base, nil, i4, "1 2 3 4 5"},
		{"window_rank", base, nil, i4, "1 2 2 4 5"},
		{"window_dense_rank", base, nil, i4, "1 2 2 3 4"},
		{"window_percent_rank", base, nil, f8, "0 0.25 0.25 0.75 1"},
		{"window_cume_dist", base, nil, f8, "0.2 0.6 0.6 0.8 1"},
		{"window_percent_rank", fakePartition{vals: []int64{1}}, nil, f8, "0"},
		{"window_lag", base, nil, i4, "NULL 10 20 20 30"},
		{"window_lead", base, nil, i4, "20 20 30 40 NULL"},
		{"window_lag_with_offset", base, []types.Datum{types.Int(2)}, i4, "NULL NULL 10 20 20"},
		{"window_lag_with_offset", base, []types.Datum{types.Int(-1)}, i4, "20 20 30 40 NULL"},
		{"window_lag_with_offset", base, []types.Datum{null}, i4, "NULL NULL NULL NULL NULL"},
		{"window_lead_with_offset_and_default", base, []types.Datum{types.Int(3), types.Int(-7)}, i4, "30 40 -7 -7 -7"},
		{"window_first_value", base, nil, i4, "20 20 20 20 20"},
		{"window_last_value", base, nil, i4, "30 30 30 30 30"},
		{"window_first_value", skipping, nil, i4, "20 20 20 20 20"},
		{"window_last_value", skipping, nil, i4, "20 20 20 20 20"},
		{"window_nth_value", base, []types.Datum{types.Int(3)}, i4, "30 30 30 30 30"},
		{"window_nth_value", skipping, []types.Datum{types.Int(2)}, i4, "NULL NULL NULL NULL NULL"},
		{"window_nth_value", base, []types.Datum{types.Int(0)}, i4, "22016"},
	}
	for _, c := range cases {
		c.p.args = c.args
		if got := runWindow(t, c.name, &c.p, c.ret); got != c.want {
			t.Errorf("%s over %v = %s, want %s", c.name, c.p.vals, got, c.want)
		}
	}
}

func runWindow(t *testing.T, name string, p *fakePartition, ret *types.Type) string {
	env := DefaultEnv()
	e := Builtins().Lookup(name)
	if e == nil || e.Window == nil {
		t.Fatalf("%s is not there", name)
	}
	w, err := e.Window.New(&AggCall{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Begin(p); err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range p.vals {
		d, err := w.Eval(i)
		if err != nil {
			return strings.Fields(showResult(env, ret, d, err))[1]
		}
		s := showResult(env, ret, d, err)
		if s == `\N` {
			s = "NULL"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// TestNtile compares with PostgreSQL's spread of ten rows over so many buckets.
func TestNtile(t *testing.T) {
	i4 := types.Builtin(types.Int4Oid)
	rows := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for buckets, want := range map[int64]string{1: "1 1 1 1 1 1 1 1 1 1", 3: "1 1 1 1 2 2 2 3 3 3", 4: "1 1 1 2 2 2 3 3 4 4",
		10: "1 2 3 4 5 6 7 8 9 10", 20: "1 2 3 4 5 6 7 8 9 10", 0: "22014"} {
		p := &ntilePartition{fakePartition{vals: rows}, buckets}
		env := DefaultEnv()
		w, _ := Builtins().Lookup("window_ntile").Window.New(&AggCall{Env: env})
		if err := w.Begin(p); err != nil {
			t.Fatal(err)
		}
		var out []string
		for i := range rows {
			d, err := w.Eval(i)
			s := showResult(env, i4, d, err)
			if err != nil {
				out = []string{strings.Fields(s)[1]}
				break
			}
			out = append(out, s)
		}
		if got := strings.Join(out, " "); got != want {
			t.Errorf("ntile(%d) = %s, want %s", buckets, got, want)
		}
	}
}

// ntilePartition has the number of buckets as its first argument.
type ntilePartition struct {
	fakePartition
	buckets int64
}

func (p *ntilePartition) Arg(int, int) (types.Datum, error) { return types.Int(p.buckets), nil }
