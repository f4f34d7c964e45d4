package partition

import (
	"testing"

	"pgregory.net/rapid"

	"gompho/internal/ids"
	"gompho/sql/query"
	"gompho/types"
)

func compareInts(a, b types.Datum) int {
	switch {
	case a.Int() < b.Int():
		return -1
	case a.Int() > b.Int():
		return 1
	}
	return 0
}

// intKey is a key of n integer columns. Its hash is not PostgreSQL's, which functions tests.
func intKey(strategy byte, n int) *Key {
	k := &Key{Strategy: strategy}
	for i := range n {
		k.Atts = append(k.Atts, int16(i+1))
		k.Compare = append(k.Compare, compareInts)
		k.HashFn = append(k.HashFn, func(d types.Datum, seed uint64) uint64 { return d.Word()*0x9e3779b97f4a7c15 ^ seed })
	}
	return k
}

func constant(v int) *query.Const { return &query.Const{Value: types.Int(int64(v))} }

// add puts a bound among the children if it fits, and reports whether it did.
func add(t *rapid.T, k *Key, children []Child, b *query.PartitionBound) ([]Child, bool) {
	d, err := NewDesc(k, children)
	if err != nil {
		t.Fatal(err)
	}
	if c := d.Conflict(k, b); c.Kind != Fits {
		return children, false
	}
	return append(children, Child{Oid: ids.Oid(1000 + len(children)), Leaf: true, Bound: b}), true
}

// belongs is the definition of which rows a bound takes, apart from the default partition.
func belongs(k *Key, b *query.PartitionBound, row []types.Datum) bool {
	switch k.Strategy {
	case List:
		for _, e := range b.List {
			v := constValue(e)
			if v.IsNull() && row[0].IsNull() || !v.IsNull() && !row[0].IsNull() && compareInts(v, row[0]) == 0 {
				return true
			}
		}
		return false
	case Hash:
		return k.HashRow(row)%uint64(b.Modulus) == uint64(b.Remainder)
	}
	for _, v := range row {
		if v.IsNull() {
			return false
		}
	}
	return side(b.Lower, row) <= 0 && side(b.Upper, row) > 0
}

// side compares a bound with a row.
func side(l []*query.RangeDatum, row []types.Datum) int {
	for i, d := range l {
		if d.Kind != query.RangeValue {
			return int(d.Kind)
		}
		if c := compareInts(constValue(d.Value), row[i]); c != 0 {
			return c
		}
	}
	return 0
}

func drawBound(t *rapid.T, k *Key) *query.PartitionBound {
	b := &query.PartitionBound{Strategy: k.Strategy}
	if k.Strategy != Hash && rapid.IntRange(0, 9).Draw(t, "default") == 0 {
		b.IsDefault = true
		return b
	}
	value := rapid.IntRange(0, 12)
	switch k.Strategy {
	case List:
		for range rapid.IntRange(1, 3).Draw(t, "values") {
			v := constant(value.Draw(t, "value"))
			if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
				v.Value = types.Null
			}
			b.List = append(b.List, v)
		}
	case Hash:
		b.Modulus = 1 << rapid.IntRange(0, 3).Draw(t, "modulus")
		b.Remainder = rapid.Int32Range(0, b.Modulus-1).Draw(t, "remainder")
	default:
		draw := func(infinite query.RangeKind) []*query.RangeDatum {
			var out []*query.RangeDatum
			kind := query.RangeValue
			for range k.Atts {
				if kind == query.RangeValue && rapid.IntRange(0, 5).Draw(t, "infinite") == 0 {
					kind = infinite
				}
				d := &query.RangeDatum{Kind: kind}
				if kind == query.RangeValue {
					d.Value = constant(value.Draw(t, "bound"))
				}
				out = append(out, d)
			}
			return out
		}
		b.Lower, b.Upper = draw(query.RangeMin), draw(query.RangeMax)
	}
	return b
}

// TestFind compares the search with the definition, over partitions that Conflict let in: each row has at most one.
func TestFind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		strategy := rapid.SampledFrom([]byte{List, Range, Hash}).Draw(t, "strategy")
		n := 1
		if strategy != List {
			n = rapid.IntRange(1, 3).Draw(t, "columns")
		}
		k := intKey(strategy, n)
		var children []Child
		for range rapid.IntRange(0, 12).Draw(t, "partitions") {
			children, _ = add(t, k, children, drawBound(t, k))
		}
		d, err := NewDesc(k, children)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			row := make([]types.Datum, n)
			for i := range row {
				row[i] = types.Int(int64(rapid.IntRange(-1, 13).Draw(t, "key")))
				if rapid.IntRange(0, 12).Draw(t, "null key") == 0 {
					row[i] = types.Null
				}
			}
			want := d.Bounds.Default
			owners := 0
			for i, b := range d.Bound {
				if !b.IsDefault && belongs(k, b, row) {
					want = i
					owners++
				}
			}
			if owners > 1 {
				t.Fatalf("%d partitions take the row %v", owners, row)
			}
			if got := d.Find(k, row); got != want {
				t.Fatalf("row %v: partition %d, want %d", row, got, want)
			}
		}
	})
}

// TestConflict holds what PostgreSQL answers about partitions that do not fit.
func TestConflict(t *testing.T) {
	rng := func(lo, up int) *query.PartitionBound {
		return &query.PartitionBound{Strategy: Range, Lower: []*query.RangeDatum{{Value: constant(lo)}}, Upper: []*query.RangeDatum{{Value: constant(up)}}}
	}
	k := intKey(Range, 1)
	d, err := NewDesc(k, []Child{{Oid: 2, Bound: rng(10, 20)}, {Oid: 1, Bound: rng(0, 10)}, {Oid: 3, Bound: rng(30, 40)}})
	if err != nil {
		t.Fatal(err)
	}
	if d.Oids[0] != 1 || d.Oids[1] != 2 || d.Oids[2] != 3 || len(d.Bounds.Datums) != 5 {
		t.Fatalf("order %v, %d bounds", d.Oids, len(d.Bounds.Datums))
	}
	for _, c := range []struct {
		lo, up int
		want   Conflict
	}{
		{20, 30, Conflict{}},
		{40, 50, Conflict{}},
		{-5, 0, Conflict{}},
		{5, 5, Conflict{Kind: EmptyRange}},
		{7, 5, Conflict{Kind: EmptyRange}},
		{5, 7, Conflict{Kind: Overlap, With: 0, Lower: true}},
		{20, 31, Conflict{Kind: Overlap, With: 2}},
		{-5, 1, Conflict{Kind: Overlap, With: 0}},
		{39, 45, Conflict{Kind: Overlap, With: 2, Lower: true}},
	} {
		if got := d.Conflict(k, rng(c.lo, c.up)); got != c.want {
			t.Errorf("[%d, %d): %+v, want %+v", c.lo, c.up, got, c.want)
		}
	}
	h := intKey(Hash, 1)
	hash := func(m, r int32) *query.PartitionBound {
		return &query.PartitionBound{Strategy: Hash, Modulus: m, Remainder: r}
	}
	if d, err = NewDesc(h, []Child{{Oid: 1, Bound: hash(4, 1)}, {Oid: 2, Bound: hash(8, 2)}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		m, r int32
		want Conflict
	}{
		{4, 0, Conflict{}},
		{16, 6, Conflict{}},
		{6, 0, Conflict{Kind: NotDivisible, With: 0, Other: 4}},
		{3, 0, Conflict{Kind: NotFactor, With: 0, Other: 4}},
		{12, 0, Conflict{Kind: NotDivisible, With: 1, Other: 8}},
		{8, 5, Conflict{Kind: Overlap, With: 0}},
		{16, 10, Conflict{Kind: Overlap, With: 1}},
	} {
		if got := d.Conflict(h, hash(c.m, c.r)); got != c.want {
			t.Errorf("modulus %d, remainder %d: %+v, want %+v", c.m, c.r, got, c.want)
		}
	}
}

// TestBadBounds: what a damaged catalog may hold is an error, not a panic.
func TestBadBounds(t *testing.T) {
	for _, b := range []*query.PartitionBound{nil, {Strategy: List}, {Strategy: Range}, {Strategy: Hash, Modulus: 2, Remainder: 2}} {
		for _, s := range []byte{List, Range, Hash} {
			if b != nil && b.Strategy == s && s == List {
				continue
			}
			if _, err := NewDesc(intKey(s, 1), []Child{{Bound: b}}); err == nil {
				t.Errorf("bound %+v of strategy %c: no error", b, s)
			}
		}
	}
}

func BenchmarkFind(b *testing.B) {
	k := intKey(Range, 1)
	var children []Child
	for i := range 64 {
		children = append(children, Child{Bound: &query.PartitionBound{Strategy: Range, Lower: []*query.RangeDatum{{Value: constant(i * 10)}},
			Upper: []*query.RangeDatum{{Value: constant(i*10 + 10)}}}})
	}
	d, err := NewDesc(k, children)
	if err != nil {
		b.Fatal(err)
	}
	row := make([]types.Datum, 1)
	b.ReportAllocs()
	for i := range b.N {
		row[0] = types.Int(int64(i % 640))
		if d.Find(k, row) != i%640/10 {
			b.Fatal("wrong partition")
		}
	}
}
