package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// maxDepth bounds the nesting of a statement. A level costs up to about 2 kB of goroutine stack here, and as
// much again in the passes that walk the tree.
const maxDepth = 4000

// parser is the state of one parse: the lexer, the current token, and tokens peeked at.
type parser struct {
	arena
	lx      lexer
	tok     token // the token to be read next
	ahead   [3]token
	nAhead  int
	prevEnd int32 // end of the token before tok
	depth   int
	// interrupted is asked whether the statement is to end, once in Step expressions; nil: nobody is.
	interrupted func() error
	visits      int
	// labelDepth is the depth of an output column's expression, where an operator's word may be a label.
	labelDepth int
	noTableAs  bool // CREATE TABLE AS is not allowed, in CREATE SCHEMA
	// orderPos is where ORDER BY would be in the argument list read last, for an error about it.
	orderPos int32
	// similarDepth is the depth of an expression after which SIMILAR without TO may follow, in SUBSTRING.
	similarDepth int
	scratch      []ast.Node // lists being collected, innermost last
	stack0       [8]ast.Node
	first        firstBlock
}

// Step is the number of expressions between two questions whether to go on; they take about a millisecond.
const Step = 4096

// bailout carries an error from where it is found to the entry function; it never leaves the package.
type bailout struct{ err error }

func newParser(sql string) *parser {
	p := &parser{lx: lexer{sql: sql}}
	p.arena.init(&p.first)
	p.scratch = p.stack0[:0]
	return p
}

// catch turns a bailout into an error.
func catch(err *error) {
	if r := recover(); r != nil {
		b, ok := r.(bailout)
		if !ok {
			panic(r)
		}
		*err = b.err
	}
}

// Parse parses a text of statements separated by semicolons. Empty statements give no element.
// An error is a *pgerr.Error whose position is a byte offset in sql.
func Parse(sql string) ([]ast.RawStmt, error) { return ParseInterruptible(sql, nil) }

// ParseInterruptible is Parse that asks interrupted once in Step expressions and ends with its error.
func ParseInterruptible(sql string, interrupted func() error) (stmts []ast.RawStmt, err error) {
	if int64(len(sql)) > 1<<31-2 {
		return nil, pgerr.New(pgerr.ProgramLimitExceeded, "statement is too long")
	}
	defer catch(&err)
	p := newParser(sql)
	p.interrupted = interrupted
	p.next()
	return p.statements(), nil
}

func (p *parser) statements() []ast.RawStmt {
	list := p.first.stmts[:0]
	for {
		for p.accept(';') {
		}
		if p.tok.kind == tokEOF {
			break
		}
		start := p.tok.pos
		raw := ast.RawStmt{Location: start, Stmt: p.statement()}
		if p.tok.kind != tokEOF {
			raw.Len = p.tok.pos - start
			if p.tok.kind != ';' {
				p.syntaxError()
			}
		}
		list = append(list, raw)
	}
	return list
}

// ParseExpr parses one expression.
func ParseExpr(sql string) (e ast.Node, err error) {
	defer catch(&err)
	p := newParser(sql)
	p.next()
	e = p.aExpr()
	p.expect(tokEOF)
	return e, nil
}

// ParseTypeName parses a type name as written in a column definition, including SETOF.
func ParseTypeName(sql string) (t *ast.TypeName, err error) {
	defer catch(&err)
	p := newParser(sql)
	p.next()
	t = p.typeName()
	p.expect(tokEOF)
	return t, nil
}

// ParsePLAssign parses the assignment statement of PL/pgSQL, target := expression; nnames is the number of
// words of the target's name (1 to 3).
func ParsePLAssign(sql string, nnames int) (s *ast.PLAssignStmt, err error) {
	defer catch(&err)
	p := newParser(sql)
	p.next()
	s = p.plAssign(int32(nnames))
	p.expect(tokEOF)
	return s, nil
}

// fail ends the parse with an error.
func (p *parser) fail(e *pgerr.Error) { panic(bailout{e}) }

// failAt ends the parse with a message at a position.
func (p *parser) failAt(code pgerr.Code, pos int32, format string, args ...any) {
	p.fail(pgerr.New(code, format, args...).At(int(pos)))
}

// syntaxError ends the parse at the current token.
func (p *parser) syntaxError() { p.errorHere("syntax error") }

// errorHere ends the parse with msg "at or near" the current token.
func (p *parser) errorHere(msg string) {
	if p.tok.kind == tokError {
		p.fail(p.lx.err)
	}
	if p.tok.kind == tokEOF {
		p.failAt(pgerr.SyntaxError, p.tok.pos, "%s at end of input", msg)
	}
	p.failAt(pgerr.SyntaxError, p.tok.pos, "%s at or near \"%s\"", msg, p.lx.sql[p.tok.pos:p.tok.end])
}

func (p *parser) notYet(pos int32, what string) {
	p.failAt(pgerr.FeatureNotSupported, pos, "%s is not yet implemented", what)
}

// next reads the next token into tok.
func (p *parser) next() {
	p.prevEnd = p.tok.end
	if p.nAhead > 0 {
		p.tok = p.ahead[0]
		p.nAhead--
		copy(p.ahead[:], p.ahead[1:1+p.nAhead])
	} else {
		p.tok = p.lx.next()
	}
	switch p.tok.kind {
	case tokError:
		p.fail(p.lx.err)
	case kwNulls:
		if k := p.peek(1); k == kwFirst || k == kwLast {
			p.tok.kind = tokNulls
		}
	case kwWith:
		if k := p.peek(1); k == kwTime || k == kwOrdinality {
			p.tok.kind = tokWith
		}
	case tokUIdent, tokUSconst:
		p.unicodeToken()
	}
}

// peek returns the kind of the n-th token after tok, 1 to 3.
func (p *parser) peek(n int) tokKind {
	for p.nAhead < n {
		p.ahead[p.nAhead] = p.lx.next()
		p.nAhead++
	}
	switch k := p.ahead[n-1].kind; k {
	case tokUIdent:
		return tokIdent
	case tokUSconst:
		return tokSconst
	default:
		return k
	}
}

// unicodeToken decodes a U& token, with the UESCAPE clause that may follow.
func (p *parser) unicodeToken() {
	escape := byte('\\')
	t := p.tok
	if k := p.peek(1); k == kwUescape {
		p.peek(2)
		e := p.ahead[1]
		if e.kind == tokError {
			p.fail(p.lx.err)
		}
		if e.kind != tokSconst {
			p.tok = e
			p.errorHere("UESCAPE must be followed by a simple string literal")
		}
		if len(e.str) != 1 || !validUescape(e.str[0]) {
			p.tok = e
			p.errorHere("invalid Unicode escape character")
		}
		escape = e.str[0]
		t.end = e.end
		p.nAhead -= 2
		copy(p.ahead[:], p.ahead[2:2+p.nAhead])
	}
	s, err := decodeUnicode(t.str, escape, int(t.pos)+3)
	if err != nil {
		p.fail(err)
	}
	t.str, t.kind = s, tokSconst
	if p.tok.kind == tokUIdent {
		t.str, t.kind = truncateName(s), tokIdent
	}
	p.tok = t
}

func validUescape(c byte) bool {
	return !is(c, clHex) && c != '+' && c != '\'' && c != '"' && !is(c, clSpace)
}

// enter counts a level of nesting; every enter has its leave.
func (p *parser) enter() {
	p.depth++
	if p.visits++; p.visits%Step == 0 && p.interrupted != nil {
		if err := p.interrupted(); err != nil {
			panic(bailout{err})
		}
	}
	if p.depth > maxDepth {
		p.fail(pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded").
			WithHint("Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), " +
				"after ensuring the platform's stack depth limit is adequate."))
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) is(k tokKind) bool { return p.tok.kind == k }

// accept reads the token if it is of kind k.
func (p *parser) accept(k tokKind) bool {
	if p.tok.kind != k {
		return false
	}
	p.next()
	return true
}

// accept2 reads two tokens if both match.
func (p *parser) accept2(k1, k2 tokKind) bool {
	if p.tok.kind != k1 || p.peek(1) != k2 {
		return false
	}
	p.next()
	p.next()
	return true
}

// expect reads a token that must be there.
func (p *parser) expect(k tokKind) {
	if p.tok.kind != k {
		p.syntaxError()
	}
	if k != tokEOF {
		p.next()
	}
}

// expectAll reads several tokens that must be there.
func (p *parser) expectAll(kinds ...tokKind) {
	for _, k := range kinds {
		p.expect(k)
	}
}

// isWord reports whether the token is an unquoted word with the given text; for words that are no keywords.
func (p *parser) isWord(w string) bool { return p.tok.kind.isColLabel() && p.tok.str == w }

// take reads the token and returns its string.
func (p *parser) take() string {
	s := p.tok.str
	p.next()
	return s
}

func (p *parser) colID() string {
	if !p.tok.kind.isColID() {
		p.syntaxError()
	}
	return p.take()
}

// name is the grammar's name: a ColId.
func (p *parser) name() string { return p.colID() }

func (p *parser) typeFunctionName() string {
	if !p.tok.kind.isTypeFuncName() {
		p.syntaxError()
	}
	return p.take()
}

func (p *parser) colLabel() string {
	if !p.tok.kind.isColLabel() {
		p.syntaxError()
	}
	return p.take()
}

func (p *parser) nonReservedWord() string {
	if !p.tok.kind.isNonReserved() {
		p.syntaxError()
	}
	return p.take()
}

func (p *parser) sconst() string {
	if p.tok.kind != tokSconst {
		p.syntaxError()
	}
	return p.take()
}

func (p *parser) iconst() int32 {
	if p.tok.kind != tokIconst {
		p.syntaxError()
	}
	v, _ := parseInt32(p.tok.str)
	p.next()
	return v
}

// signedIconst is an integer with an optional sign.
func (p *parser) signedIconst() int32 {
	switch {
	case p.accept('-'):
		return -p.iconst()
	case p.accept('+'):
	}
	return p.iconst()
}

// nameList is name [, ...].
func (p *parser) nameList() []string {
	list := []string{p.name()}
	for p.accept(',') {
		list = append(list, p.name())
	}
	return list
}

// parenNames is '(' name [, ...] ')'.
func (p *parser) parenNames() []string {
	p.expect('(')
	l := p.nameList()
	p.expect(')')
	return l
}

// optParenNames is nothing or '(' name [, ...] ')'.
func (p *parser) optParenNames() []string {
	if !p.is('(') {
		return nil
	}
	return p.parenNames()
}

// anyName is a ColId with attribute names.
func (p *parser) anyName() []string { return p.attrs(p.colID()) }

// attrs appends '.' names to first.
func (p *parser) attrs(first string) []string {
	if !p.is('.') {
		return p.name1(first)
	}
	list := []string{first}
	for p.accept('.') {
		list = append(list, p.colLabel())
	}
	return list
}

func (p *parser) anyNameList() [][]string {
	list := [][]string{p.anyName()}
	for p.accept(',') {
		list = append(list, p.anyName())
	}
	return list
}

// mark and takeList bracket the collection of a list on the scratch stack.
func (p *parser) mark() int { return len(p.scratch) }

func (p *parser) push(n ast.Node) { p.scratch = append(p.scratch, n) }

func (p *parser) takeList(mark int) []ast.Node {
	l := p.nodes.save(p.scratch[mark:])
	clear(p.scratch[mark:])
	p.scratch = p.scratch[:mark]
	return l
}
