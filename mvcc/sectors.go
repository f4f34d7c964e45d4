package mvcc

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"strings"

	"gompho/internal/pgerr"
	"gompho/storage/vfs"
)

// The pages of segments have no full images in the log: a crash may leave some sectors of a page as they were before its last write.
// Redo brings each of them up to date by itself, so each has its own checksum rather than the page.
const (
	sectorBytes = vfs.SectorSize
	sectorData  = sectorBytes - 8
	sectors     = diskPage / sectorBytes
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sectorMark is the checksum of a sector: in its last 8 bytes, with the number of its page. A sector of zeros, never written, has none.
func sectorMark(page uint64, i int, data []byte) uint64 {
	var place [9]byte
	binary.LittleEndian.PutUint64(place[:], page)
	place[8] = byte(i)
	c := crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, data)
	return uint64(c) | uint64(uint32(page)+1)<<32
}

// seal puts the content of a page into the form that it has on disk.
func seal(page uint64, content, disk []byte) {
	for i := range sectors {
		data, out := content[i*sectorData:][:sectorData], disk[i*sectorBytes:][:sectorBytes]
		copy(out, data)
		mark := uint64(0)
		if !zeros(data) {
			mark = sectorMark(page, i, data)
		}
		binary.LittleEndian.PutUint64(out[sectorData:], mark)
	}
}

// unseal is the inverse; ok is false when a sector is damaged.
func unseal(page uint64, disk, content []byte) (ok bool) {
	for i := range sectors {
		in := disk[i*sectorBytes:][:sectorBytes]
		data := in[:sectorData]
		if mark := binary.LittleEndian.Uint64(in[sectorData:]); mark != 0 || !zeros(data) {
			if mark != sectorMark(page, i, data) {
				return false
			}
		}
		copy(content[i*sectorData:], data)
	}
	return true
}

func zeros(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
	}
	return true
}

// damaged is the error of a page whose checksums are wrong.
func (s *segments) damaged(page uint64) error {
	name := s.name(page / pagesPerSegment)
	if i := strings.LastIndex(name, "/pg_"); i >= 0 {
		name = name[i+1:]
	}
	return pgerr.New(pgerr.DataCorrupted, "invalid page in block %d of file \"%s\"", page%pagesPerSegment, name).
		WithHint("The outcome of transactions is not known without it: restore the file from a backup.")
}

// verify reads all pages: what is damaged is found before anybody relies on it.
func (s *segments) verify() error {
	segs, err := s.list()
	if err != nil {
		return err
	}
	disk, content := make([]byte, pagesPerSegment*diskPage), make([]byte, pageSize)
	for _, seg := range segs {
		s.mu.Lock()
		f, err := s.file(seg, false)
		if err == nil {
			clear(disk)
			if _, err = f.ReadAt(disk, 0); err == io.EOF {
				err = nil
			}
		}
		s.mu.Unlock()
		if err != nil {
			return ioError(err, "read", s.name(seg))
		}
		for i := range uint64(pagesPerSegment) {
			if page := seg*pagesPerSegment + i; !unseal(page, disk[i*diskPage:][:diskPage], content) {
				return s.damaged(page)
			}
		}
	}
	return nil
}
