package tuple

import (
	"encoding/binary"
	"math"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// Stored holds for some attributes the bytes to store in place of the value: compressed values and pointers
// to out-of-line ones. A nil entry (or a nil Stored) means: store the value itself.
type Stored [][]byte

// Form appends a heap tuple of values to dst. Of the header it sets only natts, hoff and the layout bits of infomask;
// the rest is zero. Values are one per attribute of the description; dropped ones should be NULL.
func (l *Layout) Form(values []types.Datum, stored Stored, dst []byte) ([]byte, error) {
	if len(values) != len(l.cols) {
		return nil, pgerr.Internal("%d values for a row of %d columns", len(values), len(l.cols))
	}
	start := len(dst)
	hoff, mask := HeaderSize, uint16(0)
	if hasNull(values) {
		hoff = Align8(HeaderSize + (len(values)+7)/8)
		mask |= HasNull
	}
	dst = appendZeros(dst, hoff)
	var bits []byte
	if mask&HasNull != 0 {
		bits = dst[start+HeaderSize : start+hoff]
	}
	dst, dataMask, err := l.AppendData(values, stored, bits, dst)
	if err != nil {
		return nil, err
	}
	h := Header(dst[start:])
	h.SetInfomask(mask | dataMask)
	h.SetInfomask2(uint16(len(values)))
	h.SetHoff(hoff)
	return dst, nil
}

func hasNull(values []types.Datum) bool {
	for i := range values {
		if values[i].IsNull() {
			return true
		}
	}
	return false
}

var zeros [512]byte

func appendZeros(dst []byte, n int) []byte { return append(dst, zeros[:n]...) }

// AppendData appends the attributes' bytes to dst, aligned relative to where dst ends now. Not-null bits are set in
// bits, which may be nil when no value is NULL. The mask returned has HasVarWidth and HasExternal as they apply.
func (l *Layout) AppendData(values []types.Datum, stored Stored, bits, dst []byte) ([]byte, uint16, error) {
	base := len(dst)
	mask := uint16(0)
	if bits != nil {
		// Before anything is appended: bits may be part of dst, which append can move.
		setNotNull(values, bits)
	}
	for i := range values {
		d := values[i]
		if d.IsNull() {
			continue
		}
		c := &l.cols[i]
		if c.rep == repVarlena {
			mask |= HasVarWidth
			if stored != nil && stored[i] != nil {
				dst, mask = appendStored(dst, base, c, stored[i], mask)
				continue
			}
			b := d.Bytes()
			if len(b) >= MaxValue-longHeader {
				return nil, 0, pgerr.New(pgerr.ProgramLimitExceeded, "invalid memory alloc request size %d", len(b))
			}
			dst = appendVarlena(dst, base, c, b)
			continue
		}
		dst = pad(dst, base, int(c.mask))
		var err error
		if dst, err = c.appendFixed(dst, d); err != nil {
			return nil, 0, err
		}
		if c.rep == repCString {
			mask |= HasVarWidth
		}
	}
	return dst, mask, nil
}

func setNotNull(values []types.Datum, bits []byte) {
	for i := range values {
		if !values[i].IsNull() {
			bits[i>>3] |= 1 << (i & 7)
		}
	}
}

func pad(dst []byte, base, mask int) []byte {
	for (len(dst)-base)&mask != 0 {
		dst = append(dst, 0)
	}
	return dst
}

func appendVarlena(dst []byte, base int, c *column, b []byte) []byte {
	if len(b) < shortMax && c.storage != 'p' {
		dst = append(dst, byte(len(b)+1)<<1|1)
		return append(dst, b...)
	}
	dst = pad(dst, base, int(c.mask))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b)+longHeader)<<2)
	return append(dst, b...)
}

func appendStored(dst []byte, base int, c *column, b []byte, mask uint16) ([]byte, uint16) {
	if b[0]&1 == 0 {
		dst = pad(dst, base, int(c.mask))
	} else if b[0] == 0x01 {
		mask |= HasExternal
	}
	return append(dst, b...), mask
}

func (c *column) appendFixed(dst []byte, d types.Datum) ([]byte, error) {
	w := d.Word()
	switch c.rep {
	case repWord1:
		return append(dst, byte(w)), nil
	case repInt2, repWord2:
		return binary.LittleEndian.AppendUint16(dst, uint16(w)), nil
	case repInt4, repWord4:
		return binary.LittleEndian.AppendUint32(dst, uint32(w)), nil
	case repWord8:
		return binary.LittleEndian.AppendUint64(dst, w), nil
	case repFloat4:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(d.Float()))), nil
	case repTID:
		t := ids.UnpackTID(w)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(t.Block))
		return binary.LittleEndian.AppendUint16(dst, uint16(t.Offset)), nil
	case repCString:
		return append(append(dst, d.Bytes()...), 0), nil
	}
	b := d.Bytes()
	if len(b) > int(c.size) || c.rep == repFixed && len(b) != int(c.size) {
		return nil, pgerr.Internal("value of %d bytes for a type of %d bytes", len(b), c.size)
	}
	dst = append(dst, b...)
	return appendZeros(dst, int(c.size)-len(b)), nil
}

// DataSize returns the bytes that AppendData would add when the data begin aligned.
func (l *Layout) DataSize(values []types.Datum, stored Stored) int {
	n := 0
	for i := range values {
		if values[i].IsNull() {
			continue
		}
		c := &l.cols[i]
		switch {
		case c.rep == repVarlena && stored != nil && stored[i] != nil:
			if stored[i][0]&1 == 0 {
				n = (n + int(c.mask)) &^ int(c.mask)
			}
			n += len(stored[i])
		case c.rep == repVarlena:
			size := len(values[i].Bytes())
			if size < shortMax && c.storage != 'p' {
				n += size + 1
			} else {
				n = (n+int(c.mask))&^int(c.mask) + longHeader + size
			}
		case c.rep == repCString:
			n += len(values[i].Bytes()) + 1
		default:
			n = (n+int(c.mask))&^int(c.mask) + int(c.size)
		}
	}
	return n
}
