package functions

import (
	"strings"
	"unicode/utf8"

	"gompho/internal/pgerr"
	"gompho/types"
)

// similarEscape turns a SIMILAR TO pattern into a regular expression. Without a second argument the escape
// character is a backslash; with a NULL one, in the old form of the function, as well.
func similarEscape(c *Call) (types.Datum, error) {
	if c.null(0) {
		return types.Null, nil
	}
	esc := `\`
	if len(c.Args) > 1 && !c.null(1) {
		esc = c.str(1)
		if utf8.RuneCountInString(esc) > 1 {
			return types.Null, pgerr.New(pgerr.InvalidEscapeSequence, "invalid escape string").
				WithHint("Escape string must be empty or one character.")
		}
	}
	s, err := similarPattern(c.str(0), esc)
	return types.String(s), err
}

func similarPattern(pattern, esc string) (string, error) {
	var sb strings.Builder
	sb.WriteString("^(?:")
	quotes := 0
	escaped, inClass := false, false
	for pattern != "" {
		_, n := utf8.DecodeRuneInString(pattern)
		ch := pattern[:n]
		pattern = pattern[n:]
		switch {
		case escaped:
			escaped = false
			if ch != `"` || inClass {
				sb.WriteString(`\` + ch)
				continue
			}
			switch quotes {
			case 0:
				sb.WriteString("){1,1}?(")
			case 1:
				sb.WriteString("){1,1}(?:")
			default:
				return "", pgerr.New(pgerr.InvalidUseOfEscapeCharacter, "SQL regular expression may not contain more than two escape-double-quote separators")
			}
			quotes++
		case ch == esc:
			escaped = true
		case inClass:
			if ch == `\` {
				sb.WriteByte('\\')
			}
			sb.WriteString(ch)
			inClass = ch != "]"
		case ch == "[":
			sb.WriteString(ch)
			inClass = true
		case ch == "%":
			sb.WriteString(".*")
		case ch == "_":
			sb.WriteString(".")
		case ch == "(":
			sb.WriteString("(?:")
		case ch == `\`, ch == ".", ch == "^", ch == "$":
			sb.WriteString(`\` + ch)
		default:
			sb.WriteString(ch)
		}
	}
	sb.WriteString(")$")
	return sb.String(), nil
}
