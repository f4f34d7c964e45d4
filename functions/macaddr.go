package functions

import (
	"gompho/internal/pgerr"
	"gompho/types"
)

// macBytes computes an address byte by byte of the arguments, the second being absent for functions of one.
func macBytes(f func(i int, a, b byte) byte) Scalar {
	return func(c *Call) (types.Datum, error) {
		a, b := c.bytes(0), c.bytes(len(c.Args)-1)
		m := c.Alloc(len(a))
		for i, x := range a {
			m[i] = f(i, x, b[i])
		}
		return types.Bytes(m), nil
	}
}

// macKeep keeps the first three bytes: the maker's number.
func macKeep(i int, a, _ byte) byte {
	if i < 3 {
		return a
	}
	return 0
}

func macFromMac8(c *Call) (types.Datum, error) {
	b := c.bytes(0)
	if b[3] != 0xff || b[4] != 0xfe {
		return types.Null, pgerr.New(pgerr.NumericValueOutOfRange, "macaddr8 data out of range to convert to macaddr").
			WithHint("Only addresses that have FF and FE as values in the 4th and 5th bytes from the left, for example xx:xx:xx:ff:fe:xx:xx:xx, are eligible to be converted from macaddr8 to macaddr.")
	}
	return c.keep([]byte{b[0], b[1], b[2], b[5], b[6], b[7]}), nil
}

// macaddrFamily lists the functions of macaddr and macaddr8.
func macaddrFamily() []Entry {
	var fs []Entry
	for _, t := range []string{"macaddr", "macaddr8"} {
		fs = append(fs, comparisons(t+"_", textOrder{})...)
		fs = append(fs, hashEntries("hash"+t, "hash"+t+"extended", hashBytes)...)
		fs = append(fs, []Entry{
			{Name: t + "_cmp", Scalar: btcmp(cmpText)},
			{Name: t + "_not", Scalar: macBytes(func(_ int, a, _ byte) byte { return ^a })},
			{Name: t + "_and", Scalar: macBytes(func(_ int, a, b byte) byte { return a & b })},
			{Name: t + "_or", Scalar: macBytes(func(_ int, a, b byte) byte { return a | b })},
			{Name: t + "_trunc", Scalar: macBytes(macKeep)},
		}...)
	}
	return append(fs,
		Entry{Name: "macaddrtomacaddr8", Scalar: func(c *Call) (types.Datum, error) { return c.keep(types.WidenMac(c.bytes(0))), nil }},
		Entry{Name: "macaddr8tomacaddr", Scalar: macFromMac8},
		Entry{Name: "macaddr8_set7bit", Scalar: macBytes(func(i int, a, _ byte) byte {
			if i == 0 {
				a |= 2
			}
			return a
		})})
}
