package analyzer

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// refnameItem finds the range-table item that a possibly schema-qualified table name means, and how many levels up it is.
func (p *state) refnameItem(schema, name string, loc int32) (*nsItem, int) {
	var relid ids.Oid
	if schema != "" {
		ns := must(p.cat.LookupNamespace(schema, true))
		if ns == 0 {
			return nil, 0
		}
		if relid = must(p.cat.RelationOid(ns, name)); relid == 0 {
			return nil, 0
		}
	}
	level := 0
	for s := p; s != nil; s = s.parent {
		if item := s.scanForRef(relid, name, loc); item != nil {
			return item, level
		}
		level++
	}
	return nil, 0
}

// scanForRef looks for a table name at one level: an unaliased relation with Oid relid, or, when that is 0, any item of
// that name.
func (p *state) scanForRef(relid ids.Oid, name string, loc int32) *nsItem {
	var found *nsItem
	for _, it := range p.namespace {
		if !it.relVisible || it.lateralOnly && !p.lateralActive {
			continue
		}
		if relid != 0 {
			if it.rte.Kind != query.RTERelation || it.rte.Relid != relid || it.rte.Alias != nil {
				continue
			}
		} else if it.names.Name != name {
			continue
		}
		if found != nil {
			if relid != 0 {
				failAt(loc, pgerr.AmbiguousAlias, "table reference %d is ambiguous", relid)
			}
			failAt(loc, pgerr.AmbiguousAlias, "table reference \"%s\" is ambiguous", name)
		}
		p.checkLateralOK(it, loc)
		found = it
	}
	return found
}

func (p *state) checkLateralOK(it *nsItem, loc int32) {
	if !it.lateralOnly || it.lateralOK {
		return
	}
	name := it.names.Name
	e := pgerr.New(pgerr.InvalidColumnReference, "invalid reference to FROM-clause entry for table \"%s\"", name)
	if p.targetNS != nil && it.rte == p.targetNS.rte {
		e.WithHint("There is an entry for table \"%s\", but it cannot be referenced from this part of the query.", name)
	} else {
		e.WithDetail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
	}
	fail(e.At(int(loc)))
}

// checkNameConflicts refuses two items of one name in a FROM list.
func checkNameConflicts(a, b []*nsItem) {
	for _, x := range a {
		if !x.relVisible {
			continue
		}
		for _, y := range b {
			if !y.relVisible || x.names.Name != y.names.Name {
				continue
			}
			if x.rte.Kind == query.RTERelation && x.rte.Alias == nil && y.rte.Kind == query.RTERelation &&
				y.rte.Alias == nil && x.rte.Relid != y.rte.Relid {
				continue
			}
			fail(pgerr.New(pgerr.DuplicateAlias, "table name \"%s\" specified more than once", x.names.Name))
		}
	}
}

func setLateral(items []*nsItem, only, ok bool) {
	for _, it := range items {
		it.lateralOnly, it.lateralOK = only, ok
	}
}

// columnNumber looks a name up among an item's column names; 0 when it is not there.
func columnNumber(rte *query.RangeTblEntry, names *query.Alias, col string, loc int32) int {
	found := 0
	for i, n := range names.Colnames {
		if n == col {
			if found != 0 {
				failAt(loc, pgerr.AmbiguousColumn, "column reference \"%s\" is ambiguous", col)
			}
			found = i + 1
		}
	}
	if found != 0 {
		return found
	}
	return systemColumn(rte, col)
}

// systemColumn returns the number of a system column that the entry has, 0 for none.
func systemColumn(rte *query.RangeTblEntry, name string) int {
	if rte.Kind != query.RTERelation || rte.Relkind == 'c' || rte.Relkind == 'v' {
		return 0
	}
	for i := range systemColumns {
		if systemColumns[i].name == name {
			return -1 - i
		}
	}
	return 0
}

// systemColumns by -attnum-1.
var systemColumns = [...]struct {
	name string
	typ  ids.Oid
}{{"ctid", tidOid}, {"xmin", xidOid}, {"cmin", cidOid}, {"xmax", xidOid}, {"cmax", cidOid}, {"tableoid", oidOid}}

// itemColumn makes a Var for a named column of an item; nil when it has none.
func (p *state) itemColumn(it *nsItem, level int, col string, loc int32) query.Expr {
	n := columnNumber(it.rte, it.names, col, loc)
	if n == 0 {
		return nil
	}
	if n < 0 && n != query.TableOidAttr {
		p.checkSystemColumnUse(col, loc)
	}
	if n < 0 {
		v := &query.Var{Result: result(systemColumns[-n-1].typ, -1, 0), Varno: it.rtindex, Varattno: n,
			Varlevelsup: level, Location: loc}
		p.markSelect(v)
		return v
	}
	c := &it.cols[n-1]
	if c.varno == 0 {
		failAt(loc, pgerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", col, it.names.Name)
	}
	v := c.toVar(level, loc)
	p.markSelect(v)
	return v
}

func (p *state) checkSystemColumnUse(col string, loc int32) {
	switch p.kind {
	case exprCheck:
		failAt(loc, pgerr.InvalidColumnReference, "system column \"%s\" reference in check constraint is invalid", col)
	case exprGeneratedColumn:
		failAt(loc, pgerr.InvalidColumnReference, "cannot use system column \"%s\" in column generation expression", col)
	case exprMergeWhen:
		failAt(loc, pgerr.InvalidColumnReference, "cannot use system column \"%s\" in MERGE WHEN condition", col)
	}
}

func (c *nsColumn) toVar(level int, loc int32) *query.Var {
	v := &query.Var{Result: result(c.typ, c.typmod, c.coll), Varno: c.varno, Varattno: c.varattno, Varlevelsup: level,
		Location: loc}
	if c.synno != c.varno || c.synattno != c.varattno {
		v.Varnosyn, v.Varattnosyn = int32(c.synno), int32(c.synattno)
	}
	return v
}

// column resolves an unqualified column name through all levels; nil when there is none.
func (p *state) column(name string, localOnly bool, loc int32) query.Expr {
	level := 0
	for s := p; s != nil; s = s.parent {
		var found query.Expr
		for _, it := range s.namespace {
			if !it.colsVisible || it.lateralOnly && !s.lateralActive {
				continue
			}
			v := p.itemColumnOf(s, it, level, name, loc)
			if v == nil {
				continue
			}
			if found != nil {
				failAt(loc, pgerr.AmbiguousColumn, "column reference \"%s\" is ambiguous", name)
			}
			s.checkLateralOK(it, loc)
			found = v
		}
		if found != nil || localOnly {
			return found
		}
		level++
	}
	return nil
}

// itemColumnOf is itemColumn for an item of level s, with p's expression kind.
func (p *state) itemColumnOf(s *state, it *nsItem, level int, name string, loc int32) query.Expr {
	if s == p {
		return p.itemColumn(it, 0, name, loc)
	}
	return p.itemColumn(it, level, name, loc)
}

// level returns the state n levels up.
func (p *state) level(n int) *state {
	for ; n > 0; n-- {
		p = p.parent
	}
	return p
}

// rteOf returns the range-table entry of a Var.
func (p *state) rteOf(varno, level int) *query.RangeTblEntry { return p.level(level).rtable[varno-1] }

// itemOf returns the namespace item with a range-table index.
func (p *state) itemOf(rtindex, level int) *nsItem {
	for _, it := range p.level(level).namespace {
		if it.rtindex == rtindex {
			return it
		}
	}
	return nil
}

// markSelect records that the column of a Var is read, for the check of privileges.
func (p *state) markSelect(v *query.Var) { p.level(v.Varlevelsup).markColumn(v.Varno, v.Varattno) }

func (p *state) markColumn(varno, att int) {
	rte := p.rtable[varno-1]
	switch rte.Kind {
	case query.RTERelation:
		rte.RequiredPerms |= query.PermSelect
		rte.SelectedCols = addColumn(rte.SelectedCols, att)
	case query.RTEJoin:
		if att == 0 {
			j := p.joinExprs[varno-1]
			p.markJoinSide(j.Larg)
			p.markJoinSide(j.Rarg)
		}
	}
}

func (p *state) markJoinSide(n query.JoinNode) {
	switch n := n.(type) {
	case *query.RangeTblRef:
		p.markColumn(n.RTIndex, 0)
	case *query.JoinExpr:
		p.markColumn(n.RTIndex, 0)
	}
}

func addColumn(cols []int16, att int) []int16 {
	for _, c := range cols {
		if c == int16(att) {
			return cols
		}
	}
	return append(cols, int16(att))
}

// missingRelation reports a table name in an expression that no FROM item has.
func (p *state) missingRelation(schema, name string, loc int32) {
	rte := p.searchTables(schema, name)
	if rte == nil {
		failAt(loc, pgerr.UndefinedTable, "missing FROM-clause entry for table \"%s\"", name)
	}
	e := pgerr.New(pgerr.UndefinedTable, "invalid reference to FROM-clause entry for table \"%s\"", name).At(int(loc))
	if rte.Alias != nil && rte.Eref.Name != name {
		if it, _ := p.refnameItem("", rte.Eref.Name, loc); it != nil && it.rte == rte {
			fail(e.WithHint("Perhaps you meant to reference the table alias \"%s\".", rte.Eref.Name))
		}
	}
	fail(e.WithHint("There is an entry for table \"%s\", but it cannot be referenced from this part of the query.",
		rte.Eref.Name))
}

// searchTables looks for an entry that a table name might have been meant for, visible or not.
func (p *state) searchTables(schema, name string) *query.RangeTblEntry {
	var cte *query.CommonTableExpr
	cteLevel := 0
	var relid ids.Oid
	if schema == "" {
		cte, cteLevel = p.findCTE(name)
	}
	if cte == nil {
		relid = must(p.cat.LookupRelation(relName(&ast.RangeVar{Schemaname: schema, Relname: name})))
	}
	level := 0
	for s := p; s != nil; s = s.parent {
		for _, r := range s.rtable {
			if r.Kind == query.RTERelation && relid != 0 && r.Relid == relid ||
				r.Kind == query.RTECTE && cte != nil && r.CTELevelsUp+level == cteLevel && r.CTEName == name ||
				r.Eref.Name == name {
				return r
			}
		}
		level++
	}
	return nil
}

// missingColumn reports a column name that nothing has, with the nearest names as a hint. table is "" for an unqualified
// name.
func (p *state) missingColumn(table, col string, loc int32) {
	var e *pgerr.Error
	if table != "" {
		e = pgerr.New(pgerr.UndefinedColumn, "column %s.%s does not exist", table, col)
	} else {
		e = pgerr.New(pgerr.UndefinedColumn, "column \"%s\" does not exist", col)
	}
	e.At(int(loc))
	f := p.nearestColumns(table, col, loc)
	switch {
	case f.second != nil:
		e.WithHint("Perhaps you meant to reference the column \"%s.%s\" or the column \"%s.%s\".", f.first.Eref.Name,
			f.first.Eref.Colnames[f.firstCol-1], f.second.Eref.Name, f.second.Eref.Colnames[f.secondCol-1])
	case f.first != nil && f.firstCol > 0:
		e.WithHint("Perhaps you meant to reference the column \"%s.%s\".", f.first.Eref.Name,
			f.first.Eref.Colnames[f.firstCol-1])
	case f.first != nil:
		e.WithHint("There is a column named \"%s\" in table \"%s\", but it cannot be referenced from this part of the query.",
			col, f.first.Eref.Name)
	}
	fail(e)
}

// maxFuzzyDistance is the largest edit distance at which a name is offered as a hint.
const maxFuzzyDistance = 3

// fuzzyMatch collects the one or two best candidates; with more of equal distance there is no hint.
type fuzzyMatch struct {
	distance            int
	first, second       *query.RangeTblEntry
	firstCol, secondCol int
}

func (p *state) nearestColumns(table, col string, loc int32) fuzzyMatch {
	f := fuzzyMatch{distance: maxFuzzyDistance + 1}
	for s := p; s != nil; s = s.parent {
		for _, rte := range s.rtable {
			if rte.Kind == query.RTEJoin {
				continue
			}
			penalty := 0
			if table != "" {
				penalty = editDistance(table, rte.Eref.Name, maxFuzzyDistance+1)
			}
			exact := false
			for i, n := range rte.Eref.Colnames {
				exact = exact || n == col
				f.consider(penalty, rte, n, col, i+1)
			}
			if (exact || systemColumn(rte, col) != 0) && penalty == 0 {
				return fuzzyMatch{first: rte}
			}
		}
	}
	return f
}

func (f *fuzzyMatch) consider(penalty int, rte *query.RangeTblEntry, actual, wanted string, att int) {
	if penalty > f.distance || actual == "" {
		return
	}
	d := editDistance(actual, wanted, f.distance+1-penalty)
	if d > len(wanted)/2 {
		return
	}
	d += penalty
	switch {
	case d < f.distance:
		*f = fuzzyMatch{distance: d, first: rte, firstCol: att}
	case d == f.distance:
		switch {
		case f.secondCol != 0:
			*f = fuzzyMatch{distance: d - 1}
		case f.firstCol != 0:
			f.second, f.secondCol = rte, att
		case f.distance <= maxFuzzyDistance:
			f.first, f.firstCol = rte, att
		}
	}
}

// editDistance is the Levenshtein distance of a and b, or max+1 when it is larger than max.
func editDistance(a, b string, max int) int {
	ra, rb := []rune(a), []rune(b)
	prev := make([]int, len(rb)+1)
	cur := make([]int, len(rb)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range ra {
		cur[0] = i + 1
		best := cur[0]
		for j := range rb {
			d := prev[j]
			if ra[i] != rb[j] {
				d++
			}
			d = min(d, prev[j+1]+1, cur[j]+1)
			cur[j+1] = d
			best = min(best, d)
		}
		if best > max {
			return max + 1
		}
		prev, cur = cur, prev
	}
	return min(prev[len(rb)], max+1)
}
