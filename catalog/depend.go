package catalog

import (
	"slices"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/query"
)

// Object is the address of something that can be depended on: the catalog it is in, its Oid there, and a column number
// when it is a column of a relation.
type Object struct {
	Class ids.Oid
	Oid   ids.Oid
	Sub   int32
}

// RelationObject, ColumnObject and their like make addresses.

// RelationObject is the address of a relation.
func RelationObject(oid ids.Oid) Object { return Object{Class: PgClassOid, Oid: oid} }

// ColumnObject is the address of a column.
func ColumnObject(rel ids.Oid, att int16) Object { return Object{PgClassOid, rel, int32(att)} }

// DepType is the kind of a dependency, as in pg_depend.deptype.
type DepType byte

const (
	DepNormal        DepType = 'n' // the referenced object can be dropped with CASCADE only
	DepAuto          DepType = 'a' // the dependent object goes with the referenced one
	DepInternal      DepType = 'i' // the dependent object is part of the referenced one
	DepPartitionPri  DepType = 'P'
	DepPartitionSec  DepType = 'S'
	DepExtension     DepType = 'e'
	DepAutoExtension DepType = 'x'
)

// isPinned reports whether an object is part of the system and needs no dependencies recorded. The schema public and
// the initial databases are not.
func isPinned(o Object) bool {
	if o.Oid >= firstUnpinned {
		return false
	}
	switch o.Class {
	case PgNamespaceOid:
		return o.Oid != ids.PublicNamespace
	case PgDatabaseOid, PgLargeobjectOid:
		return false
	}
	return true
}

// RecordDependency stores that dependent needs referenced.
func (s *Session) RecordDependency(dependent, referenced Object, kind DepType) error {
	if s.boot && dependent.Oid < firstUnpinned || isPinned(referenced) || referenced.Oid == 0 {
		return nil
	}
	return s.Insert(&PgDepend{Classid: dependent.Class, Objid: dependent.Oid, Objsubid: dependent.Sub,
		Refclassid: referenced.Class, Refobjid: referenced.Oid, Refobjsubid: referenced.Sub, Deptype: byte(kind)})
}

// RecordDependencies stores that dependent needs each of referenced, once each.
func (s *Session) RecordDependencies(dependent Object, referenced []Object, kind DepType) error {
	for _, r := range uniqueObjects(referenced) {
		if err := s.RecordDependency(dependent, r, kind); err != nil {
			return err
		}
	}
	return nil
}

// uniqueObjects sorts objects and drops repetitions, and relations as a whole of which columns are there.
func uniqueObjects(l []Object) []Object {
	out := slices.Clone(l)
	slices.SortFunc(out, func(a, b Object) int {
		switch {
		case a.Oid != b.Oid:
			return cmpUint(uint32(b.Oid), uint32(a.Oid))
		case a.Class != b.Class:
			return cmpUint(uint32(a.Class), uint32(b.Class))
		}
		return cmpUint(uint32(a.Sub), uint32(b.Sub))
	})
	out = slices.Compact(out)
	kept := out[:0]
	for i, o := range out {
		if o.Sub == 0 && i+1 < len(out) && out[i+1].Oid == o.Oid && out[i+1].Class == o.Class {
			continue
		}
		kept = append(kept, o)
	}
	return kept
}

func cmpUint(a, b uint32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// RecordExprDependencies stores that dependent needs what an expression or query refers to: functions, operators, types,
// relations and columns. Vars of level 0 with Varno 1 are columns of rel when rel is not 0 (an expression over one table);
// those references get kind self, all others kind.
func (s *Session) RecordExprDependencies(dependent Object, n query.Node, rel ids.Oid, kind, self DepType) error {
	refs := s.References(n, rel)
	var own, other []Object
	for _, r := range refs {
		if rel != 0 && r.Class == PgClassOid && r.Oid == rel {
			own = append(own, r)
		} else {
			other = append(other, r)
		}
	}
	if err := s.RecordDependencies(dependent, other, kind); err != nil {
		return err
	}
	return s.RecordDependencies(dependent, own, self)
}

// DependenciesOf returns the pg_depend rows of what an object needs.
func (s *Session) DependenciesOf(o Object) ([]*PgDepend, error) {
	rows, err := fetchAll[PgDepend](s, PgDependDependerIndex, OidKey(AttPgDependClassid, o.Class), OidKey(AttPgDependObjid, o.Oid))
	if o.Sub == 0 || err != nil {
		return rows, err
	}
	return slices.DeleteFunc(rows, func(d *PgDepend) bool { return d.Objsubid != o.Sub }), nil
}

// DependentsOf returns the pg_depend rows of what needs an object; of a relation without Sub, also of what needs its columns.
func (s *Session) DependentsOf(o Object) ([]*PgDepend, error) {
	rows, err := fetchAll[PgDepend](s, PgDependReferenceIndex, OidKey(AttPgDependRefclassid, o.Class), OidKey(AttPgDependRefobjid, o.Oid))
	if o.Sub == 0 || err != nil {
		return rows, err
	}
	return slices.DeleteFunc(rows, func(d *PgDepend) bool { return d.Refobjsubid != o.Sub }), nil
}

// DeleteDependencies removes what is recorded of an object's needs. With keepExtension membership in an extension stays.
func (s *Session) DeleteDependencies(o Object, keepExtension bool) error {
	rows, err := s.DependenciesOf(o)
	if err != nil {
		return err
	}
	for _, d := range rows {
		if keepExtension && DepType(d.Deptype) == DepExtension {
			continue
		}
		if err := s.Delete(d); err != nil {
			return err
		}
	}
	return nil
}

// ChangeDependency makes the dependencies of dependent on old point to new (of the same class) and returns how many.
func (s *Session) ChangeDependency(dependent Object, class, old, new ids.Oid) (int, error) {
	rows, err := s.DependenciesOf(dependent)
	n := 0
	for _, d := range rows {
		if d.Refclassid != class || d.Refobjid != old {
			continue
		}
		d.Refobjid = new
		if err := s.Update(d); err != nil {
			return n, err
		}
		n++
	}
	return n, err
}

// sharedDB returns the database that pg_shdepend rows of an object name: 0 for objects of shared catalogs.
func (s *Session) sharedDB(class ids.Oid) ids.Oid {
	if IsSharedCatalog(class) {
		return 0
	}
	return s.db
}

// Kinds of pg_shdepend rows.
const (
	SharedOwner      byte = 'o'
	SharedAcl        byte = 'a'
	SharedPolicy     byte = 'r'
	SharedTablespace byte = 't'
)

// RecordOwner stores that an object belongs to a role.
func (s *Session) RecordOwner(o Object, owner ids.Oid) error {
	return s.recordShared(o, PgAuthidOid, owner, SharedOwner)
}

// RecordTablespace stores that a relation without storage of its own is meant for a tablespace.
func (s *Session) RecordTablespace(o Object, spc ids.Oid) error {
	return s.recordShared(o, PgTablespaceOid, spc, SharedTablespace)
}

func (s *Session) recordShared(o Object, class, oid ids.Oid, kind byte) error {
	if s.boot || isPinned(Object{Class: class, Oid: oid}) || oid == 0 {
		return nil
	}
	if err := s.keepShared(class, oid); err != nil {
		return err
	}
	return s.Insert(&PgShdepend{Dbid: s.sharedDB(o.Class), Classid: o.Class, Objid: o.Oid, Objsubid: o.Sub,
		Refclassid: class, Refobjid: oid, Deptype: kind})
}

// keepShared keeps a role or a tablespace from being dropped until the transaction ends. 42704 when it is gone already.
func (s *Session) keepShared(class, oid ids.Oid) error {
	if s.locks == nil {
		return nil
	}
	tag := locks.ObjectTag(0, class, oid, 0)
	if s.locks.Holds(tag, locks.AccessShare) || s.locks.Holds(tag, locks.AccessExclusive) {
		return nil
	}
	if err := s.locks.Acquire(tag, locks.AccessShare, locks.Opts{}); err != nil {
		return err
	}
	if class != PgAuthidOid {
		return nil
	}
	r, err := s.Role(oid)
	if r == nil && err == nil {
		err = pgerr.New(pgerr.UndefinedObject, "role %d was concurrently dropped", oid)
	}
	return err
}

// sharedDependencies returns the pg_shdepend rows of an object; of a relation without Sub also those of its columns.
func (s *Session) sharedDependencies(o Object) ([]*PgShdepend, error) {
	rows, err := fetchAll[PgShdepend](s, PgShdependDependerIndex, OidKey(AttPgShdependDbid, s.sharedDB(o.Class)),
		OidKey(AttPgShdependClassid, o.Class), OidKey(AttPgShdependObjid, o.Oid))
	if o.Sub == 0 || err != nil {
		return rows, err
	}
	return slices.DeleteFunc(rows, func(d *PgShdepend) bool { return d.Objsubid != o.Sub }), nil
}

// ChangeOwner makes an object's owner dependency point to another role. RecordAcl has to follow: the new owner is in no list's dependencies.
func (s *Session) ChangeOwner(o Object, owner ids.Oid) error {
	rows, err := s.sharedDependencies(o)
	if err != nil {
		return err
	}
	for _, d := range rows {
		if d.Refclassid == PgAuthidOid && d.Deptype == SharedOwner {
			if err := s.Delete(d); err != nil {
				return err
			}
		}
	}
	return s.RecordOwner(o, owner)
}

// RecordAcl stores that an object's access control list names roles; it replaces what was stored before.
func (s *Session) RecordAcl(o Object, owner ids.Oid, acl []AclItem) error {
	rows, err := s.sharedDependencies(o)
	if err != nil {
		return err
	}
	for _, d := range rows {
		if d.Deptype == SharedAcl && d.Objsubid == o.Sub {
			if err := s.Delete(d); err != nil {
				return err
			}
		}
	}
	var roles []ids.Oid
	for _, a := range acl {
		for _, r := range []ids.Oid{a.Grantee, a.Grantor} {
			if r != 0 && r != owner && !contains(roles, r) {
				roles = append(roles, r)
			}
		}
	}
	slices.Sort(roles)
	for _, r := range roles {
		if err := s.recordShared(o, PgAuthidOid, r, SharedAcl); err != nil {
			return err
		}
	}
	return nil
}

// deleteSharedDependencies removes the pg_shdepend rows of an object that goes.
func (s *Session) deleteSharedDependencies(o Object) error {
	rows, err := s.sharedDependencies(o)
	for _, d := range rows {
		if err := s.Delete(d); err != nil {
			return err
		}
	}
	return err
}

// SharedDependentsOf returns the pg_shdepend rows, of all databases, of what needs a shared object.
func (s *Session) SharedDependentsOf(class, oid ids.Oid) ([]*PgShdepend, error) {
	return fetchAll[PgShdepend](s, PgShdependReferenceIndex, OidKey(AttPgShdependRefclassid, class), OidKey(AttPgShdependRefobjid, oid))
}
