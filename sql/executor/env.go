package executor

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/stats"
	"gompho/storage/heap"
	"gompho/types"
)

// Catalog is what the executor reads of the catalogs; *catalog.Session answers all of it.
type Catalog interface {
	Relation(oid ids.Oid) (*catalog.Relation, error)
	Proc(oid ids.Oid) (*catalog.Proc, error)
	Operator(oid ids.Oid) (*catalog.Operator, error)
	Aggregate(fn ids.Oid) (*catalog.Aggregate, error)
	Type(oid ids.Oid) (*types.Type, error)
	TypeRow(oid ids.Oid) (*catalog.PgType, error)
	TypeName(oid ids.Oid) string
	Cast(source, target ids.Oid) (*catalog.Cast, error)
	DomainConstraints(typ ids.Oid) ([]*catalog.Constraint, error)
}

// Env is what executions need of a session. It lives as long as the session and is used by its goroutine only.
type Env struct {
	Slot    *stats.Slot
	Tx      *mvcc.Session
	Catalog Catalog
	// Funcs are the functions that the server has, Func what they see of the session.
	Funcs *functions.Registry
	Func  functions.Env
	// WorkMem returns the memory in bytes that one sort or hash table may take before it spills.
	WorkMem func() int64
	// HashFactor returns hash_mem_multiplier: how much more than WorkMem a hash table may take; nil: 2.
	HashFactor func() float64
	// TempFile makes scratch space.
	TempFile func() (heap.TempFile, error)
	Notice   func(*pgerr.Error)

	// The rest may be nil; what needs it then answers 0A000 (or is not checked).

	// CheckRights checks the privileges that a range-table entry asks for.
	CheckRights func(rte *query.RangeTblEntry) error
	// MaySelect reports whether the user may read a column, or with 0 all of a relation: for what errors show.
	MaySelect func(rel *catalog.Relation, att int16) bool
	// MayExecute reports whether the user may call a function that not everybody may.
	MayExecute func(p *catalog.Proc) (bool, error)
	// UserFunc makes the callable form of a function that is not built in.
	UserFunc func(proc *catalog.Proc) (*functions.Entry, error)
	// PlanSQL plans the statements of a function of language SQL over arguments of these types.
	PlanSQL func(p *catalog.Proc, body string, args []ids.Oid) ([]*plan.Statement, error)
	// PlanInternal plans a query of the executor's own, to be run with the rights of a role.
	PlanInternal func(sql string, args []ids.Oid, role ids.Oid) (*plan.Statement, error)
	// Replica reports whether session_replication_role is replica.
	Replica func() bool
	// NextValue draws the next value of a sequence.
	NextValue func(seq ids.Oid) (int64, error)
	// CursorRow returns the row of relation rel on which a cursor stands; ok is false when it stands on none.
	CursorRow func(cursor string, rel ids.Oid) (tid ids.TID, ok bool, err error)

	// Deferred keeps the keys that are to be checked at the end of the statement or the transaction; made when needed if nil.
	Deferred *Deferred

	// Procs and MaxWorkers (max_parallel_workers) are for parallel plans; without them the session does everything by itself.
	Procs      *stats.Table
	MaxWorkers func() int

	pool     blockPool
	sqlDepth int // nesting of SQL functions
}

func (e *Env) deferred() *Deferred {
	if e.Deferred == nil {
		e.Deferred = NewDeferred(e, func(ids.Oid) (*catalog.Constraint, error) { return nil, nil })
	}
	return e.Deferred
}

func (e *Env) workMem() int64 {
	if e.WorkMem == nil {
		return 4 << 20
	}
	return e.WorkMem()
}

// hashMem is the memory in bytes that one hash table may take.
func (e *Env) hashMem() int64 {
	factor := 2.0
	if e.HashFactor != nil {
		factor = e.HashFactor()
	}
	return int64(factor * float64(e.workMem()))
}

// recordTypmod notes the names of n columns of an anonymous row type and returns the type modifier that stands for them.
func (e *Env) recordTypmod(names []string, n int) int32 {
	if namer, ok := e.Func.(functions.RecordNamer); ok && n > 0 && len(names) == n {
		return namer.RecordTypmod(names)
	}
	return -1
}

// relation returns a relation that must exist.
func (e *Env) relation(oid ids.Oid) (*catalog.Relation, error) {
	r, err := e.Catalog.Relation(oid)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, pgerr.New(pgerr.UndefinedTable, "could not open relation with OID %d", oid)
	}
	if r.Kind == 'm' && !r.Populated {
		return nil, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "materialized view %q has not been populated", r.Name).
			WithHint("Use the REFRESH MATERIALIZED VIEW command.")
	}
	return r, nil
}

// typ returns a type that must exist.
func (e *Env) typ(oid ids.Oid) (*types.Type, error) {
	if t := types.Builtin(oid); t != nil {
		return t, nil
	}
	t, err := e.Catalog.Type(oid)
	if err == nil && t == nil {
		err = pgerr.Internal("cache lookup failed for type %d", oid)
	}
	return t, err
}

// kind returns where values of a type live in memory.
func (e *Env) kind(oid ids.Oid) (types.Kind, error) {
	switch oid {
	case 16, 20, 21, 23, 26, 701, 1114, 1184:
		return types.WordKind, nil
	case 25, 1043, 1700, 2249:
		return types.BytesKind, nil
	}
	t, err := e.typ(oid)
	if err != nil {
		return 0, err
	}
	return t.Kind(), nil
}

// proc returns a function that must exist.
func (e *Env) proc(oid ids.Oid) (*catalog.Proc, error) {
	p, err := e.Catalog.Proc(oid)
	if err == nil && p == nil {
		err = pgerr.Internal("cache lookup failed for function %d", oid)
	}
	return p, err
}
