package partition

import (
	"cmp"

	"gompho/sql/query"
)

// ConflictKind says why a partition cannot be added.
type ConflictKind uint8

const (
	Fits          ConflictKind = iota
	SecondDefault              // With is the default partition
	NotFactor                  // the modulus is not a factor of Other, the modulus of With
	NotDivisible               // the modulus is not divisible by Other, the modulus of With
	EmptyRange                 // the lower bound is not below the upper one
	Overlap                    // with With
)

// Conflict is the answer of Desc.Conflict. Item is the place of the list value, or of the column of the lower (Lower) or upper bound, that a
// message points to.
type Conflict struct {
	Kind  ConflictKind
	With  int
	Other int
	Item  int
	Lower bool
}

// Conflict reports whether a partition with a bound can be added.
func (d *Desc) Conflict(k *Key, b *query.PartitionBound) Conflict {
	switch {
	case b.IsDefault:
		if d.Bounds.Default >= 0 {
			return Conflict{Kind: SecondDefault, With: d.Bounds.Default}
		}
		return Conflict{}
	case k.Strategy == Hash:
		return d.hashConflict(b)
	case k.Strategy == List:
		return d.listConflict(k, b)
	}
	return d.rangeConflict(k, b)
}

func (d *Desc) hashConflict(b *query.PartitionBound) Conflict {
	if len(d.Oids) == 0 {
		return Conflict{}
	}
	at := -1
	for i, p := range d.Bound {
		if c := cmp.Compare(p.Modulus, b.Modulus); c < 0 || c == 0 && p.Remainder <= b.Remainder {
			at = i
		}
	}
	if at >= 0 {
		if prev := d.Bound[at].Modulus; b.Modulus%prev != 0 {
			return Conflict{Kind: NotDivisible, With: at, Other: int(prev)}
		}
	}
	if at+1 < len(d.Bound) {
		if next := d.Bound[at+1].Modulus; next%b.Modulus != 0 {
			return Conflict{Kind: NotFactor, With: at + 1, Other: int(next)}
		}
	}
	for r := int(b.Remainder) % d.Bounds.Modulus; r < d.Bounds.Modulus; r += int(b.Modulus) {
		if with := d.Bounds.Indexes[r]; with >= 0 {
			return Conflict{Kind: Overlap, With: with}
		}
	}
	return Conflict{}
}

func (d *Desc) listConflict(k *Key, b *query.PartitionBound) Conflict {
	for i, e := range b.List {
		v := constValue(e)
		if v.IsNull() {
			if d.Bounds.Null >= 0 {
				return Conflict{Kind: Overlap, With: d.Bounds.Null, Item: i}
			}
			continue
		}
		if at, equal := d.Bounds.SearchList(k, v); equal {
			return Conflict{Kind: Overlap, With: d.Bounds.Indexes[at], Item: i}
		}
	}
	return Conflict{}
}

func (d *Desc) rangeConflict(k *Key, b *query.PartitionBound) Conflict {
	if c, col := k.compareSides(b.Lower, true, b.Upper, false); c > 0 {
		return Conflict{Kind: EmptyRange, Item: col}
	}
	bounds := d.Bounds
	if len(bounds.Datums) == 0 {
		return Conflict{}
	}
	// The greatest bound that is not above the new lower one.
	at, equal, col := -1, false, 0
	for i := range bounds.Datums {
		c, n := bounds.compareBound(k, i, b.Lower, true)
		if c > 0 {
			break
		}
		at, equal, col = i, c == 0, n
	}
	if with := bounds.Indexes[at+1]; with >= 0 {
		if equal {
			col = 0
		}
		return Conflict{Kind: Overlap, With: with, Item: col, Lower: true}
	}
	if at+1 < len(bounds.Datums) {
		if c, n := bounds.compareBound(k, at+1, b.Upper, false); c < 0 {
			return Conflict{Kind: Overlap, With: bounds.Indexes[at+2], Item: n}
		}
	}
	return Conflict{}
}

// compareSides is CompareBounds that also tells the column that decided, from 0.
func (k *Key) compareSides(a []*query.RangeDatum, aLower bool, b []*query.RangeDatum, bLower bool) (c, col int) {
	for i := range a {
		col = i
		if a[i].Kind != b[i].Kind {
			return cmp.Compare(a[i].Kind, b[i].Kind), i
		}
		if a[i].Kind != query.RangeValue {
			break
		}
		if c := k.Compare[i](constValue(a[i].Value), constValue(b[i].Value)); c != 0 {
			return c, i
		}
	}
	return boolInt(aLower) - boolInt(bLower), col
}

// compareBound compares stored bound i with a bound. A stored bound that ends a gap is the lower bound of the next partition.
func (b *Bounds) compareBound(k *Key, i int, with []*query.RangeDatum, lower bool) (c, col int) {
	mine := b.Indexes[i] == -1
	datums, kinds := b.Datums[i], b.Kinds[i]
	for j, w := range with {
		col = j
		if kinds[j] != w.Kind {
			return cmp.Compare(kinds[j], w.Kind), j
		}
		if w.Kind != query.RangeValue {
			break
		}
		if c := k.Compare[j](datums[j], constValue(w.Value)); c != 0 {
			return c, j
		}
	}
	return boolInt(mine) - boolInt(lower), col
}
