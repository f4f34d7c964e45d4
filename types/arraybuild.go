package types

import (
	"encoding/binary"
	"math"

	"gompho/internal/ids"
)

// An ArrayBuilder puts an array together element by element, without a list of them. Arrays of many elements are kept in chunks, so that no step is
// long: Append and Finish answer interrupts.
type ArrayBuilder struct {
	pace   Pace
	oid    ids.Oid
	width  int
	word   bool
	float4 bool
	n      int
	nulls  []byte // bitmap of the elements so far; nil: none is NULL
	chunk  []byte // what the last elements are in
	full   [][]byte
	size   int // bytes in full
}

const arrayChunk = 1 << 20

// BuildArray begins an array of elements of type elem, of which about n will come: 0 for unknown.
func BuildArray(pace Pace, elem *Type, n int) *ArrayBuilder {
	b := &ArrayBuilder{pace: pace, oid: elem.Oid}
	b.width, b.word = elemWidth(elem)
	b.float4 = elem.Underlying().Oid == Float4Oid
	if n > 0 {
		b.chunk = make([]byte, 0, min(arrayChunk, n*max(b.width, 8)))
	}
	return b
}

// Len returns the number of elements so far.
func (b *ArrayBuilder) Len() int { return b.n }

// Append adds an element, whose bytes are copied.
func (b *ArrayBuilder) Append(e Datum) error {
	i := b.n
	b.n++
	if e.IsNull() {
		for len(b.nulls) <= i>>3 {
			b.nulls = append(b.nulls, make([]byte, max(1, min(arrayChunk, i>>3+1-len(b.nulls))))...)
		}
		b.nulls[i>>3] |= 1 << (i & 7)
		return b.pace.Step(ElementStep)
	}
	switch {
	case b.float4:
		b.chunk = binary.LittleEndian.AppendUint32(b.chunk, math.Float32bits(float32(e.Float())))
	case b.word:
		b.chunk = appendWord(b.chunk, e.word, b.width)
	case b.width > 0:
		b.chunk = append(b.chunk, e.Bytes()...)
	default:
		v := e.Bytes()
		b.chunk = binary.LittleEndian.AppendUint32(b.chunk, uint32(len(v)))
		if len(v) >= arrayChunk {
			return b.long(v)
		}
		b.chunk = append(b.chunk, v...)
	}
	if len(b.chunk) >= arrayChunk-1<<10 {
		b.flush(arrayChunk)
	}
	return b.pace.Step(ElementStep)
}

// long adds the bytes of a long element.
func (b *ArrayBuilder) long(v []byte) error {
	b.flush(0)
	own, err := b.pace.Clone(v)
	if err != nil {
		return err
	}
	b.chunk = own
	b.flush(0)
	return nil
}

func (b *ArrayBuilder) flush(next int) {
	b.full = append(b.full, b.chunk)
	b.size += len(b.chunk)
	b.chunk = make([]byte, 0, next)
}

// AppendAll adds the elements that are left in it.
func (b *ArrayBuilder) AppendAll(it *ArrayIter) error {
	for e, ok := it.Next(); ok; e, ok = it.Next() {
		if err := b.Append(e); err != nil {
			return err
		}
	}
	return nil
}

// List makes a one-dimensional array with lower bound 1; empty when there are no elements.
func (b *ArrayBuilder) List() (Datum, error) {
	return b.Finish([]int32{int32(b.n)}, []int32{1})
}

// Finish makes the array; without elements it has no dimensions.
func (b *ArrayBuilder) Finish(dims, lbounds []int32) (Datum, error) {
	if b.n == 0 {
		dims, lbounds = nil, nil
	}
	size := arrayHeaderSize + 8*len(dims) + b.size + len(b.chunk)
	flags, bitmap := uint32(0), 0
	if b.nulls != nil {
		flags, bitmap = arrayHasNulls, (b.n+7)/8
		size += bitmap
	}
	out := Room(size)[:size]
	le := binary.LittleEndian
	head := le.AppendUint32(le.AppendUint32(le.AppendUint32(out[:0], uint32(len(dims))), flags), uint32(b.oid))
	for _, d := range dims {
		head = le.AppendUint32(head, uint32(d))
	}
	for _, l := range lbounds {
		head = le.AppendUint32(head, uint32(l))
	}
	rest := out[len(head):]
	clear(rest[copy(rest[:bitmap], b.nulls):bitmap])
	rest = rest[bitmap:]
	var err error
	for i, c := range b.full {
		if rest, err = b.pace.Copy(rest, c); err != nil {
			return Null, err
		}
		b.full[i] = nil
	}
	copy(rest, b.chunk)
	return Bytes(out), nil
}
