package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// alterRelation is ALTER TABLE, INDEX, SEQUENCE, VIEW, MATERIALIZED VIEW or FOREIGN TABLE after the kind's words.
func (p *parser) alterRelation(t ast.ObjectType) ast.Stmt {
	if p.is(kwAll) && (t == ast.ObjectTable || t == ast.ObjectIndex || t == ast.ObjectMatview) {
		return p.alterMoveAll(t)
	}
	missing := p.ifExists()
	var rel *ast.RangeVar
	if t == ast.ObjectTable || t == ast.ObjectForeignTable {
		rel = p.relationExpr()
	} else {
		rel = p.qualifiedRel()
	}
	switch p.tok.kind {
	case kwRename:
		return p.renameInRelation(t, rel, missing)
	case kwSet:
		if p.peek(1) == kwSchema {
			p.accept2(kwSet, kwSchema)
			return &ast.AlterObjectSchemaStmt{ObjectType: t, Relation: rel, Newschema: p.name(), MissingOk: missing}
		}
	case kwDepends, kwNo:
		if (t == ast.ObjectIndex || t == ast.ObjectMatview) && !missing && (p.is(kwDepends) || p.peek(1) == kwDepends) {
			s := &ast.AlterObjectDependsStmt{ObjectType: t, Relation: rel}
			return p.dependsOn(s)
		}
	}
	if t == ast.ObjectSequence {
		if opts := p.seqOptions(); opts != nil {
			return &ast.AlterSeqStmt{Sequence: rel, Options: opts, MissingOk: missing}
		}
	}
	s := &ast.AlterTableStmt{Relation: rel, Objtype: t, MissingOk: missing}
	if c := p.partitionCmd(t); c != nil {
		s.Cmds = []*ast.AlterTableCmd{c}
		return s
	}
	for {
		s.Cmds = append(s.Cmds, p.alterTableCmd())
		if !p.accept(',') {
			return s
		}
	}
}

// alterMoveAll is ALTER TABLE ALL IN TABLESPACE.
func (p *parser) alterMoveAll(t ast.ObjectType) ast.Stmt {
	p.expectAll(kwAll, kwIn, kwTablespace)
	s := &ast.AlterTableMoveAllStmt{Objtype: t, OrigTablespacename: p.name()}
	if p.accept(kwOwned) {
		p.expect(kwBy)
		s.Roles = p.roleList()
	}
	p.expectAll(kwSet, kwTablespace)
	s.NewTablespacename = p.name()
	s.Nowait = p.accept(kwNowait)
	return s
}

// renameInRelation is RENAME TO, RENAME [COLUMN] a TO b, RENAME CONSTRAINT a TO b.
func (p *parser) renameInRelation(t ast.ObjectType, rel *ast.RangeVar, missing bool) ast.Stmt {
	p.expect(kwRename)
	s := &ast.RenameStmt{RenameType: t, Relation: rel, MissingOk: missing}
	if p.accept(kwTo) {
		s.Newname = p.name()
		return s
	}
	if t == ast.ObjectIndex || t == ast.ObjectSequence {
		p.syntaxError()
	}
	if p.is(kwConstraint) && t == ast.ObjectTable {
		p.next()
		s.RenameType = ast.ObjectTabconstraint
	} else {
		p.accept(kwColumn)
		s.RenameType, s.RelationType = ast.ObjectColumn, t
	}
	s.Subname = p.name()
	p.expect(kwTo)
	s.Newname = p.name()
	return s
}

// dependsOn is [NO] DEPENDS ON EXTENSION name.
func (p *parser) dependsOn(s *ast.AlterObjectDependsStmt) ast.Stmt {
	s.Remove = p.accept(kwNo)
	p.expectAll(kwDepends, kwOn, kwExtension)
	s.Extname = p.name()
	return s
}

// partitionCmd is ATTACH or DETACH PARTITION, which stand alone; nil for other actions.
func (p *parser) partitionCmd(t ast.ObjectType) *ast.AlterTableCmd {
	switch {
	case p.is(kwAttach) && (t == ast.ObjectTable || t == ast.ObjectIndex):
		p.expectAll(kwAttach, kwPartition)
		cmd := &ast.PartitionCmd{Name: p.qualifiedRel()}
		if t == ast.ObjectTable {
			cmd.Bound = p.partitionBound()
		}
		return &ast.AlterTableCmd{Subtype: ast.ATAttachPartition, Def: cmd}
	case p.is(kwDetach) && t == ast.ObjectTable:
		p.expectAll(kwDetach, kwPartition)
		cmd := &ast.PartitionCmd{Name: p.qualifiedRel()}
		if p.accept(kwFinalize) {
			return &ast.AlterTableCmd{Subtype: ast.ATDetachPartitionFinalize, Def: cmd}
		}
		cmd.Concurrent = p.accept(kwConcurrently)
		return &ast.AlterTableCmd{Subtype: ast.ATDetachPartition, Def: cmd}
	}
	return nil
}

// alterTableCmd is one action of ALTER TABLE.
func (p *parser) alterTableCmd() *ast.AlterTableCmd {
	c := &ast.AlterTableCmd{}
	switch p.tok.kind {
	case kwAdd:
		p.next()
		p.alterAdd(c)
	case kwAlter:
		p.next()
		p.alterColumnOrConstraint(c)
	case kwDrop:
		p.next()
		p.alterDrop(c)
	case kwSet:
		p.next()
		p.alterSet(c)
	case kwReset:
		p.next()
		c.Subtype, c.Def = ast.ATResetRelOptions, optionList(p.reloptions())
	case kwValidate:
		p.expectAll(kwValidate, kwConstraint)
		c.Subtype, c.Name = ast.ATValidateConstraint, p.name()
	case kwCluster:
		p.expectAll(kwCluster, kwOn)
		c.Subtype, c.Name = ast.ATClusterOn, p.name()
	case kwEnable, kwDisable:
		p.alterEnable(c)
	case kwForce:
		p.expectAll(kwForce, kwRow, kwLevel, kwSecurity)
		c.Subtype = ast.ATForceRowSecurity
	case kwInherit:
		p.next()
		c.Subtype, c.Def = ast.ATAddInherit, p.qualifiedRel()
	case kwNo:
		p.next()
		if p.accept(kwInherit) {
			c.Subtype, c.Def = ast.ATDropInherit, p.qualifiedRel()
			break
		}
		p.expectAll(kwForce, kwRow, kwLevel, kwSecurity)
		c.Subtype = ast.ATNoForceRowSecurity
	case kwOf:
		p.next()
		t := &ast.TypeName{Typemod: -1, Location: p.tok.pos}
		t.Names = p.anyName()
		c.Subtype, c.Def = ast.ATAddOf, t
	case kwNot:
		p.expectAll(kwNot, kwOf)
		c.Subtype = ast.ATDropOf
	case kwOwner:
		p.expectAll(kwOwner, kwTo)
		c.Subtype, c.Newowner = ast.ATChangeOwner, p.roleSpec()
	case kwReplica:
		p.expectAll(kwReplica, kwIdentity)
		c.Subtype, c.Def = ast.ATReplicaIdentity, p.replicaIdentity()
	case kwOptions:
		c.Subtype, c.Def = ast.ATGenericOptions, optionList(p.alterGenericOptions())
	default:
		p.syntaxError()
	}
	return c
}

func (p *parser) replicaIdentity() *ast.ReplicaIdentityStmt {
	r := &ast.ReplicaIdentityStmt{}
	switch {
	case p.accept(kwNothing):
		r.IdentityType = 'n'
	case p.accept(kwFull):
		r.IdentityType = 'f'
	case p.accept(kwDefault):
		r.IdentityType = 'd'
	default:
		p.expectAll(kwUsing, kwIndex)
		r.IdentityType, r.Name = 'i', p.name()
	}
	return r
}

func (p *parser) alterAdd(c *ast.AlterTableCmd) {
	if p.startsTableConstraint() {
		c.Subtype, c.Def = ast.ATAddConstraint, p.tableConstraint()
		return
	}
	p.accept(kwColumn)
	c.MissingOk = p.ifNotExists()
	col := p.columnDef()
	c.Subtype, c.Def = ast.ATAddColumn, col
}

func (p *parser) alterDrop(c *ast.AlterTableCmd) {
	if p.accept(kwConstraint) {
		c.Subtype = ast.ATDropConstraint
	} else {
		c.Subtype = ast.ATDropColumn
		p.accept(kwColumn)
	}
	c.MissingOk = p.ifExists()
	c.Name = p.name()
	c.Behavior = p.dropBehavior()
}

func (p *parser) alterSet(c *ast.AlterTableCmd) {
	switch p.tok.kind {
	case '(':
		c.Subtype, c.Def = ast.ATSetRelOptions, optionList(p.reloptions())
	case kwWithout:
		p.next()
		if p.accept(kwOids) {
			c.Subtype = ast.ATDropOids
			return
		}
		p.expect(kwCluster)
		c.Subtype = ast.ATDropCluster
	case kwLogged:
		p.next()
		c.Subtype = ast.ATSetLogged
	case kwUnlogged:
		p.next()
		c.Subtype = ast.ATSetUnLogged
	case kwAccess:
		p.expectAll(kwAccess, kwMethod)
		c.Subtype, c.Name = ast.ATSetAccessMethod, p.name()
	default:
		p.expect(kwTablespace)
		c.Subtype, c.Name = ast.ATSetTableSpace, p.name()
	}
}

// alterEnable is ENABLE or DISABLE of triggers, rules and row security.
func (p *parser) alterEnable(c *ast.AlterTableCmd) {
	enable := p.is(kwEnable)
	p.next()
	mode := kwEnable
	if !enable {
		mode = kwDisable
	} else if p.is(kwAlways) || p.is(kwReplica) {
		mode = p.tok.kind
		p.next()
	}
	switch {
	case p.is(kwRow) && (mode == kwEnable || mode == kwDisable):
		p.expectAll(kwRow, kwLevel, kwSecurity)
		c.Subtype = ast.ATEnableRowSecurity
		if !enable {
			c.Subtype = ast.ATDisableRowSecurity
		}
	case p.accept(kwRule):
		switch mode {
		case kwEnable:
			c.Subtype = ast.ATEnableRule
		case kwDisable:
			c.Subtype = ast.ATDisableRule
		case kwAlways:
			c.Subtype = ast.ATEnableAlwaysRule
		default:
			c.Subtype = ast.ATEnableReplicaRule
		}
		c.Name = p.name()
	default:
		p.expect(kwTrigger)
		p.enableTrigger(c, mode)
	}
}

func (p *parser) enableTrigger(c *ast.AlterTableCmd, mode tokKind) {
	switch mode {
	case kwAlways:
		c.Subtype, c.Name = ast.ATEnableAlwaysTrig, p.name()
		return
	case kwReplica:
		c.Subtype, c.Name = ast.ATEnableReplicaTrig, p.name()
		return
	}
	one, all, user := ast.ATEnableTrig, ast.ATEnableTrigAll, ast.ATEnableTrigUser
	if mode == kwDisable {
		one, all, user = ast.ATDisableTrig, ast.ATDisableTrigAll, ast.ATDisableTrigUser
	}
	switch {
	case p.accept(kwAll):
		c.Subtype = all
	case p.accept(kwUser):
		c.Subtype = user
	default:
		c.Subtype, c.Name = one, p.name()
	}
}

// alterColumnOrConstraint is what follows ALTER inside ALTER TABLE.
func (p *parser) alterColumnOrConstraint(c *ast.AlterTableCmd) {
	if p.accept(kwConstraint) {
		n := &ast.Constraint{Contype: ast.ConstrForeign, Conname: p.name(), Location: ast.NoLocation}
		p.applyAttrs(n, "FOREIGN KEY", attrDeferrable|attrInitiallyDeferred)
		c.Subtype, c.Def = ast.ATAlterConstraint, n
		return
	}
	p.accept(kwColumn)
	if p.is(tokIconst) {
		pos := p.tok.pos
		n := p.iconst()
		p.expectAll(kwSet, kwStatistics)
		c.Subtype, c.Def = ast.ATSetStatistics, &ast.Integer{Ival: p.signedIconst()}
		if n <= 0 || n > 1<<15-1 {
			p.failAt(pgerr.InvalidParameterValue, pos, "column number must be in range from 1 to %d", 1<<15-1)
		}
		c.Num = int16(n)
		return
	}
	pos := p.tok.pos
	c.Name = p.colID()
	p.alterColumn(c)
	if d, ok := c.Def.(*ast.ColumnDef); ok {
		d.Location = pos
	}
}

// alterColumn is the action on a column.
func (p *parser) alterColumn(c *ast.AlterTableCmd) {
	switch p.tok.kind {
	case kwSet:
		switch p.peek(1) {
		case kwGenerated, kwStart, kwRestart, kwIncrement, kwMaxvalue, kwMinvalue, kwCache, kwCycle, kwNo, kwAs,
			kwOwned, kwSequence:
			c.Subtype, c.Def = ast.ATSetIdentity, p.identityOptions()
			return
		}
		p.next()
		p.alterColumnSet(c)
	case kwRestart:
		c.Subtype, c.Def = ast.ATSetIdentity, p.identityOptions()
	case kwReset:
		p.next()
		c.Subtype, c.Def = ast.ATResetOptions, optionList(p.reloptions())
	case kwDrop:
		p.next()
		switch {
		case p.accept(kwDefault):
			c.Subtype = ast.ATColumnDefault
		case p.accept(kwNot):
			p.expect(kwNull)
			c.Subtype = ast.ATDropNotNull
		case p.accept(kwExpression):
			c.Subtype, c.MissingOk = ast.ATDropExpression, p.ifExistsNoName()
		default:
			p.expect(kwIdentity)
			c.Subtype, c.MissingOk = ast.ATDropIdentity, p.ifExistsNoName()
		}
	case kwAdd:
		n := &ast.Constraint{Contype: ast.ConstrIdentity}
		p.next()
		n.Location = p.tok.pos
		p.expect(kwGenerated)
		n.GeneratedWhen = p.generatedWhen()
		p.expect(kwAs)
		p.identity(n)
		c.Subtype, c.Def = ast.ATAddIdentity, n
	case kwType:
		p.alterColumnType(c)
	case kwOptions:
		c.Subtype, c.Def = ast.ATAlterColumnGenericOptions, optionList(p.alterGenericOptions())
	default:
		p.syntaxError()
	}
}

func (p *parser) alterColumnSet(c *ast.AlterTableCmd) {
	switch p.tok.kind {
	case kwDefault:
		p.next()
		c.Subtype, c.Def = ast.ATColumnDefault, p.aExpr()
	case kwNot:
		p.expectAll(kwNot, kwNull)
		c.Subtype = ast.ATSetNotNull
	case kwStatistics:
		p.next()
		c.Subtype, c.Def = ast.ATSetStatistics, &ast.Integer{Ival: p.signedIconst()}
	case '(':
		c.Subtype, c.Def = ast.ATSetOptions, optionList(p.reloptions())
	case kwStorage:
		p.next()
		c.Subtype, c.Def = ast.ATSetStorage, p.str(p.colID())
	case kwCompression:
		c.Subtype, c.Def = ast.ATSetCompression, p.str(p.columnCompression())
	case kwData:
		p.next()
		p.alterColumnType(c)
	default:
		p.syntaxError()
	}
}

// alterColumnType is TYPE type [COLLATE] [USING expression].
func (p *parser) alterColumnType(c *ast.AlterTableCmd) {
	p.expect(kwType)
	d := &ast.ColumnDef{Location: ast.NoLocation}
	d.TypeName = p.typeName()
	d.CollClause = p.optCollate()
	if p.accept(kwUsing) {
		d.RawDefault = p.aExpr()
	}
	c.Subtype, c.Def = ast.ATAlterColumnType, d
}
