package types

import "testing"

var sink []byte

func BenchmarkOutput(b *testing.B) {
	for _, c := range []struct {
		name string
		typ  *Type
		text string
	}{{"int4", Builtin(Int4Oid), "123456"}, {"float8", Builtin(Float8Oid), "123.456"}, {"numeric", Builtin(NumericOid), "12345.67"},
		{"timestamptz", Builtin(TimestamptzOid), "2020-01-02 03:04:05.678"}, {"text", Builtin(TextOid), "hello"}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			d, _ := Input(DefaultEnv, c.typ, c.text, -1)
			buf := make([]byte, 0, 64)
			for b.Loop() {
				buf = Output(DefaultEnv, c.typ, d, buf[:0])
			}
			sink = buf
		})
	}
}

func BenchmarkInput(b *testing.B) {
	for _, c := range []struct {
		name string
		typ  *Type
		text string
	}{{"int4", Builtin(Int4Oid), "123456"}, {"float8", Builtin(Float8Oid), "123.456"}, {"numeric", Builtin(NumericOid), "12345.67"},
		{"timestamptz", Builtin(TimestamptzOid), "2020-01-02 03:04:05.678"}, {"int4array", Builtin(Int4ArrayOid), "{1,2,3}"}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Input(DefaultEnv, c.typ, c.text, -1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	for _, c := range []struct {
		name string
		typ  *Type
		x, y string
	}{{"int4", Builtin(Int4Oid), "1", "2"}, {"text", Builtin(TextOid), "hello", "help"}, {"numeric", Builtin(NumericOid), "1.50", "1.6"}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			x, _ := Input(DefaultEnv, c.typ, c.x, -1)
			y, _ := Input(DefaultEnv, c.typ, c.y, -1)
			cmp, hash := Comparer(c.typ, 0), Hasher(c.typ, 0)
			for b.Loop() {
				cmp(x, y)
				hash(x)
			}
		})
	}
}
