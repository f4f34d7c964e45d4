package inspect

import (
	"cmp"
	"maps"
	"slices"

	"gompho/wal"
)

// Stats sums up records by resource manager, or by type of record.
type Stats struct {
	PerRecord bool
	sums      map[string]*Sum
	total     Sum
}

// Sum is what there is of one resource manager or one type of record.
type Sum struct {
	Name                string // "Heap", or "Heap/INSERT"
	Count               int64
	RecordSize, FPISize int64 // bytes; the first without page images
}

// Add counts a record.
func (s *Stats) Add(r *wal.Record) {
	manager, typ := r.Kind.Manager()
	name := manager
	if s.PerRecord {
		name += "/" + typ
	}
	if s.sums == nil {
		s.sums = map[string]*Sum{}
	}
	x := s.sums[name]
	if x == nil {
		x = &Sum{Name: name}
		s.sums[name] = x
	}
	fpi := int64(ImageBytes(r))
	for _, y := range []*Sum{x, &s.total} {
		y.Count++
		y.RecordSize += int64(r.Size) - fpi
		y.FPISize += fpi
	}
}

// Rows lists the sums by name; Total is all of them together.
func (s *Stats) Rows() []Sum {
	var out []Sum
	for _, x := range slices.SortedFunc(maps.Values(s.sums), func(a, b *Sum) int { return cmp.Compare(a.Name, b.Name) }) {
		out = append(out, *x)
	}
	return out
}

// Total sums up all records.
func (s *Stats) Total() Sum { return s.total }

// Percent is 100 * part / whole, 0 of nothing.
func Percent(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}
