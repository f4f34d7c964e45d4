package btree

import (
	"bytes"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/tuple"
	"gompho/types"
)

// fastKind is a first key column that is compared without decoding it.
type fastKind uint8

const (
	fastNone fastKind = iota
	fastInt2
	fastInt4
	fastInt8
	fastWord4
	fastWord8
	fastBytes // stored as varlena, in the order of bytes
)

func fastOf(ix *Index) fastKind {
	if len(ix.Keys) == 0 {
		return fastNone
	}
	stored := ix.layout.First()
	switch ix.Keys[0].Order {
	case OrderSigned:
		switch stored {
		case tuple.StoredInt2:
			return fastInt2
		case tuple.StoredInt4:
			return fastInt4
		case tuple.StoredWord8:
			return fastInt8
		}
	case OrderUnsigned:
		switch stored {
		case tuple.StoredWord4:
			return fastWord4
		case tuple.StoredWord8:
			return fastWord8
		}
	case OrderBytes:
		if stored == tuple.StoredVarlena {
			return fastBytes
		}
	}
	return fastNone
}

// compressOver is the size in bytes over which a value in an item is compressed.
const compressOver = 508

// form appends the item of values (all columns) for tid to dst.
func (ix *Index) form(values []types.Datum, tid ids.TID, dst []byte) (item, error) {
	it, err := ix.formAttrs(values, tid, dst)
	if err != nil {
		return nil, err
	}
	if len(it) <= maxItem {
		return it, nil
	}
	heapName := ""
	if ix.Heap != nil {
		heapName = ix.Heap.Name
	}
	return nil, pgerr.New(pgerr.ProgramLimitExceeded, "index row size %d exceeds btree version %d maximum %d for index \"%s\"",
		tuple.Align8(len(it)), 4, maxItem, ix.Name).
		WithDetail("Index row references tuple (%d,%d) in relation \"%s\".", tid.Block, tid.Offset, heapName).
		WithHint("Values larger than 1/3 of a buffer page cannot be indexed.\nConsider a function index of an MD5 hash of the value, or use full text indexing.").
		WithTable(ix.Schema, ix.Table)
}

// formAttrs appends an item with as many leading attributes as values has.
func (ix *Index) formAttrs(values []types.Datum, tid ids.TID, dst []byte) (item, error) {
	start := len(dst)
	info := uint16(0)
	var head [itemHeader + nullBytes]byte
	n := itemHeader
	var stored tuple.Stored
	for i := range values {
		if values[i].IsNull() {
			info, n = infoNulls, itemHeader+nullBytes
		} else if a := &ix.Desc.Attrs[i]; a.Len == -1 && len(values[i].Bytes()) > compressOver && (a.Storage == 'x' || a.Storage == 'm') {
			if block, ok := tuple.Pack(values[i].Bytes()); ok {
				if stored == nil {
					stored = make(tuple.Stored, len(values))
				}
				stored[i] = tuple.AppendPacked(nil, block, len(values[i].Bytes()))
			}
		}
	}
	dst = append(dst, head[:n]...)
	var nulls []byte
	if info != 0 {
		nulls = dst[start+itemHeader:]
	}
	dst, _, err := ix.layout.AppendData(values, stored, nulls, dst)
	if err != nil {
		return nil, err
	}
	it := item(dst[start:])
	it.setTID(tid)
	le.PutUint16(it[6:], info)
	return it, nil
}

// searchKey is a position in the order of the index: values of the first key columns, and perhaps a tid. It refers to the caller's values.
type searchKey struct {
	vals    []types.Datum
	tid     ids.TID
	hasTID  bool
	pivot   bool // the key is that of a pivot: equal to one, it belongs left of it
	nextKey bool // looking for the first item after all equal ones, rather than the first equal one

	fast  fastKind // fastNone: compare attribute by attribute
	desc  bool     // of the first column
	word  uint64
	bytes []byte
}

// key prepares a search for vals.
func (ix *Index) key(vals []types.Datum) searchKey {
	k := searchKey{vals: vals}
	if len(vals) > 0 && ix.fast != fastNone && !vals[0].IsNull() {
		k.fast, k.desc = ix.fast, ix.Keys[0].Desc
		if k.fast == fastBytes {
			k.bytes = vals[0].Bytes()
		} else {
			k.word = vals[0].Word()
		}
	}
	return k
}

func order[T int64 | uint64](a, b T) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// compareFirst compares the first column by its stored bytes; ok is false when that cannot be done.
func (k *searchKey) compareFirst(it item) (c int, ok bool) {
	d := it[itemHeader:]
	switch k.fast {
	case fastInt4:
		if len(d) < 4 {
			return 0, false
		}
		c = order(int64(k.word), int64(int32(le.Uint32(d))))
	case fastInt8:
		if len(d) < 8 {
			return 0, false
		}
		c = order(int64(k.word), int64(le.Uint64(d)))
	case fastWord4:
		if len(d) < 4 {
			return 0, false
		}
		c = order(k.word, uint64(le.Uint32(d)))
	case fastWord8:
		if len(d) < 8 {
			return 0, false
		}
		c = order(k.word, le.Uint64(d))
	case fastInt2:
		if len(d) < 2 {
			return 0, false
		}
		c = order(int64(k.word), int64(int16(le.Uint16(d))))
	case fastBytes:
		b, plain := tuple.PlainVarlena(d)
		if !plain {
			return 0, false
		}
		c = bytes.Compare(k.bytes, b)
	}
	if k.desc {
		c = -c
	}
	return c, true
}

// compare tells where the key lies relative to an item: negative before it, 0 at it, positive after it.
func (ix *Index) compare(k *searchKey, it item) int {
	info := it.info()
	attrs := ix.nkeys
	if info&infoPivot != 0 {
		attrs = int(info & infoAttrs)
		if attrs == 0 {
			return 1
		}
	}
	n := min(len(k.vals), attrs)
	i := 0
	if k.fast != fastNone && info&infoNulls == 0 {
		c, ok := k.compareFirst(it)
		if ok {
			if c != 0 {
				return c
			}
			i = 1
		}
	}
	if i < n {
		if c := ix.compareAttrs(k.vals[:n], it, i); c != 0 {
			return c
		}
	}
	if len(k.vals) > attrs {
		return 1 // what a pivot leaves out is less than everything
	}
	return k.compareTID(ix, it, info, attrs)
}

func (k *searchKey) compareTID(ix *Index, it item, info uint16, attrs int) int {
	t, ok := it.tid(), true
	if info&infoPivot != 0 {
		t, ok = it.pivotTID()
	}
	if !k.hasTID {
		// All equal items are right of a pivot that has no tid: no need to look left of it.
		if !ok && !k.nextKey && !k.pivot && len(k.vals) == attrs && attrs == ix.nkeys {
			return 1
		}
		return 0
	}
	if !ok {
		return 1
	}
	return order(k.tid.Pack(), t.Pack())
}

// compareAttrs compares attributes, of which those before from are known to be equal.
func (ix *Index) compareAttrs(vals []types.Datum, it item, from int) int {
	data, nulls := it.data()
	off := 0
	for i := range vals {
		null := nulls != nil && (i>>3 >= len(nulls) || nulls[i>>3]&(1<<(i&7)) == 0)
		d := types.Null
		if !null {
			var ok bool
			if d, off, ok = ix.layout.Attr(data, i, off); !ok {
				d, off = types.Null, len(data) // damaged: the checker reports it
			}
		}
		if i < from {
			continue
		}
		if c := ix.compareDatum(i, vals[i], d); c != 0 {
			return c
		}
	}
	return 0
}

// floatOrder maps a float8 to a number in the order of floats: equal floats to equal numbers.
func floatOrder(w uint64) uint64 {
	const sign, inf = 1 << 63, 0x7ff << 52
	switch {
	case w&^uint64(sign) > inf:
		return ^uint64(0)
	case w == sign:
		w = 0
	}
	if w&sign != 0 {
		return ^w
	}
	return w | sign
}

// compareDatum compares two values of key column i in the order of the index.
func (ix *Index) compareDatum(i int, a, b types.Datum) int {
	k := &ix.Keys[i]
	if a.IsNull() || b.IsNull() {
		switch {
		case a.IsNull() && b.IsNull():
			return 0
		case a.IsNull() == k.NullsFirst:
			return -1
		}
		return 1
	}
	c := k.compareValues(a, b)
	if k.Desc {
		return -c
	}
	return c
}

// compareValues compares two values in the order of the operator class.
func (k *Key) compareValues(a, b types.Datum) int {
	switch k.Order {
	case OrderSigned:
		return order(a.Int(), b.Int())
	case OrderUnsigned:
		return order(a.Word(), b.Word())
	case OrderBytes:
		return bytes.Compare(a.Bytes(), b.Bytes())
	case OrderFloat:
		return order(floatOrder(a.Word()), floatOrder(b.Word()))
	}
	return k.Compare(a, b)
}

// values decodes the first n attributes of an item into out. They refer to the item.
func (ix *Index) values(it item, out []types.Datum) error {
	data, nulls := it.data()
	off := 0
	for i := range out {
		if nulls != nil && (i>>3 >= len(nulls) || nulls[i>>3]&(1<<(i&7)) == 0) {
			out[i] = types.Null
			continue
		}
		d, next, ok := ix.layout.Attr(data, i, off)
		if !ok {
			return pgerr.New(pgerr.IndexCorrupted, "index \"%s\" contains a damaged item", ix.Name)
		}
		out[i], off = d, next
	}
	return nil
}

// attrs returns how many key columns an item has.
func (ix *Index) attrs(it item) int {
	if it.isPivot() {
		return int(it.info() & infoAttrs)
	}
	return ix.nkeys
}

// separator makes the pivot between two neighbours on a leaf: with only as many columns of right as tell it from left. When all
// are equal the tid of left decides. left is less than or equal to it, right greater.
func (ix *Index) separator(left, right item) (item, error) {
	lv, rv := make([]types.Datum, ix.nkeys), make([]types.Datum, ix.nkeys)
	if err := ix.values(left, lv); err != nil {
		return nil, err
	}
	if err := ix.values(right, rv); err != nil {
		return nil, err
	}
	keep := ix.keepAttrs(lv, rv)
	it, err := ix.formAttrs(rv[:min(keep, ix.nkeys)], ids.TID{}, nil)
	if err != nil {
		return nil, err
	}
	info := it.info() | infoPivot | uint16(min(keep, ix.nkeys))
	if keep > ix.nkeys {
		info |= infoPivotTID
		for len(it)%8 != 0 {
			it = append(it, 0)
		}
		it = le.AppendUint64(it, left.tid().Pack())
	}
	le.PutUint16(it[6:], info)
	return it, nil
}

// keepAttrs returns how many leading columns tell the rows apart; one more than there are when only the tid does.
func (ix *Index) keepAttrs(left, right []types.Datum) int {
	for i := range left {
		if ix.compareDatum(i, left[i], right[i]) != 0 {
			return i + 1
		}
	}
	return len(left) + 1
}
