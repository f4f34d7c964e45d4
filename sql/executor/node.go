package executor

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// node is the run state of a plan node.
//
// Rules: next returns at least one row and at most max, or nil at the end; the batch and its byte strings are valid until the next
// call of a method of the node. After nil it stays at the end until rescan. rescan may come at any time, also before the
// first next and after close; it is cheap when nothing was read. close lets go of pages, files and memory.
type node interface {
	next(max int) (*types.Batch, error)
	rescan() error
	close()
	// types are the types of the output columns.
	types() []ids.Oid
}

// nodeBase is what most nodes have.
type nodeBase struct {
	ex   *Exec
	plan *plan.Plan
	outs []ids.Oid
	init []*initPlan
}

func (b *nodeBase) types() []ids.Oid { return b.outs }

// setup prepares the common part. ins are the types of the input columns, for nodes without a target list.
func (b *nodeBase) setup(ex *Exec, p *plan.Plan, ins []ids.Oid) {
	b.ex, b.plan = ex, p
	b.outs = ins
	if p.TargetList != nil {
		b.outs = outTypes(p.TargetList)
	}
}

// rescanInit makes init plans whose parameters have changed run again.
func (b *nodeBase) rescanInit() {
	for _, ip := range b.init {
		ip.refresh()
	}
}

// oneChild is a node over one input.
type oneChild struct {
	nodeBase
	stage
	child node
}

// setupChild builds the child and compiles condition and target list over its columns.
func (n *oneChild) setupChild(ex *Exec, p *plan.Plan) error {
	child, err := ex.build(p.Left)
	if err != nil {
		return err
	}
	n.child = child
	n.setup(ex, p, child.types())
	return n.stage.init(n.overChild(), p.Qual, p.TargetList)
}

// overChild makes a compiler for expressions over the child's columns.
func (n *oneChild) overChild() *compiler {
	n.sc.ex = n.ex
	return &compiler{ex: n.ex, sc: &n.sc, column: outerColumn(len(n.child.types()))}
}

// outerColumn resolves references to the outer child's n columns.
func outerColumn(n int) func(v *query.Var) (int, error) {
	return func(v *query.Var) (int, error) {
		if v.Varno != query.OuterVar || v.Varattno < 1 || v.Varattno > n {
			return 0, badVar(v)
		}
		return v.Varattno - 1, nil
	}
}

func badVar(v *query.Var) error {
	return pgerr.Internal("variable %d.%d not found in the input of its plan node", v.Varno, v.Varattno)
}

func (n *oneChild) rescan() error {
	n.deferred = nil
	n.rescanInit()
	return n.child.rescan()
}

func (n *oneChild) close() { n.child.close() }

// kinds returns where values of types live in memory.
func (e *Env) kinds(typs []ids.Oid) ([]types.Kind, error) {
	out := make([]types.Kind, len(typs))
	for i, t := range typs {
		k, err := e.kind(t)
		if err != nil {
			return nil, err
		}
		out[i] = k
	}
	return out, nil
}

// newBatch makes a batch of columns of these kinds.
func newBatch(kinds []types.Kind, capacity int) *types.Batch {
	b := &types.Batch{Cols: make([]*types.Vector, len(kinds))}
	vecs := make([]types.Vector, len(kinds))
	for i, k := range kinds {
		vecs[i].Kind = k
		if capacity > 0 {
			vecs[i].Grow(capacity)
		}
		b.Cols[i] = &vecs[i]
	}
	return b
}

// resetBatch empties b and makes room for n rows.
func resetBatch(b *types.Batch, n int) {
	for _, v := range b.Cols {
		v.Reset()
		v.Grow(n)
		v.Len = n
	}
	b.N, b.Sel = 0, nil
}

// build makes the run state of a plan tree.
func (ex *Exec) build(p plan.Node) (node, error) {
	if p == nil {
		return nil, pgerr.Internal("missing plan node")
	}
	var inits []*initPlan
	for _, id := range p.Base().InitPlans {
		ip, err := ex.addInitPlan(id)
		if err != nil {
			return nil, err
		}
		inits = append(inits, ip)
	}
	n, err := ex.make(p)
	if err != nil {
		return nil, err
	}
	if h, ok := n.(interface{ setInit([]*initPlan) }); ok && len(inits) > 0 {
		h.setInit(inits)
	}
	if ex.opts.Instrument {
		return ex.instrument(p, n), nil
	}
	return n, nil
}

func (b *nodeBase) setInit(l []*initPlan) { b.init = l }

// make builds one node, and through it its children.
func (ex *Exec) make(p plan.Node) (node, error) {
	switch p := p.(type) {
	case *plan.Result:
		return ex.makeResult(p)
	case *plan.ProjectSet:
		return ex.makeProjectSet(p)
	case *plan.SeqScan:
		return ex.makeSeqScan(p)
	case *plan.IndexScan:
		return ex.makeIndexScan(p)
	case *plan.IndexOnlyScan:
		return ex.makeIndexOnlyScan(p)
	case *plan.BitmapHeapScan:
		return ex.makeBitmapHeapScan(p)
	case *plan.TidScan:
		return ex.makeTidScan(p)
	case *plan.TidRangeScan:
		return ex.makeTidRangeScan(p)
	case *plan.SubqueryScan:
		return ex.makeSubqueryScan(p)
	case *plan.FunctionScan:
		return ex.makeFunctionScan(p)
	case *plan.ValuesScan:
		return ex.makeValuesScan(p)
	case *plan.CteScan:
		return ex.makeCteScan(p)
	case *plan.WorkTableScan:
		return ex.makeWorkTableScan(p)
	case *plan.RecursiveUnion:
		return ex.makeRecursiveUnion(p)
	case *plan.NestLoop:
		return ex.makeNestLoop(p)
	case *plan.MergeJoin:
		return ex.makeMergeJoin(p)
	case *plan.HashJoin:
		return ex.makeHashJoin(p)
	case *plan.Material:
		return ex.makeMaterial(p)
	case *plan.Memoize:
		return ex.makeMemoize(p)
	case *plan.Sort:
		return ex.makeSort(p)
	case *plan.IncrementalSort:
		return ex.makeIncrementalSort(p)
	case *plan.Group:
		return ex.makeGroup(p)
	case *plan.Agg:
		return ex.makeAgg(p)
	case *plan.WindowAgg:
		return ex.makeWindowAgg(p)
	case *plan.Unique:
		return ex.makeUnique(p)
	case *plan.SetOp:
		return ex.makeSetOp(p)
	case *plan.Append:
		return ex.makeAppend(p)
	case *plan.MergeAppend:
		return ex.makeMergeAppend(p)
	case *plan.LockRows:
		return ex.makeLockRows(p)
	case *plan.Limit:
		return ex.makeLimit(p)
	case *plan.Gather:
		return ex.makeGather(p)
	case *plan.ModifyTable:
		return ex.makeModifyTable(p)
	case *plan.SampleScan:
		return nil, pgerr.NotSupported("TABLESAMPLE is not supported")
	}
	return nil, pgerr.Internal("unrecognized plan node %T", p)
}
