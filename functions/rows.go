package functions

import "gompho/types"

// rowList is a RowSource of one column whose values are all there.
type rowList struct {
	vals []types.Datum
	next int
}

func (r *rowList) Next(cols []types.Datum) (bool, error) {
	if r.next >= len(r.vals) {
		return false, nil
	}
	cols[0] = r.vals[r.next]
	r.next++
	return true, nil
}

// Close does nothing.
func (r *rowList) Close() {}

// rowFunc is a RowSource that computes row after row.
type rowFunc func(cols []types.Datum) (bool, error)

func (f rowFunc) Next(cols []types.Datum) (bool, error) { return f(cols) }

// Close does nothing.
func (f rowFunc) Close() {}
