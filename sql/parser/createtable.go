package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// ifNotExists is [IF NOT EXISTS].
func (p *parser) ifNotExists() bool {
	if p.is(kwIf) && p.peek(1) == kwNot {
		p.expectAll(kwIf, kwNot, kwExists)
		return true
	}
	return false
}

// ifExists is [IF EXISTS].
func (p *parser) ifExists() bool {
	return p.accept2(kwIf, kwExists)
}

// ifExistsNoName is ifExists where no name could follow, so that IF must begin it.
func (p *parser) ifExistsNoName() bool {
	if !p.accept(kwIf) {
		return false
	}
	p.expect(kwExists)
	return true
}

// ifNotExistsNoName is ifNotExists where no name could follow.
func (p *parser) ifNotExistsNoName() bool {
	if !p.accept(kwIf) {
		return false
	}
	p.expectAll(kwNot, kwExists)
	return true
}

// persistence is [TEMPORARY | TEMP | LOCAL TEMP | GLOBAL TEMP | UNLOGGED].
func (p *parser) persistence() byte {
	switch p.tok.kind {
	case kwTemporary, kwTemp:
		p.next()
		return ast.RelpersistenceTemp
	case kwLocal, kwGlobal:
		p.next()
		if !p.accept(kwTemporary) {
			p.expect(kwTemp)
		}
		return ast.RelpersistenceTemp
	case kwUnlogged:
		p.next()
		return ast.RelpersistenceUnlogged
	}
	return ast.RelpersistencePermanent
}

// createTable is CREATE TABLE from the word TABLE on.
func (p *parser) createTable(persistence byte) ast.Stmt {
	p.expect(kwTable)
	s := &ast.CreateStmt{IfNotExists: p.ifNotExists()}
	s.Relation = p.qualifiedRel()
	s.Relation.Relpersistence = persistence
	switch {
	case p.accept(kwOf):
		s.OfTypename = &ast.TypeName{Typemod: -1, Location: p.tok.pos}
		s.OfTypename.Names = p.anyName()
		s.TableElts = p.optTypedElements()
		return p.createTableEnd(s)
	case p.accept(kwPartition):
		p.expect(kwOf)
		s.InhRelations = []*ast.RangeVar{p.qualifiedRel()}
		s.TableElts = p.optTypedElements()
		s.Partbound = p.partitionBound()
		return p.createTableEnd(s)
	case !p.is('(') && !p.noTableAs:
		return p.createTableAs(s, nil)
	}
	if p.peek(1).isColID() && !p.noTableAs {
		if k := p.peek(2); k == ',' || k == ')' {
			return p.createTableAs(s, p.parenNames())
		}
	}
	s.TableElts = p.tableElements()
	s.InhRelations = p.optInherit()
	return p.createTableEnd(s)
}

// createTableEnd parses the clauses after the columns.
func (p *parser) createTableEnd(s *ast.CreateStmt) ast.Stmt {
	s.Partspec = p.optPartitionSpec()
	s.AccessMethod = p.optUsing()
	s.Options = p.optTableOptions()
	s.Oncommit = p.onCommit()
	s.Tablespacename = p.optTablespace()
	return s
}

// createTableAs is CREATE TABLE name [(columns)] ... AS query.
func (p *parser) createTableAs(c *ast.CreateStmt, cols []string) ast.Stmt {
	into := &ast.IntoClause{Rel: c.Relation, ColNames: cols}
	into.AccessMethod = p.optUsing()
	into.Options = p.optTableOptions()
	into.OnCommit = p.onCommit()
	into.TableSpaceName = p.optTablespace()
	p.expect(kwAs)
	s := &ast.CreateTableAsStmt{Into: into, Objtype: ast.ObjectTable, IfNotExists: c.IfNotExists}
	if p.is(kwExecute) {
		s.Query = p.executeStmt()
	} else {
		s.Query = p.selectStmt()
	}
	into.SkipData = p.withNoData()
	return s
}

// withNoData is [WITH [NO] DATA]; true for NO.
func (p *parser) withNoData() bool {
	if !p.accept(kwWith) {
		return false
	}
	no := p.accept(kwNo)
	p.expect(kwData)
	return no
}

// optUsing is [USING access-method].
func (p *parser) optUsing() string {
	if p.accept(kwUsing) {
		return p.name()
	}
	return ""
}

// optTableOptions is [WITH (options) | WITHOUT OIDS].
func (p *parser) optTableOptions() []*ast.DefElem {
	if p.accept(kwWith) {
		return p.reloptions()
	}
	if p.accept(kwWithout) {
		p.expect(kwOids)
	}
	return nil
}

// optReloptions is [WITH (options)].
func (p *parser) optReloptions() []*ast.DefElem {
	if p.accept(kwWith) {
		return p.reloptions()
	}
	return nil
}

// reloptions is '(' [namespace.]name [= value] [, ...] ')'.
func (p *parser) reloptions() []*ast.DefElem {
	p.expect('(')
	var list []*ast.DefElem
	for {
		e := &ast.DefElem{Location: p.tok.pos}
		e.Defname = p.colLabel()
		if p.accept('.') {
			e.Defnamespace, e.Defname = e.Defname, p.colLabel()
		}
		if p.accept('=') {
			e.Arg = p.defArg()
		}
		list = append(list, e)
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}

// defArg is an option's value: a type name, reserved word, operator, number or string.
func (p *parser) defArg() ast.Node {
	k := p.tok.kind
	switch {
	case k == tokSconst, k == kwNone:
		return p.str(p.take())
	case k == kwOperator && p.peek(1) == '(':
		return ast.NameNode(p.qualOp())
	case p.startsNumeric() && (k == tokIconst || k == tokFconst || p.peek(1) == tokIconst || p.peek(1) == tokFconst):
		return p.numericOnly()
	case isOperator(k):
		return ast.NameNode([]string{p.take()})
	case k.isKeyword() && k.category() == Reserved:
		return p.str(p.take())
	}
	return p.funcType()
}

// definition is '(' name [= value] [, ...] ')'.
func (p *parser) definition() []*ast.DefElem {
	p.expect('(')
	var list []*ast.DefElem
	for {
		e := &ast.DefElem{Location: p.tok.pos}
		e.Defname = p.colLabel()
		if p.accept('=') {
			e.Arg = p.defArg()
		}
		list = append(list, e)
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}

// optDefinition is [WITH definition].
func (p *parser) optDefinition() []*ast.DefElem {
	if !p.accept(kwWith) {
		return nil
	}
	return p.definition()
}

// onCommit is [ON COMMIT action].
func (p *parser) onCommit() ast.OnCommitAction {
	if !p.accept(kwOn) {
		return ast.OncommitNoop
	}
	p.expect(kwCommit)
	switch {
	case p.accept(kwDrop):
		return ast.OncommitDrop
	case p.accept(kwDelete):
		p.expect(kwRows)
		return ast.OncommitDeleteRows
	}
	p.expectAll(kwPreserve, kwRows)
	return ast.OncommitPreserveRows
}

func (p *parser) optTablespace() string {
	if p.accept(kwTablespace) {
		return p.name()
	}
	return ""
}

func (p *parser) optInherit() []*ast.RangeVar {
	if !p.accept(kwInherits) {
		return nil
	}
	p.expect('(')
	l := p.qualifiedRels()
	p.expect(')')
	return l
}

// tableElements is '(' [element [, ...]] ')'.
func (p *parser) tableElements() []ast.Node {
	p.expect('(')
	if p.accept(')') {
		return nil
	}
	var list []ast.Node
	for {
		switch {
		case p.is(kwLike):
			list = append(list, p.likeClause())
		case p.startsTableConstraint():
			list = append(list, p.tableConstraint())
		default:
			list = append(list, p.columnDef())
		}
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}

// optTypedElements is the element list of a typed table or partition: columns without types.
func (p *parser) optTypedElements() []ast.Node {
	if !p.accept('(') {
		return nil
	}
	var list []ast.Node
	for {
		if p.startsTableConstraint() {
			list = append(list, p.tableConstraint())
		} else {
			c := &ast.ColumnDef{IsLocal: true, Location: p.tok.pos}
			c.Colname = p.colID()
			if p.accept(kwWith) {
				p.expect(kwOptions)
			}
			p.columnConstraints(c)
			list = append(list, c)
		}
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}

func (p *parser) likeClause() ast.Node {
	p.expect(kwLike)
	l := &ast.TableLikeClause{Relation: p.qualifiedRel()}
	for p.is(kwIncluding) || p.is(kwExcluding) {
		including := p.is(kwIncluding)
		p.next()
		bit := uint32(0)
		switch p.tok.kind {
		case kwComments:
			bit = ast.CreateTableLikeComments
		case kwCompression:
			bit = ast.CreateTableLikeCompression
		case kwConstraints:
			bit = ast.CreateTableLikeConstraints
		case kwDefaults:
			bit = ast.CreateTableLikeDefaults
		case kwIdentity:
			bit = ast.CreateTableLikeIdentity
		case kwGenerated:
			bit = ast.CreateTableLikeGenerated
		case kwIndexes:
			bit = ast.CreateTableLikeIndexes
		case kwStatistics:
			bit = ast.CreateTableLikeStatistics
		case kwStorage:
			bit = ast.CreateTableLikeStorage
		case kwAll:
			bit = ast.CreateTableLikeAll
		default:
			p.syntaxError()
		}
		p.next()
		if including {
			l.Options |= bit
		} else {
			l.Options &^= bit
		}
	}
	return l
}

// columnDef is name type [COMPRESSION] [OPTIONS] constraints.
func (p *parser) columnDef() *ast.ColumnDef {
	c := &ast.ColumnDef{IsLocal: true, Location: p.tok.pos}
	c.Colname = p.colID()
	c.TypeName = p.typeName()
	if p.is(kwCompression) {
		c.Compression = p.columnCompression()
	}
	if p.is(kwOptions) {
		c.Fdwoptions = p.createGenericOptions()
	}
	p.columnConstraints(c)
	return c
}

func (p *parser) columnCompression() string {
	p.expect(kwCompression)
	if p.is(kwDefault) {
		return p.take()
	}
	return p.colID()
}

// optPartitionSpec is [PARTITION BY strategy (keys)].
func (p *parser) optPartitionSpec() *ast.PartitionSpec {
	if !p.is(kwPartition) {
		return nil
	}
	s := &ast.PartitionSpec{Location: p.tok.pos}
	p.expectAll(kwPartition, kwBy)
	s.Strategy = p.colID()
	p.expect('(')
	for {
		s.PartParams = append(s.PartParams, p.partitionElem())
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return s
}

func (p *parser) partitionElem() *ast.PartitionElem {
	e := &ast.PartitionElem{Location: p.tok.pos}
	e.Name, e.Expr = p.columnOrExpr()
	if p.accept(kwCollate) {
		e.Collation = p.anyName()
	}
	if p.tok.kind.isColID() {
		e.Opclass = p.anyName()
	}
	return e
}

// columnOrExpr is a column name, a call, or an expression in parentheses: what can be indexed.
func (p *parser) columnOrExpr() (string, ast.Node) {
	if p.accept('(') {
		e := p.aExpr()
		p.expect(')')
		return "", e
	}
	k, next := p.tok.kind, p.peek(1)
	if k.isColID() && next != '(' && next != '.' && !(k == kwCollation && next == kwFor) {
		return p.take(), nil
	}
	return "", p.windowlessCall()
}

// partitionBound is FOR VALUES ... or DEFAULT.
func (p *parser) partitionBound() *ast.PartitionBoundSpec {
	b := &ast.PartitionBoundSpec{Location: p.tok.pos}
	if p.accept(kwDefault) {
		b.IsDefault = true
		return b
	}
	p.expectAll(kwFor, kwValues)
	b.Location = p.tok.pos
	switch {
	case p.accept(kwIn):
		b.Strategy = ast.PartitionStrategyList
		p.expect('(')
		b.Listdatums = p.exprList()
		p.expect(')')
	case p.accept(kwFrom):
		b.Strategy = ast.PartitionStrategyRange
		p.expect('(')
		b.Lowerdatums = p.exprList()
		p.expectAll(')', kwTo, '(')
		b.Upperdatums = p.exprList()
		p.expect(')')
	default:
		p.expect(kwWith)
		p.hashBound(b)
	}
	return b
}

func (p *parser) hashBound(b *ast.PartitionBoundSpec) {
	b.Strategy, b.Modulus, b.Remainder = ast.PartitionStrategyHash, -1, -1
	p.expect('(')
	var opts []*ast.DefElem
	for {
		e := &ast.DefElem{Location: p.tok.pos}
		e.Defname = p.nonReservedWord()
		e.Arg = &ast.Integer{Ival: p.iconst()}
		opts = append(opts, e)
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	for _, e := range opts {
		field := &b.Modulus
		switch e.Defname {
		case "modulus":
		case "remainder":
			field = &b.Remainder
		default:
			p.failAt(pgerr.SyntaxError, e.Location, "unrecognized hash partition bound specification \"%s\"", e.Defname)
		}
		if *field != -1 {
			p.failAt(pgerr.DuplicateObject, e.Location, "%s for hash partition provided more than once", e.Defname)
		}
		*field = e.Arg.(*ast.Integer).Ival
	}
	if b.Modulus == -1 {
		p.failAt(pgerr.SyntaxError, ast.NoLocation, "modulus for hash partition must be specified")
	}
	if b.Remainder == -1 {
		p.failAt(pgerr.SyntaxError, ast.NoLocation, "remainder for hash partition must be specified")
	}
}
