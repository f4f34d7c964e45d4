package types

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"gompho/internal/pgerr"
)

// Numeric is a decimal number: coefficient times ten to the power of -Scale, or NaN, or an infinity.
// A coefficient below 2^64 is in lo, a larger one in big, which is then never changed.
//
// In memory and on the page a numeric is: one byte of kind (the low two bits) and sign (bit 2), the scale as
// two bytes, and the bytes of the coefficient, least significant first, without leading zeros. The value of a
// numeric column therefore needs no conversion to be compared, added or multiplied.
type Numeric struct {
	kind  numKind
	neg   bool
	scale uint16 // display scale: the number of digits after the point
	lo    uint64
	big   *big.Int
}

type numKind uint8

const (
	numFinite numKind = iota
	numNaN
	numInf
)

const numNegBit = 4

// Limits of numeric, as PostgreSQL's.
const (
	numMaxPrecision    = 1000
	numMaxDisplayScale = 1000
	numMaxResultScale  = 2000
	numMinSigDigits    = 16
	numMaxScale        = 16383
	numMaxIntDigits    = 131072
)

// Values that are no finite numbers.
var (
	NumericNaN    = Numeric{kind: numNaN}
	NumericInf    = Numeric{kind: numInf}
	NumericNegInf = Numeric{kind: numInf, neg: true}
)

var pow10tab = func() (t [20]uint64) {
	t[0] = 1
	for i := 1; i < 20; i++ {
		t[i] = t[i-1] * 10
	}
	return t
}()

// bigTen returns ten to the power of n.
func bigTen(n int) *big.Int {
	if n < 20 {
		return new(big.Int).SetUint64(pow10tab[n])
	}
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// NumericFromInt makes a numeric of an integer.
func NumericFromInt(v int64) Numeric {
	if v < 0 {
		return Numeric{neg: true, lo: uint64(-v)}
	}
	return Numeric{lo: uint64(v)}
}

// NumericFromUint makes a numeric of an unsigned integer.
func NumericFromUint(v uint64) Numeric { return Numeric{lo: v} }

// NumericFromBig makes a numeric of v times ten to the power of -scale. It keeps v.
func NumericFromBig(v *big.Int, scale int) Numeric {
	n := Numeric{neg: v.Sign() < 0, scale: uint16(scale)}
	if v.IsUint64() {
		n.lo = v.Uint64()
		return n
	}
	abs := new(big.Int).Abs(v)
	if abs.IsUint64() {
		n.lo = abs.Uint64()
		return n
	}
	n.big = abs
	return n
}

// NumericFromInt128 makes a numeric of a signed 128-bit integer times ten to the power of -scale.
func NumericFromInt128(hi int64, lo uint64, scale int) Numeric {
	n := Numeric{scale: uint16(scale)}
	if hi < 0 {
		n.neg = true
		var carry uint64
		lo, carry = bits.Sub64(0, lo, 0)
		h, _ := bits.Sub64(0, uint64(hi), carry)
		hi = int64(h)
	}
	if hi == 0 {
		n.lo = lo
		return n
	}
	v := new(big.Int).SetUint64(uint64(hi))
	n.big = v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(lo))
	return n
}

// NumericOf reads the Datum of a numeric. It does not allocate for coefficients below 2^64.
func NumericOf(d Datum) Numeric {
	b := d.Bytes()
	if len(b) < 3 {
		return Numeric{kind: numNaN}
	}
	n := Numeric{kind: numKind(b[0] & 3), neg: b[0]&numNegBit != 0, scale: binary.LittleEndian.Uint16(b[1:])}
	b = b[3:]
	if len(b) <= 8 {
		for i := len(b) - 1; i >= 0; i-- {
			n.lo = n.lo<<8 | uint64(b[i])
		}
		return n
	}
	be := make([]byte, len(b))
	for i, c := range b {
		be[len(b)-1-i] = c
	}
	n.big = new(big.Int).SetBytes(be)
	return n
}

// AppendDatum appends the bytes of n's Datum to dst.
func (n Numeric) AppendDatum(dst []byte) []byte {
	k := byte(n.kind)
	if n.neg && !n.IsZero() {
		k |= numNegBit
	}
	dst = append(dst, k, byte(n.scale), byte(n.scale>>8))
	if n.big == nil {
		for v := n.lo; v != 0; v >>= 8 {
			dst = append(dst, byte(v))
		}
		return dst
	}
	be := n.big.Bytes()
	for i := len(be) - 1; i >= 0; i-- {
		dst = append(dst, be[i])
	}
	return dst
}

// Datum makes a Datum of n.
func (n Numeric) Datum() Datum { return Bytes(n.AppendDatum(make([]byte, 0, 11))) }

// IsNaN reports whether n is not a number.
func (n Numeric) IsNaN() bool { return n.kind == numNaN }

// IsInf reports whether n is an infinity.
func (n Numeric) IsInf() bool { return n.kind == numInf }

// IsFinite reports whether n is a number that is not infinite.
func (n Numeric) IsFinite() bool { return n.kind == numFinite }

// IsZero reports whether n is 0.
func (n Numeric) IsZero() bool { return n.kind == numFinite && n.big == nil && n.lo == 0 }

// Sign returns -1, 0 or 1; 0 for NaN.
func (n Numeric) Sign() int {
	switch {
	case n.kind == numNaN || n.IsZero():
		return 0
	case n.neg:
		return -1
	}
	return 1
}

// Scale returns the display scale, the number of digits shown after the point.
func (n Numeric) Scale() int { return int(n.scale) }

// Small returns the signed coefficient when it and the value fit into an int64.
func (n Numeric) Small() (coef int64, scale int, ok bool) {
	if n.kind != numFinite || n.big != nil || n.lo > math.MaxInt64 {
		return 0, 0, false
	}
	if n.neg {
		return -int64(n.lo), int(n.scale), true
	}
	return int64(n.lo), int(n.scale), true
}

// abs returns the coefficient as a big.Int, which must not be changed.
func (n Numeric) abs() *big.Int {
	if n.big != nil {
		return n.big
	}
	return new(big.Int).SetUint64(n.lo)
}

// coef returns the signed coefficient at a scale of at least n's own.
func (n Numeric) coef(scale int) *big.Int {
	v := n.abs()
	if scale > int(n.scale) {
		v = new(big.Int).Mul(v, bigTen(scale-int(n.scale)))
	}
	if n.neg {
		v = new(big.Int).Neg(v)
	}
	return v
}

// digits10 returns the number of decimal digits of the coefficient; 0 for 0.
func (n Numeric) digits10() int {
	if n.big == nil {
		if n.lo == 0 {
			return 0
		}
		d := bits.Len64(n.lo) * 1233 >> 12
		if n.lo >= pow10tab[d] {
			d++
		}
		return d
	}
	d := int(float64(n.big.BitLen()) * 0.30102999566398119)
	if n.big.Cmp(bigTen(d)) >= 0 {
		d++
	}
	return d
}

// weight returns the exponent of the first group of four digits and that group, as in a representation to the
// base 10000: PostgreSQL's rules for result scales speak of these. Both are 0 for 0.
func (n Numeric) weight() (weight, first int) {
	d := n.digits10()
	if d == 0 {
		return 0, 0
	}
	exp := d - 1 - int(n.scale)
	weight = exp >> 2
	lead := exp&3 + 1 // decimal digits in the first group
	return weight, int(n.leading(d, lead))
}

// leading returns the first k decimal digits of a coefficient of d digits, with zeros added when it has fewer.
func (n Numeric) leading(d, k int) uint64 {
	switch {
	case n.big != nil:
		return new(big.Int).Quo(n.big, bigTen(d-k)).Uint64()
	case d >= k:
		return n.lo / pow10tab[d-k]
	}
	return n.lo * pow10tab[k-d]
}

func numericOverflow() error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "value overflows numeric format")
}

// check gives 22003 for numbers beyond what a numeric may hold.
func (n Numeric) check() (Numeric, error) {
	if n.big != nil && n.digits10()-int(n.scale) > numMaxIntDigits {
		return Numeric{}, numericOverflow()
	}
	return n, nil
}

// AppendText appends the text form.
func (n Numeric) AppendText(dst []byte) []byte {
	switch n.kind {
	case numNaN:
		return append(dst, "NaN"...)
	case numInf:
		if n.neg {
			dst = append(dst, '-')
		}
		return append(dst, "Infinity"...)
	}
	if n.neg && !n.IsZero() {
		dst = append(dst, '-')
	}
	start := len(dst)
	if n.big == nil {
		dst = strconv.AppendUint(dst, n.lo, 10)
	} else {
		dst = n.big.Append(dst, 10)
	}
	scale := int(n.scale)
	if scale == 0 {
		return dst
	}
	for len(dst)-start <= scale {
		have := len(dst) - start
		missing := scale + 1 - have
		for range missing {
			dst = append(dst, '0')
		}
		copy(dst[start+missing:], dst[start:start+have])
		for i := range missing {
			dst[start+i] = '0'
		}
	}
	dst = append(dst, 0)
	point := len(dst) - 1 - scale
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}

// String returns the text form.
func (n Numeric) String() string { return string(n.AppendText(nil)) }

// ParseNumeric reads the text form.
func ParseNumeric(s string) (Numeric, error) {
	t := trimSpace(s)
	if n, ok := parseSmallNumeric(t); ok {
		return n, nil
	}
	return parseAnyNumeric(t, s)
}

// parseSmallNumeric reads digits with at most one point and at most 19 digits in all.
func parseSmallNumeric(t string) (Numeric, bool) {
	var n Numeric
	i := 0
	if i < len(t) && (t[i] == '-' || t[i] == '+') {
		n.neg = t[i] == '-'
		i++
	}
	digits, point := 0, -1
	for ; i < len(t); i++ {
		c := t[i]
		if c == '.' && point < 0 {
			point = digits
			continue
		}
		if c < '0' || c > '9' || digits == 19 {
			return n, false
		}
		n.lo = n.lo*10 + uint64(c-'0')
		digits++
	}
	if digits == 0 {
		return n, false
	}
	if point >= 0 {
		n.scale = uint16(digits - point)
	}
	return n, true
}

func parseAnyNumeric(t, whole string) (Numeric, error) {
	u := t
	neg := false
	if u != "" && (u[0] == '-' || u[0] == '+') {
		neg = u[0] == '-'
		u = u[1:]
	}
	switch lowerASCII(u) {
	case "nan":
		if len(u) == len(t) {
			return NumericNaN, nil
		}
	case "infinity", "inf":
		return Numeric{kind: numInf, neg: neg}, nil
	}
	digits := make([]byte, 0, len(u))
	scale, point, i := 0, false, 0
	for ; i < len(u); i++ {
		switch c := u[i]; {
		case c >= '0' && c <= '9':
			digits = append(digits, c)
			if point {
				scale++
			}
			continue
		case c == '.' && !point:
			point = true
			continue
		}
		break
	}
	if len(digits) == 0 {
		return Numeric{}, badSyntax("numeric", whole)
	}
	if i < len(u) {
		exp, ok, err := parseExponent(u[i:])
		if err != nil {
			return Numeric{}, err
		}
		if !ok {
			return Numeric{}, badSyntax("numeric", whole)
		}
		scale -= exp
	}
	return scaledDigits(digits, scale, neg)
}

func parseExponent(s string) (exp int, ok bool, err error) {
	if s[0]|32 != 'e' {
		return 0, false, nil
	}
	s = s[1:]
	if s != "" && s[0] == '+' {
		s = s[1:]
		if s != "" && s[0] == '-' {
			return 0, false, nil
		}
	}
	v, err := strconv.Atoi(s)
	if err != nil && err.(*strconv.NumError).Err == strconv.ErrRange || v >= math.MaxInt32/2 || v <= -math.MaxInt32/2 {
		return 0, false, numericOverflow()
	}
	if err != nil {
		return 0, false, nil
	}
	return v, true, nil
}

func scaledDigits(digits []byte, scale int, neg bool) (Numeric, error) {
	if scale < 0 {
		zero := true
		for _, c := range digits {
			zero = zero && c == '0'
		}
		if zero {
			return Numeric{}, nil
		}
		if len(digits)-scale > numMaxIntDigits+len(digits) {
			return Numeric{}, numericOverflow()
		}
		for ; scale < 0; scale++ {
			digits = append(digits, '0')
		}
	}
	if scale > numMaxScale {
		return Numeric{}, numericOverflow()
	}
	v, _ := new(big.Int).SetString(string(digits), 10)
	n := NumericFromBig(v, scale)
	n.neg = neg
	return n.check()
}

func lowerASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for j := range b {
				if b[j] >= 'A' && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
