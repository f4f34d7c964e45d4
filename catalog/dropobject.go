package catalog

import (
	"fmt"
	"strconv"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/stats"
	"gompho/types"
)

func itoa(n int) string { return strconv.Itoa(n) }

// deleteObject removes one object: its rows, what is recorded of its dependencies, comments and labels.
func (s *Session) deleteObject(o Object) error {
	if err := s.removeObject(o); err != nil {
		return err
	}
	if err := s.DeleteDependencies(o, false); err != nil {
		return err
	}
	if o.Sub == 0 {
		if err := s.deleteSharedDependencies(o); err != nil {
			return err
		}
	}
	if err := s.DeleteComments(o); err != nil {
		return err
	}
	return s.afterDelete(o)
}

// afterDelete removes labels and initial privileges and makes the deletion visible to the next step.
func (s *Session) afterDelete(o Object) error {
	labels, err := fetchAll[PgSeclabel](s, PgSeclabelObjectIndex, OidKey(AttPgSeclabelObjoid, o.Oid), OidKey(AttPgSeclabelClassoid, o.Class))
	if err != nil {
		return err
	}
	for _, l := range labels {
		if o.Sub == 0 || l.Objsubid == o.Sub {
			if err := s.Delete(l); err != nil {
				return err
			}
		}
	}
	privs, err := fetchAll[PgInitPrivs](s, PgInitPrivsOCOIndex, OidKey(AttPgInitPrivsObjoid, o.Oid), OidKey(AttPgInitPrivsClassoid, o.Class))
	if err != nil {
		return err
	}
	for _, p := range privs {
		if err := s.Delete(p); err != nil {
			return err
		}
	}
	return s.IncrementCommand()
}

// removeObject removes the rows that an object consists of.
func (s *Session) removeObject(o Object) error {
	switch o.Class {
	case PgClassOid:
		if o.Sub != 0 {
			return s.dropColumn(o.Oid, int16(o.Sub))
		}
		return s.dropRelation(o.Oid)
	case PgConstraintOid:
		return s.dropConstraint(o.Oid)
	case PgAttrdefOid:
		return s.dropDefault(o.Oid)
	case PgTypeOid:
		return s.dropType(o.Oid)
	case PgProcOid:
		if agg, err := fetch[PgAggregate](s, PgAggregateFnoidIndex, OidKey(AttPgAggregateAggfnoid, o.Oid)); err != nil {
			return err
		} else if agg != nil {
			if err := s.Delete(agg); err != nil {
				return err
			}
		}
	case PgTriggerOid:
		if err := s.lockTriggerTable(o.Oid); err != nil {
			return err
		}
	case PgRewriteOid:
		return s.dropRule(o.Oid)
	case PgOpfamilyOid, PgOpclassOid:
		if err := s.dropOpMembers(o); err != nil {
			return err
		}
	}
	return s.dropByOid(o)
}

// oidIndexes are the indexes on column oid of the catalogs whose rows are dropped by their Oid alone. In all of
// them oid is the first column.
var oidIndexes = map[ids.Oid]ids.Oid{PgProcOid: PgProcOidIndex, PgCastOid: PgCastOidIndex, PgCollationOid: PgCollationOidIndex,
	PgConversionOid: PgConversionOidIndex, PgLanguageOid: PgLanguageOidIndex, PgOperatorOid: PgOperatorOidIndex,
	PgOpclassOid: PgOpclassOidIndex, PgOpfamilyOid: PgOpfamilyOidIndex, PgAmOid: PgAmOidIndex, PgAmopOid: PgAmopOidIndex,
	PgAmprocOid: PgAmprocOidIndex, PgTriggerOid: PgTriggerOidIndex, PgNamespaceOid: PgNamespaceOidIndex,
	PgStatisticExtOid: PgStatisticExtOidIndex, PgTsParserOid: PgTsParserOidIndex, PgTsDictOid: PgTsDictOidIndex,
	PgTsTemplateOid: PgTsTemplateOidIndex, PgTsConfigOid: PgTsConfigOidIndex, PgForeignDataWrapperOid: PgForeignDataWrapperOidIndex,
	PgForeignServerOid: PgForeignServerOidIndex, PgUserMappingOid: PgUserMappingOidIndex, PgDefaultAclOid: PgDefaultAclOidIndex,
	PgExtensionOid: PgExtensionOidIndex, PgEventTriggerOid: PgEventTriggerOidIndex, PgPolicyOid: PgPolicyOidIndex,
	PgPublicationOid: PgPublicationOidIndex, PgTransformOid: PgTransformOidIndex, PgDatabaseOid: PgDatabaseOidIndex,
	PgAuthidOid: PgAuthidOidIndex, PgTablespaceOid: PgTablespaceOidIndex}

func (s *Session) dropByOid(o Object) error {
	index, ok := oidIndexes[o.Class]
	if !ok {
		return pgerr.NotSupported("dropping %s is not supported", s.Describe(o))
	}
	row := newRow(o.Class)
	found := false
	err := s.store.scan(o.Class, index, []Key{OidKey(1, o.Oid)}, func(tid ids.TID, v []types.Datum) (bool, error) {
		row.Scan(v)
		row.setPlace(s.placeAt(tid))
		found = true
		return false, nil
	})
	if err != nil {
		return err
	}
	if !found {
		return pgerr.Internal("cache lookup failed for object %d of catalog %s", o.Oid, catalogName(o.Class))
	}
	return s.Delete(row)
}

// dropRelation removes a relation's rows; its files go at commit.
func (s *Session) dropRelation(oid ids.Oid) error {
	r, err := s.Relation(oid)
	if err != nil {
		return err
	}
	if r == nil {
		return pgerr.Internal("cache lookup failed for relation %d", oid)
	}
	if r.Kind == 'i' && r.Index != nil {
		mode := locks.AccessExclusive
		if !r.Index.Live { // it was dropped concurrently so far: nobody uses it any more
			mode = locks.ShareUpdateExclusive
		}
		if err := s.HoldRelation(r.Index.Table, mode); err != nil {
			return err
		}
	}
	if s.onDrop.Relation != nil {
		if err := s.onDrop.Relation(r); err != nil {
			return err
		}
	}
	if r.HasStorage() {
		s.slot.Counters().DropRelation(stats.RelID{DB: r.File.DB, Rel: r.Oid})
		if r.Heap != nil && s.tx != nil {
			if err := r.Heap.NoteEmptied(s.tx); err != nil {
				return err
			}
		}
		if err := s.dropStorage(r); err != nil {
			return err
		}
	}
	if r.Index != nil {
		if err := dropRows[PgIndex](s, PgIndexIndexrelidIndex, OidKey(AttPgIndexIndexrelid, oid)); err != nil {
			return err
		}
		s.InvalidateRelation(r.Index.Table)
	}
	if r.Kind == 'S' {
		if err := dropRows[PgSequence](s, PgSequenceSeqrelidIndex, OidKey(AttPgSequenceSeqrelid, oid)); err != nil {
			return err
		}
	}
	if r.Kind == 'p' {
		if err := dropRows[PgPartitionedTable](s, PgPartitionedTablePartrelidIndex, OidKey(AttPgPartitionedTablePartrelid, oid)); err != nil {
			return err
		}
	}
	if r.PartBound != nil && r.PartBound.IsDefault && r.Parent != 0 {
		if err := s.forgetDefaultPartition(r.Parent, oid); err != nil {
			return err
		}
	}
	if err := dropRows[PgInherits](s, PgInheritsRelidSeqnoIndex, OidKey(AttPgInheritsInhrelid, oid)); err != nil {
		return err
	}
	if err := dropRows[PgStatistic](s, PgStatisticRelidAttInhIndex, OidKey(AttPgStatisticStarelid, oid)); err != nil {
		return err
	}
	if err := dropRows[PgAttribute](s, PgAttributeRelidAttnumIndex, OidKey(AttPgAttributeAttrelid, oid)); err != nil {
		return err
	}
	return dropRows[PgClass](s, PgClassOidIndex, OidKey(AttPgClassOid, oid))
}

// dropRows deletes all rows that meet keys.
func dropRows[T any, P rowPtr[T]](s *Session, index ids.Oid, keys ...Key) error {
	rows, err := fetchAll[T, P](s, index, keys...)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := s.Delete(P(r)); err != nil {
			return err
		}
	}
	return nil
}

// dropColumn makes a column a dropped one: the place stays, the name and type go.
func (s *Session) dropColumn(rel ids.Oid, att int16) error {
	r, err := s.Relation(rel)
	if err != nil {
		return err
	}
	a, err := s.Attribute(rel, att)
	if err != nil {
		return err
	}
	if a == nil || r == nil {
		return pgerr.Internal("cache lookup failed for attribute %d of relation %d", att, rel)
	}
	if s.onDrop.Column != nil {
		if err := s.onDrop.Column(r, att); err != nil {
			return err
		}
	}
	a.Attisdropped, a.Atttypid, a.Attnotnull, a.Attgenerated, a.Attidentity = true, 0, false, 0, 0
	a.Atthasdef, a.Atthasmissing, a.Attmissingval = false, false, types.Null
	a.Attstattarget, a.Attacl, a.Attoptions, a.Attfdwoptions = 0, nil, nil, nil
	a.Attname = fmt.Sprintf("........pg.dropped.%d........", att)
	if err := s.Update(a); err != nil {
		return err
	}
	return dropRows[PgStatistic](s, PgStatisticRelidAttInhIndex, OidKey(AttPgStatisticStarelid, rel), IntKey(AttPgStatisticStaattnum, int64(att)))
}

// lockTriggerTable locks the table of a trigger that is to be dropped.
func (s *Session) lockTriggerTable(oid ids.Oid) error {
	t, err := fetch[PgTrigger](s, PgTriggerOidIndex, OidKey(AttPgTriggerOid, oid))
	if t == nil || err != nil {
		return err
	}
	return s.HoldRelation(t.Tgrelid, locks.AccessExclusive)
}

// dropConstraint removes a constraint's row and what the table's row says of it.
func (s *Session) dropConstraint(oid ids.Oid) error {
	c, err := fetch[PgConstraint](s, PgConstraintOidIndex, OidKey(AttPgConstraintOid, oid))
	if err != nil {
		return err
	}
	if c == nil {
		return pgerr.Internal("cache lookup failed for constraint %d", oid)
	}
	if c.Conrelid != 0 && c.Contype == 'c' {
		t, err := s.ClassRow(c.Conrelid)
		if err != nil {
			return err
		}
		if t != nil && t.Relchecks > 0 {
			t.Relchecks--
			if err := s.Update(t); err != nil {
				return err
			}
		}
	}
	return s.Delete(c)
}

// dropDefault removes a column default.
func (s *Session) dropDefault(oid ids.Oid) error {
	d, err := fetch[PgAttrdef](s, PgAttrdefOidIndex, OidKey(AttPgAttrdefOid, oid))
	if err != nil {
		return err
	}
	if d == nil {
		return pgerr.Internal("could not find tuple for attrdef %d", oid)
	}
	if err := s.Delete(d); err != nil {
		return err
	}
	a, err := s.Attribute(d.Adrelid, d.Adnum)
	if a == nil || err != nil {
		return err
	}
	a.Atthasdef = false
	return s.Update(a)
}

func (s *Session) dropType(oid ids.Oid) error {
	t, err := fetch[PgType](s, PgTypeOidIndex, OidKey(AttPgTypeOid, oid))
	if err != nil {
		return err
	}
	if t == nil {
		return pgerr.Internal("cache lookup failed for type %d", oid)
	}
	switch t.Typtype {
	case 'e':
		err = dropRows[PgEnum](s, PgEnumTypidSortorderIndex, OidKey(AttPgEnumEnumtypid, oid))
	case 'r':
		err = dropRows[PgRange](s, PgRangeRngtypidIndex, OidKey(AttPgRangeRngtypid, oid))
	}
	if err != nil {
		return err
	}
	return s.Delete(t)
}

func (s *Session) dropRule(oid ids.Oid) error {
	r, err := fetch[PgRewrite](s, PgRewriteOidIndex, OidKey(AttPgRewriteOid, oid))
	if err != nil {
		return err
	}
	if r == nil {
		return pgerr.Internal("could not find tuple for rule %d", oid)
	}
	return s.Delete(r)
}

// dropOpMembers removes the operators and functions of an operator family.
func (s *Session) dropOpMembers(o Object) error {
	if o.Class != PgOpfamilyOid {
		return nil
	}
	if err := dropRows[PgAmop](s, PgAmopFamStratIndex, OidKey(AttPgAmopAmopfamily, o.Oid)); err != nil {
		return err
	}
	return dropRows[PgAmproc](s, PgAmprocFamProcIndex, OidKey(AttPgAmprocAmprocfamily, o.Oid))
}

// DeleteComments removes an object's comments; of a whole relation also those of its columns.
func (s *Session) DeleteComments(o Object) error {
	if IsSharedCatalog(o.Class) {
		return dropRows[PgShdescription](s, PgShdescriptionOCIndex, OidKey(AttPgShdescriptionObjoid, o.Oid), OidKey(AttPgShdescriptionClassoid, o.Class))
	}
	keys := []Key{OidKey(AttPgDescriptionObjoid, o.Oid), OidKey(AttPgDescriptionClassoid, o.Class)}
	if o.Sub != 0 {
		keys = append(keys, IntKey(AttPgDescriptionObjsubid, int64(o.Sub)))
	}
	return dropRows[PgDescription](s, PgDescriptionOCOIndex, keys...)
}

// SetComment stores an object's comment, replacing another; nil removes it.
func (s *Session) SetComment(o Object, text *string) error {
	if err := s.deleteCommentOf(o); err != nil || text == nil || *text == "" {
		return err
	}
	if IsSharedCatalog(o.Class) {
		return s.Insert(&PgShdescription{Objoid: o.Oid, Classoid: o.Class, Description: *text})
	}
	return s.Insert(&PgDescription{Objoid: o.Oid, Classoid: o.Class, Objsubid: o.Sub, Description: *text})
}

// deleteCommentOf removes the comment of just this object.
func (s *Session) deleteCommentOf(o Object) error {
	if IsSharedCatalog(o.Class) {
		return s.DeleteComments(o)
	}
	return dropRows[PgDescription](s, PgDescriptionOCOIndex, OidKey(AttPgDescriptionObjoid, o.Oid),
		OidKey(AttPgDescriptionClassoid, o.Class), IntKey(AttPgDescriptionObjsubid, int64(o.Sub)))
}

// Comment returns an object's comment, nil when it has none.
func (s *Session) Comment(o Object) (*string, error) {
	if IsSharedCatalog(o.Class) {
		d, err := fetch[PgShdescription](s, PgShdescriptionOCIndex, OidKey(AttPgShdescriptionObjoid, o.Oid), OidKey(AttPgShdescriptionClassoid, o.Class))
		if d == nil || err != nil {
			return nil, err
		}
		return &d.Description, nil
	}
	d, err := fetch[PgDescription](s, PgDescriptionOCOIndex, OidKey(AttPgDescriptionObjoid, o.Oid),
		OidKey(AttPgDescriptionClassoid, o.Class), IntKey(AttPgDescriptionObjsubid, int64(o.Sub)))
	if d == nil || err != nil {
		return nil, err
	}
	return &d.Description, nil
}

// Attribute returns the pg_attribute row of a column, past the caches; nil when there is none.
func (s *Session) Attribute(rel ids.Oid, att int16) (*PgAttribute, error) {
	return fetch[PgAttribute](s, PgAttributeRelidAttnumIndex, OidKey(AttPgAttributeAttrelid, rel), IntKey(AttPgAttributeAttnum, int64(att)))
}

// ClassRow returns the pg_class row of a relation, past the caches; nil when there is none.
func (s *Session) ClassRow(rel ids.Oid) (*PgClass, error) {
	return fetch[PgClass](s, PgClassOidIndex, OidKey(AttPgClassOid, rel))
}

// IncrementCommand ends the current command, so that what it wrote can be read.
func (s *Session) IncrementCommand() error {
	if s.tx == nil {
		s.over.endCommand()
		return nil
	}
	return s.tx.IncrementCommand()
}

// dropStorage makes a relation's files go at commit.
func (s *Session) dropStorage(r *Relation) error {
	if s.tx == nil {
		return nil
	}
	if r.Index != nil && r.Index.Btree != nil {
		r.Index.Btree.NoteGone(s.tx, r.Index.Table)
	}
	s.tx.DropFile(r.File)
	return nil
}
