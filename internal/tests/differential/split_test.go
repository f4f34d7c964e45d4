package differential

import (
	"regexp"
	"strings"
	"testing"
)

// statement is one statement of a script.
type statement struct {
	sql     string
	line    int      // of its first word, from 1
	comment string   // the line comments just before it
	data    []string // lines for COPY ... FROM STDIN
	ordered bool     // the order of its rows means something
}

// key is the text that compares equal whatever the white space.
func (s statement) key() string { return strings.Join(strings.Fields(s.sql), " ") }

var (
	copyIn    = regexp.MustCompile(`(?is)^copy\s.*\sfrom\s+stdin\b`)
	rowsInRow = regexp.MustCompile(`(?i)^(explain|show|fetch|copy)\b`)
	orderBy   = regexp.MustCompile(`(?is)\border\s+by\b`)
	dollarTag = regexp.MustCompile(`^\$([A-Za-z_\x80-\xff][A-Za-z_0-9\x80-\xff]*)?\$`)
	atomic    = regexp.MustCompile(`(?is)\bbegin\s+atomic\s*$`)
)

// splitter cuts a script into statements.
type splitter struct {
	text string
	pos  int
	line int

	start, startLine int
	comment          []string
	top              strings.Builder // the text outside parentheses, quotes and comments
	depth            int
	blocks           int // BEGIN ATOMIC and CASE that are open
	out              []statement
}

func split(text string) []statement {
	s := &splitter{text: text, line: 1, start: -1}
	for s.pos < len(s.text) {
		s.next()
	}
	s.finish(s.pos)
	return s.out
}

func (s *splitter) rest() string { return s.text[s.pos:] }

// skip moves on by n bytes and counts the lines.
func (s *splitter) skip(n int) {
	n = min(n, len(s.text)-s.pos)
	s.line += strings.Count(s.text[s.pos:s.pos+n], "\n")
	s.pos += n
}

// open notes that the statement has begun.
func (s *splitter) open() {
	if s.start < 0 {
		s.start, s.startLine = s.pos, s.line
	}
}

// until returns the length of the text through the first end after the first n bytes.
func (s *splitter) until(n int, end string) int {
	if i := strings.Index(s.rest()[min(n, len(s.rest())):], end); i >= 0 {
		return n + i + len(end)
	}
	return len(s.rest())
}

func (s *splitter) next() {
	rest := s.rest()
	switch c := rest[0]; {
	case strings.HasPrefix(rest, "--"):
		n := s.until(0, "\n")
		if s.start < 0 {
			s.comment = append(s.comment, strings.TrimSpace(strings.TrimLeft(rest[:n], "-")))
		}
		s.skip(n)
	case strings.HasPrefix(rest, "/*"):
		s.skip(commentLen(rest))
	case c == '\'' || c == '"':
		s.open()
		escapes := c == '\'' && s.pos > 0 && (s.text[s.pos-1] == 'e' || s.text[s.pos-1] == 'E') && (s.pos == 1 || !isWord(s.text[s.pos-2]))
		s.skip(quotedLen(rest, escapes))
		s.top.WriteByte(' ')
	case c == '$' && (s.pos == 0 || !isWord(s.text[s.pos-1])) && dollarTag.MatchString(rest):
		s.open()
		tag := dollarTag.FindString(rest)
		s.skip(s.until(len(tag), tag))
	case c == '(' || c == '[':
		s.open()
		s.depth++
		s.skip(1)
	case c == ')' || c == ']':
		s.depth--
		s.skip(1)
	case c == ';' && s.depth <= 0 && s.blocks == 0:
		s.finish(s.pos)
		s.skip(1)
		s.copyData()
	case isWord(c):
		s.open()
		s.word()
	default:
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			s.open()
		}
		if s.depth <= 0 {
			s.top.WriteByte(c)
		}
		s.skip(1)
	}
}

// word takes one word and follows the blocks of a function body in standard form.
func (s *splitter) word() {
	n := 0
	for n < len(s.rest()) && isWord(s.rest()[n]) {
		n++
	}
	w := s.rest()[:n]
	if s.depth <= 0 {
		s.top.WriteString(w)
		switch {
		case strings.EqualFold(w, "atomic") && atomic.MatchString(s.top.String()):
			s.blocks++
		case s.blocks > 0 && strings.EqualFold(w, "case"):
			s.blocks++
		case s.blocks > 0 && strings.EqualFold(w, "end"):
			s.blocks--
		}
	}
	s.skip(n)
}

// finish ends the statement before end.
func (s *splitter) finish(end int) {
	if s.start >= 0 {
		sql := strings.TrimRight(s.text[s.start:end], " \t\r\n")
		s.out = append(s.out, statement{
			sql: sql, line: s.startLine, comment: strings.TrimSpace(strings.Join(s.comment, " ")),
			ordered: orderBy.MatchString(s.top.String()) || rowsInRow.MatchString(sql),
		})
	}
	s.start, s.depth, s.blocks = -1, 0, 0
	s.comment = nil
	s.top.Reset()
}

// copyData takes the lines that follow COPY ... FROM STDIN.
func (s *splitter) copyData() {
	if len(s.out) == 0 || !copyIn.MatchString(s.out[len(s.out)-1].sql) {
		return
	}
	s.skip(s.until(0, "\n"))
	last := &s.out[len(s.out)-1]
	for s.pos < len(s.text) {
		n := s.until(0, "\n")
		line := strings.TrimSuffix(s.rest()[:n], "\n")
		s.skip(n)
		if line == `\.` {
			return
		}
		last.data = append(last.data, line)
	}
}

func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// commentLen is the length of a block comment, which may hold others.
func commentLen(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "/*"):
			depth++
			i++
		case strings.HasPrefix(s[i:], "*/"):
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// quotedLen is the length of a quoted string; a doubled quote continues it by starting another.
func quotedLen(s string, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}

func TestSplit(t *testing.T) {
	script := `-- why
select ';' , "a;b", e'\';', $x$ ; $x$ /* ; /* ; */ */ from t order by 1;

select (select 1 order by 1); -- behind
copy t (a) from stdin;
1
;
\.
create function f() returns int begin atomic select 1; select case when true then 2 end; end;
begin; select $1;
last`
	want := []statement{
		{sql: "select ';' , \"a;b\", e'\\';', $x$ ; $x$ /* ; /* ; */ */ from t order by 1", line: 2, comment: "why", ordered: true},
		{sql: "select (select 1 order by 1)", line: 4},
		{sql: "copy t (a) from stdin", line: 5, comment: "behind", data: []string{"1", ";"}, ordered: true},
		{sql: "create function f() returns int begin atomic select 1; select case when true then 2 end; end", line: 9},
		{sql: "begin", line: 10}, {sql: "select $1", line: 10}, {sql: "last", line: 11},
	}
	got := split(script)
	if len(got) != len(want) {
		t.Fatalf("%d statements, want %d: %+v", len(got), len(want), got)
	}
	for i, w := range want {
		g := got[i]
		if g.sql != w.sql || g.line != w.line || g.comment != w.comment || g.ordered != w.ordered ||
			strings.Join(g.data, "\n") != strings.Join(w.data, "\n") {
			t.Errorf("statement %d: %+v, want %+v", i, g, w)
		}
	}
}
