package executor

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// indexKeys are the conditions of an index scan: compiled once, evaluated at each start.
type indexKeys struct {
	sc      scope
	index   *catalog.Index
	conds   []indexCond
	keys    []btree.ScanKey
	lookup  []types.Datum // of a whole unique key: the key columns in order; nil otherwise
	inexact bool          // the index gives more rows than wanted: check the original conditions
}

type indexCond struct {
	key   btree.ScanKey
	value expr
	elem  *types.Type // of an array
}

// indexOf finds an index of a table.
func indexOf(rel *catalog.Relation, oid ids.Oid) (*catalog.Index, error) {
	for _, ix := range rel.Indexes {
		if ix.Oid == oid {
			if ix.Btree == nil {
				return ix, pgerr.NotSupported("access method of index \"%s\" is not supported", ix.Name)
			}
			return ix, nil
		}
	}
	return nil, pgerr.New(pgerr.UndefinedObject, "could not open relation with OID %d", oid)
}

func (k *indexKeys) init(ex *Exec, rel *catalog.Relation, index ids.Oid, conds []plan.IndexCond) error {
	k.sc.ex = ex
	ix, err := indexOf(rel, index)
	if ix != nil && ex.opts.ExplainOnly {
		err = nil
	}
	if err != nil {
		return err
	}
	k.index = ix
	c := &compiler{ex: ex, sc: &k.sc}
	for i := range conds {
		if err := k.add(c, &conds[i]); err != nil {
			return err
		}
	}
	k.keys = make([]btree.ScanKey, 0, len(k.conds))
	k.findLookup()
	return nil
}

func (k *indexKeys) add(c *compiler, q *plan.IndexCond) error {
	x := indexCond{key: btree.ScanKey{Attr: q.Column - 1, IsArray: q.Array}}
	if q.Column < 1 || q.Column > k.index.NKeyAtts {
		return pgerr.Internal("condition on column %d of index \"%s\"", q.Column, k.index.Name)
	}
	switch q.Strategy {
	case 0:
		x.key.Strategy = btree.IsNull
	case -1:
		x.key.Strategy = btree.IsNotNull
	default:
		x.key.Strategy = btree.Strategy(q.Strategy)
		if len(q.RowRest) > 0 {
			k.inexact = true
			switch x.key.Strategy {
			case btree.Less:
				x.key.Strategy = btree.LessEqual
			case btree.Greater:
				x.key.Strategy = btree.GreaterEqual
			}
		}
		e, err := c.compile(q.Value)
		if err != nil {
			return err
		}
		x.value = e
		right := q.RightTyp
		if q.Array {
			at, err := c.ex.env.typ(q.Value.Type())
			if err != nil {
				return err
			}
			if x.elem = at.Underlying().ElemType; x.elem == nil {
				return pgerr.Internal("array condition with a value of type %d", q.Value.Type())
			}
			right = x.elem.Oid
		}
		in := k.index.InTypes[q.Column-1]
		if in != right && right != 0 {
			lt, rt := c.ex.env.baseOid(in), c.ex.env.baseOid(right)
			x.key.Compare = timeConversion(lt, rt, c.ex.env)
		}
	}
	k.conds = append(k.conds, x)
	return nil
}

// baseOid returns the type under domains, or the Oid itself when it is not known.
func (e *Env) baseOid(oid ids.Oid) ids.Oid {
	if t, err := e.typ(oid); err == nil {
		return t.Underlying().Oid
	}
	return oid
}

// findLookup notices conditions that name one whole key of a unique index.
func (k *indexKeys) findLookup() {
	ix := k.index
	if !ix.Unique || len(k.conds) != ix.NKeyAtts || k.inexact {
		return
	}
	for i := range k.conds {
		c := &k.conds[i].key
		if c.Attr != i || c.Strategy != btree.Equal || c.IsArray || c.Compare != nil {
			return
		}
	}
	k.lookup = make([]types.Datum, len(k.conds))
}

// eval computes the keys. ok is false when a comparison with NULL means that no row qualifies.
func (k *indexKeys) eval() (ok bool, err error) {
	k.sc.begin(nil)
	k.keys = k.keys[:0]
	for i := range k.conds {
		c := &k.conds[i]
		key := c.key
		if c.value != nil {
			d, err := c.value.scalar(0)
			if err != nil || d.IsNull() {
				return false, err
			}
			if key.IsArray {
				key.Array = types.DecodeArray(d, c.elem).Elems
			} else {
				key.Value = d
			}
		}
		k.keys = append(k.keys, key)
	}
	return true, nil
}

// indexReader gives the addresses of a scan of an index in order.
type indexReader struct {
	indexKeys
	scan     *btree.Scan
	opts     btree.ScanOpts
	started  bool
	ended    bool
	tids     [256]ids.TID
	n, pos   int
	single   bool // the tids come from a lookup: nothing to kill
	batch    *types.Batch
	room     int // rows that fit batch
	wantCols bool
}

// more reads the next addresses, at most max; false at the end.
func (r *indexReader) more(ex *Exec, max int) (bool, error) {
	if r.ended {
		return false, nil
	}
	if !r.started {
		r.started = true
		ok, err := r.eval()
		if err != nil {
			return false, err
		}
		if !ok {
			r.ended = true
			return false, nil
		}
		if r.lookup != nil && !r.wantCols {
			return r.lookUp(ex)
		}
		if err := r.begin(ex); err != nil {
			return false, err
		}
	}
	max = min(max, len(r.tids))
	if r.wantCols && r.room < max {
		r.room = min(len(r.tids), 2*max)
		r.batch = r.scan.NewBatch(r.room)
	}
	n, err := r.scan.Next(r.tids[:max], r.batch)
	r.n, r.pos = n, 0
	if n == 0 {
		r.ended = true
	}
	return n > 0, err
}

func (r *indexReader) begin(ex *Exec) error {
	if r.scan == nil {
		r.scan = r.index.Btree.BeginScan(ex.env.Tx, r.opts)
	}
	r.single = false
	return r.scan.Rescan(r.keys)
}

// lookUp finds the entries of a unique key: nearly always one, more when old versions of the row are still there.
func (r *indexReader) lookUp(ex *Exec) (bool, error) {
	for i := range r.keys {
		r.lookup[i] = r.keys[i].Value
	}
	n, err := r.index.Btree.LookupFor(ex.env.Tx, r.lookup, r.tids[:])
	if err != nil {
		return false, err
	}
	if n == len(r.tids) {
		if err := r.begin(ex); err != nil {
			return false, err
		}
		return r.more(ex, n)
	}
	r.n, r.pos, r.single, r.ended = n, 0, true, true
	return n > 0, nil
}

func (r *indexReader) kill(i int) {
	if !r.single && r.scan != nil {
		r.scan.Kill(i)
	}
}

func (r *indexReader) rescan() {
	r.started, r.ended, r.n, r.pos = false, false, 0, 0
}

func (r *indexReader) close() {
	if r.scan != nil {
		r.scan.Close()
		r.scan = nil
	}
	r.started, r.ended, r.n, r.pos = true, true, 0, 0
}

// indexScan reads a table through an index.
type indexScan struct {
	tableScan
	indexReader
	fetcher *heap.Fetcher
	rows    *types.Batch
	checked []int32
}

func (ex *Exec) makeIndexScan(p *plan.IndexScan) (node, error) {
	n := &indexScan{}
	if err := n.setupScan(ex, &p.Scan, p.IndexQualOrig); err != nil {
		return nil, err
	}
	n.opts.Backward, n.source = p.Backward, n.fetch
	return n, n.indexReader.init(ex, n.rel, p.IndexID, p.IndexQual)
}

// The scopes of the two embedded parts are different: sc of the stage, and that of the keys.

func (n *indexScan) fetch(max int) (*types.Batch, error) {
	if b, ok, err := n.substitute(); ok {
		return b, err
	}
	if n.fetcher == nil {
		n.fetcher = heap.NewFetcher(n.ex.env.Tx, n.rel.Heap, n.cols)
		n.rows = n.fetcher.NewBatch(min(max, 16))
	}
	n.fetcher.ResetArena()
	for _, v := range n.rows.Cols {
		v.Reset()
	}
	n.rows.Sel = nil
	k := 0
	for k < max {
		if n.indexReader.pos >= n.indexReader.n {
			more, err := n.more(n.ex, max-k)
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
			if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
				return nil, err
			}
		}
		i := n.indexReader.pos
		n.indexReader.pos++
		found, err := n.fetcher.Index(n.tids[i], n.ex.snap)
		if err != nil {
			return nil, err
		}
		if !found {
			if n.fetcher.AllDead() {
				n.kill(i)
			}
			continue
		}
		if err := n.keep(k, max); err != nil {
			return nil, err
		}
		k++
	}
	if k == 0 {
		n.fetcher.Unpin()
		return nil, nil
	}
	for _, v := range n.rows.Cols {
		v.Len = k
	}
	n.rows.N = k
	n.index.Btree.Counts(n.ex.env.Slot).Fetch(k)
	if n.inexact {
		return n.checkRows()
	}
	return n.rows, nil
}

// keep decodes the version found into row k.
func (n *indexScan) keep(k, max int) error {
	for _, v := range n.rows.Cols {
		if k >= v.Cap() {
			v.Len = k
			v.Grow(min(max, 16+2*k))
		}
	}
	return n.fetcher.Decode(n.rows, k)
}

// checkRows leaves the rows that meet the original conditions; there may be none of them.
func (n *indexScan) checkRows() (*types.Batch, error) {
	n.tableScan.sc.begin(n.rows)
	if cap(n.checked) < n.rows.N {
		n.checked = make([]int32, 0, n.rows.N)
	}
	sel, err := runFilter(n.tableScan.recheck, nil, n.rows.N, n.checked[:0])
	n.rows.Sel = sel
	return n.rows, err
}

func (n *indexScan) rescan() error {
	n.rescanBase()
	n.indexReader.rescan()
	return nil
}

func (n *indexScan) close() {
	n.indexReader.close()
	if n.fetcher != nil {
		n.fetcher.Unpin()
	}
	n.closeBase()
}

// indexOnlyScan answers from the index where the visibility map allows.
type indexOnlyScan struct {
	nodeBase
	limited
	indexReader
	rel     *catalog.Relation
	rti     int
	icols   []int // attribute that each index column holds
	fetcher *heap.Fetcher
	probe   *heap.VisibilityProbe
	rows    types.Batch
	visible []int32
	recheck expr
	Fetches int64
	epqDone bool
	epqRows *heap.Fetcher
	epqOne  *types.Batch
}

func (ex *Exec) makeIndexOnlyScan(p *plan.IndexOnlyScan) (node, error) {
	n := &indexOnlyScan{rti: p.ScanRelID, icols: p.IndexCols}
	rel, err := ex.env.relation(ex.st.RTable[p.ScanRelID-1].Relid)
	if err != nil {
		return nil, err
	}
	n.rel = rel
	if rel.Heap == nil && !ex.opts.ExplainOnly {
		return nil, noStorage(rel)
	}
	if err := n.indexReader.init(ex, rel, p.IndexID, p.IndexQual); err != nil {
		return nil, err
	}
	n.opts.Backward, n.source = p.Backward, n.fetch
	n.wantCols = true
	n.setup(ex, &p.Plan, nil)
	n.limited.sc.ex = ex
	c := &compiler{ex: ex, sc: &n.limited.sc, column: n.column}
	if err := n.stage.init(c, p.Qual, p.TargetList); err != nil {
		return nil, err
	}
	if n.inexact {
		list, err := c.list(p.IndexQualOrig)
		if err != nil {
			return nil, err
		}
		n.recheck = &andExpr{args: list}
	}
	return n, nil
}

// column finds an index column, which the index is then asked for.
func (n *indexOnlyScan) column(v *query.Var) (int, error) {
	att := v.Varattno
	if v.Varno == n.rti {
		att = 0
		for i, a := range n.icols {
			if a == v.Varattno {
				att = i + 1
			}
		}
	} else if v.Varno != query.IndexVar {
		att = 0
	}
	if att < 1 || att > len(n.index.Desc.Attrs) {
		return 0, badVar(v)
	}
	for i, c := range n.opts.Cols {
		if c == att-1 {
			return i, nil
		}
	}
	n.opts.Cols = append(n.opts.Cols, att-1)
	return len(n.opts.Cols) - 1, nil
}

func (n *indexOnlyScan) fetch(max int) (*types.Batch, error) {
	if e := n.ex.epq; e != nil {
		if _, known := e.row(n.rti); known {
			return n.substituteFromTable(e)
		}
	}
	if n.fetcher == nil {
		n.fetcher = heap.NewFetcher(n.ex.env.Tx, n.rel.Heap, nil)
		n.probe = heap.NewVisibilityProbe(n.ex.env.Slot, n.rel.Heap)
	}
	for {
		more, err := n.more(n.ex, max)
		if err != nil || !more {
			n.release()
			return nil, err
		}
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
		sel, err := n.see()
		if err != nil {
			return nil, err
		}
		if len(sel) == 0 {
			continue
		}
		n.rows.Cols, n.rows.N, n.rows.Sel = n.batch.Cols, n.indexReader.n, sel
		if n.recheck != nil {
			n.limited.sc.begin(&n.rows)
			if n.rows.Sel, err = runFilter(n.recheck, sel, n.rows.N, sel[:0]); err != nil {
				return nil, err
			}
			if len(n.rows.Sel) == 0 {
				continue
			}
		}
		return &n.rows, nil
	}
}

// see returns the entries whose rows the snapshot sees.
func (n *indexOnlyScan) see() ([]int32, error) {
	if cap(n.visible) < n.indexReader.n {
		n.visible = make([]int32, 0, len(n.tids))
	}
	sel := n.visible[:0]
	counts := n.index.Btree.Counts(n.ex.env.Slot)
	for i := range n.indexReader.n {
		tid := n.tids[i]
		if !n.probe.AllVisible(tid.Block) {
			n.Fetches++
			found, err := n.fetcher.Index(tid, n.ex.snap)
			if err != nil {
				return nil, err
			}
			if !found {
				if n.fetcher.AllDead() {
					n.kill(i)
				}
				continue
			}
			counts.Fetch(1)
		} else if err := heap.ReadPage(n.ex.env.Tx, n.rel.Heap, tid.Block); err != nil {
			return nil, err
		}
		sel = append(sel, int32(i))
	}
	return sel, nil
}

// substituteFromTable is the row of a re-check, whose columns come from the table.
func (n *indexOnlyScan) substituteFromTable(e *epqState) (*types.Batch, error) {
	tid, _ := e.row(n.rti)
	if n.epqDone || !tid.IsValid() {
		return nil, nil
	}
	n.epqDone = true
	if n.epqRows == nil {
		var cols []int
		for _, c := range n.opts.Cols {
			a := 0
			if c < len(n.icols) {
				a = n.icols[c]
			}
			if a <= 0 {
				return nil, pgerr.NotSupported("re-check of a concurrently updated row through index \"%s\" is not supported", n.index.Name)
			}
			cols = append(cols, a-1)
		}
		n.epqRows = heap.NewFetcher(n.ex.env.Tx, n.rel.Heap, cols)
		n.epqOne = n.epqRows.NewBatch(1)
	}
	found, err := n.epqRows.Version(tid, nil)
	if err != nil || !found {
		return nil, err
	}
	resetBatch(n.epqOne, 1)
	err = n.epqRows.Decode(n.epqOne, 0)
	n.epqRows.Unpin()
	n.epqOne.N = 1
	return n.epqOne, err
}

func (n *indexOnlyScan) rescan() error {
	n.limited.reset()
	n.rescanInit()
	n.indexReader.rescan()
	n.epqDone = false
	return nil
}

func (n *indexOnlyScan) release() {
	if n.fetcher != nil {
		n.fetcher.Unpin()
	}
	if n.probe != nil {
		n.probe.Close()
	}
}

func (n *indexOnlyScan) close() {
	n.indexReader.close()
	n.release()
	n.limited.reset()
}
