package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

func (p *parser) createPublication() ast.Stmt {
	p.expect(kwPublication)
	s := &ast.CreatePublicationStmt{Pubname: p.name()}
	if p.accept(kwFor) {
		if p.is(kwAll) {
			p.expectAll(kwAll, kwTables)
			s.ForAllTables = true
		} else {
			s.Pubobjects = p.pubObjects()
		}
	}
	s.Options = p.optDefinition()
	return s
}

// pubObject is one element of a publication's list; bare says that it has no words that tell its kind.
type pubObject struct {
	spec *ast.PublicationObjSpec
	bare bool
}

// pubObjects is a publication's list of tables and schemas; an element without words is of the kind of the one
// before it.
func (p *parser) pubObjects() []*ast.PublicationObjSpec {
	var list []*ast.PublicationObjSpec
	for {
		o := p.pubObject()
		if o.bare {
			if list == nil {
				e := pgerr.New(pgerr.SyntaxError, "invalid publication object list").
					WithDetail("One of TABLE or TABLES IN SCHEMA must be specified before a standalone table or schema name.")
				p.fail(e.At(int(o.spec.Location)))
			}
			p.continueKind(o.spec, list[len(list)-1].Pubobjtype)
		}
		list = append(list, o.spec)
		if !p.accept(',') {
			return list
		}
	}
}

// continueKind makes the bare element o one of the kind of the element before it.
func (p *parser) continueKind(o *ast.PublicationObjSpec, prev ast.PublicationObjSpecType) {
	if prev == ast.PublicationobjTable {
		if o.Pubobjtype == ast.PublicationobjTablesInCurSchema {
			p.failAt(pgerr.SyntaxError, o.Location, "invalid table name")
		}
		return
	}
	t := o.Pubtable
	switch {
	case t == nil:
		o.Pubobjtype = ast.PublicationobjTablesInCurSchema
		return
	case t.WhereClause != nil:
		p.failAt(pgerr.SyntaxError, o.Location, "WHERE clause not allowed for schema")
	case t.Columns != nil:
		p.failAt(pgerr.SyntaxError, o.Location, "column specification not allowed for schema")
	case t.Relation.Schemaname != "" || !t.Relation.Inh:
		p.failAt(pgerr.SyntaxError, o.Location, "invalid schema name")
	}
	o.Pubobjtype, o.Name, o.Pubtable = ast.PublicationobjTablesInSchema, t.Relation.Relname, nil
}

func (p *parser) pubObject() pubObject {
	o := &ast.PublicationObjSpec{Location: p.tok.pos}
	switch {
	case p.is(kwTable):
		p.next()
		o.Pubtable = p.pubTable()
		return pubObject{spec: o}
	case p.is(kwTables) && p.peek(1) == kwIn:
		p.expectAll(kwTables, kwIn, kwSchema)
		o.Location = p.tok.pos
		o.Pubobjtype = ast.PublicationobjTablesInSchema
		if p.accept(kwCurrentSchema) {
			o.Pubobjtype = ast.PublicationobjTablesInCurSchema
		} else {
			o.Name = p.colID()
		}
		return pubObject{spec: o}
	case p.accept(kwCurrentSchema):
		o.Pubobjtype = ast.PublicationobjTablesInCurSchema
		return pubObject{o, true}
	}
	o.Pubtable = p.pubTable()
	return pubObject{o, true}
}

func (p *parser) pubTable() *ast.PublicationTable {
	t := &ast.PublicationTable{Relation: p.relationExpr()}
	t.Columns = p.optParenNames()
	if p.accept(kwWhere) {
		p.expect('(')
		t.WhereClause = p.aExpr()
		p.expect(')')
	}
	return t
}

// alterPublication is ALTER PUBLICATION.
func (p *parser) alterPublication() ast.Stmt {
	p.expect(kwPublication)
	name := p.name()
	if r := p.alterCommon(ast.ObjectPublication, p.str(name), false, mayRename|mayOwner); r != nil {
		return r
	}
	s := &ast.AlterPublicationStmt{Pubname: name}
	switch {
	case p.accept(kwAdd):
		s.Action = ast.APAddObjects
	case p.accept(kwDrop):
		s.Action = ast.APDropObjects
	default:
		p.expect(kwSet)
		if p.is('(') {
			s.Options = p.definition()
			return s
		}
		s.Action = ast.APSetObjects
	}
	s.Pubobjects = p.pubObjects()
	return s
}

func (p *parser) createSubscription() ast.Stmt {
	p.expect(kwSubscription)
	s := &ast.CreateSubscriptionStmt{Subname: p.name()}
	p.expect(kwConnection)
	s.Conninfo = p.sconst()
	p.expect(kwPublication)
	s.Publication = p.nameList()
	s.Options = p.optDefinition()
	return s
}

// alterSubscription is ALTER SUBSCRIPTION.
func (p *parser) alterSubscription() ast.Stmt {
	p.expect(kwSubscription)
	name := p.name()
	if r := p.alterCommon(ast.ObjectSubscription, p.str(name), false, mayRename|mayOwner); r != nil {
		return r
	}
	s := &ast.AlterSubscriptionStmt{Subname: name}
	pos := p.tok.pos
	switch {
	case p.accept(kwConnection):
		s.Kind, s.Conninfo = ast.AlterSubscriptionConnection, p.sconst()
	case p.accept(kwRefresh):
		p.expect(kwPublication)
		s.Kind, s.Options = ast.AlterSubscriptionRefresh, p.optDefinition()
	case p.accept(kwAdd):
		s.Kind = ast.AlterSubscriptionAddPublication
		p.subscribedPublications(s)
	case p.accept(kwDrop):
		s.Kind = ast.AlterSubscriptionDropPublication
		p.subscribedPublications(s)
	case p.accept(kwEnable):
		s.Kind, s.Options = ast.AlterSubscriptionEnabled, []*ast.DefElem{boolElem("enabled", true, pos)}
	case p.accept(kwDisable):
		s.Kind, s.Options = ast.AlterSubscriptionEnabled, []*ast.DefElem{boolElem("enabled", false, pos)}
	case p.accept(kwSkip):
		s.Kind, s.Options = ast.AlterSubscriptionSkip, p.definition()
	default:
		p.expect(kwSet)
		if p.is('(') {
			s.Kind, s.Options = ast.AlterSubscriptionOptions, p.definition()
			break
		}
		s.Kind = ast.AlterSubscriptionSetPublication
		p.subscribedPublications(s)
	}
	return s
}

func (p *parser) subscribedPublications(s *ast.AlterSubscriptionStmt) {
	p.expect(kwPublication)
	s.Publication = p.nameList()
	s.Options = p.optDefinition()
}
