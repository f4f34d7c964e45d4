package executor

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/deparse"
	"gompho/sql/partition"
	"gompho/sql/query"
	"gompho/storage/heap"
	"gompho/types"
)

// keyReader reads the partition key of a table from rows that may have the columns of another table of the same tree.
type keyReader struct {
	key   *partition.Key
	cols  []int  // for each key column, from 0; -1: the next of exprs
	exprs []expr // over the rows' scope
	vals  []types.Datum
}

// newKeyReader prepares reading the key of table from the rows of layout, which c compiles expressions over.
func newKeyReader(c *compiler, table, layout *catalog.Relation) (*keyReader, error) {
	k := table.PartKey
	r := &keyReader{key: k, vals: make([]types.Datum, k.Cols())}
	n := 0
	for _, att := range k.Atts {
		if att != 0 {
			r.cols = append(r.cols, int(layout.AttNum(table.AttName(att)))-1)
			continue
		}
		r.cols = append(r.cols, -1)
		e, err := c.compile(catalog.MapColumns(k.Exprs[n], table, layout))
		if err != nil {
			return nil, err
		}
		r.exprs = append(r.exprs, e)
		n++
	}
	return r, nil
}

// place returns the place of the row at position pos among the partitions d.
func (r *keyReader) place(d *partition.Desc, b *types.Batch, pos int) (int, error) {
	if err := r.read(b, pos); err != nil {
		return -1, err
	}
	return d.Find(r.key, r.vals), nil
}

func (r *keyReader) read(b *types.Batch, pos int) error {
	n := 0
	for i, col := range r.cols {
		if col >= 0 {
			r.vals[i] = b.Cols[col].Get(pos)
			continue
		}
		d, err := r.exprs[n].scalar(pos)
		if err != nil {
			return err
		}
		r.vals[i] = d
		n++
	}
	return nil
}

// placeCheck is one level of a partition's constraint: its rows, and those of the partitions below it, have a certain place.
type placeCheck struct {
	reader *keyReader
	desc   *partition.Desc
	place  int
}

// placeChecks makes the checks of a partition, from it upwards.
func (t *Target) placeChecks() ([]placeCheck, error) { return placeChecks(t.compiler(), t.rel, t.rel) }

// placeChecks makes the checks of a partition for rows in the layout of another table of the tree.
func placeChecks(c *compiler, child, layout *catalog.Relation) ([]placeCheck, error) {
	var out []placeCheck
	for child.IsPartition && child.PartBound != nil {
		parent, err := c.ex.env.relation(child.Parent)
		if err != nil {
			return nil, err
		}
		if parent.PartKey == nil {
			break
		}
		r, err := newKeyReader(c, parent, layout)
		if err != nil {
			return nil, err
		}
		d := parent.Partitions(true)
		place := -1
		for i, o := range d.Oids {
			if o == child.Oid {
				place = i
			}
		}
		out = append(out, placeCheck{r, d, place})
		child = parent
	}
	return out, nil
}

// inPlace reports whether the row at position pos of the scope's input belongs to the partition.
func (t *Target) inPlace(b *types.Batch, pos int) (bool, error) {
	for i := range t.places {
		p := &t.places[i]
		at, err := p.reader.place(p.desc, b, pos)
		if err != nil || at != p.place {
			return false, err
		}
	}
	return true, nil
}

func (t *Target) placeError(b *types.Batch, pos int) error {
	return t.fields(t.failingRow(pgerr.New(pgerr.CheckViolation, "new row for relation \"%s\" violates partition constraint", t.rel.Name), b, pos))
}

// router finds the partitions of rows that are stored in a partitioned table. Partitions are opened and locked when the first row
// comes for them. Rows come in the layout of the root table.
type router struct {
	ex   *Exec
	root *catalog.Relation
	sc   scope
	c    *compiler
	top  *dispatch
	rte  *query.RangeTblEntry
	hits []*leaf // that have rows of the batch at hand, in order of their first
	all  []*leaf
	oids []ids.Oid   // the partition that each row of the batch went to, by position
	out  types.Batch // the batch with generated columns
	gen  []types.Vector
	one  types.Batch
	pos1 [1]int32
}

// dispatch is one partitioned table of the tree.
type dispatch struct {
	rel    *catalog.Relation
	desc   *partition.Desc
	reader *keyReader
	subs   []*dispatch
	leaves []*leaf
	self   *Target // it as a partition, when its own constraint is to be checked: the root's, and a default partition's
	run    uint64  // 1 + epoch of the execution that it was locked for
}

// leaf is a partition with rows of its own.
type leaf struct {
	*Target
	run   uint64 // 1 + epoch of the execution that it was locked for
	from  []int  // for each column of the partition the root's, -1: none; nil: the same columns
	sel   []int32
	view  types.Batch
	nulls []*types.Vector // of columns that the root does not have
	// conflict is what ON CONFLICT does in this partition.
	conflict *onConflict
}

func newRouter(ex *Exec, root *catalog.Relation, rte *query.RangeTblEntry) (*router, error) {
	r := &router{ex: ex, root: root, rte: rte}
	r.sc.ex = ex
	n := len(root.Desc.Attrs)
	r.c = &compiler{ex: ex, sc: &r.sc, column: func(v *query.Var) (int, error) {
		if v.Varattno < 1 || v.Varattno > n {
			return 0, badVar(v)
		}
		return v.Varattno - 1, nil
	}, wholeRow: func(*query.Var) (*rowShape, error) { return relationShape(root.Desc, root.RowType), nil }}
	var err error
	r.top, err = r.newDispatch(root, true)
	return r, err
}

// newDispatch makes the next level. check: rows that come to it may not belong there.
func (r *router) newDispatch(rel *catalog.Relation, check bool) (*dispatch, error) {
	if rel.PartKey == nil {
		return nil, pgerr.Internal("relation \"%s\" has no partition key", rel.Name)
	}
	// Partitions that are being detached take no new rows, unless the snapshot is from before that.
	d := &dispatch{rel: rel, desc: rel.Partitions(r.ex.env.Tx != nil && r.ex.env.Tx.Isolation().UsesOneSnapshot())}
	d.subs, d.leaves = make([]*dispatch, len(d.desc.Oids)), make([]*leaf, len(d.desc.Oids))
	var err error
	if d.reader, err = newKeyReader(r.c, rel, r.root); err != nil {
		return nil, err
	}
	if check && rel.IsPartition && rel.PartBound != nil {
		d.self = &Target{ex: r.ex, rel: rel, rte: r.rte, as: r.root}
		d.self.places, err = placeChecks(r.c, rel, r.root)
	}
	return d, err
}

// open locks a partition for writing.
func (r *router) open(oid ids.Oid) (*catalog.Relation, error) {
	if err := r.ex.hold(oid); err != nil {
		return nil, err
	}
	return r.ex.env.relation(oid)
}

// find returns the partition of the row at position pos of the scope's input.
func (r *router) find(b *types.Batch, pos int) (*leaf, error) {
	for d := r.top; ; {
		if d.self != nil {
			if ok, err := d.self.inPlace(b, pos); err != nil {
				return nil, err
			} else if !ok {
				return nil, d.self.placeError(b, pos)
			}
		}
		at, err := d.reader.place(d.desc, b, pos)
		if err != nil {
			return nil, err
		}
		if at < 0 {
			return nil, r.noPartition(d)
		}
		if l := d.leaves[at]; l != nil && l.run == r.ex.epoch+1 {
			return l, nil
		}
		if s := d.subs[at]; s == nil || s.run != r.ex.epoch+1 {
			if err := r.openPlace(d, at); err != nil {
				return nil, err
			}
			if l := d.leaves[at]; l != nil {
				return l, nil
			}
		}
		d = d.subs[at]
	}
}

// openPlace makes a partition ready for rows of this execution. What an earlier one made of it serves again if the partition is as it was.
func (r *router) openPlace(d *dispatch, at int) error {
	rel, err := r.open(d.desc.Oids[at])
	if err != nil {
		return err
	}
	if rel.Kind == 'p' {
		if s := d.subs[at]; s == nil || s.rel != rel {
			if d.subs[at], err = r.newDispatch(rel, at == d.desc.Bounds.Default); err != nil {
				return err
			}
		}
		d.subs[at].run = r.ex.epoch + 1
		return nil
	}
	if err := r.ex.holdIndexes(rel); err != nil {
		return err
	}
	if l := d.leaves[at]; l == nil || l.rel != rel {
		if d.leaves[at], err = r.newLeaf(rel, at == d.desc.Bounds.Default); err != nil {
			return err
		}
	}
	d.leaves[at].run = r.ex.epoch + 1
	return nil
}

func (r *router) newLeaf(rel *catalog.Relation, isDefault bool) (*leaf, error) {
	t, err := newTarget(r.ex, rel)
	if err != nil {
		return nil, err
	}
	t.rte = r.rte
	l := &leaf{Target: t}
	l.from = columnMap(r.root, rel)
	t.as, t.asCols = r.root, columnMap(rel, r.root)
	if isDefault {
		// A partition may have been added before the default one was locked.
		if t.places, err = t.placeChecks(); err != nil {
			return nil, err
		}
	}
	r.all = append(r.all, l)
	return l, nil
}

// columnMap gives for each column of to the column of from with the same name, from 0, -1 where there is none; nil when the two have the same
// columns in the same places.
func columnMap(from, to *catalog.Relation) []int {
	same := len(from.Desc.Attrs) == len(to.Desc.Attrs)
	m := make([]int, len(to.Desc.Attrs))
	for i := range to.Desc.Attrs {
		a := &to.Desc.Attrs[i]
		m[i] = -1
		if !a.Dropped {
			m[i] = int(from.AttNum(a.Name)) - 1
		}
		if same && m[i] != i && !(a.Dropped && from.Desc.Attrs[i].Dropped && a.Len == from.Desc.Attrs[i].Len && a.ByVal == from.Desc.Attrs[i].ByVal) {
			same = false
		}
	}
	if same {
		return nil
	}
	return m
}

// mapped is b in the layout of the partition, with sel as the rows that count.
func (l *leaf) mapped(b *types.Batch, sel []int32) *types.Batch {
	l.view.N, l.view.Sel = b.N, sel
	if l.from == nil {
		l.view.Cols = b.Cols[:len(l.rel.Desc.Attrs)]
		return &l.view
	}
	if l.nulls == nil {
		l.nulls = make([]*types.Vector, len(l.from))
		l.view.Cols = make([]*types.Vector, len(l.from))
	}
	for i, c := range l.from {
		if c >= 0 {
			l.view.Cols[i] = b.Cols[c]
			continue
		}
		v := l.nulls[i]
		if v == nil || v.Len < b.N {
			v = types.NewVector(l.kinds[i], b.N)
			for k := range b.N {
				v.SetNull(k)
			}
			v.Len = b.N
			l.nulls[i] = v
		}
		l.view.Cols[i] = v
	}
	return &l.view
}

// insert stores the rows of b, each in its partition. tids gets their addresses and r.oids their partitions, by position; r.out is the
// batch with generated columns.
func (r *router) insert(b *types.Batch, o heap.InsertOpts, tids []ids.TID) error {
	r.begin(b)
	for i := range b.Rows() {
		pos := b.Row(i)
		l, err := r.find(b, pos)
		if err != nil {
			if e := r.flush(b, o, tids); e != nil {
				return e
			}
			return r.describe(err, b, pos)
		}
		if len(l.sel) == 0 {
			r.hits = append(r.hits, l)
		}
		l.sel = append(l.sel, int32(pos))
		r.oids[pos] = l.rel.Oid
	}
	return r.flush(b, o, tids)
}

func (r *router) begin(b *types.Batch) {
	r.sc.begin(b)
	r.out = types.Batch{Cols: append(r.out.Cols[:0], b.Cols...), N: b.N, Sel: b.Sel}
	if len(r.oids) < b.N {
		r.oids = make([]ids.Oid, b.N+16)
	}
}

// flush stores the rows that were found partitions for.
func (r *router) flush(b *types.Batch, o heap.InsertOpts, tids []ids.TID) error {
	for _, l := range r.hits {
		in := l.mapped(b, l.sel)
		if _, err := l.Insert(in, o, tids); err != nil {
			r.drop()
			return err
		}
		if len(l.gen) > 0 {
			r.keepGenerated(l)
		}
	}
	r.drop()
	return nil
}

func (r *router) drop() {
	for _, l := range r.hits {
		l.sel = l.sel[:0]
	}
	r.hits = r.hits[:0]
}

// keepGenerated takes over the generated columns of a partition's rows into the batch in the root's layout.
func (r *router) keepGenerated(l *leaf) {
	if r.gen == nil {
		r.gen = make([]types.Vector, len(r.root.Desc.Attrs))
	}
	for _, g := range l.gen {
		at := g.att
		if l.from != nil {
			at = l.from[g.att]
		}
		if at < 0 {
			continue
		}
		v := &r.gen[at]
		if r.out.Cols[at] != v {
			v.Kind = g.kind
			v.Reset()
			v.Grow(r.out.N)
			v.Len = r.out.N
			r.out.Cols[at] = v
		}
		from := l.sc.in.Cols[g.att]
		for _, pos := range l.sel {
			v.Set(int(pos), from.Get(int(pos)).Clone())
		}
	}
}

// insertOne stores the row at position pos of b.
func (r *router) insertOne(b *types.Batch, pos int, tids []ids.TID) error {
	r.pos1[0] = int32(pos)
	r.one = types.Batch{Cols: b.Cols, N: b.N, Sel: r.pos1[:]}
	return r.insert(&r.one, heap.InsertOpts{}, tids)
}

// lostRow is the error about a row without a partition, before its key is shown.
type lostRow struct{ d *dispatch }

func (lostRow) Error() string { return "no partition" }

func (r *router) noPartition(d *dispatch) error { return lostRow{d} }

// describe words the error about a row without a partition.
func (r *router) describe(err error, b *types.Batch, pos int) error {
	lost, ok := err.(lostRow)
	if !ok {
		return err
	}
	d := lost.d
	e := pgerr.New(pgerr.CheckViolation, "no partition of relation \"%s\" found for row", d.rel.Name)
	if err := d.reader.read(b, pos); err != nil {
		return err
	}
	if text := r.keyText(d); text != "" {
		e = e.WithDetail("Partition key of the failing row contains %s.", text)
	}
	t := &Target{ex: r.ex, rel: d.rel}
	return t.fields(e)
}

// keyText shows the key of a row; "" when the user may not see it.
func (r *router) keyText(d *dispatch) string {
	env := r.ex.env
	if env.MaySelect != nil && !env.MaySelect(d.rel, 0) {
		for _, att := range d.rel.PartKey.Atts {
			if att == 0 || !env.MaySelect(d.rel, att) {
				return ""
			}
		}
	}
	cat, ok := env.Catalog.(*catalog.Session)
	if !ok {
		return ""
	}
	names, err := deparse.PartitionKey(cat, env.Func, d.rel, true)
	if err != nil {
		return ""
	}
	var s strings.Builder
	for i, v := range d.reader.vals {
		if i > 0 {
			s.WriteString(", ")
		}
		if v.IsNull() {
			s.WriteString("null")
			continue
		}
		t, err := env.typ(d.rel.PartKey.Types[i])
		if err != nil {
			return ""
		}
		text := types.OutputString(env.Func, t, v)
		if len(text) > maxFieldText {
			text = clip(text, maxFieldText) + "..."
		}
		s.WriteString(text)
	}
	return "(" + names + ") = (" + s.String() + ")"
}

// finish ends the statement in all partitions.
func (r *router) close() {
	for _, l := range r.all {
		l.Finish()
	}
}
