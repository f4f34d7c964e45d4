package executor

import (
	"math"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/query"
	"gompho/types"
)

// fastKind names aggregates whose state over many groups is a few columns of words.
type fastKind uint8

const (
	fastNone fastKind = iota
	fastCountStar
	fastCount
	fastSumInt   // of int2 and int4, giving bigint
	fastSumFloat // of float8
	fastMinInt
	fastMaxInt
	fastMinFloat
	fastMaxFloat
)

// fastFor recognizes built-in aggregates.
func fastFor(p *catalog.Proc, q *query.Aggref) fastKind {
	if p.Oid >= ids.FirstNormalOid || p.Pronamespace != ids.PgCatalogNamespace {
		return fastNone
	}
	arg := ids.Oid(0)
	if len(p.Proargtypes) == 1 {
		arg = p.Proargtypes[0]
	}
	ints := arg == int2Oid || arg == int4Oid
	words := ints || arg == int8Oid || arg == dateOid || arg == timestampOid || arg == timestamptzOid
	switch {
	case p.Proname == "count" && len(p.Proargtypes) == 0:
		return fastCountStar
	case p.Proname == "count":
		return fastCount
	case p.Proname == "sum" && ints:
		return fastSumInt
	case p.Proname == "sum" && arg == float8Oid:
		return fastSumFloat
	case p.Proname == "min" && words:
		return fastMinInt
	case p.Proname == "max" && words:
		return fastMaxInt
	case p.Proname == "min" && arg == float8Oid:
		return fastMinFloat
	case p.Proname == "max" && arg == float8Oid:
		return fastMaxFloat
	}
	return fastNone
}

// fastAgg is the state of a fast aggregate over all groups of a table.
type fastAgg struct {
	kind fastKind
	w    []uint64 // value of each group
	n    []int64  // rows of each group that are not NULL; of count the result
}

func (a *fastAgg) addGroup() {
	a.n = append(a.n, 0)
	if a.kind > fastCount {
		a.w = append(a.w, 0)
	}
}

func (a *fastAgg) reset() { a.w, a.n = a.w[:0], a.n[:0] }

// noGroup marks rows that are left for later.
const noGroup = ^uint32(0)

// add accumulates the rows sel of v; gids are the groups of the rows by position.
func (a *fastAgg) add(v *types.Vector, sel []int32, n int, gids []uint32) error {
	switch a.kind {
	case fastCountStar:
		if sel == nil {
			for _, g := range gids[:n] {
				if g != noGroup {
					a.n[g]++
				}
			}
			return nil
		}
		for _, i := range sel {
			if g := gids[i]; g != noGroup {
				a.n[g]++
			}
		}
		return nil
	case fastSumInt:
		if sel == nil && !v.HasNulls {
			return a.sumAll(v.W[:n], gids[:n])
		}
	}
	var err error
	each(sel, n, func(i int) {
		if g := gids[i]; g != noGroup && !v.IsNull(i) {
			if !a.one(g, v, i) {
				err = outOfRange(64)
			}
		}
	})
	if err == nil && a.kind == fastSumFloat {
		return nil
	}
	return err
}

func (a *fastAgg) sumAll(w []uint64, gids []uint32) error {
	for i, x := range w {
		g := gids[i]
		if g == noGroup {
			continue
		}
		s := a.w[g] + x
		if int64((s^a.w[g])&(s^x)) < 0 {
			return outOfRange(64)
		}
		a.w[g] = s
		a.n[g]++
	}
	return nil
}

// one adds a value that is not NULL; false when the sum overflows.
func (a *fastAgg) one(g uint32, v *types.Vector, i int) bool {
	if a.kind == fastCount {
		a.n[g]++
		return true
	}
	x := v.W[i]
	first := a.n[g] == 0
	a.n[g]++
	switch a.kind {
	case fastSumInt:
		s := a.w[g] + x
		if int64((s^a.w[g])&(s^x)) < 0 {
			return false
		}
		a.w[g] = s
	case fastSumFloat:
		a.w[g] = math.Float64bits(math.Float64frombits(a.w[g]) + math.Float64frombits(x))
	case fastMinInt:
		if first || int64(x) < int64(a.w[g]) {
			a.w[g] = x
		}
	case fastMaxInt:
		if first || int64(x) > int64(a.w[g]) {
			a.w[g] = x
		}
	case fastMinFloat:
		if first || cmpFloat(x, a.w[g]) < 0 {
			a.w[g] = x
		}
	case fastMaxFloat:
		if first || cmpFloat(x, a.w[g]) > 0 {
			a.w[g] = x
		}
	}
	return true
}

// result returns the value of a group.
func (a *fastAgg) result(g int) (types.Datum, error) {
	switch {
	case a.kind <= fastCount:
		return types.Int(a.n[g]), nil
	case a.n[g] == 0:
		return types.Null, nil
	case a.kind == fastSumFloat && math.IsInf(math.Float64frombits(a.w[g]), 0):
		return types.Word(a.w[g]), nil
	}
	return types.Word(a.w[g]), nil
}
