package functions

import (
	"gompho/internal/pgerr"
	"gompho/types"
)

// enumArg returns the enum type of the arguments, of which only the type counts.
func enumArg(c *Call) (*types.Type, error) {
	t, err := c.argType(0)
	if err != nil || t.Enum == nil {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "could not determine actual enum type")
	}
	if len(t.Enum.Labels) == 0 {
		return nil, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "enum %s contains no values", types.FormatName(t))
	}
	return t, nil
}

func enumEnd(last bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		t, err := enumArg(c)
		if err != nil {
			return types.Null, err
		}
		if last {
			return types.OidDatum(t.Enum.Labels[len(t.Enum.Labels)-1].Oid), nil
		}
		return types.OidDatum(t.Enum.Labels[0].Oid), nil
	}
}

// enumRange gives the labels of a type, between two bounds that are NULL where there is none.
func enumRange(c *Call) (types.Datum, error) {
	t, err := enumArg(c)
	if err != nil {
		return types.Null, err
	}
	lo, hi := 0, len(t.Enum.Labels)-1
	if len(c.Args) > 1 {
		if !c.null(0) {
			lo = t.Enum.Position(c.Args[0].Oid())
		}
		if !c.null(1) {
			hi = t.Enum.Position(c.Args[1].Oid())
		}
	}
	var vals []types.Datum
	for i := max(lo, 0); i <= hi; i++ {
		vals = append(vals, types.OidDatum(t.Enum.Labels[i].Oid))
	}
	return types.NewArray(t.Oid, vals).Encode(t), nil
}

// enumFamily lists functions over the labels of an enum.
func enumFamily() []Entry {
	return []Entry{
		{Name: "enum_first", Scalar: enumEnd(false)}, {Name: "enum_last", Scalar: enumEnd(true)},
		{Name: "enum_range_all", Scalar: enumRange}, {Name: "enum_range_bounds", Scalar: enumRange},
	}
}
