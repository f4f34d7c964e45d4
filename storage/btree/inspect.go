package btree

import (
	"gompho/internal/ids"
	"gompho/storage/page"
)

// Meta is what the meta page of an index says.
type Meta struct {
	Magic, Version uint32
	Root           ids.BlockNumber
	Level          int
}

// InspectMeta reads a meta page that may be anything.
func InspectMeta(pg page.Page) Meta {
	at := func(i int) uint32 { return le.Uint32(pg[page.HeaderSize+4*i:]) }
	return Meta{at(0), at(1), ids.BlockNumber(at(2)), int(at(3))}
}

// Bits of PageInfo.Flags: PostgreSQL's numbers.
const (
	InfoLeaf    = 1 << 0
	InfoRoot    = 1 << 1
	InfoDeleted = 1 << 2
	InfoMeta    = 1 << 3
	InfoGarbage = 1 << 6
)

// PageInfo sums up an index page.
type PageInfo struct {
	Live, Dead int
	Bytes      int // of all items
	Free       int // room for one more item, after its line pointer
	Prev, Next ids.BlockNumber
	Level      int
	Flags      int
}

// Kind is PostgreSQL's letter for the kind of page: d deleted, l leaf, r root, i inner.
func (p *PageInfo) Kind() byte {
	switch {
	case p.Flags&InfoDeleted != 0:
		return 'd'
	case p.Flags&InfoLeaf != 0:
		return 'l'
	case p.Flags&InfoRoot != 0:
		return 'r'
	}
	return 'i'
}

// MetaMagic begins a meta page.
const MetaMagic = metaMagic

// SpecialSize is the size of the special space of an index page.
const SpecialSize = specialSize

// InspectPage sums up a page that may be anything; ok is false when it is not an index page.
func InspectPage(pg page.Page) (p PageInfo, ok bool) {
	n := node{pg}
	if !n.valid() || page.Check(pg) != nil {
		return p, false
	}
	p = PageInfo{Free: pg.FreeSpace(), Prev: n.prev(), Next: n.next(), Level: n.level()}
	for _, f := range [...]struct {
		have uint16
		show int
	}{{flagLeaf, InfoLeaf}, {flagRoot, InfoRoot}, {flagDeleted, InfoDeleted}, {flagMeta, InfoMeta}, {flagGarbage, InfoGarbage}} {
		if n.flags()&f.have != 0 {
			p.Flags |= f.show
		}
	}
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		id := pg.ItemID(off)
		if id.IsDead() {
			p.Dead++
		} else {
			p.Live++
		}
		p.Bytes += id.Len()
	}
	return p, true
}

// ItemInfo is one item of an index page.
type ItemInfo struct {
	Offset  ids.OffsetNumber
	Len     int
	TID     ids.TID // of a pivot: the child's block and how many key columns it has
	HeapTID ids.TID // of an entry, or of a pivot that needs one to separate; else zero
	Pivot   bool    // a high key or an item of an inner page
	Nulls   bool
	Dead    bool
	Data    []byte // the attributes; aliases the page
}

// InspectItems lists the items of a page for which InspectPage was ok.
func InspectItems(pg page.Page) []ItemInfo {
	var out []ItemInfo
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		id := pg.ItemID(off)
		if id.Len() < itemHeader {
			continue
		}
		it := item(pg.Item(off))
		x := ItemInfo{Offset: off, Len: id.Len(), TID: it.tid(), Pivot: it.isPivot(), Nulls: it.info()&infoNulls != 0, Dead: id.IsDead()}
		x.Data, _ = it.data()
		if !x.Pivot {
			x.HeapTID = x.TID
		} else {
			x.TID = ids.TID{Block: it.child(), Offset: ids.OffsetNumber(it.info() & infoAttrs)}
			if tid, ok := it.pivotTID(); ok && len(x.Data) >= 8 {
				x.HeapTID, x.Data = tid, x.Data[:len(x.Data)-8]
			}
		}
		out = append(out, x)
	}
	return out
}
