package heap

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/freespace"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/types"
)

const (
	// MaxTuplesPerPage bounds the line pointers of a heap page.
	MaxTuplesPerPage = (page.Size - page.HeaderSize) / (tuple.HeaderSize + page.ItemIDSize)
	// MaxTupleSize is the largest tuple in bytes that fits on a page.
	MaxTupleSize = page.MaxItemSize
)

// stampSize is the part of a tuple header behind xmin: what deleting, updating and locking write.
const stampSize = tuple.PosHoff - tuple.PosXmax

// freeSpace returns the room for one more tuple on the page.
func freeSpace(pg page.Page) int {
	if pg.IsNew() {
		return MaxTupleSize
	}
	if int(pg.MaxOffset()) >= MaxTuplesPerPage && int(pg.FreeOffset()) > MaxTuplesPerPage {
		return 0
	}
	return pg.FreeSpace()
}

// op is one operation on a table: the things it needs at hand, recycled.
type op struct {
	tx   *mvcc.Session
	r    *Rel
	slot *stats.Slot
	pool *buffer.Pool
	vm   freespace.VM // of the page that is changed
	vm2  freespace.VM // of the page of a new version
	form []byte       // the tuple being made
	row  []byte       // scratch for a header
	old  []types.Datum
	ext  fetcher
}

func (r *Rel) begin(tx *mvcc.Session) *op {
	o, _ := r.Env.ops.Get().(*op)
	if o == nil {
		o = &op{row: make([]byte, tuple.HeaderSize)}
	}
	o.tx, o.r, o.slot, o.pool = tx, r, tx.Slot(), r.Env.Pool
	o.vm = freespace.NewVM(o.pool, r.info())
	o.vm2 = freespace.NewVM(o.pool, r.info())
	o.ext = fetcher{tx, r.Toast}
	return o
}

func (o *op) end() {
	o.vm.Close()
	o.vm2.Close()
	env := o.r.Env
	if cap(o.form) > 64<<10 {
		o.form = nil
	}
	o.tx, o.r, o.slot = nil, nil, nil
	clear(o.old)
	env.ops.Put(o)
}

// fetcher gives a Toaster the form that package tuple wants.
type fetcher struct {
	tx *mvcc.Session
	t  Toaster
}

// Fetch implements tuple.Detoaster.
func (f *fetcher) Fetch(p tuple.Pointer) ([]byte, error) {
	if f.t == nil {
		return nil, pgerr.Internal("table without toast table has out-of-line value %d of relation %d", p.ValueID, p.ToastRel)
	}
	return f.t.Fetch(f.tx, p)
}

// read pins a page of the table.
func (o *op) read(blk ids.BlockNumber) (buffer.Buf, error) {
	return o.pool.Read(o.slot, o.r.File, ids.MainFork, blk, nil)
}

// lockPage latches b exclusively with the visibility map's page pinned if the page is marked all-visible.
func (o *op) lockPage(b buffer.Buf, vm *freespace.VM) error {
	if b.Page().HasFlag(page.AllVisible) {
		if err := vm.Pin(o.slot, b.Block()); err != nil {
			return err
		}
	}
	for {
		b.Lock(buffer.Exclusive)
		if !b.Page().HasFlag(page.AllVisible) || vm.Pinned(b.Block()) {
			return nil
		}
		b.Unlock()
		if err := vm.Pin(o.slot, b.Block()); err != nil {
			return err
		}
	}
}

// clearVisible takes the all-visible mark off a page as part of change c. The result is to be unlocked after Commit.
func clearVisible(c *buffer.Change, pc buffer.PageChange, b buffer.Buf, vm *freespace.VM) buffer.Buf {
	pg := b.Page()
	if !pg.HasFlag(page.AllVisible) {
		return buffer.Buf{}
	}
	pc.SetFlags(pg.Flags() &^ page.AllVisible)
	return vm.Clear(c, b.Block(), freespace.AllVisible|freespace.AllFrozen)
}

func unlock(b buffer.Buf) {
	if b.IsValid() {
		b.Unlock()
	}
}

// stamp writes the changed header h of the tuple at pos: everything behind xmin.
func stamp(pc buffer.PageChange, pos int, h tuple.Header) {
	pc.Overwrite(pos+tuple.PosXmax, h[tuple.PosXmax:tuple.PosHoff])
}

// header copies the header of a tuple on the page into scratch memory, to be changed and stamped.
func (o *op) header(tup []byte) tuple.Header {
	copy(o.row, tup[:tuple.HeaderSize])
	return tuple.Header(o.row)
}

// itemAt returns the tuple at off of a latched page; nil if there is none.
func itemAt(pg page.Page, off ids.OffsetNumber) []byte {
	if pg.IsNew() || off == 0 || off > pg.MaxOffset() || !pg.ItemID(off).IsNormal() {
		return nil
	}
	return pg.Item(off)
}
