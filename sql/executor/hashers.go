package executor

import (
	"bytes"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/types"
)

// hasher returns the hash function of a type.
func (e *Env) hasher(typ, coll ids.Oid) (func(types.Datum) uint64, error) {
	t, err := e.typ(typ)
	if err != nil {
		return nil, err
	}
	h := types.Hasher(t, coll)
	if h == nil {
		return nil, pgerr.New(pgerr.UndefinedFunction, "could not identify a hash function for type %s", e.Catalog.TypeName(typ))
	}
	return h, nil
}

// reprOf tells how values of a type compare under its default operator class.
func (e *Env) reprOf(typ ids.Oid) repr {
	switch e.baseOid(typ) {
	case int2Oid, int4Oid, int8Oid, dateOid, timeOid, timestampOid, timestamptzOid, 790:
		return reprSigned
	case boolOid, charOid, oidOid, tidOid, xidOid, cidOid, 3220, 5069, 24, 2202, 2203, 2204, 2205, 2206, 4089, 4096, 4191:
		return reprUnsigned
	case float4Oid, float8Oid:
		return reprFloat
	case textOid, varcharOid, nameOid, byteaOid, uuidOid, 829, 774:
		return reprBytes
	}
	return reprFunc
}

// keyColumn knows how to hash and compare one column of grouping, matching or distinct keys, all of one type.
type keyColumn struct {
	repr repr
	cmp  func(a, b types.Datum) int
	hash func(types.Datum) uint64
	slot *stats.Slot
}

// over reports whether the statement has been told to end, and what is found out about values does not matter any more. It is only asked about
// long values.
func (k *keyColumn) over(n int) bool { return n > types.PaceStride && k.slot.CheckInterrupts() != nil }

// keyColumn returns how values of a type compare for equality; hash asks for a hash function as well.
func (e *Env) keyColumn(typ, coll ids.Oid, hash bool) (keyColumn, error) {
	t, err := e.typ(typ)
	if err != nil {
		return keyColumn{}, err
	}
	k := keyColumn{repr: e.reprOf(typ), cmp: types.Comparer(t, coll), hash: types.Hasher(t, coll), slot: e.Slot}
	if k.cmp == nil {
		if k.repr == reprFunc {
			return k, pgerr.New(pgerr.UndefinedFunction, "could not identify an equality operator for type %s", e.Catalog.TypeName(typ))
		}
		k.cmp = k.repr.cmpDatums
	}
	if hash && k.hash == nil {
		return k, pgerr.New(pgerr.UndefinedFunction, "could not identify a hash function for type %s", e.Catalog.TypeName(typ))
	}
	return k, nil
}

// hashWordOf hashes a word as the type's hash function does: the functions of package types for words are all HashWord,
// but for floats, whose zeros and NaNs are made one first.
func (k *keyColumn) hashWordOf(w uint64) uint64 {
	if k.repr == reprFloat {
		return k.hash(types.Word(w))
	}
	return types.HashWord(w)
}

const nullHash = 0x51ed270b27d4eb4f

// hashVector combines the hashes of a column into h for the rows sel.
func (k *keyColumn) hashVector(v *types.Vector, sel []int32, n int, h []uint64, first bool) {
	combine := func(i int, x uint64) {
		if first {
			h[i] = x
		} else {
			h[i] = types.CombineHash(h[i], x)
		}
	}
	if k.repr != reprFunc && k.repr != reprFloat && v.Kind == types.WordKind && !v.HasNulls && sel == nil && first {
		for i, w := range v.W[:n] {
			h[i] = types.HashWord(w)
		}
		return
	}
	each(sel, n, func(i int) {
		switch {
		case v.IsNull(i):
			combine(i, nullHash)
		case k.repr == reprBytes:
			if !k.over(len(v.B[i])) {
				combine(i, types.HashBytes(v.B[i]))
			}
		case k.repr != reprFunc:
			combine(i, k.hashWordOf(v.W[i]))
		default:
			combine(i, k.hash(v.Get(i)))
		}
	})
}

// equalStored compares position pos of v with a stored value; NULLs are equal.
func (k *keyColumn) equalStored(v *types.Vector, pos int, s *rowStore, row uint32, c int) bool {
	if v.HasNulls && v.IsNull(pos) {
		return s.isNull(row, c)
	}
	r := s.row(row)
	if r[c>>6]&(1<<(uint(c)&63)) != 0 {
		return false
	}
	w := r[s.nullWords+c]
	switch k.repr {
	case reprSigned, reprUnsigned:
		return v.W[pos] == w
	case reprBytes:
		return !k.over(len(v.B[pos])) && bytes.Equal(v.B[pos], s.bytes.get(w))
	case reprFloat:
		return cmpFloat(v.W[pos], w) == 0
	}
	if s.kinds[c] == types.WordKind {
		return k.cmp(v.Get(pos), types.Word(w)) == 0
	}
	return k.cmp(v.Get(pos), types.Bytes(s.bytes.get(w))) == 0
}

// equalRows compares two positions of a vector; NULLs are equal.
func (k *keyColumn) equalRows(a *types.Vector, i int, b *types.Vector, j int) bool {
	if an, bn := a.IsNull(i), b.IsNull(j); an || bn {
		return an == bn
	}
	switch k.repr {
	case reprSigned, reprUnsigned:
		return a.W[i] == b.W[j]
	case reprBytes:
		return !k.over(len(a.B[i])) && bytes.Equal(a.B[i], b.B[j])
	case reprFloat:
		return cmpFloat(a.W[i], b.W[j]) == 0
	}
	return k.cmp(a.Get(i), b.Get(j)) == 0
}

// equalDatums compares two values; NULLs are equal.
func (k *keyColumn) equalDatums(a, b types.Datum) bool {
	if a.IsNull() || b.IsNull() {
		return a.IsNull() == b.IsNull()
	}
	return k.cmp(a, b) == 0
}

// keyColumns prepares columns cols (1-based) of a node's output for comparison.
func (e *Env) keyColumns(outs []ids.Oid, cols []int, colls []ids.Oid, hash bool) ([]keyColumn, error) {
	ks := make([]keyColumn, len(cols))
	for i, c := range cols {
		if c < 1 || c > len(outs) {
			return nil, pgerr.Internal("key column %d of %d", c, len(outs))
		}
		coll := ids.Oid(0)
		if i < len(colls) {
			coll = colls[i]
		}
		k, err := e.keyColumn(outs[c-1], coll, hash)
		if err != nil {
			return nil, err
		}
		ks[i] = k
	}
	return ks, nil
}
