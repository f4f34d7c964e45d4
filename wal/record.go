package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/page"
)

const (
	headerSize = 24
	// MaxRecordSize bounds one record.
	MaxRecordSize = 1 << 28
	sameRel       = 0x10
	crcTail       = 36 // bytes that finishCRC adds
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// Record is one record as the reader returns it. Payload and the pages' operations alias the reader's buffer
// and are valid until the next call of Next.
type Record struct {
	Kind    Kind
	Xid     ids.Xid
	Start   ids.LSN
	End     ids.LSN // where the next record begins; page LSNs are set to it
	Size    int     // bytes, without padding
	Payload []byte
	Pages   []PageRef
}

// PageRef is one page of a record with the operations on it, encoded as storage/page defines.
type PageRef struct {
	Rel   ids.RelFile
	Fork  ids.Fork
	Block ids.BlockNumber
	Ops   []byte
	// Packed says that the record has the image compressed; Stored is how many bytes of the record the operations take.
	Packed bool
	Stored int
}

// Describe prints the record in one line, for people.
func (r *Record) Describe() string {
	var sb strings.Builder
	fmt.Fprintf(&sb, "%s %s xid %d payload %d", r.Start, r.Kind, r.Xid, len(r.Payload))
	for _, p := range r.Pages {
		fmt.Fprintf(&sb, " [%d/%d/%d %s blk %d: %s]", p.Rel.Spc, p.Rel.DB, p.Rel.Rel, p.Fork, p.Block, page.DescribeOps(p.Ops))
	}
	return sb.String()
}

// Builder assembles one record in memory. It is reused: after the first records it does not allocate.
type Builder struct {
	Slot *stats.Slot // who inserts the record, to show what it waits for; may be nil, and stays from record to record

	buf     []byte
	lastRel ids.RelFile
	pages   int
	payload int
	images  int
	slot    uint32 // the insertion slot that was free last time
	scratch [crcTail]byte
}

// Reset begins a record.
func (b *Builder) Reset(kind Kind, xid ids.Xid) {
	if cap(b.buf) < 256 {
		b.buf = make([]byte, 0, 512)
	}
	b.buf = b.buf[:headerSize]
	clear(b.buf)
	le.PutUint64(b.buf[8:], uint64(xid))
	b.buf[16] = byte(kind)
	b.pages, b.payload, b.images = 0, 0, 0
}

func (b *Builder) pageHeader(rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, n int) {
	if b.pages > 0 && rel == b.lastRel {
		b.buf = append(b.buf, byte(fork)|sameRel)
	} else {
		b.buf = append(b.buf, byte(fork))
		b.buf = le.AppendUint32(b.buf, uint32(rel.Spc))
		b.buf = le.AppendUint32(b.buf, uint32(rel.DB))
		b.buf = le.AppendUint32(b.buf, uint32(rel.Rel))
		b.lastRel = rel
	}
	b.buf = le.AppendUint32(b.buf, uint32(blk))
	b.buf = le.AppendUint16(b.buf, uint16(n))
	b.pages++
}

// Page adds a page with encoded operations, at most 65535 bytes of them.
func (b *Builder) Page(rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, ops []byte) {
	b.pageHeader(rel, fork, blk, len(ops))
	b.buf = append(b.buf, ops...)
}

// Image adds a page with its full image, without the hole.
func (b *Builder) Image(rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, p page.Page) {
	begin, n := p.Hole()
	b.pageHeader(rel, fork, blk, page.ImageHeaderSize+page.Size-n)
	b.buf = page.AppendImageHeader(b.buf, begin, n)
	b.buf = append(b.buf, p[:begin]...)
	b.buf = append(b.buf, p[begin+n:page.Size]...)
	b.images++
}

// Payload adds a piece of the payload, after all pages.
func (b *Builder) Payload(p []byte) {
	b.buf = append(b.buf, p...)
	b.payload += len(p)
}

// seal fills the header but for the checksum and returns the checksum of the body.
func (b *Builder) seal() (bodyCRC uint32) {
	le.PutUint32(b.buf, uint32(len(b.buf)))
	b.buf[18] = byte(b.pages)
	le.PutUint32(b.buf[20:], uint32(b.payload))
	return crc32.Update(0, castagnoli, b.buf[headerSize:])
}

// finishCRC completes the checksum of a record with its header, its place and the cluster it belongs to.
// scratch is memory that does not have to be allocated here.
func finishCRC(bodyCRC uint32, header []byte, at ids.LSN, systemID uint64, b *[crcTail]byte) uint32 {
	copy(b[:4], header[:4])
	copy(b[4:20], header[8:headerSize])
	le.PutUint64(b[20:], uint64(at))
	le.PutUint64(b[28:], systemID)
	return crc32.Update(bodyCRC, castagnoli, b[:])
}

// decode takes a checked record apart. The error is a bug in the writer, or a checksum that lies.
func (r *Record) decode(b []byte, at ids.LSN, u *unpacker) error {
	u.mem = u.mem[:0]
	r.Start, r.End, r.Size = at, at+ids.LSN(align8(len(b))), len(b)
	r.Xid = ids.Xid(le.Uint64(b[8:]))
	r.Kind = Kind(b[16])
	n, payload := int(b[18]), int(le.Uint32(b[20:]))
	if payload > len(b)-headerSize {
		return fmt.Errorf("record at %s has a payload longer than itself", at)
	}
	r.Payload = b[len(b)-payload:]
	rest := b[headerSize : len(b)-payload]
	r.Pages = r.Pages[:0]
	var rel ids.RelFile
	for i := range n {
		var ref PageRef
		var ok bool
		if ref, rest, ok = decodePage(rest, rel, i == 0, u); !ok {
			return fmt.Errorf("record at %s has a damaged page reference", at)
		}
		rel = ref.Rel
		r.Pages = append(r.Pages, ref)
	}
	if len(rest) != 0 {
		return fmt.Errorf("record at %s has %d bytes too many", at, len(rest))
	}
	return nil
}

func decodePage(b []byte, rel ids.RelFile, first bool, u *unpacker) (ref PageRef, rest []byte, ok bool) {
	need := 7
	if len(b) < need {
		return ref, nil, false
	}
	same := b[0]&sameRel != 0
	ref.Packed = b[0]&packedImage != 0
	ref.Fork = ids.Fork(b[0] &^ (sameRel | packedImage))
	if ref.Fork >= ids.NumForks || same && first {
		return ref, nil, false
	}
	b = b[1:]
	ref.Rel = rel
	if !same {
		if len(b) < 18 {
			return ref, nil, false
		}
		ref.Rel = ids.RelFile{Spc: ids.Oid(le.Uint32(b)), DB: ids.Oid(le.Uint32(b[4:])), Rel: ids.Oid(le.Uint32(b[8:]))}
		b = b[12:]
	}
	ref.Block = ids.BlockNumber(le.Uint32(b))
	n := int(le.Uint16(b[4:]))
	b = b[6:]
	if len(b) < n {
		return ref, nil, false
	}
	ref.Ops, ref.Stored = b[:n], n
	if ref.Packed {
		if ref.Ops, ok = u.unpack(b[:n]); !ok {
			return ref, nil, false
		}
	}
	return ref, b[n:], true
}

func align8(n int) int { return (n + 7) &^ 7 }

// Size returns the bytes of the record so far.
func (b *Builder) Size() int { return len(b.buf) }
