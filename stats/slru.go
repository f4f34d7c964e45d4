package stats

import "time"

// SLRU names one of the logs in pages that the status of transactions is kept in, in the order of pg_stat_slru.
type SLRU int

// PostgreSQL's logs. Those of commit times, notifications, subtransactions and old serializable transactions have no files here: they are kept in
// memory, or do not exist.
const (
	SLRUCommitTs SLRU = iota
	SLRUMultiXactMember
	SLRUMultiXactOffset
	SLRUNotify
	SLRUSerial
	SLRUSubtrans
	SLRUXact
	SLRUOther
	NumSLRU
)

var slruNames = [NumSLRU]string{"CommitTs", "MultiXactMember", "MultiXactOffset", "Notify", "Serial", "Subtrans", "Xact", "other"}

// String returns the name that pg_stat_slru shows.
func (l SLRU) String() string { return slruNames[l] }

// SLRUNamed finds a log by its name; an unknown name means SLRUOther, as in PostgreSQL.
func SLRUNamed(name string) SLRU {
	for l, n := range slruNames {
		if n == name {
			return SLRU(l)
		}
	}
	return SLRUOther
}

// SLRUCounts are the counters of one log: pages made anew, found in memory, read, written, looked for without there being any; calls that wrote all
// changed pages, and that removed old ones.
type SLRUCounts struct{ Zeroed, Hit, Read, Written, Exists, Flushes, Truncates int64 }

func (c *SLRUCounts) fields() []*int64 {
	return []*int64{&c.Zeroed, &c.Hit, &c.Read, &c.Written, &c.Exists, &c.Flushes, &c.Truncates}
}

// ResetSLRU sets the counters of one log to zero, or of all of them when l is negative.
func (s *Shared) ResetSLRU(l SLRU) {
	live, now := s.source(), TimeOf(time.Now())
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range NumSLRU {
		if l < 0 || l == i {
			s.base.restart(&live, func(c *Server) []*int64 { return c.SLRU[i].fields() })
			s.slruReset[i] = now
		}
	}
}
