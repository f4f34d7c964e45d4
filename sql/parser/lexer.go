package parser

import (
	"strings"
	"unicode/utf8"

	"gompho/internal/pgerr"
)

// nameDataLen is the size of a name including the terminator PostgreSQL keeps: names have at most 63 bytes.
const nameDataLen = 64

// lexer cuts a text into tokens. It holds no reference besides the text; a failure is kept in
// err and given out as a tokError, so that it counts only when the parser gets there.
type lexer struct {
	sql string
	pos int
	err *pgerr.Error
}

// Character classes of the lexer.
const (
	clSpace uint8 = 1 << iota
	clIdentStart
	clIdentCont
	clDigit
	clOp   // may be part of an operator
	clSelf // is a token of its own
	clHex
)

var charClass = buildCharClass()

func buildCharClass() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= 0x80, c == '_':
			t[c] = clIdentStart | clIdentCont
		case c >= '0' && c <= '9':
			t[c] = clDigit | clIdentCont | clHex
		case c == '$':
			t[c] = clIdentCont
		case c == ' ', c == '\t', c == '\n', c == '\r', c == '\f':
			t[c] = clSpace
		}
		if strings.IndexByte("~!@#^&|`?+-*/%<>=", byte(c)) >= 0 {
			t[c] |= clOp
		}
		if strings.IndexByte(",()[].;:+-*/%^<>=", byte(c)) >= 0 {
			t[c] |= clSelf
		}
		if c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' {
			t[c] |= clHex
		}
	}
	return t
}

func is(c byte, class uint8) bool { return charClass[c]&class != 0 }

// fail keeps a failure of the token that starts at pos; its text runs to end.
func (lx *lexer) fail(pos, end int, msg string) token {
	return lx.failErr(pos, end, pgerr.New(pgerr.SyntaxError, "%s at or near \"%s\"", msg, lx.sql[pos:end]).At(pos))
}

func (lx *lexer) failErr(pos, end int, e *pgerr.Error) token {
	lx.err = e
	lx.pos = len(lx.sql)
	return token{kind: tokError, pos: int32(pos), end: int32(end)}
}

// at returns the byte at i, 0 past the end.
func (lx *lexer) at(i int) byte {
	if i < len(lx.sql) {
		return lx.sql[i]
	}
	return 0
}

// skipBlanks moves over white space and comments. It reports false for an unterminated comment,
// leaving pos at its start.
func (lx *lexer) skipBlanks() bool {
	s := lx.sql
	i := lx.pos
	for i < len(s) {
		c := s[i]
		switch {
		case is(c, clSpace):
			i++
		case c == '-' && i+1 < len(s) && s[i+1] == '-':
			i = lineEnd(s, i)
		case c == '/' && i+1 < len(s) && s[i+1] == '*':
			end := commentEnd(s, i)
			if end < 0 {
				lx.pos = i
				return false
			}
			i = end
		default:
			lx.pos = i
			return true
		}
	}
	lx.pos = i
	return true
}

func lineEnd(s string, i int) int {
	if n := strings.IndexAny(s[i:], "\n\r"); n >= 0 {
		return i + n
	}
	return len(s)
}

// commentEnd returns the offset behind the nested comment that starts at i, -1 when it does not end.
func commentEnd(s string, i int) int {
	depth := 0
	for i+1 < len(s) {
		switch {
		case s[i] == '/' && s[i+1] == '*':
			depth++
			i += 2
		case s[i] == '*' && s[i+1] == '/':
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return -1
}

// next returns the next token.
func (lx *lexer) next() token {
	if lx.err != nil {
		return token{kind: tokError, pos: int32(len(lx.sql)), end: int32(len(lx.sql))}
	}
	if !lx.skipBlanks() {
		return lx.fail(lx.pos, len(lx.sql), "unterminated /* comment")
	}
	start := lx.pos
	if start >= len(lx.sql) {
		return token{kind: tokEOF, pos: int32(start), end: int32(start)}
	}
	c := lx.sql[start]
	switch {
	case is(c, clIdentStart):
		return lx.word(start, c)
	case is(c, clDigit):
		return lx.number(start)
	case c == '\'':
		return lx.quoted(start, start+1, tokSconst)
	case c == '"':
		return lx.quotedIdent(start, start+1, tokIdent)
	case c == '.':
		return lx.dot(start)
	case c == ':':
		return lx.colon(start)
	case c == '$':
		return lx.dollar(start)
	case is(c, clOp):
		return lx.operator(start)
	case is(c, clSelf):
		return lx.make(tokKind(c), start, start+1)
	}
	_, n := utf8.DecodeRuneInString(lx.sql[start:])
	return lx.make(tokOther, start, start+n)
}

func (lx *lexer) make(k tokKind, start, end int) token {
	lx.pos = end
	return token{kind: k, pos: int32(start), end: int32(end), str: lx.sql[start:end]}
}

func (lx *lexer) dot(start int) token {
	switch c := lx.at(start + 1); {
	case c == '.':
		return lx.make(tokDotDot, start, start+2)
	case is(c, clDigit):
		return lx.number(start)
	}
	return lx.make('.', start, start+1)
}

func (lx *lexer) colon(start int) token {
	switch lx.at(start + 1) {
	case ':':
		return lx.make(tokTypecast, start, start+2)
	case '=':
		return lx.make(tokColonEquals, start, start+2)
	}
	return lx.make(':', start, start+1)
}

// word lexes identifiers and keywords, and the prefixes of string literals.
func (lx *lexer) word(start int, c byte) token {
	switch c | 0x20 {
	case 'b', 'x', 'n', 'e', 'u':
		if t, ok := lx.prefixed(start, c|0x20); ok {
			return t
		}
	}
	s := lx.sql
	i, upper := start, false
	for i < len(s) && is(s[i], clIdentCont) {
		upper = upper || s[i] >= 'A' && s[i] <= 'Z'
		i++
	}
	lx.pos = i
	t := token{kind: tokIdent, pos: int32(start), end: int32(i), str: s[start:i]}
	if !upper {
		if k := lookupKeyword(t.str); k != tokIdent {
			t.kind, t.str = k, keywordTable[k-firstKeyword].Word
			return t
		}
		t.str = truncateName(t.str)
		return t
	}
	if i-start <= maxKeywordLen {
		var buf [maxKeywordLen]byte
		w := foldInto(buf[:0], t.str)
		if k := lookupKeywordBytes(w); k != tokIdent {
			t.kind, t.str = k, keywordTable[k-firstKeyword].Word
			return t
		}
	}
	t.str = truncateName(string(foldInto(make([]byte, 0, len(t.str)), t.str)))
	return t
}

func lookupKeywordBytes(b []byte) tokKind { return lookupKeyword(string(b)) }

// foldInto appends s with its ASCII letters in lower case.
func foldInto(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		b = append(b, c)
	}
	return b
}

// truncateName cuts s to 63 bytes, not inside a character.
func truncateName(s string) string {
	if len(s) < nameDataLen {
		return s
	}
	n := nameDataLen - 1
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// prefixed lexes B”, X”, N”, E”, U&” and U&"" when the text at start is one.
func (lx *lexer) prefixed(start int, c byte) (token, bool) {
	n := lx.at(start + 1)
	if c == 'u' {
		if n != '&' {
			return token{}, false
		}
		switch lx.at(start + 2) {
		case '\'':
			return lx.quoted(start, start+3, tokUSconst), true
		case '"':
			return lx.quotedIdent(start, start+3, tokUIdent), true
		}
		return token{}, false
	}
	if n != '\'' {
		return token{}, false
	}
	switch c {
	case 'b':
		return lx.quoted(start, start+2, tokBconst), true
	case 'x':
		return lx.quoted(start, start+2, tokXconst), true
	case 'n': // the keyword NCHAR; the string is the next token
		lx.pos = start + 1
		return token{kind: kwNchar, pos: int32(start), end: int32(start + 1), str: "nchar"}, true
	}
	return lx.escaped(start, start+2), true
}

// operator lexes the longest operator, which ends before a comment and does not end in + or - unless it holds a
// character that no standard operator has.
func (lx *lexer) operator(start int) token {
	s := lx.sql
	i, odd := start, false
	for i < len(s) && is(s[i], clOp) {
		if i > start && i+1 < len(s) && (s[i] == '/' && s[i+1] == '*' || s[i] == '-' && s[i+1] == '-') {
			break
		}
		i++
	}
	for j := start; j < i-1; j++ {
		odd = odd || strings.IndexByte("~!@#^&|`?%", s[j]) >= 0
	}
	if !odd {
		for i-start > 1 && (s[i-1] == '+' || s[i-1] == '-') {
			i--
		}
	}
	t := lx.make(tokOp, start, i)
	switch n := i - start; {
	case n == 1 && is(s[start], clSelf):
		t.kind = tokKind(s[start])
	case n == 2:
		switch t.str {
		case "=>":
			t.kind = tokEqualsGreater
		case ">=":
			t.kind = tokGreaterEquals
		case "<=":
			t.kind = tokLessEquals
		case "<>":
			t.kind = tokNotEquals
		case "!=":
			t.kind, t.str = tokNotEquals, "<>"
		}
	case n >= nameDataLen:
		return lx.fail(start, i, "operator too long")
	}
	return t
}
