package heap

import (
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/freespace"
	"gompho/storage/tuple"
	"gompho/types"
)

// TempFile is scratch space that goes away when closed.
type TempFile interface {
	io.ReaderAt
	io.WriterAt
	Close() error
}

// Env are the services of one server that tables and indexes stand on.
type Env struct {
	Pool *buffer.Pool
	Mvcc *mvcc.Manager
	// TempFile makes scratch space for a process. Writing to it may fail with 53400 (temp_file_limit) or 53100.
	TempFile func(slot *stats.Slot) (TempFile, error)

	ops    sync.Pool // of *op
	cycles vacuumCycles
}

// Rel is a light handle of one table (or materialized view, or toast table): what access to its rows needs to know.
// Its exported fields do not change once others can see it; make handles with NewRel.
type Rel struct {
	Env        *Env
	File       ids.RelFile
	Oid        ids.Oid // pg_class oid, also the tableoid of its rows
	DB         ids.Oid // for lock tags; 0 for a shared relation
	Name       string  // for messages
	Desc       *types.Desc
	Logged     bool // false: unlogged or temporary
	Temp       bool
	FillFactor int   // percent; 0 means 100
	HotAttrs   []int // attributes (from 0) that any index uses, in keys, INCLUDE, expressions or predicates
	KeyAttrs   []int // attributes of unique indexes that a foreign key could refer to; an UPDATE that leaves them alone takes the weaker row lock
	// Toast keeps values that are too large for a page; nil when the table has no toast table.
	Toast Toaster

	layout  *tuple.Layout
	compare *tuple.Projection // of HotAttrs and KeyAttrs, for Update
	hot     []bool            // of compare's columns: is one of HotAttrs
	key     []bool            // of compare's columns: is one of KeyAttrs
	target  atomic.Uint64     // block+1 that took the last insert; 0 none
}

// Toaster keeps values out of line. Package toast implements it.
type Toaster interface {
	// Save stores b (already compressed if p.Compressed) and returns p with ValueID and ToastRel set.
	Save(tx *mvcc.Session, cid ids.CommandID, p tuple.Pointer, b []byte, o InsertOpts) (tuple.Pointer, error)
	// Delete removes the rows of a value. kill removes rows that this very command inserted, at once and for everybody.
	Delete(tx *mvcc.Session, p tuple.Pointer, kill bool) error
	// Fetch returns the value itself, expanded.
	Fetch(tx *mvcc.Session, p tuple.Pointer) ([]byte, error)
}

// NewRel completes a handle made of its exported fields.
func NewRel(r *Rel) *Rel {
	r.layout = tuple.NewLayout(r.Desc)
	var cols []int
	add := func(attrs []int, flags *[]bool) {
		for _, a := range attrs {
			k := slices.Index(cols, a)
			if k < 0 {
				k = len(cols)
				cols = append(cols, a)
				r.hot, r.key = append(r.hot, false), append(r.key, false)
			}
			(*flags)[k] = true
		}
	}
	add(r.HotAttrs, &r.hot)
	add(r.KeyAttrs, &r.key)
	r.compare = r.layout.Project(cols)
	return r
}

func (r *Rel) info() buffer.RelInfo { return buffer.RelInfo{File: r.File, Logged: r.Logged} }

func (r *Rel) fsm() freespace.FSM { return freespace.FSM{Pool: r.Env.Pool, Rel: r.info()} }

func (r *Rel) newVM() freespace.VM { return freespace.NewVM(r.Env.Pool, r.info()) }

// Blocks returns the size of the table in blocks.
func (r *Rel) Blocks() (ids.BlockNumber, error) {
	return r.Env.Pool.Blocks(r.File, ids.MainFork)
}

// shared reports whether the relation belongs to all databases.
func (r *Rel) shared() bool { return r.DB == 0 }

// visTest tells what of the relation nobody can see any more.
func (r *Rel) visTest(tx *mvcc.Session) *mvcc.VisTest {
	if r.Temp {
		return tx.TempVisTest()
	}
	return tx.VisTest(r.shared())
}

// Counts returns a process's own cumulative counts of the table, for one statement or less.
func (r *Rel) Counts(slot *stats.Slot) *stats.RelPending { return slot.Relation(r.Oid, r.File) }

func (o *op) counts() *stats.RelPending { return o.r.Counts(o.slot) }

// Layout returns the rows' layout.
func (r *Rel) Layout() *tuple.Layout { return r.layout }

// Result is the outcome of changing or locking a row: PostgreSQL's TM_Result.
type Result uint8

const (
	Ok Result = iota
	Invisible
	SelfModified  // changed by this very transaction, by a later command or this one: see Failure.Cmax
	Updated       // changed by a transaction that committed: see Failure.TID
	Deleted       // deleted by a transaction that committed
	BeingModified // by a transaction in progress; only when the caller would not wait
	WouldBlock    // a lock is not to be had at once; only with SkipLocked
)

// Failure tells about the change that came before ours.
type Failure struct {
	TID       ids.TID // next version; the row's own address when it was deleted
	Xmax      ids.Xid
	Cmax      ids.CommandID // for SelfModified
	Traversed bool          // LockLatest went along the chain of versions
}

// WaitPolicy says what to do about a row that another transaction has locked.
type WaitPolicy uint8

const (
	WaitBlock WaitPolicy = iota
	WaitSkip             // SKIP LOCKED: WouldBlock
	WaitError            // NOWAIT: 55P03
)

// System attributes, as numbers to ask for in a projection; the values are words.
const (
	AttrCtid     = -1
	AttrXmin     = -2
	AttrCmin     = -3
	AttrXmax     = -4
	AttrCmax     = -5
	AttrTableOid = -6
)

// InsertOpts modify Insert and MultiInsert.
type InsertOpts struct {
	Bulk      *BulkInsert // state of a bulk load, nil if none
	SkipFsm   bool        // extend rather than look for free space
	Frozen    bool        // COPY FREEZE: rows are visible to all at once; the table was made in this transaction
	SpecToken uint32      // nonzero: a speculative insertion
	NoToast   bool        // set for toast tables themselves
	NoCount   bool        // copies of rows that the table has already: not counted as insertions
	As        *Version    // not nil: the row is a copy of a version that not everybody sees
}

// Version is what the copy of a row version keeps of it, so that snapshots see of the copy what they saw of the version.
type Version struct {
	Xmin        ids.Xid // 0: visible to all but for Xmax
	Frozen      bool    // visible to all but for Xmax, though Xmin is kept
	Xmax        ids.Xid // who deleted or updated it; 0: nobody
	KeysUpdated bool    // so that its key changed
	Next        ids.TID // the copy of the version that replaced it; none if that is not valid
}

// ModifyOpts modify Update and Delete.
type ModifyOpts struct {
	Crosscheck *mvcc.Snapshot // the row must also be visible to it, else Updated
	NoWait     bool           // BeingModified instead of waiting
	Place      *Place         // where the place in the row's queue is kept with the result Updated, for LockLatest
	// ChangingPart marks a delete that moves the row to another partition.
	ChangingPart bool
}

// UpdateInfo tells where the new version is and what its indexes need.
type UpdateInfo struct {
	TID      ids.TID
	Hot      bool // no index entries are to be made
	Strength mvcc.LockStrength
}

// ScanOpts choose what a scan reads.
type ScanOpts struct {
	Cols     []int           // attributes from 0, or system attributes; column k of batches is Cols[k]
	From, To ids.BlockNumber // blocks [From, To); To 0 or ids.InvalidBlock: up to the end
	NoPrune  bool
	// Shared gives the scan its blocks, instead of From and To, in pieces that it shares out among several scans.
	Shared *BlockSource
	// Ahead gives the blocks of a bitmap scan once more, to be asked for ahead of their reading; nil: they are not.
	Ahead func() (ids.BlockNumber, bool)
}
