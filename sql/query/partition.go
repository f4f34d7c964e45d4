package query

import "gompho/internal/pgerr"

// RangeKind says what one column of a range bound is.
type RangeKind int8

const (
	RangeMin   RangeKind = -1 // MINVALUE: below every value
	RangeValue RangeKind = 0
	RangeMax   RangeKind = 1 // MAXVALUE: above every value
)

// PartitionBound is FOR VALUES ... or DEFAULT of a partition: what pg_class.relpartbound holds. Strategy is 'l', 'r' or 'h' also
// for the default partition.
type PartitionBound struct {
	Strategy  byte
	IsDefault bool
	Modulus   int32
	Remainder int32
	List      []Expr // Consts; a NULL among them takes the rows with NULL
	Lower     []*RangeDatum
	Upper     []*RangeDatum
}

func (*PartitionBound) isNode() {}

// RangeDatum is one column of a range bound.
type RangeDatum struct {
	Kind  RangeKind
	Value Expr // a Const; nil unless Kind is RangeValue
}

func (*RangeDatum) isNode() {}

// DecodeBound is Decode for a text that must hold a PartitionBound.
func DecodeBound(s string) (*PartitionBound, error) {
	n, err := Decode(s)
	if err != nil {
		return nil, err
	}
	b, ok := n.(*PartitionBound)
	if !ok || b == nil {
		return nil, pgerr.New(pgerr.DataCorrupted, "stored node tree is not a partition bound")
	}
	return b, nil
}
