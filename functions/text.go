package functions

import (
	"gompho/types"
)

func textCat(c *Call) (types.Datum, error) {
	a, b := c.bytes(0), c.bytes(1)
	m := c.Alloc(len(a) + len(b))
	rest, err := c.copyInto(m, a)
	if err == nil {
		_, err = c.copyInto(rest, b)
	}
	return types.Bytes(m), err
}

func textLength(c *Call) (types.Datum, error) {
	n, err := c.runeCount(c.bytes(0))
	return types.Int(n), err
}

// textFamily lists functions over text.
func textFamily() []Entry {
	return []Entry{
		{Name: "textcat", Scalar: textCat},
		{Name: "textlen", Scalar: textLength},
		{Name: "to_hex32", Scalar: textHex(32)}, {Name: "to_hex64", Scalar: textHex(64)},
		{Name: "textoctetlen", Scalar: func(c *Call) (types.Datum, error) { return types.Int(int64(len(c.bytes(0)))), nil }},
	}
}

func textHex(bits int) Scalar {
	return func(c *Call) (types.Datum, error) {
		v := uint64(c.int(0))
		if bits == 32 {
			v &= 0xffffffff
		}
		const digits = "0123456789abcdef"
		var b [16]byte
		i := len(b)
		for first := true; first || v != 0; first = false {
			i--
			b[i] = digits[v&15]
			v >>= 4
		}
		return c.keep(b[i:]), nil
	}
}
