package buffer

import (
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/internal/offheap"
	"gompho/internal/pgerr"
	"gompho/storage/page"
	"gompho/storage/smgr"
	"gompho/wal"
)

// Options of New.
type Options struct {
	Buffers int // size of the pool in pages; at least 16
	Storage *smgr.Manager
	// Log is nil during recovery and in a pool without one: then changes are not logged.
	Log *wal.Log
	// Checksums says that pages carry checksums: set at every write, checked at every read.
	Checksums bool
	// Warn is told of damage when the process that found it has nobody to tell; nil: nobody.
	Warn func(*pgerr.Error)
	// ChecksumFailed is told of each checksum that was wrong, with the database; nil: nobody.
	ChecksumFailed func(db ids.Oid)
	// Critical, for tests, is called within the critical section of every Commit, before the record is inserted. It may panic.
	Critical func(kind wal.Kind)
}

// Pool is the shared buffers of one server. Its methods may be called concurrently.
type Pool struct {
	opts    Options
	storage *smgr.Manager
	log     atomic.Pointer[wal.Log]
	barrier atomic.Pointer[func(ids.LSN) error] // see SetBarrier
	mem     []byte
	descs   []desc
	n       uint32

	heads      []atomic.Int32 // mapping table: index+1 of the first buffer of each chain
	headMask   uint32
	partitions [partitions]partition
	lot        parkingLot

	hand   atomic.Uint64 // clock sweep: buffers passed since start
	allocs atomic.Uint64 // buffers allocated since start

	// sleeper is set while the background writer sleeps long; the next allocation sends on allocWake.
	sleeper   atomic.Bool
	allocWake chan struct{}

	isLocal   bool     // the buffers of one session
	locals    sync.Map // ids.RelFile of a temporary relation: *Local
	localSets sync.Map // all *Local

	changes  sync.Pool // *Change
	scratch  sync.Pool // *[page.Size]byte
	counters Counters
}

// Counters are cumulative figures for pg_stat_bgwriter.
type Counters struct {
	Alloc         atomic.Int64 // buffers_alloc
	BackendWrites atomic.Int64 // buffers_backend: blocks that processes wrote for themselves: dirty victims, new blocks
	CleanWrites   atomic.Int64 // buffers_clean
	MaxClean      atomic.Int64 // maxwritten_clean
}

// New makes a pool with empty buffers.
func New(o Options) (*Pool, error) {
	o.Buffers = max(o.Buffers, 16)
	mem, err := offheap.Alloc(o.Buffers*page.Size, true)
	if err != nil {
		return nil, pgerr.Wrap(err, pgerr.OutOfMemory, "could not allocate %d shared buffers: %v", o.Buffers, err)
	}
	if o.Warn == nil {
		o.Warn = func(*pgerr.Error) {}
	}
	if o.ChecksumFailed == nil {
		o.ChecksumFailed = func(ids.Oid) {}
	}
	heads := uint32(partitions)
	for heads < 2*uint32(o.Buffers) {
		heads *= 2
	}
	p := &Pool{opts: o, storage: o.Storage, mem: mem, descs: make([]desc, o.Buffers), n: uint32(o.Buffers),
		heads: make([]atomic.Int32, heads), headMask: heads - 1}
	p.log.Store(o.Log)
	p.changes.New = func() any { return newChange(p) }
	p.scratch.New = func() any { return new([page.Size]byte) }
	p.lot.init()
	p.allocWake = make(chan struct{}, 1)
	return p, nil
}

// SetLog gives the pool its log: after recovery.
func (p *Pool) SetLog(l *wal.Log) { p.log.Store(l) }

// SetBarrier gives the pool what takes the log's place in recovery: it is called with the LSN of each page that is about to be written, and its error
// keeps the page from being written.
func (p *Pool) SetBarrier(f func(ids.LSN) error) { p.barrier.Store(&f) }

// Log returns the pool's log, nil in recovery.
func (p *Pool) Log() *wal.Log { return p.log.Load() }

// Storage returns the storage manager.
func (p *Pool) Storage() *smgr.Manager { return p.storage }

// Buffers returns the size of the pool in pages.
func (p *Pool) Buffers() int { return int(p.n) }

// Counters returns the pool's counters, which keep counting.
func (p *Pool) Counters() *Counters { return &p.counters }

// AwaitAlloc returns a channel that receives at the next allocation of a buffer: for the background writer, when it
// has nothing to do.
func (p *Pool) AwaitAlloc() <-chan struct{} {
	p.sleeper.Store(true)
	return p.allocWake
}

// Abort says that the server crashed: who waits for a latch, a pin or I/O of the pool, or will, panics with the error 57P02,
// because the holder may have died. The pool is of no use afterwards but for Close, when all users have ended.
func (p *Pool) Abort() { p.lot.abort() }

// Close releases the memory without writing anything. Nobody may hold a Buf or a page.
func (p *Pool) Close() error {
	p.localSets.Range(func(l, _ any) bool {
		l.(*Local).close()
		return true
	})
	mem := p.mem
	p.mem = nil
	return offheap.Free(mem)
}

func (p *Pool) page(id int32) page.Page {
	at := int(id) * page.Size
	return page.Page(p.mem[at : at+page.Size : at+page.Size])
}

// desc describes one buffer. Invariant: without tagValid it is in no chain, nobody finds it, and it is clean.
type desc struct {
	state atomic.Uint64 // pins, usage count and flags: see state.go
	latch atomic.Uint32 // see latch.go
	hash  atomic.Uint32 // of the tag
	next  atomic.Int32  // index+1 of the next buffer in the chain
	fork  atomic.Uint32
	spcDB atomic.Uint64
	relNo atomic.Uint64 // relation number, block
	_     [64 - 40]byte
}

// tag names a block.
type tag struct {
	rel   ids.RelFile
	fork  ids.Fork
	block ids.BlockNumber
}

func (t *tag) words() (spcDB, relNo uint64) {
	return uint64(t.rel.Spc)<<32 | uint64(t.rel.DB), uint64(t.rel.Rel)<<32 | uint64(t.block)
}

func (t *tag) hash() uint32 {
	a, b := t.words()
	h := (a ^ uint64(t.fork)<<61) * 0x9E3779B97F4A7C15
	h = (h ^ h>>29 ^ b) * 0xBF58476D1CE4E5B9
	h ^= h >> 32
	return uint32(h)
}

// The tag is in atomics because sweeps look at buffers that they have not pinned.

func (d *desc) is(t *tag) bool {
	a, b := t.words()
	return d.relNo.Load() == b && d.spcDB.Load() == a && d.fork.Load() == uint32(t.fork)
}

func (d *desc) tag() tag {
	a, b := d.spcDB.Load(), d.relNo.Load()
	return tag{ids.RelFile{Spc: ids.Oid(a >> 32), DB: ids.Oid(a), Rel: ids.Oid(b >> 32)}, ids.Fork(d.fork.Load()), ids.BlockNumber(b)}
}

func (d *desc) setTag(t *tag, hash uint32) {
	a, b := t.words()
	d.spcDB.Store(a)
	d.relNo.Store(b)
	d.fork.Store(uint32(t.fork))
	d.hash.Store(hash)
}
