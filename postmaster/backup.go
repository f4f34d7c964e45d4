package postmaster

import (
	"encoding/binary"
	"sync"
	"time"

	"go.uber.org/zap"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/stats"
	"gompho/storage/checkpoint"
	"gompho/storage/vfs"
	"gompho/wal"
	"gompho/wal/backup"
)

// backups are the base backups that sessions take.
type backups struct {
	mu sync.Mutex // protects the map
	// of has at most one per session. One that has ended stays until its session ends, so that its log can be copied.
	of map[*stats.Slot]*runningBackup
}

type runningBackup struct {
	label *backup.Label // nil while it begins
	keep  ids.LSN       // log from here on is kept
	ended bool
}

// running reports whether a backup is going on: then every page that changes gets full images.
func (b *backups) running() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.of {
		if !r.ended {
			return true
		}
	}
	return false
}

// keepFrom returns from where on backups need the log; InvalidLSN when none does.
func (b *backups) keepFrom() ids.LSN {
	b.mu.Lock()
	defer b.mu.Unlock()
	keep := ids.InvalidLSN
	for _, r := range b.of {
		if keep == ids.InvalidLSN || r.keep < keep {
			keep = r.keep
		}
	}
	return keep
}

// begin registers a session's backup.
func (b *backups) begin(slot *stats.Slot, keep ids.LSN) (*runningBackup, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.of[slot]; r != nil && !r.ended {
		return nil, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "a backup is already in progress in this session")
	}
	if b.of == nil {
		b.of = map[*stats.Slot]*runningBackup{}
	}
	r := &runningBackup{keep: keep}
	b.of[slot] = r
	return r, nil
}

// get returns a session's backup that is going on, nil when there is none.
func (b *backups) get(slot *stats.Slot) *runningBackup {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.of[slot]; r != nil && !r.ended {
		return r
	}
	return nil
}

func (b *backups) end(r *runningBackup) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.ended = true
}

// leave forgets a session; it reports whether its backup was still going on.
func (b *backups) leave(slot *stats.Slot) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.of[slot]
	delete(b.of, slot)
	return r != nil && !r.ended
}

// startBackup is pg_backup_start.
func (c *cluster) startBackup(slot *stats.Slot, label string, fast bool) (ids.LSN, error) {
	if c.p.cfg.Get("wal_level").Text == "minimal" {
		return 0, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "WAL level not sufficient for making an online backup").
			WithHint("wal_level must be set to \"replica\" or \"logical\" at server start.")
	}
	if len(label) > backup.MaxLabel {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "backup label too long (max %d bytes)", backup.MaxLabel)
	}
	r, err := c.backups.begin(slot, c.log.Redo())
	if err != nil {
		return 0, err
	}
	if err := c.beginBackup(slot, r, label, fast); err != nil {
		c.backups.leave(slot)
		return 0, err
	}
	return r.label.Start, nil
}

// beginBackup makes the checkpoint that the backup begins with. Two backups must not begin at the same position, because that names their history files.
func (c *cluster) beginBackup(slot *stats.Slot, r *runningBackup, label string, fast bool) error {
	c.log.Switch() // the backup needs nothing of the segment so far
	flags := checkpoint.Force
	if fast {
		flags |= checkpoint.Immediate
	}
	for {
		if err := c.workers.process.Load().Request(slot, flags, true); err != nil {
			return err
		}
		d := c.control.Data()
		if c.claimStart(r, d.Checkpoint.Redo) {
			now := time.Now().In(c.logZone())
			l := backup.NewLabel(d.Checkpoint.Redo, d.CheckpointAt, d.Checkpoint.Timeline, c.log.SegmentSize(), label, now)
			c.backups.mu.Lock()
			r.label = l
			c.backups.mu.Unlock()
			return nil
		}
	}
}

// claimStart takes a position as the begin of a backup, unless another one has it.
func (c *cluster) claimStart(r *runningBackup, at ids.LSN) bool {
	c.backups.mu.Lock()
	defer c.backups.mu.Unlock()
	for _, other := range c.backups.of {
		if other != r && other.keep == at {
			return false
		}
	}
	r.keep = at
	return true
}

func (c *cluster) logZone() *time.Location {
	if loc, err := time.LoadLocation(c.p.cfg.Get("log_timezone").Text); err == nil {
		return loc
	}
	return time.UTC
}

// stopBackup is pg_backup_stop.
func (c *cluster) stopBackup(slot *stats.Slot, wait bool, notice func(*pgerr.Error)) (out session.Backup, err error) {
	r := c.backups.get(slot)
	if r == nil {
		return out, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "backup is not in progress").WithHint("Did you call pg_backup_start()?")
	}
	size := c.log.SegmentSize()
	b := binary.LittleEndian.AppendUint64(nil, uint64(r.label.Start))
	stop := c.log.InsertSimple(wal.BackupEnd, 0, b)
	end, _ := c.log.Switch()
	if err := c.log.Flush(slot, end); err != nil {
		return out, err
	}
	name := r.label.HistoryName(size)
	text := r.label.HistoryText(stop, c.log.Timeline(), size, time.Now().In(c.logZone()))
	if err := vfs.WriteFile(c.fs, c.path("pg_wal", name), []byte(text), 0o600, true); err != nil {
		return out, pgerr.Wrap(err, pgerr.IoError, "could not create file \"%s\": %v", "pg_wal/"+name, err)
	}
	c.backups.end(r)
	c.cleanBackupHistory(name)
	out = session.Backup{Stop: stop, Label: r.label.String()}
	switch {
	case !wait:
	case !c.archives():
		notice(pgerr.New(pgerr.SuccessfulCompletion, "WAL archiving is not enabled; you must ensure that all required WAL segments are copied through other means to complete the backup").
			WithSeverity(pgerr.Notice))
	default:
		err = c.awaitArchived(slot, []string{wal.SegmentName(c.log.Timeline(), (uint64(stop)-1)/uint64(size), size), name}, notice)
	}
	return out, err
}

// cleanBackupHistory archives the newest history file of a backup and removes older ones that are archived.
func (c *cluster) cleanBackupHistory(newest string) {
	if c.archives() {
		c.notifyArchiver(newest)
	}
	entries, err := c.fs.ReadDir(c.path("pg_wal"))
	if err != nil {
		return
	}
	for _, e := range entries {
		if len(e.Name()) != len(newest) || e.Name()[24:25] != "." || e.Name() >= newest || !c.mayRemoveSegment(e.Name()) {
			continue
		}
		if err := c.fs.Remove(c.path("pg_wal", e.Name())); err != nil {
			c.p.log.Warn("could not remove an old history file of a backup", zap.Error(err))
		}
		c.archiving.status.Forget(e.Name())
	}
}

// awaitArchived waits until files of pg_wal are in the archive.
func (c *cluster) awaitArchived(slot *stats.Slot, names []string, notice func(*pgerr.Error)) error {
	prev := slot.BeginWait(stats.IPCBackupWaitWalArchive)
	defer slot.EndWait(prev)
	tell := func(s pgerr.Severity, code pgerr.Code, hint, format string, args ...any) {
		notice(pgerr.New(code, format, args...).WithHint("%s", hint).WithSeverity(s))
	}
	began, told, warn := time.Now(), false, time.Minute
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		busy := false
		for _, n := range names {
			busy = busy || !c.archiving.status.Done(n) && vfs.Exists(c.fs, c.path("pg_wal", n))
		}
		if !busy {
			tell(pgerr.Notice, pgerr.SuccessfulCompletion, "", "all required WAL segments have been archived")
			return nil
		}
		if since := time.Since(began); !told && since > 5*time.Second {
			told = true
			tell(pgerr.Notice, pgerr.SuccessfulCompletion, "", "base backup done, waiting for required WAL segments to be archived")
		} else if since >= warn {
			warn *= 2
			tell(pgerr.Warning, pgerr.WarningCode, "Check that your archive_command is executing properly.  You can safely cancel this backup, but the database backup will not be usable without all the WAL segments.",
				"still waiting for all required WAL segments to be archived (%d seconds elapsed)", int(since.Seconds()))
		}
		select {
		case <-tick.C:
		case <-slot.Wake():
			if err := slot.CheckInterrupts(); err != nil {
				return err
			}
		}
	}
}

// leaveBackup ends what a session that goes away has begun.
func (c *cluster) leaveBackup(s *session.Session) {
	if c.backups.leave(s.Slot) {
		s.Log.Warn("aborting backup due to backend exiting before pg_backup_stop was called")
	}
}
