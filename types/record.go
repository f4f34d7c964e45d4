package types

import (
	"encoding/binary"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// Record is a row value taken apart. Types are the columns' types.
//
// In memory and on the page a record is little-endian: type u32, typmod i32, number of columns u32; then for
// each column its type u32, its length i32 (-1 NULL, -2 a word of 8 bytes follows) and its bytes.
type Record struct {
	Type   ids.Oid
	Typmod int32
	Types  []ids.Oid
	Vals   []Datum
}

const (
	recordNull = -1
	recordWord = -2
)

// EncodeRecord makes a row value of the columns of desc that are not dropped; vals has one entry for every
// column of desc.
func EncodeRecord(typeOid ids.Oid, typmod int32, desc *Desc, vals []Datum) Datum {
	r := Record{Type: typeOid, Typmod: typmod}
	for i := range desc.Attrs {
		if !desc.Attrs[i].Dropped {
			r.Types = append(r.Types, desc.Attrs[i].Type)
			r.Vals = append(r.Vals, vals[i])
		}
	}
	return r.Encode()
}

// Encode makes the Datum of a record.
func (r Record) Encode() Datum {
	le := binary.LittleEndian
	size := 12
	for _, v := range r.Vals {
		size += 16 + len(v.Bytes())
	}
	b := make([]byte, 0, size)
	b = le.AppendUint32(b, uint32(r.Type))
	b = le.AppendUint32(b, uint32(r.Typmod))
	b = le.AppendUint32(b, uint32(len(r.Vals)))
	for i, v := range r.Vals {
		b = le.AppendUint32(b, uint32(r.Types[i]))
		switch {
		case v.IsNull():
			b = le.AppendUint32(b, ^uint32(0))
		case v.IsBytes():
			b = append(le.AppendUint32(b, uint32(len(v.Bytes()))), v.Bytes()...)
		default:
			b = le.AppendUint64(le.AppendUint32(b, ^uint32(1)), v.word)
		}
	}
	return Bytes(b)
}

// DecodeRecord takes a row value apart; the values refer to the bytes of d.
func DecodeRecord(d Datum) Record {
	it := IterateRecord(d)
	r := Record{Type: it.Type, Typmod: it.Typmod, Types: make([]ids.Oid, 0, it.n), Vals: make([]Datum, 0, it.n)}
	for {
		t, v, ok := it.Next()
		if !ok {
			return r
		}
		r.Types = append(r.Types, t)
		r.Vals = append(r.Vals, v)
	}
}

// RecordIter walks the columns of a row value without allocating.
type RecordIter struct {
	Type   ids.Oid
	Typmod int32
	b      []byte
	n      int
}

// IterateRecord begins a walk over the columns of d.
func IterateRecord(d Datum) RecordIter {
	b := d.Bytes()
	le := binary.LittleEndian
	if len(b) < 12 {
		return RecordIter{Typmod: -1}
	}
	it := RecordIter{Type: ids.Oid(le.Uint32(b)), Typmod: int32(le.Uint32(b[4:])), b: b[12:], n: int(le.Uint32(b[8:]))}
	it.n = min(it.n, len(it.b)/8)
	return it
}

// Len returns how many columns are left.
func (it *RecordIter) Len() int { return it.n }

// Next returns the next column's type and value; ok is false at the end.
func (it *RecordIter) Next() (typ ids.Oid, v Datum, ok bool) {
	le := binary.LittleEndian
	if it.n == 0 || len(it.b) < 8 {
		return 0, Null, false
	}
	it.n--
	typ = ids.Oid(le.Uint32(it.b))
	size := int32(le.Uint32(it.b[4:]))
	b := it.b[8:]
	switch {
	case size == recordNull:
		it.b = b
		return typ, Null, true
	case size == recordWord && len(b) >= 8:
		it.b = b[8:]
		return typ, Word(le.Uint64(b)), true
	case size >= 0 && int(size) <= len(b):
		it.b = b[size:]
		return typ, Bytes(b[:size]), true
	}
	it.n = 0
	return 0, Null, false
}

func recordIO() *typeIO {
	return &typeIO{in: parseRecord, out: appendRecord, recv: recvRecord, send: sendRecord, cmp: compareRecords, hash: hashRecord}
}

func appendRecord(env Env, _ *Type, d Datum, dst []byte) []byte {
	it := IterateRecord(d)
	dst = append(dst, '(')
	var buf []byte
	for first := true; ; first = false {
		typ, v, ok := it.Next()
		if !ok {
			return append(dst, ')')
		}
		if !first {
			dst = append(dst, ',')
		}
		if v.IsNull() {
			continue
		}
		if t := typeByOid(env, typ); t != nil {
			buf = Output(env, t, v, buf[:0])
		}
		dst = appendRecordField(dst, buf)
	}
}

func appendRecordField(dst, field []byte) []byte {
	quote := len(field) == 0
	for _, c := range field {
		if c == '"' || c == '\\' || c == '(' || c == ')' || c == ',' || isSpace(c) {
			quote = true
			break
		}
	}
	if !quote {
		return append(dst, field...)
	}
	dst = append(dst, '"')
	for _, c := range field {
		if c == '"' || c == '\\' {
			dst = append(dst, c)
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

func malformedRecord(s, detail string) error {
	return pgerr.New(pgerr.InvalidTextRepresentation, "malformed record literal: \"%s\"", s).WithDetail("%s", detail)
}

func parseRecord(env Env, t *Type, s string, _ int32) (Datum, error) {
	if t.Oid == RecordOid {
		return Null, pgerr.NotSupported("input of anonymous composite types is not implemented")
	}
	rest := trimLeft(s)
	if rest == "" || rest[0] != '(' {
		return Null, malformedRecord(s, "Missing left parenthesis.")
	}
	rest = rest[1:]
	r := Record{Type: t.Oid, Typmod: -1}
	for i := range t.Fields {
		f := &t.Fields[i]
		if i > 0 {
			if rest == "" || rest[0] != ',' {
				return Null, malformedRecord(s, "Too few columns.")
			}
			rest = rest[1:]
		}
		v, after, err := parseField(env, f, s, rest)
		if err != nil {
			return Null, err
		}
		rest = after
		r.Types, r.Vals = append(r.Types, f.Type.Oid), append(r.Vals, v)
	}
	if rest == "" || rest[0] != ')' {
		return Null, malformedRecord(s, "Too many columns.")
	}
	if trimLeft(rest[1:]) != "" {
		return Null, malformedRecord(s, "Junk after right parenthesis.")
	}
	return r.Encode(), nil
}

func trimLeft(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

// parseField reads one column of whole and returns what follows it. Nothing at all between the commas is NULL.
func parseField(env Env, f *Field, whole, s string) (Datum, string, error) {
	if s != "" && (s[0] == ',' || s[0] == ')') {
		return Null, s, nil
	}
	var buf []byte
	inQuotes := false
	i := 0
	for ; ; i++ {
		if i >= len(s) {
			return Null, "", malformedRecord(whole, "Unexpected end of input.")
		}
		c := s[i]
		if !inQuotes && (c == ',' || c == ')') {
			break
		}
		switch {
		case c == '\\':
			if i++; i >= len(s) {
				return Null, "", malformedRecord(whole, "Unexpected end of input.")
			}
			buf = append(buf, s[i])
		case c == '"' && !inQuotes:
			inQuotes = true
		case c == '"' && i+1 < len(s) && s[i+1] == '"':
			buf = append(buf, '"')
			i++
		case c == '"':
			inQuotes = false
		default:
			buf = append(buf, c)
		}
	}
	v, err := Input(env, f.Type, string(buf), f.Typmod)
	return v, s[i:], err
}

func sendRecord(env Env, _ *Type, d Datum, dst []byte) ([]byte, error) {
	r := DecodeRecord(d)
	be := binary.BigEndian
	dst = be.AppendUint32(dst, uint32(len(r.Vals)))
	for i, v := range r.Vals {
		dst = be.AppendUint32(dst, uint32(r.Types[i]))
		t := typeByOid(env, r.Types[i])
		if t == nil {
			return dst, pgerr.Internal("cache lookup failed for type %d", r.Types[i])
		}
		var err error
		if dst, err = appendSized(env, dst, []Datum{v}, func(int) *Type { return t }); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func recvRecord(env Env, t *Type, b []byte, _ int32) (Datum, error) {
	if t.Oid == RecordOid {
		return Null, pgerr.NotSupported("input of anonymous composite types is not implemented")
	}
	w := wireReader{b: b}
	n := w.int32()
	if w.short {
		return Null, shortMessage()
	}
	if int(n) != len(t.Fields) {
		return Null, pgerr.New(pgerr.DatatypeMismatch, "wrong number of columns: %d, expected %d", n, len(t.Fields))
	}
	r := Record{Type: t.Oid, Typmod: -1}
	for i := range t.Fields {
		f := &t.Fields[i]
		if typ := ids.Oid(w.int32()); typ != f.Type.Oid && !w.short {
			return Null, pgerr.New(pgerr.DatatypeMismatch, "binary data has type %d (%s) instead of expected %d (%s) in record column %d",
				typ, typeNameOf(env, typ), f.Type.Oid, FormatName(f.Type), i+1)
		}
		v, err := w.value(env, f.Type, f.Typmod)
		if err != nil {
			return Null, err
		}
		r.Types, r.Vals = append(r.Types, f.Type.Oid), append(r.Vals, v)
	}
	if len(w.b) > 0 {
		return Null, badBinary()
	}
	return r.Encode(), nil
}

// compareRecords orders rows column by column, NULL last. Columns of types that are not built in compare by
// their bytes, since a comparison has no Env: callers that know better compare column by column themselves.
func compareRecords(a, b Datum) int {
	x, y := IterateRecord(a), IterateRecord(b)
	for {
		t, p, ok1 := x.Next()
		_, q, ok2 := y.Next()
		switch {
		case !ok1 && !ok2:
			return 0
		case !ok1:
			return -1
		case !ok2:
			return 1
		case p.IsNull() && q.IsNull():
			continue
		case p.IsNull():
			return 1
		case q.IsNull():
			return -1
		}
		cmp := cmpAnything
		if bt := Builtin(t); bt != nil && bt.io.cmp != nil {
			cmp = bt.io.cmp
		}
		if c := cmp(p, q); c != 0 {
			return c
		}
	}
}

func cmpAnything(a, b Datum) int {
	if a.IsBytes() {
		return cmpBytes(a, b)
	}
	return cmpWord(a, b)
}

func hashRecord(d Datum) uint64 {
	h := uint64(1)
	it := IterateRecord(d)
	for t, v, ok := it.Next(); ok; t, v, ok = it.Next() {
		vh := uint64(0)
		if bt := Builtin(t); !v.IsNull() {
			switch {
			case bt != nil && bt.io.hash != nil:
				vh = bt.io.hash(v)
			case v.IsBytes():
				vh = HashBytes(v.Bytes())
			default:
				vh = HashWord(v.word)
			}
		}
		h = CombineHash(h, vh)
	}
	return h
}
