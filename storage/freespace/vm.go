package freespace

import (
	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/wal"
)

// Bits of the visibility map, two per block of the table.
const (
	AllVisible byte = 1 << iota
	AllFrozen
)

const blocksPerPage = (page.Size - page.HeaderSize) * 4

// VM is a reader's or writer's access to one table's visibility map. It keeps the page it used last pinned; Close it.
// It belongs to one goroutine.
type VM struct {
	pool *buffer.Pool
	rel  buffer.RelInfo
	buf  buffer.Buf
	none bool // Status found no map: it does not look again
}

// NewVM makes an access to the map of rel.
func NewVM(pool *buffer.Pool, rel buffer.RelInfo) VM { return VM{pool: pool, rel: rel} }

func place(blk ids.BlockNumber) (pg ids.BlockNumber, pos int, shift uint) {
	i := blk % blocksPerPage
	return blk / blocksPerPage, page.HeaderSize + int(i/4), uint(i%4) * 2
}

// Close drops the pin.
func (v *VM) Close() {
	if v.buf.IsValid() {
		v.buf.Release()
		v.buf = buffer.Buf{}
	}
}

// Pin makes sure that the map's page for block blk exists and is pinned. It may do I/O: call it before latching
// the table's page.
func (v *VM) Pin(slot *stats.Slot, blk ids.BlockNumber) error {
	ok, err := v.pin(slot, blk)
	if ok || err != nil {
		return err
	}
	pg, _, _ := place(blk)
	if err := extendTo(v.pool, slot, v.rel, ids.VmFork, pg); err != nil {
		return err
	}
	_, err = v.pin(slot, blk)
	return err
}

// Pinned reports whether the page for blk is the pinned one.
func (v *VM) Pinned(blk ids.BlockNumber) bool {
	pg, _, _ := place(blk)
	return v.buf.IsValid() && v.buf.Block() == pg
}

func (v *VM) pin(slot *stats.Slot, blk ids.BlockNumber) (bool, error) {
	pg, _, _ := place(blk)
	if v.buf.IsValid() {
		if v.buf.Block() == pg {
			return true, nil
		}
		v.Close()
	}
	n, err := size(v.pool, v.rel.File, ids.VmFork)
	if err != nil || pg >= n {
		return false, err
	}
	// A damaged page is as good as an empty one.
	v.buf, err = v.pool.ReadOrZero(slot, v.rel.File, ids.VmFork, pg, nil)
	return err == nil, err
}

// Status returns the bits of block blk, without latching: they may change at once, but a reader whose snapshot is older
// than the answer may rely on them.
func (v *VM) Status(slot *stats.Slot, blk ids.BlockNumber) (byte, error) {
	if v.none {
		return 0, nil
	}
	ok, err := v.pin(slot, blk)
	if !ok || err != nil {
		v.none = err == nil && !v.pool.Storage().Exists(v.rel.File, ids.VmFork)
		return 0, err
	}
	_, pos, shift := place(blk)
	return v.buf.Page()[pos] >> shift & 3, nil
}

// Set sets bits of block blk as part of change c, whose other page is the table's, latched. The map's page must be Pinned;
// unlock gives back its latch and is to be called after c.Commit.
func (v *VM) Set(c *buffer.Change, blk ids.BlockNumber, bits byte) (unlock buffer.Buf) {
	return v.alter(c, blk, 0, bits)
}

// Clear clears bits of block blk as part of change c. See Set.
func (v *VM) Clear(c *buffer.Change, blk ids.BlockNumber, bits byte) (unlock buffer.Buf) {
	return v.alter(c, blk, bits, 0)
}

// initMap formats a page without a hole, so that images hold all of it.
func initMap(pc buffer.PageChange) {
	pc.Init(0, 0)
	pc.SetBounds(page.HeaderSize, page.HeaderSize)
}

// InitVM formats a page of the map without logging it: for redo.
func InitVM(pg page.Page) {
	pg.Init(0, 0)
	pg.SetBounds(page.HeaderSize, page.HeaderSize)
}

func (v *VM) alter(c *buffer.Change, blk ids.BlockNumber, off, on byte) buffer.Buf {
	_, pos, shift := place(blk)
	v.buf.Lock(buffer.Exclusive)
	pc := c.Page(v.buf)
	if v.buf.Page().IsNew() {
		initMap(pc)
	}
	old := v.buf.Page()[pos]
	pc.Overwrite(pos, []byte{old&^(off<<shift) | on<<shift})
	return v.buf
}

// ClearLocked clears all bits of a block as Clear does, when this very change has latched the map's page already.
func (v *VM) ClearLocked(c *buffer.Change, blk ids.BlockNumber) {
	_, pos, shift := place(blk)
	old := v.buf.Page()[pos]
	c.Page(v.buf).Overwrite(pos, []byte{old &^ ((AllVisible | AllFrozen) << shift)})
}

// Count counts the blocks that are all visible and all frozen.
func (v *VM) Count(slot *stats.Slot) (visible, frozen ids.BlockNumber, err error) {
	n, err := size(v.pool, v.rel.File, ids.VmFork)
	for pg := ids.BlockNumber(0); err == nil && pg < n; pg++ {
		if _, err = v.pin(slot, pg*blocksPerPage); err != nil {
			break
		}
		v.buf.Lock(buffer.Share)
		if !v.buf.Page().IsNew() {
			for _, b := range v.buf.Page()[page.HeaderSize:] {
				for ; b != 0; b >>= 2 {
					visible += ids.BlockNumber(b & 1)
					frozen += ids.BlockNumber(b >> 1 & 1)
				}
			}
		}
		v.buf.Unlock()
	}
	return visible, frozen, err
}

// Truncate clears the bits of the blocks from n on, before the table itself is cut there.
func (v *VM) Truncate(slot *stats.Slot, n ids.BlockNumber) error {
	blocks, err := size(v.pool, v.rel.File, ids.VmFork)
	if err != nil {
		return err
	}
	first, pos, shift := place(n)
	for pg := first; pg < blocks; pg++ {
		if _, err := v.pin(slot, pg*blocksPerPage); err != nil {
			return err
		}
		v.buf.Lock(buffer.Exclusive)
		if !v.buf.Page().IsNew() {
			c := v.pool.Begin(slot, wal.VmChange, 0, v.rel)
			pc := c.Page(v.buf)
			if pg > first {
				initMap(pc)
			} else {
				tail := make([]byte, page.Size-pos)
				tail[0] = v.buf.Page()[pos] & (1<<shift - 1)
				pc.Overwrite(pos, tail)
			}
			c.Commit()
		}
		v.buf.Unlock()
	}
	return nil
}
