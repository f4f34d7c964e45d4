package parser

// tokKind is the kind of a token. Single-character tokens have their character as kind, keywords follow
// from firstKeyword on.
type tokKind uint16

const (
	tokEOF     tokKind = 0
	tokError   tokKind = 1 // the lexer failed here; lexer.err says how
	tokIdent   tokKind = iota + 126
	tokUIdent          // U&"..." whose escapes are not yet decoded
	tokSconst          // any string literal
	tokUSconst         // U&'...' whose escapes are not yet decoded
	tokBconst          // b... or x...: bit strings
	tokXconst
	tokIconst // fits 32 bits
	tokFconst
	tokParam         // $n; str is the digits
	tokOp            // operator without a token kind of its own
	tokTypecast      // ::
	tokDotDot        // ..
	tokColonEquals   // :=
	tokEqualsGreater // =>
	tokLessEquals    // <=
	tokGreaterEquals // >=
	tokNotEquals     // <> and !=
	tokNulls         // NULLS before FIRST or LAST, where it is no name
	tokWith          // WITH before TIME or ORDINALITY
	tokOther         // a character that begins no token

	firstKeyword = 256
)

// token is one token of the text. str is the folded identifier or keyword, the decoded string, the digits, or the
// operator; text[pos:end] is as written.
type token struct {
	kind     tokKind
	pos, end int32
	str      string
}

func (k tokKind) isKeyword() bool { return k >= firstKeyword }

func (k tokKind) category() Category { return keywordTable[k-firstKeyword].Category }

// isColID: a name of a column or table.
func (k tokKind) isColID() bool {
	if k.isKeyword() {
		c := k.category()
		return c == Unreserved || c == ColName
	}
	return k == tokIdent
}

// isTypeFuncName: a name of a type or function.
func (k tokKind) isTypeFuncName() bool {
	if k.isKeyword() {
		c := k.category()
		return c == Unreserved || c == TypeFuncName
	}
	return k == tokIdent
}

// isNonReserved: any word but a reserved one.
func (k tokKind) isNonReserved() bool {
	if k.isKeyword() {
		return k.category() != Reserved
	}
	return k == tokIdent
}

// isColLabel: any word.
func (k tokKind) isColLabel() bool { return k == tokIdent || k.isKeyword() }

// isBareLabel: a column label without AS.
func (k tokKind) isBareLabel() bool {
	if k.isKeyword() {
		return keywordTable[k-firstKeyword].BareLabel
	}
	return k == tokIdent
}
