package wal

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"gompho/internal/ids"
	"gompho/storage/page"
	"gompho/storage/vfs"
)

// TestCompressedImages writes page images under each setting and reads them back; damaged ones must be refused.
func TestCompressedImages(t *testing.T) {
	const seed = 11
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, seed))
	rel := ids.RelFile{Spc: 1663, DB: 5, Rel: 16384}
	pages := make([]page.Page, 40)
	for i := range pages {
		pages[i] = make(page.Page, page.Size)
		pages[i].Init(16, 0)
		for range rnd.IntN(60) {
			it := bytes.Repeat([]byte{byte(i)}, 8+rnd.IntN(100))
			if i%8 == 7 { // nothing to gain
				for k := range it {
					it[k] = byte(rnd.Uint32())
				}
			}
			pages[i].InsertItem(0, it)
		}
	}
	size := map[string]int64{}
	for _, setting := range []string{"off", "on", "lz4", "zstd"} {
		o := testOptions(vfs.NewMem(1))
		o.SegmentSize = 1 << 20
		o.Compression = func() Compression { return CompressionOf(setting) }
		first := FirstLSN(o.SegmentSize)
		l := mustOpen(t, o, first, first, false)
		var b Builder
		for i := 0; i < len(pages); i += 4 { // several images to a record
			b.Reset(NewPage, 0)
			for k := i; k < i+4; k++ {
				l.AddImage(&b, rel, ids.MainFork, ids.BlockNumber(k), pages[k])
			}
			if _, ok := l.Insert(&b, first); !ok {
				t.Fatal("refused")
			}
		}
		if err := l.Flush(nil, l.InsertedTo()); err != nil {
			t.Fatal(err)
		}
		size[setting] = l.Stats().Bytes
		if n := l.Stats().Images; n != int64(len(pages)) {
			t.Errorf("%s: %d images are counted", setting, n)
		}
		r := NewReader(o, first)
		packed := 0
		for at := 0; at < len(pages); {
			rec, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			for _, ref := range rec.Pages {
				got := make(page.Page, page.Size)
				if !page.Rebuilds(ref.Ops) || page.Apply(got, ref.Ops) != nil || !bytes.Equal(got, pages[at]) || ref.Block != ids.BlockNumber(at) {
					t.Fatalf("%s: image %d is not what was written", setting, at)
				}
				if ref.Packed {
					packed++
				}
				at++
			}
		}
		if (packed > 0) != (setting != "off") {
			t.Errorf("%s: %d images are compressed", setting, packed)
		}
		r.Close()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if size["on"] != size["lz4"] || 2*size["lz4"] > size["off"] || 2*size["zstd"] > size["off"] {
		t.Errorf("sizes of the log: %v", size)
	}
	k, u := &packer{}, &unpacker{}
	for _, m := range []Compression{LZ4, Zstd} {
		good := bytes.Clone(k.pack(m, pages[0]))
		for range 2000 {
			bad := bytes.Clone(good)
			bad[rnd.IntN(len(bad))] ^= 1 << rnd.IntN(8)
			u.mem = u.mem[:0]
			u.unpack(bad[:rnd.IntN(len(bad)+1)]) // must not panic or take memory without bound
		}
		if cap(u.mem) > 1<<20 {
			t.Errorf("%d bytes for an image", cap(u.mem))
		}
	}
}
