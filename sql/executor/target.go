package executor

import (
	"slices"
	"strings"
	"unicode/utf8"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// Target is a table that rows are stored in: its generated columns, constraints and indexes. INSERT, UPDATE, DELETE and COPY FROM go through one.
type Target struct {
	ex       *Exec
	assigned []int // while the entries of an UPDATE's new version are made: assigned[i] >= 0 for columns that it sets
	rel      *catalog.Relation
	sc       scope // over a row or batch of rows: one column for each attribute
	gen      []genCol
	notNull  []int
	checks   []check
	indexes  []*targetIndex
	kinds    []types.Kind
	vals     []types.Datum
	tids     []ids.TID
	bulk     *heap.BulkInsert
	triggers *tableTriggers // of foreign keys; nil: none
	genBatch types.Batch
	genVecs  []types.Vector
	failSel  []int32
	places   []placeCheck      // the partition constraint; of tables that rows are not routed to
	as       *catalog.Relation // the table that the statement names, whose columns (asCols) messages show; nil: rel
	asCols   []int
	placed   bool                 // the partition constraint was looked at already
	rte      *query.RangeTblEntry // names the columns that the statement gives values, which messages may show; may be nil
}

type genCol struct {
	att  int // from 0
	e    expr
	kind types.Kind
}

type check struct {
	name string
	e    expr
}

// targetIndex is an index of a target.
type targetIndex struct {
	*catalog.Index
	keys []indexKey
	pred expr
	vals []types.Datum
	mode btree.UniqueMode
}

// keeps reports whether an UPDATE that assigns the columns with assigned[i] >= 0 leaves the index's key columns as they are.
func (ix *targetIndex) keeps(assigned []int) bool {
	for i := range ix.keys {
		if k := &ix.keys[i]; k.e != nil || i < len(ix.Btree.Keys) && assigned[k.att] >= 0 {
			return false
		}
	}
	return true
}

type indexKey struct {
	att int // from 0; -1: e
	e   expr
}

// NewTarget prepares storing rows in a table. Errors: 42809 when rows cannot be stored in that kind of relation.
func NewTarget(env *Env, rel *catalog.Relation) (*Target, error) {
	ex := &Exec{env: env, st: &plan.Statement{}}
	if env.Tx != nil {
		ex.cid = env.Tx.CommandID(true)
	}
	return newTarget(ex, rel)
}

func newTarget(ex *Exec, rel *catalog.Relation) (*Target, error) {
	if err := storable(rel); err != nil {
		return nil, err
	}
	t := &Target{ex: ex, rel: rel, vals: make([]types.Datum, len(rel.Desc.Attrs))}
	if rel.HasTriggers && ex.env.Tx != nil {
		var err error
		if t.triggers, err = ex.env.deferred().triggersOf(rel); err != nil {
			return nil, err
		}
	}
	t.sc.ex = ex
	c := t.compiler()
	for i := range rel.Desc.Attrs {
		a := &rel.Desc.Attrs[i]
		t.kinds = append(t.kinds, a.Kind())
		if a.NotNull && !a.Dropped {
			t.notNull = append(t.notNull, i)
		}
		if a.Generated == 's' {
			if err := t.addGenerated(c, i); err != nil {
				return nil, err
			}
		}
	}
	for i, con := range rel.Checks {
		q, err := rel.Check(i)
		if err != nil {
			return nil, err
		}
		e, err := c.compile(q)
		if err != nil {
			return nil, err
		}
		t.checks = append(t.checks, check{con.Conname, e})
	}
	for _, ix := range rel.Indexes {
		if !ix.Ready || rel.Kind == 'p' {
			continue
		}
		x, err := t.index(c, ix)
		if err != nil {
			return nil, err
		}
		t.indexes = append(t.indexes, x)
	}
	return t, nil
}

// storable reports why rows cannot be stored in a relation.
func storable(rel *catalog.Relation) error {
	switch rel.Kind {
	case 'r':
		return nil
	case 'S':
		return pgerr.New(pgerr.WrongObjectType, "cannot change sequence \"%s\"", rel.Name)
	case 't':
		return pgerr.New(pgerr.WrongObjectType, "cannot change TOAST relation \"%s\"", rel.Name)
	case 'm':
		if rel.Heap != nil {
			return nil // REFRESH MATERIALIZED VIEW; others are stopped before
		}
		return pgerr.New(pgerr.WrongObjectType, "cannot change materialized view \"%s\"", rel.Name)
	case 'p':
		return nil // its partitions store the rows
	}
	return pgerr.New(pgerr.WrongObjectType, "cannot change relation \"%s\"", rel.Name)
}

// compiler compiles expressions over the table's row, as constraints, defaults and indexes have them.
func (t *Target) compiler() *compiler {
	n := len(t.rel.Desc.Attrs)
	return &compiler{ex: t.ex, sc: &t.sc,
		column: func(v *query.Var) (int, error) {
			if v.Varattno == query.TableOidAttr {
				return 0, pgerr.NotSupported("system column references in constraints are not supported")
			}
			if v.Varattno < 1 || v.Varattno > n {
				return 0, badVar(v)
			}
			return v.Varattno - 1, nil
		},
		wholeRow: func(*query.Var) (*rowShape, error) { return relationShape(t.rel.Desc, t.rel.RowType), nil },
	}
}

func (t *Target) addGenerated(c *compiler, att int) error {
	q, err := t.rel.Default(int16(att + 1))
	if err != nil {
		return err
	}
	if q == nil {
		return pgerr.Internal("no generation expression found for column number %d of table \"%s\"", att+1, t.rel.Name)
	}
	e, err := c.compile(q)
	t.gen = append(t.gen, genCol{att, e, t.rel.Desc.Attrs[att].Kind()})
	return err
}

func (t *Target) index(c *compiler, ix *catalog.Index) (*targetIndex, error) {
	if ix.Btree == nil {
		return nil, pgerr.NotSupported("access method of index \"%s\" is not supported", ix.Name)
	}
	if ix.Exclusion {
		return nil, pgerr.NotSupported("exclusion constraints are not supported")
	}
	x := &targetIndex{Index: ix, vals: make([]types.Datum, len(ix.Keys))}
	exprs, err := ix.Exprs()
	if err != nil {
		return nil, err
	}
	for _, k := range ix.Keys {
		if k > 0 {
			x.keys = append(x.keys, indexKey{att: int(k) - 1})
			continue
		}
		if len(exprs) == 0 {
			return nil, pgerr.Internal("too few entries in the list of expressions of index \"%s\"", ix.Name)
		}
		e, err := c.compile(exprs[0])
		if err != nil {
			return nil, err
		}
		x.keys = append(x.keys, indexKey{att: -1, e: e})
		exprs = exprs[1:]
	}
	pred, err := ix.Pred()
	if err != nil {
		return nil, err
	}
	if pred != nil {
		if x.pred, err = c.compile(pred); err != nil {
			return nil, err
		}
	}
	switch {
	case !ix.Unique:
		x.mode = btree.UniqueNo
	case ix.Immediate:
		x.mode = btree.UniqueYes
	default:
		x.mode = btree.UniquePartial
	}
	return x, nil
}

// Relation returns the table.
func (t *Target) Relation() *catalog.Relation { return t.rel }

// SetCommandID sets the command that rows are stored by.
func (t *Target) SetCommandID(c ids.CommandID) { t.ex.cid = c }

// generate computes the generated columns of the rows of b. The result has the other columns of b.
func (t *Target) generate(b *types.Batch) (*types.Batch, error) {
	if len(t.gen) == 0 {
		return b, nil
	}
	if t.genVecs == nil {
		t.genVecs = make([]types.Vector, len(t.gen))
		t.genBatch.Cols = make([]*types.Vector, len(b.Cols))
	}
	copy(t.genBatch.Cols, b.Cols)
	t.genBatch.N, t.genBatch.Sel = b.N, b.Sel
	t.sc.begin(b)
	for i, g := range t.gen {
		v := &t.genVecs[i]
		v.Kind = g.kind
		v.Reset()
		v.Grow(b.N)
		v.Len = b.N
		if _, err := eachScalar(g.e, v, b.Sel, b.N); err != nil {
			return nil, err
		}
		t.genBatch.Cols[g.att] = v
	}
	return &t.genBatch, nil
}

// verify checks NOT NULL and CHECK constraints of the rows of b, which becomes the scope's input. failed is the position of the
// first row that violates one.
func (t *Target) verify(b *types.Batch) (failed int, err error) {
	if t.sc.in != b {
		t.sc.in = b
	}
	failed = -1
	note := func(pos int, e error) {
		if failed < 0 || pos < failed {
			failed, err = pos, e
		}
	}
	for _, a := range t.notNull {
		v := b.Cols[a]
		if !v.HasNulls {
			continue
		}
		for i := range b.Rows() {
			if pos := b.Row(i); v.IsNull(pos) {
				if failed < 0 || pos < failed {
					note(pos, t.nullError(a, b, pos))
				}
				break
			}
		}
	}
	for i := range t.checks {
		c := &t.checks[i]
		v, e := c.e.vec(b.Sel, b.N)
		if e != nil && !ofRow(e) {
			return -1, e
		}
		if e != nil {
			return t.verifyRows(b)
		}
		for i := range b.Rows() {
			if pos := b.Row(i); !v.IsNull(pos) && v.W[pos] == 0 {
				if failed < 0 || pos < failed {
					note(pos, t.checkError(c.name, b, pos))
				}
				break
			}
		}
	}
	if len(t.places) > 0 && !t.placed {
		for i := range b.Rows() {
			pos := b.Row(i)
			ok, e := t.inPlace(b, pos)
			if e != nil {
				return pos, e
			}
			if !ok {
				if failed < 0 || pos < failed {
					note(pos, t.placeError(b, pos))
				}
				break
			}
		}
	}
	return failed, err
}

// verifyRows finds the row whose check fails with an error.
func (t *Target) verifyRows(b *types.Batch) (int, error) {
	for i := range b.Rows() {
		pos := b.Row(i)
		for _, a := range t.notNull {
			if b.Cols[a].IsNull(pos) {
				return pos, t.nullError(a, b, pos)
			}
		}
		for k := range t.checks {
			d, err := t.checks[k].e.scalar(pos)
			if err != nil {
				return pos, err
			}
			if !d.IsNull() && !d.Bool() {
				return pos, t.checkError(t.checks[k].name, b, pos)
			}
		}
	}
	return -1, nil
}

func (t *Target) nullError(att int, b *types.Batch, pos int) error {
	name := t.rel.Desc.Attrs[att].Name
	return t.fields(t.failingRow(pgerr.New(pgerr.NotNullViolation,
		"null value in column \"%s\" of relation \"%s\" violates not-null constraint", name, t.rel.Name), b, pos)).WithColumn(name)
}

func (t *Target) checkError(name string, b *types.Batch, pos int) error {
	return t.fields(t.failingRow(pgerr.New(pgerr.CheckViolation,
		"new row for relation \"%s\" violates check constraint \"%s\"", t.rel.Name, name), b, pos)).WithConstraint(name)
}

func (t *Target) fields(e *pgerr.Error) *pgerr.Error {
	schema := ""
	if n, ok := t.ex.env.Catalog.(interface {
		Namespace(ids.Oid) (*catalog.Namespace, error)
	}); ok {
		if ns, err := n.Namespace(t.rel.Namespace); err == nil && ns != nil {
			schema = ns.Nspname
		}
	}
	return e.WithTable(schema, t.rel.Name)
}

// maxFieldText bounds each value of a failing row in messages, in bytes.
const maxFieldText = 64

// rowText shows a row for the DETAIL of errors, as far as the user may see it: all of it, or the columns that may be read or were
// given by the statement; empty when that is none.
func (t *Target) rowText(b *types.Batch, pos int) string {
	rel := t.rel
	if t.as != nil {
		rel = t.as
	}
	all := t.ex.env.MaySelect == nil || t.ex.env.MaySelect(rel, 0)
	var names, s strings.Builder
	s.WriteByte('(')
	first := true
	for i := range rel.Desc.Attrs {
		a := &rel.Desc.Attrs[i]
		if a.Dropped || !all && !t.gives(int16(i+1)) && !t.ex.env.MaySelect(rel, int16(i+1)) {
			continue
		}
		col := i
		if t.asCols != nil {
			col = t.asCols[i]
		}
		if !first {
			s.WriteString(", ")
			names.WriteString(", ")
		}
		first = false
		names.WriteString(a.Name)
		t.fieldText(&s, a, b.Cols[col].Get(pos))
	}
	s.WriteByte(')')
	switch {
	case all:
		return s.String()
	case first:
		return ""
	}
	return "(" + names.String() + ") = " + s.String()
}

// gives reports whether the statement itself gives a column its value.
func (t *Target) gives(att int16) bool {
	return t.rte != nil && (slices.Contains(t.rte.InsertedCols, att) || slices.Contains(t.rte.UpdatedCols, att))
}

func (t *Target) fieldText(s *strings.Builder, a *types.Attr, d types.Datum) {
	if d.IsNull() {
		s.WriteString("null")
		return
	}
	typ, err := t.ex.env.typ(a.Type)
	if err != nil {
		return
	}
	text := types.OutputString(t.ex.env.Func, typ, d)
	if len(text) > maxFieldText {
		text = clip(text, maxFieldText) + "..."
	}
	s.WriteString(text)
}

// failingRow adds the row to an error.
func (t *Target) failingRow(e *pgerr.Error, b *types.Batch, pos int) *pgerr.Error {
	if row := t.rowText(b, pos); row != "" {
		return e.WithDetail("Failing row contains %s.", row)
	}
	return e
}

// clip cuts a string to at most n bytes, not within a character.
func clip(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Insert stores the rows of b that count: it computes generated columns, checks constraints, and maintains the indexes. b has one column for each
// attribute. tids, if not nil, gets the rows' addresses by position.
func (t *Target) Insert(b *types.Batch, o heap.InsertOpts, tids []ids.TID) (int, error) {
	t.sc.begin(b)
	b, err := t.generate(b)
	if err != nil {
		return 0, err
	}
	t.sc.in = b
	failed, failure := t.verify(b)
	if failure != nil {
		// The rows before are stored first: one of them may fail in another way.
		return 0, t.insertBefore(b, failed, o, failure)
	}
	return b.Rows(), t.store(b, o, tids)
}

func (t *Target) insertBefore(b *types.Batch, failed int, o heap.InsertOpts, failure error) error {
	t.failSel = t.failSel[:0]
	for i := range b.Rows() {
		if pos := b.Row(i); pos < failed {
			t.failSel = append(t.failSel, int32(pos))
		}
	}
	if len(t.failSel) > 0 && t.hasUnique() {
		part := types.Batch{Cols: b.Cols, N: b.N, Sel: t.failSel}
		t.sc.in = &part
		if err := t.store(&part, o, nil); err != nil {
			return err
		}
	}
	return failure
}

func (t *Target) hasUnique() bool {
	for _, ix := range t.indexes {
		if ix.Unique {
			return true
		}
	}
	return false
}

// store puts verified rows into table and indexes.
func (t *Target) store(b *types.Batch, o heap.InsertOpts, tids []ids.TID) error {
	tx := t.ex.env.Tx
	if o.Bulk == nil {
		o.Bulk = t.bulk
	}
	n := b.Rows()
	if n == 1 {
		pos := b.Row(0)
		for c, v := range b.Cols[:len(t.vals)] {
			t.vals[c] = v.Get(pos)
		}
		tid, err := heap.Insert(tx, t.rel.Heap, t.vals, t.ex.cid, o)
		if err != nil {
			return err
		}
		if tids != nil {
			tids[pos] = tid
		}
		t.inserted(tid)
		return t.indexRow(pos, tid, nil, nil)
	}
	if len(t.tids) < n {
		t.tids = make([]ids.TID, max(n, 64))
	}
	if err := heap.MultiInsert(tx, t.rel.Heap, b, t.ex.cid, o, t.tids[:n]); err != nil {
		return err
	}
	for i := range n {
		pos := b.Row(i)
		if tids != nil {
			tids[pos] = t.tids[i]
		}
		t.inserted(t.tids[i])
		if len(t.indexes) > 0 {
			if err := t.indexRow(pos, t.tids[i], nil, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// keyOf computes an index's columns for the row at position pos of the scope's input; false when its predicate leaves the row out.
func (t *Target) keyOf(ix *targetIndex, pos int) (bool, error) {
	if ix.pred != nil {
		d, err := ix.pred.scalar(pos)
		if err != nil || !d.IsTrue() {
			return false, err
		}
	}
	for i := range ix.keys {
		k := &ix.keys[i]
		if k.e == nil {
			ix.vals[i] = t.sc.in.Cols[k.att].Get(pos)
			continue
		}
		d, err := k.e.scalar(pos)
		if err != nil {
			return false, err
		}
		ix.vals[i] = d
	}
	return true, nil
}

// indexRow adds the entries of the row at position pos of the scope's input. For arbiters it reports a conflict instead of failing.
func (t *Target) indexRow(pos int, tid ids.TID, arbiter func(*targetIndex) bool, conflict *bool) error {
	tx := t.ex.env.Tx
	for _, ix := range t.indexes {
		ok, err := t.keyOf(ix, pos)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		mode := ix.mode
		speculative := arbiter != nil && ix.Unique && arbiter(ix)
		if speculative {
			mode = btree.UniquePartial
		}
		put := ix.Btree.Insert
		if t.assigned != nil && ix.pred == nil && ix.keeps(t.assigned) {
			put = ix.Btree.InsertVersion
		}
		hit, err := put(tx, ix.vals, tid, mode)
		if err != nil {
			return err
		}
		if hit && speculative {
			*conflict = true
			return nil
		}
		if hit {
			t.deferCheck(ix, tid)
		}
	}
	return nil
}

func (t *Target) deferCheck(ix *targetIndex, tid ids.TID) {
	t.ex.env.deferred().Add(t.rel.Oid, ix.Index, ix.vals, tid)
}

// inserted notes a row for foreign keys.
func (t *Target) inserted(tid ids.TID) {
	if t.triggers != nil {
		t.ex.env.Deferred.inserted(t.triggers, tid)
	}
}

// Finish ends the storing of rows.
func (t *Target) Finish() {
	if t.bulk != nil {
		t.bulk.Release()
		t.bulk = nil
	}
}

// LockStrength converts a row-lock strength of a query.
func LockStrength(s query.LockStrength) mvcc.LockStrength {
	switch s {
	case query.LockForKeyShare:
		return mvcc.LockKeyShare
	case query.LockForShare:
		return mvcc.LockShare
	case query.LockForNoKeyUpdate:
		return mvcc.LockNoKeyExclusive
	}
	return mvcc.LockExclusive
}
