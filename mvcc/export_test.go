package mvcc

import (
	"testing"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
)

// exporter is a transaction that has exported a snapshot and holds no other.
func exporter(srv *server, o BeginOpts) (*Session, string) {
	s := srv.session()
	s.SetDatabase(5)
	check(s.Begin(o))
	s.PushActive(s.Snapshot())
	name := must(s.Export())
	s.PopActive()
	return s, name
}

func importer(srv *server, o BeginOpts, name string) (*Session, error) {
	s := srv.session()
	s.SetDatabase(5)
	check(s.Begin(o))
	return s, s.Import(name)
}

// The horizon stays where the snapshot is, while the exporter runs and then while an importer does.
func TestExportHoldsHorizon(t *testing.T) {
	for _, iso := range []Isolation{ReadCommitted, RepeatableRead, Serializable} {
		srv := newServer(t)
		from, name := exporter(srv, BeginOpts{Isolation: iso})
		at := srv.m.NextXid()
		write := func() {
			w := srv.session()
			check(w.Begin(BeginOpts{}))
			must(w.AssignXid())
			check(w.Commit())
			w.Close()
		}
		horizon := func(when string, want ids.Xid) {
			t.Helper()
			write()
			if got := srv.m.OldestXmin(5); got != want {
				t.Errorf("%s, %s: horizon %d, want %d", iso, when, got, want)
			}
		}
		horizon("exported", at)
		to, err := importer(srv, BeginOpts{Isolation: max(iso, RepeatableRead)}, name)
		if err != nil {
			t.Fatal(err)
		}
		horizon("imported", at)
		check(from.Commit())
		horizon("exporter gone", at)
		if got := to.Snapshot().Xmin; got != at {
			t.Errorf("%s: imported a snapshot of %d, want %d", iso, got, at)
		}
		to.Abort()
		horizon("importer gone", srv.m.NextXid()+1)
		if _, err := importer(srv, BeginOpts{Isolation: RepeatableRead}, name); !pgerr.Is(err, pgerr.InvalidParameterValue) {
			t.Errorf("import after the exporter's end: %v", err)
		}
	}
}

// An importer that has found the name but comes too late must not have the snapshot: its xmin may be lower than a horizon that is in use.
func TestExporterEndsMeanwhile(t *testing.T) {
	for _, iso := range []Isolation{RepeatableRead, Serializable} {
		srv := newServer(t)
		from, name := exporter(srv, BeginOpts{Isolation: iso})
		e := srv.m.exports[name]
		check(from.Commit())
		s := srv.session()
		check(s.Begin(BeginOpts{Isolation: iso}))
		if err := s.adopt(e); !pgerr.Is(err, pgerr.ObjectNotInPrerequisiteState) {
			t.Errorf("%s: %v", iso, err)
		}
		if s.first != nil || s.ser != nil || s.p.xmin.Load() != 0 || s.HasSnapshot() {
			t.Errorf("%s: a refused import has left something", iso)
		}
		s.Abort()
	}
}

// Which exporters' snapshots may be imported by whom.
func TestMayImport(t *testing.T) {
	opts := []BeginOpts{{}, {Isolation: RepeatableRead}, {Isolation: RepeatableRead, ReadOnly: true}, {Isolation: Serializable},
		{Isolation: Serializable, ReadOnly: true}, {Isolation: Serializable, ReadOnly: true, Deferrable: true}}
	for _, from := range opts {
		for _, to := range opts {
			srv := newServer(t)
			_, name := exporter(srv, from)
			s, err := importer(srv, to, name)
			serial := to.Isolation == Serializable
			want := to.Isolation.UsesOneSnapshot() && !(serial && (from.Isolation != Serializable || from.ReadOnly && !to.ReadOnly || to.Deferrable))
			if (err == nil) != want || err != nil && !pgerr.Is(err, pgerr.FeatureNotSupported) {
				t.Errorf("%+v from %+v: %v, want success %v", to, from, err, want)
			}
			if tracked := serial && want && !from.ReadOnly; (s.Serial() != nil) != tracked {
				t.Errorf("%+v from %+v: tracked %v", to, from, !tracked)
			}
		}
	}
}

// A slot's next session goes on counting, so that an old name cannot mean another snapshot.
func TestNamesAreNotUsedAgain(t *testing.T) {
	srv := newServer(t)
	seen := map[string]bool{}
	for range 3 {
		s := srv.m.NewSession(stats.NewSlot(100, 7), srv.m.locks.NewOwner(nil, defaultOwner), SessionOptions{})
		check(s.Begin(BeginOpts{}))
		name := must(s.Export())
		if seen[name] {
			t.Errorf("%s comes twice", name)
		}
		seen[name] = true
		s.Close()
	}
}
