package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// xmlTableColumn is name FOR ORDINALITY or name type options.
func (p *parser) xmlTableColumn() *ast.RangeTableFuncCol {
	c := &ast.RangeTableFuncCol{Location: p.tok.pos}
	c.Colname = p.colID()
	if p.accept(kwFor) {
		p.expect(kwOrdinality)
		c.ForOrdinality = true
		return c
	}
	c.TypeName = p.typeName()
	nullSeen := false
	for {
		pos := p.tok.pos
		switch p.tok.kind {
		case kwDefault:
			p.next()
			if c.Coldefexpr != nil {
				p.failAt(pgerr.SyntaxError, pos, "only one DEFAULT value is allowed")
			}
			c.Coldefexpr = p.bExpr()
		case kwNot, kwNull:
			not := p.accept(kwNot)
			p.expect(kwNull)
			if nullSeen {
				p.failAt(pgerr.SyntaxError, pos, "conflicting or redundant NULL / NOT NULL declarations for column \"%s\"", c.Colname)
			}
			nullSeen, c.IsNotNull = true, not
		case tokIdent:
			name := p.take()
			val := p.bExpr()
			if name != "path" {
				p.failAt(pgerr.SyntaxError, pos, "unrecognized column option \"%s\"", name)
			}
			if c.Colexpr != nil {
				p.failAt(pgerr.SyntaxError, pos, "only one PATH value per column is allowed")
			}
			c.Colexpr = val
		default:
			return c
		}
	}
}
