package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// columnConstraints parses the clauses after a column's type into c.
func (p *parser) columnConstraints(c *ast.ColumnDef) {
	c.Constraints, c.CollClause = p.colQuals()
}

// colQuals is any number of column constraints, constraint attributes and at most one COLLATE.
func (p *parser) colQuals() (list []*ast.Constraint, coll *ast.CollateClause) {
	for {
		pos := p.tok.pos
		if p.is(kwCollate) {
			next := p.optCollate()
			if coll != nil {
				p.failAt(pgerr.SyntaxError, pos, "multiple COLLATE clauses not allowed")
			}
			coll = next
			continue
		}
		var n *ast.Constraint
		if p.accept(kwConstraint) {
			name := p.name()
			if n = p.columnConstraint(p.tok.pos); n == nil {
				p.accept(kwNot)
				p.syntaxError()
			}
			n.Conname, n.Location = name, pos
		} else if n = p.columnConstraint(pos); n == nil {
			if n = p.constraintAttr(pos); n == nil {
				if p.accept(kwNot) {
					p.syntaxError()
				}
				return list, coll
			}
		}
		list = append(list, n)
	}
}

// columnConstraint parses one constraint of a column, nil when there is none.
func (p *parser) columnConstraint(pos int32) *ast.Constraint {
	n := &ast.Constraint{Location: pos}
	switch p.tok.kind {
	case kwNot:
		if p.peek(1) != kwNull {
			return nil
		}
		p.accept2(kwNot, kwNull)
		n.Contype = ast.ConstrNotnull
	case kwNull:
		p.next()
		n.Contype = ast.ConstrNull
	case kwUnique:
		p.next()
		n.Contype = ast.ConstrUnique
		n.NullsNotDistinct = p.nullTreatment()
		p.indexSuffix(n)
	case kwPrimary:
		p.expectAll(kwPrimary, kwKey)
		n.Contype = ast.ConstrPrimary
		p.indexSuffix(n)
	case kwCheck:
		p.expectAll(kwCheck, '(')
		n.Contype, n.InitiallyValid = ast.ConstrCheck, true
		n.RawExpr = p.aExpr()
		p.expect(')')
		if p.accept(kwNo) {
			p.expect(kwInherit)
			n.IsNoInherit = true
		}
	case kwDefault:
		p.next()
		n.Contype, n.RawExpr = ast.ConstrDefault, p.bExpr()
	case kwGenerated:
		p.next()
		p.generated(n)
	case kwReferences:
		p.next()
		n.Contype, n.InitiallyValid = ast.ConstrForeign, true
		p.references(n)
	default:
		return nil
	}
	return n
}

// constraintAttr is [NOT] DEFERRABLE or INITIALLY ... as an element of its own, nil when there is none.
func (p *parser) constraintAttr(pos int32) *ast.Constraint {
	t := ast.ConstrAttrDeferrable
	switch {
	case p.accept(kwDeferrable):
	case p.is(kwNot) && p.peek(1) == kwDeferrable:
		p.accept2(kwNot, kwDeferrable)
		t = ast.ConstrAttrNotDeferrable
	case p.accept(kwInitially):
		t = ast.ConstrAttrDeferred
		if !p.accept(kwDeferred) {
			p.expect(kwImmediate)
			t = ast.ConstrAttrImmediate
		}
	default:
		return nil
	}
	return &ast.Constraint{Contype: t, Location: pos}
}

// nullTreatment is [NULLS [NOT] DISTINCT]; true for NOT.
func (p *parser) nullTreatment() bool {
	if !p.is(kwNulls) {
		return false
	}
	p.next()
	not := p.accept(kwNot)
	p.expect(kwDistinct)
	return not
}

// indexSuffix is [WITH definition] [USING INDEX TABLESPACE name].
func (p *parser) indexSuffix(n *ast.Constraint) {
	n.Options = p.optDefinition()
	if p.is(kwUsing) {
		p.expectAll(kwUsing, kwIndex, kwTablespace)
		n.Indexspace = p.name()
	}
}

// generatedWhen is ALWAYS or BY DEFAULT.
func (p *parser) generatedWhen() byte {
	if p.accept(kwAlways) {
		return ast.AttributeIdentityAlways
	}
	p.expectAll(kwBy, kwDefault)
	return ast.AttributeIdentityByDefault
}

// identity is IDENTITY [(options)].
func (p *parser) identity(n *ast.Constraint) {
	p.expect(kwIdentity)
	n.Contype = ast.ConstrIdentity
	if p.accept('(') {
		n.Options = p.seqOptions()
		if n.Options == nil {
			p.syntaxError()
		}
		p.expect(')')
	}
}

// generated is what follows GENERATED.
func (p *parser) generated(n *ast.Constraint) {
	pos := p.tok.pos
	n.GeneratedWhen = p.generatedWhen()
	p.expect(kwAs)
	if p.is(kwIdentity) {
		p.identity(n)
		return
	}
	n.Contype = ast.ConstrGenerated
	p.expect('(')
	n.RawExpr = p.aExpr()
	p.expectAll(')', kwStored)
	if n.GeneratedWhen != ast.AttributeIdentityAlways {
		p.failAt(pgerr.SyntaxError, pos, "for a generated column, GENERATED ALWAYS must be specified")
	}
}

// references is the referenced table of a foreign key with MATCH and actions.
func (p *parser) references(n *ast.Constraint) {
	n.Pktable = p.qualifiedRel()
	n.PkAttrs = p.optParenNames()
	n.FkMatchtype = ast.FkconstrMatchSimple
	if pos := p.tok.pos; p.accept(kwMatch) {
		switch {
		case p.accept(kwFull):
			n.FkMatchtype = ast.FkconstrMatchFull
		case p.accept(kwPartial):
			p.failAt(pgerr.FeatureNotSupported, pos, "MATCH PARTIAL not yet implemented")
		default:
			p.expect(kwSimple)
		}
	}
	n.FkUpdAction, n.FkDelAction = ast.FkconstrActionNoaction, ast.FkconstrActionNoaction
	var seen [2]bool
	for p.is(kwOn) {
		pos := p.tok.pos
		switch {
		case p.peek(1) == kwUpdate && !seen[0]:
			seen[0] = true
			p.accept2(kwOn, kwUpdate)
			action, cols := p.keyAction()
			if cols != nil {
				what := "SET NULL"
				if action == ast.FkconstrActionSetdefault {
					what = "SET DEFAULT"
				}
				p.failAt(pgerr.FeatureNotSupported, pos, "a column list with %s is only supported for ON DELETE actions", what)
			}
			n.FkUpdAction = action
		case p.peek(1) == kwDelete && !seen[1]:
			seen[1] = true
			p.accept2(kwOn, kwDelete)
			n.FkDelAction, n.FkDelSetCols = p.keyAction()
		default:
			p.next()
			if seen[0] && seen[1] {
				p.tok.pos = pos
				p.tok.end = pos + 2
			}
			p.syntaxError()
		}
	}
}

// keyAction is a foreign key's action with the columns it sets, if given.
func (p *parser) keyAction() (byte, []string) {
	switch {
	case p.accept(kwNo):
		p.expect(kwAction)
		return ast.FkconstrActionNoaction, nil
	case p.accept(kwRestrict):
		return ast.FkconstrActionRestrict, nil
	case p.accept(kwCascade):
		return ast.FkconstrActionCascade, nil
	}
	p.expect(kwSet)
	action := ast.FkconstrActionSetdefault
	if p.accept(kwNull) {
		action = ast.FkconstrActionSetnull
	} else {
		p.expect(kwDefault)
	}
	return action, p.optParenNames()
}

func (p *parser) startsTableConstraint() bool {
	switch p.tok.kind {
	case kwConstraint, kwCheck, kwUnique, kwPrimary, kwForeign:
		return true
	case kwExclude: // also a column name
		k := p.peek(1)
		return k == '(' || k == kwUsing
	}
	return false
}

// tableConstraint is [CONSTRAINT name] constraint.
func (p *parser) tableConstraint() *ast.Constraint {
	n := &ast.Constraint{Location: p.tok.pos}
	if p.accept(kwConstraint) {
		n.Conname = p.name()
	}
	switch p.tok.kind {
	case kwCheck:
		p.expectAll(kwCheck, '(')
		n.Contype, n.RawExpr = ast.ConstrCheck, p.aExpr()
		p.expect(')')
		p.applyAttrs(n, "CHECK", attrNotValid|attrNoInherit)
		n.InitiallyValid = !n.SkipValidation
	case kwUnique:
		p.next()
		n.Contype = ast.ConstrUnique
		if !p.existingIndex(n) {
			n.NullsNotDistinct = p.nullTreatment()
			p.keyColumns(n)
		}
		p.applyAttrs(n, "UNIQUE", attrDeferrable|attrInitiallyDeferred)
	case kwPrimary:
		p.expectAll(kwPrimary, kwKey)
		n.Contype = ast.ConstrPrimary
		if !p.existingIndex(n) {
			p.keyColumns(n)
		}
		p.applyAttrs(n, "PRIMARY KEY", attrDeferrable|attrInitiallyDeferred)
	case kwExclude:
		p.exclude(n)
		p.applyAttrs(n, "EXCLUDE", attrDeferrable|attrInitiallyDeferred)
	case kwForeign:
		p.expectAll(kwForeign, kwKey)
		n.Contype = ast.ConstrForeign
		n.FkAttrs = p.parenNames()
		p.expect(kwReferences)
		p.references(n)
		p.applyAttrs(n, "FOREIGN KEY", attrDeferrable|attrInitiallyDeferred|attrNotValid)
		n.InitiallyValid = !n.SkipValidation
	default:
		p.syntaxError()
	}
	return n
}

// existingIndex is USING INDEX name, when it is there.
func (p *parser) existingIndex(n *ast.Constraint) bool {
	if !p.is(kwUsing) {
		return false
	}
	p.expectAll(kwUsing, kwIndex)
	n.Indexname = p.name()
	return true
}

func (p *parser) keyColumns(n *ast.Constraint) {
	n.Keys = p.parenNames()
	if p.accept(kwInclude) {
		n.Including = p.parenNames()
	}
	p.indexSuffix(n)
}

func (p *parser) exclude(n *ast.Constraint) {
	p.expect(kwExclude)
	n.Contype = ast.ConstrExclusion
	if n.AccessMethod = p.optUsing(); n.AccessMethod == "" {
		n.AccessMethod = "btree"
	}
	p.expect('(')
	for {
		e := ast.ExclusionElem{Index: p.indexElem()}
		p.expect(kwWith)
		if p.is(kwOperator) {
			e.Operator = p.qualOp()
		} else {
			e.Operator = p.anyOperator()
		}
		n.Exclusions = append(n.Exclusions, e)
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	if p.accept(kwInclude) {
		n.Including = p.parenNames()
	}
	p.indexSuffix(n)
	if p.accept(kwWhere) {
		p.expect('(')
		n.WhereClause = p.aExpr()
		p.expect(')')
	}
}

// Constraint attributes as a set.
const (
	attrNotDeferrable = 1 << iota
	attrDeferrable
	attrInitiallyImmediate
	attrInitiallyDeferred
	attrNotValid
	attrNoInherit
)

// constraintAttrs is any number of constraint attributes.
func (p *parser) constraintAttrs() (set int) {
	for {
		at, bit := p.tok.pos, 0
		switch p.tok.kind {
		case kwNot:
			switch p.peek(1) {
			case kwDeferrable:
				bit = attrNotDeferrable
			case kwValid:
				bit = attrNotValid
			default:
				p.next()
				p.syntaxError()
			}
			p.next()
			p.next()
		case kwDeferrable:
			p.next()
			bit = attrDeferrable
		case kwInitially:
			p.next()
			bit = attrInitiallyDeferred
			if !p.accept(kwDeferred) {
				p.expect(kwImmediate)
				bit = attrInitiallyImmediate
			}
		case kwNo:
			p.expectAll(kwNo, kwInherit)
			bit = attrNoInherit
		default:
			return set
		}
		p.checkAttrs(set|bit, at)
		set |= bit
	}
}

func (p *parser) checkAttrs(set int, pos int32) {
	both := func(m int) bool { return set&m == m }
	switch {
	case both(attrNotDeferrable | attrInitiallyDeferred):
		p.failAt(pgerr.SyntaxError, pos, "constraint declared INITIALLY DEFERRED must be DEFERRABLE")
	case both(attrNotDeferrable | attrDeferrable), both(attrInitiallyImmediate | attrInitiallyDeferred):
		p.failAt(pgerr.SyntaxError, pos, "conflicting constraint properties")
	}
}

// applyAttrs parses constraint attributes into n; allowed is the set that this kind of constraint may have.
func (p *parser) applyAttrs(n *ast.Constraint, kind string, allowed int) {
	p.setAttrs(n, p.constraintAttrs(), kind, allowed)
}

func (p *parser) setAttrs(n *ast.Constraint, set int, kind string, allowed int) {
	bad := ""
	switch {
	case set&(attrDeferrable|attrInitiallyDeferred) != 0 && allowed&attrDeferrable == 0:
		bad = "DEFERRABLE"
	case set&attrNotValid&^allowed != 0:
		bad = "NOT VALID"
	case set&attrNoInherit&^allowed != 0:
		bad = "NO INHERIT"
	}
	if bad != "" {
		p.fail(pgerr.NotSupported("%s constraints cannot be marked %s", kind, bad))
	}
	n.Deferrable = set&(attrDeferrable|attrInitiallyDeferred) != 0
	n.Initdeferred = set&attrInitiallyDeferred != 0
	n.SkipValidation = set&attrNotValid != 0
	n.IsNoInherit = set&attrNoInherit != 0
}
