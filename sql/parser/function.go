package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// functionWithArgs is name [(argument types)]; without a list the name may be any column's.
func (p *parser) functionWithArgs() *ast.ObjectWithArgs {
	o := &ast.ObjectWithArgs{}
	k := p.tok.kind
	if p.peek(1) == '.' || !k.isTypeFuncName() {
		o.Objname = p.anyName()
		if p.is('(') && !k.isTypeFuncName() && len(o.Objname) == 1 {
			p.syntaxError()
		}
	} else {
		o.Objname = []string{p.take()}
	}
	if !p.is('(') {
		o.ArgsUnspecified = true
		return o
	}
	o.Objfuncargs = p.funcArgs()
	for _, a := range o.Objfuncargs {
		if a.Mode != ast.FuncParamOut && a.Mode != ast.FuncParamTable {
			o.Objargs = append(o.Objargs, a.ArgType)
		}
	}
	return o
}

// funcArgs is '(' [parameter [, ...]] ')' without defaults.
func (p *parser) funcArgs() []*ast.FunctionParameter {
	p.expect('(')
	var list []*ast.FunctionParameter
	if p.accept(')') {
		return nil
	}
	for {
		list = append(list, p.funcParam())
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}

// funcParam is [mode] [name] type, mode and name in either order.
func (p *parser) funcParam() *ast.FunctionParameter {
	f := &ast.FunctionParameter{Mode: ast.FuncParamDefault}
	mode := p.paramMode(f)
	if p.tok.kind.isTypeFuncName() && p.nextStartsType(mode) {
		f.Name = p.take()
		if !mode {
			p.paramMode(f)
		}
	}
	f.ArgType = p.funcType()
	return f
}

// paramMode reads IN, OUT, INOUT, IN OUT or VARIADIC.
func (p *parser) paramMode(f *ast.FunctionParameter) bool {
	switch p.tok.kind {
	case kwIn:
		p.next()
		f.Mode = ast.FuncParamIn
		if p.accept(kwOut) {
			f.Mode = ast.FuncParamInout
		}
		return true
	case kwOut:
		f.Mode = ast.FuncParamOut
	case kwInout:
		f.Mode = ast.FuncParamInout
	case kwVariadic:
		f.Mode = ast.FuncParamVariadic
	default:
		return false
	}
	p.next()
	return true
}

// nextStartsType reports whether the token after the current one begins a type or, if there was no mode yet,
// a parameter's mode.
func (p *parser) nextStartsType(hasMode bool) bool {
	k := p.peek(1)
	if p.is(kwDouble) && k == kwPrecision {
		return false
	}
	if k.isTypeFuncName() {
		return true
	}
	switch k {
	case kwInt, kwInteger, kwSmallint, kwBigint, kwReal, kwFloat, kwDecimal, kwDec, kwNumeric, kwBoolean, kwBit,
		kwCharacter, kwChar, kwVarchar, kwNational, kwNchar, kwTime, kwTimestamp, kwInterval, kwSetof:
		return true
	case kwIn, kwOut, kwInout, kwVariadic:
		return !hasMode
	}
	return false
}

// aggregateWithArgs is name with an aggregate's argument list.
func (p *parser) aggregateWithArgs() *ast.ObjectWithArgs {
	o := &ast.ObjectWithArgs{Objname: p.funcName()}
	args := p.aggrArgs()
	o.Objfuncargs = args.Args
	for _, a := range args.Args {
		o.Objargs = append(o.Objargs, a.ArgType)
	}
	return o
}

// aggrArgs is '(' * ')' or '(' [direct arguments] [ORDER BY aggregated arguments] ')'.
func (p *parser) aggrArgs() *ast.AggrArgs {
	a := &ast.AggrArgs{NumDirect: -1}
	p.expect('(')
	if p.accept('*') {
		a.Star = true
		p.expect(')')
		return a
	}
	if !p.is(kwOrder) {
		a.Args = p.aggrArgList()
	}
	if p.is(kwOrder) {
		p.expectAll(kwOrder, kwBy)
		a.NumDirect = int32(len(a.Args))
		ordered := p.aggrArgList()
		if !p.is(')') {
			p.syntaxError()
		}
		if n := len(a.Args); n > 0 && a.Args[n-1].Mode == ast.FuncParamVariadic {
			// a variadic direct argument must be repeated, and stands once
			last := a.Args[n-1]
			if len(ordered) != 1 || ordered[0].Mode != ast.FuncParamVariadic ||
				ast.Dump(ordered[0].ArgType) != ast.Dump(last.ArgType) {
				p.failAt(pgerr.FeatureNotSupported, ordered[0].ArgType.Location, "an ordered-set aggregate with a VARIADIC direct argument "+
					"must have one VARIADIC aggregated argument of the same data type")
			}
			ordered = nil
		}
		a.Args = append(a.Args, ordered...)
	}
	p.expect(')')
	return a
}

func (p *parser) aggrArgList() []*ast.FunctionParameter {
	var list []*ast.FunctionParameter
	for {
		pos := p.tok.pos
		f := p.funcParam()
		if f.Mode == ast.FuncParamOut || f.Mode == ast.FuncParamInout {
			p.failAt(pgerr.FeatureNotSupported, pos, "aggregates cannot have output arguments")
		}
		list = append(list, f)
		if !p.accept(',') {
			return list
		}
	}
}

// operatorWithArgs is operator (left type, right type), NONE for a missing operand.
func (p *parser) operatorWithArgs() *ast.ObjectWithArgs {
	return p.operatorArgs(p.anyOperator())
}

// operatorArgs is the argument list of the operator name.
func (p *parser) operatorArgs(name []string) *ast.ObjectWithArgs {
	o := &ast.ObjectWithArgs{Objname: name}
	p.expect('(')
	if p.accept(kwNone) {
		p.expect(',')
		o.Objargs = []*ast.TypeName{nil, p.typeName()}
		p.expect(')')
		return o
	}
	left := p.typeName()
	if p.is(')') {
		p.fail(pgerr.New(pgerr.SyntaxError, "missing argument").
			WithHint("Use NONE to denote the missing argument of a unary operator.").At(int(p.tok.pos)))
	}
	p.expect(',')
	o.Objargs = []*ast.TypeName{left, nil}
	if !p.accept(kwNone) {
		o.Objargs[1] = p.typeName()
	}
	p.expect(')')
	return o
}

// createFunction is CREATE FUNCTION or PROCEDURE.
func (p *parser) createFunction(replace bool) ast.Stmt {
	s := &ast.CreateFunctionStmt{Replace: replace, IsProcedure: p.is(kwProcedure)}
	p.next()
	s.Funcname = p.funcName()
	s.Parameters = p.funcArgsWithDefaults()
	tableOut := false
	if !s.IsProcedure && p.is(kwReturns) && p.peek(1) != kwNull {
		p.next()
		if p.is(kwTable) {
			tableOut = p.returnsTable(s)
		} else {
			s.ReturnType = p.funcType()
		}
	}
	for o := p.functionOption(true); o != nil; o = p.functionOption(true) {
		s.Options = append(s.Options, o)
	}
	s.SqlBody = p.routineBody()
	if tableOut {
		p.fail(pgerr.New(pgerr.SyntaxError, "OUT and INOUT arguments aren't allowed in TABLE functions"))
	}
	return s
}

func (p *parser) funcArgsWithDefaults() []*ast.FunctionParameter {
	p.expect('(')
	if p.accept(')') {
		return nil
	}
	var list []*ast.FunctionParameter
	for {
		f := p.funcParam()
		if p.accept(kwDefault) || p.accept('=') {
			f.Defexpr = p.aExpr()
		}
		list = append(list, f)
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}

// returnsTable is TABLE (columns) after RETURNS: the columns become parameters and the result a set. It reports
// whether there are output parameters, which are not allowed besides.
func (p *parser) returnsTable(s *ast.CreateFunctionStmt) (hasOut bool) {
	pos := p.tok.pos
	p.expectAll(kwTable, '(')
	var cols []*ast.FunctionParameter
	for {
		name := p.typeFunctionName()
		cols = append(cols, &ast.FunctionParameter{Name: name, ArgType: p.funcType(), Mode: ast.FuncParamTable})
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	for _, f := range s.Parameters {
		if f.Mode != ast.FuncParamDefault && f.Mode != ast.FuncParamIn && f.Mode != ast.FuncParamVariadic {
			hasOut = true
		}
	}
	if len(cols) == 1 {
		t := *cols[0].ArgType
		s.ReturnType = &t
	} else {
		s.ReturnType = sysType("record", pos)
	}
	s.ReturnType.Setof, s.ReturnType.Location = true, pos
	s.Parameters = append(s.Parameters, cols...)
	return hasOut
}

// functionOption is one option of CREATE (create) or ALTER FUNCTION, nil when there is none.
func (p *parser) functionOption(create bool) *ast.DefElem {
	pos := p.tok.pos
	if create {
		switch p.tok.kind {
		case kwAs:
			p.next()
			l := &ast.List{Items: []ast.Node{p.str(p.sconst())}}
			if p.accept(',') {
				l.Items = append(l.Items, p.str(p.sconst()))
			}
			return defElem("as", l, pos)
		case kwLanguage:
			p.next()
			return defElem("language", p.str(p.wordOrString()), pos)
		case kwTransform:
			p.next()
			l := &ast.List{}
			for {
				p.expectAll(kwFor, kwType)
				l.Items = append(l.Items, p.typeName())
				if !p.accept(',') {
					return defElem("transform", l, pos)
				}
			}
		case kwWindow:
			p.next()
			return defElem("window", &ast.Boolean{Boolval: true}, pos)
		}
	}
	return p.commonFunctionOption(pos)
}

func boolElem(name string, v bool, pos int32) *ast.DefElem {
	return defElem(name, &ast.Boolean{Boolval: v}, pos)
}

func (p *parser) commonFunctionOption(pos int32) *ast.DefElem {
	switch p.tok.kind {
	case kwCalled:
		p.expectAll(kwCalled, kwOn, kwNull, kwInput)
		return boolElem("strict", false, pos)
	case kwReturns:
		p.expectAll(kwReturns, kwNull, kwOn, kwNull, kwInput)
		return boolElem("strict", true, pos)
	case kwStrict:
		p.next()
		return boolElem("strict", true, pos)
	case kwImmutable, kwStable, kwVolatile:
		return defElem("volatility", p.str(p.take()), pos)
	case kwExternal, kwSecurity:
		p.accept(kwExternal)
		p.expect(kwSecurity)
		definer := p.accept(kwDefiner)
		if !definer {
			p.expect(kwInvoker)
		}
		return boolElem("security", definer, pos)
	case kwLeakproof:
		p.next()
		return boolElem("leakproof", true, pos)
	case kwNot:
		p.expectAll(kwNot, kwLeakproof)
		return boolElem("leakproof", false, pos)
	case kwCost, kwRows:
		name := p.take()
		return defElem(name, p.numericOnly(), pos)
	case kwSupport:
		p.next()
		return defElem("support", ast.NameNode(p.anyName()), pos)
	case kwSet:
		p.next()
		return defElem("set", p.setRestMore(), pos)
	case kwReset:
		return defElem("set", p.resetStmt(), pos)
	case kwParallel:
		p.next()
		return defElem("parallel", p.str(p.colID()), pos)
	}
	return nil
}

// routineBody is RETURN expression or BEGIN ATOMIC statements END; nil when there is none.
func (p *parser) routineBody() ast.Node {
	if p.is(kwReturn) {
		return p.returnStmt()
	}
	if !p.is(kwBegin) {
		return nil
	}
	p.enter()
	defer p.leave()
	p.expectAll(kwBegin, kwAtomic)
	body := &ast.List{}
	for !p.is(kwEnd) {
		if p.accept(';') {
			continue
		}
		if p.is(kwReturn) {
			body.Items = append(body.Items, p.returnStmt())
		} else {
			body.Items = append(body.Items, p.statement())
		}
		p.expect(';')
	}
	p.next()
	return &ast.List{Items: []ast.Node{body}}
}

func (p *parser) returnStmt() ast.Node {
	p.expect(kwReturn)
	return &ast.ReturnStmt{Returnval: p.aExpr()}
}

// createAggregate is CREATE AGGREGATE in the new and the old style.
func (p *parser) createAggregate(replace bool) ast.Stmt {
	p.expect(kwAggregate)
	s := &ast.DefineStmt{Kind: ast.ObjectAggregate, Replace: replace, Defnames: p.funcName()}
	if p.is('(') && p.peek(1) == tokIdent && p.peek(2) == '=' {
		s.Oldstyle = true
		s.Definition = p.oldAggrDefinition()
		return s
	}
	s.Args = p.aggrArgs()
	s.Definition = p.definition()
	return s
}

// oldAggrDefinition is '(' name = value [, ...] ')', where names are no keywords.
func (p *parser) oldAggrDefinition() []*ast.DefElem {
	p.expect('(')
	var list []*ast.DefElem
	for {
		if !p.is(tokIdent) {
			p.syntaxError()
		}
		e := &ast.DefElem{Location: p.tok.pos}
		e.Defname = p.take()
		p.expect('=')
		e.Arg = p.defArg()
		list = append(list, e)
		if !p.accept(',') {
			break
		}
	}
	p.expect(')')
	return list
}
