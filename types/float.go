package types

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"

	"gompho/internal/pgerr"
)

// floatIO makes the functions of float4 (bits 32) and float8 (bits 64).
func floatIO(bits int) *typeIO {
	return &typeIO{
		in: func(_ Env, _ *Type, s string, _ int32) (Datum, error) {
			f, err := ParseFloat(s, bits)
			return Float(f), err
		},
		out: func(env Env, _ *Type, d Datum, dst []byte) []byte {
			return AppendFloat(dst, d.Float(), bits, env.ExtraFloatDigits())
		},
		recv: func(_ Env, _ *Type, b []byte, _ int32) (Datum, error) {
			switch {
			case len(b) < bits/8:
				return Null, shortMessage()
			case len(b) > bits/8:
				return Null, badBinary()
			case bits == 32:
				return Float(float64(math.Float32frombits(binary.BigEndian.Uint32(b)))), nil
			}
			return Float(math.Float64frombits(binary.BigEndian.Uint64(b))), nil
		},
		send: func(_ Env, _ *Type, d Datum, dst []byte) ([]byte, error) {
			if bits == 32 {
				return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(d.Float()))), nil
			}
			w := d.word
			if f := d.Float(); f != f {
				w = 0x7ff8 << 48 // the same NaN for all
			}
			return binary.BigEndian.AppendUint64(dst, w), nil
		},
		cmp:  func(a, b Datum) int { return CompareFloats(a.Float(), b.Float()) },
		hash: func(d Datum) uint64 { return HashFloat(d.Float()) },
	}
}

// CompareFloats orders floats as SQL does: NaN equals NaN and is above all others.
func CompareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	case a == a:
		return -1 // b is NaN
	case b == b:
		return 1
	}
	return 0
}

// HashFloat hashes a float so that values which compare equal hash alike.
func HashFloat(f float64) uint64 {
	if f == 0 {
		return HashWord(0)
	}
	if f != f {
		return HashWord(0x7ff8000000000000)
	}
	return HashWord(math.Float64bits(f))
}

func floatName(bits int) string {
	if bits == 32 {
		return "real"
	}
	return "double precision"
}

// ParseFloat reads a float of 32 or 64 bits with blanks around it.
func ParseFloat(s string, bits int) (float64, error) {
	t := trimSpace(s)
	bad := t == ""
	for i := 0; i < len(t); i++ {
		bad = bad || t[i] == '_'
	}
	if bad {
		return 0, badSyntax(floatName(bits), s)
	}
	if h := strings.TrimLeft(t, "+-"); len(h) > 2 && h[0] == '0' && h[1]|32 == 'x' && !strings.ContainsAny(h, "pP") {
		t += "p0"
	}
	f, err := strconv.ParseFloat(t, bits)
	if err != nil {
		ne, ok := err.(*strconv.NumError)
		if ok && ne.Err == strconv.ErrRange {
			return 0, floatRange(t, bits)
		}
		if i, err := ParseInt(t, "", math.MinInt64, math.MaxInt64); err == nil {
			return float64(i), nil
		}
		return 0, badSyntax(floatName(bits), s)
	}
	if f == 0 && hasNonZeroDigit(t) {
		return 0, floatRange(t, bits)
	}
	return f, nil
}

func floatRange(s string, bits int) error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "\"%s\" is out of range for type %s", s, floatName(bits))
}

// hasNonZeroDigit reports whether the mantissa of a decimal number has a digit other than 0.
func hasNonZeroDigit(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == 'e' || c == 'E' {
			return false
		}
		if c >= '1' && c <= '9' {
			return true
		}
	}
	return false
}

// AppendFloat appends the text form: the shortest that reads back as the same value when extra is above 0,
// else the type's sure digits plus extra.
func AppendFloat(dst []byte, f float64, bits, extra int) []byte {
	switch {
	case f != f:
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	sure := 15
	if bits == 32 {
		sure = 6
	}
	if extra > 0 {
		return appendShortest(dst, f, bits, sure)
	}
	return AppendG(dst, f, max(1, sure+extra))
}

// appendShortest uses an exponent below 1e-4 and from 10^limit on.
func appendShortest(dst []byte, f float64, bits, limit int) []byte {
	a := math.Abs(f)
	switch {
	case a == 0 || a >= 1e-3 && a < math.Pow10(limit):
		return strconv.AppendFloat(dst, f, 'f', -1, bits)
	case a >= wholeFrom(bits):
		return appendInside(dst, f, bits)
	}
	n := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	if strings.HasSuffix(string(dst[n:]), "e-04") {
		return strconv.AppendFloat(dst[:n], f, 'f', -1, bits)
	}
	return dst
}

// wholeFrom is the value from which on floats are whole numbers more than one apart.
func wholeFrom(bits int) float64 {
	if bits == 32 {
		return 1 << 24
	}
	return 1 << 53
}

// appendInside appends the shortest digits that lie strictly between the midpoints to the neighbours of f:
// the midpoint itself, which Go takes where it would read back as f, is not good enough for PostgreSQL.
func appendInside(dst []byte, f float64, bits int) []byte {
	n := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	if !isMidpoint(string(dst[n:]), f, bits) {
		return dst
	}
	for digits := 1; digits < 17; digits++ {
		dst = strconv.AppendFloat(dst[:n], f, 'e', digits, bits)
		back, _ := strconv.ParseFloat(string(dst[n:]), bits)
		if back == f && !isMidpoint(string(dst[n:]), f, bits) {
			break
		}
	}
	return dst
}

// isMidpoint reports whether a decimal lies halfway between f and the float next to it.
func isMidpoint(s string, f float64, bits int) bool {
	dec, _ := new(big.Float).SetPrec(200).SetString(s)
	exact := big.NewFloat(f)
	next := big.NewFloat(nextAfter(f, dec.Cmp(exact) > 0, bits))
	dec.Sub(dec, exact)
	return dec.Mul(dec, big.NewFloat(2)).Cmp(next.Sub(next, exact)) == 0
}

func nextAfter(f float64, up bool, bits int) float64 {
	to := math.Inf(-1)
	if up {
		to = math.Inf(1)
	}
	if bits == 32 {
		return float64(math.Nextafter32(float32(f), float32(to)))
	}
	return math.Nextafter(f, to)
}

// AppendG appends f as C's %.*g does.
func AppendG(dst []byte, f float64, digits int) []byte {
	n := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', digits-1, 64)
	e := len(dst) - 1
	for dst[e] != 'e' {
		e--
	}
	exp, _ := strconv.Atoi(string(dst[e+1:]))
	if exp >= -4 && exp < digits {
		dst = strconv.AppendFloat(dst[:n], f, 'f', digits-1-exp, 64)
		return trimFraction(dst, n, len(dst))
	}
	return trimFraction(dst, n, e)
}

// trimFraction removes zeros at the end of the fraction in dst[from:to].
func trimFraction(dst []byte, from, to int) []byte {
	point := -1
	for i := from; i < to; i++ {
		if dst[i] == '.' {
			point = i
		}
	}
	if point < 0 {
		return dst
	}
	end := to
	for end > point+1 && dst[end-1] == '0' {
		end--
	}
	if end == point+1 {
		end = point
	}
	return append(dst[:end], dst[to:]...)
}
