package catalog

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// builtins is the read-only table of everything that has a fixed Oid, made once from the fact files.
type builtins struct {
	procs     [firstUnpinned]*Proc
	types     [firstUnpinned]*PgType
	operators [firstUnpinned]*PgOperator
	rows      map[cacheKey]any // single rows of the other caches
	lists     map[cacheKey]any
	classes   []*PgOpclass
	relations map[ids.Oid]*Relation // the catalogs, their indexes and toast tables
}

// builtinCaches lists the caches whose built-in rows have an Oid column or are reached by other keys.
var builtinCaches = []cacheID{byAggFn, byAmOid, byAmName, amopByStrategy, amopsByOperator, amopsByFamily, amprocByNum,
	amprocsByFamily, castBySourceTarget, castsBySource, opclassByOid, opclassesByAmName, collByOid, collsByName,
	opersByName, opfamilyByOid, opfamiliesByAmName, procsByName, rangeByType, typeByName, convByOid}

func loadBuiltins() (*builtins, error) {
	b := &builtins{rows: make(map[cacheKey]any, 5000), lists: make(map[cacheKey]any, 5000)}
	defaults := make(map[ids.Oid][]string)
	if err := factRows("proc_defaults", func(c []string) error {
		o, err := factDatum(oidOid, c[0])
		defaults[o.Oid()] = append(defaults[o.Oid()], c[2])
		return err
	}); err != nil {
		return nil, err
	}
	tables := make(map[ids.Oid]bool)
	for _, id := range builtinCaches {
		tables[cacheDefs[id].table] = true
	}
	tables[PgProcOid], tables[PgTypeOid], tables[PgOperatorOid] = true, true, true
	for table := range tables {
		if err := factTable(table, func(vals []types.Datum) error {
			row := newRow(table)
			row.Scan(vals)
			b.add(row, vals, defaults)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return b, b.loadRelations()
}

func (b *builtins) add(row Row, vals []types.Datum, defaults map[ids.Oid][]string) {
	var value any = row
	switch r := row.(type) {
	case *PgProc:
		p := &Proc{PgProc: *r, DefaultSQL: defaults[r.Oid]}
		b.procs[r.Oid], value = p, p
	case *PgType:
		b.types[r.Oid] = r
	case *PgOperator:
		b.operators[r.Oid] = r
	case *PgOpclass:
		b.classes = append(b.classes, r)
	}
	for _, id := range builtinCaches {
		d := &cacheDefs[id]
		if d.table != row.Table() {
			continue
		}
		k := keyOfRow(id, vals)
		if d.list {
			b.lists[k] = appendRow(b.lists[k], value)
		} else {
			b.rows[k] = value
		}
	}
}

// appendRow adds a row to a typed slice held in an interface; a nil slice starts one.
func appendRow(list, row any) any {
	switch r := row.(type) {
	case *Proc:
		return appendTo(list, r)
	case *PgOperator:
		return appendTo(list, r)
	case *PgAmop:
		return appendTo(list, r)
	case *PgAmproc:
		return appendTo(list, r)
	case *PgCast:
		return appendTo(list, r)
	case *PgOpclass:
		return appendTo(list, r)
	case *PgOpfamily:
		return appendTo(list, r)
	case *PgCollation:
		return appendTo(list, r)
	}
	panic("catalog: no list of such rows")
}

func appendTo[T any](list any, r *T) any {
	l, _ := list.([]*T)
	return append(l, r)
}

// lookup answers a question about built-ins; ok tells whether this table knows the row (or, for a list, any).
func (b *builtins) lookup(k *cacheKey) (v any, ok bool) {
	switch k.id {
	case procByOid:
		if k.n[0] < uint32(firstUnpinned) {
			p := b.procs[k.n[0]]
			return p, p != nil
		}
		return nil, false
	case typeByOid:
		if k.n[0] < uint32(firstUnpinned) {
			p := b.types[k.n[0]]
			return p, p != nil
		}
		return nil, false
	case operByOid:
		if k.n[0] < uint32(firstUnpinned) {
			p := b.operators[k.n[0]]
			return p, p != nil
		}
		return nil, false
	}
	if cacheDefs[k.id].list {
		v, ok = b.lists[*k]
	} else {
		v, ok = b.rows[*k]
	}
	return v, ok
}

// factTable calls fn (not for pg_attribute: see allFacts) with the values of each built-in row of a catalog. vals is reused; strings refer to the fact file.
func factTable(table ids.Oid, fn func(vals []types.Datum) error) error {
	desc := descOf(table)
	if desc == nil {
		return pgerr.Internal("no catalog %d", table)
	}
	vals := make([]types.Datum, len(desc.Attrs))
	return factRows(catalogName(table), func(cols []string) error {
		if len(cols) != len(vals) {
			return pgerr.Internal("facts of %s: %d columns, not %d", catalogName(table), len(cols), len(vals))
		}
		for i, c := range cols {
			var err error
			if vals[i], err = factDatum(desc.Attrs[i].Type, c); err != nil {
				return err
			}
		}
		return fn(vals)
	})
}
