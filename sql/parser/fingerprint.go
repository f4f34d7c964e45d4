package parser

import "strconv"

// Constant is a constant of an analyzed statement: where it begins in the text, and its type.
type Constant struct {
	Pos  int32
	Type uint32
}

// Fingerprint returns a hash of a statement's text that does not depend on white space, comments, the case of words, or the values of its constants.
// These are given in the order of their positions in sql. seed is what else makes the statement another one: the relations that its names mean.
// The result is the same in each server and is never 0.
func Fingerprint(sql string, consts []Constant, seed uint64) int64 {
	h := hash64(14695981039346656037)
	h.word(seed)
	lx := lexer{sql: sql}
	for {
		t := lx.next()
		if t.kind == tokEOF || t.kind == tokError || t.kind == ';' {
			break
		}
		for len(consts) > 0 && consts[0].Pos < t.pos {
			consts = consts[1:]
		}
		if len(consts) > 0 && consts[0].Pos == t.pos {
			h.word(uint64(consts[0].Type)<<16 | uint64(tokParam))
			if t.kind == '-' {
				lx.next() // the sign belongs to the number
			}
			continue
		}
		h.word(uint64(t.kind))
		if t.kind < firstKeyword {
			h.text(t.str)
		}
	}
	if h == 0 {
		return 1
	}
	return int64(h)
}

// FingerprintText is Fingerprint of a statement that is another one as soon as any character differs.
func FingerprintText(sql string) int64 {
	h := hash64(14695981039346656037)
	if h.text(sql); h == 0 {
		return 2
	}
	return int64(h)
}

// Placeholders returns a statement's text with $n in place of its constants, numbered from first.
func Placeholders(sql string, consts []Constant, first int) string {
	var out []byte
	lx := lexer{sql: sql}
	copied := 0
	for len(consts) > 0 {
		t := lx.next()
		if t.kind == tokEOF || t.kind == tokError {
			break
		}
		for len(consts) > 0 && consts[0].Pos < t.pos {
			consts = consts[1:]
		}
		if len(consts) == 0 || consts[0].Pos != t.pos {
			continue
		}
		if t.kind == '-' {
			t.end = lx.next().end
		}
		out = append(out, sql[copied:t.pos]...)
		out = append(out, '$')
		out = strconv.AppendInt(out, int64(first), 10)
		first++
		copied = int(t.end)
	}
	return string(append(out, sql[copied:]...))
}

// Inner returns where the statement begins that an EXPLAIN or PREPARE is about; 0 in any other text.
func Inner(sql string) int {
	lx := lexer{sql: sql}
	t := lx.next()
	switch t.kind {
	case kwExplain, kwPrepare:
	default:
		return 0
	}
	prepare := t.kind == kwPrepare
	for depth, first := 0, true; ; first = false {
		t = lx.next()
		switch k := t.kind; {
		case k == tokEOF || k == tokError:
			return 0
		case k == '(' && (first || prepare || depth > 0): // options, or the types of parameters
			depth++
		case k == ')':
			depth--
		case depth > 0:
		case prepare && k == kwAs:
			return int(lx.next().pos)
		case prepare:
		case k == '(', k == kwSelect, k == kwValues, k == kwTable, k == kwInsert, k == kwUpdate, k == kwDelete, k == kwMerge, k == kwWith, k == kwDeclare, k == kwCreate, k == kwExecute:
			return int(t.pos)
		}
	}
}

// hash64 is FNV-1a.
type hash64 uint64

func (h *hash64) byte(c byte) { *h = (*h ^ hash64(c)) * 1099511628211 }

func (h *hash64) word(w uint64) {
	for ; w > 0xff; w >>= 8 {
		h.byte(byte(w))
	}
	h.byte(byte(w))
	h.byte(0)
}

func (h *hash64) text(s string) {
	for i := 0; i < len(s); i++ {
		h.byte(s[i])
	}
	h.byte(0)
}
