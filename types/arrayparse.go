package types

import (
	"bytes"

	"gompho/internal/pgerr"
)

func malformedArray(s string, detail string, args ...any) error {
	return pgerr.New(pgerr.InvalidTextRepresentation, "malformed array literal: \"%s\"", s).WithDetail(detail, args...)
}

func parseArray(env Env, t *Type, s string, typmod int32) (Datum, error) {
	pace := PaceOf(env)
	p := arrayParser{env: env, elem: t.ElemType, typmod: typmod, src: s, s: s, delim: delimOf(t.ElemType), pace: pace, list: BuildArray(pace, t.ElemType, 0)}
	a, err := p.parse()
	if err != nil {
		return Null, err
	}
	return p.list.Finish(a.Dims, a.Lbounds)
}

// CountElements returns how many elements the text of an array may have: at most so many, and so many when none is quoted.
func CountElements(text []byte, elem *Type) int {
	return bytes.Count(text, []byte{delimOf(elem)}) + 1
}

type arrayParser struct {
	env    Env
	elem   *Type
	typmod int32
	src, s string
	delim  byte
	pace   Pace
	a      Array // its dimensions
	list   *ArrayBuilder
	dims   [MaxArrayDims]int32 // elements seen in each open level; of the first closed one when fixed
	known  [MaxArrayDims]int32 // the size of each level, -1 until its first sub-array closed
	ndim   int                 // depth at which elements are, 0 until known
	buf    []byte
	failed error // the first bad element; an error of structure goes before it
}

func (p *arrayParser) blanks() {
	for len(p.s) > 0 && isSpace(p.s[0]) {
		p.s = p.s[1:]
	}
}

func (p *arrayParser) parse() (Array, error) {
	p.a.Elem = p.elem.Oid
	bounded, err := p.bounds()
	if err != nil {
		return p.a, err
	}
	if p.s == "" || p.s[0] != '{' {
		if bounded {
			return p.a, malformedArray(p.src, "Array contents must start with \"{\".")
		}
		return p.a, malformedArray(p.src, "Array value must start with \"{\" or dimension information.")
	}
	for i := range p.known {
		p.known[i] = -1
	}
	if err := p.level(0); err != nil {
		return p.a, err
	}
	if p.blanks(); p.s != "" {
		return p.a, malformedArray(p.src, "Junk after closing right brace.")
	}
	if p.failed != nil {
		return p.a, p.failed
	}
	return p.finish(bounded)
}

// finish compares what was found with the bounds that were given.
func (p *arrayParser) finish(bounded bool) (Array, error) {
	a := &p.a
	if p.list.Len() == 0 {
		if bounded {
			for _, d := range a.Dims {
				if d != 0 {
					return *a, malformedArray(p.src, "Specified array dimensions do not match array contents.")
				}
			}
		}
		return Array{Elem: a.Elem}, nil
	}
	if bounded {
		if len(a.Dims) != p.ndim {
			return *a, malformedArray(p.src, "Specified array dimensions do not match array contents.")
		}
		for i, d := range a.Dims {
			if d != p.known[i] {
				return *a, malformedArray(p.src, "Specified array dimensions do not match array contents.")
			}
		}
		return *a, nil
	}
	a.Dims, a.Lbounds = make([]int32, p.ndim), make([]int32, p.ndim)
	for i := range a.Dims {
		a.Dims[i], a.Lbounds[i] = p.known[i], 1
	}
	_, err := CheckArraySize(a.Dims, a.Lbounds)
	return *a, err
}

// bounds reads [1:2][3]= before the contents.
func (p *arrayParser) bounds() (bool, error) {
	p.blanks()
	for p.s != "" && p.s[0] == '[' {
		if len(p.a.Dims) == MaxArrayDims {
			return false, tooManyDims(MaxArrayDims + 1)
		}
		p.s = p.s[1:]
		lo, hi := int64(1), int64(0)
		v, ok := p.integer()
		if !ok {
			return false, malformedArray(p.src, "\"[\" must introduce explicitly-specified array dimensions.")
		}
		hi = v
		if p.s != "" && p.s[0] == ':' {
			p.s = p.s[1:]
			lo = v
			if hi, ok = p.integer(); !ok {
				return false, malformedArray(p.src, "Missing array dimension value.")
			}
		}
		if p.s == "" || p.s[0] != ']' {
			return false, malformedArray(p.src, "Missing \"%s\" after array dimensions.", "]")
		}
		p.s = p.s[1:]
		if hi < lo {
			return false, pgerr.New(pgerr.ArraySubscriptError, "upper bound cannot be less than lower bound")
		}
		if lo < -1<<31 || hi > 1<<31-1 || hi-lo+1 > MaxArraySize {
			return false, arrayTooLarge()
		}
		if hi == 1<<31-1 {
			return false, pgerr.New(pgerr.ProgramLimitExceeded, "array lower bound is too large: %d", lo)
		}
		p.a.Dims = append(p.a.Dims, int32(hi-lo+1))
		p.a.Lbounds = append(p.a.Lbounds, int32(lo))
		p.blanks()
	}
	if len(p.a.Dims) == 0 {
		return false, nil
	}
	if p.s == "" || p.s[0] != '=' {
		return false, malformedArray(p.src, "Missing \"%s\" after array dimensions.", "=")
	}
	p.s = p.s[1:]
	p.blanks()
	return true, nil
}

func tooManyDims(n int) error {
	return pgerr.New(pgerr.ProgramLimitExceeded, "number of array dimensions (%d) exceeds the maximum allowed (%d)", n, MaxArrayDims)
}

func (p *arrayParser) integer() (int64, bool) {
	n := 0
	if n < len(p.s) && (p.s[n] == '-' || p.s[n] == '+') {
		n++
	}
	first := n
	for n < len(p.s) && p.s[n] >= '0' && p.s[n] <= '9' {
		n++
	}
	if n == first {
		return 0, false
	}
	v, err := ParseInt(p.s[:n], "integer", -1<<31, 1<<31-1)
	if err != nil {
		v = 1 << 40 // refused by the caller's range check
	}
	p.s = p.s[n:]
	return v, true
}

// level reads one brace group at the given depth, counted from 0.
func (p *arrayParser) level(depth int) error {
	p.s = p.s[1:] // the brace
	n := int32(0)
	p.blanks()
	if p.s != "" && p.s[0] == '}' {
		if depth > 0 {
			return malformedArray(p.src, "Unexpected \"%c\" character.", '}')
		}
		p.s = p.s[1:]
		return nil
	}
	scalars := false // the level has begun with an element that is no brace group
	for {
		p.blanks()
		if p.s == "" {
			return malformedArray(p.src, "Unexpected end of input.")
		}
		var err error
		switch p.s[0] {
		case '{':
			if scalars {
				return malformedArray(p.src, "Unexpected \"%c\" character.", '{')
			}
			if depth+1 >= MaxArrayDims {
				return tooManyDims(MaxArrayDims + 1)
			}
			if p.ndim != 0 && depth+1 >= p.ndim {
				return p.ragged()
			}
			err = p.level(depth + 1)
		case '}', p.delim:
			return malformedArray(p.src, "Unexpected \"%c\" character.", p.s[0])
		default:
			if p.ndim == 0 {
				p.ndim = depth + 1
			} else if p.ndim != depth+1 {
				return p.ragged()
			}
			scalars = true
			err = p.element()
		}
		if err != nil {
			return err
		}
		n++
		p.blanks()
		if p.s == "" {
			return malformedArray(p.src, "Unexpected end of input.")
		}
		switch p.s[0] {
		case p.delim:
			p.s = p.s[1:]
			continue
		case '}':
			p.s = p.s[1:]
			return p.close(depth, n)
		case '{', '"':
			return malformedArray(p.src, "Unexpected \"%c\" character.", p.s[0])
		}
		return malformedArray(p.src, "Unexpected array element.")
	}
}

func (p *arrayParser) ragged() error {
	return malformedArray(p.src, "Multidimensional arrays must have sub-arrays with matching dimensions.")
}

func (p *arrayParser) close(depth int, n int32) error {
	if p.known[depth] >= 0 && p.known[depth] != n {
		return p.ragged()
	}
	p.known[depth] = n
	return nil
}

func (p *arrayParser) element() error {
	text, quoted, err := p.token()
	if err != nil {
		return err
	}
	if p.list.Len() >= MaxArraySize {
		return arrayTooLarge()
	}
	if !quoted && len(text) == 4 && text[0]|32 == 'n' && text[1]|32 == 'u' && text[2]|32 == 'l' && text[3]|32 == 'l' {
		return p.list.Append(Null)
	}
	if p.failed == nil {
		var d Datum
		if d, p.failed = Input(p.env, p.elem, text, p.typmod); p.failed == nil {
			return p.list.Append(d)
		}
	}
	return p.pace.Step(ElementStep)
}

// token reads one element, taking quotes and backslashes away; quoted tells that some of it was quoted or escaped.
func (p *arrayParser) token() (text string, quoted bool, err error) {
	if p.s[0] == '"' {
		return p.quotedToken()
	}
	p.buf = p.buf[:0]
	keep := 0 // bytes up to the last one that is not a trailing blank
	for i := 0; i < len(p.s); i++ {
		if i&(PaceStride-1) == PaceStride-1 {
			if err := p.pace.Step(PaceStride); err != nil {
				return "", false, err
			}
		}
		switch c := p.s[i]; {
		case c == '\\':
			if i++; i >= len(p.s) {
				return "", false, malformedArray(p.src, "Unexpected end of input.")
			}
			p.buf = append(p.buf, p.s[i])
			keep, quoted = len(p.buf), true
		case c == '"':
			return "", false, malformedArray(p.src, "Unexpected array element.")
		case c == '{':
			return "", false, malformedArray(p.src, "Unexpected \"%c\" character.", c)
		case c == '}' || c == p.delim:
			p.s = p.s[i:]
			return string(p.buf[:keep]), quoted, nil
		default:
			p.buf = append(p.buf, c)
			if !isSpace(c) {
				keep = len(p.buf)
			}
		}
	}
	return "", false, malformedArray(p.src, "Unexpected end of input.")
}

func (p *arrayParser) quotedToken() (string, bool, error) {
	p.buf = p.buf[:0]
	for i := 1; i < len(p.s); i++ {
		if i&(PaceStride-1) == PaceStride-1 {
			if err := p.pace.Step(PaceStride); err != nil {
				return "", false, err
			}
		}
		switch c := p.s[i]; c {
		case '\\':
			if i++; i < len(p.s) {
				p.buf = append(p.buf, p.s[i])
			}
		case '"':
			p.s = p.s[i+1:]
			return string(p.buf), true, nil
		default:
			p.buf = append(p.buf, c)
		}
	}
	return "", false, malformedArray(p.src, "Unexpected end of input.")
}
