package catalog

import (
	"cmp"
	"slices"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

func sortedOids[V any](m map[ids.Oid]V) []ids.Oid {
	out := make([]ids.Oid, 0, len(m))
	for o := range m {
		out = append(out, o)
	}
	slices.SortFunc(out, cmp.Compare[ids.Oid])
	return out
}

// fromClass makes a descriptor from the pg_class row alone.
func fromClass(c *PgClass, db ids.Oid) *Relation {
	r := &Relation{Oid: c.Oid, Name: c.Relname, Namespace: c.Relnamespace, RowType: c.Reltype, OfType: c.Reloftype,
		Owner: c.Relowner, Am: c.Relam, Kind: c.Relkind, Persistence: c.Relpersistence, ReplIdent: c.Relreplident,
		Shared: c.Relisshared, HasIndex: c.Relhasindex, HasRules: c.Relhasrules, HasTriggers: c.Relhastriggers,
		HasSubclass: c.Relhassubclass, RowSecurity: c.Relrowsecurity, ForceRLS: c.Relforcerowsecurity,
		IsPartition: c.Relispartition, Populated: c.Relispopulated, Tablespace: c.Reltablespace, Pages: c.Relpages,
		Tuples: c.Reltuples, AllVisible: c.Relallvisible, Toast: c.Reltoastrelid, Options: c.Reloptions, Acl: c.Relacl}
	r.File = relFile(c, db)
	return r
}

// relFile returns the files of a relation in a database. A catalog without a file number of its own (PostgreSQL
// calls it mapped) has its Oid's.
func relFile(c *PgClass, db ids.Oid) ids.RelFile {
	f := ids.RelFile{Spc: c.Reltablespace, DB: db, Rel: c.Relfilenode}
	if f.Spc == 0 {
		f.Spc = ids.DefaultTablespace
	}
	if c.Relisshared {
		f.Spc, f.DB = ids.GlobalTablespace, 0
	}
	if f.Rel == 0 {
		f.Rel = c.Oid
	}
	return f
}

// RelationFiles returns the files of all relations that pg_class lists, those of shared catalogs included.
func (s *Session) RelationFiles() (map[ids.RelFile]bool, error) {
	out := map[ids.RelFile]bool{}
	err := Each(s, 0, func(c *PgClass) (bool, error) {
		if !hasStorage(c.Relkind) {
			return true, nil
		}
		f, err := s.currentFile(c.Oid, relFile(c, s.db))
		out[f] = true
		return true, err
	})
	return out, err
}

// indexFrom makes an index descriptor of its rows. opclass finds operator classes.
func indexFrom(c *PgClass, x *PgIndex, desc *types.Desc, db ids.Oid, opclass func(ids.Oid) *PgOpclass) *Index {
	ix := &Index{Oid: c.Oid, Table: x.Indrelid, Name: c.Relname, Namespace: c.Relnamespace, Am: c.Relam,
		File: relFile(c, db), Tablespace: c.Reltablespace, Keys: x.Indkey, NKeyAtts: int(x.Indnkeyatts),
		OpClasses: x.Indclass, Collations: x.Indcollation, Flags: x.Indoption, Unique: x.Indisunique,
		NullsNotDistinct: x.Indnullsnotdistinct, Primary: x.Indisprimary, Exclusion: x.Indisexclusion,
		Immediate: x.Indimmediate, Clustered: x.Indisclustered, Valid: x.Indisvalid, CheckXmin: x.Indcheckxmin,
		Ready: x.Indisready, Live: x.Indislive, ReplIdent: x.Indisreplident, Desc: desc, ExprText: x.Indexprs,
		PredText: x.Indpred, Pages: c.Relpages, Tuples: c.Reltuples, Options: c.Reloptions}
	for _, o := range x.Indclass {
		var family, in ids.Oid
		if oc := opclass(o); oc != nil {
			family, in = oc.Opcfamily, oc.Opcintype
		}
		ix.OpFamilies, ix.InTypes = append(ix.OpFamilies, family), append(ix.InTypes, in)
	}
	return ix
}

// loadRelations makes the descriptors of the catalogs, their indexes and toast tables from the facts. Files of
// catalogs that are not shared have database 0 here: forDB puts the database in.
func (b *builtins) loadRelations() error {
	classes := make(map[ids.Oid]*PgClass)
	if err := factTable(PgClassOid, func(v []types.Datum) error {
		c := new(PgClass)
		c.Scan(v)
		classes[c.Oid] = c
		return nil
	}); err != nil {
		return err
	}
	b.relations = make(map[ids.Oid]*Relation, len(classes))
	for o, c := range classes {
		r := fromClass(c, 0)
		r.Desc = descOf(o)
		b.relations[o] = r
	}
	opclass := func(o ids.Oid) *PgOpclass {
		v, _ := b.rows[keyOid(opclassByOid, o)].(*PgOpclass)
		return v
	}
	constraints := make(map[ids.Oid]ids.Oid)
	if err := factTable(PgConstraintOid, func(v []types.Datum) error {
		constraints[v[AttPgConstraintConindid-1].Oid()] = v[AttPgConstraintOid-1].Oid()
		return nil
	}); err != nil {
		return err
	}
	if err := factTable(PgIndexOid, func(v []types.Datum) error {
		x := new(PgIndex)
		x.Scan(v)
		ix := indexFrom(classes[x.Indexrelid], x, descOf(x.Indexrelid), 0, opclass)
		ix.Constraint = constraints[ix.Oid]
		b.relations[x.Indexrelid].Index = ix
		t := b.relations[x.Indrelid]
		t.Indexes = append(t.Indexes, ix)
		return nil
	}); err != nil {
		return err
	}
	for _, r := range b.relations {
		r.finish()
	}
	return nil
}

// forDB returns the descriptor of a catalog as it is in a database.
func (r *Relation) forDB(db ids.Oid) *Relation {
	c := &Relation{Oid: r.Oid, Name: r.Name, Namespace: r.Namespace, RowType: r.RowType, Owner: r.Owner, Am: r.Am,
		Kind: r.Kind, Persistence: r.Persistence, ReplIdent: r.ReplIdent, Shared: r.Shared, HasIndex: r.HasIndex,
		Populated: r.Populated, Tablespace: r.Tablespace, File: inDB(r.File, r.Shared, db), Pages: r.Pages,
		Tuples: r.Tuples, Toast: r.Toast, Acl: r.Acl, Desc: r.Desc, PrimaryKey: r.PrimaryKey}
	for _, ix := range r.Indexes {
		c.Indexes = append(c.Indexes, ix.forDB(r.Shared, db))
	}
	if r.Index != nil {
		c.Index = r.Index.forDB(r.Shared, db)
	}
	return c.finish()
}

func (ix *Index) forDB(shared bool, db ids.Oid) *Index {
	c := &Index{Oid: ix.Oid, Table: ix.Table, Name: ix.Name, Namespace: ix.Namespace, Am: ix.Am,
		File: inDB(ix.File, shared, db), Tablespace: ix.Tablespace, Keys: ix.Keys, NKeyAtts: ix.NKeyAtts,
		OpClasses: ix.OpClasses, OpFamilies: ix.OpFamilies, InTypes: ix.InTypes, Collations: ix.Collations,
		Flags: ix.Flags, Unique: ix.Unique, Primary: ix.Primary, Immediate: ix.Immediate, Valid: ix.Valid,
		Ready: ix.Ready, Live: ix.Live, Desc: ix.Desc, Constraint: ix.Constraint, Tuples: ix.Tuples}
	return c
}

func inDB(f ids.RelFile, shared bool, db ids.Oid) ids.RelFile {
	if !shared {
		f.DB = db
	}
	return f
}

// loadRelation reads the descriptor of a relation from the catalogs; nil when there is none.
func (s *Session) loadRelation(oid ids.Oid) (*Relation, error) {
	c, err := fetch[PgClass](s, PgClassOidIndex, OidKey(AttPgClassOid, oid))
	if c == nil || err != nil {
		return nil, err
	}
	r := fromClass(c, s.db)
	if r.Desc, err = s.loadDesc(c); err != nil {
		return nil, err
	}
	if c.Relkind == 'i' || c.Relkind == 'I' {
		if r.Index, err = s.loadIndex(c, r.Desc); err != nil {
			return nil, err
		}
		if err := s.loadPartitioning(r, c); err != nil {
			return nil, err
		}
		return r.finish(), s.attach(r)
	}
	if err := s.loadPartitioning(r, c); err != nil {
		return nil, err
	}
	for _, load := range []func(*Relation) error{s.loadDefaults, s.loadIndexes, s.loadConstraints, s.loadRules, s.loadTriggers} {
		if err := load(r); err != nil {
			return nil, err
		}
	}
	return r.finish(), s.attach(r)
}

func (s *Session) loadDesc(c *PgClass) (*types.Desc, error) {
	d := &types.Desc{TypeOid: c.Reltype, Attrs: make([]types.Attr, c.Relnatts)}
	err := each(s, PgAttributeRelidAttnumIndex, func(a *PgAttribute) (bool, error) {
		if a.Attnum > 0 && int(a.Attnum) <= len(d.Attrs) {
			t, err := s.attrFrom(a)
			if err != nil {
				return false, err
			}
			d.Attrs[a.Attnum-1] = t
		}
		return true, nil
	}, OidKey(AttPgAttributeAttrelid, c.Oid))
	return d, err
}

func (s *Session) attrFrom(a *PgAttribute) (types.Attr, error) {
	t := types.Attr{Name: a.Attname, Type: a.Atttypid, Typmod: a.Atttypmod, Collation: a.Attcollation, Len: a.Attlen,
		ByVal: a.Attbyval, Align: a.Attalign, Storage: a.Attstorage, Compress: a.Attcompression, NotNull: a.Attnotnull,
		Dropped: a.Attisdropped, HasDef: a.Atthasdef, Identity: a.Attidentity, Generated: a.Attgenerated}
	if a.Atttypid != 0 {
		base, err := s.BaseType(a.Atttypid)
		if err != nil {
			return t, err
		}
		if base != a.Atttypid {
			t.Base = base
		}
	}
	if a.Atthasmissing && !a.Attmissingval.IsNull() {
		typ, err := s.Type(a.Atttypid)
		if err != nil {
			return t, err
		}
		if typ == nil {
			return t, pgerr.Internal("cache lookup failed for type %d", a.Atttypid)
		}
		if v := types.DecodeArray(a.Attmissingval, typ); len(v.Elems) == 1 {
			t.Missing = &v.Elems[0]
		}
	}
	return t, nil
}

func (s *Session) loadDefaults(r *Relation) error {
	any := false
	for i := range r.Desc.Attrs {
		any = any || r.Desc.Attrs[i].HasDef
	}
	if !any {
		return nil
	}
	r.Defaults = make(map[int16]string)
	return each(s, PgAttrdefAdrelidAdnumIndex, func(d *PgAttrdef) (bool, error) {
		r.Defaults[d.Adnum] = d.Adbin
		return true, nil
	}, OidKey(AttPgAttrdefAdrelid, r.Oid))
}

func (s *Session) loadIndexes(r *Relation) error {
	switch r.Kind { // whatever relhasindex says: a version of the row that another session made meanwhile may not have it
	case 'r', 'm', 'p', 't':
	default:
		return nil
	}
	return each(s, PgIndexIndrelidIndex, func(x *PgIndex) (bool, error) {
		if !x.Indislive {
			return true, nil
		}
		c, err := fetch[PgClass](s, PgClassOidIndex, OidKey(AttPgClassOid, x.Indexrelid))
		if c == nil || err != nil {
			return true, err
		}
		desc, err := s.loadDesc(c)
		if err != nil {
			return false, err
		}
		ix, err := s.indexWithClasses(c, x, desc)
		if err == nil && ix.CheckXmin {
			ix.Since, err = s.store.madeBy(PgIndexOid, x.TID())
		}
		r.Indexes = append(r.Indexes, ix)
		return true, err
	}, OidKey(AttPgIndexIndrelid, r.Oid))
}

func (s *Session) loadIndex(c *PgClass, desc *types.Desc) (*Index, error) {
	x, err := fetch[PgIndex](s, PgIndexIndexrelidIndex, OidKey(AttPgIndexIndexrelid, c.Oid))
	if x == nil || err != nil {
		return nil, err
	}
	return s.indexWithClasses(c, x, desc)
}

func (s *Session) indexWithClasses(c *PgClass, x *PgIndex, desc *types.Desc) (*Index, error) {
	var failed error
	ix := indexFrom(c, x, desc, s.db, func(o ids.Oid) *PgOpclass {
		oc, err := s.OpClass(o)
		if err != nil {
			failed = err
		}
		return oc
	})
	if failed == nil && c.Relispartition {
		var parent *PgInherits
		if parent, failed = fetch[PgInherits](s, PgInheritsRelidSeqnoIndex, OidKey(AttPgInheritsInhrelid, c.Oid)); parent != nil {
			ix.Parent = parent.Inhparent
		}
	}
	if failed == nil && (ix.Unique || ix.Exclusion) {
		var deps []*PgDepend
		deps, failed = fetchAll[PgDepend](s, PgDependDependerIndex, OidKey(AttPgDependClassid, PgClassOid), OidKey(AttPgDependObjid, c.Oid))
		for _, d := range deps {
			if d.Refclassid == PgConstraintOid && d.Deptype == 'i' {
				ix.Constraint = d.Refobjid
			}
		}
	}
	return ix, failed
}

func (s *Session) loadConstraints(r *Relation) error {
	if r.Kind != 'r' && r.Kind != 'p' && r.Kind != 'f' {
		return nil
	}
	return each(s, PgConstraintConrelidContypidConnameIndex, func(c *PgConstraint) (bool, error) {
		switch c.Contype {
		case 'c':
			r.Checks = append(r.Checks, copyRow(c))
		case 'f':
			r.ForeignKeys = append(r.ForeignKeys, copyRow(c))
		}
		return true, nil
	}, OidKey(AttPgConstraintConrelid, r.Oid))
}

func (s *Session) loadRules(r *Relation) error {
	if !r.HasRules {
		return nil
	}
	return each(s, PgRewriteRelRulenameIndex, func(w *PgRewrite) (bool, error) {
		r.Rules = append(r.Rules, copyRow(w))
		return true, nil
	}, OidKey(AttPgRewriteEvClass, r.Oid))
}

func (s *Session) loadTriggers(r *Relation) error {
	if !r.HasTriggers {
		return nil
	}
	return each(s, PgTriggerTgrelidTgnameIndex, func(t *PgTrigger) (bool, error) {
		r.Triggers = append(r.Triggers, copyRow(t))
		return true, nil
	}, OidKey(AttPgTriggerTgrelid, r.Oid))
}

func copyRow[T any](r *T) *T {
	c := *r
	return &c
}
