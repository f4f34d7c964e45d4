package parser

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"gompho/internal/pgerr"
)

var unterminated = map[tokKind]string{
	tokSconst: "unterminated quoted string", tokUSconst: "unterminated quoted string",
	tokBconst: "unterminated bit string literal", tokXconst: "unterminated hexadecimal string literal",
}

// quoted lexes a string without backslash escapes whose content starts at body. The value of a plain string
// is a part of the text.
func (lx *lexer) quoted(start, body int, kind tokKind) token {
	s := lx.sql
	var buf []byte
	from := body
	for i := body; ; {
		n := strings.IndexByte(s[i:], '\'')
		if n < 0 {
			return lx.fail(start, len(s), unterminated[kind])
		}
		i += n
		if lx.at(i+1) == '\'' && kind != tokBconst && kind != tokXconst {
			buf = append(buf, s[from:i+1]...)
			i += 2
			from = i
			continue
		}
		if next, ok := lx.continued(i + 1); ok {
			buf = append(buf, s[from:i]...)
			i, from = next, next
			continue
		}
		t := lx.make(kind, start, i+1)
		t.str = s[from:i]
		if buf != nil {
			t.str = string(append(buf, t.str...))
		}
		if kind == tokBconst {
			t.str = "b" + t.str
		} else if kind == tokXconst {
			t.str = "x" + t.str
		}
		return t
	}
}

// continued looks behind a closing quote for white space with a newline and another quote, which continue
// the string. It returns the offset behind that quote.
func (lx *lexer) continued(i int) (int, bool) {
	s := lx.sql
	newline := false
	for i < len(s) {
		switch c := s[i]; {
		case c == '\n' || c == '\r':
			newline = true
			i++
		case is(c, clSpace):
			i++
		case c == '-' && lx.at(i+1) == '-':
			i = lineEnd(s, i)
			if i == len(s) {
				return 0, false
			}
		case c == '\'' && newline:
			return i + 1, true
		default:
			return 0, false
		}
	}
	return 0, false
}

// quotedIdent lexes "..." whose content starts at body.
func (lx *lexer) quotedIdent(start, body int, kind tokKind) token {
	s := lx.sql
	var buf []byte
	from := body
	for i := body; ; {
		n := strings.IndexByte(s[i:], '"')
		if n < 0 {
			return lx.fail(start, len(s), "unterminated quoted identifier")
		}
		i += n
		if lx.at(i+1) == '"' {
			buf = append(buf, s[from:i+1]...)
			i += 2
			from = i
			continue
		}
		t := lx.make(kind, start, i+1)
		t.str = s[from:i]
		if buf != nil {
			t.str = string(append(buf, t.str...))
		}
		if t.str == "" {
			return lx.fail(start, i+1, "zero-length delimited identifier")
		}
		if kind == tokIdent {
			t.str = truncateName(t.str)
		}
		return t
	}
}

// dollar lexes $n and $tag$...$tag$.
func (lx *lexer) dollar(start int) token {
	s := lx.sql
	if is(lx.at(start+1), clDigit) {
		i := lx.digits(start + 1)
		if i < len(s) && is(s[i], clIdentStart) {
			return lx.junk(start, i, "trailing junk after parameter")
		}
		t := lx.make(tokParam, start, i)
		t.str = t.str[1:]
		return t
	}
	i := start + 1
	if is(lx.at(i), clIdentStart) {
		for i < len(s) && s[i] != '$' && is(s[i], clIdentCont) {
			i++
		}
	}
	if lx.at(i) != '$' {
		return lx.make(tokOther, start, start+1)
	}
	tag := s[start : i+1]
	n := strings.Index(s[i+1:], tag)
	if n < 0 {
		return lx.fail(start, len(s), "unterminated dollar-quoted string")
	}
	t := lx.make(tokSconst, start, i+1+n+len(tag))
	t.str = s[i+1 : i+1+n]
	return t
}

// escaped lexes E'...', whose content starts at i.
func (lx *lexer) escaped(start, i int) token {
	e := escapeReader{lx: lx, start: start, i: i}
	for {
		c := lx.at(e.i)
		switch {
		case e.i >= len(lx.sql):
			return lx.fail(start, len(lx.sql), "unterminated quoted string")
		case c == '\'' && lx.at(e.i+1) == '\'':
			e.put('\'', 2)
		case c == '\'':
			if next, ok := lx.continued(e.i + 1); ok {
				e.i = next
				continue
			}
			return e.finish()
		case c == '\\':
			if !e.escape() {
				return lx.failErr(start, e.i, e.err)
			}
		default:
			e.put(c, 1)
		}
	}
}

// escapeReader decodes the content of an E” string.
type escapeReader struct {
	lx       *lexer
	start    int // of the token
	i        int
	buf      []byte
	high     rune // first half of a surrogate pair
	rawBytes bool // an octal or hex escape may have made invalid UTF-8
	err      *pgerr.Error
}

func (e *escapeReader) put(c byte, n int) {
	if e.high != 0 && e.err == nil {
		end := e.i + n
		if c == e.lx.sql[e.i] && c != '\'' { // a run of ordinary characters
			for end < len(e.lx.sql) && e.lx.sql[end] != '\'' && e.lx.sql[end] != '\\' {
				end++
			}
		}
		e.err = e.near(surrogateMsg, end)
	}
	e.buf = append(e.buf, c)
	e.i += n
}

func (e *escapeReader) finish() token {
	if e.high != 0 || e.err != nil {
		if e.err == nil {
			e.err = e.near(surrogateMsg, e.i+1)
		}
		return e.lx.failErr(e.start, e.i, e.err)
	}
	if e.rawBytes {
		if bad := invalidUTF8(e.buf); bad != "" {
			return e.lx.failErr(e.start, e.i, pgerr.New(pgerr.CharacterNotInRepertoire,
				"invalid byte sequence for encoding \"UTF8\": %s", bad))
		}
	}
	t := e.lx.make(tokSconst, e.start, e.i+1)
	t.str = string(e.buf)
	return t
}

// invalidUTF8 describes the first invalid sequence in b as "0x.. 0x..", "" when there is none.
func invalidUTF8(b []byte) string {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if b[i] == 0 {
			return "0x00"
		}
		if r == utf8.RuneError && n == 1 {
			return hexBytes(b[i:min(len(b), i+sequenceLen(b[i]))])
		}
		i += n
	}
	return ""
}

func hexBytes(b []byte) string {
	parts := make([]string, len(b))
	for i, c := range b {
		parts[i] = fmt.Sprintf("0x%02x", c)
	}
	return strings.Join(parts, " ")
}

// sequenceLen is the length that the first byte of a UTF-8 sequence announces.
func sequenceLen(c byte) int {
	switch {
	case c&0xe0 == 0xc0:
		return 2
	case c&0xf0 == 0xe0:
		return 3
	case c&0xf8 == 0xf0:
		return 4
	}
	return 1
}

// escape decodes one backslash escape; false leaves the failure in err.
func (e *escapeReader) escape() bool {
	c := e.lx.at(e.i + 1)
	if e.i+1 >= len(e.lx.sql) {
		e.i = len(e.lx.sql)
		return true
	}
	switch {
	case c == 'u':
		return e.unicode(4)
	case c == 'U':
		return e.unicode(8)
	case c >= '0' && c <= '7':
		n, j := 0, e.i+1
		for ; j < e.i+4 && e.lx.at(j) >= '0' && e.lx.at(j) <= '7'; j++ {
			n = n*8 + int(e.lx.at(j)-'0')
		}
		e.raw(byte(n), j)
	case c == 'x' && is(e.lx.at(e.i+2), clHex):
		n, j := 0, e.i+2
		for ; j < e.i+4 && is(e.lx.at(j), clHex); j++ {
			n = n*16 + int(hexVal(e.lx.at(j)))
		}
		e.raw(byte(n), j)
	default:
		e.put(unescaped(c), 2)
	}
	return e.err == nil
}

func (e *escapeReader) raw(c byte, next int) {
	e.put(c, next-e.i)
	e.rawBytes = e.rawBytes || c >= 0x80 || c == 0
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	}
	return c
}

func hexVal(c byte) rune {
	switch {
	case c <= '9':
		return rune(c - '0')
	case c >= 'a':
		return rune(c-'a') + 10
	}
	return rune(c-'A') + 10
}

// unicode decodes \uXXXX or \UXXXXXXXX.
func (e *escapeReader) unicode(digits int) bool {
	var r rune
	for k := range digits {
		c := e.lx.at(e.i + 2 + k)
		if !is(c, clHex) {
			e.err = pgerr.New(pgerr.InvalidEscapeSequence, "invalid Unicode escape").
				WithHint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.").At(e.i)
			return false
		}
		r = r<<4 | hexVal(c)
	}
	if msg := appendUnicode(&e.buf, &e.high, r); msg != "" {
		e.err = e.near(msg, e.i+2+digits)
	}
	e.i += 2 + digits
	return e.err == nil
}

// near makes an error about the text from the current offset to end.
func (e *escapeReader) near(msg string, end int) *pgerr.Error {
	return pgerr.New(pgerr.SyntaxError, "%s at or near \"%s\"", msg, e.lx.sql[e.i:end]).At(e.i)
}

const surrogateMsg = "invalid Unicode surrogate pair"

// appendUnicode adds the code unit r, joining surrogate pairs; high carries a first half. It returns the
// message of what is wrong, or "".
func appendUnicode(buf *[]byte, high *rune, r rune) string {
	switch {
	case *high != 0:
		r = utf16.DecodeRune(*high, r)
		*high = 0
		if r == utf8.RuneError {
			return surrogateMsg
		}
	case r >= 0xD800 && r <= 0xDBFF:
		*high = r
		return ""
	case r >= 0xDC00 && r <= 0xDFFF:
		return surrogateMsg
	case r <= 0 || r > utf8.MaxRune:
		return "invalid Unicode escape value"
	}
	*buf = utf8.AppendRune(*buf, r)
	return ""
}

func surrogateError(pos int) *pgerr.Error {
	return pgerr.New(pgerr.SyntaxError, surrogateMsg).At(pos)
}

// decodeUnicode decodes the escapes of a U& literal or identifier; bodyPos is the offset of its content.
func decodeUnicode(s string, escape byte, bodyPos int) (string, *pgerr.Error) {
	buf := make([]byte, 0, len(s))
	var high rune
	for i := 0; i < len(s); {
		if s[i] != escape || strings.HasPrefix(s[i+1:], string(escape)) {
			if high != 0 {
				return "", surrogateError(bodyPos + i)
			}
			if s[i] == escape {
				i++
			}
			buf = append(buf, s[i])
			i++
			continue
		}
		start, digits := i+1, 4
		if start < len(s) && s[start] == '+' {
			start, digits = i+2, 6
		}
		var r rune
		for k := start; k < start+digits; k++ {
			if k >= len(s) || !is(s[k], clHex) {
				return "", pgerr.New(pgerr.SyntaxError, "invalid Unicode escape").
					WithHint("Unicode escapes must be \\XXXX or \\+XXXXXX.").At(bodyPos + i)
			}
			r = r<<4 | hexVal(s[k])
		}
		if msg := appendUnicode(&buf, &high, r); msg != "" {
			return "", pgerr.New(pgerr.SyntaxError, "%s", msg).At(bodyPos + i)
		}
		i = start + digits
	}
	if high != 0 {
		return "", surrogateError(bodyPos + len(s))
	}
	return string(buf), nil
}
