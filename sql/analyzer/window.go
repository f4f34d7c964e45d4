package analyzer

import (
	"reflect"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// buildWindowFunc makes a call with OVER and finds or adds its window.
func (p *state) buildWindowFunc(c *call) query.Expr {
	f := c.fn
	if f.AggDistinct {
		failAt(c.loc, pgerr.FeatureNotSupported, "DISTINCT is not implemented for window functions")
	}
	if c.kind == 'a' && len(c.args) == 0 && !f.AggStar {
		failAt(c.loc, pgerr.WrongObjectType, "%s(*) must be used to call a parameterless aggregate function", c.name[len(c.name)-1])
	}
	if len(f.AggOrder) > 0 {
		failAt(c.loc, pgerr.FeatureNotSupported, "aggregate ORDER BY is not implemented for window functions")
	}
	if c.kind != 'a' && c.filter != nil {
		failAt(c.loc, pgerr.FeatureNotSupported, "FILTER is not implemented for non-aggregate window functions")
	}
	if c.proc.Proretset {
		failAt(c.loc, pgerr.InvalidFunctionDefinition, "window functions cannot return sets")
	}
	for _, a := range c.args {
		if p.hasWindowFuncs {
			if loc, ok := windowFuncIn(a); ok {
				failAt(loc, pgerr.WindowingError, "window function calls cannot be nested")
			}
		}
		p.noSRFIn(a)
	}
	p.checkWindowPlace(c.loc)
	w := &query.WindowFunc{Result: result(c.ret, -1, 0), WinFnOid: c.proc.Oid, Args: c.args, AggFilter: c.filter,
		WinStar: f.AggStar, WinAgg: c.kind == 'a', Location: c.loc}
	w.WinRef = p.windowRef(f.Over)
	p.hasWindowFuncs = true
	return w
}

func (p *state) noSRFIn(e query.Expr) {
	query.FindExpr(e, func(n query.Node) bool {
		if returnsSetNode(n) {
			fail(pgerr.New(pgerr.FeatureNotSupported, "window function calls cannot contain set-returning function calls").
				WithHint("You might be able to move the set-returning function into a LATERAL FROM item.").At(int(exprLoc(n))))
		}
		return false
	})
}

func returnsSetNode(n query.Node) bool {
	switch n := n.(type) {
	case *query.FuncExpr:
		return n.RetSet
	case *query.OpExpr:
		return n.RetSet
	}
	return false
}

// windowRef returns the number of the window that OVER means.
func (p *state) windowRef(w *ast.WindowDef) int {
	if w.Name != "" {
		for i, d := range p.windowDefs {
			if d.Name == w.Name {
				return i + 1
			}
		}
		failAt(w.Location, pgerr.UndefinedObject, "window \"%s\" does not exist", w.Name)
	}
	for i, d := range p.windowDefs {
		if d.Name == "" && sameWindow(d, w) {
			return i + 1
		}
	}
	p.windowDefs = append(p.windowDefs, w)
	return len(p.windowDefs)
}

// sameWindow compares two OVER specifications as written, positions aside.
func sameWindow(a, b *ast.WindowDef) bool {
	return a == b || a.Refname == b.Refname && a.FrameOptions == b.FrameOptions &&
		sameRaw(reflect.ValueOf(a), reflect.ValueOf(b))
}

// sameRaw compares raw trees without their positions.
func sameRaw(a, b reflect.Value) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case reflect.Interface, reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		if a.Kind() == reflect.Interface && a.Elem().Type() != b.Elem().Type() {
			return false
		}
		return sameRaw(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !sameRaw(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range a.NumField() {
			if f := a.Type().Field(i); f.Name != "Location" && f.IsExported() && !sameRaw(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}

func (p *state) checkWindowPlace(loc int32) {
	place := ""
	switch p.kind {
	case exprNone, exprOther, exprSelectTarget, exprOrderBy, exprDistinctOn:
		return
	case exprJoinOn, exprJoinUsing:
		place = "JOIN conditions"
	case exprFromFunction:
		place = "functions in FROM"
	case exprPolicy:
		place = "policy expressions"
	case exprWindowPartition, exprWindowOrder, exprWindowFrameRange, exprWindowFrameRows, exprWindowFrameGroups:
		place = "window definitions"
	case exprCheck, exprDomainCheck:
		place = "check constraints"
	case exprColumnDefault, exprFunctionDefault:
		place = "DEFAULT expressions"
	case exprIndexExpression:
		place = "index expressions"
	case exprIndexPredicate:
		place = "index predicates"
	case exprStatsExpression:
		place = "statistics expressions"
	case exprAlterColTransform:
		place = "transform expressions"
	case exprExecuteParameter:
		place = "EXECUTE parameters"
	case exprTriggerWhen:
		place = "trigger WHEN conditions"
	case exprPartitionBound:
		place = "partition bound"
	case exprPartitionExpression:
		place = "partition key expressions"
	case exprCallArgument:
		place = "CALL arguments"
	case exprCopyWhere:
		place = "COPY FROM WHERE conditions"
	case exprGeneratedColumn:
		place = "column generation expressions"
	case exprMergeWhen:
		place = "MERGE WHEN conditions"
	default:
		place = p.kind.String()
	}
	failAt(loc, pgerr.WindowingError, "window functions are not allowed in %s", place)
}

// windows analyzes the window definitions that the query has collected.
func (p *state) windows(list *[]*query.TargetEntry) []*query.WindowClause {
	var out []*query.WindowClause
	for i := 0; i < len(p.windowDefs); i++ {
		d := p.windowDefs[i]
		out = append(out, p.window(d, i+1, out, list))
	}
	return out
}

func findWindow(list []*query.WindowClause, name string) *query.WindowClause {
	for _, w := range list {
		if w.Name != "" && w.Name == name {
			return w
		}
	}
	return nil
}

func (p *state) window(d *ast.WindowDef, ref int, done []*query.WindowClause, list *[]*query.TargetEntry) *query.WindowClause {
	if d.Name != "" && findWindow(done, d.Name) != nil {
		failAt(d.Location, pgerr.WindowingError, "window \"%s\" is already defined", d.Name)
	}
	var base *query.WindowClause
	if d.Refname != "" {
		if base = findWindow(done, d.Refname); base == nil {
			failAt(d.Location, pgerr.UndefinedObject, "window \"%s\" does not exist", d.Refname)
		}
	}
	order := p.sortClause(d.OrderClause, list, exprWindowOrder, true)
	part, _ := p.groupClause(d.PartitionClause, list, order, exprWindowPartition, true)
	w := &query.WindowClause{Name: d.Name, Refname: d.Refname, WinRef: ref, FrameOptions: int(d.FrameOptions)}
	w.PartitionClause, w.OrderClause = part, order
	if base != nil {
		p.inheritWindow(w, base, d)
	}
	p.checkRange(w, d)
	p.frame(w, d, list)
	return w
}

func (p *state) inheritWindow(w, base *query.WindowClause, d *ast.WindowDef) {
	if len(w.PartitionClause) > 0 {
		failAt(d.Location, pgerr.WindowingError, "cannot override PARTITION BY clause of window \"%s\"", d.Refname)
	}
	w.PartitionClause = base.PartitionClause
	if len(w.OrderClause) > 0 && len(base.OrderClause) > 0 {
		failAt(d.Location, pgerr.WindowingError, "cannot override ORDER BY clause of window \"%s\"", d.Refname)
	}
	if len(w.OrderClause) == 0 {
		w.OrderClause, w.CopiedOrder = base.OrderClause, true
	}
	if base.FrameOptions == int(ast.FrameoptionDefaults) {
		return
	}
	if d.Name != "" || len(d.OrderClause) > 0 || d.FrameOptions != ast.FrameoptionDefaults {
		failAt(d.Location, pgerr.WindowingError, "cannot copy window \"%s\" because it has a frame clause", d.Refname)
	}
	fail(pgerr.New(pgerr.WindowingError, "cannot copy window \"%s\" because it has a frame clause", d.Refname).
		WithHint("Omit the parentheses in this OVER clause.").At(int(d.Location)))
}

func (p *state) checkRange(w *query.WindowClause, d *ast.WindowDef) {
	const offsets = query.FrameStartOffsetPreceding | query.FrameStartOffsetFollowing | query.FrameEndOffsetPreceding |
		query.FrameEndOffsetFollowing
	if w.FrameOptions&query.FrameRange != 0 && w.FrameOptions&offsets != 0 && len(w.OrderClause) != 1 {
		failAt(d.Location, pgerr.WindowingError, "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column")
	}
	if w.FrameOptions&query.FrameGroups != 0 && len(w.OrderClause) == 0 {
		failAt(d.Location, pgerr.WindowingError, "GROUPS mode requires an ORDER BY clause")
	}
}

// frame analyzes the frame's offsets.
func (p *state) frame(w *query.WindowClause, d *ast.WindowDef, list *[]*query.TargetEntry) {
	if d.StartOffset == nil && d.EndOffset == nil {
		return
	}
	var family, opcType ids.Oid
	var sortExpr query.Expr
	if w.FrameOptions&query.FrameRange != 0 {
		s := w.OrderClause[0]
		sortExpr = targetByRef(s.TLESortGroupRef, *list).Expr
		for _, m := range must(p.cat.AmOpsOf(s.SortOp)) {
			if m.Amopmethod == btreeAm && (m.Amopstrategy == btLess || m.Amopstrategy == btGreater) {
				family, opcType = m.Amopfamily, m.Amoplefttype
				w.InRangeAsc = m.Amopstrategy == btLess
				break
			}
		}
		if family == 0 {
			fail(pgerr.Internal("operator %d is not a valid ordering operator", s.SortOp))
		}
		w.InRangeColl = sortExpr.Collation()
		w.InRangeNulls1st = s.NullsFirst
	}
	w.StartOffset, w.StartInRangeFn = p.frameOffset(w, d.StartOffset, family, opcType, sortExpr)
	w.EndOffset, w.EndInRangeFn = p.frameOffset(w, d.EndOffset, family, opcType, sortExpr)
}

// inRangeProc is the number of the in_range support function of btree.
const inRangeProc = 3

func (p *state) frameOffset(w *query.WindowClause, n ast.Node, family, opcType ids.Oid, sortExpr query.Expr) (query.Expr, ids.Oid) {
	if n == nil {
		return nil, 0
	}
	var e query.Expr
	var fn ids.Oid
	what := ""
	switch {
	case w.FrameOptions&query.FrameRows != 0:
		what = "ROWS"
		e = p.coerceSpecific(p.expr(n, exprWindowFrameRows), int8Oid, -1, what)
	case w.FrameOptions&query.FrameGroups != 0:
		what = "GROUPS"
		e = p.coerceSpecific(p.expr(n, exprWindowFrameGroups), int8Oid, -1, what)
	default:
		what = "RANGE"
		e, fn = p.rangeOffset(p.expr(n, exprWindowFrameRange), family, opcType, sortExpr)
	}
	p.noVars(e, what)
	return e, fn
}

// rangeOffset chooses the in_range function for an offset's type.
func (p *state) rangeOffset(e query.Expr, family, opcType ids.Oid, sortExpr query.Expr) (query.Expr, ids.Oid) {
	typ := e.Type()
	if typ == unknownOid {
		typ = opcType
		if opcType == dateOid || opcType == timestampOid || opcType == timestamptzOid || opcType == timeOid || opcType == timetzOid {
			typ = intervalOid
		}
	}
	var fn, target ids.Oid
	n := 0
	for _, pr := range must(familyProcs(p.cat, family)) {
		if pr.Amproclefttype != opcType || pr.Amprocnum != inRangeProc {
			continue
		}
		n++
		if pr.Amprocrighttype == typ {
			fn, target = pr.Amproc, typ
			break
		}
		if p.canCoerce(e.Type(), pr.Amprocrighttype, implicitly) {
			if fn != 0 {
				if _, preferred := p.category(pr.Amprocrighttype); !preferred {
					continue
				}
			}
			fn, target = pr.Amproc, pr.Amprocrighttype
		}
	}
	if n == 0 {
		failAt(exprLoc(e), pgerr.FeatureNotSupported, "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s", p.typeName(opcType))
	}
	if fn == 0 {
		fail(pgerr.New(pgerr.FeatureNotSupported, "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s and offset type %s",
			p.typeName(opcType), p.typeName(typ)).WithHint("Cast the offset value to an appropriate type.").At(int(exprLoc(e))))
	}
	return p.coerceSpecific(e, target, -1, "RANGE"), fn
}

// noVars refuses columns in an expression that is evaluated once.
func (p *state) noVars(e query.Expr, what string) {
	query.Find(e, func(n query.Node, level int) bool {
		if v, ok := n.(*query.Var); ok && v.Varlevelsup == level {
			failAt(v.Location, pgerr.InvalidColumnReference, "argument of %s must not contain variables", what)
		}
		return false
	})
}
