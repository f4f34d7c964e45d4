package types

import (
	"strings"
	"unsafe"
)

// PaceStride is how much of a long value is gone through before it is asked whether the statement is to end: bytes, or steps that cost about as much
// as a few bytes. It takes some milliseconds.
const PaceStride = 1 << 20

// ElementStep is what one element of an array counts in a stride.
const ElementStep = 16

// An Interrupter may be implemented by an Env: it says whether what is going on is to end. It is asked once in a PaceStride, and again and again gives
// the error of a request that was not obeyed.
type Interrupter interface {
	CheckInterrupts() error
}

// Pace counts what a loop over a long value did and asks for interrupts once in a stride. A short value costs a subtraction per step.
type Pace struct {
	env  Interrupter
	left int
}

// PaceOf begins a count that asks env, which may be nil or no Interrupter: then nothing ends the loop.
func PaceOf(env Env) Pace {
	i, _ := env.(Interrupter)
	return Pace{env: i, left: PaceStride}
}

// PaceFor begins a count that asks i, which may be nil.
func PaceFor(i Interrupter) Pace { return Pace{env: i, left: PaceStride} }

// Step counts n more and returns the error that ends the statement.
func (p *Pace) Step(n int) error {
	if p.left -= n; p.left > 0 {
		return nil
	}
	return p.ask()
}

func (p *Pace) ask() error {
	p.left = PaceStride
	if p.env == nil {
		return nil
	}
	return p.env.CheckInterrupts()
}

// Copy copies b to the head of dst, which is as long at least, and returns what follows there.
func (p *Pace) Copy(dst, b []byte) ([]byte, error) {
	for len(b) > PaceStride {
		n := copy(dst, b[:PaceStride])
		dst, b = dst[n:], b[n:]
		if err := p.Step(n); err != nil {
			return nil, err
		}
	}
	n := copy(dst, b)
	return dst[n:], p.Step(n)
}

// Room returns an empty slice with room for n bytes. What is there before it is written is not zero: zeroing a GB takes as long as writing it, and
// nothing interrupts it.
func Room(n int) []byte {
	if n <= PaceStride {
		return make([]byte, 0, n)
	}
	var b strings.Builder
	b.Grow(n)
	return unsafe.Slice(unsafe.StringData(b.String()), n)[:0]
}

// Clone returns a copy of b.
func (p *Pace) Clone(b []byte) ([]byte, error) {
	own := Room(len(b))[:len(b)]
	_, err := p.Copy(own, b)
	return own, err
}

// pieces calls f for one piece of s after the other; those but the last are of a stride each.
func pieces(env Env, s string, f func(piece string) error) error {
	if len(s) <= PaceStride {
		return f(s)
	}
	p := PaceOf(env)
	for len(s) > PaceStride {
		if err := f(s[:PaceStride]); err != nil {
			return err
		}
		if err := p.Step(PaceStride); err != nil {
			return err
		}
		s = s[PaceStride:]
	}
	return f(s)
}
