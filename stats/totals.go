package stats

import "gompho/internal/ids"

// Totals are sums over all tables and indexes.
type Totals struct {
	Live, Dead                                   int64 // row versions
	Vacuums, Autovacuums, Analyzes, Autoanalyzes int64
}

// Databases returns the counters of all databases, 0 for what concerns shared relations, and sums over all relations.
func (s *Shared) Databases() (map[ids.Oid]Database, Totals) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dbs := make(map[ids.Oid]Database, len(s.dbs))
	for id, d := range s.dbs {
		dbs[id] = *d
	}
	var t Totals
	for _, r := range s.rels {
		t.Live += r.Live
		t.Dead += r.Dead
		t.Vacuums += r.Vacuums
		t.Autovacuums += r.Autovacuums
		t.Analyzes += r.Analyzes
		t.Autoanalyzes += r.Autoanalyzes
	}
	return dbs, t
}
