package catalog

import (
	"fmt"
	"slices"
	"strings"

	"gompho/internal/ids"
	"gompho/types"
)

// foreignKey says that columns of a catalog refer to rows of another: not enforced, but true of a sound cluster.
type foreignKey struct {
	from, to         ids.Oid
	fromCols, toCols []int // from 1
	array, optional  bool  // the last column is an array of references; 0 stands for none
}

// foreignKeys reads the facts about references between catalogs.
func foreignKeys() (out []foreignKey, err error) {
	oids := map[string]ids.Oid{}
	for o, name := range catalogs().names {
		oids[name] = o
	}
	err = factRows("foreign_keys", func(c []string) error {
		k := foreignKey{from: oids[c[0]], to: oids[c[2]], array: c[4] == "t", optional: c[5] == "t"}
		for _, side := range []struct {
			table ids.Oid
			names string
			cols  *[]int
		}{{k.from, c[1], &k.fromCols}, {k.to, c[3], &k.toCols}} {
			d := descOf(side.table)
			if d == nil {
				return fmt.Errorf("foreign key of unknown catalogs %s, %s", c[0], c[2])
			}
			for _, name := range strings.Split(side.names, ",") {
				i := slices.IndexFunc(d.Attrs, func(a types.Attr) bool { return a.Name == name })
				if i < 0 {
					return fmt.Errorf("foreign key of unknown column %s", name)
				}
				*side.cols = append(*side.cols, i+1)
			}
		}
		out = append(out, k)
		return nil
	})
	return out, err
}

// rowKey is what a reference names: an Oid, or a relation's Oid and a column number.
type rowKey struct {
	table   ids.Oid
	oid     ids.Oid
	att     int16
	columns bool // att counts
}

// verifier holds what Verify knows of the catalogs.
type verifier struct {
	s       *Session
	bad     func(catalog, text string)
	keys    []foreignKey
	there   map[rowKey]bool
	scanned map[ids.Oid]bool // catalogs whose rows are in there
}

// Verify looks for rows of the catalogs that refer to what is not there, and for descriptions of relations that do not fit together, and calls bad
// for each. Errors are those of reading. The shared catalogs are looked at only if asked to.
func (s *Session) Verify(shared bool, bad func(catalog, text string)) error {
	keys, err := foreignKeys()
	if err != nil {
		return err
	}
	v := &verifier{s: s, bad: bad, keys: keys, there: map[rowKey]bool{}, scanned: map[ids.Oid]bool{}}
	for o := range catalogs().names {
		if err := v.collect(o); err != nil {
			return err
		}
	}
	for o := range catalogs().names {
		if IsSharedCatalog(o) && !shared {
			continue
		}
		if err := v.references(o); err != nil {
			return err
		}
	}
	if err := v.depend(); err != nil {
		return err
	}
	return v.relations()
}

// collect notes the rows of a catalog under the keys that references use.
func (v *verifier) collect(table ids.Oid) error {
	d := descOf(table)
	if d == nil || len(d.Attrs) == 0 || !v.isTable(table) {
		return nil
	}
	hasOid := d.Attrs[0].Name == "oid"
	if !hasOid && table != PgAttributeOid {
		return nil
	}
	v.scanned[table] = true
	return v.s.store.scan(table, 0, nil, func(_ ids.TID, vals []types.Datum) (bool, error) {
		if hasOid {
			v.there[rowKey{table: table, oid: vals[0].Oid()}] = true
		} else {
			v.there[rowKey{table, vals[AttPgAttributeAttrelid-1].Oid(), int16(vals[AttPgAttributeAttnum-1].Int()), true}] = true
		}
		return true, nil
	})
}

func (v *verifier) isTable(o ids.Oid) bool {
	r, err := v.s.Relation(o)
	return err == nil && r != nil && r.Kind == 'r'
}

// references checks the foreign keys of a catalog.
func (v *verifier) references(table ids.Oid) error {
	var keys []foreignKey
	for _, k := range v.keys {
		if k.from == table && (v.scanned[k.to]) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 || !v.isTable(table) {
		return nil
	}
	return v.s.store.scan(table, 0, nil, func(tid ids.TID, vals []types.Datum) (bool, error) {
		for i := range keys {
			v.reference(&keys[i], tid, vals)
		}
		return true, nil
	})
}

func (v *verifier) reference(k *foreignKey, tid ids.TID, vals []types.Datum) {
	last := vals[k.fromCols[len(k.fromCols)-1]-1]
	if last.IsNull() {
		return
	}
	if len(k.fromCols) == 1 {
		oids := []ids.Oid{0}
		if k.array {
			oids = getOids(last)
		} else {
			oids[0] = last.Oid()
		}
		for _, o := range oids {
			if o == 0 && k.optional || v.there[rowKey{table: k.to, oid: o}] {
				continue
			}
			v.bad(catalogName(k.from), fmt.Sprintf("row %v, %s: %s %d is not there", tid, v.column(k), catalogName(k.to), o))
		}
		return
	}
	rel := vals[k.fromCols[0]-1].Oid()
	if rel == 0 {
		return
	}
	atts := []int16{0}
	if k.array {
		atts = getInt2s(last)
	} else {
		atts[0] = int16(last.Int())
	}
	for _, a := range atts {
		if a == 0 && k.optional || v.there[rowKey{k.to, rel, a, true}] {
			continue
		}
		v.bad(catalogName(k.from), fmt.Sprintf("row %v, %s: column %d of relation %d is not there", tid, v.column(k), a, rel))
	}
}

func (v *verifier) column(k *foreignKey) string {
	return descOf(k.from).Attrs[k.fromCols[len(k.fromCols)-1]-1].Name
}

// depend checks both ends of the dependencies of this database.
func (v *verifier) depend() error {
	return Each(v.s, 0, func(d *PgDepend) (bool, error) {
		v.object("dependent", d.Classid, d.Objid, d.Objsubid, d)
		v.object("referenced", d.Refclassid, d.Refobjid, d.Refobjsubid, d)
		return true, nil
	})
}

func (v *verifier) object(what string, class, oid ids.Oid, sub int32, d *PgDepend) {
	switch {
	case !v.scanned[class]:
		v.bad("pg_depend", fmt.Sprintf("row %v: class %d of the %s object is no catalog of objects", d.TID(), class, what))
	case !v.there[rowKey{table: class, oid: oid}]:
		v.bad("pg_depend", fmt.Sprintf("row %v: the %s object, %s %d, is not there", d.TID(), what, catalogName(class), oid))
	case sub != 0 && class == PgClassOid && !v.there[rowKey{PgAttributeOid, oid, int16(sub), true}]:
		v.bad("pg_depend", fmt.Sprintf("row %v: the %s object, column %d of relation %d, is not there", d.TID(), what, sub, oid))
	}
}

// relations checks that the parts of each relation's description fit together.
func (v *verifier) relations() error {
	classes, err := FetchAll[PgClass](v.s, 0)
	if err != nil {
		return err
	}
	indexes, err := FetchAll[PgIndex](v.s, 0)
	if err != nil {
		return err
	}
	indexed := map[ids.Oid]*PgIndex{}
	for _, x := range indexes {
		indexed[x.Indexrelid] = x
	}
	sequences := map[ids.Oid]bool{}
	if err := Each(v.s, 0, func(q *PgSequence) (bool, error) { sequences[q.Seqrelid] = true; return true, nil }); err != nil {
		return err
	}
	for _, c := range classes {
		v.class(c, indexed[c.Oid], sequences[c.Oid])
	}
	return nil
}

func (v *verifier) class(c *PgClass, x *PgIndex, seq bool) {
	bad := func(format string, args ...any) {
		v.bad("pg_class", fmt.Sprintf("relation %d (%s): %s", c.Oid, c.Relname, fmt.Sprintf(format, args...)))
	}
	for a := int16(1); a <= c.Relnatts; a++ {
		if !v.there[rowKey{PgAttributeOid, c.Oid, a, true}] {
			bad("column %d of %d is not in pg_attribute", a, c.Relnatts)
		}
	}
	if v.there[rowKey{PgAttributeOid, c.Oid, c.Relnatts + 1, true}] {
		bad("pg_attribute has more than its %d columns", c.Relnatts)
	}
	isIndex := c.Relkind == 'i' || c.Relkind == 'I'
	switch {
	case isIndex != (x != nil):
		bad("kind %c, row in pg_index: %v", c.Relkind, x != nil)
	case x != nil && x.Indnatts != c.Relnatts:
		bad("%d columns, pg_index says %d", c.Relnatts, x.Indnatts)
	case (c.Relkind == 'S') != seq:
		bad("kind %c, row in pg_sequence: %v", c.Relkind, seq)
	}
}
