package executor

import "encoding/binary"

// Sizes of the blocks that row stores are made of.
const (
	slabWords  = 2048      // 16 KB of words
	chunkBytes = 64 << 10  // of byte strings
	poolLimit  = 256 << 10 // bytes that an idle pool keeps
)

// blockPool recycles the blocks of sorts, hash tables and materialized rows: the first touch of fresh memory is dear.
// It belongs to one session and is used by one goroutine at a time.
type blockPool struct {
	slabs  [][]uint64
	chunks [][]byte
}

func (p *blockPool) slab() []uint64 {
	if n := len(p.slabs); n > 0 {
		s := p.slabs[n-1]
		p.slabs = p.slabs[:n-1]
		return s
	}
	return make([]uint64, slabWords)
}

func (p *blockPool) chunk() []byte {
	if n := len(p.chunks); n > 0 {
		c := p.chunks[n-1]
		p.chunks = p.chunks[:n-1]
		return c
	}
	return make([]byte, chunkBytes)
}

func (p *blockPool) giveSlab(s []uint64) {
	if len(s) == slabWords {
		p.slabs = append(p.slabs, s)
	}
}

func (p *blockPool) giveChunk(c []byte) {
	if len(c) == chunkBytes {
		p.chunks = append(p.chunks, c)
	}
}

// trim drops what a pool should not keep while nothing runs.
func (p *blockPool) trim() {
	keepS, keepC := poolLimit/2/(slabWords*8), poolLimit/2/chunkBytes
	if len(p.slabs) > keepS {
		clear(p.slabs[keepS:])
		p.slabs = p.slabs[:keepS]
	}
	if len(p.chunks) > keepC {
		clear(p.chunks[keepC:])
		p.chunks = p.chunks[:keepC]
	}
}

// byteStore keeps byte strings, each found by a reference that fits a word: chunk number and offset.
type byteStore struct {
	pool   *blockPool
	chunks [][]byte
	cur    int // chunk that is being filled
	off    int
	large  int64 // bytes in chunks of irregular size
}

const lenBytes = 4

// put stores a copy of b.
func (s *byteStore) put(b []byte) uint64 {
	need := lenBytes + len(b)
	if need > chunkBytes/4 {
		return s.putLarge(b)
	}
	if len(s.chunks) == 0 || s.off+need > len(s.chunks[s.cur]) {
		s.chunks = append(s.chunks, s.pool.chunk())
		s.cur, s.off = len(s.chunks)-1, 0
	}
	c := s.chunks[s.cur]
	ref := uint64(s.cur)<<32 | uint64(s.off)
	binary.LittleEndian.PutUint32(c[s.off:], uint32(len(b)))
	copy(c[s.off+lenBytes:], b)
	s.off += need
	return ref
}

func (s *byteStore) putLarge(b []byte) uint64 {
	c := make([]byte, lenBytes+len(b))
	binary.LittleEndian.PutUint32(c, uint32(len(b)))
	copy(c[lenBytes:], b)
	s.large += int64(len(c))
	s.chunks = append(s.chunks, c)
	n := len(s.chunks) - 1
	if n == 0 {
		s.off = len(c) // the first chunk is full: the next small string opens another
	}
	return uint64(n) << 32
}

// get returns the byte string of a reference.
func (s *byteStore) get(ref uint64) []byte {
	c := s.chunks[ref>>32]
	off := int(uint32(ref))
	n := int(binary.LittleEndian.Uint32(c[off:]))
	off += lenBytes
	return c[off : off+n : off+n]
}

func (s *byteStore) mem() int64 {
	return int64(len(s.chunks))*chunkBytes + s.large
}

// used returns the bytes taken by byte strings.
func (s *byteStore) used() int64 {
	if len(s.chunks) <= 1 {
		return int64(s.off)
	}
	return int64(len(s.chunks)-1)*chunkBytes + int64(s.off) + s.large
}

// reset gives everything back.
func (s *byteStore) reset() {
	for _, c := range s.chunks {
		s.pool.giveChunk(c)
	}
	clear(s.chunks)
	s.chunks = s.chunks[:0]
	s.cur, s.off, s.large = 0, 0, 0
}
