package autovacuum

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"gompho/config"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/commands"
	"gompho/stats"
)

// Database is one that may be looked at.
type Database struct {
	Oid  ids.Oid
	Name string
	// Open: it accepts connections. One that does not is looked at only because of its age.
	Open bool
	// XidAge and MultiAge are how many transactions and multixacts old the oldest in its tables may be.
	XidAge, MultiAge int64
}

// Options of New.
type Options struct {
	Config *config.Server
	Stats  *stats.Shared
	Logger *zap.Logger
	// Databases lists the databases.
	Databases func(slot *stats.Slot) ([]Database, error)
	// Spawn starts a supervised process; false when the server is shutting down.
	Spawn func(run func(slot *stats.Slot, log *zap.Logger) error) bool
	// Connect opens a superuser's session of a process in a database; end closes it. A database that is gone is an error.
	Connect func(slot *stats.Slot, db Database) (c *commands.Context, end func(), err error)
}

// minSleep keeps the launcher from spinning when there are many databases.
const minSleep = 100 * time.Millisecond

// Launcher is the state of the launcher process and what its workers share.
type Launcher struct {
	o    Options
	wake chan struct{} // capacity 1: a worker has ended

	mu      sync.Mutex // protects what follows
	workers map[*worker]struct{}
	last    map[ids.Oid]time.Time // when a database's last worker started
	claimed map[stats.RelID]struct{}
}

// New makes a launcher. Its process is to call Run.
func New(o Options) *Launcher {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return &Launcher{o: o, wake: make(chan struct{}, 1), workers: map[*worker]struct{}{}, last: map[ids.Oid]time.Time{}, claimed: map[stats.RelID]struct{}{}}
}

func (l *Launcher) enabled() bool {
	return l.o.Config.Get("autovacuum").Bool() && l.o.Config.Get("track_counts").Bool()
}

func (l *Launcher) naptime() time.Duration {
	return time.Duration(l.o.Config.Get("autovacuum_naptime").Int()) * time.Second
}

// Run is the life of the process. It returns nil when told to end.
func (l *Launcher) Run(slot *stats.Slot) error {
	running := false
	for slot.CheckInterrupts() == nil {
		slot.Clear(stats.ReloadConfig)
		if on := l.enabled(); on != running {
			running = on
			if on {
				l.o.Logger.Info("autovacuum launcher started")
			}
		}
		pause, err := l.round(slot, time.Now())
		if err != nil {
			if e := pgerr.From(err); e.Level() == pgerr.Panic {
				return err
			} else if e.Level() != pgerr.Fatal {
				l.o.Logger.Error(e.Message, zap.String("code", string(e.Code)))
			}
		}
		l.sleep(slot, pause)
	}
	l.o.Logger.Info("autovacuum launcher shutting down")
	return nil
}

// sleep waits for d, the end of a worker, or an interrupt.
func (l *Launcher) sleep(slot *stats.Slot, d time.Duration) {
	prev := slot.BeginWait(stats.ActivityAutovacuumMain)
	defer slot.EndWait(prev)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.wake:
	case <-slot.Wake():
	}
}

// round starts at most one worker and returns when to come again.
func (l *Launcher) round(slot *stats.Slot, now time.Time) (time.Duration, error) {
	nap := l.naptime()
	dbs, err := l.o.Databases(slot)
	if err != nil {
		return nap, err
	}
	dbs = l.candidates(dbs)
	l.mu.Lock()
	free := len(l.workers) < int(l.o.Config.Get("autovacuum_max_workers").Int())
	db, pause := choose(dbs, l.last, now, nap)
	if db != nil && free {
		l.last[db.Oid] = now
	}
	l.mu.Unlock()
	if db == nil {
		return pause, nil
	}
	if !free {
		return nap, nil // the end of a worker wakes us
	}
	w := &worker{l: l, db: *db}
	l.mu.Lock()
	l.workers[w] = struct{}{}
	l.mu.Unlock()
	if !l.o.Spawn(w.run) {
		l.gone(w)
	}
	return pause, nil
}

// candidates leaves the databases that a worker may have to do something in: the open ones while autovacuum is on, and those that have become too
// old in any case.
func (l *Launcher) candidates(dbs []Database) []Database {
	p := serverParams(l.o.Config)
	var out []Database
	on := l.enabled()
	for _, d := range dbs {
		if d.Open && on || d.XidAge > p.FreezeMaxAge || d.MultiAge > p.MultiFreezeMaxAge {
			out = append(out, d)
		}
	}
	return out
}

// choose returns the database that is due and has waited longest, nil if none is, and when the next round should be. Databases that were not
// seen before get their turns spread over the coming nap; last is updated for them, and those that are gone are forgotten.
func choose(dbs []Database, last map[ids.Oid]time.Time, now time.Time, nap time.Duration) (due *Database, pause time.Duration) {
	if len(dbs) == 0 {
		return nil, nap
	}
	there := make(map[ids.Oid]bool, len(dbs))
	gap := max(minSleep, nap/time.Duration(len(dbs)))
	turn := gap
	for _, d := range dbs {
		there[d.Oid] = true
		if _, ok := last[d.Oid]; !ok {
			last[d.Oid] = now.Add(turn - nap)
			turn += gap
		}
	}
	for oid := range last {
		if !there[oid] {
			delete(last, oid)
		}
	}
	pause = nap
	for i := range dbs {
		left := last[dbs[i].Oid].Add(nap).Sub(now)
		if left > 0 {
			pause = min(pause, left)
			continue
		}
		if due == nil || last[dbs[i].Oid].Before(last[due.Oid]) {
			due = &dbs[i]
		}
	}
	if due != nil {
		pause = min(pause, gap)
	}
	return due, max(pause, minSleep)
}

// gone forgets a worker that has ended.
func (l *Launcher) gone(w *worker) {
	l.mu.Lock()
	delete(l.workers, w)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// claim reserves a table for a worker; false when another has it.
func (l *Launcher) claim(id stats.RelID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, taken := l.claimed[id]; taken {
		return false
	}
	l.claimed[id] = struct{}{}
	return true
}

func (l *Launcher) unclaim(id stats.RelID) {
	l.mu.Lock()
	delete(l.claimed, id)
	l.mu.Unlock()
}

// share returns a worker's part of the cost limit.
func (l *Launcher) share(limit int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for w := range l.workers {
		if w.shares.Load() {
			n++
		}
	}
	return max(1, limit/max(1, n))
}
