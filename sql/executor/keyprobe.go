package executor

import (
	"slices"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/sql/query"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// keyProbe looks for a key in the referenced table by way of its unique index alone: what the query of riLookup does, at a fraction of its cost. It
// exists for constraints whose two sides have values of the same form in memory.
//
// All checks of one round of firing share a snapshot, taken when the round began or when the transaction itself changed something since. A key that
// is not found with it is looked for again with a fresh one, as it may have come meanwhile.
type keyProbe struct {
	k     *foreignKey
	ix    *btree.Index
	index ids.Oid
	scan  *btree.Scan
	fetch *heap.Fetcher // of the index's key columns, in their order
	keys  []btree.ScanKey
	order []int // for each key column of the index, from 0, its place in the constraint
	tids  [4]ids.TID

	locked uint64        // the round in which the table was locked
	found  []types.Datum // the last key that was found and locked, in the order of the index
	at     probeTime     // when that was
	vals   []types.Datum // the key at hand and
	now    []types.Datum // that of a row which was changed meanwhile, in the order of the index
}

// probeTime is a moment of which what a probe found is still true: nothing was changed by the transaction since.
type probeTime struct {
	round uint64
	cid   ids.CommandID
}

// Types whose values have the same form in memory and the same order in an operator family.
var sameForm = [][]ids.Oid{{20, 21, 23}, {700, 701}, {19, 25, 1043}}

// newProbe makes the probe of a constraint; nil when it needs the query.
func (k *foreignKey) newProbe() (*keyProbe, error) {
	if k.pk.Heap == nil || !k.ownerMayLock() {
		return nil, nil
	}
	for _, ix := range k.pk.Indexes {
		if ix.Oid != k.con.Conindid || ix.Btree == nil || !ix.Valid || !ix.Ready || ix.NKeyAtts != len(k.con.Confkey) {
			continue
		}
		p := &keyProbe{k: k, ix: ix.Btree, index: ix.Oid}
		cols := make([]int, ix.NKeyAtts)
		for i, att := range ix.Keys[:ix.NKeyAtts] {
			at := slices.Index(k.con.Confkey, att)
			if at < 0 {
				return nil, nil
			}
			cols[i] = int(att) - 1
			p.order = append(p.order, at)
			p.keys = append(p.keys, btree.ScanKey{Attr: i, Strategy: btree.Equal})
		}
		for i := range k.con.Conkey {
			ok, err := k.comparesDirectly(i)
			if !ok || err != nil {
				return nil, err
			}
		}
		p.scan = p.ix.BeginScan(k.d.tx, btree.ScanOpts{})
		p.fetch = heap.NewFetcher(k.d.tx, k.pk.Heap, cols)
		n := len(cols)
		p.found, p.vals, p.now = make([]types.Datum, n), make([]types.Datum, n), make([]types.Datum, n)
		return p, nil
	}
	return nil, nil
}

// ownerMayLock reports whether the owner of the referenced table has the rights that the query needs; if not, the query says what is missing.
func (k *foreignKey) ownerMayLock() bool {
	if k.d.env.CheckRights == nil {
		return true
	}
	return k.d.env.CheckRights(&query.RangeTblEntry{Kind: query.RTERelation, Relid: k.pk.Oid, CheckAsUser: k.pk.Owner,
		RequiredPerms: query.PermSelect | query.PermUpdate, SelectedCols: k.con.Confkey}) == nil
}

// comparesDirectly reports whether values of a referencing column can be compared as they are with those of the referenced one.
func (k *foreignKey) comparesDirectly(i int) (bool, error) {
	op, err := k.d.cat.Operator(k.con.Conpfeqop[i])
	if op == nil || err != nil {
		return false, err
	}
	fk, err := k.d.env.typ(k.fk.Desc.Attrs[k.con.Conkey[i]-1].Type)
	if err != nil {
		return false, err
	}
	pk, err := k.d.env.typ(k.pk.Desc.Attrs[k.con.Confkey[i]-1].Type)
	if err != nil {
		return false, err
	}
	from, to := fk.Underlying().Oid, pk.Underlying().Oid
	if from == to {
		return op.Oprleft == op.Oprright, nil
	}
	for _, form := range sameForm {
		if slices.Contains(form, from) && slices.Contains(form, to) && slices.Contains(form, op.Oprleft) && slices.Contains(form, op.Oprright) {
			return true, nil
		}
	}
	return false, nil
}

func (p *keyProbe) close() {
	p.scan.Close()
	p.fetch.Close()
}

// look reports whether a row with the key is there, and locks it.
func (p *keyProbe) look(key []types.Datum) (bool, error) {
	d := p.k.d
	for i, at := range p.order {
		p.vals[i] = key[at]
	}
	now := probeTime{d.foreign.round, d.tx.CommandID(false)}
	if p.at == now && p.ix.EqualKeys(p.found, p.vals) {
		return true, nil
	}
	if p.locked != now.round {
		if err := p.hold(); err != nil {
			return false, err
		}
		p.locked = now.round
	}
	snap, fresh := d.probeSnapshot(now.cid)
	ok, err := p.lookWith(snap, now.cid)
	if !ok && err == nil && !fresh && !d.tx.Isolation().UsesOneSnapshot() {
		ok, err = p.lookWith(d.renewProbeSnapshot(), now.cid)
	}
	if ok {
		copy(p.found, p.vals)
		p.at = now
	}
	return ok, err
}

// hold locks the table and its index as the query would.
func (p *keyProbe) hold() error {
	l, ok := p.k.d.env.Catalog.(locker)
	if !ok {
		return nil
	}
	if err := l.HoldRelation(p.k.pk.Oid, locks.RowShare); err != nil {
		return err
	}
	return l.HoldRelation(p.index, locks.RowShare)
}

// probeSnapshot returns the snapshot of the round; fresh: it was taken just now.
func (d *Deferred) probeSnapshot(cid ids.CommandID) (snap *mvcc.Snapshot, fresh bool) {
	if s := d.foreign.snap; s != nil && s.CurCid == cid {
		return s, false
	}
	return d.renewProbeSnapshot(), true
}

func (d *Deferred) renewProbeSnapshot() *mvcc.Snapshot {
	s := d.tx.Register(d.tx.Snapshot())
	d.dropProbeSnapshot()
	d.foreign.snap = s
	return s
}

func (d *Deferred) dropProbeSnapshot() {
	if s := d.foreign.snap; s != nil {
		d.tx.Unregister(s)
		d.foreign.snap = nil
	}
}

func (p *keyProbe) lookWith(snap *mvcc.Snapshot, cid ids.CommandID) (bool, error) {
	for i := range p.keys {
		p.keys[i].Value = p.vals[i]
	}
	if err := p.scan.Rescan(p.keys); err != nil {
		return false, err
	}
	for {
		n, err := p.scan.Next(p.tids[:], nil)
		if n == 0 || err != nil {
			return false, err
		}
		for i, tid := range p.tids[:n] {
			seen, err := p.fetch.Index(tid, snap)
			if err == nil && !seen && p.fetch.AllDead() {
				p.scan.Kill(i)
			}
			at := p.fetch.TID()
			// Nobody else can change a version that this transaction made: it needs no lock.
			mine := seen && err == nil && p.k.d.tx.IsCurrent(p.fetch.Header().Xmin())
			p.fetch.Unpin()
			if seen && err == nil {
				p.scan.Fetched(1)
			}
			if seen && err == nil && !mine {
				seen, err = p.lock(at, snap, cid)
			}
			if seen || err != nil {
				return seen, err
			}
		}
	}
}

// lock locks the version at tid of a row, or the one that came of it; false when it is gone or its key is another one now.
func (p *keyProbe) lock(tid ids.TID, snap *mvcc.Snapshot, cid ids.CommandID) (bool, error) {
	tx, rel := p.k.d.tx, p.k.pk.Heap
	at, res, fail, err := heap.LockLatest(tx, rel, tid, cid, mvcc.LockKeyShare, heap.WaitBlock, nil)
	if err != nil {
		return false, err
	}
	switch res {
	case heap.Ok:
		if !fail.Traversed {
			return true, nil
		}
		return p.stillHas(at)
	case heap.SelfModified:
		return false, nil
	case heap.Updated, heap.Deleted:
		if tx.Isolation().UsesOneSnapshot() {
			return false, concurrentUpdate()
		}
		return false, nil
	case heap.Invisible:
		return false, pgerr.Internal("attempted to lock invisible tuple")
	}
	return false, pgerr.Internal("unrecognized result %d of locking a row", res)
}

// stillHas reports whether the version at tid has the key at hand.
func (p *keyProbe) stillHas(tid ids.TID) (bool, error) {
	p.fetch.ResetArena()
	ok, err := p.fetch.Version(tid, nil)
	if ok && err == nil {
		err = p.fetch.Values(p.now)
	}
	p.fetch.Unpin()
	return ok && err == nil && p.ix.EqualKeys(p.now, p.vals), err
}
