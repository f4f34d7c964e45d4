package sysviews

import (
	"time"

	"gompho/functions"
	"gompho/session"
	"gompho/types"
)

// setOf makes a set-returning function of one that lists all its rows.
func setOf(f func(s *session.Session, c *functions.Call) ([][]types.Datum, error)) functions.SetFunc {
	return func(c *functions.Call) (functions.RowSource, error) {
		s, err := sessionOf(c)
		if err != nil {
			return nil, err
		}
		list, err := f(s, c)
		return &rows{list: list}, err
	}
}

// scalarOf makes a scalar function that needs the session.
func scalarOf(f func(s *session.Session, args []types.Datum) (types.Datum, error)) functions.Scalar {
	return func(c *functions.Call) (types.Datum, error) {
		s, err := sessionOf(c)
		if err != nil {
			return types.Null, err
		}
		return f(s, c.Args)
	}
}

// epoch is the zero of timestamps.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// timestamp is a timestamptz; NULL for the zero time.
func timestamp(t time.Time) types.Datum {
	if t.IsZero() {
		return types.Null
	}
	return types.Int(t.Sub(epoch).Microseconds())
}

// text is a text; NULL for the empty string.
func text(s string) types.Datum {
	if s == "" {
		return types.Null
	}
	return types.String(s)
}
