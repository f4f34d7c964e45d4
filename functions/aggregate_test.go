package functions

import (
	"bufio"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"gompho/types"
)

// testdata/aggregates/reference.tsv holds aggregates over a few rows and what PostgreSQL 15 answered.

type aggCase struct {
	line   int
	name   string
	ret    *types.Type
	args   []*types.Type
	direct string
	rows   [][]types.Datum
	want   string
}

func readAggregates(t *testing.T, env Env) []aggCase {
	f, err := os.Open("testdata/aggregates/reference.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []aggCase
	sc := bufio.NewScanner(f)
	for line := 1; sc.Scan(); line++ {
		p := strings.Split(sc.Text(), "\t")
		if strings.HasPrefix(sc.Text(), "#") || len(p) != 6 {
			continue
		}
		ac := aggCase{line: line, name: p[0], ret: typeNames[p[1]], direct: p[3], want: unquote(p[5])}
		for _, n := range strings.Split(p[2], ",") {
			ac.args = append(ac.args, typeNames[n])
		}
		if p[4] != "-" {
			for _, r := range strings.Split(p[4], ";") {
				ac.rows = append(ac.rows, readRow(t, env, ac.args, r))
			}
		}
		cases = append(cases, ac)
	}
	return cases
}

func readRow(t *testing.T, env Env, typs []*types.Type, text string) []types.Datum {
	var row []types.Datum
	for i, v := range strings.Split(text, "|") {
		d := types.Null
		if v != "NULL" {
			var err error
			if d, err = types.Input(env, typs[i], unquote(v), -1); err != nil {
				t.Fatal(err)
			}
		}
		row = append(row, d)
	}
	return row
}

func (ac *aggCase) call(t *testing.T, env Env) *AggCall {
	c := &AggCall{Env: env, ArgTypes: ac.args, RetType: ac.ret}
	if ac.direct != "-" {
		name, lit, _ := strings.Cut(ac.direct, "=")
		d, err := types.Input(env, typeNames[name], unquote(lit), -1)
		if err != nil {
			t.Fatal(err)
		}
		c.Direct, c.DirectTypes = []types.Datum{d}, []*types.Type{typeNames[name]}
	}
	return c
}

// vectorOf makes a column of the rows, each after a row that is not to be looked at.
func (ac *aggCase) vectorOf() (v *types.Vector, sel []int32) {
	v = types.NewVector(ac.args[0].Kind(), 2*len(ac.rows)+1)
	for i, r := range ac.rows {
		v.Append(r[0])
		v.Append(r[0])
		sel = append(sel, int32(2*i+1))
	}
	return v, sel
}

func (ac *aggCase) addAll(a Accumulator, rows [][]types.Datum) error {
	for _, r := range rows {
		if err := a.Add(r); err != nil {
			return err
		}
	}
	return nil
}

func TestAggregateReference(t *testing.T) {
	reg, env := Builtins(), DefaultEnv()
	cases := readAggregates(t, env)
	for _, ac := range cases {
		e := reg.Lookup(ac.name)
		if e == nil || e.Agg == nil {
			t.Errorf("line %d: %s is not there", ac.line, ac.name)
			continue
		}
		ways := map[string]func(a, b Accumulator) error{
			"rows": func(a, _ Accumulator) error { return ac.addAll(a, ac.rows) },
			"again": func(a, _ Accumulator) error {
				if err := ac.addAll(a, ac.rows); err != nil {
					return err
				}
				a.Reset()
				return ac.addAll(a, ac.rows)
			},
		}
		if len(ac.args) == 1 {
			ways["selection"] = func(a, _ Accumulator) error {
				v, sel := ac.vectorOf()
				return a.AddVector(v, sel, v.Len)
			}
			ways["column"] = func(a, _ Accumulator) error {
				v := types.NewVector(ac.args[0].Kind(), len(ac.rows)+1)
				for _, r := range ac.rows {
					v.Append(r[0])
				}
				return a.AddVector(v, nil, v.Len)
			}
		}
		if !e.Agg.NoMerge {
			ways["merged"] = func(a, b Accumulator) error {
				half := len(ac.rows) / 2
				if err := ac.addAll(a, ac.rows[:half]); err != nil {
					return err
				}
				if err := ac.addAll(b, ac.rows[half:]); err != nil {
					return err
				}
				return a.Merge(b)
			}
		}
		for way, run := range ways {
			if got := ac.run(t, env, e.Agg, run); got != ac.want && !(way == "merged" && closeFloats(got, ac.want)) {
				t.Errorf("line %d: %s by %s = %s, want %s", ac.line, ac.name, way, got, ac.want)
			}
		}
	}
	if len(cases) < 300 {
		t.Errorf("only %d aggregates ran", len(cases))
	}
}

func (ac *aggCase) run(t *testing.T, env Env, agg *Aggregate, fill func(a, b Accumulator) error) string {
	a, err := agg.New(ac.call(t, env))
	if err != nil {
		return showResult(env, ac.ret, types.Null, err)
	}
	b, err := agg.New(ac.call(t, env))
	if err != nil {
		return showResult(env, ac.ret, types.Null, err)
	}
	if err := fill(a, b); err != nil {
		return showResult(env, ac.ret, types.Null, err)
	}
	d, err := a.Result()
	return showResult(env, ac.ret, d, err)
}

// closeFloats allows for the rounding of sums taken in another order.
func closeFloats(a, b string) bool {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-12*math.Max(math.Abs(x), math.Abs(y))
}

// A moving frame takes rows away again: what is left must be as if they had never been there.
func TestRemove(t *testing.T) {
	reg, env := Builtins(), DefaultEnv()
	removers := 0
	for _, ac := range readAggregates(t, env) {
		e := reg.Lookup(ac.name)
		if e == nil || len(ac.rows) < 2 {
			continue
		}
		a, err := e.Agg.New(ac.call(t, env))
		if err != nil {
			continue
		}
		r, ok := a.(Remover)
		if !ok {
			continue
		}
		removers++
		if err := ac.addAll(a, ac.rows); err != nil {
			continue
		}
		if ok, err := r.Remove(ac.rows[0]); !ok || err != nil {
			continue
		}
		d, err := a.Result()
		got := showResult(env, ac.ret, d, err)
		rest := aggCase{args: ac.args, ret: ac.ret, direct: ac.direct, rows: ac.rows[1:]}
		want := rest.run(t, env, e.Agg, func(a, _ Accumulator) error { return rest.addAll(a, rest.rows) })
		if got != want && !closeFloats(got, want) {
			t.Errorf("line %d: %s without its first row = %s, want %s", ac.line, ac.name, got, want)
		}
	}
	if removers == 0 {
		t.Error("no aggregate can take rows away")
	}
}
