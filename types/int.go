package types

import (
	"encoding/binary"
	"strconv"
	"strings"

	"gompho/internal/pgerr"
)

// intIO makes the functions of a signed integer type of the given width in bits.
func intIO(width int, name string) *typeIO {
	lo, hi := int64(-1)<<(width-1), int64(1)<<(width-1)-1
	size := width / 8
	return &typeIO{
		in: func(_ Env, _ *Type, s string, _ int32) (Datum, error) {
			v, err := ParseInt(s, name, lo, hi)
			return Int(v), err
		},
		out: func(_ Env, _ *Type, d Datum, dst []byte) []byte { return strconv.AppendInt(dst, d.Int(), 10) },
		recv: func(_ Env, _ *Type, b []byte, _ int32) (Datum, error) {
			switch {
			case len(b) < size:
				return Null, shortMessage()
			case len(b) > size:
				return Null, badBinary()
			case size == 2:
				return Int(int64(int16(binary.BigEndian.Uint16(b)))), nil
			case size == 4:
				return Int(int64(int32(binary.BigEndian.Uint32(b)))), nil
			}
			return Int(int64(binary.BigEndian.Uint64(b))), nil
		},
		send: func(_ Env, _ *Type, d Datum, dst []byte) ([]byte, error) {
			return appendBigEndian(dst, d.word, size), nil
		},
		cmp:  cmpInt,
		hash: hashWordDatum,
	}
}

// oidIO makes the functions of an unsigned integer type; width is 32 or 64.
func oidIO(width int, name string) *typeIO {
	size := width / 8
	return &typeIO{
		in: func(_ Env, _ *Type, s string, _ int32) (Datum, error) {
			v, err := parseUnsigned(s, name, width)
			return Word(v), err
		},
		out:  func(_ Env, _ *Type, d Datum, dst []byte) []byte { return strconv.AppendUint(dst, d.word, 10) },
		recv: wordRecv(size),
		send: wordSend(size),
		cmp:  cmpWord,
		hash: hashWordDatum,
	}
}

func wordRecv(size int) func(Env, *Type, []byte, int32) (Datum, error) {
	return func(_ Env, _ *Type, b []byte, _ int32) (Datum, error) {
		if len(b) < size {
			return Null, shortMessage()
		}
		if len(b) > size {
			return Null, badBinary()
		}
		var w uint64
		for _, c := range b {
			w = w<<8 | uint64(c)
		}
		return Word(w), nil
	}
}

func wordSend(size int) func(Env, *Type, Datum, []byte) ([]byte, error) {
	return func(_ Env, _ *Type, d Datum, dst []byte) ([]byte, error) {
		return appendBigEndian(dst, d.word, size), nil
	}
}

func appendBigEndian(dst []byte, w uint64, size int) []byte {
	switch size {
	case 1:
		return append(dst, byte(w))
	case 2:
		return binary.BigEndian.AppendUint16(dst, uint16(w))
	case 4:
		return binary.BigEndian.AppendUint32(dst, uint32(w))
	}
	return binary.BigEndian.AppendUint64(dst, w)
}

func shortMessage() error {
	return pgerr.New(pgerr.ProtocolViolation, "insufficient data left in message")
}

// noData is the error of a value that ends where its next byte should be.
func noData() error { return pgerr.New(pgerr.ProtocolViolation, "no data left in message") }

// badBinary is the error of a value with bytes left over; whoever knows the parameter's number may replace it.
func badBinary() error {
	return pgerr.New(pgerr.InvalidBinaryRepresentation, "incorrect binary data format")
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func trimSpace(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// ParseInt reads a decimal integer with blanks around it; name is the type's for the errors 22P02 and 22003.
func ParseInt(s, name string, lo, hi int64) (int64, error) {
	t := trimSpace(s)
	neg := false
	if len(t) > 0 && (t[0] == '-' || t[0] == '+') {
		neg = t[0] == '-'
		t = t[1:]
	}
	if len(t) == 0 {
		return 0, badSyntax(name, s)
	}
	var v uint64
	for i := 0; i < len(t); i++ {
		c := t[i] - '0'
		if c > 9 {
			return 0, badSyntax(name, s)
		}
		// What is too large already is so whatever follows.
		if v = v*10 + uint64(c); v > uint64(-lo) {
			return 0, outOfRange(s, name)
		}
	}
	if !neg && v > uint64(hi) {
		return 0, outOfRange(s, name)
	}
	if neg {
		return -int64(v), nil
	}
	return int64(v), nil
}

// parseUnsigned reads an oid: what a negative number of the same width stands for is accepted, too. For
// the xid types it reads as strtoul does, prefixes 0x and 0 meaning bases 16 and 8, and takes anything.
func parseUnsigned(s, name string, width int) (uint64, error) {
	u := trimSpace(s)
	neg := false
	if len(u) > 0 && (u[0] == '-' || u[0] == '+') {
		neg = u[0] == '-'
		u = u[1:]
	}
	if name != "oid" {
		v := lenientUnsigned(u)
		if neg {
			v = -v
		}
		if width == 32 {
			v &= 0xffffffff
		}
		return v, nil
	}
	digits := len(u) - len(strings.TrimLeft(u, "0123456789"))
	v, err := strconv.ParseUint(u[:digits], 10, 64)
	switch {
	case digits == 0:
		return 0, badSyntax(name, s)
	case err != nil:
		return 0, outOfRange(s, name)
	case digits < len(u):
		return 0, badSyntax(name, s)
	}
	if neg {
		v = -v
	}
	if v > 0xffffffff && int64(v) != int64(int32(v)) {
		return 0, outOfRange(s, name)
	}
	return v & 0xffffffff, nil
}

func lenientUnsigned(u string) uint64 {
	base := 10
	switch {
	case len(u) > 2 && u[0] == '0' && (u[1] == 'x' || u[1] == 'X'):
		base, u = 16, u[2:]
	case len(u) > 1 && u[0] == '0':
		base, u = 8, u[1:]
	}
	n := 0
	for n < len(u) {
		d, ok := hexDigit(u[n])
		if !ok || int(d) >= base {
			break
		}
		n++
	}
	v, err := strconv.ParseUint(u[:n], base, 64)
	if err != nil && n > 0 {
		return ^uint64(0)
	}
	return v
}

func outOfRange(s, name string) error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "value \"%s\" is out of range for type %s", s, name)
}
