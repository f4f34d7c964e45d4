package postmaster

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/control"
	"gompho/storage/vfs"
	"gompho/types"
	"gompho/wal"
	"gompho/wal/archive"
	"gompho/wal/backup"
	"gompho/wal/recovery"
)

// ErrAtTarget says that the server recovered to its target and ended there, as recovery_target_action asks. The cluster is in order:
// the next start goes on from there.
var ErrAtTarget = errors.New("shutdown at recovery target")

// Files in the data directory that ask for recovery from an archive.
const (
	recoverySignal = "recovery.signal"
	standbySignal  = "standby.signal"
)

// restoreOptions adds to the options of recovery what the files backup_label and recovery.signal and the settings ask for.
func (c *cluster) restoreOptions(o *recovery.Options, log *zap.Logger) error {
	target, err := c.recoveryTarget()
	if err != nil {
		return err
	}
	if vfs.Exists(c.fs, c.path(standbySignal)) {
		return pgerr.NotSupported("standby mode is not supported").WithDetail("The data directory has a file %q.", standbySignal)
	}
	if err := c.readLabel(o); err != nil {
		return err
	}
	d := c.control.Data()
	if over := recovery.IsOver(&d); over && o.Label == nil { // all but this was done before a crash
		if err := c.leaveRecovery(); err != nil {
			return err
		}
	}
	if !vfs.Exists(c.fs, c.path(recoverySignal)) {
		return nil
	}
	a := &recovery.Archive{Target: target, Leave: c.leaveRecovery}
	cfg := c.p.cfg
	if cfg.Get("restore_command").Text == "" && cfg.Get("gompho.archive_directory").Text == "" {
		return fatalSetting("must specify restore_command when standby mode is not enabled")
	}
	if a.Timeline, err = timelineChoice(cfg.Get("recovery_target_timeline").Text); err != nil {
		return err
	}
	switch action := cfg.Get("recovery_target_action").Text; {
	case target.Kind == recovery.NoTarget || action == "promote":
	case action == "pause":
		log.Info("recovery_target_action is \"pause\", but no session can be opened during recovery: the server will shut down at the target")
		a.Shutdown = true
	default:
		a.Shutdown = true
	}
	a.Restore = func(slot *stats.Slot, name, to, oldest string) (bool, error) {
		return c.restoreFile(slot, log, name, to, oldest)
	}
	a.RestartPoint = func(slot *stats.Slot, oldest string) {
		c.recoveryCommand(slot, log, "archive_cleanup_command", oldest, stats.IPCArchiveCleanupCommand)
	}
	a.End = func(slot *stats.Slot, oldest string) {
		c.recoveryCommand(slot, log, "recovery_end_command", oldest, stats.IPCRecoveryEndCommand)
	}
	if c.archives() {
		a.Notify = c.notifyArchiver
	}
	o.Archive = a
	o.RestartDue = func(since time.Duration, bytes int64) bool {
		return since >= c.duration("checkpoint_timeout") || float64(bytes) >= float64(cfg.Bytes("max_wal_size"))/(1+cfg.Get("checkpoint_completion_target").Num)
	}
	return nil
}

func fatalSetting(format string, args ...any) *pgerr.Error {
	return pgerr.New(pgerr.InvalidParameterValue, format, args...).WithSeverity(pgerr.Fatal)
}

// readLabel reads backup_label, if it is there.
func (c *cluster) readLabel(o *recovery.Options) error {
	b, err := vfs.ReadFile(c.fs, c.path(backup.LabelFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return pgerr.Wrap(err, pgerr.IoError, "could not read file %q: %v", backup.LabelFile, err)
	}
	if o.Label, err = backup.ParseLabel(string(b)); err != nil {
		return err
	}
	o.LabelRead = func() error {
		for from, to := range map[string]string{backup.LabelFile: backup.OldLabelFile, backup.MapFile: backup.OldMapFile} {
			if !vfs.Exists(c.fs, c.path(from)) {
				continue
			}
			if err := c.fs.Rename(c.path(from), c.path(to)); err != nil {
				return pgerr.Wrap(err, pgerr.IoError, "could not rename file %q: %v", from, err)
			}
		}
		return c.fs.SyncDir(c.p.opt.Dir)
	}
	m, err := vfs.ReadFile(c.fs, c.path(backup.MapFile))
	if err == nil && strings.TrimSpace(string(m)) != "" {
		return pgerr.NotSupported("tablespaces in file %q are not supported", backup.MapFile)
	}
	return nil
}

// leaveRecovery removes what asks for recovery, and what recovery left in pg_wal.
func (c *cluster) leaveRecovery() error {
	if !vfs.Exists(c.fs, c.path(recoverySignal)) {
		return nil
	}
	if err := c.fs.Remove(c.path(recoverySignal)); err != nil {
		return pgerr.Wrap(err, pgerr.IoError, "could not remove file %q: %v", recoverySignal, err)
	}
	return c.fs.SyncDir(c.p.opt.Dir)
}

// restoreFile gets one file from the archive.
func (c *cluster) restoreFile(slot *stats.Slot, log *zap.Logger, name, to, oldest string) (bool, error) {
	text := c.p.cfg.Get("restore_command").Text
	if text == "" {
		return c.archiveDirectory(c.p.cfg.Get("gompho.archive_directory").Text).Fetch(name, c.path(to))
	}
	r, err := archive.Command{Text: text, Dir: c.p.opt.Dir, Event: stats.IPCRestoreCommand}.Run(slot, archive.Values{Path: to, File: name, Oldest: oldest})
	if err != nil {
		return false, err
	}
	switch {
	case r.Failure != nil || r.Signal != 0 || r.Exit > 125: // the shell cannot run it, or it was ended: that does not say that the file is not there
		return false, pgerr.New(pgerr.SystemError, "could not restore file \"%s\" from archive: %s", name, outcome(&r)).
			WithDetail("The failed restore command was: %s", r.Command).WithSeverity(pgerr.Fatal)
	case r.Exit != 0:
		log.Debug(fmt.Sprintf("could not restore file %q from archive: %s", name, outcome(&r)))
		return false, nil
	}
	return true, nil
}

// outcome describes how a command failed.
func outcome(r *archive.Result) string {
	switch {
	case r.Failure != nil:
		return r.Failure.Error()
	case r.Signal != 0:
		return fmt.Sprintf("child process was terminated by signal %d: %s", int(r.Signal), r.Signal)
	case r.Exit == 126:
		return "command not executable"
	case r.Exit == 127:
		return "command not found"
	}
	return fmt.Sprintf("child process exited with exit code %d", r.Exit)
}

// recoveryCommand runs a command of a setting that may fail.
func (c *cluster) recoveryCommand(slot *stats.Slot, log *zap.Logger, setting, oldest string, event stats.WaitEvent) {
	text := c.p.cfg.Get(setting).Text
	if text == "" {
		return
	}
	r, err := archive.Command{Text: text, Dir: c.p.opt.Dir, Event: event}.Run(slot, archive.Values{Oldest: oldest})
	if err == nil && !r.OK() {
		log.Warn(fmt.Sprintf("%s %q: %s", setting, r.Command, outcome(&r)))
	}
}

func timelineChoice(s string) (t recovery.TimelineChoice, err error) {
	switch s {
	case "", "latest":
		t.Latest = true
	case "current":
	default:
		n, err := strconv.ParseUint(s, 0, 32)
		if err != nil || n == 0 {
			return t, fatalSetting("invalid value for parameter \"%s\": \"%s\"", "recovery_target_timeline", s).
				WithDetail("recovery_target_timeline is not a valid number.")
		}
		t.Number = uint32(n)
	}
	return t, nil
}

// recoveryTarget reads the settings that say where recovery stops.
func (c *cluster) recoveryTarget() (t recovery.Target, err error) {
	cfg := c.p.cfg
	t.Inclusive, t.Zone = cfg.Get("recovery_target_inclusive").Bool(), c.logZone()
	given := 0
	for _, s := range targetSettings {
		text := cfg.Get(s.name).Text
		if text == "" {
			continue
		}
		given++
		if err := s.parse(c, &t, text); err != nil {
			e := fatalSetting("invalid value for parameter \"%s\": \"%s\"", s.name, text)
			e.Detail = err.Error()
			return t, e
		}
	}
	if given > 1 {
		return t, fatalSetting("multiple recovery targets specified").WithDetail("At most one of recovery_target, recovery_target_lsn, recovery_target_name, recovery_target_time, recovery_target_xid may be set.")
	}
	return t, nil
}

// targetSettings are the settings that give a target.
var targetSettings = []struct {
	name  string
	parse func(c *cluster, t *recovery.Target, s string) error
}{
	{"recovery_target", func(_ *cluster, t *recovery.Target, s string) error {
		t.Kind = recovery.Immediate
		if s != "immediate" {
			return errors.New("The only allowed value is \"immediate\".")
		}
		return nil
	}},
	{"recovery_target_lsn", func(_ *cluster, t *recovery.Target, s string) (err error) {
		t.Kind = recovery.TargetLSN
		t.LSN, err = ids.ParseLSN(s)
		return err
	}},
	{"recovery_target_name", func(_ *cluster, t *recovery.Target, s string) error {
		t.Kind, t.Name = recovery.TargetName, s
		if len(s) > 63 {
			return errors.New("recovery_target_name is too long (maximum 63 characters).")
		}
		return nil
	}},
	{"recovery_target_time", func(c *cluster, t *recovery.Target, s string) (err error) {
		t.Kind = recovery.TargetTime
		t.Time, err = c.parseTime(s)
		return err
	}},
	{"recovery_target_xid", func(_ *cluster, t *recovery.Target, s string) error {
		t.Kind = recovery.TargetXid
		x, err := strconv.ParseUint(s, 0, 64)
		t.Xid = ids.Xid(x)
		return err
	}},
}

// zoneEnv reads times in a time zone.
type zoneEnv struct {
	types.Env
	zone *time.Location
}

// TimeZone implements types.Env.
func (e zoneEnv) TimeZone() *time.Location { return e.zone }

// parseTime reads a point in time as timestamptz does, in the server's time zone, but for words that mean another time at each start.
func (c *cluster) parseTime(s string) (time.Time, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "now", "today", "tomorrow", "yesterday", "epoch", "infinity", "-infinity":
		return time.Time{}, fmt.Errorf("The time must be a fixed one.")
	}
	zone, err := time.LoadLocation(c.p.cfg.Get("TimeZone").Text)
	if err != nil {
		zone = time.UTC
	}
	d, err := types.Input(zoneEnv{types.DefaultEnv, zone}, types.Builtin(types.TimestamptzOid), s, -1)
	if err != nil {
		return time.Time{}, errors.New(pgerr.From(err).Message)
	}
	const epoch = 946684800 // 2000-01-01, in seconds since 1970
	return time.UnixMicro(epoch*1000000 + d.Int()), nil
}

// recoveryState tells in what state a recovery left the cluster; empty when none did.
func recoveryState(d *control.Data, at string) string {
	switch d.State {
	case control.ShutDownInRecovery:
		return "database system was shut down in recovery at " + at
	case control.InArchiveRecovery:
		return "database system was interrupted while in recovery at log time " + time.Unix(d.Checkpoint.Time, 0).UTC().Format("2006-01-02 15:04:05 MST")
	}
	return ""
}

// redoLog is the log as transactions see it. During recovery they flush nothing, but what they write to disk early must not be taken back: before is
// called first.
type redoLog struct {
	*wal.Log
	before atomic.Pointer[func() error]
}

// Flush is wal.Log.Flush.
func (l *redoLog) Flush(slot *stats.Slot, upTo ids.LSN) error {
	if f := l.before.Load(); f != nil {
		if err := (*f)(); err != nil {
			return err
		}
	}
	return l.Log.Flush(slot, upTo)
}
