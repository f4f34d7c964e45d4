package executor

import (
	"container/heap"

	"gompho/types"
)

// sorter sorts rows: in memory while they fit, else as runs on temporary files that are merged when they are read.
type sorter struct {
	ex      *Exec
	keys    []sortKey
	kinds   []types.Kind
	store   rowStore
	entries []sortEntry
	bound   int // > 0: only so many first rows are wanted
	spare   rowStore
	limit   int64

	runs   []*tape
	merge  *merger
	pos    int
	sorted bool
	// for EXPLAIN
	peak    int64
	onDisk  int64
	trimmed bool
	enc     []byte
	index   tally // of entries
}

func (s *sorter) init(ex *Exec, keys []sortKey, kinds []types.Kind) {
	s.ex, s.keys, s.kinds = ex, keys, kinds
	s.store.init(&ex.env.pool, kinds)
	s.spare.init(&ex.env.pool, kinds)
}

// begin empties the sorter for new rows.
func (s *sorter) begin(bound int64) {
	s.reset()
	s.limit = s.ex.env.workMem()
	s.bound = 0
	if bound > 0 && bound < 1<<20 {
		s.bound = int(bound)
	}
}

// add takes the rows of b.
func (s *sorter) add(b *types.Batch) error {
	n := b.Rows()
	if s.bound > 0 && s.trimmed && len(s.keys) > 0 {
		s.addBetter(b)
	} else {
		for i := range n {
			s.store.appendRow(b, b.Row(i))
		}
	}
	if s.bound > 0 && s.store.n >= max(2*s.bound, 1024) {
		if err := s.trim(); err != nil {
			return err
		}
	}
	mem := s.store.used() + int64(s.store.n)*16
	s.peak = max(s.peak, mem)
	if mem <= s.limit {
		return nil
	}
	if s.bound > 0 && s.store.n > s.bound {
		if err := s.trim(); err != nil {
			return err
		}
		if s.store.used() <= s.limit/2 {
			return nil
		}
	}
	s.bound, s.trimmed = 0, false
	return s.spill()
}

// addBetter takes the rows that may be among the first ones: the last of those known so far is in row bound-1.
func (s *sorter) addBetter(b *types.Batch) {
	k := &s.keys[0]
	worst := s.store.get(uint32(s.bound-1), k.col)
	v := b.Cols[k.col]
	for i := range b.Rows() {
		pos := b.Row(i)
		if k.compareDatums(v.Get(pos), worst) <= 0 {
			s.store.appendRow(b, pos)
		}
	}
}

// trim keeps the first bound rows, in order.
func (s *sorter) trim() error {
	if err := s.order(); err != nil {
		return err
	}
	n := min(s.bound, len(s.entries))
	s.spare.reset()
	for _, e := range s.entries[:n] {
		s.spare.copyRow(&s.store, e.row)
	}
	s.store.swap(&s.spare)
	s.spare.reset()
	s.trimmed = n == s.bound
	return nil
}

// spill writes the rows as a sorted run.
func (s *sorter) spill() error {
	if err := s.order(); err != nil {
		return err
	}
	t := newTape(s.ex)
	s.runs = append(s.runs, t)
	for _, e := range s.entries {
		s.enc = s.store.encodeRow(s.enc[:0], e.key, e.row)
		if err := t.writeRow(s.enc); err != nil {
			return err
		}
	}
	s.onDisk += t.size()
	s.store.reset()
	return nil
}

// finish ends the input.
func (s *sorter) finish() error {
	s.sorted, s.pos = true, 0
	if len(s.runs) > 0 {
		if s.store.n > 0 {
			if err := s.spill(); err != nil {
				return err
			}
		}
		s.dropIndex()
		return s.openMerge()
	}
	if err := s.order(); err != nil {
		return err
	}
	if s.bound > 0 && len(s.entries) > s.bound {
		s.entries = s.entries[:s.bound]
	}
	return nil
}

// order sorts the rows that are in memory.
func (s *sorter) order() (err error) {
	s.index.set(s.store.pool, 16*s.store.n)
	s.entries, err = sortRows(&s.store, s.keys, s.entries, types.PaceFor(s.ex.env.Slot))
	return err
}

func (s *sorter) dropIndex() {
	s.index.done()
	if cap(s.entries) > 1<<14 {
		s.entries = nil
	}
	s.entries = s.entries[:0]
}

// rewind reads the sorted rows again.
func (s *sorter) rewind() error {
	s.pos = 0
	if len(s.runs) > 0 {
		return s.openMerge()
	}
	return nil
}

// read puts at most max rows into out, whose columns are the store's; n is 0 at the end.
func (s *sorter) read(max int, out *types.Batch, rows []uint32) (int, error) {
	if s.merge != nil {
		return s.merge.read(max, out)
	}
	n := min(max, len(s.entries)-s.pos, len(rows))
	rows = rows[:n]
	for i := range rows {
		rows[i] = s.entries[s.pos+i].row
	}
	s.pos += n
	for c, v := range out.Cols {
		s.store.gather(c, rows, v)
	}
	out.N, out.Sel = n, nil
	return n, nil
}

func (s *sorter) reset() {
	s.store.reset()
	s.dropIndex()
	s.closeMerge()
	for _, r := range s.runs {
		r.close()
	}
	s.runs = nil
	s.sorted, s.trimmed, s.pos, s.onDisk, s.peak = false, false, 0, 0, 0
}

// merger merges sorted runs.
type merger struct {
	s     *sorter
	heads []*runHead // a heap
	out   rowStore
}

// runHead is the row that a run stands at.
type runHead struct {
	t     *tape
	row   rowStore
	order int
	key   uint64
}

func (s *sorter) openMerge() error {
	s.closeMerge()
	m := &merger{s: s}
	m.out.init(&s.ex.env.pool, s.kinds)
	for i, t := range s.runs {
		if err := t.rewind(); err != nil {
			return err
		}
		h := &runHead{t: t, order: i}
		h.row.init(&s.ex.env.pool, s.kinds)
		ok, err := h.advance()
		if err != nil {
			return err
		}
		if ok {
			m.heads = append(m.heads, h)
		}
	}
	heap.Init(m)
	s.merge = m
	return nil
}

func (s *sorter) closeMerge() {
	if m := s.merge; m != nil {
		m.out.reset()
		for _, h := range m.heads {
			h.row.reset()
		}
		s.merge = nil
	}
}

func (h *runHead) advance() (bool, error) {
	b, err := h.t.readRow()
	if b == nil || err != nil {
		h.row.reset()
		return false, err
	}
	h.row.rewindRows()
	_, h.key = h.row.appendEncoded(b)
	return true, nil
}

// rewindRows empties the store but keeps its memory.
func (s *rowStore) rewindRows() {
	s.n = 0
	b := &s.bytes
	for _, c := range b.chunks[min(1, len(b.chunks)):] {
		b.pool.giveChunk(c)
	}
	if len(b.chunks) > 1 {
		clear(b.chunks[1:])
		b.chunks = b.chunks[:1]
	}
	b.cur, b.off, b.large = 0, 0, 0
}

func (m *merger) Len() int { return len(m.heads) }
func (m *merger) Less(i, j int) bool {
	a, b := m.heads[i], m.heads[j]
	if a.key != b.key {
		return a.key < b.key
	}
	if c := compareRows(m.s.keys, &a.row, 0, &b.row, 0); c != 0 {
		return c < 0
	}
	return a.order < b.order
}
func (m *merger) Swap(i, j int) { m.heads[i], m.heads[j] = m.heads[j], m.heads[i] }
func (m *merger) Push(any)      {}
func (m *merger) Pop() any {
	m.heads = m.heads[:len(m.heads)-1]
	return nil
}

func (m *merger) read(max int, out *types.Batch) (int, error) {
	m.out.reset()
	n := 0
	for ; n < max && len(m.heads) > 0; n++ {
		h := m.heads[0]
		m.out.copyRow(&h.row, 0)
		ok, err := h.advance()
		if err != nil {
			return 0, err
		}
		if ok {
			heap.Fix(m, 0)
		} else {
			m.Swap(0, len(m.heads)-1)
			m.heads = m.heads[:len(m.heads)-1]
			if len(m.heads) > 0 {
				heap.Fix(m, 0)
			}
		}
	}
	m.out.fill(out, 0, n)
	return n, nil
}
