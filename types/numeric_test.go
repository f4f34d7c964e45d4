package types

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// genNumeric draws a finite number as text, with up to 40 digits and a point anywhere.
func genNumeric(t *rapid.T, label string) (Numeric, *big.Rat) {
	digits := rapid.StringMatching(`[0-9]{1,40}`).Draw(t, label)
	point := rapid.IntRange(0, len(digits)).Draw(t, label+" point")
	s := digits[:point] + "." + digits[point:]
	if rapid.Bool().Draw(t, label+" sign") {
		s = "-" + s
	}
	n, err := ParseNumeric(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	if strings.HasSuffix(s, ".") {
		s += "0"
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("no fraction %q", s)
	}
	return n, r
}

func ratOf(t *rapid.T, n Numeric) *big.Rat {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		t.Fatalf("no number: %s", n)
	}
	return r
}

// TestNumericModel checks arithmetic against exact fractions, and the stored form against itself.
func TestNumericModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, x := genNumeric(t, "a")
		b, y := genNumeric(t, "b")
		exact := func(op string, n Numeric, err error, want *big.Rat) {
			if err != nil || ratOf(t, n).Cmp(want) != 0 {
				t.Fatalf("%s %s %s = %s (%v), want %s", a, op, b, n, err, want.FloatString(60))
			}
		}
		sum, err := a.Add(b)
		exact("+", sum, err, new(big.Rat).Add(x, y))
		diff, err := a.Sub(b)
		exact("-", diff, err, new(big.Rat).Sub(x, y))
		prod, err := a.Mul(b)
		exact("*", prod, err, new(big.Rat).Mul(x, y))
		if got, want := a.Cmp(b), x.Cmp(y); got != want {
			t.Fatalf("%s <=> %s = %d, want %d", a, b, got, want)
		}
		if x.Cmp(y) == 0 && a.Hash() != b.Hash() {
			t.Fatalf("%s and %s are equal, but hash differently", a, b)
		}
		if back := NumericOf(a.Datum()); back.String() != a.String() {
			t.Fatalf("%s is stored as %s", a, back)
		}
		if !b.IsZero() {
			q, err := a.Div(b)
			if err != nil {
				t.Fatal(err)
			}
			// The quotient is within half a unit of its last digit.
			d := new(big.Rat).Sub(ratOf(t, q), new(big.Rat).Quo(x, y))
			half := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Mul(big.NewInt(2), bigTen(q.Scale())))
			if d.Abs(d).Cmp(half) > 0 {
				t.Fatalf("%s / %s = %s is off by %s", a, b, q, d.FloatString(40))
			}
			m, err := a.Mod(b)
			if err != nil {
				t.Fatal(err)
			}
			k := new(big.Rat).Quo(new(big.Rat).Sub(x, ratOf(t, m)), y)
			if !k.IsInt() || m.Abs().Cmp(b.Abs()) >= 0 || m.Sign()*a.Sign() < 0 {
				t.Fatalf("%s %% %s = %s", a, b, m)
			}
		}
		scale := rapid.IntRange(-10, 45).Draw(t, "scale")
		r := a.Round(scale)
		want := x.FloatString(max(scale, 0)) // rounds half away from zero
		if scale >= 0 && ratOf(t, r).Cmp(mustRat(want)) != 0 {
			t.Fatalf("round(%s, %d) = %s, want %s", a, scale, r, want)
		}
	})
}

func mustRat(s string) *big.Rat { r, _ := new(big.Rat).SetString(s); return r }

// TestNumericFunctions checks exp against ln, and sqrt against squares.
func TestNumericFunctions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := NumericFromInt128(0, rapid.Uint64Range(1, 1<<40).Draw(t, "n"), rapid.IntRange(0, 12).Draw(t, "scale"))
		s, err := n.Sqrt()
		if err != nil {
			t.Fatal(err)
		}
		r := ratOf(t, s)
		d := new(big.Rat).Sub(r.Mul(r, r), ratOf(t, n))
		bound := new(big.Rat).Mul(ratOf(t, s), new(big.Rat).SetFrac(big.NewInt(2), bigTen(s.Scale())))
		bound.Add(bound, new(big.Rat).SetFrac(big.NewInt(1), bigTen(2*s.Scale())))
		if d.Abs(d).Cmp(bound) > 0 {
			t.Fatalf("sqrt(%s) = %s", n, s)
		}
		l := n.ln(200)
		back := expFixed(l, 100).round(15)
		if back.Round(10).Cmp(n.Round(10)) != 0 {
			t.Fatalf("exp(ln(%s)) = %s", n, back)
		}
	})
}
