package types

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"gompho/internal/pgerr"
)

// Neg returns -n.
func (n Numeric) Neg() Numeric {
	if n.kind != numNaN && !n.IsZero() {
		n.neg = !n.neg
	}
	return n
}

// Abs returns the absolute value.
func (n Numeric) Abs() Numeric {
	n.neg = false
	return n
}

// Add returns n + m.
func (n Numeric) Add(m Numeric) (Numeric, error) {
	if n.kind != numFinite || m.kind != numFinite {
		switch {
		case n.IsNaN() || m.IsNaN() || n.IsInf() && m.IsInf() && n.neg != m.neg:
			return NumericNaN, nil
		case n.IsInf():
			return n, nil
		}
		return m, nil
	}
	if n.big == nil && m.big == nil {
		if r, ok := addSmall(n, m); ok {
			return r, nil
		}
	}
	scale := int(max(n.scale, m.scale))
	return NumericFromBig(new(big.Int).Add(n.coef(scale), m.coef(scale)), scale).check()
}

// Sub returns n - m.
func (n Numeric) Sub(m Numeric) (Numeric, error) { return n.Add(m.Neg()) }

// addSmall adds without a big.Int when the coefficients at the larger scale, and the sum, fit in 64 bits.
func addSmall(n, m Numeric) (Numeric, bool) {
	x, y := n.lo, m.lo
	scale := n.scale
	if n.scale != m.scale {
		var ok bool
		if n.scale < m.scale {
			scale = m.scale
			x, ok = scaleUp(x, int(m.scale-n.scale))
		} else {
			y, ok = scaleUp(y, int(n.scale-m.scale))
		}
		if !ok {
			return n, false
		}
	}
	r := Numeric{scale: scale}
	switch {
	case n.neg == m.neg:
		sum, carry := bits.Add64(x, y, 0)
		r.lo, r.neg = sum, n.neg
		return r, carry == 0
	case x >= y:
		r.lo, r.neg = x-y, n.neg
	default:
		r.lo, r.neg = y-x, m.neg
	}
	if r.lo == 0 {
		r.neg = false
	}
	return r, true
}

func scaleUp(v uint64, digits int) (uint64, bool) {
	if v == 0 {
		return 0, true
	}
	if digits > 19 {
		return 0, false
	}
	hi, lo := bits.Mul64(v, pow10tab[digits])
	return lo, hi == 0
}

// Mul returns n * m.
func (n Numeric) Mul(m Numeric) (Numeric, error) {
	if n.kind != numFinite || m.kind != numFinite {
		if n.IsNaN() || m.IsNaN() || n.IsZero() || m.IsZero() {
			return NumericNaN, nil
		}
		return Numeric{kind: numInf, neg: n.Sign() != m.Sign()}, nil
	}
	scale := int(n.scale) + int(m.scale)
	if n.big == nil && m.big == nil && scale <= numMaxScale {
		if hi, lo := bits.Mul64(n.lo, m.lo); hi == 0 {
			return Numeric{lo: lo, neg: n.neg != m.neg && lo != 0, scale: uint16(scale)}, nil
		}
	}
	v := new(big.Int).Mul(n.abs(), m.abs())
	if n.neg != m.neg {
		v.Neg(v)
	}
	if scale > numMaxScale {
		v = roundBig(v, scale-numMaxScale)
		scale = numMaxScale
	}
	return NumericFromBig(v, scale).check()
}

// divScale chooses the scale of a quotient: at least 16 significant digits and no less than either operand has.
func divScale(n, m Numeric) int {
	w1, d1 := n.weight()
	w2, d2 := m.weight()
	q := w1 - w2
	if d1 <= d2 {
		q--
	}
	s := max(numMinSigDigits-4*q, int(n.scale), int(m.scale), 0)
	return min(s, numMaxDisplayScale)
}

func divByZero() error { return pgerr.New(pgerr.DivisionByZero, "division by zero") }

// divSpecial is what division by or of a number that is not finite gives.
func (n Numeric) divSpecial(m Numeric) (Numeric, error) {
	switch {
	case n.IsNaN() || m.IsNaN():
		return NumericNaN, nil
	case n.IsInf() && m.IsInf():
		return NumericNaN, nil
	case n.IsInf():
		if m.IsZero() {
			return n, divByZero()
		}
		return Numeric{kind: numInf, neg: n.neg != m.neg}, nil
	}
	return Numeric{}, nil // finite / infinite
}

// Div returns n / m, with 22012 for a zero divisor.
func (n Numeric) Div(m Numeric) (Numeric, error) {
	if n.kind != numFinite || m.kind != numFinite {
		return n.divSpecial(m)
	}
	if m.IsZero() {
		return n, divByZero()
	}
	return n.divTo(m, divScale(n, m)).check()
}

// divTo returns n / m rounded to scale.
func (n Numeric) divTo(m Numeric, scale int) Numeric {
	shift := scale + int(m.scale) - int(n.scale)
	neg := n.neg != m.neg
	if n.big == nil && m.big == nil && shift >= 0 && shift < 20 {
		if hi, lo := bits.Mul64(n.lo, pow10tab[shift]); hi < m.lo {
			q, r := bits.Div64(hi, lo, m.lo)
			if r >= m.lo-r {
				q++
			}
			return Numeric{lo: q, neg: neg && q != 0, scale: uint16(scale)}
		}
	}
	x, y := n.abs(), m.abs()
	if shift >= 0 {
		x = new(big.Int).Mul(x, bigTen(shift))
	} else {
		y = new(big.Int).Mul(y, bigTen(-shift))
	}
	q, r := new(big.Int).QuoRem(x, y, new(big.Int))
	if r.Lsh(r, 1).Cmp(y) >= 0 {
		q.Add(q, big.NewInt(1))
	}
	res := NumericFromBig(q, scale)
	res.neg = neg && !res.IsZero()
	return res
}

// DivTrunc returns the integer part of n / m.
func (n Numeric) DivTrunc(m Numeric) (Numeric, error) {
	if n.kind != numFinite || m.kind != numFinite {
		return n.divSpecial(m)
	}
	if m.IsZero() {
		return n, divByZero()
	}
	scale := int(max(n.scale, m.scale))
	x, y := n.Abs().coef(scale), m.Abs().coef(scale)
	r := NumericFromBig(new(big.Int).Quo(x, y), 0)
	r.neg = n.neg != m.neg && !r.IsZero()
	return r.check()
}

// Mod returns the remainder of n / m, with the sign of n.
func (n Numeric) Mod(m Numeric) (Numeric, error) {
	if n.kind != numFinite || m.kind != numFinite {
		switch {
		case n.IsNaN() || m.IsNaN():
			return NumericNaN, nil
		case n.IsInf():
			if m.IsZero() {
				return n, divByZero()
			}
			return NumericNaN, nil
		}
		return n, nil
	}
	if m.IsZero() {
		return n, divByZero()
	}
	scale := int(max(n.scale, m.scale))
	if n.big == nil && m.big == nil {
		x, ok1 := scaleUp(n.lo, scale-int(n.scale))
		y, ok2 := scaleUp(m.lo, scale-int(m.scale))
		if ok1 && ok2 {
			r := Numeric{lo: x % y, scale: uint16(scale)}
			r.neg = n.neg && r.lo != 0
			return r, nil
		}
	}
	return NumericFromBig(new(big.Int).Rem(n.coef(scale), m.coef(scale)), scale), nil
}

// roundBig drops digits decimal digits from v, rounding half away from zero. It does not change v.
func roundBig(v *big.Int, digits int) *big.Int {
	p := bigTen(digits)
	q, r := new(big.Int).QuoRem(v, p, new(big.Int))
	r.Abs(r)
	if r.Lsh(r, 1).Cmp(p) >= 0 {
		q.Add(q, big.NewInt(int64(v.Sign())))
	}
	return q
}

// Round rounds half away from zero to scale digits after the point, or before it when scale is negative. The
// result shows max(scale, 0) digits after the point.
func (n Numeric) Round(scale int) Numeric { return n.toScale(scale, true) }

// Trunc cuts off the digits after the scale-th.
func (n Numeric) Trunc(scale int) Numeric { return n.toScale(scale, false) }

func (n Numeric) toScale(scale int, round bool) Numeric {
	if n.kind != numFinite {
		return n
	}
	show := max(scale, 0)
	drop := int(n.scale) - scale
	switch {
	case drop == 0:
		return n
	case drop < 0:
		if v, ok := scaleUp(n.lo, -drop); ok && n.big == nil {
			n.lo, n.scale = v, uint16(show)
			return n
		}
		return NumericFromBig(n.coef(show), show)
	}
	if n.big == nil {
		if drop > 19 {
			return Numeric{scale: uint16(show)}
		}
		p := pow10tab[drop]
		q, r := n.lo/p, n.lo%p
		if round && r >= p-r {
			q++
		}
		n.lo, n.scale = q, uint16(show)
		if scale < 0 {
			if v, ok := scaleUp(q, -scale); ok {
				n.lo = v
			} else {
				n = NumericFromBig(new(big.Int).Mul(n.coef(0), bigTen(-scale)), 0)
			}
		}
		n.neg = n.neg && !n.IsZero()
		return n
	}
	if drop > n.digits10() {
		return Numeric{scale: uint16(show)}
	}
	var v *big.Int
	if round {
		v = roundBig(n.coef(int(n.scale)), drop)
	} else {
		v = new(big.Int).Quo(n.coef(int(n.scale)), bigTen(drop))
	}
	if scale < 0 {
		v.Mul(v, bigTen(-scale))
	}
	return NumericFromBig(v, show)
}

// trimZeros removes zeros at the end of the fraction, leaving at least keep digits.
func (n Numeric) trimZeros(keep int) Numeric {
	if n.kind != numFinite {
		return n
	}
	if n.IsZero() {
		n.scale = uint16(min(int(n.scale), keep))
		return n
	}
	if n.big != nil {
		ten, v, scale := big.NewInt(10), n.abs(), int(n.scale)
		for scale > keep {
			q, r := new(big.Int).QuoRem(v, ten, new(big.Int))
			if r.Sign() != 0 {
				break
			}
			v = q
			scale--
		}
		r := NumericFromBig(v, scale)
		r.neg = n.neg
		return r
	}
	for int(n.scale) > keep && n.lo%10 == 0 {
		n.lo /= 10
		n.scale--
	}
	return n
}

// TrimScale removes zeros at the end of the fraction.
func (n Numeric) TrimScale() Numeric { return n.trimZeros(0) }

// Floor returns the largest integer that is not above n.
func (n Numeric) Floor() Numeric { return n.toward(true) }

// Ceil returns the smallest integer that is not below n.
func (n Numeric) Ceil() Numeric { return n.toward(false) }

func (n Numeric) toward(down bool) Numeric {
	t := n.Trunc(0)
	if n.kind != numFinite || n.neg != down || t.Cmp(n) == 0 {
		return t
	}
	step := NumericFromInt(1)
	if down {
		step = NumericFromInt(-1)
	}
	r, _ := t.Add(step)
	return r
}

// IsInteger reports whether n is finite and has no fraction.
func (n Numeric) IsInteger() bool {
	return n.kind == numFinite && (n.scale == 0 || n.Trunc(0).Cmp(n) == 0)
}

// Int64 rounds to an integer; ok is false when it does not fit or n is not finite.
func (n Numeric) Int64() (v int64, ok bool) {
	if n.kind != numFinite {
		return 0, false
	}
	if n.scale != 0 {
		n = n.Round(0)
	}
	switch {
	case n.big != nil:
		return 0, false
	case n.neg:
		return -int64(n.lo), n.lo <= 1<<63
	}
	return int64(n.lo), n.lo <= math.MaxInt64
}

// Float64 returns the nearest float, an infinity when out of range.
func (n Numeric) Float64() float64 {
	switch {
	case n.kind == numNaN:
		return math.NaN()
	case n.kind == numInf && n.neg:
		return math.Inf(-1)
	case n.kind == numInf:
		return math.Inf(1)
	}
	if n.big == nil && n.lo < 1<<53 && n.scale <= 22 {
		f := float64(n.lo) / math.Pow10(int(n.scale))
		if n.neg {
			return -f
		}
		return f
	}
	var buf [64]byte
	f, _ := strconv.ParseFloat(string(n.AppendText(buf[:0])), 64)
	return f
}

// NumericFromFloat converts a float by its sure digits: 15 of a float8 (bits 64), 6 of a float4.
func NumericFromFloat(f float64, floatBits int) (Numeric, error) {
	switch {
	case f != f:
		return NumericNaN, nil
	case math.IsInf(f, 1):
		return NumericInf, nil
	case math.IsInf(f, -1):
		return NumericNegInf, nil
	}
	digits := 15
	if floatBits == 32 {
		digits = 6
	}
	var buf [32]byte
	return ParseNumeric(string(AppendG(buf[:0], f, digits)))
}

// Scientific returns the digits of a finite number rounded to one before and places after the point, and the
// exponent of ten of the first.
func (n Numeric) Scientific(places int) (digits string, exp int) {
	n.neg = false
	zeros := func() string {
		b := make([]byte, places+1)
		for i := range b {
			b[i] = '0'
		}
		return string(b)
	}
	if n.IsZero() {
		return zeros(), 0
	}
	exp = n.digits10() - 1 - int(n.scale)
	// As an integer of places+1 digits, rounded half away from zero.
	shift := places - exp
	v := n.abs()
	if d := shift - int(n.scale); d >= 0 {
		v = new(big.Int).Mul(v, bigTen(d))
	} else {
		v = roundBig(v, -d)
	}
	digits = v.String()
	if len(digits) > places+1 {
		digits = digits[:places+1]
		exp++
	}
	return digits, exp
}
