package types

import "strings"

var boolIO = typeIO{
	in: func(_ Env, _ *Type, s string, _ int32) (Datum, error) {
		v, ok := ParseBool(trimSpace(s))
		if !ok {
			return Null, badSyntax("boolean", s)
		}
		return Bool(v), nil
	},
	out: func(_ Env, _ *Type, d Datum, dst []byte) []byte {
		if d.Bool() {
			return append(dst, 't')
		}
		return append(dst, 'f')
	},
	recv: func(_ Env, _ *Type, b []byte, _ int32) (Datum, error) {
		if len(b) < 1 {
			return Null, shortMessage()
		}
		if len(b) > 1 {
			return Null, badBinary()
		}
		return Bool(b[0] != 0), nil
	},
	send: wordSend(1),
	cmp:  cmpWord,
	hash: hashWordDatum,
}

// ParseBool reads a boolean as PostgreSQL does: unambiguous prefixes of true, false, yes, no, on, off, and 1 and 0.
func ParseBool(s string) (value, ok bool) {
	if s == "" {
		return false, false
	}
	if len(s) == 1 && (s[0] == '0' || s[0] == '1') {
		return s[0] == '1', true
	}
	s = strings.ToLower(s)
	for _, w := range [...]struct {
		word string
		min  int
		v    bool
	}{{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false}, {"on", 2, true}, {"off", 2, false}} {
		if len(s) >= w.min && strings.HasPrefix(w.word, s) {
			return w.v, true
		}
	}
	return false, false
}
