package catalog

import (
	"fmt"
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/stats"
	"gompho/types"
)

// Files makes and finds the files of relations. A file that is created in a transaction is unlinked when it aborts.
type Files interface {
	Exists(f ids.RelFile) bool
	// Create makes an empty main fork, and for an unlogged relation the init fork.
	Create(f ids.RelFile, persistence byte) error
}

// NewColumn is a column of a relation to be created.
type NewColumn struct {
	types.Attr
	Ndims      int32
	InhCount   int32
	NotLocal   bool // inherited only
	Acl        []AclItem
	Options    []string
	StatTarget *int32
}

// NewRelation says what relation to create.
type NewRelation struct {
	Oid         ids.Oid // 0: a new one
	Name        string
	Namespace   ids.Oid
	Owner       ids.Oid
	Kind        byte
	Persistence byte
	Tablespace  ids.Oid
	Am          ids.Oid // 0: heap for kinds that have one
	Columns     []NewColumn
	OfType      ids.Oid
	Options     []string
	Acl         []AclItem
	IsPartition bool
	Shared      bool
	// NoType leaves out the row type, as for indexes, sequences and toast tables.
	NoType bool
	// NoStorage leaves out the files although the kind has them (the caller makes them).
	NoStorage bool
	File      ids.RelFile // files to use instead of new ones, when File.Rel is not 0
	SystemOK  bool        // may be in pg_catalog
}

// Access methods of relations.
const (
	HeapAm  ids.Oid = 2
	BtreeAm ids.Oid = 403
	HashAm  ids.Oid = 405
)

const maxColumns = 1600

// CreateRelation makes a relation's rows (pg_class, pg_attribute, its row and array types, dependencies) and files. The relation can
// be used after the next command boundary. Errors: 42P07, 42710 for names in use, 42701, 42P16 for columns.
func (s *Session) CreateRelation(n *NewRelation) (ids.Oid, error) {
	if err := s.checkNewRelation(n); err != nil {
		return 0, err
	}
	if err := s.lockNamespace(n); err != nil {
		return 0, err
	}
	oid := n.Oid
	var err error
	if oid == 0 {
		if oid, err = s.NewObjectOid(PgClassOid); err != nil {
			return 0, err
		}
	}
	if err := s.HoldRelation(oid, locks.AccessExclusive); err != nil {
		return 0, err
	}
	c := s.newClass(n, oid)
	if c.Relacl, err = s.newRelationAcl(n); err != nil {
		return 0, err
	}
	if err := s.newStorage(n, c); err != nil {
		return 0, err
	}
	if !n.NoType && n.Kind != 'i' && n.Kind != 'I' && n.Kind != 'S' && n.Kind != 't' {
		if c.Reltype, err = s.createRowType(n, oid); err != nil {
			return 0, err
		}
	}
	if err := s.Insert(c); err != nil {
		return 0, err
	}
	if err := s.createColumns(n, oid); err != nil {
		return 0, err
	}
	return oid, s.recordRelation(n, c)
}

// lockNamespace keeps the schema of a new relation from being dropped until the transaction ends. What follows its table's namespace
// (indexes, toast tables) needs no lock of its own.
func (s *Session) lockNamespace(n *NewRelation) error {
	if s.locks == nil || n.Kind == 'i' || n.Kind == 'I' || n.Kind == 't' {
		return nil
	}
	before, err := s.Namespace(n.Namespace)
	if before == nil || err != nil {
		return err
	}
	if err := s.locks.Acquire(locks.ObjectTag(s.db, PgNamespaceOid, n.Namespace, 0), locks.AccessShare, locks.Opts{}); err != nil {
		return err
	}
	after, err := s.Namespace(n.Namespace)
	if after == nil && err == nil {
		err = pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", before.Nspname)
	}
	return err
}

// newRelationAcl is the access control list of a new relation: the one that is asked for, or what default privileges say.
func (s *Session) newRelationAcl(n *NewRelation) ([]AclItem, error) {
	if n.Acl != nil {
		return n.Acl, nil
	}
	switch n.Kind {
	case 'r', 'v', 'm', 'p', 'f':
		return s.NewObjectAcl(DefaclRelation, n.Owner, n.Namespace)
	case 'S':
		return s.NewObjectAcl(DefaclSequence, n.Owner, n.Namespace)
	}
	return nil, nil
}

func (s *Session) checkNewRelation(n *NewRelation) error {
	if len(n.Columns) > maxColumns {
		return pgerr.New(pgerr.TooManyColumns, "tables can have at most %d columns", maxColumns)
	}
	seen := make(map[string]bool, len(n.Columns))
	for i := range n.Columns {
		name := n.Columns[i].Name
		if num, _ := SystemAttr(name); num != 0 && n.Kind != 'v' && n.Kind != 'c' && n.Kind != 'i' {
			return pgerr.New(pgerr.DuplicateColumn, "column name %q conflicts with a system column name", name)
		}
		if seen[name] && !n.Columns[i].Dropped {
			return pgerr.New(pgerr.DuplicateColumn, "column %q specified more than once", name)
		}
		seen[name] = true
		if n.Kind != 'i' && n.Kind != 't' {
			if err := s.CheckColumnType(name, n.Columns[i].Type, n.Columns[i].Collation); err != nil {
				return err
			}
		}
	}
	if err := s.CheckRelationName(n.Namespace, n.Name); err != nil {
		return err
	}
	if n.NoType || n.Kind == 'i' || n.Kind == 'S' || n.Kind == 't' {
		return nil
	}
	t, err := s.TypeRowByName(n.Namespace, n.Name)
	if t == nil || err != nil {
		return err
	}
	if moved, err := s.moveArrayType(t); moved || err != nil {
		return err
	}
	return pgerr.New(pgerr.DuplicateObject, "type %q already exists", n.Name).
		WithHint("A relation has an associated type of the same name, so you must use a name that doesn't conflict with any existing type.")
}

// CheckRelationName errors with 42P07 when a schema has a relation of that name.
func (s *Session) CheckRelationName(namespace ids.Oid, name string) error {
	o, err := s.RelationOid(namespace, name)
	if err != nil {
		return err
	}
	if o != 0 {
		return pgerr.New(pgerr.DuplicateTable, "relation %q already exists", name)
	}
	return nil
}

// CheckColumnType errors when a type cannot be a column's.
func (s *Session) CheckColumnType(column string, typ, collation ids.Oid) error {
	t, err := s.TypeRow(typ)
	if err != nil {
		return err
	}
	if t == nil {
		if typ == 0 {
			return nil // a dropped column
		}
		return pgerr.Internal("cache lookup failed for type %d", typ)
	}
	if t.Typtype == 'p' && !(s.boot && typ == anyArrayOid) {
		return pgerr.New(pgerr.InvalidTableDefinition, "column %q has pseudo-type %s", column, s.TypeName(typ))
	}
	if collation == 0 && t.Typcollation != 0 {
		return pgerr.New(pgerr.IndeterminateCollation, "no collation was derived for column %q with collatable type %s", column, s.TypeName(typ)).
			WithHint("Use the COLLATE clause to set the collation explicitly.")
	}
	return nil
}

// frozenIDs returns relfrozenxid and relminmxid of a table that is empty: nothing older can come into it, not even when another one's rows are
// copied that old snapshots still see.
func (s *Session) frozenIDs() (xid, multi uint32) {
	if s.tx == nil || s.boot {
		return uint32(ids.FirstNormalXid), 1
	}
	m := s.tx.Manager()
	return m.NarrowXid(m.OldestXmin(0)), m.NarrowMulti(m.OldestMulti())
}

func (s *Session) newClass(n *NewRelation, oid ids.Oid) *PgClass {
	c := &PgClass{Oid: oid, Relname: n.Name, Relnamespace: n.Namespace, Reloftype: n.OfType, Relowner: n.Owner,
		Relam: n.Am, Reltablespace: n.Tablespace, Reltuples: -1, Relisshared: n.Shared, Relpersistence: n.Persistence,
		Relkind: n.Kind, Relnatts: int16(len(n.Columns)), Relispopulated: true, Relreplident: 'n',
		Relispartition: n.IsPartition, Reloptions: n.Options}
	switch n.Kind {
	case 'r', 'm', 't':
		if c.Relam == 0 {
			c.Relam = HeapAm
		}
		if c.Relfrozenxid, c.Relminmxid = s.frozenIDs(); n.Kind != 't' {
			c.Relreplident = 'd'
		}
	case 'p':
		c.Relreplident = 'd'
	case 'i', 'I':
		if c.Relam == 0 {
			c.Relam = BtreeAm
		}
		if c.Reltuples = 0; n.Kind == 'i' {
			c.Relpages = 1 // what PostgreSQL says of an empty index: the meta page
		}
	case 'S':
		c.Relpages, c.Reltuples = 1, 1
	case 'v', 'c', 'f':
		c.Reltuples = -1
	}
	if n.Kind == 'v' || n.Kind == 'c' || n.Kind == 'f' || n.Kind == 'p' || n.Kind == 'I' {
		if n.Kind != 'p' && n.Kind != 'I' {
			c.Reltablespace = 0
		}
	}
	return c
}

// newStorage gives a relation files, where its kind has them.
func (s *Session) newStorage(n *NewRelation, c *PgClass) error {
	if !hasStorage(n.Kind) {
		return nil
	}
	f := n.File
	if f.Rel == 0 {
		// The first file of a relation is named by its Oid unless such a file is left over.
		f = relFile(&PgClass{Oid: c.Oid, Reltablespace: n.Tablespace, Relisshared: n.Shared}, s.db)
		if s.files != nil && s.files.Exists(f) {
			var err error
			if f, err = s.NewRelFile(n.Tablespace); err != nil {
				return err
			}
		}
	}
	c.Relfilenode = f.Rel
	if n.NoStorage || s.files == nil {
		return nil
	}
	s.slot.Counters().CreateRelation(stats.RelID{DB: f.DB, Rel: c.Oid})
	return s.files.Create(f, n.Persistence)
}

func (s *Session) createColumns(n *NewRelation, oid ids.Oid) error {
	for i := range n.Columns {
		if err := s.InsertColumn(oid, i+1, &n.Columns[i], n.Kind != 'i' && n.Kind != 't'); err != nil {
			return err
		}
	}
	if n.Kind == 'v' || n.Kind == 'c' || n.Kind == 'i' || n.Kind == 'I' {
		return nil
	}
	for _, a := range systemAttributeRows(oid) {
		if err := s.Insert(a); err != nil {
			return err
		}
	}
	return nil
}

// InsertColumn adds the pg_attribute row of a column, numbered from 1, and with deps what it depends on.
func (s *Session) InsertColumn(rel ids.Oid, num int, col *NewColumn, deps bool) error {
	a := attributeRow(rel, num, &col.Attr)
	a.Attndims, a.Attinhcount, a.Attislocal = col.Ndims, col.InhCount, !col.NotLocal
	a.Attacl, a.Attoptions = col.Acl, col.Options
	if col.StatTarget != nil {
		a.Attstattarget = *col.StatTarget
	}
	a.Atthasmissing, a.Attmissingval = false, types.Null
	if err := s.Insert(a); err != nil || !deps || col.Dropped {
		return err
	}
	me := ColumnObject(rel, int16(num))
	if err := s.RecordDependency(me, Object{Class: PgTypeOid, Oid: col.Type}, DepNormal); err != nil {
		return err
	}
	if col.Collation != 0 && col.Collation != DefaultCollation {
		return s.RecordDependency(me, Object{Class: PgCollationOid, Oid: col.Collation}, DepNormal)
	}
	return nil
}

// recordRelation stores what a new relation depends on.
func (s *Session) recordRelation(n *NewRelation, c *PgClass) error {
	me := RelationObject(c.Oid)
	if n.Kind == 'i' || n.Kind == 'I' || n.Kind == 't' {
		return nil // they depend on their table alone, which the caller records
	}
	if n.Kind != 'c' {
		if err := s.RecordDependency(me, Object{Class: PgNamespaceOid, Oid: n.Namespace}, DepNormal); err != nil {
			return err
		}
		if err := s.RecordOwner(me, n.Owner); err != nil {
			return err
		}
		if err := s.RecordAcl(me, n.Owner, c.Relacl); err != nil {
			return err
		}
		if c.Relam != 0 && c.Relam != HeapAm && (n.Kind == 'r' || n.Kind == 'm') {
			if err := s.RecordDependency(me, Object{Class: PgAmOid, Oid: c.Relam}, DepNormal); err != nil {
				return err
			}
		}
	}
	if n.OfType != 0 {
		return s.RecordDependency(me, Object{Class: PgTypeOid, Oid: n.OfType}, DepNormal)
	}
	return nil
}

// createRowType makes the composite type of a relation's rows and the array type of it.
func (s *Session) createRowType(n *NewRelation, rel ids.Oid) (ids.Oid, error) {
	array, err := s.NewObjectOid(PgTypeOid)
	if err != nil {
		return 0, err
	}
	row := &PgType{Typname: n.Name, Typnamespace: n.Namespace, Typowner: n.Owner, Typlen: -1, Typtype: 'c',
		Typcategory: 'C', Typisdefined: true, Typdelim: ',', Typrelid: rel, Typarray: array, Typinput: 2290,
		Typoutput: 2291, Typreceive: 2402, Typsend: 2403, Typalign: 'd', Typstorage: 'x', Typtypmod: -1}
	if err := s.createType(row, n.Kind == 'c'); err != nil {
		return 0, err
	}
	owner := RelationObject(rel)
	me := Object{Class: PgTypeOid, Oid: row.Oid}
	if n.Kind == 'c' {
		// A stand-alone composite type owns its relation, not the reverse.
		if err := s.RecordDependency(owner, me, DepInternal); err != nil {
			return 0, err
		}
	} else if err := s.RecordDependency(me, owner, DepInternal); err != nil {
		return 0, err
	}
	return row.Oid, s.CreateArrayType(row, array)
}

// CreateType inserts a type's row, giving it an Oid when it has none, and records what it depends on.
func (s *Session) CreateType(t *PgType) error {
	return s.createType(t, t.Typrelid == 0 && !isArrayType(t))
}

// isArrayType reports whether a type is the array type of another one.
func isArrayType(t *PgType) bool {
	return t.Typelem != 0 && t.Typsubscript == arraySubscriptHandler && t.Typlen == -1
}

// createType is CreateType. alone: the type depends on its schema and owner by itself; types of rows of tables and array types are part of
// something that does already.
func (s *Session) createType(t *PgType, alone bool) error {
	if t.Oid == 0 {
		o, err := s.NewObjectOid(PgTypeOid)
		if err != nil {
			return err
		}
		t.Oid = o
	}
	if err := s.Insert(t); err != nil {
		return err
	}
	return s.recordType(t, alone)
}

func (s *Session) recordType(t *PgType, alone bool) error {
	me := Object{Class: PgTypeOid, Oid: t.Oid}
	if alone {
		if err := s.RecordDependency(me, Object{Class: PgNamespaceOid, Oid: t.Typnamespace}, DepNormal); err != nil {
			return err
		}
		if err := s.RecordOwner(me, t.Typowner); err != nil {
			return err
		}
		if err := s.RecordAcl(me, t.Typowner, t.Typacl); err != nil {
			return err
		}
	}
	for _, fn := range []ids.Oid{t.Typinput, t.Typoutput, t.Typreceive, t.Typsend, t.Typmodin, t.Typmodout, t.Typanalyze, t.Typsubscript} {
		if err := s.RecordDependency(me, Object{Class: PgProcOid, Oid: fn}, DepNormal); err != nil {
			return err
		}
	}
	if t.Typbasetype != 0 {
		if err := s.RecordDependency(me, Object{Class: PgTypeOid, Oid: t.Typbasetype}, DepNormal); err != nil {
			return err
		}
	}
	if t.Typcollation != 0 && t.Typcollation != DefaultCollation {
		return s.RecordDependency(me, Object{Class: PgCollationOid, Oid: t.Typcollation}, DepNormal)
	}
	return nil
}

// CreateArrayType inserts the array type of elem, under the Oid that elem.Typarray names.
func (s *Session) CreateArrayType(elem *PgType, oid ids.Oid) error {
	name, err := s.ArrayTypeName(elem.Typname, elem.Typnamespace)
	if err != nil {
		return err
	}
	align := byte('i')
	if elem.Typalign == 'd' {
		align = 'd'
	}
	a := &PgType{Oid: oid, Typname: name, Typnamespace: elem.Typnamespace, Typowner: elem.Typowner, Typlen: -1,
		Typtype: 'b', Typcategory: 'A', Typisdefined: true, Typdelim: elem.Typdelim, Typsubscript: arraySubscriptHandler,
		Typelem: elem.Oid, Typinput: 750, Typoutput: 751, Typreceive: 2400, Typsend: 2401, Typmodin: elem.Typmodin,
		Typmodout: elem.Typmodout, Typanalyze: 3816, Typalign: align, Typstorage: 'x', Typtypmod: -1,
		Typcollation: elem.Typcollation}
	if elem.Typtype == 'd' {
		a.Typmodin, a.Typmodout = 0, 0
	}
	if err := s.CreateType(a); err != nil {
		return err
	}
	return s.RecordDependency(Object{Class: PgTypeOid, Oid: oid}, Object{Class: PgTypeOid, Oid: elem.Oid}, DepInternal)
}

const maxNameLen = 63

// ArrayTypeName returns a free name for the array type of a type: an underscore before the name, more when needed.
func (s *Session) ArrayTypeName(elem string, namespace ids.Oid) (string, error) {
	for n := 1; n < maxNameLen; n++ {
		name := TruncateName(strings.Repeat("_", n) + elem)
		t, err := s.TypeRowByName(namespace, name)
		if t == nil || err != nil {
			return name, err
		}
	}
	return "", pgerr.New(pgerr.DuplicateObject, "could not form array type name for type %q", elem)
}

// TruncateName cuts a name to 63 bytes at a character boundary.
func TruncateName(name string) string {
	if len(name) <= maxNameLen {
		return name
	}
	n := maxNameLen
	for n > 0 && name[n]&0xC0 == 0x80 {
		n--
	}
	return name[:n]
}

// moveArrayType renames an automatic array type that is in the way of a new type's name.
func (s *Session) moveArrayType(t *PgType) (bool, error) {
	if t.Typelem == 0 || t.Typsubscript != arraySubscriptHandler {
		return false, nil
	}
	elem, err := s.TypeRow(t.Typelem)
	if elem == nil || err != nil || elem.Typarray != t.Oid {
		return false, err
	}
	name, err := s.ArrayTypeName(elem.Typname, t.Typnamespace)
	if err != nil {
		return false, err
	}
	row, err := fetch[PgType](s, PgTypeOidIndex, OidKey(AttPgTypeOid, t.Oid))
	if row == nil || err != nil {
		return false, err
	}
	row.Typname = name
	if err := s.Update(row); err != nil {
		return false, err
	}
	return true, s.IncrementCommand()
}

// ChooseName makes a name of the form name1_name2_label that no relation (and with constraints no constraint) of the schema has,
// adding a number when needed.
func (s *Session) ChooseName(name1, name2, label string, namespace ids.Oid, constraints bool) (string, error) {
	for pass := 0; ; pass++ {
		l := label
		if pass > 0 {
			l = fmt.Sprintf("%s%d", label, pass)
		}
		name := MakeObjectName(name1, name2, l)
		used, err := s.RelationOid(namespace, name)
		if err != nil {
			return "", err
		}
		taken := used != 0
		if !taken && constraints {
			if taken, err = s.exists(PgConstraintOid, PgConstraintConnameNspIndex,
				NameKey(AttPgConstraintConname, name), OidKey(AttPgConstraintConnamespace, namespace)); err != nil {
				return "", err
			}
		}
		if !taken {
			return name, nil
		}
	}
}

// MakeObjectName joins name1, name2 and label with underscores, shortening the longer of the names to fit into 63 bytes.
func MakeObjectName(name1, name2, label string) string {
	overhead := 0
	if label != "" {
		overhead += len(label) + 1
	}
	if name2 != "" {
		overhead++
	}
	n1, n2 := len(name1), len(name2)
	for n1+n2 > maxNameLen-overhead {
		if n1 > n2 {
			n1--
		} else {
			n2--
		}
	}
	clip := func(s string, n int) string {
		for n > 0 && n < len(s) && s[n]&0xC0 == 0x80 {
			n--
		}
		return s[:n]
	}
	out := clip(name1, n1)
	if name2 != "" {
		out += "_" + clip(name2, n2)
	}
	if label != "" {
		out += "_" + label
	}
	return out
}
