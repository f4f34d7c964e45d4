package analyzer

import (
	"slices"

	"gompho/catalog"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

// fromClause adds the items of a FROM list to the level.
func (p *state) fromClause(items []ast.Node) {
	for _, n := range items {
		j, _, ns := p.fromItem(n)
		checkNameConflicts(p.namespace, ns)
		setLateral(ns, true, true)
		p.joinList = append(p.joinList, j)
		p.namespace = append(p.namespace, ns...)
	}
	setLateral(p.namespace, false, true)
}

// fromItem analyzes one FROM item: its node of the join tree, the item that is the whole of it, and what it makes visible.
func (p *state) fromItem(n ast.Node) (query.JoinNode, *nsItem, []*nsItem) {
	p.enter()
	defer p.leave()
	var it *nsItem
	switch n := n.(type) {
	case *ast.RangeVar:
		it = p.fromTable(n)
	case *ast.RangeSubselect:
		it = p.fromSubselect(n)
	case *ast.RangeFunction:
		it = p.fromFunction(n)
	case *ast.RangeTableSample:
		j, rel, ns := p.fromItem(n.Relation)
		p.tableSample(rel, n)
		return j, rel, ns
	case *ast.JoinExpr:
		return p.fromJoin(n)
	case *ast.RangeTableFunc:
		failAt(n.Location, pgerr.FeatureNotSupported, "unsupported XML feature")
	default:
		fail(pgerr.Internal("unrecognized FROM item: %T", n))
	}
	return &query.RangeTblRef{RTIndex: it.rtindex}, it, []*nsItem{it}
}

func (p *state) fromTable(rv *ast.RangeVar) *nsItem {
	if rv.Schemaname == "" {
		if cte, levels := p.findCTE(rv.Relname); cte != nil {
			return p.addCTE(cte, levels, rv)
		}
	}
	mode := locks.AccessShare
	if p.isLocked(rv) {
		mode = locks.RowShare
	}
	rel := p.openTable(rv, mode)
	return p.addRelation(rel, mode, toAlias(rv.Alias), rv.Inh, true)
}

// isLocked reports whether a FOR UPDATE clause or the like will lock the rows of a FROM item.
func (p *state) isLocked(rv *ast.RangeVar) bool {
	name := rv.Relname
	if rv.Alias != nil {
		name = rv.Alias.Aliasname
	}
	return p.isLockedName(name)
}

func (p *state) isLockedName(name string) bool {
	if p.lockedFromParent {
		return true
	}
	for _, l := range p.locking {
		if l.LockedRels == nil {
			return true
		}
		for _, r := range l.LockedRels {
			if r.Relname == name && name != "" {
				return true
			}
		}
	}
	return false
}

func (p *state) fromSubselect(r *ast.RangeSubselect) *nsItem {
	oldKind, oldLateral := p.kind, p.lateralActive
	p.kind, p.lateralActive = exprFromSubselect, r.Lateral
	name := ""
	if r.Alias != nil {
		name = r.Alias.Aliasname
	}
	q := p.subQuery(r.Subquery, nil, p.isLockedName(name), true)
	p.kind, p.lateralActive = oldKind, oldLateral
	if q.CommandType != query.CmdSelect {
		fail(pgerr.Internal("unexpected non-SELECT command in subquery in FROM"))
	}
	return p.addSubquery(q, toAlias(r.Alias), r.Lateral, true)
}

func (p *state) tableSample(it *nsItem, r *ast.RangeTableSample) {
	if it.rte.Kind != query.RTERelation || it.rte.Relkind != 'r' && it.rte.Relkind != 'm' && it.rte.Relkind != 'p' {
		failAt(rawLoc(r.Relation), pgerr.FeatureNotSupported, "TABLESAMPLE clause can only be applied to tables and materialized views")
	}
	method := r.Method[len(r.Method)-1]
	if method != "bernoulli" && method != "system" {
		failAt(r.Location, pgerr.UndefinedObject, "tablesample method %s does not exist", method)
	}
	if len(r.Args) != 1 {
		failAt(r.Location, pgerr.InvalidTablesampleArgument, "tablesample method %s requires %d argument, not %d", method, 1, len(r.Args))
	}
	t := &query.TableSampleClause{Method: method}
	for _, a := range r.Args {
		e := p.coerceSpecific(p.expr(a, exprFromFunction), float4Oid, -1, "TABLESAMPLE")
		p.assignExprCollations(e)
		t.Args = append(t.Args, e)
	}
	if r.Repeatable != nil {
		t.Repeatable = p.coerceSpecific(p.expr(r.Repeatable, exprFromFunction), float8Oid, -1, "REPEATABLE")
		p.assignExprCollations(t.Repeatable)
	}
	it.rte.TableSample = t
}

// fromJoin analyzes a join of two FROM items.
func (p *state) fromJoin(n *ast.JoinExpr) (query.JoinNode, *nsItem, []*nsItem) {
	j := &query.JoinExpr{JoinType: query.JoinType(n.Jointype), IsNatural: n.IsNatural}
	var left, right *nsItem
	var lns, rns []*nsItem
	j.Larg, left, lns = p.fromItem(n.Larg)
	setLateral(lns, true, n.Jointype == ast.JoinInner || n.Jointype == ast.JoinLeft)
	mark := len(p.namespace)
	p.namespace = append(p.namespace, lns...)
	j.Rarg, right, rns = p.fromItem(n.Rarg)
	p.namespace = p.namespace[:mark:mark]
	checkNameConflicts(lns, rns)
	ns := slices.Concat(lns, rns)
	b := &joinColumns{state: p, j: j, left: left, right: right, rtindex: len(p.rtable) + 1}
	using := n.UsingClause
	if n.IsNatural {
		using = commonNames(left, right)
	}
	if len(using) > 0 {
		j.Using = using
		b.merge(using)
		j.Quals = p.joinUsing(b.lvars, b.rvars)
	} else if n.Quals != nil {
		j.Quals = p.joinOn(n.Quals, ns)
	}
	b.lcols = b.rest(left, b.lused, b.lcols)
	b.rcols = b.rest(right, b.rused, b.rcols)
	it := p.addJoin(b, n, len(using))
	j.RTIndex = it.rtindex
	for len(p.joinExprs) < it.rtindex {
		p.joinExprs = append(p.joinExprs, nil)
	}
	p.joinExprs[it.rtindex-1] = j
	if n.JoinUsingAlias != nil {
		u := &nsItem{names: it.rte.JoinUsing, rte: it.rte, rtindex: it.rtindex, cols: it.cols[:len(using)], relVisible: true,
			lateralOK: true}
		checkNameConflicts([]*nsItem{u}, ns)
		ns = append(ns, u)
	}
	if n.Alias != nil {
		ns = nil
	} else {
		for _, x := range ns {
			x.colsVisible = false
		}
	}
	it.relVisible, it.colsVisible, it.lateralOK = n.Alias != nil, true, true
	return j, it, append(ns, it)
}

// commonNames returns the column names that both sides of a natural join have.
func commonNames(l, r *nsItem) []string {
	var out []string
	for i, name := range l.names.Colnames {
		if i < len(l.cols) && l.cols[i].varno == 0 {
			continue
		}
		for k, o := range r.names.Colnames {
			if o == name && r.cols[k].varno != 0 {
				out = append(out, name)
				break
			}
		}
	}
	return out
}

// joinColumns collects the output columns of a join.
type joinColumns struct {
	*state
	j            *query.JoinExpr
	left, right  *nsItem
	rtindex      int
	names        []string
	vars         []query.Expr
	cols         []nsColumn
	lvars, rvars []query.Expr
	lused, rused map[int]bool
	lcols, rcols []int // column numbers of the sides, in the order of the output
}

// merge makes the merged columns of USING.
func (b *joinColumns) merge(using []string) {
	b.lused, b.rused = map[int]bool{}, map[int]bool{}
	for i, u := range using {
		if slices.Contains(using[:i], u) {
			fail(pgerr.New(pgerr.DuplicateColumn, "column name \"%s\" appears more than once in USING clause", u))
		}
		li, ri := usingColumn(b.left, u, "left"), usingColumn(b.right, u, "right")
		b.lused[li], b.rused[ri] = true, true
		b.lcols, b.rcols = append(b.lcols, li+1), append(b.rcols, ri+1)
		l, r := b.left.cols[li].toVar(0, -1), b.right.cols[ri].toVar(0, -1)
		b.lvars, b.rvars = append(b.lvars, l), append(b.rvars, r)
		b.add(u, b.mergedVar(l, r))
	}
}

func usingColumn(it *nsItem, name, side string) int {
	found := -1
	for i, n := range it.names.Colnames {
		if n != name || it.cols[i].varno == 0 {
			continue
		}
		if found >= 0 {
			fail(pgerr.New(pgerr.AmbiguousColumn, "common column name \"%s\" appears more than once in %s table", name, side))
		}
		found = i
	}
	if found < 0 {
		fail(pgerr.New(pgerr.UndefinedColumn, "column \"%s\" specified in USING clause does not exist in %s table", name, side))
	}
	return found
}

// add adds an output column: a plain variable keeps its identity, anything else becomes a variable of the join itself.
func (b *joinColumns) add(name string, e query.Expr) {
	b.names = append(b.names, name)
	b.vars = append(b.vars, e)
	n := len(b.names)
	c := nsColumn{varno: b.rtindex, varattno: n, typ: e.Type(), typmod: e.Typmod(), coll: e.Collation(), synno: b.rtindex,
		synattno: n}
	if v, ok := e.(*query.Var); ok {
		c.varno, c.varattno, c.synno, c.synattno = v.Varno, v.Varattno, v.Varno, v.Varattno
		if v.Varnosyn != 0 {
			c.synno, c.synattno = int(v.Varnosyn), int(v.Varattnosyn)
		}
	}
	b.cols = append(b.cols, c)
}

// rest adds the columns of a side that were not merged.
func (b *joinColumns) rest(it *nsItem, used map[int]bool, nums []int) []int {
	for i := range it.cols {
		c := &it.cols[i]
		if used[i] || c.varno == 0 {
			continue
		}
		b.names = append(b.names, it.names.Colnames[i])
		b.vars = append(b.vars, c.toVar(0, -1))
		b.cols = append(b.cols, *c)
		nums = append(nums, i+1)
	}
	return nums
}

// mergedVar is the value of a merged column.
func (b *joinColumns) mergedVar(l, r *query.Var) query.Expr {
	pair := []query.Expr{l, r}
	typ := l.Type()
	if typ != r.Type() {
		typ = b.commonType(pair, "JOIN/USING")
	}
	typmod := commonTypmod(pair, typ)
	conv := func(v *query.Var) query.Expr {
		switch {
		case v.Type() != typ:
			return b.coerce(v, v.Type(), typ, typmod, implicitly, query.CoerceImplicitCast, -1)
		case v.Typmod() != typmod:
			return &query.RelabelType{Result: result(typ, typmod, 0), Arg: v, Format: query.CoerceImplicitCast, Location: -1}
		}
		return v
	}
	le, re := conv(l), conv(r)
	var res query.Expr
	switch b.j.JoinType {
	case query.JoinInner:
		res = le
		if _, ok := le.(*query.Var); !ok {
			if _, ok := re.(*query.Var); ok {
				res = re
			}
		}
	case query.JoinLeft:
		res = le
	case query.JoinRight:
		res = re
	default:
		res = &query.CoalesceExpr{Result: result(typ, typmod, 0), Args: []query.Expr{le, re}, Location: -1}
	}
	b.assignExprCollations(res)
	return res
}

// joinUsing makes the condition of USING.
func (p *state) joinUsing(l, r []query.Expr) query.Expr {
	var conds []query.Expr
	old := p.kind
	p.kind = exprJoinUsing
	for i := range l {
		lv, rv := *(l[i].(*query.Var)), *(r[i].(*query.Var))
		p.markSelect(&lv)
		p.markSelect(&rv)
		conds = append(conds, p.makeOp([]string{"="}, &lv, &rv, p.lastSRF, -1))
	}
	p.kind = old
	res := conds[0]
	if len(conds) > 1 {
		res = &query.BoolExpr{Result: boolResult(), Op: query.AndExpr, Args: conds, Location: -1}
	}
	return p.coerceBool(res, "JOIN/USING")
}

func (p *state) joinOn(n ast.Node, ns []*nsItem) query.Expr {
	setLateral(ns, false, true)
	saved := p.namespace
	p.namespace = ns
	e := p.whereClause(n, exprJoinOn, "JOIN/ON")
	p.namespace = saved
	return e
}

func (p *state) addJoin(b *joinColumns, n *ast.JoinExpr, merged int) *nsItem {
	rte := &query.RangeTblEntry{Kind: query.RTEJoin, JoinType: b.j.JoinType, JoinMergedN: merged, JoinAliasVars: b.vars,
		Alias: toAlias(n.Alias), InFrom: true, JoinLeftCols: b.lcols, JoinRightCols: b.rcols}
	rte.Eref = &query.Alias{Name: "unnamed_join", Colnames: b.names}
	if a := n.Alias; a != nil {
		if len(a.Colnames) > len(b.names) {
			fail(pgerr.New(pgerr.InvalidColumnReference, "join expression \"%s\" has %d columns available but %d columns specified",
				a.Aliasname, len(b.names), len(a.Colnames)))
		}
		rte.Eref = &query.Alias{Name: a.Aliasname, Colnames: slices.Clone(b.names)}
		copy(rte.Eref.Colnames, a.Colnames)
		for i := range b.cols {
			b.cols[i].synno, b.cols[i].synattno = b.rtindex, i+1
		}
	}
	if n.JoinUsingAlias != nil {
		rte.JoinUsing = &query.Alias{Name: n.JoinUsingAlias.Aliasname, Colnames: b.names[:merged]}
	}
	return &nsItem{names: rte.Eref, rte: rte, rtindex: p.push(rte), cols: b.cols}
}

// setTarget opens the target of INSERT, UPDATE, DELETE or MERGE. alsoSource puts it into the FROM list.
func (p *state) setTarget(rv *ast.RangeVar, inh, alsoSource bool, perms uint32) int {
	rel := p.openTable(rv, locks.RowExclusive)
	it := p.addRelation(rel, locks.RowExclusive, toAlias(rv.Alias), inh, false)
	it.rte.RequiredPerms = perms
	p.targetRel, p.targetNS = rel, it
	if alsoSource {
		p.joinList = append(p.joinList, &query.RangeTblRef{RTIndex: it.rtindex})
		it.relVisible, it.colsVisible = true, true
		p.namespace = append(p.namespace, it)
	}
	return it.rtindex
}

// descOf returns the columns of a composite value; nil when they are not known or it is not composite.
func (p *state) descOf(e query.Expr) *types.Desc {
	switch n := e.(type) {
	case *query.Var:
		if n.Type() == recordOid {
			return p.recordVarDesc(n, 0)
		}
	case *query.FuncExpr:
		if _, desc, _ := p.funcResult(n); desc != nil {
			return desc
		}
	case *query.RowExpr:
		if n.Type() == recordOid {
			return rowExprDesc(n)
		}
	case *query.Const:
		if n.Type() == recordOid {
			return nil
		}
	}
	t := e.Type()
	if t == recordOid {
		return nil
	}
	if p.relidOfType(t) == 0 {
		return nil
	}
	return p.rowDesc(p.baseType(t))
}

func rowExprDesc(n *query.RowExpr) *types.Desc {
	d := &types.Desc{Attrs: make([]types.Attr, len(n.Args))}
	for i, a := range n.Args {
		d.Attrs[i] = types.Attr{Name: n.Colnames[i], Type: a.Type(), Typmod: a.Typmod(), Collation: a.Collation()}
	}
	return d
}

// recordVarDesc finds the columns of a whole-row or record variable by looking at where it comes from.
func (p *state) recordVarDesc(v *query.Var, levels int) *types.Desc {
	lvl := v.Varlevelsup + levels
	rte := p.rteOf(v.Varno, lvl)
	if v.Varattno == 0 {
		it := &nsItem{}
		for _, x := range p.level(lvl).namespace {
			if x.rtindex == v.Varno && x.names == rte.Eref {
				it = x
			}
		}
		d := &types.Desc{}
		if it.rte == nil {
			return p.rteDesc(rte)
		}
		for i := range it.cols {
			c := &it.cols[i]
			if c.varno == 0 {
				continue
			}
			d.Attrs = append(d.Attrs, types.Attr{Name: it.names.Colnames[i], Type: c.typ, Typmod: c.typmod, Collation: c.coll})
		}
		return d
	}
	switch rte.Kind {
	case query.RTESubquery:
		cols := visibleTargets(rte.Subquery.TargetList)
		sub := newState(p.analysis, p.level(lvl))
		sub.rtable = rte.Subquery.RTable
		return sub.descOf(cols[v.Varattno-1].Expr)
	case query.RTEJoin:
		return p.level(lvl).descOf(rte.JoinAliasVars[v.Varattno-1])
	case query.RTEFunction, query.RTEValues:
		return nil
	case query.RTECTE:
		cte, at := p.level(lvl).findCTE(rte.CTEName)
		if cte != nil && cte.Query != nil {
			list := cte.Query.TargetList
			if cte.Query.CommandType != query.CmdSelect {
				list = cte.Query.ReturningList
			}
			sub := newState(p.analysis, p.level(lvl).level(at))
			sub.rtable = cte.Query.RTable
			return sub.descOf(visibleTargets(list)[v.Varattno-1].Expr)
		}
	}
	return nil
}

// rteDesc describes the columns of an entry that is not in the namespace.
func (p *state) rteDesc(rte *query.RangeTblEntry) *types.Desc {
	d := &types.Desc{}
	add := func(name string, e query.Expr) {
		d.Attrs = append(d.Attrs, types.Attr{Name: name, Type: e.Type(), Typmod: e.Typmod(), Collation: e.Collation()})
	}
	switch rte.Kind {
	case query.RTESubquery:
		for i, t := range visibleTargets(rte.Subquery.TargetList) {
			add(rte.Eref.Colnames[i], t.Expr)
		}
	case query.RTEJoin:
		for i, e := range rte.JoinAliasVars {
			add(rte.Eref.Colnames[i], e)
		}
	case query.RTERelation:
		if rel := must(p.cat.Relation(rte.Relid)); rel != nil {
			return rel.Desc
		}
	default:
		for i, t := range rte.ColTypes {
			d.Attrs = append(d.Attrs, types.Attr{Name: rte.Eref.Colnames[i], Type: t, Typmod: rte.ColTypmods[i], Collation: rte.ColColls[i]})
		}
	}
	return d
}

// relationOf returns the relation of an entry.
func (p *state) relationOf(rte *query.RangeTblEntry) *catalog.Relation {
	return must(p.cat.Relation(rte.Relid))
}
