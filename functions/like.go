package functions

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"gompho/internal/pgerr"
	"gompho/types"
)

// likePattern is a LIKE pattern that was looked at once. Most patterns are literal text with a % at one end or
// both, for which matching is a search of bytes.
type likePattern struct {
	kind likeKind
	lit  []byte
	pat  []byte
	fold bool
}

type likeKind uint8

const (
	likeGeneral likeKind = iota
	likeEqual
	likePrefix
	likeSuffix
	likeContains
)

// newLike copies the pattern; one with fold compares case-insensitively.
func newLike(pat []byte, fold bool) *likePattern {
	p := &likePattern{pat: append([]byte(nil), pat...), fold: fold}
	if fold {
		p.pat = lowerBytes(p.pat)
		return p
	}
	body, lead := p.pat, false
	if len(body) > 0 && body[0] == '%' {
		lead, body = true, body[1:]
	}
	lit := make([]byte, 0, len(body))
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '%':
			if i != len(body)-1 {
				return p
			}
			p.lit, p.kind = lit, likePrefix
			if lead {
				p.kind = likeContains
			}
			return p
		case '_':
			return p
		case '\\':
			i++
			if i == len(body) {
				return p // the error is given by a match that gets there
			}
		}
		lit = append(lit, body[i])
	}
	p.lit, p.kind = lit, likeEqual
	if lead {
		p.kind = likeSuffix
	}
	return p
}

func (p *likePattern) match(s []byte, pace pacer) (bool, error) {
	switch p.kind {
	case likeEqual:
		return string(s) == string(p.lit), nil
	case likePrefix:
		return bytes.HasPrefix(s, p.lit), nil
	case likeSuffix:
		return bytes.HasSuffix(s, p.lit), nil
	case likeContains:
		return bytes.Contains(s, p.lit), nil
	}
	if p.fold {
		if len(s) > stride {
			if err := pace.step(stride); err != nil {
				return false, err
			}
		}
		s = lowerBytes(s)
	}
	return matchLike(s, p.pat, false, pace)
}

func badEscape() error {
	return pgerr.New(pgerr.InvalidEscapeSequence, "LIKE pattern must not end with escape character")
}

// charWidth returns the bytes of the first character of s; in bytea each byte is one.
func charWidth(s []byte, byteWise bool) int {
	if byteWise || s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRune(s)
	return n
}

// matchLike matches in time proportional to the product of the lengths at worst: after a %, what follows is
// tried at one place after the other, and an earlier % is never taken up again.
func matchLike(s, p []byte, byteWise bool, pace pacer) (bool, error) {
	var backS, backP []byte
	have := false
	for {
		if err := pace.step(8); err != nil {
			return false, err
		}
		if len(p) > 0 && p[0] == '%' {
			p = p[1:]
			backS, backP, have = s, p, true
			continue
		}
		if len(s) == 0 {
			return len(p) == 0, nil
		}
		if len(p) > 0 {
			switch p[0] {
			case '_':
				s, p = s[charWidth(s, byteWise):], p[1:]
				continue
			case '\\':
				if len(p) == 1 {
					return false, badEscape()
				}
				if s[0] == p[1] {
					s, p = s[1:], p[2:]
					continue
				}
			default:
				if s[0] == p[0] {
					s, p = s[1:], p[1:]
					continue
				}
			}
		}
		if !have || len(backS) == 0 {
			return false, nil
		}
		backS = backS[charWidth(backS, byteWise):]
		s, p = backS, backP
	}
}

// likeOf keeps the pattern of a call site as long as it stays the same.
func likeOf(c *Call, fold bool) *likePattern {
	pat := c.bytes(1)
	if p, ok := c.State.(*likeState); ok && bytes.Equal(p.source, pat) {
		return p.pattern
	}
	st := &likeState{source: append([]byte(nil), pat...), pattern: newLike(pat, fold)}
	c.State = st
	return st.pattern
}

type likeState struct {
	source  []byte
	pattern *likePattern
}

func likeScalar(fold, not bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		ok, err := likeOf(c, fold).match(c.bytes(0), c.pacer())
		return types.Bool(ok != not), err
	}
}

func byteaLike(not bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		ok, err := matchLike(c.bytes(0), c.bytes(1), true, c.pacer())
		return types.Bool(ok != not), err
	}
}

// ErrLong is the error of a kernel that has met a value so long that the work is for the scalar function, which answers interrupts.
var ErrLong = errors.New("a value is too long for a kernel")

// likeKernel prepares the pattern again only when it differs from that of the row before.
func likeKernel(fold, not bool) Kernel {
	return func(args []*types.Vector, sel []int32, n int, out *types.Vector) error {
		nulls := unionNulls(args, sel, n, out)
		var p *likePattern
		var source []byte
		row := func(i int) error {
			if nulls && out.IsNull(i) {
				return nil
			}
			if pat := args[1].B[i]; p == nil || !sameBytes(source, pat) {
				p, source = newLike(pat, fold), pat
			}
			if len(args[0].B[i]) > stride {
				return ErrLong
			}
			ok, err := p.match(args[0].B[i], pacer{types.PaceFor(nil)})
			out.W[i] = b2w(ok != not)
			return err
		}
		if sel != nil {
			for _, i := range sel {
				if err := row(int(i)); err != nil {
					return err
				}
			}
			return nil
		}
		for i := range n {
			if err := row(i); err != nil {
				return err
			}
		}
		return nil
	}
}

func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || string(a) == string(b))
}

// likeEscape rewrites a pattern with another escape character, or none, to one with backslash.
func likeEscape(c *Call) (types.Datum, error) {
	p, esc := c.bytes(0), c.bytes(1)
	if len(esc) > 0 && charWidth(esc, false) != len(esc) {
		return types.Null, pgerr.New(pgerr.InvalidEscapeSequence, "invalid escape string").
			WithHint("Escape string must be empty or one character.")
	}
	if string(esc) == `\` {
		return c.Args[0], nil
	}
	out := make([]byte, 0, len(p)+8)
	after := false
	for len(p) > 0 {
		w := charWidth(p, false)
		ch := p[:w]
		p = p[w:]
		switch {
		case len(esc) > 0 && string(ch) == string(esc) && !after:
			out = append(out, '\\')
			after = true
			continue
		case ch[0] == '\\':
			out = append(out, '\\')
			if !after {
				out = append(out, '\\')
			}
		default:
			out = append(out, ch...)
		}
		after = false
	}
	return c.keep(out), nil
}

// likeFamily lists LIKE and ILIKE.
func likeFamily() []Entry {
	var fs []Entry
	for _, t := range []string{"text", "name"} {
		fs = append(fs,
			Entry{Name: t + "like", Scalar: likeScalar(false, false), Kernel: likeKernel(false, false)},
			Entry{Name: t + "nlike", Scalar: likeScalar(false, true), Kernel: likeKernel(false, true)},
			Entry{Name: t + "iclike", Scalar: likeScalar(true, false), Kernel: likeKernel(true, false)},
			Entry{Name: t + "icnlike", Scalar: likeScalar(true, true), Kernel: likeKernel(true, true)})
	}
	return append(fs,
		Entry{Name: "bytealike", Scalar: byteaLike(false)}, Entry{Name: "byteanlike", Scalar: byteaLike(true)},
		Entry{Name: "like_escape", Scalar: likeEscape}, Entry{Name: "like_escape_bytea", Scalar: likeEscape})
}
