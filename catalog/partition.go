package catalog

import (
	"cmp"
	"slices"

	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/partition"
	"gompho/sql/query"
)

// loadPartitioning fills in what makes a relation partitioned or a partition.
func (s *Session) loadPartitioning(r *Relation, c *PgClass) error {
	if r.IsPartition {
		parents, err := fetchAll[PgInherits](s, PgInheritsRelidSeqnoIndex, OidKey(AttPgInheritsInhrelid, r.Oid))
		if err != nil {
			return err
		}
		if len(parents) > 0 {
			r.Parent, r.DetachPending = parents[0].Inhparent, parents[0].Inhdetachpending
		}
		if c.Relpartbound != nil {
			if r.PartBound, err = query.DecodeBound(*c.Relpartbound); err != nil {
				return err
			}
		}
	}
	if r.Kind != 'p' {
		return nil
	}
	if err := s.loadPartKey(r); err != nil || r.PartKey == nil {
		return err
	}
	return s.loadPartitions(r)
}

func (s *Session) loadPartKey(r *Relation) error {
	p, err := fetch[PgPartitionedTable](s, PgPartitionedTablePartrelidIndex, OidKey(AttPgPartitionedTablePartrelid, r.Oid))
	if p == nil || err != nil {
		return err
	}
	k := &partition.Key{Strategy: p.Partstrat, Atts: p.Partattrs, OpClasses: p.Partclass, Collations: p.Partcollation}
	if k.Exprs, err = query.DecodeExprs(StrValue(p.Partexprs)); err != nil {
		return err
	}
	exprs := k.Exprs
	for _, att := range k.Atts {
		switch {
		case att > 0 && int(att) <= len(r.Desc.Attrs):
			a := &r.Desc.Attrs[att-1]
			k.Types, k.Typmods, k.TypeColl = append(k.Types, a.Type), append(k.Typmods, a.Typmod), append(k.TypeColl, a.Collation)
		case att == 0 && len(exprs) > 0:
			e := exprs[0]
			exprs = exprs[1:]
			k.Types, k.Typmods, k.TypeColl = append(k.Types, e.Type()), append(k.Typmods, e.Typmod()), append(k.TypeColl, e.Collation())
		default:
			return pgerr.New(pgerr.DataCorrupted, "partition key of relation %q is not of the form of its columns", r.Name)
		}
	}
	if err := s.ResolvePartKey(k); err != nil {
		return err
	}
	r.PartKey = k
	return nil
}

// Numbers of the support functions that partitioning uses.
const (
	btreeOrderProc   = 1
	hashExtendedProc = 2
)

// ResolvePartKey fills in what follows from a key's strategy, types, operator classes and collations. Errors: 42883 when an operator class
// lacks the function that partitioning needs.
func (s *Session) ResolvePartKey(k *partition.Key) error {
	num := int16(btreeOrderProc)
	if k.Strategy == partition.Hash {
		num = hashExtendedProc
	}
	for i, o := range k.OpClasses {
		oc, err := s.OpClass(o)
		if err != nil {
			return err
		}
		if oc == nil {
			return pgerr.Internal("cache lookup failed for opclass %d", o)
		}
		k.OpFamilies, k.InTypes = append(k.OpFamilies, oc.Opcfamily), append(k.InTypes, oc.Opcintype)
		p, err := s.AmProc(oc.Opcfamily, oc.Opcintype, oc.Opcintype, num)
		if err != nil {
			return err
		}
		if p == nil {
			am := "btree"
			if k.Strategy == partition.Hash {
				am = "hash"
			}
			return pgerr.New(pgerr.InvalidObjectDefinition, "operator class %q of access method %s is missing support function %d for type %s",
				oc.Opcname, am, num, s.TypeName(oc.Opcintype))
		}
		k.Support = append(k.Support, p.Amproc)
		if k.Strategy != partition.Hash {
			f, err := s.comparer(oc.Opcintype, k.Types[i], k.Collations[i])
			if err != nil {
				return err
			}
			k.Compare = append(k.Compare, f)
			continue
		}
		base, err := s.BaseType(k.Types[i])
		if err != nil {
			return err
		}
		t, err := s.Type(base)
		if err != nil {
			return err
		}
		f := functions.PartitionHasher(t)
		if f == nil {
			return pgerr.NotSupported("hash partitioning by type %s is not supported", s.TypeName(k.Types[i]))
		}
		k.HashFn = append(k.HashFn, f)
	}
	return nil
}

// loadPartitions reads the partitions of a table. Those that DETACH CONCURRENTLY is taking away are in the list for old snapshots only.
func (s *Session) loadPartitions(r *Relation) error {
	rows, err := fetchAll[PgInherits](s, PgInheritsParentIndex, OidKey(AttPgInheritsInhparent, r.Oid))
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b *PgInherits) int { return cmp.Compare(a.Inhrelid, b.Inhrelid) })
	var now, all []partition.Child
	for _, row := range rows {
		c, err := fetch[PgClass](s, PgClassOidIndex, OidKey(AttPgClassOid, row.Inhrelid))
		if err != nil {
			return err
		}
		if c == nil || c.Relpartbound == nil {
			continue // it is being attached, or goes
		}
		b, err := query.DecodeBound(*c.Relpartbound)
		if err != nil {
			return err
		}
		child := partition.Child{Oid: c.Oid, Leaf: c.Relkind != 'p', Bound: b}
		all = append(all, child)
		if !row.Inhdetachpending {
			now = append(now, child)
		} else if r.DetachXid, err = s.store.madeBy(PgInheritsOid, row.TID()); err != nil {
			return err
		}
	}
	if r.Parts, err = partition.NewDesc(r.PartKey, now); err != nil {
		return err
	}
	r.PartsDetached = r.Parts
	if len(all) != len(now) {
		r.PartsDetached, err = partition.NewDesc(r.PartKey, all)
	}
	return err
}

// Partitions returns the partitions of a partitioned table, in bound order. detached includes one that DETACH CONCURRENTLY is taking away:
// for transactions whose snapshot is older.
func (r *Relation) Partitions(detached bool) *partition.Desc {
	if detached {
		return r.PartsDetached
	}
	return r.Parts
}

// RouteLock is the lock on a partition that a row goes to, taken when the first one does.
const RouteLock = locks.RowExclusive

// InheritanceChildren returns the Oids of the direct children of a relation, partitions or not, by Oid, each locked. A partition that
// DETACH CONCURRENTLY is taking away is left out unless detached is set.
func (s *Session) InheritanceChildren(parent ids.Oid, mode locks.Mode, detached bool) ([]ids.Oid, error) {
	c, err := s.Relation(parent)
	if err != nil {
		return nil, err
	}
	if c != nil && !c.HasSubclass && c.Kind != 'p' && c.Kind != 'I' {
		return nil, nil
	}
	rows, err := fetchAll[PgInherits](s, PgInheritsParentIndex, OidKey(AttPgInheritsInhparent, parent))
	if err != nil {
		return nil, err
	}
	var oids []ids.Oid
	for _, r := range rows {
		if detached || !r.Inhdetachpending {
			oids = append(oids, r.Inhrelid)
		}
	}
	slices.Sort(oids)
	if mode == locks.NoLock || s.locks == nil {
		return oids, nil
	}
	live := oids[:0]
	for _, o := range oids {
		r, err := s.LockRelation(o, mode)
		if err != nil {
			return nil, err
		}
		if r != nil {
			live = append(live, o)
		} else {
			s.UnlockRelation(o, mode)
		}
	}
	return live, nil
}

// AllInheritors returns a relation, which the caller has locked, and all that inherit from it, directly or not, each once and locked.
// parents counts, for each, the direct parents that it has in the list.
func (s *Session) AllInheritors(rel ids.Oid, mode locks.Mode) (list []ids.Oid, parents []int, err error) {
	list, parents = []ids.Oid{rel}, []int{0}
	for i := 0; i < len(list); i++ {
		children, err := s.InheritanceChildren(list[i], mode, false)
		if err != nil {
			return nil, nil, err
		}
		for _, c := range children {
			if at := slices.Index(list, c); at >= 0 {
				parents[at]++
				continue
			}
			list, parents = append(list, c), append(parents, 1)
		}
	}
	return list, parents, nil
}

// HasChildren reports whether any relation inherits from one, without locks.
func (s *Session) HasChildren(rel ids.Oid) (bool, error) {
	rows, err := s.Children(rel)
	return len(rows) > 0, err
}

// InheritsFrom reports whether a relation is another, or inherits from it directly or not.
func (s *Session) InheritsFrom(rel, ancestor ids.Oid) (bool, error) {
	if rel == ancestor {
		return true, nil
	}
	rows, err := s.Parents(rel)
	if err != nil {
		return false, err
	}
	for _, r := range rows {
		if ok, err := s.InheritsFrom(r.Inhparent, ancestor); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// AddInherits records that a relation inherits from another, and marks the parent as having children.
func (s *Session) AddInherits(child, parent ids.Oid, seq int32, isPartition bool) error {
	if err := s.Insert(&PgInherits{Inhrelid: child, Inhparent: parent, Inhseqno: seq}); err != nil {
		return err
	}
	kind := DepNormal
	if isPartition {
		kind = DepAuto
	}
	if err := s.RecordDependency(RelationObject(child), RelationObject(parent), kind); err != nil {
		return err
	}
	return s.SetHasSubclass(parent, true)
}

// SetHasSubclass sets pg_class.relhassubclass.
func (s *Session) SetHasSubclass(rel ids.Oid, on bool) error {
	s.InvalidateRelation(rel)
	c, err := s.ClassRow(rel)
	if c == nil || err != nil {
		return err
	}
	if c.Relhassubclass == on {
		return nil
	}
	c.Relhassubclass = on
	return s.Update(c)
}

// RemoveInherits removes a row of pg_inherits and the dependency; false when there was none. The flag of the parent stays.
func (s *Session) RemoveInherits(child, parent ids.Oid, isPartition bool) (bool, error) {
	rows, err := fetchAll[PgInherits](s, PgInheritsRelidSeqnoIndex, OidKey(AttPgInheritsInhrelid, child))
	if err != nil {
		return false, err
	}
	found := false
	for _, r := range rows {
		if r.Inhparent == parent {
			found = true
			if err := s.Delete(r); err != nil {
				return false, err
			}
		}
	}
	if !found {
		return false, nil
	}
	kind := DepNormal
	if isPartition {
		kind = DepAuto
	}
	return true, s.DeleteDependency(RelationObject(child), RelationObject(parent), kind)
}

// DeleteDependency removes the dependencies of a kind of one object on another.
func (s *Session) DeleteDependency(dependent, referenced Object, kind DepType) error {
	deps, err := s.DependenciesOf(dependent)
	if err != nil {
		return err
	}
	for _, d := range deps {
		if d.Refclassid == referenced.Class && d.Refobjid == referenced.Oid && d.Refobjsubid == referenced.Sub && d.Deptype == byte(kind) {
			if err := s.Delete(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// StorePartKey inserts the pg_partitioned_table row of a table with what its key depends on.
func (s *Session) StorePartKey(rel ids.Oid, k *partition.Key) error {
	row := &PgPartitionedTable{Partrelid: rel, Partstrat: k.Strategy, Partnatts: int16(len(k.Atts)), Partattrs: k.Atts,
		Partclass: k.OpClasses, Partcollation: k.Collations}
	if len(k.Exprs) > 0 {
		row.Partexprs = Str(query.Encode(query.NewList(k.Exprs)))
	}
	if err := s.Insert(row); err != nil {
		return err
	}
	me := RelationObject(rel)
	var refs []Object
	for i, o := range k.OpClasses {
		refs = append(refs, Object{Class: PgOpclassOid, Oid: o})
		if c := k.Collations[i]; c != 0 && c != DefaultCollation {
			refs = append(refs, Object{Class: PgCollationOid, Oid: c})
		}
	}
	if err := s.RecordDependencies(me, refs, DepNormal); err != nil {
		return err
	}
	// The key columns are part of the table: nothing can drop one of them alone.
	for _, att := range k.Atts {
		if att != 0 {
			if err := s.RecordDependency(ColumnObject(rel, att), me, DepInternal); err != nil {
				return err
			}
		}
	}
	if len(k.Exprs) == 0 {
		return nil
	}
	var own, other []Object
	for _, o := range s.References(query.NewList(k.Exprs), rel) {
		if o.Class == PgClassOid && o.Oid == rel {
			own = append(own, o)
		} else {
			other = append(other, o)
		}
	}
	if err := s.RecordDependencies(me, other, DepNormal); err != nil {
		return err
	}
	for _, o := range uniqueObjects(own) {
		if o.Sub != 0 {
			if err := s.RecordDependency(o, me, DepInternal); err != nil {
				return err
			}
		}
	}
	return nil
}

// SetPartBound makes a relation a partition with a bound, or with nil none any more.
func (s *Session) SetPartBound(rel ids.Oid, b *query.PartitionBound) error {
	c, err := s.ClassRow(rel)
	if err != nil {
		return err
	}
	if c == nil {
		return pgerr.Internal("cache lookup failed for relation %d", rel)
	}
	c.Relispartition, c.Relpartbound = b != nil, nil
	if b != nil {
		c.Relpartbound = Str(query.Encode(b))
	}
	return s.Update(c)
}

// SetDefaultPartition notes the default partition of a table in pg_partitioned_table; 0: none.
func (s *Session) SetDefaultPartition(parent, part ids.Oid) error {
	p, err := fetch[PgPartitionedTable](s, PgPartitionedTablePartrelidIndex, OidKey(AttPgPartitionedTablePartrelid, parent))
	if err != nil {
		return err
	}
	if p == nil {
		return pgerr.Internal("cache lookup failed for partition key of relation %d", parent)
	}
	p.Partdefid = part
	s.InvalidateRelation(parent)
	return s.Update(p)
}

// forgetDefaultPartition clears pg_partitioned_table.partdefid when the default partition is dropped; the parent may be gone already.
func (s *Session) forgetDefaultPartition(parent, part ids.Oid) error {
	p, err := fetch[PgPartitionedTable](s, PgPartitionedTablePartrelidIndex, OidKey(AttPgPartitionedTablePartrelid, parent))
	if p == nil || err != nil || p.Partdefid != part {
		return err
	}
	p.Partdefid = 0
	return s.Update(p)
}
