package stats

import (
	"math"
	"slices"
	"sync"
	"time"

	"gompho/internal/ids"
)

// Statements counts what statements cost, for pg_stat_statements: one entry for each statement, user and database. The least used entries go when
// there are too many.
type Statements struct {
	max     func() int
	mu      sync.RWMutex // protects what follows; taken before an entry's mu
	entries map[StatementKey]*Statement
	dealloc int64
	resetAt Time
}

// StatementKey names an entry.
type StatementKey struct {
	User, DB ids.Oid
	ID       int64 // never 0
	TopLevel bool
}

// Statement is an entry. Sessions keep the entries of their prepared statements.
type Statement struct {
	Key  StatementKey
	Text string // with placeholders for constants

	mu    sync.Mutex // protects what follows
	gone  bool       // not in Statements any more
	usage float64    // decides who stays
	c     StatementCounts
}

// TimeSummary is a series of durations, in milliseconds.
type TimeSummary struct{ Total, Min, Max, Mean, SumVar float64 }

func (t *TimeSummary) add(ms float64, n int64) {
	t.Total += ms
	old := t.Mean
	t.Mean += (ms - old) / float64(n)
	t.SumVar += (ms - old) * (ms - t.Mean)
	if n == 1 || ms < t.Min {
		t.Min = ms
	}
	if n == 1 || ms > t.Max {
		t.Max = ms
	}
}

// Stddev is the standard deviation of the n durations.
func (t *TimeSummary) Stddev(n int64) float64 {
	if n < 2 {
		return 0
	}
	return math.Sqrt(t.SumVar / float64(n))
}

// StatementUse is what runs of a statement used.
type StatementUse struct {
	Rows                                                int64
	SharedHit, SharedRead, SharedDirtied, SharedWritten int64
	LocalHit, LocalRead, LocalDirtied, LocalWritten     int64
	TempRead, TempWritten                               int64
	ReadMS, WriteMS, TempReadMS, TempWriteMS            float64
	WALRecords, WALImages, WALBytes                     int64
}

func (u *StatementUse) add(v *StatementUse) {
	u.Rows += v.Rows
	u.SharedHit += v.SharedHit
	u.SharedRead += v.SharedRead
	u.SharedDirtied += v.SharedDirtied
	u.SharedWritten += v.SharedWritten
	u.LocalHit += v.LocalHit
	u.LocalRead += v.LocalRead
	u.LocalDirtied += v.LocalDirtied
	u.LocalWritten += v.LocalWritten
	u.TempRead += v.TempRead
	u.TempWritten += v.TempWritten
	u.ReadMS += v.ReadMS
	u.WriteMS += v.WriteMS
	u.TempReadMS += v.TempReadMS
	u.TempWriteMS += v.TempWriteMS
	u.WALRecords += v.WALRecords
	u.WALImages += v.WALImages
	u.WALBytes += v.WALBytes
}

// StatementCounts are the counters of an entry.
type StatementCounts struct {
	Plans, Calls   int64
	Planning, Exec TimeSummary
	Use            StatementUse
}

// StatementRow is a copy of an entry.
type StatementRow struct {
	Key  StatementKey
	Text string
	StatementCounts
}

// NewStatements makes an empty set. max is the number of entries that are kept; nil: 5000.
func NewStatements(max func() int) *Statements {
	if max == nil {
		max = func() int { return 5000 }
	}
	return &Statements{max: max, entries: map[StatementKey]*Statement{}, resetAt: TimeOf(time.Now())}
}

// Get returns the entry of a statement, which it makes if need be; text is asked for only then. A new entry does not show before it is counted.
func (s *Statements) Get(key StatementKey, text func() string) *Statement {
	s.mu.RLock()
	e := s.entries[key]
	s.mu.RUnlock()
	if e != nil {
		return e
	}
	t := text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if e = s.entries[key]; e == nil {
		for len(s.entries) >= max(1, s.max()) {
			s.evict()
		}
		e = &Statement{Key: key, Text: t, usage: 1}
		s.entries[key] = e
	}
	return e
}

// again returns the entry that now stands for a statement whose entry is gone.
func (s *Statements) again(e *Statement) *Statement {
	return s.Get(e.Key, func() string { return e.Text })
}

// evict removes the twentieth part of the entries that was used least and latest; mu is held.
func (s *Statements) evict() {
	list := make([]*Statement, 0, len(s.entries))
	for _, e := range s.entries {
		e.mu.Lock()
		if e.c.Calls+e.c.Plans == 0 {
			e.usage *= 0.5
		} else {
			e.usage *= 0.99
		}
		e.mu.Unlock()
		list = append(list, e)
	}
	usage := func(e *Statement) float64 { e.mu.Lock(); defer e.mu.Unlock(); return e.usage }
	slices.SortFunc(list, func(a, b *Statement) int {
		switch x, y := usage(a), usage(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	for _, e := range list[:min(len(list), max(10, len(list)/20))] {
		s.remove(e)
	}
	s.dealloc++
}

func (s *Statements) remove(e *Statement) {
	delete(s.entries, e.Key)
	e.mu.Lock()
	e.gone = true
	e.mu.Unlock()
}

// Executed counts a run and returns the entry to use from now on.
func (s *Statements) Executed(e *Statement, took time.Duration, use *StatementUse) *Statement {
	return s.count(e, took, use, func(c *StatementCounts) (*int64, *TimeSummary) { return &c.Calls, &c.Exec })
}

// Planned counts that a statement was planned and returns the entry to use from now on.
func (s *Statements) Planned(e *Statement, took time.Duration, use *StatementUse) *Statement {
	return s.count(e, took, use, func(c *StatementCounts) (*int64, *TimeSummary) { return &c.Plans, &c.Planning })
}

// count adds to one of the two pairs of counters.
func (s *Statements) count(e *Statement, took time.Duration, use *StatementUse, which func(*StatementCounts) (*int64, *TimeSummary)) *Statement {
	for e.mu.Lock(); e.gone; e.mu.Lock() {
		e.mu.Unlock()
		e = s.again(e)
	}
	defer e.mu.Unlock()
	n, times := which(&e.c)
	*n++
	times.add(float64(took)/1e6, *n)
	e.c.Use.add(use)
	e.usage++
	return e
}

// Rows returns copies of all entries that have counted something.
func (s *Statements) Rows() []StatementRow {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]StatementRow, 0, len(s.entries))
	for _, e := range s.entries {
		e.mu.Lock()
		c := e.c
		e.mu.Unlock()
		if c.Calls+c.Plans > 0 {
			out = append(out, StatementRow{e.Key, e.Text, c})
		}
	}
	return out
}

// Info returns how often entries were removed to make room, and since when is counted.
func (s *Statements) Info() (dealloc int64, resetAt Time) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.dealloc, s.resetAt
}

// Reset removes the entries of a user, database and statement; 0 stands for all.
func (s *Statements) Reset(user, db ids.Oid, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, e := range s.entries {
		if (user == 0 || user == k.User) && (db == 0 || db == k.DB) && (id == 0 || id == k.ID) {
			s.remove(e)
		}
	}
	if user == 0 && db == 0 && id == 0 {
		s.dealloc, s.resetAt = 0, TimeOf(time.Now())
	}
}
