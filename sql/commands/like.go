package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

// like copies the columns of another relation, and with INCLUDING more of it.
func (e *elements) like(k *ast.TableLikeClause) error {
	c := e.c
	rel, err := c.openRelation(k.Relation, locks.AccessShare)
	if err != nil {
		return atName(err, k.Relation)
	}
	switch rel.Kind {
	case 'r', 'v', 'm', 'c', 'f', 'p':
	default:
		return pgerr.New(pgerr.WrongObjectType, "relation %q is invalid in LIKE clause", rel.Name).
			WithDetail("This operation is not supported for %s.", pluralKind(rel.Kind)).At(int(k.Relation.Location))
	}
	ok, err := c.S.Cat.HasRelationPrivilege(c.S.User, rel, catalog.AclSelect)
	if err != nil {
		return err
	}
	if !ok && rel.Kind != 'c' {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied for %s %s", catalog.KindWord(rel.Kind), rel.Name)
	}
	for i := range rel.Desc.Attrs {
		if err := e.likeColumn(k, rel, i); err != nil {
			return err
		}
	}
	e.likeLater(k, rel)
	return nil
}

func (e *elements) likeColumn(k *ast.TableLikeClause, rel *catalog.Relation, i int) error {
	a := rel.Desc.Attrs[i]
	if a.Dropped {
		return nil
	}
	row, err := e.c.S.Cat.Attribute(rel.Oid, int16(i+1))
	if err != nil {
		return err
	}
	col := &columnDef{loc: ast.NoLocation}
	col.Attr = types.Attr{Name: a.Name, Type: a.Type, Base: a.Base, Typmod: a.Typmod, Collation: a.Collation, Len: a.Len,
		ByVal: a.ByVal, Align: a.Align, NotNull: a.NotNull}
	col.Ndims = row.Attndims
	t, err := e.c.S.Cat.TypeRow(a.Type)
	if err != nil {
		return err
	}
	col.Storage = t.Typstorage
	if k.Options&ast.CreateTableLikeStorage != 0 {
		col.Storage = a.Storage
	}
	if k.Options&ast.CreateTableLikeCompression != 0 {
		col.Compress = a.Compress
	}
	e.cols = append(e.cols, col)
	if a.Identity != 0 && k.Options&ast.CreateTableLikeIdentity != 0 {
		col.Identity = a.Identity
		return e.likeIdentity(col, rel, int16(i+1))
	}
	if a.HasDef && a.Generated == 0 && k.Options&ast.CreateTableLikeDefaults != 0 {
		col.cooked, err = rel.Default(int16(i + 1))
	}
	if a.Generated != 0 && k.Options&ast.CreateTableLikeGenerated != 0 {
		col.Generated = a.Generated
		e.after = append(e.after, func(now *catalog.Relation) error { return e.likeGenerated(rel, now, int16(i+1)) })
	}
	return err
}

// likeIdentity gives an identity column a sequence like the old column's.
func (e *elements) likeIdentity(col *columnDef, rel *catalog.Relation, att int16) error {
	seq, err := e.c.ownedSequence(rel.Oid, att, catalog.DepInternal)
	if err != nil {
		return err
	}
	if seq == 0 {
		return pgerr.Internal("no owned sequence found")
	}
	row, err := e.c.S.Cat.Sequence(seq)
	if err != nil {
		return err
	}
	s := e.newSequence(col)
	s.def = sequenceDef{typ: row.Seqtypid, start: row.Seqstart, increment: row.Seqincrement, max: row.Seqmax, min: row.Seqmin,
		cache: row.Seqcache, cycle: row.Seqcycle}
	s.value = row.Seqstart
	s.ready = true
	return e.takeSequence(col, s)
}

// mapColumns renumbers the columns of an expression from one relation to the columns of the same names of another.
func mapColumns(expr query.Expr, from, to *catalog.Relation) (query.Expr, error) {
	var bad error
	out := query.Mutate(expr, func(x query.Expr) query.Expr {
		v, ok := x.(*query.Var)
		if !ok {
			return x
		}
		if v.Varattno == 0 {
			bad = pgerr.NotSupported("cannot convert whole-row table reference").WithDetail("Expression contains a whole-row reference to table %q.", from.Name)
			return x
		}
		n := *v
		if v.Varattno > 0 {
			n.Varattno = int(to.AttNum(from.AttName(int16(v.Varattno))))
		}
		return &n
	})
	return out, bad
}

func (e *elements) likeGenerated(from, to *catalog.Relation, att int16) error {
	expr, err := from.Default(att)
	if err != nil {
		return err
	}
	if expr, err = mapColumns(expr, from, to); err != nil {
		return err
	}
	if _, err := e.c.S.Cat.SetDefault(to.Oid, to.AttNum(from.AttName(att)), expr); err != nil {
		return err
	}
	return e.c.step()
}

// likeLater takes over what can be made only once the table is there.
func (e *elements) likeLater(k *ast.TableLikeClause, from *catalog.Relation) {
	c := e.c
	if k.Options&ast.CreateTableLikeConstraints != 0 {
		e.after = append(e.after, func(to *catalog.Relation) error {
			for i, ck := range from.Checks {
				expr, err := from.Check(i)
				if err != nil {
					return err
				}
				if expr, err = mapColumns(expr, from, to); err != nil {
					return err
				}
				if _, err := c.storeChecks(to, []*checkDef{{name: ck.Conname, expr: expr, noInherit: ck.Connoinherit}}); err != nil {
					return err
				}
				if k.Options&ast.CreateTableLikeComments == 0 {
					continue
				}
				now, err := constraintNamed(c.S.Cat, to.Oid, ck.Conname)
				if err != nil {
					return err
				}
				if err := c.copyComment(catalog.Object{Class: catalog.PgConstraintOid, Oid: ck.Oid}, catalog.Object{Class: catalog.PgConstraintOid, Oid: now.Oid}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if k.Options&ast.CreateTableLikeIndexes != 0 {
		e.after = append(e.after, func(to *catalog.Relation) error {
			for _, ix := range from.Indexes {
				oid, err := c.copyIndex(from, to, ix)
				if err != nil {
					return err
				}
				if k.Options&ast.CreateTableLikeComments != 0 {
					if err := c.copyComment(catalog.RelationObject(ix.Oid), catalog.RelationObject(oid)); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	if k.Options&ast.CreateTableLikeComments != 0 {
		e.after = append(e.after, func(to *catalog.Relation) error { return c.copyComments(from, to) })
	}
}

func (c *Context) copyComments(from, to *catalog.Relation) error {
	for i := range from.Desc.Attrs {
		if att := to.AttNum(from.Desc.Attrs[i].Name); att > 0 {
			if err := c.copyComment(catalog.ColumnObject(from.Oid, int16(i+1)), catalog.ColumnObject(to.Oid, att)); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyComment gives an object the comment of another, if that has one.
func (c *Context) copyComment(from, to catalog.Object) error {
	text, err := c.S.Cat.Comment(from)
	if text == nil || err != nil {
		return err
	}
	return c.S.Cat.SetComment(to, text)
}

// copyIndex makes an index like one of another table.
func (c *Context) copyIndex(from, to *catalog.Relation, ix *catalog.Index) (ids.Oid, error) {
	return c.copyIndexAs(from, to, ix, 0)
}

// copyIndexAs is copyIndex for an index that becomes a partition of another one.
func (c *Context) copyIndexAs(from, to *catalog.Relation, ix *catalog.Index, parent ids.Oid) (ids.Oid, error) {
	n := &catalog.NewIndex{Namespace: to.Namespace, Table: to.Oid, Persistence: to.Persistence, Owner: to.Owner, NKeyAtts: ix.NKeyAtts,
		OpClasses: ix.OpClasses, Collations: ix.Collations, Flags: ix.Flags, Options: ix.Options, Unique: ix.Unique,
		NullsNotDistinct: ix.NullsNotDistinct, Primary: ix.Primary, Constraint: ix.Constraint != 0, Deferrable: ix.Unique && !ix.Immediate, Am: ix.Am,
		Parent: parent}
	if to.Kind == 'p' {
		if err := c.checkPartitionedUnique(to, &catalog.NewIndex{Unique: ix.Unique, Primary: ix.Primary, NKeyAtts: ix.NKeyAtts, OpClasses: ix.OpClasses,
			Collations: ix.Collations, Keys: mappedKeys(from, to, ix.Keys)}); err != nil {
			return 0, err
		}
	}
	exprs, err := ix.Exprs()
	if err != nil {
		return 0, err
	}
	for _, x := range exprs {
		m, err := mapColumns(x, from, to)
		if err != nil {
			return 0, err
		}
		n.Exprs = append(n.Exprs, m)
	}
	if pred, err := ix.Pred(); err != nil {
		return 0, err
	} else if pred != nil {
		if n.Pred, err = mapColumns(pred, from, to); err != nil {
			return 0, err
		}
	}
	n.Keys = mappedKeys(from, to, ix.Keys)
	for i := range ix.Keys {
		n.Names = append(n.Names, ix.Desc.Attrs[i].Name)
	}
	if n.Name, err = c.indexName(to, n); err != nil {
		return 0, err
	}
	deferred := false
	if n.Deferrable {
		con, err := c.S.Cat.Constraint(ix.Constraint)
		if err != nil {
			return 0, err
		}
		deferred = con != nil && con.Condeferred
	}
	return c.makeIndex(to, n, n.Deferrable, deferred)
}

// mappedKeys renumbers the columns of an index of one table to those of the same names of another.
func mappedKeys(from, to *catalog.Relation, keys []int16) []int16 {
	out := make([]int16, len(keys))
	for i, k := range keys {
		if out[i] = k; k > 0 {
			out[i] = to.AttNum(from.AttName(k))
		}
	}
	return out
}

func pluralKind(kind byte) string {
	switch kind {
	case 'i':
		return "indexes"
	case 'I':
		return "partitioned indexes"
	case 'S':
		return "sequences"
	case 't':
		return "TOAST tables"
	case 'v':
		return "views"
	case 'm':
		return "materialized views"
	case 'c':
		return "composite types"
	case 'f':
		return "foreign tables"
	case 'p':
		return "partitioned tables"
	}
	return "tables"
}
