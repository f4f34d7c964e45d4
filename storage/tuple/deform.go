package tuple

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"gompho/internal/ids"
	"gompho/types"
)

// split finds the parts of a heap tuple: its data, the null bitmap (nil if none) and how many attributes it has.
func split(tup []byte) (data, nulls []byte, natts int, err error) {
	if len(tup) < HeaderSize {
		return nil, nil, 0, Damaged("too short")
	}
	h := Header(tup)
	hoff := h.Hoff()
	natts = h.Natts()
	if hoff > len(tup) || hoff < HeaderSize {
		return nil, nil, 0, Damaged("bad header size")
	}
	if h.Infomask()&HasNull != 0 {
		if HeaderSize+(natts+7)/8 > hoff {
			return nil, nil, 0, Damaged("null bitmap")
		}
		nulls = tup[HeaderSize:hoff]
	}
	return tup[hoff:], nulls, natts, nil
}

// Decode decodes the chosen attributes of a heap tuple into row `row` of b, whose columns must have been Reset and have room.
// Byte strings are copied into a when it is not nil; else they refer to tup. ext fetches out-of-line values.
func (p *Projection) Decode(tup []byte, b *types.Batch, row int, a *Arena, ext Detoaster) error {
	data, nulls, natts, err := split(tup)
	if err != nil {
		return err
	}
	return p.decode(data, nulls, natts, vectorSink{b.Cols, row}, a, ext)
}

// Deform decodes the chosen attributes of a heap tuple into out, one value per chosen attribute.
// Byte strings are copied into a when it is not nil; else they refer to tup.
func (p *Projection) Deform(tup []byte, out []types.Datum, a *Arena, ext Detoaster) error {
	data, nulls, natts, err := split(tup)
	if err != nil {
		return err
	}
	return p.decodeDatums(data, nulls, natts, out, a, ext)
}

// DeformData is Deform for attributes that are not in a heap tuple: their bytes, null bitmap (nil: no nulls) and number.
func (p *Projection) DeformData(data, nulls []byte, natts int, out []types.Datum, a *Arena, ext Detoaster) error {
	return p.decodeDatums(data, nulls, natts, out, a, ext)
}

// DecodeData is Decode for attributes that are not in a heap tuple.
func (p *Projection) DecodeData(data, nulls []byte, natts int, b *types.Batch, row int, a *Arena) error {
	return p.decode(data, nulls, natts, vectorSink{b.Cols, row}, a, nil)
}

// fastColumns returns how many leading attributes of a tuple lie at their fixed positions.
func (p *Projection) fastColumns(nulls []byte, natts int) int {
	fast := min(p.fast, natts)
	for i, b := range nulls {
		if 8*i >= fast {
			break
		}
		if b != 0xff {
			return min(fast, 8*i+bits.TrailingZeros8(^b))
		}
	}
	return fast
}

type vectorSink struct {
	cols []*types.Vector
	row  int
}

// decode walks the attributes up to the last one wanted.
func (p *Projection) decode(data, nulls []byte, natts int, s vectorSink, a *Arena, ext Detoaster) error {
	l, off := p.l, 0
	want, first := p.want, p.first
	if nulls == nil && natts >= p.last && len(data) >= p.wordsEnd && len(p.words) > 0 {
		p.readWords(data, s)
		if want, first = p.rest, p.firstRest; first == p.last {
			return nil
		}
	}
	fast := p.fastColumns(nulls, natts)
	for i := max(0, min(first, fast-1)); i < p.last; i++ {
		c := &l.cols[i]
		k := want[i]
		if i >= natts || nulls != nil && nulls[i>>3]&(1<<(i&7)) == 0 {
			if k >= 0 {
				p.putAbsent(c, k, i >= natts, s)
			}
			continue
		}
		if c.rep == repVarlena {
			if i < fast {
				off = int(c.off)
			}
			stored, end, form, ok := varlenaAt(data, off, int(c.mask))
			if !ok {
				return Damaged("attribute beyond the end")
			}
			off = end
			if k < 0 {
				continue
			}
			v, err := p.take(stored, form, a, ext)
			if err != nil {
				return err
			}
			p.putBytes(k, v, s)
			continue
		}
		if i < fast {
			if k < 0 && i+1 < fast {
				continue
			}
			off = int(c.off)
		} else {
			off = (off + int(c.mask)) &^ int(c.mask)
		}
		end := off + int(c.size)
		if c.rep == repCString {
			end = cstringEnd(data, off)
		}
		if end > len(data) || end < off {
			return Damaged("attribute beyond the end")
		}
		if k >= 0 {
			if c.rep >= repName {
				p.putBytes(k, take(c.bytes(data[off:end]), a), s)
			} else {
				p.putWord(k, c.word(data[off:end]), s)
			}
		}
		off = end
	}
	return nil
}

// decodeDatums is decode with datums for its results.
func (p *Projection) decodeDatums(data, nulls []byte, natts int, out []types.Datum, a *Arena, ext Detoaster) error {
	l, off := p.l, 0
	fast := p.fastColumns(nulls, natts)
	for i := max(0, min(p.first, fast-1)); i < p.last; i++ {
		c := &l.cols[i]
		k := p.want[i]
		if i >= natts || nulls != nil && nulls[i>>3]&(1<<(i&7)) == 0 {
			if k >= 0 {
				p.putDatum(k, c.absent(i >= natts), out)
			}
			continue
		}
		if i < fast {
			if k < 0 && i+1 < fast {
				continue
			}
			off = int(c.off)
		} else if c.rep != repVarlena {
			off = (off + int(c.mask)) &^ int(c.mask)
		}
		if c.rep == repVarlena {
			stored, end, form, ok := varlenaAt(data, off, int(c.mask))
			if !ok {
				return Damaged("attribute beyond the end")
			}
			off = end
			if k < 0 {
				continue
			}
			v, err := p.take(stored, form, a, ext)
			if err != nil {
				return err
			}
			p.putDatum(k, types.Bytes(v), out)
			continue
		}
		end := off + int(c.size)
		if c.rep == repCString {
			end = cstringEnd(data, off)
		}
		if end > len(data) || end < off {
			return Damaged("attribute beyond the end")
		}
		if k >= 0 {
			if c.rep >= repName {
				p.putDatum(k, types.Bytes(take(c.bytes(data[off:end]), a)), out)
			} else {
				p.putDatum(k, types.Word(c.word(data[off:end])), out)
			}
		}
		off = end
	}
	return nil
}

func (c *column) absent(missing bool) types.Datum {
	if missing && c.missing != nil {
		return *c.missing
	}
	return types.Null
}

func (p *Projection) putAbsent(c *column, k int32, missing bool, s vectorSink) {
	d := c.absent(missing)
	for {
		s.cols[k].Set(s.row, d)
		if p.dup == nil || p.dup[k] < 0 {
			return
		}
		k = p.dup[k]
	}
}

func (p *Projection) putWord(k int32, w uint64, s vectorSink) {
	for {
		s.cols[k].W[s.row] = w
		if p.dup == nil || p.dup[k] < 0 {
			return
		}
		k = p.dup[k]
	}
}

func (p *Projection) putBytes(k int32, b []byte, s vectorSink) {
	for {
		s.cols[k].B[s.row] = b
		if p.dup == nil || p.dup[k] < 0 {
			return
		}
		k = p.dup[k]
	}
}

func (p *Projection) putDatum(k int32, d types.Datum, out []types.Datum) {
	for {
		out[k] = d
		if p.dup == nil || p.dup[k] < 0 {
			return
		}
		k = p.dup[k]
	}
}

func (p *Projection) take(stored []byte, form StoredForm, a *Arena, ext Detoaster) ([]byte, error) {
	if form <= FormLong {
		return take(plain(stored, form), a), nil
	}
	return value(stored, form, a, ext)
}

// take copies b into the arena, if there is one.
func take(b []byte, a *Arena) []byte {
	if a == nil {
		return b
	}
	return a.Copy(b)
}

// bytes returns the value of a name, fixed-length or cstring column.
func (c *column) bytes(b []byte) []byte {
	switch c.rep {
	case repName:
		if i := bytes.IndexByte(b, 0); i >= 0 {
			return b[:i]
		}
	case repCString:
		return b[:len(b)-1]
	}
	return b
}

// word returns the value of a column that is a word in memory; b has exactly its size.
func (c *column) word(b []byte) uint64 { return wordOf(c.rep, b) }

func wordOf(r rep, b []byte) uint64 {
	switch r {
	case repInt4:
		return uint64(int64(int32(binary.LittleEndian.Uint32(b))))
	case repWord8:
		return binary.LittleEndian.Uint64(b)
	case repWord4:
		return uint64(binary.LittleEndian.Uint32(b))
	case repWord1:
		return uint64(b[0])
	case repInt2:
		return uint64(int64(int16(binary.LittleEndian.Uint16(b))))
	case repWord2:
		return uint64(binary.LittleEndian.Uint16(b))
	case repFloat4:
		return math.Float64bits(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	}
	t := ids.TID{Block: ids.BlockNumber(binary.LittleEndian.Uint32(b)), Offset: ids.OffsetNumber(binary.LittleEndian.Uint16(b[4:]))}
	return t.Pack()
}

// cstringEnd returns the position after the zero byte that ends the string at off; beyond data if there is none.
func cstringEnd(data []byte, off int) int {
	if off < len(data) {
		if i := bytes.IndexByte(data[off:], 0); i >= 0 {
			return off + i + 1
		}
	}
	return len(data) + 1
}

// Externals calls each for the out-of-line values of a heap tuple: the attribute, its stored form and the pointer in it.
func (l *Layout) Externals(tup []byte, each func(attr int, stored []byte, p Pointer) error) error {
	data, nulls, natts, err := split(tup)
	if err != nil {
		return err
	}
	off := 0
	for i := 0; i < min(natts, len(l.cols)); i++ {
		c := &l.cols[i]
		if nulls != nil && nulls[i>>3]&(1<<(i&7)) == 0 {
			continue
		}
		if c.rep != repVarlena {
			off = (off + int(c.mask)) &^ int(c.mask)
			if c.rep == repCString {
				off = cstringEnd(data, off)
			} else {
				off += int(c.size)
			}
			continue
		}
		stored, end, form, ok := varlenaAt(data, off, int(c.mask))
		if !ok {
			return Damaged("attribute beyond the end")
		}
		off = end
		if form != FormExternal {
			continue
		}
		p, ok := DecodePointer(stored)
		if !ok {
			return Damaged("bad external value")
		}
		if err := each(i, stored, p); err != nil {
			return err
		}
	}
	return nil
}

// Attr decodes attribute i of data alone, which begins at off before alignment, and returns where the next one begins.
// The attribute must be there and not null. ok is false when it does not fit. Byte strings refer to data.
func (l *Layout) Attr(data []byte, i, off int) (d types.Datum, next int, ok bool) {
	c := &l.cols[i]
	if c.rep == repVarlena {
		stored, end, form, ok := varlenaAt(data, off, int(c.mask))
		if !ok {
			return d, 0, false
		}
		b, err := value(stored, form, nil, nil)
		return types.Bytes(b), end, err == nil
	}
	off = (off + int(c.mask)) &^ int(c.mask)
	end := off + int(c.size)
	if c.rep == repCString {
		end = cstringEnd(data, off)
	}
	if end > len(data) {
		return d, 0, false
	}
	if c.rep >= repName {
		return types.Bytes(c.bytes(data[off:end])), end, true
	}
	return types.Word(c.word(data[off:end])), end, true
}

// StoredKind tells how attribute 0 lies at the beginning of data, for comparisons that read it without decoding.
type StoredKind uint8

// Kinds that a comparison may read by itself.
const (
	StoredOther StoredKind = iota
	StoredInt2
	StoredInt4
	StoredWord4
	StoredWord8
	StoredVarlena
	StoredName
)

// First returns how attribute 0 is stored.
func (l *Layout) First() StoredKind {
	if len(l.cols) == 0 {
		return StoredOther
	}
	switch l.cols[0].rep {
	case repInt2:
		return StoredInt2
	case repInt4:
		return StoredInt4
	case repWord4:
		return StoredWord4
	case repWord8:
		return StoredWord8
	case repVarlena:
		return StoredVarlena
	case repName:
		return StoredName
	}
	return StoredOther
}

// PlainVarlena returns the bytes of a variable-length value that begins at b[0], if it is neither compressed nor out of line.
func PlainVarlena(b []byte) (v []byte, ok bool) {
	stored, _, form, ok := varlenaAt(b, 0, 0)
	if !ok || form > FormLong {
		return nil, false
	}
	return plain(stored, form), true
}

// Stored returns the bytes of attribute i as they are stored, with the header of a variable-length one. Otherwise it is as Attr.
func (l *Layout) Stored(data []byte, i, off int) (stored []byte, form StoredForm, next int, ok bool) {
	c := &l.cols[i]
	if c.rep == repVarlena {
		stored, next, form, ok = varlenaAt(data, off, int(c.mask))
		return stored, form, next, ok
	}
	off = (off + int(c.mask)) &^ int(c.mask)
	next = off + int(c.size)
	if c.rep == repCString {
		next = cstringEnd(data, off)
	}
	if next > len(data) {
		return nil, 0, 0, false
	}
	return data[off:next], FormLong, next, true
}

// Varies reports whether attribute i has a header that tells its length.
func (l *Layout) Varies(i int) bool { return l.cols[i].rep == repVarlena }

// Expand returns the value of a variable-length attribute that Stored returned.
func Expand(stored []byte, form StoredForm, ext Detoaster) ([]byte, error) {
	return value(stored, form, nil, ext)
}
