package wal

import (
	"testing"

	"gompho/internal/ids"
	"gompho/storage/page"
)

// FuzzRecord feeds the decoder of records what a checksum that lies would let through: an error or pages that lie within the record, no panic.
func FuzzRecord(f *testing.F) {
	var b Builder
	b.Reset(GenericChange, 7)
	rel := ids.RelFile{Spc: 1663, DB: 5, Rel: 16384}
	pg := make(page.Page, page.Size)
	pg.Init(0, 0)
	b.Page(rel, ids.MainFork, 3, page.AppendSetFlags(nil, 4))
	b.Image(rel, ids.MainFork, 4, pg)
	b.Page(ids.RelFile{Spc: 1663, DB: 5, Rel: 1}, ids.VmFork, 0, nil)
	b.Payload([]byte("payload"))
	b.seal()
	f.Add(append([]byte(nil), b.buf...))
	b.Reset(XactCommit, 8)
	b.Payload(make([]byte, 40))
	b.seal()
	f.Add(append([]byte(nil), b.buf...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < headerSize {
			return
		}
		var r Record
		if err := r.decode(data, 4096, &unpacker{}); err != nil {
			return
		}
		_ = r.Describe()
		total := len(r.Payload)
		for _, p := range r.Pages {
			if p.Fork >= ids.NumForks {
				t.Fatalf("fork %d", p.Fork)
			}
			total += len(p.Ops)
			q := make(page.Page, page.Size)
			_ = page.Apply(q, p.Ops)
		}
		if total > len(data) {
			t.Fatalf("%d bytes of content in a record of %d", total, len(data))
		}
	})
}
