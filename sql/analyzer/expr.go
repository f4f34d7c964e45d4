package analyzer

import (
	"strconv"
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

// expr analyzes an expression that stands in a place of kind k.
func (p *state) expr(n ast.Node, k exprKind) query.Expr {
	old := p.kind
	p.kind = k
	e := p.exprNode(n)
	p.kind = old
	return e
}

// whereClause analyzes a condition; nil for none.
func (p *state) whereClause(n ast.Node, k exprKind, what string) query.Expr {
	if n == nil {
		return nil
	}
	return p.coerceBool(p.expr(n, k), what)
}

func (p *state) exprNode(n ast.Node) query.Expr {
	if n == nil {
		return nil
	}
	p.enter()
	defer p.leave()
	switch n := n.(type) {
	case *ast.ColumnRef:
		return p.columnRef(n)
	case *ast.ParamRef:
		return p.paramRef(n)
	case *ast.AConst:
		return p.constant(n)
	case *ast.AExpr:
		return p.operatorExpr(n)
	case *ast.BoolExpr:
		return p.boolExpr(n)
	case *ast.FuncCall:
		return p.funcCall(n)
	case *ast.TypeCast:
		return p.typeCast(n)
	case *ast.SubLink:
		return p.subLink(n)
	case *ast.NullTest:
		arg := p.exprNode(n.Arg)
		return &query.NullTest{Result: boolResult(), Arg: arg, IsNull: n.Nulltesttype == ast.IsNull,
			Argisrow: p.isRowType(arg.Type()), Location: n.Location}
	case *ast.CaseExpr:
		return p.caseExpr(n)
	case *ast.CoalesceExpr:
		return p.coalesce(n)
	case *ast.AIndirection:
		return p.indirection(n)
	case *ast.AArrayExpr:
		return p.arrayExpr(n, 0, 0, -1)
	case *ast.RowExpr:
		return p.rowExpr(n, false)
	case *ast.CollateClause:
		return p.collateClause(n)
	case *ast.BooleanTest:
		return p.booleanTest(n)
	case *ast.MinMaxExpr:
		return p.minMax(n)
	case *ast.SQLValueFunction:
		return p.valueFunction(n)
	case *ast.GroupingFunc:
		return p.groupingFunc(n)
	case *ast.NamedArgExpr:
		return p.exprNode(n.Arg)
	case *ast.MultiAssignRef:
		return p.multiAssign(n)
	case *ast.SetToDefault:
		failAt(n.Location, pgerr.SyntaxError, "DEFAULT is not allowed in this context")
	case *ast.CurrentOfExpr:
		return p.currentOf(n)
	case *ast.XmlExpr:
		failAt(n.Location, pgerr.FeatureNotSupported, "unsupported XML feature")
	case *ast.XmlSerialize:
		failAt(n.Location, pgerr.FeatureNotSupported, "unsupported XML feature")
	case *analyzed:
		return n.e
	}
	fail(pgerr.Internal("unrecognized node in an expression: %T", n))
	return nil
}

// analyzed is an expression that is analyzed already, inside a raw tree that the analyzer makes itself.
type analyzed struct {
	ast.Node
	e query.Expr
}

func (p *state) isRowType(t ids.Oid) bool {
	if t == recordOid {
		return true
	}
	switch p.typtype(t) {
	case 'c':
		return true
	case 'd':
		return p.typtype(p.baseType(t)) == 'c'
	}
	return false
}

func (p *state) constant(c *ast.AConst) query.Expr {
	if c.Isnull {
		return makeConst(unknownOid, -1, 0, types.Null, c.Location)
	}
	switch v := c.Val.(type) {
	case *ast.Integer:
		return makeConst(int4Oid, -1, 0, types.Int(int64(v.Ival)), c.Location)
	case *ast.Float:
		if n, err := strconv.ParseInt(v.Fval, 10, 64); err == nil {
			if int64(int32(n)) == n {
				return makeConst(int4Oid, -1, 0, types.Int(n), c.Location)
			}
			return makeConst(int8Oid, -1, 0, types.Int(n), c.Location)
		}
		d, err := p.s.InputLiteral(numericOid, -1, v.Fval)
		if err != nil {
			fail(positioned(c.Location, err))
		}
		return makeConst(numericOid, -1, 0, d, c.Location)
	case *ast.Boolean:
		return makeConst(boolOid, -1, 0, types.Bool(v.Boolval), c.Location)
	case *ast.String:
		return makeConst(unknownOid, -1, 0, types.String(v.Sval), c.Location)
	case *ast.BitString:
		d, err := p.s.InputLiteral(bitOid, -1, v.Bsval)
		if err != nil {
			fail(positioned(c.Location, err))
		}
		return makeConst(bitOid, -1, 0, d, c.Location)
	}
	fail(pgerr.Internal("unrecognized constant: %T", c.Val))
	return nil
}

func (p *state) columnRef(c *ast.ColumnRef) query.Expr {
	switch p.kind {
	case exprColumnDefault:
		failAt(c.Location, pgerr.FeatureNotSupported, "cannot use column reference in DEFAULT expression")
	case exprPartitionBound:
		failAt(c.Location, pgerr.FeatureNotSupported, "cannot use column reference in partition bound expression")
	}
	if p.columnHook != nil {
		if e := p.columnHook(p, c); e != nil {
			return e
		}
	}
	if len(c.Fields) == 1 {
		name := c.Fields[0].(*ast.String).Sval
		if e := p.column(name, false, c.Location); e != nil {
			return e
		}
		if it, level := p.refnameItem("", name, c.Location); it != nil {
			return p.wholeRow(it, level, c.Location)
		}
		p.missingColumn("", name, c.Location)
	}
	schema, table, last := p.splitColumnRef(c)
	it, level := p.refnameItem(schema, table, c.Location)
	if it == nil {
		p.missingRelation(schema, table, c.Location)
	}
	if _, star := last.(*ast.AStar); star {
		return p.wholeRow(it, level, c.Location)
	}
	col := last.(*ast.String).Sval
	if e := p.itemColumn(it, level, col, c.Location); e != nil {
		return e
	}
	row := p.wholeRow(it, level, c.Location)
	if e := p.function(&call{name: []string{col}, args: []query.Expr{row}, lastSRF: p.lastSRF, loc: c.Location}); e != nil {
		return e
	}
	p.missingColumn(table, col, c.Location)
	return nil
}

// splitColumnRef takes a reference of two or more parts apart.
func (p *state) splitColumnRef(c *ast.ColumnRef) (schema, table string, last ast.Node) {
	n := len(c.Fields)
	names := make([]string, n-1)
	for i := range names {
		names[i] = c.Fields[i].(*ast.String).Sval
	}
	last = c.Fields[n-1]
	switch n {
	case 2:
		return "", names[0], last
	case 3:
		return names[0], names[1], last
	case 4:
		if db := must(p.cat.DatabaseRow(p.cat.Database())); db != nil && db.Datname != names[0] {
			failAt(c.Location, pgerr.FeatureNotSupported, "cross-database references are not implemented: %s", refString(c))
		}
		return names[1], names[2], last
	}
	failAt(c.Location, pgerr.SyntaxError, "improper qualified name (too many dotted names): %s", refString(c))
	return
}

func refString(c *ast.ColumnRef) string {
	parts := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		parts[i] = "*"
		if s, ok := f.(*ast.String); ok {
			parts[i] = s.Sval
		}
	}
	return strings.Join(parts, ".")
}

// wholeRow makes the reference to all columns of an item as one value.
func (p *state) wholeRow(it *nsItem, level int, loc int32) query.Expr {
	if it.names != it.rte.Eref {
		vars, names := expandItem(it, level, loc)
		for _, v := range vars {
			p.markSelect(v.(*query.Var))
		}
		return &query.RowExpr{Result: result(recordOid, -1, 0), Args: vars, Colnames: names,
			Format: query.CoerceImplicitCast, Location: loc}
	}
	v := &query.Var{Result: result(recordOid, -1, 0), Varno: it.rtindex, Varlevelsup: level, Location: loc}
	rte := it.rte
	switch {
	case rte.Kind == query.RTERelation, rte.Kind == query.RTESubquery && rte.Relid != 0:
		rel := must(p.cat.Relation(rte.Relid))
		if rel.RowType == 0 {
			fail(pgerr.New(pgerr.WrongObjectType, "relation \"%s\" does not have a composite type", rel.Name))
		}
		v.ResType = rel.RowType
	case rte.Kind == query.RTEFunction && len(rte.Functions) == 1 && !rte.Ordinality:
		e := rte.Functions[0].FuncExpr
		if t := e.Type(); t != recordOid && p.isComplex(t) {
			v.ResType = t
		} else if !rte.Functions[0].ReturnsRows {
			v.Varattno = 1
			v.Result = result(t, e.Typmod(), e.Collation())
		}
	}
	p.markSelect(v)
	return v
}

func (p *state) paramRef(r *ast.ParamRef) query.Expr {
	ps := p.params
	if ps == nil || r.Number <= 0 || r.Number > 65535 || ps.Fixed && int(r.Number) > len(ps.Types) ||
		ps.Fixed && ps.Types[r.Number-1] == 0 {
		failAt(r.Location, pgerr.UndefinedParameter, "there is no parameter $%d", r.Number)
	}
	for len(ps.Types) < int(r.Number) {
		ps.Types = append(ps.Types, 0)
	}
	t := &ps.Types[r.Number-1]
	if *t == 0 {
		*t = unknownOid
	}
	return &query.Param{Result: result(*t, -1, p.typeCollation(*t)), Kind: query.ParamExtern, ID: int(r.Number),
		Location: r.Location}
}

// coerceParam settles the type of a parameter that has none yet; nil when it has one.
func (p *state) coerceParam(prm *query.Param, to ids.Oid, typmod int32, loc int32) query.Expr {
	ps := p.params
	if ps == nil || ps.Fixed || prm.Kind != query.ParamExtern || prm.Type() != unknownOid {
		return nil
	}
	t := &ps.Types[prm.ID-1]
	switch {
	case *t == unknownOid:
		*t = to
	case *t != to:
		fail(pgerr.New(pgerr.AmbiguousParameter, "inconsistent types deduced for parameter $%d", prm.ID).
			WithDetail("%s versus %s", p.typeName(*t), p.typeName(to)).At(int(prm.Location)))
	}
	prm.Result = result(*t, -1, p.typeCollation(*t))
	if loc >= 0 && (prm.Location < 0 || loc < prm.Location) {
		prm.Location = loc
	}
	return prm
}

func (p *state) boolExpr(b *ast.BoolExpr) query.Expr {
	r := &query.BoolExpr{Result: boolResult(), Op: query.BoolOp(b.Boolop), Location: b.Location}
	name := b.Boolop.String()
	for _, a := range b.Args {
		r.Args = append(r.Args, p.coerceBool(p.exprNode(a), name))
	}
	return r
}

func (p *state) funcCall(f *ast.FuncCall) query.Expr {
	c := &call{name: f.Funcname, fn: f, lastSRF: p.lastSRF, loc: f.Location}
	c.args = make([]query.Expr, 0, len(f.Args))
	for _, a := range f.Args {
		if na, ok := a.(*ast.NamedArgExpr); ok {
			for _, n := range c.argNames {
				if n == na.Name {
					failAt(na.Location, pgerr.SyntaxError, "argument name \"%s\" used more than once", na.Name)
				}
			}
			c.argNames = append(c.argNames, na.Name)
		} else if len(c.argNames) > 0 {
			failAt(rawLoc(a), pgerr.SyntaxError, "positional argument cannot follow named argument")
		}
		c.args = append(c.args, p.exprNode(a))
	}
	if f.AggWithinGroup {
		for _, o := range f.AggOrder {
			e := p.expr(o.Node, exprOrderBy)
			c.within = append(c.within, e)
			c.args = append(c.args, e)
		}
	}
	c.filter = p.whereClause(f.AggFilter, exprFilter, "FILTER")
	return p.function(c)
}

func (p *state) typeCast(c *ast.TypeCast) query.Expr {
	t, typmod := p.typenameType(c.TypeName)
	var e query.Expr
	if arr, ok := c.Arg.(*ast.AArrayExpr); ok {
		base, baseMod := p.baseTypeMod(t.Oid, typmod)
		if el := p.elementType(base); el != 0 {
			e = p.arrayExpr(arr, base, el, baseMod)
		}
	}
	if e == nil {
		e = p.exprNode(c.Arg)
	}
	loc := c.Location
	if loc < 0 {
		loc = c.TypeName.Location
	}
	r := p.coerceTo(e, e.Type(), t.Oid, typmod, explicitly, query.CoerceExplicitCast, loc)
	if r == nil {
		if loc < 0 {
			loc = exprLoc(e)
		}
		failAt(loc, pgerr.CannotCoerce, "cannot cast type %s to %s", p.typeName(e.Type()), p.typeName(t.Oid))
	}
	return r
}

func (p *state) collateClause(c *ast.CollateClause) query.Expr {
	arg := p.exprNode(c.Arg)
	t := arg.Type()
	if t != unknownOid && !p.collatable(t) {
		failAt(c.Location, pgerr.DatatypeMismatch, "collations are not supported by type %s", p.typeName(t))
	}
	coll := p.lookupCollation(c.Collname, c.Location)
	return &query.CollateExpr{Result: result(t, arg.Typmod(), coll), Arg: arg, Location: c.Location}
}

func (p *state) caseExpr(c *ast.CaseExpr) query.Expr {
	r := &query.CaseExpr{Location: c.Location}
	last := p.lastSRF
	var placeholder *query.CaseTestExpr
	if c.Arg != nil {
		arg := p.exprNode(c.Arg)
		if arg.Type() == unknownOid {
			arg = p.toCommon(arg, textOid, "CASE")
		}
		p.assignExprCollations(arg)
		placeholder = &query.CaseTestExpr{Result: result(arg.Type(), arg.Typmod(), arg.Collation())}
		r.Arg = arg
	}
	for _, w := range c.Args {
		var cond query.Expr
		if placeholder != nil {
			cond = p.makeOp([]string{"="}, placeholder, p.exprNode(w.Expr), p.lastSRF, w.Location)
		} else {
			cond = p.exprNode(w.Expr)
		}
		cond = p.coerceBool(cond, "CASE/WHEN")
		r.Whens = append(r.Whens, &query.CaseWhen{Expr: cond, Result: p.exprNode(w.Result)})
	}
	if c.Defresult != nil {
		r.Defresult = p.exprNode(c.Defresult)
	} else {
		r.Defresult = makeConst(unknownOid, -1, 0, types.Null, -1)
	}
	all := []query.Expr{r.Defresult}
	for _, w := range r.Whens {
		all = append(all, w.Result)
	}
	typ := p.commonType(all, "CASE")
	r.Defresult = p.toCommon(r.Defresult, typ, "CASE/ELSE")
	all[0] = r.Defresult
	for i, w := range r.Whens {
		w.Result = p.toCommon(w.Result, typ, "CASE/WHEN")
		all[i+1] = w.Result
	}
	p.noSRFInside(last, "CASE")
	r.Result = result(typ, commonTypmod(all, typ), 0)
	return r
}

// noSRFInside refuses set-returning functions seen since last.
func (p *state) noSRFInside(last query.Expr, what string) {
	if p.lastSRF != last {
		fail(pgerr.New(pgerr.FeatureNotSupported, "set-returning functions are not allowed in %s", what).
			WithHint("You might be able to move the set-returning function into a LATERAL FROM item.").
			At(int(exprLoc(p.lastSRF))))
	}
}

func (p *state) exprs(list []ast.Node) []query.Expr {
	out := make([]query.Expr, len(list))
	for i, n := range list {
		out[i] = p.exprNode(n)
	}
	return out
}

// commonExprs brings expressions to their common type.
func (p *state) commonExprs(list []query.Expr, what string) ids.Oid {
	typ := p.commonType(list, what)
	for i, e := range list {
		list[i] = p.toCommon(e, typ, what)
	}
	return typ
}

func (p *state) coalesce(c *ast.CoalesceExpr) query.Expr {
	last := p.lastSRF
	args := p.exprs(c.Args)
	typ := p.commonExprs(args, "COALESCE")
	p.noSRFInside(last, "COALESCE")
	return &query.CoalesceExpr{Result: result(typ, commonTypmod(args, typ), 0), Args: args, Location: c.Location}
}

func (p *state) minMax(m *ast.MinMaxExpr) query.Expr {
	name := "GREATEST"
	if m.Op == ast.IsLeast {
		name = "LEAST"
	}
	args := p.exprs(m.Args)
	typ := p.commonExprs(args, name)
	return &query.MinMaxExpr{Result: result(typ, commonTypmod(args, typ), 0), Least: m.Op == ast.IsLeast, Args: args,
		Location: m.Location}
}

func (p *state) booleanTest(b *ast.BooleanTest) query.Expr {
	names := [...]string{"IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT UNKNOWN"}
	arg := p.coerceBool(p.exprNode(b.Arg), names[b.Booltesttype])
	return &query.BooleanTest{Result: boolResult(), Arg: arg, Test: query.BoolTestType(b.Booltesttype), Location: b.Location}
}

func (p *state) valueFunction(f *ast.SQLValueFunction) query.Expr {
	types := [...]ids.Oid{dateOid, timetzOid, timetzOid, timestamptzOid, timestamptzOid, timeOid, timeOid, timestampOid,
		timestampOid, nameOid, nameOid, nameOid, nameOid, nameOid, nameOid}
	typ := types[f.Op]
	r := &query.SQLValueFunction{Result: result(typ, -1, p.typeCollation(typ)), Op: query.SQLValueFunctionOp(f.Op),
		Location: f.Location}
	switch f.Op {
	case ast.SvfopCurrentTimeN, ast.SvfopLocaltimeN, ast.SvfopCurrentTimestampN, ast.SvfopLocaltimestampN:
		name, zone := "TIME", ""
		if f.Op == ast.SvfopCurrentTimestampN || f.Op == ast.SvfopLocaltimestampN {
			name = "TIMESTAMP"
		}
		if f.Op == ast.SvfopCurrentTimeN || f.Op == ast.SvfopCurrentTimestampN {
			zone = " WITH TIME ZONE"
		}
		r.ResTypmod = must(p.precision(name, zone, []int32{f.Typmod}))
	}
	return r
}

func (p *state) currentOf(c *ast.CurrentOfExpr) query.Expr {
	if p.targetNS == nil {
		fail(pgerr.Internal("WHERE CURRENT OF outside UPDATE or DELETE"))
	}
	return &query.CurrentOfExpr{Result: boolResult(), Varno: p.targetNS.rtindex, CursorName: c.CursorName}
}

// rowExpr analyzes ROW(...); withDefaults lets DEFAULT stand in it, for multi-column assignments.
func (p *state) rowExpr(r *ast.RowExpr, withDefaults bool) query.Expr {
	args := p.exprList(r.Args, p.kind, withDefaults)
	if len(args) > maxTargets {
		failAt(r.Location, pgerr.TooManyColumns, "ROW expressions can have at most %d entries", maxTargets)
	}
	n := &query.RowExpr{Result: result(recordOid, -1, 0), Args: args, Location: r.Location}
	if r.RowFormat == ast.CoerceImplicitCast {
		n.Format = query.CoerceImplicitCast
	}
	for i := range args {
		n.Colnames = append(n.Colnames, "f"+strconv.Itoa(i+1))
	}
	return n
}

// arrayExpr analyzes ARRAY[...]; arr is the type that the whole is cast to, 0 when it must be deduced.
func (p *state) arrayExpr(a *ast.AArrayExpr, arr, el ids.Oid, typmod int32) query.Expr {
	p.enter()
	defer p.leave()
	n := &query.ArrayExpr{Location: a.Location}
	for _, x := range a.Elements {
		var e query.Expr
		if sub, ok := x.(*ast.AArrayExpr); ok {
			e = p.arrayExpr(sub, arr, el, typmod)
			n.Multidims = true
		} else {
			e = p.exprNode(x)
			if !n.Multidims && p.elementType(e.Type()) != 0 {
				n.Multidims = true
			}
		}
		n.Elements = append(n.Elements, e)
	}
	hard := arr != 0
	target := el
	if hard {
		if n.Multidims {
			target = arr
		}
	} else {
		if len(n.Elements) == 0 {
			fail(pgerr.New(pgerr.IndeterminateDatatype, "cannot determine type of empty array").
				WithHint("Explicitly cast to the desired type, for example ARRAY[]::integer[].").At(int(a.Location)))
		}
		target = p.commonType(n.Elements, "ARRAY")
		if n.Multidims {
			if arr, el = target, p.elementType(target); el == 0 {
				failAt(a.Location, pgerr.UndefinedObject, "could not find element type for data type %s", p.typeName(arr))
			}
		} else if arr, el = p.arrayType(target), target; arr == 0 {
			failAt(a.Location, pgerr.UndefinedObject, "could not find array type for data type %s", p.typeName(el))
		}
	}
	for i, e := range n.Elements {
		if !hard {
			n.Elements[i] = p.toCommon(e, target, "ARRAY")
			continue
		}
		r := p.coerceTo(e, e.Type(), target, typmod, explicitly, query.CoerceExplicitCast, -1)
		if r == nil {
			failAt(exprLoc(e), pgerr.CannotCoerce, "cannot cast type %s to %s", p.typeName(e.Type()), p.typeName(target))
		}
		n.Elements[i] = r
	}
	n.ElementType = el
	n.Result = result(arr, arrayTypmod(n, target), 0)
	return n
}

// arrayTypmod is the modifier that all elements share.
func arrayTypmod(n *query.ArrayExpr, typ ids.Oid) int32 {
	if len(n.Elements) == 0 {
		return -1
	}
	return commonTypmod(n.Elements, typ)
}
