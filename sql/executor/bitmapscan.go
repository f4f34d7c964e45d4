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

// bitmapNode makes a bitmap of row addresses.
type bitmapNode interface {
	bitmap() (*tidBitmap, error)
	rescan() error
	close()
}

// bitmapIndex makes the bitmap of one index scan.
type bitmapIndex struct {
	indexReader
	ex   *Exec
	inst *Instrumentation
	held tally // of the bitmap
}

// bitmapSet combines bitmaps.
type bitmapSet struct {
	ex       *Exec
	children []bitmapNode
	and      bool
	inst     *Instrumentation
}

func (ex *Exec) buildBitmap(p plan.Node, rel *catalog.Relation) (n bitmapNode, inexact bool, err error) {
	switch p := p.(type) {
	case *plan.BitmapIndexScan:
		b := &bitmapIndex{ex: ex, inst: ex.instrumentation(p)}
		err := b.indexReader.init(ex, rel, p.IndexID, p.IndexQual)
		return b, b.inexact, err
	case *plan.BitmapAnd:
		return ex.buildBitmapSet(p, p.Children, rel, true)
	case *plan.BitmapOr:
		return ex.buildBitmapSet(p, p.Children, rel, false)
	}
	return nil, false, pgerr.Internal("plan node %T makes no bitmap", p)
}

func (ex *Exec) buildBitmapSet(p plan.Node, children []plan.Node, rel *catalog.Relation, and bool) (bitmapNode, bool, error) {
	s := &bitmapSet{ex: ex, and: and, inst: ex.instrumentation(p)}
	inexact := false
	for _, c := range children {
		n, in, err := ex.buildBitmap(c, rel)
		if err != nil {
			return nil, false, err
		}
		inexact = inexact || in
		s.children = append(s.children, n)
	}
	return s, inexact, nil
}

func (b *bitmapIndex) bitmap() (*tidBitmap, error) {
	t := newTidBitmap(b.ex.env.workMem())
	start := b.inst.begin()
	rows := 0
	for {
		more, err := b.more(b.ex, len(b.tids))
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		for _, tid := range b.tids[:b.n] {
			t.add(tid)
		}
		b.held.set(&b.ex.env.pool, t.bytes())
		rows += b.n
		if err := b.ex.env.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
	}
	b.indexReader.close()
	b.inst.end(start, rows, true)
	return t, nil
}

func (b *bitmapIndex) close() {
	b.held.done()
	b.indexReader.close()
}

func (b *bitmapIndex) rescan() error {
	b.held.done()
	b.indexReader.rescan()
	b.inst.rescan()
	return nil
}

func (s *bitmapSet) bitmap() (*tidBitmap, error) {
	start := s.inst.begin()
	t, err := s.children[0].bitmap()
	if err != nil {
		return nil, err
	}
	for _, c := range s.children[1:] {
		if s.and && len(t.pages) == 0 && len(t.lossy) == 0 {
			break
		}
		o, err := c.bitmap()
		if err != nil {
			return nil, err
		}
		if s.and {
			t.intersect(o)
		} else {
			t.union(o)
		}
	}
	s.inst.end(start, 0, true)
	return t, nil
}

func (s *bitmapSet) rescan() error {
	for _, c := range s.children {
		if err := c.rescan(); err != nil {
			return err
		}
	}
	s.inst.rescan()
	return nil
}

func (s *bitmapSet) close() {
	for _, c := range s.children {
		c.close()
	}
}

// bitmapHeapScan reads the rows of a bitmap in the order of the table's blocks.
type bitmapHeapScan struct {
	tableScan
	source  bitmapNode
	scan    *heap.Scan
	batch   *types.Batch
	always  bool // check all rows again, not only those of lossy pages
	orig    expr // BitmapQualOrig; nil: nothing to check
	checked []int32
	ended   bool
	Exact   int64
	Lossy   int64
}

func (ex *Exec) makeBitmapHeapScan(p *plan.BitmapHeapScan) (node, error) {
	n := &bitmapHeapScan{}
	if err := n.setupScan(ex, &p.Scan, p.BitmapQualOrig); err != nil {
		return nil, err
	}
	n.orig = n.recheck
	n.limited.source = n.fetch
	var err error
	n.source, n.always, err = ex.buildBitmap(p.Left, n.rel)
	return n, err
}

func (n *bitmapHeapScan) fetch(max int) (*types.Batch, error) {
	if b, ok, err := n.substitute(); ok {
		return b, err
	}
	if n.ended {
		return nil, nil
	}
	if n.scan == nil {
		if err := n.open(); err != nil {
			return nil, err
		}
	}
	k, err := n.scan.NextBatch(max, n.batch, nil)
	if err != nil {
		return nil, err
	}
	if k == 0 {
		n.ended = true
		n.shut()
		return nil, nil
	}
	if n.orig == nil || !n.always && !n.scan.Lossy() {
		return n.batch, nil
	}
	n.sc.begin(n.batch)
	if cap(n.checked) < k {
		n.checked = make([]int32, 0, k)
	}
	n.batch.Sel, err = runFilter(n.orig, nil, k, n.checked[:0])
	return n.batch, err
}

func (n *bitmapHeapScan) open() error {
	t, err := n.source.bitmap()
	if err != nil {
		return err
	}
	n.Exact, n.Lossy = n.Exact+int64(len(t.pages)), n.Lossy+int64(len(t.lossy))
	next, ahead := t.iterate()
	n.scan, err = heap.BeginBitmapScan(n.ex.env.Tx, n.rel.Heap, n.ex.snap, next, heap.ScanOpts{Cols: n.cols, Ahead: ahead})
	if err != nil {
		return err
	}
	if n.batch == nil {
		n.batch = n.scan.NewBatch(16)
	}
	return nil
}

func (n *bitmapHeapScan) shut() {
	if n.scan != nil {
		n.scan.Close()
		n.scan = nil
	}
}

func (n *bitmapHeapScan) rescan() error {
	n.rescanBase()
	n.shut()
	n.ended = false
	return n.source.rescan()
}

func (n *bitmapHeapScan) close() {
	n.shut()
	n.source.close()
	n.closeBase()
	n.ended = true
}

// tidScan reads rows by their addresses.
type tidScan struct {
	tableScan
	exprs   []expr
	isArray []bool
	cursor  *query.CurrentOfExpr
	keys    scope
	tids    []ids.TID
	pos     int
	ready   bool
	fetcher *heap.Fetcher
	rows    *types.Batch
}

func (ex *Exec) makeTidScan(p *plan.TidScan) (node, error) {
	n := &tidScan{isArray: p.IsArray, cursor: p.CurrentOf}
	n.keys.ex = ex
	if err := n.setupScan(ex, &p.Scan, nil); err != nil {
		return nil, err
	}
	n.limited.source = n.fetch
	var err error
	n.exprs, err = (&compiler{ex: ex, sc: &n.keys}).list(p.TidExprs)
	return n, err
}

// list computes the addresses, sorted and without duplicates.
func (n *tidScan) list() error {
	n.keys.begin(nil)
	n.tids, n.pos, n.ready = n.tids[:0], 0, true
	if n.cursor != nil {
		return n.fromCursor()
	}
	tid := types.Builtin(tidOid)
	for i, e := range n.exprs {
		d, err := e.scalar(0)
		if err != nil {
			return err
		}
		switch {
		case d.IsNull():
		case i < len(n.isArray) && n.isArray[i]:
			for _, x := range types.DecodeArray(d, tid).Elems {
				if !x.IsNull() {
					n.tids = append(n.tids, ids.UnpackTID(x.Word()))
				}
			}
		default:
			n.tids = append(n.tids, ids.UnpackTID(d.Word()))
		}
	}
	n.tids = sortTIDs(n.tids)
	return nil
}

func (n *tidScan) fromCursor() error {
	if n.ex.env.CursorRow == nil {
		return pgerr.NotSupported("WHERE CURRENT OF is not supported here")
	}
	tid, ok, err := n.ex.env.CursorRow(n.cursor.CursorName, n.rel.Oid)
	if err == nil && ok {
		if tid, err = heap.LatestTID(n.ex.env.Tx, n.rel.Heap, tid, n.ex.snap); err == nil {
			n.tids = append(n.tids, tid)
		}
	}
	return err
}

func (n *tidScan) fetch(max int) (*types.Batch, error) {
	if b, ok, err := n.substitute(); ok {
		if b == nil || err != nil || n.cursor != nil {
			return b, err // WHERE CURRENT OF means the row, wherever it is now
		}
		return n.named(b)
	}
	if !n.ready {
		if err := n.list(); err != nil {
			return nil, err
		}
	}
	if n.fetcher == nil {
		n.fetcher = heap.NewFetcher(n.ex.env.Tx, n.rel.Heap, n.cols)
		n.rows = n.fetcher.NewBatch(1)
	}
	n.fetcher.ResetArena()
	resetBatch(n.rows, max)
	k := 0
	for ; k < max && n.pos < len(n.tids); n.pos++ {
		found, err := n.fetcher.Version(n.tids[n.pos], n.ex.snap)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		if err := n.fetcher.Decode(n.rows, k); err != nil {
			return nil, err
		}
		k++
	}
	if k == 0 {
		n.fetcher.Unpin()
		return nil, nil
	}
	n.rows.N = k
	return n.rows, nil
}

// named returns the row of a re-check if its address is among those asked for.
func (n *tidScan) named(b *types.Batch) (*types.Batch, error) {
	if !n.ready {
		if err := n.list(); err != nil {
			return nil, err
		}
	}
	if at, _ := n.ex.epq.row(n.rti); !slices.Contains(n.tids, at) {
		return nil, nil
	}
	return b, nil
}

func (n *tidScan) rescan() error {
	n.rescanBase()
	n.ready = false
	return nil
}

func (n *tidScan) close() {
	if n.fetcher != nil {
		n.fetcher.Unpin()
	}
	n.closeBase()
}
