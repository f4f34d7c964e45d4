package autovacuum

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"gompho/internal/ids"
	"gompho/stats"
)

func defaults() Params {
	return Params{Enabled: true, VacuumThreshold: 50, InsertThreshold: 1000, AnalyzeThreshold: 50, VacuumScale: 0.2, InsertScale: 0.2, AnalyzeScale: 0.1,
		FreezeMaxAge: 200_000_000, MultiFreezeMaxAge: 400_000_000}
}

func TestNeed(t *testing.T) {
	for _, c := range []struct {
		name            string
		options         []string
		r               stats.Relation
		tuples          float64
		age, multis     int64
		off             bool
		forced          bool
		vacuum, analyze bool
	}{
		{name: "nothing happened"},
		{name: "at the threshold", r: stats.Relation{Dead: 250, ModSinceAnalyze: 150}, tuples: 1000},
		{name: "above it", r: stats.Relation{Dead: 251, ModSinceAnalyze: 151}, tuples: 1000, vacuum: true, analyze: true},
		{name: "size unknown", r: stats.Relation{Dead: 51}, tuples: -1, vacuum: true},
		{name: "insertions", r: stats.Relation{InsSinceVacuum: 1201}, tuples: 1000, vacuum: true},
		{name: "insertions do not count", options: []string{"autovacuum_vacuum_insert_threshold=-1"}, r: stats.Relation{InsSinceVacuum: 1e9}, tuples: 10},
		{name: "switched off", options: []string{"autovacuum_enabled=off"}, r: stats.Relation{Dead: 1e9, ModSinceAnalyze: 1e9}},
		{name: "switched off, old", options: []string{"autovacuum_enabled=off"}, r: stats.Relation{Dead: 1e9, ModSinceAnalyze: 1e9}, age: 1e9, vacuum: true, forced: true},
		{name: "all switched off", off: true, r: stats.Relation{Dead: 1e9, ModSinceAnalyze: 1e9}},
		{name: "all switched off, old", off: true, r: stats.Relation{Dead: 1e9, ModSinceAnalyze: 1e9}, multis: 400_000_001, vacuum: true, forced: true},
		{name: "own thresholds", options: []string{"autovacuum_vacuum_threshold=0", "autovacuum_vacuum_scale_factor=0", "fillfactor=70"},
			r: stats.Relation{Dead: 1, ModSinceAnalyze: 1}, tuples: 1e6, vacuum: true},
		{name: "own analyze threshold", options: []string{"autovacuum_analyze_threshold=0", "autovacuum_analyze_scale_factor=0"},
			r: stats.Relation{Dead: 1, ModSinceAnalyze: 1}, tuples: 1e6, analyze: true},
		{name: "old", age: 200_000_001, vacuum: true, forced: true},
		{name: "own age", options: []string{"autovacuum_freeze_max_age=100000"}, age: 100_001, vacuum: true, forced: true},
	} {
		p := defaults().With(c.options)
		if n := p.Need(&c.r, c.tuples, c.age, c.multis, !c.off); n != (Needs{c.vacuum, c.analyze, c.forced}) {
			t.Errorf("%s: %+v", c.name, n)
		}
	}
}

func TestDescribe(t *testing.T) {
	for want, got := range map[string]string{
		"autovacuum: VACUUM public.t":                         Describe(Needs{Vacuum: true}, "public", "t"),
		"autovacuum: VACUUM ANALYZE public.t":                 Describe(Needs{Vacuum: true, Analyze: true}, "public", "t"),
		"autovacuum: VACUUM public.t (to prevent wraparound)": Describe(Needs{Vacuum: true, Wraparound: true}, "public", "t"),
		"autovacuum: ANALYZE public.t":                        Describe(Needs{Analyze: true}, "public", "t"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestChoose runs the schedule in time that the test makes: every database gets a worker once per nap, none twice within one, new ones come in and
// dropped ones are forgotten.
func TestChoose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nap := time.Duration(rapid.IntRange(1, 60).Draw(t, "nap")) * time.Second
		n := rapid.IntRange(1, 8).Draw(t, "databases")
		var dbs []Database
		for i := range n {
			dbs = append(dbs, Database{Oid: ids.Oid(100 + i)})
		}
		last := map[ids.Oid]time.Time{1: {}}
		begin := time.Unix(1e9, 0)
		now, started := begin, map[ids.Oid]time.Time{}
		for now.Sub(begin) < 3*nap {
			due, pause := choose(dbs, last, now, nap)
			if pause < minSleep || pause > nap {
				t.Fatalf("pause of %v", pause)
			}
			if due != nil {
				if was, ok := started[due.Oid]; ok && now.Sub(was) < nap {
					t.Fatalf("database %d again after %v", due.Oid, now.Sub(was))
				}
				started[due.Oid], last[due.Oid] = now, now
			}
			now = now.Add(pause)
		}
		if len(started) != n {
			t.Fatalf("%d of %d databases had a worker in three naps", len(started), n)
		}
		if len(last) != n {
			t.Fatalf("%d databases are remembered", len(last))
		}
	})
}
