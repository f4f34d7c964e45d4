package catalog

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// SwapIndexes puts a new index in the place of an old one of the same definition: its name, its constraint, what depends on it, its comment and its
// statistics. The old one keeps existing under another name and is not valid. Both are locked.
func (s *Session) SwapIndexes(old, new ids.Oid, oldName string) error {
	steps := []func() error{
		func() error { return s.swapClasses(old, new, oldName) },
		func() error { return s.swapIndexRows(old, new) },
		func() error { return s.moveConstraints(old, new) },
		func() error { return s.moveAnnotations(old, new) },
		func() error { return s.swapDependencies(old, new) },
	}
	for _, f := range steps {
		if err := f(); err != nil {
			return err
		}
		if err := s.IncrementCommand(); err != nil {
			return err
		}
	}
	s.InvalidateRelation(old)
	s.InvalidateRelation(new)
	return nil
}

func (s *Session) swapClasses(old, new ids.Oid, oldName string) error {
	was, err := s.ClassRow(old)
	if err != nil {
		return err
	}
	now, err := s.ClassRow(new)
	if err != nil {
		return err
	}
	if was == nil || now == nil {
		return pgerr.Internal("could not find tuple for relation %d or %d", old, new)
	}
	name := was.Relname
	was.Relname = oldName
	was.Relispartition, now.Relispartition = now.Relispartition, was.Relispartition
	if err := s.Update(was); err != nil {
		return err
	}
	if err := s.IncrementCommand(); err != nil {
		return err
	}
	now.Relname = name
	if err := s.Update(now); err != nil {
		return err
	}
	rows, err := fetchAll[PgInherits](s, PgInheritsRelidSeqnoIndex, OidKey(AttPgInheritsInhrelid, old))
	if err != nil {
		return err
	}
	for _, r := range rows {
		c := *r
		if err := s.Delete(r); err != nil {
			return err
		}
		c.Inhrelid = new
		if err := s.Insert(&c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) swapIndexRows(old, new ids.Oid) error {
	was, err := fetch[PgIndex](s, PgIndexIndexrelidIndex, OidKey(AttPgIndexIndexrelid, old))
	if err != nil {
		return err
	}
	now, err := fetch[PgIndex](s, PgIndexIndexrelidIndex, OidKey(AttPgIndexIndexrelid, new))
	if err != nil {
		return err
	}
	if was == nil || now == nil {
		return pgerr.Internal("cache lookup failed for index %d or %d", old, new)
	}
	now.Indisprimary, now.Indisexclusion, now.Indimmediate = was.Indisprimary, was.Indisexclusion, was.Indimmediate
	now.Indisclustered, now.Indisreplident, now.Indisvalid = was.Indisclustered, was.Indisreplident, true
	was.Indisprimary, was.Indisexclusion, was.Indisclustered, was.Indisreplident, was.Indisvalid = false, false, false, false, false
	if err := s.Update(was); err != nil {
		return err
	}
	if err := s.Update(now); err != nil {
		return err
	}
	s.InvalidateRelation(was.Indrelid)
	return nil
}

// moveConstraints lets the constraint of the index, and the foreign keys that rest on it, name the new one.
func (s *Session) moveConstraints(old, new ids.Oid) error {
	of, err := fetchAll[PgDepend](s, PgDependDependerIndex, OidKey(AttPgDependClassid, PgClassOid), OidKey(AttPgDependObjid, old))
	if err != nil {
		return err
	}
	on, err := fetchAll[PgDepend](s, PgDependReferenceIndex, OidKey(AttPgDependRefclassid, PgClassOid), OidKey(AttPgDependRefobjid, old))
	if err != nil {
		return err
	}
	var list []ids.Oid
	for _, d := range of {
		if d.Refclassid == PgConstraintOid {
			list = append(list, d.Refobjid)
		}
	}
	for _, d := range on {
		if d.Classid == PgConstraintOid {
			list = append(list, d.Objid)
		}
	}
	for _, o := range list {
		c, err := fetch[PgConstraint](s, PgConstraintOidIndex, OidKey(AttPgConstraintOid, o))
		if err != nil {
			return err
		}
		if c == nil || c.Conindid != old {
			continue
		}
		c.Conindid = new
		if err := s.Update(c); err != nil {
			return err
		}
		rows, err := fetchAll[PgTrigger](s, PgTriggerTgconstraintIndex, OidKey(AttPgTriggerTgconstraint, o))
		if err != nil {
			return err
		}
		for _, t := range rows {
			t.Tgconstrindid = new
			if err := s.Update(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// moveAnnotations moves the comment and the statistics of an index's expressions.
func (s *Session) moveAnnotations(old, new ids.Oid) error {
	comments, err := fetchAll[PgDescription](s, PgDescriptionOCOIndex, OidKey(AttPgDescriptionObjoid, old), OidKey(AttPgDescriptionClassoid, PgClassOid))
	if err != nil {
		return err
	}
	for _, r := range comments {
		c := *r
		if err := s.Delete(r); err != nil {
			return err
		}
		c.Objoid = new
		if err := s.Insert(&c); err != nil {
			return err
		}
	}
	stats, err := fetchAll[PgStatistic](s, PgStatisticRelidAttInhIndex, OidKey(AttPgStatisticStarelid, old))
	if err != nil {
		return err
	}
	for _, r := range stats {
		c := *r
		c.Starelid = new
		if err := s.Insert(&c); err != nil {
			return err
		}
	}
	return nil
}

// swapDependencies exchanges what the two indexes depend on, and what depends on them.
func (s *Session) swapDependencies(old, new ids.Oid) error {
	fetchBoth := func(o ids.Oid) (of, on []*PgDepend, err error) {
		if of, err = fetchAll[PgDepend](s, PgDependDependerIndex, OidKey(AttPgDependClassid, PgClassOid), OidKey(AttPgDependObjid, o)); err != nil {
			return nil, nil, err
		}
		on, err = fetchAll[PgDepend](s, PgDependReferenceIndex, OidKey(AttPgDependRefclassid, PgClassOid), OidKey(AttPgDependRefobjid, o))
		return of, on, err
	}
	oldOf, oldOn, err := fetchBoth(old)
	if err != nil {
		return err
	}
	newOf, newOn, err := fetchBoth(new)
	if err != nil {
		return err
	}
	for _, x := range []struct {
		rows []*PgDepend
		set  func(*PgDepend)
	}{
		{oldOf, func(d *PgDepend) { d.Objid = new }}, {newOf, func(d *PgDepend) { d.Objid = old }},
		{oldOn, func(d *PgDepend) { d.Refobjid = new }}, {newOn, func(d *PgDepend) { d.Refobjid = old }},
	} {
		for _, d := range x.rows {
			x.set(d)
			if err := s.Update(d); err != nil {
				return err
			}
		}
	}
	return nil
}
