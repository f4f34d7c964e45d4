package types

import (
	"strings"
	"unicode/utf8"

	"gompho/internal/pgerr"
)

var textIO = typeIO{
	in:   func(_ Env, _ *Type, s string, _ int32) (Datum, error) { return String(s), nil },
	out:  outBytes,
	recv: recvText,
	send: sendBytes,
	cmp:  cmpBytes,
	hash: hashBytesDatum,
}

var varcharIO = typeIO{
	in:  func(_ Env, _ *Type, s string, typmod int32) (Datum, error) { return Varchar(s, typmod, false) },
	out: outBytes,
	recv: func(env Env, t *Type, b []byte, typmod int32) (Datum, error) {
		d, err := recvText(env, t, b, typmod)
		if err != nil {
			return d, err
		}
		return Varchar(d.Str(), typmod, false)
	},
	send: sendBytes,
	cmp:  cmpBytes,
	hash: hashBytesDatum,
}

var bpcharIO = typeIO{
	in:  func(_ Env, _ *Type, s string, typmod int32) (Datum, error) { return BPChar(s, typmod, false) },
	out: outBytes,
	recv: func(env Env, t *Type, b []byte, typmod int32) (Datum, error) {
		d, err := recvText(env, t, b, typmod)
		if err != nil {
			return d, err
		}
		return BPChar(d.Str(), typmod, false)
	},
	send: sendBytes,
	cmp:  func(a, b Datum) int { return strings.Compare(TrimBlanks(a.Str()), TrimBlanks(b.Str())) },
	hash: func(d Datum) uint64 { return HashBytes(trimBlankBytes(d.Bytes())) },
}

var nameIO = typeIO{
	in:  func(_ Env, _ *Type, s string, _ int32) (Datum, error) { return Name(s), nil },
	out: outBytes,
	recv: func(env Env, t *Type, b []byte, typmod int32) (Datum, error) {
		if len(b) > 63 {
			return Null, pgerr.New(pgerr.NameTooLong, "identifier too long").
				WithDetail("Identifier must be less than %d characters.", 64)
		}
		return recvText(env, t, b, typmod)
	},
	send: sendBytes,
	cmp:  cmpBytes,
	hash: hashBytesDatum,
}

// cstringIO serves cstring and unknown.
var cstringIO = typeIO{in: textIO.in, out: outBytes, recv: recvText, send: sendBytes, cmp: cmpBytes, hash: hashBytesDatum}

// opaqueTextIO serves types whose values are texts without an order: pg_node_tree, refcursor.
var opaqueTextIO = typeIO{in: textIO.in, out: outBytes, recv: recvText, send: sendBytes}

// nodeTreeIO can be shown, but not be entered.
var nodeTreeIO = typeIO{out: outBytes, send: sendBytes}

var voidIO = typeIO{
	in:   func(Env, *Type, string, int32) (Datum, error) { return Word(0), nil },
	out:  func(_ Env, _ *Type, _ Datum, dst []byte) []byte { return dst },
	recv: func(Env, *Type, []byte, int32) (Datum, error) { return Word(0), nil },
	send: func(_ Env, _ *Type, _ Datum, dst []byte) ([]byte, error) { return dst, nil },
}

var charIO = typeIO{
	in: func(_ Env, _ *Type, s string, _ int32) (Datum, error) { return Char(s), nil },
	out: func(_ Env, _ *Type, d Datum, dst []byte) []byte {
		c := byte(d.word)
		switch {
		case c == 0:
			return dst
		case c >= 0x80:
			return append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		}
		return append(dst, c)
	},
	recv: wordRecv(1),
	send: wordSend(1),
	cmp:  cmpWord,
	hash: hashWordDatum,
}

// Char reads the text form of a "char": its first byte, or backslash and three octal digits.
func Char(s string) Datum {
	if len(s) == 4 && s[0] == '\\' && isOctal(s[1]) && isOctal(s[2]) && isOctal(s[3]) {
		return Word(uint64((s[1]-'0')<<6 | (s[2]-'0')<<3 | (s[3] - '0')))
	}
	if s == "" {
		return Word(0)
	}
	return Word(uint64(s[0]))
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

func outBytes(_ Env, _ *Type, d Datum, dst []byte) []byte { return append(dst, d.Bytes()...) }

func sendBytes(_ Env, _ *Type, d Datum, dst []byte) ([]byte, error) {
	return append(dst, d.Bytes()...), nil
}

func recvText(_ Env, _ *Type, b []byte, _ int32) (Datum, error) {
	if err := CheckUTF8(b); err != nil {
		return Null, err
	}
	return String(string(b)), nil
}

// CheckUTF8 gives 22021 for bytes that are not valid UTF-8 or hold a zero byte.
func CheckUTF8(b []byte) error {
	for i := 0; i < len(b); {
		c := b[i]
		if c != 0 && c < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if c == 0 || r == utf8.RuneError && n == 1 {
			return badEncoding(b[i:])
		}
		i += n
	}
	return nil
}

func badEncoding(b []byte) error {
	n := 1
	switch c := b[0]; {
	case c >= 0xf0 && c < 0xf8:
		n = 4
	case c >= 0xe0 && c < 0xf0:
		n = 3
	case c >= 0xc0 && c < 0xe0:
		n = 2
	}
	var seq strings.Builder
	for i := 0; i < min(n, len(b)); i++ {
		if i > 0 {
			seq.WriteByte(' ')
		}
		seq.WriteString("0x")
		seq.WriteByte(hexDigits[b[i]>>4])
		seq.WriteByte(hexDigits[b[i]&15])
	}
	return pgerr.New(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": %s", seq.String())
}

// Name makes a name: at most 63 bytes, cut between characters.
func Name(s string) Datum { return String(TruncateName(s)) }

// TruncateName cuts an identifier to 63 bytes, between characters.
func TruncateName(s string) string {
	if len(s) < 64 {
		return s
	}
	n := 63
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// charOffset returns the byte offset of the n-th character, len(s) if there are fewer.
func charOffset(s string, n int) int {
	if len(s) <= n {
		return len(s) // not more bytes than characters wanted
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

// TrimBlanks removes trailing blanks, which do not count in char(n).
func TrimBlanks(s string) string {
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}

func trimBlankBytes(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

func onlyBlanks(s string) bool { return TrimBlanks(s) == "" }

// Varchar applies the length of varchar(n). What is too long is cut when only blanks are lost or the cast
// is explicit; else it is error 22001.
func Varchar(s string, typmod int32, explicit bool) (Datum, error) {
	if typmod < 4 {
		return String(s), nil
	}
	n := charOffset(s, int(typmod-4))
	if n < len(s) && !explicit && !onlyBlanks(s[n:]) {
		return Null, pgerr.New(pgerr.StringDataRightTruncation, "value too long for type character varying(%d)", typmod-4)
	}
	return String(s[:n]), nil
}

// BPChar applies the length of char(n): pads with blanks, or cuts as Varchar does.
func BPChar(s string, typmod int32, explicit bool) (Datum, error) {
	if typmod < 4 {
		return String(s), nil
	}
	want := int(typmod - 4)
	n := charOffset(s, want)
	if n < len(s) {
		if !explicit && !onlyBlanks(s[n:]) {
			return Null, pgerr.New(pgerr.StringDataRightTruncation, "value too long for type character(%d)", want)
		}
		return String(s[:n]), nil
	}
	if have := utf8.RuneCountInString(s); have < want {
		if want > 1<<30-6 {
			return Null, pgerr.Internal("invalid memory alloc request size %d", want+4)
		}
		b := make([]byte, len(s)+want-have)
		for i := copy(b, s); i < len(b); i++ {
			b[i] = ' '
		}
		return Bytes(b), nil
	}
	return String(s), nil
}
