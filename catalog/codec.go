package catalog

import (
	"encoding/binary"
	"math"

	"gompho/internal/ids"
	"gompho/types"
)

// AclItem is one entry of an access control list: what Grantor has granted to Grantee (0: everybody).
// The low 16 bits of Privs are privileges, the high 16 bits the grant options for them.
type AclItem struct {
	Grantee, Grantor ids.Oid
	Privs            uint32
}

// Str returns a pointer to s, for the nullable columns of row structs.
func Str(s string) *string { return &s }

// StrValue returns the string behind p, empty for NULL.
func StrValue(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func getString(d types.Datum) string { return string(d.Bytes()) }

func getBytes(d types.Datum) []byte {
	if d.IsNull() {
		return nil
	}
	return append([]byte{}, d.Bytes()...)
}

func putNullText(s *string) types.Datum {
	if s == nil {
		return types.Null
	}
	return types.String(*s)
}

func getNullText(d types.Datum) *string {
	if d.IsNull() {
		return nil
	}
	return Str(getString(d))
}

func putDatum(d types.Datum) types.Datum { return d }
func getDatum(d types.Datum) types.Datum { return d.Clone() }

var le = binary.LittleEndian

// The arrays of catalog rows have one dimension, no NULLs and elements of fixed width or text.

func putFixed[T any](v []T, elem ids.Oid, lbound int32, width int, put func([]byte, T)) types.Datum {
	b := arrayHeader(len(v), elem, lbound, width*len(v))
	for _, x := range v {
		n := len(b)
		b = b[:n+width]
		put(b[n:], x)
	}
	return types.Bytes(b)
}

func putOidVector(v []ids.Oid) types.Datum {
	return putFixed(v, 26, 0, 4, func(b []byte, o ids.Oid) { le.PutUint32(b, uint32(o)) })
}

func putInt2Vector(v []int16) types.Datum {
	return putFixed(v, 21, 0, 2, func(b []byte, o int16) { le.PutUint16(b, uint16(o)) })
}

func putOids(v []ids.Oid) types.Datum {
	if v == nil {
		return types.Null
	}
	return putFixed(v, 26, 1, 4, func(b []byte, o ids.Oid) { le.PutUint32(b, uint32(o)) })
}

func putInt2s(v []int16) types.Datum {
	if v == nil {
		return types.Null
	}
	return putFixed(v, 21, 1, 2, func(b []byte, o int16) { le.PutUint16(b, uint16(o)) })
}

func putFloat4s(v []float32) types.Datum {
	if v == nil {
		return types.Null
	}
	return putFixed(v, 700, 1, 4, func(b []byte, f float32) { le.PutUint32(b, math.Float32bits(f)) })
}

func putChars(v []byte) types.Datum {
	if v == nil {
		return types.Null
	}
	return putFixed(v, 18, 1, 1, func(b []byte, c byte) { b[0] = c })
}

func putAcl(v []AclItem) types.Datum {
	if v == nil {
		return types.Null
	}
	return putFixed(v, 1033, 1, 12, func(b []byte, a AclItem) {
		le.PutUint32(b, uint32(a.Grantee))
		le.PutUint32(b[4:], uint32(a.Grantor))
		le.PutUint32(b[8:], a.Privs)
	})
}

func putTexts(v []string) types.Datum {
	if v == nil {
		return types.Null
	}
	size := 0
	for _, s := range v {
		size += 4 + len(s)
	}
	return types.Bytes(appendTexts(arrayHeader(len(v), 25, 1, size), v))
}

func getFixed[T any](d types.Datum, width int, get func([]byte) T) []T {
	if d.IsNull() {
		return nil
	}
	n, b := arrayBody(d.Bytes())
	v := make([]T, n)
	for i := range v {
		v[i] = get(b[i*width:])
	}
	return v
}

func getOids(d types.Datum) []ids.Oid {
	return getFixed(d, 4, func(b []byte) ids.Oid { return ids.Oid(le.Uint32(b)) })
}

func getInt2s(d types.Datum) []int16 {
	return getFixed(d, 2, func(b []byte) int16 { return int16(le.Uint16(b)) })
}

func getFloat4s(d types.Datum) []float32 {
	return getFixed(d, 4, func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) })
}

func getChars(d types.Datum) []byte { return getFixed(d, 1, func(b []byte) byte { return b[0] }) }

func getAcl(d types.Datum) []AclItem {
	return getFixed(d, 12, func(b []byte) AclItem {
		return AclItem{ids.Oid(le.Uint32(b)), ids.Oid(le.Uint32(b[4:])), le.Uint32(b[8:])}
	})
}
