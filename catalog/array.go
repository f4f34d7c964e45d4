package catalog

import (
	"gompho/internal/ids"
	"gompho/types"
)

// arrayHeader begins a one-dimensional array of n elements with room for size bytes of them.
func arrayHeader(n int, elem ids.Oid, lbound int32, size int) []byte {
	b := make([]byte, 0, 20+size)
	ndim := uint32(1)
	if n == 0 && lbound != 0 {
		ndim = 0
	}
	b = le.AppendUint32(b, ndim)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, uint32(elem))
	if ndim == 1 {
		b = le.AppendUint32(b, uint32(n))
		b = le.AppendUint32(b, uint32(lbound))
	}
	return b
}

// arrayBody returns the number of elements of a one-dimensional array and their bytes.
func arrayBody(b []byte) (int, []byte) {
	if len(b) < 20 || le.Uint32(b) != 1 {
		return 0, nil
	}
	return int(le.Uint32(b[12:])), b[20:]
}

func appendTexts(b []byte, v []string) []byte {
	for _, s := range v {
		b = append(le.AppendUint32(b, uint32(len(s))), s...)
	}
	return b
}

func getTexts(d types.Datum) []string {
	if d.IsNull() {
		return nil
	}
	n, b := arrayBody(d.Bytes())
	v := make([]string, n)
	for i := range v {
		size := le.Uint32(b)
		v[i] = string(b[4 : 4+size])
		b = b[4+size:]
	}
	return v
}

// arrayElement returns the first element of an array of any type.
func arrayElement(d types.Datum, typlen int16, byVal bool, align byte) types.Datum {
	_, b := arrayBody(d.Bytes())
	switch {
	case byVal:
		var w [8]byte
		copy(w[:], b)
		return types.Word(le.Uint64(w[:]))
	case typlen > 0:
		return types.Bytes(b[:typlen])
	}
	return types.Bytes(b[4 : 4+le.Uint32(b)])
}

// oneElementArray makes an array of one value of a column's type.
func oneElementArray(a *PgAttribute, v types.Datum) types.Datum {
	if a.Attbyval {
		b := arrayHeader(1, a.Atttypid, 1, 8)
		return types.Bytes(le.AppendUint64(b, v.Word()))
	}
	b := arrayHeader(1, a.Atttypid, 1, 4+len(v.Bytes()))
	if a.Attlen > 0 {
		return types.Bytes(append(b, v.Bytes()...))
	}
	return types.Bytes(appendTexts(b, []string{v.Str()}))
}
