package partition

import (
	"cmp"
	"testing"

	"gompho/internal/ids"
	"gompho/sql/query"
	"gompho/types"

	"pgregory.net/rapid"
)

const domain = 7 // values 0 to 6, and NULL

func pruneKey(strategy byte, cols int) *Key {
	k := &Key{Strategy: strategy, Atts: make([]int16, cols)}
	for i := range cols {
		k.Atts[i] = int16(i + 1)
		k.Compare = append(k.Compare, func(a, b types.Datum) int { return cmp.Compare(a.Int(), b.Int()) })
		k.HashFn = append(k.HashFn, func(d types.Datum, seed uint64) uint64 { return uint64(d.Int())*0x9E3779B97F4A7C15 ^ seed })
	}
	return k
}

func pruneConst(v int) query.Expr { return &query.Const{Value: types.Int(int64(v))} }

func prunedBound(t *rapid.T, strategy byte, cols int) *query.PartitionBound {
	b := &query.PartitionBound{Strategy: strategy}
	switch strategy {
	case List:
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			b.List = append(b.List, pruneConst(rapid.IntRange(0, domain-1).Draw(t, "item")))
		}
		if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
			b.List = append(b.List, &query.Const{Value: types.Null})
		}
	case Range:
		side := func(name string, end query.RangeKind) []*query.RangeDatum {
			var l []*query.RangeDatum
			open := false
			for range cols {
				if open = open || rapid.IntRange(0, 5).Draw(t, name+" open") == 0; open {
					l = append(l, &query.RangeDatum{Kind: end})
					continue
				}
				l = append(l, &query.RangeDatum{Value: pruneConst(rapid.IntRange(0, domain-1).Draw(t, name))})
			}
			return l
		}
		kind := func(name string) query.RangeKind {
			if rapid.Bool().Draw(t, name) {
				return query.RangeMax
			}
			return query.RangeMin
		}
		b.Lower, b.Upper = side("lower", kind("lower end")), side("upper", kind("upper end"))
	default:
		b.Modulus = int32(rapid.SampledFrom([]int{2, 4, 8}).Draw(t, "modulus"))
		b.Remainder = int32(rapid.IntRange(0, int(b.Modulus)-1).Draw(t, "remainder"))
	}
	return b
}

func prunedDesc(t *rapid.T, k *Key) *Desc {
	var list []Child
	d, err := NewDesc(k, nil)
	for i := range rapid.IntRange(1, 8).Draw(t, "tries") {
		b := prunedBound(t, k.Strategy, k.Cols())
		if k.Strategy != Hash && rapid.IntRange(0, 6).Draw(t, "default") == 0 {
			b = &query.PartitionBound{Strategy: k.Strategy, IsDefault: true}
		}
		if d.Conflict(k, b).Kind != Fits || repeats(b) {
			continue
		}
		list = append(list, Child{Oid: ids.Oid(i + 1), Leaf: true, Bound: b})
		if d, err = NewDesc(k, list); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func repeats(b *query.PartitionBound) bool {
	seen := map[int64]bool{}
	for _, e := range b.List {
		if v := e.(*query.Const).Value; !v.IsNull() {
			if seen[v.Int()] {
				return true
			}
			seen[v.Int()] = true
		}
	}
	return false
}

func prunedValue(t *rapid.T) types.Datum {
	if v := rapid.IntRange(0, domain).Draw(t, "value"); v < domain {
		return types.Int(int64(v))
	}
	return types.Null
}

func prunedCond(t *rapid.T, cols, depth int, vals *[]Value) *Cond {
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	if kind < 4 && depth > 0 {
		c := &Cond{Kind: CondKind(kind % 2)}
		for range rapid.IntRange(1, 4).Draw(t, "args") {
			c.Args = append(c.Args, prunedCond(t, cols, depth-1, vals))
		}
		return c
	}
	c := &Cond{Kind: Compare, Col: rapid.IntRange(0, cols-1).Draw(t, "column")}
	switch kind {
	case 8:
		c.Kind = IsNull
		return c
	case 9:
		c.Kind = NotNull
		return c
	}
	c.Strategy, c.Value = rapid.SampledFrom([]int{1, 2, 3, 3, 4, 5, NotEqual}).Draw(t, "strategy"), len(*vals)
	v := Value{Known: rapid.IntRange(0, 7).Draw(t, "known") > 0}
	if v.List = kind == 7; v.List {
		c.All = rapid.Bool().Draw(t, "all")
		for range rapid.IntRange(0, 3).Draw(t, "elems") {
			v.Elems = append(v.Elems, prunedValue(t))
		}
	} else {
		v.D = prunedValue(t)
	}
	*vals = append(*vals, v)
	return c
}

// holds is the condition over a row: true only when it can be true whatever the unknown values are.
func holds(c *Cond, row []types.Datum, vals []Value) bool {
	switch c.Kind {
	case And:
		for _, a := range c.Args {
			if !holds(a, row, vals) {
				return false
			}
		}
		return true
	case Or:
		for _, a := range c.Args {
			if holds(a, row, vals) {
				return true
			}
		}
		return false
	case IsNull:
		return row[c.Col].IsNull()
	case NotNull:
		return !row[c.Col].IsNull()
	}
	v := vals[c.Value]
	one := func(d types.Datum) bool {
		if d.IsNull() || row[c.Col].IsNull() {
			return false
		}
		x := cmp.Compare(row[c.Col].Int(), d.Int())
		return [...]bool{1: x < 0, 2: x <= 0, 3: x == 0, 4: x >= 0, 5: x > 0, NotEqual: x != 0}[c.Strategy]
	}
	switch {
	case !v.Known:
		return true
	case !v.List:
		return one(v.D)
	}
	for _, e := range v.Elems {
		if one(e) != c.All {
			return !c.All
		}
	}
	return c.All
}

func eachPrunedRow(cols int, f func([]types.Datum)) {
	row := make([]types.Datum, cols)
	var fill func(i int)
	fill = func(i int) {
		if i == cols {
			f(row)
			return
		}
		for v := range domain {
			row[i] = types.Int(int64(v))
			fill(i + 1)
		}
		row[i] = types.Null
		fill(i + 1)
	}
	fill(0)
}

func TestPruneAgainstRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		strategy := rapid.SampledFrom([]byte{List, Range, Hash}).Draw(t, "strategy")
		cols := 1
		if strategy != List {
			cols = rapid.IntRange(1, 3).Draw(t, "columns")
		}
		k := pruneKey(strategy, cols)
		d := prunedDesc(t, k)
		var vals []Value
		c := prunedCond(t, cols, 2, &vals)
		got := d.Prune(k, c, vals)
		eachPrunedRow(cols, func(row []types.Datum) {
			if at := d.Find(k, row); at >= 0 && holds(c, row, vals) && !got.Has(at) {
				t.Fatalf("row %v of partition %d meets the condition, but only %b are kept", row, at, got)
			}
		})
	})
}

// One comparison with each column leaves no partition more than rows of it need.
func TestPruneIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		strategy := rapid.SampledFrom([]byte{List, Hash, Range}).Draw(t, "strategy")
		cols := 1
		if strategy != List {
			cols = rapid.IntRange(1, 2).Draw(t, "columns")
		}
		k := pruneKey(strategy, cols)
		d := prunedDesc(t, k)
		c, row := &Cond{Kind: And}, make([]types.Datum, cols)
		var vals []Value
		for i := range cols {
			row[i] = types.Int(int64(rapid.IntRange(0, domain-1).Draw(t, "value")))
			vals = append(vals, Value{Known: true, D: row[i]})
			c.Args = append(c.Args, &Cond{Kind: Compare, Col: i, Strategy: 3, Value: i})
		}
		got, at := d.Prune(k, c, vals), d.Find(k, row)
		if want := min(1, at+1); got.Count() != want || at >= 0 && !got.Has(at) {
			t.Fatalf("%v: partitions %b are kept, it belongs to %d", row, got, at)
		}
	})
}
