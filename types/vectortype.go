package types

import (
	"encoding/binary"
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// vectorIO serves oidvector and int2vector: arrays with lower bound 0, one dimension and no NULLs, whose
// text is numbers with blanks between them.
func vectorIO() *typeIO {
	return &typeIO{
		in: func(env Env, t *Type, s string, _ int32) (Datum, error) {
			elem := Builtin(t.Elem)
			var elems []Datum
			for rest := trimLeft(s); rest != ""; {
				f, after, _ := strings.Cut(rest, " ")
				d, err := Input(env, elem, f, -1)
				if err != nil {
					// The message shows all that is left to read.
					_, err = Input(env, elem, rest, -1)
				}
				if err != nil {
					return Null, err
				}
				elems = append(elems, d)
				rest = trimLeft(after)
			}
			return EncodeVector(elem.Oid, elems), nil
		},
		out: func(env Env, t *Type, d Datum, dst []byte) []byte {
			elem := Builtin(t.Elem)
			it := IterateArray(d, elem)
			first := true
			for e, ok := it.Next(); ok; e, ok = it.Next() {
				if !first {
					dst = append(dst, ' ')
				}
				first = false
				dst = Output(env, elem, e, dst)
			}
			return dst
		},
		recv: func(env Env, t *Type, b []byte, _ int32) (Datum, error) {
			d, err := recvArray(env, &Type{Oid: t.Oid, ElemType: Builtin(t.Elem)}, b, -1)
			if err != nil {
				return d, err
			}
			a := DecodeArray(d, Builtin(t.Elem))
			for _, e := range a.Elems {
				if e.IsNull() {
					return Null, pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid %s data", t.Name)
				}
			}
			return EncodeVector(t.Elem, a.Elems), nil
		},
		send: func(env Env, t *Type, d Datum, dst []byte) ([]byte, error) {
			return sendArray(env, Builtin(t.Elem), d, dst)
		},
		cmp:  cmpVectors,
		hash: func(d Datum) uint64 { return HashBytes(d.Bytes()) },
	}
}

// EncodeVector makes an oidvector or int2vector; it has one dimension even when it is empty.
func EncodeVector(elem ids.Oid, elems []Datum) Datum {
	return Array{Elem: elem, Dims: []int32{int32(len(elems))}, Lbounds: []int32{0}, Elems: elems}.Encode(Builtin(elem))
}

// cmpVectors orders by length first, then by the elements, as btoidvectorcmp does.
func cmpVectors(a, b Datum) int {
	elem := Builtin(ids.Oid(elemOidOf(a)))
	if elem == nil {
		return cmpBytes(a, b)
	}
	x, y := IterateArray(a, elem), IterateArray(b, elem)
	if x.n != y.n {
		return cmpInt(Int(int64(x.n)), Int(int64(y.n)))
	}
	for {
		p, ok := x.Next()
		q, ok2 := y.Next()
		if !ok || !ok2 {
			return 0
		}
		if c := cmpInt(p, q); c != 0 {
			return c
		}
	}
}

func elemOidOf(d Datum) uint32 {
	if b := d.Bytes(); len(b) >= arrayHeaderSize {
		return binary.LittleEndian.Uint32(b[8:])
	}
	return 0
}
