package planner

import "math/bits"

// maxRelations bounds the range-table entries of one query level.
const maxRelations = 256

// relset is a set of range-table indexes. The zero value is empty; sets compare with ==.
type relset [maxRelations / 64]uint64

func single(i int) relset {
	var s relset
	s[i>>6] = 1 << (uint(i) & 63)
	return s
}

func (s relset) has(i int) bool { return s[i>>6]&(1<<(uint(i)&63)) != 0 }

func (s relset) add(i int) relset {
	s[i>>6] |= 1 << (uint(i) & 63)
	return s
}

func (s relset) union(t relset) relset {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

func (s relset) intersect(t relset) relset {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

func (s relset) minus(t relset) relset {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}

func (s relset) empty() bool { return s == relset{} }

func (s relset) subsetOf(t relset) bool { return s.minus(t).empty() }

func (s relset) overlaps(t relset) bool { return !s.intersect(t).empty() }

func (s relset) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// first returns the lowest member, -1 for the empty set.
func (s relset) first() int {
	for i, w := range s {
		if w != 0 {
			return i<<6 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// members lists the set in ascending order.
func (s relset) members() []int {
	var out []int
	for i, w := range s {
		for w != 0 {
			out = append(out, i<<6+bits.TrailingZeros64(w))
			w &= w - 1
		}
	}
	return out
}
