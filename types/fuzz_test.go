package types

import (
	"testing"

	"gompho/internal/ids"
)

// fuzzed are types of every family.
var fuzzed = []ids.Oid{BoolOid, ByteaOid, CharOid, NameOid, Int2Oid, Int4Oid, Int8Oid, Float4Oid, Float8Oid, NumericOid,
	TextOid, VarcharOid, BPCharOid, DateOid, TimeOid, TimetzOid, TimestampOid, TimestamptzOid, IntervalOid, UuidOid,
	OidOid, XidOid, Xid8Oid, TIDOid, PgLsnOid, OidVectorOid, Int2VectorOid, Int4ArrayOid, TextArrayOid, NumericArrayOid,
	TimestampArrayOid, AclItemOid, JsonOid, InetOid, CidrOid, MacaddrOid, Macaddr8Oid, InetArrayOid}

// FuzzInput feeds any text to every type's input: no panic, and what it takes in must come out in a text that
// gives an equal value.
func FuzzInput(f *testing.F) {
	for _, s := range []string{"1", "-1.5e3", "{1,NULL,\"a\"}", "[0:1]={1,2}", "2020-01-02 03:04:05.6 PST", "1 day -2:03",
		"P1Y2M3DT4H5M6.7S", "infinity", "(1,2)", "\\x00ff", "t", "16/B374D848", "10.1.2.3/8", "0x0a01", "::ffff:1.2/64", "08:00:2b:1:2:3", "0800.2b01.0203.0405", "Jan 2 10:20 pm 2020 BC"} {
		f.Add(s, int32(-1))
	}
	env := newTestEnv()
	f.Fuzz(func(t *testing.T, s string, typmod int32) {
		if len(s) > 300 || CheckUTF8([]byte(s)) != nil {
			return
		}
		for _, oid := range fuzzed {
			typ := Builtin(oid)
			d, err := Input(env, typ, s, typmod)
			if err != nil {
				continue
			}
			if typmod != -1 {
				continue
			}
			out := OutputString(env, typ, d)
			if typ.Oid == AclItemOid {
				continue
			}
			e, err := Input(env, typ, out, -1)
			if err != nil {
				t.Fatalf("%s: %q gives %q, which it does not take: %v", typ.Name, s, out, err)
			}
			if cmp := Comparer(typ, 0); cmp != nil && cmp(d, e) != 0 {
				t.Fatalf("%s: %q gives %q, which is another value", typ.Name, s, out)
			}
		}
	})
}

// FuzzReceive feeds any bytes to every type's binary input.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7}, int32(-1))
	f.Add([]byte{0, 2, 0, 0, 0, 0, 0, 1, 0, 1, 0, 2}, int32(-1))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, int32(3))
	f.Add([]byte{2, 8, 0, 4, 10, 0, 0, 0}, int32(-1))
	env := newTestEnv()
	f.Fuzz(func(t *testing.T, b []byte, typmod int32) {
		for _, oid := range fuzzed {
			typ := Builtin(oid)
			d, err := Receive(env, typ, b, typmod)
			if err != nil {
				continue
			}
			Output(env, typ, d, nil)
			if _, err := Send(env, typ, d, nil); err != nil {
				t.Fatalf("%s: %x: %v", typ.Name, b, err)
			}
		}
	})
}

// FuzzStored feeds any bytes as stored values: damage must not panic.
func FuzzStored(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0})
	env := newTestEnv()
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, oid := range []ids.Oid{NumericOid, IntervalOid, TimetzOid, UuidOid, InetOid, CidrOid, Int4ArrayOid, TextArrayOid, OidVectorOid, RecordOid, AclItemOid} {
			typ := Builtin(oid)
			d := Bytes(b)
			if typ.IsArray && len(b) > 12 && b[0] > 2 {
				continue
			}
			Output(env, typ, d, nil)
			if cmp := Comparer(typ, 0); cmp != nil && cmp(d, d) != 0 {
				t.Fatalf("%s: %x is not equal to itself", typ.Name, b)
			}
		}
	})
}
