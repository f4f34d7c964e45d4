package types

import (
	"encoding/binary"
	"math"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// MaxArrayDims and MaxArraySize bound arrays as PostgreSQL does.
const (
	MaxArrayDims = 6
	MaxArraySize = 0x7ffffff
)

// Array is an array value taken apart. An empty array has no dimensions. Elems are in row-major order.
//
// In memory and on the page an array is little-endian: number of dimensions u32, flags u32 (1: has a null
// bitmap), element type u32, the dimensions i32 each, the lower bounds i32 each, the null bitmap (a set bit
// is a NULL), then the elements that are not NULL: words in as many bytes as the type is long (float4 in its
// 4-byte form, tid in 8), other fixed-width types as they are, the rest each with its length u32 before it.
type Array struct {
	Elem    ids.Oid
	Dims    []int32
	Lbounds []int32
	Elems   []Datum
}

const (
	arrayHeaderSize = 12
	arrayHasNulls   = 1
)

// NewArray makes a one-dimensional array with lower bound 1; empty when there are no elements.
func NewArray(elem ids.Oid, elems []Datum) Array {
	a := Array{Elem: elem, Elems: elems}
	if len(elems) > 0 {
		a.Dims, a.Lbounds = []int32{int32(len(elems))}, []int32{1}
	}
	return a
}

// ElementWidth returns the bytes of each element that is not NULL, 0 when they differ, and whether it is a number that fits a word.
func ElementWidth(t *Type) (width int, word bool) { return elemWidth(t) }

// elemLen tells how an element lies in an array: bytes of a word, bytes of a fixed-width value (negative: -1-n),
// or 0 for a length of its own.
func elemWidth(t *Type) (width int, word bool) {
	t = t.Underlying()
	switch {
	case t.Oid == TIDOid:
		return 8, true
	case t.ByVal:
		return int(t.Len), true
	case t.Oid == NameOid || t.Len < 0:
		return 0, false
	}
	return int(t.Len), false
}

// Encode makes the Datum of the array; elem describes the element type.
func (a Array) Encode(elem *Type) Datum { return a.EncodeParts(elem, [][]Datum{a.Elems}) }

// EncodeParts is Encode with elements that are not in one piece; a.Elems is not looked at.
func (a Array) EncodeParts(elem *Type, parts [][]Datum) Datum {
	size := arrayHeaderSize + 8*len(a.Dims)
	nulls := false
	width, word := elemWidth(elem)
	count := 0
	for _, p := range parts {
		count += len(p)
		for _, e := range p {
			switch {
			case e.IsNull():
				nulls = true
			case width > 0:
				size += width
			default:
				size += 4 + len(e.Bytes())
			}
		}
	}
	flags := uint32(0)
	if nulls {
		flags = arrayHasNulls
		size += (count + 7) / 8
	}
	b := make([]byte, 0, size)
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(len(a.Dims)))
	b = le.AppendUint32(b, flags)
	b = le.AppendUint32(b, uint32(a.Elem))
	for _, d := range a.Dims {
		b = le.AppendUint32(b, uint32(d))
	}
	for _, l := range a.Lbounds {
		b = le.AppendUint32(b, uint32(l))
	}
	if nulls {
		n := len(b)
		b = b[:n+(count+7)/8]
		i := 0
		for _, p := range parts {
			for _, e := range p {
				if e.IsNull() {
					b[n+i>>3] |= 1 << (i & 7)
				}
				i++
			}
		}
	}
	float4 := elem.Underlying().Oid == Float4Oid
	for _, p := range parts {
		for _, e := range p {
			if e.IsNull() {
				continue
			}
			switch {
			case float4:
				b = le.AppendUint32(b, math.Float32bits(float32(e.Float())))
			case word:
				b = appendWord(b, e.word, width)
			case width > 0:
				b = append(b, e.Bytes()...)
			default:
				b = append(le.AppendUint32(b, uint32(len(e.Bytes()))), e.Bytes()...)
			}
		}
	}
	return Bytes(b)
}

func appendWord(b []byte, w uint64, width int) []byte {
	switch width {
	case 1:
		return append(b, byte(w))
	case 2:
		return binary.LittleEndian.AppendUint16(b, uint16(w))
	case 4:
		return binary.LittleEndian.AppendUint32(b, uint32(w))
	}
	return binary.LittleEndian.AppendUint64(b, w)
}

// signedElem reports whether words of the type are sign-extended.
func signedElem(oid ids.Oid) bool {
	switch oid {
	case Int2Oid, Int4Oid, DateOid:
		return true
	}
	return false
}

// DecodeArray takes an array apart. Elements refer to the bytes of d. A damaged array is cut short, not a panic.
func DecodeArray(d Datum, elem *Type) Array {
	var a Array
	it := IterateArray(d, elem)
	a.Elem = ids.Oid(it.elemOid)
	if it.ndim == 0 {
		return a
	}
	dims := make([]int32, 2*it.ndim)
	for i := range dims {
		dims[i] = int32(binary.LittleEndian.Uint32(it.dims[4*i:]))
	}
	a.Dims, a.Lbounds = dims[:it.ndim:it.ndim], dims[it.ndim:]
	a.Elems = make([]Datum, 0, it.Len())
	for {
		e, ok := it.Next()
		if !ok {
			return a
		}
		a.Elems = append(a.Elems, e)
	}
}

// ArrayIter walks the elements of an array without allocating.
type ArrayIter struct {
	body    []byte
	nulls   []byte
	dims    []byte
	elemOid uint32
	ndim    int
	i, n    int
	width   int
	word    bool
	signed  bool
	float4  bool
}

// IterateArray begins a walk over the elements of the array d.
func IterateArray(d Datum, elem *Type) ArrayIter {
	b := d.Bytes()
	le := binary.LittleEndian
	var it ArrayIter
	if len(b) < arrayHeaderSize {
		return it
	}
	ndim, flags := int(le.Uint32(b)), le.Uint32(b[4:])
	it.elemOid = le.Uint32(b[8:])
	b = b[arrayHeaderSize:]
	if ndim == 0 || ndim > MaxArrayDims || len(b) < 8*ndim {
		return it
	}
	n := 1
	for i := range ndim {
		n *= int(int32(le.Uint32(b[4*i:])))
		if n < 0 || n > 8*len(b) {
			return ArrayIter{} // damaged: not even the null bitmap of so many fits
		}
	}
	it.ndim, it.dims = ndim, b[:8*ndim]
	b = b[8*ndim:]
	if flags&arrayHasNulls != 0 {
		size := (n + 7) / 8
		if len(b) < size {
			return it
		}
		it.nulls, b = b[:size], b[size:]
	}
	it.body, it.n = b, n
	it.width, it.word = elemWidth(elem)
	base := elem.Underlying().Oid
	it.signed, it.float4 = signedElem(base), base == Float4Oid
	return it
}

// Len returns the number of elements.
func (it *ArrayIter) Len() int { return it.n }

// Next returns the next element; ok is false at the end.
func (it *ArrayIter) Next() (d Datum, ok bool) {
	if it.i >= it.n {
		return Null, false
	}
	i := it.i
	it.i++
	if it.nulls != nil && it.nulls[i>>3]&(1<<(i&7)) != 0 {
		return Null, true
	}
	width := it.width
	if width == 0 {
		if len(it.body) < 4 {
			return it.damaged()
		}
		width = int(binary.LittleEndian.Uint32(it.body))
		it.body = it.body[4:]
	}
	if len(it.body) < width {
		return it.damaged()
	}
	b := it.body[:width]
	it.body = it.body[width:]
	if !it.word {
		return Bytes(b), true
	}
	return it.wordOf(b), true
}

func (it *ArrayIter) damaged() (Datum, bool) {
	it.i = it.n
	return Null, false
}

func (it *ArrayIter) wordOf(b []byte) Datum {
	le := binary.LittleEndian
	switch len(b) {
	case 1:
		return Word(uint64(b[0]))
	case 2:
		if it.signed {
			return Int(int64(int16(le.Uint16(b))))
		}
		return Word(uint64(le.Uint16(b)))
	case 4:
		w := le.Uint32(b)
		switch {
		case it.signed:
			return Int(int64(int32(w)))
		case it.float4:
			return Float(float64(math.Float32frombits(w)))
		}
		return Word(uint64(w))
	}
	return Word(le.Uint64(b))
}

// ArrayDims returns the number of elements, dimensions and lower bounds without decoding elements.
func ArrayDims(d Datum) (n int, dims, lbounds []int32) {
	b := d.Bytes()
	le := binary.LittleEndian
	if len(b) < arrayHeaderSize {
		return 0, nil, nil
	}
	ndim := int(le.Uint32(b))
	if ndim == 0 || ndim > MaxArrayDims || len(b) < arrayHeaderSize+8*ndim {
		return 0, nil, nil
	}
	v := make([]int32, 2*ndim)
	n = 1
	for i := range v {
		v[i] = int32(le.Uint32(b[arrayHeaderSize+4*i:]))
		if i < ndim {
			n *= int(v[i])
		}
	}
	return n, v[:ndim:ndim], v[ndim:]
}

// ArrayElemOid returns the element type stored in an array.
func ArrayElemOid(d Datum) ids.Oid {
	if b := d.Bytes(); len(b) >= arrayHeaderSize {
		return ids.Oid(binary.LittleEndian.Uint32(b[8:]))
	}
	return 0
}

// CheckArraySize gives 54000 for more elements, in all dimensions together, than an array may have, and
// 22003-like errors for bounds that overflow.
func CheckArraySize(dims, lbounds []int32) (int, error) {
	n := int64(1)
	for i, d := range dims {
		if d < 0 {
			return 0, arrayTooLarge()
		}
		if n *= int64(d); n > MaxArraySize {
			return 0, arrayTooLarge()
		}
		if lbounds != nil && int64(lbounds[i])+int64(d) > math.MaxInt32 {
			return 0, pgerr.New(pgerr.ProgramLimitExceeded, "array lower bound is too large: %d", lbounds[i])
		}
	}
	return int(n), nil
}

func arrayTooLarge() error {
	return pgerr.New(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", MaxArraySize)
}
