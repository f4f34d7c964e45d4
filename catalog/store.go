package catalog

import (
	"gompho/internal/ids"
	"gompho/types"
)

// Key is an equality condition on a column of a catalog.
type Key struct {
	Att   int // column number, from 1
	Value types.Datum
}

// OidKey makes the condition column = oid.
func OidKey(att int, o ids.Oid) Key { return Key{att, types.OidDatum(o)} }

// NameKey makes the condition column = name, for name and text columns.
func NameKey(att int, name string) Key { return Key{att, types.String(name)} }

// IntKey makes the condition column = n.
func IntKey(att int, n int64) Key { return Key{att, types.Int(n)} }

// store is where rows of catalogs are: the heaps and indexes of a database, or memory for tests of higher layers.
type store interface {
	// scan calls fn for each visible row that meets keys, in the order of index when that is given (keys are then
	// its first columns). fn returns false to stop. vals is reused.
	scan(table, index ids.Oid, keys []Key, fn func(tid ids.TID, vals []types.Datum) (bool, error)) error
	// get calls fn with the row at tid.
	get(table ids.Oid, tid ids.TID, fn func(vals []types.Datum)) error
	// madeBy returns the transaction that made the version at tid.
	madeBy(table ids.Oid, tid ids.TID) (ids.Xid, error)
	insert(table ids.Oid, vals []types.Datum) (ids.TID, error)
	// update replaces the row at tid; it errors when another transaction has changed it.
	update(table ids.Oid, tid ids.TID, vals []types.Datum) (ids.TID, error)
	remove(table ids.Oid, tid ids.TID) error
	// inPlace overwrites the fixed-width part of the row at tid without a new version; false when the row is not old any more.
	inPlace(table ids.Oid, tid ids.TID, old, vals []types.Datum) (bool, error)
}

// memStore keeps rows in memory, without versions: for tests of the layers above that need no storage.
type memStore struct {
	rows map[ids.Oid][][]types.Datum // a removed row is nil; a row's TID is its position
}

func (m *memStore) scan(table, index ids.Oid, keys []Key, fn func(ids.TID, []types.Datum) (bool, error)) error {
next:
	for i, r := range m.rows[table] {
		if r == nil {
			continue
		}
		for _, k := range keys {
			if v := r[k.Att-1]; v.IsNull() || v.Word() != k.Value.Word() || v.Str() != k.Value.Str() {
				continue next
			}
		}
		if more, err := fn(ids.UnpackTID(uint64(i)<<16|1), r); !more || err != nil {
			return err
		}
	}
	return nil
}

func (m *memStore) get(table ids.Oid, tid ids.TID, fn func([]types.Datum)) error {
	fn(m.rows[table][tid.Block])
	return nil
}

func (m *memStore) madeBy(ids.Oid, ids.TID) (ids.Xid, error) { return ids.FrozenXid, nil }

func (m *memStore) insert(table ids.Oid, vals []types.Datum) (ids.TID, error) {
	m.rows[table] = append(m.rows[table], cloneRow(vals))
	return ids.TID{Block: ids.BlockNumber(len(m.rows[table]) - 1), Offset: 1}, nil
}

func (m *memStore) update(table ids.Oid, tid ids.TID, vals []types.Datum) (ids.TID, error) {
	m.rows[table][tid.Block] = cloneRow(vals)
	return tid, nil
}

func (m *memStore) remove(table ids.Oid, tid ids.TID) error {
	m.rows[table][tid.Block] = nil
	return nil
}

func (m *memStore) inPlace(table ids.Oid, tid ids.TID, _, vals []types.Datum) (bool, error) {
	_, err := m.update(table, tid, vals)
	return true, err
}

func cloneRow(vals []types.Datum) []types.Datum {
	out := make([]types.Datum, len(vals))
	for i, v := range vals {
		out[i] = v.Clone()
	}
	return out
}
