package backend

import (
	"encoding/binary"
	"slices"

	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/heap"
	"gompho/types"
)

// heldRows keeps rows: those of a cursor that may move backward, or that stays after its transaction, and those of statements that run to the end at once
// although their rows are fetched in parts. Rows are encoded into blocks; when these outgrow work_mem, all but the last go to a temporary file and one
// comes back when its rows are asked for.
type heldRows struct {
	n      int   // columns
	count  int64 // rows
	blocks []heldBlock
	open   func() (heap.TempFile, error)
	limit  int64 // bytes in memory
	file   heap.TempFile
	end    int64 // of the file
	bytes  int64 // of blocks in memory
	charge stats.Charge
	slot   *stats.Slot

	at   int     // block that is unpacked, -1: none
	data []byte  // its rows
	offs []int32 // where they begin
	vals []types.Datum
}

// heldBlock are some rows, one after the other.
type heldBlock struct {
	first int64  // number of the first row
	rows  []byte // nil: in the file
	pos   int64
	size  int
}

// heldBlockBytes is how large a block becomes, unless its only row is larger.
const heldBlockBytes = 64 << 10

// newHeldRows makes a store for rows of n columns.
func (b *Backend) newHeldRows(n int) *heldRows {
	slot := b.s.Slot
	return &heldRows{n: n, at: -1, slot: slot, limit: max(b.s.WorkMem(), 2*heldBlockBytes), vals: make([]types.Datum, n),
		open: func() (heap.TempFile, error) { return b.s.Heap.TempFile(slot) }}
}

// Kinds of values in blocks.
const (
	heldNull = iota
	heldWord
	heldBytes
)

func appendHeld(dst []byte, d types.Datum) []byte {
	switch {
	case d.IsNull():
		return append(dst, heldNull)
	case d.IsBytes():
		dst = binary.LittleEndian.AppendUint32(append(dst, heldBytes), uint32(len(d.Bytes())))
		return append(dst, d.Bytes()...)
	}
	return binary.LittleEndian.AppendUint64(append(dst, heldWord), d.Word())
}

// skipHeld returns the place after the value at off.
func skipHeld(b []byte, off int) int {
	switch b[off] {
	case heldNull:
		return off + 1
	case heldWord:
		return off + 9
	}
	return off + 5 + int(binary.LittleEndian.Uint32(b[off+1:]))
}

func heldAt(b []byte, off int) types.Datum {
	switch b[off] {
	case heldNull:
		return types.Null
	case heldWord:
		return types.Word(binary.LittleEndian.Uint64(b[off+1:]))
	}
	end := skipHeld(b, off)
	return types.Bytes(b[off+5 : end : end])
}

// last returns the block that takes the next row.
func (h *heldRows) last() (*heldBlock, error) {
	if k := len(h.blocks); k > 0 && len(h.blocks[k-1].rows) < heldBlockBytes {
		return &h.blocks[k-1], nil
	}
	if h.bytes > h.limit {
		if err := h.spill(); err != nil {
			return nil, err
		}
	}
	h.blocks = append(h.blocks, heldBlock{first: h.count, rows: make([]byte, 0, 1<<10)})
	return &h.blocks[len(h.blocks)-1], nil
}

// added notes that the last block, of so many bytes before, has one row more.
func (h *heldRows) added(blk *heldBlock, before int) {
	h.count++
	h.bytes += int64(len(blk.rows) - before)
	if h.at == len(h.blocks)-1 {
		h.at = -1
	}
	if h.bytes > stats.ChargeStep {
		h.charge.Set(h.slot.Account(), h.bytes, "the rows of a cursor")
	}
}

func (h *heldRows) batch(b *types.Batch) error {
	for i := range b.Rows() {
		blk, err := h.last()
		if err != nil {
			return err
		}
		r, before := b.Row(i), len(blk.rows)
		for c := range h.n {
			blk.rows = appendHeld(blk.rows, b.Cols[c].Get(r))
		}
		h.added(blk, before)
	}
	return h.slot.CheckInterrupts()
}

func (h *heldRows) row(vals []types.Datum) error {
	blk, err := h.last()
	if err != nil {
		return err
	}
	before := len(blk.rows)
	for _, v := range vals {
		blk.rows = appendHeld(blk.rows, v)
	}
	if h.n == 0 { // a utility statement tells its columns with its rows
		h.n = len(vals)
		h.vals = make([]types.Datum, h.n)
	}
	h.added(blk, before)
	return nil
}

// spill moves all blocks to the file.
func (h *heldRows) spill() error {
	if h.file == nil {
		f, err := h.open()
		if err != nil {
			return err
		}
		h.file = f
	}
	for i := range h.blocks {
		blk := &h.blocks[i]
		if blk.rows == nil {
			continue
		}
		if _, err := h.file.WriteAt(blk.rows, h.end); err != nil {
			return err
		}
		blk.pos, blk.size = h.end, len(blk.rows)
		h.end += int64(blk.size)
		h.bytes -= int64(blk.size)
		blk.rows = nil
	}
	h.charge.Set(h.slot.Account(), h.bytes, "the rows of a cursor")
	return nil
}

// get returns row i, counted from 0; it is valid until the next call.
func (h *heldRows) get(i int64) ([]types.Datum, error) {
	k, exact := slices.BinarySearchFunc(h.blocks, i, func(b heldBlock, i int64) int { return int(b.first - i) })
	if !exact {
		k--
	}
	if k != h.at {
		if err := h.unpack(k); err != nil {
			return nil, err
		}
	}
	off := int(h.offs[i-h.blocks[k].first])
	for c := range h.vals {
		h.vals[c] = heldAt(h.data, off)
		off = skipHeld(h.data, off)
	}
	return h.vals, nil
}

// unpack makes the rows of a block readable. Values of the block before stay what they are.
func (h *heldRows) unpack(k int) error {
	blk := &h.blocks[k]
	h.at, h.data = -1, blk.rows
	if blk.rows == nil {
		h.data = make([]byte, blk.size)
		if n, err := h.file.ReadAt(h.data, blk.pos); n < blk.size {
			return pgerr.Wrap(err, pgerr.IoError, "could not read from temporary file: %v", err)
		}
	}
	h.offs = h.offs[:0]
	for off := 0; off < len(h.data) || h.n == 0 && len(h.offs) < int(h.count-blk.first); {
		h.offs = append(h.offs, int32(off))
		for range h.n {
			off = skipHeld(h.data, off)
		}
	}
	h.at = k
	return nil
}

// close gives up the rows and their file; how many there were is still known.
func (h *heldRows) close() {
	if h == nil {
		return
	}
	if h.file != nil {
		h.file.Close()
		h.file = nil
	}
	h.blocks, h.bytes, h.at, h.data, h.offs = nil, 0, -1, nil, nil
	h.charge.Done()
}
