package btree

import (
	"bufio"
	"encoding/binary"
	"io"
	"slices"

	"gompho/internal/ids"
	"gompho/storage/heap"
	"gompho/types"
)

// entry is one item in a sort: the beginning of its key as a number in the order of the index, and where its bytes are; or, when
// the abbreviation is the whole key (sorter.inline), the tid, from which the item is made again.
type entry struct {
	abbrev uint64
	chunk  uint32 // or the tid's block
	off    uint32 // or the tid's offset
	n      uint16
	live   bool
	null   bool // with inline: the key is NULL
}

const (
	chunkSize  = 1 << 20
	entrySize  = 48 // with its share of the radix sort's second half
	runBuffer  = 128 << 10
	minSortMem = 1 << 20
)

// sorter sorts items; what does not fit in memory goes to a temporary file in sorted runs, which are merged at the end.
type sorter struct {
	ix      *Index
	limit   int
	entries []entry
	spare   []entry // the other half of a radix sort
	chunks  [][]byte
	used    int
	exact   bool // equal abbreviations (but for the extremes) mean equal keys
	inline  bool // exact, and there is nothing but the key: items are not kept
	made    [2]item
	turn    int
	file    heap.TempFile
	fileEnd int64
	runs    []run
	va, vb  []types.Datum
}

type run struct{ from, to int64 }

func newSorter(ix *Index, limitKB int) *sorter {
	exact := ix.nkeys == 1 && (ix.Keys[0].Order == OrderSigned || ix.Keys[0].Order == OrderUnsigned)
	inline := exact && len(ix.Desc.Attrs) == 1 && ix.Desc.Attrs[0].Len > 0
	return &sorter{ix: ix, limit: max(minSortMem, limitKB<<10), exact: exact, inline: inline,
		va: make([]types.Datum, ix.nkeys), vb: make([]types.Datum, ix.nkeys)}
}

// abbreviate maps the first key column to a number in the order of the index.
func (ix *Index) abbreviate(d types.Datum) uint64 {
	k := &ix.Keys[0]
	if d.IsNull() {
		if k.NullsFirst {
			return 0
		}
		return ^uint64(0)
	}
	var v uint64
	switch k.Order {
	case OrderSigned:
		v = d.Word() ^ 1<<63
	case OrderUnsigned:
		v = d.Word()
	case OrderBytes:
		var b [8]byte
		copy(b[:], d.Bytes())
		v = binary.BigEndian.Uint64(b[:])
	default:
		return 0
	}
	if k.Desc {
		v = ^v
	}
	return v
}

// add puts an item into the sort. It is copied.
func (s *sorter) add(first types.Datum, it item, live bool) error {
	need := len(it) + entrySize
	if s.used+need > s.limit && len(s.entries) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.used += need
	if s.inline {
		t := it.tid()
		s.entries = append(s.entries, entry{abbrev: s.abbrevOf(first), chunk: uint32(t.Block), off: uint32(t.Offset), live: live, null: first.IsNull()})
		return nil
	}
	last := len(s.chunks) - 1
	if last < 0 || len(s.chunks[last])+len(it) > cap(s.chunks[last]) {
		s.chunks = append(s.chunks, make([]byte, 0, chunkSize))
		last++
	}
	c := s.chunks[last]
	e := entry{abbrev: s.abbrevOf(first), chunk: uint32(last), off: uint32(len(c)), n: uint16(len(it)), live: live}
	s.chunks[last] = append(c, it...)
	s.entries = append(s.entries, e)
	return nil
}

func (s *sorter) abbrevOf(d types.Datum) uint64 {
	if s.ix.Keys[0].Order == OrderFunc {
		return 0
	}
	return s.ix.abbreviate(d)
}

// item returns the bytes of an entry's item, valid until the next but one call.
func (s *sorter) item(e *entry) item {
	if s.inline {
		return s.remake(e)
	}
	return item(s.chunks[e.chunk][e.off : e.off+uint32(e.n) : e.off+uint32(e.n)])
}

// remake makes the item of an entry that has its whole key in the abbreviation.
func (s *sorter) remake(e *entry) item {
	d := types.Null
	if !e.null {
		w := e.abbrev
		if s.ix.Keys[0].Desc {
			w = ^w
		}
		if s.ix.Keys[0].Order == OrderSigned {
			w ^= 1 << 63
		}
		d = types.Word(w)
	}
	s.turn ^= 1
	s.va[0] = d
	it, err := s.ix.formAttrs(s.va[:1], ids.TID{Block: ids.BlockNumber(e.chunk), Offset: ids.OffsetNumber(e.off)}, s.made[s.turn][:0])
	if err != nil {
		panic(err) // a word always fits
	}
	s.made[s.turn] = it
	return it
}

// compareItems orders two leaf items by key, then tid.
func (s *sorter) compareItems(a, b item) int {
	if s.ix.values(a, s.va) == nil && s.ix.values(b, s.vb) == nil {
		for i := range s.va {
			if c := s.ix.compareDatum(i, s.va[i], s.vb[i]); c != 0 {
				return c
			}
		}
	}
	return order(a.tid().Pack(), b.tid().Pack())
}

func (s *sorter) compare(aa, ba uint64, a, b item) int {
	if aa != ba {
		if aa < ba {
			return -1
		}
		return 1
	}
	if s.exact && aa != 0 && aa != ^uint64(0) {
		return order(a.tid().Pack(), b.tid().Pack())
	}
	return s.compareItems(a, b)
}

// radixMin is the number of entries from which on a radix sort of the abbreviations pays.
const radixMin = 1 << 10

func (s *sorter) sortEntries() {
	if len(s.entries) < radixMin || s.ix.Keys[0].Order == OrderFunc {
		slices.SortFunc(s.entries, s.compareEntries)
		return
	}
	s.radix()
	// Entries with equal abbreviations are still in the order in which they came.
	for i := 0; i < len(s.entries); {
		j := i + 1
		for j < len(s.entries) && s.entries[j].abbrev == s.entries[i].abbrev {
			j++
		}
		if run := s.entries[i:j]; len(run) > 1 && !slices.IsSortedFunc(run, s.compareEntries) {
			slices.SortFunc(run, s.compareEntries)
		}
		i = j
	}
}

func (s *sorter) compareEntries(a, b entry) int {
	if a.abbrev != b.abbrev {
		if a.abbrev < b.abbrev {
			return -1
		}
		return 1
	}
	return s.compare(a.abbrev, b.abbrev, s.item(&a), s.item(&b))
}

// radix sorts the entries by abbreviation, from the lowest byte up, leaving out bytes that all have in common. It is stable.
func (s *sorter) radix() {
	first, differ := s.entries[0].abbrev, uint64(0)
	for i := range s.entries {
		differ |= s.entries[i].abbrev ^ first
	}
	from := s.entries
	if cap(s.spare) < len(from) {
		s.spare = make([]entry, len(from))
	}
	to := s.spare[:len(from)]
	for shift := uint(0); shift < 64; shift += 8 {
		if differ>>shift&0xff == 0 {
			continue
		}
		var at [256]int
		for i := range from {
			at[from[i].abbrev>>shift&0xff]++
		}
		sum := 0
		for i, n := range at {
			at[i] = sum
			sum += n
		}
		for i := range from {
			b := from[i].abbrev >> shift & 0xff
			to[at[b]] = from[i]
			at[b]++
		}
		from, to = to, from
	}
	s.entries, s.spare = from, to
}

// spill writes what is in memory to the temporary file as one run.
func (s *sorter) spill() error {
	if s.file == nil {
		f, err := s.ix.Env.TempFile()
		if err != nil {
			return err
		}
		s.file = f
	}
	s.sortEntries()
	w := bufio.NewWriterSize(io.NewOffsetWriter(s.file, s.fileEnd), runBuffer)
	r := run{from: s.fileEnd}
	for i := range s.entries {
		e := &s.entries[i]
		it := s.item(e)
		var head [4]byte
		binary.LittleEndian.PutUint16(head[:], uint16(len(it)))
		if e.live {
			head[2] = 1
		}
		if _, err := w.Write(head[:]); err != nil {
			return err
		}
		if _, err := w.Write(it); err != nil {
			return err
		}
		s.fileEnd += int64(len(head) + len(it))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	r.to = s.fileEnd
	s.runs = append(s.runs, r)
	s.entries, s.used = s.entries[:0], 0
	// Keep the chunks' memory for the next run.
	for i := range s.chunks {
		s.chunks[i] = s.chunks[i][:0]
	}
	s.chunks = s.chunks[:min(len(s.chunks), 1)]
	return nil
}

func (s *sorter) close() {
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
	s.entries, s.spare, s.chunks = nil, nil, nil
}

// each calls f with all items in order, valid during the call, and their abbreviations: items with different ones have different keys.
func (s *sorter) each(f func(it item, abbrev uint64, live bool) error) error {
	if len(s.runs) == 0 {
		s.sortEntries()
		for i := range s.entries {
			if err := f(s.item(&s.entries[i]), s.entries[i].abbrev, s.entries[i].live); err != nil {
				return err
			}
		}
		return nil
	}
	if len(s.entries) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.entries, s.spare, s.chunks = nil, nil, nil
	return s.merge(f)
}

// cursor reads a run.
type cursor struct {
	r      *bufio.Reader
	abbrev uint64
	it     item
	spare  []byte // the bytes of the previous item
	live   bool
}

// next reads the next item; false at the end of the run.
func (c *cursor) next(s *sorter) (bool, error) {
	var head [4]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		if err == io.EOF {
			return false, nil
		}
		return false, err
	}
	n := int(binary.LittleEndian.Uint16(head[:]))
	c.it, c.spare = c.spare, c.it
	if cap(c.it) < n {
		c.it = make(item, max(n, 256))
	}
	c.it = c.it[:n]
	c.live = head[2] != 0
	if _, err := io.ReadFull(c.r, c.it); err != nil {
		return false, err
	}
	if err := s.ix.values(c.it, s.va[:1]); err != nil {
		return false, err
	}
	c.abbrev = s.abbrevOf(s.va[0])
	return true, nil
}

// merge merges the runs by a heap of cursors.
func (s *sorter) merge(f func(it item, abbrev uint64, live bool) error) error {
	var h []*cursor
	for _, r := range s.runs {
		c := &cursor{r: bufio.NewReaderSize(io.NewSectionReader(s.file, r.from, r.to-r.from), runBuffer)}
		if ok, err := c.next(s); err != nil {
			return err
		} else if ok {
			h = append(h, c)
		}
	}
	less := func(a, b *cursor) bool { return s.compare(a.abbrev, b.abbrev, a.it, b.it) < 0 }
	down := func(i int) {
		for {
			k := 2*i + 1
			if k >= len(h) {
				return
			}
			if k+1 < len(h) && less(h[k+1], h[k]) {
				k++
			}
			if !less(h[k], h[i]) {
				return
			}
			h[i], h[k] = h[k], h[i]
			i = k
		}
	}
	for i := len(h)/2 - 1; i >= 0; i-- {
		down(i)
	}
	for len(h) > 0 {
		c := h[0]
		if err := f(c.it, c.abbrev, c.live); err != nil {
			return err
		}
		ok, err := c.next(s)
		if err != nil {
			return err
		}
		if !ok {
			h[0] = h[len(h)-1]
			h = h[:len(h)-1]
		}
		down(0)
	}
	return nil
}
