package analyzer

import (
	"strconv"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

func relName(rv *ast.RangeVar) catalog.RelName {
	return catalog.RelName{Catalog: rv.Catalogname, Schema: rv.Schemaname, Name: rv.Relname}
}

// openTable finds and locks the relation that a FROM item or target names.
func (p *state) openTable(rv *ast.RangeVar, mode locks.Mode) *catalog.Relation {
	rel, err := p.cat.OpenRelation(relName(rv), mode, catalog.LockOpts{MissingOK: true})
	if err != nil {
		fail(positioned(rv.Location, err))
	}
	if rel == nil {
		p.noSuchRelation(rv)
	}
	switch rel.Kind {
	case 'i', 'I':
		failAt(rv.Location, pgerr.WrongObjectType, "\"%s\" is an index", rel.Name)
	case 'c':
		failAt(rv.Location, pgerr.WrongObjectType, "\"%s\" is a composite type", rel.Name)
	}
	return rel
}

func (p *state) noSuchRelation(rv *ast.RangeVar) {
	if rv.Schemaname != "" {
		failAt(rv.Location, pgerr.UndefinedTable, "relation \"%s.%s\" does not exist", rv.Schemaname, rv.Relname)
	}
	e := pgerr.New(pgerr.UndefinedTable, "relation \"%s\" does not exist", rv.Relname).At(int(rv.Location))
	for s := p; s != nil; s = s.parent {
		for _, c := range s.futureCTEs {
			if c.Ctename == rv.Relname {
				fail(e.WithDetail("There is a WITH item named \"%s\", but it cannot be referenced from this part of the query.",
					rv.Relname).WithHint("Use WITH RECURSIVE, or re-order the WITH items to remove forward references."))
			}
		}
	}
	fail(e)
}

// push adds an entry to the range table and returns its index.
func (p *state) push(rte *query.RangeTblEntry) int {
	p.rtable = append(p.rtable, rte)
	return len(p.rtable)
}

// addRelation adds a relation that is already open. inFrom marks an entry of a FROM clause (or target).
func (p *state) addRelation(rel *catalog.Relation, mode locks.Mode, alias *query.Alias, inh, inFrom bool) *nsItem {
	rte := &query.RangeTblEntry{Kind: query.RTERelation, Alias: alias, Relid: rel.Oid, Relkind: rel.Kind,
		Rellockmode: uint8(mode), Inh: inh, InFrom: inFrom, RequiredPerms: query.PermSelect}
	name := rel.Name
	if alias != nil {
		name = alias.Name
	}
	rte.Eref = aliasesOf(rel.Desc, alias, name)
	return itemFromDesc(rte, p.push(rte), rel.Desc)
}

// aliasesOf gives a row's columns their names: the alias's as far as they go, then their own; "" for dropped ones.
func aliasesOf(desc *types.Desc, alias *query.Alias, name string) *query.Alias {
	e := &query.Alias{Name: name, Colnames: make([]string, len(desc.Attrs))}
	var given []string
	if alias != nil {
		given = alias.Colnames
	}
	used, live := 0, 0
	for i := range desc.Attrs {
		if desc.Attrs[i].Dropped {
			continue
		}
		live++
		if used < len(given) {
			e.Colnames[i] = given[used]
			used++
		} else {
			e.Colnames[i] = desc.Attrs[i].Name
		}
	}
	if used < len(given) {
		fail(pgerr.New(pgerr.InvalidColumnReference, "table \"%s\" has %d columns available but %d columns specified",
			name, live, len(given)))
	}
	return e
}

func itemFromDesc(rte *query.RangeTblEntry, rtindex int, desc *types.Desc) *nsItem {
	it := newItem(rte, rtindex, len(desc.Attrs))
	for i := range desc.Attrs {
		a := &desc.Attrs[i]
		if a.Dropped {
			continue
		}
		it.cols[i] = nsColumn{varno: rtindex, varattno: i + 1, typ: a.Type, typmod: a.Typmod, coll: a.Collation,
			synno: rtindex, synattno: i + 1}
	}
	return it
}

func itemFromLists(rte *query.RangeTblEntry, rtindex int) *nsItem {
	it := newItem(rte, rtindex, len(rte.ColTypes))
	for i, t := range rte.ColTypes {
		it.cols[i] = nsColumn{varno: rtindex, varattno: i + 1, typ: t, typmod: rte.ColTypmods[i], coll: rte.ColColls[i],
			synno: rtindex, synattno: i + 1}
	}
	return it
}

func newItem(rte *query.RangeTblEntry, rtindex, n int) *nsItem {
	return &nsItem{names: rte.Eref, rte: rte, rtindex: rtindex, cols: make([]nsColumn, n), relVisible: true,
		colsVisible: true, lateralOK: true}
}

// addSubquery adds a subquery or view.
func (p *state) addSubquery(q *query.Query, alias *query.Alias, lateral, inFrom bool) *nsItem {
	rte := &query.RangeTblEntry{Kind: query.RTESubquery, Subquery: q, Alias: alias, Lateral: lateral, InFrom: inFrom}
	name, given := "unnamed_subquery", []string(nil)
	if alias != nil {
		name, given = alias.Name, alias.Colnames
	}
	rte.Eref = &query.Alias{Name: name}
	n := 0
	for _, t := range q.TargetList {
		if t.Resjunk {
			continue
		}
		col := t.Resname
		if n < len(given) {
			col = given[n]
		}
		rte.Eref.Colnames = append(rte.Eref.Colnames, col)
		n++
	}
	if len(given) > n {
		fail(pgerr.New(pgerr.InvalidColumnReference, "table \"%s\" has %d columns available but %d columns specified",
			name, n, len(given)))
	}
	rt := p.push(rte)
	it := newItem(rte, rt, n)
	i := 0
	for _, t := range q.TargetList {
		if t.Resjunk {
			continue
		}
		it.cols[i] = nsColumn{varno: rt, varattno: i + 1, typ: t.Expr.Type(), typmod: t.Expr.Typmod(),
			coll: t.Expr.Collation(), synno: rt, synattno: i + 1}
		i++
	}
	return it
}

// addValues adds a VALUES list whose column types are already known.
func (p *state) addValues(lists [][]query.Expr, typs []ids.Oid, typmods []int32, colls []ids.Oid, alias *query.Alias,
	lateral, inFrom bool) *nsItem {
	rte := &query.RangeTblEntry{Kind: query.RTEValues, ValuesLists: lists, ColTypes: typs, ColTypmods: typmods,
		ColColls: colls, Alias: alias, Lateral: lateral, InFrom: inFrom}
	rte.Eref = &query.Alias{Name: "*VALUES*"}
	var given []string
	if alias != nil {
		rte.Eref.Name, given = alias.Name, alias.Colnames
	}
	for i := range typs {
		if i < len(given) {
			rte.Eref.Colnames = append(rte.Eref.Colnames, given[i])
		} else {
			rte.Eref.Colnames = append(rte.Eref.Colnames, "column"+strconv.Itoa(i+1))
		}
	}
	if len(given) > len(typs) {
		fail(pgerr.New(pgerr.InvalidColumnReference, "VALUES lists \"%s\" have %d columns available but %d columns specified",
			rte.Eref.Name, len(typs), len(given)))
	}
	return itemFromLists(rte, p.push(rte))
}

// addCTE adds a reference to a WITH query levels up.
func (p *state) addCTE(cte *query.CommonTableExpr, levels int, rv *ast.RangeVar) *nsItem {
	alias := toAlias(rv.Alias)
	rte := &query.RangeTblEntry{Kind: query.RTECTE, CTEName: cte.CTEName, CTELevelsUp: levels, Alias: alias,
		SelfReference: cte.Query == nil, InFrom: true, ColTypes: cte.ColTypes, ColTypmods: cte.ColTypmods,
		ColColls: cte.ColColls}
	cte.RefCount++
	if q := cte.Query; q != nil && q.CommandType != query.CmdSelect && len(q.ReturningList) == 0 {
		failAt(rv.Location, pgerr.FeatureNotSupported, "WITH query \"%s\" does not have a RETURNING clause", cte.CTEName)
	}
	name := cte.CTEName
	var given []string
	if alias != nil {
		name, given = alias.Name, alias.Colnames
	}
	rte.Eref = &query.Alias{Name: name, Colnames: append([]string(nil), cte.ColNames...)}
	if len(given) > len(cte.ColNames) {
		fail(pgerr.New(pgerr.InvalidColumnReference, "table \"%s\" has %d columns available but %d columns specified",
			name, len(cte.ColNames), len(given)))
	}
	copy(rte.Eref.Colnames, given)
	return itemFromLists(rte, p.push(rte))
}

// findCTE looks for a WITH query by name and returns how many levels up it is.
func (p *state) findCTE(name string) (*query.CommonTableExpr, int) {
	level := 0
	for s := p; s != nil; s = s.parent {
		for _, c := range s.ctes {
			if c.CTEName == name {
				return c, level
			}
		}
		level++
	}
	return nil, 0
}

// expandItem returns a Var for each live column of an item, with the names.
func expandItem(it *nsItem, level int, loc int32) ([]query.Expr, []string) {
	vars := make([]query.Expr, 0, len(it.cols))
	names := make([]string, 0, len(it.cols))
	for i := range it.cols {
		c := &it.cols[i]
		if c.varno == 0 || c.dontExpand {
			continue
		}
		vars = append(vars, c.toVar(level, loc))
		names = append(names, it.names.Colnames[i])
	}
	return vars, names
}

// expandItemTargets makes output columns of all columns of an item, as * does.
func (p *state) expandItemTargets(it *nsItem, level int, loc int32) []*query.TargetEntry {
	vars, names := expandItem(it, level, loc)
	if it.rte.Kind == query.RTERelation {
		it.rte.RequiredPerms |= query.PermSelect
	}
	out := make([]*query.TargetEntry, len(vars))
	for i, v := range vars {
		p.markSelect(v.(*query.Var))
		out[i] = &query.TargetEntry{Expr: v, Resno: p.nextResno, Resname: names[i]}
		p.nextResno++
	}
	return out
}

func toAlias(a *ast.Alias) *query.Alias {
	if a == nil {
		return nil
	}
	return &query.Alias{Name: a.Aliasname, Colnames: a.Colnames}
}
