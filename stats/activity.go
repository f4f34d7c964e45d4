package stats

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gompho/internal/ids"
)

// Activity is what pg_stat_activity shows of a process. The owner writes it under mu through Update;
// readers take a copy with Snapshot.
type Activity struct {
	// QueryLimit is how many bytes of a statement are shown, 0 for the default of track_activity_query_size. It is set before the
	// process runs statements.
	QueryLimit int

	hidden atomic.Bool  // track_activities is off
	mu     sync.Mutex   // everything below; the owner, who alone writes, reads without it
	serial uint64       // of the statement
	id     atomic.Int64 // of the statement, see ActivityData.QueryID
	runs   atomic.Uint64
	query  []byte // the statement, a copy: the text that SetQuery gets may lie in a buffer that is used again
	ActivityData
}

const defaultQueryLimit = 1023

// Serial returns the number of the statement that SetQuery published last, counted from 1. Only the process itself may ask.
func (a *Activity) Serial() uint64 { return a.serial }

// Statement returns the statement that SetQuery published last, and when it started. Only the process itself may ask, and must not
// keep the text.
func (a *Activity) Statement() ([]byte, time.Time) { return a.query, a.QueryStart }

// note makes Running tell of the state; under mu.
func (a *Activity) note() {
	n := a.serial << 1
	if a.State == "active" {
		n |= 1
	}
	a.runs.Store(n)
}

// Running returns the number of the statement that was published last, and whether it runs. Any process may ask.
func (a *Activity) Running() (serial uint64, active bool) {
	n := a.runs.Load()
	return n >> 1, n&1 != 0
}

// publish copies the shown part of a statement.
func (a *Activity) publish(query string) {
	n := a.QueryLimit
	if n == 0 {
		n = defaultQueryLimit
	}
	if len(query) > n {
		for n > 0 && query[n]&0xc0 == 0x80 { // not within a character
			n--
		}
		query = query[:n]
	}
	a.query = append(a.query[:0], query...)
}

// ActivityData are the columns of pg_stat_activity that the process itself sets.
type ActivityData struct {
	BackendType  string // "client backend", "checkpointer", ...
	DB           ids.Oid
	DBName       string
	User         ids.Oid
	UserName     string
	Application  string
	Client       netip.AddrPort // where the client's connection comes from; not valid for a unix socket
	Server       netip.AddrPort // and where it came to
	ClientHost   string         // the client's name, where log_hostname asks for it and there is one
	BackendStart time.Time
	XactStart    time.Time
	QueryStart   time.Time
	StateChange  time.Time
	State        string // "active", "idle", "idle in transaction", ... ; empty for auxiliary processes
	Query        string // set in copies; Activity.Statement is the process's own way to it
	QueryID      int64
	BackendXid   ids.Xid
	BackendXmin  ids.Xid
}

// Update changes the data under the lock.
func (a *Activity) Update(f func(*ActivityData)) {
	a.mu.Lock()
	a.Query = string(a.query)
	f(&a.ActivityData)
	a.publish(a.Query)
	a.note()
	a.mu.Unlock()
}

// Snapshot returns a copy of the data.
func (a *Activity) Snapshot() ActivityData {
	a.mu.Lock()
	defer a.mu.Unlock()
	d := a.ActivityData
	d.Query = string(a.query)
	if a.hidden.Load() {
		d.State, d.Query, d.QueryID = "disabled", "", 0
		d.XactStart, d.QueryStart, d.StateChange = time.Time{}, time.Time{}, time.Time{}
		return d
	}
	if id := a.id.Load(); id != 0 {
		d.QueryID = id
	}
	return d
}

// Hide makes copies show that the process does not tell what it does, or that it does again.
func (a *Activity) Hide(hide bool) {
	if a.hidden.Load() != hide {
		a.hidden.Store(hide)
	}
}

// Hidden reports whether Hide is in force.
func (a *Activity) Hidden() bool { return a.hidden.Load() }

// SetQuery publishes that a statement starts.
func (a *Activity) SetQuery(state, query string, now time.Time) {
	a.mu.Lock()
	a.serial++
	a.publish(query)
	a.State, a.QueryStart, a.StateChange = state, now, now
	a.note()
	a.mu.Unlock()
	a.id.Store(0)
}

// SetQueryID publishes the identifier of the statement.
func (a *Activity) SetQueryID(id int64) { a.id.Store(id) }

// SetState publishes a state.
func (a *Activity) SetState(state string, now time.Time) {
	a.mu.Lock()
	a.State, a.StateChange = state, now
	a.note()
	a.mu.Unlock()
}

// SetXactStart publishes when the transaction started; zero when none runs.
func (a *Activity) SetXactStart(t time.Time) {
	a.mu.Lock()
	a.XactStart = t
	a.mu.Unlock()
}
