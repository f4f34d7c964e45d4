package types

import (
	"slices"
	"unsafe"

	"gompho/internal/pgerr"
)

const hexDigits = "0123456789abcdef"

var byteaIO = typeIO{
	in: func(env Env, _ *Type, s string, _ int32) (Datum, error) {
		b, err := ParseBytea(env, s)
		return Bytes(b), err
	},
	out: func(env Env, _ *Type, d Datum, dst []byte) []byte {
		add := AppendByteaEscape
		if env.ByteaOutput() == ByteaHex {
			add, dst = AppendHex, append(slices.Grow(dst, 2+2*len(d.Bytes())), '\\', 'x')
		}
		_ = pieces(env, d.Str(), func(piece string) error { // an interrupt cuts it short and ends the statement
			dst = add(dst, unsafe.Slice(unsafe.StringData(piece), len(piece)))
			return nil
		})
		return dst
	},
	recv: func(_ Env, _ *Type, b []byte, _ int32) (Datum, error) { return Bytes(append([]byte(nil), b...)), nil },
	send: sendBytes,
	cmp:  cmpBytes,
	hash: hashBytesDatum,
}

// AppendHex appends two lower-case hexadecimal digits for each byte.
func AppendHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// AppendByteaEscape appends the escape form: printable ASCII as it is, backslash doubled, the rest octal.
func AppendByteaEscape(dst, b []byte) []byte {
	for _, c := range b {
		switch {
		case c == '\\':
			dst = append(dst, '\\', '\\')
		case c < 0x20 || c > 0x7e:
			dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// ParseBytea reads the hexadecimal (\x...) or the escape form. Interrupts of env end it.
func ParseBytea(env Env, s string) ([]byte, error) {
	if len(s) >= 2 && s[0] == '\\' && s[1] == 'x' {
		return DecodeHex(env, s[2:])
	}
	b, pace := Room(len(s)), PaceOf(env)
	for i := 0; i < len(s); i++ {
		if err := pace.Step(1); err != nil {
			return nil, err
		}
		switch {
		case s[i] != '\\':
			b = append(b, s[i])
		case i+1 < len(s) && s[i+1] == '\\':
			b = append(b, '\\')
			i++
		case i+3 < len(s) && s[i+1] >= '0' && s[i+1] <= '3' && isOctal(s[i+2]) && isOctal(s[i+3]):
			b = append(b, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 3
		default:
			return nil, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
		}
	}
	return b, nil
}

// DecodeHex reads hexadecimal digits in pairs, with white space allowed between the pairs. Interrupts of env end it.
func DecodeHex(env Env, s string) ([]byte, error) {
	b, pace := Room(len(s)/2), PaceOf(env)
	for i := 0; i < len(s); {
		if err := pace.Step(2); err != nil {
			return nil, err
		}
		if c := s[i]; c == ' ' || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		hi, err := hexValue(s[i:])
		if err != nil {
			return nil, err
		}
		if i++; i >= len(s) {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid hexadecimal data: odd number of digits")
		}
		lo, err := hexValue(s[i:])
		if err != nil {
			return nil, err
		}
		i++
		b = append(b, hi<<4|lo)
	}
	return b, nil
}

func hexValue(s string) (byte, error) {
	v, ok := hexDigit(s[0])
	if !ok {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid hexadecimal digit: \"%s\"", s[:charOffset(s, 1)])
	}
	return v, nil
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
