package types

import (
	"math/bits"
	"net/netip"

	"gompho/internal/pgerr"
)

// Inet is a value of type inet or cidr: the family's byte (inet4 or inet6), the length of the mask in bits, then the 4 or 16 bytes of the
// address. These are PostgreSQL's bytes, so that its hash values are those of the bytes; values are equal when their bytes are.
type Inet []byte

const (
	inet4 = 2
	inet6 = 3
)

// NewInet makes a value of an address and a mask.
func NewInet(addr []byte, bits int) Inet {
	v := make(Inet, 2, 18)
	v[0], v[1] = inet4, byte(bits)
	if len(addr) == 16 {
		v[0] = inet6
	}
	return append(v, addr...)
}

// InetOf makes an inet of an address without a mask; an IPv4 address in IPv6's clothes becomes one of IPv4, the zone is left out.
func InetOf(a netip.Addr) Datum {
	a = a.Unmap()
	return Bytes(NewInet(a.AsSlice(), a.BitLen()))
}

// InetValue returns the bytes of d as an address. Bytes that are none, which only a damaged page can hold, are read as 0.0.0.0/0.
func InetValue(d Datum) Inet {
	v := Inet(d.Bytes())
	if len(v) == 6 && v[0] == inet4 && v[1] <= 32 || len(v) == 18 && v[0] == inet6 && v[1] <= 128 {
		return v
	}
	return Inet{inet4, 0, 0, 0, 0, 0}
}

// Addr returns the address: 4 or 16 bytes.
func (v Inet) Addr() []byte { return v[2:] }

// Bits returns the length of the mask.
func (v Inet) Bits() int { return int(v[1]) }

// MaxBits returns the length of the address in bits: 32 or 128.
func (v Inet) MaxBits() int { return 8 * (len(v) - 2) }

// SameFamily reports whether both are IPv4 or both IPv6.
func (v Inet) SameFamily(w Inet) bool { return v[0] == w[0] }

// CommonBits returns how many leading bits of the addresses, which are of one family, are alike: at most limit.
func (v Inet) CommonBits(w Inet, limit int) int {
	n := 0
	for i, x := range v.Addr() {
		same := bits.LeadingZeros8(x ^ w.Addr()[i])
		n += same
		if same < 8 || n >= limit {
			break
		}
	}
	return min(n, limit)
}

// Network sets the bits right of the mask to zero, in place.
func (v Inet) Network() {
	a := v.Addr()
	for i := range a {
		a[i] &= MaskByte(v.Bits(), i)
	}
}

// MaskByte returns byte i of a mask of n bits.
func MaskByte(n, i int) byte {
	switch n -= 8 * i; {
	case n >= 8:
		return 0xff
	case n <= 0:
		return 0
	}
	return byte(0xff << (8 - n))
}

// hasHostBits reports whether a bit right of the mask is set.
func (v Inet) hasHostBits() bool {
	for i, x := range v.Addr() {
		if x&^MaskByte(v.Bits(), i) != 0 {
			return true
		}
	}
	return false
}

// CompareInet orders by family, then by the bits that both masks cover, then by the masks' lengths, then by the whole address.
func CompareInet(a, b Datum) int {
	v, w := InetValue(a), InetValue(b)
	if !v.SameFamily(w) {
		return int(v[0]) - int(w[0])
	}
	covered := min(v.Bits(), w.Bits())
	if n := v.CommonBits(w, v.MaxBits()); n < covered || v.Bits() == w.Bits() {
		return cmpBytes(Bytes(v.Addr()), Bytes(w.Addr()))
	}
	return v.Bits() - w.Bits()
}

// inetIO returns the functions of inet or of cidr, whose values have no bits right of their mask.
func inetIO(name string, cidr bool) *typeIO {
	return &typeIO{
		in: func(_ Env, _ *Type, s string, _ int32) (Datum, error) {
			v, ok := parseInet(s, cidr)
			if !ok {
				return Null, badSyntax(name, s)
			}
			if cidr && v.hasHostBits() {
				return Null, pgerr.New(pgerr.InvalidTextRepresentation, "invalid cidr value: \"%s\"", s).WithDetail("Value has bits set to right of mask.")
			}
			return Bytes(v), nil
		},
		out: func(_ Env, _ *Type, d Datum, dst []byte) []byte {
			v := InetValue(d)
			return v.append(dst, cidr || v.Bits() < v.MaxBits())
		},
		recv: func(_ Env, _ *Type, b []byte, _ int32) (Datum, error) { return receiveInet(name, b, cidr) },
		send: func(_ Env, _ *Type, d Datum, dst []byte) ([]byte, error) {
			v := InetValue(d)
			mark := byte(0)
			if cidr {
				mark = 1
			}
			dst = append(dst, v[0], v[1], mark, byte(len(v.Addr())))
			return append(dst, v.Addr()...), nil
		},
		cmp:  CompareInet,
		hash: hashBytesDatum,
	}
}

func receiveInet(name string, b []byte, cidr bool) (Datum, error) {
	bad := func(format string) (Datum, error) {
		return Null, pgerr.New(pgerr.InvalidBinaryRepresentation, format, name)
	}
	if len(b) < 1 {
		return Null, noData()
	}
	size := 4
	switch b[0] {
	case inet4:
	case inet6:
		size = 16
	default:
		return bad("invalid address family in external \"%s\" value")
	}
	switch {
	case len(b) < 2:
		return Null, noData()
	case int(b[1]) > 8*size:
		return bad("invalid bits in external \"%s\" value")
	case len(b) < 4:
		return Null, noData()
	case int(b[3]) != size:
		return bad("invalid length in external \"%s\" value")
	case len(b) < 4+size:
		return Null, noData()
	case len(b) > 4+size:
		return Null, badBinary()
	}
	v := NewInet(b[4:], int(b[1]))
	if cidr && v.hasHostBits() {
		return Null, pgerr.New(pgerr.InvalidBinaryRepresentation, "invalid external \"cidr\" value").WithDetail("Value has bits set to right of mask.")
	}
	return Bytes(v), nil
}
