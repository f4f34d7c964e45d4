package tuple

import (
	"encoding/binary"

	"github.com/pierrec/lz4/v4"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// Stored forms of a variable-length value:
//
//	short     1-byte header (length incl. header)<<1 | 1, then the bytes
//	long      4-byte header (length incl. header)<<2, then the bytes
//	packed    4-byte header (length incl. header)<<2 | 2, u32 (raw size | method<<30), then an lz4 block
//	external  0x01, tag 18, then a Pointer of 16 bytes
const (
	shortMax    = 0x7f // bytes of a short value with its header
	longHeader  = 4
	packHeader  = 8
	externalTag = 18
	// ExternalSize is the size of an out-of-line value's pointer as stored, in bytes.
	ExternalSize = 18
	// MaxValue is the size in bytes that a stored value must stay below: 1 GB.
	MaxValue = 1 << 30
	// sizeMask takes the size out of a word that has the compression method in its top two bits.
	sizeMask  = 1<<30 - 1
	methodLz4 = 1
)

// Pointer is where an out-of-line value is: in the rows of ToastRel with ValueID.
type Pointer struct {
	RawSize    uint32 // bytes of the value itself
	ExtSize    uint32 // bytes stored, fewer when Compressed
	ValueID    ids.Oid
	ToastRel   ids.Oid
	Compressed bool // what is stored is a block compressed with lz4
}

// Append appends the stored form of p to dst.
func (p Pointer) Append(dst []byte) []byte {
	ext := p.ExtSize
	if p.Compressed {
		ext |= methodLz4 << 30
	}
	dst = append(dst, 0x01, externalTag)
	dst = binary.LittleEndian.AppendUint32(dst, p.RawSize)
	dst = binary.LittleEndian.AppendUint32(dst, ext)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(p.ValueID))
	return binary.LittleEndian.AppendUint32(dst, uint32(p.ToastRel))
}

// DecodePointer reads a pointer from the stored form of an external value.
func DecodePointer(b []byte) (Pointer, bool) {
	if len(b) < ExternalSize || b[0] != 0x01 || b[1] != externalTag {
		return Pointer{}, false
	}
	ext := binary.LittleEndian.Uint32(b[6:])
	return Pointer{
		RawSize: binary.LittleEndian.Uint32(b[2:]), ExtSize: ext & sizeMask, Compressed: ext>>30 != 0,
		ValueID:  ids.Oid(binary.LittleEndian.Uint32(b[10:])),
		ToastRel: ids.Oid(binary.LittleEndian.Uint32(b[14:])),
	}, true
}

// Detoaster fetches out-of-line values. The result may share memory with nothing that changes.
type Detoaster interface {
	Fetch(p Pointer) ([]byte, error)
}

// StoredForm tells how a stored value is held.
type StoredForm uint8

const (
	FormShort StoredForm = iota
	FormLong
	FormPacked
	FormExternal
)

// Damaged is the error of bytes on a page that cannot be what they should be.
func Damaged(what string) error {
	return pgerr.New(pgerr.DataCorrupted, "invalid tuple: %s", what)
}

// varlenaAt finds the variable-length value at b[off:], off not yet aligned. It returns the value's stored bytes
// with their header, where they end, and their form. ok is false when it does not fit.
func varlenaAt(b []byte, off, mask int) (stored []byte, end int, form StoredForm, ok bool) {
	if off >= len(b) {
		return nil, 0, 0, false
	}
	h := b[off]
	if h == 0 {
		off = (off + mask) &^ mask
		if off >= len(b) {
			return nil, 0, 0, false
		}
		h = b[off]
	}
	if h&1 != 0 {
		if h == 0x01 {
			end = off + ExternalSize
			form = FormExternal
		} else {
			end = off + int(h>>1)
		}
		if end > len(b) {
			return nil, 0, 0, false
		}
		return b[off:end:end], end, form, true
	}
	if off+longHeader > len(b) {
		return nil, 0, 0, false
	}
	w := binary.LittleEndian.Uint32(b[off:])
	n := int(w >> 2)
	end = off + n
	if n < longHeader || end > len(b) {
		return nil, 0, 0, false
	}
	form = FormLong
	if w&2 != 0 {
		form = FormPacked
		if n < packHeader {
			return nil, 0, 0, false
		}
	}
	return b[off:end:end], end, form, true
}

// plain returns the bytes of a short or long value.
func plain(stored []byte, form StoredForm) []byte {
	if form == FormShort {
		return stored[1:]
	}
	return stored[longHeader:]
}

// value returns the bytes of a stored value, unpacked and fetched as needed; memory for unpacking comes from a, if not nil.
func value(stored []byte, form StoredForm, a *Arena, ext Detoaster) ([]byte, error) {
	switch form {
	case FormPacked:
		return unpackStored(stored, a)
	case FormExternal:
		p, ok := DecodePointer(stored)
		if !ok {
			return nil, Damaged("bad external value")
		}
		if ext == nil {
			return nil, pgerr.Internal("out-of-line value %d of relation %d in a place that has none", p.ValueID, p.ToastRel)
		}
		return ext.Fetch(p)
	}
	return plain(stored, form), nil
}

func unpackStored(stored []byte, a *Arena) ([]byte, error) {
	raw := int(binary.LittleEndian.Uint32(stored[4:]) & sizeMask)
	return Unpack(stored[packHeader:], raw, a)
}

// Unpack expands an lz4 block to raw bytes. Memory comes from a, if not nil.
func Unpack(block []byte, raw int, a *Arena) ([]byte, error) {
	if raw > 255*len(block)+64 {
		return nil, Damaged("compressed size")
	}
	var dst []byte
	if a != nil {
		dst = a.Alloc(raw)
	} else {
		dst = make([]byte, raw)
	}
	n, err := lz4.UncompressBlock(block, dst)
	if err != nil || n != raw {
		return nil, pgerr.New(pgerr.DataCorrupted, "compressed lz4 data is corrupt")
	}
	return dst, nil
}

// Pack compresses b as an lz4 block; ok is false when that does not save at least a quarter.
func Pack(b []byte) (block []byte, ok bool) {
	limit := len(b) - len(b)/4 - packHeader
	if limit < 16 {
		return nil, false
	}
	dst := make([]byte, limit)
	n, err := lz4.CompressBlock(b, dst, nil)
	if err != nil || n == 0 {
		return nil, false
	}
	return dst[:n], true
}

// AppendPacked appends the stored form of a value of raw bytes compressed to block.
func AppendPacked(dst, block []byte, raw int) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(block)+packHeader)<<2|2)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(raw)|methodLz4<<30)
	return append(dst, block...)
}

// PackedBlock returns the lz4 block in the stored form of a compressed value.
func PackedBlock(stored []byte) []byte { return stored[packHeader:] }
