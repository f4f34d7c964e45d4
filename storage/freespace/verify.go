package freespace

import (
	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/page"
)

// Beyond returns the first block from n on that has bits in the map, ids.InvalidBlock if none has. Bits of blocks that a table does not have
// would be believed when it grows.
func (v *VM) Beyond(slot *stats.Slot, n ids.BlockNumber) (ids.BlockNumber, error) {
	pages, err := size(v.pool, v.rel.File, ids.VmFork)
	if err != nil {
		return ids.InvalidBlock, err
	}
	for pg := n / blocksPerPage; pg < pages; pg++ {
		first := pg * blocksPerPage
		if _, err := v.pin(slot, first); err != nil {
			return ids.InvalidBlock, err
		}
		v.buf.Lock(buffer.Share)
		p := append(page.Page(nil), v.buf.Page()...)
		v.buf.Unlock()
		if p.IsNew() {
			continue
		}
		for i, b := range p[page.HeaderSize:] {
			for k := range ids.BlockNumber(4) {
				if blk := first + ids.BlockNumber(i)*4 + k; b>>(2*k)&3 != 0 && blk >= n {
					return blk, nil
				}
			}
		}
	}
	return ids.InvalidBlock, nil
}

// Verify calls bad for each page of the map that is not one: an inner node must be the greater of its children. What the
// map says of a table's blocks may be out of date and is not compared.
func (f FSM) Verify(slot *stats.Slot, bad func(blk ids.BlockNumber, text string)) error {
	n, err := size(f.Pool, f.Rel.File, ids.FsmFork)
	if err != nil {
		return err
	}
	for blk := ids.BlockNumber(0); blk < n; blk++ {
		b, err := f.Pool.ReadOrZero(slot, f.Rel.File, ids.FsmFork, blk, nil)
		if err != nil {
			return err
		}
		b.Lock(buffer.Share)
		p := append(page.Page(nil), b.Page()...)
		b.UnlockRelease()
		if p.IsNew() {
			continue
		}
		t := tree(p)
		for i := range innerNodes {
			if t.node(i) != max(child(t, 2*i+1), child(t, 2*i+2)) {
				bad(blk, "an inner node is not the greater of its children")
				break
			}
		}
	}
	return nil
}
