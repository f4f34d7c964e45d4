package executor

import (
	"encoding/binary"

	"gompho/stats"
)

// Sizes of the blocks that row stores are made of.
const (
	slabWords  = 2048      // 16 KB of words
	chunkBytes = 64 << 10  // of byte strings
	poolLimit  = 256 << 10 // bytes that an idle pool keeps
)

// blockPool recycles the blocks of sorts, hash tables and materialized rows: the first touch of fresh memory is dear. It also keeps the account of what
// executions hold, of blocks and of other things, and charges the session's account in large steps.
// It belongs to one session or one worker and is used by one goroutine at a time.
type blockPool struct {
	slabs  [][]uint64
	chunks [][]byte

	account *stats.Memory // of the session; nil: nobody counts
	out     int64         // bytes held, idle blocks among them
	charged int64         // of these on the account
	running int           // executions begun and not closed
}

// chargeStep is how much is charged at once: what a small statement holds is not worth counting.
const chargeStep = stats.ChargeStep

// Took implements functions.Account: n bytes are held from now on.
func (p *blockPool) Took(n int) {
	if p.out += int64(n); p.out > p.charged+chargeStep {
		p.charge()
	}
}

func (p *blockPool) charge() {
	c := p.out &^ (chargeStep - 1)
	p.account.Grow(c-p.charged, "the rows and values of a query")
	p.charged = c
}

// Gave implements functions.Account: n bytes are no longer held.
func (p *blockPool) Gave(n int) {
	if p.out = max(p.out-int64(n), 0); p.charged > 0 && (p.out < p.charged-2*chargeStep || p.out <= chargeStep) {
		p.lower()
	}
}

// lower takes off the account what is no longer held; what is no more than one step is not on it.
func (p *blockPool) lower() {
	c := p.out &^ (chargeStep - 1)
	if p.out <= chargeStep {
		c = 0
	}
	p.account.Shrink(p.charged - c)
	p.charged = c
}

// began and ended count executions. When the last has ended, nothing is held but idle blocks.
func (p *blockPool) began(account *stats.Memory) {
	p.account = account
	p.running++
}

func (p *blockPool) ended() {
	p.trim()
	if p.running--; p.running > 0 {
		return
	}
	p.running = 0
	p.settle()
}

// drop ends the pool of a worker that runs no more.
func (p *blockPool) drop() {
	p.slabs, p.chunks = nil, nil
	p.settle()
}

// settle ends the account of a pool whose blocks are all idle, whatever was not given back.
func (p *blockPool) settle() {
	p.out = int64(len(p.slabs))*slabWords*8 + int64(len(p.chunks))*chunkBytes
	p.lower()
}

func (p *blockPool) slab() []uint64 {
	if n := len(p.slabs); n > 0 {
		s := p.slabs[n-1]
		p.slabs = p.slabs[:n-1]
		return s
	}
	return p.words(slabWords)
}

// words returns a slab of any size.
func (p *blockPool) words(n int) []uint64 {
	p.Took(n * 8)
	return make([]uint64, n)
}

func (p *blockPool) chunk() []byte {
	if n := len(p.chunks); n > 0 {
		c := p.chunks[n-1]
		p.chunks = p.chunks[:n-1]
		return c
	}
	return p.bytes(chunkBytes)
}

// bytes returns a chunk of any size.
func (p *blockPool) bytes(n int) []byte {
	p.Took(n)
	return make([]byte, n)
}

func (p *blockPool) giveSlab(s []uint64) {
	if len(s) == slabWords {
		p.slabs = append(p.slabs, s)
	} else {
		p.Gave(len(s) * 8)
	}
}

func (p *blockPool) giveChunk(c []byte) {
	if len(c) == chunkBytes {
		p.chunks = append(p.chunks, c)
	} else {
		p.Gave(len(c))
	}
}

// trim drops what a pool should not keep while nothing runs.
func (p *blockPool) trim() {
	keepS, keepC := poolLimit/2/(slabWords*8), poolLimit/2/chunkBytes
	if n := len(p.slabs) - keepS; n > 0 {
		clear(p.slabs[keepS:])
		p.slabs = p.slabs[:keepS]
		p.Gave(n * slabWords * 8)
	}
	if n := len(p.chunks) - keepC; n > 0 {
		clear(p.chunks[keepC:])
		p.chunks = p.chunks[:keepC]
		p.Gave(n * chunkBytes)
	}
}

// tally is the account of one thing that grows, besides blocks.
type tally struct {
	pool *blockPool
	n    int
}

// set notes that the thing takes n bytes now.
func (t *tally) set(p *blockPool, n int) {
	if d := n - t.n; d > 0 {
		p.Took(d)
	} else if d < 0 {
		p.Gave(-d)
	}
	t.pool, t.n = p, n
}

// done gives all back.
func (t *tally) done() {
	if t.n != 0 {
		t.pool.Gave(t.n)
		t.n = 0
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
	c := s.pool.bytes(lenBytes + len(b))
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
