package catfuncs

import (
	"strings"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/partition"
	"gompho/types"
)

// propertyFunctions answer what indexes and access methods can do. All but btree are listed for completeness.
func propertyFunctions() []functions.Entry {
	amProps := map[string]func(am ids.Oid) bool{
		"can_order":     func(am ids.Oid) bool { return am == catalog.BtreeAm },
		"can_unique":    func(am ids.Oid) bool { return am == catalog.BtreeAm },
		"can_multi_col": func(am ids.Oid) bool { return am != catalog.HashAm && am != spgistAm },
		"can_exclude":   func(am ids.Oid) bool { return am != ginAm && am != brinAm },
		"can_include":   func(am ids.Oid) bool { return am == catalog.BtreeAm || am == gistAm || am == spgistAm },
	}
	indexProps := map[string]func(am ids.Oid) bool{
		"clusterable":   func(am ids.Oid) bool { return am == catalog.BtreeAm || am == gistAm },
		"index_scan":    func(am ids.Oid) bool { return am != ginAm && am != brinAm },
		"bitmap_scan":   func(ids.Oid) bool { return true },
		"backward_scan": func(am ids.Oid) bool { return am == catalog.BtreeAm || am == catalog.HashAm },
	}
	return []functions.Entry{
		entry("pg_indexam_has_property", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			am, err := s.Am(oid(c, 0))
			f := amProps[strings.ToLower(str(c, 1))]
			if am == nil || err != nil || f == nil || am.Amtype != 'i' {
				return null(err)
			}
			return types.Bool(f(am.Oid)), nil
		}),
		entry("pg_index_has_property", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			r, err := s.Relation(oid(c, 0))
			f := indexProps[strings.ToLower(str(c, 1))]
			if r == nil || err != nil || f == nil || r.Index == nil {
				return null(err)
			}
			return types.Bool(f(r.Am)), nil
		}),
		entry("pg_index_column_has_property", indexColumnProperty),
	}
}

const (
	gistAm   ids.Oid = 783
	ginAm    ids.Oid = 2742
	brinAm   ids.Oid = 3580
	spgistAm ids.Oid = 4000
)

func indexColumnProperty(s *catalog.Session, c *functions.Call) (types.Datum, error) {
	r, err := s.Relation(oid(c, 0))
	if r == nil || err != nil || r.Index == nil {
		return null(err)
	}
	ix, att := r.Index, int(c.Args[1].Int())
	if att < 1 || att > len(ix.Keys) {
		return types.Null, nil
	}
	key, ordered := att <= ix.NKeyAtts, ix.Am == catalog.BtreeAm
	var flags int16
	if key {
		flags = ix.Flags[att-1]
	}
	var v bool
	switch strings.ToLower(str(c, 2)) {
	case "asc":
		v = ordered && flags&catalog.IndexDesc == 0
	case "desc":
		v = ordered && flags&catalog.IndexDesc != 0
	case "nulls_first":
		v = ordered && flags&catalog.IndexNullsFirst != 0
	case "nulls_last":
		v = ordered && flags&catalog.IndexNullsFirst == 0
	case "orderable":
		return types.Bool(key && ordered), nil
	case "distance_orderable":
		return types.Bool(false), nil
	case "returnable":
		return types.Bool(ordered), nil
	case "search_array", "search_nulls":
		v = ordered
	default:
		return types.Null, nil
	}
	if !key {
		return types.Null, nil
	}
	return types.Bool(v), nil
}

func relationFunctions() []functions.Entry {
	return []functions.Entry{
		entry("pg_relation_is_updatable", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			r, err := s.Relation(oid(c, 0))
			if err != nil {
				return null(err)
			}
			events := int64(0)
			if r != nil {
				switch r.Kind {
				case 'r', 'p':
					events = 4 | 8 | 16
				case 'v':
					ok, err := simpleView(r)
					if err != nil {
						return null(err)
					}
					if ok {
						events = 4 | 8 | 16
					}
				}
			}
			return types.Int(events), nil
		}),
		entry("pg_column_is_updatable", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			r, err := s.Relation(oid(c, 0))
			if r == nil || err != nil {
				return types.Bool(false), err
			}
			ok := r.Kind == 'r' || r.Kind == 'p'
			if r.Kind == 'v' {
				ok, err = simpleView(r)
			}
			return types.Bool(ok && c.Args[1].Int() > 0), err
		}),
		entry("pg_relation_is_publishable", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			r, err := s.Relation(oid(c, 0))
			if r == nil || err != nil {
				return null(err)
			}
			return types.Bool((r.Kind == 'r' || r.Kind == 'p') && r.Persistence == 'p' && r.Oid >= ids.FirstNormalOid), nil
		}),
		entry("pg_sequence_parameters", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			q, err := s.Sequence(oid(c, 0))
			if err != nil {
				return null(err)
			}
			if q == nil {
				return null(pgerr.Internal("cache lookup failed for sequence %d", oid(c, 0)))
			}
			i8, b, o := types.Builtin(types.Int8Oid), types.Builtin(types.BoolOid), types.Builtin(types.OidOid)
			desc := []types.Attr{i8.Attr("start_value", -1), i8.Attr("minimum_value", -1), i8.Attr("maximum_value", -1),
				i8.Attr("increment", -1), b.Attr("cycle_option", -1), i8.Attr("cache_size", -1), o.Attr("data_type", -1)}
			return record(desc, []types.Datum{types.Int(q.Seqstart), types.Int(q.Seqmin), types.Int(q.Seqmax), types.Int(q.Seqincrement),
				types.Bool(q.Seqcycle), types.Int(q.Seqcache), types.OidDatum(q.Seqtypid)}), nil
		}),
		entry("satisfies_hash_partition", satisfiesHash),
		entry("pg_partition_root", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			r, err := s.Relation(oid(c, 0))
			if r == nil || err != nil || r.Kind != 'p' && r.Kind != 'I' && !r.IsPartition {
				return null(err)
			}
			for r.IsPartition {
				parents, err := s.Parents(r.Oid)
				if len(parents) == 0 || err != nil {
					return null(err)
				}
				if r, err = s.Relation(parents[0].Inhparent); r == nil || err != nil {
					return null(err)
				}
			}
			return types.OidDatum(r.Oid), nil
		}),
	}
}

// simpleView reports whether a view can be written through: one relation, no grouping, no limits.
func simpleView(r *catalog.Relation) (bool, error) {
	q, err := r.ViewQuery()
	if q == nil || err != nil {
		return false, err
	}
	return len(q.RTable) == 1 && q.RTable[0].Relid != 0 && !q.HasAggs && !q.HasWindowFuncs && !q.HasTargetSRFs && len(q.CTEList) == 0 &&
		len(q.GroupClause) == 0 && len(q.GroupingSets) == 0 && q.HavingQual == nil && len(q.DistinctClause) == 0 &&
		q.LimitCount == nil && q.LimitOffset == nil && q.SetOperations == nil, nil
}

// satisfiesHash reports whether a key belongs to a partition of a hash-partitioned table.
func satisfiesHash(s *catalog.Session, c *functions.Call) (types.Datum, error) {
	if c.Args[0].IsNull() || c.Args[1].IsNull() || c.Args[2].IsNull() {
		return types.Bool(false), nil
	}
	modulus, remainder := c.Args[1].Int(), c.Args[2].Int()
	bad := func(format string, args ...any) (types.Datum, error) {
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, format, args...)
	}
	switch {
	case modulus <= 0:
		return bad("modulus for hash partition must be an integer value greater than zero")
	case remainder < 0:
		return bad("remainder for hash partition must be an integer value greater than or equal to zero")
	case remainder >= modulus:
		return bad("remainder for hash partition must be less than modulus")
	}
	r, err := s.Relation(oid(c, 0))
	if err != nil {
		return types.Null, err
	}
	if r == nil {
		return types.Null, pgerr.Internal("could not open relation with OID %d", oid(c, 0))
	}
	k := r.PartKey
	if k == nil || k.Strategy != partition.Hash {
		return bad("%q is not a hash partitioned table", r.Name)
	}
	vals, typs, err := c.Spread(3)
	if err != nil {
		return types.Null, err
	}
	if len(vals) != k.Cols() {
		return bad("number of partitioning columns (%d) does not match number of partition keys provided (%d)", k.Cols(), len(vals))
	}
	for i, t := range typs {
		if t != nil && t.Oid != k.Types[i] {
			if ok, err := s.BinaryCoercible(t.Oid, k.Types[i]); err != nil || !ok {
				return bad("column %d of the partition key has type %s, but supplied value is of type %s", i+1, s.TypeName(k.Types[i]), s.TypeName(t.Oid))
			}
		}
	}
	return types.Bool(k.HashRow(vals)%uint64(modulus) == uint64(remainder)), nil
}
