package heap

import (
	"sync/atomic"

	"gompho/internal/ids"
)

// BlockSource shares out the blocks of a table among scans that run at once. The pieces become smaller towards the end, so that
// all finish at about the same time.
type BlockSource struct {
	next atomic.Uint32
	size uint32
}

// NewBlockSource shares out the blocks that the table has now.
func (r *Rel) NewBlockSource() (*BlockSource, error) {
	n, err := r.Blocks()
	return &BlockSource{size: uint32(n)}, err
}

const (
	maxPiece = 512 // blocks
	minPiece = 8
)

// take returns the next piece [from, to); ok is false when nothing is left.
func (s *BlockSource) take() (from, to ids.BlockNumber, ok bool) {
	for {
		at := s.next.Load()
		if at >= s.size {
			return 0, 0, false
		}
		n := min(max(minPiece, min(maxPiece, (s.size-at)/16)), s.size-at)
		if s.next.CompareAndSwap(at, at+n) {
			return ids.BlockNumber(at), ids.BlockNumber(at + n), true
		}
	}
}
