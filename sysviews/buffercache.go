package sysviews

import (
	"gompho/functions"
	"gompho/session"
	"gompho/storage/buffer"
	"gompho/types"
)

// bufferPages lists the columns of pg_buffercache: one row for each shared buffer, what is in it NULL while it is empty.
func bufferPages(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	out := make([][]types.Datum, 0, s.Heap.Pool.Buffers())
	s.Heap.Pool.Info(func(b buffer.BufferInfo) {
		row := nulls(9)[0]
		row[0] = types.Int(int64(b.ID + 1))
		if b.Cached {
			row[1], row[2], row[3] = types.OidDatum(b.Rel.Rel), types.OidDatum(b.Rel.Spc), types.OidDatum(b.Rel.DB)
			row[4], row[5], row[6] = types.Int(int64(b.Fork)), types.Int(int64(b.Block)), types.Bool(b.Dirty)
			row[7], row[8] = types.Int(int64(b.Usage)), types.Int(int64(b.Pins))
		}
		out = append(out, row)
	})
	return out, s.Slot.CheckInterrupts()
}

// bufferSummary lists the columns of pg_buffercache_summary, which PostgreSQL has since 16.
func bufferSummary(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	var used, unused, dirty, pinned, usage int64
	s.Heap.Pool.Info(func(b buffer.BufferInfo) {
		if b.Pins > 0 {
			pinned++
		}
		if !b.Cached {
			unused++
			return
		}
		used++
		usage += int64(b.Usage)
		if b.Dirty {
			dirty++
		}
	})
	average := types.Null
	if used > 0 {
		average = types.Float(float64(usage) / float64(used))
	}
	return [][]types.Datum{{types.Int(used), types.Int(unused), types.Int(dirty), types.Int(pinned), average}}, nil
}
