package executor

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/storage/heap"
	"gompho/types"
)

// resultRels are the tables of a ModifyTable that changes rows of several: partitions, or tables that inherit. The table of the row at hand
// stands in the fields of modifyTable itself; use puts it there.
type resultRels struct {
	byOid map[ids.Oid]*resultRel
	cur   *resultRel
	batch uint64 // number of the child's batch at hand
	n     int    // its rows
	oids  []ids.Oid
}

// resultRel is one of the tables.
type resultRel struct {
	rel      *catalog.Relation
	rti      int
	target   *Target
	fetcher  *heap.Fetcher
	vals     []types.Datum
	rows     *types.Batch // in the table's layout
	setCol   []int
	toRoot   []int // for each column of the root the table's, -1: none; nil: the same columns
	batch    uint64
	conflict *onConflict
}

// setupResultRels prepares the tables of an UPDATE or DELETE; those of INSERT ... ON CONFLICT come with the rows.
func (n *modifyTable) setupResultRels() error {
	n.multi = &resultRels{byOid: map[ids.Oid]*resultRel{}}
	n.out = newBatch(n.top.kinds, 0)
	for _, rti := range n.p.ResultRels {
		rel, err := n.ex.env.relation(n.ex.st.RTable[rti-1].Relid)
		if err != nil {
			return err
		}
		t := n.top
		if rel.Oid != n.root.Oid {
			if t, err = newTarget(n.ex, rel); err != nil {
				return err
			}
			t.rte = n.top.rte
			t.as, t.asCols = n.root, columnMap(rel, n.root)
			if t.places, err = t.placeChecks(); err != nil {
				return err
			}
		}
		n.addResultRel(rel, t, rti)
	}
	return nil
}

func (n *modifyTable) addResultRel(rel *catalog.Relation, t *Target, rti int) *resultRel {
	natts := len(rel.Desc.Attrs)
	r := &resultRel{rel: rel, rti: rti, target: t, vals: make([]types.Datum, natts), rows: newBatch(t.kinds, 0), setCol: make([]int, natts),
		toRoot: columnMap(rel, n.root)}
	cols := make([]int, natts)
	for i := range cols {
		cols[i], r.setCol[i] = i, -1
	}
	for i, a := range n.p.UpdateCols {
		at := a - 1
		if r.toRoot != nil {
			at = r.toRoot[at]
		}
		if at >= 0 {
			r.setCol[at] = i
		}
	}
	r.fetcher = heap.NewFetcher(n.ex.env.Tx, rel.Heap, cols)
	n.multi.byOid[rel.Oid] = r
	return r
}

// beginMulti begins a batch of the child.
func (n *modifyTable) beginMulti(b *types.Batch) {
	m := n.multi
	m.batch++
	m.n = b.N
	resetBatch(n.out, b.N)
	n.out.N = b.N
	if len(m.oids) < b.N {
		m.oids = make([]ids.Oid, b.N+16)
	}
}

// useTableOf makes the table of a row of the child the one at hand.
func (n *modifyTable) useTableOf(b *types.Batch, pos int) error {
	oid := b.Cols[n.p.TableOidCol-1].Get(pos).Oid()
	r := n.multi.byOid[oid]
	if r == nil {
		return pgerr.Internal("relation %d is not a target of the statement", oid)
	}
	n.use(r)
	return nil
}

func (n *modifyTable) use(r *resultRel) {
	m := n.multi
	if r.batch != m.batch {
		r.batch = m.batch
		r.fetcher.ResetArena()
		resetBatch(r.rows, m.n)
		r.rows.N = m.n
		r.target.sc.begin(r.rows)
	}
	if m.cur == r {
		return
	}
	m.cur = r
	n.rel, n.target, n.fetcher, n.vals, n.rows, n.setCol, n.rti, n.conflict = r.rel, r.target, r.fetcher, r.vals, r.rows, r.setCol, r.rti, r.conflict
}

// others are the tables of the statement that the row at hand is not of, none of whose rows counts when it is looked at again.
func (n *modifyTable) others() map[int]ids.TID {
	if n.multi == nil {
		return nil
	}
	m := map[int]ids.TID{}
	for _, r := range n.multi.byOid {
		if r.rti != n.rti {
			m[r.rti] = ids.TID{}
		}
	}
	return m
}

// column returns the column of the table at hand that is column att, from 0, of the root; -1 when there is none.
func (n *modifyTable) column(att int) int {
	if n.multi == nil || n.multi.cur == nil || n.multi.cur.toRoot == nil {
		return att
	}
	return n.multi.cur.toRoot[att]
}

// rootRow puts the row at position pos into out.
func (n *modifyTable) rootRow(pos int) {
	for a, v := range n.out.Cols {
		at := n.column(a)
		if at < 0 {
			v.SetNull(pos)
			continue
		}
		v.Set(pos, n.rows.Cols[at].Get(pos))
	}
}

// keepRow takes a changed row over for RETURNING.
func (n *modifyTable) keepRow(pos int) {
	if n.moved {
		n.multi.oids[pos] = n.route.oids[pos]
		return
	}
	n.multi.oids[pos] = n.rel.Oid
	if n.p.Returning != nil {
		n.rootRow(pos)
	}
}

// tableOf returns the table that a row which was changed is in now.
func (n *modifyTable) tableOf(pos int) ids.Oid {
	switch {
	case n.multi != nil:
		return n.multi.oids[pos]
	case n.route != nil:
		return n.route.oids[pos]
	}
	return n.rel.Oid
}

// checkChanged checks the conditions of views over the new row at position pos.
func (n *modifyTable) checkChanged(pos int) error {
	if n.multi == nil {
		return n.checkViewRow(n.rows, pos)
	}
	n.rootRow(pos)
	n.top.sc.begin(n.out)
	return n.checkViewRow(n.out, pos)
}

// checkProposed is checkChanged for a row that is to be inserted.
func (n *modifyTable) checkProposed(b *types.Batch, pos int) error {
	if n.multi == nil {
		return n.checkViewRow(b, pos)
	}
	for a, v := range n.out.Cols {
		if at := n.column(a); at >= 0 {
			v.Set(pos, b.Cols[at].Get(pos))
		}
	}
	n.top.sc.begin(n.out)
	return n.checkViewRow(n.out, pos)
}

// move takes a row whose new version belongs to another partition there: it deletes the old version at tid, marked as moved, and inserts
// the new one, whose values are at position pos.
func (n *modifyTable) move(tid ids.TID, pos int) (info heap.UpdateInfo, res heap.Result, fail heap.Failure, err error) {
	if n.conflict != nil {
		return info, 0, fail, pgerr.NotSupported("invalid ON UPDATE specification").
			WithDetail("The result tuple would appear in a different partition than the original tuple.")
	}
	if n.multi == nil || n.route == nil {
		return info, 0, fail, n.target.placeError(n.rows, pos)
	}
	info.Strength = mvcc.LockExclusive
	res, fail, err = heap.Delete(n.ex.env.Tx, n.rel.Heap, tid, n.ex.cid, heap.ModifyOpts{ChangingPart: true, Place: &n.place})
	if err != nil || res != heap.Ok {
		return info, res, fail, err
	}
	n.rootRow(pos)
	if len(n.checks) > 0 {
		n.top.sc.begin(n.out)
		if err := n.checkViewRow(n.out, pos); err != nil {
			return info, 0, fail, err
		}
	}
	if err := n.route.insertOne(n.out, pos, n.tids); err != nil {
		return info, 0, fail, err
	}
	for a, v := range n.out.Cols {
		if got := n.route.out.Cols[a]; got != v {
			v.Set(pos, got.Get(pos))
		}
	}
	n.moved = true
	info.TID = n.tids[pos]
	return info, heap.Ok, fail, n.keyRow(tid, n.route.oids[pos], info.TID, pos)
}

// routeOrElse is insertOrElse for a partitioned table: each row goes to its partition or does the ON CONFLICT action there.
func (n *modifyTable) routeOrElse(b *types.Batch) error {
	n.beginMulti(b)
	n.route.begin(b)
	for i := range b.Rows() {
		pos := b.Row(i)
		l, err := n.route.find(b, pos)
		if err != nil {
			return n.route.describe(err, b, pos)
		}
		r := n.multi.byOid[l.rel.Oid]
		if r == nil || r.target != l.Target {
			r = n.addResultRel(l.rel, l.Target, n.p.ResultRel)
			if l.places, err = l.placeChecks(); err != nil {
				return err
			}
		}
		n.use(r)
		if r.conflict == nil {
			if r.conflict, err = n.newOnConflict(n.p.OnConflict); err != nil {
				return err
			}
			n.conflict = r.conflict
		}
		n.route.pos1[0] = int32(pos)
		if err := n.orElse(l.mapped(b, n.route.pos1[:]), pos); err != nil {
			return err
		}
	}
	return nil
}

// orElse does one row of routeOrElse.
func (n *modifyTable) orElse(b *types.Batch, pos int) error {
	n.target.sc.begin(b)
	b, err := n.target.generate(b)
	if err != nil {
		return err
	}
	n.conflict.rows = b
	if err := n.verifyOne(b, pos); err != nil {
		return err
	}
	ok, err := n.conflict.put(b, pos)
	if ok && err == nil {
		n.sel = append(n.sel, int32(pos))
		n.keepRow(pos)
	}
	return err
}

// isArbiter reports whether an index of the table at hand is one that ON CONFLICT names, or belongs to one.
func (n *modifyTable) isArbiter(ix *targetIndex, oid ids.Oid) (bool, error) {
	for x := ix.Index; ; {
		if x.Oid == oid || x.Constraint == oid {
			return true, nil
		}
		if x.Parent == 0 {
			return false, nil
		}
		above, err := n.ex.env.relation(x.Parent)
		if err != nil || above.Index == nil {
			return false, err
		}
		x = above.Index
	}
}

// finish ends the statement in all tables.
func (n *modifyTable) finish() {
	if n.multi != nil {
		for _, r := range n.multi.byOid {
			r.target.Finish()
		}
	}
	if n.route != nil {
		n.route.close()
	}
	n.top.Finish()
}

func (n *modifyTable) unpinAll() {
	for _, r := range n.multi.byOid {
		r.fetcher.Unpin()
	}
}
