package isolation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// spec is a parsed file.
type spec struct {
	setups   []string
	teardown string
	sessions []*session
	perms    [][]permStep // none: every order
}

type session struct {
	name            string
	setup, teardown string
	steps           []*step
}

type step struct {
	session int
	name    string
	sql     string
}

// permStep is a step in a permutation, with the markers that hold back its completion.
type permStep struct {
	*step
	once     bool
	blockers []*blocker
}

// blocker holds a step back until another step is complete (notices < 0), or its session has sent so many notices.
type blocker struct {
	*step
	notices int
	target  int
}

// token is a word, a quoted name, a block of SQL or a punctuation mark.
type token struct {
	kind byte // 'w', '"', '{', or the mark itself; 0 at the end
	text string
	line int
}

type scanner struct {
	src  string
	line int
}

func (s *scanner) next() (token, error) {
	for s.src != "" {
		c := s.src[0]
		switch {
		case c == '\n':
			s.line++
			fallthrough
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			s.src = s.src[1:]
		case c == '#':
			if i := strings.IndexByte(s.src, '\n'); i >= 0 {
				s.src = s.src[i:]
			} else {
				s.src = ""
			}
		case c == '{':
			return s.upTo('}', '{')
		case c == '"':
			return s.upTo('"', '"')
		case strings.IndexByte("(),*", c) >= 0:
			s.src = s.src[1:]
			return token{kind: c, text: string(c), line: s.line}, nil
		case isWord(c):
			n := 1
			for n < len(s.src) && isWord(s.src[n]) {
				n++
			}
			t := token{kind: 'w', text: s.src[:n], line: s.line}
			s.src = s.src[n:]
			return t, nil
		default:
			return token{}, fmt.Errorf("line %d: unexpected character %q", s.line, c)
		}
	}
	return token{line: s.line}, nil
}

// upTo reads what stands up to the closing mark; of SQL blanks at the very ends are left out, line ends are not.
func (s *scanner) upTo(end, kind byte) (token, error) {
	i := strings.IndexByte(s.src[1:], end)
	if i < 0 {
		return token{}, fmt.Errorf("line %d: no %c follows", s.line, end)
	}
	t := token{kind: kind, text: s.src[1 : i+1], line: s.line}
	s.line += strings.Count(t.text, "\n")
	s.src = s.src[i+2:]
	if kind == '{' {
		t.text = strings.Trim(t.text, " \t\r\f")
	}
	return t, nil
}

func isWord(c byte) bool {
	return c == '_' || c == '-' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// parser reads a spec one token ahead.
type parser struct {
	scanner
	tok   token
	err   error
	steps map[string]*step
}

func (p *parser) advance() {
	if p.err == nil {
		p.tok, p.err = p.next()
	}
	if p.err != nil {
		p.tok = token{}
	}
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("line %d: %s", p.tok.line, fmt.Sprintf(format, args...))
	}
	p.tok = token{}
}

func (p *parser) word(w string) bool {
	if p.tok.kind != 'w' || p.tok.text != w {
		return false
	}
	p.advance()
	return true
}

func (p *parser) isName() bool { return p.tok.kind == 'w' || p.tok.kind == '"' }

func (p *parser) name() string {
	if !p.isName() {
		p.fail("a name is expected, not %q", p.tok.text)
		return ""
	}
	n := p.tok.text
	p.advance()
	return n
}

func (p *parser) block() string {
	if p.tok.kind != '{' {
		p.fail("a block of SQL is expected, not %q", p.tok.text)
		return ""
	}
	b := p.tok.text
	p.advance()
	return b
}

// parse reads a spec.
func parse(src string) (*spec, error) {
	p := &parser{scanner: scanner{src: src, line: 1}, steps: map[string]*step{}}
	sp := &spec{}
	p.advance()
	for p.word("setup") {
		sp.setups = append(sp.setups, p.block())
	}
	if p.word("teardown") {
		sp.teardown = p.block()
	}
	for p.word("session") {
		sp.sessions = append(sp.sessions, p.session(len(sp.sessions)))
	}
	for p.word("permutation") {
		sp.perms = append(sp.perms, p.permutation())
	}
	if p.err == nil && p.tok.kind != 0 {
		p.fail("unexpected %q", p.tok.text)
	}
	return sp, p.err
}

func (p *parser) session(n int) *session {
	s := &session{name: p.name()}
	if p.word("setup") {
		s.setup = p.block()
	}
	for p.word("step") {
		st := &step{session: n, name: p.name(), sql: p.block()}
		if p.steps[st.name] != nil {
			p.fail("duplicate step name: %s", st.name)
		}
		p.steps[st.name] = st
		s.steps = append(s.steps, st)
	}
	if p.word("teardown") {
		s.teardown = p.block()
	}
	return s
}

func (p *parser) step() *step {
	n := p.name()
	st := p.steps[n]
	if st == nil {
		p.fail("undefined step %q", n)
	}
	return st
}

func (p *parser) permutation() []permStep {
	var out []permStep
	for p.isName() && !(p.tok.kind == 'w' && p.tok.text == "permutation") {
		ps := permStep{step: p.step()}
		if p.tok.kind == '(' {
			for {
				p.advance()
				p.marker(&ps)
				if p.tok.kind != ',' {
					break
				}
			}
			if p.tok.kind != ')' {
				p.fail("a closing parenthesis is expected, not %q", p.tok.text)
			}
			p.advance()
		}
		out = append(out, ps)
	}
	return out
}

func (p *parser) marker(ps *permStep) {
	if p.tok.kind == '*' {
		ps.once = true
		p.advance()
		return
	}
	b := &blocker{step: p.step(), notices: -1}
	if p.word("notices") {
		n, err := strconv.Atoi(p.tok.text)
		if err != nil {
			p.fail("a number of notices is expected, not %q", p.tok.text)
		}
		b.notices = n
		p.advance()
	}
	ps.blockers = append(ps.blockers, b)
}

// unused returns the names of the steps that no permutation has, sorted.
func (sp *spec) unused() []string {
	used := map[*step]bool{}
	for _, steps := range sp.orders() {
		for _, ps := range steps {
			used[ps.step] = true
		}
	}
	var out []string
	for _, s := range sp.sessions {
		for _, st := range s.steps {
			if !used[st] {
				out = append(out, st.name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// orders returns the permutations, or every order of the steps that keeps each session's.
func (sp *spec) orders() [][]permStep {
	if len(sp.perms) > 0 {
		return sp.perms
	}
	var out [][]permStep
	at := make([]int, len(sp.sessions))
	var walk func(done []permStep)
	walk = func(done []permStep) {
		end := true
		for i, s := range sp.sessions {
			if at[i] < len(s.steps) {
				end = false
				st := s.steps[at[i]]
				at[i]++
				walk(append(done[:len(done):len(done)], permStep{step: st}))
				at[i]--
			}
		}
		if end {
			out = append(out, done)
		}
	}
	walk(nil)
	return out
}
