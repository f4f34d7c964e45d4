package tuple

import (
	"encoding/binary"

	"gompho/internal/ids"
)

// Header is a heap tuple seen through its header: the first HeaderSize bytes of the tuple, little endian.
//
//	 0 xmin u64 | 8 xmax u64 | 16 cid u32 | 20 ctid block u32 | 24 ctid offset u16
//	26 infomask2 u16 | 28 infomask u16 | 30 hoff u8 | 31 padding
//
// The methods read and write the bytes in place; who may write them is the page latch's business.
type Header []byte

// HeaderSize is the size of the fixed header in bytes; the null bitmap, if any, follows it.
const HeaderSize = 32

// Positions of header fields, for code that logs a change of them.
const (
	PosXmin      = 0
	PosXmax      = 8
	PosCid       = 16
	PosCtid      = 20
	PosInfomask2 = 26
	PosInfomask  = 28
	PosHoff      = 30
)

// Bits of infomask, named and placed as PostgreSQL's.
const (
	HasNull        uint16 = 0x0001
	HasVarWidth    uint16 = 0x0002
	HasExternal    uint16 = 0x0004
	XmaxKeyShrLock uint16 = 0x0010
	ComboCid       uint16 = 0x0020
	XmaxExclLock   uint16 = 0x0040
	XmaxLockOnly   uint16 = 0x0080
	XmaxShrLock    uint16 = XmaxExclLock | XmaxKeyShrLock
	LockMask       uint16 = XmaxShrLock | XmaxExclLock | XmaxKeyShrLock
	XminCommitted  uint16 = 0x0100
	XminInvalid    uint16 = 0x0200
	XminFrozen     uint16 = XminCommitted | XminInvalid
	XmaxCommitted  uint16 = 0x0400
	XmaxInvalid    uint16 = 0x0800
	XmaxIsMulti    uint16 = 0x1000
	Updated        uint16 = 0x2000

	// XmaxBits are all bits that speak of xmax.
	XmaxBits = XmaxCommitted | XmaxInvalid | XmaxIsMulti | LockMask | XmaxLockOnly
)

// Bits of infomask2.
const (
	NattsMask   uint16 = 0x07FF
	KeysUpdated uint16 = 0x2000
	HotUpdated  uint16 = 0x4000
	HeapOnly    uint16 = 0x8000
)

// Offsets in ctid that are no line pointers.
const (
	SpecTokenOffset       ids.OffsetNumber = 0xfffe // ctid's block is a speculative insertion token
	MovedPartitionsOffset ids.OffsetNumber = 0xfffd // the row moved to another partition
)

// Xmin returns the inserting transaction as stored; a frozen tuple keeps its old xmin here.
func (h Header) Xmin() ids.Xid { return ids.Xid(binary.LittleEndian.Uint64(h[PosXmin:])) }

// SetXmin stores the inserting transaction.
func (h Header) SetXmin(x ids.Xid) { binary.LittleEndian.PutUint64(h[PosXmin:], uint64(x)) }

// Xmax returns the deleting or locking transaction; a multixact id when XmaxIsMulti is set.
func (h Header) Xmax() ids.Xid { return ids.Xid(binary.LittleEndian.Uint64(h[PosXmax:])) }

// SetXmax stores the deleting or locking transaction or multixact.
func (h Header) SetXmax(x ids.Xid) { binary.LittleEndian.PutUint64(h[PosXmax:], uint64(x)) }

// Multi returns xmax as a multixact id; meaningful only when XmaxIsMulti is set.
func (h Header) Multi() ids.MultiXactID { return ids.MultiXactID(h.Xmax()) }

// RawCid returns the cid field: cmin, cmax, or a combo command id when ComboCid is set.
func (h Header) RawCid() ids.CommandID {
	return ids.CommandID(binary.LittleEndian.Uint32(h[PosCid:]))
}

// SetCid stores the cid field and the ComboCid bit.
func (h Header) SetCid(c ids.CommandID, combo bool) {
	binary.LittleEndian.PutUint32(h[PosCid:], uint32(c))
	m := h.Infomask() &^ ComboCid
	if combo {
		m |= ComboCid
	}
	h.SetInfomask(m)
}

// Ctid returns the address of the tuple's next version, its own when it has none.
func (h Header) Ctid() ids.TID {
	return ids.TID{Block: ids.BlockNumber(binary.LittleEndian.Uint32(h[PosCtid:])),
		Offset: ids.OffsetNumber(binary.LittleEndian.Uint16(h[PosCtid+4:]))}
}

// SetCtid stores the address of the next version.
func (h Header) SetCtid(t ids.TID) {
	binary.LittleEndian.PutUint32(h[PosCtid:], uint32(t.Block))
	binary.LittleEndian.PutUint16(h[PosCtid+4:], uint16(t.Offset))
}

// Infomask returns the flags of xmin, xmax and the layout.
func (h Header) Infomask() uint16 { return binary.LittleEndian.Uint16(h[PosInfomask:]) }

// SetInfomask stores the flags.
func (h Header) SetInfomask(m uint16) { binary.LittleEndian.PutUint16(h[PosInfomask:], m) }

// Infomask2 returns the number of attributes and the flags kept with it.
func (h Header) Infomask2() uint16 { return binary.LittleEndian.Uint16(h[PosInfomask2:]) }

// SetInfomask2 stores the number of attributes and its flags.
func (h Header) SetInfomask2(m uint16) { binary.LittleEndian.PutUint16(h[PosInfomask2:], m) }

// Natts returns the number of attributes the tuple was formed with.
func (h Header) Natts() int { return int(h.Infomask2() & NattsMask) }

// SetNatts stores the number of attributes.
func (h Header) SetNatts(n int) { h.SetInfomask2(h.Infomask2()&^NattsMask | uint16(n)&NattsMask) }

// Hoff returns the position of the first attribute.
func (h Header) Hoff() int { return int(h[PosHoff]) }

// SetHoff stores the position of the first attribute.
func (h Header) SetHoff(n int) { h[PosHoff] = byte(n) }

// XminCommitted, XminInvalid and XminFrozen read the hint bits of xmin.

// XminCommitted reports that xmin is known to have committed (or is frozen).
func (h Header) XminCommitted() bool { return h.Infomask()&XminCommitted != 0 }

// XminInvalid reports that xmin is known to have aborted.
func (h Header) XminInvalid() bool { return h.Infomask()&XminFrozen == XminInvalid }

// XminFrozen reports that the tuple is older than every snapshot.
func (h Header) XminFrozen() bool { return h.Infomask()&XminFrozen == XminFrozen }

// IsHotUpdated reports that the tuple's next version is a heap-only tuple of the same page.
func (h Header) IsHotUpdated() bool {
	m := h.Infomask()
	return h.Infomask2()&HotUpdated != 0 && m&XmaxInvalid == 0 && !h.XminInvalid()
}

// IsHeapOnly reports that no index points to the tuple.
func (h Header) IsHeapOnly() bool { return h.Infomask2()&HeapOnly != 0 }

// XmaxIsLockedOnly reports that xmax holds lockers only, from the infomask alone.
func XmaxIsLockedOnly(infomask uint16) bool {
	return infomask&XmaxLockOnly != 0 || infomask&(XmaxIsMulti|LockMask) == XmaxExclLock
}

// IsSpeculative reports that the tuple is a speculative insertion not yet confirmed.
func (h Header) IsSpeculative() bool { return h.Ctid().Offset == SpecTokenOffset }
