package query

import "gompho/internal/ids"

// CommandType is the kind of a Query.
type CommandType uint8

const (
	CmdSelect CommandType = iota + 1
	CmdUpdate
	CmdInsert
	CmdDelete
	CmdMerge
	CmdUtility
)

// Query is one analyzed statement or subselect.
type Query struct {
	CommandType CommandType
	CanSetTag   bool
	UtilityStmt UtilityStmt // raw tree of a utility statement; not stored in catalogs
	// UtilityQuery is the analyzed query inside a utility statement: of EXPLAIN, CREATE TABLE AS, CREATE VIEW, DECLARE,
	// COPY (query), PREPARE. It may itself be a CmdUtility.
	UtilityQuery    *Query
	ResultRelation  int // target's range-table index, 0 for SELECT
	HasAggs         bool
	HasWindowFuncs  bool
	HasTargetSRFs   bool
	HasSubLinks     bool
	HasDistinctOn   bool
	HasRecursive    bool
	HasModifyingCTE bool
	HasForUpdate    bool
	CTEList         []*CommonTableExpr
	RTable          []*RangeTblEntry
	JoinTree        *FromExpr
	TargetList      []*TargetEntry // INSERT: columns in table order; UPDATE: assigned columns, Resno = attnum
	Override        OverridingKind
	OnConflict      *OnConflictExpr
	ReturningList   []*TargetEntry
	GroupClause     []*SortGroupClause
	GroupDistinct   bool
	GroupingSets    []*GroupingSet
	HavingQual      Expr
	WindowClause    []*WindowClause
	DistinctClause  []*SortGroupClause
	SortClause      []*SortGroupClause
	LimitOffset     Expr // int8
	LimitCount      Expr // int8
	WithTies        bool
	RowMarks        []*RowMarkClause
	SetOperations   SetOpNode // nil, or the tree of set operations over subquery range-table entries
	// MergeActions are the WHEN clauses of MERGE, in order; MergeOuter asks for source rows without a match too
	// (the join tree then has a left join of the source with the target).
	MergeActions []*MergeAction
	MergeOuter   bool
	// WithCheckOptions are conditions that new rows must meet, from views WITH CHECK OPTION.
	WithCheckOptions []*WithCheckOption
	ConstraintDeps   []ids.Oid
	StmtLocation     int32
	StmtLen          int32
}

func (*Query) isNode() {}

// UtilityStmt is the raw tree of a statement that is not planned.
type UtilityStmt interface{ CommandTag() string }

// OverridingKind is the OVERRIDING clause of INSERT.
type OverridingKind uint8

const (
	OverridingNotSet OverridingKind = iota
	OverridingUserValue
	OverridingSystemValue
)

// RTEKind is the kind of a range-table entry.
type RTEKind uint8

const (
	RTERelation RTEKind = iota
	RTESubquery
	RTEJoin
	RTEFunction
	RTEValues
	RTECTE
	RTEResult
)

// RangeTblEntry is one item that columns can come from.
type RangeTblEntry struct {
	Kind  RTEKind
	Alias *Alias // as written; nil when none
	Eref  *Alias // effective name and column names

	// RTERelation
	Relid       ids.Oid
	Relkind     byte
	Rellockmode uint8 // locks.Mode
	Inh         bool

	TableSample *TableSampleClause // nil without TABLESAMPLE

	// RTESubquery; for a view also Relid and Relkind are set
	Subquery *Query
	Security bool

	// RTEJoin
	JoinType      JoinType
	JoinMergedN   int    // number of USING/NATURAL columns that come first
	JoinAliasVars []Expr // one for each output column
	JoinUsing     *Alias
	// JoinLeftCols and JoinRightCols are the column numbers of the sides that the output columns come from: the merged
	// ones first, on both sides, then the others.
	JoinLeftCols, JoinRightCols []int

	// RTEFunction
	Functions  []*RangeTblFunction
	Ordinality bool

	// RTEValues
	ValuesLists [][]Expr

	// RTECTE
	CTEName       string
	CTELevelsUp   int
	SelfReference bool

	// RTEFunction, RTEValues, RTECTE: column types
	ColTypes   []ids.Oid
	ColTypmods []int32
	ColColls   []ids.Oid

	Lateral bool
	InFrom  bool

	// rights checked at execution: Perm bits; columns by attnum
	RequiredPerms uint32
	CheckAsUser   ids.Oid
	SelectedCols  []int16
	InsertedCols  []int16
	UpdatedCols   []int16
}

func (*RangeTblEntry) isNode() {}

// Privilege bits of RangeTblEntry.RequiredPerms.
const (
	PermInsert uint32 = 1 << iota
	PermSelect
	PermUpdate
	PermDelete
	PermTruncate
)

// Alias is a name with column names.
type Alias struct {
	Name     string
	Colnames []string
}

func (*Alias) isNode() {}

// RangeTblFunction is one function of a RTEFunction.
type RangeTblFunction struct {
	FuncExpr    Expr
	ColCount    int
	ColNames    []string // of a column definition list
	ColTypes    []ids.Oid
	ColTypmods  []int32
	ColColls    []ids.Oid
	HasColdefs  bool
	ReturnsRows bool // composite result expanded into columns
}

func (*RangeTblFunction) isNode() {}

// JoinType is the kind of a join.
type JoinType uint8

const (
	JoinInner JoinType = iota
	JoinLeft
	JoinFull
	JoinRight
	JoinSemi // made by the planner
	JoinAnti // made by the planner
)

// JoinNode is an item of a join tree: *RangeTblRef, *JoinExpr or *FromExpr.
type JoinNode interface{ Node }

// RangeTblRef refers to a range-table entry.
type RangeTblRef struct{ RTIndex int }

func (*RangeTblRef) isNode() {}

// JoinExpr joins two items.
type JoinExpr struct {
	JoinType  JoinType
	IsNatural bool
	Larg      JoinNode
	Rarg      JoinNode
	Using     []string // names of the merged columns of USING and NATURAL
	Quals     Expr     // nil for none
	RTIndex   int      // range-table entry of the join itself; 0 when made by the planner
}

func (*JoinExpr) isNode() {}

// FromExpr is a FROM list with its WHERE condition.
type FromExpr struct {
	FromList []JoinNode
	Quals    Expr
}

func (*FromExpr) isNode() {}

// SortGroupClause names a column of the target list to sort, group or make distinct by.
type SortGroupClause struct {
	TLESortGroupRef int
	EqOp            ids.Oid
	SortOp          ids.Oid // 0 when only hashable
	NullsFirst      bool
	Hashable        bool
}

func (*SortGroupClause) isNode() {}

// GroupingSetKind is the kind of a grouping set.
type GroupingSetKind uint8

const (
	GroupingSetEmpty GroupingSetKind = iota
	GroupingSetSimple
	GroupingSetRollup
	GroupingSetCube
	GroupingSetSets
)

// GroupingSet is an item of GROUP BY with grouping sets; Refs for a simple one, Content for the others.
type GroupingSet struct {
	Kind    GroupingSetKind
	Refs    []int
	Content []*GroupingSet
}

func (*GroupingSet) isNode() {}

// Frame options of a window, as in PostgreSQL's FRAMEOPTION_*.
const (
	FrameNonDefault = 1 << iota
	FrameRange
	FrameRows
	FrameGroups
	FrameBetween
	FrameStartUnboundedPreceding
	FrameEndUnboundedPreceding
	FrameStartUnboundedFollowing
	FrameEndUnboundedFollowing
	FrameStartCurrentRow
	FrameEndCurrentRow
	FrameStartOffsetPreceding
	FrameEndOffsetPreceding
	FrameStartOffsetFollowing
	FrameEndOffsetFollowing
	FrameExcludeCurrentRow
	FrameExcludeGroup
	FrameExcludeTies
)

// WindowClause is one window.
type WindowClause struct {
	Name            string
	Refname         string
	PartitionClause []*SortGroupClause
	OrderClause     []*SortGroupClause
	FrameOptions    int
	StartOffset     Expr
	EndOffset       Expr
	StartInRangeFn  ids.Oid
	EndInRangeFn    ids.Oid
	InRangeColl     ids.Oid
	InRangeAsc      bool
	InRangeNulls1st bool
	WinRef          int
	CopiedOrder     bool // OrderClause is the referenced window's
}

func (*WindowClause) isNode() {}

// LockStrength orders the row locks of SELECT ... FOR.
type LockStrength uint8

const (
	LockNone LockStrength = iota
	LockForKeyShare
	LockForShare
	LockForNoKeyUpdate
	LockForUpdate
)

// LockWaitPolicy tells what to do about a row that somebody else has locked.
type LockWaitPolicy uint8

const (
	LockWaitBlock LockWaitPolicy = iota
	LockWaitSkip
	LockWaitError
)

// RowMarkClause is FOR UPDATE and its kin on one range-table entry.
type RowMarkClause struct {
	RTI        int
	Strength   LockStrength
	WaitPolicy LockWaitPolicy
	PushedDown bool
}

func (*RowMarkClause) isNode() {}

// CTEMaterialize is what WITH says of materialization.
type CTEMaterialize uint8

const (
	CTEMaterializeDefault CTEMaterialize = iota
	CTEMaterializeAlways
	CTEMaterializeNever
)

// CommonTableExpr is one WITH query.
type CommonTableExpr struct {
	CTEName      string
	AliasCols    []string
	Materialized CTEMaterialize
	Query        *Query
	Recursive    bool
	RefCount     int
	ColNames     []string
	ColTypes     []ids.Oid
	ColTypmods   []int32
	ColColls     []ids.Oid
	Location     int32
}

func (*CommonTableExpr) isNode() {}

// SetOp is a set operation.
type SetOp uint8

const (
	SetOpNone SetOp = iota
	SetOpUnion
	SetOpIntersect
	SetOpExcept
)

// SetOpNode is *SetOperationStmt or *RangeTblRef (a leaf).
type SetOpNode interface{ Node }

// SetOperationStmt is one set operation; GroupClauses are empty for UNION ALL.
type SetOperationStmt struct {
	Op           SetOp
	All          bool
	Larg         SetOpNode
	Rarg         SetOpNode
	ColTypes     []ids.Oid
	ColTypmods   []int32
	ColColls     []ids.Oid
	GroupClauses []*SortGroupClause // TLESortGroupRef unused: one for each column in order
}

func (*SetOperationStmt) isNode() {}

// OnConflictAction is what ON CONFLICT does.
type OnConflictAction uint8

const (
	OnConflictNone OnConflictAction = iota
	OnConflictNothing
	OnConflictUpdate
)

// OnConflictExpr is an analyzed ON CONFLICT clause.
type OnConflictExpr struct {
	Action       OnConflictAction
	ArbiterElems []*InferenceElem
	ArbiterWhere Expr
	Constraint   ids.Oid // of ON CONSTRAINT
	Set          []*TargetEntry
	Where        Expr
	ExclRelIndex int // range-table index of EXCLUDED
}

func (*OnConflictExpr) isNode() {}

// InferenceElem is one column or expression that a unique index must have.
type InferenceElem struct {
	Expr       Expr
	InferColl  ids.Oid
	InferOpcls ids.Oid
}

func (*InferenceElem) isNode() {}

// TableSampleClause is TABLESAMPLE: Method is the name of the method, Args are float4.
type TableSampleClause struct {
	Method     string
	Args       []Expr
	Repeatable Expr // float8, nil for none
}

func (*TableSampleClause) isNode() {}

// MergeAction is one WHEN clause of MERGE. TargetList is as in INSERT or UPDATE.
type MergeAction struct {
	Matched     bool
	CommandType CommandType // CmdInsert, CmdUpdate, CmdDelete; 0 for DO NOTHING
	Override    OverridingKind
	Qual        Expr
	TargetList  []*TargetEntry
}

func (*MergeAction) isNode() {}

// WithCheckOption is a condition on the rows that an INSERT or UPDATE through view RelName makes.
type WithCheckOption struct {
	RelName  string
	Qual     Expr
	Cascaded bool
}

func (*WithCheckOption) isNode() {}
