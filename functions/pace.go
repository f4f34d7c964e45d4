package functions

import (
	"strings"
	"unicode/utf8"

	"gompho/types"
)

// stride is how much of a long value is gone through before it is asked whether the statement is to end.
const stride = types.PaceStride

// A pacer counts what a loop over a long value did and asks for interrupts once in a stride.
type pacer struct{ types.Pace }

func (c *Call) pacer() pacer {
	if c.Env == nil {
		return pacer{types.PaceFor(nil)}
	}
	return pacer{types.PaceFor(c.Env.Slot())}
}

// step counts n more and returns the error that ends the statement.
func (p *pacer) step(n int) error { return p.Step(n) }

// pieces calls f for one piece of b after the other; no character is cut in two.
func (c *Call) pieces(b []byte, f func(piece []byte)) error {
	if len(b) <= stride {
		f(b)
		return nil
	}
	p := c.pacer()
	for len(b) > stride {
		n := stride
		for n > stride-utf8.UTFMax && !utf8.RuneStart(b[n]) {
			n--
		}
		f(b[:n])
		b = b[n:]
		if err := p.step(stride); err != nil {
			return err
		}
	}
	f(b)
	return nil
}

// copyInto copies b to the head of dst, which is as long at least, and returns what follows there.
func (c *Call) copyInto(dst, b []byte) ([]byte, error) {
	err := c.pieces(b, func(piece []byte) { dst = dst[copy(dst, piece):] })
	return dst, err
}

// grow makes room for n more bytes behind b, which may be long.
func (c *Call) grow(b []byte, n int) ([]byte, error) {
	if cap(b)-len(b) >= n {
		return b, nil
	}
	if len(b)+n > maxTextSize {
		return nil, tooLong()
	}
	size := min(max(len(b)+n, 2*len(b)), maxTextSize)
	if err := c.Afford(size); err != nil {
		return nil, err
	}
	p, longer := c.pacer(), types.Room(size)[:len(b)]
	_, err := p.Copy(longer, b)
	return longer, err
}

// appendLong appends s, which may be long.
func (c *Call) appendLong(b []byte, s string) ([]byte, error) {
	if len(s) <= stride {
		return append(b, s...), nil
	}
	b, err := c.grow(b, len(s))
	if err != nil {
		return nil, err
	}
	n, p := len(b), c.pacer()
	b = b[:n+len(s)]
	_, err = p.Copy(b[n:], types.String(s).Bytes())
	return b, err
}

// doubled appends s with each of the characters in twice written twice.
func (c *Call) doubled(b []byte, s, twice string) ([]byte, error) {
	p := c.pacer()
	for s != "" {
		piece := s[:min(len(s), stride)]
		s = s[len(piece):]
		for {
			i := strings.IndexAny(piece, twice)
			if i < 0 {
				break
			}
			b = append(append(b, piece[:i+1]...), piece[i])
			piece = piece[i+1:]
			if err := p.step(i + 2*types.ElementStep); err != nil {
				return nil, err
			}
		}
		b = append(b, piece...)
		if err := p.step(len(piece)); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// count is strings.Count of one byte.
func (p *pacer) count(s string, x byte) (n int, err error) {
	for len(s) > stride && err == nil {
		n += strings.Count(s[:stride], string(rune(x)))
		s = s[stride:]
		err = p.step(stride)
	}
	return n + strings.Count(s, string(rune(x))), err
}

// runeCount returns the number of characters of b.
func (c *Call) runeCount(b []byte) (n int64, err error) {
	err = c.pieces(b, func(piece []byte) { n += int64(utf8.RuneCount(piece)) })
	return n, err
}

// index is strings.Index.
func (p *pacer) index(s, sep string) (int, error) {
	for at := 0; ; at += stride {
		if len(s)-at <= stride+len(sep) {
			i := strings.Index(s[at:], sep)
			if i >= 0 {
				i += at
			}
			return i, p.step(len(s) - at)
		}
		if i := strings.Index(s[at:at+stride+len(sep)-1], sep); i >= 0 {
			return at + i, p.step(i + len(sep))
		}
		if err := p.step(stride); err != nil {
			return -1, err
		}
	}
}

// lastIndex is strings.LastIndex.
func (p *pacer) lastIndex(s, sep string) (int, error) {
	for {
		from := max(0, len(s)-stride-len(sep))
		if i := strings.LastIndex(s[from:], sep); i >= 0 || from == 0 {
			if i >= 0 {
				i += from
			}
			return i, p.step(len(s) - max(i, 0))
		}
		s = s[:from+len(sep)-1]
		if err := p.step(stride); err != nil {
			return -1, err
		}
	}
}
