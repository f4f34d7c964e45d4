package planner

import (
	"gompho/internal/ids"
	"gompho/sql/partition"
	"gompho/types"
)

// tableInfo is what the planner needs of a table.
type tableInfo struct {
	oid       ids.Oid
	kind      byte
	name      string
	temp      bool
	desc      *types.Desc
	file      ids.RelFile // of a table with storage
	pages     float64
	tuples    float64
	allVisPct float64
	indexes   []*indexInfo
	// hasSubclass: other tables may inherit from it
	hasSubclass bool
	key         *partition.Key  // of a partitioned table
	parts       *partition.Desc // of a partitioned table
	notNull     func(att int) bool
}

// indexInfo is what the planner needs of a btree index.
type indexInfo struct {
	oid        ids.Oid
	table      *tableInfo
	keys       []int        // attribute number of each column, 0 for an expression; INCLUDE columns last
	exprs      []*indexExpr // by column; nil for plain columns
	nkeys      int          // key columns
	families   []ids.Oid    // operator family of each key column
	inputTypes []ids.Oid    // opclass input type of each key column
	collations []ids.Oid
	desc       []bool
	nullsFirst []bool
	unique     bool
	immediate  bool
	pred       *indexExpr // nil for a full index
	pages      float64
	tuples     float64
	height     float64
}

// opInfo is what the planner needs of an operator.
type opInfo struct {
	name        string
	fn          ids.Oid
	left, right ids.Oid
	result      ids.Oid
	commutator  ids.Oid
	negator     ids.Oid
	canMerge    bool
	canHash     bool
	restrict    string // oprrest, "" for none
	join        string
}

// procInfo is what the planner needs of a function.
type procInfo struct {
	name     string
	volatile byte // 'i', 's' or 'v'
	strict   bool
	retset   bool
	parallel byte // proparallel
	cost     float64
	rows     float64
}

// colStats are a column's statistics as ANALYZE stores them.
type colStats struct {
	nullFrac  float64
	width     float64
	distinct  float64 // pg_statistic.stadistinct: negative is a fraction of the rows
	mcv       []types.Datum
	mcvFreq   []float64
	histogram []types.Datum
	corr      float64
	hasCorr   bool
}

// famMember is one place of an operator in a btree operator family.
type famMember struct {
	family   ids.Oid
	strategy int
	left     ids.Oid
	right    ids.Oid
}

// facts is the planner's door to catalogs, functions and settings. *catalogFacts is the real one.
type facts interface {
	table(oid ids.Oid) (*tableInfo, error)
	op(oid ids.Oid) *opInfo
	proc(oid ids.Oid) *procInfo
	typ(oid ids.Oid) *types.Type
	// families lists the btree operator families that op belongs to.
	families(op ids.Oid) []famMember
	// famOp returns the operator of a family by types and strategy, 0 for none.
	famOp(family, left, right ids.Oid, strategy int) ids.Oid
	// stats returns the statistics of a column; nil when there are none.
	stats(table ids.Oid, att int) *colStats
	// call evaluates an immutable or stable function; ok is false when it cannot be called at plan time.
	call(fn, collation ids.Oid, args []types.Datum, argTypes []ids.Oid, result ids.Oid) (d types.Datum, ok bool, err error)
	// aggSortOp is the operator that lets min or max be answered by an index, 0 for none.
	aggSortOp(agg ids.Oid) ids.Oid
	// aggCombines reports whether states of an aggregate over parts of the rows can be combined.
	aggCombines(agg ids.Oid) bool
	// inheritors lists a table and all that inherit from it, locked.
	inheritors(table ids.Oid, mode uint8) ([]ids.Oid, error)
	// lock locks a table.
	lock(table ids.Oid, mode uint8) error
	// lockIndexes locks the indexes of a locked table and returns them.
	lockIndexes(table ids.Oid, mode uint8) ([]ids.Oid, error)
	costs() *Costs
	// interrupted returns the error of a request to stop.
	interrupted() error
}

// Costs are the planner's settings.
type Costs struct {
	SeqPage, RandomPage                                 float64
	CPUTuple, CPUIndexTuple, CPUOperator                float64
	EffectiveCacheSize                                  float64 // pages
	WorkMem                                             float64 // bytes
	HashMemMultiplier                                   float64
	CursorTupleFraction                                 float64
	FromCollapseLimit, JoinCollapseLimit                int
	SeqScan, IndexScan, IndexOnlyScan, BitmapScan       bool
	TidScan, Sort, IncrementalSort, HashAgg             bool
	NestLoop, HashJoin, MergeJoin, Material, Memoize    bool
	PartitionPruning                                    bool
	ParallelWorkers                                     int
	ParallelSetup, ParallelTuple, MinParallelTablePages float64
}

// DefaultCosts returns the built-in defaults.
func DefaultCosts() Costs {
	return Costs{
		SeqPage: 1, RandomPage: 4, CPUTuple: 0.01, CPUIndexTuple: 0.005, CPUOperator: 0.0025,
		EffectiveCacheSize: 524288, WorkMem: 4 << 20, HashMemMultiplier: 2, CursorTupleFraction: 0.1,
		FromCollapseLimit: 8, JoinCollapseLimit: 8,
		SeqScan: true, IndexScan: true, IndexOnlyScan: true, BitmapScan: true,
		TidScan: true, Sort: true, IncrementalSort: true, HashAgg: true,
		NestLoop: true, HashJoin: true, MergeJoin: true, Material: true, Memoize: true, PartitionPruning: true,
		ParallelSetup: 1000, ParallelTuple: 0.1, MinParallelTablePages: 1024,
	}
}

// disableCost is added to a path that a setting forbids, so that it is taken only when nothing else is possible.
const disableCost = 1.0e10
