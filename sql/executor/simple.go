package executor

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// resultNode evaluates its target list once over no input, or for each row of its child; oneTime guards it.
type resultNode struct {
	nodeBase
	stage
	child   node // nil: one row
	oneTime expr
	guard   scope
	checked bool
	done    bool
	empty   types.Batch
}

func (ex *Exec) makeResult(p *plan.Result) (node, error) {
	n := &resultNode{}
	n.guard.ex = ex
	var ins []ids.Oid
	c := &compiler{ex: ex, sc: &n.sc}
	if p.Left != nil {
		child, err := ex.build(p.Left)
		if err != nil {
			return nil, err
		}
		n.child, ins = child, child.types()
		c.column = outerColumn(len(ins))
	}
	n.setup(ex, &p.Plan, ins)
	if err := n.stage.init(c, p.Qual, p.TargetList); err != nil {
		return nil, err
	}
	n.empty.N = 1
	if p.OneTimeQual != nil {
		var err error
		n.oneTime, err = (&compiler{ex: ex, sc: &n.guard}).compile(p.OneTimeQual)
		return n, err
	}
	return n, nil
}

func (n *resultNode) next(max int) (*types.Batch, error) {
	if n.done {
		return nil, nil
	}
	if !n.checked && n.oneTime != nil {
		n.guard.begin(nil)
		d, err := n.oneTime.scalar(0)
		if err != nil {
			return nil, err
		}
		if !d.IsTrue() {
			n.done = true
			return nil, nil
		}
	}
	n.checked = true
	if n.child == nil {
		n.done = true
		b, err := n.run(&n.empty)
		if err != nil || b.Rows() == 0 {
			return nil, err
		}
		return b, nil
	}
	return n.over(n.child, max)
}

// over passes the rows of child through the stage until there are some.
func (s *stage) over(child node, max int) (*types.Batch, error) {
	s.defers = true
	for {
		if s.deferred != nil {
			return nil, s.takeDeferred()
		}
		b, err := child.next(max)
		if b == nil || err != nil {
			return nil, err
		}
		out, err := s.run(b)
		if err != nil {
			return nil, err
		}
		if out.Rows() > 0 {
			return out, nil
		}
		if err := s.sc.ex.env.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
	}
}

func (n *resultNode) rescan() error {
	n.rescanInit()
	n.done, n.checked, n.deferred = false, false, nil
	if n.child != nil {
		return n.child.rescan()
	}
	return nil
}

func (n *resultNode) close() {
	if n.child != nil {
		n.child.close()
	}
}

// subqueryScan renames the output of a subquery.
type subqueryScan struct {
	nodeBase
	stage
	rti   int
	child node
	done  bool
	sub   *types.Batch
}

func (ex *Exec) makeSubqueryScan(p *plan.SubqueryScan) (node, error) {
	child, err := ex.build(p.Subplan)
	if err != nil {
		return nil, err
	}
	n := &subqueryScan{child: child, rti: p.ScanRelID}
	n.setup(ex, &p.Plan, child.types())
	return n, n.stage.init(rowsCompiler(ex, &n.sc, p.ScanRelID, child.types(), p.ScanCols), p.Qual, p.TargetList)
}

// rowsCompiler makes a compiler for a scan of rows that are not a table's: Vars of rti count the columns outs.
func rowsCompiler(ex *Exec, sc *scope, rti int, outs []ids.Oid, _ []int) *compiler {
	sc.ex = ex
	return &compiler{ex: ex, sc: sc,
		column: func(v *query.Var) (int, error) {
			if v.Varno != rti && v.Varno != query.OuterVar || v.Varattno < 1 || v.Varattno > len(outs) {
				return 0, badVar(v)
			}
			return v.Varattno - 1, nil
		},
		wholeRow: func(v *query.Var) (*rowShape, error) {
			sh := &rowShape{typ: v.Type(), types: outs}
			if rti > 0 && rti <= len(ex.st.RTable) && ex.st.RTable[rti-1].Eref != nil {
				sh.names = ex.st.RTable[rti-1].Eref.Colnames
			}
			for i := range outs {
				sh.attrs = append(sh.attrs, i+1)
			}
			return sh, nil
		}}
}

func (n *subqueryScan) next(max int) (*types.Batch, error) {
	if e := n.ex.epq; e != nil {
		if rec, known := e.record(n.rti); known {
			return n.substitute(rec)
		}
	}
	return n.over(n.child, max)
}

// substitute is the row of a re-check.
func (n *subqueryScan) substitute(rec types.Datum) (*types.Batch, error) {
	if n.done || rec.IsNull() {
		return nil, nil
	}
	n.done = true
	if n.sub == nil {
		kinds, err := n.ex.env.kinds(n.child.types())
		if err != nil {
			return nil, err
		}
		n.sub = newBatch(kinds, 1)
	}
	recordRow(n.sub, rec)
	out, err := n.run(n.sub)
	if err != nil || out.Rows() == 0 {
		return nil, err
	}
	return out, nil
}

// recordRow puts the columns of a record into the only row of b.
func recordRow(b *types.Batch, rec types.Datum) {
	resetBatch(b, 1)
	it := types.IterateRecord(rec)
	for _, v := range b.Cols {
		_, d, ok := it.Next()
		if !ok {
			d = types.Null
		}
		v.Set(0, d)
	}
	b.N = 1
}

func (n *subqueryScan) rescan() error {
	n.rescanInit()
	n.deferred, n.done = nil, false
	return n.child.rescan()
}

func (n *subqueryScan) close() { n.child.close() }

func (ex *Exec) buildAll(ps []plan.Node) ([]node, error) {
	out := make([]node, 0, len(ps))
	for _, p := range ps {
		n, err := ex.build(p)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// directTargets returns nil, for passing rows through, when a target list is the input's columns in order.
func directTargets(tl []*query.TargetEntry, n int) []*query.TargetEntry {
	if len(tl) != n {
		return tl
	}
	for i, te := range tl {
		v, ok := te.Expr.(*query.Var)
		if !ok || v.Varattno != i+1 || v.Varno != query.OuterVar {
			return tl
		}
	}
	return nil
}

// limitNode passes on count rows after the first offset.
type limitNode struct {
	oneChild
	keys          scope
	offset, count expr
	withTies      bool
	ties          []keyColumn
	tieCols       []int
	known         bool
	skip          int64
	left          int64 // -1: all
	last          []types.Datum
	haveLast      bool
	tying         bool
	buf           []int32
	view          types.Batch
}

func (ex *Exec) makeLimit(p *plan.Limit) (node, error) {
	n := &limitNode{withTies: p.WithTies, tieCols: p.TieCols}
	if err := n.setupChild(ex, &p.Plan); err != nil {
		return nil, err
	}
	n.keys.ex = ex
	c := &compiler{ex: ex, sc: &n.keys}
	var err error
	if p.Offset != nil {
		if n.offset, err = c.compile(p.Offset); err != nil {
			return nil, err
		}
	}
	if p.Count != nil {
		if n.count, err = c.compile(p.Count); err != nil {
			return nil, err
		}
	}
	if p.WithTies {
		n.ties, err = ex.env.keyColumns(n.child.types(), p.TieCols, p.TieColls, false)
		n.last = make([]types.Datum, len(p.TieCols))
	}
	return n, err
}

func (n *limitNode) compute() error {
	n.keys.begin(nil)
	n.skip, n.left = 0, -1
	if n.offset != nil {
		d, err := n.offset.scalar(0)
		if err != nil {
			return err
		}
		if !d.IsNull() {
			if n.skip = d.Int(); n.skip < 0 {
				return pgerr.New(pgerr.InvalidRowCountInResultOffsetClause, "OFFSET must not be negative")
			}
		}
	}
	if n.count != nil {
		d, err := n.count.scalar(0)
		if err != nil {
			return err
		}
		if !d.IsNull() {
			if n.left = d.Int(); n.left < 0 {
				return pgerr.New(pgerr.InvalidRowCountInLimitClause, "LIMIT must not be negative")
			}
		}
	}
	n.known = true
	if n.left >= 0 && !n.withTies && n.skip+n.left >= 0 {
		passBound(n.child, n.skip+n.left)
	} else {
		passBound(n.child, 0)
	}
	return nil
}

// passBound tells a sort below that only the first n rows are wanted; 0: all.
func passBound(c node, n int64) {
	switch c := unwrap(c).(type) {
	case *sortNode:
		c.bound = n
	case *incSortNode:
		c.bound = n
	case *resultNode:
		if c.child != nil && c.qual == nil {
			passBound(c.child, n)
		}
	case *subqueryScan:
		if c.qual == nil {
			passBound(c.child, n)
		}
	case *appendNode:
		if c.qual == nil {
			for _, k := range c.children {
				if k != nil {
					passBound(k, n)
				}
			}
		}
	case *mergeAppendNode:
		for _, k := range c.children {
			passBound(k, n)
		}
	}
}

func (n *limitNode) next(max int) (*types.Batch, error) {
	if !n.known {
		if err := n.compute(); err != nil {
			return nil, err
		}
	}
	if n.tying {
		return n.nextTies(max)
	}
	if n.left == 0 {
		return nil, nil
	}
	for {
		want := int64(max)
		if n.skip > 0 {
			want = int64(BatchSize)
			if n.left >= 0 {
				want = min(want, n.skip+min(n.left, int64(max)))
			} else {
				want = min(want, n.skip+int64(max))
			}
		} else if n.left >= 0 {
			want = min(want, n.left)
		}
		b, err := n.child.next(int(want))
		if b == nil || err != nil {
			n.left = 0
			return nil, err
		}
		rows := int64(b.Rows())
		if n.skip >= rows {
			n.skip -= rows
			if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
				return nil, err
			}
			continue
		}
		if n.skip > 0 {
			b = n.from(b, int(n.skip))
			rows -= n.skip
			n.skip = 0
		}
		if n.left > 0 {
			n.left -= rows
			if n.left == 0 && n.withTies {
				n.remember(b)
				n.tying = true
			}
		}
		return n.run(b)
	}
}

// from leaves the rows of b from the k-th on.
func (n *limitNode) from(b *types.Batch, k int) *types.Batch {
	n.buf = append(n.buf[:0], selRows(b.Sel, b.N, n.buf)...)
	n.view = types.Batch{Cols: b.Cols, N: b.N, Sel: n.buf[k:]}
	return &n.view
}

func (n *limitNode) remember(b *types.Batch) {
	pos := b.Row(b.Rows() - 1)
	for i, c := range n.tieCols {
		n.last[i] = b.Cols[c-1].Get(pos).Clone()
	}
}

func (n *limitNode) nextTies(max int) (*types.Batch, error) {
	b, err := n.child.next(1)
	if b == nil || err != nil {
		return nil, err
	}
	pos := b.Row(0)
	for i, c := range n.tieCols {
		if !n.ties[i].equalDatums(n.last[i], b.Cols[c-1].Get(pos)) {
			n.tying, n.left = false, 0
			return nil, nil
		}
	}
	return n.run(b)
}

func (n *limitNode) rescan() error {
	n.known, n.tying = false, false
	return n.oneChild.rescan()
}
