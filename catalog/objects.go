package catalog

import (
	"fmt"

	"gompho/internal/ids"
)

// The lookups of this file return nil, nil when there is no such object.

// Relation returns the descriptor of a relation. The caller should hold a lock on it.
func (s *Session) Relation(oid ids.Oid) (*Relation, error) {
	k := keyOid(relCache, oid)
	if v, ok := s.peekRelation(&k, oid); ok {
		return v, nil
	}
	v, err := s.fillRelation(&k, oid)
	r, _ := v.(*Relation)
	return r, err
}

func (s *Session) peekRelation(k *cacheKey, oid ids.Oid) (*Relation, bool) {
	if len(s.over.dirty) > 0 && s.isDirty(k) {
		s.checkOverlay()
		v, ok := s.over.entries[*k]
		r, _ := v.(*Relation)
		return r, ok
	}
	v, ok := s.cache.get(k)
	r, _ := v.(*Relation)
	return r, ok
}

func (s *Session) fillRelation(k *cacheKey, oid ids.Oid) (any, error) {
	if oid < firstUnpinned {
		r := s.cat.facts.relations[oid]
		if r == nil {
			return nil, nil
		}
		gen := s.cache.generation.Load()
		d := r.forDB(s.db)
		if err := s.findFiles(d); err != nil {
			return nil, err
		}
		if err := s.attach(d); err != nil {
			return nil, err
		}
		if s.isDirty(k) {
			s.over.entries[*k] = d
			return d, nil
		}
		return s.cache.put(k, d, gen), nil
	}
	return s.fill(k, func() (any, error) {
		r, err := s.loadRelation(oid)
		return r, err
	})
}

// RelationOid returns the Oid of the relation of that name in a schema, 0 when there is none.
func (s *Session) RelationOid(namespace ids.Oid, name string) (ids.Oid, error) {
	c, err := one[PgClass](s, cacheKey{id: relByName, n: [4]uint32{uint32(namespace)}, s: name})
	if c == nil {
		return 0, err
	}
	return c.Oid, err
}

// Proc returns a function, procedure or aggregate.
func (s *Session) Proc(oid ids.Oid) (*Proc, error) { return one[Proc](s, keyOid(procByOid, oid)) }

// Procs returns all functions of a name, in all schemas.
func (s *Session) Procs(name string) ([]*Proc, error) {
	return many[Proc](s, keyName(procsByName, name))
}

// BuiltinName returns the name under which a built-in function is registered: pg_proc.prosrc, or for an aggregate its name
// with its argument types, as sum(int4) or count().
func (s *Session) BuiltinName(p *Proc) string {
	if p.Prokind != 'a' {
		return p.Prosrc
	}
	b := append([]byte(p.Proname), '(')
	for i, t := range p.Proargtypes {
		if i > 0 {
			b = append(b, ',')
		}
		if row, err := s.TypeRow(t); row != nil && err == nil {
			b = append(b, row.Typname...)
		}
	}
	return string(append(b, ')'))
}

// Aggregate returns the pg_aggregate row of an aggregate function.
func (s *Session) Aggregate(fn ids.Oid) (*Aggregate, error) {
	return one[PgAggregate](s, keyOid(byAggFn, fn))
}

// Operator returns an operator.
func (s *Session) Operator(oid ids.Oid) (*Operator, error) {
	return one[PgOperator](s, keyOid(operByOid, oid))
}

// Operators returns all operators of a name, in all schemas.
func (s *Session) Operators(name string) ([]*Operator, error) {
	return many[PgOperator](s, keyName(opersByName, name))
}

// Cast returns the cast from one type to another.
func (s *Session) Cast(source, target ids.Oid) (*Cast, error) {
	return one[PgCast](s, cacheKey{id: castBySourceTarget, n: [4]uint32{uint32(source), uint32(target)}})
}

// CastsFrom returns all casts from a type.
func (s *Session) CastsFrom(source ids.Oid) ([]*Cast, error) {
	return many[PgCast](s, keyOid(castsBySource, source))
}

// TypeRow returns the pg_type row of a type.
func (s *Session) TypeRow(oid ids.Oid) (*PgType, error) {
	return one[PgType](s, keyOid(typeByOid, oid))
}

// TypeRowByName returns the pg_type row of the type of that name in a schema.
func (s *Session) TypeRowByName(namespace ids.Oid, name string) (*PgType, error) {
	return one[PgType](s, cacheKey{id: typeByName, n: [4]uint32{uint32(namespace)}, s: name})
}

// Range returns the pg_range row of a range type.
func (s *Session) Range(typ ids.Oid) (*Range, error) {
	return one[PgRange](s, keyOid(rangeByType, typ))
}

// Enums returns the labels of an enum type in their order.
func (s *Session) Enums(typ ids.Oid) ([]*Enum, error) {
	return many[PgEnum](s, keyOid(enumsByType, typ))
}

// Enum returns one label of an enum type.
func (s *Session) Enum(oid ids.Oid) (*Enum, error) { return one[PgEnum](s, keyOid(enumByOid, oid)) }

// Am returns an access method.
func (s *Session) Am(oid ids.Oid) (*Am, error) { return one[PgAm](s, keyOid(byAmOid, oid)) }

// AmByName returns an access method.
func (s *Session) AmByName(name string) (*Am, error) { return one[PgAm](s, keyName(byAmName, name)) }

// OpClass returns an operator class.
func (s *Session) OpClass(oid ids.Oid) (*OpClass, error) {
	return one[PgOpclass](s, keyOid(opclassByOid, oid))
}

// OpClasses returns the operator classes of an access method that have a name, in all schemas.
func (s *Session) OpClasses(am ids.Oid, name string) ([]*OpClass, error) {
	return many[PgOpclass](s, cacheKey{id: opclassesByAmName, n: [4]uint32{uint32(am)}, s: name})
}

// OpFamily returns an operator family.
func (s *Session) OpFamily(oid ids.Oid) (*OpFamily, error) {
	return one[PgOpfamily](s, keyOid(opfamilyByOid, oid))
}

// AmOp returns the member of an operator family for a strategy and a pair of types.
func (s *Session) AmOp(family, left, right ids.Oid, strategy int16) (*AmOp, error) {
	return one[PgAmop](s, cacheKey{id: amopByStrategy, n: [4]uint32{uint32(family), uint32(left), uint32(right), uint32(strategy)}})
}

// AmOpsOf returns the memberships of an operator in operator families.
func (s *Session) AmOpsOf(operator ids.Oid) ([]*AmOp, error) {
	return many[PgAmop](s, keyOid(amopsByOperator, operator))
}

// AmOpsIn returns the operators of an operator family.
func (s *Session) AmOpsIn(family ids.Oid) ([]*AmOp, error) {
	return many[PgAmop](s, keyOid(amopsByFamily, family))
}

// AmProc returns the support function of an operator family for a pair of types.
func (s *Session) AmProc(family, left, right ids.Oid, num int16) (*AmProc, error) {
	return one[PgAmproc](s, cacheKey{id: amprocByNum, n: [4]uint32{uint32(family), uint32(left), uint32(right), uint32(num)}})
}

// Collation returns a collation.
func (s *Session) Collation(oid ids.Oid) (*Collation, error) {
	return one[PgCollation](s, keyOid(collByOid, oid))
}

// Collations returns the collations of a name, in all schemas and encodings.
func (s *Session) Collations(name string) ([]*Collation, error) {
	return many[PgCollation](s, keyName(collsByName, name))
}

// Namespace returns a schema.
func (s *Session) Namespace(oid ids.Oid) (*Namespace, error) {
	return one[PgNamespace](s, keyOid(nspByOid, oid))
}

// NamespaceByName returns a schema.
func (s *Session) NamespaceByName(name string) (*Namespace, error) {
	return one[PgNamespace](s, keyName(nspByName, name))
}

// Role returns a role.
func (s *Session) Role(oid ids.Oid) (*Role, error) { return one[PgAuthid](s, keyOid(byAuthOid, oid)) }

// RoleByName returns a role.
func (s *Session) RoleByName(name string) (*Role, error) {
	return one[PgAuthid](s, keyName(byAuthName, name))
}

// MembershipsOf returns the roles that a role is a member of.
func (s *Session) MembershipsOf(member ids.Oid) ([]*PgAuthMembers, error) {
	return many[PgAuthMembers](s, keyOid(membersByMember, member))
}

// MembersOf returns the members of a role.
func (s *Session) MembersOf(role ids.Oid) ([]*PgAuthMembers, error) {
	return many[PgAuthMembers](s, keyOid(membersByRole, role))
}

// DatabaseRow returns a database.
func (s *Session) DatabaseRow(oid ids.Oid) (*Database, error) {
	return one[PgDatabase](s, keyOid(dbByOid, oid))
}

// DatabaseByName returns a database.
func (s *Session) DatabaseByName(name string) (*Database, error) {
	return one[PgDatabase](s, keyName(dbByName, name))
}

// Tablespace returns a tablespace.
func (s *Session) Tablespace(oid ids.Oid) (*Tablespace, error) {
	return one[PgTablespace](s, keyOid(tablespaceByOid, oid))
}

// TablespaceByName returns a tablespace.
func (s *Session) TablespaceByName(name string) (*Tablespace, error) {
	return one[PgTablespace](s, keyName(tablespaceByName, name))
}

// Language returns a procedural language.
func (s *Session) Language(oid ids.Oid) (*Language, error) {
	return one[PgLanguage](s, keyOid(langByOid, oid))
}

// LanguageByName returns a procedural language.
func (s *Session) LanguageByName(name string) (*Language, error) {
	return one[PgLanguage](s, keyName(langByName, name))
}

// Constraint returns a constraint.
func (s *Session) Constraint(oid ids.Oid) (*Constraint, error) {
	return one[PgConstraint](s, keyOid(constraintByOid, oid))
}

// ConstraintsOf returns the constraints of a relation, by name.
func (s *Session) ConstraintsOf(rel ids.Oid) ([]*Constraint, error) {
	return many[PgConstraint](s, keyOid(constraintsByRel, rel))
}

// DomainConstraints returns the constraints of a domain.
func (s *Session) DomainConstraints(typ ids.Oid) ([]*Constraint, error) {
	return many[PgConstraint](s, keyOid(constraintsByType, typ))
}

// Children returns the pg_inherits rows of the relations that inherit from one.
func (s *Session) Children(rel ids.Oid) ([]*PgInherits, error) {
	return many[PgInherits](s, keyOid(childrenByParent, rel))
}

// Parents returns the pg_inherits rows of the relations that one inherits from.
func (s *Session) Parents(rel ids.Oid) ([]*PgInherits, error) {
	return many[PgInherits](s, keyOid(parentsByChild, rel))
}

// Sequence returns the pg_sequence row of a sequence.
func (s *Session) Sequence(rel ids.Oid) (*PgSequence, error) {
	return one[PgSequence](s, keyOid(seqByOid, rel))
}

// Statistic returns what ANALYZE knows of a column.
func (s *Session) Statistic(rel ids.Oid, att int16, inherited bool) (*Statistic, error) {
	k := cacheKey{id: statByAtt, n: [4]uint32{uint32(rel), uint32(uint16(att))}}
	if inherited {
		k.n[2] = 1
	}
	return one[PgStatistic](s, k)
}

// RoleSettings returns the "name=value" settings that ALTER DATABASE or ALTER ROLE has stored; 0 stands for any.
func (s *Session) RoleSettings(db, role ids.Oid) ([]string, error) {
	r, err := one[PgDbRoleSetting](s, cacheKey{id: roleSettings, n: [4]uint32{uint32(db), uint32(role)}})
	if r == nil {
		return nil, err
	}
	return r.Setconfig, err
}

// DefaultOpClass returns the default operator class of an access method for a type: of the type itself, or of a type that
// it is binary coercible to; 0 when there is none.
func (s *Session) DefaultOpClass(typ, am ids.Oid) (ids.Oid, error) {
	classes, err := s.amClasses(am)
	if err != nil {
		return 0, err
	}
	t, err := s.BaseType(typ)
	if err != nil {
		return 0, err
	}
	row, err := s.TypeRow(t)
	if row == nil || err != nil {
		return 0, err
	}
	var binary, preferred ids.Oid
	nBinary := 0
	for _, c := range classes {
		if !c.Opcdefault {
			continue
		}
		if c.Opcintype == t {
			return c.Oid, nil
		}
		ok, err := s.binaryCoercible(row, c.Opcintype)
		if err != nil {
			return 0, err
		}
		if !ok {
			continue
		}
		if in, err := s.TypeRow(c.Opcintype); err != nil {
			return 0, err
		} else if in.Typispreferred && in.Typcategory == row.Typcategory {
			preferred = c.Oid
		}
		binary = c.Oid
		nBinary++
	}
	if preferred != 0 {
		return preferred, nil
	}
	if nBinary == 1 {
		return binary, nil
	}
	return 0, nil
}

// amClasses returns all operator classes of an access method.
func (s *Session) amClasses(am ids.Oid) ([]*OpClass, error) {
	var out []*OpClass
	for _, v := range s.cat.facts.classes {
		if v.Opcmethod == am {
			out = append(out, v)
		}
	}
	err := each(s, PgOpclassAmNameNspIndex, func(c *PgOpclass) (bool, error) {
		if c.Oid >= firstUnpinned {
			out = append(out, copyRow(c))
		}
		return true, nil
	}, OidKey(AttPgOpclassOpcmethod, am))
	return out, err
}

// BaseType returns the type under a domain, through all levels; other types are themselves.
func (s *Session) BaseType(typ ids.Oid) (ids.Oid, error) {
	for {
		t, err := s.TypeRow(typ)
		if t == nil || err != nil || t.Typtype != 'd' {
			return typ, err
		}
		typ = t.Typbasetype
	}
}

// BinaryCoercible reports whether values of one type are values of another without conversion.
func (s *Session) BinaryCoercible(from, to ids.Oid) (bool, error) {
	if from == to {
		return true, nil
	}
	base, err := s.BaseType(from)
	if err != nil {
		return false, err
	}
	t, err := s.TypeRow(base)
	if t == nil || err != nil {
		return false, err
	}
	return s.binaryCoercible(t, to)
}

const (
	anyOid             ids.Oid = 2276
	anyArrayOid        ids.Oid = 2277
	anyElementOid      ids.Oid = 2283
	anyNonArrayOid     ids.Oid = 2776
	anyEnumOid         ids.Oid = 3500
	anyRangeOid        ids.Oid = 3831
	anyMultirangeOid   ids.Oid = 4537
	anyCompatible      ids.Oid = 5077
	anyCompatibleArray ids.Oid = 5078
	anyCompatibleNon   ids.Oid = 5079
	anyCompatibleRange ids.Oid = 5080
	anyCompatibleMulti ids.Oid = 4538
	recordOid          ids.Oid = 2249
	recordArrayOid     ids.Oid = 2287
)

// binaryCoercible is BinaryCoercible for a type that is no domain.
func (s *Session) binaryCoercible(t *PgType, to ids.Oid) (bool, error) {
	if t.Oid == to {
		return true, nil
	}
	isArray := t.Typelem != 0 && t.Typsubscript == arraySubscriptHandler
	switch to {
	case anyOid, anyElementOid, anyCompatible:
		return true, nil
	case anyArrayOid, anyCompatibleArray:
		if isArray {
			return true, nil
		}
	case anyNonArrayOid, anyCompatibleNon:
		if !isArray {
			return true, nil
		}
	case anyEnumOid:
		if t.Typtype == 'e' {
			return true, nil
		}
	case anyRangeOid, anyCompatibleRange:
		if t.Typtype == 'r' {
			return true, nil
		}
	case anyMultirangeOid, anyCompatibleMulti:
		if t.Typtype == 'm' {
			return true, nil
		}
	case recordOid:
		if t.Typtype == 'c' {
			return true, nil
		}
	case recordArrayOid:
		if isArray {
			if e, err := s.TypeRow(t.Typelem); err != nil || e != nil && e.Typtype == 'c' {
				return true, err
			}
		}
	}
	c, err := s.Cast(t.Oid, to)
	return c != nil && c.Castmethod == 'b' && c.Castcontext == 'i', err
}

// arraySubscriptHandler is pg_type.typsubscript of true arrays.
const arraySubscriptHandler ids.Oid = 6179

// Explain tells where the descriptor of a relation comes from, for debugging.
func (s *Session) Explain(rel ids.Oid) string {
	k := keyOid(relCache, rel)
	_, cached := s.cache.get(&k)
	where := "read from the catalogs at the next look"
	switch {
	case rel >= firstUnpinned && s.isDirty(&k):
		where = "the session's overlay: its transaction has changed it"
	case cached:
		where = "the shared cache of the database"
	case rel < firstUnpinned:
		where = "the facts of built-ins at the next look"
	}
	return fmt.Sprintf("relation %d: %s (generation %d)", rel, where, s.Generation())
}
