package types

import (
	"encoding/binary"
	"math/big"
	"math/bits"

	"gompho/internal/pgerr"
)

var numericIO = typeIO{
	in: func(_ Env, _ *Type, s string, typmod int32) (Datum, error) {
		n, err := ParseNumeric(s)
		if err != nil {
			return Null, err
		}
		if typmod >= 4 {
			if n, err = n.ApplyTypmod(typmod); err != nil {
				return Null, err
			}
		}
		return n.Datum(), nil
	},
	out:  func(_ Env, _ *Type, d Datum, dst []byte) []byte { return NumericOf(d).AppendText(dst) },
	recv: recvNumeric,
	send: sendNumeric,
	cmp:  func(a, b Datum) int { return CompareNumericData(a, b) },
	hash: func(d Datum) uint64 { return NumericOf(d).Hash() },
}

// NumericTypmod splits the modifier of numeric(p,s).
func NumericTypmod(typmod int32) (precision, scale int) {
	v := typmod - 4
	return int(v>>16) & 0xffff, int(v&0x7ff^1024) - 1024
}

// ApplyTypmod rounds to the scale of numeric(p,s) and checks the precision.
func (n Numeric) ApplyTypmod(typmod int32) (Numeric, error) {
	if typmod < 4 || n.IsNaN() {
		return n, nil
	}
	precision, scale := NumericTypmod(typmod)
	if n.IsInf() {
		return n, pgerr.New(pgerr.NumericValueOutOfRange, "numeric field overflow").
			WithDetail("A field with precision %d, scale %d cannot hold an infinite value.", precision, scale)
	}
	if int(n.scale) != scale {
		n = n.Round(scale)
	}
	if n.IsZero() || n.digits10()-int(n.scale) <= precision-scale {
		return n, nil
	}
	limit := "1"
	if max := precision - scale; max != 0 {
		limit = "10^" + NumericFromInt(int64(max)).String()
	}
	return n, pgerr.New(pgerr.NumericValueOutOfRange, "numeric field overflow").
		WithDetail("A field with precision %d, scale %d must round to an absolute value less than %s.", precision, scale, limit)
}

// CompareNumericData orders two numerics: -Infinity, the numbers, Infinity, NaN.
func CompareNumericData(a, b Datum) int { return NumericOf(a).Cmp(NumericOf(b)) }

// Cmp orders numerics: -Infinity, the numbers, Infinity, NaN.
func (n Numeric) Cmp(m Numeric) int {
	if n.kind != numFinite || m.kind != numFinite {
		return cmpInt(Int(int64(n.rank())), Int(int64(m.rank())))
	}
	s, t := n.Sign(), m.Sign()
	if s != t {
		if s < t {
			return -1
		}
		return 1
	}
	return s * n.cmpAbs(m)
}

func (n Numeric) rank() int {
	switch {
	case n.kind == numNaN:
		return 2
	case n.kind == numFinite:
		return 0
	case n.neg:
		return -1
	}
	return 1
}

func (n Numeric) cmpAbs(m Numeric) int {
	if n.big == nil && m.big == nil {
		if n.scale == m.scale {
			return cmpWord(Word(n.lo), Word(m.lo))
		}
		d := int(m.scale) - int(n.scale)
		if d > 0 && d < 20 {
			return cmpScaled(n.lo, pow10tab[d], m.lo)
		}
		if d < 0 && d > -20 {
			return -cmpScaled(m.lo, pow10tab[-d], n.lo)
		}
	}
	if n.scale == m.scale {
		return n.abs().Cmp(m.abs())
	}
	// The place of the first digit tells most numbers apart.
	if p, q := n.digits10()-int(n.scale), m.digits10()-int(m.scale); p != q && !n.IsZero() && !m.IsZero() {
		return cmpInt(Int(int64(p)), Int(int64(q)))
	}
	scale := int(max(n.scale, m.scale))
	n.neg, m.neg = false, false
	return n.coef(scale).Cmp(m.coef(scale))
}

// cmpScaled compares a*p with b.
func cmpScaled(a, p, b uint64) int {
	hi, lo := bits.Mul64(a, p)
	if hi != 0 {
		return 1
	}
	return cmpWord(Word(lo), Word(b))
}

// Hash is equal for equal values whatever their scales.
func (n Numeric) Hash() uint64 {
	if n.kind != numFinite {
		return HashWord(uint64(int64(n.rank())) + 1<<40)
	}
	if n.IsZero() {
		return HashWord(0)
	}
	if n.big != nil {
		n = n.trimZeros(0)
	}
	scale, lo := int(n.scale), n.lo
	if n.big != nil {
		return CombineHash(HashBytes(n.big.Bytes()), uint64(scale))
	}
	for lo%10 == 0 && scale > 0 {
		lo /= 10
		scale--
	}
	h := HashWord(lo)
	if scale != 0 {
		h = CombineHash(h, uint64(scale))
	}
	if n.neg {
		h = ^h
	}
	return h
}

// groups returns the digits to the base 10000 and the exponent of the first, as on the wire.
func (n Numeric) groups() (digits []uint16, weight int) {
	if n.IsZero() {
		return nil, 0
	}
	scale := int(n.scale)
	pad := (4 - scale%4) % 4
	v := n.abs()
	if pad > 0 {
		v = new(big.Int).Mul(v, bigTen(pad))
	}
	text := v.Append(nil, 10)
	for len(text)%4 != 0 {
		text = append([]byte{'0'}, text...)
	}
	for i := 0; i < len(text); i += 4 {
		digits = append(digits, uint16(text[i]-'0')*1000+uint16(text[i+1]-'0')*100+uint16(text[i+2]-'0')*10+uint16(text[i+3]-'0'))
	}
	weight = len(digits) - 1 - (scale+pad)/4
	for len(digits) > 0 && digits[0] == 0 {
		digits = digits[1:]
		weight--
	}
	for len(digits) > 0 && digits[len(digits)-1] == 0 {
		digits = digits[:len(digits)-1]
	}
	return digits, weight
}

// The sign words of the binary form.
const (
	wireNeg    = 0x4000
	wireNaN    = 0xC000
	wireInf    = 0xD000
	wireNegInf = 0xF000
)

func sendNumeric(_ Env, _ *Type, d Datum, dst []byte) ([]byte, error) {
	n := NumericOf(d)
	be := binary.BigEndian
	var sign uint16
	switch {
	case n.IsNaN():
		sign = wireNaN
	case n.IsInf() && n.neg:
		sign = wireNegInf
	case n.IsInf():
		sign = wireInf
	case n.neg:
		sign = wireNeg
	}
	var digits []uint16
	weight := 0
	if n.IsFinite() {
		digits, weight = n.groups()
	}
	dst = be.AppendUint16(dst, uint16(len(digits)))
	dst = be.AppendUint16(dst, uint16(weight))
	dst = be.AppendUint16(dst, sign)
	dst = be.AppendUint16(dst, n.scale)
	for _, g := range digits {
		dst = be.AppendUint16(dst, g)
	}
	return dst, nil
}

func badNumeric(what string) error {
	return pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid %s in external \"numeric\" value", what)
}

func recvNumeric(_ Env, _ *Type, b []byte, typmod int32) (Datum, error) {
	be := binary.BigEndian
	if len(b) < 8 {
		return Null, shortMessage()
	}
	count, weight := int(be.Uint16(b)), int(int16(be.Uint16(b[2:])))
	sign, scale := be.Uint16(b[4:]), int(be.Uint16(b[6:]))
	b = b[8:]
	n := Numeric{}
	switch sign {
	case 0:
	case wireNeg:
		n.neg = true
	case wireNaN:
		return NumericNaN.Datum(), nil
	case wireInf, wireNegInf:
		n = Numeric{kind: numInf, neg: sign == wireNegInf}
		n, err := n.ApplyTypmod(typmod)
		return n.Datum(), err
	default:
		return Null, badNumeric("sign")
	}
	if scale > numMaxScale {
		return Null, badNumeric("scale")
	}
	if len(b) < 2*count {
		return Null, shortMessage()
	}
	if len(b) > 2*count {
		return Null, badBinary()
	}
	text := make([]byte, 0, 4*count+4)
	for i := range count {
		g := be.Uint16(b[2*i:])
		if g >= 10000 {
			return Null, badNumeric("digit")
		}
		text = append(text, '0'+byte(g/1000), '0'+byte(g/100%10), '0'+byte(g/10%10), '0'+byte(g%10))
	}
	n, err := numericFromGroups(text, weight, count, scale, n.neg)
	if err != nil {
		return Null, err
	}
	if n, err = n.ApplyTypmod(typmod); err != nil {
		return Null, err
	}
	return n.Datum(), nil
}

// numericFromGroups makes a number of groups of four digits; digits beyond the display scale are cut off.
func numericFromGroups(text []byte, weight, count, scale int, neg bool) (Numeric, error) {
	if count == 0 {
		return Numeric{scale: uint16(scale)}, nil
	}
	have := 4 * (count - 1 - weight) // digits after the point, negative: zeros missing before it
	for ; have < scale; have++ {
		text = append(text, '0')
	}
	if cut := have - scale; cut > 0 {
		if cut >= len(text) {
			return Numeric{scale: uint16(scale)}, nil
		}
		text = text[:len(text)-cut]
	}
	v, ok := new(big.Int).SetString(string(text), 10)
	if !ok {
		return Numeric{}, badNumeric("digit")
	}
	n := NumericFromBig(v, scale)
	n.neg = neg && !n.IsZero()
	return n.check()
}
