package commands

import (
	"maps"
	"slices"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// EXPLAIN (LOCKS) of a command rehearses it: the command's own code runs, in a subtransaction that is rolled back, while the lock manager
// writes down the locks (locks.Rehearsal). Whatever would touch a table's rows, wait, or could not be undone asks Context.Rehearsal and
// notes what it would do instead.

// Action is what a command does to a table beyond the catalogs.
type Action string

// The things that commands do to tables.
const (
	Rewrites    Action = "rewrites"
	Scans       Action = "scans"
	BuildsIndex Action = "builds"
	Empties     Action = "empties"
	Vacuums     Action = "vacuums"
	Samples     Action = "samples"
	Writes      Action = "writes to"
	CopiesFiles Action = "copies the files of"
	RemovesAll  Action = "removes the files of"
)

// Work is one such thing.
type Work struct {
	Action Action
	Object catalog.Object
}

// Rehearsal is what a command would do besides taking locks, in order.
type Rehearsal struct {
	Work []Work
}

func (r *Rehearsal) note(a Action, o catalog.Object) {
	if w := (Work{a, o}); !slices.Contains(r.Work, w) {
		r.Work = append(r.Work, w)
	}
}

// would reports whether the command is only rehearsed, and notes what it would do to a relation.
func (c *Context) would(a Action, rel ids.Oid) bool {
	if c.Rehearsal == nil {
		return false
	}
	c.Rehearsal.note(a, catalog.RelationObject(rel))
	return true
}

// wouldDatabase is would for a database.
func (c *Context) wouldDatabase(a Action, db ids.Oid) bool {
	if c.Rehearsal == nil {
		return false
	}
	c.Rehearsal.note(a, catalog.Object{Class: catalog.PgDatabaseOid, Oid: db})
	return true
}

// Rehearse runs a command as far as it takes locks. The caller has begun a subtransaction, and rolls it back; Hooks.NextTransaction must
// not end it.
func Rehearse(c *Context, stmt ast.Stmt) (*Rehearsal, error) {
	if !canRehearse(stmt) {
		return nil, missing("EXPLAIN (LOCKS) " + stmt.CommandTag())
	}
	c.Rehearsal = &Rehearsal{}
	c.TopLevel, c.InBlock = true, true
	cached := maps.Clone(c.S.Sequences.Cached)
	defer func() { c.S.Sequences.Cached = cached }()
	if c.S.Tx.ReadOnly() && !allowedReadOnly(stmt) {
		return nil, pgerr.New(pgerr.ReadOnlySqlTransaction, "cannot execute %s in a read-only transaction", stmt.CommandTag())
	}
	_, err := run(c, stmt)
	return c.Rehearsal, err
}

// canRehearse reports whether a command changes nothing but what a rolled back subtransaction takes back.
func canRehearse(stmt ast.Stmt) bool {
	switch stmt.(type) {
	case *ast.CreateSchemaStmt, *ast.CreateStmt, *ast.IndexStmt, *ast.CreateSeqStmt, *ast.AlterSeqStmt, *ast.DropStmt, *ast.TruncateStmt, *ast.LockStmt,
		*ast.CreatedbStmt, *ast.DropdbStmt, *ast.AlterDatabaseStmt, *ast.AlterDatabaseSetStmt, *ast.AlterRoleSetStmt,
		*ast.AlterTableStmt, *ast.RenameStmt, *ast.AlterObjectSchemaStmt, *ast.AlterOwnerStmt,
		*ast.CreateRoleStmt, *ast.AlterRoleStmt, *ast.DropRoleStmt, *ast.GrantRoleStmt,
		*ast.GrantStmt, *ast.AlterDefaultPrivilegesStmt, *ast.ReassignOwnedStmt, *ast.DropOwnedStmt, *ast.CommentStmt,
		*ast.CreateEnumStmt, *ast.AlterEnumStmt, *ast.CompositeTypeStmt, *ast.CreateDomainStmt, *ast.AlterDomainStmt,
		*ast.ViewStmt, *ast.CreateTableAsStmt, *ast.RefreshMatViewStmt, *ast.CopyStmt, *ast.VacuumStmt, *ast.ReindexStmt, *ast.ClusterStmt:
		return true
	}
	return false
}
