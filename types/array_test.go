package types

import (
	"testing"

	"pgregory.net/rapid"

	"gompho/internal/ids"
)

// TestArrayModel takes arrays of several element types apart and puts them together, as values and as text.
func TestArrayModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		oid := rapid.SampledFrom([]ids.Oid{Int2Oid, Int4Oid, Int8Oid, BoolOid, CharOid, TextOid, NameOid, Float4Oid, Float8Oid, UuidOid, TIDOid, NumericOid}).Draw(t, "element")
		elem := Builtin(oid)
		ndim := rapid.IntRange(0, 3).Draw(t, "dimensions")
		a := Array{Elem: oid}
		n := 1
		for range ndim {
			a.Dims = append(a.Dims, int32(rapid.IntRange(1, 4).Draw(t, "size")))
			a.Lbounds = append(a.Lbounds, int32(rapid.IntRange(-3, 3).Draw(t, "lower bound")))
			n *= int(a.Dims[len(a.Dims)-1])
		}
		for i := 0; ndim > 0 && i < n; i++ {
			a.Elems = append(a.Elems, genElem(t, elem))
		}
		d := a.Encode(elem)
		b := DecodeArray(d, elem)
		if got, want := showArray(b, elem), showArray(a, elem); got != want {
			t.Fatalf("%s became %s", want, got)
		}
		at := Builtin(elem.Array)
		text := OutputString(DefaultEnv, at, d)
		back, err := Input(DefaultEnv, at, text, -1)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if Comparer(at, 0)(d, back) != 0 || Hasher(at, 0)(d) != Hasher(at, 0)(back) {
			t.Fatalf("%s reads back as another value", text)
		}
		wire, err := Send(DefaultEnv, at, d, nil)
		if err != nil {
			t.Fatal(err)
		}
		if back, err = Receive(DefaultEnv, at, wire, -1); err != nil || Comparer(at, 0)(d, back) != 0 {
			t.Fatalf("%s: the wire gives %v, %v", text, back, err)
		}
	})
}

func genElem(t *rapid.T, elem *Type) Datum {
	if rapid.IntRange(0, 5).Draw(t, "null") == 0 {
		return Null
	}
	switch elem.Oid {
	case Int2Oid:
		return Int(int64(rapid.Int16().Draw(t, "int2")))
	case Int4Oid:
		return Int(int64(rapid.Int32().Draw(t, "int4")))
	case Int8Oid:
		return Int(rapid.Int64().Draw(t, "int8"))
	case BoolOid:
		return Bool(rapid.Bool().Draw(t, "bool"))
	case CharOid:
		return Word(uint64(rapid.ByteRange(1, 127).Draw(t, "char")))
	case Float4Oid:
		return Float(float64(rapid.Float32().Draw(t, "float4")))
	case Float8Oid:
		return Float(rapid.Float64().Draw(t, "float8"))
	case TIDOid:
		return Word(uint64(rapid.Uint32().Draw(t, "block"))<<16 | uint64(rapid.Uint16().Draw(t, "offset")))
	case UuidOid:
		return Bytes(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
	case NumericOid:
		n, _ := genNumeric(t, "numeric")
		return n.Datum()
	case NameOid:
		return String(rapid.StringMatching(`[a-z "\\{},]{0,20}`).Draw(t, "name"))
	}
	return String(rapid.StringMatching(`(NULL|null|[a-zé "\\{},;()']{0,12})`).Draw(t, "text"))
}

func showArray(a Array, elem *Type) string {
	s := string(AppendArrayBounds(nil, a.Dims, a.Lbounds))
	for _, e := range a.Elems {
		if e.IsNull() {
			s += "|-"
		} else {
			s += "|" + OutputString(DefaultEnv, elem, e)
		}
	}
	return s
}

// TestRecord checks the stored, the text and the binary form of composite values.
func TestRecord(t *testing.T) {
	typ := NewType(Type{Oid: 20000, Name: "pair", Len: -1, Typtype: 'c', Align: 'd', Storage: 'x', Fields: []Field{
		{"a", Builtin(Int4Oid), -1}, {"b", Builtin(TextOid), -1}, {"c", Builtin(NumericOid), (5<<16 | 2) + 4}}})
	for in, want := range map[string]string{
		`(1,x,2.345)`:           `(1,x,2.35)`,
		`(,,)`:                  `(,,)`,
		` ( 7 ,"a ""b\" c", 1)`: `(7,"a ""b"" c",1.00)`,
		`(1,"",)`:               `(1,"",)`,
		`(1,(),3)`:              `!22P02 malformed record literal: "(1,(),3)"`,
		`(1,x)`:                 `!22P02 malformed record literal: "(1,x)"`,
		`(1,x,2,3)`:             `!22P02 malformed record literal: "(1,x,2,3)"`,
		`1,x,2`:                 `!22P02 malformed record literal: "1,x,2"`,
		`(1,x,2) z`:             `!22P02 malformed record literal: "(1,x,2) z"`,
		`(1,"x,2)`:              `!22P02 malformed record literal: "(1,"x,2)"`,
		`(q,x,2)`:               `!22P02 invalid input syntax for type integer: "q"`,
	} {
		if got := answer(DefaultEnv, typ, in, -1); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
			continue
		}
		if want[0] != '!' {
			roundTrip(t, DefaultEnv, typ, in, -1)
		}
	}
}

// TestEnum checks that values order as their labels do, not as their Oids.
func TestEnum(t *testing.T) {
	typ := NewType(Type{Oid: 20010, Name: "mood", Len: 4, ByVal: true, Typtype: 'e', Align: 'i', Storage: 'p',
		Enum: NewEnumLabels([]EnumLabel{{20013, "sad"}, {20011, "ok"}, {20012, "happy"}})})
	sad, _ := Input(DefaultEnv, typ, "sad", -1)
	ok, _ := Input(DefaultEnv, typ, "ok", -1)
	if Comparer(typ, 0)(sad, ok) >= 0 || OutputString(DefaultEnv, typ, sad) != "sad" {
		t.Errorf("sad does not come before ok")
	}
	if got := answer(DefaultEnv, typ, "Sad", -1); got != `!22P02 invalid input value for enum mood: "Sad"` {
		t.Error(got)
	}
}

// TestDomain checks that a domain reads and shows values as its base type does, with its own length.
func TestDomain(t *testing.T) {
	typ := NewType(Type{Oid: 20020, Name: "zip", Len: -1, Typtype: 'd', Base: VarcharOid, BaseType: Builtin(VarcharOid), Typmod: 9})
	if got := answer(DefaultEnv, typ, "12345", -1); got != "12345" {
		t.Error(got)
	}
	if got := answer(DefaultEnv, typ, "123456", -1); got != "!22001 value too long for type character varying(5)" {
		t.Error(got)
	}
}
