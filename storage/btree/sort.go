package btree

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"slices"

	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/heap"
	"gompho/storage/tuple"
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
	slot    *stats.Slot
	limit   int
	entries []entry
	spare   []entry // the other half of a radix sort
	chunks  [][]byte
	used    int
	exact   bool // equal abbreviations (but for the extremes) mean equal keys
	inline  bool // exact, and there is nothing but the key: items are not kept
	deep    bool // abbreviations were replaced by those of later bytes of the keys
	width   int  // with inline: bytes of the key in an item
	made    [2]item
	turn    int
	file    heap.TempFile
	fileEnd int64
	runs    []run
	sorted  bool
	va, vb  []types.Datum
	charge  stats.Charge
	next    int // used at which to charge again
}

type run struct{ from, to int64 }

func newSorter(ix *Index, slot *stats.Slot, limitKB int) *sorter {
	s := &sorter{ix: ix, slot: slot, limit: max(minSortMem, limitKB<<10), va: make([]types.Datum, ix.nkeys), vb: make([]types.Datum, ix.nkeys)}
	if ix.nkeys != 1 {
		return s
	}
	o := ix.Keys[0].Order
	s.exact = o == OrderSigned || o == OrderUnsigned || o == OrderFloat
	if s.exact && o != OrderFloat && len(ix.Desc.Attrs) == 1 && ix.fast != fastNone {
		s.inline, s.width = true, int(ix.Desc.Attrs[0].Len)
	}
	return s
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
		v = wordAt(d.Bytes(), 0)
	case OrderFloat:
		v = floatOrder(d.Word())
	default:
		return 0
	}
	if k.Desc {
		v = ^v
	}
	return v
}

// wordAt is the number that the 8 bytes of b from off on make; what is missing counts as zeros.
func wordAt(b []byte, off int) uint64 {
	if len(b) >= off+8 {
		return binary.BigEndian.Uint64(b[off:])
	}
	var w [8]byte
	if len(b) > off {
		copy(w[:], b[off:])
	}
	return binary.BigEndian.Uint64(w[:])
}

// charged puts what the items take on the session's account.
func (s *sorter) charged() {
	s.charge.Set(s.slot.Account(), int64(s.used+stats.ChargeStep), "the sort of an index build")
	s.next = s.used + stats.ChargeStep
}

// makeRoom spills when one more item of n bytes would not fit.
func (s *sorter) makeRoom(n int) error {
	if s.used+n+entrySize > s.limit && len(s.entries) > 0 {
		return s.spill()
	}
	return nil
}

// addWord puts an item that is only a word into the sort of an inline sorter.
func (s *sorter) addWord(d types.Datum, tid ids.TID, live bool) {
	if s.used += entrySize; s.used > s.next {
		s.charged()
	}
	s.entries = append(s.entries, entry{abbrev: s.abbrevOf(d), chunk: uint32(tid.Block), off: uint32(tid.Offset), live: live, null: d.IsNull()})
}

// add puts an item into the sort. It is copied.
func (s *sorter) add(first types.Datum, it item, live bool) error {
	if err := s.makeRoom(len(it)); err != nil {
		return err
	}
	if s.used += len(it) + entrySize; s.used > s.next {
		s.charged()
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
	s.turn ^= 1
	it := s.made[s.turn][:0]
	tid := ids.TID{Block: ids.BlockNumber(e.chunk), Offset: ids.OffsetNumber(e.off)}
	if e.null {
		s.va[0] = types.Null
		var err error
		if it, err = s.ix.formAttrs(s.va[:1], tid, it); err != nil {
			panic(err) // a NULL always fits
		}
		s.made[s.turn] = it
		return it
	}
	w := e.abbrev
	if s.ix.Keys[0].Desc {
		w = ^w
	}
	if s.ix.Keys[0].Order == OrderSigned {
		w ^= 1 << 63
	}
	if cap(it) < itemHeader+8 {
		it = make(item, 0, 2*itemHeader+nullBytes)
	}
	it = it[:itemHeader+8]
	it.setTID(tid)
	le.PutUint16(it[6:], 0)
	le.PutUint64(it[itemHeader:], w)
	s.made[s.turn] = it
	return it[:itemHeader+s.width]
}

// compareItems orders two leaf items by key, then tid.
func (s *sorter) compareItems(a, b item) int {
	if s.ix.fast == fastBytes && (a.info()|b.info())&infoNulls == 0 {
		x, plainX := tuple.PlainVarlena(a[itemHeader:])
		y, plainY := tuple.PlainVarlena(b[itemHeader:])
		if plainX && plainY {
			if c := bytes.Compare(x, y); c != 0 && s.ix.Keys[0].Desc {
				return -c
			} else if c != 0 {
				return c
			}
		}
	}
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
	if s.ix.Keys[0].Order == OrderFunc {
		slices.SortFunc(s.entries, s.compareEntries)
		return
	}
	s.sortRange(s.entries, 0)
}

// sortRange sorts entries whose keys agree in the first depth bytes; their abbreviations are of the bytes behind.
func (s *sorter) sortRange(list []entry, depth int) {
	if len(list) < radixMin {
		slices.SortFunc(list, s.compareEntries)
		return
	}
	s.radix(list)
	// Entries with equal abbreviations are still in the order in which they came.
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && list[j].abbrev == list[i].abbrev {
			j++
		}
		run := list[i:j]
		switch {
		case len(run) == 1:
		case len(run) >= radixMin && s.deepen(run, depth+8):
			s.sortRange(run, depth+8)
		case !slices.IsSortedFunc(run, s.compareEntries):
			slices.SortFunc(run, s.compareEntries)
		}
		i = j
	}
}

// deepen replaces equal abbreviations by those of the next bytes of the keys. false when a key has no more bytes, or does not lie
// open in its item.
func (s *sorter) deepen(run []entry, depth int) bool {
	if s.ix.fast != fastBytes {
		return false
	}
	for i := range run {
		it := s.item(&run[i])
		if b, plain := tuple.PlainVarlena(it[itemHeader:]); it.info()&infoNulls != 0 || !plain || len(b) <= depth {
			return false
		}
	}
	s.deep = true
	for i := range run {
		b, _ := tuple.PlainVarlena(s.item(&run[i])[itemHeader:])
		run[i].abbrev = wordAt(b, depth)
		if s.ix.Keys[0].Desc {
			run[i].abbrev = ^run[i].abbrev
		}
	}
	return true
}

func (s *sorter) compareEntries(a, b entry) int {
	if a.abbrev != b.abbrev {
		if a.abbrev < b.abbrev {
			return -1
		}
		return 1
	}
	if s.inline && !a.null && !b.null {
		if a.chunk != b.chunk {
			return order(uint64(a.chunk), uint64(b.chunk))
		}
		return order(uint64(a.off), uint64(b.off))
	}
	return s.compare(a.abbrev, b.abbrev, s.item(&a), s.item(&b))
}

// radix sorts entries by abbreviation, from the lowest byte up, leaving out bytes that all have in common. It is stable.
func (s *sorter) radix(list []entry) {
	first, differ := list[0].abbrev, uint64(0)
	for i := range list {
		differ |= list[i].abbrev ^ first
	}
	if len(s.spare) < len(list) {
		s.spare = make([]entry, max(len(list), len(s.entries)))
	}
	from, to := list, s.spare[:len(list)]
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
	if &from[0] != &list[0] {
		copy(list, from)
	}
}

// spill writes what is in memory to the temporary file as one run.
func (s *sorter) spill() error {
	if s.file == nil {
		f, err := s.ix.Env.TempFile(s.slot)
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
	s.entries, s.used, s.deep = s.entries[:0], 0, false
	// Keep the chunks' memory for the next run.
	for i := range s.chunks {
		s.chunks[i] = s.chunks[i][:0]
	}
	s.chunks = s.chunks[:min(len(s.chunks), 1)]
	return nil
}

func (s *sorter) close() {
	s.charge.Done()
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
	s.entries, s.spare, s.chunks = nil, nil, nil
}

// finish sorts what is in memory, or makes it the last run.
func (s *sorter) finish() error {
	if s.sorted {
		return nil
	}
	s.sorted = true
	if len(s.runs) == 0 {
		s.sortEntries()
		return nil
	}
	if len(s.entries) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.entries, s.spare, s.chunks = nil, nil, nil
	return nil
}
