package stats

import (
	"sync"
	"time"

	"gompho/internal/ids"
)

// Activity is what pg_stat_activity shows of a process. The owner writes it under mu through Update;
// readers take a copy with Snapshot.
type Activity struct {
	mu sync.Mutex
	ActivityData
}

// ActivityData are the columns of pg_stat_activity that the process itself sets.
type ActivityData struct {
	BackendType  string // "client backend", "checkpointer", ...
	DB           ids.Oid
	DBName       string
	User         ids.Oid
	UserName     string
	Application  string
	ClientAddr   string // without port; empty for a unix socket
	ClientPort   int32  // -1 for a unix socket
	ClientHost   string
	BackendStart time.Time
	XactStart    time.Time
	QueryStart   time.Time
	StateChange  time.Time
	State        string // "active", "idle", "idle in transaction", ... ; empty for auxiliary processes
	Query        string
	QueryID      int64
	BackendXid   ids.Xid
	BackendXmin  ids.Xid
}

// Update changes the data under the lock.
func (a *Activity) Update(f func(*ActivityData)) {
	a.mu.Lock()
	f(&a.ActivityData)
	a.mu.Unlock()
}

// Snapshot returns a copy of the data.
func (a *Activity) Snapshot() ActivityData {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ActivityData
}

// SetQuery publishes that a statement starts.
func (a *Activity) SetQuery(state, query string, now time.Time) {
	a.mu.Lock()
	a.State, a.Query, a.QueryStart, a.StateChange = state, query, now, now
	a.mu.Unlock()
}

// SetState publishes a state.
func (a *Activity) SetState(state string, now time.Time) {
	a.mu.Lock()
	a.State, a.StateChange = state, now
	a.mu.Unlock()
}

// SetXactStart publishes when the transaction started; zero when none runs.
func (a *Activity) SetXactStart(t time.Time) {
	a.mu.Lock()
	a.XactStart = t
	a.mu.Unlock()
}
