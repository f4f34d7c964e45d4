package plan

import (
	"gompho/internal/ids"
	"gompho/sql/partition"
	"gompho/sql/query"
)

// Node is a plan node.
type Node interface {
	// Base returns what all plan nodes have.
	Base() *Plan
}

// Plan is what all plan nodes have. Left is the outer child, Right the inner one.
type Plan struct {
	StartupCost float64
	TotalCost   float64
	Rows        float64 // estimated output rows
	Width       int     // estimated bytes of an output row
	TargetList  []*query.TargetEntry
	Qual        query.Expr // condition on the node's output rows (before projection), nil for none; an AND list as BoolExpr
	Left, Right Node
	InitPlans   []int // subplan numbers (Statement.SubPlans) to be run once, on demand, setting exec params
	ExtParams   []int // exec params from above that this subtree reads: a change of them means rescan
	Parallel    int   // of a SeqScan below a Gather: the workers that share out its blocks among them
}

// Base implements Node.
func (p *Plan) Base() *Plan { return p }

// Statement is a finished plan with everything the executor needs of the query.
type Statement struct {
	CommandType    query.CommandType
	Root           Node
	RTable         []*query.RangeTblEntry // flat: of all query levels
	ResultRels     []int                  // range-table indexes of target tables
	RowMarks       []RowMark
	SubPlans       []*SubPlanDef
	ParamExecTypes []ids.Oid // types of the exec params, by number
	ParamTypes     []ids.Oid // types of $1...
	HasReturning   bool
	HasModifyCTE   bool
	CanSetTag      bool
	TransientPlan  bool
	DependsOnRole  bool
	Relids         []ids.Oid // relations whose change makes the plan invalid
	Funcs          []ids.Oid // user functions, likewise
	IndexLocks     []IndexLock
	Sizes          []TableSize // of the tables that it reads
	ReadOnly       bool
	// ResultCols describes the visible output: the non-junk entries of the top target list.
	ResultCols []*query.TargetEntry
}

// IndexLock is the lock on an index of a table of the statement. Planning takes them all; a plan that was kept has to take
// those of the indexes that it uses.
type IndexLock struct {
	Index ids.Oid
	Mode  uint8 // locks.Mode
	Used  bool
}

// TableSize is the size of a table that a plan was made for.
type TableSize struct {
	File  ids.RelFile
	Pages float64
}

// RowMark tells how a table's rows are locked or re-fetched for the re-check after a concurrent update.
type RowMark struct {
	RTI        int
	Strength   query.LockStrength // LockNone: only re-fetch by TID in a re-check
	WaitPolicy query.LockWaitPolicy
	// CtidCol, TableOidCol, WholeCol: 1-based junk columns in the LockRows child's output; 0 when absent.
	CtidCol, TableOidCol, WholeCol int
	// NoRow: an anti join found no row of it, and a re-check finds none either.
	NoRow bool
	// Children are the range-table indexes of the tables that RTI stands for when these are several; TableOidCol then tells which of them a
	// row is of.
	Children []int
}

// SubPlanDef is a plan that an expression or init plan refers to by number.
type SubPlanDef struct {
	Root Node
	// InitPlan: runs at most once in each execution (until a parameter changes).
	InitPlan bool
	// SetParams: exec params that an init plan sets from the columns of its single row (EXISTS: one boolean;
	// ARRAY: one array).
	SetParams []int
	SubLink   query.SubLinkType
	// CTE: a CteScan reads it through this number; the result is materialized.
	CTE bool
	// ModifyCTE: must be run to completion even if nobody reads it.
	ModifyCTE bool
	Name      string // as EXPLAIN shows it: "InitPlan 1 (returns $0)", "SubPlan 2", "CTE x"
}

// SubPlan is a subselect in a finished plan's expression: correlated ones run for each row.
type SubPlan struct {
	query.Result
	SubLinkType query.SubLinkType
	PlanID      int        // index into Statement.SubPlans
	Testexpr    query.Expr // comparison with ParamExec params ParamIDs for the subselect's columns
	ParamIDs    []int
	ParParams   []int // exec params to set from Args before each run
	Args        []query.Expr
	// UseHash: uncorrelated ANY: hash the subselect's rows once and probe. HashLeft are the left-hand
	// expressions, HashOps the equality operators.
	UseHash        bool
	HashLeft       []query.Expr
	HashOps        []ids.Oid
	UnknownEqFalse bool
}

// Scan is what scans of a range-table entry have.
type Scan struct {
	Plan
	ScanRelID int
	// ScanCols are the attribute numbers that the node must decode, ascending; system columns are negative.
	ScanCols []int
}

type (
	// Result evaluates its target list once over no input, or for each row of Left; OneTimeQual (no Vars) guards it.
	Result struct {
		Plan
		OneTimeQual query.Expr
	}
	// ProjectSet evaluates set-returning functions in the target list.
	ProjectSet struct{ Plan }
	// SeqScan reads a table front to back.
	SeqScan struct{ Scan }
	// SampleScan is TABLESAMPLE.
	SampleScan struct {
		Scan
		Method     string
		Args       []query.Expr
		Repeatable query.Expr
	}
	// IndexScan reads a table through an index. IndexQual are the quals as conditions on index columns;
	// IndexQualOrig the same over table columns, for re-check and EXPLAIN.
	IndexScan struct {
		Scan
		IndexID       ids.Oid
		IndexQual     []IndexCond
		IndexQualOrig []query.Expr
		Backward      bool
	}
	// IndexOnlyScan answers from the index where the visibility map allows. IndexCols maps index column (1-based
	// position in the slice plus one) to the table attribute number that it holds, 0 for an expression.
	IndexOnlyScan struct {
		Scan
		IndexID       ids.Oid
		IndexQual     []IndexCond
		IndexQualOrig []query.Expr
		IndexCols     []int
		Backward      bool
	}
	// BitmapIndexScan makes a bitmap of TIDs.
	BitmapIndexScan struct {
		Scan
		IndexID       ids.Oid
		IndexQual     []IndexCond
		IndexQualOrig []query.Expr
	}
	// BitmapAnd and BitmapOr combine bitmaps.
	BitmapAnd struct {
		Plan
		Children []Node
	}
	BitmapOr struct {
		Plan
		Children []Node
	}
	// BitmapHeapScan reads the table blocks of Left's bitmap; BitmapQualOrig re-checks lossy pages.
	BitmapHeapScan struct {
		Scan
		BitmapQualOrig []query.Expr
	}
	// TidScan reads rows by ctid; each expression gives a tid or (Array) an array of them.
	TidScan struct {
		Scan
		TidExprs  []query.Expr
		IsArray   []bool
		CurrentOf *query.CurrentOfExpr
	}
	// TidRangeScan reads rows by a range of ctids.
	TidRangeScan struct {
		Scan
		TidRangeQuals []query.Expr
	}
	// SubqueryScan renames the output of Subplan: Vars of its target list have ScanRelID and count columns.
	SubqueryScan struct {
		Scan
		Subplan Node
	}
	// FunctionScan calls functions in FROM.
	FunctionScan struct {
		Scan
		Functions  []*query.RangeTblFunction
		Ordinality bool
	}
	// ValuesScan is VALUES with many rows.
	ValuesScan struct {
		Scan
		ValuesLists [][]query.Expr
	}
	// CteScan reads a materialized WITH query.
	CteScan struct {
		Scan
		PlanID int
	}
	// WorkTableScan reads the working table of the RecursiveUnion that sets WTParam.
	WorkTableScan struct {
		Scan
		WTParam int
	}
	// RecursiveUnion runs Left once and Right until it yields nothing. DupCols empty: UNION ALL.
	RecursiveUnion struct {
		Plan
		WTParam int
		DupCols []int // 1-based columns to make distinct by
		DupOps  []ids.Oid
		Colls   []ids.Oid
	}
)

// IndexCond is one condition on an index column.
type IndexCond struct {
	Column   int         // 1-based index column
	Strategy int         // btree strategy 1 (<) to 5 (>); 0 for IS NULL, -1 for IS NOT NULL
	Op       ids.Oid     // operator, for its right-hand type
	Func     ids.Oid     // its function
	RightTyp ids.Oid     // type of Value (element type for Array)
	Array    bool        // Value is an array: = ANY
	Value    query.Expr  // no Vars of this scan: constants, params
	RowRest  []IndexCond // of a row comparison: the further columns
}

// SortKey is one column to sort or merge by.
type SortKey struct {
	Col        int // 1-based column of the child's output
	Op         ids.Oid
	Collation  ids.Oid
	Desc       bool
	NullsFirst bool
}

type (
	// NestLoop runs Right for each row of Left. Params: exec params to set from the outer row.
	NestLoop struct {
		Plan
		Join
		Params []NestParam
	}
	// MergeJoin merges two sorted inputs.
	MergeJoin struct {
		Plan
		Join
		MergeClauses []query.Expr // outer op inner, OuterVar on the left
		Keys         []SortKey    // direction and null order of each clause; Col unused
	}
	// HashJoin probes a hash table (Right is a Hash) with the outer rows.
	HashJoin struct {
		Plan
		Join
		HashClauses []query.Expr // outer = inner
		HashOps     []ids.Oid
		HashColls   []ids.Oid
		OuterKeys   []query.Expr
		InnerKeys   []query.Expr // in terms of the Hash node's output, as InnerVar
	}
	// Hash is the inner side of a hash join.
	Hash struct{ Plan }
)

// Join is what joins have. Joinqual decides whether rows match; Plan.Qual filters the joined rows.
type Join struct {
	JoinType    query.JoinType
	Joinqual    query.Expr
	InnerUnique bool
}

// NestParam sets exec param ID from an outer column before each run of the inner side.
type NestParam struct {
	ID  int
	Var query.Expr // OuterVar
}

// AggStrategy is how groups are formed.
type AggStrategy uint8

const (
	AggPlain AggStrategy = iota
	AggSorted
	AggHashed
	AggMixed
)

// Partial aggregation: AggPartial outputs transition states; AggFinal combines them.
const (
	AggComplete = iota
	AggPartial
	AggFinal
)

type (
	// Material keeps its input for rescans.
	Material struct{ Plan }
	// Memoize caches the inner side by its parameters.
	Memoize struct {
		Plan
		Keys    []query.Expr
		HashOps []ids.Oid
		Colls   []ids.Oid
	}
	// Sort sorts.
	Sort struct {
		Plan
		Keys []SortKey
		// Bound > 0: only the first Bound rows are wanted (set at run time by Limit).
	}
	// IncrementalSort sorts groups that are sorted by the first Presorted keys already.
	IncrementalSort struct {
		Sort
		Presorted int
	}
	// Group makes distinct groups of sorted input.
	Group struct {
		Plan
		GroupCols []int
		GroupOps  []ids.Oid
		Colls     []ids.Oid
	}
	// Agg computes aggregates. Aggrefs appear in TargetList and Qual; each has an entry in Aggs, and stands for the
	// entry whose Aggref is equal to it.
	Agg struct {
		Plan
		Strategy  AggStrategy
		Split     int
		GroupCols []int // 1-based columns of the child
		GroupOps  []ids.Oid
		Colls     []ids.Oid
		NumGroups float64
		Aggs      []*query.Aggref
		// GroupingSets: each set lists positions in GroupCols; nil for a plain GROUP BY.
		GroupingSets [][]int
		// GroupRefs are the SortGroupRefs of GroupCols, by which GROUPING names its arguments.
		GroupRefs []int
	}
	// WindowAgg computes the window functions of one window over sorted input.
	WindowAgg struct {
		Plan
		WinRef       int
		Funcs        []*query.WindowFunc
		PartCols     []int
		PartOps      []ids.Oid
		PartColls    []ids.Oid
		OrdCols      []int
		OrdOps       []ids.Oid // equality operators
		OrdColls     []ids.Oid
		OrdKeys      []SortKey
		FrameOptions int
		StartOffset  query.Expr
		EndOffset    query.Expr
		StartInRange ids.Oid
		EndInRange   ids.Oid
		InRangeAsc   bool
		InRangeNF    bool
	}
	// Unique drops adjacent duplicates.
	Unique struct {
		Plan
		Cols  []int
		Ops   []ids.Oid
		Colls []ids.Oid
	}
	// SetOp is INTERSECT or EXCEPT over an input whose column FlagCol (1-based) tells the side (0 left, 1 right). The input is sorted by Cols, then the side; or, with
	// Hashed, has the left side first.
	SetOp struct {
		Plan
		Op      query.SetOp
		All     bool
		Hashed  bool
		Cols    []int
		Ops     []ids.Oid
		Colls   []ids.Oid
		FlagCol int
	}
	// Append concatenates its children.
	Append struct {
		Plan
		Children []Node
		Prune    *Pruning // nil: all children are always read
		Rel      int      // range-table index of the table that the children are of, 0: none
	}
	// MergeAppend merges sorted children.
	MergeAppend struct {
		Plan
		Children []Node
		Keys     []SortKey
		Prune    *Pruning
		Rel      int
	}
	// LockRows locks the rows that come by.
	LockRows struct {
		Plan
		Marks []RowMark
	}
	// Limit passes on Count rows after the first Offset.
	Limit struct {
		Plan
		Offset   query.Expr
		Count    query.Expr
		WithTies bool
		TieCols  []int
		TieOps   []ids.Oid
		TieColls []ids.Oid
	}
	// Gather runs its child in parallel by block ranges and collects the rows in any order.
	Gather struct {
		Plan
		Workers int
	}
	// ModifyTable stores what Left yields. The child's output: for INSERT one column for each attribute of the target in
	// order (dropped ones NULL); for UPDATE the new values of UpdateCols in order, then junk; for DELETE junk only.
	ModifyTable struct {
		Plan
		Operation  query.CommandType
		ResultRel  int   // range-table index
		UpdateCols []int // attribute numbers, UPDATE
		CtidCol    int   // 1-based child column with the row's ctid
		// ResultRels are the range-table indexes of the tables whose rows are changed when these are not ResultRel's alone: the leaf
		// partitions of a partitioned table, or a table and those that inherit from it. The child's columns are then new values of
		// ResultRel's columns, and TableOidCol (1-based) tells which table a row is of. Returning and WithChecks see rows of ResultRel.
		ResultRels  []int
		TableOidCol int
		WholeCol    int // child column with the old whole row (views), 0 for none
		RowMarks    []RowMark
		Returning   []*query.TargetEntry // Vars: ResultRel for the target's row, OuterVar for other columns of the child
		OnConflict  *OnConflict
		// WithChecks, evaluated over the new row (Vars of ResultRel).
		WithChecks []query.Expr
		// WithCheckViews are the views that they are of.
		WithCheckViews []string
		CanSetTag      bool
		// Merge actions, in order.
		MergeActions []*MergeAction
		MergeJoinCol int
	}
)

// OnConflict is the plan of an ON CONFLICT clause.
type OnConflict struct {
	Action   query.OnConflictAction
	Arbiters []ids.Oid // unique indexes; empty with DO NOTHING: any
	// Set and Where: Vars of ResultRel are the existing row, Vars of ExclRel the proposed one. Resno = attnum.
	Set     []*query.TargetEntry
	Where   query.Expr
	ExclRel int
}

// MergeAction is one WHEN clause of MERGE.
type MergeAction struct {
	Matched    bool
	Command    query.CommandType // CmdUtility: DO NOTHING
	Qual       query.Expr
	TargetList []*query.TargetEntry
	Override   query.OverridingKind
}

// Pruning tells which children of an Append need not be read, when the values of parameters are known.
type Pruning struct {
	Levels []PruneLevel
	Rescan bool // exec params count: to be looked at again with each rescan
}

// PruneLevel is one partitioned table of the tree.
type PruneLevel struct {
	Key    *partition.Key
	Desc   *partition.Desc
	Cond   *partition.Cond
	Values []query.Expr // that Cond compares with
	Part   []int        // for each child of the Append the partition of Desc that it is or is below of, -1: none
}
