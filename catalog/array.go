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
