package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/vfs"
	"gompho/wal"
	"gompho/wal/archive"
)

// TimelineChoice says along which timeline recovery goes.
type TimelineChoice struct {
	Latest bool
	Number uint32 // 0 without Latest: that of the begin
}

// Archive are the options of recovery from an archive.
type Archive struct {
	Target   Target
	Timeline TimelineChoice
	// Shutdown ends the server at the target instead of letting it go on as a new timeline.
	Shutdown bool
	// Restore copies a file of the archive to a path below the data directory; false without an error when the archive does not have it. oldest is the
	// name of the oldest segment that recovery may still ask for.
	Restore func(slot *stats.Slot, name, to, oldest string) (bool, error)
	// RestartPoint and End are told when a restart point is made and when recovery is over, with the oldest segment that is needed from then on; may be nil.
	RestartPoint, End func(slot *stats.Slot, oldest string)
	// Notify hands a file of pg_wal over to the archiver; nil when nothing is archived.
	Notify func(name string)
	// Leave removes what told the server to recover from an archive. It is called when that is done, perhaps again after a crash.
	Leave func() error
}

// Files in pg_wal that Restore is asked to write.
const (
	restoredSegment = "RECOVERYXLOG"
	restoredHistory = "RECOVERYHISTORY"
)

// source finds the files of the log: in the archive and in pg_wal.
type source struct {
	o       *Options
	log     *zap.Logger
	slot    *stats.Slot
	history wal.History
	// asking says that the archive is asked, too.
	asking bool
	oldest string
	have   string // the segment that was restored last
	// limits tells of a segment up to where the file that was found for it belongs to the history.
	limits map[uint64]ids.LSN
}

func (s *source) segmentSize() uint64 {
	if s.o.Wal.SegmentSize == 0 {
		return wal.DefaultSegmentSize
	}
	return uint64(s.o.Wal.SegmentSize)
}

func (s *source) walPath(name string) string { return filepath.Join(s.o.Wal.Dir, name) }

// open opens the file of a segment: of the newest timeline of the history that has it. An older one has the same content up to where it was left.
func (s *source) open(no uint64) (vfs.File, error) {
	size := s.segmentSize()
	for i := len(s.history) - 1; i >= 0; i-- {
		span := s.history[i]
		if uint64(span.Begin)/size > no || !span.IsOpen() && uint64(span.End) <= no*size {
			continue
		}
		f, err := s.find(wal.SegmentName(span.Timeline, no, int(size)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && !span.IsOpen() && uint64(span.End) < (no+1)*size {
			s.limits[no] = span.End
		} else {
			delete(s.limits, no)
		}
		return f, err
	}
	return nil, fs.ErrNotExist
}

// find opens a segment's file.
func (s *source) find(name string) (vfs.File, error) {
	if name == s.have && s.asking {
		return s.openRestored(name)
	}
	s.have = ""
	if ok, err := s.restore(name, restoredSegment); err != nil {
		return nil, err
	} else if ok {
		return s.openRestored(name)
	}
	return s.o.Wal.FS.Open(s.walPath(name), os.O_RDONLY, 0)
}

func (s *source) openRestored(name string) (vfs.File, error) {
	f, err := s.o.Wal.FS.Open(s.walPath(restoredSegment), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err == nil && uint64(size) != s.segmentSize() {
		err = pgerr.New(pgerr.DataCorrupted, "archive file %q has wrong size: %d instead of %d", name, size, s.segmentSize()).WithSeverity(pgerr.Fatal)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	s.have = name
	return f, nil
}

// restore asks the archive for a file; false when nobody asks it or when it does not have the file.
func (s *source) restore(name, to string) (bool, error) {
	if !s.asking || s.o.Archive.Restore == nil {
		return false, nil
	}
	if vfs.Exists(s.o.Wal.FS, s.walPath(to)) {
		if err := s.o.Wal.FS.Remove(s.walPath(to)); err != nil {
			return false, err
		}
	}
	ok, err := s.o.Archive.Restore(s.slot, name, filepath.Join("pg_wal", to), s.oldest)
	if err == nil && ok && !vfs.Exists(s.o.Wal.FS, s.walPath(to)) {
		ok = false
	}
	if ok && err == nil {
		s.log.Info(fmt.Sprintf("restored log file %q from archive", name))
	}
	return ok, err
}

// belongs reports whether a record is one of the history: the file that it stands in may go on beyond the point where its timeline was left.
func (s *source) belongs(at ids.LSN) bool {
	limit, ok := s.limits[uint64(at)/s.segmentSize()]
	return !ok || at < limit
}

// readHistory returns the history of a timeline; ok is false when there is no history file, which the first timeline never has. One that comes from the
// archive is kept in pg_wal.
func (s *source) readHistory(timeline uint32) (h wal.History, ok bool, err error) {
	if timeline <= 1 {
		return wal.NoHistory(timeline), true, nil
	}
	name := wal.HistoryName(timeline)
	restored, err := s.restore(name, restoredHistory)
	if err != nil {
		return nil, false, err
	}
	from := name
	if restored {
		from = restoredHistory
	}
	b, err := vfs.ReadFile(s.o.Wal.FS, s.walPath(from))
	if errors.Is(err, fs.ErrNotExist) {
		return wal.NoHistory(timeline), false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if h, err = wal.ParseHistory(timeline, string(b)); err != nil {
		return nil, false, err
	}
	if restored {
		if err := vfs.ReplaceFile(s.o.Wal.FS, s.walPath(name), b, 0o600); err != nil {
			return nil, false, err
		}
		err = s.status().ForceDone(name)
	}
	return h, true, err
}

func (s *source) status() archive.Status {
	return archive.Status{FS: s.o.Wal.FS, Wal: s.o.Wal.Dir}
}

// newest returns the newest timeline from one on that has a history file.
func (s *source) newest(from uint32) (uint32, error) {
	for tli := from + 1; ; tli++ {
		_, ok, err := s.readHistory(tli)
		if err != nil {
			return 0, err
		}
		if !ok {
			return tli - 1, nil
		}
	}
}

// choose sets the history that recovery follows; begin is the timeline where it begins.
func (s *source) choose(begin uint32) error {
	tli := begin
	if a := s.o.Archive; a != nil {
		switch {
		case a.Timeline.Latest:
			var err error
			if tli, err = s.newest(begin); err != nil {
				return err
			}
		case a.Timeline.Number != 0:
			tli = a.Timeline.Number
		}
	}
	h, ok, err := s.readHistory(tli)
	if err == nil && !ok && tli != begin {
		err = pgerr.New(pgerr.ObjectNotInPrerequisiteState, "recovery target timeline %d does not exist", tli).WithSeverity(pgerr.Fatal)
	}
	s.history = h
	return err
}

// copyTail makes the first segment of a new timeline: what the old ones have of it up to at, the rest is zero.
func (s *source) copyTail(timeline uint32, at ids.LSN) error {
	size := s.segmentSize()
	no, n := uint64(at)/size, uint64(at)%size
	if n == 0 {
		return nil
	}
	f, err := s.open(no)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, size)
	if got, err := f.ReadAt(b[:n], 0); got != int(n) {
		return err
	}
	tmp := s.walPath("xlogtemp.timeline")
	if err := vfs.WriteFile(s.o.Wal.FS, tmp, b, 0o600, true); err != nil {
		return err
	}
	if err := s.o.Wal.FS.Rename(tmp, s.walPath(wal.SegmentName(timeline, no, int(size)))); err != nil {
		return err
	}
	return s.o.Wal.FS.SyncDir(s.o.Wal.Dir)
}

// tidy removes from pg_wal what is no part of the new timeline's past, after the end of recovery at a position. The last segment of the old timeline
// is incomplete: it is archived under a name that says so.
func (s *source) tidy(timeline uint32, at ids.LSN) error {
	entries, err := s.o.Wal.FS.ReadDir(s.o.Wal.Dir)
	if err != nil {
		return err
	}
	size := s.segmentSize()
	last := uint64(at) / size
	old := s.history.At(at - 1).Timeline
	for _, e := range entries {
		name := e.Name()
		tli, no, ok := wal.ParseSegmentName(name, int(size))
		switch {
		case name == restoredSegment || name == restoredHistory || ok && tli < timeline && no > last && !s.status().Ready(name):
			if err := s.o.Wal.FS.Remove(s.walPath(name)); err != nil {
				return err
			}
			if ok {
				s.status().Forget(name)
			}
		case ok && tli == old && no == last && uint64(at)%size != 0 && s.o.Archive.Notify != nil && !s.status().Ready(name) && !s.status().Done(name):
			partial := name + ".partial"
			if err := s.o.Wal.FS.Rename(s.walPath(name), s.walPath(partial)); err != nil {
				return err
			}
			s.o.Archive.Notify(partial)
		}
	}
	return s.o.Wal.FS.SyncDir(s.o.Wal.Dir)
}
