package btree

import (
	"cmp"
	"slices"

	"gompho/internal/ids"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/types"
	"gompho/wal"
)

// A full leaf is not split before it has lost what nobody needs:
//
//  1. Entries that scans have found to be dead. Pages of the table that these lead to are likely to have more dead rows: other entries of the leaf
//     that lead there are looked at, too.
//  2. When the new entry is one more version of a row that has entries already, old versions of many rows may fill the leaf. Pages of the
//     table to which many entries with equal keys lead are looked at, a few of them, the most promising first.
//
// The table's pages are read under the leaf's latch. An entry whose row nobody can see can go at any time: that the row's place is used for another
// one later does no harm, for that gets an entry of its own, which must wait for the latch.

const (
	// looksDead bounds the pages of the table that are looked at because of dead entries, looksVersions those because of versions.
	looksDead     = 16
	looksVersions = 10
	// wantFree is the least room, in bytes, that is worth a search for old versions.
	wantFree = page.Size / 16
)

// place is a block of the table that entries of the leaf lead to.
type place struct {
	blk     ids.BlockNumber
	entries int // that are not known to be dead
	promise int // of these, with keys that others have; or entries known to be dead
}

// clearing is the state of makeRoom.
type clearing struct {
	s      *insertion
	n      node
	dead   [maxItems + 1]bool // by offset
	ndead  int
	freed  int // bytes
	places []place
}

// makeRoom removes entries of dead rows from the latched leaf b, if it has any.
func (s *insertion) makeRoom(b buffer.Buf) {
	n := nodeOf(b)
	garbage := n.flags()&flagGarbage != 0
	if !garbage && !s.churn {
		return
	}
	c := clearing{s: s, n: n}
	if garbage {
		c.known()
	}
	if s.churn && c.ndead == 0 {
		c.versions()
	}
	if c.ndead == 0 {
		return
	}
	offs := make([]ids.OffsetNumber, 0, c.ndead)
	for off := n.first(); off <= n.MaxOffset(); off++ {
		if c.dead[off] {
			offs = append(offs, off)
		}
	}
	s.ix.deleteItems(s.slot, b, offs, wal.BtreeDelete)
}

func (c *clearing) kill(off ids.OffsetNumber) {
	c.dead[off] = true
	c.ndead++
	c.freed += itemSize(len(c.n.Item(off)))
}

// known takes the entries that are marked dead, and others that lead to the same pages of the table.
func (c *clearing) known() {
	n := c.n
	for off := n.first(); off <= n.MaxOffset(); off++ {
		if n.ItemID(off).IsDead() {
			c.kill(off)
			c.place(item(n.Item(off)).tid().Block).promise++
		}
	}
	if c.s.ix.Heap == nil {
		return
	}
	looks := 0
	c.group(func(off ids.OffsetNumber) bool { return false })
	for _, p := range c.places {
		if p.promise == 0 || p.entries == 0 {
			continue
		}
		if looks++; looks > looksDead {
			break
		}
		c.look(p.blk)
	}
}

// versions looks at those pages of the table that are most likely to have old versions.
func (c *clearing) versions() {
	if c.s.ix.Heap == nil {
		return
	}
	twin := c.twins()
	c.group(func(off ids.OffsetNumber) bool { return twin[off] })
	slices.SortFunc(c.places, func(a, b place) int {
		return cmp.Or(cmp.Compare(b.promise, a.promise), cmp.Compare(a.blk, b.blk))
	})
	want := max(wantFree, itemSize(len(c.s.it)))
	for i, p := range c.places {
		// The most promising page may be the one where this very statement puts its versions: one that disappoints does not end the search.
		if p.promise == 0 || i >= looksVersions || c.freed >= want {
			return
		}
		c.look(p.blk)
	}
}

// place returns the entry of c.places for a block; there are few.
func (c *clearing) place(blk ids.BlockNumber) *place {
	i, ok := slices.BinarySearchFunc(c.places, blk, func(p place, b ids.BlockNumber) int { return cmp.Compare(p.blk, b) })
	if !ok {
		c.places = slices.Insert(c.places, i, place{blk: blk})
	}
	return &c.places[i]
}

// group counts the entries that are not known to be dead by the blocks that they lead to.
func (c *clearing) group(promises func(off ids.OffsetNumber) bool) {
	for off := c.n.first(); off <= c.n.MaxOffset(); off++ {
		if c.dead[off] {
			continue
		}
		p := c.place(item(c.n.Item(off)).tid().Block)
		p.entries++
		if promises(off) {
			p.promise++
		}
	}
}

// look takes the entries that lead to dead rows of a block.
func (c *clearing) look(blk ids.BlockNumber) {
	c.s.fetcher()
	for off := c.n.first(); off <= c.n.MaxOffset(); off++ {
		t := item(c.n.Item(off)).tid()
		if c.dead[off] || t.Block != blk {
			continue
		}
		found, _, err := c.s.rows.IndexDirty(t)
		if err != nil {
			return // whoever needs the row will hear of it
		}
		if !found && c.s.rows.AllDead() {
			c.kill(off)
		}
	}
}

// twins tells which entries have the key of a neighbour.
func (c *clearing) twins() (twin [maxItems + 1]bool) {
	ix := c.s.ix
	a, b := make([]types.Datum, ix.nkeys), make([]types.Datum, ix.nkeys)
	for off := c.n.first(); off < c.n.MaxOffset(); off++ {
		if ix.values(item(c.n.Item(off)), a) != nil || ix.values(item(c.n.Item(off+1)), b) != nil {
			continue
		}
		if ix.keepAttrs(a, b) > ix.nkeys {
			twin[off], twin[off+1] = true, true
		}
	}
	return twin
}
