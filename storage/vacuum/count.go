package vacuum

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/heap"
	"gompho/storage/tuple"
)

// CountDead counts the row versions of a table that nobody needs any more.
func CountDead(tx *mvcc.Session, r *heap.Rel) (dead float64, err error) {
	n, err := r.Blocks()
	if err != nil {
		return 0, err
	}
	oldest := tx.Manager().OldestXmin(r.DB)
	strategy := r.Env.Pool.NewStrategy(buffer.BulkRead)
	for blk := ids.BlockNumber(0); blk < n; blk++ {
		if err := tx.Slot().CheckInterrupts(); err != nil {
			return 0, err
		}
		b, err := r.Env.Pool.Read(tx.Slot(), r.File, ids.MainFork, blk, strategy)
		if err != nil {
			return 0, err
		}
		b.Lock(buffer.Share)
		pg := b.Page()
		for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
			if !pg.ItemID(off).IsNormal() {
				continue
			}
			if v, _, _ := tx.VacuumStatus(tuple.Header(pg.Item(off)), oldest); v == mvcc.VacuumDead {
				dead++
			}
		}
		b.UnlockRelease()
	}
	return dead, nil
}
