package executor

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"gompho/storage/heap"
	"gompho/types"
)

// scratch is a temporary file in memory; failing makes its operations fail.
type scratch struct {
	b       []byte
	failing bool
	reads   int
}

func (f *scratch) WriteAt(p []byte, off int64) (int, error) {
	if f.failing {
		return 0, errors.New("disk full")
	}
	if need := int(off) + len(p); len(f.b) < need {
		f.b = append(f.b, make([]byte, need-len(f.b))...)
	}
	return copy(f.b[off:], p), nil
}

func (f *scratch) ReadAt(p []byte, off int64) (int, error) {
	f.reads++
	return copy(p, f.b[off:]), nil
}

func (f *scratch) Close() error { return nil }

func pagedStore(f *scratch) *pagedRows {
	p := &pagedRows{}
	p.init(&blockPool{}, []types.Kind{types.WordKind, types.BytesKind})
	p.page(func() (heap.TempFile, error) { return f, nil }, 1)
	return p
}

// TestPagedRows: rows are what was put in, in whatever order they are read, though most of them are in the file.
func TestPagedRows(t *testing.T) {
	f := &scratch{}
	p := pagedStore(f)
	for round := range 2 {
		rng := rand.New(rand.NewPCG(3, uint64(round)))
		const rows = 20000
		want := make([][]byte, rows)
		for i := range want {
			if rng.IntN(10) > 0 {
				n := rng.IntN(200)
				if rng.IntN(500) == 0 {
					n = 100000
				}
				want[i] = bytes.Repeat([]byte{byte(i), byte(i >> 8)}, n)[:n]
			}
			_, r := p.add()
			clear(r[:p.nullWords])
			p.set(r, 0, types.Int(int64(i)))
			d := types.Null
			if want[i] != nil {
				d = types.Bytes(want[i])
			}
			p.set(r, 1, d)
		}
		check := func(i int, id, v types.Datum) {
			t.Helper()
			if id.Int() != int64(i) || v.IsNull() != (want[i] == nil) || want[i] != nil && !bytes.Equal(v.Bytes(), want[i]) {
				t.Fatalf("row %d is wrong", i)
			}
		}
		for range 5000 {
			i := rng.IntN(rows)
			check(i, p.get(uint32(i), 0), p.get(uint32(i), 1))
		}
		b := newBatch(p.kinds, 0)
		for first := 0; first < rows; first += 500 {
			p.fill(b, uint32(first), 500)
			for k := range 500 {
				check(first+k, b.Cols[0].Get(k), b.Cols[1].Get(k))
			}
		}
		if p.err != nil || f.reads == 0 || p.resident > 2*p.limit {
			t.Fatalf("error %v, %d reads, %d bytes in memory", p.err, f.reads, p.resident)
		}
		p.reset()
	}
	p.close()
}

// TestPagedRowsFail: a full disk is reported and loses nothing that was in memory.
func TestPagedRowsFail(t *testing.T) {
	p := pagedStore(&scratch{failing: true})
	for i := range 50000 {
		_, r := p.add()
		clear(r[:p.nullWords])
		p.set(r, 0, types.Int(int64(i)))
		p.set(r, 1, types.String("some text"))
	}
	if p.err == nil {
		t.Fatal("no error")
	}
	if d := p.get(17, 0); d.Int() != 17 {
		t.Fatalf("row 17 has %d", d.Int())
	}
}
