package analyzer

import (
	"slices"
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/parser"
	"gompho/sql/query"
)

// call is a function call under analysis. fn is nil for the notation value.name.
type call struct {
	name     []string
	fn       *ast.FuncCall
	args     []query.Expr
	argNames []string // of the last arguments
	within   []query.Expr
	lastSRF  query.Expr
	procCall bool
	loc      int32

	// found
	kind    byte // as pg_proc.prokind, 'c' a coercion
	cand    *candidate
	proc    *catalog.Proc
	ret     ids.Oid
	actual  []ids.Oid
	decl    []ids.Oid
	vaType  ids.Oid
	filter  query.Expr
	variad  bool
	aggKind byte
}

// function analyzes a call whose arguments are analyzed already. With fn nil the answer may be nil.
func (p *state) function(c *call) query.Expr {
	p.normalizeArgs(c)
	projection := len(c.args) == 1 && !c.procCall && len(c.argNames) == 0 && len(c.name) == 1 &&
		(c.fn == nil || plainCall(c.fn) && c.fn.Funcformat == ast.CoerceExplicitCall) && len(c.within) == 0
	var first query.Expr
	if projection {
		first = c.args[0]
		t := first.Type()
		projection = t == recordOid || p.isComplex(t)
	}
	if projection && c.fn == nil {
		if r := p.projectField(c.name[0], first, c.loc); r != nil {
			return r
		}
	}
	if !p.findFunction(c) {
		if c.fn == nil {
			return nil
		}
		if projection {
			if r := p.projectField(c.name[0], first, c.loc); r != nil {
				return r
			}
		}
		p.noFunction(c)
	}
	p.checkDecorations(c)
	if c.kind == 'c' {
		return p.coerceTo(c.args[0], c.actual[0], c.ret, -1, explicitly, query.CoerceExplicitCall, c.loc)
	}
	if c.kind == 'a' {
		p.checkAggregateArgs(c)
	}
	return p.buildCall(c)
}

// plainCall reports whether a call has none of the clauses of aggregates.
func plainCall(f *ast.FuncCall) bool {
	return len(f.AggOrder) == 0 && f.AggFilter == nil && !f.AggStar && !f.AggDistinct && f.Over == nil && !f.FuncVariadic &&
		!f.AggWithinGroup
}

// normalizeArgs drops the parameters of type void that may not exist, and finds argument types.
func (p *state) normalizeArgs(c *call) {
	if len(c.args) > 100 {
		failAt(c.loc, pgerr.TooManyArguments, "cannot pass more than %d arguments to a function", 100)
	}
	c.actual = make([]ids.Oid, 0, len(c.args))
	kept := c.args[:0]
	for _, a := range c.args {
		t := a.Type()
		if prm, ok := a.(*query.Param); ok && t == voidOid && prm.Kind == query.ParamExtern && len(c.argNames) == 0 {
			continue
		}
		kept = append(kept, a)
		c.actual = append(c.actual, t)
	}
	c.args = kept
	if c.fn != nil {
		c.variad = c.fn.FuncVariadic
	}
}

// findFunction resolves the name; false when nothing fits.
func (p *state) findFunction(c *call) bool {
	schema, base := p.splitName(c.name, c.loc)
	if schema != "" {
		p.checkSchema(schema, c.loc)
	}
	s := callShape{nargs: len(c.args), names: c.argNames, expandVariadic: !c.variad, expandDefaults: true, withOut: c.procCall}
	cands := p.candidates(schema, base, s)
	var best *candidate
	for _, k := range cands {
		if slices.Equal(k.args, c.actual) {
			best = k
			break
		}
	}
	if best == nil && len(c.args) == 1 && c.fn != nil && len(c.argNames) == 0 && p.isTypeCast(c) {
		return true
	}
	if best == nil {
		best = p.matchCandidates(c, cands)
	}
	if best == nil {
		return false
	}
	if best.conflict {
		p.ambiguousFunction(c)
	}
	if len(c.argNames) > 0 && c.variad && best.argNums[len(c.args)-1] != len(c.args)-1 {
		return false
	}
	c.cand, c.proc, c.kind, c.ret, c.vaType = best, best.proc, best.proc.Prokind, best.proc.Prorettype, best.proc.Provariadic
	c.decl = best.args
	return true
}

// checkSchema refuses a name in a schema that does not exist.
func (p *state) checkSchema(schema string, loc int32) {
	if must(p.cat.LookupNamespace(schema, true)) == 0 {
		failAt(loc, pgerr.InvalidSchemaName, "schema \"%s\" does not exist", schema)
	}
}

// isTypeCast recognizes typename(value) as a cast.
func (p *state) isTypeCast(c *call) bool {
	schema, base := p.splitName(c.name, c.loc)
	if schema != "" && must(p.cat.LookupNamespace(schema, true)) == 0 {
		return false
	}
	t := must(p.cat.LookupType(schema, base))
	if t == nil || !t.Typisdefined || t.Typrelid != 0 {
		return false
	}
	from := c.actual[0]
	ok := false
	if _, isConst := c.args[0].(*query.Const); from == unknownOid && isConst {
		ok = true
	} else {
		switch path, _ := p.findPathway(t.Oid, from, explicitly); path {
		case pathRelabel:
			ok = true
		case pathIO:
			ok = !((from == recordOid || p.isComplex(from)) && p.isString(t.Oid))
		}
	}
	if ok {
		c.kind, c.ret = 'c', t.Oid
	}
	return ok
}

func (p *state) matchCandidates(c *call, cands []*candidate) *candidate {
	var fit []*candidate
	for _, k := range cands {
		if p.canCoerceAll(c.actual, k.args, implicitly) {
			fit = append(fit, k)
		}
	}
	switch len(fit) {
	case 0:
		return nil
	case 1:
		return fit[0]
	}
	if k := p.selectCandidate(c.actual, fit); k != nil {
		return k
	}
	p.ambiguousFunction(c)
	return nil
}

// signature is the call as messages show it: name(type, name => type).
func (p *state) signature(c *call) string { return p.signatureOf(c.name, c.actual, c.argNames) }

func (p *state) signatureOf(name []string, types []ids.Oid, argNames []string) string {
	var b strings.Builder
	b.WriteString(strings.Join(name, "."))
	b.WriteByte('(')
	for i, t := range types {
		if i > 0 {
			b.WriteString(", ")
		}
		if k := i - (len(types) - len(argNames)); k >= 0 {
			b.WriteString(argNames[k] + " => ")
		}
		b.WriteString(p.typeName(t))
	}
	b.WriteByte(')')
	return b.String()
}

func (p *state) ambiguousFunction(c *call) {
	if c.procCall {
		fail(pgerr.New(pgerr.AmbiguousFunction, "procedure %s is not unique", p.signature(c)).
			WithHint("Could not choose a best candidate procedure. You might need to add explicit type casts.").At(int(c.loc)))
	}
	fail(pgerr.New(pgerr.AmbiguousFunction, "function %s is not unique", p.signature(c)).
		WithHint("Could not choose a best candidate function. You might need to add explicit type casts.").At(int(c.loc)))
}

func (p *state) noFunction(c *call) {
	sig := p.signature(c)
	if c.procCall {
		fail(pgerr.New(pgerr.UndefinedFunction, "procedure %s does not exist", sig).
			WithHint("No procedure matches the given name and argument types. You might need to add explicit type casts.").At(int(c.loc)))
	}
	e := pgerr.New(pgerr.UndefinedFunction, "function %s does not exist", sig).At(int(c.loc))
	if len(c.fn.AggOrder) > 1 && !c.fn.AggWithinGroup {
		fail(e.WithHint("No aggregate function matches the given name and argument types. Perhaps you misplaced ORDER BY; ORDER BY must appear after all regular arguments of the aggregate."))
	}
	fail(e.WithHint("No function matches the given name and argument types. You might need to add explicit type casts."))
}

// checkDecorations refuses clauses that the kind of function found does not have.
func (p *state) checkDecorations(c *call) {
	name := strings.Join(c.name, ".")
	bad := func(format string, args ...any) { failAt(c.loc, pgerr.WrongObjectType, format, args...) }
	if c.procCall && c.kind != 'p' {
		fail(pgerr.New(pgerr.WrongObjectType, "%s is not a procedure", p.signature(c)).
			WithHint("To call a function, use SELECT.").At(int(c.loc)))
	}
	if !c.procCall && c.kind == 'p' {
		fail(pgerr.New(pgerr.WrongObjectType, "%s is a procedure", p.signature(c)).
			WithHint("To call a procedure, use CALL.").At(int(c.loc)))
	}
	f := c.fn
	if f == nil || c.kind == 'a' {
		return
	}
	switch {
	case f.AggStar:
		bad("%s(*) specified, but %s is not an aggregate function", name, name)
	case f.AggDistinct:
		bad("DISTINCT specified, but %s is not an aggregate function", name)
	case f.AggWithinGroup:
		if c.kind == 'w' {
			bad("window function %s cannot have WITHIN GROUP", name)
		}
		bad("WITHIN GROUP specified, but %s is not an aggregate function", name)
	case len(f.AggOrder) > 0:
		bad("ORDER BY specified, but %s is not an aggregate function", name)
	case f.AggFilter != nil:
		if c.kind == 'w' {
			failAt(c.loc, pgerr.FeatureNotSupported, "FILTER is not implemented for non-aggregate window functions")
		}
		bad("FILTER specified, but %s is not an aggregate function", name)
	case f.Over != nil && c.kind != 'w':
		bad("OVER specified, but %s is not a window function nor an aggregate function", name)
	case f.Over == nil && c.kind == 'w':
		bad("window function %s requires an OVER clause", name)
	}
}

// buildCall converts the arguments and makes the node.
func (p *state) buildCall(c *call) query.Expr {
	p.addDefaults(c)
	proc := c.proc
	if hasPolymorphic(c.decl) || isPolymorphic(c.ret) {
		c.ret = p.resolveGenerics(c.actual, c.decl, c.ret, false)
	}
	if c.aggKind == 'h' {
		p.unifyHypothetical(c)
	}
	p.convertArgs(c.args, c.actual, c.decl)
	variadic := c.variad && c.vaType != 0
	if c.cand.nvargs > 0 && c.vaType != anyOid {
		p.packVariadic(c)
		variadic = true
	}
	if variadic && c.cand.nvargs == 0 && c.vaType == anyOid {
		last := c.args[len(c.args)-1]
		if p.baseElementType(last.Type()) == 0 {
			failAt(exprLoc(last), pgerr.DatatypeMismatch, "VARIADIC argument must be an array")
		}
	}
	if proc.Proretset {
		p.checkSRF(c.lastSRF, c.loc)
	}
	switch {
	case c.kind == 'a' && (c.fn == nil || c.fn.Over == nil):
		return p.buildAggregate(c, variadic)
	case c.kind == 'a' || c.kind == 'w':
		return p.buildWindowFunc(c)
	}
	form := query.CoerceExplicitCall
	if c.fn != nil && c.fn.Funcformat == ast.CoerceSqlSyntax {
		form = query.CoerceSQLSyntax
	}
	r := &query.FuncExpr{Result: result(c.ret, -1, 0), FuncID: proc.Oid, RetSet: proc.Proretset, Variadic: variadic,
		Format: form, Args: c.args, Location: c.loc}
	if c.cand.argNums == nil {
		r.Defaulted = c.cand.ndefs
	}
	if r.RetSet {
		p.lastSRF = r
	}
	return r
}

// addDefaults puts named arguments into place and adds the defaults of missing ones.
func (p *state) addDefaults(c *call) {
	k := c.cand
	if k.argNums == nil && k.ndefs == 0 {
		return
	}
	params := c.proc.Proargtypes
	if c.procCall && c.proc.Proallargtypes != nil {
		params = paramsWithOut(c.proc)
	}
	args := make([]query.Expr, len(params))
	for i, a := range c.args {
		n := i
		if k.argNums != nil {
			n = k.argNums[i]
		}
		args[n] = a
	}
	defs := p.defaultsOf(c.proc)
	first := len(params) - len(defs)
	c.actual = make([]ids.Oid, len(params))
	for i := range args {
		if args[i] == nil {
			args[i] = defs[i-first]
		}
		c.actual[i] = args[i].Type()
	}
	c.args, c.decl = args, slices.Clone(params)
}

// defaultsOf returns the default expressions of a function's last parameters.
func (p *state) defaultsOf(f *catalog.Proc) []query.Expr {
	if f.Proargdefaults != nil && *f.Proargdefaults != "" && (*f.Proargdefaults)[0] == '{' {
		return must(query.DecodeExprs(*f.Proargdefaults))
	}
	var out []query.Expr
	sub := newState(p.analysis, nil)
	for i, text := range f.DefaultSQL {
		raw := must(parser.ParseExpr(text))
		typ := f.Proargtypes[len(f.Proargtypes)-len(f.DefaultSQL)+i]
		e := sub.expr(raw, exprFunctionDefault)
		if r := sub.coerceTo(e, e.Type(), typ, -1, assigning, query.CoerceImplicitCast, -1); r != nil {
			e = r
		}
		sub.assignExprCollations(e)
		out = append(out, withoutLocations(e))
	}
	if len(out) < int(f.Pronargdefaults) {
		fail(pgerr.Internal("not enough default arguments"))
	}
	return out
}

// withoutLocations drops positions that refer to another text.
func withoutLocations(e query.Expr) query.Expr {
	query.Walk(e, func(n query.Node) bool {
		switch n := n.(type) {
		case *query.Const:
			n.Location = -1
		case *query.FuncExpr:
			n.Location = -1
		case *query.RelabelType:
			n.Location = -1
		case *query.CoerceViaIO:
			n.Location = -1
		case *query.OpExpr:
			n.Location = -1
		}
		return true
	})
	return e
}

// packVariadic puts the last arguments into an array.
func (p *state) packVariadic(c *call) {
	n := len(c.args) - c.cand.nvargs
	va := slices.Clone(c.args[n:])
	el := va[0].Type()
	arr := p.arrayType(el)
	if arr == 0 {
		failAt(exprsLoc(va), pgerr.UndefinedObject, "could not find array type for data type %s", p.typeName(el))
	}
	c.args = append(c.args[:n:n], &query.ArrayExpr{Result: result(arr, -1, 0), ElementType: el, Elements: va,
		Location: exprsLoc(va)})
}

// projectField reads a field of a composite value; nil when there is none of that name.
func (p *state) projectField(name string, arg query.Expr, loc int32) query.Expr {
	if v, ok := arg.(*query.Var); ok && v.Varattno == 0 {
		if it := p.itemOf(v.Varno, v.Varlevelsup); it != nil {
			return p.itemColumn(it, v.Varlevelsup, name, loc)
		}
	}
	desc := p.descOf(arg)
	if desc == nil {
		return nil
	}
	for i := range desc.Attrs {
		a := &desc.Attrs[i]
		if a.Name == name && !a.Dropped {
			return &query.FieldSelect{Result: result(a.Type, a.Typmod, a.Collation), Arg: arg, Fieldnum: i + 1}
		}
	}
	return nil
}

// checkSRF refuses a set-returning function where none can stand. last is the last one seen before the call's arguments
// were analyzed.
func (p *state) checkSRF(last query.Expr, loc int32) {
	bad := ""
	switch p.kind {
	case exprNone:
		return
	case exprOther, exprGroupBy, exprOrderBy, exprDistinctOn, exprInsertTarget, exprSelectTarget, exprValuesSingle:
		p.hasTargetSRFs = true
	case exprFromFunction:
		if p.lastSRF != last {
			failAt(exprLoc(p.lastSRF), pgerr.FeatureNotSupported, "set-returning functions must appear at top level of FROM")
		}
	case exprJoinOn, exprJoinUsing:
		bad = "set-returning functions are not allowed in JOIN conditions"
	case exprPolicy:
		bad = "set-returning functions are not allowed in policy expressions"
	case exprWindowPartition, exprWindowOrder:
		p.hasTargetSRFs = true
	case exprWindowFrameRange, exprWindowFrameRows, exprWindowFrameGroups:
		bad = "set-returning functions are not allowed in window definitions"
	case exprUpdateSource, exprUpdateTarget:
		failAt(loc, pgerr.FeatureNotSupported, "set-returning functions are not allowed in %s", "UPDATE")
	case exprCheck, exprDomainCheck:
		bad = "set-returning functions are not allowed in check constraints"
	case exprColumnDefault, exprFunctionDefault:
		bad = "set-returning functions are not allowed in DEFAULT expressions"
	case exprIndexExpression:
		bad = "set-returning functions are not allowed in index expressions"
	case exprIndexPredicate:
		bad = "set-returning functions are not allowed in index predicates"
	case exprStatsExpression:
		bad = "set-returning functions are not allowed in statistics expressions"
	case exprAlterColTransform:
		bad = "set-returning functions are not allowed in transform expressions"
	case exprExecuteParameter:
		bad = "set-returning functions are not allowed in EXECUTE parameters"
	case exprTriggerWhen:
		bad = "set-returning functions are not allowed in trigger WHEN conditions"
	case exprPartitionBound:
		bad = "set-returning functions are not allowed in partition bound"
	case exprPartitionExpression:
		bad = "set-returning functions are not allowed in partition key expressions"
	case exprCallArgument:
		bad = "set-returning functions are not allowed in CALL arguments"
	case exprCopyWhere:
		bad = "set-returning functions are not allowed in COPY FROM WHERE conditions"
	case exprGeneratedColumn:
		bad = "set-returning functions are not allowed in column generation expressions"
	case exprMergeWhen:
		bad = "set-returning functions are not allowed in MERGE WHEN conditions"
	default:
		failAt(loc, pgerr.FeatureNotSupported, "set-returning functions are not allowed in %s", p.kind)
	}
	if bad != "" {
		failAt(loc, pgerr.FeatureNotSupported, "%s", bad)
	}
}
