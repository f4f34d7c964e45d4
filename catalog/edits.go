package catalog

import (
	"gompho/internal/ids"
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
		r, err := s.Relation(table)
		if err != nil {
			return err
		}
		if err := s.scanEdits(r, func(vals []types.Datum) {
			for _, id := range caches {
				keys[keyOfRow(id, vals)] = struct{}{}
			}
		}); err != nil {
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

// scanEdits calls edited with the built-in rows of a catalog that are not as they were made.
func (s *Session) scanEdits(r *Relation, edited func(vals []types.Datum)) error {
	n := len(r.Desc.Attrs)
	scan, err := heap.BeginScan(s.tx, r.Heap, s.tx.CatalogSnapshot(), heap.ScanOpts{Cols: append([]int{heap.AttrXmin}, allColumns(n)...)})
	if err != nil {
		return err
	}
	defer scan.Close()
	const rows = 256
	b := scan.NewBatch(rows)
	vals := make([]types.Datum, n)
	for {
		got, err := scan.NextBatch(rows, b, nil)
		if got == 0 || err != nil {
			return err
		}
		for i := range got {
			if b.Cols[0].W[i] <= uint64(bootstrapXid) || ids.Oid(b.Cols[1].W[i]) >= firstUnpinned {
				continue
			}
			for c := range vals {
				vals[c] = b.Cols[c+1].Get(i)
			}
			edited(vals)
		}
	}
}
