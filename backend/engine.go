package backend

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/session"
	"gompho/sql/ast"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// Engine runs statements for a session: analysis, planning, execution, utility commands. NewEngine makes the real one.
type Engine interface {
	// Analyze resolves a parsed statement. paramTypes are the declared parameter types (0: to be inferred); the types
	// that result are returned. One statement can become several, or none, by rewriting.
	Analyze(s *session.Session, raw *ast.RawStmt, sql string, paramTypes []ids.Oid, inferParams bool) ([]*query.Query, []ids.Oid, error)
	// Plan plans an analyzed query. params may be nil for a generic plan.
	Plan(s *session.Session, q *query.Query, params []types.Datum, paramTypes []ids.Oid, cursor, scroll bool) (*plan.Statement, error)
	// Start prepares the execution of a plan.
	Start(s *session.Session, st *plan.Statement, params []types.Datum, snap *mvcc.Snapshot) (Exec, error)
	// UtilityColumns describes the rows that a utility statement returns, nil when it returns none.
	UtilityColumns(u *UtilityContext, stmt ast.Stmt) ([]Column, error)
	// Utility runs a utility statement.
	Utility(u *UtilityContext, stmt ast.Stmt) (tag string, err error)
	// Type returns the facts of a type.
	Type(s *session.Session, oid ids.Oid) (*types.Type, error)
	// Env is the session as type input and output see it.
	Env(s *session.Session) types.Env
}

// Exec is a running plan.
type Exec interface {
	// Next returns at most max rows, nil at the end.
	Next(max int) (*types.Batch, error)
	// Processed is the number of rows that the statement has inserted, updated or deleted.
	Processed() uint64
	// Reset makes the Exec ready to run again.
	Reset(params []types.Datum, snap *mvcc.Snapshot) error
	Close() error
}

// Column describes a result column of a utility statement.
type Column struct {
	Name   string
	Type   ids.Oid
	Typmod int32
}

// UtilityContext is what a utility statement runs with.
type UtilityContext struct {
	S        *session.Session
	SQL      string
	Params   []types.Datum
	ParamTys []ids.Oid
	// TopLevel: not inside a transaction block, a function or a multi-statement query.
	TopLevel bool
	// Start and Row receive result rows.
	Start func(cols []Column) error
	Row   func(vals []types.Datum) error
	b     *Backend
	query *query.Query
	// stored is set to the rows that REFRESH has found.
	stored int64
	raw    *ast.RawStmt // the statement itself; nil: it has no text
}

// inner places a statement that is part of the one that runs.
func (u *UtilityContext) inner(stmt ast.Stmt) *ast.RawStmt {
	r := &ast.RawStmt{Stmt: stmt}
	if u.raw != nil {
		r.Location, r.Len = u.raw.Location, u.raw.Len
	}
	return r
}
