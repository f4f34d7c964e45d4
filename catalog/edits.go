package catalog

import (
	"gompho/internal/ids"
	"gompho/locks"
	"gompho/storage/heap"
	"gompho/types"
)

// bootstrapXid is the transaction that fills a new cluster: the first there is.
const bootstrapXid = ids.FirstNormalXid

// findEdits looks, once for each database and server start, for built-in rows that a superuser has changed (GRANT on a
// function, ALTER OPERATOR): such rows were written by a later transaction than the one that made the cluster. Their keys are
// answered from the catalogs, not from the facts.
func (s *Session) findEdits() error {
	s.cache.scanMu.Lock()
	defer s.cache.scanMu.Unlock()
	if s.cache.scanned.Load() {
		return nil
	}
	keys := make(map[cacheKey]struct{})
	for table, caches := range builtinTables() {
		r, err := heapStore{s}.open(table, locks.AccessShare)
		if err != nil {
			return err
		}
		err = s.scanEdits(r, func(vals []types.Datum) {
			for _, id := range caches {
				keys[keyOfRow(id, vals)] = struct{}{}
			}
		})
		heapStore{s}.close(table, locks.AccessShare)
		if err != nil {
			return err
		}
	}
	s.cache.noteEdits(keys, s.isBuiltinKey)
	s.cache.scanned.Store(true)
	return nil
}

func builtinTables() map[ids.Oid][]cacheID {
	m := make(map[ids.Oid][]cacheID)
	for id := range cacheDefs {
		if d := &cacheDefs[id]; d.builtin {
			m[d.table] = append(m[d.table], cacheID(id))
		}
	}
	return m
}

// scanEdits calls edited with the built-in rows of a catalog that are not as they were made. Their Oid is in the first column.
func (s *Session) scanEdits(r *Relation, edited func(vals []types.Datum)) error {
	scan, err := heap.BeginScan(s.tx, r.Heap, s.tx.CatalogSnapshot(), heap.ScanOpts{Cols: []int{heap.AttrXmin, 0}})
	if err != nil {
		return err
	}
	defer scan.Close()
	const rows = 1024
	b := scan.NewBatch(rows)
	tids := make([]ids.TID, rows)
	var found []ids.TID
	for {
		n, err := scan.NextBatch(rows, b, tids)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		for i := range n {
			if b.Cols[0].W[i] > uint64(bootstrapXid) && ids.Oid(b.Cols[1].W[i]) < firstUnpinned {
				found = append(found, tids[i])
			}
		}
	}
	for _, tid := range found {
		if err := s.store.get(r.Oid, tid, edited); err != nil {
			return err
		}
	}
	return nil
}
