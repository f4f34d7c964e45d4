package analyzer

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

// coercion says how a value is being converted: each context allows what the ones before it allow.
type coercion uint8

const (
	implicitly  coercion = iota // in expressions
	assigning                   // to a column
	plAssigning                 // to a PL/pgSQL variable
	explicitly                  // by a cast
)

// pathway is the way from one type to another.
type pathway uint8

const (
	pathNone pathway = iota
	pathFunc
	pathRelabel
	pathArray
	pathIO
)

// coerceTo converts an expression to a type and modifier; nil when there is no way in that context.
func (p *state) coerceTo(e query.Expr, from, to ids.Oid, typmod int32, ctx coercion, form query.CoercionForm,
	loc int32) query.Expr {
	if !p.canCoerce(from, to, ctx) {
		return nil
	}
	inner := e
	for {
		c, ok := inner.(*query.CollateExpr)
		if !ok {
			break
		}
		inner = c.Arg
	}
	r := p.coerce(inner, from, to, typmod, ctx, form, loc)
	_, isConst := r.(*query.Const)
	r = p.coerceTypmod(r, to, typmod, ctx, form, loc, r != inner && !isConst)
	if inner != e && p.collatable(to) {
		c := e.(*query.CollateExpr)
		r = &query.CollateExpr{Result: result(r.Type(), r.Typmod(), c.Collation()), Arg: r, Location: c.Location}
	}
	return r
}

// coerce converts an expression to a type, not minding the modifier except where a literal's input needs it. The caller
// has asked canCoerce.
func (p *state) coerce(e query.Expr, from, to ids.Oid, typmod int32, ctx coercion, form query.CoercionForm,
	loc int32) query.Expr {
	if e == nil || from == to {
		return e
	}
	switch to {
	case anyOid, anyelementOid, anynonarrayOid, anycompatibleOid, anycompatnonarrOid:
		return e
	case anyarrayOid, anyenumOid, anyrangeOid, anymultirangeOid, anycompatarrayOid, anycompatrangeOid, anycompatmultiOid:
		if from != unknownOid {
			if base := p.baseType(from); base != from {
				return &query.RelabelType{Result: result(base, -1, 0), Arg: e, Format: form, Location: loc}
			}
			return e
		}
	}
	if from == unknownOid {
		if c, ok := e.(*query.Const); ok {
			return p.coerceLiteral(c, to, typmod, ctx, form, loc)
		}
	}
	if prm, ok := e.(*query.Param); ok {
		if r := p.coerceParam(prm, to, typmod, loc); r != nil {
			return r
		}
	}
	if c, ok := e.(*query.CollateExpr); ok {
		r := p.coerce(c.Arg, from, to, typmod, ctx, form, loc)
		if p.collatable(to) {
			r = &query.CollateExpr{Result: result(r.Type(), r.Typmod(), c.Collation()), Arg: r, Location: c.Location}
		}
		return r
	}
	path, fn := p.findPathway(to, from, ctx)
	switch path {
	case pathNone:
		return p.coerceComposite(e, from, to, ctx, form, loc)
	case pathRelabel:
		r := p.toDomain(e, 0, -1, to, ctx, form, loc, false)
		if r == e {
			r = &query.RelabelType{Result: result(to, -1, 0), Arg: e, Format: form, Location: loc}
		}
		return r
	}
	base, baseMod := p.baseTypeMod(to, typmod)
	r := p.applyPathway(e, path, fn, base, baseMod, ctx, form, loc)
	if base != to {
		r = p.toDomain(r, base, baseMod, to, ctx, form, loc, true)
	}
	return r
}

// coerceLiteral turns a literal of unknown type into a constant.
func (p *state) coerceLiteral(c *query.Const, to ids.Oid, typmod int32, ctx coercion, form query.CoercionForm,
	loc int32) query.Expr {
	base, baseMod := p.baseTypeMod(to, typmod)
	inputMod := int32(-1)
	if base == intervalOid {
		inputMod = baseMod
	}
	n := &query.Const{Result: result(base, inputMod, p.typeCollation(base)), Value: types.Null, Location: c.Location}
	if !c.Value.IsNull() {
		v, err := p.s.InputLiteral(base, inputMod, c.Value.Str())
		if err != nil {
			fail(positioned(c.Location, err))
		}
		n.Value = v
	} else {
		p.checkNullInput(base, c.Location)
	}
	if base != to {
		return p.toDomain(n, base, baseMod, to, ctx, form, loc, false)
	}
	return n
}

// checkNullInput refuses NULL for the pseudo-types whose input functions refuse everything.
func (p *state) checkNullInput(typ ids.Oid, loc int32) {
	t := p.typeRow(typ)
	if t.Typtype != 'p' {
		return
	}
	if f := must(p.cat.Proc(t.Typinput)); f != nil && !f.Proisstrict {
		failAt(loc, pgerr.FeatureNotSupported, "cannot accept a value of type %s", p.typeName(typ))
	}
}

// coerceComposite covers the conversions between composite types and records.
func (p *state) coerceComposite(e query.Expr, from, to ids.Oid, ctx coercion, form query.CoercionForm,
	loc int32) query.Expr {
	switch {
	case from == recordOid && p.isComplex(to):
		return p.recordToComposite(e, to, ctx, form, loc)
	case to == recordOid && p.isComplex(from), to == recordArrayOid && p.isComplexArray(from):
		return e
	case p.inheritsFrom(from, to):
		base := p.baseType(from)
		if base != from {
			e = &query.RelabelType{Result: result(base, -1, 0), Arg: e, Format: query.CoerceImplicitCast, Location: loc}
		}
		return &query.ConvertRowtypeExpr{Result: result(to, -1, 0), Arg: e, Format: form, Location: loc}
	}
	fail(pgerr.Internal("failed to find conversion function from %s to %s", p.typeName(from), p.typeName(to)))
	return nil
}

func (a *analysis) isComplexArray(t ids.Oid) bool {
	el := a.elementType(t)
	return el != 0 && a.isComplex(el)
}

// inheritsFrom reports whether the row type from belongs to a table that inherits from to's.
func (a *analysis) inheritsFrom(from, to ids.Oid) bool {
	super := a.relidOfType(to)
	sub := a.relidOfType(from)
	if super == 0 || sub == 0 {
		return false
	}
	seen := map[ids.Oid]bool{}
	queue := []ids.Oid{sub}
	for len(queue) > 0 {
		r := queue[0]
		queue = queue[1:]
		if r == super {
			return true
		}
		if seen[r] {
			continue
		}
		seen[r] = true
		for _, i := range must(a.cat.Parents(r)) {
			queue = append(queue, i.Inhparent)
		}
	}
	return false
}

// recordToComposite converts a row constructor, or a whole-row variable of unknown shape, to a composite type.
func (p *state) recordToComposite(e query.Expr, to ids.Oid, ctx coercion, form query.CoercionForm, loc int32) query.Expr {
	var args []query.Expr
	switch n := e.(type) {
	case *query.RowExpr:
		args = n.Args
	case *query.Var:
		if n.Varattno != 0 {
			break
		}
		it := p.itemOf(n.Varno, n.Varlevelsup)
		args, _ = expandItem(it, n.Varlevelsup, n.Location)
	}
	if args == nil {
		if r, ok := e.(*query.RowExpr); !ok || r.Args != nil {
			failAt(exprLocOr(e, loc), pgerr.CannotCoerce, "cannot cast type %s to %s", p.typeName(recordOid), p.typeName(to))
		}
	}
	base, baseMod := p.baseTypeMod(to, -1)
	desc := p.rowDesc(base)
	newArgs := make([]query.Expr, 0, len(desc.Attrs))
	i := 0
	for n := range desc.Attrs {
		at := &desc.Attrs[n]
		if at.Dropped {
			newArgs = append(newArgs, makeConst(int4Oid, -1, 0, types.Null, -1))
			continue
		}
		if i >= len(args) {
			fail(pgerr.New(pgerr.CannotCoerce, "cannot cast type %s to %s", p.typeName(recordOid), p.typeName(to)).
				WithDetail("Input has too few columns.").At(int(exprLocOr(e, loc))))
		}
		x := args[i]
		xt := x.Type()
		r := p.coerceTo(x, xt, at.Type, at.Typmod, ctx, query.CoerceImplicitCast, -1)
		if r == nil {
			fail(pgerr.New(pgerr.CannotCoerce, "cannot cast type %s to %s", p.typeName(recordOid), p.typeName(to)).
				WithDetail("Cannot cast type %s to %s in column %d.", p.typeName(xt), p.typeName(at.Type), i+1).
				At(int(exprLocOr(x, loc))))
		}
		newArgs = append(newArgs, r)
		i++
	}
	if i < len(args) {
		fail(pgerr.New(pgerr.CannotCoerce, "cannot cast type %s to %s", p.typeName(recordOid), p.typeName(to)).
			WithDetail("Input has too many columns.").At(int(exprLocOr(e, loc))))
	}
	var r query.Expr = &query.RowExpr{Result: result(base, -1, 0), Args: newArgs, Format: form, Location: loc}
	if base != to {
		r.(*query.RowExpr).Format = query.CoerceImplicitCast
		r = p.toDomain(r, base, baseMod, to, ctx, form, loc, false)
	}
	return r
}

func exprLocOr(e query.Node, loc int32) int32 {
	if l := exprLoc(e); l >= 0 {
		return l
	}
	return loc
}

// rowDesc returns the columns of a composite type.
func (a *analysis) rowDesc(typ ids.Oid) *types.Desc {
	t := a.typeRow(typ)
	rel := must(a.cat.Relation(t.Typrelid))
	if rel == nil {
		fail(pgerr.New(pgerr.WrongObjectType, "type %s is not composite", a.typeName(typ)))
	}
	return rel.Desc
}

// canCoerce reports whether coerce has a way from one type to another.
func (p *state) canCoerce(from, to ids.Oid, ctx coercion) bool {
	switch {
	case from == to || to == anyOid || from == unknownOid && !isPolymorphic(to):
		return true
	case isPolymorphic(to):
		return p.genericsConsistent([]ids.Oid{from}, []ids.Oid{to})
	}
	return p.canCoercePlain(from, to, ctx)
}

func (p *state) canCoercePlain(from, to ids.Oid, ctx coercion) bool {
	if from == to || to == anyOid || from == unknownOid {
		return true
	}
	if path, _ := p.findPathway(to, from, ctx); path != pathNone {
		return true
	}
	return from == recordOid && p.isComplex(to) || to == recordOid && p.isComplex(from) ||
		to == recordArrayOid && p.isComplexArray(from) || p.inheritsFrom(from, to)
}

// canCoerceAll is canCoerce for argument lists: polymorphic parameters must agree among themselves.
func (p *state) canCoerceAll(from, to []ids.Oid, ctx coercion) bool {
	generics := false
	for i := range from {
		if isPolymorphic(to[i]) {
			generics = true
			continue
		}
		if !p.canCoercePlain(from[i], to[i], ctx) {
			return false
		}
	}
	return !generics || p.genericsConsistent(from, to)
}

// toDomain coerces to a domain; e itself when typ is none. base may be 0 (not known yet).
func (p *state) toDomain(e query.Expr, base ids.Oid, baseMod int32, typ ids.Oid, ctx coercion, form query.CoercionForm,
	loc int32, hide bool) query.Expr {
	if base == 0 {
		base, baseMod = p.baseTypeMod(typ, -1)
	}
	if base == typ {
		return e
	}
	if hide {
		e = hideCoercion(e)
	}
	e = p.coerceTypmod(e, base, baseMod, implicitly, query.CoerceImplicitCast, loc, false)
	return &query.CoerceToDomain{Result: result(typ, -1, 0), Arg: e, Format: form, Location: loc}
}

// coerceTypmod applies a type modifier to a value that already has the type.
func (p *state) coerceTypmod(e query.Expr, typ ids.Oid, typmod int32, ctx coercion, form query.CoercionForm, loc int32,
	hide bool) query.Expr {
	if typmod == e.Typmod() {
		return e
	}
	path, fn := pathNone, ids.Oid(0)
	if typmod >= 0 {
		path, fn = p.typmodFunction(typ)
	}
	if hide {
		e = hideCoercion(e)
	}
	if path != pathNone {
		return p.applyPathway(e, path, fn, typ, typmod, ctx, form, loc)
	}
	return relabel(e, typ, typmod, e.Collation(), form, loc)
}

// relabel makes the expression show a type, modifier and collation.
func relabel(e query.Expr, typ ids.Oid, typmod int32, coll ids.Oid, form query.CoercionForm, loc int32) query.Expr {
	for {
		r, ok := e.(*query.RelabelType)
		if !ok {
			break
		}
		e = r.Arg
	}
	if c, ok := e.(*query.Const); ok {
		n := *c
		n.Result = result(typ, typmod, coll)
		return &n
	}
	if e.Type() == typ && e.Typmod() == typmod && e.Collation() == coll {
		return e
	}
	return &query.RelabelType{Result: result(typ, typmod, coll), Arg: e, Format: form, Location: loc}
}

// hideCoercion marks the top coercion as one that was not written.
func hideCoercion(e query.Expr) query.Expr {
	switch n := e.(type) {
	case *query.FuncExpr:
		n.Format = query.CoerceImplicitCast
	case *query.RelabelType:
		n.Format = query.CoerceImplicitCast
	case *query.CoerceViaIO:
		n.Format = query.CoerceImplicitCast
	case *query.ArrayCoerceExpr:
		n.Format = query.CoerceImplicitCast
	case *query.ConvertRowtypeExpr:
		n.Format = query.CoerceImplicitCast
	case *query.RowExpr:
		n.Format = query.CoerceImplicitCast
	case *query.CoerceToDomain:
		n.Format = query.CoerceImplicitCast
	}
	return e
}

// applyPathway makes the node that converts.
func (p *state) applyPathway(e query.Expr, path pathway, fn, typ ids.Oid, typmod int32, ctx coercion,
	form query.CoercionForm, loc int32) query.Expr {
	switch path {
	case pathFunc:
		proc := must(p.cat.Proc(fn))
		args := []query.Expr{e}
		if len(proc.Proargtypes) >= 2 {
			args = append(args, makeConst(int4Oid, -1, 0, types.Int(int64(typmod)), -1))
		}
		if len(proc.Proargtypes) == 3 {
			args = append(args, boolConst(ctx == explicitly))
		}
		return &query.FuncExpr{Result: result(typ, funcTypmod(args, form), 0), FuncID: fn, Format: form, Args: args,
			Location: loc}
	case pathIO:
		return &query.CoerceViaIO{Result: result(typ, -1, 0), Arg: e, Format: form, Location: loc}
	}
	return p.coerceArray(e, typ, typmod, ctx, form, loc)
}

// funcTypmod is the modifier of a call of a length coercion function: its second argument.
func funcTypmod(args []query.Expr, form query.CoercionForm) int32 {
	if form != query.CoerceExplicitCast && form != query.CoerceImplicitCast || len(args) < 2 || len(args) > 3 {
		return -1
	}
	if c, ok := args[1].(*query.Const); ok && c.Type() == int4Oid && !c.Value.IsNull() {
		return int32(c.Value.Int())
	}
	return -1
}

func (p *state) coerceArray(e query.Expr, typ ids.Oid, typmod int32, ctx coercion, form query.CoercionForm,
	loc int32) query.Expr {
	srcMod := e.Typmod()
	src, srcMod := p.baseTypeMod(e.Type(), srcMod)
	elem := &query.CaseTestExpr{Result: result(p.elementType(src), srcMod, e.Collation())}
	target := p.elementType(typ)
	conv := p.coerceTo(elem, elem.Type(), target, typmod, ctx, form, loc)
	if conv == nil {
		fail(pgerr.Internal("failed to coerce array element type as expected"))
	}
	mod := conv.Typmod()
	return &query.ArrayCoerceExpr{Result: result(typ, mod, 0), Arg: e, Elemexpr: conv, Format: form, Location: loc}
}

// findPathway says how to get from one type to another in a context; for pathFunc also by which function.
func (p *state) findPathway(to, from ids.Oid, ctx coercion) (pathway, ids.Oid) {
	if from != 0 {
		from = p.baseType(from)
	}
	if to != 0 {
		to = p.baseType(to)
	}
	if from == to {
		return pathRelabel, 0
	}
	if c := must(p.cat.Cast(from, to)); c != nil {
		return castPathway(c, ctx)
	}
	path := pathNone
	if to != oidvectorOid && to != int2vectorOid {
		if te := p.elementType(to); te != 0 {
			if se := p.elementType(from); se != 0 {
				if q, _ := p.findPathway(te, se, ctx); q != pathNone {
					path = pathArray
				}
			}
		}
	}
	if path == pathNone && (ctx >= assigning && p.isString(to) || ctx >= explicitly && p.isString(from)) {
		path = pathIO
	}
	if path == pathNone && ctx == plAssigning {
		path = pathIO
	}
	return path, 0
}

func castPathway(c *catalog.Cast, ctx coercion) (pathway, ids.Oid) {
	need := explicitly
	switch c.Castcontext {
	case 'i':
		need = implicitly
	case 'a':
		need = assigning
	}
	if ctx < need {
		if ctx == plAssigning {
			return pathIO, 0
		}
		return pathNone, 0
	}
	switch c.Castmethod {
	case 'f':
		return pathFunc, c.Castfunc
	case 'i':
		return pathIO, 0
	}
	return pathRelabel, 0
}

// typmodFunction finds the function that applies a modifier to values of a type.
func (p *state) typmodFunction(typ ids.Oid) (pathway, ids.Oid) {
	path := pathFunc
	t := p.typeRow(typ)
	if isTrueArray(t) {
		typ, path = t.Typelem, pathArray
	}
	c := must(p.cat.Cast(typ, typ))
	if c == nil || c.Castfunc == 0 {
		return pathNone, 0
	}
	return path, c.Castfunc
}

// coerceBool checks and converts a condition; what names the clause.
func (p *state) coerceBool(e query.Expr, what string) query.Expr {
	if t := e.Type(); t != boolOid {
		r := p.coerceTo(e, t, boolOid, -1, assigning, query.CoerceImplicitCast, -1)
		if r == nil {
			failAt(exprLoc(e), pgerr.DatatypeMismatch, "argument of %s must be type %s, not type %s", what, "boolean", p.typeName(t))
		}
		e = r
	}
	if p.lastSRF != nil && returnsSet(e) {
		failAt(exprLoc(e), pgerr.DatatypeMismatch, "argument of %s must not return a set", what)
	}
	return e
}

// coerceSpecific checks and converts an expression that must have a given type.
func (p *state) coerceSpecific(e query.Expr, typ ids.Oid, typmod int32, what string) query.Expr {
	if t := e.Type(); t != typ {
		r := p.coerceTo(e, t, typ, typmod, assigning, query.CoerceImplicitCast, -1)
		if r == nil {
			failAt(exprLoc(e), pgerr.DatatypeMismatch, "argument of %s must be type %s, not type %s", what, p.typeName(typ), p.typeName(t))
		}
		e = r
	}
	if p.lastSRF != nil && returnsSet(e) {
		failAt(exprLoc(e), pgerr.DatatypeMismatch, "argument of %s must not return a set", what)
	}
	return e
}

// returnsSet reports whether an expression may return more than one row.
func returnsSet(e query.Expr) bool {
	return query.FindExpr(e, func(n query.Node) bool {
		switch n := n.(type) {
		case *query.FuncExpr:
			return n.RetSet
		case *query.OpExpr:
			return n.RetSet
		}
		return false
	})
}

// commonType picks the type that all expressions can be converted to. what names the construct in the error; with ""
// there is no error and 0 is the answer.
func (p *state) commonType(exprs []query.Expr, what string) ids.Oid {
	r, _ := p.commonTypeOf(exprs, what)
	return r
}

// commonTypeOf also returns the expression that decided.
func (p *state) commonTypeOf(exprs []query.Expr, what string) (ids.Oid, query.Expr) {
	first := exprs[0]
	t := first.Type()
	i := 1
	if t != unknownOid {
		for i < len(exprs) && exprs[i].Type() == t {
			i++
		}
		if i == len(exprs) {
			return t, first
		}
	}
	t = p.baseType(t)
	cat, pref := p.category(t)
	for ; i < len(exprs); i++ {
		n := p.baseType(exprs[i].Type())
		if n == unknownOid || n == t {
			continue
		}
		ncat, npref := p.category(n)
		switch {
		case t == unknownOid:
			first, t, cat, pref = exprs[i], n, ncat, npref
		case ncat != cat:
			if what == "" {
				return 0, nil
			}
			failAt(exprLoc(exprs[i]), pgerr.DatatypeMismatch, "%s types %s and %s cannot be matched", what, p.typeName(t), p.typeName(n))
		case !pref && p.canCoerce(t, n, implicitly) && !p.canCoerce(n, t, implicitly):
			first, t, cat, pref = exprs[i], n, ncat, npref
		}
	}
	if t == unknownOid {
		t = textOid
	}
	return t, first
}

// commonTypeOfTypes is commonType on types alone; 0 when there is none.
func (p *state) commonTypeOfTypes(list []ids.Oid) ids.Oid {
	exprs := make([]query.Expr, len(list))
	for i, t := range list {
		exprs[i] = &query.CaseTestExpr{Result: result(t, -1, 0)}
	}
	return p.commonType(exprs, "")
}

// commonTypmod returns the modifier that all expressions of a type share, else -1.
func commonTypmod(exprs []query.Expr, typ ids.Oid) int32 {
	for _, e := range exprs {
		if e.Type() != typ || e.Typmod() != exprs[0].Typmod() {
			return -1
		}
	}
	return exprs[0].Typmod()
}

// toCommon converts an expression to the type that commonType picked.
func (p *state) toCommon(e query.Expr, typ ids.Oid, what string) query.Expr {
	t := e.Type()
	if t == typ {
		return e
	}
	if !p.canCoerce(t, typ, implicitly) {
		failAt(exprLoc(e), pgerr.CannotCoerce, "%s could not convert type %s to %s", what, p.typeName(t), p.typeName(typ))
	}
	return p.coerce(e, t, typ, -1, implicitly, query.CoerceImplicitCast, -1)
}

func (p *state) verifyCommon(typ ids.Oid, exprs []query.Expr) bool {
	for _, e := range exprs {
		if !p.canCoerce(e.Type(), typ, implicitly) {
			return false
		}
	}
	return true
}
