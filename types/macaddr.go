package types

import (
	"math"

	"gompho/internal/pgerr"
)

// macIO returns the functions of macaddr (6 bytes) or macaddr8 (8 bytes). Both order as their bytes do.
func macIO(in func(s string) (Datum, error), recv func(b []byte) (Datum, error)) *typeIO {
	return &typeIO{
		in:   func(_ Env, _ *Type, s string, _ int32) (Datum, error) { return in(s) },
		out:  func(_ Env, _ *Type, d Datum, dst []byte) []byte { return appendMac(dst, d.Bytes()) },
		recv: func(_ Env, _ *Type, b []byte, _ int32) (Datum, error) { return recv(b) },
		send: sendBytes,
		cmp:  cmpBytes,
		hash: hashBytesDatum,
	}
}

func appendMac(dst, b []byte) []byte {
	for i, x := range b {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, hexDigits[x>>4], hexDigits[x&15])
	}
	return dst
}

func receiveMac(b []byte) (Datum, error) {
	switch {
	case len(b) < 6:
		return Null, noData()
	case len(b) > 6:
		return Null, badBinary()
	}
	return Bytes(append([]byte(nil), b...)), nil
}

// receiveMac8 takes 8 bytes, or the 6 of a macaddr.
func receiveMac8(b []byte) (Datum, error) {
	switch {
	case len(b) == 6:
		return Bytes(WidenMac(b)), nil
	case len(b) < 8:
		return Null, noData()
	case len(b) > 8:
		return Null, badBinary()
	}
	return Bytes(append([]byte(nil), b...)), nil
}

// WidenMac makes the 8 bytes of an EUI-64 address of the 6 of a macaddr: ff fe goes into the middle.
func WidenMac(b []byte) []byte { return []byte{b[0], b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5]} }

// macForm is a way to write a macaddr: six hexadecimal numbers of at most width digits, 0 being any number of them, and the byte that stands
// between each two, 0 being none.
type macForm struct {
	width int
	seps  [5]byte
}

var macForms = [...]macForm{
	{0, [5]byte{':', ':', ':', ':', ':'}},
	{0, [5]byte{'-', '-', '-', '-', '-'}},
	{2, [5]byte{2: ':'}},
	{2, [5]byte{2: '-'}},
	{2, [5]byte{1: '.', 3: '.'}},
	{2, [5]byte{1: '-', 3: '-'}},
	{2, [5]byte{}},
}

func parseMac(s string) (Datum, error) {
	for _, f := range macForms {
		v, ok := f.scan(s)
		if !ok {
			continue
		}
		b := make([]byte, 6)
		for i, x := range v {
			if x < 0 || x > 255 {
				return Null, pgerr.New(pgerr.NumericValueOutOfRange, "invalid octet value in \"macaddr\" value: \"%s\"", s)
			}
			b[i] = byte(x)
		}
		return Bytes(b), nil
	}
	return Null, badSyntax("macaddr", s)
}

// scan reads a macaddr in one form; blanks may stand before each number and at the end.
func (f *macForm) scan(s string) (v [6]int32, ok bool) {
	for i := range v {
		if v[i], s, ok = scanHex(s, f.width); !ok {
			return v, false
		}
		if i < 5 && f.seps[i] != 0 {
			if s == "" || s[0] != f.seps[i] {
				return v, false
			}
			s = s[1:]
		}
	}
	return v, trimSpace(s) == ""
}

// scanHex reads a hexadecimal number as C's scanf does, whose rules are the type's: blanks before it, a sign and 0x are taken and the
// latter two count as digits do; "0x" alone is zero; a number beyond 64 bits is all ones, and 32 bits of it are kept.
func scanHex(s string, width int) (v int32, rest string, ok bool) {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	if width == 0 || width > len(s) {
		width = len(s)
	}
	field, i, neg := s[:width], 0, false
	if field != "" && (field[0] == '-' || field[0] == '+') {
		neg = field[0] == '-'
		i = 1
	}
	digits := i
	if len(field) > i+1 && field[i] == '0' && field[i+1]|0x20 == 'x' {
		i += 2
	}
	var n uint64
	over := false
	for ; i < len(field); i++ {
		d, hex := hexDigit(field[i])
		if !hex {
			break
		}
		over = over || n > math.MaxUint64>>4
		n = n<<4 | uint64(d)
	}
	if i == digits {
		return 0, s, false
	}
	switch {
	case over:
		n = math.MaxUint64
	case neg:
		n = -n
	}
	return int32(uint32(n)), s[i:], true
}

// parseMac8 reads six or eight pairs of hexadecimal digits, with a byte between them that is always the same and may be left out. A single
// byte after the last pair is not looked at, as in PostgreSQL.
func parseMac8(s string) (Datum, error) {
	bad := func() (Datum, error) { return Null, badSyntax("macaddr8", s) }
	p := s
	for p != "" && isSpace(p[0]) {
		p = p[1:]
	}
	b := make([]byte, 0, 8)
	sep := byte(0)
	for len(p) > 1 {
		hi, ok1 := hexDigit(p[0])
		lo, ok2 := hexDigit(p[1])
		if len(b) == 8 || !ok1 || !ok2 {
			return bad()
		}
		b, p = append(b, hi<<4|lo), p[2:]
		if p != "" && (p[0] == ':' || p[0] == '-' || p[0] == '.') {
			if sep != 0 && sep != p[0] {
				return bad()
			}
			sep, p = p[0], p[1:]
		}
		if (len(b) == 6 || len(b) == 8) && p != "" && isSpace(p[0]) {
			if p = trimSpace(p); p != "" {
				return bad()
			}
		}
	}
	switch len(b) {
	case 6:
		return Bytes(WidenMac(b)), nil
	case 8:
		return Bytes(b), nil
	}
	return bad()
}
