package functions

import (
	"strings"

	"gompho/internal/pgerr"
	"gompho/types"
)

// sizeUnits are the units of pg_size_pretty: a size is shown in the first whose limit it is below, and then
// rounded, if the unit before was not the first.
var sizeUnits = [...]struct {
	name  string
	limit int64
	round bool
	bits  uint
}{
	{"bytes", 10 * 1024, false, 0}, {"kB", 20*1024 - 1, true, 10}, {"MB", 20*1024 - 1, true, 20},
	{"GB", 20*1024 - 1, true, 30}, {"TB", 20*1024 - 1, true, 40}, {"PB", 20*1024 - 1, true, 50},
}

func absUint(v int64) uint64 {
	if v < 0 {
		return uint64(-v)
	}
	return uint64(v)
}

func sizePretty(c *Call) (types.Datum, error) {
	size := c.int(0)
	for i, u := range sizeUnits {
		if i == len(sizeUnits)-1 || absUint(size) < uint64(u.limit) {
			if u.round {
				if size > 0 {
					size = (size + 1) / 2
				} else {
					size = (size - 1) / 2
				}
			}
			return types.String(string(types.Output(c.Env, types.Builtin(types.Int8Oid), types.Int(size), nil)) + " " + u.name), nil
		}
		// The bit below the unit is kept for rounding.
		bits := sizeUnits[i+1].bits - u.bits
		if sizeUnits[i+1].round {
			bits--
		}
		if u.round {
			bits++
		}
		size /= 1 << bits
	}
	return types.Null, pgerr.Internal("no unit for a size")
}

func sizePrettyNumeric(c *Call) (types.Datum, error) {
	size := types.NumericOf(c.Args[0])
	two := types.NumericFromInt(2)
	for i, u := range sizeUnits {
		if i == len(sizeUnits)-1 || size.Abs().Cmp(types.NumericFromInt(u.limit)) < 0 {
			if u.round {
				one := types.NumericFromInt(1)
				if size.Sign() < 0 {
					one = one.Neg()
				}
				var err error
				if size, err = size.Add(one); err != nil {
					return types.Null, err
				}
				if size, err = size.DivTrunc(two); err != nil {
					return types.Null, err
				}
			}
			return types.String(size.String() + " " + u.name), nil
		}
		bits := sizeUnits[i+1].bits - u.bits
		if sizeUnits[i+1].round {
			bits--
		}
		if u.round {
			bits++
		}
		var err error
		if size, err = size.DivTrunc(types.NumericFromInt(1 << bits)); err != nil {
			return types.Null, err
		}
	}
	return types.Null, pgerr.Internal("no unit for a size")
}

// sizeBytes is pg_size_bytes: a number with or without a unit.
func sizeBytes(c *Call) (types.Datum, error) {
	text := c.str(0)
	bad := func() *pgerr.Error { return pgerr.New(pgerr.InvalidParameterValue, "invalid size: \"%s\"", text) }
	s := strings.Trim(text, " \t\n\r\v\f")
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	digits := 0
	for ; i < len(s) && (isDigit(s[i]) || s[i] == '.'); i++ {
		if s[i] != '.' {
			digits++
		}
	}
	if digits == 0 {
		return types.Null, bad()
	}
	if i+1 < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if s[j] == '-' || s[j] == '+' {
			j++
		}
		if j < len(s) && isDigit(s[j]) {
			for i = j; i < len(s) && isDigit(s[i]); i++ {
				continue
			}
		}
	}
	n, err := types.ParseNumeric(s[:i])
	if err != nil {
		return types.Null, err
	}
	if unit := strings.TrimLeft(s[i:], " \t\n\r\v\f"); unit != "" {
		bits := -1
		for _, u := range sizeUnits {
			if strings.EqualFold(u.name, unit) {
				bits = int(u.bits)
			}
		}
		if strings.EqualFold(unit, "B") {
			bits = 0
		}
		if bits < 0 {
			return types.Null, bad().WithDetail("Invalid size unit: \"%s\".", unit).
				WithHint("Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".")
		}
		if n, err = n.Mul(types.NumericFromInt(1 << bits)); err != nil {
			return types.Null, err
		}
	}
	v, ok := n.Round(0).Int64()
	if !ok {
		return types.Null, width8.overflow()
	}
	return types.Int(v), nil
}

// sizeFamily lists pg_size_pretty and pg_size_bytes.
func sizeFamily() []Entry {
	return []Entry{
		{Name: "pg_size_pretty", Scalar: sizePretty}, {Name: "pg_size_pretty_numeric", Scalar: sizePrettyNumeric},
		{Name: "pg_size_bytes", Scalar: sizeBytes},
	}
}
