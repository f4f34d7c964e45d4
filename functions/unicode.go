package functions

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"gompho/internal/pgerr"
	"gompho/types"
)

// unicodeEscape reads the digits of an escape after its backslash; n is how many bytes it takes, 0 if it is none.
func unicodeEscape(s string) (r rune, n int) {
	for _, form := range [...]struct {
		prefix string
		digits int
	}{{"", 4}, {"u", 4}, {"+", 6}, {"U", 8}} {
		rest, ok := strings.CutPrefix(s, form.prefix)
		if !ok || len(rest) < form.digits {
			continue
		}
		v, err := strconv.ParseUint(rest[:form.digits], 16, 32)
		if err == nil {
			return rune(min(v, 1<<31-1)), len(form.prefix) + form.digits
		}
	}
	return 0, 0
}

func surrogateError() error {
	return pgerr.New(pgerr.SyntaxError, "invalid Unicode surrogate pair")
}

// unistr replaces Unicode escapes by the characters they stand for.
func unistr(c *Call) (types.Datum, error) {
	s := c.str(0)
	out := make([]byte, 0, len(s))
	var high rune
	for len(s) > 0 {
		if s[0] != '\\' || strings.HasPrefix(s, `\\`) {
			if high != 0 {
				return types.Null, surrogateError()
			}
			out = append(out, s[0])
			if s[0] == '\\' {
				s = s[1:]
			}
			s = s[1:]
			continue
		}
		r, n := unicodeEscape(s[1:])
		switch {
		case n == 0:
			return types.Null, pgerr.New(pgerr.SyntaxError, "invalid Unicode escape").
				WithHint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
		case r == 0 || r > utf8.MaxRune:
			return types.Null, pgerr.New(pgerr.InvalidParameterValue, "invalid Unicode code point: %04X", r)
		case high != 0:
			if r = utf16.DecodeRune(high, r); r == utf8.RuneError {
				return types.Null, surrogateError()
			}
			high = 0
			out = utf8.AppendRune(out, r)
		case r >= 0xd800 && r < 0xdc00:
			high = r
		case r >= 0xdc00 && r < 0xe000:
			return types.Null, surrogateError()
		default:
			out = utf8.AppendRune(out, r)
		}
		s = s[1+n:]
	}
	if high != 0 {
		return types.Null, surrogateError()
	}
	return types.Bytes(out), nil
}

func normalForm(name string) (norm.Form, error) {
	switch strings.ToUpper(name) {
	case "NFC":
		return norm.NFC, nil
	case "NFD":
		return norm.NFD, nil
	case "NFKC":
		return norm.NFKC, nil
	case "NFKD":
		return norm.NFKD, nil
	}
	return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid normalization form: %s", name)
}

func normalize(c *Call) (types.Datum, error) {
	f, err := normalForm(c.str(1))
	if err != nil {
		return types.Null, err
	}
	return types.Bytes(f.Bytes(c.bytes(0))), nil
}

func isNormalized(c *Call) (types.Datum, error) {
	f, err := normalForm(c.str(1))
	if err != nil {
		return types.Null, err
	}
	return types.Bool(f.IsNormal(c.bytes(0))), nil
}

// unicodeFamily lists functions over Unicode escapes and normal forms.
func unicodeFamily() []Entry {
	return []Entry{
		{Name: "unistr", Scalar: unistr}, {Name: "unicode_normalize_func", Scalar: normalize}, {Name: "unicode_is_normalized", Scalar: isNormalized},
	}
}
