package executor

import (
	"bytes"
	"encoding/binary"
	"math"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/types"
)

// sortKey is one key of a sort.
type sortKey struct {
	col        int // column of the store
	desc       bool
	nullsFirst bool
	repr       repr
	cmp        func(a, b types.Datum) int // for reprFunc
}

// sortKeys prepares keys over columns of these types.
func (e *Env) sortKeys(keys []plan.SortKey, outs []ids.Oid) ([]sortKey, error) {
	out := make([]sortKey, len(keys))
	for i, k := range keys {
		if k.Col < 1 || k.Col > len(outs) {
			return nil, pgerr.Internal("sort key column %d of %d", k.Col, len(outs))
		}
		s, err := e.sortKey(k, outs[k.Col-1])
		if err != nil {
			return nil, err
		}
		s.col = k.Col - 1
		out[i] = s
	}
	return out, nil
}

func (e *Env) sortKey(k plan.SortKey, typ ids.Oid) (sortKey, error) {
	s := sortKey{desc: k.Desc, nullsFirst: k.NullsFirst, repr: e.reprOf(typ)}
	if s.repr != reprFunc {
		return s, nil
	}
	t, err := e.typ(typ)
	if err != nil {
		return s, err
	}
	if s.cmp = types.Comparer(t, k.Collation); s.cmp == nil {
		return s, pgerr.New(pgerr.UndefinedFunction, "could not identify an ordering operator for type %s", e.Catalog.TypeName(typ)).
			WithHint("Use an explicit ordering operator or modify the query.")
	}
	return s, nil
}

// prefix maps a value to a word whose order does not contradict the key's: unequal prefixes decide.
func (k *sortKey) prefix(s *rowStore, row uint32) uint64 {
	r := s.row(row)
	if r[k.col>>6]&(1<<(uint(k.col)&63)) != 0 {
		if k.nullsFirst {
			return 0
		}
		return math.MaxUint64
	}
	w := r[s.nullWords+k.col]
	switch k.repr {
	case reprSigned:
		w ^= 1 << 63
	case reprUnsigned:
	case reprFloat:
		w = floatOrder(w)
	case reprBytes:
		w = bytesPrefix(s.bytes.get(w))
	default:
		return math.MaxUint64 / 2
	}
	if k.desc {
		w = ^w
	}
	return w
}

// floatOrder maps floats to words in their order, NaN last.
func floatOrder(w uint64) uint64 {
	f := math.Float64frombits(w)
	if f != f {
		return math.MaxUint64
	}
	if f == 0 {
		w = 0
	}
	if w>>63 != 0 {
		return ^w
	}
	return w | 1<<63
}

func bytesPrefix(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var w uint64
	for i, c := range b {
		w |= uint64(c) << (56 - 8*uint(i))
	}
	return w
}

// exact reports whether equal prefixes mean equal values, unless there are NULLs.
func (k *sortKey) exact() bool { return k.repr != reprFunc && k.repr != reprBytes }

// compare orders two stored rows by the key.
func (k *sortKey) compare(a *rowStore, i uint32, b *rowStore, j uint32) int {
	ra, rb := a.row(i), b.row(j)
	bit := uint64(1) << (uint(k.col) & 63)
	na, nb := ra[k.col>>6]&bit != 0, rb[k.col>>6]&bit != 0
	if na || nb {
		return nullOrder(na, nb, k.nullsFirst)
	}
	x, y := ra[a.nullWords+k.col], rb[b.nullWords+k.col]
	var c int
	switch k.repr {
	case reprFunc:
		if a.kinds[k.col] == types.WordKind {
			c = k.cmp(types.Word(x), types.Word(y))
		} else {
			c = k.cmp(types.Bytes(a.bytes.get(x)), types.Bytes(b.bytes.get(y)))
		}
	case reprBytes:
		c = bytes.Compare(a.bytes.get(x), b.bytes.get(y))
	default:
		c = k.repr.cmpWords(x, y)
	}
	if k.desc {
		return -c
	}
	return c
}

func nullOrder(a, b, first bool) int {
	switch {
	case a && b:
		return 0
	case a == first:
		return -1
	}
	return 1
}

// compareDatums orders two values by the key.
func (k *sortKey) compareDatums(a, b types.Datum) int {
	if na, nb := a.IsNull(), b.IsNull(); na || nb {
		return nullOrder(na, nb, k.nullsFirst)
	}
	var c int
	if k.repr == reprFunc {
		c = k.cmp(a, b)
	} else {
		c = k.repr.cmpDatums(a, b)
	}
	if k.desc {
		return -c
	}
	return c
}

func compareRows(keys []sortKey, a *rowStore, i uint32, b *rowStore, j uint32) int {
	for k := range keys {
		if c := keys[k].compare(a, i, b, j); c != 0 {
			return c
		}
	}
	return 0
}

// sortEntry is a row while it is sorted: the prefix of its first key, and where it is.
type sortEntry struct {
	key uint64
	row uint32
}
