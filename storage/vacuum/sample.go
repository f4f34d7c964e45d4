package vacuum

import (
	"math/rand/v2"
	"slices"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/heap"
	"gompho/storage/tuple"
	"gompho/types"
)

// Sampled are the rows that ANALYZE looks at.
type Sampled struct {
	Rows  [][]types.Datum // of the attributes asked for, in physical order; they own their memory
	TIDs  []ids.TID
	Live  float64         // estimated rows in the table
	Dead  float64         // estimated dead versions
	Pages ids.BlockNumber // of the table
}

// Sample draws up to target rows at random: first blocks, as many as rows are wanted (or all), then rows of these by a reservoir, so that every row is
// as likely as any other.
func Sample(tx *mvcc.Session, r *heap.Rel, cols []int, target int, seed int64, delay func(cost int) error) (Sampled, error) {
	n, err := r.Blocks()
	if err != nil {
		return Sampled{}, err
	}
	s := sampling{tx: tx, r: r, target: target, rng: rand.New(rand.NewPCG(uint64(seed), uint64(seed)>>32^0x9e3779b97f4a7c15)),
		oldest: tx.Manager().OldestXmin(r.DB), strategy: r.Env.Pool.NewStrategy(buffer.BulkRead)}
	blocks := s.chooseBlocks(n)
	tx.Slot().SetProgress(stats.ProgressAnalyze, stats.AnalyzeBlocks, int64(len(blocks)))
	coming := blocks
	ahead := r.Env.Pool.NewPrefetcher(tx.Slot(), r.File, tx.Slot().ReadAhead(true), func() (ids.BlockNumber, bool) {
		if len(coming) == 0 {
			return 0, false
		}
		blk := coming[0]
		coming = coming[1:]
		return blk, true
	})
	for i, blk := range blocks {
		ahead.Step()
		tx.Slot().SetProgress(stats.ProgressAnalyze, stats.AnalyzeBlocksDone, int64(i))
		if err := s.block(blk); err != nil {
			return Sampled{}, err
		}
		if delay != nil {
			if err := delay(costMiss); err != nil {
				return Sampled{}, err
			}
		}
	}
	tx.Slot().SetProgress(stats.ProgressAnalyze, stats.AnalyzeBlocksDone, int64(len(blocks)))
	out := Sampled{Pages: n}
	if len(blocks) > 0 {
		scale := float64(n) / float64(len(blocks))
		out.Live = float64(int64(float64(s.live)*scale + 0.5))
		out.Dead = float64(int64(float64(s.dead)*scale + 0.5))
	}
	return out, s.fetch(cols, &out)
}

type sampling struct {
	tx       *mvcc.Session
	r        *heap.Rel
	target   int
	rng      *rand.Rand
	oldest   ids.Xid
	strategy *buffer.Strategy
	tids     []ids.TID
	live     int
	dead     int
}

// chooseBlocks draws min(target, n) blocks in ascending order (Knuth's algorithm S).
func (s *sampling) chooseBlocks(n ids.BlockNumber) []ids.BlockNumber {
	want := min(s.target, int(n))
	out := make([]ids.BlockNumber, 0, want)
	for blk := ids.BlockNumber(0); len(out) < want; blk++ {
		left, need := int64(n-blk), int64(want-len(out))
		if s.rng.Int64N(left) < need {
			out = append(out, blk)
		}
	}
	return out
}

// block offers the rows of a block to the reservoir.
func (s *sampling) block(blk ids.BlockNumber) error {
	if err := s.tx.Slot().CheckInterrupts(); err != nil {
		return err
	}
	b, err := s.r.Env.Pool.Read(s.tx.Slot(), s.r.File, ids.MainFork, blk, s.strategy)
	if err != nil {
		return err
	}
	b.Lock(buffer.Share)
	defer b.UnlockRelease()
	pg := b.Page()
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		id := pg.ItemID(off)
		if id.IsDead() {
			s.dead++
		}
		if !id.IsNormal() {
			continue
		}
		row, dead := heap.SampleStatus(s.tx, tuple.Header(pg.Item(off)), s.oldest)
		if dead {
			s.dead++
		}
		if !row {
			continue
		}
		s.live++
		tid := ids.TID{Block: blk, Offset: off}
		if len(s.tids) < s.target {
			s.tids = append(s.tids, tid)
		} else if k := s.rng.IntN(s.live); k < s.target {
			s.tids[k] = tid
		}
	}
	return nil
}

// fetch decodes the rows drawn, in physical order. One that went away meanwhile is left out.
func (s *sampling) fetch(cols []int, out *Sampled) error {
	slices.SortFunc(s.tids, func(a, b ids.TID) int {
		if a.Less(b) {
			return -1
		}
		return 1
	})
	f := heap.NewFetcher(s.tx, s.r, cols)
	defer f.Close()
	f.Through(s.strategy)
	for i, tid := range s.tids {
		if i%256 == 0 {
			if err := s.tx.Slot().CheckInterrupts(); err != nil {
				return err
			}
		}
		found, err := f.Version(tid, nil)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		row := make([]types.Datum, len(cols))
		if err := f.Values(row); err != nil {
			return err
		}
		for k := range row {
			row[k] = row[k].Clone()
		}
		f.ResetArena()
		out.Rows = append(out.Rows, row)
		out.TIDs = append(out.TIDs, tid)
	}
	return nil
}
