package mvcc

import (
	"testing"

	"gompho/internal/ids"
	"gompho/storage/tuple"
)

// nullLog keeps nothing: what is measured is this package.
func benchServer(b *testing.B) (*server, *Session) {
	srv := newServer(b)
	return srv, srv.session()
}

func BenchmarkReadOnlyTransaction(b *testing.B) {
	_, s := benchServer(b)
	b.ReportAllocs()
	for b.Loop() {
		check(s.Begin(BeginOpts{Isolation: ReadCommitted}))
		s.PushActive(s.Snapshot())
		s.PopActive()
		check(s.Commit())
	}
}

func BenchmarkWritingTransaction(b *testing.B) {
	_, s := benchServer(b)
	b.ReportAllocs()
	for b.Loop() {
		check(s.Begin(BeginOpts{Isolation: ReadCommitted}))
		s.PushActive(s.Snapshot())
		must(s.AssignXid())
		s.PopActive()
		check(s.Commit())
	}
}

func benchVisible(b *testing.B, mask uint16, xmin ids.Xid) {
	srv, s := benchServer(b)
	for range 100 {
		check(s.Begin(BeginOpts{Isolation: ReadCommitted}))
		must(s.AssignXid())
		check(s.Commit())
	}
	other := srv.session()
	check(other.Begin(BeginOpts{}))
	must(other.AssignXid())
	check(s.Begin(BeginOpts{Isolation: ReadCommitted}))
	sn := s.Snapshot()
	h := tuple.Header(make([]byte, tuple.HeaderSize))
	h.SetXmin(xmin)
	b.ReportAllocs()
	for b.Loop() {
		h.SetInfomask(mask)
		if ok, _ := sn.Satisfies(h); !ok {
			b.Fatal("not seen")
		}
	}
}

func BenchmarkVisibleHinted(b *testing.B) {
	benchVisible(b, tuple.XminCommitted|tuple.XmaxInvalid, 5)
}
func BenchmarkVisibleUnhinted(b *testing.B) { benchVisible(b, tuple.XmaxInvalid, 5) }
