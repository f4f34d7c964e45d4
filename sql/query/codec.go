package query

import (
	"encoding/hex"
	"reflect"
	"strconv"
	"strings"

	"gompho/internal/pgerr"
	"gompho/types"
)

// The text form of a tree, as catalogs store it:
//
//	node   = "{" Name { ":" Field value } "}"      fields with zero values are left out
//	value  = integer | "t" | quoted string | node | "(" { value } ")" | "~" (nil)
//	datum  = "null" | "w" hex | "x" hex            word, byte string
//
// A struct inside a node is written as a node of its own. Several trees can be put into one text as a List.

// List holds several trees where one is expected.
type List struct{ Items []Node }

func (*List) isNode() {}

// NewList makes a List of expressions.
func NewList(exprs []Expr) *List {
	l := &List{Items: make([]Node, len(exprs))}
	for i, e := range exprs {
		l.Items[i] = e
	}
	return l
}

// Exprs returns the items that are expressions.
func (l *List) Exprs() []Expr {
	out := make([]Expr, 0, len(l.Items))
	for _, it := range l.Items {
		if e, ok := it.(Expr); ok {
			out = append(out, e)
		}
	}
	return out
}

// storable are the nodes that Encode and Decode know, by name.
var storable = func() map[string]reflect.Type {
	m := map[string]reflect.Type{}
	for _, n := range []Node{
		&List{}, &Var{}, &Const{}, &Param{}, &FuncExpr{}, &OpExpr{}, &DistinctExpr{}, &NullIfExpr{},
		&ScalarArrayOpExpr{}, &BoolExpr{}, &Aggref{}, &GroupingFunc{}, &WindowFunc{}, &SubscriptingRef{}, &SubLink{},
		&FieldSelect{}, &FieldStore{}, &RelabelType{}, &CoerceViaIO{}, &ArrayCoerceExpr{}, &ConvertRowtypeExpr{},
		&CollateExpr{}, &CaseExpr{}, &CaseWhen{}, &CaseTestExpr{}, &ArrayExpr{}, &RowExpr{}, &RowCompareExpr{},
		&CoalesceExpr{}, &MinMaxExpr{}, &SQLValueFunction{}, &NullTest{}, &BooleanTest{}, &CoerceToDomain{},
		&CoerceToDomainValue{}, &SetToDefault{}, &CurrentOfExpr{}, &NextValueExpr{}, &TargetEntry{}, &Query{},
		&RangeTblEntry{}, &Alias{}, &RangeTblFunction{}, &RangeTblRef{}, &JoinExpr{}, &FromExpr{}, &SortGroupClause{},
		&GroupingSet{}, &WindowClause{}, &RowMarkClause{}, &CommonTableExpr{}, &SetOperationStmt{}, &OnConflictExpr{},
		&InferenceElem{}, &TableSampleClause{}, &MergeAction{}, &WithCheckOption{}, &PartitionBound{}, &RangeDatum{},
	} {
		t := reflect.TypeOf(n).Elem()
		m[t.Name()] = t
	}
	return m
}()

// Encode returns the text form of n. A tree with nodes that are not stored (a utility statement, a finished plan's
// nodes) is a bug of the caller; such parts become nil.
func Encode(n Node) string {
	if isNilNode(n) {
		return "~"
	}
	var b strings.Builder
	encode(&b, reflect.ValueOf(n))
	return b.String()
}

func encode(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			b.WriteByte('~')
			return
		}
		encode(b, v.Elem())
	case reflect.Struct:
		if v.Type() == datumType {
			encodeDatum(b, v.Interface().(types.Datum))
			return
		}
		encodeStruct(b, v)
	case reflect.Slice:
		b.WriteByte('(')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(' ')
			}
			encode(b, v.Index(i))
		}
		b.WriteByte(')')
	case reflect.String:
		b.WriteString(strconv.QuoteToASCII(v.String()))
	case reflect.Bool:
		if v.Bool() {
			b.WriteByte('t')
		} else {
			b.WriteByte('0')
		}
	default:
		if v.CanInt() {
			b.WriteString(strconv.FormatInt(v.Int(), 10))
		} else {
			b.WriteString(strconv.FormatUint(v.Uint(), 10))
		}
	}
}

var utilityType = reflect.TypeFor[UtilityStmt]()

func encodeStruct(b *strings.Builder, v reflect.Value) {
	if _, ok := storable[v.Type().Name()]; !ok && v.Type() != resultType && v.Type() != opExprType {
		b.WriteByte('~')
		return
	}
	b.WriteByte('{')
	b.WriteString(v.Type().Name())
	encodeFields(b, v)
	b.WriteByte('}')
}

var (
	resultType = reflect.TypeFor[Result]()
	opExprType = reflect.TypeFor[OpExpr]()
)

// encodeFields writes the non-zero fields; those of embedded structs as if they were the struct's own.
func encodeFields(b *strings.Builder, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		fv := v.Field(i)
		if f.Anonymous {
			encodeFields(b, fv)
			continue
		}
		if f.Type == utilityType || f.Type != datumType && fv.IsZero() {
			continue
		}
		b.WriteString(" :")
		b.WriteString(f.Name)
		b.WriteByte(' ')
		encode(b, fv)
	}
}

func encodeDatum(b *strings.Builder, d types.Datum) {
	switch {
	case d.IsNull():
		b.WriteString("null")
	case d.IsBytes():
		b.WriteByte('x')
		b.WriteString(hex.EncodeToString(d.Bytes()))
	default:
		b.WriteByte('w')
		b.WriteString(strconv.FormatUint(d.Word(), 16))
	}
}

// maxDecodeDepth bounds the nesting that Decode follows.
const maxDecodeDepth = 10000

// Decode reads the text form. Text that Encode did not write gives an error (XX001).
func Decode(s string) (Node, error) {
	d := &decoder{s: s}
	var n Node
	if err := d.value(reflect.ValueOf(&n).Elem()); err != nil {
		return nil, err
	}
	if d.blanks(); d.pos != len(d.s) {
		return nil, d.bad("text after the tree")
	}
	return n, nil
}

// DecodeExpr is Decode for a text that must hold an expression.
func DecodeExpr(s string) (Expr, error) {
	n, err := Decode(s)
	if err != nil {
		return nil, err
	}
	e, ok := n.(Expr)
	if !ok {
		return nil, pgerr.New(pgerr.DataCorrupted, "stored node tree is not an expression")
	}
	return e, nil
}

// DecodeExprs reads a List of expressions; "" and "~" give none.
func DecodeExprs(s string) ([]Expr, error) {
	if s == "" || s == "~" {
		return nil, nil
	}
	n, err := Decode(s)
	if err != nil {
		return nil, err
	}
	switch n := n.(type) {
	case *List:
		return n.Exprs(), nil
	case Expr:
		return []Expr{n}, nil
	}
	return nil, pgerr.New(pgerr.DataCorrupted, "stored node tree is not a list of expressions")
}

// DecodeQuery is Decode for a text that must hold a Query.
func DecodeQuery(s string) (*Query, error) {
	n, err := Decode(s)
	if err != nil {
		return nil, err
	}
	q, ok := n.(*Query)
	if !ok || q == nil {
		return nil, pgerr.New(pgerr.DataCorrupted, "stored node tree is not a query")
	}
	return q, nil
}

type decoder struct {
	s     string
	pos   int
	depth int
}

func (d *decoder) bad(what string) error {
	return pgerr.New(pgerr.DataCorrupted, "malformed node tree at byte %d: %s", d.pos, what)
}

func (d *decoder) blanks() {
	for d.pos < len(d.s) && (d.s[d.pos] == ' ' || d.s[d.pos] == '\n' || d.s[d.pos] == '\t') {
		d.pos++
	}
}

func (d *decoder) peek() byte {
	if d.blanks(); d.pos < len(d.s) {
		return d.s[d.pos]
	}
	return 0
}

func (d *decoder) take(c byte) bool {
	if d.peek() != c || c == 0 {
		return false
	}
	d.pos++
	return true
}

// word takes letters, digits and signs up to a delimiter.
func (d *decoder) word() string {
	d.blanks()
	start := d.pos
	for d.pos < len(d.s) && !strings.ContainsRune(" \n\t:{}()\"", rune(d.s[d.pos])) {
		d.pos++
	}
	return d.s[start:d.pos]
}

// value reads a value of v's type into v.
func (d *decoder) value(v reflect.Value) error {
	if d.depth++; d.depth > maxDecodeDepth {
		return d.bad("nested too deeply")
	}
	defer func() { d.depth-- }()
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if d.take('~') {
			return nil
		}
		return d.node(v)
	case reflect.Struct:
		if v.Type() == datumType {
			return d.datum(v)
		}
		return d.bad("unexpected struct")
	case reflect.Slice:
		return d.slice(v)
	case reflect.String:
		return d.str(v)
	case reflect.Bool:
		switch d.word() {
		case "t":
			v.SetBool(true)
		case "0":
			v.SetBool(false)
		default:
			return d.bad("expected a boolean")
		}
		return nil
	}
	return d.number(v)
}

func (d *decoder) number(v reflect.Value) error {
	w := d.word()
	if v.CanInt() {
		n, err := strconv.ParseInt(w, 10, v.Type().Bits())
		if err != nil {
			return d.bad("expected an integer")
		}
		v.SetInt(n)
		return nil
	}
	if !v.CanUint() {
		return d.bad("unexpected field type")
	}
	n, err := strconv.ParseUint(w, 10, v.Type().Bits())
	if err != nil {
		return d.bad("expected an unsigned integer")
	}
	v.SetUint(n)
	return nil
}

func (d *decoder) str(v reflect.Value) error {
	d.blanks()
	q, err := strconv.QuotedPrefix(d.s[d.pos:])
	if err != nil {
		return d.bad("expected a string")
	}
	s, err := strconv.Unquote(q)
	if err != nil {
		return d.bad("expected a string")
	}
	d.pos += len(q)
	v.SetString(s)
	return nil
}

func (d *decoder) slice(v reflect.Value) error {
	if !d.take('(') {
		return d.bad("expected a list")
	}
	out := reflect.MakeSlice(v.Type(), 0, 4)
	for !d.take(')') {
		if d.pos >= len(d.s) {
			return d.bad("unfinished list")
		}
		el := reflect.New(v.Type().Elem()).Elem()
		if el.Kind() == reflect.Pointer && d.peek() == '~' {
			return d.bad("missing list element")
		}
		if err := d.value(el); err != nil {
			return err
		}
		out = reflect.Append(out, el)
	}
	v.Set(out)
	return nil
}

func (d *decoder) node(v reflect.Value) error {
	if !d.take('{') {
		return d.bad("expected a node")
	}
	name := d.word()
	t, ok := storable[name]
	if !ok {
		return d.bad("unknown node " + strconv.Quote(name))
	}
	n := reflect.New(t)
	if !n.Type().AssignableTo(v.Type()) {
		return d.bad("node " + name + " in the wrong place")
	}
	if c, ok := n.Interface().(*Const); ok {
		c.Value = types.Null
	}
	for !d.take('}') {
		if !d.take(':') {
			return d.bad("expected a field")
		}
		f := n.Elem().FieldByName(d.word())
		if !f.IsValid() || !f.CanSet() || f.Type() == utilityType || f.Type() == resultType || f.Type() == opExprType {
			return d.bad("unknown field of " + name)
		}
		if err := d.value(f); err != nil {
			return err
		}
	}
	v.Set(n)
	return nil
}

func (d *decoder) datum(v reflect.Value) error {
	w := d.word()
	var out types.Datum
	switch {
	case w == "null":
		out = types.Null
	case strings.HasPrefix(w, "x"):
		b, err := hex.DecodeString(w[1:])
		if err != nil {
			return d.bad("expected hexadecimal bytes")
		}
		out = types.Bytes(b)
	case strings.HasPrefix(w, "w"):
		n, err := strconv.ParseUint(w[1:], 16, 64)
		if err != nil {
			return d.bad("expected a hexadecimal word")
		}
		out = types.Word(n)
	default:
		return d.bad("expected a value")
	}
	v.Set(reflect.ValueOf(out))
	return nil
}
