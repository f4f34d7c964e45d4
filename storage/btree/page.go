package btree

import (
	"encoding/binary"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/storage/tuple"
)

var le = binary.LittleEndian

// Special space of an index page, little endian:
//
//	0 prev u32 | 4 next u32 | 8 level u32 | 12 flags u16 | 14 vacuum cycle u16 | 16 safe xid u64
//
// prev and next are 0 at the ends of a level (block 0 is the meta page). A leaf that is not deleted has a hint instead of the safe xid: how many of
// its first line pointers lead to dead items (u16), and the low 48 bits of the page's log position when that was so.
const (
	specialSize  = 24
	specialStart = page.Size - specialSize
	posPrev      = specialStart
	posNext      = specialStart + 4
	posLevel     = specialStart + 8
	posFlags     = specialStart + 12
	posCycle     = specialStart + 14
	posSafe      = specialStart + 16
	posDead      = posSafe
)

// Flags of an index page.
const (
	flagLeaf uint16 = 1 << iota
	flagRoot
	flagDeleted
	flagMeta
	flagGarbage // some items are marked dead: a hint
)

// The meta page, block 0, after the page header: magic u32, version u32, root u32, level u32.
const (
	metaBlock   ids.BlockNumber = 0
	metaMagic                   = 0x6274676d
	metaVersion                 = 1
	metaSize                    = 16
	firstRoot   ids.BlockNumber = 1
	maxLevels                   = 16
)

const (
	// itemHeader is the fixed part of an item: tid (u32, u16) and info u16.
	itemHeader = 8
	// nullBytes is the size of a null bitmap with its padding.
	nullBytes = 8
	// maxItem is the size of the largest item: three fit on a page, each with room for the tid that a high key may need.
	maxItem = ((page.Size-page.HeaderSize-specialSize-3*page.ItemIDSize)/3)&^7 - 8
	// pageRoom is what items and their line pointers can use.
	pageRoom = page.Size - page.HeaderSize - specialSize
	// maxItems bounds the items of a page.
	maxItems = pageRoom / (itemHeader + page.ItemIDSize)
)

// Bits of an item's info. A pivot is an item that separates: a high key or an item of an inner page. Its tid field holds the child's block;
// its low bits of info how many key columns it has, the others being less than everything; it may end with a tid.
const (
	infoNulls    uint16 = 0x8000
	infoPivot    uint16 = 0x2000
	infoPivotTID uint16 = 0x1000
	infoAttrs    uint16 = 0x003f
)

// node is an index page.
type node struct{ page.Page }

func nodeOf(b buffer.Buf) node { return node{b.Page()} }

func (n node) prev() ids.BlockNumber { return ids.BlockNumber(le.Uint32(n.Page[posPrev:])) }
func (n node) next() ids.BlockNumber { return ids.BlockNumber(le.Uint32(n.Page[posNext:])) }
func (n node) level() int            { return int(le.Uint32(n.Page[posLevel:])) }
func (n node) flags() uint16         { return le.Uint16(n.Page[posFlags:]) }
func (n node) cycle() uint16         { return le.Uint16(n.Page[posCycle:]) }
func (n node) safeXid() ids.Xid      { return ids.Xid(le.Uint64(n.Page[posSafe:])) }
func (n node) isLeaf() bool          { return n.flags()&flagLeaf != 0 }
func (n node) isDeleted() bool       { return n.flags()&flagDeleted != 0 }
func (n node) isRightmost() bool     { return n.next() == 0 }

// first returns the offset of the first data item: after the high key, which all but the rightmost pages have.
func (n node) first() ids.OffsetNumber {
	if n.next() == 0 {
		return 1
	}
	return 2
}

// valid reports whether the page is an index page at all.
func (n node) valid() bool { return !n.IsNew() && n.SpecialStart() == specialStart }

// special composes a special space.
type special struct {
	prev, next ids.BlockNumber
	level      int
	flags      uint16
	cycle      uint16
	safe       ids.Xid
}

func (n node) special() special {
	sp := special{prev: n.prev(), next: n.next(), level: n.level(), flags: n.flags(), cycle: n.cycle()}
	if n.isDeleted() {
		sp.safe = n.safeXid()
	}
	return sp
}

// deadUpTo returns the last of the page's first line pointers that are all known to lead to dead items, or the one before first. What was
// noted counts only while the page has not been changed.
func (n node) deadUpTo() ids.OffsetNumber {
	if v := le.Uint64(n.Page[posDead:]); n.isLeaf() && !n.isDeleted() && v>>16 == uint64(n.LSN())&(1<<48-1) {
		return max(n.first()-1, ids.OffsetNumber(v))
	}
	return n.first() - 1
}

// noteDead makes deadUpTo true again after items were marked dead. It is a hint: the latch may be a shared one. Changes of the page must move its
// log position.
func (n node) noteDead() {
	off := n.deadUpTo()
	for off < n.MaxOffset() && n.ItemID(off+1).IsDead() {
		off++
	}
	if off > n.deadUpTo() {
		le.PutUint64(n.Page[posDead:], uint64(n.LSN())<<16|uint64(off))
	}
}

func (s special) put(pc buffer.PageChange) {
	var b [specialSize]byte
	le.PutUint32(b[0:], uint32(s.prev))
	le.PutUint32(b[4:], uint32(s.next))
	le.PutUint32(b[8:], uint32(s.level))
	le.PutUint16(b[12:], s.flags)
	le.PutUint16(b[14:], s.cycle)
	le.PutUint64(b[16:], uint64(s.safe))
	pc.Overwrite(specialStart, b[:])
}

// item is the bytes of an index item.
type item []byte

func (it item) tid() ids.TID {
	return ids.TID{Block: ids.BlockNumber(le.Uint32(it)), Offset: ids.OffsetNumber(le.Uint16(it[4:]))}
}

func (it item) child() ids.BlockNumber { return ids.BlockNumber(le.Uint32(it)) }
func (it item) info() uint16           { return le.Uint16(it[6:]) }
func (it item) isPivot() bool          { return it.info()&infoPivot != 0 }

func (it item) setTID(t ids.TID) {
	le.PutUint32(it, uint32(t.Block))
	le.PutUint16(it[4:], uint16(t.Offset))
}

func (it item) setChild(b ids.BlockNumber) { le.PutUint32(it, uint32(b)) }

// pivotTID returns the tid at the end of a pivot.
func (it item) pivotTID() (ids.TID, bool) {
	if it.info()&infoPivotTID == 0 || len(it) < itemHeader+8 {
		return ids.TID{}, false
	}
	return ids.UnpackTID(le.Uint64(it[len(it)-8:])), true
}

// data splits an item: the attributes' bytes and the null bitmap, nil if there is none.
func (it item) data() (data, nulls []byte) {
	if it.info()&infoNulls == 0 {
		return it[itemHeader:], nil
	}
	if len(it) < itemHeader+nullBytes {
		return nil, it[itemHeader:itemHeader]
	}
	return it[itemHeader+nullBytes:], it[itemHeader : itemHeader+nullBytes]
}

// minusInf is the first item of an inner page: less than everything, with the child's block.
func minusInf(child ids.BlockNumber) item {
	it := make(item, itemHeader)
	it.setChild(child)
	le.PutUint16(it[6:], infoPivot)
	return it
}

// damaged is the error of an index page that cannot be what it should be.
func (ix *Index) damaged(blk ids.BlockNumber, what string) error {
	return pgerr.New(pgerr.IndexCorrupted, "index \"%s\" contains corrupted page at block %d: %s", ix.Name, blk, what).
		WithHint("Please REINDEX it.")
}

// newLayouts completes the handle.
func (ix *Index) newLayouts() {
	ix.layout = tuple.NewLayout(ix.Desc)
	ix.nkeys = len(ix.Keys)
	ix.fast = fastOf(ix)
}
