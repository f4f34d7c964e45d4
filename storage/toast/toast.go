package toast

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/storage/tuple"
	"gompho/types"
)

// ChunkSize is the size in bytes of all chunks of a value but the last: four rows fill a page.
const ChunkSize = 1988

// Desc returns the row description of a toast table.
func Desc() *types.Desc {
	return &types.Desc{Attrs: []types.Attr{
		{Name: "chunk_id", Type: 26, Typmod: -1, Len: 4, ByVal: true, Align: 'i', Storage: 'p'},
		{Name: "chunk_seq", Type: 23, Typmod: -1, Len: 4, ByVal: true, Align: 'i', Storage: 'p'},
		{Name: "chunk_data", Type: 17, Typmod: -1, Len: -1, Align: 'i', Storage: 'p'},
	}}
}

// Table is a toast table with its index on (chunk_id, chunk_seq). It implements heap.Toaster.
type Table struct {
	Rel   *heap.Rel
	Index *btree.Index
	// NewOid returns an oid that was not given out lately; Table makes sure that no value has it.
	NewOid func(tx *mvcc.Session) (ids.Oid, error)
}

var _ heap.Toaster = (*Table)(nil)

// newValueID returns a chunk_id that no value has.
func (t *Table) newValueID(tx *mvcc.Session) (ids.Oid, error) {
	var tids [1]ids.TID
	for {
		oid, err := t.NewOid(tx)
		if err != nil {
			return 0, err
		}
		key := [1]types.Datum{types.OidDatum(oid)}
		n, err := t.Index.Lookup(tx.Slot(), key[:], tids[:])
		if err != nil || n == 0 && oid != 0 {
			return oid, err
		}
	}
}

// Save implements heap.Toaster.
func (t *Table) Save(tx *mvcc.Session, cid ids.CommandID, p tuple.Pointer, b []byte, o heap.InsertOpts) (tuple.Pointer, error) {
	id, err := t.newValueID(tx)
	if err != nil {
		return p, err
	}
	p.ValueID, p.ToastRel, p.ExtSize = id, t.Rel.Oid, uint32(len(b))
	vals := []types.Datum{types.OidDatum(id), {}, {}}
	opts := heap.InsertOpts{Frozen: o.Frozen, NoToast: true}
	if o.As != nil && o.As.Xmax != 0 { // the copy of a version that was deleted: nobody will delete its chunks again
		opts.As = &heap.Version{Xmin: o.As.Xmin, Xmax: o.As.Xmax}
	}
	for seq := 0; len(b) > 0; seq++ {
		n := min(len(b), ChunkSize)
		vals[1], vals[2] = types.Int(int64(seq)), types.Bytes(b[:n])
		tid, err := heap.Insert(tx, t.Rel, vals, cid, opts)
		if err != nil {
			return p, err
		}
		if _, err := t.Index.Insert(tx, vals[:2], tid, btree.UniqueNo); err != nil {
			return p, err
		}
		b = b[n:]
		if err := tx.Slot().CheckInterrupts(); err != nil {
			return p, err
		}
	}
	return p, nil
}

// chunks calls each for the entries of a value's chunks, in order.
func (t *Table) chunks(tx *mvcc.Session, id ids.Oid, each func(sc *btree.Scan, tid ids.TID) error) error {
	sc := t.Index.BeginScan(tx, btree.ScanOpts{})
	defer sc.Close()
	if err := sc.Rescan([]btree.ScanKey{{Attr: 0, Strategy: btree.Equal, Value: types.OidDatum(id)}}); err != nil {
		return err
	}
	var tids [32]ids.TID
	for {
		n, err := sc.Next(tids[:], nil)
		if err != nil || n == 0 {
			return err
		}
		for _, tid := range tids[:n] {
			if err := each(sc, tid); err != nil {
				return err
			}
		}
	}
}

// Fetch implements heap.Toaster.
func (t *Table) Fetch(tx *mvcc.Session, p tuple.Pointer) ([]byte, error) {
	if p.ToastRel != t.Rel.Oid {
		return nil, pgerr.New(pgerr.DataCorrupted, "toast pointer of relation %d in a table whose toast table is %d", p.ToastRel, t.Rel.Oid)
	}
	out := make([]byte, 0, p.ExtSize)
	rows := heap.NewFetcher(tx, t.Rel, []int{1, 2})
	defer rows.Close()
	var vals [2]types.Datum
	next := int64(0)
	err := t.chunks(tx, p.ValueID, func(sc *btree.Scan, tid ids.TID) error {
		found, err := rows.ToastChunk(tid)
		if err != nil || !found {
			return err
		}
		sc.Fetched(1)
		rows.ResetArena()
		if err := rows.Values(vals[:]); err != nil {
			return err
		}
		if seq := vals[0].Int(); seq != next {
			return pgerr.New(pgerr.DataCorrupted, "unexpected chunk number %d (expected %d) for toast value %d in %s", seq, next, p.ValueID, t.Rel.Name)
		}
		next++
		out = append(out, vals[1].Bytes()...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(out) != int(p.ExtSize) {
		return nil, pgerr.New(pgerr.DataCorrupted, "missing chunk number %d for toast value %d in %s", next, p.ValueID, t.Rel.Name)
	}
	if p.Compressed {
		return tuple.Unpack(out, int(p.RawSize), nil)
	}
	return out, nil
}

// Delete implements heap.Toaster.
func (t *Table) Delete(tx *mvcc.Session, p tuple.Pointer, kill bool) error {
	cid := tx.CommandID(true)
	rows := heap.NewFetcher(tx, t.Rel, nil)
	defer rows.Close()
	return t.chunks(tx, p.ValueID, func(sc *btree.Scan, tid ids.TID) error {
		found, err := rows.ToastChunk(tid)
		rows.Unpin()
		if err != nil || !found {
			return err
		}
		sc.Fetched(1)
		if kill {
			return heap.AbortSpeculative(tx, t.Rel, tid)
		}
		_, _, err = heap.Delete(tx, t.Rel, tid, cid, heap.ModifyOpts{})
		return err
	})
}
