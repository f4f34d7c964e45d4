package archive

import (
	"os"
	"path/filepath"
	"strings"

	"gompho/storage/vfs"
)

// StatusDir is the directory of states within pg_wal.
const StatusDir = "archive_status"

const (
	readySuffix = ".ready"
	doneSuffix  = ".done"
)

// Status is the state of archiving of one pg_wal directory. It holds nothing itself: the directory is the state.
type Status struct {
	FS  vfs.FS
	Wal string // the path of pg_wal
}

func (s Status) path(name, suffix string) string {
	return filepath.Join(s.Wal, StatusDir, name+suffix)
}

// MakeDir makes the directory if it is missing.
func (s Status) MakeDir() error { return s.FS.MkdirAll(filepath.Join(s.Wal, StatusDir), 0o700) }

func (s Status) touch(name string) error { return vfs.WriteFile(s.FS, name, nil, 0o600, false) }

// Notify says that a file is to be archived.
func (s Status) Notify(name string) error { return s.touch(s.path(name, readySuffix)) }

// Ready and Done report what is known of a file.
func (s Status) Ready(name string) bool { return vfs.Exists(s.FS, s.path(name, readySuffix)) }

// Done: see Ready.
func (s Status) Done(name string) bool { return vfs.Exists(s.FS, s.path(name, doneSuffix)) }

// Archived says that a file that was ready is in the archive.
func (s Status) Archived(name string) error {
	return s.FS.Rename(s.path(name, readySuffix), s.path(name, doneSuffix))
}

// ForceDone says that a file need not be archived.
func (s Status) ForceDone(name string) error {
	switch {
	case s.Done(name):
		return nil
	case s.Ready(name):
		return s.Archived(name)
	}
	return s.touch(s.path(name, doneSuffix))
}

// CheckDone reports whether a complete file is archived, and sees to it that it will be.
func (s Status) CheckDone(name string) bool {
	switch {
	case s.Done(name):
		return true
	case s.Ready(name):
		return s.Done(name) // it may have been archived in between
	}
	_ = s.Notify(name) // else the next to ask does it
	return false
}

// Forget removes what is known of a file that is gone. Nothing depends on it.
func (s Status) Forget(name string) {
	for _, suffix := range []string{readySuffix, doneSuffix} {
		if vfs.Exists(s.FS, s.path(name, suffix)) {
			_ = s.FS.Remove(s.path(name, suffix))
		}
	}
}

// DropReady takes back Notify.
func (s Status) DropReady(name string) error { return s.FS.Remove(s.path(name, readySuffix)) }

// Waiting returns the files that are to be archived, in the order in which that should happen: history files of timelines first, because who restores
// needs them to find the rest, then the oldest. A missing directory holds none.
func (s Status) Waiting() ([]string, error) {
	entries, err := s.FS.ReadDir(filepath.Join(s.Wal, StatusDir))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var histories, others []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), readySuffix)
		switch {
		case !ok || !validName(name):
		case IsHistory(name):
			histories = append(histories, name)
		default:
			others = append(others, name)
		}
	}
	return append(histories, others...), nil
}

// validName reports whether a file of that name can be one of pg_wal: such a name is safe in a shell command.
func validName(name string) bool {
	if len(name) < 16 || len(name) > 40 {
		return false
	}
	for _, c := range []byte(name) {
		if !strings.ContainsRune("0123456789ABCDEF.history.backup.partial", rune(c)) {
			return false
		}
	}
	return true
}

// IsHistory reports whether a name is that of a timeline's history file.
func IsHistory(name string) bool {
	tli, ok := strings.CutSuffix(name, ".history")
	return ok && isHex(tli, 8)
}

// IsSegment reports whether a name is that of a segment of the log.
func IsSegment(name string) bool { return isHex(name, 24) }

func isHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}
