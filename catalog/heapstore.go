package catalog

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// heapStore keeps rows where they belong: in the heaps and indexes of the session's database.
type heapStore struct{ s *Session }

const scanBatch = 32

func (h heapStore) relation(table ids.Oid) (*Relation, error) {
	r, err := h.s.Relation(table)
	if r == nil && err == nil {
		err = pgerr.Internal("no catalog %d", table)
	}
	return r, err
}

// open locks a catalog and returns its descriptor as of after the lock: its files stay where they are until close. Who writes keeps the lock until
// the end of the transaction, so that who gets AccessExclusive meets no row whose fate is open.
func (h heapStore) open(table ids.Oid, mode locks.Mode) (*Relation, error) {
	if h.s.locks != nil {
		if err := h.s.locks.Acquire(h.s.RelationTag(table), mode, locks.Opts{Quiet: true}); err != nil {
			return nil, err
		}
	}
	r, err := h.relation(table)
	if err != nil {
		h.close(table, mode)
	}
	return r, err
}

func (h heapStore) close(table ids.Oid, mode locks.Mode) {
	if h.s.locks != nil {
		h.s.locks.ReleaseQuiet(h.s.RelationTag(table), mode)
	}
}

func (h heapStore) madeBy(table ids.Oid, tid ids.TID) (ids.Xid, error) {
	r, err := h.open(table, locks.AccessShare)
	if err != nil {
		return 0, err
	}
	defer h.close(table, locks.AccessShare)
	f := heap.NewFetcher(h.s.tx, r.Heap, nil)
	defer f.Close()
	if found, err := f.Version(tid, nil); !found || err != nil {
		return ids.FrozenXid, err
	}
	return f.Header().Xmin(), nil
}

func (h heapStore) scan(table, index ids.Oid, keys []Key, fn func(ids.TID, []types.Datum) (bool, error)) error {
	r, err := h.open(table, locks.AccessShare)
	if err != nil {
		return err
	}
	defer h.close(table, locks.AccessShare)
	tx := h.s.tx
	snap := tx.Register(tx.CatalogSnapshot())
	defer tx.Unregister(snap)
	if index == 0 {
		return h.scanHeap(r, keys, fn)
	}
	var ix *Index
	for _, x := range r.Indexes {
		if x.Oid == index {
			ix = x
		}
	}
	if ix == nil {
		return pgerr.Internal("catalog %s has no index %d", r.Name, index)
	}
	scanKeys := make([]btree.ScanKey, 0, len(keys))
	var rest []Key
	for _, k := range keys {
		pos := -1
		for i, att := range ix.Keys {
			if int(att) == k.Att {
				pos = i
			}
		}
		if pos < 0 {
			rest = append(rest, k)
			continue
		}
		scanKeys = append(scanKeys, btree.ScanKey{Attr: pos, Strategy: btree.Equal, Value: k.Value})
	}
	scan := ix.Btree.BeginScan(tx, btree.ScanOpts{})
	defer scan.Close()
	if err := scan.Rescan(scanKeys); err != nil {
		return err
	}
	f := heap.NewFetcher(tx, r.Heap, allColumns(len(r.Desc.Attrs)))
	defer f.Close()
	vals := make([]types.Datum, len(r.Desc.Attrs))
	var tids [scanBatch]ids.TID
	for {
		n, err := scan.Next(tids[:], nil)
		if n == 0 || err != nil {
			return err
		}
		for _, tid := range tids[:n] {
			found, err := f.Index(tid, snap)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			scan.Fetched(1)
			if err := f.Values(vals); err != nil {
				return err
			}
			at, xmin := f.TID(), f.Header().Xmin()
			f.Unpin()
			if matches(vals, rest) {
				h.s.rowXmin = xmin
				if more, err := fn(at, vals); !more || err != nil {
					return err
				}
			}
			f.ResetArena()
		}
	}
}

func matches(vals []types.Datum, keys []Key) bool {
	for _, k := range keys {
		if v := vals[k.Att-1]; v.IsNull() || v.Word() != k.Value.Word() || v.Str() != k.Value.Str() {
			return false
		}
	}
	return true
}

func allColumns(n int) []int {
	cols := make([]int, n)
	for i := range cols {
		cols[i] = i
	}
	return cols
}

func (h heapStore) scanHeap(r *Relation, keys []Key, fn func(ids.TID, []types.Datum) (bool, error)) error {
	tx := h.s.tx
	scan, err := heap.BeginScan(tx, r.Heap, tx.CatalogSnapshot(), heap.ScanOpts{Cols: allColumns(len(r.Desc.Attrs))})
	if err != nil {
		return err
	}
	defer scan.Close()
	b := scan.NewBatch(scanBatch)
	var tids [scanBatch]ids.TID
	vals := make([]types.Datum, len(r.Desc.Attrs))
	for {
		n, err := scan.NextBatch(scanBatch, b, tids[:])
		if n == 0 || err != nil {
			return err
		}
		for i := range n {
			for c := range vals {
				vals[c] = b.Cols[c].Get(i)
			}
			if !matches(vals, keys) {
				continue
			}
			h.s.rowXmin = 0
			if more, err := fn(tids[i], vals); !more || err != nil {
				return err
			}
		}
	}
}

func (h heapStore) get(table ids.Oid, tid ids.TID, fn func([]types.Datum)) error {
	r, err := h.open(table, locks.AccessShare)
	if err != nil {
		return err
	}
	defer h.close(table, locks.AccessShare)
	f := heap.NewFetcher(h.s.tx, r.Heap, allColumns(len(r.Desc.Attrs)))
	defer f.Close()
	found, err := f.Version(tid, nil)
	if err != nil {
		return err
	}
	if !found {
		return pgerr.Internal("tuple concurrently deleted")
	}
	vals := make([]types.Datum, len(r.Desc.Attrs))
	if err := f.Values(vals); err != nil {
		return err
	}
	fn(vals)
	return nil
}

func (h heapStore) insert(table ids.Oid, vals []types.Datum) (ids.TID, error) {
	r, err := h.open(table, locks.RowExclusive)
	if err != nil {
		return ids.TID{}, err
	}
	tid, err := heap.Insert(h.s.tx, r.Heap, vals, h.s.tx.CommandID(true), heap.InsertOpts{})
	if err != nil {
		return tid, err
	}
	return tid, h.insertEntries(r, vals, tid)
}

func (h heapStore) insertEntries(r *Relation, vals []types.Datum, tid ids.TID) error {
	var key [8]types.Datum
	for _, ix := range r.Indexes {
		for i, att := range ix.Keys {
			key[i] = vals[att-1]
		}
		mode := btree.UniqueNo
		if ix.Unique {
			mode = btree.UniqueYes
		}
		if _, err := ix.Btree.Insert(h.s.tx, key[:len(ix.Keys)], tid, mode); err != nil {
			return err
		}
	}
	return nil
}

func (h heapStore) update(table ids.Oid, tid ids.TID, vals []types.Datum) (ids.TID, error) {
	r, err := h.open(table, locks.RowExclusive)
	if err != nil {
		return tid, err
	}
	info, res, _, err := heap.Update(h.s.tx, r.Heap, tid, vals, h.s.tx.CommandID(true), heap.ModifyOpts{})
	if err == nil {
		err = modifyError(res)
	}
	if err != nil {
		return tid, err
	}
	if info.Hot {
		return info.TID, nil
	}
	return info.TID, h.insertEntries(r, vals, info.TID)
}

// modifyError turns the outcome of a change that must succeed into an error.
func modifyError(res heap.Result) error {
	switch res {
	case heap.Ok:
		return nil
	case heap.SelfModified:
		return pgerr.Internal("tuple already updated by self")
	case heap.Updated:
		return pgerr.Internal("tuple concurrently updated")
	case heap.Deleted:
		return pgerr.Internal("tuple concurrently deleted")
	}
	return pgerr.Internal("unrecognized heap status: %d", res)
}

func (h heapStore) remove(table ids.Oid, tid ids.TID) error {
	r, err := h.open(table, locks.RowExclusive)
	if err != nil {
		return err
	}
	res, _, err := heap.Delete(h.s.tx, r.Heap, tid, h.s.tx.CommandID(true), heap.ModifyOpts{})
	if err != nil {
		return err
	}
	return modifyError(res)
}

func (h heapStore) inPlace(table ids.Oid, tid ids.TID, old, vals []types.Datum) (bool, error) {
	r, err := h.open(table, locks.RowExclusive)
	if err != nil {
		return false, err
	}
	defer h.close(table, locks.RowExclusive)
	return heap.UpdateInPlace(h.s.tx, r.Heap, tid, old, vals)
}
