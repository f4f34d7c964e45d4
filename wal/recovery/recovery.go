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
}

// Result says what recovery did.
type Result struct {
	Crashed bool // the cluster had not been shut down cleanly
	Redo    ids.LSN
	End     ids.LSN // end of the valid log
	Records int
	Elapsed time.Duration
	Reason  string // why the log ends there
}

// Recovery is one recovery in progress.
type Recovery struct {
	o       Options
	log     *zap.Logger
	control control.Data
	start   control.Checkpoint
	invalid map[blockKey]invalidPage
	slot    *stats.Slot
	result  Result
	pages   redoCache
}

// Open reads the checkpoint that recovery begins with.
func Open(o Options) (*Recovery, error) {
	r := &Recovery{o: o, log: o.Logger, control: o.Control.Data(), invalid: map[blockKey]invalidPage{}}
	if r.log == nil {
		r.log = zap.NewNop()
	}
	reader := wal.NewReader(o.Wal, r.control.CheckpointAt)
	defer reader.Close()
	rec, err := reader.Next()
	if err != nil && err != io.EOF {
		return nil, pgerr.Wrap(err, pgerr.IoError, "could not read write-ahead log at %s: %v", r.control.CheckpointAt, err).WithSeverity(pgerr.Panic)
	}
	if err == io.EOF || rec.Kind != wal.CheckpointShutdown && rec.Kind != wal.CheckpointOnline {
		return nil, pgerr.New(pgerr.DataCorrupted, "could not locate a valid checkpoint record").WithSeverity(pgerr.Panic).
			WithDetail("The control file names the position %s.", r.control.CheckpointAt)
	}
	if r.start, err = control.DecodeCheckpoint(rec.Payload); err != nil {
		return nil, err
	}
	r.result.Redo = r.start.Redo
	r.result.End = rec.End
	// A cluster that was shut down has nothing after its checkpoint's record.
	r.result.Crashed = r.control.State != control.ShutDown
	if !r.result.Crashed {
		if _, err := reader.Next(); err == nil {
			r.result.Crashed = true
		}
	}
	return r, nil
}

// Checkpoint returns the counters to begin with.
func (r *Recovery) Checkpoint() control.Checkpoint { return r.start }

// Crashed reports whether there is something to replay.
func (r *Recovery) Crashed() bool { return r.result.Crashed }

// Run replays the log, starts it, and makes the end of recovery durable. Afterwards the pool has its log.
// finish is called when the replay is done and before the checkpoint: the last chance to adjust state.
func (r *Recovery) Run(slot *stats.Slot, rt Routines, finish func() error) (Result, error) {
	began := time.Now()
	r.slot = slot
	if r.result.Crashed {
		if err := r.replayAll(rt); err != nil {
			return r.result, panicError(err)
		}
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
	r.result.Elapsed = time.Since(began)
	return r.result, err
}

func panicError(err error) error { return pgerr.From(err).WithSeverity(pgerr.Panic) }

// conclude writes the checkpoint after a replay; after a clean shutdown the last one still holds.
func (r *Recovery) conclude(slot *stats.Slot) error {
	if !r.result.Crashed {
		return r.o.Control.Update(func(d *control.Data) { d.State, d.Time = control.InProduction, time.Now().Unix() })
	}
	c := r.o.Checkpoint
	c.Pool, c.Log, c.Control = r.o.Pool, r.o.Log, r.o.Control
	flags := checkpoint.EndOfRecovery | checkpoint.Immediate | checkpoint.Wait
	if r.o.OnCheckpoint != nil {
		r.o.OnCheckpoint(flags, nil)
	}
	report, err := checkpoint.New(c).Run(slot, flags, nil)
	if err == nil && r.o.OnCheckpoint != nil {
		r.o.OnCheckpoint(flags, &report)
	}
	return err
}

func (r *Recovery) replayAll(rt Routines) error {
	if err := r.o.Control.Update(func(d *control.Data) { d.State, d.Time = control.InCrashRecovery, time.Now().Unix() }); err != nil {
		return err
	}
	r.log.Info("database system was not properly shut down; automatic recovery in progress")
	began := time.Now()
	r.log.Info("redo starts at " + r.start.Redo.String())
	reader := wal.NewReader(r.o.Wal, r.start.Redo)
	defer reader.Close()
	for {
		rec, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := r.slot.CheckInterrupts(); err != nil {
			return err
		}
		if r.o.Trace != nil {
			r.o.Trace(rec)
		}
		if err := r.replay(rec, rt); err != nil {
			return pgerr.From(err).WithWhere("WAL redo at %s for %s", rec.Start, rec.Kind)
		}
		r.result.Records++
	}
	r.pages.release()
	if end := reader.Pos(); end < r.result.End {
		return pgerr.New(pgerr.DataCorrupted, "WAL ends before end of online checkpoint").
			WithDetail("The log ends at %s: %s.", end, reader.EndReason())
	}
	r.result.End, r.result.Reason = reader.Pos(), reader.EndReason()
	r.log.Info(fmt.Sprintf("%s at %s", r.result.Reason, r.result.End))
	r.log.Info(fmt.Sprintf("redo done at %s: %d records, elapsed: %.2f s", r.result.End, r.result.Records, time.Since(began).Seconds()))
	if err := r.checkInvalid(); err != nil {
		return err
	}
	return r.resetUnlogged()
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
	case wal.FileCreate, wal.FileTruncate, wal.FileDrop, wal.DatabaseCreate, wal.DatabaseDrop:
		r.pages.release()
		if rec.Kind == wal.FileCreate && rec.Xid != 0 && rt.Created != nil {
			if rel, fork, err := smgr.DecodeCreate(rec.Payload); err == nil && fork == ids.MainFork {
				rt.Created(rel, rec.Xid)
			}
		}
		return r.redoFiles(rec)
	case wal.CheckpointShutdown, wal.CheckpointOnline, wal.EndOfRecovery, wal.Switch, wal.FullPageImage, wal.NewPage, wal.Noop,
		wal.ParameterChange, wal.RestorePoint, wal.BackupEnd, wal.XactInvalidations, wal.RunningXacts, wal.RelMapUpdate, wal.LogicalMessage:
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
	for _, rel := range rels {
		r.forget(func(k blockKey) bool { return k.rel == rel })
	}
	if err := r.o.Pool.DropRelations(rels); err != nil {
		r.log.Warn("could not remove files of a dropped relation", zap.Error(err))
	}
}
