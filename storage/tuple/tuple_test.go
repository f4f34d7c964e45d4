package tuple

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gompho/internal/ids"
	"gompho/types"
)

// kinds are the attribute shapes that tests draw from.
var kinds = []types.Attr{
	{Name: "bool", Type: 16, Len: 1, ByVal: true, Align: 'c', Storage: 'p'},
	{Name: "char", Type: 18, Len: 1, ByVal: true, Align: 'c', Storage: 'p'},
	{Name: "int2", Type: 21, Len: 2, ByVal: true, Align: 's', Storage: 'p'},
	{Name: "int4", Type: 23, Len: 4, ByVal: true, Align: 'i', Storage: 'p'},
	{Name: "int8", Type: 20, Len: 8, ByVal: true, Align: 'd', Storage: 'p'},
	{Name: "oid", Type: 26, Len: 4, ByVal: true, Align: 'i', Storage: 'p'},
	{Name: "float4", Type: 700, Len: 4, ByVal: true, Align: 'i', Storage: 'p'},
	{Name: "float8", Type: 701, Len: 8, ByVal: true, Align: 'd', Storage: 'p'},
	{Name: "tid", Type: 27, Len: 6, Align: 's', Storage: 'p'},
	{Name: "name", Type: 19, Len: 64, Align: 'c', Storage: 'p'},
	{Name: "uuid", Type: 2950, Len: 16, Align: 'c', Storage: 'p'},
	{Name: "text", Type: 25, Len: -1, Align: 'i', Storage: 'x'},
	{Name: "plaintext", Type: 25, Len: -1, Align: 'i', Storage: 'p'},
	{Name: "array", Type: 1016, Len: -1, Align: 'd', Storage: 'x'},
	{Name: "cstring", Type: 2275, Len: -2, Align: 'c', Storage: 'p'},
}

func drawValue(t *rapid.T, a *types.Attr) types.Datum {
	if rapid.IntRange(0, 5).Draw(t, "null") == 0 {
		return types.Null
	}
	switch a.Name {
	case "bool":
		return types.Bool(rapid.Bool().Draw(t, "v"))
	case "char":
		return types.Word(uint64(rapid.Byte().Draw(t, "v")))
	case "int2":
		return types.Int(int64(rapid.Int16().Draw(t, "v")))
	case "int4":
		return types.Int(int64(rapid.Int32().Draw(t, "v")))
	case "int8":
		return types.Int(rapid.Int64().Draw(t, "v"))
	case "oid":
		return types.OidDatum(ids.Oid(rapid.Uint32().Draw(t, "v")))
	case "float4":
		return types.Float(float64(rapid.Float32().Draw(t, "v")))
	case "float8":
		return types.Float(rapid.Float64().Draw(t, "v"))
	case "tid":
		return types.Word(ids.TID{Block: ids.BlockNumber(rapid.Uint32().Draw(t, "v")), Offset: 7}.Pack())
	case "name", "cstring":
		return types.String(strings.Repeat("n", rapid.IntRange(0, 63).Draw(t, "n")))
	case "uuid":
		return types.Bytes(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "v"))
	}
	return types.Bytes(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "v"))
}

func same(a, b types.Datum) bool {
	if a.IsNull() || b.IsNull() || a.IsBytes() != b.IsBytes() {
		return a.IsNull() && b.IsNull()
	}
	if a.IsBytes() {
		return bytes.Equal(a.Bytes(), b.Bytes())
	}
	return a.Word() == b.Word()
}

// TestRoundTrip forms random rows of random descriptions and reads random choices of columns back, in both forms.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		attrs := rapid.SliceOfN(rapid.SampledFrom(kinds), 1, 12).Draw(t, "attrs")
		l := NewLayout(&types.Desc{Attrs: attrs})
		vals := make([]types.Datum, len(attrs))
		for i := range vals {
			vals[i] = drawValue(t, &attrs[i])
		}
		tup, err := l.Form(vals, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(tup)-Header(tup).Hoff(), l.DataSize(vals, nil); got != want {
			t.Fatalf("DataSize %d, formed %d", want, got)
		}
		cols := rapid.SliceOfN(rapid.IntRange(0, len(attrs)-1), 0, 6).Draw(t, "cols")
		checkProjection(t, l, tup, vals, cols)
	})
}

func checkProjection(t *rapid.T, l *Layout, tup []byte, vals []types.Datum, cols []int) {
	p := l.Project(cols)
	out := make([]types.Datum, len(cols))
	if err := p.Deform(tup, out, nil, nil); err != nil {
		t.Fatal(err)
	}
	b := p.NewBatch(3)
	var a Arena
	if err := p.Decode(tup, b, 2, &a, nil); err != nil {
		t.Fatal(err)
	}
	for k, c := range cols {
		if !same(out[k], vals[c]) {
			t.Fatalf("column %d (%s): %v, want %v", c, l.Desc.Attrs[c].Name, out[k], vals[c])
		}
		if !same(b.Cols[k].Get(2), vals[c]) {
			t.Fatalf("batch column %d (%s) differs", c, l.Desc.Attrs[c].Name)
		}
	}
}

func TestMissingAttributes(t *testing.T) {
	short := NewLayout(&types.Desc{Attrs: []types.Attr{kinds[3]}})
	tup, err := short.Form([]types.Datum{types.Int(5)}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	added := kinds[11]
	def := types.String("default")
	added.Missing = &def
	long := NewLayout(&types.Desc{Attrs: []types.Attr{kinds[3], added, kinds[4]}})
	out := make([]types.Datum, 3)
	if err := long.Project([]int{0, 1, 2}).Deform(tup, out, nil, nil); err != nil {
		t.Fatal(err)
	}
	if out[0].Int() != 5 || out[1].Str() != "default" || !out[2].IsNull() {
		t.Fatalf("got %v", out)
	}
}

type fakeToast map[ids.Oid][]byte

func (f fakeToast) Fetch(p Pointer) ([]byte, error) { return f[p.ValueID], nil }

func TestPackedAndExternal(t *testing.T) {
	l := NewLayout(&types.Desc{Attrs: []types.Attr{kinds[0], kinds[11], kinds[11], kinds[3]}})
	big := bytes.Repeat([]byte("abcdefgh"), 500)
	block, ok := Pack(big)
	if !ok {
		t.Fatal("did not compress")
	}
	ptr := Pointer{RawSize: 9000, ExtSize: 8996, ValueID: 77, ToastRel: 88}
	st := Stored{nil, AppendPacked(nil, block, len(big)), ptr.Append(nil), nil}
	vals := []types.Datum{types.Bool(true), types.Bytes(big), types.Bytes(big), types.Int(-3)}
	tup, err := l.Form(vals, st, nil)
	if err != nil {
		t.Fatal(err)
	}
	if Header(tup).Infomask()&HasExternal == 0 {
		t.Fatal("HasExternal not set")
	}
	if got, want := len(tup)-Header(tup).Hoff(), l.DataSize(vals, st); got != want {
		t.Fatalf("DataSize %d, formed %d", want, got)
	}
	out := make([]types.Datum, 4)
	if err := l.Project([]int{0, 1, 2, 3}).Deform(tup, out, nil, fakeToast{77: []byte("elsewhere")}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out[1].Bytes(), big) || out[2].Str() != "elsewhere" || out[3].Int() != -3 {
		t.Fatal("values differ")
	}
	if p, ok := DecodePointer(ptr.Append(nil)); !ok || p != ptr {
		t.Fatalf("pointer %v", p)
	}
}

// FuzzDeform feeds damaged tuples: errors are fine, panics are not.
func FuzzDeform(f *testing.F) {
	l := NewLayout(&types.Desc{Attrs: kinds})
	cols := make([]int, len(kinds))
	vals := make([]types.Datum, len(kinds))
	for i := range cols {
		cols[i] = i
		vals[i] = types.Null
	}
	p := l.Project(cols)
	vals[11] = types.String(strings.Repeat("x", 200))
	tup, _ := l.Form(vals, nil, nil)
	f.Add(tup)
	f.Fuzz(func(t *testing.T, b []byte) {
		out := make([]types.Datum, len(cols))
		_ = p.Deform(b, out, nil, fakeToast{})
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 4, 10} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			attrs := make([]types.Attr, n)
			vals := make([]types.Datum, n)
			cols := make([]int, n)
			for i := range attrs {
				attrs[i], vals[i], cols[i] = kinds[3], types.Int(int64(i)), i
			}
			l := NewLayout(&types.Desc{Attrs: attrs})
			tup, _ := l.Form(vals, nil, nil)
			p := l.Project(cols)
			batch := p.NewBatch(1)
			var a Arena
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Decode(tup, batch, 0, &a, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
