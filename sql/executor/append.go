package executor

import (
	"gompho/internal/ids"
	"gompho/sql/partition"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// appendNode concatenates its children. Those that pruning leaves out are not even built.
type appendNode struct {
	nodeBase
	stage
	p        *plan.Append
	children []node
	at       int
	prune    *pruning
}

func (ex *Exec) makeAppend(p *plan.Append) (node, error) {
	n := &appendNode{p: p, children: make([]node, len(p.Children))}
	var err error
	if n.prune, err = ex.newPruning(p, p.Prune, len(p.Children)); err != nil {
		return nil, err
	}
	var ins []ids.Oid
	for i := range p.Children {
		if n.prune != nil && !n.prune.first.Has(i) && (i > 0 || n.prune.first.Count() > 0) {
			continue
		}
		if n.children[i], err = ex.build(p.Children[i]); err != nil {
			return nil, err
		}
		if ins == nil {
			ins = n.children[i].types()
		}
	}
	n.setup(ex, &p.Plan, ins)
	c := &compiler{ex: ex, sc: &n.sc, column: outerColumn(len(ins))}
	return n, n.stage.init(c, p.Qual, directTargets(p.TargetList, len(ins)))
}

func (n *appendNode) next(max int) (*types.Batch, error) {
	if n.prune != nil {
		if err := n.prune.look(); err != nil {
			return nil, err
		}
	}
	for ; n.at < len(n.children); n.at++ {
		if n.prune != nil && !n.prune.now.Has(n.at) {
			continue
		}
		if n.children[n.at] == nil {
			c, err := n.ex.build(n.p.Children[n.at])
			if err != nil {
				return nil, err
			}
			n.children[n.at] = c
		}
		b, err := n.over(n.children[n.at], max)
		if b != nil || err != nil {
			return b, err
		}
	}
	return nil, nil
}

func (n *appendNode) rescan() error {
	n.rescanInit()
	n.at, n.deferred = 0, nil
	if n.prune != nil {
		n.prune.looked = false
	}
	return rescanAll(n.children)
}

// rescanAll starts nodes again; those that were never built are nil.
func rescanAll(children []node) error {
	for _, c := range children {
		if c == nil {
			continue
		}
		if err := c.rescan(); err != nil {
			return err
		}
	}
	return nil
}

func (n *appendNode) close() { closeAll(n.children) }

func closeAll(children []node) {
	for _, c := range children {
		if c != nil {
			c.close()
		}
	}
}

// pruning leaves children of an Append out by the values of parameters.
type pruning struct {
	ex     *Exec
	p      *plan.Pruning
	n      int
	sc     scope
	exprs  [][]expr
	vals   [][]partition.Value
	elems  [][]*types.Type
	extern [][]bool // known when the execution starts
	first  partition.Set
	now    partition.Set
	looked bool
}

// newPruning looks at what is known when the execution starts; nil when p is.
func (ex *Exec) newPruning(of plan.Node, p *plan.Pruning, n int) (*pruning, error) {
	if p == nil || ex.epq != nil && len(ex.params) == 0 {
		return nil, nil
	}
	r := &pruning{ex: ex, p: p, n: n}
	r.sc.ex = ex
	for i := range p.Levels {
		l := &p.Levels[i]
		vals, elems, extern := make([]partition.Value, len(l.Values)), make([]*types.Type, len(l.Values)), make([]bool, len(l.Values))
		lists := listValues(l.Cond, map[int]bool{})
		var exprs []expr
		for k, v := range l.Values {
			extern[k] = r.atStart(v)
			if lists[k] {
				at, err := ex.env.typ(v.Type())
				if err != nil {
					return nil, err
				}
				elems[k] = at.ElemType
			}
			var e expr
			if extern[k] || !ex.opts.ExplainOnly && !usesMissing(v, len(ex.params)) {
				var err error
				if e, err = (&compiler{ex: ex, sc: &r.sc}).compile(v); err != nil {
					return nil, err
				}
			}
			exprs = append(exprs, e)
		}
		r.exprs, r.vals, r.elems, r.extern = append(r.exprs, exprs), append(r.vals, vals), append(r.elems, elems), append(r.extern, extern)
	}
	var err error
	if r.first, err = r.left(true); err != nil {
		return nil, err
	}
	if ex.kept == nil {
		ex.kept = map[plan.Node]partition.Set{}
	}
	ex.kept[of] = r.first
	r.now = r.first
	return r, nil
}

// listValues finds the values that are lists.
func listValues(c *partition.Cond, into map[int]bool) map[int]bool {
	for _, a := range c.Args {
		listValues(a, into)
	}
	if c.Kind == partition.Compare && c.List {
		into[c.Value] = true
	}
	return into
}

// atStart reports whether an expression has a value when the execution starts.
func (r *pruning) atStart(e query.Expr) bool {
	known := !usesMissing(e, len(r.ex.params))
	query.WalkExpr(e, func(x query.Node) bool {
		if p, ok := x.(*query.Param); ok && p.Kind == query.ParamExec {
			known = false
		}
		return known
	})
	return known
}

// usesMissing reports whether an expression has parameters without values.
func usesMissing(e query.Expr, n int) bool {
	missing := false
	query.WalkExpr(e, func(x query.Node) bool {
		if p, ok := x.(*query.Param); ok && p.Kind == query.ParamExtern && p.ID > n {
			missing = true
		}
		return !missing
	})
	return missing
}

// look decides which children are to be read now.
func (r *pruning) look() error {
	if r.looked {
		return nil
	}
	r.looked = true
	var err error
	r.now, err = r.left(false)
	return err
}

func (r *pruning) left(start bool) (partition.Set, error) {
	out := partition.NewSet(r.n, true)
	r.sc.begin(nil)
	for i := range r.p.Levels {
		l := &r.p.Levels[i]
		for k, e := range r.exprs[i] {
			v := &r.vals[i][k]
			*v = partition.Value{}
			if e == nil || start && !r.extern[i][k] {
				continue
			}
			d, err := e.scalar(0)
			if err != nil {
				return nil, err
			}
			v.Known, v.D = true, d
			if t := r.elems[i][k]; t != nil && !d.IsNull() {
				v.List, v.Elems = true, types.DecodeArray(d, t).Elems
			}
		}
		keep := l.Desc.Prune(l.Key, l.Cond, r.vals[i])
		for c, part := range l.Part {
			if part >= 0 && !keep.Has(part) {
				out.Remove(c)
			}
		}
	}
	return out, nil
}

// Pruned returns an Exec in which the children of Appends that the values of parameters exclude are known, for Explain; nil when the plan
// has none such.
func Pruned(env *Env, st *plan.Statement, params []types.Datum) (*Exec, error) {
	var x *Exec
	var err error
	look := func(p plan.Node, pr *plan.Pruning, n int) {
		if pr == nil || err != nil {
			return
		}
		if x == nil {
			x = &Exec{env: env, st: st, opts: Opts{ExplainOnly: true}}
			if err = x.alloc(params, nil); err != nil {
				return
			}
		}
		_, err = x.newPruning(p, pr, n)
	}
	var walk func(p plan.Node)
	walk = func(p plan.Node) {
		switch p := p.(type) {
		case *plan.Append:
			look(p, p.Prune, len(p.Children))
		case *plan.MergeAppend:
			look(p, p.Prune, len(p.Children))
		}
		planChildren(p, walk)
	}
	walk(st.Root)
	for _, d := range st.SubPlans {
		if d != nil {
			walk(d.Root)
		}
	}
	return x, err
}
