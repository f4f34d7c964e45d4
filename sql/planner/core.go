package planner

import (
	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// glob is the state of planning one statement, shared by its query levels.
type glob struct {
	facts      facts
	folded     int                    // expressions simplified: it is asked from time to time whether to go on
	flat       []*query.RangeTblEntry // range tables of finished levels, concatenated
	subplans   []*plan.SubPlanDef
	paramTypes []ids.Oid // of exec params
	relids     map[ids.Oid]bool
	indexLocks []plan.IndexLock
	sizes      []plan.TableSize
	lockedAt   map[plan.IndexLock]int // places in indexLocks, by index and mode
	boundExt   []*query.Const         // values of $n that the plan is made for; nil when planning generically
	names      map[string]int
	initCount  int
	subCount   int
	rowMarks   []plan.RowMark
	resultRels []int
	parallel   bool // workers may be used
}

// lockIndexes locks the indexes of a table like the table itself.
func (g *glob) lockIndexes(rte *query.RangeTblEntry) error {
	if rte.Rellockmode == 0 {
		return nil
	}
	oids, err := g.facts.lockIndexes(rte.Relid, rte.Rellockmode)
	if err != nil {
		return err
	}
	for _, o := range oids {
		l := plan.IndexLock{Index: o, Mode: rte.Rellockmode}
		if _, ok := g.lockedAt[l]; ok {
			continue
		}
		if g.lockedAt == nil {
			g.lockedAt = map[plan.IndexLock]int{}
		}
		g.lockedAt[l] = len(g.indexLocks)
		g.indexLocks = append(g.indexLocks, l)
	}
	return nil
}

// useIndex notes that the plan reads an index for an entry of the range table.
func (g *glob) useIndex(index ids.Oid, rte *query.RangeTblEntry) {
	if at, ok := g.lockedAt[plan.IndexLock{Index: index, Mode: rte.Rellockmode}]; ok {
		g.indexLocks[at].Used = true
	}
}

// newParam makes an exec param of a type.
func (g *glob) newParam(t ids.Oid) int {
	g.paramTypes = append(g.paramTypes, t)
	return len(g.paramTypes) - 1
}

// root is the state of planning one query level.
type root struct {
	g      *glob
	parent *root
	q      *query.Query

	rels      []*rel // by range-table index; nil for entries that are not base relations
	joinRels  map[relset]*rel
	allBase   relset
	ecs       []*eclass
	sjs       []*specialJoin
	where     []*rinfo // conditions without columns, checked once
	tlist     []*query.TargetEntry
	needed    map[varKey]relset // where each column is needed; the pseudo-relation 0 is the target list
	tupleFrac float64           // >= 1: rows wanted; in (0,1): fraction; 0: all
	limitRows float64           // rows wanted after ORDER BY, -1 unknown

	groupKeys, windowKeys, distinctKeys, sortKeys, wantKeys []*pathkey

	lv        levelState
	initPlans []int
	ctePlans  map[*query.CommonTableExpr]*ctePlan
	wtParam   int // of the recursive union being planned, -1 for none
	wtRows    float64
	setSerial int

	junk     junkCols
	parallel bool // the level may use workers
}

// junkCols are the resjunk output columns that LockRows and ModifyTable read, as target list positions by range-table index.
type junkCols struct {
	ctid, tableoid, whole map[int]int
}

type ctePlan struct {
	planID int
	rows   float64
	tlist  []*query.TargetEntry
	wt     int
}

type varKey struct {
	no, att int
}

// rel is a relation to be scanned, a join of some, or the result of an upper step.
type rel struct {
	relids relset
	rows   float64
	width  int
	target []query.Expr // columns needed above, in output order

	restrict []*rinfo // on this base relation alone
	joins    []*rinfo // that mention this relation and others

	paths         []*path
	cheapest      *path // by total cost, unparameterized
	cheapestStart *path
	paramCheapest []*path
	lateral       relset     // relations whose columns the base relation reads
	lateralRefs   []outerRef // of a lateral subquery: the columns as exec params

	// base relations
	rti     int
	rte     *query.RangeTblEntry
	table   *tableInfo
	pages   float64
	tuples  float64
	allVis  float64
	subroot *root
	subpath *path
	cte     *ctePlan
	hasECs  bool
	unique  map[string]bool
	dummy   bool

	// isParent: the rows are those of children, in the order of their reading
	isParent bool
	children []*child
	as       *child // the relation is a child of another one
}

// rinfo is one condition with what planning knows of it.
type rinfo struct {
	clause     query.Expr
	relids     relset // mentioned
	required   relset // must be present to evaluate
	pushedDown bool   // not an outer join's own condition
	leakyOuter bool

	// for binary operator clauses whose sides are over disjoint relations
	left, right           query.Expr
	leftRelids, rightRels relset
	opno                  ids.Oid
	canJoin               bool
	merge                 []famMember // btree families with the operator as equality
	hashable              bool
	leftEC, rightEC       *eclass
	ec                    *eclass // the class that generated it
	origin                *rinfo  // of a child's condition: the parent's
	orParts               [][]*rinfo

	selDone bool
	sel     float64
	eqConst bool
}

// specialJoin is an outer, semi or anti join: which relations must be joined before it.
type specialJoin struct {
	jointype          query.JoinType
	minLeft, minRight relset
	synLeft, synRight relset
	clauses           []*rinfo
	semiOps           []ids.Oid // equality operators, when the inner side can be made unique
	semiRight         []query.Expr
}

// pathkey is one column of a sort order.
type pathkey struct {
	ec         *eclass
	family     ids.Oid
	desc       bool
	nullsFirst bool
}

type pathKind uint8

const (
	pathSeqScan pathKind = iota
	pathIndexScan
	pathIndexOnly
	pathBitmapHeap
	pathTid
	pathTidRange
	pathSubquery
	pathFunction
	pathValues
	pathCTE
	pathWorkTable
	pathResult
	pathNestLoop
	pathMergeJoin
	pathHashJoin
	pathMaterial
	pathMemoize
	pathSort
	pathIncSort
	pathUniqueRows // distinct inner side of a semi join, by hashing or sorting
	pathProject
	pathProjectSet
	pathAgg
	pathGroup
	pathWindow
	pathUnique
	pathSetOp
	pathAppend
	pathMergeAppend
	pathRecursive
	pathLockRows
	pathLimit
	pathModify
	pathGather
	pathMinMax
	pathInherit
)

// path is one way to get the rows of a relation.
type path struct {
	kind           pathKind
	rel            *rel
	rows           float64
	startup, total float64
	again          struct{ startup, total float64 } // of pathMemoize: costs of a rescan
	keys           []*pathkey
	reqOuter       relset // relations that must supply parameters

	outer, inner *path // children; outer also the only one
	children     []*path

	index      *indexInfo
	indexConds []*indexMatch
	backward   bool
	bitmap     *bitmapPath
	tidQuals   []*rinfo

	jointype    query.JoinType
	clauses     []*rinfo // join conditions evaluated at this join
	hashClauses []*rinfo // of clauses: used as hash or merge conditions
	outerSort   []*pathkey
	innerSort   []*pathkey
	mergeKeys   []*pathkey
	innerUnique bool
	material    bool

	tlist    []*query.TargetEntry // pathProject and upper steps: output
	presort  int
	agg      *aggStep
	window   *windowStep
	setop    *setopStep
	limit    *plan.Limit
	modify   *plan.ModifyTable
	marks    []plan.RowMark
	subroot  *root
	quals    []query.Expr // pathAgg: HAVING; pathResult: one-time condition
	memoKeys []query.Expr
	memoOps  []ids.Oid
	minmax   []int
	workers  int   // of a partial path or a Gather
	serial   *path // of a Gather: the path that it is the parallel form of
	merge    bool  // of pathInherit: the children are merged by keys
}

type aggStep struct {
	strategy  plan.AggStrategy
	groupBy   []*query.SortGroupClause
	aggs      []*query.Aggref
	numGroups float64
	sets      [][]int
	split     int // plan.AggComplete, AggPartial, AggFinal
}

type windowStep struct {
	clause *query.WindowClause
	funcs  []*query.WindowFunc
	keys   []*pathkey
}

type setopStep struct {
	op     query.SetOp
	all    bool
	hashed bool
	groups []*query.SortGroupClause
	colls  []ids.Oid
	flag   int
	wt     int
}

// addPath offers p to r: it is dropped when an existing path is at least as good in every way, and drops those that it beats.
func (r *rel) addPath(p *path) {
	p.rel = r
	keep := r.paths[:0:0]
	for _, o := range r.paths {
		switch comparePaths(p, o) {
		case -1: // p dominates o
		case 1:
			return
		default:
			keep = append(keep, o)
		}
	}
	r.paths = append(keep, p)
}

// comparePaths returns -1 when a dominates b, 1 when b dominates a (or they tie), 0 when both are worth keeping.
func comparePaths(a, b *path) int {
	const fuzz = 1.01
	aBetter, bBetter := 0, 0
	note := func(x, y float64) {
		switch {
		case x*fuzz < y:
			aBetter++
		case y*fuzz < x:
			bBetter++
		}
	}
	note(a.total, b.total)
	note(a.startup, b.startup)
	switch compareKeys(a.keys, b.keys) {
	case keysBetter1:
		aBetter++
	case keysBetter2:
		bBetter++
	case keysDifferent:
		return 0
	}
	if a.reqOuter != b.reqOuter {
		aSub, bSub := a.reqOuter.subsetOf(b.reqOuter), b.reqOuter.subsetOf(a.reqOuter)
		switch {
		case aSub:
			aBetter++
		case bSub:
			bBetter++
		default:
			return 0
		}
	}
	if a.rows != b.rows {
		if a.rows < b.rows {
			aBetter++
		} else {
			bBetter++
		}
	}
	switch {
	case aBetter > 0 && bBetter > 0:
		return 0
	case aBetter > 0:
		return -1
	case bBetter > 0:
		return 1
	case a.total < b.total*0.9999999999:
		return -1
	}
	return 1
}

// setCheapest fills the cheapest-path fields after all paths are offered.
func (r *rel) setCheapest() {
	r.cheapest, r.cheapestStart, r.paramCheapest = nil, nil, nil
	for _, p := range r.paths {
		if !p.reqOuter.empty() {
			r.paramCheapest = append(r.paramCheapest, p)
			continue
		}
		if r.cheapest == nil || p.total < r.cheapest.total {
			r.cheapest = p
		}
		if r.cheapestStart == nil || p.startup < r.cheapestStart.startup {
			r.cheapestStart = p
		}
	}
	if r.cheapest == nil && len(r.paths) > 0 { // only parameterized paths: a lateral relation
		for _, p := range r.paths {
			if r.cheapest == nil || p.total < r.cheapest.total {
				r.cheapest, r.cheapestStart = p, p
			}
		}
	}
}
