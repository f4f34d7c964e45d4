package executor

import (
	"encoding/binary"

	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/heap"
	"gompho/types"
)

const tapeBuffer = 32 << 10

// tape is a temporary file of rows that is written once and then read, any number of times.
type tape struct {
	make    func() (heap.TempFile, error)
	slot    *stats.Slot
	f       heap.TempFile
	buf     []byte
	flush   int64 // bytes in the file
	rows    int
	reading bool
	rpos    int    // next byte in buf
	roff    int64  // file position of what follows buf
	tmp     []byte // a row that does not fit the buffer
}

func newTape(ex *Exec) *tape {
	return &tape{make: ex.env.TempFile, slot: ex.env.Slot}
}

// size returns the bytes written.
func (t *tape) size() int64 {
	if t.f == nil {
		return int64(len(t.buf))
	}
	return t.flush
}

func (t *tape) write(b []byte) error {
	if t.buf == nil {
		t.buf = make([]byte, 0, tapeBuffer)
	}
	if len(t.buf)+len(b) > cap(t.buf) && len(t.buf) > 0 {
		if err := t.flushBuffer(); err != nil {
			return err
		}
	}
	if len(b) > cap(t.buf) {
		return t.writeOut(b)
	}
	t.buf = append(t.buf, b...)
	return nil
}

func (t *tape) flushBuffer() error {
	if err := t.writeOut(t.buf); err != nil {
		return err
	}
	t.buf = t.buf[:0]
	return nil
}

func (t *tape) writeOut(b []byte) error {
	if t.f == nil {
		if t.make == nil {
			return pgerr.New(pgerr.OutOfMemory, "out of memory").WithDetail("There is no place for temporary files.")
		}
		f, err := t.make()
		if err != nil {
			return err
		}
		t.f = f
	}
	for len(b) > 0 {
		piece := b[:min(len(b), types.PaceStride)]
		prev := t.slot.BeginWait(stats.IOBufFileWrite)
		_, err := t.f.WriteAt(piece, t.flush)
		t.slot.EndWait(prev)
		if err == nil {
			err = t.slot.CheckInterrupts()
		}
		if err != nil {
			return err
		}
		t.flush += int64(len(piece))
		b = b[len(piece):]
	}
	return nil
}

// writeRow appends an encoded row.
func (t *tape) writeRow(row []byte) error {
	var h [4]byte
	binary.LittleEndian.PutUint32(h[:], uint32(len(row)))
	if err := t.write(h[:]); err != nil {
		return err
	}
	t.rows++
	return t.write(row)
}

// rewind ends writing, and starts reading at the first row.
func (t *tape) rewind() error {
	if !t.reading {
		if t.f != nil && len(t.buf) > 0 {
			if err := t.flushBuffer(); err != nil {
				return err
			}
		}
		t.reading = true
	}
	t.rpos, t.roff = 0, 0
	if t.f != nil {
		t.buf = t.buf[:0]
	}
	return nil
}

// readRow returns the next row, nil at the end. It is valid until the next call.
func (t *tape) readRow() ([]byte, error) {
	h, err := t.read(4)
	if h == nil || err != nil {
		return nil, err
	}
	n := int(binary.LittleEndian.Uint32(h))
	row, err := t.read(n)
	if row == nil && err == nil {
		err = pgerr.New(pgerr.DataCorrupted, "unexpected end of temporary file")
	}
	return row, err
}

// read returns the next n bytes, nil at the end.
func (t *tape) read(n int) ([]byte, error) {
	if len(t.buf)-t.rpos >= n {
		b := t.buf[t.rpos : t.rpos+n]
		t.rpos += n
		return b, nil
	}
	left := len(t.buf) - t.rpos
	if t.f == nil || t.roff >= t.flush {
		if left > 0 {
			return nil, pgerr.New(pgerr.DataCorrupted, "unexpected end of temporary file")
		}
		return nil, nil
	}
	if n > cap(t.buf) {
		return t.readLarge(n)
	}
	copy(t.buf[:left], t.buf[t.rpos:])
	want := min(int64(cap(t.buf)-left), t.flush-t.roff)
	t.buf = t.buf[:left+int(want)]
	if err := t.readAt(t.buf[left:], t.roff); err != nil {
		return nil, err
	}
	t.roff += want
	t.rpos = 0
	if len(t.buf) < n {
		return nil, pgerr.New(pgerr.DataCorrupted, "unexpected end of temporary file")
	}
	t.rpos = n
	return t.buf[:n], nil
}

func (t *tape) readLarge(n int) ([]byte, error) {
	left := copy(t.grow(n), t.buf[t.rpos:])
	t.buf, t.rpos = t.buf[:0], 0
	if int64(n-left) > t.flush-t.roff {
		return nil, pgerr.New(pgerr.DataCorrupted, "unexpected end of temporary file")
	}
	if err := t.readAt(t.tmp[left:n], t.roff); err != nil {
		return nil, err
	}
	t.roff += int64(n - left)
	return t.tmp[:n], nil
}

func (t *tape) grow(n int) []byte {
	if cap(t.tmp) < n {
		t.tmp = types.Room(n)
	}
	t.tmp = t.tmp[:n]
	return t.tmp
}

func (t *tape) readAt(b []byte, off int64) error {
	for len(b) > 0 {
		piece := b[:min(len(b), types.PaceStride)]
		prev := t.slot.BeginWait(stats.IOBufFileRead)
		n, err := t.f.ReadAt(piece, off)
		t.slot.EndWait(prev)
		if n < len(piece) {
			return pgerr.Wrap(err, pgerr.IoError, "could not read from temporary file: %v", err)
		}
		if err := t.slot.CheckInterrupts(); err != nil {
			return err
		}
		off += int64(n)
		b = b[n:]
	}
	return nil
}

// close removes the file.
func (t *tape) close() {
	if t.f != nil {
		t.f.Close()
		t.f = nil
	}
	t.buf = nil
}

// encodeRow appends row i of the store in the form of a tape: a prefix word, the null bitmap, words and byte strings.
func (s *rowStore) encodeRow(dst []byte, prefix uint64, i uint32) []byte {
	r := s.row(i)
	dst = binary.LittleEndian.AppendUint64(dst, prefix)
	for _, w := range r[:s.nullWords] {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	for c, k := range s.kinds {
		if r[c>>6]&(1<<(uint(c)&63)) != 0 {
			continue
		}
		dst = appendValue(dst, k, r[s.nullWords+c], &s.bytes)
	}
	return dst
}

func appendValue(dst []byte, k types.Kind, w uint64, bs *byteStore) []byte {
	if k == types.WordKind {
		return binary.LittleEndian.AppendUint64(dst, w)
	}
	b := bs.get(w)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}

// encodeBatchRow is encodeRow for a row of column vectors.
func encodeBatchRow(dst []byte, prefix uint64, cols []*types.Vector, pos int) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, prefix)
	at := len(dst)
	for range (len(cols) + 63) / 64 {
		dst = binary.LittleEndian.AppendUint64(dst, 0)
	}
	for c, v := range cols {
		switch {
		case v.IsNull(pos):
			dst[at+c>>3] |= 1 << (uint(c) & 7)
		case v.Kind == types.WordKind:
			dst = binary.LittleEndian.AppendUint64(dst, v.W[pos])
		default:
			dst = binary.LittleEndian.AppendUint32(dst, uint32(len(v.B[pos])))
			dst = append(dst, v.B[pos]...)
		}
	}
	return dst
}

// appendEncoded adds a row from a tape and returns its prefix.
func (s *rowStore) appendEncoded(b []byte) (row uint32, prefix uint64) {
	prefix = binary.LittleEndian.Uint64(b)
	b = b[8:]
	row, r := s.add()
	for w := range s.nullWords {
		r[w] = binary.LittleEndian.Uint64(b)
		b = b[8:]
	}
	for c, k := range s.kinds {
		switch {
		case r[c>>6]&(1<<(uint(c)&63)) != 0:
			r[s.nullWords+c] = 0
		case k == types.WordKind:
			r[s.nullWords+c] = binary.LittleEndian.Uint64(b)
			b = b[8:]
		default:
			n := int(binary.LittleEndian.Uint32(b))
			r[s.nullWords+c] = s.bytes.put(b[4 : 4+n])
			b = b[4+n:]
		}
	}
	return row, prefix
}
