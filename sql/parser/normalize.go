package parser

import "strconv"

// LiteralKind is the type a literal has before it meets its context.
type LiteralKind byte

const (
	LiteralInt4    LiteralKind = 'i' // an integer that fits 32 bits
	LiteralInt8    LiteralKind = 'l' // an integer that fits 64 bits
	LiteralNumeric LiteralKind = 'n' // any other number
	LiteralString  LiteralKind = 'u' // a string: of type unknown
)

// Literal is a literal that Normalize took out.
type Literal struct {
	Kind       LiteralKind
	Start, End int32  // byte offsets in the text
	Int        int64  // value of LiteralInt4 and LiteralInt8
	Text       string // the number as written, or the string's value
}

// Normalized is the result of Normalize. Its slices are reused by the next call.
type Normalized struct {
	// Key identifies the statement up to its literals: the text with $1, $2 ... in their place, a zero byte, and
	// the kind of each literal.
	Key      []byte
	TextLen  int // length of the text in Key
	Literals []Literal
	state    normalizer // here, so that a call allocates nothing
}

// Text returns the statement with parameters in place of the literals taken out.
func (n *Normalized) Text() string { return string(n.Key[:n.TextLen]) }

// maxLiterals bounds the parameters of a normalized statement: a text with more is a bulk insert that does not
// come twice.
const maxLiterals = 100

// Normalize takes the literals out of the text of one query or data change, for looking up its plan. It reports
// false, and n holds nothing of use, when the text is something else, or when taking literals out could
// change what it means. It reads tokens only: a true result does not say that the text is valid.
// An error found in the normalized text must be reported from the original text, for its positions.
//
// The caller gives parameter i the type of Literals[i].Kind, and treats a parameter of type unknown as PostgreSQL treats
// a string literal whose type is not known yet. Under these terms the result types are those of the
// original. The rules:
//
//  1. Refused: statements other than SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE, MERGE and WITH; more than one
//     statement; texts with $n; SELECT INTO; GROUP BY and DISTINCT (an expression in the select list
//     must equal one in the clause, and two parameters never are equal); SEARCH, CYCLE and SQL/XML, whose syntax asks
//     for literals; type(modifiers) 'literal'; more than 100 literals.
//  2. Kept in the text: literals in ORDER BY (a position, or an expression to be matched with the select list), in
//     FETCH FIRST, in ON CONFLICT before DO (to be matched with an index), in type modifiers and array
//     bounds, in precisions such as current_time(3), the field of EXTRACT; typed literals (date '...');
//     bit strings and U& strings; a number after a minus sign that does not fit 32 bits, since the
//     sign may make it fit a smaller type.
//  3. Taken out: every other integer, number and string.
func Normalize(sql string, n *Normalized) bool {
	n.state = normalizer{lx: lexer{sql: sql}, n: n}
	n.Key, n.Literals = n.Key[:0], n.Literals[:0]
	return n.state.run()
}

// normalizer is the state of one pass.
type normalizer struct {
	lx     lexer
	n      *Normalized
	prev   tokKind // the token before the current one
	prev2  tokKind
	end    int   // end of prev
	copied int   // offset up to which the text is copied to the key
	depth  int   // parentheses and brackets open
	keep   uint8 // why literals are kept now
	base   int   // depth at which the kept part began: it ends with this level
	inType uint8 // how far a type name after :: or AS is read
}

// Values of normalizer.keep.
const (
	takeAll    = iota
	keepParens // a part in parentheses or brackets
	keepClause // a clause, which may also end by a keyword
)

// Values of normalizer.inType.
const (
	noType    = iota
	wantType  // after ::, AS, or a dot
	afterType // after a word of the type
)

func (z *normalizer) run() bool {
	t := z.lx.next()
	switch t.kind {
	case kwSelect, kwValues, kwTable, kwInsert, kwUpdate, kwDelete, kwMerge, kwWith, '(':
	default:
		return false
	}
	z.copied = int(t.pos)
	for ; ; t = z.lx.next() {
		switch t.kind {
		case tokEOF:
			return z.finish()
		case ';':
			if z.lx.next().kind != tokEOF {
				return false
			}
			return z.finish()
		}
		if !z.token(&t) {
			return false
		}
		z.prev2, z.prev = z.prev, t.kind
		z.end = int(t.end)
	}
}

func (z *normalizer) finish() bool {
	n := z.n
	n.Key = append(n.Key, z.lx.sql[z.copied:z.end]...)
	n.TextLen = len(n.Key)
	n.Key = append(n.Key, 0)
	for i := range n.Literals {
		n.Key = append(n.Key, byte(n.Literals[i].Kind))
	}
	return true
}

// token deals with one token; false refuses the text.
func (z *normalizer) token(t *token) bool {
	if z.keep != keepParens {
		z.typeContext(t.kind)
	}
	switch k := t.kind; k {
	case tokError, tokParam, kwGroup, kwCycle, kwSearch:
		return false
	case '(', '[':
		z.depth++
		if z.keep == takeAll && (z.inType == afterType || k == '(' && keepsArgument(z.prev)) {
			z.keep, z.base = keepParens, z.depth
		}
	case ')', ']':
		z.depth--
		if z.depth < z.base {
			z.keep, z.base = takeAll, 0
		}
	case tokIconst, tokFconst:
		return z.number(t)
	case tokSconst:
		return z.text(t)
	default:
		if k.isKeyword() {
			return z.keyword(k)
		}
	}
	return true
}

// keyword deals with the words that change what may be taken out.
func (z *normalizer) keyword(k tokKind) bool {
	switch k {
	case kwDistinct: // fine only in IS [NOT] DISTINCT FROM
		return z.prev == kwIs || z.prev == kwNot && z.prev2 == kwIs
	case kwInto:
		return z.prev == kwInsert || z.prev == kwMerge
	case kwOrder, kwFetch, kwConflict:
		if z.keep == takeAll {
			z.keep, z.base = keepClause, z.depth
		}
	case kwLimit, kwOffset, kwFor, kwDo, kwReturning:
		if z.keep == keepClause && z.depth == z.base {
			z.keep, z.base = takeAll, 0
		}
	case kwXmlattributes, kwXmlconcat, kwXmlelement, kwXmlexists, kwXmlforest, kwXmlnamespaces, kwXmlparse, kwXmlpi,
		kwXmlroot, kwXmlserialize, kwXmltable:
		return false
	}
	return true
}

// typeContext follows a type name after :: and AS, as far as its modifiers and bounds matter.
func (z *normalizer) typeContext(k tokKind) {
	switch {
	case k == tokTypecast, k == kwAs:
		z.inType = wantType
	case z.inType == noType:
	case z.inType == wantType && k == kwSetof:
	case z.inType == wantType && k.isColLabel() && k != kwMaterialized && k != kwNot:
		z.inType = afterType
	case z.inType == afterType && k == '.':
		z.inType = wantType
	case z.inType == afterType && (k == '(' || k == '[' || continuesType(k)):
	default:
		z.inType = noType
	}
}

// continuesType: words that may follow the first one of a type.
func continuesType(k tokKind) bool {
	switch k {
	case kwPrecision, kwVarying, kwChar, kwCharacter, kwWith, kwWithout, kwTime, kwZone, kwArray, kwYear, kwMonth,
		kwDay, kwHour, kwMinute, kwSecond, kwTo:
		return true
	}
	return false
}

// keepsArgument: words whose parentheses hold a type modifier, precision or field, not an expression.
func keepsArgument(k tokKind) bool {
	switch k {
	case kwBit, kwChar, kwCharacter, kwDec, kwDecimal, kwFloat, kwInterval, kwNchar, kwNumeric, kwTime, kwTimestamp,
		kwVarchar, kwVarying, kwSecond, kwCurrentTime, kwCurrentTimestamp, kwLocaltime, kwLocaltimestamp, kwExtract:
		return true
	}
	return false
}

func (z *normalizer) number(t *token) bool {
	if z.keep != takeAll {
		return true
	}
	l := Literal{Kind: LiteralNumeric, Start: t.pos, End: t.end, Text: t.str}
	if t.kind == tokIconst {
		v, _ := parseInt32(t.str)
		l.Kind, l.Int = LiteralInt4, int64(v)
	} else if v, err := strconv.ParseInt(t.str, 10, 64); err == nil {
		l.Kind, l.Int = LiteralInt8, v
	}
	if z.prev == '-' && l.Kind != LiteralInt4 {
		return true
	}
	return z.takeOut(l)
}

func (z *normalizer) text(t *token) bool {
	switch z.prev {
	case ')':
		// type(modifiers) 'literal', or an error
		return z.keep != takeAll
	case tokIdent, tokUIdent, tokUSconst, tokSconst:
		return true
	case kwBetween, kwLike, kwIlike, kwEscape, kwZone:
	default:
		if z.prev.isKeyword() && z.prev.category() != Reserved {
			return true // a typed literal
		}
	}
	if z.keep != takeAll {
		return true
	}
	return z.takeOut(Literal{Kind: LiteralString, Start: t.pos, End: t.end, Text: t.str})
}

// takeOut puts a parameter in place of l.
func (z *normalizer) takeOut(l Literal) bool {
	n, sql := z.n, z.lx.sql
	if len(n.Literals) == maxLiterals {
		return false
	}
	n.Literals = append(n.Literals, l)
	n.Key = append(n.Key, sql[z.copied:l.Start]...)
	if len(n.Key) > 0 && is(n.Key[len(n.Key)-1], clIdentCont) {
		n.Key = append(n.Key, ' ')
	}
	n.Key = append(n.Key, '$')
	n.Key = strconv.AppendInt(n.Key, int64(len(n.Literals)), 10)
	z.copied = int(l.End)
	if z.copied < len(sql) && is(sql[z.copied], clIdentCont) {
		n.Key = append(n.Key, ' ')
	}
	return true
}
