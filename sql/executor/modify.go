package executor

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/storage/heap"
	"gompho/types"
)

// modifyTable stores, changes or deletes the rows that its child names.
type modifyTable struct {
	nodeBase
	ret      stage // RETURNING, over: the target's attributes, its system columns, the child's columns
	p        *plan.ModifyTable
	child    node
	rel      *catalog.Relation // of the row at hand
	root     *catalog.Relation // that the statement names
	target   *Target           // of the row at hand
	top      *Target           // of root
	multi    *resultRels       // nil: root's rows alone are changed
	route    *router           // of a partitioned table
	conflict *onConflict
	recheck  rechecker
	own      ownBatch
	checks   []expr // WITH CHECK OPTION
	ended    bool
	opened   bool
	place    heap.Place    // of the row at hand, when it was changed by another meanwhile
	old      []types.Datum // of the row that is updated, for foreign keys
	oldMine  bool          // its version is the transaction's own

	// rows of the batch at hand, by position of the child's rows
	fetcher *heap.Fetcher // of all attributes, by address
	rows    *types.Batch  // new (or deleted) rows
	out     *types.Batch  // the same in the layout of root; rows itself unless tables differ
	rti     int           // range-table index of rel
	moved   bool          // the row at hand went to another partition
	sel     []int32       // positions of rows that were stored or deleted
	tids    []ids.TID
	vals    []types.Datum
	in      types.Batch // input of RETURNING
	sys     []types.Vector
	setCol  []int // for each attribute: child column with its new value, -1: unchanged
	single  types.Batch
	pos1    [1]int32
}

func (ex *Exec) makeModifyTable(p *plan.ModifyTable) (node, error) {
	if p.Operation == query.CmdMerge {
		return nil, pgerr.NotSupported("MERGE is not supported")
	}
	rel, err := ex.env.relation(ex.st.RTable[p.ResultRel-1].Relid)
	if err != nil {
		return nil, err
	}
	n := &modifyTable{p: p, rel: rel, root: rel, rti: p.ResultRel, recheck: rechecker{parent: ex, p: p.Left, marks: p.RowMarks}}
	n.ex, n.plan = ex, &p.Plan
	if n.child, err = ex.build(p.Left); err != nil {
		return nil, err
	}
	if rel.Kind == 'm' {
		return nil, pgerr.New(pgerr.WrongObjectType, "cannot change materialized view \"%s\"", rel.Name)
	}
	if ex.opts.ExplainOnly && rel.Heap == nil {
		return n, storable(rel)
	}
	if n.target, err = newTarget(ex, rel); err != nil {
		return nil, err
	}
	n.top = n.target
	n.target.rte = ex.st.RTable[n.p.ResultRel-1]
	if rel.Kind == 'p' {
		if n.route, err = newRouter(ex, rel, n.target.rte); err != nil {
			return nil, err
		}
	} else if n.target.places, err = n.target.placeChecks(); err != nil {
		return nil, err
	}
	natts := len(rel.Desc.Attrs)
	n.vals = make([]types.Datum, natts)
	n.rows = newBatch(n.target.kinds, 0)
	n.out = n.rows
	n.setCol = make([]int, natts)
	for i := range n.setCol {
		n.setCol[i] = -1
	}
	for i, a := range p.UpdateCols {
		if a < 1 || a > natts {
			return nil, pgerr.Internal("assignment to column %d of table \"%s\"", a, rel.Name)
		}
		n.setCol[a-1] = i
	}
	if len(p.ResultRels) > 0 || n.route != nil && p.OnConflict != nil {
		if err := n.setupResultRels(); err != nil {
			return nil, err
		}
	}
	if p.WithChecks != nil {
		c := n.target.compiler()
		if n.checks, err = c.list(p.WithChecks); err != nil {
			return nil, err
		}
	}
	if p.OnConflict != nil && n.route == nil {
		if n.conflict, err = n.newOnConflict(p.OnConflict); err != nil {
			return nil, err
		}
	}
	return n, n.setupReturning()
}

// System columns that RETURNING can ask for, in the order in which they follow the attributes.
var returningSys = []int{query.CtidAttr, query.TableOidAttr, query.XminAttr, query.XmaxAttr, query.CminAttr, query.CmaxAttr}

func (n *modifyTable) setupReturning() error {
	if n.p.Returning == nil {
		return nil
	}
	natts := len(n.root.Desc.Attrs)
	nchild := len(n.child.types())
	n.ret.sc.ex = n.ex
	n.outs = outTypes(n.p.Returning)
	n.sys = make([]types.Vector, len(returningSys))
	c := &compiler{ex: n.ex, sc: &n.ret.sc,
		column: func(v *query.Var) (int, error) {
			if v.Varno == query.OuterVar && v.Varattno >= 1 && v.Varattno <= nchild {
				return natts + len(returningSys) + v.Varattno - 1, nil
			}
			if v.Varno != n.p.ResultRel {
				return 0, badVar(v)
			}
			if v.Varattno >= 1 && v.Varattno <= natts {
				return v.Varattno - 1, nil
			}
			for i, s := range returningSys {
				if s == v.Varattno {
					return natts + i, nil
				}
			}
			return 0, badVar(v)
		},
		wholeRow: func(v *query.Var) (*rowShape, error) {
			if v.Varno != n.p.ResultRel {
				return nil, nil
			}
			return relationShape(n.root.Desc, n.root.RowType), nil
		}}
	return n.ret.init(c, nil, n.p.Returning)
}

func (n *modifyTable) next(max int) (*types.Batch, error) {
	if !n.opened {
		n.opened = true
		if n.p.Operation == query.CmdInsert && n.route == nil {
			if err := n.ex.holdIndexes(n.root); err != nil {
				return nil, err
			}
			if n.conflict != nil {
				for ix := range n.conflict.arbiters { // theirs stay
					if err := n.ex.hold(ix.Oid); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	for !n.ended {
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
		b, err := n.child.next(max)
		if err != nil {
			return nil, err
		}
		if b == nil {
			n.ended = true
			n.finish()
			return nil, nil
		}
		n.sel = n.sel[:0]
		n.own.release()
		if len(n.tids) < b.N {
			n.tids = make([]ids.TID, b.N+16)
		}
		switch n.p.Operation {
		case query.CmdInsert:
			b, err = n.insert(b)
		case query.CmdUpdate:
			b, err = n.change(b, n.updateRow)
		case query.CmdDelete:
			b, err = n.change(b, n.deleteRow)
		}
		if err != nil {
			return nil, err
		}
		if n.p.CanSetTag {
			n.ex.processed += int64(len(n.sel))
		}
		if n.p.Returning != nil && len(n.sel) > 0 {
			return n.returning(b)
		}
	}
	return nil, nil
}

// insert stores the rows of b.
func (n *modifyTable) insert(b *types.Batch) (*types.Batch, error) {
	if n.route != nil && n.p.OnConflict != nil {
		return b, n.routeOrElse(b)
	}
	if n.conflict != nil {
		return b, n.insertOrElse(b)
	}
	if len(n.checks) > 0 {
		if err := n.checkView(b); err != nil {
			return nil, err
		}
	}
	if n.route != nil {
		if err := n.route.insert(b, heap.InsertOpts{}, n.tids); err != nil {
			return nil, err
		}
		n.sel = append(n.sel, selRows(b.Sel, b.N, n.sel)...)
		copy(n.out.Cols, n.route.out.Cols)
		return b, nil
	}
	if _, err := n.target.Insert(b, heap.InsertOpts{}, n.tids); err != nil {
		return nil, err
	}
	n.sel = append(n.sel, selRows(b.Sel, b.N, n.sel)...)
	if n.p.Returning != nil {
		// With generated columns in place.
		copy(n.rows.Cols, n.target.sc.in.Cols)
	}
	return b, nil
}

// checkView checks the conditions of views WITH CHECK OPTION.
func (n *modifyTable) checkView(b *types.Batch) error {
	n.top.sc.begin(b)
	for i := range b.Rows() {
		pos := b.Row(i)
		if err := n.checkViewRow(b, pos); err != nil {
			return err
		}
	}
	return nil
}

func (n *modifyTable) checkViewRow(b *types.Batch, pos int) error {
	for i, c := range n.checks {
		d, err := c.scalar(pos)
		if err != nil {
			return err
		}
		if !d.IsTrue() {
			return n.top.failingRow(pgerr.New(pgerr.WithCheckOptionViolation,
				"new row violates check option for view \"%s\"", n.p.WithCheckViews[i]), b, pos)
		}
	}
	return nil
}

// change updates or deletes the rows that b names, one by one.
func (n *modifyTable) change(b *types.Batch, row func(b **types.Batch, pos int, tid ids.TID) (bool, error)) (*types.Batch, error) {
	if n.multi != nil {
		n.beginMulti(b)
		return n.changeRows(b, row)
	}
	if n.fetcher == nil {
		cols := make([]int, len(n.rel.Desc.Attrs))
		for i := range cols {
			cols[i] = i
		}
		n.fetcher = heap.NewFetcher(n.ex.env.Tx, n.rel.Heap, cols)
	}
	n.fetcher.ResetArena()
	resetBatch(n.rows, b.N)
	n.rows.N = b.N
	n.target.sc.begin(n.rows)
	return n.changeRows(b, row)
}

func (n *modifyTable) changeRows(b *types.Batch, row func(b **types.Batch, pos int, tid ids.TID) (bool, error)) (*types.Batch, error) {
	for i := range b.Rows() {
		pos := b.Row(i)
		d := b.Cols[n.p.CtidCol-1].Get(pos)
		if d.IsNull() {
			continue
		}
		n.moved = false
		if n.multi != nil {
			if err := n.useTableOf(b, pos); err != nil {
				return nil, err
			}
		}
		ok, err := row(&b, pos, ids.UnpackTID(d.Word()))
		if err != nil {
			return nil, err
		}
		if ok {
			n.sel = append(n.sel, int32(pos))
			if n.multi != nil {
				n.keepRow(pos)
			}
		}
		if i&255 == 255 {
			if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
				return nil, err
			}
		}
	}
	if n.multi != nil {
		n.unpinAll()
	} else {
		n.fetcher.Unpin()
	}
	return b, nil
}

// fetch reads the version at tid into position pos of the rows and into vals.
func (n *modifyTable) fetch(tid ids.TID, pos int) error {
	found, err := n.fetcher.Version(tid, nil)
	if err == nil && !found {
		err = pgerr.Internal("failed to fetch tuple for %s", n.verb())
	}
	if err == nil {
		err = n.fetcher.Values(n.vals)
	}
	if err != nil {
		return err
	}
	n.setRow(pos)
	return nil
}

func (n *modifyTable) verb() string {
	if n.p.Operation == query.CmdDelete {
		return "DELETE"
	}
	return "UPDATE"
}

// setRow puts vals at position pos of the rows.
func (n *modifyTable) setRow(pos int) {
	for c, v := range n.rows.Cols {
		v.Set(pos, n.vals[c])
	}
}

// updateRow makes the new version of the row at tid; false when there is nothing to update any more.
func (n *modifyTable) updateRow(b **types.Batch, pos int, tid ids.TID) (bool, error) {
	for {
		if err := n.fetch(tid, pos); err != nil {
			return false, err
		}
		n.keepOld()
		for a, c := range n.setCol {
			if c >= 0 {
				n.vals[a] = (*b).Cols[c].Get(pos)
				n.rows.Cols[a].Set(pos, n.vals[a])
			}
		}
		info, res, fail, err := n.store(tid, pos)
		if err != nil {
			return false, err
		}
		if res == heap.Ok {
			n.tids[pos] = info.TID
			return true, nil
		}
		next, ok, err := n.conflictWith(b, pos, tid, res, fail, info.Strength)
		if err != nil || !ok {
			return false, err
		}
		tid = next
	}
}

// keepOld keeps the values of the row that was fetched, for foreign keys.
func (n *modifyTable) keepOld() {
	if t := n.target.triggers; t != nil && len(t.upd) > 0 {
		n.old = append(n.old[:0], n.vals...)
		n.oldMine = n.ex.env.Tx.IsCurrent(n.fetcher.Header().Xmin())
	}
}

// store checks the row at position pos, whose values are in vals, and makes it the new version of that at tid.
func (n *modifyTable) store(tid ids.TID, pos int) (info heap.UpdateInfo, res heap.Result, fail heap.Failure, err error) {
	t := n.target
	n.single.Cols, n.single.N = n.rows.Cols, n.rows.N
	n.pos1[0] = int32(pos)
	n.single.Sel = n.pos1[:]
	t.sc.in = n.rows
	for _, g := range t.gen {
		d, err := g.e.scalar(pos)
		if err != nil {
			return info, 0, fail, err
		}
		n.vals[g.att] = d
		n.rows.Cols[g.att].Set(pos, d)
	}
	if len(t.places) > 0 {
		here, err := t.inPlace(n.rows, pos)
		if err != nil {
			return info, 0, fail, err
		}
		if !here {
			return n.move(tid, pos)
		}
	}
	if len(n.checks) > 0 {
		if err := n.checkChanged(pos); err != nil {
			return info, 0, fail, err
		}
	}
	t.sc.in = &n.single
	t.placed = true
	_, err = t.verify(&n.single)
	t.placed = false
	t.sc.in = n.rows
	if err != nil {
		return info, 0, fail, err
	}
	info, res, fail, err = heap.Update(n.ex.env.Tx, n.rel.Heap, tid, n.vals, n.ex.cid, heap.ModifyOpts{Crosscheck: n.ex.cross, Place: &n.place})
	if err != nil || res != heap.Ok {
		return info, res, fail, err
	}
	if t.triggers != nil && len(t.triggers.upd) > 0 {
		n.ex.env.Deferred.updated(t.triggers, n.old, n.vals, tid, info.TID, n.oldMine)
	}
	if info.Hot {
		return info, res, fail, nil
	}
	t.assigned = n.setCol
	err = t.indexRow(pos, info.TID, nil, nil)
	t.assigned = nil
	return info, res, fail, err
}

// conflictWith decides about a row that was changed before this command could change it. ok: go on with the version at next, for which
// the row of *b was computed anew.
func (n *modifyTable) conflictWith(b **types.Batch, pos int, tid ids.TID, res heap.Result, fail heap.Failure, strength mvcc.LockStrength) (next ids.TID, ok bool, err error) {
	tx := n.ex.env.Tx
	verb := "updated"
	if n.p.Operation == query.CmdDelete {
		verb = "deleted"
	}
	switch res {
	case heap.SelfModified:
		if fail.Cmax != n.ex.cid {
			return tid, false, modifiedByTrigger(verb)
		}
		return tid, false, nil
	case heap.Deleted:
		if tx.Isolation().UsesOneSnapshot() {
			return tid, false, concurrentDelete()
		}
		return tid, false, nil
	case heap.Updated:
		if tx.Isolation().UsesOneSnapshot() {
			return tid, false, concurrentUpdate()
		}
	case heap.Invisible:
		return tid, false, pgerr.Internal("attempted to change invisible tuple")
	default:
		return tid, false, pgerr.Internal("unrecognized result %d of changing a row", res)
	}
	n.fetcher.Unpin()
	next, res, fail, err = heap.LockLatest(tx, n.rel.Heap, tid, n.ex.cid, strength, heap.WaitBlock, &n.place)
	if err != nil {
		return tid, false, err
	}
	switch res {
	case heap.Ok:
	case heap.SelfModified:
		if fail.Cmax != n.ex.cid && fail.Cmax != ids.InvalidCommandID {
			return tid, false, modifiedByTrigger(verb)
		}
		return tid, false, nil
	case heap.Deleted:
		return tid, false, nil
	default:
		return tid, false, pgerr.Internal("unrecognized result %d of locking a row", res)
	}
	row, err := n.recheck.run(n.rti, next, *b, pos, n.others())
	if row == nil || err != nil {
		return tid, false, err
	}
	*b = n.own.replace(*b, pos, row)
	return next, true, nil
}

// deleteRow deletes the row at tid; false when it is gone already.
func (n *modifyTable) deleteRow(b **types.Batch, pos int, tid ids.TID) (bool, error) {
	for {
		if n.p.Returning != nil {
			if err := n.fetch(tid, pos); err != nil {
				return false, err
			}
		}
		res, fail, err := heap.Delete(n.ex.env.Tx, n.rel.Heap, tid, n.ex.cid, heap.ModifyOpts{Crosscheck: n.ex.cross, Place: &n.place})
		if err != nil {
			return false, err
		}
		if res == heap.Ok {
			if t := n.target.triggers; t != nil {
				n.ex.env.Deferred.deleted(t, tid)
			}
			n.tids[pos] = tid
			return true, nil
		}
		next, ok, err := n.conflictWith(b, pos, tid, res, fail, mvcc.LockExclusive)
		if err != nil || !ok {
			return false, err
		}
		tid = next
	}
}

// returning computes the RETURNING list for the rows that were changed.
func (n *modifyTable) returning(b *types.Batch) (*types.Batch, error) {
	n.in.Cols = append(n.in.Cols[:0], n.out.Cols...)
	for i := range n.sys {
		v := &n.sys[i]
		v.Reset()
		v.Grow(b.N)
		v.Len = b.N
		n.in.Cols = append(n.in.Cols, v)
	}
	xid := uint64(uint32(n.ex.env.Tx.Xid()))
	for _, pos := range n.sel {
		n.sys[0].W[pos] = n.tids[pos].Pack()
		n.sys[1].W[pos] = uint64(n.tableOf(int(pos)))
		n.sys[2].W[pos], n.sys[3].W[pos] = xid, 0
		n.sys[4].W[pos], n.sys[5].W[pos] = uint64(n.ex.cid), uint64(n.ex.cid)
	}
	n.in.Cols = append(n.in.Cols, b.Cols...)
	n.in.N, n.in.Sel = b.N, n.sel
	return n.ret.run(&n.in)
}

func (n *modifyTable) rescan() error {
	n.rescanInit()
	n.ended, n.opened = false, false
	n.own.release()
	return n.child.rescan()
}

func (n *modifyTable) close() {
	if n.multi != nil {
		n.unpinAll()
	} else if n.fetcher != nil {
		n.fetcher.Unpin()
	}
	if n.target != nil {
		n.target.Finish()
	}
	if n.route != nil {
		n.route.close()
	}
	n.recheck.close()
	n.child.close()
}
