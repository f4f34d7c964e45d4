package sysviews

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/session"
	"gompho/storage/buffer"
	"gompho/storage/freespace"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/types"
)

// tableWithMap opens the table with a visibility map that a regclass is.
func tableWithMap(s *session.Session, c *functions.Call, mode locks.Mode) (*catalog.Relation, error) {
	r, err := openOid(s, c.Args[0].Oid(), mode)
	if err == nil && (r.Kind != 'r' && r.Kind != 'm' && r.Kind != 't' || r.Heap == nil) {
		err = pgerr.New(pgerr.WrongObjectType, "relation \"%s\" is of wrong relation kind", r.Name).
			WithDetail("This operation is not supported for %s.", kindWords(r.Kind))
	}
	return r, err
}

func openOid(s *session.Session, oid ids.Oid, mode locks.Mode) (*catalog.Relation, error) {
	r, err := s.Cat.LockRelation(oid, mode)
	if err == nil && r == nil {
		err = pgerr.Internal("could not open relation with OID %d", oid)
	}
	return r, err
}

// mapWalk goes through a table and its visibility map.
type mapWalk struct {
	s      *session.Session
	r      *catalog.Relation
	vm     freespace.VM
	blocks ids.BlockNumber
	ring   *buffer.Strategy
}

func newMapWalk(s *session.Session, c *functions.Call) (*mapWalk, error) {
	r, err := tableWithMap(s, c, locks.AccessShare)
	if err != nil {
		return nil, err
	}
	n, err := r.Heap.Blocks()
	return &mapWalk{s, r, r.Heap.VisibilityMap(), n, s.Heap.Pool.NewStrategy(buffer.BulkRead)}, err
}

// read pins and latches a block of the table.
func (w *mapWalk) read(blk ids.BlockNumber) (buffer.Buf, error) {
	b, err := w.s.Heap.Pool.Read(w.s.Slot, w.r.File, ids.MainFork, blk, w.ring)
	if err == nil {
		b.Lock(buffer.Share)
	}
	return b, err
}

// bits appends the columns of one block; with also what its page says.
func (w *mapWalk) bits(blk ids.BlockNumber, with bool, row []types.Datum) ([]types.Datum, error) {
	bits, err := w.vm.Status(w.s.Slot, blk)
	if err != nil {
		return nil, err
	}
	row = append(row, types.Bool(bits&freespace.AllVisible != 0), types.Bool(bits&freespace.AllFrozen != 0))
	if !with {
		return row, nil
	}
	visible := false
	if blk < w.blocks {
		b, err := w.read(blk)
		if err != nil {
			return nil, err
		}
		visible = b.Page().HasFlag(page.AllVisible)
		b.UnlockRelease()
	}
	return append(row, types.Bool(visible)), nil
}

// visibilityOfBlock is pg_visibility(regclass, bigint), without the page pg_visibility_map(regclass, bigint).
func visibilityOfBlock(with bool) func(*session.Session, *functions.Call) ([][]types.Datum, error) {
	return func(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
		w, err := newMapWalk(s, c)
		if err != nil {
			return nil, err
		}
		defer w.vm.Close()
		blk, err := blockArg(c.Args[1].Int())
		if err != nil {
			return nil, err
		}
		row, err := w.bits(blk, with, nil)
		return [][]types.Datum{row}, err
	}
}

// visibilityOfAll is pg_visibility(regclass), without the pages pg_visibility_map(regclass).
func visibilityOfAll(with bool) func(*session.Session, *functions.Call) ([][]types.Datum, error) {
	return func(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
		var out [][]types.Datum
		err := eachMapped(s, c, func(w *mapWalk, blk ids.BlockNumber) error {
			row, err := w.bits(blk, with, []types.Datum{types.Int(int64(blk))})
			out = append(out, row)
			return err
		})
		return out, err
	}
}

// eachMapped calls do for each block of the table that the first argument is.
func eachMapped(s *session.Session, c *functions.Call, do func(w *mapWalk, blk ids.BlockNumber) error) error {
	w, err := newMapWalk(s, c)
	if err != nil {
		return err
	}
	defer w.vm.Close()
	for blk := ids.BlockNumber(0); blk < w.blocks; blk++ {
		if err := s.Slot.CheckInterrupts(); err != nil {
			return err
		}
		if err := do(w, blk); err != nil {
			return err
		}
	}
	return nil
}

// visibilitySummary is pg_visibility_map_summary.
func visibilitySummary(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	var visible, frozen int64
	err := eachMapped(s, c, func(w *mapWalk, blk ids.BlockNumber) error {
		bits, err := w.vm.Status(s.Slot, blk)
		visible += int64(bits & freespace.AllVisible)
		frozen += int64(bits & freespace.AllFrozen >> 1)
		return err
	})
	return [][]types.Datum{{types.Int(visible), types.Int(frozen)}}, err
}

// checkMap is pg_check_frozen and pg_check_visible: row versions that belie what the map says of their page.
func checkMap(frozen bool) func(*session.Session, *functions.Call) ([][]types.Datum, error) {
	bit := freespace.AllVisible
	if frozen {
		bit = freespace.AllFrozen
	}
	return func(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
		var out [][]types.Datum
		err := eachMapped(s, c, func(w *mapWalk, blk ids.BlockNumber) error {
			bits, err := w.vm.Status(s.Slot, blk)
			if err != nil || bits&bit == 0 {
				return err
			}
			b, err := w.read(blk)
			if err != nil {
				return err
			}
			defer b.UnlockRelease()
			// Once more, under the latch: the mark and the page change together.
			if bits, err = w.vm.Status(s.Slot, blk); err != nil || bits&bit == 0 {
				return err
			}
			for _, off := range belied(s, w.r, b, frozen) {
				out = append(out, []types.Datum{types.Word(ids.TID{Block: blk, Offset: off}.Pack())})
			}
			return nil
		})
		return out, err
	}
}

// belied lists the line pointers of a latched page that must not be on an all-visible (or all-frozen) one.
func belied(s *session.Session, r *catalog.Relation, b buffer.Buf, frozen bool) []ids.OffsetNumber {
	var out []ids.OffsetNumber
	pg, m := b.Page(), s.Tx.Manager()
	oldest := m.OldestXmin(r.Heap.DB)
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		id := pg.ItemID(off)
		if id.IsDead() && !frozen {
			out = append(out, off)
		}
		if !id.IsNormal() || id.Len() < tuple.HeaderSize {
			continue
		}
		h := tuple.Header(append([]byte(nil), pg.Item(off)[:tuple.HeaderSize]...)) // a copy, so that no hint is set here
		if frozen {
			if !h.XminFrozen() || h.Infomask()&tuple.XmaxInvalid == 0 {
				out = append(out, off)
			}
			continue
		}
		v, _, _ := s.Tx.VacuumStatus(h, oldest)
		if v != mvcc.VacuumLive || !h.XminFrozen() && h.Xmin() >= oldest {
			out = append(out, off)
		}
	}
	return out
}

// truncateMap is pg_truncate_visibility_map: an empty map is always right, and the next VACUUM fills it again.
func truncateMap(s *session.Session, c *functions.Call) (types.Datum, error) {
	r, err := tableWithMap(s, c, locks.AccessExclusive)
	if err != nil {
		return types.Null, err
	}
	sizes := [ids.NumForks]ids.BlockNumber{buffer.Keep, buffer.Keep, buffer.Keep, buffer.Keep}
	sizes[ids.VmFork] = 0
	xid, err := s.Tx.AssignXid()
	if err != nil {
		return types.Null, err
	}
	return void, s.Heap.Pool.Truncate(s.Slot, xid, buffer.RelInfo{File: r.File, Logged: r.Heap.Logged}, sizes)
}

// freeSpaceOf is pg_freespace(regclass, bigint).
func freeSpaceOf(s *session.Session, c *functions.Call) (types.Datum, error) {
	r, err := openOid(s, c.Args[0].Oid(), locks.AccessShare)
	if err != nil {
		return types.Null, err
	}
	if !r.HasStorage() {
		return types.Null, pgerr.New(pgerr.WrongObjectType, "relation \"%s\" does not have storage", r.Name).
			WithDetail("This operation is not supported for %s.", kindWords(r.Kind))
	}
	blk, err := blockArg(c.Args[1].Int())
	if err != nil {
		return types.Null, err
	}
	n, err := freeSpaceMap(s, r).Free(s.Slot, blk)
	return types.Int(int64(n)), err
}

func freeSpaceMap(s *session.Session, r *catalog.Relation) freespace.FSM {
	return freespace.FSM{Pool: s.Heap.Pool, Rel: buffer.RelInfo{File: r.File, Logged: r.Persistence == 'p'}}
}

// freeSpaceOfAll is pg_freespace(regclass): no rows for what has no storage.
func freeSpaceOfAll(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	if c.Args[0].IsNull() {
		return nil, nil
	}
	r, err := openOid(s, c.Args[0].Oid(), locks.AccessShare)
	if err != nil || !r.HasStorage() {
		return nil, err
	}
	n, err := s.Heap.Pool.Blocks(r.File, ids.MainFork)
	if err != nil {
		return nil, err
	}
	out := make([][]types.Datum, 0, n)
	for blk := ids.BlockNumber(0); blk < n; blk++ {
		if err := s.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
		free, err := freeSpaceMap(s, r).Free(s.Slot, blk)
		if err != nil {
			return nil, err
		}
		out = append(out, []types.Datum{types.Int(int64(blk)), types.Int(int64(free))})
	}
	return out, nil
}
