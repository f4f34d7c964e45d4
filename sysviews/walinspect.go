package sysviews

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/types"
	"gompho/wal"
	"gompho/wal/inspect"
)

// walInspectEntries are the functions of PostgreSQL's extension pg_walinspect.
func walInspectEntries() []functions.Entry {
	return []functions.Entry{
		{Name: "pg_get_wal_record_info", Set: setOf(walRecord)},
		{Name: "pg_get_wal_records_info", Set: setOf(walRecords(true))},
		{Name: "pg_get_wal_records_info_till_end_of_wal", Set: setOf(walRecords(false))},
		{Name: "pg_get_wal_stats", Set: setOf(walStats(true))},
		{Name: "pg_get_wal_stats_till_end_of_wal", Set: setOf(walStats(false))},
	}
}

// walRange are the ends of the stretch of the log that a call asks for; bounded says that its second argument is the end.
func walRange(s *session.Session, c *functions.Call, bounded bool) (from, to ids.LSN, err error) {
	now := s.Ops.WalFlushed()
	from, to = ids.LSN(c.Args[0].Word()), now
	future := func(which string) error {
		return pgerr.New(pgerr.InvalidParameterValue, "cannot accept future %s LSN", which).WithDetail("Last known WAL LSN on the database system is at %s.", now)
	}
	if from >= now {
		return 0, 0, future("start")
	}
	if !bounded {
		return from, to, nil
	}
	if to = ids.LSN(c.Args[1].Word()); to > now {
		return 0, 0, future("end")
	}
	if from >= to {
		return 0, 0, pgerr.New(pgerr.InvalidParameterValue, "WAL start LSN must be less than end LSN")
	}
	return from, to, nil
}

// eachWal calls do for the records that begin in the stretch and end in what is flushed, until it returns false. prev is where the record before begins.
func eachWal(s *session.Session, from, to ids.LSN, do func(r *wal.Record, prev ids.LSN) bool) error {
	if from < ids.BlockSize { // there never was a record
		return pgerr.New(pgerr.InternalError, "could not read WAL at LSN %s", from)
	}
	timeline, size := s.Ops.WalSegment()
	r := wal.NewReader(wal.Options{FS: s.Heap.Pool.Storage().FS(), Dir: filepath.Join(s.Ops.DataDirectory, "pg_wal"), SystemID: s.Ops.SystemID, Timeline: timeline,
		SegmentSize: int(size)}, from)
	defer r.Close()
	name := wal.SegmentName(timeline, uint64(from)/size, int(size))
	if _, err := s.Heap.Pool.Storage().FS().Stat(filepath.Join(s.Ops.DataDirectory, "pg_wal", name)); errors.Is(err, fs.ErrNotExist) {
		return pgerr.New(pgerr.UndefinedFile, "requested WAL segment pg_wal/%s has already been removed", name)
	}
	now := s.Ops.WalFlushed()
	err := r.Seek(now)
	if err == io.EOF {
		return pgerr.New(pgerr.InvalidParameterValue, "could not find a valid record after %s", from)
	}
	prev := ids.LSN(0)
	for n := 0; err == nil && r.Pos() < to; n++ {
		if n%64 == 0 {
			if err := s.Slot.CheckInterrupts(); err != nil {
				return err
			}
		}
		var rec *wal.Record
		if rec, err = r.Next(); err != nil || rec.End > now {
			break
		}
		if !do(rec, prev) {
			break
		}
		prev = rec.Start
	}
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return pgerr.Wrap(err, pgerr.FileCode(err), "could not read WAL at %s: %v", r.Pos(), err)
	}
	return nil
}

func walRecordRow(r *wal.Record, prev ids.LSN) []types.Datum {
	l := inspect.Of(r, prev)
	before, blocks := types.Null, types.Null
	if prev != 0 {
		before = types.Word(uint64(prev))
	}
	if l.Blocks != "" {
		blocks = types.String(l.Blocks)
	}
	return []types.Datum{types.Word(uint64(l.Start)), types.Word(uint64(l.End)), before, xidDatum(l.Xid), types.String(l.Manager), types.String(l.Type),
		types.Int(int64(l.Length)), types.Int(int64(l.MainLength)), types.Int(int64(l.FPILength)), types.String(l.Description), blocks}
}

// walRecord is pg_get_wal_record_info: the first record at a position or behind it.
func walRecord(s *session.Session, c *functions.Call) (out [][]types.Datum, err error) {
	at, now := ids.LSN(c.Args[0].Word()), s.Ops.WalFlushed()
	if at >= now {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "cannot accept future input LSN").WithDetail("Last known WAL LSN on the database system is at %s.", now)
	}
	err = eachWal(s, at, now, func(r *wal.Record, prev ids.LSN) bool {
		out = append(out, walRecordRow(r, prev))
		return false
	})
	if err == nil && len(out) == 0 {
		err = pgerr.New(pgerr.InvalidParameterValue, "could not find a valid record after %s", at)
	}
	return out, err
}

func walRecords(bounded bool) func(*session.Session, *functions.Call) ([][]types.Datum, error) {
	return func(s *session.Session, c *functions.Call) (out [][]types.Datum, err error) {
		from, to, err := walRange(s, c, bounded)
		if err != nil {
			return nil, err
		}
		err = eachWal(s, from, to, func(r *wal.Record, prev ids.LSN) bool {
			out = append(out, walRecordRow(r, prev))
			return true
		})
		return out, err
	}
}

// walStats is pg_get_wal_stats: a row for each resource manager or type of record that occurs. PostgreSQL has rows of zeros for the other managers.
func walStats(bounded bool) func(*session.Session, *functions.Call) ([][]types.Datum, error) {
	return func(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
		from, to, err := walRange(s, c, bounded)
		if err != nil {
			return nil, err
		}
		st := inspect.Stats{PerRecord: c.Args[len(c.Args)-1].Bool()}
		if err := eachWal(s, from, to, func(r *wal.Record, _ ids.LSN) bool { st.Add(r); return true }); err != nil {
			return nil, err
		}
		all := st.Total()
		var out [][]types.Datum
		part := func(n, of int64) types.Datum { return types.Float(inspect.Percent(n, of)) }
		for _, x := range st.Rows() {
			both := x.RecordSize + x.FPISize
			out = append(out, []types.Datum{types.String(x.Name), types.Int(x.Count), part(x.Count, all.Count), types.Int(x.RecordSize), part(x.RecordSize, all.RecordSize),
				types.Int(x.FPISize), part(x.FPISize, all.FPISize), types.Int(both), part(both, all.RecordSize+all.FPISize)})
		}
		return out, nil
	}
}
