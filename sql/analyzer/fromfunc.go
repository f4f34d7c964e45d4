package analyzer

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

// resultClass is what a function in FROM returns.
type resultClass uint8

const (
	resultScalar resultClass = iota
	resultComposite
	resultRecord // columns not known
	resultOther
)

// fromFunction analyzes function(...), unnest of several arrays or ROWS FROM (...) in FROM.
func (p *state) fromFunction(r *ast.RangeFunction) *nsItem {
	oldLateral := p.lateralActive
	p.lateralActive = true
	var exprs []query.Expr
	var names []string
	var defs [][]*ast.ColumnDef
	one := func(n ast.Node, cols []*ast.ColumnDef) {
		last := p.lastSRF
		e := p.expr(n, exprFromFunction)
		if p.lastSRF != last && p.lastSRF != e {
			failAt(exprLoc(p.lastSRF), pgerr.FeatureNotSupported, "set-returning functions must appear at top level of FROM")
		}
		exprs = append(exprs, e)
		names = append(names, figureName(n))
		defs = append(defs, cols)
	}
	for _, f := range r.Functions {
		if fc, ok := f.Func.(*ast.FuncCall); ok && isMultiUnnest(fc) && len(f.Coldeflist) == 0 {
			for _, a := range fc.Args {
				one(&ast.FuncCall{Funcname: []string{"pg_catalog", "unnest"}, Args: []ast.Node{a}, Location: fc.Location}, nil)
			}
			continue
		}
		one(f.Func, f.Coldeflist)
	}
	p.lateralActive = oldLateral
	lateral := r.Lateral
	for _, e := range exprs {
		p.assignExprCollations(e)
		lateral = lateral || query.ContainVarsOfLevel(e, 0)
	}
	if len(r.Coldeflist) > 0 {
		p.checkColdefs(r, len(exprs))
		defs[0] = r.Coldeflist
	}
	return p.addFunctions(exprs, names, defs, r, lateral)
}

func isMultiUnnest(f *ast.FuncCall) bool {
	n := f.Funcname
	return len(f.Args) > 1 && plainCall(f) && f.Funcformat == ast.CoerceExplicitCall &&
		(len(n) == 1 && n[0] == "unnest" || len(n) == 2 && n[0] == "pg_catalog" && n[1] == "unnest")
}

func (p *state) checkColdefs(r *ast.RangeFunction, n int) {
	loc := r.Coldeflist[0].Location
	if n != 1 {
		if r.IsRowsfrom {
			fail(pgerr.New(pgerr.SyntaxError, "ROWS FROM() with multiple functions cannot have a column definition list").
				WithHint("Put a separate column definition list for each function inside ROWS FROM().").At(int(loc)))
		}
		fail(pgerr.New(pgerr.SyntaxError, "UNNEST() with multiple arguments cannot have a column definition list").
			WithHint("Use separate UNNEST() calls inside ROWS FROM(), and attach a column definition list to each one.").At(int(loc)))
	}
	if r.Ordinality {
		fail(pgerr.New(pgerr.SyntaxError, "WITH ORDINALITY cannot be used with a column definition list").
			WithHint("Put the column definition list inside ROWS FROM().").At(int(loc)))
	}
}

// addFunctions adds the range-table entry of functions in FROM.
func (p *state) addFunctions(exprs []query.Expr, names []string, defs [][]*ast.ColumnDef, r *ast.RangeFunction,
	lateral bool) *nsItem {
	alias := toAlias(r.Alias)
	rte := &query.RangeTblEntry{Kind: query.RTEFunction, Alias: alias, Ordinality: r.Ordinality, Lateral: lateral, InFrom: true}
	row := &types.Desc{}
	for i, e := range exprs {
		f, cols := p.rangeFunction(e, names[i], defs[i], alias, len(exprs))
		rte.Functions = append(rte.Functions, f)
		row.Attrs = append(row.Attrs, cols...)
	}
	if r.Ordinality {
		row.Attrs = append(row.Attrs, types.Attr{Name: "ordinality", Type: int8Oid, Typmod: -1})
	}
	name := names[0]
	if alias != nil {
		name = alias.Name
	}
	rte.Eref = aliasesOf(row, alias, name)
	for i := range row.Attrs {
		a := &row.Attrs[i]
		t := a.Type
		if a.Dropped {
			t = 0
		}
		rte.ColTypes = append(rte.ColTypes, t)
		rte.ColTypmods = append(rte.ColTypmods, a.Typmod)
		rte.ColColls = append(rte.ColColls, a.Collation)
	}
	return itemFromDesc(rte, p.push(rte), row)
}

// rangeFunction works out the columns of one function.
func (p *state) rangeFunction(e query.Expr, name string, defs []*ast.ColumnDef, alias *query.Alias,
	total int) (*query.RangeTblFunction, []types.Attr) {
	f := &query.RangeTblFunction{FuncExpr: e}
	class, desc, typ := p.funcResult(e)
	p.checkColdefUse(e, class, defs, typ)
	var cols []types.Attr
	switch class {
	case resultComposite:
		cols = desc.Attrs
		f.ReturnsRows = true
		for i := range cols { // of a function with OUT parameters the result type alone does not tell them
			f.ColTypes = append(f.ColTypes, cols[i].Type)
			f.ColTypmods = append(f.ColTypmods, cols[i].Typmod)
			f.ColColls = append(f.ColColls, cols[i].Collation)
		}
	case resultScalar:
		cols = []types.Attr{{Name: p.scalarColumnName(e, name, alias, total), Type: e.Type(), Typmod: e.Typmod(), Collation: e.Collation()}}
	case resultRecord:
		cols = p.coldefAttrs(defs)
		f.HasColdefs, f.ReturnsRows = true, true
		for i := range cols {
			f.ColNames = append(f.ColNames, cols[i].Name)
			f.ColTypes = append(f.ColTypes, cols[i].Type)
			f.ColTypmods = append(f.ColTypmods, cols[i].Typmod)
			f.ColColls = append(f.ColColls, cols[i].Collation)
		}
	default:
		failAt(exprLoc(e), pgerr.DatatypeMismatch, "function \"%s\" in FROM has unsupported return type %s", name, p.typeName(typ))
	}
	f.ColCount = len(cols)
	return f, cols
}

func (p *state) checkColdefUse(e query.Expr, class resultClass, defs []*ast.ColumnDef, typ ids.Oid) {
	if len(defs) == 0 {
		if class == resultRecord {
			failAt(exprLoc(e), pgerr.SyntaxError, "a column definition list is required for functions returning \"record\"")
		}
		return
	}
	loc := defs[0].Location
	switch {
	case class == resultRecord:
	case class == resultComposite && typ == recordOid:
		failAt(loc, pgerr.SyntaxError, "a column definition list is redundant for a function with OUT parameters")
	case class == resultComposite:
		failAt(loc, pgerr.SyntaxError, "a column definition list is redundant for a function returning a named composite type")
	default:
		failAt(loc, pgerr.SyntaxError, "a column definition list is only allowed for functions returning \"record\"")
	}
}

func (p *state) coldefAttrs(defs []*ast.ColumnDef) []types.Attr {
	var out []types.Attr
	for _, d := range defs {
		if d.TypeName.Setof {
			failAt(d.Location, pgerr.InvalidTableDefinition, "column \"%s\" cannot be declared SETOF", d.Colname)
		}
		t, typmod := p.typenameType(d.TypeName)
		for i := range out {
			if out[i].Name == d.Colname {
				fail(pgerr.New(pgerr.DuplicateColumn, "column name \"%s\" specified more than once", d.Colname))
			}
		}
		out = append(out, types.Attr{Name: d.Colname, Type: t.Oid, Typmod: typmod, Collation: p.columnCollation(d, t.Oid)})
	}
	return out
}

// columnCollation is the collation of a column definition.
func (a *analysis) columnCollation(d *ast.ColumnDef, typ ids.Oid) ids.Oid {
	coll := a.typeCollation(typ)
	if d.CollClause != nil {
		c := a.lookupCollation(d.CollClause.Collname, d.CollClause.Location)
		if coll == 0 {
			failAt(d.CollClause.Location, pgerr.DatatypeMismatch, "collations are not supported by type %s", a.typeName(typ))
		}
		coll = c
	}
	return coll
}

// scalarColumnName is the column name of a function that returns a plain value.
func (p *state) scalarColumnName(e query.Expr, name string, alias *query.Alias, total int) string {
	if f, ok := e.(*query.FuncExpr); ok {
		if proc := must(p.cat.Proc(f.FuncID)); proc != nil {
			if n := singleOutName(proc); n != "" {
				return n
			}
		}
	}
	if total == 1 && alias != nil {
		return alias.Name
	}
	return name
}

// singleOutName is the name of a function's only OUT parameter.
func singleOutName(f *catalog.Proc) string {
	name := ""
	for i, m := range f.Proargmodes {
		if m == 'o' || m == 'b' || m == 't' {
			if name != "" || i >= len(f.Proargnames) || f.Proargnames[i] == "" {
				return ""
			}
			name = f.Proargnames[i]
		}
	}
	return name
}

// funcResult classifies what an expression in FROM returns, with its columns if composite, and its declared type.
func (p *state) funcResult(e query.Expr) (resultClass, *types.Desc, ids.Oid) {
	typ := e.Type()
	var proc *catalog.Proc
	var args []query.Expr
	switch n := e.(type) {
	case *query.FuncExpr:
		proc, args = must(p.cat.Proc(n.FuncID)), n.Args
	case *query.OpExpr:
		proc, args = must(p.cat.Proc(n.FuncID)), n.Args
	}
	if typ == recordOid {
		if proc != nil {
			if d := p.outDesc(proc, args); d != nil {
				return resultComposite, d, typ
			}
		}
		if r, ok := e.(*query.RowExpr); ok {
			return resultComposite, rowExprDesc(r), typ
		}
		return resultRecord, nil, typ
	}
	base := p.baseType(typ)
	switch p.typtype(base) {
	case 'c':
		return resultComposite, p.rowDesc(base), typ
	case 'p':
		if base != voidOid && base != cstringOid && base != unknownOid {
			return resultOther, nil, typ
		}
	}
	return resultScalar, nil, typ
}

// outDesc makes the row of a function's OUT parameters; nil when there are none.
func (p *state) outDesc(f *catalog.Proc, args []query.Expr) *types.Desc {
	if f.Proallargtypes == nil || f.Proargmodes == nil {
		return nil
	}
	d := &types.Desc{}
	var actual, decl []ids.Oid
	in := 0
	for i, t := range f.Proallargtypes {
		if m := f.Proargmodes[i]; m == 'i' || m == 'b' || m == 'v' {
			if in < len(args) {
				actual, decl = append(actual, args[in].Type()), append(decl, t)
			}
			in++
		}
	}
	for i, t := range f.Proallargtypes {
		m := f.Proargmodes[i]
		if m != 'o' && m != 'b' && m != 't' {
			continue
		}
		name := ""
		if i < len(f.Proargnames) {
			name = f.Proargnames[i]
		}
		if name == "" {
			name = "column" + itoa(len(d.Attrs)+1)
		}
		if isPolymorphic(t) {
			t = p.resolveGenerics(actual, append([]ids.Oid(nil), decl...), t, false)
		}
		d.Attrs = append(d.Attrs, types.Attr{Name: name, Type: t, Typmod: -1, Collation: p.typeCollation(t)})
	}
	if len(d.Attrs) < 2 && f.Prorettype != recordOid || len(d.Attrs) == 0 {
		return nil
	}
	return d
}
