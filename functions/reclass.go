package functions

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gompho/internal/pgerr"
)

// The contents of character classes, as they stand between brackets in the syntax of package regexp.
const (
	reDigit = `0-9`
	reSpace = `\t\n\v\f\r \x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}`
	reWord  = `\pL\pN_`
)

var reClasses = map[string]string{
	"alnum": `\pL\pN`, "alpha": `\pL`, "blank": ` \t`, "cntrl": `\x00-\x1f\x7f-\x{9f}`, "digit": reDigit, "lower": `\p{Ll}`,
	"upper": `\p{Lu}`, "space": reSpace, "xdigit": `0-9A-Fa-f`, "punct": `!-/:-@\[-` + "`" + `{-~`, "word": reWord,
	"graph": `!-~\x{a1}-\x{ac}\x{ae}-\x{10ffff}`, "print": ` -~\x{a0}-\x{10ffff}`, "ascii": `\x00-\x7f`,
}

func reLiteral(r rune) string { return fmt.Sprintf(`\x{%x}`, r) }

// escape reads what follows a backslash outside brackets; assertion tells that it matches no character.
func (p *reParser) escape() (text string, assertion bool, err error) {
	if p.eof() {
		return "", false, reError(`invalid escape \ sequence`)
	}
	if p.flags.extended {
		return reLiteral(p.rune()), false, nil
	}
	c := p.src[p.pos]
	switch c {
	case 'd', 's', 'w', 'D', 'S', 'W':
		p.pos++
		return reShorthand(c, p.flags.nlStop), false, nil
	case 'A':
		p.pos++
		p.context = true
		return `\A`, true, nil
	case 'Z':
		p.pos++
		return `\z`, true, nil
	case 'y', 'Y':
		p.pos++
		p.context = true
		return `\` + string(c-'y'+'b'), true, nil
	case 'm', 'M':
		p.pos++
		text, err := p.wordEdge(c == 'm')
		return text, true, err
	}
	if c >= '1' && c <= '9' {
		if p.pos+1 >= len(p.src) || !isDigit(p.src[p.pos+1]) {
			return "", false, pgerr.NotSupported("back references in regular expressions are not supported")
		}
	}
	r, err := p.charEscape()
	return reLiteral(r), false, err
}

// wordEdge is the beginning or the end of a word. Package regexp has but the boundary that is either: it does
// where the atom behind, or the one before, is a character of words.
func (p *reParser) wordEdge(begin bool) (string, error) {
	p.context = true
	ok := p.afterWord
	if s := p.src[p.pos:]; begin {
		r, _ := utf8.DecodeRuneInString(s)
		ok = isWordRune(r) || strings.HasPrefix(s, `\w`) || strings.HasPrefix(s, `\d`)
		if rest := strings.TrimLeft(s, `\wd`); len(rest) < len(s) && rest != "" && strings.IndexByte("*?{", rest[0]) >= 0 {
			ok = false
		}
		if n := utf8.RuneLen(r); isWordRune(r) && len(s) > n && strings.IndexByte("*?{", s[n]) >= 0 {
			ok = false
		}
	}
	if !ok {
		return "", pgerr.NotSupported("word boundaries next to other than a word in regular expressions are not supported")
	}
	return `\b`, nil
}

func isWordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func reShorthand(c byte, nlStop bool) string {
	nl := ""
	if nlStop {
		nl = `\n`
	}
	switch c {
	case 'd':
		return "[" + reDigit + "]"
	case 's':
		return "[" + reSpace + "]"
	case 'w':
		return "[" + reWord + "]"
	case 'D':
		return "[^" + reDigit + nl + "]"
	case 'S':
		return "[^" + reSpace + "]"
	}
	return "[^" + reWord + nl + "]"
}

// charEscape reads an escape that stands for one character.
func (p *reParser) charEscape() (rune, error) {
	bad := reError(`invalid escape \ sequence`)
	r := p.rune()
	switch r {
	case 'a':
		return 7, nil
	case 'b':
		return 8, nil
	case 'B':
		return '\\', nil
	case 'e':
		return 27, nil
	case 'f':
		return 12, nil
	case 'n':
		return 10, nil
	case 'r':
		return 13, nil
	case 't':
		return 9, nil
	case 'v':
		return 11, nil
	case 'c':
		if p.eof() {
			return 0, bad
		}
		return p.rune() & 0x1f, nil
	case 'u':
		return p.number(16, 4, 4)
	case 'U':
		return p.number(16, 8, 8)
	case 'x':
		return p.number(16, 1, 255)
	case '0':
		p.pos--
		return p.number(8, 1, 3)
	}
	if r >= '1' && r <= '9' {
		p.pos--
		return p.number(8, 1, 3)
	}
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return 0, bad
	}
	return r, nil
}

// number reads between lo and hi digits.
func (p *reParser) number(base, lo, hi int) (rune, error) {
	i := p.pos
	for i < len(p.src) && i-p.pos < hi && strings.IndexByte("0123456789abcdefABCDEF"[:map[int]int{8: 8, 16: 22}[base]], p.src[i]) >= 0 {
		i++
	}
	digits := p.src[p.pos:i]
	p.pos = i
	v, err := strconv.ParseUint(digits, base, 32)
	if len(digits) < lo || err != nil || v > utf8.MaxRune {
		return 0, reError(`invalid escape \ sequence`)
	}
	return rune(v), nil
}

// bracket reads a bracket expression after its opening bracket.
func (p *reParser) bracket() (text string, word bool, err error) {
	if s := p.src[p.pos:]; strings.HasPrefix(s, "[:<:]]") || strings.HasPrefix(s, "[:>:]]") {
		p.pos += len("[:<:]]")
		text, err := p.wordEdge(s[2] == '<')
		return text, true, err
	}
	var sb strings.Builder
	sb.WriteByte('[')
	if !p.eof() && p.src[p.pos] == '^' {
		p.pos++
		sb.WriteByte('^')
		if p.flags.nlStop {
			sb.WriteString(`\n`)
		}
	}
	for first := true; ; first = false {
		if p.eof() {
			return "", false, reError("brackets [] not balanced")
		}
		if p.src[p.pos] == ']' && !first {
			p.pos++
			break
		}
		if err := p.bracketItem(&sb); err != nil {
			return "", false, err
		}
	}
	sb.WriteByte(']')
	return sb.String(), false, nil
}

// bracketItem reads a class, a character or a range.
func (p *reParser) bracketItem(sb *strings.Builder) error {
	lo, class, err := p.bracketChar()
	if err != nil {
		return err
	}
	if class != "" {
		sb.WriteString(class)
		return nil
	}
	if p.pos+1 < len(p.src) && p.src[p.pos] == '-' && p.src[p.pos+1] != ']' {
		p.pos++
		hi, class, err := p.bracketChar()
		if err != nil {
			return err
		}
		if class != "" || hi < lo {
			return reError("invalid character range")
		}
		sb.WriteString(reLiteral(lo) + "-" + reLiteral(hi))
		return nil
	}
	sb.WriteString(reLiteral(lo))
	return nil
}

// bracketChar reads one character, or a class whose contents it returns.
func (p *reParser) bracketChar() (r rune, class string, err error) {
	if p.eof() {
		return 0, "", reError("brackets [] not balanced")
	}
	s := p.src[p.pos:]
	if s[0] == '[' && len(s) > 1 && strings.IndexByte(":.=", s[1]) >= 0 {
		end := strings.Index(s[2:], s[1:2]+"]")
		if end < 0 {
			return 0, "", reError("brackets [] not balanced")
		}
		name := s[2 : 2+end]
		p.pos += end + 4
		if s[1] == ':' {
			class, ok := reClasses[name]
			if !ok {
				return 0, "", reError("invalid character class")
			}
			return 0, class, nil
		}
		if utf8.RuneCountInString(name) != 1 {
			return 0, "", reError("invalid collating element")
		}
		r, _ := utf8.DecodeRuneInString(name)
		return r, "", nil
	}
	if s[0] != '\\' || p.flags.extended {
		return p.rune(), "", nil
	}
	if p.pos++; p.eof() {
		return 0, "", reError(`invalid escape \ sequence`)
	}
	switch c := p.src[p.pos]; c {
	case 'd':
		p.pos++
		return 0, reDigit, nil
	case 's':
		p.pos++
		return 0, reSpace, nil
	case 'w':
		p.pos++
		return 0, reWord, nil
	case 'D':
		p.pos++
		return 0, `\x00-/:-\x{10ffff}`, nil
	case 'S', 'W', 'A', 'Z', 'm', 'M', 'y', 'Y':
		return 0, "", reError(`invalid escape \ sequence`)
	}
	r, err = p.charEscape()
	return r, "", err
}
