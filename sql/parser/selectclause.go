package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// optLimit parses LIMIT or FETCH FIRST, and OFFSET, in either order.
func (p *parser) optLimit(o *selectOptions) {
	first := p.tok.kind
	if first == kwOffset {
		p.offsetClause(o)
	}
	if p.is(kwLimit) || p.is(kwFetch) {
		p.countClause(o)
	}
	if first != kwOffset && p.is(kwOffset) {
		p.offsetClause(o)
	}
}

func (p *parser) offsetClause(o *selectOptions) {
	p.expect(kwOffset)
	at := p.tok
	o.offset = p.aExpr()
	if p.is(kwRow) || p.is(kwRows) {
		if !isFetchValue(o.offset, at.kind) {
			p.syntaxError()
		}
		p.next()
	}
}

// isFetchValue: what may stand before ROWS is an operand or a signed number; first is its first token.
func isFetchValue(n ast.Node, first tokKind) bool {
	switch n := n.(type) {
	case *ast.AExpr:
		c, ok := n.Rexpr.(*ast.AConst)
		if ok && n.Lexpr == nil && n.Name[0] == "+" {
			_, isStr := c.Val.(*ast.String)
			return !isStr && !c.Isnull
		}
		return first == '('
	case *ast.BoolExpr, *ast.NullTest, *ast.BooleanTest, *ast.CollateClause:
		return first == '('
	}
	return true
}

// countClause is LIMIT count or FETCH FIRST count ROWS ONLY.
func (p *parser) countClause(o *selectOptions) {
	pos := p.tok.pos
	if p.accept(kwLimit) {
		o.option = ast.LimitOptionCount
		at := p.tok.pos
		if p.accept(kwAll) {
			c := p.constant(nil, at)
			c.Isnull = true
			o.count = c
		} else {
			o.count = p.aExpr()
		}
		if p.accept(',') {
			p.aExpr()
			p.fail(pgerr.New(pgerr.SyntaxError, "LIMIT #,# syntax is not supported").
				WithHint("Use separate LIMIT and OFFSET clauses.").At(int(pos)))
		}
		return
	}
	p.expect(kwFetch)
	if !p.accept(kwFirst) {
		p.expect(kwNext)
	}
	o.option = ast.LimitOptionCount
	switch k := p.tok.kind; {
	case (k == kwRow || k == kwRows) && !p.rowsIsName():
		o.count = p.intConst(1, ast.NoLocation)
	case k == '+' || k == '-':
		sign, at := p.tok.kind, p.tok.pos
		p.next()
		if p.tok.kind != tokIconst && p.tok.kind != tokFconst {
			p.syntaxError()
		}
		n := p.literal()
		if sign == '-' {
			o.count = p.negate(n, at)
		} else {
			o.count = p.aexpr(ast.AExprOp, "+", nil, n, at)
		}
	default:
		o.count = p.cExpr(false)
	}
	if !p.accept(kwRow) {
		p.expect(kwRows)
	}
	if p.accept(kwWith) {
		p.expect(kwTies)
		o.option = ast.LimitOptionWithTies
		return
	}
	p.expect(kwOnly)
}

// rowsIsName reports whether ROW or ROWS at the current token begins the count of FETCH.
func (p *parser) rowsIsName() bool {
	k := p.peek(1)
	return k == kwRow || k == kwRows || k == '('
}

// lockingClauses is any number of FOR UPDATE and the like, or FOR READ ONLY, which gives nil.
func (p *parser) lockingClauses() (list []*ast.LockingClause) {
	for p.is(kwFor) {
		if list == nil && p.peek(1) == kwRead {
			p.expectAll(kwFor, kwRead, kwOnly)
			return nil
		}
		list = append(list, p.lockingClause())
	}
	return list
}

func (p *parser) lockingClause() *ast.LockingClause {
	l := &ast.LockingClause{}
	p.expect(kwFor)
	switch p.tok.kind {
	case kwUpdate:
		l.Strength = ast.LcsForupdate
	case kwShare:
		l.Strength = ast.LcsForshare
	case kwNo:
		p.expectAll(kwNo, kwKey)
		l.Strength = ast.LcsFornokeyupdate
		if !p.is(kwUpdate) {
			p.syntaxError()
		}
	case kwKey:
		p.next()
		l.Strength = ast.LcsForkeyshare
		if !p.is(kwShare) {
			p.syntaxError()
		}
	default:
		p.syntaxError()
	}
	p.next()
	if p.accept(kwOf) {
		l.LockedRels = p.qualifiedRels()
	}
	switch p.tok.kind {
	case kwNowait:
		p.next()
		l.WaitPolicy = ast.LockWaitError
	case kwSkip:
		p.expectAll(kwSkip, kwLocked)
		l.WaitPolicy = ast.LockWaitSkip
	}
	return l
}

// withClause is WITH [RECURSIVE] queries.
func (p *parser) withClause() *ast.WithClause {
	w := &ast.WithClause{Location: p.tok.pos}
	if !p.accept(tokWith) { // a query named time
		p.expect(kwWith)
	}
	if p.is(kwRecursive) && p.peek(1) != kwAs && p.peek(1) != '(' {
		p.next()
		w.Recursive = true
	}
	for {
		w.Ctes = append(w.Ctes, p.cte())
		if !p.accept(',') {
			return w
		}
	}
}

// cte is one query of WITH.
func (p *parser) cte() *ast.CommonTableExpr {
	p.enter()
	defer p.leave()
	c := &ast.CommonTableExpr{Location: p.tok.pos}
	c.Ctename = p.name()
	c.Aliascolnames = p.optParenNames()
	p.expect(kwAs)
	switch {
	case p.accept(kwMaterialized):
		c.Ctematerialized = ast.CTEMaterializeAlways
	case p.is(kwNot):
		p.expectAll(kwNot, kwMaterialized)
		c.Ctematerialized = ast.CTEMaterializeNever
	}
	p.expect('(')
	c.Ctequery = p.preparableStmt()
	p.expect(')')
	if p.is(kwSearch) {
		c.SearchClause = p.searchClause()
	}
	if p.is(kwCycle) {
		c.CycleClause = p.cycleClause()
	}
	return c
}

func (p *parser) searchClause() *ast.CTESearchClause {
	s := &ast.CTESearchClause{Location: p.tok.pos}
	p.expect(kwSearch)
	if p.accept(kwBreadth) {
		s.SearchBreadthFirst = true
	} else {
		p.expect(kwDepth)
	}
	p.expectAll(kwFirst, kwBy)
	s.SearchColList = p.nameList()
	p.expect(kwSet)
	s.SearchSeqColumn = p.colID()
	return s
}

func (p *parser) cycleClause() *ast.CTECycleClause {
	c := &ast.CTECycleClause{Location: p.tok.pos}
	p.expect(kwCycle)
	c.CycleColList = p.nameList()
	p.expect(kwSet)
	c.CycleMarkColumn = p.colID()
	if p.accept(kwTo) {
		c.CycleMarkValue = p.aexprConst()
		p.expect(kwDefault)
		c.CycleMarkDefault = p.aexprConst()
	} else {
		c.CycleMarkValue = p.constant(&ast.Boolean{Boolval: true}, ast.NoLocation)
		c.CycleMarkDefault = p.constant(&ast.Boolean{}, ast.NoLocation)
	}
	p.expect(kwUsing)
	c.CyclePathColumn = p.colID()
	return c
}

// aexprConst is a literal of any form.
func (p *parser) aexprConst() ast.Node {
	if k := p.tok.kind; k == '(' || k == tokParam {
		p.syntaxError()
	}
	n := p.cExpr(true)
	switch n := n.(type) {
	case *ast.AConst:
		return n
	case *ast.TypeCast:
		if n.Location == ast.NoLocation {
			return n
		}
	}
	p.syntaxError()
	return nil
}

// windowList is the list after WINDOW.
func (p *parser) windowList() []*ast.WindowDef {
	var list []*ast.WindowDef
	for {
		name := p.colID()
		p.expect(kwAs)
		w := p.windowSpec()
		w.Name = name
		list = append(list, w)
		if !p.accept(',') {
			return list
		}
	}
}

// windowSpec is '(' [name] [PARTITION BY] [ORDER BY] [frame] ')'.
func (p *parser) windowSpec() *ast.WindowDef {
	p.enter()
	defer p.leave()
	w := &ast.WindowDef{Location: p.tok.pos, FrameOptions: ast.FrameoptionDefaults}
	p.expect('(')
	switch p.tok.kind {
	case kwPartition, kwRange, kwRows, kwGroups: // not a window's name here
	default:
		if p.tok.kind.isColID() {
			w.Refname = p.take()
		}
	}
	if p.is(kwPartition) {
		p.expectAll(kwPartition, kwBy)
		w.PartitionClause = p.exprList()
	}
	w.OrderClause = p.optSort()
	switch p.tok.kind {
	case kwRange:
		p.frame(w, ast.FrameoptionRange)
	case kwRows:
		p.frame(w, ast.FrameoptionRows)
	case kwGroups:
		p.frame(w, ast.FrameoptionGroups)
	}
	p.expect(')')
	return w
}

// frameBound is one bound of a window frame, in the bits of a starting bound.
type frameBound struct {
	options int32
	offset  ast.Node
	pos     int32
}

// frame parses a frame clause; unit is its first word.
func (p *parser) frame(w *ast.WindowDef, unit int32) {
	p.next()
	opts := unit | ast.FrameoptionNondefault
	if p.accept(kwBetween) {
		start := p.frameBound()
		p.expect(kwAnd)
		end := p.frameBound()
		p.checkFrame(start, end)
		opts |= start.options | end.options<<1 | ast.FrameoptionBetween
		w.StartOffset, w.EndOffset = start.offset, end.offset
	} else {
		start := p.frameBound()
		if start.options == ast.FrameoptionStartUnboundedFollowing {
			p.failAt(pgerr.WindowingError, start.pos, "frame start cannot be UNBOUNDED FOLLOWING")
		}
		if start.options == ast.FrameoptionStartOffsetFollowing {
			p.failAt(pgerr.WindowingError, start.pos, "frame starting from following row cannot end with current row")
		}
		opts |= start.options | ast.FrameoptionEndCurrentRow
		w.StartOffset = start.offset
	}
	if p.accept(kwExclude) {
		opts |= p.frameExclusion()
	}
	w.FrameOptions = opts
}

func (p *parser) checkFrame(start, end frameBound) {
	msg := ""
	at := start.pos
	switch {
	case start.options == ast.FrameoptionStartUnboundedFollowing:
		msg = "frame start cannot be UNBOUNDED FOLLOWING"
	case end.options == ast.FrameoptionStartUnboundedPreceding:
		msg, at = "frame end cannot be UNBOUNDED PRECEDING", end.pos
	case start.options == ast.FrameoptionStartCurrentRow && end.options == ast.FrameoptionStartOffsetPreceding:
		msg, at = "frame starting from current row cannot have preceding rows", end.pos
	case start.options == ast.FrameoptionStartOffsetFollowing &&
		(end.options == ast.FrameoptionStartOffsetPreceding || end.options == ast.FrameoptionStartCurrentRow):
		msg, at = "frame starting from following row cannot have preceding rows", end.pos
	}
	if msg != "" {
		p.failAt(pgerr.WindowingError, at, "%s", msg)
	}
}

func (p *parser) frameBound() frameBound {
	b := frameBound{pos: p.tok.pos}
	if p.is(kwUnbounded) {
		switch p.peek(1) {
		case kwPreceding:
			p.accept2(kwUnbounded, kwPreceding)
			b.options = ast.FrameoptionStartUnboundedPreceding
			return b
		case kwFollowing:
			p.accept2(kwUnbounded, kwFollowing)
			b.options = ast.FrameoptionStartUnboundedFollowing
			return b
		}
	}
	if p.accept2(kwCurrent, kwRow) {
		b.options = ast.FrameoptionStartCurrentRow
		return b
	}
	if p.is(kwBetween) {
		p.syntaxError()
	}
	b.offset = p.aExpr()
	if p.accept(kwPreceding) {
		b.options = ast.FrameoptionStartOffsetPreceding
		return b
	}
	p.expect(kwFollowing)
	b.options = ast.FrameoptionStartOffsetFollowing
	return b
}

func (p *parser) frameExclusion() int32 {
	switch p.tok.kind {
	case kwCurrent:
		p.expectAll(kwCurrent, kwRow)
		return ast.FrameoptionExcludeCurrentRow
	case kwGroup:
		p.next()
		return ast.FrameoptionExcludeGroup
	case kwTies:
		p.next()
		return ast.FrameoptionExcludeTies
	}
	p.expectAll(kwNo, kwOthers)
	return 0
}
