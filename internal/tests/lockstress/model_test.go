package lockstress

import (
	"fmt"
	"sort"
	"strings"
	"sync"
)

// Modes of table and advisory locks by their number here, weakest first, and their conflicts as the documentation shows them.
var modeNames = []string{"AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock",
	"ExclusiveLock", "AccessExclusiveLock"}

const (
	accessShare = iota
	rowShare
	rowExclusive
	shareUpdateExclusive
	share
	shareRowExclusive
	exclusive
	accessExclusive
)

var modeConflicts = []string{
	"       X",
	"      XX",
	"    XXXX",
	"   XXXXX",
	"  XX XXX",
	"  XXXXXX",
	" XXXXXXX",
	"XXXXXXXX",
}

// Row locks: KEY SHARE, SHARE, NO KEY UPDATE, UPDATE.
var rowNames = []string{"KEY SHARE", "SHARE", "NO KEY UPDATE", "UPDATE"}

var rowConflicts = []string{
	"   X",
	"  XX",
	" XXX",
	"XXXX",
}

// object is a thing that can be locked: a table ("t0"), a row of one ("t0/3"), an advisory lock ("advisory 1,2,2" as pg_locks has its numbers).
type object string

func (o object) isRow() bool { return strings.Contains(string(o), "/") }

// conflict reports whether two sessions cannot hold modes a and b of o.
func (o object) conflict(a, b int) bool {
	if o.isRow() {
		return rowConflicts[a][b] == 'X'
	}
	return modeConflicts[a][b] == 'X'
}

// hold is a lock of a transaction, level the savepoints that were open when it was taken. updated: the row was updated, not only locked.
type hold struct {
	obj     object
	mode    int
	level   int
	updated bool
}

// state is the model of one session.
type state struct {
	pid     uint32 // 0: not connected
	parked  bool   // has made its steps
	busy    bool   // a statement runs
	doomed  bool   // somebody has asked for its end
	inTx    bool
	failed  bool // the transaction has failed, all of it
	holds   []hold
	session map[object]*[8]int // advisory locks of the session, with counts
	last    string             // last statement
	history []string           // what came of the last ones
	errors  int                // statements that ended with an error
}

// model is what all sessions hold, and a version that every start and end of a statement raises.
type model struct {
	mu       sync.Mutex
	version  uint64
	states   []*state
	problems []string
	zombies  map[uint32]bool // processes whose client has gone
	codes    map[string]int  // errors by SQLSTATE
	steps    int
}

func newModel(n int) *model {
	m := &model{zombies: map[uint32]bool{}, codes: map[string]int{}}
	for range n {
		m.states = append(m.states, &state{parked: true, session: map[object]*[8]int{}})
	}
	return m
}

// change applies f to the model.
func (m *model) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.version++
	f()
}

func (m *model) problem(format string, args ...any) {
	m.problems = append(m.problems, fmt.Sprintf(format, args...))
}

// certain reports whether what the model says of s is true at this moment.
func (s *state) certain() bool { return s.pid != 0 && !s.busy && !s.doomed }

// modes lists what s holds, as object to set of modes.
func (s *state) modes() map[object]uint {
	out := map[object]uint{}
	for _, h := range s.holds {
		out[h.obj] |= 1 << h.mode
	}
	for o, n := range s.session {
		for mode, count := range n {
			if count > 0 {
				out[o] |= 1 << mode
			}
		}
	}
	return out
}

// end drops the locks of the transaction.
func (s *state) end() { s.inTx, s.failed, s.holds = false, false, nil }

// rollbackTo drops the locks taken at level and above.
func (s *state) rollbackTo(level int) {
	kept := s.holds[:0]
	for _, h := range s.holds {
		if h.level < level {
			kept = append(kept, h)
		}
	}
	s.holds = kept
}

// release makes the locks of level and above those of the level below.
func (s *state) release(level int) {
	for i := range s.holds {
		s.holds[i].level = min(s.holds[i].level, level-1)
	}
}

// checkConflicts compares what s holds with all others of whom that is certain. Caller holds mu.
func (m *model) checkConflicts(s *state) {
	if !s.certain() {
		return
	}
	mine := s.modes()
	for _, other := range m.states {
		if other == s || !other.certain() {
			continue
		}
		for o, theirs := range other.modes() {
			for a := range 8 {
				for b := range 8 {
					if mine[o]>>a&1 == 1 && theirs>>b&1 == 1 && o.conflict(a, b) {
						m.problem("%s: process %d holds mode %d and process %d mode %d\n\t%s\n\t%s", o, s.pid, a, other.pid, b, s.last, other.last)
					}
				}
			}
		}
	}
}

// note adds a line to what the session has done of late.
func (s *state) note(line string) {
	if len(s.history) == 20 {
		s.history = s.history[1:]
	}
	s.history = append(s.history, line)
}

// describe prints the sessions.
func (m *model) describe() string {
	var b strings.Builder
	for i, s := range m.states {
		fmt.Fprintf(&b, "session %d pid %d parked %v busy %v doomed %v inTx %v failed %v: %s\n", i, s.pid, s.parked, s.busy, s.doomed, s.inTx, s.failed, s.last)
		var held []string
		for o, set := range s.modes() {
			held = append(held, fmt.Sprintf("%s:%x", o, set))
		}
		sort.Strings(held)
		fmt.Fprintf(&b, "\tholds %s\n\tbefore %s\n", strings.Join(held, " "), strings.Join(s.history, "; "))
	}
	return b.String()
}
