package executor

import "gompho/types"

// sortedRun aggregates input that is sorted by the group columns: one group after the other.
type sortedRun struct {
	n       *aggNode // nil: not in use
	keys    []keyColumn
	first   rowStore // the needed columns of the running group's first row
	states  []aggState
	open    bool // a group is running
	results rowStore
	given   uint32
	ended   bool
	iota    []int32
	vals    []types.Datum
	at      []int // of each aggregate: how far its selection was used
	held    tally // of accumulators
}

func (r *sortedRun) init(n *aggNode, keys []keyColumn, kinds []types.Kind) error {
	r.n, r.keys = n, keys
	r.first.init(&n.ex.env.pool, kinds)
	r.results.init(&n.ex.env.pool, n.kinds)
	r.states = make([]aggState, len(n.fns))
	r.vals = make([]types.Datum, len(n.kinds))
	r.at = make([]int, len(n.fns))
	return nil
}

func (r *sortedRun) reset() {
	if r.n == nil {
		return
	}
	r.held.done()
	r.first.reset()
	r.results.reset()
	for i := range r.states {
		if s := r.states[i].rows; s != nil {
			s.reset()
		}
		r.states[i] = aggState{}
	}
	r.open, r.ended, r.given = false, false, 0
}

// next returns at most max finished groups, nil at the end.
func (r *sortedRun) next(max int) (*types.Batch, error) {
	for int(r.given) >= r.results.n {
		r.results.rewindAll()
		r.given = 0
		if r.ended {
			return nil, nil
		}
		b, err := r.n.child.next(BatchSize)
		if err != nil {
			return nil, err
		}
		if b == nil {
			r.ended = true
			r.n.child.close()
			if r.open {
				if err := r.finish(); err != nil {
					return nil, err
				}
			}
			continue
		}
		if err := r.take(b); err != nil {
			return nil, err
		}
		r.held.set(&r.n.ex.env.pool, sizeOf(r.states))
		if err := r.n.ex.env.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
	}
	k := min(max, r.results.n-int(r.given))
	r.results.fill(r.n.out, r.given, k)
	r.given += uint32(k)
	return r.n.out, nil
}

// take accumulates a batch, group by group.
func (r *sortedRun) take(b *types.Batch) error {
	n := r.n
	n.insc.begin(b)
	for i, f := range n.fns {
		if err := f.prepare(b); err != nil {
			return err
		}
		r.at[i] = 0
	}
	for len(r.iota) < b.N {
		r.iota = append(r.iota, int32(len(r.iota)))
	}
	rows := b.Sel
	if rows == nil {
		rows = r.iota[:b.N]
	}
	for lo := 0; lo < len(rows); {
		pos := int(rows[lo])
		if r.open && !r.same(b, pos, -1) {
			if err := r.finish(); err != nil {
				return err
			}
		}
		if !r.open {
			if err := r.begin(b, pos); err != nil {
				return err
			}
		}
		hi := lo + 1
		for hi < len(rows) && r.same(b, int(rows[hi]), int(rows[hi-1])) {
			hi++
		}
		if err := r.add(rows[lo:hi], b.N); err != nil {
			return err
		}
		lo = hi
	}
	return nil
}

// same compares a row's group columns with those of the row at prev, or of the running group when prev is negative.
func (r *sortedRun) same(b *types.Batch, pos, prev int) bool {
	for i := range r.keys {
		v := b.Cols[r.n.needed[i]]
		if prev >= 0 {
			if !r.keys[i].equalRows(v, pos, v, prev) {
				return false
			}
		} else if !r.keys[i].equalStored(v, pos, &r.first, 0, i) {
			return false
		}
	}
	return true
}

func (r *sortedRun) begin(b *types.Batch, pos int) error {
	r.first.rewindRows()
	_, row := r.first.add()
	clear(row[:r.first.nullWords])
	for i, c := range r.n.needed {
		r.first.setFrom(row, i, b.Cols[c], pos)
	}
	for i, f := range r.n.fns {
		if old := &r.states[i]; old.acc != nil && old.rows == nil && len(f.direct) == 0 {
			old.acc.Reset()
			continue
		}
		st, err := f.begin(r.n.ex, pos)
		if err != nil {
			return err
		}
		r.states[i] = st
	}
	r.open = true
	return nil
}

// add accumulates the rows of one group, which are positions in ascending order.
func (r *sortedRun) add(rows []int32, size int) error {
	for i, f := range r.n.fns {
		sel := rows
		if f.filter != nil {
			// The rows of the group among those that pass the filter.
			lo := r.at[i]
			for lo < len(f.sel) && f.sel[lo] < rows[0] {
				lo++
			}
			hi := lo
			for hi < len(f.sel) && f.sel[hi] <= rows[len(rows)-1] {
				hi++
			}
			r.at[i] = hi
			if sel = f.sel[lo:hi]; len(sel) == 0 {
				continue
			}
		}
		if err := f.addRows(&r.states[i], sel, size); err != nil {
			return err
		}
	}
	return nil
}

// finish stores the results of the running group.
func (r *sortedRun) finish() error {
	n := r.n
	for i, f := range n.fns {
		d, err := f.finish(&r.states[i])
		if err != nil {
			return err
		}
		r.vals[i] = d
	}
	for i, x := range n.extra {
		d := types.Int(0)
		if x.child >= 0 {
			d = r.first.get(0, n.storeCol[x.child])
		}
		r.vals[len(n.fns)+i] = d
	}
	r.results.appendDatums(r.vals)
	r.open = false
	return nil
}
