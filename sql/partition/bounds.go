package partition

import (
	"cmp"
	"slices"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

// Desc lists the partitions of a table, in bound order.
type Desc struct {
	Oids   []ids.Oid
	Leaf   []bool // whether the partition is not partitioned itself
	Bound  []*query.PartitionBound
	Bounds *Bounds
}

// Bounds is all bounds of a table's partitions, sorted.
type Bounds struct {
	Strategy byte
	// List: one value each. Range: one value a key column, which Kinds qualifies. Hash: none.
	Datums [][]types.Datum
	Kinds  [][]query.RangeKind
	// Indexes names partitions by their place in Desc: of each list value; of each gap between range bounds; of each remainder of
	// Modulus. -1: none.
	Indexes []int
	Modulus int // the greatest modulus of hash partitions
	Null    int // partition that takes NULL of a list; -1: none
	Default int // -1: none
}

// Child is a partition that goes into a Desc.
type Child struct {
	Oid   ids.Oid
	Leaf  bool
	Bound *query.PartitionBound
}

// NewDesc puts partitions in order. Errors: XX001 when a bound is not of the key's form.
func NewDesc(k *Key, children []Child) (*Desc, error) {
	for _, c := range children {
		if err := checkForm(k, c.Bound); err != nil {
			return nil, err
		}
	}
	sorted := slices.Clone(children)
	slices.SortStableFunc(sorted, func(a, b Child) int { return k.order(a.Bound, b.Bound) })
	d := &Desc{Bounds: &Bounds{Strategy: k.Strategy, Null: -1, Default: -1}}
	for i, c := range sorted {
		d.Oids, d.Leaf, d.Bound = append(d.Oids, c.Oid), append(d.Leaf, c.Leaf), append(d.Bound, c.Bound)
		if c.Bound.IsDefault {
			d.Bounds.Default = i
		}
	}
	switch k.Strategy {
	case List:
		d.Bounds.fillList(k, d.Bound)
	case Range:
		d.Bounds.fillRange(k, d.Bound)
	default:
		d.Bounds.fillHash(d.Bound)
	}
	return d, nil
}

func checkForm(k *Key, b *query.PartitionBound) error {
	ok := b != nil && (b.IsDefault || b.Strategy == k.Strategy)
	if ok && !b.IsDefault {
		switch k.Strategy {
		case Range:
			ok = len(b.Lower) == k.Cols() && len(b.Upper) == k.Cols()
		case Hash:
			ok = b.Modulus > 0 && b.Remainder >= 0 && b.Remainder < b.Modulus
		}
	}
	if !ok {
		return pgerr.New(pgerr.DataCorrupted, "partition bound is not of the form of the partition key")
	}
	return nil
}

// order compares two partitions by their bounds.
func (k *Key) order(a, b *query.PartitionBound) int {
	if a.IsDefault || b.IsDefault {
		return cmp.Compare(boolInt(a.IsDefault), boolInt(b.IsDefault))
	}
	switch k.Strategy {
	case List:
		x, y := k.smallest(a), k.smallest(b)
		if x.IsNull() || y.IsNull() {
			return cmp.Compare(boolInt(x.IsNull()), boolInt(y.IsNull()))
		}
		return k.Compare[0](x, y)
	case Range:
		return k.CompareBounds(a.Upper, false, b.Upper, false)
	}
	if c := cmp.Compare(a.Modulus, b.Modulus); c != 0 {
		return c
	}
	return cmp.Compare(a.Remainder, b.Remainder)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// smallest returns the smallest value of a list bound; NULL when it has NULL alone.
func (k *Key) smallest(b *query.PartitionBound) types.Datum {
	best := types.Null
	for _, e := range b.List {
		if v := constValue(e); !v.IsNull() && (best.IsNull() || k.Compare[0](v, best) < 0) {
			best = v
		}
	}
	return best
}

func constValue(e query.Expr) types.Datum {
	if c, ok := e.(*query.Const); ok {
		return c.Value
	}
	return types.Null
}

func (b *Bounds) fillList(k *Key, bounds []*query.PartitionBound) {
	type value struct {
		d    types.Datum
		part int
	}
	var vals []value
	for i, p := range bounds {
		for _, e := range p.List {
			if v := constValue(e); v.IsNull() {
				b.Null = i
			} else {
				vals = append(vals, value{v, i})
			}
		}
	}
	slices.SortStableFunc(vals, func(x, y value) int { return k.Compare[0](x.d, y.d) })
	for _, v := range vals {
		b.Datums, b.Indexes = append(b.Datums, []types.Datum{v.d}), append(b.Indexes, v.part)
	}
}

func (b *Bounds) fillRange(k *Key, bounds []*query.PartitionBound) {
	var last []*query.RangeDatum
	for i, p := range bounds {
		if p.IsDefault {
			continue
		}
		if last == nil || k.compareValues(last, p.Lower) != 0 {
			b.addRange(p.Lower, -1)
		}
		b.addRange(p.Upper, i)
		last = p.Upper
	}
	if len(b.Datums) > 0 {
		b.Indexes = append(b.Indexes, -1)
	}
}

func (b *Bounds) addRange(l []*query.RangeDatum, part int) {
	vals, kinds := make([]types.Datum, len(l)), make([]query.RangeKind, len(l))
	for i, d := range l {
		vals[i], kinds[i] = types.Null, d.Kind
		if d.Kind == query.RangeValue {
			vals[i] = constValue(d.Value)
		}
	}
	b.Datums, b.Kinds, b.Indexes = append(b.Datums, vals), append(b.Kinds, kinds), append(b.Indexes, part)
}

func (b *Bounds) fillHash(bounds []*query.PartitionBound) {
	for _, p := range bounds {
		b.Modulus = max(b.Modulus, int(p.Modulus))
	}
	b.Indexes = make([]int, b.Modulus)
	for i := range b.Indexes {
		b.Indexes[i] = -1
	}
	for i, p := range bounds {
		for r := int(p.Remainder); r < b.Modulus; r += int(p.Modulus) {
			b.Indexes[r] = i
		}
	}
}

// compareValues compares two range bounds without regard to which side they bound.
func (k *Key) compareValues(a, b []*query.RangeDatum) int {
	for i := range a {
		if a[i].Kind != b[i].Kind {
			return cmp.Compare(a[i].Kind, b[i].Kind)
		}
		if a[i].Kind != query.RangeValue {
			return 0
		}
		if c := k.Compare[i](constValue(a[i].Value), constValue(b[i].Value)); c != 0 {
			return c
		}
	}
	return 0
}

// CompareBounds compares two range bounds; of equal ones an upper bound comes before a lower bound.
func (k *Key) CompareBounds(a []*query.RangeDatum, aLower bool, b []*query.RangeDatum, bLower bool) int {
	if c := k.compareValues(a, b); c != 0 || aLower == bLower {
		return c
	}
	if aLower {
		return 1
	}
	return -1
}

// CompareRow compares range bound i with the leading columns of a row's key: negative when the bound is below it.
func (b *Bounds) CompareRow(k *Key, i int, vals []types.Datum) int {
	datums, kinds := b.Datums[i], b.Kinds[i]
	for c, v := range vals {
		switch {
		case kinds[c] == query.RangeMin:
			return -1
		case kinds[c] == query.RangeMax:
			return 1
		}
		if r := k.Compare[c](datums[c], v); r != 0 {
			return r
		}
	}
	return 0
}
