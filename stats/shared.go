package stats

import (
	"maps"
	"sync"
	"time"

	"gompho/internal/ids"
)

// Shared are the cumulative counters of a server.
type Shared struct {
	mu       sync.Mutex // protects all; taken with a session's busy held, never the other way round
	rels     map[RelID]*Relation
	dbs      map[ids.Oid]*Database
	sessions map[*Pending]struct{}
	source   func() Server // counts since the server started
	base     Server        // to be added to source
	resetAt  [2]Time       // of pg_stat_bgwriter, pg_stat_wal
	archiver archiverCounts
	// slruReset is when the counters of each log began.
	slruReset [NumSLRU]Time
	// prefetchReset is when the counters of pg_stat_recovery_prefetch began, which are all zero.
	prefetchReset Time
	steps         map[ids.Oid]*[NumSteps]StepCounts // of sessions that have ended
}

// NewShared makes empty counters. source counts what the server's parts have done since the start; it may be nil.
func NewShared(source func() Server) *Shared {
	now := TimeOf(time.Now())
	if source == nil {
		source = func() Server { return Server{} }
	}
	out := &Shared{rels: map[RelID]*Relation{}, dbs: map[ids.Oid]*Database{}, sessions: map[*Pending]struct{}{}, source: source,
		resetAt: [2]Time{now, now}, archiver: archiverCounts{ResetAt: now}, steps: map[ids.Oid]*[NumSteps]StepCounts{}}
	out.prefetchReset = now
	for l := range out.slruReset {
		out.slruReset[l] = now
	}
	return out
}

// relation returns the entry, which it makes if need be; mu is held.
func (s *Shared) relation(id RelID) *Relation {
	r := s.rels[id]
	if r == nil {
		r = &Relation{}
		s.rels[id] = r
	}
	return r
}

func (s *Shared) database(db ids.Oid) *Database {
	d := s.dbs[db]
	if d == nil {
		d = &Database{}
		s.dbs[db] = d
	}
	return d
}

// flush adds what p has counted; the caller has p.busy.
func (s *Shared) flush(p *Pending) {
	if !p.used {
		return
	}
	p.used, p.force = false, false
	p.settleReads()
	s.mu.Lock()
	defer s.mu.Unlock()
	many := len(p.rels) > keepRelations
	for id, r := range p.rels {
		if r.idle() {
			if many && r.xact == nil {
				delete(p.rels, id)
				if c := &p.recent[id.Rel%16]; *c == r {
					*c = nil
				}
			}
			continue
		}
		r.addTo(s.relation(id), s.database(id.DB))
		r.clear()
	}
	if many && len(p.rels) == 0 {
		p.files = nil
	}
	s.database(p.db).add(&p.own)
	p.own = Database{}
}

func (r *RelPending) idle() bool {
	return r.Scans|r.Returned|r.Fetched|r.ins|r.upd|r.del|r.hot|r.live|r.dead|r.changed|r.blocks == 0 && !r.truncated
}

func (r *RelPending) clear() { *r = RelPending{p: r.p, id: r.id, file: r.file, xact: r.xact} }

func (r *RelPending) addTo(t *Relation, d *Database) {
	t.Scans += r.Scans
	t.Returned += r.Returned
	t.Fetched += r.Fetched
	t.Inserted += r.ins
	t.Updated += r.upd
	t.Deleted += r.del
	t.HotUpdated += r.hot
	if r.truncated {
		t.Live, t.Dead, t.InsSinceVacuum = 0, 0, 0
	}
	t.Live = max(0, t.Live+r.live)
	t.Dead = max(0, t.Dead+r.dead)
	t.ModSinceAnalyze += r.changed
	t.InsSinceVacuum += r.ins
	t.BlocksFetched += r.blocks
	t.BlocksHit += r.hits
	d.Returned += r.Returned
	d.Fetched += r.Fetched
	d.Inserted += r.ins
	d.Updated += r.upd
	d.Deleted += r.del
	d.BlocksFetched += r.blocks
	d.BlocksHit += r.hits
}

// Sweep hands in the counters of all sessions that are idle.
func (s *Shared) Sweep() {
	s.mu.Lock()
	list := make([]*Pending, 0, len(s.sessions))
	for p := range s.sessions {
		list = append(list, p)
	}
	s.mu.Unlock()
	for _, p := range list {
		if !p.busy.TryLock() {
			continue
		}
		if p.db != 0 {
			s.flush(p)
		}
		p.busy.Unlock()
	}
}

// Relation returns the counters of a relation; ok is false when there are none.
func (s *Shared) Relation(id RelID) (r Relation, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.rels[id]; x != nil {
		return *x, true
	}
	return r, false
}

// Database returns the counters of a database, 0 for what concerns shared relations; ok is false when there are none.
func (s *Shared) Database(db ids.Oid) (d Database, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.dbs[db]; x != nil {
		return *x, true
	}
	return d, false
}

// Relations returns the counters of all relations of a database, without the shared ones.
func (s *Shared) Relations(db ids.Oid) map[RelID]Relation {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[RelID]Relation{}
	for id, r := range s.rels {
		if id.DB == db {
			out[id] = *r
		}
	}
	return out
}

// ChecksumFailed notes that a block of a database was damaged; 0 stands for the shared relations. Damage is counted even when nothing else is.
func (s *Shared) ChecksumFailed(db ids.Oid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.database(db)
	d.ChecksumFailures++
	d.LastChecksumFailure = TimeOf(time.Now())
}

// Drop forgets a relation.
func (s *Shared) Drop(id RelID) {
	s.mu.Lock()
	delete(s.rels, id)
	s.mu.Unlock()
}

// DropDatabase forgets a database and all of its relations.
func (s *Shared) DropDatabase(db ids.Oid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dbs, db)
	delete(s.steps, db)
	maps.DeleteFunc(s.rels, func(id RelID, _ *Relation) bool { return id.DB == db })
}

// Reset sets the counters of a database and its relations to zero, as pg_stat_reset does.
func (s *Shared) Reset(db ids.Oid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.database(db) = Database{ResetAt: TimeOf(time.Now())}
	for id, r := range s.rels {
		if id.DB == db {
			*r = Relation{}
		}
	}
}

// ResetRelation sets the counters of one relation to zero; db is the database of which the time is noted.
func (s *Shared) ResetRelation(id RelID, db ids.Oid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.rels[id]; r != nil {
		*r = Relation{}
	}
	s.database(db).ResetAt = TimeOf(time.Now())
}

// Vacuumed notes the end of a vacuum by the session of p: the estimates of live and dead rows are what it has found.
func (s *Shared) Vacuumed(p *Pending, id RelID, live, dead int64, auto bool) {
	if s == nil || !p.Tracks() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, now := s.relation(id), TimeOf(time.Now())
	// Inserts between the scan and now are lost with this; the next vacuum comes that much later.
	r.Live, r.Dead, r.InsSinceVacuum = max(0, live), max(0, dead), 0
	if auto {
		r.LastAutovacuum = now
		r.Autovacuums++
	} else {
		r.LastVacuum = now
		r.Vacuums++
	}
}

// Analyzed notes the end of an ANALYZE by the session of p; whole says that it was one of all columns.
func (s *Shared) Analyzed(p *Pending, id RelID, live, dead int64, whole, auto bool) {
	if s == nil || !p.Tracks() {
		return
	}
	// What this transaction has done itself is reported when it ends.
	l, d := p.unsettled(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	r, now := s.relation(id), TimeOf(time.Now())
	r.Live, r.Dead = max(0, live-l), max(0, dead-d)
	if whole {
		r.ModSinceAnalyze = 0
	}
	if auto {
		r.LastAutoanalyze = now
		r.Autoanalyzes++
	} else {
		r.LastAnalyze = now
		r.Analyzes++
	}
}

// Server returns the counters of the server as a whole and when those of the background writer and of the log began.
func (s *Shared) Server() (c Server, bgwriter, wal Time) {
	live := s.source()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base.plus(&live, 1), s.resetAt[0], s.resetAt[1]
}

// ResetBgwriter and ResetWal set a part of the server's counters to zero.
func (s *Shared) ResetBgwriter() { s.resetServer(0, (*Server).bgwriter) }

// ResetPrefetch notes a reset of the counters of reading ahead in recovery, of which there are none.
func (s *Shared) ResetPrefetch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prefetchReset = TimeOf(time.Now())
}

// ResetWal: see ResetBgwriter.
func (s *Shared) ResetWal() { s.resetServer(1, (*Server).wal) }

func (s *Shared) resetServer(i int, part func(*Server) []*int64) {
	live := s.source()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base.restart(&live, part)
	s.resetAt[i] = TimeOf(time.Now())
}
