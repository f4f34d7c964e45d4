package commands

import (
	"math"
	"slices"

	"gompho/types"
)

// columnSample are the sampled values of a column, in physical order.
type columnSample struct {
	values []types.Datum
	total  float64 // rows in the table
	target int     // entries of the lists
	width  int     // of the type, negative when it varies
	cmp    func(a, b types.Datum) int
}

// columnStats are the statistics of a column.
type columnStats struct {
	nullFrac, width, distinct float64
	mcv                       []types.Datum
	mcvFreqs                  []float32
	histogram                 []types.Datum
	correlation               float64
	hasCorrelation            bool
}

// widthLimit is the size of values that count as distinct and are otherwise left out.
const widthLimit = 1024

type sampled struct {
	v  types.Datum
	at int // place in physical order
}

// valueGroup is a run of equal values in sorted order.
type valueGroup struct{ first, count int }

// compute applies the estimators of PostgreSQL's standard ANALYZE function.
func (in *columnSample) compute() columnStats {
	rows := float64(len(in.values))
	var st columnStats
	var vals []sampled
	nulls, wide, size := 0, 0, 0.0
	for _, v := range in.values {
		if v.IsNull() {
			nulls++
			continue
		}
		if in.width < 0 {
			n := len(v.Bytes())
			size += float64(storedWidth(n))
			if n > widthLimit {
				wide++
				continue
			}
		}
		vals = append(vals, sampled{v, len(vals)})
	}
	notNull := len(in.values) - nulls
	st.nullFrac = float64(nulls) / rows
	switch {
	case notNull == 0:
		if in.width > 0 {
			st.width = float64(in.width)
		}
		return st
	case in.width < 0:
		st.width = size / float64(notNull)
	default:
		st.width = float64(in.width)
	}
	if in.cmp == nil {
		return st
	}
	if len(vals) == 0 {
		st.distinct = -1 * (1 - st.nullFrac) // all too wide: assume that they differ
		return st
	}
	in.scalar(&st, vals, float64(nulls), wide)
	return st
}

func storedWidth(n int) int {
	if n < 127 {
		return n + 1
	}
	return n + 4
}

func (in *columnSample) scalar(st *columnStats, vals []sampled, nulls float64, wide int) {
	slices.SortFunc(vals, func(a, b sampled) int {
		if c := in.cmp(a.v, b.v); c != 0 {
			return c
		}
		return a.at - b.at
	})
	rows := float64(len(in.values))
	var groups []valueGroup
	multiple := 0
	xy := 0.0
	for i := range vals {
		xy += float64(i) * float64(vals[i].at)
		if i > 0 && in.cmp(vals[i-1].v, vals[i].v) == 0 {
			g := &groups[len(groups)-1]
			if g.count++; g.count == 2 {
				multiple++
			}
			continue
		}
		groups = append(groups, valueGroup{i, 1})
	}
	distinct := len(groups)
	st.distinct = in.distinctValues(st, distinct, multiple, nulls, wide)
	top := in.mostCommon(st, groups, distinct, wide, rows)
	for _, g := range top {
		st.mcv = append(st.mcv, vals[g.first].v)
		st.mcvFreqs = append(st.mcvFreqs, float32(float64(g.count)/rows))
	}
	in.bounds(st, vals, top, distinct)
	if n := float64(len(vals)); n > 1 {
		x := (n - 1) * n / 2
		x2 := (n - 1) * n * (2*n - 1) / 6
		st.correlation, st.hasCorrelation = (n*xy-x*x)/(n*x2-x*x), true
	}
}

// distinctValues estimates the number of distinct values: negative when it is a share of the rows.
func (in *columnSample) distinctValues(st *columnStats, distinct, multiple int, nulls float64, wide int) float64 {
	rows := float64(len(in.values))
	d := 0.0
	switch {
	case multiple == 0:
		return -1 * (1 - st.nullFrac)
	case wide == 0 && multiple == distinct:
		d = float64(distinct)
	default:
		// Haas and Stokes: from the number of values that were seen exactly once.
		f1 := float64(distinct - multiple + wide)
		seen := f1 + float64(multiple)
		n, total := rows-nulls, in.total*(1-st.nullFrac)
		est := 0.0
		if total > 0 {
			est = n * seen / ((n - f1) + f1*n/total)
		}
		d = math.Floor(min(max(est, seen), total) + 0.5)
	}
	if d > 0.1*in.total {
		return -(d / in.total)
	}
	return d
}

// mostCommon chooses the most common values.
func (in *columnSample) mostCommon(st *columnStats, groups []valueGroup, distinct, wide int, rows float64) []valueGroup {
	var top []valueGroup
	for _, g := range groups {
		if g.count > 1 {
			top = append(top, g)
		}
	}
	slices.SortStableFunc(top, func(a, b valueGroup) int { return b.count - a.count })
	if len(top) > in.target {
		top = top[:in.target]
	}
	if len(top) == distinct && wide == 0 && st.distinct > 0 && len(top) <= in.target {
		return top // the list has all values
	}
	return top[:in.worthKeeping(st, top, rows)]
}

// worthKeeping returns how many of the most common values are more common than the others by more than chance.
func (in *columnSample) worthKeeping(st *columnStats, top []valueGroup, n float64) int {
	total := in.total
	k := len(top)
	if n >= total || total <= 1 || k == 0 {
		return k
	}
	distinct := st.distinct
	if distinct < 0 {
		distinct = -distinct * total
	}
	sum := 0.0
	for _, g := range top[:k-1] {
		sum += float64(g.count)
	}
	for k > 0 {
		share := min(max(1-sum/n-st.nullFrac, 0), 1)
		if others := distinct - float64(k-1); others > 1 {
			share /= others
		}
		count := float64(top[k-1].count)
		pop := total * count / n
		variance := n * pop * (total - pop) * (total - n) / (total * total * (total - 1))
		if count > share*n+2*math.Sqrt(variance)+0.5 {
			break
		}
		if k--; k > 0 {
			sum -= float64(top[k-1].count)
		}
	}
	return k
}

// bounds makes the histogram of the values that are not among the most common.
func (in *columnSample) bounds(st *columnStats, vals []sampled, top []valueGroup, distinct int) {
	n := min(distinct-len(top), in.target+1)
	if n < 2 {
		return
	}
	rest := vals
	if len(top) > 0 {
		skip := slices.Clone(top)
		slices.SortFunc(skip, func(a, b valueGroup) int { return a.first - b.first })
		rest = make([]sampled, 0, len(vals))
		at := 0
		for _, g := range skip {
			rest = append(rest, vals[at:g.first]...)
			at = g.first + g.count
		}
		rest = append(rest, vals[at:]...)
	}
	step, frac := (len(rest)-1)/(n-1), (len(rest)-1)%(n-1)
	pos, posFrac := 0, 0
	for range n {
		st.histogram = append(st.histogram, rest[pos].v)
		pos += step
		if posFrac += frac; posFrac >= n-1 {
			pos++
			posFrac -= n - 1
		}
	}
}
