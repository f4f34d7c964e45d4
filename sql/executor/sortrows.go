package executor

import (
	"slices"

	"gompho/types"
)

// A rowSorter brings the rows of a store in order. Interrupts end it: a comparison costs as much as the rows are long.
type rowSorter struct {
	s    *rowStore
	keys []sortKey // those that decide between entries of equal prefixes
	pace types.Pace
	cost int
	err  error // the interrupt; from then on all rows are equal
}

// sortedAtOnce is the number of entries that are sorted in one go; more are merged.
const sortedAtOnce = 1 << 12

// sortRows returns the rows of a store in order; equal rows keep the order in which they came.
func sortRows(s *rowStore, keys []sortKey, out []sortEntry, pace types.Pace) ([]sortEntry, error) {
	out = out[:0]
	r := rowSorter{s: s, keys: keys, pace: pace, cost: types.ElementStep + int(s.used()/int64(max(1, s.n)))}
	if len(keys) == 0 {
		for i := range s.n {
			out = append(out, sortEntry{0, uint32(i)})
		}
		return out, nil
	}
	first := &keys[0]
	nulls := false
	for i := range s.n {
		out = append(out, sortEntry{first.prefix(s, uint32(i)), uint32(i)})
		nulls = nulls || s.isNull(uint32(i), first.col)
		if err := r.pace.Step(types.ElementStep); err != nil {
			return nil, err
		}
	}
	if len(out) < 512 {
		slices.SortFunc(out, r.entryOrder)
		return out, r.err
	}
	if err := r.radixSort(out); err != nil {
		return nil, err
	}
	if first.exact() && !nulls {
		if len(keys) == 1 {
			return out, nil
		}
		r.keys = keys[1:]
	}
	for i := 0; i < len(out); {
		j := i + 1
		for j < len(out) && out[j].key == out[i].key {
			j++
		}
		if err := r.pace.Step(j - i); err != nil {
			return nil, err
		}
		if j-i > 1 {
			if r.sort(out[i:j]); r.err != nil {
				return nil, r.err
			}
		}
		i = j
	}
	return out, nil
}

// rowOrder orders entries of equal prefixes.
func (r *rowSorter) rowOrder(a, b sortEntry) int {
	if r.err != nil {
		return 0
	}
	if r.err = r.pace.Step(r.cost); r.err != nil {
		return 0
	}
	if c := compareRows(r.keys, r.s, a.row, r.s, b.row); c != 0 {
		return c
	}
	return cmpUnsigned(uint64(a.row), uint64(b.row))
}

func (r *rowSorter) entryOrder(a, b sortEntry) int {
	if a.key != b.key {
		return cmpUnsigned(a.key, b.key)
	}
	return r.rowOrder(a, b)
}

// sort sorts entries of equal prefixes: in runs, which it merges.
func (r *rowSorter) sort(e []sortEntry) {
	for at := 0; at < len(e); at += sortedAtOnce {
		if slices.SortFunc(e[at:min(at+sortedAtOnce, len(e))], r.rowOrder); r.err != nil {
			return
		}
	}
	if len(e) <= sortedAtOnce {
		return
	}
	src, dst := e, make([]sortEntry, len(e))
	for n := sortedAtOnce; n < len(e); n *= 2 {
		for at := 0; at < len(e); at += 2 * n {
			mid, end := min(at+n, len(e)), min(at+2*n, len(e))
			if r.merge(dst[at:end], src[at:mid], src[mid:end]); r.err != nil {
				return
			}
		}
		src, dst = dst, src
	}
	if &src[0] != &e[0] {
		copy(e, src)
	}
}

// merge puts the entries of two sorted lists into dst.
func (r *rowSorter) merge(dst, a, b []sortEntry) {
	for len(a) > 0 && len(b) > 0 && r.err == nil {
		if r.rowOrder(a[0], b[0]) <= 0 {
			dst[0], a = a[0], a[1:]
		} else {
			dst[0], b = b[0], b[1:]
		}
		dst = dst[1:]
	}
	copy(dst[copy(dst, a):], b)
}

// radixSort sorts by key, stably, byte by byte from the lowest; bytes that are the same everywhere are left out.
func (r *rowSorter) radixSort(e []sortEntry) error {
	var counts [8][256]uint32
	for i := range e {
		k := e[i].key
		for b := range counts {
			counts[b][byte(k>>(8*b))]++
		}
		if err := r.pace.Step(types.ElementStep); err != nil {
			return err
		}
	}
	src := e
	var dst []sortEntry
	for b := range counts {
		c := &counts[b]
		if c[byte(e[0].key>>(8*b))] == uint32(len(e)) {
			continue
		}
		if dst == nil {
			dst = make([]sortEntry, len(e))
		}
		sum := uint32(0)
		for i := range c {
			c[i], sum = sum, sum+c[i]
		}
		for i := range src {
			d := byte(src[i].key >> (8 * b))
			dst[c[d]] = src[i]
			c[d]++
			if err := r.pace.Step(types.ElementStep); err != nil {
				return err
			}
		}
		src, dst = dst, src
	}
	if &src[0] != &e[0] {
		copy(e, src)
	}
	return nil
}
