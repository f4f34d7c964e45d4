package commands

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// Run executes a utility statement and returns its command tag.
func Run(c *Context, stmt ast.Stmt) (string, error) {
	if c.S.Tx.ReadOnly() && !allowedReadOnly(stmt) {
		return "", pgerr.New(pgerr.ReadOnlySqlTransaction, "cannot execute %s in a read-only transaction", stmt.CommandTag())
	}
	tag, err := run(c, stmt)
	if err != nil {
		return "", err
	}
	if tag == "" {
		tag = stmt.CommandTag()
	}
	return tag, nil
}

// allowedReadOnly reports whether a command may run in a read-only transaction; some look closer themselves.
func allowedReadOnly(stmt ast.Stmt) bool {
	switch stmt.(type) {
	case *ast.VariableSetStmt, *ast.VariableShowStmt, *ast.DiscardStmt, *ast.CheckPointStmt, *ast.ExplainStmt, *ast.ListenStmt,
		*ast.UnlistenStmt, *ast.LockStmt, *ast.CopyStmt, *ast.VacuumStmt, *ast.ReindexStmt, *ast.ClusterStmt, *ast.AlterSystemStmt,
		*ast.ConstraintsSetStmt, *ast.DoStmt, *ast.CallStmt, *ast.LoadStmt, *ast.NotifyStmt:
		return true
	}
	return false
}

// run is the table of commands, family by family. An empty tag means the statement's name.
func run(c *Context, stmt ast.Stmt) (string, error) {
	switch st := stmt.(type) {
	// settings: set.go, setstored.go
	case *ast.VariableSetStmt:
		return setVariable(c, st)
	case *ast.VariableShowStmt:
		return "SHOW", show(c, st)
	case *ast.DiscardStmt:
		return discard(c, st)
	case *ast.AlterSystemStmt:
		return "", alterSystem(c, st)
	// tables and what belongs to them: createtable.go, columns.go, like.go, constraint.go, index.go, build.go, sequence.go
	case *ast.CreateSchemaStmt:
		return "", createSchema(c, st)
	case *ast.CreateStmt:
		return "", createTable(c, st)
	case *ast.IndexStmt:
		return "", createIndex(c, st)
	case *ast.CreateSeqStmt:
		return "", createSequenceStmt(c, st)
	case *ast.AlterSeqStmt:
		return "", alterSequence(c, st)
	case *ast.DropStmt:
		return "DROP " + st.RemoveType.String(), drop(c, st)
	case *ast.TruncateStmt:
		return "TRUNCATE TABLE", truncate(c, st)
	case *ast.LockStmt:
		return "LOCK TABLE", lockTables(c, st)
	// databases: database.go, setstored.go
	case *ast.CreatedbStmt:
		return "", createDatabase(c, st)
	case *ast.DropdbStmt:
		return "", dropDatabase(c, st)
	case *ast.AlterDatabaseStmt:
		return "", alterDatabase(c, st)
	case *ast.AlterDatabaseSetStmt:
		return "", alterDatabaseSet(c, st)
	case *ast.AlterRoleSetStmt:
		return "", alterRoleSet(c, st)
	// changes of objects: altertable.go, altercolumn.go, altertype.go, alterconstraint.go, alterrelation.go, rewrite.go, rename.go
	case *ast.AlterTableStmt:
		return "", alterTable(c, st)
	case *ast.RenameStmt:
		return "", rename(c, st)
	case *ast.AlterObjectSchemaStmt:
		return "", setSchema(c, st)
	case *ast.AlterOwnerStmt:
		return "", setOwner(c, st)
	// roles: role.go
	case *ast.CreateRoleStmt:
		return "", createRole(c, st)
	case *ast.AlterRoleStmt:
		return "", alterRole(c, st)
	case *ast.DropRoleStmt:
		return "", dropRole(c, st)
	case *ast.GrantRoleStmt:
		return grantRole(c, st)
	// privileges and comments: grant.go, defaultprivs.go, owned.go, comment.go
	case *ast.GrantStmt:
		return grant(c, st)
	case *ast.AlterDefaultPrivilegesStmt:
		return "", alterDefaultPrivileges(c, st)
	case *ast.ReassignOwnedStmt:
		return "", reassignOwned(c, st)
	case *ast.DropOwnedStmt:
		return "", dropOwned(c, st)
	case *ast.CommentStmt:
		return "", comment(c, st)
	// types: types.go
	case *ast.CreateEnumStmt:
		return "", createEnum(c, st)
	case *ast.AlterEnumStmt:
		return "", alterEnum(c, st)
	case *ast.CompositeTypeStmt:
		return "", createComposite(c, st)
	case *ast.CreateDomainStmt:
		return "", createDomain(c, st)
	case *ast.AlterDomainStmt:
		return "", alterDomain(c, st)
	// views and tables made of queries: view.go, ctas.go
	case *ast.ViewStmt:
		return "", createView(c, st)
	case *ast.CreateTableAsStmt:
		return createTableAs(c, st)
	case *ast.RefreshMatViewStmt:
		return "", refreshMatView(c, st)
	// data: copy.go, copyoptions.go, copyto.go, copyfrom.go, copylines.go, loader.go
	case *ast.CopyStmt:
		return copyStmt(c, st)
	// maintenance: vacuum.go, analyze.go, columnstats.go, maintain.go
	case *ast.VacuumStmt:
		return vacuumStmt(c, st)
	case *ast.ReindexStmt:
		return "", reindex(c, st)
	case *ast.ClusterStmt:
		return "", cluster(c, st)
	case *ast.CheckPointStmt:
		return "", checkpoint(c)
	// what the layers above do: hooks
	case *ast.ConstraintsSetStmt:
		return "", setConstraints(c, st)
	case *ast.DoStmt, *ast.CallStmt:
		if c.Hooks != nil && c.Hooks.Routine != nil {
			return "", c.Hooks.Routine(stmt)
		}
	case *ast.NotifyStmt, *ast.ListenStmt, *ast.UnlistenStmt:
		if c.Hooks != nil && c.Hooks.Notify != nil {
			return "", c.Hooks.Notify(stmt)
		}
	// queries: explain.go
	case *ast.ExplainStmt:
		return "", explain(c, st)
	}
	return "", missing(stmt.CommandTag())
}
