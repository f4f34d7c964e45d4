package vacuum

import (
	"time"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/btree"
	"gompho/storage/buffer"
	"gompho/storage/freespace"
	"gompho/storage/heap"
)

// IndexCleanup says whether vacuum goes through the indexes.
type IndexCleanup uint8

const (
	CleanupAuto IndexCleanup = iota // unless there is very little to do there
	CleanupOn
	CleanupOff
)

// Params are the options of one vacuum.
type Params struct {
	FreezeMinAge        int64 // transactions; negative: the default of 50 million
	FreezeTableAge      int64 // when relfrozenxid is older the whole table is read; negative: 150 million
	FreezeMaxAge        int64 // autovacuum_freeze_max_age, which bounds both; 0: no bound
	MultiFreezeMinAge   int64 // likewise for multixacts; negative: 5 million
	MultiFreezeTableAge int64
	MultiFreezeMaxAge   int64
	Freeze              bool // VACUUM (FREEZE): all ages 0
	DisablePageSkipping bool
	IndexCleanup        IndexCleanup
	NoTruncate          bool
	RelFrozenXid        ids.Xid // pg_class.relfrozenxid and relminmxid; 0: unknown
	RelMinMulti         ids.MultiXactID
	OldPages            ids.BlockNumber // pg_class.relpages and reltuples (negative: unknown), for the estimate of rows
	OldTuples           float64
	MemKB               int // maintenance_work_mem; 0: 64 MB
	// Delay is called after each page with its cost in the units of vacuum_cost_*, by the session or a worker; it sleeps as the settings
	// say. nil: never.
	Delay func(slot *stats.Slot, cost int) error
	// LockForTruncate tries to take AccessExclusive on the table; unlock gives it back. nil: no truncation.
	LockForTruncate func() (unlock func(), ok bool)
	// Awaited reports whether somebody waits for the lock taken for truncation. nil: nobody.
	Awaited func() bool
	// InTheWay reports whether somebody waits for the lock that the vacuum as a whole has on the table: truncation gives up then. nil: nobody does.
	InTheWay func() bool
	// Began is told, before anything is done, whether the vacuum reads all pages that are not frozen. nil: nobody wants to know.
	Began func(aggressive bool)
	// Say gets what VERBOSE tells of while it goes on. nil: nothing.
	Say func(line string)
	// Workers runs f on the session and on up to n workers besides, and returns how many workers there were when all are done; nil: there
	// are none. MaxWorkers bounds n; indexes of less than MinIndexBlocks blocks are left to the session.
	Workers        func(n int, launched func(n int), f func(tx *mvcc.Session) error) error
	MaxWorkers     int
	MinIndexBlocks ids.BlockNumber
}

// Stats are the results of a vacuum.
type Stats struct {
	Aggressive      bool
	Pages           ids.BlockNumber // of the table before truncation
	ScannedPages    ids.BlockNumber
	AllVisiblePages ids.BlockNumber // in the map afterwards
	FrozenPages     ids.BlockNumber // in the map afterwards
	RemovedPages    ids.BlockNumber // cut off the end
	DeadItemPages   ids.BlockNumber
	NewRelPages     ids.BlockNumber // for pg_class
	NewRelTuples    float64         // estimate of live rows, for pg_class
	Live            float64         // in the pages scanned
	RecentlyDead    float64
	MissedDead      float64 // removable, but on pages that somebody else used
	MissedPages     ids.BlockNumber
	Removed         float64 // row versions removed
	Frozen          float64 // row versions frozen
	DeadItems       float64 // line pointers freed, or to be freed by the next vacuum
	IndexScans      int
	Bypassed        bool            // the indexes and the line pointers were left as they are
	NewFrozenXid    ids.Xid         // no older id is left in the table; 0: unknown, leave pg_class alone
	NewMinMulti     ids.MultiXactID // likewise
	OldestXmin      ids.Xid
	Indexes         []btree.VacuumStats
	Elapsed         time.Duration
}

// Costs of a page, in PostgreSQL's default units.
const (
	costMiss  = 2
	costDirty = 20
)

const (
	defaultFreezeMinAge   = 50_000_000
	defaultFreezeTableAge = 150_000_000
	defaultMultiMinAge    = 5_000_000
	// skipRun is the least number of pages in a row that are worth skipping: reading ahead goes better without small gaps.
	skipRun = 32
	// bypassShare: with dead line pointers in fewer pages than 1 in bypassShare, the indexes are left for next time.
	bypassShare = 50
	// bypassItems: no more line pointers than that are left.
	bypassItems = 32 << 20 / 6
	// Truncation is worth the lock from so many pages on, or so large a share of the table.
	truncatePages = 1000
	truncateShare = 16
)

// run is the state of one vacuum.
type run struct {
	tx         *mvcc.Session
	slot       *stats.Slot
	r          *heap.Rel
	indexes    []*btree.Index
	p          Params
	st         Stats
	cut        heap.Cutoffs
	vm         freespace.VM
	dead       deadItems
	deadCharge stats.Charge
	strategy   *buffer.Strategy
	skipped    bool            // pages that are not all-frozen were skipped
	nonEmpty   ids.BlockNumber // one past the last page with something in it
	multiLimit ids.MultiXactID
}

// Heap vacuums one table and its indexes. tx runs a transaction of its own and holds ShareUpdateExclusive on the table.
func Heap(tx *mvcc.Session, r *heap.Rel, indexes []*btree.Index, p Params) (Stats, error) {
	began := time.Now()
	tx.SetLazyVacuum(true)
	v := run{tx: tx, slot: tx.Slot(), r: r, indexes: indexes, p: p, vm: r.VisibilityMap(),
		strategy: r.Env.Pool.NewStrategy(buffer.Vacuum)}
	defer func() { v.vm.Close() }()
	defer v.deadCharge.Done()
	v.st.Indexes = make([]btree.VacuumStats, len(indexes))
	v.dead.limit = max(v.p.MemKB, 64) << 10
	if v.p.MemKB == 0 {
		v.dead.limit = 64 << 20
	}
	v.cutoffs()
	if p.Began != nil {
		p.Began(v.st.Aggressive)
	}
	v.progress(stats.VacuumMaxDead, int64(v.dead.limit/6))
	if err := v.scan(); err != nil {
		return v.st, err
	}
	if err := v.finishIndexes(); err != nil {
		return v.st, err
	}
	v.estimate()
	if err := v.truncate(); err != nil {
		return v.st, err
	}
	v.progress(stats.VacuumPhase, stats.VacuumFinal)
	var err error
	v.st.AllVisiblePages, v.st.FrozenPages, err = v.vm.Count(v.slot)
	v.st.AllVisiblePages = min(v.st.AllVisiblePages, v.st.NewRelPages)
	v.st.Elapsed = time.Since(began)
	return v.st, err
}

// scan is the first pass over the table.
func (v *run) scan() error {
	n, err := v.r.Blocks()
	if err != nil {
		return err
	}
	v.st.Pages = n
	v.progress(stats.VacuumPhase, stats.VacuumScanningHeap)
	v.progress(stats.VacuumHeapBlocks, int64(n))
	for blk := ids.BlockNumber(0); blk < n; blk++ {
		next, err := v.skip(blk, n)
		if err != nil {
			return err
		}
		if next > blk {
			blk = next - 1
			continue
		}
		if v.dead.full() {
			if err := v.removeDead(); err != nil {
				return err
			}
			v.progress(stats.VacuumPhase, stats.VacuumScanningHeap)
		}
		v.progress(stats.VacuumHeapScanned, int64(blk))
		if err := v.page(blk); err != nil {
			return err
		}
	}
	v.progress(stats.VacuumHeapScanned, int64(n))
	return nil
}

// skip returns the block where the next page to look at is: blk itself unless a long run of pages from there on needs nothing. The last page
// is always looked at, to know whether the table can be cut.
func (v *run) skip(blk, n ids.BlockNumber) (ids.BlockNumber, error) {
	if v.p.DisablePageSkipping {
		return blk, nil
	}
	to, unfrozen := blk, false
	for ; to < n-1; to++ {
		bits, err := v.vm.Status(v.slot, to)
		if err != nil {
			return blk, err
		}
		if bits&freespace.AllVisible == 0 || v.st.Aggressive && bits&freespace.AllFrozen == 0 {
			break
		}
		unfrozen = unfrozen || bits&freespace.AllFrozen == 0
	}
	if to-blk < skipRun {
		return blk, nil
	}
	v.skipped = v.skipped || unfrozen
	v.nonEmpty = to
	return to, nil
}

// page vacuums one page.
func (v *run) page(blk ids.BlockNumber) error {
	if err := v.slot.CheckInterrupts(); err != nil {
		return err
	}
	if err := v.vm.Pin(v.slot, blk); err != nil {
		return err
	}
	b, err := v.r.Env.Pool.Read(v.slot, v.r.File, ids.MainFork, blk, v.strategy)
	if err != nil {
		return err
	}
	pv, err := v.pinned(b)
	b.Release()
	if err != nil {
		return err
	}
	v.st.ScannedPages++
	v.st.Live += float64(pv.Live)
	v.st.RecentlyDead += float64(pv.RecentlyDead)
	v.st.Removed += float64(pv.Removed)
	v.st.Frozen += float64(pv.Frozen)
	if pv.Freed > 0 {
		if len(pv.Dead) == 0 {
			v.st.DeadItemPages++
		}
		v.st.DeadItems += float64(pv.Freed)
	}
	if pv.MissedDead > 0 {
		v.st.MissedPages++
		v.st.MissedDead += float64(pv.MissedDead)
	}
	if len(pv.Dead) > 0 {
		v.st.DeadItemPages++
		v.st.DeadItems += float64(len(pv.Dead))
		v.dead.add(blk, pv.Dead)
		v.deadCharge.Set(v.slot.Account(), int64(v.dead.bytes()), "dead rows found by VACUUM")
		v.progress(stats.VacuumDead, int64(v.dead.len()))
	} else if err := v.r.FreeSpaceMap().Record(v.slot, blk, pv.Free); err != nil {
		return err
	}
	if pv.HasRows {
		v.nonEmpty = blk + 1
	}
	cost := costMiss
	if pv.Removed+pv.Frozen > 0 {
		cost += costDirty
	}
	return v.delay(cost)
}

// progress shows how far the vacuum is.
func (v *run) progress(param int, n int64) { v.slot.SetProgress(stats.ProgressVacuum, param, n) }

func (v *run) delay(cost int) error {
	if v.p.Delay == nil {
		return nil
	}
	return v.p.Delay(v.slot, cost)
}

// pinned vacuums a pinned page, or only counts when somebody else has it pinned and the vacuum need not get at it.
func (v *run) pinned(b buffer.Buf) (heap.PageVacuum, error) {
	if !b.TryLockCleanup() {
		b.Lock(buffer.Share)
		if !v.st.Aggressive || !heap.MustFreeze(b, &v.cut, v.multiLimit) {
			defer b.Unlock()
			pv, err := heap.CountPage(v.tx, v.r, b, &v.cut)
			if len(v.indexes) == 0 {
				pv.HasRows = pv.HasRows || len(pv.Dead) > 0
				pv.Dead = nil // they are freed by pruning, next time
			}
			return pv, err
		}
		b.Unlock()
		// Whoever pins the page may wait for a lock meanwhile, even one of this process: nobody would find that deadlock, so it is
		// done only where it has to be.
		if err := b.LockCleanup(v.slot); err != nil {
			return heap.PageVacuum{}, err
		}
	}
	defer b.Unlock()
	return heap.VacuumPage(v.tx, v.r, b, &v.vm, &v.cut, len(v.indexes) == 0)
}

// estimate computes what goes into pg_class.
func (v *run) estimate() {
	st := &v.st
	st.NewRelPages = st.Pages
	switch {
	case st.ScannedPages >= st.Pages:
		st.NewRelTuples = st.Live
	case st.ScannedPages == 0 || st.Pages == v.p.OldPages && float64(st.ScannedPages) < 0.02*float64(st.Pages) && v.p.OldTuples >= 0:
		st.NewRelTuples = max(0, v.p.OldTuples)
	case v.p.OldTuples < 0 || v.p.OldPages == 0:
		st.NewRelTuples = st.Live / float64(st.ScannedPages) * float64(st.Pages)
	default:
		old := v.p.OldTuples / float64(v.p.OldPages)
		st.NewRelTuples = float64(int64(old*float64(st.Pages-st.ScannedPages) + st.Live + 0.5))
	}
	if !v.skipped {
		st.NewFrozenXid, st.NewMinMulti = v.cut.OldestLeft, v.cut.OldestMulti
	}
}
