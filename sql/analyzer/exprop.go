package analyzer

import (
	"slices"
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

func (p *state) operatorExpr(a *ast.AExpr) query.Expr {
	switch a.Kind {
	case ast.AExprOpAny, ast.AExprOpAll:
		l, r := p.exprNode(a.Lexpr), p.exprNode(a.Rexpr)
		return p.makeArrayOp(a.Name, a.Kind == ast.AExprOpAny, l, r, a.Location)
	case ast.AExprDistinct, ast.AExprNotDistinct:
		return p.distinctExpr(a)
	case ast.AExprNullif:
		return p.nullIf(a)
	case ast.AExprIn:
		return p.inList(a)
	case ast.AExprBetween, ast.AExprNotBetween, ast.AExprBetweenSym, ast.AExprNotBetweenSym:
		return p.between(a)
	}
	return p.plainOp(a)
}

func (p *state) plainOp(a *ast.AExpr) query.Expr {
	lrow, isRow := a.Lexpr.(*ast.RowExpr)
	if isRow {
		if s, ok := a.Rexpr.(*ast.SubLink); ok && s.SubLinkType == ast.ExprSublink {
			c := *s
			c.SubLinkType, c.Testexpr, c.OperName, c.Location = ast.RowcompareSublink, lrow, a.Name, a.Location
			return p.subLink(&c)
		}
		if rrow, ok := a.Rexpr.(*ast.RowExpr); ok {
			l, r := p.exprNode(lrow).(*query.RowExpr), p.exprNode(rrow).(*query.RowExpr)
			return p.rowCompare(a.Name, l.Args, r.Args, a.Location)
		}
	}
	last := p.lastSRF
	var l query.Expr
	if a.Lexpr != nil {
		l = p.exprNode(a.Lexpr)
	}
	return p.makeOp(a.Name, l, p.exprNode(a.Rexpr), last, a.Location)
}

func isNullConst(n ast.Node) bool {
	c, ok := n.(*ast.AConst)
	return ok && c.Isnull
}

func (p *state) distinctExpr(a *ast.AExpr) query.Expr {
	for _, s := range [2][2]ast.Node{{a.Rexpr, a.Lexpr}, {a.Lexpr, a.Rexpr}} {
		if isNullConst(s[0]) {
			// x IS DISTINCT FROM NULL is x IS NOT NULL, for rows too taken as a whole.
			return &query.NullTest{Result: boolResult(), Arg: p.exprNode(s[1]), IsNull: a.Kind == ast.AExprNotDistinct,
				Location: a.Location}
		}
	}
	l, r := p.exprNode(a.Lexpr), p.exprNode(a.Rexpr)
	lrow, ok1 := l.(*query.RowExpr)
	rrow, ok2 := r.(*query.RowExpr)
	var e query.Expr
	if ok1 && ok2 {
		e = p.rowDistinct(a.Name, lrow, rrow, a.Location)
	} else {
		e = p.makeDistinct(a.Name, l, r, a.Location)
	}
	if a.Kind == ast.AExprNotDistinct {
		e = &query.BoolExpr{Result: boolResult(), Op: query.NotExpr, Args: []query.Expr{e}, Location: a.Location}
	}
	return e
}

func (p *state) makeDistinct(name []string, l, r query.Expr, loc int32) query.Expr {
	op, ok := p.makeOp(name, l, r, p.lastSRF, loc).(*query.OpExpr)
	if !ok || op.Type() != boolOid {
		failAt(loc, pgerr.DatatypeMismatch, "%s requires = operator to yield boolean", "IS DISTINCT FROM")
	}
	if op.RetSet {
		failAt(loc, pgerr.DatatypeMismatch, "%s must not return a set", "IS DISTINCT FROM")
	}
	return &query.DistinctExpr{OpExpr: *op}
}

func (p *state) rowDistinct(name []string, l, r *query.RowExpr, loc int32) query.Expr {
	if len(l.Args) != len(r.Args) {
		failAt(loc, pgerr.SyntaxError, "unequal number of entries in row expressions")
	}
	var res query.Expr
	for i := range l.Args {
		e := p.makeDistinct(name, l.Args[i], r.Args[i], loc)
		if res == nil {
			res = e
			continue
		}
		res = &query.BoolExpr{Result: boolResult(), Op: query.OrExpr, Args: []query.Expr{res, e}, Location: loc}
	}
	if res == nil {
		return boolConst(false)
	}
	return res
}

func (p *state) nullIf(a *ast.AExpr) query.Expr {
	l, r := p.exprNode(a.Lexpr), p.exprNode(a.Rexpr)
	op := p.makeOp(a.Name, l, r, p.lastSRF, a.Location).(*query.OpExpr)
	if op.Type() != boolOid {
		failAt(a.Location, pgerr.DatatypeMismatch, "%s requires = operator to yield boolean", "NULLIF")
	}
	if op.RetSet {
		failAt(a.Location, pgerr.DatatypeMismatch, "%s must not return a set", "NULLIF")
	}
	n := &query.NullIfExpr{OpExpr: *op}
	n.Result = result(op.Args[0].Type(), op.Args[0].Typmod(), 0)
	return n
}

func (p *state) inList(a *ast.AExpr) query.Expr {
	useOr := !(len(a.Name) == 1 && a.Name[0] == "<>")
	l := p.exprNode(a.Lexpr)
	items := a.Rexpr.(*ast.List).Items
	var all, vars, rest []query.Expr
	for _, it := range items {
		e := p.exprNode(it)
		all = append(all, e)
		if query.ContainVarsOfLevel(e, 0) {
			vars = append(vars, e)
		} else {
			rest = append(rest, e)
		}
	}
	var res query.Expr
	if len(rest) > 1 {
		if arr := p.inArray(l, rest); arr != nil {
			res = p.makeArrayOp(a.Name, useOr, l, arr, a.Location)
			all = vars
		}
	}
	for _, r := range all {
		var cmp query.Expr
		lrow, ok1 := l.(*query.RowExpr)
		rrow, ok2 := r.(*query.RowExpr)
		if ok1 && ok2 {
			cmp = p.rowCompare(a.Name, slices.Clone(lrow.Args), rrow.Args, a.Location)
		} else {
			cmp = p.makeOp(a.Name, copyShared(l), r, p.lastSRF, a.Location)
		}
		cmp = p.coerceBool(cmp, "IN")
		if res == nil {
			res = cmp
			continue
		}
		op := query.AndExpr
		if useOr {
			op = query.OrExpr
		}
		res = &query.BoolExpr{Result: boolResult(), Op: op, Args: []query.Expr{res, cmp}, Location: a.Location}
	}
	return res
}

// copyShared copies an expression that is put into the tree more than once.
func copyShared(e query.Expr) query.Expr {
	if c, ok := e.(*query.Const); ok {
		d := *c
		return &d
	}
	if v, ok := e.(*query.Var); ok {
		d := *v
		return &d
	}
	return query.Copy(e)
}

// inArray makes the array of an IN list whose items have a common type with the left side; nil when there is none.
func (p *state) inArray(l query.Expr, items []query.Expr) query.Expr {
	all := append([]query.Expr{l}, items...)
	typ := p.commonType(all, "")
	if typ == 0 || !p.verifyCommon(typ, all) || typ == recordOid {
		return nil
	}
	arr := p.arrayType(typ)
	if arr == 0 {
		return nil
	}
	elems := make([]query.Expr, len(items))
	for i, e := range items {
		elems[i] = p.toCommon(e, typ, "IN")
	}
	return &query.ArrayExpr{Result: result(arr, commonTypmod(elems, typ), 0), ElementType: typ, Elements: elems, Location: -1}
}

func (p *state) between(a *ast.AExpr) query.Expr {
	b := a.Rexpr.(*ast.List).Items
	op := func(name string, r ast.Node) ast.Node {
		return &ast.AExpr{Kind: ast.AExprOp, Name: []string{name}, Lexpr: a.Lexpr, Rexpr: r, Location: a.Location}
	}
	bool2 := func(t ast.BoolExprType, x, y ast.Node) ast.Node {
		return &ast.BoolExpr{Boolop: t, Args: []ast.Node{x, y}, Location: a.Location}
	}
	in := func(lo, hi ast.Node) ast.Node { return bool2(ast.AndExpr, op(">=", lo), op("<=", hi)) }
	out := func(lo, hi ast.Node) ast.Node { return bool2(ast.OrExpr, op("<", lo), op(">", hi)) }
	var n ast.Node
	switch a.Kind {
	case ast.AExprBetween:
		n = in(b[0], b[1])
	case ast.AExprNotBetween:
		n = out(b[0], b[1])
	case ast.AExprBetweenSym:
		n = bool2(ast.OrExpr, in(b[0], b[1]), in(b[1], b[0]))
	default:
		n = bool2(ast.AndExpr, out(b[0], b[1]), out(b[1], b[0]))
	}
	return p.exprNode(n)
}

// rowCompare builds (a, b) op (c, d).
func (p *state) rowCompare(name []string, l, r []query.Expr, loc int32) query.Expr {
	if len(l) != len(r) {
		failAt(loc, pgerr.SyntaxError, "unequal number of entries in row expressions")
	}
	if len(l) == 0 {
		failAt(loc, pgerr.FeatureNotSupported, "cannot compare rows of zero length")
	}
	ops := make([]*query.OpExpr, len(l))
	exprs := make([]query.Expr, len(l))
	for i := range l {
		op := p.makeOp(name, l[i], r[i], p.lastSRF, loc).(*query.OpExpr)
		if op.Type() != boolOid {
			failAt(loc, pgerr.DatatypeMismatch, "row comparison operator must yield type boolean, not type %s", p.typeName(op.Type()))
		}
		if op.RetSet {
			failAt(loc, pgerr.DatatypeMismatch, "row comparison operator must not return a set")
		}
		ops[i], exprs[i] = op, op
	}
	if len(ops) == 1 {
		return ops[0]
	}
	strategy := p.rowStrategy(ops, name, loc)
	switch strategy {
	case btEqual:
		return &query.BoolExpr{Result: boolResult(), Op: query.AndExpr, Args: exprs, Location: loc}
	case rowCompareNE:
		return &query.BoolExpr{Result: boolResult(), Op: query.OrExpr, Args: exprs, Location: loc}
	}
	rc := &query.RowCompareExpr{Result: boolResult(), Cmptype: int(strategy)}
	for _, o := range ops {
		rc.Opnos = append(rc.Opnos, o.OpNo)
		rc.FuncIDs = append(rc.FuncIDs, o.FuncID)
		rc.InputCollids = append(rc.InputCollids, 0)
		rc.Largs = append(rc.Largs, o.Args[0])
		rc.Rargs = append(rc.Rargs, o.Args[1])
	}
	return rc
}

// rowStrategy finds the btree meaning that the operators of a row comparison share.
func (p *state) rowStrategy(ops []*query.OpExpr, name []string, loc int32) int16 {
	var common []int16
	for i, o := range ops {
		s := p.btreeStrategies(o.OpNo)
		if i == 0 {
			common = s
			continue
		}
		common = slices.DeleteFunc(common, func(x int16) bool { return !slices.Contains(s, x) })
	}
	if len(common) == 0 {
		fail(pgerr.New(pgerr.FeatureNotSupported, "could not determine interpretation of row comparison operator %s", strings.Join(name, ".")).
			WithHint("Row comparison operators must be associated with btree operator families.").At(int(loc)))
	}
	return slices.Min(common)
}

// btreeStrategies returns the btree strategies of an operator; rowCompareNE for the negator of an equality.
func (a *analysis) btreeStrategies(op ids.Oid) []int16 {
	var out []int16
	for _, m := range must(a.cat.AmOpsOf(op)) {
		if m.Amopmethod == btreeAm {
			out = append(out, m.Amopstrategy)
		}
	}
	if len(out) > 0 {
		return out
	}
	o := must(a.cat.Operator(op))
	if o == nil || o.Oprnegate == 0 {
		return nil
	}
	for _, m := range must(a.cat.AmOpsOf(o.Oprnegate)) {
		if m.Amopmethod == btreeAm && m.Amopstrategy == btEqual {
			return []int16{rowCompareNE}
		}
	}
	return nil
}

// subLink analyzes a subquery in an expression.
func (p *state) subLink(s *ast.SubLink) query.Expr {
	p.checkSubLinkPlace(s.Location)
	p.hasSubLinks = true
	q := p.subQuery(s.Subselect, nil, false, true)
	if q.CommandType != query.CmdSelect {
		fail(pgerr.Internal("unexpected non-SELECT command in SubLink"))
	}
	n := &query.SubLink{SubLinkType: query.SubLinkType(s.SubLinkType), Subselect: q, Location: s.Location}
	n.Result = boolResult()
	switch s.SubLinkType {
	case ast.ExistsSublink:
	case ast.ExprSublink, ast.ArraySublink:
		p.scalarSubLink(n, s)
	case ast.MultiexprSublink:
		n.Result = result(recordOid, -1, 0)
	default:
		p.compareSubLink(n, s)
	}
	return n
}

func visibleTargets(list []*query.TargetEntry) []*query.TargetEntry {
	out := make([]*query.TargetEntry, 0, len(list))
	for _, t := range list {
		if !t.Resjunk {
			out = append(out, t)
		}
	}
	return out
}

func (p *state) scalarSubLink(n *query.SubLink, s *ast.SubLink) {
	cols := visibleTargets(n.Subselect.TargetList)
	if len(cols) != 1 {
		failAt(s.Location, pgerr.SyntaxError, "subquery must return only one column")
	}
	e := cols[0].Expr
	n.Result = result(e.Type(), e.Typmod(), e.Collation())
	if s.SubLinkType != ast.ArraySublink {
		return
	}
	arr := e.Type()
	if p.elementType(arr) == 0 {
		arr = p.arrayType(arr)
	}
	if arr == 0 {
		failAt(s.Location, pgerr.UndefinedObject, "could not find array type for data type %s", p.typeName(e.Type()))
	}
	n.ResType = arr
}

func (p *state) compareSubLink(n *query.SubLink, s *ast.SubLink) {
	n.OperName = s.OperName
	if len(s.OperName) == 0 {
		n.OperName = []string{"="}
	}
	l := p.exprNode(s.Testexpr)
	left := []query.Expr{l}
	if r, ok := l.(*query.RowExpr); ok {
		left = r.Args
	}
	var right []query.Expr
	for _, t := range visibleTargets(n.Subselect.TargetList) {
		right = append(right, &query.Param{Result: result(t.Expr.Type(), t.Expr.Typmod(), t.Expr.Collation()),
			Kind: query.ParamSublink, ID: t.Resno, Location: -1})
	}
	if len(left) < len(right) {
		failAt(s.Location, pgerr.SyntaxError, "subquery has too many columns")
	}
	if len(left) > len(right) {
		failAt(s.Location, pgerr.SyntaxError, "subquery has too few columns")
	}
	n.Testexpr = p.rowCompare(n.OperName, slices.Clone(left), right, s.Location)
	if len(s.OperName) == 0 {
		n.OperName = nil
	}
}

func (p *state) checkSubLinkPlace(loc int32) {
	bad := ""
	switch p.kind {
	case exprCheck, exprDomainCheck:
		bad = "cannot use subquery in check constraint"
	case exprColumnDefault, exprFunctionDefault:
		bad = "cannot use subquery in DEFAULT expression"
	case exprIndexExpression:
		bad = "cannot use subquery in index expression"
	case exprIndexPredicate:
		bad = "cannot use subquery in index predicate"
	case exprStatsExpression:
		bad = "cannot use subquery in statistics expression"
	case exprAlterColTransform:
		bad = "cannot use subquery in transform expression"
	case exprExecuteParameter:
		bad = "cannot use subquery in EXECUTE parameter"
	case exprTriggerWhen:
		bad = "cannot use subquery in trigger WHEN condition"
	case exprPartitionBound:
		bad = "cannot use subquery in partition bound"
	case exprPartitionExpression:
		bad = "cannot use subquery in partition key expression"
	case exprCallArgument:
		bad = "cannot use subquery in CALL argument"
	case exprCopyWhere:
		bad = "cannot use subquery in COPY FROM WHERE condition"
	case exprGeneratedColumn:
		bad = "cannot use subquery in column generation expression"
	}
	if bad != "" {
		failAt(loc, pgerr.FeatureNotSupported, "%s", bad)
	}
}

// indirection analyzes x.field[subscript]...
func (p *state) indirection(n *ast.AIndirection) query.Expr {
	last := p.lastSRF
	e := p.exprNode(n.Arg)
	loc := exprLoc(e)
	var subs []*ast.AIndices
	flush := func() {
		if len(subs) > 0 {
			e = p.subscripts(e, e.Type(), e.Typmod(), subs, nil)
			subs = nil
		}
	}
	for _, step := range n.Indirection {
		switch s := step.(type) {
		case *ast.AIndices:
			subs = append(subs, s)
		case *ast.AStar:
			failAt(loc, pgerr.FeatureNotSupported, "row expansion via \"*\" is not supported here")
		case *ast.String:
			flush()
			r := p.function(&call{name: []string{s.Sval}, args: []query.Expr{e}, lastSRF: last, loc: loc})
			if r == nil {
				p.unknownField(e, s.Sval, loc)
			}
			e = r
		}
	}
	flush()
	return e
}

func (p *state) unknownField(e query.Expr, name string, loc int32) {
	if v, ok := e.(*query.Var); ok && v.Varattno == 0 {
		failAt(loc, pgerr.UndefinedColumn, "column %s.%s does not exist", p.rteOf(v.Varno, v.Varlevelsup).Eref.Name, name)
	}
	t := e.Type()
	switch {
	case p.isComplex(t):
		failAt(loc, pgerr.UndefinedColumn, "column \"%s\" not found in data type %s", name, p.typeName(t))
	case t == recordOid:
		failAt(loc, pgerr.UndefinedColumn, "could not identify column \"%s\" in record data type", name)
	}
	failAt(loc, pgerr.WrongObjectType, "column notation .%s applied to type %s, which is not a composite type", name, p.typeName(t))
}

// maxDim is the largest number of dimensions of an array.
const maxDim = 6

// subscripts makes an element or slice reference. assign, when set, is called with the node to complete an assignment.
func (p *state) subscripts(base query.Expr, typ ids.Oid, typmod int32, subs []*ast.AIndices,
	assign func(*query.SubscriptingRef)) query.Expr {
	cont, contMod := p.baseTypeMod(typ, typmod)
	switch cont {
	case int2vectorOid:
		cont = p.arrayType(int2Oid)
	case oidvectorOid:
		cont = p.arrayType(oidOid)
	}
	t := p.typeRow(cont)
	if t.Typsubscript == jsonbSubscriptFn {
		fail(pgerr.NotSupported("subscripting of type %s is not supported", p.typeName(typ)).At(int(exprLoc(base))))
	}
	if t.Typsubscript != arraySubscriptFn && t.Typsubscript != rawArraySubscriptFn {
		failAt(exprLoc(base), pgerr.DatatypeMismatch, "cannot subscript type %s because it does not support subscripting", p.typeName(typ))
	}
	r := &query.SubscriptingRef{ContainerType: cont, ElemType: t.Typelem, RefExpr: base}
	slice := slices.ContainsFunc(subs, func(s *ast.AIndices) bool { return s.IsSlice })
	for _, s := range subs {
		if slice {
			var lo query.Expr
			switch {
			case s.Lidx != nil:
				lo = p.subscript(s.Lidx)
			case !s.IsSlice:
				lo = makeConst(int4Oid, -1, 0, types.Int(1), -1)
			}
			r.LowerIndexpr = append(r.LowerIndexpr, lo)
		}
		var hi query.Expr
		if s.Uidx != nil {
			hi = p.subscript(s.Uidx)
		}
		r.UpperIndexpr = append(r.UpperIndexpr, hi)
	}
	if len(r.UpperIndexpr) > maxDim {
		fail(pgerr.New(pgerr.ProgramLimitExceeded, "number of array dimensions (%d) exceeds the maximum allowed (%d)", len(r.UpperIndexpr), maxDim))
	}
	if t.Typsubscript == rawArraySubscriptFn && slice {
		failAt(exprLoc(base), pgerr.DatatypeMismatch, "slices of fixed-length arrays not implemented")
	}
	r.Result = result(t.Typelem, contMod, 0)
	if slice {
		r.ResType = cont
	}
	if assign != nil {
		assign(r)
	}
	return r
}

func (p *state) subscript(n ast.Node) query.Expr {
	e := p.exprNode(n)
	r := p.coerceTo(e, e.Type(), int4Oid, -1, assigning, query.CoerceImplicitCast, -1)
	if r == nil {
		failAt(exprLoc(e), pgerr.DatatypeMismatch, "array subscript must have type integer")
	}
	return r
}
