package tuple

// arenaBlock is the size of an arena's first block in bytes; later ones double up to arenaBlockMax.
const (
	arenaBlock    = 8 << 10
	arenaBlockMax = 256 << 10
)

// Arena is memory for the byte strings of one batch: taken piece by piece, given back all at once.
//
// The zero Arena is ready for use. It keeps its blocks on Reset, so that a scan allocates only at its beginning.
type Arena struct {
	cur    []byte   // the unused rest of the current block
	blocks [][]byte // all blocks of regular size, in order of size
	next   int      // the first of blocks not yet used since Reset
}

// Reset gives everything back: what was taken before must not be used any more.
func (a *Arena) Reset() { a.cur, a.next = nil, 0 }

// Alloc returns n bytes with undefined contents.
func (a *Arena) Alloc(n int) []byte {
	if n > len(a.cur) {
		return a.refill(n)
	}
	b := a.cur[:n:n]
	a.cur = a.cur[n:]
	return b
}

// Copy returns a copy of b.
func (a *Arena) Copy(b []byte) []byte {
	c := a.Alloc(len(b))
	copy(c, b)
	return c
}

func (a *Arena) refill(n int) []byte {
	if n > arenaBlockMax/4 {
		return make([]byte, n)
	}
	for a.next < len(a.blocks) {
		b := a.blocks[a.next]
		a.next++
		if len(b) >= n {
			a.cur = b[n:]
			return b[:n:n]
		}
	}
	size := min(arenaBlockMax, arenaBlock<<len(a.blocks))
	size = max(size, n)
	b := make([]byte, size)
	a.blocks = append(a.blocks, b)
	a.next = len(a.blocks)
	a.cur = b[n:]
	return b[:n:n]
}

// Size returns the bytes held, used or not.
func (a *Arena) Size() int {
	n := 0
	for _, b := range a.blocks {
		n += len(b)
	}
	return n
}
