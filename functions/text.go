package functions

import (
	"unicode/utf8"

	"gompho/types"
)

func textCat(c *Call) (types.Datum, error) {
	a, b := c.bytes(0), c.bytes(1)
	m := c.Alloc(len(a) + len(b))
	copy(m[copy(m, a):], b)
	return types.Bytes(m), nil
}

func textLength(c *Call) (types.Datum, error) {
	return types.Int(int64(utf8.RuneCount(c.bytes(0)))), nil
}

// textFamily lists functions over text.
func textFamily() []Entry {
	return []Entry{
		{Name: "textcat", Scalar: textCat},
		{Name: "textlen", Scalar: textLength},
		{Name: "textoctetlen", Scalar: func(c *Call) (types.Datum, error) { return types.Int(int64(len(c.bytes(0)))), nil }},
	}
}
