package checkpointer

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/checkpoint"
	"gompho/wal"
)

// Options of New. The funcs are settings, read at each use; nil ones have PostgreSQL's defaults.
type Options struct {
	Mechanism        *checkpoint.Checkpointer
	Log              *wal.Log
	Timeout          func() time.Duration // checkpoint_timeout
	CompletionTarget func() float64       // checkpoint_completion_target
	Warning          func() time.Duration // checkpoint_warning
	LogCheckpoints   func() bool          // log_checkpoints
	FullPageWrites   func() bool          // full_page_writes
	Logger           *zap.Logger
}

// Stats are the columns of pg_stat_bgwriter about checkpoints.
type Stats struct {
	Timed, Requested atomic.Int64
	WriteMS, SyncMS  atomic.Int64
	Buffers          atomic.Int64
}

// Process is the checkpointer. Request may be called from anywhere at any time.
type Process struct {
	o     Options
	log   *zap.Logger
	Stats Stats
	wake  chan struct{} // capacity 1

	// mu protects what follows.
	mu       sync.Mutex
	flags    checkpoint.Flags // requested
	shutdown bool
	started  uint64 // checkpoints begun
	done     uint64 // number of the last one that ended
	failed   uint64 // failures so far
	changed  chan struct{}

	// Run's own.
	last     time.Time // when the last checkpoint began
	lastRedo ids.LSN
	images   bool // full_page_writes, as the log knows it
}

// New makes the process; Run runs it.
func New(o Options) *Process {
	if o.Timeout == nil {
		o.Timeout = func() time.Duration { return 5 * time.Minute }
	}
	if o.CompletionTarget == nil {
		o.CompletionTarget = func() float64 { return 0.9 }
	}
	if o.Warning == nil {
		o.Warning = func() time.Duration { return 30 * time.Second }
	}
	if o.LogCheckpoints == nil {
		o.LogCheckpoints = func() bool { return true }
	}
	if o.FullPageWrites == nil {
		o.FullPageWrites = func() bool { return true }
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return &Process{o: o, log: o.Logger, wake: make(chan struct{}, 1), changed: make(chan struct{})}
}

// Run is the life of the process. It returns nil after Shutdown's checkpoint or when told to end, and the error
// of a checkpoint for which the server must go down.
func (p *Process) Run(slot *stats.Slot) error {
	p.last, p.lastRedo, p.images = time.Now(), p.o.Log.Redo(), p.o.FullPageWrites()
	for {
		if slot.CheckInterrupts() != nil {
			p.abandon()
			return nil
		}
		slot.Clear(stats.ReloadConfig)
		p.noteFullPageWrites()
		flags, shutdown := p.take()
		if shutdown {
			return p.run(slot, flags|checkpoint.Shutdown|checkpoint.Immediate)
		}
		wait := p.o.Timeout() - time.Since(p.last)
		if wait <= 0 {
			flags |= checkpoint.CauseTime
		}
		if p.walDistance() >= p.o.Mechanism.TriggerDistance() {
			flags |= checkpoint.CauseWal
		}
		if flags != 0 {
			if err := p.run(slot, flags); err != nil {
				p.abandon()
				return err
			}
			continue
		}
		p.sleep(slot, wait, stats.ActivityCheckpointerMain)
	}
}

// noteFullPageWrites logs a change of full_page_writes, so that who reads the log knows whether it can put torn pages right.
func (p *Process) noteFullPageWrites() {
	if on := p.o.FullPageWrites(); on != p.images {
		p.images = on
		payload := []byte{0}
		if on {
			payload[0] = 1
		}
		p.o.Log.InsertSimple(wal.FullPageWrites, 0, payload)
	}
}

func (p *Process) walDistance() int64 { return int64(p.o.Log.InsertedTo() - p.lastRedo) }

// sleep waits for d, a request, or an interrupt.
func (p *Process) sleep(slot *stats.Slot, d time.Duration, ev stats.WaitEvent) {
	prev := slot.BeginWait(ev)
	defer slot.EndWait(prev)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.wake:
	case <-slot.Wake():
	}
}

func (p *Process) take() (checkpoint.Flags, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.flags
	p.flags = 0
	return f, p.shutdown
}

// broadcast tells waiting requests that started, done or failed changed. Under mu.
func (p *Process) broadcast() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// run makes one checkpoint. An error that is returned has severity PANIC.
func (p *Process) run(slot *stats.Slot, flags checkpoint.Flags) error {
	p.mu.Lock()
	p.started++
	no := p.started
	p.broadcast()
	p.mu.Unlock()
	p.warnFrequent(flags)
	if flags == checkpoint.CauseTime {
		p.Stats.Timed.Add(1)
	} else {
		p.Stats.Requested.Add(1)
	}
	p.last = time.Now()
	pace := &pacer{p: p, slot: slot, began: p.last, from: p.o.Log.InsertedTo()}
	before := p.o.Log.Stats().SegmentsMade
	report, err := p.o.Mechanism.RunTold(slot, flags, func() {
		if p.o.LogCheckpoints() {
			p.log.Info("checkpoint starting:" + flags.String())
		}
	}, pace.pace)
	p.lastRedo = p.o.Log.Redo()
	p.mu.Lock()
	p.done = no
	if err != nil {
		p.failed++
	}
	p.broadcast()
	p.mu.Unlock()
	if err != nil {
		if e := pgerr.From(err); e.Level() == pgerr.Panic || flags&checkpoint.Shutdown != 0 {
			return err
		}
		p.log.Error("checkpoint failed", zap.Error(err))
		return nil
	}
	for _, w := range report.Warnings {
		p.log.Warn(w.Error())
	}
	p.account(&report, p.o.Log.Stats().SegmentsMade-before)
	return nil
}

func (p *Process) account(r *checkpoint.Report, added int64) {
	if r.Skipped {
		p.log.Debug("checkpoint skipped because system is idle")
		return
	}
	p.Stats.WriteMS.Add(r.WriteTime.Milliseconds())
	p.Stats.SyncMS.Add(r.SyncTime.Milliseconds())
	p.Stats.Buffers.Add(int64(r.Written))
	if p.o.LogCheckpoints() {
		p.log.Info(Describe(r, added))
	}
}

// Describe is the message of log_checkpoints about a complete checkpoint.
func Describe(r *checkpoint.Report, added int64) string {
	average := 0.0
	if r.Sync.Files > 0 {
		average = r.Sync.Total.Seconds() / float64(r.Sync.Files)
	}
	return fmt.Sprintf("checkpoint complete: wrote %d buffers (%.1f%%); %d WAL file(s) added, %d removed, %d recycled; "+
		"write=%.3f s, sync=%.3f s, total=%.3f s; sync files=%d, longest=%.3f s, average=%.3f s; distance=%d kB, estimate=%d kB",
		r.Written, 100*float64(r.Written)/float64(max(r.Buffers, 1)), added, r.Removed, r.Recycled,
		r.WriteTime.Seconds(), r.SyncTime.Seconds(), r.TotalTime.Seconds(), r.Sync.Files, r.Sync.Longest.Seconds(), average,
		r.Distance/1024, r.Estimate/1024)
}

func (p *Process) warnFrequent(flags checkpoint.Flags) {
	since := time.Since(p.last)
	if flags&checkpoint.CauseWal == 0 || since >= p.o.Warning() {
		return
	}
	n, unit := int(since.Seconds()), "seconds"
	if n == 1 {
		unit = "second"
	}
	p.log.Info(fmt.Sprintf("checkpoints are occurring too frequently (%d %s apart)", n, unit),
		zap.String("hint", "Consider increasing the configuration parameter \"max_wal_size\"."))
}

// pacer spreads the writes of one checkpoint.
type pacer struct {
	p     *Process
	slot  *stats.Slot
	began time.Time
	from  ids.LSN
}

func (c *pacer) pace(progress float64) error {
	if c.slot.Pending()&(stats.CrashExit|stats.Terminate) != 0 {
		return c.slot.CheckInterrupts()
	}
	if progress < 1 && !c.p.hurried() && c.ahead(progress) {
		c.p.sleep(c.slot, 100*time.Millisecond, stats.TimeoutCheckpointWriteDelay)
	}
	return nil
}

// ahead reports whether more of the work is done than of the time and of the log until the next checkpoint.
func (c *pacer) ahead(progress float64) bool {
	progress *= c.p.o.CompletionTarget()
	wal := float64(c.p.o.Log.InsertedTo()-c.from) / float64(c.p.o.Mechanism.TriggerDistance())
	passed := float64(time.Since(c.began)) / float64(c.p.o.Timeout())
	return progress >= wal && progress >= passed
}

// hurried reports whether a request does not want the running checkpoint to take its time.
func (p *Process) hurried() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shutdown || p.flags&checkpoint.Immediate != 0
}

func (p *Process) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// WalWritten is for wal.Options.OnSegment: it wakes the process, which looks whether enough log was written.
func (p *Process) WalWritten(uint64) { p.poke() }

// Shutdown asks for the checkpoint that ends the process; Run returns after it. Nobody writes any more.
func (p *Process) Shutdown() {
	p.mu.Lock()
	p.shutdown = true
	p.mu.Unlock()
	p.poke()
}

// abandon lets waiting requests fail: the process ends.
func (p *Process) abandon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started++
	p.done = p.started
	p.failed++
	p.broadcast()
}

// Request asks for a checkpoint, made even if nothing happened since the last. With wait it returns when one that began after the call is complete; the error is an
// interrupt, or says that the checkpoint failed.
func (p *Process) Request(slot *stats.Slot, flags checkpoint.Flags, wait bool) error {
	p.mu.Lock()
	if wait {
		flags |= checkpoint.Wait
	}
	p.flags |= flags | checkpoint.Force
	next, failed := p.started+1, p.failed
	p.mu.Unlock()
	p.poke()
	if !wait {
		return nil
	}
	prev := slot.BeginWait(stats.IPCCheckpointStart)
	defer slot.EndWait(prev)
	for {
		p.mu.Lock()
		started, done, nowFailed, changed := p.started, p.done, p.failed, p.changed
		p.mu.Unlock()
		if done >= next {
			if nowFailed != failed {
				return pgerr.New(pgerr.InternalError, "checkpoint request failed").
					WithHint("Consult recent messages in the server log for details.")
			}
			return nil
		}
		if started >= next {
			slot.BeginWait(stats.IPCCheckpointDone)
		}
		select {
		case <-changed:
		case <-slot.Wake():
			if err := slot.CheckInterrupts(); err != nil {
				return err
			}
		}
	}
}
