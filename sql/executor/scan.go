package executor

import (
	"slices"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/storage/heap"
	"gompho/types"
)

// tableScan is what scans of tables have: the columns they decode and how expressions find them.
type tableScan struct {
	nodeBase
	limited
	rti     int
	rel     *catalog.Relation
	cols    []int         // attributes as heap.ScanOpts.Cols counts them
	recheck expr          // what the access method was to ensure, for a row that came in another way; nil: nothing
	again   *heap.Fetcher // of re-checks
	epqDone bool
	one     *types.Batch
}

// setupScan opens the relation and compiles condition and target list; orig is what the access method ensures.
func (t *tableScan) setupScan(ex *Exec, s *plan.Scan, orig []query.Expr) error {
	if s.ScanRelID < 1 || s.ScanRelID > len(ex.st.RTable) {
		return pgerr.Internal("scan of range-table entry %d of %d", s.ScanRelID, len(ex.st.RTable))
	}
	rel, err := ex.env.relation(ex.st.RTable[s.ScanRelID-1].Relid)
	if err != nil {
		return err
	}
	t.rti, t.rel = s.ScanRelID, rel
	if rel.Heap == nil && !ex.opts.ExplainOnly {
		return noStorage(rel)
	}
	var ins []ids.Oid
	for _, a := range s.ScanCols {
		t.cols = append(t.cols, heapCol(a))
		ins = append(ins, attrType(rel.Desc, a))
	}
	t.setup(ex, &s.Plan, ins)
	t.sc.ex = ex
	c := t.compiler()
	if err := t.stage.init(c, s.Qual, s.TargetList); err != nil {
		return err
	}
	if len(orig) > 0 {
		list, err := c.list(orig)
		if err != nil {
			return err
		}
		t.recheck = &andExpr{args: list}
	}
	if t.identity && len(t.cols) > len(ins) {
		// Conditions need columns that are not passed on.
		t.identity = false
		t.out.Cols = make([]*types.Vector, len(ins))
		for i := range ins {
			t.proj = append(t.proj, projCol{col: i})
		}
	}
	return nil
}

func noStorage(rel *catalog.Relation) error {
	what := catalog.KindWord(rel.Kind)
	return pgerr.New(pgerr.WrongObjectType, "cannot open relation \"%s\"", rel.Name).
		WithDetail("This operation is not supported for %ss.", what)
}

// heapCol converts an attribute number to the form of heap.ScanOpts.Cols.
func heapCol(att int) int {
	if att > 0 {
		return att - 1
	}
	return att
}

// attrType returns the type of an attribute or system column.
func attrType(d *types.Desc, att int) ids.Oid {
	if att > 0 && att <= len(d.Attrs) {
		return d.Attrs[att-1].Type
	}
	switch att {
	case query.CtidAttr:
		return tidOid
	case query.XminAttr, query.XmaxAttr:
		return xidOid
	case query.CminAttr, query.CmaxAttr:
		return cidOid
	}
	return oidOid
}

// compiler makes a compiler for expressions over the table's columns; columns not yet decoded are added.
func (t *tableScan) compiler() *compiler {
	return &compiler{ex: t.ex, sc: &t.sc, column: t.column, wholeRow: t.wholeRow}
}

func (t *tableScan) column(v *query.Var) (int, error) {
	if v.Varno != t.rti || v.Varattno == 0 || v.Varattno > len(t.rel.Desc.Attrs) {
		return 0, badVar(v)
	}
	c := heapCol(v.Varattno)
	if i := slices.Index(t.cols, c); i >= 0 {
		return i, nil
	}
	t.cols = append(t.cols, c)
	return len(t.cols) - 1, nil
}

func (t *tableScan) wholeRow(v *query.Var) (*rowShape, error) {
	return relationShape(t.rel.Desc, t.rel.RowType), nil
}

// relationShape describes a relation's whole row.
func relationShape(d *types.Desc, rowType ids.Oid) *rowShape {
	sh := &rowShape{typ: rowType}
	if rowType == 0 {
		sh.typ = recordOid
	}
	for i := range d.Attrs {
		if !d.Attrs[i].Dropped {
			sh.attrs = append(sh.attrs, i+1)
			sh.types = append(sh.types, d.Attrs[i].Type)
		}
	}
	return sh
}

// substitute gives the row that a re-check after a concurrent update puts in the table's place. ok is false when the
// scan is to run as usual.
func (t *tableScan) substitute() (b *types.Batch, ok bool, err error) {
	e := t.ex.epq
	if e == nil {
		return nil, false, nil
	}
	tid, known := e.row(t.rti)
	if !known {
		return nil, false, nil
	}
	if t.epqDone || !tid.IsValid() {
		return nil, true, nil
	}
	t.epqDone = true
	if t.again == nil {
		t.again = heap.NewFetcher(t.ex.env.Tx, t.rel.Heap, t.cols)
		t.one = t.again.NewBatch(1)
	}
	t.again.ResetArena()
	found, err := t.again.Version(tid, nil)
	if err != nil || !found {
		return nil, true, err
	}
	resetBatch(t.one, 1)
	if err := t.again.Decode(t.one, 0); err != nil {
		return nil, true, err
	}
	t.again.Unpin()
	t.one.N = 1
	if t.recheck != nil {
		t.sc.begin(t.one)
		d, err := t.recheck.scalar(0)
		if err != nil || !d.IsTrue() {
			return nil, true, err
		}
	}
	return t.one, true, nil
}

func (t *tableScan) rescanBase() {
	t.limited.reset()
	t.rescanInit()
	t.epqDone = false
}

func (t *tableScan) closeBase() {
	if t.again != nil {
		t.again.Close()
	}
	t.limited.reset()
}

// seqScan reads a table front to back.
type seqScan struct {
	tableScan
	scan  *heap.Scan
	batch *types.Batch
	ended bool
	// pieces, if not nil, returns the blocks to read
	pieces func() (from, to ids.BlockNumber, err error)
	sample *sample
	shared plan.Node // of a parallel scan: what its blocks are shared out under
}

func (ex *Exec) makeSeqScan(p *plan.SeqScan) (node, error) {
	n := &seqScan{}
	if err := n.setupScan(ex, &p.Scan, nil); err != nil {
		return nil, err
	}
	var err error
	if n.sample, err = ex.makeSample(p.ScanRelID, &n.sc); err != nil {
		return nil, err
	}
	if n.source = n.fetch; p.Parallel > 0 {
		n.shared = p
	}
	return n, nil
}

func (n *seqScan) fetch(max int) (*types.Batch, error) {
	if b, ok, err := n.substitute(); ok {
		return b, err
	}
	if n.ended {
		return nil, nil
	}
	if n.scan == nil {
		if err := n.open(max); err != nil {
			return nil, err
		}
	}
	for {
		var tids []ids.TID
		if n.sample != nil {
			tids = slices.Grow(n.sample.tids[:0], max)[:max]
			n.sample.tids = tids
		}
		k, err := n.scan.NextBatch(max, n.batch, tids)
		if err != nil {
			return nil, err
		}
		if k == 0 {
			break
		}
		if n.sample == nil || n.sample.filter(n.batch, k) > 0 {
			return n.batch, nil
		}
	}
	n.ended = true
	n.scan.Close()
	n.scan = nil
	return nil, nil
}

func (n *seqScan) open(max int) error {
	o := heap.ScanOpts{Cols: n.cols}
	if n.sample != nil {
		if err := n.sample.start(n.ex); err != nil {
			return err
		}
	}
	if n.shared != nil {
		o.Shared = n.ex.blocks[n.shared]
	}
	if n.pieces != nil {
		var err error
		if o.From, o.To, err = n.pieces(); err != nil {
			return err
		}
	}
	s, err := heap.BeginScan(n.ex.env.Tx, n.rel.Heap, n.ex.snap, o)
	if err != nil {
		return err
	}
	n.scan = s
	if n.batch == nil {
		n.batch = s.NewBatch(max)
	}
	return nil
}

func (n *seqScan) rescan() error {
	n.rescanBase()
	n.shut()
	n.ended = false
	return nil
}

func (n *seqScan) shut() {
	if n.scan != nil {
		n.scan.Close()
		n.scan = nil
	}
}

func (n *seqScan) close() {
	n.shut()
	n.closeBase()
	n.ended = true
}
