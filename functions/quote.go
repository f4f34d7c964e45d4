package functions

import (
	"strconv"
	"strings"

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

// quoteLiteral is quote_literal's form, without the blank before E.
func (c *Call) quoteLiteral(s string) (string, error) {
	if len(s) <= stride {
		return strings.TrimPrefix(QuoteLiteral(s), " "), nil
	}
	p := c.pacer()
	slashes, err := p.count(s, '\\')
	if err != nil {
		return "", err
	}
	if slashes > 0 {
		return c.quoteLong(s, "E'", `'\`, "'")
	}
	return c.quoteLong(s, "'", "'", "'")
}

// quoteIdent is QuoteIdent for functions of SQL.
func (c *Call) quoteIdent(s string) (string, error) {
	if len(s) <= stride {
		return QuoteIdent(s, isReserved), nil
	}
	p := c.pacer()
	for i := 0; i < len(s); i++ {
		if err := p.step(1); err != nil {
			return "", err
		}
		if x := s[i]; x != '_' && (x < 'a' || x > 'z') && (x < '0' || x > '9' || i == 0) {
			return c.quoteLong(s, `"`, `"`, `"`)
		}
	}
	return s, nil
}

// quoteLong quotes a long text: open and end go round it, the characters in twice are doubled.
func (c *Call) quoteLong(s, open, twice, end string) (string, error) {
	p, n := c.pacer(), len(open)+len(s)+len(end)
	for i := range len(twice) {
		k, err := p.count(s, twice[i])
		if err != nil {
			return "", err
		}
		n += k
	}
	if n > maxTextSize {
		return "", tooLong()
	}
	if err := c.Afford(n); err != nil {
		return "", err
	}
	b, err := c.doubled(append(types.Room(n), open...), s, twice)
	if err != nil {
		return "", err
	}
	return types.Bytes(append(b, end...)).Str(), nil
}

// text returns the text form of v.
func (c *Call) text(t *types.Type, v types.Datum) string {
	if o := t.Underlying().Oid; o == types.TextOid || o == types.VarcharOid {
		return v.Str()
	}
	return types.OutputString(c.Env, t, v)
}

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
	next, pace := 0, c.pacer()
	for s != "" {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			if b, err = c.appendLong(b, s); err != nil {
				return types.Null, err
			}
			break
		}
		if b, err = c.appendLong(b, s[:i]); err == nil {
			err = pace.step(i + types.ElementStep)
		}
		if err != nil {
			return types.Null, err
		}
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
		var err error
		text = c.text(typs[p-1], v)
		switch f.conv {
		case 'I':
			text, err = c.quoteIdent(text)
		case 'L':
			text, err = c.quoteLiteral(text)
		}
		if err != nil {
			return b, next, err
		}
	}
	if len(b)+len(text) > maxTextSize {
		return b, next, tooLong()
	}
	pad := f.width
	if pad > 0 {
		n, err := c.runeCount(types.String(text).Bytes())
		if err != nil {
			return b, next, err
		}
		pad -= int(n)
	}
	if pad > maxTextSize {
		return b, next, tooLong()
	}
	if pad <= 0 {
		b, err := c.appendLong(b, text)
		return b, next, err
	}
	if err := c.Afford(len(b) + pad); err != nil {
		return b, next, err
	}
	blanks, err := c.blanks(pad)
	if err != nil {
		return b, next, err
	}
	before, after := blanks, text
	if f.left {
		before, after = text, blanks
	}
	if b, err = c.appendLong(b, before); err == nil {
		b, err = c.appendLong(b, after)
	}
	return b, next, err
}

// blanks returns n blanks.
func (c *Call) blanks(n int) (string, error) {
	b, p := make([]byte, n), c.pacer()
	for i := range b {
		b[i] = ' '
		if err := p.step(1); err != nil {
			return "", err
		}
	}
	return types.Bytes(b).Str(), nil
}

func quoteFamily() []Entry {
	return []Entry{
		{Name: "quote_ident", Scalar: func(c *Call) (types.Datum, error) {
			s, err := c.quoteIdent(c.str(0))
			return types.String(s), err
		}},
		{Name: "quote_literal", Scalar: func(c *Call) (types.Datum, error) {
			s, err := c.quoteLiteral(c.str(0))
			return types.String(s), err
		}},
		{Name: "quote_nullable", Scalar: func(c *Call) (types.Datum, error) {
			if c.null(0) {
				return types.String("NULL"), nil
			}
			s, err := c.quoteLiteral(c.str(0))
			return types.String(s), err
		}},
		{Name: "text_concat", Scalar: textConcat}, {Name: "text_concat_ws", Scalar: textConcatWS},
		{Name: "text_format", Scalar: textFormat}, {Name: "text_format_nv", Scalar: textFormat},
	}
}
