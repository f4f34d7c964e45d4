package ast

import "gompho/internal/ids"

// ColumnRef is a possibly qualified column name; Fields are *String, the last may be *AStar.
type ColumnRef struct {
	Fields   []Node
	Location int32
}

// ParamRef is $Number.
type ParamRef struct {
	Number   int32
	Location int32
}

// AConst is a literal: Val is *Integer, *Float, *Boolean, *String or *BitString; nil when Isnull.
type AConst struct {
	Val      Node
	Isnull   bool
	Location int32
}

// AStar is the * of "t.*" or "*".
type AStar struct{}

// AExprKind tells the forms of AExpr apart.
type AExprKind uint8

const (
	AExprOp            AExprKind = iota // normal operator; Lexpr nil for a prefix operator
	AExprOpAny                          // scalar op ANY (array)
	AExprOpAll                          // scalar op ALL (array)
	AExprDistinct                       // IS DISTINCT FROM; name "="
	AExprNotDistinct                    // IS NOT DISTINCT FROM; name "="
	AExprNullif                         // NULLIF; name "="
	AExprIn                             // [NOT] IN list; name "=" or "<>", Rexpr *List
	AExprLike                           // [NOT] LIKE; name "~~" or "!~~"
	AExprIlike                          // [NOT] ILIKE; name "~~*" or "!~~*"
	AExprSimilar                        // [NOT] SIMILAR TO; name "~" or "!~"
	AExprBetween                        // Rexpr is a *List of two
	AExprNotBetween                     // Rexpr is a *List of two
	AExprBetweenSym                     // BETWEEN SYMMETRIC; Rexpr is a *List of two
	AExprNotBetweenSym                  // NOT BETWEEN SYMMETRIC; Rexpr is a *List of two
)

// AExpr is an operator expression. Location is that of the operator.
type AExpr struct {
	Kind     AExprKind
	Name     []string
	Lexpr    Node
	Rexpr    Node
	Location int32
}

// BoolExprType is AND, OR or NOT.
type BoolExprType uint8

const (
	AndExpr BoolExprType = iota
	OrExpr
	NotExpr
)

// BoolExpr is AND or OR of two or more arguments (chains are flat), or NOT of one.
type BoolExpr struct {
	Boolop   BoolExprType
	Args     []Node
	Location int32
}

// TypeCast is CAST(arg AS type), arg::type or type 'literal'.
type TypeCast struct {
	Arg      Node
	TypeName *TypeName
	Location int32
}

// CollateClause is arg COLLATE name. Arg is nil in a column definition.
type CollateClause struct {
	Arg      Node
	Collname []string
	Location int32
}

// RoleSpecType tells a role name from the words that stand for one.
type RoleSpecType uint8

const (
	RolespecCstring RoleSpecType = iota
	RolespecCurrentRole
	RolespecCurrentUser
	RolespecSessionUser
	RolespecPublic
)

// RoleSpec names a role; Rolename only for RolespecCstring.
type RoleSpec struct {
	Roletype RoleSpecType
	Rolename string
	Location int32
}

// TypeName is a type as written. Names is qualified by pg_catalog where the grammar fixes the type.
// Typmods are expressions (constants or ColumnRefs); Typemod is -1 unless the grammar fixed it.
// ArrayBounds has one element per dimension, -1 for [].
type TypeName struct {
	Names       []string
	TypeOid     ids.Oid
	Setof       bool
	PctType     bool // name%TYPE
	Typmods     []Node
	Typemod     int32
	ArrayBounds []int32
	Location    int32
}

// CoercionForm says how a function call was written.
type CoercionForm uint8

const (
	CoerceExplicitCall CoercionForm = iota // f(x), ROW(x)
	CoerceExplicitCast
	CoerceImplicitCast // also (a, b) without ROW
	CoerceSqlSyntax    // EXTRACT(x FROM y) and the like
)

// FuncCall is a function, aggregate or window function call.
type FuncCall struct {
	Funcname       []string
	Args           []Node // *NamedArgExpr for named arguments
	AggOrder       []*SortBy
	AggFilter      Node
	Over           *WindowDef
	AggWithinGroup bool
	AggStar        bool
	AggDistinct    bool
	FuncVariadic   bool
	Funcformat     CoercionForm
	Location       int32
}

// NamedArgExpr is name => arg.
type NamedArgExpr struct {
	Arg       Node
	Name      string
	Argnumber int32 // -1 from the parser
	Location  int32
}

// AIndices is [uidx] or [lidx:uidx] (IsSlice); an omitted slice bound is nil.
type AIndices struct {
	IsSlice bool
	Lidx    Node
	Uidx    Node
}

// AIndirection is arg followed by field selections and subscripts: *String, *AStar, *AIndices.
type AIndirection struct {
	Arg         Node
	Indirection []Node
}

// AArrayExpr is ARRAY[...].
type AArrayExpr struct {
	Elements []Node
	Location int32
}

// SubLinkType is the kind of a subquery in an expression.
type SubLinkType uint8

const (
	ExistsSublink     SubLinkType = iota
	AllSublink                    // testexpr op ALL (select)
	AnySublink                    // testexpr op ANY (select), also IN (OperName empty then)
	RowcompareSublink             // not from the parser
	ExprSublink                   // (select)
	MultiexprSublink              // not from the parser
	ArraySublink                  // ARRAY(select)
)

// SubLink is a subquery in an expression. NOT IN is a NotExpr over an AnySublink.
type SubLink struct {
	SubLinkType SubLinkType
	Testexpr    Node
	OperName    []string
	Subselect   Stmt // *SelectStmt
	Location    int32
}

// CaseExpr is CASE [Arg] WHEN ... [ELSE Defresult] END.
type CaseExpr struct {
	Arg       Node
	Args      []*CaseWhen
	Defresult Node
	Location  int32
}

// CaseWhen is WHEN Expr THEN Result.
type CaseWhen struct {
	Expr     Node
	Result   Node
	Location int32
}

// RowExpr is ROW(...) (RowFormat CoerceExplicitCall) or (a, b) (CoerceImplicitCast).
type RowExpr struct {
	Args      []Node
	RowFormat CoercionForm
	Location  int32
}

// CoalesceExpr is COALESCE(...).
type CoalesceExpr struct {
	Args     []Node
	Location int32
}

// MinMaxOp is GREATEST or LEAST.
type MinMaxOp uint8

const (
	IsGreatest MinMaxOp = iota
	IsLeast
)

// MinMaxExpr is GREATEST(...) or LEAST(...).
type MinMaxExpr struct {
	Op       MinMaxOp
	Args     []Node
	Location int32
}

// SQLValueFunctionOp is a parameterless function with its own syntax. The N forms have a precision.
type SQLValueFunctionOp uint8

const (
	SvfopCurrentDate SQLValueFunctionOp = iota
	SvfopCurrentTime
	SvfopCurrentTimeN
	SvfopCurrentTimestamp
	SvfopCurrentTimestampN
	SvfopLocaltime
	SvfopLocaltimeN
	SvfopLocaltimestamp
	SvfopLocaltimestampN
	SvfopCurrentRole
	SvfopCurrentUser
	SvfopUser
	SvfopSessionUser
	SvfopCurrentCatalog
	SvfopCurrentSchema
)

// SQLValueFunction is CURRENT_DATE and the like; Typmod is the precision or -1.
type SQLValueFunction struct {
	Op       SQLValueFunctionOp
	Typmod   int32
	Location int32
}

// NullTestType is IS NULL or IS NOT NULL.
type NullTestType uint8

const (
	IsNull NullTestType = iota
	IsNotNull
)

// NullTest is arg IS [NOT] NULL.
type NullTest struct {
	Arg          Node
	Nulltesttype NullTestType
	Location     int32
}

// BoolTestType is the test of a BooleanTest.
type BoolTestType uint8

const (
	IsTrue BoolTestType = iota
	IsNotTrue
	IsFalse
	IsNotFalse
	IsUnknown
	IsNotUnknown
)

// BooleanTest is arg IS [NOT] TRUE, FALSE or UNKNOWN.
type BooleanTest struct {
	Arg          Node
	Booltesttype BoolTestType
	Location     int32
}

// SetToDefault is DEFAULT in a VALUES list or an UPDATE.
type SetToDefault struct {
	Location int32
}

// CurrentOfExpr is WHERE CURRENT OF CursorName.
type CurrentOfExpr struct {
	CursorName  string
	CursorParam int32
}

// GroupingFunc is GROUPING(...).
type GroupingFunc struct {
	Args     []Node
	Location int32
}

// XmlExprOp is the kind of an XmlExpr.
type XmlExprOp uint8

const (
	IsXmlconcat XmlExprOp = iota
	IsXmlelement
	IsXmlforest
	IsXmlparse
	IsXmlpi
	IsXmlroot
	IsXmlserialize
	IsDocument
)

// XmlOptionType is DOCUMENT or CONTENT.
type XmlOptionType uint8

const (
	XmloptionDocument XmlOptionType = iota
	XmloptionContent
)

// XmlExpr is one of the SQL/XML functions, or IS DOCUMENT.
type XmlExpr struct {
	Op        XmlExprOp
	Name      string
	NamedArgs []*ResTarget
	Args      []Node
	Xmloption XmlOptionType
	Location  int32
}

// XmlSerialize is XMLSERIALIZE(DOCUMENT|CONTENT expr AS type).
type XmlSerialize struct {
	Xmloption XmlOptionType
	Expr      Node
	TypeName  *TypeName
	Location  int32
}

// MultiAssignRef is column Colno (from 1) of Ncolumns of the row Source in SET (a, b) = row.
type MultiAssignRef struct {
	Source   Node
	Colno    int32
	Ncolumns int32
}
