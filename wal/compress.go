package wal

import (
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"gompho/internal/ids"
	"gompho/storage/page"
)

// Compression is the method by which page images are made smaller (wal_compression).
type Compression uint8

const (
	NoCompression Compression = iota
	LZ4
	Zstd
)

// CompressionOf returns the method that a value of wal_compression names. There is no pglz here: it and "on" mean LZ4, which is smaller and quicker.
func CompressionOf(setting string) Compression {
	switch setting {
	case "on", "pglz", "lz4":
		return LZ4
	case "zstd":
		return Zstd
	}
	return NoCompression
}

// A compressed image has packedImage in its fork byte, and instead of operations: method u8, length of the image u16, compressed bytes. What was
// compressed is the operation Image. The reader unpacks it, so that nobody else knows.
const (
	packedImage  = 0x20
	packedHeader = 3
)

// packer compresses images. It belongs to one goroutine at a time.
type packer struct {
	lz4  lz4.Compressor
	zstd *zstd.Encoder
	raw  []byte
	out  []byte
}

// pack returns the compressed form of the image of p, nil when that is not smaller. It is valid until the next call.
func (k *packer) pack(m Compression, p page.Page) []byte {
	k.raw = page.AppendImage(k.raw[:0], p)
	limit := len(k.raw) - packedHeader - 1
	k.out = append(k.out[:0], byte(m), byte(len(k.raw)), byte(len(k.raw)>>8))
	switch m {
	case LZ4:
		if need := packedHeader + lz4.CompressBlockBound(len(k.raw)); cap(k.out) < need {
			k.out = append(make([]byte, 0, need), k.out...)
		}
		n, err := k.lz4.CompressBlock(k.raw, k.out[packedHeader:cap(k.out)])
		if err != nil || n == 0 || n > limit {
			return nil
		}
		return k.out[:packedHeader+n]
	case Zstd:
		if k.zstd == nil {
			var err error
			if k.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(zstd.MinWindowSize<<4), zstd.WithEncoderCRC(false)); err != nil {
				return nil
			}
		}
		k.out = k.zstd.EncodeAll(k.raw, k.out)
		if len(k.out)-packedHeader > limit {
			return nil
		}
		return k.out
	}
	return nil
}

// AddImage adds a page with its full image to b, compressed if the settings say so.
func (l *Log) AddImage(b *Builder, rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, p page.Page) {
	m := NoCompression
	if l.opts.Compression != nil {
		m = l.opts.Compression()
	}
	if m == NoCompression {
		b.Image(rel, fork, blk, p)
		return
	}
	k := l.packers.Get().(*packer)
	defer l.packers.Put(k)
	packed := k.pack(m, p)
	if packed == nil {
		b.Image(rel, fork, blk, p)
		return
	}
	at := len(b.buf)
	b.pageHeader(rel, fork, blk, len(packed))
	b.buf[at] |= packedImage
	b.buf = append(b.buf, packed...)
	b.images++
}

// unpacker is the reader's side: the images of one record, unpacked.
type unpacker struct {
	zstd *zstd.Decoder
	mem  []byte // of the record at hand
}

// unpack returns the operation in a compressed image, which is valid until reset; false when it is damaged.
func (u *unpacker) unpack(b []byte) ([]byte, bool) {
	if len(b) < packedHeader {
		return nil, false
	}
	n := int(le.Uint16(b[1:]))
	if n > page.ImageHeaderSize+page.Size {
		return nil, false
	}
	if cap(u.mem)-len(u.mem) < n {
		u.mem = make([]byte, 0, max(2*cap(u.mem), 4*page.Size)) // what was unpacked before stays where it is
	}
	out := u.mem[len(u.mem) : len(u.mem)+n]
	got := 0
	switch Compression(b[0]) {
	case LZ4:
		var err error
		if got, err = lz4.UncompressBlock(b[packedHeader:], out); err != nil {
			return nil, false
		}
	case Zstd:
		if u.zstd == nil {
			var err error
			if u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(4*page.Size)); err != nil {
				return nil, false
			}
		}
		res, err := u.zstd.DecodeAll(b[packedHeader:], out[:0])
		if err != nil || len(res) > n {
			return nil, false
		}
		got = len(res)
		copy(out, res)
	}
	if got != n {
		return nil, false
	}
	u.mem = u.mem[:len(u.mem)+n]
	return out, true
}
