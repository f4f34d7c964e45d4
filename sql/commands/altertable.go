package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// The passes of ALTER TABLE: the actions of all of a statement's commands happen in this order.
type alterPass uint8

const (
	passDrop alterPass = iota
	passAlterType
	passAddColumn
	passColumnAttrs
	passOldIndex
	passOldKey // foreign keys, when the indexes that they need are there again
	passAddIndex
	passAddOther
	passMisc
	passCount
)

// alteration is the state of one ALTER TABLE.
type alteration struct {
	c         *Context
	oid       ids.Oid
	old       *catalog.Relation // as it was before the statement
	objtype   ast.ObjectType
	set       *alterSet
	recurse   bool // the statement is without ONLY
	recursing bool // the table is a child of the one that the statement names
	done      [passCount]int
	actions   [passCount][]func() error

	values      []newValue // columns that get new values in a rewrite
	checks      []newCheck
	notNull     bool      // look for NULLs in NOT NULL columns
	foreign     []ids.Oid // foreign keys whose rows are to be looked at
	rewrite     bool
	copied      int64          // row versions, by VACUUM FULL and CLUSTER
	dying       int64          // of these, those that only old snapshots see
	frozen      bool           // rows go into new files as visible to all: VACUUM FULL and CLUSTER, which change nothing
	order       *catalog.Index // the order of the rows in new files; nil: as they are
	persistence byte
	retyped     map[int16]bool // columns whose type changes
	oldKeys     []keyToRebuild // indexes to be made again after a change of type
}

// newValue is the expression of a column in a rewrite: over the old row, or, when it is generated, over the new one.
type newValue struct {
	att       int16
	expr      query.Expr
	generated bool
}

type newCheck struct {
	name string
	expr query.Expr
}

// alterTable is ALTER TABLE and the same of indexes, views, sequences and materialized views.
func alterTable(c *Context, st *ast.AlterTableStmt) error {
	mode := alterLock(st.Cmds)
	rel, err := c.openOwned(st.Relation, mode, st.MissingOk)
	if err != nil {
		return err
	}
	if rel == nil {
		c.skipNotice(pgerr.SuccessfulCompletion, "relation %q does not exist, skipping", st.Relation.Relname)
		return nil
	}
	if st.Objtype != ast.ObjectTable {
		if err := c.requireKind(st.Objtype, rel); err != nil {
			return err
		}
	}
	if rel.Kind == 'c' && st.Objtype == ast.ObjectTable {
		return pgerr.New(pgerr.WrongObjectType, "%q is a composite type", rel.Name).WithHint("Use ALTER TYPE instead.")
	}
	if err := c.checkNotInUse(rel, "ALTER TABLE"); err != nil {
		return err
	}
	return c.alter(rel, st)
}

func (c *Context) alter(rel *catalog.Relation, st *ast.AlterTableStmt) error {
	set := &alterSet{c: c, mode: alterLock(st.Cmds)}
	a := set.of(rel)
	a.objtype = st.Objtype
	a.recurse = st.Relation == nil || st.Relation.Inh
	for _, cmd := range st.Cmds {
		if err := a.prepareAll(cmd); err != nil {
			return err
		}
	}
	return set.run()
}

// alterLock is the strongest lock that one of the commands needs.
func alterLock(cmds []*ast.AlterTableCmd) locks.Mode {
	mode := locks.ShareUpdateExclusive
	for _, cmd := range cmds {
		mode = max(mode, commandLock(cmd))
	}
	return mode
}

func commandLock(cmd *ast.AlterTableCmd) locks.Mode {
	switch cmd.Subtype {
	case ast.ATSetStatistics, ast.ATSetOptions, ast.ATResetOptions, ast.ATClusterOn, ast.ATDropCluster, ast.ATValidateConstraint:
		return locks.ShareUpdateExclusive
	case ast.ATSetRelOptions, ast.ATResetRelOptions:
		return optionsLock(cmd)
	case ast.ATAttachPartition, ast.ATDetachPartitionFinalize:
		return locks.ShareUpdateExclusive
	case ast.ATDetachPartition:
		if p, ok := cmd.Def.(*ast.PartitionCmd); ok && p.Concurrent {
			return locks.ShareUpdateExclusive
		}
	case ast.ATEnableTrig, ast.ATEnableAlwaysTrig, ast.ATEnableReplicaTrig, ast.ATDisableTrig, ast.ATEnableTrigAll, ast.ATDisableTrigAll,
		ast.ATEnableTrigUser, ast.ATDisableTrigUser:
		return locks.ShareRowExclusive
	case ast.ATAddConstraint:
		if k, ok := cmd.Def.(*ast.Constraint); ok && k.Contype == ast.ConstrForeign {
			return locks.ShareRowExclusive
		}
	}
	return locks.AccessExclusive
}

// optionsLock is the lock for storage parameters: stronger for those that plans are made by.
func optionsLock(cmd *ast.AlterTableCmd) locks.Mode {
	list, ok := cmd.Def.(*ast.List)
	if !ok {
		return locks.AccessExclusive
	}
	for _, it := range list.Items {
		d, ok := it.(*ast.DefElem)
		if !ok {
			continue
		}
		switch d.Defname {
		case "user_catalog_table", "security_barrier", "security_invoker", "check_option":
			return locks.AccessExclusive
		}
	}
	return locks.ShareUpdateExclusive
}

func (a *alteration) add(pass alterPass, f func() error) {
	a.actions[pass] = append(a.actions[pass], f)
}

// rel returns the table as it is now.
func (a *alteration) rel() (*catalog.Relation, error) { return a.c.S.Relation(a.oid) }

// allow refuses commands that are not for this kind of relation; kinds are letters of pg_class.relkind.
func (a *alteration) allow(what, kinds string) error {
	for i := range len(kinds) {
		if kinds[i] == a.old.Kind || kinds[i] == 'r' && a.old.Kind == 'p' {
			return nil
		}
	}
	return pgerr.New(pgerr.WrongObjectType, "ALTER action %s cannot be performed on relation %q", what, a.old.Name).
		WithDetail("This operation is not supported for %s.", pluralKind(a.old.Kind))
}

// prepare checks a command and puts its actions into their passes.
func (a *alteration) prepare(cmd *ast.AlterTableCmd) error {
	do := func(what, kinds string, pass alterPass, f func() error) error {
		if err := a.allow(what, kinds); err != nil {
			return err
		}
		a.add(pass, f)
		return nil
	}
	if a.old.DetachPending && cmd.Subtype != ast.ATDetachPartitionFinalize {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot alter partition %q with an incomplete detach", a.old.Name).
			WithHint("Use ALTER TABLE ... DETACH PARTITION ... FINALIZE to complete the pending detach operation.")
	}
	name := cmd.Name
	switch cmd.Subtype {
	case ast.ATAddColumn:
		return do("ADD COLUMN", "rvc", passAddColumn, func() error { return a.addColumn(cmd) })
	case ast.ATColumnDefault:
		pass := passAddOther
		if cmd.Def == nil {
			pass = passDrop
		}
		return do("ALTER COLUMN ... SET DEFAULT", "rv", pass, func() error { return a.columnDefault(name, cmd.Def) })
	case ast.ATDropNotNull:
		return do("ALTER COLUMN ... DROP NOT NULL", "r", passDrop, func() error { return a.dropNotNull(name) })
	case ast.ATSetNotNull:
		return do("ALTER COLUMN ... SET NOT NULL", "r", passColumnAttrs, func() error { return a.setNotNull(name) })
	case ast.ATDropExpression:
		return do("ALTER COLUMN ... DROP EXPRESSION", "r", passDrop, func() error { return a.dropExpression(name, cmd.MissingOk) })
	case ast.ATSetStatistics:
		return do("ALTER COLUMN ... SET STATISTICS", "rmi", passMisc, func() error { return a.setStatistics(cmd) })
	case ast.ATSetOptions, ast.ATResetOptions:
		return do("ALTER COLUMN ... SET", "rm", passMisc, func() error { return a.columnOptions(cmd) })
	case ast.ATSetStorage:
		return do("ALTER COLUMN ... SET STORAGE", "rm", passMisc, func() error { return a.setStorage(name, cmd.Def) })
	case ast.ATSetCompression:
		return do("ALTER COLUMN ... SET COMPRESSION", "rm", passMisc, func() error { return a.setCompression(name, cmd.Def) })
	case ast.ATDropColumn:
		return do("DROP COLUMN", "rc", passDrop, func() error { return a.dropColumn(cmd) })
	case ast.ATAddConstraint:
		k, ok := cmd.Def.(*ast.Constraint)
		if !ok {
			return pgerr.Internal("ADD CONSTRAINT without a constraint")
		}
		return a.prepareConstraint(k)
	case ast.ATValidateConstraint:
		return do("VALIDATE CONSTRAINT", "r", passMisc, func() error { return a.validateConstraint(name) })
	case ast.ATDropConstraint:
		return do("DROP CONSTRAINT", "r", passDrop, func() error { return a.dropConstraint(cmd) })
	case ast.ATAlterColumnType:
		return do("ALTER COLUMN ... SET DATA TYPE", "rc", passAlterType, func() error { return a.alterType(cmd) })
	case ast.ATChangeOwner:
		return do("OWNER TO", "rvmSif", passMisc, func() error { return a.changeOwner(cmd) })
	case ast.ATClusterOn:
		return do("CLUSTER ON", "rm", passMisc, a.unlessPartitioned(func() error { return a.clusterOn(name) }))
	case ast.ATDropCluster:
		return do("SET WITHOUT CLUSTER", "rm", passMisc, a.unlessPartitioned(func() error { return a.markClustered(0) }))
	case ast.ATSetLogged:
		return do("SET LOGGED", "r", passDrop, func() error { return a.setPersistence('p') })
	case ast.ATSetUnLogged:
		return do("SET UNLOGGED", "r", passDrop, func() error { return a.setPersistence('u') })
	case ast.ATDropOids:
		return nil
	case ast.ATSetTableSpace:
		return do("SET TABLESPACE", "rmi", passMisc, func() error { return a.setTablespace(name) })
	case ast.ATSetRelOptions, ast.ATResetRelOptions:
		return do("SET", "rvmi", passMisc, func() error { return a.relOptions(cmd) })
	case ast.ATAddIdentity:
		return do("ALTER COLUMN ... ADD IDENTITY", "r", passAddOther, func() error { return a.addIdentity(cmd) })
	case ast.ATSetIdentity:
		return do("ALTER COLUMN ... SET", "r", passColumnAttrs, func() error { return a.setIdentity(cmd) })
	case ast.ATDropIdentity:
		return do("ALTER COLUMN ... DROP IDENTITY", "r", passDrop, func() error { return a.dropIdentity(cmd) })
	case ast.ATReplicaIdentity:
		return do("REPLICA IDENTITY", "rm", passMisc, func() error { return a.replicaIdentity(cmd) })
	case ast.ATEnableTrigAll, ast.ATDisableTrigAll, ast.ATEnableTrigUser, ast.ATDisableTrigUser:
		return do("ENABLE/DISABLE TRIGGER", "r", passMisc, func() error { return a.enableTriggers("", cmd.Subtype) })
	}
	return a.otherForm(cmd)
}

// unlessPartitioned refuses to mark an index of a partitioned table as clustered.
func (a *alteration) unlessPartitioned(f func() error) func() error {
	if a.old.Kind != 'p' {
		return f
	}
	return func() error { return pgerr.NotSupported("cannot mark index clustered in partitioned table") }
}

// unplaced takes the position from an error: what the passes find has none, since the text of the statement is not known there.
func unplaced(err error) error {
	if err == nil {
		return nil
	}
	e := pgerr.From(err)
	e.Position = 0
	return e
}

// column finds a user column of the table as it is now.
func (a *alteration) column(name string) (*catalog.Relation, int16, error) {
	rel, err := a.rel()
	if err != nil {
		return nil, 0, err
	}
	att := rel.AttNum(name)
	if att == 0 {
		return nil, 0, pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", name, rel.Name)
	}
	if att < 0 {
		return nil, 0, pgerr.NotSupported("cannot alter system column %q", name)
	}
	return rel, att, nil
}

// updateColumn changes the pg_attribute row of a column.
func (a *alteration) updateColumn(att int16, f func(row *catalog.PgAttribute) error) error {
	row, err := a.c.S.Cat.Attribute(a.oid, att)
	if err != nil {
		return err
	}
	if err := f(row); err != nil {
		return err
	}
	return a.c.S.Cat.Update(row)
}

// updateClass changes the pg_class row of a relation.
func (c *Context) updateClass(oid ids.Oid, f func(row *catalog.PgClass)) error {
	row, err := c.S.Cat.ClassRow(oid)
	if err != nil {
		return err
	}
	if row == nil {
		return pgerr.Internal("cache lookup failed for relation %d", oid)
	}
	f(row)
	return c.S.Cat.Update(row)
}
