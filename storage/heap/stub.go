package heap

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/tuple"
	"gompho/types"
)

// BulkInsert is the state of a bulk load into one table.
type BulkInsert struct{}

func NewBulkInsert() *BulkInsert { panic("heap") }
func (b *BulkInsert) Release()   { panic("heap") }

// CreateStorage makes the (empty) files of a new relation within tx.
func CreateStorage(tx *mvcc.Session, env *Env, file ids.RelFile, logged, temp bool) error {
	panic("heap")
}

// TruncateAll empties the relation at once, not transactionally.
func TruncateAll(tx *mvcc.Session, r *Rel) error { panic("heap") }
func (r *Rel) Blocks() (ids.BlockNumber, error)  { panic("heap") }

func Insert(tx *mvcc.Session, r *Rel, values []types.Datum, cid ids.CommandID, o InsertOpts) (ids.TID, error) {
	panic("heap")
}

// MultiInsert inserts the rows of b that count; b has a column per attribute. tids gets their addresses.
func MultiInsert(tx *mvcc.Session, r *Rel, b *types.Batch, cid ids.CommandID, o InsertOpts, tids []ids.TID) error {
	panic("heap")
}
func Delete(tx *mvcc.Session, r *Rel, tid ids.TID, cid ids.CommandID, o ModifyOpts) (Result, Failure, error) {
	panic("heap")
}
func Update(tx *mvcc.Session, r *Rel, tid ids.TID, values []types.Datum, cid ids.CommandID, o ModifyOpts) (UpdateInfo, Result, Failure, error) {
	panic("heap")
}

// LockTuple locks exactly this version of a row. follow also locks later versions made by transactions in progress.
func LockTuple(tx *mvcc.Session, r *Rel, tid ids.TID, cid ids.CommandID, strength mvcc.LockStrength, wait WaitPolicy, follow bool) (Result, Failure, error) {
	panic("heap")
}

// LockLatest locks the row's latest version, going along the chain of updates from tid as EvalPlanQual needs it.
// It returns the address of the version that it locked (Ok).
func LockLatest(tx *mvcc.Session, r *Rel, tid ids.TID, snap *mvcc.Snapshot, cid ids.CommandID, strength mvcc.LockStrength, wait WaitPolicy) (ids.TID, Result, Failure, error) {
	panic("heap")
}
func FinishSpeculative(tx *mvcc.Session, r *Rel, tid ids.TID) error { panic("heap") }
func AbortSpeculative(tx *mvcc.Session, r *Rel, tid ids.TID) error  { panic("heap") }

// UpdateInPlace overwrites a row without a new version; not transactional, for the catalog's statistics columns. The row keeps its size.
func UpdateInPlace(tx *mvcc.Session, r *Rel, tid ids.TID, values []types.Datum) error { panic("heap") }

// LatestTID returns the address of the latest version visible to snap in the chain that starts at tid.
func LatestTID(tx *mvcc.Session, r *Rel, tid ids.TID, snap *mvcc.Snapshot) (ids.TID, error) {
	panic("heap")
}

// Scan reads a table in the order of its blocks.
type Scan struct{}

// BeginScan starts a scan of what snap sees; nil: every row version there is.
func BeginScan(tx *mvcc.Session, r *Rel, snap *mvcc.Snapshot, o ScanOpts) (*Scan, error) {
	panic("heap")
}

// NewBatch makes a batch that fits the scan's columns.
func (s *Scan) NewBatch(capacity int) *types.Batch { panic("heap") }

// NextBatch decodes up to max rows into b, which it resets first; tids (nil: not wanted) gets their addresses. n is 0 at the end.
// Byte strings in b are valid until the next call.
func (s *Scan) NextBatch(max int, b *types.Batch, tids []ids.TID) (n int, err error) { panic("heap") }

// SetRange restarts the scan on the blocks [from, to): the next piece of work of a parallel scan.
func (s *Scan) SetRange(from, to ids.BlockNumber) { panic("heap") }
func (s *Scan) Close()                            { panic("heap") }

// BeginTIDScan starts a scan of the rows at tids, which are sorted, each followed along its HOT chain.
func BeginTIDScan(tx *mvcc.Session, r *Rel, snap *mvcc.Snapshot, tids []ids.TID, o ScanOpts) (*Scan, error) {
	panic("heap")
}

// BitmapPage is one page that a bitmap scan visits.
type BitmapPage struct {
	Block   ids.BlockNumber
	Offsets []ids.OffsetNumber // ascending; nil: all rows of the page (lossy)
}

// BeginBitmapScan starts a scan of the pages that next returns, in ascending order of blocks.
// NextBatch never mixes exact and lossy pages in a batch; Lossy tells which kind the last one was.
func BeginBitmapScan(tx *mvcc.Session, r *Rel, snap *mvcc.Snapshot, next func() (BitmapPage, bool), o ScanOpts) (*Scan, error) {
	panic("heap")
}
func (s *Scan) Lossy() bool { panic("heap") }

// Fetcher reads single rows by address: the table's side of an index scan. It keeps the last page pinned.
type Fetcher struct{}

func NewFetcher(tx *mvcc.Session, r *Rel, cols []int) *Fetcher { panic("heap") }

// Index looks for the version visible to snap in the HOT chain that an index entry's tid starts.
func (f *Fetcher) Index(tid ids.TID, snap *mvcc.Snapshot) (found bool, err error) { panic("heap") }

// Version looks for exactly the version at tid; snap nil: whatever its visibility.
func (f *Fetcher) Version(tid ids.TID, snap *mvcc.Snapshot) (found bool, err error) { panic("heap") }

// TID is the address of the version found, AllDead whether the chain of the last Index is dead to all (its entry may be killed).
func (f *Fetcher) TID() ids.TID  { panic("heap") }
func (f *Fetcher) AllDead() bool { panic("heap") }

// Header returns the header of the version found.
func (f *Fetcher) Header() tuple.Header               { panic("heap") }
func (f *Fetcher) NewBatch(capacity int) *types.Batch { panic("heap") }

// Decode puts the version found into row i of b; bytes live until ResetArena.
func (f *Fetcher) Decode(b *types.Batch, i int) error { panic("heap") }

// Values puts the version found into out, one value per column; bytes live until ResetArena.
func (f *Fetcher) Values(out []types.Datum) error { panic("heap") }
func (f *Fetcher) ResetArena()                    { panic("heap") }

// Unpin lets go of the page; the fetcher stays usable.
func (f *Fetcher) Unpin() { panic("heap") }
func (f *Fetcher) Close() { panic("heap") }

// VisibilityProbe answers for index-only scans which pages need no look at the table.
type VisibilityProbe struct{}

func NewVisibilityProbe(slot *stats.Slot, r *Rel) *VisibilityProbe { panic("heap") }
func (p *VisibilityProbe) AllVisible(b ids.BlockNumber) bool       { panic("heap") }
func (p *VisibilityProbe) Close()                                  { panic("heap") }

// BuildScan reads the rows that a new index needs, with the tids that its entries must have (roots of HOT chains).
// Rows that are dead to all are left out; live is false for rows that only older snapshots may see (they do not count for uniqueness).
type BuildScan struct{}

func BeginBuildScan(tx *mvcc.Session, r *Rel, cols []int) (*BuildScan, error) { panic("heap") }
func (s *BuildScan) NewBatch(capacity int) *types.Batch                       { panic("heap") }
func (s *BuildScan) NextBatch(max int, b *types.Batch, tids []ids.TID, live []bool) (n int, err error) {
	panic("heap")
}
func (s *BuildScan) BrokenHotChain() bool { panic("heap") }
func (s *BuildScan) Close()               { panic("heap") }
