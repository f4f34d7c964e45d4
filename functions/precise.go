package functions

import "math"

// The C library that PostgreSQL runs on gives exp, log, pow and the circular functions within little more than half a
// unit of the last digit, and clients see every digit. Go's differ by up to a unit, so here they are computed with
// about 100 bits, as unevaluated sums of two floats, and rounded once.

// pair is the number hi+lo, with |lo| at most half a unit of hi.
type pair struct{ hi, lo float64 }

func twoSum(a, b float64) pair {
	s := a + b
	t := s - a
	return pair{s, (a - (s - t)) + (b - t)}
}

// fastSum is twoSum for |a| >= |b|.
func fastSum(a, b float64) pair {
	s := a + b
	return pair{s, b - (s - a)}
}

func twoProd(a, b float64) pair {
	p := a * b
	return pair{p, math.FMA(a, b, -p)}
}

func (a pair) add(b pair) pair {
	s, t := twoSum(a.hi, b.hi), twoSum(a.lo, b.lo)
	u := fastSum(s.hi, s.lo+t.hi)
	return fastSum(u.hi, u.lo+t.lo)
}

func (a pair) neg() pair       { return pair{-a.hi, -a.lo} }
func (a pair) sub(b pair) pair { return a.add(b.neg()) }

func (a pair) mul(b pair) pair {
	p := twoProd(a.hi, b.hi)
	return fastSum(p.hi, p.lo+(a.hi*b.lo+a.lo*b.hi))
}

func (a pair) scale(f float64) pair { return a.mul(pair{f, 0}) }

// times is the product with a power of two.
func (a pair) times(f float64) pair { return pair{a.hi * f, a.lo * f} }

func (a pair) div(b pair) pair {
	q := a.hi / b.hi
	r := a.sub(b.scale(q))
	q2 := r.hi / b.hi
	r = r.sub(b.scale(q2))
	return fastSum(q, q2).add(pair{r.hi / b.hi, 0})
}

func (a pair) sqrt() pair {
	if a.hi <= 0 {
		return pair{}
	}
	r := math.Sqrt(a.hi)
	rest := a.sub(twoProd(r, r))
	return fastSum(r, rest.hi/(2*r))
}

func (a pair) float() float64 { return a.hi + a.lo }

// The constants are given to 160 bits, in three floats.
var (
	ln2Parts    = [3]float64{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56, 0x1.7b57a079a1934p-111}
	halfPiParts = [3]float64{0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110}
	invLn10     = pair{0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57}
	halfPi      = pair{halfPiParts[0], halfPiParts[1]}
)

// reduce is x - k*c for a constant of three parts.
func (a pair) reduce(k float64, c *[3]float64) pair {
	r := a.sub(twoProd(k, c[0]))
	return r.sub(twoProd(k, c[1])).sub(pair{k * c[2], 0})
}

// expPair is exp of a number between -750 and 720: the value is r * 2^k.
func expPair(x pair) (r pair, k int) {
	kf := math.RoundToEven(x.hi / math.Ln2)
	y := x.reduce(kf, &ln2Parts).times(1.0 / 256)
	// |y| is below 0.0014: the tenth term is less than 2^-110. The sum leaves out the 1, so that squaring keeps digits.
	sum := pair{1, 0}
	for n := 9.0; n > 1; n-- {
		sum = pair{1, 0}.add(sum.mul(y).div(pair{n, 0}))
	}
	sum = sum.mul(y)
	for range 8 {
		sum = sum.times(2).add(sum.mul(sum))
	}
	return pair{1, 0}.add(sum), int(kf)
}

func ldexpPair(r pair, k int) float64 { return math.Ldexp(r.float(), k) }

// logPair is the natural logarithm of a finite number above 0.
func logPair(x float64) pair {
	if f := x - 1; math.Abs(f) < 1.0/64 {
		s := pair{f, 0}.div(twoSum(2, f))
		sq := s.mul(s)
		sum := pair{}
		for n := 19.0; n >= 1; n -= 2 {
			sum = sum.mul(sq).add(pair{1, 0}.div(pair{n, 0}))
		}
		return sum.mul(s).times(2)
	}
	frac, e := math.Frexp(x)
	if frac < math.Sqrt2/2 {
		frac, e = frac*2, e-1
	}
	// One step of Halley's method from the library's answer triples its digits.
	guess := math.Log(frac)
	ex, k := expPair(pair{guess, 0})
	ex = ex.times(math.Ldexp(1, k))
	m := pair{frac, 0}
	r := pair{guess, 0}.add(m.sub(ex).times(2).div(m.add(ex)))
	ef := float64(e)
	return twoProd(ef, ln2Parts[0]).add(twoProd(ef, ln2Parts[1])).add(r)
}

func preciseExp(x float64) float64 {
	if !(math.Abs(x) < 709) || x == 0 {
		return math.Exp(x)
	}
	return ldexpPair(expPair(pair{x, 0}))
}

func preciseLog(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return math.Log(x)
	}
	return logPair(x).float()
}

func preciseLog10(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return math.Log10(x)
	}
	return logPair(x).mul(invLn10).float()
}

func precisePow(a, b float64) float64 {
	m := math.Abs(a)
	if !(m > 0) || math.IsInf(m, 0) || math.IsInf(b, 0) || b != b || b == 0 || m == 1 {
		return math.Pow(a, b)
	}
	x := logPair(m)
	switch h := x.hi * b; {
	case h > 720:
		return math.Copysign(math.Inf(1), math.Pow(a, b))
	case h < -750:
		return math.Copysign(0, math.Pow(a, b))
	}
	r := ldexpPair(expPair(x.scale(b)))
	if a < 0 && math.Mod(b, 2) != 0 {
		return -r
	}
	return r
}

func preciseCbrt(x float64) float64 {
	if x == 0 || x != x || math.IsInf(x, 0) {
		return x
	}
	// One step of Newton's method, its remainder computed exactly.
	r := math.Cbrt(x)
	frac, e := math.Frexp(r)
	m := pair{math.Ldexp(x, -3*e), 0}
	f := pair{frac, 0}
	d := m.sub(f.mul(f).mul(f)).hi / (3 * frac * frac)
	return math.Ldexp(frac+d, e)
}

// sinCosPair gives sine and cosine; |x| is below 2^50.
func sinCosPair(x pair) (sin, cos pair) {
	k := math.RoundToEven(x.hi / (math.Pi / 2))
	r := x.reduce(k, &halfPiParts)
	return quadrant(r, int64(k))
}

// quadrant is the sine and cosine of r + k*pi/2 for |r| <= pi/4.
func quadrant(r pair, k int64) (sin, cos pair) {
	sq := r.mul(r).neg()
	s, c := pair{1, 0}, pair{1, 0}
	for n := 27.0; n > 1; n -= 2 {
		s = pair{1, 0}.add(s.mul(sq).div(pair{n * (n - 1), 0}))
		c = pair{1, 0}.add(c.mul(sq).div(pair{(n - 1) * (n - 2), 0}))
	}
	s = s.mul(r)
	switch k & 3 {
	case 1:
		return c, s.neg()
	case 2:
		return s.neg(), c.neg()
	case 3:
		return c.neg(), s
	}
	return s, c
}

const preciseAngle = 1 << 50 // beyond it the library's own functions serve

func outsideAngle(x float64) bool { return !(math.Abs(x) < preciseAngle) || math.Abs(x) < 1e-150 }

func preciseSin(x float64) float64 {
	if outsideAngle(x) {
		return math.Sin(x)
	}
	s, _ := sinCosPair(pair{x, 0})
	return s.float()
}

func preciseCos(x float64) float64 {
	if outsideAngle(x) {
		return math.Cos(x)
	}
	_, c := sinCosPair(pair{x, 0})
	return c.float()
}

func preciseTan(x float64) float64 {
	if outsideAngle(x) {
		return math.Tan(x)
	}
	s, c := sinCosPair(pair{x, 0})
	return s.div(c).float()
}

// asinPair is the arc sine of 0 to 0.75.
func asinPair(x pair) pair {
	y := pair{math.Asin(x.hi), 0}
	s, c := sinCosPair(y)
	return y.add(x.sub(s).div(c))
}

func preciseAsin(x float64) float64 {
	a := math.Abs(x)
	switch {
	case !(a <= 1) || a < 1e-100:
		return math.Asin(x)
	case a <= 0.5:
		return math.Copysign(asinPair(pair{a, 0}).float(), x)
	}
	half := twoSum(1, -a).times(0.5)
	return math.Copysign(halfPi.sub(asinPair(half.sqrt()).times(2)).float(), x)
}

func preciseAcos(x float64) float64 {
	a := math.Abs(x)
	switch {
	case !(a <= 1) || a < 1e-100:
		return math.Acos(x)
	case a <= 0.5:
		return halfPi.sub(pair{math.Copysign(1, x), 0}.mul(asinPair(pair{a, 0}))).float()
	}
	r := asinPair(twoSum(1, -a).times(0.5).sqrt()).times(2)
	if x < 0 {
		r = halfPi.times(2).sub(r)
	}
	return r.float()
}

func preciseAtan(x float64) float64 {
	if a := math.Abs(x); !(a > 1e-100 && a < 1e100) {
		return math.Atan(x)
	}
	return preciseAtan2(x, 1)
}

func preciseAtan2(y, x float64) float64 {
	guess := math.Atan2(y, x)
	ay, ax := math.Abs(y), math.Abs(x)
	if !(ay > 1e-100 && ay < 1e100 && ax > 1e-100 && ax < 1e100 && math.Abs(guess) > 1e-100) {
		return guess
	}
	s, c := sinCosPair(pair{guess, 0})
	num := c.scale(y).sub(s.scale(x))
	den := c.scale(x).add(s.scale(y))
	return guess + num.div(den).hi
}

// The hyperbolic functions are only as exact as the formulas that C libraries use for them.

func hyperbolicSin(x float64) float64 {
	a, h := math.Abs(x), math.Copysign(0.5, x)
	switch {
	case a < 1.0/(1<<28) || x != x:
		return x
	case a < 22:
		t := math.Expm1(a)
		if a < 1 {
			return h * (2*t - t*t/(t+1))
		}
		return h * (t + t/(t+1))
	case a < 709:
		return h * preciseExp(a)
	}
	w := preciseExp(a / 2)
	return h * w * w
}

func hyperbolicCos(x float64) float64 {
	a := math.Abs(x)
	switch {
	case a < math.Ln2/2:
		t := math.Expm1(a)
		return 1 + t*t/(2*(1+t))
	case a < 22:
		t := preciseExp(a)
		return 0.5*t + 0.5/t
	case a < 709:
		return 0.5 * preciseExp(a)
	}
	w := preciseExp(a / 2)
	return 0.5 * w * w
}
