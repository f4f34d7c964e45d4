package analyzer

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

// targetList analyzes output columns, expanding stars.
func (p *state) targetList(list []*ast.ResTarget, k exprKind) []*query.TargetEntry {
	out := make([]*query.TargetEntry, 0, len(list))
	for _, r := range list {
		if k != exprUpdateSource {
			if ts, ok := p.star(r.Val, k); ok {
				out = append(out, ts...)
				continue
			}
		}
		out = append(out, p.targetEntry(r.Val, nil, k, r.Name, false))
	}
	if len(p.multiAssigns) > 0 {
		out = append(out, p.multiAssigns...)
		p.multiAssigns = nil
	}
	return out
}

// targetEntry makes one output column; e is its expression when that is analyzed already.
func (p *state) targetEntry(n ast.Node, e query.Expr, k exprKind, name string, junk bool) *query.TargetEntry {
	if e == nil {
		if d, ok := n.(*ast.SetToDefault); ok && k == exprUpdateSource {
			e = &query.SetToDefault{Location: d.Location}
		} else {
			e = p.expr(n, k)
		}
	}
	if name == "" && !junk {
		name = figureColumn(n, e)
	}
	t := &query.TargetEntry{Expr: e, Resno: p.nextResno, Resname: name, Resjunk: junk}
	p.nextResno++
	return t
}

// star expands "*", "t.*" and "(expr).*"; ok is false when n is none of them.
func (p *state) star(n ast.Node, k exprKind) ([]*query.TargetEntry, bool) {
	switch n := n.(type) {
	case *ast.ColumnRef:
		if _, ok := n.Fields[len(n.Fields)-1].(*ast.AStar); ok {
			return p.columnStar(n), true
		}
	case *ast.AIndirection:
		last := len(n.Indirection) - 1
		if _, ok := n.Indirection[last].(*ast.AStar); ok {
			inner := &ast.AIndirection{Arg: n.Arg, Indirection: n.Indirection[:last]}
			return p.rowTargets(p.expr(inner, k)), true
		}
	}
	return nil, false
}

func (p *state) columnStar(c *ast.ColumnRef) []*query.TargetEntry {
	if len(c.Fields) > 1 {
		schema, table, _ := p.splitColumnRef(c)
		it, level := p.refnameItem(schema, table, c.Location)
		if it == nil {
			p.missingRelation(schema, table, c.Location)
		}
		return p.expandItemTargets(it, level, c.Location)
	}
	var out []*query.TargetEntry
	found := false
	for _, it := range p.namespace {
		if !it.colsVisible {
			continue
		}
		found = true
		out = append(out, p.expandItemTargets(it, 0, c.Location)...)
	}
	if !found {
		failAt(c.Location, pgerr.SyntaxError, "SELECT * with no tables specified is not valid")
	}
	return out
}

// rowTargets makes an output column of each field of a composite value.
func (p *state) rowTargets(e query.Expr) []*query.TargetEntry {
	exprs, names := p.rowFields(e)
	out := make([]*query.TargetEntry, len(exprs))
	for i, x := range exprs {
		out[i] = &query.TargetEntry{Expr: x, Resno: p.nextResno, Resname: names[i]}
		p.nextResno++
	}
	return out
}

func (p *state) rowFields(e query.Expr) ([]query.Expr, []string) {
	if v, ok := e.(*query.Var); ok && v.Varattno == 0 {
		if it := p.itemOf(v.Varno, v.Varlevelsup); it != nil {
			vars, names := expandItem(it, v.Varlevelsup, v.Location)
			for _, x := range vars {
				p.markSelect(x.(*query.Var))
			}
			return vars, names
		}
	}
	desc := p.descOf(e)
	if desc == nil {
		if e.Type() == recordOid {
			failAt(exprLoc(e), pgerr.SyntaxError, "record type has not been registered")
		}
		failAt(exprLoc(e), pgerr.WrongObjectType, "type %s is not composite", p.typeName(e.Type()))
	}
	var exprs []query.Expr
	var names []string
	for i := range desc.Attrs {
		a := &desc.Attrs[i]
		if a.Dropped {
			continue
		}
		exprs = append(exprs, &query.FieldSelect{Result: result(a.Type, a.Typmod, a.Collation), Arg: e, Fieldnum: i + 1})
		names = append(names, a.Name)
	}
	return exprs, names
}

// exprList analyzes a list in which stars expand; withDefaults keeps DEFAULT as a node.
func (p *state) exprList(list []ast.Node, k exprKind, withDefaults bool) []query.Expr {
	out := make([]query.Expr, 0, len(list))
	for _, n := range list {
		if c, ok := n.(*ast.ColumnRef); ok {
			if _, ok := c.Fields[len(c.Fields)-1].(*ast.AStar); ok {
				saved := p.nextResno
				for _, t := range p.columnStar(c) {
					out = append(out, t.Expr)
				}
				p.nextResno = saved
				continue
			}
		}
		if x, ok := n.(*ast.AIndirection); ok {
			last := len(x.Indirection) - 1
			if _, ok := x.Indirection[last].(*ast.AStar); ok {
				row := p.expr(&ast.AIndirection{Arg: x.Arg, Indirection: x.Indirection[:last]}, k)
				fields, _ := p.rowFields(row)
				out = append(out, fields...)
				continue
			}
		}
		if d, ok := n.(*ast.SetToDefault); ok && withDefaults {
			out = append(out, &query.SetToDefault{Location: d.Location})
			continue
		}
		out = append(out, p.expr(n, k))
	}
	return out
}

// resolveUnknownTargets makes text of output columns that are still literals of unknown type.
func (p *state) resolveUnknownTargets(list []*query.TargetEntry) {
	for _, t := range list {
		if t.Expr.Type() == unknownOid {
			t.Expr = p.coerce(t.Expr, unknownOid, textOid, -1, implicitly, query.CoerceImplicitCast, -1)
		}
	}
}

// markOrigins notes for plain column outputs which table's column they show.
func (p *state) markOrigins(list []*query.TargetEntry) {
	for _, t := range list {
		if v, ok := t.Expr.(*query.Var); ok {
			p.markOrigin(t, v, 0)
		}
	}
}

func (p *state) markOrigin(t *query.TargetEntry, v *query.Var, up int) {
	lvl := v.Varlevelsup + up
	rte := p.rteOf(v.Varno, lvl)
	switch rte.Kind {
	case query.RTERelation:
		t.Resorigtbl, t.Resorigcol = rte.Relid, v.Varattno
	case query.RTESubquery:
		if v.Varattno > 0 {
			s := visibleTargets(rte.Subquery.TargetList)[v.Varattno-1]
			t.Resorigtbl, t.Resorigcol = s.Resorigtbl, s.Resorigcol
		}
	case query.RTECTE:
		if v.Varattno <= 0 || rte.SelfReference {
			return
		}
		for _, c := range p.level(lvl + rte.CTELevelsUp).ctes {
			if c.CTEName != rte.CTEName || c.Query == nil {
				continue
			}
			list := c.Query.TargetList
			if c.Query.CommandType != query.CmdSelect {
				list = c.Query.ReturningList
			}
			if cols := visibleTargets(list); v.Varattno <= len(cols) {
				s := cols[v.Varattno-1]
				t.Resorigtbl, t.Resorigcol = s.Resorigtbl, s.Resorigcol
			}
		}
	}
}

// assignedExpr converts a value to the column att of the target (from 1), or stores it into part of the column.
func (p *state) assignedExpr(e query.Expr, k exprKind, col string, att int, ind []ast.Node, loc int32) query.Expr {
	old := p.kind
	p.kind = k
	defer func() { p.kind = old }()
	if att <= 0 {
		failAt(loc, pgerr.FeatureNotSupported, "cannot assign to system column \"%s\"", col)
	}
	a := &p.targetRel.Desc.Attrs[att-1]
	if d, ok := e.(*query.SetToDefault); ok {
		d.Result = result(a.Type, a.Typmod, a.Collation)
		if len(ind) > 0 {
			if _, ok := ind[0].(*ast.AIndices); ok {
				failAt(loc, pgerr.FeatureNotSupported, "cannot set an array element to DEFAULT")
			}
			failAt(loc, pgerr.FeatureNotSupported, "cannot set a subfield to DEFAULT")
		}
		return d
	}
	if len(ind) > 0 {
		var base query.Expr
		if p.isInsert {
			base = makeConst(a.Type, a.Typmod, a.Collation, types.Null, -1)
		} else {
			base = &query.Var{Result: result(a.Type, a.Typmod, a.Collation), Varno: p.targetNS.rtindex, Varattno: att, Location: loc}
		}
		s := &store{state: p, name: col, ctx: assigning, loc: loc}
		return s.into(base, false, a, ind, e)
	}
	t := e.Type()
	r := p.coerceTo(e, t, a.Type, a.Typmod, assigning, query.CoerceImplicitCast, -1)
	if r == nil {
		fail(pgerr.New(pgerr.DatatypeMismatch, "column \"%s\" is of type %s but expression is of type %s", col,
			p.typeName(a.Type), p.typeName(t)).WithHint("You will need to rewrite or cast the expression.").At(int(exprLoc(e))))
	}
	return r
}

// store builds assignments to array elements and fields.
type store struct {
	*state
	name string
	ctx  coercion
	loc  int32
}

// into returns the new value of base (of type a) with the part that ind names replaced by e.
func (s *store) into(base query.Expr, isSub bool, a *types.Attr, ind []ast.Node, e query.Expr) query.Expr {
	if base == nil {
		base = &query.CaseTestExpr{Result: result(a.Type, a.Typmod, a.Collation)}
	}
	var subs []*ast.AIndices
	for i, step := range ind {
		switch n := step.(type) {
		case *ast.AIndices:
			subs = append(subs, n)
		case *ast.AStar:
			failAt(s.loc, pgerr.FeatureNotSupported, "row expansion via \"*\" is not supported here")
		case *ast.String:
			if len(subs) > 0 {
				return s.subscript(base, a, subs, ind[i:], e)
			}
			return s.field(base, a, n.Sval, ind[i+1:], e)
		}
	}
	if len(subs) > 0 {
		return s.subscript(base, a, subs, nil, e)
	}
	return s.convert(e, isSub, a)
}

func (s *store) convert(e query.Expr, isSub bool, a *types.Attr) query.Expr {
	t := e.Type()
	r := s.coerceTo(e, t, a.Type, a.Typmod, s.ctx, query.CoerceImplicitCast, -1)
	if r == nil {
		kind := "subfield"
		if isSub {
			kind = "subscripted assignment to"
		}
		if isSub {
			fail(pgerr.New(pgerr.DatatypeMismatch, "%s \"%s\" requires type %s but expression is of type %s", kind, s.name,
				s.typeName(a.Type), s.typeName(t)).WithHint("You will need to rewrite or cast the expression.").At(int(s.loc)))
		}
		fail(pgerr.New(pgerr.DatatypeMismatch, "%s \"%s\" is of type %s but expression is of type %s", kind, s.name,
			s.typeName(a.Type), s.typeName(t)).WithHint("You will need to rewrite or cast the expression.").At(int(s.loc)))
	}
	return r
}

func (s *store) field(base query.Expr, a *types.Attr, name string, rest []ast.Node, e query.Expr) query.Expr {
	rowType, _ := s.baseTypeMod(a.Type, a.Typmod)
	if s.typeRow(rowType).Typrelid == 0 {
		failAt(s.loc, pgerr.DatatypeMismatch, "cannot assign to field \"%s\" of column \"%s\" because its type %s is not a composite type",
			name, s.name, s.typeName(a.Type))
	}
	desc := s.rowDesc(rowType)
	num := 0
	for i := range desc.Attrs {
		if desc.Attrs[i].Name == name && !desc.Attrs[i].Dropped {
			num = i + 1
		}
	}
	if num == 0 {
		failAt(s.loc, pgerr.UndefinedColumn, "cannot assign to field \"%s\" of column \"%s\" because there is no such column in data type %s",
			name, s.name, s.typeName(a.Type))
	}
	f := &desc.Attrs[num-1]
	sub := &store{state: s.state, name: name, ctx: s.ctx, loc: s.loc}
	var inner query.Expr
	if len(rest) > 0 {
		inner = &query.FieldSelect{Result: result(f.Type, f.Typmod, f.Collation), Arg: base, Fieldnum: num}
	}
	v := sub.into(inner, false, f, rest, e)
	var r query.Expr = &query.FieldStore{Result: result(rowType, -1, 0), Arg: base, Newvals: []query.Expr{v}, Fieldnums: []int{num}}
	if rowType != a.Type {
		r = s.toDomain(r, 0, -1, a.Type, implicitly, query.CoerceImplicitCast, s.loc, false)
	}
	return r
}

func (s *store) subscript(base query.Expr, a *types.Attr, subs []*ast.AIndices, rest []ast.Node, e query.Expr) query.Expr {
	contType, contMod := s.baseTypeMod(a.Type, a.Typmod)
	r := s.subscripts(base, a.Type, a.Typmod, subs, func(r *query.SubscriptingRef) {
		el := types.Attr{Type: r.ElemType, Typmod: contMod, Collation: s.typeCollation(r.ElemType)}
		if r.LowerIndexpr != nil {
			el = types.Attr{Type: r.ContainerType, Typmod: contMod, Collation: s.typeCollation(r.ContainerType)}
		}
		if el.Type == a.Type {
			el.Collation = a.Collation
		}
		var inner query.Expr
		if len(rest) > 0 {
			inner = &query.SubscriptingRef{Result: result(el.Type, contMod, el.Collation), ContainerType: r.ContainerType,
				ElemType: r.ElemType, UpperIndexpr: r.UpperIndexpr, LowerIndexpr: r.LowerIndexpr, RefExpr: base}
		}
		sub := &store{state: s.state, name: s.name, ctx: s.ctx, loc: s.loc}
		r.RefAssgnExpr = sub.into(inner, true, &el, rest, e)
		r.Result = result(r.ContainerType, contMod, a.Collation)
	})
	if contType != a.Type {
		x := s.coerceTo(r, r.Type(), a.Type, a.Typmod, assigning, query.CoerceImplicitCast, -1)
		if x == nil {
			failAt(s.loc, pgerr.CannotCoerce, "cannot cast type %s to %s", s.typeName(r.Type()), s.typeName(a.Type))
		}
		return x
	}
	return r
}

// figureName is the name that an output column gets when none is given.
func figureName(n ast.Node) string { return figureColumn(n, nil) }

func figureColumn(n ast.Node, e query.Expr) string {
	if name, _ := figure(n, e); name != "" {
		return name
	}
	return "?column?"
}

// figure returns a name and how good it is: 2 good, 1 a makeshift, 0 none.
func figure(n ast.Node, e query.Expr) (string, int) {
	switch n := n.(type) {
	case *ast.ColumnRef:
		for i := len(n.Fields) - 1; i >= 0; i-- {
			if s, ok := n.Fields[i].(*ast.String); ok {
				return s.Sval, 2
			}
		}
	case *ast.AIndirection:
		for i := len(n.Indirection) - 1; i >= 0; i-- {
			if s, ok := n.Indirection[i].(*ast.String); ok {
				return s.Sval, 2
			}
		}
		return figure(n.Arg, e)
	case *ast.FuncCall:
		return n.Funcname[len(n.Funcname)-1], 2
	case *ast.AExpr:
		if n.Kind == ast.AExprNullif {
			return "nullif", 2
		}
	case *ast.TypeCast:
		if s, q := figure(n.Arg, e); q > 1 {
			return s, q
		}
		if len(n.TypeName.Names) > 0 {
			return n.TypeName.Names[len(n.TypeName.Names)-1], 1
		}
	case *ast.CollateClause:
		return figure(n.Arg, e)
	case *ast.GroupingFunc:
		return "grouping", 2
	case *ast.SubLink:
		return figureSubLink(n, e)
	case *ast.CaseExpr:
		if n.Defresult != nil {
			if s, q := figure(n.Defresult, e); q > 1 {
				return s, q
			}
		}
		return "case", 1
	case *ast.AArrayExpr:
		return "array", 2
	case *ast.RowExpr:
		return "row", 2
	case *ast.CoalesceExpr:
		return "coalesce", 2
	case *ast.MinMaxExpr:
		if n.Op == ast.IsLeast {
			return "least", 2
		}
		return "greatest", 2
	case *ast.SQLValueFunction:
		return [...]string{"current_date", "current_time", "current_time", "current_timestamp", "current_timestamp",
			"localtime", "localtime", "localtimestamp", "localtimestamp", "current_role", "current_user", "user",
			"session_user", "current_catalog", "current_schema"}[n.Op], 2
	case *ast.XmlExpr:
		return [...]string{"xmlconcat", "xmlelement", "xmlforest", "xmlparse", "xmlpi", "xmlroot", "", ""}[n.Op], 2
	case *ast.XmlSerialize:
		return "xmlserialize", 2
	}
	return "", 0
}

func figureSubLink(n *ast.SubLink, e query.Expr) (string, int) {
	switch n.SubLinkType {
	case ast.ExistsSublink:
		return "exists", 2
	case ast.ArraySublink:
		return "array", 2
	case ast.ExprSublink:
		name := ""
		if e != nil {
			query.FindExpr(e, func(x query.Node) bool {
				if s, ok := x.(*query.SubLink); ok && s.SubLinkType == query.ExprSublink && s.Location == n.Location {
					name = s.Subselect.TargetList[0].Resname
					return true
				}
				return false
			})
		}
		if name != "" {
			return name, 2
		}
	}
	return "", 0
}
