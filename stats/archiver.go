package stats

import (
	"bytes"
	"time"
)

// Archived counts attempts of the archiver of one outcome: half of pg_stat_archiver. It is of fixed size for the statistics file.
type Archived struct {
	Count int64
	At    Time // of the last one
	Name  [64]byte
}

// FileName returns the name of the file that the last one was about.
func (a *Archived) FileName() string {
	name, _, _ := bytes.Cut(a.Name[:], []byte{0})
	return string(name)
}

// archiverCounts are what pg_stat_archiver shows.
type archiverCounts struct {
	Done, Failed Archived
	ResetAt      Time
}

// CountArchived counts one attempt to archive a file.
func (s *Shared) CountArchived(name string, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &s.archiver.Done
	if failed {
		a = &s.archiver.Failed
	}
	a.Count++
	a.At = TimeOf(time.Now())
	a.Name = [64]byte{}
	copy(a.Name[:], name)
}

// Archiver returns the counters of the archiver's successes and failures, and when they began.
func (s *Shared) Archiver() (done, failed Archived, reset Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.archiver.Done, s.archiver.Failed, s.archiver.ResetAt
}

// ResetArchiver sets them to zero.
func (s *Shared) ResetArchiver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.archiver = archiverCounts{ResetAt: TimeOf(time.Now())}
}
