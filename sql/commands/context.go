package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

// Column describes a column of a command's result.
type Column struct {
	Name   string
	Type   ids.Oid
	Typmod int32
}

// Receiver takes the rows of commands that return some.
type Receiver interface {
	Start(cols []Column) error
	Row(vals []types.Datum) error
}

// Context is what one command runs with.
type Context struct {
	S   *session.Session
	SQL string
	// TopLevel: not inside a transaction block, a function or a multi-statement query.
	TopLevel bool
	// InBlock: inside a transaction block that the user has begun; for commands that have no effect outside of one.
	InBlock bool
	// reindexVerbose: REINDEX tells of each index.
	reindexVerbose bool
	Params         []types.Datum
	ParamTypes     []ids.Oid
	Out            Receiver
	// Env is the session as type input sees it; nil: the defaults.
	Env   types.Env
	Hooks *Hooks
	// Rehearsal is not nil when the command is only rehearsed, for EXPLAIN (LOCKS): see rehearse.go.
	Rehearsal *Rehearsal
	// Auto is not nil when autovacuum runs the command.
	Auto *Auto
	// Stored is set by REFRESH: the number of rows.
	Stored uint64
}

// ExprKind is the place where an expression of a command stands.
type ExprKind uint8

const (
	ColumnDefault ExprKind = iota
	GeneratedColumn
	CheckConstraint
	DomainCheck
	IndexExpression
	IndexPredicate
	AlterColumnUsing
	CopyWhere
	PolicyExpr
	_ // WHEN of triggers
	_ // extended statistics
	_ // parameters of EXECUTE
	_ // defaults of functions
	PartitionKeyExpr
	// PartitionBoundExpr is a value of a partition bound; column is the name of the key column.
	PartitionBoundExpr
)

// RowEval computes expressions over the rows of one relation.
type RowEval interface {
	// Eval computes all expressions for row, one value a column of the relation, into out.
	Eval(row []types.Datum, out []types.Datum) error
}

// Hooks are the services of the layers that come between a command and the server; the backend fills them in. A nil hook
// answers 0A000 to who needs it.
type Hooks struct {
	// Type resolves a type name.
	Type func(tn *ast.TypeName) (oid ids.Oid, typmod int32, err error)
	// Collation resolves a collation name.
	Collation func(names []string, loc int32) (ids.Oid, error)
	// Expr analyzes an expression over the columns of rel (nil: none), which are Vars of relation 1. want, when not 0, is
	// the type it is coerced to by assignment.
	Expr func(n ast.Node, kind ExprKind, rel *catalog.Relation, column string, want ids.Oid, typmod int32) (query.Expr, error)
	// Analyze analyzes a query or data-changing statement.
	Analyze func(stmt ast.Stmt, paramTypes []ids.Oid) (*query.Query, error)
	// RunQuery plans and runs a query with a snapshot of its own; each gets its rows.
	RunQuery func(q *query.Query, params []types.Datum, each func(b *types.Batch) error) (uint64, error)
	// CopyQuery is RunQuery for a query that is counted as a statement within the command.
	CopyQuery func(q *query.Query, each func(b *types.Batch) error) error
	// Compile makes expressions over the columns of rel ready to be computed.
	Compile func(exprs []query.Expr, rel *catalog.Relation) (RowEval, error)
	// Explain runs EXPLAIN and returns the result in one of the formats, line by line.
	Explain func(stmt *ast.ExplainStmt, params []types.Datum) ([]string, error)
	// ExplainType is the type of EXPLAIN's result column: text, json or xml.
	// Execute returns the query behind EXECUTE name(args), for CREATE TABLE AS EXECUTE.
	Execute func(stmt *ast.ExecuteStmt) (*query.Query, []types.Datum, error)
	// NextTransaction commits the transaction and begins another one: for commands that work in several.
	NextTransaction func() error
	// DiscardPlans forgets cached plans, CloseAll the cursors, DeallocateAll the prepared statements, UnlistenAll the
	// channels: for DISCARD.
	DiscardPlans, CloseAll, DeallocateAll, UnlistenAll func()
	// InUse reports whether a query of the session that is not finished reads a relation.
	InUse func(rel ids.Oid) bool
	// SetConstraints makes constraints deferred or immediate, nil meaning all; nil: there is nothing deferred.
	SetConstraints func(constraints []ids.Oid, deferred bool) error
	// PendingChecks reports whether rows of a table are still to be checked against deferred constraints.
	PendingChecks func(table ids.Oid) bool
	// ValidateForeignKey looks whether all rows of the referencing table meet a constraint. Errors: 23503.
	ValidateForeignKey func(con ids.Oid) error
	// CheckPartitionGoes errors with 23503 when rows refer, by the part of a foreign key that is for one partition, to rows of it.
	CheckPartitionGoes func(con ids.Oid) error
	// RowsAdded notes rows that were added to a table with foreign keys.
	RowsAdded func(rel *catalog.Relation, tids ...ids.TID) error
	// DeferKey notes an entry of a deferrable unique constraint that may be there twice; CheckKeys checks those that are not deferred, and foreign keys.
	DeferKey  func(table ids.Oid, ix *catalog.Index, vals []types.Datum, tid ids.TID)
	CheckKeys func() error
	// Routine calls commands of procedural languages: DO and CALL.
	Routine func(stmt ast.Stmt) error
	// Notify, Listen and Unlisten are the commands of notifications.
	Notify func(stmt ast.Stmt) error
}

// Columns describes the rows that a statement will return; false when it returns none.
func Columns(c *Context, stmt ast.Stmt) ([]Column, bool) {
	switch st := stmt.(type) {
	case *ast.VariableShowStmt:
		return showColumns(c, st), true
	case *ast.ExplainStmt:
		return explainColumns(st), true
	}
	return nil, false
}

func missing(what string) error { return pgerr.NotSupported("%s is not supported", what) }

// requireTopLevel is PreventInTransactionBlock.
func (c *Context) requireTopLevel(what string) error {
	if c.TopLevel {
		return nil
	}
	return pgerr.New(pgerr.ActiveSqlTransaction, "%s cannot run inside a transaction block", what)
}

// requireBlock is RequireTransactionBlock.
func (c *Context) requireBlock(what string) error {
	if c.InBlock {
		return nil
	}
	return pgerr.New(pgerr.NoActiveSqlTransaction, "%s can only be used in transaction blocks", what)
}

// notice sends a NOTICE.
func (c *Context) notice(format string, args ...any) {
	c.sendNotice(pgerr.New(pgerr.SuccessfulCompletion, format, args...))
}

func (c *Context) sendNotice(e *pgerr.Error) {
	if e.Severity == "" {
		e.Severity = pgerr.Notice
	}
	if c.S.Notice != nil {
		c.S.Notice(e)
	}
}

// skipNotice is the notice of IF EXISTS and IF NOT EXISTS.
func (c *Context) skipNotice(code pgerr.Code, format string, args ...any) {
	c.sendNotice(pgerr.New(code, format, args...))
}

func (c *Context) typeName(tn *ast.TypeName) (ids.Oid, int32, error) {
	if c.Hooks == nil || c.Hooks.Type == nil {
		return 0, 0, missing("type lookup")
	}
	return c.Hooks.Type(tn)
}

func (c *Context) expr(n ast.Node, kind ExprKind, rel *catalog.Relation, column string, want ids.Oid, typmod int32) (query.Expr, error) {
	if c.Hooks == nil || c.Hooks.Expr == nil {
		return nil, missing("expression analysis")
	}
	return c.Hooks.Expr(n, kind, rel, column, want, typmod)
}

func (c *Context) compile(exprs []query.Expr, rel *catalog.Relation) (RowEval, error) {
	if c.Hooks == nil || c.Hooks.Compile == nil {
		return nil, missing("expression evaluation")
	}
	return c.Hooks.Compile(exprs, rel)
}

func (c *Context) runQuery(q *query.Query, params []types.Datum, each func(b *types.Batch) error) (uint64, error) {
	if c.Hooks == nil || c.Hooks.RunQuery == nil {
		return 0, missing("query execution")
	}
	return c.Hooks.RunQuery(q, params, each)
}

// step ends a part of a command, so that the next part sees what it wrote.
func (c *Context) step() error { return c.S.Cat.IncrementCommand() }
