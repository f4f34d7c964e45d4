package vacuum

import (
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/btree"
	"gompho/storage/buffer"
	"gompho/storage/heap"
)

// removeDead removes the collected line pointers from the indexes and then from the table.
func (v *run) removeDead() error {
	if v.dead.len() == 0 {
		return nil
	}
	if v.p.IndexCleanup == CleanupOff {
		v.dead.reset()
		return nil
	}
	v.progress(stats.VacuumPhase, stats.VacuumVacuumingIndexes)
	err := v.eachIndex("vacuuming", true, func(tx *mvcc.Session, ix *btree.Index, delay func(int) error, st *btree.VacuumStats) error {
		return ix.BulkDelete(tx, v.dead.has, delay, st)
	})
	if err != nil {
		return err
	}
	v.st.IndexScans++
	v.progress(stats.VacuumIndexRounds, int64(v.st.IndexScans))
	if err := v.freeDead(); err != nil {
		return err
	}
	v.dead.reset()
	v.progress(stats.VacuumDead, 0)
	return nil
}

// freeDead is the second pass: over the pages that have dead line pointers.
func (v *run) freeDead() error {
	v.progress(stats.VacuumPhase, stats.VacuumVacuumingHeap)
	coming := 0
	ahead := v.r.Env.Pool.NewPrefetcher(v.slot, v.r.File, v.slot.ReadAhead(true), func() (ids.BlockNumber, bool) {
		for ; coming < len(v.dead.first); coming++ {
			if blk := v.dead.base + ids.BlockNumber(coming); len(v.dead.of(blk)) > 0 {
				coming++
				return blk, true
			}
		}
		return 0, false
	})
	for i := range v.dead.first {
		blk := v.dead.base + ids.BlockNumber(i)
		offs := v.dead.of(blk)
		if len(offs) == 0 {
			continue
		}
		v.progress(stats.VacuumHeapVacuumed, int64(blk))
		if err := v.slot.CheckInterrupts(); err != nil {
			return err
		}
		if err := v.vm.Pin(v.slot, blk); err != nil {
			return err
		}
		ahead.Step()
		b, err := v.r.Env.Pool.Read(v.slot, v.r.File, ids.MainFork, blk, v.strategy)
		if err != nil {
			return err
		}
		b.Lock(buffer.Exclusive)
		free := heap.FreeDead(v.tx, v.r, b, &v.vm, offs, &v.cut)
		b.UnlockRelease()
		if err := v.r.FreeSpaceMap().Record(v.slot, blk, free); err != nil {
			return err
		}
		if err := v.delay(costMiss + costDirty); err != nil {
			return err
		}
	}
	return nil
}

// finishIndexes removes what is left to remove and cleans up.
func (v *run) finishIndexes() error {
	if v.p.IndexCleanup == CleanupAuto && v.st.IndexScans == 0 && ids.BlockNumber(v.dead.pages) < v.st.Pages/bypassShare && v.dead.len() < bypassItems {
		v.st.Bypassed = v.dead.len() > 0
		v.dead.reset()
	} else if err := v.removeDead(); err != nil {
		return err
	}
	if v.p.IndexCleanup == CleanupOff {
		v.st.Bypassed = true
		return nil
	}
	v.progress(stats.VacuumPhase, stats.VacuumCleaningIndexes)
	return v.eachIndex("cleanup", v.st.IndexScans == 0, func(tx *mvcc.Session, ix *btree.Index, delay func(int) error, st *btree.VacuumStats) error {
		return ix.VacuumCleanup(tx, delay, st)
	})
}

// eachIndex calls f for every index, on several processes if there are workers and enough work for them. what is a word for messages.
func (v *run) eachIndex(what string, parallel bool, f func(tx *mvcc.Session, ix *btree.Index, delay func(int) error, st *btree.VacuumStats) error) error {
	one := func(tx *mvcc.Session, i int) error {
		var delay func(int) error
		if v.p.Delay != nil {
			slot := tx.Slot()
			delay = func(cost int) error { return v.p.Delay(slot, cost) }
		}
		return f(tx, v.indexes[i], delay, &v.st.Indexes[i])
	}
	large, err := v.largeIndexes()
	if err != nil {
		return err
	}
	n := min(len(large)-1, v.p.MaxWorkers)
	if !parallel || v.p.Workers == nil || n <= 0 {
		for i := range v.indexes {
			if err := one(v.tx, i); err != nil {
				return err
			}
		}
		return nil
	}
	var next atomic.Int64
	var say sync.Once
	isLarge := make([]bool, len(v.indexes))
	for _, i := range large {
		isLarge[i] = true
	}
	return v.p.Workers(n, func(launched int) { say.Do(func() { v.sayWorkers(what, launched, n) }) }, func(tx *mvcc.Session) error {
		if tx == v.tx { // what is too small for workers the session does first
			for i := range v.indexes {
				if !isLarge[i] {
					if err := one(tx, i); err != nil {
						return err
					}
				}
			}
		}
		for {
			k := int(next.Add(1)) - 1
			if k >= len(large) {
				return nil
			}
			if err := one(tx, large[k]); err != nil {
				return err
			}
		}
	})
}

// largeIndexes lists the indexes that are worth a worker.
func (v *run) largeIndexes() (out []int, err error) {
	if v.p.Workers == nil || v.p.MaxWorkers <= 0 {
		return nil, nil
	}
	for i, ix := range v.indexes {
		n, err := ix.Env.Pool.Blocks(ix.File, ids.MainFork)
		if err != nil {
			return nil, err
		}
		if n >= v.p.MinIndexBlocks {
			out = append(out, i)
		}
	}
	return out, nil
}
