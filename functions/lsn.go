package functions

import (
	"math/big"

	"gompho/internal/pgerr"
	"gompho/types"
)

func lsnMinus(c *Call) (types.Datum, error) {
	d := new(big.Int).SetUint64(c.Args[0].Word())
	d.Sub(d, new(big.Int).SetUint64(c.Args[1].Word()))
	return types.NumericFromBig(d, 0).Datum(), nil
}

func lsnRange() error { return pgerr.New(pgerr.InvalidParameterValue, "pg_lsn out of range") }

// lsnOf rounds a number to a WAL position.
func lsnOf(n types.Numeric) (types.Datum, error) {
	v, ok := new(big.Int).SetString(n.Round(0).String(), 10)
	if !ok || !v.IsUint64() {
		return types.Null, lsnRange()
	}
	return types.Word(v.Uint64()), nil
}

// lsnMove adds a number of bytes to a position, or takes it away.
func lsnMove(verb string, sign int64) Scalar {
	return func(c *Call) (types.Datum, error) {
		n := types.NumericOf(c.Args[1])
		switch {
		case n.IsNaN():
			return types.Null, pgerr.New(pgerr.FeatureNotSupported, "cannot %s pg_lsn", verb)
		case n.IsInf():
			return types.Null, infiniteLSN()
		}
		if sign < 0 {
			n = n.Neg()
		}
		sum, err := types.NumericFromUint(c.Args[0].Word()).Add(n)
		if err != nil {
			return types.Null, err
		}
		return lsnOf(sum)
	}
}

func numericToLSN(c *Call) (types.Datum, error) {
	n := types.NumericOf(c.Args[0])
	switch {
	case n.IsNaN():
		return types.Null, pgerr.New(pgerr.FeatureNotSupported, "cannot convert NaN to pg_lsn")
	case n.IsInf():
		return types.Null, infiniteLSN()
	}
	return lsnOf(n)
}

func infiniteLSN() error {
	return pgerr.New(pgerr.FeatureNotSupported, "cannot convert infinity to pg_lsn")
}

// lsnFamily lists arithmetic of WAL positions.
func lsnFamily() []Entry {
	return []Entry{
		{Name: "pg_lsn_mi", Scalar: lsnMinus}, {Name: "pg_wal_lsn_diff", Scalar: lsnMinus},
		{Name: "pg_lsn_pli", Scalar: lsnMove("add NaN to", 1)}, {Name: "pg_lsn_mii", Scalar: lsnMove("subtract NaN from", -1)},
		{Name: "numeric_pg_lsn", Scalar: numericToLSN},
	}
}
