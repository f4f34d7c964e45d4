package postmaster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"gompho/archiver"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/vfs"
	"gompho/wal"
	"gompho/wal/archive"
)

// archiving is a cluster's side of archiving the log.
type archiving struct {
	status  archive.Status
	process atomic.Pointer[archiver.Process] // nil before the archiver has started, and without one
	slot    *stats.Slot
	ended   chan struct{}
	mu      sync.Mutex // protects full
	full    []fullSegment
	// lastSwitch is when the segment in use was begun, in nanoseconds since 1970.
	lastSwitch atomic.Int64
}

// fullSegment is a segment that is durable, but perhaps not the end of the last record in it, which goes on in the next one. If that gets lost, recovery ends before
// the record, and the segment's end is written anew, differently: it must not be in an archive before the log is durable up to upTo, which is behind that record.
type fullSegment struct {
	name string
	upTo ids.LSN
}

// archives reports whether the log is archived at all: archive_mode.
func (c *cluster) archives() bool { return c.p.cfg.Get("archive_mode").Text != "off" }

// checkWalLevel refuses settings of the log that exclude each other.
func (p *Postmaster) checkWalLevel() error {
	if p.cfg.Get("archive_mode").Text != "off" && p.cfg.Get("wal_level").Text == "minimal" {
		return errors.New("WAL archival cannot be enabled when wal_level is \"minimal\"")
	}
	return nil
}

// segmentDone is told by the log's writer of each segment that is complete and durable.
func (c *cluster) segmentDone(no uint64) {
	c.archiving.lastSwitch.Store(time.Now().UnixNano())
	if c.archives() {
		a := &c.archiving
		a.mu.Lock()
		a.full = append(a.full, fullSegment{wal.SegmentName(c.log.Timeline(), no, c.log.SegmentSize()), c.log.InsertedTo()})
		a.mu.Unlock()
		if p := a.process.Load(); p != nil {
			p.Wake()
		}
	}
	if cp := c.workers.process.Load(); cp != nil {
		cp.WalWritten(no)
	}
}

// notifyFull hands full segments over to the archiver, when the log is durable far enough.
func (c *cluster) notifyFull(slot *stats.Slot) error {
	a := &c.archiving
	a.mu.Lock()
	list := a.full
	a.full = nil
	a.mu.Unlock()
	for i, f := range list {
		if err := c.log.Flush(slot, f.upTo); err != nil {
			return err
		}
		if a.status.Done(f.name) || !vfs.Exists(c.fs, c.path("pg_wal", f.name)) { // a checkpoint has seen to it, long ago
			continue
		}
		if err := a.status.Notify(f.name); err != nil {
			c.p.log.Warn(fmt.Sprintf("could not create archive status file %q", archive.StatusDir+"/"+f.name+".ready"), zap.Error(err))
			a.mu.Lock()
			a.full = append(list[i:], a.full...)
			a.mu.Unlock()
			return nil // the next round tries again
		}
	}
	return nil
}

// notifyArchiver says that a file of pg_wal is to be archived.
func (c *cluster) notifyArchiver(name string) {
	if err := c.archiving.status.Notify(name); err != nil {
		c.p.log.Warn(fmt.Sprintf("could not create archive status file %q", archive.StatusDir+"/"+name+".ready"), zap.Error(err))
		return
	}
	if a := c.archiving.process.Load(); a != nil {
		a.Wake()
	}
}

// mayRemoveSegment reports whether a complete segment is archived, if it has to be.
func (c *cluster) mayRemoveSegment(name string) bool {
	return !c.archives() || c.archiving.status.CheckDone(name)
}

// startArchiver starts the archiver if the log is to be archived.
func (c *cluster) startArchiver() {
	if !c.archives() {
		return
	}
	slot := c.p.procs.Add("archiver")
	slot.Activity.Update(func(a *stats.ActivityData) { a.BackendStart = time.Now() })
	log := c.p.logOf("archiver", slot)
	c.resumeArchiving(log)
	a := archiver.New(archiver.Options{
		Status: c.archiving.status, Logger: log, Prepare: c.notifyFull,
		Configured: func() bool {
			return c.p.cfg.Get("archive_command").Text != "" || c.p.cfg.Get("gompho.archive_directory").Text != ""
		},
		Archive:       func(slot *stats.Slot, name string) error { return c.archiveFile(slot, name, log) },
		Exists:        func(name string) bool { return vfs.Exists(c.fs, c.path("pg_wal", name)) },
		Report:        c.stats.CountArchived,
		Timeout:       func() time.Duration { return c.duration("archive_timeout") },
		SwitchIfOlder: c.switchIfOlder,
	})
	c.archiving.slot, c.archiving.ended = slot, make(chan struct{})
	c.archiving.process.Store(a)
	go func() {
		defer close(c.archiving.ended)
		defer c.p.procs.Remove(slot)
		c.guard(func() {
			if err := a.Run(slot); err != nil && !c.fs.cut.Load() {
				c.crash(err, nil)
			}
		})
	}()
}

// resumeArchiving sees to it that complete segments are archived whose status was lost in a crash.
func (c *cluster) resumeArchiving(log *zap.Logger) {
	size := c.log.SegmentSize()
	nos, err := wal.Segments(c.fs, c.path("pg_wal"), c.log.Timeline(), size)
	if err != nil {
		log.Warn("could not look for segments that are not archived", zap.Error(err))
	}
	for _, no := range nos {
		if no < uint64(c.log.FlushedTo())/uint64(size) {
			c.archiving.status.CheckDone(wal.SegmentName(c.log.Timeline(), no, size))
		}
	}
	c.archiving.lastSwitch.Store(time.Now().UnixNano())
}

// stopArchiver ends the archiver: with finish after it has archived what is left.
func (c *cluster) stopArchiver(finish bool) {
	a := c.archiving.process.Load()
	if a == nil {
		return
	}
	if finish {
		a.Finish()
	} else {
		c.archiving.slot.Interrupt(stats.Terminate)
	}
	<-c.archiving.ended
}

// endArchiver ends the archiver, and the command that it waits for, at once; nobody waits for it here.
func (c *cluster) endArchiver() {
	if c.archiving.process.Load() != nil {
		c.archiving.slot.Interrupt(stats.Terminate)
	}
}

// archiveFile brings one file of pg_wal to each archive that is set.
func (c *cluster) archiveFile(slot *stats.Slot, name string, log *zap.Logger) error {
	if dir := c.p.cfg.Get("gompho.archive_directory").Text; dir != "" {
		d := c.archiveDirectory(dir)
		if err := d.Check(); err != nil {
			return err
		}
		if err := d.Store(c.path("pg_wal", name), name); err != nil {
			return err
		}
	}
	text := c.p.cfg.Get("archive_command").Text
	if text == "" {
		return nil
	}
	r, err := archive.Command{Text: text, Dir: c.p.opt.Dir, Event: stats.IPCArchiveCommand}.Run(slot, archive.Values{Path: "pg_wal/" + name, File: name})
	if err != nil {
		return err
	}
	if r.Output != "" {
		log.Info("archive command printed: " + r.Output)
	}
	return commandError("archive command", &r)
}

func (c *cluster) archiveDirectory(dir string) archive.Directory {
	if !filepath.IsAbs(dir) {
		dir = c.path(dir)
	}
	return archive.Directory{FS: c.fs, Path: dir, Owner: fmt.Sprintf("%x", c.control.Data().SystemID)}
}

// commandError is the message of level LOG about a shell command that failed.
func commandError(what string, r *archive.Result) error {
	var e *pgerr.Error
	switch {
	case r.OK():
		return nil
	case r.Failure != nil:
		e = pgerr.Wrap(r.Failure, pgerr.SystemError, "could not execute command \"%s\": %v", r.Command, r.Failure)
	case r.Signal != 0:
		e = pgerr.New(pgerr.SystemError, "%s was terminated by signal %d: %s", what, int(r.Signal), r.Signal)
	default:
		e = pgerr.New(pgerr.SystemError, "%s failed with exit code %d", what, r.Exit)
	}
	return e.WithDetail("The failed %s was: %s", what, r.Command).WithSeverity(pgerr.LogSev)
}

// switchIfOlder serves archive_timeout: it ends a segment that has been in use for d and has something in it. It returns after what
// time to look again.
func (c *cluster) switchIfOlder(slot *stats.Slot, d time.Duration) (time.Duration, error) {
	if wait := d - time.Since(time.Unix(0, c.archiving.lastSwitch.Load())); wait > 0 {
		return wait, nil
	}
	c.archiving.lastSwitch.Store(time.Now().UnixNano())
	if record, switched := c.log.LastImportant(); record == 0 || record < switched {
		return d, nil
	}
	end, _ := c.log.Switch()
	return d, c.log.Flush(slot, end)
}

// switchWal ends the segment in use.
func (c *cluster) switchWal() ids.LSN {
	end, _ := c.log.Switch()
	c.log.FlushAsync(end)
	return end
}

// listWal lists the regular files of pg_wal or of a directory in it, but for those whose names begin with a dot.
func (c *cluster) listWal(dir string) (out []fs.FileInfo, err error) {
	entries, err := c.fs.ReadDir(c.path("pg_wal", dir))
	for _, e := range entries {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if info, err := e.Info(); err == nil { // else it is gone by now
			out = append(out, info)
		}
	}
	return out, err
}

// restorePoint writes a record that recovery can stop at: the time, the name.
func (c *cluster) restorePoint(slot *stats.Slot, name string) (ids.LSN, error) {
	b := binary.LittleEndian.AppendUint64(nil, uint64(time.Now().UnixMicro()))
	end := c.log.InsertSimple(wal.RestorePoint, 0, append(b, name...))
	if err := c.log.Flush(slot, end); err != nil {
		return 0, err
	}
	c.p.log.Info(fmt.Sprintf("restore point %q created at %s", name, end))
	return end, nil
}
