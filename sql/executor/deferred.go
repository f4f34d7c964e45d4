package executor

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// Deferred keeps what a session's transaction still has to check: the keys of deferrable unique constraints that may be there twice, and
// the rows whose changes concern foreign keys (events.go). It follows the transaction as a hook: what is left is checked before the commit,
// and an aborted subtransaction's part is forgotten.
//
// A constraint is checked at the end of each statement unless it is INITIALLY DEFERRED or SET CONSTRAINTS says so.
type Deferred struct {
	env  *Env
	tx   *mvcc.Session
	cat  Catalog
	con  func(oid ids.Oid) (*catalog.Constraint, error)
	keys []deferredKey
	// modes are the SET CONSTRAINTS of the transaction, in order: later ones win.
	modes []constraintMode

	rows    rowEvents
	foreign foreignKeys
	firing  bool
	charge  stats.Charge
	watch   *triggerWatch // counts what is fired, for EXPLAIN ANALYZE; nil: nobody asks
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
func NewDeferred(env *Env, con func(ids.Oid) (*catalog.Constraint, error)) *Deferred {
	d := &Deferred{env: env, tx: env.Tx, cat: env.Catalog, con: con}
	d.tx.AddHook(d)
	return d
}

// Add notes an entry to be checked. The values are copied.
func (d *Deferred) Add(table ids.Oid, ix *catalog.Index, vals []types.Datum, tid ids.TID) {
	k := deferredKey{table: table, index: ix.Oid, constraint: ix.Constraint, vals: make([]types.Datum, len(vals)), tid: tid, sub: d.tx.SubID()}
	for i, v := range vals {
		k.vals[i] = v.Clone()
	}
	d.keys = append(d.keys, k)
	if len(d.keys)&1023 == 0 {
		d.weigh()
	}
}

// weigh puts what waits on the session's account.
func (d *Deferred) weigh() {
	r := &d.rows
	n := (cap(r.queue)+cap(r.later))*eventBytes + (cap(r.done)+cap(d.keys))*2*eventBytes
	d.charge.Set(d.env.Slot.Account(), int64(n), "checks of constraints that are to be made")
}

// eventBytes is what an event takes in a queue.
const eventBytes = 56

// isDeferred reports whether a constraint is to be checked at commit.
func (d *Deferred) isDeferred(constraint ids.Oid) (bool, error) {
	k, err := d.con(constraint)
	if k == nil || err != nil || !k.Condeferrable {
		return false, err
	}
	for i := len(d.modes) - 1; i >= 0; i-- {
		if m := d.modes[i]; m.constraint == constraint || m.constraint == 0 {
			return m.deferred, nil
		}
	}
	return k.Condeferred, nil
}

// EndStatement checks what is not deferred at the end of a statement; mark is what Mark said at its start.
func (d *Deferred) EndStatement(mark int) error {
	if d.firing || len(d.keys) == 0 && len(d.rows.queue) == mark {
		return nil
	}
	return d.settle(mark, d.isDeferred)
}

// EndCommand is EndStatement for a command that ran nothing else before.
func (d *Deferred) EndCommand() error { return d.EndStatement(0) }

// settle checks keys and fires events until none are left that keep does not keep for later. Firing can bring new ones.
func (d *Deferred) settle(mark int, keep func(constraint ids.Oid) (bool, error)) error {
	d.firing = true
	d.foreign.round++
	defer func() {
		d.firing = false
		d.dropProbeSnapshot()
	}()
	if len(d.rows.queue) > mark {
		if err := d.tx.IncrementCommand(); err != nil {
			return err
		}
	}
	d.rows.open = false
	waiting := 0
	for at := mark; ; at++ {
		if len(d.keys) > waiting {
			if err := d.check(keep); err != nil {
				return err
			}
			waiting = len(d.keys)
		}
		if at >= len(d.rows.queue) {
			if d.rows.queue = d.rows.queue[:mark]; mark == 0 && cap(d.rows.queue) > maxKeptEvents {
				d.rows.queue = nil
			}
			d.weigh()
			return nil
		}
		var err error
		if at, err = d.fireNext(at, keep); err != nil {
			return err
		}
	}
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
	mark := d.mark()
	d.rows.recall()
	return d.settle(mark, d.isDeferred)
}

// Pending reports whether rows of a table are still to be checked.
func (d *Deferred) Pending(table ids.Oid) bool {
	for i := range d.keys {
		if d.keys[i].table == table {
			return true
		}
	}
	return d.rows.pending(table)
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
		if sub := d.tx.SubID(); k.sub != sub {
			d.rows.done = append(d.rows.done, doneCheck{by: sub, key: &list[i]})
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
	if len(d.keys) == 0 && len(d.rows.later) == 0 && len(d.rows.queue) == 0 {
		return nil
	}
	d.rows.recall()
	return d.settle(0, func(ids.Oid) (bool, error) { return false, nil })
}

// AtEnd implements mvcc.Hook.
func (d *Deferred) AtEnd(bool) {
	d.keys, d.modes = nil, nil
	d.rows.forget()
	d.charge.Done()
}

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
	d.keys = append(d.keys, d.rows.endSub(sub, parent, commit)...)
}

// OnCommand implements mvcc.Hook.
func (d *Deferred) OnCommand() {}
