package btree

import (
	"bufio"
	"encoding/binary"
	"io"
)

// each calls f with all items in order, valid during the call, and their abbreviations: items with different ones have different keys.
func (b *Builder) each(f func(it item, abbrev uint64, live bool) error) error {
	var h merge
	h.s = b.sinks[0].sort
	for _, k := range b.sinks {
		if err := k.sort.finish(); err != nil {
			return err
		}
	}
	if s := h.s; len(b.sinks) == 1 && len(s.runs) == 0 {
		for i := range s.entries {
			if err := f(s.item(&s.entries[i]), s.entries[i].abbrev, s.entries[i].live); err != nil {
				return err
			}
		}
		return nil
	}
	for _, k := range b.sinks {
		if err := h.open(k.sort); err != nil {
			return err
		}
	}
	return h.run(f)
}

// cursor reads a run, or the sorted entries in memory.
type cursor struct {
	s      *sorter
	r      *bufio.Reader // nil: memory
	at     int           // in memory: the next entry
	abbrev uint64
	it     item
	spare  []byte // the bytes of the previous item
	live   bool
}

// next reads the next item; false at the end.
func (c *cursor) next() (bool, error) {
	if c.r == nil {
		return c.nextEntry()
	}
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
	return true, c.abbreviate()
}

func (c *cursor) nextEntry() (bool, error) {
	if c.at == len(c.s.entries) {
		return false, nil
	}
	e := &c.s.entries[c.at]
	c.at++
	c.it, c.abbrev, c.live = c.s.item(e), e.abbrev, e.live
	if c.s.deep {
		return true, c.abbreviate()
	}
	return true, nil
}

func (c *cursor) abbreviate() error {
	if err := c.s.ix.values(c.it, c.s.va[:1]); err != nil {
		return err
	}
	c.abbrev = c.s.abbrevOf(c.s.va[0])
	return nil
}

// merge is a heap of cursors.
type merge struct {
	s    *sorter // for comparisons
	list []*cursor
}

// open adds what a finished sorter has.
func (h *merge) open(s *sorter) error {
	add := func(c *cursor) error {
		c.s = s
		ok, err := c.next()
		if ok && err == nil {
			h.list = append(h.list, c)
		}
		return err
	}
	if len(s.runs) == 0 {
		return add(&cursor{})
	}
	for _, r := range s.runs {
		if err := add(&cursor{r: bufio.NewReaderSize(io.NewSectionReader(s.file, r.from, r.to-r.from), runBuffer)}); err != nil {
			return err
		}
	}
	return nil
}

func (h *merge) less(a, b *cursor) bool {
	if a.abbrev != b.abbrev {
		return a.abbrev < b.abbrev
	}
	return h.s.compare(a.abbrev, b.abbrev, a.it, b.it) < 0
}

func (h *merge) down(i int) {
	for {
		k := 2*i + 1
		if k >= len(h.list) {
			return
		}
		if k+1 < len(h.list) && h.less(h.list[k+1], h.list[k]) {
			k++
		}
		if !h.less(h.list[k], h.list[i]) {
			return
		}
		h.list[i], h.list[k] = h.list[k], h.list[i]
		i = k
	}
}

func (h *merge) run(f func(it item, abbrev uint64, live bool) error) error {
	for i := len(h.list)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
	for len(h.list) > 0 {
		c := h.list[0]
		if err := f(c.it, c.abbrev, c.live); err != nil {
			return err
		}
		ok, err := c.next()
		if err != nil {
			return err
		}
		if !ok {
			last := len(h.list) - 1
			h.list[0] = h.list[last]
			h.list = h.list[:last]
		}
		h.down(0)
	}
	return nil
}
