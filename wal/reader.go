package wal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gompho/internal/ids"
	"gompho/storage/vfs"
)

// Reader reads the records of a log in order, up to the first one that is not valid: the end of the log.
type Reader struct {
	fsys     vfs.FS
	dir      string
	timeline uint32
	segSize  uint64
	systemID uint64

	pos     ids.LSN // of the next record
	f       vfs.File
	fileNo  uint64
	buf     []byte // log content from bufAt
	bufAt   uint64
	rec     Record
	unpack  unpacker
	source  func(segment uint64) (vfs.File, error) // nil: the directory
	reason  string
	scratch [crcTail]byte
}

// NewReader makes a reader that starts at position at, the begin of a record. Of opts it uses FS, Dir, SystemID,
// Timeline and SegmentSize.
func NewReader(opts Options, at ids.LSN) *Reader {
	opts.setDefaults()
	return &Reader{fsys: opts.FS, dir: opts.Dir, timeline: opts.Timeline, segSize: uint64(opts.SegmentSize), systemID: opts.SystemID, pos: at}
}

// SetSource makes the reader take segments from open instead of from its directory. A segment that is not there is an error that wraps
// fs.ErrNotExist.
func (r *Reader) SetSource(open func(segment uint64) (vfs.File, error)) { r.source = open }

// Retry makes the reader forget what it has read ahead, so that after io.EOF it looks again for more.
func (r *Reader) Retry() error {
	r.buf, r.bufAt = r.buf[:0], uint64(r.pos)
	return r.Close()
}

// Close closes the segment file.
func (r *Reader) Close() error {
	if r.f == nil {
		return nil
	}
	err := r.f.Close()
	r.f = nil
	return err
}

// Pos returns where the next record begins; after io.EOF, the end of the log.
func (r *Reader) Pos() ids.LSN { return r.pos }

// seekLimit is the size of the records that Seek believes in.
const seekLimit = 1 << 20

// Seek moves the reader to the first record that begins at its position or behind it, before end; io.EOF when there is none. A record longer than 1 MB
// is found only if it begins at the position.
func (r *Reader) Seek(end ids.LSN) error {
	r.pos = ids.LSN((uint64(r.pos) + 7) &^ 7)
	for first := true; r.pos < end; first = false {
		at := r.pos
		head, err := r.bytes(uint64(at), headerSize)
		if err != nil {
			return r.end(err)
		}
		if size := le.Uint32(head); size >= headerSize && (size <= seekLimit || first) {
			_, err := r.Next()
			r.pos = at
			if err == nil {
				return nil
			}
		}
		r.pos = at + 8
	}
	return io.EOF
}

// EndReason says why the log ends where it does.
func (r *Reader) EndReason() string { return r.reason }

// Next returns the next record, valid until the next call; io.EOF at the end of the log; another error when the
// log cannot be read.
func (r *Reader) Next() (*Record, error) {
	head, err := r.bytes(uint64(r.pos), headerSize)
	if err != nil {
		return nil, r.end(err)
	}
	size := le.Uint32(head)
	switch {
	case size == 0:
		return nil, r.endf("zero length record at %s", r.pos)
	case size < headerSize || size > MaxRecordSize:
		return nil, r.endf("invalid record length %d at %s", size, r.pos)
	}
	b, err := r.bytes(uint64(r.pos), uint64(size))
	if err != nil {
		return nil, r.end(err)
	}
	crc := finishCRC(crc32.Update(0, castagnoli, b[headerSize:]), b, r.pos, r.systemID, &r.scratch)
	if crc != le.Uint32(b[4:]) {
		return nil, r.endf("incorrect checksum of the record at %s", r.pos)
	}
	if err := r.rec.decode(b, r.pos, &r.unpack); err != nil {
		return nil, err
	}
	r.pos = r.rec.End
	if r.rec.Kind == Switch {
		r.pos = ids.LSN((uint64(r.pos) + r.segSize - 1) / r.segSize * r.segSize)
	}
	return &r.rec, nil
}

func (r *Reader) endf(format string, args ...any) error {
	r.reason = fmt.Sprintf(format, args...)
	return io.EOF
}

func (r *Reader) end(err error) error {
	if errors.Is(err, fs.ErrNotExist) || err == io.EOF {
		return r.endf("the log has no segment for %s", r.pos)
	}
	return err
}

// bytes returns n bytes of the log from position at, growing or moving the buffer as needed.
func (r *Reader) bytes(at, n uint64) ([]byte, error) {
	if at < r.bufAt || at > r.bufAt+uint64(len(r.buf)) {
		r.buf, r.bufAt = r.buf[:0], at
	}
	if at+n <= r.bufAt+uint64(len(r.buf)) {
		return r.buf[at-r.bufAt:][:n], nil
	}
	k := copy(r.buf, r.buf[at-r.bufAt:])
	r.buf, r.bufAt = r.buf[:k], at
	for uint64(len(r.buf)) < n {
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
	return r.buf[:n], nil
}

// fill appends what follows in the current segment to the buffer.
func (r *Reader) fill() error {
	const chunk = 128 << 10
	at := r.bufAt + uint64(len(r.buf))
	if err := r.openAt(at); err != nil {
		return err
	}
	want := min(chunk, r.segSize-at%r.segSize)
	have := len(r.buf)
	for cap(r.buf) < have+int(want) {
		r.buf = append(r.buf[:cap(r.buf)], 0)
	}
	n, err := r.f.ReadAt(r.buf[have:have+int(want)], int64(at%r.segSize))
	r.buf = r.buf[:have+n]
	if n > 0 || err == nil {
		return nil
	}
	return err
}

func (r *Reader) openAt(at uint64) error {
	no := at / r.segSize
	if r.f != nil && r.fileNo == no {
		return nil
	}
	if err := r.Close(); err != nil {
		return err
	}
	open := r.source
	if open == nil {
		open = func(no uint64) (vfs.File, error) {
			return r.fsys.Open(filepath.Join(r.dir, SegmentName(r.timeline, no, int(r.segSize))), os.O_RDONLY, 0)
		}
	}
	f, err := open(no)
	if err != nil {
		return err
	}
	r.f, r.fileNo = f, no
	return nil
}
