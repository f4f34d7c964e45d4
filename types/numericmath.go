package types

import (
	"math"
	"math/big"

	"gompho/internal/pgerr"
)

// The functions here compute in binary fixed point with bits to spare and round once, so that results
// are right in the last digit; the scale of a result follows PostgreSQL's rules.

const log10e = 0.434294481903252

// approx returns n as a float without overflow: mantissa in [0.1, 1) and decimal exponent would do, but a
// clamped float is all that the scale rules ask for.
func (n Numeric) approx() float64 {
	f := n.Float64()
	if math.IsInf(f, 0) {
		return math.Copysign(math.MaxFloat64, f)
	}
	return f
}

// lnWeight estimates the decimal exponent of ln(n), for n > 0.
func lnWeight(n Numeric) int {
	if f := n.approx(); f >= 0.9 && f <= 1.1 {
		x, _ := n.Sub(NumericFromInt(1))
		if x.IsZero() {
			return 0
		}
		w, d := x.weight()
		return w*4 + int(math.Log10(float64(d)))
	}
	d := n.digits10()
	exp := d - 1 - int(n.scale)
	lead := exp&3 + 5 // two groups of four digits, the first one shorter
	digits := float64(n.leading(d, lead))
	weight := float64(exp>>2*4 - 4)
	return int(math.Log10(math.Abs(math.Log(digits) + weight*2.302585092994046)))
}

func clampScale(s int, operands ...Numeric) int {
	for _, o := range operands {
		s = max(s, int(o.scale))
	}
	return min(max(s, 0), numMaxDisplayScale)
}

// Sqrt returns the square root; 2201F for a negative number.
func (n Numeric) Sqrt() (Numeric, error) {
	if n.IsNaN() || n.IsInf() && !n.neg {
		return n, nil
	}
	if n.Sign() < 0 {
		return n, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "cannot take square root of a negative number")
	}
	w, _ := n.weight()
	var sw int
	if w >= 0 {
		sw = w*4/2 + 1
	} else {
		sw = 1 - (-w*4)/2
	}
	return n.sqrtTo(clampScale(numMinSigDigits-sw, n)), nil
}

func (n Numeric) sqrtTo(scale int) Numeric {
	// floor(sqrt(4v)) tells the digits and half a digit more, so that rounding is exact.
	v := n.abs()
	shift := 2*scale - int(n.scale)
	v = new(big.Int).Lsh(v, 2)
	if shift >= 0 {
		v.Mul(v, bigTen(shift))
	} else {
		v.Quo(v, bigTen(-shift))
	}
	v.Sqrt(v)
	v.Add(v, big.NewInt(1)).Rsh(v, 1)
	return NumericFromBig(v, scale)
}

// fixed is a real number v / 2^prec.
type fixed struct {
	v    *big.Int
	prec uint
}

// toFixed returns n with prec fractional bits.
func (n Numeric) toFixed(prec uint) fixed {
	v := new(big.Int).Lsh(n.abs(), prec)
	v.Quo(v, bigTen(int(n.scale)))
	if n.neg {
		v.Neg(v)
	}
	return fixed{v, prec}
}

// round returns x rounded to scale digits.
func (x fixed) round(scale int) Numeric {
	v := new(big.Int).Abs(x.v)
	if scale >= 0 {
		v.Mul(v, bigTen(scale))
	}
	v.Add(v, new(big.Int).Lsh(big.NewInt(1), x.prec-1)).Rsh(v, x.prec)
	n := NumericFromBig(v, scale)
	n.neg = x.v.Sign() < 0 && !n.IsZero()
	return n
}

func (x fixed) mul(y fixed) fixed {
	v := new(big.Int).Mul(x.v, y.v)
	return fixed{v.Rsh(v, y.prec), x.prec}
}

func (x fixed) div(y fixed) fixed {
	v := new(big.Int).Lsh(x.v, y.prec)
	return fixed{v.Quo(v, y.v), x.prec}
}

// digitBits returns bits enough for so many decimal digits.
func digitBits(digits int) uint { return uint(float64(max(digits, 0))*3.3219281) + 64 }

// atanhInv returns 2*atanh(1/k) with prec bits.
func atanhInv(k int64, prec uint) *big.Int {
	sum := new(big.Int)
	term := new(big.Int).Lsh(big.NewInt(2), prec)
	kk := big.NewInt(k)
	term.Quo(term, kk)
	k2 := big.NewInt(k * k)
	t := new(big.Int)
	for i := int64(1); term.Sign() != 0; i += 2 {
		sum.Add(sum, t.Quo(term, big.NewInt(i)))
		term.Quo(term, k2)
	}
	return sum
}

// ln2 returns the natural logarithm of 2.
func ln2(prec uint) fixed { return fixed{atanhInv(3, prec), prec} }

// ln returns the natural logarithm of a positive number, with an absolute error below 2^-(prec-16) or so.
func (n Numeric) ln(prec uint) fixed {
	// n = m * 2^k with m in [0.5, 1); then roots bring m near to 1 and a series in (m-1)/(m+1) finishes.
	extra := uint(n.abs().BitLen()) + uint(float64(n.scale)*3.33) + 64
	f := n.toFixed(prec + extra)
	k := f.v.BitLen() - int(f.prec)
	work := prec + 64
	m := new(big.Int)
	if d := int(f.prec) + k - int(work); d >= 0 {
		m.Rsh(f.v, uint(d))
	} else {
		m.Lsh(f.v, uint(-d))
	}
	roots := uint(8)
	for range roots {
		m.Lsh(m, work).Sqrt(m)
	}
	one := new(big.Int).Lsh(big.NewInt(1), work)
	num := new(big.Int).Sub(m, one)
	den := new(big.Int).Add(m, one)
	z := new(big.Int).Lsh(num, work)
	z.Quo(z, den)
	z2 := new(big.Int).Mul(z, z)
	z2.Rsh(z2, work)
	sum, term, t := new(big.Int), new(big.Int).Set(z), new(big.Int)
	for i := int64(1); term.Sign() != 0 && term.BitLen() > 1; i += 2 {
		sum.Add(sum, t.Quo(term, big.NewInt(i)))
		term.Mul(term, z2).Rsh(term, work)
	}
	sum.Lsh(sum, roots+1)
	sum.Add(sum, new(big.Int).Mul(ln2(work).v, big.NewInt(int64(k))))
	return fixed{sum.Rsh(sum, 64), prec}
}

// expFixed returns e to the power of x; the result has prec fractional bits and as many before the point as it needs.
func expFixed(x fixed, prec uint) fixed {
	// x = k*ln2 + r; e^r by the series after halving r some times; then shift by k.
	bf := new(big.Float).SetInt(x.v)
	f, _ := bf.SetMantExp(bf, -int(x.prec)).Float64()
	k := int(math.Floor(f / math.Ln2))
	work := prec + 64
	if k > 0 {
		work += uint(k)
	}
	r := new(big.Int)
	if work >= x.prec {
		r.Lsh(x.v, work-x.prec)
	} else {
		r.Rsh(x.v, x.prec-work)
	}
	r.Sub(r, new(big.Int).Mul(ln2(work).v, big.NewInt(int64(k))))
	const halvings = 8
	r.Rsh(r, halvings)
	sum := new(big.Int).Lsh(big.NewInt(1), work)
	term := new(big.Int).Set(sum)
	for i := int64(1); ; i++ {
		term.Mul(term, r).Rsh(term, work)
		term.Quo(term, big.NewInt(i))
		if term.BitLen() <= 1 {
			break
		}
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum).Rsh(sum, work)
	}
	if k >= 0 {
		sum.Lsh(sum, uint(k))
	} else {
		sum.Rsh(sum, uint(-k))
	}
	return fixed{sum.Rsh(sum, work-prec), prec}
}

// Exp returns e to the power of n.
func (n Numeric) Exp() (Numeric, error) {
	switch {
	case n.IsNaN() || n.IsInf() && !n.neg:
		return n, nil
	case n.IsInf():
		return Numeric{}, nil
	}
	f := n.approx()
	val := min(max(f*log10e, -numMaxResultScale), numMaxResultScale)
	scale := clampScale(numMinSigDigits-int(val), n)
	if math.Abs(f) >= numMaxResultScale*3 {
		if f > 0 {
			return n, numericOverflow()
		}
		return Numeric{scale: uint16(scale)}, nil
	}
	prec := digitBits(scale)
	grow := uint(0)
	if f > 0 {
		grow = uint(f * 1.4427)
	}
	return expFixed(n.toFixed(prec+grow+64), prec).round(scale), nil
}

func logArg(n Numeric) error {
	switch {
	case n.Sign() < 0:
		return pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of a negative number")
	case n.IsZero():
		return pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of zero")
	}
	return nil
}

// Ln returns the natural logarithm.
func (n Numeric) Ln() (Numeric, error) {
	if n.IsNaN() {
		return n, nil
	}
	if err := logArg(n); err != nil || n.IsInf() {
		return n, err
	}
	scale := clampScale(numMinSigDigits-lnWeight(n), n)
	return n.ln(digitBits(scale)).round(scale), nil
}

// LogBase returns the logarithm of n to the given base.
func (n Numeric) LogBase(base Numeric) (Numeric, error) {
	if n.IsNaN() || base.IsNaN() {
		return NumericNaN, nil
	}
	if err := logArg(base); err != nil {
		return n, err
	}
	if err := logArg(n); err != nil {
		return n, err
	}
	switch {
	case n.IsInf() && base.IsInf():
		return NumericNaN, nil
	case n.IsInf():
		return NumericInf, nil
	case base.IsInf():
		return Numeric{}, nil
	}
	bw, nw := lnWeight(base), lnWeight(n)
	scale := clampScale(numMinSigDigits-(nw-bw), base, n)
	prec := digitBits(scale + max(0, -2*bw) + max(0, nw) + 8)
	lb := base.ln(prec)
	if lb.v.Sign() == 0 {
		return n, divByZero()
	}
	return n.ln(prec).div(lb).round(scale), nil
}

// Power returns n to the power of e.
func (n Numeric) Power(e Numeric) (Numeric, error) {
	if n.kind != numFinite || e.kind != numFinite {
		return n.powerSpecial(e)
	}
	if n.IsZero() && e.Sign() < 0 {
		return n, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "zero raised to a negative power is undefined")
	}
	if n.Sign() < 0 && !e.IsInteger() {
		return n, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "a negative number raised to a non-integer power yields a complex result")
	}
	if e.IsInteger() {
		if v, ok := e.Int64(); ok && v >= math.MinInt32 && v <= math.MaxInt32 {
			return n.powerInt(int(v))
		}
	}
	return n.powerReal(e)
}

// powerSpecial follows POSIX pow() where NaN and infinities take part.
func (n Numeric) powerSpecial(e Numeric) (Numeric, error) {
	one := NumericFromInt(1)
	switch {
	case n.IsFinite() && n.Cmp(one) == 0:
		return one, nil
	case e.IsZero():
		return one, nil
	case n.IsNaN() || e.IsNaN():
		return NumericNaN, nil
	}
	if e.IsInf() {
		switch c := n.Abs().Cmp(one); {
		case n.IsFinite() && n.Sign() == 0 && e.neg:
			return n, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "zero raised to a negative power is undefined")
		case c == 0:
			return one, nil
		case (c > 0) != e.neg:
			return NumericInf, nil
		}
		return Numeric{}, nil
	}
	if e.Sign() < 0 {
		if n.neg && !e.IsInteger() {
			return n, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "a negative number raised to a non-integer power yields a complex result")
		}
		return Numeric{}, nil
	}
	if n.neg {
		if !e.IsInteger() {
			return n, pgerr.New(pgerr.InvalidArgumentForPowerFunction, "a negative number raised to a non-integer power yields a complex result")
		}
		return Numeric{kind: numInf, neg: e.isOdd()}, nil
	}
	return NumericInf, nil
}

func (n Numeric) isOdd() bool {
	return n.Trunc(0).abs().Bit(0) == 1
}

// log10 estimates the decimal logarithm of a positive number from its first digits.
func (n Numeric) log10() float64 {
	d := n.digits10()
	k := min(d, 16)
	return math.Log10(float64(n.leading(d, k))) + float64(d-k-int(n.scale))
}

func (n Numeric) powerInt(e int) (Numeric, error) {
	scale := clampScale(numMinSigDigits, n)
	if n.IsZero() && e != 0 {
		return Numeric{scale: uint16(scale)}, nil
	}
	switch e {
	case 0:
		return NumericFromInt(1).Round(scale), nil
	case 1:
		return n.Round(scale), nil
	case -1:
		return NumericFromInt(1).divTo(n, scale).check()
	}
	f := float64(e) * n.Abs().log10()
	if f > numMaxIntDigits+1 {
		return n, numericOverflow()
	}
	if f+1 < -float64(scale) {
		return Numeric{scale: uint16(scale)}, nil
	}
	return n.powerExact(e, scale)
}

// powerExact multiplies out when that is cheap, and goes through logarithms otherwise.
func (n Numeric) powerExact(e, scale int) (Numeric, error) {
	abs := e
	if abs < 0 {
		abs = -abs
	}
	if int64(n.abs().BitLen())*int64(abs) > 1<<21 {
		return n.powerByLog(NumericFromInt(int64(e)), scale)
	}
	v := new(big.Int).Exp(n.abs(), big.NewInt(int64(abs)), nil)
	vs := int(n.scale) * abs
	neg := n.neg && e&1 != 0
	if e > 0 {
		if vs > scale {
			v = roundBig(v, vs-scale)
		} else {
			v.Mul(v, bigTen(scale-vs))
		}
	} else {
		num := bigTen(scale + vs)
		q, r := new(big.Int).QuoRem(num, v, new(big.Int))
		if r.Lsh(r, 1).Cmp(v) >= 0 {
			q.Add(q, big.NewInt(1))
		}
		v = q
	}
	r := NumericFromBig(v, scale)
	r.neg = neg && !r.IsZero()
	return r.check()
}

func (n Numeric) powerReal(e Numeric) (Numeric, error) {
	if n.IsZero() {
		return Numeric{scale: numMinSigDigits}, nil
	}
	val := n.Abs().log10() / log10e * e.approx()
	if math.Abs(val) > numMaxResultScale*3.01 {
		if val > 0 {
			return n, numericOverflow()
		}
		return Numeric{scale: numMaxDisplayScale}, nil
	}
	scale := clampScale(numMinSigDigits-int(val*log10e), n, e)
	return n.powerByLog(e, scale)
}

func (n Numeric) powerByLog(e Numeric, scale int) (Numeric, error) {
	neg := n.neg && e.isOdd()
	val := n.Abs().log10() / log10e * e.approx()
	grow := uint(64)
	if val > 0 {
		grow += uint(val * 1.4427)
	}
	prec := digitBits(scale) + grow + uint(e.abs().BitLen())
	x := n.Abs().ln(prec).mul(e.toFixed(prec))
	if bitLen := float64(x.v.BitLen()) - float64(prec); bitLen > 22 {
		if val > 0 {
			return n, numericOverflow()
		}
		return Numeric{scale: uint16(scale)}, nil
	}
	r := expFixed(x, digitBits(scale)).round(scale)
	r.neg = neg && !r.IsZero()
	return r.check()
}

// SqrtTo returns the square root of a number that is not negative, rounded to scale digits.
func (n Numeric) SqrtTo(scale int) Numeric { return n.sqrtTo(scale) }
