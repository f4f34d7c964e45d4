package types

import (
	"encoding/binary"
	"math/bits"

	"gompho/internal/ids"
)

// Comparer returns the order of the default btree operator class of t, nil if it has none. All
// collations compare byte by byte. The function never sees NULL and does not allocate.
func Comparer(t *Type, _ ids.Oid) func(a, b Datum) int {
	if t.io == nil {
		return nil
	}
	return t.io.cmp
}

// Hasher returns a hash under which equal values of t are equal, nil if t has none. int2, int4 and int8
// hash alike, as do the two float types and the text types. The function never sees NULL and does not allocate.
func Hasher(t *Type, _ ids.Oid) func(d Datum) uint64 {
	if t.io == nil {
		return nil
	}
	return t.io.hash
}

// Equal returns equality as the default operator class sees it, nil if t has no order.
func Equal(t *Type, collation ids.Oid) func(a, b Datum) bool {
	cmp := Comparer(t, collation)
	if cmp == nil {
		return nil
	}
	return func(a, b Datum) bool { return cmp(a, b) == 0 }
}

const (
	hashSeed  = 0x9e3779b97f4a7c15
	hashMul1  = 0xa0761d6478bd642f
	hashMul2  = 0xe7037ed1a0b428db
	hashFinal = 0x8ebc6af09c88c6e3
)

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// HashWord hashes one word.
func HashWord(w uint64) uint64 { return mix(w^hashMul1, hashSeed^hashMul2) }

// HashBytes hashes a byte string.
func HashBytes(b []byte) uint64 {
	h := uint64(len(b)) ^ hashSeed
	for len(b) >= 16 {
		h = mix(binary.LittleEndian.Uint64(b)^hashMul1, binary.LittleEndian.Uint64(b[8:])^h)
		b = b[16:]
	}
	if len(b) >= 8 {
		h = mix(binary.LittleEndian.Uint64(b)^hashMul2, h^hashMul1)
		b = b[8:]
	}
	var tail uint64
	for i, c := range b {
		tail |= uint64(c) << (8 * uint(i))
	}
	return mix(tail^hashMul1, h^hashFinal)
}

// CombineHash makes one hash of two, the order of which matters.
func CombineHash(h, next uint64) uint64 { return mix(h^hashMul1, next^hashMul2) }

func cmpInt(a, b Datum) int {
	x, y := int64(a.word), int64(b.word)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func cmpWord(a, b Datum) int {
	switch {
	case a.word < b.word:
		return -1
	case a.word > b.word:
		return 1
	}
	return 0
}

func cmpBytes(a, b Datum) int {
	x, y := a.Str(), b.Str()
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func hashWordDatum(d Datum) uint64  { return HashWord(d.word) }
func hashBytesDatum(d Datum) uint64 { return HashBytes(d.Bytes()) }
