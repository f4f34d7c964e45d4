package catalog

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
)

// SetIndexParent makes an index a partition of a partitioned table's index; parent 0 makes it independent again.
func (s *Session) SetIndexParent(index, table, parent ids.Oid) error {
	c, err := s.ClassRow(index)
	if err != nil {
		return err
	}
	if c == nil {
		return pgerr.Internal("cache lookup failed for relation %d", index)
	}
	c.Relispartition = parent != 0
	if err := s.Update(c); err != nil {
		return err
	}
	if parent != 0 {
		return s.linkIndex(index, table, parent)
	}
	me := RelationObject(index)
	rows, err := fetchAll[PgInherits](s, PgInheritsRelidSeqnoIndex, OidKey(AttPgInheritsInhrelid, index))
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := s.Delete(r); err != nil {
			return err
		}
	}
	return s.dropPartitionDependencies(me)
}

// linkIndex stores that an index is a partition of another one.
func (s *Session) linkIndex(index, table, parent ids.Oid) error {
	if _, err := s.LockRelation(parent, locks.ShareUpdateExclusive); err != nil {
		return err
	}
	if err := s.Insert(&PgInherits{Inhrelid: index, Inhparent: parent, Inhseqno: 1}); err != nil {
		return err
	}
	if err := s.SetHasSubclass(parent, true); err != nil {
		return err
	}
	s.InvalidateRelation(table)
	return s.recordPartition(RelationObject(index), RelationObject(parent), RelationObject(table))
}

// recordPartition makes an object part of its parent's and of its table: it goes with either.
func (s *Session) recordPartition(me, parent, table Object) error {
	if err := s.RecordDependency(me, parent, DepPartitionPri); err != nil {
		return err
	}
	return s.RecordDependency(me, table, DepPartitionSec)
}

func (s *Session) dropPartitionDependencies(me Object) error {
	deps, err := s.DependenciesOf(me)
	if err != nil {
		return err
	}
	for _, d := range deps {
		if k := DepType(d.Deptype); k == DepPartitionPri || k == DepPartitionSec {
			if err := s.Delete(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// SetConstraintParent makes a constraint a partition's part of the constraint parent of a partitioned table; 0 makes it independent again.
func (s *Session) SetConstraintParent(con, table, parent ids.Oid) error {
	row, err := fetch[PgConstraint](s, PgConstraintOidIndex, OidKey(AttPgConstraintOid, con))
	if err != nil {
		return err
	}
	if row == nil {
		return pgerr.Internal("cache lookup failed for constraint %d", con)
	}
	me := Object{Class: PgConstraintOid, Oid: con}
	if parent == 0 {
		row.Coninhcount--
		row.Conislocal = row.Conislocal || row.Coninhcount == 0
		row.Conparentid = 0
		if err := s.Update(row); err != nil {
			return err
		}
		return s.dropPartitionDependencies(me)
	}
	row.Conislocal, row.Conparentid = false, parent
	row.Coninhcount++
	if err := s.Update(row); err != nil {
		return err
	}
	return s.recordPartition(me, Object{Class: PgConstraintOid, Oid: parent}, RelationObject(table))
}

// SetIndexValid sets pg_index.indisvalid.
func (s *Session) SetIndexValid(index ids.Oid, on bool) error {
	row, err := fetch[PgIndex](s, PgIndexIndexrelidIndex, OidKey(AttPgIndexIndexrelid, index))
	if err != nil {
		return err
	}
	if row == nil {
		return pgerr.Internal("cache lookup failed for index %d", index)
	}
	row.Indisvalid = on
	return s.Update(row)
}
