package parser

import "gompho/sql/ast"

// What namedObject may read besides the common kinds.
const (
	objColumn = 1 << iota
	objConstraint
	objOnTable // rule, trigger, policy
	objCast
	objOperator
	objTransform
	objLargeObject
)

// namedObject reads a kind of object and the name of one, for COMMENT, SECURITY LABEL and ALTER EXTENSION.
func (p *parser) namedObject(also int) (ast.ObjectType, ast.Node) {
	may := func(m int) bool { return also&m != 0 }
	switch k := p.tok.kind; {
	case k == kwColumn && may(objColumn):
		p.next()
		return ast.ObjectColumn, ast.NameNode(p.anyName())
	case k == kwType || k == kwDomain:
		p.next()
		t := ast.ObjectTypeType
		if k == kwDomain {
			t = ast.ObjectDomain
		}
		return t, p.typeName()
	case k == kwConstraint && may(objConstraint):
		return p.namedConstraint()
	case k == kwRule && may(objOnTable):
		p.next()
		return ast.ObjectRule, p.nameOnTable()
	case k == kwTrigger && may(objOnTable):
		p.next()
		return ast.ObjectTrigger, p.nameOnTable()
	case k == kwPolicy && may(objOnTable):
		p.next()
		return ast.ObjectPolicy, p.nameOnTable()
	case k == kwCast && may(objCast):
		p.next()
		return ast.ObjectCast, p.castTypes()
	case k == kwTransform && may(objTransform):
		p.next()
		return ast.ObjectTransform, p.transformName()
	case k == kwOperator && may(objOperator):
		return p.namedOperator()
	case k == kwLarge && may(objLargeObject):
		p.expectAll(kwLarge, kwObject)
		return ast.ObjectLargeobject, p.numericOnly()
	}
	return p.simpleNamedObject()
}

// simpleNamedObject reads routines and the kinds that have just a name.
func (p *parser) simpleNamedObject() (ast.ObjectType, ast.Node) {
	if t, ok := routineType(p.tok.kind); ok {
		p.next()
		return t, p.routineWithArgs(t)
	}
	if t, ok := p.objectTypeAnyName(); ok {
		return t, ast.NameNode(p.anyName())
	}
	var t ast.ObjectType
	switch p.tok.kind {
	case kwDatabase:
		t = ast.ObjectDatabase
		p.next()
	case kwRole:
		t = ast.ObjectRole
		p.next()
	case kwSubscription:
		t = ast.ObjectSubscription
		p.next()
	case kwTablespace:
		t = ast.ObjectTablespace
		p.next()
	default:
		var ok bool
		if t, ok = p.objectTypeName(); !ok {
			p.syntaxError()
		}
	}
	return t, p.str(p.name())
}

func (p *parser) namedConstraint() (ast.ObjectType, ast.Node) {
	p.expect(kwConstraint)
	name := p.name()
	p.expect(kwOn)
	if p.is(kwDomain) && p.peek(1).isColID() {
		p.next()
		t := &ast.TypeName{Typemod: -1, Location: ast.NoLocation}
		t.Names = p.anyName()
		return ast.ObjectDomconstraint, &ast.List{Items: []ast.Node{t, p.str(name)}}
	}
	return ast.ObjectTabconstraint, ast.NameNode(append(append([]string(nil), p.anyName()...), name))
}

func (p *parser) namedOperator() (ast.ObjectType, ast.Node) {
	p.expect(kwOperator)
	switch {
	case p.accept(kwClass):
		return ast.ObjectOpclass, p.nameUsingMethod()
	case p.accept(kwFamily):
		return ast.ObjectOpfamily, p.nameUsingMethod()
	}
	return ast.ObjectOperator, p.operatorWithArgs()
}

// commentStmt is COMMENT ON object IS text.
func (p *parser) commentStmt() ast.Stmt {
	p.expectAll(kwComment, kwOn)
	s := &ast.CommentStmt{}
	s.Objtype, s.Object = p.namedObject(objColumn | objConstraint | objOnTable | objCast | objOperator |
		objTransform | objLargeObject)
	p.expect(kwIs)
	s.Comment, s.IsNull = p.textOrNull()
	return s
}

// textOrNull is a string or NULL.
func (p *parser) textOrNull() (string, bool) {
	if p.accept(kwNull) {
		return "", true
	}
	return p.sconst(), false
}

// secLabelStmt is SECURITY LABEL [FOR provider] ON object IS label.
func (p *parser) secLabelStmt() ast.Stmt {
	p.expectAll(kwSecurity, kwLabel)
	s := &ast.SecLabelStmt{}
	if p.accept(kwFor) {
		s.Provider = p.wordOrString()
	}
	p.expect(kwOn)
	s.Objtype, s.Object = p.namedObject(objColumn | objLargeObject)
	p.expect(kwIs)
	s.Label, s.IsNull = p.textOrNull()
	return s
}
