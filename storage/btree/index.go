package btree

import (
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/freespace"
	"gompho/storage/heap"
	"gompho/storage/tuple"
	"gompho/types"
)

// Order names orders of keys that need no function call to compare.
type Order uint8

const (
	OrderFunc     Order = iota // by Key.Compare
	OrderSigned                // words as signed integers: int2, int4, int8, date, time, timestamp, money
	OrderUnsigned              // words as they are: oid, bool, "char", tid, pg_lsn, xid8, enums by oid
	OrderBytes                 // byte strings, bytewise: text, varchar, name, bytea, uuid, macaddr, macaddr8
	OrderFloat                 // words as float8: NaN is greatest and equal to itself, the zeros are equal
)

// OrderOf returns the order of the default operator class of a built-in type, as far as it needs no function.
func OrderOf(typ ids.Oid) Order {
	switch typ {
	case 20, 21, 23, 790, 1082, 1083, 1114, 1184:
		return OrderSigned
	case 16, 18, 26, 27, 3220, 5069, 24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191:
		return OrderUnsigned
	case 19, 25, 1043, 17, 2950, 829, 774:
		return OrderBytes
	case 700, 701:
		return OrderFloat
	}
	return OrderFunc
}

// Key is one key column of an index.
type Key struct {
	Order      Order
	Compare    func(a, b types.Datum) int // the operator class's comparison; needed when Order is OrderFunc
	Desc       bool
	NullsFirst bool
}

// Index is a handle of one index. Make handles with New.
type Index struct {
	Env              *heap.Env
	File             ids.RelFile
	Oid              ids.Oid
	Name             string
	Heap             *heap.Rel   // the table; may be nil while the index is only built or dropped
	Desc             *types.Desc // key columns, then INCLUDE columns
	Keys             []Key
	Unique           bool
	NullsNotDistinct bool
	Logged           bool
	Temp             bool
	FillFactor       int // percent; 0 means 90
	// KeyDetail renders key values for messages as PostgreSQL does: "(a, b)=(1, x)"; empty when the session may not see them.
	// nil: no DETAIL.
	KeyDetail func(tx *mvcc.Session, values []types.Datum) string
	// Constraint, Schema and Table are for error fields.
	Constraint, Schema, Table string

	layout     *tuple.Layout
	nkeys      int
	fast       fastKind
	spare      sync.Pool     // of *insertion
	cachedRoot atomic.Uint64 // block<<8 | level of the root when last seen; 0 unknown
}

// New completes a handle made of its exported fields.
func New(ix *Index) *Index {
	ix.newLayouts()
	return ix
}

// Counts returns a process's own cumulative counts of the index, for one scan.
func (ix *Index) Counts(slot *stats.Slot) *stats.RelPending { return slot.Relation(ix.Oid, ix.File) }

func (ix *Index) info() buffer.RelInfo { return buffer.RelInfo{File: ix.File, Logged: ix.Logged} }

func (ix *Index) fsm() freespace.FSM { return freespace.FSM{Pool: ix.Env.Pool, Rel: ix.info()} }

// UniqueMode says how Insert checks a unique index.
type UniqueMode uint8

const (
	UniqueNo       UniqueMode = iota // insert without a look (not a unique index)
	UniqueYes                        // 23505 when the key is there; waits for transactions in progress
	UniquePartial                    // do not wait nor fail: insert, and report a potential conflict (deferred constraints, ON CONFLICT)
	UniqueExisting                   // the entry is there already: only check (deferred constraints)
)

// Strategy is the operator of a scan key, with PostgreSQL's numbers for the first five.
type Strategy uint8

const (
	Less Strategy = iota + 1
	LessEqual
	Equal
	GreaterEqual
	Greater
	IsNull
	IsNotNull
)

// ScanKey is one condition on a key column.
type ScanKey struct {
	Attr     int // key column, from 0
	Strategy Strategy
	Value    types.Datum
	IsArray  bool          // attr = ANY (Array): Strategy is Equal
	Array    []types.Datum // in any order, with duplicates and NULLs
	// Compare compares an index value with Value when their types differ; nil: the key's own order.
	Compare func(indexValue, value types.Datum) int
}

// ScanOpts choose how a scan goes.
type ScanOpts struct {
	Cols     []int // index columns that Next decodes into the batch (index-only scans)
	Backward bool
	// IndexOnly asks, for every entry, whether its row is visible to all: see Scan.AllVisible.
	IndexOnly bool
}

// BuildOpts are the limits of building an index.
type BuildOpts struct {
	MemKB int // maintenance_work_mem; beyond it the sort spills to temporary files
	Sinks int // shares that goroutines fill side by side; 0 is 1
}

// VacuumStats count what vacuum did to an index.
type VacuumStats struct {
	Pages        ids.BlockNumber
	Tuples       float64
	Removed      float64
	PagesDeleted ids.BlockNumber // deleted by this vacuum
	DeletedNow   ids.BlockNumber // deleted by this vacuum or before it
	PagesFree    ids.BlockNumber // deleted long enough ago to be used again

	scanned bool
}

// Done reports whether the vacuum went through the index: else the other numbers mean nothing.
func (st *VacuumStats) Done() bool { return st.scanned }
