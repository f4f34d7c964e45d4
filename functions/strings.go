package functions

import (
	"bytes"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"gompho/internal/pgerr"
	"gompho/types"
)

// lowerBytes returns b with letters in lower case: b itself when there is nothing to change.
func lowerBytes(b []byte) []byte {
	for i, x := range b {
		if x >= utf8.RuneSelf {
			return mapRunes(b, unicode.ToLower)
		}
		if 'A' <= x && x <= 'Z' {
			return mapFrom(b, i, unicode.ToLower)
		}
	}
	return b
}

func upperBytes(b []byte) []byte {
	for i, x := range b {
		if x >= utf8.RuneSelf {
			return mapRunes(b, unicode.ToUpper)
		}
		if 'a' <= x && x <= 'z' {
			return mapFrom(b, i, unicode.ToUpper)
		}
	}
	return b
}

func mapFrom(b []byte, i int, f func(rune) rune) []byte {
	out := append(make([]byte, 0, len(b)), b...)
	for ; i < len(out); i++ {
		if out[i] >= utf8.RuneSelf {
			return mapRunes(b, f)
		}
		out[i] = byte(f(rune(out[i])))
	}
	return out
}

// mapRunes maps character by character, as towlower does: no character becomes two.
func mapRunes(b []byte, f func(rune) rune) []byte {
	out := make([]byte, 0, len(b)+4)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		out = utf8.AppendRune(out, f(r))
		b = b[n:]
	}
	return out
}

func initcap(c *Call) (types.Datum, error) {
	b := c.bytes(0)
	out := make([]byte, 0, len(b)+4)
	inWord := false
	p := c.pacer()
	for len(b) > 0 {
		if err := p.step(2); err != nil {
			return types.Null, err
		}
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		word := unicode.IsLetter(r) || unicode.IsDigit(r)
		switch {
		case inWord:
			r = unicode.ToLower(r)
		case word:
			r = unicode.ToUpper(r)
		}
		inWord = word
		out = utf8.AppendRune(out, r)
	}
	return types.Bytes(out), nil
}

func textBytes(f func(b []byte) []byte) Scalar {
	return func(c *Call) (types.Datum, error) {
		b := c.bytes(0)
		if len(b) <= stride {
			return types.Bytes(f(b)), nil
		}
		out := make([]byte, 0, len(b))
		err := c.pieces(b, func(piece []byte) { out = append(out, f(piece)...) })
		return types.Bytes(out), err
	}
}

// runeOffset is runeOffset of a text of any length.
func (c *Call) runeOffset(s string, n int64) (int, error) {
	if len(s) <= stride {
		return runeOffset(s, n), nil
	}
	p := c.pacer()
	at := 0
	for n > 0 && at < len(s) {
		some := min(n, stride/4)
		at += runeOffset(s[at:], some)
		n -= some
		if err := p.step(stride / 4); err != nil {
			return 0, err
		}
	}
	return at, nil
}

// runeOffset returns the byte offset of the n-th character of s, its length if there are fewer.
func runeOffset(s string, n int64) int {
	if n <= 0 {
		return 0
	}
	if n >= int64(len(s)) {
		n = int64(len(s))
	}
	i := 0
	for ; n > 0 && i < len(s); n-- {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, w := utf8.DecodeRuneInString(s[i:])
		i += w
	}
	return i
}

func negativeLength() error {
	return pgerr.New(pgerr.SubstringError, "negative substring length not allowed")
}

// substrBounds returns the positions [from, to), counted from 0, that substring(x from start for n) means.
func substrBounds(start, n int64, hasLen bool) (from, to int64, err error) {
	from, to = max(start-1, 0), 1<<40
	if hasLen {
		if n < 0 {
			return 0, 0, negativeLength()
		}
		to = start - 1 + n
	}
	return from, max(to, from), nil
}

func textSubstr(c *Call) (types.Datum, error) {
	hasLen := len(c.Args) > 2
	var n int64
	if hasLen {
		n = c.int(2)
	}
	from, to, err := substrBounds(c.int(1), n, hasLen)
	if err != nil {
		return types.Null, err
	}
	s := c.str(0)
	i, err := c.runeOffset(s, from)
	if err != nil {
		return types.Null, err
	}
	n = int64(len(s) - i)
	if hasLen {
		j, err := c.runeOffset(s[i:], to-from)
		if err != nil {
			return types.Null, err
		}
		n = int64(j)
	}
	return types.String(s[i : i+int(n)]), nil
}

func byteaSubstr(c *Call) (types.Datum, error) {
	hasLen := len(c.Args) > 2
	var n int64
	if hasLen {
		n = c.int(2)
	}
	from, to, err := substrBounds(c.int(1), n, hasLen)
	if err != nil {
		return types.Null, err
	}
	b := c.bytes(0)
	l := int64(len(b))
	return types.Bytes(b[min(from, l):min(to, l)]), nil
}

func textPos(c *Call) (types.Datum, error) {
	p := c.pacer()
	i, err := p.index(c.str(0), c.str(1))
	if i < 0 || err != nil {
		return types.Int(0), err
	}
	n, err := c.runeCount(c.bytes(0)[:i])
	return types.Int(n + 1), err
}

func byteaPos(c *Call) (types.Datum, error) {
	p := c.pacer()
	i, err := p.index(c.str(0), c.str(1))
	return types.Int(int64(i + 1)), err
}

// overlay replaces n characters from start by the second argument; n defaults to that argument's length.
func overlay(length func(b []byte) int64, offset func(s string, n int64) int) Scalar {
	return func(c *Call) (types.Datum, error) {
		s, with, start := c.str(0), c.str(1), c.int(2)
		n := length(c.bytes(1))
		if len(c.Args) > 3 {
			n = c.int(3)
		}
		if start <= 0 {
			return types.Null, negativeLength()
		}
		end := start + n
		if end > 1<<31-1 {
			return types.Null, width4.overflow()
		}
		head := s[:offset(s, start-1)]
		tail := s[offset(s, max(end-1, 0)):]
		m := c.Alloc(len(head) + len(with) + len(tail))
		rest, p := m, c.pacer()
		for _, part := range [...]string{head, with, tail} {
			var err error
			if rest, err = p.Copy(rest, types.String(part).Bytes()); err != nil {
				return types.Null, err
			}
		}
		return types.Bytes(m), nil
	}
}

func byteOffset(s string, n int64) int { return int(min(max(n, 0), int64(len(s)))) }

func textLeft(c *Call) (types.Datum, error) {
	s, n := c.str(0), c.int(1)
	if n < 0 {
		have, err := c.runeCount(c.bytes(0))
		if err != nil {
			return types.Null, err
		}
		n += have
	}
	i, err := c.runeOffset(s, n)
	return types.String(s[:i]), err
}

func textRight(c *Call) (types.Datum, error) {
	s, n := c.str(0), c.int(1)
	if n == math.MinInt32 {
		n = 0 // has no negative
	} else if n < 0 {
		n = -n
	} else {
		have, err := c.runeCount(c.bytes(0))
		if err != nil {
			return types.Null, err
		}
		n = have - n
	}
	i, err := c.runeOffset(s, n)
	return types.String(s[i:]), err
}

func textReverse(c *Call) (types.Datum, error) {
	s := c.bytes(0)
	m := c.Alloc(len(s))
	p := c.pacer()
	for i := len(m); len(s) > 0; {
		if err := p.step(2); err != nil {
			return types.Null, err
		}
		n := charWidth(s, false)
		i -= n
		copy(m[i:], s[:n])
		s = s[n:]
	}
	return types.Bytes(m), nil
}

func textRepeat(c *Call) (types.Datum, error) {
	s, n := c.bytes(0), max(c.int(1), 0)
	if int64(len(s))*n > maxTextSize {
		return types.Null, tooLong()
	}
	if err := c.Afford(len(s) * int(n)); err != nil {
		return types.Null, err
	}
	m := c.Alloc(len(s) * int(n))
	p := c.pacer()
	for i := copy(m, s); i < len(m); {
		n := copy(m[i:], m[:min(i, max(len(s), stride/len(s)*len(s)))]) // whole copies, in growing pieces
		i += n
		if err := p.step(n); err != nil {
			return types.Null, err
		}
	}
	return types.Bytes(m), nil
}

func textReplace(c *Call) (types.Datum, error) {
	s, from := c.str(0), c.str(1)
	if len(s) > stride {
		return c.replaceLong(s, from, c.str(2))
	}
	if from == "" || !strings.Contains(s, from) {
		return c.Args[0], nil
	}
	if len(s) > 1<<10 {
		size := len(s) + strings.Count(s, from)*(len(c.str(2))-len(from))
		if size > maxTextSize {
			return types.Null, tooLong()
		}
		if err := c.Afford(size); err != nil {
			return types.Null, err
		}
	}
	return types.String(strings.ReplaceAll(s, from, c.str(2))), nil
}

// replaceLong is replace in a long text: what is replaced is counted first.
func (c *Call) replaceLong(s, from, to string) (types.Datum, error) {
	if from == "" {
		return c.Args[0], nil
	}
	p, found := c.pacer(), 0
	for rest := s; ; found++ {
		i, err := p.index(rest, from)
		if err != nil {
			return types.Null, err
		}
		if i < 0 {
			break
		}
		rest = rest[i+len(from):]
	}
	if found == 0 {
		return c.Args[0], nil
	}
	size := len(s) + found*(len(to)-len(from))
	if size > maxTextSize {
		return types.Null, tooLong()
	}
	if err := c.Afford(size); err != nil {
		return types.Null, err
	}
	out := make([]byte, 0, size)
	for ; found > 0; found-- {
		i, err := p.index(s, from)
		if err != nil {
			return types.Null, err
		}
		out = append(append(out, s[:i]...), to...)
		s = s[i+len(from):]
	}
	return types.Bytes(append(out, s...)), nil
}

// pad is lpad and rpad: the text is cut or filled to n characters.
func pad(left bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		s, n, fill := c.str(0), max(c.int(1), 0), c.str(2)
		have := int64(utf8.RuneCountInString(s))
		if have >= n {
			return types.String(s[:runeOffset(s, n)]), nil
		}
		if fill == "" {
			return c.Args[0], nil
		}
		if n*4 > maxTextSize {
			return types.Null, tooLong()
		}
		if err := c.Afford(2 * int(n)); err != nil {
			return types.Null, err
		}
		n -= have
		f := int64(utf8.RuneCountInString(fill))
		text := strings.Repeat(fill, int(n/f)) + fill[:runeOffset(fill, n%f)]
		if left {
			return types.String(text + s), nil
		}
		return types.String(s + text), nil
	}
}

// trim takes characters of the second argument, or blanks, off the ends.
func trim(left, right bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		s, set := c.str(0), " "
		if len(c.Args) > 1 {
			set = c.str(1)
		}
		if left {
			s = strings.TrimLeft(s, set)
		}
		if right {
			s = strings.TrimRight(s, set)
		}
		return types.String(s), nil
	}
}

func trimBytea(left, right bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		b, set := c.bytes(0), c.bytes(1)
		for left && len(b) > 0 && bytes.IndexByte(set, b[0]) >= 0 {
			b = b[1:]
		}
		for right && len(b) > 0 && bytes.IndexByte(set, b[len(b)-1]) >= 0 {
			b = b[:len(b)-1]
		}
		return types.Bytes(b), nil
	}
}

func translate(c *Call) (types.Datum, error) {
	from, to := []rune(c.str(1)), []rune(c.str(2))
	if len(from) == 0 {
		return c.Args[0], nil
	}
	out := make([]byte, 0, len(c.str(0)))
	p := c.pacer()
	for _, r := range c.str(0) {
		i := 0
		for i < len(from) && from[i] != r {
			i++
		}
		if err := p.step(i + 2); err != nil {
			return types.Null, err
		}
		switch {
		case i == len(from):
			out = utf8.AppendRune(out, r)
		case i < len(to):
			out = utf8.AppendRune(out, to[i])
		}
	}
	return types.Bytes(out), nil
}

func splitPart(c *Call) (types.Datum, error) {
	s, sep, n := c.str(0), c.str(1), c.int(2)
	if n == 0 {
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "field position must not be zero")
	}
	if s == "" {
		return types.String(""), nil
	}
	if sep == "" {
		if n == 1 || n == -1 {
			return c.Args[0], nil
		}
		return types.String(""), nil
	}
	p := c.pacer()
	if n < 0 {
		for ; n < -1; n++ {
			i, err := p.lastIndex(s, sep)
			if i < 0 || err != nil {
				return types.String(""), err
			}
			s = s[:i]
		}
		i, err := p.lastIndex(s, sep)
		if i >= 0 {
			s = s[i+len(sep):]
		}
		return types.String(s), err
	}
	for ; n > 1; n-- {
		i, err := p.index(s, sep)
		if i < 0 || err != nil {
			return types.String(""), err
		}
		s = s[i+len(sep):]
	}
	i, err := p.index(s, sep)
	if i >= 0 {
		s = s[:i]
	}
	return types.String(s), err
}

func ascii(c *Call) (types.Datum, error) {
	s := c.str(0)
	if s == "" {
		return types.Int(0), nil
	}
	r, _ := utf8.DecodeRuneInString(s)
	return types.Int(int64(r)), nil
}

func chr(c *Call) (types.Datum, error) {
	n := c.int(0)
	switch {
	case n < 0:
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "character number must be positive")
	case n == 0:
		return types.Null, pgerr.New(pgerr.ProgramLimitExceeded, "null character not permitted")
	case n > 0x10ffff:
		return types.Null, pgerr.New(pgerr.ProgramLimitExceeded, "requested character too large for encoding: %d", n)
	case n >= 0xd800 && n <= 0xdfff:
		return types.Null, pgerr.New(pgerr.ProgramLimitExceeded, "requested character not valid for encoding: %d", n)
	}
	return types.String(string(rune(n))), nil
}

// stringFamily lists functions that take texts and byte strings apart and put them together.
func stringFamily() []Entry {
	bpcharLen := func(c *Call) (types.Datum, error) {
		return types.Int(int64(utf8.RuneCount(trimBlanks(c.bytes(0))))), nil
	}
	runes := func(b []byte) int64 { return int64(utf8.RuneCount(b)) }
	octets := func(b []byte) int64 { return int64(len(b)) }
	return []Entry{
		{Name: "lower", Scalar: textBytes(lowerBytes)}, {Name: "upper", Scalar: textBytes(upperBytes)}, {Name: "initcap", Scalar: initcap},
		{Name: "bpcharlen", Scalar: bpcharLen}, {Name: "bpcharoctetlen", Scalar: octetLength}, {Name: "byteaoctetlen", Scalar: octetLength},
		{Name: "text_substr", Scalar: textSubstr}, {Name: "text_substr_no_len", Scalar: textSubstr},
		{Name: "bytea_substr", Scalar: byteaSubstr}, {Name: "bytea_substr_no_len", Scalar: byteaSubstr},
		{Name: "textpos", Scalar: textPos}, {Name: "byteapos", Scalar: byteaPos},
		{Name: "textoverlay", Scalar: overlay(runes, runeOffset)}, {Name: "textoverlay_no_len", Scalar: overlay(runes, runeOffset)},
		{Name: "byteaoverlay", Scalar: overlay(octets, byteOffset)}, {Name: "byteaoverlay_no_len", Scalar: overlay(octets, byteOffset)},
		{Name: "text_left", Scalar: textLeft}, {Name: "text_right", Scalar: textRight}, {Name: "text_reverse", Scalar: textReverse},
		{Name: "repeat", Scalar: textRepeat}, {Name: "replace_text", Scalar: textReplace},
		{Name: "lpad", Scalar: pad(true)}, {Name: "rpad", Scalar: pad(false)},
		{Name: "btrim", Scalar: trim(true, true)}, {Name: "btrim1", Scalar: trim(true, true)},
		{Name: "ltrim", Scalar: trim(true, false)}, {Name: "ltrim1", Scalar: trim(true, false)}, {Name: "rtrim", Scalar: trim(false, true)},
		{Name: "byteatrim", Scalar: trimBytea(true, true)}, {Name: "bytealtrim", Scalar: trimBytea(true, false)},
		{Name: "byteartrim", Scalar: trimBytea(false, true)}, {Name: "byteacat", Scalar: textCat},
		{Name: "translate", Scalar: translate}, {Name: "split_part", Scalar: splitPart},
		{Name: "ascii", Scalar: ascii}, {Name: "chr", Scalar: chr},
		{Name: "text_starts_with", Scalar: func(c *Call) (types.Datum, error) { return types.Bool(strings.HasPrefix(c.str(0), c.str(1))), nil }},
	}
}

func octetLength(c *Call) (types.Datum, error) { return types.Int(int64(len(c.bytes(0)))), nil }
