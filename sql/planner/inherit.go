package planner

import (
	"math"
	"slices"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

// child is a table whose rows a scan of its parent reads: a partition, or a table that inherits. Its relation stands under the parent's
// range-table index, with the child's column numbers; the builder gives it an entry of its own.
type child struct {
	rel  *rel
	cols []int // for each column of the parent, from 1, the child's; 0: dropped
	flat int   // its place in the flat range table, from 1; 0 until it is built
	at   []place
	of   *rel // the parent
	same bool // the parent's column numbers are the child's
}

// place is where a partition stands below a table that is pruned when the plan runs.
type place struct {
	level *pruneLevel
	part  int
}

type childTable struct {
	oid ids.Oid
	at  []place
}

// below adds a partition of level to the places that are known.
func below(above []place, level *pruneLevel, part int) []place {
	if level == nil {
		return above
	}
	return append(above[:len(above):len(above)], place{level, part})
}

// expand finds the children of a base relation whose rows it includes. It reports false when the relation stands for itself alone.
func (r *root) expand(b *rel) (bool, error) {
	switch {
	case !b.rte.Inh && b.table.kind == 'p':
		b.isParent = true // and has no rows itself
		return true, nil
	case !b.rte.Inh || b.table.kind != 'p' && !b.table.hasSubclass:
		return false, nil
	}
	tables, err := r.childTables(b)
	if err != nil {
		return false, err
	}
	if b.table.kind != 'p' && len(tables) < 2 {
		return false, nil
	}
	b.isParent = true
	for _, t := range tables {
		c, err := r.newChild(b, t.oid)
		if err != nil {
			return false, err
		}
		c.at = t.at
		b.children = append(b.children, c)
	}
	return true, nil
}

// childTables lists the tables with rows of a relation. Partitions that the conditions exclude are left out, and not
// locked.
func (r *root) childTables(b *rel) ([]childTable, error) {
	if b.table.kind != 'p' {
		oids, err := r.g.facts.inheritors(b.table.oid, b.rte.Rellockmode)
		var out []childTable
		for _, o := range oids {
			out = append(out, childTable{oid: o})
		}
		return out, err
	}
	var out []childTable
	var walk func(oid ids.Oid, toParent []int, above []place) error
	walk = func(oid ids.Oid, cols []int, above []place) error {
		t, err := r.g.facts.table(oid)
		if err != nil {
			return err
		}
		keep, level := r.prune(b, t, cols)
		for i, o := range t.parts.Oids {
			if !keep.Has(i) {
				continue
			}
			if err := r.g.facts.lock(o, b.rte.Rellockmode); err != nil {
				return err
			}
			if t.parts.Leaf[i] {
				out = append(out, childTable{o, below(above, level, i)})
				continue
			}
			sub, err := r.g.facts.table(o)
			if err != nil {
				return err
			}
			r.g.relids[o] = true
			if err := walk(o, columnNumbers(b.table.desc, sub.desc), below(above, level, i)); err != nil {
				return err
			}
		}
		return nil
	}
	return out, walk(b.table.oid, columnNumbers(b.table.desc, b.table.desc), nil)
}

// columnNumbers gives for each column of from the number of the column of to with the same name; 0: none.
func columnNumbers(from, to *types.Desc) []int {
	byName := map[string]int{}
	for i := range to.Attrs {
		if !to.Attrs[i].Dropped {
			byName[to.Attrs[i].Name] = i + 1
		}
	}
	out := make([]int, len(from.Attrs)+1)
	for i := range from.Attrs {
		if !from.Attrs[i].Dropped {
			out[i+1] = byName[from.Attrs[i].Name]
		}
	}
	return out
}

func (r *root) newChild(b *rel, oid ids.Oid) (*child, error) {
	rte := *b.rte
	rte.Relid = oid
	if err := r.g.lockIndexes(&rte); err != nil {
		return nil, err
	}
	t, err := r.g.facts.table(oid)
	if err != nil {
		return nil, err
	}
	r.g.relids[oid] = true
	rte.Relkind, rte.Inh, rte.RequiredPerms = t.kind, false, 0
	rte.Eref = &query.Alias{Name: b.rte.Eref.Name}
	rte.Alias = rte.Eref
	for i := range t.desc.Attrs {
		rte.Eref.Colnames = append(rte.Eref.Colnames, t.desc.Attrs[i].Name)
	}
	c := &child{cols: columnNumbers(b.table.desc, t.desc), of: b, same: true}
	if err := sameColumns(b.table.desc, t, c.cols); err != nil {
		return nil, err
	}
	for i, n := range c.cols {
		c.same = c.same && (n == i || n == 0)
	}
	c.rel = &rel{relids: b.relids, rti: b.rti, rte: &rte, table: t, tuples: t.tuples, pages: t.pages, allVis: t.allVisPct, as: c,
		joins: b.joins, hasECs: b.hasECs}
	for _, e := range b.target {
		c.rel.target = append(c.rel.target, c.translate(e, b))
	}
	for _, ri := range b.restrict {
		c.rel.restrict = append(c.rel.restrict, c.info(r, ri, b))
	}
	return c, nil
}

// sameColumns checks that a child still has its parent's columns. The list of children was read before they were locked: whoever had them locked
// may have taken one out of the tree and altered it.
func sameColumns(parent *types.Desc, t *tableInfo, cols []int) error {
	for i := range parent.Attrs {
		a := &parent.Attrs[i]
		if a.Dropped {
			continue
		}
		n := cols[i+1]
		if n == 0 {
			return pgerr.Internal("could not find inherited attribute \"%s\" of relation \"%s\"", a.Name, t.name)
		}
		switch own := &t.desc.Attrs[n-1]; {
		case own.Type != a.Type || own.Typmod != a.Typmod:
			return pgerr.Internal("attribute \"%s\" of relation \"%s\" does not match parent's type", a.Name, t.name)
		case own.Collation != a.Collation:
			return pgerr.Internal("attribute \"%s\" of relation \"%s\" does not match parent's collation", a.Name, t.name)
		}
	}
	return nil
}

// info translates a condition on the parent.
func (c *child) info(r *root, ri *rinfo, b *rel) *rinfo {
	n := *ri
	n.clause, n.selDone, n.origin = c.translate(ri.clause, b), false, ri
	if ri.left != nil {
		n.left, n.right = c.translate(ri.left, b), c.translate(ri.right, b)
	}
	n.orParts = nil
	for _, arm := range ri.orParts {
		var part []*rinfo
		for _, p := range arm {
			part = append(part, c.info(r, p, b))
		}
		n.orParts = append(n.orParts, part)
	}
	return &n
}

// translate renumbers the columns of the parent in an expression to the child's.
func (c *child) translate(e query.Expr, b *rel) query.Expr {
	if e == nil {
		return nil
	}
	return mutateExpr(e, func(x query.Expr) query.Expr {
		v, ok := x.(*query.Var)
		if !ok || v.Varno != b.rti || v.Varlevelsup != 0 || v.Varattno < 0 {
			return nil
		}
		if v.Varattno == 0 {
			if c.rel.table.oid == b.table.oid {
				return v
			}
			return c.wholeRow(v, b)
		}
		n := *v
		n.Varattno = c.cols[v.Varattno]
		return &n
	})
}

// up renumbers the columns of the child in an expression to the parent's; nil when the parent does not have them all.
func (c *child) up(e query.Expr) query.Expr {
	if e == nil || c.same {
		return e
	}
	ok := true
	e = mutateExpr(e, func(x query.Expr) query.Expr {
		v, isVar := x.(*query.Var)
		if !isVar || v.Varno != c.rel.rti || v.Varlevelsup != 0 || v.Varattno < 0 {
			return nil
		}
		n := *v
		n.Varattno = max(0, slices.Index(c.cols[1:], v.Varattno)+1)
		ok = ok && n.Varattno > 0
		return &n
	})
	if !ok {
		return nil
	}
	return e
}

// wholeRow makes a row of the parent's type of a child's.
func (c *child) wholeRow(v *query.Var, b *rel) query.Expr {
	row := &query.RowExpr{Result: v.Result, Format: query.CoerceImplicitCast, Location: -1}
	for i := range b.table.desc.Attrs {
		a := &b.table.desc.Attrs[i]
		res := query.Result{ResType: a.Type, ResTypmod: a.Typmod, ResCollation: a.Collation}
		if a.Dropped {
			continue // rows in memory do not have them
		}
		row.Args = append(row.Args, &query.Var{Result: res, Varno: b.rti, Varattno: c.cols[i+1], Location: -1})
	}
	return row
}

// sizeChildren estimates a parent by its children.
func (r *root) sizeChildren(b *rel) {
	b.tuples, b.pages, b.rows = 0, 0, 0
	width := 0.0
	for _, c := range b.children {
		r.rels[b.rti] = c.rel
		c.rel.rows = clampRows(c.rel.tuples * r.listSelectivity(c.rel.restrict, c.rel.relids, query.JoinInner, nil))
		r.setWidth(c.rel)
		b.tuples, b.pages, b.rows = b.tuples+c.rel.tuples, b.pages+c.rel.pages, b.rows+c.rel.rows
		width += c.rel.rows * float64(c.rel.width)
	}
	r.rels[b.rti] = b
	if b.width = 0; b.rows > 0 {
		b.width = int(math.Round(width / b.rows))
	}
	b.rows = clampRows(b.rows)
}

func columnsOfExprs(list []query.Expr) []column {
	cols := make([]column, len(list))
	for i, e := range list {
		cols[i] = column{expr: e}
	}
	return cols
}

// relIndex is the place of a relation in the flat range table.
func (b *builder) relIndex(r *rel) int {
	if r.as != nil {
		return r.as.flat
	}
	return r.rti + b.offset
}

// flatIndex is the place of an entry of the level in the flat range table, or of the child that is being built in its stead.
func (b *builder) flatIndex(rti int) int {
	if b.child != nil && rti == b.child.rel.rti {
		return b.child.flat
	}
	return rti + b.offset
}

// childIndexes are the places of the children of a range-table entry that were built; nil when it stands for itself alone.
func (b *builder) childIndexes(rti int) []int {
	if rti >= len(b.r.rels) || b.r.rels[rti] == nil || !b.r.rels[rti].isParent {
		return nil
	}
	out := []int{}
	for _, c := range b.r.rels[rti].children {
		if c.flat > 0 {
			out = append(out, c.flat)
		}
	}
	return out
}

// sameHash reports whether an equality operator is the one that a hash key goes by.
func (r *root) sameHash(t *tableInfo, i int, op ids.Oid) bool {
	info := r.g.facts.op(op)
	return info != nil && info.left == info.right && (info.left == t.key.InTypes[i] || info.left == t.key.Types[i])
}

// sameOrder reports whether constants of a type compare with a key's values as they are in memory.
func sameOrder(typ, key, in ids.Oid) bool {
	word := func(o ids.Oid) bool { return o == types.Int2Oid || o == types.Int4Oid || o == types.Int8Oid }
	text := func(o ids.Oid) bool { return o == types.TextOid || o == types.VarcharOid }
	return typ == key || typ == in || word(typ) && word(key) || text(typ) && text(key)
}

func (r *root) isKeyColumn(b *rel, t *tableInfo, cols []int, i int, arg query.Expr) bool {
	if att := t.key.Atts[i]; att != 0 {
		v, ok := stripRelabel(arg).(*query.Var)
		return ok && v.Varno == b.rti && v.Varlevelsup == 0 && v.Varattno > 0 && v.Varattno < len(cols) && cols[v.Varattno] == int(att)
	}
	n := 0
	for _, a := range t.key.Atts[:i] {
		if a == 0 {
			n++
		}
	}
	want := mutateExpr(t.key.Exprs[n], func(x query.Expr) query.Expr {
		v, ok := x.(*query.Var)
		if !ok || v.Varattno <= 0 {
			return nil
		}
		c := *v
		c.Varno = b.rti
		for p, at := range cols {
			if at == v.Varattno {
				c.Varattno = p
			}
		}
		return &c
	})
	return exprEqual(want, arg)
}
