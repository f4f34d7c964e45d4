package executor

import (
	"math/bits"

	"gompho/types"
)

// rowStore keeps rows of fixed columns in recycled blocks that hold no pointers: a row is the words of its null bitmap,
// then one word for each column: the value, or a reference into the byte store.
type rowStore struct {
	kinds     []types.Kind
	nullWords int
	width     int  // words of a row
	shift     uint // log2 of rows in a slab
	mask      uint32
	slabs     [][]uint64
	n         int
	bytes     byteStore
	pool      *blockPool
}

// init prepares the store for rows of these kinds of columns.
func (s *rowStore) init(pool *blockPool, kinds []types.Kind) {
	s.pool, s.bytes.pool = pool, pool
	s.kinds = kinds
	s.nullWords = (len(kinds) + 63) / 64
	s.width = max(1, s.nullWords+len(kinds))
	perSlab := max(8, slabWords/s.width)
	s.shift = uint(bits.Len(uint(perSlab)) - 1)
	s.mask = 1<<s.shift - 1
}

// row returns the words of a row.
func (s *rowStore) row(i uint32) []uint64 {
	slab := s.slabs[i>>s.shift]
	off := int(i&s.mask) * s.width
	return slab[off : off+s.width : off+s.width]
}

// add makes a row with undefined contents.
func (s *rowStore) add() (uint32, []uint64) {
	i := uint32(s.n)
	if int(i>>s.shift) == len(s.slabs) {
		s.grow()
	}
	s.n++
	return i, s.row(i)
}

func (s *rowStore) grow() {
	if need := s.width << s.shift; need > slabWords {
		s.slabs = append(s.slabs, s.pool.words(need))
		return
	}
	s.slabs = append(s.slabs, s.pool.slab())
}

// appendBatch adds the rows of b that count; b's columns are the store's.
func (s *rowStore) appendBatch(b *types.Batch) {
	n := b.Rows()
	for i := range n {
		s.appendRow(b, b.Row(i))
	}
}

// appendRow adds the row at position pos of b's columns.
func (s *rowStore) appendRow(b *types.Batch, pos int) uint32 {
	i, r := s.add()
	clear(r[:s.nullWords])
	for c, v := range b.Cols[:len(s.kinds)] {
		s.setFrom(r, c, v, pos)
	}
	return i
}

// setFrom stores position pos of v as column c of row r, whose null bit is clear.
func (s *rowStore) setFrom(r []uint64, c int, v *types.Vector, pos int) {
	w := s.nullWords + c
	switch {
	case v.HasNulls && v.IsNull(pos):
		r[c>>6] |= 1 << (uint(c) & 63)
		r[w] = 0
	case s.kinds[c] == types.WordKind:
		r[w] = v.W[pos]
	default:
		r[w] = s.bytes.put(v.B[pos])
	}
}

// set stores d as column c of row r.
func (s *rowStore) set(r []uint64, c int, d types.Datum) {
	w := s.nullWords + c
	bit := uint64(1) << (uint(c) & 63)
	if d.IsNull() {
		r[c>>6] |= bit
		r[w] = 0
		return
	}
	r[c>>6] &^= bit
	if s.kinds[c] == types.WordKind {
		r[w] = d.Word()
	} else {
		r[w] = s.bytes.put(d.Bytes())
	}
}

// appendDatums adds a row of values.
func (s *rowStore) appendDatums(vals []types.Datum) uint32 {
	i, r := s.add()
	clear(r[:s.nullWords])
	for c := range s.kinds {
		s.set(r, c, vals[c])
	}
	return i
}

// copyRow adds a copy of row i of another store with the same columns.
func (s *rowStore) copyRow(from *rowStore, i uint32) uint32 {
	src := from.row(i)
	n, r := s.add()
	copy(r, src)
	for c, k := range s.kinds {
		if k == types.BytesKind && r[c>>6]&(1<<(uint(c)&63)) == 0 {
			r[s.nullWords+c] = s.bytes.put(from.bytes.get(src[s.nullWords+c]))
		}
	}
	return n
}

func (s *rowStore) isNull(i uint32, c int) bool {
	return s.row(i)[c>>6]&(1<<(uint(c)&63)) != 0
}

// word returns a column as it is stored.
func (s *rowStore) word(i uint32, c int) uint64 { return s.row(i)[s.nullWords+c] }

// bytesAt returns a column of byte strings that is not NULL.
func (s *rowStore) bytesAt(i uint32, c int) []byte { return s.bytes.get(s.row(i)[s.nullWords+c]) }

// get returns a column of a row; its memory is the store's.
func (s *rowStore) get(i uint32, c int) types.Datum {
	r := s.row(i)
	if r[c>>6]&(1<<(uint(c)&63)) != 0 {
		return types.Null
	}
	w := r[s.nullWords+c]
	if s.kinds[c] == types.WordKind {
		return types.Word(w)
	}
	return types.Bytes(s.bytes.get(w))
}

// noRow stands for a row of NULLs in gather.
const noRow = ^uint32(0)

// gather puts column c of the rows into out, one after the other.
func (s *rowStore) gather(c int, rows []uint32, out *types.Vector) {
	out.Reset()
	out.Grow(len(rows))
	out.Len = len(rows)
	word := s.nullWords + c
	bit := uint64(1) << (uint(c) & 63)
	nw := c >> 6
	isWord := s.kinds[c] == types.WordKind
	for k, i := range rows {
		if i == noRow {
			out.SetNull(k)
			continue
		}
		r := s.row(i)
		switch {
		case r[nw]&bit != 0:
			out.SetNull(k)
		case isWord:
			out.W[k] = r[word]
		default:
			out.B[k] = s.bytes.get(r[word])
		}
	}
}

// fill puts n rows from row first on into the columns of out, which it resets.
func (s *rowStore) fill(out *types.Batch, first uint32, n int) {
	for c, v := range out.Cols {
		v.Reset()
		v.Grow(n)
		v.Len = n
		word := s.nullWords + c
		bit := uint64(1) << (uint(c) & 63)
		nw := c >> 6
		isWord := s.kinds[c] == types.WordKind
		for k := range n {
			r := s.row(first + uint32(k))
			switch {
			case r[nw]&bit != 0:
				v.SetNull(k)
			case isWord:
				v.W[k] = r[word]
			default:
				v.B[k] = s.bytes.get(r[word])
			}
		}
	}
	out.N, out.Sel = n, nil
}

// mem returns the bytes held.
func (s *rowStore) mem() int64 { return int64(len(s.slabs))*slabWords*8 + s.bytes.mem() }

// fit exchanges blocks that are hardly used for smaller ones. No rows are added after it.
func (s *rowStore) fit() {
	if len(s.slabs) == 1 && 2*s.n*s.width < len(s.slabs[0]) {
		small := s.pool.words(s.n * s.width)
		copy(small, s.slabs[0])
		s.pool.giveSlab(s.slabs[0])
		s.slabs[0] = small
	}
	if b := &s.bytes; len(b.chunks) == 1 && 2*b.off < len(b.chunks[0]) {
		small := s.pool.bytes(b.off)
		copy(small, b.chunks[0])
		s.pool.giveChunk(b.chunks[0])
		b.chunks[0] = small
	}
}

// held returns the bytes of the blocks.
func (s *rowStore) held() int64 {
	n := int64(0)
	for _, b := range s.slabs {
		n += int64(len(b)) * 8
	}
	for _, b := range s.bytes.chunks {
		n += int64(len(b))
	}
	return n
}

// used returns the bytes taken by rows.
func (s *rowStore) used() int64 { return int64(s.n)*int64(s.width)*8 + s.bytes.used() }

// reset empties the store and gives its memory back.
func (s *rowStore) reset() {
	for _, b := range s.slabs {
		s.pool.giveSlab(b)
	}
	clear(s.slabs)
	s.slabs = s.slabs[:0]
	s.n = 0
	s.bytes.reset()
}

// swap exchanges the contents of two stores with the same columns.
func (s *rowStore) swap(o *rowStore) {
	s.slabs, o.slabs = o.slabs, s.slabs
	s.n, o.n = o.n, s.n
	s.bytes, o.bytes = o.bytes, s.bytes
}
