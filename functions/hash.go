package functions

import (
	"encoding/binary"
	"math"
	"math/bits"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// The hash support functions give PostgreSQL's values, since people keep them: as keys of advisory locks, or to
// spread rows. They are Bob Jenkins' lookup3 over the bytes that PostgreSQL stores. Joins and aggregation use
// types.Hasher instead.

type jenkins struct{ a, b, c uint32 }

func (j *jenkins) mix() {
	j.a -= j.c
	j.a ^= bits.RotateLeft32(j.c, 4)
	j.c += j.b
	j.b -= j.a
	j.b ^= bits.RotateLeft32(j.a, 6)
	j.a += j.c
	j.c -= j.b
	j.c ^= bits.RotateLeft32(j.b, 8)
	j.b += j.a
	j.a -= j.c
	j.a ^= bits.RotateLeft32(j.c, 16)
	j.c += j.b
	j.b -= j.a
	j.b ^= bits.RotateLeft32(j.a, 19)
	j.a += j.c
	j.c -= j.b
	j.c ^= bits.RotateLeft32(j.b, 4)
	j.b += j.a
}

func (j *jenkins) final() {
	j.c ^= j.b
	j.c -= bits.RotateLeft32(j.b, 14)
	j.a ^= j.c
	j.a -= bits.RotateLeft32(j.c, 11)
	j.b ^= j.a
	j.b -= bits.RotateLeft32(j.a, 25)
	j.c ^= j.b
	j.c -= bits.RotateLeft32(j.b, 16)
	j.a ^= j.c
	j.a -= bits.RotateLeft32(j.c, 4)
	j.b ^= j.a
	j.b -= bits.RotateLeft32(j.a, 14)
	j.c ^= j.b
	j.c -= bits.RotateLeft32(j.b, 24)
}

func newJenkins(n int, seed uint64) jenkins {
	v := 0x9e3779b9 + uint32(n) + 3923095
	j := jenkins{v, v, v}
	if seed != 0 {
		j.a += uint32(seed >> 32)
		j.b += uint32(seed)
		j.mix()
	}
	return j
}

// value returns the 64-bit hash, whose low half is the 32-bit one.
func (j *jenkins) value() uint64 { return uint64(j.b)<<32 | uint64(j.c) }

// jenkinsBytes hashes a byte string.
func jenkinsBytes(k []byte, seed uint64) uint64 {
	j := newJenkins(len(k), seed)
	for len(k) >= 12 {
		j.a += binary.LittleEndian.Uint32(k)
		j.b += binary.LittleEndian.Uint32(k[4:])
		j.c += binary.LittleEndian.Uint32(k[8:])
		j.mix()
		k = k[12:]
	}
	// The lowest byte of c is reserved for the length, which the start value holds already.
	for i, x := range k {
		switch {
		case i < 4:
			j.a += uint32(x) << (8 * i)
		case i < 8:
			j.b += uint32(x) << (8 * (i - 4))
		default:
			j.c += uint32(x) << (8 * (i - 7))
		}
	}
	j.final()
	return j.value()
}

func jenkinsWord(k uint32, seed uint64) uint64 {
	j := newJenkins(4, seed)
	j.a += k
	j.final()
	return j.value()
}

// hasher hashes a value of a type as PostgreSQL does.
type hasher func(d types.Datum, seed uint64) uint64

func hashWord32(d types.Datum, seed uint64) uint64 { return jenkinsWord(uint32(d.Word()), seed) }

// hashWord64 makes bigints that fit an integer hash like the integer.
func hashWord64(d types.Datum, seed uint64) uint64 {
	lo, hi := uint32(d.Word()), uint32(d.Word()>>32)
	if d.Int() >= 0 {
		lo ^= hi
	} else {
		lo ^= ^hi
	}
	return jenkinsWord(lo, seed)
}

func hashBytes(d types.Datum, seed uint64) uint64 { return jenkinsBytes(d.Bytes(), seed) }

// HashAny is the 32-bit hash of bytes, as hash indexes and samples use it; HashFloat8 that of a double.
func HashAny(b []byte) uint32 { return uint32(jenkinsBytes(b, 0)) }

// HashFloat8 is hashfloat8.
func HashFloat8(f float64) uint32 { return uint32(hashFloat(types.Float(f), 0)) }

func hashBpchar(d types.Datum, seed uint64) uint64 {
	b := d.Bytes()
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return jenkinsBytes(b, seed)
}

func hashFloat(d types.Datum, seed uint64) uint64 {
	f := d.Float()
	switch {
	case f == 0:
		return seed
	case f != f:
		f = math.Float64frombits(0x7ff8000000000000)
	}
	return jenkinsBytes(binary.LittleEndian.AppendUint64(make([]byte, 0, 8), math.Float64bits(f)), seed)
}

func hashChar(d types.Datum, seed uint64) uint64 { return jenkinsWord(uint32(int8(d.Word())), seed) }

// hashTid hashes the 6 bytes of a tid on disk: block in two halves, high first, then the line pointer.
func hashTid(d types.Datum, seed uint64) uint64 {
	t := ids.UnpackTID(d.Word())
	b := make([]byte, 0, 6)
	b = binary.LittleEndian.AppendUint16(b, uint16(uint32(t.Block)>>16))
	b = binary.LittleEndian.AppendUint16(b, uint16(t.Block))
	return jenkinsBytes(binary.LittleEndian.AppendUint16(b, uint16(t.Offset)), seed)
}

func hashOidVector(d types.Datum, seed uint64) uint64 {
	var b []byte
	it := types.IterateArray(d, types.Builtin(types.OidOid))
	for e, ok := it.Next(); ok; e, ok = it.Next() {
		b = binary.LittleEndian.AppendUint32(b, uint32(e.Oid()))
	}
	return jenkinsBytes(b, seed)
}

// hashByOid returns the hash function of a type's default hash operator class, nil if this server has none
// that gives PostgreSQL's values.
func hashByOid(oid ids.Oid) hasher {
	switch oid {
	case types.Int2Oid, types.Int4Oid, types.OidOid, types.RegclassOid, types.RegtypeOid, types.RegprocOid, types.XidOid, types.CidOid,
		types.BoolOid, types.DateOid:
		return hashWord32
	case types.Int8Oid, types.TimestampOid, types.TimestamptzOid, types.TimeOid, types.PgLsnOid, types.Xid8Oid:
		return hashWord64
	case types.TextOid, types.VarcharOid, types.NameOid, types.UuidOid, types.ByteaOid,
		types.InetOid, types.CidrOid, types.MacaddrOid, types.Macaddr8Oid:
		return hashBytes
	case types.BPCharOid:
		return hashBpchar
	case types.Float4Oid, types.Float8Oid:
		return hashFloat
	case types.CharOid:
		return hashChar
	case types.TIDOid:
		return hashTid
	case types.OidVectorOid:
		return hashOidVector
	case types.NumericOid:
		return hashNumeric
	case types.IntervalOid:
		return hashInterval
	case types.TimetzOid:
		return hashTimetz
	}
	return nil
}

// hashAny falls back on the engine's own hash for types whose PostgreSQL value is not reproduced.
func hashAny(t *types.Type, d types.Datum, seed uint64) (uint64, bool) {
	if f := hashByOid(t.Oid); f != nil {
		return f(d, seed), true
	}
	if f := types.Hasher(t, 0); f != nil {
		return types.CombineHash(f(d), seed), true
	}
	return 0, false
}

func hashArray(c *Call, seed uint64) (uint64, error) {
	elem, err := c.elemTypeOf(0, c.Args[0])
	if err != nil {
		return 0, err
	}
	h := uint64(1)
	it := types.IterateArray(c.Args[0], elem)
	for e, ok := it.Next(); ok; e, ok = it.Next() {
		var v uint64
		if !e.IsNull() {
			var known bool
			if v, known = hashAny(elem, e, seed); !known {
				return 0, noHash(elem)
			}
		}
		h = (h << 5) - h + v
	}
	return h, nil
}

func hashRecord(c *Call, seed uint64) (uint64, error) {
	var h uint64
	it := types.IterateRecord(c.Args[0])
	for oid, v, ok := it.Next(); ok; oid, v, ok = it.Next() {
		var e uint64
		if !v.IsNull() {
			t, err := c.typeByOid(oid)
			if err != nil {
				return 0, err
			}
			var known bool
			if e, known = hashAny(t, v, seed); !known {
				return 0, noHash(t)
			}
		}
		h = (h << 5) - h + e
	}
	return h, nil
}

// hashEntries makes the 32-bit function name and the seeded 64-bit one.
func hashEntries(name, extended string, f hasher) []Entry {
	return []Entry{
		{Name: name, Scalar: func(c *Call) (types.Datum, error) { return types.Int(int64(int32(f(c.Args[0], 0)))), nil }},
		{Name: extended, Scalar: func(c *Call) (types.Datum, error) { return types.Int(int64(f(c.Args[0], c.Args[1].Word()))), nil }},
	}
}

func hashCallEntries(name string, f func(c *Call, seed uint64) (uint64, error)) []Entry {
	return []Entry{
		{Name: name, Scalar: func(c *Call) (types.Datum, error) {
			h, err := f(c, 0)
			return types.Int(int64(int32(h))), err
		}},
		{Name: name + "_extended", Scalar: func(c *Call) (types.Datum, error) {
			h, err := f(c, c.Args[1].Word())
			return types.Int(int64(h)), err
		}},
	}
}

// hashFamily lists the hash support functions.
func hashFamily() []Entry {
	var fs []Entry
	for _, p := range []struct {
		name string
		f    hasher
	}{{"hashint2", hashWord32}, {"hashint4", hashWord32}, {"hashint8", hashWord64}, {"hashoid", hashWord32}, {"hashenum", hashWord32},
		{"hashchar", hashChar}, {"hashname", hashBytes}, {"hashtext", hashBytes}, {"hashvarlena", hashBytes}, {"hashbpchar", hashBpchar},
		{"hashfloat4", hashFloat}, {"hashfloat8", hashFloat}, {"hashtid", hashTid}, {"hashoidvector", hashOidVector}} {
		fs = append(fs, hashEntries(p.name, p.name+"extended", p.f)...)
	}
	fs = append(fs, hashEntries("time_hash", "time_hash_extended", hashWord64)...)
	fs = append(fs, hashEntries("timestamp_hash", "timestamp_hash_extended", hashWord64)...)
	fs = append(fs, hashEntries("pg_lsn_hash", "pg_lsn_hash_extended", hashWord64)...)
	fs = append(fs, hashEntries("uuid_hash", "uuid_hash_extended", hashBytes)...)
	fs = append(fs, hashEntries("hash_numeric", "hash_numeric_extended", hashNumeric)...)
	fs = append(fs, hashEntries("interval_hash", "interval_hash_extended", hashInterval)...)
	fs = append(fs, hashEntries("timetz_hash", "timetz_hash_extended", hashTimetz)...)
	fs = append(fs, hashCallEntries("hash_array", hashArray)...)
	return append(fs, hashCallEntries("hash_record", hashRecord)...)
}

func noHash(t *types.Type) error {
	return pgerr.New(pgerr.UndefinedFunction, "could not identify a hash function for type %s", types.FormatName(t))
}

// PartitionHasher returns the extended hash function of a type's default hash operator class, with PostgreSQL's values where this server
// reproduces them; nil if the type has none.
func PartitionHasher(t *types.Type) func(d types.Datum, seed uint64) uint64 {
	if f := hashByOid(t.Oid); f != nil {
		return f
	}
	if t.Typtype == 'e' {
		return hashWord32
	}
	if f := types.Hasher(t, 0); f != nil {
		return func(d types.Datum, seed uint64) uint64 { return types.CombineHash(f(d), seed) }
	}
	return nil
}
