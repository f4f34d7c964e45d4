package vacuum

import (
	"time"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// IndexCleanup says whether vacuum goes through the indexes.
type IndexCleanup uint8

const (
	CleanupAuto IndexCleanup = iota
	CleanupOn
	CleanupOff
)

// Params are the options of one lazy vacuum.
type Params struct {
	FreezeMinAge        int64 // transactions; negative: the default of 50 million
	FreezeTableAge      int64 // older tables are read whole; negative: 150 million
	Freeze              bool  // VACUUM (FREEZE): both ages 0
	DisablePageSkipping bool
	IndexCleanup        IndexCleanup
	NoTruncate          bool
	RelFrozenXid        ids.Xid // pg_class.relfrozenxid
	MemKB               int     // maintenance_work_mem
	// Delay is called after each page with its cost balance in vacuum_cost units; it sleeps as the settings say. nil: never.
	Delay func(cost int) error
	// LockForTruncate tries to take AccessExclusive on the table without waiting; unlock gives it back. nil: no truncation.
	LockForTruncate func() (unlock func(), ok bool)
}

// Stats are the results of a vacuum.
type Stats struct {
	Pages, ScannedPages, AllVisiblePages, FrozenPages, RemovedPages ids.BlockNumber
	NewRelPages                                                     ids.BlockNumber // for pg_class
	NewRelTuples                                                    float64         // estimate of live rows, for pg_class
	Live, RecentlyDead                                              float64
	Removed                                                         float64 // row versions removed
	Frozen                                                          float64 // row versions frozen
	DeadItems                                                       float64
	MissedDead                                                      float64
	IndexScans                                                      int
	NewFrozenXid                                                    ids.Xid // no older xid is left in the table; 0: unknown, leave pg_class alone
	NewMinMulti                                                     ids.MultiXactID
	OldestXmin                                                      ids.Xid
	Indexes                                                         []btree.VacuumStats
	Elapsed                                                         time.Duration
}

// Heap vacuums one table and its indexes. tx runs a transaction of its own and holds ShareUpdateExclusive on the table.
func Heap(tx *mvcc.Session, r *heap.Rel, indexes []*btree.Index, p Params) (Stats, error) {
	panic("vacuum")
}

// Sampled are the rows that ANALYZE looks at.
type Sampled struct {
	Rows  [][]types.Datum // of the attributes asked for; in physical order; own their memory
	TIDs  []ids.TID
	Live  float64 // estimated rows in the table
	Dead  float64
	Pages ids.BlockNumber // of the table
}

// Sample draws up to target rows at random.
func Sample(tx *mvcc.Session, r *heap.Rel, cols []int, target int, seed int64, delay func(cost int) error) (Sampled, error) {
	panic("vacuum")
}
