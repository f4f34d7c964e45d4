package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// optionList makes a list node of options.
func optionList(opts []*ast.DefElem) *ast.List {
	l := &ast.List{Items: make([]ast.Node, len(opts))}
	for i, o := range opts {
		l.Items[i] = o
	}
	return l
}

// identityOptions is RESTART or SET option, any number of them.
func (p *parser) identityOptions() *ast.List {
	var list []*ast.DefElem
	for {
		pos := p.tok.pos
		switch {
		case p.is(kwRestart):
			list = append(list, p.seqOption())
		case p.accept(kwSet):
			if p.accept(kwGenerated) {
				when := &ast.Integer{Ival: int32(p.generatedWhen())}
				list = append(list, defElem("generated", when, pos))
				continue
			}
			at := p.tok
			o := p.seqOption()
			if o == nil {
				p.syntaxError()
			}
			switch o.Defname {
			case "as", "restart", "owned_by":
				p.failAt(pgerr.SyntaxError, at.pos, "sequence option \"%s\" not supported here", o.Defname)
			}
			list = append(list, o)
		default:
			return optionList(list)
		}
	}
}

// createGenericOptions is OPTIONS (name 'value' [, ...]); none gives nil.
func (p *parser) createGenericOptions() []*ast.DefElem {
	if !p.accept(kwOptions) {
		return nil
	}
	p.expect('(')
	var list []*ast.DefElem
	for {
		e := &ast.DefElem{Location: p.tok.pos}
		e.Defname = p.colLabel()
		e.Arg = p.str(p.sconst())
		list = append(list, e)
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}

// alterGenericOptions is OPTIONS ([ADD | SET | DROP] name ['value'] [, ...]).
func (p *parser) alterGenericOptions() []*ast.DefElem {
	p.expectAll(kwOptions, '(')
	var list []*ast.DefElem
	for {
		e := &ast.DefElem{Location: p.tok.pos}
		if p.peek(1) != tokSconst { // the action's word may also be the option's name
			switch {
			case p.accept(kwAdd):
				e.Defaction = ast.DefelemAdd
			case p.accept(kwSet):
				e.Defaction = ast.DefelemSet
			case p.accept(kwDrop):
				e.Defaction = ast.DefelemDrop
			}
		}
		if e.Defaction != ast.DefelemUnspec {
			e.Location = p.tok.pos
		}
		e.Defname = p.colLabel()
		if e.Defaction != ast.DefelemDrop {
			e.Arg = p.str(p.sconst())
		}
		list = append(list, e)
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}
