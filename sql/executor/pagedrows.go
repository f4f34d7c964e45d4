package executor

import (
	"encoding/binary"

	"gompho/storage/heap"
	"gompho/types"
)

// pagedRows is a row store that may outgrow its memory: blocks that have been filled go to a temporary file and come back when one of
// their rows is wanted.
//
// Blocks do not change once they are full. One that leaves memory is not recycled: batches may still refer to its byte strings.
// Rows must be read through the methods here; an error of the file shows in err, and rows read after it are void.
type pagedRows struct {
	rowStore
	open     func() (heap.TempFile, error)
	limit    int64
	file     heap.TempFile
	end      int64
	slabAt   []int64 // where each slab is in the file, plus one; 0 when it was not written
	chunkAt  []int64
	chunkLen []int
	resident int64 // bytes of the blocks in memory
	hand     int
	buf      []byte
	err      error
}

// page prepares the store: more than limit bytes go to a file.
func (p *pagedRows) page(open func() (heap.TempFile, error), limit int64) {
	p.open, p.limit = open, max(limit, 4*(slabWords*8+chunkBytes))
}

// add makes room for a row, and then the row, with undefined contents.
func (p *pagedRows) add() (uint32, []uint64) {
	p.room()
	return p.rowStore.add()
}

// appendRow adds the row at position pos of b's columns.
func (p *pagedRows) appendRow(b *types.Batch, pos int) uint32 {
	p.room()
	return p.rowStore.appendRow(b, pos)
}

func (p *pagedRows) room() {
	if len(p.slabs) != len(p.slabAt) || len(p.bytes.chunks) != len(p.chunkAt) {
		p.note()
		if p.resident > p.limit {
			p.evict()
		}
	}
}

// note takes account of blocks that are new.
func (p *pagedRows) note() {
	for len(p.slabAt) < len(p.slabs) {
		p.resident += int64(len(p.slabs[len(p.slabAt)])) * 8
		p.slabAt = append(p.slabAt, 0)
	}
	for len(p.chunkAt) < len(p.bytes.chunks) {
		n := len(p.bytes.chunks[len(p.chunkAt)])
		p.resident += int64(n)
		p.chunkAt, p.chunkLen = append(p.chunkAt, 0), append(p.chunkLen, n)
	}
}

// evict writes out full blocks until a quarter of the memory is free.
func (p *pagedRows) evict() {
	slabs, chunks := len(p.slabs)-1, len(p.chunkAt)
	for tries := slabs + chunks; tries > 0 && p.resident > p.limit/4*3 && p.err == nil; tries-- {
		p.hand++
		if k := p.hand % (slabs + chunks); k < slabs {
			p.dropSlab(k)
		} else if k -= slabs; k != p.bytes.cur {
			p.dropChunk(k)
		}
	}
}

func (p *pagedRows) dropSlab(k int) {
	s := p.slabs[k]
	if s == nil {
		return
	}
	if p.slabAt[k] == 0 {
		p.buf = p.buf[:0]
		for _, w := range s {
			p.buf = binary.LittleEndian.AppendUint64(p.buf, w)
		}
		if p.slabAt[k] = p.write(p.buf); p.err != nil {
			return
		}
	}
	p.slabs[k] = nil
	p.pool.Gave(len(s) * 8)
	p.resident -= int64(len(s)) * 8
}

func (p *pagedRows) dropChunk(k int) {
	c := p.bytes.chunks[k]
	if c == nil {
		return
	}
	if p.chunkAt[k] == 0 {
		if p.chunkAt[k] = p.write(c); p.err != nil {
			return
		}
	}
	p.bytes.chunks[k] = nil
	p.pool.Gave(len(c))
	p.resident -= int64(len(c))
}

// write appends a block to the file and returns its place plus one.
func (p *pagedRows) write(b []byte) int64 {
	if p.file == nil {
		if p.file, p.err = p.open(); p.err != nil {
			return 0
		}
	}
	if _, p.err = p.file.WriteAt(b, p.end); p.err != nil {
		return 0
	}
	at := p.end
	p.end += int64(len(b))
	return at + 1
}

// hold brings the row and its byte strings into memory.
func (p *pagedRows) hold(i uint32) {
	if p.file == nil {
		return
	}
	if k := int(i >> p.shift); p.slabs[k] == nil {
		p.loadSlab(k)
	}
	r := p.rowStore.row(i)
	for c, kind := range p.kinds {
		if kind != types.BytesKind || r[c>>6]&(1<<(uint(c)&63)) != 0 {
			continue
		}
		if k := int(r[p.nullWords+c] >> 32); p.bytes.chunks[k] == nil {
			p.loadChunk(k)
		}
	}
}

// holdRows brings rows into memory that will be read from the embedded store; numbers that are no rows are skipped.
func (p *pagedRows) holdRows(rows []uint32) {
	if p.file == nil {
		return
	}
	if p.resident > p.limit {
		p.evict()
	}
	for _, i := range rows {
		if int64(i) < int64(p.n) {
			p.hold(i)
		}
	}
}

func (p *pagedRows) loadSlab(k int) {
	words := p.width << p.shift
	if words <= slabWords {
		words = slabWords
	}
	b := make([]byte, words*8)
	if p.err == nil {
		_, p.err = p.file.ReadAt(b, p.slabAt[k]-1)
	}
	if p.err != nil {
		clear(b)
	}
	s := p.pool.words(words)
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(b[i*8:])
	}
	p.slabs[k] = s
	p.resident += int64(words) * 8
}

func (p *pagedRows) loadChunk(k int) {
	b := p.pool.bytes(p.chunkLen[k])
	if p.err == nil {
		_, p.err = p.file.ReadAt(b, p.chunkAt[k]-1)
	}
	if p.err != nil {
		clear(b)
	}
	p.bytes.chunks[k] = b
	p.resident += int64(len(b))
}

// get returns a column of a row.
func (p *pagedRows) get(i uint32, c int) types.Datum {
	if p.file != nil {
		if p.resident > p.limit {
			p.evict()
		}
		p.hold(i)
	}
	return p.rowStore.get(i, c)
}

// fill puts n rows from row first on into the columns of out, which may be fewer than the store's.
func (p *pagedRows) fill(out *types.Batch, first uint32, n int) {
	if p.file != nil {
		if p.resident > p.limit {
			p.evict()
		}
		for i := range n {
			p.hold(first + uint32(i))
		}
	}
	p.rowStore.fill(out, first, n)
}

// rewindAll empties the store, keeping a little memory.
func (p *pagedRows) rewindAll() {
	if p.file != nil || len(p.slabAt) > 1 {
		p.reset()
		return
	}
	p.rowStore.rewindAll()
}

// reset empties the store.
func (p *pagedRows) reset() {
	p.rowStore.reset()
	p.slabAt, p.chunkAt, p.chunkLen = p.slabAt[:0], p.chunkAt[:0], p.chunkLen[:0]
	p.resident, p.end, p.hand = 0, 0, 0
}

// close empties the store and removes its file.
func (p *pagedRows) close() {
	p.reset()
	if p.file != nil {
		p.file.Close()
		p.file = nil
	}
	p.err = nil
}
