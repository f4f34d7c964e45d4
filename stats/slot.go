package stats

import (
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// Interrupt is a request that one process makes of another; several can be pending at once.
type Interrupt uint32

const (
	CancelQuery      Interrupt = 1 << iota // pg_cancel_backend, CancelRequest
	Terminate                              // pg_terminate_backend, fast shutdown
	CrashExit                              // another process crashed: leave at once, memory may be damaged
	StatementTimeout                       // statement_timeout expired
	LockTimeout                            // lock_timeout expired
	IdleInTxTimeout                        // idle_in_transaction_session_timeout expired
	IdleTimeout                            // idle_session_timeout expired
	ReloadConfig                           // configuration changed; never an error
	CatchupInval                           // read the invalidation queue; never an error
	ClientGone                             // the socket is broken
	OutOfMemory                            // the server's memory ran out while this session held the most of it
	GiveWay                                // pause, others need the processor; never an error
	MakeRoom                               // pause, the collector has to catch up with what statements leave; never an error
	raised                                 // CheckInterrupts has returned an error of one of them
)

// Slot is the handle of one process of the server: everything that runs long or waits takes one.
// A nil *Slot is valid and means: nobody to tell, nothing to be interrupted by.
type Slot struct {
	PID   int32 // as shown to clients
	Index int32 // place in the array of slots
	// Leader is the PID of the session that a parallel worker helps, else 0. It does not change.
	Leader int32

	wait    atomic.Uint32 // WaitEvent, 0 when not waiting
	pending atomic.Uint32 // Interrupt bits
	checks  uint64        // calls of CheckInterrupts
	checked atomic.Uint64 // of them, see Checks
	held    atomic.Int32  // > 0: interrupts are held off (critical sections)
	wake    chan struct{} // capacity 1

	critical atomic.Int32 // critical sections entered and not left
	latches  atomic.Int32 // content latches held

	pinsHits atomic.Uint64 // low half: buffer pins held; high half: reads of blocks that were in the shared buffers
	Buffers  BufferUsage
	WAL      WALUsage

	Activity Activity
	progress Progress
	// Damage says what the process does about damaged pages; nil: they are errors. Set before the process does anything.
	Damage *Damage
	// LocalPages is how many buffers of its own the session has for temporary relations (temp_buffers); nil: they are in the shared buffers. Local are
	// those buffers, once there are any: the buffer pool's.
	LocalPages func() int
	Local      any
	// IO are the process's settings for reading and writing; nil: it neither reads ahead nor hands writes on. FlushState is what the buffer pool keeps
	// of its writes.
	IO         *IOSettings
	FlushState any
	// Stats are the process's cumulative counters; nil: nothing is counted. Set before the process does anything.
	Stats *Pending
	// Temp is the account of the session's temporary files, shared with its parallel workers.
	Temp *TempSpace
	// Memory is the account of what the session holds for its statements, shared with its parallel workers; nil: nothing is counted.
	Memory *Memory
}

// Damage are the settings for damaged pages.
type Damage struct {
	IgnoreChecksums func() bool        // ignore_checksum_failure: use a page whose header looks right
	ZeroPages       func() bool        // zero_damaged_pages: take an empty one instead
	Warn            func(*pgerr.Error) // tells the user; nil: there is none, the server log is told
}

// IOSettings are settings for reading and writing relations.
type IOSettings struct {
	FlushAfter  func() int  // backend_flush_after in blocks
	Concurrency func() int  // effective_io_concurrency
	Maintenance func() int  // maintenance_io_concurrency
	Timing      func() bool // track_io_timing
	WALTiming   func() bool // track_wal_io_timing
}

// ReadAhead returns how many blocks a scan, or a maintenance command, asks for ahead.
func (s *Slot) ReadAhead(maintenance bool) int {
	switch {
	case s == nil || s.IO == nil:
		return 0
	case maintenance:
		return s.IO.Maintenance()
	}
	return s.IO.Concurrency()
}

// DamagePolicy returns what the process does about damaged pages; nil: they are errors.
func (s *Slot) DamagePolicy() *Damage {
	if s == nil {
		return nil
	}
	return s.Damage
}

// NewSlot makes a slot for a process.
func NewSlot(pid, index int32) *Slot {
	return &Slot{PID: pid, Index: index, wake: make(chan struct{}, 1)}
}

// BeginWait publishes what the process waits for and returns what it published before.
func (s *Slot) BeginWait(ev WaitEvent) WaitEvent {
	if s == nil {
		return 0
	}
	return WaitEvent(s.wait.Swap(uint32(ev)))
}

// EndWait publishes prev, the value that BeginWait returned.
func (s *Slot) EndWait(prev WaitEvent) {
	if s != nil {
		s.wait.Store(uint32(prev))
	}
}

// mutex is a lock that can be tried.
type mutex interface {
	TryLock() bool
	Lock()
}

// Lock locks mu and publishes ev while it has to wait for it.
func Lock[M mutex](s *Slot, mu M, ev WaitEvent) {
	if mu.TryLock() {
		return
	}
	prev := s.BeginWait(ev)
	mu.Lock()
	s.EndWait(prev)
}

// Waiting returns the published wait event, 0 when the process runs.
func (s *Slot) Waiting() WaitEvent { return WaitEvent(s.wait.Load()) }

// Interrupt sets a request and wakes the process if it waits.
func (s *Slot) Interrupt(i Interrupt) {
	s.pending.Or(uint32(i))
	s.WakeUp()
}

// Clear takes back requests.
func (s *Slot) Clear(i Interrupt) { s.pending.And(^uint32(i)) }

// Pending returns the requests that are set.
func (s *Slot) Pending() Interrupt {
	if s == nil {
		return 0
	}
	return Interrupt(s.pending.Load())
}

// WakeUp lets a process that selects on Wake go on.
func (s *Slot) WakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Wake is the channel that a waiting process selects on, next to what it waits for. A receive may be
// spurious: look at the state again, and call CheckInterrupts. It is nil, blocking for ever, for a nil slot.
func (s *Slot) Wake() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.wake
}

// HoldInterrupts makes CheckInterrupts return nil until ResumeInterrupts. Calls nest.
func (s *Slot) HoldInterrupts() {
	if s != nil {
		s.held.Add(1)
	}
}

// ResumeInterrupts ends one HoldInterrupts.
func (s *Slot) ResumeInterrupts() {
	if s != nil {
		s.held.Add(-1)
	}
}

const errorInterrupts = CancelQuery | Terminate | CrashExit | StatementTimeout | LockTimeout | IdleInTxTimeout | IdleTimeout | ClientGone | OutOfMemory

// CheckInterrupts returns the error of a pending request, again at each call until the statement has failed by it and EndStatement has cleared it: so
// that code which can do without what it was about to look up does not lose the request. It costs one atomic load when nothing is pending.
func (s *Slot) CheckInterrupts() error {
	if s == nil {
		return nil
	}
	if s.checks++; s.checks%checkStep == 0 {
		s.checked.Store(s.checks)
	}
	if s.pending.Load()&uint32(errorInterrupts|pauses) == 0 || s.held.Load() > 0 {
		return nil
	}
	return s.interrupted()
}

// checkStep is how exact Checks is: what others read costs more to write.
const checkStep = 64

// Checks returns how often the process has looked for interrupts, to the last multiple of 64: a measure of what it has done. Any process may ask.
func (s *Slot) Checks() uint64 { return s.checked.Load() }

// pauses are the requests that make a process wait where it looks for interrupts.
const pauses = GiveWay | MakeRoom

// Pause makes a running process wait where it next looks for interrupts, until Resume for the same reason, GiveWay or MakeRoom, or an interrupt that ends its statement.
func (s *Slot) Pause(why Interrupt) { s.pending.Or(uint32(why)) }

// Resume lets a paused process go on, unless there is another reason.
func (s *Slot) Resume(why Interrupt) {
	if s.Pending()&why != 0 {
		s.Clear(why)
		s.WakeUp()
	}
}

// pause waits for the end of the pauses. A process that holds a content latch, for which others may wait, does not.
func (s *Slot) pause() {
	if s.Latches() == 0 {
		event := TimeoutMakeRoom
		if s.Pending()&GiveWay != 0 {
			event = TimeoutGiveWay
		}
		prev := s.BeginWait(event)
		for p := s.Pending(); p&pauses != 0 && p&errorInterrupts == 0; p = s.Pending() {
			<-s.wake
		}
		s.EndWait(prev)
		s.WakeUp() // who waits for something else may have been woken here
	}
	s.Clear(pauses)
}

// Lost returns the error of a request that CheckInterrupts has raised and that did not end the statement, which is about to succeed; nil when there
// is none. What came too late to be raised is not one.
func (s *Slot) Lost() error {
	if s == nil || s.Pending()&raised == 0 {
		return nil
	}
	return s.CheckInterrupts()
}

// EndStatement clears the requests that end a statement, and not the process: the statement is over.
func (s *Slot) EndStatement() {
	if s != nil && s.pending.Load() != 0 {
		s.Clear(CancelQuery | StatementTimeout | LockTimeout | OutOfMemory | pauses | raised)
		s.Memory.forget()
	}
}

// CrashError is what a session tells its client when it ends because another process crashed.
func CrashError() *pgerr.Error {
	return pgerr.New(pgerr.CrashShutdown, "terminating connection because of crash of another server process").
		WithDetail("The postmaster has commanded this server process to roll back the current transaction and exit, because another server process exited abnormally and possibly corrupted shared memory.").
		WithHint("In a moment you should be able to reconnect to the database and repeat your command.").
		WithSeverity(pgerr.Fatal)
}

// autovacuumWorker is the type of processes whose errors have words of their own.
const autovacuumWorker = "autovacuum worker"

func (s *Slot) interrupted() error {
	if s.Pending()&pauses != 0 {
		s.pause()
		return s.CheckInterrupts()
	}
	if s.Pending()&OutOfMemory != 0 && !s.Memory.fails() {
		s.Clear(OutOfMemory) // there is room again; was there anything else?
		return s.CheckInterrupts()
	}
	s.pending.Or(uint32(raised))
	p := s.Pending()
	switch {
	case p&CrashExit != 0:
		return CrashError()
	case p&Terminate != 0 && s.Activity.BackendType == autovacuumWorker:
		return pgerr.New(pgerr.AdminShutdown, "terminating autovacuum process due to administrator command").WithSeverity(pgerr.Fatal)
	case p&CancelQuery != 0 && s.Activity.BackendType == autovacuumWorker:
		return pgerr.New(pgerr.QueryCanceled, "canceling autovacuum task")
	case p&Terminate != 0:
		return pgerr.New(pgerr.AdminShutdown, "terminating connection due to administrator command").WithSeverity(pgerr.Fatal)
	case p&ClientGone != 0:
		return pgerr.New(pgerr.ConnectionFailure, "connection to client lost").WithSeverity(pgerr.Fatal)
	case p&IdleInTxTimeout != 0:
		return pgerr.New(pgerr.IdleInTransactionSessionTimeout, "terminating connection due to idle-in-transaction timeout").WithSeverity(pgerr.Fatal)
	case p&IdleTimeout != 0:
		return pgerr.New(pgerr.IdleSessionTimeout, "terminating connection due to idle-session timeout").WithSeverity(pgerr.Fatal)
	case p&OutOfMemory != 0 && s.Memory.fails():
		return s.Memory.failure()
	case p&LockTimeout != 0:
		return pgerr.New(pgerr.LockNotAvailable, "canceling statement due to lock timeout")
	case p&StatementTimeout != 0:
		return pgerr.New(pgerr.QueryCanceled, "canceling statement due to statement timeout")
	default:
		return pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
	}
}

// EnterCritical begins a critical section: a panic before LeaveCritical may leave shared pages half changed,
// and takes the server through a crash cycle. Sections nest; interrupts are held off within.
func (s *Slot) EnterCritical() {
	if s != nil {
		s.critical.Add(1)
		s.held.Add(1)
	}
}

// LeaveCritical ends one critical section.
func (s *Slot) LeaveCritical() {
	if s != nil {
		s.held.Add(-1)
		s.critical.Add(-1)
	}
}

// WALUsage counts the log records of changes to pages. The owner writes, anyone may read.
type WALUsage struct {
	Records, FullImages, Bytes atomic.Int64
}

// CountWAL accounts for a log record.
func (s *Slot) CountWAL(images, bytes int) {
	if s != nil {
		s.WAL.Records.Add(1)
		s.WAL.FullImages.Add(int64(images))
		s.WAL.Bytes.Add(int64(bytes))
	}
}

// CountLatch keeps account of the content latches held; n is 1 or -1.
func (s *Slot) CountLatch(n int32) {
	if s != nil {
		s.latches.Add(n)
	}
}

// CountPin accounts for one more buffer pin, CountHit for one that a read of a cached block took, CountUnpin for
// one less.
func (s *Slot) CountPin() {
	if s != nil {
		s.pinsHits.Add(1)
	}
}

// CountHit: see CountPin.
func (s *Slot) CountHit(file ids.RelFile) {
	if s != nil {
		s.pinsHits.Add(1 + 1<<32)
		if s.Stats != nil {
			s.Stats.countRead(file, true)
		}
	}
}

// CountLocalHit is CountHit for a block in the session's own buffers, of a temporary relation.
func (s *Slot) CountLocalHit(file ids.RelFile) {
	s.pinsHits.Add(1)
	s.Buffers.LocalHit.Add(1)
	if s.Stats != nil {
		s.Stats.countRead(file, true)
	}
}

// CountLocalRead is CountRead for one.
func (s *Slot) CountLocalRead(file ids.RelFile) {
	s.Buffers.LocalRead.Add(1)
	if s.Stats != nil {
		s.Stats.countRead(file, false)
	}
}

// CountExtend accounts for n new blocks at the end of a file. The first counts as a block that was asked for and not found; the others will be
// asked for yet.
func (s *Slot) CountExtend(file ids.RelFile, n int, local bool) {
	if s == nil {
		return
	}
	if local {
		s.Buffers.LocalWritten.Add(int64(n))
	} else {
		s.Buffers.Written.Add(int64(n))
	}
	if s.Stats != nil {
		s.Stats.countRead(file, false)
	}
}

// Counters returns the process's cumulative counters; nil when it has none.
func (s *Slot) Counters() *Pending {
	if s == nil {
		return nil
	}
	return s.Stats
}

// CountRead accounts for a block of a file that was read from disk.
func (s *Slot) CountRead(file ids.RelFile) {
	if s != nil {
		s.Buffers.Read.Add(1)
		if s.Stats != nil {
			s.Stats.countRead(file, false)
		}
	}
}

// CountUnpin: see CountPin.
func (s *Slot) CountUnpin() {
	if s != nil {
		s.pinsHits.Add(^uint64(0))
	}
}

// BufferHits returns the number of reads that found their block in the shared buffers, modulo 1<<32: use differences.
func (s *Slot) BufferHits() uint32 {
	if s == nil {
		return 0
	}
	return uint32(s.pinsHits.Load() >> 32)
}

// InCritical reports whether the process is in a critical section.
func (s *Slot) InCritical() bool { return s != nil && s.critical.Load() > 0 }

// Latches returns the number of content latches that the process holds.
func (s *Slot) Latches() int { return int(s.latches.Load()) }

// Pins returns the number of buffer pins that the process holds. At the end of a transaction without open
// cursors it is 0: anything else is a leak.
func (s *Slot) Pins() int { return int(int32(s.pinsHits.Load())) }

// DamagesShared reports whether a panic of the process at this moment leaves shared state that others would
// trip over: it is in a critical section or holds a latch.
func (s *Slot) DamagesShared() bool {
	return s.InCritical() || s != nil && s.latches.Load() > 0
}

// Absorb adds the counters of a worker that has ended.
func (s *Slot) Absorb(w *Slot) {
	if s == nil {
		return
	}
	s.Stats.absorb(w.Stats)
	s.pinsHits.Add(uint64(w.BufferHits()) << 32)
	mine, its := s.Buffers.fields(), w.Buffers.fields()
	for i := range mine {
		mine[i].Add(its[i].Load())
	}
	s.WAL.Records.Add(w.WAL.Records.Load())
	s.WAL.FullImages.Add(w.WAL.FullImages.Load())
	s.WAL.Bytes.Add(w.WAL.Bytes.Load())
}

// Account returns the account of the session's memory; nil when there is none.
func (s *Slot) Account() *Memory {
	if s == nil {
		return nil
	}
	return s.Memory
}
