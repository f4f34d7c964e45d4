package checkpoint

import (
	"sync"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/control"
	"gompho/storage/smgr"
	"gompho/wal"
)

// Flags say what kind of checkpoint is wanted and why.
type Flags uint16

const (
	Shutdown      Flags = 1 << iota // nothing runs any more; unlogged relations are written too
	EndOfRecovery                   // like Shutdown, but the server goes on
	Immediate                       // do not spread the writes
	Force                           // even if nothing happened since the last one
	FlushAll                        // unlogged relations too
	CauseWal                        // so much log was written
	CauseTime                       // checkpoint_timeout passed
	Wait                            // somebody waits for it
)

// String lists the flags as log_checkpoints does.
func (f Flags) String() string {
	s := ""
	for _, x := range [...]struct {
		flag Flags
		name string
	}{{Shutdown, "shutdown"}, {EndOfRecovery, "end-of-recovery"}, {Immediate, "immediate"}, {Force, "force"}, {Wait, "wait"}, {CauseWal, "wal"},
		{CauseTime, "time"}, {FlushAll, "flush-all"}} {
		if f&x.flag != 0 {
			s += " " + x.name
		}
	}
	return s
}

// Participant keeps files of its own that checkpoints must make durable. One that also has a method WaitCommitting() is
// asked, after the redo pointer was chosen, to wait for changes whose record lies before it.
type Participant interface {
	Flush(slot *stats.Slot) error
}

// Options of New. Funcs are read at each use; nil ones have the defaults of PostgreSQL's settings.
type Options struct {
	Pool    *buffer.Pool
	Log     *wal.Log
	Control *control.File

	Participants []Participant
	// Counters fills in what the record says of transaction ids, Oids and multixacts, each not less than at the moment when
	// the redo pointer was chosen; it is called after that moment. See SetMvcc.
	Counters func(*control.Checkpoint)

	MaxWalSize       func() int64   // max_wal_size in bytes
	MinWalSize       func() int64   // min_wal_size in bytes
	CompletionTarget func() float64 // checkpoint_completion_target
	FlushAfter       func() int     // checkpoint_flush_after in blocks
	// KeepFrom is the first position that something else (archiving, slots) still needs; nil or InvalidLSN: nothing.
	KeepFrom func() ids.LSN
}

// Report is what one checkpoint did.
type Report struct {
	Flags    Flags
	Skipped  bool // nothing had happened since the last one
	Redo     ids.LSN
	Position ids.LSN // of the record
	Written  int     // buffers
	Buffers  int     // in the pool
	Sync     smgr.SyncStats

	Removed, Recycled int // log segments
	// Warnings are what went wrong after the checkpoint was complete: files and segments that could not be removed or made.
	Warnings  []error
	Started   time.Time
	WriteTime time.Duration
	SyncTime  time.Duration
	TotalTime time.Duration
	Distance  int64 // bytes of log since the previous redo pointer
	Estimate  int64 // expected distance, a moving average
}

// Checkpointer makes checkpoints, one at a time. Its methods may be called concurrently.
type Checkpointer struct {
	o Options

	mu       sync.Mutex // held while a checkpoint runs; protects estimate
	estimate float64
}

// New makes a Checkpointer.
func New(o Options) *Checkpointer {
	if o.MaxWalSize == nil {
		o.MaxWalSize = func() int64 { return 1 << 30 }
	}
	if o.MinWalSize == nil {
		o.MinWalSize = func() int64 { return 80 << 20 }
	}
	if o.CompletionTarget == nil {
		o.CompletionTarget = func() float64 { return 0.9 }
	}
	if o.FlushAfter == nil {
		o.FlushAfter = func() int { return 32 }
	}
	if o.Counters == nil {
		o.Counters = func(*control.Checkpoint) {}
	}
	return &Checkpointer{o: o}
}

// Pace is called after each buffer of the write phase, with the share of the work that is done; it sleeps to spread the load.
// Its error gives the checkpoint up.
type Pace func(progress float64) error

// Run makes a checkpoint. pace may be nil. The error has severity PANIC when the server must go down.
func (c *Checkpointer) Run(slot *stats.Slot, flags Flags, pace Pace) (Report, error) {
	return c.RunTold(slot, flags, func() {}, pace)
}

// RunTold is Run that calls started once it is clear that there is something to do.
func (c *Checkpointer) RunTold(slot *stats.Slot, flags Flags, started func(), pace Pace) (Report, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := Report{Flags: flags, Started: time.Now(), Buffers: c.o.Pool.Buffers()}
	before := c.o.Control.Data()
	if flags&(Shutdown|EndOfRecovery|Force) == 0 && c.idle(&before) {
		r.Skipped = true
		return r, nil
	}
	started()
	c.o.Pool.Storage().BeginCheckpoint()
	r.Redo = c.o.Log.MoveRedo()
	c.o.Log.AwaitDelays()
	for _, p := range c.o.Participants {
		if w, ok := p.(interface{ WaitCommitting() }); ok {
			w.WaitCommitting()
		}
	}
	cp := before.Checkpoint
	cp.Timeline, cp.PrevTimeline = c.o.Log.Timeline(), c.o.Log.Timeline()
	if flags&EndOfRecovery != 0 && before.Checkpoint.Timeline != 0 {
		cp.PrevTimeline = before.Checkpoint.Timeline
	}
	cp.Redo, cp.FullPageWrites, cp.Time = r.Redo, c.o.Log.FullPageWrites(), r.Started.Unix()
	c.o.Counters(&cp)
	if err := c.writeAll(slot, &r, pace); err != nil {
		return r, err
	}
	if err := c.record(slot, &r, &cp); err != nil {
		return r, err
	}
	err := c.finish(slot, &r, before.Checkpoint.Redo)
	if err == nil && flags&Shutdown != 0 {
		err = c.shutDown(slot)
	}
	r.TotalTime = time.Since(r.Started)
	return r, err
}

// idle reports whether nothing was logged since the last checkpoint's record, but for switches of segments.
func (c *Checkpointer) idle(d *control.Data) bool {
	size := len(d.Checkpoint.Append(nil))
	important, _ := c.o.Log.LastImportant()
	return d.CheckpointAt != ids.InvalidLSN && (wal.StartOf(c.o.Log.InsertedTo(), size) == d.CheckpointAt || important == d.CheckpointAt)
}

func (c *Checkpointer) writeAll(slot *stats.Slot, r *Report, pace Pace) (err error) {
	began := time.Now()
	for _, p := range c.o.Participants {
		if err := p.Flush(slot); err != nil {
			return err
		}
	}
	var each func(done, total int) error
	if pace != nil && r.Flags&(Immediate|Shutdown|EndOfRecovery) == 0 {
		each = func(done, total int) error { return pace(float64(done) / float64(total)) }
	}
	all := r.Flags&(Shutdown|EndOfRecovery|FlushAll) != 0
	if r.Written, err = c.o.Pool.WriteDirty(slot, all, c.o.Pool.NewWriteback(c.o.FlushAfter), each); err != nil {
		return err
	}
	r.WriteTime = time.Since(began)
	start := time.Now()
	r.Sync, err = c.o.Pool.Storage().SyncAll(slot)
	r.SyncTime = time.Since(start)
	return err
}

func (c *Checkpointer) record(slot *stats.Slot, r *Report, cp *control.Checkpoint) error {
	kind := wal.CheckpointOnline
	if r.Flags&(Shutdown|EndOfRecovery) != 0 {
		kind = wal.CheckpointShutdown
	}
	payload := cp.Append(nil)
	end := c.o.Log.InsertSimple(kind, 0, payload)
	r.Position = wal.StartOf(end, len(payload))
	if err := c.o.Log.Flush(slot, end); err != nil {
		return err
	}
	prev := slot.BeginWait(stats.IOControlFileSync)
	defer slot.EndWait(prev)
	return c.o.Control.Update(func(d *control.Data) {
		d.CheckpointAt, d.Checkpoint, d.Time = r.Position, *cp, time.Now().Unix()
		switch {
		case r.Flags&Shutdown != 0:
			d.State = control.ShuttingDown // until finish has cleaned up
		case r.Flags&EndOfRecovery != 0:
			d.State = control.InProduction
		}
	})
}

// shutDown makes the removal of files durable and marks the cluster as shut down. A crash before is one that the next start recovers from,
// although there is nothing to replay: it looks for files that were to be removed.
func (c *Checkpointer) shutDown(slot *stats.Slot) error {
	if _, err := c.o.Pool.Storage().SyncAll(slot); err != nil {
		return err
	}
	return c.o.Control.Update(func(d *control.Data) { d.State, d.Time = control.ShutDown, time.Now().Unix() })
}

// finish cleans up behind a complete checkpoint.
func (c *Checkpointer) finish(slot *stats.Slot, r *Report, prevRedo ids.LSN) error {
	if prevRedo != ids.InvalidLSN && r.Redo >= prevRedo {
		r.Distance = int64(r.Redo - prevRedo)
	}
	if d := float64(r.Distance); d > c.estimate {
		c.estimate = d
	} else {
		c.estimate = 0.90*c.estimate + 0.10*d
	}
	r.Estimate = int64(c.estimate)
	if err := c.o.Pool.Storage().EndCheckpoint(); err != nil {
		r.Warnings = append(r.Warnings, err)
	}
	keep := r.Redo
	if c.o.KeepFrom != nil {
		if k := c.o.KeepFrom(); k != ids.InvalidLSN {
			keep = min(keep, k)
		}
	}
	var err error
	r.Recycled, r.Removed, err = c.o.Log.Recycle(keep, c.recycleTo(r.Redo))
	if err == nil && r.Flags&Shutdown == 0 {
		err = c.o.Log.Preallocate(slot)
	}
	if err == nil || c.o.Log.Broken() != nil {
		return err
	}
	r.Warnings = append(r.Warnings, pgerr.Wrap(err, pgerr.IoError, "could not recycle write-ahead log segments: %v", err))
	return nil
}

// recycleTo returns up to where old segments are kept as future ones: what the next checkpoint will probably need, within
// min_wal_size and max_wal_size.
func (c *Checkpointer) recycleTo(redo ids.LSN) ids.LSN {
	want := int64((1 + c.o.CompletionTarget()) * c.estimate * 1.10)
	want = min(max(want, c.o.MinWalSize()), max(c.o.MaxWalSize(), c.o.MinWalSize()))
	return redo + ids.LSN(want)
}

// TriggerDistance returns after how many bytes of log a checkpoint should begin so that max_wal_size holds.
func (c *Checkpointer) TriggerDistance() int64 {
	return max(int64(float64(c.o.MaxWalSize())/(1+c.o.CompletionTarget())), int64(c.o.Log.SegmentSize()))
}

// SetMvcc fills in what a checkpoint record says of transactions.
func SetMvcc(c *control.Checkpoint, s mvcc.State) {
	c.NextXid, c.XidLimit, c.OldestXid, c.OldestActiveXid = s.NextXid, s.XidLimit, s.OldestXid, s.OldestActive
	c.NextMulti, c.NextMultiOffset, c.OldestMulti = s.NextMulti, s.NextMember, s.OldestMulti
}

// Mvcc is the inverse of SetMvcc.
func Mvcc(c *control.Checkpoint) mvcc.State {
	return mvcc.State{NextXid: c.NextXid, XidLimit: c.XidLimit, OldestXid: c.OldestXid, OldestActive: c.OldestActiveXid,
		NextMulti: c.NextMulti, NextMember: c.NextMultiOffset, OldestMulti: c.OldestMulti}
}
