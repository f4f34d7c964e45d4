package functions

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gompho/internal/pgerr"
)

// Regular expressions are PostgreSQL's advanced ones (AREs), read by a parser of our own and written out in the
// syntax of package regexp. The match is the longest of those that begin first, as POSIX wants it. Where the
// first quantifier is a non-greedy one the match is the shortest: then all quantifiers are made non-greedy.
// Back references and lookaround have no equivalent and answer 0A000. Word boundaries know letters of ASCII only.

// reFlags are the options of a regular expression.
type reFlags struct {
	glob, icase, expanded, quote, extended, basic bool
	nlStop                                        bool // . and [^...] do not match a newline
	nlAnchor                                      bool // ^ and $ match at newlines
}

// parseReFlags reads option letters.
func parseReFlags(s string) (reFlags, error) {
	var f reFlags
	for _, r := range s {
		if !f.set(r) {
			if r == 'g' {
				f.glob = true
				continue
			}
			return f, pgerr.New(pgerr.InvalidParameterValue, "invalid regular expression option: \"%c\"", r)
		}
	}
	return f, nil
}

// set applies one option letter, of those that may also stand inside the expression.
func (f *reFlags) set(r rune) bool {
	switch r {
	case 'b':
		f.basic, f.extended, f.quote = true, false, false
	case 'c':
		f.icase = false
	case 'e':
		f.extended, f.basic, f.quote = true, false, false
	case 'i':
		f.icase = true
	case 'm', 'n':
		f.nlStop, f.nlAnchor = true, true
	case 'p':
		f.nlStop, f.nlAnchor = true, false
	case 'q':
		f.quote, f.basic, f.extended = true, false, false
	case 's':
		f.nlStop, f.nlAnchor = false, false
	case 't':
		f.expanded = false
	case 'w':
		f.nlStop, f.nlAnchor = false, true
	case 'x':
		f.expanded = true
	default:
		return false
	}
	return true
}

// regex is a compiled regular expression.
type regex struct {
	re *regexp.Regexp
	// later is used where a search begins in the middle of the subject and a match depends on the character before it: the expression after any
	// one character. Nil where nothing is looked at before a match.
	later  *regexp.Regexp
	groups int
}

func reError(what string) error {
	return pgerr.New(pgerr.InvalidRegularExpression, "invalid regular expression: %s", what)
}

// compileRegex translates and compiles a pattern.
func compileRegex(pattern string, f reFlags) (*regex, error) {
	p := reParser{src: pattern, flags: f}
	text, err := p.translate()
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, reError(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	r := &regex{re: re, groups: re.NumSubexp()}
	if p.context {
		if r.later, err = regexp.Compile("(?s:.)(?:" + text + ")"); err != nil {
			return nil, reError(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
	}
	if !p.shortest {
		re.Longest()
		if r.later != nil {
			r.later.Longest()
		}
	}
	return r, nil
}

// reNode is an atom with its quantifier.
type reNode struct {
	text  string      // of an atom that is not a group
	open  string      // of a group
	alts  [][]*reNode // of a group
	quant string
	lazy  bool
}

type reParser struct {
	src      string
	pos      int
	flags    reFlags
	depth    int
	context  bool
	shortest bool
	// afterWord tells that the atom before matches a character of words, and at least one.
	afterWord bool
}

const reMaxDepth = 500

func (p *reParser) translate() (string, error) {
	if err := p.director(); err != nil {
		return "", err
	}
	prefix := p.prefix()
	if p.flags.quote {
		return prefix + regexp.QuoteMeta(p.src[p.pos:]), nil
	}
	if p.flags.basic {
		return "", pgerr.NotSupported("basic regular expressions are not supported")
	}
	alts, err := p.alternatives(false)
	if err != nil {
		return "", err
	}
	if len(alts) == 1 {
		first := firstQuantified(alts[0])
		p.shortest = first != nil && first.lazy
	}
	force := asWritten
	if p.shortest {
		force = forceLazy
	}
	var sb strings.Builder
	sb.WriteString(prefix)
	renderAlts(&sb, alts, force)
	return sb.String(), nil
}

func (p *reParser) prefix() string {
	on := ""
	if p.flags.icase {
		on += "i"
	}
	if !p.flags.nlStop {
		on += "s"
	}
	if p.flags.nlAnchor {
		on += "m"
	}
	if on == "" {
		return ""
	}
	return "(?" + on + ")"
}

// director reads what may stand at the very beginning: ***: or ***= and embedded options.
func (p *reParser) director() error {
	if p.flags.quote {
		return nil
	}
	if rest, ok := strings.CutPrefix(p.src, "***"); ok && rest != "" {
		switch rest[0] {
		case ':':
			p.pos, p.flags.extended, p.flags.basic = 4, false, false
		case '=':
			p.pos, p.flags.quote = 4, true
			return nil
		default:
			return reError("quantifier operand invalid")
		}
	}
	s := p.src[p.pos:]
	if p.flags.extended || p.flags.basic || !strings.HasPrefix(s, "(?") || len(s) < 3 || !unicode.IsLetter(rune(s[2])) {
		return nil
	}
	end := strings.IndexByte(s, ')')
	if end < 0 {
		return reError("invalid embedded option")
	}
	for _, r := range s[2:end] {
		if !p.flags.set(r) {
			return reError("invalid embedded option")
		}
	}
	p.pos += end + 1
	return nil
}

// firstQuantified finds the quantifier that decides whether the whole prefers long or short matches.
func firstQuantified(branch []*reNode) *reNode {
	for _, n := range branch {
		if n.quant != "" {
			return n
		}
		if len(n.alts) == 1 {
			if f := firstQuantified(n.alts[0]); f != nil {
				return f
			}
		} else if len(n.alts) > 1 {
			return &reNode{}
		}
	}
	return nil
}

type reForce uint8

const (
	asWritten reForce = iota
	forceGreedy
	forceLazy
)

func renderAlts(sb *strings.Builder, alts [][]*reNode, force reForce) {
	for i, branch := range alts {
		if i > 0 {
			sb.WriteByte('|')
		}
		for _, n := range branch {
			n.render(sb, force)
		}
	}
}

func (n *reNode) render(sb *strings.Builder, force reForce) {
	if n.open == "" {
		sb.WriteString(n.text)
	} else {
		inner := force
		if n.quant == "{1,1}" { // the idiom that gives a group a preference of its own
			inner = forceGreedy
			if n.lazy {
				inner = forceLazy
			}
		}
		sb.WriteString(n.open)
		renderAlts(sb, n.alts, inner)
		sb.WriteByte(')')
	}
	if n.quant == "" || n.quant == "{1,1}" {
		return
	}
	sb.WriteString(n.quant)
	if force == forceLazy || force == asWritten && n.lazy {
		sb.WriteByte('?')
	}
}

func (p *reParser) eof() bool { return p.pos >= len(p.src) }

func (p *reParser) rune() rune {
	r, n := utf8.DecodeRuneInString(p.src[p.pos:])
	p.pos += n
	return r
}

// skipSpace passes over white space and comments of the expanded syntax, and (?#comments).
func (p *reParser) skipSpace() {
	for !p.eof() {
		s := p.src[p.pos:]
		switch {
		case p.flags.expanded && strings.IndexByte(" \t\n\r\v\f", s[0]) >= 0:
			p.pos++
		case p.flags.expanded && s[0] == '#':
			if i := strings.IndexByte(s, '\n'); i >= 0 {
				p.pos += i + 1
			} else {
				p.pos = len(p.src)
			}
		case strings.HasPrefix(s, "(?#"):
			i := strings.IndexByte(s, ')')
			if i < 0 {
				p.pos = len(p.src)
				return
			}
			p.pos += i + 1
		default:
			return
		}
	}
}

// alternatives reads branches up to the end, or to the parenthesis that closes a group.
func (p *reParser) alternatives(inGroup bool) ([][]*reNode, error) {
	if p.depth++; p.depth > reMaxDepth {
		return nil, reError("regular expression is too complex")
	}
	defer func() { p.depth-- }()
	alts := [][]*reNode{nil}
	for {
		p.skipSpace()
		if p.eof() {
			if inGroup {
				return nil, reError("parentheses () not balanced")
			}
			return alts, nil
		}
		switch p.src[p.pos] {
		case '|':
			p.pos++
			alts = append(alts, nil)
			continue
		case ')':
			if inGroup {
				p.pos++
				return alts, nil
			}
			if !p.flags.extended {
				return nil, reError("parentheses () not balanced")
			}
		}
		n, err := p.atom()
		if err != nil {
			return nil, err
		}
		if n == nil {
			continue
		}
		last := &alts[len(alts)-1]
		*last = append(*last, n)
	}
}

// atom reads one atom and its quantifier.
func (p *reParser) atom() (*reNode, error) {
	n := &reNode{}
	assertion := false
	start := p.pos
	switch r := p.rune(); r {
	case '^', '$':
		n.text, assertion = string(r), true
		p.context = p.context || r == '^'
	case '(':
		if err := p.group(n); err != nil {
			return nil, err
		}
	case '[':
		text, word, err := p.bracket()
		if err != nil {
			return nil, err
		}
		n.text, assertion = text, word
	case '\\':
		text, isAssertion, err := p.escape()
		if err != nil {
			return nil, err
		}
		n.text, assertion = text, isAssertion
	case '.':
		n.text = "."
	case '*', '+', '?':
		return nil, reError("quantifier operand invalid")
	case '{':
		if !p.eof() && isDigit(p.src[p.pos]) {
			return nil, reError("quantifier operand invalid")
		}
		n.text = `\{`
	default:
		n.text = regexp.QuoteMeta(string(r))
	}
	word := p.isWordAtom(start)
	err := p.quantifier(n, assertion)
	p.afterWord = word && (n.quant == "" || n.quant == "+")
	return n, err
}

// isWordAtom reports whether the atom read since start is a letter, a digit, an underscore, \w or \d.
func (p *reParser) isWordAtom(start int) bool {
	text := p.src[start:p.pos]
	r, n := utf8.DecodeRuneInString(text)
	return text == `\w` || text == `\d` || n == len(text) && isWordRune(r)
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func (p *reParser) group(n *reNode) error {
	n.open = "("
	if s := p.src[p.pos:]; !p.flags.extended && strings.HasPrefix(s, "?") {
		switch {
		case strings.HasPrefix(s, "?:"):
			n.open = "(?:"
			p.pos += 2
		case strings.HasPrefix(s, "?="), strings.HasPrefix(s, "?!"), strings.HasPrefix(s, "?<="), strings.HasPrefix(s, "?<!"):
			return pgerr.NotSupported("lookaround constraints in regular expressions are not supported")
		default:
			return reError("quantifier operand invalid")
		}
	}
	var err error
	n.alts, err = p.alternatives(true)
	return err
}

// quantifier reads the quantifier of n, if one follows.
func (p *reParser) quantifier(n *reNode, assertion bool) error {
	p.skipSpace()
	if p.eof() {
		return nil
	}
	switch c := p.src[p.pos]; c {
	case '*', '+', '?':
		p.pos++
		n.quant = string(c)
	case '{':
		if p.pos+1 >= len(p.src) || !isDigit(p.src[p.pos+1]) {
			return nil
		}
		if err := p.bounds(n); err != nil {
			return err
		}
	default:
		return nil
	}
	if assertion {
		return reError("quantifier operand invalid")
	}
	if !p.eof() && p.src[p.pos] == '?' && !p.flags.extended {
		p.pos++
		n.lazy = true
	}
	p.skipSpace()
	if !p.eof() && strings.IndexByte("*+?", p.src[p.pos]) >= 0 {
		return reError("quantifier operand invalid")
	}
	return nil
}

func (p *reParser) bounds(n *reNode) error {
	end := strings.IndexByte(p.src[p.pos:], '}')
	if end < 0 {
		return reError("braces {} not balanced")
	}
	body := p.src[p.pos+1 : p.pos+end]
	p.pos += end + 1
	lo, hi, ranged := strings.Cut(body, ",")
	from, err1 := strconv.Atoi(lo)
	to, err2 := from, error(nil)
	if ranged && hi != "" {
		to, err2 = strconv.Atoi(hi)
	}
	switch {
	case err1 != nil || err2 != nil:
		return reError("invalid repetition count(s)")
	case from > 255 || to > 255 || to < from:
		return reError("invalid repetition count(s)")
	}
	if ranged && hi == "" {
		n.quant = fmt.Sprintf("{%d,}", from)
	} else {
		n.quant = fmt.Sprintf("{%d,%d}", from, to)
	}
	return nil
}
