package executor

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// Deferred keeps what a session's transaction still has to check: the keys of deferrable unique constraints that may be there twice. It
// follows the transaction as a hook: what is left is checked before the commit, and an aborted subtransaction's part is forgotten.
//
// A constraint is checked at the end of each statement unless it is INITIALLY DEFERRED or SET CONSTRAINTS says so.
type Deferred struct {
	tx   *mvcc.Session
	cat  Catalog
	con  func(oid ids.Oid) (*catalog.Constraint, error)
	keys []deferredKey
	// modes are the SET CONSTRAINTS of the transaction, in order: later ones win.
	modes []constraintMode
}

// deferredKey is an entry of a unique index that was made although another one with its key may be there.
type deferredKey struct {
	table, index, constraint ids.Oid
	vals                     []types.Datum
	tid                      ids.TID
	sub                      mvcc.SubID
}

// constraintMode is one SET CONSTRAINTS; constraint 0 is ALL.
type constraintMode struct {
	constraint ids.Oid
	deferred   bool
	sub        mvcc.SubID
}

// NewDeferred makes the state of a session; con finds constraints.
func NewDeferred(tx *mvcc.Session, cat Catalog, con func(ids.Oid) (*catalog.Constraint, error)) *Deferred {
	d := &Deferred{tx: tx, cat: cat, con: con}
	tx.AddHook(d)
	return d
}

// Add notes an entry to be checked. The values are copied.
func (d *Deferred) Add(table ids.Oid, ix *catalog.Index, vals []types.Datum, tid ids.TID) {
	k := deferredKey{table: table, index: ix.Oid, constraint: ix.Constraint, vals: make([]types.Datum, len(vals)), tid: tid, sub: d.tx.SubID()}
	for i, v := range vals {
		k.vals[i] = v.Clone()
	}
	d.keys = append(d.keys, k)
}

// isDeferred reports whether a constraint is to be checked at commit.
func (d *Deferred) isDeferred(constraint ids.Oid) (bool, error) {
	for i := len(d.modes) - 1; i >= 0; i-- {
		if m := d.modes[i]; m.constraint == constraint || m.constraint == 0 {
			return m.deferred, nil
		}
	}
	k, err := d.con(constraint)
	return k != nil && k.Condeferred, err
}

// EndStatement checks the keys whose constraints are immediate.
func (d *Deferred) EndStatement() error {
	if len(d.keys) == 0 {
		return nil
	}
	return d.check(d.isDeferred)
}

// Set is SET CONSTRAINTS: constraint 0 means all. What is immediate now is checked at once.
func (d *Deferred) Set(constraints []ids.Oid, deferred bool) error {
	if constraints == nil {
		constraints = []ids.Oid{0}
	}
	for _, c := range constraints {
		d.modes = append(d.modes, constraintMode{c, deferred, d.tx.SubID()})
	}
	if deferred {
		return nil
	}
	return d.EndStatement()
}

// Pending reports whether rows of a table are still to be checked.
func (d *Deferred) Pending(table ids.Oid) bool {
	for i := range d.keys {
		if d.keys[i].table == table {
			return true
		}
	}
	return false
}

// check looks at the keys that keep does not keep for later.
func (d *Deferred) check(keep func(constraint ids.Oid) (bool, error)) error {
	list := d.keys
	d.keys = nil
	var later []deferredKey
	for i, k := range list {
		wait, err := keep(k.constraint)
		if err == nil && wait {
			later = append(later, k)
			continue
		}
		if err == nil {
			err = d.verify(&list[i])
		}
		if err != nil {
			return err
		}
	}
	d.keys = append(later, d.keys...)
	return nil
}

// verify looks whether the key of an entry is there twice, if its row still is.
func (d *Deferred) verify(k *deferredKey) error {
	rel, err := d.cat.Relation(k.table)
	if rel == nil || err != nil {
		return err
	}
	for _, ix := range rel.Indexes {
		if ix.Oid != k.index {
			continue
		}
		f := heap.NewFetcher(d.tx, rel.Heap, nil)
		live, err := f.IndexSelf(k.tid)
		f.Close()
		if err != nil || !live {
			return err
		}
		_, err = ix.Btree.Insert(d.tx, k.vals, k.tid, btree.UniqueExisting)
		return err
	}
	return nil
}

// PreCommit implements mvcc.Hook: it checks all that is left.
func (d *Deferred) PreCommit() error {
	if len(d.keys) == 0 {
		return nil
	}
	return d.check(func(ids.Oid) (bool, error) { return false, nil })
}

// AtEnd implements mvcc.Hook.
func (d *Deferred) AtEnd(bool) { d.keys, d.modes = nil, nil }

// AtSubEnd implements mvcc.Hook.
func (d *Deferred) AtSubEnd(sub, parent mvcc.SubID, commit bool) {
	keys := d.keys[:0]
	for _, k := range d.keys {
		if k.sub == sub {
			if !commit {
				continue
			}
			k.sub = parent
		}
		keys = append(keys, k)
	}
	d.keys = keys
	modes := d.modes[:0]
	for _, m := range d.modes {
		if m.sub == sub {
			if !commit {
				continue
			}
			m.sub = parent
		}
		modes = append(modes, m)
	}
	d.modes = modes
}

// OnCommand implements mvcc.Hook.
func (d *Deferred) OnCommand() {}
