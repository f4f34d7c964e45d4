package catfuncs

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/types"
)

// infoFunctions are the helpers of information_schema. Each takes a type and a type modifier.
func infoFunctions() []functions.Entry {
	number := func(name string, f func(typ ids.Oid, typmod int32) (int64, bool)) functions.Entry {
		return entry(name, func(_ *catalog.Session, c *functions.Call) (types.Datum, error) {
			n, ok := f(oid(c, 0), int32(c.Args[1].Int()))
			if !ok {
				return types.Null, nil
			}
			return types.Int(n), nil
		})
	}
	return []functions.Entry{
		number("_pg_char_max_length", charMaxLength),
		number("_pg_char_octet_length", func(typ ids.Oid, typmod int32) (int64, bool) {
			switch typ {
			case types.TextOid, types.BPCharOid, types.VarcharOid:
				if typmod == -1 {
					return 1 << 30, true
				}
				n, ok := charMaxLength(typ, typmod)
				return n * 4, ok // a character of UTF-8 has up to 4 bytes
			}
			return 0, false
		}),
		number("_pg_numeric_precision", func(typ ids.Oid, typmod int32) (int64, bool) {
			switch typ {
			case types.Int2Oid:
				return 16, true
			case types.Int4Oid:
				return 32, true
			case types.Int8Oid:
				return 64, true
			case types.Float4Oid:
				return 24, true
			case types.Float8Oid:
				return 53, true
			case types.NumericOid:
				return int64((typmod - 4) >> 16 & 0xffff), typmod != -1
			}
			return 0, false
		}),
		number("_pg_numeric_precision_radix", func(typ ids.Oid, _ int32) (int64, bool) {
			switch typ {
			case types.Int2Oid, types.Int4Oid, types.Int8Oid, types.Float4Oid, types.Float8Oid:
				return 2, true
			case types.NumericOid:
				return 10, true
			}
			return 0, false
		}),
		number("_pg_numeric_scale", func(typ ids.Oid, typmod int32) (int64, bool) {
			switch typ {
			case types.Int2Oid, types.Int4Oid, types.Int8Oid:
				return 0, true
			case types.NumericOid:
				return int64((typmod - 4) & 0xffff), typmod != -1
			}
			return 0, false
		}),
		number("_pg_datetime_precision", func(typ ids.Oid, typmod int32) (int64, bool) {
			switch typ {
			case types.DateOid:
				return 0, true
			case types.TimeOid, types.TimetzOid, types.TimestampOid, types.TimestamptzOid:
				if typmod < 0 {
					return 6, true
				}
				return int64(typmod), true
			case types.IntervalOid:
				if typmod < 0 || typmod&0xffff == 0xffff {
					return 6, true
				}
				return int64(typmod & 0xffff), true
			}
			return 0, false
		}),
		entry("_pg_interval_type", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			if oid(c, 0) != types.IntervalOid {
				return types.Null, nil
			}
			fields := catalog.IntervalFields(int32(c.Args[1].Int()))
			if fields == "" {
				return types.Null, nil
			}
			return text(fields), nil
		}),
		entry("_pg_truetypid", func(_ *catalog.Session, c *functions.Call) (types.Datum, error) {
			return trueType(c, catalog.AttPgAttributeAtttypid, catalog.AttPgTypeTypbasetype), nil
		}),
		entry("_pg_truetypmod", func(_ *catalog.Session, c *functions.Call) (types.Datum, error) {
			return trueType(c, catalog.AttPgAttributeAtttypmod, catalog.AttPgTypeTyptypmod), nil
		}),
		entry("_pg_index_position", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			r, err := s.Relation(oid(c, 0))
			if r == nil || r.Index == nil || err != nil {
				return null(err)
			}
			for i, att := range r.Index.Keys {
				if int64(att) == c.Args[1].Int() && i < r.Index.NKeyAtts {
					return types.Int(int64(i + 1)), nil
				}
			}
			return types.Null, nil
		}),
		set("_pg_expandarray", expandArray),
	}
}

func charMaxLength(typ ids.Oid, typmod int32) (int64, bool) {
	if typmod == -1 {
		return 0, false
	}
	switch typ {
	case types.BPCharOid, types.VarcharOid:
		return int64(typmod) - 4, true
	case types.BitOid, types.VarbitOid:
		return int64(typmod), true
	}
	return 0, false
}

// trueType takes a column of the attribute row, or of the type row when the type is a domain.
func trueType(c *functions.Call, att, dom int) types.Datum {
	t := types.DecodeRecord(c.Args[1])
	if t.Vals[catalog.AttPgTypeTyptype-1].Word() == 'd' {
		return t.Vals[dom-1]
	}
	return types.DecodeRecord(c.Args[0]).Vals[att-1]
}

// expandArray returns the elements of an array with their positions from 1.
func expandArray(_ *catalog.Session, c *functions.Call) ([][]types.Datum, error) {
	t := c.ArgTypes[0]
	if t == nil || t.Underlying().ElemType == nil {
		t = types.Builtin(types.Int2ArrayOid)
	}
	var out [][]types.Datum
	for i, e := range types.DecodeArray(c.Args[0], t.Underlying().ElemType).Elems {
		out = append(out, []types.Datum{e, types.Int(int64(i + 1))})
	}
	return out, nil
}
