package functions

import (
	"gompho/internal/pgerr"
	"gompho/types"
)

func (c *Call) inet(i int) types.Inet { return types.InetValue(c.Args[i]) }

// inetResult returns a copy of v with another mask, for the function to change.
func (c *Call) inetResult(v types.Inet, bits int) types.Inet {
	m := c.Alloc(len(v))
	copy(m, v)
	m[1] = byte(bits)
	return m
}

func inetInt(f func(v types.Inet) int) Scalar {
	return func(c *Call) (types.Datum, error) { return types.Int(int64(f(c.inet(0)))), nil }
}

func inetText(f func(v types.Inet, dst []byte) []byte) Scalar {
	return func(c *Call) (types.Datum, error) { return c.keep(f(c.inet(0), nil)), nil }
}

// inetBytes computes an address byte by byte of the address and of its mask.
func inetBytes(whole bool, f func(x, mask byte) byte) Scalar {
	return func(c *Call) (types.Datum, error) {
		v := c.inet(0)
		bits := v.Bits()
		if whole {
			bits = v.MaxBits()
		}
		r := c.inetResult(v, bits)
		for i, x := range v.Addr() {
			r.Addr()[i] = f(x, types.MaskByte(v.Bits(), i))
		}
		return types.Bytes(r), nil
	}
}

// networkIn tells whether two addresses share a network: the one with the longer mask may be demanded.
func networkIn(demand func(a, b int) bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		v, w := c.inet(0), c.inet(1)
		if !v.SameFamily(w) || !demand(v.Bits(), w.Bits()) {
			return types.Bool(false), nil
		}
		n := min(v.Bits(), w.Bits())
		return types.Bool(v.CommonBits(w, n) == n), nil
	}
}

func inetSameFamily(c *Call) (types.Datum, error) {
	return types.Bool(c.inet(0).SameFamily(c.inet(1))), nil
}

// setMasklen is set_masklen of inet, or of cidr, which loses the bits right of the mask; -1 is the longest mask.
func setMasklen(cidr bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		v, bits := c.inet(0), c.int(1)
		if bits == -1 {
			bits = int64(v.MaxBits())
		}
		if bits < 0 || bits > int64(v.MaxBits()) {
			return types.Null, pgerr.New(pgerr.InvalidParameterValue, "invalid mask length: %d", bits)
		}
		r := c.inetResult(v, int(bits))
		if cidr {
			r.Network()
		}
		return types.Bytes(r), nil
	}
}

// toNetwork is network(inet) and the cast to cidr.
func toNetwork(c *Call) (types.Datum, error) {
	r := c.inetResult(c.inet(0), c.inet(0).Bits())
	r.Network()
	return types.Bytes(r), nil
}

func inetMerge(c *Call) (types.Datum, error) {
	v, w := c.inet(0), c.inet(1)
	if !v.SameFamily(w) {
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "cannot merge addresses from different families")
	}
	r := c.inetResult(v, v.CommonBits(w, min(v.Bits(), w.Bits())))
	r.Network()
	return types.Bytes(r), nil
}

func inetCombine(verb string, f func(a, b byte) byte) Scalar {
	return func(c *Call) (types.Datum, error) {
		v, w := c.inet(0), c.inet(1)
		if !v.SameFamily(w) {
			return types.Null, pgerr.New(pgerr.InvalidParameterValue, "cannot %s inet values of different sizes", verb)
		}
		r := c.inetResult(v, max(v.Bits(), w.Bits()))
		for i, x := range v.Addr() {
			r.Addr()[i] = f(x, w.Addr()[i])
		}
		return types.Bytes(r), nil
	}
}

func inetOutOfRange() error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "result is out of range")
}

// inetAdd adds a number to the address; sign is -1 for its opposite.
func inetAdd(sign int64) Scalar {
	return func(c *Call) (types.Datum, error) {
		v, n := c.inet(0), sign*c.int(1)
		r := c.inetResult(v, v.Bits())
		a, carry := r.Addr(), 0
		for i := len(a) - 1; i >= 0; i-- {
			sum := int(a[i]) + int(byte(n)) + carry
			a[i], carry = byte(sum), sum>>8
			n >>= 8
		}
		// What is left of the number is its sign, which the carry has to cancel.
		if n+int64(carry) != 0 {
			return types.Null, inetOutOfRange()
		}
		return types.Bytes(r), nil
	}
}

// inetSub is how far two addresses are apart.
func inetSub(c *Call) (types.Datum, error) {
	v, w := c.inet(0), c.inet(1)
	if !v.SameFamily(w) {
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "cannot subtract inet values of different sizes")
	}
	a, b := v.Addr(), w.Addr()
	var diff [16]byte // the last byte first, its sign in all bytes after the address's
	borrow := 0
	for i := range a {
		j := len(a) - 1 - i
		d := int(a[j]) - int(b[j]) - borrow
		diff[i], borrow = byte(d), d>>8&1
	}
	for i := len(a); i < len(diff); i++ {
		diff[i] = byte(-borrow)
	}
	var n uint64
	for i, x := range diff[:8] {
		n |= uint64(x) << (8 * i)
	}
	for _, x := range diff[8:] {
		if x != byte(int64(n)>>63) {
			return types.Null, inetOutOfRange()
		}
	}
	return types.Int(int64(n)), nil
}

func networkComparisons() []Entry {
	cmp := types.CompareInet
	fs := comparisons("network_", funcOrder(cmp))
	fs = append(fs, hashEntries("hashinet", "hashinetextended", hashBytes)...)
	return append(fs, Entry{Name: "network_cmp", Scalar: btcmp(cmp)},
		Entry{Name: "network_larger", Scalar: larger(cmp)}, Entry{Name: "network_smaller", Scalar: smaller(cmp)})
}

// inetFamily lists the functions of inet and cidr.
func inetFamily() []Entry {

	return append(networkComparisons(), []Entry{
		{Name: "network_sub", Scalar: networkIn(func(a, b int) bool { return a > b })},
		{Name: "network_subeq", Scalar: networkIn(func(a, b int) bool { return a >= b })},
		{Name: "network_sup", Scalar: networkIn(func(a, b int) bool { return a < b })},
		{Name: "network_supeq", Scalar: networkIn(func(a, b int) bool { return a <= b })},
		{Name: "network_overlap", Scalar: networkIn(func(int, int) bool { return true })},
		{Name: "inet_same_family", Scalar: inetSameFamily},
		{Name: "inet_merge", Scalar: inetMerge},
		{Name: "inet_set_masklen", Scalar: setMasklen(false)}, {Name: "cidr_set_masklen", Scalar: setMasklen(true)},
		{Name: "inet_to_cidr", Scalar: toNetwork}, {Name: "network_network", Scalar: toNetwork},
		{Name: "network_netmask", Scalar: inetBytes(true, func(_, mask byte) byte { return mask })},
		{Name: "network_hostmask", Scalar: inetBytes(true, func(_, mask byte) byte { return ^mask })},
		{Name: "network_broadcast", Scalar: inetBytes(false, func(x, mask byte) byte { return x | ^mask })},
		{Name: "inetnot", Scalar: inetBytes(false, func(x, _ byte) byte { return ^x })},
		{Name: "inetand", Scalar: inetCombine("AND", func(a, b byte) byte { return a & b })},
		{Name: "inetor", Scalar: inetCombine("OR", func(a, b byte) byte { return a | b })},
		{Name: "inetpl", Scalar: inetAdd(1)}, {Name: "inetmi_int8", Scalar: inetAdd(-1)}, {Name: "inetmi", Scalar: inetSub},
		{Name: "network_masklen", Scalar: inetInt(types.Inet.Bits)},
		{Name: "network_family", Scalar: inetInt(func(v types.Inet) int {
			if v.MaxBits() == 32 {
				return 4
			}
			return 6
		})},
		{Name: "network_host", Scalar: inetText(types.Inet.AppendHost)},
		{Name: "network_show", Scalar: inetText(types.Inet.AppendFull)},
		{Name: "cidr_abbrev", Scalar: inetText(types.Inet.AppendAbbrev)},
		{Name: "inet_abbrev", Scalar: func(c *Call) (types.Datum, error) {
			return c.keep(types.Output(c.Env, types.Builtin(types.InetOid), c.Args[0], nil)), nil
		}},
	}...)
}
