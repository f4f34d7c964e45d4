package executor

import (
	"math/bits"
	"slices"

	"gompho/internal/ids"
	"gompho/storage/heap"
)

// Words of bits that hold all offsets of a page.
const pageBits = 320

// bitmapPage are the rows of one page. lossy: all of them.
type bitmapPage struct {
	bits  [pageBits / 64]uint64
	lossy bool
}

// tidBitmap is a set of row addresses. When it outgrows its limit it forgets which rows of a page were meant.
type tidBitmap struct {
	pages map[ids.BlockNumber]*bitmapPage
	lossy map[ids.BlockNumber]struct{}
	limit int // pages kept exactly
	free  []bitmapPage
}

func newTidBitmap(workMem int64) *tidBitmap {
	return &tidBitmap{pages: make(map[ids.BlockNumber]*bitmapPage), limit: max(16, int(workMem/100))}
}

// bytes is about what the set takes.
func (t *tidBitmap) bytes() int { return 100*len(t.pages) + 16*len(t.lossy) }

func (t *tidBitmap) newPage() *bitmapPage {
	if len(t.free) == 0 {
		t.free = make([]bitmapPage, 32)
	}
	p := &t.free[0]
	t.free = t.free[1:]
	return p
}

func (t *tidBitmap) add(tid ids.TID) {
	p := t.pages[tid.Block]
	if p == nil {
		if _, ok := t.lossy[tid.Block]; ok {
			return
		}
		if len(t.pages) >= t.limit {
			t.lossify()
		}
		p = t.newPage()
		t.pages[tid.Block] = p
	}
	if o := int(tid.Offset); o < pageBits {
		p.bits[o>>6] |= 1 << (uint(o) & 63)
	}
}

// lossify gives up the rows of half of the pages.
func (t *tidBitmap) lossify() {
	if t.lossy == nil {
		t.lossy = make(map[ids.BlockNumber]struct{})
	}
	for b := range t.pages {
		if len(t.pages) <= t.limit/2 {
			return
		}
		t.lossy[b] = struct{}{}
		delete(t.pages, b)
	}
}

// union adds the rows of o.
func (t *tidBitmap) union(o *tidBitmap) {
	for b := range o.lossy {
		if t.lossy == nil {
			t.lossy = make(map[ids.BlockNumber]struct{})
		}
		t.lossy[b] = struct{}{}
		delete(t.pages, b)
	}
	for b, q := range o.pages {
		if _, ok := t.lossy[b]; ok {
			continue
		}
		p := t.pages[b]
		if p == nil {
			if len(t.pages) >= t.limit {
				t.lossify()
			}
			p = t.newPage()
			t.pages[b] = p
		}
		for i, w := range q.bits {
			p.bits[i] |= w
		}
	}
}

// intersect keeps the rows that o has too. A lossy page keeps what the other side knows of it, to be checked again.
func (t *tidBitmap) intersect(o *tidBitmap) {
	for b := range t.lossy {
		if q := o.pages[b]; q != nil {
			p := t.newPage()
			*p = *q
			p.lossy = true
			t.pages[b] = p
			delete(t.lossy, b)
		} else if _, ok := o.lossy[b]; !ok {
			delete(t.lossy, b)
		}
	}
	for b, p := range t.pages {
		if p.lossy {
			continue
		}
		q := o.pages[b]
		if q == nil {
			if _, ok := o.lossy[b]; ok {
				p.lossy = true
			} else {
				delete(t.pages, b)
			}
			continue
		}
		any := uint64(0)
		for i, w := range q.bits {
			p.bits[i] &= w
			any |= p.bits[i]
		}
		p.lossy = q.lossy
		if any == 0 {
			delete(t.pages, b)
		}
	}
}

// iterate returns the pages in order of blocks, and the blocks alone once more. Pages whose rows are to be checked again are given as lossy.
func (t *tidBitmap) iterate() (next func() (heap.BitmapPage, bool), ahead func() (ids.BlockNumber, bool)) {
	blocks := make([]ids.BlockNumber, 0, len(t.pages)+len(t.lossy))
	for b := range t.pages {
		blocks = append(blocks, b)
	}
	for b := range t.lossy {
		blocks = append(blocks, b)
	}
	slices.Sort(blocks)
	coming := blocks
	ahead = func() (ids.BlockNumber, bool) {
		if len(coming) == 0 {
			return 0, false
		}
		b := coming[0]
		coming = coming[1:]
		return b, true
	}
	var offs []ids.OffsetNumber
	next = func() (heap.BitmapPage, bool) {
		if len(blocks) == 0 {
			return heap.BitmapPage{}, false
		}
		b := blocks[0]
		blocks = blocks[1:]
		p := t.pages[b]
		if p == nil || p.lossy {
			return heap.BitmapPage{Block: b}, true
		}
		offs = offs[:0]
		for i, w := range p.bits {
			for ; w != 0; w &= w - 1 {
				offs = append(offs, ids.OffsetNumber(i<<6+bits.TrailingZeros64(w)))
			}
		}
		return heap.BitmapPage{Block: b, Offsets: offs}, true
	}
	return next, ahead
}

// sortTIDs sorts addresses and drops duplicates.
func sortTIDs(t []ids.TID) []ids.TID {
	slices.SortFunc(t, func(a, b ids.TID) int { return cmpUnsigned(a.Pack(), b.Pack()) })
	return slices.Compact(t)
}
