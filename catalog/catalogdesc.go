package catalog

import (
	"sync"

	"gompho/internal/ids"
	"gompho/types"
)

// catalogInfo is what must be known of the catalogs before the first of them can be read: names and columns.
type catalogInfo struct {
	names map[ids.Oid]string
	descs map[ids.Oid]*types.Desc // catalogs, their indexes and toast tables
	types map[ids.Oid]typeFact
}

type typeFact struct {
	len            int16
	byVal          bool
	align, storage byte
	array          bool
	collation      ids.Oid
}

// catalogs returns the read-only table, made on first use and shared by all servers of the process.
var catalogs = sync.OnceValue(func() *catalogInfo {
	c, err := loadCatalogInfo()
	if err != nil {
		panic("catalog: damaged facts: " + err.Error())
	}
	return c
})

// builtinFacts returns the table of built-ins, made on first use and shared by all servers of the process.
var builtinFacts = sync.OnceValue(func() *builtins {
	b, err := loadBuiltins()
	if err != nil {
		panic("catalog: damaged facts: " + err.Error())
	}
	return b
})

func descOf(rel ids.Oid) *types.Desc       { return catalogs().descs[rel] }
func catalogName(rel ids.Oid) string       { return catalogs().names[rel] }
func isCatalog(rel ids.Oid) bool           { return newRow(rel) != nil }
func natts(table ids.Oid) int              { return len(descOf(table).Attrs) }
func attType(table ids.Oid, a int) ids.Oid { return descOf(table).Attrs[a-1].Type }

func loadCatalogInfo() (*catalogInfo, error) {
	info := &catalogInfo{names: make(map[ids.Oid]string), descs: make(map[ids.Oid]*types.Desc), types: make(map[ids.Oid]typeFact)}
	// The columns of pg_type and pg_class used here are picked by position: their descriptions are made below.
	err := factRows("pg_type", func(c []string) error {
		var n [3]int64
		for i, s := range []string{c[AttPgTypeOid-1], c[AttPgTypeTyplen-1], c[AttPgTypeTypcollation-1]} {
			d, err := factDatum(int8Oid, s)
			if err != nil {
				return err
			}
			n[i] = d.Int()
		}
		f := typeFact{len: int16(n[1]), byVal: c[AttPgTypeTypbyval-1] == "t", align: c[AttPgTypeTypalign-1][0],
			storage: c[AttPgTypeTypstorage-1][0], array: c[AttPgTypeTypcategory-1] == "A", collation: ids.Oid(n[2])}
		if f.collation != 0 || ids.Oid(n[0]) == cstringOid {
			f.collation = cCollation
		}
		info.types[ids.Oid(n[0])] = f
		return nil
	})
	if err != nil {
		return nil, err
	}
	toast := make(map[ids.Oid]bool)
	rowTypes := make(map[ids.Oid]ids.Oid)
	err = factRows("pg_class", func(c []string) error {
		o, err := factDatum(oidOid, c[AttPgClassOid-1])
		if err != nil {
			return err
		}
		rt, err := factDatum(oidOid, c[AttPgClassReltype-1])
		info.names[o.Oid()] = c[AttPgClassRelname-1]
		toast[o.Oid()] = c[AttPgClassRelkind-1] == "t"
		rowTypes[o.Oid()] = rt.Oid()
		return err
	})
	if err != nil {
		return nil, err
	}
	err = factRows("pg_attribute", func(c []string) error {
		rel, err := factDatum(oidOid, c[0])
		if err != nil {
			return err
		}
		typ, err := factDatum(oidOid, c[2])
		if err != nil {
			return err
		}
		f := info.types[typ.Oid()]
		a := types.Attr{Name: c[1], Type: typ.Oid(), Typmod: -1, Collation: f.collation, Len: f.len, ByVal: f.byVal,
			Align: f.align, Storage: f.storage, NotNull: c[5] == "t"}
		if toast[rel.Oid()] && f.len == -1 {
			a.Storage = 'p'
		}
		d := info.descs[rel.Oid()]
		if d == nil {
			d = &types.Desc{TypeOid: rowTypes[rel.Oid()]}
			info.descs[rel.Oid()] = d
		}
		d.Attrs = append(d.Attrs, a)
		return nil
	})
	return info, err
}

const (
	cstringOid ids.Oid = 2275
	cCollation ids.Oid = 950
	// DefaultCollation is the collation "default".
	DefaultCollation ids.Oid = 100
	// CCollation is the collation "C".
	CCollation = cCollation
)

// sysAttr describes a system column.
type sysAttr struct {
	name string
	num  int16
	typ  ids.Oid
}

var sysAttrs = [...]sysAttr{
	{"ctid", -1, 27}, {"xmin", -2, 28}, {"cmin", -3, 29}, {"xmax", -4, 28}, {"cmax", -5, 29}, {"tableoid", -6, 26},
}

// SystemAttr returns the number and type of a system column; num is 0 when name is none.
func SystemAttr(name string) (num int16, typ ids.Oid) {
	for _, a := range sysAttrs {
		if a.name == name {
			return a.num, a.typ
		}
	}
	return 0, 0
}

// SystemAttrName returns the name and type of the system column with a negative number.
func SystemAttrName(num int16) (name string, typ ids.Oid) {
	if num >= 0 || int(-num) > len(sysAttrs) {
		return "", 0
	}
	a := sysAttrs[-num-1]
	return a.name, a.typ
}

// attributeRow makes the pg_attribute row of a column. num counts from 1.
func attributeRow(rel ids.Oid, num int, a *types.Attr) *PgAttribute {
	r := &PgAttribute{Attrelid: rel, Attname: a.Name, Atttypid: a.Type, Attstattarget: -1, Attlen: a.Len,
		Attnum: int16(num), Attcacheoff: -1, Atttypmod: a.Typmod, Attbyval: a.ByVal, Attalign: a.Align,
		Attstorage: a.Storage, Attcompression: a.Compress, Attnotnull: a.NotNull, Atthasdef: a.HasDef,
		Atthasmissing: a.Missing != nil, Attidentity: a.Identity, Attgenerated: a.Generated, Attisdropped: a.Dropped,
		Attislocal: true, Attcollation: a.Collation, Attmissingval: types.Null}
	if a.Missing != nil {
		r.Attmissingval = *a.Missing
	}
	return r
}

// systemAttributeRows makes the pg_attribute rows of a relation's system columns.
func systemAttributeRows(rel ids.Oid) []*PgAttribute {
	rows := make([]*PgAttribute, 0, len(sysAttrs))
	for _, s := range sysAttrs {
		f := catalogs().types[s.typ]
		a := types.Attr{Name: s.name, Type: s.typ, Typmod: -1, Len: f.len, ByVal: f.byVal, Align: f.align, Storage: 'p', NotNull: true}
		r := attributeRow(rel, int(s.num), &a)
		r.Attstattarget = 0
		rows = append(rows, r)
	}
	return rows
}

// factAttributes calls fn with the pg_attribute rows of all catalogs, their indexes and toast tables.
func factAttributes(fn func(vals []types.Datum) error) error {
	vals := make([]types.Datum, natts(PgAttributeOid))
	put := func(r *PgAttribute) error {
		r.Values(vals)
		return fn(vals)
	}
	for _, rel := range sortedOids(catalogs().descs) {
		r := builtinFacts().relations[rel]
		d := descOf(rel)
		for i := range d.Attrs {
			row := attributeRow(rel, i+1, &d.Attrs[i])
			if catalogs().types[row.Atttypid].array {
				row.Attndims = 1
			}
			if err := put(row); err != nil {
				return err
			}
		}
		if r.Kind == 'i' {
			continue
		}
		for _, row := range systemAttributeRows(rel) {
			if err := put(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// allFacts is factTable for every catalog, pg_attribute included.
func allFacts(table ids.Oid, fn func(vals []types.Datum) error) error {
	if table == PgAttributeOid {
		return factAttributes(fn)
	}
	return factTable(table, fn)
}
