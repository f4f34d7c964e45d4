package functions

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"gompho/internal/pgerr"
	"gompho/types"
)

// QuoteIdent quotes an identifier where SQL needs it; reserved tells whether a word is a key word that cannot
// stand alone, nil when none is.
func QuoteIdent(s string, reserved func(string) bool) string {
	plain := s != "" && (s[0] == '_' || s[0] >= 'a' && s[0] <= 'z')
	for i := 0; i < len(s) && plain; i++ {
		c := s[i]
		plain = c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
	}
	if plain && (reserved == nil || !reserved(s)) {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// QuoteLiteral makes a literal of a string.
func QuoteLiteral(s string) string {
	q := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.IndexByte(s, '\\') >= 0 {
		return " E" + strings.ReplaceAll(q, `\`, `\\`)
	}
	return q
}

// quoteLiteralText is quote_literal's form, without the blank before E.
func quoteLiteralText(s string) string { return strings.TrimPrefix(QuoteLiteral(s), " ") }

func isReserved(s string) bool { _, ok := reservedWords[s]; return ok }

// outputArg returns argument i in text form.
func (c *Call) outputArg(i int) (string, error) {
	t, err := c.argType(i)
	if err != nil {
		return "", err
	}
	return types.OutputString(c.Env, t, c.Args[i]), nil
}

// Spread returns the arguments from i on and their types, where a VARIADIC array counts as its elements.
func (c *Call) Spread(i int) (vals []types.Datum, typs []*types.Type, err error) { return c.spread(i) }

// spread returns the arguments from i on, where a VARIADIC array counts as its elements.
func (c *Call) spread(i int) (vals []types.Datum, typs []*types.Type, err error) {
	if !c.Variadic {
		return c.Args[i:], c.ArgTypes[i:], nil
	}
	last := len(c.Args) - 1
	t, err := c.argType(last)
	if err != nil {
		return nil, nil, err
	}
	if !t.IsArray {
		return nil, nil, pgerr.New(pgerr.DatatypeMismatch, "VARIADIC argument must be an array")
	}
	vals = append(vals, c.Args[i:last]...)
	typs = append(typs, c.ArgTypes[i:last]...)
	if c.Args[last].IsNull() {
		return vals, typs, nil
	}
	for _, e := range types.DecodeArray(c.Args[last], t.ElemType).Elems {
		vals, typs = append(vals, e), append(typs, t.ElemType)
	}
	return vals, typs, nil
}

func textConcat(c *Call) (types.Datum, error) {
	if c.Variadic && c.null(len(c.Args)-1) {
		return types.Null, nil
	}
	vals, typs, err := c.spread(0)
	if err != nil {
		return types.Null, err
	}
	var b []byte
	for i, v := range vals {
		if !v.IsNull() {
			b = types.Output(c.Env, typs[i], v, b)
		}
	}
	return types.Bytes(b), nil
}

func textConcatWS(c *Call) (types.Datum, error) {
	if c.null(0) || c.Variadic && c.null(len(c.Args)-1) {
		return types.Null, nil
	}
	vals, typs, err := c.spread(1)
	if err != nil {
		return types.Null, err
	}
	var b []byte
	first := true
	for i, v := range vals {
		if v.IsNull() {
			continue
		}
		if !first {
			b = append(b, c.str(0)...)
		}
		first = false
		b = types.Output(c.Env, typs[i], v, b)
	}
	return types.Bytes(b), nil
}

// formatSpec is one %[position][flags][width]type.
type formatSpec struct {
	pos, width int // pos 0: the next argument
	widthPos   int // -1: none, 0: the next argument
	left       bool
	conv       byte
}

func formatError(code pgerr.Code, format string, args ...any) error {
	return pgerr.New(code, format, args...)
}

func parseFormatSpec(s string) (f formatSpec, rest string, err error) {
	f.widthPos = -1
	num := func() (int, bool, error) {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		if n == 0 {
			return 0, false, nil
		}
		v, e := strconv.Atoi(s[:n])
		if e != nil || v > 1<<31-1 {
			return 0, false, formatError(pgerr.NumericValueOutOfRange, "number is out of range")
		}
		s = s[n:]
		return v, true, nil
	}
	v, ok, err := num()
	if err != nil {
		return f, "", err
	}
	if ok {
		if s == "" || s[0] != '$' {
			f.width = v
			return finishSpec(f, s)
		}
		if v == 0 {
			return f, "", formatError(pgerr.InvalidParameterValue, "format specifies argument 0, but arguments are numbered from 1")
		}
		f.pos = v
		s = s[1:]
	}
	for s != "" && s[0] == '-' {
		f.left = true
		s = s[1:]
	}
	if s != "" && s[0] == '*' {
		s = s[1:]
		f.widthPos = 0
		v, ok, err := num()
		if err != nil {
			return f, "", err
		}
		if ok {
			if s == "" || s[0] != '$' {
				return f, "", formatError(pgerr.InvalidParameterValue, "width argument position must be ended by \"$\"")
			}
			if v == 0 {
				return f, "", formatError(pgerr.InvalidParameterValue, "format specifies argument 0, but arguments are numbered from 1")
			}
			f.widthPos = v
			s = s[1:]
		}
		return finishSpec(f, s)
	}
	if f.width, _, err = num(); err != nil {
		return f, "", err
	}
	return finishSpec(f, s)
}

func finishSpec(f formatSpec, s string) (formatSpec, string, error) {
	if s == "" {
		return f, "", unterminatedSpec()
	}
	f.conv = s[0]
	return f, s[1:], nil
}

func unterminatedSpec() error {
	return pgerr.New(pgerr.InvalidParameterValue, "unterminated format() type specifier").
		WithHint("For a single \"%%\" use \"%%%%\".")
}

func textFormat(c *Call) (types.Datum, error) {
	if c.null(0) {
		return types.Null, nil
	}
	vals, typs, err := c.spread(1)
	if err != nil {
		return types.Null, err
	}
	s := c.str(0)
	var b []byte
	next := 0
	for s != "" {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			b = append(b, s...)
			break
		}
		b = append(b, s[:i]...)
		s = s[i+1:]
		if s == "" {
			return types.Null, unterminatedSpec()
		}
		if s[0] == '%' {
			b = append(b, '%')
			s = s[1:]
			continue
		}
		f, rest, err := parseFormatSpec(s)
		if err != nil {
			return types.Null, err
		}
		s = rest
		if strings.IndexByte("sIL", f.conv) < 0 {
			return types.Null, pgerr.New(pgerr.InvalidParameterValue, "unrecognized format() type specifier \"%c\"", f.conv).
				WithHint("For a single \"%%\" use \"%%%%\".")
		}
		if b, next, err = c.formatOne(b, f, vals, typs, next); err != nil {
			return types.Null, err
		}
	}
	return types.Bytes(b), nil
}

// formatOne appends one conversion and returns the number of the argument used last.
func (c *Call) formatOne(b []byte, f formatSpec, vals []types.Datum, typs []*types.Type, next int) ([]byte, int, error) {
	tooFew := func() error { return pgerr.New(pgerr.InvalidParameterValue, "too few arguments for format()") }
	if f.widthPos >= 0 {
		p := f.widthPos
		if p == 0 {
			p = next + 1
		}
		if p > len(vals) {
			return b, next, tooFew()
		}
		next = p
		if v := vals[p-1]; !v.IsNull() {
			w, err := types.ParseInt(types.OutputString(c.Env, typs[p-1], v), "integer", -1<<31, 1<<31-1)
			if err != nil {
				return b, next, err
			}
			f.width = int(w)
		}
		if f.width < 0 {
			f.left, f.width = true, -f.width
		}
	}
	p := f.pos
	if p == 0 {
		p = next + 1
	}
	if p > len(vals) {
		return b, next, tooFew()
	}
	next = p
	text := ""
	v := vals[p-1]
	switch {
	case v.IsNull() && f.conv == 'I':
		return b, next, pgerr.New(pgerr.NullValueNotAllowed, "null values cannot be formatted as an SQL identifier")
	case v.IsNull() && f.conv == 'L':
		text = "NULL"
	case v.IsNull():
	default:
		text = types.OutputString(c.Env, typs[p-1], v)
		switch f.conv {
		case 'I':
			text = QuoteIdent(text, isReserved)
		case 'L':
			text = quoteLiteralText(text)
		}
	}
	pad := f.width - utf8.RuneCountInString(text)
	if pad > maxTextSize {
		return b, next, tooLong()
	}
	if pad <= 0 {
		return append(b, text...), next, nil
	}
	if err := c.Afford(len(b) + pad); err != nil {
		return b, next, err
	}
	if f.left {
		return append(append(b, text...), strings.Repeat(" ", pad)...), next, nil
	}
	return append(append(b, strings.Repeat(" ", pad)...), text...), next, nil
}

func quoteFamily() []Entry {
	return []Entry{
		{Name: "quote_ident", Scalar: func(c *Call) (types.Datum, error) {
			return types.String(QuoteIdent(c.str(0), isReserved)), nil
		}},
		{Name: "quote_literal", Scalar: func(c *Call) (types.Datum, error) { return types.String(quoteLiteralText(c.str(0))), nil }},
		{Name: "quote_nullable", Scalar: func(c *Call) (types.Datum, error) {
			if c.null(0) {
				return types.String("NULL"), nil
			}
			return types.String(quoteLiteralText(c.str(0))), nil
		}},
		{Name: "text_concat", Scalar: textConcat}, {Name: "text_concat_ws", Scalar: textConcatWS},
		{Name: "text_format", Scalar: textFormat}, {Name: "text_format_nv", Scalar: textFormat},
	}
}
