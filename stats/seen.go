package stats

import (
	"time"

	"gompho/internal/ids"
)

// Consistency says what a transaction that looks at counters again sees: stats_fetch_consistency.
type Consistency uint8

// SeeNow: the counters as they are. SeeCached: of each relation, database and kind what was seen first. SeeSnapshot: all as they were at the first look.
const (
	SeeCached Consistency = iota
	SeeNow
	SeeSnapshot
)

// ConsistencyNamed returns the value for one of the setting.
func ConsistencyNamed(name string) Consistency {
	switch name {
	case "none":
		return SeeNow
	case "snapshot":
		return SeeSnapshot
	}
	return SeeCached
}

// Kind is a kind of counters of the server as a whole.
type Kind uint8

// Kinds, each the content of one view.
const (
	KindBgwriter Kind = iota
	KindWAL
	KindArchiver
	KindSLRU
	KindPrefetch
	numKinds
)

// Fixed are the counters of the server as a whole, with the times when those of each kind began.
type Fixed struct {
	Server
	Done, Failed Archived // of the archiver
	ResetAt      [numKinds]Time
	SLRUReset    [NumSLRU]Time
}

// Fixed returns the counters of the server as a whole.
func (s *Shared) Fixed() *Fixed {
	live := s.source()
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &Fixed{Server: s.base.plus(&live, 1), Done: s.archiver.Done, Failed: s.archiver.Failed, SLRUReset: s.slruReset}
	f.ResetAt[KindBgwriter], f.ResetAt[KindWAL] = s.resetAt[0], s.resetAt[1]
	f.ResetAt[KindArchiver], f.ResetAt[KindPrefetch] = s.archiver.ResetAt, s.prefetchReset
	return f
}

// seen is what a transaction has read of the cumulative counters.
type seen struct {
	mode   Consistency
	serial uint64    // of the statement that looks
	swept  uint64    // of the statement for which the idle sessions' counters were collected
	at     time.Time // of the snapshot; zero: there is none
	used   bool      // what follows holds something
	rels   map[RelID]*Relation
	dbs    map[ids.Oid]Database
	fixed  [numKinds]*Fixed
}

func (v *seen) forget() {
	if v.used || v.swept != 0 {
		*v = seen{}
	}
}

// Look says how the statement with the number serial, above 0, is to see the counters.
func (p *Pending) Look(mode Consistency, serial uint64) {
	if p == nil {
		return
	}
	p.seen.mode, p.seen.serial = mode, serial
	if mode == SeeSnapshot && p.seen.at.IsZero() {
		p.sweep()
		p.seen.take(p.shared, p.db)
	}
}

// sweep collects the counters of idle sessions, once for each statement.
func (p *Pending) sweep() {
	if p.seen.swept != p.seen.serial || p.seen.serial == 0 {
		p.seen.swept = p.seen.serial
		p.shared.Sweep()
	}
}

// take copies the counters that a session of db may look at.
func (v *seen) take(s *Shared, db ids.Oid) {
	f := s.Fixed()
	v.at, v.used = time.Now(), true
	for k := range v.fixed {
		v.fixed[k] = f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v.rels, v.dbs = map[RelID]*Relation{}, make(map[ids.Oid]Database, len(s.dbs))
	for id, r := range s.rels {
		if id.DB == db || id.DB == 0 {
			c := *r
			v.rels[id] = &c
		}
	}
	for id, d := range s.dbs {
		v.dbs[id] = *d
	}
}

// ClearSnapshot makes the next look see the counters as they are then.
func (p *Pending) ClearSnapshot() {
	if p != nil {
		p.seen.forget()
	}
}

// SnapshotTime returns when the transaction's snapshot of the counters was taken; zero if there is none.
func (p *Pending) SnapshotTime() time.Time {
	if p == nil {
		return time.Time{}
	}
	return p.seen.at
}

// SeeRelation returns the counters of a relation as the transaction sees them; the second of the ids counts when there are none by the first.
func (p *Pending) SeeRelation(id, or RelID) (Relation, bool) {
	if p == nil {
		return Relation{}, false
	}
	if v := &p.seen; v.mode != SeeNow {
		r, ok := v.rels[id]
		if v.mode == SeeSnapshot && r == nil {
			r, ok = v.rels[or], true
		}
		switch {
		case r != nil:
			return *r, true
		case ok:
			return Relation{}, false
		}
	}
	p.sweep()
	r, ok := p.shared.Relation(id)
	if !ok {
		r, ok = p.shared.Relation(or)
	}
	if v := &p.seen; v.mode == SeeCached {
		if v.rels == nil {
			v.rels, v.used = map[RelID]*Relation{}, true
		}
		v.rels[id] = nil
		if ok {
			v.rels[id] = &r
		}
	}
	return r, ok
}

// SeeDatabase returns the counters of a database as the transaction sees them.
func (p *Pending) SeeDatabase(db ids.Oid) Database {
	if p == nil {
		return Database{}
	}
	v := &p.seen
	if d, ok := v.dbs[db]; ok && v.mode != SeeNow || v.mode == SeeSnapshot {
		return d
	}
	p.sweep()
	d, _ := p.shared.Database(db)
	if v.mode == SeeCached {
		if v.dbs == nil {
			v.dbs, v.used = map[ids.Oid]Database{}, true
		}
		v.dbs[db] = d
	}
	return d
}

// SeeFixed returns the counters of a kind as the transaction sees them. Do not write to the result.
func (p *Pending) SeeFixed(k Kind) *Fixed {
	if p == nil {
		return &Fixed{}
	}
	v := &p.seen
	if f := v.fixed[k]; f != nil && v.mode != SeeNow {
		return f
	}
	f := p.shared.Fixed()
	if v.mode == SeeCached {
		v.fixed[k], v.used = f, true
	}
	return f
}
