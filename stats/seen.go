package stats

import (
	"time"

	"gompho/internal/ids"
)

// seen is what a transaction has read of the cumulative counters: it sees the same again until it ends.
type seen struct {
	at    time.Time // of the first look; zero: none yet
	rels  map[RelID]Relation
	dbs   map[ids.Oid]Database
	exist map[RelID]bool
}

func (v *seen) forget() {
	if !v.at.IsZero() {
		*v = seen{}
	}
}

func (v *seen) begin(s *Shared) {
	if v.at.IsZero() {
		*v = seen{at: time.Now(), rels: map[RelID]Relation{}, dbs: map[ids.Oid]Database{}, exist: map[RelID]bool{}}
		s.Sweep()
	}
}

// ClearSnapshot makes the next look see the counters as they are then.
func (p *Pending) ClearSnapshot() {
	if p != nil {
		p.seen.forget()
	}
}

// SnapshotTime returns when the transaction first looked at the counters; zero if it has not.
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
	p.seen.begin(p.shared)
	if r, ok := p.seen.rels[id]; ok {
		return r, p.seen.exist[id]
	}
	r, ok := p.shared.Relation(id)
	if !ok {
		r, ok = p.shared.Relation(or)
	}
	p.seen.rels[id], p.seen.exist[id] = r, ok
	return r, ok
}

// SeeDatabase returns the counters of a database as the transaction sees them.
func (p *Pending) SeeDatabase(db ids.Oid) Database {
	if p == nil {
		return Database{}
	}
	p.seen.begin(p.shared)
	d, ok := p.seen.dbs[db]
	if !ok {
		d, _ = p.shared.Database(db)
		p.seen.dbs[db] = d
	}
	return d
}
