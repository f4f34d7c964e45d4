package page

import (
	"encoding/binary"

	"gompho/internal/ids"
)

// Sizes in bytes.
const (
	Size       = ids.BlockSize
	HeaderSize = 32
	ItemIDSize = 4
	// MaxItemSize is the largest item that fits on a page without special space.
	MaxItemSize = Size - HeaderSize - ItemIDSize&^7 - 8
	// MaxItems bounds the line pointers of a page.
	MaxItems = (Size - HeaderSize) / ItemIDSize
	// LayoutVersion is written into the header of initialised pages.
	LayoutVersion = 1
)

// Positions of the header fields.
const (
	PosLSN      = 0
	PosChecksum = 8
	PosFlags    = 10
	PosLower    = 12
	PosUpper    = 14
	PosSpecial  = 16
	PosVersion  = 18
	PosPruneXid = 24
)

// Page flags known to every access method. Bits from 8 up are free for the access method.
const (
	HasFreeLines uint16 = 1 << iota // a hint: some line pointer may be unused
	PageFull                        // an update found no room here: a hint for pruning
	AllVisible                      // all tuples are visible to everybody
)

// Page is one block of exactly Size bytes. Its methods read and write in place.
type Page []byte

var le = binary.LittleEndian

// LSN returns the end of the last WAL record that changed the page.
func (p Page) LSN() ids.LSN { return ids.LSN(le.Uint64(p[PosLSN:])) }

// SetLSN sets it.
func (p Page) SetLSN(l ids.LSN) { le.PutUint64(p[PosLSN:], uint64(l)) }

// Flags returns the page flags.
func (p Page) Flags() uint16 { return le.Uint16(p[PosFlags:]) }

// SetFlags sets all page flags. Unlogged: a logged change goes through a page operation.
func (p Page) SetFlags(f uint16) { le.PutUint16(p[PosFlags:], f) }

// HasFlag reports whether all bits of f are set.
func (p Page) HasFlag(f uint16) bool { return p.Flags()&f == f }

// Lower returns the end of the line pointers.
func (p Page) Lower() int { return int(le.Uint16(p[PosLower:])) }

// Upper returns the begin of the items; 0 on a page that was never initialised.
func (p Page) Upper() int { return int(le.Uint16(p[PosUpper:])) }

// SpecialStart returns the begin of the special space.
func (p Page) SpecialStart() int { return int(le.Uint16(p[PosSpecial:])) }

// Special returns the special space.
func (p Page) Special() []byte { return p[p.SpecialStart():Size] }

// Contents returns what lies between header and special space, for pages without items.
func (p Page) Contents() []byte { return p[HeaderSize:p.SpecialStart()] }

// LayoutVersion returns the version of the layout, 0 when the page was never initialised.
func (p Page) LayoutVersion() uint16 { return le.Uint16(p[PosVersion:]) }

// PruneXid returns the oldest xid whose deletion may be prunable, 0 if none.
func (p Page) PruneXid() ids.Xid { return ids.Xid(le.Uint64(p[PosPruneXid:])) }

// SetPruneXid sets it; it is a hint.
func (p Page) SetPruneXid(x ids.Xid) { le.PutUint64(p[PosPruneXid:], uint64(x)) }

func (p Page) setLower(v int)   { le.PutUint16(p[PosLower:], uint16(v)) }
func (p Page) setUpper(v int)   { le.PutUint16(p[PosUpper:], uint16(v)) }
func (p Page) setSpecial(v int) { le.PutUint16(p[PosSpecial:], uint16(v)) }

// IsNew reports whether the page was never initialised.
func (p Page) IsNew() bool { return p.Upper() == 0 }

// IsZero reports whether all bytes are zero.
func (p Page) IsZero() bool { return zero(p[:Size]) }

// Init empties the page and lays out a special space of special bytes (rounded up to 8). The LSN is kept.
func (p Page) Init(special int, flags uint16) {
	clear(p[8:Size])
	start := Size - align8(special)
	p.SetFlags(flags)
	p.setLower(HeaderSize)
	p.setUpper(start)
	p.setSpecial(start)
	le.PutUint16(p[PosVersion:], LayoutVersion)
}

// MaxOffset returns the number of line pointers, 0 for an empty or new page.
func (p Page) MaxOffset() ids.OffsetNumber {
	if l := p.Lower(); l > HeaderSize {
		return ids.OffsetNumber((l - HeaderSize) / ItemIDSize)
	}
	return 0
}

// FreeSpace returns the bytes free for one more item after its line pointer.
func (p Page) FreeSpace() int { return max(0, p.ExactFreeSpace()-ItemIDSize) }

// ExactFreeSpace returns the bytes between line pointers and items.
func (p Page) ExactFreeSpace() int { return max(0, p.Upper()-p.Lower()) }

func align8(n int) int { return (n + 7) &^ 7 }
