package commands

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
)

func lower(s string) string { return strings.ToLower(s) }

// createTable is CREATE TABLE.
func createTable(c *Context, st *ast.CreateStmt) error {
	if st.OfTypename != nil {
		return missing("CREATE TABLE OF")
	}
	ns, persistence, err := c.creationNamespace(st.Relation)
	if err != nil {
		if e := pgerr.From(err); e.Code == pgerr.InsufficientPrivilege && e.Detail == "" {
			return e.At(int(st.Relation.Location)) // here of privileges, too, but not of system catalogs
		}
		return err
	}
	if st.IfNotExists {
		oid, err := c.S.Cat.RelationOid(ns, st.Relation.Relname)
		if err != nil {
			return err
		}
		if oid != 0 {
			c.skipNotice(pgerr.DuplicateTable, "relation %q already exists, skipping", st.Relation.Relname)
			return nil
		}
	}
	if st.Oncommit != ast.OncommitNoop && persistence != 't' {
		return pgerr.New(pgerr.InvalidTableDefinition, "ON COMMIT can only be used on temporary tables")
	}
	e := &elements{c: c, table: st.Relation.Relname, ns: ns, temp: persistence == 't', unlogged: persistence == 'u'}
	if st.Partspec != nil && len(st.InhRelations) > 0 && st.Partbound == nil {
		return pgerr.New(pgerr.InvalidObjectDefinition, "cannot create partitioned table as inheritance child")
	}
	if err := e.tableElements(st); err != nil {
		return err
	}
	if err := e.openParents(st); err != nil {
		return err
	}
	if err := e.primaryKeyColumns(); err != nil {
		return err
	}
	if err := e.mergeParents(persistence, st.Partbound != nil); err != nil {
		return err
	}
	oid, err := e.create(st, persistence)
	if err != nil {
		return err
	}
	if st.Oncommit != ast.OncommitNoop {
		c.registerOnCommit(oid, st.Oncommit)
	}
	return nil
}

// tableElements reads the elements between the parentheses.
func (e *elements) tableElements(st *ast.CreateStmt) error {
	for _, el := range st.TableElts {
		var err error
		switch d := el.(type) {
		case *ast.ColumnDef:
			if st.Partbound != nil {
				err = e.refinement(d)
				break
			}
			if e.column(d.Colname) != nil {
				return pgerr.New(pgerr.DuplicateColumn, "column %q specified more than once", d.Colname)
			}
			if err = deferrability(d.Constraints); err == nil {
				_, err = e.addColumn(d)
			}
		case *ast.TableLikeClause:
			err = e.like(d)
		case *ast.Constraint:
			err = e.addConstraint(d)
		default:
			err = pgerr.Internal("unrecognized element of CREATE TABLE")
		}
		if err != nil {
			return err
		}
	}
	for _, k := range st.Constraints {
		if err := e.addConstraint(k); err != nil {
			return err
		}
	}
	return nil
}

// primaryKeyColumns makes the columns of the primary key NOT NULL, and checks that key columns exist.
func (e *elements) primaryKeyColumns() error {
	for _, k := range e.keys {
		for _, name := range k.Keys {
			col := e.column(name)
			if col == nil {
				if e.parentColumn(name) {
					continue
				}
				if n, _ := catalog.SystemAttr(name); n != 0 || e.rel != nil && e.rel.AttNum(name) > 0 {
					continue
				}
				return pgerr.New(pgerr.UndefinedColumn, "column %q named in key does not exist", name).At(int(k.Location))
			}
			if k.Contype != ast.ConstrPrimary {
				continue
			}
			if col.sawNull {
				return pgerr.New(pgerr.SyntaxError, "conflicting NULL/NOT NULL declarations for column %q of table %q", name, e.table).At(int(k.Location))
			}
			col.NotNull = true
		}
	}
	return nil
}

// parentColumn reports whether one of the parents has a column.
func (e *elements) parentColumn(name string) bool {
	for _, p := range e.parents {
		if p.AttNum(name) > 0 {
			return true
		}
	}
	return false
}

// create makes the table with all that its elements ask for.
func (e *elements) create(st *ast.CreateStmt, persistence byte) (ids.Oid, error) {
	c, cat := e.c, e.c.S.Cat
	kind := byte('r')
	if st.Partspec != nil {
		kind = 'p'
	}
	own, toast, err := relationOptions(nil, st.Options, string(kind), false)
	if err != nil {
		return 0, err
	}
	space, err := c.tablespace(st.Tablespacename)
	if err != nil {
		return 0, err
	}
	if st.Partbound != nil && st.Tablespacename == "" {
		space = e.parents[0].Tablespace
	}
	if st.AccessMethod != "" && kind == 'p' {
		return 0, pgerr.NotSupported("specifying a table access method is not supported on a partitioned table")
	}
	if st.AccessMethod != "" && st.AccessMethod != "heap" {
		return 0, c.tableAm(st.AccessMethod)
	}
	for _, s := range e.sequences {
		if err := c.createSequence(s); err != nil {
			return 0, err
		}
	}
	n := &catalog.NewRelation{Name: e.table, Namespace: e.ns, Owner: c.S.User, Kind: kind, Persistence: persistence,
		Tablespace: space, Options: own}
	for _, col := range e.cols {
		n.Columns = append(n.Columns, col.NewColumn)
	}
	oid, err := cat.CreateRelation(n)
	if err != nil {
		return 0, err
	}
	if err := c.step(); err != nil {
		return 0, err
	}
	if err := c.storeInherited(oid, e.inherited); err != nil {
		return 0, err
	}
	if err := e.finishColumns(oid, 0); err != nil {
		return 0, err
	}
	if err := e.finishPartitioning(oid, st); err != nil {
		return 0, err
	}
	if kind == 'r' {
		if err := c.createToast(oid, toast, false); err != nil {
			return 0, err
		}
	}
	if st.Partbound != nil {
		if err := c.cloneIndexes(e.parents[0].Oid, oid); err != nil {
			return 0, err
		}
		if _, err := c.cloneForeignKeys(e.parents[0].Oid, oid); err != nil {
			return 0, err
		}
	}
	if err := e.finishConstraints(oid); err != nil {
		return 0, err
	}
	return oid, nil
}

// finishPartitioning stores the bound of a partition, what the table inherits from, and its own partition key.
func (e *elements) finishPartitioning(oid ids.Oid, st *ast.CreateStmt) error {
	c := e.c
	if st.Partbound != nil {
		if err := c.bindPartition(oid, e.parents[0].Oid, e.table, st.Partbound); err != nil {
			return err
		}
	}
	for i, p := range e.parents {
		if err := c.S.Cat.AddInherits(oid, p.Oid, int32(i+1), st.Partbound != nil); err != nil {
			return err
		}
		if err := c.step(); err != nil {
			return err
		}
	}
	if st.Partspec != nil {
		if err := c.storePartitionKey(oid, st.Partspec); err != nil {
			return err
		}
	}
	return nil
}

func (c *Context) tableAm(name string) error {
	am, err := c.S.Cat.AmByName(name)
	if err != nil {
		return err
	}
	if am == nil {
		return pgerr.New(pgerr.UndefinedObject, "access method %q does not exist", name)
	}
	if am.Amtype != 't' {
		return pgerr.New(pgerr.WrongObjectType, "access method %q is not of type %s", name, "TABLE")
	}
	return pgerr.NotSupported("table access method %q is not supported", name)
}

// createToast makes a table's toast table and its index when it needs one.
func (c *Context) createToast(oid ids.Oid, options []string, force bool) error {
	cat := c.S.Cat
	if r, err := cat.Relation(oid); err != nil || r.Toast != 0 {
		return err
	}
	if err := cat.CreateToastTable(oid, force); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	r, err := cat.Relation(oid)
	if err != nil || r.Toast == 0 {
		return err
	}
	if len(options) > 0 {
		row, err := cat.ClassRow(r.Toast)
		if err != nil {
			return err
		}
		row.Reloptions = options
		if err := cat.Update(row); err != nil {
			return err
		}
		if err := c.step(); err != nil {
			return err
		}
	}
	t, err := cat.Relation(r.Toast)
	if err != nil {
		return err
	}
	for _, ix := range t.Indexes {
		if ix.Btree != nil {
			if err := ix.Btree.CreateEmpty(c.S.Tx); err != nil {
				return err
			}
		}
	}
	return nil
}

// finishColumns stores defaults, generation expressions and the sequences' owners; the first of the columns is number first+1.
func (e *elements) finishColumns(oid ids.Oid, first int) error {
	c, cat := e.c, e.c.S.Cat
	rel, err := c.S.Relation(oid)
	if err != nil {
		return err
	}
	for pass := range 2 { // generation expressions may refer to all columns: defaults come first
		for i, col := range e.cols {
			if (col.Generated != 0) != (pass == 1) || col.raw == nil && col.cooked == nil {
				continue
			}
			expr := col.cooked
			if col.raw != nil {
				if expr, err = c.columnExpr(rel, col); err != nil {
					return err
				}
			}
			if k, ok := expr.(*query.Const); ok && k.Value.IsNull() && col.Generated == 0 {
				continue // DEFAULT NULL is no default
			}
			if _, err := cat.SetDefault(oid, int16(first+i+1), expr); err != nil {
				return err
			}
		}
	}
	for i, col := range e.cols {
		if col.seq == nil {
			continue
		}
		kind := catalog.DepAuto
		if col.Identity != 0 {
			kind = catalog.DepInternal
		}
		if err := c.holdOwned(col.seq.oid, oid); err != nil {
			return err
		}
		if err := cat.RecordDependency(catalog.RelationObject(col.seq.oid), catalog.ColumnObject(oid, int16(first+i+1)), kind); err != nil {
			return err
		}
	}
	return c.step()
}

// holdOwned takes the locks of ALTER SEQUENCE ... OWNED BY, as which a column's sequence becomes the column's.
func (c *Context) holdOwned(seq, table ids.Oid) error {
	for _, mode := range []locks.Mode{locks.RowExclusive, locks.ShareRowExclusive} {
		if err := c.S.Cat.HoldRelation(seq, mode); err != nil {
			return err
		}
	}
	return c.S.Cat.HoldRelation(table, locks.AccessShare)
}

// columnExpr analyzes a column's DEFAULT or generation expression.
func (c *Context) columnExpr(rel *catalog.Relation, col *columnDef) (query.Expr, error) {
	kind := ColumnDefault
	if col.Generated != 0 {
		kind = GeneratedColumn
	}
	expr, err := c.expr(col.raw, kind, rel, col.Name, col.Type, col.Typmod)
	if err != nil {
		return nil, err
	}
	if kind != GeneratedColumn {
		return expr, nil
	}
	if c.isMutable(expr) {
		return nil, pgerr.New(pgerr.InvalidObjectDefinition, "generation expression is not immutable")
	}
	return expr, c.checkGeneratedRefs(rel, col, expr)
}

// checkGeneratedRefs refuses references to other generated columns, to system columns and to the whole row.
func (c *Context) checkGeneratedRefs(rel *catalog.Relation, col *columnDef, expr query.Expr) error {
	var bad error
	query.WalkExpr(expr, func(n query.Node) bool {
		v, ok := n.(*query.Var)
		if !ok || bad != nil {
			return bad == nil
		}
		switch {
		case v.Varattno == 0:
			bad = pgerr.New(pgerr.InvalidObjectDefinition, "cannot use whole-row variable in column generation expression").
				WithDetail("This would cause the generated column to depend on its own value.").At(int(v.Location))
		case v.Varattno < 0 && v.Varattno != -6:
			bad = pgerr.New(pgerr.InvalidColumnReference, "cannot use system column %q in column generation expression",
				rel.AttName(int16(v.Varattno))).At(int(v.Location))
		case v.Varattno > 0 && rel.Desc.Attrs[v.Varattno-1].Generated != 0:
			bad = pgerr.New(pgerr.InvalidObjectDefinition, "cannot use generated column %q in column generation expression",
				rel.AttName(int16(v.Varattno))).WithDetail("A generated column cannot reference another generated column.").At(int(v.Location))
		}
		return bad == nil
	})
	return bad
}

// finishConstraints stores CHECKs and makes the indexes of keys.
func (e *elements) finishConstraints(oid ids.Oid) error {
	c := e.c
	rel, err := c.S.Relation(oid)
	if err != nil {
		return err
	}
	for _, k := range e.checks {
		k.merge = true
	}
	if _, err := c.storeChecks(rel, e.checks); err != nil {
		return err
	}
	if len(e.checks) > 0 {
		if err := c.step(); err != nil {
			return err
		}
	}
	for _, k := range orderKeys(e.keys) {
		if _, err := c.createKey(oid, k.Constraint); err != nil {
			return err
		}
	}
	for _, k := range e.foreign {
		if rel, err = c.S.Relation(oid); err != nil {
			return err
		}
		if _, err := c.addForeignKey(rel, k, true); err != nil {
			return err
		}
	}
	for _, f := range e.after {
		if rel, err = c.S.Relation(oid); err != nil {
			return err
		}
		if err := f(rel); err != nil {
			return err
		}
	}
	return nil
}

// orderKeys puts the primary key first and leaves out UNIQUE constraints that say the same as an earlier key.
func orderKeys(keys []keyConstraint) []keyConstraint {
	var out []keyConstraint
	for _, k := range keys {
		if k.Contype == ast.ConstrPrimary {
			out = append(out, k)
		}
	}
next:
	for _, k := range keys {
		if k.Contype == ast.ConstrPrimary {
			continue
		}
		for i := range out {
			if sameKey(out[i].Constraint, k.Constraint) {
				if out[i].Conname == "" {
					out[i].Conname = k.Conname
				}
				continue next
			}
		}
		out = append(out, k)
	}
	return out
}

func sameKey(a, b *ast.Constraint) bool {
	return equalStrings(a.Keys, b.Keys) && equalStrings(a.Including, b.Including) && a.NullsNotDistinct == b.NullsNotDistinct &&
		(a.Conname == "" || b.Conname == "" || a.Conname == b.Conname)
}

func equalStrings(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
