package catalog

import (
	"testing"

	"gompho/internal/ids"
	"gompho/locks"
)

func memSession(t testing.TB) *Session {
	s, err := NewInMemory()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLookups(t *testing.T) {
	s := memSession(t)
	p, err := s.Proc(1242)
	if err != nil || p == nil || p.Proname != "boolin" || len(p.Proargtypes) != 1 || p.Proargtypes[0] != 2275 {
		t.Fatalf("Proc(1242) = %+v, %v", p, err)
	}
	fs, err := s.FuncCandidates("", "sum")
	if err != nil || len(fs) != 8 {
		t.Fatalf("sum: %d candidates, %v", len(fs), err)
	}
	op, err := s.OperatorExact("", "=", 23, 23)
	if err != nil || op == nil || op.Oid != 96 {
		t.Fatalf("int4 = int4: %+v, %v", op, err)
	}
	r, err := s.OpenRelation(RelName{Name: "pg_class"}, locks.AccessShare, LockOpts{})
	if err != nil || r.Oid != PgClassOid || len(r.Indexes) != 3 || r.AttNum("relname") != 2 || len(r.Desc.Attrs) != 33 {
		t.Fatalf("pg_class: %+v, %v", r, err)
	}
	c, err := s.Cast(23, 20)
	if err != nil || c == nil || c.Castfunc != 481 {
		t.Fatalf("cast: %+v, %v", c, err)
	}
	for _, tc := range []struct{ typ, want ids.Oid }{{23, 1978}, {25, 3126}, {1043, 3126}} {
		oc, err := s.DefaultOpClass(tc.typ, 403)
		if err != nil || oc == 0 {
			t.Fatalf("default opclass of %d: %d, %v", tc.typ, oc, err)
		}
	}
	if oid, err := s.LookupRelation(RelName{Name: "nothing"}); oid != 0 || err != nil {
		t.Fatalf("nothing: %d, %v", oid, err)
	}
	n, err := s.CreationNamespace()
	if err != nil || n != ids.PublicNamespace {
		t.Fatalf("creation namespace %d, %v", n, err)
	}
}

func BenchmarkProc(b *testing.B) {
	s := memSession(b)
	b.ReportAllocs()
	for b.Loop() {
		s.Proc(1242)
	}
}

func BenchmarkRelationByName(b *testing.B) {
	s := memSession(b)
	b.ReportAllocs()
	for b.Loop() {
		o, _ := s.LookupRelation(RelName{Name: "pg_class"})
		s.Relation(o)
	}
}

func BenchmarkLoadBuiltins(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		loadBuiltins()
	}
}
