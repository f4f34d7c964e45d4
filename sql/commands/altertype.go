package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/analyzer"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

// keyToRebuild is an index that is dropped and made again because a column of it changes its type.
type keyToRebuild struct {
	n          *catalog.NewIndex
	deferrable bool
	deferred   bool
	comment    *string    // of the index
	conComment *string    // of its constraint
	rawExprs   []ast.Node // the expressions and the predicate, to be analyzed with the new types
	rawPred    ast.Node
}

// alterType is ALTER COLUMN ... TYPE.
func (a *alteration) alterType(cmd *ast.AlterTableCmd) error {
	c := a.c
	def, ok := cmd.Def.(*ast.ColumnDef)
	if !ok {
		return pgerr.Internal("ALTER COLUMN TYPE without a type")
	}
	rel, att, err := a.column(cmd.Name)
	if err != nil {
		return err
	}
	if first := a.old.Desc.Attrs[att-1]; a.retyped[att] && (first.Type != rel.Desc.Attrs[att-1].Type || first.Typmod != rel.Desc.Attrs[att-1].Typmod) {
		return pgerr.NotSupported("cannot alter type of column %q twice", cmd.Name)
	}
	old := rel.Desc.Attrs[att-1]
	now := types.Attr{Name: old.Name}
	if now.Type, now.Typmod, err = c.typeName(def.TypeName); err != nil {
		return unplaced(err)
	}
	if err := c.typeAttr(&now, def.CollClause); err != nil {
		return unplaced(err)
	}
	if err := c.S.Cat.CheckColumnType(cmd.Name, now.Type, now.Collation); err != nil {
		return err
	}
	if old.Generated != 0 && def.RawDefault != nil {
		return pgerr.New(pgerr.InvalidColumnDefinition, "cannot specify USING when altering type of generated column").
			WithDetail("Column %q is a generated column.", cmd.Name)
	}
	if old.Identity != 0 && now.Type != 20 && now.Type != 21 && now.Type != 23 {
		return pgerr.New(pgerr.InvalidParameterValue, "identity column type must be smallint, integer, or bigint")
	}
	if rel.Heap != nil {
		if err := a.convertRows(rel, att, &now, def); err != nil {
			return err
		}
	}
	a.retyped[att] = true
	if err := a.dependents(rel, att, &old, &now); err != nil {
		return err
	}
	newDefault, err := a.convertDefault(rel, att, &now)
	if err != nil {
		return err
	}
	if err := a.retype(att, &old, &now, len(def.TypeName.ArrayBounds)); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	if old.Identity != 0 && old.Type != now.Type {
		if err := a.retypeIdentity(att, def.TypeName); err != nil {
			return err
		}
	}
	if newDefault != nil {
		if _, err := c.S.Cat.SetDefault(a.oid, att, newDefault); err != nil {
			return err
		}
		if err := c.step(); err != nil {
			return err
		}
	}
	if rel.Heap != nil {
		return c.createToast(a.oid, nil, false)
	}
	return nil
}

// retypeIdentity gives the sequence of an identity column the column's new type.
func (a *alteration) retypeIdentity(att int16, tn *ast.TypeName) error {
	seq, err := a.c.ownedSequence(a.oid, att, catalog.DepInternal)
	if err != nil || seq == 0 {
		return err
	}
	rel, err := a.c.S.Relation(seq)
	if err != nil {
		return err
	}
	return a.c.changeSequence(rel, []*ast.DefElem{{Defname: "as", Arg: tn, Location: ast.NoLocation}})
}

// convertRows decides how rows get the new type: by a rewrite, unless the bytes stay.
func (a *alteration) convertRows(rel *catalog.Relation, att int16, now *types.Attr, def *ast.ColumnDef) error {
	expr, err := a.c.expr(def.RawDefault, AlterColumnUsing, a.old, now.Name, now.Type, now.Typmod)
	if err != nil {
		return err
	}
	if !a.c.needsRewrite(expr, att) {
		return nil
	}
	a.values = append(a.values, newValue{att: att, expr: expr})
	a.rewrite = true
	return nil
}

// needsRewrite reports whether a conversion does more than look at the same bytes as another type.
func (c *Context) needsRewrite(e query.Expr, att int16) bool {
	for {
		switch x := e.(type) {
		case *query.Var:
			return x.Varattno != int(att)
		case *query.RelabelType:
			e = x.Arg
		case *query.CoerceToDomain:
			constrained, err := c.hasDomainConstraints(x.Type())
			if err != nil || constrained {
				return true
			}
			e = x.Arg
		case *query.FuncExpr:
			if !widensLength(x) {
				return true
			}
			e = x.Args[0]
		default:
			return true
		}
	}
}

// widensLength reports whether a length coercion cannot change any value: varchar or numeric made wider.
func widensLength(f *query.FuncExpr) bool {
	if len(f.Args) < 2 {
		return false
	}
	k, ok := f.Args[1].(*query.Const)
	if !ok || k.Value.IsNull() {
		return false
	}
	from, to := f.Args[0].Typmod(), int32(k.Value.Int())
	switch f.FuncID {
	case 669: // varchar(varchar, int4, bool)
		return to < 0 || from >= 0 && from <= to
	case 1703: // numeric(numeric, int4)
		if to < 0 {
			return true
		}
		if from < 4 {
			return false
		}
		fp, fs, tp, ts := (from-4)>>16&0xffff, (from-4)&0x7ff, (to-4)>>16&0xffff, (to-4)&0x7ff
		return fs == ts && fp <= tp
	}
	return false
}

// dependents refuses a change of type for what cannot follow it, and notes the indexes that are to be made again.
func (a *alteration) dependents(rel *catalog.Relation, att int16, old, now *types.Attr) error {
	cat := a.c.S.Cat
	deps, err := cat.DependentsOf(catalog.ColumnObject(a.oid, att))
	if err != nil {
		return err
	}
	// Foreign keys first: they depend on the indexes that go, too.
	for _, d := range deps {
		if d.Classid != catalog.PgConstraintOid {
			continue
		}
		if err := a.rebuildForeignKey(d.Objid); err != nil {
			return err
		}
	}
	for _, d := range deps {
		o := catalog.Object{Class: d.Classid, Oid: d.Objid, Sub: d.Objsubid}
		switch d.Classid {
		case catalog.PgRewriteOid:
			return pgerr.NotSupported("cannot alter type of a column used by a view or rule").
				WithDetail("%s depends on column %q", cat.Describe(o), old.Name)
		case catalog.PgTriggerOid:
			return pgerr.NotSupported("cannot alter type of a column used in a trigger definition").
				WithDetail("%s depends on column %q", cat.Describe(o), old.Name)
		case catalog.PgPolicyOid:
			return pgerr.NotSupported("cannot alter type of a column used in a policy definition").
				WithDetail("%s depends on column %q", cat.Describe(o), old.Name)
		case catalog.PgConstraintOid:
			if err := a.dependentConstraint(rel, o, old, now); err != nil {
				return err
			}
		case catalog.PgAttrdefOid:
			if err := a.dependentDefault(rel, att, d.Objid); err != nil {
				return err
			}
		case catalog.PgClassOid:
			ix := indexOf(rel, d.Objid)
			if ix == nil {
				continue // a sequence that the column owns
			}
			if err := a.dependentIndex(rel, ix, nil, old, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// dependentDefault refuses a change of type when the expression of another, generated, column uses the column.
func (a *alteration) dependentDefault(rel *catalog.Relation, att int16, def ids.Oid) error {
	row, err := catalog.Fetch[catalog.PgAttrdef](a.c.S.Cat, catalog.PgAttrdefOidIndex, catalog.OidKey(catalog.AttPgAttrdefOid, def))
	if err != nil || row == nil || row.Adrelid == a.oid && row.Adnum == att {
		return err
	}
	return pgerr.NotSupported("cannot alter type of a column used by a generated column").
		WithDetail("Column %q is used by generated column %q.", rel.AttName(att), rel.AttName(row.Adnum))
}

func (a *alteration) dependentConstraint(rel *catalog.Relation, o catalog.Object, old, now *types.Attr) error {
	k, err := a.c.S.Cat.Constraint(o.Oid)
	if k == nil || err != nil {
		return err
	}
	switch k.Contype {
	case 'p', 'u':
		ix := indexOf(rel, k.Conindid)
		if ix == nil {
			return nil
		}
		return a.dependentIndex(rel, ix, k, old, now)
	case 'c':
		if old.Type == now.Type {
			return nil
		}
		return a.rebuildCheck(rel, k)
	}
	return nil
}

// rebuildCheck drops a CHECK and makes it again, from its text, once the column has its new type.
func (a *alteration) rebuildCheck(rel *catalog.Relation, k *catalog.Constraint) error {
	for i, ck := range rel.Checks {
		if ck.Oid != k.Oid {
			continue
		}
		expr, err := rel.Check(i)
		if err != nil {
			return err
		}
		raw, err := a.c.source(expr, rel)
		if err != nil {
			return err
		}
		comment, err := a.c.S.Cat.Comment(catalog.Object{Class: catalog.PgConstraintOid, Oid: k.Oid})
		if err != nil {
			return err
		}
		if !k.Conislocal && a.recursing {
			// It comes again from the parent.
			return a.c.S.Cat.PerformDeletion([]catalog.Object{{Class: catalog.PgConstraintOid, Oid: k.Oid}}, catalog.DropOpts{Quiet: true})
		}
		def := &checkDef{name: k.Conname, raw: raw, merge: true, noInherit: k.Connoinherit, notValid: !k.Convalidated}
		a.add(passOldIndex, func() error {
			if err := a.addCheck(def); err != nil || comment == nil {
				return err
			}
			if err := a.c.step(); err != nil {
				return err
			}
			return a.commentConstraint(def.name, comment)
		})
		return a.c.S.Cat.PerformDeletion([]catalog.Object{{Class: catalog.PgConstraintOid, Oid: k.Oid}}, catalog.DropOpts{Quiet: true})
	}
	return nil
}

// dependentIndex drops an index that a column of a new type is in and puts it among those to be made again.
func (a *alteration) dependentIndex(rel *catalog.Relation, ix *catalog.Index, k *catalog.Constraint, old, now *types.Attr) error {
	if ix.Parent != 0 && a.recursing {
		return nil // it goes and comes with the index of the parent
	}
	for _, o := range a.oldKeys {
		if o.n.Name == ix.Name {
			return nil // another column of it has changed, too
		}
	}
	r, err := a.indexAgain(rel, ix)
	if err != nil {
		return err
	}
	o := catalog.RelationObject(ix.Oid)
	if k != nil {
		r.n.Constraint, r.deferrable, r.deferred = true, k.Condeferrable, k.Condeferred
		o = catalog.Object{Class: catalog.PgConstraintOid, Oid: k.Oid}
	} else if ix.Constraint != 0 {
		return nil // comes again as the constraint's
	}
	if r.comment, err = a.c.S.Cat.Comment(catalog.RelationObject(ix.Oid)); err != nil {
		return err
	}
	if k != nil {
		if r.conComment, err = a.c.S.Cat.Comment(o); err != nil {
			return err
		}
	}
	a.oldKeys = append(a.oldKeys, r)
	a.add(passOldIndex, func() error { return a.remakeIndex(r) })
	return a.c.S.Cat.PerformDeletion([]catalog.Object{o}, catalog.DropOpts{Quiet: true})
}

// indexAgain describes an index as it is. Default operator classes are left 0, to be those of the new types.
func (a *alteration) indexAgain(rel *catalog.Relation, ix *catalog.Index) (keyToRebuild, error) {
	n := &catalog.NewIndex{Name: ix.Name, Namespace: rel.Namespace, Table: rel.Oid, Am: ix.Am, Tablespace: ix.Tablespace,
		Persistence: rel.Persistence, Owner: rel.Owner, Keys: ix.Keys, NKeyAtts: ix.NKeyAtts, Flags: ix.Flags, Options: ix.Options,
		Unique: ix.Unique, NullsNotDistinct: ix.NullsNotDistinct, Primary: ix.Primary}
	var err error
	if n.Exprs, err = ix.Exprs(); err != nil {
		return keyToRebuild{}, err
	}
	n.Exprs = append([]query.Expr(nil), n.Exprs...)
	if n.Pred, err = ix.Pred(); err != nil {
		return keyToRebuild{}, err
	}
	r := keyToRebuild{n: n}
	for _, e := range n.Exprs {
		raw, err := a.c.source(e, rel)
		if err != nil {
			return r, err
		}
		r.rawExprs = append(r.rawExprs, raw)
	}
	if n.Pred != nil {
		if r.rawPred, err = a.c.source(n.Pred, rel); err != nil {
			return r, err
		}
	}
	for i := range ix.Keys {
		n.Names = append(n.Names, ix.Desc.Attrs[i].Name)
		if i >= ix.NKeyAtts {
			continue
		}
		oc := ix.OpClasses[i]
		if ix.Keys[i] > 0 {
			base, err := a.c.S.Cat.BaseType(rel.Desc.Attrs[ix.Keys[i]-1].Type)
			if err != nil {
				return keyToRebuild{}, err
			}
			def, err := a.c.S.Cat.DefaultOpClass(base, ix.Am)
			if err != nil {
				return keyToRebuild{}, err
			}
			if def == oc {
				oc = 0
			}
		}
		n.OpClasses, n.Collations = append(n.OpClasses, oc), append(n.Collations, ix.Collations[i])
	}
	return r, nil
}

func (a *alteration) remakeIndex(r keyToRebuild) error {
	rel, err := a.rel()
	if err != nil {
		return err
	}
	n := r.n
	for i, raw := range r.rawExprs {
		if n.Exprs[i], err = a.c.expr(raw, IndexExpression, rel, "", 0, -1); err != nil {
			return err
		}
	}
	if r.rawPred != nil {
		if n.Pred, err = a.c.expr(r.rawPred, IndexPredicate, rel, "", 0, -1); err != nil {
			return err
		}
	}
	next := 0
	for i := range n.NKeyAtts {
		if n.Keys[i] == 0 {
			e := n.Exprs[next]
			next++
			if n.OpClasses[i], err = a.c.opClass(&ast.IndexElem{}, e.Type(), n.Am); err != nil {
				return err
			}
			n.Collations[i] = e.Collation()
			continue
		}
		at := &rel.Desc.Attrs[n.Keys[i]-1]
		if n.OpClasses[i] == 0 {
			if n.OpClasses[i], err = a.c.opClass(&ast.IndexElem{}, at.Type, n.Am); err != nil {
				return err
			}
		}
		if (n.Collations[i] == 0) != (at.Collation == 0) {
			n.Collations[i] = at.Collation
		}
	}
	n.Persistence = rel.Persistence
	oid, err := a.c.makeIndex(rel, n, r.deferrable, r.deferred)
	if err != nil {
		return err
	}
	if r.comment != nil {
		if err := a.c.S.Cat.SetComment(catalog.RelationObject(oid), r.comment); err != nil {
			return err
		}
	}
	if r.conComment == nil {
		return nil
	}
	return a.commentConstraint(n.Name, r.conComment)
}

// commentConstraint gives a constraint that was made again the comment it had.
func (a *alteration) commentConstraint(name string, text *string) error {
	k, err := a.constraintNamed(name)
	if k == nil || err != nil {
		return err
	}
	return a.c.S.Cat.SetComment(catalog.Object{Class: catalog.PgConstraintOid, Oid: k.Oid}, text)
}

// convertDefault converts a column's default to the new type; nil when it has none.
func (a *alteration) convertDefault(rel *catalog.Relation, att int16, now *types.Attr) (query.Expr, error) {
	expr, err := rel.Default(att)
	if expr == nil || err != nil {
		return nil, err
	}
	// The old coercion to the column's type is not to be seen by the new one.
	expr = withoutImplicit(expr)
	r, err := analyzer.CoerceAssign(a.c.analyzer(), expr, now.Type, now.Typmod)
	if err != nil {
		return nil, err
	}
	if r == nil {
		what := "default"
		if rel.Desc.Attrs[att-1].Generated != 0 {
			what = "generation expression"
		}
		return nil, pgerr.New(pgerr.DatatypeMismatch, "%s for column %q cannot be cast automatically to type %s", what, now.Name, a.c.S.Cat.TypeName(now.Type))
	}
	return r, nil
}

// withoutImplicit takes the implicit conversions off the top of an expression.
func withoutImplicit(e query.Expr) query.Expr {
	for {
		switch x := e.(type) {
		case *query.FuncExpr:
			if x.Format != query.CoerceImplicitCast || len(x.Args) == 0 {
				return e
			}
			e = x.Args[0]
		case *query.RelabelType:
			if x.Format != query.CoerceImplicitCast {
				return e
			}
			e = x.Arg
		case *query.CoerceViaIO:
			if x.Format != query.CoerceImplicitCast {
				return e
			}
			e = x.Arg
		case *query.ArrayCoerceExpr:
			if x.Format != query.CoerceImplicitCast {
				return e
			}
			e = x.Arg
		case *query.CoerceToDomain:
			if x.Format != query.CoerceImplicitCast {
				return e
			}
			e = x.Arg
		default:
			return e
		}
	}
}

// retype writes the new type into the column's row.
func (a *alteration) retype(att int16, old, now *types.Attr, ndims int) error {
	cat := a.c.S.Cat
	me := catalog.ColumnObject(a.oid, att)
	deps, err := cat.DependenciesOf(me)
	if err != nil {
		return err
	}
	for _, d := range deps {
		if d.Refclassid == catalog.PgTypeOid && d.Refobjid == old.Type || d.Refclassid == catalog.PgCollationOid && d.Refobjid == old.Collation {
			if err := cat.Delete(d); err != nil {
				return err
			}
		}
	}
	if err := a.updateColumn(att, func(r *catalog.PgAttribute) error {
		r.Atttypid, r.Atttypmod, r.Attcollation, r.Attndims = now.Type, now.Typmod, now.Collation, int32(ndims)
		r.Attlen, r.Attbyval, r.Attalign, r.Attstorage = now.Len, now.ByVal, now.Align, now.Storage
		if now.Storage == 'p' {
			r.Attcompression = 0
		}
		return nil
	}); err != nil {
		return err
	}
	if err := cat.RecordDependency(me, catalog.Object{Class: catalog.PgTypeOid, Oid: now.Type}, catalog.DepNormal); err != nil {
		return err
	}
	if now.Collation != 0 && now.Collation != defaultCollation {
		if err := cat.RecordDependency(me, catalog.Object{Class: catalog.PgCollationOid, Oid: now.Collation}, catalog.DepNormal); err != nil {
			return err
		}
	}
	stats, err := catalog.FetchAll[catalog.PgStatistic](cat, catalog.PgStatisticRelidAttInhIndex,
		catalog.OidKey(catalog.AttPgStatisticStarelid, a.oid), catalog.IntKey(catalog.AttPgStatisticStaattnum, int64(att)))
	if err != nil {
		return err
	}
	for _, s := range stats {
		if err := cat.Delete(s); err != nil {
			return err
		}
	}
	if old.Missing != nil && !a.rewrite {
		return a.c.S.Cat.SetMissingValue(a.oid, att, *old.Missing)
	}
	return nil
}

const defaultCollation ids.Oid = 100
