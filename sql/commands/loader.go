package commands

import (
	"strings"
	"unicode/utf8"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// loader puts many rows into a table: defaults, generated columns, constraints, the table in batches, the indexes.
type loader struct {
	c       *Context
	rel     *catalog.Relation
	cid     ids.CommandID
	opts    heap.InsertOpts
	batch   *types.Batch
	rows    int
	tids    []ids.TID
	lines   []int // input line of each row, for errors of indexes
	context func(line int, known bool) string

	full      []types.Datum
	constants []fixedDefault
	defaults  RowEval // for every row
	defTo     []int
	defOut    []types.Datum
	generated RowEval
	genTo     []int
	genOut    []types.Datum
	domains   RowEval
	domTo     []int
	domOut    []types.Datum
	checks    RowEval
	checkOut  []types.Datum
	names     []string // of checks
	mustBe    []int
	indexes   []*indexLoad
	places    []rowPlace        // of a partition: its constraint
	as        *catalog.Relation // the table that the statement names, whose columns messages show; nil: rel
	route     *loadRoute        // of a partitioned table: its partitions
}

type fixedDefault struct {
	col int
	v   types.Datum
}

// indexLoad makes the entries of one index.
type indexLoad struct {
	ix      *catalog.Index
	eval    RowEval
	hasPred bool
	out     []types.Datum
	vals    []types.Datum
	mode    btree.UniqueMode
}

// newLoader prepares a load of rows that give the columns of given.
func (c *Context) newLoader(rel *catalog.Relation, given map[int16]bool, freeze bool) (*loader, error) {
	l := &loader{c: c, rel: rel, cid: c.S.Tx.CommandID(true), batch: newBatch(rel.Desc, copyBatch), tids: make([]ids.TID, copyBatch),
		lines: make([]int, copyBatch), full: make([]types.Datum, len(rel.Desc.Attrs))}
	l.opts = heap.InsertOpts{Bulk: heap.NewBulkInsert(), Frozen: freeze}
	l.opts.SkipFsm = rel.Heap != nil && c.S.Tx.MadeFile(rel.File)
	if err := l.prepareDefaults(given); err != nil {
		return nil, err
	}
	var err error
	if l.places, err = c.rowPlaces(rel, rel); err != nil {
		return nil, err
	}
	if rel.Kind == 'p' {
		l.generated = nil // each partition computes its own
		l.route, err = l.newRoute()
		return l, err
	}
	if err := l.prepareChecks(); err != nil {
		return nil, err
	}
	for _, ix := range rel.Indexes {
		if !ix.Ready || ix.Btree == nil {
			continue
		}
		x := &indexLoad{ix: ix, vals: make([]types.Datum, len(ix.Keys)), mode: btree.UniqueNo}
		if ix.Unique {
			x.mode = btree.UniqueYes
			if !ix.Immediate && c.Hooks != nil && c.Hooks.DeferKey != nil {
				x.mode = btree.UniquePartial
			}
		}
		exprs, err := ix.Exprs()
		if err != nil {
			return nil, err
		}
		pred, err := ix.Pred()
		if err != nil {
			return nil, err
		}
		var list []query.Expr
		if pred != nil {
			list, x.hasPred = append(list, pred), true
		}
		if list = append(list, exprs...); len(list) > 0 {
			if x.eval, err = c.compile(list, rel); err != nil {
				return nil, err
			}
			x.out = make([]types.Datum, len(list))
		}
		l.indexes = append(l.indexes, x)
	}
	return l, nil
}

// prepareDefaults finds what columns get that are not given.
func (l *loader) prepareDefaults(given map[int16]bool) error {
	c, rel := l.c, l.rel
	var each, gen []query.Expr
	for i := range rel.Desc.Attrs {
		a := &rel.Desc.Attrs[i]
		att := int16(i + 1)
		if a.Dropped || given[att] {
			continue
		}
		if a.Identity != 0 {
			seq, err := c.ownedSequence(rel.Oid, att, catalog.DepInternal)
			if err != nil {
				return err
			}
			each, l.defTo = append(each, nextvalExpr(seq, a.Type)), append(l.defTo, i)
			continue
		}
		e, err := rel.Default(att)
		if err != nil {
			return err
		}
		switch {
		case e == nil:
		case a.Generated != 0:
			gen, l.genTo = append(gen, e), append(l.genTo, i)
		case c.volatility(e) == 'v':
			each, l.defTo = append(each, e), append(l.defTo, i)
		default:
			v, err := c.constant(e)
			if err != nil {
				return err
			}
			l.constants = append(l.constants, fixedDefault{i, v.Clone()})
		}
	}
	var err error
	if l.defaults, l.defOut, err = l.compile(each, nil); err != nil {
		return err
	}
	l.generated, l.genOut, err = l.compile(gen, rel)
	return err
}

func (l *loader) compile(exprs []query.Expr, rel *catalog.Relation) (RowEval, []types.Datum, error) {
	if len(exprs) == 0 {
		return nil, nil, nil
	}
	ev, err := l.c.compile(exprs, rel)
	return ev, make([]types.Datum, len(exprs)), err
}

// prepareChecks collects NOT NULL, CHECK and domain constraints.
func (l *loader) prepareChecks() error {
	rel := l.rel
	var checks, domains []query.Expr
	for i := range rel.Checks {
		e, err := rel.Check(i)
		if err != nil {
			return err
		}
		checks, l.names = append(checks, e), append(l.names, rel.Checks[i].Conname)
	}
	for i := range rel.Desc.Attrs {
		a := &rel.Desc.Attrs[i]
		if a.Dropped {
			continue
		}
		if a.NotNull {
			l.mustBe = append(l.mustBe, i)
		}
		if a.Base == 0 {
			continue
		}
		constrained, err := l.c.hasDomainConstraints(a.Type)
		if err != nil {
			return err
		}
		if constrained {
			v := &query.Var{Result: query.Result{ResType: a.Base, ResTypmod: a.Typmod, ResCollation: a.Collation}, Varno: 1, Varattno: i + 1}
			domains = append(domains, &query.CoerceToDomain{Result: query.Result{ResType: a.Type, ResTypmod: a.Typmod, ResCollation: a.Collation}, Arg: v})
			l.domTo = append(l.domTo, i)
		}
	}
	var err error
	if l.checks, l.checkOut, err = l.compile(checks, rel); err != nil {
		return err
	}
	l.domains, l.domOut, err = l.compile(domains, rel)
	return err
}

// complete returns the row with what its input does not give; it is valid until the next call.
func (l *loader) complete(row []types.Datum) ([]types.Datum, error) {
	copy(l.full, row)
	for _, k := range l.constants {
		l.full[k.col] = k.v
	}
	if l.defaults != nil {
		if err := l.defaults.Eval(nil, l.defOut); err != nil {
			return nil, err
		}
		for i, to := range l.defTo {
			l.full[to] = l.defOut[i]
		}
	}
	if l.domains != nil {
		if err := l.domains.Eval(l.full, l.domOut); err != nil {
			return nil, err
		}
	}
	if l.generated != nil {
		if err := l.generated.Eval(l.full, l.genOut); err != nil {
			return nil, err
		}
		for i, to := range l.genTo {
			l.full[to] = l.genOut[i]
		}
	}
	return l.full, nil
}

// check applies NOT NULL and CHECK constraints.
func (l *loader) check(row []types.Datum) error {
	for _, i := range l.mustBe {
		if row[i].IsNull() {
			return pgerr.New(pgerr.NotNullViolation, "null value in column %q of relation %q violates not-null constraint", l.rel.Desc.Attrs[i].Name, l.rel.Name).
				WithDetail("Failing row contains %s.", l.describe(row)).
				WithTable(l.c.schemaName(l.rel.Namespace), l.rel.Name).WithColumn(l.rel.Desc.Attrs[i].Name)
		}
	}
	if l.checks == nil {
		return l.checkPlace(row)
	}
	if err := l.checks.Eval(row, l.checkOut); err != nil {
		return err
	}
	for i, v := range l.checkOut {
		if !v.IsNull() && !v.Bool() {
			return pgerr.New(pgerr.CheckViolation, "new row for relation %q violates check constraint %q", l.rel.Name, l.names[i]).
				WithDetail("Failing row contains %s.", l.describe(row)).
				WithTable(l.c.schemaName(l.rel.Namespace), l.rel.Name).WithConstraint(l.names[i])
		}
	}
	return l.checkPlace(row)
}

// describe renders a row for DETAIL: values of at most 64 bytes.
func (l *loader) describe(row []types.Datum) string {
	const most = 64
	var b strings.Builder
	b.WriteByte('(')
	first := true
	rel := l.rel
	if l.as != nil {
		rel = l.as
	}
	for i := range rel.Desc.Attrs {
		a := &rel.Desc.Attrs[i]
		if a.Dropped {
			continue
		}
		if !first {
			b.WriteString(", ")
		}
		first = false
		i := i
		if l.as != nil {
			i = int(l.rel.AttNum(a.Name)) - 1
		}
		if row[i].IsNull() {
			b.WriteString("null")
			continue
		}
		t, err := l.c.copyType(a.Type)
		if err != nil {
			return "(...)"
		}
		s := types.OutputString(l.c.typeEnv(), t, row[i])
		if len(s) > most {
			s = clipText(s, most) + "..."
		}
		b.WriteString(s)
	}
	b.WriteByte(')')
	return b.String()
}

// clipText cuts a text to at most n bytes at a character boundary.
func clipText(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// add takes a row; the byte strings in it stay until the batch is full.
func (l *loader) add(row []types.Datum, line int) error {
	for i, v := range row {
		l.batch.Cols[i].Append(v)
	}
	l.lines[l.rows] = line
	l.rows++
	l.batch.N = l.rows
	if l.rows == copyBatch {
		return l.flush()
	}
	return nil
}

// flush stores the rows of the batch.
func (l *loader) flush() error {
	if l.rows == 0 {
		return nil
	}
	n := l.rows
	l.rows = 0
	if l.route != nil {
		return l.route.flush()
	}
	err := l.store(n)
	for _, v := range l.batch.Cols {
		v.Reset()
	}
	l.batch.N = 0
	return err
}

func (l *loader) store(n int) error {
	if err := heap.MultiInsert(l.c.S.Tx, l.rel.Heap, l.batch, l.cid, l.opts, l.tids); err != nil {
		return err
	}
	if l.rel.HasTriggers && l.c.Hooks.RowsAdded != nil {
		if err := l.c.Hooks.RowsAdded(l.rel, l.tids[:n]...); err != nil {
			return err
		}
	}
	for _, x := range l.indexes {
		for i := range n {
			if err := l.entry(x, i); err != nil {
				e := pgerr.From(err)
				if e.Where == "" && l.context != nil {
					e.Where = l.context(l.lines[i], false)
				}
				return e
			}
		}
	}
	return nil
}

// entry makes the entry of row i in an index.
func (l *loader) entry(x *indexLoad, i int) error {
	if x.eval != nil {
		for k, v := range l.batch.Cols {
			l.full[k] = v.Get(i)
		}
		if err := x.eval.Eval(l.full, x.out); err != nil {
			return err
		}
		if x.hasPred && !x.out[0].IsTrue() {
			return nil
		}
	}
	expr := 0
	if x.hasPred {
		expr = 1
	}
	for k, att := range x.ix.Keys {
		if att > 0 {
			x.vals[k] = l.batch.Cols[att-1].Get(i)
		} else {
			x.vals[k] = x.out[expr]
			expr++
		}
	}
	twice, err := x.ix.Btree.Insert(l.c.S.Tx, x.vals, l.tids[i], x.mode)
	if twice && err == nil {
		l.c.Hooks.DeferKey(l.rel.Oid, x.ix, x.vals, l.tids[i])
	}
	return err
}

func (l *loader) close() {
	if l.opts.Bulk != nil {
		l.opts.Bulk.Release()
	}
	if l.route != nil {
		l.route.close()
	}
}
