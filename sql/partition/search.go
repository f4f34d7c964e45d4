package partition

import (
	"sort"

	"gompho/types"
)

// Find returns the place in the Desc of the partition that a row with these key values belongs to; -1 when there is none. vals has
// one value for each key column.
func (d *Desc) Find(k *Key, vals []types.Datum) int {
	b := d.Bounds
	part := -1
	switch b.Strategy {
	case Hash:
		if b.Modulus == 0 {
			return -1
		}
		return b.Indexes[k.HashRow(vals)%uint64(b.Modulus)]
	case List:
		if vals[0].IsNull() {
			part = b.Null
		} else if i, equal := b.SearchList(k, vals[0]); equal {
			part = b.Indexes[i]
		}
	case Range:
		null := false
		for _, v := range vals[:k.Cols()] {
			null = null || v.IsNull()
		}
		if !null && len(b.Indexes) > 0 {
			part = b.Indexes[b.SearchRange(k, vals[:k.Cols()])+1]
		}
	}
	if part < 0 {
		part = b.Default
	}
	return part
}

// SearchList returns the greatest list value that is not above v, -1 when all are, and whether it equals v.
func (b *Bounds) SearchList(k *Key, v types.Datum) (i int, equal bool) {
	compare := k.Compare[0]
	lo, hi := 0, len(b.Datums)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		c := compare(b.Datums[mid][0], v)
		if c == 0 {
			return mid, true
		}
		if c < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1, false
}

// SearchRange returns the greatest range bound that is not above a row's key, -1 when all are. vals may be the leading columns alone:
// then bounds that begin with them count as equal, and which of them is returned is the last.
func (b *Bounds) SearchRange(k *Key, vals []types.Datum) int {
	lo, hi := 0, len(b.Datums)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if b.CompareRow(k, mid, vals) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

// FirstNotBelow returns the first range bound that is not below the leading columns of a key; the number of bounds when all are.
func (b *Bounds) FirstNotBelow(k *Key, vals []types.Datum) int {
	return sort.Search(len(b.Datums), func(i int) bool { return b.CompareRow(k, i, vals) >= 0 })
}
