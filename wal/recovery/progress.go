package recovery

import (
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/storage/control"
	"gompho/storage/vfs"
	"gompho/wal"
	"gompho/wal/backup"
)

// ErrAtTarget says that recovery has reached its target and that the server is to end there.
var ErrAtTarget = pgerr.New(pgerr.SuccessfulCompletion, "recovery ended at its target").WithSeverity(pgerr.Fatal)

func fatal(format string, args ...any) *pgerr.Error {
	return pgerr.New(pgerr.ObjectNotInPrerequisiteState, format, args...).WithSeverity(pgerr.Fatal)
}

// begin decides where recovery begins and along which timelines it goes.
func (r *Recovery) begin() error {
	d := &r.control
	r.startAt = d.CheckpointAt
	from := max(d.Checkpoint.Timeline, 1)
	tli := max(from, d.MinRecoveryTimeline)
	if l := r.o.Label; l != nil {
		r.startAt, from, tli = l.Checkpoint, l.Timeline, l.Timeline
	}
	r.src.oldest = wal.SegmentName(from, uint64(r.redoOf())/r.src.segmentSize(), int(r.src.segmentSize()))
	if r.o.Archive != nil {
		r.src.asking = true
		r.announce()
	}
	if err := r.src.choose(tli); err != nil {
		return err
	}
	if err := r.checkChild(from); err != nil {
		return err
	}
	// What was running is first brought to the end of its own log.
	r.src.asking = r.o.Archive != nil && (r.o.Label != nil || d.BackupEndRequired || d.MinRecovery != 0 || d.State == control.ShutDown)
	return nil
}

func (r *Recovery) redoOf() ids.LSN {
	if r.o.Label != nil {
		return r.o.Label.Start
	}
	return r.control.Checkpoint.Redo
}

func (r *Recovery) announce() {
	if t := &r.o.Archive.Target; t.Kind != NoTarget {
		r.log.Info("starting point-in-time recovery to " + t.String())
		return
	}
	r.log.Info("starting archive recovery")
}

// noCheckpoint is the error of a begin that cannot be read.
func (r *Recovery) noCheckpoint(why string) error {
	if r.o.Label == nil {
		return pgerr.New(pgerr.DataCorrupted, "could not locate a valid checkpoint record").WithSeverity(pgerr.Panic).
			WithDetail("The control file names the position %s: %s.", r.startAt, why)
	}
	return r.labelError("could not locate required checkpoint record").WithDetail("The file %q names the position %s: %s.", backup.LabelFile, r.startAt, why)
}

func (r *Recovery) labelError(message string) *pgerr.Error {
	dir := filepath.Dir(r.o.Wal.Dir)
	return fatal("%s", message).WithHint("If you are restoring from a backup, touch \"%s/recovery.signal\" and add required recovery options.\n"+
		"If you are not restoring from a backup, try removing the file \"%s/backup_label\".\n"+
		"Be careful: removing \"%s/backup_label\" will result in a corrupt cluster if restoring from a backup.", dir, dir, dir)
}

// checkStart refuses a begin that does not fit the label or the timelines.
func (r *Recovery) checkStart() error {
	if r.o.Label != nil {
		if r.start.Redo != r.o.Label.Start {
			return fatal("invalid data in file %q", backup.LabelFile).WithDetail("The checkpoint at %s begins redo at %s.", r.startAt, r.start.Redo)
		}
		reader := r.reader(r.start.Redo)
		defer reader.Close()
		if _, err := reader.Next(); err == io.EOF {
			return r.labelError("could not find redo location referenced by checkpoint record")
		} else if err != nil {
			return r.readError(err, r.start.Redo)
		}
	}
	h := r.src.history
	if d := &r.control; r.o.Label == nil && d.MinRecovery != 0 && d.MinRecoveryTimeline != 0 && h.At(d.MinRecovery-1).Timeline != d.MinRecoveryTimeline {
		return fatal("requested timeline %d does not contain minimum recovery point %s on timeline %d", h.Timeline(), d.MinRecovery, d.MinRecoveryTimeline)
	}
	return nil
}

// checkChild refuses to go from a checkpoint of one timeline to one that had left it before, or never came from it.
func (r *Recovery) checkChild(tli uint32) error {
	h := r.src.history
	if h.At(r.startAt).Timeline == tli {
		return nil
	}
	e := fatal("requested timeline %d is not a child of this server's history", h.Timeline())
	if s, ok := h.Span(tli); ok {
		return e.WithDetail("Latest checkpoint is at %s on timeline %d, but in the history of the requested timeline, the server forked off from that timeline at %s.",
			r.startAt, tli, s.End)
	}
	return e.WithDetail("Latest checkpoint is at %s on timeline %d, which the requested timeline does not come from.", r.startAt, tli)
}

// recordBegin writes into the control file that recovery is on its way and what it began from.
func (r *Recovery) recordBegin() error {
	state := control.InCrashRecovery
	if r.src.asking {
		state = control.InArchiveRecovery
	} else if r.o.Label == nil {
		r.log.Info("database system was not properly shut down; automatic recovery in progress")
	}
	err := r.o.Control.Update(func(d *control.Data) {
		d.State, d.Time = state, time.Now().Unix()
		switch l := r.o.Label; {
		case l != nil:
			d.CheckpointAt, d.Checkpoint = l.Checkpoint, r.start
			d.MinRecovery, d.MinRecoveryTimeline = r.start.Redo, r.start.Timeline
			d.BackupStart, d.BackupEndRequired = l.Start, true
			d.EndedAt, d.NewTimeline = 0, 0
		case r.src.asking && d.MinRecovery < r.start.Redo:
			d.MinRecovery, d.MinRecoveryTimeline = r.start.Redo, r.start.Timeline
		}
	})
	r.control = r.o.Control.Data()
	if err == nil && r.o.Label != nil && r.o.LabelRead != nil {
		err = r.o.LabelRead()
	}
	return err
}

// enterArchive is called where pg_wal has no more log: a server that was running when recovery.signal was put there is at its own end now, and goes
// on with the archive.
func (r *Recovery) enterArchive(reader *wal.Reader) (more bool, err error) {
	if r.o.Archive == nil || r.src.asking {
		return false, nil
	}
	r.src.asking = true
	r.log.Info(fmt.Sprintf("reached end of WAL in pg_wal at %s, entering archive recovery", reader.Pos()))
	err = r.o.Control.Update(func(d *control.Data) {
		d.State, d.MinRecovery, d.MinRecoveryTimeline = control.InArchiveRecovery, reader.Pos(), r.src.history.At(reader.Pos()-1).Timeline
	})
	r.control = r.o.Control.Data()
	if err == nil {
		err = reader.Retry()
	}
	return true, err
}

// reach is called before something changes that cannot be undone by redo of an earlier part of the log alone: a page with that LSN is written, or a file goes. From then on
// recovery, if it is begun again, has to come at least that far.
func (r *Recovery) reach(at ids.LSN) error {
	if r.control.MinRecovery == 0 || at <= r.control.MinRecovery { // without the first it goes to the end of the log anyway
		return nil
	}
	at = max(at, r.current)
	err := r.o.Control.Update(func(d *control.Data) {
		d.MinRecovery, d.MinRecoveryTimeline = at, r.src.history.At(at-1).Timeline
	})
	if err == nil {
		r.control.MinRecovery = at
	}
	return err
}

// Reached records that effects of the record that is being replayed get to disk.
func (r *Recovery) Reached() error { return r.reach(r.current) }

// progress looks at a record that was replayed for what it means for the recovery itself.
func (r *Recovery) progress(rec *wal.Record) error {
	switch rec.Kind {
	case wal.BackupEnd:
		if err := r.backupEnd(rec); err != nil {
			return err
		}
	case wal.CheckpointShutdown, wal.CheckpointOnline:
		cp, err := control.DecodeCheckpoint(rec.Payload)
		if err != nil {
			return err
		}
		if want := r.src.history.At(rec.Start).Timeline; r.o.Archive != nil && cp.Timeline != want {
			return fatal("unexpected timeline ID %d (should be %d) in checkpoint record", cp.Timeline, want)
		}
		if err := r.restartPoint(rec, cp); err != nil {
			return err
		}
	default:
		if o, ok := mvcc.DecodeOutcome(rec.Kind, rec.Payload); ok {
			r.result.LastEnd = o.Time
		}
	}
	if !r.consistent && r.control.MinRecovery != 0 && !r.control.BackupEndRequired && rec.End >= r.control.MinRecovery {
		r.consistent = true
		r.log.Info("consistent recovery state reached at " + rec.End.String())
	}
	return nil
}

// backupEnd is the end of the base backup that recovery began from, if it is that one.
func (r *Recovery) backupEnd(rec *wal.Record) error {
	if len(rec.Payload) != 8 {
		return pgerr.New(pgerr.DataCorrupted, "malformed record of the end of a backup in write-ahead log")
	}
	if !r.control.BackupEndRequired || ids.LSN(binary.LittleEndian.Uint64(rec.Payload)) != r.control.BackupStart {
		return nil
	}
	err := r.o.Control.Update(func(d *control.Data) {
		d.MinRecovery, d.MinRecoveryTimeline = max(d.MinRecovery, rec.End), r.src.history.At(rec.Start).Timeline
		d.BackupStart, d.BackupEndRequired = 0, false
	})
	r.control = r.o.Control.Data()
	return err
}

// stopsBefore decides whether recovery ends before a record. One that ended before, and was interrupted while it made its new timeline, ends at the same place.
func (r *Recovery) stopsBefore(rec *wal.Record) bool {
	if !r.src.asking {
		return false
	}
	if d := &r.control; d.NewTimeline != 0 {
		if rec.Start >= d.EndedAt {
			r.stopped = &stop{reason: "no recovery target specified"}
		}
		return r.stopped != nil
	}
	s, ok := r.o.Archive.Target.before(rec, r.consistent)
	return r.stopIf(s, ok)
}

func (r *Recovery) stopsAfter(rec *wal.Record) bool {
	if !r.src.asking || r.control.NewTimeline != 0 {
		return false
	}
	s, ok := r.o.Archive.Target.after(rec, r.consistent)
	return r.stopIf(s, ok)
}

func (r *Recovery) stopIf(s stop, ok bool) bool {
	if ok {
		r.stopped = &s
		r.log.Info(s.message)
	}
	return ok
}

// checkEnd refuses an end that is too early: before the target, or before the files are consistent.
func (r *Recovery) checkEnd() error {
	d := &r.control
	if a := r.o.Archive; a != nil && a.Target.Kind != NoTarget && r.stopped == nil && d.NewTimeline == 0 {
		return fatal("recovery ended before configured recovery target was reached")
	}
	if d.MinRecovery != 0 && (r.result.End < d.MinRecovery || d.BackupEndRequired) {
		switch {
		case r.stopped != nil:
			return fatal("requested recovery stop point is before consistent recovery point")
		case d.BackupEndRequired:
			return fatal("WAL ends before end of online backup").
				WithHint("All WAL generated while online backup was taken must be available at recovery.")
		}
		return fatal("WAL ends before consistent recovery point")
	}
	if a := r.o.Archive; a != nil && a.Shutdown && r.stopped != nil && d.NewTimeline == 0 {
		err := r.o.Control.Update(func(d *control.Data) { d.State, d.Time = control.ShutDownInRecovery, time.Now().Unix() })
		if err == nil {
			err = ErrAtTarget
		}
		return err
	}
	return nil
}

// leaveOldTimeline begins a new timeline after recovery from an archive: other servers may have gone on with the old one. A crash
// from here on leads to the same timeline again, because the control file names it.
func (r *Recovery) leaveOldTimeline() error {
	if r.o.Archive == nil {
		return nil
	}
	end, tli := r.result.End, r.control.NewTimeline
	if tli == 0 {
		newest, err := r.src.newest(r.src.history.Timeline())
		if err != nil {
			return err
		}
		tli = newest + 1
		if err := r.o.Control.Update(func(d *control.Data) { d.EndedAt, d.NewTimeline = end, tli }); err != nil {
			return err
		}
	} else if end != r.control.EndedAt {
		return fatal("recovery ended at %s, and not where it had ended before, at %s", end, r.control.EndedAt)
	}
	r.log.Info(fmt.Sprintf("selected new timeline ID: %d", tli))
	reason := "no recovery target specified"
	if r.stopped != nil {
		reason = r.stopped.reason
	}
	name := wal.HistoryName(tli)
	text := r.src.history.Fork(tli, end).Text(reason)
	if err := vfs.ReplaceFile(r.o.Wal.FS, r.src.walPath(name), []byte(text), 0o600); err != nil {
		return pgerr.Wrap(err, pgerr.IoError, "could not write file %q: %v", name, err)
	}
	if r.o.Archive.Notify != nil {
		r.o.Archive.Notify(name)
	}
	if err := r.src.copyTail(tli, end); err != nil {
		return pgerr.Wrap(err, pgerr.IoError, "could not make the first segment of timeline %d: %v", tli, err)
	}
	r.o.Log.SetTimeline(tli)
	return nil
}

// settle ends recovery in the files around the log, when its checkpoint is durable.
func (r *Recovery) settle() error {
	d := r.o.Control.Data()
	if a := r.o.Archive; a != nil {
		if err := r.src.tidy(d.NewTimeline, d.EndedAt); err != nil {
			return pgerr.Wrap(err, pgerr.IoError, "could not tidy up directory %q: %v", "pg_wal", err)
		}
		if err := a.Leave(); err != nil {
			return err
		}
		r.log.Info("archive recovery complete")
	}
	if d.MinRecovery == 0 && !d.BackupEndRequired && d.NewTimeline == 0 {
		return nil
	}
	if err := Forget(r.o.Control); err != nil {
		return err
	}
	if a := r.o.Archive; a != nil && a.End != nil {
		a.End(r.slot, r.oldestNeeded())
	}
	return nil
}

// Forget removes from the control file what only recovery needs to know.
func Forget(f *control.File) error {
	return f.Update(func(d *control.Data) {
		d.MinRecovery, d.MinRecoveryTimeline, d.BackupStart, d.BackupEndRequired, d.EndedAt, d.NewTimeline = 0, 0, 0, false, 0, 0
	})
}

// IsOver reports whether a recovery from an archive was complete when the server crashed, all but for telling so.
func IsOver(d *control.Data) bool {
	return d.NewTimeline != 0 && d.Checkpoint.Timeline == d.NewTimeline && d.Checkpoint.Redo >= d.EndedAt
}

// oldestNeeded names the segment that recovery would begin with if it was begun again.
func (r *Recovery) oldestNeeded() string {
	d := r.o.Control.Data()
	return wal.SegmentName(d.Checkpoint.Timeline, uint64(d.Checkpoint.Redo)/r.src.segmentSize(), int(r.src.segmentSize()))
}

// restartPoint makes the files durable at a checkpoint of the log, so that a recovery that is begun again need not go back further. It is made only
// when enough time has passed, and when the files are consistent.
func (r *Recovery) restartPoint(rec *wal.Record, cp control.Checkpoint) error {
	due := r.o.RestartDue
	if due == nil || !r.src.asking || !r.consistent || len(r.invalid) > 0 || r.control.NewTimeline != 0 || !due(time.Since(r.restartedAt), int64(cp.Redo-r.restartRedo)) {
		return nil
	}
	r.restartedAt, r.restartRedo = time.Now(), cp.Redo
	r.pages.release()
	r.log.Info("restartpoint starting")
	began := time.Now()
	if err := r.reach(rec.End); err != nil {
		return err
	}
	st := r.o.Pool.Storage()
	st.BeginCheckpoint()
	for _, p := range r.o.Checkpoint.Participants {
		if err := p.Flush(r.slot); err != nil {
			return err
		}
	}
	written, err := r.o.Pool.WriteDirty(r.slot, true, nil, nil)
	if err != nil {
		return err
	}
	if _, err := st.SyncAll(r.slot); err != nil {
		return err
	}
	err = r.o.Control.Update(func(d *control.Data) {
		d.CheckpointAt, d.Checkpoint, d.Time = rec.Start, cp, time.Now().Unix()
		d.MinRecovery, d.MinRecoveryTimeline = max(d.MinRecovery, rec.End), cp.Timeline
	})
	if err != nil {
		return err
	}
	r.control = r.o.Control.Data()
	if err := st.EndCheckpoint(); err != nil {
		return err
	}
	r.src.oldest = r.oldestNeeded()
	r.log.Info(fmt.Sprintf("restartpoint complete: wrote %d buffers, total=%.3f s; recovery restart point at %s", written, time.Since(began).Seconds(), cp.Redo))
	if r.o.Archive.RestartPoint != nil {
		r.o.Archive.RestartPoint(r.slot, r.src.oldest)
	}
	return nil
}
