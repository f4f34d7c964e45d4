package page

import (
	"hash/crc32"

	"gompho/internal/ids"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum computes the checksum of the page as block number blk: never 0, and independent of the stored one.
func (p Page) Checksum(blk ids.BlockNumber) uint16 {
	c := crc32.Update(uint32(blk), castagnoli, p[:PosChecksum])
	c = crc32.Update(c, castagnoli, p[PosChecksum+2:Size])
	return uint16(c%65535) + 1
}

// StoredChecksum returns the checksum in the header, 0 when none was computed.
func (p Page) StoredChecksum() uint16 { return le.Uint16(p[PosChecksum:]) }

// SetChecksum stores the checksum for block blk; a page never initialised keeps none.
func (p Page) SetChecksum(blk ids.BlockNumber) {
	if p.IsNew() {
		le.PutUint16(p[PosChecksum:], 0)
		return
	}
	le.PutUint16(p[PosChecksum:], p.Checksum(blk))
}
