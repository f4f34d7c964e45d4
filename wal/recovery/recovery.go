package recovery

import (
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/checkpoint"
	"gompho/storage/control"
	"gompho/storage/smgr"
	"gompho/wal"
	"gompho/wal/backup"
)

// Routines replay the records that are not about pages, files or databases. nil entries ignore their records.
type Routines struct {
	// Transaction replays the records of package mvcc: commits, aborts, id limits, multixacts, truncation of the commit log.
	// Relations that such a record drops it hands to Recovery.DropRelations.
	Transaction func(kind wal.Kind, payload []byte) error
	// SawXid is told of the transaction id of every record.
	SawXid func(ids.Xid)
	// NextOid is told that Oids below next may be in use.
	NextOid func(next ids.Oid)
	// Created is told of relations whose files were created, and by what transaction. They may be gone by the end.
	Created func(rel ids.RelFile, xid ids.Xid)
	// Mapped is told which catalogs of a database that was copied are not in the file of their Oid.
	Mapped func(db ids.Oid, mappings []byte) error
	// Other gets records of kinds that nobody here knows; nil makes them an error.
	Other func(*wal.Record) error
}

// Options of Open.
type Options struct {
	Control *control.File
	Pool    *buffer.Pool // without a log
	Log     *wal.Log     // not started
	Wal     wal.Options  // those of Log
	// Checkpoint makes the checkpoint at the end; its Pool, Log and Control are set here.
	Checkpoint checkpoint.Options
	// OnCheckpoint is told when that checkpoint begins, with a nil report, and when it is complete; may be nil.
	OnCheckpoint func(checkpoint.Flags, *checkpoint.Report)
	Logger       *zap.Logger
	Trace        func(*wal.Record) // nil: nobody

	// Archive makes it a recovery from an archive, perhaps to a point in time; nil: what pg_wal has is replayed.
	Archive *Archive
	// Label is the content of backup_label, nil without: recovery then begins where it says, not where the control file does. LabelRead is called when
	// the control file knows all that it says: the file must go, durably.
	Label     *backup.Label
	LabelRead func() error
	// RestartDue decides whether a checkpoint in the log is taken as a restart point, so long and so many bytes of log after the last one; nil: never.
	RestartDue func(since time.Duration, bytes int64) bool
	// Slot is the process that recovers.
	Slot *stats.Slot
}

// Result says what recovery did.
type Result struct {
	Crashed bool // the cluster had not been shut down cleanly
	Redo    ids.LSN
	End     ids.LSN // end of the valid log
	Records int
	Elapsed time.Duration
	Reason  string // why the log ends there
	// LastEnd is the time of the last end of a transaction that was replayed; the zero time without one.
	LastEnd time.Time
}

// Recovery is one recovery in progress.
type Recovery struct {
	o       Options
	log     *zap.Logger
	control control.Data
	start   control.Checkpoint
	startAt ids.LSN // of the checkpoint's record
	invalid map[blockKey]invalidPage
	slot    *stats.Slot
	result  Result
	pages   redoCache
	src     source

	// consistent says that the files are as they were at some point of the log. current is the end of the record being replayed.
	consistent bool
	current    ids.LSN
	stopped    *stop
	// The last restart point.
	restartedAt time.Time
	restartRedo ids.LSN
}

// Open reads the checkpoint that recovery begins with.
func Open(o Options) (*Recovery, error) {
	r := &Recovery{o: o, log: o.Logger, control: o.Control.Data(), invalid: map[blockKey]invalidPage{}, slot: o.Slot, restartedAt: time.Now()}
	if r.log == nil {
		r.log = zap.NewNop()
	}
	r.src = source{o: &r.o, log: r.log, slot: o.Slot, limits: map[uint64]ids.LSN{}}
	if err := r.begin(); err != nil {
		return nil, err
	}
	reader := r.reader(r.startAt)
	defer reader.Close()
	rec, err := reader.Next()
	if err != nil && err != io.EOF {
		return nil, r.readError(err, r.startAt)
	}
	if err == io.EOF || rec.Kind != wal.CheckpointShutdown && rec.Kind != wal.CheckpointOnline {
		return nil, r.noCheckpoint(reader.EndReason())
	}
	if r.start, err = control.DecodeCheckpoint(rec.Payload); err != nil {
		return nil, err
	}
	r.result.Redo, r.restartRedo = r.start.Redo, r.start.Redo
	r.result.End = rec.End
	// A cluster that was shut down has nothing after its checkpoint's record.
	r.result.Crashed = r.control.State != control.ShutDown || o.Archive != nil || o.Label != nil
	if !r.result.Crashed {
		if _, err := reader.Next(); err == nil {
			r.result.Crashed = true
		}
	}
	return r, r.checkStart()
}

// reader makes a reader of the history's log.
func (r *Recovery) reader(at ids.LSN) *wal.Reader {
	reader := wal.NewReader(r.o.Wal, at)
	reader.SetSource(r.src.open)
	return reader
}

func (r *Recovery) readError(err error, at ids.LSN) error {
	if e, ok := err.(*pgerr.Error); ok {
		return e
	}
	return pgerr.Wrap(err, pgerr.IoError, "could not read write-ahead log at %s: %v", at, err).WithSeverity(pgerr.Panic)
}

// Checkpoint returns the counters to begin with.
func (r *Recovery) Checkpoint() control.Checkpoint { return r.start }

// Crashed reports whether there is something to replay.
func (r *Recovery) Crashed() bool { return r.result.Crashed }

// Run replays the log, starts it, and makes the end of recovery durable. Afterwards the pool has its log.
// finish is called when the replay is done and before the checkpoint: the last chance to adjust state. The error ErrAtTarget says that recovery is
// to end at its target without the server going on.
func (r *Recovery) Run(slot *stats.Slot, rt Routines, finish func() error) (Result, error) {
	began := time.Now()
	r.slot, r.src.slot = slot, slot
	if r.result.Crashed {
		r.o.Pool.SetBarrier(r.reach)
		if err := r.replayAll(rt); err != nil {
			return r.result, panicError(err)
		}
		if err := r.leaveOldTimeline(); err != nil {
			return r.result, err
		}
	}
	if r.o.Archive == nil {
		r.o.Log.SetTimeline(r.src.history.Timeline())
	}
	redo := r.start.Redo
	if err := r.o.Log.Start(r.result.End, redo, r.result.Crashed); err != nil {
		return r.result, err
	}
	r.o.Pool.SetLog(r.o.Log)
	if finish != nil {
		if err := finish(); err != nil {
			return r.result, err
		}
	}
	err := r.conclude(slot)
	if err == nil {
		err = r.settle()
	}
	r.result.Elapsed = time.Since(began)
	return r.result, err
}

func panicError(err error) error {
	if e := pgerr.From(err); e == ErrAtTarget || e.Level() == pgerr.Fatal {
		return e
	}
	return pgerr.From(err).WithSeverity(pgerr.Panic)
}

// conclude writes the checkpoint after a replay; after a clean shutdown the last one still holds.
func (r *Recovery) conclude(slot *stats.Slot) error {
	if !r.result.Crashed {
		return r.o.Control.Update(func(d *control.Data) { d.State, d.Time = control.InProduction, time.Now().Unix() })
	}
	flags := checkpoint.EndOfRecovery | checkpoint.Immediate | checkpoint.Wait
	if r.o.OnCheckpoint != nil {
		r.o.OnCheckpoint(flags, nil)
	}
	report, err := checkpoint.New(r.checkpointOptions()).Run(slot, flags, nil)
	if err == nil && r.o.OnCheckpoint != nil {
		r.o.OnCheckpoint(flags, &report)
	}
	return err
}

func (r *Recovery) checkpointOptions() checkpoint.Options {
	c := r.o.Checkpoint
	c.Pool, c.Log, c.Control = r.o.Pool, r.o.Log, r.o.Control
	return c
}

func (r *Recovery) replayAll(rt Routines) error {
	if err := r.recordBegin(); err != nil {
		return err
	}
	began := time.Now()
	r.log.Info("redo starts at " + r.start.Redo.String())
	reader := r.reader(r.start.Redo)
	defer reader.Close()
	end, err := r.redo(reader, rt)
	if err != nil {
		return err
	}
	r.pages.release()
	if end < r.result.End && r.stopped == nil {
		return pgerr.New(pgerr.DataCorrupted, "WAL ends before end of online checkpoint").
			WithDetail("The log ends at %s: %s.", end, reader.EndReason())
	}
	r.result.End = end
	if r.stopped != nil {
		r.result.Reason = r.stopped.reason
	} else {
		r.result.Reason = reader.EndReason()
		r.log.Info(fmt.Sprintf("%s at %s", r.result.Reason, r.result.End))
	}
	r.log.Info(fmt.Sprintf("redo done at %s: %d records, elapsed: %.2f s", r.result.End, r.result.Records, time.Since(began).Seconds()))
	if r.o.Archive != nil && !r.result.LastEnd.IsZero() {
		r.log.Info("last completed transaction was at log time " + r.o.Archive.Target.stamp(r.result.LastEnd))
	}
	if err := r.checkEnd(); err != nil {
		return err
	}
	if err := r.checkInvalid(); err != nil {
		return err
	}
	return r.resetUnlogged()
}

// redo replays records up to the end of the log or to the target, and returns where that is.
func (r *Recovery) redo(reader *wal.Reader, rt Routines) (ids.LSN, error) {
	for {
		rec, err := reader.Next()
		if err == nil && !r.src.belongs(rec.Start) {
			return rec.Start, nil
		}
		if err == io.EOF {
			more, err := r.enterArchive(reader)
			if err != nil || !more {
				return reader.Pos(), err
			}
			continue
		}
		if err != nil {
			return 0, err
		}
		if err := r.slot.CheckInterrupts(); err != nil {
			return 0, err
		}
		if r.o.Trace != nil {
			r.o.Trace(rec)
		}
		if r.stopsBefore(rec) {
			return rec.Start, nil
		}
		r.current = rec.End
		if err := r.replay(rec, rt); err != nil {
			return 0, pgerr.From(err).WithWhere("WAL redo at %s for %s", rec.Start, rec.Kind)
		}
		r.result.Records++
		if err := r.progress(rec); err != nil {
			return 0, err
		}
		if r.stopsAfter(rec) {
			return reader.Pos(), nil
		}
	}
}

// replay is the table of redo routines.
func (r *Recovery) replay(rec *wal.Record, rt Routines) error {
	if rec.Xid != 0 && rt.SawXid != nil {
		rt.SawXid(rec.Xid)
	}
	for i := range rec.Pages {
		if err := r.redoPage(rec, &rec.Pages[i]); err != nil {
			return err
		}
	}
	switch rec.Kind {
	case wal.XactCommit, wal.XactAbort, wal.XactPrepare, wal.XactCommitPrepared, wal.XactAbortPrepared, wal.XactAssignment,
		wal.NextXid, wal.MultiCreate, wal.MultiTruncate, wal.ClogTruncate:
		switch rec.Kind {
		case wal.XactCommitPrepared, wal.XactAbortPrepared, wal.MultiTruncate, wal.ClogTruncate: // they remove files
			if err := r.reach(rec.End); err != nil {
				return err
			}
		}
		if rt.Transaction != nil {
			return rt.Transaction(rec.Kind, rec.Payload)
		}
	case wal.NextOid:
		if len(rec.Payload) < 4 {
			return pgerr.New(pgerr.DataCorrupted, "malformed record of the next OID in write-ahead log")
		}
		if rt.NextOid != nil {
			rt.NextOid(decodeOid(rec.Payload))
		}
	case wal.RelMapUpdate:
		if len(rec.Payload) < 4 {
			return pgerr.New(pgerr.DataCorrupted, "malformed record of a relation map in write-ahead log")
		}
		if rt.Mapped != nil {
			return rt.Mapped(decodeOid(rec.Payload), rec.Payload[4:])
		}
	case wal.FileCreate, wal.FileTruncate, wal.FileDrop, wal.DatabaseCreate, wal.DatabaseDrop:
		r.pages.release()
		if rec.Kind == wal.FileCreate && rec.Xid != 0 && rt.Created != nil {
			if rel, fork, err := smgr.DecodeCreate(rec.Payload); err == nil && fork == ids.MainFork {
				rt.Created(rel, rec.Xid)
			}
		}
		return r.redoFiles(rec)
	case wal.CheckpointShutdown, wal.CheckpointOnline, wal.EndOfRecovery, wal.Switch, wal.FullPageImage, wal.NewPage, wal.Noop,
		wal.ParameterChange, wal.RestorePoint, wal.BackupEnd, wal.FullPageWrites, wal.XactInvalidations, wal.RunningXacts, wal.LogicalMessage:
	default:
		if len(rec.Pages) > 0 {
			return nil
		}
		if rt.Other == nil {
			return pgerr.New(pgerr.DataCorrupted, "write-ahead log record of unknown kind %s", rec.Kind)
		}
		return rt.Other(rec)
	}
	return nil
}

func (r *Recovery) redoFiles(rec *wal.Record) error {
	st := r.o.Pool.Storage()
	if rec.Kind != wal.FileCreate && rec.Kind != wal.DatabaseCreate { // what is removed does not come back: there is no way to a point before
		if err := r.reach(rec.End); err != nil {
			return err
		}
	}
	switch rec.Kind {
	case wal.FileCreate:
		rel, fork, err := smgr.DecodeCreate(rec.Payload)
		if err != nil {
			return err
		}
		return st.Create(rel, fork, true)
	case wal.FileTruncate:
		rel, sizes, err := smgr.DecodeTruncate(rec.Payload)
		if err != nil {
			return err
		}
		r.forget(func(k blockKey) bool { return k.rel == rel && k.block >= sizes[k.fork] })
		if !st.Exists(rel, ids.MainFork) {
			// It is dropped later; that it was there lets records in between find it.
			if err := st.Create(rel, ids.MainFork, true); err != nil {
				return err
			}
		}
		return r.o.Pool.TruncateFiles(r.slot, rel, sizes)
	case wal.FileDrop:
		rels, _, err := smgr.DecodeRels(rec.Payload)
		if err != nil {
			return err
		}
		r.DropRelations(rels)
	case wal.DatabaseCreate:
		// The copy was durable before the record was written.
		d, err := smgr.DecodeDatabase(rec.Payload)
		if err != nil {
			return err
		}
		return st.MakeDatabaseDir(d.Spc, d.DB)
	case wal.DatabaseDrop:
		d, err := smgr.DecodeDatabase(rec.Payload)
		if err != nil {
			return err
		}
		r.forget(func(k blockKey) bool { return k.rel.DB == d.DB && k.rel.Spc == d.Spc })
		r.o.Pool.DropDatabaseBuffers(d.DB)
		return st.DropDatabase(d.Spc, d.DB)
	}
	return nil
}

// DropRelations removes relations during redo; missing files are fine.
func (r *Recovery) DropRelations(rels []ids.RelFile) {
	r.pages.release()
	if err := r.reach(r.current); err != nil {
		r.log.Warn("could not record how far recovery has come", zap.Error(err))
		return
	}
	for _, rel := range rels {
		r.forget(func(k blockKey) bool { return k.rel == rel })
	}
	if err := r.o.Pool.DropRelations(rels); err != nil {
		r.log.Warn("could not remove files of a dropped relation", zap.Error(err))
	}
}
