package vacuum

import (
	"slices"

	"gompho/internal/ids"
)

// deadItems is a set of line pointers, collected in ascending order of blocks.
type deadItems struct {
	base  ids.BlockNumber    // first block of the collection
	first []uint32           // first[i]: where the offsets of block base+i begin in offs
	offs  []ids.OffsetNumber // ascending within a block
	pages int                // blocks that have any
	limit int                // bytes
}

// add adds the dead line pointers of a block that comes after all added before.
func (d *deadItems) add(blk ids.BlockNumber, offs []ids.OffsetNumber) {
	if len(offs) == 0 {
		return
	}
	if len(d.first) == 0 {
		d.base = blk
	}
	for d.base+ids.BlockNumber(len(d.first)) <= blk {
		d.first = append(d.first, uint32(len(d.offs)))
	}
	d.offs = append(d.offs, offs...)
	d.pages++
}

func (d *deadItems) len() int   { return len(d.offs) }
func (d *deadItems) full() bool { return d.bytes() > d.limit }
func (d *deadItems) bytes() int { return 4*len(d.first) + 2*len(d.offs) }

func (d *deadItems) reset() { d.first, d.offs, d.pages = d.first[:0], d.offs[:0], 0 }

// of returns the dead line pointers of a block.
func (d *deadItems) of(blk ids.BlockNumber) []ids.OffsetNumber {
	i := int64(blk) - int64(d.base)
	if i < 0 || i >= int64(len(d.first)) {
		return nil
	}
	end := uint32(len(d.offs))
	if i+1 < int64(len(d.first)) {
		end = d.first[i+1]
	}
	return d.offs[d.first[i]:end]
}

func (d *deadItems) has(t ids.TID) bool {
	offs := d.of(t.Block)
	if len(offs) == 0 {
		return false
	}
	_, ok := slices.BinarySearch(offs, t.Offset)
	return ok
}
