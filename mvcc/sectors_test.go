package mvcc

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"gompho/internal/pgerr"
)

// TestSectorBitFlips: each flipped bit of a page is found, and a page of which a crash left some sectors old is not taken for damaged.
func TestSectorBitFlips(t *testing.T) {
	const seed = 7
	rnd := rand.New(rand.NewPCG(seed, seed))
	content, disk, back := make([]byte, pageSize), make([]byte, diskPage), make([]byte, pageSize)
	for i := range 3 * sectorData { // the other sectors are zeros
		content[i] = byte(rnd.Uint32())
	}
	seal(5, content, disk)
	if !unseal(5, disk, back) || !bytes.Equal(content, back) {
		t.Fatal("a page is not read as it was written")
	}
	if unseal(6, disk, back) {
		t.Error("a page in the place of another is not found")
	}
	for bit := range 8 * diskPage {
		disk[bit/8] ^= 1 << (bit % 8)
		if unseal(5, disk, back) {
			t.Fatalf("seed %d: bit %d flipped is not found", seed, bit)
		}
		disk[bit/8] ^= 1 << (bit % 8)
	}
	content[0]++
	content[2*sectorData]++
	torn := make([]byte, diskPage)
	seal(5, content, torn)
	copy(torn[sectorBytes:], disk[sectorBytes:]) // of the new page only the first sector came
	if !unseal(5, torn, back) {
		t.Error("a torn page is taken for damaged")
	}
}

// TestDamagedCommitLog: a manager does not open with a damaged file, and says which.
func TestDamagedCommitLog(t *testing.T) {
	for _, dir := range []string{"pg_xact", "pg_multixact/offsets", "pg_multixact/members"} {
		d := newDisk()
		s := must(openSegments(d, "data/"+dir))
		page := bytes.Repeat([]byte{0xaa}, pageSize)
		for no := range uint64(3) {
			check(s.write(no, page))
		}
		check(s.verify())
		d.files["data/"+dir+"/0000"].now[diskPage+77] ^= 4
		err := s.verify()
		if err == nil || pgerr.From(err).Code != pgerr.DataCorrupted || pgerr.From(err).Message != "invalid page in block 1 of file \""+dir+"/0000\"" {
			t.Errorf("%s: %v", dir, err)
		}
		if err := s.read(nil, 1, page); err == nil {
			t.Errorf("%s: the damaged page can be read", dir)
		}
		check(s.read(nil, 2, page))
	}
}
