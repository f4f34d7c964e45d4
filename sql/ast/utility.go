package ast

// TransactionStmtKind is the kind of a TransactionStmt.
type TransactionStmtKind uint8

const (
	TransStmtBegin TransactionStmtKind = iota
	TransStmtStart
	TransStmtCommit
	TransStmtRollback
	TransStmtSavepoint
	TransStmtRelease
	TransStmtRollbackTo
	TransStmtPrepare
	TransStmtCommitPrepared
	TransStmtRollbackPrepared
)

// TransactionStmt is BEGIN, COMMIT and so on. Options are those of BEGIN and START: "transaction_isolation",
// "transaction_read_only", "transaction_deferrable" with an *AConst each.
type TransactionStmt struct {
	Kind          TransactionStmtKind
	Options       []*DefElem
	SavepointName string
	Gid           string
	Chain         bool
}

// VariableSetKind is the kind of a VariableSetStmt.
type VariableSetKind uint8

const (
	VarSetValue VariableSetKind = iota
	VarSetDefault
	VarSetCurrent
	VarSetMulti // SET TRANSACTION and SET SESSION CHARACTERISTICS; Args are *DefElem
	VarReset
	VarResetAll
)

// VariableSetStmt is SET or RESET. Args are *AConst, or *TypeCast for an interval time zone.
type VariableSetStmt struct {
	Kind    VariableSetKind
	Name    string
	Args    []Node
	IsLocal bool
}

// VariableShowStmt is SHOW; Name is "all" for SHOW ALL.
type VariableShowStmt struct {
	Name string
}

// CopyStmt is COPY. Exactly one of Relation and Query is set. Filename "" with !IsProgram means STDIN or STDOUT.
type CopyStmt struct {
	Relation    *RangeVar
	Query       Stmt
	Attlist     []string
	IsFrom      bool
	IsProgram   bool
	Filename    string
	HasFilename bool // distinguishes an empty file name from STDIN/STDOUT
	Options     []*DefElem
	WhereClause Node
}

// ExplainStmt is EXPLAIN.
type ExplainStmt struct {
	Query   Stmt
	Options []*DefElem
}

// VacuumStmt is VACUUM (IsVacuumcmd) or ANALYZE. Rels nil means every table.
type VacuumStmt struct {
	Options     []*DefElem
	Rels        []*VacuumRelation
	IsVacuumcmd bool
}

// VacuumRelation is a table of VACUUM or ANALYZE with its columns, if given.
type VacuumRelation struct {
	Relation *RangeVar
	VaCols   []string
}

// ClusterStmt is CLUSTER; Relation nil means every clustered table.
type ClusterStmt struct {
	Relation  *RangeVar
	Indexname string
	Params    []*DefElem
}

// ReindexObjectType is what REINDEX rebuilds.
type ReindexObjectType uint8

const (
	ReindexObjectIndex ReindexObjectType = iota
	ReindexObjectTable
	ReindexObjectSchema
	ReindexObjectSystem
	ReindexObjectDatabase
)

// ReindexStmt is REINDEX; Relation for indexes and tables, Name else.
type ReindexStmt struct {
	Kind     ReindexObjectType
	Relation *RangeVar
	Name     string
	Params   []*DefElem
}

// LockStmt is LOCK TABLE; Mode is PostgreSQL's lock mode number, 1 (ACCESS SHARE) to 8 (ACCESS EXCLUSIVE).
type LockStmt struct {
	Relations []*RangeVar
	Mode      int32
	Nowait    bool
}

// ConstraintsSetStmt is SET CONSTRAINTS; Constraints nil means ALL.
type ConstraintsSetStmt struct {
	Constraints []*RangeVar
	Deferred    bool
}

// CheckPointStmt is CHECKPOINT.
type CheckPointStmt struct{}

// DiscardMode is what DISCARD forgets.
type DiscardMode uint8

const (
	DiscardAll DiscardMode = iota
	DiscardPlans
	DiscardSequences
	DiscardTemp
)

// DiscardStmt is DISCARD.
type DiscardStmt struct {
	Target DiscardMode
}

// PrepareStmt is PREPARE.
type PrepareStmt struct {
	Name     string
	Argtypes []*TypeName
	Query    Stmt
}

// ExecuteStmt is EXECUTE.
type ExecuteStmt struct {
	Name   string
	Params []Node
}

// DeallocateStmt is DEALLOCATE; Name "" means ALL.
type DeallocateStmt struct {
	Name string
}

// Cursor options.
const (
	CursorOptBinary      int32 = 0x0001
	CursorOptScroll      int32 = 0x0002
	CursorOptNoScroll    int32 = 0x0004
	CursorOptInsensitive int32 = 0x0008
	CursorOptAsensitive  int32 = 0x0010
	CursorOptHold        int32 = 0x0020
	CursorOptFastPlan    int32 = 0x0100
)

// DeclareCursorStmt is DECLARE CURSOR.
type DeclareCursorStmt struct {
	Portalname string
	Options    int32
	Query      *SelectStmt
}

// ClosePortalStmt is CLOSE; Portalname "" means ALL.
type ClosePortalStmt struct {
	Portalname string
}

// FetchDirection is the direction of FETCH and MOVE.
type FetchDirection uint8

const (
	FetchForward FetchDirection = iota
	FetchBackward
	FetchAbsolute
	FetchRelative
)

// FetchAll is the HowMany of FETCH ALL.
const FetchAll int64 = 1<<63 - 1

// FetchStmt is FETCH or MOVE (Ismove).
type FetchStmt struct {
	Direction  FetchDirection
	HowMany    int64
	Portalname string
	Ismove     bool
}

// ListenStmt is LISTEN.
type ListenStmt struct {
	Conditionname string
}

// UnlistenStmt is UNLISTEN; Conditionname "" means *.
type UnlistenStmt struct {
	Conditionname string
}

// NotifyStmt is NOTIFY.
type NotifyStmt struct {
	Conditionname string
	Payload       string
}

// LoadStmt is LOAD.
type LoadStmt struct {
	Filename string
}
