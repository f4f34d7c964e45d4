package functions

import (
	"gompho/internal/ids"
	"gompho/types"
)

// AggCall is one aggregate or window function in a query.
type AggCall struct {
	Env       Env
	ArgTypes  []*types.Type // of the aggregated arguments, without direct ones
	RetType   *types.Type
	Collation ids.Oid
	// Direct are the direct arguments of an ordered-set aggregate.
	Direct []types.Datum
	// DirectTypes are their types.
	DirectTypes []*types.Type
	// Order describes the sort keys of WITHIN GROUP of an ordered-set aggregate, one for each aggregated argument.
	Order []OrderKey
}

// OrderKey is one sort key of an ordered-set aggregate.
type OrderKey struct {
	Desc, NullsFirst bool
	Compare          func(a, b types.Datum) int
}

// Accumulator is the state of one aggregate over one group.
type Accumulator interface {
	// Add takes one row; it handles NULL itself and copies what it keeps.
	Add(args []types.Datum) error
	// AddVector takes rows of a single argument: those in sel, or 0..n-1 when sel is nil.
	AddVector(v *types.Vector, sel []int32, n int) error
	// Merge adds what other, of the same aggregate, has accumulated; it follows in order what is here.
	Merge(other Accumulator) error
	// Result returns the value so far; it may be called more than once, and owns its memory.
	Result() (types.Datum, error)
	// Reset makes the state that of no rows.
	Reset()
	// Size returns the bytes of memory held, roughly.
	Size() int
}

// Remover is an Accumulator that can take rows away again, for moving window frames. False means it cannot for
// this row: the caller starts anew.
type Remover interface {
	Remove(args []types.Datum) (bool, error)
}

// Aggregate is an aggregate function.
type Aggregate struct {
	New func(c *AggCall) (Accumulator, error)
	// Ordered marks an ordered-set aggregate: AggCall.Order is needed; rows may come in any order, since the
	// accumulator sorts them itself.
	Ordered bool
	// OrderMatters tells that the result depends on the order of rows (array_agg, string_agg).
	OrderMatters bool
	// Star is the aggregate over rows, without argument: AddVector gets a nil vector.
	Star bool
	// NoMerge tells that Merge is not there: no parallel aggregation.
	NoMerge bool
	// DistinctMatters is false for min, max, bool_and and the like, for which DISTINCT changes nothing.
	DistinctMatters bool
}

// Window is a window function that is not an aggregate.
type Window struct {
	New func(c *AggCall) (WindowEval, error)
}

// WindowEval computes a window function over the rows of one partition after the other.
type WindowEval interface {
	// Begin starts a partition.
	Begin(p Partition) error
	// Eval returns the value for a row; it is called for the rows 0, 1, 2... in order.
	Eval(row int) (types.Datum, error)
}

// Partition is what a window function sees of its partition. Rows count from 0 in the window's order.
type Partition interface {
	// Rows returns the number of rows.
	Rows() int
	// Peers reports whether two rows are equal in the window's order.
	Peers(i, j int) bool
	// Arg returns argument arg evaluated at a row.
	Arg(arg, row int) (types.Datum, error)
	// Frame returns the current row's frame as [start, end); rows excluded by EXCLUDE are inside.
	Frame() (start, end int, err error)
	// Excluded reports whether a row of the frame is taken out by EXCLUDE.
	Excluded(row int) bool
}
