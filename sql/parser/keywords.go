package parser

// Category says where a keyword may be used as a name.
type Category byte

// The categories, with the letters pg_get_keywords() shows.
const (
	Unreserved   Category = 'U' // any name
	ColName      Category = 'C' // column and table names, but no function or type name
	TypeFuncName Category = 'T' // function and type names only
	Reserved     Category = 'R' // only after AS, or quoted
)

// Keyword is a word of the grammar.
type Keyword struct {
	Word      string // lower case
	Category  Category
	BareLabel bool // may be a column label without AS
}

// Keywords returns all keywords in alphabetical order. The caller must not write to it.
func Keywords() []Keyword { return keywordTable[:] }

// LookupKeyword finds word, which must be in lower case.
func LookupKeyword(word string) (Keyword, bool) {
	k := lookupKeyword(word)
	if k == tokIdent {
		return Keyword{}, false
	}
	return keywordTable[k-firstKeyword], true
}

const (
	maxKeywordLen = 17 // current_timestamp
	kwHashBits    = 11
)

// kwHash is an open-addressing table of keyword kinds, 0 where empty.
var kwHash = buildKeywordHash()

func buildKeywordHash() (t [1 << kwHashBits]tokKind) {
	for i := range keywordTable {
		h := hashWord(keywordTable[i].Word)
		for t[h] != 0 {
			h = (h + 1) & (1<<kwHashBits - 1)
		}
		t[h] = tokKind(i) + firstKeyword
	}
	return t
}

func hashWord(s string) uint32 {
	h := uint32(len(s))
	for i := 0; i < len(s); i++ {
		h = h*31 + uint32(s[i])
	}
	return (h * 0x9E3779B1) >> (32 - kwHashBits)
}

// lookupKeyword returns the kind of the keyword s (lower case), tokIdent when it is none.
func lookupKeyword(s string) tokKind {
	if len(s) > maxKeywordLen || len(s) < 2 {
		return tokIdent
	}
	for h := hashWord(s); kwHash[h] != 0; h = (h + 1) & (1<<kwHashBits - 1) {
		if k := kwHash[h]; keywordTable[k-firstKeyword].Word == s {
			return k
		}
	}
	return tokIdent
}

// QuoteIdent returns s as an identifier that reads back as s: quoted when it is a keyword that is not
// unreserved or not a plain lower-case word, as quote_ident() does.
func QuoteIdent(s string) string {
	if plainIdent(s) {
		if k := lookupKeyword(s); k == tokIdent || keywordTable[k-firstKeyword].Category == Unreserved {
			return s
		}
	}
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	return string(append(b, '"'))
}

func plainIdent(s string) bool {
	if s == "" || !(s[0] >= 'a' && s[0] <= 'z' || s[0] == '_') {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_') {
			return false
		}
	}
	return true
}
