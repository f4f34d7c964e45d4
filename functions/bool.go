package functions

import "gompho/types"

// boolFamily lists what is special to booleans; comparisons are with the others.
func boolFamily() []Entry {
	return []Entry{
		{Name: "booland_statefunc", Scalar: func(c *Call) (types.Datum, error) { return types.Bool(c.bool(0) && c.bool(1)), nil }},
		{Name: "boolor_statefunc", Scalar: func(c *Call) (types.Datum, error) { return types.Bool(c.bool(0) || c.bool(1)), nil }},
		{Name: "int4_bool", Scalar: func(c *Call) (types.Datum, error) { return types.Bool(c.int(0) != 0), nil }},
		{Name: "bool_int4", Scalar: sameArg},
		{Name: "booltext", Scalar: func(c *Call) (types.Datum, error) {
			if c.bool(0) {
				return types.String("true"), nil
			}
			return types.String("false"), nil
		}},
	}
}
