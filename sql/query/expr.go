package query

import (
	"gompho/internal/ids"
	"gompho/types"
)

// Node is any part of an analyzed tree.
type Node interface{ isNode() }

// Expr is a node with a value.
type Expr interface {
	Node
	// Type returns the type of the value.
	Type() ids.Oid
	// Typmod returns the type modifier, -1 for none.
	Typmod() int32
	// Collation returns the collation of the value, 0 when its type has none.
	Collation() ids.Oid
}

// Result is the type of an expression; nodes that store it embed it.
type Result struct {
	ResType      ids.Oid
	ResTypmod    int32
	ResCollation ids.Oid
}

func (r *Result) Type() ids.Oid      { return r.ResType }
func (r *Result) Typmod() int32      { return r.ResTypmod }
func (r *Result) Collation() ids.Oid { return r.ResCollation }
func (r *Result) isNode()            {}

// SetCollation sets the collation, while the tree is being made.
func (r *Result) SetCollation(c ids.Oid) { r.ResCollation = c }

// Var is a column of a range-table entry; Varattno 0 is the whole row, negative ones are system columns.
// After planning Varno is one of OuterVar, InnerVar, IndexVar or a scan's own range-table index.
type Var struct {
	Result
	Varno       int
	Varattno    int
	Varlevelsup int
	// Varnosyn and Varattnosyn name the entry and column that the statement's text refers to, where that is another
	// one (a join's); 0 otherwise. They serve deparsing only.
	Varnosyn, Varattnosyn int32
	Location              int32
}

// Special values of Var.Varno in finished plans. A Var of a scan node's own tuple keeps the scan's range-table index.
const (
	OuterVar = -1 // column Varattno (1-based) of the outer (left) child's output
	InnerVar = -2 // the same of the inner (right) child
	IndexVar = -3 // column of an index-only scan's index tuple
)

// System column numbers.
const (
	CtidAttr     = -1
	XminAttr     = -2
	CminAttr     = -3
	XmaxAttr     = -4
	CmaxAttr     = -5
	TableOidAttr = -6
)

// Const is a literal value.
type Const struct {
	Result
	Value    types.Datum // types.Null for NULL; owns its memory
	Location int32
}

// ParamKind tells where a Param's value comes from.
type ParamKind uint8

const (
	ParamExtern    ParamKind = iota // $n of the statement, n = ID from 1
	ParamExec                       // executor parameter slot ID (from 0), set by a subplan or nested loop
	ParamSublink                    // column ID of a SubLink's subselect, inside its Testexpr
	ParamMultiExpr                  // column ID&0xffff of the MULTIEXPR SubLink numbered ID>>16 in the same target list
)

// Param is a value that is supplied at run time.
type Param struct {
	Result
	Kind     ParamKind
	ID       int
	Location int32
}

// CoercionForm tells how a function call or coercion was written.
type CoercionForm uint8

const (
	CoerceExplicitCall CoercionForm = iota // f(x)
	CoerceExplicitCast                     // x::t
	CoerceImplicitCast                     // not written
	CoerceSQLSyntax                        // EXTRACT(x FROM y) and the like
)

// FuncExpr calls a function.
type FuncExpr struct {
	Result
	FuncID      ids.Oid
	RetSet      bool
	Variadic    bool // last argument was marked VARIADIC
	Defaulted   int  // the last so many arguments are defaults that were not written
	Format      CoercionForm
	InputCollid ids.Oid
	Args        []Expr
	Location    int32
}

// OpExpr applies an operator with one or two arguments.
type OpExpr struct {
	Result
	OpNo        ids.Oid
	FuncID      ids.Oid
	InputCollid ids.Oid
	RetSet      bool
	Args        []Expr
	Location    int32
}

// DistinctExpr is x IS DISTINCT FROM y; its operator is =.
type DistinctExpr struct{ OpExpr }

// NullIfExpr is NULLIF(x, y); its operator is =.
type NullIfExpr struct{ OpExpr }

// ScalarArrayOpExpr is x op ANY (array) or x op ALL (array).
type ScalarArrayOpExpr struct {
	Result      // boolean
	OpNo        ids.Oid
	FuncID      ids.Oid
	UseOr       bool // ANY
	InputCollid ids.Oid
	Args        []Expr // scalar, array
	Location    int32
}

// BoolOp is AND, OR or NOT.
type BoolOp uint8

const (
	AndExpr BoolOp = iota
	OrExpr
	NotExpr
)

// BoolExpr combines conditions.
type BoolExpr struct {
	Result
	Op       BoolOp
	Args     []Expr
	Location int32
}

// Aggref calls an aggregate function.
type Aggref struct {
	Result
	AggFnOid      ids.Oid
	AggArgTypes   []ids.Oid
	AggTransType  ids.Oid
	InputCollid   ids.Oid
	AggDirectArgs []Expr         // of ordered-set aggregates
	Args          []*TargetEntry // aggregated arguments, then columns only needed by ORDER BY (Resjunk)
	AggOrder      []*SortGroupClause
	AggDistinct   []*SortGroupClause
	AggFilter     Expr
	AggStar       bool
	AggVariadic   bool
	AggKind       byte // 'n', 'o', 'h' as in pg_aggregate
	AggLevelsUp   int
	Location      int32
}

// GroupingFunc is GROUPING(a, b, ...): Refs are the SortGroupRefs of its arguments.
type GroupingFunc struct {
	Result
	Args        []Expr
	Refs        []int
	AggLevelsUp int
	Location    int32
}

// WindowFunc calls a window function or an aggregate over a window.
type WindowFunc struct {
	Result
	WinFnOid    ids.Oid
	InputCollid ids.Oid
	Args        []Expr
	AggFilter   Expr
	WinRef      int // index of the WindowClause from 1
	WinStar     bool
	WinAgg      bool // an aggregate
	Location    int32
}

// SubscriptingRef reads (or, with RefAssgnExpr, writes) an array element or slice.
type SubscriptingRef struct {
	Result
	ContainerType ids.Oid
	ElemType      ids.Oid
	UpperIndexpr  []Expr
	LowerIndexpr  []Expr // nil for element access; entries may be nil for omitted bounds
	RefExpr       Expr
	RefAssgnExpr  Expr
}

// SubLinkType tells how a subselect is used in an expression.
type SubLinkType uint8

const (
	ExistsSublink SubLinkType = iota
	AllSublink
	AnySublink
	RowCompareSublink
	ExprSublink
	MultiExprSublink
	ArraySublink
	CTESublink
)

// SubLink is a subselect in an expression, before planning. For ANY, ALL and row comparison Testexpr is the
// comparison with ParamSublink params for the subselect's columns.
type SubLink struct {
	Result
	SubLinkType SubLinkType
	SubLinkID   int
	Testexpr    Expr
	OperName    []string
	Subselect   *Query
	Location    int32
}

// FieldSelect takes one column of a composite value.
type FieldSelect struct {
	Result
	Arg      Expr
	Fieldnum int
}

// FieldStore replaces columns of a composite value.
type FieldStore struct {
	Result
	Arg       Expr
	Newvals   []Expr
	Fieldnums []int
}

// RelabelType changes the type of a value without changing its representation.
type RelabelType struct {
	Result
	Arg      Expr
	Format   CoercionForm
	Location int32
}

// CoerceViaIO converts through text output and input.
type CoerceViaIO struct {
	Result
	Arg      Expr
	Format   CoercionForm
	Location int32
}

// ArrayCoerceExpr converts each element: Elemexpr has a CaseTestExpr for the element.
type ArrayCoerceExpr struct {
	Result
	Arg      Expr
	Elemexpr Expr
	Format   CoercionForm
	Location int32
}

// ConvertRowtypeExpr converts between composite types of a hierarchy.
type ConvertRowtypeExpr struct {
	Result
	Arg      Expr
	Format   CoercionForm
	Location int32
}

// CollateExpr is x COLLATE c; the planner drops it.
type CollateExpr struct {
	Result
	Arg      Expr
	Location int32
}

// CaseExpr is CASE [Arg] WHEN ... END. With Arg, each When.Expr compares a CaseTestExpr.
type CaseExpr struct {
	Result
	Arg       Expr
	Whens     []*CaseWhen
	Defresult Expr // never nil after analysis
	Location  int32
}

// CaseWhen is one WHEN of a CaseExpr.
type CaseWhen struct {
	Expr   Expr
	Result Expr
}

func (*CaseWhen) isNode() {}

// CaseTestExpr stands for the value that the enclosing CaseExpr, ArrayCoerceExpr or the like tests.
type CaseTestExpr struct{ Result }

// ArrayExpr is ARRAY[...].
type ArrayExpr struct {
	Result
	ElementType ids.Oid
	Elements    []Expr
	Multidims   bool
	Location    int32
}

// RowExpr is ROW(...).
type RowExpr struct {
	Result
	Args     []Expr
	Colnames []string
	Format   CoercionForm
	Location int32
}

// RowCompareExpr is (a, b) < (c, d): Cmptype by btree strategy 1 to 5, or 6 for <>.
type RowCompareExpr struct {
	Result
	Cmptype      int
	Opnos        []ids.Oid
	FuncIDs      []ids.Oid
	InputCollids []ids.Oid
	Largs        []Expr
	Rargs        []Expr
}

// CoalesceExpr is COALESCE(...).
type CoalesceExpr struct {
	Result
	Args     []Expr
	Location int32
}

// MinMaxExpr is GREATEST or LEAST.
type MinMaxExpr struct {
	Result
	Least       bool
	InputCollid ids.Oid
	Args        []Expr
	Location    int32
}

// SQLValueFunctionOp names a value function that has syntax of its own.
type SQLValueFunctionOp uint8

const (
	CurrentDate SQLValueFunctionOp = iota
	CurrentTime
	CurrentTimeN
	CurrentTimestamp
	CurrentTimestampN
	LocalTime
	LocalTimeN
	LocalTimestamp
	LocalTimestampN
	CurrentRole
	CurrentUser
	User
	SessionUser
	CurrentCatalog
	CurrentSchema
)

// SQLValueFunction is CURRENT_DATE and its kin; Typmod holds the precision.
type SQLValueFunction struct {
	Result
	Op       SQLValueFunctionOp
	Location int32
}

// NullTest is x IS [NOT] NULL; Argisrow means field by field.
type NullTest struct {
	Result
	Arg      Expr
	IsNull   bool
	Argisrow bool
	Location int32
}

// BoolTestType is the kind of a BooleanTest.
type BoolTestType uint8

const (
	IsTrue BoolTestType = iota
	IsNotTrue
	IsFalse
	IsNotFalse
	IsUnknown
	IsNotUnknown
)

// BooleanTest is x IS [NOT] TRUE, FALSE or UNKNOWN.
type BooleanTest struct {
	Result
	Arg      Expr
	Test     BoolTestType
	Location int32
}

// CoerceToDomain checks a domain's constraints; CoerceToDomainValue stands for the value in them.
type CoerceToDomain struct {
	Result
	Arg      Expr
	Format   CoercionForm
	Location int32
}

// CoerceToDomainValue stands for the value under test in a domain constraint.
type CoerceToDomainValue struct{ Result }

// SetToDefault is DEFAULT in INSERT or UPDATE; the analyzer's rewrite step replaces it.
type SetToDefault struct {
	Result
	Location int32
}

// CurrentOfExpr is WHERE CURRENT OF cursor.
type CurrentOfExpr struct {
	Result
	Varno      int
	CursorName string
}

// NextValueExpr draws the next value of an identity column's sequence.
type NextValueExpr struct {
	Result
	SeqID ids.Oid
}

// TargetEntry is one output column.
type TargetEntry struct {
	Expr            Expr
	Resno           int // 1-based
	Resname         string
	Ressortgroupref int // names this column in SortGroupClauses; 0 for none
	Resorigtbl      ids.Oid
	Resorigcol      int
	Resjunk         bool // not part of the result
}

func (*TargetEntry) isNode() {}
