package page

import "gompho/internal/ids"

// ItemID is a line pointer: offset, flags and length of an item.
type ItemID uint32

// Flags of line pointers.
const (
	LPUnused   = 0 // free for use
	LPNormal   = 1 // points to an item
	LPRedirect = 2 // its offset is the number of another line pointer (HOT)
	LPDead     = 3 // dead: without storage on heap pages, with storage when an index kills an item
)

// MakeItemID composes a line pointer.
func MakeItemID(off, flags, length int) ItemID {
	return ItemID(uint32(off)&0x7fff | uint32(flags)&3<<15 | uint32(length)&0x7fff<<17)
}

// Offset returns where the item begins on the page.
func (i ItemID) Offset() int { return int(i & 0x7fff) }

// Flags returns LPUnused, LPNormal, LPRedirect or LPDead.
func (i ItemID) Flags() int { return int(i >> 15 & 3) }

// Len returns the item's length in bytes.
func (i ItemID) Len() int { return int(i >> 17) }

// IsUsed reports whether the line pointer is not LPUnused.
func (i ItemID) IsUsed() bool { return i.Flags() != LPUnused }

// IsNormal reports whether it points to a live item.
func (i ItemID) IsNormal() bool { return i.Flags() == LPNormal }

// IsRedirected reports whether it stands for another line pointer.
func (i ItemID) IsRedirected() bool { return i.Flags() == LPRedirect }

// IsDead reports whether it was marked dead.
func (i ItemID) IsDead() bool { return i.Flags() == LPDead }

// HasStorage reports whether bytes on the page belong to it.
func (i ItemID) HasStorage() bool { return i.Len() != 0 }

// Redirect returns the line pointer that a redirected one stands for.
func (i ItemID) Redirect() ids.OffsetNumber { return ids.OffsetNumber(i.Offset()) }

func itemPos(off ids.OffsetNumber) int { return HeaderSize + (int(off)-1)*ItemIDSize }

// ItemID returns line pointer off, 1 <= off <= MaxOffset.
func (p Page) ItemID(off ids.OffsetNumber) ItemID { return ItemID(le.Uint32(p[itemPos(off):])) }

// SetItemID writes line pointer off. Unlogged: for hints (killed index items); see Op functions for the rest.
func (p Page) SetItemID(off ids.OffsetNumber, id ItemID) { le.PutUint32(p[itemPos(off):], uint32(id)) }

// Item returns the bytes of item off, which has storage. They alias the page.
func (p Page) Item(off ids.OffsetNumber) []byte {
	id := p.ItemID(off)
	o := id.Offset()
	return p[o : o+id.Len() : o+id.Len()]
}

// ItemPos returns the position of item off on the page, for Overwrite.
func (p Page) ItemPos(off ids.OffsetNumber) int { return p.ItemID(off).Offset() }

// HasRoom reports whether InsertItem or InsertItemShift of an item of n bytes will succeed when it needs a
// new line pointer.
func (p Page) HasRoom(n int) bool {
	return p.Lower()+ItemIDSize <= p.Upper()-align8(n) && p.Upper() > align8(n)
}

// FreeOffset returns the line pointer that InsertItem(0, ...) takes: the first unused one, else a new one.
func (p Page) FreeOffset() ids.OffsetNumber {
	n := p.MaxOffset()
	if p.HasFlag(HasFreeLines) {
		for off := ids.OffsetNumber(1); off <= n; off++ {
			if id := p.ItemID(off); !id.IsUsed() && !id.HasStorage() {
				return off
			}
		}
	}
	return n + 1
}

// InsertItem adds an item at line pointer off, which is unused or the next new one; 0 means FreeOffset().
// It returns the line pointer, or 0 when there is no room or off is taken.
func (p Page) InsertItem(off ids.OffsetNumber, item []byte) ids.OffsetNumber {
	n := p.MaxOffset()
	if off == 0 {
		off = p.FreeOffset()
		if off > n && p.HasFlag(HasFreeLines) {
			p.SetFlags(p.Flags() &^ HasFreeLines)
		}
	}
	if off > n+1 || off <= n && (p.ItemID(off).IsUsed() || p.ItemID(off).HasStorage()) {
		return 0
	}
	lower := p.Lower()
	if off > n {
		lower += ItemIDSize
	}
	if !p.placeItem(off, lower, item) {
		return 0
	}
	return off
}

// InsertItemShift adds an item at line pointer off, 1 <= off <= MaxOffset+1, and moves the line pointers from off
// on up by one: the order of an index page. It returns false when there is no room or off is out of range.
func (p Page) InsertItemShift(off ids.OffsetNumber, item []byte) bool {
	n := p.MaxOffset()
	if off < 1 || off > n+1 {
		return false
	}
	lower := p.Lower() + ItemIDSize
	upper := p.Upper() - align8(len(item))
	if len(item) == 0 || lower > upper {
		return false
	}
	at := itemPos(off)
	copy(p[at+ItemIDSize:lower], p[at:lower-ItemIDSize])
	return p.placeItem(off, lower, item)
}

func (p Page) placeItem(off ids.OffsetNumber, lower int, item []byte) bool {
	upper := p.Upper() - align8(len(item))
	if len(item) == 0 || lower > upper {
		return false
	}
	copy(p[upper:], item)
	clear(p[upper+len(item) : upper+align8(len(item))])
	p.setLower(lower)
	p.setUpper(upper)
	p.SetItemID(off, MakeItemID(upper, LPNormal, len(item)))
	return true
}

// ReplaceItem gives item off new bytes, of any length that fits. It returns false when they do not fit.
func (p Page) ReplaceItem(off ids.OffsetNumber, item []byte) bool {
	if off < 1 || off > p.MaxOffset() || len(item) == 0 {
		return false
	}
	id := p.ItemID(off)
	oldSize, newSize := align8(id.Len()), align8(len(item))
	if p.ExactFreeSpace()+oldSize < newSize {
		return false
	}
	if oldSize != newSize {
		p.resizeItem(off, oldSize-newSize)
		id = p.ItemID(off)
	}
	at := id.Offset()
	copy(p[at:], item)
	clear(p[at+len(item) : at+newSize])
	p.SetItemID(off, MakeItemID(at, LPNormal, len(item)))
	return true
}

// resizeItem moves the items below item off by diff bytes, up when positive; item off then begins diff higher.
func (p Page) resizeItem(off ids.OffsetNumber, diff int) {
	at, upper := p.ItemPos(off), p.Upper()
	if p.ItemID(off).Len() == 0 {
		at = upper
		p.SetItemID(off, MakeItemID(at, LPNormal, 0))
	}
	copy(p[upper+diff:at+diff], p[upper:at])
	p.setUpper(upper + diff)
	for o := ids.OffsetNumber(1); o <= p.MaxOffset(); o++ {
		id := p.ItemID(o)
		if o == off || id.HasStorage() && id.Offset() < at {
			p.SetItemID(o, MakeItemID(id.Offset()+diff, id.Flags(), id.Len()))
		}
	}
}

// SetItem makes line pointer off unused, dead or redirected to target; its item, if any, loses its storage,
// which Compact reclaims.
func (p Page) SetItem(off ids.OffsetNumber, flags int, target ids.OffsetNumber) bool {
	if off < 1 || off > p.MaxOffset() || flags == LPNormal || flags < 0 || flags > LPDead {
		return false
	}
	p.SetItemID(off, MakeItemID(int(target), flags, 0))
	if flags == LPUnused {
		p.SetFlags(p.Flags() | HasFreeLines)
	}
	return true
}

// DeleteItems removes the line pointers offs (ascending, distinct), moves the later ones down and reclaims
// the space: the deletion of an index page.
func (p Page) DeleteItems(offs []ids.OffsetNumber) bool {
	n := p.MaxOffset()
	last := ids.OffsetNumber(0)
	for _, o := range offs {
		if o <= last || o > n {
			return false
		}
		last = o
	}
	if len(offs) == 0 {
		return true
	}
	next, di := offs[0], 0
	for o := offs[0]; o <= n; o++ {
		if di < len(offs) && o == offs[di] {
			di++
			continue
		}
		p.SetItemID(next, p.ItemID(o))
		next++
	}
	p.setLower(itemPos(next))
	p.packItems()
	return true
}

// Compact moves the items together so that all free space is one piece. Line pointers keep their numbers.
func (p Page) Compact() {
	p.packItems()
	free := false
	for o := ids.OffsetNumber(1); o <= p.MaxOffset() && !free; o++ {
		free = !p.ItemID(o).IsUsed()
	}
	if free {
		p.SetFlags(p.Flags() | HasFreeLines)
	} else {
		p.SetFlags(p.Flags() &^ HasFreeLines)
	}
}

// TruncateItems gives back the unused line pointers at the end of the array.
func (p Page) TruncateItems() {
	n := p.MaxOffset()
	for n > 0 && !p.ItemID(n).IsUsed() && !p.ItemID(n).HasStorage() {
		n--
	}
	p.setLower(itemPos(n + 1))
}

// packItems moves items against the special space. The usual page has its items in the order of their
// line pointers, downwards: then they move in place.
func (p Page) packItems() {
	n := p.MaxOffset()
	prev, sorted := p.SpecialStart(), true
	for o := ids.OffsetNumber(1); o <= n; o++ {
		if id := p.ItemID(o); id.HasStorage() {
			if id.Offset()+id.Len() > prev {
				sorted = false
				break
			}
			prev = id.Offset()
		}
	}
	if sorted {
		p.packFrom(p)
	} else {
		p.packThroughCopy()
	}
}

//go:noinline
func (p Page) packThroughCopy() {
	var old [Size]byte
	copy(old[:], p)
	p.packFrom(old[:])
}

func (p Page) packFrom(src []byte) {
	upper := p.SpecialStart()
	for o := ids.OffsetNumber(1); o <= p.MaxOffset(); o++ {
		id := p.ItemID(o)
		if !id.HasStorage() {
			continue
		}
		size := align8(id.Len())
		upper -= size
		if upper != id.Offset() {
			end := min(id.Offset()+size, Size)
			copy(p[upper:upper+size], src[id.Offset():end])
			p.SetItemID(o, MakeItemID(upper, id.Flags(), id.Len()))
		}
	}
	p.setUpper(upper)
}
