package planner

import (
	"math"
	"slices"

	"gompho/sql/partition"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// appendChildren offers the paths that read all children: one after the other, in an order, and with values of other relations.
func (r *root) appendChildren(b *rel) error {
	for _, c := range b.children {
		r.rels[b.rti] = c.rel
		err := r.basePaths(c.rel)
		r.rels[b.rti] = b
		if err != nil {
			return err
		}
		c.rel.setCheapest()
	}
	if len(b.children) == 0 {
		b.rows = 1
		b.addPath(&path{kind: pathResult, rows: 1, quals: []query.Expr{boolConst(false)}})
		return nil
	}
	r.offerAppend(b, nil, func(c *rel) *path { return c.cheapest })
	if len(b.children) > 1 {
		r.offerAppend(b, nil, func(c *rel) *path { return c.cheapestStart })
	}
	r.orderedAppends(b)
	r.paramAppends(b)
	return nil
}

// offerAppend offers the children's paths that pick chooses, one after the other; nothing when one has none.
func (r *root) offerAppend(b *rel, keys []*pathkey, pick func(c *rel) *path) {
	p := &path{kind: pathInherit, keys: keys}
	for i, c := range b.children {
		k := pick(c.rel)
		if k == nil {
			return
		}
		p.children = append(p.children, k)
		if i == 0 {
			p.startup, p.reqOuter = k.startup, k.reqOuter
		}
		p.total, p.rows = p.total+k.total, p.rows+k.rows
	}
	p.rows = clampRows(p.rows)
	if len(p.children) > 1 {
		p.total += r.g.facts.costs().CPUTuple * 0.5 * p.rows
	} else {
		p.keys = p.children[0].keys
	}
	b.addPath(p)
}

// orderedAppends offers the orders that children come in: by reading partitions in the order of their bounds, or by merging.
func (r *root) orderedAppends(b *rel) {
	if len(b.children) < 2 {
		for _, p := range b.children[0].rel.paths {
			if len(p.keys) > 0 && p.reqOuter.empty() {
				r.offerAppend(b, p.keys, func(*rel) *path { return p })
			}
		}
		return
	}
	var done [][]*pathkey
	for _, c := range b.children {
		for _, p := range c.rel.paths {
			if len(p.keys) == 0 || !p.reqOuter.empty() || slices.ContainsFunc(done, func(k []*pathkey) bool { return compareKeys(k, p.keys) == keysEqual }) ||
				!r.keysInTarget(b, p.keys) {
				continue
			}
			done = append(done, p.keys)
			r.orderedAppend(b, p.keys, func(x, y *path) bool { return x.total < y.total })
			r.orderedAppend(b, p.keys, func(x, y *path) bool { return x.startup < y.startup })
		}
	}
}

// keysInTarget reports whether the children's columns hold what an order goes by.
func (r *root) keysInTarget(b *rel, keys []*pathkey) bool {
	for _, k := range keys {
		if !slices.ContainsFunc(k.ec.final().members, func(m *ecMember) bool { return m.rels == b.relids && findExpr(b.target, m.expr) >= 0 }) {
			return false
		}
	}
	return true
}

func (r *root) orderedAppend(b *rel, keys []*pathkey, better func(x, y *path) bool) {
	pick := func(c *rel) *path {
		var best *path
		for _, p := range c.paths {
			if p.reqOuter.empty() && contained(keys, p.keys) && (best == nil || better(p, best)) {
				best = p
			}
		}
		if s := r.sortPath(c.cheapest, keys, -1); best == nil || better(s, best) {
			return s
		}
		return best
	}
	switch r.boundOrder(b, keys) {
	case 1:
		r.offerAppend(b, keys, pick)
		return
	case -1:
		slices.Reverse(b.children)
		r.offerAppend(b, keys, pick)
		slices.Reverse(b.children)
		return
	}
	c := r.g.facts.costs()
	p := &path{kind: pathInherit, merge: true, keys: keys}
	for _, ch := range b.children {
		k := pick(ch.rel)
		p.children = append(p.children, k)
		p.startup, p.total, p.rows = p.startup+k.startup, p.total+k.total, p.rows+k.rows
	}
	n := float64(len(p.children))
	p.startup += 2 * c.CPUOperator * n * math.Log2(n)
	p.total += 2*c.CPUOperator*(n+p.rows)*math.Log2(n) + 0.5*c.CPUTuple*p.rows
	b.addPath(p)
}

// boundOrder tells whether partitions in the order of their bounds are in the order of keys: 1, or backwards -1; 0: neither.
func (r *root) boundOrder(b *rel, keys []*pathkey) int {
	k := b.table.key
	if k == nil || k.Strategy != partition.Range {
		return 0
	}
	last := b.table.parts.Bounds.Default
	for _, c := range b.children {
		if !slices.Contains(b.table.parts.Oids, c.rel.table.oid) || last >= 0 && b.table.parts.Oids[last] == c.rel.table.oid {
			return 0
		}
	}
	dir := 0
	for i := range min(k.Cols(), len(keys)) {
		if k.Atts[i] == 0 {
			return 0
		}
		v := r.columnVar(b, int(k.Atts[i]))
		if keys[i].family != k.OpFamilies[i] || v.ResCollation != k.Collations[i] || !slices.ContainsFunc(keys[i].ec.final().members, func(m *ecMember) bool {
			return exprEqual(stripRelabel(m.expr), v)
		}) {
			return 0
		}
		d := 1
		if keys[i].desc {
			d = -1
		}
		if dir != 0 && d != dir {
			return 0
		}
		dir = d
	}
	return dir
}

// paramAppends offers the children's paths that take values of the same other relations.
func (r *root) paramAppends(b *rel) {
	var done []relset
	for _, p := range b.children[0].rel.paramCheapest {
		req := p.reqOuter
		if req.empty() || slices.Contains(done, req) {
			continue
		}
		done = append(done, req)
		r.offerAppend(b, nil, func(c *rel) *path {
			var best *path
			for _, p := range c.paths {
				if p.reqOuter == req && (best == nil || p.total < best.total) {
					best = p
				}
			}
			return best
		})
	}
}

// enforcedByAll lists the join conditions that every child of an Append ensures.
func (jc *joinCase) enforcedByAll(p *path) []*rinfo {
	var out []*rinfo
	for i, c := range p.children {
		var mine []*rinfo
		for _, ri := range jc.enforced(c) {
			if ri.origin != nil {
				mine = append(mine, ri.origin)
			}
		}
		if i == 0 {
			out = mine
			continue
		}
		out = slices.DeleteFunc(out, func(a *rinfo) bool {
			return !slices.ContainsFunc(mine, func(m *rinfo) bool { return m == a || exprEqual(m.clause, a.clause) })
		})
	}
	return out
}

// inherit builds the scans of the children under an Append. They compute tl; nil: the columns needed above.
func (b *builder) inherit(p *path, tl []*query.TargetEntry) built {
	parent := p.rel
	cols := columnsOf(tl)
	if tl == nil {
		for i, e := range parent.target {
			tl = append(tl, &query.TargetEntry{Expr: e, Resno: i + 1})
		}
		cols = columnsOfExprs(parent.target)
	}
	var nodes []plan.Node
	for _, c := range p.children {
		x := b.childScan(c, tl, cols)
		if b.err != nil {
			return x
		}
		nodes = append(nodes, x.node)
	}
	if len(nodes) == 1 {
		return built{nodes[0], cols}
	}
	prune := b.pruning(p)
	if !p.merge {
		n := &plan.Append{Children: nodes, Rel: parent.rti + b.offset, Prune: prune}
		fill(n, p)
		return built{n, cols}
	}
	n := &plan.MergeAppend{Children: nodes, Rel: parent.rti + b.offset, Prune: prune}
	n.Keys, _ = b.sortKeys(p.keys, built{n, cols})
	fill(n, p)
	return built{n, cols}
}

// childScan builds the path of one child.
func (b *builder) childScan(p *path, tl []*query.TargetEntry, cols []column) built {
	if p.kind == pathSort || p.kind == pathIncSort {
		x := b.childScan(p.outer, tl, cols)
		if b.err != nil {
			return x
		}
		return b.sortOver(p, built{x.node, cols})
	}
	as := p.rel.as
	if as.flat == 0 {
		b.r.g.flat = append(b.r.g.flat, p.rel.rte)
		as.flat = len(b.r.g.flat)
	}
	own := make([]*query.TargetEntry, len(tl))
	for i, te := range tl {
		c := *te
		c.Expr = as.translate(te.Expr, as.of)
		own[i] = &c
	}
	saved := b.child
	b.child = as
	defer func() { b.child = saved }()
	if p.kind == pathResult {
		return b.resultPath(p, own)
	}
	return b.exactly(b.scan(p, own), own)
}

// pushesDown reports whether the children of an Append can compute a target list themselves: those of a partitioned table compute
// anything, others pass columns on.
func (p *path) pushesDown(tl []*query.TargetEntry) bool {
	if p.merge || len(tl) == 0 || slices.ContainsFunc(p.children, func(c *path) bool { return c.kind == pathSort || c.kind == pathIncSort }) {
		return false
	}
	return len(p.children) == 1 || p.rel.table.kind == 'p' || !slices.ContainsFunc(tl, func(te *query.TargetEntry) bool {
		_, ok := te.Expr.(*query.Var)
		return !ok
	})
}
