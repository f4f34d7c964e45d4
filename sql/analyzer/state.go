package analyzer

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

// analysis is what all query levels of one statement share.
type analysis struct {
	s      *Session
	cat    *catalog.Session
	params *Params
	depth  int
	visits int // of expressions
}

// state is one query level under analysis.
type state struct {
	*analysis
	parent *state

	rtable    []*query.RangeTblEntry
	joinExprs []*query.JoinExpr // by range-table index - 1; may be shorter than rtable
	joinList  []query.JoinNode
	namespace []*nsItem

	lateralActive bool
	ctes          []*query.CommonTableExpr // visible WITH queries of this level
	futureCTEs    []*ast.CommonTableExpr   // WITH queries that come later, for the hint
	parentCTE     *query.CommonTableExpr   // when this is a WITH query itself

	targetRel *catalog.Relation
	targetNS  *nsItem
	isInsert  bool

	windowDefs   []*ast.WindowDef
	kind         exprKind
	nextResno    int
	multiAssigns []*query.TargetEntry // MULTIEXPR sublinks in the making

	locking          []*ast.LockingClause
	lockedFromParent bool
	resolveUnknowns  bool

	hasAggs, hasWindowFuncs, hasTargetSRFs, hasSubLinks, hasModifyingCTE bool
	lastSRF                                                              query.Expr

	// columnHook is asked for column references before (pre) the range table: for column names of a domain's
	// constraint (VALUE) and the like.
	columnHook func(p *state, c *ast.ColumnRef) query.Expr
}

func newState(a *analysis, parent *state) *state {
	p := &state{analysis: a, parent: parent, nextResno: 1, resolveUnknowns: true}
	if parent != nil {
		p.columnHook = parent.columnHook
	}
	return p
}

// nsItem is a range-table entry that names can refer to.
type nsItem struct {
	names       *query.Alias // what the item and its columns are called
	rte         *query.RangeTblEntry
	rtindex     int
	cols        []nsColumn
	relVisible  bool // as "name.column"
	colsVisible bool // as "column"
	lateralOnly bool // only visible to LATERAL items
	lateralOK   bool // if lateralOnly: a reference is legal
}

// nsColumn is what a reference to a column of a nsItem becomes. varno 0 marks a dropped column.
type nsColumn struct {
	varno, varattno int
	typ             ids.Oid
	typmod          int32
	coll            ids.Oid
	synno, synattno int
	dontExpand      bool
}

// exprKind is the place where an expression stands: it decides what is allowed in it and how messages call it.
type exprKind uint8

const (
	exprNone exprKind = iota
	exprOther
	exprJoinOn
	exprJoinUsing
	exprFromSubselect
	exprFromFunction
	exprWhere
	exprHaving
	exprFilter
	exprWindowPartition
	exprWindowOrder
	exprWindowFrameRange
	exprWindowFrameRows
	exprWindowFrameGroups
	exprSelectTarget
	exprInsertTarget
	exprUpdateSource
	exprUpdateTarget
	exprMergeWhen
	exprGroupBy
	exprOrderBy
	exprDistinctOn
	exprLimit
	exprOffset
	exprReturning
	exprValues
	exprValuesSingle
	exprCheck
	exprDomainCheck
	exprColumnDefault
	exprFunctionDefault
	exprIndexExpression
	exprIndexPredicate
	exprStatsExpression
	exprAlterColTransform
	exprExecuteParameter
	exprTriggerWhen
	exprPolicy
	exprPartitionBound
	exprPartitionExpression
	exprCallArgument
	exprCopyWhere
	exprGeneratedColumn
	exprCycleMark
)

// exprKindNames are the words of ParseExprKindName, for "aggregate functions are not allowed in %s".
var exprKindNames = [...]string{
	exprNone: "invalid expression context", exprOther: "extension expression", exprJoinOn: "JOIN/ON",
	exprJoinUsing: "JOIN/USING", exprFromSubselect: "sub-SELECT in FROM", exprFromFunction: "function in FROM",
	exprWhere: "WHERE", exprHaving: "HAVING", exprFilter: "FILTER", exprWindowPartition: "window PARTITION BY",
	exprWindowOrder: "window ORDER BY", exprWindowFrameRange: "window RANGE", exprWindowFrameRows: "window ROWS",
	exprWindowFrameGroups: "window GROUPS", exprSelectTarget: "SELECT", exprInsertTarget: "INSERT",
	exprUpdateSource: "UPDATE", exprUpdateTarget: "UPDATE", exprMergeWhen: "MERGE WHEN", exprGroupBy: "GROUP BY",
	exprOrderBy: "ORDER BY", exprDistinctOn: "DISTINCT ON", exprLimit: "LIMIT", exprOffset: "OFFSET",
	exprReturning: "RETURNING", exprValues: "VALUES", exprValuesSingle: "VALUES", exprCheck: "CHECK",
	exprDomainCheck: "CHECK", exprColumnDefault: "DEFAULT", exprFunctionDefault: "DEFAULT",
	exprIndexExpression: "index expression", exprIndexPredicate: "index predicate",
	exprStatsExpression: "statistics expression", exprAlterColTransform: "USING", exprExecuteParameter: "EXECUTE",
	exprTriggerWhen: "WHEN", exprPolicy: "POLICY", exprPartitionBound: "partition bound",
	exprPartitionExpression: "PARTITION BY", exprCallArgument: "CALL", exprCopyWhere: "WHERE",
	exprGeneratedColumn: "GENERATED AS", exprCycleMark: "CYCLE",
}

func (k exprKind) String() string { return exprKindNames[k] }

// maxTargets is the largest number of columns of a query.
const maxTargets = 1664

func result(typ ids.Oid, typmod int32, coll ids.Oid) query.Result {
	return query.Result{ResType: typ, ResTypmod: typmod, ResCollation: coll}
}

func boolResult() query.Result { return result(boolOid, -1, 0) }

func makeConst(typ ids.Oid, typmod int32, coll ids.Oid, v types.Datum, loc int32) *query.Const {
	return &query.Const{Result: result(typ, typmod, coll), Value: v, Location: loc}
}

func boolConst(v bool) *query.Const { return makeConst(boolOid, -1, 0, types.Bool(v), -1) }

// with runs f with the expression kind set to k.
func (p *state) with(k exprKind, f func()) {
	old := p.kind
	p.kind = k
	f()
	p.kind = old
}
