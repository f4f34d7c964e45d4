package ast

// SetOperation is UNION, INTERSECT or EXCEPT.
type SetOperation uint8

const (
	SetopNone SetOperation = iota
	SetopUnion
	SetopIntersect
	SetopExcept
)

// LimitOption says how LimitCount was written.
type LimitOption uint8

const (
	LimitOptionDefault  LimitOption = iota // no limit
	LimitOptionCount                       // LIMIT, FETCH FIRST ... ONLY
	LimitOptionWithTies                    // FETCH FIRST ... WITH TIES
)

// SelectStmt is a SELECT, VALUES (ValuesLists set) or a set operation (Op, Larg, Rarg set).
// DistinctClause is nil, [nil] for plain DISTINCT, or the expressions of DISTINCT ON.
// LIMIT ALL is a LimitCount that is an AConst with Isnull.
type SelectStmt struct {
	DistinctClause []Node
	IntoClause     *IntoClause
	TargetList     []*ResTarget
	FromClause     []Node // *RangeVar, *JoinExpr, *RangeSubselect, *RangeFunction, ...
	WhereClause    Node
	GroupClause    []Node // expressions and *GroupingSet
	GroupDistinct  bool
	HavingClause   Node
	WindowClause   []*WindowDef
	ValuesLists    [][]Node
	SortClause     []*SortBy
	LimitOffset    Node
	LimitCount     Node
	LimitOption    LimitOption
	LockingClause  []*LockingClause
	WithClause     *WithClause
	Op             SetOperation
	All            bool
	Larg           *SelectStmt
	Rarg           *SelectStmt
}

// OverridingKind is INSERT's OVERRIDING clause.
type OverridingKind uint8

const (
	OverridingNotSet OverridingKind = iota
	OverridingUserValue
	OverridingSystemValue
)

// InsertStmt is INSERT. SelectStmt is nil for DEFAULT VALUES.
type InsertStmt struct {
	Relation         *RangeVar
	Cols             []*ResTarget
	SelectStmt       *SelectStmt
	OnConflictClause *OnConflictClause
	ReturningList    []*ResTarget
	WithClause       *WithClause
	Override         OverridingKind
}

// UpdateStmt is UPDATE. A TargetList element holds the new value in Val, a *MultiAssignRef for
// SET (a, b) = ...
type UpdateStmt struct {
	Relation      *RangeVar
	TargetList    []*ResTarget
	WhereClause   Node
	FromClause    []Node
	ReturningList []*ResTarget
	WithClause    *WithClause
}

// DeleteStmt is DELETE.
type DeleteStmt struct {
	Relation      *RangeVar
	UsingClause   []Node
	WhereClause   Node
	ReturningList []*ResTarget
	WithClause    *WithClause
}

// MergeStmt is MERGE.
type MergeStmt struct {
	Relation         *RangeVar
	SourceRelation   Node
	JoinCondition    Node
	MergeWhenClauses []*MergeWhenClause
	WithClause       *WithClause
}

// CmdType is what a MERGE action or a rule's event does.
type CmdType uint8

const (
	CmdUnknown CmdType = iota
	CmdSelect
	CmdUpdate
	CmdInsert
	CmdDelete
	CmdMerge
	CmdUtility
	CmdNothing
)

// MergeWhenClause is WHEN [NOT] MATCHED [AND Condition] THEN action.
type MergeWhenClause struct {
	Matched     bool
	CommandType CmdType
	Override    OverridingKind
	Condition   Node
	TargetList  []*ResTarget
	Values      []Node // of INSERT; nil means DEFAULT VALUES
}

// ResTarget is an output column (Name "" without AS), an INSERT column, or an UPDATE assignment.
type ResTarget struct {
	Name        string
	Indirection []Node
	Val         Node
	Location    int32
}

// Relpersistence values of RangeVar.
const (
	RelpersistencePermanent byte = 'p'
	RelpersistenceUnlogged  byte = 'u'
	RelpersistenceTemp      byte = 't'
)

// RangeVar is a relation by name. Inh is false after ONLY. Relpersistence is never 0.
type RangeVar struct {
	Catalogname    string
	Schemaname     string
	Relname        string
	Inh            bool
	Relpersistence byte
	Alias          *Alias
	Location       int32
}

// Alias is a table alias; Colnames may be nil.
type Alias struct {
	Aliasname string
	Colnames  []string
}

// JoinType is the kind of a JoinExpr.
type JoinType uint8

const (
	JoinInner JoinType = iota // also CROSS JOIN: neither Quals nor UsingClause
	JoinLeft
	JoinFull
	JoinRight
)

// JoinExpr is a join of two FROM items.
type JoinExpr struct {
	Jointype       JoinType
	IsNatural      bool
	Larg           Node
	Rarg           Node
	UsingClause    []string
	JoinUsingAlias *Alias
	Quals          Node
	Alias          *Alias
}

// RangeSubselect is a subquery in FROM.
type RangeSubselect struct {
	Lateral  bool
	Subquery *SelectStmt
	Alias    *Alias
}

// RangeFunctionItem is one function of a RangeFunction with its own column definitions, if any.
type RangeFunctionItem struct {
	Func       Node
	Coldeflist []*ColumnDef
}

// RangeFunction is a function, or ROWS FROM (...), in FROM.
type RangeFunction struct {
	Lateral    bool
	Ordinality bool
	IsRowsfrom bool
	Functions  []RangeFunctionItem
	Alias      *Alias
	Coldeflist []*ColumnDef
}

// RangeTableSample is relation TABLESAMPLE method(args) [REPEATABLE (seed)].
type RangeTableSample struct {
	Relation   Node
	Method     []string
	Args       []Node
	Repeatable Node
	Location   int32
}

// RangeTableFunc is XMLTABLE.
type RangeTableFunc struct {
	Lateral    bool
	Docexpr    Node
	Rowexpr    Node
	Namespaces []*ResTarget
	Columns    []*RangeTableFuncCol
	Alias      *Alias
	Location   int32
}

// RangeTableFuncCol is a column of XMLTABLE.
type RangeTableFuncCol struct {
	Colname       string
	TypeName      *TypeName
	ForOrdinality bool
	IsNotNull     bool
	Colexpr       Node
	Coldefexpr    Node
	Location      int32
}

// SortByDir is ASC, DESC or USING.
type SortByDir uint8

const (
	SortbyDefault SortByDir = iota
	SortbyAsc
	SortbyDesc
	SortbyUsing
)

// SortByNulls is NULLS FIRST or LAST.
type SortByNulls uint8

const (
	SortbyNullsDefault SortByNulls = iota
	SortbyNullsFirst
	SortbyNullsLast
)

// SortBy is an element of ORDER BY. Location is that of the USING operator.
type SortBy struct {
	Node        Node
	SortbyDir   SortByDir
	SortbyNulls SortByNulls
	UseOp       []string
	Location    int32
}

// GroupingSetKind is the kind of a GroupingSet.
type GroupingSetKind uint8

const (
	GroupingSetEmpty GroupingSetKind = iota
	GroupingSetSimple
	GroupingSetRollup
	GroupingSetCube
	GroupingSetSets
)

// GroupingSet is (), ROLLUP, CUBE or GROUPING SETS in GROUP BY.
type GroupingSet struct {
	Kind     GroupingSetKind
	Content  []Node
	Location int32
}

// Frame options of WindowDef.
const (
	FrameoptionNondefault              int32 = 0x00001
	FrameoptionRange                   int32 = 0x00002
	FrameoptionRows                    int32 = 0x00004
	FrameoptionGroups                  int32 = 0x00008
	FrameoptionBetween                 int32 = 0x00010
	FrameoptionStartUnboundedPreceding int32 = 0x00020
	FrameoptionEndUnboundedPreceding   int32 = 0x00040
	FrameoptionStartUnboundedFollowing int32 = 0x00080
	FrameoptionEndUnboundedFollowing   int32 = 0x00100
	FrameoptionStartCurrentRow         int32 = 0x00200
	FrameoptionEndCurrentRow           int32 = 0x00400
	FrameoptionStartOffsetPreceding    int32 = 0x00800
	FrameoptionEndOffsetPreceding      int32 = 0x01000
	FrameoptionStartOffsetFollowing    int32 = 0x02000
	FrameoptionEndOffsetFollowing      int32 = 0x04000
	FrameoptionExcludeCurrentRow       int32 = 0x08000
	FrameoptionExcludeGroup            int32 = 0x10000
	FrameoptionExcludeTies             int32 = 0x20000

	FrameoptionDefaults = FrameoptionRange | FrameoptionStartUnboundedPreceding | FrameoptionEndCurrentRow
)

// WindowDef is a WINDOW definition or an OVER clause. OVER name has only Name; OVER (name ...) has
// Refname.
type WindowDef struct {
	Name            string
	Refname         string
	PartitionClause []Node
	OrderClause     []*SortBy
	FrameOptions    int32
	StartOffset     Node
	EndOffset       Node
	Location        int32
}

// LockClauseStrength is the strength of a row-locking clause, weakest first.
type LockClauseStrength uint8

const (
	LcsNone LockClauseStrength = iota
	LcsForkeyshare
	LcsForshare
	LcsFornokeyupdate
	LcsForupdate
)

// LockWaitPolicy is what to do about a locked row.
type LockWaitPolicy uint8

const (
	LockWaitBlock LockWaitPolicy = iota
	LockWaitSkip
	LockWaitError
)

// LockingClause is FOR UPDATE and the like; LockedRels nil means all.
type LockingClause struct {
	LockedRels []*RangeVar
	Strength   LockClauseStrength
	WaitPolicy LockWaitPolicy
}

// WithClause is WITH [RECURSIVE] ctes.
type WithClause struct {
	Ctes      []*CommonTableExpr
	Recursive bool
	Location  int32
}

// CTEMaterialize is [NOT] MATERIALIZED.
type CTEMaterialize uint8

const (
	CTEMaterializeDefault CTEMaterialize = iota
	CTEMaterializeAlways
	CTEMaterializeNever
)

// CommonTableExpr is one WITH query.
type CommonTableExpr struct {
	Ctename         string
	Aliascolnames   []string
	Ctematerialized CTEMaterialize
	Ctequery        Stmt
	SearchClause    *CTESearchClause
	CycleClause     *CTECycleClause
	Location        int32
}

// CTESearchClause is SEARCH DEPTH|BREADTH FIRST BY cols SET col.
type CTESearchClause struct {
	SearchColList      []string
	SearchBreadthFirst bool
	SearchSeqColumn    string
	Location           int32
}

// CTECycleClause is CYCLE cols SET mark [TO value DEFAULT default] USING path.
type CTECycleClause struct {
	CycleColList     []string
	CycleMarkColumn  string
	CycleMarkValue   Node
	CycleMarkDefault Node
	CyclePathColumn  string
	Location         int32
}

// OnConflictAction is ON CONFLICT's action.
type OnConflictAction uint8

const (
	OnconflictNone OnConflictAction = iota
	OnconflictNothing
	OnconflictUpdate
)

// OnConflictClause is ON CONFLICT.
type OnConflictClause struct {
	Action      OnConflictAction
	Infer       *InferClause
	TargetList  []*ResTarget
	WhereClause Node
	Location    int32
}

// InferClause is the conflict target: index elements, or the constraint Conname.
type InferClause struct {
	IndexElems  []*IndexElem
	WhereClause Node
	Conname     string
	Location    int32
}

// OnCommitAction is a temporary table's ON COMMIT.
type OnCommitAction uint8

const (
	OncommitNoop OnCommitAction = iota
	OncommitPreserveRows
	OncommitDeleteRows
	OncommitDrop
)

// IntoClause is the target of SELECT INTO, CREATE TABLE AS and CREATE MATERIALIZED VIEW.
type IntoClause struct {
	Rel            *RangeVar
	ColNames       []string
	AccessMethod   string
	Options        []*DefElem
	OnCommit       OnCommitAction
	TableSpaceName string
	SkipData       bool
}

// ReturnStmt is RETURN expr in an SQL-standard function body.
type ReturnStmt struct {
	Returnval Node
}

// PLAssignStmt is an assignment in PL/pgSQL: Name with Indirection gets Val's one value.
type PLAssignStmt struct {
	Name        string
	Indirection []Node
	Nnames      int32
	Val         *SelectStmt
	Location    int32
}
