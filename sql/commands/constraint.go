package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/analyzer"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// storeChecks analyzes and stores CHECK constraints of a table; the result are the expressions, nil for one that is not to be
// checked now or was merged with an old one.
func (c *Context) storeChecks(rel *catalog.Relation, checks []*checkDef) ([]query.Expr, error) {
	out := make([]query.Expr, len(checks))
	taken, fresh := map[string]bool{}, map[string]bool{}
	all, err := c.S.Cat.ConstraintsOf(rel.Oid)
	if err != nil {
		return nil, err
	}
	for _, k := range all {
		taken[k.Conname] = true
	}
	for i, k := range checks {
		expr := k.expr
		if expr == nil {
			var err error
			if expr, err = c.expr(k.raw, CheckConstraint, rel, "", 0, -1); err != nil {
				return nil, err
			}
		}
		name := k.name
		if name != "" {
			if fresh[name] {
				return nil, pgerr.New(pgerr.DuplicateObject, "check constraint %q already exists", name)
			}
			merged, err := c.mergeCheck(rel, k, expr)
			if err != nil {
				return nil, err
			}
			if merged {
				k.merged, fresh[name] = true, true
				if err := c.step(); err != nil {
					return nil, err
				}
				continue
			}
			if taken[name] {
				return nil, pgerr.New(pgerr.DuplicateObject, "constraint %q for relation %q already exists", name, rel.Name)
			}
		} else {
			var err error
			if name, err = c.checkName(rel, expr, taken); err != nil {
				return nil, err
			}
			k.name = name
		}
		taken[name], fresh[name] = true, true
		if err := c.storeCheck(rel, k, expr); err != nil {
			return nil, err
		}
		if !k.notValid {
			out[i] = expr
		}
		if err := c.step(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// checkName makes up the name of a CHECK: table_column_check when it refers to one column, else table_check.
func (c *Context) checkName(rel *catalog.Relation, expr query.Expr, taken map[string]bool) (string, error) {
	col := ""
	if cols := varColumns(expr); len(cols) == 1 {
		col = rel.AttName(cols[0])
	}
	for {
		name, err := c.S.Cat.ChooseName(rel.Name, col, "check", rel.Namespace, true)
		if err != nil || !taken[name] {
			return name, err
		}
		// A constraint of this statement has the name already: end the command so that ChooseName sees it.
		if err := c.step(); err != nil {
			return "", err
		}
		delete(taken, name)
	}
}

func (c *Context) storeCheck(rel *catalog.Relation, k *checkDef, expr query.Expr) error {
	if rel.Kind == 'p' && k.noInherit {
		return pgerr.New(pgerr.InvalidTableDefinition, "cannot add NO INHERIT constraint to partitioned table %q", rel.Name)
	}
	n := &catalog.NewConstraint{Expr: expr}
	n.Conname, n.Connamespace, n.Contype, n.Conrelid = k.name, rel.Namespace, 'c', rel.Oid
	n.Convalidated, n.Conislocal, n.Connoinherit = !k.notValid, !k.notLocal, k.noInherit
	n.Coninhcount = k.inherited
	n.Conkey = varColumns(expr)
	_, err := c.S.Cat.CreateConstraint(n)
	return err
}

// varColumns returns the numbers of the columns that an expression refers to, in order of appearance.
func varColumns(e query.Expr) []int16 {
	var out []int16
	seen := map[int]bool{}
	query.WalkExpr(e, func(n query.Node) bool {
		if v, ok := n.(*query.Var); ok && !seen[v.Varattno] {
			seen[v.Varattno] = true
			out = append(out, int16(v.Varattno))
		}
		return true
	})
	return out
}

// isMutable reports whether an expression calls a function that is not immutable.
func (c *Context) isMutable(e query.Expr) bool { return c.volatility(e) != 'i' }

// volatility is 'i', 's' or 'v'.
func (c *Context) volatility(e query.Expr) byte {
	v, err := analyzer.Volatility(c.analyzer(), e)
	if err != nil {
		return 'v'
	}
	return v
}

// createKey makes the index and the constraint of a PRIMARY KEY or UNIQUE.
func (c *Context) createKey(table ids.Oid, k *ast.Constraint) (ids.Oid, error) {
	return c.createKeyOn(table, k, false)
}

// createKeyOn is createKey; with only the partitions of the table get no indexes.
func (c *Context) createKeyOn(table ids.Oid, k *ast.Constraint, only bool) (ids.Oid, error) {
	st := &ast.IndexStmt{Idxname: k.Conname, AccessMethod: "btree", Unique: true, Primary: k.Contype == ast.ConstrPrimary,
		Isconstraint: true, NullsNotDistinct: k.NullsNotDistinct, Options: k.Options, TableSpace: k.Indexspace,
		Deferrable: k.Deferrable, Initdeferred: k.Initdeferred}
	if only {
		st.Relation = &ast.RangeVar{}
	}
	rel, err := c.S.Relation(table)
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for _, name := range k.Keys {
		if seen[name] {
			word := "unique"
			if st.Primary {
				word = "primary key"
			}
			return 0, pgerr.New(pgerr.DuplicateColumn, "column %q appears twice in %s constraint", name, word).At(int(k.Location))
		}
		seen[name] = true
		st.IndexParams = append(st.IndexParams, &ast.IndexElem{Name: name})
	}
	for _, name := range k.Including {
		st.IndexIncludingParams = append(st.IndexIncludingParams, &ast.IndexElem{Name: name})
	}
	return c.defineIndex(rel, st)
}

// createKeyConstraint makes the constraint that owns an index.
func (c *Context) createKeyConstraint(rel *catalog.Relation, index ids.Oid, name string, primary, deferrable, deferred bool, keys []int16) error {
	n := &catalog.NewConstraint{}
	n.Conname, n.Connamespace, n.Contype, n.Conrelid, n.Conindid = name, rel.Namespace, 'u', rel.Oid, index
	if primary {
		n.Contype = 'p'
	}
	n.Condeferrable, n.Condeferred, n.Convalidated, n.Conislocal, n.Connoinherit = deferrable, deferred, true, true, true
	n.Conkey = keys
	oid, err := c.S.Cat.CreateConstraint(n)
	if err != nil || !deferrable {
		return err
	}
	n.Oid = oid
	return c.S.Cat.CreateKeyRecheck(&n.PgConstraint)
}

// setConstraints is SET CONSTRAINTS.
func setConstraints(c *Context, st *ast.ConstraintsSetStmt) error {
	if !c.InBlock {
		c.S.Warn(pgerr.NoActiveSqlTransaction, "SET CONSTRAINTS can only be used in transaction blocks")
	}
	var list []ids.Oid
	for _, rv := range st.Constraints {
		found, err := c.deferrableNamed(rv)
		if err != nil {
			return err
		}
		list = append(list, found...)
	}
	if c.Hooks == nil || c.Hooks.SetConstraints == nil {
		return nil
	}
	return c.Hooks.SetConstraints(list, st.Deferred)
}

// deferrableNamed finds the constraints of a name in SET CONSTRAINTS: in its schema, or in the first schema of the search path that has any.
func (c *Context) deferrableNamed(rv *ast.RangeVar) ([]ids.Oid, error) {
	if rv.Catalogname != "" && rv.Catalogname != c.S.DBName {
		return nil, pgerr.NotSupported("cross-database references are not implemented: \"%s.%s.%s\"", rv.Catalogname, rv.Schemaname, rv.Relname)
	}
	rows, err := catalog.FetchAll[catalog.PgConstraint](c.S.Cat, catalog.PgConstraintConnameNspIndex,
		catalog.NameKey(catalog.AttPgConstraintConname, rv.Relname))
	if err != nil {
		return nil, err
	}
	var path []ids.Oid
	if rv.Schemaname != "" {
		ns, err := c.S.Cat.LookupNamespace(rv.Schemaname, false)
		if err != nil {
			return nil, err
		}
		path = []ids.Oid{ns}
	} else if path, err = c.S.Cat.SearchPath(true); err != nil {
		return nil, err
	}
	for _, ns := range path {
		var out []ids.Oid
		for _, r := range rows {
			if r.Connamespace != ns {
				continue
			}
			if !r.Condeferrable {
				return nil, pgerr.New(pgerr.WrongObjectType, "constraint %q is not deferrable", rv.Relname)
			}
			out = append(out, r.Oid)
		}
		if out != nil {
			return out, nil
		}
	}
	return nil, pgerr.New(pgerr.UndefinedObject, "constraint %q does not exist", rv.Relname)
}
