package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// startsSelect reports whether the token begins a query (other than by a parenthesis).
func (p *parser) startsSelect() bool {
	switch p.tok.kind {
	case kwSelect, kwWith, tokWith, kwTable:
		return true
	case kwValues: // also a column name
		return p.peek(1) == '('
	}
	return false
}

// continuesSelect reports whether the token extends the query in parentheses before it.
func (p *parser) continuesSelect() bool {
	switch p.tok.kind {
	case kwUnion, kwIntersect, kwExcept, kwOrder, kwLimit, kwOffset, kwFetch, kwFor:
		return true
	}
	return false
}

// selectStmt is a query as a statement: without or in parentheses.
func (p *parser) selectStmt() *ast.SelectStmt { return p.selectNoParens() }

// selectWithParens is a query in parentheses.
func (p *parser) selectWithParens() *ast.SelectStmt {
	p.enter()
	defer p.leave()
	p.expect('(')
	s := p.selectNoParens()
	p.expect(')')
	return s
}

// selectNoParens is [WITH] query [ORDER BY] [LIMIT] [FOR UPDATE]. A query that is only parentheses is
// accepted too.
func (p *parser) selectNoParens() *ast.SelectStmt {
	p.enter()
	defer p.leave()
	var with *ast.WithClause
	if p.is(kwWith) || p.is(tokWith) {
		with = p.withClause()
	}
	return p.selectRest(with, p.selectPrimary())
}

// selectRest parses set operations and final clauses after a query's first part.
func (p *parser) selectRest(with *ast.WithClause, first *ast.SelectStmt) *ast.SelectStmt {
	s := p.setOps(first, 1)
	o := selectOptions{with: with}
	p.finalClauses(&o)
	p.applyOptions(s, &o)
	return s
}

// finalClauses parses ORDER BY, LIMIT and FOR UPDATE; the last two in either order.
func (p *parser) finalClauses(o *selectOptions) {
	o.sort = p.optSort()
	if p.is(kwFor) {
		o.locking = p.lockingClauses()
		p.optLimit(o)
		return
	}
	p.optLimit(o)
	o.locking = p.lockingClauses()
}

// setOps parses set operations of at least the given strength: 1 UNION and EXCEPT, 2 INTERSECT.
func (p *parser) setOps(left *ast.SelectStmt, floor int) *ast.SelectStmt {
	for {
		op, prec := ast.SetopUnion, 1
		switch p.tok.kind {
		case kwUnion:
		case kwExcept:
			op = ast.SetopExcept
		case kwIntersect:
			op, prec = ast.SetopIntersect, 2
		default:
			return left
		}
		if prec < floor {
			return left
		}
		p.next()
		all := p.setQuantifier()
		right := p.setOps(p.selectPrimary(), prec+1)
		left = &ast.SelectStmt{Op: op, All: all, Larg: left, Rarg: right}
	}
}

// setQuantifier is [ALL | DISTINCT]; true for ALL.
func (p *parser) setQuantifier() bool {
	if p.accept(kwAll) {
		return true
	}
	p.accept(kwDistinct)
	return false
}

// selectPrimary is SELECT ..., VALUES ..., TABLE name or a query in parentheses.
func (p *parser) selectPrimary() *ast.SelectStmt {
	switch p.tok.kind {
	case kwSelect:
		return p.simpleSelect()
	case kwValues:
		return p.valuesClause()
	case kwTable:
		p.next()
		s := p.selects.one()
		star := &ast.ColumnRef{Fields: []ast.Node{&ast.AStar{}}, Location: ast.NoLocation}
		s.TargetList = []*ast.ResTarget{{Val: star, Location: ast.NoLocation}}
		s.FromClause = p.list1(p.relationExpr())
		return s
	case '(':
		return p.selectWithParens()
	}
	p.syntaxError()
	return nil
}

// selectOptions are the clauses after the last part of a query.
type selectOptions struct {
	with    *ast.WithClause
	sort    []*ast.SortBy
	locking []*ast.LockingClause
	offset  ast.Node
	count   ast.Node
	option  ast.LimitOption
}

// applyOptions puts the clauses into s, which may have its own when it was in parentheses.
func (p *parser) applyOptions(s *ast.SelectStmt, o *selectOptions) {
	if o.sort != nil {
		if s.SortClause != nil {
			p.failAt(pgerr.SyntaxError, ast.ExprLocation(o.sort[0].Node), "multiple ORDER BY clauses not allowed")
		}
		s.SortClause = o.sort
	}
	s.LockingClause = append(s.LockingClause, o.locking...)
	if o.offset != nil {
		if s.LimitOffset != nil {
			p.failAt(pgerr.SyntaxError, ast.ExprLocation(o.offset), "multiple OFFSET clauses not allowed")
		}
		s.LimitOffset = o.offset
	}
	if o.count != nil {
		if s.LimitCount != nil {
			p.failAt(pgerr.SyntaxError, ast.ExprLocation(o.count), "multiple LIMIT clauses not allowed")
		}
		s.LimitCount = o.count
	}
	if o.option != ast.LimitOptionDefault {
		p.applyLimitOption(s, o)
	}
	if o.with != nil {
		if s.WithClause != nil {
			p.failAt(pgerr.SyntaxError, o.with.Location, "multiple WITH clauses not allowed")
		}
		s.WithClause = o.with
	}
}

func (p *parser) applyLimitOption(s *ast.SelectStmt, o *selectOptions) {
	if s.LimitOption != ast.LimitOptionDefault {
		p.failAt(pgerr.SyntaxError, ast.NoLocation, "multiple limit options not allowed")
	}
	if o.option == ast.LimitOptionWithTies {
		if s.SortClause == nil {
			p.failAt(pgerr.SyntaxError, ast.NoLocation, "WITH TIES cannot be specified without ORDER BY clause")
		}
		for _, l := range s.LockingClause {
			if l.WaitPolicy == ast.LockWaitSkip {
				p.failAt(pgerr.SyntaxError, ast.NoLocation, "SKIP LOCKED and WITH TIES options cannot be used together")
			}
		}
	}
	s.LimitOption = o.option
}

// simpleSelect is SELECT without the clauses that belong to a whole query.
func (p *parser) simpleSelect() *ast.SelectStmt {
	s := p.selects.one()
	p.expect(kwSelect)
	p.selectBody(s)
	return s
}

// selectBody parses what follows SELECT.
func (p *parser) selectBody(s *ast.SelectStmt) {
	needTargets := false
	if p.accept(kwDistinct) {
		needTargets = true
		s.DistinctClause = []ast.Node{nil}
		if p.accept(kwOn) {
			p.expect('(')
			s.DistinctClause = p.exprList()
			p.expect(')')
		}
	} else {
		p.accept(kwAll)
	}
	if needTargets || p.startsTarget() {
		s.TargetList = p.targetList()
	}
	if p.accept(kwInto) {
		s.IntoClause = &ast.IntoClause{Rel: p.intoTable()}
	}
	if p.accept(kwFrom) {
		s.FromClause = p.fromList()
	}
	s.WhereClause = p.optWhere()
	if p.is(kwGroup) {
		p.expectAll(kwGroup, kwBy)
		if p.accept(kwDistinct) {
			s.GroupDistinct = true
		} else {
			p.accept(kwAll)
		}
		s.GroupClause = p.groupByList()
	}
	if p.accept(kwHaving) {
		s.HavingClause = p.aExpr()
	}
	if p.accept(kwWindow) {
		s.WindowClause = p.windowList()
	}
}

// startsTarget reports whether a target list follows SELECT, which may be missing.
func (p *parser) startsTarget() bool {
	switch k := p.tok.kind; k {
	case tokEOF, ';', ')':
		return false
	case kwNot, kwDefault, kwUnique, kwTrue, kwFalse, kwNull, kwCase, kwArray, kwCast, kwCurrentDate, kwCurrentTime,
		kwCurrentTimestamp, kwLocaltime, kwLocaltimestamp, kwCurrentRole, kwCurrentUser, kwUser, kwSessionUser,
		kwCurrentCatalog:
		return true
	default:
		return !k.isKeyword() || k.category() != Reserved
	}
}

// endsTarget reports whether k may follow an output column.
func endsTarget(k tokKind) bool {
	switch k {
	case tokEOF, ';', ')', ',', kwInto, kwFrom, kwWhere, kwGroup, kwHaving, kwWindow, kwUnion, kwIntersect, kwExcept,
		kwOrder, kwLimit, kwOffset, kwFetch, kwFor, kwOn, kwWith, kwReturning, kwCreate, kwGrant:
		return true
	}
	return false
}

func (p *parser) optWhere() ast.Node {
	if !p.accept(kwWhere) {
		return nil
	}
	return p.aExpr()
}

// targetList is target [, ...].
func (p *parser) targetList() []*ast.ResTarget {
	first := p.target()
	if !p.is(',') {
		one := [1]*ast.ResTarget{first}
		return p.tlists.save(one[:])
	}
	list := append(make([]*ast.ResTarget, 0, 8), first)
	for p.accept(',') {
		list = append(list, p.target())
	}
	return list
}

// target is * or expression [[AS] label].
func (p *parser) target() *ast.ResTarget {
	t := p.targets.one()
	t.Location = p.tok.pos
	if p.is('*') {
		c := p.columns.one()
		c.Fields, c.Location = p.list1(&ast.AStar{}), p.tok.pos
		p.next()
		t.Val = c
		return t
	}
	outer := p.labelDepth
	p.labelDepth = p.depth + 1
	t.Val = p.aExpr()
	p.labelDepth = outer
	switch {
	case p.accept(kwAs):
		t.Name = p.colLabel()
	case p.tok.kind.isBareLabel():
		t.Name = p.take()
	}
	return t
}

// intoTable is the target of SELECT INTO.
func (p *parser) intoTable() *ast.RangeVar {
	persistence := ast.RelpersistencePermanent
	switch p.tok.kind {
	case kwTemporary, kwTemp:
		if p.nameFollows() {
			p.next()
			persistence = ast.RelpersistenceTemp
		}
	case kwLocal, kwGlobal:
		if n := p.peek(1); n == kwTemp || n == kwTemporary {
			p.next()
			p.next()
			persistence = ast.RelpersistenceTemp
		}
	case kwUnlogged:
		if p.nameFollows() {
			p.next()
			persistence = ast.RelpersistenceUnlogged
		}
	}
	p.accept(kwTable)
	r := p.qualifiedRel()
	r.Relpersistence = persistence
	return r
}

// nameFollows reports whether the word at the current token is followed by TABLE or a table's name.
func (p *parser) nameFollows() bool {
	k := p.peek(1)
	return k == kwTable || k.isColID()
}

// valuesClause is VALUES (...), ...
func (p *parser) valuesClause() *ast.SelectStmt {
	s := p.selects.one()
	p.expect(kwValues)
	for {
		p.expect('(')
		s.ValuesLists = append(s.ValuesLists, p.exprList())
		p.expect(')')
		if !p.accept(',') {
			return s
		}
	}
}

func (p *parser) optSort() []*ast.SortBy {
	if !p.is(kwOrder) {
		return nil
	}
	return p.sortClause()
}

// sortClause is ORDER BY element [, ...].
func (p *parser) sortClause() []*ast.SortBy {
	p.expectAll(kwOrder, kwBy)
	list := []*ast.SortBy{p.sortBy()}
	for p.accept(',') {
		list = append(list, p.sortBy())
	}
	return list
}

func (p *parser) sortBy() *ast.SortBy {
	s := &ast.SortBy{Node: p.aExpr(), Location: ast.NoLocation}
	if p.is(kwUsing) {
		p.next()
		s.SortbyDir, s.Location = ast.SortbyUsing, p.tok.pos
		if p.is(kwOperator) {
			s.UseOp = p.qualOp()
		} else {
			if !isOperator(p.tok.kind) {
				p.syntaxError()
			}
			s.UseOp = p.name1(p.take())
		}
	} else {
		s.SortbyDir = p.optAscDesc()
	}
	s.SortbyNulls = p.optNulls()
	return s
}

func (p *parser) optAscDesc() ast.SortByDir {
	switch {
	case p.accept(kwAsc):
		return ast.SortbyAsc
	case p.accept(kwDesc):
		return ast.SortbyDesc
	}
	return ast.SortbyDefault
}

func (p *parser) optNulls() ast.SortByNulls {
	if !p.accept(tokNulls) {
		return ast.SortbyNullsDefault
	}
	if p.accept(kwFirst) {
		return ast.SortbyNullsFirst
	}
	p.expect(kwLast)
	return ast.SortbyNullsLast
}

// groupByList is the list after GROUP BY.
func (p *parser) groupByList() []ast.Node {
	mark := p.mark()
	p.push(p.groupByItem())
	for p.accept(',') {
		p.push(p.groupByItem())
	}
	return p.takeList(mark)
}

func (p *parser) groupByItem() ast.Node {
	pos := p.tok.pos
	kind := ast.GroupingSetRollup
	switch p.tok.kind {
	case '(':
		if p.peek(1) == ')' {
			p.accept2('(', ')')
			return &ast.GroupingSet{Kind: ast.GroupingSetEmpty, Location: pos}
		}
		return p.aExpr()
	case kwGrouping:
		if p.peek(1) != kwSets {
			return p.aExpr()
		}
		p.enter()
		p.expectAll(kwGrouping, kwSets, '(')
		g := &ast.GroupingSet{Kind: ast.GroupingSetSets, Content: p.groupByList(), Location: pos}
		p.expect(')')
		p.leave()
		return g
	case kwCube:
		kind = ast.GroupingSetCube
		fallthrough
	case kwRollup:
		if p.peek(1) != '(' {
			return p.aExpr()
		}
		p.next()
		p.next()
		g := &ast.GroupingSet{Kind: kind, Content: p.exprList(), Location: pos}
		p.expect(')')
		return g
	}
	return p.aExpr()
}
