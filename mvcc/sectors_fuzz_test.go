package mvcc

import (
	"bytes"
	"testing"
)

// FuzzUnseal reads pages of any content: what is taken for whole is what sealing it gives.
func FuzzUnseal(f *testing.F) {
	content, disk := make([]byte, pageSize), make([]byte, diskPage)
	content[0], content[5000] = 1, 2
	seal(9, content, disk)
	f.Add(uint64(9), append([]byte(nil), disk...))
	f.Add(uint64(0), make([]byte, diskPage))
	f.Fuzz(func(t *testing.T, page uint64, data []byte) {
		disk, content, again := make([]byte, diskPage), make([]byte, pageSize), make([]byte, diskPage)
		copy(disk, data)
		if !unseal(page, disk, content) {
			return
		}
		if seal(page, content, again); !bytes.Equal(disk, again) {
			t.Fatal("another page has the same content")
		}
	})
}
