package types

import (
	"encoding/binary"
	"strconv"
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

func arrayIO(t *Type) *typeIO {
	elem := t.ElemType
	io := &typeIO{}
	if elem == nil || elem.io == nil || elem.Typtype == 'p' && elem.Oid != RecordOid && elem.Oid != CstringOid {
		return io
	}
	if elem.io.in != nil {
		io.in = parseArray
	}
	if elem.io.out != nil {
		io.out = appendArray
	}
	if elem.io.recv != nil {
		io.recv = recvArray
	}
	if elem.io.send != nil {
		io.send = func(env Env, t *Type, d Datum, dst []byte) ([]byte, error) {
			return sendArray(env, elem, d, dst)
		}
	}
	if elem.io.cmp != nil {
		io.cmp = func(a, b Datum) int { return CompareArrays(a, b, elem, elem.io.cmp) }
	}
	if elem.io.hash != nil {
		io.hash = func(d Datum) uint64 {
			h := uint64(1)
			it := IterateArray(d, elem)
			for e, ok := it.Next(); ok; e, ok = it.Next() {
				eh := uint64(0)
				if !e.IsNull() {
					eh = elem.io.hash(e)
				}
				h = CombineHash(h, eh)
			}
			return h
		}
	}
	return io
}

// anyArrayIO shows arrays whose type is only known from the value, as in pg_stats.
func anyArrayIO() *typeIO {
	return &typeIO{
		out: func(env Env, _ *Type, d Datum, dst []byte) []byte {
			if elem := typeByOid(env, ArrayElemOid(d)); elem != nil {
				return appendArrayOf(env, elem, d, dst)
			}
			return dst
		},
		send: func(env Env, _ *Type, d Datum, dst []byte) ([]byte, error) {
			if elem := typeByOid(env, ArrayElemOid(d)); elem != nil {
				return sendArray(env, elem, d, dst)
			}
			return dst, nil
		},
	}
}

// CompareArrays orders arrays by their elements, then by length, dimensions and bounds. A NULL element sorts last.
func CompareArrays(a, b Datum, elem *Type, cmp func(a, b Datum) int) int {
	x, y := IterateArray(a, elem), IterateArray(b, elem)
	for {
		p, ok1 := x.Next()
		q, ok2 := y.Next()
		if !ok1 || !ok2 {
			break
		}
		switch {
		case p.IsNull() && q.IsNull():
			continue
		case p.IsNull():
			return 1
		case q.IsNull():
			return -1
		}
		if c := cmp(p, q); c != 0 {
			return c
		}
	}
	if x.n != y.n {
		return cmpInt(Int(int64(x.n)), Int(int64(y.n)))
	}
	if x.ndim != y.ndim {
		return cmpInt(Int(int64(x.ndim)), Int(int64(y.ndim)))
	}
	for i := 0; i < 2*x.ndim; i++ {
		p := int64(int32(binary.LittleEndian.Uint32(x.dims[4*i:])))
		q := int64(int32(binary.LittleEndian.Uint32(y.dims[4*i:])))
		if c := cmpInt(Int(p), Int(q)); c != 0 {
			return c
		}
	}
	return 0
}

func appendArray(env Env, t *Type, d Datum, dst []byte) []byte {
	return appendArrayOf(env, t.ElemType, d, dst)
}

func appendArrayOf(env Env, elem *Type, d Datum, dst []byte) []byte {
	n, dims, lbounds := ArrayDims(d)
	if n == 0 {
		return append(dst, "{}"...)
	}
	for _, l := range lbounds {
		if l != 1 {
			dst = AppendArrayBounds(dst, dims, lbounds)
			dst = append(dst, '=')
			break
		}
	}
	w := arrayWriter{env: env, elem: elem, dims: dims, it: IterateArray(d, elem), delim: delimOf(elem), pace: PaceOf(env)}
	return w.level(dst, 0)
}

// AppendArrayBounds appends [1:2][3:4].
func AppendArrayBounds(dst []byte, dims, lbounds []int32) []byte {
	for i, l := range lbounds {
		dst = strconv.AppendInt(append(dst, '['), int64(l), 10)
		dst = strconv.AppendInt(append(dst, ':'), int64(l)+int64(dims[i])-1, 10)
		dst = append(dst, ']')
	}
	return dst
}

func delimOf(elem *Type) byte {
	if elem.Delim == 0 {
		return ','
	}
	return elem.Delim
}

type arrayWriter struct {
	env   Env
	elem  *Type
	dims  []int32
	it    ArrayIter
	pace  Pace
	ended bool // by an interrupt: the text is cut short, the statement ends
	delim byte
	buf   []byte
}

func (w *arrayWriter) level(dst []byte, depth int) []byte {
	dst = append(dst, '{')
	for i := int32(0); i < w.dims[depth] && !w.ended; i++ {
		if i > 0 {
			dst = append(dst, w.delim)
		}
		if depth+1 < len(w.dims) {
			dst = w.level(dst, depth+1)
		} else if e, ok := w.it.Next(); ok {
			dst = w.element(dst, e)
			w.ended = w.pace.Step(ElementStep) != nil
		}
	}
	return append(dst, '}')
}

func (w *arrayWriter) element(dst []byte, e Datum) []byte {
	if e.IsNull() {
		return append(dst, "NULL"...)
	}
	w.buf = Output(w.env, w.elem, e, w.buf[:0])
	if !arrayNeedsQuotes(w.buf, w.delim) {
		return append(dst, w.buf...)
	}
	dst = append(dst, '"')
	for _, c := range w.buf {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

func arrayNeedsQuotes(b []byte, delim byte) bool {
	if len(b) == 0 || len(b) == 4 && strings.EqualFold(string(b), "null") {
		return true
	}
	for _, c := range b {
		if c == '"' || c == '\\' || c == '{' || c == '}' || c == delim || isSpace(c) {
			return true
		}
	}
	return false
}

func sendArray(env Env, elem *Type, d Datum, dst []byte) ([]byte, error) {
	a := DecodeArray(d, elem)
	be := binary.BigEndian
	dst = be.AppendUint32(dst, uint32(len(a.Dims)))
	flags := uint32(0)
	for _, e := range a.Elems {
		if e.IsNull() {
			flags = 1
		}
	}
	dst = be.AppendUint32(dst, flags)
	dst = be.AppendUint32(dst, uint32(elem.Oid))
	for i := range a.Dims {
		dst = be.AppendUint32(dst, uint32(a.Dims[i]))
		dst = be.AppendUint32(dst, uint32(a.Lbounds[i]))
	}
	return appendSized(env, dst, a.Elems, func(int) *Type { return elem })
}

// appendSized appends each value in binary form with its length before it, -1 for NULL.
func appendSized(env Env, dst []byte, vals []Datum, typ func(i int) *Type) ([]byte, error) {
	be := binary.BigEndian
	pace := PaceOf(env)
	for i, v := range vals {
		if err := pace.Step(ElementStep); err != nil {
			return dst, err
		}
		if v.IsNull() {
			dst = be.AppendUint32(dst, 0xffffffff)
			continue
		}
		at := len(dst)
		var err error
		if dst, err = Send(env, typ(i), v, append(dst, 0, 0, 0, 0)); err != nil {
			return dst, err
		}
		be.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, nil
}

func recvArray(env Env, t *Type, b []byte, typmod int32) (Datum, error) {
	elem := t.ElemType
	r := wireReader{b: b}
	ndim, flags, elemOid := r.int32(), r.int32(), ids.Oid(r.int32())
	switch {
	case r.short:
		return Null, shortMessage()
	case ndim < 0:
		return Null, pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid number of dimensions: %d", ndim)
	case ndim > MaxArrayDims:
		return Null, pgerr.New(pgerr.ProgramLimitExceeded, "number of array dimensions (%d) exceeds the maximum allowed (%d)", ndim, MaxArrayDims)
	case flags != 0 && flags != 1:
		return Null, pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid array flags")
	case elemOid != elem.Oid:
		return Null, pgerr.New(pgerr.DatatypeMismatch, "binary data has array element type %d (%s) instead of expected %d (%s)",
			elemOid, typeNameOf(env, elemOid), elem.Oid, FormatName(elem))
	}
	a := Array{Elem: elem.Oid, Dims: make([]int32, ndim), Lbounds: make([]int32, ndim)}
	for i := range a.Dims {
		a.Dims[i], a.Lbounds[i] = r.int32(), r.int32()
	}
	if r.short {
		return Null, shortMessage()
	}
	n, err := CheckArraySize(a.Dims, a.Lbounds)
	if err != nil {
		return Null, err
	}
	if ndim == 0 || n == 0 {
		return Array{Elem: elem.Oid}.Encode(elem), nil
	}
	if 4*n > len(r.b) {
		return Null, shortMessage()
	}
	list := BuildArray(PaceOf(env), elem, n)
	for range n {
		e, err := r.value(env, elem, typmod)
		if err == nil {
			err = list.Append(e)
		}
		if err != nil {
			return Null, err
		}
	}
	if len(r.b) > 0 {
		return Null, badBinary()
	}
	return list.Finish(a.Dims, a.Lbounds)
}

func typeNameOf(env Env, oid ids.Oid) string {
	if t := typeByOid(env, oid); t != nil {
		return FormatName(t)
	}
	return "???"
}

// wireReader takes apart a binary value.
type wireReader struct {
	b     []byte
	short bool
}

func (r *wireReader) int32() int32 {
	if len(r.b) < 4 {
		r.short, r.b = true, nil
		return 0
	}
	v := int32(binary.BigEndian.Uint32(r.b))
	r.b = r.b[4:]
	return v
}

// value reads a value with its length before it.
func (r *wireReader) value(env Env, t *Type, typmod int32) (Datum, error) {
	n := r.int32()
	if r.short || n < -1 || int(n) > len(r.b) {
		return Null, shortMessage()
	}
	if n == -1 {
		return Null, nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return Receive(env, t, v, typmod)
}
