package offheap

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Alloc returns size zero bytes, aligned to a memory page. With huge set it asks for huge pages, which may use
// more memory and needs fewer page faults.
func Alloc(size int, huge bool) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("could not map %d bytes of anonymous memory: %w", size, err)
	}
	if huge {
		_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // only a wish
	}
	return b, nil
}

// Free gives memory of Alloc back.
func Free(b []byte) error {
	if b == nil {
		return nil
	}
	return unix.Munmap(b)
}
