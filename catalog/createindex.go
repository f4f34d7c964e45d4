package catalog

import (
	"fmt"
	"gompho/locks"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

// NewIndex says what index to create.
type NewIndex struct {
	Oid         ids.Oid // 0: a new one
	Name        string
	Namespace   ids.Oid
	Table       ids.Oid
	Am          ids.Oid // 0: btree
	Tablespace  ids.Oid
	Persistence byte
	Owner       ids.Oid
	Keys        []int16 // columns of the table, 0 for an expression; INCLUDEd columns last
	NKeyAtts    int
	Names       []string // of the index's columns
	OpClasses   []ids.Oid
	Collations  []ids.Oid // for each key, 0 for none
	Flags       []int16   // for each key: IndexDesc, IndexNullsFirst
	Exprs       []query.Expr
	Pred        query.Expr
	Options     []string

	Unique, NullsNotDistinct, Primary, Exclusion, Deferrable bool
	// Invalid and NotReady are the first state of an index that is built concurrently.
	Invalid, NotReady bool
	NoStorage         bool
	// Constraint is set when a constraint is going to own the index: no dependencies on the table are recorded then.
	Constraint bool
	File       ids.RelFile
	// Parent is the index of a partitioned table that the new one becomes a partition of.
	Parent ids.Oid
}

// CreateIndexRows makes the rows and the empty files of an index; the caller builds it after the next command boundary.
func (s *Session) CreateIndexRows(n *NewIndex) (ids.Oid, error) {
	table, err := s.Relation(n.Table)
	if err != nil {
		return 0, err
	}
	if table == nil {
		return 0, pgerr.Internal("cache lookup failed for relation %d", n.Table)
	}
	if !n.NotReady {
		if err := s.HoldRelation(n.Table, locks.Share); err != nil {
			return 0, err
		}
	}
	cols, err := s.indexColumns(table, n)
	if err != nil {
		return 0, err
	}
	kind := byte('i')
	if table.Kind == 'p' {
		kind = 'I'
	}
	am := n.Am
	if am == 0 {
		am = BtreeAm
	}
	oid, err := s.CreateRelation(&NewRelation{Oid: n.Oid, Name: n.Name, Namespace: n.Namespace, Owner: n.Owner, Kind: kind,
		Persistence: n.Persistence, Tablespace: n.Tablespace, Am: am, Columns: cols, Options: n.Options, NoType: true,
		NoStorage: n.NoStorage, File: n.File, Shared: table.Shared, IsPartition: n.Parent != 0})
	if err != nil {
		return 0, err
	}
	if err := s.insertIndexRow(n, oid); err != nil {
		return 0, err
	}
	if err := s.recordIndex(n, oid); err != nil {
		return 0, err
	}
	if n.Parent != 0 {
		if err := s.linkIndex(oid, n.Table, n.Parent); err != nil {
			return 0, err
		}
	}
	return oid, s.noteHasIndex(n.Table, n.Primary)
}

// indexColumns makes the columns of the index's own row description.
func (s *Session) indexColumns(table *Relation, n *NewIndex) ([]NewColumn, error) {
	cols := make([]NewColumn, len(n.Keys))
	nexpr := 0
	for i, key := range n.Keys {
		var typ ids.Oid
		typmod := int32(-1)
		if key == 0 {
			typ, typmod = n.Exprs[nexpr].Type(), n.Exprs[nexpr].Typmod()
			nexpr++
		} else if key > 0 {
			a := &table.Desc.Attrs[key-1]
			typ, typmod = a.Type, a.Typmod
		} else {
			_, typ = SystemAttrName(key)
		}
		if i < n.NKeyAtts {
			oc, err := s.OpClass(n.OpClasses[i])
			if err != nil {
				return nil, err
			}
			if oc == nil {
				return nil, pgerr.Internal("cache lookup failed for opclass %d", n.OpClasses[i])
			}
			if oc.Opckeytype != 0 && oc.Opckeytype != typ {
				if typ, err = s.keyType(oc.Opckeytype, typ); err != nil {
					return nil, err
				}
				typmod = -1
			}
		}
		t, err := s.TypeRow(typ)
		if err != nil {
			return nil, err
		}
		if t == nil {
			return nil, pgerr.Internal("cache lookup failed for type %d", typ)
		}
		cols[i].Attr = types.Attr{Name: n.Names[i], Type: typ, Typmod: typmod, Len: t.Typlen, ByVal: t.Typbyval, Align: t.Typalign,
			Storage: t.Typstorage}
		if i < len(n.Collations) {
			cols[i].Collation = n.Collations[i]
		}
	}
	return cols, nil
}

// keyType resolves the polymorphic key types of operator classes.
func (s *Session) keyType(key, col ids.Oid) (ids.Oid, error) {
	if key != anyElementOid {
		return key, nil
	}
	base, err := s.BaseType(col)
	if err != nil {
		return 0, err
	}
	t, err := s.TypeRow(base)
	if t == nil || err != nil {
		return 0, err
	}
	return t.Typelem, nil
}

func (s *Session) insertIndexRow(n *NewIndex, oid ids.Oid) error {
	colls := make([]ids.Oid, n.NKeyAtts)
	copy(colls, n.Collations)
	flags := make([]int16, n.NKeyAtts)
	copy(flags, n.Flags)
	x := &PgIndex{Indexrelid: oid, Indrelid: n.Table, Indnatts: int16(len(n.Keys)), Indnkeyatts: int16(n.NKeyAtts),
		Indisunique: n.Unique, Indnullsnotdistinct: n.NullsNotDistinct, Indisprimary: n.Primary,
		Indisexclusion: n.Exclusion, Indimmediate: !n.Deferrable, Indisvalid: !n.Invalid, Indisready: !n.NotReady,
		Indislive: true, Indkey: n.Keys, Indcollation: colls, Indclass: n.OpClasses[:n.NKeyAtts], Indoption: flags}
	if len(n.Exprs) > 0 {
		x.Indexprs = Str(query.Encode(query.NewList(n.Exprs)))
	}
	if n.Pred != nil {
		x.Indpred = Str(query.Encode(n.Pred))
	}
	return s.Insert(x)
}

// recordIndex stores what an index depends on: columns of its table, collations, operator classes, expressions.
func (s *Session) recordIndex(n *NewIndex, oid ids.Oid) error {
	me := RelationObject(oid)
	var refs []Object
	if !n.Constraint {
		for _, k := range n.Keys {
			if k != 0 {
				refs = append(refs, ColumnObject(n.Table, k))
			}
		}
		if len(refs) == 0 {
			refs = append(refs, RelationObject(n.Table))
		}
		if err := s.RecordDependencies(me, refs, DepAuto); err != nil {
			return err
		}
	}
	refs = refs[:0]
	for i := range n.NKeyAtts {
		if i < len(n.Collations) && n.Collations[i] != 0 && n.Collations[i] != DefaultCollation {
			refs = append(refs, Object{Class: PgCollationOid, Oid: n.Collations[i]})
		}
		refs = append(refs, Object{Class: PgOpclassOid, Oid: n.OpClasses[i]})
	}
	if err := s.RecordDependencies(me, refs, DepNormal); err != nil {
		return err
	}
	if len(n.Exprs) > 0 {
		if err := s.RecordExprDependencies(me, query.NewList(n.Exprs), n.Table, DepNormal, DepAuto); err != nil {
			return err
		}
	}
	if n.Pred != nil {
		return s.RecordExprDependencies(me, n.Pred, n.Table, DepNormal, DepAuto)
	}
	return nil
}

// noteHasIndex sets pg_class.relhasindex, in place: several sessions may make indexes of one table at the same time.
func (s *Session) noteHasIndex(table ids.Oid, primary bool) error {
	s.InvalidateRelation(table)
	return s.ChangeClassInPlace(table, func(c *PgClass) bool {
		had := c.Relhasindex
		c.Relhasindex = true
		return !had
	})
}

// CreateToastTable gives a table a toast table when it has none and a row of it could become too wide for a page. With force it
// is made anyway. The next command boundary makes it visible.
func (s *Session) CreateToastTable(rel ids.Oid, force bool) error {
	r, err := s.Relation(rel)
	if r == nil || err != nil {
		return err
	}
	if r.Toast != 0 || !force && !needsToast(r.Desc) || r.Kind != 'r' && r.Kind != 'm' {
		return nil
	}
	namespace := ids.PgToastNamespace
	if r.IsTemp() {
		if namespace, err = s.tempToastNamespace(); err != nil {
			return err
		}
	}
	plain := func(name string, typ ids.Oid) NewColumn {
		f := catalogs().types[typ]
		return NewColumn{Attr: types.Attr{Name: name, Type: typ, Typmod: -1, Len: f.len, ByVal: f.byVal, Align: f.align, Storage: 'p'}}
	}
	name := fmt.Sprintf("pg_toast_%d", rel)
	toast, err := s.CreateRelation(&NewRelation{Name: name, Namespace: namespace, Owner: r.Owner, Kind: 't',
		Persistence: r.Persistence, Tablespace: r.Tablespace, NoType: true, Shared: r.Shared, SystemOK: true,
		Columns: []NewColumn{plain("chunk_id", oidOid), plain("chunk_seq", int4Oid), plain("chunk_data", byteaOid)}})
	if err != nil {
		return err
	}
	if err := s.IncrementCommand(); err != nil {
		return err
	}
	if err := s.createToastIndex(r, toast, name, namespace); err != nil {
		return err
	}
	c, err := s.ClassRow(rel)
	if err != nil {
		return err
	}
	c.Reltoastrelid = toast
	if err := s.Update(c); err != nil {
		return err
	}
	return s.RecordDependency(RelationObject(toast), RelationObject(rel), DepInternal)
}

const (
	oidBtreeOps  ids.Oid = 1981
	int4BtreeOps ids.Oid = 1978
)

func (s *Session) createToastIndex(r *Relation, toast ids.Oid, name string, namespace ids.Oid) error {
	_, err := s.CreateIndexRows(&NewIndex{Name: name + "_index", Namespace: namespace, Table: toast, Owner: r.Owner,
		Tablespace: r.Tablespace, Persistence: r.Persistence, Keys: []int16{1, 2}, NKeyAtts: 2,
		Names: []string{"chunk_id", "chunk_seq"}, OpClasses: []ids.Oid{oidBtreeOps, int4BtreeOps},
		Unique: true, Primary: true})
	return err
}

// needsToast reports whether rows of a description can be wider than a quarter of a page and have a column that can be moved out.
func needsToast(d *types.Desc) bool {
	const threshold = 2032
	size, unlimited, toastable := 0, false, false
	for i := range d.Attrs {
		a := &d.Attrs[i]
		if a.Dropped {
			continue
		}
		if a.Len > 0 {
			size += int(a.Len) + 7
			continue
		}
		if a.Storage != 'p' {
			toastable = true
		}
		switch {
		case (a.Type == 1043 || a.Type == 1042) && a.Typmod >= 4:
			size += (int(a.Typmod)-4)*4 + 4
		case a.Type == 1700 && a.Typmod >= 4:
			size += int(a.Typmod-4)>>16/2 + 16
		default:
			unlimited = true
		}
	}
	return toastable && (unlimited || 32+len(d.Attrs)/8+size > threshold)
}
