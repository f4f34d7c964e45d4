package types

// Kind tells where the values of a type live.
type Kind uint8

const (
	WordKind  Kind = iota // up to 8 bytes: Vector.W
	BytesKind             // byte strings: Vector.B
)

// Vector is a column of values of one type. Rows are addressed 0..Len-1.
//
// Invariant: exactly one of W and B is used, as Kind says; Nulls is nil-able in meaning: when HasNulls
// is false its bits are not looked at.
type Vector struct {
	Kind     Kind
	HasNulls bool
	Len      int
	W        []uint64
	B        [][]byte
	Nulls    []uint64 // bit i set: row i is NULL
}

// NewVector makes a vector with room for capacity rows.
func NewVector(k Kind, capacity int) *Vector {
	v := &Vector{Kind: k}
	v.Grow(capacity)
	return v
}

// Grow makes room for n rows, keeping the first Len rows.
func (v *Vector) Grow(n int) {
	if v.Kind == WordKind {
		if cap(v.W) < n {
			w := make([]uint64, n)
			copy(w, v.W[:min(v.Len, len(v.W))])
			v.W = w
		}
		v.W = v.W[:cap(v.W)]
	} else {
		if cap(v.B) < n {
			b := make([][]byte, n)
			copy(b, v.B[:min(v.Len, len(v.B))])
			v.B = b
		}
		v.B = v.B[:cap(v.B)]
	}
	if words := (n + 63) / 64; len(v.Nulls) < words {
		nulls := make([]uint64, words)
		copy(nulls, v.Nulls)
		v.Nulls = nulls
	}
}

// Cap returns how many rows fit without growing.
func (v *Vector) Cap() int {
	if v.Kind == WordKind {
		return len(v.W)
	}
	return len(v.B)
}

// Reset empties the vector, keeping its memory.
func (v *Vector) Reset() {
	v.Len = 0
	if v.HasNulls {
		clear(v.Nulls)
		v.HasNulls = false
	}
}

// IsNull reports whether row i is NULL.
func (v *Vector) IsNull(i int) bool {
	return v.HasNulls && v.Nulls[i>>6]&(1<<(uint(i)&63)) != 0
}

// SetNull makes row i NULL.
func (v *Vector) SetNull(i int) {
	v.Nulls[i>>6] |= 1 << (uint(i) & 63)
	v.HasNulls = true
}

// ClearNull makes row i not NULL.
func (v *Vector) ClearNull(i int) {
	if v.HasNulls {
		v.Nulls[i>>6] &^= 1 << (uint(i) & 63)
	}
}

// Get returns row i.
func (v *Vector) Get(i int) Datum {
	if v.HasNulls && v.Nulls[i>>6]&(1<<(uint(i)&63)) != 0 {
		return Null
	}
	if v.Kind == WordKind {
		return Datum{word: v.W[i]}
	}
	return Bytes(v.B[i])
}

// Set stores d at row i; there must be room. Byte strings are referred to, not copied.
func (v *Vector) Set(i int, d Datum) {
	if d.IsNull() {
		v.SetNull(i)
		return
	}
	v.ClearNull(i)
	if v.Kind == WordKind {
		v.W[i] = d.word
	} else {
		v.B[i] = d.Bytes()
	}
}

// Append adds d as the last row, growing as needed.
func (v *Vector) Append(d Datum) {
	if v.Len >= v.Cap() {
		v.Grow(max(16, 2*v.Len))
	}
	v.Set(v.Len, d)
	v.Len++
}

// Batch is what an executor node returns: columns of equal length and the rows of them that count.
//
// Byte strings in a batch stay valid until the next call of Next on the node that returned it.
type Batch struct {
	Cols []*Vector
	N    int     // rows present in each column
	Sel  []int32 // the rows that count, ascending; nil means all of 0..N-1
}

// Rows returns how many rows count.
func (b *Batch) Rows() int {
	if b.Sel != nil {
		return len(b.Sel)
	}
	return b.N
}

// Row returns the position in the columns of the i-th row that counts.
func (b *Batch) Row(i int) int {
	if b.Sel != nil {
		return int(b.Sel[i])
	}
	return i
}
