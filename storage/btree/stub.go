package btree

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/types"
)

// New completes a handle made of its exported fields.
func New(ix *Index) *Index { panic("btree") }

// CreateEmpty writes the pages of an empty index; its file is there already (heap.CreateStorage).
func (ix *Index) CreateEmpty(tx *mvcc.Session) error { panic("btree") }

// Insert adds an entry. values are key and INCLUDE columns. conflict is meaningful with UniquePartial only: another live
// (or in progress) row has the key.
func (ix *Index) Insert(tx *mvcc.Session, values []types.Datum, tid ids.TID, mode UniqueMode) (conflict bool, err error) {
	panic("btree")
}

// FindConflict looks for a live row with the key, other than self (invalid TID: none), as ON CONFLICT does before it inserts. With wait it waits for
// transactions in progress; without it, one in progress counts as a conflict. Speculative insertions are waited for by their token.
func (ix *Index) FindConflict(tx *mvcc.Session, values []types.Datum, self ids.TID, wait bool) (tid ids.TID, found bool, err error) {
	panic("btree")
}

// Lookup returns the tids of the entries of a whole unique key, without a scan: at most len(tids) of them. It does not allocate.
func (ix *Index) Lookup(tx *mvcc.Session, key []types.Datum, tids []ids.TID) (n int, err error) {
	panic("btree")
}

// Scan reads entries in the order of the index.
type Scan struct{}

func (ix *Index) BeginScan(tx *mvcc.Session, o ScanOpts) *Scan { panic("btree") }

// Rescan starts (again) with new keys.
func (s *Scan) Rescan(keys []ScanKey) error        { panic("btree") }
func (s *Scan) NewBatch(capacity int) *types.Batch { panic("btree") }

// Next returns up to len(tids) entries; b (nil: not wanted) gets the columns of ScanOpts.Cols. n is 0 at the end.
func (s *Scan) Next(tids []ids.TID, b *types.Batch) (n int, err error) { panic("btree") }

// Kill says that the i-th entry of the last Next points to a row that is dead to all.
func (s *Scan) Kill(i int) { panic("btree") }
func (s *Scan) Close()     { panic("btree") }

// Builder builds an index from all its entries, given in any order.
type Builder struct{}

func (ix *Index) NewBuilder(tx *mvcc.Session, o BuildOpts) *Builder { panic("btree") }

// Add gives an entry; live rows count for uniqueness.
func (b *Builder) Add(values []types.Datum, tid ids.TID, live bool) error { panic("btree") }

// Finish sorts, checks uniqueness (23505) and writes the index.
func (b *Builder) Finish() error { panic("btree") }
func (b *Builder) Close()        { panic("btree") }

// BulkDelete removes the entries whose tid is dead, reporting into st.
func (ix *Index) BulkDelete(tx *mvcc.Session, dead func(ids.TID) bool, delay func() error, st *VacuumStats) error {
	panic("btree")
}

// VacuumCleanup ends a vacuum of the index.
func (ix *Index) VacuumCleanup(tx *mvcc.Session, st *VacuumStats) error { panic("btree") }
