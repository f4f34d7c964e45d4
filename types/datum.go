package types

import (
	"math"
	"unsafe"

	"gompho/internal/ids"
)

// Datum is one SQL value in 16 bytes, without boxing.
//
// A fixed-width value of up to 8 bytes lives in the word; every other value is a byte string, whose
// length is then in the word. NULL is a Datum of its own. A Datum does not know its type.
//
// Representations (Word kinds): bool 0/1; int2, int4, int8 sign-extended; float4 and float8 as
// math.Float64bits of the value (a float4 is rounded to 32 bits before it is stored); oid, xid, cid, reg* unsigned;
// "char" the byte; date days and time/timestamp/timestamptz microseconds since 2000-01-01, with
// PostgreSQL's infinities; tid ids.TID.Pack; pg_lsn, xid8, money as they are.
// Bytes kinds: text-like types and bytea their bytes; name without padding; uuid 16 bytes; inet and cidr see Inet; macaddr 6 and macaddr8 8 bytes; interval
// 16 bytes little-endian {microseconds int64, days int32, months int32}; timetz 12 bytes little-endian
// {microseconds int64, zone int32}; numeric, arrays and records in the formats of this package.
type Datum struct {
	word uint64
	ptr  *byte
}

var nullMark, emptyMark byte

// Null is the SQL NULL.
var Null = Datum{ptr: &nullMark}

// IsNull reports whether d is NULL.
func (d Datum) IsNull() bool { return d.ptr == &nullMark }

// Word makes a Datum of a raw word.
func Word(w uint64) Datum { return Datum{word: w} }

// Int makes a Datum of a signed integer (int2, int4, int8, date, time, timestamp...).
func Int(v int64) Datum { return Datum{word: uint64(v)} }

// OidDatum makes a Datum of an oid.
func OidDatum(o ids.Oid) Datum { return Datum{word: uint64(o)} }

// Float makes a Datum of a float8, or of a float4 that was already rounded.
func Float(f float64) Datum { return Datum{word: math.Float64bits(f)} }

// Bool makes a Datum of a boolean.
func Bool(b bool) Datum {
	if b {
		return Datum{word: 1}
	}
	return Datum{}
}

// Bytes makes a Datum that refers to b; b must not change while the Datum is in use.
func Bytes(b []byte) Datum {
	if len(b) == 0 {
		return Datum{ptr: &emptyMark}
	}
	return Datum{word: uint64(len(b)), ptr: unsafe.SliceData(b)}
}

// String makes a Datum that refers to the bytes of s. They must never be written through.
func String(s string) Datum {
	if len(s) == 0 {
		return Datum{ptr: &emptyMark}
	}
	return Datum{word: uint64(len(s)), ptr: unsafe.StringData(s)}
}

// Word returns the raw word.
func (d Datum) Word() uint64 { return d.word }

// Int returns the word as a signed integer.
func (d Datum) Int() int64 { return int64(d.word) }

// Oid returns the word as an oid.
func (d Datum) Oid() ids.Oid { return ids.Oid(d.word) }

// Float returns the word as a float.
func (d Datum) Float() float64 { return math.Float64frombits(d.word) }

// Bool returns the word as a boolean.
func (d Datum) Bool() bool { return d.word != 0 }

// IsTrue reports whether d is neither NULL nor false.
func (d Datum) IsTrue() bool { return d.ptr == nil && d.word != 0 }

// Bytes returns the byte string; nil for a word or NULL. Callers must not write to it.
func (d Datum) Bytes() []byte {
	if d.ptr == nil || d.ptr == &nullMark {
		return nil
	}
	return unsafe.Slice(d.ptr, d.word)
}

// Str returns the byte string as a string that shares its memory: it is valid as long as the Datum's memory is.
func (d Datum) Str() string {
	if d.ptr == nil || d.ptr == &nullMark {
		return ""
	}
	return unsafe.String(d.ptr, d.word)
}

// IsBytes reports whether d holds a byte string.
func (d Datum) IsBytes() bool { return d.ptr != nil && d.ptr != &nullMark }

// Clone returns a Datum that owns its memory, for keeping beyond the life of a batch.
func (d Datum) Clone() Datum {
	if d.word == 0 || !d.IsBytes() {
		return d
	}
	return Bytes(append(Room(int(d.word)), d.Bytes()...))
}
