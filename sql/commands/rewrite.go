package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/query"
	"gompho/storage/heap"
	"gompho/types"
)

const rewriteBatch = 512

// liveColumns returns the columns, from 0, that are not dropped.
func liveColumns(d *types.Desc) []int {
	var out []int
	for i := range d.Attrs {
		if !d.Attrs[i].Dropped {
			out = append(out, i)
		}
	}
	return out
}

// eachRow calls f with every row of a table that the command sees: one value an attribute, NULL for dropped ones. The values are
// valid during the call; done is called after each batch of rows.
func (c *Context) eachRow(rel *catalog.Relation, f func(row []types.Datum) error, done func() error) error {
	if c.would(Scans, rel.Oid) {
		return nil
	}
	snap := c.S.Tx.Register(c.S.Tx.LatestSnapshot())
	defer c.S.Tx.Unregister(snap)
	cols := liveColumns(rel.Desc)
	scan, err := heap.BeginScan(c.S.Tx, rel.Heap, snap, heap.ScanOpts{Cols: cols})
	if err != nil {
		return err
	}
	defer scan.Close()
	b := scan.NewBatch(rewriteBatch)
	row := make([]types.Datum, len(rel.Desc.Attrs))
	for i := range row {
		row[i] = types.Null
	}
	for {
		n, err := scan.NextBatch(rewriteBatch, b, nil)
		if err != nil || n == 0 {
			return err
		}
		for i := range n {
			for k, col := range cols {
				row[col] = b.Cols[k].Get(i)
			}
			if err := f(row); err != nil {
				return err
			}
		}
		if done != nil {
			if err := done(); err != nil {
				return err
			}
		}
	}
}

// rewriteTable copies all rows into new files, with the new values, and makes the indexes again.
func (a *alteration) rewriteTable() error {
	if isCatalog(a.oid) {
		return a.rewriteCatalog()
	}
	c := a.c
	now, err := a.rel()
	if err != nil {
		return err
	}
	before := a.old
	if now.Heap != nil && c.Rehearsal == nil {
		now.Heap.NoteRewritten(c.S.Tx)
	}
	mode := locks.Share
	if a.frozen { // VACUUM FULL and CLUSTER leave the toast table what it is
		mode = locks.NoLock
	}
	if err := c.newHeapFiles(now, a.persistence, mode); err != nil {
		return err
	}
	if err := a.holdToastIndexes(now); err != nil {
		return err
	}
	if now, err = a.rel(); err != nil {
		return err
	}
	r, err := a.newRewriter(before, now)
	if err != nil {
		return err
	}
	defer r.bulk.Release()
	if c.would(Rewrites, a.oid) {
		err = nil
	} else if a.frozen {
		err = r.copyVersions()
	} else {
		err = c.eachRow(before, r.row, r.flush)
	}
	if err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	if err := c.S.Cat.ClearMissingValues(a.oid); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	a.notNull = false
	if err := c.rebuildIndexesAs(a.oid, a.persistence, true); err != nil {
		return err
	}
	return a.sequencePersistence()
}

// holdToastIndexes locks the indexes of the toast table as PostgreSQL, which makes a new one and gives it the old one's name.
func (a *alteration) holdToastIndexes(rel *catalog.Relation) error {
	if rel.Toast == 0 || a.frozen {
		return nil
	}
	t, err := a.c.S.Relation(rel.Toast)
	if err != nil {
		return err
	}
	return a.c.holdIndexes(t, locks.ShareUpdateExclusive)
}

// rewriter makes new rows of old ones.
type rewriter struct {
	a               *alteration
	before, now     *catalog.Relation
	first, second   RowEval
	firstTo, secTo  []int // columns, from 0, that the expressions are for
	out1, out2      []types.Datum
	vals            []types.Datum
	batch           *types.Batch
	bulk            *heap.BulkInsert
	cid             ids.CommandID
	mustBe, dropped []int
	from            ids.BlockNumber // where the last rows came from
	as              *heap.Version   // not nil: what the copy of the next row, which is at old, keeps
	old             ids.TID
	moved           map[ids.TID]ids.TID // where the copies are that others lead to
}

func (a *alteration) newRewriter(before, now *catalog.Relation) (*rewriter, error) {
	r := &rewriter{a: a, before: before, now: now, bulk: heap.NewBulkInsert(), cid: a.c.S.Tx.CommandID(true),
		vals: make([]types.Datum, len(now.Desc.Attrs)), batch: newBatch(now.Desc, rewriteBatch), from: ids.InvalidBlock}
	var first, second []query.Expr
	for _, v := range a.values {
		if v.generated {
			second, r.secTo = append(second, v.expr), append(r.secTo, int(v.att)-1)
		} else {
			first, r.firstTo = append(first, v.expr), append(r.firstTo, int(v.att)-1)
		}
	}
	var err error
	if len(first) > 0 {
		if r.first, err = a.c.compile(first, before); err != nil {
			return nil, err
		}
		r.out1 = make([]types.Datum, len(first))
	}
	if len(second) > 0 {
		if r.second, err = a.c.compile(second, now); err != nil {
			return nil, err
		}
		r.out2 = make([]types.Datum, len(second))
	}
	for i := range now.Desc.Attrs {
		switch at := &now.Desc.Attrs[i]; {
		case at.Dropped:
			r.dropped = append(r.dropped, i)
		case at.NotNull:
			r.mustBe = append(r.mustBe, i)
		}
	}
	return r, nil
}

// newBatch makes a batch with a column for each attribute.
func newBatch(d *types.Desc, capacity int) *types.Batch {
	b := &types.Batch{}
	for i := range d.Attrs {
		b.Cols = append(b.Cols, types.NewVector(d.Attrs[i].Kind(), capacity))
	}
	return b
}

func (r *rewriter) row(old []types.Datum) error {
	for i := range r.vals {
		r.vals[i] = types.Null
	}
	copy(r.vals, old)
	for i := len(old); i < len(r.vals); i++ {
		if m := r.now.Desc.Attrs[i].Missing; m != nil {
			r.vals[i] = *m
		}
	}
	if r.first != nil {
		if err := r.first.Eval(old, r.out1); err != nil {
			return err
		}
		for i, to := range r.firstTo {
			r.vals[to] = r.out1[i]
		}
	}
	if r.second != nil {
		if err := r.second.Eval(r.vals, r.out2); err != nil {
			return err
		}
		for i, to := range r.secTo {
			r.vals[to] = r.out2[i]
		}
	}
	for _, i := range r.dropped {
		r.vals[i] = types.Null
	}
	for _, i := range r.mustBe {
		if r.vals[i].IsNull() {
			return nullsIn(r.a.c, r.now, i)
		}
	}
	if r.as != nil {
		tid, err := heap.Insert(r.a.c.S.Tx, r.now.Heap, r.vals, r.cid, heap.InsertOpts{Bulk: r.bulk, SkipFsm: true, NoCount: true, As: r.as})
		r.a.wrote(1, r.from)
		if _, ok := r.moved[r.old]; ok {
			r.moved[r.old] = tid
		}
		return err
	}
	for i, v := range r.vals {
		r.batch.Cols[i].Append(v)
	}
	r.batch.N++
	return nil
}

func nullsIn(c *Context, rel *catalog.Relation, col int) error {
	return pgerr.New(pgerr.NotNullViolation, "column %q of relation %q contains null values", rel.Desc.Attrs[col].Name, rel.Name).
		WithTable(c.schemaName(rel.Namespace), rel.Name).WithColumn(rel.Desc.Attrs[col].Name)
}

func (r *rewriter) flush() error {
	if r.batch.N == 0 {
		return nil
	}
	err := heap.MultiInsert(r.a.c.S.Tx, r.now.Heap, r.batch, r.cid, heap.InsertOpts{Bulk: r.bulk, SkipFsm: true, Frozen: r.a.frozen, NoCount: true}, nil)
	if r.a.frozen {
		r.a.wrote(r.batch.N, r.from)
	}
	for _, v := range r.batch.Cols {
		v.Reset()
	}
	r.batch.N = 0
	return err
}

// finish looks at all rows for what was not looked at in a rewrite.
func (a *alteration) finish() error {
	if !a.notNull && len(a.checks) == 0 || a.old.Heap == nil {
		return nil
	}
	rel, err := a.rel()
	if err != nil {
		return err
	}
	return a.c.verifyRows(rel, a.checks, a.notNull)
}

// verifyRows checks that all rows meet conditions and have no NULLs where there must be none.
func (c *Context) verifyRows(rel *catalog.Relation, checks []newCheck, notNull bool) error {
	if c.would(Scans, rel.Oid) {
		return nil
	}
	if n, err := rel.Heap.Blocks(); err != nil || n == 0 {
		return err
	}
	var eval RowEval
	var exprs []query.Expr
	for _, k := range checks {
		exprs = append(exprs, k.expr)
	}
	out := make([]types.Datum, len(exprs))
	if len(exprs) > 0 {
		var err error
		if eval, err = c.compile(exprs, rel); err != nil {
			return err
		}
	}
	var mustBe []int
	for i := range rel.Desc.Attrs {
		if at := &rel.Desc.Attrs[i]; notNull && at.NotNull && !at.Dropped {
			mustBe = append(mustBe, i)
		}
	}
	return c.eachRow(rel, func(row []types.Datum) error {
		for _, i := range mustBe {
			if row[i].IsNull() {
				return nullsIn(c, rel, i)
			}
		}
		if eval == nil {
			return nil
		}
		if err := eval.Eval(row, out); err != nil {
			return err
		}
		for i, v := range out {
			if !v.IsNull() && !v.Bool() {
				return pgerr.New(pgerr.CheckViolation, "check constraint %q of relation %q is violated by some row", checks[i].name, rel.Name).
					WithTable(c.schemaName(rel.Namespace), rel.Name).WithConstraint(checks[i].name)
			}
		}
		return nil
	}, nil)
}
