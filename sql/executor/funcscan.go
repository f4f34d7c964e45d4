package executor

import (
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// setCall is a call of a set-returning function.
type setCall struct {
	args   []expr
	strict bool
	fn     functions.SetFunc
	call   functions.Call
	vals   []types.Datum
	src    functions.RowSource
}

// compileSet compiles a call of a set-returning function; nil when e is not one.
func (c *compiler) compileSet(e query.Expr) (*setCall, error) {
	var fn, coll ids.Oid
	var args []query.Expr
	variadic := false
	switch f := e.(type) {
	case *query.FuncExpr:
		if !f.RetSet && !c.onlySet(f.FuncID) {
			return nil, nil
		}
		fn, coll, args, variadic = f.FuncID, f.InputCollid, f.Args, f.Variadic
	case *query.OpExpr:
		if !f.RetSet {
			return nil, nil
		}
		fn, coll, args = f.FuncID, f.InputCollid, f.Args
	default:
		return nil, nil
	}
	p, err := c.ex.env.proc(fn)
	if err != nil {
		return nil, err
	}
	en, err := c.ex.env.entry(p)
	if err != nil {
		return nil, err
	}
	if en.Set == nil {
		return nil, pgerr.NotSupported("function %s is not supported", p.Proname)
	}
	list, err := c.list(args)
	if err != nil {
		return nil, err
	}
	s := &setCall{args: list, strict: p.Proisstrict, fn: en.Set, vals: make([]types.Datum, len(list))}
	s.call.Variadic = variadic
	if err := c.fillCall(&s.call, e.Type(), coll, args); err != nil {
		return nil, err
	}
	// Rows outlive the batch that the arguments came from.
	s.call.Memory = nil
	return s, nil
}

// start begins the function for a row. Byte strings among the arguments are copied: the function reads them while it gives its rows.
func (s *setCall) start(row int) error {
	s.close()
	for i, a := range s.args {
		d, err := a.scalar(row)
		if err != nil {
			return err
		}
		if s.strict && d.IsNull() {
			return nil
		}
		s.vals[i] = d.Clone()
	}
	s.call.Args = s.vals
	src, err := s.fn(&s.call)
	s.src = src
	return err
}

// next gives the function's next row.
func (s *setCall) next(cols []types.Datum) (bool, error) {
	if s.src == nil {
		return false, nil
	}
	ok, err := s.src.Next(cols)
	if !ok || err != nil {
		s.close()
	}
	return ok, err
}

func (s *setCall) close() {
	if s.src != nil {
		s.src.Close()
		s.src = nil
	}
}

// onlySet reports whether a function that gives one row, by its OUT parameters, is there only as one that gives a set.
func (c *compiler) onlySet(fn ids.Oid) bool {
	p, err := c.ex.env.proc(fn)
	if err != nil {
		return false
	}
	en, err := c.ex.env.entry(p)
	return err == nil && en.Set != nil && en.Scalar == nil
}

// funcSource is one function of a FunctionScan.
type funcSource struct {
	set    *setCall
	scalar expr
	cols   []types.Datum
	vals   []types.Datum // columns after a composite value was taken apart
	expand bool          // the value is a composite, its columns are wanted
	done   bool
}

// functionScan calls functions in FROM, side by side.
type functionScan struct {
	nodeBase
	stage
	keys       scope
	funcs      []*funcSource
	ordinality bool
	count      int64
	started    bool
	ended      bool
	batch      *types.Batch
	arena      functions.Memory
	rti        int
	sub        *types.Batch
	subDone    bool
	kinds      []types.Kind
}

func (ex *Exec) makeFunctionScan(p *plan.FunctionScan) (node, error) {
	n := &functionScan{ordinality: p.Ordinality, rti: p.ScanRelID}
	n.keys.ex = ex
	c := &compiler{ex: ex, sc: &n.keys}
	var outs []ids.Oid
	for _, f := range p.Functions {
		src, typs, err := ex.funcSource(c, f)
		if err != nil {
			return nil, err
		}
		n.funcs = append(n.funcs, src)
		outs = append(outs, typs...)
	}
	if p.Ordinality {
		outs = append(outs, int8Oid)
	}
	kinds, err := ex.env.kinds(outs)
	if err != nil {
		return nil, err
	}
	n.kinds = kinds
	n.batch = newBatch(kinds, 0)
	n.setup(ex, &p.Plan, outs)
	return n, n.stage.init(rowsCompiler(ex, &n.sc, p.ScanRelID, outs, nil), p.Qual, p.TargetList)
}

// funcSource compiles one function and tells the types of its columns.
func (ex *Exec) funcSource(c *compiler, f *query.RangeTblFunction) (*funcSource, []ids.Oid, error) {
	s := &funcSource{}
	var err error
	if s.set, err = c.compileSet(f.FuncExpr); err != nil {
		return nil, nil, err
	}
	if s.set == nil {
		if s.scalar, err = c.compile(f.FuncExpr); err != nil {
			return nil, nil, err
		}
	}
	typs := f.ColTypes
	if len(typs) == 0 {
		if typs, err = ex.columnsOf(f.FuncExpr.Type()); err != nil {
			return nil, nil, err
		}
	}
	t, err := ex.env.typ(f.FuncExpr.Type())
	if err != nil {
		return nil, nil, err
	}
	composite := t.Underlying().Typtype == 'c' || t.Oid == recordOid
	s.expand = composite && s.set == nil
	s.cols = make([]types.Datum, len(typs))
	return s, typs, nil
}

// columnsOf returns the column types that a value of a type in FROM has.
func (ex *Exec) columnsOf(typ ids.Oid) ([]ids.Oid, error) {
	t, err := ex.env.typ(typ)
	if err != nil {
		return nil, err
	}
	if t.Underlying().Typtype != 'c' {
		return []ids.Oid{typ}, nil
	}
	var out []ids.Oid
	for _, f := range t.Underlying().Fields {
		out = append(out, f.Type.Oid)
	}
	return out, nil
}

func (s *funcSource) start() error {
	s.done = false
	if s.set != nil {
		return s.set.start(0)
	}
	return nil
}

// next gives the function's next row in cols; false when it has no more: cols are NULL then.
func (s *funcSource) next() (bool, error) {
	ok := false
	var err error
	switch {
	case s.done:
	case s.set != nil:
		ok, err = s.set.next(s.cols)
	default:
		ok = true
		err = s.value()
	}
	if err != nil {
		return false, err
	}
	if !ok || s.set == nil {
		s.done = true
	}
	if !ok {
		for i := range s.cols {
			s.cols[i] = types.Null
		}
	}
	return ok, nil
}

func (s *funcSource) value() error {
	d, err := s.scalar.scalar(0)
	if err != nil {
		return err
	}
	if !s.expand {
		s.cols[0] = d
		return nil
	}
	it := types.IterateRecord(d)
	for i := range s.cols {
		s.cols[i] = types.Null
		if !d.IsNull() {
			if _, v, ok := it.Next(); ok {
				s.cols[i] = v
			}
		}
	}
	return nil
}

func (n *functionScan) next(max int) (*types.Batch, error) {
	if e := n.ex.epq; e != nil {
		if rec, known := e.record(n.rti); known {
			return epqRecord(&n.stage, &n.sub, &n.subDone, rec, n.kinds)
		}
	}
	if !n.started {
		n.started, n.count = true, 0
		n.keys.begin(nil)
		for _, f := range n.funcs {
			if err := f.start(); err != nil {
				return nil, err
			}
		}
	}
	n.defers = true
	for {
		if n.deferred != nil {
			return nil, n.takeDeferred()
		}
		if n.ended {
			return nil, nil
		}
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
		b, err := n.fill(max)
		if err != nil {
			return nil, err
		}
		if b.N == 0 {
			return nil, nil
		}
		out, err := n.run(b)
		if err != nil {
			return nil, err
		}
		if out.Rows() > 0 {
			return out, nil
		}
	}
}

// fill collects rows of the functions.
func (n *functionScan) fill(max int) (*types.Batch, error) {
	resetBatch(n.batch, max)
	n.arena.Reset()
	k := 0
	for ; k < max; k++ {
		any := false
		for _, f := range n.funcs {
			ok, err := f.next()
			if err != nil {
				return nil, err
			}
			any = any || ok
		}
		if !any {
			n.ended = true
			break
		}
		n.count++
		c := 0
		for _, f := range n.funcs {
			for _, d := range f.cols {
				n.batch.Cols[c].Set(k, keepIn(&n.arena, d))
				c++
			}
		}
		if n.ordinality {
			n.batch.Cols[c].Set(k, types.Int(n.count))
		}
	}
	for _, v := range n.batch.Cols {
		v.Len = k
	}
	n.batch.N = k
	return n.batch, nil
}

// keepIn copies the bytes of d into an arena.
func keepIn(m *functions.Memory, d types.Datum) types.Datum {
	if !d.IsBytes() {
		return d
	}
	src := d.Bytes()
	b := m.Alloc(len(src))
	copy(b, src)
	return types.Bytes(b)
}

func (n *functionScan) rescan() error {
	n.rescanInit()
	n.started, n.ended, n.deferred, n.subDone = false, false, nil, false
	n.shut()
	return nil
}

func (n *functionScan) shut() {
	for _, f := range n.funcs {
		if f.set != nil {
			f.set.close()
		}
	}
}

func (n *functionScan) close() {
	n.shut()
	n.started, n.ended = true, true
}

// valuesScan is VALUES with many rows.
type valuesScan struct {
	nodeBase
	stage
	keys    scope
	lists   [][]expr
	at      int
	batch   *types.Batch
	rti     int
	sub     *types.Batch
	subDone bool
	kinds   []types.Kind
}

func (ex *Exec) makeValuesScan(p *plan.ValuesScan) (node, error) {
	n := &valuesScan{rti: p.ScanRelID}
	n.keys.ex = ex
	c := &compiler{ex: ex, sc: &n.keys}
	var outs []ids.Oid
	for i, l := range p.ValuesLists {
		es, err := c.list(l)
		if err != nil {
			return nil, err
		}
		n.lists = append(n.lists, es)
		if i == 0 {
			for _, e := range l {
				outs = append(outs, e.Type())
			}
		}
	}
	kinds, err := ex.env.kinds(outs)
	if err != nil {
		return nil, err
	}
	n.kinds = kinds
	n.batch = newBatch(kinds, 0)
	n.setup(ex, &p.Plan, outs)
	return n, n.stage.init(rowsCompiler(ex, &n.sc, p.ScanRelID, outs, nil), p.Qual, p.TargetList)
}

func (n *valuesScan) next(max int) (*types.Batch, error) {
	if e := n.ex.epq; e != nil {
		if rec, known := e.record(n.rti); known {
			return epqRecord(&n.stage, &n.sub, &n.subDone, rec, n.kinds)
		}
	}
	n.defers = true
	if n.deferred != nil {
		return nil, n.takeDeferred()
	}
	for n.at < len(n.lists) {
		k := min(max, len(n.lists)-n.at)
		resetBatch(n.batch, k)
		n.keys.begin(nil)
		for i := range k {
			for c, e := range n.lists[n.at+i] {
				d, err := e.scalar(0)
				if err != nil {
					return nil, err
				}
				n.batch.Cols[c].Set(i, d)
			}
		}
		n.at += k
		n.batch.N = k
		out, err := n.run(n.batch)
		if err != nil {
			return nil, err
		}
		if out.Rows() > 0 {
			return out, nil
		}
	}
	return nil, nil
}

func (n *valuesScan) rescan() error {
	n.rescanInit()
	n.at, n.deferred, n.subDone = 0, nil, false
	return nil
}

func (n *valuesScan) close() {}

// projectSet evaluates a target list with set-returning functions: a row for each row of the longest set.
type projectSet struct {
	nodeBase
	child node // nil: one row of no columns
	sc    scope
	cols  []setCol
	in    *types.Batch
	at    int // the input row whose sets are being read, as counted by Row
	open  bool
	done  bool
	batch *types.Batch
	arena functions.Memory
}

// setCol is one output column: a set, or an expression that is repeated.
type setCol struct {
	set    *setCall
	e      expr
	val    types.Datum
	record []types.Datum // columns of a set of composite values
	oid    ids.Oid
	types  []ids.Oid
}

func (ex *Exec) makeProjectSet(p *plan.ProjectSet) (node, error) {
	n := &projectSet{}
	n.sc.ex = ex
	c := &compiler{ex: ex, sc: &n.sc}
	if p.Left != nil {
		child, err := ex.build(p.Left)
		if err != nil {
			return nil, err
		}
		n.child = child
		c.column = outerColumn(len(child.types()))
	}
	n.setup(ex, &p.Plan, nil)
	for _, te := range p.TargetList {
		set, err := c.compileSet(te.Expr)
		if err != nil {
			return nil, err
		}
		col := setCol{set: set}
		if set != nil {
			if err := col.prepare(ex, te.Expr); err != nil {
				return nil, err
			}
		} else if col.e, err = c.compile(te.Expr); err != nil {
			return nil, err
		}
		n.cols = append(n.cols, col)
	}
	kinds, err := ex.env.kinds(n.outs)
	if err != nil {
		return nil, err
	}
	n.batch = newBatch(kinds, 0)
	return n, nil
}

func (c *setCol) prepare(ex *Exec, e query.Expr) error {
	typ := e.Type()
	t, err := ex.env.typ(typ)
	if err != nil {
		return err
	}
	if t.Underlying().Typtype == 'c' {
		c.types, err = ex.columnsOf(typ)
		c.oid = typ
		c.record = make([]types.Datum, len(c.types))
		return err
	}
	if typ == recordOid {
		return c.outColumns(ex, e)
	}
	c.record = make([]types.Datum, 1)
	return nil
}

// outColumns takes the columns of a record from the function's OUT parameters.
func (c *setCol) outColumns(ex *Exec, e query.Expr) error {
	f, ok := e.(*query.FuncExpr)
	if !ok {
		return pgerr.NotSupported("set-returning operators of type record are not supported in a target list")
	}
	p, err := ex.env.proc(f.FuncID)
	if err != nil {
		return err
	}
	for i, m := range p.Proargmodes {
		if m == 'o' || m == 'b' || m == 't' {
			c.types = append(c.types, p.Proallargtypes[i])
		}
	}
	if len(c.types) == 0 {
		return pgerr.NotSupported("set-returning functions of type record without OUT parameters are not supported in a target list")
	}
	c.oid = recordOid
	c.record = make([]types.Datum, len(c.types))
	return nil
}

func (c *setCol) next() (types.Datum, bool, error) {
	ok, err := c.set.next(c.record)
	if !ok || err != nil {
		return types.Null, false, err
	}
	if c.oid == 0 {
		return c.record[0], true, nil
	}
	r := types.Record{Type: c.oid, Typmod: -1, Types: c.types, Vals: c.record}
	return r.Encode(), true, nil
}

// advance moves to the next input row; false at the end.
func (n *projectSet) advance(max int) (bool, error) {
	if n.child == nil {
		if n.done {
			return false, nil
		}
		n.done = true
		n.in = &types.Batch{N: 1}
		n.at = 0
	} else {
		n.at++
		if n.in == nil || n.at >= n.in.Rows() {
			b, err := n.child.next(max)
			if b == nil || err != nil {
				n.in = nil
				return false, err
			}
			n.in, n.at = b, 0
		}
	}
	n.sc.begin(n.in)
	row := n.in.Row(n.at)
	for i := range n.cols {
		c := &n.cols[i]
		var err error
		if c.set != nil {
			err = c.set.start(row)
		} else {
			c.val, err = c.e.scalar(row)
		}
		if err != nil {
			return false, err
		}
	}
	n.open = true
	return true, nil
}

func (n *projectSet) next(max int) (*types.Batch, error) {
	resetBatch(n.batch, max)
	n.arena.Reset()
	k := 0
	for k < max {
		if !n.open {
			if k > 0 && n.child != nil && n.at+1 >= n.in.Rows() {
				break // the input's next batch would take away what this one refers to
			}
			ok, err := n.advance(max)
			if err != nil {
				return nil, err
			}
			if !ok {
				break
			}
		}
		got, err := n.row(k)
		if err != nil {
			return nil, err
		}
		if got {
			k++
			continue
		}
		n.open = false
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
	}
	if k == 0 {
		return nil, nil
	}
	for _, v := range n.batch.Cols {
		v.Len = k
	}
	n.batch.N = k
	return n.batch, nil
}

// row puts one row of the sets into row k; false when all of them have ended.
func (n *projectSet) row(k int) (bool, error) {
	any := false
	for i := range n.cols {
		c := &n.cols[i]
		if c.set == nil {
			n.batch.Cols[i].Set(k, keepIn(&n.arena, c.val))
			continue
		}
		d, ok, err := c.next()
		if err != nil {
			return false, err
		}
		any = any || ok
		n.batch.Cols[i].Set(k, keepIn(&n.arena, d))
	}
	return any, nil
}

func (n *projectSet) rescan() error {
	n.rescanInit()
	n.shut()
	if n.child != nil {
		return n.child.rescan()
	}
	return nil
}

func (n *projectSet) shut() {
	for i := range n.cols {
		if s := n.cols[i].set; s != nil {
			s.close()
		}
	}
	n.in, n.open, n.done = nil, false, false
}

func (n *projectSet) close() {
	n.shut()
	n.done = true
	if n.child != nil {
		n.child.close()
	}
}
