package buffer

import (
	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/page"
	"gompho/wal"
)

// Pool is the shared buffers of one server.
type Pool struct{}

// Strategy is a small ring of buffers that a bulk operation recycles instead of sweeping the whole pool.
// nil is the normal strategy. It belongs to one goroutine.
type Strategy struct{}

// StrategyKind says what a ring is for.
type StrategyKind uint8

const (
	BulkRead  StrategyKind = iota // large sequential scans: 256 kB
	BulkWrite                     // COPY, CREATE TABLE AS, index builds: 16 MB or an eighth of the pool
	Vacuum                        // 256 kB
)

// NewStrategy makes a ring.
func (p *Pool) NewStrategy(kind StrategyKind) *Strategy { panic("buffer: not open") }

// LockMode is the mode of a content latch.
type LockMode uint8

const (
	Share LockMode = iota
	Exclusive
)

// Buf is a pinned buffer. The zero Buf is no buffer. It is a value: each Read, Extend and Pin is paired with one Release.
type Buf struct {
	pool *Pool
	slot *stats.Slot
	id   int32
}

// Read returns the buffer of a block, pinned and not latched. The block must exist.
// Errors: XX001 for a damaged page, 58P01/58030 for missing files and failed reads, interrupts while waiting.
func (p *Pool) Read(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, s *Strategy) (Buf, error) {
	panic("buffer: not open")
}

// Extend adds n >= 1 blocks to the fork and returns the first of them pinned and latched exclusively, all zeros;
// the others can be Read. The blocks are there after a crash only if a logged change to them is.
func (p *Pool) Extend(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, n int, s *Strategy) (Buf, error) {
	panic("buffer: not open")
}

// Blocks returns the size of a fork in blocks. The size is cached.
func (p *Pool) Blocks(rel ids.RelFile, fork ids.Fork) (ids.BlockNumber, error) {
	panic("buffer: not open")
}

// IsValid reports whether b holds a buffer.
func (b Buf) IsValid() bool { return b.pool != nil }

// Page returns the page; it may be read under a Share latch, written under an Exclusive one. Hint bits may be
// written under a Share latch.
func (b Buf) Page() page.Page { panic("buffer: not open") }

// Block returns the block number.
func (b Buf) Block() ids.BlockNumber { panic("buffer: not open") }

// Rel returns the relation and fork of the block.
func (b Buf) Rel() (ids.RelFile, ids.Fork) { panic("buffer: not open") }

// Lock takes the content latch. A goroutine must not latch one buffer twice.
func (b Buf) Lock(m LockMode) { panic("buffer: not open") }

// TryLock takes the content latch if it is free.
func (b Buf) TryLock(m LockMode) bool { panic("buffer: not open") }

// Unlock gives the content latch back, whichever mode is held.
func (b Buf) Unlock() { panic("buffer: not open") }

// Pin pins the buffer once more, for another holder.
func (b Buf) Pin() Buf { panic("buffer: not open") }

// Release drops the pin.
func (b Buf) Release() { panic("buffer: not open") }

// UnlockRelease gives back the latch and the pin.
func (b Buf) UnlockRelease() { b.Unlock(); b.Release() }

// LockCleanup takes the exclusive latch at a moment when nobody else has a pin. The caller holds one pin.
// The error is an interrupt.
func (b Buf) LockCleanup(slot *stats.Slot) error { panic("buffer: not open") }

// TryLockCleanup does so if that is possible at once.
func (b Buf) TryLockCleanup() bool { panic("buffer: not open") }

// MarkDirtyHint says that hint bits were changed under (at least) the Share latch, which is still held.
// A change that is only hinted may be lost. With checksums the first one after a checkpoint logs the page.
func (b Buf) MarkDirtyHint() { panic("buffer: not open") }

// RelInfo is what a change needs to know of the relation.
type RelInfo struct {
	File   ids.RelFile
	Logged bool // false for unlogged and temporary relations: pages change, no record is written
}

// Change is one atomic change of up to MaxPages pages and the record that repeats it. From Begin to Commit
// the process is in a critical section: nothing may fail, all checks (room, visibility) come before. Pages are
// latched exclusively by the caller before Page and until after Commit.
type Change struct{}

// MaxPages is how many pages one change can hold.
const MaxPages = 32

// Begin starts a change and enters the critical section.
func (p *Pool) Begin(slot *stats.Slot, kind wal.Kind, xid ids.Xid, rel RelInfo) *Change {
	panic("buffer: not open")
}

// Page adds a page to the change, or finds it again. Its relation is the buffer's own.
func (c *Change) Page(b Buf) PageChange { panic("buffer: not open") }

// Payload sets the logical payload, which redo ignores for page records. b is copied at Commit.
func (c *Change) Payload(b []byte) { panic("buffer: not open") }

// Commit inserts the record, sets the pages' LSNs, leaves them dirty, and leaves the critical section. It returns
// the record's end, 0 when not logged. The caller still holds latches and pins. The Change must not be used again.
func (c *Change) Commit() ids.LSN { panic("buffer: not open") }

// PageChange is one page within a change. Each method changes the page and adds the operation to the record.
// A method that does not fit the page (no room, wrong offset) is a bug: it panics, and the server crashes.
type PageChange struct {
	c *Change
	i int
}

// Init empties the page, with a special space of special bytes. As the first operation it makes redo independent
// of the page's old content.
func (pc PageChange) Init(special int, flags uint16) { panic("buffer: not open") }

// InsertItem puts an item at line pointer off, unused or next new; 0 takes the first free one. It returns the line pointer.
func (pc PageChange) InsertItem(off ids.OffsetNumber, item []byte) ids.OffsetNumber {
	panic("buffer: not open")
}

// InsertItemShift inserts before line pointer off and shifts it and the following ones up (btree).
func (pc PageChange) InsertItemShift(off ids.OffsetNumber, item []byte) { panic("buffer: not open") }

// ReplaceItem gives an item new bytes of any length that fits.
func (pc PageChange) ReplaceItem(off ids.OffsetNumber, item []byte) { panic("buffer: not open") }

// Overwrite writes bytes at a position of the page at or after page.HeaderSize.
func (pc PageChange) Overwrite(pos int, b []byte) { panic("buffer: not open") }

// SetItem makes a line pointer LPUnused, LPDead or LPRedirect (to target).
func (pc PageChange) SetItem(off ids.OffsetNumber, lpflags int, target ids.OffsetNumber) {
	panic("buffer: not open")
}

// DeleteItems removes line pointers (ascending), shifts the rest down and compacts (btree).
func (pc PageChange) DeleteItems(offs []ids.OffsetNumber) { panic("buffer: not open") }

// Compact joins the free space; line pointers keep their numbers (heap).
func (pc PageChange) Compact() { panic("buffer: not open") }

// TruncateItems gives back unused line pointers at the end.
func (pc PageChange) TruncateItems() { panic("buffer: not open") }

// SetFlags sets all page flags.
func (pc PageChange) SetFlags(flags uint16) { panic("buffer: not open") }

// SetPruneXid sets the page's prune hint.
func (pc PageChange) SetPruneXid(x ids.Xid) { panic("buffer: not open") }

// SetBounds sets lower and upper, for pages whose content is not items.
func (pc PageChange) SetBounds(lower, upper int) { panic("buffer: not open") }

// FullImage logs the whole page as it is at Commit instead of operations: for pages that the caller filled itself
// (under the exclusive latch, after Page) or changed beyond description.
func (pc PageChange) FullImage() { panic("buffer: not open") }

// Page returns the page with the changes so far.
func (pc PageChange) Page() page.Page { panic("buffer: not open") }
