package catalog

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

// SetDefault stores a column's default or generation expression, replacing another; nil removes it. The dependencies of the
// expression are recorded. The caller ends the command.
func (s *Session) SetDefault(rel ids.Oid, att int16, expr query.Expr) (ids.Oid, error) {
	old, err := fetch[PgAttrdef](s, PgAttrdefAdrelidAdnumIndex, OidKey(AttPgAttrdefAdrelid, rel), IntKey(AttPgAttrdefAdnum, int64(att)))
	if err != nil {
		return 0, err
	}
	if old != nil {
		// Not by PerformDeletion: the expression of a generated column is an internal part of the column.
		if err := s.DeleteDependencies(Object{Class: PgAttrdefOid, Oid: old.Oid}, false); err != nil {
			return 0, err
		}
		if err := s.Delete(old); err != nil {
			return 0, err
		}
	}
	a, err := s.Attribute(rel, att)
	if err != nil {
		return 0, err
	}
	if expr == nil {
		if a != nil && a.Atthasdef {
			a.Atthasdef = false
			return 0, s.Update(a)
		}
		return 0, nil
	}
	if a == nil {
		return 0, pgerr.Internal("cache lookup failed for attribute %d of relation %d", att, rel)
	}
	oid, err := s.NewObjectOid(PgAttrdefOid)
	if err != nil {
		return 0, err
	}
	if err := s.Insert(&PgAttrdef{Oid: oid, Adrelid: rel, Adnum: att, Adbin: query.Encode(expr)}); err != nil {
		return 0, err
	}
	if !a.Atthasdef {
		a.Atthasdef = true
		if err := s.Update(a); err != nil {
			return 0, err
		}
	}
	me, col := Object{Class: PgAttrdefOid, Oid: oid}, ColumnObject(rel, att)
	kind := DepAuto
	if a.Attgenerated != 0 {
		kind = DepInternal
	}
	if err := s.RecordDependency(me, col, kind); err != nil {
		return 0, err
	}
	return oid, s.RecordExprDependencies(me, expr, rel, DepNormal, DepNormal)
}

// NewConstraint says what constraint to create. Fields are those of pg_constraint; the expression is of CHECK.
type NewConstraint struct {
	PgConstraint
	Expr query.Expr
}

// CreateConstraint inserts a constraint's row with its dependencies and, for a CHECK constraint of a table, counts it in pg_class. It
// makes the index of a PRIMARY KEY or UNIQUE constraint (Conindid) part of the constraint.
func (s *Session) CreateConstraint(n *NewConstraint) (ids.Oid, error) {
	c := n.PgConstraint
	var err error
	if c.Oid, err = s.NewObjectOid(PgConstraintOid); err != nil {
		return 0, err
	}
	if n.Expr != nil {
		c.Conbin = Str(query.Encode(n.Expr))
	}
	if c.Contype != 'f' {
		// PostgreSQL keeps blanks here where a foreign key has its actions.
		for _, b := range []*byte{&c.Confupdtype, &c.Confdeltype, &c.Confmatchtype} {
			if *b == 0 {
				*b = ' '
			}
		}
	}
	if err := s.Insert(&c); err != nil {
		return 0, err
	}
	if err := s.recordConstraint(&c, n.Expr); err != nil {
		return 0, err
	}
	if c.Conrelid != 0 && c.Contype == 'c' {
		t, err := s.ClassRow(c.Conrelid)
		if t == nil || err != nil {
			return 0, err
		}
		t.Relchecks++
		if err := s.Update(t); err != nil {
			return 0, err
		}
	}
	return c.Oid, nil
}

func (s *Session) recordConstraint(c *PgConstraint, expr query.Expr) error {
	me := Object{Class: PgConstraintOid, Oid: c.Oid}
	switch {
	case c.Conrelid != 0 && len(c.Conkey) > 0:
		var cols []Object
		for _, k := range c.Conkey {
			if k != 0 {
				cols = append(cols, ColumnObject(c.Conrelid, k))
			}
		}
		if err := s.RecordDependencies(me, cols, DepAuto); err != nil {
			return err
		}
	case c.Conrelid != 0:
		if err := s.RecordDependency(me, RelationObject(c.Conrelid), DepAuto); err != nil {
			return err
		}
	case c.Contypid != 0:
		if err := s.RecordDependency(me, Object{Class: PgTypeOid, Oid: c.Contypid}, DepAuto); err != nil {
			return err
		}
	}
	if c.Confrelid != 0 {
		var refs []Object
		for _, k := range c.Confkey {
			refs = append(refs, ColumnObject(c.Confrelid, k))
		}
		if len(refs) == 0 {
			refs = append(refs, RelationObject(c.Confrelid))
		}
		if err := s.RecordDependencies(me, refs, DepNormal); err != nil {
			return err
		}
	}
	if c.Conindid != 0 && c.Contype == 'f' {
		if err := s.RecordDependency(me, RelationObject(c.Conindid), DepNormal); err != nil {
			return err
		}
	}
	if c.Conindid != 0 && (c.Contype == 'p' || c.Contype == 'u' || c.Contype == 'x') {
		if err := s.RecordDependency(RelationObject(c.Conindid), me, DepInternal); err != nil {
			return err
		}
		s.InvalidateRelation(c.Conindid)
	}
	for _, l := range [][]ids.Oid{c.Conpfeqop, c.Conppeqop, c.Conffeqop, c.Conexclop} {
		for _, op := range l {
			if err := s.RecordDependency(me, Object{Class: PgOperatorOid, Oid: op}, DepNormal); err != nil {
				return err
			}
		}
	}
	if expr != nil {
		return s.RecordExprDependencies(me, expr, c.Conrelid, DepNormal, DepNormal)
	}
	return nil
}

// CreateNamespace inserts a schema. 42P06 when the name is in use.
func (s *Session) CreateNamespace(name string, owner ids.Oid, acl []AclItem, temp bool) (ids.Oid, error) {
	if n, err := s.NamespaceByName(name); err != nil {
		return 0, err
	} else if n != nil {
		return 0, pgerr.New(pgerr.DuplicateSchema, "schema %q already exists", name)
	}
	oid, err := s.NewObjectOid(PgNamespaceOid)
	if err != nil {
		return 0, err
	}
	if acl == nil && !temp {
		if acl, err = s.NewObjectAcl(DefaclNamespace, owner, 0); err != nil {
			return 0, err
		}
	}
	if err := s.Insert(&PgNamespace{Oid: oid, Nspname: name, Nspowner: owner, Nspacl: acl}); err != nil {
		return 0, err
	}
	me := Object{Class: PgNamespaceOid, Oid: oid}
	if err := s.RecordOwner(me, owner); err != nil {
		return 0, err
	}
	return oid, s.RecordAcl(me, owner, acl)
}

// CreateRule inserts a rule and sets pg_class.relhasrules. For the rule _RETURN of a view, query is the view's.
func (s *Session) CreateRule(rel ids.Oid, name string, event byte, instead bool, qual query.Expr, action *query.Query, replace bool) (ids.Oid, error) {
	old, err := fetch[PgRewrite](s, PgRewriteRelRulenameIndex, OidKey(AttPgRewriteEvClass, rel), NameKey(AttPgRewriteRulename, name))
	if err != nil {
		return 0, err
	}
	row := &PgRewrite{Rulename: name, EvClass: rel, EvType: event, EvEnabled: 'O', IsInstead: instead, EvQual: "<>",
		EvAction: query.Encode(action)}
	if qual != nil {
		row.EvQual = query.Encode(qual)
	}
	if old != nil {
		if !replace {
			return 0, pgerr.New(pgerr.DuplicateObject, "rule %q for relation %q already exists", name, s.relName(rel))
		}
		row.Oid = old.Oid
		row.rowTID = old.place()
		if err := s.Update(row); err != nil {
			return 0, err
		}
		if err := s.DeleteDependencies(Object{Class: PgRewriteOid, Oid: row.Oid}, false); err != nil {
			return 0, err
		}
	} else {
		if row.Oid, err = s.NewObjectOid(PgRewriteOid); err != nil {
			return 0, err
		}
		if err := s.Insert(row); err != nil {
			return 0, err
		}
	}
	if err := s.recordRule(row, qual, action); err != nil {
		return 0, err
	}
	c, err := s.ClassRow(rel)
	if c == nil || err != nil {
		return 0, err
	}
	s.InvalidateRelation(rel)
	if !c.Relhasrules {
		c.Relhasrules = true
		return row.Oid, s.Update(c)
	}
	return row.Oid, nil
}

func (s *Session) recordRule(row *PgRewrite, qual query.Expr, action *query.Query) error {
	me := Object{Class: PgRewriteOid, Oid: row.Oid}
	kind := DepAuto
	if row.EvType == '1' && row.Rulename == "_RETURN" {
		kind = DepInternal
	}
	if err := s.RecordDependency(me, RelationObject(row.EvClass), kind); err != nil {
		return err
	}
	if err := s.RecordExprDependencies(me, action, 0, DepNormal, DepNormal); err != nil {
		return err
	}
	if qual != nil {
		return s.RecordExprDependencies(me, qual, 0, DepNormal, DepNormal)
	}
	return nil
}

func (s *Session) relName(rel ids.Oid) string {
	if r, _ := s.Relation(rel); r != nil {
		return r.Name
	}
	return ""
}

// SetMissingValue stores the value that rows from before ADD COLUMN have in a column.
func (s *Session) SetMissingValue(rel ids.Oid, att int16, v types.Datum) error {
	a, err := s.Attribute(rel, att)
	if a == nil || err != nil {
		return err
	}
	t, err := s.Type(a.Atttypid)
	if err != nil {
		return err
	}
	a.Atthasmissing = true
	a.Attmissingval = types.NewArray(t.Oid, []types.Datum{v}).Encode(t)
	return s.Update(a)
}

// ClearMissingValues removes the missing values of all columns, after a table was rewritten.
func (s *Session) ClearMissingValues(rel ids.Oid) error {
	rows, err := fetchAll[PgAttribute](s, PgAttributeRelidAttnumIndex, OidKey(AttPgAttributeAttrelid, rel))
	if err != nil {
		return err
	}
	for _, a := range rows {
		if a.Atthasmissing {
			a.Atthasmissing, a.Attmissingval = false, types.Null
			if err := s.Update(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// SetRelFile gives a relation new, empty files (TRUNCATE, rewrites); the old ones go at commit.
func (s *Session) SetRelFile(rel ids.Oid, persistence byte) (ids.RelFile, error) {
	r, err := s.Relation(rel)
	if err != nil {
		return ids.RelFile{}, err
	}
	if r == nil {
		return ids.RelFile{}, pgerr.Internal("cache lookup failed for relation %d", rel)
	}
	if rel < firstUnpinned {
		return ids.RelFile{}, pgerr.NotSupported("new files for the system catalog %q are not supported", r.Name)
	}
	f, err := s.NewRelFile(r.Tablespace)
	if err != nil {
		return f, err
	}
	if s.files != nil {
		if err := s.files.Create(f, persistence); err != nil {
			return f, err
		}
	}
	if err := s.dropStorage(r); err != nil {
		return f, err
	}
	c, err := s.ClassRow(rel)
	if err != nil {
		return f, err
	}
	c.Relfilenode, c.Relpersistence = f.Rel, persistence
	if c.Relkind != 'S' {
		c.Relpages, c.Reltuples, c.Relallvisible = 0, -1, 0
	}
	if c.Relfrozenxid != 0 {
		c.Relfrozenxid, c.Relminmxid = s.frozenIDs()
	}
	return f, s.Update(c)
}
