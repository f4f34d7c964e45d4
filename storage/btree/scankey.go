package btree

import (
	"slices"

	"gompho/types"
)

// conds are the scan keys of a scan, prepared: what positions it, what ends it, what each item must fulfil.
type conds struct {
	keys  []cond
	never bool // no item can match
	// arrays are the = ANY keys; each combination of their elements is a scan of its own, in the order of the index.
	arrays []arrayCond
	// point: all conditions are equalities of the first key columns, so that the position alone decides.
	point bool

	start []types.Datum // values of the first columns to begin at
	// startAfter: begin after all items equal to start (forward), or at the end of them (backward).
	startAfter bool
}

type cond struct {
	ScanKey
	// Required conditions end the scan when they fail in its direction.
	reqFwd, reqBwd bool
}

type arrayCond struct {
	key   int // index in keys
	elems []types.Datum
	at    int
}

// prepare sorts the keys by column and finds out which of them bound the scan.
func (c *conds) prepare(ix *Index, keys []ScanKey, backward bool) {
	c.keys, c.arrays = c.keys[:0], c.arrays[:0]
	c.never = false
	for _, k := range keys {
		c.keys = append(c.keys, cond{ScanKey: k})
	}
	slices.SortStableFunc(c.keys, func(a, b cond) int { return a.Attr - b.Attr })
	for i := range c.keys {
		k := &c.keys[i]
		if k.IsArray {
			c.addArray(ix, i, backward)
		} else if k.Strategy <= Greater && k.Value.IsNull() {
			c.never = true
		}
	}
	c.require(ix)
	for i := range c.arrays {
		c.keys[c.arrays[i].key].Value = c.arrays[i].elems[0]
	}
}

// addArray sorts the elements of an array condition in the direction of the scan, without NULLs and duplicates.
func (c *conds) addArray(ix *Index, i int, backward bool) {
	k := &c.keys[i]
	cmp := func(a, b types.Datum) int { return ix.compareDatum(k.Attr, a, b) }
	elems := make([]types.Datum, 0, len(k.Array))
	for _, d := range k.Array {
		if !d.IsNull() {
			elems = append(elems, d)
		}
	}
	slices.SortFunc(elems, cmp)
	elems = slices.CompactFunc(elems, func(a, b types.Datum) bool { return cmp(a, b) == 0 })
	if backward {
		slices.Reverse(elems)
	}
	if len(elems) == 0 {
		c.never = true
		return
	}
	c.arrays = append(c.arrays, arrayCond{key: i, elems: elems})
}

// require marks the conditions that end the scan: those on the columns up to the first one without an equality.
func (c *conds) require(ix *Index) {
	attr, equal := 0, false
	c.point = len(c.keys) > 0
	covered := -1
	for i := range c.keys {
		k := &c.keys[i]
		if k.Attr > attr {
			if !equal || k.Attr > attr+1 {
				c.point = false
				return
			}
			attr, equal = k.Attr, false
		}
		desc := ix.Keys[k.Attr].Desc
		switch k.Strategy {
		case Equal, IsNull:
			k.reqFwd, k.reqBwd = true, true
			c.point = c.point && k.Compare == nil && covered < k.Attr
			covered = k.Attr
			// A value of another type does not position the scan, so that later columns bound nothing.
			equal = k.Compare == nil
		case Less, LessEqual:
			k.reqFwd, k.reqBwd = !desc, desc
			c.point = false
		case Greater, GreaterEqual:
			k.reqFwd, k.reqBwd = desc, !desc
			c.point = false
		case IsNotNull:
			nullsFirst := ix.Keys[k.Attr].NullsFirst
			k.reqFwd, k.reqBwd = !nullsFirst, nullsFirst
			c.point = false
		}
	}
}

// position computes where the scan begins, from the present elements of the arrays.
func (c *conds) position(ix *Index, backward bool) {
	c.start = c.start[:0]
	c.startAfter = backward
	for attr, i := 0, 0; attr < len(ix.Keys); attr++ {
		equal := false
		var bound *cond
		notNull := false
		for ; i < len(c.keys) && c.keys[i].Attr == attr; i++ {
			k := &c.keys[i]
			if k.Compare != nil && k.Strategy <= Greater {
				// Values of another type cannot be searched for; but they imply NOT NULL.
				notNull = true
				continue
			}
			switch {
			case k.Strategy == Equal || k.Strategy == IsNull:
				if !equal {
					c.start = append(c.start, k.boundValue())
				}
				equal = true
			case k.Strategy == IsNotNull:
				notNull = true
			default:
				notNull = true
				if c.bounds(ix, k, backward) && (bound == nil || c.tighter(ix, k, bound, backward)) {
					bound = k
				}
			}
		}
		if equal {
			continue
		}
		c.positionRange(ix, attr, bound, notNull, backward)
		return
	}
}

func (k *cond) boundValue() types.Datum {
	if k.Strategy == IsNull {
		return types.Null
	}
	return k.Value
}

// bounds reports whether a range condition bounds the scan at its beginning.
func (c *conds) bounds(ix *Index, k *cond, backward bool) bool {
	lower := k.Strategy >= GreaterEqual
	if ix.Keys[k.Attr].Desc {
		lower = !lower
	}
	return lower != backward
}

// tighter reports whether a begins the scan later than b.
func (c *conds) tighter(ix *Index, a, b *cond, backward bool) bool {
	r := ix.compareDatum(a.Attr, a.Value, b.Value)
	if backward {
		r = -r
	}
	return r > 0 || r == 0 && (a.Strategy == Greater || a.Strategy == Less)
}

// positionRange adds the beginning of a range of column attr to the position.
func (c *conds) positionRange(ix *Index, attr int, bound *cond, notNull, backward bool) {
	if bound != nil {
		c.start = append(c.start, bound.Value)
		strict := bound.Strategy == Greater || bound.Strategy == Less
		// Forward, > begins after the equal items; backward, <= begins at the last of them.
		c.startAfter = strict != backward
		return
	}
	if notNull && ix.Keys[attr].NullsFirst != backward {
		// NULLs lie where the scan would begin: pass them.
		c.start = append(c.start, types.Null)
		c.startAfter = !backward
	}
}

// check tells whether an item fulfils all conditions, and if not, whether the scan can go on in its direction.
func (c *conds) check(ix *Index, vals []types.Datum, backward bool) (match, goOn bool) {
	for i := range c.keys {
		k := &c.keys[i]
		if k.holds(ix, vals[k.Attr]) {
			continue
		}
		return false, !c.ends(ix, k, vals[k.Attr], backward)
	}
	return true, true
}

// ends reports whether nothing beyond an item whose value fails k can match.
func (c *conds) ends(ix *Index, k *cond, v types.Datum, backward bool) bool {
	if !backward && !k.reqFwd || backward && !k.reqBwd {
		// A NULL at the end of the column's order ends a range all the same: only NULLs follow.
		return v.IsNull() && (k.reqFwd || k.reqBwd) && k.Strategy <= Greater && ix.Keys[k.Attr].NullsFirst == backward
	}
	if v.IsNull() && k.Strategy <= Greater && k.Strategy != Equal {
		return ix.Keys[k.Attr].NullsFirst == backward
	}
	if k.Strategy == Equal && k.Compare != nil {
		// The scan was not positioned by this condition: it ends only beyond the value.
		if v.IsNull() {
			return ix.Keys[k.Attr].NullsFirst == backward
		}
		r := k.Compare(v, k.Value)
		if ix.Keys[k.Attr].Desc != backward {
			r = -r
		}
		return r > 0
	}
	return true
}

func (k *cond) holds(ix *Index, v types.Datum) bool {
	switch k.Strategy {
	case IsNull:
		return v.IsNull()
	case IsNotNull:
		return !v.IsNull()
	}
	if v.IsNull() {
		return false
	}
	var r int
	if k.Compare != nil {
		r = k.Compare(v, k.Value)
	} else {
		r = ix.Keys[k.Attr].compareValues(v, k.Value)
	}
	switch k.Strategy {
	case Less:
		return r < 0
	case LessEqual:
		return r <= 0
	case Equal:
		return r == 0
	case GreaterEqual:
		return r >= 0
	}
	return r > 0
}

// nextArray goes to the next combination of array elements; false after the last one.
func (c *conds) nextArray() bool {
	for i := len(c.arrays) - 1; i >= 0; i-- {
		a := &c.arrays[i]
		a.at++
		if a.at < len(a.elems) {
			c.keys[a.key].Value = a.elems[a.at]
			return true
		}
		a.at = 0
		c.keys[a.key].Value = a.elems[0]
	}
	return false
}
