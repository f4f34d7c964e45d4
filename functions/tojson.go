package functions

import (
	"strconv"

	"gompho/internal/pgerr"
	"gompho/types"
)

// jsonForm tells how values of a type are written as JSON.
type jsonForm uint8

const (
	jsonText jsonForm = iota // a string of the text form
	jsonBool
	jsonNumber
	jsonTime
	jsonVerbatim
	jsonArray
	jsonRow
)

func jsonFormOf(t *types.Type) jsonForm {
	switch t.Oid {
	case types.BoolOid:
		return jsonBool
	case types.Int2Oid, types.Int4Oid, types.Int8Oid, types.Float4Oid, types.Float8Oid, types.NumericOid:
		return jsonNumber
	case types.DateOid, types.TimestampOid, types.TimestamptzOid:
		return jsonTime
	case types.JsonOid:
		return jsonVerbatim
	case types.RecordOid:
		return jsonRow
	case types.OidVectorOid, types.Int2VectorOid:
		return jsonText
	}
	switch {
	case t.ElemType != nil:
		return jsonArray
	case len(t.Fields) > 0:
		return jsonRow
	}
	return jsonText
}

// isoEnv is a session with ISO dates.
type isoEnv struct{ Env }

func (isoEnv) DateStyle() (types.DateStyle, types.DateOrder) { return types.DateISO, types.OrderMDY }

// appendJSONString appends s as a JSON string.
func appendJSONString(dst []byte, s []byte) []byte {
	return append(escapeJSON(append(dst, '"'), s), '"')
}

// appendJSONText is appendJSONString for a text that may be long.
func (c *Call) appendJSONText(dst []byte, s []byte) ([]byte, error) {
	if len(s) <= stride {
		return appendJSONString(dst, s), nil
	}
	p, piece := c.pacer(), []byte(nil)
	dst, err := c.grow(dst, len(s)+2)
	if err != nil {
		return nil, err
	}
	dst = append(dst, '"')
	for at := 0; at < len(s); at += stride {
		piece = escapeJSON(piece[:0], s[at:min(at+stride, len(s))])
		if dst, err = c.grow(dst, len(piece)+1); err == nil {
			dst = append(dst, piece...)
			err = p.step(len(piece))
		}
		if err != nil {
			return nil, err
		}
	}
	return append(dst, '"'), nil
}

// escapeJSON appends what stands between the quotes.
func escapeJSON(dst []byte, s []byte) []byte {
	const hex = "0123456789abcdef"
	for _, b := range s {
		switch {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b == '\b':
			dst = append(dst, `\b`...)
		case b == '\f':
			dst = append(dst, `\f`...)
		case b == '\n':
			dst = append(dst, `\n`...)
		case b == '\r':
			dst = append(dst, `\r`...)
		case b == '\t':
			dst = append(dst, `\t`...)
		case b < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

// isJSONNumber reports whether the text form of a number is one of JSON, which has no NaN and no infinity.
func isJSONNumber(s []byte) bool {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	return i < len(s) && isDigit(s[i])
}

// appendJSON appends a value as JSON. pretty puts line feeds between the elements of the outermost level.
func (c *Call) appendJSON(dst []byte, t *types.Type, d types.Datum, pretty bool) ([]byte, error) {
	if d.IsNull() {
		return append(dst, "null"...), nil
	}
	t = t.Underlying()
	switch jsonFormOf(t) {
	case jsonBool:
		return strconv.AppendBool(dst, d.Bool()), nil
	case jsonNumber:
		n := len(dst)
		dst = types.Output(c.Env, t, d, dst)
		if !isJSONNumber(dst[n:]) {
			text := append([]byte(nil), dst[n:]...)
			dst = appendJSONString(dst[:n], text)
		}
		return dst, nil
	case jsonTime:
		text := types.Output(isoEnv{c.Env}, t, d, nil)
		if t.Oid != types.DateOid {
			text = isoTime(text)
		}
		return appendJSONString(dst, text), nil
	case jsonVerbatim:
		return append(dst, d.Bytes()...), nil
	case jsonArray:
		_, dims, _ := types.ArrayDims(d)
		it, p := types.IterateArray(d, t.ElemType), c.pacer()
		return c.appendJSONArray(dst, t.ElemType, dims, &it, &p, pretty)
	case jsonRow:
		return c.appendJSONRow(dst, t, d, pretty)
	}
	return c.appendJSONText(dst, types.String(c.text(t, d)).Bytes())
}

// isoTime puts a T between date and time and minutes behind an offset in whole hours, as ISO 8601 has it.
func isoTime(text []byte) []byte {
	for i, b := range text {
		if b != ' ' {
			continue
		}
		text[i] = 'T'
		for j := len(text) - 3; j > i; j-- {
			if text[j] == ':' || text[j] == '.' {
				break
			}
			if (text[j] == '+' || text[j] == '-') && j == len(text)-3 {
				return append(text, ":00"...)
			}
		}
		break
	}
	return text
}

func jsonSeparator(pretty bool) string {
	if pretty {
		return ",\n "
	}
	return ","
}

func (c *Call) appendJSONArray(dst []byte, elem *types.Type, dims []int32, it *types.ArrayIter, p *pacer, pretty bool) ([]byte, error) {
	dst = append(dst, '[')
	if len(dims) == 0 {
		return append(dst, ']'), nil
	}
	var err error
	for i := range int(dims[0]) {
		if i > 0 {
			dst = append(dst, jsonSeparator(pretty)...)
		}
		if len(dims) == 1 {
			e, _ := it.Next()
			if dst, err = c.appendJSON(dst, elem, e, false); err == nil {
				err = p.step(elementStep)
			}
		} else {
			dst, err = c.appendJSONArray(dst, elem, dims[1:], it, p, false)
		}
		if err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

// RecordNamer is an Env that knows the column names of anonymous row types by the type modifier in their values.
type RecordNamer interface {
	RecordTypmod(names []string) int32
	RecordNames(typmod int32) []string
}

func (c *Call) appendJSONRow(dst []byte, t *types.Type, d types.Datum, pretty bool) ([]byte, error) {
	r := types.DecodeRecord(d)
	fields := t.Fields
	var names []string
	if namer, ok := c.Env.(RecordNamer); ok && r.Type == types.RecordOid {
		names = namer.RecordNames(r.Typmod)
	}
	if len(fields) != len(r.Vals) && r.Type != 0 && r.Type != types.RecordOid {
		if named, err := c.typeByOid(r.Type); err == nil {
			fields = named.Fields
		}
	}
	dst = append(dst, '{')
	for i, v := range r.Vals {
		if i > 0 {
			dst = append(dst, jsonSeparator(pretty)...)
		}
		name := "f" + strconv.Itoa(i+1)
		switch {
		case len(names) == len(r.Vals):
			name = names[i]
		case len(fields) == len(r.Vals):
			name = fields[i].Name
		}
		dst = append(appendJSONString(dst, []byte(name)), ':')
		ft, err := c.typeByOid(r.Types[i])
		if err != nil {
			return nil, err
		}
		if dst, err = c.appendJSON(dst, ft, v, false); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// toJSON is to_json, array_to_json and row_to_json; a second argument asks for line feeds.
func toJSON(c *Call) (types.Datum, error) {
	t, err := c.argType(0)
	if err != nil {
		return types.Null, err
	}
	b, err := c.appendJSON(nil, t, c.Args[0], len(c.Args) > 1 && c.bool(1))
	return types.Bytes(b), err
}

// anyArgs returns the arguments of a function over "any", spread out if they came as a VARIADIC array.
func (c *Call) anyArgs() (vals []types.Datum, typs []*types.Type, null bool, err error) {
	if !c.Variadic {
		return c.Args, c.ArgTypes, false, nil
	}
	if c.null(0) {
		return nil, nil, true, nil
	}
	a, elem, err := c.arrayArg(0)
	if err != nil {
		return nil, nil, false, err
	}
	typs = make([]*types.Type, len(a.Elems))
	for i := range typs {
		typs[i] = elem
	}
	return a.Elems, typs, false, nil
}

func (c *Call) appendJSONKey(dst []byte, t *types.Type, d types.Datum) ([]byte, error) {
	t = t.Underlying()
	switch jsonFormOf(t) {
	case jsonArray, jsonRow, jsonVerbatim:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "key value must be scalar, not array, composite, or json")
	case jsonTime:
		return c.appendJSON(dst, t, d, false)
	case jsonBool:
		return append(strconv.AppendBool(append(dst, '"'), d.Bool()), '"'), nil
	}
	return appendJSONString(dst, types.Output(c.Env, t, d, nil)), nil
}

func jsonBuildObject(c *Call) (types.Datum, error) {
	vals, typs, null, err := c.anyArgs()
	if err != nil || null {
		return types.Null, err
	}
	if len(vals)%2 != 0 {
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "argument list must have even number of elements").
			WithHint("The arguments of %s must consist of alternating keys and values.", "json_build_object()")
	}
	b := []byte{'{'}
	for i := 0; i < len(vals); i += 2 {
		if i > 0 {
			b = append(b, ", "...)
		}
		if vals[i].IsNull() {
			return types.Null, pgerr.New(pgerr.InvalidParameterValue, "argument %d cannot be null", i+1).
				WithHint("Object keys should be text.")
		}
		if b, err = c.appendJSONKey(b, typs[i], vals[i]); err != nil {
			return types.Null, err
		}
		b = append(b, " : "...)
		if b, err = c.appendJSON(b, typs[i+1], vals[i+1], false); err != nil {
			return types.Null, err
		}
	}
	return types.Bytes(append(b, '}')), nil
}

func jsonBuildArray(c *Call) (types.Datum, error) {
	vals, typs, null, err := c.anyArgs()
	if err != nil || null {
		return types.Null, err
	}
	b := []byte{'['}
	for i, v := range vals {
		if i > 0 {
			b = append(b, ", "...)
		}
		if b, err = c.appendJSON(b, typs[i], v, false); err != nil {
			return types.Null, err
		}
	}
	return types.Bytes(append(b, ']')), nil
}

// jsonAggState is json_agg and, with keys, json_object_agg.
type jsonAggState struct {
	room   room
	call   Call
	typs   []*types.Type
	object bool
	rows   bool // elements are rows or arrays, which begin a line
	has    bool
	buf    []byte
}

func (s *jsonAggState) Add(args []types.Datum) error {
	more := 64 * len(args)
	for _, d := range args {
		if d.IsBytes() {
			more += 2 * len(d.Bytes())
		}
	}
	var err error
	if s.buf, err = grown(&s.room, s.buf, more, 1); err != nil {
		return err
	}
	switch {
	case s.has:
		s.buf = append(s.buf, ", "...)
		if s.rows {
			s.buf = append(s.buf, "\n "...)
		}
	case s.object:
		s.buf = append(s.buf, "{ "...)
	default:
		s.buf = append(s.buf, '[')
	}
	s.has = true
	if !s.object {
		s.buf, err = s.call.appendJSON(s.buf, s.typs[0], args[0], false)
		return err
	}
	if args[0].IsNull() {
		return pgerr.New(pgerr.InvalidParameterValue, "field name must not be null")
	}
	if s.buf, err = s.call.appendJSONKey(s.buf, s.typs[0], args[0]); err != nil {
		return err
	}
	s.buf, err = s.call.appendJSON(append(s.buf, " : "...), s.typs[1], args[1], false)
	return err
}

func (s *jsonAggState) AddVector(v *types.Vector, sel []int32, n int) error {
	if sel != nil {
		for _, i := range sel {
			if err := s.Add([]types.Datum{v.Get(int(i))}); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range n {
		if err := s.Add([]types.Datum{v.Get(i)}); err != nil {
			return err
		}
	}
	return nil
}

func (s *jsonAggState) Merge(Accumulator) error {
	return pgerr.Internal("JSON aggregates do not merge")
}

func (s *jsonAggState) Result() (types.Datum, error) {
	if !s.has {
		return types.Null, nil
	}
	end := "]"
	if s.object {
		end = " }"
	}
	return types.Bytes(append(append(make([]byte, 0, len(s.buf)+len(end)), s.buf...), end...)), nil
}

func (s *jsonAggState) Reset()    { s.has, s.buf = false, s.buf[:0] }
func (s *jsonAggState) Size() int { return 200 + cap(s.buf) }

func newJSONAgg(object bool) func(c *AggCall) (Accumulator, error) {
	return func(c *AggCall) (Accumulator, error) {
		for _, t := range c.ArgTypes {
			if t == nil {
				return nil, pgerr.New(pgerr.InvalidParameterValue, "could not determine input data type")
			}
		}
		s := &jsonAggState{room: roomOf(c), call: Call{Env: c.Env}, typs: c.ArgTypes, object: object}
		form := jsonFormOf(c.ArgTypes[0].Underlying())
		s.rows = !object && (form == jsonArray || form == jsonRow)
		return s, nil
	}
}

// jsonFamily lists the functions that make JSON of other values.
func jsonFamily() []Entry {
	agg := func(object bool) *Aggregate {
		return &Aggregate{New: newJSONAgg(object), OrderMatters: true, DistinctMatters: true, NoMerge: true}
	}
	return []Entry{
		{Name: "to_json", Scalar: toJSON}, {Name: "array_to_json", Scalar: toJSON}, {Name: "array_to_json_pretty", Scalar: toJSON},
		{Name: "row_to_json", Scalar: toJSON}, {Name: "row_to_json_pretty", Scalar: toJSON},
		{Name: "json_build_object", Scalar: jsonBuildObject}, {Name: "json_build_object_noargs", Scalar: jsonBuildObject},
		{Name: "json_build_array", Scalar: jsonBuildArray}, {Name: "json_build_array_noargs", Scalar: jsonBuildArray},
		{Name: "json_agg(anyelement)", Agg: agg(false)}, {Name: "json_object_agg(any,any)", Agg: agg(true)},
	}
}
