package btree

import (
	"fmt"

	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/types"
)

// Contains reports whether the index has an entry of these key values for tid, dead or not.
func (ix *Index) Contains(slot *stats.Slot, values []types.Datum, tid ids.TID) (bool, error) {
	k := ix.key(values[:ix.nkeys])
	k.tid, k.hasTID = tid, true
	b, err := ix.descend(slot, &k, 0, buffer.Share, nil)
	if err != nil {
		return false, err
	}
	defer b.UnlockRelease()
	n := nodeOf(b)
	off := ix.find(n, &k)
	return off <= n.MaxOffset() && ix.compare(&k, item(n.Item(off))) == 0, nil
}

// Verify looks at the whole index and calls bad for everything that is wrong with it, and entry for every leaf entry that is not marked dead, with its place
// and values that are valid during the call. The caller keeps writers away. An error means that the index could not be read.
func (ix *Index) Verify(slot *stats.Slot, bad func(blk ids.BlockNumber, problem string), entry func(blk ids.BlockNumber, off ids.OffsetNumber, values []types.Datum, tid ids.TID)) error {
	root, level, err := ix.meta(slot)
	if err != nil {
		return err
	}
	v := verifier{ix: ix, slot: slot, bad: bad, entry: entry, seen: map[ids.BlockNumber]bool{}}
	for i := range v.vals {
		v.vals[i] = make([]types.Datum, len(ix.Desc.Attrs))
	}
	v.expect = []expected{{blk: root}}
	for ; level >= 0; level-- {
		if err := v.level(level); err != nil {
			return err
		}
	}
	return nil
}

// expected is a page that the level above points to, with the key that bounds it from below.
type expected struct {
	blk ids.BlockNumber
	low item // nil: the leftmost page
}

// verifier checks an index level by level, from the root down.
type verifier struct {
	ix     *Index
	slot   *stats.Slot
	bad    func(ids.BlockNumber, string)
	entry  func(ids.BlockNumber, ids.OffsetNumber, []types.Datum, ids.TID)
	vals   [3][]types.Datum // scratch
	seen   map[ids.BlockNumber]bool
	expect []expected // pages of this level, from left to right
	below  []expected
}

func (v *verifier) badf(blk ids.BlockNumber, format string, args ...any) {
	v.bad(blk, fmt.Sprintf(format, args...))
}

// level checks the pages of a level along their right links: they must be exactly those that the level above points to, in this order.
func (v *verifier) level(level int) error {
	v.below = nil
	prev, blk := ids.BlockNumber(0), v.expect[0].blk
	var prevHigh item
	i := 0
	for ; blk != 0; i++ {
		if v.seen[blk] {
			v.badf(blk, "page is linked more than once")
			return nil
		}
		v.seen[blk] = true
		var e expected
		if i < len(v.expect) {
			e = v.expect[i]
		}
		if e.blk != blk {
			v.badf(blk, "page of level %d has no downlink in its place (expected block %d)", level, e.blk)
			return nil
		}
		b, err := v.ix.readLocked(v.slot, blk, buffer.Share)
		if err != nil {
			return err
		}
		pg := append(page.Page(nil), b.Page()...)
		b.UnlockRelease()
		n := node{pg}
		v.page(blk, n, level, prev, e, prevHigh)
		prevHigh = nil
		if !n.isRightmost() && n.MaxOffset() >= 1 {
			prevHigh = item(n.Item(1))
		}
		prev, blk = blk, n.next()
	}
	if i < len(v.expect) {
		v.badf(v.expect[i].blk, "downlink to a page that is not linked into level %d", level)
	}
	v.expect = v.below
	if level > 0 && len(v.expect) == 0 {
		v.badf(prev, "level %d has no items", level)
		v.expect = []expected{{}}
	}
	return nil
}

// page checks one page.
func (v *verifier) page(blk ids.BlockNumber, n node, level int, prev ids.BlockNumber, e expected, prevHigh item) {
	if err := page.Check(n.Page); err != nil {
		v.badf(blk, "%v", err)
		return
	}
	switch {
	case n.isDeleted():
		v.badf(blk, "deleted page is linked")
		return
	case n.level() != level || n.isLeaf() != (level == 0):
		v.badf(blk, "page says level %d, is on level %d", n.level(), level)
	case n.prev() != prev:
		v.badf(blk, "left link to %d, expected %d", n.prev(), prev)
	}
	if e.low != nil && prevHigh != nil && v.order(e.low, prevHigh) != 0 {
		v.badf(blk, "separator above differs from the high key of the page to the left")
	}
	var high item
	if !n.isRightmost() {
		if n.MaxOffset() < 1 {
			v.badf(blk, "no high key")
			return
		}
		high = item(n.Item(1))
	}
	var last item
	for off := n.first(); off <= n.MaxOffset(); off++ {
		it := item(n.Item(off))
		if len(it) < itemHeader || it.isPivot() != (level > 0) {
			v.badf(blk, "item %d is no item of level %d", off, level)
			return
		}
		first := off == n.first()
		v.item(blk, off, it, last, e.low, high, level, first)
		last = it
	}
}

func (v *verifier) item(blk ids.BlockNumber, off ids.OffsetNumber, it, last, low, high item, level int, first bool) {
	ix := v.ix
	if level > 0 {
		if first {
			if ix.attrs(it) != 0 {
				v.badf(blk, "first item of an inner page has a key")
			}
			v.below = append(v.below, expected{it.child(), low})
			return
		}
		v.below = append(v.below, expected{it.child(), it})
	}
	if last != nil && ix.attrs(last) > 0 && v.order(last, it) >= 0 {
		v.badf(blk, "item %d is not after the one before it", off)
	}
	if low != nil && v.order(low, it) > 0 {
		v.badf(blk, "item %d is before the page's lower bound", off)
	}
	if high != nil && v.order(it, high) > 0 {
		v.badf(blk, "item %d is after the page's high key", off)
	}
	if level == 0 {
		vals := v.vals[2]
		if err := ix.values(it, vals); err != nil {
			v.badf(blk, "item %d: %v", off, err)
		} else if v.entry != nil {
			v.entry(blk, off, vals, it.tid())
		}
	}
}

// order compares two items, pivots or not.
func (v *verifier) order(a, b item) int {
	n, m := v.ix.attrs(a), v.ix.attrs(b)
	av, bv := v.vals[0][:n], v.vals[1][:m]
	if v.ix.values(a, av) != nil || v.ix.values(b, bv) != nil {
		return 0
	}
	for i := range min(n, m) {
		if c := v.ix.compareDatum(i, av[i], bv[i]); c != 0 {
			return c
		}
	}
	if n != m {
		return n - m // columns left out are less than everything
	}
	return order(tidOf(a), tidOf(b))
}

// SameKey reports whether two entries have the same values: in the key columns by the index's order, in others bytewise.
func (ix *Index) SameKey(a, b []types.Datum) bool {
	for i := range ix.Desc.Attrs {
		switch {
		case i < ix.nkeys:
			if ix.compareDatum(i, a[i], b[i]) != 0 {
				return false
			}
		case a[i].IsNull() || b[i].IsNull():
			if a[i].IsNull() != b[i].IsNull() {
				return false
			}
		case ix.Desc.Attrs[i].Kind() == types.BytesKind:
			if string(a[i].Bytes()) != string(b[i].Bytes()) {
				return false
			}
		case a[i].Word() != b[i].Word():
			return false
		}
	}
	return true
}

// tidOf returns the tid of an item as a number; 0, less than every tid, for a pivot without one.
func tidOf(it item) uint64 {
	if !it.isPivot() {
		return it.tid().Pack()
	}
	t, ok := it.pivotTID()
	if !ok {
		return 0
	}
	return t.Pack()
}

// EqualKeys reports whether two lists of values of the key columns alone are the same in the index's order.
func (ix *Index) EqualKeys(a, b []types.Datum) bool {
	for i := range ix.nkeys {
		if ix.compareDatum(i, a[i], b[i]) != 0 {
			return false
		}
	}
	return true
}
